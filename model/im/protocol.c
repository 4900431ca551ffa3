/* SPDX-License-Identifier: GPL-2.0-only */
/* im/protocol.c - the airlock below: handlers that N calls for the adapters below, and calls down. */
#include "im/im_core.h"

#include <string.h>

static struct im_edge *edge_of(NDIS_HANDLE ProtocolBindingContext)
{
    return (struct im_edge *)ProtocolBindingContext;
}

static struct im_entry *entry_of(PVOID OffloadContext)
{
    return FLUE_CONTAINER_OF(OffloadContext, struct im_entry, handle);
}

/* ---- Handlers: completions ---- */

#define TREE_HANDLER(name, operation)                                                                                  \
    static void name(NDIS_HANDLE ProtocolBindingContext, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList)           \
    {                                                                                                                  \
        im_tree_up(edge_of(ProtocolBindingContext)->im, operation, OffloadBlockList);                                  \
    }
TREE_HANDLER(ProtocolInitiateOffloadComplete, IM_INITIATE)
TREE_HANDLER(ProtocolTerminateOffloadComplete, IM_TERMINATE)
TREE_HANDLER(ProtocolUpdateOffloadComplete, IM_UPDATE)
TREE_HANDLER(ProtocolInvalidateOffloadComplete, IM_INVALIDATE)
TREE_HANDLER(ProtocolQueryOffloadComplete, IM_QUERY)

#define DATA_HANDLER(name, request)                                                                                    \
    static void name(NDIS_HANDLE ProtocolBindingContext, PNET_BUFFER_LIST NetBufferList)                               \
    {                                                                                                                  \
        im_data_up(edge_of(ProtocolBindingContext)->im, request, NetBufferList);                                       \
    }
DATA_HANDLER(ProtocolTcpOffloadSendComplete, IM_SEND)
DATA_HANDLER(ProtocolTcpOffloadReceiveComplete, IM_RECEIVE)
DATA_HANDLER(ProtocolTcpOffloadDisconnectComplete, IM_DISCONNECT)
DATA_HANDLER(ProtocolTcpOffloadForwardComplete, IM_FORWARD)

/* ---- Handlers: indications ---- */

static void ProtocolIndicateOffloadEvent(NDIS_HANDLE ProtocolBindingContext,
                                         PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList, ULONG IndicationCode)
{
    im_generic_event(edge_of(ProtocolBindingContext), OffloadBlockList, IndicationCode);
}

static void ProtocolTcpOffloadEvent(PVOID OffloadContext, ULONG EventType, ULONG EventSpecificInformation)
{
    im_event(entry_of(OffloadContext), EventType, EventSpecificInformation);
}

static NDIS_STATUS ProtocolTcpOffloadReceiveIndicate(PVOID OffloadContext, PNET_BUFFER_LIST NetBufferList,
                                                     NDIS_STATUS Status, ULONG *BytesConsumed)
{
    return im_indicate(entry_of(OffloadContext), NetBufferList, Status, BytesConsumed);
}

static void ProtocolStatusEx(NDIS_HANDLE ProtocolBindingContext, PNDIS_STATUS_INDICATION StatusIndication)
{
    im_status(edge_of(ProtocolBindingContext), StatusIndication);
}

/* ---- Handlers: the ordinary path, requests, power ---- */

static void ProtocolReceiveNetBufferLists(NDIS_HANDLE ProtocolBindingContext, PNET_BUFFER_LIST NetBufferLists,
                                          NDIS_PORT_NUMBER PortNumber, ULONG NumberOfNetBufferLists, ULONG ReceiveFlags)
{
    (void)PortNumber;
    im_frames_up(edge_of(ProtocolBindingContext), NetBufferLists, NumberOfNetBufferLists, ReceiveFlags);
}

static void ProtocolSendNetBufferListsComplete(NDIS_HANDLE ProtocolBindingContext, PNET_BUFFER_LIST NetBufferList,
                                               ULONG SendCompleteFlags)
{
    im_frames_sent(edge_of(ProtocolBindingContext)->im, NetBufferList, SendCompleteFlags);
}

static void ProtocolOidRequestComplete(NDIS_HANDLE ProtocolBindingContext, PNDIS_OID_REQUEST OidRequest,
                                       NDIS_STATUS Status)
{
    im_request_up(edge_of(ProtocolBindingContext)->im, OidRequest, Status);
}

static NDIS_STATUS ProtocolNetPnPEvent(NDIS_HANDLE ProtocolBindingContext,
                                       PNET_PNP_EVENT_NOTIFICATION NetPnPEventNotification)
{
    return im_net_event(edge_of(ProtocolBindingContext), NetPnPEventNotification);
}

/* ---- Life ---- */

