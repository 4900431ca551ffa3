/* SPDX-License-Identifier: GPL-2.0-only */
/* run/migrate.h - event migrate: the server's address goes to another adapter, or server, and its connections after it.
 */
#ifndef FLUE_RUN_MIGRATE_H
#define FLUE_RUN_MIGRATE_H

#include "base/timers.h"
#include "flue/host.h"
#include "run/events.h"

struct world;
struct flow;

/* How far it is. */
struct migrate {
    struct timer turn;
    uint32_t *order; /* identities, in the order in which they go */
    uint32_t count, next;
    unsigned adapter; /* of the server, that has its address */
    int begun;
    uint64_t moved;            /* connections that are where they were to go */
    flue_ps begin_ps, last_ps; /* the event; the last one that moved */
};

/* When a connection that waits may go (migrate_when): its server sends; something of it arrived, it may be idle now. */
enum occasion { OCCASION_SENDS, OCCASION_SETTLED };

/* The event.  1: it had an effect. */
int migrate_begin(struct world *world, const struct event *event, flue_ps now_ps);
void migrate_occasion(struct flow *flow, enum occasion occasion, flue_ps at_ps);
void migrate_moved(struct flow *flow, enum flue_holder holder, flue_ps at_ps);
void migrate_arrived(struct flow *flow, flue_ps at_ps); /* it is where it was to go */
void migrate_opened(struct flow *flow, flue_ps at_ps);  /* a connection of the first server, after the event */
void migrate_report(struct world *world);
void migrate_dispose(struct world *world);

#endif
