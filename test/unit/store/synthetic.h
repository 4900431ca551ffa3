/* SPDX-License-Identifier: GPL-2.0-only */
/* Made-up results that look like those of the rpc sweep: for drawing and for tests of the store. */
#ifndef FLUE_TEST_SYNTHETIC_H
#define FLUE_TEST_SYNTHETIC_H

#include "store/store.h"

#define SYNTHETIC_PARAMS 12

/* A run of its own memory, to be changed and stored. */
struct synthetic {
    struct store_param params[SYNTHETIC_PARAMS];
    struct store_metric metrics[8];
    struct store_bin bins[2000];
    char texts[4][32];
    char digest[STORE_HASH_MAX];
    struct store_run run;
};

/* One point: chimney or host, a load in percent, a size, a repetition. */
void synthetic_make(struct synthetic *made, bool chimney, int load_percent, int64_t io_size, uint64_t rng_run);

/* The whole sweep into a store: two loads, eleven sizes, both arms, `seeds` repetitions. */
flue_err synthetic_fill(struct store *store, uint64_t seeds, char *message, size_t room);

#endif
