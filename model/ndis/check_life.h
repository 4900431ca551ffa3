/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_life.h - what the checker knows of one adapter beside its objects: entry points, capabilities, requests.
 */
#ifndef FLUE_NDIS_CHECK_LIFE_H
#define FLUE_NDIS_CHECK_LIFE_H

#include <stdbool.h>

#include "flue/ndischimney.h"

struct check_life {
    NDIS_TCP_OFFLOAD_EVENT_HANDLERS genuine; /* what the table said before it was poisoned; zero: none was given */
    NDIS_TCP_OFFLOAD_EVENT_HANDLERS refused; /* the table of a chimney that is not supported */
    bool unread;                             /* RESUME came without capabilities, and nobody has asked since */
    bool off4, off6;                         /* connections switched off by the last OID_TCP_OFFLOAD_PARAMETERS */
    const NDIS_OID_REQUEST *set;             /* a set of capabilities on its way through an intermediate driver */
    NDIS_OID set_oid;
    bool set_passed;
    bool has_params;
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS params; /* of the last set that succeeded */
};

struct ndis_adapter;
/* check_traps.c: replaces the entry points of a table that must not be used any more (CH-013). */
void check_poison(struct ndis_adapter *adapter);

#endif
