/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/data.c - the chimney's data functions, their completions, and the indications of T.
 *
 * Down: the connection's handle leads to the binding, the binding to T; T gets the PVOID it wrote into the slot (D-01).
 * Up, completions: each NBL knows its binding (SourceHandle); what belongs to one binding goes up in one call, whatever
 * connections it mixes.  Up, indications: T's NdisOffloadHandle is the address of the receiver's own handle (D-03). */

#include "ndis/check.h"

/* ---- Down ---- */

/* Not SUCCESS: the call goes no further, and has this answer. */
static NDIS_STATUS checked_down(struct ndis_binding *binding, enum ndis_request request, PNDIS_OFFLOAD_HANDLE handle,
                                PNET_BUFFER_LIST first, ULONG flags)
{
    NDIS_STATUS answer = NDIS_STATUS_SUCCESS;

    if (ndis_checked(binding->adapter->ndis)) {
        answer = check_data_down(binding, request, handle, first, flags);
        if (answer == NDIS_STATUS_SUCCESS) {
            check_im_data_down(binding, request, handle, first, flags);
        }
    }
    return answer;
}

NDIS_STATUS NdisOffloadTcpSend(PNDIS_OFFLOAD_HANDLE NdisOffloadHandle, PNET_BUFFER_LIST NetBufferList)
{
    struct ndis_binding *binding = ndis_handle_binding(NdisOffloadHandle);
    struct ndis_adapter *adapter = binding->adapter;
    NDIS_STATUS answer;

    answer = checked_down(binding, NDIS_SEND, NdisOffloadHandle, NetBufferList, 0);
    if (answer != NDIS_STATUS_SUCCESS) {
        return answer;
    }
    binding->ledger.sends_out += ndis_chain_cross(NetBufferList, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_MINIPORT);
    if (ndis_traced(adapter->ndis)) {
        ndis_trace(adapter->ndis, FLUE_POINT_ddi_send, (int64_t)ndis_chain_bytes(NetBufferList), 0, 0);
    }
    answer =
        adapter->driver->tcp.TcpOffloadSendHandler(adapter->context, FLUE_DATA_CTX(NdisOffloadHandle), NetBufferList);
    if (ndis_checked(adapter->ndis)) {
        check_data_called(binding, NDIS_SEND, NdisOffloadHandle, answer);
    }
    return answer;
}

NDIS_STATUS NdisOffloadTcpReceive(PNDIS_OFFLOAD_HANDLE NdisOffloadHandle, PNET_BUFFER_LIST NetBufferList)
{
    struct ndis_binding *binding = ndis_handle_binding(NdisOffloadHandle);
    struct ndis_adapter *adapter = binding->adapter;
    NDIS_STATUS answer;

    answer = checked_down(binding, NDIS_RECEIVE, NdisOffloadHandle, NetBufferList, 0);
    if (answer != NDIS_STATUS_SUCCESS) {
        return answer;
    }
    binding->ledger.receives_out += ndis_chain_cross(NetBufferList, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_MINIPORT);
    if (ndis_traced(adapter->ndis)) {
        ndis_trace(adapter->ndis, FLUE_POINT_ddi_receive, (int64_t)ndis_chain_bytes(NetBufferList), 0, 0);
    }
    answer = adapter->driver->tcp.TcpOffloadReceiveHandler(adapter->context, FLUE_DATA_CTX(NdisOffloadHandle),
                                                           NetBufferList);
    if (ndis_checked(adapter->ndis)) {
        check_data_called(binding, NDIS_RECEIVE, NdisOffloadHandle, answer);
    }
    return answer;
}

NDIS_STATUS NdisOffloadTcpDisconnect(PNDIS_OFFLOAD_HANDLE NdisOffloadHandle, PNET_BUFFER_LIST NetBufferList,
                                     ULONG Flags)
{
    struct ndis_binding *binding = ndis_handle_binding(NdisOffloadHandle);
    struct ndis_adapter *adapter = binding->adapter;
    NDIS_STATUS answer;

    answer = checked_down(binding, NDIS_DISCONNECT, NdisOffloadHandle, NetBufferList, Flags);
    if (answer != NDIS_STATUS_SUCCESS) {
        return answer;
    }
    assert(ndis_checked(adapter->ndis) || NetBufferList->Next == NULL); /* D-05 */
    binding->ledger.disconnects_out +=
        ndis_chain_cross(NetBufferList, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_MINIPORT);
    if (ndis_traced(adapter->ndis)) {
        ndis_trace(adapter->ndis, FLUE_POINT_ddi_disconnect, Flags, (int64_t)ndis_nbl_bytes(NetBufferList), 0);
    }
    answer = adapter->driver->tcp.TcpOffloadDisconnectHandler(adapter->context, FLUE_DATA_CTX(NdisOffloadHandle),
                                                              NetBufferList, Flags);
    if (ndis_checked(adapter->ndis)) {
        check_data_called(binding, NDIS_DISCONNECT, NdisOffloadHandle, answer);
    }
    return answer;
}