static unsigned wanted(const struct flue_im *im)
{
    return im->params.kind == FLUE_IM_TEAM ? 2 : 1;
}

static NDIS_STATUS open_adapter(struct flue_im *im, NDIS_HANDLE bind, const NDIS_BIND_PARAMETERS *parameters)
{
    struct im_edge *edge = &im->edges[im->edge_count];
    NDIS_OPEN_PARAMETERS open = {.AdapterName = parameters->AdapterName};
    NDIS_STATUS status;

    if (im->edge_count == wanted(im)) {
        return NDIS_STATUS_NOT_SUPPORTED;
    }
    *edge = (struct im_edge){.im = im};
    if (parameters->TcpConnectionOffload != NULL) {
        edge->capability = *parameters->TcpConnectionOffload;
        edge->capable = true;
    }
    status = NdisOpenAdapterEx(im->protocol, edge, &open, bind, &edge->binding);
    if (status == NDIS_STATUS_SUCCESS) {
        im->edge_count++;
        if (im->associated && im->edge_count == wanted(im)) {
            (void)im_miniport_start(im);
        }
    }
    return status;
}

static NDIS_STATUS ProtocolBindAdapterEx(NDIS_HANDLE ProtocolDriverContext, NDIS_HANDLE BindContext,
                                         PNDIS_BIND_PARAMETERS BindParameters)
{
    return open_adapter((struct flue_im *)ProtocolDriverContext, BindContext, BindParameters);
}

/* The virtual adapter goes with the adapter that carries it; first, since what it lent must be back by then. */
static NDIS_STATUS ProtocolUnbindAdapterEx(NDIS_HANDLE UnbindContext, NDIS_HANDLE ProtocolBindingContext)
{
    struct im_edge *edge = edge_of(ProtocolBindingContext);
    NDIS_STATUS status = NDIS_STATUS_INVALID_STATE;

    (void)UnbindContext;
    if ((edge != im_active(edge->im) || im_miniport_stop(edge->im)) &&
        (status = NdisCloseAdapterEx(edge->binding)) == NDIS_STATUS_SUCCESS) {
        edge->binding = NULL;
    }
    return status;
}

static const struct flue_client_handlers handlers = FLUE_CLIENT_HANDLERS;

static NDIS_STATUS ProtocolSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    ((struct flue_im *)DriverContext)->protocol = NdisDriverHandle; /* adapters are offered before registration ends */
    return flue_ndis_set_client(NdisDriverHandle, &handlers);
}

NDIS_STATUS im_protocol_register(struct flue_im *im)
{
    static const NDIS_PROTOCOL_DRIVER_CHARACTERISTICS characteristics = {
        .Header = {NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS, 1, sizeof characteristics},
        .SetOptionsHandler = ProtocolSetOptions,
        .BindAdapterHandlerEx = ProtocolBindAdapterEx,
        .UnbindAdapterHandlerEx = ProtocolUnbindAdapterEx,
        .ReceiveNetBufferListsHandler = ProtocolReceiveNetBufferLists,
        .SendNetBufferListsCompleteHandler = ProtocolSendNetBufferListsComplete,
        .StatusHandlerEx = ProtocolStatusEx,
        .OidRequestCompleteHandler = ProtocolOidRequestComplete,
        .NetPnPEventHandler = ProtocolNetPnPEvent,
    };

    return NdisRegisterProtocolDriver(im->ndis, im, &characteristics, &im->protocol);
}

/* ---- Calls down ---- */

void im_down_tree(struct im_edge *edge, enum im_operation operation, im_tree_p root)
{
    static void (*const calls[IM_OPERATIONS])(NDIS_HANDLE, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST) = {
        [IM_INITIATE] = NdisInitiateOffload,     [IM_TERMINATE] = NdisTerminateOffload, [IM_UPDATE] = NdisUpdateOffload,
        [IM_INVALIDATE] = NdisInvalidateOffload, [IM_QUERY] = NdisQueryOffloadState,
    };

    calls[operation](edge->binding, root);
}

NDIS_STATUS im_down_data(struct im_entry *entry, enum im_request request, PNET_BUFFER_LIST first, ULONG flags)
{
    switch (request) {
    case IM_SEND:
        return NdisOffloadTcpSend(&entry->handle, first);
    case IM_RECEIVE:
        return NdisOffloadTcpReceive(&entry->handle, first);
    case IM_DISCONNECT:
        return NdisOffloadTcpDisconnect(&entry->handle, first, flags);
    case IM_FORWARD:
        return NdisOffloadTcpForward(&entry->handle, first);
    case IM_REQUESTS:
        break;
    }
    return NDIS_STATUS_INVALID_STATE;
}
