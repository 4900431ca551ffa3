/* SPDX-License-Identifier: GPL-2.0-only */
/* host/upload.c - taking connections back: terminate, its completion for objects of all layers, and the import of a
 * state. */
#include "host/cached.h"
#include "host/binding.h"
#include "host/charge.h"
#include "host/holder.h"
#include "host/move.h"
#include "host/object.h"
#include "host/path.h"
#include "host/protocol.h"
#include "host/release.h"
#include "host/reoffer.h"
#include "host/socket.h"
#include "host/software.h"
#include "host/tree.h"
#include "host/update.h"
#include "host/upload.h"

#include <assert.h>

/* Without memory to note it, a little later. */
static void take(struct flue_host_socket *socket)
{
    struct host_traffic *traffic = socket_traffic(socket);

    if (traffic == NULL) {
        host_retry(socket->pair->host);
    } else if (!hook_linked(&traffic->move)) {
        list_push_back(&socket->pair->host->takes, &traffic->move);
    }
}

void upload_want(struct flue_host_socket *socket, enum flue_move why)
{
    if (socket->holder != FLUE_HOLDER_TARGET || (socket->flags & SOCKET_TAKE) != 0) {
        return;
    }
    socket->flags |= SOCKET_TAKE;
    socket->why = (uint8_t)why;
    take(socket);
    if (why == FLUE_MOVE_RETRIEVE || why == FLUE_MOVE_NO_ROUTE) {
        reoffer_back_off(socket);
    } else if (why == FLUE_MOVE_UPLOAD_ALL) {
        reoffer_park(socket);
    }
}

void upload_all(struct host_binding *binding)
{
    FLUE_LIST_EACH(hook, &binding->host->all)
    {
        struct flue_host_socket *socket = FLUE_CONTAINER_OF(hook, struct flue_host_socket, all);

        if (socket_lease(socket) != NULL && socket_lease(socket)->path->stem.binding == binding) {
            upload_want(socket, FLUE_MOVE_UPLOAD_ALL);
            socket_lease(socket)->recalled = true; /* CH-308: even if the target resumes before it has taken it */
        }
    }
    binding->release_wanted = 1;
    binding->review = 1;
}

/* The connection is not the target's any more. */
static void put_lease(struct flue_host *host, struct host_lease *lease)
{
    update_forget(lease);
    list_remove(&lease->beside);
    lease->path->stem.binding->leases[!flue_ip_is_v4(&lease->socket->pair->remote_ip)]--;
    path_leave(host, lease->path);
    cached_put(host, lease->told);
    pool_put(&host->leases, lease);
}

/* ---- Terminate */

/* Connections of one moment go as sibling roots of one tree.  One of which something is pending, or whose sends and
 * posts are being made, goes later (CH-114, CH-115, D-27). */
static PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST build(struct flue_host *host, struct host_binding *binding)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root = NULL, *end = &root;
    uint32_t count = 0;

    FLUE_LIST_EACH_SAFE(hook, &host->takes)
    {
        struct flue_host_socket *socket = FLUE_CONTAINER_OF(hook, struct host_traffic, move)->socket;
        struct host_object *object = &socket_lease(socket)->object;
        TCP_OFFLOAD_STATE_DELEGATED *delegated;
        PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

        tree_look_ahead_moves(&host->takes, hook);
        if (object_binding(object) != binding) {
            continue;
        }
        if (!object_may_end(object)) {
            list_remove(&socket->traffic->move); /* until upload_settled() */
            socket_rest(socket);
            continue;
        }
        if (count++ == host->params.tree_connections) {
            break;
        }
        block = tree_block(host, TcpOffloadDelegatedState, &object->handle, socket);
        if (block == NULL) {
            host_retry(host);
            break;
        }
        delegated = &((FLUE_TCP_TERMINATE_BLOCK *)(void *)block)->Delegated;
        delegated->Header.Length =
            host->params.ddi.ndis_version == FLUE_NDIS_6_0 ? FLUE_TCP_DELEGATED_LENGTH_1 : (ULONG)sizeof *delegated;
        list_remove(&socket->traffic->move);
        socket_rest(socket);
        charge_terminate(host, &socket->account, 0);
        object_enter(object, OBJECT_GIVING_BACK);
        if (socket->holder == FLUE_HOLDER_TARGET) {
            binding->targets--;
            socket_enter(socket, FLUE_HOLDER_GIVING_BACK, (enum flue_move)socket->why);
        }
        socket->flags &= ~(uint32_t)SOCKET_TAKE;
        *end = block;
        end = &block->NextBlock;
    }
    return root;
}

