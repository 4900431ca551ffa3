/* SPDX-License-Identifier: GPL-2.0-only */
/* run/measure.h - books at two moments, and what their difference says. */
#ifndef FLUE_RUN_MEASURE_H
#define FLUE_RUN_MEASURE_H

#include "flue/cost.h"
#include "flue/host.h"
#include "flue/node.h"

struct world;

enum { SERVERS = 2 }; /* at most: event migrate to=node */

struct adapter_books {
    uint64_t engine_ps, pcie_up_ps, pcie_down_ps, wire_ps; /* busy */
};

struct server_books {
    uint64_t core_ps;
    struct adapter_books adapter[FLUE_NODE_ADAPTERS];
};

/* Books at one moment; a window is the difference of two. */
struct snapshot {
    flue_ps at_ps;
    uint64_t cycles[FLUE_COST_CATEGORIES]; /* of all servers */
    uint64_t bus_ps[FLUE_COST_CATEGORIES];
    struct server_books server[SERVERS];
    uint64_t client_wire_ps;
    uint64_t delivered_bytes;
};

void snapshot_take(const struct world *world, struct snapshot *out);
/* Of the server's hosts together, as far as metrics tell of them. */
void world_host_totals(const struct world *world, struct flue_host_totals *out);
/* Of all adapters of a node: its segments, timeouts and challenge ACKs. */
void world_adapters_tcp(const struct world *world, unsigned node, struct flue_tcp_totals *out);
void world_report(struct world *world);

#endif
