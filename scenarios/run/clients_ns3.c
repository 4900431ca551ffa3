/* SPDX-License-Identifier: GPL-2.0-only */
/* Clients that are hosts of ns-3's (client_tcp=ns3).  Their applications run on Flue hosts that are on no wire: these
 * have the clock, the timers and the core; the connections are sockets of ns-3's. */
#include <inttypes.h>
#include <stdio.h>

#include "../shim/flue_ns3.h"
#include "run/build.h"
#include "run/choices.h"
#include "run/clients_ns3.h"
#include "run/flow.h"
#include "run/moments.h"
#include "run/world_state.h"
#include "run/net_ns3.h"

enum { CLIENT_TCP_FLUE, CLIENT_TCP_NS3 };

int clients_are_ns3(const struct flue_scenario *scenario)
{
    return scenario->client_tcp == CLIENT_TCP_NS3;
}

const char *clients_ns3_wrong(const struct flue_scenario *scenario, const struct schedule *schedule)
{
    static const enum event_kind unfit[] = {EVENT_ATTACK, EVENT_URGENT, EVENT_FRAGMENTS, EVENT_MIGRATE};

    if (!clients_are_ns3(scenario))
        return NULL;
    if (scenario->net != FLUE_NET_NS3)
        return "client_tcp=ns3 needs ns-3: set --net ns3, or leave it out";
    if (scenario->workload == FLUE_WORKLOAD_WEB)
        return "client_tcp=ns3 is for bulk and rpc: the clients of web open and abort connections as only Flue's can";
    if (scenario->vlan != 0 && scenario->topology != TOPOLOGY_GATEWAYS)
        return "client_tcp=ns3: ns-3's hosts know no VLANs; set vlan=0 or topology=gateways";
    if (scenario->adapters > 1)
        return "client_tcp=ns3: a world with ns-3's hosts has one wire to each node; set adapters=1";
    if (scenario->loss != 0 || scenario->reorder != 0 || scenario->loss_list.text[0] != '\0')
        return "client_tcp=ns3: loss and reordering are made at both ends of a wire, and one is not Flue's; leave "
               "loss, loss_list and reorder out";
    if ((scenario->connections - 1) / scenario->clients >= PORTS_PER_IP)
        return "client_tcp=ns3: at most 50000 connections to a client, for it has one address; raise clients";
    for (unsigned i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++)
        if (schedule_has(schedule, unfit[i]))
            return "client_tcp=ns3 cannot be with the events attack, urgent, fragments and migrate, which reach into "
                   "the clients' TCP";
    return NULL;
}

/* ---- The network ---- */

/* The server, then the clients, at both ends of a link or on one Ethernet. */
static flue_err add_direct(const struct flue_ns3_api *api, struct flue_ns3_world *ns3, const struct world *world,
                           const struct flue_switch_params *params)
{
    const struct flue_ip any = flue_ip_v4(0), server = flue_ip_v4(SERVER_IP);
    const struct flue_wire_facts *facts = &params->nodes[SERVER].facts;
    const int link = world->scenario->topology == TOPOLOGY_LINK;
    unsigned lan = 0, number;
    flue_err err = link ? FLUE_OK : api->add_lan(ns3, facts, &any, 0, &lan);

    for (unsigned i = 0; err == FLUE_OK && i < params->node_count; i++) {
        const struct flue_ip ip = i == SERVER ? server : flue_ip_v4(CLIENT_IP + i - CLIENT);

        err = api->add_node(ns3, i == SERVER ? FLUE_NS3_FLUE : FLUE_NS3_HOST, &number);
        if (err == FLUE_OK && !link)
            err = api->join(ns3, i, lan, &ip);
        else if (err == FLUE_OK && i == CLIENT)
            err = api->link(ns3, facts, SERVER, &server, CLIENT, &ip);
    }
    return err;
}

