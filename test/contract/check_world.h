/* SPDX-License-Identifier: GPL-2.0-only */
/* A scripted host and a scripted target above and below N with the checker on, for tests of the checker: both do the
 * right thing unless a script says otherwise. */
#ifndef FLUE_TEST_CHECK_WORLD_H
#define FLUE_TEST_CHECK_WORLD_H

#include "flue/check.h"
#include "flue/env.h"
#include "flue/ndischimney.h"

enum { WORLD_BLOCKS = 32, WORLD_FINDINGS = 32, WORLD_LISTS = 16 };

/* Objects of the world: two neighbours, one path under the first, connections on it. */
enum { NEIGHBOR, NEIGHBOR_2, PATH, CONN, CONN_2, CONN_3, OBJECTS };

enum operation { INITIATE, TERMINATE, UPDATE, INVALIDATE, QUERY };

struct space {
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
    uint64_t state[32];
};

struct world {
    struct flue_env env;
    struct flue_ndis *ndis;
    struct flue_ddi ddi;
    struct ndis_pool *spans, *frames;
    flue_ps now_ps;
    int64_t memory_out;

    NDIS_HANDLE driver, protocol, adapter, binding;
    NDIS_TCP_OFFLOAD_EVENT_HANDLERS up;
    NDIS_TCP_CONNECTION_OFFLOAD capability;

    NDIS_OFFLOAD_HANDLE handle[OBJECTS];
    struct space space[WORLD_BLOCKS]; /* zeroed; used one after the other */
    unsigned spaces;
    int context[OBJECTS]; /* what slots point at */
    UCHAR address[2][16];

    /* What the drivers saw last. */
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree;  /* came down */
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST done;  /* came up */
    enum operation operation;                /* of tree */
    PNET_BUFFER_LIST list;                   /* came down or up */
    int inside;                              /* the target completes in its handler */
    void (*on_receive)(struct world *world); /* runs inside MiniportTcpOffloadReceive */
    void (*on_event)(struct world *world);   /* runs inside ProtocolTcpOffloadEvent */

    struct flue_finding finding[WORLD_FINDINGS]; /* in order; strings are not kept */
    char seen[WORLD_FINDINGS][128];
    unsigned findings;
};

void world_begin(struct world *world, enum flue_ndis_version version);
/* Tells the checker that the run is over, and takes everything down. */
void world_end(struct world *world);
unsigned world_found(const struct world *world, unsigned rule);

/* ---- The host ---- */

/* A block for an initiate, with all its state, legal values.  Hangs on nothing. */
struct space *new_block(struct world *world, unsigned object);
/* A block that refers to an object, with the structures its type demands, zeroed but for their headers. */
struct space *ref_block(struct world *world, unsigned object, unsigned type);
/* No object. */
struct space *placeholder(struct world *world, unsigned type);
/* Last of the dependents of parent; last of the chain of first. */
void hang(struct space *parent, struct space *child);
void chain(struct space *first, struct space *next);
TCP_OFFLOAD_STATE_DELEGATED *delegated_of(struct space *block); /* of a new block, or of a terminate block */
TCP_OFFLOAD_STATE_CACHED *cached_of(struct space *block);       /* of a new connection */
/* Neighbour, path, connection, as one tree; with_second: both connections. */
struct space *whole_tree(struct world *world, int with_second, struct space **conn);
void ask(struct world *world, enum operation operation, struct space *root);
/* Everything offloaded, connection and path below it, without data. */
void offloaded(struct world *world);
/* A terminate of one connection, asked. */
struct space *terminating(struct world *world, unsigned object);
/* A list of bytes for a send, or with room for them. */
PNET_BUFFER_LIST data_list(struct world *world, uint32_t bytes);
PNET_BUFFER_LIST segment_list(struct world *world, unsigned object); /* a segment of a connection, to forward */
PNET_BUFFER_LIST room_list(struct world *world, uint32_t bytes);

/* A tree whose connection has a chain of `lists` lists of 1000 bytes, of which `sent` bytes are in flight. */
struct space *with_chain(struct world *world, unsigned lists, uint32_t sent, struct space **conn);

/* ---- The target ---- */

/* Good answers in the tree that came down last: slots, statuses, structures. */
void fill(struct world *world);
/* Calls the completion of an operation with the tree that came down last. */
void complete(struct world *world, enum operation operation);
void answer(struct world *world); /* both, for the operation that came down */
PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST lowest(struct world *world, unsigned depth); /* first block of a layer of the tree */
/* The connection's structure in a terminate tree of one connection. */
TCP_OFFLOAD_STATE_DELEGATED *returned(struct world *world);

/* ---- Violations ---- */

struct violation {
    unsigned rule, also;
    enum flue_party party;
    enum flue_ndis_version version;
    void (*script)(struct world *world);
    const char *name;
};
/* A line of check_violators*.def. */
#define VIOLATION_OF(version_, rule_, party_, script_, also_)                                                          \
    {.rule = rule_,                                                                                                    \
     .also = also_,                                                                                                    \
     .party = FLUE_PARTY_##party_,                                                                                     \
     .version = FLUE_NDIS_##version_,                                                                                  \
     .script = script_,                                                                                                \
     .name = #script_},
#define VIOLATION(rule_, party_, script_, also_) VIOLATION_OF(6_20, rule_, party_, script_, also_)

/* Runs each in a world of its own; how many were not named first, or had findings beside. */
int world_judge(const struct violation *violations, size_t count);

#endif
