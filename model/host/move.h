/* SPDX-License-Identifier: GPL-2.0-only */
/* host/move.h - connections that follow their address to another adapter. */
#ifndef FLUE_HOST_MOVE_H
#define FLUE_HOST_MOVE_H

#include "host/host.h"

/* It is back: offered again if that is why it came. */
void move_on(struct flue_host_socket *socket);

#endif
