/* SPDX-License-Identifier: GPL-2.0-only */
/* analysis/store/store.h - the results database: the only code that writes it (schema.sql).
 *
 * One run is stored in one transaction with all its results, or not at all.  Every function that can fail takes
 * message[room] and leaves one line there, "path: what; what to do", without a newline.  A store belongs to one thread.
 * Several processes may write one database on a local disk; each waits up to a minute for the others. */
#ifndef FLUE_STORE_STORE_H
#define FLUE_STORE_STORE_H

#include <stdbool.h>

#include "flue/base.h"
#include "store/build.h"

FLUE_BEGIN_C

struct store; /* opaque */
struct sqlite3;

#define STORE_HASH_MAX 65 /* a SHA-256 in hexadecimal and its zero byte */

/* Modes of store_open(), and a flag to add. */
#define STORE_READ   0u    /* must exist; nothing of it is changed */
#define STORE_WRITE  1u    /* must exist */
#define STORE_CREATE 2u    /* made if it is not there */
#define STORE_PLAIN  0x10u /* no write-ahead log, as on a network disk */

/* Opens a database.  A new file appears under its name only when it is complete; a foreign, newer or damaged file is
 * refused and not touched.  FLUE_OK: *out is owned by the caller.  FLUE_ENOENT no such file; FLUE_EFOREIGN not ours,
 * not this version, or damaged; FLUE_EIO not readable or writable; FLUE_ENOMEM: *out is NULL. */
FLUE_CHECKED flue_err store_open(const char *path, unsigned mode, struct store **out, char *message, size_t room);

/* Leaves one plain file when nobody else has it open.  NULL does nothing. */
void store_close(struct store *store);

/* The connection, for reading queries.  Borrowed until store_close(). */
struct sqlite3 *store_database(struct store *store);
const char *store_path(const struct store *store);

/* One parameter.  A text has is_number false, and value 0. */
struct store_param {
    const char *name;
    const char *text; /* as a person writes it */
    const char *unit; /* of value */
    int64_t value;
    bool is_number;
};

/* Every parameter with every default filled in, in any order, and the text it came from. */
struct store_config {
    const char *scenario_name;
    const char *scenario_text;
    const struct store_param *params;
    size_t param_count;
};

/* The SHA-256 of the parameters (never of the scenario's name or text): equal for equal configurations.  `without`:
 * a parameter to leave out, or NULL. */
void store_config_hash(const struct store_config *config, const char *without, char out[STORE_HASH_MAX]);

/* The SHA-256 of bytes. */
void store_hash(const void *bytes, size_t count, char out[STORE_HASH_MAX]);

struct store_metric {
    const char *name; /* of metrics.def */
    const char *entity;
    int64_t num, den;
};

struct store_bin {
    const char *metric; /* of metrics.def, kind hist */
    const char *entity;
    uint64_t lo, hi; /* inclusive, below 2^63; rising within a metric and entity */
    uint64_t n;      /* > 0 */
};

/* One sample of a timeline. */
struct store_sample {
    const char *metric; /* of metrics.def, kind series */
    const char *entity;
    int64_t at_ps, value; /* times rise within a metric and entity */
};

/* Something that was scheduled. */
struct store_event {
    int64_t at_ps;
    const char *what;
    bool effect; /* it came to pass, and found something to act on */
};

/* How often one party broke one rule of the interface (flue/check.h). */
struct store_broken {
    unsigned rule;
    const char *party; /* flue_party_name() */
    uint64_t count;
};

/* How a run ended.  X(name, word) */
#define STORE_STATUSES(X)                                                                                              \
    X(DONE, "done")       /* results, and the audit found nothing */                                                   \
    X(FAILED, "failed")   /* it said why: on stderr, or as findings */                                                 \
    X(TIMEOUT, "timeout") /* stopped at the wall-clock limit */                                                        \
    X(CRASHED, "crashed") /* ended by a signal, or with an incomplete record */                                        \
    X(KILLED, "killed")   /* stopped by the user */

enum store_status {
#define X(name, word) STORE_##name,
    STORE_STATUSES(X)
#undef X
        STORE_STATUS_COUNT
};
const char *store_status_word(unsigned status);

/* One finished run.  Everything is borrowed during the call; a text that is NULL counts as "" (as NULL where the
 * column may be NULL). */
struct store_run {
    struct store_config config;
    struct store_build build;
    uint64_t seed, rng_run; /* below 2^63 */
    const char *net;        /* "link", "ns3" */
    enum store_status status;
    int exit_code;   /* -1: none */
    int term_signal; /* 0: none */
    const char *host;
    const char *argv;
    int64_t started_unix_s;
    double wall_s, cpu_s;
    int64_t max_rss_kib;
    flue_ps sim_end_ps;
    uint64_t events;
    const char *digest;   /* SHA-256 of the results */
    const char *evidence; /* which costs are measured, unverified, assumed */
    const char *stderr_tail;
    const struct store_metric *metrics;
    size_t metric_count;
    const struct store_bin *bins;
    size_t bin_count;
    const struct store_event *schedule;
    size_t schedule_count;
    const struct store_sample *samples;
    size_t sample_count;
    const char *const *findings;
    size_t finding_count;
    const struct store_broken *brokens;
    size_t broken_count;
};

/* Stores a run.  uid, if not NULL, gets its short name.  FLUE_EEXIST: this run is stored already as done, with the same
 * digest.  FLUE_ESTATE: as done, with another digest.  FLUE_EINVAL: a metric, a bin or a sample that cannot be.
 * FLUE_EIO. On every error the database is as before. */
FLUE_CHECKED flue_err store_run(struct store *store, const struct store_run *run, char uid[17], char *message,
                                size_t room);

/* Whether a run is stored as done. */
bool store_has(struct store *store, const char *config_hash, uint64_t seed, uint64_t rng_run, int64_t epoch);

/* One point of a sweep, in the order of the plan. */
struct store_point {
    struct store_config config;
    const char *pair_hash; /* of the parameters without pair_on; NULL: no pairs */
    const char *arm;       /* its value of pair_on */
};

/* Notes a sweep and its points; the same text again changes nothing. */
FLUE_CHECKED flue_err store_plan(struct store *store, const char *name, const char *text,
                                 const struct store_point *points, size_t count, char *message, size_t room);

/* Gathers what the query planner wants to know; at the end of a sweep.  A failure does no harm. */
void store_analyze(struct store *store);

/* Everything store_check() looks at: the file, foreign keys, complete runs, hist against hist_bin, whole timelines,
 * summary against the scalars.  `say` gets one line per fault.  The number of faults, or -1 if reading failed. */
int store_check(struct store *store, void (*say)(void *ctx, const char *line), void *ctx);

FLUE_END_C

#endif
