/* SPDX-License-Identifier: GPL-2.0-only */
/* run/traffic.h - what the workloads share beyond connections: how large things are, and when they fall due. */
#ifndef FLUE_RUN_TRAFFIC_H
#define FLUE_RUN_TRAFFIC_H

#include "flue/cost.h"
#include "run/arrivals.h"
#include "run/flow_list.h"
#include "run/sizes.h"

struct traffic {
    struct sizes sizes; /* of writes and responses: io_sizes, or io_size */
    struct sizes each;  /* web: requests of a connection */
    struct sizes think; /* web: microseconds before a user goes on; none: they do not think */
    int thinks;
    uint64_t key, think_key; /* of draws from the first two, and from the third */
    struct flow_list list;
    size_t next_line;
    struct arrivals arrivals;
};

/* From the scenario's texts and files; message says why one cannot be. */
FLUE_CHECKED flue_err traffic_prepare(struct traffic *traffic, const struct flue_scenario *scenario, uint64_t seed,
                                      char *message, size_t room);
void traffic_dispose(struct traffic *traffic); /* a zeroed one may be disposed of */

/* Mean time between two arrivals of `each_q16` / 2^16 requests that `load` asks for.  FLUE_EINVAL: longer than can be.
 */
FLUE_CHECKED flue_err traffic_gap(const struct traffic *traffic, const struct flue_scenario *scenario,
                                  const struct flue_profile *profile, uint64_t each_q16, uint64_t *gap_ps,
                                  char *message, size_t room);

/* Size k that goes out on a stream (2 x id + 1: the server's). */
static inline uint64_t traffic_size(const struct traffic *traffic, uint32_t stream, uint32_t k)
{
    return traffic->sizes.kind == SIZES_FIXED ? traffic->sizes.middle
                                              : sizes_draw(&traffic->sizes, traffic->key, stream, k);
}

/* capacity.c: time that one request takes on the slower of wire and host, in the host arm; and the mean over
 * responses whose sizes are drawn. */
uint64_t capacity_request_ps(const struct flue_scenario *scenario, const struct flue_profile *profile);
uint64_t capacity_mean_ps(const struct flue_scenario *scenario, const struct flue_profile *profile,
                          const struct sizes *sizes);
/* What a flow takes on an idle network with hosts that cost nothing and windows that are always open: a round trip for
 * the handshake, and for each of its exchanges one more and the bytes on the wire. */
uint64_t capacity_handshake_ps(const struct flue_scenario *scenario);
uint64_t capacity_exchange_ps(const struct flue_scenario *scenario, uint64_t request, uint64_t response);

#endif
