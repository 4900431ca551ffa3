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
static flue_ps hand_down(struct flue_tcp_conn *conn, struct flue_frame *frame, flue_ps now_ps, int again)
{
    struct flue_tcp *stack = conn->stack;
    flue_ps next_ps;

    conn->segments_out++;
    stack->totals.segments_out++;
    flue_trace6(stack->trace, tcp_send, now_ps, conn->id, frame->seq, frame->payload.length_bytes, frame->ack,
                frame->flags, frame->window, again != 0);
    next_ps = stack->ops.output(stack->owner, conn, frame, now_ps, again);
    return next_ps > now_ps ? next_ps : now_ps;
}

/* What every segment of a connection has in common; window, options and payload are the caller's. */
static struct flue_frame frame_of(struct flue_tcp_conn *conn, uint32_t seq, uint8_t flags)
{
    const struct tcp_path *path = conn->path;
    const struct flue_tcp_settings *settings = conn->settings;

    return (struct flue_frame){
        .src_ip = path->local_ip,
        .dst_ip = path->remote_ip,
        .src_port = conn->local_port,
        .dst_port = conn->remote_port,
        .seq = seq,
        .ack = conn->rcv_nxt,
        .flags = flags,
        .ttl = settings->ttl,
        .ip_id = next_ip_id(conn->stack),
        .tos = settings->tos,
        .ethertype = path->v6 ? FLUE_ETHERTYPE_IPV6 : FLUE_ETHERTYPE_IPV4,
        .flow_label = settings->flow_label,
    };
}

static void add_timestamp(struct flue_tcp_conn *conn, struct flue_frame *frame, uint32_t echo, flue_ps now_ps)
{
    frame->options |= FLUE_OPT_TIMESTAMP;
    frame->ts_val = tcp_clock(conn->stack, now_ps) + conn->ts_offset;
    frame->ts_ecr = echo;
}

unsigned tcp_sack_room(const struct flue_tcp_conn *conn)
{
    return (conn->flags & TCP_TIMESTAMPS) != 0 ? 3 : FLUE_SACK_BLOCKS; /* RFC 2018 3: 40 bytes of options */
}

/* RFC 2018 4: what is beyond RCV.NXT, and what came twice. */
static void add_sack(struct flue_tcp_conn *conn, struct flue_frame *frame)
{
    struct tcp_active *active = conn->active;

    if ((conn->flags & TCP_SACK) != 0 && sack_report_any(&active->report, &active->reassembly)) {
        unsigned count =
            sack_report_blocks(&active->report, &active->reassembly, conn->rcv_nxt, frame->sack, tcp_sack_room(conn));

        if (count > 0) {
            frame->options |= FLUE_OPT_SACK;
            frame->sack_count = (uint8_t)count;
        }
    }
}

/* RFC 3168 6.1.2 and 6.1.3: what this segment says about congestion, and whether routers may mark it: new data only. */
static void add_ecn(struct flue_tcp_conn *conn, struct flue_frame *frame, bool new_data)
{
    if ((conn->flags & TCP_ECE_ECHO) != 0) {
        frame->flags |= FLUE_TCP_ECE;
    }
    if (new_data && conn->snd_wnd > 0) { /* no window probe (6.1.6) */
        frame->tos |= FLUE_ECN_ECT_0;
        if ((conn->flags & TCP_CWR_DUE) != 0) {
            conn->flags &= ~(uint32_t)TCP_CWR_DUE;
            frame->flags |= FLUE_TCP_CWR;
        }
    }
}

/* RFC 9293 3.8.5, RFC 6093 2.1: the pointer names the octet behind the urgent data. */
static void add_urgent(const struct flue_tcp_conn *conn, struct flue_frame *frame)
{
    uint32_t up = tcp_rare_of(conn)->snd_up - frame->seq;

    if (up > 0 && up <= UINT32_C(0x7fffffff)) {
        frame->flags |= FLUE_TCP_URG;
        frame->urgent = (uint16_t)(up > 65535 ? 65535 : up);
    }
}

