/* SPDX-License-Identifier: GPL-2.0-only */
/* Hosts and targets that lose what they were lent, answer nobody, or speak of what is gone: the checker must name the
 * rule first (CH-055 to CH-073, CH-106 to CH-133, CH-157, CH-182, CH-221, CH-240, CH-253, CH-264 to CH-272, CH-279,
 * CH-293). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "check_violators_main.h"

static NDIS_HANDLE adapter_of(const struct world *world)
{
    return world->fakes.miniport.adapter;
}

/* ---- What was lent and does not come back ---- */

static void inherits_a_send(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_list(world, 300);

    world->t.Block.NetBufferListChain = nbl;
    world->t.Delegated.SendDataHead = world->t.Delegated.SendDataTail = nbl;
}

static void inherited_send_never_completes(struct world *world)
{
    flue_ndis_check_end(world->fakes.ndis);
}

static void inherited_send_is_lost(struct world *world)
{
    world_terminate(world);
    world_terminated(world);
}

static void send_never_completes(struct world *world)
{
    (void)world_send(world, 300);
    flue_ndis_check_end(world->fakes.ndis);
}

static void receive_never_completes(struct world *world)
{
    (void)world_post(world, 0, 0);
    flue_ndis_check_end(world->fakes.ndis);
}

static void receive_completes_twice(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_post(world, 0, 0);

    world_fill(world, nbl, SUCCESS, 0);
    world_fill(world, nbl, SUCCESS, 0);
}

static void forward_never_completes(struct world *world)
{
    (void)NdisOffloadTcpForward(world_handle(world), world_segment(world));
    flue_ndis_check_end(world->fakes.ndis);
}

static void forward_completes_twice(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_segment(world);

    (void)NdisOffloadTcpForward(world_handle(world), nbl);
    world_complete(world, FORWARD, nbl, SUCCESS, 0);
    world_complete(world, FORWARD, nbl, SUCCESS, 0);
}

static void reset_hands_sends_back(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_send(world, 300);
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree;

    world_comes(world, 0, 0, FLUE_TCP_RST);
    world_event(world, TcpIndicateAbort, 0);
    world_terminate(world);
    tree = world->fakes.miniport.tree;
    tree->NetBufferListChain = nbl;
    world->t.Delegated.SendDataHead = world->t.Delegated.SendDataTail = nbl;
    world_terminated(world);
}

/* ---- Too early, too late, about nothing ---- */

static struct owned_handle early;

static void sends_while_initiated(struct world *world)
{
    world_offer_another(world, &early, NULL);
    (void)NdisOffloadTcpSend(&early.handle, world_list(world, 10));
}

static void indicates_while_initiated(struct world *world)
{
    ULONG consumed = 0;

    world_offer_another(world, &early, NULL);
    (void)world->fakes.miniport.up.NdisTcpOffloadReceiveHandler(&early.handle, world_arrived(world, 5), SUCCESS,
                                                                &consumed);
}

static void indicates_of_a_path(struct world *world)
{
    ULONG consumed = 0;

    (void)world->fakes.miniport.up.NdisTcpOffloadReceiveHandler(&world->path.handle, world_arrived(world, 5), SUCCESS,
                                                                &consumed);
}

static void retrieves_a_path(struct world *world)
{
    world->fakes.miniport.up.NdisTcpOffloadEventHandler(&world->path.handle, TcpIndicateRetrieve, UploadRequested);
}

static void speaks_of_what_is_gone(struct world *world)
{
    world_terminate(world);
    world_terminated(world);
    world_event(world, TcpIndicateSendBacklogChange, 1000);
}

static void indicates_of_what_is_gone(struct world *world)
{
    world_terminate(world);
    world_terminated(world);
    (void)world_indicate(world, world_arrived(world, 5), SUCCESS, 5);
}

static void inherits_data(struct world *world)
{
    world->t.Delegated.BufferedData = world_arrived(world, 5);
    world->t.Delegated.RcvNxt += 5;
    world->came = 5;
}

static void indicates_inherited_data_at_once(struct world *world)
{
    world->received = 0;
    (void)world_indicate(world, world_arrived(world, 5), SUCCESS, 5);
}

