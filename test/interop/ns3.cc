/* SPDX-License-Identifier: GPL-2.0-only */
/* Flue's TCP against that of ns-3 (TcpSocketBase), in ns-3's time.  Flue's stack stands on a node without an Internet
 * stack and takes packets from its device by a protocol handler; the network's faults are those of impair.h.
 *
 * What ns-3 3.37 does, and this test allows for:
 *  - it sends no MSS option, so Flue sends segments of 536 bytes (IPv4) or 1220 (IPv6; RFC 9293 3.7.1), and it takes its
 *    own segment size from an attribute that does not count options: 1400 is set;
 *  - it writes checksums of 0 and checks none unless the global value ChecksumEnabled is set: it is;
 *  - in LAST-ACK any ACK of the right sequence number ends the connection, even one that acknowledges less than its FIN:
 *    data lost just before would never be sent again.  So Flue closes second, and ns-3 is never in LAST-ACK;
 *  - while it repairs a loss and the peer's window, not its own congestion window, is what limits it, it may take a
 *    segment from beyond its buffer and dereference NULL (TcpRateLinux::SkbSent(); against itself it does so too, with
 *    3 % of loss and a receive buffer of 20000 bytes each time).  So Flue offers large windows;
 *  - it takes the options apart before it looks at the checksum, and never ends with one of length 0.  So no packet is
 *    damaged here. */
#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"

#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "content.h"
#include "party_flue.h"
#include "virtual.h"

using namespace ns3;

namespace
{

constexpr uint16_t ETHERTYPES[] = {FLUE_ETHERTYPE_IPV4, FLUE_ETHERTYPE_IPV6};
constexpr uint8_t PROTOCOL_TCP = 6;

struct Connection
{
    Ptr<Socket> socket;
    std::deque<int> waiting; /* of a listener: accepted, not yet asked for */
    bool connected{false};
    bool ended{false};  /* the other side has closed */
    bool failed{false};
};

struct World
{
    exchange x{};
    party_flue flue{};
    party ns3Party{};
    Ptr<Node> ourNode;
    Ptr<Node> theirNode;
    Ptr<NetDevice> ourDevice;
    std::vector<std::unique_ptr<Connection>> connections;
    flue_ps queuedPs{FLUE_PS_NEVER}; /* earliest tick in ns-3's queue */
    bool over{false};
    std::string complaint;

