/* SPDX-License-Identifier: GPL-2.0-only */
/* One direction of a link: rate, propagation delay, drop-tail queue.  It is a FIFO whose times are known on entry, so a
 * frame is put into a ring with its arrival time, and only the head of the ring is an event. */
#ifndef FLUE_WIRE_LINK_H
#define FLUE_WIRE_LINK_H

#include "flue/env.h"
#include "flue/wire.h"

struct link_entry {
    flue_ps start_ps;   /* transmission begins */
    flue_ps arrival_ps; /* last bit at the other end */
    struct flue_frame frame;
};

struct link {
    struct flue_wire_facts facts;
    struct link_entry *ring; /* capacity is a power of two */
    uint32_t capacity;
    uint32_t head, tail; /* running numbers; entry i is ring[i & (capacity - 1)] */
    uint32_t unstarted;  /* first entry whose transmission may not have begun at the last send */
    flue_ps free_ps;     /* when the transmitter is free */
    uint64_t sent, dropped;
    const struct flue_env *env; /* memory only */
    uint32_t last_bytes;        /* serialisation time of the last size, kept: most frames have one of two sizes */
    flue_ps last_ps;
};

flue_err link_init(struct link *link, const struct flue_env *env, const struct flue_wire_facts *facts);
/* With a ring of `frames`, a power of two, to begin with. */
flue_err link_init_room(struct link *link, const struct flue_env *env, const struct flue_wire_facts *facts,
                        uint32_t frames);
void link_dispose(struct link *link);

/* Cuts the wire: all that is on it, or waits for it, is lost.  Returns how many frames. */
uint32_t link_clear(struct link *link);
enum flue_wire_result link_send(struct link *link, const struct flue_frame *frame, flue_ps now_ps);

/* When the next frame arrives; FLUE_PS_NEVER if none is on its way. */
static inline flue_ps link_next_ps(const struct link *link)
{
    return link->head == link->tail ? FLUE_PS_NEVER : link->ring[link->head & (link->capacity - 1)].arrival_ps;
}

/* Takes the head out; valid until the next link_send(). */
static inline const struct flue_frame *link_pop(struct link *link)
{
    return &link->ring[link->head++ & (link->capacity - 1)].frame;
}

#endif
