/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/reassembly.c - data that came out of order (RFC 9293 3.10.7.4).
 *
 * A stretch is named by its first piece, here called run. */
#include <assert.h>

#include "base/span.h"
#include "tcp/reassembly.h"
#include "tcp/seq.h"

static_assert(sizeof(struct piece) <= 48, "pools round to 16 bytes: the stretch's end costs nothing");

/* Stretches this near to the head are not worth the cursor: what fills the first gaps leaves it where it is. */
#define NEAR_STEPS 8u

static uint32_t end_of(const struct piece *run)
{
    return run->last->seq + run->last->span.length_bytes;
}

/* One step towards the last stretch that begins at or before `at`, a distance from rcv_nxt.  False: *run is it. */
static bool step(struct piece **run, uint32_t rcv_nxt, uint32_t at)
{
    struct piece *next = (*run)->last->next;

    if (next == NULL || next->seq - rcv_nxt > at) {
        return false;
    }
    *run = next;
    return true;
}

/* The last stretch that begins at or before `at`, NULL: none.  False: the search was given up; it goes on from there
 * when the segment comes again. */
static bool search(struct reassembly *queue, uint32_t rcv_nxt, uint32_t at, struct piece **found)
{
    struct piece *run = queue->head;
    unsigned steps = 0;

    *found = NULL;
    if (run == NULL || run->seq - rcv_nxt > at) {
        return true;
    }
    if (queue->tail->seq - rcv_nxt <= at) {
        *found = queue->tail;
        return true;
    }
    while (steps < NEAR_STEPS && step(&run, rcv_nxt, at)) {
        steps++;
    }
    if (steps == NEAR_STEPS) {
        uint32_t from = run->seq - rcv_nxt;

        if (queue->cursor != NULL && queue->cursor->seq - rcv_nxt > from && queue->cursor->seq - rcv_nxt <= at) {
            run = queue->cursor;
        }
        while (step(&run, rcv_nxt, at)) {
            if (++steps >= REASSEMBLY_MOST_STEPS) {
                queue->cursor = run;
                return false;
            }
        }
        queue->cursor = run;
    }
    *found = run;
    return true;
}

/* Makes `next` a part of the stretch before it, which it touches. */
static void join(struct reassembly *queue, struct piece *run, struct piece *next)
{
    run->last = next->last;
    if (queue->tail == next) {
        queue->tail = run;
    }
    if (queue->cursor == next) {
        queue->cursor = run;
    }
}

/* Puts *part, whose byte 0 is at `seq`, behind the stretch `run` (NULL: at the front).  pieces NULL: joined to the
 * piece before it or not at all.  Returns the stretch it is now in, or NULL without memory. */
