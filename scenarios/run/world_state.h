/* SPDX-License-Identifier: GPL-2.0-only */
/* run/world_state.h - a world from inside: all that its parts share. */
#ifndef FLUE_RUN_WORLD_STATE_H
#define FLUE_RUN_WORLD_STATE_H

#include "base/histogram.h"
#include "base/timers.h"
#include "flue/net.h"
#include "flue/node.h"
#include "flue/record.h"
#include "flue/scenario.h"
#include "run/carry.h"
#include "run/drivers.h"
#include "run/flow.h"
#include "run/measure.h"
#include "run/memory.h"
#include "run/migrate.h"
#include "run/moments.h"
#include "run/rules.h"
#include "run/timeline.h"
#include "run/traffic.h"
#include "run/workload.h"
#include "run/world.h"

struct web;
struct flue_ns3_api;
struct flue_ns3_world;

#define POLL_PS (100 * FLUE_PS_PER_US) /* how often the phases look whether they are over */

/* Where a run is: connections open; they carry; what is measured; they close; over. */
enum phase { PHASE_OPENING, PHASE_WARMUP, PHASE_MEASURE, PHASE_CLOSING, PHASE_DONE };

/* A run. */
struct world {
    const struct flue_scenario *scenario;
    const struct flue_record *record;
    const struct workload *workload;
    struct run_memory memory; /* of the network and the nodes */
    struct flue_net net;
    unsigned nodes;          /* the server, the clients, and perhaps a second server */
    unsigned second_server;  /* its node, the last one; 0: there is none */
    struct flue_node **node; /* so many */
    struct drivers drivers;  /* of the server */
    uint32_t client_ips;
    struct flue_app app[ENDS];
    struct flow *flows;
    uint32_t places; /* of flows, from the first, that have been in use: all, where connections stay */
    enum phase phase;
    uint32_t opened, gone; /* ends */
    uint32_t next_open, next_close;
    struct timer pace, poll, phase_timer, rest, patience;
    struct start_timer {
        struct timer timer;
        struct world *world;
        unsigned node;
    } * start;                /* one for each node */
    struct schedule schedule; /* read once */
    struct moment moment[MOMENTS_MAX];
    unsigned moments;
    struct timeline timeline;
    int disturbed;           /* connections may come back, or not be taken, while the run still opens */
    struct flue_wire second; /* of the server's second adapter */
    struct world_watch watch;
    struct rules rules;
    int stopped; /* at a broken rule: what is under way then is not audited */
    struct world_outcome *outcome;
    struct snapshot begin, end;
    struct flue_profile profile; /* the server's */
    struct histogram latency;
    uint64_t completed;       /* requests or writes in the window */
    uint64_t delivered_bytes; /* both ends, whole run */
    uint64_t findings;
    uint64_t lost;   /* connections */
    uint64_t killed; /* connections, by forged segments; */
    uint64_t forged; /* of which there were so many */
    struct histogram silence;
    flue_ps measured_ps; /* when the last measured thing was over; the books are taken just after it */
    int measured;
    uint64_t drained, drain_polls; /* polls since the last connection closed; and the most there may be */
    struct rpc_requests rpc;
    struct web *web;
    struct {
        const struct flue_ns3_api *api;
        struct flue_ns3_world *world; /* client_tcp=ns3; else NULL */
    } ns3;
    struct traffic traffic;
    uint64_t sent_bytes; /* by flows that are gone */
    struct migrate migrate;
    struct carry carry;
    struct {
        uint64_t unfinished; /* directions of flows with bytes not yet delivered */
    } bulk;
};

/* The window closes: books are taken, connections are closed. */
void world_measured(struct world *world, flue_ps at_ps);
/* The audit found something wrong: one sentence. */
void world_finding(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Of a node. */
struct flue_host *world_host(struct world *world, unsigned node);
struct timers *world_timers(struct world *world, unsigned node);
/* Runs fn on the core of the node, from an entry of whichever node. */
void world_on(struct world *world, unsigned node, flue_ps at_ps, void (*fn)(void *ctx, flue_ps at_ps), void *ctx);
/* Whose end of every connection a node is. */
static inline int world_end(const struct world *world, unsigned node)
{
    return node == SERVER || (world->second_server != 0 && node == world->second_server) ? SERVER : CLIENT;
}
/* Connections come and go while it runs. */
static inline int world_churns(const struct world *world)
{
    return world->workload->live != NULL;
}
/* Local address and port of a connection at its client; and the connection that they are of. */
struct flue_tcp_tuple world_tuple(const struct world *world, uint32_t id);
uint32_t world_identify(const struct world *world, const struct flue_tcp_tuple *tuple);
/* A client has closed, and its server has lost the connection: it waits a little for an answer, then gives up. */
void world_lost(struct world *world);

#endif
