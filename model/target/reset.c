/* SPDX-License-Identifier: GPL-2.0-only */
/* target/reset.c - the driver's care for its adapter (D-60): it looks for operations that are overdue, finds
 * completions that were lost, and starts the adapter anew when one was never begun, or when the bus reports an error.
 *
 * What the adapter kept of connections is gone then, and the host is told of each; paths and neighbours change by the
 * host's calls alone, so the driver has them and writes them again. */

#include "target/fault.h"

/* A PCI Express function may take that long to reset. */
#define RESTART_PS (100 * FLUE_PS_PER_MS)

/* The event ring is full, and there is no memory for more: the host has to take some first. */
#define AGAIN_PS FLUE_PS_PER_US

enum { OPERATIONS = 5 };

static bool any_hung(const struct flue_target *target)
{
    bool any = false;

    for (int i = 0; i < OPERATIONS; i++) {
        any = any || target->hung[i] != NULL;
    }
    return any;
}

void reset_watch(struct flue_target *target)
{
    if (reset_watches(target) && !timer_armed(&target->reset_timer)) {
        timers_arm(target->timers, &target->reset_timer, target_now(target) + target->params.hang_after_ps);
    }
}

static flue_err fail(target_tree block, void *arg)
{
    (void)arg;
    block->Status = block->MiniportOffloadContext == NULL ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
    return FLUE_OK;
}

static void complete(struct flue_target *target, enum upward_kind kind, target_tree tree)
{
    (void)flue_block_walk(tree, fail, NULL);
    upward_push(target, kind, NULL, target->engine.clock_ps, TARGET_COMPLETION_BYTES)->what.tree = tree;
}

/* False: there is no room to tell of it. */
static bool give_up(struct flue_target *target, enum fault_operation operation, target_tree tree)
{
    if (upwards_reserve(target, TARGET_STEP_ENTRIES) != FLUE_OK) {
        return false;
    }
    switch (operation) {
    case FAULT_INITIATE:
        intake_refuse(target, tree); /* nothing has been taken: the host goes on by itself */
        break;
    case FAULT_TERMINATE:
        return give_back_drain(target, tree, target->engine.clock_ps);
    case FAULT_UPDATE:
        complete(target, UPWARD_UPDATE, tree);
        break;
    case FAULT_INVALIDATE:
        complete(target, UPWARD_INVALIDATE, tree);
        break;
    case FAULT_QUERY:
        complete(target, UPWARD_QUERY, tree);
        break;
    }
    return true;
}

static bool give_up_all(struct flue_target *target, enum fault_operation operation)
{
    target_tree next = target->hung[operation];
    bool done = true;

    target->hung[operation] = NULL;
    while (next != NULL) {
        target_tree tree = next;

        next = (target_tree)tree->MiniportReserved[0];
        tree->MiniportReserved[0] = NULL;
        if (!done || !give_up(target, operation, tree)) {
            tree->MiniportReserved[0] = target->hung[operation];
            target->hung[operation] = tree;
            done = false;
        }
    }
    return done;
}

/* Failed operations first, then the events (behaviour 11.5); terminates last, for they end what the events are about.
 */
static bool clear_up(struct flue_target *target)
{
    bool done = true;

    (void)flue_server_begin(&target->engine, target_now(target));
    for (int i = 0; i < OPERATIONS; i++) {
        done = (i == FAULT_TERMINATE || give_up_all(target, (enum fault_operation)i)) && done;
    }
    context_each(target, fault_tell); /* without room for it the host hears of one when it terminates it */
    return give_up_all(target, FAULT_TERMINATE) && done;
}

void reset_now(struct flue_target *target)
{
    target->totals.resets += !target->restarting;
    target->restarting = true;
    hold_find(target); /* what was done before is done: the answers lie in the host's memory */
    timers_arm(target->timers, &target->reset_timer, target_now(target) + (clear_up(target) ? RESTART_PS : AGAIN_PS));
}

void reset_fire(struct timer *timer, flue_ps now_ps)
{
    struct flue_target *target = FLUE_CONTAINER_OF(timer, struct flue_target, reset_timer);

    (void)now_ps;
    hold_find(target);
    if (any_hung(target)) {
        reset_now(target);
    } else if (target->restarting) {
        target->restarting = false;
        power_changed(target);
    }
}
