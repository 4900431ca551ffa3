/* SPDX-License-Identifier: GPL-2.0-only */
/* The bare point-to-point device: what any protocol on top of it pays at least. */
#include "bench.h"
#include "net.h"

#include "ns3/node.h"
#include "ns3/packet.h"
#include "ns3/simulator.h"

#include <vector>

namespace flue
{

namespace
{

struct Pump
{
    ns3::Ptr<ns3::NetDevice> device[2];
    uint64_t left{0};
    uint64_t received{0};
    uint32_t inFlight{0};
    std::vector<uint8_t> data;
    std::vector<uint8_t> ack;
};

constexpr uint32_t WINDOW = 64; /* frames under way: keeps the device busy without filling its queue */

void
Fill(Pump* pump)
{
    while (pump->left > 0 && pump->inFlight < WINDOW)
    {
        pump->device[0]->Send(ns3::Create<ns3::Packet>(pump->data.data(), static_cast<uint32_t>(pump->data.size())),
                              pump->device[0]->GetBroadcast(),
                              0x0800);
        pump->left--;
        pump->inFlight++;
    }
}

void
OnData(Pump* pump, ns3::Ptr<ns3::NetDevice>, ns3::Ptr<const ns3::Packet> packet, uint16_t, const ns3::Address&,
       const ns3::Address&, ns3::NetDevice::PacketType)
{
    packet->CopyData(pump->data.data(), static_cast<uint32_t>(pump->data.size()));
    if (++pump->received % 2 == 0)
    {
        pump->device[1]->Send(ns3::Create<ns3::Packet>(pump->ack.data(), static_cast<uint32_t>(pump->ack.size())),
                              pump->device[1]->GetBroadcast(),
                              0x0800);
    }
}

void
OnAck(Pump* pump, ns3::Ptr<ns3::NetDevice>, ns3::Ptr<const ns3::Packet> packet, uint16_t, const ns3::Address&,
      const ns3::Address&, ns3::NetDevice::PacketType)
{
    packet->CopyData(pump->ack.data(), static_cast<uint32_t>(pump->ack.size()));
    pump->inFlight -= pump->inFlight < 2 ? pump->inFlight : 2;
    Fill(pump);
}

} // namespace

flue_err
BenchDevice(uint64_t frames, uint32_t ipBytes, uint32_t ackBytes, const flue_net_params* params, int64_t* cpuNs)
{
    ns3::NodeContainer nodes;
    ns3::NetDeviceContainer devices;
    Pump pump;

    if (frames < 2 || ipBytes == 0 || ipBytes > params->facts.mtu_bytes || !UsePicoseconds())
    {
        return FLUE_EINVAL;
    }
    BuildPointToPoint(params, &nodes, &devices);
    pump.device[0] = devices.Get(0);
    pump.device[1] = devices.Get(1);
    pump.left = frames & ~UINT64_C(1);
    pump.data.assign(ipBytes, 0);
    pump.ack.assign(ackBytes, 0);
    nodes.Get(1)->RegisterProtocolHandler(ns3::MakeBoundCallback(&OnData, &pump), 0x0800, devices.Get(1));
    nodes.Get(0)->RegisterProtocolHandler(ns3::MakeBoundCallback(&OnAck, &pump), 0x0800, devices.Get(0));
    Fill(&pump);
    const int64_t start = CpuNs();
    ns3::Simulator::Run();
    *cpuNs = CpuNs() - start;
    ns3::Simulator::Destroy();
    return pump.received == (frames & ~UINT64_C(1)) ? FLUE_OK : FLUE_ESTATE;
}

} // namespace flue
