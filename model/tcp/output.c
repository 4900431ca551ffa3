/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/output.c - what may be sent, and sending it (RFC 9293 3.8.6.2.1, 3.7.4; RFC 5681 3). */
#include "tcp/conn.h"

/* States in which data or a FIN may be outstanding. */
static bool may_transmit(const struct flue_tcp_conn *conn)
{
    switch ((enum flue_tcp_state_id)conn->state) {
    case FLUE_TCP_ESTABLISHED:
    case FLUE_TCP_FIN_WAIT_1:
    case FLUE_TCP_CLOSE_WAIT:
    case FLUE_TCP_CLOSING:
    case FLUE_TCP_LAST_ACK:
        return (conn->flags & (TCP_IMPORTING | TCP_EXPORTED)) == 0;
    case FLUE_TCP_CLOSED:
    case FLUE_TCP_LISTEN:
    case FLUE_TCP_SYN_SENT:
    case FLUE_TCP_SYN_RECEIVED:
    case FLUE_TCP_FIN_WAIT_2:
    case FLUE_TCP_TIME_WAIT:
        break;
    }
    return false;
}

struct plan {
    uint32_t length_bytes;
    bool fin;
};

/* May a segment leave at SND.NXT, and how long would it be? */
static bool plan_next(const struct flue_tcp_conn *conn, struct plan *plan)
{
    uint32_t sent = conn->snd_nxt - conn->snd_una;
    uint32_t window = conn->congestion.cwnd_bytes < conn->snd_wnd ? conn->congestion.cwnd_bytes : conn->snd_wnd;
    uint64_t queued;
    uint32_t room;
    uint32_t length;

    *plan = (struct plan){0};
    if (sent >= conn->queue.bytes) {
        /* Nothing but a FIN can follow: it needs a place in the peer's window, but does not wait for cwnd. */
        plan->fin = sent == conn->queue.bytes && (conn->flags & (TCP_FIN_QUEUED | TCP_FIN_ACKED)) == TCP_FIN_QUEUED &&
                    (sent < conn->snd_wnd || (conn->flags & TCP_FORCE) != 0);
        return plan->fin;
    }
    if (window <= sent) {
        return false;
    }
    queued = conn->queue.bytes - sent;
    room = window - sent;
    length = room < conn->mss_bytes ? room : conn->mss_bytes;
    if (queued <= length) {
        length = (uint32_t)queued;
        if ((conn->flags & (TCP_NAGLE | TCP_FIN_QUEUED | TCP_FORCE)) == TCP_NAGLE && length < conn->mss_bytes &&
            sent > 0 && conn->snd_nxt == conn->snd_max) {
            return false;
        }
        plan->fin = (conn->flags & TCP_FIN_QUEUED) != 0 && sent + length < conn->snd_wnd;
    } else if (length < conn->mss_bytes && (conn->flags & TCP_FORCE) == 0) {
        /* Only a part of what waits fits the window: worth it if nothing is outstanding that would open it, in a
         * repetition; or if it is half of the largest window ever seen. */
        if (conn->snd_nxt != conn->snd_max ? sent > 0 : length < (conn->max_snd_wnd + 1) / 2) {
            return false;
        }
    }
    plan->length_bytes = length;
    return true;
}

bool tcp_sendable(const struct flue_tcp_conn *conn)
{
    struct plan plan;

    if (!may_transmit(conn)) {
        return (conn->flags & TCP_SYN_DUE) != 0;
    }
    return (conn->flags & TCP_RESEND_UNA) != 0 || plan_next(conn, &plan);
}

void tcp_ask_output(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if ((conn->flags & TCP_OUTPUT_ASKED) == 0 && tcp_sendable(conn)) {
        conn->flags |= TCP_OUTPUT_ASKED;
        tcp_event_plain(conn, FLUE_TCP_EV_OUTPUT, now_ps);
    }
}

