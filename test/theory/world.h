/* SPDX-License-Identifier: GPL-2.0-only */
/* theory/world.h - flows of the TCP engine over one bottleneck, in virtual time.
 *
 * End 0 sends, end 1 receives and reads at once.  All flows of an end share a stack.  Data pass a link with a rate, a
 * delay and a queue that drops at its tail, or marks; acknowledgements pass a link of the same delay that never drops.
 * Ends cost no time: a segment is at the bottleneck the moment it is made.  Payload is described: no byte is copied. */
#ifndef FLUE_TEST_THEORY_WORLD_H
#define FLUE_TEST_THEORY_WORLD_H

#include <stdbool.h>

#include "flue/tcp_engine.h"
#include "base/timers.h"
#include "support/manual_env.h"
#include "wire/link.h"

#define WORLD_FLOWS_MAX     256u
#define WORLD_FRAMING_BYTES 38u /* Ethernet: head and FCS 18, preamble 8, gap 12 */

struct world_config {
    struct flue_tcp_params params; /* of both ends */
    uint32_t flows;
    uint64_t rate_bps;
    flue_ps rtt_ps;          /* propagation there and back */
    uint32_t queue_frames;   /* that wait at the bottleneck */
    uint32_t mark_frames;    /* a frame that meets so many is marked CE if it may be (RFC 3168 5); 0: none ever is */
    uint64_t lose_every;     /* every so many-th data segment is lost before the bottleneck; 0: none */
    flue_ps open_every_ps;   /* flows begin so far apart */
    uint64_t bytes_per_flow; /* 0: without end */
};

struct world;

struct world_flow {
    struct world *world;
    struct world_flow *next; /* waits for output */
    struct flue_tcp_conn *conn;
    uint32_t end, number;
    uint64_t written, acked, received;
    bool connected, waits;
};

struct world_end {
    struct world *world;
    struct manual_env env;
    struct timers timers;
    struct flue_tcp *stack;
    struct link out;
    struct world_flow flow[WORLD_FLOWS_MAX];
    struct world_flow *first, *last; /* that wait for output */
};

struct world {
    struct world_config config;
    struct world_end end[2];
    flue_ps now_ps;
    uint32_t opened;
    uint64_t data_frames, lost, marked, queue_peak_frames;
    /* NULL, or asked for each frame that leaves: false loses it.  May change it. */
    bool (*filter)(struct world *world, unsigned from, struct flue_frame *frame);
    /* NULL, or called after each event. */
    void (*watch)(struct world *world);
    void *arg; /* the caller's */
};

/* One flow, 10 Gb/s, 10 ms, a queue of 2^20 frames, a receive buffer that never limits; defaults otherwise. */
struct world_config world_plain(enum flue_tcp_congestion congestion);

/* Bytes that a full segment with time stamps occupies on the wire, and its payload. */
uint32_t world_frame_bytes(const struct world_config *config);
uint32_t world_payload_bytes(const struct world_config *config);
/* Frames of that size that rate and round trip hold, rounded up. */
uint32_t world_bdp_frames(const struct world_config *config);

/* The caller keeps *world where it is until world_dispose(). */
void world_init(struct world *world, const struct world_config *config);
/* Lets each connected flow write so many bytes more, now; for flows with an end. */
void world_write(struct world *world, uint64_t bytes);
/* Runs until then: everything due at until_ps has happened. */
void world_run(struct world *world, flue_ps until_ps);
void world_dispose(struct world *world);

struct flue_tcp_info world_info(const struct world *world, unsigned flow); /* of the sender */
uint64_t world_received(const struct world *world, unsigned flow);
uint64_t world_received_all(const struct world *world);

#endif
