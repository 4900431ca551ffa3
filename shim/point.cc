/* SPDX-License-Identifier: GPL-2.0-only */
/* Flue nodes on point-to-point devices: whole IP packets with real headers, and two nodes on one channel. */
#include "net.h"
#include "port.h"

#include "base/span.h"
#include "frame/frame.h"

#include "ns3/data-rate.h"
#include "ns3/drop-tail-queue.h"
#include "ns3/mac48-address.h"
#include "ns3/nstime.h"
#include "ns3/point-to-point-channel.h"
#include "ns3/point-to-point-net-device.h"

#include <cstdio>
#include <cstring>

namespace flue
{

namespace
{

/* Headers are real bytes; the payload has its size and a tag, and its checksum counts as valid, unless bytes are to be
 * real. */
flue_wire_result
PlainSend(void* ctx, const flue_frame* frame)
{
    auto port = static_cast<Port*>(ctx);
    uint8_t bytes[MAX_PACKET_BYTES];
    const bool real = port->net->realBytes;
    const size_t header = frame_encode(frame, bytes, FRAME_MAX_HEADER_BYTES, real);
    const size_t payload = frame->payload.length_bytes;
    const uint16_t type = frame->ethertype == FLUE_ETHERTYPE_IPV6 ? FLUE_ETHERTYPE_IPV6 : FLUE_ETHERTYPE_IPV4;

    if (!HasLink(port))
    {
        return FLUE_WIRE_SENT;
    }
    if (header == 0 || header + payload > sizeof(bytes) || frame->kind == FLUE_FRAME_ARP)
    {
        port->dropped++; /* PPP does not carry it */
        return FLUE_WIRE_FULL;
    }
    if (real)
    {
        span_copy(&frame->payload, bytes + header);
    }
    else
    {
        std::memset(bytes + header, 0, payload);
    }
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
    /* else not a frame of ours: a user's trace sink might inject one */
}

} // namespace

void
AttachPlain(Port* port, const flue_wire_facts& facts)
{
    port->wire = flue_wire{port, facts, PlainSend};
    for (uint16_t type : {FLUE_ETHERTYPE_IPV4, FLUE_ETHERTYPE_IPV6})
    {
        port->node->RegisterProtocolHandler(ns3::MakeBoundCallback(&OnPacket, port), type, port->device);
    }
}

ns3::Ptr<ns3::NetDevice>
NewPointToPoint(const flue_wire_facts& facts, const ns3::Ptr<ns3::Node>& node,
                const ns3::Ptr<ns3::PointToPointChannel>& channel)
{
    auto device = ns3::CreateObject<ns3::PointToPointNetDevice>();
    auto queue = ns3::CreateObject<ns3::DropTailQueue<ns3::Packet>>();

    queue->SetMaxSize(ns3::QueueSize(ns3::QueueSizeUnit::PACKETS, facts.queue_frames));
    device->SetAddress(ns3::Mac48Address::Allocate());
    device->SetDataRate(ns3::DataRate(facts.rate_bps));
    device->SetMtu(static_cast<uint16_t>(facts.mtu_bytes));
    device->SetQueue(queue);
    node->AddDevice(device);
    device->Attach(channel);
    return device;
}

ns3::Ptr<ns3::PointToPointChannel>
NewPointToPointChannel(const flue_wire_facts& facts)
{
    auto channel = ns3::CreateObject<ns3::PointToPointChannel>();

    channel->SetAttribute("Delay", ns3::TimeValue(ns3::TimeStep(static_cast<uint64_t>(facts.delay_ps))));
    return channel;
}

void
BuildPointToPoint(const flue_net_params* params, ns3::NodeContainer* nodes, ns3::NetDeviceContainer* devices)
{
    auto channel = NewPointToPointChannel(params->facts);

    nodes->Create(NODES);
    for (unsigned i = 0; i < NODES; i++)
    {
        devices->Add(NewPointToPoint(params->facts, nodes->Get(i), channel));
    }
}

flue_err
OpenNet(const flue_net_params* params, flue_net* out, char* message, size_t room)
{
    ns3::NodeContainer nodes;
    ns3::NetDeviceContainer devices;

    if (params->facts.framing_bytes != PPP_BYTES)
    {
        std::snprintf(message, room, "--net ns3: the point-to-point device frames with PPP; set framing=2");
        return FLUE_EINVAL;
    }
    if (!ClaimSimulator(message, room))
    {
        return FLUE_ESTATE;
    }
    auto net = new Net;
    BuildPointToPoint(params, &nodes, &devices);
    for (unsigned i = 0; i < NODES; i++)
    {
        AttachPlain(SetUpPort(net, i, nodes.Get(i), devices.Get(i), params->seed), params->facts);
    }
    FillNet(net, out);
    return FLUE_OK;
}

} // namespace flue
