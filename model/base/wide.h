/* SPDX-License-Identifier: GPL-2.0-only */
/* base/wide.h - 64 x 64 -> 128 bit products and bit counting, in portable C. */
#ifndef FLUE_BASE_WIDE_H
#define FLUE_BASE_WIDE_H

#include "flue/base.h"

FLUE_BEGIN_C

struct wide {
    uint64_t high;
    uint64_t low;
};

static inline struct wide wide_product(uint64_t a, uint64_t b)
{
    uint64_t a0 = a & UINT32_MAX, a1 = a >> 32;
    uint64_t b0 = b & UINT32_MAX, b1 = b >> 32;
    uint64_t low = a0 * b0;
    uint64_t middle = a1 * b0 + (low >> 32); /* cannot overflow: (2^32-1)^2 + 2^32-1 < 2^64 */
    uint64_t other = a0 * b1 + (middle & UINT32_MAX);
    struct wide product;

    product.high = a1 * b1 + (middle >> 32) + (other >> 32);
    product.low = (other << 32) | (low & UINT32_MAX);
    return product;
}

/* Number of the highest bit that is set; x != 0. */
static inline uint32_t wide_top_bit(uint64_t x)
{
#if defined(__GNUC__)
    return 63u - (uint32_t)__builtin_clzll(x);
#else
    uint32_t bit = 0;

    while (x >>= 1) {
        bit++;
    }
    return bit;
#endif
}

FLUE_END_C

#endif
