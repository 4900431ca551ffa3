/* SPDX-License-Identifier: GPL-2.0-only */
/* host/upload.c - taking connections back: terminate, its completion, and the import of a state; and the end of path
 * and neighbour objects. */
#include "host/charge.h"

#include <assert.h>

void upload_want(struct flue_socket *socket, enum flue_move why)
{
    if (socket->holder != FLUE_HOLDER_TARGET || (socket->flags & SOCKET_TAKE) != 0) {
        return;
    }
    socket->flags |= SOCKET_TAKE;
    socket->why = (uint8_t)why;
    list_push_back(&socket->host->takes, &socket->move);
}

void upload_all(struct flue_host *host)
{
    FLUE_LIST_EACH(hook, &host->all)
    {
        upload_want(FLUE_CONTAINER_OF(hook, struct flue_socket, all), FLUE_MOVE_UPLOAD_ALL);
    }
    host->release_wanted = 1;
}

/* ---- Terminate */

/* Connections of one moment go as sibling roots of one tree. */
static PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST build(struct flue_host *host)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root = NULL, *end = &root;

    for (uint32_t count = 0; count < host->params.tree_connections && !list_empty(&host->takes); count++) {
        struct flue_socket *socket = FLUE_CONTAINER_OF(list_first(&host->takes), struct flue_socket, move);
        PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block =
            tree_block(host, TcpOffloadDelegatedState, &socket->lease->handle, socket);

        if (block == NULL) {
            host_retry(host);
            break;
        }
        ((FLUE_TCP_TERMINATE_BLOCK *)(void *)block)->Delegated.Header.Length = sizeof(TCP_OFFLOAD_STATE_DELEGATED);
        list_remove(&socket->move);
        charge_terminate(host, &socket->account, 0);
        socket_enter(socket, FLUE_HOLDER_GIVING_BACK, (enum flue_move)socket->why);
        socket->flags &= ~(uint32_t)SOCKET_TAKE;
        *end = block;
        end = &block->NextBlock;
    }
    return root;
}

void upload_start(struct flue_host *host)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root;

    while (!list_empty(&host->takes) && (root = build(host)) != NULL) {
        charge_initiate_tree(host, NULL, 0);
        protocol_terminate(host, root);
    }
    if (host->release_wanted && host->totals.holders[FLUE_HOLDER_TARGET] == 0) {
        upload_objects(host);
    }
}

/* ---- Import */

static void send_lists(struct flue_socket *socket, PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;
        struct ndis_spans spans = ndis_spans_of_data(first->FirstNetBuffer);
        struct flue_span span;

        while (socket->conn != NULL && ndis_spans_next(&spans, &span)) {
            if (flue_tcp_send(socket->conn, &span, host_now(socket->host)) != FLUE_OK) {
                socket->flags |= SOCKET_ABORT_WANTED; /* no memory: better a reset than a hole */
                break;
            }
        }
        ndis_nbl_put(first);
        first = next;
    }
}

/* Order of the send data: what the target gave back in the chain, what it completed unsent, what waited here. */
void upload_import(struct flue_socket *socket, const struct flue_tcp_state *state, PNET_BUFFER_LIST chain,
                   uint32_t unread_bytes)
{
    struct flue_host *host = socket->host;
    struct host_lease *lease = socket->lease;
    flue_err err = flue_tcp_import(host->tcp, state, socket, socket->id, unread_bytes, host_now(host), &socket->conn);

    socket->lease = NULL;
    if (err != FLUE_OK) {
        socket->conn = NULL;
        socket_ended(socket, FLUE_TCP_BY_ABORT);
    }
    send_lists(socket, chain);
    send_lists(socket, lease->requeued.first);
    pool_put(&host->leases, lease);
    if (socket->conn == NULL) {
        return;
    }
    socket->flags &= ~(uint32_t)(SOCKET_FIN_SENT | SOCKET_FIN_TOLD);
    if (state->state != FLUE_TCP_ESTABLISHED && state->state != FLUE_TCP_CLOSE_WAIT) {
        socket->flags |= SOCKET_FIN_TOLD; /* the FIN is in the state (D-30) */
    }
    if ((socket->flags & SOCKET_ABORT_WANTED) == 0) {
        socket_post(socket);
        flue_tcp_start(socket->conn, host_now(host));
    } else {
        socket_post(socket); /* the reset: nothing of the rest is sent */
    }
    hold_process(socket);
}

