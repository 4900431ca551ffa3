/* SPDX-License-Identifier: GPL-2.0-only */
/* target/ring.h - a FIFO of items of one size in one array, doubled when it is full. */
#ifndef FLUE_TARGET_RING_H
#define FLUE_TARGET_RING_H

#include "flue/base.h"
#include "flue/env.h"

struct ring {
    const struct flue_env *env;
    unsigned char *items;
    uint32_t item_bytes;
    uint32_t head;
    uint32_t count;
    uint32_t room; /* a power of two, or 0 */
};

/* Takes no memory yet.  Borrows env until ring_dispose(). */
void ring_init(struct ring *ring, const struct flue_env *env, size_t item_bytes);
/* A zeroed struct does no harm. */
void ring_dispose(struct ring *ring);
/* Doubles a ring.  FLUE_ENOMEM: nothing has changed. */
FLUE_CHECKED flue_err ring_grow(struct ring *ring);

static inline void *ring_at(const struct ring *ring, uint32_t i)
{
    return ring->items + (size_t)((ring->head + i) & (ring->room - 1)) * ring->item_bytes;
}

/* The oldest item; NULL if there is none. */
static inline void *ring_front(const struct ring *ring)
{
    return ring->count == 0 ? NULL : ring_at(ring, 0);
}

static inline void ring_pop(struct ring *ring)
{
    ring->head = (ring->head + 1) & (ring->room - 1);
    ring->count--;
}

/* Room for one more item at the end, its content undefined; NULL: out of memory. */
static inline void *ring_push(struct ring *ring)
{
    if (ring->count == ring->room && ring_grow(ring) != FLUE_OK) {
        return NULL;
    }
    return ring_at(ring, ring->count++);
}

/* Makes sure that the next `items` pushes succeed.  FLUE_ENOMEM: they may not. */
FLUE_CHECKED static inline flue_err ring_reserve(struct ring *ring, uint32_t items)
{
    flue_err err = FLUE_OK;

    while (err == FLUE_OK && ring->room - ring->count < items) {
        err = ring_grow(ring);
    }
    return err;
}

#endif
