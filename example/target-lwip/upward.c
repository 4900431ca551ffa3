/* SPDX-License-Identifier: GPL-2.0-only */
/* upward.c - what goes up, from the alarm only: completions, posted receives and indications (behaviour 13.3), events.
 */
#include <stdlib.h>

#include "lwip_target.h"

/* ---- Lists of what is done ---- */

void upward_append(PNET_BUFFER_LIST *list, PNET_BUFFER_LIST nbl)
{
    while (*list != NULL) {
        list = &(*list)->Next;
    }
    nbl->Next = NULL;
    *list = nbl;
}

void upward_done(PNET_BUFFER_LIST *list, PNET_BUFFER_LIST nbl, NDIS_STATUS status, uint32_t bytes)
{
    nbl->Status = status;
    NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)bytes;
    if (bytes > 0) {
        NdisAdvanceNetBufferDataStart(NET_BUFFER_LIST_FIRST_NB(nbl), bytes, 0, NULL);
    }
    upward_append(list, nbl);
}

static void give(struct conn *conn, PNET_BUFFER_LIST *list, void (*complete)(NDIS_HANDLE, PNET_BUFFER_LIST))
{
    PNET_BUFFER_LIST first = *list;

    *list = NULL;
    if (first != NULL) {
        complete(conn->adapter->miniport, first);
    }
}

void upward_complete(struct conn *conn)
{
    const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *calls = &conn->adapter->calls;

    give(conn, &conn->done_sends, calls->NdisTcpOffloadSendComplete);
    give(conn, &conn->done_posts, calls->NdisTcpOffloadReceiveComplete);
    give(conn, &conn->done_forwards, calls->NdisTcpOffloadForwardComplete);
    give(conn, &conn->done_disconnect, calls->NdisTcpOffloadDisconnectComplete);
}

static void event(struct conn *conn, ULONG type, ULONG information)
{
    conn->adapter->calls.NdisTcpOffloadEventHandler(conn->handle, type, information);
}

/* ---- Received data ---- */

err_t upward_on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct conn *conn = arg;
    uint32_t seq = conn->ready_seq + conn->ready_bytes, left;

    (void)pcb, (void)err;
    if (p == NULL) {
        conn->peer_fin = true;
        conn_work(conn);
        return ERR_OK;
    }
    for (left = p->tot_len; left > 0;) {
        struct flue_span span;
        const uint32_t here = runs_find(&conn->came, seq, left, &span);

        for (uint32_t i = 0; i < here; i++) {
            if (pbuf_get_at(p, (u16_t)(p->tot_len - left + i)) !=
                flue_payload_byte(span.stream, span.offset_bytes + i)) {
                abort(); /* lwIP hands up bytes that nobody sent */
            }
        }
        if (here == 0 || !runs_add(&conn->ready, seq, &span)) {
            abort();
        }
        conn->ready_bytes += here;
        seq += here;
        left -= here;
    }
    (void)pbuf_free(p);
    conn_work(conn);
    return ERR_OK;
}

static void taken(struct conn *conn, uint32_t bytes)
{
    conn->ready_seq += bytes;
    conn->ready_bytes -= bytes;
    runs_trim(&conn->ready, conn->ready_seq);
}

/* The window opens when the host has the bytes. */
static void consumed(struct conn *conn, uint32_t bytes)
{
    while (conn->pcb != NULL && bytes > 0) {
        const uint32_t here = bytes < 0xFFFF ? bytes : 0xFFFF;

        tcp_recved(conn->pcb, (u16_t)here);
        bytes -= here;
    }
}

static PNET_BUFFER_LIST list_of(struct conn *conn, PNET_BUFFER_LIST nbl)
{
    for (const struct run *run = conn->ready.first; nbl != NULL && run != NULL; run = run->next) {
        if (ndis_nbl_append(nbl, &run->span) != FLUE_OK) {
            ndis_nbl_put(nbl);
            nbl = NULL;
        }
    }
    return nbl;
}

PNET_BUFFER_LIST data_buffered(struct conn *conn)
{
    PNET_BUFFER_LIST nbl = conn->spare;

    if (conn->ready_bytes == 0) {
        return NULL;
    }
    conn->spare = NULL;
    nbl->MiniportReserved[0] = NULL; /* its return changes nothing: the window is the host's */
    return list_of(conn, nbl);
}

static void indicate(struct conn *conn)
{
    const uint32_t bytes = conn->ready_bytes;
    PNET_BUFFER_LIST nbl = list_of(conn, ndis_nbl_get(conn->adapter->spans));
    ULONG taken_bytes = 0;
    NDIS_STATUS answer;

    if (nbl == NULL) {
        return; /* no memory now; the next alarm tries again */
    }
    nbl->MiniportReserved[0] = conn;
    nbl->MiniportReserved[1] = (PVOID)(uintptr_t)bytes;
    conn->lent++;
    answer = conn->adapter->calls.NdisTcpOffloadReceiveHandler(conn->handle, nbl, NDIS_STATUS_SUCCESS, &taken_bytes);
    if (answer == NDIS_STATUS_SUCCESS) {
        taken(conn, bytes);
        return;
    }
    conn->lent--;
    conn->latched = true; /* until the host posts a receive (D-45) */
    ndis_nbl_put(nbl);
    taken(conn, taken_bytes);
    consumed(conn, taken_bytes);
}

static bool pushes(const NET_BUFFER_LIST *nbl)
{
    return NET_BUFFER_LIST_INFO(nbl, TcpReceiveNoPush) == NULL;
}

static void complete_post(struct conn *conn)
{
    PNET_BUFFER_LIST nbl = conn->posts;

    conn->posts = nbl->Next;
    conn->push_at_ps = FLUE_PS_NEVER;
    upward_done(&conn->done_posts, nbl, NDIS_STATUS_SUCCESS, ndis_nbl_filled_bytes(nbl));
}

