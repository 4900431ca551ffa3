/* SPDX-License-Identifier: GPL-2.0-only */
#include "flue-helper.h"

#include "ns3/abort.h"
#include "ns3/csma-net-device.h"
#include "ns3/log.h"
#include "ns3/node.h"

namespace ns3
{

NS_LOG_COMPONENT_DEFINE("FlueHelper");

void
FlueHostContainer::Add(Ptr<FlueHost> host)
{
    m_hosts.push_back(host);
}

Ptr<FlueHost>
FlueHostContainer::Get(uint32_t i) const
{
    return m_hosts.at(i);
}

uint32_t
FlueHostContainer::GetN() const
{
    return static_cast<uint32_t>(m_hosts.size());
}

std::vector<Ptr<FlueHost>>::const_iterator
FlueHostContainer::Begin() const
{
    return m_hosts.begin();
}

std::vector<Ptr<FlueHost>>::const_iterator
FlueHostContainer::End() const
{
    return m_hosts.end();
}

FlueHelper::FlueHelper()
    : m_next("10.0.0.1")
{
    m_factory.SetTypeId(FlueHost::GetTypeId());
}

void
FlueHelper::SetAttribute(std::string name, const AttributeValue& value)
{
    m_factory.Set(name, value);
}

void
FlueHelper::SetBase(Ipv4Address first)
{
    m_next = first;
}

Ptr<FlueHost>
FlueHelper::InstallOn(Ptr<NetDevice> device)
{
    NS_LOG_FUNCTION(this << device << m_next);
    Ptr<Node> node = device->GetNode();
    NS_ABORT_MSG_IF(!node, "FlueHelper: the device is in no node");
    NS_ABORT_MSG_IF(node->GetObject<FlueHost>(), "FlueHelper: there is a FlueHost on node " << node->GetId());
    Ptr<FlueHost> host = m_factory.Create<FlueHost>();
    host->SetAttribute("Address", Ipv4AddressValue(m_next));
    host->SetDevice(device);
    m_next = Ipv4Address(m_next.Get() + 1);
    node->AggregateObject(host);
    return host;
}

FlueHostContainer
FlueHelper::Install(Ptr<Node> node)
{
    return Install(NodeContainer(node));
}

FlueHostContainer
FlueHelper::Install(NodeContainer nodes)
{
    FlueHostContainer hosts;

    for (auto node = nodes.Begin(); node != nodes.End(); ++node)
    {
        NS_ABORT_MSG_IF((*node)->GetNDevices() == 0, "FlueHelper: node " << (*node)->GetId() << " has no device");
        hosts.Add(InstallOn((*node)->GetDevice(0)));
    }
    return hosts;
}

FlueHostContainer
FlueHelper::Install(NetDeviceContainer devices)
{
    FlueHostContainer hosts;

    for (auto device = devices.Begin(); device != devices.End(); ++device)
    {
        hosts.Add(InstallOn(*device));
    }
    return hosts;
}

int64_t
FlueHelper::AssignStreams(FlueHostContainer hosts, int64_t stream)
{
    int64_t next = stream;

    for (auto host = hosts.Begin(); host != hosts.End(); ++host)
    {
        next += (*host)->AssignStreams(next);
    }
    return next - stream;
}

void
FlueHelper::EnablePcapInternal(std::string prefix, Ptr<NetDevice> nd, bool promiscuous, bool explicitFilename)
{
    Ptr<FlueHost> host = nd->GetNode()->GetObject<FlueHost>();

    if (!host)
    {
        NS_LOG_INFO("no FlueHost on the node of this device");
        return;
    }
    PcapHelper pcap;
    const bool ethernet = DynamicCast<CsmaNetDevice>(nd) != nullptr;
    const std::string name = explicitFilename ? prefix : pcap.GetFilenameFromDevice(prefix, nd);
    Ptr<PcapFileWrapper> file =
        pcap.CreateFile(name, std::ios::out, ethernet ? PcapHelper::DLT_EN10MB : PcapHelper::DLT_PPP);
    pcap.HookDefaultSink<NetDevice>(nd, promiscuous ? "PromiscSniffer" : "Sniffer", file);
    host->UseRealBytes();
}

} // namespace ns3
