/* SPDX-License-Identifier: GPL-2.0-only */
/* A switched network with routers of ns-3's own: Flue nodes and the routers on one Ethernet, behind the routers a core
 * that all nodes behind them hang on. */
#include "world.h"

#include "net.h"

#include <cstdio>

namespace flue
{

namespace
{

constexpr unsigned NODES_MAX = 60000;
constexpr unsigned ROUTERS_MAX = 16;
constexpr uint32_t V6_LEAST_MTU = 1280; /* RFC 8200 5 */
constexpr uint32_t TRANSIT6 = 0xfd000001; /* fd00:1::/96, of links */
constexpr uint64_t CORE_BPS = 1000000000000;
constexpr uint32_t CORE_QUEUE_FRAMES = 10000;

const flue_ip none{};

bool
IsV4(const flue_ip& ip)
{
    return flue_ip_is_v4(&ip) && ip.word[3] != 0;
}

bool
HasV6(const flue_ip& ip)
{
    return !flue_ip_is_v4(&ip) && !flue_ip_equal(&ip, &none);
}

unsigned
Vid(unsigned vid)
{
    return vid == 0 ? FLUE_VLAN_DEFAULT : vid;
}

/* The VLAN whose tag a node's frames have, where the switch's port takes it away; 0: none.  False: not of the VLAN. */
bool
FindAccess(const flue_switch_node& node, unsigned vid, uint16_t* out)
{
    const bool tags = node.tagged_count == 1 && node.tagged_vids[0] == vid && node.untagged_vid == FLUE_VLAN_NONE;

    *out = tags ? static_cast<uint16_t>(vid) : 0;
    return tags || (node.tagged_count == 0 && Vid(node.untagged_vid) == vid);
}

/* One line for the user, or nullptr: it can be built. */
const char*
Objection(const flue_switch_params* params, flue_ns3_kind far)
{
    if (params->node_count == 0 || params->node_count > NODES_MAX)
    {
        return "--net ns3: a network has 1 to 60000 nodes";
    }
    if (params->router_count == 0 || params->router_count > ROUTERS_MAX)
    {
        return "--net ns3: a routed network has 1 to 16 routers";
    }
    const flue_wire_facts& wire = params->routers[0].facts;
    uint16_t access;

    for (unsigned i = 0; i < params->router_count; i++)
    {
        const flue_switch_router& router = params->routers[i];

        if (!IsV4(router.ip4) || flue_ip_is_v4(&router.ip6) || HasV6(router.ip6) != HasV6(params->routers[0].ip6))
        {
            return "--net ns3: routers have an IPv4 address, and all or none have one of IPv6";
        }
        if (router.vid >= FLUE_VLAN_NONE || router.vid != params->routers[0].vid)
        {
            return "--net ns3: ns-3's routers know no VLANs, so all of them are of one, below 4095";
        }
        if (router.facts.rate_bps != wire.rate_bps || router.facts.delay_ps != wire.delay_ps)
        {
            return "--net ns3: all nodes of a LAN share one wire, with one rate and one delay";
        }
    }
    for (unsigned i = 0; i < params->node_count; i++)
    {
        const flue_switch_node& node = params->nodes[i];

        if (node.behind_routers != 0 && !IsV4(node.ip[0]))
        {
            return "--net ns3: a node behind the routers has an IPv4 address";
        }
        if (node.behind_routers != 0 && !IsV4(node.ip[1]) && HasV6(node.ip[1]) && !HasV6(params->routers[0].ip6))
        {
            return "--net ns3: an IPv6 address behind the routers needs routers with one";
        }
        if (node.behind_routers != 0 && HasV6(node.ip[1]) && node.facts.mtu_bytes < V6_LEAST_MTU)
        {
            return "--net ns3: IPv6 needs wires that take 1280 bytes; ns-3's routers do not use others";
        }
        if (node.behind_routers != 0 && far != FLUE_NS3_FLUE && !flue_ip_equal(&node.ip[1], &none))
        {
            return "--net ns3: a host of ns-3's has one address, of IPv4";
        }
        if (node.behind_routers == 0 && !FindAccess(node, Vid(params->routers[0].vid), &access))
        {
            return "--net ns3: ns-3's routers know no VLANs, so the nodes beside them are of theirs alone";
        }
        if (node.behind_routers == 0 && (node.facts.rate_bps != wire.rate_bps || node.facts.delay_ps != wire.delay_ps))
        {
            return "--net ns3: all nodes of a LAN share one wire, with one rate and one delay";
        }
    }
    return nullptr;
}

/* Each router's first interface is on the Ethernet, all others, and all of the core's, are ends of links.  The core's have
 * addresses so that its ICMP messages have a sender that may pass a router. */
void
BuildV6(flue_ns3_world* world, const flue_switch_params* params)
{
    flue_ip transit{{TRANSIT6, 0, 0, 0}};

    for (unsigned i = 0; i < world->routers.size(); i++)
    {
        const Station& station = world->stations[world->routers[i]];

        for (unsigned k = 0; k < station.interfaces.size(); k++)
        {
            transit.word[3]++;
            AddIpv6(world, i, k, Address6Of(station.interfaces[k].lan >= 0 ? params->routers[i].ip6 : transit));
        }
    }
    for (unsigned i = 0; i < params->node_count; i++)
    {
        if (params->nodes[i].behind_routers != 0 && HasV6(params->nodes[i].ip[1]))
        {
            world->stations[i].more6.push_back(Address6Of(params->nodes[i].ip[1]));
        }
    }
}

/* The first steps all succeed on what Objection() has let pass, or world->complaint tells. */
flue_err
Build(flue_ns3_world* world, const flue_switch_params* params, flue_ns3_kind far)
{
    const flue_ip all = flue_ip_v4(0);
    const flue_ip nobody = flue_ip_v4(0xc0000001); /* of a node on the Ethernet: its own host knows better */
    const flue_wire_facts& wire = params->routers[0].facts;
    /* Node to switch, and switch to router. */
    const flue_wire_facts between{CORE_BPS, 2 * wire.delay_ps, PPP_BYTES, wire.mtu_bytes, CORE_QUEUE_FRAMES, 0, {}};
    flue_wire_facts shared = wire;
    unsigned lan;
    unsigned core;
    unsigned number;

    shared.delay_ps = 0;
    flue_err err = WorldAddLan(world, &shared, &all, 0, &lan);
    for (unsigned i = 0; err == FLUE_OK && i < params->node_count; i++)
    {
        err = WorldAddNode(world, params->nodes[i].behind_routers != 0 ? far : FLUE_NS3_FLUE, &number);
    }
    for (unsigned i = 0; err == FLUE_OK && i < params->router_count; i++)
    {
        err = WorldAddNode(world, FLUE_NS3_ROUTER, &number);
        if (err == FLUE_OK)
        {
            err = WorldJoin(world, number, lan, &params->routers[i].ip4);
        }
    }
    if (err == FLUE_OK)
    {
        err = WorldAddNode(world, FLUE_NS3_ROUTER, &core);
    }
    for (unsigned i = 0; err == FLUE_OK && i < params->router_count; i++)
    {
        err = WorldLink(world, &between, core, nullptr, params->node_count + i, nullptr);
    }
    for (unsigned i = 0; err == FLUE_OK && i < params->node_count; i++)
    {
        const flue_switch_node& node = params->nodes[i];

        err = node.behind_routers != 0 ? WorldLink(world, &node.facts, core, nullptr, i, &node.ip[0])
                                       : WorldJoin(world, i, lan, &nobody);
        if (err == FLUE_OK && node.behind_routers == 0)
        {
            Port& port = world->port[i];

            (void)FindAccess(node, Vid(params->routers[0].vid), &port.accessVid);
            port.vids[port.accessVid] = true;
        }
        if (err == FLUE_OK && node.behind_routers != 0 && IsV4(node.ip[1]))
        {
            err = WorldAddress(world, i, &node.ip[1]);
        }
    }
    if (err == FLUE_OK && HasV6(params->routers[0].ip6))
    {
        BuildV6(world, params);
    }
    return err;
}

} // namespace

flue_err
WorldAddRouted(flue_ns3_world* world, const flue_switch_params* params, flue_ns3_kind far)
{
    const char* objection = Objection(params, far);

    if (objection == nullptr && !world->stations.empty())
    {
        objection = "a routed network is the whole of a world";
    }
    return objection != nullptr ? world->Refuse(FLUE_EINVAL, "%s", objection) : Build(world, params, far);
}

flue_err
OpenRouted(const flue_switch_params* params, flue_net* out, char* message, size_t room)
{
    flue_ns3_world* world;
    flue_err err = WorldNew(params->seed, &world, message, room);
    if (err != FLUE_OK)
    {
        return err;
    }
    err = WorldAddRouted(world, params, FLUE_NS3_FLUE);
    if (err == FLUE_OK)
    {
        err = WorldFinish(world, out);
    }
    if (err != FLUE_OK)
    {
        std::snprintf(message, room, "%s", WorldWhy(world));
        WorldFree(world);
    }
    return err;
}

} // namespace flue
