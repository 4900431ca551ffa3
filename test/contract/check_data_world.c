/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check_data_world.h"

enum { LOCAL_PORT = 80, REMOTE_PORT = 10000 };

static void on_finding(void *ctx, const struct flue_finding *finding)
{
    struct world *world = ctx;

    if (world->count == 0) {
        world->party = finding->party;
    }
    assert_true(finding->seen[0] != '\0');
    if (world->count < FOUND_MAX) {
        world->found[world->count++] = finding->rule;
    }
}

static USHORT net_order(unsigned port)
{
    return (USHORT)((port & 255u) << 8 | port >> 8);
}

static void lay_out(struct world *world)
{
    static const uint8_t local[4] = {10, 0, 0, 1}, remote[4] = {10, 1, 0, 0};

    memcpy(world->local, local, 4);
    memcpy(world->remote, remote, 4);
    world->neighbor.protocol = world->path.protocol = world->tcp.protocol = &world->fakes.protocol;
    world->n.Block.Header = (NDIS_OBJECT_HEADER){NeighborOffloadState, 1, sizeof world->n.Block};
    world->n.Block.OffloadHandle = &world->neighbor.handle;
    world->n.Block.DependentBlockList = &world->p.Block;
    world->n.Const.Header.Length = sizeof world->n.Const;
    world->n.Cached.Header.Length = sizeof world->n.Cached;
    world->n.Delegated.Header.Length = sizeof world->n.Delegated;
    world->p.Block.Header = (NDIS_OBJECT_HEADER){Ip4OffloadState, 1, sizeof world->p.Block};
    world->p.Block.OffloadHandle = &world->path.handle;
    world->p.Block.DependentBlockList = &world->t.Block;
    world->p.Const.Header.Length = sizeof world->p.Const;
    world->p.Const.SourceAddress = world->local;
    world->p.Const.DestinationAddress = world->remote;
    world->p.Cached.Header.Length = sizeof world->p.Cached;
    world->p.Cached.PathMtu = 1500;
    world->p.Delegated.Header.Length = sizeof world->p.Delegated;
    world->t.Block.Header = (NDIS_OBJECT_HEADER){TcpOffloadState, 2, sizeof world->t.Block};
    world->t.Block.OffloadHandle = &world->tcp.handle;
    world->t.Const.Header.Length = sizeof world->t.Const;
    world->t.Const.Flags = TCP_FLAG_TIMESTAMP_ENABLED;
    world->t.Const.LocalPort = net_order(LOCAL_PORT);
    world->t.Const.RemotePort = net_order(REMOTE_PORT);
    world->t.Const.RemoteMss = 1460;
    world->t.Const.HashValue = 5;
    world->t.Cached.Header.Length = sizeof world->t.Cached;
    world->t.Cached.InitialRcvWnd = 65535;
    world->t.Delegated.Header.Length = sizeof world->t.Delegated;
    world->t.Delegated.State = TcpConnectionEstablished;
    world->t.Delegated.SndUna = world->t.Delegated.SndNxt = world->t.Delegated.SndMax = SND_UNA;
    world->t.Delegated.RcvNxt = RCV_NXT;
    world->t.Delegated.RcvWnd = 65535;
    world->t.Delegated.KeepAlive.TimeoutDelta = FLUE_TICKS_NONE;
    world->t.Delegated.Retransmit.TimeoutDelta = FLUE_TICKS_NONE;
}

static flue_err take_block(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, void *ctx)
{
    struct world *world = ctx;

    block->Status = NDIS_STATUS_SUCCESS;
    *block->MiniportOffloadContext = &world->contexts[world->taken++];
    return FLUE_OK;
}

void world_lay_out(struct world *world, const struct flue_ddi *ddi)
{
    const struct flue_ddi defaults = flue_ddi_defaults();
    const struct flue_check_sink sink = {.ctx = world, .finding = on_finding};

    memset(world, 0, sizeof *world);
    fakes_prepare(&world->fakes, 1);
    world->fakes.trace.emit = NULL;
    assert_int_equal(flue_ndis_check(world->fakes.ndis, FLUE_CHECK_COUNT, ddi == NULL ? &defaults : ddi, &sink),
                     FLUE_OK);
    fakes_start(&world->fakes);
    world->count = 0; /* what the fakes do at their start is none of this test's business */
    lay_out(world);
}

