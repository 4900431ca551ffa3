/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz/packet_world.h - one stack, and what the peers that the fuzzer plays know of it: what they saw on the wire. */
#ifndef FLUE_FUZZ_PACKET_WORLD_H
#define FLUE_FUZZ_PACKET_WORLD_H

#include "flue/tcp.h"
#include "frame/frame.h"
#include "fuzz/fuzz.h"

enum {
    FLOWS = 10,  /* 0..5: to our listener; 6..9: from us.  4, 5, 8 and 9 are IPv6 */
    SLOTS = 10,  /* sockets in hand */
    KEPT = 4096, /* bytes of a packet that is kept for later */
    PORT = 80,   /* of the listener */
    STREAM_IN = 1,
    STREAM_OUT = 2
};

/* A pair of names on the wire.  Payload from the peer is fuzz_byte(STREAM_IN, sequence number), payload from the stack
 * is fuzz_byte(STREAM_OUT, offset in the stream). */
struct flow {
    struct flue_ip local_ip, remote_ip; /* local: the stack's */
    uint16_t local_port, remote_port;
    bool seen;       /* the stack has sent something */
    bool iss_known;  /* its SYN was seen */
    bool edge_known; /* its SYN-ACK was seen: its window's scale is settled */
    uint8_t wscale;
    uint32_t iss;
    uint32_t una, end; /* what it has sent: [una, end), una by our last ACK */
    uint32_t rcv;      /* what it expects */
    uint32_t edge;     /* right edge of its window */
    uint16_t window;   /* the field */
    uint32_t ts_val;   /* its clock */
    uint32_t own_ts;   /* ours */
    uint32_t next_isn; /* of our next SYN */
};

struct slot {
    int s; /* -1: free */
    uint32_t sent;
    uint32_t next_seq; /* of the next byte to be read */
    bool seq_known;
    bool reading; /* what is read is compared */
};

struct packet_world {
    struct fuzz_heap heap;
    struct flue_stack *stack;
    struct flow flow[FLOWS];
    struct slot slot[SLOTS];
    uint32_t random;
    uint64_t outputs;
    bool forged;             /* a packet came whose bytes are not what struct flow says */
    const struct flow *mute; /* no RST may leave on this flow now */
    uint8_t last_out[KEPT], last_in[KEPT];
    size_t last_out_bytes, last_in_bytes;
};

void world_open(struct packet_world *world, struct input *input);
/* The user closes all; the peers are silent; everything must end and all memory come back. */
void world_close(struct packet_world *world);

/* The checks that must hold after every step. */
void world_check(struct packet_world *world);

/* A packet comes at the present time. */
void world_input(struct packet_world *world, const uint8_t *packet, size_t bytes);
/* A segment from a peer; payload length `bytes`, content by struct flow. */
void world_segment(struct packet_world *world, struct flow *flow, struct flue_frame *frame, uint32_t bytes);
/* The same before it is encoded: names, ttl and the like filled in. */
struct flue_frame world_frame(const struct flow *flow);
/* Writes it to `out`, answers the packet's length. */
size_t world_encode(const struct flow *flow, struct flue_frame *frame, uint32_t bytes, uint8_t *out, size_t room);

void world_advance(struct packet_world *world, flue_ps now_ps);

struct flue_ip fuzz_ip(bool v6, unsigned host);

/* Takes a new socket in hand; aborts it if there is no slot. */
struct slot *world_take(struct packet_world *world, int s);

/* packet_calls.c: one call of a user, as the input says. */
void world_call(struct packet_world *world, unsigned call, struct input *input);
enum { CALLS = 14 };

#endif
