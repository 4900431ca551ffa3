/* SPDX-License-Identifier: GPL-2.0-only */
/* host/chimney.c - the data path of a connection that the target holds: sends, indications, disconnects, events. */
#include "host/charge.h"
#include "host/chimney.h"
#include "host/protocol.h"
#include "host/socket.h"
#include "host/upload.h"

#include "base/span.h"

/* OffloadContext of an indication is the host's own handle (D-03). */
struct flue_host_socket *chimney_socket(PVOID offload_context)
{
    return FLUE_CONTAINER_OF(offload_context, struct host_lease, object.handle)->socket;
}

/* ---- Down */

static PNET_BUFFER_LIST make_list(struct flue_host_socket *socket, const struct flue_span *span)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(socket->pair->host->spans);

    if (nbl != NULL) {
        nbl->ProtocolReserved[0] = socket;
        if (span != NULL && ndis_nbl_append(nbl, span) != FLUE_OK) {
            ndis_nbl_put(nbl);
            nbl = NULL;
        }
    }
    return nbl;
}

static bool disconnect(struct flue_host_socket *socket, ULONG flags, const struct flue_span *span)
{
    PNET_BUFFER_LIST nbl = make_list(socket, span);

    if (nbl == NULL) {
        host_retry(socket->pair->host);
        return false;
    }
    charge_chimney_event(socket->pair->host, &socket->account, 0);
    protocol_tcp_disconnect(socket, nbl, flags);
    return true;
}

/* Bytes that may go now: all, or as many as the target wants to have. */
static uint64_t postable_bytes(const struct flue_host_socket *socket)
{
    const uint64_t waiting = socket->traffic->unposted_bytes;
    const uint64_t there = socket->unacked_bytes - waiting;
    const uint64_t most = socket_lease(socket)->backlog_bytes;

    if (most == 0) {
        return waiting;
    }
    return there >= most ? 0 : waiting < most - there ? waiting : most - there;
}

static bool closing(const struct flue_host_socket *socket)
{
    return (socket->flags & (SOCKET_CLOSE_WANTED | SOCKET_FIN_TOLD | SOCKET_FIN_SENT)) == SOCKET_CLOSE_WANTED;
}

/* All that may go, as one chain of lists; the last of them travels with the close if that is wanted so. */
static bool post_sends(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;
    uint64_t bytes = postable_bytes(socket);
    struct ndis_chain chain = {0};
    bool done = true;

    while (bytes > 0 && done) {
        /* Under a limit in parts, so that the completion of one makes room for the next while others are on their way.
         */
        const uint64_t part =
            socket_lease(socket)->backlog_bytes > 3 ? socket_lease(socket)->backlog_bytes / 4 : INT32_MAX;
        const uint64_t length = bytes < part ? bytes : part;
        const struct flue_span span = {.offset_bytes = socket_posted_bytes(socket),
                                       .stream = socket_stream(socket),
                                       .length_bytes = length < INT32_MAX ? (uint32_t)length : INT32_MAX};
        PNET_BUFFER_LIST nbl = make_list(socket, &span);

        if (nbl == NULL) {
            host_retry(host);
            done = false; /* it waits here */
            break;
        }
        charge_chimney_switch(host, &socket->account, 0);
        charge_chimney_send(host, &socket->account, 0);
        socket->traffic->unposted_bytes -= span.length_bytes;
        bytes -= span.length_bytes;
        ndis_chain_append(&chain, nbl);
    }
    if (chain.first != NULL) {
        protocol_tcp_send(socket, &chain);
    }
    return done && socket->traffic->unposted_bytes == 0;
}

/* The rest of the stream in the list of the disconnect itself (CH-226). */
static bool close_with_rest(struct flue_host_socket *socket)
{
    const uint64_t rest = socket->traffic->unposted_bytes;
    const struct flue_span span = {
        .offset_bytes = socket_posted_bytes(socket), .stream = socket_stream(socket), .length_bytes = (uint32_t)rest};

    if (rest == 0 || rest > INT32_MAX || socket->pair->host->params.close_with_data == 0 ||
        postable_bytes(socket) != rest || !disconnect(socket, TCP_DISCONNECT_GRACEFUL_CLOSE, &span)) {
        return false;
    }
    socket->traffic->unposted_bytes -= rest;
    return true;
}

