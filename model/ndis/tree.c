/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/tree.c - the five state operations (initiate, terminate, update, invalidate, query): one way down, one way up,
 * and a table that tells them apart.
 *
 * Down: every block gets its binding as SourceHandle and is turned into T's view.  Up: the reverse, after the NBLs that
 * the operation moves have been booked.  An intermediate driver on the way sends the same memory through N again; it
 * restores SourceHandle (CH-327), by which N finds the upper binding. */

#include "ndis/check.h"

static const struct {
    enum flue_point down, up; /* trace points */
} points[] = {
    [NDIS_INITIATE] = {FLUE_POINT_ddi_initiate, FLUE_POINT_ddi_initiate_complete},
    [NDIS_TERMINATE] = {FLUE_POINT_ddi_terminate, FLUE_POINT_ddi_terminate_complete},
    [NDIS_UPDATE] = {FLUE_POINT_ddi_update, FLUE_POINT_ddi_update_complete},
    [NDIS_INVALIDATE] = {FLUE_POINT_ddi_invalidate, FLUE_POINT_ddi_invalidate_complete},
    [NDIS_QUERY] = {FLUE_POINT_ddi_query, FLUE_POINT_ddi_query_complete},
};

static W_INITIATE_OFFLOAD_HANDLER miniport_handler(const struct ndis_driver *driver, enum ndis_operation operation)
{
    switch (operation) {
    case NDIS_INITIATE:
        return driver->generic.InitiateOffloadHandler;
    case NDIS_TERMINATE:
        return driver->generic.TerminateOffloadHandler;
    case NDIS_UPDATE:
        return driver->generic.UpdateOffloadHandler;
    case NDIS_INVALIDATE:
        return driver->generic.InvalidateOffloadHandler;
    case NDIS_QUERY:
        return driver->generic.QueryOffloadHandler;
    case NDIS_OPERATIONS:
        break;
    }
    return NULL;
}

static INITIATE_OFFLOAD_COMPLETE_HANDLER protocol_handler(const struct ndis_protocol *protocol,
                                                          enum ndis_operation operation)
{
    switch (operation) {
    case NDIS_INITIATE:
        return protocol->generic.InitiateOffloadCompleteHandler;
    case NDIS_TERMINATE:
        return protocol->generic.TerminateOffloadCompleteHandler;
    case NDIS_UPDATE:
        return protocol->generic.UpdateOffloadCompleteHandler;
    case NDIS_INVALIDATE:
        return protocol->generic.InvalidateOffloadCompleteHandler;
    case NDIS_QUERY:
        return protocol->generic.QueryOffloadCompleteHandler;
    case NDIS_OPERATIONS:
        break;
    }
    return NULL;
}

/* One walk through one tree. */
struct passage {
    struct ndis_binding *binding;
    enum ndis_operation operation;
    int64_t blocks;
};

#ifdef FLUE_CHECKED_BUILD
/* Who holds a block: NdisReserved[1] is (operation, times it was handed down); 0 is H.  It is the same word in both
 * views. */
static void hold(PVOID *word, enum ndis_operation operation)
{
    uintptr_t held = (uintptr_t)*word;

    assert(held == 0 || (held & 0xFFu) == (uintptr_t)operation);
    *word = (PVOID)((held | (uintptr_t)operation) + 0x100u);
}

static void release(PVOID *word, enum ndis_operation operation)
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
    if (!ndis_checked(binding->adapter->ndis)) {
        assert(block->Header.Size == sizeof *block);
        hold(&block->NdisReserved[1], passage->operation);
    }
#endif
    passage->blocks++;
    block->SourceHandle = binding;
    if (passage->operation == NDIS_INITIATE && handle != NULL && handle->MiniportOffloadContext == NULL) {
        /* A new object: later data calls and indications find the binding through the handle. */
        handle->NdisReserved[0] = binding;
        binding->ledger.sends_out +=
            ndis_chain_cross(block->NetBufferListChain, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_MINIPORT);
    }
    (void)flue_block_to_miniport(block);
    return FLUE_OK;
}

static void down(enum ndis_operation operation, NDIS_HANDLE binding_handle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    struct ndis_binding *binding = ndis_binding_of(binding_handle);
    struct ndis_adapter *adapter = binding->adapter;
    struct passage passage = {.binding = binding, .operation = operation};
    void *outer = binding->calling;
    flue_err err;

    assert(ndis_chimney(adapter)); /* H has been told that there is nothing (CH-324) */
    if (ndis_checked(adapter->ndis)) {
        if (!check_tree_down(binding, operation, root)) {
            return;
        }
        check_power_down(binding, operation, root);
    }
    err = flue_protocol_block_walk(root, block_down, &passage);
    assert(err == FLUE_OK); /* deeper than neighbor, path, TCP: an error in H */
    (void)err;
    binding->ledger.trees_out++;
    ndis_trace(adapter->ndis, points[operation].down, passage.blocks, 0, 0);
    binding->calling = root;
    if (ndis_checked(adapter->ndis)) {
        check_tree_lent(binding, (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)(void *)root);
    }
    miniport_handler(adapter->driver, operation)(adapter->context, (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)(void *)root);
    binding->calling = outer;
    if (ndis_checked(adapter->ndis)) {
        check_tree_called(binding, operation, root);
    }
}

