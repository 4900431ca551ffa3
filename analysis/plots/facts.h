/* SPDX-License-Identifier: GPL-2.0-only */
/* analysis/plots/facts.h - what a figure has to know and to say about the runs behind it. */
#ifndef FLUE_PLOTS_FACTS_H
#define FLUE_PLOTS_FACTS_H

#include <stdio.h>

#include "flue/base.h"

struct store;

/* Refuses runs that differ in something that the figure does not show; the tables of chosen.sql are there. */
FLUE_CHECKED flue_err facts_check(struct store *store, char *message, size_t room);

/* Writes the settings that a template expects: data, panels, loads[], captions[], x_lo, x_hi, tics of x.  `about` is
 * the sentence about this plot's intervals.  label_px is the width of the graph that its tic labels share. */
FLUE_CHECKED flue_err facts_write(struct store *store, const char *about, int graph_px, int panels_across, FILE *out,
                                  char *message, size_t room);

/* Writes captions[]: a text broken into at most `lines` lines; what does not fit ends in "...". */
void facts_put_captions(const char *text, int lines, FILE *out);

/* The first column of the first row, to free with sqlite3_free(); NULL: no row, or a NULL, or an error. */
char *facts_text(struct store *store, const char *sql);

/* Puts why a figure cannot be drawn, behind the database's path, into message; frees that text, and returns err. */
flue_err facts_refuse(struct store *store, char *text, flue_err err, char *message, size_t room);

/* For captions, by the name of a table with run_ids: what the costs stand on, or NULL; which program made the runs. */
char *facts_evidence(struct store *store, const char *runs);
char *facts_made(struct store *store, const char *runs);
/* Sentences, then both of these; to free with sqlite3_free(); NULL: no memory. */
char *facts_caption(struct store *store, const char *runs, const char *facts, const char *about, const char *more);

/* What SQLite complains about. */
flue_err facts_say(struct store *store, char *message, size_t room);

/* Writes array `name`, of `count` strings: the last column of what sql answers, in its order.  Frees sql (NULL: there
 * was no memory for it). */
FLUE_CHECKED flue_err facts_put_array(struct store *store, const char *name, const char *count, char *sql, FILE *out,
                                      char *message, size_t room);

/* A string as gnuplot reads it. */
void facts_put_string(FILE *out, const char *text);

#endif
