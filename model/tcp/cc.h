/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/cc.h - congestion control as a table of three functions: how the window grows, how far it falls.
 *
 * Pure integer arithmetic on the structs below; no connection, no segment, no sequence number.  What goes on inside a
 * recovery (duplicates, inflation, pipe, where it ends) belongs to the engine: it calls loss() once when it enters one,
 * sets cwnd itself, and calls acked() again when it has left it. */
#ifndef FLUE_TCP_CC_H
#define FLUE_TCP_CC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/wide.h"
#include "flue/base.h"

#define CC_MAX_BYTES     UINT32_C(0x40000000) /* no window grows beyond 1 GiB */
#define CC_INFINITE      UINT32_MAX           /* ssthresh before the first loss (RFC 5681 3.1) */
#define CC_MSS_MAX_BYTES UINT32_C(65535)

/* What stays with an idle connection. */
struct cc {
    uint32_t cwnd_bytes;
    uint32_t ssthresh_bytes;
    uint32_t w_max_bytes; /* CUBIC's plateau; 0: none is known, the next curve starts on it (RFC 9438 4.8, 4.10) */
};
_Static_assert(sizeof(struct cc) <= 12, "an idle connection has 12 bytes for this");

/* What an active connection needs besides.  All zero: no congestion avoidance stage has begun; the engine may zero it
 * whenever the connection was idle, and does so when it sets cwnd for reasons of its own; CUBIC's next curve then
 * starts anew from cwnd towards w_max. */
struct cc_epoch {
    flue_ps elapsed_ps;        /* CUBIC's t: length of this stage without the times when the sender held back */
    flue_ps counted_ps;        /* elapsed_ps is right for this moment */
    uint32_t k_ticks;          /* CUBIC's K, in 2^-20 s */
    uint32_t w_est_bytes;      /* CUBIC's guess of what Reno's window would be */
    uint32_t w_est_carry;      /* < cwnd: the part of w_est below a byte, in cwnd-ths of one */
    uint32_t cwnd_prior_bytes; /* cwnd when ssthresh was set last; 0: not known */
    uint32_t carry;            /* Reno: bytes acknowledged since cwnd grew; CUBIC: like w_est_carry, of cwnd */
    uint8_t running;           /* a stage has begun */
    uint8_t after_timeout;     /* slow start that follows a timeout */
};
_Static_assert(sizeof(struct cc_epoch) <= 40, "an active connection has 40 bytes more");

struct cc_facts {
    flue_ps now_ps;
    flue_ps srtt_ps;       /* 0: no sample yet */
    uint32_t mss_bytes;    /* SMSS, 1 .. CC_MSS_MAX_BYTES */
    uint32_t acked_bytes;  /* acked() only: newly acknowledged */
    uint32_t flight_bytes; /* outstanding before this acknowledgement, or when the timer expired */
};

struct cc_ops {
    /* New data was acknowledged outside of recovery, and cwnd was what limited the sender.  For an acknowledgement
     * that comes while it was not, call cc_held_back() instead.  Afterwards SMSS <= cwnd <= CC_MAX_BYTES. */
    void (*acked)(struct cc *cc, struct cc_epoch *epoch, const struct cc_facts *facts);
    /* A loss was inferred or ECN-Echo came.  To be called before the engine touches cwnd, which stays as it is.
     * Sets ssthresh and returns it; remembers what the algorithm wants to know of the old window. */
    uint32_t (*loss)(struct cc *cc, struct cc_epoch *epoch, const struct cc_facts *facts);
    /* The retransmission timer expired: cwnd becomes the loss window of one SMSS, and the stage ends.
     * again: for a segment it has expired for before; then ssthresh stays (RFC 5681 3.1). */
    void (*timeout)(struct cc *cc, struct cc_epoch *epoch, const struct cc_facts *facts, bool again);
};

extern const struct cc_ops cc_newreno_ops;
extern const struct cc_ops cc_cubic_ops;

/* Initial window of RFC 6928 for `segments` instead of 10. */
uint32_t cc_initial_bytes(uint32_t mss_bytes, uint32_t segments);
struct cc cc_start(uint32_t mss_bytes, uint32_t initial_bytes);

/* Nothing was sent for longer than the timeout (RFC 5681 4.1).  The epoch, if there is one, is to be zeroed. */
void cc_idle(struct cc *cc, uint32_t initial_bytes);

/* The sender uses less than cwnd: this time does not count for CUBIC's curve (RFC 9438 4.2, 5.8). */
static inline void cc_held_back(struct cc_epoch *epoch, flue_ps now_ps)
{
    epoch->counted_ps = now_ps;
}

/* For the algorithms.  Slow start, counting bytes: returns how many of the acknowledged bytes are left for congestion
 * avoidance (all, when cwnd is at ssthresh already).  Brings cwnd into its limits first. */
uint32_t cc_slow_start(struct cc *cc, struct cc_epoch *epoch, const struct cc_facts *facts);

/* CUBIC's arithmetic, open to tests.  A tick is 2^-20 s. */
uint32_t cubic_root(struct wide cube); /* largest r with r^3 <= cube, at most 2^32 - 1 */
uint32_t cubic_ticks(flue_ps time_ps); /* rounded down; an hour at most */
uint32_t cubic_k_ticks(uint32_t w_max_bytes, uint32_t cwnd_bytes, uint32_t mss_bytes);
uint32_t cubic_window_bytes(uint32_t w_max_bytes, uint32_t k_ticks, uint32_t t_ticks, uint32_t mss_bytes);

#endif
