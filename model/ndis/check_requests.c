/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_requests.c - rules of OID requests and of power: CH-302, CH-303, CH-305, CH-310, CH-311, CH-340. */

#include <string.h>

#include "ndis/check_core.h"

#define PARAMS_1_BYTES offsetof(NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS, CongestionAlgorithm)

static bool is_set(const NDIS_OID_REQUEST *request)
{
    return request->RequestType == NdisRequestSetInformation;
}

/* OIDs by which capabilities are set. */
static bool sets_capability(const NDIS_OID_REQUEST *request)
{
    return is_set(request) &&
           (request->Oid == OID_TCP_OFFLOAD_PARAMETERS || request->Oid == OID_TCP_CONNECTION_OFFLOAD_PARAMETERS);
}

/* ---- Parameters ---- */

/* Copies the parameters of a request, zeroed behind their end; false, and a finding, if the header is wrong. */
static bool read_params(struct check *check, const NDIS_OID_REQUEST *request, enum flue_party party,
                        const struct check_at *at, NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS *params)
{
    NDIS_OBJECT_HEADER header = {0};
    bool first, second;

    if (request->InformationBufferLength >= sizeof header) {
        memcpy(&header, request->InformationBuffer, sizeof header);
    }
    first = header.Revision == NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_1 && header.Size == PARAMS_1_BYTES;
    second = header.Revision == NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_2 && header.Size == sizeof *params &&
             check->ddi.ndis_version != FLUE_NDIS_6_0;
    if (header.Type != NDIS_OBJECT_TYPE_DEFAULT || !(first || second) ||
        request->InformationBufferLength < header.Size) {
        check_report(check, 302, party, at, "the parameters have type %x, revision %u and size %u", header.Type,
                     header.Revision, header.Size);
        return false;
    }
    memset(params, 0, sizeof *params);
    memcpy(params, request->InformationBuffer, header.Size);
    return true;
}

static void params_answered(struct check *check, struct check_adapter *known, const NDIS_OID_REQUEST *request,
                            const struct check_at *at)
{
    enum flue_party party = check_below(known->adapter);
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS params;
    size_t common;

    if (is_set(request)) {
        /* A wrong header was reported on the way down; a target that accepts it has taken something else. */
        known->life.has_params = read_params(check, request, party, at, &known->life.params);
        return;
    }
    if (!read_params(check, request, party, at, &params) || !known->life.has_params) {
        return;
    }
    common = params.Header.Size < known->life.params.Header.Size ? params.Header.Size : known->life.params.Header.Size;
    if (memcmp((const uint8_t *)&params + sizeof params.Header,
               (const uint8_t *)&known->life.params + sizeof params.Header, common - sizeof params.Header) != 0) {
        check_report(check, 303, party, at, "the parameters read differ from those set last", 0, 0, 0);
    }
}

/* ---- Switching offload off ---- */

static void look_for_users(struct check *check, const struct ndis_adapter *adapter, enum flue_party party, UCHAR type,
                           unsigned version)
{
    FLUE_LIST_EACH(hook, &check->objects)
    {
        const struct check_object *object = FLUE_CONTAINER_OF(hook, struct check_object, hook);
        const struct check_at at = {.adapter = adapter, .object = object};

        if (object->adapter == adapter && object->layer == FLUE_LAYER_TCP && object->parent != NULL &&
            object->parent->type == type) {
            check_report(check, 305, party, &at, "offload of IPv%u is switched off under a connection that uses it",
                         version, 0, 0);
        }
    }
}

static bool read_switches(const NDIS_OID_REQUEST *request, NDIS_OFFLOAD_PARAMETERS *switches)
{
    if (request->Oid != OID_TCP_OFFLOAD_PARAMETERS || !is_set(request) ||
        request->InformationBufferLength < sizeof *switches) {
        return false;
    }
    memcpy(switches, request->InformationBuffer, sizeof *switches);
    return true;
}

static void turn(bool *off, UCHAR to)
{
    if (to != NDIS_OFFLOAD_PARAMETERS_NO_CHANGE) {
        *off = to == NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED;
    }
}

/* ---- Power ---- */

/* Whether this is N's order to leave D0. */
static bool powers_down(const struct ndis_adapter *adapter, const NDIS_OID_REQUEST *request)
{
    return request == &adapter->power_request && adapter->power_next != NetDeviceStateD0;
}

static void look_for_the_living(struct check *check, const struct ndis_adapter *adapter)
{
    FLUE_LIST_EACH(hook, &check->objects)
    {
        const struct check_object *object = FLUE_CONTAINER_OF(hook, struct check_object, hook);
        const struct check_at at = {.binding = object->binding, .object = object};

        if (object->adapter == adapter && object->state != CHECK_TERMINATING &&
            check_above(object->binding) == FLUE_PARTY_HOST) {
            check_report(check, 310, FLUE_PARTY_HOST, &at,
                         "the host agreed to a low-power state before it started to terminate this", 0, 0, 0);
        }
    }
}

