/* SPDX-License-Identifier: GPL-2.0-only */
/* Learnt numbers (see table.h): open addressing with linear probing. */
#include "wire/table.h"

#include <string.h>

enum { TABLE_FIRST_ROOM = 16 };

void table_init(struct table *table, const struct flue_env *env)
{
    *table = (struct table){.env = env};
}

void table_dispose(struct table *table)
{
    if (table->entries != NULL)
        table->env->release(table->env->ctx, table->entries, table->room * sizeof(*table->entries));
    table->entries = NULL;
    table->room = table->used = 0;
}

/* The entry of this key, or the free one where it would be.  room > 0. */
static struct table_entry *find(const struct table *table, const struct flue_ip *key)
{
    uint32_t hash = 0;

    for (unsigned i = 0; i < 4; i++)
        hash = (hash ^ key->word[i]) * UINT32_C(2654435769);
    for (uint32_t at = hash >> 8;; at++) {
        struct table_entry *entry = &table->entries[at & (table->room - 1)];

        if (!entry->used || flue_ip_equal(&entry->key, key))
            return entry;
    }
}

uint64_t table_get(const struct table *table, const struct flue_ip *key)
{
    return table->room == 0 ? 0 : find(table, key)->value;
}

static flue_err grow(struct table *table)
{
    struct table bigger = {.env = table->env, .room = table->room == 0 ? TABLE_FIRST_ROOM : table->room * 2};

    if (table->used >= TABLE_MAX)
        return FLUE_ENOMEM;
    bigger.entries = table->env->allocate(table->env->ctx, bigger.room * sizeof(*bigger.entries));
    if (bigger.entries == NULL)
        return FLUE_ENOMEM;
    for (uint32_t i = 0; i < table->room; i++) {
        if (table->entries[i].used) {
            *find(&bigger, &table->entries[i].key) = table->entries[i];
            bigger.used++;
        }
    }
    table_dispose(table);
    *table = bigger;
    return FLUE_OK;
}

void table_put(struct table *table, const struct flue_ip *key, uint64_t value)
{
    struct table_entry *entry;

    if (table->room > 0) {
        entry = find(table, key);
        if (entry->used) {
            entry->value = value;
            return;
        }
    }
    if (value == 0 || (table->used * 2 >= table->room && grow(table) != FLUE_OK))
        return;
    *find(table, key) = (struct table_entry){.key = *key, .value = value, .used = 1};
    table->used++;
}

void table_forget(struct table *table, uint64_t value)
{
    for (uint32_t i = 0; i < table->room; i++) {
        if (value == 0 || table->entries[i].value == value)
            table->entries[i].value = 0;
    }
}
