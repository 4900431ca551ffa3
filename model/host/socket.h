/* SPDX-License-Identifier: GPL-2.0-only */
/* host/socket.h - a connection as its application sees it, whoever runs its TCP.  Bytes on their way down wait in the
 * socket until the present holder takes them, bytes on their way up as pieces until the application reads. */
#ifndef FLUE_HOST_SOCKET_H
#define FLUE_HOST_SOCKET_H

#include "host/host.h"

/* ---- socket.c */

struct flue_host_socket *socket_new(struct flue_host *host, const struct flue_tcp_tuple *tuple, uint32_t id,
                                    unsigned side, const struct flue_app *app, void *ctx);
/* The connection a frame belongs to; NULL: none. */
struct flue_host_socket *socket_of(const struct flue_host *host, const struct flue_tcp_tuple *tuple);
struct flue_host_socket *socket_find(struct flue_host *host, const struct flue_frame *frame);
/* Something happened to it: the present entry looks at it before it ends. */
void socket_attend(struct flue_host_socket *socket);
/* No frame and no turn reaches it any more; its engine connection goes. */
void socket_unlink(struct flue_host_socket *socket);
void socket_free(struct flue_host_socket *socket);
/* Its own struct host_traffic, made if it has none; NULL: no memory. */
struct host_traffic *socket_traffic(struct flue_host_socket *socket);
/* Gives that back if nothing of the connection moves or waits. */
void socket_rest(struct flue_host_socket *socket);
/* The peer has acknowledged so many bytes more; the engine is to be told when so many have been read; the target gets
 * one more buffer list back after the read. */
void socket_acked(struct flue_host_socket *socket, uint32_t bytes);
void socket_owe(struct flue_host_socket *socket, uint32_t bytes);
void socket_lists_add(struct flue_host_socket *socket);
/* Its engine has something to transmit. */
void socket_output(struct flue_host_socket *socket);
/* The connection is over; the application is told why. */
void socket_ended(struct flue_host_socket *socket, enum flue_tcp_reason reason);
/* Gives what waits here, data and close, to the present holder, if there is one that takes it. */
void socket_post(struct flue_host_socket *socket);
/* Whether something waits here that socket_post() would give to the holder. */
bool socket_waits(const struct flue_host_socket *socket);
void socket_add_piece(struct flue_host_socket *socket, const struct flue_span *span);
/* All pieces, as a list in order; NULL: none.  And: nobody wants them. */
struct host_piece *socket_take_pieces(struct flue_host_socket *socket);
void socket_drop_pieces(struct flue_host_socket *socket);

/* ---- deliver.c */

/* Tells the application what the socket's flags say, and reads for it. */
void socket_serve(struct flue_host_socket *socket);

#endif
