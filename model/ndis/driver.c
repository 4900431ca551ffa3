/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/driver.c - what most drivers do alike, made of the documented calls. */
#include "flue/ndischimney.h"

NDIS_STATUS flue_ndis_set_provider(NDIS_HANDLE NdisDriverHandle, const struct flue_provider_handlers *handlers)
{
    struct flue_provider_handlers copy = *handlers;
    NDIS_STATUS status;

    copy.generic.Header =
        (NDIS_OBJECT_HEADER){NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS,
                             NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS_REVISION_1, sizeof copy.generic};
    copy.tcp.Header =
        (NDIS_OBJECT_HEADER){NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS,
                             NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS_REVISION_1, sizeof copy.tcp};
    copy.tcp.OffloadType = NdisTcpChimneyOffload;
    status = NdisSetOptionalHandlers(NdisDriverHandle, &copy.generic.Header);
    return status == NDIS_STATUS_SUCCESS ? NdisSetOptionalHandlers(NdisDriverHandle, &copy.tcp.Header) : status;
}

NDIS_STATUS flue_ndis_set_client(NDIS_HANDLE NdisDriverHandle, const struct flue_client_handlers *handlers)
{
    struct flue_client_handlers copy = *handlers;
    NDIS_STATUS status;

    copy.generic.Header =
        (NDIS_OBJECT_HEADER){NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS,
                             NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS_REVISION_1, sizeof copy.generic};
    copy.tcp.Header = (NDIS_OBJECT_HEADER){NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS,
                                           NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS_REVISION_1, sizeof copy.tcp};
    copy.tcp.OffloadType = NdisTcpChimneyOffload;
    status = NdisSetOptionalHandlers(NdisDriverHandle, &copy.generic.Header);
    return status == NDIS_STATUS_SUCCESS ? NdisSetOptionalHandlers(NdisDriverHandle, &copy.tcp.Header) : status;
}

NDIS_STATUS flue_ndis_initialise_target(NDIS_HANDLE NdisMiniportHandle, NDIS_HANDLE MiniportAdapterContext,
                                        const NDIS_TCP_CONNECTION_OFFLOAD *can, NDIS_TCP_OFFLOAD_EVENT_HANDLERS *calls)
{
    const NDIS_MINIPORT_ADAPTER_ATTRIBUTES attributes = {.MiniportAdapterContext = MiniportAdapterContext,
                                                         .TcpConnectionOffload = can,
                                                         .HardwareTcpConnectionOffload = can};
    PNDIS_OFFLOAD_EVENT_HANDLERS table;
    NDIS_STATUS status = NdisMSetMiniportAttributes(NdisMiniportHandle, &attributes);

    if (status == NDIS_STATUS_SUCCESS) {
        status = NdisMGetOffloadHandlers(NdisMiniportHandle, NdisTcpChimneyOffload, &table);
    }
    if (status == NDIS_STATUS_SUCCESS) {
        *calls = *(const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *)(const void *)table;
    }
    return status;
}

flue_err flue_ndis_start_target(struct flue_ndis *ndis, const NDIS_MINIPORT_DRIVER_CHARACTERISTICS *driver,
                                const char *name, NDIS_HANDLE context, NDIS_HANDLE *adapter)
{
    NDIS_MINIPORT_DRIVER_CHARACTERISTICS copy = *driver;
    NDIS_HANDLE handle;
    NDIS_STATUS status;

    *adapter = NULL;
    copy.Header = (NDIS_OBJECT_HEADER){NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS, 1, sizeof copy};
    status = NdisMRegisterMiniportDriver(ndis, context, &copy, &handle);
    if (status != NDIS_STATUS_SUCCESS) {
        return status == NDIS_STATUS_RESOURCES ? FLUE_ENOMEM : FLUE_ESTATE;
    }
    return flue_ndis_adapter_start(ndis, handle, name, context, adapter);
}