static bool taken(NDIS_STATUS status)
{
    return status == NDIS_STATUS_SUCCESS || status == NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}

/* Send data of a failed initiate was H's all the time (CH-074); send data in a terminate is H's from now on. */
static void chain_back(struct ndis_binding *binding, PNET_BUFFER_LIST chain)
{
    uint64_t count = ndis_chain_cross(chain, binding, NDIS_HOLDER_MINIPORT, NDIS_HOLDER_OWNER);

    ndis_settle(binding, &binding->ledger.sends_out, count);
}

/* The object is gone, and its handle names nothing.  With the checker on it goes on naming the binding, by which the
 * checker learns of its further use. */
static void unname(const struct ndis_binding *binding, PNDIS_OFFLOAD_HANDLE handle)
{
    if (!ndis_checked(binding->adapter->ndis)) {
        handle->NdisReserved[0] = NULL;
    }
}

static flue_err block_up(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, void *arg)
{
    struct passage *passage = (struct passage *)arg;
    struct ndis_binding *binding = passage->binding;
    PNDIS_OFFLOAD_HANDLE handle = (PNDIS_OFFLOAD_HANDLE)block->NdisOffloadHandle;

#ifdef FLUE_CHECKED_BUILD
    if (!ndis_checked(binding->adapter->ndis)) {
        release(&block->NdisReserved[1], passage->operation);
    }
#endif
    passage->blocks++;
    if (handle != NULL && passage->operation == NDIS_INITIATE && !taken(block->Status) &&
        *block->MiniportOffloadContext == NULL) {
        chain_back(binding, block->NetBufferListChain);
        unname(binding, handle);
    }
    if (handle != NULL && passage->operation == NDIS_TERMINATE) {
        chain_back(binding, block->NetBufferListChain);
        if (block->Header.Type == TcpOffloadDelegatedState && block->Status == NDIS_STATUS_SUCCESS) {
            PTCP_OFFLOAD_STATE_DELEGATED delegated = (PTCP_OFFLOAD_STATE_DELEGATED)(void *)flue_state_first(block);

            binding->ledger.indicated_out +=
                ndis_chain_cross(delegated->BufferedData, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_PROTOCOL);
        }
        if (block->Status == NDIS_STATUS_SUCCESS) {
            unname(binding, handle); /* what has failed may be there yet, and be told of (D-32) */
        }
    }
    (void)flue_block_to_protocol(block);
    return FLUE_OK;
}

static void up(enum ndis_operation operation, NDIS_HANDLE miniport_handle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root)
{
    struct ndis_adapter *adapter;
    struct passage passage = {0};
    struct ndis_binding *binding;
    NDIS_STATUS status;

    if (!ndis_is_adapter(miniport_handle)) {
        ndis_not_an_adapter(miniport_handle, root->SourceHandle);
        return;
    }
    adapter = ndis_adapter_of(miniport_handle);
    if (ndis_checked(adapter->ndis)) {
        check_data_withheld(adapter, root);
        if (!check_tree_up(adapter, &operation, root)) {
            return;
        }
        check_power_up(adapter, operation, root);
    }
    binding = ndis_binding_of(root->SourceHandle);
    passage.binding = binding;
    passage.operation = operation;
    status = root->Status;
    assert(binding->adapter == adapter);
    /* Async means later: not from inside the handler that brought it. */
    assert(ndis_checked(adapter->ndis) || binding->calling != root);
    (void)flue_block_walk(root, block_up, &passage);
    ndis_settle(binding, &binding->ledger.trees_out, 1);
    ndis_trace(adapter->ndis, points[operation].up, passage.blocks, status, 0);
    protocol_handler(binding->protocol, operation)(binding->context, (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST)(void *)root);
    if (ndis_checked(adapter->ndis)) {
        check_tree_completed(adapter, operation, root);
    }
}

void NdisInitiateOffload(NDIS_HANDLE NdisBindingHandle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    down(NDIS_INITIATE, NdisBindingHandle, OffloadBlockList);
}

void NdisTerminateOffload(NDIS_HANDLE NdisBindingHandle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    down(NDIS_TERMINATE, NdisBindingHandle, OffloadBlockList);
}

void NdisUpdateOffload(NDIS_HANDLE NdisBindingHandle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    down(NDIS_UPDATE, NdisBindingHandle, OffloadBlockList);
}

void NdisInvalidateOffload(NDIS_HANDLE NdisBindingHandle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    down(NDIS_INVALIDATE, NdisBindingHandle, OffloadBlockList);
}

void NdisQueryOffloadState(NDIS_HANDLE NdisBindingHandle, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    down(NDIS_QUERY, NdisBindingHandle, OffloadBlockList);
}

void NdisMInitiateOffloadComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    up(NDIS_INITIATE, NdisMiniportHandle, OffloadBlockList);
}

void NdisMTerminateOffloadComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    up(NDIS_TERMINATE, NdisMiniportHandle, OffloadBlockList);
}

void NdisMUpdateOffloadComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    up(NDIS_UPDATE, NdisMiniportHandle, OffloadBlockList);
}

void NdisMInvalidateOffloadComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    up(NDIS_INVALIDATE, NdisMiniportHandle, OffloadBlockList);
}

void NdisMQueryOffloadStateComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    up(NDIS_QUERY, NdisMiniportHandle, OffloadBlockList);
}
