/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/net.h - a network of nodes with its event loop: what a scenario runs on.  Implemented by model/wire (net: link)
 * and by the shim (net: ns3); both give env and wire to each node. */
#ifndef FLUE_NET_H
#define FLUE_NET_H

#include "flue/base.h"
#include "flue/env.h"
#include "flue/wire.h"

FLUE_BEGIN_C

/* One point-to-point link between node 0 and node 1; the same in both directions. */
struct flue_net_params {
    struct flue_wire_facts facts;
    uint64_t seed; /* handed to each node's env */
};

/* What a network calls in a node.  Borrowed until the network is freed. */
struct flue_net_client {
    void *ctx;
    void (*receive)(void *ctx, const struct flue_frame *frame);
    void (*alarm)(void *ctx);
};

struct flue_net_totals {
    uint64_t events;                    /* all that the loop ran */
    uint64_t memory_bytes, memory_peak; /* allocated through the nodes' env */
    uint64_t frames[2];                 /* given to the wire by node 0, 1 */
    uint64_t dropped[2];                /* refused by a full transmit queue */
};

struct flue_net {
    void *ctx;
    const char *name; /* "link", "ns3" */
    /* Port 1 and 2 of node 0 or 1; borrowed until free. */
    const struct flue_env *(*env)(void *ctx, unsigned node);
    const struct flue_wire *(*wire)(void *ctx, unsigned node);
    void (*attach)(void *ctx, unsigned node, const struct flue_net_client *client);
    /* Runs events until stop() is called, nothing is left, or the next one lies after until_ps; in the last two cases
     * it is until_ps afterwards, unless that is FLUE_PS_NEVER. */
    void (*run)(void *ctx, flue_ps until_ps);
    void (*stop)(void *ctx);
    flue_ps (*now)(void *ctx);
    void (*totals)(void *ctx, struct flue_net_totals *out);
    void (*free)(void *ctx);
};

/* Pure C.  FLUE_OK: *out is filled; end it with out->free(out->ctx).  FLUE_ENOMEM, FLUE_EINVAL. */
FLUE_CHECKED flue_err flue_net_link(const struct flue_net_params *params, struct flue_net *out);

FLUE_END_C

#endif
