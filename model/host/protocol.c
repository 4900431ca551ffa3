/* SPDX-License-Identifier: GPL-2.0-only */
/* host/protocol.c - the airlock: the only file of the host in which the interface's own names are functions. */
#include "host/binding.h"
#include "host/chimney.h"
#include "host/neighbour.h"
#include "host/offload.h"
#include "host/protocol.h"
#include "host/query.h"
#include "host/relink.h"
#include "host/software.h"
#include "host/update.h"
#include "host/upload.h"

#include <assert.h>

static struct flue_host *host_of(NDIS_HANDLE ProtocolBindingContext)
{
    return ((struct host_binding *)ProtocolBindingContext)->host;
}

/* ---- Upcalls: NDIS -> host */

static void ProtocolReceiveNetBufferLists(NDIS_HANDLE ProtocolBindingContext, PNET_BUFFER_LIST NetBufferLists,
                                          NDIS_PORT_NUMBER PortNumber, ULONG NumberOfNetBufferLists, ULONG ReceiveFlags)
{
    struct host_binding *binding = ProtocolBindingContext;

    (void)PortNumber, (void)NumberOfNetBufferLists, (void)ReceiveFlags;
    host_upcall_enter(binding->host);
    software_receive(binding, NetBufferLists);
    host_upcall_leave(binding->host);
}

static void ProtocolSendNetBufferListsComplete(NDIS_HANDLE ProtocolBindingContext, PNET_BUFFER_LIST NetBufferList,
                                               ULONG SendCompleteFlags)
{
    struct flue_host *host = host_of(ProtocolBindingContext);

    (void)SendCompleteFlags;
    host_upcall_enter(host);
    software_send_complete(host, NetBufferList);
    host_upcall_leave(host);
}

static void ProtocolStatusEx(NDIS_HANDLE ProtocolBindingContext, PNDIS_STATUS_INDICATION StatusIndication)
{
    struct host_binding *binding = ProtocolBindingContext;

    host_upcall_enter(binding->host);
    binding_status(binding, StatusIndication->StatusCode, StatusIndication->StatusBuffer,
                   StatusIndication->StatusBufferSize);
    host_upcall_leave(binding->host);
}

#define TREE_HANDLER(name, ended)                                                                                      \
    static void name(NDIS_HANDLE ProtocolBindingContext, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList)           \
    {                                                                                                                  \
        struct flue_host *host = host_of(ProtocolBindingContext);                                                      \
                                                                                                                       \
        host_upcall_enter(host);                                                                                       \
        ended(host, OffloadBlockList);                                                                                 \
        host_upcall_leave(host);                                                                                       \
    }
TREE_HANDLER(ProtocolInitiateOffloadComplete, offload_complete)
TREE_HANDLER(ProtocolTerminateOffloadComplete, upload_complete)
TREE_HANDLER(ProtocolUpdateOffloadComplete, update_ended)
TREE_HANDLER(ProtocolInvalidateOffloadComplete, relink_invalidated)
TREE_HANDLER(ProtocolQueryOffloadComplete, query_ended)

/* Answered before it returns (CH-271), wherever the host is just now: the target may ask while it is being called. */
static void ProtocolIndicateOffloadEvent(NDIS_HANDLE ProtocolBindingContext,
                                         PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST OffloadBlockList, ULONG IndicationCode)
{
    if (IndicationCode == NeighborReachabilityQuery && OffloadBlockList != NULL) {
        neighbour_answer(ProtocolBindingContext, OffloadBlockList);
    }
}

#define DATA_HANDLER(name, ended)                                                                                      \
    static void name(NDIS_HANDLE ProtocolBindingContext, PNET_BUFFER_LIST NetBufferList)                               \
    {                                                                                                                  \
        struct flue_host *host = host_of(ProtocolBindingContext);                                                      \
                                                                                                                       \
        host_upcall_enter(host);                                                                                       \
        ended(host, NetBufferList);                                                                                    \
        host_upcall_leave(host);                                                                                       \
    }
DATA_HANDLER(ProtocolTcpOffloadSendComplete, chimney_send_complete)
DATA_HANDLER(ProtocolTcpOffloadReceiveComplete, post_ended)
DATA_HANDLER(ProtocolTcpOffloadDisconnectComplete, chimney_disconnect_complete)
DATA_HANDLER(ProtocolTcpOffloadForwardComplete, hold_forward_complete)

static void ProtocolTcpOffloadEvent(PVOID OffloadContext, ULONG EventType, ULONG EventSpecificInformation)
{
    struct flue_host_socket *socket = chimney_socket(OffloadContext);

    host_upcall_enter(socket->pair->host);
    chimney_event(socket, EventType, EventSpecificInformation);
    host_upcall_leave(socket->pair->host);
}

static NDIS_STATUS ProtocolTcpOffloadReceiveIndicate(PVOID OffloadContext, PNET_BUFFER_LIST NetBufferList,
                                                     NDIS_STATUS Status, ULONG *BytesConsumed)
{
    struct flue_host_socket *socket = chimney_socket(OffloadContext);
    NDIS_STATUS status;

    (void)Status;
    host_upcall_enter(socket->pair->host);
    status = chimney_indicate(socket, NetBufferList, BytesConsumed);
    host_upcall_leave(socket->pair->host);
    return status;
}

/* ---- Life */

static void ProtocolOidRequestComplete(NDIS_HANDLE ProtocolBindingContext, PNDIS_OID_REQUEST OidRequest,
                                       NDIS_STATUS Status)
{
    struct host_binding *binding = ProtocolBindingContext;

    binding_requested(binding, OidRequest, Status);
    host_arm_settle(binding->host);
}

