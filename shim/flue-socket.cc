/* SPDX-License-Identifier: GPL-2.0-only */
#include "flue-socket.h"

#include "flue-host.h"

#include "flue/node.h"

#include "ns3/log.h"

namespace ns3
{

NS_LOG_COMPONENT_DEFINE("FlueSocket");

NS_OBJECT_ENSURE_REGISTERED(FlueSocket);

namespace
{

TcpSocket::TcpStates_t
StateOf(flue_tcp_state_id state)
{
    switch (state)
    {
    case FLUE_TCP_CLOSED:
        return TcpSocket::CLOSED;
    case FLUE_TCP_LISTEN:
        return TcpSocket::LISTEN;
    case FLUE_TCP_SYN_SENT:
        return TcpSocket::SYN_SENT;
    case FLUE_TCP_SYN_RECEIVED:
        return TcpSocket::SYN_RCVD;
    case FLUE_TCP_ESTABLISHED:
        return TcpSocket::ESTABLISHED;
    case FLUE_TCP_FIN_WAIT_1:
        return TcpSocket::FIN_WAIT_1;
    case FLUE_TCP_FIN_WAIT_2:
        return TcpSocket::FIN_WAIT_2;
    case FLUE_TCP_CLOSE_WAIT:
        return TcpSocket::CLOSE_WAIT;
    case FLUE_TCP_CLOSING:
        return TcpSocket::CLOSING;
    case FLUE_TCP_LAST_ACK:
        return TcpSocket::LAST_ACK;
    case FLUE_TCP_TIME_WAIT:
        return TcpSocket::TIME_WAIT;
    }
    return TcpSocket::CLOSED;
}

} // namespace

TypeId
FlueSocket::GetTypeId()
{
    static TypeId tid = TypeId("ns3::FlueSocket")
                            .SetParent<Object>()
                            .SetGroupName("Flue")
                            .AddConstructor<FlueSocket>()
                            .AddTraceSource("CongestionWindow",
                                            "The congestion window, in bytes.",
                                            MakeTraceSourceAccessor(&FlueSocket::m_cWnd),
                                            "ns3::TracedValueCallback::Uint32")
                            .AddTraceSource("SlowStartThreshold",
                                            "The slow start threshold, in bytes.",
                                            MakeTraceSourceAccessor(&FlueSocket::m_ssThresh),
                                            "ns3::TracedValueCallback::Uint32")
                            .AddTraceSource("RTT",
                                            "The smoothed round-trip time.",
                                            MakeTraceSourceAccessor(&FlueSocket::m_rtt),
                                            "ns3::TracedValueCallback::Time")
                            .AddTraceSource("State",
                                            "The TCP state.",
                                            MakeTraceSourceAccessor(&FlueSocket::m_state),
                                            "ns3::TcpStatesTracedValueCallback")
                            .AddTraceSource("Holder",
                                            "Who runs TCP for the connection.",
                                            MakeTraceSourceAccessor(&FlueSocket::m_holder),
                                            "ns3::FlueSocket::HolderTracedValueCallback")
                            .AddTraceSource("Tx",
                                            "A segment leaves, whoever made it.",
                                            MakeTraceSourceAccessor(&FlueSocket::m_txTrace),
                                            "ns3::FlueSocket::TxRxTracedCallback")
                            .AddTraceSource("Rx",
                                            "A segment has come.",
                                            MakeTraceSourceAccessor(&FlueSocket::m_rxTrace),
                                            "ns3::FlueSocket::TxRxTracedCallback");
    return tid;
}

FlueSocket::FlueSocket()
{
    NS_LOG_FUNCTION(this);
}

FlueSocket::~FlueSocket()
{
    NS_LOG_FUNCTION(this);
}

void
FlueSocket::DoDispose()
{
    m_socket = nullptr;
    m_host = nullptr;
    Object::DoDispose();
}

void
FlueSocket::Refresh()
{
    struct flue_tcp_info info;

    if (m_socket == nullptr)
    {
        return;
    }
    flue_host* host = flue_node_host(m_host->m_node);
    flue_target* target = flue_node_target(m_host->m_node);
    const flue_tcp_tuple tuple = flue_host_socket_tuple(m_socket);
    /* On its way from one to the other it may be at either. */
    if ((m_holder != TARGET && flue_host_tcp_info(host, &tuple, &info) == FLUE_OK) ||
        flue_target_tcp_info(target, &tuple, &info) == FLUE_OK || flue_host_tcp_info(host, &tuple, &info) == FLUE_OK)
    {
        m_cWnd = info.cwnd_bytes;
        m_ssThresh = info.ssthresh_bytes;
        if (info.srtt_ps != 0) // else there is no sample yet
        {
            m_rtt = PicoSeconds(static_cast<uint64_t>(info.srtt_ps));
        }
        m_state = StateOf(info.state);
    }
}

bool
FlueSocket::Send(uint32_t bytes)
{
    NS_LOG_FUNCTION(this << bytes);
    return Do([](::flue_host_socket* socket, int64_t, uint32_t count) { return flue_host_socket_send(socket, count) == FLUE_OK; },
              bytes);
}

bool
FlueSocket::Close()
{
    NS_LOG_FUNCTION(this);
    return Do([](::flue_host_socket* socket, int64_t, uint32_t) { return flue_host_socket_close(socket) == FLUE_OK; }, 0);
}

void
FlueSocket::Abort()
{
    NS_LOG_FUNCTION(this);
    Do(
        [](::flue_host_socket* socket, int64_t, uint32_t) {
            flue_host_socket_abort(socket);
            return true;
        },
        0);
}

bool
FlueSocket::Offload()
{
    NS_LOG_FUNCTION(this);
    return Do(
        [](::flue_host_socket* socket, int64_t atPs, uint32_t) { return flue_host_socket_offload(socket, atPs) == FLUE_OK; },
        0);
}

bool
FlueSocket::Upload()
{
    NS_LOG_FUNCTION(this);
    return Do(
        [](::flue_host_socket* socket, int64_t atPs, uint32_t) { return flue_host_socket_upload(socket, atPs) == FLUE_OK; },
        0);
}

bool
FlueSocket::Do(bool (*what)(::flue_host_socket* socket, int64_t atPs, uint32_t bytes), uint32_t bytes)
{
    struct Work
    {
        FlueSocket* socket;
        bool (*what)(::flue_host_socket*, int64_t, uint32_t);
        uint32_t bytes;
        bool done;
    } work{this, what, bytes, false};

    if (m_socket == nullptr)
    {
        return false;
    }
    const int64_t nowPs = m_host->NowPs();
    Ptr<FlueSocket> keep = this;
    Ptr<FlueHost> host = m_host;
    host->Enter();
    host->Touch(this);
    flue_host_run(
        flue_node_host(host->m_node),
        nowPs,
        [](void* ctx, flue_ps atPs) {
            auto now = static_cast<Work*>(ctx);
            now->done = now->what(now->socket->m_socket, atPs, now->bytes);
        },
        &work);
    host->Leave(true);
    return work.done;
}

FlueSocket::Holder
FlueSocket::GetHolder() const
{
    return m_holder;
}

uint32_t
FlueSocket::GetId() const
{
    return m_id;
}

Ipv4Address
FlueSocket::GetRemoteAddress() const
{
    return m_remote;
}

uint16_t
FlueSocket::GetRemotePort() const
{
    return m_remotePort;
}

uint16_t
FlueSocket::GetLocalPort() const
{
    return m_localPort;
}

uint64_t
FlueSocket::GetReceived() const
{
    return m_received;
}

uint64_t
FlueSocket::GetAcknowledged() const
{
    return m_acknowledged;
}

void
FlueSocket::SetConnectCallback(Callback<void, Ptr<FlueSocket>> connected)
{
    m_connectedCb = connected;
}

void
FlueSocket::SetRecvCallback(Callback<void, Ptr<FlueSocket>, uint32_t> received)
{
    m_recvCb = received;
}

void
FlueSocket::SetDataSentCallback(Callback<void, Ptr<FlueSocket>, uint32_t> acknowledged)
{
    m_dataSentCb = acknowledged;
}

void
FlueSocket::SetCloseCallbacks(Callback<void, Ptr<FlueSocket>> peerClosed,
                              Callback<void, Ptr<FlueSocket>, bool> closed)
{
    m_peerClosedCb = peerClosed;
    m_closedCb = closed;
}

} // namespace ns3
