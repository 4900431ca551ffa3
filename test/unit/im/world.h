/* SPDX-License-Identifier: GPL-2.0-only */
/* Two whole nodes on links: a client with one adapter, and a server with one or two adapters and any intermediate
 * drivers.  Frames to the server go to the adapter from which the client heard last, as a switch would send them. */
#ifndef FLUE_TEST_IM_WORLD_H
#define FLUE_TEST_IM_WORLD_H

#include "flue/node.h"
#include "support/manual_env.h"
#include "wire/link.h"

enum { WORLD_CLIENT, WORLD_SERVER, WORLD_NODES };
enum { WORLD_CONNECTIONS = 6, WORLD_LINKS = 3 };

struct world_end {
    struct flue_host_socket *socket;
    uint64_t received, acked;
    bool peer_closed, closed;
    unsigned moved[FLUE_HOLDER_COUNT];
};

struct world {
    struct manual_env env[WORLD_NODES];
    struct link link[WORLD_LINKS]; /* client to server; server's first and second adapter to client */
    struct flue_wire wire[WORLD_LINKS];
    struct world_wire {
        struct world *world;
        unsigned link;
    } wires[WORLD_LINKS];
    struct flue_node *node[WORLD_NODES];
    unsigned toward;       /* adapter that the client's frames go to */
    uint64_t frames_by[2]; /* from the server's adapters */
    struct flue_app app[WORLD_NODES];
    struct world_side {
        struct world *world;
        unsigned node;
    } side[WORLD_NODES];
    struct world_end end[WORLD_NODES][WORLD_CONNECTIONS];
    unsigned closed[WORLD_NODES][16]; /* by reason */
    uint64_t bytes;                   /* each way, of each connection */
    uint64_t findings;
    int stops;           /* world_run() ends at the first finding */
    unsigned first_rule; /* of that */
    enum flue_party first_party;
};

/* server: drivers, adapters and policy are taken from it, the rest is filled in. */
void world_begin(struct world *world, const struct flue_node_params *server);
void world_connect(struct world *world, unsigned count, uint64_t bytes);
void world_run(struct world *world, flue_ps until_ps); /* or until nothing happens any more */
/* Closes the sockets of one node. */
void world_close(struct world *world, unsigned node, unsigned count);
/* Takes everything down in mid-run. */
void world_drop(struct world *world);
/* Closes all, runs to the end, and asserts that every byte came and nothing is left. */
void world_end(struct world *world, unsigned count);
struct flue_im *world_driver(struct world *world, unsigned place);
flue_ps world_now(const struct world *world);

#endif
