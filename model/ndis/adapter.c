/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/adapter.c - the life of adapters and of the bindings above them.
 *
 * An adapter halts when all protocols above have answered the pause and no ledger of it, or of a virtual adapter that
 * stops with it, shows anything: trees, requests, lists in either direction (CH-213). Until then stopping it says "not
 * yet", and is tried again. */

#include "ndis/check.h"

static void free_binding(struct ndis_binding *binding)
{
    struct flue_ndis *ndis = binding->adapter->ndis;

    list_remove(&binding->hook);
    list_remove(&binding->of_protocol);
    ndis_give(ndis, binding, sizeof *binding);
}

void ndis_free_adapter(struct ndis_adapter *adapter)
{
    struct flue_ndis *ndis = adapter->ndis;

    FLUE_LIST_EACH_SAFE(hook, &adapter->bindings)
    {
        free_binding(FLUE_CONTAINER_OF(hook, struct ndis_binding, hook));
    }
    list_remove(&adapter->hook);
    ndis_give(ndis, adapter, sizeof *adapter);
}

bool ndis_binding_idle(const struct ndis_binding *binding)
{
    return flue_ndis_ledger_total(&binding->ledger) == 0;
}

bool ndis_unbind(struct ndis_binding *binding)
{
    struct ndis_protocol *protocol = binding->protocol;

    return protocol->calls.UnbindAdapterHandlerEx(binding, binding->context) == NDIS_STATUS_SUCCESS;
}

/* ---- Offers ---- */

/* Offers an adapter to a protocol.  A refusal is the protocol's right. */
static void offer(struct ndis_protocol *protocol, struct ndis_adapter *adapter)
{
    struct flue_ndis *ndis = adapter->ndis;
    struct ndis_protocol *outer = ndis->offering;
    NDIS_BIND_PARAMETERS parameters = {
        .Header = {.Type = NDIS_OBJECT_TYPE_DEFAULT, .Revision = 1, .Size = sizeof parameters},
        .AdapterName = adapter->name,
        .AdapterIndex = adapter->index,
        .TcpConnectionOffload = ndis_chimney(adapter) && adapter->has_current ? &adapter->current : NULL,
    };

    if (!adapter->stopping && ndis_may_open(protocol, adapter)) {
        ndis->offering = protocol;
        (void)protocol->calls.BindAdapterHandlerEx(protocol->context, adapter, &parameters);
        ndis->offering = outer;
    }
}

void ndis_offer_running(struct ndis_protocol *protocol)
{
    /* Adapters that start meanwhile, above what this protocol opens, are offered as they start. */
    uint32_t end = protocol->ndis->next_adapter_index;

    FLUE_LIST_EACH(hook, &protocol->ndis->adapters)
    {
        struct ndis_adapter *adapter = FLUE_CONTAINER_OF(hook, struct ndis_adapter, hook);

        if (adapter->index < end) {
            offer(protocol, adapter);
        }
    }
}

/* Intermediate drivers first: what they open is offered to nobody else. */
static void offer_to_all(struct ndis_adapter *adapter)
{
    for (unsigned others = 0; others < 2; others++) {
        FLUE_LIST_EACH(hook, &adapter->ndis->protocols)
        {
            struct ndis_protocol *protocol = FLUE_CONTAINER_OF(hook, struct ndis_protocol, hook);

            if ((protocol->partner == NULL) == (others == 1)) {
                offer(protocol, adapter);
            }
        }
    }
}

/* ---- Adapters ---- */

NDIS_STATUS ndis_adapter_start(struct ndis_driver *driver, const char *name, void *configuration,
                               struct ndis_adapter **out)
{
    struct flue_ndis *ndis = driver->ndis;
    NDIS_MINIPORT_INIT_PARAMETERS parameters = {
        .Header = {.Type = NDIS_OBJECT_TYPE_DEFAULT, .Revision = 1, .Size = sizeof parameters},
        .AdapterConfiguration = configuration,
    };
    struct ndis_adapter *adapter = (struct ndis_adapter *)ndis_take(ndis, sizeof *adapter);
    NDIS_STATUS status;

