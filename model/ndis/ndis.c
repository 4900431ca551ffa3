/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/ndis.c - crossings that ordinary drivers know, too: the ordinary data path and status indications; and what all
 * crossings share.  The chimney's crossings are in tree.c (state operations) and data.c (data and events). */

#include "flue/env.h"
#include "ndis/check.h"

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

#ifdef FLUE_CHECKED_BUILD
/* Only an intermediate driver lends what is lent to it; such a list is lent once per layer. */
static void lend(PNET_BUFFER_LIST nbl, enum ndis_holder to, bool passed_on)
{
    assert(nbl->Holder == NDIS_HOLDER_OWNER || (passed_on && nbl->Holder == to));
    (void)passed_on;
    nbl->Holder = to;
    nbl->Layers++;
}

static void take_back(PNET_BUFFER_LIST nbl, enum ndis_holder from)
{
    assert(nbl->Holder == from && nbl->Layers > 0);
    (void)from;
    if (--nbl->Layers == 0) {
        nbl->Holder = NDIS_HOLDER_OWNER;
    }
}
#endif

uint64_t ndis_chain_cross(PNET_BUFFER_LIST first, struct ndis_binding *binding, enum ndis_holder from,
                          enum ndis_holder to)
{
    uint64_t count = 0;

    for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
#ifdef FLUE_CHECKED_BUILD
        if (ndis_checked(binding->adapter->ndis)) {
            /* The checker keeps the holder, and reports where an assertion would stop. */
        } else if (from == NDIS_HOLDER_OWNER) {
            lend(nbl, to,
                 to == NDIS_HOLDER_MINIPORT ? binding->protocol->partner != NULL
                                            : binding->adapter->driver->partner != NULL);
        } else {
            take_back(nbl, from);
        }
#endif
        nbl->SourceHandle = binding;
        count++;
    }
    (void)from;
    (void)to;
    return count;
}

/* The binding a completed list goes up to.  Lists that an intermediate driver passes through carry the binding below
 * it; with one binding above there is nothing to tell apart, with more the driver has restored SourceHandle. */
static struct ndis_binding *binding_above(struct ndis_adapter *adapter, const NET_BUFFER_LIST *nbl)
{
    struct flue_hook *hook = list_first(&adapter->bindings);
    struct ndis_binding *binding;

    if (adapter->driver->partner != NULL && hook != NULL && hook->next == &adapter->bindings) {
        return FLUE_CONTAINER_OF(hook, struct ndis_binding, hook);
    }
    binding = ndis_binding_of(nbl->SourceHandle);
    assert(binding->adapter == adapter);
    return binding;
}

