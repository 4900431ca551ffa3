/* SPDX-License-Identifier: GPL-2.0-only */
/* run/arrivals.h - when the next request, or flow, falls due: Poisson, in bursts, or like a clock. */
#ifndef FLUE_RUN_ARRIVALS_H
#define FLUE_RUN_ARRIVALS_H

#include "base/rng.h"
#include "flue/scenario.h"

enum { ARRIVALS_POISSON, ARRIVALS_BURSTY, ARRIVALS_PERIODIC }; /* the words of parameter `arrivals` */

/* Bursty is a Poisson process that is switched on and off (an MMPP of two states): for exponential times of mean
 * burst_ps it is `factor` times as fast as on average, then silent for exponential times of mean (factor - 1) x
 * burst_ps.  The mean gap is the same in all kinds. */
struct arrivals {
    struct rng rng;
    int kind;
    uint64_t mean_gap_ps;
    uint64_t factor, burst_ps;
    uint64_t left_ps; /* of the burst that is on */
};

void arrivals_init(struct arrivals *arrivals, const struct flue_scenario *scenario, uint64_t mean_gap_ps, uint64_t seed,
                   const char *name);
/* Time to the next arrival.  Poisson draws two numbers, periodic none. */
flue_ps arrivals_gap(struct arrivals *arrivals);

#endif