/* Fills posted buffers, in order. */
static void place(struct conn *conn)
{
    bool placed = false;

    while (conn->posts != NULL) {
        PNET_BUFFER_LIST nbl = conn->posts;
        const uint32_t room = (uint32_t)ndis_nbl_bytes(nbl);

        if (room == 0) {
            conn->latched = false; /* asks for indications, takes nothing (CH-207) */
            complete_post(conn);
            continue;
        }
        while (conn->ready_bytes > 0 && ndis_nbl_filled_bytes(nbl) < room) {
            ULONG here = 0;

            if (ndis_nbl_fill(nbl, &conn->ready.first->span, &here) != FLUE_OK) {
                return;
            }
            taken(conn, here);
            consumed(conn, here);
            placed = true;
        }
        if (ndis_nbl_filled_bytes(nbl) < room) {
            break;
        }
        conn->latched = false;
        complete_post(conn);
    }
    if (conn->posts == NULL || !pushes(conn->posts)) {
        return;
    }
    if (ndis_nbl_filled_bytes(conn->posts) > 0) {
        if (conn->psh) {
            complete_post(conn);
        } else if (placed) {
            conn->push_at_ps = adapter_now(conn->adapter) + 500 * FLUE_PS_PER_MS;
            adapter_wake(conn->adapter, conn->push_at_ps);
        }
    }
}

static void deliver(struct conn *conn)
{
    if (conn->push_at_ps <= adapter_now(conn->adapter) && conn->posts != NULL) {
        complete_post(conn);
    }
    place(conn);
    upward_complete(conn);
    if (conn->state == CONN_LIVE && conn->posts == NULL && conn->ready_bytes > 0 && !conn->latched) {
        indicate(conn);
    }
    conn->psh = conn->psh && conn->ready_bytes > 0;
    if (conn->peer_fin && !conn->fin_told && conn->ready_bytes == 0 && conn->state == CONN_LIVE) {
        PNET_BUFFER_LIST posts;

        if (conn->posts != NULL && ndis_nbl_filled_bytes(conn->posts) > 0) {
            complete_post(conn); /* the partly filled one first (D-41) */
            upward_complete(conn);
        }
        posts = conn->posts;
        conn->posts = NULL;
        conn->fin_told = true;
        event(conn, TcpIndicateDisconnect, 0);
        while (posts != NULL) {
            PNET_BUFFER_LIST next = posts->Next;

            upward_done(&conn->done_posts, posts, NDIS_STATUS_SUCCESS, 0);
            posts = next;
        }
    }
}

void upward_tell(struct conn *conn)
{
    TCP_OFFLOAD_STATE_DELEGATED unused = {.Header = {.Length = sizeof unused}};

    if (conn->freeze_later) {
        conn->freeze_later = false;
        conn->state = CONN_FROZEN;
    }
    if ((conn->tell & TELL_RETRIEVE) != 0) {
        conn->tell &= ~(unsigned)TELL_RETRIEVE;
        if (conn->pcb != NULL) {
            state_export(conn, &unused);
            state_drop_pcb(conn);
        }
        event(conn, TcpIndicateRetrieve, conn->reason);
    }
    if ((conn->tell & TELL_ABORT) != 0) {
        conn->tell &= ~(unsigned)TELL_ABORT;
        conn->state = CONN_ABORTED;
        event(conn, TcpIndicateAbort, 0);
        data_stop(conn, NDIS_STATUS_REQUEST_ABORTED, false);
    }
    if (conn->state == CONN_LIVE) {
        data_write(conn);
        deliver(conn);
    }
    upward_complete(conn);
    if (conn->state == CONN_LIVE && conn->pcb != NULL && conn->pcb->state == TIME_WAIT) {
        data_freeze(conn, UploadRequested); /* CH-143; the peer's FIN is told before, if its data is taken */
    }
}

/* ---- Calls from the host ---- */

void upward_post(struct conn *conn, PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;
        const NDIS_STATUS status = conn->state == CONN_ABORTED ? NDIS_STATUS_REQUEST_ABORTED
                                   : conn->fin_told            ? NDIS_STATUS_INVALID_STATE
                                                               : NDIS_STATUS_UPLOAD_IN_PROGRESS; /* D-40 */

        if (conn->state == CONN_LIVE && !conn->fin_told) {
            upward_append(&conn->posts, first);
        } else {
            upward_done(&conn->done_posts, first, status, 0);
        }
        first = next;
    }
    conn_work(conn);
}

/* Forwarded segments are the host's copies of frames: lwIP gets them as it gets those of the wire. */
void upward_forward(struct conn *conn, PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;
        NDIS_STATUS status = NDIS_STATUS_SUCCESS;

        if (conn->state == CONN_ABORTED) {
            status = NDIS_STATUS_REQUEST_ABORTED;
        } else if (conn->state == CONN_FROZEN) {
            status = NDIS_STATUS_UPLOAD_IN_PROGRESS;
        } else {
            data_segment(conn, ndis_nbl_frame(first));
        }
        first->Status = status;
        upward_append(&conn->done_forwards, first);
        first = next;
    }
    conn_work(conn);
}

/* The connection may be gone when its last list comes back. */
void upward_return(PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;
        struct conn *conn = first->MiniportReserved[0];
        const uint32_t bytes = (uint32_t)(uintptr_t)first->MiniportReserved[1];

        ndis_nbl_put(first);
        if (conn != NULL) {
            conn->lent--;
            if (conn->state == CONN_TERMINATING) {
                conn_free(conn);
            } else {
                consumed(conn, bytes);
                conn_work(conn);
            }
        }
        first = next;
    }
}
