/* SPDX-License-Identifier: GPL-2.0-only */
/* explore/explore.h - deterministic search over the orders of events in the life of one or two offloaded connections.
 *
 * Every legal order of a few events (explore/events.def), each at most as often as it says there, is tried on a small
 * world; states that were seen before are not tried again; and each new state is taken to its end, where every byte
 * must have arrived exactly once, in order, nothing be left, and the checker have found nothing.  The shortest orders
 * come first, so the counter-example that is told is one of the shortest. */
#ifndef FLUE_EXPLORE_EXPLORE_H
#define FLUE_EXPLORE_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "flue/base.h"

FLUE_BEGIN_C

enum { EXPLORE_DEPTH_MOST = 16, EXPLORE_CONNECTIONS = 2 };

/* Groups of events that are not among those of every search. */
enum explore_with {
    EXPLORE_WITH_ALWAYS = 0,
    EXPLORE_WITH_INVALIDATE = 0x1, /* the neighbour is invalidated */
    EXPLORE_WITH_RELINK = 0x2,     /* the path goes to another neighbour */
    EXPLORE_WITH_PAUSE = 0x4,      /* the adapter pauses and resumes */
    EXPLORE_WITH_POWER = 0x8,      /* it goes to sleep and wakes */
    EXPLORE_WITH_UPLOAD = 0x10,    /* it, or the host, wants everything back */
    EXPLORE_WITH_ALL = 0x1f
};
/* The bit of a group by its name; 0: there is none. */
unsigned explore_with(const char *name);

enum explore_event {
#define EXPLORE_EVENT(name, most, title, with) EXPLORE_##name,
#include "explore/events.def"
    EXPLORE_EVENTS
};
const char *explore_event_title(unsigned event);

/* What comes of an order, from harmless to bad. */
enum explore_verdict {
    EXPLORE_HARMLESS,
    EXPLORE_FINDING,  /* the checker, or the books of an application, complain */
    EXPLORE_LEAK,     /* something is left when both ends are done */
    EXPLORE_DEADLOCK, /* an end is never done */
    EXPLORE_BROKEN,   /* an invariant of the program itself does not hold */
    EXPLORE_BYTES,    /* bytes are lost, doubled or out of order */
    EXPLORE_VERDICTS
};
const char *explore_verdict_name(unsigned verdict);

struct explore_params {
    unsigned depth;       /* 1 .. EXPLORE_DEPTH_MOST */
    unsigned connections; /* 1 .. EXPLORE_CONNECTIONS */
    unsigned without;    /* a rule that host and target do not follow, and that the checker does not look at; 0: none */
    unsigned with;       /* enum explore_with, or-ed */
    bool again;          /* states that were seen before are gone into again, too: to test that nothing is missed */
    bool posts;          /* the host posts receive buffers at the target */
    bool sends_complete; /* terminate completes unfinished sends (ddi.upload_sends) */
};

/* An event of a connection. */
struct explore_step {
    uint8_t event, connection;
};

struct explore_order {
    unsigned length; /* of the order; the verdict came while it was taken to its end, or after its last step */
    struct explore_step steps[EXPLORE_DEPTH_MOST];
    char sentence[256];
};

struct explore_result {
    uint64_t explored, pruned, ended;             /* states that were new; that were seen before; taken to their end */
    unsigned depth;                               /* as deep as all orders were tried */
    enum explore_verdict verdict;                 /* the worst that was found */
    struct explore_order found[EXPLORE_VERDICTS]; /* the shortest of each; length and sentence 0: none */
    bool has[EXPLORE_VERDICTS];
    uint64_t cpu_us;
};

/* Without `without` the search ends at the first counter-example, with it when all was tried.  FLUE_EINVAL,
 * FLUE_ENOMEM: *result is of no use. */
FLUE_CHECKED flue_err explore_search(const struct explore_params *params, struct explore_result *result);
/* The same order once more, drawn as a ladder of the connection of its last step. */
FLUE_CHECKED flue_err explore_draw(const struct explore_params *params, const struct explore_order *order, bool plain,
                                   FILE *out);
void explore_print_order(const struct explore_params *params, const struct explore_order *order, FILE *out);

/* The rules that can be left out, ascending; 0 past the end. */
unsigned explore_rule(unsigned index);
/* What of explore_params a rule needs to show what it is good for; it is then as if that were set.  Beside these the
 * bits of enum explore_with. */
enum explore_need { EXPLORE_NEEDS_POSTS = 0x100, EXPLORE_NEEDS_SENDS_COMPLETE = 0x200 };
unsigned explore_rule_needs(unsigned rule);

FLUE_END_C

#endif
