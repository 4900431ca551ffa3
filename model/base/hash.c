/* SPDX-License-Identifier: GPL-2.0-only */
/* base/hash.c - growth, insertion and removal of the open-addressing table. */
#include <assert.h>

#include "base/hash.h"

#define LEAST_SLOTS 16u
#define MOST_SLOTS  (UINT32_C(1) << 31)

/* Most items in this many slots: five eighths. */
static uint32_t most_items(uint32_t slots)
{
    return (uint32_t)((uint64_t)slots * 5 / 8);
}

/* The least number of slots for so many items. */
static uint64_t slots_for(uint32_t items)
{
    const uint64_t slots = ((uint64_t)items * 8 + 4) / 5;

    return slots > LEAST_SLOTS ? slots : LEAST_SLOTS;
}

static void put_in(struct hash_slot *slots, uint32_t size, struct hash_slot slot)
{
    uint32_t i = hash_home(slot.hash, size);

    while (slots[i].item != NULL) {
        i = hash_after(i, size);
    }
    slots[i] = slot;
}

static flue_err resize(struct hash_table *table, uint64_t slots)
{
    struct hash_slot *fresh = slots > MOST_SLOTS ? NULL : table->env->allocate(table->env->ctx, slots * sizeof *fresh);

    if (fresh == NULL) {
        return FLUE_ENOMEM;
    }
    for (uint32_t i = 0; i < table->size; i++) {
        if (table->slots[i].item != NULL) {
            put_in(fresh, (uint32_t)slots, table->slots[i]);
        }
    }
    table->env->release(table->env->ctx, table->slots, table->size * sizeof *fresh);
    table->slots = fresh;
    table->size = (uint32_t)slots;
    return FLUE_OK;
}

flue_err hash_table_init(struct hash_table *table, const struct flue_env *env, uint32_t expected)
{
    *table = (struct hash_table){.env = env};
    return resize(table, slots_for(expected));
}

void hash_table_dispose(struct hash_table *table)
{
    if (table->slots != NULL) {
        table->env->release(table->env->ctx, table->slots, table->size * sizeof *table->slots);
    }
    *table = (struct hash_table){.env = NULL};
}

flue_err hash_table_insert(struct hash_table *table, uint32_t hash, void *item)
{
    assert(item != NULL);
    if (table->count >= most_items(table->size)) {
        flue_err err = resize(table, table->size + ((uint64_t)table->size + 2) / 3);

        if (err != FLUE_OK) {
            return err;
        }
    }
    put_in(table->slots, table->size, (struct hash_slot){.item = item, .hash = hash});
    table->count++;
    return FLUE_OK;
}

/* Slots from one to another, around the end. */
static uint32_t distance(uint32_t from, uint32_t to, uint32_t size)
{
    return to >= from ? to - from : to + size - from;
}

/* Closes the hole at `hole`: every later slot of the run that may move nearer to its home does. */
static void close_hole(struct hash_table *table, uint32_t hole)
{
    struct hash_slot *slots = table->slots;
    const uint32_t size = table->size;

    for (uint32_t i = hash_after(hole, size); slots[i].item != NULL; i = hash_after(i, size)) {
        if (distance(hash_home(slots[i].hash, size), i, size) >= distance(hole, i, size)) {
            slots[hole] = slots[i];
            hole = i;
        }
    }
    slots[hole] = (struct hash_slot){.item = NULL};
}

bool hash_table_remove(struct hash_table *table, uint32_t hash, const void *item)
{
    for (uint32_t i = hash_home(hash, table->size); table->slots[i].item != NULL; i = hash_after(i, table->size)) {
        if (table->slots[i].item == item) {
            table->count--;
            close_hole(table, i);
            return true;
        }
    }
    return false;
}

void *hash_table_drain(const struct hash_table *table, uint32_t *place)
{
    /* Downwards from the last slot: a removal moves later items to earlier slots, and later ones are empty by then. */
    while (table->count > 0 && *place < table->size) {
        void *item = table->slots[table->size - 1 - *place].item;

        if (item != NULL) {
            return item;
        }
        (*place)++;
    }
    return NULL;
}
