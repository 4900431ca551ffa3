/* SPDX-License-Identifier: GPL-2.0-only */
/* Random streams: known values, independence of name and seed, and the distributions.
 *
 * The statistical limits are wide (more than six standard deviations) and the seeds fixed: they fail only when the code
 * is wrong.  Floating point is used here as the independent yardstick. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/wide.h"
#include "support/test.h"

static void known_values(void **state)
{
    static const uint64_t expected[] = {UINT64_C(0xec07a1cfc80d3b6c), UINT64_C(0x9c75f5b853bad9cd),
                                        UINT64_C(0xfad443b094919276), UINT64_C(0x6062dcaf400159cc),
                                        UINT64_C(0x27b3d3ec093dc741)};
    struct rng rng;

    (void)state;
    memset(&rng, 0xA5, sizeof rng);
    rng_init(&rng, 1, "loss");
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_true(rng_u64(&rng) == expected[i]);
    }
}

static void names_and_seeds_separate(void **state)
{
    static const struct {
        uint64_t seed;
        const char *name;
    } streams[] = {{1, "a"}, {1, "b"}, {2, "a"}, {2, "b"}, {1, ""}, {0, "a"}, {1, "ab"}, {1, "ba"}};
    uint64_t first[COUNT_OF(streams)];
    struct rng rng;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        rng_init(&rng, streams[i].seed, streams[i].name);
        first[i] = rng_u64(&rng);
        for (size_t k = 0; k < i; k++) {
            assert_true(first[i] != first[k]);
        }
    }
    rng_init(&rng, 1, "a");
    assert_true(rng_u64(&rng) == first[0]);
}

static void products(void **state)
{
    static const struct {
        uint64_t a, b, high, low;
    } table[] = {
        {0, UINT64_MAX, 0, 0},
        {1, UINT64_MAX, 0, UINT64_MAX},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX - 1, 1},
        {UINT64_C(1) << 32, UINT64_C(1) << 32, 1, 0},
        {UINT64_C(0x123456789abcdef0), UINT64_C(0xfedcba9876543210), UINT64_C(0x121fa00ad77d7422),
         UINT64_C(0x236d88fe5618cf00)},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct wide product = wide_product(table[i].a, table[i].b);

        assert_true(product.high == table[i].high && product.low == table[i].low);
    }
    for (uint32_t bit = 0; bit < 64; bit++) {
        assert_int_equal(wide_top_bit(UINT64_C(1) << bit), bit);
        assert_int_equal(wide_top_bit(UINT64_MAX >> (63 - bit)), bit);
    }
}

static void below_is_uniform(void **state)
{
    struct rng rng;
    uint32_t seen[7] = {0};

    (void)state;
    rng_init(&rng, 5, "below");
    for (int i = 0; i < 70000; i++) {
        uint64_t x = rng_below(&rng, 7);

        assert_true(x < 7);
        seen[x]++;
    }
    for (int i = 0; i < 7; i++) {
        assert_in_range(seen[i], 9400, 10600);
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(rng_below(&rng, 1), 0);
        assert_true(rng_below(&rng, UINT64_MAX) < UINT64_MAX);
    }
}

/* With n = 3/4 of 2^64 a plain remainder, or a product without redrawing, would give some values twice as often. */
static void below_has_no_bias(void **state)
{
    uint64_t n = UINT64_C(3) << 62, third = UINT64_C(1) << 62;
    struct rng rng;
    uint32_t seen[3] = {0}, odd = 0;

    (void)state;
    rng_init(&rng, 6, "bias");
    for (int i = 0; i < 60000; i++) {
        uint64_t x = rng_below(&rng, n);

        assert_true(x < n);
        seen[x / third]++;
        odd += x % 3 == 0;
    }
    for (int i = 0; i < 3; i++) {
        assert_in_range(seen[i], 19200, 20800);
    }
    assert_in_range(odd, 19200, 20800);
}

