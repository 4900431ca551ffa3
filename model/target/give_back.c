/* SPDX-License-Identifier: GPL-2.0-only */
/* target/give_back.c - terminate: connections, then paths, then neighbours go back to the host (behaviour 11.3).
 *
 * A connection stops when its block is reached: from then on its segments take the ordinary path, its state is in the
 * block, its unfinished sends in the chain (D-29).  Received data that is still on its way to the host when that
 * happens is collected behind what the host refused, and goes back as BufferedData with the completion. */

#include <assert.h>
#include <string.h>

#include "target/fault.h"
#include "target/left.h"

struct give_back {
    struct flue_target *target;
    enum flue_layer layer; /* whose turn it is */
    bool others;           /* blocks of other layers have not had theirs */
    uint64_t bytes;        /* to write to host memory */
};

/* ---- The state ---- */

static uint32_t left(uint32_t delta, uint32_t elapsed)
{
    if (delta == FLUE_STATE_NO_TIMER) {
        return delta;
    }
    return delta > elapsed ? delta - elapsed : 0;
}

/* A frozen connection's state as it is now: timers and clocks have gone on (D-34). */
static struct flue_tcp_state aged(const struct flue_target *target, const struct target_still *still)
{
    struct flue_tcp_state state = still->state;
    const flue_ps tick_ps = target->params.tcp.tick_ps;
    const uint32_t elapsed =
        (uint32_t)(target->engine.clock_ps / tick_ps - still->at_ps / tick_ps); /* as in the export */

    state.rt_delta = left(state.rt_delta, elapsed);
    state.ka_delta = left(state.ka_delta, elapsed);
    state.ts_time += elapsed;
    state.ts_recent_age += elapsed;
    return state;
}

void give_back_snapshot(const struct flue_target *target, const struct target_context *context,
                        struct flue_tcp_state *state)
{
    if (context_still(context) != NULL) {
        *state = aged(target, context_still(context));
    } else {
        flue_tcp_peek(context->conn, target->engine.clock_ps, state);
    }
}

/* What a target without CH-136 does with what lies beyond RcvNxt. */
struct keeper {
    struct flue_target *target;
    struct target_context *context;
};

static void keep_beyond(void *arg, uint32_t seq, const struct flue_span *span)
{
    const struct keeper *keeper = (const struct keeper *)arg;

    (void)seq;
    (void)!context_keep(keeper->target, keeper->context, span);
}

static void end_state(struct flue_target *target, struct target_context *context, struct flue_tcp_state *state)
{
    flue_err err;

    if (context_still(context) != NULL) {
        *state = aged(target, context_still(context));
        return;
    }
    if (context_accepts(context) && target_obeys(target, 134)) {
        flue_tcp_flush_ack(context->conn, target->engine.clock_ps); /* no ACK is owed by the old holder (B-068) */
    }
    err = flue_tcp_export(context->conn, target->engine.clock_ps, 1, state);
    assert(err == FLUE_OK);
    if (!target_obeys(target, 136)) {
        struct keeper keeper = {.target = target, .context = context};

        flue_tcp_visit_reassembly(context->conn, keep_beyond, &keeper);
    }
    (void)err;
}

static TCP_OFFLOAD_STATE_DELEGATED *delegated_of(target_tree block)
{
    return flue_state_class(block->Header.Type) == 3 ? (TCP_OFFLOAD_STATE_DELEGATED *)(void *)flue_state_first(block)
                                                     : NULL;
}

/* A block of revision 1 ends before DWnd (D-06). */
static void fill(target_tree block, const struct target_context *context, const struct flue_tcp_state *state,
                 PNET_BUFFER_LIST last)
{
    const bool whole = block->Header.Revision >= FLUE_TCP_DELEGATED_REVISION_2;
    TCP_OFFLOAD_STATE_DELEGATED *out = delegated_of(block), *made = out;
    TCP_OFFLOAD_STATE_DELEGATED cut;

    if (out == NULL) {
        return;
    }
    if (!whole) {
        made = &cut;
    }
    ndis_state_put(state, NULL, NULL, made);
    made->SendDataHead = block->NetBufferListChain;
    made->SendDataTail = last;
    made->BufferedData = NULL;
    made->DWnd = context->extra == NULL ? 0 : context->extra->dwnd;
    if (!whole) {
        made->Header.Length = FLUE_TCP_DELEGATED_LENGTH_1;
        memcpy(out, made, FLUE_TCP_DELEGATED_LENGTH_1);
    }
}

/* ---- The effect ---- */

/* The object goes with this block, whatever its Status says. */
static void mark_gone(target_tree block)
{
    block->MiniportReserved[0] = block;
}

