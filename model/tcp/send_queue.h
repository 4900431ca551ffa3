/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/send_queue.h - what has been written and not yet been acknowledged: pieces of payload in order of sequence.
 *
 * Described payload that continues the last piece is joined to it, so a bulk sender has one piece, and finding the
 * bytes at SND.NXT takes constant time: the cursor remembers the piece that was sent from last. */
#ifndef FLUE_TCP_SEND_QUEUE_H
#define FLUE_TCP_SEND_QUEUE_H

#include <stdbool.h>

#include "flue/base.h"
#include "base/pool.h"

/* One stretch of payload with its sequence number; the reassembly queue uses it too. */
struct piece {
    struct piece *next;
    struct flue_span span;
    uint32_t seq;
    uint32_t psh;       /* reassembly: the segment it came in carried PSH */
    struct piece *last; /* reassembly, in the first piece of a stretch: the stretch's last piece */
};

/* A zeroed struct is an empty queue. */
struct send_queue {
    struct piece *head; /* begins at SND.UNA */
    struct piece *tail;
    struct piece *cursor; /* NULL: begin at the head */
    uint64_t bytes;
};

/* Appends a span, which is copied; una: sequence number of the queue's first byte.  False: no memory, nothing queued.
 */
bool send_queue_append(struct send_queue *queue, struct pool *pieces, uint32_t una, const struct flue_span *span);

/* Drops the first `bytes` bytes (at most as many as there are). */
void send_queue_drop(struct send_queue *queue, struct pool *pieces, uint32_t bytes);
void send_queue_clear(struct send_queue *queue, struct pool *pieces);

/* The bytes from `seq` on, at most limit_bytes and not beyond the end of their piece, because a frame carries one span.
 * There must be a byte at seq. */
static inline struct flue_span send_queue_at(struct send_queue *queue, uint32_t seq, uint32_t limit_bytes)
{
    uint32_t una = queue->head->seq;
    struct piece *piece = queue->cursor;
    struct flue_span span;
    uint32_t skip;

    if (piece == NULL || seq - una < piece->seq - una) {
        piece = queue->head;
    }
    for (skip = seq - piece->seq; skip >= piece->span.length_bytes; skip = seq - piece->seq) {
        piece = piece->next;
    }
    queue->cursor = piece;
    span = piece->span;
    span.offset_bytes += skip;
    span.length_bytes -= skip;
    if (span.memory != NULL) {
        span.memory += skip;
    }
    if (span.length_bytes > limit_bytes) {
        span.length_bytes = limit_bytes;
    }
    return span;
}

#endif
