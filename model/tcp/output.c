/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/output.c - what may be sent, and sending it (RFC 9293 3.8.6.2.1, 3.7.4; RFC 5681 3).
 *
 * Chosen where the documents leave a choice: a pure ACK has SEQ = SND.MAX, or the edge of the peer's window if that is
 * lower (a refused probe). A segment carries one span, so it also ends where payload does not continue. A window that
 * is open but too small for a worthwhile segment (sws_override_ps), or a cork, arms the persist timer; its expiry sends
 * what fits. It runs only while nothing is outstanding: else an ACK, or the retransmission, brings news. Only new data
 * is sent as ECT(0). */
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

#define PATH_MTU_LIFE_PS (600 * FLUE_PS_PER_S) /* RFC 1191 6.3, RFC 8201 4: then a larger one is tried again */

/* The next segment. */
struct plan {
    uint32_t seq;
    uint32_t length_bytes;
    bool fin;
    enum sack_next why; /* with SACK: what it repairs; NEW otherwise: it leaves at SND.NXT */
};

/* Payload of a full segment now: SACK blocks that ride along take their place (RFC 6691). */
static uint32_t full_bytes(const struct flue_tcp_conn *conn)
{
    const struct tcp_active *active = conn->active;

    if ((conn->flags & TCP_SACK) != 0 && sack_report_any(&active->report, &active->reassembly)) {
        return conn->mss_bytes - (4 + 8 * tcp_sack_room(conn));
    }
    return conn->mss_bytes;
}

/* RFC 3042: the first two duplicates let one new segment each leave beyond the congestion window. */
static uint32_t limited_transmit(const struct flue_tcp_conn *conn)
{
    if (conn->recovery != FLUE_TCP_CA_DISORDER || conn->stack->params.limited_transmit == 0 ||
        conn->snd_nxt != conn->snd_max) {
        return 0;
    }
    return (conn->dup_acks < 2 ? conn->dup_acks : 2u) * conn->mss_bytes;
}

static bool nagle_waits(const struct flue_tcp_conn *conn, uint32_t sent, uint32_t length, uint32_t full)
{
    if (length >= full || (conn->flags & (TCP_FIN_QUEUED | TCP_FORCE)) != 0 || conn->snd_nxt != conn->snd_max) {
        return false;
    }
    return conn->settings->cork != 0 || (conn->settings->nagle != 0 && sent > 0); /* RFC 9293 3.7.4 */
}

/* May a segment leave at SND.NXT, within `window` bytes from SND.UNA, and how long would it be? */
static bool plan_at_nxt(const struct flue_tcp_conn *conn, uint32_t window, struct plan *plan)
{
    const struct tcp_active *active = conn->active;
    uint32_t sent = conn->snd_nxt - conn->snd_una;
    uint32_t full = full_bytes(conn);
    uint64_t queued;
    uint32_t room;
    uint32_t length;

    *plan = (struct plan){.seq = conn->snd_nxt, .why = SACK_NEXT_NEW};
    if (sent >= active->queue.bytes) {
        /* Nothing but a FIN can follow: it needs a place in the peer's window, but does not wait for cwnd. */
        plan->fin = sent == active->queue.bytes && (conn->flags & (TCP_FIN_QUEUED | TCP_FIN_ACKED)) == TCP_FIN_QUEUED &&
                    (sent < conn->snd_wnd || (conn->flags & TCP_FORCE) != 0);
        return plan->fin;
    }
    if (window <= sent) {
        return false;
    }
    queued = active->queue.bytes - sent;
    room = window - sent;
    length = room < full ? room : full;
    if (queued <= length) {
        length = (uint32_t)queued;
        if (nagle_waits(conn, sent, length, full)) {
            return false;
        }
        plan->fin = (conn->flags & TCP_FIN_QUEUED) != 0 && sent + length < conn->snd_wnd;
    } else if (length < full && (conn->flags & TCP_FORCE) == 0) {
        /* Only a part of what waits fits the window: worth it if nothing is outstanding that would open it, in a
         * repetition; or if it is half of the largest window ever seen. */
        if (conn->snd_nxt != conn->snd_max ? sent > 0 : length < (conn->max_snd_wnd + 1) / 2) {
            return false;
        }
    }
    plan->length_bytes = length;
    return true;
}

