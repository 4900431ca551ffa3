/* SPDX-License-Identifier: GPL-2.0-only */
/* base/timers.h - the one timer heap of a node, and a queue for timeouts of constant length.
 *
 * Timers fire in the order (due time, order of arming).  Arming later, and cancelling, only write into the timer: its
 * old entry stays in the heap and is put right when its time comes.  So a retransmission timer that moves with every
 * acknowledgement costs two stores, and the heap's earliest time may be early, never late. */
#ifndef FLUE_BASE_TIMERS_H
#define FLUE_BASE_TIMERS_H

#include <stdbool.h>

#include "flue/base.h"
#include "flue/env.h"
#include "base/list.h"

FLUE_BEGIN_C

/* What the heap knows of a timer, and all that one is whose owner there are very many of: what it does when it fires is
 * then told by its kind.  Embedded in its owner, which finds itself with FLUE_CONTAINER_OF.  The memory must stay until
 * it was removed, or fired and was not armed again. */
struct lean_timer {
    flue_ps due_ps; /* FLUE_PS_NEVER: not armed */
    uint64_t order; /* of the last arming */
    uint32_t slot;  /* 1 + place of its heap entry; 0: has none */
    uint8_t kind;   /* of timers_kind(); 0: it stands in a struct timer */
    /* The owner's, because alignment leaves the room: what is waited for, how often the time was doubled, and how often
     * it has run out.  The heap never looks at them. */
    uint8_t mode, doublings, count;
};
_Static_assert(sizeof(struct lean_timer) == 24, "a timer of very many is three words");

/* A timer with a function of its own.  Prepare with timer_setup(). */
struct timer {
    struct lean_timer lean;
    /* Called by timers_run(); the timer is then not armed and not in the heap: it may arm or free itself. */
    void (*fire)(struct timer *timer, flue_ps now_ps);
};

struct timer_entry {
    flue_ps due_ps;
    uint64_t order;
    struct lean_timer *timer;
};

enum { TIMER_KINDS = 4 };

struct timers {
    const struct flue_env *env;
    struct timer_entry *entries; /* a 4-ary heap */
    uint64_t next_order;
    uint32_t count;
    uint32_t room;
    uint32_t reserved;
    uint32_t kinds;
    void (*fire[TIMER_KINDS])(struct lean_timer *timer, flue_ps now_ps); /* of kind 1 and so on */
    bool hole; /* the root is the entry of the timer that fires now: free for the first that is armed meanwhile */
};

/* Borrows env until timers_dispose().  FLUE_ENOMEM: *timers may be disposed of, or forgotten. */
FLUE_CHECKED flue_err timers_init(struct timers *timers, const struct flue_env *env);

/* Frees the heap.  A timer still in it must not be used again before timer_setup().  A zeroed struct does no harm. */
void timers_dispose(struct timers *timers);

/* Promises room for `count` more timers, so that arming them cannot fail.  Whoever creates an object with n timers in
 * it reserves n, and gives them back with timers_unreserve() when it goes.  FLUE_ENOMEM: nothing has changed. */
FLUE_CHECKED flue_err timers_reserve(struct timers *timers, uint32_t count);
void timers_unreserve(struct timers *timers, uint32_t count);

/* The kind of lean timer that does this when it fires; known from then on.  0: there are TIMER_KINDS others. */
FLUE_CHECKED uint8_t timers_kind(struct timers *timers, void (*fire)(struct lean_timer *timer, flue_ps now_ps));

/* Prepares a timer: not armed; a lean one has its owner's bytes 0. */
void lean_timer_setup(struct lean_timer *timer, uint8_t kind);
void timer_setup(struct timer *timer, void (*fire)(struct timer *timer, flue_ps now_ps));

/* (Re-)arms.  A due time that is past is allowed: it fires at the next timers_run().  FLUE_PS_NEVER cancels.  Makes
 * room by itself when nobody reserved any, and asserts that there was memory for it.  (timers_init() gives room
 * for 64.) */
void timers_arm_lean(struct timers *timers, struct lean_timer *timer, flue_ps due_ps);
static inline void timers_arm(struct timers *timers, struct timer *timer, flue_ps due_ps)
{
    timers_arm_lean(timers, &timer->lean, due_ps);
}

/* Cancels; the entry stays in the heap, so the timer's memory must stay too. */
static inline void timers_cancel_lean(struct timers *timers, struct lean_timer *timer)
{
    (void)timers;
    timer->due_ps = FLUE_PS_NEVER;
}

static inline void timers_cancel(struct timers *timers, struct timer *timer)
{
    timers_cancel_lean(timers, &timer->lean);
}

/* Cancels and takes the entry out: afterwards the timer's memory may go. */
void timers_remove_lean(struct timers *timers, struct lean_timer *timer);
static inline void timers_remove(struct timers *timers, struct timer *timer)
{
    timers_remove_lean(timers, &timer->lean);
}

static inline bool lean_timer_armed(const struct lean_timer *timer)
{
    return timer->due_ps != FLUE_PS_NEVER;
}

static inline bool timer_armed(const struct timer *timer)
{
    return lean_timer_armed(&timer->lean);
}

static inline flue_ps timer_due(const struct timer *timer)
{
    return timer->lean.due_ps;
}

/* timers_next() while a timer fires: its entry at the root does not count. */
flue_ps timers_next_in_fire(const struct timers *timers);
/* Time of the earliest entry; FLUE_PS_NEVER if there is none.  Early when that entry's timer was moved or cancelled. */
static inline flue_ps timers_next(const struct timers *timers)
{
    if (timers->hole) {
        return timers_next_in_fire(timers);
    }
    return timers->count == 0 ? FLUE_PS_NEVER : timers->entries[0].due_ps;
}

/* Fires everything due at or before now_ps, those armed meanwhile included. */
void timers_run(struct timers *timers, flue_ps now_ps);

/* Timeouts that all have about the same length, as delayed acknowledgements have: a list in order of due time with one
 * timer for its head.  Arming and cancelling are O(1) as long as due times do not go back. */
struct timer_fifo_entry {
    struct flue_hook hook;
    flue_ps due_ps; /* FLUE_PS_NEVER: not armed */
};

struct timer_fifo {
    struct timers *timers;
    struct flue_hook list;
    struct timer timer;
    /* The entry is on no list when it is called: it may be armed again, or freed. */
    void (*fire)(struct timer_fifo_entry *entry, flue_ps now_ps);
};

/* Borrows timers until timer_fifo_dispose(), and reserves one place in it. */
FLUE_CHECKED flue_err timer_fifo_init(struct timer_fifo *fifo, struct timers *timers,
                                      void (*fire)(struct timer_fifo_entry *entry, flue_ps now_ps));

/* Forgets all entries.  Must come before timers_dispose(). */
void timer_fifo_dispose(struct timer_fifo *fifo);

static inline void timer_fifo_setup(struct timer_fifo_entry *entry)
{
    hook_init(&entry->hook);
    entry->due_ps = FLUE_PS_NEVER;
}

static inline bool timer_fifo_armed(const struct timer_fifo_entry *entry)
{
    return hook_linked(&entry->hook);
}

/* (Re-)arms. */
void timer_fifo_arm(struct timer_fifo *fifo, struct timer_fifo_entry *entry, flue_ps due_ps);

/* Cancels, if armed; afterwards the entry's memory may go. */
static inline void timer_fifo_cancel(struct timer_fifo_entry *entry)
{
    if (timer_fifo_armed(entry)) {
        list_remove(&entry->hook);
        entry->due_ps = FLUE_PS_NEVER;
    }
}

FLUE_END_C

#endif
