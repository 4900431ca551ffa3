/* SPDX-License-Identifier: GPL-2.0-only */
#include "flue-host.h"

#include "net.h"
#include "nodes.h"
#include "port.h"

#include "flue/node.h"

#include "ns3/abort.h"
#include "ns3/csma-channel.h"
#include "ns3/csma-net-device.h"
#include "ns3/data-rate.h"
#include "ns3/log.h"
#include "ns3/node.h"
#include "ns3/point-to-point-net-device.h"
#include "ns3/pointer.h"
#include "ns3/queue.h"

#include <map>

namespace ns3
{

NS_LOG_COMPONENT_DEFINE("FlueHost");

namespace
{

constexpr unsigned V4_BITS = 96; // of an IPv4 address are its family's
constexpr uint16_t FIRST_PORT = 49152; // of RFC 6335's dynamic ones

/** What all hosts share: the ports, and the identities that both ends of a connection go by. */
struct Hosts : flue::Net
{
    std::map<std::pair<uint64_t, uint32_t>, uint32_t> ids; // addresses and ports, the connecting side's first
    uint32_t nextId{0};
};

Hosts&
AllHosts()
{
    static Hosts hosts;

    return hosts;
}

std::pair<uint64_t, uint32_t>
NameOf(uint32_t from, uint16_t fromPort, uint32_t to, uint16_t toPort)
{
    return {static_cast<uint64_t>(from) << 32 | to, static_cast<uint32_t>(fromPort) << 16 | toPort};
}

uint64_t
KeyOf(uint32_t remote, uint16_t remotePort, uint16_t localPort)
{
    return static_cast<uint64_t>(remote) << 32 | static_cast<uint32_t>(remotePort) << 16 | localPort;
}

/** What the model wants to know of the device's wire. */
flue_wire_facts
FactsOf(Ptr<NetDevice> device)
{
    flue_wire_facts facts{};
    PointerValue queue;
    TimeValue delay;
    DataRateValue rate;

    facts.mtu_bytes = device->GetMtu();
    facts.framing_bytes = flue::PPP_BYTES;
    device->GetAttribute("TxQueue", queue);
    facts.queue_frames = queue.Get<QueueBase>()->GetMaxSize().GetValue();
    Ptr<Channel> channel = device->GetChannel();
    NS_ABORT_MSG_IF(!channel, "FlueHost: the device is on no channel");
    channel->GetAttribute("Delay", delay);
    facts.delay_ps = delay.Get().GetPicoSeconds();
    if (DynamicCast<CsmaNetDevice>(device))
    {
        channel->GetAttribute("DataRate", rate);
        facts.framing_bytes = flue::ETHERNET_BYTES;
        facts.has_mac = 1;
        Mac48Address::ConvertFrom(device->GetAddress()).CopyTo(facts.mac);
    }
    else
    {
        NS_ABORT_MSG_IF(!DynamicCast<PointToPointNetDevice>(device),
                        "FlueHost: stands on a PointToPointNetDevice or a CsmaNetDevice");
        device->GetAttribute("DataRate", rate);
    }
    facts.rate_bps = rate.Get().GetBitRate();
    return facts;
}

} // namespace

/** What the model calls.  ctx is the host, or of connections and what is known of them its Listener. */
struct FlueHostCalls
{
    static void Receive(void* ctx, const flue_frame* frame)
    {
        auto host = static_cast<FlueHost*>(ctx);

        host->Enter();
        flue_node_receive(host->m_node, frame);
        host->Leave(false);
    }

    static void Alarm(void* ctx)
    {
        auto host = static_cast<FlueHost*>(ctx);

        host->Enter();
        flue_node_alarm(host->m_node);
        host->Leave(false);
    }

    static void Frame(void* ctx, const flue_frame* frame, flue_ps)
    {
        static_cast<FlueHost*>(ctx)->OnFrame(frame);
    }

    static void Finding(void* ctx, const flue_finding* finding)
    {
        if (flue_rule(finding->rule)->strength != FLUE_RULE_warn)
        {
            static_cast<FlueHost*>(ctx)->m_findings++;
            NS_LOG_WARN("CH-" << finding->rule << " " << flue_party_name(finding->party) << ": " << finding->seen);
        }
    }

