/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of a world share: the flows, the phases, the hooks a workload fills in. */
#ifndef FLUE_RUN_FLOWS_H
#define FLUE_RUN_FLOWS_H

#include "base/histogram.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/timers.h"
#include "flue/net.h"
#include "flue/node.h"
#include "flue/record.h"
#include "flue/scenario.h"
#include "run/drivers.h"
#include "run/events.h"
#include "run/memory.h"
#include "run/traffic.h"
#include "run/world.h"

enum { SERVER, CLIENT, ENDS };

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
#define POLL_PS        (100 * FLUE_PS_PER_US) /* how often the phases look whether they are over */

/* Stored numbers of parameters of kind CHOICE, in the order of their words. */
enum { CHOICE_YES, CHOICE_NO };
enum { ARM_HOST, ARM_CHIMNEY };
enum { SWITCH_NO, SWITCH_YES }; /* of those that are off by default */
enum { RELINK_INVALIDATE, RELINK_UPDATE };
enum { SAMPLE_FROM_TRAFFIC, SAMPLE_FROM_START };
enum { MIGRATE_ADAPTER, MIGRATE_NODE }; /* argument of event migrate */
enum { STRAYS_FORWARD, STRAYS_DROP };
enum { TOPOLOGY_LINK, TOPOLOGY_SWITCH, TOPOLOGY_GATEWAYS };

/* What a flow of event migrate is at: not concerned; waits for an occasion or its turn; told to go; between two nodes,
 * where nobody has a socket of it. */
enum moving { MOVING_NO, MOVING_WAITS, MOVING_GOES, MOVING_CARRIED };

/* One connection, seen from above both its ends. */
struct flow {
    struct world *world;
    struct flue_socket *socket[ENDS];
    struct flue_ns3_socket *ns3; /* client_tcp=ns3: the client's end, in the place of socket[CLIENT] */
    uint64_t received[ENDS];     /* bytes that this end's application got */
    uint64_t accepted[ENDS];     /* bytes that this end's application sent: kept after its socket is gone */
    uint64_t acked[ENDS];
    uint32_t id;
    uint32_t node[ENDS]; /* who runs the application */
    uint8_t open[ENDS], closing[ENDS], closed[ENDS];
    uint8_t lost;             /* a terminate that failed took its state along (D-32), or an attack did */
    uint8_t attacked;         /* forged segments came for it */
    uint8_t moving;           /* enum moving */
    uint8_t close_late;       /* the server's end is to close when it has arrived */
    struct flue_hook carry;   /* in world->carry.ready or .on_way */
    struct flow_image *image; /* on its way, MOVING_CARRIED */
    flue_ps waiting_ps[ENDS]; /* since when bytes of this end wait for their delivery, or for that of the next */
    flue_ps silence_ps;       /* longest such wait in the measured window */
    uint32_t drawn[ENDS];     /* sizes that have been drawn for what this end sends */
    uint64_t request_bytes;   /* of a request that has come in part; 0 but for workload rpc */

    union {                            /* by the workload; web has its own in struct web */
        struct {                       /* bulk */
            uint64_t to_carry[ENDS];   /* bytes that this end sends in all */
            uint64_t left[ENDS];       /* bytes still to be written; by a list, of those that have fallen due */
            struct write_mark *writes; /* ring of writes_ahead marks for each end */
            uint32_t first[ENDS], count[ENDS];
        };
        struct {                       /* rpc */
            struct flue_hook requests; /* outstanding, oldest first */
            struct request *next;    /* the first of them that the server has not answered; NULL: it has answered all */
            uint64_t response_bytes; /* of a response that has come in part */
            uint32_t planned, rank;  /* requests it will get, if the run takes its course; connections that get more */
        };
    };
};

struct write_mark {
    uint64_t end_offset;
    flue_ps at_ps;
};

enum phase { PHASE_OPENING, PHASE_WARMUP, PHASE_MEASURE, PHASE_CLOSING, PHASE_DONE };

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

/* What happens at a chosen time. */
#define MOMENTS_MAX (EVENTS_MAX + 13)
struct moment {
    struct timer timer;
    struct world *world;
    struct event event;
    int effect; /* it came to pass, and found something to act on */
    struct attack {
        struct timer timer;
        struct rng rng;
        int64_t left; /* forged segments */
    } attack;
};

