/* SPDX-License-Identifier: GPL-2.0-only */
#include "fake_layer.h"

static NDIS_STATUS set_named(NDIS_HANDLE driver, const NDIS_OBJECT_HEADER *generic, const NDIS_OBJECT_HEADER *tcp,
                             unsigned options)
{
    NDIS_STATUS status = (options & 1u) != 0 ? NdisSetOptionalHandlers(driver, generic) : NDIS_STATUS_SUCCESS;

    return status == NDIS_STATUS_SUCCESS && (options & 2u) != 0 ? NdisSetOptionalHandlers(driver, tcp) : status;
}

NDIS_STATUS fake_set_provider(NDIS_HANDLE driver, const struct flue_provider_handlers *handlers, unsigned options)
{
    struct flue_provider_handlers copy = *handlers;

    copy.generic.Header =
        (NDIS_OBJECT_HEADER){NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, 1, sizeof copy.generic};
    copy.tcp.Header =
        (NDIS_OBJECT_HEADER){NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS, 1, sizeof copy.tcp};
    copy.tcp.OffloadType = NdisTcpChimneyOffload;
    return set_named(driver, &copy.generic.Header, &copy.tcp.Header, options);
}

NDIS_STATUS fake_set_client(NDIS_HANDLE driver, const struct flue_client_handlers *handlers, unsigned options)
{
    struct flue_client_handlers copy = *handlers;

    copy.generic.Header =
        (NDIS_OBJECT_HEADER){NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, 1, sizeof copy.generic};
    copy.tcp.Header = (NDIS_OBJECT_HEADER){NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS, 1, sizeof copy.tcp};
    copy.tcp.OffloadType = NdisTcpChimneyOffload;
    return set_named(driver, &copy.generic.Header, &copy.tcp.Header, options);
}
