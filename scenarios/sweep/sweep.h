/* SPDX-License-Identifier: GPL-2.0-only */
/* scenarios/sweep/sweep.h - many runs from one file.
 *
 *     flue: 1                                 the version of the format
 *     sweep: saving                           its name
 *     question: What does it answer?          optional, for people
 *     scenario: rpc                           a built-in scenario, or a file beside this one
 *     net: link                               optional: link or ns3
 *     seed: 1                                 optional
 *     set: {connections: 1000}                parameters of every run
 *     together:                               optional: sets of values that change together, slowest
 *       - {link_rate: 1Gbps, delay: 100us}
 *       - {link_rate: 10Gbps, delay: 10us}
 *     vary:                                   every combination; the last one changes fastest
 *       load: [30%, 80%]
 *       io_size: {log2: [1KiB, 1MiB]}         doubling
 *       queue: {lin: [100, 1000], step: 300}  equal steps
 *       offload: [host, chimney]
 *     pair_on: offload                        optional: runs that differ only in this are compared
 *     repeat: 5                               rng_run 1 to 5; the outermost loop, so that more of them only extend
 *     limits: {wall: 120s}                    optional: for each run
 *
 * Only what is missing in the database is run; a run is a process; one process writes. */
#ifndef FLUE_SWEEP_SWEEP_H
#define FLUE_SWEEP_SWEEP_H

#include <stdbool.h>

#include "flue/base.h"
#include "flue/scenario.h"
#include "run/params.h"
#include "run/yaml.h"
#include "store/store.h"

#define SWEEP_POINTS_MAX 1000000u
#define SWEEP_REPEAT_MAX 1000000u

struct sweep_point {
    struct flue_scenario scenario;
    char hash[STORE_HASH_MAX];      /* of its configuration */
    char pair_hash[STORE_HASH_MAX]; /* the same without pair_on; "" without pairs */
};

/* A sweep file that was understood.  Owns everything; a zeroed one is empty. */
struct sweep {
    char *name;
    char *text;          /* the file */
    char *question;      /* "" if it does not say */
    char *scenario_name; /* what a run's command line names: a built-in name or a path */
    struct scenario_file base;
    const struct param_info *pair_on; /* NULL: no pairs */
    uint64_t repeat;
    flue_ps wall_limit_ps; /* 0: none */
    struct sweep_point *points;
    size_t count;
};

/* A built-in name, or a path: what contains a / or ends in .yaml or .yml.  FLUE_ENOENT, FLUE_EIO, FLUE_EPARSE,
 * FLUE_EINVAL, FLUE_ENOMEM: *out is empty; message[room] has one line, "file:line:column: what; what to do". */
FLUE_CHECKED flue_err sweep_load(const char *name, struct sweep *out, char *message, size_t room);
void sweep_free(struct sweep *sweep);

/* The built-in sweeps in order of name; NULL past the end. */
const char *sweep_builtin(size_t index);

/* What a database already has.  Owns `missing`. */
struct sweep_plan {
    uint64_t total;
    uint64_t done;
    uint64_t *missing; /* run numbers in order: (rng_run - 1) * points + point */
    size_t missing_count;
    double mean_wall_s; /* of the done runs; 0 if there are none */
};

/* store may be NULL: nothing is done. */
FLUE_CHECKED flue_err sweep_plan(const struct sweep *sweep, struct store *store, struct sweep_plan *out);
void sweep_plan_free(struct sweep_plan *plan);

enum sweep_progress { SWEEP_PROGRESS_AUTO, SWEEP_PROGRESS_NONE, SWEEP_PROGRESS_BAR, SWEEP_PROGRESS_PLAIN };

struct sweep_options {
    const char *program; /* the flue to run; NULL: this very program */
    unsigned jobs;       /* at least 1 */
    enum sweep_progress progress;
};

struct sweep_outcome {
    uint64_t counts[STORE_STATUS_COUNT]; /* runs of this call by how they ended */
    bool interrupted;
};

/* Notes the sweep in the store and runs what is missing.  FLUE_OK also if runs failed or it was interrupted.  FLUE_EIO,
 * FLUE_ENOMEM: it had to stop; what was finished before is stored. */
FLUE_CHECKED flue_err sweep_run(const struct sweep *sweep, struct store *store, const struct sweep_plan *plan,
                                const struct sweep_options *options, struct sweep_outcome *outcome, char *message,
                                size_t room);

/* The parameters in which a point differs from its scenario: "io_size=64KiB offload=host". */
void sweep_point_words(const struct sweep *sweep, const struct sweep_point *point, char *out, size_t room);

/* "1 h 02 min", "41 s" */
void sweep_duration(double seconds, char *out, size_t room);

#endif
