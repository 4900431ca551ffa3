/* SPDX-License-Identifier: GPL-2.0-only */
/* data.c - what goes down: the host's sends and disconnects into lwIP, segments into lwIP; and how a connection stops.
 */
#include <stdlib.h>
#include <string.h>

#include "lwip_target.h"

/* ---- Sends ---- */

bool data_import(struct conn *conn, const TCP_OFFLOAD_STATE_DELEGATED *state, PNET_BUFFER_LIST chain)
{
    uint32_t bytes = (uint32_t)ndis_chain_bytes(state->BufferedData);

    conn->ready_seq = state->RcvNxt - bytes;
    conn->latched = bytes > 0; /* D-45 */
    conn->spare = ndis_nbl_get(conn->adapter->spans);
    for (PNET_BUFFER_LIST nbl = state->BufferedData; nbl != NULL; nbl = nbl->Next) {
        struct ndis_spans spans = ndis_spans_of_data(NET_BUFFER_LIST_FIRST_NB(nbl));
        struct flue_span span;

        while (ndis_spans_next(&spans, &span)) {
            if (!runs_add(&conn->ready, conn->ready_seq + conn->ready_bytes, &span)) {
                return false;
            }
            conn->ready_bytes += span.length_bytes;
        }
    }
    conn->send_seq = state->SndUna;
    conn->send_first = chain;
    conn->unwritten = chain;
    for (; chain != NULL; chain = chain->Next) {
        conn->send_last = chain;
    }
    return conn->spare != NULL;
}

/* The next bytes of one list, from `from` on, into lwIP: at most `room`.  Returns how many. */
static uint32_t write_some(struct conn *conn, const NET_BUFFER_LIST *nbl, uint32_t from, uint32_t room)
{
    const NET_BUFFER *nb = NET_BUFFER_LIST_FIRST_NB(nbl);
    struct ndis_spans spans = ndis_spans_of_data(nb);
    uint8_t bytes[1024];
    struct flue_span span;
    uint32_t at = 0;

    while (ndis_spans_next(&spans, &span)) {
        uint32_t skip = from - at, here;

        if (from >= at + span.length_bytes) {
            at += span.length_bytes;
            continue;
        }
        here = span.length_bytes - skip;
        here = here < room ? here : room;
        here = here < sizeof bytes ? here : (uint32_t)sizeof bytes;
        span.offset_bytes += skip;
        span.length_bytes = here;
        for (uint32_t i = 0; i < here; i++) {
            bytes[i] = flue_payload_byte(span.stream, span.offset_bytes + i);
        }
        if (here == 0 || !runs_add(&conn->sent, conn->pcb->snd_lbb, &span)) {
            return 0;
        }
        return tcp_write(conn->pcb, bytes, (u16_t)here, TCP_WRITE_FLAG_COPY) == ERR_OK ? here : 0;
    }
    return 0;
}

void data_write_until(struct conn *conn, uint32_t bytes)
{
    struct tcp_pcb *pcb = conn->pcb;

    while (conn->unwritten != NULL) {
        const uint32_t have = pcb->snd_lbb - pcb->lastack;
        const uint32_t length = (uint32_t)ndis_nbl_bytes(conn->unwritten);
        uint32_t wrote, room = tcp_sndbuf(pcb);

        if (conn->unwritten_bytes == length) {
            conn->unwritten = conn->unwritten->Next;
            conn->unwritten_bytes = 0;
            continue;
        }
        if (have >= bytes) {
            return;
        }
        room = room < bytes - have ? room : bytes - have;
        wrote = write_some(conn, conn->unwritten, conn->unwritten_bytes, room);
        if (wrote == 0) {
            return;
        }
        conn->unwritten_bytes += wrote;
    }
}

/* lwIP leaves the FIN in both halves of a segment that it splits, so FIN waits until all data has been sent. */
static void write_disconnect(struct conn *conn)
{
    const uint32_t length = conn->disconnect != NULL ? (uint32_t)ndis_nbl_bytes(conn->disconnect) : 0;
    uint32_t wrote = 1;

    if (conn->disconnect == NULL || conn->unwritten != NULL || (conn->pcb->flags & TF_FIN) != 0) {
        return;
    }
    while (conn->disconnect_bytes < length && wrote > 0 && tcp_sndbuf(conn->pcb) > 0) {
        wrote = write_some(conn, conn->disconnect, conn->disconnect_bytes, tcp_sndbuf(conn->pcb));
        conn->disconnect_bytes += wrote;
    }
    (void)tcp_output(conn->pcb);
    if (conn->pcb != NULL && conn->disconnect_bytes == length && conn->pcb->unsent == NULL) {
        (void)tcp_shutdown(conn->pcb, 0, 1);
    }
}

void data_write(struct conn *conn)
{
    if (conn->pcb == NULL || conn->state == CONN_FROZEN || conn->state == CONN_ABORTED) {
        return;
    }
    data_write_until(conn, TCP_SND_BUF);
    (void)tcp_output(conn->pcb);
    if (conn->pcb != NULL && conn->state != CONN_FROZEN) {
        write_disconnect(conn);
    }
}

