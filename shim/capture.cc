/* SPDX-License-Identifier: GPL-2.0-only */
/* What passes a node's interfaces, to files for tcpdump and Wireshark. */
#include "world.h"

#include "ns3/boolean.h"
#include "ns3/csma-net-device.h"
#include "ns3/pcap-file-wrapper.h"
#include "ns3/simulator.h"

namespace flue
{

namespace
{

constexpr uint32_t LINK_ETHERNET = 1; /* pcap's link types */
constexpr uint32_t LINK_PPP = 9;

void
OnFrame(ns3::PcapFileWrapper* file, ns3::Ptr<const ns3::Packet> packet)
{
    file->Write(ns3::Simulator::Now(), packet);
}

} // namespace

flue_err
WorldPcap(flue_ns3_world* world, unsigned node, const char* path)
{
    if (node >= world->stations.size() || world->stations[node].interfaces.empty())
    {
        return world->Refuse(FLUE_EINVAL, "there is no node %u, or it is on no wire yet", node);
    }
    unsigned number = 0;
    for (const Interface& interface : world->stations[node].interfaces)
    {
        const bool ethernet = ns3::DynamicCast<ns3::CsmaNetDevice>(interface.device) != nullptr;
        const std::string name = number == 0 ? path : std::string(path) + "." + std::to_string(number);
        auto file = ns3::CreateObject<ns3::PcapFileWrapper>();

        file->SetAttribute("NanosecMode", ns3::BooleanValue(true));
        file->Open(name, std::ios::out);
        if (file->Fail())
        {
            return world->Refuse(FLUE_EIO, "%s cannot be written", name.c_str());
        }
        file->Init(ethernet ? LINK_ETHERNET : LINK_PPP);
        interface.device->TraceConnectWithoutContext("Sniffer",
                                                     ns3::MakeBoundCallback(&OnFrame, ns3::PeekPointer(file)));
        world->captures.push_back(file);
        number++;
    }
    world->realBytes = true;
    return FLUE_OK;
}

} // namespace flue
