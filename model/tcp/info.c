/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/info.c - what a connection and a stack tell about themselves. */
#include "tcp/conn.h"

int flue_tcp_closed(const struct flue_tcp_conn *conn)
{
    return (conn->flags & TCP_FIN_QUEUED) != 0;
}

void *flue_tcp_user(const struct flue_tcp_conn *conn)
{
    return conn->user;
}

const struct flue_tcp_settings *flue_tcp_settings(const struct flue_tcp_conn *conn)
{
    return conn->settings;
}

uint32_t flue_tcp_pieces(const struct flue_tcp_conn *conn)
{
    return conn->active == NULL ? 0 : conn->active->reassembly.pieces;
}

uint32_t flue_tcp_reach(const struct flue_tcp_conn *conn, const struct flue_frame *frame)
{
    uint32_t length = frame->payload.length_bytes;
    uint32_t most = seq_lt(conn->rcv_nxt, conn->rcv_adv) ? conn->rcv_adv - conn->rcv_nxt : 0;
    uint32_t reach;

    if (conn->state == FLUE_TCP_SYN_SENT) {
        most = conn->settings->rcv_buffer_bytes;
        reach = (frame->flags & FLUE_TCP_SYN) != 0 ? length : 0;
    } else if ((frame->flags & FLUE_TCP_SYN) != 0 || (conn->flags & TCP_PEER_FIN) != 0) {
        reach = 0;
    } else if (seq_lt(frame->seq, conn->rcv_nxt)) {
        uint32_t old = conn->rcv_nxt - frame->seq;

        reach = length > old ? length - old : 0;
    } else {
        uint32_t ahead = frame->seq - conn->rcv_nxt;

        reach = length > 0 && ahead < most ? ahead + length : 0;
    }
    return reach < most ? reach : most;
}

uint32_t flue_tcp_reassembly_bytes(const struct flue_tcp_conn *conn)
{
    return conn->active->reassembly.bytes;
}

/* Bytes that IsLost() holds of, and that have not been sent again (RFC 6675 4). */
static uint32_t lost_bytes(const struct flue_tcp_conn *conn, uint32_t pipe_bytes)
{
    uint32_t on_its_way = pipe_bytes + conn->active->board.sacked_bytes;
    uint32_t outstanding = conn->snd_max - conn->snd_una;

    return tcp_by_pipe(conn) && on_its_way < outstanding ? outstanding - on_its_way : 0;
}

enum flue_tcp_state_id flue_tcp_state_of(const struct flue_tcp_conn *conn)
{
    return (enum flue_tcp_state_id)conn->state;
}

void flue_tcp_info(const struct flue_tcp_conn *conn, struct flue_tcp_info *out)
{
    const struct tcp_active *active = conn->active;
    const struct tcp_rare *rare = tcp_rare_of(conn);
    bool sampled = conn->rtt.srtt_ps != 0;
    uint32_t pipe_bytes = tcp_by_pipe(conn) ? scoreboard_pipe(&active->board, conn->snd_una, conn->snd_max)
                                            : conn->snd_max - conn->snd_una;

    *out = (struct flue_tcp_info){
        .tuple = tcp_tuple(conn),
        .state = (enum flue_tcp_state_id)conn->state,
        .recovery = (enum flue_tcp_recovery)conn->recovery,
        .congestion = (enum flue_tcp_congestion)conn->settings->congestion,
        .snd_una = conn->snd_una,
        .snd_nxt = conn->snd_nxt,
        .snd_max = conn->snd_max,
        .snd_wnd = conn->snd_wnd,
        .rcv_nxt = conn->rcv_nxt,
        .rcv_wnd = seq_lt(conn->rcv_adv, conn->rcv_nxt) ? 0 : conn->rcv_adv - conn->rcv_nxt,
        .rcv_urg = (conn->flags & TCP_URGENT_IN) != 0 ? rare->rcv_up : conn->rcv_nxt,
        .cwnd_bytes = conn->cc.cwnd_bytes,
        .ssthresh_bytes = conn->cc.ssthresh_bytes,
        .mss_bytes = conn->mss_bytes != 0 ? tcp_mss(conn) : 0,
        .path_mtu_bytes = conn->path->mtu_bytes,
        .pipe_bytes = pipe_bytes,
        .sacked_bytes = active->board.sacked_bytes,
        .lost_bytes = lost_bytes(conn, pipe_bytes),
        .srtt_ps = conn->rtt.srtt_ps,
        .rttvar_ps = sampled ? conn->rtt.rttvar_ps : 0,
        .rto_ps = tcp_rto(conn),
        .queued_bytes = active->queue.bytes,
        .unread_bytes = conn->unread_bytes,
        .reassembly_bytes = active->reassembly.bytes,
        .segments_out = conn->segments_out,
        .segments_in = conn->segments_in,
        .retransmits = rare->retransmits,
        .timeouts = rare->timeouts,
        .fast_retransmits = rare->fast_retransmits,
        .probes = rare->probes,
        .keep_alives = rare->keep_alives,
        .dsacks_in = rare->dsacks_in,
        .challenge_acks = rare->challenge_acks,
        .snd_wscale = conn->snd_wscale,
        .rcv_wscale = conn->rcv_wscale,
        .timestamps = (conn->flags & TCP_TIMESTAMPS) != 0,
        .sack = (conn->flags & TCP_SACK) != 0,
        .ecn = (conn->flags & TCP_ECN) != 0,
        .backoff = conn->timer.doublings,
        .dup_acks = conn->dup_acks,
        .in_recovery = conn->recovery == FLUE_TCP_CA_RECOVERY,
        .ack_pending = timer_fifo_armed(&active->delayed_ack) || (conn->flags & (TCP_ACK_DUE | TCP_ACK_NOW)) != 0,
        .urgent = (conn->flags & TCP_URGENT_IN) != 0,
    };
}

void flue_tcp_totals(const struct flue_tcp *stack, struct flue_tcp_totals *out)
{
    *out = stack->totals;
    out->pool_objects_live = pool_live(&stack->conns) + pool_live(&stack->actives) + pool_live(&stack->pieces) +
                             pool_live(&stack->ranges) + pool_live(&stack->path_pool) +
                             pool_live(&stack->settings_pool) + pool_live(&stack->rare_pool);
}
