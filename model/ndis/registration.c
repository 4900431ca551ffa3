/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/registration.c - the life of drivers, adapters and bindings. */

#include "flue/env.h"
#include "ndis/instance.h"

static void *take(const struct flue_ndis *ndis, size_t bytes)
{
    return ndis->env->allocate(ndis->env->ctx, bytes);
}

static void give(const struct flue_ndis *ndis, void *memory, size_t bytes)
{
    ndis->env->release(ndis->env->ctx, memory, bytes);
}

flue_err flue_ndis_new(const struct flue_env *env, const struct flue_trace *trace, struct flue_ndis **out)
{
    struct flue_ndis *ndis = (struct flue_ndis *)env->allocate(env->ctx, sizeof *ndis);

    *out = ndis;
    if (ndis == NULL) {
        return FLUE_ENOMEM;
    }
    ndis->env = env;
    ndis->trace = trace;
    ndis->conn = FLUE_NO_CONN;
    list_init(&ndis->drivers);
    list_init(&ndis->protocols);
    list_init(&ndis->adapters);
    return FLUE_OK;
}

static void free_binding(struct ndis_binding *binding)
{
    struct flue_ndis *ndis = binding->adapter->ndis;

    list_remove(&binding->hook);
    give(ndis, binding, sizeof *binding);
}

static void free_adapter(struct ndis_adapter *adapter)
{
    struct flue_ndis *ndis = adapter->ndis;

    FLUE_LIST_EACH_SAFE(hook, &adapter->bindings)
    {
        free_binding(FLUE_CONTAINER_OF(hook, struct ndis_binding, hook));
    }
    list_remove(&adapter->hook);
    give(ndis, adapter, sizeof *adapter);
}

static void free_driver(struct ndis_driver *driver)
{
    list_remove(&driver->hook);
    give(driver->ndis, driver, sizeof *driver);
}

static void free_protocol(struct ndis_protocol *protocol)
{
    list_remove(&protocol->hook);
    give(protocol->ndis, protocol, sizeof *protocol);
}

void flue_ndis_free(struct flue_ndis *ndis)
{
    const struct flue_env *env;

    if (ndis == NULL) {
        return;
    }
    FLUE_LIST_EACH_SAFE(hook, &ndis->adapters)
    {
        free_adapter(FLUE_CONTAINER_OF(hook, struct ndis_adapter, hook));
    }
    FLUE_LIST_EACH_SAFE(hook, &ndis->protocols)
    {
        free_protocol(FLUE_CONTAINER_OF(hook, struct ndis_protocol, hook));
    }
    FLUE_LIST_EACH_SAFE(hook, &ndis->drivers)
    {
        free_driver(FLUE_CONTAINER_OF(hook, struct ndis_driver, hook));
    }
    env = ndis->env;
    env->release(env->ctx, ndis, sizeof *ndis);
}

/* ---- Ledgers ---- */

struct flue_ndis_ledger flue_ndis_binding_ledger(NDIS_HANDLE NdisBindingHandle)
{
    return ndis_binding_of(NdisBindingHandle)->ledger;
}

struct flue_ndis_ledger flue_ndis_adapter_ledger(NDIS_HANDLE NdisMiniportHandle)
{
    struct flue_ndis_ledger sum = {0};

    FLUE_LIST_EACH(hook, &ndis_adapter_of(NdisMiniportHandle)->bindings)
    {
        const struct flue_ndis_ledger *one = &FLUE_CONTAINER_OF(hook, struct ndis_binding, hook)->ledger;

        sum.ordinary_sends_out += one->ordinary_sends_out;
        sum.ordinary_receives_out += one->ordinary_receives_out;
        sum.sends_out += one->sends_out;
        sum.receives_out += one->receives_out;
        sum.disconnects_out += one->disconnects_out;
        sum.forwards_out += one->forwards_out;
        sum.indicated_out += one->indicated_out;
        sum.trees_out += one->trees_out;
    }
    return sum;
}