/* ---- Completion */

/* Received data that the target had acknowledged and not delivered.  After a reset nobody wants it any more (D-37). */
static uint32_t take_buffered(struct flue_socket *socket, PNET_BUFFER_LIST first, bool wanted)
{
    struct flue_host *host = socket->host;
    uint64_t bytes = 0;

    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;
        struct ndis_spans spans = ndis_spans_of_data(first->FirstNetBuffer);
        struct flue_span span;

        while (wanted && ndis_spans_next(&spans, &span)) {
            socket_add_piece(socket, &span);
            bytes += span.length_bytes;
        }
        ndis_chain_append(&host->indicated, first);
        socket->lists++;
        first = next;
    }
    charge_terminate_copy(host, &socket->account, bytes);
    host->totals.buffered_bytes_taken += bytes;
    socket->owed_bytes += (uint32_t)bytes;
    return (uint32_t)bytes;
}

/* What the target completed is known; the rest of what it acknowledged shows in what it did not give back. */
static void count_acked(struct flue_socket *socket, PNET_BUFFER_LIST chain)
{
    uint64_t unacked = ndis_chain_bytes(chain) + ndis_chain_bytes(socket->lease->requeued.first) + socket->sent_bytes -
                       socket->posted_bytes;
    uint64_t acked = socket->sent_bytes - unacked;

    if (unacked <= socket->sent_bytes && acked > socket->acked_bytes) {
        socket->tell_acked_bytes += (uint32_t)(acked - socket->acked_bytes);
        socket->acked_bytes = acked;
    }
}

static void drop_lists(struct flue_socket *socket, PNET_BUFFER_LIST chain)
{
    struct flue_host *host = socket->host;

    send_lists(socket, chain);
    send_lists(socket, socket->lease->requeued.first);
    pool_put(&host->leases, socket->lease);
    socket->lease = NULL;
    hold_drop(socket);
}

static enum flue_tcp_reason reason_of(const struct flue_socket *socket)
{
    if ((socket->flags & SOCKET_ABORT_WANTED) != 0) {
        return FLUE_TCP_BY_ABORT;
    }
    if ((socket->flags & SOCKET_RESET) != 0) {
        return FLUE_TCP_BY_RESET;
    }
    return (socket->flags & SOCKET_TIMED_OUT) != 0 ? FLUE_TCP_BY_TIMEOUT : FLUE_TCP_BY_SEGMENT;
}

static void returned(struct flue_socket *socket, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    const TCP_OFFLOAD_STATE_DELEGATED *delegated = &((FLUE_TCP_TERMINATE_BLOCK *)(void *)block)->Delegated;
    const struct host_fixed *fixed = &socket->lease->fixed;
    bool over = delegated->State == TcpConnectionClosed || (socket->flags & (SOCKET_RESET | SOCKET_ABORT_TOLD)) != 0;
    struct flue_tcp_state state = {.tuple = socket->tuple};
    uint32_t unread_bytes = take_buffered(socket, delegated->BufferedData, (socket->flags & SOCKET_RESET) == 0);

#define COPY_tcp_const(name)  state.name = fixed->name;
#define COPY_tcp_cached(name) state.name = fixed->name;
#define COPY_tcp_delegated(name)
#define FLUE_STATE(class_, name, type, unit, member, since) COPY_##class_(name)
#include "flue/state.def"
    ndis_state_get(&state, NULL, NULL, delegated);
    state.tuple = socket->tuple;
    socket->host->totals.chain_bytes_taken += ndis_chain_bytes(block->NetBufferListChain);
    socket->host->totals.uploaded++;
    if (!over || (socket->flags & (SOCKET_RESET | SOCKET_ABORT_WANTED | SOCKET_TIMED_OUT)) == 0) {
        count_acked(socket, block->NetBufferListChain);
    }
    socket_enter(socket, FLUE_HOLDER_HOST, FLUE_MOVE_COMPLETED);
    if (delegated->State >= TcpConnectionCloseWait && delegated->State != TcpConnectionMaxState &&
        (socket->flags & SOCKET_PEER_FIN) == 0) {
        socket->flags |= SOCKET_PEER_FIN | SOCKET_TELL_PEER_FIN;
    }
    socket->flags |= SOCKET_TELL_MOVED;
    if (over) {
        drop_lists(socket, block->NetBufferListChain);
        socket_ended(socket, reason_of(socket));
    } else {
        upload_import(socket, &state, block->NetBufferListChain, unread_bytes);
    }
    socket_attend(socket);
}

