/* SPDX-License-Identifier: GPL-2.0-only */
/* host/upload.h - terminate: connections taken back, and the import of what they bring (behaviour 11). */
#ifndef FLUE_HOST_UPLOAD_H
#define FLUE_HOST_UPLOAD_H

#include "host/host.h"

/* To be taken back when this entry ends, or as soon as nothing is pending at the target. */
void upload_want(struct flue_host_socket *socket, enum flue_move why);
/* A terminate that failed was kept (D-32): once more, after the event that tells why. */
void upload_again(struct flue_host_socket *socket);
/* An operation on a connection that is to be taken back has ended. */
void upload_settled(struct host_lease *lease);
/* Everything that an adapter has: connections first, then what they hung on. */
void upload_all(struct host_binding *binding);
/* Builds and sends what is wanted. */
void upload_start(struct flue_host *host);
/* A terminate tree that has completed: of connections, paths and neighbours. */
void upload_complete(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);
/* Makes an engine connection out of a state and the send data behind it; chain is emptied. */
void upload_import(struct flue_host_socket *socket, const struct flue_tcp_state *state, PNET_BUFFER_LIST chain,
                   uint32_t unread_bytes);

#endif