NDIS_STATUS NdisOffloadTcpForward(PNDIS_OFFLOAD_HANDLE NdisOffloadHandle, PNET_BUFFER_LIST NetBufferList)
{
    struct ndis_binding *binding = ndis_handle_binding(NdisOffloadHandle);
    struct ndis_adapter *adapter = binding->adapter;
    NDIS_STATUS answer;
    uint64_t count;

    answer = checked_down(binding, NDIS_FORWARD, NdisOffloadHandle, NetBufferList, 0);
    if (answer != NDIS_STATUS_SUCCESS) {
        return answer;
    }
    count = ndis_chain_cross(NetBufferList, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_MINIPORT);
    binding->ledger.forwards_out += count;
    ndis_trace(adapter->ndis, FLUE_POINT_ddi_forward, (int64_t)count, 0, 0);
    answer = adapter->driver->tcp.TcpOffloadForwardHandler(adapter->context, FLUE_DATA_CTX(NdisOffloadHandle),
                                                           NetBufferList);
    if (ndis_checked(adapter->ndis)) {
        check_data_called(binding, NDIS_FORWARD, NdisOffloadHandle, answer);
    }
    return answer;
}

NDIS_STATUS NdisOffloadTcpReceiveReturn(NDIS_HANDLE NdisBindingHandle, PNET_BUFFER_LIST NetBufferList)
{
    struct ndis_binding *binding = ndis_binding_of(NdisBindingHandle);
    struct ndis_adapter *adapter = binding->adapter;
    NDIS_STATUS answer;
    uint64_t count;

    if (ndis_checked(adapter->ndis)) {
        NetBufferList = check_receive_return(binding, NetBufferList);
        if (NetBufferList == NULL) {
            return NDIS_STATUS_SUCCESS;
        }
    }
    count = ndis_chain_cross(NetBufferList, binding, NDIS_HOLDER_PROTOCOL, NDIS_HOLDER_OWNER);
    ndis_settle(binding, &binding->ledger.indicated_out, count);
    ndis_trace(adapter->ndis, FLUE_POINT_ddi_receive_return, (int64_t)count, 0, 0);
    answer = adapter->driver->tcp.TcpOffloadReceiveReturnHandler(adapter->context, NetBufferList);
    if (ndis_checked(adapter->ndis)) {
        check_receive_returned(binding, answer);
    }
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

static void deliver_send(struct ndis_binding *binding, PNET_BUFFER_LIST first, uint64_t count, ULONG flags)
{
    struct flue_ndis *ndis = binding->adapter->ndis;

    (void)flags;
    ndis_settle(binding, &binding->ledger.sends_out, count);
    if (ndis_traced(ndis)) {
        ndis_trace(ndis, FLUE_POINT_ddi_send_complete, transferred(first), first->Status, 0);
    }
    binding->protocol->tcp.TcpOffloadSendCompleteHandler(binding->context, first);
}

static void deliver_receive(struct ndis_binding *binding, PNET_BUFFER_LIST first, uint64_t count, ULONG flags)
{
    struct flue_ndis *ndis = binding->adapter->ndis;

    (void)flags;
    ndis_settle(binding, &binding->ledger.receives_out, count);
    if (ndis_traced(ndis)) {
        ndis_trace(ndis, FLUE_POINT_ddi_receive_complete, transferred(first), first->Status, 0);
    }
    binding->protocol->tcp.TcpOffloadReceiveCompleteHandler(binding->context, first);
}

static void deliver_disconnect(struct ndis_binding *binding, PNET_BUFFER_LIST first, uint64_t count, ULONG flags)
{
    (void)flags;
    assert(ndis_checked(binding->adapter->ndis) || count == 1); /* D-05 */
    ndis_settle(binding, &binding->ledger.disconnects_out, count);
    ndis_trace(binding->adapter->ndis, FLUE_POINT_ddi_disconnect_complete, first->Status, 0, 0);
    binding->protocol->tcp.TcpOffloadDisconnectCompleteHandler(binding->context, first);
}

static void deliver_forward(struct ndis_binding *binding, PNET_BUFFER_LIST first, uint64_t count, ULONG flags)
{
    (void)flags;
    ndis_settle(binding, &binding->ledger.forwards_out, count);
    ndis_trace(binding->adapter->ndis, FLUE_POINT_ddi_forward_complete, (int64_t)count, first->Status, 0);
    binding->protocol->tcp.TcpOffloadForwardCompleteHandler(binding->context, first);
}

static void complete(NDIS_HANDLE miniport_handle, enum ndis_request request, PNET_BUFFER_LIST first,
                     ndis_deliver_fn *deliver)
{
    struct ndis_adapter *adapter;

    if (!ndis_is_adapter(miniport_handle)) {
        ndis_not_an_adapter(miniport_handle, first == NULL ? NULL : first->SourceHandle);
        return;
    }
    adapter = ndis_adapter_of(miniport_handle);
    if (ndis_checked(adapter->ndis)) {
        first = check_data_up(adapter, request, first);
        check_im_data_up(adapter, first);
    }
    ndis_complete_up(adapter, first, deliver, 0);
    if (ndis_checked(adapter->ndis)) {
        check_data_completed(adapter, request);
    }
}

static void send_complete(NDIS_HANDLE NdisMiniportHandle, PNET_BUFFER_LIST NetBufferList)
{
    complete(NdisMiniportHandle, NDIS_SEND, NetBufferList, deliver_send);
}

static void receive_complete(NDIS_HANDLE NdisMiniportHandle, PNET_BUFFER_LIST NetBufferList)
{
    complete(NdisMiniportHandle, NDIS_RECEIVE, NetBufferList, deliver_receive);
}

static void disconnect_complete(NDIS_HANDLE NdisMiniportHandle, PNET_BUFFER_LIST NetBufferList)
{
    complete(NdisMiniportHandle, NDIS_DISCONNECT, NetBufferList, deliver_disconnect);
}

static void forward_complete(NDIS_HANDLE NdisMiniportHandle, PNET_BUFFER_LIST NetBufferList)
{
    complete(NdisMiniportHandle, NDIS_FORWARD, NetBufferList, deliver_forward);
}

/* ---- Indications ---- */

/* An adapter where an object's handle should be (D-03).  A handle begins with a pointer, and no pointer looks like the
 * beginning of an adapter that has asked for its entry points. */
static struct ndis_adapter *adapter_named(NDIS_HANDLE handle)
{
    struct ndis_adapter *adapter = (struct ndis_adapter *)handle;

    return ndis_is_adapter(handle) && adapter->has_handlers && !adapter->initialising ? adapter : NULL;
}

/* The binding of an object that a call from below names, or NULL: then the call fails, and whose it was shows only if
 * the handle is N's own, of another kind.  rule: what it breaks. */
static struct ndis_binding *binding_named(const NDIS_OFFLOAD_HANDLE *handle, unsigned rule)
{
    struct ndis_adapter *adapter = adapter_named((NDIS_HANDLE)(uintptr_t)handle);
    struct ndis_binding *binding =
        handle == NULL || adapter != NULL ? NULL : (struct ndis_binding *)handle->NdisReserved[0];

    if (adapter != NULL && ndis_checked(adapter->ndis)) {
        check_no_object(adapter, rule);
    }
    return binding != NULL && binding->tag == NDIS_TAG_BINDING ? binding : NULL;
}

static void event(NDIS_HANDLE NdisOffloadHandle, ULONG EventType, ULONG EventSpecificInformation)
{
    PNDIS_OFFLOAD_HANDLE handle = (PNDIS_OFFLOAD_HANDLE)NdisOffloadHandle;
    struct ndis_binding *binding = binding_named(handle, 247);
    struct flue_ndis *ndis;

    if (binding == NULL) {
        return;
    }
    ndis = binding->adapter->ndis;
    if (ndis_checked(ndis)) {
        check_im_event(binding, handle, EventType, EventSpecificInformation);
        if (!check_event(ndis, handle, EventType, EventSpecificInformation)) {
            check_im_stopped(binding);
            return;
        }
    }
    ndis_trace(ndis, FLUE_POINT_ddi_event, EventType, EventSpecificInformation, 0);
    binding->protocol->tcp.TcpOffloadEventHandler(handle, EventType, EventSpecificInformation);
    if (ndis_checked(ndis)) {
        check_im_event_done(binding);
        check_event_done(ndis, handle);
    }
}

static NDIS_STATUS receive(NDIS_HANDLE NdisOffloadHandle, PNET_BUFFER_LIST NetBufferList, NDIS_STATUS Status,
                           ULONG *BytesConsumed)
{
    PNDIS_OFFLOAD_HANDLE handle = (PNDIS_OFFLOAD_HANDLE)NdisOffloadHandle;
    struct ndis_binding *binding = binding_named(handle, 199);
    struct ndis_moment moment = {0};
    struct flue_ndis *ndis;
    int64_t bytes = 0;
    NDIS_STATUS answer;
    bool traced;

    *BytesConsumed = 0;
    if (binding == NULL || NetBufferList == NULL) {
        return NDIS_STATUS_INVALID_STATE;
    }
    ndis = binding->adapter->ndis;
    traced = ndis_traced(ndis);
    assert(ndis_checked(ndis) || NetBufferList->Next == NULL);
    if (ndis_checked(ndis)) {
        check_im_indicate(binding, handle, NetBufferList, Status);
        if (!check_indicate(ndis, handle, NetBufferList, Status)) {
            check_im_stopped(binding);
            return NDIS_STATUS_INVALID_STATE;
        }
    }
    if (traced) {
        /* Read now: the host may give the NBL back before it answers. */
        moment = ndis_moment(ndis);
        bytes = (int64_t)ndis_nbl_bytes(NetBufferList);
    }
    binding->ledger.indicated_out += ndis_chain_cross(NetBufferList, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_PROTOCOL);
    answer = binding->protocol->tcp.TcpOffloadReceiveIndicateHandler(handle, NetBufferList, Status, BytesConsumed);
    if (answer != NDIS_STATUS_SUCCESS) {
        binding->ledger.indicated_out -=
            ndis_chain_cross(NetBufferList, binding, NDIS_HOLDER_PROTOCOL, NDIS_HOLDER_OWNER);
    }
    if (ndis_checked(ndis)) {
        check_im_indicated(binding, NetBufferList, answer, *BytesConsumed);
        check_indicated(ndis, handle, NetBufferList, answer, *BytesConsumed);
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
    struct ndis_adapter *adapter;

    *OffloadHandlers = NULL;
    if (!ndis_is_adapter(NdisMiniportHandle)) {
        ndis_not_an_adapter(NdisMiniportHandle, NULL);
        return NDIS_STATUS_INVALID_STATE;
    }
    adapter = ndis_adapter_of(NdisMiniportHandle);
    if (ndis_checked(adapter->ndis)) {
        check_get_handlers(adapter, (unsigned)ChimneyType);
    }
    if (ChimneyType != NdisTcpChimneyOffload) {
        if (ndis_checked(adapter->ndis)) {
            *OffloadHandlers = check_refused_table(adapter); /* not valid, and watched */
        }
        return STATUS_NOT_SUPPORTED;
    }
    if (!adapter->initialising || adapter->has_handlers) {
        return NDIS_STATUS_INVALID_STATE;
    }
    adapter->has_handlers = true;
    adapter->handlers = (NDIS_TCP_OFFLOAD_EVENT_HANDLERS){
        .Header = {.Type = NdisTcpChimneyOffload,
                   .Revision = adapter->ndis->handlers_revision,
                   .Size = sizeof adapter->handlers},
        .NdisTcpOffloadEventHandler = event,
        .NdisTcpOffloadReceiveHandler = receive,
        .NdisTcpOffloadSendComplete = send_complete,
        .NdisTcpOffloadReceiveComplete = receive_complete,
        .NdisTcpOffloadDisconnectComplete = disconnect_complete,
        .NdisTcpOffloadForwardComplete = forward_complete,
    };
    if (ndis_checked(adapter->ndis)) {
        check_offered(adapter);
    }
    *OffloadHandlers = (PNDIS_OFFLOAD_EVENT_HANDLERS)(void *)&adapter->handlers;
    return STATUS_SUCCESS;
}

void NdisMOffloadEventIndicate(NDIS_HANDLE NdisMiniportHandle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList,
                               ULONG IndicationCode)
{
    struct ndis_adapter *adapter;
    PNDIS_OFFLOAD_HANDLE handle = NULL;
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = NULL;
    PVOID *slot = NULL;

    if (!ndis_is_adapter(NdisMiniportHandle)) {
        handle = OffloadBlockList == NULL ? NULL : (PNDIS_OFFLOAD_HANDLE)OffloadBlockList->NdisOffloadHandle;
        ndis_not_an_adapter(NdisMiniportHandle, handle == NULL ? NULL : handle->NdisReserved[0]);
        return;
    }
    adapter = ndis_adapter_of(NdisMiniportHandle);
    if (ndis_checked(adapter->ndis)) {
        if (!check_generic_event(adapter, OffloadBlockList, IndicationCode)) {
            return;
        }
        check_power_indicated(adapter, OffloadBlockList);
    }
    if (ndis_checked(adapter->ndis)) {
        check_im_generic_event(adapter, OffloadBlockList, IndicationCode);
    }
    ndis_trace(adapter->ndis, FLUE_POINT_ddi_generic_event, IndicationCode, 0, 0);
    if (OffloadBlockList != NULL) {
        assert(ndis_checked(adapter->ndis) ||
               (OffloadBlockList->NextBlock == NULL && OffloadBlockList->DependentBlockList == NULL));
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
    if (ndis_checked(adapter->ndis)) {
        check_im_generic_event_done(adapter, OffloadBlockList);
        check_generic_event_done(adapter, OffloadBlockList, IndicationCode);
    }
}
