/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/sack_report.c - the receiver's side of selective acknowledgement (RFC 2018 4, RFC 2883 4). */
#include <assert.h>

#include "tcp/sack_report.h"
#include "tcp/seq.h"

static_assert(sizeof(struct sack_report) <= 32, "the report is a part of every connection");

void sack_report_arrived(struct sack_report *report, uint32_t seq)
{
    unsigned last = 0;

    while (last < report->recent_count && report->recent[last] != seq) {
        last++;
    }
    if (last == report->recent_count) {
        if (last < SACK_REPORT_RECENT) {
            report->recent_count++;
        } else {
            last--;
        }
    }
    for (; last > 0; last--) {
        report->recent[last] = report->recent[last - 1];
    }
    report->recent[0] = seq;
}

void sack_report_duplicate(struct sack_report *report, uint32_t from, uint32_t to)
{
    if (from != to) {
        report->dsack = (struct flue_sack_block){.from = from, .to = to};
        report->dsack_due = 1;
    }
}

/* The stretch of pieces that touch one another, from *piece on; *piece becomes the first piece behind it. */
static struct flue_sack_block next_block(const struct piece **piece)
{
    struct flue_sack_block block = {.from = (*piece)->seq, .to = (*piece)->seq};

    while (*piece != NULL && (*piece)->seq == block.to) {
        block.to += (*piece)->span.length_bytes;
        *piece = (*piece)->next;
    }
    return block;
}

/* The newest entry that lies in the block; recent_count if none does. */
static unsigned newest_in(const struct sack_report *report, const struct flue_sack_block *block)
{
    unsigned i = 0;

    while (i < report->recent_count && !seq_within(report->recent[i], block->from, block->to - block->from)) {
        i++;
    }
    return i;
}

unsigned sack_report_blocks(struct sack_report *report, const struct reassembly *queue, uint32_t rcv_nxt,
                            struct flue_sack_block out[], unsigned room)
{
    struct flue_sack_block recent[SACK_REPORT_RECENT] = {{0}}; /* beside report->recent; empty: not in the queue */
    struct flue_sack_block other[SACK_REPORT_RECENT];
    unsigned others = 0;
    unsigned count = 0;
    unsigned kept = 0;

    for (const struct piece *piece = queue->head; piece != NULL;) {
        struct flue_sack_block block = next_block(&piece);
        unsigned i = newest_in(report, &block);

        if (seq_leq(block.from, rcv_nxt)) {
            continue;
        }
        if (i < report->recent_count) {
            recent[i] = block;
        } else if (others < SACK_REPORT_RECENT) {
            other[others++] = block;
        }
    }
    if (report->dsack_due != 0 && room > 0) {
        out[count++] = report->dsack;
        report->dsack_due = 0;
    }
    if (room > FLUE_SACK_BLOCKS) {
        room = FLUE_SACK_BLOCKS;
    }
    for (unsigned i = 0; i < report->recent_count; i++) {
        if (recent[i].from != recent[i].to) {
            report->recent[kept++] = recent[i].from;
            if (count < room) {
                out[count++] = recent[i];
            }
        }
    }
    for (unsigned i = 0; i < others && count < room; i++) {
        out[count++] = other[i];
        if (kept < SACK_REPORT_RECENT) {
            report->recent[kept++] = other[i].from;
        }
    }
    report->recent_count = (uint8_t)kept;
    return count;
}
