/* SPDX-License-Identifier: GPL-2.0-only */
/* im/hold.c - a driver that takes its time: two queues, one down and one up, each in order.
 *
 * Down: all requests but update and invalidate, whose effect the layer above relies on when the call returns.  Up:
 * completions.  Indications are synchronous and cannot wait, so before one goes up, the completions that are about the
 * same object go first: what the layer above sees of a connection keeps the order in which the adapter said it, and no
 * indication precedes the completion of its initiate (D-15).  Without memory for one more item all that waits goes at
 * once. */
#include "im/im_core.h"

void im_queue_init(struct flue_im *im, struct im_queue *queue, flue_ps hold_ps, void (*fire)(struct timer *, flue_ps))
{
    *queue = (struct im_queue){.im = im, .hold_ps = hold_ps};
    list_init(&queue->items);
    timer_setup(&queue->timer, fire);
}

/* ---- Which objects an item on its way up is about ---- */

static flue_err count_block(im_tree_p block, void *arg)
{
    struct im_entry *entry = ((struct im_call *)block->ImReserved[0])->entry;

    if (entry != NULL) {
        entry->held_up += *(const uint32_t *)arg;
    }
    return FLUE_OK;
}

static void count(const struct im_held *item, bool more)
{
    uint32_t step = more ? 1 : UINT32_MAX; /* one less, modulo 2^32 */

    if (item->kind == IM_HELD_TREE) {
        (void)flue_protocol_block_walk(item->object, count_block, &step);
        return;
    }
    for (PNET_BUFFER_LIST nbl = item->object; nbl != NULL; nbl = nbl->Next) {
        im_context_entry(nbl)->held_up += step;
    }
}

/* ---- Release ---- */

static bool take(struct im_queue *queue, struct im_held *out)
{
    struct flue_hook *hook = list_pop_front(&queue->items);
    struct im_held *item;

    if (hook == NULL) {
        return false;
    }
    item = FLUE_CONTAINER_OF(hook, struct im_held, hook);
    *out = *item;
    pool_put(&queue->im->held, item);
    return true;
}

static bool release_down(struct flue_im *im)
{
    struct im_held item;

    if (!take(&im->down, &item)) {
        return false;
    }
    switch (item.kind) {
    case IM_HELD_TREE:
        im_tree_pass(im, (enum im_operation)item.what, item.object);
        break;
    case IM_HELD_DATA:
        im_data_pass(item.entry, (enum im_request)item.what, item.object, item.flags);
        break;
    case IM_HELD_RETURN:
        im_return_pass(im, item.object);
        break;
    }
    return true;
}

static bool release_up(struct flue_im *im)
{
    struct im_held item;

    if (!take(&im->held_up, &item)) {
        return false;
    }
    count(&item, false);
    if (item.kind == IM_HELD_TREE) {
        im_tree_return(im, (enum im_operation)item.what, item.object);
    } else {
        im_data_return(im, (enum im_request)item.what, item.object);
    }
    return true;
}

static void arm(struct im_queue *queue)
{
    struct flue_hook *hook = list_first(&queue->items);

    if (hook != NULL && !timer_armed(&queue->timer)) {
        timers_arm(queue->im->timers, &queue->timer, FLUE_CONTAINER_OF(hook, struct im_held, hook)->due_ps);
    }
}

static bool due(const struct im_queue *queue, flue_ps now_ps)
{
    struct flue_hook *hook = list_first(&queue->items);

    return hook != NULL && FLUE_CONTAINER_OF(hook, struct im_held, hook)->due_ps <= now_ps;
}

void im_hold_down_fire(struct timer *timer, flue_ps now_ps)
{
    struct im_queue *queue = FLUE_CONTAINER_OF(timer, struct im_queue, timer);

    while (due(queue, now_ps)) {
        (void)release_down(queue->im);
    }
    arm(queue);
}

void im_hold_up_fire(struct timer *timer, flue_ps now_ps)
{
    struct im_queue *queue = FLUE_CONTAINER_OF(timer, struct im_queue, timer);

    while (due(queue, now_ps)) {
        (void)release_up(queue->im);
    }
    arm(queue);
}

void im_hold_flush_up(struct flue_im *im)
{
    while (release_up(im)) {
    }
}

void im_hold_flush_down(struct flue_im *im)
{
    while (release_down(im)) {
    }
}

void im_hold_flush_entry(struct im_entry *entry)
{
    while (entry->held_up > 0) {
        (void)release_up(entry->im);
    }
}

/* ---- Keep ---- */

static struct im_held *keep(struct im_queue *queue, const struct im_held *item)
{
    struct flue_im *im = queue->im;
    struct im_held *kept = pool_get(&im->held);

    if (kept != NULL) {
        *kept = *item;
        kept->due_ps = im_now(im) + queue->hold_ps;
        hook_init(&kept->hook);
        list_push_back(&queue->items, &kept->hook);
        arm(queue);
    }
    return kept;
}

bool im_hold_down(struct flue_im *im, const struct im_held *item)
{
    if (im->params.kind != FLUE_IM_HOLD || im->down.hold_ps <= 0) {
        return false;
    }
    if (keep(&im->down, item) != NULL) {
        return true;
    }
    while (release_down(im)) {
    }
    return false;
}

bool im_hold_up(struct flue_im *im, const struct im_held *item)
{
    if (im->params.kind != FLUE_IM_HOLD || im->held_up.hold_ps <= 0) {
        return false;
    }
    if (keep(&im->held_up, item) != NULL) {
        count(item, true);
        return true;
    }
    im_hold_flush_up(im);
    return false;
}
