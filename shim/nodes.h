/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole Flue nodes - host, switch, adapter - on ports. */
#ifndef FLUE_SHIM_NODES_H
#define FLUE_SHIM_NODES_H

#include "port.h"

#include "flue/node.h"

struct flue_ns3_world;
struct flue_ns3_routed;

namespace flue
{

/* What a node is made of if nothing else is said (flue_ns3.h). */
void NodeDefaults(flue_node_params* params);

/* A node on a port that is attached to its wire; the port gives it frames and alarms. */
flue_err StartNode(Port* port, const flue_node_params* params, flue_node** out);

/* Of a world; the C interface's functions. */
flue_err WorldRouted(const flue_ns3_routed* shape, flue_ns3_world** out, flue_net* net, char* message, size_t room);
flue_err WorldStart(flue_ns3_world* world, unsigned node, const flue_node_params* params, flue_node** out);

} // namespace flue

#endif
