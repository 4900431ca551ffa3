/* SPDX-License-Identifier: GPL-2.0-only */
/* node/foreign.h - an adapter from outside (flue/provider.h) in a node.  Its time, memory and alarm are the node's: the
 * node's one alarm serves all timers. */
#ifndef NODE_FOREIGN_H
#define NODE_FOREIGN_H

#include "base/timers.h"
#include "flue/env.h"
#include "flue/provider.h"

struct foreign {
    const struct flue_provider *calls; /* NULL: there is none */
    const struct flue_env *outer;      /* the node's; borrowed */
    struct timers *timers;             /* the node's; borrowed */
    struct flue_env env;               /* what the adapter gets */
    struct timer alarm;
    void *adapter;        /* NULL: none was made */
    NDIS_HANDLE miniport; /* its NdisMiniportHandle */
};

/* Makes the adapter.  The memory of `foreign` must stay where it is.  The error is the provider's. */
FLUE_CHECKED flue_err foreign_open(struct foreign *foreign, const struct flue_env *env, struct timers *timers,
                                   const struct flue_provider *calls, struct flue_provider_world *world);
/* Nothing happens if there is none. */
void foreign_close(struct foreign *foreign);

#endif
