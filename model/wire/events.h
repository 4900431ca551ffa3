/* SPDX-License-Identifier: GPL-2.0-only */
/* wire/events.h - the next of many sources of events: a heap with one entry for each source, which moves as its due
 * time does.  Of sources due at one instant the one with the lowest number comes first. */
#ifndef FLUE_WIRE_EVENTS_H
#define FLUE_WIRE_EVENTS_H

#include "flue/env.h"

struct events {
    flue_ps *due_ps; /* of each source; FLUE_PS_NEVER: none */
    uint32_t *heap;  /* sources; all of them, always */
    uint32_t *place; /* of each source in heap */
    uint32_t count;
};

/* FLUE_ENOMEM: *events may be disposed of. */
FLUE_CHECKED flue_err events_init(struct events *events, const struct flue_env *env, uint32_t sources);
void events_dispose(struct events *events, const struct flue_env *env);

void events_set(struct events *events, uint32_t source, flue_ps due_ps);

static inline uint32_t events_first(const struct events *events)
{
    return events->heap[0];
}

#endif
