/* SPDX-License-Identifier: GPL-2.0-only */
/* host/path.h - paths (pairs of addresses), and the routes that say under which next hop each of them hangs. */
#ifndef FLUE_HOST_PATH_H
#define FLUE_HOST_PATH_H

#include "host/host.h"

/* ---- path.c */

/* The path of a socket's pair of addresses, made when it is asked for first; NULL: no memory. */
struct host_path *path_of(struct flue_host_socket *socket);
/* Another user of a path; and one less. */
void path_use(struct flue_host *host, struct host_path *path);
void path_leave(struct flue_host *host, struct host_path *path);
/* Where routes lead now that a local address is on another adapter: a path there, which is the one that path_of()
 * finds from now on.  False: no memory, everything as it was. */
bool path_retire(struct host_path *path);
/* Its pair goes where its address has gone. */
void path_follow(struct flue_host_socket *socket);
/* Two addresses and an application, for one socket more or less; the last takes its leave of the path, too.  NULL: no
 * memory. */
struct host_pair *pair_get(struct flue_host *host, const struct flue_ip *local_ip, const struct flue_ip *remote_ip,
                           const struct flue_app *app);
void pair_put(struct flue_host *host, struct host_pair *pair);
/* Frees paths and neighbours that nothing uses, as far as there are more than a few of them. */
void path_sweep(struct flue_host *host);
/* Another MTU, or another next hop that routes want: the target is told by an update. */
void path_set_mtu(struct host_path *path, uint32_t mtu_bytes);
void path_want(struct host_path *path, struct host_neighbour *neighbour);
/* It hangs under this neighbour now. */
void path_hang(struct host_path *path, struct host_neighbour *neighbour);
/* The target has it no more. */
void path_here(struct host_path *path);
/* An ICMP error. */
void path_icmp(struct flue_host *host, const struct flue_frame *frame);

/* ---- route.c */

/* The neighbour that leads to an address; NULL: no adapter, or no memory.  avoid: not this one, if there is another. */
struct host_neighbour *route_find(struct flue_host *host, const struct flue_ip *local_ip,
                                  const struct flue_ip *remote_ip, const struct host_neighbour *avoid);
/* Asks the routes again for those paths that want a neighbour that is dead. */
void route_avoid(struct host_neighbour *dead);
/* It can be used again: paths over others that cannot ask the routes again. */
void route_return(const struct host_neighbour *alive);
/* Some route leads over it. */
bool route_over(const struct host_neighbour *neighbour);

#endif
