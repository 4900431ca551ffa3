/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/sack_report.c - the receiver's side of selective acknowledgement (RFC 2018 4, RFC 2883 4). */
#include <assert.h>

#include "tcp/sack_report.h"
#include "tcp/seq.h"

static_assert(sizeof(struct sack_report) <= 44, "the report is a part of every connection");

void sack_report_arrived(struct sack_report *report, uint32_t rcv_nxt, struct flue_sack_block stretch)
{
    struct flue_sack_block recent[SACK_REPORT_RECENT];
    unsigned count = 0;

    if (stretch.from == stretch.to) {
        return;
    }
    if (seq_gt(stretch.from, rcv_nxt)) {
        recent[count++] = stretch;
    }
    for (unsigned i = 0; i < report->recent_count && count < SACK_REPORT_RECENT; i++) {
        if (!seq_within(report->recent[i].from, stretch.from, stretch.to - stretch.from)) {
            recent[count++] = report->recent[i];
        }
    }
    for (unsigned i = 0; i < count; i++) {
        report->recent[i] = recent[i];
    }
    report->recent_count = (uint8_t)count;
}

void sack_report_duplicate(struct sack_report *report, uint32_t from, uint32_t to)
{
    if (from != to) {
        report->dsack = (struct flue_sack_block){.from = from, .to = to};
        report->dsack_due = 1;
    }
}

/* What has been handed up is forgotten. */
static void forget(struct sack_report *report, const struct reassembly *queue, uint32_t rcv_nxt)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < report->recent_count && queue->head != NULL; i++) {
        if (seq_gt(report->recent[i].from, rcv_nxt)) {
            report->recent[kept++] = report->recent[i];
        }
    }
    report->recent_count = (uint8_t)kept;
}

static bool is_recent(const struct sack_report *report, uint32_t from)
{
    unsigned i = 0;

    while (i < report->recent_count && report->recent[i].from != from) {
        i++;
    }
    return i < report->recent_count;
}

unsigned sack_report_blocks(struct sack_report *report, const struct reassembly *queue, uint32_t rcv_nxt,
                            struct flue_sack_block out[], unsigned room)
{
    unsigned count = 0;

    forget(report, queue, rcv_nxt);
    if (report->dsack_due != 0 && room > 0) {
        out[count++] = report->dsack;
        report->dsack_due = 0;
    }
    if (room > FLUE_SACK_BLOCKS) {
        room = FLUE_SACK_BLOCKS;
    }
    for (unsigned i = 0; i < report->recent_count && count < room; i++) {
        out[count++] = report->recent[i];
    }
    /* With a block left to tell here, all recent ones have been told, and there is a place to note it. */
    for (const struct piece *next = queue->head; next != NULL && count < room;) {
        struct flue_sack_block block = reassembly_stretch(&next);

        if (seq_gt(block.from, rcv_nxt) && !is_recent(report, block.from)) {
            out[count++] = block;
            report->recent[report->recent_count++] = block;
        }
    }
    return count;
}