flue_err clients_ns3_open(struct world *world, const struct flue_switch_params *params, char *message, size_t room)
{
    const struct flue_ns3_api *api = net_ns3_api(message, room);
    struct flue_ns3_world *ns3;
    flue_err err;

    if (api == NULL)
        return FLUE_ETOOL;
    err = api->world_new(params->seed, &ns3, message, room);
    if (err != FLUE_OK)
        return err;
    err = params->router_count > 0 ? api->add_routed(ns3, params, FLUE_NS3_HOST) : add_direct(api, ns3, world, params);
    if (err == FLUE_OK)
        err = api->finish(ns3, &world->net);
    if (err != FLUE_OK) {
        (void)snprintf(message, room, "%s", api->world_why(ns3));
        api->world_free(ns3);
        return err;
    }
    world->ns3.api = api;
    world->ns3.world = ns3;
    return FLUE_OK;
}

/* ---- What ns-3's sockets tell ----
 *
 * Comes from outside every node: what the application has asked of its own is settled afterwards. */

static flue_ps now(const struct flow *flow)
{
    return flow->world->net.now(flow->world->net.ctx);
}

static void settle(const struct flow *flow)
{
    flue_node_settle(flow->world->node[flow->node[CLIENT]]);
    flue_node_settle(flow->world->node[CLIENT]); /* timers of the world's own */
}

static void on_connected(void *ctx, struct flue_ns3_socket *socket)
{
    struct flow *flow = ctx;

    (void)socket;
    flow_opened(flow, CLIENT, now(flow));
    settle(flow);
}

static void on_received(void *ctx, struct flue_ns3_socket *socket, const struct flue_span *span)
{
    struct flow *flow = ctx;

    (void)socket;
    flow_received(flow, CLIENT, span, now(flow));
    settle(flow);
}

static void on_acknowledged(void *ctx, struct flue_ns3_socket *socket, uint64_t bytes)
{
    struct flow *flow = ctx;

    (void)socket;
    flow_acknowledged(flow, CLIENT, bytes, now(flow));
    settle(flow);
}

static void on_peer_closed(void *ctx, struct flue_ns3_socket *socket)
{
    struct flow *flow = ctx;

    (void)socket;
    flow_peer_closed(flow, CLIENT);
    settle(flow);
}

static void on_closed(void *ctx, struct flue_ns3_socket *socket, int failed)
{
    struct flow *flow = ctx;

    (void)socket;
    flow_closed(flow, CLIENT, failed ? FLUE_TCP_BY_RESET : FLUE_TCP_BY_CLOSE, now(flow));
    settle(flow);
}

/* ---- What the clients ask for ---- */

flue_err clients_ns3_connect(struct flow *flow)
{
    const struct flue_ns3_app app = {.ctx = flow,
                                     .connected = on_connected,
                                     .received = on_received,
                                     .acknowledged = on_acknowledged,
                                     .peer_closed = on_peer_closed,
                                     .closed = on_closed};
    const struct world *world = flow->world;
    const struct flue_tcp_tuple tuple = world_tuple(world, flow->id);

    return world->ns3.api->socket_connect(world->ns3.world, flow->node[CLIENT], tuple.local_port, &tuple.remote_ip,
                                          tuple.remote_port, flow->id, &app, &flow->ns3);
}

flue_err clients_ns3_send(struct flow *flow, uint32_t bytes)
{
    return flow->world->ns3.api->socket_send(flow->ns3, bytes);
}

flue_err clients_ns3_close(struct flow *flow)
{
    return flow->world->ns3.api->socket_close(flow->ns3);
}

void clients_ns3_abort(struct flow *flow)
{
    flow->world->ns3.api->socket_abort(flow->ns3);
}

void clients_ns3_audit(struct world *world)
{
    struct flue_ns3_totals totals;

    if (world->ns3.world == NULL)
        return;
    world->ns3.api->totals(world->ns3.world, &totals);
    if (totals.wrong_bytes != 0 || totals.unknown_packets != 0)
        world_finding(world, "ns-3: %" PRIu64 " bytes were not the stream's, %" PRIu64 " packets of no connection",
                      totals.wrong_bytes, totals.unknown_packets);
}
