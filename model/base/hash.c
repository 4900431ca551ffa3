/* SPDX-License-Identifier: GPL-2.0-only */
/* base/hash.c - growth, insertion and removal of the open-addressing table. */
#include <assert.h>

#include "base/hash.h"

#define LEAST_SLOTS 16u
#define MOST_SLOTS  (UINT32_C(1) << 31)

/* Most items in this many slots: five eighths. */
static uint32_t most_items(uint32_t slots)
{
    return slots / 8 * 5;
}

static void put_in(struct hash_slot *slots, uint32_t mask, struct hash_slot slot)
{
    uint32_t i = slot.hash & mask;

    while (slots[i].item != NULL) {
        i = (i + 1) & mask;
    }
    slots[i] = slot;
}

static flue_err resize(struct hash_table *table, uint32_t slots)
{
    struct hash_slot *fresh = table->env->allocate(table->env->ctx, slots * sizeof *fresh);

    if (fresh == NULL) {
        return FLUE_ENOMEM;
    }
    if (table->slots != NULL) {
        for (uint32_t i = 0; i <= table->mask; i++) {
            if (table->slots[i].item != NULL) {
                put_in(fresh, slots - 1, table->slots[i]);
            }
        }
        table->env->release(table->env->ctx, table->slots, ((size_t)table->mask + 1) * sizeof *fresh);
    }
    table->slots = fresh;
    table->mask = slots - 1;
    return FLUE_OK;
}

flue_err hash_table_init(struct hash_table *table, const struct flue_env *env, uint32_t expected)
{
    uint32_t slots = LEAST_SLOTS;

    *table = (struct hash_table){.env = env};
    while (most_items(slots) < expected) {
        if (slots == MOST_SLOTS) {
            return FLUE_ENOMEM;
        }
        slots *= 2;
    }
    return resize(table, slots);
}

void hash_table_dispose(struct hash_table *table)
{
    if (table->slots != NULL) {
        table->env->release(table->env->ctx, table->slots, ((size_t)table->mask + 1) * sizeof *table->slots);
    }
    *table = (struct hash_table){.env = NULL};
}

flue_err hash_table_insert(struct hash_table *table, uint32_t hash, void *item)
{
    assert(item != NULL);
    if (table->count >= most_items(table->mask + 1)) {
        flue_err err = table->mask + 1 >= MOST_SLOTS ? FLUE_ENOMEM : resize(table, (table->mask + 1) * 2);

        if (err != FLUE_OK) {
            return err;
        }
    }
    put_in(table->slots, table->mask, (struct hash_slot){.item = item, .hash = hash});
    table->count++;
    return FLUE_OK;
}

/* Closes the hole at `hole`: every later slot of the run that may move nearer to its home does. */
static void close_hole(struct hash_table *table, uint32_t hole)
{
    struct hash_slot *slots = table->slots;
    uint32_t mask = table->mask;

    for (uint32_t i = (hole + 1) & mask; slots[i].item != NULL; i = (i + 1) & mask) {
        uint32_t from_home = (i - (slots[i].hash & mask)) & mask;

        if (from_home >= ((i - hole) & mask)) {
            slots[hole] = slots[i];
            hole = i;
        }
    }
    slots[hole] = (struct hash_slot){.item = NULL};
}

bool hash_table_remove(struct hash_table *table, uint32_t hash, const void *item)
{
    for (uint32_t i = hash & table->mask; table->slots[i].item != NULL; i = (i + 1) & table->mask) {
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
    while (table->count > 0 && *place <= table->mask) {
        void *item = table->slots[table->mask - *place].item;

        if (item != NULL) {
            return item;
        }
        (*place)++;
    }
    return NULL;
}
