/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/handshake.c - opening a connection (RFC 9293 3.5, 3.10.7.2, 3.10.7.3; RFC 7323 2.2, 3.2). */
#include "tcp/conn.h"

static struct flue_tcp_tuple tuple_of(const struct flue_frame *frame)
{
    return (struct flue_tcp_tuple){.local_ip = frame->dst_ip,
                                   .remote_ip = frame->src_ip,
                                   .local_port = frame->dst_port,
                                   .remote_port = frame->src_port};
}

void tcp_take_syn(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    struct flue_tcp *stack = conn->stack;

    conn->rcv_nxt = frame->seq + 1;
    conn->rcv_adv = conn->rcv_nxt;
    conn->last_ack_sent = conn->rcv_nxt;
    conn->snd_wl1 = frame->seq;
    conn->snd_wnd = frame->window; /* never scaled in a SYN */
    conn->max_snd_wnd = conn->snd_wnd;
    if (stack->params.window_scaling != 0 && (frame->options & FLUE_OPT_WSCALE) != 0) {
        conn->flags |= TCP_SCALING;
        conn->snd_wscale = frame->wscale > 14 ? 14 : frame->wscale; /* RFC 7323 2.3 */
        conn->rcv_wscale = stack->own_wscale;
    }
    if (stack->params.timestamps != 0 && (frame->options & FLUE_OPT_TIMESTAMP) != 0) {
        conn->flags |= TCP_TIMESTAMPS;
        conn->ts_recent = frame->ts_val;
        conn->ts_recent_ps = now_ps;
    }
    tcp_set_mss(conn, (frame->options & FLUE_OPT_MSS) != 0 ? frame->mss : 536); /* RFC 9293 3.7.1 */
}

void tcp_established(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    conn->snd_una++;
    conn->snd_nxt = conn->snd_una;
    tcp_timer_stop(conn);
    if ((conn->flags & TCP_TIMING) != 0) {
        conn->flags &= ~(uint32_t)TCP_TIMING;
        rtt_sample(&conn->rtt, now_ps - conn->moment.rtt_sent_ps, &conn->stack->rtt_bounds);
    }
    /* RFC 5681 3.1: after a lost SYN the initial window is one segment. */
    conn->congestion =
        congestion_start(conn->mss_bytes, conn->rt_count > 0 ? conn->mss_bytes : tcp_initial_window(conn));
    conn->rt_count = 0;
    conn->backoff = 0;
    conn->total_rt_ticks = 0;
    if ((frame->flags & FLUE_TCP_SYN) == 0) {
        tcp_take_window(conn, frame, true);
    }
    tcp_enter(conn, FLUE_TCP_ESTABLISHED, FLUE_TCP_BY_SEGMENT, now_ps);
    tcp_event_plain(conn, FLUE_TCP_EV_CONNECTED, now_ps);
}

/* RFC 9293 3.10.7.3. */
void tcp_input_syn_sent(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    bool has_ack = (frame->flags & FLUE_TCP_ACK) != 0;

    if (conn->snd_max == conn->snd_una) {
        return; /* our SYN has not left yet: nothing can be meant for this connection */
    }
    if (has_ack && frame->ack != conn->snd_max) {
        if ((frame->flags & FLUE_TCP_RST) == 0) {
            tcp_answer_reset(conn->stack, frame, now_ps);
        }
        return;
    }
    if ((frame->flags & FLUE_TCP_RST) != 0) {
        if (has_ack) {
            tcp_end(conn, FLUE_TCP_BY_RESET, now_ps);
        }
        return;
    }
    if ((frame->flags & FLUE_TCP_SYN) == 0) {
        return;
    }
    tcp_take_syn(conn, frame, now_ps);
    if (has_ack) {
        tcp_established(conn, frame, now_ps);
        conn->flags |= TCP_ACK_NOW;
        return;
    }
    /* Both sides open at once (RFC 9293 3.5 figure 7). */
    tcp_enter(conn, FLUE_TCP_SYN_RECEIVED, FLUE_TCP_BY_SEGMENT, now_ps);
    tcp_timer_arm(conn, TCP_TIMER_RETRANSMIT, now_ps + tcp_rto(conn));
    (void)tcp_emit_syn(conn, now_ps, false);
}

static bool listens(const struct flue_tcp *stack, uint16_t port)
{
    return stack->listening != NULL && (stack->listening[port >> 6] >> (port & 63) & 1) != 0;
}

/* RFC 9293 3.10.7.1 and 3.10.7.2. */
void tcp_no_connection(struct flue_tcp *stack, const struct flue_frame *frame, flue_ps now_ps, int answer_rst)
{
    struct flue_tcp_tuple tuple = tuple_of(frame);
    struct flue_tcp_conn *conn;
    void *user;
    flue_err err;

    flue_trace6(stack->trace, tcp_receive, now_ps, FLUE_NO_CONN, frame->seq, frame->payload.length_bytes, frame->ack,
                frame->flags, frame->window, 0);
    if ((frame->flags & FLUE_TCP_RST) != 0) {
        return;
    }
    if ((frame->flags & (FLUE_TCP_SYN | FLUE_TCP_ACK)) != FLUE_TCP_SYN || !listens(stack, frame->dst_port) ||
        stack->ops.accept == NULL) {
        if (answer_rst) {
            tcp_answer_reset(stack, frame, now_ps);
        }
        return;
    }
    user = stack->ops.accept(stack->owner, &tuple);
    if (user == NULL) {
        tcp_answer_reset(stack, frame, now_ps);
        return;
    }
    conn = tcp_conn_new(stack, &tuple, user, FLUE_NO_CONN, now_ps, &err);
    if (conn == NULL) {
        tcp_answer_reset(stack, frame, now_ps);
        return;
    }
    conn->segments_in++;
    tcp_enter(conn, FLUE_TCP_LISTEN, FLUE_TCP_BY_OPEN, now_ps);
    tcp_take_syn(conn, frame, now_ps);
    tcp_enter(conn, FLUE_TCP_SYN_RECEIVED, FLUE_TCP_BY_SEGMENT, now_ps);
    tcp_timer_arm(conn, TCP_TIMER_RETRANSMIT, now_ps + tcp_rto(conn));
    (void)tcp_emit_syn(conn, now_ps, false);
}
