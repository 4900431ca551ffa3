/* SPDX-License-Identifier: GPL-2.0-only */
/* run/timeline.h - samples of a run over time (parameter `sample`). */
#ifndef FLUE_RUN_TIMELINE_H
#define FLUE_RUN_TIMELINE_H

#include "base/timers.h"
#include "flue/cost.h"

struct world;
struct timeline_sample;

/* While it grows. */
struct timeline {
    struct timer timer;
    struct timeline_sample *samples;
    uint32_t count;
    flue_ps every_ps;
    struct timeline_sums {
        uint64_t busy_ps[FLUE_COST_CATEGORIES]; /* of the server's core, of two servers' together */
        uint64_t delivered_bytes, retransmits, timeouts;
    } sums;                                    /* of the run up to the last sample */
    uint64_t waiting_ps[FLUE_COST_CATEGORIES]; /* work that a core has been given and has not done yet */
};

/* Samples from now_ps on, if the scenario asks for them; and what they are, after the run. */
FLUE_CHECKED flue_err timeline_make(struct world *world);
void timeline_begin(struct world *world, flue_ps now_ps);
void timeline_report(struct world *world);
void timeline_free(struct world *world);

#endif
