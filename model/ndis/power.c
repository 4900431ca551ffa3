/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/power.c - events that protocols answer: the pause before an adapter stops, and a change of its power.
 *
 * Power goes down protocols first, then the miniport (behaviour 12): the protocols start their terminates before they
 * answer, the miniport answers when it holds nothing any more.  It comes up in the reverse order. */

#include "ndis/instance.h"

/* ---- Events ---- */

static bool *debt(struct ndis_binding *binding, const struct ndis_event *event)
{
    return event == &binding->adapter->pause ? &binding->owes_pause : &binding->owes_power;
}

static void settle(struct ndis_binding *binding, struct ndis_event *event, NDIS_STATUS status)
{
    *debt(binding, event) = false;
    if (status != NDIS_STATUS_SUCCESS) {
        event->status = status;
    }
    assert(event->waiting > 0);
    event->waiting--;
}

static void tell(struct ndis_adapter *adapter, struct ndis_event *event, NET_PNP_EVENT_CODE code, ULONG value)
{
    event->notification = (NET_PNP_EVENT_NOTIFICATION){
        .Header = {.Type = NDIS_OBJECT_TYPE_DEFAULT, .Revision = 1, .Size = sizeof event->notification},
        .NetEvent = code,
        .Value = value,
    };
    event->status = NDIS_STATUS_SUCCESS;
    FLUE_LIST_EACH_SAFE(hook, &adapter->bindings)
    {
        struct ndis_binding *binding = FLUE_CONTAINER_OF(hook, struct ndis_binding, hook);
        NET_PNP_EVENT_HANDLER handler = binding->protocol->calls.NetPnPEventHandler;
        NDIS_STATUS status;

        if (handler == NULL) {
            continue;
        }
        *debt(binding, event) = true;
        event->waiting++;
        status = handler(binding->context, &event->notification);
        if (status != NDIS_STATUS_PENDING) {
            settle(binding, event, status);
        }
    }
}

/* ---- Pause ---- */

/* Whether all that an intermediate driver has open is going to stop. */
static bool loses_all(const struct ndis_protocol *protocol)
{
    FLUE_LIST_EACH(adapter_hook, &protocol->ndis->adapters)
    {
        const struct ndis_adapter *adapter = FLUE_CONTAINER_OF(adapter_hook, struct ndis_adapter, hook);

        FLUE_LIST_EACH(hook, &adapter->bindings)
        {
            if (FLUE_CONTAINER_OF(hook, struct ndis_binding, hook)->protocol == protocol && !adapter->stopping) {
                return false;
            }
        }
    }
    return true;
}

/* Visits the virtual adapters that stop with this one; false from the visitor ends the walk, and is returned. */
static bool each_above(struct ndis_adapter *adapter, bool (*visit)(struct ndis_adapter *above))
{
    FLUE_LIST_EACH(hook, &adapter->bindings)
    {
        const struct ndis_protocol *protocol = FLUE_CONTAINER_OF(hook, struct ndis_binding, hook)->protocol;

        if (protocol->partner == NULL || !loses_all(protocol)) {
            continue;
        }
        FLUE_LIST_EACH(adapter_hook, &adapter->ndis->adapters)
        {
            struct ndis_adapter *above = FLUE_CONTAINER_OF(adapter_hook, struct ndis_adapter, hook);

            if (above->driver == protocol->partner && !visit(above)) {
                return false;
            }
        }
    }
    return true;
}

bool ndis_pause(struct ndis_adapter *adapter)
{
    if (!adapter->stopping) {
        adapter->stopping = true;
        (void)each_above(adapter, ndis_pause); /* the uppermost first */
        tell(adapter, &adapter->pause, NetEventPause, 0);
    }
    return true;
}

bool ndis_quiet(struct ndis_adapter *adapter)
{
    struct flue_ndis_ledger ledger = flue_ndis_adapter_ledger(adapter);

    return adapter->pause.waiting == 0 && adapter->power_step == NDIS_POWER_IDLE &&
           flue_ndis_ledger_total(&ledger) == 0 && each_above(adapter, ndis_quiet);
}

/* ---- Power ---- */

static void power_move(struct ndis_adapter *adapter, enum ndis_power_step to)
{
    static const uint8_t legal[] = {
        [NDIS_POWER_IDLE] = 1u << NDIS_POWER_TELLING | 1u << NDIS_POWER_ASKING,
        [NDIS_POWER_TELLING] = 1u << NDIS_POWER_ASKING | 1u << NDIS_POWER_IDLE,
        [NDIS_POWER_ASKING] = 1u << NDIS_POWER_TELLING | 1u << NDIS_POWER_IDLE,
    };

    assert((legal[adapter->power_step] & (1u << to)) != 0);
    (void)legal;
    adapter->power_step = to;
}