/* All that waits; then the close.  Nothing once the connection is on its way back (CH-116). */
void chimney_post(struct flue_host_socket *socket)
{
    if ((socket->flags & SOCKET_TAKE) != 0) {
        return;
    }
    if ((socket->flags & SOCKET_ABORT_WANTED) != 0) {
        if ((socket->flags & SOCKET_ABORT_TOLD) == 0 && disconnect(socket, TCP_DISCONNECT_ABORTIVE_CLOSE, NULL)) {
            socket->flags |= SOCKET_ABORT_TOLD;
        }
        return;
    }
    if (closing(socket) && close_with_rest(socket)) {
        socket->flags |= SOCKET_FIN_TOLD;
        return;
    }
    if (post_sends(socket) && closing(socket) && disconnect(socket, TCP_DISCONNECT_GRACEFUL_CLOSE, NULL)) {
        socket->flags |= SOCKET_FIN_TOLD;
    }
}

/* ---- Up */

static void requeue(struct host_lease *lease, PNET_BUFFER_LIST nbl)
{
    nbl->Next = NULL;
    if (lease->requeued == NULL) {
        lease->requeued = nbl;
    } else {
        ((PNET_BUFFER_LIST)lease->requeued->Scratch)->Next = nbl;
    }
    lease->requeued->Scratch = nbl;
}

/* What the peer acknowledged of a completed list; the rest is sent after the import (CH-175), in order. */
static void settle_list(struct flue_host_socket *socket, PNET_BUFFER_LIST nbl)
{
    uint32_t acked_bytes = (uint32_t)(uintptr_t)NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred);

    if (nbl->Status == NDIS_STATUS_REQUEST_ABORTED) {
        ndis_nbl_put(nbl);
        return;
    }
    socket_acked(socket, acked_bytes);
    if (nbl->Status != NDIS_STATUS_SUCCESS && ndis_nbl_bytes(nbl) > 0 && host_obeys(socket->pair->host, 175)) {
        requeue(socket_lease(socket), nbl);
    } else {
        ndis_nbl_put(nbl);
    }
}

/* UPLOAD_IN_PROGRESS, or a driver on the way had no memory (REQUEST_UPLOAD, UPLOAD_REQUESTED): the host sends it
 * itself. Whatever it posted now would overtake it, so the connection comes back, if it is not on its way already. */
