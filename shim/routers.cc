/* SPDX-License-Identifier: GPL-2.0-only */
/* ns-3's routers in a world that runs: their routes, what they count, how one goes down. */
#include "world.h"

#include "ns3/arp-cache.h"
#include "ns3/arp-header.h"
#include "ns3/arp-l3-protocol.h"
#include "ns3/csma-net-device.h"
#include "ns3/ipv4-interface.h"
#include "ns3/ipv4-routing-table-entry.h"
#include "ns3/ipv6-routing-table-entry.h"
#include "ns3/mac48-address.h"
#include "ns3/queue.h"

#include <deque>

namespace flue
{

namespace
{

constexpr uint8_t ALL_BITS6 = 128;
constexpr uint8_t OTHER_MAC = 0x80; /* in the third byte, as of flue_net_switch()'s routers */

/* The search from one station: how each other one is reached first. */
struct Hop
{
    bool seen{false};
    uint32_t distance{0};
    unsigned interface{0}; /* of the station that searches */
    ns3::Ipv4Address gateway;
    ns3::Ipv6Address gateway6; /* of its link */
};

struct Search
{
    flue_ns3_world* world;
    unsigned from;
    ns3::Ptr<ns3::Ipv4StaticRouting> table;
    ns3::Ptr<ns3::Ipv6StaticRouting> table6; /* none: the node knows no IPv6 */
    std::vector<Hop> hops;    /* by station */
    std::vector<bool> lans;   /* has a route */
    std::vector<bool> ends;   /* stations at the end of a link: have routes */
    std::deque<unsigned> next;
};

bool
IsUp(const flue_ns3_world* world, unsigned number)
{
    return !world->stations[number].isDown;
}

/* A station beside station `at` was found, over an interface of `at`, and it has this one there. */
void
Reach(Search& search, unsigned at, unsigned interface, unsigned found, const Interface& there)
{
    Hop& hop = search.hops[found];

    if (hop.seen || !search.world->stations[found].HasStack() || !IsUp(search.world, found))
    {
        return;
    }
    hop = search.hops[at];
    hop.seen = true;
    hop.distance++;
    if (at == search.from)
    {
        hop.interface = interface;
        hop.gateway = there.address;
        hop.gateway6 = there.linkLocal;
    }
    search.next.push_back(found);
}

void
AddRoute(Search& search, unsigned at, unsigned interface, ns3::Ipv4Address network, ns3::Ipv4Mask mask)
{
    const Hop& hop = search.hops[at];
    const Station& station = search.world->stations[search.from];

    if (at == search.from)
    {
        search.table->AddNetworkRouteTo(network, mask, station.interfaces[interface].ipv4);
    }
    else
    {
        const uint32_t by = station.interfaces[hop.interface].ipv4;

        search.table->AddNetworkRouteTo(network, mask, hop.gateway, by, hop.distance);
    }
}

void
AddRoute6(Search& search, unsigned at, unsigned interface, ns3::Ipv6Address network, uint8_t bits)
{
    const Hop& hop = search.hops[at];
    const Station& station = search.world->stations[search.from];

    if (search.table6 == nullptr)
    {
        return;
    }
    if (at == search.from)
    {
        search.table6->AddNetworkRouteTo(network, ns3::Ipv6Prefix(bits), station.interfaces[interface].ipv6);
    }
    else
    {
        const uint32_t by = station.interfaces[hop.interface].ipv6;

        search.table6->AddNetworkRouteTo(network, ns3::Ipv6Prefix(bits), hop.gateway6, by, hop.distance);
    }
}

/* Routes to what a station has beside it: to each thing from where it was found first. */
void
AddRoutesBeside(Search& search, unsigned at, unsigned number)
{
    const Interface& interface = search.world->stations[at].interfaces[number];

    if (interface.lan >= 0)
    {
        const Ethernet& lan = search.world->lans[interface.lan];

        if (!search.lans[interface.lan])
        {
            const ns3::Ipv4Mask mask(lan.bits == 0 ? 0 : ~0U << (32 - lan.bits));

            search.lans[interface.lan] = true;
            AddRoute(search, at, number, lan.prefix.CombineMask(mask), mask);
            AddRoute6(search, at, number, ns3::Ipv6Address::GetAny(), 0);
        }
        return;
    }
    const Station& peer = search.world->stations[interface.peer];
    if (search.ends[interface.peer] || (peer.kind == FLUE_NS3_ROUTER && at != search.from))
    {
        return; /* nobody sends to the addresses between routers */
    }
    search.ends[interface.peer] = peer.kind != FLUE_NS3_ROUTER;
    AddRoute(search, at, number, peer.interfaces[interface.peerInterface].address, ns3::Ipv4Mask::GetOnes());
    for (const ns3::Ipv4Address& address : peer.more)
    {
        AddRoute(search, at, number, address, ns3::Ipv4Mask::GetOnes());
    }
    for (const ns3::Ipv6Address& address : peer.more6)
    {
        AddRoute6(search, at, number, address, ALL_BITS6);
    }
}

void
Visit(Search& search, unsigned at)
{
    const Station& station = search.world->stations[at];

    if (at != search.from && station.kind != FLUE_NS3_ROUTER)
    {
        return;
    }
    for (unsigned i = 0; i < station.interfaces.size(); i++)
    {
        const Interface& interface = station.interfaces[i];

        AddRoutesBeside(search, at, i);
        if (interface.peer >= 0)
        {
            const auto peer = static_cast<unsigned>(interface.peer);

            Reach(search, at, i, peer, search.world->stations[peer].interfaces[interface.peerInterface]);
            continue;
        }
        for (const Place& member : search.world->lans[interface.lan].members)
        {
            const Station& beside = search.world->stations[member.station];

            Reach(search, at, i, member.station, beside.interfaces[member.interface]);
        }
    }
}

void
ComputeRoutesOf(flue_ns3_world* world, unsigned from)
{
    auto ipv4 = world->stations[from].node->GetObject<ns3::Ipv4L3Protocol>();
    Search search{world, from, ns3::DynamicCast<ns3::Ipv4StaticRouting>(ipv4->GetRoutingProtocol()),
                  Table6Of(world->stations[from]), {}, {}, {}, {}};

    search.hops.resize(world->stations.size());
    search.lans.resize(world->lans.size());
    search.ends.resize(world->stations.size());
    for (uint32_t i = search.table->GetNRoutes(); i-- > 0;)
    {
        if (search.table->GetRoute(i).GetInterface() != 0) /* 0 is the loopback's */
        {
            search.table->RemoveRoute(i);
        }
    }
    for (uint32_t i = search.table6 == nullptr ? 0 : search.table6->GetNRoutes(); i-- > 0;)
    {
        const ns3::Ipv6RoutingTableEntry route = search.table6->GetRoute(i);

        if (route.GetInterface() != 0 && !route.GetDest().IsLinkLocal())
        {
            search.table6->RemoveRoute(i);
        }
    }
    if (!IsUp(world, from))
    {
        return;
    }
    search.hops[from].seen = true;
    search.next.push_back(from);
    while (!search.next.empty())
    {
        const unsigned at = search.next.front();

        search.next.pop_front();
        Visit(search, at);
    }
}

/* One end of a wire goes down or comes up.  ns-3's ARP answers on an interface that is down, so an Ethernet device is
 * made deaf as well, and what waits in it is lost.  It is not made dumb: one whose turn comes meanwhile would wait for
 * the wire for ever (CsmaNetDevice::TransmitStart() leaves BACKOFF only by sending). */
void
SetInterface(const Station& station, const Interface& interface, bool down)
{
    auto ipv4 = station.node->GetObject<ns3::Ipv4L3Protocol>();

    SetInterface6(station, interface, down);
    if (auto device = ns3::DynamicCast<ns3::CsmaNetDevice>(interface.device))
    {
        device->SetReceiveEnable(!down);
        if (down)
        {
            device->GetQueue()->Flush();
        }
    }
    if (down)
    {
        ipv4->SetDown(interface.ipv4);
        if (auto cache = ipv4->GetInterface(interface.ipv4)->GetArpCache())
        {
            cache->Flush();
        }
    }
    else
    {
        ipv4->SetUp(interface.ipv4);
    }
}

/* The router tells its Ethernet of its address (RFC 5227 3). */
void
Announce(const Interface& interface)
{
    ns3::ArpHeader header;
    auto packet = ns3::Create<ns3::Packet>();

    header.SetRequest(interface.device->GetAddress(), interface.address, interface.device->GetBroadcast(),
                      interface.address);
    packet->AddHeader(header);
    interface.device->Send(packet, interface.device->GetBroadcast(), ns3::ArpL3Protocol::PROT_NUMBER);
}

void
OnForward(flue_net_router_totals* totals, const ns3::Ipv4Header&, ns3::Ptr<const ns3::Packet>, uint32_t)
{
    totals->forwarded++;
}

void
OnDrop(flue_net_router_totals* totals,
       const ns3::Ipv4Header&,
       ns3::Ptr<const ns3::Packet>,
       ns3::Ipv4L3Protocol::DropReason reason,
       ns3::Ptr<ns3::Ipv4>,
       uint32_t)
{
    totals->unroutable += reason != ns3::Ipv4L3Protocol::DROP_INTERFACE_DOWN;
}

} // namespace

void
ComputeRoutes(flue_ns3_world* world)
{
    for (unsigned i = 0; i < world->stations.size(); i++)
    {
        if (world->stations[i].HasStack())
        {
            ComputeRoutesOf(world, i);
        }
    }
}

} // namespace flue

