/* SPDX-License-Identifier: GPL-2.0-only */
/* run/build.h - networks and nodes out of a scenario: who is where, under which address. */
#ifndef FLUE_RUN_BUILD_H
#define FLUE_RUN_BUILD_H

#include "flue/scenario.h"

struct world;

/* Nodes: the server, then the clients, then, for event migrate to=node, a second server; connection i is of client i %
 * clients, and the j = i / clients-th one there.  A client has world->client_ips addresses in a row, the first client's
 * first is CLIENT_IP; its j-th connection has address j / PORTS_PER_IP and port FIRST_PORT + j % PORTS_PER_IP.  With
 * workload web these are slots, and the connections in them have running numbers. */
#define SERVER_IP      0x0A000001u /* 10.0.0.1 */
#define SECOND_IP      0x0A000002u /* 10.0.0.2: the second server's own */
#define MORE_SERVER_IP 0x0A000100u /* 10.0.1.1, and up: its other addresses */
#define CLIENT_IP      0x0A010000u /* 10.1.0.0, and up */
#define GATEWAY_IP     0x0A0000FDu /* 10.0.0.253, and up */
#define GATEWAYS       2u
#define SERVER_PORT    80
#define FIRST_PORT     10000u
#define PORTS_PER_IP   50000u

FLUE_CHECKED flue_err world_build_net(struct world *world, char *message, size_t room);
uint64_t world_seed(const struct flue_scenario *scenario);
FLUE_CHECKED flue_err world_build_nodes(struct world *world, char *message, size_t room);

#endif
