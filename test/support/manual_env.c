/* SPDX-License-Identifier: GPL-2.0-only */
/* support/manual_env.c - time by hand, memory with a head that knows its size. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/manual_env.h"

#define MAGIC UINT64_C(0x464c55454d454d21)

/* In front of each block; keeps the alignment that malloc gives. */
union head {
    struct {
        uint64_t magic;
        uint64_t bytes;
    } is;
    max_align_t aligned;
};

static flue_ps now(void *ctx)
{
    const struct manual_env *m = ctx;

    return m->now_ps;
}

static void set_alarm(void *ctx, flue_ps at_ps)
{
    struct manual_env *m = ctx;

    m->alarm_ps = at_ps;
    m->alarm_calls++;
}

static void *allocate(void *ctx, size_t bytes)
{
    struct manual_env *m = ctx;
    union head *head;

    m->allocations++;
    if (m->fail_at != 0 && m->allocations >= m->fail_at) {
        return NULL;
    }
    head = calloc(1, sizeof *head + bytes);
    if (head == NULL) {
        return NULL;
    }
    head->is.magic = MAGIC;
    head->is.bytes = bytes;
    m->live_blocks++;
    m->live_bytes += bytes;
    return head + 1;
}

static void release(void *ctx, void *memory, size_t bytes)
{
    struct manual_env *m = ctx;
    union head *head;

    if (memory == NULL) {
        return;
    }
    head = (union head *)memory - 1;
    if (head->is.magic != MAGIC || head->is.bytes != bytes) {
        fprintf(stderr, "manual_env: release of %zu bytes; the block was not allocated, or with %" PRIu64 " bytes\n",
                bytes, head->is.magic == MAGIC ? head->is.bytes : 0);
        abort();
    }
    head->is.magic = 0;
    m->live_blocks--;
    m->live_bytes -= bytes;
    free(head);
}

void manual_env_init(struct manual_env *m, uint64_t seed)
{
    *m = (struct manual_env){
        .env = {.ctx = m, .now = now, .set_alarm = set_alarm, .allocate = allocate, .release = release, .seed = seed},
        .alarm_ps = FLUE_PS_NEVER,
    };
}

void manual_env_fail(struct manual_env *m, uint64_t n)
{
    m->fail_at = n == 0 ? 0 : m->allocations + n;
}

bool manual_env_clean(const struct manual_env *m)
{
    if (m->live_blocks == 0 && m->live_bytes == 0) {
        return true;
    }
    fprintf(stderr, "manual_env: %" PRIu64 " blocks, %" PRIu64 " bytes were not released\n", m->live_blocks,
            m->live_bytes);
    return false;
}