    static uint32_t Identify(void*, const flue_tcp_tuple* tuple)
    {
        Hosts& hosts = AllHosts();
        const auto found = hosts.ids.find(NameOf(tuple->remote_ip.word[3],
                                                 tuple->remote_port,
                                                 tuple->local_ip.word[3],
                                                 tuple->local_port));

        return found != hosts.ids.end() ? found->second : hosts.nextId++;
    }

    /** One that came in is known from the moment when it is open. */
    static Ptr<FlueSocket> Of(void* ctx, flue_host_socket* model, flue_ps atPs)
    {
        FlueHost* host = static_cast<FlueHost::Listener*>(ctx)->host;
        const flue_tcp_tuple tuple = flue_host_socket_tuple(model);
        const auto found =
            host->m_sockets.find(KeyOf(tuple.remote_ip.word[3], tuple.remote_port, tuple.local_port));

        host->m_atPs = atPs;
        return found != host->m_sockets.end() ? found->second : nullptr;
    }

    static void Connected(void* ctx, flue_host_socket* model, flue_ps atPs)
    {
        auto listener = static_cast<FlueHost::Listener*>(ctx);
        Ptr<FlueSocket> socket = Of(ctx, model, atPs);

        if (!socket)
        {
            const flue_tcp_tuple tuple = flue_host_socket_tuple(model);
            socket = CreateObject<FlueSocket>();
            socket->m_host = listener->host;
            socket->m_remote = Ipv4Address(tuple.remote_ip.word[3]);
            socket->m_remotePort = tuple.remote_port;
            socket->m_localPort = tuple.local_port;
            socket->m_id = flue_host_socket_id(model);
            listener->host->Know(socket);
        }
        socket->m_socket = model;
        const Callback<void, Ptr<FlueSocket>> told =
            listener->accepted.IsNull() ? socket->m_connectedCb : listener->accepted;
        if (!told.IsNull())
        {
            told(socket);
        }
        socket->m_holder = flue_host_socket_holder(model) == FLUE_HOLDER_TARGET ? FlueSocket::TARGET : FlueSocket::HOST;
    }

    static void Received(void* ctx, flue_host_socket* model, const flue_span* span, flue_ps atPs)
    {
        Ptr<FlueSocket> socket = Of(ctx, model, atPs);

        if (socket)
        {
            socket->m_received += span->length_bytes;
            if (!socket->m_recvCb.IsNull())
            {
                socket->m_recvCb(socket, span->length_bytes);
            }
        }
    }

    static void Acknowledged(void* ctx, flue_host_socket* model, uint32_t bytes, flue_ps atPs)
    {
        Ptr<FlueSocket> socket = Of(ctx, model, atPs);

        if (socket)
        {
            socket->m_acknowledged += bytes;
            if (!socket->m_dataSentCb.IsNull())
            {
                socket->m_dataSentCb(socket, bytes);
            }
        }
    }

    static void PeerClosed(void* ctx, flue_host_socket* model, flue_ps atPs)
    {
        Ptr<FlueSocket> socket = Of(ctx, model, atPs);

        if (socket && !socket->m_peerClosedCb.IsNull())
        {
            socket->m_peerClosedCb(socket);
        }
    }

    static void Moved(void* ctx, flue_host_socket* model, flue_holder holder, flue_move, flue_ps atPs)
    {
        Ptr<FlueSocket> socket = Of(ctx, model, atPs);

        if (socket)
        {
            socket->m_holder = holder == FLUE_HOLDER_TARGET ? FlueSocket::TARGET : FlueSocket::HOST;
        }
    }