static void chance(void **state)
{
    static const struct {
        uint32_t ppm, low, high;
    } table[] = {
        {0, 0, 0},         {1000000, 1000000, 1000000}, {UINT32_MAX, 1000000, 1000000}, {500000, 496500, 503500},
        {1000, 780, 1220}, {999000, 998780, 999220},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct rng rng, other;
        uint32_t hits = 0;

        rng_init(&rng, 7, "chance");
        other = rng;
        for (int k = 0; k < 1000000; k++) {
            hits += rng_chance_ppm(&rng, table[i].ppm);
        }
        assert_in_range(hits, table[i].low, table[i].high);
        /* One number each, whatever the chance. */
        for (int k = 0; k < 1000000; k++) {
            (void)rng_u64(&other);
        }
        assert_memory_equal(&rng, &other, sizeof rng);
    }
}

/* Each variate against libm, given the same uniform number. */
static void exponential_is_exact(void **state)
{
    static const uint64_t means[] = {1000000, UINT64_C(1) << 40};

    (void)state;
    for (size_t m = 0; m < COUNT_OF(means); m++) {
        struct rng rng;

        rng_init(&rng, 8, "exponential");
        for (int i = 0; i < 200000; i++) {
            struct rng copy = rng;
            double u = ((double)rng_u64(&copy) + 0.5) / 18446744073709551616.0;
            double exact = -log(u) * (double)means[m];
            double got = (double)rng_exponential(&rng, means[m]);

            assert_true(fabs(got - exact) <= 1.0 + (double)means[m] * 3e-7);
        }
    }
}

static void exponential_mean(void **state)
{
    static const uint64_t means[] = {1, 3, 10, 1000000};

    (void)state;
    for (size_t m = 0; m < COUNT_OF(means); m++) {
        enum { DRAWS = 4000000 };
        struct rng rng;
        double sum = 0;

        rng_init(&rng, 9, "mean");
        for (int i = 0; i < DRAWS; i++) {
            sum += (double)rng_exponential(&rng, means[m]);
        }
        /* The mean of 4,000,000 has a standard error of 0.05 %, a little more where values are rounded. */
        assert_true(fabs(sum / DRAWS / (double)means[m] - 1) < 0.004);
    }
}

static void exponential_of_zero(void **state)
{
    struct rng rng;

    (void)state;
    rng_init(&rng, 10, "zero");
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(rng_exponential(&rng, 0), 0);
        assert_int_equal(rng_pareto(&rng, 0, 1), 0);
    }
}

static void pareto_is_exact(void **state)
{
    static const struct {
        uint64_t min;
        uint32_t alpha_x100;
    } table[] = {{1, 120}, {1000, 120}, {1460, 250}, {UINT64_C(1) << 40, 110}, {7, 10}, {3, 1}, {10, 100000}};

    (void)state;
    for (size_t t = 0; t < COUNT_OF(table); t++) {
        struct rng rng;

        rng_init(&rng, 11, "pareto");
        for (int i = 0; i < 100000; i++) {
            struct rng copy = rng;
            double u = ((double)rng_u64(&copy) + 0.5) / 18446744073709551616.0;
            double log_exact = log((double)table[t].min) - log(u) * 100 / table[t].alpha_x100;
            uint64_t got = rng_pareto(&rng, table[t].min, table[t].alpha_x100);

            assert_true(got >= table[t].min);
            assert_true(got <= UINT64_C(1) << 62);
            if (log_exact > 43.0) { /* 2^62 = e^42.98 */
                assert_true(got == UINT64_C(1) << 62);
            } else if (log_exact < 42.9) {
                double exact = exp(log_exact);

                assert_true(fabs((double)got - exact) <= 1.0 + exact * 3e-6 * (1 + 100.0 / table[t].alpha_x100));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(names_and_seeds_separate),
        cmocka_unit_test(products),
        cmocka_unit_test(below_is_uniform),
        cmocka_unit_test(below_has_no_bias),
        cmocka_unit_test(chance),
        cmocka_unit_test(exponential_is_exact),
        cmocka_unit_test(exponential_mean),
        cmocka_unit_test(exponential_of_zero),
        cmocka_unit_test(pareto_is_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
