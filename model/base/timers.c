/* SPDX-License-Identifier: GPL-2.0-only */
/* base/timers.c - a 4-ary heap with lazy re-arming.
 *
 * The heap's entry of a timer never lies later than the timer's own (due_ps, order): arming earlier moves the entry up
 * at once, arming later leaves it.  timers_run() compares the two when the entry reaches the root. While a timer fires
 * its place at the root is a hole. */
#include <assert.h>
#include <string.h>

#include "base/timers.h"

#define FIRST_ROOM 64u
#define ARITY      4u

static bool entry_before(const struct timer_entry *a, const struct timer_entry *b)
{
    return a->due_ps < b->due_ps || (a->due_ps == b->due_ps && a->order < b->order);
}

static void place(struct timers *timers, uint32_t at, struct timer_entry entry)
{
    timers->entries[at] = entry;
    entry.timer->slot = at + 1;
}

static void sift_up(struct timers *timers, uint32_t at, struct timer_entry entry)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / ARITY;

        if (!entry_before(&entry, &timers->entries[parent])) {
            break;
        }
        place(timers, at, timers->entries[parent]);
        at = parent;
    }
    place(timers, at, entry);
}

static void sift_down(struct timers *timers, uint32_t at, struct timer_entry entry)
{
    for (;;) {
        uint32_t child = at * ARITY + 1;
        uint32_t end = child + ARITY < timers->count ? child + ARITY : timers->count;
        uint32_t least = child;

        if (child >= timers->count) {
            break;
        }
        for (uint32_t i = child + 1; i < end; i++) {
            if (entry_before(&timers->entries[i], &timers->entries[least])) {
                least = i;
            }
        }
        if (!entry_before(&timers->entries[least], &entry)) {
            break;
        }
        place(timers, at, timers->entries[least]);
        at = least;
    }
    place(timers, at, entry);
}

static void take_out(struct timers *timers, uint32_t at)
{
    struct timer_entry last = timers->entries[timers->count - 1];

    timers->entries[at].timer->slot = 0;
    timers->count--;
    if (at == timers->count) {
        return;
    }
    if (at > 0 && entry_before(&last, &timers->entries[(at - 1) / ARITY])) {
        sift_up(timers, at, last);
    } else {
        sift_down(timers, at, last);
    }
}

/* Nobody took the place of the timer that has fired. */
static void close_hole(struct timers *timers)
{
    timers->hole = false;
    timers->count--;
    if (timers->count > 0) {
        sift_down(timers, 0, timers->entries[timers->count]);
    }
}

flue_ps timers_next_in_fire(const struct timers *timers)
{
    flue_ps next_ps = FLUE_PS_NEVER;

    for (uint32_t i = 1; i <= ARITY && i < timers->count; i++) {
        next_ps = timers->entries[i].due_ps < next_ps ? timers->entries[i].due_ps : next_ps;
    }
    return next_ps;
}

static flue_err grow(struct timers *timers, uint32_t least)
{
    uint32_t room = timers->room == 0 ? FIRST_ROOM : timers->room;
    struct timer_entry *entries;

    while (room < least) {
        if (room > UINT32_MAX / 2) {
            return FLUE_ENOMEM;
        }
        room += room / 4; /* small steps: very many timers do not leave half of it empty */
    }
    if (room == timers->room) {
        return FLUE_OK;
    }
    entries = timers->env->allocate(timers->env->ctx, room * sizeof *entries);
    if (entries == NULL) {
        return FLUE_ENOMEM;
    }
    if (timers->count > 0) {
        memcpy(entries, timers->entries, timers->count * sizeof *entries);
    }
    timers->env->release(timers->env->ctx, timers->entries, timers->room * sizeof *entries);
    timers->entries = entries;
    timers->room = room;
    return FLUE_OK;
}

flue_err timers_init(struct timers *timers, const struct flue_env *env)
{
    *timers = (struct timers){.env = env};
    return grow(timers, FIRST_ROOM);
}

void timers_dispose(struct timers *timers)
{
    if (timers->entries != NULL) {
        timers->env->release(timers->env->ctx, timers->entries, timers->room * sizeof *timers->entries);
    }
    *timers = (struct timers){.env = NULL};
}

