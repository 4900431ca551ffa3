/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/ack.c - the sending half's view of an acknowledgement (RFC 9293 3.10.7.4 fifth; RFC 5681 3; RFC 6298; RFC 7323).
 *
 * Chosen where the documents leave a choice: the congestion window grows only while at least half of it is in use; slow
 * start counts bytes, at most two segments per ACK (RFC 3465 with L = 2; 1 after a timeout). The window beside an ACK
 * that advances SND.UNA is taken whatever its SEQ. SND.WND counts from SND.UNA; to keep the old value for a repeated
 * segment would move the right edge beyond what the peer offers. */
#include "tcp/conn.h"

static void sample(struct flue_tcp_conn *conn, uint32_t ack, const struct flue_frame *frame, flue_ps now_ps)
{
    struct flue_tcp *stack = conn->stack;

    if ((conn->flags & TCP_TIMING) != 0) {
        if (seq_geq(ack, conn->active->rtt_seq)) {
            conn->flags &= ~(uint32_t)TCP_TIMING;
            rtt_sample(&conn->rtt, now_ps - conn->active->rtt_sent_ps);
            conn->timer.doublings = 0;
        }
        return;
    }
    /* After a timeout the echoed timestamp can tell which transmission was acknowledged (RFC 7323 4).  An ACK that is
     * repeated for a duplicate echoes an older one, so more than the timeout means nothing: then Karn's rule waits for
     * new data.  The tick is coarse: within one tick the estimate stays as it was, and only the back-off ends. */
    if (conn->timer.doublings > 0 && (conn->flags & TCP_TIMESTAMPS) != 0 && frame->ts_ecr != 0) {
        uint32_t ticks = tcp_clock(stack, now_ps) + conn->ts_offset - frame->ts_ecr;

        if (ticks > rtt_rto(&conn->rtt, &stack->rtt_bounds) / stack->params.tick_ps) {
            return;
        }
        if (ticks > 0) {
            rtt_sample(&conn->rtt, (flue_ps)ticks * stack->params.tick_ps);
        }
        conn->timer.doublings = 0;
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
    struct tcp_active *active = conn->active;
    uint32_t ack = frame->ack;
    uint32_t acked = ack - conn->snd_una;
    uint32_t flight = conn->snd_max - conn->snd_una;
    uint32_t data = acked > active->queue.bytes ? (uint32_t)active->queue.bytes : acked;
    bool fin = acked > data;
    bool restart;

    send_queue_drop(&active->queue, &conn->stack->pieces, data);
    conn->snd_una = ack;
    if (seq_lt(conn->snd_nxt, ack)) {
        conn->snd_nxt = ack;
    }
    if ((conn->flags & TCP_URGENT_OUT) != 0 && seq_leq(tcp_rare_of(conn)->snd_up, ack)) {
        conn->flags &= ~(uint32_t)TCP_URGENT_OUT;
    }
    sample(conn, ack, frame, now_ps);
    conn->timer.count = 0;
    conn->probe_round = 0;
    active->total_rt_ticks = 0;
    conn->flags &= ~(uint32_t)(TCP_RESEND_UNA | TCP_SOFT_ERROR);
    restart = tcp_recovery_advance(conn, acked, flight,
                                   (conn->flags & TCP_ECN) != 0 && (frame->flags & FLUE_TCP_ECE) != 0, now_ps);
    tcp_take_window(conn, frame, true);
    if (conn->snd_una == conn->snd_max) {
        tcp_timer_stop(conn);
    } else if (conn->timer.mode == TCP_TIMER_PERSIST && conn->snd_wnd == 0) {
        tcp_timer_arm(conn, TCP_TIMER_PERSIST, now_ps + tcp_rto(conn));
    } else if (restart) {
        tcp_timer_retransmit(conn, now_ps); /* RFC 6298 5.3 */
    }
    if (data > 0) {
        tcp_event(conn, &(struct flue_tcp_event){
                            .kind = FLUE_TCP_EV_ACKED, .reason = FLUE_TCP_BY_SEGMENT, .bytes = data, .at_ps = now_ps});
    }
    if (fin) {
        fin_acked(conn, now_ps);
    }
}

/* Takes the SACK blocks.  Returns how many bytes the peer is now known to have that it was not known to have. */
static uint32_t take_sack(struct flue_tcp_conn *conn, const struct flue_frame *frame)
{
    struct tcp_active *active = conn->active;
    uint32_t una = seq_max(conn->snd_una, frame->ack);
    uint32_t newly;
    bool dsack = false;

    /* While nothing is outstanding no block can add to the shared idle scoreboard, but it may tell of a copy. */
    newly = scoreboard_take(&active->board, &conn->stack->ranges, una, conn->snd_max, frame->ack, frame->sack,
                            frame->sack_count, &dsack);
    if (dsack) {
        tcp_rare_count(conn)->dsacks_in++;
    }
    return newly;
}

/* D-57: an answer to a probe ends the round. */
static void probe_answered(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    conn->timer.count = 0;
    conn->active->total_rt_ticks = 0;
    if (conn->probe_round < UINT8_MAX) {
        conn->probe_round++;
    }
    tcp_timer_arm(conn, TCP_TIMER_PERSIST,
                  now_ps + rtt_timeout(&conn->rtt, conn->probe_round, &conn->stack->rtt_bounds));
}

void tcp_acknowledge(struct flue_tcp_conn *conn, const struct flue_frame *frame, bool pure, flue_ps now_ps)
{
    uint32_t window = conn->snd_wnd;
    uint32_t newly = 0;

    if ((frame->options & FLUE_OPT_SACK) != 0 && (conn->flags & TCP_SACK) != 0) {
        newly = take_sack(conn, frame);
    }
    if (frame->ack != conn->snd_una) {
        new_ack(conn, frame, now_ps);
    } else {
        tcp_take_window(conn, frame, false);
        if (conn->snd_una != conn->snd_max && conn->timer.mode != TCP_TIMER_PERSIST) {
            /* RFC 5681 2: a duplicate; with SACK, RFC 6675 2: one that tells of new data. */
            if ((conn->flags & TCP_SACK) != 0 ? newly > 0 : pure && window == conn->snd_wnd) {
                tcp_recovery_duplicate(conn, now_ps);
            }
        }
        if (conn->timer.mode == TCP_TIMER_PERSIST && conn->snd_wnd == 0 && conn->timer.count > 0) {
            probe_answered(conn, now_ps);
        }
    }
    /* Behind the new SND.UNA, which tells whether the marks are of another window of data. */
    if ((frame->flags & FLUE_TCP_ECE) != 0 && (conn->flags & TCP_ECN) != 0 && conn->state != FLUE_TCP_CLOSED) {
        tcp_recovery_marked(conn, now_ps);
    }
}
