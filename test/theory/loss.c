/* SPDX-License-Identifier: GPL-2.0-only */
/* theory/loss.c - the mean window when one segment in 1/p is lost, exactly and always: the steady state that RFC 9438
 * section 5 and Mathis, Semke, Mahdavi and Ott (1997) compute.
 *
 * The mean window is what arrives in a round trip: a segment occupies no time on a wire of 1 Tb/s, so that a round trip
 * lasts as long as the propagation. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "figure.h"
#include "world.h"

#define BOUND 0.15

struct loss {
    enum flue_tcp_congestion congestion;
    bool sack;
    flue_ps rtt_ps;
    uint32_t every;        /* 1/p */
    uint32_t skip, epochs; /* losses before measuring, and measured */
    bool full;             /* only in full runs */
};

#define RENO(sack_, rtt_ms, every_, full_)                                                                             \
    {                                                                                                                  \
        .congestion = FLUE_TCP_NEWRENO, .sack = (sack_), .rtt_ps = (rtt_ms)*FLUE_PS_PER_MS, .every = (every_),         \
        .skip = 20, .epochs = 40, .full = (full_)                                                                      \
    }
#define CUBIC(rtt_ms, every_, full_)                                                                                   \
    {                                                                                                                  \
        .congestion = FLUE_TCP_CUBIC, .sack = true, .rtt_ps = (rtt_ms)*FLUE_PS_PER_MS, .every = (every_), .skip = 40,  \
        .epochs = 60, .full = (full_)                                                                                  \
    }

static const struct loss runs[] = {
    RENO(true, 1, 100, false),     RENO(true, 10, 100, false),    RENO(true, 100, 1000, false),
    RENO(true, 10, 10000, false),  RENO(true, 10, 100000, true),  RENO(false, 10, 100, false),
    RENO(false, 100, 1000, false), RENO(false, 10, 10000, false), RENO(false, 10, 100000, true),
    CUBIC(1, 100, false),          CUBIC(10, 1000, false),        CUBIC(10, 10000, false),
    CUBIC(100, 10000, false),      CUBIC(200, 3000, false),       CUBIC(200, 10000, false),
    CUBIC(100, 100000, true),      CUBIC(10, 100000, true),       CUBIC(20, 1000000, true),
};

static bool full_run;

/* RFC 9438 5 for CUBIC, and Reno's; the larger is CUBIC's window (4.3). */
static double theory_segments(const struct loss *run)
{
    double p = 1.0 / run->every;
    double rtt_s = (double)run->rtt_ps / (double)FLUE_PS_PER_S;
    double reno = sqrt(1.5 / p);
    double cubic = pow(0.4 * 3.7 / 1.2, 0.25) * pow(rtt_s / p, 0.75);

    return run->congestion == FLUE_TCP_CUBIC && cubic > reno ? cubic : reno;
}

static void run_one(const struct loss *run)
{
    struct world_config config = world_plain(run->congestion);
    struct world *world = malloc(sizeof(*world));
    struct flue_tcp_info info;
    uint64_t received, timeouts;
    flue_ps from_ps;
    double mean;

    assert_non_null(world);
    config.rate_bps = (uint64_t)FLUE_PS_PER_S;
    config.rtt_ps = run->rtt_ps;
    config.lose_every = run->every;
    config.params.ack_every = 1;
    config.params.sack = run->sack;
    config.params.rto_min_ps = FLUE_PS_PER_S; /* RFC 6298 2.4: no timer is to end a recovery early */
    world_init(world, &config);
    while (world->lost < run->skip) {
        world_run(world, world->now_ps + run->rtt_ps / 8);
    }
    received = world_received_all(world);
    from_ps = world->now_ps;
    timeouts = world_info(world, 0).timeouts;
    while (world->lost < run->skip + run->epochs) {
        world_run(world, world->now_ps + run->rtt_ps / 8);
    }
    info = world_info(world, 0);
    mean = (double)(world_received_all(world) - received) / world_payload_bytes(&config) * (double)run->rtt_ps /
           (double)(world->now_ps - from_ps);
    figure_equal((double)(info.timeouts - timeouts), 0, "%s%s, RTT %g ms, 1/p = %u: timeouts",
                 run->congestion == FLUE_TCP_CUBIC ? "CUBIC" : "NewReno", run->sack ? "" : " without SACK",
                 (double)run->rtt_ps / 1e9, run->every);
    figure_near(mean, theory_segments(run), BOUND, "%s%s, RTT %g ms, 1/p = %u: mean window, segments",
                run->congestion == FLUE_TCP_CUBIC ? "CUBIC" : "NewReno", run->sack ? "" : " without SACK",
                (double)run->rtt_ps / 1e9, run->every);
    world_dispose(world);
    free(world);
}

static void run_all(enum flue_tcp_congestion congestion, bool sack)
{
    for (unsigned i = 0; i < COUNT_OF(runs); i++) {
        if (runs[i].full == full_run && runs[i].congestion == congestion && runs[i].sack == sack) {
            run_one(&runs[i]);
        }
    }
}

static void newreno_with_sack(void **state)
{
    (void)state;
    run_all(FLUE_TCP_NEWRENO, true);
}

static void newreno_without_sack(void **state)
{
    (void)state;
    run_all(FLUE_TCP_NEWRENO, false);
}

static void cubic(void **state)
{
    (void)state;
    run_all(FLUE_TCP_CUBIC, true);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newreno_with_sack),
        cmocka_unit_test(newreno_without_sack),
        cmocka_unit_test(cubic),
    };

    full_run = argc > 1 && strcmp(argv[1], "full") == 0;
    figure_head();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
