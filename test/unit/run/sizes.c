/* SPDX-License-Identifier: GPL-2.0-only */
/* Distributions of sizes: quantiles and means against exact numbers, draws against quantiles, and what is refused. */
#include "run/sizes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/test.h"

#define TWO_TO_64 18446744073709551616.0

static struct sizes parsed(const char *text)
{
    struct sizes sizes;
    char message[400] = "";

    if (sizes_parse(FLUE_KIND_BYTES, "io_sizes", text, &sizes, message, sizeof message) != FLUE_OK) {
        fail_msg("%s", message);
    }
    return sizes;
}

static uint64_t at(const struct sizes *sizes, double u)
{
    return sizes_quantile(sizes, (uint64_t)(u * TWO_TO_64));
}

/* The normal distribution's quantile, by bisection. */
static double normal(double u)
{
    double low = -12, high = 12;

    for (int i = 0; i < 200; i++) {
        double middle = (low + high) / 2;

        if (0.5 * erfc(-middle / sqrt(2)) < u) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static double exact(const char *text, double u)
{
    const double least = 1024, most = 10485760, alpha = 1.2;

    switch (text[0]) {
    case 'f':
        return 65536;
    case 'u':
        return 1024 + u * (1048576 - 1024 + 1);
    case 'e':
        return 10240 * -log1p(-u);
    case 'p':
        return least * pow(1 - u * (1 - pow(least / most, alpha)), -1 / alpha);
    default:
        return fmin(8192 * exp(1.5 * normal(u)), most);
    }
}

static const char *const texts[] = {"fixed 64KiB", "uniform 1KiB 1MiB", "exponential 10KiB", "pareto 1KiB 1.2 10MiB",
                                    "lognormal 8KiB 1.5 10MiB"};

static void quantiles_are_exact(void **state)
{
    static const double shares[] = {0,    0.001, 0.01, 0.1,   0.25,   0.333,   0.5,      0.6,
                                    0.75, 0.9,   0.99, 0.999, 0.9999, 0.99999, 0.999999, 0.9999999};

    (void)state;
    for (size_t t = 0; t < COUNT_OF(texts); t++) {
        const struct sizes sizes = parsed(texts[t]);

        for (size_t i = 0; i < COUNT_OF(shares); i++) {
            double want = exact(texts[t], shares[i]);
            uint64_t got = at(&sizes, shares[i]);

            if (fabs((double)got - want) > 1.0 + want * 5e-4) {
                fail_msg("%s at %.7f: %llu, should be %.1f", texts[t], shares[i], (unsigned long long)got, want);
            }
        }
    }
}

static void quantiles_rise_and_stay_within(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT_OF(texts); t++) {
        const struct sizes sizes = parsed(texts[t]);
        uint64_t last = sizes_quantile(&sizes, 0);

        assert_true(last >= sizes.least && last >= 1);
        for (unsigned i = 1; i < 20000; i++) {
            uint64_t value = sizes_quantile(&sizes, UINT64_MAX / 20000 * i);

            assert_true(value >= last);
            last = value;
        }
        assert_true(sizes_quantile(&sizes, UINT64_MAX) >= last);
        assert_true(sizes_quantile(&sizes, UINT64_MAX) <= sizes.most);
    }
}

static void means_are_exact(void **state)
{
    const double l = 1024, h = 10485760, a = 1.2;
    static const struct {
        const char *text;
        double mean, off;
    } cases[] = {
        {"fixed 64KiB", 65536, 0},          {"uniform 1KiB 1MiB", (1024 + 1048576) / 2.0, 0},
        {"exponential 10KiB", 10240, 1e-3}, {"pareto 7 1.2 7", 7, 0},
        {"pareto 1000 2 1GiB", 2000, 2e-3}, {"lognormal 8KiB 1 1GiB", 13506.3, 2e-3}, /* 8192 x e^(1/2) */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct sizes sizes = parsed(cases[i].text);

        if (fabs((double)sizes_mean(&sizes) - cases[i].mean) > 0.51 + cases[i].mean * cases[i].off) {
            fail_msg("%s: mean %llu, should be %.1f", cases[i].text, (unsigned long long)sizes_mean(&sizes),
                     cases[i].mean);
        }
    }
    {
        const struct sizes sizes = parsed(texts[3]);
        const double mean = pow(l, a) / (1 - pow(l / h, a)) * a / (a - 1) * (pow(l, 1 - a) - pow(h, 1 - a));

        assert_true(fabs((double)sizes_mean(&sizes) - mean) < mean * 1e-3);
    }
}

/* Draws are spread as the quantiles say, and do not depend on who draws in between. */
static void draws_follow_the_quantiles(void **state)
{
    enum { DRAWS = 40000 };
    static const double shares[] = {0.1, 0.5, 0.9, 0.99};

    (void)state;
    for (size_t t = 1; t < COUNT_OF(texts); t++) {
        const struct sizes sizes = parsed(texts[t]);
        unsigned below[COUNT_OF(shares)] = {0};

        for (uint32_t i = 0; i < DRAWS; i++) {
            uint64_t value = sizes_draw(&sizes, 77, i % 200, i / 200);

            for (size_t s = 0; s < COUNT_OF(shares); s++) {
                below[s] += value <= at(&sizes, shares[s]) ? 1 : 0;
            }
        }
        for (size_t s = 0; s < COUNT_OF(shares); s++) {
            double deviation = sqrt(shares[s] * (1 - shares[s]) / DRAWS);

            assert_true(fabs((double)below[s] / DRAWS - shares[s]) < 4 * deviation);
        }
        assert_int_equal(sizes_draw(&sizes, 77, 5, 9), sizes_draw(&sizes, 77, 5, 9));
        assert_int_not_equal(sizes_draw(&sizes, 77, 5, 9), sizes_draw(&sizes, 77, 5, 10));
        assert_int_not_equal(sizes_draw(&sizes, 77, 5, 9), sizes_draw(&sizes, 77, 6, 9));
        assert_int_not_equal(sizes_draw(&sizes, 77, 5, 9), sizes_draw(&sizes, 78, 5, 9));
    }
}

static const char *write_file(const char *text)
{
    static const char path[] = "unit_run_sizes.cdf";
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    return path;
}

static void files(void **state)
{
    static const struct {
        double share;
        uint64_t size;
    } cases[] = {{0, 100},   {0.05, 100},  {0.0999, 100}, {0.1, 100},    {0.3, 550},
                 {0.4, 775}, {0.5, 10240}, {0.7, 10240},  {0.875, 15360}};
    struct sizes sizes;

    (void)state;
    (void)write_file("# bytes   share\n\n100 0.1\n1000\t0.5  # half\r\n10KiB 0.5\n10KiB 0.75\n20KiB 1\n");
    sizes = parsed("file unit_run_sizes.cdf");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_in_range(at(&sizes, cases[i].share), cases[i].size - 1, cases[i].size);
    }
    /* 0.1 x 100 + 0.4 x 550 + 0.25 x 10240 + 0.25 x 15360 */
    assert_int_equal(sizes_mean(&sizes), 6630);
    assert_int_equal(sizes_quantile(&sizes, UINT64_MAX), 20479);
    sizes_free(&sizes);
    (void)write_file("0 0\n8 1");
    sizes = parsed("file unit_run_sizes.cdf");
    assert_int_equal(sizes_quantile(&sizes, 0), 1);
    assert_int_equal(sizes_mean(&sizes), 4);
    sizes_free(&sizes);
}

