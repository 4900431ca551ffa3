/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/env.h - port 1: what a node asks of its simulator.  Implemented by model/wire (net: link), by the
 * shim (net: ns3) and by the manual environment of the tests. */
#ifndef FLUE_ENV_H
#define FLUE_ENV_H

#include "flue/base.h"

FLUE_BEGIN_C

/* One per node.  Borrowed by the node until it is destroyed. */
struct flue_env {
    void *ctx; /* handed back in each call */

    /* The present moment.  Never goes back. */
    flue_ps (*now)(void *ctx);

    /* Arms the node's only alarm: the simulator calls flue_node_alarm() once, at at_ps (at once if that is past,
     * never from inside this call).  A new call replaces the old alarm; FLUE_PS_NEVER switches it off.  An alarm that
     * comes early or twice does no harm. */
    void (*set_alarm)(void *ctx, flue_ps at_ps);

    /* Memory.  allocate returns zeroed memory, or NULL; release takes back exactly what allocate gave (NULL: nothing).
     */
    void *(*allocate)(void *ctx, size_t bytes);
    /* Memory.  allocate returns zeroed memory, or NULL; release takes back exactly what allocate gave (NULL: nothing).
     */
    void (*release)(void *ctx, void *memory, size_t bytes);

    /* Seed of the run; named random streams are derived from it (model/base/rng.h). */
    uint64_t seed;
};

FLUE_END_C

#endif