static struct piece *put_behind(struct reassembly *queue, struct pool *pieces, struct piece *run, uint32_t seq,
                                const struct flue_span *part, bool psh)
{
    bool touches = run != NULL && end_of(run) == seq;
    struct piece *before = run == NULL ? NULL : run->last;

    if (touches && before->psh == 0 && span_append(&before->span, part)) {
        before->psh = psh;
    } else {
        struct piece *piece = pieces == NULL ? NULL : pool_get(pieces);

        if (piece == NULL) {
            return NULL;
        }
        *piece = (struct piece){
            .next = before == NULL ? queue->head : before->next, .span = *part, .seq = seq, .psh = psh, .last = piece};
        if (before == NULL) {
            queue->head = piece;
        } else {
            before->next = piece;
        }
        queue->pieces++;
        if (touches) {
            run->last = piece;
        } else {
            run = piece;
            if (piece->next == NULL) {
                queue->tail = piece;
            }
        }
    }
    queue->bytes += part->length_bytes;
    if (run->last->next != NULL && run->last->next->seq == seq + part->length_bytes) {
        join(queue, run, run->last->next);
    }
    return run;
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

struct flue_sack_block reassembly_insert(struct reassembly *queue, struct pool *pieces, uint32_t rcv_nxt, uint32_t seq,
                                         const struct flue_span *span, bool psh, uint32_t buffer_bytes,
                                         struct flue_sack_block *duplicate, const struct reassembly_keeper *keeper)
{
    const uint32_t most_pieces = buffer_bytes / 256 + 64;
    const uint32_t base = seq - rcv_nxt; /* distances from rcv_nxt compare without wrapping */
    const uint32_t length = span->length_bytes;
    struct piece *run;       /* begins at or before the byte that is dealt with, the next one behind it */
    struct piece *in = NULL; /* the stretch with all bytes before that one */
    uint32_t from = 0;

    if (duplicate != NULL) {
        *duplicate = (struct flue_sack_block){.from = seq, .to = seq};
    }
    if (!search(queue, rcv_nxt, base, &run)) {
        return (struct flue_sack_block){.from = seq, .to = seq};
    }
    while (from < length) {
        const struct piece *next = run == NULL ? queue->head : run->last->next;
        uint32_t run_to = run == NULL ? 0 : end_of(run) - rcv_nxt;
        struct flue_span part;
        uint32_t to = length;

        if (run != NULL && run_to > base + from) {
            to = run_to < base + length ? run_to - base : length;
            note_duplicate(duplicate, seq + from, seq + to);
        } else {
            bool room = queue->pieces < most_pieces || base + from == 0;

            if (next != NULL && next->seq - rcv_nxt < base + length) {
                to = next->seq - rcv_nxt - base;
            }
            part = span_slice(span, from, to - from);
            if (keeper != NULL) {
                keeper->keep(keeper->arg, seq + from, &part);
            }
            run = put_behind(queue, room ? pieces : NULL, run, seq + from, &part, psh && to == length);
            if (run == NULL) {
                break;
            }
        }
        in = run;
        from = to;
    }
    return in == NULL ? (struct flue_sack_block){.from = seq, .to = seq}
                      : (struct flue_sack_block){.from = in->seq, .to = end_of(in)};
}

bool reassembly_take(struct reassembly *queue, struct pool *pieces, uint32_t rcv_nxt, struct flue_span *span, bool *psh)
{
    struct piece *head = queue->head;
    struct piece *rest; /* of the stretch; NULL: this was all of it */

    if (head == NULL || head->seq != rcv_nxt) {
        return false;
    }
    *span = head->span;
    *psh = head->psh != 0;
    rest = head->last == head ? NULL : head->next;
    if (rest != NULL) {
        rest->last = head->last;
    }
    if (queue->tail == head) {
        queue->tail = rest;
    }
    if (queue->cursor == head) {
        queue->cursor = rest;
    }
    queue->head = head->next;
    queue->bytes -= span->length_bytes;
    queue->pieces--;
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

void reassembly_adopt(struct reassembly *queue, struct piece *head)
{
    struct piece *run = NULL;

    *queue = (struct reassembly){.head = head};
    for (struct piece *piece = head; piece != NULL; piece = piece->next) {
        if (run == NULL || end_of(run) != piece->seq) {
            run = piece;
        }
        run->last = piece;
        queue->bytes += piece->span.length_bytes;
        queue->pieces++;
    }
    queue->tail = run;
}

struct flue_sack_block reassembly_find(const struct reassembly *queue, uint32_t seq)
{
    for (const struct piece *next = queue->head; next != NULL;) {
        struct flue_sack_block block = reassembly_stretch(&next);

        if (seq_within(seq, block.from, block.to - block.from)) {
            return block;
        }
    }
    return (struct flue_sack_block){.from = seq, .to = seq};
}

bool reassembly_consistent(const struct reassembly *queue)
{
    const struct piece *tail = NULL;
    bool cursor = queue->cursor == NULL;
    uint32_t bytes = 0;
    uint32_t pieces = 0;

    for (const struct piece *run = queue->head; run != NULL; run = run->last->next) {
        uint32_t to = run->seq;

        if (tail != NULL && end_of(tail) == run->seq) {
            return false; /* two stretches that should be one */
        }
        for (const struct piece *piece = run;; piece = piece->next) {
            if (piece == NULL || piece->seq != to) {
                return false;
            }
            to += piece->span.length_bytes;
            bytes += piece->span.length_bytes;
            pieces++;
            if (piece == run->last) {
                break;
            }
        }
        cursor = cursor || queue->cursor == run;
        tail = run;
    }
    return queue->tail == tail && cursor && queue->bytes == bytes && queue->pieces == pieces;
}
