/* SPDX-License-Identifier: GPL-2.0-only */
/* wire/memory.h - memory of a network and its nodes, from wherever its maker says. */
#ifndef FLUE_WIRE_MEMORY_H
#define FLUE_WIRE_MEMORY_H

#include <stdlib.h>

#include "flue/net.h"

/* Zeroed; booked in totals.  NULL: there is none. */
static inline void *wire_allocate(const struct flue_net_memory *source, struct flue_net_totals *totals, size_t bytes)
{
    void *memory = source->allocate != NULL ? source->allocate(source->ctx, bytes) : calloc(1, bytes);

    if (memory != NULL) {
        totals->memory_bytes += bytes;
        if (totals->memory_bytes > totals->memory_peak)
            totals->memory_peak = totals->memory_bytes;
    }
    return memory;
}

static inline void wire_release(const struct flue_net_memory *source, struct flue_net_totals *totals, void *memory,
                                size_t bytes)
{
    if (memory == NULL)
        return;
    totals->memory_bytes -= bytes;
    if (source->release != NULL)
        source->release(source->ctx, memory, bytes);
    else
        free(memory);
}

#endif
