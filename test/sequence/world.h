/* SPDX-License-Identifier: GPL-2.0-only */
/* sequence/world.h - plays a plan: two nodes on lossy wires, applications that know which byte comes next, and an audit
 * at the end. */
#ifndef FLUE_TEST_SEQUENCE_WORLD_H
#define FLUE_TEST_SEQUENCE_WORLD_H

#include "base/rng.h"
#include "sequence/plan.h"
#include "wire/link.h"

enum { WORLD_LINKS = 3, WORLD_WHY = 400 };

struct world;

/* One end of a connection. */
struct world_end {
    struct flue_host_socket *socket;
    uint64_t sent, received, acked;
    bool opened, peer_closed, closed, paused;
    enum flue_tcp_reason reason;
    flue_ps unasked_ps; /* bytes came although it does not read */
};

struct world_conn {
    bool begun;
    unsigned from; /* the node that opens it */
    bool excused;  /* something happened that may end it early */
    bool mtu_told;
    uint32_t last_seq; /* of the last data that left A */
    struct world_end end[NODES];
};

struct world_side {
    struct world *world;
    unsigned node;
};

struct world {
    const struct plan *plan;
    bool verbose;
    flue_ps now_ps;
    struct world_env {
        struct world *world;
        struct flue_env env;
        flue_ps alarm_ps;
        int64_t bytes; /* not released */
        struct rng rng;
        bool starving;
    } env[NODES];
    struct link link[WORLD_LINKS]; /* B to A; A's first and second adapter to B */
    struct flue_wire wire[WORLD_LINKS];
    struct world_wire {
        struct world *world;
        unsigned link;
    } wires[WORLD_LINKS];
    struct flue_env wire_env;
    struct flue_node *node[NODES];
    struct world_side side[NODES];
    struct flue_app app[NODES];
    struct world_conn conn[PLAN_CONNECTIONS];
    unsigned toward; /* adapter of A that B heard last */
    uint8_t mac;     /* last byte of B's present MAC address */
    bool asleep[FLUE_NODE_ADAPTERS], power_busy;
    unsigned queries; /* asked, not answered */
    bool stuck;       /* an operation was made to hang, or its completion lost: what waits for it waits for ever */
    bool over;        /* only what is left is looked at */
    struct rng network;
    uint16_t datagrams; /* that came in pieces */
    uint64_t events;
    bool failed;
    char why[WORLD_WHY];
    /* What was seen, over all runs that share the world. */
    uint64_t done[PLAN_KIND_COUNT];
    uint64_t ended_well, ended_early, offloaded, uploaded, refused, fail_overs, updates, asked, invalidates, posted,
        fragmented, with_options;
};

/* Plays the first `ops` operations and then the end.  False: failed, and why says it. */
bool world_play(struct world *world, const struct plan *plan, unsigned ops);

/* ---- Between the world's files */

void world_fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct flue_host *world_host(struct world *world, unsigned node);
struct flue_ip world_ip(const struct world *world, unsigned node);
void world_run(struct world *world, flue_ps until_ps);
void world_settle(struct world *world);
/* ops.c */
void world_do(struct world *world, const struct plan_op *op);
/* audit.c */
void world_audit(struct world *world);
/* wires.c: frames that the network itself makes */
void world_tell_mac(struct world *world, const struct flue_ip *ip);
void world_tell_mtu(struct world *world, unsigned conn, uint32_t mtu_bytes);
enum flue_wire_result world_wire_send(void *ctx, const struct flue_frame *frame);
void world_to_b(struct world *world, const struct flue_frame *frame);
extern const uint8_t world_mac_a[6], world_mac_b[6];

#endif
