/* SPDX-License-Identifier: GPL-2.0-only */
/* analysis/plots/policies.h - what the figure of policies has to know; the tables of chosen.sql are there. */
#ifndef FLUE_PLOTS_POLICIES_H
#define FLUE_PLOTS_POLICIES_H

#include <stdio.h>

#include "flue/base.h"

struct store;

/* Refuses if there are no runs, or the bounds (random, oracle) are missing, or the runs are not of one world, or there
 * are more policies than lines. */
FLUE_CHECKED flue_err policies_check(struct store *store, char *message, size_t room);

/* Writes the settings that policies.gp expects: names[], x_lo, x_hi, tics of x, captions[]. */
FLUE_CHECKED flue_err policies_facts(struct store *store, FILE *out, char *message, size_t room);

#endif
