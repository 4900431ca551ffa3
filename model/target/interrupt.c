/* SPDX-License-Identifier: GPL-2.0-only */
/* target/interrupt.c - from the adapter to the host: one FIFO of everything the host is to see, and the moderated
 * interrupt in which it sees it.  With receive-side scaling one of each for every processor; rss.c says which, and
 * keeps their entries in an order that the host cannot tell from that of one FIFO.
 *
 * The entries' visible times never decrease, as all of them are DMA writes behind one another, and the host takes them
 * in this order.  That gives two rules for free: no upward call for an object precedes the return of its initiate
 * completion (D-15), and none follows its terminate completion (CH-118 to CH-122). */

#include <assert.h>

#include "target/fault.h"
#include "target/left.h"

/* ---- The event ring ---- */

static inline struct upward *push(struct target_queue *queue, enum upward_kind kind, struct target_context *context,
                                  flue_ps at_ps, uint64_t bytes)
{
    struct flue_target *target = queue->target;
    struct upward *entry = (struct upward *)ring_push(&queue->upwards);

    assert(entry != NULL && "no memory for what the host is to see");
    *entry = (struct upward){.visible_ps = flue_pcie_write(&target->pcie, at_ps, bytes),
                             .context = context,
                             .kind = kind,
                             .epoch = target->rss.epoch};
    if (queue->upwards.count == 1) {
        interrupt_arm(queue);
    }
    return entry;
}

struct upward *upward_push(struct flue_target *target, enum upward_kind kind, struct target_context *context,
                           flue_ps at_ps, uint64_t bytes)
{
    struct upward *entry;

    if (!target->rss.on) {
        return push(target->queues, kind, context, at_ps, bytes);
    }
    if (context != NULL) {
        return push(rss_queue(target, context), kind, context, at_ps, bytes);
    }
    target->rss.epoch++; /* it may concern every connection: in its place among all that they have */
    entry = push(rss_base(target), kind, context, at_ps, bytes);
    target->rss.epoch++;
    return entry;
}

struct upward *upward_push_frame(struct flue_target *target, const struct flue_frame *frame, flue_ps at_ps,
                                 uint64_t bytes)
{
    return push(target->rss.on ? rss_queue_of_frame(target, frame) : target->queues, UPWARD_FRAME, NULL, at_ps, bytes);
}

void upward_chain(struct flue_target *target, enum upward_kind kind, struct target_context *context,
                  const struct ndis_chain *chain)
{
    struct upward *entry;

    if (context != NULL && (context->state == FLUE_CONTEXT_TERMINATING || context->state == FLUE_CONTEXT_NONE)) {
        context = NULL; /* the entry stands behind the completion that ends the connection */
    }
    if (chain->first != NULL) {
        entry = upward_push(target, kind, context, target->engine.clock_ps,
                            (uint64_t)chain->count * TARGET_COMPLETION_BYTES);
        entry->what.chain.first = chain->first;
        entry->what.chain.last = chain->last;
    }
}

void upward_event(struct flue_target *target, struct target_context *context, ULONG type, ULONG information)
{
    struct upward *entry = upward_push(target, UPWARD_EVENT, context, target->engine.clock_ps, TARGET_COMPLETION_BYTES);

    entry->what.event.type = type;
    entry->what.event.information = information;
}

/* ---- When ---- */

/* Ordinary sends are completed along with anything else; of their own accord only when a batch of them, or the last,
 * has left the wire.  They are queue 0's. */
static flue_ps sent_due(const struct target_queue *queue)
{
    const struct flue_target *target = queue->target;
    uint32_t count = target->sent.count;

    if (queue != target->queues) {
        return FLUE_PS_NEVER;
    }
    if (target->lost.first != NULL) {
        return target_now(target);
    }
    if (count == 0) {
        return FLUE_PS_NEVER;
    }
    count = count < TARGET_SENT_BATCH ? count : TARGET_SENT_BATCH;
    return ((const struct sent *)ring_at(&target->sent, count - 1))->departure_ps;
}

/* Whether the next thing to show does not wait for the moderated interrupt: a switch of D-47. */
static bool hurries(const struct flue_target *target, const struct upward *front)
{
    return target->params.ddi.chimney_moderation_none != 0 && front != NULL && front->kind != UPWARD_FRAME;
}

