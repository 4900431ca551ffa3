/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/cc.c - what all congestion control algorithms share: initial window, slow start, idle restart. */
#include "tcp/cc.h"

#include <assert.h>

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

uint32_t cc_initial_bytes(uint32_t mss_bytes, uint32_t segments)
{
    return smaller(segments * mss_bytes, larger(2 * mss_bytes, segments * 1460));
}

struct cc cc_start(uint32_t mss_bytes, uint32_t initial_bytes)
{
    return (struct cc){
        .cwnd_bytes = smaller(larger(initial_bytes, mss_bytes), CC_MAX_BYTES),
        .ssthresh_bytes = CC_INFINITE,
    };
}

void cc_idle(struct cc *cc, uint32_t initial_bytes)
{
    cc->cwnd_bytes = smaller(cc->cwnd_bytes, initial_bytes);
}

uint32_t cc_slow_start(struct cc *cc, struct cc_epoch *epoch, const struct cc_facts *facts)
{
    /* RFC 3465 2.2, 2.3: an ACK counts for two segments at most, so that delayed acknowledgements do not slow the
     * sender down; for one after a timeout, where an ACK may cover what had arrived long before. */
    uint32_t limit_bytes = facts->mss_bytes * (epoch->after_timeout ? 1 : 2);
    uint32_t grow_bytes = smaller(facts->acked_bytes, limit_bytes);
    uint32_t end_bytes = smaller(cc->ssthresh_bytes, CC_MAX_BYTES);
    uint32_t room_bytes;

    assert(facts->mss_bytes > 0 && facts->mss_bytes <= CC_MSS_MAX_BYTES);
    cc->cwnd_bytes = smaller(larger(cc->cwnd_bytes, facts->mss_bytes), CC_MAX_BYTES);
    if (cc->cwnd_bytes >= end_bytes) {
        epoch->after_timeout = 0;
        return facts->acked_bytes;
    }
    epoch->running = 0;
    room_bytes = end_bytes - cc->cwnd_bytes;
    if (grow_bytes < room_bytes) {
        cc->cwnd_bytes += grow_bytes;
        return 0;
    }
    cc->cwnd_bytes = end_bytes;
    epoch->after_timeout = 0;
    return grow_bytes - room_bytes;
}
