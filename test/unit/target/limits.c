/* SPDX-License-Identifier: GPL-2.0-only */
/* Every status of an initiate, by its limit (behaviour 7.2, 7.4, CH-064 to CH-070); the documentation's examples of
 * trees (7.3, 3.5) and of inherited sends (7.7); both families of addresses; trees of thousands. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

enum { OK = NDIS_STATUS_SUCCESS, NO = NDIS_STATUS_FAILURE, PART = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS };

/* A tree of any shape: what a test wants of up to so many objects. */
enum { BRANCH_MAX = 8 };
struct branches {
    NDIS_OFFLOAD_HANDLE neighbour_handle[BRANCH_MAX], path_handle[BRANCH_MAX], tcp_handle[BRANCH_MAX];
    FLUE_NEIGHBOR_BLOCK neighbour[BRANCH_MAX];
    FLUE_PATH_BLOCK path[BRANCH_MAX];
    FLUE_TCP_BLOCK tcp[BRANCH_MAX];
    UCHAR local[BRANCH_MAX][16], remote[BRANCH_MAX][16];
};

/* Copies of what rig_tree() makes, unlinked, with addresses of their own. */
static struct branches *grow(struct rig *rig)
{
    static struct branches memory;
    struct branches *branches = &memory;

    memset(branches, 0, sizeof *branches);
    rig_tree(rig, RIG_CONNS);
    for (unsigned i = 0; i < BRANCH_MAX; i++) {
        branches->neighbour[i] = rig->neighbour;
        branches->path[i] = rig->path;
        branches->tcp[i] = rig->conns[i].block;
        branches->neighbour[i].Block.OffloadHandle = &branches->neighbour_handle[i];
        branches->path[i].Block.OffloadHandle = &branches->path_handle[i];
        branches->tcp[i].Block.OffloadHandle = &branches->tcp_handle[i];
        branches->neighbour[i].Block.DependentBlockList = NULL;
        branches->path[i].Block.DependentBlockList = NULL;
        branches->tcp[i].Block.NextBlock = NULL;
        memcpy(branches->local[i], (const UCHAR[4]){10, 0, (UCHAR)i, 1}, 4);
        memcpy(branches->remote[i], (const UCHAR[4]){10, 0, 0, 2}, 4);
        branches->path[i].Const.SourceAddress = branches->local[i];
        branches->path[i].Const.DestinationAddress = branches->remote[i];
    }
    return branches;
}

/* Takes everything back that was taken in, one layer after the other. */
static void fell(struct rig *rig, struct branches *branches)
{
    for (unsigned layer = 3; layer >= 1; layer--) {
        for (unsigned i = 0; i < BRANCH_MAX; i++) {
            PNDIS_OFFLOAD_HANDLE handle = layer == 3   ? &branches->tcp_handle[i]
                                          : layer == 2 ? &branches->path_handle[i]
                                                       : &branches->neighbour_handle[i];
            NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

            if (handle->MiniportOffloadContext != NULL) {
                rig_block(&block,
                          layer == 3   ? TcpOffloadState
                          : layer == 2 ? Ip4OffloadState
                                       : NeighborOffloadState,
                          2, handle);
                NdisTerminateOffload(rig->binding, &block);
                rig_wait(rig, 50 * RIG_US);
                assert_int_equal(block.Status, OK);
                rig_free_chain(block.NetBufferListChain);
            }
        }
    }
    rig_free(rig);
}

static int poor(void *ctx, const struct flue_tcp_state *state)
{
    (void)ctx;
    return state->remote_port == 2001;
}

struct limit {
    const char *name;
    void (*set)(struct flue_target_params *params, struct branches *branches);
    unsigned layer; /* of the second object, which hits the limit */
    int32_t status;
};

