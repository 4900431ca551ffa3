/* SPDX-License-Identifier: GPL-2.0-only */
/* run/moments.h - what happens at a chosen time: how it comes to pass (moments.c, attack.c). */
#ifndef FLUE_RUN_MOMENTS_H
#define FLUE_RUN_MOMENTS_H

#include "base/rng.h"
#include "base/timers.h"
#include "run/schedule.h"

struct world;
struct flow;

/* What happens at a chosen time. */
struct moment {
    struct timer timer;
    struct world *world;
    struct event event;
    int effect; /* it came to pass, and found something to act on */
    struct attack {
        struct timer timer;
        struct rng rng;
        int64_t left; /* forged segments */
    } attack;
};

/* moments.c */
void moments_arm(struct world *world);
void moments_begin(struct world *world, flue_ps start_ps); /* traffic begins; the server is settled afterwards */
void moments_report(struct world *world);

/* attack.c: 1: it had an effect */
int attack_begin(struct moment *moment, flue_ps now_ps);
int attack_urgent(struct world *world, const struct flow *flow);
int attack_fragments(struct world *world, const struct flow *flow);

#endif
