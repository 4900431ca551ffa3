/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/rtt.c - round-trip time estimate and retransmission timeout (RFC 6298). */
#include "tcp/rtt.h"

flue_ps rtt_rto(const struct rtt *rtt, const struct rtt_bounds *bounds)
{
    flue_ps margin_ps = rtt->rttvar_ps > bounds->max_ps / 4 ? bounds->max_ps : 4 * rtt->rttvar_ps;
    flue_ps rto_ps = rtt->srtt_ps + (margin_ps > bounds->granularity_ps ? margin_ps : bounds->granularity_ps);

    if (rto_ps < bounds->min_ps) {
        return bounds->min_ps;
    }
    return rto_ps > bounds->max_ps ? bounds->max_ps : rto_ps;
}

struct rtt rtt_initial(flue_ps initial_ps)
{
    return (struct rtt){.rttvar_ps = (initial_ps + 3) / 4};
}

void rtt_sample(struct rtt *rtt, flue_ps sample_ps)
{
    if (sample_ps < 1) {
        sample_ps = 1;
    }
    if (rtt->srtt_ps == 0) {
        *rtt = (struct rtt){.srtt_ps = sample_ps, .rttvar_ps = sample_ps / 2};
    } else {
        flue_ps error_ps = sample_ps - rtt->srtt_ps;

        /* RFC 6298 2.3: alpha is 1/8, beta is 1/4, and RTTVAR is computed with the SRTT before this sample. */
        rtt->rttvar_ps += ((error_ps < 0 ? -error_ps : error_ps) - rtt->rttvar_ps) / 4;
        rtt->srtt_ps += error_ps / 8;
        if (rtt->srtt_ps < 1) {
            rtt->srtt_ps = 1;
        }
    }
}

flue_ps rtt_timeout(const struct rtt *rtt, unsigned backoff, const struct rtt_bounds *bounds)
{
    flue_ps rto_ps = rtt_rto(rtt, bounds);

    if (backoff >= 62 || rto_ps > bounds->max_ps >> backoff) {
        return bounds->max_ps;
    }
    return rto_ps << backoff;
}
