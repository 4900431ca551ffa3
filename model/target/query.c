/* SPDX-License-Identifier: GPL-2.0-only */
/* target/query.c - query: fills what the type of each block names with the values of now (behaviour 8), without a
 * change to anything; and the send backlog, which a query and an event tell (behaviour 13.1). */

#include <string.h>

#include "target/fault.h"

struct query {
    struct flue_target *target;
    uint64_t bytes; /* to write to host memory */
};

/* What stands behind the block: NULL where the type names no such structure. */
struct places {
    OFFLOAD_STATE_HEADER *constant, *cached, *delegated;
};

/* Structures of the three classes, by their full sizes (D-08). */
static struct places places_of(target_tree block, size_t constant_bytes, size_t cached_bytes)
{
    uint8_t *at = (uint8_t *)flue_state_first(block);
    struct places places = {NULL, NULL, NULL};

    switch (flue_state_class(block->Header.Type)) {
    case 1:
        places.constant = (OFFLOAD_STATE_HEADER *)(void *)at;
        break;
    case 2:
        places.cached = (OFFLOAD_STATE_HEADER *)(void *)at;
        break;
    case 3:
        places.delegated = (OFFLOAD_STATE_HEADER *)(void *)at;
        break;
    case 4:
        places.constant = (OFFLOAD_STATE_HEADER *)(void *)at;
        at += (constant_bytes + 7) & ~(size_t)7;
        places.cached = (OFFLOAD_STATE_HEADER *)(void *)at;
        at += (cached_bytes + 7) & ~(size_t)7;
        places.delegated = (OFFLOAD_STATE_HEADER *)(void *)at;
        break;
    }
    return places;
}

