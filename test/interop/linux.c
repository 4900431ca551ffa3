/* SPDX-License-Identifier: GPL-2.0-only */
/* Flue's TCP against Linux', over a tun device in a network namespace of this program's own, in real time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "content.h"
#include "party_flue.h"
#include "party_linux.h"

#define QUICK_BYTES UINT64_C(170000) /* of one direction of one connection */
#define FULL_BYTES  UINT64_C(2200000)
#define LIMIT_PS    (50 * FLUE_PS_PER_S)
#define SECONDS     60u

struct shape {
    const struct network *network;
    int v6;
    unsigned connector; /* 0: Flue connects; 1: Linux does */
    int plumbing, full;
};

static const struct flue_ip v4[2] = {{{0, 0, 0xffff, 0x0a000002}}, {{0, 0, 0xffff, 0x0a000001}}};
static const struct flue_ip v6[2] = {{{0xfd000000, 0, 0, 2}}, {{0xfd000000, 0, 0, 1}}};

/* Three connections at once: one way, the other way, both ways with a reader that sleeps. */
static void transfers(struct exchange *x, const struct cell *cell, struct party *a, struct party *b)
{
    const struct shape *shape = cell->own;
    uint64_t bytes = shape->full ? FULL_BYTES : QUICK_BYTES;
    const struct flow_plan plans[] = {
        {.bytes = {bytes, 0}},
        {.bytes = {0, bytes}, .start_ps = 5 * FLUE_PS_PER_MS},
        {.bytes = {bytes / 2, bytes / 2},
         .start_ps = 10 * FLUE_PS_PER_MS,
         .nap_bytes = bytes / 8,
         .nap_ps = 20 * FLUE_PS_PER_MS},
    };

    (void)exchange_begin(x, &shape->network->params, cell->seed, a, b, shape->v6 ? v6 : v4, shape->connector, plans,
                         sizeof plans / sizeof plans[0]);
}

/* Linux against Linux: shows that what is between the two works. */
static void run_plumbing(const struct cell *cell, struct cell_result *result)
{
    struct exchange *x = calloc(1, sizeof *x);
    struct party_linux a, b, *both[] = {&a, &b};

    if (x == NULL || !party_linux_open(&a, "linux A", &v4[0], &v6[0], exchange_out_0, x) ||
        !party_linux_open(&b, "linux B", &v4[1], &v6[1], exchange_out_1, x)) {
        (void)snprintf(result->failure, sizeof result->failure, "a namespace could not be made");
        return;
    }
    transfers(x, cell, &a.party, &b.party);
    exchange_capture(x, cell->pcap);
    live_play(x, both, 2, LIMIT_PS, NULL, NULL);
    cell_finish(x, result);
}

static void run(const struct cell *cell, struct cell_result *result)
{
    struct exchange *x = calloc(1, sizeof *x);
    struct flue_stack_config config;
    struct flue_tcp_totals totals;
    struct party_linux linux_party, *only[] = {&linux_party};
    struct party_flue flue;

    flue_stack_defaults(&config);
    config.addresses[0] = v4[0];
    config.addresses[1] = v6[0];
    config.address_count = 2;
    config.tcp.ts_offset = UINT32_MAX - 100; /* its clock passes 2^32 */
    if (x == NULL || !party_flue_open(&flue, &config, content_mix(cell->seed), exchange_out_0, x)) {
        (void)snprintf(result->failure, sizeof result->failure, "%s", flue.complaint);
        return;
    }
    if (!party_linux_open(&linux_party, "linux", &v4[1], &v6[1], exchange_out_1, x)) {
        (void)snprintf(result->failure, sizeof result->failure, "%s", linux_party.complaint);
        return;
    }
    transfers(x, cell, &flue.party, &linux_party.party);
    exchange_capture(x, cell->pcap);
    live_play(x, only, 1, LIMIT_PS, NULL, NULL);
    if (!party_flue_sound(&flue)) {
        exchange_fail(x, "%s", flue.complaint);
    }
    flue_stack_totals(flue.stack, &totals);
    (void)snprintf(result->note, sizeof result->note, "flue: %llu retransmits, %llu timeouts, %.2f s",
                   (unsigned long long)totals.retransmits, (unsigned long long)totals.timeouts,
                   (double)live_now() / 1e12);
    cell_finish(x, result);
    party_flue_close(&flue);
}

int main(int argc, char **argv)
{
    static struct shape shapes[64];
    static struct cell cells[64];
    struct options options;
    char why[160];
    unsigned count = 0;
    int code = options_read(&options, argc, argv, "Flue's TCP against Linux', over a tun device, in real time.");

    if (code >= 0) {
        return code;
    }
    if (!options.list && !tun_possible(why, sizeof why)) {
        printf("skipped: a tun device in a network namespace of our own is not to be had (%s)\n", why);
        return CELLS_SKIP;
    }
    for (unsigned n = 0; n < network_count(0); n++) {
        for (unsigned i = 0; i < 4; i++) {
            struct shape *shape = &shapes[count];
            struct cell *cell = &cells[count];

            *shape = (struct shape){&network_table[n], (int)(i & 1u), i >> 1, options.plumbing, options.full};
            *cell = (struct cell){.seed = content_mix(options.seed + count), .number = count, .own = shape};
            (void)snprintf(cell->name, sizeof cell->name, "linux/%s/%s/%s", i & 1u ? "v6" : "v4",
                           shape->connector == 0 ? "flue-connects" : "flue-listens", shape->network->name);
            count++;
        }
    }
    return cells_run(&options, cells, count, options.plumbing ? run_plumbing : run, SECONDS);
}