static void look_for_the_forgotten(struct check *check, struct ndis_adapter *adapter)
{
    FLUE_LIST_EACH(hook, &check->objects)
    {
        const struct check_object *object = FLUE_CONTAINER_OF(hook, struct check_object, hook);
        const struct check_at at = {.binding = object->binding, .object = object};

        if (object->adapter == adapter) {
            check_report(check, 311, check_below(adapter), &at, "the adapter goes to a low-power state with this in it",
                         0, 0, 0);
        }
    }
}

/* ---- Hooks ---- */

void check_oid(struct ndis_adapter *adapter, struct ndis_binding *binding, const NDIS_OID_REQUEST *request)
{
    struct check *check = check_enter(adapter->ndis);
    struct check_adapter *known = check == NULL ? NULL : check_adapter_of(check, adapter);
    const struct check_at at = {.adapter = adapter, .thing = adapter, .kind = "adapter"};
    enum flue_party party = binding == NULL ? FLUE_PARTY_DISPATCHER : FLUE_PARTY_HOST;
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS params;
    NDIS_OFFLOAD_PARAMETERS switches;

    if (known == NULL) {
        return;
    }
    if (binding != NULL && binding->protocol->partner != NULL) {
        party = FLUE_PARTY_DRIVER;
        FLUE_LIST_EACH(hook, &check->adapters)
        {
            struct check_adapter *above = FLUE_CONTAINER_OF(hook, struct check_adapter, hook);

            if (above->life.set != NULL && above->adapter->driver == binding->protocol->partner && is_set(request) &&
                above->life.set_oid == request->Oid) {
                above->life.set_passed = true;
            }
        }
    }
    if (sets_capability(request) && adapter->driver->partner != NULL) {
        known->life.set = request;
        known->life.set_oid = request->Oid;
        known->life.set_passed = false;
    }
    if (request->Oid == OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG && !is_set(request)) {
        known->life.unread = false;
    }
    if (request->Oid == OID_TCP_CONNECTION_OFFLOAD_PARAMETERS && is_set(request) && party == FLUE_PARTY_HOST) {
        (void)read_params(check, request, party, &at, &params);
    }
    if (party == FLUE_PARTY_HOST && read_switches(request, &switches)) {
        if (switches.TcpConnectionIPv4 == NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED) {
            look_for_users(check, adapter, party, Ip4OffloadState, 4);
        }
        if (switches.TcpConnectionIPv6 == NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED) {
            look_for_users(check, adapter, party, Ip6OffloadState, 6);
        }
    }
    if (powers_down(adapter, request)) {
        look_for_the_living(check, adapter);
    }
}

void check_oid_stray(struct ndis_adapter *adapter, const NDIS_OID_REQUEST *request)
{
    struct check *check = check_enter(adapter->ndis);
    const struct check_at at = {.adapter = adapter, .thing = request, .kind = "request"};

    if (check != NULL) {
        check_report(check, 35, check_below(adapter), &at, "a request is completed that is not out, or as pending", 0,
                     0, 0);
        check_refused(check);
    }
}

void check_oid_done(struct ndis_adapter *adapter, const NDIS_OID_REQUEST *request, NDIS_STATUS status)
{
    struct check *check = check_enter(adapter->ndis);
    struct check_adapter *known = check == NULL ? NULL : check_adapter_of(check, adapter);
    const struct check_at at = {.adapter = adapter, .thing = adapter, .kind = "adapter"};
    NDIS_OFFLOAD_PARAMETERS switches;

    if (known == NULL) {
        return;
    }
    if (known->life.set == request) {
        known->life.set = NULL;
        if (!known->life.set_passed) {
            check_report(check, 340, FLUE_PARTY_DRIVER, &at, "a set of OID %x was answered, and was not passed down",
                         request->Oid, 0, 0);
        }
    }
    if (status != NDIS_STATUS_SUCCESS) {
        return;
    }
    if (request->Oid == OID_TCP_CONNECTION_OFFLOAD_PARAMETERS) {
        params_answered(check, known, request, &at);
    }
    if (read_switches(request, &switches)) {
        turn(&known->life.off4, switches.TcpConnectionIPv4);
        turn(&known->life.off6, switches.TcpConnectionIPv6);
    }
    if (request == &adapter->power_request) {
        known->powered_down = adapter->power_next != NetDeviceStateD0;
        if (known->powered_down) {
            look_for_the_forgotten(check, adapter);
        }
    }
}
