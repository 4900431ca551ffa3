/* SPDX-License-Identifier: GPL-2.0-only */
/* stream/program.h - what the user of one end does: connects, writes, reads, closes. */
#ifndef FLUE_TEST_STREAM_PROGRAM_H
#define FLUE_TEST_STREAM_PROGRAM_H

#include "base/rng.h"
#include "stream/world.h"

FLUE_BEGIN_C

#define PROGRAM_BUFFER 65536u

struct program {
    const struct spec_end *spec;
    struct world *world;
    struct flue_stack *stack;
    struct rng rng;
    unsigned index;
    int listener, socket; /* -1: none */
    bool connected, shut, peer_done, ended, closed;
    enum flue_tcp_reason reason;  /* why it ended */
    enum flue_tcp_state_id state; /* the last one told */
    uint32_t chunk_left;          /* of the send that is under way */
    uint64_t sent, received;
    flue_ps ran_ps; /* what was to be done up to then is done */
    flue_ps next_send_ps, next_read_ps, finish_ps;
    uint64_t send_key, receive_key;
    void (*delivered)(void *ctx, unsigned index, const uint8_t *bytes, size_t length);
    void *delivered_ctx;
    uint8_t buffer[PROGRAM_BUFFER + 8];
};

/* Opens and listens, or connects. */
void program_start(struct program *program, bool passive, flue_ps now_ps);
/* Does all that can be done now. */
void program_run(struct program *program, flue_ps now_ps);
/* When it wants to go on by itself; FLUE_PS_NEVER: it waits for its stack. */
flue_ps program_next(const struct program *program);
void program_event(struct program *program, const struct flue_stack_event *event);

/* Mixes 64 bits; byte o of a stream is one of those of mix(key + o / 8). */
static inline uint64_t program_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

FLUE_END_C

#endif