static void delivers_newer_data_first(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_post(world, 10, 0);

    world_comes(world, 20, 0, 0);
    world->received = 5;
    world_fill(world, nbl, SUCCESS, 10);
}

/* ---- Closing ---- */

static void aborts_without_a_reset(struct world *world)
{
    world_comes(world, 0, 0, 0); /* frames are shown */
    (void)world_disconnect(world, 0, TCP_DISCONNECT_ABORTIVE_CLOSE);
    flue_ndis_check_end(world->fakes.ndis);
}

/* ---- Frames ---- */

static void invalidate(struct world *world)
{
    static NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

    memset(&block, 0, sizeof block);
    block.Header = (NDIS_OBJECT_HEADER){TcpOffloadState, 2, sizeof block};
    block.OffloadHandle = &world->tcp.handle;
    world_comes(world, 0, 0, 0);
    NdisInvalidateOffload(world->fakes.protocol.bindings[0].handle, &block);
    world->fakes.miniport.tree->Status = SUCCESS;
    NdisMInvalidateOffloadComplete(adapter_of(world), world->fakes.miniport.tree);
}

static void sends_when_invalid(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 300, 0, 0);

    (void)world_send(world, 300);
    invalidate(world);
    world_leaves(world, &frame);
}

static void acknowledges_when_invalid(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 0, 0, 0);

    invalidate(world);
    world_leaves(world, &frame);
}

static void agreed_on_no_timestamps(struct world *world)
{
    world->t.Const.Flags = 0;
}

static void leaves_plainly(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 0, 0, 0);

    world_leaves(world, &frame);
}

static void has_a_source_address(struct world *world)
{
    world->n.Const.DlSourceAddress[0] = 2;
}

static void leaves_from_another_address(struct world *world)
{
    struct flue_frame frame = world_frame(world, 0, 0, 0, 0);

    frame.src_mac[0] = 6;
    world_leaves(world, &frame);
}

/* ---- Timers at the hand-over ---- */

static void retransmit_runs(struct world *world)
{
    world->t.Delegated.Retransmit.TimeoutDelta = 100;
}

static void keepalive_runs(struct world *world)
{
    world->t.Delegated.KeepAlive.TimeoutDelta = 100;
}

static void address_missing(struct world *world)
{
    world->p.Const.SourceAddress = NULL;
}

static void hands_over(struct world *world)
{
    (void)world;
}

/* ---- Generic events ---- */

static PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST query_of(FLUE_NEIGHBOR_BLOCK *query, struct world *world)
{
    memset(query, 0, sizeof *query);
    query->Block.Header = (NDIS_OBJECT_HEADER){NeighborOffloadState, 1, sizeof query->Block};
    query->Block.OffloadHandle = &world->neighbor.handle;
    query->Const.Header.Length = sizeof query->Const;
    query->Cached.Header.Length = sizeof query->Cached;
    query->Delegated.Header.Length = sizeof query->Delegated;
    return flue_block_to_miniport(&query->Block);
}

static void ask(struct world *world, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, ULONG code)
{
    NdisMOffloadEventIndicate(adapter_of(world), block, code);
}

static void two_blocks_in_an_event(struct world *world)
{
    FLUE_NEIGHBOR_BLOCK a, b;
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block = query_of(&a, world);

    block->NextBlock = query_of(&b, world);
    ask(world, block, NeighborReachabilityQuery);
}

static void query_without_a_block(struct world *world)
{
    ask(world, NULL, NeighborReachabilityQuery);
}

static void block_without_a_query(struct world *world)
{
    FLUE_NEIGHBOR_BLOCK query;

    ask(world, query_of(&query, world), NeighborReachabilityQuery + 7);
}

static void raises_in_doubt(struct world *world)
{
    ask(world, NULL, NeighborReachabilityInDoubt);
}

static void query_has_no_revision(struct world *world)
{
    FLUE_NEIGHBOR_BLOCK query;
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block = query_of(&query, world);

    block->Header.Revision = 0;
    ask(world, block, NeighborReachabilityQuery);
}

