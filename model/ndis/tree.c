/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/tree.c - the five state operations (initiate, terminate, update, invalidate, query): one way down, one way up,
 * and a table that tells them apart.
 *
 * Down: every block gets its binding as SourceHandle and is turned into T's view.  Up: the reverse, after the NBLs that
 * the operation moves have been booked.  An intermediate driver on the way sends the same memory through N again; it
 * restores SourceHandle (CH-327), by which N finds the upper binding. */

#include "ndis/instance.h"

enum operation { INITIATE, TERMINATE, UPDATE, INVALIDATE, QUERY };

static const struct {
    enum flue_point down, up; /* trace points */
} points[] = {
    [INITIATE] = {FLUE_POINT_ddi_initiate, FLUE_POINT_ddi_initiate_complete},
    [TERMINATE] = {FLUE_POINT_ddi_terminate, FLUE_POINT_ddi_terminate_complete},
    [UPDATE] = {FLUE_POINT_ddi_update, FLUE_POINT_ddi_update_complete},
    [INVALIDATE] = {FLUE_POINT_ddi_invalidate, FLUE_POINT_ddi_invalidate_complete},
    [QUERY] = {FLUE_POINT_ddi_query, FLUE_POINT_ddi_query_complete},
};

static W_INITIATE_OFFLOAD_HANDLER miniport_handler(const struct ndis_driver *driver, enum operation operation)
{
    switch (operation) {
    case INITIATE:
        return driver->generic.InitiateOffloadHandler;
    case TERMINATE:
        return driver->generic.TerminateOffloadHandler;
    case UPDATE:
        return driver->generic.UpdateOffloadHandler;
    case INVALIDATE:
        return driver->generic.InvalidateOffloadHandler;
    case QUERY:
        return driver->generic.QueryOffloadHandler;
    }
    return NULL;
}

static INITIATE_OFFLOAD_COMPLETE_HANDLER protocol_handler(const struct ndis_protocol *protocol,
                                                          enum operation operation)
{
    switch (operation) {
    case INITIATE:
        return protocol->generic.InitiateOffloadCompleteHandler;
    case TERMINATE:
        return protocol->generic.TerminateOffloadCompleteHandler;
    case UPDATE:
        return protocol->generic.UpdateOffloadCompleteHandler;
    case INVALIDATE:
        return protocol->generic.InvalidateOffloadCompleteHandler;
    case QUERY:
        return protocol->generic.QueryOffloadCompleteHandler;
    }
    return NULL;
}

/* One walk through one tree. */
struct passage {
    struct ndis_binding *binding;
    enum operation operation;
    int64_t blocks;
};

#ifdef FLUE_CHECKED_BUILD
/* Who holds a block: NdisReserved[1] is (operation, times it was handed down); 0 is H.  It is the same word in both
 * views. */
static void hold(PVOID *word, enum operation operation)
{
    uintptr_t held = (uintptr_t)*word;

    assert(held == 0 || (held & 0xFFu) == (uintptr_t)operation);
    *word = (PVOID)((held | (uintptr_t)operation) + 0x100u);
}

static void release(PVOID *word, enum operation operation)
{
    uintptr_t held = (uintptr_t)*word;

    assert(held >= 0x100u && (held & 0xFFu) == (uintptr_t)operation);
    held -= 0x100u;
    *word = held < 0x100u ? NULL : (PVOID)held;
}
#endif

static flue_err block_down(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, void *arg)
{
    struct passage *passage = (struct passage *)arg;
    struct ndis_binding *binding = passage->binding;
    PNDIS_OFFLOAD_HANDLE handle = block->OffloadHandle;

#ifdef FLUE_CHECKED_BUILD
    assert(block->Header.Size == sizeof *block);
    hold(&block->NdisReserved[1], passage->operation);
#endif
    passage->blocks++;
    block->SourceHandle = binding;
    if (passage->operation == INITIATE && handle != NULL && handle->MiniportOffloadContext == NULL) {
        /* A new object: later data calls and indications find the binding through the handle. */
        handle->NdisReserved[0] = binding;
        binding->ledger.sends_out +=
            ndis_chain_cross(block->NetBufferListChain, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_MINIPORT);
    }
    (void)flue_block_to_miniport(block);
    return FLUE_OK;
}

