/* SPDX-License-Identifier: GPL-2.0-only */
/* base/pool.c - chunks grow from 4 KiB to 256 KiB, so that a small run stays small and a large one asks seldom. */
#include <assert.h>
#include <string.h>

#include "base/pool.h"
#include "base/prefetch.h"

#if defined(__SANITIZE_ADDRESS__)
#define POOL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_ASAN 1
#endif
#endif
#ifdef POOL_ASAN
#include <sanitizer/asan_interface.h>
#endif

#define FIRST_CHUNK_BYTES ((size_t)4096)
#define LAST_CHUNK_BYTES  ((size_t)262144)
#define LEAST_OBJECTS     ((size_t)8)
#define LINE_BYTES        ((size_t)64)

struct pool_chunk {
    struct pool_chunk *next;
    size_t bytes;
};

struct pool_free {
    struct pool_free *next;
};

/* Under the address sanitizer an object in the pool must not be touched. */
static void close_object(const struct pool *pool, void *object)
{
#ifdef POOL_ASAN
    __asan_poison_memory_region(object, pool->object_bytes);
#else
    (void)pool;
    (void)object;
#endif
}

/* In checked builds whatever the next owner forgets to initialise, or an old owner still reads, is this byte. */
static void fill_object(const struct pool *pool, void *object)
{
#ifdef FLUE_CHECKED_BUILD
    memset(object, 0xDB, pool->object_bytes);
#else
    (void)pool;
    (void)object;
#endif
}

static void open_region(void *memory, size_t bytes)
{
#ifdef POOL_ASAN
    __asan_unpoison_memory_region(memory, bytes);
#else
    (void)memory;
    (void)bytes;
#endif
}

void pool_init(struct pool *pool, const struct flue_env *env, size_t object_bytes)
{
    assert(object_bytes > 0);
    *pool = (struct pool){
        .env = env,
        .object_bytes = (object_bytes + 7) & ~(size_t)7,
        .chunk_bytes = FIRST_CHUNK_BYTES,
    };
}

static int add_chunk(struct pool *pool)
{
    size_t least = LEAST_OBJECTS * pool->object_bytes + sizeof(struct pool_chunk) + LINE_BYTES;
    size_t bytes = pool->chunk_bytes > least ? pool->chunk_bytes : least;
    struct pool_chunk *chunk = pool->env->allocate(pool->env->ctx, bytes);
    size_t start = sizeof *chunk;

    if (chunk == NULL) {
        return 0;
    }
    if (pool->object_bytes % LINE_BYTES == 0) {
        start += (LINE_BYTES - ((uintptr_t)chunk + start) % LINE_BYTES) % LINE_BYTES;
    }
    *chunk = (struct pool_chunk){.next = pool->chunks, .bytes = bytes};
    pool->chunks = chunk;
    pool->total_bytes += bytes;
    pool->fresh = (unsigned char *)chunk + start;
    pool->fresh_end = pool->fresh + (bytes - start) / pool->object_bytes * pool->object_bytes;
    pool->made += (bytes - start) / pool->object_bytes;
    if (pool->chunk_bytes < LAST_CHUNK_BYTES) {
        pool->chunk_bytes *= 2;
    }
    return 1;
}

void *pool_get(struct pool *pool)
{
    void *object;

    if (pool->free != NULL) {
        struct pool_free *first = pool->free;

        open_region(first, pool->object_bytes);
        pool->free = first->next;
        prefetch(pool->free, sizeof(struct pool_free)); /* it is the next to go */
        object = first;
    } else {
        if (pool->fresh == pool->fresh_end && !add_chunk(pool)) {
            return NULL;
        }
        object = pool->fresh;
        pool->fresh += pool->object_bytes;
    }
    fill_object(pool, object);
    pool->live++;
    return object;
}

flue_err pool_grow(struct pool *pool, uint64_t objects)
{
    while (pool->made - pool->live < objects) {
        while (pool->fresh != pool->fresh_end) {
            struct pool_free *first = (struct pool_free *)(void *)pool->fresh;

            pool->fresh += pool->object_bytes;
            fill_object(pool, first);
            first->next = pool->free;
            pool->free = first;
            close_object(pool, first);
        }
        if (!add_chunk(pool)) {
            return FLUE_ENOMEM;
        }
    }
    return FLUE_OK;
}

void pool_put(struct pool *pool, void *object)
{
    struct pool_free *first = object;

    if (object == NULL) {
        return;
    }
#ifdef POOL_ASAN
    assert(!__asan_address_is_poisoned(object) && "an object was put into its pool twice");
#endif
    assert(pool->live > 0);
    pool->live--;
    fill_object(pool, object);
    first->next = pool->free;
    pool->free = first;
    close_object(pool, object);
}

void pool_dispose(struct pool *pool)
{
    struct pool_chunk *chunk = pool->chunks;

    while (chunk != NULL) {
        struct pool_chunk *next = chunk->next;
        size_t bytes = chunk->bytes;

        open_region(chunk, bytes);
        pool->env->release(pool->env->ctx, chunk, bytes);
        chunk = next;
    }
    *pool = (struct pool){.env = NULL};
}
