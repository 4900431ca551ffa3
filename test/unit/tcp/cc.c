/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/cc.c - congestion control against the closed forms of RFC 5681 and RFC 9438.  Doubles are allowed here. */
#include "support/test.h"
#include "base/rng.h"
#include "tcp/cc.h"

#include <math.h>
#include <string.h>

#define RTT_PS (100 * FLUE_PS_PER_MS)

static const struct cc_ops *const both[] = {&cc_newreno_ops, &cc_cubic_ops};

static void assert_near(double is, double wanted, double part)
{
    if (fabs(is - wanted) > part * fabs(wanted)) {
        fail_msg("is %.6g, wanted %.6g within %g", is, wanted, part);
    }
}

static void initial_windows(void **state)
{
    static const struct {
        uint32_t mss, segments, bytes;
    } cases[] = {{1460, 10, 14600}, {1000, 10, 10000}, {8960, 10, 17920},
                 {2000, 10, 14600}, {1460, 1, 1460},   {1460, 3, 4380}};
    struct cc cc = cc_start(1460, 100);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(cc_initial_bytes(cases[i].mss, cases[i].segments), cases[i].bytes);
    }
    assert_int_equal(cc.cwnd_bytes, 1460);
    assert_int_equal(cc.ssthresh_bytes, CC_INFINITE);
    assert_int_equal(cc_start(1460, UINT32_MAX).cwnd_bytes, CC_MAX_BYTES);
    cc = cc_start(1460, 14600);
    cc_idle(&cc, 20000);
    assert_int_equal(cc.cwnd_bytes, 14600);
    cc_idle(&cc, 5000);
    assert_int_equal(cc.cwnd_bytes, 5000);
}

/* Slow start is the same for both: two segments for an ACK at most, one after a timeout, and not beyond ssthresh. */
static void slow_start(void **state)
{
    static const struct {
        uint32_t cwnd, ssthresh, acked;
        uint8_t after_timeout;
        uint32_t cwnd_after;
    } cases[] = {
        {10000, CC_INFINITE, 300, 0, 10300},
        {10000, CC_INFINITE, 2000, 0, 12000},
        {10000, CC_INFINITE, 9000, 0, 12000},
        {10000, CC_INFINITE, 9000, 1, 11000},
        {10000, 11500, 1500, 0, 11500},
        {10000, 11500, 1000, 0, 11000},
        {0, CC_INFINITE, 1, 0, 1001},
        {CC_MAX_BYTES - 10, CC_INFINITE, 1000, 0, CC_MAX_BYTES},
        {CC_MAX_BYTES, CC_INFINITE, 1000, 0, CC_MAX_BYTES},
        {UINT32_MAX, CC_INFINITE, 1000, 0, CC_MAX_BYTES},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases) * COUNT_OF(both); i++) {
        size_t row = i / COUNT_OF(both);
        struct cc cc = {.cwnd_bytes = cases[row].cwnd, .ssthresh_bytes = cases[row].ssthresh};
        struct cc_epoch epoch = {.after_timeout = cases[row].after_timeout};
        struct cc_facts facts = {.mss_bytes = 1000, .acked_bytes = cases[row].acked};

        both[i % COUNT_OF(both)]->acked(&cc, &epoch, &facts);
        assert_int_equal(cc.cwnd_bytes, cases[row].cwnd_after);
    }
}

/* What of an acknowledgement lies beyond ssthresh counts for avoidance, and the slow start after a timeout is over. */
static void slow_start_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        struct cc cc = {.cwnd_bytes = 10000, .ssthresh_bytes = 11500};
        struct cc_epoch epoch = {.running = 1, .elapsed_ps = 7};
        struct cc_facts facts = {.mss_bytes = 1000, .acked_bytes = 1000};

        both[i]->acked(&cc, &epoch, &facts);
        assert_int_equal(epoch.running, 0);
        facts.acked_bytes = 5000;
        both[i]->acked(&cc, &epoch, &facts);
        assert_int_equal(cc.cwnd_bytes, both[i] == &cc_cubic_ops ? 11500 + 130 : 11500);
        assert_int_equal(both[i] == &cc_cubic_ops ? epoch.elapsed_ps : epoch.carry,
                         both[i] == &cc_cubic_ops ? 0 : 1500);

        for (uint32_t over = 0; over < 2; over++) {
            cc = (struct cc){.cwnd_bytes = 10500, .ssthresh_bytes = 11500 - over * 1000};
            epoch = (struct cc_epoch){.after_timeout = 1};
            both[i]->acked(&cc, &epoch, &facts);
            assert_int_equal(epoch.after_timeout, 0);
        }
    }
}

