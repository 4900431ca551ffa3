/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/net.h - a network of nodes with its event loop: what a scenario runs on.  Implemented by model/wire (net: link,
 * net: switch) and by the shim (net: ns3); all give env and wire to each node. */
#ifndef FLUE_NET_H
#define FLUE_NET_H

#include "flue/base.h"
#include "flue/env.h"
#include "flue/wire.h"

FLUE_BEGIN_C

/* Where a network of model/wire and its nodes take their memory from.  All zero: calloc() and free(). */
struct flue_net_memory {
    void *ctx;                                              /* handed back in both calls */
    void *(*allocate)(void *ctx, size_t bytes);             /* zeroed; or NULL */
    void (*release)(void *ctx, void *memory, size_t bytes); /* what allocate gave */
};

/* One point-to-point link between node 0 and node 1; the same in both directions. */
struct flue_net_params {
    struct flue_wire_facts facts;  /* of the link, in both directions */
    uint64_t seed;                 /* handed to each node's env */
    struct flue_net_memory memory; /* copied */
};

/* What a network calls in a node.  Borrowed until the network is freed. */
struct flue_net_client {
    void *ctx;                                                  /* handed back in each call */
    void (*receive)(void *ctx, const struct flue_frame *frame); /* a frame has come whole; borrowed until return */
    void (*alarm)(void *ctx);                                   /* the alarm that the node's env->set_alarm() set */
    /* The port went down, or came up again; an event of its own, never inside another call.  NULL: not told. */
    void (*link)(void *ctx, int up);
};

/* Of a whole network, since it was made. */
struct flue_net_totals {
    uint64_t events;                    /* all that the loop ran */
    uint64_t memory_bytes, memory_peak; /* allocated through the nodes' env */
    uint64_t frames[2];                 /* given to the wire by node 0, 1; in a network of more nodes only by those */
    uint64_t dropped[2];                /* refused by a full transmit queue */
};

/* One node's port. */
struct flue_net_port_totals {
    uint64_t sent, send_dropped;        /* given to the wire by the node; refused by its full queue */
    uint64_t received, receive_dropped; /* given to the node; lost before the queue towards it */
    uint64_t filtered;                  /* not of a VLAN of the port, or longer than its wire takes */
    uint64_t lost_down;                 /* on its wire when that went down, or sent while it was */
};

/* One router. */
struct flue_net_router_totals {
    uint64_t forwarded;  /* in both directions */
    uint64_t errors;     /* ICMP messages that it sent */
    uint64_t unroutable; /* no node there, a hop limit at its end, longer than the wire takes, no neighbour in time */
    uint64_t asked, answered; /* ARP and ND */
};

/* A network: functions and what they are called with. */
struct flue_net {
    void *ctx;        /* first argument of each */
    const char *name; /* "link", "switch", "ns3" */
    /* Port 1 and 2 of a node; borrowed until free. */
    const struct flue_env *(*env)(void *ctx, unsigned node);
    const struct flue_wire *(*wire)(void *ctx, unsigned node);
    /* Frames and alarms reach the node from now on; *client is copied. */
    void (*attach)(void *ctx, unsigned node, const struct flue_net_client *client);
    /* Runs events until stop() is called, nothing is left, or the next one lies after until_ps; in the last two cases
     * it is until_ps afterwards, unless that is FLUE_PS_NEVER. */
    void (*run)(void *ctx, flue_ps until_ps);
    void (*stop)(void *ctx);                                /* run() returns after the present event */
    flue_ps (*now)(void *ctx);                              /* the present event's moment, or where run() ended */
    void (*totals)(void *ctx, struct flue_net_totals *out); /* counters now; *out is overwritten */
    void (*free)(void *ctx);                                /* ends the network, all envs and wires; nodes go first */
    /* What only some networks can do; NULL in others.  May be called at any time, also by a node. */
    void (*port_down)(void *ctx, unsigned node, int down);
    void (*router_down)(void *ctx, unsigned router, int down);
    /* The way from the routers to a node behind them takes packets of so many bytes from now on; a router comes with
     * another MAC address, or with its first again, and announces it (RFC 5227 3). */
    void (*behind_mtu)(void *ctx, unsigned node, uint32_t mtu_bytes);
    void (*router_mac)(void *ctx, unsigned router);
    void (*port_totals)(void *ctx, unsigned node, struct flue_net_port_totals *out);
    void (*router_totals)(void *ctx, unsigned router, struct flue_net_router_totals *out);
};