/* The timeline (parameter `sample`), while it grows. */
struct timeline {
    struct timer timer;
    struct timeline_sample *samples;
    uint32_t count;
    flue_ps every_ps;
    struct timeline_sums {
        uint64_t busy_ps[FLUE_COST_CATEGORIES]; /* of the server's core, of two servers' together */
        uint64_t delivered_bytes, retransmits, timeouts;
    } sums;                                    /* of the run up to the last sample */
    uint64_t waiting_ps[FLUE_COST_CATEGORIES]; /* work that a core has been given and has not done yet */
};

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
    } * start; /* one for each node */
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
    struct {
        struct pool pool;
        struct rng choice;
        struct timer arrival;
        flue_ps began_ps;
        uint64_t mean_gap_ps;
        uint64_t measured, done;
        uint64_t waiting_peak; /* most requests at once without an answer */
        int stopped;
    } rpc;
    struct web *web;
    struct {
        const struct flue_ns3_api *api;
        struct flue_ns3_world *world; /* client_tcp=ns3; else NULL */
    } ns3;
    struct traffic traffic;
    uint64_t sent_bytes; /* by flows that are gone */
    struct {
        struct timer turn;
        uint32_t *order; /* identities, in the order in which they go */
        uint32_t count, next;
        unsigned adapter; /* of the server, that has its address */
        int begun;
        uint64_t moved;            /* connections that are where they were to go */
        flue_ps begin_ps, last_ps; /* the event; the last one that moved */
    } migrate;
    struct {
        struct timer ready_timer, arrival; /* the server's, the second server's */
        struct flue_hook ready, on_way;    /* flows: to be exported; in order of arrival */
        flue_ps free_ps[2];                /* when the way to the second server, or back, is free again */
        uint64_t image_bytes, payload_bytes;
        uint64_t forwarded, dropped; /* segments that came to the wrong node */
        uint64_t stayed;             /* connections that the second server's host keeps */
        uint64_t came_back;          /* connections that the second server could not take */
        struct carry_end {
            struct world *world;
            unsigned node;
        } end[2];
    } carry;
    struct {
        uint64_t unfinished; /* directions of flows with bytes not yet delivered */
    } bulk;
};

