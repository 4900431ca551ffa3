/* SPDX-License-Identifier: GPL-2.0-only */
/* theory/share.c - flows of one round trip time over one bottleneck share it evenly: Jain's index (Jain, Chiu and Hawe
 * 1984; RFC 5166 2.3 names it as a measure of fairness). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"
#include "figure.h"
#include "world.h"

struct share {
    uint32_t flows;
    uint64_t rate_bps;
    flue_ps from_ps, to_ps;
    double least; /* of Jain's index */
    bool full;
};

static const struct share runs[] = {
    {.flows = 20, .rate_bps = 200000000, .from_ps = 10 * FLUE_PS_PER_S, .to_ps = 30 * FLUE_PS_PER_S, .least = 0.95},
    {.flows = 100,
     .rate_bps = 1000000000,
     .from_ps = 10 * FLUE_PS_PER_S,
     .to_ps = 70 * FLUE_PS_PER_S,
     .least = 0.95,
     .full = true},
};

static bool full_run;

static void run_one(const struct share *share, enum flue_tcp_congestion congestion)
{
    const char *name = congestion == FLUE_TCP_CUBIC ? "CUBIC" : "NewReno";
    struct world_config config = world_plain(congestion);
    struct world *world = malloc(sizeof(*world));
    uint64_t before[WORLD_FLOWS_MAX];
    double sum = 0, squares = 0, length_s, payload_bps, least = 1e300, most = 0;

    assert_non_null(world);
    config.flows = share->flows;
    config.rate_bps = share->rate_bps;
    config.queue_frames = world_bdp_frames(&config);
    config.open_every_ps = 10 * FLUE_PS_PER_MS;
    world_init(world, &config);
    world_run(world, share->from_ps);
    for (uint32_t flow = 0; flow < config.flows; flow++) {
        before[flow] = world_received(world, flow);
    }
    world_run(world, share->to_ps);
    for (uint32_t flow = 0; flow < config.flows; flow++) {
        double bytes = (double)(world_received(world, flow) - before[flow]);

        sum += bytes;
        squares += bytes * bytes;
        least = bytes < least ? bytes : least;
        most = bytes > most ? bytes : most;
    }
    length_s = (double)(share->to_ps - share->from_ps) / (double)FLUE_PS_PER_S;
    payload_bps = (double)config.rate_bps * world_payload_bytes(&config) / world_frame_bytes(&config);
    printf("  least %.3g, most %.3g of an even share; the wire is used to %.4f; %.3g %% of segments lost\n",
           least * config.flows / sum, most * config.flows / sum, sum * 8 / length_s / payload_bps,
           100.0 * (double)world->lost / (double)world->data_frames);
    figure_at_least(sum * sum / (config.flows * squares), share->least,
                    "%s, %u flows, %g Mb/s, RTT 10 ms, %g s: Jain's index", name, config.flows,
                    (double)config.rate_bps / 1e6, length_s);
    world_dispose(world);
    free(world);
}

static void run_all(enum flue_tcp_congestion congestion)
{
    for (unsigned i = 0; i < COUNT_OF(runs); i++) {
        if (runs[i].full == full_run) {
            run_one(&runs[i], congestion);
        }
    }
}

static void newreno_shares(void **state)
{
    (void)state;
    run_all(FLUE_TCP_NEWRENO);
}

static void cubic_shares(void **state)
{
    (void)state;
    run_all(FLUE_TCP_CUBIC);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newreno_shares),
        cmocka_unit_test(cubic_shares),
    };

    full_run = argc > 1 && strcmp(argv[1], "full") == 0;
    figure_head();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
