/* SPDX-License-Identifier: GPL-2.0-only */
/* target/watch.c - reasons for which a target would like to give a connection back, but need not (behaviour 11.2): it
 * counts, looks at the counts once in a while with one timer for all connections, and goes on serving (CH-260). */

#include "target/target.h"

bool watch_optional(ULONG reason)
{
    return reason == LowActivity || reason == HighDropRate || reason == SmallIO || reason == NoBufferPreposting ||
           reason == HighFragmentation || reason == HighOutOfOrderPackets;
}

bool watch_half_closed(enum flue_tcp_state_id state)
{
    return state == FLUE_TCP_FIN_WAIT_1 || state == FLUE_TCP_FIN_WAIT_2 || state == FLUE_TCP_CLOSE_WAIT;
}

static bool is_wanted(const struct flue_target *target)
{
    return target->params.thresholds.window_ps > 0;
}

flue_err watch_start(struct flue_target *target, struct target_context *context)
{
    struct target_watch *watch;

    if (!is_wanted(target)) {
        return FLUE_OK;
    }
    watch = context_widen(target, context) == NULL ? NULL : (struct target_watch *)pool_get(&target->watches);
    if (watch == NULL) {
        return FLUE_ENOMEM;
    }
    *watch = (struct target_watch){.context = context, .small_io_bytes = target->params.thresholds.small_io_bytes};
    hook_init(&watch->hook);
    if (list_empty(&target->watched)) {
        timers_arm(target->timers, &target->watch_timer, target_now(target) + target->params.thresholds.window_ps);
    }
    list_push_back(&target->watched, &watch->hook);
    context->extra->watch = watch;
    return FLUE_OK;
}

void watch_stop(struct flue_target *target, struct target_context *context)
{
    struct target_watch *watch = context_watch(context);

    if (watch != NULL) {
        list_remove(&watch->hook);
        pool_put(&target->watches, watch);
        context->extra->watch = NULL;
    }
}

void watch_post(struct target_context *context, PNET_BUFFER_LIST first)
{
    struct target_watch *watch = context_watch(context);

    if (watch == NULL) {
        return;
    }
    for (; first != NULL; first = first->Next) {
        const uint64_t bytes = ndis_nbl_bytes(first);

        watch->requests++;
        watch->posts += bytes > 0;
        watch->large_posts += bytes >= watch->small_io_bytes;
    }
}

void watch_fragment(struct target_context *context)
{
    if (context_watch(context) != NULL) {
        context_watch(context)->fragments++;
    }
}

static void raise(struct flue_target *target, struct target_watch *watch, TCP_UPLOAD_REASON reason)
{
    if ((watch->told & (1u << reason)) == 0) {
        watch->told |= 1u << reason;
        upward_event(target, watch->context, TcpIndicateRetrieve, reason);
    }
}

/* One connection, one window. */
static void look(struct flue_target *target, struct target_watch *watch)
{
    const struct flue_target_thresholds *limits = &target->params.thresholds;
    struct target_context *context = watch->context;
    struct flue_tcp_info info;
    uint32_t sent, again;

    flue_tcp_info(context->conn, &info);
    sent = (uint32_t)info.segments_out - watch->segments_out;
    again = (uint32_t)info.retransmits - watch->retransmits;
    if (watch->whole && !watch_half_closed(info.state)) {
        if (watch->requests + watch->indications < limits->low_activity_requests) {
            raise(target, watch, LowActivity);
        }
        if (limits->high_drop_permille != 0 && sent > 0 &&
            (uint64_t)again * 1000 >= (uint64_t)sent * limits->high_drop_permille) {
            raise(target, watch, HighDropRate);
        }
        if (limits->small_io_bytes != 0 && watch->posts > 0 && watch->large_posts == 0) {
            raise(target, watch, SmallIO);
        }
        if (limits->no_post_indications != 0 && watch->posts == 0 &&
            watch->indications >= limits->no_post_indications) {
            raise(target, watch, NoBufferPreposting);
        }
        if (limits->fragments != 0 && watch->fragments >= limits->fragments) {
            raise(target, watch, HighFragmentation);
        }
        if (limits->out_of_order != 0 && watch->out_of_order >= limits->out_of_order) {
            raise(target, watch, HighOutOfOrderPackets);
        }
    }
    *watch = (struct target_watch){.hook = watch->hook,
                                   .context = context,
                                   .segments_out = (uint32_t)info.segments_out,
                                   .retransmits = (uint32_t)info.retransmits,
                                   .small_io_bytes = limits->small_io_bytes,
                                   .told = watch->told,
                                   .whole = true};
}

void watch_fire(struct timer *timer, flue_ps now_ps)
{
    struct flue_target *target = FLUE_CONTAINER_OF(timer, struct flue_target, watch_timer);

    (void)flue_server_begin(&target->engine, now_ps);
    FLUE_LIST_EACH(hook, &target->watched)
    {
        struct target_watch *watch = FLUE_CONTAINER_OF(hook, struct target_watch, hook);

        if (watch->context->state == FLUE_CONTEXT_LIVE && context_accepts(watch->context) &&
            upwards_reserve(target, TARGET_SPARE_ENTRIES + 8) == FLUE_OK) {
            look(target, watch);
        }
    }
    if (!list_empty(&target->watched)) {
        timers_arm(target->timers, timer, now_ps + target->params.thresholds.window_ps);
    }
}
