/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/segment.c - makes segments: headers, options, the acknowledgement that rides along. */
#include "tcp/conn.h"

static uint16_t next_ip_id(struct flue_tcp *stack)
{
    uint16_t id = stack->ip_id;

    stack->ip_id = (uint16_t)((id + 1) & 0x7fff);
    return (uint16_t)(stack->params.ip_id_base + id);
}

uint32_t tcp_clock_moved(struct flue_tcp *stack, flue_ps now_ps)
{
    flue_ps tick_ps = stack->params.tick_ps;
    flue_ps ticks = now_ps / tick_ps;

    stack->tick_from_ps = ticks * tick_ps;
    stack->tick_to_ps = stack->tick_from_ps + tick_ps;
    stack->tick = (uint32_t)ticks;
    return stack->tick;
}

/* Counts and traces a segment of a connection, and hands it down. */
static flue_ps hand_down(struct flue_tcp_conn *conn, struct flue_frame *frame, flue_ps now_ps, bool again)
{
    struct flue_tcp *stack = conn->stack;
    flue_ps next_ps;

    conn->segments_out++;
    stack->totals.segments_out++;
    flue_trace6(stack->trace, tcp_send, now_ps, conn->id, frame->seq, frame->payload.length_bytes, frame->ack,
                frame->flags, frame->window, again);
    next_ps = stack->ops.output(stack->owner, conn, frame, now_ps, again);
    return next_ps > now_ps ? next_ps : now_ps;
}

/* What every segment of a connection has in common; window, options and payload are the caller's. */
static struct flue_frame frame_of(struct flue_tcp_conn *conn, uint32_t seq, uint8_t flags)
{
    return (struct flue_frame){
        .src_ip = conn->tuple.local_ip,
        .dst_ip = conn->tuple.remote_ip,
        .src_port = conn->tuple.local_port,
        .dst_port = conn->tuple.remote_port,
        .seq = seq,
        .ack = conn->rcv_nxt,
        .flags = flags,
        .ttl = conn->ttl,
        .ip_id = next_ip_id(conn->stack),
        .tos = conn->tos,
        .ethertype = FLUE_ETHERTYPE_IPV4,
    };
}

flue_ps tcp_emit(struct flue_tcp_conn *conn, uint32_t seq, uint8_t flags, const struct flue_span *span, flue_ps now_ps,
                 bool again)
{
    struct flue_tcp *stack = conn->stack;
    struct flue_frame frame = frame_of(conn, seq, flags);

    frame.window = tcp_window(conn);
    if (span != NULL) {
        frame.payload = *span;
        stack->totals.data_out++;
        if (again) {
            conn->retransmits++;
            stack->totals.retransmits++;
        }
    }
    if ((conn->flags & TCP_TIMESTAMPS) != 0) {
        frame.options = FLUE_OPT_TIMESTAMP;
        frame.ts_val = tcp_clock(stack, now_ps) + conn->ts_offset;
        frame.ts_ecr = conn->ts_recent;
    }
    conn->last_ack_sent = conn->rcv_nxt;
    conn->ack_segments = 0;
    conn->flags &= ~(uint32_t)(TCP_ACK_NOW | TCP_ACK_DUE);
    timer_fifo_cancel(&conn->delayed_ack);
    return hand_down(conn, &frame, now_ps, again);
}

/* SND.NXT in the sense of RFC 9293 3.10.7.4's <SEQ=SND.NXT>: the highest number used, unless the peer's window ends
 * before it (a probe was refused): a number beyond the window would be answered with an ACK, without end. */
static uint32_t acceptable_seq(const struct flue_tcp_conn *conn)
{
    return seq_leq(conn->snd_max, conn->snd_una + conn->snd_wnd) ? conn->snd_max : conn->snd_una + conn->snd_wnd;
}

flue_ps tcp_emit_ack(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    return tcp_emit(conn, acceptable_seq(conn), FLUE_TCP_ACK, NULL, now_ps, false);
}

