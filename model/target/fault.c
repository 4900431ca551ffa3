/* SPDX-License-Identifier: GPL-2.0-only */
/* target/fault.c - what goes wrong on demand: operations that never complete, state that is lost, memory that runs out
 * (behaviour 11.5, D-32).  Nothing here happens of its own accord.
 *
 * Lost state shows as FAILURE, Retrieve(HardwareFailure), Abort, and REQUEST_ABORTED for all I/O at the terminate; a
 * terminate that fails is the end of the object, or, with ddi.terminate_failure=recipe, is followed by one that
 * succeeds (D-32). */

#include "target/fault.h"

/* ---- Operations that hang, and completions that are lost ---- */

void fault_hang(struct flue_target *target, enum fault_operation operation, target_tree tree)
{
    tree->MiniportReserved[0] = target->hung[operation];
    target->hung[operation] = tree;
    reset_watch(target);
}

bool fault_hangs(struct flue_target *target, enum fault_operation operation, target_tree tree)
{
    if (target->hangs[operation] == 0) {
        return false;
    }
    target->hangs[operation]--;
    fault_hang(target, operation, tree);
    return true;
}

bool fault_loses(struct flue_target *target, const struct upward *done)
{
    static const enum fault_operation operations[] = {
        [UPWARD_INITIATE - UPWARD_INITIATE] = FAULT_INITIATE, [UPWARD_TERMINATE - UPWARD_INITIATE] = FAULT_TERMINATE,
        [UPWARD_UPDATE - UPWARD_INITIATE] = FAULT_UPDATE,     [UPWARD_INVALIDATE - UPWARD_INITIATE] = FAULT_INVALIDATE,
        [UPWARD_QUERY - UPWARD_INITIATE] = FAULT_QUERY,
    };
    uint8_t *count = &target->losses[operations[done->kind - UPWARD_INITIATE]];

    if (*count == 0) {
        return false;
    }
    (*count)--;
    reset_watch(target);
    return true;
}

/* ---- Lost state ---- */

/* Retrieve(HardwareFailure), then Abort (CH-144). */
void fault_tell(struct flue_target *target, struct target_context *context)
{
    context->marks |= OBJECT_BROKEN;
    if ((context->marks & OBJECT_TOLD) != 0 ||
        upwards_reserve(target, TARGET_FREEZE_ENTRIES) != FLUE_OK) { /* then at its terminate */
        return;
    }
    context->marks |= OBJECT_TOLD;
    if (context->conn != NULL && context_accepts(context)) {
        struct flue_tcp_info info;

        flue_tcp_info(context->conn, &info);
        event_freeze(target, context, HardwareFailure, info.state);
    } else {
        upward_event(target, context, TcpIndicateRetrieve, HardwareFailure);
    }
    if (context->state != FLUE_CONTEXT_ABORTED) { /* that has been told (CH-252) */
        upward_event(target, context, TcpIndicateAbort, 0);
    }
}

struct touched {
    struct flue_target *target;
    struct target_context *first; /* linked by context->link */
    bool eager;                   /* InvalidState is raised at once (D-25) */
};

static void collect(struct touched *touched, struct target_context *context, unsigned marks)
{
    const bool broken = (marks & OBJECT_BROKEN) != 0 && (context->marks & OBJECT_TOLD) == 0;

    if (broken) {
        context->marks |= OBJECT_BROKEN;
    }
    if ((broken || (touched->eager && context->state == FLUE_CONTEXT_INVALID)) &&
        (context->marks & OBJECT_LISTED) == 0) {
        context->marks |= OBJECT_LISTED;
        context->link = touched->first;
        touched->first = context;
    }
}

static void collect_path(struct touched *touched, const struct target_path *path, unsigned marks)
{
    FLUE_LIST_EACH(hook, &path->conns)
    {
        struct target_context *context = FLUE_CONTAINER_OF(hook, struct target_context, sibling);

        collect(touched, context, marks | context->marks);
    }
}

static flue_err visit(target_tree block, void *arg)
{
    struct touched *touched = (struct touched *)arg;

    const struct target_neighbour *neighbour = slot_neighbour(block);
    const struct target_path *path = slot_path(block);
    struct target_context *context = slot_tcp(block);

    if (neighbour != NULL) {
        FLUE_LIST_EACH(hook, &neighbour->paths)
        {
            collect_path(touched, FLUE_CONTAINER_OF(hook, struct target_path, sibling), neighbour->marks);
        }
    } else if (path != NULL) {
        collect_path(touched, path, path->marks);
    } else if (context != NULL && context->state != FLUE_CONTEXT_TERMINATING) {
        collect(touched, context, context->marks);
    }
    return FLUE_OK;
}

