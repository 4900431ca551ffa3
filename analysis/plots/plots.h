/* SPDX-License-Identifier: GPL-2.0-only */
/* analysis/plots/plots.h - figures: a query of analysis/sql, a template of analysis/plots, and gnuplot as a process. */
#ifndef FLUE_PLOTS_PLOTS_H
#define FLUE_PLOTS_PLOTS_H

#include <stdbool.h>

#include "flue/base.h"

FLUE_BEGIN_C

struct store;

struct plot_info {
    const char *name;
    const char *title;
    const char *needs;   /* the runs that it is made from */
    const char *reading; /* what to see in it */
};

/* NULL past the end. */
const struct plot_info *plot_at(size_t index);
const struct plot_info *plot_find(const char *name);

struct plot_request {
    const char *name;
    const char *output;       /* ends in .svg, .png or .pdf */
    bool keep;                /* leave OUTPUT's .gp and .dat beside it: "gnuplot OUTPUT.gp" draws it again */
    const char *const *where; /* "NAME=VALUE" as config_param.txt has it; all must hold */
    size_t where_count;
    const char *gnuplot; /* the program; NULL: gnuplot */
};

/* Draws.  The output appears complete or not at all.  FLUE_ETOOL: no gnuplot.  FLUE_ENOENT: no such plot, or no runs
 * for it.  FLUE_EINVAL: the ending of output is unknown, or the runs differ in more than the plot shows.  FLUE_EIO.
 * message[room] gets one line. */
FLUE_CHECKED flue_err plot_draw(struct store *store, const struct plot_request *request, char *message, size_t room);

FLUE_END_C

#endif
