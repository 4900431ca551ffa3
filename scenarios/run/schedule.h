/* SPDX-License-Identifier: GPL-2.0-only */
/* run/schedule.h - what a scenario schedules, by keys and by events, in order of time. */
#ifndef FLUE_RUN_SCHEDULE_H
#define FLUE_RUN_SCHEDULE_H

#include "flue/scenario.h"
#include "run/events.h"

#define SCHEDULE_KEYS 13 /* parameters that are short for one event each */
#define MOMENTS_MAX   (EVENTS_MAX + SCHEDULE_KEYS)
struct schedule {
    struct event event[MOMENTS_MAX];
    int count;     /* -1: the text of the events is wrong, */
    int column;    /* there, */
    char why[300]; /* so */
};

void schedule_read(const struct flue_scenario *scenario, struct schedule *out);
/* Whether all of it can be, as world_possible(). */
FLUE_CHECKED flue_err schedule_possible(const struct flue_scenario *scenario, const struct schedule *schedule,
                                        int foreign, char *message, size_t room);
int schedule_has(const struct schedule *schedule, enum event_kind kind);
/* Events that come after the end of the run. */
uint64_t schedule_missed(const struct schedule *schedule);
int schedule_to_node(const struct schedule *schedule); /* whether there is a second server */

#endif