static void set_mac(struct flue_target_params *params, struct branches *branches)
{
    params->source_mac_max = 1;
    branches->neighbour[0].Const.DlSourceAddress[0] = 2;
    branches->neighbour[1].Const.DlSourceAddress[0] = 4;
}
static void set_vlan_trackers(struct flue_target_params *params, struct branches *branches)
{
    params->vlan_max = 1;
    branches->neighbour[0].Const.VlanId = 2;
    branches->neighbour[1].Const.VlanId = 3;
}
static void set_vlan_ids(struct flue_target_params *params, struct branches *branches)
{
    params->vlan_max = 4;
    params->vlan_count = 2;
    params->vlan[0] = 2;
    params->vlan[1] = 4;
    branches->neighbour[0].Const.VlanId = 4;
    branches->neighbour[1].Const.VlanId = 3;
}
static void set_neighbours(struct flue_target_params *params, struct branches *branches)
{
    (void)branches;
    params->neighbour_max = 1;
}
static void set_addresses(struct flue_target_params *params, struct branches *branches)
{
    (void)branches;
    params->address_max = 1;
}
static void set_mtu(struct flue_target_params *params, struct branches *branches)
{
    (void)params;
    branches->path[1].Cached.PathMtu = 1501;
}
static void set_paths(struct flue_target_params *params, struct branches *branches)
{
    (void)branches;
    params->path_max = 1;
}
static void set_connections(struct flue_target_params *params, struct branches *branches)
{
    (void)branches;
    params->tcp_max = 1;
}
static void set_window(struct flue_target_params *params, struct branches *branches)
{
    params->rcv_wnd_max_bytes = RIG_WINDOW;
    branches->tcp[1].Cached.InitialRcvWnd = RIG_WINDOW + 1;
}
static void set_xmit(struct flue_target_params *params, struct branches *branches)
{
    (void)branches;
    params->xmit_buffer_bytes = RIG_WINDOW * 2 - 1;
}
static void set_rcv(struct flue_target_params *params, struct branches *branches)
{
    (void)branches;
    params->rcv_buffer_bytes = RIG_WINDOW * 2 - 1;
}
static void set_judge(struct flue_target_params *params, struct branches *branches)
{
    (void)branches;
    params->judge.poor = poor;
}
static void set_judge_6_1(struct flue_target_params *params, struct branches *branches)
{
    set_judge(params, branches);
    params->ddi.ndis_version = FLUE_NDIS_6_1; /* CH-070: that status does not exist yet */
}

/* Two branches neighbour -> path -> connection; the second hits one limit (CH-064). */
static void answers_with_the_status_of_the_limit(void **state)
{
    static const struct limit limits[] = {
        {"source MACs", set_mac, 1, NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES},
        {"VLAN trackers", set_vlan_trackers, 1, NDIS_STATUS_OFFLOAD_VLAN_ENTRIES},
        {"VLAN ids", set_vlan_ids, 1, NDIS_STATUS_OFFLOAD_VLAN_MISMATCH},
        {"neighbours", set_neighbours, 1, NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES},
        {"source addresses", set_addresses, 2, NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES},
        {"MTU", set_mtu, 2, NDIS_STATUS_OFFLOAD_PATH_MTU},
        {"paths", set_paths, 2, NDIS_STATUS_OFFLOAD_PATH_ENTRIES},
        {"connections", set_connections, 3, NDIS_STATUS_OFFLOAD_TCP_ENTRIES},
        {"window", set_window, 3, NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW},
        {"send buffers", set_xmit, 3, NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER},
        {"receive buffers", set_rcv, 3, NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER},
        {"judgement", set_judge, 3, NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED},
        {"judgement in 6.1", set_judge_6_1, 0, OK},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct rig *rig = rig_new();
        struct branches *branches = grow(rig);
        const unsigned layer = limits[i].layer;

        limits[i].set(&rig->params, branches);
        rig_build(rig);
        for (unsigned twice = 0; twice < 2; twice++) {
            branches->neighbour[twice].Block.DependentBlockList = &branches->path[twice].Block;
            branches->path[twice].Block.DependentBlockList = &branches->tcp[twice].Block;
        }
        branches->neighbour[0].Block.NextBlock = &branches->neighbour[1].Block;
        rig_initiate(rig, &branches->neighbour[0].Block);
        rig_wait(rig, 100 * RIG_US);
        assert_int_equal(branches->neighbour[0].Block.Status, OK);
        assert_int_equal(branches->path[0].Block.Status, OK);
        assert_int_equal(branches->tcp[0].Block.Status, OK);
        assert_int_equal(branches->neighbour[1].Block.Status, layer == 1 ? limits[i].status : layer == 2 ? PART : OK);
        assert_int_equal(branches->path[1].Block.Status, layer == 1   ? NO
                                                         : layer == 2 ? limits[i].status
                                                         : layer == 3 ? PART
                                                                      : OK);
        assert_int_equal(branches->tcp[1].Block.Status, layer == 3 ? limits[i].status : layer == 0 ? OK : NO);
        fell(rig, branches); /* what was booked for the refused is free again: fell() finds nothing left */
    }
}

