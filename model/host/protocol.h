/* SPDX-License-Identifier: GPL-2.0-only */
/* host/protocol.h - the airlock: every call of NDIS that the host makes.  A chain that is passed is empty afterwards.
 */
#ifndef FLUE_HOST_PROTOCOL_H
#define FLUE_HOST_PROTOCOL_H

#include "host/host.h"

flue_err protocol_register(struct flue_host *host);
void protocol_send(struct host_binding *binding, struct ndis_chain *chain);
void protocol_return(struct host_binding *binding, struct ndis_chain *chain);
void protocol_return_indicated(struct host_binding *binding, struct ndis_chain *chain);
void protocol_initiate(struct host_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);
void protocol_terminate(struct host_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);
void protocol_update(struct host_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);
void protocol_query(struct host_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);
void protocol_invalidate(struct host_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);
void protocol_tcp_send(struct flue_host_socket *socket, struct ndis_chain *chain);
void protocol_tcp_receive(struct flue_host_socket *socket, struct ndis_chain *chain);
void protocol_tcp_forward(struct flue_host_socket *socket, struct ndis_chain *chain);
void protocol_tcp_disconnect(struct flue_host_socket *socket, PNET_BUFFER_LIST nbl, ULONG flags);
void protocol_event_done(struct host_binding *binding, PNET_PNP_EVENT_NOTIFICATION event);
void protocol_request(struct host_binding *binding, PNDIS_OID_REQUEST request);

#endif