static void newreno_avoidance(void **state)
{
    static const struct {
        uint32_t cwnd, carry, acked, cwnd_after, carry_after;
    } cases[] = {
        {10000, 0, 2000, 10000, 2000},           {10000, 8000, 2000, 11000, 0},
        {10000, 7999, 2000, 10000, 9999},        {10000, 9500, 2000, 11000, 1500},
        {10000, 9500, UINT32_MAX, 11000, 11000}, {CC_MAX_BYTES, CC_MAX_BYTES - 1, 1, CC_MAX_BYTES, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cc cc = {.cwnd_bytes = cases[i].cwnd, .ssthresh_bytes = 10000};
        struct cc_epoch epoch = {.carry = cases[i].carry};
        struct cc_facts facts = {.mss_bytes = 1000, .acked_bytes = cases[i].acked};

        cc_newreno_ops.acked(&cc, &epoch, &facts);
        assert_int_equal(cc.cwnd_bytes, cases[i].cwnd_after);
        assert_int_equal(epoch.carry, cases[i].carry_after);
    }
}

static void falls(void **state)
{
    static const struct {
        const struct cc_ops *ops;
        uint32_t cwnd, w_max, flight, ssthresh, w_max_after;
    } cases[] = {
        {&cc_newreno_ops, 20000, 0, 20000, 10000, 0},
        {&cc_newreno_ops, 20000, 0, 9000, 4500, 0},
        {&cc_newreno_ops, 20000, 0, 3000, 2000, 0},
        {&cc_newreno_ops, 20000, 0, UINT32_MAX, UINT32_MAX / 2, 0},
        {&cc_cubic_ops, 20000, 0, 20000, 14000, 20000},
        {&cc_cubic_ops, 20000, 20000, 20000, 14000, 20000},
        {&cc_cubic_ops, 20000, 20001, 20000, 14000, 17000}, /* fast convergence */
        {&cc_cubic_ops, 20000, 0, 2000, 2000, 20000},
        {&cc_cubic_ops, UINT32_MAX, 0, UINT32_MAX, 3006477106u, CC_MAX_BYTES},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct cc before = {.cwnd_bytes = cases[i].cwnd, .ssthresh_bytes = 5555, .w_max_bytes = cases[i].w_max};
        struct cc_facts facts = {.mss_bytes = 1000, .flight_bytes = cases[i].flight};
        struct cc_epoch epoch = {.running = 1, .elapsed_ps = 5, .carry = 7};
        struct cc cc = before;

        assert_int_equal(cases[i].ops->loss(&cc, &epoch, &facts), cases[i].ssthresh);
        assert_int_equal(cc.ssthresh_bytes, cases[i].ssthresh);
        assert_int_equal(cc.cwnd_bytes, cases[i].cwnd);
        assert_int_equal(cc.w_max_bytes, cases[i].w_max_after);
        assert_int_equal(epoch.running, 0);
        for (int again = 0; again < 2; again++) {
            cc = before;
            cases[i].ops->timeout(&cc, &epoch, &facts, again != 0);
            assert_int_equal(cc.ssthresh_bytes, again ? 5555 : cases[i].ssthresh);
            assert_int_equal(cc.cwnd_bytes, 1000);
            assert_int_equal(epoch.running, 0);
            assert_int_equal(epoch.after_timeout, 1);
        }
    }
}

/* -1, 0, 1 as a^3 is below, at or above `cube`, for a < 2^32. */
static int compare_cube(uint64_t a, struct wide cube)
{
    struct wide power = wide_product(a * a, a);

    if (power.high != cube.high) {
        return power.high < cube.high ? -1 : 1;
    }
    return power.low < cube.low ? -1 : power.low > cube.low;
}

static void roots(void **state)
{
    struct rng rng;

    (void)state;
    rng_init(&rng, 1, "roots");
    for (uint64_t n = 0, root = 0; n < 200000; n++) {
        root += (root + 1) * (root + 1) * (root + 1) <= n;
        assert_int_equal(cubic_root((struct wide){.low = n}), root);
    }
    for (int i = 0; i < 100000; i++) {
        uint64_t r = rng_below(&rng, UINT64_C(1) << (1 + rng_below(&rng, 32)));
        struct wide cube = wide_product(r * r, r);
        struct wide below = {.high = cube.high - (cube.low == 0), .low = cube.low - 1};

        assert_int_equal(cubic_root(cube), r);
        if (r > 0) {
            assert_int_equal(cubic_root(below), r - 1);
        }
        cube = (struct wide){.high = rng_u64(&rng) >> (32 + rng_below(&rng, 32)), .low = rng_u64(&rng)};
        r = cubic_root(cube);
        assert_true(compare_cube(r, cube) <= 0);
        assert_true(r == UINT32_MAX || compare_cube(r + 1, cube) > 0);
    }
    assert_int_equal(cubic_root((struct wide){.high = UINT64_MAX, .low = UINT64_MAX}), UINT32_MAX);
}

static void ticks(void **state)
{
    static const struct {
        flue_ps time;
        uint32_t ticks;
    } cases[] = {
        {INT64_MIN, 0},
        {0, 0},
        {953674, 0},
        {953675, 1},
        {FLUE_PS_PER_S, 1u << 20},
        {60 * FLUE_PS_PER_S - 1, (60u << 20) - 1},
        {3600 * FLUE_PS_PER_S, 3600u << 20},
        {INT64_MAX, 3600u << 20},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(cubic_ticks(cases[i].time), cases[i].ticks);
    }
}

/* K and W_cubic against RFC 9438 figures 1 and 2. */
static void curve(void **state)
{
    struct rng rng;

    (void)state;
    rng_init(&rng, 1, "curve");
    for (int i = 0; i < 200000; i++) {
        uint32_t mss = 1 + (uint32_t)rng_below(&rng, CC_MSS_MAX_BYTES);
        uint32_t w_max = 1 + (uint32_t)rng_below(&rng, UINT64_C(1) << (1 + rng_below(&rng, 30)));
        uint32_t cwnd = (uint32_t)rng_below(&rng, w_max);
        uint32_t t = (uint32_t)rng_below(&rng, UINT64_C(1) << (1 + rng_below(&rng, 32)));
        uint32_t k = cubic_k_ticks(w_max, cwnd, mss);
        double k_s = cbrt((w_max - cwnd) / (0.4 * mss));
        double off_s = ((double)t - k) / 1048576.0;
        double window = w_max + 0.4 * mss * off_s * off_s * off_s;
        double is = cubic_window_bytes(w_max, k, t, mss);

        assert_true(fabs(k / 1048576.0 - k_s) < 1e-6 + 1e-5 * k_s);
        window = window < 0 ? 0 : window > CC_MAX_BYTES ? CC_MAX_BYTES : window;
        assert_true(fabs(is - window) <= 1 + 1e-9 * window);
    }
    assert_int_equal(cubic_k_ticks(1000, 1000, 1000), 0);
    assert_int_equal(cubic_k_ticks(1000, 2000, 1000), 0);
    assert_int_equal(cubic_window_bytes(CC_MAX_BYTES, 0, UINT32_MAX, CC_MSS_MAX_BYTES), CC_MAX_BYTES);
    assert_int_equal(cubic_window_bytes(0, 0, UINT32_MAX, 1), CC_MAX_BYTES);
    assert_int_equal(cubic_window_bytes(5, UINT32_MAX, 0, 1), 0);
}

/* One segment acknowledged, all of cwnd in use, ACKs spread evenly over a round trip. */
static void one_ack(const struct cc_ops *ops, struct cc *cc, struct cc_epoch *epoch, struct cc_facts *facts)
{
    facts->acked_bytes = facts->mss_bytes;
    facts->flight_bytes = cc->cwnd_bytes;
    ops->acked(cc, epoch, facts);
    facts->now_ps += (flue_ps)((double)facts->srtt_ps * facts->mss_bytes / cc->cwnd_bytes);
}

/* A flow that is followed after one loss: the window stays within one RTT of the curve, up to W_max and beyond. */
static void follows_the_curve(void **state)
{
    struct cc cc = {.cwnd_bytes = 14600000, .ssthresh_bytes = CC_INFINITE};
    struct cc_epoch epoch = {0};
    struct cc_facts facts = {.srtt_ps = RTT_PS, .mss_bytes = 1460, .flight_bytes = 14600000};
    double k = cbrt(10000 * 0.3 / 0.4);
    flue_ps start = 5 * FLUE_PS_PER_S;

    (void)state;
    facts.now_ps = start;
    cc.cwnd_bytes = cc_cubic_ops.loss(&cc, &epoch, &facts);
    assert_int_equal(cc.cwnd_bytes, 10220000);
    while (facts.now_ps < start + 30 * FLUE_PS_PER_S) {
        double t = (double)(facts.now_ps - start) / 1e12;
        double now, soon;

        one_ack(&cc_cubic_ops, &cc, &epoch, &facts);
        now = 14600000 + 0.4 * 1460 * pow(t - k - 0.1, 3);
        soon = 14600000 + 0.4 * 1460 * pow(t - k + 0.1, 3);
        assert_true(cc.cwnd_bytes >= now - 1460 || t < 0.5);
        assert_true(cc.cwnd_bytes <= soon + 1460);
    }
    assert_true(cc.cwnd_bytes > 14600000);
}

/* RFC 9438 4.3: where the curve is flat, the window grows like Reno's with alpha = 9/17, and with 1 above cwnd_prior.
 */
static void reno_friendly(void **state)
{
    struct cc cc = {.cwnd_bytes = 20000, .ssthresh_bytes = CC_INFINITE};
    struct cc_epoch epoch = {0};
    struct cc_facts facts = {.srtt_ps = FLUE_PS_PER_MS, .mss_bytes = 1000, .flight_bytes = 20000};
    double w = 14;

    (void)state;
    cc.cwnd_bytes = cc_cubic_ops.loss(&cc, &epoch, &facts);
    while (w < 40) {
        w += (w < 20 ? 9.0 / 17 : 1) / w;
        one_ack(&cc_cubic_ops, &cc, &epoch, &facts);
        assert_near(cc.cwnd_bytes, 1000 * w, 0.002);
    }
}

/* 4.2: at most by a half within a round trip, however far above the curve is. */
static void half_more_at_most(void **state)
{
    struct cc cc = {.cwnd_bytes = 100000, .ssthresh_bytes = 100000, .w_max_bytes = CC_MAX_BYTES};
    struct cc_epoch epoch = {0};
    struct cc_facts facts = {.srtt_ps = RTT_PS, .mss_bytes = 1000, .acked_bytes = 1};

    (void)state;
    cc_cubic_ops.acked(&cc, &epoch, &facts);
    assert_int_equal(cc.cwnd_bytes, 100000);
    facts = (struct cc_facts){.now_ps = 10 * FLUE_PS_PER_S, .srtt_ps = RTT_PS, .mss_bytes = 1000, .acked_bytes = 2000};
    cc_cubic_ops.acked(&cc, &epoch, &facts);
    assert_int_equal(cc.cwnd_bytes, 101000);
    facts.acked_bytes = UINT32_MAX;
    cc_cubic_ops.acked(&cc, &epoch, &facts);
    assert_int_equal(cc.cwnd_bytes, 151500);
}

/* 4.8: after a timeout the curve starts on its plateau, at the window with which avoidance begins. */
static void after_a_timeout(void **state)
{
    struct cc cc = {.cwnd_bytes = 100000, .ssthresh_bytes = CC_INFINITE, .w_max_bytes = 300000};
    struct cc_epoch epoch = {0};
    struct cc_facts facts = {.srtt_ps = RTT_PS, .mss_bytes = 1000, .flight_bytes = 80000};

    (void)state;
    cc_cubic_ops.timeout(&cc, &epoch, &facts, false);
    cc_cubic_ops.timeout(&cc, &epoch, &facts, true);
    while (cc.cwnd_bytes < cc.ssthresh_bytes) {
        facts.acked_bytes = 5000;
        cc_cubic_ops.acked(&cc, &epoch, &facts);
    }
    assert_int_equal(cc.cwnd_bytes, 56000);
    assert_false(epoch.running);
    cc_cubic_ops.acked(&cc, &epoch, &facts);
    assert_true(epoch.running);
    assert_int_equal(epoch.k_ticks, 0);
    assert_int_equal(epoch.cwnd_prior_bytes, 100000);
    assert_int_equal(cc.w_max_bytes, 56000);
}

/* 4.2: time in which the sender held back does not count; nor does an epoch that was zeroed. */
static void held_back(void **state)
{
    struct cc cc = {.cwnd_bytes = 700000, .ssthresh_bytes = 700000, .w_max_bytes = 1000000}, other;
    struct cc_epoch epoch = {0}, other_epoch;
    struct cc_facts facts = {.srtt_ps = RTT_PS, .mss_bytes = 1000, .acked_bytes = 1000};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        one_ack(&cc_cubic_ops, &cc, &epoch, &facts);
    }
    other = cc;
    other_epoch = epoch;
    cc_held_back(&other_epoch, facts.now_ps);
    facts.now_ps += 100 * FLUE_PS_PER_S;
    cc_held_back(&other_epoch, facts.now_ps);
    cc_cubic_ops.acked(&other, &other_epoch, &facts);
    assert_true(other.cwnd_bytes - cc.cwnd_bytes < 1000);
    cc_cubic_ops.acked(&cc, &epoch, &facts); /* without the call it is a jump */
    assert_true(cc.cwnd_bytes > other.cwnd_bytes);

    other_epoch = (struct cc_epoch){0};
    cc_idle(&other, 10000);
    while (other.cwnd_bytes < other.ssthresh_bytes) {
        one_ack(&cc_cubic_ops, &other, &other_epoch, &facts);
    }
    one_ack(&cc_cubic_ops, &other, &other_epoch, &facts);
    assert_int_equal(other.w_max_bytes, 1000000);
    assert_int_equal(other_epoch.cwnd_prior_bytes, 1000000);
    assert_near(other_epoch.k_ticks / 1048576.0, cbrt(300 / 0.4), 1e-3);
}

