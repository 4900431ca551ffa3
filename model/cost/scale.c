/* SPDX-License-Identifier: GPL-2.0-only */
/* The slow half of cost/scale.h: preparation, and the division that works for every operand. */
#include "cost/scale.h"

#include <assert.h>

enum { DIGIT_BITS = 22, DIGITS = 3 };

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

struct flue_scale cost_scale_make(uint64_t numerator, uint64_t denominator)
{
    struct flue_scale scale;
    uint64_t common;

    assert(denominator != 0 && denominator <= UINT64_C(1) << 40);
    common = common_divisor(numerator % denominator, denominator);
    scale = (struct flue_scale){
        .whole = numerator / denominator,
        .part = numerator % denominator / common,
        .divisor = denominator / common,
        .reciprocal = (UINT64_C(1) << 32) / (denominator / common),
        .fast_max = 0,
    };
    if (scale.part == 0)
        scale.fast_max = scale.whole == 0 ? UINT64_MAX : UINT64_MAX / scale.whole;
    else if (scale.divisor <= UINT32_MAX)
        scale.fast_max = (UINT32_MAX - (scale.divisor - 1)) / scale.part;
    return scale;
}

uint64_t cost_scale_divide(const struct flue_scale *scale, uint64_t n, uint64_t *carry)
{
    uint64_t quotient = 0;
    uint64_t rest = 0;
    int digit;

    /* Long division with digits of 22 bits: part and rest are below 2^40, so every step stays below 2^64. */
    for (digit = DIGITS - 1; digit >= 0; digit--) {
        uint64_t value = n >> (digit * DIGIT_BITS) & ((UINT64_C(1) << DIGIT_BITS) - 1);
        uint64_t step = (rest << DIGIT_BITS) + value * scale->part;

        if (digit == 0)
            step += *carry;
        quotient = (quotient << DIGIT_BITS) + step / scale->divisor;
        rest = step % scale->divisor;
    }
    *carry = rest;
    assert(scale->whole == 0 || n <= (UINT64_MAX - quotient) / scale->whole);
    return n * scale->whole + quotient;
}
