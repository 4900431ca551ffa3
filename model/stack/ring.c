/* SPDX-License-Identifier: GPL-2.0-only */
/* stack/ring.c - buffers of bytes: memory comes with the first byte, doubles on demand, and goes with the last one.
 *
 * The least size comes from a pool, and the stack keeps the last larger ring that was given up: so a connection whose
 * buffer fills and empties with every packet asks the caller for no memory. */
#include <assert.h>
#include <string.h>

#include "stack/stack.h"

#define ROOM_MOST  (UINT32_C(1) << 31)
#define SPARE_MOST (UINT32_C(1) << 20)

static uint8_t *take(struct flue_stack *stack, uint32_t *room)
{
    if (*room == RING_LEAST) {
        return pool_get(&stack->rings);
    }
    if (stack->spare != NULL && stack->spare_room >= *room) {
        uint8_t *memory = stack->spare;

        *room = stack->spare_room;
        stack->spare = NULL;
        return memory;
    }
    return stack_allocate(stack, *room);
}

static void give_up(struct flue_stack *stack, uint8_t *memory, uint32_t room)
{
    if (memory == NULL) {
        return;
    }
    if (room == RING_LEAST) {
        pool_put(&stack->rings, memory);
        return;
    }
    if (room <= SPARE_MOST) {
        uint8_t *other = stack->spare;
        uint32_t other_room = stack->spare_room;

        stack->spare = memory;
        stack->spare_room = room;
        memory = other;
        room = other_room;
    }
    if (memory != NULL) {
        stack_release(stack, memory, room);
    }
}

/* Bytes from `offset` on that stand in a row. */
static uint32_t in_a_row(const struct ring *ring, uint64_t offset, uint32_t length)
{
    uint32_t left = ring->room - (uint32_t)(offset & (ring->room - 1));

    return length < left ? length : left;
}

bool ring_reserve(struct flue_stack *stack, struct ring *ring, uint64_t end)
{
    uint64_t needed = end - ring->head;
    struct ring grown = *ring;

    if (end <= ring->head || needed <= ring->room) {
        return true;
    }
    if (needed > ROOM_MOST) {
        return false;
    }
    grown.room = ring->room < RING_LEAST ? RING_LEAST : ring->room;
    while (grown.room < needed) {
        grown.room *= 2;
    }
    grown.memory = take(stack, &grown.room);
    if (grown.memory == NULL) {
        return false;
    }
    for (uint64_t at = ring->head; at < ring->end;) {
        uint32_t length = in_a_row(ring, at, (uint32_t)(ring->end - at));

        ring_write(&grown, at, ring->memory + (at & (ring->room - 1)), length);
        at += length;
    }
    give_up(stack, ring->memory, ring->room);
    *ring = grown;
    return true;
}

void ring_write(struct ring *ring, uint64_t offset, const uint8_t *bytes, uint32_t length)
{
    uint32_t first;

    if (length == 0) {
        return;
    }
    assert(offset >= ring->head && offset + length - ring->head <= ring->room);
    first = in_a_row(ring, offset, length);
    memcpy(ring->memory + (offset & (ring->room - 1)), bytes, first);
    if (first < length) {
        memcpy(ring->memory, bytes + first, length - first);
    }
    if (offset + length > ring->end) {
        ring->end = offset + length;
    }
}

void ring_read(const struct ring *ring, uint64_t offset, uint8_t *out, uint32_t length)
{
    uint32_t first;

    if (length == 0) {
        return;
    }
    assert(offset >= ring->head && offset + length <= ring->end);
    first = in_a_row(ring, offset, length);
    memcpy(out, ring->memory + (offset & (ring->room - 1)), first);
    if (first < length) {
        memcpy(out + first, ring->memory, length - first);
    }
}

void ring_rest(struct flue_stack *stack, struct ring *ring)
{
    if (ring->head >= ring->end && ring->memory != NULL) {
        give_up(stack, ring->memory, ring->room);
        ring->memory = NULL;
        ring->room = 0;
    }
}

void ring_drop(struct flue_stack *stack, struct ring *ring, uint32_t length)
{
    assert(length <= ring_bytes(ring));
    ring->head += length;
    ring_rest(stack, ring);
}

void ring_clear(struct flue_stack *stack, struct ring *ring)
{
    ring->tail = ring->end = ring->head;
    ring_rest(stack, ring);
}