    void Tick(flue_ps atPs);
    void WakeAt(flue_ps atPs);
    void Wake();
    void Receive(Ptr<NetDevice> device, Ptr<const Packet> packet, uint16_t type, const Address& from, const Address& to,
                 NetDevice::PacketType);
    int Add(Ptr<Socket> socket);
    int Number(Ptr<Socket> socket);
    void OnConnected(Ptr<Socket> socket);
    void OnFailed(Ptr<Socket> socket);
    void OnClosed(Ptr<Socket> socket);
    void OnAccepted(Ptr<Socket> listener, int number, Ptr<Socket> socket, const Address& from);
    void OnReadable(Ptr<Socket> socket);
    void OnWritable(Ptr<Socket> socket, uint32_t room);
};

flue_ps
NowPs()
{
    return Simulator::Now().GetPicoSeconds();
}

void
World::Tick(flue_ps atPs)
{
    if (queuedPs == atPs)
    {
        queuedPs = FLUE_PS_NEVER;
    }
    if (over)
    {
        return;
    }
    const flue_ps nextPs = exchange_run(&x, NowPs());
    if (!exchange_over(&x) && NowPs() > VIRTUAL_LIMIT_PS)
    {
        exchange_give_up(&x);
    }
    if (exchange_over(&x))
    {
        over = true;
        Simulator::Stop();
        return;
    }
    WakeAt(nextPs < VIRTUAL_LIMIT_PS ? nextPs : VIRTUAL_LIMIT_PS + 1);
}

/* A tick that is no longer wanted does no harm, so none is ever cancelled. */
void
World::WakeAt(flue_ps atPs)
{
    atPs = atPs < NowPs() ? NowPs() : atPs;
    if (atPs < queuedPs)
    {
        queuedPs = atPs;
        Simulator::Schedule(PicoSeconds(atPs - NowPs()), &World::Tick, this, atPs);
    }
}

void
World::Wake()
{
    WakeAt(NowPs());
}

/* ns-3 sent it. */
void
World::Receive(Ptr<NetDevice>, Ptr<const Packet> packet, uint16_t, const Address&, const Address&, NetDevice::PacketType)
{
    std::vector<uint8_t> bytes(packet->GetSize());

    packet->CopyData(bytes.data(), static_cast<uint32_t>(bytes.size()));
    if (bytes.size() >= 20 && bytes[bytes[0] >> 4 == 4 ? 9 : 6] == PROTOCOL_TCP)
    {
        x.now_ps = NowPs();
        exchange_packet(&x, 1, bytes.data(), bytes.size());
        Wake();
    }
}

World*
Of(void* ctx)
{
    return static_cast<World*>(ctx);
}

Connection&
At(void* ctx, int number)
{
    return *Of(ctx)->connections.at(static_cast<size_t>(number));
}

int
Complain(void* ctx, const char* what, Ptr<Socket> socket)
{
    Of(ctx)->complaint = std::string(what) + ": ns-3's socket error " + std::to_string(socket->GetErrno());
    return PARTY_FAILED;
}

Address
Name(const flue_ip* ip, uint16_t port)
{
    if (flue_ip_is_v4(ip))
    {
        return InetSocketAddress(Ipv4Address(ip->word[3]), port);
    }
    uint8_t bytes[16];
    for (unsigned i = 0; i < 16; i++)
    {
        bytes[i] = static_cast<uint8_t>(ip->word[i / 4] >> (24 - 8 * (i % 4)));
    }
    return Inet6SocketAddress(Ipv6Address(bytes), port);
}

int
World::Add(Ptr<Socket> socket)
{
    auto connection = std::make_unique<Connection>();

    connection->socket = socket;
    connections.push_back(std::move(connection));
    socket->SetConnectCallback(MakeCallback(&World::OnConnected, this), MakeCallback(&World::OnFailed, this));
    socket->SetCloseCallbacks(MakeCallback(&World::OnClosed, this), MakeCallback(&World::OnFailed, this));
    socket->SetRecvCallback(MakeCallback(&World::OnReadable, this));
    socket->SetSendCallback(MakeCallback(&World::OnWritable, this));
    return static_cast<int>(connections.size()) - 1;
}

int
World::Number(Ptr<Socket> socket)
{
    for (size_t i = 0; i < connections.size(); i++)
    {
        if (connections[i]->socket == socket)
        {
            return static_cast<int>(i);
        }
    }
    return -1;
}

void
World::OnConnected(Ptr<Socket> socket)
{
    connections.at(static_cast<size_t>(Number(socket)))->connected = true;
    Wake();
}

void
World::OnFailed(Ptr<Socket> socket)
{
    const int number = Number(socket);

    if (number >= 0)
    {
        connections[static_cast<size_t>(number)]->failed = true;
    }
    Wake();
}

void
World::OnClosed(Ptr<Socket> socket)
{
    const int number = Number(socket);

    if (number >= 0)
    {
        connections[static_cast<size_t>(number)]->ended = true;
    }
    Wake();
}

void
World::OnAccepted(Ptr<Socket>, int number, Ptr<Socket> socket, const Address&)
{
    const int accepted = Add(socket);

    connections[static_cast<size_t>(accepted)]->connected = true;
    connections[static_cast<size_t>(number)]->waiting.push_back(accepted);
    Wake();
}

void
World::OnReadable(Ptr<Socket>)
{
    Wake();
}

void
World::OnWritable(Ptr<Socket>, uint32_t)
{
    Wake();
}

/* The functions of struct party. */
int
Listen(void* ctx, const flue_ip* local, uint16_t port)
{
    World* world = Of(ctx);
    Ptr<Socket> socket = Socket::CreateSocket(world->theirNode, TcpSocketFactory::GetTypeId());
    const int number = world->Add(socket);

    if (socket->Bind(Name(local, port)) != 0 || socket->Listen() != 0)
    {
        return Complain(ctx, "Bind and Listen", socket);
    }
    socket->SetAcceptCallback(MakeNullCallback<bool, Ptr<Socket>, const Address&>(),
                              Callback<void, Ptr<Socket>, const Address&>(
                                  [world, number](Ptr<Socket> accepted, const Address& from) {
                                      world->OnAccepted(nullptr, number, accepted, from);
                                  }));
    return number;
}

int
Connect(void* ctx, const flue_ip* local, const flue_ip* remote, uint16_t port)
{
    World* world = Of(ctx);
    Ptr<Socket> socket = Socket::CreateSocket(world->theirNode, TcpSocketFactory::GetTypeId());
    const int number = world->Add(socket);

    if (socket->Bind(Name(local, 0)) != 0 || socket->Connect(Name(remote, port)) != 0)
    {
        return Complain(ctx, "Bind and Connect", socket);
    }
    return number;
}

int
Accept(void* ctx, int listener)
{
    Connection& connection = At(ctx, listener);

    if (connection.waiting.empty())
    {
        return PARTY_END;
    }
    const int number = connection.waiting.front();
    connection.waiting.pop_front();
    return number;
}

int64_t
Send(void* ctx, int number, const uint8_t* data, size_t bytes)
{
    Connection& connection = At(ctx, number);
    const size_t room = connection.socket->GetTxAvailable();

    if (connection.failed)
    {
        return Complain(ctx, "the connection broke", connection.socket);
    }
    bytes = bytes < room ? bytes : room;
    if (!connection.connected || bytes == 0)
    {
        return PARTY_WAIT;
    }
    const int sent = connection.socket->Send(data, static_cast<uint32_t>(bytes), 0);
    return sent < 0 ? Complain(ctx, "Send", connection.socket) : sent;
}

int64_t
Recv(void* ctx, int number, uint8_t* data, size_t room)
{
    Connection& connection = At(ctx, number);

    if (connection.socket->GetRxAvailable() > 0)
    {
        Ptr<Packet> packet = connection.socket->Recv(static_cast<uint32_t>(room), 0);
        if (packet && packet->GetSize() > 0)
        {
            return packet->CopyData(data, static_cast<uint32_t>(room));
        }
    }
    if (connection.ended)
    {
        return PARTY_END;
    }
    return connection.failed ? Complain(ctx, "the connection broke", connection.socket) : PARTY_WAIT;
}

int
Shut(void* ctx, int number)
{
    Connection& connection = At(ctx, number);

    return connection.connected && connection.socket->ShutdownSend() == 0;
}

void
Close(void* ctx, int number)
{
    At(ctx, number).socket->Close();
}

void
Input(void* ctx, const uint8_t* packet, size_t bytes, flue_ps)
{
    World* world = Of(ctx);

    if (bytes > 0)
    {
        world->ourDevice->Send(Create<Packet>(packet, static_cast<uint32_t>(bytes)), world->ourDevice->GetBroadcast(),
                               ETHERTYPES[packet[0] >> 4 == 6]);
    }
}

const char*
Complaint(void* ctx)
{
    return Of(ctx)->complaint.c_str();
}

void
Out(void* ctx, const uint8_t* packet, size_t bytes)
{
    exchange_packet(static_cast<exchange*>(ctx), 0, packet, bytes);
}

void
GiveAddresses(Ptr<Node> node, Ptr<NetDevice> device)
{
    Ptr<Ipv4> ipv4 = node->GetObject<Ipv4>();
    Ptr<Ipv6> ipv6 = node->GetObject<Ipv6>();
    const Address name = Name(&virtual_v6[1], 0);
    const auto v4 = ipv4->AddInterface(device);
    const auto v6 = ipv6->AddInterface(device);

    ipv4->AddAddress(v4, Ipv4InterfaceAddress(Ipv4Address(virtual_v4[1].word[3]), Ipv4Mask("255.255.255.0")));
    ipv4->SetUp(v4);
    ipv6->AddAddress(v6, Ipv6InterfaceAddress(Inet6SocketAddress::ConvertFrom(name).GetIpv6(), Ipv6Prefix(64)));
    ipv6->SetUp(v6);
}

void
Build(World& world)
{
    PointToPointHelper link;
    InternetStackHelper internet;

    world.ourNode = CreateObject<Node>();
    world.theirNode = CreateObject<Node>();
    internet.Install(world.theirNode);
    link.SetDeviceAttribute("DataRate", StringValue("1Gbps"));
    link.SetChannelAttribute("Delay", StringValue("100us"));
    link.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue("1000p"));
    NetDeviceContainer devices = link.Install(world.ourNode, world.theirNode);
    world.ourDevice = devices.Get(0);
    GiveAddresses(world.theirNode, devices.Get(1));
    for (uint16_t type : ETHERTYPES)
    {
        world.ourNode->RegisterProtocolHandler(MakeCallback(&World::Receive, &world), type, world.ourDevice);
    }
    world.ns3Party.name = "ns-3";
    world.ns3Party.ctx = &world;
    world.ns3Party.listen = Listen;
    world.ns3Party.connect = Connect;
    world.ns3Party.accept = Accept;
    world.ns3Party.send = Send;
    world.ns3Party.recv = Recv;
    world.ns3Party.shut = Shut;
    world.ns3Party.close = Close;
    world.ns3Party.input = Input;
    world.ns3Party.complaint = Complaint;
}

