/* SPDX-License-Identifier: GPL-2.0-only */
/* run/events.h - what a scenario schedules: from text to a list, by the table flue/events.def, and back. */
#ifndef FLUE_RUN_EVENTS_H
#define FLUE_RUN_EVENTS_H

#include <stddef.h>

#include "flue/scenario.h"

enum event_kind {
#define FLUE_EVENT(id, word, group, help, args) EVENT_##id,
#include "flue/events.def"
    EVENT_KINDS
};

#define EVENTS_MAX     64u
#define EVENT_ARGS_MAX 5u

struct event {
    flue_ps at_ps;
    int after_start; /* 1: at_ps counts from the start of traffic, "+2ms" */
    enum event_kind kind;
    int64_t arg[EVENT_ARGS_MAX]; /* in the order of the table */
};

struct event_arg_info {
    const char *name;
    enum flue_param_kind kind;
    const char *initial, *minimum, *maximum, *help;
};

struct event_info {
    const char *word, *group, *help;
    struct event_arg_info arg[EVENT_ARGS_MAX + 1]; /* a name NULL ends them */
};

const struct event_info *event_info(enum event_kind kind);

/* The events of a text, sorted by time, those from the start of traffic last, and how many.  -1: message says what is
 * wrong and what to do, in one line without a place; *column (from 1; may be NULL) is that of the entry. */
int events_parse(const char *text, struct event events[EVENTS_MAX], char *message, size_t room, int *column);

/* One event as people write it. */
void event_format(const struct event *event, char *out, size_t room);

#endif