flue_err timers_reserve(struct timers *timers, uint32_t count)
{
    flue_err err;

    if (count > UINT32_MAX - timers->reserved) {
        return FLUE_ENOMEM;
    }
    err = grow(timers, timers->reserved + count);
    if (err == FLUE_OK) {
        timers->reserved += count;
    }
    return err;
}

void timers_unreserve(struct timers *timers, uint32_t count)
{
    assert(count <= timers->reserved);
    timers->reserved -= count;
}

uint8_t timers_kind(struct timers *timers, void (*fire)(struct lean_timer *timer, flue_ps now_ps))
{
    uint32_t at = 0;

    while (at < timers->kinds && timers->fire[at] != fire) {
        at++;
    }
    if (at == TIMER_KINDS) {
        return 0;
    }
    if (at == timers->kinds) {
        timers->fire[timers->kinds++] = fire;
    }
    return (uint8_t)(at + 1);
}

void lean_timer_setup(struct lean_timer *timer, uint8_t kind)
{
    *timer = (struct lean_timer){.due_ps = FLUE_PS_NEVER, .kind = kind};
}

void timer_setup(struct timer *timer, void (*fire)(struct timer *timer, flue_ps now_ps))
{
    *timer = (struct timer){.lean = {.due_ps = FLUE_PS_NEVER}, .fire = fire};
}

void timers_arm_lean(struct timers *timers, struct lean_timer *timer, flue_ps due_ps)
{
    if (due_ps == FLUE_PS_NEVER) {
        timers_cancel_lean(timers, timer);
        return;
    }
    timer->due_ps = due_ps;
    timer->order = timers->next_order++;
    if (timer->slot == 0 && timers->hole) {
        timers->hole = false;
        sift_down(timers, 0, (struct timer_entry){due_ps, timer->order, timer});
    } else if (timer->slot == 0) {
        if (timers->count == timers->room) {
            flue_err err = grow(timers, timers->count + 1);

            assert(err == FLUE_OK && "a timer was armed for which no room had been reserved");
            (void)err;
        }
        timers->count++;
        sift_up(timers, timers->count - 1, (struct timer_entry){due_ps, timer->order, timer});
    } else if (due_ps < timers->entries[timer->slot - 1].due_ps) {
        sift_up(timers, timer->slot - 1, (struct timer_entry){due_ps, timer->order, timer});
    }
}

void timers_remove_lean(struct timers *timers, struct lean_timer *timer)
{
    timer->due_ps = FLUE_PS_NEVER;
    if (timer->slot != 0) {
        assert(timer->slot <= timers->count && timers->entries[timer->slot - 1].timer == timer);
        take_out(timers, timer->slot - 1);
    }
}

/* What fires is mostly armed again at once, or arms another: that takes the place at the root, from where it does not
 * sink far, and the heap's last entry need not. */
static void fire(struct timers *timers, struct lean_timer *timer, flue_ps now_ps)
{
    timers->hole = true;
    timers->entries[0] = (struct timer_entry){.due_ps = INT64_MIN}; /* nothing rises above it */
    timer->slot = 0;
    timer->due_ps = FLUE_PS_NEVER;
    if (timer->kind != 0) {
        timers->fire[timer->kind - 1](timer, now_ps);
    } else {
        struct timer *own = FLUE_CONTAINER_OF(timer, struct timer, lean);

        own->fire(own, now_ps);
    }
    if (timers->hole) {
        close_hole(timers);
    }
}

void timers_run(struct timers *timers, flue_ps now_ps)
{
    if (timers->hole) {
        close_hole(timers);
    }
    while (timers->count > 0 && timers->entries[0].due_ps <= now_ps) {
        const struct timer_entry top = timers->entries[0];
        struct lean_timer *timer = top.timer;

        if (timer->due_ps == FLUE_PS_NEVER) {
            take_out(timers, 0);
        } else if (timer->due_ps != top.due_ps || timer->order != top.order) {
            sift_down(timers, 0, (struct timer_entry){timer->due_ps, timer->order, timer});
        } else {
            fire(timers, timer, now_ps);
        }
    }
}
