/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/ack.c - the sending half's view of an acknowledgement (RFC 9293 3.10.7.4 fifth; RFC 5681 3; RFC 6582 3.2). */
#include "tcp/conn.h"

static void sample(struct flue_tcp_conn *conn, uint32_t ack, const struct flue_frame *frame, flue_ps now_ps)
{
    struct flue_tcp *stack = conn->stack;

    if ((conn->flags & TCP_TIMING) != 0) {
        if (seq_geq(ack, conn->rtt_seq)) {
            conn->flags &= ~(uint32_t)TCP_TIMING;
            rtt_sample(&conn->rtt, now_ps - conn->moment.rtt_sent_ps, &stack->rtt_bounds);
            conn->backoff = 0;
        }
        return;
    }
    /* After a timeout the echoed timestamp can tell which transmission was acknowledged (RFC 7323 4).  An ACK that is
     * repeated for a duplicate echoes an older one, so more than the timeout means nothing: then Karn's rule waits for
     * new data.  The tick is coarse: within one tick the estimate stays as it was, and only the back-off ends. */
    if (conn->backoff > 0 && (conn->flags & TCP_TIMESTAMPS) != 0 && frame->ts_ecr != 0) {
        uint32_t ticks = tcp_clock(stack, now_ps) + conn->ts_offset - frame->ts_ecr;

        if (ticks > conn->rtt.rto_ps / stack->params.tick_ps) {
            return;
        }
        if (ticks > 0) {
            rtt_sample(&conn->rtt, (flue_ps)ticks * stack->params.tick_ps, &stack->rtt_bounds);
        }
        conn->backoff = 0;
    }
}

void tcp_take_window(struct flue_tcp_conn *conn, const struct flue_frame *frame, bool advanced)
{
    /* RFC 9293 3.10.7.4: newer by SEQ; SND.WL2 need not be kept, as an ACK below SND.UNA never comes here.  An ACK that
     * advanced SND.UNA is newer whatever its SEQ (a repeated segment has an old one): SND.WND counts from SND.UNA, and
     * to keep it would move the edge beyond what the peer offers. */
    if (advanced || seq_leq(conn->snd_wl1, frame->seq)) {
        conn->snd_wl1 = seq_max(conn->snd_wl1, frame->seq);
        conn->snd_wnd = (uint32_t)frame->window << conn->snd_wscale;
        if (conn->snd_wnd > conn->max_snd_wnd) {
            conn->max_snd_wnd = conn->snd_wnd;
        }
    }
}

static void duplicate(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    struct congestion *c = &conn->congestion;
    struct flue_tcp *stack = conn->stack;

    if (c->dup_acks < UINT8_MAX) {
        c->dup_acks++;
    }
    if (c->in_recovery) {
        congestion_inflate(c, conn->mss_bytes);
    } else if (c->dup_acks == stack->params.dup_ack_threshold && congestion_may_enter(c, conn->snd_una)) {
        congestion_enter(c, conn->mss_bytes, conn->snd_max - conn->snd_una, conn->snd_max);
        conn->flags &= ~(uint32_t)TCP_TIMING;
        conn->flags |= TCP_RESEND_UNA;
        conn->fast_retransmits++;
        stack->totals.fast_retransmits++;
        flue_trace3(stack->trace, tcp_fast_retransmit, now_ps, conn->id, conn->snd_una, c->cwnd_bytes,
                    c->ssthresh_bytes);
    }
}

/* Our FIN has been acknowledged. */
static void fin_acked(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    conn->flags |= TCP_FIN_ACKED;
    if (conn->state == FLUE_TCP_FIN_WAIT_1) {
        tcp_enter(conn, FLUE_TCP_FIN_WAIT_2, FLUE_TCP_BY_SEGMENT, now_ps);
    } else if (conn->state == FLUE_TCP_CLOSING) {
        tcp_enter(conn, FLUE_TCP_TIME_WAIT, FLUE_TCP_BY_SEGMENT, now_ps);
    } else {
        tcp_end(conn, FLUE_TCP_BY_SEGMENT, now_ps);
    }
    tcp_event_plain(conn, FLUE_TCP_EV_FIN_ACKED, now_ps);
}

static void new_ack(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    struct flue_tcp *stack = conn->stack;
    struct congestion *c = &conn->congestion;
    uint32_t ack = frame->ack;
    uint32_t acked = ack - conn->snd_una;
    uint32_t flight = conn->snd_max - conn->snd_una;
    uint32_t data = acked > conn->queue.bytes ? (uint32_t)conn->queue.bytes : acked;
    bool fin = acked > data;
    bool rearm = true;

    send_queue_drop(&conn->queue, &stack->pieces, data);
    conn->snd_una = ack;
    if (seq_lt(conn->snd_nxt, ack)) {
        conn->snd_nxt = ack;
    }
    sample(conn, ack, frame, now_ps);
    conn->rt_count = 0;
    conn->probe_round = 0;
    conn->total_rt_ticks = 0;
    conn->flags &= ~(uint32_t)TCP_RESEND_UNA;
    if (!c->in_recovery) {
        c->dup_acks = 0;
        congestion_grow(c, conn->mss_bytes, acked, flight);
    } else if (congestion_recovering(c, conn->mss_bytes, ack, acked, flight - acked)) {
        flue_trace2(stack->trace, tcp_recovered, now_ps, conn->id, ack, c->cwnd_bytes);
    } else {
        conn->flags |= TCP_RESEND_UNA;
        rearm = c->partial_seen == 0; /* RFC 6582 4: the "impatient" variant */
        c->partial_seen = 1;
    }
    tcp_take_window(conn, frame, true);
    if (conn->snd_una == conn->snd_max) {
        tcp_timer_stop(conn);
    } else if (conn->timer_mode == TCP_TIMER_PERSIST && conn->snd_wnd == 0) {
        tcp_timer_arm(conn, TCP_TIMER_PERSIST, now_ps + tcp_rto(conn));
    } else if (rearm) {
        tcp_timer_arm(conn, TCP_TIMER_RETRANSMIT, now_ps + tcp_rto(conn)); /* RFC 6298 5.3 */
    }
    if (data > 0) {
        tcp_event(conn, &(struct flue_tcp_event){
                            .kind = FLUE_TCP_EV_ACKED, .reason = FLUE_TCP_BY_SEGMENT, .bytes = data, .at_ps = now_ps});
    }
    if (fin) {
        fin_acked(conn, now_ps);
    }
}

void tcp_acknowledge(struct flue_tcp_conn *conn, const struct flue_frame *frame, bool pure, flue_ps now_ps)
{
    uint32_t window = conn->snd_wnd;

    if (frame->ack != conn->snd_una) {
        new_ack(conn, frame, now_ps);
        return;
    }
    tcp_take_window(conn, frame, false);
    if (conn->snd_una != conn->snd_max && pure && window == conn->snd_wnd && conn->timer_mode != TCP_TIMER_PERSIST) {
        duplicate(conn, now_ps);
    }
    if (conn->timer_mode == TCP_TIMER_PERSIST && conn->snd_wnd == 0 && conn->rt_count > 0) {
        /* D-57: an answer to a probe ends the round. */
        conn->rt_count = 0;
        if (conn->probe_round < UINT8_MAX) {
            conn->probe_round++;
        }
        tcp_timer_arm(conn, TCP_TIMER_PERSIST,
                      now_ps + rtt_timeout(&conn->rtt, conn->probe_round, conn->stack->params.rto_max_ps));
    }
}
