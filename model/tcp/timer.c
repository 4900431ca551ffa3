/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/timer.c - deadlines: retransmission (RFC 6298 5), persist (RFC 9293 3.8.6.1), FIN-WAIT-2, TIME-WAIT, and the
 * delayed acknowledgement, which has a queue of its own. */
#include "tcp/conn.h"

void tcp_timer_arm(struct flue_tcp_conn *conn, enum tcp_timer_mode mode, flue_ps due_ps)
{
    conn->flags &= ~(uint32_t)TCP_TIMER_DUE;
    conn->timer_mode = (uint8_t)mode;
    timers_arm(conn->stack->timers, &conn->timer, due_ps);
}

void tcp_timer_stop(struct flue_tcp_conn *conn)
{
    conn->flags &= ~(uint32_t)TCP_TIMER_DUE;
    if (conn->timer_mode != TCP_TIMER_NONE) {
        conn->timer_mode = TCP_TIMER_NONE;
        timers_cancel(conn->stack->timers, &conn->timer);
    }
}

/* A doubled timeout of persist mode, capped (D-57). */
static flue_ps shifted(const struct flue_tcp_conn *conn, unsigned doublings)
{
    return rtt_timeout(&conn->rtt, doublings, conn->stack->params.rto_max_ps);
}

void tcp_timer_settle(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    bool outstanding = conn->snd_una != conn->snd_max;

    if (conn->state < FLUE_TCP_ESTABLISHED || conn->timer_mode == TCP_TIMER_FIN_WAIT_2 ||
        conn->timer_mode == TCP_TIMER_TIME_WAIT) {
        return;
    }
    if (conn->timer_mode == TCP_TIMER_PERSIST && conn->snd_wnd == 0) {
        return;
    }
    if (outstanding) {
        if (conn->timer_mode != TCP_TIMER_RETRANSMIT) {
            conn->rt_count = 0;
            conn->probe_round = 0;
            tcp_timer_arm(conn, TCP_TIMER_RETRANSMIT, now_ps + tcp_rto(conn));
        }
        return;
    }
    if ((conn->queue.bytes > 0 || (conn->flags & (TCP_FIN_QUEUED | TCP_FIN_SENT)) == TCP_FIN_QUEUED) &&
        !tcp_sendable(conn)) {
        if (conn->timer_mode != TCP_TIMER_PERSIST) {
            conn->rt_count = 0;
            conn->probe_round = 0;
            tcp_timer_arm(conn, TCP_TIMER_PERSIST, now_ps + shifted(conn, 0));
        }
        return;
    }
    tcp_timer_stop(conn);
}

static void probe_expired(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if (conn->snd_wnd > 0) {
        /* The window is open but too small for a worthwhile segment: send what it allows (RFC 9293 3.8.6.2.1). */
        tcp_timer_stop(conn);
        conn->flags |= TCP_FORCE;
        tcp_ask_output(conn, now_ps);
        return;
    }
    if (conn->rt_count >= conn->stack->params.max_retransmits) {
        tcp_end(conn, FLUE_TCP_BY_TIMEOUT, now_ps);
        return;
    }
    tcp_timer_arm(conn, TCP_TIMER_PERSIST, now_ps + shifted(conn, conn->rt_count));
    conn->rt_count++;
    tcp_probe(conn, now_ps);
}

/* CH-297: MaxRT, when it is set, takes the place of the count of retransmissions. */
static bool gives_up(const struct flue_tcp_conn *conn)
{
    if (conn->max_rt_ticks != 0) {
        return conn->max_rt_ticks != UINT32_MAX && conn->total_rt_ticks >= conn->max_rt_ticks;
    }
    return conn->rt_count >= conn->stack->params.max_retransmits;
}

static void retransmit_expired(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    struct flue_tcp *stack = conn->stack;
    flue_ps rto_ps = tcp_rto(conn);
    uint64_t total = conn->total_rt_ticks + (uint64_t)(rto_ps / stack->params.tick_ps);

    conn->total_rt_ticks = total > UINT32_MAX ? UINT32_MAX : (uint32_t)total;
    if (gives_up(conn)) {
        tcp_end(conn, FLUE_TCP_BY_TIMEOUT, now_ps);
        return;
    }
    conn->timeouts++;
    stack->totals.timeouts++;
    flue_trace3(stack->trace, tcp_timeout, now_ps, conn->id, conn->snd_una, rto_ps, conn->rt_count + 1);
    if (conn->state >= FLUE_TCP_ESTABLISHED) {
        congestion_timeout(&conn->congestion, conn->mss_bytes, conn->snd_max - conn->snd_una, conn->snd_max,
                           conn->rt_count > 0);
        conn->snd_nxt = conn->snd_una;
        conn->flags &= ~(uint32_t)(TCP_RESEND_UNA | TCP_TIMING);
        if (conn->snd_wnd == 0) {
            conn->rt_count = 0;
            conn->probe_round = 0;
            conn->timer_mode = TCP_TIMER_PERSIST;
            probe_expired(conn, now_ps);
            return;
        }
    }
    if (conn->rt_count < UINT8_MAX) {
        conn->rt_count++;
    }
    if (conn->backoff < UINT8_MAX) {
        conn->backoff++;
    }
    tcp_timer_arm(conn, TCP_TIMER_RETRANSMIT, now_ps + tcp_rto(conn));
    if (conn->state >= FLUE_TCP_ESTABLISHED) {
        tcp_ask_output(conn, now_ps);
    } else {
        (void)tcp_emit_syn(conn, now_ps, true);
    }
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
        switch ((enum tcp_timer_mode)conn->timer_mode) {
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
        }
    }
    if ((conn->flags & TCP_ENDING) != 0) {
        tcp_raise_closed(conn);
    }
}

void tcp_timer_fire(struct timer *timer, flue_ps now_ps)
{
    struct flue_tcp_conn *conn = FLUE_CONTAINER_OF(timer, struct flue_tcp_conn, timer);

    conn->flags |= TCP_TIMER_DUE;
    tcp_event_plain(conn, FLUE_TCP_EV_TIMER, now_ps);
}

void tcp_delayed_ack_fire(struct timer_fifo_entry *entry, flue_ps now_ps)
{
    struct flue_tcp_conn *conn = FLUE_CONTAINER_OF(entry, struct flue_tcp_conn, delayed_ack);

    conn->flags |= TCP_ACK_DUE;
    tcp_event_plain(conn, FLUE_TCP_EV_TIMER, now_ps);
}
