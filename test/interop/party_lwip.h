/* SPDX-License-Identifier: GPL-2.0-only */
/* interop/party_lwip.h - lwIP's TCP as a party, in virtual time.
 *
 * Debian's library is built with threads, but its thread is only started by tcpip_init(), which is not called:
 * lwip_init() makes the stack alone.  Time, and the lock that the thread would hold, it gets from functions that a
 * program may put its own in place of: sys_now() and sys_check_core_locking(); its timers run in sys_check_timeouts().
 * Its random numbers are rand().  So all it does is determined by what it is fed.
 *
 * There is one lwIP in a process.  Two parties of it are two interfaces, each with connections that are bound to it. */
#ifndef FLUE_INTEROP_PARTY_LWIP_H
#define FLUE_INTEROP_PARTY_LWIP_H

#include "party.h"

struct party_lwip;

/* out is called with what lwIP sends through this interface.  NULL: it could not be made. */
struct party_lwip *party_lwip_open(const char *name, const struct flue_ip *v4, const struct flue_ip *v6,
                                   void (*out)(void *ctx, const uint8_t *packet, size_t bytes), void *out_ctx);
struct party *party_lwip_party(struct party_lwip *p);

#endif