/* The window closes: books are taken, connections are closed. */
void world_measured(struct world *world, flue_ps at_ps);
void world_finding(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
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
/* audit.c: every byte of a flow that has ended was delivered; and, apps.c, its longest silence. */
void flow_audit(const struct flow *flow);
void flow_silence(struct flow *flow, flue_ps now_ps);

/* possible.c: a combination that cannot be gets one line in message (FLUE_EINVAL). */
FLUE_CHECKED flue_err world_possible(const struct flue_scenario *scenario, int foreign, char *message, size_t room);

/* build.c */
FLUE_CHECKED flue_err world_build_net(struct world *world, char *message, size_t room);
uint64_t world_seed(const struct flue_scenario *scenario);
FLUE_CHECKED flue_err world_build_nodes(struct world *world, char *message, size_t room);

/* schedule.c: all that a scenario schedules, by keys and by events; -1 as events_parse().  And whether it can be, as
 * world_possible(). */
int moments_list(const struct flue_scenario *scenario, struct event out[MOMENTS_MAX], char *message, size_t room,
                 int *column);
FLUE_CHECKED flue_err moments_possible(const struct flue_scenario *scenario, int foreign, char *message, size_t room);
int moments_to_node(const struct flue_scenario *scenario); /* whether there is a second server */
int moments_has(const struct flue_scenario *scenario, enum event_kind kind);
uint64_t moments_missed(const struct flue_scenario *scenario);

/* attack.c: 1: it had an effect */
int attack_begin(struct moment *moment, flue_ps now_ps);
int attack_urgent(struct world *world, const struct flow *flow);
int attack_fragments(struct world *world, const struct flow *flow);

/* moments.c */
void moments_arm(struct world *world);
void moments_begin(struct world *world, flue_ps start_ps); /* traffic begins; the server is settled afterwards */
void moments_report(struct world *world);

/* timeline.c: samples from now_ps on, if the scenario asks for them; and what they are, after the run. */
FLUE_CHECKED flue_err timeline_make(struct world *world);
void timeline_begin(struct world *world, flue_ps now_ps);
void timeline_report(struct world *world);
void timeline_free(struct world *world);

/* apps.c: what a client's socket tells, whoever runs its TCP. */
void flow_opened(struct flow *flow, int end, flue_ps at_ps);
void flow_received(struct flow *flow, int end, const struct flue_span *span, flue_ps at_ps);
void flow_acknowledged(struct flow *flow, int end, uint64_t bytes, flue_ps at_ps);
void flow_peer_closed(struct flow *flow, int end);
void flow_closed(struct flow *flow, int end, enum flue_tcp_reason reason, flue_ps at_ps);
/* An end has a socket: it is open, or will be, and has not ended. */
static inline int flow_has(const struct flow *flow, int end)
{
    return flow->socket[end] != NULL || (end == CLIENT && flow->ns3 != NULL);
}

/* clients_ns3.c: clients that are hosts of ns-3's; params: as of a switched network.  The last four are for flows with
 * an ns3. */
int clients_are_ns3(const struct flue_scenario *scenario);
const char *clients_ns3_wrong(const struct flue_scenario *scenario); /* one line, or NULL */
FLUE_CHECKED flue_err clients_ns3_open(struct world *world, const struct flue_switch_params *params, char *message,
                                       size_t room);
void clients_ns3_audit(struct world *world);
FLUE_CHECKED flue_err clients_ns3_connect(struct flow *flow);
FLUE_CHECKED flue_err clients_ns3_send(struct flow *flow, uint32_t bytes);
FLUE_CHECKED flue_err clients_ns3_close(struct flow *flow);
void clients_ns3_abort(struct flow *flow);

/* apps.c: fills in world->app; closes one end of a flow, once. */
void world_apps(struct world *world);
void flow_close(struct flow *flow, int end);
int flow_send(struct flow *flow, int end, uint32_t bytes, flue_ps at_ps); /* 0: they were refused */
void flow_silences(struct world *world); /* at the end of the window: what waits still counts, too */
/* A client has closed, and its server has lost the connection: it waits a little for an answer, then gives up. */
void world_lost(struct world *world);
void world_drain(struct world *world); /* in PHASE_CLOSING: ends the run if all connections have gone */

/* migrate.c: the event; what a connection does meanwhile (enum occasion of it); what came of it.  1: it had an effect.
 */
enum occasion { OCCASION_SENDS, OCCASION_SETTLED };
int migrate_begin(struct world *world, const struct event *event, flue_ps now_ps);
void migrate_occasion(struct flow *flow, enum occasion occasion, flue_ps at_ps);
void migrate_moved(struct flow *flow, enum flue_holder holder, flue_ps at_ps);
void migrate_arrived(struct flow *flow, flue_ps at_ps); /* it is where it was to go */
void migrate_opened(struct flow *flow, flue_ps at_ps);  /* a connection of the first server, after the event */
void migrate_report(struct world *world);
void migrate_dispose(struct world *world);

/* carry.c: from the first server to the second. */
FLUE_CHECKED flue_err carry_begin(struct world *world, flue_ps now_ps); /* its address goes */
int carry_go(struct flow *flow, flue_ps at_ps);                         /* 1: it will */
void carry_moved(struct flow *flow, enum flue_holder holder, flue_ps at_ps);
void carry_dispose(struct world *world);

/* rules.c: what a node's checker is told to do; counts per rule into the record, after the run */
void rules_watch(struct world *world, unsigned node, struct flue_node_params *params);
void rules_report(struct world *world);

/* audit.c */
void world_audit(struct world *world);

/* measure.c */
void snapshot_take(const struct world *world, struct snapshot *out);
/* Of the server's hosts together, as far as metrics tell of them. */
void world_host_totals(const struct world *world, struct flue_host_totals *out);
/* Of all adapters of a node: its segments, timeouts and challenge ACKs. */
void world_adapters_tcp(const struct world *world, unsigned node, struct flue_tcp_totals *out);
void world_report(struct world *world);

#endif