/* Every `period`-th segment is lost: the mean window in segments, that is segments for each RTT.  The flow begins as
 * after a loss at `top` segments.  forget: CUBIC does not know the plateau before the last, so there is no fast
 * convergence. */
static double mean_window(const struct cc_ops *ops, uint32_t period, flue_ps rtt_ps, double top, bool forget)
{
    enum { LOSSES = 48, SKIPPED = 16 };
    struct cc cc = {.cwnd_bytes = (uint32_t)(top * 1460), .ssthresh_bytes = CC_INFINITE};
    struct cc_epoch epoch = {0};
    struct cc_facts facts = {.srtt_ps = rtt_ps, .mss_bytes = 1460};
    flue_ps from_ps = 0;

    for (int i = 0; i < LOSSES; i++) {
        facts.flight_bytes = cc.cwnd_bytes;
        if (forget) {
            cc.w_max_bytes = 0;
        }
        cc.cwnd_bytes = ops->loss(&cc, &epoch, &facts);
        if (i == SKIPPED) {
            from_ps = facts.now_ps;
        }
        for (uint32_t n = 0; n < period; n++) {
            one_ack(ops, &cc, &epoch, &facts);
        }
    }
    return (double)period * (LOSSES - SKIPPED) * (double)rtt_ps / (double)(facts.now_ps - from_ps);
}

