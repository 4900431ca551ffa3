/* SPDX-License-Identifier: GPL-2.0-only */
/* target/miniport.c - the airlock: the only file of the target in which functions of the interface are spelled.
 * Handlers that NDIS calls turn into a doorbell; upward calls are made from interrupts only. */

#include "target/target.h"

/* ---- Handlers: the ordinary path ---- */

static void MiniportSendNetBufferLists(NDIS_HANDLE MiniportAdapterContext, PNET_BUFFER_LIST NetBufferList,
                                       NDIS_PORT_NUMBER PortNumber, ULONG SendFlags)
{
    (void)PortNumber, (void)SendFlags;
    doorbell_ring((struct flue_target *)MiniportAdapterContext, DOORBELL_FRAMES, NULL, NetBufferList, 0);
}

static void MiniportReturnNetBufferLists(NDIS_HANDLE MiniportAdapterContext, PNET_BUFFER_LIST NetBufferLists,
                                         ULONG ReturnFlags)
{
    (void)ReturnFlags;
    adapter_return((struct flue_target *)MiniportAdapterContext, NetBufferLists);
}

/* ---- Handlers: state operations ---- */

static void MiniportInitiateOffload(NDIS_HANDLE MiniportAdapterContext,
                                    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    doorbell_ring_tree((struct flue_target *)MiniportAdapterContext, DOORBELL_INITIATE, OffloadBlockList);
}

static void MiniportTerminateOffload(NDIS_HANDLE MiniportAdapterContext,
                                     PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    give_back_call((struct flue_target *)MiniportAdapterContext, OffloadBlockList);
    doorbell_ring_tree((struct flue_target *)MiniportAdapterContext, DOORBELL_TERMINATE, OffloadBlockList);
}

static void MiniportUpdateOffload(NDIS_HANDLE MiniportAdapterContext,
                                  PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    update_call((struct flue_target *)MiniportAdapterContext, OffloadBlockList);
    doorbell_ring_tree((struct flue_target *)MiniportAdapterContext, DOORBELL_UPDATE, OffloadBlockList);
}

static void MiniportInvalidateOffload(NDIS_HANDLE MiniportAdapterContext,
                                      PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    invalidate_call((struct flue_target *)MiniportAdapterContext, OffloadBlockList);
    doorbell_ring_tree((struct flue_target *)MiniportAdapterContext, DOORBELL_INVALIDATE, OffloadBlockList);
}

static void MiniportQueryOffload(NDIS_HANDLE MiniportAdapterContext, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    doorbell_ring_tree((struct flue_target *)MiniportAdapterContext, DOORBELL_QUERY, OffloadBlockList);
}

/* ---- Handlers: data ---- */

