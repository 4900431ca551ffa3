/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/data.c - the chimney's data functions, their completions, and the indications of T.
 *
 * Down: the connection's handle leads to the binding, the binding to T; T gets the PVOID it wrote into the slot (D-01).
 * Up, completions: each NBL knows its binding (SourceHandle); what belongs to one binding goes up in one call, whatever
 * connections it mixes.  Up, indications: T's NdisOffloadHandle is the address of the receiver's own handle (D-03). */

#include "ndis/instance.h"

/* ---- Down ---- */

NDIS_STATUS NdisOffloadTcpSend(PNDIS_OFFLOAD_HANDLE NdisOffloadHandle, PNET_BUFFER_LIST NetBufferList)
{
    struct ndis_binding *binding = ndis_handle_binding(NdisOffloadHandle);
    struct ndis_adapter *adapter = binding->adapter;

    binding->ledger.sends_out += ndis_chain_cross(NetBufferList, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_MINIPORT);
    if (ndis_traced(adapter->ndis)) {
        ndis_trace(adapter->ndis, FLUE_POINT_ddi_send, (int64_t)ndis_chain_bytes(NetBufferList), 0, 0);
    }
    return adapter->driver->tcp.TcpOffloadSendHandler(adapter->context, FLUE_DATA_CTX(NdisOffloadHandle),
                                                      NetBufferList);
}

NDIS_STATUS NdisOffloadTcpReceive(PNDIS_OFFLOAD_HANDLE NdisOffloadHandle, PNET_BUFFER_LIST NetBufferList)
{
    struct ndis_binding *binding = ndis_handle_binding(NdisOffloadHandle);
    struct ndis_adapter *adapter = binding->adapter;

    binding->ledger.receives_out += ndis_chain_cross(NetBufferList, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_MINIPORT);
    if (ndis_traced(adapter->ndis)) {
        ndis_trace(adapter->ndis, FLUE_POINT_ddi_receive, (int64_t)ndis_chain_bytes(NetBufferList), 0, 0);
    }
    return adapter->driver->tcp.TcpOffloadReceiveHandler(adapter->context, FLUE_DATA_CTX(NdisOffloadHandle),
                                                         NetBufferList);
}

NDIS_STATUS NdisOffloadTcpDisconnect(PNDIS_OFFLOAD_HANDLE NdisOffloadHandle, PNET_BUFFER_LIST NetBufferList,
                                     ULONG Flags)
{
    struct ndis_binding *binding = ndis_handle_binding(NdisOffloadHandle);
    struct ndis_adapter *adapter = binding->adapter;

    assert(NetBufferList->Next == NULL); /* D-05 */
    binding->ledger.disconnects_out +=
        ndis_chain_cross(NetBufferList, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_MINIPORT);
    if (ndis_traced(adapter->ndis)) {
        ndis_trace(adapter->ndis, FLUE_POINT_ddi_disconnect, Flags, (int64_t)ndis_nbl_bytes(NetBufferList), 0);
    }
    return adapter->driver->tcp.TcpOffloadDisconnectHandler(adapter->context, FLUE_DATA_CTX(NdisOffloadHandle),
                                                            NetBufferList, Flags);
}

NDIS_STATUS NdisOffloadTcpForward(PNDIS_OFFLOAD_HANDLE NdisOffloadHandle, PNET_BUFFER_LIST NetBufferList)
{
    struct ndis_binding *binding = ndis_handle_binding(NdisOffloadHandle);
    struct ndis_adapter *adapter = binding->adapter;
    uint64_t count = ndis_chain_cross(NetBufferList, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_MINIPORT);

    binding->ledger.forwards_out += count;
    ndis_trace(adapter->ndis, FLUE_POINT_ddi_forward, (int64_t)count, 0, 0);
    return adapter->driver->tcp.TcpOffloadForwardHandler(adapter->context, FLUE_DATA_CTX(NdisOffloadHandle),
                                                         NetBufferList);
}

NDIS_STATUS NdisOffloadTcpReceiveReturn(NDIS_HANDLE NdisBindingHandle, PNET_BUFFER_LIST NetBufferList)
{
    struct ndis_binding *binding = ndis_binding_of(NdisBindingHandle);
    struct ndis_adapter *adapter = binding->adapter;
    uint64_t count = ndis_chain_cross(NetBufferList, binding, NDIS_HOLDER_PROTOCOL, NDIS_HOLDER_OWNER);

    assert(binding->ledger.indicated_out >= count);
    binding->ledger.indicated_out -= count;
    ndis_trace(adapter->ndis, FLUE_POINT_ddi_receive_return, (int64_t)count, 0, 0);
    (void)adapter->driver->tcp.TcpOffloadReceiveReturnHandler(adapter->context, NetBufferList);
    return NDIS_STATUS_SUCCESS;
}