void upload_settled(struct host_lease *lease)
{
    struct flue_host_socket *socket = lease->socket;

    if ((socket->flags & SOCKET_TAKE) != 0) {
        take(socket);
    }
}

void upload_start(struct flue_host *host)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root;

    FLUE_LIST_EACH(hook, &host->bindings)
    {
        struct host_binding *binding = FLUE_CONTAINER_OF(hook, struct host_binding, hook);

        while (!list_empty(&host->takes) && (root = build(host, binding)) != NULL) {
            charge_initiate_tree(host, NULL, 0);
            protocol_terminate(binding, root);
        }
        if (binding->review) {
            binding->review = 0;
            release_objects(binding, binding->release_wanted && binding->targets == 0);
            binding_review(binding);
        }
    }
}

/* ---- Import */

static void send_lists(struct flue_host_socket *socket, PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;
        struct ndis_spans spans = ndis_spans_of_data(first->FirstNetBuffer);
        struct flue_span span;

        while (socket_conn(socket) != NULL && ndis_spans_next(&spans, &span)) {
            if (flue_tcp_send(socket_conn(socket), &span, host_now(socket->pair->host)) != FLUE_OK) {
                socket->flags |= SOCKET_ABORT_WANTED; /* no memory: better a reset than a hole */
                break;
            }
        }
        ndis_nbl_put(first);
        first = next;
    }
}

/* Order of the send data: what the target gave back in the chain, what it completed unsent, what waited here. */
void upload_import(struct flue_host_socket *socket, const struct flue_tcp_state *state, PNET_BUFFER_LIST chain,
                   uint32_t unread_bytes)
{
    struct flue_host *host = socket->pair->host;
    struct host_lease *lease = socket_lease(socket);
    struct flue_tcp_conn *conn;
    flue_err err;

    socket_hold(socket, NULL);
    err = flue_tcp_import(host->tcp, state, socket, socket->account.conn, unread_bytes, host_now(host), &conn);
    if (err != FLUE_OK) {
        socket_ended(socket, FLUE_TCP_BY_ABORT);
    }
    send_lists(socket, chain);
    send_lists(socket, lease->requeued);
    put_lease(host, lease);
    if (socket_conn(socket) == NULL) {
        return;
    }
    if (flue_tcp_covered(socket_conn(socket)) == 0) {
        socket->flags |= SOCKET_ABORT_WANTED; /* what is sent next would be taken for bytes that did not come back */
    }
    socket->flags &= ~(uint32_t)(SOCKET_FIN_SENT | SOCKET_FIN_TOLD | SOCKET_TIMED_OUT);
    if (state->state != FLUE_TCP_ESTABLISHED && state->state != FLUE_TCP_CLOSE_WAIT) {
        socket->flags |= SOCKET_FIN_TOLD; /* the FIN is in the state (D-30) */
    }
    if ((socket->flags & SOCKET_ABORT_WANTED) == 0) {
        socket_post(socket);
        flue_tcp_start(socket_conn(socket), host_now(host));
    } else {
        socket_post(socket); /* the reset: nothing of the rest is sent */
    }
    hold_process(socket);
}

/* ---- Completion */

/* Received data that the target had acknowledged and not delivered.  After a reset nobody wants it any more (D-37). */
static uint32_t take_buffered(struct flue_host_socket *socket, PNET_BUFFER_LIST first, bool wanted)
{
    struct flue_host *host = socket->pair->host;
    uint64_t bytes = 0;

    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;
        struct ndis_spans spans = ndis_spans_of_data(first->FirstNetBuffer);
        struct flue_span span;

        while (wanted && ndis_spans_next(&spans, &span)) {
            socket_add_piece(socket, &span);
            bytes += span.length_bytes;
        }
        ndis_chain_append(&socket_lease(socket)->path->stem.binding->indicated, first);
        socket_lists_add(socket);
        first = next;
    }
    charge_terminate_copy(host, &socket->account, bytes);
    host->totals.buffered_bytes_taken += bytes;
    socket_owe(socket, (uint32_t)bytes);
    return (uint32_t)bytes;
}