static NDIS_STATUS MiniportTcpOffloadSend(NDIS_HANDLE MiniportAdapterContext, PVOID MiniportOffloadContext,
                                          PNET_BUFFER_LIST NetBufferList)
{
    doorbell_ring((struct flue_target *)MiniportAdapterContext, DOORBELL_SEND,
                  (struct target_context *)MiniportOffloadContext, NetBufferList, 0);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS MiniportTcpOffloadReceive(NDIS_HANDLE MiniportAdapterContext, PVOID MiniportOffloadContext,
                                             PNET_BUFFER_LIST NetBufferList)
{
    post_enqueue((struct flue_target *)MiniportAdapterContext, (struct target_context *)MiniportOffloadContext,
                 NetBufferList);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS MiniportTcpOffloadDisconnect(NDIS_HANDLE MiniportAdapterContext, PVOID MiniportOffloadContext,
                                                PNET_BUFFER_LIST NetBufferList, ULONG Flags)
{
    doorbell_ring((struct flue_target *)MiniportAdapterContext, DOORBELL_DISCONNECT,
                  (struct target_context *)MiniportOffloadContext, NetBufferList, Flags);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS MiniportTcpOffloadForward(NDIS_HANDLE MiniportAdapterContext, PVOID MiniportOffloadContext,
                                             PNET_BUFFER_LIST NetBufferList)
{
    doorbell_ring((struct flue_target *)MiniportAdapterContext, DOORBELL_FORWARD,
                  (struct target_context *)MiniportOffloadContext, NetBufferList, 0);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS MiniportTcpOffloadReceiveReturn(NDIS_HANDLE MiniportAdapterContext, PNET_BUFFER_LIST NetBufferList)
{
    doorbell_ring((struct flue_target *)MiniportAdapterContext, DOORBELL_RETURN, NULL, NetBufferList, 0);
    return NDIS_STATUS_SUCCESS;
}

/* ---- Life ---- */

static const struct flue_provider_handlers handlers = FLUE_PROVIDER_HANDLERS;

static NDIS_STATUS MiniportSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    (void)DriverContext;
    return flue_ndis_set_provider(NdisDriverHandle, &handlers);
}

/* What N is told of the adapter: its context, and what it can do with connections. */
static NDIS_STATUS set_attributes(struct flue_target *target, NDIS_HANDLE adapter)
{
    const NDIS_TCP_CONNECTION_OFFLOAD current = power_capability(target, false);
    const NDIS_TCP_CONNECTION_OFFLOAD hardware = power_capability(target, true);
    NDIS_MINIPORT_ADAPTER_ATTRIBUTES attributes = {
        .MiniportAdapterContext = target, .TcpConnectionOffload = &current, .HardwareTcpConnectionOffload = &hardware};

    return NdisMSetMiniportAttributes(adapter, &attributes);
}

/* Copied, if they are of the one revision that this target knows (CH-011 to CH-013). */
static NDIS_STATUS take_handlers(struct flue_target *target, NDIS_HANDLE adapter)
{
    PNDIS_OFFLOAD_EVENT_HANDLERS offered;
    NDIS_STATUS status = NdisMGetOffloadHandlers(adapter, NdisTcpChimneyOffload, &offered);
    const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *calls = (const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *)(const void *)offered;

    if (status != NDIS_STATUS_SUCCESS) {
        return status;
    }
    if (calls->Header.Revision != 1 || calls->Header.Size < sizeof *calls) {
        return NDIS_STATUS_NOT_SUPPORTED;
    }
    target->calls = *calls;
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS MiniportInitializeEx(NDIS_HANDLE NdisMiniportHandle, NDIS_HANDLE MiniportDriverContext,
                                        PNDIS_MINIPORT_INIT_PARAMETERS MiniportInitParameters)
{
    struct flue_target *target = (struct flue_target *)MiniportDriverContext;
    NDIS_STATUS status = set_attributes(target, NdisMiniportHandle);

    (void)MiniportInitParameters;
    return status == NDIS_STATUS_SUCCESS ? take_handlers(target, NdisMiniportHandle) : status;
}

static NDIS_STATUS MiniportOidRequest(NDIS_HANDLE MiniportAdapterContext, PNDIS_OID_REQUEST OidRequest)
{
    return oid_request((struct flue_target *)MiniportAdapterContext, OidRequest);
}

/* All work is over when NDIS halts an adapter: everything lent across it has come back. */
static void MiniportHaltEx(NDIS_HANDLE MiniportAdapterContext)
{
    ((struct flue_target *)MiniportAdapterContext)->miniport = NULL;
}

static const NDIS_MINIPORT_DRIVER_CHARACTERISTICS driver_characteristics = {
    .Header = {NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS, 1, sizeof driver_characteristics},
    .SetOptionsHandler = MiniportSetOptions,
    .InitializeHandlerEx = MiniportInitializeEx,
    .HaltHandlerEx = MiniportHaltEx,
    .SendNetBufferListsHandler = MiniportSendNetBufferLists,
    .ReturnNetBufferListsHandler = MiniportReturnNetBufferLists,
    .OidRequestHandler = MiniportOidRequest,
};

NDIS_STATUS miniport_register(struct flue_target *target)
{
    return NdisMRegisterMiniportDriver(target->ndis, target, &driver_characteristics, &target->driver);
}

void miniport_unregister(struct flue_target *target)
{
    if (target->driver != NULL) {
        (void)NdisMDeregisterMiniportDriver(target->driver);
        target->driver = NULL;
    }
}

/* ---- Upward calls ---- */

void miniport_tell_trace(struct flue_target *target, const struct target_context *context)
{
    if (target->trace != NULL && target->trace->emit != NULL) {
        flue_ndis_at(target->ndis, target->core != NULL ? target->core->clock_ps : target_now(target),
                     context != NULL ? context->id : FLUE_NO_CONN);
    }
}

void miniport_frames_sent(struct flue_target *target, PNET_BUFFER_LIST first)
{
    NdisMSendNetBufferListsComplete(target->miniport, first, 0);
}

void miniport_frames_received(struct flue_target *target, const struct ndis_chain *chain)
{
    NdisMIndicateReceiveNetBufferLists(target->miniport, chain->first, 0, chain->count, 0);
}

void miniport_tree_done(struct flue_target *target, enum upward_kind kind, target_tree tree)
{
    static void (*const calls[])(NDIS_HANDLE, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST) = {
        [UPWARD_INITIATE] = NdisMInitiateOffloadComplete, [UPWARD_TERMINATE] = NdisMTerminateOffloadComplete,
        [UPWARD_UPDATE] = NdisMUpdateOffloadComplete,     [UPWARD_INVALIDATE] = NdisMInvalidateOffloadComplete,
        [UPWARD_QUERY] = NdisMQueryOffloadStateComplete,
    };

    calls[kind](target->miniport, tree);
}

void miniport_data_done(struct flue_target *target, enum upward_kind kind, PNET_BUFFER_LIST first)
{
    const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *calls = &target->calls;

    (kind == UPWARD_SENT         ? calls->NdisTcpOffloadSendComplete
     : kind == UPWARD_RECEIVED   ? calls->NdisTcpOffloadReceiveComplete
     : kind == UPWARD_DISCONNECT ? calls->NdisTcpOffloadDisconnectComplete
                                 : calls->NdisTcpOffloadForwardComplete)(target->miniport, first);
}

NDIS_STATUS miniport_indicate(struct flue_target *target, const struct target_context *context, PNET_BUFFER_LIST nbl,
                              ULONG *consumed_bytes)
{
    return target->calls.NdisTcpOffloadReceiveHandler(context->handle, nbl, NDIS_STATUS_SUCCESS, consumed_bytes);
}

void miniport_event(struct flue_target *target, const struct target_context *context, ULONG type, ULONG information)
{
    target->calls.NdisTcpOffloadEventHandler(context->handle, type, information);
}

void miniport_neighbour(struct flue_target *target, target_tree block)
{
    NdisMOffloadEventIndicate(target->miniport, block, NeighborReachabilityQuery);
}

void miniport_status(struct flue_target *target, NDIS_STATUS code, PVOID buffer, ULONG bytes)
{
    NDIS_STATUS_INDICATION indication = {.Header = {NDIS_OBJECT_TYPE_STATUS_INDICATION, 1, sizeof indication},
                                         .SourceHandle = target->miniport,
                                         .StatusCode = code,
                                         .StatusBuffer = buffer,
                                         .StatusBufferSize = bytes};

    NdisMIndicateStatusEx(target->miniport, &indication);
}

void miniport_request_done(struct flue_target *target, PNDIS_OID_REQUEST request, NDIS_STATUS status)
{
    NdisMOidRequestComplete(target->miniport, request, status);
}

void miniport_advance(PNET_BUFFER_LIST nbl, ULONG bytes)
{
    for (PNET_BUFFER nb = NET_BUFFER_LIST_FIRST_NB(nbl); nb != NULL && bytes > 0; nb = nb->Next) {
        ULONG here = bytes < NET_BUFFER_DATA_LENGTH(nb) ? bytes : NET_BUFFER_DATA_LENGTH(nb);

        NdisAdvanceNetBufferDataStart(nb, here, 0, NULL);
        bytes -= here;
    }
}