/* The first FIN leaves: only now does the state change (D-30). */
static void fin_leaves(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if ((conn->flags & TCP_FIN_SENT) != 0) {
        return;
    }
    conn->flags |= TCP_FIN_SENT;
    tcp_enter(conn, conn->state == FLUE_TCP_ESTABLISHED ? FLUE_TCP_FIN_WAIT_1 : FLUE_TCP_LAST_ACK, FLUE_TCP_BY_CLOSE,
              now_ps);
}

/* Sends again what stands at SND.UNA, without moving SND.NXT (RFC 5681 3.2 step 3, RFC 6582 3.2 step 3). */
static flue_ps resend_una(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    uint32_t outstanding = conn->snd_max - conn->snd_una;
    uint32_t length = outstanding < conn->mss_bytes ? outstanding : conn->mss_bytes;
    uint8_t flags = FLUE_TCP_ACK;
    struct flue_span span;

    conn->flags &= ~(uint32_t)(TCP_RESEND_UNA | TCP_TIMING);
    if (length > conn->queue.bytes) {
        length = (uint32_t)conn->queue.bytes;
    }
    if (length > 0) {
        span = send_queue_at(&conn->queue, conn->snd_una, length);
        length = span.length_bytes;
    }
    if (length == conn->queue.bytes) {
        flags |= FLUE_TCP_PSH;
        if ((conn->flags & TCP_FIN_SENT) != 0) {
            flags |= FLUE_TCP_FIN;
        }
    }
    conn->last_sent_ps = now_ps;
    return tcp_emit(conn, conn->snd_una, flags, length > 0 ? &span : NULL, now_ps, true);
}

static flue_ps send_next(struct flue_tcp_conn *conn, const struct plan *plan, flue_ps now_ps)
{
    uint32_t seq = conn->snd_nxt;
    uint32_t length = plan->length_bytes;
    bool fin = plan->fin;
    bool again = seq_lt(seq, conn->snd_max);
    uint8_t flags = FLUE_TCP_ACK;
    struct flue_span span;
    uint32_t end;

    if (length > 0) {
        span = send_queue_at(&conn->queue, seq, length);
        fin = fin && span.length_bytes == length;
        length = span.length_bytes;
        if (seq - conn->snd_una + length == conn->queue.bytes) {
            flags |= FLUE_TCP_PSH; /* RFC 9293 3.9.1.2: the last segment before the queue runs empty */
        }
    }
    if (fin) {
        flags |= FLUE_TCP_FIN;
        fin_leaves(conn, now_ps);
    }
    end = seq + length + (fin ? 1 : 0);
    conn->snd_nxt = end;
    if (seq_gt(end, conn->snd_max)) {
        conn->snd_max = end;
    }
    conn->flags &= ~(uint32_t)TCP_FORCE;
    if (again) {
        conn->flags &= ~(uint32_t)TCP_TIMING; /* Karn's rule, RFC 6298 3 */
    } else if ((conn->flags & TCP_TIMING) == 0) {
        conn->flags |= TCP_TIMING;
        conn->rtt_seq = end;
        conn->moment.rtt_sent_ps = now_ps;
    }
    conn->last_sent_ps = now_ps;
    return tcp_emit(conn, seq, flags, length > 0 ? &span : NULL, now_ps, again);
}