/* CH-128: what is given back makes room: another take-in of the same things succeeds. */
static void makes_room_again(void **state)
{
    struct rig *rig = rig_new();
    struct branches *branches = grow(rig);

    (void)state;
    rig->params.source_mac_max = 1;
    rig->params.vlan_max = 1;
    rig->params.address_max = 1;
    rig->params.xmit_buffer_bytes = RIG_WINDOW;
    rig->params.rcv_buffer_bytes = RIG_WINDOW;
    rig_build(rig);
    for (unsigned i = 0; i < 3; i++) {
        branches->neighbour[i].Const.DlSourceAddress[0] = (UCHAR)(2 * i + 2);
        branches->neighbour[i].Const.VlanId = (i + 1) & 0xFFFu;
        branches->neighbour[i].Block.DependentBlockList = &branches->path[i].Block;
        branches->path[i].Block.DependentBlockList = &branches->tcp[i].Block;
        rig_initiate(rig, &branches->neighbour[i].Block);
        rig_wait(rig, 50 * RIG_US);
        assert_int_equal(branches->neighbour[i].Block.Status, OK);
        assert_int_equal(branches->tcp[i].Block.Status, OK);
        rig->conns[0].handle = branches->tcp_handle[i];
        rig->path_handle = branches->path_handle[i];
        rig->neighbour_handle = branches->neighbour_handle[i];
        rig_finish(rig, 1);
    }
    rig_free(rig);
}

/* Behaviour 7.3: T2 fails, P2 fails, T3 is not attempted; and with a sibling of P2 behind it, both readings (D-11). */
static void follows_the_published_example(void **state)
{
    (void)state;
    for (unsigned stop = 0; stop < 2; stop++) {
        struct rig *rig = rig_new();
        struct branches *branches = grow(rig);
        FLUE_TCP_BLOCK *tcp = branches->tcp;

        rig->params.ddi.walk_failure_stop = (uint8_t)stop;
        rig_build(rig);
        branches->neighbour[0].Block.DependentBlockList = &branches->path[0].Block;
        branches->path[0].Block.NextBlock = &branches->path[1].Block;
        branches->path[1].Block.NextBlock = &branches->path[2].Block;
        branches->path[0].Block.DependentBlockList = &tcp[0].Block;
        tcp[0].Block.NextBlock = &tcp[1].Block;
        branches->path[1].Block.DependentBlockList = &tcp[2].Block;
        branches->path[2].Block.DependentBlockList = &tcp[3].Block;
        tcp[1].Cached.InitialRcvWnd = 1u << 21;
        branches->path[1].Cached.PathMtu = 9000;
        tcp[1].Block.NetBufferListChain = rig_nbl(rig, 1, 0, 10);
        tcp[1].Block.NetBufferListChain->Status = 4711;
        rig_initiate(rig, &branches->neighbour[0].Block);
        rig_wait(rig, 50 * RIG_US);
        assert_int_equal(branches->neighbour[0].Block.Status, PART);
        assert_int_equal(branches->path[0].Block.Status, PART);
        assert_int_equal(tcp[0].Block.Status, OK);
        assert_int_equal(tcp[1].Block.Status, NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW);
        assert_int_equal(tcp[1].Block.NetBufferListChain->Status, 4711); /* CH-074 */
        assert_int_equal(branches->path[1].Block.Status, NDIS_STATUS_OFFLOAD_PATH_MTU);
        assert_int_equal(tcp[2].Block.Status, NO);
        assert_int_equal(branches->path[2].Block.Status, stop ? NO : OK);
        assert_int_equal(tcp[3].Block.Status, stop ? NO : OK);
        assert_int_equal(branches->tcp_handle[3].MiniportOffloadContext != NULL, !stop);
        rig_free_chain(tcp[1].Block.NetBufferListChain);
        fell(rig, branches);
    }
}

