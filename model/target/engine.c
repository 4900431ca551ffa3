/* SPDX-License-Identifier: GPL-2.0-only */
/* target/engine.c - between the TCP engine and the adapter: segments in and out, deadlines, and whose turn it is.
 *
 * Everything here runs on the adapter's engine, at its clock.  Transmission is pulled: a connection that has something
 * to send waits for its turn and gets `send_quantum` segments, as long as the transmit ring holds fewer than
 * `backlog_frames`.  The engine does not wait for payload: a frame becomes ready when its DMA read is done.
 *
 * What the engine is charged: engine_pass for an ordinary frame; engine_send_data, engine_receive_data and engine_ack
 * for a segment; engine_request for a buffer list fetched, completed or returned and for a block of an update,
 * invalidate or query; engine_initiate and engine_terminate for a state object; engine_context_miss for a context that
 * is not hot. Payload is fetched while the engine goes on; a frame is ready when both are done.
 *
 * PSH is set where the send queue runs empty, the second choice of CH-164: the first would need the ends of the lists
 * beside the queue's spans. TcpSwsPreventionTicks is how long data waits for a window that is worth a segment (CH-301);
 * then what the window allows is sent. It runs while nothing is outstanding, and each holder begins it anew (behaviour
 * 15.10). The receiver's silly window is avoided by a window that opens in steps (RFC 9293 3.8.6.2), with no timer. */

#include <string.h>

#include "target/target.h"

/* ---- Segments out ---- */

static void want(struct flue_target *target, struct target_context *context, uint16_t flag, struct flue_hook *list)
{
    context->flags |= flag;
    if (!hook_linked(&context->work)) {
        list_push_back(list, &context->work);
    } else if (flag == CONTEXT_WANTS_TIMEOUT) {
        /* It waits for its turn to transmit: the deadline comes first. */
        list_remove(&context->work);
        list_push_back(&target->timeouts, &context->work);
    }
}

static flue_ps take_output(void *owner, struct flue_tcp_conn *conn, struct flue_frame *frame, flue_ps at_ps, int again)
{
    struct flue_target *target = (struct flue_target *)owner;
    struct target_context *context = (struct target_context *)flue_tcp_user(conn);
    const uint32_t bytes = frame->payload.length_bytes;
    flue_ps ready_ps;

    if (target->params.ddi.invalidate_acks_none != 0 && context->state == FLUE_CONTEXT_INVALID &&
        (frame->flags & FLUE_TCP_RST) == 0) {
        /* Not even an ACK (D-24); but the peer waits for it, so the connection cannot stay (D-25). */
        want(target, context, CONTEXT_WANTS_OUTPUT, &target->outputs);
        return at_ps;
    }
    context_touch(target, context);
    target_engine_charge(target, FLUE_COST_TCPIP,
                         bytes > 0 ? &target->params.profile.engine_send_data : &target->params.profile.engine_ack,
                         bytes);
    ready_ps = flue_pcie_read(&target->pcie, target->engine.clock_ps, bytes);
    vlan_dress(target, context, frame);
    statistics_out(target, frame, again);
    port_push(target, PORT_ENGINE, frame, NULL, ready_ps);
    neighbour_before_transmit(target, context->path->neighbour);
    return target->engine.clock_ps;
}

/* How many frames of its own the engine may have in the transmit ring.  Half of them when ordinary frames share the
 * wire: then neither side can keep the other from sending. */
static uint32_t allowance(struct flue_target *target, flue_ps now_ps)
{
    const uint32_t most = target->params.backlog_frames;

    return most == 1 || port_backlog(target, PORT_ORDINARY, now_ps) == 0 ? most : most / 2;
}

/* The transmit ring is full: go on when the engine's share has fallen to half.  When that time is not known yet, frames
 * wait in the ring for their payload, and the port asks again when it has given one to the wire. */
static void pause_output(struct flue_target *target, uint32_t most, flue_ps now_ps)
{
    flue_ps resume_ps = port_falls_to(target, PORT_ENGINE, most / 2);

    target->paused = true;
    if (resume_ps != FLUE_PS_NEVER) {
        timers_arm(target->timers, &target->pump_timer, resume_ps > now_ps ? resume_ps : now_ps + 1);
    }
}