void interrupt_arm(struct target_queue *queue)
{
    struct flue_target *target = queue->target;
    const struct upward *front;
    flue_ps due_ps;

    if (target->in_batch || queue->postponed) {
        return;
    }
    front = (const struct upward *)ring_front(&queue->upwards);
    due_ps = sent_due(queue);
    if (front != NULL && !rss_in_turn(target, front)) {
        front = NULL; /* the interrupt that shows what stands before it arms this one */
    }
    if (front != NULL && front->visible_ps < due_ps) {
        due_ps = front->visible_ps;
    }
    if (due_ps == FLUE_PS_NEVER) {
        return;
    }
    if (!queue->poll && !hurries(target, front)) {
        due_ps = flue_moderation_next(&queue->moderation, due_ps);
    }
    if (queue->core != NULL && queue->core->clock_ps > due_ps) {
        due_ps = queue->core->clock_ps;
    }
    if (due_ps != timer_due(&queue->timer)) {
        timers_arm(target->timers, &queue->timer, due_ps);
    }
}

static void arm_all(struct flue_target *target)
{
    for (uint32_t i = 0; i < target->queue_count; i++) {
        interrupt_arm(&target->queues[i]);
    }
}

/* ---- What ---- */

/* Up to where the host sees the rings: it reads them while it works, at its core's virtual time. */
static flue_ps sight(const struct target_queue *queue, flue_ps now_ps)
{
    return queue->core != NULL ? queue->core->clock_ps : now_ps;
}

static void complete_frames(struct flue_target *target, flue_ps now_ps)
{
    struct ndis_chain chain = target->lost;
    const struct sent *front;

    target->lost = (struct ndis_chain){0};
    while ((front = (const struct sent *)ring_front(&target->sent)) != NULL &&
           front->departure_ps <= sight(target->queues, now_ps)) {
        ndis_chain_append(&chain, front->nbl);
        ring_pop(&target->sent);
    }
    if (chain.first != NULL) {
        target->batch.completions += chain.count;
        miniport_frames_sent(target, chain.first);
    }
}

static void flush_sends(struct flue_target *target)
{
    struct ndis_chain chain = target->batch.sent;

    if (chain.first != NULL) {
        target->batch.sent = (struct ndis_chain){0};
        miniport_tell_trace(target, target->batch.sent_context);
        chain.last->Next = NULL;
        miniport_data_done(target, UPWARD_SENT, chain.first);
    }
}

/* Sends of one status are collected over connections; the order among statuses stays. */
static void collect_sends(struct flue_target *target, const struct upward *entry)
{
    struct batch *batch = &target->batch;

    if (batch->sent.first != NULL && batch->sent.first->Status != entry->what.chain.first->Status) {
        flush_sends(target);
    }
    if (batch->sent.first == NULL) {
        batch->sent.first = entry->what.chain.first;
        batch->sent_context = entry->context;
    } else {
        batch->sent.last->Next = entry->what.chain.first;
        batch->sent_context = batch->sent_context == entry->context ? entry->context : NULL;
    }
    batch->sent.last = entry->what.chain.last;
}

static void flush(struct flue_target *target)
{
    flush_sends(target);
    receive_flush(target);
}

/* While one tree is dealt with memory brings the next ones. */
static inline void look_ahead(const struct ring *upwards)
{
    for (uint32_t i = 0; i < SLOT_LOOK_AHEAD && i < upwards->count; i++) {
        const struct upward *entry = (const struct upward *)ring_at(upwards, i);

        if (entry->kind >= UPWARD_INITIATE) {
            slot_look_ahead_tree(entry->what.tree, i + 1);
        }
    }
}

/* A state operation is done. */
static void show_operation(struct flue_target *target, const struct upward *entry)
{
    switch (entry->kind) {
    case UPWARD_INITIATE:
        intake_complete(target, entry->what.tree);
        break;
    case UPWARD_TERMINATE:
        give_back_complete(target, entry);
        break;
    case UPWARD_UPDATE:
        miniport_tell_trace(target, NULL);
        miniport_tree_done(target, UPWARD_UPDATE, entry->what.tree);
        left_look(target);
        break;
    case UPWARD_INVALIDATE:
        invalidate_complete(target, entry->what.tree);
        break;
    case UPWARD_QUERY:
        query_complete(target, entry->what.tree);
        break;
    case UPWARD_FRAME:
    case UPWARD_DATA:
    case UPWARD_SENT:
    case UPWARD_RECEIVED:
    case UPWARD_POSTED:
    case UPWARD_POSTS_END:
    case UPWARD_FORWARDED:
    case UPWARD_DISCONNECT:
    case UPWARD_EVENT:
    case UPWARD_STATUS:
    case UPWARD_NEIGHBOUR:
        break;
    }
}

static void show_event(struct flue_target *target, const struct upward *entry)
{
    if (entry->what.event.type == TcpIndicateDisconnect) {
        receive_peer_fin(target, entry->context);
    } else {
        event_raise(target, entry);
    }
}

