/* SPDX-License-Identifier: GPL-2.0-only */
/* host/update.c - cached variables that changed while the target has the object: told by updates, one at a time for
 * each object; what changes meanwhile follows (behaviour 9.1, CH-087, CH-092). */
#include "host/cached.h"
#include "host/charge.h"
#include "host/object.h"
#include "host/protocol.h"
#include "host/relink.h"
#include "host/socket.h"
#include "host/tree.h"
#include "host/update.h"
#include "host/upload.h"

#include <assert.h>
#include <string.h>

/* Commands act at the update only (D-19); the rest of the flags says how things are. */
#define COMMANDS (TCP_FLAG_KEEP_ALIVE_RESTART | TCP_FLAG_MAX_RT_RESTART | TCP_FLAG_UPDATE_RCV_WND)

/* ---- Connections */

static const struct host_cached *wanted_of(const struct host_lease *lease)
{
    const struct host_change *change = lease->socket->traffic->change;

    return change != NULL ? change->wanted : lease->told;
}

void update_carry(const struct host_lease *lease, struct flue_tcp_state *state)
{
    const struct host_values *wanted = &wanted_of(lease)->values;

#define CARRY(name) state->name = wanted->name;
    HOST_EACH_CACHED(CARRY)
#undef CARRY
}

/* Which commands go with the change. */
static uint16_t commands(const struct host_values *from, const struct host_values *to)
{
    const bool alive = ((from->cached_flags ^ to->cached_flags) & TCP_FLAG_KEEP_ALIVE_ENABLED) != 0 ||
                       from->ka_probe_count != to->ka_probe_count || from->ka_timeout != to->ka_timeout ||
                       from->ka_interval != to->ka_interval;

    return (uint16_t)((alive ? TCP_FLAG_KEEP_ALIVE_RESTART : 0) |
                      (from->max_rt != to->max_rt ? TCP_FLAG_MAX_RT_RESTART : 0) |
                      (from->initial_rcv_wnd != to->initial_rcv_wnd ? TCP_FLAG_UPDATE_RCV_WND : 0));
}

void update_forget(struct host_lease *lease)
{
    struct flue_host *host = lease->socket->pair->host;
    struct host_change *change = lease->socket->traffic->change;

    if (change != NULL) {
        if (hook_linked(&change->hook)) {
            list_remove(&change->hook);
        }
        cached_put(host, change->wanted);
        pool_put(&host->changes_pool, change);
        lease->socket->traffic->change = NULL;
        socket_rest(lease->socket);
    }
}

static void set_told(struct host_lease *lease)
{
    const struct host_cached *told = lease->told;

    lease->told = cached_share(wanted_of(lease));
    cached_put(lease->socket->pair->host, told);
    update_forget(lease);
}

static void put_tcp(struct host_lease *lease, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    TCP_OFFLOAD_STATE_CACHED *cached = (void *)flue_state_first(block);
    struct flue_tcp_state state = {.tuple = host_tuple(lease->socket)};

    update_carry(lease, &state);
    state.cached_flags = (uint16_t)(state.cached_flags | commands(&lease->told->values, &wanted_of(lease)->values));
    ndis_state_put(&state, NULL, cached, NULL);
    set_told(lease);
}

/* ---- Telling */

static bool changed(const struct host_object *object)
{
    switch ((enum flue_layer)object->layer) {
    case FLUE_LAYER_NEIGHBOR: {
        const struct host_neighbour *neighbour = FLUE_CONTAINER_OF(object, struct host_neighbour, object);

        return memcmp(neighbour->mac, neighbour->told_mac, sizeof neighbour->mac) != 0;
    }
    case FLUE_LAYER_PATH: {
        const struct host_path *path = FLUE_CONTAINER_OF(object, struct host_path, object);

        return path->mtu_bytes != path->told_mtu_bytes;
    }
    case FLUE_LAYER_TCP: {
        const struct host_lease *lease = FLUE_CONTAINER_OF(object, struct host_lease, object);

        return lease->socket->traffic->change != NULL;
    }
    case FLUE_LAYER_NONE:
        break;
    }
    return false;
}