static void down(enum operation operation, NDIS_HANDLE binding_handle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    struct ndis_binding *binding = ndis_binding_of(binding_handle);
    struct ndis_adapter *adapter = binding->adapter;
    struct passage passage = {.binding = binding, .operation = operation};
    void *outer = binding->calling;
    flue_err err;

    assert(adapter->driver->has_generic);
    err = flue_protocol_block_walk(root, block_down, &passage);
    assert(err == FLUE_OK); /* deeper than neighbor, path, TCP: an error in H */
    (void)err;
    binding->ledger.trees_out++;
    ndis_trace(adapter->ndis, points[operation].down, passage.blocks, 0, 0);
    binding->calling = root;
    miniport_handler(adapter->driver, operation)(adapter->context, (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)(void *)root);
    binding->calling = outer;
}

static bool taken(NDIS_STATUS status)
{
    return status == NDIS_STATUS_SUCCESS || status == NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}

/* Send data of a failed initiate was H's all the time (CH-074); send data in a terminate is H's from now on. */
static void chain_back(struct ndis_binding *binding, PNET_BUFFER_LIST chain)
{
    uint64_t count = ndis_chain_cross(chain, binding, NDIS_HOLDER_MINIPORT, NDIS_HOLDER_OWNER);

    assert(binding->ledger.sends_out >= count);
    binding->ledger.sends_out -= count;
}

static flue_err block_up(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, void *arg)
{
    struct passage *passage = (struct passage *)arg;
    struct ndis_binding *binding = passage->binding;
    PNDIS_OFFLOAD_HANDLE handle = (PNDIS_OFFLOAD_HANDLE)block->NdisOffloadHandle;

#ifdef FLUE_CHECKED_BUILD
    release(&block->NdisReserved[1], passage->operation);
#endif
    passage->blocks++;
    if (handle != NULL && passage->operation == INITIATE && !taken(block->Status) &&
        *block->MiniportOffloadContext == NULL) {
        chain_back(binding, block->NetBufferListChain);
        handle->NdisReserved[0] = NULL;
    }
    if (handle != NULL && passage->operation == TERMINATE) {
        chain_back(binding, block->NetBufferListChain);
        if (block->Header.Type == TcpOffloadDelegatedState && block->Status == NDIS_STATUS_SUCCESS) {
            PTCP_OFFLOAD_STATE_DELEGATED delegated = (PTCP_OFFLOAD_STATE_DELEGATED)(void *)flue_state_first(block);

            binding->ledger.indicated_out +=
                ndis_chain_cross(delegated->BufferedData, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_PROTOCOL);
        }
        handle->NdisReserved[0] = NULL;
    }
    (void)flue_block_to_protocol(block);
    return FLUE_OK;
}

static void up(enum operation operation, NDIS_HANDLE miniport_handle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root)
{
    struct ndis_adapter *adapter = ndis_adapter_of(miniport_handle);
    struct ndis_binding *binding = ndis_binding_of(root->SourceHandle);
    struct passage passage = {.binding = binding, .operation = operation};
    NDIS_STATUS status = root->Status;

    assert(binding->adapter == adapter);
    assert(binding->calling != root); /* async means later: not from inside the handler that brought it */
    (void)flue_block_walk(root, block_up, &passage);
    assert(binding->ledger.trees_out > 0);
    binding->ledger.trees_out--;
    ndis_trace(adapter->ndis, points[operation].up, passage.blocks, status, 0);
    protocol_handler(binding->protocol, operation)(binding->context, (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST)(void *)root);
}

void NdisInitiateOffload(NDIS_HANDLE NdisBindingHandle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    down(INITIATE, NdisBindingHandle, OffloadBlockList);
}

void NdisTerminateOffload(NDIS_HANDLE NdisBindingHandle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    down(TERMINATE, NdisBindingHandle, OffloadBlockList);
}

void NdisUpdateOffload(NDIS_HANDLE NdisBindingHandle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    down(UPDATE, NdisBindingHandle, OffloadBlockList);
}

void NdisInvalidateOffload(NDIS_HANDLE NdisBindingHandle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    down(INVALIDATE, NdisBindingHandle, OffloadBlockList);
}

void NdisQueryOffloadState(NDIS_HANDLE NdisBindingHandle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    down(QUERY, NdisBindingHandle, OffloadBlockList);
}

void NdisMInitiateOffloadComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    up(INITIATE, NdisMiniportHandle, OffloadBlockList);
}

void NdisMTerminateOffloadComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    up(TERMINATE, NdisMiniportHandle, OffloadBlockList);
}

void NdisMUpdateOffloadComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    up(UPDATE, NdisMiniportHandle, OffloadBlockList);
}

void NdisMInvalidateOffloadComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    up(INVALIDATE, NdisMiniportHandle, OffloadBlockList);
}

void NdisMQueryOffloadStateComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    up(QUERY, NdisMiniportHandle, OffloadBlockList);
}
