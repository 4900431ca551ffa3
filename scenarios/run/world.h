/* SPDX-License-Identifier: GPL-2.0-only */
/* A world: nodes on a network, applications above them, a measured window, an audit at the end.
 * Node 0 is the server, whose adapter can offload; the others are clients. */
#ifndef FLUE_RUN_WORLD_H
#define FLUE_RUN_WORLD_H

#include "flue/check.h"
#include "flue/node.h"
#include "flue/policy.h"
#include "flue/record.h"
#include "flue/scenario.h"
#include "flue/trace.h"

/* What comes from outside a run: who watches it, and perhaps the server's adapter.  Zeroed: nothing. */
struct world_watch {
    const struct flue_trace *trace;      /* may be NULL */
    const struct flue_node_tap *tap;     /* of the server's port; may be NULL */
    enum flue_check_mode check;          /* of both nodes; with FLUE_CHECK_STOP the run ends at the first broken rule */
    const struct flue_provider *target;  /* the server's adapter, flue/provider.h; NULL: Flue's own */
    const struct flue_policy *policy;    /* of the server, flue/policy.h; NULL: the scenario's */
    const struct flue_im_params *driver; /* stands uppermost between the server's host and its adapter; NULL: none */
};

/* A broken rule of the interface. */
struct world_broken {
    unsigned rule; /* 0: none was broken */
    enum flue_party party;
    unsigned node;     /* 0 the server, from 1 on the clients, then perhaps a second server */
    const char *whose; /* in words */
    flue_ps at_ps;
    uint32_t conn;
    char driver[32], object[32], seen[192];
};

/* What a run is to its caller besides its results. */
struct world_outcome {
    flue_ps end_ps;
    uint64_t events;            /* of the network's loop */
    uint64_t alarms;            /* of both nodes */
    uint64_t data_segments;     /* on the wire, both ways */
    uint64_t traffic_alarms;    /* alarms of both nodes while there was traffic */
    uint64_t traffic_crossings; /* calls of the checkers of all nodes while there was traffic */
    int64_t traffic_cpu_ns;     /* processor time of this process from the start of traffic to the end of the window */
    uint64_t memory_idle_bytes; /* held by both nodes when all connections were in place, before traffic */
    uint64_t memory_base_bytes; /* held before the first connection */
    uint64_t findings;          /* of the audit, and broken rules that are more than remarks */
    struct world_broken broken; /* the first such rule */
};

/* Runs a scenario to its end and tells record what came out.  watch may be NULL.
 * FLUE_OK, with findings if the audit failed.  Else message holds one line for the user:
 * FLUE_EINVAL a combination that cannot be, FLUE_ETOOL no ns-3, FLUE_ENOENT/FLUE_EPARSE a profile, FLUE_ENOMEM. */
FLUE_CHECKED flue_err world_run(const struct flue_scenario *scenario, const struct flue_record *record,
                                const struct world_watch *watch, struct world_outcome *outcome, char *message,
                                size_t room);

/* The node of the second server, which event migrate to=node needs; 0: there is none. */
unsigned world_second_server(const struct flue_scenario *scenario);

#endif
