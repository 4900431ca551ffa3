/* SPDX-License-Identifier: GPL-2.0-only */
/* run/carry.h - event migrate to=node: what is carried from the first server to the second. */
#ifndef FLUE_RUN_CARRY_H
#define FLUE_RUN_CARRY_H

#include "base/timers.h"
#include "flue/host.h"

struct world;
struct flow;

/* What is on its way. */
struct carry {
    struct timer ready_timer, arrival; /* the server's, the second server's */
    struct flue_hook ready, on_way;    /* flows: to be exported; in order of arrival */
    flue_ps free_ps[2];                /* when the way to the second server, or back, is free again */
    uint64_t image_bytes, payload_bytes;
    uint64_t forwarded, dropped; /* segments that came to the wrong node */
    uint64_t stayed;             /* connections that the second server's host keeps */
    uint64_t came_back;          /* connections that the second server could not take */
    struct carry_end {
        struct world *world;
        unsigned node;
    } end[2];
};

FLUE_CHECKED flue_err carry_begin(struct world *world, flue_ps now_ps); /* its address goes */
int carry_go(struct flow *flow, flue_ps at_ps);                         /* 1: it will */
void carry_moved(struct flow *flow, enum flue_holder holder, flue_ps at_ps);
void carry_dispose(struct world *world);

#endif
