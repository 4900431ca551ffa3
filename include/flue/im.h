/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/im.h - intermediate drivers: a miniport to the layer above, a protocol to the layer below.  Any number can be
 * stacked between a host and its adapters (behaviour 19): each holds its own records, and each adds a few frames of C
 * calls to the way down and to the way up, so the program's stack bounds their number, at many thousands. */
#ifndef FLUE_IM_H
#define FLUE_IM_H

#include "flue/base.h"

FLUE_BEGIN_C

struct flue_env;
struct flue_trace;
struct flue_ndis;
struct flue_im; /* opaque */
struct timers;

/* Kinds of driver: name, word of the parameter `drivers`, what it does. */
#define FLUE_IM_KINDS(X)                                                                                               \
    X(PASS, "pass", "passes everything on")                                                                            \
    X(TEAM, "team", "makes one adapter of two, and moves all connections to the second when the first fails")          \
    X(HOLD, "hold", "keeps each state operation and completion for a while before it passes it on")                    \
    X(REFUSE, "refuse", "answers chosen operations itself, as if memory had run out")                                  \
    X(BREAK, "break", "breaks one rule of the interface on purpose, for the checker to name")

/* The kind of a driver; FLUE_IM_KIND_COUNT of them. */
enum flue_im_kind {
#define X(name, word, help) FLUE_IM_##name,
    FLUE_IM_KINDS(X)
#undef X
        FLUE_IM_KIND_COUNT
};
const char *flue_im_kind_name(unsigned kind); /* "team"; "?" if unknown */

/* What a driver is made of; each kind looks at its own members only. */
struct flue_im_params {
    enum flue_im_kind kind; /* one of them */
    const char *name;       /* of the virtual adapter; borrowed for as long as ndis is there */
    flue_ps hold_down_ps;   /* hold: how long operations and data wait on their way down */
    flue_ps hold_up_ps;     /* hold: completions and indications on their way up that may wait */
    uint32_t refuse_every;  /* refuse: every n-th request finds no memory; 0: none */
    uint32_t broken_rule;   /* break: number of the rule, one of flue_im_breakable() */
    uint32_t broken_after;  /* break: how many occasions it lets pass before */
    uint8_t keep_failed;    /* 1: an object whose terminate failed is kept for one more, as flue_ddi.terminate_recipe */
};

/* The i-th rule that a driver of kind break can break, and how, as a sentence about it; 0 and NULL: no more. */
unsigned flue_im_breakable(unsigned i, const char **how);

/* Makes an intermediate driver and registers both of its edges on ndis.  It opens the adapters that are offered to it,
 * and offers its own virtual adapter upward as soon as it has them (one; team: two).  Create drivers from the bottom
 * up, and the host last.  Borrows env, timers, trace and ndis; copies params.  FLUE_OK: *out owned by the caller.  Else
 * *out NULL: FLUE_ENOMEM; FLUE_EINVAL: an unknown kind, no name, a negative time to hold, or of kind break a rule that
 * flue_im_breakable() does not list. */
FLUE_CHECKED flue_err flue_im_new(const struct flue_env *env, struct timers *timers, const struct flue_trace *trace,
                                  struct flue_ndis *ndis, const struct flue_im_params *params, struct flue_im **out);
void flue_im_free(struct flue_im *im); /* NULL does nothing */

/* team: moves everything to the other adapter: pause, upload all, switch, resume.  FLUE_ESTATE: a move is under way, or
 * there is only one adapter. */
FLUE_CHECKED flue_err flue_im_fail_over(struct flue_im *im, flue_ps now_ps);

/* What a driver has counted since flue_im_new(), and what it holds now. */
struct flue_im_totals {
    uint64_t entries;    /* offload entries live now */
    uint64_t calls;      /* call entries live now */
    uint64_t operations; /* state operations passed down, over the run */
    uint64_t refused;    /* requests it answered itself */
    uint64_t fail_overs; /* team: moves to the other adapter that have begun */
};
/* The driver's counters now; *out is overwritten. */
void flue_im_totals(const struct flue_im *im, struct flue_im_totals *out);
/* Entries, lists and pool items not back where they belong; 0 at the end of a good run. */
uint64_t flue_im_objects_live(const struct flue_im *im);

FLUE_END_C

#endif