static NDIS_STATUS ProtocolNetPnPEvent(NDIS_HANDLE ProtocolBindingContext, PNET_PNP_EVENT_NOTIFICATION Event)
{
    struct host_binding *binding = ProtocolBindingContext;
    NDIS_STATUS status = binding_event(binding, Event);

    host_arm_settle(binding->host);
    return status;
}

static NDIS_STATUS open_adapter(struct host_binding *binding, NDIS_HANDLE BindContext, const char *name)
{
    NDIS_OPEN_PARAMETERS open = {.AdapterName = name};

    return binding == NULL ? NDIS_STATUS_RESOURCES
                           : NdisOpenAdapterEx(binding->host->protocol, binding, &open, BindContext, &binding->handle);
}

static NDIS_STATUS ProtocolBindAdapterEx(NDIS_HANDLE ProtocolDriverContext, NDIS_HANDLE BindContext,
                                         PNDIS_BIND_PARAMETERS BindParameters)
{
    struct host_binding *binding = binding_new(ProtocolDriverContext);
    const NDIS_STATUS status = open_adapter(binding, BindContext, BindParameters->AdapterName);

    if (status == NDIS_STATUS_SUCCESS) {
        binding_bound(binding, BindParameters->TcpConnectionOffload);
    }
    return status;
}

static NDIS_STATUS ProtocolUnbindAdapterEx(NDIS_HANDLE UnbindContext, NDIS_HANDLE ProtocolBindingContext)
{
    struct host_binding *binding = ProtocolBindingContext;
    NDIS_STATUS status = NdisCloseAdapterEx(binding->handle);

    (void)UnbindContext;
    if (status == NDIS_STATUS_SUCCESS) {
        binding_free(binding);
    }
    return status;
}

static const struct flue_client_handlers handlers = FLUE_CLIENT_HANDLERS;

static NDIS_STATUS ProtocolSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    struct flue_host *host = DriverContext;

    host->protocol = NdisDriverHandle; /* adapters that run are offered before registration returns */
    return flue_ndis_set_client(NdisDriverHandle, &handlers);
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
        .OidRequestCompleteHandler = ProtocolOidRequestComplete,
        .NetPnPEventHandler = ProtocolNetPnPEvent,
    };
    NDIS_STATUS status = NdisRegisterProtocolDriver(host->ndis, host, &characteristics, &host->protocol);

    assert(status == NDIS_STATUS_SUCCESS || status == NDIS_STATUS_RESOURCES);
    return status == NDIS_STATUS_SUCCESS ? FLUE_OK : FLUE_ENOMEM;
}

/* ---- Calls: host -> NDIS.  Those that take a chain empty it. */

/* Virtual time and connection of the crossing that follows, for its trace. */
static void say(struct flue_host *host, uint32_t conn)
{
    flue_ndis_at(host->ndis, host_now(host), conn);
}

void protocol_send(struct host_binding *binding, struct ndis_chain *chain)
{
    NdisSendNetBufferLists(binding->handle, ndis_chain_take(chain), 0, 0);
}

void protocol_return(struct host_binding *binding, struct ndis_chain *chain)
{
    NdisReturnNetBufferLists(binding->handle, ndis_chain_take(chain), 0);
}

void protocol_return_indicated(struct host_binding *binding, struct ndis_chain *chain)
{
    say(binding->host, FLUE_NO_CONN);
    (void)NdisOffloadTcpReceiveReturn(binding->handle, ndis_chain_take(chain));
}

void protocol_initiate(struct host_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    say(binding->host, FLUE_NO_CONN);
    NdisInitiateOffload(binding->handle, root);
}

void protocol_terminate(struct host_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    say(binding->host, FLUE_NO_CONN);
    NdisTerminateOffload(binding->handle, root);
}

void protocol_update(struct host_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    say(binding->host, FLUE_NO_CONN);
    NdisUpdateOffload(binding->handle, root);
}

void protocol_query(struct host_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    say(binding->host, FLUE_NO_CONN);
    NdisQueryOffloadState(binding->handle, root);
}

void protocol_invalidate(struct host_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    say(binding->host, FLUE_NO_CONN);
    NdisInvalidateOffload(binding->handle, root);
}

void protocol_tcp_send(struct flue_host_socket *socket, struct ndis_chain *chain)
{
    say(socket->pair->host, socket->account.conn);
    (void)NdisOffloadTcpSend(&socket_lease(socket)->object.handle, ndis_chain_take(chain));
}

void protocol_tcp_receive(struct flue_host_socket *socket, struct ndis_chain *chain)
{
    say(socket->pair->host, socket->account.conn);
    (void)NdisOffloadTcpReceive(&socket_lease(socket)->object.handle, ndis_chain_take(chain));
}

void protocol_tcp_forward(struct flue_host_socket *socket, struct ndis_chain *chain)
{
    say(socket->pair->host, socket->account.conn);
    (void)NdisOffloadTcpForward(&socket_lease(socket)->object.handle, ndis_chain_take(chain));
}

void protocol_tcp_disconnect(struct flue_host_socket *socket, PNET_BUFFER_LIST nbl, ULONG flags)
{
    say(socket->pair->host, socket->account.conn);
    (void)NdisOffloadTcpDisconnect(&socket_lease(socket)->object.handle, nbl, flags);
}

void protocol_event_done(struct host_binding *binding, PNET_PNP_EVENT_NOTIFICATION event)
{
    NdisCompleteNetPnPEvent(binding->handle, event, NDIS_STATUS_SUCCESS);
}

void protocol_request(struct host_binding *binding, PNDIS_OID_REQUEST request)
{
    NDIS_STATUS status = NdisOidRequest(binding->handle, request);

    if (status != NDIS_STATUS_PENDING) {
        binding_requested(binding, request, status);
    }
}