/* A block with the cached structure that says how things are from now on (D-07). */
static PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block_of(struct host_object *object)
{
    struct flue_host *host = object_binding(object)->host;
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = NULL;

    switch ((enum flue_layer)object->layer) {
    case FLUE_LAYER_NEIGHBOR: {
        struct host_neighbour *neighbour = FLUE_CONTAINER_OF(object, struct host_neighbour, object);

        block = tree_block(host, NeighborOffloadCachedState, &object->handle, object);
        if (block != NULL) {
            tree_put_neighbour_cached(neighbour, (void *)flue_state_first(block));
            memcpy(neighbour->told_mac, neighbour->mac, sizeof neighbour->told_mac);
        }
        break;
    }
    case FLUE_LAYER_PATH: {
        struct host_path *path = FLUE_CONTAINER_OF(object, struct host_path, object);

        block = tree_block(host, tree_path_type(path, Ip4OffloadCachedState), &object->handle, object);
        if (block != NULL) {
            PATH_OFFLOAD_STATE_CACHED *cached = (void *)flue_state_first(block);

            cached->Header.Length = sizeof *cached;
            cached->PathMtu = path->mtu_bytes;
            path->told_mtu_bytes = path->mtu_bytes;
        }
        break;
    }
    case FLUE_LAYER_TCP:
        block = tree_block(host, TcpOffloadCachedState, &object->handle, object);
        if (block != NULL) {
            put_tcp(FLUE_CONTAINER_OF(object, struct host_lease, object), block);
        }
        break;
    case FLUE_LAYER_NONE:
        break;
    }
    return block;
}

PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST update_block(struct host_object *object)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = block_of(object);

    if (block != NULL) {
        assert(object_may_update(object));
        object->updating = 1;
        object_binding(object)->host->totals.updates++;
        charge_initiate_tree(object_binding(object)->host, NULL, 0);
    }
    return block;
}

/* A connection that is about to come back takes its changes along in its own state. */
static bool due(const struct host_object *object)
{
    if (!object_may_update(object) || !changed(object) || !host_obeys(object_binding(object)->host, 92)) {
        return false;
    }
    return object->layer != FLUE_LAYER_TCP ||
           (FLUE_CONTAINER_OF(object, struct host_lease, object)->socket->flags & SOCKET_TAKE) == 0;
}

/* False: no memory.  If it is busy, its completion brings it here again. */
static bool start(struct flue_host *host, struct host_object *object)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

    if (!due(object)) {
        return true;
    }
    block = update_block(object);
    if (block == NULL) {
        object_dirty(object);
        host_retry(host);
        return false;
    }
    protocol_update(object_binding(object), block);
    return true;
}

void update_start(struct flue_host *host)
{
    struct flue_hook *hook;
    bool memory = true;

    while (memory && (hook = list_pop_front(&host->dirty)) != NULL) {
        memory = start(host, &FLUE_CONTAINER_OF(hook, struct host_stem, dirty)->object);
    }
    while (memory && (hook = list_pop_front(&host->changes)) != NULL) {
        memory = start(host, &socket_lease(FLUE_CONTAINER_OF(hook, struct host_change, hook)->socket)->object);
    }
}

/* ---- Its end */

void update_failed(struct host_object *object)
{
    struct flue_host *host = object_binding(object)->host;

    host->totals.failed++;
    if (object->layer == FLUE_LAYER_TCP) {
        upload_want(FLUE_CONTAINER_OF(object, struct host_lease, object)->socket, FLUE_MOVE_BROKEN);
        return;
    }
    object_doom(object);
    if (object->layer == FLUE_LAYER_PATH) {
        relink_want_back(FLUE_CONTAINER_OF(object, struct host_path, object));
        return;
    }
    FLUE_LIST_EACH(hook, &FLUE_CONTAINER_OF(object, struct host_neighbour, object)->paths)
    {
        struct host_path *path = FLUE_CONTAINER_OF(hook, struct host_path, below);

        if (object_may_query(&path->object)) {
            relink_want_back(path);
            object_doom(&path->object);
        }
    }
}

static void completed(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    struct host_object *object = block->ProtocolReserved[0];
    const bool done = block->Status == NDIS_STATUS_SUCCESS;

    assert(object->updating != 0);
    object->updating = 0;
    if (object->layer == FLUE_LAYER_PATH) {
        relink_complete(FLUE_CONTAINER_OF(object, struct host_path, object), done);
    }
    if (!done) {
        update_failed(object);
    }
    object_settled(object);
}

void update_ended(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    for (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = root; block != NULL; block = block->NextBlock) {
        for (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST path = block->DependentBlockList; path != NULL; path = path->NextBlock) {
            completed(path);
        }
        completed(block);
    }
    tree_free(host, root);
}

/* ---- What an application changes */

static uint32_t ticks(const struct flue_host *host, flue_ps time)
{
    const flue_ps whole = time == FLUE_PS_NEVER ? INT64_MAX : time / host->params.tcp.tick_ps;

    return whole > (flue_ps)UINT32_MAX ? FLUE_TICKS_NONE : (uint32_t)whole;
}

static flue_ps time_ps(const struct flue_host *host, uint32_t whole)
{
    return whole == FLUE_TICKS_NONE ? FLUE_PS_NEVER : (flue_ps)whole * host->params.tcp.tick_ps;
}