static bool is_gone(const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block)
{
    return block->MiniportReserved[0] == block;
}

static void end_tcp(struct give_back *give_back, struct target_context *context)
{
    context_enter(give_back->target, context, FLUE_CONTEXT_TERMINATING);
    if (context->conn != NULL && target_obeys(give_back->target, 135)) {
        flue_tcp_release(context->conn);
        context->conn = NULL;
    }
    event_release_held(give_back->target, context);
    context_unlink(give_back->target, context);
    give_back->target->going++;
    give_back->target->totals.terminated++;
}

/* Hardware state is lost.  As a rule this is the end of the object: the events, all I/O, then FAILURE.  By the recipe
 * of the page FAILURE comes first, the events follow, and another terminate ends it with SUCCESS (D-32). */
static NDIS_STATUS fail_tcp(struct give_back *give_back, target_tree block, struct target_context *context)
{
    struct flue_target *target = give_back->target;
    const bool recipe = target->params.ddi.terminate_recipe != 0;
    struct flue_tcp_state state;

    context->marks |= OBJECT_BROKEN;
    if (recipe && (context->marks & OBJECT_TOLD) == 0) {
        block->MiniportReserved[1] = context; /* to be told of it when this has completed */
        return NDIS_STATUS_FAILURE;
    }
    fault_tell(target, context);
    give_back_snapshot(target, context, &state);
    context_unlink_work(context);
    send_fail_all(target, context, NDIS_STATUS_REQUEST_ABORTED);
    disconnect_finish(target, context, NDIS_STATUS_REQUEST_ABORTED);
    block->NetBufferListChain = NULL;
    if (recipe) {
        state.rt_delta = FLUE_TICKS_NONE; /* nothing is left that could be sent again (CH-098) */
        fill(block, context, &state, NULL);
    }
    end_tcp(give_back, context);
    mark_gone(block);
    return recipe ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
}

