/* SPDX-License-Identifier: GPL-2.0-only */
/* host/tree.c - blocks, and initiate trees out of them: one neighbour, its paths, their connections.
 *
 * Blocks are laid out as D-08 says.  A path or neighbour whose offload is not finished must not be named by a second
 * tree (D-14): tree_ready() says when it may.  One that the target has already appears as a linker, without state
 * (CH-024). */
#include "host/charge.h"

#include <assert.h>

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

/* ---- Objects */

static bool same_remote(const void *item, const void *key)
{
    return flue_ip_equal(&((const struct host_path *)item)->remote_ip, key);
}

static void put_address(UCHAR bytes[4], uint32_t ip)
{
    bytes[0] = (UCHAR)(ip >> 24);
    bytes[1] = (UCHAR)(ip >> 16);
    bytes[2] = (UCHAR)(ip >> 8);
    bytes[3] = (UCHAR)ip;
}

struct host_path *tree_path(struct flue_host *host, const struct flue_ip *local_ip, const struct flue_ip *remote_ip)
{
    uint32_t hash = hash_u64(hash_ip(remote_ip->word));
    struct host_path *path = hash_table_find(&host->by_remote_ip, hash, same_remote, remote_ip);

    if (path != NULL) {
        return path;
    }
    path = pool_get(&host->paths);
    if (path == NULL) {
        return NULL;
    }
    *path = (struct host_path){.remote_ip = *remote_ip};
    put_address(path->source, local_ip->word[3]);
    put_address(path->destination, remote_ip->word[3]);
    if (hash_table_insert(&host->by_remote_ip, hash, path) != FLUE_OK) {
        pool_put(&host->paths, path);
        return NULL;
    }
    list_push_back(&host->path_list, &path->hook);
    return path;
}

#define EDGE(to) (1u << OBJECT_##to)

static const uint8_t edges[] = {
    [OBJECT_HERE] = EDGE(OFFERED),
    [OBJECT_OFFERED] = EDGE(HELD) | EDGE(HERE),
    [OBJECT_HELD] = EDGE(GIVING_BACK),
    [OBJECT_GIVING_BACK] = EDGE(HERE),
};

void object_enter(struct host_object *object, enum host_object_state to)
{
    assert((edges[object->state] >> to & 1u) != 0);
    object->state = to;
}

static bool nameable(const struct host_object *object)
{
    return object->state == OBJECT_HERE || object->state == OBJECT_HELD;
}

bool tree_ready(const struct flue_host *host, const struct host_path *path)
{
    return nameable(&host->neighbour) && (path == NULL || nameable(&path->object));
}

/* ---- Blocks */

static UCHAR revision_of(unsigned type)
{
    return type == TcpOffloadState || type == TcpOffloadDelegatedState ? FLUE_TCP_DELEGATED_REVISION_2
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
                                                   .Revision = revision_of(type),
                                                   .Size = sizeof(NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST)},
                                        .OffloadHandle = handle,
                                        .ProtocolReserved = {owner, NULL}}};
    return &block->Block;
}

static void put_neighbour(const struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    FLUE_NEIGHBOR_BLOCK *neighbour = (FLUE_NEIGHBOR_BLOCK *)(void *)block;

    neighbour->Const.Header.Length = sizeof neighbour->Const;
    neighbour->Cached.Header.Length = sizeof neighbour->Cached;
    neighbour->Delegated.Header.Length = sizeof neighbour->Delegated;
    for (unsigned i = 0; i < sizeof host->neighbour_mac; i++) {
        neighbour->Cached.DlDestinationAddress[i] = host->neighbour_mac[i];
    }
}

static void put_path(const struct flue_host *host, const struct host_path *path,
                     PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    FLUE_PATH_BLOCK *out = (FLUE_PATH_BLOCK *)(void *)block;

    out->Const.Header.Length = sizeof out->Const;
    out->Const.SourceAddress = path->source;
    out->Const.DestinationAddress = path->destination;
    out->Cached.Header.Length = sizeof out->Cached;
    out->Cached.PathMtu = host->neighbour_mtu_bytes;
    out->Delegated.Header.Length = sizeof out->Delegated;
}

static void hang(struct host_object *parent, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    if (parent->last == NULL) {
        parent->block->DependentBlockList = block;
    } else {
        parent->last->NextBlock = block;
    }
    parent->last = block;
}

/* ---- Building */

static bool add_neighbour(struct flue_host *host)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

    if (host->neighbour.block != NULL) {
        return true;
    }
    block = tree_block(host, NeighborOffloadState, &host->neighbour.handle, host);
    if (block == NULL) {
        return false;
    }
    if (host->neighbour.state == OBJECT_HERE) {
        put_neighbour(host, block);
    }
    host->neighbour.block = block;
    return true;
}

static bool add_path(struct flue_host *host, struct host_path *path)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

    if (path->object.block != NULL) {
        return true;
    }
    if (!add_neighbour(host)) {
        return false;
    }
    block = tree_block(host, Ip4OffloadState, &path->object.handle, path);
    if (block == NULL) {
        return false;
    }
    if (path->object.state == OBJECT_HERE) {
        put_path(host, path, block);
    }
    path->object.block = block;
    hang(&host->neighbour, block);
    return true;
}

bool tree_add(struct flue_host *host, struct host_path *path, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tcp)
{
    if (!add_path(host, path)) {
        return false;
    }
    hang(&path->object, tcp);
    path->object.dependents++;
    return true;
}

/* The object's block is complete: if it is new, its offload has begun now. */
static void close_object(struct host_object *object, struct host_object *parent)
{
    object->block = NULL;
    object->last = NULL;
    if (object->state == OBJECT_HERE) {
        object_enter(object, OBJECT_OFFERED);
        if (parent != NULL) {
            parent->dependents++;
        }
    }
}

PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree_finish(struct flue_host *host)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root = host->neighbour.block;

    if (root == NULL) {
        return NULL;
    }
    if (root->DependentBlockList == NULL) {
        host->neighbour.block = NULL;
        pool_put(&host->blocks, root);
        return NULL;
    }
    charge_initiate_tree(host, NULL, 0); /* the tree */
    charge_initiate_tree(host, NULL, 0); /* its neighbour block */
    for (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = root->DependentBlockList; block != NULL; block = block->NextBlock) {
        charge_initiate_tree(host, NULL, 0);
        close_object(&((struct host_path *)block->ProtocolReserved[0])->object, &host->neighbour);
    }
    close_object(&host->neighbour, NULL);
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
