/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/handshake.c - opening a connection (RFC 9293 3.5, 3.10.7.1 to 3.10.7.3; RFC 7323 2.2, 3.2; RFC 3168 6.1.1).
 *
 * Chosen where the documents leave a choice: a SYN that comes again in SYN-RECEIVED is answered with the SYN-ACK, not
 * with a bare ACK. Data and a FIN that come with a SYN are kept and handed up when the connection is established. A SYN
 * ends TIME-WAIT only where somebody listens. */
#include "tcp/conn.h"

#define ECN_SETUP (FLUE_TCP_ECE | FLUE_TCP_CWR)

/* RFC 3168 6.1.1: a SYN asks with both bits, a SYN-ACK agrees with ECE alone; and whoever has sent a SYN that did not
 * ask must not use ECN.  Ours asks if we were told to, and never when it is sent again. */
static bool peer_wants_ecn(const struct flue_tcp_conn *conn, const struct flue_frame *frame)
{
    const struct flue_tcp *stack = conn->stack;
    unsigned bits = frame->flags & ECN_SETUP;

    if ((conn->flags & TCP_PASSIVE) != 0) {
        return stack->params.ecn != 0 && bits == ECN_SETUP;
    }
    return stack->params.ecn == 2 && conn->timer.count == 0 &&
           bits == ((frame->flags & FLUE_TCP_ACK) != 0 ? FLUE_TCP_ECE : ECN_SETUP);
}

/* Takes the peer's SYN and its options. */
static void take_syn(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    struct flue_tcp *stack = conn->stack;

    conn->rcv_nxt = frame->seq + 1;
    conn->rcv_adv = conn->rcv_nxt;
    conn->active->unacked_bytes = 0;
    conn->snd_wl1 = frame->seq;
    conn->snd_wnd = frame->window; /* never scaled in a SYN */
    conn->max_snd_wnd = conn->snd_wnd;
    if (stack->params.window_scaling != 0 && (frame->options & FLUE_OPT_WSCALE) != 0) {
        conn->flags |= TCP_SCALING;
        conn->snd_wscale = frame->wscale > 14 ? 14 : frame->wscale; /* RFC 7323 2.3 */
    } else {
        conn->rcv_wscale = 0;
    }
    if (stack->params.timestamps != 0 && (frame->options & FLUE_OPT_TIMESTAMP) != 0) {
        conn->flags |= TCP_TIMESTAMPS;
        conn->ts_recent = frame->ts_val;
        conn->ts_recent_ps = now_ps;
    }
    if (stack->params.sack != 0 && (frame->options & FLUE_OPT_SACK_OK) != 0) {
        conn->flags |= TCP_SACK;
    }
    if (peer_wants_ecn(conn, frame)) {
        conn->flags |= TCP_ECN;
    }
    /* RFC 9293 3.7.1: without the option 536 bytes, for IPv6 1220. */
    conn->remote_mss_bytes = (frame->options & FLUE_OPT_MSS) != 0 ? frame->mss : conn->path->v6 ? 1220 : 536;
    tcp_set_mss(conn);
    tcp_hold_data(conn, conn->rcv_nxt, &frame->payload, (frame->flags & FLUE_TCP_PSH) != 0,
                  (frame->flags & FLUE_TCP_FIN) != 0);
}

