/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/info.c - what a connection and a stack tell about themselves. */
#include "tcp/conn.h"

void *flue_tcp_user(const struct flue_tcp_conn *conn)
{
    return conn->user;
}

void flue_tcp_info(const struct flue_tcp_conn *conn, struct flue_tcp_info *out)
{
    bool sampled = conn->rtt.srtt_ps != 0;

    *out = (struct flue_tcp_info){
        .tuple = conn->tuple,
        .state = (enum flue_tcp_state_id)conn->state,
        .snd_una = conn->snd_una,
        .snd_nxt = conn->snd_nxt,
        .snd_max = conn->snd_max,
        .snd_wnd = conn->snd_wnd,
        .rcv_nxt = conn->rcv_nxt,
        .rcv_wnd = conn->rcv_adv - conn->rcv_nxt,
        .cwnd_bytes = conn->congestion.cwnd_bytes,
        .ssthresh_bytes = conn->congestion.ssthresh_bytes,
        .mss_bytes = conn->mss_bytes,
        .srtt_ps = conn->rtt.srtt_ps,
        .rttvar_ps = sampled ? conn->rtt.rttvar_ps : 0,
        .rto_ps = tcp_rto(conn),
        .queued_bytes = conn->queue.bytes,
        .unread_bytes = conn->unread_bytes,
        .reassembly_bytes = conn->reassembly.bytes,
        .segments_out = conn->segments_out,
        .segments_in = conn->segments_in,
        .retransmits = conn->retransmits,
        .timeouts = conn->timeouts,
        .fast_retransmits = conn->fast_retransmits,
        .probes = conn->probes,
        .snd_wscale = conn->snd_wscale,
        .rcv_wscale = conn->rcv_wscale,
        .backoff = conn->backoff,
        .in_recovery = conn->congestion.in_recovery,
        .ack_pending = timer_fifo_armed(&conn->delayed_ack) || (conn->flags & (TCP_ACK_DUE | TCP_ACK_NOW)) != 0,
    };
}

void flue_tcp_totals(const struct flue_tcp *stack, struct flue_tcp_totals *out)
{
    *out = stack->totals;
    out->pool_objects_live = pool_live(&stack->conns) + pool_live(&stack->pieces);
}
