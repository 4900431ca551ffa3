/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/timer.c - deadlines: retransmission (RFC 6298 5), persist (RFC 9293 3.8.6.1), keep-alive (3.8.4), the user's
 * patience (3.8.3, RFC 5482), FIN-WAIT-2, TIME-WAIT, and the delayed acknowledgement, which has a queue of its own.
 *
 * A connection that gives up says nothing to its peer. */
#include "tcp/conn.h"

#define CORK_PS (200 * FLUE_PS_PER_MS) /* so long a corked segment may wait for more */

void tcp_timer_arm(struct flue_tcp_conn *conn, enum tcp_timer_mode mode, flue_ps due_ps)
{
    conn->flags &= ~(uint32_t)TCP_TIMER_DUE;
    conn->timer.mode = (uint8_t)mode;
    timers_arm_lean(conn->stack->timers, &conn->timer, due_ps);
}

void tcp_timer_stop(struct flue_tcp_conn *conn)
{
    conn->flags &= ~(uint32_t)TCP_TIMER_DUE;
    if (conn->timer.mode != TCP_TIMER_NONE) {
        conn->timer.mode = TCP_TIMER_NONE;
        timers_cancel_lean(conn->stack->timers, &conn->timer);
    }
}

/* What is left of the user's patience: FLUE_PS_NEVER without a limit of that kind (CH-297). */
static flue_ps patience(const struct flue_tcp_conn *conn)
{
    flue_ps limit_ps = conn->settings->user_timeout_ps;
    flue_ps spent_ps;

    if (limit_ps == 0 || limit_ps == FLUE_PS_NEVER) {
        return FLUE_PS_NEVER;
    }
    spent_ps = (flue_ps)conn->active->total_rt_ticks * conn->stack->params.tick_ps;
    return spent_ps < limit_ps ? limit_ps - spent_ps : 0;
}

static flue_ps retransmit_wait(const struct flue_tcp_conn *conn)
{
    flue_ps left_ps = patience(conn);
    flue_ps rto_ps = tcp_rto(conn);

    return left_ps < rto_ps ? left_ps : rto_ps;
}

void tcp_timer_retransmit(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    tcp_timer_arm(conn, TCP_TIMER_RETRANSMIT, now_ps + retransmit_wait(conn));
}

void tcp_timer_patience(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    flue_ps due_ps = tcp_later(now_ps, patience(conn));

    if (conn->timer.mode == TCP_TIMER_RETRANSMIT && (conn->flags & TCP_TIMER_DUE) == 0 && due_ps < conn->timer.due_ps) {
        tcp_timer_arm(conn, TCP_TIMER_RETRANSMIT, due_ps);
    }
}

void tcp_timer_fin_wait_2(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if (conn->settings->fin_wait_2_ps != FLUE_PS_NEVER) {
        tcp_timer_arm(conn, TCP_TIMER_FIN_WAIT_2, now_ps + conn->settings->fin_wait_2_ps);
    } else if (conn->timer.mode == TCP_TIMER_FIN_WAIT_2) {
        tcp_timer_stop(conn);
    }
}

/* A doubled timeout of persist mode, capped (D-57). */
static flue_ps shifted(const struct flue_tcp_conn *conn, unsigned doublings)
{
    return rtt_timeout(&conn->rtt, doublings, &conn->stack->rtt_bounds);
}

/* How long an answer to a probe is waited for: no longer than the user's patience. */
static flue_ps probe_wait(const struct flue_tcp_conn *conn, unsigned doublings)
{
    flue_ps left_ps = patience(conn);
    flue_ps wait_ps = shifted(conn, doublings);

    return left_ps < wait_ps ? left_ps : wait_ps;
}

static void begin_rounds(struct flue_tcp_conn *conn)
{
    conn->timer.count = 0;
    conn->probe_round = 0;
}

/* How long data is held back that an open window has too little room for (RFC 9293 3.8.6.2.1, CH-301), or a cork.  Only
 * while nothing is outstanding: else the peer's ACK, or the retransmission, brings news of the window. */