static void refused(enum flue_param_kind kind, const char *text, const char *want)
{
    struct sizes sizes;
    char message[400] = "";

    assert_int_not_equal(sizes_parse(kind, "io_sizes", text, &sizes, message, sizeof message), FLUE_OK);
    assert_null(sizes.points);
    if (strstr(message, want) == NULL) {
        fail_msg("'%s': %s", text, message);
    }
}

static void texts_are_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "io_sizes=: no such distribution; write fixed SIZE, uniform LEAST MOST"},
        {"64KiB", "no such distribution"},
        {"fixed", "write fixed SIZE"},
        {"fixed 1KiB 2KiB", "write fixed SIZE"},
        {"fixed 0", "sizes lie between 1 and 1GiB"},
        {"fixed -1", "sizes lie between 1 and 1GiB"},
        {"fixed 2GiB", "sizes lie between 1 and 1GiB"},
        {"fixed 1.3", "sizes lie between 1 and 1GiB"},
        {"uniform 2KiB 1KiB", "the last size is the largest"},
        {"uniform 2KiB", "write uniform LEAST MOST"},
        {"exponential 100MiB", "a mean above 64MiB"},
        {"pareto 1KiB 10MiB", "write pareto LEAST SHAPE MOST"},
        {"pareto 1KiB 0 10MiB", "numbers from 0.1 to 10"},
        {"pareto 1KiB 1.2345 10MiB", "at most three decimals"},
        {"pareto 1KiB 1e1 10MiB", "numbers from 0.1 to 10"},
        {"pareto 1KiB -1 10MiB", "numbers from 0.1 to 10"},
        {"pareto 1MiB 1.2 1KiB", "the last size is the largest"},
        {"pareto 1KiB 1.2 1MiB x", "write pareto LEAST SHAPE MOST"},
        {"pareto 1KiB 1.2 1MiB x y z", "write pareto LEAST SHAPE MOST"},
        {"lognormal 1MiB 1 1KiB", "the last size is the largest"},
        {"file", "write file PATH"},
        {"file ", "write file PATH"},
        {"file nowhere.cdf", "nowhere.cdf: No such file or directory"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        refused(FLUE_KIND_BYTES, cases[i].text, cases[i].message);
    }
    refused(FLUE_KIND_COUNT, "fixed 1KiB", "counts lie between");
    refused(FLUE_KIND_COUNT, "file x", "counts come from no file");
}

