/* SPDX-License-Identifier: GPL-2.0-only */
/* host/offload.c - handing connections to the target: initiate and its completion. */
#include "host/cached.h"
#include "host/binding.h"
#include "host/charge.h"
#include "host/chimney.h"
#include "host/holder.h"
#include "host/move.h"
#include "host/neighbour.h"
#include "host/object.h"
#include "host/offload.h"
#include "host/path.h"
#include "host/protocol.h"
#include "host/rss.h"
#include "host/socket.h"
#include "host/software.h"
#include "host/tree.h"
#include "host/update.h"
#include "host/upload.h"

#include <assert.h>

#include "base/span.h"

/* Established .. LastAck (CH-052); nothing is initiated during a pause (CH-306). */
bool offload_possible(const struct flue_host_socket *socket)
{
    const uint32_t never = SOCKET_OFFER | SOCKET_ABORT_WANTED | SOCKET_ENDED;
    const struct host_path *path = socket->pair->path;
    const struct host_binding *binding = path != NULL ? path->wanted->stem.binding : socket->pair->host->first;
    enum flue_tcp_state_id state;

    if (socket->holder != FLUE_HOLDER_HOST || socket_conn(socket) == NULL || (socket->flags & never) != 0 ||
        (socket->flags & SOCKET_CONNECTED) == 0 || binding == NULL ||
        !binding_allows(binding, &socket->pair->remote_ip) ||
        (socket->traffic->wait != NULL &&
         socket->pair->host->env->now(socket->pair->host->env->ctx) < socket->traffic->wait->not_before_ps)) {
        return false;
    }
    state = flue_tcp_state_of(socket_conn(socket));
    return state >= FLUE_TCP_ESTABLISHED && state <= FLUE_TCP_LAST_ACK;
}

void offload_want(struct flue_host_socket *socket, enum flue_move why)
{
    struct flue_host *host = socket->pair->host;
    struct host_traffic *traffic = socket_traffic(socket);

    if (traffic == NULL) {
        return; /* it stays where it is */
    }
    socket->flags |= SOCKET_OFFER;
    socket->why = (uint8_t)why;
    host->offering++;
    list_push_back(&host->offers, &traffic->move);
}

/* ---- Initiate */

/* Unacknowledged and unsent data as buffer lists: one for each span, the first byte is SndUna. */
struct chain_builder {
    struct flue_host *host;
    struct flue_host_socket *socket;
    struct ndis_chain chain;
    bool failed;
};

static void drop_chain(PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        ndis_nbl_put(first);
        first = next;
    }
}

static void add_span(void *arg, const struct flue_span *span)
{
    struct chain_builder *builder = arg;
    PNET_BUFFER_LIST nbl = builder->failed ? NULL : ndis_nbl_get(builder->host->spans);

    if (nbl == NULL) {
        builder->failed = true;
        return;
    }
    builder->failed = ndis_nbl_append(nbl, span) != FLUE_OK;
    nbl->ProtocolReserved[0] = builder->socket;
    ndis_chain_append(&builder->chain, nbl);
}

/* Out-of-order data is held as the segments it would have come in, and forwarded afterwards (D-17). */
struct hold_builder {
    struct flue_host_socket *socket;
    const struct flue_tcp_state *state;
};

static void hold_span(void *arg, uint32_t seq, const struct flue_span *span)
{
    const struct hold_builder *builder = arg;
    const struct flue_tcp_state *state = builder->state;
    const struct flue_tcp_tuple tuple = host_tuple(builder->socket);
    uint32_t mss = builder->socket->pair->host->params.tcp.mss_bytes;
    bool stamped = (state->const_flags & TCP_FLAG_TIMESTAMP_ENABLED) != 0;

    for (uint32_t from = 0; from < span->length_bytes; from += mss) {
        uint32_t left = span->length_bytes - from;
        struct flue_frame frame = {
            .src_ip = tuple.remote_ip,
            .dst_ip = tuple.local_ip,
            .src_port = tuple.remote_port,
            .dst_port = tuple.local_port,
            .seq = seq + from,
            .ack = state->snd_una,
            .window = (uint16_t)(state->snd_wnd >> state->snd_wscale),
            .flags = FLUE_TCP_ACK,
            .options = stamped ? FLUE_OPT_TIMESTAMP : 0,
            .ts_val = state->ts_recent,
            .ts_ecr = state->ts_time,
            .ttl = state->ttl,
            .ethertype = flue_ip_is_v4(&tuple.remote_ip) ? FLUE_ETHERTYPE_IPV4 : FLUE_ETHERTYPE_IPV6,
            .payload = span_slice(span, from, left < mss ? left : mss),
        };

        hold_frame(builder->socket, &frame);
    }
}

