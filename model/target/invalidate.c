/* SPDX-License-Identifier: GPL-2.0-only */
/* target/invalidate.c - invalidate: an object and what depends on it must not be used for sending any more (behaviour
 * 10, D-24, D-25).
 *
 * The marks are set at the call: from then on no segment with data or FIN, no repetition and no probe is begun.  The
 * operation completes when the frames that were queued then have left.  A connection that is about to send all the same
 * asks to be taken back; one that has nothing to send lives on, and is saved if its path gets a valid neighbour. */

#include "target/fault.h"

/* How many frames of the engine are to be given to the wire before the operation completes. */
static uint64_t due(target_tree tree)
{
    return (uint64_t)(uintptr_t)tree->MiniportReserved[1];
}

static void settle_path(struct flue_target *target, const struct target_path *path)
{
    FLUE_LIST_EACH(hook, &path->conns)
    {
        context_settle(target, FLUE_CONTAINER_OF(hook, struct target_context, sibling));
    }
}

static NDIS_STATUS mark(uint8_t *marks)
{
    if ((*marks & (OBJECT_BROKEN | OBJECT_GIVEN_BACK)) != 0) {
        return NDIS_STATUS_FAILURE;
    }
    *marks |= OBJECT_INVALID;
    return NDIS_STATUS_SUCCESS;
}

static flue_err visit(target_tree block, void *arg)
{
    struct flue_target *target = (struct flue_target *)arg;
    struct target_neighbour *neighbour = slot_neighbour(block);
    struct target_path *path = slot_path(block);
    struct target_context *context = slot_tcp(block);

    block->Status = block->MiniportOffloadContext == NULL ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
    if (neighbour != NULL) {
        block->Status = mark(&neighbour->marks);
        FLUE_LIST_EACH(hook, &neighbour->paths)
        {
            settle_path(target, FLUE_CONTAINER_OF(hook, struct target_path, sibling));
        }
    } else if (path != NULL) {
        block->Status = mark(&path->marks);
        settle_path(target, path);
    } else if (context != NULL && context->state != FLUE_CONTEXT_TERMINATING) {
        block->Status = mark(&context->marks);
        context_settle(target, context);
    }
    return FLUE_OK;
}

void invalidate_call(struct flue_target *target, target_tree tree)
{
    const struct port *port = &target->port;

    (void)flue_server_begin(&target->engine, target_now(target));
    tree->MiniportReserved[1] = (PVOID)(uintptr_t)(port->given[PORT_ENGINE] + port->queues[PORT_ENGINE].count);
    (void)flue_block_walk(tree, visit, target);
}

static flue_err charge(target_tree block, void *arg)
{
    struct flue_target *target = (struct flue_target *)arg;

    (void)block;
    target_engine_charge(target, FLUE_COST_OFFLOAD, &target->params.profile.engine_request, 0);
    return FLUE_OK;
}

/* before: the one before it; NULL: it is the first. */
static void finish(struct flue_target *target, target_tree tree, target_tree before)
{
    target_tree next = (target_tree)tree->MiniportReserved[0];

    if (before == NULL) {
        target->invalidates.first = next;
    } else {
        before->MiniportReserved[0] = next;
    }
    if (next == NULL) {
        target->invalidates.last = before;
    }
    upward_push(target, UPWARD_INVALIDATE, NULL, target->engine.clock_ps, TARGET_COMPLETION_BYTES)->what.tree = tree;
}

void invalidate_drain(struct flue_target *target, target_tree tree, flue_ps at_ps)
{
    if (fault_hangs(target, FAULT_INVALIDATE, tree)) {
        return;
    }
    (void)flue_server_begin(&target->engine,
                            flue_pcie_read(&target->pcie, at_ps, sizeof(NDIS_MINIPORT_OFFLOAD_BLOCK_LIST)));
    (void)flue_block_walk(tree, charge, target);
    tree->MiniportReserved[0] = NULL;
    if (target->invalidates.first == NULL) {
        target->invalidates.first = tree;
    } else {
        target->invalidates.last->MiniportReserved[0] = tree;
    }
    target->invalidates.last = tree;
    invalidate_advance(target, target_now(target));
}

/* A frame was given to the wire, or an operation came: the first that waits is over when the wire has sent what it was
 * given. */
void invalidate_advance(struct flue_target *target, flue_ps now_ps)
{
    const struct port *port = &target->port;

    if (target->invalidates.first != NULL && due(target->invalidates.first) <= port->given[PORT_ENGINE] &&
        !timer_armed(&target->invalidate_timer)) {
        timers_arm(target->timers, &target->invalidate_timer, port->free_ps > now_ps ? port->free_ps : now_ps);
    }
}

void invalidate_fire(struct timer *timer, flue_ps now_ps)
{
    struct flue_target *target = FLUE_CONTAINER_OF(timer, struct flue_target, invalidate_timer);

    (void)flue_server_begin(&target->engine, now_ps);
    if (upwards_reserve(target, 1) != FLUE_OK) {
        timers_arm(target->timers, timer, now_ps + FLUE_PS_PER_US); /* the host has to take some first */
        return;
    }
    if (target->invalidates.first != NULL && due(target->invalidates.first) <= target->port.given[PORT_ENGINE]) {
        finish(target, target->invalidates.first, NULL);
    }
    invalidate_advance(target, now_ps);
}

struct search {
    target_tree tree;
    const void *object;
};

static flue_err is_it(target_tree block, void *arg)
{
    const struct search *search = (const struct search *)arg;

    return block->MiniportOffloadContext != NULL && *block->MiniportOffloadContext == search->object ? FLUE_EEXIST
                                                                                                     : FLUE_OK;
}

/* FLUE_EEXIST: the other tree names an object of this block. */
static flue_err is_named(target_tree block, void *arg)
{
    struct search *search = (struct search *)arg;

    if (block->MiniportOffloadContext == NULL || *block->MiniportOffloadContext == NULL) {
        return FLUE_OK;
    }
    search->object = *block->MiniportOffloadContext;
    return flue_block_walk(search->tree, is_it, search);
}

/* What is terminated has nothing pending (CH-117): the host should have waited (D-22).  An invalidate of what it only
 * depends on goes on. */
bool invalidate_flush(struct flue_target *target, target_tree terminated)
{
    target_tree tree = target->invalidates.first, before = NULL;

    while (tree != NULL) {
        struct search search = {.tree = terminated};
        target_tree next = (target_tree)tree->MiniportReserved[0];

        if (flue_block_walk(tree, is_named, &search) == FLUE_OK) {
            before = tree;
        } else if (upwards_reserve(target, TARGET_STEP_ENTRIES) == FLUE_OK) {
            finish(target, tree, before);
        } else {
            return false;
        }
        tree = next;
    }
    return true;
}

void invalidate_complete(struct flue_target *target, target_tree tree)
{
    fault_complete(target, UPWARD_INVALIDATE, tree);
}

void invalidate_refuse(struct flue_target *target, struct target_context *context)
{
    struct flue_tcp_info info;

    if (target_obeys(target, 108)) {
        flue_tcp_info(context->conn, &info);
        event_freeze(target, context, InvalidState, info.state);
    }
}
