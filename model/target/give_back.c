/* SPDX-License-Identifier: GPL-2.0-only */
/* target/give_back.c - terminate: connections, then paths, then neighbours go back to the host (behaviour 11.3).
 *
 * A connection stops when its block is reached: from then on its segments take the ordinary path, its state is in the
 * block, its unfinished sends in the chain (D-29).  Received data that is still on its way to the host when that
 * happens is collected behind what the host refused, and goes back as BufferedData with the completion. */

#include <assert.h>
#include <string.h>

#include "target/target.h"

struct give_back {
    struct flue_target *target;
    enum flue_layer layer; /* whose turn it is */
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

static struct flue_tcp_state final_state(struct flue_target *target, struct target_context *context)
{
    struct flue_tcp_state state = {.state = FLUE_TCP_CLOSED};
    flue_err err;

    if (context->still != NULL) {
        return aged(target, context->still);
    }
    if (context_accepts(context)) {
        flue_tcp_flush_ack(context->conn, target->engine.clock_ps); /* no ACK is owed by the old holder (B-068) */
    }
    err = flue_tcp_export(context->conn, target->engine.clock_ps, 1, &state);
    assert(err == FLUE_OK);
    (void)err;
    return state;
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
    TCP_OFFLOAD_STATE_DELEGATED *out = delegated_of(block);
    TCP_OFFLOAD_STATE_DELEGATED made;

