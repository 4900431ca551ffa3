/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/reassembly.c - data that came out of order (RFC 9293 3.10.7.4). */
#include "flue/wire.h"
#include "base/span.h"
#include "tcp/reassembly.h"

/* Puts *part, whose byte 0 is at `seq`, behind `before` (NULL: at the front).  Returns the piece it is now in, or NULL
 * without memory. */
static struct piece *put_behind(struct reassembly *queue, struct pool *pieces, struct piece *before, uint32_t seq,
                                const struct flue_span *part, bool psh)
{
    struct piece *piece;

    if (before != NULL && before->psh == 0 && before->seq + before->span.length_bytes == seq &&
        span_append(&before->span, part)) {
        before->psh = psh;
        queue->bytes += part->length_bytes;
        return before;
    }
    piece = pool_get(pieces);
    if (piece == NULL) {
        return NULL;
    }
    *piece = (struct piece){.next = before == NULL ? queue->head : before->next, .span = *part, .seq = seq, .psh = psh};
    if (before == NULL) {
        queue->head = piece;
    } else {
        before->next = piece;
    }
    queue->bytes += part->length_bytes;
    return piece;
}

/* Pieces that touch one another make one stretch. */
static void note_duplicate(struct flue_sack_block *duplicate, uint32_t from, uint32_t to)
{
    if (duplicate == NULL) {
        return;
    }
    if (duplicate->from == duplicate->to) {
        *duplicate = (struct flue_sack_block){.from = from, .to = to};
    } else if (duplicate->to == from) {
        duplicate->to = to;
    }
}

void reassembly_insert(struct reassembly *queue, struct pool *pieces, uint32_t rcv_nxt, uint32_t seq,
                       const struct flue_span *span, bool psh, struct flue_sack_block *duplicate,
                       const struct reassembly_keeper *keeper)
{
    uint32_t base = seq - rcv_nxt; /* distances from rcv_nxt compare without wrapping */
    uint32_t length = span->length_bytes;
    uint32_t from = 0;
    struct piece *before = NULL;

    if (duplicate != NULL) {
        *duplicate = (struct flue_sack_block){.from = seq, .to = seq};
    }
    while (from < length) {
        struct piece *next = before == NULL ? queue->head : before->next;
        struct flue_span part;
        uint32_t to = length;

        if (next != NULL) {
            uint32_t next_from = next->seq - rcv_nxt;
            uint32_t next_to = next_from + next->span.length_bytes;

            if (next_to <= base + from) {
                before = next;
                continue;
            }
            if (next_from <= base + from) {
                to = next_to < base + length ? next_to - base : length;
                note_duplicate(duplicate, seq + from, seq + to);
                from = to;
                before = next;
                continue;
            }
            if (next_from < base + length) {
                to = next_from - base;
            }
        }
        part = span_slice(span, from, to - from);
        if (keeper != NULL) {
            keeper->keep(keeper->arg, seq + from, &part);
        }
        before = put_behind(queue, pieces, before, seq + from, &part, psh && to == length);
        if (before == NULL) {
            return;
        }
        from = to;
    }
}

bool reassembly_take(struct reassembly *queue, struct pool *pieces, uint32_t rcv_nxt, struct flue_span *span, bool *psh)
{
    struct piece *head = queue->head;

    if (head == NULL || head->seq != rcv_nxt) {
        return false;
    }
    *span = head->span;
    *psh = head->psh != 0;
    queue->head = head->next;
    queue->bytes -= span->length_bytes;
    pool_put(pieces, head);
    return true;
}

void reassembly_clear(struct reassembly *queue, struct pool *pieces)
{
    for (struct piece *piece = queue->head; piece != NULL;) {
        struct piece *gone = piece;

        piece = piece->next;
        pool_put(pieces, gone);
    }
    *queue = (struct reassembly){0};
}
