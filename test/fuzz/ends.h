/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz/ends.h - two stacks, a user at each that sends, reads, closes, and the wire between them.
 *
 * End e sends fuzz_byte(1 + e, offset), and checks that what it reads is the other's stream. */
#ifndef FLUE_FUZZ_ENDS_H
#define FLUE_FUZZ_ENDS_H

#include "flue/tcp.h"
#include "frame/frame.h"
#include "fuzz/fuzz.h"

enum { ENDS_PACKETS = 8192, ENDS_IMAGE = 1 << 21 };

struct ends;

struct end {
    struct ends *ends;
    unsigned number;
    struct flue_stack_config config;
    struct fuzz_heap heap;
    struct flue_stack *stack;
    uint32_t random;
    int listener; /* -1: none */
    int s;        /* -1: not yet, or closed */
    bool connected, shut, eof, closed;
    bool sent_fin; /* it was moved after its FIN had left */
    int error;     /* that ended the connection, 0: none */
    uint32_t to_send, sent, received;
    uint32_t read_bytes; /* at most so many at a time ... */
    flue_ps read_every_ps;
    flue_ps read_next_ps; /* ... and not before */
    /* What the wire has seen of it. */
    bool syn_seen, syn_scales;
    uint8_t wscale;
    uint32_t iss;
    bool edge_known;
    uint32_t edge; /* the right edge of its window */
};

struct packet {
    flue_ps due_ps;
    uint64_t order;
    uint8_t *bytes;
    size_t length;
    unsigned to;
};

struct ends {
    struct end end[2];
    struct packet packet[ENDS_PACKETS];
    unsigned packets;
    uint64_t order;
    flue_ps now_ps;
    bool modified; /* a packet was changed or forged: nothing is promised any more */
    bool both_open;
    /* What becomes of a packet that leaves end `from`; NULL: ends_carry() with the usual delay. */
    void (*middle)(struct ends *ends, unsigned from, const uint8_t *packet, size_t bytes,
                   const struct flue_frame *frame);
    void *ctx;
};

#define ENDS_DELAY_PS (10 * FLUE_PS_PER_MS)

/* Makes both stacks, a listener at end 1, and connects end 0 to it; simultaneous: both connect. */
void ends_open(struct ends *ends, bool v6, bool simultaneous);
void ends_new_stack(struct end *end);
/* Puts a copy on the wire, to arrive after delay_ps. */
void ends_carry(struct ends *ends, unsigned to, const uint8_t *packet, size_t bytes, flue_ps delay_ps);
/* The next thing happens: a packet arrives, a deadline passes, a user wakes up.  False: nothing ever will, or not
 * before until_ps. */
bool ends_step(struct ends *ends, flue_ps until_ps);
/* Both users have sent, read and closed all. */
bool ends_finished(const struct ends *ends);
/* Frees all; checks that no memory is left. */
void ends_close(struct ends *ends);
/* Moves the connection of an end out of its stack and in again: image or chimney form. */
void ends_move_by_image(struct end *end, bool new_stack);
void ends_move_by_chimney(struct end *end);

/* An end's own name. */
struct flue_endpoint ends_name(const struct ends *ends, unsigned number, bool v6);

#endif
