/* SPDX-License-Identifier: GPL-2.0-only */
/* run/report.h - a run's results for a person and for a program. */
#ifndef FLUE_RUN_REPORT_H
#define FLUE_RUN_REPORT_H

#include "flue/scenario.h"
#include "run/results.h"
#include "run/text.h"
#include "run/world.h"

struct report {
    const struct flue_scenario *scenario; /* borrowed */
    const struct results *results;        /* borrowed, finished */
    struct world_outcome outcome;
    const char *target;   /* name of the server's adapter, if it is not Flue's; else NULL */
    const char *policy;   /* name of the policy, if it is from outside; else NULL */
    const char *evidence; /* one line about numbers that nobody has measured; "" if there are none */
};

/* The short text of `flue run`. */
void report_summary(const struct report *report, struct text *out);

/* The same facts as one JSON object on one line; scenarios/cli/README.md names the fields. */
void report_json(const struct report *report, struct text *out);

/* Adds a number with three digits and a unit that suits it: "2.97 Gb/s", "41.2 us".  unit as in metrics.def. */
void report_quantity(struct text *out, double value, const char *unit);

#endif
