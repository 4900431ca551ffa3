/* SPDX-License-Identifier: GPL-2.0-only */
/* im/request.c - requests and power.
 *
 * Requests go down as copies: a query to the active adapter, a set to all of them, so that each knows what was set when
 * it takes over (CH-340: every driver here allows offload, so it passes capability queries and sets).  The virtual
 * adapter's own power is this driver's matter: it is off when no object is left (CH-311). */
#include "im/im_core.h"

struct passing {
    struct flue_im *im;
    PNDIS_OID_REQUEST upper;
    unsigned left; /* adapters that have not answered */
    NDIS_STATUS status;
    NDIS_OID_REQUEST own[IM_EDGES];
};

void im_requests_init(struct flue_im *im)
{
    pool_init(&im->requests, im->env, sizeof(struct passing));
}

void im_power_check(struct flue_im *im)
{
    PNDIS_OID_REQUEST request = im->power_off;

    if (request != NULL && im->totals.entries == 0) {
        im->power_off = NULL;
        NdisMOidRequestComplete(im->miniport, request, NDIS_STATUS_SUCCESS);
    }
}

static NDIS_STATUS set_power(struct flue_im *im, PNDIS_OID_REQUEST request)
{
    im_hold_flush_up(im);
    if (im->totals.entries == 0) {
        return NDIS_STATUS_SUCCESS;
    }
    im->power_off = request;
    return NDIS_STATUS_PENDING;
}

/* One adapter has answered; the first failure is the answer to the layer above. */
static void answered(struct passing *passing, const NDIS_OID_REQUEST *own, NDIS_STATUS status)
{
    if (passing->status == NDIS_STATUS_SUCCESS) {
        passing->status = status;
        passing->upper->BytesDone = own->BytesDone;
        passing->upper->BytesNeeded = own->BytesNeeded;
    }
    passing->left--;
}

NDIS_STATUS im_request_down(struct flue_im *im, PNDIS_OID_REQUEST request)
{
    const bool query = request->RequestType == NdisRequestQueryInformation;
    struct passing *passing;
    NDIS_STATUS status;

    if (request->Oid == OID_PNP_SET_POWER) {
        return set_power(im, request);
    }
    passing = pool_get(&im->requests);
    if (passing == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    *passing = (struct passing){.im = im, .upper = request, .left = 1, .status = NDIS_STATUS_SUCCESS};
    for (unsigned i = 0; i < im->edge_count; i++) {
        if (im->edges[i].binding == NULL || (query && i != im->active)) {
            continue;
        }
        passing->own[i] = (NDIS_OID_REQUEST){.Header = request->Header,
                                             .RequestType = request->RequestType,
                                             .PortNumber = request->PortNumber,
                                             .Oid = request->Oid,
                                             .InformationBuffer = request->InformationBuffer,
                                             .InformationBufferLength = request->InformationBufferLength,
                                             .SourceReserved = {passing, NULL}};
        passing->left++;
        status = NdisOidRequest(im->edges[i].binding, &passing->own[i]);
        if (status != NDIS_STATUS_PENDING) {
            answered(passing, &passing->own[i], status);
        }
    }
    if (--passing->left > 0) {
        return NDIS_STATUS_PENDING;
    }
    status = passing->status;
    pool_put(&im->requests, passing);
    return status;
}

void im_request_up(struct flue_im *im, PNDIS_OID_REQUEST own, NDIS_STATUS status)
{
    struct passing *passing = own->SourceReserved[0];

    answered(passing, own, status);
    if (passing->left == 0) {
        PNDIS_OID_REQUEST upper = passing->upper;
        NDIS_STATUS answer = passing->status;

        pool_put(&im->requests, passing);
        NdisMOidRequestComplete(im->miniport, upper, answer);
    }
}