static NDIS_STATUS give_back_tcp(struct give_back *give_back, target_tree block, struct target_context *context)
{
    struct flue_target *target = give_back->target;
    struct flue_tcp_state state;
    PNET_BUFFER_LIST last = NULL;

    if (context->state == FLUE_CONTEXT_TERMINATING || context->state == FLUE_CONTEXT_NONE) {
        return NDIS_STATUS_FAILURE;
    }
    context_touch(target, context);
    if (context->state == FLUE_CONTEXT_ABORTED && hook_linked(&context->work)) {
        disconnect_finish(target, context, NDIS_STATUS_SUCCESS); /* if its RST has left */
    }
    if ((context->marks & (OBJECT_BROKEN | OBJECT_NO_END)) != 0) {
        return fail_tcp(give_back, block, context);
    }
    end_state(target, context, &state);
    context_unlink_work(context);
    block->NetBufferListChain = NULL;
    if (target->params.ddi.upload_sends_complete != 0) {
        send_fail_all(target, context, NDIS_STATUS_UPLOAD_IN_PROGRESS); /* D-29 */
        disconnect_finish(target, context, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    } else {
        send_refuse_late(target, context);
        if (target_obeys(target, 119)) {
            disconnect_finish(target, context, NDIS_STATUS_UPLOAD_IN_PROGRESS);
        }
        block->NetBufferListChain = send_hand_back(context, &last);
        if (!target_obeys(target, 121)) {
            block->NetBufferListChain = NULL;
        }
    }
    if (target_obeys(target, 131)) {
        fill(block, context, &state, last);
    }
    end_tcp(give_back, context);
    mark_gone(block);
    give_back->bytes += sizeof(TCP_OFFLOAD_STATE_DELEGATED);
    return NDIS_STATUS_SUCCESS;
}

/* Lost state of a path or neighbour on which nothing depends: nobody is left to be told of it. */
static NDIS_STATUS end_status(const struct flue_target *target, uint8_t *marks, bool *gone)
{
    *gone = true;
    if ((*marks & (OBJECT_BROKEN | OBJECT_NO_END)) == 0) {
        return NDIS_STATUS_SUCCESS;
    }
    if (target->params.ddi.terminate_recipe != 0) {
        *marks &= (uint8_t) ~(unsigned)(OBJECT_BROKEN | OBJECT_NO_END); /* the next one succeeds */
        *gone = false;
    }
    return NDIS_STATUS_FAILURE;
}

static NDIS_STATUS give_back_path(struct flue_target *target, target_tree block, struct target_path *path)
{
    NDIS_STATUS status;
    bool gone;

    if ((path->marks & OBJECT_GIVEN_BACK) != 0) {
        return NDIS_STATUS_FAILURE;
    }
    if (path->dependents != 0) {
        left_note(target, &path->refusals); /* CH-113 */
        return NDIS_STATUS_FAILURE;
    }
    status = end_status(target, &path->marks, &gone);
    if (gone) {
        path->marks |= OBJECT_GIVEN_BACK;
        left_ended(target, path->refusals);
        target->going++;
        path->neighbour->dependents--;
        list_remove(&path->sibling);
        mark_gone(block);
    }
    return status;
}

static NDIS_STATUS give_back_neighbour(struct flue_target *target, target_tree block,
                                       struct target_neighbour *neighbour)
{
    NDIS_STATUS status;
    bool gone;

    if ((neighbour->marks & OBJECT_GIVEN_BACK) != 0) {
        return NDIS_STATUS_FAILURE;
    }
    if (neighbour->dependents != 0) {
        left_note(target, &neighbour->refusals); /* CH-113 */
        neighbour->marks |= OBJECT_LEFT;
        return NDIS_STATUS_FAILURE;
    }
    status = end_status(target, &neighbour->marks, &gone);
    if (gone) {
        neighbour->marks |= OBJECT_GIVEN_BACK;
        left_ended(target, neighbour->refusals);
        list_remove(&neighbour->sibling);
        mark_gone(block);
    }
    if (status == NDIS_STATUS_SUCCESS && flue_state_class(block->Header.Type) == 3) {
        ((NEIGHBOR_OFFLOAD_STATE_DELEGATED *)(void *)flue_state_first(block))->NicReachabilityDelta =
            target_tick(target) - neighbour->reached_tick;
    }
    return status;
}

static flue_err visit(target_tree block, void *arg)
{
    struct give_back *give_back = (struct give_back *)arg;
    struct target_neighbour *neighbour;
    struct target_path *path;
    struct target_context *context;

    slot_look_ahead(block, sizeof(FLUE_TCP_TERMINATE_BLOCK));
    if (block->MiniportOffloadContext == NULL || block->MiniportReserved[0] != NULL) {
        return FLUE_OK;
    }
    if (flue_state_layer(block->Header.Type) != give_back->layer) {
        give_back->others = true;
        return FLUE_OK;
    }
    neighbour = slot_neighbour(block);
    path = slot_path(block);
    context = slot_tcp(block);
    if (upwards_reserve(give_back->target, TARGET_STEP_ENTRIES) != FLUE_OK) {
        return FLUE_ENOMEM; /* the rest of the tree waits until the host has taken some */
    }
    block->MiniportReserved[0] = give_back; /* seen; mark_gone() says more */
    target_engine_charge(give_back->target, FLUE_COST_OFFLOAD, &give_back->target->params.profile.engine_terminate, 0);
    give_back->bytes += TARGET_COMPLETION_BYTES;
    if (context != NULL) {
        block->Status = give_back_tcp(give_back, block, context);
    } else if (path != NULL) {
        block->Status = give_back_path(give_back->target, block, path);
    } else if (neighbour != NULL) {
        block->Status = give_back_neighbour(give_back->target, block, neighbour);
    }
    return FLUE_OK;
}

/* In the block while the target has it: whether its turn has come, and whose lost state is to be told. */
static flue_err prepare(target_tree block, void *arg)
{
    struct target_context *context = slot_tcp(block);

    slot_look_ahead(block, sizeof *block);
    block->MiniportReserved[0] = NULL;
    block->MiniportReserved[1] = NULL;
    block->Status = block->MiniportOffloadContext == NULL ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
    if (context != NULL) {
        event_let_go((struct flue_target *)arg, context);
    }
    return FLUE_OK;
}

void give_back_call(struct flue_target *target, target_tree tree)
{
    (void)flue_server_begin(&target->engine, target_now(target));
    (void)flue_block_walk(tree, prepare, target);
}

bool give_back_drain(struct flue_target *target, target_tree tree, flue_ps at_ps)
{
    struct give_back give_back = {.target = target, .bytes = TARGET_COMPLETION_BYTES};

    if (fault_hangs(target, FAULT_TERMINATE, tree)) {
        return true;
    }
    if (!invalidate_flush(target, tree)) {
        return false;
    }
    (void)flue_server_begin(&target->engine,
                            flue_pcie_read(&target->pcie, at_ps, sizeof(NDIS_MINIPORT_OFFLOAD_BLOCK_LIST)));
    /* Dependents before those they depend on: an object goes when nothing is left above it.  Most trees bring one. */
    give_back.others = true;
    for (int layer = FLUE_LAYER_TCP; layer >= FLUE_LAYER_NEIGHBOR && give_back.others; layer--) {
        give_back.layer = (enum flue_layer)layer;
        give_back.others = false;
        if (flue_block_walk(tree, visit, &give_back) != FLUE_OK) {
            return false;
        }
    }
    upward_push(target, UPWARD_TERMINATE, NULL, target->engine.clock_ps, give_back.bytes)->what.tree = tree;
    return true;
}

/* ---- Completion ---- */

struct gone {
    struct flue_target *target;
    flue_ps at_ps;
    struct target_context *contexts;
    struct target_context *failed; /* they stay, and the host is told of their lost state */
    struct target_path *paths;
    struct target_neighbour *neighbours;
};

/* The last piece of a connection's state: data that the host has not got. */
static void finish_tcp(struct gone *gone, target_tree block, struct target_context *context)
{
    TCP_OFFLOAD_STATE_DELEGATED *delegated = delegated_of(block);
    const uint64_t buffered_bytes = context_kept_bytes(context);

    if (target_obeys(gone->target, 118)) {
        post_end(gone->target, context,
                 (context->marks & OBJECT_BROKEN) != 0 ? NDIS_STATUS_REQUEST_ABORTED : NDIS_STATUS_UPLOAD_IN_PROGRESS);
    }
    if (context->conn != NULL) {
        flue_tcp_release(context->conn); /* without CH-135 it has swallowed segments until now */
        context->conn = NULL;
    }
    if (delegated != NULL && block->Status == NDIS_STATUS_SUCCESS) {
        if (buffered_bytes > 0 && target_obeys(gone->target, 137)) {
            /* Its return frees nothing but itself: the connection's window is the host's business by then. */
            context->kept->MiniportReserved[0] = NULL;
            delegated->BufferedData = context->kept;
            context->kept = NULL;
        }
        if (gone->target->trace != NULL && gone->target->trace->emit != NULL) {
            flue_trace_emit(gone->target->trace, FLUE_POINT_target_give_back, gone->at_ps, context->id,
                            delegated->SndUna, delegated->SndNxt, delegated->SndMax,
                            (int64_t)ndis_chain_bytes(block->NetBufferListChain), (int64_t)buffered_bytes, 0);
        }
    }
    context->link = gone->contexts;
    gone->contexts = context;
}

/* By the recipe the events follow the completion. */
static void collect_failed(struct gone *gone, const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block)
{
    struct target_context *context = (struct target_context *)block->MiniportReserved[1];

    if (context != NULL) {
        context->link = gone->failed;
        gone->failed = context;
    }
}

static flue_err finish(target_tree block, void *arg)
{
    struct gone *gone = (struct gone *)arg;
    struct target_neighbour *neighbour = slot_neighbour(block);
    struct target_path *path = slot_path(block);
    struct target_context *context = slot_tcp(block);

    slot_look_ahead(block, sizeof *block);
    if (!is_gone(block)) {
        collect_failed(gone, block);
    } else if (context != NULL) {
        finish_tcp(gone, block, context);
    } else if (path != NULL) {
        path->next = gone->paths;
        gone->paths = path;
    } else if (neighbour != NULL) {
        neighbour->next = gone->neighbours;
        gone->neighbours = neighbour;
    }
    return FLUE_OK;
}

/* The slots stay valid until the completion has been called; then everything is freed. */
void give_back_complete(struct flue_target *target, const struct upward *done)
{
    struct gone gone = {.target = target, .at_ps = done->visible_ps};

    (void)flue_block_walk(done->what.tree, finish, &gone);
    miniport_tell_trace(target, NULL);
    miniport_tree_done(target, UPWARD_TERMINATE, done->what.tree);
    while (gone.failed != NULL) {
        struct target_context *context = gone.failed;

        gone.failed = context->link;
        context->link = NULL;
        (void)flue_server_begin(&target->engine, target_now(target));
        fault_tell(target, context);
    }
    while (gone.contexts != NULL) {
        struct target_context *context = gone.contexts;

        gone.contexts = context->link;
        target->going--;
        context_enter(target, context, FLUE_CONTEXT_NONE);
        context_free(target, context);
        target->totals.connections--;
    }
    while (gone.paths != NULL) {
        struct target_path *path = gone.paths;

        gone.paths = path->next;
        target->going--;
        path_free(target, path);
    }
    while (gone.neighbours != NULL) {
        struct target_neighbour *neighbour = gone.neighbours;

        gone.neighbours = neighbour->next;
        neighbour_free(target, neighbour);
    }
    left_look(target);
}
