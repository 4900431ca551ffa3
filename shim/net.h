/* SPDX-License-Identifier: GPL-2.0-only */
/* Flue nodes on ns-3's stock devices: two on a point-to-point channel, or many on an Ethernet. */
#ifndef FLUE_SHIM_NET_H
#define FLUE_SHIM_NET_H

#include "flue/net.h"

#include "ns3/net-device-container.h"
#include "ns3/node-container.h"

namespace flue
{

/* Sets simulation time to picoseconds: possible once in a process, before the first run. */
bool UsePicoseconds();

/* Nodes, devices with a DropTailQueue of facts.queue_frames each, a channel. */
void BuildPointToPoint(const flue_net_params* params, ns3::NodeContainer* nodes, ns3::NetDeviceContainer* devices);

/* N Flue nodes on ns-3's Ethernet. */
flue_err OpenLan(const flue_switch_params* params, flue_net* out, char* message, size_t room);

flue_err OpenNet(const flue_net_params* params, flue_net* out, char* message, size_t room);

} // namespace flue

#endif
