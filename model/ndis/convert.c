/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/convert.c - walking trees, and turning blocks from H's view into T's and back, in place.
 *
 * The two views have one size; words 0x30 and 0x38 change meaning: NdisReserved[2] and OffloadHandle above,
 * MiniportOffloadContext and NdisOffloadHandle below.  A block is rewritten as a whole through memcpy, because the
 * language does not let one object be read through two unrelated structure types. */

#include <string.h>

#include "flue/ndischimney.h"

#define TREE_LAYERS 3

/* The mandated order (D-11) without recursion: the blocks whose NextBlock is still to come stand on a stack that is as
 * deep as a tree has layers. */
#define DEFINE_WALK(function, visitor, pointer)                                                                        \
    flue_err function(pointer root, visitor *visit, void *arg)                                                         \
    {                                                                                                                  \
        pointer stack[TREE_LAYERS];                                                                                    \
        pointer block = root;                                                                                          \
        unsigned depth = 0;                                                                                            \
                                                                                                                       \
        while (block != NULL) {                                                                                        \
            flue_err err = visit(block, arg);                                                                          \
                                                                                                                       \
            if (err != FLUE_OK) {                                                                                      \
                return err;                                                                                            \
            }                                                                                                          \
            if (block->DependentBlockList != NULL) {                                                                   \
                if (depth == TREE_LAYERS - 1) {                                                                        \
                    return FLUE_EINVAL;                                                                                \
                }                                                                                                      \
                stack[depth++] = block;                                                                                \
                block = block->DependentBlockList;                                                                     \
                continue;                                                                                              \
            }                                                                                                          \
            block = block->NextBlock;                                                                                  \
            while (block == NULL && depth > 0) {                                                                       \
                block = stack[--depth]->NextBlock;                                                                     \
            }                                                                                                          \
        }                                                                                                              \
        return FLUE_OK;                                                                                                \
    }

DEFINE_WALK(flue_block_walk, flue_block_fn, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)
DEFINE_WALK(flue_protocol_block_walk, flue_protocol_block_fn, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST)

PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST flue_block_to_miniport(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block)
{
    PNDIS_OFFLOAD_HANDLE handle = block->OffloadHandle;
    NDIS_MINIPORT_OFFLOAD_BLOCK_LIST view;

    memcpy(&view, block, sizeof view);
    view.MiniportOffloadContext = handle == NULL ? NULL : &handle->MiniportOffloadContext;
    view.NdisOffloadHandle = handle;
    memcpy(block, &view, sizeof view);
    return (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)(void *)block;
}

PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST flue_block_to_protocol(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block)
{
    PNDIS_OFFLOAD_HANDLE handle = (PNDIS_OFFLOAD_HANDLE)block->NdisOffloadHandle;
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST view;

    memcpy(&view, block, sizeof view);
    view.NdisReserved[2] = NULL;
    view.OffloadHandle = handle;
    memcpy(block, &view, sizeof view);
    return (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST)(void *)block;
}

enum flue_layer flue_state_layer(unsigned type)
{
    if (type >= NeighborOffloadConstState && type <= NeighborOffloadState) {
        return FLUE_LAYER_NEIGHBOR;
    }
    if (type >= Ip4OffloadConstState && type <= Ip6OffloadState) {
        return FLUE_LAYER_PATH;
    }
    if ((type >= TcpOffloadConstState && type <= TcpOffloadDelegatedState) || type == TcpOffloadState) {
        return FLUE_LAYER_TCP;
    }
    return FLUE_LAYER_NONE;
}

unsigned flue_state_class(unsigned type)
{
    if (flue_state_layer(type) == FLUE_LAYER_NONE) {
        return 0;
    }
    /* Four types per layer, in the order of the classes; TCP's "all" stands one further, behind the unused 16. */
    return type == TcpOffloadState ? 4 : (type - 1) % 4 + 1;
}
