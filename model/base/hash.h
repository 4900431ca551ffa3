/* SPDX-License-Identifier: GPL-2.0-only */
/* base/hash.h - fixed hash functions, and a table from hash to item.
 *
 * Open addressing with linear probing; at most five eighths full, a third larger when it would be fuller, so that a
 * table of very many is not half empty; removal leaves no graves.  On purpose nothing goes through its items but to
 * remove them all: nothing may depend on the order of its slots.  It owns no item. */
#ifndef FLUE_BASE_HASH_H
#define FLUE_BASE_HASH_H

#include <stdbool.h>

#include "flue/base.h"
#include "flue/env.h"

FLUE_BEGIN_C

/* Mixes all 64 bits into all 64 bits. */
static inline uint64_t hash_mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    return x;
}

/* Hash of an address pair and a port pair.  Not symmetric. */
static inline uint32_t hash_tuple(uint32_t a, uint32_t b, uint16_t p, uint16_t q)
{
    uint64_t ports = ((uint32_t)p << 16) | q;

    return (uint32_t)(hash_mix((((uint64_t)a << 32) | b) ^ hash_mix(ports + UINT64_C(0x9e3779b97f4a7c15))) >> 16);
}

/* Folds 16 bytes of an address to 4; an IPv4-mapped one to a one-to-one image of its IPv4 address. */
static inline uint32_t hash_ip(const uint32_t word[4])
{
    return (word[0] | word[1]) == 0
               ? word[3]
               : (uint32_t)(hash_mix((uint64_t)word[0] << 32 | word[1]) ^ hash_mix((uint64_t)word[2] << 32 | word[3]));
}

/* Hash of a number. */
static inline uint32_t hash_u64(uint64_t x)
{
    return (uint32_t)(hash_mix(x + UINT64_C(0x9e3779b97f4a7c15)) >> 16);
}

struct hash_slot {
    void *item; /* NULL: empty */
    uint32_t hash;
};

struct hash_table {
    const struct flue_env *env;
    struct hash_slot *slots;
    uint32_t size; /* of slots; any number */
    uint32_t count;
};

/* Where the search for a hash begins: hashes from 0 to 2^32 - 1 spread over all slots. */
static inline uint32_t hash_home(uint32_t hash, uint32_t size)
{
    return (uint32_t)((uint64_t)hash * size >> 32);
}

/* The slot after this one, around the end. */
static inline uint32_t hash_after(uint32_t slot, uint32_t size)
{
    return slot + 1 == size ? 0 : slot + 1;
}

/* Room for `expected` items at once (0: a small table).  Borrows env until hash_table_dispose(). */
FLUE_CHECKED flue_err hash_table_init(struct hash_table *table, const struct flue_env *env, uint32_t expected);

/* A zeroed struct does no harm. */
void hash_table_dispose(struct hash_table *table);

/* Adds an item (not NULL).  Two items may have one hash; that their keys differ is the caller's business.
 * FLUE_ENOMEM: nothing has changed. */
FLUE_CHECKED flue_err hash_table_insert(struct hash_table *table, uint32_t hash, void *item);

/* Removes exactly this item; false if it is not there. */
bool hash_table_remove(struct hash_table *table, uint32_t hash, const void *item);

/* An item, or NULL if there is none: for whoever removes them all, each before he asks for the next, in whatever order.
 * *place: 0 at first. */
void *hash_table_drain(const struct hash_table *table, uint32_t *place);

/* The item with this hash for which equal(item, key) holds, or NULL.  `equal` is known where this is called, so the
 * compiler puts it inline. */
static inline void *hash_table_find(const struct hash_table *table, uint32_t hash,
                                    bool (*equal)(const void *item, const void *key), const void *key)
{
    for (uint32_t i = hash_home(hash, table->size); table->slots[i].item != NULL; i = hash_after(i, table->size)) {
        if (table->slots[i].hash == hash && equal(table->slots[i].item, key)) {
            return table->slots[i].item;
        }
    }
    return NULL;
}

FLUE_END_C

#endif
