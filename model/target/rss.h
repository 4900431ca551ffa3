/* SPDX-License-Identifier: GPL-2.0-only */
/* target/rss.h - receive-side scaling: one queue for each processor that the adapter can interrupt.
 *
 * What belongs to a connection goes to the processor that the indirection table names for its HashValue, an ordinary
 * frame to the one that it names for the frame's own hash, everything else to BaseCpuNumber. The order of the one ring
 * is kept by epochs: a change of the table begins a new one, every tree and status is one of its own, and nothing of an
 * epoch is shown while an earlier one has something left. Within an epoch processors go on independently. The table has
 * entries of one byte (revision 1 of the structure); OID_GEN_RECEIVE_HASH, which is optional, is not supported. */
#ifndef FLUE_TARGET_RSS_H
#define FLUE_TARGET_RSS_H

#include <stdbool.h>

#include "base/timers.h"
#include "flue/cost.h"
#include "flue/ndisrss.h"
#include "flue/target.h"
#include "target/entries.h"

struct target_context;

/* What one processor is to see, and its interrupt.  Queue n is processor n's; without receive-side scaling all is in
 * queue 0. */
struct target_queue {
    struct flue_target *target;
    struct ring upwards; /* struct upward */
    struct timer timer;  /* the interrupt */
    struct flue_moderation moderation;
    struct flue_server *core; /* the processor; may be NULL */
    uint64_t interrupts;
    uint32_t epoch; /* of what it has shown last */
    bool postponed; /* the interrupt has waited once for the processor */
    bool poll;      /* the last interrupt used up its budget */
};

struct target_rss {
    bool on;
    uint32_t epoch;              /* of entries made now; modulo 2^32 */
    uint32_t shown;              /* of entries that the host may see */
    FLUE_RECEIVE_SCALE settings; /* as last set; Flags 0 */
};

/* How many queues an adapter of these parameters has. */
uint32_t rss_queues(const struct flue_target_params *params);
void rss_init(struct flue_target *target);
void rss_dispose(struct flue_target *target);

/* OID_GEN_RECEIVE_SCALE_PARAMETERS. */
NDIS_STATUS rss_set(struct flue_target *target, PNDIS_OID_REQUEST request);
NDIS_STATUS rss_query(const struct flue_target *target, PNDIS_OID_REQUEST request);

/* While it is on: where something of a connection, an ordinary frame, and anything else belongs. */
struct target_queue *rss_queue(struct flue_target *target, const struct target_context *context);
struct target_queue *rss_queue_of_frame(struct flue_target *target, const struct flue_frame *frame);
struct target_queue *rss_base(struct flue_target *target);

/* Whether the first entry of a queue may be shown, or something in another queue stands before it. */
bool rss_in_turn(struct flue_target *target, const struct upward *front);
/* Before a queue shows the first entry of another epoch: its processor waits for what others are still at. */
void rss_meet(struct target_queue *queue, uint32_t epoch);

#endif
