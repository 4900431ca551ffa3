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

/* A string as gnuplot reads it. */
void facts_put_string(FILE *out, const char *text);

#endif
