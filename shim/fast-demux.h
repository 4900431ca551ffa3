/* SPDX-License-Identifier: GPL-2.0-only */
/* ns3::TcpL4Protocol compares each segment with all sockets of its node, one after the other.  This one finds those that
 * it has been told of by their addresses and ports; all else about it, and about the sockets, is ns-3's. */
#ifndef FLUE_SHIM_FAST_DEMUX_H
#define FLUE_SHIM_FAST_DEMUX_H

#include "streams.h"

#include "ns3/tcp-l4-protocol.h"
#include "ns3/tcp-socket-base.h"

#include <unordered_map>

namespace flue
{

class FastDemux : public ns3::TcpL4Protocol
{
  public:
    static ns3::TypeId GetTypeId();

    /* Segments of this direction are for the socket, until Forget(). */
    void Know(const Direction& towards, const ns3::Ptr<ns3::TcpSocketBase>& socket);
    void Forget(const Direction& towards, const ns3::Ptr<ns3::Socket>& socket);

    using ns3::TcpL4Protocol::Receive;
    RxStatus Receive(ns3::Ptr<ns3::Packet> packet, const ns3::Ipv4Header& header,
                     ns3::Ptr<ns3::Ipv4Interface> interface) override;

  protected:
    void DoDispose() override;

  private:
    ns3::Ipv4EndPoint* Find(const Direction& towards) const;

    std::unordered_map<Direction, ns3::Ptr<ns3::TcpSocketBase>, DirectionHash> m_known;
};

} // namespace flue

#endif
