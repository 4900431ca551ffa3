/* SPDX-License-Identifier: GPL-2.0-only */
/* stack/heap.c - the C library's heap, for a stack whose caller brings no memory of its own. */
#include <stdlib.h>

#include "stack/stack.h"

void *stack_heap_allocate(void *ctx, size_t bytes)
{
    (void)ctx;
    return calloc(1, bytes);
}

void stack_heap_release(void *ctx, void *memory, size_t bytes)
{
    (void)ctx;
    (void)bytes;
    free(memory);
}