void engine_pump_some(struct flue_target *target, flue_ps now_ps)
{
    const uint32_t most = allowance(target, now_ps);

    if (target->paused && port_backlog(target, PORT_ENGINE, now_ps) > most / 2) {
        if (!timer_armed(&target->pump_timer)) {
            pause_output(target, most, now_ps);
        }
        return;
    }
    target->paused = false;
    (void)flue_server_begin(&target->engine, now_ps);
    while (!list_empty(&target->outputs)) {
        struct target_context *context;

        if (port_backlog(target, PORT_ENGINE, now_ps) >= most) {
            pause_output(target, most, now_ps);
            return;
        }
        context = FLUE_CONTAINER_OF(list_pop_front(&target->outputs), struct target_context, work);
        context->flags &= (uint16_t)~CONTEXT_WANTS_OUTPUT;
        if (context->state == FLUE_CONTEXT_INVALID && context_accepts(context)) {
            if (upwards_reserve(target, TARGET_STEP_ENTRIES) != FLUE_OK) {
                context->flags |= CONTEXT_WANTS_OUTPUT;
                list_push_back(&target->outputs, &context->work);
                return; /* the next interrupt makes room, and pumps */
            }
            invalidate_refuse(target, context);
        } else if (context->conn != NULL && context_accepts(context) &&
                   flue_tcp_output(context->conn, target->params.send_quantum, target->engine.clock_ps) != 0 &&
                   !hook_linked(&context->work)) {
            context->flags |= CONTEXT_WANTS_OUTPUT;
            list_push_back(&target->outputs, &context->work);
        }
    }
}

void engine_pump_fire(struct timer *timer, flue_ps now_ps)
{
    engine_pump(FLUE_CONTAINER_OF(timer, struct flue_target, pump_timer), now_ps);
}

/* ---- Deadlines ---- */

/* Reachability is in doubt after so many repetitions of a segment; that is counted, and told to nobody (D-51). */
static void doubt(struct flue_target *target, const struct target_context *context, const struct flue_tcp_info *before)
{
    struct flue_tcp_info after;

    if (context->conn != NULL) {
        flue_tcp_info(context->conn, &after);
        target->totals.doubts +=
            after.timeouts != before->timeouts && after.backoff == target->settings.TcpDoubtReachabilityRetransmissions;
    }
}

void engine_timeout_fire(struct timer *timer, flue_ps now_ps)
{
    struct flue_target *target = FLUE_CONTAINER_OF(timer, struct flue_target, timeout_timer);
    struct flue_hook *hook;

    while ((hook = list_first(&target->timeouts)) != NULL) {
        struct target_context *context = FLUE_CONTAINER_OF(hook, struct target_context, work);
        struct flue_tcp_info before;

        if (upwards_reserve(target, TARGET_STEP_ENTRIES) != FLUE_OK) {
            timers_arm(target->timers, timer, now_ps + FLUE_PS_PER_US); /* the host has to take some first */
            return;
        }
        list_remove(hook);
        context->flags &= (uint16_t)~CONTEXT_WANTS_TIMEOUT;
        if ((context->flags & CONTEXT_WANTS_OUTPUT) != 0) {
            list_push_back(&target->outputs, &context->work);
        }
        if (context->conn == NULL || !context_accepts(context)) {
            continue;
        }
        (void)flue_server_begin(&target->engine, now_ps);
        context_touch(target, context);
        if (context->state == FLUE_CONTEXT_INVALID &&
            flue_tcp_timeout_sends(context->conn, target->engine.clock_ps) != 0) {
            invalidate_refuse(target, context);
            continue;
        }
        flue_tcp_info(context->conn, &before);
        flue_tcp_timeout(context->conn, target->engine.clock_ps);
        doubt(target, context, &before);
        if ((context->flags & CONTEXT_TIMED_OUT) != 0) {
            /* FIN-WAIT-2 has been waited out, or nobody is there: the connection is closed before it goes back.  A
             * limit on retransmission leaves it in its state; what becomes of it is the host's decision (D-28). */
            const bool over = before.state == FLUE_TCP_FIN_WAIT_2 || (context->flags & CONTEXT_LOST) != 0;

            event_freeze(target, context, TimeoutExpiration, over ? FLUE_TCP_CLOSED : before.state);
        } else {
            engine_follow_up(target, context); /* what found no room before */
        }
    }
    engine_pump(target, now_ps);
}

