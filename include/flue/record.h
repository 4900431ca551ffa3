/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/record.h - port 3: results.  A run says what it found; somebody else prints, digests and stores it.
 * Integers only: a ratio is a numerator and a denominator. */
#ifndef FLUE_RECORD_H
#define FLUE_RECORD_H

#include "flue/base.h"

FLUE_BEGIN_C

/* Borrowed by the run.  Names and entities are borrowed until the call returns. */
struct flue_record {
    void *ctx; /* handed back in each call */
    /* One number: metric is a name of metrics.def; entity may be "". denominator 1 for what is no ratio. */
    void (*metric)(void *ctx, const char *metric, const char *entity, int64_t numerator, int64_t denominator);
    /* One histogram, bin by bin in rising order; n > 0; lo and hi inclusive, in the metric's unit. */
    void (*bin)(void *ctx, const char *metric, const char *entity, uint64_t lo, uint64_t hi, uint64_t n);
    /* The audit found something wrong: one sentence.  The run counts as failed. */
    void (*finding)(void *ctx, const char *sentence);
    /* The checker counted broken rules: of one rule (flue/check.h) by one party (enum flue_party), once per pair. */
    void (*broken)(void *ctx, unsigned rule, unsigned party, uint64_t count);
    /* Something that was scheduled, after the run: "upload-all"; effect 0: it did not come to pass, or found nothing to
     * act on.  NULL: not told. */
    void (*event)(void *ctx, flue_ps at_ps, const char *what, int effect);
    /* One sample of a series, a metric of kind series; times rise within a metric and entity.  Samples are not part of
     * the digest: a run that is sampled is the same run.  NULL: not told. */
    void (*series)(void *ctx, const char *metric, const char *entity, flue_ps at_ps, int64_t value);
    /* Folded into the digest but not stored: order matters. */
    void (*fold)(void *ctx, const char *what, uint64_t value);
};

FLUE_END_C

#endif
