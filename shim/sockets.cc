/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP sockets of ns-3's (see sockets.h).  What they send is made, and what they get compared, byte by byte. */
#include "sockets.h"

#include "fast-demux.h"
#include "world.h"

#include "base/span.h"

#include "ns3/simulator.h"
#include "ns3/tcp-socket-factory.h"
#include "ns3/uinteger.h"

namespace flue
{

namespace
{

constexpr uint32_t PIECE_BYTES = 16384; /* handed to ns-3 at a time */
constexpr uint32_t HEADER_BYTES = 52;   /* IPv4 20, TCP 20, timestamps 12: ns-3's segment size does not count options */
constexpr uint32_t INITIAL_SEGMENTS = 10;

void
TellAccepted(Sockets* sockets, size_t listener, ns3::Ptr<ns3::Socket> socket, const ns3::Address& from)
{
    sockets->OnAccepted(listener, socket, from);
}

void
TellConnected(SocketKey key, ns3::Ptr<ns3::Socket>)
{
    key.sockets->OnConnected(key.number);
}

void
TellFailed(SocketKey key, ns3::Ptr<ns3::Socket>)
{
    key.sockets->OnFailed(key.number);
}

void
TellPeerClosed(SocketKey key, ns3::Ptr<ns3::Socket>)
{
    key.sockets->OnPeerClosed(key.number);
}

void
TellReadable(SocketKey key, ns3::Ptr<ns3::Socket>)
{
    key.sockets->OnReadable(key.number);
}

void
TellRoom(SocketKey key, ns3::Ptr<ns3::Socket>, uint32_t)
{
    key.sockets->OnRoom(key.number);
}

void
TellState(SocketKey key, ns3::TcpSocket::TcpStates_t, ns3::TcpSocket::TcpStates_t state)
{
    key.sockets->OnState(key.number, state);
}

} // namespace

/* ---- What the application asks for ---- */

ns3::Ptr<ns3::Socket>
Sockets::NewSocket(unsigned node)
{
    const Station& station = m_world->stations[node];
    auto socket = ns3::Socket::CreateSocket(station.node, ns3::TcpSocketFactory::GetTypeId());
    const uint32_t mtu = station.interfaces[0].device->GetMtu();

    socket->SetAttribute("SegmentSize", ns3::UintegerValue(mtu - HEADER_BYTES));
    socket->SetAttribute("InitialCwnd", ns3::UintegerValue(INITIAL_SEGMENTS));
    return socket;
}

flue_ns3_socket*
Sockets::Add(unsigned node, const ns3::Ptr<ns3::Socket>& socket, const flue_ns3_app& app)
{
    const SocketKey key{this, m_next++};
    auto own = std::make_unique<flue_ns3_socket>();
    ns3::UintegerValue bytes;

    own->key = key;
    own->socket = socket;
    own->node = node;
    own->app = app;
    socket->GetAttribute("SndBufSize", bytes);
    own->bufferBytes = static_cast<uint32_t>(bytes.Get());
    socket->SetConnectCallback(ns3::MakeBoundCallback(&TellConnected, key), ns3::MakeBoundCallback(&TellFailed, key));
    socket->SetCloseCallbacks(ns3::MakeBoundCallback(&TellPeerClosed, key), ns3::MakeBoundCallback(&TellFailed, key));
    socket->SetRecvCallback(ns3::MakeBoundCallback(&TellReadable, key));
    socket->SetSendCallback(ns3::MakeBoundCallback(&TellRoom, key));
    socket->TraceConnectWithoutContext("State", ns3::MakeBoundCallback(&TellState, key));
    return m_sockets.emplace(key.number, std::move(own)).first->second.get();
}

flue_ns3_socket*
Sockets::Find(uint64_t number)
{
    const auto at = m_sockets.find(number);

    return at == m_sockets.end() ? nullptr : at->second.get();
}

/* Both directions get the names by which Flue nodes know them. */
void
Sockets::Name(flue_ns3_socket* socket, uint32_t id, bool connects, const ns3::InetSocketAddress& remote)
{
    ns3::Address address;

    socket->id = id;
    socket->stream = 2 * id + (connects ? 0 : 1);
    socket->socket->GetSockName(address);
    const auto local = ns3::InetSocketAddress::ConvertFrom(address);
    m_world->streams.Name({local.GetIpv4().Get(), remote.GetIpv4().Get(), local.GetPort(), remote.GetPort()},
                          socket->stream, connects);
    socket->towards = {remote.GetIpv4().Get(), local.GetIpv4().Get(), remote.GetPort(), local.GetPort()};
    m_world->stations[socket->node].node->GetObject<FastDemux>()->Know(
        socket->towards, ns3::DynamicCast<ns3::TcpSocketBase>(socket->socket));
}

void
Sockets::Remove(flue_ns3_socket* socket)
{
    m_world->stations[socket->node].node->GetObject<FastDemux>()->Forget(socket->towards, socket->socket);
    m_sockets.erase(socket->key.number);
}

flue_err
Sockets::Listen(unsigned node, uint16_t port, const flue_ns3_app* app)
{
    auto socket = NewSocket(node);
    const size_t number = m_listeners.size();

    if (socket->Bind(ns3::InetSocketAddress(ns3::Ipv4Address::GetAny(), port)) != 0 || socket->Listen() != 0)
    {
        return m_world->Refuse(FLUE_EEXIST, "port %u of node %u is taken", port, node);
    }
    m_listeners.push_back({node, socket, *app});
    socket->SetAcceptCallback(ns3::MakeNullCallback<bool, ns3::Ptr<ns3::Socket>, const ns3::Address&>(),
                              ns3::MakeBoundCallback(&TellAccepted, this, number));
    return FLUE_OK;
}

flue_err
Sockets::Connect(unsigned node, uint16_t localPort, const flue_ip* remoteIp, uint16_t remotePort, uint32_t id,
                 const flue_ns3_app* app, flue_ns3_socket** out)
{
    const ns3::InetSocketAddress local(m_world->stations[node].interfaces[0].address, localPort);
    const ns3::InetSocketAddress remote(ns3::Ipv4Address(remoteIp->word[3]), remotePort);
    auto socket = NewSocket(node);

    if (socket->Bind(local) != 0)
    {
        return m_world->Refuse(FLUE_EEXIST, "port %u of node %u is taken", localPort, node);
    }
    flue_ns3_socket* own = Add(node, socket, *app);
    *out = own;
    Name(own, id, true, remote);
    if (socket->Connect(remote) != 0)
    {
        Remove(own);
        *out = nullptr;
        return m_world->Refuse(FLUE_EINVAL, "node %u has no route to the peer", node);
    }
    return FLUE_OK;
}

flue_err
Sockets::Send(flue_ns3_socket* socket, uint64_t bytes)
{
    if (socket->closing || socket->ended)
    {
        return FLUE_ESTATE;
    }
    socket->waitingBytes += bytes;
    Push(socket);
    return FLUE_OK;
}

flue_err
Sockets::Close(flue_ns3_socket* socket)
{
    if (socket->closing || socket->ended)
    {
        return FLUE_ESTATE;
    }
    socket->closing = true;
    Push(socket);
    return FLUE_OK;
}

void
Sockets::Abort(flue_ns3_socket* socket)
{
    socket->failed = true;
    socket->open = false;
    End(socket);
}

/* ---- Bytes ---- */

/* Gives ns-3 what it has room for, and the FIN when all has been acknowledged. */
void
Sockets::Push(flue_ns3_socket* socket)
{
    uint8_t bytes[PIECE_BYTES];

    while (socket->open && socket->waitingBytes > 0)
    {
        const uint64_t room = socket->socket->GetTxAvailable();
        uint64_t length = socket->waitingBytes < room ? socket->waitingBytes : room;

        length = length < PIECE_BYTES ? length : PIECE_BYTES;
        const flue_span span{nullptr, socket->sentBytes, socket->stream, static_cast<uint32_t>(length)};
        span_copy(&span, bytes);
        const int taken = length == 0 ? 0 : socket->socket->Send(bytes, static_cast<uint32_t>(length), 0);
        if (taken <= 0)
        {
            return;
        }
        socket->waitingBytes -= static_cast<uint64_t>(taken);
        socket->sentBytes += static_cast<uint64_t>(taken);
    }
    if (socket->open && socket->closing && !socket->finSent && socket->ackedBytes == socket->sentBytes)
    {
        socket->finSent = true;
        ns3::Simulator::ScheduleNow(&Sockets::OnFin, this, socket->key.number);
    }
}

/* In an event of its own: while ns-3 takes an acknowledgement after a loss, its next number still is one before. */
void
Sockets::OnFin(uint64_t number)
{
    flue_ns3_socket* socket = Find(number);

    if (socket != nullptr && !socket->ended)
    {
        socket->socket->ShutdownSend();
    }
}

void
Sockets::Read(flue_ns3_socket* socket)
{
    uint8_t bytes[PIECE_BYTES];

    for (;;)
    {
        const int taken = socket->socket->Recv(bytes, sizeof(bytes), 0);

        if (taken <= 0)
        {
            return;
        }
        const flue_span span{nullptr, socket->receivedBytes, socket->stream ^ 1, static_cast<uint32_t>(taken)};
        (void)m_world->streams.Compare(span.stream, span.offset_bytes, bytes, span.length_bytes);
        socket->receivedBytes += span.length_bytes;
        if (socket->app.received != nullptr)
        {
            socket->app.received(socket->app.ctx, socket, &span);
        }
    }
}

/* ---- What ns-3 tells ---- */

void
Sockets::OnAccepted(size_t listener, const ns3::Ptr<ns3::Socket>& socket, const ns3::Address& from)
{
    const flue_ns3_app app = m_listeners[listener].app;
    const auto remote = ns3::InetSocketAddress::ConvertFrom(from);
    const flue_ip ip = flue_ip_v4(remote.GetIpv4().Get());
    flue_ns3_socket* own = Add(m_listeners[listener].node, socket, app);

    Name(own, app.identify != nullptr ? app.identify(app.ctx, &ip, remote.GetPort()) : m_nextId++, false, remote);
    OnConnected(own->key.number);
}

void
Sockets::OnConnected(uint64_t number)
{
    flue_ns3_socket* socket = Find(number);

    if (socket == nullptr || socket->open)
    {
        return;
    }
    socket->open = true;
    if (socket->app.connected != nullptr)
    {
        socket->app.connected(socket->app.ctx, socket);
    }
    Push(socket);
}

void
Sockets::OnReadable(uint64_t number)
{
    if (flue_ns3_socket* socket = Find(number))
    {
        Read(socket);
    }
}

/* Room comes from what was acknowledged. */
void
Sockets::OnRoom(uint64_t number)
{
    flue_ns3_socket* socket = Find(number);

    if (socket == nullptr || !socket->open)
    {
        return;
    }
    const uint64_t acked = socket->sentBytes + socket->socket->GetTxAvailable() - socket->bufferBytes;
    const uint64_t more = acked - socket->ackedBytes;
    socket->ackedBytes = acked;
    if (more > 0 && socket->app.acknowledged != nullptr)
    {
        socket->app.acknowledged(socket->app.ctx, socket, more);
    }
    Push(socket);
}

void
Sockets::OnPeerClosed(uint64_t number)
{
    flue_ns3_socket* socket = Find(number);

    if (socket == nullptr || socket->peerClosed)
    {
        return;
    }
    Read(socket);
    socket->peerClosed = true;
    if (socket->app.peer_closed != nullptr)
    {
        socket->app.peer_closed(socket->app.ctx, socket);
    }
}

void
Sockets::OnFailed(uint64_t number)
{
    if (flue_ns3_socket* socket = Find(number))
    {
        socket->failed = true;
        End(socket);
    }
}

void
Sockets::OnState(uint64_t number, ns3::TcpSocket::TcpStates_t state)
{
    flue_ns3_socket* socket = Find(number);

    if (socket != nullptr && (state == ns3::TcpSocket::CLOSED || state == ns3::TcpSocket::TIME_WAIT))
    {
        End(socket);
    }
}

/* ns-3 is in the middle of something: the application is told in an event of its own. */
void
Sockets::End(flue_ns3_socket* socket)
{
    if (!socket->ended)
    {
        socket->ended = true;
        ns3::Simulator::ScheduleNow(&Sockets::OnEnd, this, socket->key.number);
    }
}

void
Sockets::OnEnd(uint64_t number)
{
    flue_ns3_socket* socket = Find(number);

    if (socket == nullptr)
    {
        return;
    }
    if (socket->app.closed != nullptr)
    {
        socket->app.closed(socket->app.ctx, socket, socket->failed);
    }
    Remove(socket);
}

/* ---- The C interface ---- */

namespace
{

flue_err
CheckHost(flue_ns3_world* world, unsigned node)
{
    if (!world->finished)
    {
        return world->Refuse(FLUE_ESTATE, "sockets are for a world that is finished");
    }
    if (node >= world->stations.size() || world->stations[node].kind != FLUE_NS3_HOST)
    {
        return world->Refuse(FLUE_EINVAL, "node %u is no host of ns-3's", node);
    }
    return FLUE_OK;
}

} // namespace

flue_err
SocketListen(flue_ns3_world* world, unsigned node, uint16_t port, const flue_ns3_app* app)
{
    const flue_err err = CheckHost(world, node);

    return err == FLUE_OK ? world->sockets->Listen(node, port, app) : err;
}

flue_err
SocketConnect(flue_ns3_world* world, unsigned node, uint16_t localPort, const flue_ip* remoteIp, uint16_t remotePort,
              uint32_t id, const flue_ns3_app* app, flue_ns3_socket** out)
{
    const flue_err err = CheckHost(world, node);

    *out = nullptr;
    return err == FLUE_OK ? world->sockets->Connect(node, localPort, remoteIp, remotePort, id, app, out) : err;
}

uint32_t
SocketIdentify(void*, const flue_tcp_tuple* tuple)
{
    const Direction direction{tuple->remote_ip.word[3], tuple->local_ip.word[3], tuple->remote_port, tuple->local_port};
    const flue_ns3_world* world = WorldOpen();
    uint32_t stream;

    return world != nullptr && world->streams.Find(direction, &stream) ? stream / 2 : FLUE_NO_CONN;
}

flue_err
SocketSend(flue_ns3_socket* socket, uint64_t bytes)
{
    return socket->key.sockets->Send(socket, bytes);
}

flue_err
SocketClose(flue_ns3_socket* socket)
{
    return socket->key.sockets->Close(socket);
}

void
SocketAbort(flue_ns3_socket* socket)
{
    socket->key.sockets->Abort(socket);
}

void
SocketSetCtx(flue_ns3_socket* socket, void* ctx)
{
    socket->ctx = ctx;
}

void*
SocketCtx(const flue_ns3_socket* socket)
{
    return socket->ctx;
}

uint32_t
SocketId(const flue_ns3_socket* socket)
{
    return socket->id;
}

} // namespace flue
