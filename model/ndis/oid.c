/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/oid.c - requests: down to the miniport, back to whoever asked; and those that N answers from what the adapter
 * has reported (behaviour 4.6 b, D-54). */

#include <string.h>

#include "ndis/check.h"

static NDIS_STATUS report(PNDIS_OID_REQUEST request, const NDIS_TCP_CONNECTION_OFFLOAD *capability)
{
    if (capability == NULL || request->RequestType != NdisRequestQueryInformation) {
        return NDIS_STATUS_NOT_SUPPORTED;
    }
    if (request->InformationBufferLength < sizeof *capability) {
        request->BytesNeeded = sizeof *capability;
        return NDIS_STATUS_BUFFER_TOO_SHORT;
    }
    memcpy(request->InformationBuffer, capability, sizeof *capability);
    request->BytesDone = sizeof *capability;
    return NDIS_STATUS_SUCCESS;
}

/* What N answers itself; false: the miniport is to answer. */
static bool answer(const struct ndis_adapter *adapter, PNDIS_OID_REQUEST request, NDIS_STATUS *status)
{
    bool chimney = ndis_chimney(adapter);

    switch (request->Oid) {
    case OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG:
        *status = report(request, chimney && adapter->has_current ? &adapter->current : NULL);
        return true;
    case OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES:
        *status = report(request, chimney && adapter->has_hardware ? &adapter->hardware : NULL);
        return true;
    case OID_TCP_TASK_OFFLOAD: /* D-54 */
        *status = NDIS_STATUS_NOT_SUPPORTED;
        return true;
    default:
        *status = NDIS_STATUS_NOT_SUPPORTED;
        return adapter->driver->calls.OidRequestHandler == NULL;
    }
}

static void answered(struct ndis_adapter *adapter, PNDIS_OID_REQUEST request, NDIS_STATUS status)
{
    ndis_trace(adapter->ndis, FLUE_POINT_ddi_oid_complete, (int64_t)request->Oid, (int64_t)status, 0);
    if (ndis_checked(adapter->ndis)) {
        check_oid_done(adapter, request, status);
    }
}

NDIS_STATUS ndis_ask(struct ndis_adapter *adapter, struct ndis_binding *binding, PNDIS_OID_REQUEST request)
{
    uint64_t *out = binding != NULL ? &binding->ledger.requests_out : &adapter->requests_out;
    NDIS_STATUS status;

    /* Lent already: a driver that passes a request on makes one of its own. */
    assert(request->NdisReserved[0] == NULL && request->NdisReserved[1] == NULL);
    ndis_trace(adapter->ndis, FLUE_POINT_ddi_oid, (int64_t)request->Oid,
               request->RequestType == NdisRequestSetInformation, 0);
    if (ndis_checked(adapter->ndis)) {
        check_oid(adapter, binding, request);
    }
    request->NdisReserved[0] = binding;
    request->NdisReserved[1] = adapter;
    (*out)++;
    if (!answer(adapter, request, &status)) {
        status = adapter->driver->calls.OidRequestHandler(adapter->context, request);
    }
    if (status != NDIS_STATUS_PENDING) {
        request->NdisReserved[0] = request->NdisReserved[1] = NULL;
        (*out)--;
        answered(adapter, request, status);
    }
    return status;
}

NDIS_STATUS NdisOidRequest(NDIS_HANDLE NdisBindingHandle, PNDIS_OID_REQUEST OidRequest)
{
    struct ndis_binding *binding = ndis_binding_of(NdisBindingHandle);

    return ndis_ask(binding->adapter, binding, OidRequest);
}

void NdisMOidRequestComplete(NDIS_HANDLE NdisMiniportHandle, PNDIS_OID_REQUEST OidRequest, NDIS_STATUS Status)
{
    struct ndis_binding *binding = (struct ndis_binding *)OidRequest->NdisReserved[0];
    struct ndis_adapter *adapter;
    uint64_t *out;

    if (!ndis_is_adapter(NdisMiniportHandle)) {
        ndis_not_an_adapter(NdisMiniportHandle, binding);
        return;
    }
    adapter = ndis_adapter_of(NdisMiniportHandle);
    out = binding != NULL ? &binding->ledger.requests_out : &adapter->requests_out;
    if (OidRequest->NdisReserved[1] != adapter || Status == NDIS_STATUS_PENDING || *out == 0) {
        assert(ndis_checked(adapter->ndis)); /* without the checker it is an error of the program */
        check_oid_stray(adapter, OidRequest);
        return;
    }
    OidRequest->NdisReserved[0] = OidRequest->NdisReserved[1] = NULL;
    (*out)--;
    answered(adapter, OidRequest, Status);
    if (binding == NULL) {
        ndis_power_answered(adapter, Status);
    } else {
        binding->protocol->calls.OidRequestCompleteHandler(binding->context, OidRequest, Status);
    }
}