static void files_are_refused(void **state)
{
    static const struct {
        const char *file, *message;
    } cases[] = {
        {"", "unit_run_sizes.cdf:1: the last share must be 1"},
        {"# nothing\n", "unit_run_sizes.cdf:1: the last share must be 1"},
        {"1 0.5\n2 0.9\n", "unit_run_sizes.cdf:2: the last share must be 1"},
        {"1 0.5\n2\n", "unit_run_sizes.cdf:2: two columns are expected"},
        {"1 0.5 3\n2 1\n", "unit_run_sizes.cdf:1: two columns are expected"},
        {"1,0.5\n2 1\n", "unit_run_sizes.cdf:1: two columns are expected"},
        {"x 0.5\n2 1\n", "unit_run_sizes.cdf:1: the first column is no size"},
        {"-1 0.5\n2 1\n", "unit_run_sizes.cdf:1: the first column is no size"},
        {"1 50%\n2 1\n", "unit_run_sizes.cdf:1: the second column is no number from 0 to 1"},
        {"1 1.5\n2 1\n", "unit_run_sizes.cdf:1: the second column is no number from 0 to 1"},
        {"1 0.1234567890123\n2 1\n", "unit_run_sizes.cdf:1: the second column is no number from 0 to 1"},
        {"1 .\n2 1\n", "unit_run_sizes.cdf:1: the second column is no number from 0 to 1"},
        {"1 0.5\n\n# c\n2 0.4\n3 1\n", "unit_run_sizes.cdf:4: both columns must rise"},
        {"4 0.5\n3 1\n", "unit_run_sizes.cdf:2: both columns must rise"},
        {"4 0.5\n4 0.5\n5 1\n", "unit_run_sizes.cdf:2: says the same"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)write_file(cases[i].file);
        refused(FLUE_KIND_BYTES, "file unit_run_sizes.cdf", cases[i].message);
    }
}

static int remove_file(void **state)
{
    (void)state;
    return remove("unit_run_sizes.cdf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_exact),
        cmocka_unit_test(quantiles_rise_and_stay_within),
        cmocka_unit_test(means_are_exact),
        cmocka_unit_test(draws_follow_the_quantiles),
        cmocka_unit_test(files),
        cmocka_unit_test(texts_are_refused),
        cmocka_unit_test(files_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, remove_file);
}
