/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/rtt.h - round-trip time estimate and retransmission timeout (RFC 6298).  Pure: integers in, integers out. */
#ifndef FLUE_TCP_RTT_H
#define FLUE_TCP_RTT_H

#include "flue/base.h"

struct rtt {
    flue_ps srtt_ps;   /* 0: no sample yet */
    flue_ps rttvar_ps; /* without a sample: a quarter of the timeout to use until there is one */
};

struct rtt_bounds {
    flue_ps granularity_ps; /* G of RFC 6298 */
    flue_ps min_ps, max_ps;
};

/* The state before the first sample, with timeout initial_ps (RFC 6298 2.1). */
struct rtt rtt_initial(flue_ps initial_ps);

/* Takes one measurement (RFC 6298 2.2, 2.3); less than 1 ps counts as 1 ps. */
void rtt_sample(struct rtt *rtt, flue_ps sample_ps);

/* RTO before back-off (RFC 6298 2.3, 2.4, 2.5): SRTT + max(G, 4 RTTVAR), in its bounds. */
flue_ps rtt_rto(const struct rtt *rtt, const struct rtt_bounds *bounds);

/* The timeout after `backoff` doublings (RFC 6298 5.5), within the bounds. */
flue_ps rtt_timeout(const struct rtt *rtt, unsigned backoff, const struct rtt_bounds *bounds);

#endif
