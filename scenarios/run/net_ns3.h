/* SPDX-License-Identifier: GPL-2.0-only */
/* The ns-3 module, opened when it is asked for. */
#ifndef FLUE_RUN_NET_NS3_H
#define FLUE_RUN_NET_NS3_H

#include "flue/net.h"

struct flue_ns3_api; /* shim/flue_ns3.h */

/* The module's functions, or NULL with one line in message (FLUE_ETOOL): it stays open until the program ends. */
const struct flue_ns3_api *net_ns3_api(char *message, size_t room);

/* FLUE_ETOOL: no module or the wrong one.  Else as flue_ns3_api.open. */
FLUE_CHECKED flue_err net_ns3_open(const struct flue_net_params *params, struct flue_net *out, char *message,
                                   size_t room);
/* As flue_ns3_api.open_lan. */
FLUE_CHECKED flue_err net_ns3_open_lan(const struct flue_switch_params *params, struct flue_net *out, char *message,
                                       size_t room);
/* As flue_ns3_api.open_switch. */
FLUE_CHECKED flue_err net_ns3_open_switch(const struct flue_switch_params *params, struct flue_net *out, char *message,
                                          size_t room);
/* As flue_ns3_api.open_routed. */
FLUE_CHECKED flue_err net_ns3_open_routed(const struct flue_switch_params *params, struct flue_net *out, char *message,
                                          size_t room);

#endif
