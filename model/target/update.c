/* SPDX-License-Identifier: GPL-2.0-only */
/* target/update.c - update: cached variables and links of paths to neighbours (behaviour 9).  Both change before the
 * handler returns; the cost of it and the completion come later (D-18).  A block that is answered with FAILURE has
 * changed nothing (CH-90). */

#include <string.h>

#include "target/fault.h"

static const void *cached_of(target_tree block)
{
    return flue_state_class(block->Header.Type) == 2 ? flue_state_first(block) : NULL;
}

static bool refused(unsigned marks)
{
    return (marks & (OBJECT_INVALID | OBJECT_GIVEN_BACK | OBJECT_BROKEN)) != 0;
}

/* The connections of a path send elsewhere from now on. */
static void reroute(struct flue_target *target, struct target_path *path)
{
    FLUE_LIST_EACH(hook, &path->conns)
    {
        struct target_context *context = FLUE_CONTAINER_OF(hook, struct target_context, sibling);

        if (context->conn != NULL && context_accepts(context)) {
            flue_tcp_rerouted(context->conn, target->engine.clock_ps);
        }
    }
}

static NDIS_STATUS update_neighbour(struct flue_target *target, struct target_neighbour *neighbour,
                                    const NEIGHBOR_OFFLOAD_STATE_CACHED *cached)
{
    bool moved;

    if (cached == NULL || refused(neighbour->marks)) {
        return NDIS_STATUS_FAILURE;
    }
    moved = memcmp(neighbour->mac, cached->DlDestinationAddress, sizeof neighbour->mac) != 0;
    memcpy(neighbour->destination, cached->DlDestinationAddress, sizeof neighbour->destination);
    memcpy(neighbour->mac, cached->DlDestinationAddress, sizeof neighbour->mac);
    neighbour->host_tick = target_tick(target) - cached->HostReachabilityDelta;
    neighbour->fresh_to_ps = 0;
    FLUE_LIST_EACH(hook, &neighbour->paths)
    {
        if (moved) {
            reroute(target, FLUE_CONTAINER_OF(hook, struct target_path, sibling));
        }
    }
    return NDIS_STATUS_SUCCESS;
}

/* Another next hop: connections follow, as they know their path only.  A mark that they have inherited goes (D-25). */
static void relink(struct flue_target *target, struct target_path *path, struct target_neighbour *neighbour)
{
    list_remove(&path->sibling);
    path->neighbour->dependents--;
    path->neighbour = neighbour;
    neighbour->dependents++;
    list_push_back(&neighbour->paths, &path->sibling);
    FLUE_LIST_EACH(hook, &path->conns)
    {
        context_settle(target, FLUE_CONTAINER_OF(hook, struct target_context, sibling));
    }
    reroute(target, path);
}

/* neighbour: the parent that the tree names; NULL: none. */
static NDIS_STATUS update_path(struct flue_target *target, struct target_path *path,
                               const PATH_OFFLOAD_STATE_CACHED *cached, struct target_neighbour *neighbour)
{
    if (cached == NULL || refused(path->marks) || cached->PathMtu > target->params.mtu_max_bytes ||
        cached->PathMtu < TARGET_LEAST_MTU_BYTES ||
        (neighbour != NULL && (neighbour->marks & (OBJECT_GIVEN_BACK | OBJECT_BROKEN)) != 0)) {
        return NDIS_STATUS_FAILURE;
    }
    if (neighbour != NULL && neighbour != path->neighbour && target_obeys(target, 88)) {
        relink(target, path, neighbour);
    }
    if (path->mtu_bytes != cached->PathMtu) {
        path->mtu_bytes = cached->PathMtu;
        FLUE_LIST_EACH(hook, &path->conns)
        {
            const struct target_context *context = FLUE_CONTAINER_OF(hook, struct target_context, sibling);

            if (context->conn != NULL) {
                flue_tcp_set_path_mtu(context->conn, path->mtu_bytes, target->engine.clock_ps);
            }
        }
    }
    return NDIS_STATUS_SUCCESS;
}