/* ---- Completions ---- */

/* Sum of what T reports in TcpOffloadBytesTransferred. */
static int64_t transferred(const NET_BUFFER_LIST *first)
{
    uint64_t bytes = 0;

    for (; first != NULL; first = first->Next) {
        bytes += (uint64_t)(uintptr_t)NET_BUFFER_LIST_INFO(first, TcpOffloadBytesTransferred);
    }
    return (int64_t)bytes;
}

/* Books a completed chain; a trace shows the status of its first NBL. */
static void book(struct ndis_binding *binding, uint64_t *out, uint64_t count)
{
    assert(*out >= count);
    *out -= count;
    (void)binding;
}

static void deliver_send(struct ndis_binding *binding, PNET_BUFFER_LIST first, uint64_t count, ULONG flags)
{
    struct flue_ndis *ndis = binding->adapter->ndis;

    (void)flags;
    book(binding, &binding->ledger.sends_out, count);
    if (ndis_traced(ndis)) {
        ndis_trace(ndis, FLUE_POINT_ddi_send_complete, transferred(first), first->Status, 0);
    }
    binding->protocol->tcp.TcpOffloadSendCompleteHandler(binding->context, first);
}

static void deliver_receive(struct ndis_binding *binding, PNET_BUFFER_LIST first, uint64_t count, ULONG flags)
{
    struct flue_ndis *ndis = binding->adapter->ndis;

    (void)flags;
    book(binding, &binding->ledger.receives_out, count);
    if (ndis_traced(ndis)) {
        ndis_trace(ndis, FLUE_POINT_ddi_receive_complete, transferred(first), first->Status, 0);
    }
    binding->protocol->tcp.TcpOffloadReceiveCompleteHandler(binding->context, first);
}

static void deliver_disconnect(struct ndis_binding *binding, PNET_BUFFER_LIST first, uint64_t count, ULONG flags)
{
    (void)flags;
    assert(count == 1); /* D-05 */
    book(binding, &binding->ledger.disconnects_out, count);
    ndis_trace(binding->adapter->ndis, FLUE_POINT_ddi_disconnect_complete, first->Status, 0, 0);
    binding->protocol->tcp.TcpOffloadDisconnectCompleteHandler(binding->context, first);
}

static void deliver_forward(struct ndis_binding *binding, PNET_BUFFER_LIST first, uint64_t count, ULONG flags)
{
    (void)flags;
    book(binding, &binding->ledger.forwards_out, count);
    ndis_trace(binding->adapter->ndis, FLUE_POINT_ddi_forward_complete, (int64_t)count, first->Status, 0);
    binding->protocol->tcp.TcpOffloadForwardCompleteHandler(binding->context, first);
}

static void send_complete(NDIS_HANDLE NdisMiniportHandle, PNET_BUFFER_LIST NetBufferList)
{
    ndis_complete_up(ndis_adapter_of(NdisMiniportHandle), NetBufferList, deliver_send, 0);
}

static void receive_complete(NDIS_HANDLE NdisMiniportHandle, PNET_BUFFER_LIST NetBufferList)
{
    ndis_complete_up(ndis_adapter_of(NdisMiniportHandle), NetBufferList, deliver_receive, 0);
}

static void disconnect_complete(NDIS_HANDLE NdisMiniportHandle, PNET_BUFFER_LIST NetBufferList)
{
    ndis_complete_up(ndis_adapter_of(NdisMiniportHandle), NetBufferList, deliver_disconnect, 0);
}

static void forward_complete(NDIS_HANDLE NdisMiniportHandle, PNET_BUFFER_LIST NetBufferList)
{
    ndis_complete_up(ndis_adapter_of(NdisMiniportHandle), NetBufferList, deliver_forward, 0);
}

/* ---- Indications ---- */

static void event(NDIS_HANDLE NdisOffloadHandle, ULONG EventType, ULONG EventSpecificInformation)
{
    PNDIS_OFFLOAD_HANDLE handle = (PNDIS_OFFLOAD_HANDLE)NdisOffloadHandle;
    struct ndis_binding *binding = ndis_handle_binding(handle);

    ndis_trace(binding->adapter->ndis, FLUE_POINT_ddi_event, EventType, EventSpecificInformation, 0);
    binding->protocol->tcp.TcpOffloadEventHandler(handle, EventType, EventSpecificInformation);
}

