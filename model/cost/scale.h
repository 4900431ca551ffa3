/* SPDX-License-Identifier: GPL-2.0-only */
/* Exact multiplication by a fraction, with carried remainder: cycles to ps on a server, bytes to ps on a bus.
 *
 * A 64-bit division costs as much as everything else in a charge together.  The fraction is therefore brought to lowest
 * terms once (10^12 / 3.4 GHz is 5000 / 17), and small products are divided by multiplication with 2^32 / divisor: for
 * x < 2^32 that estimate is at most 1 too small, which one comparison mends. */
#ifndef FLUE_MODEL_COST_SCALE_H
#define FLUE_MODEL_COST_SCALE_H

#include "flue/cost.h"

/* Denominator not 0, at most 2^40. */
struct flue_scale cost_scale_make(uint64_t numerator, uint64_t denominator);
/* cost_scale() for every n. */
uint64_t cost_scale_divide(const struct flue_scale *scale, uint64_t n, uint64_t *carry);

/* cost_scale() for n <= fast_max. */
static inline uint64_t cost_scale_small(const struct flue_scale *scale, uint64_t n, uint64_t *carry)
{
    uint64_t x = n * scale->part + *carry;
    uint64_t quotient = (x * scale->reciprocal) >> 32;

    x -= quotient * scale->divisor;
    if (x >= scale->divisor) {
        x -= scale->divisor;
        quotient++;
    }
    *carry = x;
    return n * scale->whole + quotient;
}

/* floor(n x numerator / denominator + *carry / divisor); what the floor cut off becomes the new *carry (< divisor). */
static inline uint64_t cost_scale(const struct flue_scale *scale, uint64_t n, uint64_t *carry)
{
    return n > scale->fast_max ? cost_scale_divide(scale, n, carry) : cost_scale_small(scale, n, carry);
}

/* n x numerator / denominator, rounded to nearest. */
static inline uint64_t cost_scale_nearest(const struct flue_scale *scale, uint64_t n)
{
    uint64_t half = scale->divisor / 2;

    return cost_scale(scale, n, &half);
}

#endif
