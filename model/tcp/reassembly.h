/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/reassembly.h - data that came out of order (RFC 9293 3.10.7.4): pieces in ascending order, without overlap.
 *
 * The bytes that came first stay; what overlaps them is cut away.  Payload memory is never copied or joined; described
 * payload that continues its predecessor is. */
#ifndef FLUE_TCP_REASSEMBLY_H
#define FLUE_TCP_REASSEMBLY_H

#include "tcp/send_queue.h"

struct flue_sack_block;

/* A zeroed struct is an empty queue. */
struct reassembly {
    struct piece *head;
    uint32_t bytes;
};

/* Asked for a place for each stretch that is new: may put it into *span (same length).  NULL: spans stay as they came.
 */
struct reassembly_keeper {
    void (*keep)(void *arg, uint32_t seq, struct flue_span *span);
    void *arg;
};

/* Takes in a segment's data, all of it at or above rcv_nxt and below rcv_nxt + 2^31.  What there is no memory for is
 * dropped: the peer will send it again.  *duplicate (NULL: not asked): the first contiguous stretch of the segment that
 * was here before (RFC 2883 4.2), from == to if all is new.  keeper may be NULL. */
void reassembly_insert(struct reassembly *queue, struct pool *pieces, uint32_t rcv_nxt, uint32_t seq,
                       const struct flue_span *span, bool psh, struct flue_sack_block *duplicate,
                       const struct reassembly_keeper *keeper);

/* Takes the first piece out if it begins at rcv_nxt; false if there is a gap, or nothing. */
bool reassembly_take(struct reassembly *queue, struct pool *pieces, uint32_t rcv_nxt, struct flue_span *span,
                     bool *psh);

void reassembly_clear(struct reassembly *queue, struct pool *pieces);

#endif