int flue_tcp_output(struct flue_tcp_conn *conn, unsigned max_segments, flue_ps now_ps)
{
    struct plan plan;

    now_ps = tcp_advance(conn, now_ps);
    conn->flags &= ~(uint32_t)TCP_OUTPUT_ASKED;
    if (!may_transmit(conn)) {
        if ((conn->flags & TCP_SYN_DUE) != 0 && max_segments > 0) {
            conn->flags &= ~(uint32_t)TCP_SYN_DUE;
            tcp_timer_arm(conn, TCP_TIMER_RETRANSMIT, now_ps + tcp_rto(conn));
            (void)tcp_emit_syn(conn, now_ps, false);
        }
        return 0;
    }
    if (conn->snd_una == conn->snd_max && now_ps - conn->last_sent_ps > conn->rtt.rto_ps) {
        congestion_idle(&conn->congestion, tcp_initial_window(conn));
    }
    for (unsigned made = 0; made < max_segments; made++) {
        if ((conn->flags & TCP_RESEND_UNA) != 0) {
            now_ps = tcp_advance(conn, resend_una(conn, now_ps));
        } else if (plan_next(conn, &plan)) {
            now_ps = tcp_advance(conn, send_next(conn, &plan, now_ps));
        } else {
            break;
        }
    }
    tcp_timer_settle(conn, now_ps);
    if (tcp_sendable(conn)) {
        conn->flags |= TCP_OUTPUT_ASKED;
        return 1;
    }
    return 0;
}

void tcp_probe(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    bool fin = conn->queue.bytes == 0;
    bool again = conn->snd_una != conn->snd_max;
    struct flue_span span;

    conn->probes++;
    conn->stack->totals.probes++;
    flue_trace2(conn->stack->trace, tcp_probe, now_ps, conn->id, conn->snd_una, conn->probe_round);
    if (fin) {
        fin_leaves(conn, now_ps);
    } else {
        span = send_queue_at(&conn->queue, conn->snd_una, 1);
    }
    /* The byte counts as sent, and as due to be sent again as soon as there is a window: SND.NXT stays. */
    conn->snd_nxt = conn->snd_una;
    conn->snd_max = seq_max(conn->snd_max, conn->snd_una + 1);
    conn->flags &= ~(uint32_t)TCP_TIMING;
    conn->last_sent_ps = now_ps;
    (void)tcp_emit(conn, conn->snd_una, (uint8_t)(fin ? FLUE_TCP_ACK | FLUE_TCP_FIN : FLUE_TCP_ACK), fin ? NULL : &span,
                   now_ps, again);
}

flue_err flue_tcp_send(struct flue_tcp_conn *conn, const struct flue_span *span, flue_ps now_ps)
{
    /* Before the connection is open SND.UNA is our SYN, and the first byte follows it. */
    const uint32_t first_seq = conn->snd_una + (conn->state < FLUE_TCP_ESTABLISHED ? 1 : 0);

    if (conn->state == FLUE_TCP_CLOSED || (conn->flags & (TCP_FIN_QUEUED | TCP_EXPORTED)) != 0) {
        /* An import with its FIN in flight gets the data before it all the same. */
        if ((conn->flags & TCP_IMPORTING) == 0 || (conn->flags & TCP_FIN_SENT) == 0) {
            return FLUE_ESTATE;
        }
    }
    if (!send_queue_append(&conn->queue, &conn->stack->pieces, first_seq, span)) {
        return FLUE_ENOMEM;
    }
    if ((conn->flags & (TCP_IMPORTING | TCP_IN_INPUT | TCP_OUTPUT_ASKED)) == 0) {
        now_ps = tcp_advance(conn, now_ps);
        tcp_timer_settle(conn, now_ps);
        tcp_ask_output(conn, now_ps);
    }
    return FLUE_OK;
}

flue_err flue_tcp_close(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if (conn->state == FLUE_TCP_CLOSED || (conn->flags & (TCP_FIN_QUEUED | TCP_EXPORTED)) != 0) {
        return FLUE_ESTATE;
    }
    now_ps = tcp_advance(conn, now_ps);
    if (conn->state == FLUE_TCP_SYN_SENT) {
        tcp_end(conn, FLUE_TCP_BY_CLOSE, now_ps);
        tcp_raise_closed(conn);
        return FLUE_OK;
    }
    conn->flags |= TCP_FIN_QUEUED;
    if ((conn->flags & (TCP_IMPORTING | TCP_IN_INPUT)) == 0) {
        tcp_timer_settle(conn, now_ps);
        tcp_ask_output(conn, now_ps);
    }
    return FLUE_OK;
}