/* cached_reserve() has made room. */
static void keep_fixed(struct host_lease *lease, const struct flue_tcp_state *state)
{
    struct host_values values = {.const_flags = state->const_flags,
                                 .remote_mss = state->remote_mss,
                                 .snd_wscale = state->snd_wscale,
                                 .rcv_wscale = state->rcv_wscale};

#define COPY(name) values.name = state->name;
    HOST_EACH_CACHED(COPY)
#undef COPY
    lease->hash_value = state->hash_value;
    lease->told = cached_get(lease->socket->pair->host, &values);
    assert(lease->told != NULL);
}

/* The engine's connection becomes the state behind a block.  From now on the host keeps the socket and its lease only.
 */
static void move_out(struct flue_host_socket *socket, struct host_lease *lease, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block,
                     const struct ndis_chain *chain)
{
    struct flue_host *host = socket->pair->host;
    FLUE_TCP_BLOCK *tcp = (FLUE_TCP_BLOCK *)(void *)block;
    struct flue_tcp_state state;
    struct hold_builder hold = {.socket = socket, .state = &state};
    flue_err err = flue_tcp_export(socket_conn(socket), host_now(host), 0, &state);

    assert(err == FLUE_OK);
    (void)err;
    /* With one queue: what tells connections apart as well as a hash would, and names this one in traces. */
    state.hash_value = rss_on(host) ? rss_hash(&state.tuple) : socket->account.conn;
    ndis_state_put(&state, &tcp->Const, &tcp->Cached, &tcp->Delegated);
    tcp->Block.NetBufferListChain = chain->first;
    tcp->Delegated.SendDataHead = chain->first;
    tcp->Delegated.SendDataTail = chain->last;
    keep_fixed(lease, &state);
    if (host->params.ddi.ndis_version == FLUE_NDIS_6_0) {
        tcp->Delegated.Header.Length = FLUE_TCP_DELEGATED_LENGTH_1;
    }
    flue_tcp_visit_reassembly(socket_conn(socket), hold_span, &hold);
    if (hook_linked(&socket->traffic->output)) {
        list_remove(&socket->traffic->output);
    }
    flue_tcp_release(socket_conn(socket));
    socket_hold(socket, lease);
    tcp->Delegated.BufferedData = post_buffered(socket);
    if (state.state == FLUE_TCP_ESTABLISHED || state.state == FLUE_TCP_CLOSE_WAIT) {
        socket->flags &= ~(uint32_t)SOCKET_FIN_TOLD; /* a close that was asked for is told by a disconnect */
    } else {
        socket->flags |= SOCKET_FIN_SENT;
    }
}

/* Hands one connection over, into the tree that is being built; false if memory does not suffice. */
static bool offer(struct flue_host_socket *socket, struct host_path *path)
{
    struct flue_host *host = socket->pair->host;
    struct chain_builder builder = {.host = host, .socket = socket};
    struct host_lease *lease = pool_get(&host->leases);
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

    if (lease == NULL) {
        return false;
    }
    *lease = (struct host_lease){.object = {.layer = FLUE_LAYER_TCP}, .socket = socket, .path = path};
    block = tree_block(host, TcpOffloadState, &lease->object.handle, socket);
    if (host_obeys(host, 292)) {
        flue_tcp_flush_ack(socket_conn(socket), host_now(host));
    }
    if (host_obeys(host, 78)) {
        flue_tcp_visit_send_queue(socket_conn(socket), add_span, &builder);
    }
    if (block == NULL || builder.failed || !cached_reserve(host) || !tree_add(path, block)) {
        drop_chain(builder.chain.first);
        pool_put(&host->blocks, block);
        pool_put(&host->leases, lease);
        return false;
    }
    charge_initiate(host, &socket->account, 0);
    path_use(host, path);
    list_push_back(&path->leases, &lease->beside);
    lease->path->stem.binding->leases[!flue_ip_is_v4(&socket->pair->remote_ip)]++;
    object_enter(&lease->object, OBJECT_OFFERED);
    socket_enter(socket, FLUE_HOLDER_OFFERED, (enum flue_move)socket->why);
    move_out(socket, lease, block, &builder.chain);
    return true;
}

