/* SPDX-License-Identifier: GPL-2.0-only */
/* host/tree.c - blocks, and initiate trees out of them: next hops as sibling roots, their paths, their connections.
 *
 * Blocks are laid out as D-08 says.  A path or neighbour whose offload is not finished must not be named by a second
 * tree (D-14): tree_ready() says when it may.  One that the target has already appears as a linker, without state
 * (CH-024).  A path whose next hop is just being changed by an update hangs under a placeholder: which neighbour is its
 * parent is not settled before that completes. */
#include "host/charge.h"
#include "host/neighbour.h"
#include "host/object.h"
#include "host/tree.h"

#include <assert.h>
#include <string.h>

/* Every block comes from one pool, big enough for the biggest kind. */
struct terminate_object_block {
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
    NEIGHBOR_OFFLOAD_STATE_DELEGATED delegated;
};
_Static_assert(sizeof(FLUE_NEIGHBOR_BLOCK) <= sizeof(FLUE_TCP_BLOCK), "a neighbour block does not fit the pool");
_Static_assert(sizeof(FLUE_PATH_BLOCK) <= sizeof(FLUE_TCP_BLOCK), "a path block does not fit the pool");
_Static_assert(sizeof(FLUE_TCP_TERMINATE_BLOCK) <= sizeof(FLUE_TCP_BLOCK), "a terminate block does not fit the pool");
_Static_assert(sizeof(struct terminate_object_block) <= sizeof(FLUE_TCP_BLOCK),
               "an object block does not fit the pool");

bool tree_ready(const struct host_path *path)
{
    const struct host_neighbour *neighbour = path->neighbour;

    return object_nameable(&path->object) &&
           (path->object.state == OBJECT_HELD
                ? path->object.updating != 0 || neighbour->object.state == OBJECT_HELD
                : path->wanted == neighbour && object_nameable(&neighbour->object) && neighbour_usable(neighbour));
}

/* ---- Blocks */

static UCHAR revision_of(const struct flue_host *host, unsigned type)
{
    return (type == TcpOffloadState || type == TcpOffloadDelegatedState) &&
                   host->params.ddi.ndis_version != FLUE_NDIS_6_0
               ? FLUE_TCP_DELEGATED_REVISION_2
               : FLUE_OFFLOAD_BLOCK_REVISION_1;
}

PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree_block(struct flue_host *host, unsigned type, PNDIS_OFFLOAD_HANDLE handle,
                                             void *owner)
{
    FLUE_TCP_BLOCK *block = pool_get(&host->blocks);

    if (block == NULL) {
        return NULL;
    }
    *block = (FLUE_TCP_BLOCK){.Block = {.Header = {.Type = (UCHAR)type,
                                                   .Revision = revision_of(host, type),
                                                   .Size = sizeof(NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST)},
                                        .OffloadHandle = handle,
                                        .ProtocolReserved = {owner, NULL}}};
    return &block->Block;
}

/* The type of a path's block, told as the one of IPv4. */
unsigned tree_path_type(const struct host_path *path, unsigned ip4_type)
{
    return flue_ip_is_v4(&path->remote_ip) ? ip4_type : ip4_type + (Ip6OffloadState - Ip4OffloadState);
}

void tree_put_neighbour_cached(const struct host_neighbour *neighbour, NEIGHBOR_OFFLOAD_STATE_CACHED *cached)
{
    cached->Header.Length = sizeof *cached;
    cached->HostReachabilityDelta = neighbour_reachability_delta(neighbour);
    memcpy(cached->DlDestinationAddress, neighbour->mac, sizeof neighbour->mac);
}

static void put_neighbour(struct host_neighbour *neighbour, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    FLUE_NEIGHBOR_BLOCK *out = (FLUE_NEIGHBOR_BLOCK *)(void *)block;

    out->Const.Header.Length = sizeof out->Const;
    out->Const.VlanId = neighbour->stem.binding->vlan & 0xfffu;
    if (neighbour->stem.binding->has_source != 0) {
        memcpy(out->Const.DlSourceAddress, neighbour->stem.binding->source_mac,
               sizeof neighbour->stem.binding->source_mac);
    }
    tree_put_neighbour_cached(neighbour, &out->Cached);
    memcpy(neighbour->told_mac, neighbour->mac, sizeof neighbour->told_mac);
    out->Delegated.Header.Length = sizeof out->Delegated;
    out->Delegated.NicReachabilityDelta = out->Cached.HostReachabilityDelta;
}

static void put_path(struct host_path *path, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    FLUE_PATH_BLOCK *out = (FLUE_PATH_BLOCK *)(void *)block;

    out->Const.Header.Length = sizeof out->Const;
    out->Const.SourceAddress = path->source;
    out->Const.DestinationAddress = path->destination;
    out->Cached.Header.Length = sizeof out->Cached;
    out->Cached.PathMtu = path->mtu_bytes;
    path->told_mtu_bytes = path->mtu_bytes;
    out->Delegated.Header.Length = sizeof out->Delegated;
}

