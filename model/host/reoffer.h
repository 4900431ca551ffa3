/* SPDX-License-Identifier: GPL-2.0-only */
/* host/reoffer.h - when connections that had to come back are handed over again: after a wait that doubles each time
 * (D-35), and only if the host's parameter `reoffer` says so. */
#ifndef FLUE_HOST_REOFFER_H
#define FLUE_HOST_REOFFER_H

#include "host/host.h"

/* The target wanted to be rid of it: its next wait begins. */
void reoffer_back_off(struct flue_host_socket *socket);
/* Its adapter takes no connections for a while, which is not its fault: no wait, but until the adapter does again. */
void reoffer_park(struct flue_host_socket *socket);
/* It is here again; if its time has come meanwhile, it is looked at once more. */
void reoffer_is_back(struct flue_host_socket *socket);
/* An adapter takes connections again: those that are parked go, each when its time has come. */
void reoffer_now(struct flue_host *host);
/* flue_host.reoffer: fires at the earliest wait's end, and finds the next. */
void reoffer_due(struct timer *timer, flue_ps now_ps);

#endif