void
Run(const cell* cell, cell_result* result)
{
    const auto* shape = static_cast<const virtual_shape*>(cell->own);
    auto world = std::make_unique<World>();
    impair_params params = shape->network->params;
    flue_stack_config config;
    flue_tcp_totals totals;

    Time::SetResolution(Time::PS);
    GlobalValue::Bind("ChecksumEnabled", BooleanValue(true));
    Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(1400));
    Config::SetDefault("ns3::Icmpv6L4Protocol::DAD", BooleanValue(false));
    RngSeedManager::SetRun(cell->number + 1);
    params.corrupt_ppm = 0;
    virtual_config(&config, cell->seed);
    config.tcp.rcv_buffer_bytes = 1U << 20;
    config.tcp.window_scaling = 1;
    if (!party_flue_open(&world->flue, &config, content_mix(cell->seed), Out, &world->x))
    {
        std::snprintf(result->failure, sizeof result->failure, "%s", world->flue.complaint);
        return;
    }
    Build(*world);
    if (exchange_begin(&world->x, &params, cell->seed, &world->flue.party, &world->ns3Party,
                       shape->v6 ? virtual_v6 : virtual_v4, shape->connector, shape->plans, VIRTUAL_FLOWS))
    {
        exchange_capture(&world->x, cell->pcap);
        world->x.shuts_second[0] = 1;
        Simulator::Schedule(MilliSeconds(1), &World::Wake, world.get());
        Simulator::Run();
    }
    if (!party_flue_sound(&world->flue))
    {
        exchange_fail(&world->x, "%s", world->flue.complaint);
    }
    flue_stack_totals(world->flue.stack, &totals);
    std::snprintf(result->note, sizeof result->note, "flue: %llu retransmits, %llu timeouts, %.6f s",
                  static_cast<unsigned long long>(totals.retransmits), static_cast<unsigned long long>(totals.timeouts),
                  Simulator::Now().GetSeconds());
    result->compared = world->x.compared;
    std::snprintf(result->failure, sizeof result->failure, "%s", world->x.failure);
    exchange_end(&world->x);
    party_flue_close(&world->flue);
    world.release(); /* ns-3 holds callbacks into it; the process ends here */
}

} // namespace

int
main(int argc, char** argv)
{
    return virtual_main(argc, argv, "ns3", "Flue's TCP against that of ns-3, in its time.", 1, 30, 60000, 300000, Run);
}
