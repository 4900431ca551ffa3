/* SPDX-License-Identifier: GPL-2.0-only */
/* target/event.c - what the target tells the host of its own accord: Disconnect, Abort, Retrieve; and how a connection
 * stands still between a mandatory Retrieve and its terminate (D-34).
 *
 * After a mandatory Retrieve the connection is exported at once, so its timers stand; when it is terminated the deltas
 * are aged by the time that has passed. */

#include <assert.h>

#include "target/target.h"

static struct target_still *make_still(struct flue_target *target, struct target_context *context)
{
    struct target_extra *extra = context_widen(target, context);

    if (extra != NULL) {
        extra->still = (struct target_still *)pool_get(&target->stills);
    }
    context_narrow(target, context);
    return context_still(context);
}

void event_freeze(struct flue_target *target, struct target_context *context, TCP_UPLOAD_REASON reason,
                  enum flue_tcp_state_id state)
{
    struct target_still *still = make_still(target, context);
    flue_err err;

    context->flags &= (uint16_t) ~(CONTEXT_LOOK | CONTEXT_TIMED_OUT | CONTEXT_STARVED);
    if ((context->flags & CONTEXT_ENDED) == 0 && reason != HardwareFailure) {
        flue_tcp_flush_ack(context->conn, target->engine.clock_ps);
    }
    context_unlink_work(context);
    context_enter(target, context, FLUE_CONTEXT_DRAINING);
    context->flags |= CONTEXT_ENDED;
    if (still != NULL) {
        *still = (struct target_still){.at_ps = target->engine.clock_ps,
                                       .holds = state != FLUE_TCP_CLOSED && state != FLUE_TCP_TIME_WAIT};
        err = flue_tcp_export(context->conn, target->engine.clock_ps, 1, &still->state);
        assert(err == FLUE_OK);
        (void)err;
        if (reason == TimeoutExpiration && state != FLUE_TCP_CLOSED) {
            still->state.rt_delta = 0; /* the engine's timer has run out; the state says so */
        }
        still->state.state = state;
        if (!still->holds) {
            flue_tcp_release(context->conn);
            context->conn = NULL;
        }
    }
    upward_event(target, context, TcpIndicateRetrieve, reason);
    send_freeze(target, context);
    post_end_later(target, context, NDIS_STATUS_UPLOAD_IN_PROGRESS);
}

/* The host has begun to take the connection back: its segments go up at once from now on (D-34). */
void event_let_go(struct flue_target *target, struct target_context *context)
{
    struct target_still *still = context_still(context);

    if (still == NULL) {
        return;
    }
    still->holds = 0;
    while (still->first != NULL) {
        struct target_held *held = still->first;

        still->first = held->next;
        adapter_receive(target, &held->frame, target->engine.clock_ps);
        pool_put(&target->helds, held);
    }
    still->last = NULL;
    still->count = 0;
}

/* Without memory, or room, the segment is lost, and the peer sends it again. */
void event_hold(struct flue_target *target, struct target_context *context, const struct flue_frame *frame)
{
    struct target_still *still = context_still(context);
    struct target_held *held = NULL;

    if (still != NULL && still->count < TARGET_HELD_MAX) {
        held = (struct target_held *)pool_get(&target->helds);
    }
    if (held == NULL) {
        return;
    }
    *held = (struct target_held){.next = NULL, .frame = *frame};
    if (still->first == NULL) {
        still->first = held;
    } else {
        still->last->next = held;
    }
    still->last = held;
    still->count++;
}

void event_release_held(struct flue_target *target, struct target_context *context)
{
    event_let_go(target, context);
    if (context_still(context) != NULL) {
        pool_put(&target->stills, context->extra->still);
        context->extra->still = NULL;
        context_narrow(target, context);
    }
}

/* An acceptable RST has come: first the event, then all I/O, the disconnect last (D-46). */
void event_abort(struct flue_target *target, struct target_context *context)
{
    context_enter(target, context, FLUE_CONTEXT_ABORTED);
    if (target_obeys(target, 252)) {
        upward_event(target, context, TcpIndicateAbort, 0);
    }
    send_fail_all(target, context, NDIS_STATUS_REQUEST_ABORTED);
    post_end_later(target, context, NDIS_STATUS_REQUEST_ABORTED);
    disconnect_finish(target, context, NDIS_STATUS_REQUEST_ABORTED);
}

/* Optional reasons: not for what is half closed (D-28), or on its way back already. */
static bool optional_allowed(const struct target_context *context)
{
    struct flue_tcp_info info;

    if (context->state != FLUE_CONTEXT_LIVE || context->conn == NULL) {
        return false;
    }
    flue_tcp_info(context->conn, &info);
    return !watch_half_closed(info.state);
}

void event_raise(struct flue_target *target, const struct upward *entry)
{
    struct target_context *context = entry->context;
    const bool moot = context->state == FLUE_CONTEXT_TERMINATING;

    switch ((TCP_OFFLOAD_EVENT_TYPE)entry->what.event.type) {
    case TcpIndicateDisconnect:
        context->flags |= CONTEXT_FIN_TOLD;
        break;
    case TcpIndicateRetrieve:
        /* With lost state the events belong to the terminate that fails (D-32). */
        if (moot && (context->marks & OBJECT_BROKEN) == 0) {
            return;
        }
        if (watch_optional(entry->what.event.information) && !optional_allowed(context)) {
            return;
        }
        break;
    case TcpIndicateSendBacklogChange:
        if (moot || context->state == FLUE_CONTEXT_ABORTED) {
            return;
        }
        break;
    case TcpIndicateAbort:
        break;
    }
    target->totals.events++;
    miniport_tell_trace(target, context);
    miniport_event(target, context, entry->what.event.type, entry->what.event.information);
}
