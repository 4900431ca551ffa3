/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/provider.h - offload targets from outside: what a shared library has to be for `flue run --target ./mine.so`.
 *
 * The library exports one function, flue_provider().  Its adapter is a miniport driver of the chimney interface
 * (flue/ndis.h, flue/ndischimney.h): it registers with the dispatcher of its node, which the program that loads it
 * provides, and below it lies one wire.  Time is simulated, there is one thread; the adapter acts when it is called:
 * by the dispatcher, by a frame, by its alarm.  example/target-skeleton.c is one in 200 lines. */
#ifndef FLUE_PROVIDER_H
#define FLUE_PROVIDER_H

#include "flue/base.h"
#include "flue/ddi.h"
#include "flue/env.h"
#include "flue/ndis.h"
#include "flue/ndischimney.h"
#include "flue/wire.h"

FLUE_BEGIN_C

/* Raised when a structure or a meaning below, or in the two headers of the interface, changes. */
#define FLUE_PROVIDER_ABI 1u

/* What the node gives to an adapter.  All is borrowed until destroy() returns. */
struct flue_provider_world {
    const struct flue_env *env;   /* its set_alarm leads to alarm() below; allocate and release count as the node's */
    const struct flue_wire *wire; /* its wire: send() takes what it transmits */
    struct flue_ndis *ndis;       /* the dispatcher of its node */
    struct flue_ddi ddi;          /* the choices that the interface leaves open */
    uint32_t tcp_max;             /* how many connections the scenario wants it to take at most */
};

/* A target.  Static storage. */
struct flue_provider {
    uint32_t abi;            /* FLUE_PROVIDER_ABI */
    uint32_t list_bytes;     /* sizeof(NET_BUFFER_LIST), which differs in checked builds */
    uint32_t frame_bytes;    /* sizeof(struct flue_frame) */
    uint32_t provider_bytes; /* sizeof(struct flue_provider) */
    const char *name;        /* in results and findings: letters, digits, '.', '_', '-' */

    /* Registers with world->ndis, starts one adapter (flue_ndis_adapter_start) and tells which.  FLUE_OK: *adapter is
     * the provider's own pointer, *miniport the NdisMiniportHandle.  Else the run is not started, and destroy() is
     * called unless *adapter is NULL. */
    flue_err (*create)(const struct flue_provider_world *world, void **adapter, NDIS_HANDLE *miniport);
    /* A frame has come from the wire; borrowed until return. */
    void (*receive)(void *adapter, const struct flue_frame *frame, flue_ps now_ps);
    /* The alarm that was set with env->set_alarm. */
    void (*alarm)(void *adapter, flue_ps now_ps);
    /* Objects, buffer lists and anything else not back where it belongs; 0 at the end of a good run. */
    uint64_t (*objects_live)(const void *adapter);
    /* Stops the adapter and frees everything.  A run that was cut short may have left something lent. */
    void (*destroy)(void *adapter);
};

/* The first four members: what the library was compiled with. */
#define FLUE_PROVIDER_VERSIONS                                                                                         \
    .abi = FLUE_PROVIDER_ABI, .list_bytes = sizeof(NET_BUFFER_LIST), .frame_bytes = sizeof(struct flue_frame),         \
    .provider_bytes = sizeof(struct flue_provider)

/* The one symbol of the library.  The result is static storage. */
const struct flue_provider *flue_provider(void);

FLUE_END_C

#endif