/* Pure C.  FLUE_OK: *out is filled; end it with out->free(out->ctx).  FLUE_ENOMEM; FLUE_EINVAL: rate_bps is not in
 * 1 .. 10^12, or delay_ps negative. */
FLUE_CHECKED flue_err flue_net_link(const struct flue_net_params *params, struct flue_net *out);

/* ---- A switched network ----
 *
 *      node 0 --+                 +-- router 0 --+
 *      node 1 --+-- the switch  --+              +-- nodes behind the routers, each on a wire of its own
 *        ...  --+                 +-- router 1 --+
 *
 * The switch learns MAC addresses per VLAN, floods what is for a group or for nobody it knows, and strips and adds tags
 * as the ports say; it takes no time itself.  It forgets what it learnt of a port that goes down.
 *
 * The routers are gateways of the switched nodes: with MAC and IP addresses of their own they answer ARP and neighbour
 * solicitations, and forward in no time between the switch and the nodes behind them, which are reached through either.
 * A node behind the routers has a point-to-point wire without MAC addresses; what it sends goes to the first router
 * that is up.  A router counts hops down (ICMP time exceeded), tells the sender of a packet that is longer than the
 * next wire's mtu (too big), answers host unreachable for who is neither behind it nor can be on the switch, and asks
 * the switched network with ARP and ND, holding up to 64 frames meanwhile.  A router that is down neither hears nor
 * says anything and forgets its neighbours; no port of a node tells of it. */

#define FLUE_VLAN_DEFAULT 1u    /* of ports that say nothing */
#define FLUE_VLAN_NONE    4095u /* as untagged_vid: frames without a tag are not taken */

/* A node and its wire; the network fills in has_mac and mac of facts: of node n 02:00:00 and the number n + 1, of
 * router r 02:00:01 and r + 1. */
struct flue_switch_node {
    struct flue_wire_facts facts; /* of its wire, both directions; has_mac and mac do not count */
    uint16_t untagged_vid;        /* VLAN of frames without a tag; 0: FLUE_VLAN_DEFAULT */
    uint16_t tagged_count;        /* VLANs whose frames have one; copied */
    const uint16_t *tagged_vids;  /* borrowed while the network is made; each 1 .. 4094 */
    uint32_t behind_routers;      /* 1: not on the switch, and only facts and ip count */
    struct flue_ip ip[2];         /* behind the routers: the addresses that lead to it; zeroed: none */
};

/* A gateway. */
struct flue_switch_router {
    struct flue_wire_facts facts; /* its wire to the switch */
    uint16_t vid;                 /* untagged; 0: FLUE_VLAN_DEFAULT */
    struct flue_ip ip4, ip6;      /* its own; zeroed: not of this family */
};

/* A switched network. */
struct flue_switch_params {
    const struct flue_switch_node *nodes;     /* copied, like the routers */
    uint32_t node_count;                      /* 1 .. 60000 */
    const struct flue_switch_router *routers; /* may be NULL if there are none */
    uint32_t router_count;                    /* 0 .. 16 */
    uint64_t seed;                            /* handed to each node's env */
    struct flue_net_memory memory;            /* copied */
};

/* The address that the network gives to a node's interface. */
void flue_net_mac(unsigned node, uint8_t mac[6]);

/* Pure C.  As flue_net_link(), whose FLUE_EINVAL each wire can give; also: more nodes or routers than above, or no
 * node; a VLAN above 4094 (but FLUE_VLAN_NONE as a node's untagged_vid), a tagged one of 0; a node behind routers that
 * there are not. */
FLUE_CHECKED flue_err flue_net_switch(const struct flue_switch_params *params, struct flue_net *out);

/* Takes a port down, or up again, of a network that can; else nothing happens. */
static inline void flue_net_port_down(const struct flue_net *net, unsigned node, int down)
{
    if (net->port_down != NULL)
        net->port_down(net->ctx, node, down);
}

/* The same of a router. */
static inline void flue_net_router_down(const struct flue_net *net, unsigned router, int down)
{
    if (net->router_down != NULL)
        net->router_down(net->ctx, router, down);
}

FLUE_END_C

#endif
