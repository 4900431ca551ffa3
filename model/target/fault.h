/* SPDX-License-Identifier: GPL-2.0-only */
/* target/fault.h - what goes wrong on demand, what is held back, and how the driver gets over it. */
#ifndef FLUE_TARGET_FAULT_H
#define FLUE_TARGET_FAULT_H

#include "target/target.h"

/* hold.c: true: the entry stays here until it is let go; and, in an interrupt, what has been. */
bool hold_judge(struct flue_target *target, const struct upward *entry);
static inline bool hold_takes(struct flue_target *target, const struct upward *entry)
{
    return (target->held.count != 0 || target->holding || target->losing) && hold_judge(target, entry);
}
void hold_advance(struct flue_target *target);
/* Completions that were lost are made in the next interrupt. */
void hold_find(struct flue_target *target);

/* fault.c: what goes wrong on demand */
enum fault_operation { FAULT_INITIATE, FAULT_TERMINATE, FAULT_UPDATE, FAULT_INVALIDATE, FAULT_QUERY };
/* True: the operation is never completed, and the tree is put aside. */
bool fault_hangs(struct flue_target *target, enum fault_operation operation, target_tree tree);
void fault_hang(struct flue_target *target, enum fault_operation operation, target_tree tree);
/* True: the operation was carried out, and its completion is lost. */
bool fault_loses(struct flue_target *target, const struct upward *done);
/* Completes a query or an invalidate; where state was lost, the events follow (D-32). */
void fault_complete(struct flue_target *target, enum upward_kind kind, target_tree tree);
/* The events of lost hardware state (behaviour 11.5), once for a connection. */
void fault_tell(struct flue_target *target, struct target_context *context);
/* The connection is, or is not any more, one that a fault on demand may be meant for. */
void fault_name(struct flue_target *target, struct target_context *context);
void fault_forget(struct flue_target *target, const struct target_context *context);

/* reset.c: the driver looks for operations that are overdue, and starts the adapter anew (D-60) */
static inline bool reset_watches(const struct flue_target *target)
{
    return target->params.hang_after_ps > 0;
}
/* Something has just gone wrong that only a look at the clock will show. */
void reset_watch(struct flue_target *target);
void reset_fire(struct timer *timer, flue_ps now_ps);
void reset_now(struct flue_target *target);

#endif
