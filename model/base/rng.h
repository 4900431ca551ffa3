/* SPDX-License-Identifier: GPL-2.0-only */
/* base/rng.h - named random streams: xoshiro256**, seeded by splitmix64 from the run's seed and the stream's name.
 *
 * All arithmetic is on integers, so a stream is the same on every machine.  Each function says how many numbers it
 * draws, because a stream must not shift when a parameter changes. */
#ifndef FLUE_BASE_RNG_H
#define FLUE_BASE_RNG_H

#include <stdbool.h>

#include "flue/base.h"

FLUE_BEGIN_C

struct rng {
    uint64_t s[4];
};

/* `name` is copied into the seed; two names give independent streams. */
void rng_init(struct rng *rng, uint64_t seed, const char *name);

/* Uniform on all 64 bits; draws one. */
uint64_t rng_u64(struct rng *rng);

/* Uniform on 0 .. n-1, without bias; n >= 1.  Draws one, seldom more. */
uint64_t rng_below(struct rng *rng, uint64_t n);

/* True with probability ppm / 10^6 (error below 2^-32); always draws one, also for 0 and for 10^6 and more. */
bool rng_chance_ppm(struct rng *rng, uint32_t ppm);

/* Exponential with this mean (<= 2^40), rounded so that the mean stays true even when it is small; draws two. */
uint64_t rng_exponential(struct rng *rng, uint64_t mean);

/* Pareto: min x U^(-1/alpha) with alpha = alpha_x100 / 100 (>= 1), rounded down; at most 2^62.  min <= 2^40.
 * Draws one. */
uint64_t rng_pareto(struct rng *rng, uint64_t min, uint32_t alpha_x100);

/* For variates that are made elsewhere: log2(x) x 2^31, x >= 1, error below 2 x 10^-7; and factor x 2^exponent, rounded
 * down, at most 2^62, for a factor up to 2^40. */
uint64_t rng_log2_q31(uint64_t x);
uint64_t rng_times_exp2(uint64_t factor, uint64_t exponent_q31);

FLUE_END_C

#endif
