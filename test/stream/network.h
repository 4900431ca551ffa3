/* SPDX-License-Identifier: GPL-2.0-only */
/* stream/network.h - a network of two directions that does to whole IP packets what its spec says. */
#ifndef FLUE_TEST_STREAM_NETWORK_H
#define FLUE_TEST_STREAM_NETWORK_H

#include "base/rng.h"
#include "stream/spec.h"

FLUE_BEGIN_C

/* On its way; owned by the network until network_take(). */
struct packet {
    flue_ps at_ps;
    uint64_t order; /* among those of one moment */
    uint32_t bytes;
    unsigned to;  /* 0 or 1 */
    bool damaged; /* the receiver may refuse it */
    uint8_t data[];
};

/* Is told of every packet that is sent, with what becomes of it: "", "lost", "full", "dark", "too big", "twice", ... */
typedef void network_watch(void *ctx, flue_ps now_ps, unsigned from, const uint8_t *bytes, size_t length,
                           const char *fate);

struct network {
    const struct spec *spec; /* borrowed */
    struct rng rng[2];
    flue_ps free_ps[2]; /* when the link has sent what it has */
    struct packet **heap;
    size_t count, room;
    uint64_t order;
    network_watch *watch; /* NULL: none */
    void *watch_ctx;
};

/* Aborts the program without memory, as the rest of this folder does. */
void network_init(struct network *network, const struct spec *spec, network_watch *watch, void *watch_ctx);
void network_dispose(struct network *network);

/* Packet `bytes` leaves end `from` at now_ps. */
void network_send(struct network *network, unsigned from, const uint8_t *bytes, size_t length, flue_ps now_ps);

/* When the next packet arrives; FLUE_PS_NEVER: none is on its way. */
flue_ps network_next(const struct network *network);
/* That packet; the caller frees it. */
struct packet *network_take(struct network *network);

FLUE_END_C

#endif
