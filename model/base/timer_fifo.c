/* SPDX-License-Identifier: GPL-2.0-only */
/* base/timer_fifo.c - many timeouts of about the same length behind one heap timer.
 *
 * The heap timer is never later than the head's due time.  It may be earlier, when the head was cancelled; then it
 * finds nothing due and is armed again. */
#include <assert.h>

#include "base/timers.h"

static struct timer_fifo_entry *entry_of(struct flue_hook *hook)
{
    return FLUE_CONTAINER_OF(hook, struct timer_fifo_entry, hook);
}

static void follow_head(struct timer_fifo *fifo)
{
    struct flue_hook *first = list_first(&fifo->list);

    if (first != NULL && entry_of(first)->due_ps < timer_due(&fifo->timer)) {
        timers_arm(fifo->timers, &fifo->timer, entry_of(first)->due_ps);
    }
}

/* Fires the entries of one due time only: what other timers have between two due times then keeps its place. */
static void fifo_fire(struct timer *timer, flue_ps now_ps)
{
    struct timer_fifo *fifo = FLUE_CONTAINER_OF(timer, struct timer_fifo, timer);
    struct flue_hook *first = list_first(&fifo->list);

    if (first != NULL && entry_of(first)->due_ps <= now_ps) {
        flue_ps due_ps = entry_of(first)->due_ps;

        while (first != NULL && entry_of(first)->due_ps == due_ps) {
            timer_fifo_cancel(entry_of(first));
            fifo->fire(entry_of(first), now_ps);
            first = list_first(&fifo->list);
        }
    }
    follow_head(fifo);
}

flue_err timer_fifo_init(struct timer_fifo *fifo, struct timers *timers,
                         void (*fire)(struct timer_fifo_entry *entry, flue_ps now_ps))
{
    *fifo = (struct timer_fifo){.timers = timers, .fire = fire};
    list_init(&fifo->list);
    timer_setup(&fifo->timer, fifo_fire);
    return timers_reserve(timers, 1);
}

void timer_fifo_dispose(struct timer_fifo *fifo)
{
    while (list_pop_front(&fifo->list) != NULL) {
    }
    timers_remove(fifo->timers, &fifo->timer);
    timers_unreserve(fifo->timers, 1);
}

void timer_fifo_arm(struct timer_fifo *fifo, struct timer_fifo_entry *entry, flue_ps due_ps)
{
    struct flue_hook *place = &fifo->list;

    assert(due_ps != FLUE_PS_NEVER);
    timer_fifo_cancel(entry);
    entry->due_ps = due_ps;
    while (place->prev != &fifo->list && entry_of(place->prev)->due_ps > due_ps) {
        place = place->prev;
    }
    list_insert_before(place, &entry->hook);
    follow_head(fifo);
}
