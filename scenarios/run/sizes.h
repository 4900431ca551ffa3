/* SPDX-License-Identifier: GPL-2.0-only */
/* run/sizes.h - distributions of sizes, of counts and of times, as text and as integers.
 *
 *     fixed SIZE | uniform LEAST MOST | exponential MEAN | pareto LEAST SHAPE MOST (bounded)
 *     | lognormal MEDIAN SIGMA MOST (cut) | file PATH (a CDF)
 *
 * A CDF file has lines of two columns, bytes and the share of draws that are not larger; both rise, the last share is
 * 1, between two lines it is straight.  # begins a comment.
 *
 * Everything is inverse distribution functions on integers, so a draw is the same on every machine.  A draw is a
 * function of a key, of who draws and of his how-manieth it is: what one connection draws never depends on when others
 * do, and both arms of a comparison draw alike. */
#ifndef FLUE_RUN_SIZES_H
#define FLUE_RUN_SIZES_H

#include "flue/base.h"
#include "flue/scenario.h"

#define SIZES_MOST (INT64_C(1) << 30) /* largest draw */

enum sizes_kind {
    SIZES_FIXED,
    SIZES_UNIFORM,
    SIZES_EXPONENTIAL,
    SIZES_PARETO,
    SIZES_LOGNORMAL,
    SIZES_FILE,
    SIZES_KINDS
};

struct sizes_point {
    uint64_t size;
    uint64_t upto; /* share of draws that are not larger, in 10^-12 */
};

struct sizes {
    enum sizes_kind kind;
    uint64_t least, most; /* every draw lies between */
    uint64_t middle;      /* mean or median */
    uint64_t shape;       /* alpha or sigma, in 10^-3 */
    uint64_t tail;        /* bounded Pareto: (least / most)^alpha x 2^64 */
    struct sizes_point *points;
    size_t count;
    uint64_t mean_q16; /* x 2^16 */
};

/* kind is BYTES, or COUNT or TIME (no file then; times are counted in microseconds); what: the parameter's name, for
 * messages.  A CDF file is read. FLUE_EPARSE, FLUE_EINVAL, FLUE_ENOENT, FLUE_EIO, FLUE_ENOMEM: message says why, *out
 * is empty. */
FLUE_CHECKED flue_err sizes_parse(enum flue_param_kind kind, const char *what, const char *text, struct sizes *out,
                                  char *message, size_t room);
void sizes_free(struct sizes *sizes); /* a zeroed one may be freed */

/* The path of a text "file PATH"; NULL: it names none. */
const char *sizes_file(const char *text);

/* The size that a share u / 2^64 of all draws does not exceed; at least 1. */
uint64_t sizes_quantile(const struct sizes *sizes, uint64_t u);
/* Draw number k of `who`. */
uint64_t sizes_draw(const struct sizes *sizes, uint64_t key, uint32_t who, uint32_t k);
uint64_t sizes_mean(const struct sizes *sizes); /* rounded, at least 1 */

/* SIZES_SAMPLES sizes that stand for all draws, the i-th for a share of 2^-*octave / SIZES_PARTS of them: as many
 * beyond the 1 - 2^-n quantile as between that and the next, so that a heavy tail is seen. */
#define SIZES_OCTAVES 40u
#define SIZES_PARTS   64u
#define SIZES_SAMPLES (SIZES_OCTAVES * SIZES_PARTS)
uint64_t sizes_sample(const struct sizes *sizes, unsigned i, unsigned *octave);

/* sizes_file.c */
FLUE_CHECKED flue_err sizes_read(const char *path, struct sizes *out, char *message, size_t room);
/* A number without sign and exponent, with at most `decimals` digits behind the point, times 10^decimals; false: it is
 * none, or 10^18 and more. */
int sizes_decimal(const char *text, size_t length, unsigned decimals, uint64_t *out);

#endif
