/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/send_queue.c - what has been written and not yet been acknowledged. */
#include <assert.h>

#include "base/span.h"
#include "tcp/send_queue.h"

bool send_queue_append(struct send_queue *queue, struct pool *pieces, uint32_t una, const struct flue_span *span)
{
    struct piece *piece;

    if (span->length_bytes == 0) {
        return true;
    }
    if (queue->tail != NULL && span_append(&queue->tail->span, span)) {
        queue->bytes += span->length_bytes;
        return true;
    }
    piece = pool_get(pieces);
    if (piece == NULL) {
        return false;
    }
    *piece = (struct piece){.span = *span, .seq = una + (uint32_t)queue->bytes};
    if (queue->tail == NULL) {
        queue->head = piece;
    } else {
        queue->tail->next = piece;
    }
    queue->tail = piece;
    queue->bytes += span->length_bytes;
    return true;
}

void send_queue_drop(struct send_queue *queue, struct pool *pieces, uint32_t bytes)
{
    struct piece *head = queue->head;

    assert(bytes <= queue->bytes);
    queue->bytes -= bytes;
    while (bytes > 0 && bytes >= head->span.length_bytes) {
        struct piece *gone = head;

        bytes -= gone->span.length_bytes;
        head = gone->next;
        if (queue->cursor == gone) {
            queue->cursor = NULL;
        }
        pool_put(pieces, gone);
    }
    queue->head = head;
    if (head == NULL) {
        queue->tail = NULL;
        return;
    }
    head->seq += bytes;
    head->span.offset_bytes += bytes;
    head->span.length_bytes -= bytes;
    if (head->span.memory != NULL) {
        head->span.memory += bytes;
    }
}

void send_queue_clear(struct send_queue *queue, struct pool *pieces)
{
    for (struct piece *piece = queue->head; piece != NULL;) {
        struct piece *gone = piece;

        piece = piece->next;
        pool_put(pieces, gone);
    }
    *queue = (struct send_queue){0};
}
