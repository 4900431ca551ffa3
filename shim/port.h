/* SPDX-License-Identifier: GPL-2.0-only */
/* What the networks on ns-3 share: Flue nodes on devices, each with an alarm, frames in both directions, totals.
 *
 * A port is made in three steps, on any ns-3 node without an Internet stack that has the device: SetUpPort(), then
 * AttachPlain() or AttachEthernet(), then a client by struct flue_net (or straight into Port::client). */
#ifndef FLUE_SHIM_PORT_H
#define FLUE_SHIM_PORT_H

#include "flue/net.h"
#include "streams.h"

#include "ns3/event-impl.h"
#include "ns3/net-device.h"
#include "ns3/node.h"
#include "ns3/packet.h"

#include <deque>
#include <vector>

namespace flue
{

constexpr unsigned NODES = 2;
constexpr size_t MAX_PACKET_BYTES = 9216; /* the largest mtu a scenario may ask for, and some */
constexpr uint32_t PPP_BYTES = 2;
constexpr uint32_t ETHERNET_BYTES = 18; /* header and check sequence */

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
    ns3::Ptr<ns3::Node> node; /* none: this number is not a Flue node */
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
    uint64_t lostDown{0};
    bool isDown{false};
    bool toldDown{false}; /* what the node's client was told last */
    bool isSwitched{false}; /* of a LAN: what the device hears, a switch has let through, whatever MAC address it is for */
    uint16_t accessVid{0}; /* of a LAN without tags: the VLAN whose tag all the node's frames have; 0: none */
    std::vector<bool> vids; /* of a LAN: the VLANs whose tagged frames the node hears */
};

struct Net
{
    virtual ~Net() = default;

    /* What only a network with routers of ns-3's can do. */
    virtual void RouterDown(unsigned, bool)
    {
    }

    virtual void BehindMtu(unsigned, uint32_t)
    {
    }

    virtual void RouterMac(unsigned)
    {
    }

    virtual flue_net_router_totals RouterTotals(unsigned)
    {
        return flue_net_router_totals{};
    }

    /* Nodes that are the network's own: it is about to end. */
    virtual void FreeNodes()
    {
    }

    std::deque<Port> port; /* by number of the node */
    flue_net_totals totals{};
    Streams streams; /* of senders that are not Flue's */
    bool realBytes{false}; /* payloads are written out, with checksums, and compared where they arrive */
};

/* Simulation time.  ns-3 may count in less fine steps: then an alarm is up to a step late. */
flue_ps NowPs();

/* Takes ns-3's simulator, which is one for the process, until net is freed; false: message says why not. */
bool ClaimSimulator(char* message, size_t room);

/* All of a node but its wire. */
Port* SetUpPort(Net* net, unsigned number, const ns3::Ptr<ns3::Node>& node, const ns3::Ptr<ns3::NetDevice>& device,
                uint64_t seed);

/* The port's wire: IP packets without MAC addresses, as a point-to-point device carries them (point.cc). */
void AttachPlain(Port* port, const flue_wire_facts& facts);

/* The port's wire: Ethernet frames, sent from the MAC address in facts; the node hears those without a tag, those with
 * a priority only, and those of vids (lan.cc). */
void AttachEthernet(Port* port, const flue_wire_facts& facts, const uint16_t* vids, unsigned count);

/* The functions of *out; its free ends the simulation and deletes net. */
void FillNet(Net* net, flue_net* out);

/* Says in a tag which bytes of which stream the payload stands for. */
void TagPayload(const ns3::Ptr<ns3::Packet>& packet, const flue_frame* frame);

/* Without its link a port neither hears nor says anything, and nobody tells who sends; false: the frame is lost. */
bool HasLink(Port* port);

/* Counts what the device has taken, or not. */
flue_wire_result CountSent(Port* port, bool sent);

/* Gives a frame to the node.  Its payload, real bytes, becomes a description: what the packet's tag says, or what the
 * sequence number says of a sender that is not Flue's; a packet of which neither tells is lost, and counted. */
void Deliver(Port* port, const ns3::Ptr<const ns3::Packet>& packet, flue_frame* frame);

} // namespace flue

#endif