void interrupt_show(struct flue_target *target, const struct upward *entry)
{
    struct batch *batch = &target->batch;

    switch (entry->kind) {
    case UPWARD_FRAME:
        ndis_chain_append(&batch->frames, entry->what.chain.first);
        target->frames_waiting--;
        return;
    case UPWARD_DATA:
        target->pledged--;
        receive_collect(target, entry->context, &entry->what.span, entry->psh);
        return;
    case UPWARD_POSTED:
        if (context_posts(entry->context) != NULL) {
            receive_touch(target, entry->context);
        }
        return;
    case UPWARD_SENT:
        batch->completions++;
        collect_sends(target, entry);
        return;
    case UPWARD_RECEIVED:
    case UPWARD_FORWARDED:
    case UPWARD_DISCONNECT:
        flush(target);
        miniport_tell_trace(target, entry->context);
        miniport_data_done(target, entry->kind, entry->what.chain.first);
        break;
    case UPWARD_POSTS_END:
        flush(target);
        post_end(target, entry->context, (NDIS_STATUS)entry->what.event.information);
        return;
    case UPWARD_EVENT:
        flush(target);
        show_event(target, entry);
        break;
    case UPWARD_STATUS:
        flush(target);
        power_show(target, entry);
        break;
    case UPWARD_NEIGHBOUR:
        flush(target);
        neighbour_ask(target, entry->what.neighbour);
        left_look(target);
        break;
    case UPWARD_INITIATE:
    case UPWARD_TERMINATE:
    case UPWARD_UPDATE:
    case UPWARD_INVALIDATE:
    case UPWARD_QUERY:
        if (!reset_watches(target) && fault_loses(target, entry)) {
            return;
        }
        flush(target);
        look_ahead(&target->running->upwards);
        show_operation(target, entry);
        break;
    }
    batch->completions++;
}

static void begin(struct target_queue *queue, flue_ps now_ps)
{
    struct flue_target *target = queue->target;

    target->batch = (struct batch){.completions = 0};
    queue->postponed = false;
    queue->poll = false;
    queue->moderation.last_ps = now_ps;
    queue->interrupts++;
    target->in_batch = true;
    target->running = queue;
    target->totals.interrupts++;
    if (target->rss.on) {
        flue_trace1(target->trace, processor, now_ps, FLUE_NO_CONN, queue - target->queues);
    }
    if (queue->core != NULL) {
        target->core = queue->core;
        (void)flue_server_begin(queue->core, now_ps);
        if (target->interrupt_price != NULL) {
            (void)flue_server_charge(queue->core, NULL, FLUE_COST_INTERRUPT, target->interrupt_price, 0);
        }
    }
    if (queue == target->queues) {
        complete_frames(target, now_ps);
        hold_advance(target);
    }
}

void interrupt_fire(struct timer *timer, flue_ps now_ps)
{
    struct target_queue *queue = FLUE_CONTAINER_OF(timer, struct target_queue, timer);
    struct flue_target *target = queue->target;
    struct batch *batch = &target->batch;
    const struct upward *front;
    uint32_t frames;

    /* A core that has got more to do since the timer was armed is waited for once more, so that more comes together;
     * then this interrupt is work that arrived now and stands in the core's queue like any other. */
    if (queue->core != NULL && queue->core->clock_ps > now_ps && !queue->postponed) {
        queue->postponed = true;
        timers_arm(target->timers, timer, queue->core->clock_ps);
        return;
    }
    begin(queue, now_ps);
    while ((front = (const struct upward *)ring_front(&queue->upwards)) != NULL &&
           front->visible_ps <= sight(queue, now_ps) && rss_in_turn(target, front)) {
        struct upward entry = *front;

        if (batch->frames.count == TARGET_FRAME_BUDGET) {
            queue->poll = true;
            break;
        }
        ring_pop(&queue->upwards);
        if (entry.epoch != queue->epoch) {
            rss_meet(queue, entry.epoch);
        }
        if (!hold_takes(target, &entry)) {
            interrupt_show(target, &entry);
        }
    }
    flush(target);
    frames = batch->frames.count;
    if (frames > 0) {
        miniport_frames_received(target, &batch->frames);
    }
    flue_trace2(target->trace, interrupt, now_ps, FLUE_NO_CONN, frames, batch->completions);
    power_look(target);
    target->in_batch = false;
    arm_all(target);
    if (doorbell_waits(target) && !timer_armed(&target->doorbell_timer)) {
        timers_arm(target->timers, &target->doorbell_timer, now_ps); /* it has waited for room in the event ring */
    }
    disconnect_advance(target, now_ps);
    engine_pump(target, now_ps); /* windows may have opened */
}
