/* SPDX-License-Identifier: GPL-2.0-only */
/* Putting a world together: nodes, Ethernets, links, addresses (see world.h). */
#include "world.h"

#include "fast-demux.h"
#include "net.h"
#include "sockets.h"

#include "ns3/arp-cache.h"
#include "ns3/boolean.h"
#include "ns3/global-value.h"
#include "ns3/internet-stack-helper.h"
#include "ns3/ipv4-interface.h"
#include "ns3/ipv4-static-routing-helper.h"
#include "ns3/node-container.h"
#include "ns3/nstime.h"
#include "ns3/simulator.h"
#include "ns3/uinteger.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace flue
{

namespace
{

flue_ns3_world* g_world = nullptr; /* one in a process, like ns-3's simulator */

constexpr int64_t STACK_STREAM = 100000; /* random streams of ns-3's stacks, so many for each node */
constexpr int64_t STACK_STREAMS = 100;
constexpr int64_t BACKOFF_STREAM = 7000;
constexpr uint32_t TRANSIT = 0xac100001; /* 172.16.0.1 */
constexpr uint32_t TRANSIT_COUNT = 0x000ffffe;
constexpr uint32_t PENDING_PACKETS = 64; /* held by a router while it asks for an address; as Flue's own routers do */
constexpr unsigned IP_BITS = 32;

ns3::Ipv4Address
AddressOf(const flue_ip* ip)
{
    return ns3::Ipv4Address(ip->word[3]);
}

bool
IsUsable(const flue_ip* ip)
{
    return ip != nullptr && flue_ip_is_v4(ip) && ip->word[3] != 0;
}

flue_wire_facts
FactsOf(const flue_wire_facts& from, uint32_t framing)
{
    flue_wire_facts facts = from;

    facts.framing_bytes = framing;
    facts.has_mac = framing == ETHERNET_BYTES;
    std::memset(facts.mac, 0, sizeof(facts.mac));
    return facts;
}

/* Routers and hosts have address spaces of their own beside the Flue nodes' (flue/net.h). */
void
GiveMac(const flue_ns3_world* world, unsigned number, uint8_t* mac)
{
    unsigned place = number;

    flue_net_mac(number, mac);
    if (world->stations[number].kind == FLUE_NS3_ROUTER)
    {
        for (place = 0; world->routers[place] != number; place++)
        {
        }
        flue_net_mac(place, mac);
        mac[2] = 1;
    }
    else if (world->stations[number].kind == FLUE_NS3_HOST)
    {
        mac[2] = 2;
    }
}

/* May the world still be changed, and is there such a node? */
flue_err
CheckNode(flue_ns3_world* world, unsigned node)
{
    if (world->finished)
    {
        return world->Refuse(FLUE_ESTATE, "the world is finished: nothing can be added");
    }
    if (node >= world->stations.size())
    {
        return world->Refuse(FLUE_EINVAL, "there is no node %u", node);
    }
    return FLUE_OK;
}

flue_err
CheckInterface(flue_ns3_world* world, unsigned node)
{
    const flue_err err = CheckNode(world, node);

    if (err == FLUE_OK && !world->stations[node].HasStack() && !world->stations[node].interfaces.empty())
    {
        return world->Refuse(FLUE_EINVAL, "node %u is a Flue node, and has its one interface", node);
    }
    return err;
}

/* The address that an end of a link gets; 0: it has none. */
ns3::Ipv4Address
EndAddress(flue_ns3_world* world, unsigned node, const flue_ip* ip)
{
    if (ip != nullptr)
    {
        return IsUsable(ip) ? AddressOf(ip) : ns3::Ipv4Address::GetZero();
    }
    if (world->stations[node].kind != FLUE_NS3_ROUTER || world->transit == TRANSIT_COUNT)
    {
        return ns3::Ipv4Address::GetZero();
    }
    return ns3::Ipv4Address(TRANSIT + world->transit++);
}

Interface
NewEnd(flue_ns3_world* world, unsigned number, const flue_wire_facts& facts, ns3::Ipv4Address address,
       const ns3::Ptr<ns3::PointToPointChannel>& channel)
{
    Station& station = world->stations[number];
    Interface end;

    end.device = NewPointToPoint(facts, station.node, channel);
    end.address = address;
    if (station.HasStack())
    {
        end.ipv4 = world->AddToStack(station, end.device, address);
    }
    else
    {
        AttachPlain(SetUpPort(world, number, station.node, end.device, world->seed), facts);
    }
    return end;
}

} // namespace

flue_ns3_world*
WorldOpen()
{
    return g_world;
}

flue_err
WorldNew(uint64_t seed, flue_ns3_world** out, char* message, size_t room)
{
    *out = nullptr;
    if (!ClaimSimulator(message, room))
    {
        return FLUE_ESTATE;
    }
    ns3::GlobalValue::Bind("ChecksumEnabled", ns3::BooleanValue(true));
    *out = g_world = new flue_ns3_world;
    (*out)->seed = seed;
    return FLUE_OK;
}

void
WorldFree(flue_ns3_world* world)
{
    flue_net net;

    if (world != nullptr)
    {
        FillNet(world, &net);
        net.free(net.ctx);
    }
}

const char*
WorldWhy(const flue_ns3_world* world)
{
    return world->complaint.c_str();
}

flue_err
WorldAddNode(flue_ns3_world* world, flue_ns3_kind kind, unsigned* number)
{
    if (world->finished)
    {
        return world->Refuse(FLUE_ESTATE, "the world is finished: nothing can be added");
    }
    *number = static_cast<unsigned>(world->stations.size());
    Station& station = world->stations.emplace_back();
    station.kind = kind;
    station.node = ns3::CreateObject<ns3::Node>();
    if (kind == FLUE_NS3_FLUE)
    {
        return FLUE_OK;
    }
    ns3::InternetStackHelper stack;
    stack.SetIpv6StackInstall(false);
    stack.SetIpv4ArpJitter(false);
    stack.SetRoutingHelper(ns3::Ipv4StaticRoutingHelper());
    stack.SetTcp(FastDemux::GetTypeId().GetName());
    stack.Install(station.node);
    stack.AssignStreams(ns3::NodeContainer(station.node), STACK_STREAM + STACK_STREAMS * *number);
    auto ipv4 = station.node->GetObject<ns3::Ipv4>();
    ipv4->SetAttribute("IpForward", ns3::BooleanValue(kind == FLUE_NS3_ROUTER));
    ipv4->SetAttribute("WeakEsModel", ns3::BooleanValue(false)); /* else each packet is compared with all interfaces */
    if (kind == FLUE_NS3_ROUTER)
    {
        world->routers.push_back(*number);
        world->CountRouter(station);
    }
    else
    {
        world->realBytes = true;
    }
    return FLUE_OK;
}

flue_err
WorldAddLan(flue_ns3_world* world, const flue_wire_facts* facts, const flue_ip* prefix, unsigned bits, unsigned* number)
{
    if (world->finished)
    {
        return world->Refuse(FLUE_ESTATE, "the world is finished: nothing can be added");
    }
    if (EthernetObjection(*facts) != nullptr)
    {
        return world->Refuse(FLUE_EINVAL, "%s", EthernetObjection(*facts));
    }
    if (!flue_ip_is_v4(prefix) || bits > IP_BITS)
    {
        return world->Refuse(FLUE_EINVAL, "an Ethernet's prefix is an IPv4 address and up to 32 bits");
    }
    *number = static_cast<unsigned>(world->lans.size());
    Ethernet& lan = world->lans.emplace_back();
    lan.facts = FactsOf(*facts, ETHERNET_BYTES);
    lan.channel = NewEthernetChannel(lan.facts);
    lan.prefix = AddressOf(prefix);
    lan.bits = bits;
    return FLUE_OK;
}

flue_err
WorldJoin(flue_ns3_world* world, unsigned node, unsigned lan, const flue_ip* ip)
{
    const flue_err err = CheckInterface(world, node);

    if (err != FLUE_OK)
    {
        return err;
    }
    if (lan >= world->lans.size() || !IsUsable(ip))
    {
        return world->Refuse(FLUE_EINVAL, "there is no Ethernet %u, or the address is not one of IPv4", lan);
    }
    Station& station = world->stations[node];
    Ethernet& ethernet = world->lans[lan];
    flue_wire_facts facts = ethernet.facts;
    Interface& interface = station.interfaces.emplace_back();

    GiveMac(world, node, facts.mac);
    interface.lan = static_cast<int>(lan);
    interface.address = AddressOf(ip);
    interface.device = NewEthernet(facts, station.node, ethernet.channel,
                                   BACKOFF_STREAM + static_cast<int64_t>(ethernet.members.size()) + 1000 * lan);
    LetWait(facts, interface.device);
    ethernet.members.push_back({node, static_cast<unsigned>(station.interfaces.size() - 1)});
    if (station.HasStack())
    {
        interface.device->SetMtu(static_cast<uint16_t>(facts.mtu_bytes)); /* no tags */
        interface.ipv4 = world->AddToStack(station, interface.device, interface.address);
    }
    else
    {
        AttachEthernet(SetUpPort(world, node, station.node, interface.device, world->seed), facts, nullptr, 0);
    }
    return FLUE_OK;
}

flue_err
WorldLink(flue_ns3_world* world, const flue_wire_facts* facts, unsigned a, const flue_ip* ipA, unsigned b,
          const flue_ip* ipB)
{
    const flue_wire_facts own = FactsOf(*facts, PPP_BYTES);
    flue_err err = CheckInterface(world, a);

    if (err == FLUE_OK)
    {
        err = CheckInterface(world, b);
    }
    if (err != FLUE_OK)
    {
        return err;
    }
    if (a == b || EthernetObjection(own) != nullptr)
    {
        return world->Refuse(FLUE_EINVAL, "%s", a == b ? "a link joins two nodes" : EthernetObjection(own));
    }
    const ns3::Ipv4Address addressA = EndAddress(world, a, ipA);
    const ns3::Ipv4Address addressB = EndAddress(world, b, ipB);
    if (addressA == ns3::Ipv4Address::GetZero() || addressB == ns3::Ipv4Address::GetZero())
    {
        return world->Refuse(FLUE_EINVAL, "each end of a link has an IPv4 address; only routers are given one");
    }
    auto channel = NewPointToPointChannel(own);
    Interface endA = NewEnd(world, a, own, addressA, channel);
    Interface endB = NewEnd(world, b, own, addressB, channel);
    endA.peer = static_cast<int>(b);
    endA.peerInterface = static_cast<unsigned>(world->stations[b].interfaces.size());
    endB.peer = static_cast<int>(a);
    endB.peerInterface = static_cast<unsigned>(world->stations[a].interfaces.size());
    world->stations[a].interfaces.push_back(endA);
    world->stations[b].interfaces.push_back(endB);
    return FLUE_OK;
}

flue_err
WorldAddress(flue_ns3_world* world, unsigned node, const flue_ip* ip)
{
    const flue_err err = CheckNode(world, node);

    if (err != FLUE_OK)
    {
        return err;
    }
    Station& station = world->stations[node];
    if (station.HasStack() || station.interfaces.empty() || station.interfaces[0].peer < 0 || !IsUsable(ip))
    {
        return world->Refuse(FLUE_EINVAL, "more addresses are for Flue nodes at the end of a link, and of IPv4");
    }
    station.more.push_back(AddressOf(ip));
    return FLUE_OK;
}

namespace
{

flue_wire_result
SendNowhere(void*, const flue_frame*)
{
    return FLUE_WIRE_SENT;
}

/* An application beside ns-3's sockets has a clock and memory. */
void
SetUpHost(flue_ns3_world* world, unsigned number)
{
    const Station& station = world->stations[number];
    const flue_wire_facts facts{UINT64_C(1000000000), 0, PPP_BYTES, station.interfaces[0].device->GetMtu(), 1, 0, {}};
    Port* port = SetUpPort(world, number, station.node, nullptr, world->seed);

    port->wire = flue_wire{port, facts, SendNowhere};
    for (const Interface& interface : station.interfaces)
    {
        world->streams.AddSender(interface.address.Get());
    }
}

} // namespace

flue_err
WorldFinish(flue_ns3_world* world, flue_net* out)
{
    if (world->finished)
    {
        return world->Refuse(FLUE_ESTATE, "the world is finished already");
    }
    for (unsigned i = 0; i < world->stations.size(); i++)
    {
        const Station& station = world->stations[i];

        if (station.interfaces.empty())
        {
            return world->Refuse(FLUE_EINVAL, "node %u is on no wire", i);
        }
    }
    for (unsigned i = 0; i < world->stations.size(); i++)
    {
        if (world->stations[i].kind == FLUE_NS3_HOST)
        {
            SetUpHost(world, i);
        }
    }
    while (world->port.size() < world->stations.size())
    {
        world->port.emplace_back(); /* of the last ones that are not Flue nodes */
    }
    world->finished = true;
    ComputeRoutes(world);
    FillNet(world, out);
    return FLUE_OK;
}

void
WorldTotals(const flue_ns3_world* world, flue_ns3_totals* out)
{
    const Streams& streams = world->streams;

    *out = flue_ns3_totals{streams.ComparedBytes(), streams.WrongBytes(), streams.UnknownPackets()};
}

} // namespace flue

flue_ns3_world::flue_ns3_world()
    : sockets(std::make_unique<flue::Sockets>(this))
{
}

flue_ns3_world::~flue_ns3_world()
{
    flue::g_world = nullptr;
    for (const auto& capture : captures)
    {
        capture->Close();
    }
}

flue_err
flue_ns3_world::Refuse(flue_err err, const char* format, ...)
{
    char line[200];
    va_list arguments;

    va_start(arguments, format);
    std::vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    complaint = line;
    return err;
}

uint32_t
flue_ns3_world::AddToStack(const flue::Station& station, const ns3::Ptr<ns3::NetDevice>& device,
                           ns3::Ipv4Address address)
{
    auto ipv4 = station.node->GetObject<ns3::Ipv4L3Protocol>();
    const uint32_t number = ipv4->AddInterface(device);

    ipv4->AddAddress(number, ns3::Ipv4InterfaceAddress(address, ns3::Ipv4Mask::GetOnes()));
    ipv4->SetUp(number);
    if (auto cache = ipv4->GetInterface(number)->GetArpCache())
    {
        cache->SetAttribute("PendingQueueSize", ns3::UintegerValue(flue::PENDING_PACKETS));
    }
    return number;
}