/* ---- Events ---- */

static void closed(struct flue_target *target, struct target_context *context, enum flue_tcp_reason reason)
{
    context->flags |= CONTEXT_ENDED;
    context_unlink_work(context);
    switch (reason) {
    case FLUE_TCP_BY_RESET:
        event_abort(target, context);
        break;
    case FLUE_TCP_BY_KEEP_ALIVE:
        context->flags |= CONTEXT_LOST | CONTEXT_TIMED_OUT;
        break;
    case FLUE_TCP_BY_TIMEOUT:
    case FLUE_TCP_BY_USER_TIMEOUT:
        context->flags |= CONTEXT_TIMED_OUT;
        break;
    case FLUE_TCP_BY_SEGMENT:
    case FLUE_TCP_BY_CLOSE:
    case FLUE_TCP_BY_2MSL:
        disconnect_finish(target, context, NDIS_STATUS_SUCCESS);
        break;
    case FLUE_TCP_BY_ABORT:
    case FLUE_TCP_BY_OPEN:
    case FLUE_TCP_BY_IMPORT:
    case FLUE_TCP_BY_EXPORT:
    case FLUE_TCP_BY_UNREACHABLE:
        break;
    }
}

static void take_event(void *owner, struct flue_tcp_conn *conn, const struct flue_tcp_event *event)
{
    struct flue_target *target = (struct flue_target *)owner;
    struct target_context *context = (struct target_context *)flue_tcp_user(conn);

    switch (event->kind) {
    case FLUE_TCP_EV_DATA:
        neighbour_progress(target, context->path->neighbour); /* new data: the peer gets our ACKs (RFC 4861 7.3.1) */
        receive_data(target, context, &event->span, event->psh);
        break;
    case FLUE_TCP_EV_ACKED:
        neighbour_progress(target, context->path->neighbour);
        send_acked(target, context, event->bytes);
        backlog_look(target, context);
        break;
    case FLUE_TCP_EV_OUTPUT:
        want(target, context, CONTEXT_WANTS_OUTPUT, &target->outputs);
        break;
    case FLUE_TCP_EV_TIMER:
        want(target, context, CONTEXT_WANTS_TIMEOUT, &target->timeouts);
        timers_arm(target->timers, &target->timeout_timer, target_now(target));
        break;
    case FLUE_TCP_EV_PEER_FIN:
        context->flags |= CONTEXT_LOOK;
        upward_event(target, context, TcpIndicateDisconnect, 0);
        break;
    case FLUE_TCP_EV_FIN_ACKED:
        neighbour_progress(target, context->path->neighbour);
        context->flags |= CONTEXT_LOOK;
        disconnect_finish(target, context, NDIS_STATUS_SUCCESS);
        break;
    case FLUE_TCP_EV_CLOSED:
        closed(target, context, event->reason);
        break;
    case FLUE_TCP_EV_CONNECTED:
    case FLUE_TCP_EV_URGENT:
        break;
    }
}

/* Nothing listens here: segments of unknown connections are the host's. */
static void *take_accept(void *owner, const struct flue_tcp_tuple *tuple, struct flue_tcp_settings *settings,
                         int *refuse_silently)
{
    (void)settings;
    (void)refuse_silently;
    (void)owner, (void)tuple;
    return NULL;
}

const struct flue_tcp_ops engine_ops = {.output = take_output, .event = take_event, .accept = take_accept};

/* ---- Segments in ---- */

/* The reason of a Retrieve that the target needs for its own sake.  UploadRequested is not for half-closed connections
 * (D-28): there it is InvalidState, a state that this target cannot go on with. */
static TCP_UPLOAD_REASON upload_reason(enum flue_tcp_state_id state)
{
    return state == FLUE_TCP_FIN_WAIT_1 || state == FLUE_TCP_FIN_WAIT_2 || state == FLUE_TCP_CLOSE_WAIT
               ? InvalidState
               : UploadRequested;
}

