/* SPDX-License-Identifier: GPL-2.0-only */
/* base/pool.h - objects of one size, in chunks from the env, reused last in, first out.
 *
 * A chunk is given back only by pool_dispose(). */
#ifndef FLUE_BASE_POOL_H
#define FLUE_BASE_POOL_H

#include "flue/base.h"
#include "flue/env.h"

FLUE_BEGIN_C

struct pool_chunk;
struct pool_free;

struct pool {
    const struct flue_env *env;
    struct pool_chunk *chunks;
    struct pool_free *free; /* returned objects */
    unsigned char *fresh;   /* objects of the newest chunk that were never handed out */
    unsigned char *fresh_end;
    size_t object_bytes; /* rounded up to 8 */
    size_t chunk_bytes;  /* of the next chunk */
    size_t total_bytes;  /* taken from the env */
    uint64_t live;       /* objects handed out and not returned */
    uint64_t made;       /* objects of all chunks */
};

/* Takes no memory yet.  Borrows env until pool_dispose(). */
void pool_init(struct pool *pool, const struct flue_env *env, size_t object_bytes);

/* An object, aligned to 8 bytes (to 16, 64 if its size is a multiple of that), NOT zeroed: the caller initialises all
 * of it with one assignment.  NULL when the env has no memory. */
FLUE_CHECKED void *pool_get(struct pool *pool);

/* Makes sure that the next `objects` calls of pool_get() succeed.  FLUE_ENOMEM: they may not. */
FLUE_CHECKED flue_err pool_grow(struct pool *pool, uint64_t objects);
FLUE_CHECKED static inline flue_err pool_reserve(struct pool *pool, uint64_t objects)
{
    return pool->made - pool->live >= objects ? FLUE_OK : pool_grow(pool, objects);
}

/* Takes an object of this pool back; NULL does nothing. */
void pool_put(struct pool *pool, void *object);

/* Objects outstanding, and bytes taken from the env: for the audit and the memory report. */
static inline uint64_t pool_live(const struct pool *pool)
{
    return pool->live;
}

static inline size_t pool_bytes(const struct pool *pool)
{
    return pool->total_bytes;
}

/* Frees all chunks, and with them objects still out.  A zeroed struct does no harm. */
void pool_dispose(struct pool *pool);

FLUE_END_C

#endif