static NDIS_STATUS receive(NDIS_HANDLE NdisOffloadHandle, PNET_BUFFER_LIST NetBufferList, NDIS_STATUS Status,
                           ULONG *BytesConsumed)
{
    PNDIS_OFFLOAD_HANDLE handle = (PNDIS_OFFLOAD_HANDLE)NdisOffloadHandle;
    struct ndis_binding *binding = ndis_handle_binding(handle);
    struct flue_ndis *ndis = binding->adapter->ndis;
    bool traced = ndis_traced(ndis);
    struct ndis_moment moment = {0};
    int64_t bytes = 0;
    NDIS_STATUS answer;

    assert(NetBufferList->Next == NULL);
    if (traced) {
        /* Read now: the host may give the NBL back before it answers. */
        moment = ndis_moment(ndis);
        bytes = (int64_t)ndis_nbl_bytes(NetBufferList);
    }
    binding->ledger.indicated_out += ndis_chain_cross(NetBufferList, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_PROTOCOL);
    *BytesConsumed = 0;
    answer = binding->protocol->tcp.TcpOffloadReceiveIndicateHandler(handle, NetBufferList, Status, BytesConsumed);
    if (answer != NDIS_STATUS_SUCCESS) {
        binding->ledger.indicated_out -=
            ndis_chain_cross(NetBufferList, binding, NDIS_HOLDER_PROTOCOL, NDIS_HOLDER_OWNER);
    }
    if (traced) {
        flue_trace_emit(ndis->trace, FLUE_POINT_ddi_receive_indicate, moment.at_ps, moment.conn, bytes, *BytesConsumed,
                        answer, 0, 0, 0);
    }
    return answer;
}

NDIS_STATUS NdisMGetOffloadHandlers(NDIS_HANDLE NdisMiniportHandle, NDIS_CHIMNEY_OFFLOAD_TYPE ChimneyType,
                                    PNDIS_OFFLOAD_EVENT_HANDLERS *OffloadHandlers)
{
    struct ndis_adapter *adapter = ndis_adapter_of(NdisMiniportHandle);

    *OffloadHandlers = NULL;
    if (ChimneyType != NdisTcpChimneyOffload) {
        return STATUS_NOT_SUPPORTED;
    }
    if (!adapter->initialising || adapter->has_handlers) {
        return NDIS_STATUS_INVALID_STATE;
    }
    adapter->has_handlers = true;
    adapter->handlers = (NDIS_TCP_OFFLOAD_EVENT_HANDLERS){
        .Header = {.Type = NdisTcpChimneyOffload,
                   .Revision = NDIS_OBJECT_TCP_OFFLOAD_REVISION_1,
                   .Size = sizeof adapter->handlers},
        .NdisTcpOffloadEventHandler = event,
        .NdisTcpOffloadReceiveHandler = receive,
        .NdisTcpOffloadSendComplete = send_complete,
        .NdisTcpOffloadReceiveComplete = receive_complete,
        .NdisTcpOffloadDisconnectComplete = disconnect_complete,
        .NdisTcpOffloadForwardComplete = forward_complete,
    };
    *OffloadHandlers = (PNDIS_OFFLOAD_EVENT_HANDLERS)(void *)&adapter->handlers;
    return STATUS_SUCCESS;
}

void NdisMOffloadEventIndicate(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList,
                               ULONG IndicationCode)
{
    struct ndis_adapter *adapter = ndis_adapter_of(NdisMiniportHandle);
    PNDIS_OFFLOAD_HANDLE handle = NULL;
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = NULL;
    PVOID *slot = NULL;

    ndis_trace(adapter->ndis, FLUE_POINT_ddi_generic_event, IndicationCode, 0, 0);
    if (OffloadBlockList != NULL) {
        assert(OffloadBlockList->NextBlock == NULL && OffloadBlockList->DependentBlockList == NULL);
        handle = (PNDIS_OFFLOAD_HANDLE)OffloadBlockList->NdisOffloadHandle;
        slot = OffloadBlockList->MiniportOffloadContext;
        block = flue_block_to_protocol(OffloadBlockList);
    }
    FLUE_LIST_EACH_SAFE(hook, &adapter->bindings)
    {
        struct ndis_binding *binding = FLUE_CONTAINER_OF(hook, struct ndis_binding, hook);

        if (binding->protocol->has_generic && (handle == NULL || ndis_handle_binding(handle) == binding)) {
            binding->protocol->generic.IndicateOffloadEventHandler(binding->context, block, IndicationCode);
        }
    }
    if (block != NULL) {
        flue_block_to_miniport(block)->MiniportOffloadContext = slot;
    }
}