/* What the target completed is known; the rest of what it acknowledged shows in what it did not give back. */
static void count_acked(struct flue_host_socket *socket, PNET_BUFFER_LIST chain)
{
    uint64_t unacked =
        ndis_chain_bytes(chain) + ndis_chain_bytes(socket_lease(socket)->requeued) + socket->traffic->unposted_bytes;

    if (unacked < socket->unacked_bytes) {
        socket_acked(socket, (uint32_t)(socket->unacked_bytes - unacked));
    }
}

static void drop_lists(struct flue_host_socket *socket, PNET_BUFFER_LIST chain)
{
    struct flue_host *host = socket->pair->host;

    send_lists(socket, chain);
    send_lists(socket, socket_lease(socket)->requeued);
    put_lease(host, socket_lease(socket));
    socket_hold(socket, NULL);
}

static enum flue_tcp_reason reason_of(const struct flue_host_socket *socket)
{
    if ((socket->flags & SOCKET_ABORT_WANTED) != 0) {
        return FLUE_TCP_BY_ABORT;
    }
    if ((socket->flags & SOCKET_RESET) != 0) {
        return FLUE_TCP_BY_RESET;
    }
    if ((socket->flags & SOCKET_TIMED_OUT) != 0) {
        return FLUE_TCP_BY_TIMEOUT;
    }
    /* Over, and this end never closed: a SYN came at RcvNxt (behaviour 15.4), which is a reset by another name. */
    return (socket->flags & SOCKET_CLOSE_WANTED) != 0 ? FLUE_TCP_BY_SEGMENT : FLUE_TCP_BY_RESET;
}

/* The target waits for the peer's FIN for a limited time, then closes (D-28, D-54).  But the application reads on, for
 * as long as it likes (RFC 9293 3.6): the state before is still true, unless keep-alive had no answer. */
static bool still_reads(const struct flue_host_socket *socket, const struct flue_tcp_state *state)
{
    const uint32_t over = SOCKET_PEER_FIN | SOCKET_RESET | SOCKET_ABORT_WANTED | SOCKET_ABORT_TOLD;
    const uint32_t told = SOCKET_TIMED_OUT | SOCKET_FIN_SENT;
    const unsigned most = state->ka_probe_count != 0 ? state->ka_probe_count : 10;

    return state->state == FLUE_TCP_CLOSED && (socket->flags & (told | over)) == told &&
           state->snd_una == state->snd_max && state->ka_probes < most;
}

static void returned(struct flue_host_socket *socket, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    const TCP_OFFLOAD_STATE_DELEGATED *delegated = &((FLUE_TCP_TERMINATE_BLOCK *)(void *)block)->Delegated;
    const struct host_values *kept = &socket_lease(socket)->told->values;
    bool over = (socket->flags & (SOCKET_RESET | SOCKET_ABORT_TOLD)) != 0;
    struct flue_tcp_state state = {.const_flags = kept->const_flags,
                                   .remote_port = socket->remote_port,
                                   .local_port = socket->local_port,
                                   .snd_wscale = kept->snd_wscale,
                                   .rcv_wscale = kept->rcv_wscale,
                                   .remote_mss = kept->remote_mss,
                                   .hash_value = socket_lease(socket)->hash_value};
    uint32_t unread_bytes = take_buffered(socket, delegated->BufferedData, (socket->flags & SOCKET_RESET) == 0);

    ndis_state_get(&state, NULL, NULL, delegated);
    update_carry(socket_lease(socket), &state);
    state.tuple = host_tuple(socket);
    state.state = still_reads(socket, &state) ? (uint32_t)FLUE_TCP_FIN_WAIT_2 : state.state;
    over = over || state.state == FLUE_TCP_CLOSED;
    socket->pair->host->totals.chain_bytes_taken += ndis_chain_bytes(block->NetBufferListChain);
    socket->pair->host->totals.uploaded++;
    if (!over || (socket->flags & (SOCKET_RESET | SOCKET_ABORT_WANTED | SOCKET_TIMED_OUT)) == 0) {
        count_acked(socket, block->NetBufferListChain);
    }
    socket_enter(socket, FLUE_HOLDER_HOST, FLUE_MOVE_COMPLETED);
    /* A connection that is over, and nothing broke it off, has had the FINs of both. */
    if (((over && reason_of(socket) == FLUE_TCP_BY_SEGMENT) ||
         (delegated->State >= TcpConnectionCloseWait && delegated->State != TcpConnectionMaxState)) &&
        (socket->flags & SOCKET_PEER_FIN) == 0) {
        socket->flags |= SOCKET_PEER_FIN | SOCKET_TELL_PEER_FIN;
    }
    socket->flags |= SOCKET_TELL_MOVED;
    reoffer_is_back(socket);
    if (over) {
        drop_lists(socket, block->NetBufferListChain);
        socket_ended(socket, reason_of(socket));
    } else {
        upload_import(socket, &state, block->NetBufferListChain, unread_bytes);
        move_on(socket);
    }
    socket_attend(socket);
}

