/* SPDX-License-Identifier: GPL-2.0-only */
/* host/offload.h - initiate: connections handed over, all that can go together in one tree (behaviour 7). */
#ifndef FLUE_HOST_OFFLOAD_H
#define FLUE_HOST_OFFLOAD_H

#include "host/host.h"

/* Whether it is here, in a state that can be handed over, and its adapter takes connections. */
bool offload_possible(const struct flue_host_socket *socket);
/* To be handed over when this entry ends, or as soon as its next hop can be used. */
void offload_want(struct flue_host_socket *socket, enum flue_move why);
void offload_start(struct flue_host *host);
void offload_complete(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);

#endif
