/* SPDX-License-Identifier: GPL-2.0-only */
/* wire/table.h - what a switch and a router have learnt: numbers by a key of 128 bits.  It is only ever looked up,
 * never walked for its order, so nothing depends on where an entry lies. */
#ifndef FLUE_WIRE_TABLE_H
#define FLUE_WIRE_TABLE_H

#include "flue/env.h"
#include "flue/wire.h"

#define TABLE_MAX 131072u /* entries; past it nothing more is learnt, as in a real one */

struct table_entry {
    struct flue_ip key;
    uint64_t value; /* 0: nothing is known any more */
    uint32_t used;
};

struct table {
    const struct flue_env *env;
    struct table_entry *entries; /* NULL: empty; room is a power of two, at most half of it used */
    uint32_t room, used;
};

void table_init(struct table *table, const struct flue_env *env);
void table_dispose(struct table *table);

/* 0: not there. */
uint64_t table_get(const struct table *table, const struct flue_ip *key);

/* Without memory, or past TABLE_MAX, the table stays as it is. */
void table_put(struct table *table, const struct flue_ip *key, uint64_t value);

/* Forgets all entries with this value, of value 0 all there are. */
void table_forget(struct table *table, uint64_t value);

#endif