/* Where there is just one next hop, and that is on its way, nothing can go. */
static bool only_neighbour_busy(const struct host_binding *binding)
{
    return list_first(&binding->neighbours) == list_last(&binding->neighbours) &&
           !object_nameable(&binding->fixed.object);
}

/* It waits for its next hop.  One that nobody has asked for is asked now: perhaps nothing else is going to be sent. */
static void wait_for_way(struct flue_host_socket *socket, struct host_path *path)
{
    struct host_neighbour *to = path->wanted;

    list_push_back(&path->neighbour->offers, &socket->traffic->move);
    if (to->state == FLUE_NEIGHBOUR_INCOMPLETE && to->solicited == 0) {
        to->from_ip = path->local_ip;
        nud_event(to, NUD_SEND);
    }
}

/* One tree of connections that wait for it, all of one adapter.  Those whose path or neighbour is on its way, or not
 * yet known, go with a later tree (D-14). */
static PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST build(struct flue_host *host, struct host_binding *binding)
{
    uint32_t count = 0;

    FLUE_LIST_EACH_SAFE(hook, &host->offers)
    {
        struct flue_host_socket *socket = FLUE_CONTAINER_OF(hook, struct host_traffic, move)->socket;
        struct host_path *path;

        tree_look_ahead_moves(&host->offers, hook);
        if (count == host->params.tree_connections || only_neighbour_busy(binding)) {
            break;
        }
        if (hook_linked(&socket->traffic->attend)) {
            continue; /* the application is told first all that has come */
        }
        path = path_of(socket);
        if (path != NULL && path->stem.binding != binding) {
            continue;
        }
        socket->flags &= ~(uint32_t)SOCKET_OFFER;
        if (path != NULL && offload_possible(socket) && !tree_ready(path)) {
            socket->flags |= SOCKET_OFFER;
            list_remove(&socket->traffic->move);
            wait_for_way(socket, path);
            continue;
        }
        list_remove(&socket->traffic->move);
        host->offering--;
        if (path != NULL && offload_possible(socket) && offer(socket, path)) {
            count++;
        }
        socket_rest(socket);
    }
    return tree_finish(binding);
}

void offload_start(struct flue_host *host)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root;

    if (list_empty(&host->offers)) {
        return;
    }
    FLUE_LIST_EACH(hook, &host->bindings)
    {
        struct host_binding *binding = FLUE_CONTAINER_OF(hook, struct host_binding, hook);

        while (!list_empty(&host->offers) && (root = build(host, binding)) != NULL) {
            software_flush(host); /* the last ACKs leave ahead of the hand-over */
            protocol_initiate(binding, root);
        }
    }
}

/* ---- Completion */

static void taken(struct flue_host_socket *socket, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    struct host_lease *lease = socket_lease(socket);

    object_enter(&lease->object, OBJECT_HELD);
    lease->path->stem.binding->targets++;
    post_buffered_done(socket, ((FLUE_TCP_BLOCK *)(void *)block)->Delegated.BufferedData, true);
    if (socket->traffic->owed_bytes > 0) {
        socket->traffic->owed_bytes = 0; /* the engine that lent them is gone */
    }
    socket_enter(socket, FLUE_HOLDER_TARGET, FLUE_MOVE_COMPLETED);
    socket->pair->host->totals.offloaded++;
    socket->flags |= SOCKET_TELL_MOVED;
    if (lease->path->stem.binding->release_wanted || lease->recalled) {
        upload_want(socket, FLUE_MOVE_UPLOAD_ALL); /* everything goes back, this one, too (CH-308) */
    } else if (lease->path->object.doomed != 0) {
        upload_want(socket, FLUE_MOVE_NO_ROUTE);
    } else if ((socket->flags & SOCKET_MOVE_ON) != 0) {
        upload_want(socket, FLUE_MOVE_ADAPTER);
    }
    object_dirty(&lease->object); /* what the application changed meanwhile */
    socket_attend(socket);        /* forwards what was held and posts what was queued, after this call (D-15) */
}