static void send_complete(struct flue_host *host, PNET_BUFFER_LIST nbl)
{
    struct flue_host_socket *socket = nbl->ProtocolReserved[0];
    const NDIS_STATUS status = nbl->Status;

    charge_chimney_send_complete(host, &socket->account, 0);
    settle_list(socket, nbl);
    if (status != NDIS_STATUS_SUCCESS && status != NDIS_STATUS_REQUEST_ABORTED) {
        upload_want(socket, FLUE_MOVE_RETRIEVE);
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
 * Whatever it is, the host does not repeat it here (CH-236). */
void chimney_disconnect_complete(struct flue_host *host, PNET_BUFFER_LIST nbl)
{
    struct flue_host_socket *socket = nbl->ProtocolReserved[0];
    const NDIS_STATUS status = nbl->Status;
    const bool aborting = (socket->flags & SOCKET_ABORT_WANTED) != 0;

    charge_chimney_event(host, &socket->account, 0);
    settle_list(socket, nbl);
    if (aborting) {
        if (status != NDIS_STATUS_SUCCESS && status != NDIS_STATUS_REQUEST_ABORTED) {
            socket->flags &= ~(uint32_t)SOCKET_ABORT_TOLD; /* the host resets it itself after the import */
        }
        upload_want(socket, FLUE_MOVE_CLOSING);
    } else if (status == NDIS_STATUS_SUCCESS) {
        socket->flags |= SOCKET_FIN_SENT;
    } else if (status != NDIS_STATUS_REQUEST_ABORTED) {
        upload_want(socket, FLUE_MOVE_RETRIEVE);
    }
    socket_attend(socket);
}

/* Taken as far as there is room, usually whole; returned after the application has read it.  What is refused stays the
 * target's, and is not indicated again before a post (CH-203, CH-205, CH-210). */
NDIS_STATUS chimney_indicate(struct flue_host_socket *socket, PNET_BUFFER_LIST nbl, ULONG *consumed)
{
    struct flue_host *host = socket->pair->host;
    struct ndis_spans spans = ndis_spans_of_data(nbl->FirstNetBuffer);
    const uint64_t all = ndis_nbl_bytes(nbl);
    uint32_t room = post_room_bytes(socket);
    struct flue_span span;

    charge_chimney_indicate(host, &socket->account, 0);
    charge_chimney_switch(host, &socket->account, 0);
    *consumed = 0;
    while (room > 0 && ndis_spans_next(&spans, &span)) {
        if (span.length_bytes > room) {
            span = span_slice(&span, 0, room);
        }
        socket_add_piece(socket, &span);
        *consumed += span.length_bytes;
        room -= span.length_bytes;
    }
    if (*consumed < all) {
        socket_lease(socket)->refusing = true;
        host->totals.refused_bytes += all - *consumed;
        return *consumed == 0 ? NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED : NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED;
    }
    ndis_chain_append(&socket_lease(socket)->path->stem.binding->indicated, nbl);
    socket_lists_add(socket);
    socket_attend(socket);
    return NDIS_STATUS_SUCCESS;
}

/* What follows from each reason (behaviour 11.2): five must be heeded, six are advice. */
static void retrieve(struct flue_host_socket *socket, ULONG reason)
{
    const struct flue_host_params *params = &socket->pair->host->params;

    if (reason < FLUE_RETRIEVES) {
        socket->pair->host->totals.retrieved[reason]++;
    }
    if (!host_obeys(socket->pair->host, 258)) {
        return;
    }
    switch ((TCP_UPLOAD_REASON)reason) {
    case TimeoutExpiration:
        socket->flags |= SOCKET_TIMED_OUT;
        upload_want(socket, FLUE_MOVE_RETRIEVE);
        break;
    case HardwareFailure:
        socket_lease(socket)->path->stem.binding->broken = 1; /* until it resumes (D-35) */
        socket_lease(socket)->broken = true;
        upload_want(socket, FLUE_MOVE_RETRIEVE);
        break;
    case ReceivedUrgentData:
    case InvalidState:
    case UploadRequested:
        upload_want(socket, FLUE_MOVE_RETRIEVE);
        break;
    case LowActivity:
    case HighDropRate:
    case SmallIO:
    case NoBufferPreposting:
    case HighFragmentation:
    case HighOutOfOrderPackets:
        if ((params->heed_advice >> reason & 1) != 0) {
            upload_want(socket, FLUE_MOVE_ADVICE);
        }
        break;
    case MaxUploadReason:
        break;
    }
}

void chimney_event(struct flue_host_socket *socket, ULONG event, ULONG information)
{
    charge_chimney_event(socket->pair->host, &socket->account, 0);
    switch ((TCP_OFFLOAD_EVENT_TYPE)event) {
    case TcpIndicateDisconnect:
        socket->flags |= SOCKET_PEER_FIN | SOCKET_TELL_PEER_FIN;
        break;
    case TcpIndicateRetrieve:
        retrieve(socket, information);
        break;
    case TcpIndicateAbort:
        socket->flags |= SOCKET_RESET;
        if (host_obeys(socket->pair->host, 256)) {
            upload_want(socket, FLUE_MOVE_ABORTED);
        }
        break;
    case TcpIndicateSendBacklogChange:
        if (socket->pair->host->params.follow_send_backlog != 0) {
            socket_lease(socket)->backlog_bytes = information == FLUE_BACKLOG_NONE ? 0 : information;
        }
        break;
    }
    upload_again(socket);
    socket_attend(socket);
}
