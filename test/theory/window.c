/* SPDX-License-Identifier: GPL-2.0-only */
/* theory/window.c - the window from one round trip to the next: slow start, and CUBIC's curve after a loss. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/test.h"
#include "figure.h"
#include "world.h"

/* RFC 5681 3.1: each acknowledgement of a segment adds a segment, so that every flight is twice the one before. */
static void slow_start_doubles(void **state)
{
    static const uint32_t initial[] = {1, 10};

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(initial); i++) {
        for (unsigned congestion = FLUE_TCP_NEWRENO; congestion <= FLUE_TCP_CUBIC; congestion++) {
            struct world_config config = world_plain((enum flue_tcp_congestion)congestion);
            struct world *world = malloc(sizeof(*world));
            uint64_t before = 0;

            assert_non_null(world);
            config.rate_bps = (uint64_t)FLUE_PS_PER_S;
            config.rtt_ps = 100 * FLUE_PS_PER_MS;
            config.params.ack_every = 1;
            config.params.initial_window = initial[i];
            world_init(world, &config);
            for (unsigned flight = 0; flight < 10; flight++) {
                /* The handshake takes the first round trip. */
                world_run(world, (flight + 1) * config.rtt_ps + config.rtt_ps / 2);
                figure_equal((double)(world->data_frames - before), initial[i] * (double)(1u << flight),
                             "%s, initial window %u: segments of flight %u",
                             congestion == FLUE_TCP_CUBIC ? "CUBIC" : "NewReno", initial[i], flight + 1);
                before = world->data_frames;
            }
            world_dispose(world);
            free(world);
        }
    }
}

/* Loses one segment as soon as the window has a given size, and notes what follows. */
struct single {
    uint32_t at_bytes;               /* 0: it is lost */
    uint32_t top_bytes, epoch_bytes; /* the window before recovery, and behind it */
    flue_ps epoch_ps;                /* when recovery ended; 0: not yet */
    bool lost, recovering;
};

static bool lose_one(struct world *world, unsigned from, struct flue_frame *frame)
{
    struct single *single = world->arg;

    if (from == 0 && frame->payload.length_bytes > 0 && !single->lost &&
        world_info(world, 0).cwnd_bytes >= single->at_bytes) {
        single->lost = true;
        return false;
    }
    return true;
}

static void watch_recovery(struct world *world)
{
    struct single *single = world->arg;
    struct flue_tcp_info info;

    if (!single->lost || single->epoch_ps != 0) {
        return;
    }
    info = world_info(world, 0);
    if (info.recovery == FLUE_TCP_CA_RECOVERY) {
        single->recovering = true;
    } else if (!single->recovering) {
        single->top_bytes = info.cwnd_bytes;
    } else {
        single->epoch_bytes = info.cwnd_bytes;
        single->epoch_ps = world->now_ps;
    }
}

/* Begins a flow that loses one segment when its window has `segments`, and runs it until that is repaired. */
static struct world *begin_with_loss(enum flue_tcp_congestion congestion, flue_ps rtt_ps, uint32_t segments,
                                     struct single *single)
{
    struct world_config config = world_plain(congestion);
    struct world *world = malloc(sizeof(*world));

    assert_non_null(world);
    config.rate_bps = (uint64_t)FLUE_PS_PER_S;
    config.rtt_ps = rtt_ps;
    config.params.ack_every = 1;
    config.params.rto_min_ps = FLUE_PS_PER_S;
    *single = (struct single){.at_bytes = segments * world_payload_bytes(&config)};
    world_init(world, &config);
    world->arg = single;
    world->filter = lose_one;
    world->watch = watch_recovery;
    while (single->epoch_ps == 0) {
        world_run(world, world->now_ps + rtt_ps / 8);
    }
    return world;
}

