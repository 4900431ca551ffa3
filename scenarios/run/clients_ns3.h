/* SPDX-License-Identifier: GPL-2.0-only */
/* run/clients_ns3.h - clients that are hosts of ns-3's (parameter `client_tcp`). */
#ifndef FLUE_RUN_CLIENTS_NS3_H
#define FLUE_RUN_CLIENTS_NS3_H

#include "flue/net.h"
#include "flue/scenario.h"

struct world;
struct flow;
struct schedule;

/* params: as of a switched network.  The last four are for flows with
 * an ns3. */
int clients_are_ns3(const struct flue_scenario *scenario);
const char *clients_ns3_wrong(const struct flue_scenario *scenario,
                              const struct schedule *schedule); /* one line, or NULL */
FLUE_CHECKED flue_err clients_ns3_open(struct world *world, const struct flue_switch_params *params, char *message,
                                       size_t room);
void clients_ns3_audit(struct world *world);
FLUE_CHECKED flue_err clients_ns3_connect(struct flow *flow);
FLUE_CHECKED flue_err clients_ns3_send(struct flow *flow, uint32_t bytes);
FLUE_CHECKED flue_err clients_ns3_close(struct flow *flow);
void clients_ns3_abort(struct flow *flow);

#endif