/* The tree is the host's when the completion is called, so the connections concerned are found before. */
void fault_complete(struct flue_target *target, enum upward_kind kind, target_tree tree)
{
    struct touched touched = {.target = target,
                              .eager = kind == UPWARD_INVALIDATE && target->params.ddi.invalid_raise_eager != 0};

    (void)flue_block_walk(tree, visit, &touched);
    miniport_tell_trace(target, NULL);
    miniport_tree_done(target, kind, tree);
    (void)flue_server_begin(&target->engine, target_now(target));
    while (touched.first != NULL) {
        struct target_context *context = touched.first;

        touched.first = context->link;
        context->marks &= (uint8_t) ~(unsigned)OBJECT_LISTED;
        if ((context->marks & OBJECT_BROKEN) != 0) {
            fault_tell(target, context);
        } else if (context->state == FLUE_CONTEXT_INVALID && context_accepts(context) &&
                   upwards_reserve(target, TARGET_STEP_ENTRIES) == FLUE_OK) {
            /* Without room it happens when the connection wants to send. */
            invalidate_refuse(target, context);
        }
    }
}

/* ---- On demand ---- */

static bool has_id(const void *item, const void *key)
{
    return ((const struct target_context *)item)->id == *(const uint32_t *)key;
}

static void stop_naming(struct flue_target *target)
{
    hash_table_dispose(&target->names);
    target->names = (struct hash_table){.slots = NULL};
}

void fault_name(struct flue_target *target, struct target_context *context)
{
    if (target->names.slots != NULL && hash_table_insert(&target->names, hash_u64(context->id), context) != FLUE_OK) {
        stop_naming(target);
    }
}

void fault_forget(struct flue_target *target, const struct target_context *context)
{
    if (target->names.slots != NULL) {
        (void)hash_table_remove(&target->names, hash_u64(context->id), context);
    }
}

/* All that there are now. */
static void start_naming(struct flue_target *target)
{
    if (hash_table_init(&target->names, target->env, (uint32_t)target->totals.connections) != FLUE_OK) {
        stop_naming(target);
        return;
    }
    context_each(target, fault_name);
}

/* The first time all connections are looked through; from then on there is a table of them. */
static struct target_context *find(struct flue_target *target, uint32_t id)
{
    if (target->names.slots == NULL) {
        start_naming(target);
    }
    if (target->names.slots != NULL) {
        return hash_table_find(&target->names, hash_u64(id), has_id, &id);
    }
    FLUE_LIST_EACH(neighbour, &target->all)
    {
        FLUE_LIST_EACH(path, &FLUE_CONTAINER_OF(neighbour, struct target_neighbour, sibling)->paths)
        {
            FLUE_LIST_EACH(conn, &FLUE_CONTAINER_OF(path, struct target_path, sibling)->conns)
            {
                struct target_context *context = FLUE_CONTAINER_OF(conn, struct target_context, sibling);

                if (context->id == id) {
                    return context;
                }
            }
        }
    }
    return NULL;
}

flue_err flue_target_fault(struct flue_target *target, enum flue_target_fault fault, unsigned layer, uint32_t id)
{
    struct target_context *context;
    uint8_t *marks;

    if (fault == FLUE_FAULT_BUS) {
        if (layer != 0 || id != 0) {
            return FLUE_EINVAL;
        }
        reset_now(target);
        return FLUE_OK;
    }
    if (fault == FLUE_FAULT_HANG || fault == FLUE_FAULT_LOSE) {
        uint8_t *counts = fault == FLUE_FAULT_HANG ? target->hangs : target->losses;

        if (layer != 0 || id >= sizeof target->hangs || counts[id] == UINT8_MAX) {
            return FLUE_EINVAL;
        }
        counts[id]++;
        target->losing = target->losing || fault == FLUE_FAULT_LOSE;
        return FLUE_OK;
    }
    context = find(target, id);
    if (context == NULL || layer < FLUE_LAYER_NEIGHBOR || layer > FLUE_LAYER_TCP) {
        return FLUE_EINVAL;
    }
    marks = layer == FLUE_LAYER_TCP    ? &context->marks
            : layer == FLUE_LAYER_PATH ? &context->path->marks
                                       : &context->path->neighbour->marks;
    switch (fault) {
    case FLUE_FAULT_CORRUPT:
        *marks |= OBJECT_BROKEN;
        return FLUE_OK;
    case FLUE_FAULT_TERMINATE:
        *marks |= OBJECT_NO_END;
        return FLUE_OK;
    case FLUE_FAULT_HARDWARE:
    case FLUE_FAULT_STARVE:
        if (layer != FLUE_LAYER_TCP || context->conn == NULL || !context_accepts(context)) {
            return FLUE_EINVAL;
        }
        (void)flue_server_begin(&target->engine, target_now(target));
        if (fault == FLUE_FAULT_HARDWARE) {
            fault_tell(target, context);
        } else {
            context->flags |= CONTEXT_STARVED;
            engine_follow_up(target, context);
        }
        return FLUE_OK;
    case FLUE_FAULT_HANG:
    case FLUE_FAULT_LOSE:
    case FLUE_FAULT_BUS:
        break;
    }
    return FLUE_EINVAL;
}
