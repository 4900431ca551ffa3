/* SPDX-License-Identifier: GPL-2.0-only */
/* Arrivals: all kinds have one mean; they differ in how uneven they are. */
#include "run/arrivals.h"

#include <math.h>

#include "run/params.h"
#include "support/test.h"

enum { GAPS = 400000 };
#define MEAN_PS UINT64_C(10000000) /* 10 us */

static struct arrivals made(const char *kind, uint64_t mean_ps)
{
    struct flue_scenario scenario;
    struct arrivals arrivals;
    char message[200];

    params_init(&scenario);
    assert_int_equal(params_set(&scenario, "arrivals", kind, message, sizeof message), FLUE_OK);
    assert_int_equal(params_set(&scenario, "burst_factor", "5", message, sizeof message), FLUE_OK);
    assert_int_equal(params_set(&scenario, "burst_length", "200us", message, sizeof message), FLUE_OK);
    arrivals_init(&arrivals, &scenario, mean_ps, 5, "test");
    return arrivals;
}

/* Mean of the gaps over what it should be, and their squared coefficient of variation. */
static void moments(struct arrivals *arrivals, double *mean, double *variation)
{
    double sum = 0, squares = 0;

    for (int i = 0; i < GAPS; i++) {
        double gap = (double)arrivals_gap(arrivals) / (double)MEAN_PS;

        sum += gap;
        squares += gap * gap;
    }
    *mean = sum / GAPS;
    *variation = squares / GAPS / (*mean * *mean) - 1;
}

static void means_and_variation(void **state)
{
    /* Bursty is an interrupted Poisson process, whose gaps are a mixture of two exponentials (Kuczura 1973): with rate
     * 5 in a burst, ends of bursts at rate 1/20 and of pauses at rate 1/80, all in units of the mean gap,
     * C^2 = 1 + 2 x 5 x (1/20) / (1/20 + 1/80)^2 = 129. */
    static const struct {
        const char *kind;
        double off, least, most;
    } cases[] = {{"poisson", 0.01, 0.97, 1.03}, {"periodic", 0, -1e-9, 1e-9}, {"bursty", 0.1, 115, 143}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arrivals arrivals = made(cases[i].kind, MEAN_PS);
        double mean, variation;

        moments(&arrivals, &mean, &variation);
        if (fabs(mean - 1) > cases[i].off || variation < cases[i].least || variation > cases[i].most) {
            fail_msg("%s: mean %.4f, squared variation %.3f", cases[i].kind, mean, variation);
        }
    }
}

static void long_gaps_do_not_overflow(void **state)
{
    struct arrivals arrivals = made("poisson", UINT64_C(1) << 52);
    double sum = 0;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        flue_ps gap = arrivals_gap(&arrivals);

        assert_true(gap >= 0);
        sum += (double)gap;
    }
    assert_true(fabs(sum / 10000 / 4503599627370496.0 - 1) < 0.04);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_and_variation),
        cmocka_unit_test(long_gaps_do_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
