/* SPDX-License-Identifier: GPL-2.0-only */
/* host/relink.h - paths that change their next hop, and next hops that must not be used any more (behaviour 9.2, 10).
 */
#ifndef FLUE_HOST_RELINK_H
#define FLUE_HOST_RELINK_H

#include "host/host.h"

void relink_start(struct flue_host *host);
/* A path in an update that has completed. */
void relink_complete(struct host_path *path, bool done);
FLUE_CHECKED bool relink_invalidate(struct host_neighbour *neighbour);
void relink_invalidated(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);
/* The connections of a path are to be taken back, at the next relink_evict(). */
void relink_want_back(struct host_path *path);
void relink_evict(struct flue_host *host);
/* Those that are to come to a neighbour may be able to. */
void relink_stir(struct host_neighbour *neighbour);
/* The target sends over a neighbour that paths are to leave for others: those that were dead are asked again. */
void relink_ask(const struct host_neighbour *neighbour);

#endif
