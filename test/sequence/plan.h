/* SPDX-License-Identifier: GPL-2.0-only */
/* sequence/plan.h - what one seed stands for: two nodes, the wire between them, and a list of things that applications,
 * adapters, the power manager and the network do, each legal at any moment (behaviour 5.4 is the host's business). */
#ifndef FLUE_TEST_SEQUENCE_PLAN_H
#define FLUE_TEST_SEQUENCE_PLAN_H

#include <stdbool.h>

#include "flue/node.h"

/* Nodes: A offloads and is checked, B is a plain peer. */
enum { NODE_A, NODE_B, NODES };
enum { PLAN_OPS = 160, PLAN_CONNECTIONS = 8, PLAN_DRIVERS = 4, PLAN_PORT = 80 };

/* X(name, weight, who): weight among the operations of a plan; who is meant: a an end of a connection at A, e either
 * end, n node A or its adapter, w the world, f only on seeds with faults, s only on seeds where memory runs out, h only
 * on seeds where operations get stuck. */
#define PLAN_KINDS(X)                                                                                                  \
    X(CONNECT, 30, 'w')                                                                                                \
    X(SEND, 260, 'e')                                                                                                  \
    X(OFFLOAD, 150, 'a')                                                                                               \
    X(UPLOAD, 90, 'a')                                                                                                 \
    X(CHANGE, 60, 'a')                                                                                                 \
    X(QUERY, 50, 'a')                                                                                                  \
    X(INVALIDATE, 10, 'n')                                                                                             \
    X(RELINK, 20, 'n')                                                                                                 \
    X(RELEASE, 12, 'n')                                                                                                \
    X(CHIMNEY_OFF, 8, 'n')                                                                                             \
    X(CHIMNEY_ON, 14, 'n')                                                                                             \
    X(MTU, 20, 'a')                                                                                                    \
    X(MAC, 15, 'w')                                                                                                    \
    X(PAUSE_READING, 40, 'e')                                                                                          \
    X(RESUME_READING, 60, 'e')                                                                                         \
    X(CLOSE, 40, 'e')                                                                                                  \
    X(ABORT, 8, 'e')                                                                                                   \
    X(TARGET_PAUSE, 10, 'n')                                                                                           \
    X(TARGET_RESUME, 20, 'n')                                                                                          \
    X(UPLOAD_ALL, 8, 'n')                                                                                              \
    X(LINK, 8, 'n')                                                                                                    \
    X(SLEEP, 4, 'n')                                                                                                   \
    X(WAKE, 8, 'n')                                                                                                    \
    X(FAIL_OVER, 12, 'n')                                                                                              \
    X(FAULT_CORRUPT, 10, 'f')                                                                                          \
    X(FAULT_TERMINATE, 10, 'f')                                                                                        \
    X(FAULT_HARDWARE, 10, 'f')                                                                                         \
    X(FAULT_STARVE, 10, 'f')                                                                                           \
    X(FAULT_HANG, 6, 'h')                                                                                              \
    X(FAULT_LOSE, 6, 'h')                                                                                              \
    X(STARVE, 30, 's')                                                                                                 \
    X(FEED, 30, 's')

enum plan_kind {
#define X(name, weight, who) PLAN_##name,
    PLAN_KINDS(X)
#undef X
        PLAN_KIND_COUNT
};
const char *plan_kind_name(unsigned kind);

struct plan_op {
    flue_ps at_ps;
    enum plan_kind kind;
    unsigned node, conn;
    uint64_t number; /* what else it needs, drawn from all numbers */
};

struct plan {
    uint64_t seed;
    bool starves, faults, sticks, has_mac, v6;
    unsigned connections;
    struct flue_wire_facts facts;
    struct flue_node_params node[NODES];        /* without sinks, second wire, taps, drivers */
    struct flue_im_params driver[PLAN_DRIVERS]; /* of NODE_A */
    uint32_t starve_ppm;                        /* of the allocations fail, while memory is short */
    uint32_t fragment_ppm, options_ppm;         /* of B's segments come in pieces; with IP options */
    struct plan_op op[PLAN_OPS];
    unsigned ops;
};

void plan_make(struct plan *plan, uint64_t seed);
void plan_print(const struct plan *plan);
void plan_print_op(const struct plan_op *op);

#endif
