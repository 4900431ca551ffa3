/* SPDX-License-Identifier: GPL-2.0-only */
/* sequence/talk.h - a legal conversation of a scripted host with a scripted target about one connection, and what is
 * under way in it at the moment. */
#ifndef FLUE_TEST_SEQUENCE_TALK_H
#define FLUE_TEST_SEQUENCE_TALK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "contract/check_data_world.h"

enum { TALK_LISTS = 8, TALK_BLOCKS = 96 };

/* Lists of one kind, oldest first. */
struct talk_lists {
    PNET_BUFFER_LIST nbl[TALK_LISTS];
    unsigned count;
};

/* A state operation that has not completed; the root's memory. */
struct talk_tree {
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree; /* NULL: none */
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root;
};

struct talk {
    struct world world;
    struct rng rng;
    struct talk_lists sends, posts, forwards, kept; /* kept: indicated, not yet given back */
    PNET_BUFFER_LIST disconnect;                    /* under way */
    bool closed;                                    /* was asked for */
    struct talk_tree query, update, initiate;       /* initiate: of a second neighbour */
    bool second;                                    /* which is held */
    struct owned_handle other, unknown;             /* its handle; and one that nobody knows */
    int slot;
    FLUE_TCP_BLOCK block[TALK_BLOCKS];
    unsigned blocks;
};

void talk_begin(struct talk *talk, uint64_t seed);
/* One legal step; false: none came to mind. */
bool talk_step(struct talk *talk);
/* Everything under way completes. */
void talk_calm(struct talk *talk);

/* ---- What steps are made of */

NDIS_HANDLE talk_binding(struct talk *talk);
uint32_t talk_bytes(struct talk *talk); /* a small number, at least 2 */
/* An empty block of a type, with the lengths of its structures. */
PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST talk_block(struct talk *talk, unsigned type, PNDIS_OFFLOAD_HANDLE handle);
PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST talk_neighbour(struct talk *talk); /* for the initiate of the second neighbour */
struct talk_tree talk_asked(struct talk *talk, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root); /* what came down just now */
PNET_BUFFER_LIST talk_take(struct talk_lists *lists, unsigned which);

void talk_send(struct talk *talk);
void talk_post(struct talk *talk);
void talk_forward(struct talk *talk);
void talk_keep(struct talk *talk);
void talk_close(struct talk *talk);
void talk_query(struct talk *talk);
void talk_update(struct talk *talk);
void talk_initiate(struct talk *talk);
void talk_fill_query(struct talk *talk);
void talk_end_query(struct talk *talk);
void talk_end_update(struct talk *talk);
void talk_end_initiate(struct talk *talk);

#endif
