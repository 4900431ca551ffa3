/* SPDX-License-Identifier: GPL-2.0-only */
/* target/intake.c - initiate: a tree of neighbours, paths and connections is walked in the mandated order (D-11: a
 * block, its dependents, the next block), and each new object is taken in or refused (behaviour 7). */

#include <string.h>

#include "target/fault.h"

struct intake {
    struct flue_target *target;
    target_tree root;
    uint32_t blocks;
    bool waited;  /* for the end of a pause */
    bool stopped; /* the root was a new object and was refused, or any with D-11's switch: nothing else is attempted */
};

/* Where a block stands: its parent objects; NULL below a placeholder and at the root. */
struct place {
    struct target_neighbour *neighbour;
    struct target_path *path;
    bool below; /* not at the root, where alone a neighbour may stand */
};

/* How a list of siblings fared: their own states (D-11: not their dependents'). */
struct fared {
    uint32_t taken, failed;
};

/* BufferedData is the host's again as soon as the initiate completes: descriptors are copied. */
static flue_err copy_buffered(struct flue_target *target, struct target_context *context, const NET_BUFFER_LIST *first)
{
    for (; first != NULL; first = first->Next) {
        for (const NET_BUFFER *nb = first->FirstNetBuffer; nb != NULL; nb = nb->Next) {
            struct ndis_spans spans = ndis_spans_of_data(nb);
            struct flue_span span;

            while (ndis_spans_next(&spans, &span)) {
                flue_err err = ndis_pool_reserve(target->spans, (uint64_t)target->pledged + 1);

                if (err == FLUE_OK) {
                    err = ndis_pool_reserve_lists(target->spans, (uint64_t)target->pledged + 1);
                }
                if (err == FLUE_OK) {
                    err = context_keep(target, context, &span);
                }
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
    const uint32_t unread_bytes = context_kept_bytes(context);
    flue_err err = flue_tcp_import(target->tcp, state, context, context->id, unread_bytes, target->engine.clock_ps,
                                   &context->conn);

    if (err != FLUE_OK) {
        context->conn = NULL;
        return err;
    }
    for (PNET_BUFFER_LIST nbl = chain; nbl != NULL && err == FLUE_OK; nbl = nbl->Next) {
        err = send_queue_spans(context->conn, nbl, target->engine.clock_ps);
    }
    if (err == FLUE_OK && flue_tcp_covered(context->conn) == 0) {
        err = FLUE_EINVAL; /* bytes on their way that nobody could send again (CH-078) */
    }
    if (err != FLUE_OK) {
        flue_tcp_release(context->conn);
        context->conn = NULL;
    }
    return err;
}

/* What it needs beyond a context that is like most. */
static flue_err widen(struct flue_target *target, struct target_context *context, uint32_t dwnd,
                      const struct flue_tcp_state *state)
{
    flue_err err = context_book(target, context, state->initial_rcv_wnd, state->max_snd_wnd);

    if (err == FLUE_OK && dwnd != 0) {
        struct target_extra *extra = context_widen(target, context);

        if (extra == NULL) {
            return FLUE_ENOMEM;
        }
        extra->dwnd = dwnd;
    }
    return err == FLUE_OK ? watch_start(target, context) : err;
}

static void install(struct flue_target *target, struct target_context *context, target_tree block)
{
    PNET_BUFFER_LIST nbl = block->NetBufferListChain;

    while (nbl != NULL) {
        PNET_BUFFER_LIST next = nbl->Next;

        send_adopt(context, nbl);
        nbl = next;
    }
    context_link(target, context, context->path);
    target->totals.connections++;
    target->totals.initiated++;
    if (target->totals.connections > target->totals.connections_peak) {
        target->totals.connections_peak = target->totals.connections;
    }
    *block->MiniportOffloadContext = slot_of(context, SLOT_TCP);
    context_enter(target, context, FLUE_CONTEXT_INSTALLED);
    if (context_invalid(context) && target_obeys(target, 106)) {
        context_enter(target, context, FLUE_CONTEXT_INVALID); /* on a path that must not be used */
    }
    context_touch(target, context);
    flue_tcp_start(context->conn, target->engine.clock_ps);
}

/* The state of a block in the engine's form. */
static void read_state(target_tree block, const struct target_path *path, struct flue_tcp_state *state,
                       const TCP_OFFLOAD_STATE_DELEGATED **delegated)
{
    OFFLOAD_STATE_HEADER *constant = flue_state_first(block);
    OFFLOAD_STATE_HEADER *cached = flue_state_next(constant);

    *delegated = (const TCP_OFFLOAD_STATE_DELEGATED *)(const void *)flue_state_next(cached);
    *state = (struct flue_tcp_state){.state = 0};
    ndis_state_get(state, (const TCP_OFFLOAD_STATE_CONST *)(const void *)constant,
                   (const TCP_OFFLOAD_STATE_CACHED *)(const void *)cached, *delegated);
    state->tuple.local_ip = path->local_ip;
    state->tuple.remote_ip = path->remote_ip;
}

static NDIS_STATUS take_tcp(struct flue_target *target, target_tree block, struct target_path *path)
{
    const TCP_OFFLOAD_STATE_DELEGATED *delegated;
    struct target_context *context;
    struct flue_tcp_state state;
    NDIS_STATUS status;
    flue_err err;

    if (path == NULL || (path->marks & OBJECT_GIVEN_BACK) != 0) {
        return NDIS_STATUS_FAILURE; /* D-12 */
    }
    if (target->totals.connections >= target->params.tcp_max) {
        return NDIS_STATUS_OFFLOAD_TCP_ENTRIES;
    }
    read_state(block, path, &state, &delegated);
    status = admit_tcp(target, &state);
    if (status != NDIS_STATUS_SUCCESS) {
        return status;
    }
    context = context_new(target);
    if (context == NULL) {
        return NDIS_STATUS_RESOURCES;
    }
    context->path = path;
    context->handle = block->NdisOffloadHandle;
    context->hash = state.hash_value;
    context->id = target->identify != NULL ? target->identify(target->identify_ctx, &state.tuple) : state.hash_value;
    if (delegated->BufferedData != NULL && target_obeys(target, 77)) {
        context->flags = CONTEXT_LATCHED; /* D-45 */
    }
    if (target_obeys(target, 50) && copy_buffered(target, context, delegated->BufferedData) != FLUE_OK) {
        context_free(target, context);
        return NDIS_STATUS_FAILURE;
    }
    if (admit_rejects(target, &state)) {
        context_free(target, context);
        return NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED;
    }
    err = widen(target, context, block->Header.Revision >= FLUE_TCP_DELEGATED_REVISION_2 ? delegated->DWnd : 0, &state);
    if (err == FLUE_OK) {
        err = import(target, context, &state, block->NetBufferListChain);
    }
    if (err != FLUE_OK) {
        context_free(target, context);
        return err == FLUE_ENOMEM ? NDIS_STATUS_RESOURCES : NDIS_STATUS_FAILURE;
    }
    /* No fragments are made (behaviour 13.1): what the path cannot carry is not sent. */
    flue_tcp_set_path_mtu(context->conn, path->mtu_bytes, target->engine.clock_ps);
    install(target, context, block);
    context->backlog_bytes = backlog_bytes(target, context);
    context->backlog_tick = target_tick(target);
    return NDIS_STATUS_SUCCESS;
}

/* ---- The walk ---- */

static flue_err fail_block(target_tree block, void *arg)
{
    struct intake *intake = (struct intake *)arg;

    intake->blocks++;
    block->MiniportReserved[0] = NULL;
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

/* The state behind a block of a new object: of a known revision, and each structure as long as it says that it is, so
 * that the next one is where it is looked for. */
static bool is_sound(target_tree block, enum flue_layer layer)
{
    static const ULONG lengths[FLUE_LAYER_TCP + 1][3] = {
        [FLUE_LAYER_NEIGHBOR] = {sizeof(NEIGHBOR_OFFLOAD_STATE_CONST), sizeof(NEIGHBOR_OFFLOAD_STATE_CACHED),
                                 sizeof(NEIGHBOR_OFFLOAD_STATE_DELEGATED)},
        [FLUE_LAYER_PATH] = {sizeof(PATH_OFFLOAD_STATE_CONST), sizeof(PATH_OFFLOAD_STATE_CACHED),
                             sizeof(PATH_OFFLOAD_STATE_DELEGATED)},
        [FLUE_LAYER_TCP] = {sizeof(TCP_OFFLOAD_STATE_CONST), sizeof(TCP_OFFLOAD_STATE_CACHED),
                            sizeof(TCP_OFFLOAD_STATE_DELEGATED)},
    };
    const bool newer = layer == FLUE_LAYER_TCP && block->Header.Revision == FLUE_TCP_DELEGATED_REVISION_2;
    OFFLOAD_STATE_HEADER *state = flue_state_first(block);
    bool sound = block->Header.Size == sizeof *block && flue_state_class(block->Header.Type) == 4 &&
                 (newer || block->Header.Revision == FLUE_OFFLOAD_BLOCK_REVISION_1);

    for (unsigned i = 0; i < 3 && sound; i++) {
        const bool older = layer == FLUE_LAYER_TCP && i == 2 && !newer;

        sound = state->Length == (older ? FLUE_TCP_DELEGATED_LENGTH_1 : lengths[layer][i]);
        state = sound ? flue_state_next(state) : state;
    }
    return sound;
}

/* A new object: its own result decides; dependents only between SUCCESS and PARTIAL_SUCCESS (behaviour 7.2). */
static void visit_new(struct intake *intake, target_tree block, struct place place)
{
    struct flue_target *target = intake->target;
    const enum flue_layer layer = flue_state_layer(block->Header.Type);
    NDIS_STATUS status = NDIS_STATUS_FAILURE;
    struct fared fared;

    target_engine_charge(target, FLUE_COST_OFFLOAD, &target->params.profile.engine_initiate, 0);
    if (is_sound(block, layer) && !target->uploading && !target->restarting && target->power == NULL) {
        switch (layer) {
        case FLUE_LAYER_NEIGHBOR:
            status = place.below ? NDIS_STATUS_FAILURE : admit_neighbour(target, block);
            break;
        case FLUE_LAYER_PATH:
            status = admit_path(target, block, place.neighbour);
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
                layer == FLUE_LAYER_TCP && status == NDIS_STATUS_SUCCESS ? slot_tcp(block)->id : FLUE_NO_CONN,
                block->Header.Type, status);
    if (status != NDIS_STATUS_SUCCESS) {
        target->totals.refused += layer == FLUE_LAYER_TCP;
        fail_list(intake, block->DependentBlockList);
        intake->stopped =
            block == intake->root || (target->params.ddi.walk_failure_stop != 0 && layer != FLUE_LAYER_TCP);
        return;
    }
    block->MiniportReserved[0] = block; /* taken by this block: to be told when the tree completes */
    place.below = true;
    place.path = slot_path(block);
    place.neighbour = slot_neighbour(block);
    fared = walk(intake, block->DependentBlockList, place);
    if (fared.failed > 0) {
        block->Status = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
    }
}

/* An object that is here already, to hang new ones on.  Links change by update only (D-12). */
static void visit_linker(struct intake *intake, target_tree block, struct place place)
{
    const struct target_context *context = slot_tcp(block);
    const struct place here = {.neighbour = slot_neighbour(block), .path = slot_path(block), .below = true};
    struct fared fared;

    if ((here.neighbour == NULL && here.path == NULL && context == NULL) ||
        (here.path != NULL && place.neighbour != NULL && here.path->neighbour != place.neighbour) ||
        (context != NULL && place.path != NULL && context->path != place.path)) {
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
        slot_look_ahead(block, sizeof(FLUE_TCP_BLOCK));
        intake->blocks++;
        block->MiniportReserved[0] = NULL;
        if (block->MiniportOffloadContext == NULL) {
            block->Status = NDIS_STATUS_SUCCESS;
            (void)walk(intake, block->DependentBlockList, (struct place){.below = true});
        } else if (*block->MiniportOffloadContext != NULL) {
            visit_linker(intake, block, place);
        } else if (intake->waited && block->MiniportReserved[1] != NULL) {
            (void)fail_block(block, intake); /* it named an object that has been terminated */
            fail_list(intake, block->DependentBlockList);
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
            for (target_tree rest = block->NextBlock; rest != NULL; rest = rest->NextBlock) {
                fared.failed += rest->MiniportOffloadContext != NULL;
            }
            break;
        }
    }
    return fared;
}

void intake_drain(struct flue_target *target, target_tree tree, flue_ps at_ps, bool waited)
{
    struct intake intake = {.target = target, .root = tree, .waited = waited};

    if (fault_hangs(target, FAULT_INITIATE, tree)) {
        return;
    }
    /* The tree is fetched while the engine works on it; what can be computed is the time of its first block. */
    (void)flue_server_begin(&target->engine, flue_pcie_read(&target->pcie, at_ps, sizeof(FLUE_TCP_BLOCK)));
    (void)walk(&intake, tree, (struct place){.below = false});
    (void)flue_pcie_read(&target->pcie, at_ps, (uint64_t)intake.blocks * sizeof(FLUE_TCP_BLOCK));
    upward_push(target, UPWARD_INITIATE, NULL, target->engine.clock_ps,
                (uint64_t)intake.blocks * TARGET_COMPLETION_BYTES)
        ->what.tree = tree;
}

void intake_refuse(struct flue_target *target, target_tree tree)
{
    struct intake intake = {.target = target, .root = tree};

    fail_list(&intake, tree);
    upward_push(target, UPWARD_INITIATE, NULL, target->engine.clock_ps, TARGET_COMPLETION_BYTES)->what.tree = tree;
}

/* ---- Completion ---- */

struct installed {
    struct target_context *contexts;
    struct target_neighbour *neighbours;
};

/* Objects of the tree that become live; the tree itself is the host's when the completion is called. */
static flue_err collect(target_tree block, void *arg)
{
    struct installed *installed = (struct installed *)arg;

    struct target_neighbour *neighbour = slot_neighbour(block);
    struct target_context *context = slot_tcp(block);

    slot_look_ahead(block, sizeof *block);
    if (block->MiniportReserved[0] != block ||
        (block->Status != NDIS_STATUS_SUCCESS && block->Status != NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS)) {
        return FLUE_OK;
    }
    if (neighbour != NULL && (neighbour->marks & OBJECT_LIVE) == 0) {
        neighbour->next = installed->neighbours;
        installed->neighbours = neighbour;
    } else if (context != NULL) {
        context->link = installed->contexts;
        installed->contexts = context;
    }
    return FLUE_OK;
}

void intake_complete(struct flue_target *target, target_tree tree)
{
    struct installed installed = {NULL, NULL};

    (void)flue_block_walk(tree, collect, &installed);
    miniport_tell_trace(target, NULL);
    miniport_tree_done(target, UPWARD_INITIATE, tree);
    for (struct target_neighbour *neighbour = installed.neighbours; neighbour != NULL; neighbour = neighbour->next) {
        neighbour_live(target, neighbour);
    }
    for (struct target_context *context = installed.contexts; context != NULL; context = context->link) {
        if (context->state == FLUE_CONTEXT_INSTALLED) {
            context_enter(target, context, FLUE_CONTEXT_LIVE);
            context_settle(target, context);
        }
    }
}
