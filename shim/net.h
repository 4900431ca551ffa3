/* SPDX-License-Identifier: GPL-2.0-only */
/* Two Flue nodes on ns-3's stock point-to-point devices. */
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

flue_err OpenNet(const flue_net_params* params, flue_net* out, char* message, size_t room);

} // namespace flue

#endif
