/* SPDX-License-Identifier: GPL-2.0-only */
/* Worlds of any shape: Flue nodes, routers and hosts of ns-3's own, Ethernets and point-to-point links between them.
 * flue_ns3.h says what its functions mean. */
#ifndef FLUE_SHIM_WORLD_H
#define FLUE_SHIM_WORLD_H

#include "flue_ns3.h"
#include "port.h"

#include "ns3/csma-channel.h"
#include "ns3/ipv4-l3-protocol.h"
#include "ns3/ipv4-static-routing.h"
#include "ns3/ipv6-static-routing.h"
#include "ns3/pcap-file-wrapper.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace flue
{

class Sockets;

/* A node's place on a wire. */
struct Interface
{
    ns3::Ptr<ns3::NetDevice> device;
    ns3::Ipv4Address address;
    uint32_t ipv4{0}; /* its number in ns-3's stack; of a Flue node 0 */
    ns3::Ipv6Address address6;
    ns3::Ipv6Address linkLocal;
    uint32_t ipv6{0}; /* its number in ns-3's IPv6; 0: none there */
    int lan{-1};      /* which Ethernet, or */
    int peer{-1};     /* which station at the other end, and its interface's number there */
    unsigned peerInterface{0};
};

struct Station
{
    flue_ns3_kind kind{FLUE_NS3_FLUE};
    ns3::Ptr<ns3::Node> node;
    std::vector<Interface> interfaces; /* a Flue node has at most one */
    std::vector<ns3::Ipv4Address> more; /* further addresses that lead to it */
    std::vector<ns3::Ipv6Address> more6;
    bool isDown{false};

    bool HasStack() const
    {
        return kind != FLUE_NS3_FLUE;
    }
};

/* A station's interface, by numbers. */
struct Place
{
    unsigned station;
    unsigned interface;
};

struct Ethernet
{
    flue_wire_facts facts{};
    ns3::Ptr<ns3::CsmaChannel> channel;
    ns3::Ipv4Address prefix;
    unsigned bits{0};
    std::vector<Place> members;
};

} // namespace flue

/* The C interface's opaque world. */
struct flue_ns3_world : flue::Net
{
    flue_ns3_world();
    ~flue_ns3_world() override;

    void RouterDown(unsigned router, bool down) override;
    void RouterMac(unsigned router) override;
    void BehindMtu(unsigned node, uint32_t mtuBytes) override;
    flue_net_router_totals RouterTotals(unsigned router) override;
    void FreeNodes() override;

    /* One line of what was wrong; returns err. */
    flue_err Refuse(flue_err err, const char* format, ...) __attribute__((format(printf, 3, 4)));

    /* Begins to count what a router does. */
    void CountRouter(const flue::Station& station);

    /* Puts an address on a device of a node with ns-3's stack.  Returns the interface's number in it. */
    uint32_t AddToStack(const flue::Station& station, const ns3::Ptr<ns3::NetDevice>& device, ns3::Ipv4Address address);

    uint64_t seed{0};
    std::deque<flue::Station> stations; /* by number of the node */
    std::vector<flue::Ethernet> lans;
    std::vector<unsigned> routers; /* stations */
    std::deque<flue_net_router_totals> routerTotals;
    std::unique_ptr<flue::Sockets> sockets;
    std::map<unsigned, flue_node*> started; /* by number: nodes that are the world's own */
    std::vector<ns3::Ptr<ns3::PcapFileWrapper>> captures;
    std::string complaint;
    uint32_t transit{0}; /* addresses given to links between routers */
    bool finished{false};
};

namespace flue
{

/* world.cc: the C interface's functions. */
flue_ns3_world* WorldOpen(); /* or nullptr: none is */
flue_err WorldNew(uint64_t seed, flue_ns3_world** out, char* message, size_t room);
void WorldFree(flue_ns3_world* world);
const char* WorldWhy(const flue_ns3_world* world);
flue_err WorldAddNode(flue_ns3_world* world, flue_ns3_kind kind, unsigned* number);
flue_err WorldAddLan(flue_ns3_world* world, const flue_wire_facts* facts, const flue_ip* prefix, unsigned bits,
                     unsigned* number);
flue_err WorldJoin(flue_ns3_world* world, unsigned node, unsigned lan, const flue_ip* ip);
flue_err WorldLink(flue_ns3_world* world, const flue_wire_facts* facts, unsigned a, const flue_ip* ipA, unsigned b,
                   const flue_ip* ipB);
flue_err WorldAddress(flue_ns3_world* world, unsigned node, const flue_ip* ip);
flue_err WorldPcap(flue_ns3_world* world, unsigned node, const char* path);
flue_err WorldFinish(flue_ns3_world* world, flue_net* out);
void WorldTotals(const flue_ns3_world* world, flue_ns3_totals* out);

/* ipv6.cc: ns-3's IPv6 on interfaces of routers. */
ns3::Ipv6Address Address6Of(const flue_ip& ip);
void AddIpv6(flue_ns3_world* world, unsigned router, unsigned interface, const ns3::Ipv6Address& address);
void SetInterface6(const Station& station, const Interface& interface, bool down);
ns3::Ptr<ns3::Ipv6StaticRouting> Table6Of(const Station& station); /* or nullptr */

/* routers.cc: gives every node with ns-3's stack its routes, over what is up now. */
void ComputeRoutes(flue_ns3_world* world);

/* routed.cc: a switched network with routers; its parts in a world of its own, or in an empty one. */
flue_err WorldAddRouted(flue_ns3_world* world, const flue_switch_params* params, flue_ns3_kind far);
flue_err OpenRouted(const flue_switch_params* params, flue_net* out, char* message, size_t room);

} // namespace flue

#endif
