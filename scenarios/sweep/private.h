/* SPDX-License-Identifier: GPL-2.0-only */
/* scenarios/sweep/private.h - what the files of the sweep share. */
#ifndef FLUE_SWEEP_PRIVATE_H
#define FLUE_SWEEP_PRIVATE_H

#include <sys/types.h>

#include "run/yaml.h"
#include "sweep/sweep.h"

/* One thing that varies: the texts of its values.  Several parameters change together if param_count > 1. */
struct axis {
    const struct param_info **params; /* param_count of them */
    size_t param_count;
    char **values; /* value_count * param_count texts */
    size_t value_count;
};

struct axes {
    struct axis *axis;
    size_t count;
};

void axes_free(struct axes *axes);

/* Reads `vary` and `together`; scenario is where values are tried out.  The mark of a parameter that two places set
 * is refused. */
FLUE_CHECKED flue_err axes_read(struct yaml_tree *tree, const yaml_node_t *together, const yaml_node_t *vary,
                                const yaml_node_t *set, const struct flue_scenario *scenario, struct axes *out);

/* The parameter a key names, or NULL and a message with the nearest name. */
const struct param_info *sweep_param(struct yaml_tree *tree, const yaml_node_t *key);

/* Makes the points of a sweep from its base and its axes. */
FLUE_CHECKED flue_err points_make(struct sweep *sweep, const struct axes *axes, char *message, size_t room);

/* A process that runs one run. */
struct child {
    pid_t pid;    /* 0: none */
    int out, err; /* pipes; -1 when they have ended */
    uint64_t run; /* its number in the plan */
    char *record; /* what came on out so far */
    size_t record_bytes, record_room;
    char tail[4096]; /* the end of what came on err */
    size_t tail_bytes;
    char *argv;       /* the command line, for people */
    double started_s; /* monotonic */
    int64_t started_unix_s;
    bool timed_out, stopped;
    bool overflowed; /* the record was too large or memory ran out */
};

/* Starts a run.  FLUE_EIO with a message: no process could be made. */
FLUE_CHECKED flue_err child_start(struct child *child, const struct sweep *sweep, const char *program, uint64_t run,
                                  char *message, size_t room);

/* Takes what has come; pipes that have ended are closed. */
void child_read(struct child *child);

/* If the process has ended: reads the rest, stores the run and forgets the process.  *status is how it ended.  False:
 * it is still running.  err is the store's word on it, FLUE_OK also if the run failed. */
bool child_reap(struct child *child, const struct sweep *sweep, struct store *store, enum store_status *status,
                flue_err *err, char *message, size_t room);

void child_kill(struct child *child);

double sweep_now_s(void);

/* How far it is, on stderr. */
struct progress {
    enum sweep_progress kind; /* never AUTO */
    uint64_t total, done_before;
    double started_s, shown_s;
    bool line_open; /* a bar stands on the line */
};
void progress_start(struct progress *progress, enum sweep_progress kind, uint64_t total, uint64_t done_before);
void progress_show(struct progress *progress, uint64_t finished, uint64_t failed, bool now);
/* Clears the bar, so that a message can be printed. */
void progress_clear(struct progress *progress);

#endif