static flue_ps held_wait(const struct flue_tcp_conn *conn)
{
    return conn->settings->cork != 0 ? CORK_PS : conn->stack->params.sws_override_ps;
}

/* Data waits and may not be sent.  A probe's deadline that was reckoned for a closed window does not hold back what a
 * little window lets through. */
static void settle_waiting(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    const flue_ps due_ps = now_ps + (conn->snd_wnd > 0 ? held_wait(conn) : shifted(conn, 0));

    if (conn->timer.mode != TCP_TIMER_PERSIST) {
        begin_rounds(conn);
        tcp_timer_arm(conn, TCP_TIMER_PERSIST, due_ps);
    } else if ((conn->flags & TCP_TIMER_DUE) == 0 && conn->timer.due_ps > due_ps) {
        tcp_timer_arm(conn, TCP_TIMER_PERSIST, due_ps);
    }
}

/* Nothing is under way: only keep-alive, if the user wants it (RFC 9293 3.8.4). */
static void settle_idle(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    const bool suspects = (conn->flags & TCP_SUSPECT) != 0;
    flue_ps due_ps;

    if (conn->settings->keep_alive == 0 && !suspects) {
        tcp_timer_stop(conn);
        return;
    }
    due_ps = tcp_later(conn->last_received_ps, tcp_keep_idle(conn->settings));
    if (suspects && (conn->settings->keep_alive == 0 || due_ps > now_ps + TCP_SUSPECT_PS)) {
        due_ps = now_ps + TCP_SUSPECT_PS;
    }
    if (due_ps == FLUE_PS_NEVER || (conn->state != FLUE_TCP_ESTABLISHED && conn->state != FLUE_TCP_CLOSE_WAIT &&
                                    conn->state != FLUE_TCP_FIN_WAIT_2)) {
        tcp_timer_stop(conn);
    } else if (conn->timer.mode != TCP_TIMER_KEEP_ALIVE) {
        tcp_timer_arm(conn, TCP_TIMER_KEEP_ALIVE, due_ps > now_ps ? due_ps : now_ps);
    }
}

void tcp_timer_settle(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    const struct tcp_active *active = conn->active;

    if (conn->state < FLUE_TCP_ESTABLISHED || conn->timer.mode == TCP_TIMER_FIN_WAIT_2 ||
        conn->timer.mode == TCP_TIMER_TIME_WAIT || (conn->timer.mode == TCP_TIMER_PERSIST && conn->snd_wnd == 0)) {
        return;
    }
    if (conn->snd_una != conn->snd_max) {
        if (conn->timer.mode != TCP_TIMER_RETRANSMIT) {
            begin_rounds(conn);
            tcp_timer_retransmit(conn, now_ps);
        }
    } else if ((active->queue.bytes > 0 || (conn->flags & (TCP_FIN_QUEUED | TCP_FIN_SENT)) == TCP_FIN_QUEUED) &&
               !tcp_sendable(conn)) {
        settle_waiting(conn, now_ps);
    } else {
        settle_idle(conn, now_ps);
    }
}

/* Why a connection ends whose peer does not answer. */
static enum flue_tcp_reason silence_reason(const struct flue_tcp_conn *conn)
{
    if ((conn->flags & TCP_SOFT_ERROR) != 0 && conn->state < FLUE_TCP_ESTABLISHED) {
        return FLUE_TCP_BY_UNREACHABLE;
    }
    return conn->settings->user_timeout_ps != 0 ? FLUE_TCP_BY_USER_TIMEOUT : FLUE_TCP_BY_TIMEOUT;
}

/* Time spent waiting for the peer; D-20. */
static void spend(struct flue_tcp_conn *conn, flue_ps wait_ps)
{
    uint64_t total = conn->active->total_rt_ticks + (uint64_t)(wait_ps / conn->stack->params.tick_ps);

    conn->active->total_rt_ticks = total > UINT32_MAX ? UINT32_MAX : (uint32_t)total;
}

/* CH-297: a limit of time, when there is one, takes the place of the number of repetitions. */
static bool gives_up(const struct flue_tcp_conn *conn, flue_ps wait_ps, uint32_t limit)
{
    return conn->settings->user_timeout_ps != 0 ? patience(conn) <= wait_ps : conn->timer.count >= limit;
}

