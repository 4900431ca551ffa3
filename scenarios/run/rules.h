/* SPDX-License-Identifier: GPL-2.0-only */
/* run/rules.h - findings of the contract checker become findings of the run. */
#ifndef FLUE_RUN_RULES_H
#define FLUE_RUN_RULES_H

#include "flue/check.h"
#include "flue/node.h"
#include "run/world.h"

struct world;

/* What the checkers of both nodes found. */
enum { PARTIES = 4 };
struct rules {
    struct rules_node {
        struct world *world;
        unsigned node;
        struct world_broken last; /* found, with its rule more than a remark */
    } * node;
    uint64_t count[FLUE_RULES + 1][PARTIES];
};

/* Tells a node's checker what to do.  And, after the run, counts for each rule into the record. */
void rules_watch(struct world *world, unsigned node, struct flue_node_params *params);
void rules_report(struct world *world);

#endif
