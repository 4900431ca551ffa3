/* SPDX-License-Identifier: GPL-2.0-only */
/* base/rng.c - xoshiro256** (Blackman and Vigna) and variates from integer tables. */
#include <assert.h>

#include "base/rng.h"
#include "base/rng_tables.h"
#include "base/wide.h"

#define PARETO_MOST (UINT64_C(1) << 62)

static uint64_t rotate(uint64_t x, unsigned k)
{
    return (x << k) | (x >> (64 - k));
}

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void rng_init(struct rng *rng, uint64_t seed, const char *name)
{
    uint64_t state = UINT64_C(0xcbf29ce484222325); /* FNV-1a of the name, then the mixed seed */

    for (; *name != '\0'; name++) {
        state = (state ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    }
    state ^= splitmix64(&seed);
    for (unsigned i = 0; i < 4; i++) {
        rng->s[i] = splitmix64(&state);
    }
}

uint64_t rng_u64(struct rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

/* Lemire's method: the high half of a product; the few low halves that would favour some results are drawn again. */
uint64_t rng_below(struct rng *rng, uint64_t n)
{
    struct wide product;

    assert(n > 0);
    product = wide_product(rng_u64(rng), n);
    if (product.low < n) {
        uint64_t threshold = (0 - n) % n;

        while (product.low < threshold) {
            product = wide_product(rng_u64(rng), n);
        }
    }
    return product.high;
}

bool rng_chance_ppm(struct rng *rng, uint32_t ppm)
{
    return ((rng_u64(rng) >> 32) * 1000000) >> 32 < ppm;
}

/* Table and linear interpolation, error below 2 x 10^-7. */
uint64_t rng_log2_q31(uint64_t x)
{
    const uint32_t top = wide_top_bit(x);
    const uint64_t mantissa = x << (63 - top) << 1; /* the bits behind the leading one */
    const uint32_t i = (uint32_t)(mantissa >> (64 - TABLE_BITS));
    const uint64_t fraction = (mantissa << TABLE_BITS) >> 32;

    return ((uint64_t)top << 31) + log2_q31[i] + (((uint64_t)(log2_q31[i + 1] - log2_q31[i]) * fraction) >> 32);
}

/* -log2(U) x 2^31 for a U that is uniform on (0, 1). */
static uint64_t negative_log2_q31(struct rng *rng)
{
    uint64_t u = rng_u64(rng);

    u |= (u == 0);
    return (UINT64_C(64) << 31) - rng_log2_q31(u);
}

uint64_t rng_exponential(struct rng *rng, uint64_t mean)
{
    uint64_t e_q32 = (negative_log2_q31(rng) * LN2_Q25) >> 24; /* below 65 x 2^56 before the shift */
    uint64_t dither = rng_u64(rng) >> 32;
    struct wide product;

    assert(mean <= UINT64_C(1) << 40);
    product = wide_product(mean, e_q32);
    product.low += dither;
    product.high += product.low < dither;
    return (product.high << 32) | (product.low >> 32);
}

/* x 2^(exponent) for a factor up to 2^40, cut at 2^62. */
uint64_t rng_times_exp2(uint64_t factor, uint64_t exponent_q31)
{
    const uint32_t whole = (uint32_t)(exponent_q31 >> 31);
    uint64_t fraction = exponent_q31 & ((UINT64_C(1) << 31) - 1), mantissa_q30;
    const uint32_t i = (uint32_t)(fraction >> (31 - TABLE_BITS));
    struct wide product;

    assert(factor <= UINT64_C(1) << 40);
    if (exponent_q31 >> 31 > 62 + 30) {
        return factor == 0 ? 0 : PARETO_MOST;
    }
    fraction &= (UINT64_C(1) << (31 - TABLE_BITS)) - 1;
    mantissa_q30 = exp2_q30[i] + (((uint64_t)(exp2_q30[i + 1] - exp2_q30[i]) * fraction) >> (31 - TABLE_BITS));

    product = wide_product(factor, mantissa_q30); /* factor x 2^(fraction), times 2^30; at most 2^71 */
    if (whole >= 30) {
        uint32_t left = whole - 30;

        return product.high != 0 || product.low > PARETO_MOST >> left ? PARETO_MOST : product.low << left;
    } else {
        uint32_t right = 30 - whole;
        uint64_t value = (product.high << (64 - right)) | (product.low >> right);

        return product.high >> right != 0 || value > PARETO_MOST ? PARETO_MOST : value;
    }
}

uint64_t rng_pareto(struct rng *rng, uint64_t min, uint32_t alpha_x100)
{
    assert(alpha_x100 > 0);
    return rng_times_exp2(min, negative_log2_q31(rng) * 100 / alpha_x100);
}
