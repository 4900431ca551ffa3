/* SPDX-License-Identifier: GPL-2.0-only */
/* run/workload.h - what a workload is: the functions that bulk.c, rpc.c and web.c fill in; and what is kept of those
 * that make requests. */
#ifndef FLUE_RUN_WORKLOAD_H
#define FLUE_RUN_WORKLOAD_H

#include "base/pool.h"
#include "base/rng.h"
#include "base/timers.h"
#include "flue/base.h"

struct world;
struct flow;
struct flue_host_hint;

/* A workload: what the applications do once every connection is in place. */
struct workload {
    /* Fails with one line for the user in message. */
    flue_err (*prepare)(struct world *world, char *message, size_t room);
    void (*start)(struct world *world, unsigned node, flue_ps at_ps); /* this node's traffic begins; for each node */
    void (*received)(struct flow *flow, int end, uint32_t bytes, flue_ps at_ps);
    void (*acknowledged)(struct flow *flow, int end, flue_ps at_ps);
    /* What it still had to carry will not come (flow->lost). */
    void (*lost)(struct flow *flow, flue_ps at_ps);
    /* What a connection will carry, for a policy that is clairvoyant. */
    void (*expect)(const struct flow *flow, struct flue_host_hint *out);
    void (*dispose)(struct world *world);
    /* Of a workload that opens connections while it runs and lets them go; of others all of these are NULL.  open: an
     * end is open.  gone: an end has ended; the last that is heard of it.  live: how many connections there are. */
    void (*open)(struct flow *flow, int end, flue_ps at_ps);
    void (*gone)(struct flow *flow, flue_ps at_ps);
    uint32_t (*live)(const struct world *world);
    void (*report)(struct world *world);
    /* The server's end has come to another node, and goes on there; NULL: by itself. */
    void (*arrived)(struct flow *flow, flue_ps at_ps);
};
extern const struct workload workload_bulk, workload_rpc, workload_web;

/* rpc: requests of all connections. */
struct rpc_requests {
    struct pool pool;
    struct rng choice;
    struct timer arrival;
    flue_ps began_ps;
    uint64_t mean_gap_ps;
    uint64_t measured, done;
    uint64_t waiting_peak; /* most requests at once without an answer */
    int stopped;
};

#endif
