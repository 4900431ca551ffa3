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

/* Adds [from, to): at most one new range, and all that it touches become one.  Returns how many bytes are new. */
static uint32_t add_range(struct scoreboard *board, struct pool *pool, uint32_t from, uint32_t to)
{
    struct sack_range **link = &board->head;
    struct sack_range *range;
    uint32_t before = board->sacked_bytes;

    while (*link != NULL && seq_lt((*link)->to, from)) {
        link = &(*link)->next;
    }
    range = *link;
    if (range == NULL || seq_lt(to, range->from)) {
        range = pool_get(pool);
        if (range == NULL) {
            return 0;
        }
        *range = (struct sack_range){.next = *link, .from = from, .to = to};
        *link = range;
        board->ranges++;
        board->sacked_bytes += to - from;
        return to - from;
    }
    if (seq_lt(from, range->from)) {
        board->sacked_bytes += range->from - from;
        range->from = from;
    }
    while (seq_lt(range->to, to)) {
        struct sack_range *next = range->next;

        if (next == NULL || seq_lt(to, next->from)) {
            board->sacked_bytes += to - range->to;
            range->to = to;
        } else {
            board->sacked_bytes += next->from - range->to;
            range->to = next->to;
            range->next = next->next;
            board->ranges--;
            pool_put(pool, next);
        }
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
    uint32_t news = 0;

    *dsack = count > 0 && is_duplicate(blocks, count, ack, max);
    for (unsigned i = 0; i < count; i++) {
        if (seq_lt(una, blocks[i].from) && seq_lt(blocks[i].from, blocks[i].to) && seq_leq(blocks[i].to, max)) {
            news += add_range(board, pool, blocks[i].from, blocks[i].to);
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

void scoreboard_drop_below(struct scoreboard *board, struct pool *pool, uint32_t una)
{
    while (board->head != NULL && seq_lt(board->head->from, una)) {
        struct sack_range *range = board->head;

        if (seq_lt(una, range->to)) {
            board->sacked_bytes -= una - range->from;
            range->from = una;
            break;
        }
        board->head = range->next;
        board->ranges--;
        board->sacked_bytes -= range->to - range->from;
        pool_put(pool, range);
    }
    if (seq_leq(board->lost_edge, una)) {
        forget(board, SCOREBOARD_LOST);
    }
    if (seq_leq(board->rto_edge, una)) {
        forget(board, SCOREBOARD_RTO);
    }
    if (seq_leq(board->high_rxt, una)) {
        forget(board, SCOREBOARD_RXT);
    }
    if (seq_lt(board->rescue_rxt, una)) { /* "HighACK is greater than RescueRxt" */
        forget(board, SCOREBOARD_RESCUE);
    }
}

void scoreboard_mark_lost(struct scoreboard *board, uint32_t una, uint32_t mss_bytes, uint32_t dup_threshold)
{
    uint64_t least_bytes = (uint64_t)(dup_threshold - 1) * mss_bytes;
    uint32_t ranges_above = board->ranges;
    uint32_t bytes_above = board->sacked_bytes;
    uint32_t edge = edge_or_una(board, SCOREBOARD_RTO, board->rto_edge, una);

    /* All bytes of a hole have the same ranges above them, and higher holes have fewer. */
    for (const struct sack_range *range = board->head; range != NULL; range = range->next) {
        if (ranges_above < dup_threshold && bytes_above <= least_bytes) {
            break;
        }
        edge = seq_max(edge, range->from);
        ranges_above--;
        bytes_above -= range->to - range->from;
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
}

void scoreboard_begin_recovery(struct scoreboard *board, uint32_t una, uint32_t length)
{
    board->high_rxt = una + length;
    board->rescue_rxt = una + length;
    remember(board, SCOREBOARD_RXT);
    remember(board, SCOREBOARD_RESCUE);
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

/* How many bytes of the range lie in [from, to). */
static uint32_t overlap(const struct sack_range *range, uint32_t from, uint32_t to)
{
    uint32_t low = seq_max(range->from, from);
    uint32_t high = seq_min(range->to, to);

    return seq_lt(low, high) ? high - low : 0;
}

uint32_t scoreboard_pipe(const struct scoreboard *board, uint32_t una, uint32_t max)
{
    uint32_t lost_edge = edge_or_una(board, SCOREBOARD_LOST, board->lost_edge, una);
    uint32_t high_rxt = edge_or_una(board, SCOREBOARD_RXT, board->high_rxt, una);
    uint32_t pipe = (max - lost_edge) + (high_rxt - una);

    if (lost_edge == una && high_rxt == una) {
        return pipe - board->sacked_bytes;
    }
    for (const struct sack_range *range = board->head; range != NULL; range = range->next) {
        pipe -= overlap(range, lost_edge, max) + overlap(range, una, high_rxt);
    }
    return pipe;
}

/* Rule 4: the last hole, which may be all that lies above the highest range. */
static bool last_hole(const struct scoreboard *board, uint32_t una, uint32_t max, uint32_t *from, uint32_t *to)
{
    *from = una;
    *to = max;
    for (const struct sack_range *range = board->head; range != NULL; range = range->next) {
        if (range->to == max) {
            *to = range->from;
        } else {
            *from = range->to;
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
    const struct sack_range *above = board->head;
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

void scoreboard_sent_again(struct scoreboard *board, enum sack_next why, uint32_t seq, uint32_t length,
                           uint32_t recovery_point)
{
    switch (why) {
    case SACK_NEXT_LOST:
    case SACK_NEXT_HOLE:
        board->high_rxt = has(board, SCOREBOARD_RXT) ? seq_max(board->high_rxt, seq + length) : seq + length;
        remember(board, SCOREBOARD_RXT);
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
