/* SPDX-License-Identifier: GPL-2.0-only */
/* base/histogram.c - bins, quantiles and merging. */
#include <assert.h>

#include "base/histogram.h"
#include "base/wide.h"

#define SUB_BINS (1u << HISTOGRAM_SUB_BITS)

uint32_t histogram_bin(uint64_t value)
{
    uint32_t shift;

    if (value < SUB_BINS) {
        return (uint32_t)value;
    }
    if (value >> HISTOGRAM_VALUE_BITS != 0) {
        return HISTOGRAM_BINS - 1;
    }
    shift = wide_top_bit(value) - HISTOGRAM_SUB_BITS;
    return shift * SUB_BINS + (uint32_t)(value >> shift);
}

uint64_t histogram_bin_low(uint32_t bin)
{
    uint32_t octave = bin / SUB_BINS;

    assert(bin < HISTOGRAM_BINS);
    return octave == 0 ? bin : (uint64_t)(SUB_BINS + bin % SUB_BINS) << (octave - 1);
}

uint64_t histogram_bin_high(uint32_t bin)
{
    uint32_t octave = bin / SUB_BINS;

    return histogram_bin_low(bin) + (octave == 0 ? 0 : (UINT64_C(1) << (octave - 1)) - 1);
}

void histogram_init(struct histogram *histogram)
{
    *histogram = (struct histogram){.count = 0};
}

void histogram_record_many(struct histogram *histogram, uint64_t value, uint64_t times)
{
    struct wide sum;

    if (times == 0) {
        return;
    }
    if (histogram->count == 0 || value < histogram->min) {
        histogram->min = value;
    }
    if (histogram->count == 0 || value > histogram->max) {
        histogram->max = value;
    }
    histogram->count += times;
    sum = wide_product(value, times);
    histogram->sum_low += sum.low;
    histogram->sum_high += sum.high + (histogram->sum_low < sum.low);
    if (value >> HISTOGRAM_VALUE_BITS != 0) {
        histogram->clamped += times;
    }
    histogram->bins[histogram_bin(value)] += times;
}

void histogram_record(struct histogram *histogram, uint64_t value)
{
    histogram_record_many(histogram, value, 1);
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    if (from->count == 0) {
        return;
    }
    if (into->count == 0 || from->min < into->min) {
        into->min = from->min;
    }
    if (into->count == 0 || from->max > into->max) {
        into->max = from->max;
    }
    into->count += from->count;
    into->sum_low += from->sum_low;
    into->sum_high += from->sum_high + (into->sum_low < from->sum_low);
    into->clamped += from->clamped;
    for (uint32_t i = 0; i < HISTOGRAM_BINS; i++) {
        into->bins[i] += from->bins[i];
    }
}

/* The highest value of a bin as a quantile tells it: inside the extremes, which are known exactly. */
static uint64_t bin_answer(const struct histogram *histogram, uint32_t bin)
{
    uint64_t value = bin == HISTOGRAM_BINS - 1 ? histogram->max : histogram_bin_high(bin);

    return value > histogram->max ? histogram->max : value;
}

uint64_t histogram_quantile(const struct histogram *histogram, uint64_t numerator, uint64_t denominator)
{
    uint64_t count = histogram->count, rank, seen = 0;

    assert(denominator > 0 && denominator < UINT64_C(1) << 31 && numerator <= denominator);
    if (count == 0) {
        return 0;
    }
    /* rank = ceil(count x numerator / denominator), without a product of more than 62 bits; at least 1. */
    rank = count / denominator * numerator + (count % denominator * numerator + denominator - 1) / denominator;
    if (rank == 0) {
        rank = 1;
    }
    for (uint32_t i = 0; i < HISTOGRAM_BINS; i++) {
        seen += histogram->bins[i];
        if (seen >= rank) {
            return bin_answer(histogram, i);
        }
    }
    return histogram->max;
}

bool histogram_next(const struct histogram *histogram, uint32_t *cursor, uint64_t *low, uint64_t *high, uint64_t *n)
{
    while (*cursor < HISTOGRAM_BINS) {
        uint32_t bin = (*cursor)++;

        if (histogram->bins[bin] != 0) {
            *low = histogram_bin_low(bin);
            *high = bin == HISTOGRAM_BINS - 1 && histogram->clamped != 0 ? histogram->max : histogram_bin_high(bin);
            *n = histogram->bins[bin];
            return true;
        }
    }
    return false;
}