/* RFC 9438 4.2: W_cubic(t) = C (t - K)^3 + W_max, K = cbrt((W_max - cwnd_epoch) / C), C = 0.4, in segments and
 * seconds, from the end of recovery on; concave until K (4.4), convex behind it (4.5).  Only where it is above what
 * Reno would have (4.3).  By the time of an acknowledgement cwnd is on its way to where the curve is a round trip
 * later, so it lies between W_cubic(t) and W_cubic(t + RTT), give or take BOUND. */
static void cubic_follows_its_curve(void **state)
{
    static const struct {
        flue_ps rtt_ps;
        uint32_t segments;
    } cases[] = {{100 * FLUE_PS_PER_MS, 1000}, {50 * FLUE_PS_PER_MS, 4000}};
    const double bound = 0.02;

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct single single;
        struct world *world = begin_with_loss(FLUE_TCP_CUBIC, cases[i].rtt_ps, cases[i].segments / 2, &single);
        double mss = world_payload_bytes(&world->config), rtt_s = (double)cases[i].rtt_ps / 1e12;
        double w_max = single.top_bytes / mss, w_epoch = single.epoch_bytes / mss, k_s;
        double worst = 0, worst_t = 0, concave_end = 0, convex_end = 0;

        k_s = cbrt((w_max - w_epoch) / 0.4);
        figure_near(w_epoch / w_max, 0.7, 0.01, "RTT %g ms, W_max %.0f segments: cwnd_epoch / W_max", rtt_s * 1e3,
                    w_max);
        for (flue_ps t_ps = cases[i].rtt_ps; (double)t_ps / 1e12 < 2 * k_s; t_ps += cases[i].rtt_ps) {
            double t_s = (double)t_ps / 1e12, low, high, here, off;

            world_run(world, single.epoch_ps + t_ps);
            here = world_info(world, 0).cwnd_bytes / mss;
            low = 0.4 * pow(t_s - k_s, 3) + w_max;
            high = 0.4 * pow(t_s + rtt_s - k_s, 3) + w_max;
            off = here < low ? here / low - 1 : here > high ? here / high - 1 : 0;
            if (fabs(off) > fabs(worst)) {
                worst = off;
                worst_t = t_s;
            }
            if (t_s <= k_s) {
                concave_end = here;
            }
            convex_end = here;
        }
        printf("  K %.2f s; window at K %.1f, at 2 K %.1f segments; farthest from the curve at %.2f s\n", k_s,
               concave_end, convex_end, worst_t);
        figure_at_most(fabs(worst), bound, "  farthest from [W_cubic(t), W_cubic(t + RTT)], 0 < t < 2 K");
        figure_near(concave_end, w_max, bound, "  window at K, segments");
        figure_near(convex_end, w_max + 0.4 * pow(k_s, 3), bound, "  window at 2 K, segments");
        figure_equal((double)world_info(world, 0).fast_retransmits, 1, "  recoveries");
        figure_equal((double)world_info(world, 0).timeouts, 0, "  timeouts");
        world_dispose(world);
        free(world);
    }
}

/* RFC 5681 3.1: in congestion avoidance the window grows by a segment in a round trip; 3.2: it falls to a half. */
static void newreno_adds_a_segment(void **state)
{
    struct single single;
    struct world *world = begin_with_loss(FLUE_TCP_NEWRENO, 100 * FLUE_PS_PER_MS, 100, &single);
    double mss = world_payload_bytes(&world->config);
    double top = single.top_bytes / mss, start = single.epoch_bytes / mss;

    (void)state;
    figure_near(start / top, 0.5, 0.01, "NewReno, %.0f segments: window after recovery, to that before", top);
    world_run(world, single.epoch_ps + 200 * world->config.rtt_ps);
    figure_near((world_info(world, 0).cwnd_bytes / mss - start) / 200, 1, 0.02, "  segments added in a round trip");
    figure_equal((double)world_info(world, 0).timeouts, 0, "  timeouts");
    world_dispose(world);
    free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_start_doubles),
        cmocka_unit_test(newreno_adds_a_segment),
        cmocka_unit_test(cubic_follows_its_curve),
    };

    figure_head();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
