/* SPDX-License-Identifier: GPL-2.0-only */
/* host/chimney.h - the data path while the target holds a connection: what goes down (sends, disconnects, receive
 * buffers), what completes, and what the target says of itself (behaviour 13). */
#ifndef FLUE_HOST_CHIMNEY_H
#define FLUE_HOST_CHIMNEY_H

#include "host/host.h"

/* ---- chimney.c */

/* Whose OffloadContext this is. */
struct flue_host_socket *chimney_socket(PVOID offload_context);
/* What waits in the socket: data, close, a reset. */
void chimney_post(struct flue_host_socket *socket);
void chimney_send_complete(struct flue_host *host, PNET_BUFFER_LIST first);
void chimney_disconnect_complete(struct flue_host *host, PNET_BUFFER_LIST nbl);
NDIS_STATUS chimney_indicate(struct flue_host_socket *socket, PNET_BUFFER_LIST nbl, ULONG *consumed);
void chimney_event(struct flue_host_socket *socket, ULONG event, ULONG information);

/* ---- post.c */

void post_receives(struct flue_host_socket *socket);
void post_ended(struct flue_host *host, PNET_BUFFER_LIST first);
/* The unread bytes of a connection that is handed over, as BufferedData; NULL: none, or no memory. */
PNET_BUFFER_LIST post_buffered(struct flue_host_socket *socket);
void post_buffered_done(struct flue_host_socket *socket, PNET_BUFFER_LIST first, bool taken);
uint32_t post_room_bytes(const struct flue_host_socket *socket);

#endif