/* Completes what is acknowledged whole; zero-length lists go with what is before them.  lwIP reports whole segments
 * only, the peer may acknowledge parts of them: SndUna tells. */
static void take_acked(struct conn *conn)
{
    while (conn->send_first != NULL && conn->send_first != conn->unwritten) {
        PNET_BUFFER_LIST nbl = conn->send_first;
        const uint32_t length = (uint32_t)ndis_nbl_bytes(nbl);

        if (conn->pcb->lastack - conn->send_seq < length) {
            return;
        }
        conn->send_seq += length;
        conn->send_first = nbl->Next;
        upward_done(&conn->done_sends, nbl, NDIS_STATUS_SUCCESS, length);
    }
}

static void take_fin_acked(struct conn *conn)
{
    const struct tcp_pcb *pcb = conn->pcb;

    if (conn->disconnect != NULL && pcb != NULL && (pcb->flags & TF_FIN) != 0 && pcb->lastack == pcb->snd_lbb &&
        conn->send_first == NULL) {
        upward_done(&conn->done_disconnect, conn->disconnect, NDIS_STATUS_SUCCESS, conn->disconnect_bytes);
        conn->disconnect = NULL;
    }
}

/* New I/O of a connection that is going away is answered, not queued (D-34, D-46). */
static bool answered(struct conn *conn, PNET_BUFFER_LIST *done, PNET_BUFFER_LIST first)
{
    NDIS_STATUS status;

    if (conn->state == CONN_LIVE) {
        return false;
    }
    status = conn->state == CONN_ABORTED ? NDIS_STATUS_REQUEST_ABORTED : NDIS_STATUS_UPLOAD_IN_PROGRESS;
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        upward_done(done, first, status, 0);
        first = next;
    }
    conn_work(conn);
    return true;
}

void data_send(struct conn *conn, PNET_BUFFER_LIST first)
{
    if (answered(conn, &conn->done_sends, first)) {
        return;
    }
    if (conn->send_first == NULL) {
        conn->send_first = first;
    } else {
        conn->send_last->Next = first;
    }
    if (conn->unwritten == NULL) {
        conn->unwritten = first;
        conn->unwritten_bytes = 0;
    }
    for (; first != NULL; first = first->Next) {
        conn->send_last = first;
    }
    conn_work(conn); /* written from the alarm */
}

void data_disconnect(struct conn *conn, PNET_BUFFER_LIST nbl, ULONG flags)
{
    if (answered(conn, &conn->done_disconnect, nbl)) {
        return;
    }
    if (flags == TCP_DISCONNECT_ABORTIVE_CLOSE) {
        TCP_OFFLOAD_STATE_DELEGATED unused = {.Header = {.Length = sizeof unused}};

        state_export(conn, &unused);
        conn->aborting = true;
        if (conn->pcb != NULL) {
            tcp_err(conn->pcb, NULL);
            tcp_abort(conn->pcb); /* RST; lwIP forgets the connection */
            conn->pcb = NULL;
        }
        conn->last.State = TcpConnectionClosed;
        conn->state = CONN_ABORTED;
        data_stop(conn, NDIS_STATUS_REQUEST_ABORTED, false);
        upward_done(&conn->done_disconnect, nbl, NDIS_STATUS_SUCCESS, 0);
    } else {
        conn->disconnect = nbl;
        conn->disconnect_bytes = 0;
    }
    conn_work(conn);
}

/* ---- Stopping ---- */

bool data_forbidden(const struct conn *conn)
{
    return conn->invalid || conn->path->invalid || conn->path->neighbour->invalid;
}

bool data_silent(const struct conn *conn)
{
    return data_forbidden(conn) && conn->adapter->world.ddi.invalidate_acks_none;
}

/* Nothing more happens to the connection until it is terminated; segments are held (D-34). */
void data_freeze(struct conn *conn, TCP_UPLOAD_REASON reason)
{
    if (conn->state != CONN_LIVE && conn->state != CONN_INSTALLED) {
        return;
    }
    if (conn->state == CONN_INSTALLED) {
        conn->freeze_later = true; /* its initiate completes first */
    } else {
        conn->state = CONN_FROZEN;
    }
    conn->tell |= TELL_RETRIEVE;
    conn->reason = reason;
    conn_work(conn);
}

/* Of the first list that is not complete: what the peer has acknowledged. */
static uint32_t acked_bytes(const struct conn *conn)
{
    const uint32_t bytes = conn->last.SndUna - conn->send_seq;
    const uint32_t length = conn->send_first != NULL ? (uint32_t)ndis_nbl_bytes(conn->send_first) : 0;

    return bytes < length ? bytes : length;
}