static void count_refusal(struct flue_host_totals *totals, NDIS_STATUS status)
{
    for (unsigned i = 0; i < FLUE_REFUSALS; i++) {
        if (totals->refusals[i].count == 0 || totals->refusals[i].status == status) {
            totals->refusals[i].status = status;
            totals->refusals[i].count++;
            break;
        }
    }
    totals->refused++;
}

/* Why: what hangs on a block that was refused has FAILURE, and the reason stands there (behaviour 7.3). */
static NDIS_STATUS reason_of(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST above, NDIS_STATUS status)
{
    const bool refused = above->OffloadHandle != NULL && above->OffloadHandle->MiniportOffloadContext == NULL;

    return status == NDIS_STATUS_FAILURE && refused ? above->Status : status;
}

/* The block's state and buffer lists are as the host left them: it goes on where it stopped. */
static void refused(struct flue_host_socket *socket, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, NDIS_STATUS why)
{
    struct flue_host *host = socket->pair->host;
    FLUE_TCP_BLOCK *tcp = (FLUE_TCP_BLOCK *)(void *)block;
    struct flue_tcp_state state = {.tuple = host_tuple(socket)};

    host->last_refusal = block->Status;
    count_refusal(&host->totals, why);
    object_release(&socket_lease(socket)->path->object);
    object_enter(&socket_lease(socket)->object, OBJECT_HERE);
    socket_enter(socket, FLUE_HOLDER_HOST, FLUE_MOVE_REFUSED);
    post_buffered_done(socket, tcp->Delegated.BufferedData, false);
    ndis_state_get(&state, &tcp->Const, &tcp->Cached, &tcp->Delegated);
    state.tuple = host_tuple(socket);
    update_carry(socket_lease(socket), &state);
    upload_import(socket, &state, block->NetBufferListChain, socket->traffic->owed_bytes);
    move_on(socket);
    socket_attend(socket);
}

/* A path or neighbour of a tree: was it new, and was it taken? */
static void complete_object(struct host_object *object, struct host_object *parent)
{
    if (object->state != OBJECT_OFFERED) {
        return;
    }
    if (object->handle.MiniportOffloadContext != NULL) {
        object_enter(object, OBJECT_HELD);
        object_settled(object);
        return;
    }
    object_enter(object, OBJECT_HERE);
    if (parent != NULL) {
        object_release(parent);
    }
}

static void complete_path(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST neighbour)
{
    struct host_path *path = block->ProtocolReserved[0];

    for (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tcp = block->DependentBlockList; tcp != NULL; tcp = tcp->NextBlock) {
        struct flue_host_socket *socket = tcp->ProtocolReserved[0];

        tree_look_ahead(tcp, sizeof *tcp);
        if (tcp->OffloadHandle->MiniportOffloadContext != NULL) {
            taken(socket, tcp);
        } else {
            refused(socket, tcp, reason_of(neighbour, reason_of(block, tcp->Status)));
        }
    }
    complete_object(&path->object, &path->neighbour->object);
}

void offload_complete(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    for (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = root; block != NULL; block = block->NextBlock) {
        struct host_neighbour *neighbour = block->ProtocolReserved[0]; /* NULL: a placeholder */

        for (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST path = block->DependentBlockList; path != NULL; path = path->NextBlock) {
            complete_path(path, block);
        }
        if (neighbour != NULL) {
            object_release(&neighbour->object); /* as tree_finish() has counted it */
            if (neighbour->object.state == OBJECT_OFFERED) {
                complete_object(&neighbour->object, NULL);
                neighbour->refused = neighbour->object.state == OBJECT_HERE;
            }
        }
    }
    tree_free(host, root);
}
