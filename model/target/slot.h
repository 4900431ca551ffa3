/* SPDX-License-Identifier: GPL-2.0-only */
/* target/slot.h - what the adapter writes into the slot of an object that it took, and reads back from the blocks that
 * name it.
 *
 * Objects start at multiples of 16 (base/pool.h), so a slot can tell the layer of its object: it is as many bytes into
 * the object.  For connections this is 0, so that data requests bring the object itself.  A block whose Type is of
 * another layer than the object in its slot (CH-025, CH-086) names nothing: whoever reads it answers with FAILURE. */
#ifndef FLUE_TARGET_SLOT_H
#define FLUE_TARGET_SLOT_H

#include "base/prefetch.h"
#include "target/entries.h"
#include "target/objects.h"

enum slot_layer { SLOT_TCP, SLOT_NEIGHBOUR, SLOT_PATH };

enum { SLOT_LOOK_AHEAD = 3 }; /* items of a ring, see slot_look_ahead_tree() */

static inline PVOID slot_of(PVOID object, enum slot_layer layer)
{
    return (UCHAR *)object + layer;
}

/* NULL: a placeholder, a new object, or one of another layer. */
static inline void *slot_object(const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block, enum flue_layer layer,
                                enum slot_layer wanted)
{
    PVOID slot = block->MiniportOffloadContext == NULL ? NULL : *block->MiniportOffloadContext;

    if (slot == NULL || flue_state_layer(block->Header.Type) != layer || (uintptr_t)slot % 16 != (uintptr_t)wanted) {
        return NULL;
    }
    return (UCHAR *)slot - wanted;
}

/* In a loop over blocks: the next but one and its slot, and the object in the slot of the next. */
static inline void slot_look_ahead(const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block, size_t block_bytes)
{
    const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *next = block->NextBlock, *second = next == NULL ? NULL : next->NextBlock;

    if (second != NULL) {
        prefetch(second->NextBlock, block_bytes);
        prefetch(second->MiniportOffloadContext, sizeof(PVOID));
    }
    if (next != NULL && next->MiniportOffloadContext != NULL) {
        prefetch(*next->MiniportOffloadContext, sizeof(struct target_context));
    }
}

/* The same over trees of few blocks that wait in a ring, and are dealt with `ahead` items from now: 3 the root, 2 what
 * it points at, 1 what that points at. */
static inline void slot_look_ahead_tree(const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *root, uint32_t ahead)
{
    const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *below;

    if (ahead == 3) {
        prefetch(root, sizeof(FLUE_TCP_TERMINATE_BLOCK));
        return;
    }
    below = root->DependentBlockList;
    if (ahead == 2) {
        prefetch(root->MiniportOffloadContext, sizeof(PVOID));
        prefetch(below, sizeof *below);
        return;
    }
    if (root->MiniportOffloadContext != NULL) {
        prefetch(*root->MiniportOffloadContext, sizeof(struct target_context));
    }
    if (below != NULL) {
        prefetch(below->DependentBlockList, sizeof(FLUE_TCP_BLOCK));
    }
}

static inline struct target_neighbour *slot_neighbour(const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block)
{
    return (struct target_neighbour *)slot_object(block, FLUE_LAYER_NEIGHBOR, SLOT_NEIGHBOUR);
}

static inline struct target_path *slot_path(const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block)
{
    return (struct target_path *)slot_object(block, FLUE_LAYER_PATH, SLOT_PATH);
}

static inline struct target_context *slot_tcp(const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block)
{
    return (struct target_context *)slot_object(block, FLUE_LAYER_TCP, SLOT_TCP);
}

#endif
