/* SPDX-License-Identifier: GPL-2.0-only */
/* im/miniport.c - the airlock above: handlers that N calls for the layer above, and calls up. */
#include "im/im_core.h"

/* ---- Handlers: state operations ---- */

#define TREE_HANDLER(name, operation)                                                                                  \
    static void name(NDIS_HANDLE MiniportAdapterContext, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)           \
    {                                                                                                                  \
        im_tree_down((struct flue_im *)MiniportAdapterContext, operation, OffloadBlockList);                           \
    }
TREE_HANDLER(MiniportInitiateOffload, IM_INITIATE)
TREE_HANDLER(MiniportTerminateOffload, IM_TERMINATE)
TREE_HANDLER(MiniportUpdateOffload, IM_UPDATE)
TREE_HANDLER(MiniportInvalidateOffload, IM_INVALIDATE)
TREE_HANDLER(MiniportQueryOffload, IM_QUERY)

/* ---- Handlers: data.  MiniportOffloadContext is the entry that this driver wrote into the upper slot. ---- */

#define DATA_HANDLER(name, request)                                                                                    \
    static NDIS_STATUS name(NDIS_HANDLE MiniportAdapterContext, PVOID MiniportOffloadContext,                          \
                            PNET_BUFFER_LIST NetBufferList)                                                            \
    {                                                                                                                  \
        (void)MiniportAdapterContext;                                                                                  \
        im_data_down((struct im_entry *)MiniportOffloadContext, request, NetBufferList, 0);                            \
        return NDIS_STATUS_PENDING;                                                                                    \
    }
DATA_HANDLER(MiniportTcpOffloadSend, IM_SEND)
DATA_HANDLER(MiniportTcpOffloadReceive, IM_RECEIVE)
DATA_HANDLER(MiniportTcpOffloadForward, IM_FORWARD)

static NDIS_STATUS MiniportTcpOffloadDisconnect(NDIS_HANDLE MiniportAdapterContext, PVOID MiniportOffloadContext,
                                                PNET_BUFFER_LIST NetBufferList, ULONG Flags)
{
    (void)MiniportAdapterContext;
    im_data_down((struct im_entry *)MiniportOffloadContext, IM_DISCONNECT, NetBufferList, Flags);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS MiniportTcpOffloadReceiveReturn(NDIS_HANDLE MiniportAdapterContext, PNET_BUFFER_LIST NetBufferList)
{
    im_return_down((struct flue_im *)MiniportAdapterContext, NetBufferList);
    return NDIS_STATUS_SUCCESS;
}

/* ---- Handlers: the ordinary path, requests ---- */

static void MiniportSendNetBufferLists(NDIS_HANDLE MiniportAdapterContext, PNET_BUFFER_LIST NetBufferList,
                                       NDIS_PORT_NUMBER PortNumber, ULONG SendFlags)
{
    (void)PortNumber;
    im_frames_down((struct flue_im *)MiniportAdapterContext, NetBufferList, SendFlags);
}

static void MiniportReturnNetBufferLists(NDIS_HANDLE MiniportAdapterContext, PNET_BUFFER_LIST NetBufferLists,
                                         ULONG ReturnFlags)
{
    im_frames_return((struct flue_im *)MiniportAdapterContext, NetBufferLists, ReturnFlags);
}

static NDIS_STATUS MiniportOidRequest(NDIS_HANDLE MiniportAdapterContext, PNDIS_OID_REQUEST OidRequest)
{
    return im_request_down((struct flue_im *)MiniportAdapterContext, OidRequest);
}

/* ---- Life ---- */

static const struct flue_provider_handlers handlers = FLUE_PROVIDER_HANDLERS;

static NDIS_STATUS MiniportSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    (void)DriverContext;
    return flue_ndis_set_provider(NdisDriverHandle, &handlers);
}