static NDIS_STATUS query_neighbour(struct query *query, target_tree block, const struct target_neighbour *neighbour)
{
    const struct places places =
        places_of(block, sizeof(NEIGHBOR_OFFLOAD_STATE_CONST), sizeof(NEIGHBOR_OFFLOAD_STATE_CACHED));
    const uint32_t now = target_tick(query->target);

    if ((neighbour->marks & OBJECT_BROKEN) != 0) {
        return NDIS_STATUS_FAILURE;
    }
    if (places.constant != NULL) {
        NEIGHBOR_OFFLOAD_STATE_CONST *out = (NEIGHBOR_OFFLOAD_STATE_CONST *)(void *)places.constant;

        *out = (NEIGHBOR_OFFLOAD_STATE_CONST){.Header.Length = sizeof *out, .VlanId = neighbour->vlan & 0xFFFu};
        memcpy(out->DlSourceAddress, neighbour->source, sizeof out->DlSourceAddress);
        query->bytes += sizeof *out;
    }
    if (places.cached != NULL) {
        NEIGHBOR_OFFLOAD_STATE_CACHED *out = (NEIGHBOR_OFFLOAD_STATE_CACHED *)(void *)places.cached;

        *out = (NEIGHBOR_OFFLOAD_STATE_CACHED){.Header.Length = sizeof *out,
                                               .HostReachabilityDelta = now - neighbour->host_tick};
        memcpy(out->DlDestinationAddress, neighbour->destination, sizeof out->DlDestinationAddress);
        query->bytes += sizeof *out;
    }
    if (places.delegated != NULL) {
        NEIGHBOR_OFFLOAD_STATE_DELEGATED *out = (NEIGHBOR_OFFLOAD_STATE_DELEGATED *)(void *)places.delegated;

        *out = (NEIGHBOR_OFFLOAD_STATE_DELEGATED){.Header.Length = sizeof *out,
                                                  .NicReachabilityDelta = now - neighbour->reached_tick};
        query->bytes += sizeof *out;
    }
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS query_path(struct query *query, target_tree block, const struct target_path *path)
{
    const struct places places = places_of(block, sizeof(PATH_OFFLOAD_STATE_CONST), sizeof(PATH_OFFLOAD_STATE_CACHED));

    if ((path->marks & OBJECT_BROKEN) != 0) {
        return NDIS_STATUS_FAILURE;
    }
    if (places.constant != NULL) {
        PATH_OFFLOAD_STATE_CONST *out = (PATH_OFFLOAD_STATE_CONST *)(void *)places.constant;

        *out = (PATH_OFFLOAD_STATE_CONST){.Header.Length = sizeof *out,
                                          .SourceAddress = path->source, /* good until its terminate completes (D-07) */
                                          .DestinationAddress = path->destination};
        query->bytes += sizeof *out;
    }
    if (places.cached != NULL) {
        *(PATH_OFFLOAD_STATE_CACHED *)(void *)places.cached =
            (PATH_OFFLOAD_STATE_CACHED){.Header.Length = sizeof(PATH_OFFLOAD_STATE_CACHED), .PathMtu = path->mtu_bytes};
        query->bytes += sizeof(PATH_OFFLOAD_STATE_CACHED);
    }
    if (places.delegated != NULL) {
        *(PATH_OFFLOAD_STATE_DELEGATED *)(void *)places.delegated =
            (PATH_OFFLOAD_STATE_DELEGATED){.Header.Length = sizeof(PATH_OFFLOAD_STATE_DELEGATED)};
        query->bytes += sizeof(PATH_OFFLOAD_STATE_DELEGATED);
    }
    return NDIS_STATUS_SUCCESS;
}

/* Bytes that wait in the adapter for the host: received, in order, neither taken nor out with an indication. */
static uint32_t receive_backlog(const struct target_context *context)
{
    return context_kept_bytes(context);
}

static NDIS_STATUS query_tcp(struct query *query, target_tree block, struct target_context *context)
{
    struct flue_target *target = query->target;
    const struct places places = places_of(block, sizeof(TCP_OFFLOAD_STATE_CONST), sizeof(TCP_OFFLOAD_STATE_CACHED));
    TCP_OFFLOAD_STATE_DELEGATED made;
    struct flue_tcp_state state;

    if (context->state == FLUE_CONTEXT_TERMINATING || (context->marks & OBJECT_BROKEN) != 0) {
        return NDIS_STATUS_FAILURE;
    }
    context_touch(target, context);
    give_back_snapshot(target, context, &state);
    ndis_state_put(&state, (TCP_OFFLOAD_STATE_CONST *)(void *)places.constant,
                   (TCP_OFFLOAD_STATE_CACHED *)(void *)places.cached, places.delegated != NULL ? &made : NULL);
    query->bytes += (places.constant != NULL ? sizeof(TCP_OFFLOAD_STATE_CONST) : 0) +
                    (places.cached != NULL ? sizeof(TCP_OFFLOAD_STATE_CACHED) : 0);
    if (places.delegated != NULL) {
        const bool revision_1 = block->Header.Revision < FLUE_TCP_DELEGATED_REVISION_2;

        made.SendDataTail = NULL;
        made.SendDataHead = NULL;
        made.SendBacklogSize = backlog_bytes(target, context); /* sizes, never pointers (CH-102) */
        made.BufferedData = NULL;
        made.ReceiveBacklogSize = receive_backlog(context);
        made.DWnd = context->extra == NULL ? 0 : context->extra->dwnd;
        made.Header.Length = revision_1 ? FLUE_TCP_DELEGATED_LENGTH_1 : (ULONG)sizeof made;
        memcpy(places.delegated, &made, made.Header.Length); /* revision 1 ends before DWnd (D-06) */
        query->bytes += made.Header.Length;
    }
    return NDIS_STATUS_SUCCESS;
}

static flue_err visit(target_tree block, void *arg)
{
    struct query *query = (struct query *)arg;
    struct flue_target *target = query->target;
    const struct target_neighbour *neighbour = slot_neighbour(block);
    const struct target_path *path = slot_path(block);
    struct target_context *context = slot_tcp(block);

    query->bytes += TARGET_COMPLETION_BYTES;
    if (block->MiniportOffloadContext == NULL) {
        block->Status = NDIS_STATUS_SUCCESS;
        return FLUE_OK;
    }
    target_engine_charge(target, FLUE_COST_OFFLOAD, &target->params.profile.engine_request, 0);
    block->Status = NDIS_STATUS_FAILURE;
    if (neighbour != NULL) {
        block->Status = query_neighbour(query, block, neighbour);
    } else if (path != NULL) {
        block->Status = query_path(query, block, path);
    } else if (context != NULL) {
        block->Status = query_tcp(query, block, context);
    }
    return FLUE_OK;
}

void query_drain(struct flue_target *target, target_tree tree, flue_ps at_ps)
{
    struct query query = {.target = target};

    if (fault_hangs(target, FAULT_QUERY, tree)) {
        return;
    }
    (void)flue_server_begin(&target->engine,
                            flue_pcie_read(&target->pcie, at_ps, sizeof(NDIS_MINIPORT_OFFLOAD_BLOCK_LIST)));
    (void)flue_block_walk(tree, visit, &query);
    upward_push(target, UPWARD_QUERY, NULL, target->engine.clock_ps, query.bytes)->what.tree = tree;
}

void query_complete(struct flue_target *target, target_tree tree)
{
    fault_complete(target, UPWARD_QUERY, tree);
}

/* ---- Backlog ---- */

/* What the host should keep posted: as much as the path holds, no more than the peer takes, two segments at least. */
uint32_t backlog_bytes(const struct flue_target *target, const struct target_context *context)
{
    const uint64_t rate_bytes = target->wire->facts.rate_bps / 8; /* per second */
    struct flue_tcp_info info;
    uint64_t wanted_bytes;

    if (context->conn == NULL) {
        return context_still(context) != NULL ? context_still(context)->state.snd_wnd : 0;
    }
    flue_tcp_info(context->conn, &info);
    wanted_bytes = info.snd_wnd;
    if (info.srtt_ps > 0) {
        const uint64_t srtt_us = (uint64_t)(info.srtt_ps / FLUE_PS_PER_US) + 1;
        const uint64_t pipe_bytes = rate_bytes / 1000000 * (srtt_us < 60000000 ? srtt_us : 60000000);

        wanted_bytes = pipe_bytes < wanted_bytes ? pipe_bytes : wanted_bytes;
    }
    return wanted_bytes > 2u * info.mss_bytes ? (uint32_t)wanted_bytes : 2u * info.mss_bytes;
}

void backlog_look(struct flue_target *target, struct target_context *context)
{
    const struct flue_target_params *params = &target->params;
    const uint32_t now = target_tick(target);
    uint32_t bytes, difference;

    if (params->backlog_permille == 0 || now - context->backlog_tick < params->backlog_ticks ||
        context->state != FLUE_CONTEXT_LIVE || upwards_reserve(target, TARGET_SPARE_ENTRIES + 1) != FLUE_OK) {
        return;
    }
    bytes = backlog_bytes(target, context);
    difference = bytes > context->backlog_bytes ? bytes - context->backlog_bytes : context->backlog_bytes - bytes;
    if ((uint64_t)difference * 1000 < (uint64_t)context->backlog_bytes * params->backlog_permille || difference == 0) {
        return;
    }
    context->backlog_bytes = bytes;
    context->backlog_tick = now;
    upward_event(target, context, TcpIndicateSendBacklogChange, bytes);
}
