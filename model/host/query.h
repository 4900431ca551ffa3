/* SPDX-License-Identifier: GPL-2.0-only */
/* host/query.h - questions to the target: of applications about their connections, and of neighbours that doubt
 * (behaviour 8). */
#ifndef FLUE_HOST_QUERY_H
#define FLUE_HOST_QUERY_H

#include "host/host.h"

/* When did the target see progress last? */
void query_neighbour(struct host_neighbour *neighbour);
/* Tells applications what their questions brought. */
void query_tell(struct flue_host *host);
void query_ended(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);

#endif
