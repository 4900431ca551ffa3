/* SPDX-License-Identifier: GPL-2.0-only */
/* analysis/store/run_text.h - the record that a run's process hands to the sweep over a pipe.
 *
 * Lines of fields separated by tabs; in a field \t, \n and \\ stand for tab, newline and backslash:
 *
 *     flue-run  1                                  always first: the version of this format
 *     status    done | failed
 *     digest    HEX
 *     end_ps    N          events  N
 *     evidence  TEXT
 *     finding   SENTENCE                           any number, in order
 *     broken    RULE  PARTY  COUNT                 any number: broken rules of the interface
 *     event     AT_PS  EFFECT  WHAT                any number, in order: the schedule
 *     sample    NAME  ENTITY  AT_PS  VALUE         any number, in order: the timeline
 *     metric    NAME  ENTITY  NUM  DEN             any number
 *     bin       NAME  ENTITY  LO  HI  N            any number, in order
 *     end       LINES                              always last: how many lines came before
 *
 * A record without its last line, or with another number of lines than that says, is the record of a run that crashed.
 */
#ifndef FLUE_STORE_RUN_TEXT_H
#define FLUE_STORE_RUN_TEXT_H

#include <stdio.h>

#include "store/store.h"

FLUE_BEGIN_C

/* Writes status, digest, sim_end_ps, events, evidence, findings, broken rules, schedule, samples, metrics and bins of a
 * run.  The status is DONE or FAILED.  FLUE_EIO: it could not all be written. */
FLUE_CHECKED flue_err run_text_write(FILE *out, const struct store_run *run);

/* A record as it was read.  Owns its texts; zeroed is empty. */
struct run_text {
    char *bytes;
    enum store_status status;
    const char *digest;
    const char *evidence;
    flue_ps end_ps;
    uint64_t events;
    struct store_metric *metrics;
    size_t metric_count;
    struct store_bin *bins;
    size_t bin_count;
    const char **findings;
    size_t finding_count;
    struct store_broken *brokens;
    size_t broken_count;
    struct store_event *schedule;
    size_t schedule_count;
    struct store_sample *samples;
    size_t sample_count;
};

/* Reads a whole record.  FLUE_EPARSE: it is cut short or is none; message[room] says where.  FLUE_ENOMEM.  On an error
 * *out is empty. */
FLUE_CHECKED flue_err run_text_parse(const char *bytes, size_t count, struct run_text *out, char *message, size_t room);

/* A zeroed one does no harm. */
void run_text_free(struct run_text *text);

/* Puts the results into a run, which then borrows from text. */
void run_text_fill(const struct run_text *text, struct store_run *run);

FLUE_END_C

#endif
