/* SPDX-License-Identifier: GPL-2.0-only */
/* base/prefetch.h - look-ahead of loops over thousands of objects that lie anywhere in memory: what the next turns will
 * read is asked for while this one works.  Changes nothing but the time it takes. */
#ifndef FLUE_BASE_PREFETCH_H
#define FLUE_BASE_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

#define PREFETCH_LINE_BYTES ((size_t)64)

/* The lines of an object that will be needed soon.  Any address will do, NULL, too. */
static inline void prefetch(const void *object, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += PREFETCH_LINE_BYTES) {
        __builtin_prefetch((const void *)((uintptr_t)object + at));
    }
}

#endif