static NDIS_STATUS initialise(struct flue_im *im, NDIS_HANDLE miniport)
{
    const NDIS_TCP_CONNECTION_OFFLOAD *now = im_active(im)->capable ? &im_active(im)->capability : NULL;
    const NDIS_MINIPORT_ADAPTER_ATTRIBUTES attributes = {
        .MiniportAdapterContext = im, .TcpConnectionOffload = now, .HardwareTcpConnectionOffload = now};
    PNDIS_OFFLOAD_EVENT_HANDLERS calls;
    NDIS_STATUS status = NdisMSetMiniportAttributes(miniport, &attributes);

    if (status == NDIS_STATUS_SUCCESS) {
        status = NdisMGetOffloadHandlers(miniport, NdisTcpChimneyOffload, &calls);
    }
    if (status == NDIS_STATUS_SUCCESS) {
        im->up = *(const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *)(const void *)calls;
        im->miniport = miniport;
    }
    return status;
}

static NDIS_STATUS MiniportInitializeEx(NDIS_HANDLE NdisMiniportHandle, NDIS_HANDLE MiniportDriverContext,
                                        PNDIS_MINIPORT_INIT_PARAMETERS MiniportInitParameters)
{
    (void)MiniportInitParameters;
    return initialise((struct flue_im *)MiniportDriverContext, NdisMiniportHandle);
}

static void MiniportHaltEx(NDIS_HANDLE MiniportAdapterContext)
{
    ((struct flue_im *)MiniportAdapterContext)->miniport = NULL;
}

NDIS_STATUS im_miniport_register(struct flue_im *im)
{
    static const NDIS_MINIPORT_DRIVER_CHARACTERISTICS characteristics = {
        .Header = {NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS, 1, sizeof characteristics},
        .SetOptionsHandler = MiniportSetOptions,
        .InitializeHandlerEx = MiniportInitializeEx,
        .HaltHandlerEx = MiniportHaltEx,
        .SendNetBufferListsHandler = MiniportSendNetBufferLists,
        .ReturnNetBufferListsHandler = MiniportReturnNetBufferLists,
        .OidRequestHandler = MiniportOidRequest,
    };

    return NdisMRegisterMiniportDriver(im->ndis, im, &characteristics, &im->driver);
}

NDIS_STATUS im_miniport_start(struct flue_im *im)
{
    NDIS_HANDLE miniport;
    NDIS_STATUS status = NdisIMInitializeDeviceInstanceEx(im->driver, im->params.name, im, &miniport);

    assert(status != NDIS_STATUS_SUCCESS || miniport == im->miniport);
    return status;
}

bool im_miniport_stop(struct flue_im *im)
{
    return im->miniport == NULL || NdisIMDeInitializeDeviceInstance(im->miniport) == NDIS_STATUS_SUCCESS;
}

/* ---- Calls up ---- */

void im_up_tree(struct flue_im *im, enum im_operation operation, im_tree_m root)
{
    static void (*const calls[IM_OPERATIONS])(NDIS_HANDLE, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST) = {
        [IM_INITIATE] = NdisMInitiateOffloadComplete, [IM_TERMINATE] = NdisMTerminateOffloadComplete,
        [IM_UPDATE] = NdisMUpdateOffloadComplete,     [IM_INVALIDATE] = NdisMInvalidateOffloadComplete,
        [IM_QUERY] = NdisMQueryOffloadStateComplete,
    };

    calls[operation](im->miniport, root);
}

void im_up_data(struct flue_im *im, enum im_request request, PNET_BUFFER_LIST first)
{
    switch (request) {
    case IM_SEND:
        im->up.NdisTcpOffloadSendComplete(im->miniport, first);
        break;
    case IM_RECEIVE:
        im->up.NdisTcpOffloadReceiveComplete(im->miniport, first);
        break;
    case IM_DISCONNECT:
        im->up.NdisTcpOffloadDisconnectComplete(im->miniport, first);
        break;
    case IM_FORWARD:
        im->up.NdisTcpOffloadForwardComplete(im->miniport, first);
        break;
    case IM_REQUESTS:
        break;
    }
}
