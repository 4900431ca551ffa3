/* SPDX-License-Identifier: GPL-2.0-only */
/* A Flue network on ns-3.  A node is an ns3::Node without an Internet stack: the adapter takes IP packets from its
 * device by a protocol handler and gives packets with real headers back.  Each node has one alarm. */
#include "net.h"

#include "descriptor-tag.h"
#include "port.h"
#include "frame/frame.h"

#include "ns3/data-rate.h"
#include "ns3/drop-tail-queue.h"
#include "ns3/nstime.h"
#include "ns3/packet.h"
#include "ns3/point-to-point-channel.h"
#include "ns3/point-to-point-net-device.h"
#include "ns3/simulator.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace flue
{

namespace
{

bool g_open = false; /* ns-3's simulator is one for the process, so one network is */

flue_ps
NowPs()
{
    return ns3::Simulator::Now().GetTimeStep();
}

void
Schedule(Port* port, flue_ps atPs)
{
    ns3::Ptr<AlarmEvent> event;
    const flue_ps nowPs = NowPs();

    if (port->idle.empty())
    {
        event = ns3::Create<AlarmEvent>();
        event->port = port;
    }
    else
    {
        event = port->idle.back();
        port->idle.pop_back();
    }
    event->atPs = atPs < nowPs ? nowPs : atPs;
    port->queuedPs = event->atPs;
    ns3::Simulator::ScheduleWithContext(port->node->GetId(), ns3::TimeStep(static_cast<uint64_t>(event->atPs - nowPs)),
                                        static_cast<ns3::EventImpl*>(ns3::PeekPointer(event)));
    event->Ref(); /* the queue releases one reference when the event has run */
}

} // namespace

void
AlarmEvent::Notify()
{
    const flue_ps atNow = atPs;

    port->idle.emplace_back(this);
    if (port->queuedPs == atNow)
    {
        port->queuedPs = FLUE_PS_NEVER;
    }
    if (port->wantedPs > atNow)
    {
        if (port->wantedPs < port->queuedPs)
        {
            Schedule(port, port->wantedPs);
        }
        return;
    }
    port->wantedPs = FLUE_PS_NEVER;
    port->net->totals.events++;
    port->client.alarm(port->client.ctx);
}

namespace
{

flue_ps
EnvNow(void*)
{
    return NowPs();
}

void
EnvSetAlarm(void* ctx, flue_ps atPs)
{
    auto port = static_cast<Port*>(ctx);

    port->wantedPs = atPs;
    if (atPs < port->queuedPs)
    {
        Schedule(port, atPs);
    }
}

void*
EnvAllocate(void* ctx, size_t bytes)
{
    flue_net_totals* totals = &static_cast<Port*>(ctx)->net->totals;
    void* memory = std::calloc(1, bytes);

    if (memory != nullptr)
    {
        totals->memory_bytes += bytes;
        if (totals->memory_bytes > totals->memory_peak)
        {
            totals->memory_peak = totals->memory_bytes;
        }
    }
    return memory;
}

void
EnvRelease(void* ctx, void* memory, size_t bytes)
{
    if (memory != nullptr)
    {
        static_cast<Port*>(ctx)->net->totals.memory_bytes -= bytes;
    }
    std::free(memory);
}

/* Headers are real bytes; the payload has its size and a tag, and its checksum counts as valid. */
flue_wire_result
WireSend(void* ctx, const flue_frame* frame)
{
    auto port = static_cast<Port*>(ctx);
    uint8_t bytes[MAX_PACKET_BYTES];
    const size_t header = frame_encode(frame, bytes, FRAME_MAX_HEADER_BYTES, false);
    const size_t payload = frame->payload.length_bytes;
    const uint16_t type = frame->ethertype == FLUE_ETHERTYPE_IPV6 ? FLUE_ETHERTYPE_IPV6 : FLUE_ETHERTYPE_IPV4;

    if (header == 0 || header + payload > sizeof(bytes) || frame->kind == FLUE_FRAME_ARP)
    {
        port->dropped++; /* PPP does not carry it */
        return FLUE_WIRE_FULL;
    }
    std::memset(bytes + header, 0, payload);
    auto packet = ns3::Create<ns3::Packet>(bytes, static_cast<uint32_t>(header + payload));
    TagPayload(packet, frame);
    return CountSent(port, port->device->Send(packet, port->device->GetBroadcast(), type));
}

void
OnPacket(Port* port,
         ns3::Ptr<ns3::NetDevice>,
         ns3::Ptr<const ns3::Packet> packet,
         uint16_t protocol,
         const ns3::Address&,
         const ns3::Address&,
         ns3::NetDevice::PacketType)
{
    uint8_t bytes[MAX_PACKET_BYTES];
    const uint32_t copied = packet->CopyData(bytes, sizeof(bytes));
    flue_frame frame;

    if (frame_packet_decode(protocol, bytes, copied, &frame, false) == FLUE_OK)
    {
        Deliver(port, packet, &frame);
    }
    /* else not a frame of ours: nobody else sends on this channel, but a user's trace sink might inject one */
}

const flue_env*
NetEnv(void* ctx, unsigned node)
{
    return &static_cast<Net*>(ctx)->port[node].env;
}

const flue_wire*
NetWire(void* ctx, unsigned node)
{
    return &static_cast<Net*>(ctx)->port[node].wire;
}

void
NetAttach(void* ctx, unsigned node, const flue_net_client* client)
{
    static_cast<Net*>(ctx)->port[node].client = *client;
}

void
NetRun(void*, flue_ps untilPs)
{
    const flue_ps nowPs = NowPs();

    if (untilPs != FLUE_PS_NEVER)
    {
        ns3::Simulator::Stop(ns3::TimeStep(static_cast<uint64_t>(untilPs - nowPs)));
    }
    ns3::Simulator::Run();
}

void
NetStop(void*)
{
    ns3::Simulator::Stop();
}

flue_ps
NetNow(void*)
{
    return NowPs();
}

void
NetTotals(void* ctx, flue_net_totals* out)
{
    auto net = static_cast<Net*>(ctx);

    for (unsigned i = 0; i < NODES && i < net->port.size(); i++)
    {
        net->totals.frames[i] = net->port[i].sent;
        net->totals.dropped[i] = net->port[i].dropped;
    }
    *out = net->totals;
}

void
NetFree(void* ctx)
{
    ns3::Simulator::Destroy();
    delete static_cast<Net*>(ctx);
    g_open = false;
}

void
NetPortTotals(void* ctx, unsigned node, flue_net_port_totals* out)
{
    const Port& port = static_cast<Net*>(ctx)->port[node];

    *out = flue_net_port_totals{port.sent, port.dropped, port.received, 0, port.filtered, 0};
}

} // namespace

void
TagPayload(const ns3::Ptr<ns3::Packet>& packet, const flue_frame* frame)
{
    if (frame->payload.length_bytes > 0)
    {
        packet->AddPacketTag(DescriptorTag(frame->payload.stream, frame->payload.offset_bytes));
    }
}

flue_wire_result
CountSent(Port* port, bool sent)
{
    if (!sent)
    {
        port->dropped++;
        return FLUE_WIRE_FULL;
    }
    port->sent++;
    return FLUE_WIRE_SENT;
}

void
Deliver(Port* port, const ns3::Ptr<const ns3::Packet>& packet, flue_frame* frame)
{
    DescriptorTag tag;

    if (frame->payload.length_bytes > 0)
    {
        if (!packet->PeekPacketTag(tag))
        {
            return;
        }
        frame->payload.memory = nullptr;
        frame->payload.stream = tag.GetStream();
        frame->payload.offset_bytes = tag.GetOffset();
    }
    port->received++;
    port->net->totals.events++;
    port->client.receive(port->client.ctx, frame);
}

Net*
NewNet(unsigned nodes, char* message, size_t room)
{
    if (g_open || !UsePicoseconds())
    {
        std::snprintf(message, room, "--net ns3: one network at a time, and ns-3 must count picoseconds");
        return nullptr;
    }
    g_open = true;
    auto net = new Net;
    net->port.resize(nodes);
    return net;
}

void
SetUpPort(Net* net, unsigned number, const ns3::Ptr<ns3::Node>& node, const ns3::Ptr<ns3::NetDevice>& device, uint64_t seed)
{
    Port* port = &net->port[number];

    port->net = net;
    port->number = number;
    port->node = node;
    port->device = device;
    port->env = flue_env{port, EnvNow, EnvSetAlarm, EnvAllocate, EnvRelease, seed};
}

void
FillNet(Net* net, flue_net* out)
{
    *out = flue_net{net,     "ns3",  NetEnv,    NetWire, NetAttach, NetRun,        NetStop,
                    NetNow, NetTotals, NetFree, nullptr, nullptr,   NetPortTotals, nullptr};
}

bool
UsePicoseconds()
{
    static bool done = false;

    if (!done)
    {
        /* ns-3's inline conversions hold a static reference whose first use in this module sets the resolution back to
         * nanoseconds: that use comes first. */
        (void)ns3::Time::FromInteger(0, ns3::Time::US);
        ns3::Time::SetResolution(ns3::Time::PS);
        done = true;
    }
    return ns3::Time::GetResolution() == ns3::Time::PS;
}

void
BuildPointToPoint(const flue_net_params* params, ns3::NodeContainer* nodes, ns3::NetDeviceContainer* devices)
{
    auto channel = ns3::CreateObject<ns3::PointToPointChannel>();

    channel->SetAttribute("Delay", ns3::TimeValue(ns3::TimeStep(static_cast<uint64_t>(params->facts.delay_ps))));
    nodes->Create(NODES);
    for (unsigned i = 0; i < NODES; i++)
    {
        auto device = ns3::CreateObject<ns3::PointToPointNetDevice>();
        auto queue = ns3::CreateObject<ns3::DropTailQueue<ns3::Packet>>();

        queue->SetMaxSize(ns3::QueueSize(ns3::QueueSizeUnit::PACKETS, params->facts.queue_frames));
        device->SetAddress(ns3::Mac48Address::Allocate());
        device->SetDataRate(ns3::DataRate(params->facts.rate_bps));
        device->SetMtu(static_cast<uint16_t>(params->facts.mtu_bytes));
        device->SetQueue(queue);
        nodes->Get(i)->AddDevice(device);
        device->Attach(channel);
        devices->Add(device);
    }
}

flue_err
OpenNet(const flue_net_params* params, flue_net* out, char* message, size_t room)
{
    ns3::NodeContainer nodes;
    ns3::NetDeviceContainer devices;

    if (params->facts.framing_bytes != 2)
    {
        std::snprintf(message, room, "--net ns3: the point-to-point device frames with PPP; set framing=2");
        return FLUE_EINVAL;
    }
    Net* net = NewNet(NODES, message, room);
    if (net == nullptr)
    {
        return FLUE_ESTATE;
    }
    BuildPointToPoint(params, &nodes, &devices);
    for (unsigned i = 0; i < NODES; i++)
    {
        Port* port = &net->port[i];

        SetUpPort(net, i, nodes.Get(i), devices.Get(i), params->seed);
        port->wire = flue_wire{port, params->facts, WireSend};
        for (uint16_t type : {FLUE_ETHERTYPE_IPV4, FLUE_ETHERTYPE_IPV6})
        {
            port->node->RegisterProtocolHandler(ns3::MakeBoundCallback(&OnPacket, port), type, port->device);
        }
    }
    FillNet(net, out);
    return FLUE_OK;
}

} // namespace flue
