/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/cc_newreno.c - the window of RFC 5681: additive increase by counting bytes (RFC 3465 2.1), halving upon loss. */
#include "tcp/cc.h"

static uint32_t half_the_flight(const struct cc_facts *facts)
{
    uint32_t half_bytes = facts->flight_bytes / 2;
    uint32_t least_bytes = 2 * facts->mss_bytes;

    return half_bytes > least_bytes ? half_bytes : least_bytes; /* RFC 5681 equation 4 */
}

static void acked(struct cc *cc, struct cc_epoch *epoch, const struct cc_facts *facts)
{
    uint32_t left_bytes = cc_slow_start(cc, epoch, facts);
    uint64_t sum_bytes = (uint64_t)epoch->carry + left_bytes;

    if (left_bytes == 0) {
        return;
    }
    if (sum_bytes >= cc->cwnd_bytes) {
        sum_bytes -= cc->cwnd_bytes;
        cc->cwnd_bytes += facts->mss_bytes;
        if (cc->cwnd_bytes > CC_MAX_BYTES) {
            cc->cwnd_bytes = CC_MAX_BYTES;
        }
    }
    /* One SMSS for an ACK is the most: what covers more than a window is forgotten. */
    epoch->carry = sum_bytes < cc->cwnd_bytes ? (uint32_t)sum_bytes : cc->cwnd_bytes;
}

static uint32_t loss(struct cc *cc, struct cc_epoch *epoch, const struct cc_facts *facts)
{
    *epoch = (struct cc_epoch){0};
    cc->ssthresh_bytes = half_the_flight(facts);
    return cc->ssthresh_bytes;
}

static void timeout(struct cc *cc, struct cc_epoch *epoch, const struct cc_facts *facts, bool again)
{
    if (!again) {
        cc->ssthresh_bytes = half_the_flight(facts);
    }
    cc->cwnd_bytes = facts->mss_bytes;
    *epoch = (struct cc_epoch){.after_timeout = 1};
}

const struct cc_ops cc_newreno_ops = {.acked = acked, .loss = loss, .timeout = timeout};
