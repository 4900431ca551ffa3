/* SPDX-License-Identifier: GPL-2.0-only */
/* Flue nodes on an Ethernet of ns-3's: CsmaNetDevice on one CsmaChannel.  Everybody hears everything, and what is
 * for another address than the device's or a group's ends here.  Frames are what they are on a real wire: ARP and
 * IP packets behind a MAC header that the device writes, with a tag as the payload of type 0x8100. */
#include "net.h"
#include "port.h"

#include "base/span.h"
#include "frame/frame.h"

#include "ns3/bridge-net-device.h"
#include "ns3/csma-channel.h"
#include "ns3/csma-net-device.h"
#include "ns3/data-rate.h"
#include "ns3/drop-tail-queue.h"
#include "ns3/mac48-address.h"
#include "ns3/nstime.h"

#include <cstdio>
#include <cstring>

namespace flue
{

namespace
{

constexpr unsigned MAC_BYTES = 6;
constexpr unsigned TYPE_AT = 2 * MAC_BYTES;
constexpr unsigned LAN_NODES_MAX = 60000;
constexpr unsigned VID_MAX = 4094;
constexpr uint16_t VID = 0x0fff;
constexpr int64_t FIRST_STREAM = 7000;        /* of the devices' back-off */
constexpr int64_t FIRST_PORT_STREAM = 100000; /* of a switch's ports */
constexpr uint8_t SWITCH_MACS = 3;            /* the switch's own MAC addresses, which nobody sends to, begin 02:00:03 */
constexpr uint32_t SHORT_FRAME_BYTES = 64;
constexpr uint32_t WAIT_SLOTS = 64;
constexpr uint32_t WAIT_DOUBLINGS = 6;
constexpr uint32_t WAIT_TRIES = 100000;

ns3::Mac48Address
MacAt(const uint8_t* bytes)
{
    ns3::Mac48Address mac;

    mac.CopyFrom(bytes);
    return mac;
}

flue_wire_result
LanSend(void* ctx, const flue_frame* frame)
{
    static const uint8_t zeros[MAX_PACKET_BYTES] = {};
    auto port = static_cast<Port*>(ctx);
    const bool real = port->net->realBytes;
    uint8_t bytes[MAX_PACKET_BYTES + FRAME_MAX_HEADER_BYTES + FRAME_ETHERNET_BYTES + FRAME_VLAN_BYTES];
    flue_frame plain = *frame;
    size_t length;

    if (!HasLink(port))
    {
        return FLUE_WIRE_SENT;
    }
    if (port->accessVid != 0)
    {
        if ((frame->vlan & VID) != port->accessVid)
        {
            port->filtered++;
            return FLUE_WIRE_SENT;
        }
        plain.vlan = 0;
    }
    if (!real)
    {
        plain.payload.memory = zeros;
    }
    length = frame->payload.length_bytes > sizeof(zeros) ? 0 : frame_link_encode(&plain, bytes, sizeof(bytes), real);
    if (length == 0)
    {
        return CountSent(port, false);
    }
    auto packet = ns3::Create<ns3::Packet>(bytes + FRAME_ETHERNET_BYTES, static_cast<uint32_t>(length - FRAME_ETHERNET_BYTES));
    TagPayload(packet, frame);
    return CountSent(port,
                     port->device->SendFrom(packet, MacAt(bytes + MAC_BYTES), MacAt(bytes),
                                            static_cast<uint16_t>(bytes[TYPE_AT] << 8 | bytes[TYPE_AT + 1])));
}

void
OnLanPacket(Port* port,
            ns3::Ptr<ns3::NetDevice>,
            ns3::Ptr<const ns3::Packet> packet,
            uint16_t protocol,
            const ns3::Address& from,
            const ns3::Address& to,
            ns3::NetDevice::PacketType packetType)
{
    uint8_t bytes[MAX_PACKET_BYTES + FRAME_ETHERNET_BYTES];
    flue_frame frame;

    if (packetType == ns3::NetDevice::PACKET_OTHERHOST && !port->isSwitched)
    {
        return;
    }
    ns3::Mac48Address::ConvertFrom(to).CopyTo(bytes);
    ns3::Mac48Address::ConvertFrom(from).CopyTo(bytes + MAC_BYTES);
    bytes[TYPE_AT] = static_cast<uint8_t>(protocol >> 8);
    bytes[TYPE_AT + 1] = static_cast<uint8_t>(protocol);
    const uint32_t copied = packet->CopyData(bytes + FRAME_ETHERNET_BYTES, MAX_PACKET_BYTES);
    if (frame_link_decode(bytes, FRAME_ETHERNET_BYTES + copied, &frame, false) != FLUE_OK)
    {
        port->filtered++;
        return;
    }
    if (port->accessVid != 0 && (frame.vlan & VID) == 0)
    {
        frame.vlan = port->accessVid;
    }
    if ((frame.vlan & VID) != 0 && !port->vids[frame.vlan & VID])
    {
        port->filtered++;
        return;
    }
    Deliver(port, packet, &frame);
}

/* One line for the user, or nullptr: it can be built. */
const char*
Objection(const flue_switch_params* params)
{
    if (params->node_count == 0 || params->node_count > LAN_NODES_MAX)
    {
        return "--net ns3: a LAN has 1 to 60000 nodes";
    }
    if (params->router_count != 0)
    {
        return "--net ns3: a LAN has no routers of Flue's";
    }
    for (unsigned i = 0; i < params->node_count; i++)
    {
        const flue_switch_node& node = params->nodes[i];

        if (node.behind_routers != 0 || node.facts.framing_bytes != ETHERNET_BYTES)
        {
            return "--net ns3: the CSMA device frames with Ethernet; set framing=18";
        }
        if (node.facts.rate_bps != params->nodes[0].facts.rate_bps ||
            node.facts.delay_ps != params->nodes[0].facts.delay_ps)
        {
            return "--net ns3: all nodes of a LAN share one wire, with one rate and one delay";
        }
        if (EthernetObjection(node.facts) != nullptr)
        {
            return EthernetObjection(node.facts);
        }
        for (unsigned v = 0; v < node.tagged_count; v++)
        {
            if (node.tagged_vids[v] == 0 || node.tagged_vids[v] > VID_MAX)
            {
                return "--net ns3: VLANs are 1 to 4094";
            }
        }
    }
    return nullptr;
}

} // namespace

const char*
EthernetObjection(const flue_wire_facts& facts)
{
    if (facts.rate_bps == 0 || facts.delay_ps < 0)
    {
        return "--net ns3: a wire has a rate above 0, and no delay below 0";
    }
    if (facts.mtu_bytes + FRAME_MAX_HEADER_BYTES > MAX_PACKET_BYTES)
    {
        return "--net ns3: an mtu of at most 9096 bytes";
    }
    return nullptr;
}

ns3::Ptr<ns3::CsmaChannel>
NewEthernetChannel(const flue_wire_facts& facts)
{
    auto channel = ns3::CreateObject<ns3::CsmaChannel>();

    channel->SetAttribute("DataRate", ns3::DataRateValue(ns3::DataRate(facts.rate_bps)));
    channel->SetAttribute("Delay", ns3::TimeValue(ns3::TimeStep(static_cast<uint64_t>(facts.delay_ps))));
    return channel;
}

ns3::Ptr<ns3::NetDevice>
NewEthernet(const flue_wire_facts& facts, const ns3::Ptr<ns3::Node>& node, const ns3::Ptr<ns3::CsmaChannel>& channel,
            int64_t stream)
{
    auto device = ns3::CreateObject<ns3::CsmaNetDevice>();
    auto queue = ns3::CreateObject<ns3::DropTailQueue<ns3::Packet>>();

    queue->SetMaxSize(ns3::QueueSize(ns3::QueueSizeUnit::PACKETS, facts.queue_frames));
    device->SetAddress(MacAt(facts.mac));
    device->SetMtu(static_cast<uint16_t>(facts.mtu_bytes + FRAME_VLAN_BYTES));
    device->SetEncapsulationMode(ns3::CsmaNetDevice::DIX);
    device->SetQueue(queue);
    device->AssignStreams(stream);
    node->AddDevice(device);
    device->Attach(channel);
    return device;
}

void
AttachEthernet(Port* port, const flue_wire_facts& facts, const uint16_t* vids, unsigned count)
{
    port->vids.assign(VID + 1U, false);
    for (unsigned v = 0; v < count; v++)
    {
        port->vids[vids[v]] = true;
    }
    port->wire = flue_wire{port, facts, LanSend};
    /* Promiscuous: another handler is told the node's own address in place of the one the frame went to. */
    port->node->RegisterProtocolHandler(ns3::MakeBoundCallback(&OnLanPacket, port), 0, port->device, true);
}

void
LetWait(const flue_wire_facts& facts, const ns3::Ptr<ns3::NetDevice>& device)
{
    const flue_ps slotPs = flue_wire_serialise_ps(SHORT_FRAME_BYTES, facts.rate_bps) + facts.delay_ps;

    /* The header gives the last two parameters each other's names. */
    ns3::DynamicCast<ns3::CsmaNetDevice>(device)->SetBackoffParams(ns3::TimeStep(static_cast<uint64_t>(slotPs)), 1,
                                                                   WAIT_SLOTS, WAIT_DOUBLINGS, WAIT_TRIES);
}

namespace
{

/* The bridge of a switch, on a node of its own; or nullptr: one wire for all. */
ns3::Ptr<ns3::BridgeNetDevice>
NewBridge(bool isSwitched)
{
    if (!isSwitched)
    {
        return nullptr;
    }
    auto node = ns3::CreateObject<ns3::Node>();
    auto bridge = ns3::CreateObject<ns3::BridgeNetDevice>();
    node->AddDevice(bridge);
    return bridge;
}

/* Another wire that ends at the bridge. */
ns3::Ptr<ns3::CsmaChannel>
NewSwitchPort(const ns3::Ptr<ns3::BridgeNetDevice>& bridge, unsigned number, flue_wire_facts facts)
{
    auto channel = NewEthernetChannel(facts);

    flue_net_mac(number, facts.mac);
    facts.mac[2] = SWITCH_MACS;
    auto device = NewEthernet(facts, bridge->GetNode(), channel, FIRST_PORT_STREAM + number);
    LetWait(facts, device);
    bridge->AddBridgePort(device);
    return channel;
}

} // namespace

flue_err
OpenEthernet(const flue_switch_params* params, bool isSwitched, flue_net* out, char* message, size_t room)
{
    const char* objection = Objection(params);

    if (objection != nullptr)
    {
        std::snprintf(message, room, "%s", objection);
        return FLUE_EINVAL;
    }
    if (!ClaimSimulator(message, room))
    {
        return FLUE_ESTATE;
    }
    auto net = new Net;
    auto bridge = NewBridge(isSwitched);
    auto channel = isSwitched ? nullptr : NewEthernetChannel(params->nodes[0].facts);
    for (unsigned i = 0; i < params->node_count; i++)
    {
        const flue_switch_node& from = params->nodes[i];
        auto node = ns3::CreateObject<ns3::Node>();
        flue_wire_facts facts = from.facts;

        facts.has_mac = 1;
        flue_net_mac(i, facts.mac);
        if (isSwitched)
        {
            channel = NewSwitchPort(bridge, i, facts);
        }
        auto device = NewEthernet(facts, node, channel, FIRST_STREAM + i);
        if (isSwitched)
        {
            LetWait(facts, device);
        }
        AttachEthernet(SetUpPort(net, i, node, device, params->seed), facts, from.tagged_vids, from.tagged_count);
        net->port[i].isSwitched = isSwitched;
    }
    FillNet(net, out);
    return FLUE_OK;
}

flue_err
OpenLan(const flue_switch_params* params, flue_net* out, char* message, size_t room)
{
    return OpenEthernet(params, false, out, message, room);
}

flue_err
OpenSwitch(const flue_switch_params* params, flue_net* out, char* message, size_t room)
{
    return OpenEthernet(params, true, out, message, room);
}

} // namespace flue
