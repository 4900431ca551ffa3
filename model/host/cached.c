/* SPDX-License-Identifier: GPL-2.0-only */
/* host/cached.c - records of constant and cached variables, counted and found by their values. */
#include "host/cached.h"

/* No variable of the interface has been forgotten: a connection has its two ports and its hash value for itself, all
 * other constant and cached ones stand in a record. */
#define ONE(name)               +1
#define ONE_tcp_const(name)     +1
#define ONE_tcp_cached(name)    +1
#define ONE_tcp_delegated(name) +0
enum {
    OWN = 3,
    SHARED = 0 HOST_EACH_SHARED(ONE),
    ALL = 0
#define FLUE_STATE(class_, name, type, unit, member, since) ONE_##class_(name)
#include "flue/state.def"
};
_Static_assert(OWN + SHARED == ALL,
               "a constant or cached variable is kept nowhere while the target has the connection");

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

/* The record of these values, made if there is none; NULL: no memory. */
static struct host_cached *find(struct flue_host *host, const struct host_values *values)
{
    const uint32_t hash = hash_of(values);
    struct host_cached *cached = hash_table_find(&host->by_values, hash, has_values, values);

    if (cached != NULL) {
        return cached;
    }
    cached = pool_get(&host->cached);
    if (cached == NULL) {
        return NULL;
    }
    *cached = (struct host_cached){.values = *values, .hash = hash};
    (void)!hash_table_insert(&host->by_values, hash, cached); /* without memory it is nobody else's */
    return cached;
}

/* Connections that are handed over one after the other mostly have the same. */
const struct host_cached *cached_get(struct flue_host *host, const struct host_values *values)
{
    struct host_cached *cached = host->latest_cached;

    if (cached == NULL || !has_values(cached, values)) {
        cached = find(host, values);
    }
    if (cached != NULL) {
        cached->users++;
        host->latest_cached = cached;
    }
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
        if (host->latest_cached == cached) {
            host->latest_cached = NULL;
        }
        (void)hash_table_remove(&host->by_values, cached->hash, cached);
        pool_put(&host->cached, own(cached));
    }
}