void ndis_complete_up(struct ndis_adapter *adapter, PNET_BUFFER_LIST first, ndis_deliver_fn *deliver, ULONG flags)
{
    while (first != NULL) {
        struct ndis_binding *binding = binding_above(adapter, first);
        PNET_BUFFER_LIST mine = first, *mine_end = &mine, others = NULL, *others_end = &others;
        uint64_t count = 0;

        for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
            if (binding_above(adapter, nbl) == binding) {
#ifdef FLUE_CHECKED_BUILD
                if (!ndis_checked(adapter->ndis)) {
                    take_back(nbl, NDIS_HOLDER_MINIPORT);
                }
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
}

/* ---- Handles ---- */

/* Without a list or tree there is nobody to ask whether the checker is on: then the call fails, and that is all. */
void ndis_not_an_adapter(NDIS_HANDLE handle, NDIS_HANDLE source)
{
    const struct ndis_driver *driver = (const struct ndis_driver *)handle;
    const struct ndis_binding *binding = (const struct ndis_binding *)source;
    struct ndis_adapter *adapter = binding != NULL && binding->tag == NDIS_TAG_BINDING ? binding->adapter : NULL;
    struct flue_ndis *ndis = NULL;

    driver = driver != NULL && driver->tag == NDIS_TAG_DRIVER ? driver : NULL;
    if (adapter != NULL) {
        ndis = adapter->ndis;
    } else if (driver != NULL) {
        ndis = driver->ndis;
    }
    if (ndis != NULL) {
        assert(ndis_checked(ndis)); /* without the checker it is an error of the program */
        check_miniport_handle(ndis, handle, driver, adapter);
    }
}

/* ---- Ordinary data path ---- */

void NdisSendNetBufferLists(NDIS_HANDLE NdisBindingHandle, PNET_BUFFER_LIST NetBufferLists, NDIS_PORT_NUMBER PortNumber,
                            ULONG SendFlags)
{
    struct ndis_binding *binding = ndis_binding_of(NdisBindingHandle);
    struct ndis_adapter *adapter = binding->adapter;

    if (ndis_checked(adapter->ndis) && (NetBufferLists = check_frames_sent(binding, NetBufferLists)) == NULL) {
        return;
    }
    binding->ledger.ordinary_sends_out +=
        ndis_chain_cross(NetBufferLists, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_MINIPORT);
    adapter->driver->calls.SendNetBufferListsHandler(adapter->context, NetBufferLists, PortNumber, SendFlags);
}

static void deliver_sent(struct ndis_binding *binding, PNET_BUFFER_LIST first, uint64_t count, ULONG flags)
{
    ndis_settle(binding, &binding->ledger.ordinary_sends_out, count);
    binding->protocol->calls.SendNetBufferListsCompleteHandler(binding->context, first, flags);
}

void NdisMSendNetBufferListsComplete(NDIS_HANDLE NdisMiniportHandle, PNET_BUFFER_LIST NetBufferLists,
                                     ULONG SendCompleteFlags)
{
    struct ndis_adapter *adapter;

    if (!ndis_is_adapter(NdisMiniportHandle)) {
        ndis_not_an_adapter(NdisMiniportHandle, NetBufferLists == NULL ? NULL : NetBufferLists->SourceHandle);
        return;
    }
    adapter = ndis_adapter_of(NdisMiniportHandle);
    if (ndis_checked(adapter->ndis)) {
        NetBufferLists = check_frames_sent_back(adapter, NetBufferLists);
    }
    ndis_complete_up(adapter, NetBufferLists, deliver_sent, SendCompleteFlags);
}

void NdisMIndicateReceiveNetBufferLists(NDIS_HANDLE NdisMiniportHandle, PNET_BUFFER_LIST NetBufferLists,
                                        NDIS_PORT_NUMBER PortNumber, ULONG NumberOfNetBufferLists, ULONG ReceiveFlags)
{
    struct ndis_adapter *adapter;
    struct flue_hook *hook;
    struct ndis_binding *binding;

    if (!ndis_is_adapter(NdisMiniportHandle)) {
        ndis_not_an_adapter(NdisMiniportHandle, NULL);
        return;
    }
    adapter = ndis_adapter_of(NdisMiniportHandle);
    hook = list_first(&adapter->bindings);
    if (hook == NULL) {
        /* Nobody listens: the frames are the miniport's again. */
        adapter->driver->calls.ReturnNetBufferListsHandler(adapter->context, NetBufferLists, 0);
        return;
    }
    binding = FLUE_CONTAINER_OF(hook, struct ndis_binding, hook);
    if (ndis_checked(adapter->ndis)) {
        NetBufferLists = check_frames_indicated(binding, NetBufferLists, &NumberOfNetBufferLists);
        if (NetBufferLists == NULL) {
            return;
        }
    }
    binding->ledger.ordinary_receives_out +=
        ndis_chain_cross(NetBufferLists, binding, NDIS_HOLDER_OWNER, NDIS_HOLDER_PROTOCOL);
    binding->protocol->calls.ReceiveNetBufferListsHandler(binding->context, NetBufferLists, PortNumber,
                                                          NumberOfNetBufferLists, ReceiveFlags);
}

void NdisReturnNetBufferLists(NDIS_HANDLE NdisBindingHandle, PNET_BUFFER_LIST NetBufferLists, ULONG ReturnFlags)
{
    struct ndis_binding *binding = ndis_binding_of(NdisBindingHandle);
    struct ndis_adapter *adapter = binding->adapter;

    if (ndis_checked(adapter->ndis) && (NetBufferLists = check_frames_returned(binding, NetBufferLists)) == NULL) {
        return;
    }
    ndis_settle(binding, &binding->ledger.ordinary_receives_out,
                ndis_chain_cross(NetBufferLists, binding, NDIS_HOLDER_PROTOCOL, NDIS_HOLDER_OWNER));
    adapter->driver->calls.ReturnNetBufferListsHandler(adapter->context, NetBufferLists, ReturnFlags);
}

/* Some indications bring what the adapter can do from now on. */
static void learn(struct ndis_adapter *adapter, const NDIS_STATUS_INDICATION *indication)
{
    const NDIS_TCP_CONNECTION_OFFLOAD *capability = (const NDIS_TCP_CONNECTION_OFFLOAD *)indication->StatusBuffer;

    if (capability == NULL || indication->StatusBufferSize < sizeof *capability) {
        return;
    }
    switch (indication->StatusCode) {
    case NDIS_STATUS_OFFLOAD_RESUME:
    case NDIS_STATUS_UPLOAD_ALL:
        adapter->current = *capability;
        adapter->has_current = true;
        break;
    case NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES:
        adapter->hardware = *capability;
        adapter->has_hardware = true;
        break;
    default:
        break;
    }
}

void NdisMIndicateStatusEx(NDIS_HANDLE NdisMiniportHandle, PNDIS_STATUS_INDICATION StatusIndication)
{
    struct ndis_adapter *adapter;

    if (!ndis_is_adapter(NdisMiniportHandle)) {
        ndis_not_an_adapter(NdisMiniportHandle, NULL);
        return;
    }
    adapter = ndis_adapter_of(NdisMiniportHandle);
    ndis_trace(adapter->ndis, FLUE_POINT_ddi_status, StatusIndication->StatusCode, 0, 0);
    if (ndis_checked(adapter->ndis)) {
        check_status(adapter, StatusIndication);
    }
    learn(adapter, StatusIndication);
    FLUE_LIST_EACH_SAFE(hook, &adapter->bindings)
    {
        struct ndis_binding *binding = FLUE_CONTAINER_OF(hook, struct ndis_binding, hook);

        if (binding->protocol->calls.StatusHandlerEx != NULL) {
            binding->protocol->calls.StatusHandlerEx(binding->context, StatusIndication);
        }
    }
    if (ndis_checked(adapter->ndis)) {
        check_status_done(adapter);
    }
}