static void power_finish(struct ndis_adapter *adapter, NDIS_STATUS status)
{
    if (status == NDIS_STATUS_SUCCESS) {
        adapter->power = adapter->power_next;
    }
    power_move(adapter, NDIS_POWER_IDLE);
    adapter->power_done(adapter->power_ctx, status);
}

static void power_ask(struct ndis_adapter *adapter)
{
    NDIS_STATUS status;

    power_move(adapter, NDIS_POWER_ASKING);
    adapter->power_value = (ULONG)adapter->power_next;
    adapter->power_request = (NDIS_OID_REQUEST){
        .Header = {.Type = NDIS_OBJECT_TYPE_DEFAULT, .Revision = 1, .Size = sizeof adapter->power_request},
        .RequestType = NdisRequestSetInformation,
        .Oid = OID_PNP_SET_POWER,
        .InformationBuffer = &adapter->power_value,
        .InformationBufferLength = sizeof adapter->power_value,
    };
    status = ndis_ask(adapter, NULL, &adapter->power_request);
    if (status != NDIS_STATUS_PENDING) {
        ndis_power_answered(adapter, status);
    }
}

/* All protocols have answered. */
static void power_told(struct ndis_adapter *adapter)
{
    if (adapter->power_next == NetDeviceStateD0 || adapter->set_power.status != NDIS_STATUS_SUCCESS) {
        power_finish(adapter, adapter->set_power.status);
    } else {
        power_ask(adapter);
    }
}

static void power_tell(struct ndis_adapter *adapter)
{
    power_move(adapter, NDIS_POWER_TELLING);
    adapter->set_power.waiting++; /* nobody has the last word while some have not been told */
    tell(adapter, &adapter->set_power, NetEventSetPower, (ULONG)adapter->power_next);
    if (--adapter->set_power.waiting == 0) {
        power_told(adapter);
    }
}

void ndis_power_answered(struct ndis_adapter *adapter, NDIS_STATUS status)
{
    if (adapter->power_next == NetDeviceStateD0 && status == NDIS_STATUS_SUCCESS) {
        power_tell(adapter);
    } else {
        power_finish(adapter, status);
    }
}

static void event_answered(struct ndis_binding *binding, struct ndis_event *event, NDIS_STATUS status)
{
    settle(binding, event, status);
    if (event == &binding->adapter->set_power && event->waiting == 0) {
        power_told(binding->adapter);
    }
}

void NdisCompleteNetPnPEvent(NDIS_HANDLE NdisBindingHandle, PNET_PNP_EVENT_NOTIFICATION NetPnPEventNotification,
                             NDIS_STATUS Status)
{
    struct ndis_binding *binding = ndis_binding_of(NdisBindingHandle);
    struct ndis_event *event = FLUE_CONTAINER_OF(NetPnPEventNotification, struct ndis_event, notification);

    assert(event == &binding->adapter->pause || event == &binding->adapter->set_power);
    assert(*debt(binding, event) && Status != NDIS_STATUS_PENDING);
    event_answered(binding, event, Status);
}

void ndis_forgive(struct ndis_binding *binding)
{
    if (binding->owes_pause) {
        event_answered(binding, &binding->adapter->pause, NDIS_STATUS_SUCCESS);
    }
    if (binding->owes_power) {
        event_answered(binding, &binding->adapter->set_power, NDIS_STATUS_SUCCESS);
    }
}

void flue_ndis_set_power(struct flue_ndis *ndis, NDIS_HANDLE adapter, NET_DEVICE_POWER_STATE state,
                         void (*done)(void *ctx, NDIS_STATUS status), void *ctx)
{
    struct ndis_adapter *changed = ndis_adapter_of(adapter);

    assert(changed->ndis == ndis && state >= NetDeviceStateD0 && state <= NetDeviceStateD3);
    (void)ndis;
    if (changed->power_step != NDIS_POWER_IDLE || changed->stopping) {
        done(ctx, NDIS_STATUS_INVALID_STATE);
        return;
    }
    changed->power_next = state;
    changed->power_done = done;
    changed->power_ctx = ctx;
    if (state == NetDeviceStateD0) {
        power_ask(changed);
    } else {
        power_tell(changed);
    }
}
