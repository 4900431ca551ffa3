/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/im.c - intermediate drivers: a protocol below and a miniport above that belong together, and who may open what
 * because of that.  A stack of them is a chain "adapter - binding - partner - adapter ...", walked, never stored.
 *
 * An adapter that a partnered protocol opens is its alone; its virtual adapters are offered to every protocol on which
 * they do not stand. Any order of registering gives the same stack; a protocol with something lent keeps its adapter,
 * and the driver gets INVALID_STATE. A driver without both pairs of chimney handlers blocks chimney: no capability is
 * reported above it, and nothing may be initiated. In blocks a driver restores SourceHandle (CH-327); in buffer lists
 * only if its adapter has more than one binding above. */

#include "ndis/instance.h"

/* Whether an adapter is one of a driver's virtual adapters, or stands on one. */
static bool stands_on(const struct ndis_adapter *adapter, const struct ndis_driver *driver)
{
    const struct ndis_protocol *edge = adapter->driver->partner;

    if (adapter->driver == driver) {
        return true;
    }
    if (edge == NULL) {
        return false;
    }
    FLUE_LIST_EACH(hook, &edge->bindings)
    {
        if (stands_on(FLUE_CONTAINER_OF(hook, struct ndis_binding, of_protocol)->adapter, driver)) {
            return true;
        }
    }
    return false;
}

bool ndis_may_open(const struct ndis_protocol *protocol, const struct ndis_adapter *adapter)
{
    FLUE_LIST_EACH(hook, &adapter->bindings)
    {
        if (FLUE_CONTAINER_OF(hook, struct ndis_binding, hook)->protocol->partner != NULL) {
            return false;
        }
    }
    return protocol->partner == NULL || !stands_on(adapter, protocol->partner);
}

bool ndis_clear_for(const struct ndis_protocol *protocol, struct ndis_adapter *adapter)
{
    /* First look at all bindings, then close: nobody is called if one of them is busy. */
    for (unsigned closing = 0; closing < 2; closing++) {
        FLUE_LIST_EACH_SAFE(hook, &adapter->bindings)
        {
            struct ndis_binding *binding = FLUE_CONTAINER_OF(hook, struct ndis_binding, hook);

            if (binding->protocol != protocol && !(closing ? ndis_unbind(binding) : ndis_binding_idle(binding))) {
                return false;
            }
        }
    }
    return true;
}

static void associate(struct ndis_driver *driver, struct ndis_protocol *protocol)
{
    if (driver->partner == protocol) {
        return;
    }
    assert(driver->partner == NULL && protocol->partner == NULL && driver->ndis == protocol->ndis);
    driver->partner = protocol;
    protocol->partner = driver;
    FLUE_LIST_EACH(adapter_hook, &driver->ndis->adapters)
    {
        struct ndis_adapter *adapter = FLUE_CONTAINER_OF(adapter_hook, struct ndis_adapter, hook);

        FLUE_LIST_EACH(hook, &adapter->bindings)
        {
            if (FLUE_CONTAINER_OF(hook, struct ndis_binding, hook)->protocol == protocol) {
                (void)ndis_clear_for(protocol, adapter); /* a busy protocol keeps its binding */
                break;
            }
        }
    }
}

void NdisIMAssociateMiniport(NDIS_HANDLE NdisMiniportDriverHandle, NDIS_HANDLE NdisProtocolHandle)
{
    associate(ndis_driver_of(NdisMiniportDriverHandle), ndis_protocol_of(NdisProtocolHandle));
}

NDIS_STATUS NdisIMInitializeDeviceInstanceEx(NDIS_HANDLE NdisMiniportDriverHandle, const char *DriverInstance,
                                             NDIS_HANDLE DeviceContext, NDIS_HANDLE *NdisMiniportHandle)
{
    struct ndis_driver *driver = ndis_driver_of(NdisMiniportDriverHandle);
    struct ndis_adapter *adapter;
    NDIS_STATUS status;

    *NdisMiniportHandle = NULL;
    if (driver->partner == NULL) {
        if (driver->ndis->offering == NULL) {
            return NDIS_STATUS_INVALID_STATE;
        }
        associate(driver, driver->ndis->offering);
    }
    status = ndis_adapter_start(driver, DriverInstance, DeviceContext, &adapter);
    *NdisMiniportHandle = adapter;
    return status;
}

NDIS_STATUS NdisIMDeInitializeDeviceInstance(NDIS_HANDLE NdisMiniportHandle)
{
    return ndis_adapter_stop(ndis_adapter_of(NdisMiniportHandle));
}
