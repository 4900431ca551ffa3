/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/registration.c - the life of drivers: their entry points, and what is lent across their bindings. */

#include "flue/env.h"
#include "ndis/check.h"

void *ndis_take(const struct flue_ndis *ndis, size_t bytes)
{
    return ndis->env->allocate(ndis->env->ctx, bytes);
}

void ndis_give(const struct flue_ndis *ndis, void *memory, size_t bytes)
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
    ndis->handlers_revision = NDIS_OBJECT_TCP_OFFLOAD_REVISION_1;
    list_init(&ndis->drivers);
    list_init(&ndis->protocols);
    list_init(&ndis->adapters);
    return FLUE_OK;
}

static void free_driver(struct ndis_driver *driver)
{
    if (driver->partner != NULL) {
        driver->partner->partner = NULL;
    }
    list_remove(&driver->hook);
    ndis_give(driver->ndis, driver, sizeof *driver);
}

static void free_protocol(struct ndis_protocol *protocol)
{
    if (protocol->partner != NULL) {
        protocol->partner->partner = NULL;
    }
    list_remove(&protocol->hook);
    ndis_give(protocol->ndis, protocol, sizeof *protocol);
}

void flue_ndis_free(struct flue_ndis *ndis)
{
    const struct flue_env *env;

    if (ndis == NULL) {
        return;
    }
    check_free(ndis);
    FLUE_LIST_EACH_SAFE(hook, &ndis->adapters)
    {
        ndis_free_adapter(FLUE_CONTAINER_OF(hook, struct ndis_adapter, hook));
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
    struct flue_ndis_ledger sum = {.requests_out = ndis_adapter_of(NdisMiniportHandle)->requests_out};

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
        sum.requests_out += one->requests_out;
    }
    return sum;
}

uint64_t flue_ndis_ledger_total(const struct flue_ndis_ledger *ledger)
{
    return ledger->ordinary_sends_out + ledger->ordinary_receives_out + ledger->sends_out + ledger->receives_out +
           ledger->disconnects_out + ledger->forwards_out + ledger->indicated_out + ledger->trees_out +
           ledger->requests_out;
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
    driver = (struct ndis_driver *)ndis_take(DriverObject, sizeof *driver);
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
    if (status == NDIS_STATUS_SUCCESS && ndis_checked(DriverObject)) {
        check_registered(DriverObject, driver, NULL);
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
    protocol = (struct ndis_protocol *)ndis_take(DriverObject, sizeof *protocol);
    if (protocol == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    *protocol = (struct ndis_protocol){
        .tag = NDIS_TAG_PROTOCOL, .ndis = DriverObject, .context = ProtocolDriverContext, .calls = *calls};
    list_init(&protocol->bindings);
    list_push_back(&DriverObject->protocols, &protocol->hook);
    if (calls->SetOptionsHandler != NULL) {
        protocol->in_set_options = true;
        status = calls->SetOptionsHandler(protocol, ProtocolDriverContext);
        protocol->in_set_options = false;
    }
    if (status == NDIS_STATUS_SUCCESS && ndis_checked(DriverObject)) {
        check_registered(DriverObject, NULL, protocol);
    }
    if (status == NDIS_STATUS_SUCCESS && protocol->has_generic != protocol->has_tcp) {
        status = NDIS_STATUS_BAD_CHARACTERISTICS;
    }
    if (status != NDIS_STATUS_SUCCESS) {
        free_protocol(protocol);
        return status;
    }
    *NdisProtocolHandle = protocol;
    ndis_offer_running(protocol);
    return NDIS_STATUS_SUCCESS;
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

                if (binding->protocol == protocol && closing == 0 && ndis_checked(protocol->ndis)) {
                    check_close(binding);
                }
                if (binding->protocol == protocol && !(closing ? ndis_unbind(binding) : ndis_binding_idle(binding))) {
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

        if (ndis_checked(driver->ndis)) {
            check_optional_handlers(driver->ndis, driver, NULL, OptionalHandlers, driver->in_set_options);
        }
        return driver->in_set_options ? set_driver_handlers(driver, OptionalHandlers) : NDIS_STATUS_INVALID_STATE;
    }
    case NDIS_TAG_PROTOCOL: {
        struct ndis_protocol *protocol = (struct ndis_protocol *)NdisHandle;

        if (ndis_checked(protocol->ndis)) {
            check_optional_handlers(protocol->ndis, NULL, protocol, OptionalHandlers, protocol->in_set_options);
        }
        return protocol->in_set_options ? set_protocol_handlers(protocol, OptionalHandlers) : NDIS_STATUS_INVALID_STATE;
    }
    case NDIS_TAG_ADAPTER:
    case NDIS_TAG_BINDING:
        break;
    }
    return NDIS_STATUS_INVALID_PARAMETER;
}
