/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/rtt.c - round-trip time estimate and retransmission timeout (RFC 6298). */
#include "tcp/rtt.h"

struct rtt rtt_from(flue_ps srtt_ps, flue_ps rttvar_ps, const struct rtt_bounds *bounds)
{
    flue_ps margin_ps = rttvar_ps > bounds->max_ps / 4 ? bounds->max_ps : 4 * rttvar_ps;
    flue_ps rto_ps = srtt_ps + (margin_ps > bounds->granularity_ps ? margin_ps : bounds->granularity_ps);

    if (rto_ps < bounds->min_ps) {
        rto_ps = bounds->min_ps;
    }
    if (rto_ps > bounds->max_ps) {
        rto_ps = bounds->max_ps;
    }
    return (struct rtt){.srtt_ps = srtt_ps, .rttvar_ps = rttvar_ps, .rto_ps = rto_ps};
}

struct rtt rtt_initial(flue_ps initial_ps, const struct rtt_bounds *bounds)
{
    return rtt_from(0, (initial_ps + 3) / 4, bounds);
}

void rtt_sample(struct rtt *rtt, flue_ps sample_ps, const struct rtt_bounds *bounds)
{
    flue_ps srtt_ps;
    flue_ps rttvar_ps;

    if (sample_ps < 1) {
        sample_ps = 1;
    }
    if (rtt->srtt_ps == 0) {
        srtt_ps = sample_ps;
        rttvar_ps = sample_ps / 2;
    } else {
        flue_ps error_ps = sample_ps - rtt->srtt_ps;

        /* RFC 6298 2.3: alpha is 1/8, beta is 1/4, and RTTVAR is computed with the SRTT before this sample. */
        rttvar_ps = rtt->rttvar_ps + ((error_ps < 0 ? -error_ps : error_ps) - rtt->rttvar_ps) / 4;
        srtt_ps = rtt->srtt_ps + error_ps / 8;
        if (srtt_ps < 1) {
            srtt_ps = 1;
        }
    }
    *rtt = rtt_from(srtt_ps, rttvar_ps, bounds);
}

flue_ps rtt_timeout(const struct rtt *rtt, unsigned backoff, flue_ps max_ps)
{
    if (backoff >= 62 || rtt->rto_ps > max_ps >> backoff) {
        return max_ps;
    }
    return rtt->rto_ps << backoff;
}