void engine_follow_up(struct flue_target *target, struct target_context *context)
{
    struct flue_tcp_info info;

    if ((context->flags & (CONTEXT_LOOK | CONTEXT_TIMED_OUT | CONTEXT_STARVED)) == 0 || context->conn == NULL) {
        return;
    }
    if (upwards_reserve(target, TARGET_FREEZE_ENTRIES) != FLUE_OK) {
        want(target, context, CONTEXT_WANTS_TIMEOUT, &target->timeouts); /* when the host has taken some */
        timers_arm(target->timers, &target->timeout_timer, target_now(target) + FLUE_PS_PER_US);
        return;
    }
    if ((context->flags & CONTEXT_TIMED_OUT) != 0) {
        event_freeze(target, context, TimeoutExpiration, FLUE_TCP_CLOSED);
    } else if ((context->flags & CONTEXT_LOOK) != 0) {
        context->flags &= (uint16_t)~CONTEXT_LOOK;
        flue_tcp_info(context->conn, &info);
        if (info.state == FLUE_TCP_TIME_WAIT) {
            event_freeze(target, context, UploadRequested, FLUE_TCP_TIME_WAIT); /* TIME-WAIT is the host's (B-082) */
        }
    }
    if ((context->flags & CONTEXT_STARVED) != 0 && context_accepts(context)) {
        flue_tcp_info(context->conn, &info);
        event_freeze(target, context, upload_reason(info.state), info.state); /* behaviour 11.2 */
    }
}

bool engine_has_room(struct flue_target *target, const struct target_context *context, uint32_t bytes)
{
    const uint32_t waiting = bytes == 0 ? 0 : flue_tcp_pieces(context->conn);
    const uint32_t entries = TARGET_SPARE_ENTRIES + TARGET_STEP_ENTRIES + waiting;

    /* What waits behind a gap must find room when the gap is filled, even if the ring cannot grow any more by then. */
    return upwards_reserve(target, entries) == FLUE_OK &&
           (waiting == 0 || upwards_widen(target, entries + waiting) == FLUE_OK) &&
           (bytes == 0 || (ndis_pool_reserve(target->spans, (uint64_t)target->pledged + entries) == FLUE_OK &&
                           ndis_pool_reserve_lists(target->spans, (uint64_t)target->pledged + entries) == FLUE_OK));
}

bool engine_receive(struct flue_target *target, struct target_context *context, const struct flue_frame *frame,
                    flue_ps at_ps)
{
    const struct flue_profile *profile = &target->params.profile;
    const uint32_t bytes = frame->payload.length_bytes;

    if (context->state == FLUE_CONTEXT_DRAINING && context_still(context) != NULL && context_still(context)->holds) {
        event_hold(target, context, frame);
        return true;
    }
    if (!context_accepts(context)) {
        return context->state == FLUE_CONTEXT_TERMINATING && !target_obeys(target, 135);
    }
    if (!engine_has_room(target, context, bytes)) {
        statistics_in_lost(target, frame);
        target->totals.starved_drops++; /* not acknowledged, so the peer sends it again */
        return true;
    }
    (void)flue_server_begin(&target->engine, at_ps);
    switch (segment_look(target, context, frame)) {
    case SEGMENT_FOR_TCP:
        break;
    case SEGMENT_DROPPED:
        statistics_in(target, frame);
        return true;
    case SEGMENT_FOR_HOST:
        return false;
    case SEGMENT_HELD:
        event_hold(target, context, frame);
        return true;
    }
    statistics_in(target, frame);
    context_touch(target, context);
    target_engine_charge(target, FLUE_COST_TCPIP, bytes > 0 ? &profile->engine_receive_data : &profile->engine_ack,
                         bytes);
    if (context_watch(context) != NULL && flue_tcp_reach(context->conn, frame) > bytes) {
        context_watch(context)->out_of_order++;
    }
    flue_tcp_input(target->tcp, context->conn, frame, target->engine.clock_ps, 0);
    engine_follow_up(target, context);
    return true;
}
