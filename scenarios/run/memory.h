/* SPDX-License-Identifier: GPL-2.0-only */
/* run/memory.h - memory of runs with very many connections, on huge pages: what they touch is scattered over hundreds
 * of megabytes, and with small pages most of the time goes into finding out where those are. */
#ifndef FLUE_RUN_MEMORY_H
#define FLUE_RUN_MEMORY_H

#include "flue/net.h"

struct run_region;
struct run_free;

struct run_memory {
    struct run_region *regions; /* newest first */
    struct run_free *free;      /* blocks that came back */
    unsigned char *next, *end;  /* of the newest region: not yet handed out */
};

/* The source of memory, which borrows *memory until run_memory_dispose(). */
struct flue_net_memory run_memory_source(struct run_memory *memory);

/* Everything is gone then.  A zeroed struct does no harm. */
void run_memory_dispose(struct run_memory *memory);

#endif
