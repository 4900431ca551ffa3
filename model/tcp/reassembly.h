/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/reassembly.h - data that came out of order (RFC 9293 3.10.7.4): pieces in ascending order, without overlap.
 *
 * The bytes that came first stay; what overlaps them is cut away.  Payload memory is never copied or joined; described
 * payload that continues its predecessor is.
 *
 * Pieces that touch one another are a stretch, and whoever looks for a place steps from stretch to stretch, however
 * many pieces one has.  Data for the last stretch or behind it, for the first stretches, or near where the last search
 * ended is found at once.
 *
 * Two bounds keep a peer from making that expensive.  There are at most buffer_bytes / 256 + 64 pieces, and a search
 * gives up after REASSEMBLY_MOST_STEPS.  A segment beyond a bound is not kept: the peer repeats it.  Data at RCV.NXT
 * itself is always taken, so the peer gets on. */
#ifndef FLUE_TCP_REASSEMBLY_H
#define FLUE_TCP_REASSEMBLY_H

#include "flue/wire.h"
#include "tcp/send_queue.h"

enum { REASSEMBLY_MOST_STEPS = 4096 };

/* A zeroed struct is an empty queue. */
struct reassembly {
    struct piece *head;
    struct piece *tail;   /* the last stretch: its first piece */
    struct piece *cursor; /* the stretch where the last long search ended: its first piece; NULL: none */
    uint32_t bytes;
    uint32_t pieces;
};

/* Asked for a place for each stretch that is new: may put it into *span (same length).  NULL: spans stay as they came.
 */
struct reassembly_keeper {
    void (*keep)(void *arg, uint32_t seq, struct flue_span *span);
    void *arg;
};

/* Takes in a segment's data, all of it at or above rcv_nxt and below rcv_nxt + 2^31.  What there is no memory for, or
 * what lies beyond a bound, is dropped from there on.  buffer_bytes: of the receive buffer.  *duplicate (NULL: not
 * asked): the first contiguous stretch of the segment that was here before (RFC 2883 4.2), from == to if all is new.
 * keeper may be NULL.  Returns the whole stretch that seq is in now, from == to if nothing was kept: all that the
 * segment has changed lies in it. */
struct flue_sack_block reassembly_insert(struct reassembly *queue, struct pool *pieces, uint32_t rcv_nxt, uint32_t seq,
                                         const struct flue_span *span, bool psh, uint32_t buffer_bytes,
                                         struct flue_sack_block *duplicate, const struct reassembly_keeper *keeper);

/* Takes the first piece out if it begins at rcv_nxt; false if there is a gap, or nothing. */
bool reassembly_take(struct reassembly *queue, struct pool *pieces, uint32_t rcv_nxt, struct flue_span *span,
                     bool *psh);

void reassembly_clear(struct reassembly *queue, struct pool *pieces);

/* Makes a queue of pieces that are linked by `next` only. */
void reassembly_adopt(struct reassembly *queue, struct piece *head);

/* The stretch that begins with *first, and in *first the next one's first piece, NULL behind the last. */
static inline struct flue_sack_block reassembly_stretch(const struct piece **first)
{
    const struct piece *last = (*first)->last;
    struct flue_sack_block block = {.from = (*first)->seq, .to = last->seq + last->span.length_bytes};

    *first = last->next;
    return block;
}

/* The stretch with the byte, by a walk over all; from == to: there is none. */
struct flue_sack_block reassembly_find(const struct reassembly *queue, uint32_t seq);

/* Do stretches, cursors and sums fit the pieces?  For self-checks. */
bool reassembly_consistent(const struct reassembly *queue);

#endif
