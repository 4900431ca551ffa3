/* SPDX-License-Identifier: GPL-2.0-only */
/* Flue's TCP against lwIP's, both in this process, in virtual time. */
#include <stdio.h>
#include <stdlib.h>

#include "content.h"
#include "party_flue.h"
#include "party_lwip.h"
#include "virtual.h"

#define SETTLE_PS (900 * FLUE_PS_PER_S) /* longer than anything that Flue waits for */

/* Answers the virtual time that it took. */
static flue_ps play(struct exchange *x, const struct cell *cell, struct party *a, struct party *b)
{
    const struct virtual_shape *shape = cell->own;

    if (!exchange_begin(x, &shape->network->params, cell->seed, a, b, shape->v6 ? virtual_v6 : virtual_v4,
                        shape->connector, shape->plans, VIRTUAL_FLOWS)) {
        return 0;
    }
    exchange_capture(x, cell->pcap);
    return exchange_play(x, 0, VIRTUAL_LIMIT_PS);
}

/* lwIP against itself. */
static void run_plumbing(const struct cell *cell, struct cell_result *result)
{
    struct exchange *x = calloc(1, sizeof *x);
    struct party_lwip *a = party_lwip_open("lwip A", &virtual_v4[0], &virtual_v6[0], exchange_out_0, x);
    struct party_lwip *b = party_lwip_open("lwip B", &virtual_v4[1], &virtual_v6[1], exchange_out_1, x);
    flue_ps took_ps;

    if (x == NULL || a == NULL || b == NULL) {
        (void)snprintf(result->failure, sizeof result->failure, "no memory");
        return;
    }
    took_ps = play(x, cell, party_lwip_party(a), party_lwip_party(b));
    (void)snprintf(result->note, sizeof result->note, "%.6f s", (double)took_ps / 1e12);
    cell_finish(x, result);
}

static void run(const struct cell *cell, struct cell_result *result)
{
    struct exchange *x = calloc(1, sizeof *x);
    struct party_lwip *lwip = party_lwip_open("lwip", &virtual_v4[1], &virtual_v6[1], exchange_out_1, x);
    struct flue_stack_config config;
    struct flue_tcp_totals totals;
    struct party_flue flue;
    flue_ps took_ps;

    virtual_config(&config, cell->seed);
    if (x == NULL || lwip == NULL || !party_flue_open(&flue, &config, content_mix(cell->seed), exchange_out_0, x)) {
        (void)snprintf(result->failure, sizeof result->failure, "a stack could not be made");
        return;
    }
    took_ps = play(x, cell, &flue.party, party_lwip_party(lwip));
    if (x->failure[0] == '\0') {
        exchange_settle(x, took_ps, took_ps + SETTLE_PS);
        flue_stack_totals(flue.stack, &totals);
        if (totals.connections != 0) {
            exchange_fail(x, "%llu connections of Flue never end", (unsigned long long)totals.connections);
        }
    }
    if (!party_flue_sound(&flue)) {
        exchange_fail(x, "%s", flue.complaint);
    }
    flue_stack_totals(flue.stack, &totals);
    (void)snprintf(result->note, sizeof result->note, "flue: %llu retransmits, %llu timeouts, %.6f s",
                   (unsigned long long)totals.retransmits, (unsigned long long)totals.timeouts, (double)took_ps / 1e12);
    cell_finish(x, result);
    party_flue_close(&flue);
}

static void run_either(const struct cell *cell, struct cell_result *result)
{
    const struct virtual_shape *shape = cell->own;

    if (shape->plumbing) {
        run_plumbing(cell, result);
    } else {
        run(cell, result);
    }
}

int main(int argc, char **argv)
{
    return virtual_main(argc, argv, "lwip", "Flue's TCP against lwIP's, in virtual time.", 4, 150, UINT64_C(100000),
                        UINT64_C(400000), run_either);
}
