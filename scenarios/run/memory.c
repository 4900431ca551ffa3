/* SPDX-License-Identifier: GPL-2.0-only */
/* Three kinds of memory: what a small run needs, from the heap; blocks of the one size that large pools grow by
 * (base/pool.c), cut from regions of huge pages; and large tables, each in a mapping of its own, which goes when the
 * table grows.  Where there are no huge pages it works all the same. */
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS, madvise() */

#include "run/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_BYTES   ((size_t)2 << 20)
#define BLOCK_BYTES  ((size_t)256 << 10)
#define REGION_BYTES ((size_t)32 << 20)

struct run_region {
    struct run_region *next;
    unsigned char *memory;
};

struct run_free {
    struct run_free *next;
};

static size_t whole_pages(size_t bytes)
{
    return (bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
}

/* Begins at a huge page; zeroed by the system. */
static unsigned char *map(size_t bytes)
{
    const size_t wide = bytes + HUGE_BYTES;
    unsigned char *memory = mmap(NULL, wide, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *begin;
    size_t before;

    if (memory == MAP_FAILED)
        return NULL;
    before = (HUGE_BYTES - (uintptr_t)memory % HUGE_BYTES) % HUGE_BYTES;
    begin = memory + before;
    if (before > 0)
        (void)munmap(memory, before);
    (void)munmap(begin + bytes, wide - before - bytes);
#ifdef MADV_HUGEPAGE
    (void)madvise(begin, bytes, MADV_HUGEPAGE);
#endif
    return begin;
}

static bool add_region(struct run_memory *memory)
{
    struct run_region *region = calloc(1, sizeof *region);

    if (region == NULL || (region->memory = map(REGION_BYTES)) == NULL) {
        free(region);
        return false;
    }
    region->next = memory->regions;
    memory->regions = region;
    memory->next = region->memory;
    memory->end = region->memory + REGION_BYTES;
    return true;
}

static void *take_block(struct run_memory *memory)
{
    struct run_free *block = memory->free;

    if (block != NULL) {
        memory->free = block->next;
        return memset(block, 0, BLOCK_BYTES);
    }
    if (memory->next == memory->end && !add_region(memory))
        return NULL;
    memory->next += BLOCK_BYTES;
    return memory->next - BLOCK_BYTES;
}

static void *allocate(void *ctx, size_t bytes)
{
    if (bytes == BLOCK_BYTES)
        return take_block(ctx);
    return bytes >= HUGE_BYTES ? map(whole_pages(bytes)) : calloc(1, bytes);
}

static void release(void *ctx, void *old, size_t bytes)
{
    struct run_memory *memory = ctx;

    if (bytes == BLOCK_BYTES) {
        struct run_free *block = old;

        block->next = memory->free;
        memory->free = block;
    } else if (bytes >= HUGE_BYTES) {
        (void)munmap(old, whole_pages(bytes));
    } else {
        free(old);
    }
}

struct flue_net_memory run_memory_source(struct run_memory *memory)
{
    return (struct flue_net_memory){.ctx = memory, .allocate = allocate, .release = release};
}

void run_memory_dispose(struct run_memory *memory)
{
    while (memory->regions != NULL) {
        struct run_region *region = memory->regions;

        memory->regions = region->next;
        (void)munmap(region->memory, REGION_BYTES);
        free(region);
    }
    *memory = (struct run_memory){.regions = NULL};
}
