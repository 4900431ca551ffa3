/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz/tree_world.h - an offload target, perhaps under a driver, and a host above them that keeps only the rules which
 * nobody could do without: memory that it lends is there, is lent once, and holds lists and slots that are real. */
#ifndef FLUE_FUZZ_TREE_WORLD_H
#define FLUE_FUZZ_TREE_WORLD_H

#include "base/timers.h"
#include "flue/check.h"
#include "flue/im.h"
#include "flue/ndischimney.h"
#include "flue/target.h"
#include "flue/wire.h"
#include "fuzz/fuzz.h"

enum {
    TREE_HANDLES = 8, /* that trees and requests name */
    TREE_BLOCKS = 6,
    TREE_OUT = 16
};

/* One tree, lent until its completion.  Blocks lie apart, so that a sanitizer sees a step over the end of one. */
struct tree {
    FLUE_TCP_BLOCK *block[TREE_BLOCKS]; /* the largest there is; owned */
    unsigned handle[TREE_BLOCKS];       /* TREE_HANDLES: a placeholder */
    bool had_slot[TREE_BLOCKS];
    PNET_BUFFER_LIST chain[TREE_BLOCKS];    /* handed down with it */
    PNET_BUFFER_LIST buffered[TREE_BLOCKS]; /* the host's all the time */
    unsigned count;
    unsigned operation;
    bool used;
};

struct tree_world {
    struct fuzz_heap heap;
    struct flue_env env;
    flue_ps now_ps;
    struct timers timers;
    struct flue_ndis *ndis;
    struct flue_target *target;
    struct flue_im *driver; /* may be NULL */
    struct flue_wire wire;
    NDIS_HANDLE protocol, binding;
    struct ndis_pool *spans, *frames;
    /* A terminate that failed is the end of the object for the host (D-32): the target frees what it has kept because
     * others depended on it (CH-113). */
    NDIS_OFFLOAD_HANDLE handles[TREE_HANDLES];
    uint8_t layer[TREE_HANDLES]; /* of the object it names */
    struct tree tree[TREE_OUT];
    uint64_t lent;    /* buffer lists that are out */
    unsigned answers; /* bits that decide what the host answers to indications */
};

/* One at a time. */
struct tree_world *tree_world_new(bool driver);
/* Takes everything back and frees it; fails if anything is left. */
void tree_world_free(struct tree_world *world);
void tree_world_run(struct tree_world *world, flue_ps ps);
/* Hands a tree down, and forgets it if the dispatcher refuses it. */
void tree_world_hand_down(struct tree_world *world, struct tree *tree);
struct tree *tree_world_tree(struct tree_world *world); /* an unused one; NULL: all are out */
PNET_BUFFER_LIST tree_world_nbl(struct tree_world *world, uint64_t offset, uint32_t bytes);

#endif