void
flue_ns3_world::CountRouter(const flue::Station& station)
{
    flue_net_router_totals* counts = &routerTotals.emplace_back();
    auto ipv4 = station.node->GetObject<ns3::Ipv4L3Protocol>();

    ipv4->TraceConnectWithoutContext("UnicastForward", ns3::MakeBoundCallback(&flue::OnForward, counts));
    ipv4->TraceConnectWithoutContext("Drop", ns3::MakeBoundCallback(&flue::OnDrop, counts));
}

void
flue_ns3_world::RouterDown(unsigned router, bool down)
{
    if (router >= routers.size() || stations[routers[router]].isDown == down)
    {
        return;
    }
    flue::Station& station = stations[routers[router]];
    station.isDown = down;
    for (const flue::Interface& interface : station.interfaces)
    {
        flue::SetInterface(station, interface, down);
        if (interface.peer < 0)
        {
            continue;
        }
        const flue::Station& peer = stations[interface.peer];
        if (peer.HasStack() && !peer.isDown)
        {
            flue::SetInterface(peer, peer.interfaces[interface.peerInterface], down);
        }
    }
    flue::ComputeRoutes(this);
}

/* The wire's, at the end that sends to the node. */
void
flue_ns3_world::BehindMtu(unsigned node, uint32_t mtuBytes)
{
    if (node < stations.size() && !stations[node].interfaces.empty() && stations[node].interfaces[0].peer >= 0)
    {
        const flue::Interface& own = stations[node].interfaces[0];

        stations[own.peer].interfaces[own.peerInterface].device->SetMtu(static_cast<uint16_t>(mtuBytes));
    }
}

void
flue_ns3_world::RouterMac(unsigned router)
{
    if (router >= routers.size())
    {
        return;
    }
    const flue::Station& station = stations[routers[router]];
    for (const flue::Interface& interface : station.interfaces)
    {
        if (interface.lan < 0)
        {
            continue;
        }
        uint8_t mac[6];
        ns3::Mac48Address address = ns3::Mac48Address::ConvertFrom(interface.device->GetAddress());
        address.CopyTo(mac);
        mac[2] ^= flue::OTHER_MAC;
        address.CopyFrom(mac);
        interface.device->SetAddress(address);
        if (!station.isDown)
        {
            flue::Announce(interface);
        }
    }
}

flue_net_router_totals
flue_ns3_world::RouterTotals(unsigned router)
{
    return router < routerTotals.size() ? routerTotals[router] : flue_net_router_totals{};
}