static void probe_expired(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    const struct flue_tcp_params *params = &conn->stack->params;
    flue_ps wait_ps =
        conn->timer.count > 0 ? probe_wait(conn, conn->timer.count - 1u) : 0; /* since an unanswered probe */

    if (conn->snd_wnd > 0) {
        /* The window is open but too small for a worthwhile segment: send what it allows (RFC 9293 3.8.6.2.1). */
        tcp_timer_stop(conn);
        conn->flags |= TCP_FORCE;
        tcp_ask_output(conn, now_ps);
        if (!tcp_sendable(conn)) {
            tcp_timer_settle(conn, now_ps);
        }
        return;
    }
    if (conn->timer.count > 0 && gives_up(conn, wait_ps, params->max_retransmits)) {
        tcp_end(conn, silence_reason(conn), now_ps);
        return;
    }
    spend(conn, wait_ps);
    tcp_timer_arm(conn, TCP_TIMER_PERSIST, now_ps + probe_wait(conn, conn->timer.count));
    if (conn->timer.count < UINT8_MAX) {
        conn->timer.count++;
    }
    tcp_probe(conn, now_ps);
}

static void retransmit_expired(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    struct flue_tcp *stack = conn->stack;
    const struct flue_tcp_params *params = &stack->params;
    bool opening = conn->state < FLUE_TCP_ESTABLISHED || (conn->flags & TCP_SYN_OUT) != 0;
    flue_ps wait_ps = retransmit_wait(conn);
    bool over = gives_up(conn, wait_ps, opening ? params->max_syn_retransmits : params->max_retransmits);

    spend(conn, wait_ps);
    if (over) {
        tcp_end(conn, silence_reason(conn), now_ps);
        return;
    }
    tcp_rare_count(conn)->timeouts++;
    stack->totals.timeouts++;
    flue_trace3(stack->trace, tcp_timeout, now_ps, conn->id, conn->snd_una, wait_ps, conn->timer.count + 1);
    if (!opening) {
        tcp_recovery_timeout(conn, now_ps);
        if (conn->snd_wnd == 0) {
            begin_rounds(conn);
            conn->timer.mode = TCP_TIMER_PERSIST;
            conn->snd_nxt = conn->snd_una;
            conn->flags &= ~(uint32_t)TCP_RESEND_UNA;
            probe_expired(conn, now_ps);
            return;
        }
    }
    if (conn->timer.count < UINT8_MAX) {
        conn->timer.count++;
    }
    if (conn->timer.doublings < UINT8_MAX) {
        conn->timer.doublings++;
    }
    tcp_timer_retransmit(conn, now_ps);
    if (!opening) {
        tcp_ask_output(conn, now_ps);
    } else {
        (void)tcp_emit_syn(conn, now_ps, true);
    }
}

/* What has passed of a wait that is cut short. */
static flue_ps waited(const struct flue_tcp_conn *conn, flue_ps wait_ps, flue_ps now_ps)
{
    const flue_ps left_ps = conn->timer.due_ps > now_ps ? conn->timer.due_ps - now_ps : 0;

    return left_ps < wait_ps ? wait_ps - left_ps : 0;
}

void flue_tcp_rerouted(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    now_ps = tcp_advance(conn, now_ps);
    if (conn->timer.count == 0 || conn->state < FLUE_TCP_ESTABLISHED ||
        (conn->flags & (TCP_EXPORTED | TCP_IMPORTING | TCP_ENDING | TCP_SYN_OUT)) != 0) {
        return;
    }
    if (conn->timer.mode == TCP_TIMER_RETRANSMIT && (conn->flags & TCP_TIMER_DUE) == 0) {
        spend(conn, waited(conn, retransmit_wait(conn), now_ps));
        tcp_recovery_timeout(conn, now_ps); /* what was sent again is lost too */
        begin_rounds(conn);
        tcp_timer_retransmit(conn, now_ps);
        tcp_ask_output(conn, now_ps);
    } else if (conn->timer.mode == TCP_TIMER_PERSIST && (conn->flags & TCP_TIMER_DUE) == 0 && conn->snd_wnd == 0) {
        spend(conn, waited(conn, probe_wait(conn, conn->timer.count - 1u), now_ps));
        begin_rounds(conn);
        probe_expired(conn, now_ps);
    }
    tcp_rest(conn);
}

