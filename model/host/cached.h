/* SPDX-License-Identifier: GPL-2.0-only */
/* host/cached.h - the cached variables of offloaded connections, and the constant ones that do not tell connections
 * apart: nearly all have the same, and share one record. */
#ifndef FLUE_HOST_CACHED_H
#define FLUE_HOST_CACHED_H

#include "host/host.h"

#define HOST_EACH_CACHED(X)                                                                                            \
    X(cached_flags)                                                                                                    \
    X(initial_rcv_wnd)                                                                                                 \
    X(rcv_indication_size)                                                                                             \
    X(ka_probe_count) X(ka_timeout) X(ka_interval) X(max_rt) X(flow_label) X(ttl) X(tos) X(user_priority)

#define HOST_EACH_SHARED(X)                                                                                            \
    X(const_flags)                                                                                                     \
    X(remote_mss) X(snd_wscale) X(rcv_wscale) HOST_EACH_CACHED(X)

/* Makes sure that the next cached_get() succeeds.  False: no memory. */
bool cached_reserve(struct flue_host *host);
/* The record with these values, which has one user more.  NULL: no memory. */
const struct host_cached *cached_get(struct flue_host *host, const struct host_values *values);
/* The same record once more, and once less. */
const struct host_cached *cached_share(const struct host_cached *cached);
void cached_put(struct flue_host *host, const struct host_cached *cached);

#endif
