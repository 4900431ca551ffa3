/* SPDX-License-Identifier: GPL-2.0-only */
/* host/chimney.c - the data path of a connection that the target holds: sends, indications, disconnects, events. */
#include "host/charge.h"

/* OffloadContext of an indication is the host's own handle (D-03). */
struct flue_socket *chimney_socket(PVOID offload_context)
{
    return FLUE_CONTAINER_OF(offload_context, struct host_lease, handle)->socket;
}

/* ---- Down */

static PNET_BUFFER_LIST make_list(struct flue_socket *socket, const struct flue_span *span)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(socket->host->spans);

    if (nbl != NULL) {
        nbl->ProtocolReserved[0] = socket;
        if (span != NULL && ndis_nbl_append(nbl, span) != FLUE_OK) {
            ndis_nbl_put(nbl);
            nbl = NULL;
        }
    }
    return nbl;
}

static bool disconnect(struct flue_socket *socket, ULONG flags)
{
    PNET_BUFFER_LIST nbl = make_list(socket, NULL);

    if (nbl == NULL) {
        host_retry(socket->host);
        return false;
    }
    charge_chimney_event(socket->host, &socket->account, 0);
    protocol_tcp_disconnect(socket, nbl, flags);
    return true;
}

/* All that waits, as one list; then the close.  Nothing once the connection is on its way back (CH-116). */
void chimney_post(struct flue_socket *socket)
{
    struct flue_host *host = socket->host;

    if ((socket->flags & SOCKET_TAKE) != 0) {
        return;
    }
    if ((socket->flags & SOCKET_ABORT_WANTED) != 0) {
        if ((socket->flags & SOCKET_ABORT_TOLD) == 0 && disconnect(socket, TCP_DISCONNECT_ABORTIVE_CLOSE)) {
            socket->flags |= SOCKET_ABORT_TOLD;
        }
        return;
    }
    while (socket->posted_bytes < socket->sent_bytes) {
        uint64_t waiting = socket->sent_bytes - socket->posted_bytes;
        struct flue_span span = {.offset_bytes = socket->posted_bytes,
                                 .stream = socket->stream,
                                 .length_bytes = waiting < INT32_MAX ? (uint32_t)waiting : INT32_MAX};
        PNET_BUFFER_LIST nbl = make_list(socket, &span);

        if (nbl == NULL) {
            host_retry(host);
            return; /* it waits here */
        }
        charge_chimney_switch(host, &socket->account, 0);
        charge_chimney_send(host, &socket->account, 0);
        socket->posted_bytes += span.length_bytes;
        protocol_tcp_send(socket, nbl);
    }
    if ((socket->flags & (SOCKET_CLOSE_WANTED | SOCKET_FIN_TOLD | SOCKET_FIN_SENT)) == SOCKET_CLOSE_WANTED &&
        disconnect(socket, TCP_DISCONNECT_GRACEFUL_CLOSE)) {
        socket->flags |= SOCKET_FIN_TOLD;
    }
}

/* ---- Up */

static void send_complete(struct flue_host *host, PNET_BUFFER_LIST nbl)
{
    struct flue_socket *socket = nbl->ProtocolReserved[0];
    uint32_t acked_bytes = (uint32_t)(uintptr_t)NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred);

    charge_chimney_send_complete(host, &socket->account, 0);
    if (nbl->Status == NDIS_STATUS_REQUEST_ABORTED) {
        ndis_nbl_put(nbl);
        return;
    }
    socket->acked_bytes += acked_bytes;
    socket->tell_acked_bytes += acked_bytes;
    if (nbl->Status != NDIS_STATUS_SUCCESS && ndis_nbl_bytes(nbl) > 0) {
        ndis_chain_append(&socket->lease->requeued, nbl); /* the host sends it after the import (CH-175) */
        if (nbl->Status != NDIS_STATUS_UPLOAD_IN_PROGRESS) {
            upload_want(socket, FLUE_MOVE_RETRIEVE);
        }
    } else {
        ndis_nbl_put(nbl);
    }
    socket_attend(socket);
}

void chimney_send_complete(struct flue_host *host, PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        send_complete(host, first);
        first = next;
    }
}

/* UPLOAD_IN_PROGRESS: the state that comes back tells whether the FIN was sent.  REQUEST_ABORTED: an event tells why.
 */
void chimney_disconnect_complete(struct flue_host *host, PNET_BUFFER_LIST nbl)
{
    struct flue_socket *socket = nbl->ProtocolReserved[0];

    charge_chimney_event(host, &socket->account, 0);
    if ((socket->flags & SOCKET_ABORT_WANTED) != 0) {
        if (nbl->Status == NDIS_STATUS_UPLOAD_IN_PROGRESS) {
            socket->flags &= ~(uint32_t)SOCKET_ABORT_TOLD; /* the host resets it itself after the import */
        }
        upload_want(socket, FLUE_MOVE_CLOSING);
    } else if (nbl->Status == NDIS_STATUS_SUCCESS) {
        socket->flags |= SOCKET_FIN_SENT;
    }
    ndis_nbl_put(nbl);
    socket_attend(socket);
}

/* Always taken whole; returned after the application has read it. */
ULONG chimney_indicate(struct flue_socket *socket, PNET_BUFFER_LIST nbl)
{
    struct flue_host *host = socket->host;
    struct ndis_spans spans = ndis_spans_of_data(nbl->FirstNetBuffer);
    struct flue_span span;
    ULONG bytes = 0;

    charge_chimney_indicate(host, &socket->account, 0);
    charge_chimney_switch(host, &socket->account, 0);
    while (ndis_spans_next(&spans, &span)) {
        socket_add_piece(socket, &span);
        bytes += span.length_bytes;
    }
    ndis_chain_append(&host->indicated, nbl);
    socket->lists++;
    socket_attend(socket);
    return bytes;
}

static bool mandatory(ULONG reason)
{
    return reason == ReceivedUrgentData || reason == TimeoutExpiration || reason == InvalidState ||
           reason == UploadRequested || reason == HardwareFailure;
}

void chimney_event(struct flue_socket *socket, ULONG event, ULONG information)
{
    charge_chimney_event(socket->host, &socket->account, 0);
    switch (event) {
    case TcpIndicateDisconnect:
        socket->flags |= SOCKET_PEER_FIN | SOCKET_TELL_PEER_FIN;
        break;
    case TcpIndicateRetrieve:
        if (information == TimeoutExpiration) {
            socket->flags |= SOCKET_TIMED_OUT;
        }
        if (mandatory(information)) {
            upload_want(socket, FLUE_MOVE_RETRIEVE);
        }
        break;
    case TcpIndicateAbort:
        socket->flags |= SOCKET_RESET;
        upload_want(socket, FLUE_MOVE_ABORTED);
        break;
    default: /* TcpIndicateSendBacklogChange is advice that this host does not need */
        break;
    }
    socket_attend(socket);
}

void chimney_status(struct flue_host *host, NDIS_STATUS status)
{
    switch (status) {
    case NDIS_STATUS_OFFLOAD_PAUSE:
        host->paused = 1;
        break;
    case NDIS_STATUS_UPLOAD_ALL:
        host->paused = 1;
        upload_all(host);
        break;
    case NDIS_STATUS_OFFLOAD_RESUME:
        host->paused = 0;
        host->release_wanted = 0;
        break;
    default:
        break;
    }
}
