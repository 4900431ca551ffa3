/* SPDX-License-Identifier: GPL-2.0-only */
/* host/protocol.c - the airlock: the only file of the host in which the interface's own names are functions. */
#include "host/host.h"

#include <assert.h>

/* ---- Upcalls: NDIS -> host */

static void ProtocolReceiveNetBufferLists(NDIS_HANDLE ProtocolBindingContext, PNET_BUFFER_LIST NetBufferLists,
                                          NDIS_PORT_NUMBER PortNumber, ULONG NumberOfNetBufferLists, ULONG ReceiveFlags)
{
    struct flue_host *host = ProtocolBindingContext;

    (void)PortNumber, (void)NumberOfNetBufferLists, (void)ReceiveFlags;
    host_upcall_enter(host);
    software_receive(host, NetBufferLists);
    host_upcall_leave(host);
}

static void ProtocolSendNetBufferListsComplete(NDIS_HANDLE ProtocolBindingContext, PNET_BUFFER_LIST NetBufferList,
                                               ULONG SendCompleteFlags)
{
    struct flue_host *host = ProtocolBindingContext;

    (void)SendCompleteFlags;
    host_upcall_enter(host);
    software_send_complete(host, NetBufferList);
    host_upcall_leave(host);
}

static void ProtocolStatusEx(NDIS_HANDLE ProtocolBindingContext, PNDIS_STATUS_INDICATION StatusIndication)
{
    struct flue_host *host = ProtocolBindingContext;

    host_upcall_enter(host);
    chimney_status(host, StatusIndication->StatusCode);
    host_upcall_leave(host);
}

static void ProtocolInitiateOffloadComplete(NDIS_HANDLE ProtocolBindingContext,
                                            PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    struct flue_host *host = ProtocolBindingContext;

    host_upcall_enter(host);
    offload_complete(host, OffloadBlockList);
    host_upcall_leave(host);
}

static void ProtocolTerminateOffloadComplete(NDIS_HANDLE ProtocolBindingContext,
                                             PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    struct flue_host *host = ProtocolBindingContext;

    host_upcall_enter(host);
    upload_complete(host, OffloadBlockList);
    host_upcall_leave(host);
}

/* This host never asks for an update, an invalidate or a query. */
static void ProtocolUpdateOffloadComplete(NDIS_HANDLE ProtocolBindingContext,
                                          PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    (void)ProtocolBindingContext, (void)OffloadBlockList;
    assert(false);
}

/* A static neighbour is always reachable, as of now (CH-271). */
static void ProtocolIndicateOffloadEvent(NDIS_HANDLE ProtocolBindingContext,
                                         PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList, ULONG IndicationCode)
{
    (void)ProtocolBindingContext;
    if (IndicationCode == NeighborReachabilityQuery && OffloadBlockList != NULL) {
        OFFLOAD_STATE_HEADER *cached = flue_state_next(flue_state_first(OffloadBlockList));

        ((NEIGHBOR_OFFLOAD_STATE_CACHED *)(void *)cached)->HostReachabilityDelta = 0;
    }
}

static void ProtocolTcpOffloadSendComplete(NDIS_HANDLE ProtocolBindingContext, PNET_BUFFER_LIST NetBufferList)
{
    struct flue_host *host = ProtocolBindingContext;

    host_upcall_enter(host);
    chimney_send_complete(host, NetBufferList);
    host_upcall_leave(host);
}

/* This host posts no receive buffers. */
static void ProtocolTcpOffloadReceiveComplete(NDIS_HANDLE ProtocolBindingContext, PNET_BUFFER_LIST NetBufferList)
{
    (void)ProtocolBindingContext, (void)NetBufferList;
    assert(false);
}

static void ProtocolTcpOffloadDisconnectComplete(NDIS_HANDLE ProtocolBindingContext, PNET_BUFFER_LIST NetBufferList)
{
    struct flue_host *host = ProtocolBindingContext;

    host_upcall_enter(host);
    chimney_disconnect_complete(host, NetBufferList);
    host_upcall_leave(host);
}

static void ProtocolTcpOffloadForwardComplete(NDIS_HANDLE ProtocolBindingContext, PNET_BUFFER_LIST NetBufferList)
{
    struct flue_host *host = ProtocolBindingContext;

    host_upcall_enter(host);
    hold_forward_complete(host, NetBufferList);
    host_upcall_leave(host);
}

static void ProtocolTcpOffloadEvent(PVOID OffloadContext, ULONG EventType, ULONG EventSpecificInformation)
{
    struct flue_socket *socket = chimney_socket(OffloadContext);

    host_upcall_enter(socket->host);
    chimney_event(socket, EventType, EventSpecificInformation);
    host_upcall_leave(socket->host);
}

static NDIS_STATUS ProtocolTcpOffloadReceiveIndicate(PVOID OffloadContext, PNET_BUFFER_LIST NetBufferList,
                                                     NDIS_STATUS Status, ULONG *BytesConsumed)
{
    struct flue_socket *socket = chimney_socket(OffloadContext);

    (void)Status;
    host_upcall_enter(socket->host);
    *BytesConsumed = chimney_indicate(socket, NetBufferList);
    host_upcall_leave(socket->host);
    return NDIS_STATUS_SUCCESS;
}

/* ---- Life */

static NDIS_STATUS ProtocolBindAdapterEx(NDIS_HANDLE ProtocolDriverContext, NDIS_HANDLE BindContext,
                                         PNDIS_BIND_PARAMETERS BindParameters)
{
    struct flue_host *host = ProtocolDriverContext;
    NDIS_OPEN_PARAMETERS open = {.AdapterName = BindParameters->AdapterName};

    if (host->binding != NULL) {
        return NDIS_STATUS_NOT_SUPPORTED; /* one adapter per host */
    }
    return NdisOpenAdapterEx(host->protocol, host, &open, BindContext, &host->binding);
}

