/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/scoreboard.c - the sender's side of selective acknowledgement (RFC 2018, 2883, 6675). */
#include <assert.h>

#include "flue/wire.h"
#include "tcp/scoreboard.h"

static_assert(sizeof(struct scoreboard) <= 48, "the scoreboard is a part of every connection");

static bool has(const struct scoreboard *board, enum scoreboard_valid edge)
{
    return (board->valid & (unsigned)edge) != 0;
}

static void forget(struct scoreboard *board, enum scoreboard_valid edge)
{
    board->valid = (uint8_t)(board->valid & ~(unsigned)edge);
}

static void remember(struct scoreboard *board, enum scoreboard_valid edge)
{
    board->valid = (uint8_t)(board->valid | (unsigned)edge);
}

/* The edge, or una without one; edges below una do not count. */
static uint32_t edge_or_una(const struct scoreboard *board, enum scoreboard_valid edge, uint32_t value, uint32_t una)
{
    return has(board, edge) ? seq_max(value, una) : una;
}

/* How many bytes of the range lie in [from, to). */
static uint32_t overlap(const struct sack_range *range, uint32_t from, uint32_t to)
{
    uint32_t low = seq_max(range->from, from);
    uint32_t high = seq_min(range->to, to);

    return seq_lt(low, high) ? high - low : 0;
}

/* high_rxt is set anew. */
static void count_below_rxt(struct scoreboard *board)
{
    board->rxt_bytes = 0;
    board->above = has(board, SCOREBOARD_RXT) ? board->head : NULL;
    while (board->above != NULL) {
        const struct sack_range *range = board->above;

        board->rxt_bytes += overlap(range, range->from, board->high_rxt);
        if (seq_gt(range->to, board->high_rxt)) {
            break;
        }
        board->above = range->next;
    }
}

/* [from, to) was not SACKed before. */
static void count_new(struct scoreboard *board, uint32_t from, uint32_t to)
{
    board->sacked_bytes += to - from;
    if (has(board, SCOREBOARD_RXT) && seq_lt(from, board->high_rxt)) {
        board->rxt_bytes += seq_min(to, board->high_rxt) - from;
    }
}

/* Links the range in before `next`, NULL: as the last. */
static void put_in(struct scoreboard *board, struct sack_range *range, struct sack_range *next)
{
    struct sack_range *head = board->head;

    board->ranges++;
    range->next = next;
    if (head == NULL) {
        range->prev = range;
        board->head = range;
        return;
    }
    range->prev = next == NULL ? head->prev : next->prev;
    if (next == NULL) {
        head->prev = range;
    } else {
        next->prev = range;
    }
    if (next == head) {
        board->head = range;
    } else {
        range->prev->next = range;
    }
}

static void take_out(struct scoreboard *board, struct pool *pool, struct sack_range *range)
{
    board->ranges--;
    if (board->above == range) {
        board->above = range->next;
    }
    if (range->next != NULL) {
        range->next->prev = range->prev;
    } else {
        board->head->prev = range->prev;
    }
    if (range == board->head) {
        board->head = range->next;
    } else {
        range->prev->next = range->next;
    }
    pool_put(pool, range);
}

/* The range to begin with when the first one that ends at or behind `seq` is looked for.  There is one. */
static struct sack_range *nearest(const struct scoreboard *board, uint32_t seq)
{
    struct sack_range *best = board->head;
    struct sack_range *tail = best->prev;
    uint32_t distance = seq_lt(seq, best->to) ? 0 : seq - best->to;

    if (tail->to - seq < distance) {
        best = tail;
        distance = tail->to - seq;
    }
    if (board->above != NULL) {
        uint32_t to = board->above->to;

        if ((seq_lt(to, seq) ? seq - to : to - seq) < distance) {
            best = board->above;
        }
    }
    return best;
}