uint64_t flue_ndis_ledger_total(const struct flue_ndis_ledger *ledger)
{
    return ledger->ordinary_sends_out + ledger->ordinary_receives_out + ledger->sends_out + ledger->receives_out +
           ledger->disconnects_out + ledger->forwards_out + ledger->indicated_out + ledger->trees_out;
}

static bool binding_idle(const struct ndis_binding *binding)
{
    return flue_ndis_ledger_total(&binding->ledger) == 0;
}

/* ---- Drivers ---- */

static bool header_is(const NDIS_OBJECT_HEADER *header, UCHAR type, size_t size)
{
    return header->Type == type && header->Revision == 1 && header->Size == size;
}

NDIS_STATUS NdisMRegisterMiniportDriver(struct flue_ndis *DriverObject, NDIS_HANDLE MiniportDriverContext,
                                        const NDIS_MINIPORT_DRIVER_CHARACTERISTICS *MiniportDriverCharacteristics,
                                        NDIS_HANDLE *NdisMiniportDriverHandle)
{
    const NDIS_MINIPORT_DRIVER_CHARACTERISTICS *calls = MiniportDriverCharacteristics;
    NDIS_STATUS status = NDIS_STATUS_SUCCESS;
    struct ndis_driver *driver;

    *NdisMiniportDriverHandle = NULL;
    if (!header_is(&calls->Header, NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS, sizeof *calls) ||
        calls->InitializeHandlerEx == NULL || calls->HaltHandlerEx == NULL ||
        calls->SendNetBufferListsHandler == NULL || calls->ReturnNetBufferListsHandler == NULL) {
        return NDIS_STATUS_BAD_CHARACTERISTICS;
    }
    driver = (struct ndis_driver *)take(DriverObject, sizeof *driver);
    if (driver == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    *driver = (struct ndis_driver){
        .tag = NDIS_TAG_DRIVER, .ndis = DriverObject, .context = MiniportDriverContext, .calls = *calls};
    list_push_back(&DriverObject->drivers, &driver->hook);
    if (calls->SetOptionsHandler != NULL) {
        driver->in_set_options = true;
        status = calls->SetOptionsHandler(driver, MiniportDriverContext);
        driver->in_set_options = false;
    }
    if (status == NDIS_STATUS_SUCCESS && driver->has_generic != driver->has_tcp) {
        status = NDIS_STATUS_BAD_CHARACTERISTICS;
    }
    if (status != NDIS_STATUS_SUCCESS) {
        free_driver(driver);
        return status;
    }
    *NdisMiniportDriverHandle = driver;
    return NDIS_STATUS_SUCCESS;
}

NDIS_STATUS NdisMDeregisterMiniportDriver(NDIS_HANDLE NdisMiniportDriverHandle)
{
    struct ndis_driver *driver = (struct ndis_driver *)NdisMiniportDriverHandle;

    assert(driver != NULL && driver->tag == NDIS_TAG_DRIVER);
    FLUE_LIST_EACH(hook, &driver->ndis->adapters)
    {
        if (FLUE_CONTAINER_OF(hook, struct ndis_adapter, hook)->driver == driver) {
            return NDIS_STATUS_INVALID_STATE;
        }
    }
    free_driver(driver);
    return NDIS_STATUS_SUCCESS;
}

/* Offers an adapter to a protocol.  A refusal is the protocol's right. */
static void offer(struct ndis_protocol *protocol, struct ndis_adapter *adapter)
{
    NDIS_BIND_PARAMETERS parameters = {
        .Header = {.Type = NDIS_OBJECT_TYPE_DEFAULT, .Revision = 1, .Size = sizeof parameters},
        .AdapterName = adapter->name,
        .AdapterIndex = adapter->index,
    };

    (void)protocol->calls.BindAdapterHandlerEx(protocol->context, adapter, &parameters);
}

NDIS_STATUS NdisRegisterProtocolDriver(struct flue_ndis *DriverObject, NDIS_HANDLE ProtocolDriverContext,
                                       const NDIS_PROTOCOL_DRIVER_CHARACTERISTICS *ProtocolCharacteristics,
                                       NDIS_HANDLE *NdisProtocolHandle)
{
    const NDIS_PROTOCOL_DRIVER_CHARACTERISTICS *calls = ProtocolCharacteristics;
    NDIS_STATUS status = NDIS_STATUS_SUCCESS;
    struct ndis_protocol *protocol;

    *NdisProtocolHandle = NULL;
    if (!header_is(&calls->Header, NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS, sizeof *calls) ||
        calls->BindAdapterHandlerEx == NULL || calls->UnbindAdapterHandlerEx == NULL ||
        calls->ReceiveNetBufferListsHandler == NULL || calls->SendNetBufferListsCompleteHandler == NULL) {
        return NDIS_STATUS_BAD_CHARACTERISTICS;
    }
    protocol = (struct ndis_protocol *)take(DriverObject, sizeof *protocol);
    if (protocol == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    *protocol = (struct ndis_protocol){
        .tag = NDIS_TAG_PROTOCOL, .ndis = DriverObject, .context = ProtocolDriverContext, .calls = *calls};
    list_push_back(&DriverObject->protocols, &protocol->hook);
    if (calls->SetOptionsHandler != NULL) {
        protocol->in_set_options = true;
        status = calls->SetOptionsHandler(protocol, ProtocolDriverContext);
        protocol->in_set_options = false;
    }
    if (status == NDIS_STATUS_SUCCESS && protocol->has_generic != protocol->has_tcp) {
        status = NDIS_STATUS_BAD_CHARACTERISTICS;
    }
    if (status != NDIS_STATUS_SUCCESS) {
        free_protocol(protocol);
        return status;
    }
    *NdisProtocolHandle = protocol;
    FLUE_LIST_EACH(hook, &DriverObject->adapters)
    {
        offer(protocol, FLUE_CONTAINER_OF(hook, struct ndis_adapter, hook));
    }
    return NDIS_STATUS_SUCCESS;
}

/* Asks the protocol to close a binding; false if it did not. */
static bool unbind(struct ndis_binding *binding)
{
    struct ndis_protocol *protocol = binding->protocol;

    return protocol->calls.UnbindAdapterHandlerEx(binding, binding->context) == NDIS_STATUS_SUCCESS;
}

NDIS_STATUS NdisDeregisterProtocolDriver(NDIS_HANDLE NdisProtocolHandle)
{
    struct ndis_protocol *protocol = (struct ndis_protocol *)NdisProtocolHandle;

    assert(protocol != NULL && protocol->tag == NDIS_TAG_PROTOCOL);
    /* First look at all bindings, then close: nothing is called if one of them is busy. */
    for (unsigned closing = 0; closing < 2; closing++) {
        FLUE_LIST_EACH(adapter_hook, &protocol->ndis->adapters)
        {
            struct ndis_adapter *adapter = FLUE_CONTAINER_OF(adapter_hook, struct ndis_adapter, hook);

            FLUE_LIST_EACH_SAFE(hook, &adapter->bindings)
            {
                struct ndis_binding *binding = FLUE_CONTAINER_OF(hook, struct ndis_binding, hook);

                if (binding->protocol == protocol && !(closing ? unbind(binding) : binding_idle(binding))) {
                    return NDIS_STATUS_INVALID_STATE;
                }
            }
        }
    }
    free_protocol(protocol);
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS set_driver_handlers(struct ndis_driver *driver, const NDIS_OBJECT_HEADER *header)
{
    if (header_is(header, NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, sizeof driver->generic)) {
        const NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS *given =
            (const NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS *)(const void *)header;

        if (given->InitiateOffloadHandler == NULL || given->TerminateOffloadHandler == NULL ||
            given->UpdateOffloadHandler == NULL || given->InvalidateOffloadHandler == NULL ||
            given->QueryOffloadHandler == NULL) {
            return NDIS_STATUS_BAD_CHARACTERISTICS;
        }
        driver->generic = *given;
        driver->has_generic = true;
        return NDIS_STATUS_SUCCESS;
    }
    if (header_is(header, NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS, sizeof driver->tcp)) {
        const NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS *given =
            (const NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS *)(const void *)header;

        if (given->OffloadType != NdisTcpChimneyOffload || given->TcpOffloadSendHandler == NULL ||
            given->TcpOffloadReceiveHandler == NULL || given->TcpOffloadDisconnectHandler == NULL ||
            given->TcpOffloadForwardHandler == NULL || given->TcpOffloadReceiveReturnHandler == NULL) {
            return NDIS_STATUS_BAD_CHARACTERISTICS;
        }
        driver->tcp = *given;
        driver->has_tcp = true;
        return NDIS_STATUS_SUCCESS;
    }
    return NDIS_STATUS_BAD_CHARACTERISTICS;
}

static NDIS_STATUS set_protocol_handlers(struct ndis_protocol *protocol, const NDIS_OBJECT_HEADER *header)
{
    if (header_is(header, NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, sizeof protocol->generic)) {
        const NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS *given =
            (const NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS *)(const void *)header;

        if (given->InitiateOffloadCompleteHandler == NULL || given->TerminateOffloadCompleteHandler == NULL ||
            given->UpdateOffloadCompleteHandler == NULL || given->InvalidateOffloadCompleteHandler == NULL ||
            given->QueryOffloadCompleteHandler == NULL || given->IndicateOffloadEventHandler == NULL) {
            return NDIS_STATUS_BAD_CHARACTERISTICS;
        }
        protocol->generic = *given;
        protocol->has_generic = true;
        return NDIS_STATUS_SUCCESS;
    }
    if (header_is(header, NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS, sizeof protocol->tcp)) {
        const NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS *given =
            (const NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS *)(const void *)header;

        if (given->OffloadType != NdisTcpChimneyOffload || given->TcpOffloadSendCompleteHandler == NULL ||
            given->TcpOffloadReceiveCompleteHandler == NULL || given->TcpOffloadDisconnectCompleteHandler == NULL ||
            given->TcpOffloadForwardCompleteHandler == NULL || given->TcpOffloadEventHandler == NULL ||
            given->TcpOffloadReceiveIndicateHandler == NULL) {
            return NDIS_STATUS_BAD_CHARACTERISTICS;
        }
        protocol->tcp = *given;
        protocol->has_tcp = true;
        return NDIS_STATUS_SUCCESS;
    }
    return NDIS_STATUS_BAD_CHARACTERISTICS;
}

NDIS_STATUS NdisSetOptionalHandlers(NDIS_HANDLE NdisHandle, const NDIS_OBJECT_HEADER *OptionalHandlers)
{
    switch (*(const enum ndis_tag *)NdisHandle) {
    case NDIS_TAG_DRIVER: {
        struct ndis_driver *driver = (struct ndis_driver *)NdisHandle;

        return driver->in_set_options ? set_driver_handlers(driver, OptionalHandlers) : NDIS_STATUS_INVALID_STATE;
    }
    case NDIS_TAG_PROTOCOL: {
        struct ndis_protocol *protocol = (struct ndis_protocol *)NdisHandle;

        return protocol->in_set_options ? set_protocol_handlers(protocol, OptionalHandlers) : NDIS_STATUS_INVALID_STATE;
    }
    case NDIS_TAG_ADAPTER:
    case NDIS_TAG_BINDING:
        break;
    }
    return NDIS_STATUS_INVALID_PARAMETER;
}

/* ---- Adapters ---- */

flue_err flue_ndis_adapter_start(struct flue_ndis *ndis, NDIS_HANDLE NdisMiniportDriverHandle, const char *name,
                                 void *configuration, NDIS_HANDLE *adapter)
{
    struct ndis_driver *driver = (struct ndis_driver *)NdisMiniportDriverHandle;
    NDIS_MINIPORT_INIT_PARAMETERS parameters = {
        .Header = {.Type = NDIS_OBJECT_TYPE_DEFAULT, .Revision = 1, .Size = sizeof parameters},
        .AdapterConfiguration = configuration,
    };
    struct ndis_adapter *made = (struct ndis_adapter *)take(ndis, sizeof *made);
    NDIS_STATUS status;

    assert(driver != NULL && driver->tag == NDIS_TAG_DRIVER && driver->ndis == ndis);
    *adapter = NULL;
    if (made == NULL) {
        return FLUE_ENOMEM;
    }
    *made = (struct ndis_adapter){
        .tag = NDIS_TAG_ADAPTER,
        .index = ndis->next_adapter_index,
        .ndis = ndis,
        .driver = driver,
        .name = name,
    };
    list_init(&made->bindings);
    list_push_back(&ndis->adapters, &made->hook);
    made->initialising = true;
    status = driver->calls.InitializeHandlerEx(made, driver->context, &parameters);
    made->initialising = false;
    if (status != NDIS_STATUS_SUCCESS) {
        free_adapter(made);
        return FLUE_ESTATE;
    }
    ndis->next_adapter_index++;
    *adapter = made;
    FLUE_LIST_EACH(hook, &ndis->protocols)
    {
        offer(FLUE_CONTAINER_OF(hook, struct ndis_protocol, hook), made);
    }
    return FLUE_OK;
}

flue_err flue_ndis_adapter_stop(struct flue_ndis *ndis, NDIS_HANDLE adapter)
{
    struct ndis_adapter *stopped = ndis_adapter_of(adapter);
    struct flue_ndis_ledger ledger = flue_ndis_adapter_ledger(adapter);

    assert(stopped->ndis == ndis);
    (void)ndis;
    if (flue_ndis_ledger_total(&ledger) != 0) {
        return FLUE_ESTATE;
    }
    FLUE_LIST_EACH_SAFE(hook, &stopped->bindings)
    {
        if (!unbind(FLUE_CONTAINER_OF(hook, struct ndis_binding, hook))) {
            return FLUE_ESTATE;
        }
    }
    if (!list_empty(&stopped->bindings)) {
        return FLUE_ESTATE;
    }
    stopped->driver->calls.HaltHandlerEx(stopped->context);
    free_adapter(stopped);
    return FLUE_OK;
}

NDIS_STATUS NdisMSetMiniportAttributes(NDIS_HANDLE NdisMiniportHandle,
                                       const NDIS_MINIPORT_ADAPTER_ATTRIBUTES *MiniportAttributes)
{
    struct ndis_adapter *adapter = ndis_adapter_of(NdisMiniportHandle);

    if (!adapter->initialising) {
        return NDIS_STATUS_INVALID_STATE;
    }
    adapter->context = MiniportAttributes->MiniportAdapterContext;
    return NDIS_STATUS_SUCCESS;
}

/* ---- Bindings ---- */

NDIS_STATUS NdisOpenAdapterEx(NDIS_HANDLE NdisProtocolHandle, NDIS_HANDLE ProtocolBindingContext,
                              const NDIS_OPEN_PARAMETERS *OpenParameters, NDIS_HANDLE BindContext,
                              NDIS_HANDLE *NdisBindingHandle)
{
    struct ndis_protocol *protocol = (struct ndis_protocol *)NdisProtocolHandle;
    struct ndis_adapter *adapter = ndis_adapter_of(BindContext);
    struct ndis_binding *binding = (struct ndis_binding *)take(adapter->ndis, sizeof *binding);

    assert(protocol != NULL && protocol->tag == NDIS_TAG_PROTOCOL);
    (void)OpenParameters;
    *NdisBindingHandle = binding;
    if (binding == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    *binding = (struct ndis_binding){
        .tag = NDIS_TAG_BINDING, .adapter = adapter, .protocol = protocol, .context = ProtocolBindingContext};
    list_push_back(&adapter->bindings, &binding->hook);
    return NDIS_STATUS_SUCCESS;
}

NDIS_STATUS NdisCloseAdapterEx(NDIS_HANDLE NdisBindingHandle)
{
    struct ndis_binding *binding = ndis_binding_of(NdisBindingHandle);

    if (!binding_idle(binding)) {
        return NDIS_STATUS_INVALID_STATE;
    }
    free_binding(binding);
    return NDIS_STATUS_SUCCESS;
}
