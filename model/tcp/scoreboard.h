/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/scoreboard.h - what the peer holds beyond SND.UNA, and what the sender makes of it (RFC 2018, 2883, 6675).
 *
 * Octets named by RFC 6675 (HighACK, HighRxt, RescueRxt, HighData) are inclusive there; here each edge is the sequence
 * number behind the octet, as SND.UNA is HighACK + 1 and SND.MAX is HighData + 1.  An edge that SND.UNA has reached
 * (rescue_rxt: passed) is forgotten: its bit in `valid` goes, so no number is ever compared with one 2^31 away.
 *
 * Order on each ACK: scoreboard_take(), scoreboard_advance(), scoreboard_mark_lost(); then the questions.
 *
 * The sums that the questions need are kept up to date, so each question takes constant time (dup_threshold ranges from
 * the right).  A block finds its place from the left end, the right end or high_rxt, whichever is nearest: at once for
 * a receiver that tells what came last.
 *
 * Two bounds keep a peer from making that expensive.  There are at most (max - una) / 256 + 64 ranges, and the search
 * for a place ends after SCOREBOARD_MOST_STEPS.  A block beyond a bound is left out. */
#ifndef FLUE_TCP_SCOREBOARD_H
#define FLUE_TCP_SCOREBOARD_H

#include <stdbool.h>

#include "base/pool.h"
#include "tcp/seq.h"

struct flue_sack_block;

enum { SCOREBOARD_MOST_STEPS = 4096 };

/* The peer holds [from, to). */
struct sack_range {
    struct sack_range *next;
    struct sack_range *prev; /* of the first: the last */
    uint32_t from, to;
};

enum scoreboard_valid {
    SCOREBOARD_LOST = 0x01,   /* lost_edge */
    SCOREBOARD_RTO = 0x02,    /* rto_edge */
    SCOREBOARD_RXT = 0x04,    /* high_rxt */
    SCOREBOARD_RESCUE = 0x08, /* rescue_rxt */
};

/* A zeroed struct is empty. */
struct scoreboard {
    struct sack_range
        *head; /* ascending, apart from one another by at least a byte, above SND.UNA, not above SND.MAX */
    struct sack_range *above; /* with high_rxt: the first that reaches beyond it, NULL: none does */
    uint32_t ranges;
    uint32_t sacked_bytes;
    uint32_t rxt_bytes;  /* with high_rxt: SACKed bytes below it */
    uint32_t lost_edge;  /* everything un-SACKed below counts as lost (IsLost) */
    uint32_t rto_edge;   /* SND.MAX when the retransmission timer expired: below it all is lost, whatever is SACKed */
    uint32_t high_rxt;   /* retransmitted in this recovery up to here */
    uint32_t rescue_rxt; /* no rescue before SND.UNA has passed this */
    uint8_t valid;       /* enum scoreboard_valid */
};

/* Which rule of NextSeg() (RFC 6675 4) answered. */
enum sack_next {
    SACK_NEXT_NONE,
    SACK_NEXT_LOST,  /* rule 1: a hole that counts as lost */
    SACK_NEXT_NEW,   /* rule 2: data never sent, from SND.MAX on */
    SACK_NEXT_HOLE,  /* rule 3: a hole not yet known to be lost */
    SACK_NEXT_RESCUE /* rule 4: the end of what is outstanding, once in a recovery */
};

/* Takes the blocks of one segment.  ack: its acknowledgement number; una and max: SND.UNA (after this segment) and
 * SND.MAX.  Blocks that are empty, reversed, at or below una, or beyond max are ignored.  *dsack: the first block
 * reports a duplicate (RFC 2883 4: it lies below ack or within the second block).  Returns how many bytes were not
 * known before.  A range for which there is no memory, or which is beyond a bound, is left out: SACK is advice. */
uint32_t scoreboard_take(struct scoreboard *board, struct pool *pool, uint32_t una, uint32_t max, uint32_t ack,
                         const struct flue_sack_block *blocks, unsigned count, bool *dsack);

/* Forgets everything, for a peer that has reneged (RFC 2018 8), or when the connection ends. */
void scoreboard_clear(struct scoreboard *board, struct pool *pool);

/* Completes a scoreboard whose ranges are linked by `next` from head on, and whose edges are set. */
void scoreboard_adopt(struct scoreboard *board);

/* Do links and sums fit the ranges?  For self-checks. */
bool scoreboard_consistent(const struct scoreboard *board);

void scoreboard_drop_below(struct scoreboard *board, struct pool *pool, uint32_t una);

/* SND.UNA has moved to una; to be called for each move. */
static inline void scoreboard_advance(struct scoreboard *board, struct pool *pool, uint32_t una)
{
    if (board->head != NULL || board->valid != 0) {
        scoreboard_drop_below(board, pool, una);
    }
}

/* Sets lost_edge anew by IsLost() (RFC 6675 4): at least dup_threshold ranges, or more than (dup_threshold - 1) x
 * mss_bytes SACKed bytes, lie above.  When ranges grow together a hole may stop counting as lost. */
void scoreboard_mark_lost(struct scoreboard *board, uint32_t una, uint32_t mss_bytes, uint32_t dup_threshold);

/* The retransmission timer has expired (RFC 6675 5.1): all un-SACKed bytes in [una, max) are lost, and none of them has
 * been retransmitted.  NextSeg's rule 1 then walks through them; there is no rescue before max is acknowledged. */
void scoreboard_all_lost(struct scoreboard *board, uint32_t una, uint32_t max);

/* Recovery begins, and `length` bytes at una are retransmitted (RFC 6675 5 step 4.3). */
void scoreboard_begin_recovery(struct scoreboard *board, uint32_t una, uint32_t length);

/* Is the byte SACKed?  Does it count as lost?  At once for a byte near SND.UNA. */
bool scoreboard_is_sacked(const struct scoreboard *board, uint32_t seq);
bool scoreboard_is_lost(const struct scoreboard *board, uint32_t seq);

/* The first byte that is not acknowledged is SACKed: the peer has thrown data away (RFC 2018 8). */
static inline bool scoreboard_reneged(const struct scoreboard *board, uint32_t una)
{
    return board->head != NULL && seq_leq(board->head->from, una) && seq_lt(una, board->head->to);
}

/* SetPipe() (RFC 6675 4): bytes thought to be on their way.  una <= max. */
uint32_t scoreboard_pipe(const struct scoreboard *board, uint32_t una, uint32_t max);

/* NextSeg() (RFC 6675 4): what to send next, at most mss_bytes from *seq on.  new_data: there are unsent bytes and the
 * peer's window takes some; how many is the caller's question, so rule 2 answers with max and mss_bytes.  Changes
 * nothing: tell scoreboard_sent_again() when it has left.  *seq and *length stay as they are with SACK_NEXT_NONE. */
enum sack_next scoreboard_next(const struct scoreboard *board, uint32_t una, uint32_t max, uint32_t mss_bytes,
                               bool new_data, uint32_t *seq, uint32_t *length);

/* `length` bytes at seq have left because of `why`.  recovery_point: SND.MAX when recovery began; used by the rescue.
 */
void scoreboard_sent_again(struct scoreboard *board, enum sack_next why, uint32_t seq, uint32_t length,
                           uint32_t recovery_point);

#endif