    static void Closed(void* ctx, flue_host_socket* model, flue_tcp_reason reason, flue_ps atPs)
    {
        Ptr<FlueSocket> socket = Of(ctx, model, atPs);
        const bool clean = reason == FLUE_TCP_BY_CLOSE || reason == FLUE_TCP_BY_SEGMENT || reason == FLUE_TCP_BY_2MSL;

        if (socket)
        {
            socket->m_socket = nullptr;
            socket->m_holder = FlueSocket::CLOSED;
            socket->m_state = TcpSocket::CLOSED;
            socket->m_host->m_sockets.erase(
                KeyOf(socket->m_remote.Get(), socket->m_remotePort, socket->m_localPort));
            if (!socket->m_closedCb.IsNull())
            {
                socket->m_closedCb(socket, clean);
            }
        }
    }
};

namespace
{

const flue_app g_app = {FlueHostCalls::Identify,
                        FlueHostCalls::Connected,
                        FlueHostCalls::Received,
                        FlueHostCalls::Acknowledged,
                        FlueHostCalls::PeerClosed,
                        FlueHostCalls::Closed,
                        FlueHostCalls::Moved};

} // namespace

FlueHost::FlueHost()
    : m_seed(CreateObject<UniformRandomVariable>())
{
    NS_LOG_FUNCTION(this);
}

FlueHost::~FlueHost()
{
    NS_LOG_FUNCTION(this);
}

void
FlueHost::SetDevice(Ptr<NetDevice> device)
{
    NS_ABORT_MSG_IF(m_node != nullptr, "FlueHost: it stands on a device");
    m_device = device;
}

Ptr<NetDevice>
FlueHost::GetDevice() const
{
    return m_device;
}

Ipv4Address
FlueHost::GetAddress() const
{
    return m_address;
}

void
FlueHost::Build()
{
    if (m_node != nullptr)
    {
        return;
    }
    NS_LOG_FUNCTION(this);
    NS_ABORT_MSG_IF(!m_device, "FlueHost: it has no device");
    Hosts& hosts = AllHosts();
    const auto number = static_cast<unsigned>(hosts.port.size());
    const flue_wire_facts facts = FactsOf(m_device);
    const uint64_t seed =
        static_cast<uint64_t>(m_seed->GetInteger(0, UINT32_MAX)) << 32 | m_seed->GetInteger(0, UINT32_MAX);
    flue_node_params params;

    m_port = flue::SetUpPort(&hosts, number, m_device->GetNode(), m_device, seed);
    if (facts.has_mac != 0)
    {
        flue::AttachEthernet(m_port, facts, nullptr, 0);
    }
    else
    {
        flue::AttachPlain(m_port, facts);
    }
    FillParams(&params);
    params.number = static_cast<uint16_t>(number);
    params.tap = flue_node_tap{this, FlueHostCalls::Frame};
    params.check_sink = flue_check_sink{this, FlueHostCalls::Finding, nullptr};
    const flue_err err = flue::StartNode(m_port, &params, &m_node);
    NS_ABORT_MSG_IF(err != FLUE_OK, "FlueHost: cannot be built: " << flue_err_sentence(err));
    m_port->client = flue_net_client{this, FlueHostCalls::Receive, FlueHostCalls::Alarm, nullptr};
}

void
FlueHost::DoInitialize()
{
    Build();
    Object::DoInitialize();
}

void
FlueHost::DoDispose()
{
    NS_LOG_FUNCTION(this);
    for (const auto& [key, socket] : m_sockets)
    {
        socket->m_socket = nullptr;
        socket->m_host = nullptr;
    }
    m_sockets.clear();
    m_dirty.clear();
    flue_node_free(m_node);
    m_node = nullptr;
    m_listeners.clear();
    if (m_port != nullptr)
    {
        m_port->client = flue_net_client{};
        m_port->node = nullptr;
        m_port->device = nullptr;
        m_port = nullptr;
    }
    m_device = nullptr;
    m_seed = nullptr;
    Object::DoDispose();
}

int64_t
FlueHost::NowPs() const
{
    return m_depth > 0 && m_atPs > flue::NowPs() ? m_atPs : flue::NowPs();
}

void
FlueHost::Enter()
{
    m_depth++;
}

void
FlueHost::Leave(bool fromOutside)
{
    m_depth--;
    if (m_depth > 0)
    {
        return;
    }
    if (fromOutside)
    {
        flue_node_settle(m_node);
    }
    std::vector<Ptr<FlueSocket>> dirty;
    dirty.swap(m_dirty);
    for (const Ptr<FlueSocket>& socket : dirty)
    {
        socket->m_dirty = false;
        socket->Refresh();
    }
}

void
FlueHost::Touch(FlueSocket* socket)
{
    if (!socket->m_dirty)
    {
        socket->m_dirty = true;
        m_dirty.emplace_back(socket);
    }
}

void
FlueHost::Know(Ptr<FlueSocket> socket)
{
    m_sockets[KeyOf(socket->m_remote.Get(), socket->m_remotePort, socket->m_localPort)] = socket;
    Touch(PeekPointer(socket));
}

void
FlueHost::OnFrame(const flue_frame* frame)
{
    if (frame->kind != FLUE_FRAME_TCP)
    {
        return;
    }
    const bool out = frame->src_ip.word[3] == m_address.Get();
    const auto found = m_sockets.find(out ? KeyOf(frame->dst_ip.word[3], frame->dst_port, frame->src_port)
                                          : KeyOf(frame->src_ip.word[3], frame->src_port, frame->dst_port));
    if (found == m_sockets.end())
    {
        return;
    }
    FlueSocket* socket = PeekPointer(found->second);
    auto& trace = out ? socket->m_txTrace : socket->m_rxTrace;
    Touch(socket);
    if (!trace.IsEmpty())
    {
        TcpHeader header;
        header.SetSourcePort(frame->src_port);
        header.SetDestinationPort(frame->dst_port);
        header.SetSequenceNumber(SequenceNumber32(frame->seq));
        header.SetAckNumber(SequenceNumber32(frame->ack));
        header.SetFlags(frame->flags);
        header.SetWindowSize(static_cast<uint16_t>(frame->window));
        trace(Create<Packet>(frame->payload.length_bytes), header, socket);
    }
}

void
FlueHost::AddRoute(Ipv4Address network, Ipv4Mask mask, Ipv4Address gateway)
{
    const flue_ip prefix = flue_ip_v4(network.Get());
    const flue_ip hop = flue_ip_v4(gateway.Get());

    Build();
    const flue_err err = flue_host_route(flue_node_host(m_node), &prefix, V4_BITS + mask.GetPrefixLength(), &hop, 0);
    NS_ABORT_MSG_IF(err != FLUE_OK, "FlueHost: no such route: " << flue_err_sentence(err));
}

Ptr<FlueSocket>
FlueHost::Connect(Ipv4Address remote, uint16_t port)
{
    NS_LOG_FUNCTION(this << remote << port);
    Build();
    Hosts& hosts = AllHosts();
    Ptr<FlueSocket> socket = CreateObject<FlueSocket>();
    socket->m_host = this;
    socket->m_remote = remote;
    socket->m_remotePort = port;
    socket->m_localPort = m_nextPort;
    m_nextPort = m_nextPort == UINT16_MAX ? FIRST_PORT : m_nextPort + 1;
    socket->m_id = hosts.nextId++;
    hosts.ids[NameOf(m_address.Get(), socket->m_localPort, remote.Get(), port)] = socket->m_id;

    const flue_tcp_tuple tuple{flue_ip_v4(m_address.Get()), flue_ip_v4(remote.Get()), socket->m_localPort, port};
    const int64_t nowPs = NowPs();
    if (m_sockets.count(KeyOf(remote.Get(), port, socket->m_localPort)) != 0)
    {
        return nullptr;
    }
    Know(socket);
    Enter();
    const flue_err err = flue_host_connect(flue_node_host(m_node), &tuple, socket->m_id, &g_app,
                                           &m_connector, nowPs, &socket->m_socket);
    if (err != FLUE_OK)
    {
        m_sockets.erase(KeyOf(remote.Get(), port, socket->m_localPort));
    }
    Leave(true);
    return err == FLUE_OK ? socket : nullptr;
}

bool
FlueHost::Listen(uint16_t port, Callback<void, Ptr<FlueSocket>> accepted)
{
    NS_LOG_FUNCTION(this << port);
    Build();
    m_listeners.emplace_back(new Listener{this, accepted});
    if (flue_host_listen(flue_node_host(m_node), port, &g_app, m_listeners.back().get()) != FLUE_OK)
    {
        m_listeners.pop_back();
        return false;
    }
    return true;
}

void
FlueHost::UseRealBytes()
{
    AllHosts().realBytes = true;
}

uint64_t
FlueHost::GetOffloaded()
{
    struct flue_host_totals totals;

    Build();
    ::flue_host_totals(flue_node_host(m_node), &totals);
    return totals.offloaded;
}

uint64_t
FlueHost::GetUploaded()
{
    struct flue_host_totals totals;

    Build();
    ::flue_host_totals(flue_node_host(m_node), &totals);
    return totals.uploaded;
}

uint32_t
FlueHost::GetFindings() const
{
    return m_findings;
}

int64_t
FlueHost::AssignStreams(int64_t stream)
{
    m_seed->SetStream(stream);
    return 1;
}

} // namespace ns3
