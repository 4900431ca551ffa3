/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole Flue nodes on ports, what they are made of by default, and a routed world in one call. */
#include "nodes.h"

#include "world.h"

#include <cstdio>

namespace flue
{

namespace
{

constexpr uint32_t LAN_PREFIX = 0x0a000000; /* 10.0.0.0/24 */
constexpr unsigned LAN_BITS = 24;
constexpr unsigned LAN_NODES_MAX = 250;
constexpr uint32_t HOSTS_PREFIX = 0x0a010000;
constexpr unsigned HOSTS_MAX = 60000;
constexpr unsigned V4_BITS = 96; /* of an IPv4 address are its family's */
constexpr uint32_t CYCLES = 500;
constexpr uint64_t CLOCK_HZ = 3000000000;
constexpr uint32_t CONNECTIONS = 16384;

void
OnReceive(void* ctx, const flue_frame* frame)
{
    flue_node_receive(static_cast<flue_node*>(ctx), frame);
}

void
OnAlarm(void* ctx)
{
    flue_node_alarm(static_cast<flue_node*>(ctx));
}

/* The Ethernet itself, and everything else by each of its routers. */
flue_err
AddRoutes(const flue_ns3_world* world, unsigned lan, flue_host* host)
{
    const Ethernet& ethernet = world->lans[lan];
    const flue_ip own = flue_ip_v4(ethernet.prefix.Get());
    const flue_ip all = flue_ip_v4(0);
    flue_err err = flue_host_route(host, &own, V4_BITS + ethernet.bits, nullptr, 0);

    for (const Place& place : ethernet.members)
    {
        const Station& station = world->stations[place.station];

        if (err == FLUE_OK && station.kind == FLUE_NS3_ROUTER)
        {
            const flue_ip gateway = flue_ip_v4(station.interfaces[place.interface].address.Get());
            err = flue_host_route(host, &all, V4_BITS, &gateway, 0);
        }
    }
    return err;
}

/* The Flue nodes and the routers, the core, the hosts. */
flue_err
Build(flue_ns3_world* world, const flue_ns3_routed* shape)
{
    const unsigned core = shape->flue_nodes + shape->routers;
    const flue_ip prefix = flue_ip_v4(LAN_PREFIX);
    unsigned number;
    unsigned lan;
    flue_err err = WorldAddLan(world, &shape->wire, &prefix, LAN_BITS, &lan);

    for (unsigned i = 0; err == FLUE_OK && i <= core; i++)
    {
        const flue_ip ip = flue_ip_v4(LAN_PREFIX + 1 + i);

        err = WorldAddNode(world, i < shape->flue_nodes ? FLUE_NS3_FLUE : FLUE_NS3_ROUTER, &number);
        if (err == FLUE_OK && i != core)
        {
            err = WorldJoin(world, i, lan, &ip);
        }
    }
    for (unsigned i = shape->flue_nodes; err == FLUE_OK && i < core; i++)
    {
        err = WorldLink(world, &shape->wire, i, nullptr, core, nullptr);
    }
    for (unsigned i = 0; err == FLUE_OK && i < shape->hosts; i++)
    {
        const flue_ip ip = flue_ip_v4(HOSTS_PREFIX + i);

        err = WorldAddNode(world, FLUE_NS3_HOST, &number);
        if (err == FLUE_OK)
        {
            err = WorldLink(world, &shape->wire, core, nullptr, number, &ip);
        }
    }
    return err;
}

} // namespace

void
NodeDefaults(flue_node_params* params)
{
    *params = flue_node_params{};
    params->check = FLUE_CHECK_COUNT;

    flue_host_params& host = params->host;
#define FLUE_PRICE(name, side, category, title) host.profile.name.cycles = CYCLES;
#define FLUE_VALUE(name, side, unit, minimum, maximum, title) host.profile.name = (minimum);
#include "flue/profile.def"
#undef FLUE_PRICE
#undef FLUE_VALUE
    host.profile.host_hz = host.profile.engine_hz = CLOCK_HZ;
    flue_tcp_defaults(&host.tcp);
    host.policy = flue_policy_find("always");
    host.send_quantum = 4;
    host.backlog_frames = 64;
    host.tree_connections = 256;
    host.connections = 64;
    host.ddi = flue_ddi_defaults();

    flue_target_params& target = params->target;
    target.neighbour_max = 256;
    target.path_max = CONNECTIONS;
    target.tcp_max = CONNECTIONS;
    target.rcv_wnd_max_bytes = 1U << 30;
    target.mtu_max_bytes = 9000;
    target.send_quantum = 4;
    target.backlog_frames = 64;
    target.ring_frames = 4096;
    target.tcp = host.tcp;
    target.profile = host.profile;
    target.ddi = host.ddi;
}

flue_err
StartNode(Port* port, const flue_node_params* params, flue_node** out)
{
    const flue_err err = flue_node_new(&port->env, &port->wire, nullptr, params, out);

    if (err == FLUE_OK)
    {
        port->client = flue_net_client{*out, OnReceive, OnAlarm, nullptr};
    }
    return err;
}

flue_err
WorldRouted(const flue_ns3_routed* shape, flue_ns3_world** out, flue_net* net, char* message, size_t room)
{
    *out = nullptr;
    if (shape->flue_nodes == 0 || shape->routers == 0 || shape->hosts > HOSTS_MAX ||
        shape->flue_nodes > LAN_NODES_MAX || shape->routers > LAN_NODES_MAX - shape->flue_nodes)
    {
        std::snprintf(message, room, "a routed world has Flue nodes and routers, together at most %u, and at most %u hosts",
                      LAN_NODES_MAX, HOSTS_MAX);
        return FLUE_EINVAL;
    }
    flue_err err = WorldNew(shape->seed, out, message, room);
    if (err != FLUE_OK)
    {
        return err;
    }
    err = Build(*out, shape);
    if (err == FLUE_OK)
    {
        err = WorldFinish(*out, net);
    }
    if (err != FLUE_OK)
    {
        std::snprintf(message, room, "%s", WorldWhy(*out));
        WorldFree(*out);
        *out = nullptr;
    }
    return err;
}

flue_err
WorldStart(flue_ns3_world* world, unsigned node, const flue_node_params* params, flue_node** out)
{
    flue_node_params own;

    *out = nullptr;
    if (!world->finished)
    {
        return world->Refuse(FLUE_ESTATE, "the world is not finished yet");
    }
    if (node >= world->stations.size() || world->stations[node].kind != FLUE_NS3_FLUE)
    {
        return world->Refuse(FLUE_EINVAL, "there is no Flue node %u", node);
    }
    if (world->started.count(node) != 0)
    {
        return world->Refuse(FLUE_EEXIST, "node %u has been started", node);
    }
    if (params == nullptr)
    {
        NodeDefaults(&own);
    }
    else
    {
        own = *params;
    }
    const Interface& interface = world->stations[node].interfaces[0];
    own.number = static_cast<uint16_t>(node);
    if (own.host.ip == 0)
    {
        own.host.ip = interface.address.Get();
    }
    flue_err err = StartNode(&world->port[node], &own, out);
    if (err != FLUE_OK)
    {
        return world->Refuse(err, "node %u cannot be built: %s", node, flue_err_sentence(err));
    }
    world->started[node] = *out;
    if (interface.lan >= 0)
    {
        err = AddRoutes(world, static_cast<unsigned>(interface.lan), flue_node_host(*out));
    }
    return err;
}

} // namespace flue

void
flue_ns3_world::FreeNodes()
{
    for (const auto& [number, node] : started)
    {
        flue_node_free(node);
    }
    started.clear();
}