/* The state is gone, and with it the connection (D-32). */
static void lost(struct flue_socket *socket, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    socket_enter(socket, FLUE_HOLDER_LOST, FLUE_MOVE_FAILED);
    drop_lists(socket, block->NetBufferListChain);
    socket_ended(socket, FLUE_TCP_BY_ABORT);
}

static void complete_tcp(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    struct flue_socket *socket = block->ProtocolReserved[0];

    assert(host->totals.holders[FLUE_HOLDER_GIVING_BACK] > 0 && socket->lease->path->object.dependents > 0);
    (void)host;
    block->OffloadHandle->MiniportOffloadContext = NULL;
    socket->lease->path->object.dependents--;
    if (block->Status == NDIS_STATUS_SUCCESS) {
        returned(socket, block);
    } else {
        lost(socket, block);
    }
}

/* ---- Paths and neighbour */

static void complete_object(struct host_object *object, struct host_object *parent)
{
    assert(object->state == OBJECT_GIVING_BACK);
    object->handle.MiniportOffloadContext = NULL;
    object_enter(object, OBJECT_HERE);
    if (parent != NULL) {
        parent->dependents--;
    }
}

void upload_complete(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    for (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = root; block != NULL; block = block->NextBlock) {
        switch (flue_state_layer(block->Header.Type)) {
        case FLUE_LAYER_NEIGHBOR:
            for (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST path = block->DependentBlockList; path != NULL;
                 path = path->NextBlock) {
                complete_object(&((struct host_path *)path->ProtocolReserved[0])->object, &host->neighbour);
            }
            complete_object(&host->neighbour, NULL);
            break;
        case FLUE_LAYER_PATH:
            complete_object(&((struct host_path *)block->ProtocolReserved[0])->object, &host->neighbour);
            break;
        case FLUE_LAYER_TCP:
            complete_tcp(host, block);
            break;
        case FLUE_LAYER_NONE:
            assert(false); /* no block of this host */
        }
    }
    tree_free(host, root);
}

static PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST object_block(struct flue_host *host, unsigned type, uint32_t length,
                                                      struct host_object *object, void *owner)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = tree_block(host, type, &object->handle, owner);

    if (block != NULL) {
        flue_state_first(block)->Length = length;
        object_enter(object, OBJECT_GIVING_BACK);
        charge_initiate_tree(host, NULL, 0);
    }
    return block;
}

/* Paths that nothing depends on; under the neighbour's block if nothing else depends on that, so that all go in one
 * tree; else as sibling roots (CH-113). */
void upload_objects(struct flue_host *host)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root = NULL, *end = &root, neighbour;
    uint32_t paths = 0;

    FLUE_LIST_EACH(hook, &host->path_list)
    {
        struct host_path *path = FLUE_CONTAINER_OF(hook, struct host_path, hook);

        if (path->object.state == OBJECT_HELD && path->object.dependents == 0) {
            *end =
                object_block(host, Ip4OffloadDelegatedState, sizeof(PATH_OFFLOAD_STATE_DELEGATED), &path->object, path);
            if (*end == NULL) {
                break;
            }
            end = &(*end)->NextBlock;
            paths++;
        }
    }
    if (host->neighbour.state == OBJECT_HELD && host->neighbour.dependents == paths) {
        neighbour = object_block(host, NeighborOffloadDelegatedState, sizeof(NEIGHBOR_OFFLOAD_STATE_DELEGATED),
                                 &host->neighbour, host);
        if (neighbour != NULL) {
            neighbour->DependentBlockList = root;
            root = neighbour;
        }
    }
    if (root != NULL) {
        charge_initiate_tree(host, NULL, 0);
        protocol_terminate(host, root);
    }
}

void flue_host_release_offload(struct flue_host *host, flue_ps at_ps)
{
    host_enter(host, at_ps);
    upload_objects(host);
    host_leave(host);
}
