/* SPDX-License-Identifier: GPL-2.0-only */
/* stream/world.h - two stacks, a network between them and a program on each, run event by event in virtual time. */
#ifndef FLUE_TEST_STREAM_WORLD_H
#define FLUE_TEST_STREAM_WORLD_H

#include "stream/network.h"
#include "stream/spec.h"

FLUE_BEGIN_C

struct world;

/* What is told while it runs; each may be NULL. */
struct world_watch {
    void *ctx;
    network_watch *packet;
    /* Something that must be the same in two runs of one spec: a packet, with its time, or bytes that a program has
     * read, with theirs; folded to 64 bits. */
    void (*fact)(void *ctx, flue_ps now_ps, uint64_t digest);
};

/* Copies spec and watch.  Aborts the program without memory. */
struct world *world_new(const struct spec *spec, const struct world_watch *watch);
/* False: it used memory that has not been given back. */
bool world_free(struct world *world);

/* The next event: a packet arrives, a deadline passes, or a program goes on.  False: there is none left, or something
 * is wrong. */
bool world_step(struct world *world);

/* After world_step() has answered false: NULL if everything was delivered and all is quiet and empty; else a sentence,
 * which the world owns. */
const char *world_verdict(struct world *world);

/* Says that something is wrong. */
void world_fail(struct world *world, const char *format, ...);
bool world_failed(const struct world *world);

flue_ps world_now(const struct world *world);
uint64_t world_events(const struct world *world);
uint64_t world_packets(const struct world *world);

/* For whoever moves connections between two events. */
struct flue_stack *world_stack(const struct world *world, unsigned end);
int world_socket(const struct world *world, unsigned end); /* -1: it has none, or none connected */
void world_set_socket(struct world *world, unsigned end, int socket);
bool world_shut(const struct world *world, unsigned end); /* its program has said shutdown */

FLUE_END_C

#endif
