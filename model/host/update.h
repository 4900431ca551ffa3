/* SPDX-License-Identifier: GPL-2.0-only */
/* host/update.h - cached variables that changed, told to the target: one update of an object at a time (behaviour 9).
 */
#ifndef FLUE_HOST_UPDATE_H
#define FLUE_HOST_UPDATE_H

#include "host/host.h"

/* A block that tells what changed of an object; NULL: nothing to tell, or no memory. */
PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST update_block(struct host_object *object);
/* Looks at all objects on flue_host.dirty. */
void update_start(struct flue_host *host);
void update_ended(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);
/* Puts what is wanted of a connection behind it into the state that it takes along. */
void update_carry(const struct host_lease *lease, struct flue_tcp_state *state);
/* What the target was still to be told of a connection does not matter any more. */
void update_forget(struct host_lease *lease);
/* An operation on the object failed: it is terminated, and all above it (CH-091, CH-096). */
void update_failed(struct host_object *object);

#endif