static void keep_alive_expired(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    const struct flue_tcp_settings *settings = conn->settings;
    flue_ps due_ps = tcp_later(conn->last_received_ps, tcp_keep_idle(settings));

    if (conn->ka_probes == 0 && due_ps > now_ps && (conn->flags & TCP_SUSPECT) == 0) {
        tcp_timer_arm(conn, TCP_TIMER_KEEP_ALIVE, due_ps); /* something came meanwhile */
    } else if (conn->ka_probes >= tcp_keep_count(settings)) {
        tcp_end(conn, FLUE_TCP_BY_KEEP_ALIVE, now_ps);
    } else {
        conn->ka_probes++;
        tcp_timer_arm(conn, TCP_TIMER_KEEP_ALIVE, tcp_later(now_ps, tcp_keep_interval(settings)));
        (void)tcp_emit_keep_alive(conn, now_ps);
    }
}

int flue_tcp_timeout_sends(const struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if ((conn->flags & TCP_TIMER_DUE) == 0 || (conn->flags & TCP_EXPORTED) != 0) {
        return 0;
    }
    switch ((enum tcp_timer_mode)conn->timer.mode) {
    case TCP_TIMER_RETRANSMIT:
        return 1;
    case TCP_TIMER_PERSIST:
        return conn->snd_wnd == 0;
    case TCP_TIMER_KEEP_ALIVE:
        return conn->ka_probes > 0 || tcp_later(conn->last_received_ps, tcp_keep_idle(conn->settings)) <= now_ps;
    case TCP_TIMER_NONE:
    case TCP_TIMER_FIN_WAIT_2:
    case TCP_TIMER_TIME_WAIT:
        break;
    }
    return 0;
}

void flue_tcp_timeout(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    now_ps = tcp_advance(conn, now_ps);
    if ((conn->flags & TCP_EXPORTED) != 0) {
        return;
    }
    if ((conn->flags & TCP_ACK_DUE) != 0) {
        (void)tcp_emit_ack(conn, now_ps);
    }
    if ((conn->flags & TCP_TIMER_DUE) != 0) {
        conn->flags &= ~(uint32_t)TCP_TIMER_DUE;
        switch ((enum tcp_timer_mode)conn->timer.mode) {
        case TCP_TIMER_NONE:
            break;
        case TCP_TIMER_RETRANSMIT:
            retransmit_expired(conn, now_ps);
            break;
        case TCP_TIMER_PERSIST:
            probe_expired(conn, now_ps);
            break;
        case TCP_TIMER_FIN_WAIT_2:
            tcp_end(conn, FLUE_TCP_BY_TIMEOUT, now_ps);
            break;
        case TCP_TIMER_TIME_WAIT:
            tcp_end(conn, FLUE_TCP_BY_2MSL, now_ps);
            break;
        case TCP_TIMER_KEEP_ALIVE:
            keep_alive_expired(conn, now_ps);
            break;
        }
    }
    if ((conn->flags & TCP_ENDING) != 0) {
        tcp_raise_closed(conn);
    } else {
        tcp_rest(conn);
    }
}

void tcp_timer_fire(struct lean_timer *timer, flue_ps now_ps)
{
    struct flue_tcp_conn *conn = FLUE_CONTAINER_OF(timer, struct flue_tcp_conn, timer);

    conn->flags |= TCP_TIMER_DUE;
    tcp_event_plain(conn, FLUE_TCP_EV_TIMER, now_ps);
}

void tcp_delayed_ack_fire(struct timer_fifo_entry *entry, flue_ps now_ps)
{
    struct flue_tcp_conn *conn = FLUE_CONTAINER_OF(entry, struct tcp_active, delayed_ack)->conn;

    conn->flags |= TCP_ACK_DUE;
    tcp_event_plain(conn, FLUE_TCP_EV_TIMER, now_ps);
}
