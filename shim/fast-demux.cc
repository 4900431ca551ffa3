/* SPDX-License-Identifier: GPL-2.0-only */
/* Which socket of ns-3's a segment is for (see fast-demux.h). */
#include "fast-demux.h"

#include "ns3/ipv4-end-point.h"
#include "ns3/ipv4-header.h"
#include "ns3/ipv4-interface.h"
#include "ns3/tcp-header.h"

namespace flue
{

NS_OBJECT_ENSURE_REGISTERED(FastDemux);

namespace
{

constexpr uint32_t PORTS_BYTES = 4;

/* The end point is for ns-3's own kinds of sockets to see. */
struct Inside : ns3::TcpSocketBase
{
    static ns3::Ipv4EndPoint* EndPointOf(const ns3::TcpSocketBase& socket)
    {
        return socket.*(&Inside::m_endPoint);
    }
};

} // namespace

ns3::TypeId
FastDemux::GetTypeId()
{
    static ns3::TypeId tid = ns3::TypeId("flue::FastDemux")
                                 .SetParent<ns3::TcpL4Protocol>()
                                 .SetGroupName("Flue")
                                 .AddConstructor<FastDemux>();
    return tid;
}

void
FastDemux::Know(const Direction& towards, const ns3::Ptr<ns3::TcpSocketBase>& socket)
{
    m_known[towards] = socket;
}

/* Another socket may have come by the same ports since. */
void
FastDemux::Forget(const Direction& towards, const ns3::Ptr<ns3::Socket>& socket)
{
    const auto at = m_known.find(towards);

    if (at != m_known.end() && at->second == socket)
    {
        m_known.erase(at);
    }
}

/* A socket that has ended has no end point any more. */
ns3::Ipv4EndPoint*
FastDemux::Find(const Direction& towards) const
{
    const auto at = m_known.find(towards);
    ns3::Ipv4EndPoint* end = at == m_known.end() ? nullptr : Inside::EndPointOf(*at->second);
    const bool fits = end != nullptr && end->IsRxEnabled() && end->GetLocalAddress().Get() == towards.to &&
                      end->GetLocalPort() == towards.toPort && end->GetPeerAddress().Get() == towards.from &&
                      end->GetPeerPort() == towards.fromPort;

    return fits ? end : nullptr;
}

ns3::IpL4Protocol::RxStatus
FastDemux::Receive(ns3::Ptr<ns3::Packet> packet, const ns3::Ipv4Header& header, ns3::Ptr<ns3::Ipv4Interface> interface)
{
    uint8_t ports[PORTS_BYTES] = {};

    packet->CopyData(ports, PORTS_BYTES);
    const Direction towards{header.GetSource().Get(), header.GetDestination().Get(),
                            static_cast<uint16_t>(ports[0] << 8 | ports[1]),
                            static_cast<uint16_t>(ports[2] << 8 | ports[3])};
    ns3::Ipv4EndPoint* end = Find(towards);
    if (end == nullptr)
    {
        return TcpL4Protocol::Receive(packet, header, interface);
    }
    ns3::TcpHeader tcp;
    const RxStatus status = PacketReceived(packet, tcp, header.GetSource(), header.GetDestination());
    if (status == RX_OK)
    {
        end->ForwardUp(packet, header, towards.fromPort, interface);
    }
    return status;
}

void
FastDemux::DoDispose()
{
    m_known.clear();
    TcpL4Protocol::DoDispose();
}

} // namespace flue