    if (out == NULL) {
        return;
    }
    ndis_state_put(state, NULL, NULL, &made);
    made.SendDataHead = block->NetBufferListChain;
    made.SendDataTail = last;
    made.BufferedData = NULL;
    made.DWnd = context->dwnd;
    if (block->Header.Revision >= FLUE_TCP_DELEGATED_REVISION_2) {
        *out = made;
    } else {
        made.Header.Length = FLUE_TCP_DELEGATED_LENGTH_1;
        memcpy(out, &made, FLUE_TCP_DELEGATED_LENGTH_1);
    }
}

/* ---- The effect ---- */

static NDIS_STATUS give_back_tcp(struct give_back *give_back, target_tree block)
{
    struct flue_target *target = give_back->target;
    struct target_context *context = (struct target_context *)*block->MiniportOffloadContext;
    struct flue_tcp_state state;
    PNET_BUFFER_LIST last;

    if (context->state == FLUE_CONTEXT_TERMINATING) {
        return NDIS_STATUS_FAILURE;
    }
    context_touch(target, context);
    state = final_state(target, context);
    context_unlink_work(context);
    disconnect_finish(target, context, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    block->NetBufferListChain = send_hand_back(context, &last);
    fill(block, context, &state, last);
    context_enter(target, context, FLUE_CONTEXT_TERMINATING);
    if (context->conn != NULL) {
        flue_tcp_release(context->conn);
        context->conn = NULL;
    }
    event_release_held(target, context);
    context->path->dependents--;
    target->totals.terminated++;
    give_back->bytes += sizeof(TCP_OFFLOAD_STATE_DELEGATED);
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS give_back_path(struct target_path *path)
{
    if (path->dependents != 0 || path->given_back) {
        return NDIS_STATUS_FAILURE; /* connections depend on it: it stays */
    }
    path->given_back = true;
    path->neighbour->dependents--;
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS give_back_neighbour(const struct flue_target *target, target_tree block)
{
    struct target_neighbour *neighbour = (struct target_neighbour *)*block->MiniportOffloadContext;

    if (neighbour->dependents != 0 || neighbour->given_back) {
        return NDIS_STATUS_FAILURE;
    }
    neighbour->given_back = true;
    if (flue_state_class(block->Header.Type) == 3) {
        ((NEIGHBOR_OFFLOAD_STATE_DELEGATED *)(void *)flue_state_first(block))->NicReachabilityDelta =
            (ULONG)((target->engine.clock_ps - neighbour->reached_ps) / target->params.tcp.tick_ps);
    }
    return NDIS_STATUS_SUCCESS;
}

static flue_err visit(target_tree block, void *arg)
{
    struct give_back *give_back = (struct give_back *)arg;

    if (block->MiniportOffloadContext == NULL) {
        block->Status = NDIS_STATUS_SUCCESS;
        return FLUE_OK;
    }
    if (flue_state_layer(block->Header.Type) != give_back->layer) {
        return FLUE_OK;
    }
    target_engine_charge(give_back->target, FLUE_COST_OFFLOAD, &give_back->target->params.profile.engine_terminate, 0);
    give_back->bytes += TARGET_COMPLETION_BYTES;
    block->Status = NDIS_STATUS_FAILURE;
    if (*block->MiniportOffloadContext == NULL) {
        return FLUE_OK;
    }
    switch (give_back->layer) {
    case FLUE_LAYER_TCP:
        block->Status = give_back_tcp(give_back, block);
        break;
    case FLUE_LAYER_PATH:
        block->Status = give_back_path((struct target_path *)*block->MiniportOffloadContext);
        break;
    case FLUE_LAYER_NEIGHBOR:
        block->Status = give_back_neighbour(give_back->target, block);
        break;
    case FLUE_LAYER_NONE:
        break;
    }
    return FLUE_OK;
}

void give_back_drain(struct flue_target *target, target_tree tree, flue_ps at_ps)
{
    struct give_back give_back = {.target = target, .bytes = TARGET_COMPLETION_BYTES};

    (void)flue_server_begin(&target->engine,
                            flue_pcie_read(&target->pcie, at_ps, sizeof(NDIS_MINIPORT_OFFLOAD_BLOCK_LIST)));
    /* Dependents before those they depend on: an object goes when nothing is left above it. */
    for (int layer = FLUE_LAYER_TCP; layer >= FLUE_LAYER_NEIGHBOR; layer--) {
        give_back.layer = (enum flue_layer)layer;
        (void)flue_block_walk(tree, visit, &give_back);
    }
    upward_push(target, UPWARD_TERMINATE, NULL, target->engine.clock_ps, give_back.bytes)->what.tree = tree;
}

/* ---- Completion ---- */

struct gone {
    struct flue_target *target;
    flue_ps at_ps;
    struct target_context *contexts;
    struct target_path *paths;
    struct target_neighbour *neighbours;
};

/* The last piece of a connection's state: data that the host has not got. */
static void finish_tcp(struct gone *gone, target_tree block, struct target_context *context)
{
    TCP_OFFLOAD_STATE_DELEGATED *delegated = delegated_of(block);
    const uint64_t buffered_bytes = ndis_nbl_bytes(context->kept);

    if (delegated != NULL) {
        if (buffered_bytes > 0) {
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

static flue_err finish(target_tree block, void *arg)
{
    struct gone *gone = (struct gone *)arg;

    if (block->MiniportOffloadContext == NULL || block->Status != NDIS_STATUS_SUCCESS) {
        return FLUE_OK;
    }
    switch (flue_state_layer(block->Header.Type)) {
    case FLUE_LAYER_TCP:
        finish_tcp(gone, block, (struct target_context *)*block->MiniportOffloadContext);
        break;
    case FLUE_LAYER_PATH: {
        struct target_path *path = (struct target_path *)*block->MiniportOffloadContext;

        path->next = gone->paths;
        gone->paths = path;
        break;
    }
    case FLUE_LAYER_NEIGHBOR: {
        struct target_neighbour *neighbour = (struct target_neighbour *)*block->MiniportOffloadContext;

        neighbour->next = gone->neighbours;
        gone->neighbours = neighbour;
        break;
    }
    case FLUE_LAYER_NONE:
        break;
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
    while (gone.contexts != NULL) {
        struct target_context *context = gone.contexts;

        gone.contexts = context->link;
        context_enter(target, context, FLUE_CONTEXT_NONE);
        context_free(target, context);
        target->totals.connections--;
    }
    while (gone.paths != NULL) {
        struct target_path *path = gone.paths;

        gone.paths = path->next;
        path_free(target, path);
    }
    while (gone.neighbours != NULL) {
        struct target_neighbour *neighbour = gone.neighbours;

        gone.neighbours = neighbour->next;
        neighbour_free(target, neighbour);
    }
}