/* The first range that ends at or behind `seq`, NULL: none.  False: it is too far away. */
static bool search(const struct scoreboard *board, uint32_t seq, struct sack_range **found)
{
    struct sack_range *range;
    unsigned steps = 0;

    *found = NULL;
    if (board->head == NULL || seq_lt(board->head->prev->to, seq)) {
        return true;
    }
    range = nearest(board, seq);
    while (steps < SCOREBOARD_MOST_STEPS && seq_lt(range->to, seq)) {
        range = range->next;
        steps++;
    }
    while (steps < SCOREBOARD_MOST_STEPS && range != board->head && seq_leq(seq, range->prev->to)) {
        range = range->prev;
        steps++;
    }
    *found = range;
    return steps < SCOREBOARD_MOST_STEPS;
}

/* Adds [from, to): at most one new range, if there may be more, and all that it touches become one.  Returns how many
 * bytes are new. */
static uint32_t add_range(struct scoreboard *board, struct pool *pool, uint32_t from, uint32_t to, bool more)
{
    struct sack_range *range;
    uint32_t before = board->sacked_bytes;

    if (!search(board, from, &range)) {
        return 0;
    }
    if (range == NULL || seq_lt(to, range->from)) {
        struct sack_range *fresh = more ? pool_get(pool) : NULL;

        if (fresh == NULL) {
            return 0;
        }
        *fresh = (struct sack_range){.from = from, .to = to};
        put_in(board, fresh, range);
        count_new(board, from, to);
        range = fresh;
    }
    if (seq_lt(from, range->from)) {
        count_new(board, from, range->from);
        range->from = from;
    }
    while (seq_lt(range->to, to)) {
        struct sack_range *next = range->next;

        if (next == NULL || seq_lt(to, next->from)) {
            count_new(board, range->to, to);
            range->to = to;
        } else {
            uint32_t end = next->to;

            count_new(board, range->to, next->from);
            take_out(board, pool, next);
            range->to = end;
        }
    }
    if (has(board, SCOREBOARD_RXT) && seq_gt(range->to, board->high_rxt) &&
        (board->above == NULL || seq_lt(range->from, board->above->from))) {
        board->above = range;
    }
    return board->sacked_bytes - before;
}

static bool is_duplicate(const struct flue_sack_block *blocks, unsigned count, uint32_t ack, uint32_t max)
{
    if (!seq_lt(blocks[0].from, blocks[0].to)) {
        return false;
    }
    if (seq_leq(blocks[0].to, ack)) {
        return true;
    }
    return count > 1 && seq_lt(ack, blocks[1].from) && seq_leq(blocks[1].from, blocks[0].from) &&
           seq_leq(blocks[0].to, blocks[1].to) && seq_leq(blocks[1].to, max);
}

uint32_t scoreboard_take(struct scoreboard *board, struct pool *pool, uint32_t una, uint32_t max, uint32_t ack,
                         const struct flue_sack_block *blocks, unsigned count, bool *dsack)
{
    const uint32_t most_ranges = (max - una) / 256 + 64;
    uint32_t news = 0;

    *dsack = count > 0 && is_duplicate(blocks, count, ack, max);
    for (unsigned i = 0; i < count; i++) {
        if (seq_lt(una, blocks[i].from) && seq_lt(blocks[i].from, blocks[i].to) && seq_leq(blocks[i].to, max)) {
            news += add_range(board, pool, blocks[i].from, blocks[i].to, board->ranges < most_ranges);
        }
    }
    return news;
}

void scoreboard_clear(struct scoreboard *board, struct pool *pool)
{
    for (struct sack_range *range = board->head; range != NULL;) {
        struct sack_range *gone = range;

        range = range->next;
        pool_put(pool, gone);
    }
    *board = (struct scoreboard){0};
}

void scoreboard_adopt(struct scoreboard *board)
{
    struct sack_range *last = NULL;

    board->ranges = 0;
    board->sacked_bytes = 0;
    for (struct sack_range *range = board->head; range != NULL; range = range->next) {
        range->prev = last;
        board->ranges++;
        board->sacked_bytes += range->to - range->from;
        last = range;
    }
    if (last != NULL) {
        board->head->prev = last;
    }
    count_below_rxt(board);
}