static NDIS_STATUS ProtocolUnbindAdapterEx(NDIS_HANDLE UnbindContext, NDIS_HANDLE ProtocolBindingContext)
{
    struct flue_host *host = ProtocolBindingContext;
    NDIS_STATUS status = NdisCloseAdapterEx(host->binding);

    (void)UnbindContext;
    if (status == NDIS_STATUS_SUCCESS) {
        host->binding = NULL;
    }
    return status;
}

static const NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS generic_handlers = {
    .Header = {.Type = NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS,
               .Revision = NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS_REVISION_1,
               .Size = sizeof generic_handlers},
    .InitiateOffloadCompleteHandler = ProtocolInitiateOffloadComplete,
    .TerminateOffloadCompleteHandler = ProtocolTerminateOffloadComplete,
    .UpdateOffloadCompleteHandler = ProtocolUpdateOffloadComplete,
    .InvalidateOffloadCompleteHandler = ProtocolUpdateOffloadComplete,
    .QueryOffloadCompleteHandler = ProtocolUpdateOffloadComplete,
    .IndicateOffloadEventHandler = ProtocolIndicateOffloadEvent,
};

static const NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS tcp_handlers = {
    .Header = {.Type = NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS,
               .Revision = NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS_REVISION_1,
               .Size = sizeof tcp_handlers},
    .OffloadType = NdisTcpChimneyOffload,
    .TcpOffloadSendCompleteHandler = ProtocolTcpOffloadSendComplete,
    .TcpOffloadReceiveCompleteHandler = ProtocolTcpOffloadReceiveComplete,
    .TcpOffloadDisconnectCompleteHandler = ProtocolTcpOffloadDisconnectComplete,
    .TcpOffloadForwardCompleteHandler = ProtocolTcpOffloadForwardComplete,
    .TcpOffloadEventHandler = ProtocolTcpOffloadEvent,
    .TcpOffloadReceiveIndicateHandler = ProtocolTcpOffloadReceiveIndicate,
};

static NDIS_STATUS ProtocolSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    struct flue_host *host = DriverContext;
    NDIS_STATUS status = NdisSetOptionalHandlers(NdisDriverHandle, &generic_handlers.Header);

    host->protocol = NdisDriverHandle; /* adapters that run are offered before registration returns */
    return status == NDIS_STATUS_SUCCESS ? NdisSetOptionalHandlers(NdisDriverHandle, &tcp_handlers.Header) : status;
}

flue_err protocol_register(struct flue_host *host)
{
    const NDIS_PROTOCOL_DRIVER_CHARACTERISTICS characteristics = {
        .Header = {.Type = NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS,
                   .Revision = 1,
                   .Size = sizeof characteristics},
        .SetOptionsHandler = ProtocolSetOptions,
        .BindAdapterHandlerEx = ProtocolBindAdapterEx,
        .UnbindAdapterHandlerEx = ProtocolUnbindAdapterEx,
        .ReceiveNetBufferListsHandler = ProtocolReceiveNetBufferLists,
        .SendNetBufferListsCompleteHandler = ProtocolSendNetBufferListsComplete,
        .StatusHandlerEx = ProtocolStatusEx,
    };
    NDIS_STATUS status = NdisRegisterProtocolDriver(host->ndis, host, &characteristics, &host->protocol);

    assert(status == NDIS_STATUS_SUCCESS || status == NDIS_STATUS_RESOURCES);
    return status == NDIS_STATUS_SUCCESS ? FLUE_OK : FLUE_ENOMEM;
}

/* ---- Calls: host -> NDIS.  Those that take a chain empty it. */

static PNET_BUFFER_LIST take(struct ndis_chain *chain)
{
    PNET_BUFFER_LIST first = chain->first;

    *chain = (struct ndis_chain){0};
    return first;
}

/* Virtual time and connection of the crossing that follows, for its trace. */
static void say(struct flue_host *host, uint32_t conn)
{
    flue_ndis_at(host->ndis, host_now(host), conn);
}

void protocol_send(struct flue_host *host, struct ndis_chain *chain)
{
    NdisSendNetBufferLists(host->binding, take(chain), 0, 0);
}

void protocol_return(struct flue_host *host, struct ndis_chain *chain)
{
    NdisReturnNetBufferLists(host->binding, take(chain), 0);
}

void protocol_return_indicated(struct flue_host *host, struct ndis_chain *chain)
{
    say(host, FLUE_NO_CONN);
    (void)NdisOffloadTcpReceiveReturn(host->binding, take(chain));
}

void protocol_initiate(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    say(host, FLUE_NO_CONN);
    NdisInitiateOffload(host->binding, root);
}

void protocol_terminate(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    say(host, FLUE_NO_CONN);
    NdisTerminateOffload(host->binding, root);
}

void protocol_tcp_send(struct flue_socket *socket, PNET_BUFFER_LIST nbl)
{
    say(socket->host, socket->id);
    (void)NdisOffloadTcpSend(&socket->lease->handle, nbl);
}

void protocol_tcp_forward(struct flue_socket *socket, struct ndis_chain *chain)
{
    say(socket->host, socket->id);
    (void)NdisOffloadTcpForward(&socket->lease->handle, take(chain));
}

void protocol_tcp_disconnect(struct flue_socket *socket, PNET_BUFFER_LIST nbl, ULONG flags)
{
    say(socket->host, socket->id);
    (void)NdisOffloadTcpDisconnect(&socket->lease->handle, nbl, flags);
}
