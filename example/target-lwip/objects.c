/* SPDX-License-Identifier: GPL-2.0-only */
/* objects.c - state operations: trees of neighbours, paths and connections (behaviour 3, 7 to 11). */
#include <stdlib.h>
#include <string.h>

#include "lwip_target.h"

static unsigned hash(uint32_t local_ip, uint32_t remote_ip, unsigned local_port, unsigned remote_port)
{
    const uint32_t mixed = (local_ip * 31u ^ remote_ip) * 0x9E3779B1u ^ (local_port << 16 | remote_port) * 0x85EBCA6Bu;

    return mixed >> 22 & (BUCKETS - 1u);
}

static unsigned port_of(USHORT network_order)
{
    const uint8_t *bytes = (const uint8_t *)&network_order;

    return (unsigned)bytes[0] << 8 | bytes[1];
}

static unsigned hash_of(const struct conn *conn)
{
    return hash(conn->path->local_ip, conn->path->remote_ip, port_of(conn->constant.LocalPort),
                port_of(conn->constant.RemotePort));
}

struct conn *conn_find(struct adapter *adapter, const struct flue_frame *frame)
{
    struct conn *conn =
        adapter->buckets[hash(frame->dst_ip.word[3], frame->src_ip.word[3], frame->dst_port, frame->src_port)];

    while (conn != NULL &&
           (conn->path->local_ip != frame->dst_ip.word[3] || conn->path->remote_ip != frame->src_ip.word[3] ||
            port_of(conn->constant.LocalPort) != frame->dst_port ||
            port_of(conn->constant.RemotePort) != frame->src_port)) {
        conn = conn->bucket;
    }
    return conn;
}

static void conn_unhash(struct conn *conn)
{
    struct conn **at = &conn->adapter->buckets[hash_of(conn)];

    while (*at != conn) {
        at = &(*at)->bucket;
    }
    *at = conn->bucket;
}

/* Its last indicated list may come back later than this: the later of the two frees it. */
void conn_free(struct conn *conn)
{
    if (conn->lent == 0) {
        conn->adapter->conns--;
        free(conn);
    }
}

void conn_work(struct conn *conn)
{
    if (!conn->listed && conn->state != CONN_INSTALLED && conn->state != CONN_TERMINATING) {
        conn->listed = true;
        conn->work = conn->adapter->work;
        conn->adapter->work = conn;
        adapter_later(conn->adapter);
    }
}

static void conn_unlist(struct conn *conn)
{
    struct conn **at = &conn->adapter->work;

    while (conn->listed && *at != conn) {
        at = &(*at)->work;
    }
    if (conn->listed) {
        *at = conn->work;
        conn->listed = false;
    }
}

/* ---- Initiate ---- */

