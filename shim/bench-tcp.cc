/* SPDX-License-Identifier: GPL-2.0-only */
/* ns-3's own TCP on the topology that Flue runs on, tuned for speed: no traffic control (a plain deep FIFO in the device),
 * checksums off, the same segment size, delayed acknowledgement of every second segment, initial window of 10. */
#include "bench.h"
#include "net.h"

#include "ns3/config.h"
#include "ns3/inet-socket-address.h"
#include "ns3/internet-stack-helper.h"
#include "ns3/ipv4-address-helper.h"
#include "ns3/packet.h"
#include "ns3/queue.h"
#include "ns3/simulator.h"
#include "ns3/socket-factory.h"
#include "ns3/tcp-socket-factory.h"
#include "ns3/tcp-socket.h"
#include "ns3/uinteger.h"

#include <malloc.h>
#include <vector>

namespace flue
{

namespace
{

constexpr uint16_t PORT = 80;
constexpr double OPEN_SECONDS = 5.0; /* all handshakes are over by then */

struct Sender
{
    ns3::Ptr<ns3::Socket> socket;
    uint64_t left{0};
};

struct Receiver
{
    uint64_t bytes{0};
    std::vector<ns3::Ptr<ns3::Socket>> sockets;
};

void
Push(Sender* sender, ns3::Ptr<ns3::Socket> socket, uint32_t)
{
    while (sender->left > 0)
    {
        const uint64_t room = socket->GetTxAvailable();
        const uint64_t bytes = sender->left < room ? sender->left : room;

        if (bytes == 0 || socket->Send(ns3::Create<ns3::Packet>(static_cast<uint32_t>(bytes))) <= 0)
        {
            return;
        }
        sender->left -= bytes;
    }
}

void
Start(Sender* sender)
{
    sender->socket->SetSendCallback(ns3::MakeBoundCallback(&Push, sender));
    Push(sender, sender->socket, 0);
}

void
Take(Receiver* receiver, ns3::Ptr<ns3::Socket> socket)
{
    ns3::Ptr<ns3::Packet> packet;

    while ((packet = socket->Recv()))
    {
        receiver->bytes += packet->GetSize();
    }
}

void
Accept(Receiver* receiver, ns3::Ptr<ns3::Socket> socket, const ns3::Address&)
{
    socket->SetRecvCallback(ns3::MakeBoundCallback(&Take, receiver));
    receiver->sockets.push_back(socket);
}

/* Every frame of the sender passes it; after the handshakes these are its data segments. */
ns3::Ptr<ns3::Queue<ns3::Packet>>
SenderQueue(const ns3::NetDeviceContainer& devices)
{
    return ns3::DynamicCast<ns3::PointToPointNetDevice>(devices.Get(0))->GetQueue();
}

} // namespace

flue_err
BenchTcp(uint32_t connections, uint64_t bytes, uint32_t mssBytes, const flue_net_params* params, int64_t* cpuNs,
         uint64_t* segments, uint64_t* idleBytes)
{
    flue_net_params deep = *params;
    ns3::NodeContainer nodes;
    ns3::NetDeviceContainer devices;
    Receiver receiver;
    std::vector<Sender> senders(connections);

    if (connections == 0 || !UsePicoseconds())
    {
        return FLUE_EINVAL;
    }
    deep.facts.queue_frames = 1000000;
    ns3::Config::SetDefault("ns3::TcpSocket::SegmentSize", ns3::UintegerValue(mssBytes));
    ns3::Config::SetDefault("ns3::TcpSocket::InitialCwnd", ns3::UintegerValue(10));
    ns3::Config::SetDefault("ns3::TcpSocket::DelAckCount", ns3::UintegerValue(2));
    ns3::Config::SetDefault("ns3::TcpSocket::SndBufSize", ns3::UintegerValue(262144));
    ns3::Config::SetDefault("ns3::TcpSocket::RcvBufSize", ns3::UintegerValue(262144));
    BuildPointToPoint(&deep, &nodes, &devices);
    ns3::InternetStackHelper stack;
    stack.SetIpv6StackInstall(false);
    stack.Install(nodes);
    ns3::Ipv4AddressHelper address("10.0.0.0", "255.255.0.0");
    /* The devices have no NetDeviceQueueInterface, so no queue disc is put on them. */
    ns3::Ipv4InterfaceContainer interfaces = address.Assign(devices);
    auto listener = ns3::Socket::CreateSocket(nodes.Get(1), ns3::TcpSocketFactory::GetTypeId());
    listener->Bind(ns3::InetSocketAddress(ns3::Ipv4Address::GetAny(), PORT));
    listener->Listen();
    listener->SetAcceptCallback(ns3::MakeNullCallback<bool, ns3::Ptr<ns3::Socket>, const ns3::Address&>(),
                                ns3::MakeBoundCallback(&Accept, &receiver));

    const uint64_t before = mallinfo2().uordblks;
    for (uint32_t i = 0; i < connections; i++)
    {
        Sender* sender = &senders[i];

        sender->left = bytes;
        sender->socket = ns3::Socket::CreateSocket(nodes.Get(0), ns3::TcpSocketFactory::GetTypeId());
        ns3::Simulator::ScheduleWithContext(nodes.Get(0)->GetId(),
                                            ns3::MicroSeconds(20) * static_cast<int64_t>(i),
                                            [sender, interfaces]() {
                                                sender->socket->Connect(
                                                    ns3::InetSocketAddress(interfaces.GetAddress(1), PORT));
                                            });
        ns3::Simulator::ScheduleWithContext(nodes.Get(0)->GetId(), ns3::Seconds(OPEN_SECONDS), &Start, sender);
    }
    ns3::Simulator::Stop(ns3::Seconds(OPEN_SECONDS) - ns3::MicroSeconds(1));
    ns3::Simulator::Run();
    *idleBytes = (mallinfo2().uordblks - before) / connections;
    const uint64_t opened = SenderQueue(devices)->GetTotalReceivedPackets();
    const int64_t start = CpuNs();
    ns3::Simulator::Stop(ns3::Seconds(1000));
    ns3::Simulator::Run();
    *cpuNs = CpuNs() - start;
    *segments = SenderQueue(devices)->GetTotalReceivedPackets() - opened;
    const bool whole = receiver.bytes == connections * bytes && SenderQueue(devices)->GetTotalDroppedPackets() == 0;
    ns3::Simulator::Destroy();
    return whole ? FLUE_OK : FLUE_ESTATE;
}

} // namespace flue
