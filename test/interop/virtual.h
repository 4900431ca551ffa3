/* SPDX-License-Identifier: GPL-2.0-only */
/* interop/virtual.h - the matrix of the programs that run in virtual time: families, who connects, networks, seeds. */
#ifndef FLUE_INTEROP_VIRTUAL_H
#define FLUE_INTEROP_VIRTUAL_H

#include "cells.h"

FLUE_BEGIN_C

#define VIRTUAL_LIMIT_PS (1200 * FLUE_PS_PER_S)
#define VIRTUAL_FLOWS    3u

struct virtual_shape {
    const struct network *network;
    int v6;
    unsigned connector; /* 0: Flue connects; 1: the other side does */
    int plumbing, full;
    struct flow_plan plans[VIRTUAL_FLOWS];
};

/* Party 0 is Flue. */
extern const struct flue_ip virtual_v4[2], virtual_v6[2];

struct flue_stack_config;
/* A stack at the first addresses.  Some seeds leave out options and change buffers, so that every mode is met. */
void virtual_config(struct flue_stack_config *config, uint64_t seed);

/* What --seeds says, or a number for the tier; `who` names the cells. */
int virtual_main(int argc, char **argv, const char *who, const char *what, unsigned quick_seeds, unsigned full_seeds,
                 uint64_t quick_bytes, uint64_t full_bytes, cell_fn *run);

FLUE_END_C

#endif
