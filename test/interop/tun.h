/* SPDX-License-Identifier: GPL-2.0-only */
/* interop/tun.h - a network namespace of our own with one tun device in it, behind which this program is the network.
 */
#ifndef FLUE_INTEROP_TUN_H
#define FLUE_INTEROP_TUN_H

#include "flue/wire.h"

struct tun {
    int fd;    /* of the device: whole IP packets */
    int netns; /* of the namespace */
};

/* Whether namespaces and tun devices can be made; if not, one sentence in `why`. */
int tun_possible(char *why, size_t room);

/* Makes the namespace, moves the process into it, and gives the device the two addresses, with prefixes of 24 and of 64
 * bits.  0: `why` tells what did not work. */
int tun_open(struct tun *tun, const struct flue_ip *v4, const struct flue_ip *v6, char *why, size_t room);
void tun_close(struct tun *tun);
/* Sockets that are opened from now on belong to that namespace. */
void tun_enter(const struct tun *tun);

#endif