void data_stop(struct conn *conn, NDIS_STATUS status, bool keep_sends)
{
    uint32_t acked = acked_bytes(conn);

    if (keep_sends && acked > 0) {
        /* The chain that goes back begins with SndUna. */
        NdisAdvanceNetBufferDataStart(NET_BUFFER_LIST_FIRST_NB(conn->send_first), acked, 0, NULL);
        conn->send_seq += acked;
    }
    while (!keep_sends && conn->send_first != NULL) {
        PNET_BUFFER_LIST nbl = conn->send_first;

        conn->send_first = nbl->Next;
        upward_done(&conn->done_sends, nbl, status, acked);
        acked = 0;
    }
    while (conn->posts != NULL) {
        PNET_BUFFER_LIST nbl = conn->posts;

        conn->posts = nbl->Next;
        upward_done(&conn->done_posts, nbl, status, ndis_nbl_filled_bytes(nbl));
    }
    if (conn->disconnect != NULL) {
        upward_done(&conn->done_disconnect, conn->disconnect, status, 0);
        conn->disconnect = NULL;
    }
    conn->unwritten = NULL;
}

/* lwIP has forgotten the connection. */
void data_on_error(void *arg, err_t err)
{
    struct conn *conn = arg;

    conn->pcb = NULL;
    conn->last.State = TcpConnectionClosed;
    if (err == ERR_RST) {
        conn->tell |= TELL_ABORT;
        if (conn->state == CONN_LIVE) {
            conn->state = CONN_ABORTED;
        }
    } else if (err == ERR_CLSD) {
        /* Both FINs are acknowledged: the last thing that was missing was ours. */
        conn->last.SndUna = conn->last.SndNxt = conn->last.SndMax;
        while (conn->send_first != NULL) {
            PNET_BUFFER_LIST nbl = conn->send_first;

            conn->send_first = nbl->Next;
            upward_done(&conn->done_sends, nbl, NDIS_STATUS_SUCCESS, (uint32_t)ndis_nbl_bytes(nbl));
        }
        conn->unwritten = NULL;
        if (conn->disconnect != NULL) {
            upward_done(&conn->done_disconnect, conn->disconnect, NDIS_STATUS_SUCCESS, conn->disconnect_bytes);
            conn->disconnect = NULL;
        }
    } else {
        data_freeze(conn, TimeoutExpiration);
    }
    conn_work(conn);
}

/* ---- Segments ---- */

static void hold(struct conn *conn, const struct flue_frame *frame)
{
    struct held *held = conn->held_count < HELD_MAX ? calloc(1, sizeof *held) : NULL;

    if (held == NULL) {
        return; /* lost; the peer sends it again */
    }
    held->frame = *frame;
    if (conn->held_first == NULL) {
        conn->held_first = held;
    } else {
        conn->held_last->next = held;
    }
    conn->held_last = held;
    conn->held_count++;
}

/* A segment that is acknowledged in part is kept, and sent again, whole. */
static uint32_t oldest(const struct tcp_pcb *pcb)
{
    const struct tcp_seg *const queues[] = {pcb->unacked, pcb->unsent};
    uint32_t seq = pcb->lastack;

    for (unsigned i = 0; i < 2; i++) {
        if (queues[i] != NULL && TCP_SEQ_LT(lwip_ntohl(queues[i]->tcphdr->seqno), seq)) {
            seq = lwip_ntohl(queues[i]->tcphdr->seqno);
        }
    }
    return seq;
}

void data_segment(struct conn *conn, const struct flue_frame *frame)
{
    TCP_OFFLOAD_STATE_DELEGATED unused = {.Header = {.Length = sizeof unused}};

    if ((conn->pcb != NULL && conn->pcb->state == TIME_WAIT) || conn->last.State == TcpConnectionTimeWait) {
        adapter_ordinary(conn->adapter, frame); /* TIME-WAIT is the host's (D-34) */
        return;
    }
    if (conn->state == CONN_FROZEN || conn->freeze_later) {
        hold(conn, frame);
        return;
    }
    if (conn->pcb == NULL) {
        adapter_ordinary(conn->adapter, frame); /* data in CLOSED is the host's (CH-282) */
        return;
    }
    if ((frame->flags & (FLUE_TCP_SYN | FLUE_TCP_URG)) != 0 && (frame->flags & FLUE_TCP_RST) == 0) {
        state_export(conn, &unused); /* an ACK that is owed leaves first */
        data_freeze(conn, (frame->flags & FLUE_TCP_SYN) != 0 ? UploadRequested : ReceivedUrgentData);
        hold(conn, frame);
        return;
    }
    state_note(conn);
    packet_input(conn, frame);
    if (conn->pcb != NULL) {
        if (conn->unwritten != NULL && conn->unwritten_bytes == ndis_nbl_bytes(conn->unwritten)) {
            conn->unwritten = conn->unwritten->Next;
            conn->unwritten_bytes = 0;
        }
        take_acked(conn);
        runs_trim(&conn->came, conn->pcb->rcv_nxt);
        runs_trim(&conn->sent, oldest(conn->pcb));
        take_fin_acked(conn);
    }
    conn_work(conn);
}