static uint32_t address(const UCHAR *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static NDIS_STATUS take_neighbour(struct adapter *adapter, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block)
{
    static const UCHAR none[32];
    const NEIGHBOR_OFFLOAD_STATE_CONST *constant = (const void *)flue_state_first(block);
    const NEIGHBOR_OFFLOAD_STATE_CACHED *cached = (const void *)flue_state_next(flue_state_first(block));
    struct neighbour *neighbour;

    if (memcmp(constant->DlSourceAddress, none, sizeof none) != 0) {
        return NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES;
    }
    if (constant->VlanId != 0) {
        return NDIS_STATUS_OFFLOAD_VLAN_ENTRIES;
    }
    neighbour = calloc(1, sizeof *neighbour);
    if (neighbour == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    memcpy(neighbour->mac, cached->DlDestinationAddress, sizeof neighbour->mac);
    neighbour->handle = block->NdisOffloadHandle;
    adapter->neighbours++;
    *block->MiniportOffloadContext = neighbour;
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS take_path(struct adapter *adapter, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block,
                             struct neighbour *neighbour)
{
    const PATH_OFFLOAD_STATE_CONST *constant = (const void *)flue_state_first(block);
    const PATH_OFFLOAD_STATE_CACHED *cached = (const void *)flue_state_next(flue_state_first(block));
    struct path *path;

    if (neighbour == NULL || block->Header.Type != Ip4OffloadState) {
        return NDIS_STATUS_FAILURE;
    }
    path = calloc(1, sizeof *path);
    if (path == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    *path = (struct path){.neighbour = neighbour,
                          .local_ip = address(constant->SourceAddress),
                          .remote_ip = address(constant->DestinationAddress),
                          .mtu_bytes = cached->PathMtu};
    memcpy(path->source, constant->SourceAddress, 4);
    memcpy(path->destination, constant->DestinationAddress, 4);
    neighbour->dependents++;
    adapter->paths++;
    *block->MiniportOffloadContext = path;
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS take_conn(struct adapter *adapter, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, struct path *path)
{
    OFFLOAD_STATE_HEADER *state = flue_state_first(block);
    struct conn *conn = path != NULL ? calloc(1, sizeof *conn) : NULL;
    NDIS_STATUS status;

    if (conn == NULL) {
        return path == NULL ? NDIS_STATUS_FAILURE : NDIS_STATUS_RESOURCES;
    }
    if (adapter->conns >= adapter->world.tcp_max) {
        free(conn);
        return NDIS_STATUS_OFFLOAD_TCP_ENTRIES;
    }
    conn->adapter = adapter;
    conn->path = path;
    conn->handle = block->NdisOffloadHandle;
    conn->push_at_ps = FLUE_PS_NEVER;
    conn->state = CONN_INSTALLED;
    memcpy(&conn->constant, state, sizeof conn->constant);
    state = flue_state_next(state);
    memcpy(&conn->cached, state, sizeof conn->cached);
    conn->bucket = adapter->buckets[hash_of(conn)];
    adapter->buckets[hash_of(conn)] = conn;
    adapter->conns++;
    status = state_import(conn, (const void *)flue_state_next(state), block->NetBufferListChain);
    if (status != NDIS_STATUS_SUCCESS) {
        conn_unhash(conn);
        conn_free(conn);
        return status;
    }
    path->dependents++;
    *block->MiniportOffloadContext = conn;
    return NDIS_STATUS_SUCCESS;
}

struct counts {
    unsigned taken, failed;
};

struct walk {
    struct adapter *adapter;
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root;
    bool stopped;
};

static void refuse_all(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block)
{
    for (; block != NULL; block = block->NextBlock) {
        block->Status = block->MiniportOffloadContext == NULL ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
        refuse_all(block->DependentBlockList);
    }
}

/* A block, its dependents, its next sibling (behaviour 3.5). */
static struct counts take(struct walk *walk, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, void *parent)
{
    struct counts counts = {0, 0};

    for (; block != NULL; block = block->NextBlock) {
        const bool placeholder = block->MiniportOffloadContext == NULL;
        const bool linker = !placeholder && *block->MiniportOffloadContext != NULL;
        NDIS_STATUS status = NDIS_STATUS_SUCCESS;
        struct counts below;

        if (walk->stopped) {
            refuse_all(block);
            break;
        }
        if (!placeholder && !linker) {
            switch (flue_state_layer(block->Header.Type)) {
            case FLUE_LAYER_NEIGHBOR:
                status = take_neighbour(walk->adapter, block);
                break;
            case FLUE_LAYER_PATH:
                status = take_path(walk->adapter, block, parent);
                break;
            case FLUE_LAYER_TCP:
                status = take_conn(walk->adapter, block, parent);
                break;
            case FLUE_LAYER_NONE:
                status = NDIS_STATUS_FAILURE;
                break;
            }
        }
        block->Status = status;
        if (status != NDIS_STATUS_SUCCESS) {
            refuse_all(block->DependentBlockList);
            walk->stopped = block == walk->root;
            counts.failed++;
            continue;
        }
        below = take(walk, block->DependentBlockList, placeholder ? NULL : *block->MiniportOffloadContext);
        if (below.failed > 0 && !placeholder) {
            block->Status = linker && below.taken == 0 ? NDIS_STATUS_FAILURE : NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
        }
        if (block->Status == NDIS_STATUS_FAILURE) {
            counts.failed++;
        } else {
            counts.taken++;
        }
    }
    return counts;
}

/* ---- The others ---- */

/* What the layers have in common: an object, a visitor, the order top down or bottom up. */
static void terminate_layer(struct adapter *adapter, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, enum flue_layer layer)
{
    for (; block != NULL; block = block->NextBlock) {
        terminate_layer(adapter, block->DependentBlockList, layer);
        if (block->MiniportOffloadContext == NULL) {
            block->Status = NDIS_STATUS_SUCCESS;
            continue;
        }
        if (flue_state_layer(block->Header.Type) != layer) {
            continue;
        }
        block->Status = NDIS_STATUS_SUCCESS;
        if (layer == FLUE_LAYER_TCP) {
            struct conn *conn = *block->MiniportOffloadContext;
            TCP_OFFLOAD_STATE_DELEGATED *out = (void *)flue_state_first(block);
            TCP_OFFLOAD_STATE_DELEGATED unused = {.Header = {.Length = sizeof unused}};

            block->NetBufferListChain = NULL;
            state_export(conn, block->Header.Type == TcpOffloadDelegatedState ? out : &unused);
            data_stop(conn, conn->state == CONN_ABORTED ? NDIS_STATUS_REQUEST_ABORTED : NDIS_STATUS_UPLOAD_IN_PROGRESS,
                      conn->state != CONN_ABORTED);
            block->NetBufferListChain = conn->send_first;
            if (block->Header.Type == TcpOffloadDelegatedState) {
                out->SendDataHead = conn->send_first;
                out->SendDataTail = conn->send_first != NULL ? conn->send_last : NULL;
                out->BufferedData = data_buffered(conn);
            }
            conn->state = CONN_TERMINATING;
            conn->path->dependents--;
        } else if (layer == FLUE_LAYER_PATH) {
            struct path *path = *block->MiniportOffloadContext;

            if (path->dependents > 0) {
                block->Status = NDIS_STATUS_FAILURE;
                continue;
            }
            path->neighbour->dependents--;
        } else if (((struct neighbour *)*block->MiniportOffloadContext)->dependents > 0) {
            block->Status = NDIS_STATUS_FAILURE;
        } else if (block->Header.Type == NeighborOffloadDelegatedState) {
            ((NEIGHBOR_OFFLOAD_STATE_DELEGATED *)(void *)flue_state_first(block))->NicReachabilityDelta = 0;
        }
    }
}

static void query(struct conn *conn, OFFLOAD_STATE_HEADER *state, unsigned class_)
{
    TCP_OFFLOAD_STATE_DELEGATED delegated = {.Header = {.Length = sizeof delegated}};

    if (class_ == 1 || class_ == 4) {
        memcpy(state, &conn->constant, sizeof conn->constant);
        state = flue_state_next(state);
    }
    if (class_ == 2 || class_ == 4) {
        memcpy(state, &conn->cached, sizeof conn->cached);
        state = flue_state_next(state);
    }
    if (class_ >= 3) {
        const ULONG length = state->Length;

        state_export(conn, &delegated);
        delegated.SendDataTail = NULL;
        delegated.SendBacklogSize = FLUE_BACKLOG_NONE;
        delegated.BufferedData = NULL;
        delegated.ReceiveBacklogSize = FLUE_BACKLOG_NONE;
        memcpy(state, &delegated, length < sizeof delegated ? length : sizeof delegated);
        state->Length = length;
    }
}

static void query_below(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block)
{
    for (; block != NULL; block = block->NextBlock) {
        query_below(block->DependentBlockList);
        block->Status = NDIS_STATUS_SUCCESS;
        if (block->MiniportOffloadContext != NULL) {
            if (flue_state_layer(block->Header.Type) == FLUE_LAYER_TCP) {
                query(*block->MiniportOffloadContext, flue_state_first(block), flue_state_class(block->Header.Type));
            } else {
                block->Status = NDIS_STATUS_FAILURE; /* this target keeps no clocks of neighbours */
            }
        }
    }
}

/* Updates and invalidations take effect inside the call (D-18, D-24). */
static void update(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, struct neighbour *parent)
{
    for (; block != NULL; block = block->NextBlock) {
        const OFFLOAD_STATE_HEADER *state = flue_state_first(block);
        void *object = block->MiniportOffloadContext != NULL ? *block->MiniportOffloadContext : NULL;
        struct neighbour *next = NULL;

        block->Status = NDIS_STATUS_SUCCESS;
        switch (object != NULL ? flue_state_layer(block->Header.Type) : FLUE_LAYER_NONE) {
        case FLUE_LAYER_NEIGHBOR:
            next = object;
            memcpy(next->mac, ((const NEIGHBOR_OFFLOAD_STATE_CACHED *)(const void *)state)->DlDestinationAddress, 6);
            break;
        case FLUE_LAYER_PATH: {
            struct path *path = object;

            path->mtu_bytes = ((const PATH_OFFLOAD_STATE_CACHED *)(const void *)state)->PathMtu;
            if (parent != NULL && parent != path->neighbour) {
                path->neighbour->dependents--;
                path->neighbour = parent;
                parent->dependents++;
            }
            break;
        }
        case FLUE_LAYER_TCP:
            memcpy(&((struct conn *)object)->cached, state, sizeof(TCP_OFFLOAD_STATE_CACHED));
            state_apply(object);
            break;
        case FLUE_LAYER_NONE:
            break;
        }
        update(block->DependentBlockList, next);
    }
}

static void invalidate(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block)
{
    for (; block != NULL; block = block->NextBlock) {
        void *object = block->MiniportOffloadContext != NULL ? *block->MiniportOffloadContext : NULL;

        block->Status = NDIS_STATUS_SUCCESS;
        switch (object != NULL ? flue_state_layer(block->Header.Type) : FLUE_LAYER_NONE) {
        case FLUE_LAYER_NEIGHBOR:
            ((struct neighbour *)object)->invalid = true;
            break;
        case FLUE_LAYER_PATH:
            ((struct path *)object)->invalid = true;
            break;
        case FLUE_LAYER_TCP:
            ((struct conn *)object)->invalid = true;
            break;
        case FLUE_LAYER_NONE:
            break;
        }
        invalidate(block->DependentBlockList);
    }
}

void objects_now(enum operation operation, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    if (operation == UPDATE) {
        update(tree, NULL);
    } else if (operation == INVALIDATE) {
        invalidate(tree);
    }
}

/* ---- Completion ---- */

/* Objects of a tree, kept across the call after which the tree is the host's. */
struct objects {
    struct conn *conns;
    struct path *paths;
    struct neighbour *neighbours;
};

static void collect(struct objects *objects, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, bool terminating)
{
    for (; block != NULL; block = block->NextBlock) {
        void *object = block->MiniportOffloadContext != NULL ? *block->MiniportOffloadContext : NULL;
        const bool done = block->Status == NDIS_STATUS_SUCCESS && object != NULL;

        switch (done ? flue_state_layer(block->Header.Type) : FLUE_LAYER_NONE) {
        case FLUE_LAYER_TCP: {
            struct conn *conn = object;

            if (terminating || conn->state == CONN_INSTALLED) {
                conn_unlist(conn);
                conn->work = objects->conns;
                objects->conns = conn;
            }
            break;
        }
        case FLUE_LAYER_PATH:
            if (terminating) {
                ((struct path *)object)->next = objects->paths;
                objects->paths = object;
            }
            break;
        case FLUE_LAYER_NEIGHBOR:
            if (terminating) {
                ((struct neighbour *)object)->next = objects->neighbours;
                objects->neighbours = object;
            }
            break;
        case FLUE_LAYER_NONE:
            break;
        }
        collect(objects, block->DependentBlockList, terminating);
    }
}

static void initiate(struct adapter *adapter, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    struct walk walk = {.adapter = adapter, .root = tree};
    struct objects objects = {0};

    (void)take(&walk, tree, NULL);
    collect(&objects, tree, false);
    NdisMInitiateOffloadComplete(adapter->miniport, tree);
    for (struct conn *conn = objects.conns, *next; conn != NULL; conn = next) {
        next = conn->work;
        if (conn->state == CONN_INSTALLED) {
            conn->state = CONN_LIVE;
        }
        conn_work(conn); /* what waited for the return of the call (D-15) */
    }
}

static void terminate(struct adapter *adapter, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    struct objects objects = {0};

    for (int layer = FLUE_LAYER_TCP; layer >= FLUE_LAYER_NEIGHBOR; layer--) {
        terminate_layer(adapter, tree, (enum flue_layer)layer);
    }
    collect(&objects, tree, true);
    for (struct conn *conn = objects.conns; conn != NULL; conn = conn->work) {
        upward_complete(
            conn); /* posts, disconnect, forwards, and sends that are not in the chain: first (CH-118 to 121) */
    }
    NdisMTerminateOffloadComplete(adapter->miniport, tree);
    for (struct conn *conn = objects.conns, *next; conn != NULL; conn = next) {
        next = conn->work;
        conn_unhash(conn);
        state_release(conn);
        conn_free(conn);
    }
    for (struct path *path = objects.paths, *next; path != NULL; path = next) {
        next = path->next;
        adapter->paths--;
        free(path);
    }
    for (struct neighbour *neighbour = objects.neighbours, *next; neighbour != NULL; neighbour = next) {
        next = neighbour->next;
        adapter->neighbours--;
        free(neighbour);
    }
}

static void accept_all(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block)
{
    for (; block != NULL; block = block->NextBlock) {
        block->Status = NDIS_STATUS_SUCCESS;
        accept_all(block->DependentBlockList);
    }
}

void objects_complete(struct adapter *adapter, enum operation operation, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    switch (operation) {
    case INITIATE:
        initiate(adapter, tree);
        break;
    case TERMINATE:
        terminate(adapter, tree);
        break;
    case UPDATE:
        accept_all(tree);
        NdisMUpdateOffloadComplete(adapter->miniport, tree);
        break;
    case INVALIDATE:
        accept_all(tree);
        NdisMInvalidateOffloadComplete(adapter->miniport, tree);
        break;
    case QUERY:
        query_below(tree);
        NdisMQueryOffloadStateComplete(adapter->miniport, tree);
        break;
    case OPERATIONS:
        break;
    }
}