flue_err flue_host_socket_info(const struct flue_host_socket *socket, struct flue_tcp_info *out)
{
    if (socket_conn(socket) == NULL) {
        return FLUE_ESTATE;
    }
    flue_tcp_info(socket_conn(socket), out);
    return FLUE_OK;
}

flue_err flue_host_socket_settings(const struct flue_host_socket *socket, struct flue_tcp_settings *out)
{
    const struct host_values *wanted;

    if (socket_conn(socket) != NULL) {
        *out = *flue_tcp_settings(socket_conn(socket));
        return FLUE_OK;
    }
    if (socket_lease(socket) == NULL) {
        return FLUE_ESTATE;
    }
    wanted = &wanted_of(socket_lease(socket))->values;
    *out = flue_tcp_stack_settings(socket->pair->host->tcp);
    out->nagle = (wanted->cached_flags & TCP_FLAG_NAGLING_ENABLED) != 0;
    out->keep_alive = (wanted->cached_flags & TCP_FLAG_KEEP_ALIVE_ENABLED) != 0;
    out->keep_count = wanted->ka_probe_count;
    out->keep_idle_ps = time_ps(socket->pair->host, wanted->ka_timeout);
    out->keep_interval_ps = time_ps(socket->pair->host, wanted->ka_interval);
    out->user_timeout_ps = time_ps(socket->pair->host, wanted->max_rt);
    out->rcv_buffer_bytes = wanted->initial_rcv_wnd;
    out->rcv_indication_size = wanted->rcv_indication_size;
    out->flow_label = wanted->flow_label;
    out->ttl = wanted->ttl;
    out->tos = wanted->tos;
    out->user_priority = wanted->user_priority;
    return FLUE_OK;
}

/* The present change of a connection, or a new one. */
static struct host_change *change_of(struct flue_host_socket *socket)
{
    struct host_traffic *traffic = socket_traffic(socket);

    if (traffic != NULL && traffic->change == NULL) {
        struct host_change *change = pool_get(&socket->pair->host->changes_pool);

        if (change != NULL) {
            *change = (struct host_change){.socket = socket, .wanted = cached_share(socket_lease(socket)->told)};
        }
        traffic->change = change;
        socket_rest(socket);
    }
    return socket->traffic->change;
}

static flue_err want(struct flue_host_socket *socket, const struct flue_tcp_settings *settings)
{
    struct flue_host *host = socket->pair->host;
    struct host_lease *lease = socket_lease(socket);
    struct host_values values = wanted_of(lease)->values, *wanted = &values;
    const struct host_cached *cached;
    struct host_change *change;
    const unsigned flags = TCP_FLAG_NAGLING_ENABLED | TCP_FLAG_KEEP_ALIVE_ENABLED | COMMANDS;

    wanted->cached_flags =
        (uint16_t)((wanted->cached_flags & ~flags) | (settings->nagle != 0 ? TCP_FLAG_NAGLING_ENABLED : 0) |
                   (settings->keep_alive != 0 ? TCP_FLAG_KEEP_ALIVE_ENABLED : 0));
    wanted->ka_probe_count = settings->keep_count;
    wanted->ka_timeout = ticks(host, settings->keep_idle_ps);
    wanted->ka_interval = ticks(host, settings->keep_interval_ps);
    wanted->max_rt = ticks(host, settings->user_timeout_ps);
    wanted->initial_rcv_wnd = settings->rcv_buffer_bytes;
    wanted->rcv_indication_size = settings->rcv_indication_size;
    wanted->flow_label = settings->flow_label & FLUE_FLOW_LABEL_MASK;
    wanted->ttl = settings->ttl;
    wanted->tos = settings->tos;
    wanted->user_priority = settings->user_priority & 7;
    cached = cached_get(host, wanted);
    if (cached == NULL) {
        return FLUE_ENOMEM;
    }
    change = change_of(socket);
    if (change == NULL) {
        cached_put(host, cached);
        return FLUE_ENOMEM;
    }
    cached_put(host, change->wanted);
    change->wanted = cached;
    if (cached == lease->told) {
        update_forget(lease);
    }
    object_dirty(&lease->object);
    return FLUE_OK;
}

flue_err flue_host_socket_change(struct flue_host_socket *socket, const struct flue_tcp_settings *settings,
                                 flue_ps at_ps)
{
    flue_err err = FLUE_OK;

    if ((socket->flags & SOCKET_ENDED) != 0 || (socket_conn(socket) == NULL && socket_lease(socket) == NULL)) {
        return FLUE_ESTATE;
    }
    host_enter(socket->pair->host, at_ps);
    charge_call(socket->pair->host, &socket->account);
    if (socket_conn(socket) != NULL) {
        err = flue_tcp_change(socket_conn(socket), settings, host_now(socket->pair->host));
    } else {
        err = want(socket, settings);
    }
    host_leave(socket->pair->host);
    return err;
}
