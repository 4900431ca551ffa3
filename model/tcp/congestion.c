/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/congestion.c - congestion control: RFC 5681 and NewReno (RFC 6582). */
#include "tcp/congestion.h"
#include "tcp/seq.h"

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

uint32_t congestion_initial_bytes(uint32_t mss_bytes, uint32_t segments)
{
    return smaller(segments * mss_bytes, larger(2 * mss_bytes, segments * 1460));
}

struct congestion congestion_start(uint32_t mss_bytes, uint32_t initial_bytes)
{
    return (struct congestion){.cwnd_bytes = larger(initial_bytes, mss_bytes), .ssthresh_bytes = CONGESTION_INFINITE};
}

bool congestion_may_enter(const struct congestion *c, uint32_t una)
{
    return !c->in_recovery && (!c->recover_valid || seq_gt(una, c->recover));
}

void congestion_enter(struct congestion *c, uint32_t mss_bytes, uint32_t flight_bytes, uint32_t snd_max)
{
    c->ssthresh_bytes = larger(flight_bytes / 2, 2 * mss_bytes);
    c->cwnd_bytes = c->ssthresh_bytes + 3 * mss_bytes;
    c->acked_bytes = 0;
    c->recover = snd_max;
    c->recover_valid = 1;
    c->in_recovery = 1;
    c->partial_seen = 0;
}

void congestion_inflate(struct congestion *c, uint32_t mss_bytes)
{
    if (c->cwnd_bytes < CONGESTION_MAX_BYTES) {
        c->cwnd_bytes += mss_bytes;
    }
}

bool congestion_recovering(struct congestion *c, uint32_t mss_bytes, uint32_t ack, uint32_t acked_bytes,
                           uint32_t flight_bytes)
{
    if (seq_geq(ack, c->recover)) {
        c->cwnd_bytes = smaller(c->ssthresh_bytes, larger(flight_bytes, mss_bytes) + mss_bytes);
        c->in_recovery = 0;
        c->dup_acks = 0;
        return true;
    }
    c->cwnd_bytes = c->cwnd_bytes > acked_bytes ? c->cwnd_bytes - acked_bytes : 0;
    if (acked_bytes >= mss_bytes || c->cwnd_bytes < mss_bytes) {
        c->cwnd_bytes += mss_bytes;
    }
    return false;
}

void congestion_timeout(struct congestion *c, uint32_t mss_bytes, uint32_t flight_bytes, uint32_t snd_max, bool again)
{
    if (!again) {
        c->ssthresh_bytes = larger(flight_bytes / 2, 2 * mss_bytes);
    }
    c->cwnd_bytes = mss_bytes;
    c->acked_bytes = 0;
    c->recover = snd_max;
    c->recover_valid = 1;
    c->in_recovery = 0;
    c->dup_acks = 0;
}

void congestion_idle(struct congestion *c, uint32_t initial_bytes)
{
    c->cwnd_bytes = smaller(c->cwnd_bytes, initial_bytes);
}
