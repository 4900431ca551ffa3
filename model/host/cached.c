/* SPDX-License-Identifier: GPL-2.0-only */
/* host/cached.c - records of constant and cached variables, counted and found by their values. */
#include "host/cached.h"

#include <assert.h>

static uint32_t hash_of(const struct host_values *values)
{
    uint64_t hash = 0;

#define MIX(name) hash = hash_mix(hash ^ values->name);
    HOST_EACH_SHARED(MIX)
#undef MIX
    return (uint32_t)(hash >> 16);
}

static bool has_values(const void *item, const void *key)
{
    const struct host_values *a = &((const struct host_cached *)item)->values;
    const struct host_values *b = key;

#define SAME(name) a->name == b->name &&
    return HOST_EACH_SHARED(SAME) true;
#undef SAME
}

bool cached_reserve(struct flue_host *host)
{
    return pool_reserve(&host->cached, 1) == FLUE_OK;
}

const struct host_cached *cached_get(struct flue_host *host, const struct host_values *values)
{
    const uint32_t hash = hash_of(values);
    struct host_cached *cached = hash_table_find(&host->by_values, hash, has_values, values);

    if (cached != NULL) {
        cached->users++;
        return cached;
    }
    cached = pool_get(&host->cached);
    if (cached == NULL) {
        return NULL;
    }
    *cached = (struct host_cached){.values = *values, .users = 1, .hash = hash};
    (void)!hash_table_insert(&host->by_values, hash, cached); /* without memory it is nobody else's */
    return cached;
}

/* Only this file writes records, and all of them are its own. */
static struct host_cached *own(const struct host_cached *cached)
{
    return (struct host_cached *)(uintptr_t)cached;
}

const struct host_cached *cached_share(const struct host_cached *cached)
{
    own(cached)->users++;
    return cached;
}

void cached_put(struct flue_host *host, const struct host_cached *cached)
{
    assert(cached->users > 0);
    if (--own(cached)->users == 0) {
        (void)hash_table_remove(&host->by_values, cached->hash, cached);
        pool_put(&host->cached, own(cached));
    }
}
