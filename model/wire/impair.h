/* SPDX-License-Identifier: GPL-2.0-only */
/* What a wire does to the frames that reach a node: loses them, or brings them late.  Decided frame by frame, in order
 * of arrival, by Flue's own random streams, so that every network treats a run alike. */
#ifndef FLUE_WIRE_IMPAIR_H
#define FLUE_WIRE_IMPAIR_H

#include "base/rng.h"
#include "flue/node.h"

enum impair_verdict { IMPAIR_DELIVER, IMPAIR_LOSE, IMPAIR_DELAY };

struct impair {
    struct flue_impair_params params;
    struct rng loss, reorder;
    uint64_t frames;
    unsigned next; /* in params.lose */
    uint64_t lost, delayed;
};

/* name: of the random streams; the two directions have two names. */
void impair_init(struct impair *impair, const struct flue_impair_params *params, uint64_t seed, const char *name);

/* Judges the next frame. */
enum impair_verdict impair_next(struct impair *impair);

/* Reads a loss list such as "s3 s17 c5": the numbers behind letter `side` go into lose, ascending.  Returns 0, or the
 * 1-based column of what cannot be understood (another letter than s or c, no number, more than FLUE_IMPAIR_LIST_MAX).
 */
int impair_parse(const char *text, char side, uint64_t lose[FLUE_IMPAIR_LIST_MAX]);

#endif
