/* SPDX-License-Identifier: GPL-2.0-only */
/* Flue nodes on ns-3's stock devices: two on a point-to-point channel, or many on an Ethernet. */
#ifndef FLUE_SHIM_NET_H
#define FLUE_SHIM_NET_H

#include "flue/net.h"

#include "ns3/csma-channel.h"
#include "ns3/net-device-container.h"
#include "ns3/node-container.h"
#include "ns3/point-to-point-channel.h"
#include "ns3/point-to-point-net-device.h" /* the channel's header names it only */

namespace flue
{

/* Sets simulation time to picoseconds: possible once in a process, before the first run. */
bool UsePicoseconds();

/* A channel, and a device on it, in a node, with a DropTailQueue of facts.queue_frames. */
ns3::Ptr<ns3::PointToPointChannel> NewPointToPointChannel(const flue_wire_facts& facts);
ns3::Ptr<ns3::NetDevice> NewPointToPoint(const flue_wire_facts& facts,
                                         const ns3::Ptr<ns3::Node>& node,
                                         const ns3::Ptr<ns3::PointToPointChannel>& channel);

/* The same of Ethernet; the device has the MAC address in facts, and its back-off random stream number `stream`. */
ns3::Ptr<ns3::CsmaChannel> NewEthernetChannel(const flue_wire_facts& facts);
ns3::Ptr<ns3::NetDevice> NewEthernet(const flue_wire_facts& facts,
                                     const ns3::Ptr<ns3::Node>& node,
                                     const ns3::Ptr<ns3::CsmaChannel>& channel,
                                     int64_t stream);

/* Who finds the wire busy waits for a few times what a short frame takes; ns-3's default is up to a millisecond, in
 * which a fast neighbour keeps the wire for itself. */
void LetWait(const flue_wire_facts& facts, const ns3::Ptr<ns3::NetDevice>& device);

/* Nodes, devices with a DropTailQueue of facts.queue_frames each, a channel. */
void BuildPointToPoint(const flue_net_params* params, ns3::NodeContainer* nodes, ns3::NetDeviceContainer* devices);

/* One line for the user if an Ethernet cannot have this wire, or nullptr. */
const char* EthernetObjection(const flue_wire_facts& facts);

/* N Flue nodes on ns-3's Ethernet: one wire for all, or a wire each to a bridge of ns-3's. */
flue_err OpenLan(const flue_switch_params* params, flue_net* out, char* message, size_t room);
flue_err OpenSwitch(const flue_switch_params* params, flue_net* out, char* message, size_t room);

flue_err OpenNet(const flue_net_params* params, flue_net* out, char* message, size_t room);

} // namespace flue

#endif
