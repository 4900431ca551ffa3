/* SPDX-License-Identifier: GPL-2.0-only */
/* Histograms: every bin's edges, quantiles against a sorted array, merging, the 128-bit sum. */
#include <stdlib.h>
#include <string.h>

#include "base/histogram.h"
#include "base/rng.h"
#include "support/test.h"

static struct histogram a, b, both;

static void bins_cover_everything(void **state)
{
    uint64_t expected = 0;

    (void)state;
    for (uint32_t bin = 0; bin < HISTOGRAM_BINS; bin++) {
        uint64_t low = histogram_bin_low(bin), high = histogram_bin_high(bin);

        assert_int_equal(low, expected);
        assert_true(high >= low);
        assert_int_equal(histogram_bin(low), bin);
        assert_int_equal(histogram_bin(high), bin);
        assert_true(high - low <= low / 128);
        expected = high + 1;
    }
    assert_int_equal(expected, UINT64_C(1) << HISTOGRAM_VALUE_BITS);
    assert_int_equal(histogram_bin(UINT64_MAX), HISTOGRAM_BINS - 1);
}

static void empty(void **state)
{
    uint32_t cursor = 0;
    uint64_t low, high, n;

    (void)state;
    memset(&a, 0xA5, sizeof a);
    histogram_init(&a);
    assert_int_equal(a.count, 0);
    assert_int_equal(histogram_quantile(&a, 1, 2), 0);
    assert_false(histogram_next(&a, &cursor, &low, &high, &n));
    histogram_record_many(&a, 5, 0);
    assert_int_equal(a.count, 0);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    histogram_init(&a);
    for (uint64_t value = 1; value <= 100; value++) {
        histogram_record(&a, value);
    }
    assert_int_equal(histogram_quantile(&a, 0, 1), 1);
    assert_int_equal(histogram_quantile(&a, 1, 100), 1);
    assert_int_equal(histogram_quantile(&a, 101, 10000), 2);
    assert_int_equal(histogram_quantile(&a, 1, 2), 50);
    assert_int_equal(histogram_quantile(&a, 99, 100), 99);
    assert_int_equal(histogram_quantile(&a, 999, 1000), 100);
    assert_int_equal(histogram_quantile(&a, 1, 1), 100);
    assert_int_equal(a.min, 1);
    assert_int_equal(a.max, 100);
    assert_int_equal(a.sum_low, 5050);
}

static int compare(const void *x, const void *y)
{
    uint64_t p = *(const uint64_t *)x, q = *(const uint64_t *)y;

    return (p > q) - (p < q);
}

static void quantiles_of_many(void **state)
{
    enum { COUNT = 20000 };
    static uint64_t values[COUNT];
    struct rng rng;

    (void)state;
    rng_init(&rng, 11, "histogram");
    histogram_init(&a);
    for (int i = 0; i < COUNT; i++) {
        values[i] = rng_exponential(&rng, UINT64_C(1) << (10 + i % 20));
        histogram_record(&a, values[i]);
    }
    qsort(values, COUNT, sizeof values[0], compare);
    for (uint64_t q = 1; q <= 1000; q++) {
        uint64_t exact = values[(COUNT * q + 999) / 1000 - 1];
        uint64_t told = histogram_quantile(&a, q, 1000);

        assert_true(told >= exact);
        assert_true(told - exact <= exact / 128);
    }
    assert_int_equal(histogram_quantile(&a, 1, 1), values[COUNT - 1]);
}

static void merged_equals_recorded(void **state)
{
    struct rng rng;

    (void)state;
    rng_init(&rng, 12, "merge");
    histogram_init(&a);
    histogram_init(&b);
    histogram_init(&both);
    histogram_merge(&a, &b);
    assert_memory_equal(&a, &both, sizeof a);
    for (int i = 0; i < 5000; i++) {
        uint64_t value = rng_u64(&rng) >> (rng_u64(&rng) % 64);

        histogram_record(i % 3 == 0 ? &a : &b, value);
        histogram_record(&both, value);
    }
    assert_true(both.sum_high > 0);
    assert_true(both.clamped > 0);
    histogram_merge(&a, &b);
    assert_memory_equal(&a, &both, sizeof a);
    histogram_init(&b);
    histogram_merge(&b, &a);
    assert_memory_equal(&b, &both, sizeof b);
}

static void sum_carries(void **state)
{
    (void)state;
    histogram_init(&a);
    histogram_record_many(&a, UINT64_MAX, 3);
    assert_int_equal(a.sum_high, 2);
    assert_int_equal(a.sum_low, UINT64_MAX - 2);
    histogram_record(&a, 3);
    assert_int_equal(a.sum_high, 3);
    assert_int_equal(a.sum_low, 0);
    assert_int_equal(a.clamped, 3);
    assert_int_equal(a.count, 4);
    assert_int_equal(histogram_quantile(&a, 1, 1), UINT64_MAX);
}

/* The rank is computed without overflow for counts beyond 2^53. */
static void huge_counts(void **state)
{
    (void)state;
    histogram_init(&a);
    histogram_record_many(&a, 1, UINT64_C(1) << 60);
    histogram_record_many(&a, 2, UINT64_C(1) << 60);
    assert_int_equal(histogram_quantile(&a, 1, 2), 1);
    assert_int_equal(histogram_quantile(&a, 500001, 1000000), 2);
}

static void walk(void **state)
{
    uint32_t cursor = 0;
    uint64_t low, high, n;

    (void)state;
    histogram_init(&a);
    histogram_record_many(&a, 7, 2);
    histogram_record(&a, 1000);
    histogram_record(&a, UINT64_C(1) << 50);
    assert_true(histogram_next(&a, &cursor, &low, &high, &n));
    assert_int_equal(low, 7);
    assert_int_equal(high, 7);
    assert_int_equal(n, 2);
    assert_true(histogram_next(&a, &cursor, &low, &high, &n));
    assert_int_equal(low, 1000);
    assert_int_equal(high, 1003);
    assert_int_equal(n, 1);
    assert_true(histogram_next(&a, &cursor, &low, &high, &n));
    assert_int_equal(high, UINT64_C(1) << 50);
    assert_false(histogram_next(&a, &cursor, &low, &high, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bins_cover_everything),
        cmocka_unit_test(empty),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(quantiles_of_many),
        cmocka_unit_test(merged_equals_recorded),
        cmocka_unit_test(sum_carries),
        cmocka_unit_test(huge_counts),
        cmocka_unit_test(walk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
