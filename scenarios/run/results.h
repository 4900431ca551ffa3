/* SPDX-License-Identifier: GPL-2.0-only */
/* run/results.h - what a run found: numbers, histograms, findings, and the digest over them.
 *
 * The digest is the SHA-256 of text lines in the order in which the run said them, fields separated by tabs:
 *     flue-digest 1
 *     metric NAME ENTITY NUMERATOR DENOMINATOR
 *     bin NAME ENTITY LO HI N
 *     finding SENTENCE
 *     fold WHAT VALUE
 * Integers only.  What was scheduled, and the samples of a timeline, are left out: they say again what the parameters
 * and the numbers say, and a run that is watched is the same run.  Metrics that may differ between networks of equal
 * topology, or say again what others say (results_is_digested()), are left out, and so is everything that depends on
 * the machine. */
#ifndef FLUE_RUN_RESULTS_H
#define FLUE_RUN_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flue/base.h"
#include "flue/record.h"

enum metric_kind { METRIC_counter, METRIC_gauge, METRIC_ratio, METRIC_hist, METRIC_series };
enum metric_better { METRIC_low, METRIC_high, METRIC_none };

/* One line of metrics.def. */
struct metric_info {
    const char *name;
    const char *unit;
    enum metric_kind kind;
    enum metric_better better;
    const char *title;
    const char *doc;
};

size_t metrics_count(void);
const struct metric_info *metrics_at(size_t index); /* in the order of metrics.def */
const struct metric_info *metrics_find(const char *name);
const char *metrics_kind_name(enum metric_kind kind);
const char *metrics_better_name(enum metric_better better);

#define RESULTS_ENTITY_MAX   64
#define RESULTS_SENTENCE_MAX 256
#define RESULTS_DIGEST_ROOM  65 /* 64 hexadecimal digits and a zero byte */

struct result_number {
    const struct metric_info *metric;
    int64_t numerator;
    int64_t denominator; /* 0: there is no value */
    char entity[RESULTS_ENTITY_MAX];
};

struct result_bin {
    uint64_t lo, hi, n;
};

struct result_hist {
    const struct metric_info *metric;
    char entity[RESULTS_ENTITY_MAX];
    struct result_bin *bins; /* in rising order */
    size_t bin_count, bin_room;
    uint64_t n;
};

struct result_point {
    int64_t at_ps, value;
};

struct result_series {
    const struct metric_info *metric;
    char entity[RESULTS_ENTITY_MAX];
    struct result_point *points; /* in rising order of time */
    size_t point_count, point_room;
};

/* Something that was scheduled. */
struct result_event {
    int64_t at_ps;
    char what[RESULTS_SENTENCE_MAX];
    bool effect; /* it came to pass, and found something to act on */
};

struct result_finding {
    char sentence[RESULTS_SENTENCE_MAX];
};

/* How often one party broke one rule of the interface. */
struct result_broken {
    unsigned rule, party;
    uint64_t count;
};

struct results; /* opaque */

/* NULL when there is no memory. */
struct results *results_new(void);
void results_free(struct results *results); /* NULL does nothing */

/* The record a run is to be given; borrows results. */
struct flue_record results_record(struct results *results);

/* Ends the collection and makes the digest.  FLUE_ENOMEM; FLUE_EINVAL: the run said something that metrics.def or
 * record.h does not allow (results_complaint() tells what). */
FLUE_CHECKED flue_err results_finish(struct results *results);
const char *results_complaint(const struct results *results);

/* 64 hexadecimal digits, after results_finish(). */
const char *results_digest(const struct results *results);

/* Everything in the order in which it came; NULL past the end. */
const struct result_number *results_number(const struct results *results, size_t index);
const struct result_hist *results_hist(const struct results *results, size_t index);
const char *results_finding(const struct results *results, size_t index);
const struct result_event *results_event(const struct results *results, size_t index);
const struct result_series *results_series(const struct results *results, size_t index);
/* The first finding that is about a broken rule; never NULL. */
const char *results_finding_of(const struct results *results, unsigned rule);
const struct result_broken *results_broken(const struct results *results, size_t index);

/* NULL if the run did not say it. */
const struct result_number *results_find(const struct results *results, const char *metric, const char *entity);
const struct result_series *results_find_series(const struct results *results, const char *metric, const char *entity);
const struct result_hist *results_find_hist(const struct results *results, const char *metric, const char *entity);

/* Whether a metric counts for the digest. */
bool results_is_digested(const char *metric);

/* The quantile numerator/denominator: the highest value of the bin its rank falls in, and in *above how many samples
 * lie above that rank.  False for an empty histogram.  numerator < denominator <= 10^6. */
bool results_quantile(const struct result_hist *hist, uint32_t numerator, uint32_t denominator, uint64_t *value,
                      uint64_t *above);

/* A quantile is worth telling only if this many samples lie above it. */
#define RESULTS_SAMPLES_ABOVE 10u

/* The quantiles that summary and JSON show. */
#define RESULTS_QUANTILES(X)                                                                                           \
    X(50, 100, "p50")                                                                                                  \
    X(90, 100, "p90")                                                                                                  \
    X(99, 100, "p99")                                                                                                  \
    X(999, 1000, "p99.9")

#endif
