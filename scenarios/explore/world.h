/* SPDX-License-Identifier: GPL-2.0-only */
/* explore/world.h - the world that is explored: host A over its target, and a plain peer B.
 *
 * All of it, and all memory of both nodes, lies in one arena at one place, so that a copy of the used part is the whole
 * state, and copying it back is a return to it.  Frames from A reach B at once; frames from B wait, in order, until an
 * event lets them in or loses them. */
#ifndef FLUE_EXPLORE_WORLD_H
#define FLUE_EXPLORE_WORLD_H

#include "explore/explore.h"
#include "flue/env.h"
#include "flue/node.h"
#include "flue/trace.h"

enum { WORLD_A, WORLD_B, WORLD_NODES };
enum { WORLD_QUEUE_FRAMES = 64, WORLD_SIZES = 32 };

struct world;

struct world_port {
    struct world *world;
    unsigned node;
};

struct world_queue {
    struct flue_frame frames[WORLD_QUEUE_FRAMES];
    uint32_t head, count;
};

/* One application of a connection. */
struct world_app {
    struct flue_host_socket *socket;
    uint64_t sent_bytes, received_bytes, acked_bytes;
    uint8_t closing, closed, peer_closed, opened;
    uint8_t reason; /* enum flue_tcp_reason */
};

struct world_conn {
    struct world_app app[WORLD_NODES];
    uint8_t done[EXPLORE_EVENTS]; /* how often each event has been */
};

struct world_free {
    struct world_free *next;
};

struct world {
    size_t used_bytes, room_bytes;
    struct world_free *free[WORLD_SIZES]; /* released memory, by powers of two */
    flue_ps now_ps;
    flue_ps alarm_ps[WORLD_NODES];
    struct world_port port[WORLD_NODES];
    struct flue_env env[WORLD_NODES];
    struct flue_wire wire[WORLD_NODES];
    struct flue_app app[WORLD_NODES];
    struct flue_node *node[WORLD_NODES];
    struct world_queue out;                     /* A to B */
    struct world_queue in[EXPLORE_CONNECTIONS]; /* B to A */
    struct world_conn conns[EXPLORE_CONNECTIONS];
    unsigned connections, without, with;
    uint8_t emptied;          /* the adapter of A wants everything back, and has not resumed */
    uint8_t asleep, powering; /* the adapter of A; it is on its way there or back */
    uint8_t posts, sends_complete;
    uint8_t flowing; /* nothing waits */
    uint8_t verdict; /* enum explore_verdict */
    char sentence[256];
};

/* Makes the world, with its connections open and a segment of each waiting.  trace: NULL, or the listener.  NULL: no
 * memory, or it could not be opened. */
struct world *world_new(const struct explore_params *params, const struct flue_trace *trace);
void world_free(struct world *world);

/* The used part of the arena into a copy, world_bytes() long, and back. */
size_t world_bytes(const struct world *world);
void world_save(void *to, const struct world *world);
void world_return(struct world *world, const void *from);

/* The first bad thing that happened stays; a worse one replaces it. */
void world_tell(struct world *world, enum explore_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Runs all that is due within some microseconds. */
void world_settle(struct world *world);
/* Goes to the given moment, and settles. */
void world_go(struct world *world, flue_ps until_ps);
/* Asks the adapter of A to go to sleep, or to wake. */
void world_power(struct world *world, bool sleep);
/* The next hop that a relink leads to. */
struct flue_ip world_other_hop(void);
/* The next deadline of a node; FLUE_PS_NEVER: there is none. */
flue_ps world_deadline(const struct world *world, unsigned node);
bool world_let_in(struct world *world, unsigned connection);
bool world_lose(struct world *world, unsigned connection);

/* step.c: one event.  False: it is not legal, and nothing has happened. */
bool world_step(struct world *world, unsigned connection, enum explore_event event);
uint64_t world_digest(const struct world *world);
/* end.c: takes the world to its end, and judges it. */
void world_end(struct world *world);

#endif