/* NewReno: sqrt(1.5 / p).  CUBIC: RFC 9438 figure 6, or Reno's in the Reno-friendly region (section 5.1).  The formula
 * knows no fast convergence, which keeps the window below it: who lost a little too early has its plateau lowered, and
 * on the flat part of the curve it comes back slowly. */
static void response(void **state)
{
    static const struct {
        uint32_t period, rtt_ms;
    } cases[] = {
        {100, 1},    {100, 10},   {100, 100},   {1000, 1},    {1000, 10},  {1000, 100},  {10000, 1},
        {10000, 10}, {10000, 50}, {10000, 100}, {10000, 300}, {50000, 10}, {50000, 100},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t n = cases[i].period;
        double reno = sqrt(1.5 * n);
        double cubic = pow(0.4 * 3.7 / (4 * 0.3), 0.25) * pow((double)n * cases[i].rtt_ms / 1000, 0.75);
        flue_ps rtt_ps = cases[i].rtt_ms * FLUE_PS_PER_MS;
        double top;

        cubic = cubic > reno ? cubic : reno;
        top = cubic * 4 / 3.7; /* the mean of a concave stage is (3 + beta) / 4 of its top */
        assert_near(mean_window(&cc_newreno_ops, n, rtt_ps, reno, false), reno, 0.05);
        assert_near(mean_window(&cc_cubic_ops, n, rtt_ps, top, true), cubic, 0.04);
        assert_near(mean_window(&cc_cubic_ops, n, rtt_ps, 0.98 * top, false), cubic, 0.1);
        assert_near(mean_window(&cc_cubic_ops, n, rtt_ps, 1.1 * top, false), cubic, 0.1);
    }
}

