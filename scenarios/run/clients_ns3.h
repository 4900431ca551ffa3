/* SPDX-License-Identifier: GPL-2.0-only */
/* run/clients_ns3.h - clients that are hosts of ns-3's (parameter `client_tcp`). */
#ifndef FLUE_RUN_CLIENTS_NS3_H
#define FLUE_RUN_CLIENTS_NS3_H

#include "flue/net.h"
#include "flue/scenario.h"

struct world;
struct flow;
struct schedule;

int clients_are_ns3(const struct flue_scenario *scenario);
/* Why a scenario cannot have such clients: one line, static storage; NULL: it can. */
const char *clients_ns3_wrong(const struct flue_scenario *scenario, const struct schedule *schedule);
/* The world's network, as of params, with such clients on it. */
FLUE_CHECKED flue_err clients_ns3_open(struct world *world, const struct flue_switch_params *params, char *message,
                                       size_t room);
/* Whatever was compared on the way was right, else a finding of the run. */
void clients_ns3_audit(struct world *world);
/* The client's end of a flow; the last three are for one that has an `ns3`. */
FLUE_CHECKED flue_err clients_ns3_connect(struct flow *flow);
FLUE_CHECKED flue_err clients_ns3_send(struct flow *flow, uint32_t bytes);
FLUE_CHECKED flue_err clients_ns3_close(struct flow *flow);
void clients_ns3_abort(struct flow *flow);

#endif
