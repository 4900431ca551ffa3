/* SPDX-License-Identifier: GPL-2.0-only */
/* host/holder.h - who holds a connection: the only writer of flue_host_socket.holder. */
#ifndef FLUE_HOST_HOLDER_H
#define FLUE_HOST_HOLDER_H

#include "host/host.h"

bool holder_legal(enum flue_holder from, enum flue_holder to);
void socket_enter(struct flue_host_socket *socket, enum flue_holder to, enum flue_move why);

#endif
