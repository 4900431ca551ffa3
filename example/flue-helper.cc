/* SPDX-License-Identifier: GPL-2.0-only */
/* Two hosts on a point-to-point link: four connections, which the server's adapter takes over.  The congestion window of
 * the first one goes to the standard output, whoever runs TCP for it.
 *
 *     flue-helper --ns3::FlueHost::Congestion=Cubic --pcap=1 */
#include "ns3/core-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"

#if __has_include("ns3/flue-helper.h") // a module of the source tree
#include "ns3/flue-helper.h"
#else
#include "flue-helper.h"
#endif

#include <iostream>

using namespace ns3;

NS_LOG_COMPONENT_DEFINE("FlueHelperExample");

static const uint32_t CONNECTIONS = 4;
static const uint32_t TRANSFER = 1000000;

static void
CwndChange(uint32_t oldCwnd, uint32_t newCwnd)
{
    std::cout << Simulator::Now().As(Time::MS) << " cwnd " << oldCwnd << " -> " << newCwnd << std::endl;
}

static void
HolderChange(FlueSocket::Holder, FlueSocket::Holder holder)
{
    static const char* const names[] = {"the host", "the adapter", "nobody"};
    std::cout << Simulator::Now().As(Time::MS) << " held by " << names[holder] << std::endl;
}

static void
Accepted(Ptr<FlueSocket> socket)
{
    if (socket->GetId() == 0)
    {
        socket->TraceConnectWithoutContext("CongestionWindow", MakeCallback(&CwndChange));
        socket->TraceConnectWithoutContext("Holder", MakeCallback(&HolderChange));
    }
    socket->Send(TRANSFER);
    socket->Close();
}

static void
PeerClosed(Ptr<FlueSocket> socket)
{
    std::cout << "connection " << socket->GetId() << ": " << socket->GetReceived() << " bytes" << std::endl;
    socket->Close();
}

int
main(int argc, char* argv[])
{
    bool pcap = false;
    CommandLine cmd(__FILE__);
    cmd.AddValue("pcap", "Write flue-helper-*.pcap", pcap);
    cmd.Parse(argc, argv);

    NodeContainer nodes(2);
    PointToPointHelper link;
    link.SetDeviceAttribute("DataRate", StringValue("1Gbps"));
    link.SetChannelAttribute("Delay", StringValue("50us"));
    link.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue("1000p"));
    NetDeviceContainer devices = link.Install(nodes);

    FlueHelper flue;
    flue.SetAttribute("RcvBufSize", UintegerValue(1 << 20));
    FlueHostContainer hosts = flue.Install(devices);
    flue.AssignStreams(hosts, 1);
    if (pcap)
    {
        flue.EnablePcap("flue-helper", devices);
    }

    hosts.Get(0)->Listen(80, MakeCallback(&Accepted));
    for (uint32_t i = 0; i < CONNECTIONS; i++)
    {
        Ptr<FlueSocket> client = hosts.Get(1)->Connect(hosts.Get(0)->GetAddress(), 80);
        client->SetCloseCallbacks(MakeCallback(&PeerClosed), MakeNullCallback<void, Ptr<FlueSocket>, bool>());
    }
    Simulator::Stop(Seconds(10));
    Simulator::Run();
    std::cout << hosts.Get(0)->GetOffloaded() << " connections offloaded, "
              << hosts.Get(0)->GetFindings() + hosts.Get(1)->GetFindings() << " findings" << std::endl;
    Simulator::Destroy();
    return 0;
}