static uint32_t any_size(struct rng *rng)
{
    return (uint32_t)(rng_u64(rng) >> (32 + rng_below(rng, 32)));
}

/* Anything at all, in any order. */
static void limits(void **state)
{
    struct rng rng;

    (void)state;
    rng_init(&rng, 1, "limits");
    for (int run = 0; run < 4000; run++) {
        const struct cc_ops *ops = both[run % 2];
        uint32_t mss = 1 + (uint32_t)(rng_below(&rng, CC_MSS_MAX_BYTES) >> rng_below(&rng, 16));
        struct cc cc = cc_start(mss, any_size(&rng));
        struct cc_epoch epoch = {0};
        flue_ps now = 0;

        for (int step = 0; step < 200; step++) {
            struct cc_facts facts = {.now_ps = now,
                                     .srtt_ps = (flue_ps)(rng_u64(&rng) >> rng_below(&rng, 64)),
                                     .mss_bytes = mss,
                                     .acked_bytes = any_size(&rng),
                                     .flight_bytes = any_size(&rng)};
            struct cc before = cc;
            uint32_t most;

            switch (rng_below(&rng, 40)) {
            case 0:
                ops->timeout(&cc, &epoch, &facts, rng_chance_ppm(&rng, 300000));
                assert_int_equal(cc.cwnd_bytes, mss);
                break;
            case 1:
                cc.cwnd_bytes = ops->loss(&cc, &epoch, &facts);
                assert_true(cc.cwnd_bytes >= 2 * mss);
                break;
            case 2:
                cc.cwnd_bytes = any_size(&rng); /* the engine has reasons of its own */
                epoch = (struct cc_epoch){0};
                break;
            case 3:
                epoch = (struct cc_epoch){0};
                cc_idle(&cc, any_size(&rng));
                break;
            case 4:
                cc_held_back(&epoch, now);
                break;
            case 5:
                now = (flue_ps)(rng_u64(&rng) >> 1); /* even back */
                break;
            default:
                ops->acked(&cc, &epoch, &facts);
                assert_in_range(cc.cwnd_bytes, mss, CC_MAX_BYTES);
                if (before.cwnd_bytes >= mss && before.cwnd_bytes <= CC_MAX_BYTES) {
                    assert_true(cc.cwnd_bytes >= before.cwnd_bytes);
                    most = facts.acked_bytes < before.cwnd_bytes ? facts.acked_bytes : before.cwnd_bytes;
                    assert_true(cc.cwnd_bytes - before.cwnd_bytes <= most + 2 * mss);
                }
                assert_true(cc.ssthresh_bytes >= 2 * mss);
                assert_in_range(epoch.elapsed_ps, 0, 3600 * FLUE_PS_PER_S);
                assert_true(epoch.w_est_bytes <= CC_MAX_BYTES && cc.w_max_bytes <= CC_MAX_BYTES);
                break;
            }
            now += (flue_ps)(rng_u64(&rng) >> (2 + rng_below(&rng, 60))) % (FLUE_PS_NEVER - now);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {

        cmocka_unit_test(initial_windows),
        cmocka_unit_test(slow_start),
        cmocka_unit_test(slow_start_ends),
        cmocka_unit_test(newreno_avoidance),
        cmocka_unit_test(falls),
        cmocka_unit_test(roots),
        cmocka_unit_test(ticks),
        cmocka_unit_test(curve),
        cmocka_unit_test(follows_the_curve),
        cmocka_unit_test(reno_friendly),
        cmocka_unit_test(half_more_at_most),
        cmocka_unit_test(after_a_timeout),
        cmocka_unit_test(held_back),
        cmocka_unit_test(response),
        cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
