/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/congestion.c - RFC 5681 and RFC 6582, as tables; MSS is 1000. */
#include "support/test.h"
#include "tcp/congestion.h"

static void initial_windows(void **state)
{
    static const struct {
        uint32_t mss, segments, bytes;
    } cases[] = {{1460, 10, 14600}, {1000, 10, 10000}, {8960, 10, 17920},
                 {2000, 10, 14600}, {1460, 1, 1460},   {1460, 3, 4380}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(congestion_initial_bytes(cases[i].mss, cases[i].segments), cases[i].bytes);
    }
    assert_int_equal(congestion_start(1460, 14600).ssthresh_bytes, CONGESTION_INFINITE);
}

static void growth(void **state)
{
    static const struct {
        uint32_t cwnd, ssthresh, accumulated, acked, flight, cwnd_after;
    } cases[] = {
        {10000, UINT32_MAX, 0, 2000, 10000, 11000}, /* slow start: at most one MSS for an ACK */
        {10000, UINT32_MAX, 0, 300, 10000, 10300},
        {10000, UINT32_MAX, 0, 2000, 4999, 10000}, /* less than half in use */
        {10000, UINT32_MAX, 0, 2000, 5000, 11000},
        {10000, 10000, 0, 2000, 10000, 10000}, /* avoidance: one MSS for a window of ACKs */
        {10000, 10000, 8000, 2000, 10000, 11000},
        {10000, 10000, 7999, 2000, 10000, 10000},
        {CONGESTION_MAX_BYTES, UINT32_MAX, 0, 2000, CONGESTION_MAX_BYTES, CONGESTION_MAX_BYTES},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct congestion c = {
            .cwnd_bytes = cases[i].cwnd, .ssthresh_bytes = cases[i].ssthresh, .acked_bytes = cases[i].accumulated};

        congestion_grow(&c, 1000, cases[i].acked, cases[i].flight);
        assert_int_equal(c.cwnd_bytes, cases[i].cwnd_after);
    }
}

/* Recovery from two losses in one window, at any place of the number space. */
static void newreno(void **state)
{
    static const uint32_t bases[] = {0, 1000000, UINT32_MAX - 5000, 0x7ffff000u};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bases); i++) {
        uint32_t una = bases[i];
        struct congestion c = congestion_start(1000, 10000);

        assert_true(congestion_may_enter(&c, una));
        c.dup_acks = 3;
        congestion_enter(&c, 1000, 10000, una + 10000);
        assert_int_equal(c.ssthresh_bytes, 5000);
        assert_int_equal(c.cwnd_bytes, 8000);
        assert_false(congestion_may_enter(&c, una));
        congestion_inflate(&c, 1000);
        congestion_inflate(&c, 1000);
        assert_int_equal(c.cwnd_bytes, 10000);
        /* Partial: deflated by what was acknowledged, plus one MSS. */
        assert_false(congestion_recovering(&c, 1000, una + 4000, 4000, 8000));
        assert_int_equal(c.cwnd_bytes, 7000);
        assert_true(c.in_recovery);
        /* Full: ssthresh, or what is outstanding and one more. */
        assert_true(congestion_recovering(&c, 1000, una + 10000, 6000, 2000));
        assert_int_equal(c.cwnd_bytes, 3000);
        assert_false(c.in_recovery);
        assert_int_equal(c.dup_acks, 0);
        /* Duplicates of the recovery point itself are no news (RFC 6582 3.2 step 2). */
        assert_false(congestion_may_enter(&c, una + 10000));
        assert_true(congestion_may_enter(&c, una + 10001));
    }
}

static void small_flights_keep_two_segments(void **state)
{
    struct congestion c = congestion_start(1000, 10000);

    (void)state;
    congestion_enter(&c, 1000, 3000, 3000);
    assert_int_equal(c.ssthresh_bytes, 2000);
    assert_int_equal(c.cwnd_bytes, 5000);
}

static void timeouts(void **state)
{
    struct congestion c = congestion_start(1000, 10000);

    (void)state;
    c.in_recovery = 1;
    c.dup_acks = 9;
    congestion_timeout(&c, 1000, 10000, 77, false);
    assert_int_equal(c.ssthresh_bytes, 5000);
    assert_int_equal(c.cwnd_bytes, 1000);
    assert_int_equal(c.in_recovery, 0);
    assert_int_equal(c.dup_acks, 0);
    assert_int_equal(c.recover, 77);
    /* Once more for the same segment: ssthresh stays (RFC 5681 3.1). */
    congestion_timeout(&c, 1000, 1000, 77, true);
    assert_int_equal(c.ssthresh_bytes, 5000);
    congestion_idle(&c, 10000);
    assert_int_equal(c.cwnd_bytes, 1000);
    c.cwnd_bytes = 50000;
    congestion_idle(&c, 10000);
    assert_int_equal(c.cwnd_bytes, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initial_windows), cmocka_unit_test(growth),
        cmocka_unit_test(newreno),         cmocka_unit_test(small_flights_keep_two_segments),
        cmocka_unit_test(timeouts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