void world_offload(struct world *world)
{
    NdisInitiateOffload(world->fakes.protocol.bindings[0].handle, &world->n.Block);
    assert_int_equal(flue_block_walk(world->fakes.miniport.tree, take_block, world), FLUE_OK);
    NdisMInitiateOffloadComplete(world->fakes.miniport.adapter, world->fakes.miniport.tree);
}

void world_begin(struct world *world, const struct flue_ddi *ddi)
{
    world_lay_out(world, ddi);
    world_offload(world);
    assert_int_equal(world->count, 0);
}

void world_end(struct world *world)
{
    ndis_pool_free(world->fakes.spans);
    ndis_pool_free(world->fakes.frames);
    flue_ndis_free(world->fakes.ndis);
}

PNDIS_OFFLOAD_HANDLE world_handle(struct world *world)
{
    return &world->tcp.handle;
}

/* ---- The host ---- */

static PNET_BUFFER_LIST described(struct world *world, uint32_t stream, uint64_t offset, uint32_t bytes)
{
    const struct flue_span span = {.stream = stream, .offset_bytes = offset, .length_bytes = bytes};
    PNET_BUFFER_LIST nbl = ndis_nbl_get(world->fakes.spans);

    assert_non_null(nbl);
    if (bytes > 0) {
        assert_int_equal(ndis_nbl_append(nbl, &span), FLUE_OK);
    }
    return nbl;
}

PNET_BUFFER_LIST world_list(struct world *world, uint32_t bytes)
{
    world->sent += bytes;
    return described(world, SEND_ID, world->sent - bytes, bytes);
}

PNET_BUFFER_LIST world_room(struct world *world, uint32_t bytes)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(world->fakes.spans);

    ndis_nbl_set_room(nbl, bytes);
    return nbl;
}

PNET_BUFFER_LIST world_send(struct world *world, uint32_t bytes)
{
    PNET_BUFFER_LIST nbl = world_list(world, bytes);

    (void)NdisOffloadTcpSend(&world->tcp.handle, nbl);
    world->fakes.now_ps++;
    return nbl;
}

PNET_BUFFER_LIST world_post(struct world *world, uint32_t bytes, int no_push)
{
    PNET_BUFFER_LIST nbl = world_room(world, bytes);

    NET_BUFFER_LIST_INFO(nbl, TcpReceiveNoPush) = (PVOID)(uintptr_t)(no_push != 0);
    (void)NdisOffloadTcpReceive(&world->tcp.handle, nbl);
    world->fakes.now_ps++;
    return nbl;
}

PNET_BUFFER_LIST world_disconnect(struct world *world, uint32_t bytes, ULONG flags)
{
    PNET_BUFFER_LIST nbl = world_list(world, bytes);

    (void)NdisOffloadTcpDisconnect(&world->tcp.handle, nbl, flags);
    world->fakes.now_ps++;
    return nbl;
}

PNET_BUFFER_LIST world_segment(struct world *world)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(world->fakes.frames);

    *ndis_nbl_frame(nbl) = (struct flue_frame){.src_ip = flue_ip_v4(0x0A010000u),
                                               .dst_ip = flue_ip_v4(0x0A000001u),
                                               .src_port = REMOTE_PORT,
                                               .dst_port = LOCAL_PORT,
                                               .seq = RCV_NXT,
                                               .ack = SND_UNA,
                                               .flags = FLUE_TCP_ACK,
                                               .ethertype = FLUE_ETHERTYPE_IPV4};
    return nbl;
}

void world_offer_another(struct world *world, struct owned_handle *other, PNET_BUFFER_LIST buffered)
{
    static FLUE_TCP_BLOCK block;
    static FLUE_PATH_BLOCK path;
    static FLUE_NEIGHBOR_BLOCK neighbor;

    memset(other, 0, sizeof *other);
    other->protocol = &world->fakes.protocol;
    neighbor = world->n;
    path = world->p;
    block = world->t;
    memset(&neighbor.Block, 0, sizeof neighbor.Block);
    memset(&path.Block, 0, sizeof path.Block);
    memset(&block.Block, 0, sizeof block.Block);
    neighbor.Block.Header = (NDIS_OBJECT_HEADER){NeighborOffloadState, 1, sizeof neighbor.Block};
    neighbor.Block.OffloadHandle = &world->neighbor.handle;
    neighbor.Block.DependentBlockList = &path.Block;
    path.Block.Header = (NDIS_OBJECT_HEADER){Ip4OffloadState, 1, sizeof path.Block};
    path.Block.OffloadHandle = &world->path.handle;
    path.Block.DependentBlockList = &block.Block;
    block.Block.Header = (NDIS_OBJECT_HEADER){TcpOffloadState, 2, sizeof block.Block};
    block.Block.OffloadHandle = &other->handle;
    block.Const.LocalPort++;
    if (buffered != NULL) {
        block.Delegated.BufferedData = buffered;
    }
    NdisInitiateOffload(world->fakes.protocol.bindings[0].handle, &neighbor.Block);
}