/* What is to be repaired, cut at the end of the data; behind it may stand our FIN. */
static bool plan_repair(const struct flue_tcp_conn *conn, uint32_t seq, uint32_t length, enum sack_next why,
                        struct plan *plan)
{
    uint32_t offset = seq - conn->snd_una;
    uint32_t left = conn->active->queue.bytes > offset ? (uint32_t)(conn->active->queue.bytes - offset) : 0;

    if (offset >= conn->snd_wnd) {
        return false; /* the peer has taken its window back */
    }
    *plan = (struct plan){.seq = seq, .length_bytes = length < left ? length : left, .fin = length > left, .why = why};
    return true;
}

/* RFC 6675 5, step C, and 4 for the first duplicates: what pipe leaves of cwnd. */
static bool plan_by_pipe(const struct flue_tcp_conn *conn, struct plan *plan)
{
    const struct scoreboard *board = &conn->active->board;
    bool repair = conn->recovery == FLUE_TCP_CA_RECOVERY || conn->recovery == FLUE_TCP_CA_LOSS;
    bool by_board = repair || conn->recovery != FLUE_TCP_CA_DISORDER || conn->stack->params.limited_transmit != 0;
    uint32_t pipe = by_board ? scoreboard_pipe(board, conn->snd_una, conn->snd_max) : conn->snd_max - conn->snd_una;
    struct plan fresh;
    bool can_fresh;
    uint32_t seq = 0;
    uint32_t length = 0;

    if (conn->cc.cwnd_bytes <= pipe || conn->cc.cwnd_bytes - pipe < conn->mss_bytes) {
        return false;
    }
    can_fresh = plan_at_nxt(conn, conn->snd_wnd, &fresh);
    if (repair) {
        enum sack_next why =
            scoreboard_next(board, conn->snd_una, conn->snd_max, full_bytes(conn), can_fresh, &seq, &length);

        if (why == SACK_NEXT_NONE) {
            return false;
        }
        if (why != SACK_NEXT_NEW) {
            return plan_repair(conn, seq, length, why, plan);
        }
    }
    *plan = fresh;
    return can_fresh;
}

static bool plan_next(const struct flue_tcp_conn *conn, struct plan *plan)
{
    uint32_t window;

    if (tcp_by_pipe(conn)) {
        return plan_by_pipe(conn, plan);
    }
    window = conn->cc.cwnd_bytes + limited_transmit(conn);
    return plan_at_nxt(conn, window < conn->snd_wnd ? window : conn->snd_wnd, plan);
}

bool tcp_sendable(const struct flue_tcp_conn *conn)
{
    struct plan plan;

    if (conn->active->queue.bytes == 0 && (conn->flags & (TCP_FIN_QUEUED | TCP_RESEND_UNA | TCP_SYN_DUE)) == 0) {
        return false; /* as of whoever only receives */
    }
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
    tcp_enter(conn, conn->state == FLUE_TCP_CLOSE_WAIT ? FLUE_TCP_LAST_ACK : FLUE_TCP_FIN_WAIT_1, FLUE_TCP_BY_CLOSE,
              now_ps);
}

/* Tells the scoreboard of a repair. */
static void repaired(struct flue_tcp_conn *conn, enum sack_next why, uint32_t seq, uint32_t length)
{
    if ((conn->flags & TCP_SACK) != 0) {
        scoreboard_sent_again(&conn->active->board, why, seq, length, conn->active->recover);
    }
}

/* Sends [seq, seq + length) again, as much of it as one span holds, without moving SND.NXT. */
static flue_ps resend(struct flue_tcp_conn *conn, const struct plan *plan, flue_ps now_ps)
{
    struct tcp_active *active = conn->active;
    uint32_t length = plan->length_bytes;
    bool fin = plan->fin;
    uint8_t flags = FLUE_TCP_ACK;
    struct flue_span span;

    conn->flags &= ~(uint32_t)TCP_TIMING; /* Karn's rule, RFC 6298 3 */
    if (length > 0) {
        span = send_queue_at(&active->queue, plan->seq, length);
        fin = fin && span.length_bytes == length;
        length = span.length_bytes;
    }
    if (plan->seq - conn->snd_una + length == active->queue.bytes) {
        flags |= FLUE_TCP_PSH;
    }
    if (fin) {
        flags |= FLUE_TCP_FIN;
    }
    if (length == 0) {
        flags = (uint8_t)(flags & ~(unsigned)FLUE_TCP_PSH);
    }
    conn->last_sent_ps = now_ps;
    repaired(conn, plan->why, plan->seq, length + (fin ? 1 : 0));
    return tcp_emit(conn, plan->seq, flags, length > 0 ? &span : NULL, now_ps, true);
}

