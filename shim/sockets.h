/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP sockets of ns-3's in a world, whose peers are Flue nodes or others of ns-3's (flue_ns3.h tells what they do). */
#ifndef FLUE_SHIM_SOCKETS_H
#define FLUE_SHIM_SOCKETS_H

#include "flue_ns3.h"
#include "streams.h"

#include "ns3/inet-socket-address.h"
#include "ns3/socket.h"
#include "ns3/tcp-socket.h"

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace flue
{

class Sockets;

/* What ns-3's callbacks know of a socket: it may be gone when they come. */
struct SocketKey
{
    Sockets* sockets;
    uint64_t number;

    bool operator!=(const SocketKey& other) const
    {
        return !(*this == other);
    }

    bool operator==(const SocketKey& other) const
    {
        return sockets == other.sockets && number == other.number;
    }
};

} // namespace flue

/* The C interface's opaque socket. */
struct flue_ns3_socket
{
    flue::SocketKey key{};
    ns3::Ptr<ns3::Socket> socket;
    unsigned node{0};
    flue::Direction towards{}; /* of the segments that it gets */
    flue_ns3_app app{};
    void* ctx{nullptr};
    uint32_t id{0};
    uint32_t stream{0};        /* that it sends; the peer's is the other one of the pair */
    uint32_t bufferBytes{0};   /* ns-3's send buffer */
    uint64_t waitingBytes{0};  /* given by the application, not yet to ns-3 */
    uint64_t sentBytes{0};     /* given to ns-3 */
    uint64_t ackedBytes{0};
    uint64_t receivedBytes{0};
    bool open{false};
    bool closing{false};  /* the application has closed */
    bool finSent{false};
    bool peerClosed{false};
    bool failed{false};
    bool ended{false}; /* its last event is on its way */
};

namespace flue
{

class Sockets
{
  public:
    explicit Sockets(flue_ns3_world* world)
        : m_world(world)
    {
    }

    flue_err Listen(unsigned node, uint16_t port, const flue_ns3_app* app);
    flue_err Connect(unsigned node, uint16_t localPort, const flue_ip* remoteIp, uint16_t remotePort, uint32_t id,
                     const flue_ns3_app* app, flue_ns3_socket** out);
    flue_err Send(flue_ns3_socket* socket, uint64_t bytes);
    flue_err Close(flue_ns3_socket* socket);
    void Abort(flue_ns3_socket* socket);

    /* What ns-3 tells. */
    void OnAccepted(size_t listener, const ns3::Ptr<ns3::Socket>& socket, const ns3::Address& from);
    void OnConnected(uint64_t number);
    void OnReadable(uint64_t number);
    void OnRoom(uint64_t number);
    void OnPeerClosed(uint64_t number);
    void OnFailed(uint64_t number);
    void OnState(uint64_t number, ns3::TcpSocket::TcpStates_t state);
    void OnFin(uint64_t number);
    void OnEnd(uint64_t number);

  private:
    struct Listener
    {
        unsigned node;
        ns3::Ptr<ns3::Socket> socket;
        flue_ns3_app app;
    };

    ns3::Ptr<ns3::Socket> NewSocket(unsigned node);
    flue_ns3_socket* Add(unsigned node, const ns3::Ptr<ns3::Socket>& socket, const flue_ns3_app& app);
    void Remove(flue_ns3_socket* socket);
    flue_ns3_socket* Find(uint64_t number);
    void Name(flue_ns3_socket* socket, uint32_t id, bool connects, const ns3::InetSocketAddress& remote);
    void Push(flue_ns3_socket* socket);
    void Read(flue_ns3_socket* socket);
    void End(flue_ns3_socket* socket);

    flue_ns3_world* m_world;
    std::vector<Listener> m_listeners;
    std::unordered_map<uint64_t, std::unique_ptr<flue_ns3_socket>> m_sockets;
    uint64_t m_next{0};
    uint32_t m_nextId{0};
};

/* The C interface's functions. */
flue_err SocketListen(flue_ns3_world* world, unsigned node, uint16_t port, const flue_ns3_app* app);
flue_err SocketConnect(flue_ns3_world* world, unsigned node, uint16_t localPort, const flue_ip* remoteIp,
                       uint16_t remotePort, uint32_t id, const flue_ns3_app* app, flue_ns3_socket** out);
uint32_t SocketIdentify(void* ctx, const flue_tcp_tuple* tuple);
flue_err SocketSend(flue_ns3_socket* socket, uint64_t bytes);
flue_err SocketClose(flue_ns3_socket* socket);
void SocketAbort(flue_ns3_socket* socket);
void SocketSetCtx(flue_ns3_socket* socket, void* ctx);
void* SocketCtx(const flue_ns3_socket* socket);
uint32_t SocketId(const flue_ns3_socket* socket);

} // namespace flue

#endif