/* A frozen connection: its timers are numbers, for the host to go on with (D-19, D-20). */
static void update_still(const struct flue_target *target, struct target_context *context,
                         const TCP_OFFLOAD_STATE_CACHED *cached)
{
    struct flue_tcp_state *state = &context_still(context)->state;
    const flue_ps tick_ps = target->params.tcp.tick_ps;
    const uint32_t idle = cached->KaTimeout != 0 ? cached->KaTimeout : (uint32_t)(TARGET_KEEP_IDLE_PS / tick_ps);
    const uint32_t interval =
        cached->KaInterval != 0 ? cached->KaInterval : (uint32_t)(TARGET_KEEP_INTERVAL_PS / tick_ps);
    const bool command = (cached->Flags & (TCP_FLAG_KEEP_ALIVE_RESTART | TCP_FLAG_MAX_RT_RESTART)) != 0;
    struct flue_tcp_state before;

    give_back_snapshot(target, context, &before); /* as it is now */
    context_still(context)->at_ps = target->engine.clock_ps;
    *state = before;
    ndis_state_get(state, NULL, cached, NULL);
    if ((cached->Flags & TCP_FLAG_MAX_RT_RESTART) != 0 || (cached->MaxRT != 0 && cached->MaxRT != before.max_rt)) {
        state->total_rt = 0;
    }
    if ((cached->Flags & TCP_FLAG_KEEP_ALIVE_ENABLED) == 0) {
        state->ka_probes = 0;
        state->ka_delta = FLUE_STATE_NO_TIMER;
    } else if ((cached->Flags & TCP_FLAG_KEEP_ALIVE_RESTART) != 0 || before.ka_delta == FLUE_STATE_NO_TIMER) {
        state->ka_probes = 0;
        state->ka_delta = idle;
    } else if (command) {
        if (cached->KaProbeCount != before.ka_probe_count) {
            state->ka_probes = 0;
        }
        if (cached->KaTimeout != before.ka_timeout || cached->KaInterval != before.ka_interval) {
            state->ka_delta = state->ka_probes > 0 ? interval : idle;
        }
    }
}

static NDIS_STATUS update_tcp(struct flue_target *target, struct target_context *context,
                              const TCP_OFFLOAD_STATE_CACHED *cached)
{
    const struct flue_target_params *params = &target->params;
    struct flue_tcp_state state = {.state = 0};
    const struct target_extra *extra = context->extra;
    const uint64_t others_bytes = target->rcv_bytes - (extra == NULL ? 0 : extra->rcv_bytes);

    if (cached == NULL || refused(context->marks) || context->state == FLUE_CONTEXT_TERMINATING ||
        cached->InitialRcvWnd > params->rcv_wnd_max_bytes ||
        (params->rcv_buffer_bytes != 0 && others_bytes + cached->InitialRcvWnd > params->rcv_buffer_bytes)) {
        return NDIS_STATUS_FAILURE;
    }
    ndis_state_get(&state, NULL, cached, NULL);
    if (context->conn != NULL && flue_tcp_update(context->conn, &state, target->engine.clock_ps) != FLUE_OK) {
        return NDIS_STATUS_FAILURE;
    }
    if (context_still(context) != NULL) {
        update_still(target, context, cached);
    }
    if (extra != NULL) {
        (void)!context_book(target, context, cached->InitialRcvWnd, extra->xmit_bytes); /* it has room for that */
    }
    if (context->conn != NULL) {
        engine_follow_up(target, context);
    }
    return NDIS_STATUS_SUCCESS;
}

/* One level of the tree; as deep as its three layers. */
static void visit(struct flue_target *target, target_tree first, struct target_neighbour *parent)
{
    for (target_tree block = first; block != NULL; block = block->NextBlock) {
        struct target_neighbour *here = slot_neighbour(block);
        struct target_path *path = slot_path(block);
        struct target_context *context = slot_tcp(block);

        block->Status = block->MiniportOffloadContext == NULL ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
        if (here != NULL) {
            block->Status = update_neighbour(target, here, (const NEIGHBOR_OFFLOAD_STATE_CACHED *)cached_of(block));
        } else if (path != NULL) {
            block->Status = update_path(target, path, (const PATH_OFFLOAD_STATE_CACHED *)cached_of(block), parent);
        } else if (context != NULL) { /* under another path than its own: the link is ignored (D-18) */
            block->Status = update_tcp(target, context, (const TCP_OFFLOAD_STATE_CACHED *)cached_of(block));
        }
        visit(target, block->DependentBlockList, here);
    }
}

/* One that will hang changes nothing, since its Status will be FAILURE; said in the root until it is taken up. */
static bool hangs(struct flue_target *target, target_tree tree)
{
    const bool hung = target->hangs[FAULT_UPDATE] > 0;

    tree->MiniportReserved[1] = hung ? tree : NULL;
    target->hangs[FAULT_UPDATE] -= hung;
    return hung;
}

void update_call(struct flue_target *target, target_tree tree)
{
    if (hangs(target, tree)) {
        return;
    }
    (void)flue_server_begin(&target->engine, target_now(target));
    visit(target, tree, NULL);
}

static flue_err charge(target_tree block, void *arg)
{
    struct flue_target *target = (struct flue_target *)arg;

    (void)block;
    target_engine_charge(target, FLUE_COST_OFFLOAD, &target->params.profile.engine_request, 0);
    return FLUE_OK;
}

void update_drain(struct flue_target *target, target_tree tree, flue_ps at_ps)
{
    if (tree->MiniportReserved[1] == tree) {
        fault_hang(target, FAULT_UPDATE, tree);
        return;
    }
    (void)flue_server_begin(&target->engine,
                            flue_pcie_read(&target->pcie, at_ps, sizeof(NDIS_MINIPORT_OFFLOAD_BLOCK_LIST)));
    (void)flue_block_walk(tree, charge, target);
    upward_push(target, UPWARD_UPDATE, NULL, target->engine.clock_ps, TARGET_COMPLETION_BYTES)->what.tree = tree;
}
