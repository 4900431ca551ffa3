/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/rtt.c - RFC 6298, worked by hand. */
#include "support/test.h"
#include "tcp/rtt.h"

#define MS FLUE_PS_PER_MS

static const struct rtt_bounds bounds = {.granularity_ps = MS, .min_ps = 200 * MS, .max_ps = 60000 * MS};
static const struct rtt_bounds loose = {.granularity_ps = 1, .min_ps = 1, .max_ps = 60000 * MS};

static void initial_timeout(void **state)
{
    struct rtt rtt = rtt_initial(1000 * MS);

    (void)state;
    assert_int_equal(rtt.srtt_ps, 0);
    assert_int_equal(rtt_rto(&rtt, &bounds), 1000 * MS);
    rtt = rtt_initial(100000 * MS);
    assert_int_equal(rtt_rto(&rtt, &bounds), 60000 * MS);
    rtt = rtt_initial(1 * MS);
    assert_int_equal(rtt_rto(&rtt, &bounds), 200 * MS);
}

/* Each row: sample, then SRTT, RTTVAR and RTO in microseconds without a lower bound. */
static void samples(void **state)
{
    static const struct {
        int64_t sample_us, srtt_us, rttvar_us, rto_us;
    } rows[] = {
        {100000, 100000, 50000, 300000}, /* first: R, R/2, R + 4 R/2 */
        {100000, 100000, 37500, 250000}, /* 3/4 of the variation */
        {180000, 110000, 48125, 302500}, /* error 80: var 37.5 + (80 - 37.5)/4, srtt + 10 */
        {30000, 100000, 56093, 324375},  /* error -80; 48125 + (80000 - 48125)/4 = 56093.75 */
    };
    struct rtt rtt = rtt_initial(1000 * MS);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rtt_sample(&rtt, rows[i].sample_us * FLUE_PS_PER_US);
        assert_int_equal(rtt.srtt_ps / FLUE_PS_PER_US, rows[i].srtt_us);
        assert_int_equal(rtt.rttvar_ps / FLUE_PS_PER_US, rows[i].rttvar_us);
        assert_int_equal(rtt_rto(&rtt, &loose) / FLUE_PS_PER_US, rows[i].rto_us);
    }
}

static void bounds_hold(void **state)
{
    struct rtt rtt = rtt_initial(1000 * MS);

    (void)state;
    rtt_sample(&rtt, 100 * FLUE_PS_PER_US);
    assert_int_equal(rtt_rto(&rtt, &bounds), 200 * MS);
    rtt_sample(&rtt, 59000 * MS);
    assert_int_equal(rtt_rto(&rtt, &bounds), 60000 * MS);
    rtt = rtt_initial(1000 * MS);
    rtt_sample(&rtt, -5);
    assert_int_equal(rtt.srtt_ps, 1);
    /* The granularity is the least margin. */
    rtt = (struct rtt){.srtt_ps = 500 * MS};
    assert_int_equal(rtt_rto(&rtt, &bounds), 501 * MS);
}

static void backing_off(void **state)
{
    struct rtt rtt = {.srtt_ps = 200 * MS, .rttvar_ps = 25 * MS};
    static const int64_t expected_ms[] = {300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 60000, 60000};

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(expected_ms); i++) {
        assert_int_equal(rtt_timeout(&rtt, i, &bounds), expected_ms[i] * MS);
    }
    assert_int_equal(rtt_timeout(&rtt, 63, &bounds), bounds.max_ps);
    assert_int_equal(rtt_timeout(&rtt, 255, &bounds), bounds.max_ps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initial_timeout),
        cmocka_unit_test(samples),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(backing_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
