/* SPDX-License-Identifier: GPL-2.0-only */
/* Two stacks and the wire between them, for tests: packets arrive in order after DUO_DELAY_PS, unless the test's own
 * filter loses them.  Memory is counted and can be made to run out; every step checks both stacks. */
#ifndef FLUE_TEST_STACK_DUO_H
#define FLUE_TEST_STACK_DUO_H

#include "support/manual_env.h"

#include "flue/tcp.h"

#define DUO_DELAY_PS (5 * FLUE_PS_PER_MS)
#define DUO_PACKETS  4096u
#define DUO_EVENTS   512u

enum { A = 0, B = 1 };

struct duo;

struct duo_packet {
    uint8_t *bytes;
    size_t length;
    flue_ps due_ps;
    int to;
};

struct duo_side {
    struct duo *duo;
    int number;
    struct flue_stack *stack;
    struct flue_stack_config config;
    struct manual_env memory;
    int fail_once; /* 1: memory fails once and is there again */
    struct flue_ip ip, ip6;
    uint32_t random; /* the next one; each is `step` larger */
    uint32_t step;
    struct flue_stack_event events[DUO_EVENTS];
    unsigned event_count;
    unsigned packets, bytes; /* sent */
    uint8_t last[128];       /* head of the last packet sent */
};

struct duo {
    struct duo_side side[2];
    struct duo_packet wire[DUO_PACKETS];
    unsigned first, count;
    flue_ps now_ps;
    uint32_t seed;
    unsigned loss_percent;
    int deaf;                                                                    /* 1: everything is lost */
    int (*lose)(struct duo *duo, int from, const uint8_t *packet, size_t bytes); /* NULL: nothing */
};

/* Both stacks with their defaults; tune (may be NULL) may change the configurations first. */
void duo_start(struct duo *duo, void (*tune)(struct duo *duo));
/* Makes one stack that must not fail. */
void duo_stack(struct duo *duo, int side);
/* Frees both and asserts that no memory is left. */
void duo_stop(struct duo *duo);
/* Carries packets and runs deadlines for this long. */
void duo_run(struct duo *duo, flue_ps for_ps);
/* Carries packets until none is under way. */
void duo_settle(struct duo *duo);
/* A listener on B's port 80, a connected pair: the numbers at A and B. */
int duo_listen(struct duo *duo, unsigned backlog);
int duo_connect(struct duo *duo, int listener, int *accepted);
struct flue_endpoint duo_at(struct duo *duo, int side, uint16_t port);
int64_t duo_get(struct duo *duo, int side, int s, enum flue_socket_option option);
void duo_check(struct duo *duo);
/* The byte at `offset` of a test's stream. */
uint8_t duo_byte(uint64_t offset);
/* Writes as much as goes, reads as much as comes and checks it; answers the bytes. */
size_t duo_write(struct duo *duo, int side, int s, uint64_t offset, size_t bytes);
size_t duo_read(struct duo *duo, int side, int s, uint64_t offset, size_t most);
enum flue_tcp_state_id duo_state(struct duo *duo, int side, int s);

/* Callbacks for a stack that nobody listens to; the second answers 0. */
void duo_swallow(void *ctx, const uint8_t *packet, size_t bytes);
uint32_t duo_zero(void *ctx);

/* The checksum at the end of an image. */
uint32_t image_crc(const uint8_t *bytes, size_t length);

#endif
