/* SPDX-License-Identifier: GPL-2.0-only */
/* ns-3's IPv6 on a node of a world: it is put there when the node gets its first address of that family, so that worlds
 * of IPv4 pay nothing. */
#include "world.h"

#include "ns3/boolean.h"
#include "ns3/icmpv6-l4-protocol.h"
#include "ns3/ipv6-interface.h"
#include "ns3/ipv6-l3-protocol.h"
#include "ns3/ndisc-cache.h"
#include "ns3/pointer.h"
#include "ns3/random-variable-stream.h"
#include "ns3/uinteger.h"

namespace flue
{

namespace
{

constexpr uint32_t PENDING_PACKETS = 64; /* as of IPv4 */
constexpr uint8_t ALL_BITS = 128;

void
OnForward6(flue_net_router_totals* totals, const ns3::Ipv6Header&, ns3::Ptr<const ns3::Packet>, uint32_t)
{
    totals->forwarded++;
}

void
OnDrop6(flue_net_router_totals* totals, const ns3::Ipv6Header&, ns3::Ptr<const ns3::Packet>,
        ns3::Ipv6L3Protocol::DropReason reason, ns3::Ptr<ns3::Ipv6>, uint32_t)
{
    totals->unroutable += reason != ns3::Ipv6L3Protocol::DROP_INTERFACE_DOWN;
}

/* Addresses are used at once, without asking whether they are another's, and nothing waits at random. */
ns3::Ptr<ns3::Ipv6L3Protocol>
StackOf(const Station& station, flue_net_router_totals* totals)
{
    auto ipv6 = station.node->GetObject<ns3::Ipv6L3Protocol>();
    if (ipv6 != nullptr)
    {
        return ipv6;
    }
    ipv6 = ns3::CreateObject<ns3::Ipv6L3Protocol>();
    auto icmp = ns3::CreateObject<ns3::Icmpv6L4Protocol>();
    icmp->SetAttribute("DAD", ns3::BooleanValue(false));
    icmp->SetAttribute("SolicitationJitter", ns3::PointerValue(ns3::CreateObject<ns3::ConstantRandomVariable>()));
    station.node->AggregateObject(ipv6);
    station.node->AggregateObject(icmp);
    ipv6->SetRoutingProtocol(ns3::CreateObject<ns3::Ipv6StaticRouting>());
    ipv6->RegisterExtensions();
    ipv6->RegisterOptions();
    ipv6->SetAttribute("IpForward", ns3::BooleanValue(true));
    ipv6->TraceConnectWithoutContext("UnicastForward", ns3::MakeBoundCallback(&OnForward6, totals));
    ipv6->TraceConnectWithoutContext("Drop", ns3::MakeBoundCallback(&OnDrop6, totals));
    return ipv6;
}

/* An interface that comes up has forgotten all addresses but its own link's.  To the prefix of none, all that is asked for
 * on the Ethernet belongs: ns-3 asks only for what belongs to one. */
void
PutAddress(const ns3::Ptr<ns3::Ipv6L3Protocol>& ipv6, const Interface& interface)
{
    const ns3::Ipv6InterfaceAddress address(interface.address6, ns3::Ipv6Prefix(interface.lan >= 0 ? 0 : ALL_BITS));

    if (ipv6->GetInterfaceForAddress(interface.address6) < 0)
    {
        ipv6->AddAddress(interface.ipv6, address, false);
    }
}

} // namespace

ns3::Ipv6Address
Address6Of(const flue_ip& ip)
{
    uint8_t bytes[16];

    for (unsigned i = 0; i < sizeof(bytes); i++)
    {
        bytes[i] = static_cast<uint8_t>(ip.word[i / 4] >> (24 - 8 * (i % 4)));
    }
    return ns3::Ipv6Address(bytes);
}

void
AddIpv6(flue_ns3_world* world, unsigned router, unsigned number, const ns3::Ipv6Address& address)
{
    Station& station = world->stations[world->routers[router]];
    Interface& interface = station.interfaces[number];
    auto ipv6 = StackOf(station, &world->routerTotals[router]);

    interface.ipv6 = ipv6->AddInterface(interface.device);
    interface.address6 = address;
    ipv6->SetUp(interface.ipv6);
    ipv6->SetForwarding(interface.ipv6, true);
    PutAddress(ipv6, interface);
    interface.linkLocal = ipv6->GetInterface(interface.ipv6)->GetLinkLocalAddress().GetAddress();
    if (auto cache = ipv6->GetInterface(interface.ipv6)->GetNdiscCache())
    {
        cache->SetAttribute("UnresolvedQueueSize", ns3::UintegerValue(PENDING_PACKETS));
    }
}

void
SetInterface6(const Station& station, const Interface& interface, bool down)
{
    auto ipv6 = station.node->GetObject<ns3::Ipv6L3Protocol>();

    if (ipv6 == nullptr || interface.ipv6 == 0)
    {
        return;
    }
    if (down)
    {
        if (auto cache = ipv6->GetInterface(interface.ipv6)->GetNdiscCache())
        {
            cache->Flush();
        }
        ipv6->SetDown(interface.ipv6);
    }
    else
    {
        ipv6->SetUp(interface.ipv6);
        PutAddress(ipv6, interface);
    }
}

ns3::Ptr<ns3::Ipv6StaticRouting>
Table6Of(const Station& station)
{
    auto ipv6 = station.node->GetObject<ns3::Ipv6L3Protocol>();

    return ipv6 == nullptr ? nullptr : ns3::DynamicCast<ns3::Ipv6StaticRouting>(ipv6->GetRoutingProtocol());
}

} // namespace flue