bool scoreboard_consistent(const struct scoreboard *board)
{
    const struct sack_range *last = NULL;
    const struct sack_range *above = NULL;
    uint32_t rxt_bytes = 0;

    for (const struct sack_range *range = board->head; range != NULL; range = range->next) {
        if (last != NULL && range->prev != last) {
            return false;
        }
        if (has(board, SCOREBOARD_RXT)) {
            rxt_bytes += overlap(range, range->from, board->high_rxt);
            above = above == NULL && seq_gt(range->to, board->high_rxt) ? range : above;
        }
        last = range;
    }
    return (last == NULL || board->head->prev == last) && board->rxt_bytes == rxt_bytes && board->above == above;
}

/* The first `bytes` bytes of the first range are acknowledged. */
static void drop_first(struct scoreboard *board, uint32_t bytes)
{
    board->sacked_bytes -= bytes;
    if (has(board, SCOREBOARD_RXT)) {
        board->rxt_bytes -= bytes;
    }
}

void scoreboard_drop_below(struct scoreboard *board, struct pool *pool, uint32_t una)
{
    if (seq_leq(board->high_rxt, una)) {
        forget(board, SCOREBOARD_RXT);
        count_below_rxt(board);
    }
    while (board->head != NULL && seq_lt(board->head->from, una)) {
        struct sack_range *range = board->head;

        if (seq_lt(una, range->to)) {
            drop_first(board, una - range->from);
            range->from = una;
            break;
        }
        drop_first(board, range->to - range->from);
        take_out(board, pool, range);
    }
    if (seq_leq(board->lost_edge, una)) {
        forget(board, SCOREBOARD_LOST);
    }
    if (seq_leq(board->rto_edge, una)) {
        forget(board, SCOREBOARD_RTO);
    }
    if (seq_lt(board->rescue_rxt, una)) { /* "HighACK is greater than RescueRxt" */
        forget(board, SCOREBOARD_RESCUE);
    }
}

void scoreboard_mark_lost(struct scoreboard *board, uint32_t una, uint32_t mss_bytes, uint32_t dup_threshold)
{
    uint64_t least_bytes = (uint64_t)(dup_threshold - 1) * mss_bytes;
    uint32_t edge = edge_or_una(board, SCOREBOARD_RTO, board->rto_edge, una);
    uint32_t ranges = 0;
    uint64_t bytes = 0;

    /* All bytes of a hole have the same ranges above them, and higher holes have fewer: the highest range that has
     * enough with itself and above lies on the highest hole that is lost. */
    if (board->head != NULL) {
        const struct sack_range *range = board->head->prev;

        for (;;) {
            ranges++;
            bytes += range->to - range->from;
            if (ranges >= dup_threshold || bytes > least_bytes) {
                edge = seq_max(edge, range->from);
                break;
            }
            if (range == board->head) {
                break;
            }
            range = range->prev;
        }
    }
    board->lost_edge = edge;
    if (edge == una) {
        forget(board, SCOREBOARD_LOST);
    } else {
        remember(board, SCOREBOARD_LOST);
    }
}

void scoreboard_all_lost(struct scoreboard *board, uint32_t una, uint32_t max)
{
    board->lost_edge = max;
    board->rto_edge = max;
    board->rescue_rxt = max;
    board->valid = una == max ? 0 : SCOREBOARD_LOST | SCOREBOARD_RTO | SCOREBOARD_RESCUE;
    count_below_rxt(board);
}

void scoreboard_begin_recovery(struct scoreboard *board, uint32_t una, uint32_t length)
{
    board->high_rxt = una + length;
    board->rescue_rxt = una + length;
    remember(board, SCOREBOARD_RXT);
    remember(board, SCOREBOARD_RESCUE);
    count_below_rxt(board);
}

bool scoreboard_is_sacked(const struct scoreboard *board, uint32_t seq)
{
    const struct sack_range *range = board->head;

    while (range != NULL && seq_leq(range->to, seq)) {
        range = range->next;
    }
    return range != NULL && seq_leq(range->from, seq);
}

bool scoreboard_is_lost(const struct scoreboard *board, uint32_t seq)
{
    return has(board, SCOREBOARD_LOST) && seq_lt(seq, board->lost_edge) && !scoreboard_is_sacked(board, seq);
}

