/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes of arrivals. */
#include "run/arrivals.h"

void arrivals_init(struct arrivals *arrivals, const struct flue_scenario *scenario, uint64_t mean_gap_ps, uint64_t seed,
                   const char *name)
{
    *arrivals = (struct arrivals){.kind = (int)scenario->arrivals,
                                  .mean_gap_ps = mean_gap_ps,
                                  .factor = (uint64_t)scenario->burst_factor,
                                  .burst_ps = (uint64_t)scenario->burst_length};
    rng_init(&arrivals->rng, seed, name);
}

/* Long means are drawn in a coarser unit: the random numbers' means go to 2^40. */
static uint64_t exponential(struct rng *rng, uint64_t mean)
{
    unsigned shift = 0;

    while (mean > UINT64_C(1) << 40) {
        mean >>= 1;
        shift++;
    }
    return rng_exponential(rng, mean) << shift;
}

static uint64_t bursty(struct arrivals *arrivals)
{
    uint64_t gap_ps = exponential(&arrivals->rng, arrivals->mean_gap_ps / arrivals->factor), past_ps = 0;

    /* What of the gap does not lie in this burst lies in the next, or in one after it. */
    while (gap_ps > arrivals->left_ps) {
        gap_ps -= arrivals->left_ps;
        past_ps += arrivals->left_ps + exponential(&arrivals->rng, arrivals->burst_ps * (arrivals->factor - 1));
        arrivals->left_ps = exponential(&arrivals->rng, arrivals->burst_ps);
    }
    arrivals->left_ps -= gap_ps;
    return past_ps + gap_ps;
}

flue_ps arrivals_gap(struct arrivals *arrivals)
{
    if (arrivals->kind == ARRIVALS_PERIODIC)
        return (flue_ps)arrivals->mean_gap_ps;
    if (arrivals->kind == ARRIVALS_BURSTY)
        return (flue_ps)bursty(arrivals);
    return (flue_ps)exponential(&arrivals->rng, arrivals->mean_gap_ps);
}