/* Behaviour 3.5: N1 P1 T1 T2 P2 T3 N2 P3 T4 T5, seen by what is left for whom (CH-045). */
static void walks_depth_first(void **state)
{
    static const int taken_of[] = {1, 2, 3, 4, 5};

    (void)state;
    for (size_t most = 0; most < COUNT_OF(taken_of); most++) {
        struct rig *rig = rig_new();
        struct branches *branches = grow(rig);
        FLUE_TCP_BLOCK *tcp = branches->tcp;

        rig->params.tcp_max = (uint32_t)taken_of[most];
        rig_build(rig);
        branches->neighbour[0].Block.NextBlock = &branches->neighbour[1].Block;
        branches->neighbour[0].Block.DependentBlockList = &branches->path[0].Block;
        branches->path[0].Block.NextBlock = &branches->path[1].Block;
        branches->neighbour[1].Block.DependentBlockList = &branches->path[2].Block;
        branches->path[0].Block.DependentBlockList = &tcp[0].Block;
        tcp[0].Block.NextBlock = &tcp[1].Block;
        branches->path[1].Block.DependentBlockList = &tcp[2].Block;
        branches->path[2].Block.DependentBlockList = &tcp[3].Block;
        tcp[3].Block.NextBlock = &tcp[4].Block;
        rig_initiate(rig, &branches->neighbour[0].Block);
        rig_wait(rig, 50 * RIG_US);
        for (int i = 0; i < 5; i++) {
            assert_int_equal(tcp[i].Block.Status, i < taken_of[most] ? OK : NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
        }
        fell(rig, branches);
    }
}

/* Behaviour 7.7: SndNxt - SndUna = 1000, SndMax - SndUna = 1600, three lists of 600, 800 and 600 bytes. */
static void goes_on_where_the_host_was(void **state)
{
    static const uint32_t lists[] = {600, 800, 600};
    struct rig *rig = rig_new();
    TCP_OFFLOAD_STATE_DELEGATED *delegated = &rig->conns[0].block.Delegated;
    PNET_BUFFER_LIST *link = &rig->conns[0].block.Block.NetBufferListChain;
    uint64_t offset = 0;

    (void)state;
    rig_build(rig);
    rig_tree(rig, 1);
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        *link = rig_nbl(rig, 0, offset, lists[i]);
        delegated->SendDataTail = *link;
        link = &(*link)->Next;
        offset += lists[i];
    }
    delegated->SendDataHead = rig->conns[0].block.Block.NetBufferListChain;
    delegated->SndNxt = delegated->SndUna + 1000;
    delegated->SndMax = delegated->SndUna + 1600;
    delegated->Retransmit.TimeoutDelta = 200;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 20 * RIG_US);
    rig_send(rig, 0, 2000, 500);
    rig_wait(rig, 50 * RIG_US);
    /* CH-080: [SndNxt, SndMax) first, then what was never sent, then what came later. */
    assert_int_equal(rig->out[0].frame.seq, (uint32_t)(RIG_SND_UNA + 1000));
    for (unsigned i = 1; i < rig->sent; i++) {
        const struct flue_frame *before = &rig->out[i - 1].frame;

        assert_int_equal(rig->out[i].frame.seq, before->seq + before->payload.length_bytes);
    }
    assert_int_equal(rig->out[rig->sent - 1].frame.seq + rig->out[rig->sent - 1].frame.payload.length_bytes,
                     (uint32_t)(RIG_SND_UNA + 2500));
    rig_peer(rig, 0, 0, 2500, 0, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_SENT), 4);
    rig_finish(rig, 1);
    rig_free(rig);
}

