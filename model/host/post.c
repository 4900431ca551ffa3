/* SPDX-License-Identifier: GPL-2.0-only */
/* host/post.c - receive buffers posted at the target (behaviour 13.2), what an application that does not read makes the
 * host refuse, and unread bytes that travel with a connection. */
#include "host/charge.h"
#include "host/chimney.h"
#include "host/protocol.h"
#include "host/socket.h"
#include "host/upload.h"

#include <assert.h>

/* ---- Posting */

/* Nothing is posted after the peer's FIN or a reset, nor once the connection is on its way back (CH-116). */
static bool may_post(const struct flue_host_socket *socket)
{
    const uint32_t never = SOCKET_TAKE | SOCKET_PEER_FIN | SOCKET_RESET | SOCKET_ABORT_WANTED | SOCKET_ENDED;

    return socket->holder == FLUE_HOLDER_TARGET && (socket->flags & never) == 0 &&
           (socket->flags & SOCKET_PAUSED) == 0 && !socket_lease(socket)->posts_failed;
}

static bool add_post(struct flue_host_socket *socket, struct ndis_chain *chain, uint32_t room_bytes)
{
    struct flue_host *host = socket->pair->host;
    PNET_BUFFER_LIST nbl = ndis_nbl_get(host->spans);

    if (nbl == NULL) {
        host_retry(host);
        return false;
    }
    ndis_nbl_set_room(nbl, room_bytes);
    nbl->ProtocolReserved[0] = socket;
    NET_BUFFER_LIST_INFO(nbl, TcpReceiveNoPush) = (PVOID)(uintptr_t)(room_bytes > 0 ? host->params.receive_nonpush : 0);
    ndis_chain_append(chain, nbl);
    socket_lease(socket)->posts++;
    host->totals.posted++;
    charge_chimney_send(host, &socket->account, 0);
    return true;
}

/* Keeps as many buffers posted as the parameters say.  Without such, refused data needs one empty post before the
 * target indicates again (CH-205, CH-207). */
void post_receives(struct flue_host_socket *socket)
{
    const struct flue_host_params *params = &socket->pair->host->params;
    struct ndis_chain chain = {0};

    if (!may_post(socket)) {
        return;
    }
    if (params->receive_post_bytes > 0) {
        while (socket_lease(socket)->posts < params->receive_posts &&
               add_post(socket, &chain, params->receive_post_bytes)) {
        }
    }
    if (socket_lease(socket)->refusing && chain.first == NULL && socket_lease(socket)->posts == 0) {
        (void)add_post(socket, &chain, 0);
    }
    if (chain.first != NULL) {
        socket_lease(socket)->refusing = false;
        protocol_tcp_receive(socket, &chain);
    }
}

/* What was placed in it belongs to the stream, unless the connection was reset (D-37). */
static void completed(struct flue_host *host, PNET_BUFFER_LIST nbl)
{
    struct flue_host_socket *socket = nbl->ProtocolReserved[0];
    const ULONG bytes = (ULONG)(uintptr_t)NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred);
    struct ndis_spans spans = ndis_spans_of_chain(nbl->FirstNetBuffer, 0, bytes);
    struct flue_span span;

    assert(socket_lease(socket) != NULL && socket_lease(socket)->posts > 0);
    socket_lease(socket)->posts--;
    charge_chimney_indicate(host, &socket->account, 0);
    if (bytes > 0) {
        charge_chimney_switch(host, &socket->account, 0);
    }
    while (nbl->Status != NDIS_STATUS_REQUEST_ABORTED && ndis_spans_next(&spans, &span)) {
        socket_add_piece(socket, &span);
    }
    if (nbl->Status != NDIS_STATUS_SUCCESS) {
        if (nbl->Status == NDIS_STATUS_UPLOAD_IN_PROGRESS) {
            upload_want(socket, FLUE_MOVE_RETRIEVE);
        }
        socket_lease(socket)->posts_failed = true; /* posted again when somebody holds the connection anew */
    }
    ndis_nbl_put(nbl);
    socket_attend(socket);
}

void post_ended(struct flue_host *host, PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        completed(host, first);
        first = next;
    }
}

/* ---- An application that does not read */

/* What it may leave unread before the host refuses more. */
uint32_t post_room_bytes(const struct flue_host_socket *socket)
{
    const struct flue_host_params *params = &socket->pair->host->params;
    const uint32_t most = params->receive_queue_bytes > 0 ? params->receive_queue_bytes : params->tcp.rcv_buffer_bytes;

    if ((socket->flags & SOCKET_PAUSED) == 0) {
        return UINT32_MAX; /* read at the end of this piece of work */
    }
    return socket->traffic->unread_bytes < most ? most - socket->traffic->unread_bytes : 0;
}

void flue_host_socket_pause_reading(struct flue_host_socket *socket)
{
    socket->flags |= SOCKET_PAUSED;
}

void flue_host_socket_resume(struct flue_host_socket *socket)
{
    struct flue_host *host = socket->pair->host;

    if ((socket->flags & SOCKET_PAUSED) != 0) {
        host_enter(host, host->depth == 0 ? host->env->now(host->env->ctx) : 0);
        socket->flags &= ~(uint32_t)SOCKET_PAUSED;
        socket_attend(socket);
        host_leave(host);
    }
}

/* ---- Unread bytes at a hand-over (7.6) */

static void put_all(PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        ndis_nbl_put(first);
        first = next;
    }
}

/* They end right before RcvNxt (CH-075): not after the peer's FIN, which would stand between.  Without memory they stay
 * here, and are read before anything that comes later. */
PNET_BUFFER_LIST post_buffered(struct flue_host_socket *socket)
{
    struct ndis_chain chain = {0};
    const struct host_piece *piece;

    if (socket->traffic->pieces == NULL || (socket->flags & SOCKET_PEER_FIN) != 0) {
        return NULL;
    }
    piece = socket->traffic->pieces;
    do {
        PNET_BUFFER_LIST nbl = ndis_nbl_get(socket->pair->host->spans);

        piece = piece->next;
        if (nbl == NULL || ndis_nbl_append(nbl, &piece->span) != FLUE_OK) {
            if (nbl != NULL) {
                ndis_nbl_put(nbl);
            }
            put_all(chain.first);
            return NULL;
        }
        ndis_chain_append(&chain, nbl);
    } while (piece != socket->traffic->pieces);
    socket_lease(socket)->buffered = true;
    return chain.first;
}

/* The target has its own copy of what it took (CH-050, CH-076), and indicates none of it before a post (D-45). */
void post_buffered_done(struct flue_host_socket *socket, PNET_BUFFER_LIST first, bool taken)
{
    struct host_lease *lease = socket_lease(socket);

    if (!lease->buffered) {
        return;
    }
    lease->buffered = false;
    put_all(first);
    if (taken) {
        lease->refusing = true;
        socket_drop_pieces(socket);
        socket->traffic->unread_bytes = 0;
    }
}
