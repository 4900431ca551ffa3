/* SPDX-License-Identifier: GPL-2.0-only */
/* base/histogram.h - counts in log-linear bins: exact below 128, then 128 bins to each power of two (0.8 %).
 *
 * A plain value of about 39 kB without pointers: it may be zeroed, copied and compared.  A zeroed histogram is an empty
 * one. */
#ifndef FLUE_BASE_HISTOGRAM_H
#define FLUE_BASE_HISTOGRAM_H

#include <stdbool.h>

#include "flue/base.h"

FLUE_BEGIN_C

#define HISTOGRAM_SUB_BITS   7u
#define HISTOGRAM_VALUE_BITS 44u
#define HISTOGRAM_BINS       ((HISTOGRAM_VALUE_BITS - HISTOGRAM_SUB_BITS + 1u) << HISTOGRAM_SUB_BITS)

struct histogram {
    uint64_t count;
    uint64_t min; /* of the values; meaningless while count is 0 */
    uint64_t max;
    uint64_t sum_low; /* 128-bit sum of the values */
    uint64_t sum_high;
    uint64_t clamped; /* values of 2^44 and more; they are counted in the last bin */
    uint64_t bins[HISTOGRAM_BINS];
};

void histogram_init(struct histogram *histogram);

void histogram_record(struct histogram *histogram, uint64_t value);
void histogram_record_many(struct histogram *histogram, uint64_t value, uint64_t times);

/* Adds all of `from` to `into`. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The value that at least numerator/denominator of the records do not exceed: the highest value of the bin in which the
 * record of that rank lies, but not more than the maximum.  numerator <= denominator, denominator > 0, both below 2^31.
 * 0 for an empty histogram. */
uint64_t histogram_quantile(const struct histogram *histogram, uint64_t numerator, uint64_t denominator);

/* The next bin with a count, from *cursor (start with 0) on, in order of value: its lowest and highest value and its
 * count.  False when there is none. */
bool histogram_next(const struct histogram *histogram, uint32_t *cursor, uint64_t *low, uint64_t *high, uint64_t *n);

/* The bin a value falls in, and the lowest and highest value of a bin. */
uint32_t histogram_bin(uint64_t value);
uint64_t histogram_bin_low(uint32_t bin);
uint64_t histogram_bin_high(uint32_t bin);

FLUE_END_C

#endif
