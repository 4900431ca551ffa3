/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/sack_report.h - which SACK blocks an ACK carries (RFC 2018 4, RFC 2883 4).
 *
 * What has arrived stands in the reassembly queue; here is only the order in which it came, and the duplicate that is
 * to be reported.  A stretch of the queue changes only by a segment that is in it afterwards, so the stretches noted
 * here are true as long as each arrival is told; those that RCV.NXT reaches are handed up whole, and forgotten. */
#ifndef FLUE_TCP_SACK_REPORT_H
#define FLUE_TCP_SACK_REPORT_H

#include "flue/wire.h"
#include "tcp/reassembly.h"

#define SACK_REPORT_RECENT FLUE_SACK_BLOCKS

/* A zeroed struct has nothing to report. */
struct sack_report {
    struct flue_sack_block recent[SACK_REPORT_RECENT]; /* the blocks that were told or arrived last, newest first */
    struct flue_sack_block dsack;
    uint8_t recent_count;
    uint8_t dsack_due;
};

/* A segment's data arrived, new or not, and is now in the stretch that reassembly_insert() told: to be called for each
 * insertion.  An empty stretch, and one that begins at RCV.NXT and is about to be handed up, takes no place. */
void sack_report_arrived(struct sack_report *report, uint32_t rcv_nxt, struct flue_sack_block stretch);

/* The first stretch of a segment that had arrived before: what is below RCV.NXT, otherwise what reassembly_insert()
 * tells.  Goes into the next ACK, and only there; a newer one takes its place.  An empty stretch does nothing. */
void sack_report_duplicate(struct sack_report *report, uint32_t from, uint32_t to);

/* Would sack_report_blocks() have something to do? */
static inline bool sack_report_any(const struct sack_report *report, const struct reassembly *queue)
{
    return queue->head != NULL || report->recent_count != 0 || report->dsack_due != 0;
}

/* The blocks of an ACK that is about to leave, at most `room`, at most FLUE_SACK_BLOCKS; returns how many.  First the
 * duplicate, then the block with the newest segment, then those told most recently, then others from the left.  Looks
 * at a few stretches of the queue at most.  Without room a duplicate waits. */
unsigned sack_report_blocks(struct sack_report *report, const struct reassembly *queue, uint32_t rcv_nxt,
                            struct flue_sack_block out[], unsigned room);

#endif