void world_terminate(struct world *world)
{
    world->end.Block.Header = (NDIS_OBJECT_HEADER){TcpOffloadDelegatedState, 2, sizeof world->end.Block};
    world->end.Block.OffloadHandle = &world->tcp.handle;
    world->end.Delegated.Header.Length = sizeof world->end.Delegated;
    NdisTerminateOffload(world->fakes.protocol.bindings[0].handle, &world->end.Block);
    world->fakes.now_ps++;
}

/* ---- The target ---- */

static void hand_up(struct world *world, enum flue_point how, PNET_BUFFER_LIST nbl)
{
    const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *up = &world->fakes.miniport.up;
    const NDIS_HANDLE adapter = world->fakes.miniport.adapter;

    world->fakes.now_ps++;
    if (how == FLUE_POINT_ddi_send_complete) {
        up->NdisTcpOffloadSendComplete(adapter, nbl);
    } else if (how == FLUE_POINT_ddi_receive_complete) {
        up->NdisTcpOffloadReceiveComplete(adapter, nbl);
    } else if (how == FLUE_POINT_ddi_disconnect_complete) {
        up->NdisTcpOffloadDisconnectComplete(adapter, nbl);
    } else {
        up->NdisTcpOffloadForwardComplete(adapter, nbl);
    }
}

void world_complete(struct world *world, enum flue_point how, PNET_BUFFER_LIST nbl, NDIS_STATUS status, ULONG bytes)
{
    nbl->Status = status;
    NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)bytes;
    NdisAdvanceNetBufferDataStart(nbl->FirstNetBuffer, bytes, 0, NULL);
    hand_up(world, how, nbl);
}

void world_fill(struct world *world, PNET_BUFFER_LIST nbl, NDIS_STATUS status, ULONG bytes)
{
    const struct flue_span span = {.stream = RECV_ID, .offset_bytes = world->received, .length_bytes = bytes};
    ULONG placed = 0;

    if (bytes > 0) {
        assert_int_equal(ndis_nbl_fill(nbl, &span, &placed), FLUE_OK);
        assert_int_equal(placed, bytes);
    }
    world->received += bytes;
    world_complete(world, FLUE_POINT_ddi_receive_complete, nbl, status, bytes);
}

PNET_BUFFER_LIST world_arrived(struct world *world, uint32_t bytes)
{
    world->received += bytes;
    return described(world, RECV_ID, world->received - bytes, bytes);
}

NDIS_STATUS world_indicate(struct world *world, PNET_BUFFER_LIST nbl, NDIS_STATUS answer, ULONG consumed)
{
    ULONG taken = 0;

    world->fakes.protocol.answer = answer;
    world->fakes.protocol.consumed = consumed;
    world->fakes.now_ps++;
    return world->fakes.miniport.up.NdisTcpOffloadReceiveHandler(&world->tcp.handle, nbl, NDIS_STATUS_SUCCESS, &taken);
}

void world_event(struct world *world, ULONG type, ULONG information)
{
    world->fakes.now_ps++;
    world->fakes.miniport.up.NdisTcpOffloadEventHandler(&world->tcp.handle, type, information);
}

void world_terminated(struct world *world)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree = world->fakes.miniport.tree;
    const OFFLOAD_STATE_HEADER header = *flue_state_first(tree);
    PTCP_OFFLOAD_STATE_DELEGATED delegated = (PTCP_OFFLOAD_STATE_DELEGATED)(void *)flue_state_first(tree);

    *delegated = world->t.Delegated;
    delegated->Header = header;
    delegated->Header.Length = sizeof *delegated;
    tree->Status = NDIS_STATUS_SUCCESS;
    NdisMTerminateOffloadComplete(world->fakes.miniport.adapter, tree);
}