static void append(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST *first, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST *last,
                   PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    if (*last == NULL) {
        *first = block;
    } else {
        (*last)->NextBlock = block;
    }
    *last = block;
}

/* ---- Building */

bool tree_add_neighbour(struct host_neighbour *neighbour)
{
    struct host_binding *binding = neighbour->stem.binding;
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

    if (neighbour->stem.block != NULL) {
        return true;
    }
    block = tree_block(binding->host, NeighborOffloadState, &neighbour->object.handle, neighbour);
    if (block == NULL) {
        return false;
    }
    if (neighbour->object.state == OBJECT_HERE) {
        put_neighbour(neighbour, block);
    }
    neighbour->stem.block = block;
    append(&binding->root, &binding->last, block);
    return true;
}

static bool add_placeholder(struct host_binding *binding)
{
    if (binding->placeholder == NULL) {
        binding->placeholder = tree_block(binding->host, NeighborOffloadState, NULL, NULL);
        if (binding->placeholder == NULL) {
            return false;
        }
        append(&binding->root, &binding->last, binding->placeholder);
    }
    return true;
}

static bool add_path(struct host_path *path)
{
    struct host_binding *binding = path->stem.binding;
    struct host_stem *parent = path->object.updating != 0 ? NULL : &path->neighbour->stem;
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

    if (path->stem.block != NULL) {
        return true;
    }
    if (parent != NULL ? !tree_add_neighbour(path->neighbour) : !add_placeholder(binding)) {
        return false;
    }
    block = tree_block(binding->host, tree_path_type(path, Ip4OffloadState), &path->object.handle, path);
    if (block == NULL) {
        return false;
    }
    if (path->object.state == OBJECT_HERE) {
        put_path(path, block);
    }
    path->stem.block = block;
    if (parent != NULL) {
        append(&parent->block->DependentBlockList, &parent->last, block);
    } else {
        append(&binding->placeholder->DependentBlockList, &binding->placeholder_last, block);
    }
    return true;
}

bool tree_add(struct host_path *path, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tcp)
{
    if (!add_path(path)) {
        return false;
    }
    append(&path->stem.block->DependentBlockList, &path->stem.last, tcp);
    path->stem.dependents++;
    return true;
}

/* The object's block is complete: if it is new, its offload has begun now. */
static void close_object(struct host_stem *stem, struct host_stem *parent)
{
    stem->block = NULL;
    stem->last = NULL;
    if (stem->object.state == OBJECT_HERE) {
        object_enter(&stem->object, OBJECT_OFFERED);
        if (parent != NULL) {
            parent->dependents++;
        }
    }
}

/* Ends one next hop's part; false if nothing is new in it, and it goes. */
static bool close_root(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    struct host_neighbour *neighbour = root->ProtocolReserved[0];
    struct host_stem *stem = neighbour == NULL ? NULL : &neighbour->stem;
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST *link = &root->DependentBlockList;

    while (*link != NULL) {
        PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = *link;
        struct host_path *path = block->ProtocolReserved[0];

        if (block->DependentBlockList == NULL) {
            *link = block->NextBlock; /* memory ran out before its first connection came */
            path->stem.block = NULL;
            pool_put(&host->blocks, block);
            continue;
        }
        charge_initiate_tree(host, NULL, 0);
        close_object(&path->stem, stem);
        link = &block->NextBlock;
    }
    if (root->DependentBlockList == NULL &&
        (stem == NULL || stem->object.state != OBJECT_HERE || stem->gathered == 0)) {
        if (stem != NULL) {
            stem->block = NULL;
            stem->last = NULL;
        }
        return false;
    }
    charge_initiate_tree(host, NULL, 0);
    if (stem != NULL) {
        stem->gathered = 0;
        stem->dependents++; /* the tree: the object stays until the initiate that names it has completed (CH-114) */
        close_object(stem, NULL);
    }
    return true;
}

PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree_finish(struct host_binding *binding)
{
    struct flue_host *host = binding->host;
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST *link = &binding->root, root;

    while (*link != NULL) {
        PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = *link;

        if (close_root(host, block)) {
            link = &block->NextBlock;
        } else {
            *link = block->NextBlock;
            pool_put(&host->blocks, block);
        }
    }
    root = binding->root;
    binding->root = binding->last = binding->placeholder = binding->placeholder_last = NULL;
    if (root != NULL) {
        charge_initiate_tree(host, NULL, 0); /* the tree */
    }
    return root;
}

void tree_free(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    while (root != NULL) {
        PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST next = root->NextBlock;

        tree_free(host, root->DependentBlockList);
        pool_put(&host->blocks, root);
        root = next;
    }
}
