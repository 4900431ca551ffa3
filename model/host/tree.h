/* SPDX-License-Identifier: GPL-2.0-only */
/* host/tree.h - blocks, and the initiate tree that is being built for an adapter: neighbours, under them paths, under
 * them connections; a layer that the target has already stands there as linker. */
#ifndef FLUE_HOST_TREE_H
#define FLUE_HOST_TREE_H

#include "base/prefetch.h"
#include "host/host.h"

/* A block for an object, zeroed but for its headers; NULL: no memory.  owner: what its completion finds. */
PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree_block(struct flue_host *host, unsigned type, PNDIS_OFFLOAD_HANDLE handle,
                                             void *owner);
/* The type for a path, of IPv4 or IPv6, after the one for IPv4. */
unsigned tree_path_type(const struct host_path *path, unsigned ip4_type);
void tree_put_neighbour_cached(const struct host_neighbour *neighbour, NEIGHBOR_OFFLOAD_STATE_CACHED *cached);
/* Whether a tree may name the path and its neighbour. */
bool tree_ready(const struct host_path *path);
/* Hangs a TCP block under the blocks of its path and of the neighbour, which are made when the tree has none yet. */
FLUE_CHECKED bool tree_add(struct host_path *path, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tcp);
/* A neighbour alone, new. */
FLUE_CHECKED bool tree_add_neighbour(struct host_neighbour *neighbour);
/* Ends the building: returns the root, NULL if nothing was added. */
PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree_finish(struct host_binding *binding);
void tree_free(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);

/* In a loop over completed blocks of connections: the next but one and its socket, and the lease of the next. */
static inline void tree_look_ahead(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, size_t block_bytes)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST next = block->NextBlock, second = next == NULL ? NULL : next->NextBlock;

    if (second != NULL) {
        prefetch(second->NextBlock, block_bytes);
        prefetch(second->ProtocolReserved[0], sizeof(struct flue_host_socket));
    }
    if (next != NULL) {
        prefetch(FLUE_CONTAINER_OF(next->OffloadHandle, struct host_lease, object.handle), sizeof(struct host_lease));
    }
}

/* In a loop over the sockets of flue_host.offers or .takes: the traffic of the one after the next but one, the socket
 * of the next but one, and what the next has behind it, its engine's connection or its lease. */
static inline void tree_look_ahead_moves(const struct flue_hook *head, const struct flue_hook *hook)
{
    const struct flue_hook *next = hook->next, *second = next == head ? head : next->next;

    if (second != head) {
        prefetch(FLUE_CONTAINER_OF(second->next, struct host_traffic, move), PREFETCH_LINE_BYTES);
        prefetch(FLUE_CONTAINER_OF(second, struct host_traffic, move)->socket, sizeof(struct flue_host_socket));
    }
    if (next != head) {
        const struct flue_host_socket *socket = FLUE_CONTAINER_OF(next, struct host_traffic, move)->socket;

        prefetch(socket->lease, sizeof(struct host_lease)); /* or the connection */
    }
}

#endif
