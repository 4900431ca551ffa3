/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/congestion.h - congestion control: RFC 5681 and NewReno (RFC 6582), on four numbers and a few flags.
 * Pure: it knows sequence numbers and lengths, never segments. */
#ifndef FLUE_TCP_CONGESTION_H
#define FLUE_TCP_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

#define CONGESTION_MAX_BYTES UINT32_C(0x40000000)
#define CONGESTION_INFINITE  UINT32_MAX /* ssthresh before the first loss (RFC 5681 3.1) */

struct congestion {
    uint32_t cwnd_bytes;
    uint32_t ssthresh_bytes;
    uint32_t acked_bytes; /* in congestion avoidance: since cwnd grew last */
    uint32_t recover;     /* NewReno's "recover": SND.MAX when the last loss was noticed */
    uint8_t dup_acks;
    uint8_t in_recovery;
    uint8_t partial_seen;  /* the first partial acknowledgement of this recovery has come */
    uint8_t recover_valid; /* 0: no loss was ever noticed */
};

/* Initial window of RFC 6928 for `segments` instead of 10. */
uint32_t congestion_initial_bytes(uint32_t mss_bytes, uint32_t segments);
struct congestion congestion_start(uint32_t mss_bytes, uint32_t initial_bytes);

/* New data was acknowledged outside of recovery.  flight_bytes: outstanding before this acknowledgement; the window
 * only grows while at least half of it is in use, so that an idle sender does not save up a burst. */
static inline void congestion_grow(struct congestion *c, uint32_t mss_bytes, uint32_t acked_bytes,
                                   uint32_t flight_bytes)
{
    if (flight_bytes < c->cwnd_bytes / 2 || c->cwnd_bytes >= CONGESTION_MAX_BYTES) {
        return;
    }
    if (c->cwnd_bytes < c->ssthresh_bytes) {
        c->cwnd_bytes += acked_bytes < mss_bytes ? acked_bytes : mss_bytes;
        return;
    }
    c->acked_bytes += acked_bytes;
    if (c->acked_bytes >= c->cwnd_bytes) {
        c->acked_bytes -= c->cwnd_bytes;
        c->cwnd_bytes += mss_bytes;
    }
}

/* RFC 6582 3.2 step 2: may a loss be inferred from duplicates of `una`, or do they stem from an earlier one? */
bool congestion_may_enter(const struct congestion *c, uint32_t una);

/* RFC 5681 3.2 steps 2 and 3: the threshold of duplicates has been reached. */
void congestion_enter(struct congestion *c, uint32_t mss_bytes, uint32_t flight_bytes, uint32_t snd_max);

/* Step 4: one more duplicate. */
void congestion_inflate(struct congestion *c, uint32_t mss_bytes);

/* RFC 6582 3.2 step 3: new data acknowledged up to `ack` in recovery.  flight_bytes: outstanding after it.  True: it
 * was a full acknowledgement and recovery is over; false: partial, the first unacknowledged segment is to be sent
 * again. */
bool congestion_recovering(struct congestion *c, uint32_t mss_bytes, uint32_t ack, uint32_t acked_bytes,
                           uint32_t flight_bytes);

/* The retransmission timer expired (RFC 5681 3.1 equation 4).  again: for a segment it has expired for before. */
void congestion_timeout(struct congestion *c, uint32_t mss_bytes, uint32_t flight_bytes, uint32_t snd_max, bool again);

/* Nothing was sent for longer than the timeout (RFC 5681 4.1). */
void congestion_idle(struct congestion *c, uint32_t initial_bytes);

#endif