/* SACKed bytes at or above the edge, counted from the right: mark_lost() has left few there. */
static uint32_t sacked_from(const struct scoreboard *board, uint32_t edge)
{
    uint32_t bytes = 0;

    if (board->head != NULL) {
        const struct sack_range *range = board->head->prev;

        while (range != board->head && seq_gt(range->from, edge)) {
            bytes += range->to - range->from;
            range = range->prev;
        }
        bytes += overlap(range, edge, range->to);
    }
    return bytes;
}

uint32_t scoreboard_pipe(const struct scoreboard *board, uint32_t una, uint32_t max)
{
    uint32_t lost_edge = edge_or_una(board, SCOREBOARD_LOST, board->lost_edge, una);
    uint32_t high_rxt = edge_or_una(board, SCOREBOARD_RXT, board->high_rxt, una);
    uint32_t pipe = (max - lost_edge) + (high_rxt - una);

    pipe -= lost_edge == una ? board->sacked_bytes : sacked_from(board, lost_edge);
    return high_rxt == una ? pipe : pipe - board->rxt_bytes;
}

/* Rule 4: the last hole, which may be all that lies above the highest range. */
static bool last_hole(const struct scoreboard *board, uint32_t una, uint32_t max, uint32_t *from, uint32_t *to)
{
    *from = una;
    *to = max;
    if (board->head != NULL) {
        const struct sack_range *tail = board->head->prev;

        if (tail->to != max) {
            *from = tail->to;
        } else {
            *to = tail->from;
            if (tail != board->head) {
                *from = tail->prev->to;
            }
        }
    }
    return seq_lt(*from, *to);
}

enum sack_next scoreboard_next(const struct scoreboard *board, uint32_t una, uint32_t max, uint32_t mss_bytes,
                               bool new_data, uint32_t *seq, uint32_t *length)
{
    uint32_t lost_edge = edge_or_una(board, SCOREBOARD_LOST, board->lost_edge, una);
    uint32_t from = edge_or_una(board, SCOREBOARD_RXT, board->high_rxt, una);
    uint32_t to = max;
    const struct sack_range *above = has(board, SCOREBOARD_RXT) ? board->above : board->head;
    enum sack_next why;

    /* The first un-SACKed byte that was not retransmitted; if it is not lost, none above it is. */
    for (; above != NULL && seq_leq(above->from, from); above = above->next) {
        from = seq_max(from, above->to);
    }
    if (above != NULL) {
        to = above->from;
    }
    if (seq_lt(from, lost_edge)) {
        to = seq_min(to, lost_edge);
        why = SACK_NEXT_LOST;
    } else if (new_data) {
        *seq = max;
        *length = mss_bytes;
        return SACK_NEXT_NEW;
    } else if (above != NULL) {
        why = SACK_NEXT_HOLE;
    } else if (!has(board, SCOREBOARD_RESCUE) && last_hole(board, una, max, &from, &to)) {
        if (to - from > mss_bytes) {
            from = to - mss_bytes;
        }
        why = SACK_NEXT_RESCUE;
    } else {
        return SACK_NEXT_NONE;
    }
    *seq = from;
    *length = to - from < mss_bytes ? to - from : mss_bytes;
    return why;
}

static void move_high_rxt(struct scoreboard *board, uint32_t edge)
{
    uint32_t old = board->high_rxt;

    if (!has(board, SCOREBOARD_RXT)) {
        board->high_rxt = edge;
        remember(board, SCOREBOARD_RXT);
        count_below_rxt(board);
    } else if (seq_lt(old, edge)) {
        board->high_rxt = edge;
        while (board->above != NULL) {
            const struct sack_range *range = board->above;

            board->rxt_bytes += overlap(range, old, edge);
            if (seq_gt(range->to, edge)) {
                break;
            }
            board->above = range->next;
        }
    }
}

void scoreboard_sent_again(struct scoreboard *board, enum sack_next why, uint32_t seq, uint32_t length,
                           uint32_t recovery_point)
{
    switch (why) {
    case SACK_NEXT_LOST:
    case SACK_NEXT_HOLE:
        move_high_rxt(board, seq + length);
        break;
    case SACK_NEXT_RESCUE:
        board->rescue_rxt = recovery_point;
        remember(board, SCOREBOARD_RESCUE);
        break;
    case SACK_NEXT_NONE:
    case SACK_NEXT_NEW:
        break;
    }
}
