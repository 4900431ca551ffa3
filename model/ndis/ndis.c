/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/ndis.c - crossings that ordinary drivers know, too: the ordinary data path and status indications; and what all
 * crossings share.  The chimney's crossings are in tree.c (state operations) and data.c (data and events). */

#include "flue/env.h"
#include "ndis/instance.h"

void flue_ndis_at(struct flue_ndis *ndis, flue_ps at_ps, uint32_t conn)
{
    ndis->at_ps = at_ps;
    ndis->conn = conn;
}

struct ndis_moment ndis_moment(struct flue_ndis *ndis)
{
    struct ndis_moment moment = {.at_ps = ndis->env->now(ndis->env->ctx), .conn = ndis->conn};

    if (ndis->at_ps > moment.at_ps) {
        moment.at_ps = ndis->at_ps;
    }
    ndis->at_ps = 0;
    ndis->conn = FLUE_NO_CONN;
    return moment;
}

void ndis_trace(struct flue_ndis *ndis, unsigned point, int64_t a, int64_t b, int64_t c)
{
    struct ndis_moment moment;

    if (ndis_traced(ndis)) {
        moment = ndis_moment(ndis);
        flue_trace_emit(ndis->trace, point, moment.at_ps, moment.conn, a, b, c, 0, 0, 0);
    }
}

uint64_t ndis_chain_cross(PNET_BUFFER_LIST first, struct ndis_binding *binding, enum ndis_holder from,
                          enum ndis_holder to)
{
    uint64_t count = 0;

    for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
#ifdef FLUE_CHECKED_BUILD
        assert(nbl->Holder == from);
        nbl->Holder = to;
#endif
        nbl->SourceHandle = binding;
        count++;
    }
    (void)from;
    (void)to;
    return count;
}

void ndis_complete_up(struct ndis_adapter *adapter, PNET_BUFFER_LIST first, ndis_deliver_fn *deliver, ULONG flags)
{
    while (first != NULL) {
        struct ndis_binding *binding = ndis_binding_of(first->SourceHandle);
        PNET_BUFFER_LIST mine = first, *mine_end = &mine, others = NULL, *others_end = &others;
        uint64_t count = 0;

        assert(binding->adapter == adapter);
        for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
            if (nbl->SourceHandle == binding) {
#ifdef FLUE_CHECKED_BUILD
                assert(nbl->Holder == NDIS_HOLDER_MINIPORT);
                nbl->Holder = NDIS_HOLDER_OWNER;
#endif
                *mine_end = nbl;
                mine_end = &nbl->Next;
                count++;
            } else {
                *others_end = nbl;
                others_end = &nbl->Next;
            }
        }
        *mine_end = NULL;
        *others_end = NULL;
        deliver(binding, mine, count, flags);
        first = others;
    }
    (void)adapter;
}

/* ---- Ordinary data path ---- */

void NdisSendNetBufferLists(NDIS_HANDLE NdisBindingHandle, PNET_BUFFER_LIST NetBufferLists, NDIS_PORT_NUMBER PortNumber,
                            ULONG SendFlags)
{
    struct ndis_binding *binding = ndis_binding_of(NdisBindingHandle);
    struct ndis_adapter *adapter = binding->adapter;

    binding->ledger.ordinary_sends_out +=
        ndis_chain_cross(NetBufferLists, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_MINIPORT);
    adapter->driver->calls.SendNetBufferListsHandler(adapter->context, NetBufferLists, PortNumber, SendFlags);
}

static void deliver_sent(struct ndis_binding *binding, PNET_BUFFER_LIST first, uint64_t count, ULONG flags)
{
    assert(binding->ledger.ordinary_sends_out >= count);
    binding->ledger.ordinary_sends_out -= count;
    binding->protocol->calls.SendNetBufferListsCompleteHandler(binding->context, first, flags);
}

void NdisMSendNetBufferListsComplete(NDIS_HANDLE NdisMiniportHandle, PNET_BUFFER_LIST NetBufferLists,
                                     ULONG SendCompleteFlags)
{
    ndis_complete_up(ndis_adapter_of(NdisMiniportHandle), NetBufferLists, deliver_sent, SendCompleteFlags);
}

void NdisMIndicateReceiveNetBufferLists(NDIS_HANDLE NdisMiniportHandle, PNET_BUFFER_LIST NetBufferLists,
                                        NDIS_PORT_NUMBER PortNumber, ULONG NumberOfNetBufferLists, ULONG ReceiveFlags)
{
    struct ndis_adapter *adapter = ndis_adapter_of(NdisMiniportHandle);
    struct flue_hook *hook = list_first(&adapter->bindings);
    struct ndis_binding *binding;

    if (hook == NULL) {
        /* Nobody listens: the frames are the miniport's again. */
        adapter->driver->calls.ReturnNetBufferListsHandler(adapter->context, NetBufferLists, 0);
        return;
    }
    binding = FLUE_CONTAINER_OF(hook, struct ndis_binding, hook);
    binding->ledger.ordinary_receives_out +=
        ndis_chain_cross(NetBufferLists, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_PROTOCOL);
    binding->protocol->calls.ReceiveNetBufferListsHandler(binding->context, NetBufferLists, PortNumber,
                                                          NumberOfNetBufferLists, ReceiveFlags);
}

void NdisReturnNetBufferLists(NDIS_HANDLE NdisBindingHandle, PNET_BUFFER_LIST NetBufferLists, ULONG ReturnFlags)
{
    struct ndis_binding *binding = ndis_binding_of(NdisBindingHandle);
    struct ndis_adapter *adapter = binding->adapter;
    uint64_t count = ndis_chain_cross(NetBufferLists, binding, NDIS_HOLDER_PROTOCOL, NDIS_HOLDER_OWNER);

    assert(binding->ledger.ordinary_receives_out >= count);
    binding->ledger.ordinary_receives_out -= count;
    adapter->driver->calls.ReturnNetBufferListsHandler(adapter->context, NetBufferLists, ReturnFlags);
}

void NdisMIndicateStatusEx(NDIS_HANDLE NdisMiniportHandle, PNDIS_STATUS_INDICATION StatusIndication)
{
    struct ndis_adapter *adapter = ndis_adapter_of(NdisMiniportHandle);

    ndis_trace(adapter->ndis, FLUE_POINT_ddi_status, StatusIndication->StatusCode, 0, 0);
    FLUE_LIST_EACH_SAFE(hook, &adapter->bindings)
    {
        struct ndis_binding *binding = FLUE_CONTAINER_OF(hook, struct ndis_binding, hook);

        if (binding->protocol->calls.StatusHandlerEx != NULL) {
            binding->protocol->calls.StatusHandlerEx(binding->context, StatusIndication);
        }
    }
}
