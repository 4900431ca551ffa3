/* SPDX-License-Identifier: GPL-2.0-only */
/* interop/impair.h - one direction of a bad network: packets go in, and come out late, twice, out of order, damaged or
 * not at all.
 *
 * What happens to the n-th packet depends on the seed and on n alone, never on time or on what the packet says, so a
 * sequence of packets meets the same fate wherever it is played.  Shares are in parts per million of the packets. */
#ifndef FLUE_INTEROP_IMPAIR_H
#define FLUE_INTEROP_IMPAIR_H

#include "flue/base.h"

FLUE_BEGIN_C

struct impair_params {
    uint32_t loss_ppm;      /* vanish */
    uint32_t duplicate_ppm; /* come a second time, up to reorder_ps later */
    uint32_t reorder_ppm;   /* are held back by up to reorder_ps, so that later ones overtake them */
    uint32_t corrupt_ppm;   /* come with one bit turned over */
    uint32_t spike_ppm;     /* begin a time of spike_ps in which nothing comes out; the order stays */
    flue_ps delay_ps;       /* of every packet */
    flue_ps reorder_ps;
    flue_ps spike_ps;
    uint64_t rate_bps;      /* of the bottleneck; 0: there is none */
    uint32_t queue_packets; /* that wait for the bottleneck; one more is lost; 0: no limit */
};

struct impair_totals {
    uint64_t in, out, lost, tail_dropped, duplicated, reordered, corrupted, spikes;
};

typedef void impair_deliver_fn(void *ctx, const uint8_t *packet, size_t bytes, flue_ps now_ps);

struct impair;

/* Copies params; deliver gets every packet that comes out.  NULL: no memory. */
struct impair *impair_new(const struct impair_params *params, uint64_t seed, impair_deliver_fn *deliver, void *ctx);
/* What is still inside is thrown away; NULL does nothing. */
void impair_free(struct impair *im);

/* A packet goes in; it is copied.  Nothing is delivered from inside this call. */
void impair_put(struct impair *im, const uint8_t *packet, size_t bytes, flue_ps now_ps);
/* Delivers what is due. */
void impair_run(struct impair *im, flue_ps now_ps);
/* When the next packet is due; FLUE_PS_NEVER: none is inside. */
flue_ps impair_deadline(const struct impair *im);
/* Throws away what is inside. */
void impair_clear(struct impair *im);
struct impair_totals impair_counts(const struct impair *im);

FLUE_END_C

#endif
