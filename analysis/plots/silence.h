/* SPDX-License-Identifier: GPL-2.0-only */
/* analysis/plots/silence.h - what the figure of longest silences has to know; the tables of chosen.sql are there. */
#ifndef FLUE_PLOTS_SILENCE_H
#define FLUE_PLOTS_SILENCE_H

#include <stdio.h>

#include "flue/base.h"

struct store;

/* Refuses if there are no runs, or such as differ in two parameters besides `offload`, or too many lines. */
FLUE_CHECKED flue_err silence_check(struct store *store, char *message, size_t room);

/* Writes the settings that silence.gp expects: names of lines, range of the axis, captions[]. */
FLUE_CHECKED flue_err silence_facts(struct store *store, FILE *out, char *message, size_t room);

#endif
