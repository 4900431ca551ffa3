/* SPDX-License-Identifier: GPL-2.0-only */
/* state.c - a connection between the structures of the interface and lwIP's control block.
 *
 * What lwIP cannot do is refused: it has no timestamps and no SACK here, its buffers hold 64 KiB, and a FIN that is
 * already on its way would have to be taken over as a segment.  Its clock ticks every 500 ms, so times come back in
 * steps of that. */
#include <stdlib.h>
#include <string.h>

#include "lwip_target.h"

static unsigned port_of(USHORT network_order)
{
    const uint8_t *bytes = (const uint8_t *)&network_order;

    return (unsigned)bytes[0] << 8 | bytes[1];
}

static ip_addr_t ip_of(uint32_t ip)
{
    ip_addr_t out;

    IP_ADDR4(&out, (u8_t)(ip >> 24), (u8_t)(ip >> 16), (u8_t)(ip >> 8), (u8_t)ip);
    return out;
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

void state_apply(struct conn *conn)
{
    const TCP_OFFLOAD_STATE_CACHED *cached = &conn->cached;
    struct tcp_pcb *pcb = conn->pcb;

    if (pcb == NULL) {
        return;
    }
    if ((cached->Flags & TCP_FLAG_NAGLING_ENABLED) != 0) {
        tcp_nagle_enable(pcb);
    } else {
        tcp_nagle_disable(pcb);
    }
    if ((cached->Flags & TCP_FLAG_KEEP_ALIVE_ENABLED) != 0) {
        ip_set_option(pcb, SOF_KEEPALIVE);
    } else {
        ip_reset_option(pcb, SOF_KEEPALIVE);
    }
    if ((cached->Flags & TCP_FLAG_KEEP_ALIVE_RESTART) != 0) {
        pcb->keep_cnt_sent = 0;
        pcb->tmr = tcp_ticks;
    }
    pcb->keep_idle = cached->KaTimeout;
    pcb->keep_intvl = cached->KaInterval != 0 ? cached->KaInterval : 1000;
    pcb->keep_cnt = cached->KaProbeCount != 0 ? cached->KaProbeCount : 10;
    pcb->ttl = cached->TtlOrHopLimit;
    pcb->tos = cached->TosOrTrafficClass;
    pcb->mss = (u16_t)smaller(smaller(conn->constant.RemoteMss, TCP_MSS), conn->path->mtu_bytes - 40);
}

static void windows(struct tcp_pcb *pcb, const TCP_OFFLOAD_STATE_CONST *constant,
                    const TCP_OFFLOAD_STATE_DELEGATED *state)
{
    pcb->rcv_nxt = state->RcvNxt;
    pcb->rcv_wnd = state->RcvWnd;
    pcb->rcv_ann_wnd = state->RcvWnd;
    pcb->rcv_ann_right_edge = state->RcvNxt + state->RcvWnd;
    pcb->lastack = state->SndUna;
    pcb->snd_nxt = state->SndUna;
    pcb->snd_lbb = state->SndUna;
    pcb->snd_wl1 = state->SendWL1;
    pcb->snd_wl2 = state->SndUna;
    pcb->snd_wnd = state->SndWnd;
    pcb->snd_wnd_max = state->MaxSndWnd;
    if ((constant->Flags & TCP_FLAG_WINDOW_SCALING_ENABLED) != 0) {
        pcb->snd_scale = constant->SndWindScale;
        pcb->rcv_scale = constant->RcvWindScale;
        tcp_set_flags(pcb, TF_WND_SCALE);
    }
}

static void timing(struct tcp_pcb *pcb, const TCP_OFFLOAD_STATE_DELEGATED *state)
{
    pcb->cwnd = (tcpwnd_size_t)smaller(state->CWnd, 0xFFFFFFu);
    pcb->ssthresh = (tcpwnd_size_t)smaller(state->SsThresh, 0xFFFFFFu);
    pcb->sa = (s16_t)(state->SRtt / TICK_MS);
    pcb->sv = (s16_t)(state->RttVar / TICK_MS);
    pcb->rto = (s16_t)((pcb->sa >> 3) + pcb->sv);
    if (pcb->rto < 2) {
        pcb->rto = 2; /* at least a second, as RFC 6298 asks of clocks as coarse as this */
    }
    pcb->nrtx = state->Retransmit.Count;
    pcb->dupacks = state->DupAckCount;
    pcb->keep_cnt_sent = state->KeepAlive.ProbeCount;
    pcb->tmr = tcp_ticks;
}

/* Data that was sent becomes unacknowledged segments without being sent again; what was rolled back, or never sent,
 * waits in front of everything else (behaviour 7.7). */
static bool queue(struct conn *conn, const TCP_OFFLOAD_STATE_DELEGATED *state)
{
    struct tcp_pcb *pcb = conn->pcb;

    data_write_until(conn, state->SndNxt - state->SndUna);
    if (pcb->snd_lbb - state->SndUna < state->SndNxt - state->SndUna) {
        return false;
    }
    pcb->unacked = pcb->unsent;
    pcb->unsent = NULL;
#if TCP_OVERSIZE
    pcb->unsent_oversize = 0;
#endif
    pcb->snd_nxt = state->SndMax;
    pcb->rtime = pcb->unacked != NULL ? 0 : -1;
    data_write_until(conn, state->SndMax - state->SndUna);
    return pcb->snd_lbb - state->SndUna >= state->SndMax - state->SndUna;
}

NDIS_STATUS state_import(struct conn *conn, const TCP_OFFLOAD_STATE_DELEGATED *state, PNET_BUFFER_LIST chain)
{
    const TCP_OFFLOAD_STATE_CONST *constant = &conn->constant;
    struct tcp_pcb *pcb;

    if ((constant->Flags & (TCP_FLAG_TIMESTAMP_ENABLED | TCP_FLAG_SACK_ENABLED)) != 0 ||
        (state->State != TcpConnectionEstablished && state->State != TcpConnectionCloseWait)) {
        return conn->adapter->world.ddi.ndis_version == FLUE_NDIS_6_20 ? NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED
                                                                       : NDIS_STATUS_FAILURE;
    }
    if (conn->cached.InitialRcvWnd > TCP_WND) {
        return NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW;
    }
    if (state->SndMax - state->SndUna > TCP_SND_BUF) {
        return NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER;
    }
    pcb = tcp_new();
    if (pcb == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    conn->pcb = pcb;
    pcb->local_ip = ip_of(conn->path->local_ip);
    pcb->remote_ip = ip_of(conn->path->remote_ip);
    pcb->local_port = (u16_t)port_of(constant->LocalPort);
    pcb->remote_port = (u16_t)port_of(constant->RemotePort);
    pcb->netif_idx = netif_get_index(&conn->adapter->netif);
    pcb->state = state->State == TcpConnectionEstablished ? ESTABLISHED : CLOSE_WAIT;
    windows(pcb, constant, state);
    timing(pcb, state);
    state_apply(conn);
    tcp_arg(pcb, conn);
    tcp_recv(pcb, upward_on_receive);
    tcp_err(pcb, data_on_error);
    conn->dwnd = state->Header.Length >= sizeof *state ? state->DWnd : 0;
    conn->fin_told = conn->peer_fin = state->State == TcpConnectionCloseWait;
    if (!data_import(conn, state, chain)) {
        state_release(conn);
        return NDIS_STATUS_FAILURE; /* the received data could not be kept (CH-051) */
    }
    TCP_REG_ACTIVE(pcb);
    if (!queue(conn, state)) {
        conn->send_first = NULL; /* the chain stays the host's, untouched (D-16) */
        state_release(conn);
        return NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER;
    }
    adapter_wake(conn->adapter, adapter_now(conn->adapter)); /* lwIP's clock has something to count */
    data_write(conn);
    return NDIS_STATUS_SUCCESS;
}

static TCP_OFFLOAD_CONNECTION_STATE state_of(const struct tcp_pcb *pcb, bool fin_in_flight)
{
    static const TCP_OFFLOAD_CONNECTION_STATE states[] = {
        [CLOSED] = TcpConnectionClosed,           [LISTEN] = TcpConnectionListen,
        [SYN_SENT] = TcpConnectionSynSent,        [SYN_RCVD] = TcpConnectionSynRcvd,
        [ESTABLISHED] = TcpConnectionEstablished, [FIN_WAIT_1] = TcpConnectionFinWait1,
        [FIN_WAIT_2] = TcpConnectionFinWait2,     [CLOSE_WAIT] = TcpConnectionCloseWait,
        [CLOSING] = TcpConnectionClosing,         [LAST_ACK] = TcpConnectionLastAck,
        [TIME_WAIT] = TcpConnectionTimeWait};

    if (!fin_in_flight && pcb->state == FIN_WAIT_1) {
        return TcpConnectionEstablished; /* D-30: the state changes when the FIN is first sent */
    }
    if (!fin_in_flight && (pcb->state == LAST_ACK || pcb->state == CLOSING)) {
        return TcpConnectionCloseWait;
    }
    return states[pcb->state];
}

void state_note(struct conn *conn)
{
    const struct tcp_pcb *pcb = conn->pcb;
    const bool fin = (pcb->flags & TF_FIN) != 0 && pcb->snd_nxt == pcb->snd_lbb;

    conn->last = (TCP_OFFLOAD_STATE_DELEGATED){
        .State = state_of(pcb, fin),
        .RcvNxt = pcb->rcv_nxt,
        .RcvWnd = pcb->rcv_ann_right_edge - pcb->rcv_nxt,
        .SndUna = pcb->lastack,
        .SndNxt = pcb->snd_nxt,
        .SndMax = pcb->snd_nxt,
        .SndWnd = pcb->snd_wnd,
        .MaxSndWnd = pcb->snd_wnd_max,
        .SendWL1 = pcb->snd_wl1,
        .CWnd = pcb->cwnd,
        .SsThresh = pcb->ssthresh,
        .SRtt = (USHORT)smaller((unsigned)(pcb->sa > 0 ? pcb->sa : 0) * TICK_MS, 0xFFFF),
        .RttVar = (USHORT)smaller((unsigned)(pcb->sv > 0 ? pcb->sv : 0) * TICK_MS, 0xFFFF),
        .DupAckCount = pcb->dupacks,
        .SndWndProbeCount = pcb->persist_backoff > 0 ? (UCHAR)(pcb->persist_backoff - 1) : 0,
        .DWnd = conn->dwnd,
        .KeepAlive = {.ProbeCount = pcb->keep_cnt_sent,
                      .TimeoutDelta = ip_get_option(pcb, SOF_KEEPALIVE) ? pcb->keep_idle : FLUE_TICKS_NONE},
        .Retransmit = {.Count = pcb->nrtx,
                       .TimeoutDelta = pcb->rtime >= 0 || pcb->persist_backoff > 0
                                           ? (ULONG)(pcb->rto > 0 ? pcb->rto : 1) * TICK_MS
                                           : FLUE_TICKS_NONE}};
    if (pcb->unsent != NULL && TCP_SEQ_LT(lwip_ntohl(pcb->unsent->tcphdr->seqno), pcb->snd_nxt)) {
        conn->last.SndNxt = lwip_ntohl(pcb->unsent->tcphdr->seqno); /* rolled back, to be sent again first */
    }
}

/* The caller has set Length: a block of revision 1 ends before DWnd (D-06). */
void state_export(struct conn *conn, TCP_OFFLOAD_STATE_DELEGATED *out)
{
    const ULONG length = out->Header.Length < sizeof *out ? out->Header.Length : (ULONG)sizeof *out;
    struct tcp_pcb *pcb = conn->pcb;

    if (pcb != NULL) {
        if (conn->state != CONN_FROZEN && (pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW)) != 0 && !data_silent(conn)) {
            tcp_ack_now(pcb);
            (void)tcp_output(pcb); /* no ACK is owed by the old holder (CH-134) */
        }
        state_note(conn);
    }
    conn->last.Header = out->Header;
    memcpy(out, &conn->last, length);
}

void state_release(struct conn *conn)
{
    state_drop_pcb(conn);
    runs_clear(&conn->sent);
    runs_clear(&conn->came);
    runs_clear(&conn->ready);
    if (conn->spare != NULL) {
        ndis_nbl_put(conn->spare);
        conn->spare = NULL;
    }
    while (conn->held_first != NULL) {
        struct held *held = conn->held_first;

        conn->held_first = held->next;
        adapter_ordinary(conn->adapter, &held->frame);
        free(held);
    }
}

/* Forgets the control block without a word on the wire. */
void state_drop_pcb(struct conn *conn)
{
    struct tcp_pcb *pcb = conn->pcb;

    conn->pcb = NULL;
    if (pcb == NULL) {
        return;
    }
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_pcb_purge(pcb);
    if (pcb->state == TIME_WAIT) {
        TCP_RMV(&tcp_tw_pcbs, pcb);
    } else {
        TCP_RMV_ACTIVE(pcb);
    }
    pcb->state = CLOSED;
    tcp_free(pcb);
}