/* ---- The wire ---- */

void world_comes(struct world *world, uint32_t bytes, uint32_t acked, unsigned flags)
{
    const struct flue_frame frame = {
        .src_ip = flue_ip_v4(0x0A010000u),
        .dst_ip = flue_ip_v4(0x0A000001u),
        .src_port = REMOTE_PORT,
        .dst_port = LOCAL_PORT,
        .seq = RCV_NXT + world->came,
        .ack = SND_UNA + acked,
        .flags = (uint8_t)(FLUE_TCP_ACK | flags),
        .ethertype = FLUE_ETHERTYPE_IPV4,
        .payload = {.stream = RECV_ID, .offset_bytes = world->came, .length_bytes = bytes},
    };

    world->came += bytes;
    flue_ndis_check_frame(world->fakes.ndis, world->fakes.miniport.adapter, 0, &frame, world->fakes.now_ps);
}

struct flue_frame world_frame(struct world *world, uint32_t offset, uint32_t bytes, uint32_t ack, unsigned flags)
{
    (void)world;
    return (struct flue_frame){
        .src_ip = flue_ip_v4(0x0A000001u),
        .dst_ip = flue_ip_v4(0x0A010000u),
        .src_port = LOCAL_PORT,
        .dst_port = REMOTE_PORT,
        .seq = SND_UNA + offset,
        .ack = RCV_NXT + ack,
        .window = 65535,
        .flags = (uint8_t)(FLUE_TCP_ACK | flags),
        .options = FLUE_OPT_TIMESTAMP,
        .ts_val = 100,
        .ethertype = FLUE_ETHERTYPE_IPV4,
        .ip_id = 0x8001,
        .payload = {.stream = SEND_ID, .offset_bytes = offset, .length_bytes = bytes},
    };
}

void world_leaves(struct world *world, const struct flue_frame *frame)
{
    flue_ndis_check_frame(world->fakes.ndis, world->fakes.miniport.adapter, 1, frame, world->fakes.now_ps);
}

/* Whether the right rule was named first, and nothing that does not follow from it. */
static unsigned judge(const struct violator *violator, const struct world *world)
{
    unsigned wrong = world->count == 0 || world->found[0] != violator->rule || world->party != violator->party;

    if (wrong != 0) {
        print_error("CH-%03u, %s: %u findings, the first is CH-%03u\n", violator->rule, violator->name, world->count,
                    world->found[0]);
    }
    for (unsigned k = 1; k < world->count; k++) {
        if (world->found[k] != violator->followers[0] && world->found[k] != violator->followers[1]) {
            print_error("CH-%03u, %s: CH-%03u follows\n", violator->rule, violator->name, world->found[k]);
            wrong++;
        }
    }
    return wrong;
}

void violators_run(const struct violator *violators, size_t count)
{
    unsigned wrong = 0, bad;

    for (size_t i = 0; i < count; i++) {
        const struct violator *violator = &violators[i];
        struct flue_ddi ddi = flue_ddi_defaults();
        struct world world;

        ddi.invalidate_acks_none = violator->strict != 0;
        world_lay_out(&world, &ddi);
        if (violator->prepare != NULL) {
            violator->prepare(&world);
        }
        world_offload(&world);
        violator->act(&world);
        bad = judge(violator, &world);
        violator_told(violator->rule, violator->name, bad == 0);
        wrong += bad;
        world_end(&world);
    }
    assert_int_equal(wrong, 0);
}

void breaches_run(const struct breach *breaches, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct breach *breach = &breaches[i];
        struct world world;
        unsigned first;

        world_begin(&world, NULL);
        breach->act(&world);
        first = world.count == 0 ? 0 : world.found[0];
        if (first != breach->rule) {
            fail_msg("%s: found CH-%03u first, not CH-%03u", breach->name, first, breach->rule);
        }
        if (breach->rule != 0) {
            violator_told(breach->rule, breach->name, world.party == breach->party);
            assert_int_equal(world.party, breach->party);
            assert_true(flue_ndis_findings(world.fakes.ndis, breach->rule) > 0);
        }
        world_end(&world);
    }
}