flue_ps tcp_emit_syn(struct flue_tcp_conn *conn, flue_ps now_ps, bool again)
{
    struct flue_tcp *stack = conn->stack;
    const struct flue_tcp_params *params = &stack->params;
    bool answer = conn->state == FLUE_TCP_SYN_RECEIVED;
    struct flue_frame frame = {
        .src_ip = conn->tuple.local_ip,
        .dst_ip = conn->tuple.remote_ip,
        .src_port = conn->tuple.local_port,
        .dst_port = conn->tuple.remote_port,
        .seq = conn->snd_una,
        .ack = answer ? conn->rcv_nxt : 0,
        /* The window of a SYN is never scaled (RFC 7323 2.2). */
        .window = (uint16_t)(conn->rcv_buffer_bytes > 65535 ? 65535 : conn->rcv_buffer_bytes),
        .flags = (uint8_t)(answer ? FLUE_TCP_SYN | FLUE_TCP_ACK : FLUE_TCP_SYN),
        .options = FLUE_OPT_MSS,
        .mss = (uint16_t)params->mss_bytes,
        .ttl = conn->ttl,
        .ip_id = next_ip_id(stack),
        .tos = conn->tos,
        .ethertype = FLUE_ETHERTYPE_IPV4,
    };

    if (answer ? (conn->flags & TCP_SCALING) != 0 : params->window_scaling != 0) {
        frame.options |= FLUE_OPT_WSCALE;
        frame.wscale = stack->own_wscale;
    }
    if (answer ? (conn->flags & TCP_TIMESTAMPS) != 0 : params->timestamps != 0) {
        frame.options |= FLUE_OPT_TIMESTAMP;
        frame.ts_val = tcp_clock(stack, now_ps) + conn->ts_offset;
        frame.ts_ecr = answer ? conn->ts_recent : 0;
    }
    if (answer) {
        conn->last_ack_sent = conn->rcv_nxt;
        conn->rcv_adv = seq_max(conn->rcv_adv, conn->rcv_nxt + frame.window);
        conn->flags &= ~(uint32_t)TCP_ACK_NOW;
    }
    if (again) {
        conn->retransmits++;
        stack->totals.retransmits++;
        conn->flags &= ~(uint32_t)TCP_TIMING;
    } else if (conn->snd_max == conn->snd_una) {
        conn->flags |= TCP_TIMING;
        conn->rtt_seq = conn->snd_una + 1;
        conn->moment.rtt_sent_ps = now_ps;
    }
    conn->snd_nxt = conn->snd_una + 1;
    conn->snd_max = conn->snd_una + 1;
    conn->last_sent_ps = now_ps;
    return hand_down(conn, &frame, now_ps, again);
}

void tcp_emit_reset(struct flue_tcp_conn *conn, uint32_t seq, flue_ps now_ps)
{
    struct flue_frame frame = frame_of(conn, seq, FLUE_TCP_RST | FLUE_TCP_ACK);

    conn->stack->totals.resets_out++;
    (void)hand_down(conn, &frame, now_ps, false);
}

void tcp_answer_reset(struct flue_tcp *stack, const struct flue_frame *frame, flue_ps now_ps)
{
    bool has_ack = (frame->flags & FLUE_TCP_ACK) != 0;
    uint32_t length = frame->payload.length_bytes + ((frame->flags & FLUE_TCP_SYN) != 0 ? 1 : 0) +
                      ((frame->flags & FLUE_TCP_FIN) != 0 ? 1 : 0);
    struct flue_frame reset = {
        .src_ip = frame->dst_ip,
        .dst_ip = frame->src_ip,
        .src_port = frame->dst_port,
        .dst_port = frame->src_port,
        .seq = has_ack ? frame->ack : 0,
        .ack = has_ack ? 0 : frame->seq + length,
        .flags = (uint8_t)(has_ack ? FLUE_TCP_RST : FLUE_TCP_RST | FLUE_TCP_ACK),
        .ttl = stack->params.ttl,
        .ip_id = next_ip_id(stack),
        .tos = stack->params.tos,
        .ethertype = FLUE_ETHERTYPE_IPV4,
    };

    stack->totals.segments_out++;
    stack->totals.resets_out++;
    flue_trace6(stack->trace, tcp_send, now_ps, FLUE_NO_CONN, reset.seq, 0, reset.ack, reset.flags, 0, 0);
    (void)stack->ops.output(stack->owner, NULL, &reset, now_ps, 0);
}
