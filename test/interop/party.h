/* SPDX-License-Identifier: GPL-2.0-only */
/* interop/party.h - a TCP under test, whichever it is: Flue's, Linux', lwIP's, ns-3's.  Connections and listeners are
 * small numbers that the party gives out. */
#ifndef FLUE_INTEROP_PARTY_H
#define FLUE_INTEROP_PARTY_H

#include "flue/base.h"
#include "flue/wire.h"

FLUE_BEGIN_C

enum party_answer {
    PARTY_WAIT = 0,    /* nothing can be done at present */
    PARTY_END = -1,    /* recv: the other side has closed and all is read */
    PARTY_FAILED = -2, /* the connection has broken; complaint tells why */
};

struct party {
    const char *name;
    void *ctx;
    /* Each answers a number, or PARTY_FAILED.  accept also PARTY_END: there is none yet. */
    int (*listen)(void *ctx, const struct flue_ip *local, uint16_t port);
    int (*connect)(void *ctx, const struct flue_ip *local, const struct flue_ip *remote, uint16_t port);
    int (*accept)(void *ctx, int listener);
    /* Bytes taken or given, or enum party_answer. */
    int64_t (*send)(void *ctx, int connection, const uint8_t *data, size_t bytes);
    int64_t (*recv)(void *ctx, int connection, uint8_t *data, size_t room);
    /* No more will be sent.  0: not yet, the connection is still being opened. */
    int (*shut)(void *ctx, int connection);
    void (*close)(void *ctx, int number);
    /* A packet of the network has come to this party. */
    void (*input)(void *ctx, const uint8_t *packet, size_t bytes, flue_ps now_ps);
    /* Runs the party's timers; NULL: it runs by itself. */
    void (*advance)(void *ctx, flue_ps now_ps);
    flue_ps (*deadline)(void *ctx);
    /* What went wrong last; may be "". */
    const char *(*complaint)(void *ctx);
};

FLUE_END_C

#endif