static void query_has_a_failure(struct world *world)
{
    FLUE_NEIGHBOR_BLOCK query;
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block = query_of(&query, world);

    block->Status = NDIS_STATUS_FAILURE;
    ask(world, block, NeighborReachabilityQuery);
}

static void query_without_state(struct world *world)
{
    FLUE_NEIGHBOR_BLOCK query;
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block = query_of(&query, world);

    query.Const.Header.Length = 0;
    ask(world, block, NeighborReachabilityQuery);
}

static void query_without_delegated_state(struct world *world)
{
    FLUE_NEIGHBOR_BLOCK query;
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block = query_of(&query, world);

    query.Delegated.Header.Length = 0;
    ask(world, block, NeighborReachabilityQuery);
}

static void query_is_not_answered(struct world *world)
{
    FLUE_NEIGHBOR_BLOCK query;

    world->fakes.protocol.mute = 1;
    ask(world, query_of(&query, world), NeighborReachabilityQuery);
}

static void changes_the_source_of_an_event(struct world *world)
{
    FLUE_NEIGHBOR_BLOCK query;

    world->fakes.protocol.spoils = 1;
    ask(world, query_of(&query, world), NeighborReachabilityQuery);
}

#define H FLUE_PARTY_HOST
#define T FLUE_PARTY_TARGET
#define PREPARED(rule_, party_, act_, prepare_)                                                                        \
    {                                                                                                                  \
        .rule = (rule_), .party = (party_), .act = (act_), .prepare = (prepare_), .name = #act_                        \
    }

const struct violator violators[] = {
    VIOLATOR(32, H, changes_the_source_of_an_event, 0),
    VIOLATOR(55, H, sends_while_initiated, 0),
    VIOLATOR(56, T, indicates_while_initiated, 0),
    VIOLATOR(72, T, indicates_of_a_path, 0),
    PREPARED(73, T, inherited_send_never_completes, inherits_a_send),
    {.rule = 73,
     .party = T,
     .act = inherited_send_is_lost,
     .prepare = inherits_a_send,
     .name = "inherited_send_is_lost"},
    PREPARED(77, T, indicates_inherited_data_at_once, inherits_data),
    PREPARED(77, T, delivers_newer_data_first, inherits_data),
    VIOLATOR(106, T, sends_when_invalid, 0),
    {.rule = 107, .party = T, .act = acknowledges_when_invalid, .strict = 1, .name = "acknowledges_when_invalid"},
    VIOLATOR(132, T, retrieves_a_path, 0),
    VIOLATOR(133, T, speaks_of_what_is_gone, 0),
    VIOLATOR(133, T, indicates_of_what_is_gone, 0),
    {.rule = 148, .party = H, .act = hands_over, .prepare = address_missing, .name = "address_missing"},
    VIOLATOR(157, T, send_never_completes, 0),
    VIOLATOR(182, T, receive_never_completes, 0),
    VIOLATOR(182, T, receive_completes_twice, 0),
    VIOLATOR(221, T, aborts_without_a_reset, 0),
    VIOLATOR(240, T, forward_never_completes, 0),
    VIOLATOR(240, T, forward_completes_twice, 0),
    VIOLATOR(253, T, reset_hands_sends_back, 0),
    VIOLATOR(264, T, two_blocks_in_an_event, 0),
    VIOLATOR(265, T, query_without_a_block, 0),
    VIOLATOR(265, T, block_without_a_query, 0),
    VIOLATOR(266, T, raises_in_doubt, 0),
    VIOLATOR(267, T, query_has_no_revision, 0),
    VIOLATOR(267, T, query_has_a_failure, 0),
    VIOLATOR(268, T, query_without_state, 0),
    VIOLATOR(268, T, query_without_delegated_state, 0),
    VIOLATOR(271, H, query_is_not_answered, 0),
    PREPARED(272, T, leaves_from_another_address, has_a_source_address),
    PREPARED(279, T, leaves_plainly, agreed_on_no_timestamps),
    {.rule = 293, .party = H, .act = hands_over, .prepare = retransmit_runs, .name = "retransmit_runs"},
    {.rule = 293, .party = H, .act = hands_over, .prepare = keepalive_runs, .name = "keepalive_runs"},
};

const size_t violator_count = sizeof violators / sizeof violators[0];
