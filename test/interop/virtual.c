/* SPDX-License-Identifier: GPL-2.0-only */
/* The matrix of the programs that run in virtual time. */
#include "virtual.h"

#include <stdio.h>
#include <stdlib.h>

#include "content.h"
#include "flue/tcp.h"

#define SECONDS 120u

const struct flue_ip virtual_v4[2] = {{{0, 0, 0xffff, 0x0a000002}}, {{0, 0, 0xffff, 0x0a000001}}};
const struct flue_ip virtual_v6[2] = {{{0xfd000000, 0, 0, 2}}, {{0xfd000000, 0, 0, 1}}};

void virtual_config(struct flue_stack_config *config, uint64_t seed)
{
    uint64_t dice = content_mix(seed + 77);

    flue_stack_defaults(config);
    config->addresses[0] = virtual_v4[0];
    config->addresses[1] = virtual_v6[0];
    config->address_count = 2;
    config->tcp.timestamps = dice % 4 != 0;
    config->tcp.ts_offset = UINT32_MAX - (uint32_t)(dice >> 32) % 3000u; /* its clock passes 2^32, too */
    config->tcp.sack = dice / 4 % 4 != 0;
    config->tcp.window_scaling = dice / 16 % 4 != 0;
    config->tcp.congestion = dice / 64 % 2 ? FLUE_TCP_CUBIC : FLUE_TCP_NEWRENO;
    config->tcp.nagle = (uint32_t)(dice / 128 % 2);
    config->tcp.ecn = (uint32_t)(dice / 256 % 3);
    config->tcp.rcv_buffer_bytes = dice / 1024 % 4 == 0 ? 20000 : 256u << 10;
    config->snd_buffer_bytes = dice / 4096 % 4 == 0 ? 10000 : 256u << 10;
}

static void make_cell(struct cell *cell, struct virtual_shape *shape, const char *who, const struct options *options,
                      unsigned number, uint64_t bytes)
{
    unsigned place = number % (4 * network_count(1));

    *shape = (struct virtual_shape){
        .network = &network_table[place / 4],
        .v6 = (int)(place & 1u),
        .connector = place >> 1 & 1u,
        .plumbing = options->plumbing,
        .full = options->full,
        .plans = {{.bytes = {bytes, 0}},
                  {.bytes = {0, bytes}, .start_ps = 5 * FLUE_PS_PER_MS},
                  {.bytes = {bytes / 2, bytes / 2},
                   .start_ps = 10 * FLUE_PS_PER_MS,
                   .nap_bytes = bytes / 8,
                   .nap_ps = 300 * FLUE_PS_PER_MS}},
    };
    *cell = (struct cell){.seed = content_mix(options->seed * 1000003 + number), .number = number, .own = shape};
    (void)snprintf(cell->name, sizeof cell->name, "%s/%s/%s/%s/%u", who, shape->v6 ? "v6" : "v4",
                   shape->connector == 0 ? "flue-connects" : "flue-listens", shape->network->name,
                   number / (4 * network_count(1)));
}

int virtual_main(int argc, char **argv, const char *who, const char *what, unsigned quick_seeds, unsigned full_seeds,
                 uint64_t quick_bytes, uint64_t full_bytes, cell_fn *run)
{
    struct options options;
    struct virtual_shape *shapes;
    struct cell *cells;
    unsigned count;
    int code = options_read(&options, argc, argv, what);

    if (code >= 0) {
        return code;
    }
    if (options.seeds == 0) {
        options.seeds = options.full ? full_seeds : quick_seeds;
    }
    count = options.seeds * 4 * network_count(1);
    shapes = calloc(count, sizeof *shapes);
    cells = calloc(count, sizeof *cells);
    if (shapes == NULL || cells == NULL) {
        return 1;
    }
    for (unsigned n = 0; n < count; n++) {
        make_cell(&cells[n], &shapes[n], who, &options, n, options.full ? full_bytes : quick_bytes);
    }
    code = cells_run(&options, cells, count, run, SECONDS);
    free(shapes);
    free(cells);
    return code;
}