flue_ps tcp_emit(struct flue_tcp_conn *conn, uint32_t seq, uint8_t flags, const struct flue_span *span, flue_ps now_ps,
                 int again)
{
    struct flue_tcp *stack = conn->stack;
    struct flue_frame frame = frame_of(conn, seq, flags);

    frame.window = tcp_window(conn);
    if (span != NULL) {
        frame.payload = *span;
        stack->totals.data_out++;
        if (again != 0) {
            tcp_rare_count(conn)->retransmits++;
            stack->totals.retransmits++;
        }
    }
    if ((conn->flags & TCP_TIMESTAMPS) != 0) {
        add_timestamp(conn, &frame, conn->ts_recent, now_ps);
    }
    if ((conn->flags & TCP_ECN) != 0) {
        add_ecn(conn, &frame, span != NULL && again == 0);
    }
    if ((conn->flags & TCP_URGENT_OUT) != 0) {
        add_urgent(conn, &frame);
    }
    conn->ack_segments = 0;
    conn->flags &= ~(uint32_t)(TCP_ACK_NOW | TCP_ACK_DUE);
    if (conn->active != &stack->idle) {
        conn->active->unacked_bytes = 0;
        add_sack(conn, &frame);
        timer_fifo_cancel(&conn->active->delayed_ack);
    }
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

/* RFC 9293 3.8.4: a number that has been acknowledged makes the peer answer. */
flue_ps tcp_emit_keep_alive(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    tcp_rare_count(conn)->keep_alives++;
    conn->stack->totals.keep_alives++;
    return tcp_emit(conn, conn->snd_una - 1, FLUE_TCP_ACK, NULL, now_ps, false);
}

/* Which options a SYN offers, or a SYN-ACK agrees to. */
static void add_syn_options(struct flue_tcp_conn *conn, struct flue_frame *frame, bool answer, flue_ps now_ps)
{
    const struct flue_tcp_params *params = &conn->stack->params;

    frame->options = FLUE_OPT_MSS;
    frame->mss = tcp_own_mss(conn);
    frame->option_order = (uint16_t)params->syn_option_order;
    if (answer ? (conn->flags & TCP_SCALING) != 0 : params->window_scaling != 0) {
        frame->options |= FLUE_OPT_WSCALE;
        frame->wscale = conn->rcv_wscale;
    }
    if (answer ? (conn->flags & TCP_SACK) != 0 : params->sack != 0) {
        frame->options |= FLUE_OPT_SACK_OK;
    }
    if (answer ? (conn->flags & TCP_TIMESTAMPS) != 0 : params->timestamps != 0) {
        add_timestamp(conn, frame, answer ? conn->ts_recent : 0, now_ps);
    }
}

flue_ps tcp_emit_syn(struct flue_tcp_conn *conn, flue_ps now_ps, bool again)
{
    struct flue_tcp *stack = conn->stack;
    uint32_t buffer = conn->settings->rcv_buffer_bytes;
    bool answer = conn->state != FLUE_TCP_SYN_SENT;
    struct flue_frame frame = frame_of(conn, conn->snd_una, answer ? FLUE_TCP_SYN | FLUE_TCP_ACK : FLUE_TCP_SYN);

    if (!answer) {
        frame.ack = 0;
    }
    frame.window = (uint16_t)(buffer > 65535 ? 65535 : buffer); /* never scaled (RFC 7323 2.2) */
    add_syn_options(conn, &frame, answer, now_ps);
    /* RFC 3168 6.1.1: asked for once; a SYN that is lost may have been lost for that. */
    if (answer ? (conn->flags & TCP_ECN) != 0 : stack->params.ecn == 2 && !again) {
        frame.flags |= (uint8_t)(answer ? FLUE_TCP_ECE : FLUE_TCP_ECE | FLUE_TCP_CWR);
    }
    if (answer) {
        conn->active->unacked_bytes = 0;
        conn->rcv_adv = seq_max(conn->rcv_adv, conn->rcv_nxt + frame.window);
        conn->flags &= ~(uint32_t)TCP_ACK_NOW;
    }
    if (again) {
        tcp_rare_count(conn)->retransmits++;
        stack->totals.retransmits++;
        conn->flags &= ~(uint32_t)TCP_TIMING;
    } else if (conn->snd_max == conn->snd_una) {
        conn->flags |= TCP_TIMING;
        conn->active->rtt_seq = conn->snd_una + 1;
        conn->active->rtt_sent_ps = now_ps;
    }
    if ((conn->flags & TCP_SYN_OUT) == 0) {
        conn->snd_nxt = conn->snd_una + 1;
        conn->snd_max = conn->snd_una + 1;
    }
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
        .tos = (uint8_t)(stack->params.tos & ~(unsigned)FLUE_ECN_MASK),
        .ethertype = frame->ethertype,
        .flow_label = frame->flow_label,
    };

    stack->totals.segments_out++;
    stack->totals.resets_out++;
    flue_trace6(stack->trace, tcp_send, now_ps, FLUE_NO_CONN, reset.seq, 0, reset.ack, reset.flags, 0, 0);
    (void)stack->ops.output(stack->owner, NULL, &reset, now_ps, 0);
}
