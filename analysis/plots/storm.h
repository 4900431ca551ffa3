/* SPDX-License-Identifier: GPL-2.0-only */
/* analysis/plots/storm.h - what the figure of one run over time has to know; the tables of chosen.sql are there. */
#ifndef FLUE_PLOTS_STORM_H
#define FLUE_PLOTS_STORM_H

#include <stdio.h>

#include "flue/base.h"

struct store;

/* Refuses if no run has a timeline, or several that differ in more than the seed. */
FLUE_CHECKED flue_err storm_check(struct store *store, char *message, size_t room);

/* Writes the settings that storm.gp expects: the time axis, which holders and categories there are, the events with
 * their labels, captions[]. */
FLUE_CHECKED flue_err storm_facts(struct store *store, FILE *out, char *message, size_t room);

#endif