/* What stands at SND.UNA, out of turn (RFC 5681 3.2 step 3, RFC 6582 3.2 step 3, RFC 6675 5 step 4.3). */
static flue_ps resend_una(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    uint32_t outstanding = conn->snd_max - conn->snd_una;
    uint32_t full = full_bytes(conn);
    uint32_t length = outstanding < full ? outstanding : full;
    uint32_t queued = (uint32_t)(conn->active->queue.bytes < length ? conn->active->queue.bytes : length);
    struct plan plan = {.seq = conn->snd_una, .length_bytes = queued, .why = SACK_NEXT_LOST};

    conn->flags &= ~(uint32_t)TCP_RESEND_UNA;
    plan.fin = queued == conn->active->queue.bytes && (conn->flags & TCP_FIN_SENT) != 0;
    if ((conn->flags & TCP_SACK) != 0 && conn->recovery == FLUE_TCP_CA_RECOVERY) {
        scoreboard_begin_recovery(&conn->active->board, conn->snd_una, length);
    }
    return resend(conn, &plan, now_ps);
}

static flue_ps send_next(struct flue_tcp_conn *conn, const struct plan *plan, flue_ps now_ps)
{
    struct tcp_active *active = conn->active;
    uint32_t seq = plan->seq;
    uint32_t length = plan->length_bytes;
    bool fin = plan->fin;
    int again = seq_lt(seq, conn->snd_max) ? FLUE_TCP_AGAIN : 0;
    uint8_t flags = FLUE_TCP_ACK;
    struct flue_span span;
    uint32_t end;

    if (length > 0) {
        span = send_queue_at(&active->queue, seq, length);
        fin = fin && span.length_bytes == length;
        length = span.length_bytes;
        if (seq - conn->snd_una + length == active->queue.bytes) {
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
        again = again != 0 ? FLUE_TCP_AGAIN_PARTLY : 0;
    }
    conn->flags &= ~(uint32_t)TCP_FORCE;
    if (again != 0) {
        conn->flags &= ~(uint32_t)TCP_TIMING; /* Karn's rule, RFC 6298 3 */
        repaired(conn, SACK_NEXT_LOST, seq, end - seq);
    } else if ((conn->flags & TCP_TIMING) == 0) {
        conn->flags |= TCP_TIMING;
        active->rtt_seq = end;
        active->rtt_sent_ps = now_ps;
    }
    conn->last_sent_ps = now_ps;
    return tcp_emit(conn, seq, flags, length > 0 ? &span : NULL, now_ps, again);
}

/* A path MTU that was lowered long ago is forgotten; one that has changed is applied. */
static void refresh_path(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    struct tcp_path *path = conn->path;

    if (conn->stack->params.path_mtu_discovery != 0 && path->lowered_ps != FLUE_PS_NEVER &&
        now_ps - path->lowered_ps >= PATH_MTU_LIFE_PS) {
        path->mtu_bytes = conn->stack->params.mtu_bytes;
        path->lowered_ps = FLUE_PS_NEVER;
    }
    if (conn->mtu_bytes != (uint16_t)path->mtu_bytes) {
        tcp_set_mss(conn);
    }
}

static void idle_restart(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if (conn->stack->params.idle_restart != 0 && conn->snd_una == conn->snd_max &&
        now_ps - conn->last_sent_ps > rtt_rto(&conn->rtt, &conn->stack->rtt_bounds)) {
        cc_idle(&conn->cc, tcp_initial_window(conn));
        conn->active->epoch = (struct cc_epoch){0};
    }
}

static int send_syn(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    conn->flags &= ~(uint32_t)TCP_SYN_DUE;
    tcp_timer_retransmit(conn, now_ps);
    (void)tcp_emit_syn(conn, now_ps, false);
    return 0;
}

int flue_tcp_output(struct flue_tcp_conn *conn, unsigned max_segments, flue_ps now_ps)
{
    struct plan plan;
    bool more = true;

    now_ps = tcp_advance(conn, now_ps);
    conn->flags &= ~(uint32_t)TCP_OUTPUT_ASKED;
    if (!may_transmit(conn)) {
        return (conn->flags & TCP_SYN_DUE) != 0 && max_segments > 0 ? send_syn(conn, now_ps) : 0;
    }
    if (conn->active == &conn->stack->idle) {
        return 0; /* what asked for output has been acknowledged meanwhile */
    }
    refresh_path(conn, now_ps);
    idle_restart(conn, now_ps);
    for (unsigned made = 0; made < max_segments; made++) {
        if ((conn->flags & TCP_RESEND_UNA) != 0) {
            now_ps = tcp_advance(conn, resend_una(conn, now_ps));
        } else if (!plan_next(conn, &plan)) {
            more = false;
            break;
        } else if (plan.why == SACK_NEXT_NEW) {
            now_ps = tcp_advance(conn, send_next(conn, &plan, now_ps));
        } else {
            now_ps = tcp_advance(conn, resend(conn, &plan, now_ps));
        }
    }
    tcp_timer_settle(conn, now_ps);
    if (more && tcp_sendable(conn)) {
        conn->flags |= TCP_OUTPUT_ASKED;
        return 1;
    }
    return 0;
}

void tcp_probe(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    bool fin = conn->active->queue.bytes == 0;
    bool again = conn->snd_una != conn->snd_max;
    uint8_t flags = FLUE_TCP_ACK;
    struct flue_span span;

    tcp_rare_count(conn)->probes++;
    conn->stack->totals.probes++;
    flue_trace2(conn->stack->trace, tcp_probe, now_ps, conn->id, conn->snd_una, conn->probe_round);
    if (fin) {
        fin_leaves(conn, now_ps);
    } else {
        span = send_queue_at(&conn->active->queue, conn->snd_una, 1);
    }
    /* The byte counts as sent, and as due to be sent again as soon as there is a window: SND.NXT stays. */
    conn->snd_nxt = conn->snd_una;
    conn->snd_max = seq_max(conn->snd_max, conn->snd_una + 1);
    conn->flags &= ~(uint32_t)TCP_TIMING;
    conn->last_sent_ps = now_ps;
    if (fin) {
        flags |= FLUE_TCP_FIN;
    } else if (conn->active->queue.bytes == 1) {
        flags |= FLUE_TCP_PSH; /* as in send_next(): nothing follows it */
    }
    (void)tcp_emit(conn, conn->snd_una, flags, fin ? NULL : &span, now_ps, again);
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
    if (!tcp_activate(conn) || !send_queue_append(&conn->active->queue, &conn->stack->pieces, first_seq, span)) {
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
    if (!tcp_activate(conn)) {
        return FLUE_ENOMEM;
    }
    conn->flags |= TCP_FIN_QUEUED;
    if (conn->state == FLUE_TCP_SYN_RECEIVED && conn->active->queue.bytes == 0 && conn->snd_wnd > 0) {
        /* RFC 9293 3.10.4: nothing is queued, so the FIN need not wait for the acknowledgement of our SYN. */
        conn->flags |= TCP_SYN_OUT;
        fin_leaves(conn, now_ps);
        conn->snd_nxt++;
        conn->snd_max = conn->snd_nxt;
        (void)tcp_emit(conn, conn->snd_max - 1, FLUE_TCP_ACK | FLUE_TCP_FIN, NULL, now_ps, false);
        return FLUE_OK;
    }
    if ((conn->flags & (TCP_IMPORTING | TCP_IN_INPUT)) == 0) {
        tcp_timer_settle(conn, now_ps);
        tcp_ask_output(conn, now_ps);
    }
    return FLUE_OK;
}

void flue_tcp_urgent(struct flue_tcp_conn *conn)
{
    const uint32_t first_seq = conn->snd_una + (conn->state < FLUE_TCP_ESTABLISHED ? 1 : 0);

    struct tcp_rare *rare = conn->active->queue.bytes > 0 ? tcp_rare_need(conn) : NULL;

    if (rare != NULL) { /* without memory it goes as ordinary data */
        rare->snd_up = first_seq + (uint32_t)conn->active->queue.bytes;
        conn->flags |= TCP_URGENT_OUT;
    }
}
