/* SPDX-License-Identifier: GPL-2.0-only */
/* wire/lan.h - a switched network inside: its ports, the switch, the routers, the nodes behind them (flue/net.h). */
#ifndef FLUE_WIRE_LAN_H
#define FLUE_WIRE_LAN_H

#include "flue/net.h"
#include "wire/events.h"
#include "wire/link.h"
#include "wire/table.h"

enum { LAN_PENDING = 64, LAN_ROUTERS_MAX = 16, LAN_NODES_MAX = 60000, LAN_VIDS = 4096 };

struct lan;

/* The wire of a node or a router.  Ports 0 .. node_count - 1 are the nodes', the others the routers'. */
struct lan_port {
    struct lan *lan;
    uint32_t number;
    struct link up, down;  /* from the node or router; towards it */
    uint16_t untagged_vid; /* FLUE_VLAN_NONE: none */
    uint8_t behind;        /* a node behind the routers */
    uint8_t is_down;
    uint8_t told_down; /* what the node knows */
    uint32_t *vids;    /* a bit for each tagged VLAN; NULL: none */
    uint64_t received, filtered, lost_down;
    struct flue_env env;
    struct flue_wire wire;
    struct flue_net_client client;
};

/* A frame that waits for its neighbour's MAC address. */
struct lan_pending {
    flue_ps since_ps;
    struct flue_frame frame;
};

struct lan_router {
    struct lan *lan;
    struct lan_port *port;
    struct flue_ip ip4, ip6;
    struct table neighbours; /* IP address: MAC address, its six bytes as a number */
    struct table asked;      /* IP address: 1 + when it was last asked for */
    uint32_t pending_count;
    struct lan_pending pending[LAN_PENDING]; /* oldest first */
    struct flue_net_router_totals totals;
};

struct lan {
    flue_ps now_ps;
    struct flue_net_memory memory;
    struct flue_env env; /* for memory of the network's own */
    uint32_t node_count, router_count, port_count;
    struct lan_port *ports;
    struct lan_router *routers;
    struct table learnt; /* VLAN and MAC address: 1 + port */
    struct table routes; /* IP address behind the routers: 1 + node */
    struct events events;
    struct flue_net_totals totals;
    int stopped;
};

/* Sends on a port's wire, from its node or router, or towards it; loses the frame if the port is down. */
enum flue_wire_result lan_send_up(struct lan_port *port, const struct flue_frame *frame);
void lan_send_down(struct lan_port *port, const struct flue_frame *frame);

/* switch.c: a frame has arrived at the switch.  And: forgets what was learnt of a port. */
void switch_receive(struct lan_port *port, const struct flue_frame *frame);
void switch_forget(struct lan_port *port);

/* router.c: a frame has arrived from the switch, or from a node behind the routers. */
void router_receive(struct lan_router *router, const struct flue_frame *frame);
void router_receive_behind(struct lan_port *port, const struct flue_frame *frame);
void router_forget(struct lan_router *router);
void router_change_mac(struct lan_router *router);

#endif
