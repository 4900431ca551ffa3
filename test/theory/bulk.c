/* SPDX-License-Identifier: GPL-2.0-only */
/* theory/bulk.c - one flow fills the wire when the queue holds what rate and round trip hold, or more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "figure.h"
#include "world.h"

struct bulk {
    uint64_t rate_bps;
    flue_ps rtt_ps;
    unsigned bdps;     /* that the queue holds */
    flue_ps from_ps;   /* measured from then: slow start and the repair of its overshoot are over */
    flue_ps length_ps; /* for so long */
    bool full;         /* only in full runs */
};

#define BULK(gbps_, rtt_us_, bdps_, from_ms_, length_ms_, full_)                                                       \
    {                                                                                                                  \
        .rate_bps = (gbps_)*UINT64_C(1000000000), .rtt_ps = (rtt_us_)*FLUE_PS_PER_US, .bdps = (bdps_),                 \
        .from_ps = (from_ms_)*FLUE_PS_PER_MS, .length_ps = (length_ms_)*FLUE_PS_PER_MS, .full = (full_)                \
    }

static const struct bulk runs[] = {
    BULK(10, 100, 1, 300, 500, false),     BULK(10, 100, 4, 500, 5000, true),  BULK(1, 2000, 1, 1000, 3000, false),
    BULK(1, 10000, 1, 2000, 20000, true),  BULK(10, 100, 1, 500, 10000, true), BULK(10, 10000, 1, 2000, 10000, true),
    BULK(10, 10000, 2, 2000, 10000, true),
};

static bool full_run;

static void run_one(const struct bulk *bulk, enum flue_tcp_congestion congestion)
{
    struct world_config config = world_plain(congestion);
    struct world *world = malloc(sizeof(*world));
    double payload_bps;
    uint64_t before;
    struct flue_tcp_info info;

    assert_non_null(world);
    config.rate_bps = bulk->rate_bps;
    config.rtt_ps = bulk->rtt_ps;
    config.queue_frames = bulk->bdps * world_bdp_frames(&config);
    world_init(world, &config);
    world_run(world, bulk->from_ps);
    before = world_received_all(world);
    world_run(world, bulk->from_ps + bulk->length_ps);
    payload_bps = (double)config.rate_bps * world_payload_bytes(&config) / world_frame_bytes(&config);
    info = world_info(world, 0);
    printf("  %llu segments, %llu lost, %llu fast retransmits, %llu timeouts, cwnd %u segments\n",
           (unsigned long long)world->data_frames, (unsigned long long)world->lost,
           (unsigned long long)info.fast_retransmits, (unsigned long long)info.timeouts,
           info.cwnd_bytes / info.mss_bytes);
    figure_at_least((double)(world_received_all(world) - before) * 8 * (double)FLUE_PS_PER_S / (double)bulk->length_ps /
                        payload_bps,
                    0.99, "%s, %g Gb/s, RTT %g ms, queue %u BDP, %g s: part of the rate",
                    congestion == FLUE_TCP_CUBIC ? "CUBIC" : "NewReno", (double)bulk->rate_bps / 1e9,
                    (double)bulk->rtt_ps / 1e9, bulk->bdps, (double)bulk->length_ps / 1e12);
    world_dispose(world);
    free(world);
}

static void newreno_fills_the_wire(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(runs); i++) {
        if (runs[i].full == full_run) {
            run_one(&runs[i], FLUE_TCP_NEWRENO);
        }
    }
}

static void cubic_fills_the_wire(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(runs); i++) {
        if (runs[i].full == full_run) {
            run_one(&runs[i], FLUE_TCP_CUBIC);
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newreno_fills_the_wire),
        cmocka_unit_test(cubic_fills_the_wire),
    };

    full_run = argc > 1 && strcmp(argv[1], "full") == 0;
    figure_head();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
