/* SPDX-License-Identifier: GPL-2.0-only */
/* target/ring.c - growth of a ring. */

#include <string.h>

#include "target/ring.h"

enum { RING_FIRST_ROOM = 64 };

void ring_init(struct ring *ring, const struct flue_env *env, size_t item_bytes)
{
    *ring = (struct ring){.env = env, .item_bytes = (uint32_t)item_bytes};
}

void ring_dispose(struct ring *ring)
{
    if (ring->items != NULL) {
        ring->env->release(ring->env->ctx, ring->items, (size_t)ring->room * ring->item_bytes);
    }
    *ring = (struct ring){.env = ring->env, .item_bytes = ring->item_bytes};
}

flue_err ring_grow(struct ring *ring)
{
    const struct flue_env *env = ring->env;
    const uint32_t room = ring->room == 0 ? RING_FIRST_ROOM : ring->room * 2;
    unsigned char *items;
    size_t first_bytes;

    if (room < ring->room) {
        return FLUE_ENOMEM;
    }
    items = (unsigned char *)env->allocate(env->ctx, (size_t)room * ring->item_bytes);
    if (items == NULL) {
        return FLUE_ENOMEM;
    }
    if (ring->items != NULL) {
        /* From the head to the end of the array, then the part that has wrapped around. */
        first_bytes = (size_t)(ring->room - ring->head) * ring->item_bytes;
        memcpy(items, ring->items + (size_t)ring->head * ring->item_bytes, first_bytes);
        memcpy(items + first_bytes, ring->items, (size_t)ring->head * ring->item_bytes);
        env->release(env->ctx, ring->items, (size_t)ring->room * ring->item_bytes);
    }
    ring->items = items;
    ring->room = room;
    ring->head = 0;
    return FLUE_OK;
}