/* The state is gone, and with it the connection (D-32).  What was received and not delivered nobody wants any more. */
static void lost(struct flue_host_socket *socket, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    if (block->Status == NDIS_STATUS_SUCCESS) {
        (void)take_buffered(socket, ((FLUE_TCP_TERMINATE_BLOCK *)(void *)block)->Delegated.BufferedData, false);
    }
    drop_lists(socket, block->NetBufferListChain);
    socket_ended(socket, FLUE_TCP_BY_ABORT);
}

/* Terminate failed.  By the recipe of the page the target keeps the object for one more terminate (D-32): true for the
 * first failure, after which the host keeps it, too. */
static bool kept(struct host_object *object)
{
    object_enter(object, OBJECT_LOST);
    return object_binding(object)->host->params.ddi.terminate_recipe != 0 && object->failed++ == 0;
}

/* After a failure that was kept both events follow, then the terminate that ends it.  Of what the host broke off itself
 * no Abort tells. */
void upload_again(struct flue_host_socket *socket)
{
    if (socket->holder == FLUE_HOLDER_LOST && socket_lease(socket) != NULL &&
        socket_lease(socket)->object.state == OBJECT_LOST &&
        (socket->flags & (SOCKET_RESET | SOCKET_ABORT_TOLD)) != 0 && (socket->flags & SOCKET_TAKE) == 0) {
        socket->flags |= SOCKET_TAKE;
        take(socket);
    }
}

static void complete_tcp(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    struct flue_host_socket *socket = block->ProtocolReserved[0];
    struct host_object *object = &socket_lease(socket)->object;
    const bool failed = block->Status != NDIS_STATUS_SUCCESS;
    /* By the recipe of the page the terminate that follows the two events succeeds, and brings nothing (D-32). */
    const bool gone = failed || (socket_lease(socket)->broken && (socket->flags & SOCKET_RESET) != 0);

    if (gone && socket->holder != FLUE_HOLDER_LOST) {
        socket_enter(socket, FLUE_HOLDER_LOST, FLUE_MOVE_FAILED);
    }
    if (failed && kept(object)) {
        return;
    }
    block->OffloadHandle->MiniportOffloadContext = NULL;
    object_release(&socket_lease(socket)->path->object);
    object_enter(object, OBJECT_HERE);
    if (socket->holder == FLUE_HOLDER_LOST) {
        lost(socket, block);
    } else {
        returned(socket, block);
    }
}

/* ---- Paths and neighbours */

/* Without its state a path or neighbour can be offloaded anew. */
static void complete_object(struct host_object *object, struct host_object *parent, NDIS_STATUS status)
{
    if (status != NDIS_STATUS_SUCCESS) {
        object_binding(object)->host->totals.failed++;
        if (kept(object)) {
            object_doom(object); /* once more, at once: nobody is told of it */
            return;
        }
    }
    object->handle.MiniportOffloadContext = NULL;
    object_enter(object, OBJECT_HERE);
    if (parent != NULL) {
        object_release(parent);
    }
}

static void complete_path(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    struct host_path *path = block->ProtocolReserved[0];

    complete_object(&path->object, &path->neighbour->object, block->Status);
}

static void complete_neighbour(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    struct host_neighbour *neighbour = block->ProtocolReserved[0];

    for (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST path = block->DependentBlockList; path != NULL; path = path->NextBlock) {
        complete_path(path);
    }
    complete_object(&neighbour->object, NULL, block->Status);
}

void upload_complete(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    for (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = root; block != NULL; block = block->NextBlock) {
        switch (flue_state_layer(block->Header.Type)) {
        case FLUE_LAYER_NEIGHBOR:
            complete_neighbour(block);
            break;
        case FLUE_LAYER_PATH:
            complete_path(block);
            break;
        case FLUE_LAYER_TCP:
            tree_look_ahead(block, sizeof(FLUE_TCP_TERMINATE_BLOCK));
            complete_tcp(block);
            break;
        case FLUE_LAYER_NONE:
            assert(false); /* no block of this host */
        }
    }
    tree_free(host, root);
}