static void takes_ipv6_paths(void **state)
{
    struct rig *rig = rig_new();
    struct branches *branches = grow(rig);
    struct flue_frame frame = rig_segment(0, 0, 0, 100, FLUE_TCP_ACK | FLUE_TCP_PSH);
    FLUE_PATH_BLOCK query;

    (void)state;
    rig->params.ipv6 = 1;
    rig_build(rig);
    for (unsigned i = 0; i < 16; i++) {
        branches->local[0][i] = (UCHAR)(0x20 + i);
        branches->remote[0][i] = (UCHAR)(0x40 + i);
    }
    branches->path[0].Block.Header.Type = Ip6OffloadState;
    branches->tcp[0].Cached.FlowLabel = 0xABCDE;
    branches->tcp[0].Block.OffloadHandle = &rig->conns[0].handle;
    branches->neighbour[0].Block.DependentBlockList = &branches->path[0].Block;
    branches->path[0].Block.DependentBlockList = &branches->tcp[0].Block;
    rig_initiate(rig, &branches->neighbour[0].Block);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(branches->neighbour[0].Block.Status, OK);
    assert_int_equal(branches->tcp[0].Block.Status, OK);
    rig_send(rig, 0, 0, 3000);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig->out[0].frame.ethertype, FLUE_ETHERTYPE_IPV6);
    assert_int_equal(rig->out[0].frame.src_ip.word[0], 0x20212223);
    assert_int_equal(rig->out[0].frame.dst_ip.word[3], 0x4C4D4E4F);
    assert_int_equal(rig->out[0].frame.flow_label, 0xABCDE);
    assert_int_equal(rig->out[0].frame.payload.length_bytes, 1440); /* the header is 20 bytes longer */
    frame.ethertype = FLUE_ETHERTYPE_IPV6;
    frame.src_ip = rig->out[0].frame.dst_ip;
    frame.dst_ip = rig->out[0].frame.src_ip;
    frame.ack += 3000;
    flue_target_receive(rig->target, &frame, rig->env.now_ps);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 0)->bytes, 100);
    branches->tcp_handle[0] = rig->conns[0].handle;
    rig_block(&query.Block, Ip6OffloadState, 1, &branches->path_handle[0]);
    NdisQueryOffloadState(rig->binding, &query.Block);
    rig_wait(rig, 50 * RIG_US);
    assert_memory_equal(query.Const.SourceAddress, branches->local[0], 16);
    assert_memory_equal(query.Const.DestinationAddress, branches->remote[0], 16);
    fell(rig, branches);
}

/* The walk is a loop over siblings; only the layers nest. */
static void takes_thousands(void **state)
{
    enum { MANY = 3000 };
    struct many {
        NDIS_OFFLOAD_HANDLE handle;
        FLUE_TCP_BLOCK block;
        FLUE_TCP_TERMINATE_BLOCK end;
    } *many = calloc(MANY, sizeof *many);
    struct rig *rig = rig_new();
    struct flue_target_totals totals;

    (void)state;
    assert_non_null(many);
    rig->params.tcp_max = MANY;
    rig_build(rig);
    rig_tree(rig, 1);
    for (unsigned i = 0; i < MANY; i++) {
        many[i].block = rig->conns[0].block;
        many[i].block.Block.OffloadHandle = &many[i].handle;
        many[i].block.Const.RemotePort = (USHORT)(i + 1);
        many[i].block.Const.HashValue = i;
        many[i].block.Block.NextBlock = i + 1 < MANY ? &many[i + 1].block.Block : NULL;
        rig_block(&many[i].end.Block, TcpOffloadDelegatedState, 2, &many[i].handle);
        many[i].end.Delegated.Header.Length = sizeof many[i].end.Delegated;
        many[i].end.Block.NextBlock = i + 1 < MANY ? &many[i + 1].end.Block : NULL;
    }
    rig->path.Block.DependentBlockList = &many[0].block.Block;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 10 * FLUE_PS_PER_MS);
    assert_int_equal(rig->path.Block.Status, OK);
    flue_target_totals(rig->target, &totals);
    assert_int_equal(totals.connections, MANY);
    rig_terminate(rig, 0, 1); /* both parents are still needed */
    rig_wait(rig, 10 * FLUE_PS_PER_MS);
    assert_int_equal(rig->neighbour_end.block.Status, NO);
    NdisTerminateOffload(rig->binding, &many[0].end.Block);
    rig_wait(rig, 10 * FLUE_PS_PER_MS);
    assert_int_equal(many[MANY - 1].end.Block.Status, OK);
    flue_target_totals(rig->target, &totals);
    assert_int_equal(totals.connections + totals.paths + totals.neighbours, 0); /* their end was final (D-32) */
    assert_int_equal(flue_target_objects_live(rig->target), 0);
    rig_free(rig);
    free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_with_the_status_of_the_limit),
        cmocka_unit_test(makes_room_again),
        cmocka_unit_test(follows_the_published_example),
        cmocka_unit_test(walks_depth_first),
        cmocka_unit_test(goes_on_where_the_host_was),
        cmocka_unit_test(takes_ipv6_paths),
        cmocka_unit_test(takes_thousands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