    *out = NULL;
    if (adapter == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    *adapter = (struct ndis_adapter){
        .tag = NDIS_TAG_ADAPTER,
        .index = ndis->next_adapter_index,
        .ndis = ndis,
        .driver = driver,
        .name = name,
        .power = NetDeviceStateD0,
    };
    list_init(&adapter->bindings);
    list_push_back(&ndis->adapters, &adapter->hook);
    adapter->initialising = true;
    status = driver->calls.InitializeHandlerEx(adapter, driver->context, &parameters);
    adapter->initialising = false;
    if (status != NDIS_STATUS_SUCCESS) {
        if (ndis_checked(ndis)) {
            check_halt(adapter);
        }
        ndis_free_adapter(adapter);
        return status;
    }
    if (ndis_checked(ndis)) {
        check_initialised(adapter);
    }
    ndis->next_adapter_index++;
    *out = adapter;
    offer_to_all(adapter);
    return NDIS_STATUS_SUCCESS;
}

flue_err flue_ndis_adapter_start(struct flue_ndis *ndis, NDIS_HANDLE NdisMiniportDriverHandle, const char *name,
                                 void *configuration, NDIS_HANDLE *adapter)
{
    struct ndis_driver *driver = ndis_driver_of(NdisMiniportDriverHandle);
    struct ndis_adapter *made;
    NDIS_STATUS status;

    assert(driver->ndis == ndis);
    (void)ndis;
    status = ndis_adapter_start(driver, name, configuration, &made);
    *adapter = made;
    if (status == NDIS_STATUS_SUCCESS) {
        return FLUE_OK;
    }
    return status == NDIS_STATUS_RESOURCES ? FLUE_ENOMEM : FLUE_ESTATE;
}

NDIS_STATUS ndis_adapter_stop(struct ndis_adapter *adapter)
{
    (void)ndis_pause(adapter);
    if (!ndis_quiet(adapter)) {
        return NDIS_STATUS_INVALID_STATE;
    }
    FLUE_LIST_EACH_SAFE(hook, &adapter->bindings)
    {
        if (!ndis_unbind(FLUE_CONTAINER_OF(hook, struct ndis_binding, hook))) {
            return NDIS_STATUS_INVALID_STATE;
        }
    }
    if (!list_empty(&adapter->bindings)) {
        return NDIS_STATUS_INVALID_STATE;
    }
    if (ndis_checked(adapter->ndis)) {
        check_halt(adapter);
    }
    adapter->driver->calls.HaltHandlerEx(adapter->context);
    ndis_free_adapter(adapter);
    return NDIS_STATUS_SUCCESS;
}

flue_err flue_ndis_adapter_stop(struct flue_ndis *ndis, NDIS_HANDLE adapter)
{
    assert(adapter == NULL || ndis_adapter_of(adapter)->ndis == ndis);
    (void)ndis;
    return adapter == NULL || ndis_adapter_stop(ndis_adapter_of(adapter)) == NDIS_STATUS_SUCCESS ? FLUE_OK
                                                                                                 : FLUE_ESTATE;
}

NDIS_STATUS NdisMSetMiniportAttributes(NDIS_HANDLE NdisMiniportHandle,
                                       const NDIS_MINIPORT_ADAPTER_ATTRIBUTES *MiniportAttributes)
{
    struct ndis_adapter *adapter;

    if (!ndis_is_adapter(NdisMiniportHandle)) {
        ndis_not_an_adapter(NdisMiniportHandle, NULL);
        return NDIS_STATUS_INVALID_STATE;
    }
    adapter = ndis_adapter_of(NdisMiniportHandle);
    if (!adapter->initialising) {
        return NDIS_STATUS_INVALID_STATE;
    }
    adapter->context = MiniportAttributes->MiniportAdapterContext;
    adapter->has_current = MiniportAttributes->TcpConnectionOffload != NULL;
    if (adapter->has_current) {
        adapter->current = *MiniportAttributes->TcpConnectionOffload;
    }
    adapter->has_hardware = MiniportAttributes->HardwareTcpConnectionOffload != NULL;
    if (adapter->has_hardware) {
        adapter->hardware = *MiniportAttributes->HardwareTcpConnectionOffload;
    }
    return NDIS_STATUS_SUCCESS;
}

/* ---- Bindings ---- */

NDIS_STATUS NdisOpenAdapterEx(NDIS_HANDLE NdisProtocolHandle, NDIS_HANDLE ProtocolBindingContext,
                              const NDIS_OPEN_PARAMETERS *OpenParameters, NDIS_HANDLE BindContext,
                              NDIS_HANDLE *NdisBindingHandle)
{
    struct ndis_protocol *protocol = ndis_protocol_of(NdisProtocolHandle);
    struct ndis_adapter *adapter = ndis_adapter_of(BindContext);
    struct ndis_binding *binding;

    (void)OpenParameters;
    *NdisBindingHandle = NULL;
    if (protocol->partner != NULL && !ndis_clear_for(protocol, adapter)) {
        return NDIS_STATUS_INVALID_STATE;
    }
    binding = (struct ndis_binding *)ndis_take(adapter->ndis, sizeof *binding);
    if (binding == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    *binding = (struct ndis_binding){
        .tag = NDIS_TAG_BINDING, .adapter = adapter, .protocol = protocol, .context = ProtocolBindingContext};
    list_push_back(&adapter->bindings, &binding->hook);
    list_push_back(&protocol->bindings, &binding->of_protocol);
    *NdisBindingHandle = binding;
    return NDIS_STATUS_SUCCESS;
}

NDIS_STATUS NdisCloseAdapterEx(NDIS_HANDLE NdisBindingHandle)
{
    struct ndis_binding *binding = ndis_binding_of(NdisBindingHandle);

    if (ndis_checked(binding->adapter->ndis)) {
        check_close(binding);
    }
    if (!ndis_binding_idle(binding)) {
        return NDIS_STATUS_INVALID_STATE;
    }
    ndis_forgive(binding);
    free_binding(binding);
    return NDIS_STATUS_SUCCESS;
}
