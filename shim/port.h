/* SPDX-License-Identifier: GPL-2.0-only */
/* What the networks on ns-3 share: nodes with an alarm, frames in both directions, totals. */
#ifndef FLUE_SHIM_PORT_H
#define FLUE_SHIM_PORT_H

#include "flue/net.h"

#include "ns3/event-impl.h"
#include "ns3/net-device.h"
#include "ns3/node.h"
#include "ns3/packet.h"

#include <vector>

namespace flue
{

constexpr unsigned NODES = 2;
constexpr size_t MAX_PACKET_BYTES = 9216; /* the largest mtu a scenario may ask for, and some */

struct Net;
struct Port;

/* The alarm's event.  It is used again and again: an alarm that moves later waits for the event that is already in the
 * queue, so nothing is ever cancelled. */
class AlarmEvent : public ns3::EventImpl
{
  public:
    Port* port{nullptr};
    flue_ps atPs{FLUE_PS_NEVER};

  private:
    void Notify() override;
};

struct Port
{
    Net* net{nullptr};
    unsigned number{0};
    ns3::Ptr<ns3::Node> node;
    ns3::Ptr<ns3::NetDevice> device;
    flue_net_client client{};
    flue_env env{};
    flue_wire wire{};
    flue_ps wantedPs{FLUE_PS_NEVER};  /* when the node wants to be called */
    flue_ps queuedPs{FLUE_PS_NEVER};  /* earliest event of ours in the queue */
    std::vector<ns3::Ptr<AlarmEvent>> idle; /* events not in the queue */
    uint64_t sent{0};
    uint64_t dropped{0};
    uint64_t received{0};
    uint64_t filtered{0};
    std::vector<bool> vids; /* of a LAN: the VLANs whose tagged frames the node hears */
};

struct Net
{
    std::vector<Port> port; /* as many as there are nodes; none is added later */
    flue_net_totals totals{};
};

/* The only network that may be, with its nodes still to be set up; nullptr: message says why not. */
Net* NewNet(unsigned nodes, char* message, size_t room);

/* All of a node but its wire. */
void SetUpPort(Net* net, unsigned number, const ns3::Ptr<ns3::Node>& node, const ns3::Ptr<ns3::NetDevice>& device, uint64_t seed);

void FillNet(Net* net, flue_net* out);

/* Says in a tag which bytes of which stream the payload stands for. */
void TagPayload(const ns3::Ptr<ns3::Packet>& packet, const flue_frame* frame);

/* Counts what the device has taken, or not. */
flue_wire_result CountSent(Port* port, bool sent);

/* Gives a frame to the node; its payload becomes what the packet's tag says. */
void Deliver(Port* port, const ns3::Ptr<const ns3::Packet>& packet, flue_frame* frame);

} // namespace flue

#endif
