/* SPDX-License-Identifier: GPL-2.0-only */
/* target/intake.c - initiate: a tree of neighbours, paths and connections is walked in the mandated order (D-11: a
 * block, its dependents, the next block), and each new object is taken in or refused (behaviour 7). */

#include <string.h>

#include "target/target.h"

struct intake {
    struct flue_target *target;
    target_tree root;
    uint32_t blocks;
    bool stopped; /* the root was a new object and was refused: nothing else is attempted */
};

/* Where a block stands: its parent objects; NULL below a placeholder and at the root. */
struct place {
    struct target_neighbour *neighbour;
    struct target_path *path;
};

/* How a list of siblings fared: their own states (D-11: not their dependents'). */
struct fared {
    uint32_t taken, failed;
};

/* ---- Admission, in the order of behaviour 7.4 ---- */

static bool any_byte(const UCHAR *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != 0) {
            return true;
        }
    }
    return false;
}

static NDIS_STATUS take_neighbour(struct flue_target *target, target_tree block)
{
    OFFLOAD_STATE_HEADER *state = flue_state_first(block);
    const NEIGHBOR_OFFLOAD_STATE_CONST *constant = (const NEIGHBOR_OFFLOAD_STATE_CONST *)(const void *)state;
    const NEIGHBOR_OFFLOAD_STATE_CACHED *cached;
    const NEIGHBOR_OFFLOAD_STATE_DELEGATED *delegated;
    struct target_neighbour *neighbour;

    state = flue_state_next(state);
    cached = (const NEIGHBOR_OFFLOAD_STATE_CACHED *)(const void *)state;
    delegated = (const NEIGHBOR_OFFLOAD_STATE_DELEGATED *)(const void *)flue_state_next(state);
    if (any_byte(constant->DlSourceAddress, sizeof constant->DlSourceAddress)) {
        return NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES; /* the adapter has one source address, its own */
    }
    if (constant->VlanId != 0) {
        return NDIS_STATUS_OFFLOAD_VLAN_ENTRIES; /* and it makes no tags */
    }
    if (target->totals.neighbours >= target->params.neighbour_max) {
        return NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES;
    }
    neighbour = (struct target_neighbour *)pool_get(&target->neighbours);
    if (neighbour == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    *neighbour = (struct target_neighbour){
        .handle = block->NdisOffloadHandle,
        .reached_ps = target->engine.clock_ps - (flue_ps)delegated->NicReachabilityDelta * target->params.tcp.tick_ps,
    };
    memcpy(neighbour->mac, cached->DlDestinationAddress, sizeof neighbour->mac);
    target->totals.neighbours++;
    *block->MiniportOffloadContext = neighbour;
    return NDIS_STATUS_SUCCESS;
}

static uint32_t address(const UCHAR *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static NDIS_STATUS take_path(struct flue_target *target, target_tree block, struct target_neighbour *neighbour)
{
    OFFLOAD_STATE_HEADER *state = flue_state_first(block);
    const PATH_OFFLOAD_STATE_CONST *constant = (const PATH_OFFLOAD_STATE_CONST *)(const void *)state;
    const PATH_OFFLOAD_STATE_CACHED *cached = (const PATH_OFFLOAD_STATE_CACHED *)(const void *)flue_state_next(state);
    struct target_path *path;

    if (neighbour == NULL || block->Header.Type != Ip4OffloadState) {
        return NDIS_STATUS_FAILURE; /* no parent (D-12), or IPv6, which this target does not speak */
    }
    if (cached->PathMtu > target->params.mtu_max_bytes) {
        return NDIS_STATUS_OFFLOAD_PATH_MTU;
    }
    if (target->totals.paths >= target->params.path_max) {
        return NDIS_STATUS_OFFLOAD_PATH_ENTRIES;
    }
    path = (struct target_path *)pool_get(&target->paths);
    if (path == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    *path = (struct target_path){
        .neighbour = neighbour,
        .local_ip = flue_ip_v4(address(constant->SourceAddress)),
        .remote_ip = flue_ip_v4(address(constant->DestinationAddress)),
        .mtu_bytes = cached->PathMtu,
    };
    neighbour->dependents++;
    target->totals.paths++;
    *block->MiniportOffloadContext = path;
    return NDIS_STATUS_SUCCESS;
}

/* BufferedData is the host's again as soon as the initiate completes: descriptors are copied. */
static flue_err copy_buffered(struct target_context *context, const NET_BUFFER_LIST *first)
{
    for (; first != NULL; first = first->Next) {
        for (const NET_BUFFER *nb = first->FirstNetBuffer; nb != NULL; nb = nb->Next) {
            struct ndis_spans spans = ndis_spans_of_data(nb);
            struct flue_span span;

            while (ndis_spans_next(&spans, &span)) {
                flue_err err = ndis_nbl_append(context->kept, &span);

                if (err != FLUE_OK) {
                    return err;
                }
            }
        }
    }
    return FLUE_OK;
}

/* Makes the engine's connection with its send queue.  FLUE_OK: context->conn is made. */
static flue_err import(struct flue_target *target, struct target_context *context, const struct flue_tcp_state *state,
                       PNET_BUFFER_LIST chain)
{
    const uint32_t unread_bytes = (uint32_t)ndis_nbl_bytes(context->kept);
    flue_err err = flue_tcp_import(target->tcp, state, context, context->id, unread_bytes, target->engine.clock_ps,
                                   &context->conn);

    if (err != FLUE_OK) {
        context->conn = NULL;
        return err;
    }
    for (PNET_BUFFER_LIST nbl = chain; nbl != NULL && err == FLUE_OK; nbl = nbl->Next) {
        err = send_queue_spans(context->conn, nbl, target->engine.clock_ps);
    }
    if (err != FLUE_OK) {
        flue_tcp_release(context->conn);
        context->conn = NULL;
    }
    return err;
}

static void install(struct flue_target *target, struct target_context *context, target_tree block)
{
    PNET_BUFFER_LIST nbl = block->NetBufferListChain;

    while (nbl != NULL) {
        PNET_BUFFER_LIST next = nbl->Next;

        send_adopt(context, nbl);
        nbl = next;
    }
    context->path->dependents++;
    target->totals.connections++;
    target->totals.initiated++;
    if (target->totals.connections > target->totals.connections_peak) {
        target->totals.connections_peak = target->totals.connections;
    }
    *block->MiniportOffloadContext = context;
    context_enter(target, context, FLUE_CONTEXT_INSTALLED);
    context_touch(target, context);
    flue_tcp_start(context->conn, target->engine.clock_ps);
}

/* The state of a block in the engine's form. */
static void read_state(target_tree block, const struct target_path *path, struct flue_tcp_state *state,
                       const TCP_OFFLOAD_STATE_DELEGATED **delegated)
{
    OFFLOAD_STATE_HEADER *constant = flue_state_first(block);
    OFFLOAD_STATE_HEADER *cached = flue_state_next(constant);
    const uint32_t mss_bytes = path->mtu_bytes > 40 ? path->mtu_bytes - 40 : 0;

    *delegated = (const TCP_OFFLOAD_STATE_DELEGATED *)(const void *)flue_state_next(cached);
    *state = (struct flue_tcp_state){.state = 0};
    ndis_state_get(state, (const TCP_OFFLOAD_STATE_CONST *)(const void *)constant,
                   (const TCP_OFFLOAD_STATE_CACHED *)(const void *)cached, *delegated);
    state->tuple.local_ip = path->local_ip;
    state->tuple.remote_ip = path->remote_ip;
    /* No fragments are made (behaviour 13.1): what the path cannot carry is not sent. */
    if (state->remote_mss > mss_bytes) {
        state->remote_mss = (uint16_t)mss_bytes;
    }
}

static NDIS_STATUS take_tcp(struct flue_target *target, target_tree block, struct target_path *path)
{
    const TCP_OFFLOAD_STATE_DELEGATED *delegated;
    struct target_context *context;
    struct flue_tcp_state state;
    flue_err err;

    if (path == NULL) {
        return NDIS_STATUS_FAILURE; /* D-12 */
    }
    if (target->totals.connections >= target->params.tcp_max) {
        return NDIS_STATUS_OFFLOAD_TCP_ENTRIES;
    }
    read_state(block, path, &state, &delegated);
    if (state.initial_rcv_wnd > target->params.rcv_wnd_max_bytes) {
        return NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW;
    }
    context = context_new(target);
    if (context == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    context->path = path;
    context->handle = block->NdisOffloadHandle;
    context->id = state.hash_value;
    context->dwnd = block->Header.Revision >= FLUE_TCP_DELEGATED_REVISION_2 ? delegated->DWnd : 0;
    if (delegated->BufferedData != NULL) {
        context->flags = CONTEXT_LATCHED; /* D-45 */
    }
    if (copy_buffered(context, delegated->BufferedData) != FLUE_OK) {
        context_free(target, context);
        return NDIS_STATUS_FAILURE;
    }
    err = import(target, context, &state, block->NetBufferListChain);
    if (err != FLUE_OK) {
        context_free(target, context);
        return err == FLUE_ENOMEM ? NDIS_STATUS_RESOURCES : NDIS_STATUS_FAILURE;
    }
    install(target, context, block);
    return NDIS_STATUS_SUCCESS;
}

/* ---- The walk ---- */

static flue_err fail_block(target_tree block, void *arg)
{
    struct intake *intake = (struct intake *)arg;

    intake->blocks++;
    block->Status = block->MiniportOffloadContext == NULL ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
    intake->target->totals.refused += block->MiniportOffloadContext != NULL && *block->MiniportOffloadContext == NULL &&
                                      flue_state_layer(block->Header.Type) == FLUE_LAYER_TCP;
    return FLUE_OK;
}

static void fail_list(struct intake *intake, target_tree first)
{
    if (first != NULL) {
        (void)flue_block_walk(first, fail_block, intake);
    }
}

static struct fared walk(struct intake *intake, target_tree first, struct place place);

/* A new object: its own result decides; dependents only between SUCCESS and PARTIAL_SUCCESS (behaviour 7.2). */
static void visit_new(struct intake *intake, target_tree block, struct place place)
{
    struct flue_target *target = intake->target;
    const enum flue_layer layer = flue_state_layer(block->Header.Type);
    NDIS_STATUS status = NDIS_STATUS_FAILURE;
    struct fared fared;

    target_engine_charge(target, FLUE_COST_OFFLOAD, &target->params.profile.engine_initiate, 0);
    if (flue_state_class(block->Header.Type) == 4 && block->Header.Size == sizeof *block) {
        switch (layer) {
        case FLUE_LAYER_NEIGHBOR:
            status = take_neighbour(target, block);
            break;
        case FLUE_LAYER_PATH:
            status = take_path(target, block, place.neighbour);
            break;
        case FLUE_LAYER_TCP:
            status = take_tcp(target, block, place.path);
            break;
        case FLUE_LAYER_NONE:
            break;
        }
    }
    block->Status = status;
    flue_trace2(target->trace, target_take, target->engine.clock_ps,
                layer == FLUE_LAYER_TCP && status == NDIS_STATUS_SUCCESS
                    ? ((const struct target_context *)*block->MiniportOffloadContext)->id
                    : FLUE_NO_CONN,
                block->Header.Type, status);
    if (status != NDIS_STATUS_SUCCESS) {
        target->totals.refused += layer == FLUE_LAYER_TCP;
        fail_list(intake, block->DependentBlockList);
        intake->stopped = block == intake->root;
        return;
    }
    place.path = layer == FLUE_LAYER_PATH ? (struct target_path *)*block->MiniportOffloadContext : NULL;
    place.neighbour = layer == FLUE_LAYER_NEIGHBOR ? (struct target_neighbour *)*block->MiniportOffloadContext : NULL;
    fared = walk(intake, block->DependentBlockList, place);
    if (fared.failed > 0) {
        block->Status = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
    }
}

/* An object that is here already, to hang new ones on.  Links change by update only (D-12). */
static void visit_linker(struct intake *intake, target_tree block, struct place place)
{
    PVOID object = *block->MiniportOffloadContext;
    struct place here = {NULL, NULL};
    bool misplaced = false;
    struct fared fared;

    switch (flue_state_layer(block->Header.Type)) {
    case FLUE_LAYER_NEIGHBOR:
        here.neighbour = (struct target_neighbour *)object;
        break;
    case FLUE_LAYER_PATH:
        here.path = (struct target_path *)object;
        misplaced = place.neighbour != NULL && here.path->neighbour != place.neighbour;
        break;
    case FLUE_LAYER_TCP:
        misplaced = place.path != NULL && ((struct target_context *)object)->path != place.path;
        break;
    case FLUE_LAYER_NONE:
        misplaced = true;
        break;
    }
    if (misplaced) {
        block->Status = NDIS_STATUS_FAILURE;
        fail_list(intake, block->DependentBlockList);
        return;
    }
    fared = walk(intake, block->DependentBlockList, here);
    block->Status = fared.failed == 0  ? NDIS_STATUS_SUCCESS
                    : fared.taken == 0 ? NDIS_STATUS_FAILURE
                                       : NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}

/* Siblings in a loop, however many; the recursion is as deep as the tree, which has three layers. */
static struct fared walk(struct intake *intake, target_tree first, struct place place)
{
    struct fared fared = {0, 0};

    for (target_tree block = first; block != NULL; block = block->NextBlock) {
        intake->blocks++;
        if (block->MiniportOffloadContext == NULL) {
            block->Status = NDIS_STATUS_SUCCESS;
            (void)walk(intake, block->DependentBlockList, (struct place){NULL, NULL});
        } else if (*block->MiniportOffloadContext != NULL) {
            visit_linker(intake, block, place);
        } else {
            visit_new(intake, block, place);
        }
        if (block->Status == NDIS_STATUS_SUCCESS || block->Status == NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS) {
            fared.taken++;
        } else {
            fared.failed++;
        }
        if (intake->stopped) {
            fail_list(intake, block->NextBlock);
            break;
        }
    }
    return fared;
}

void intake_drain(struct flue_target *target, target_tree tree, flue_ps at_ps)
{
    struct intake intake = {.target = target, .root = tree};

    /* The tree is fetched while the engine works on it; what can be computed is the time of its first block. */
    (void)flue_server_begin(&target->engine, flue_pcie_read(&target->pcie, at_ps, sizeof(FLUE_TCP_BLOCK)));
    (void)walk(&intake, tree, (struct place){NULL, NULL});
    (void)flue_pcie_read(&target->pcie, at_ps, (uint64_t)intake.blocks * sizeof(FLUE_TCP_BLOCK));
    upward_push(target, UPWARD_INITIATE, NULL, target->engine.clock_ps,
                (uint64_t)intake.blocks * TARGET_COMPLETION_BYTES)
        ->what.tree = tree;
}

/* ---- Completion ---- */

struct installed {
    struct target_context *first;
};

/* Connections of the tree that become live; the tree itself is the host's when the completion is called. */
static flue_err collect(target_tree block, void *arg)
{
    struct installed *installed = (struct installed *)arg;
    struct target_context *context;

    if (flue_state_layer(block->Header.Type) == FLUE_LAYER_TCP && block->MiniportOffloadContext != NULL &&
        block->Status == NDIS_STATUS_SUCCESS && *block->MiniportOffloadContext != NULL) {
        context = (struct target_context *)*block->MiniportOffloadContext;
        context->link = installed->first;
        installed->first = context;
    }
    return FLUE_OK;
}

void intake_complete(struct flue_target *target, target_tree tree)
{
    struct installed installed = {NULL};

    (void)flue_block_walk(tree, collect, &installed);
    miniport_tell_trace(target, NULL);
    miniport_tree_done(target, UPWARD_INITIATE, tree);
    for (struct target_context *context = installed.first; context != NULL; context = context->link) {
        if (context->state == FLUE_CONTEXT_INSTALLED) {
            context_enter(target, context, FLUE_CONTEXT_LIVE);
        }
    }
}