void tcp_established(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps)
{
    bool closed = (conn->flags & TCP_SYN_OUT) != 0;

    conn->flags &= ~(uint32_t)TCP_SYN_OUT;
    conn->snd_una++;
    if (!closed) {
        conn->snd_nxt = conn->snd_una;
    }
    tcp_timer_stop(conn);
    if ((conn->flags & TCP_TIMING) != 0) {
        conn->flags &= ~(uint32_t)TCP_TIMING;
        rtt_sample(&conn->rtt, now_ps - conn->active->rtt_sent_ps);
    } else if (conn->timer.count > 0 && rtt_rto(&conn->rtt, &conn->stack->rtt_bounds) < 3 * FLUE_PS_PER_S) {
        conn->rtt = rtt_initial(3 * FLUE_PS_PER_S); /* RFC 6298 5.7 */
    }
    /* RFC 5681 3.1: after a lost SYN the initial window is one segment. */
    conn->cc = cc_start(conn->mss_bytes, conn->timer.count > 0 ? conn->mss_bytes : tcp_initial_window(conn));
    conn->timer.count = 0;
    conn->timer.doublings = 0;
    conn->active->total_rt_ticks = 0;
    if ((frame->flags & FLUE_TCP_SYN) == 0) {
        tcp_take_window(conn, frame, true);
    }
    if (!closed) {
        tcp_enter(conn, FLUE_TCP_ESTABLISHED, FLUE_TCP_BY_SEGMENT, now_ps);
    }
    tcp_event_plain(conn, FLUE_TCP_EV_CONNECTED, now_ps);
    tcp_release_held(conn, now_ps);
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
    take_syn(conn, frame, now_ps);
    if (has_ack) {
        conn->flags |= TCP_ACK_NOW;
        tcp_established(conn, frame, now_ps);
        return;
    }
    /* Both sides open at once (RFC 9293 3.5 figure 7). */
    tcp_enter(conn, FLUE_TCP_SYN_RECEIVED, FLUE_TCP_BY_SEGMENT, now_ps);
    tcp_timer_retransmit(conn, now_ps);
    (void)tcp_emit_syn(conn, now_ps, false);
}

bool tcp_listens(const struct flue_tcp *stack, uint16_t port)
{
    return stack->listening != NULL && (stack->listening[port >> 6] >> (port & 63) & 1) != 0;
}

/* A SYN for a listening port (RFC 9293 3.10.7.2, third). */
static void passive_open(struct flue_tcp *stack, const struct flue_frame *frame, flue_ps now_ps, bool after_valid,
                         uint32_t after)
{
    const struct flue_tcp_tuple tuple = flue_tcp_tuple_of(frame);
    struct flue_tcp_settings settings = flue_tcp_stack_settings(stack);
    int refuse_silently = 0;
    void *user = stack->ops.accept(stack->owner, &tuple, &settings, &refuse_silently);
    struct flue_tcp_conn *conn;
    flue_err err;

    if (user == NULL) {
        if (!refuse_silently) {
            tcp_answer_reset(stack, frame, now_ps);
        }
        return;
    }
    conn = tcp_conn_new(stack, &tuple, &settings, user, FLUE_NO_CONN, now_ps, &err);
    if (conn == NULL || !tcp_activate(conn)) {
        if (conn != NULL) {
            flue_tcp_release(conn);
        }
        if (!refuse_silently) {
            tcp_answer_reset(stack, frame, now_ps);
        }
        return;
    }
    if (after_valid && seq_leq(conn->snd_una, after)) {
        conn->snd_una = after + 1;
        conn->snd_nxt = conn->snd_una;
        conn->snd_max = conn->snd_una;
    }
    conn->flags |= TCP_PASSIVE;
    conn->segments_in++;
    tcp_enter(conn, FLUE_TCP_LISTEN, FLUE_TCP_BY_OPEN, now_ps);
    take_syn(conn, frame, now_ps);
    tcp_enter(conn, FLUE_TCP_SYN_RECEIVED, FLUE_TCP_BY_SEGMENT, now_ps);
    tcp_timer_retransmit(conn, now_ps);
    (void)tcp_emit_syn(conn, now_ps, false);
}

/* RFC 9293 3.10.7.1 and 3.10.7.2. */
void tcp_no_connection(struct flue_tcp *stack, const struct flue_frame *frame, flue_ps now_ps, int answer_rst,
                       bool after_valid, uint32_t after)
{
    flue_trace6(stack->trace, tcp_receive, now_ps, FLUE_NO_CONN, frame->seq, frame->payload.length_bytes, frame->ack,
                frame->flags, frame->window, 0);
    if ((frame->flags & FLUE_TCP_RST) != 0) {
        return;
    }
    if (!tcp_listens(stack, frame->dst_port) || stack->ops.accept == NULL) {
        if (answer_rst) {
            tcp_answer_reset(stack, frame, now_ps);
        }
    } else if ((frame->flags & FLUE_TCP_ACK) != 0) {
        if (answer_rst) {
            tcp_answer_reset(stack, frame, now_ps);
        }
    } else if ((frame->flags & FLUE_TCP_SYN) != 0) {
        passive_open(stack, frame, now_ps, after_valid, after);
    }
}
