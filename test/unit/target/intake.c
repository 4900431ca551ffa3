/* SPDX-License-Identifier: GPL-2.0-only */
/* Initiate: statuses, the walk, silence until the completion has returned, inherited data. */
#include "rig.h"

static void takes_a_tree(void **state)
{
    struct rig *rig = rig_new();
    struct flue_target_totals totals;

    (void)state;
    rig_build(rig);
    rig_offload(rig, 3);
    assert_ptr_not_equal(rig->conns[0].handle.MiniportOffloadContext, rig->conns[1].handle.MiniportOffloadContext);
    flue_target_totals(rig->target, &totals);
    assert_int_equal(totals.neighbours, 1);
    assert_int_equal(totals.paths, 1);
    assert_int_equal(totals.connections, 3);
    assert_int_equal(totals.initiated, 3);
    rig_finish(rig, 3);
    flue_target_totals(rig->target, &totals);
    assert_int_equal(totals.neighbours + totals.paths + totals.connections, 0);
    assert_int_equal(totals.terminated, 3);
    rig_free(rig);
}

static void tells_parents_of_refused_dependents(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.tcp_max = 2;
    rig_build(rig);
    rig_tree(rig, 3);
    rig->conns[2].block.Block.NetBufferListChain = rig_nbl(rig, 2, 0, 100);
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    /* PARTIAL_SUCCESS is not transitive (behaviour 7.2). */
    assert_int_equal(rig->neighbour.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->path.Block.Status, NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS);
    assert_int_equal(rig->conns[0].block.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->conns[1].block.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->conns[2].block.Block.Status, NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
    assert_null(rig->conns[2].handle.MiniportOffloadContext);
    assert_int_equal(ndis_chain_bytes(rig->conns[2].block.Block.NetBufferListChain), 100);
    rig_free_chain(rig->conns[2].block.Block.NetBufferListChain);
    rig_finish(rig, 2);
    rig_free(rig);
}

struct refusal {
    const char *name;
    void (*spoil)(struct rig *rig);
    int32_t neighbour, path, tcp;
};

static void source_mac(struct rig *rig)
{
    rig->neighbour.Const.DlSourceAddress[0] = 2;
}
static void vlan(struct rig *rig)
{
    rig->neighbour.Const.VlanId = 5;
}
static void path_mtu(struct rig *rig)
{
    rig->path.Cached.PathMtu = 1501;
}
static void version_6(struct rig *rig)
{
    rig->path.Block.Header.Type = Ip6OffloadState;
}
static void window(struct rig *rig)
{
    rig->conns[0].block.Cached.InitialRcvWnd = (1u << 20) + 1;
}
static void closed(struct rig *rig)
{
    rig->conns[0].block.Delegated.State = TcpConnectionSynSent;
}
static void sequence(struct rig *rig)
{
    rig->conns[0].block.Delegated.SndUna = rig->conns[0].block.Delegated.SndMax + 1;
}

static void refuses_with_the_right_status(void **state)
{
    enum { OK = NDIS_STATUS_SUCCESS, NO = NDIS_STATUS_FAILURE, PART = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS };
    static const struct refusal cases[] = {
        {"source MAC", source_mac, NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES, NO, NO},
        {"VLAN", vlan, NDIS_STATUS_OFFLOAD_VLAN_ENTRIES, NO, NO},
        {"path MTU", path_mtu, PART, NDIS_STATUS_OFFLOAD_PATH_MTU, NO},
        {"IPv6", version_6, PART, NO, NO},
        {"window", window, OK, PART, NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW},
        {"state", closed, OK, PART, NO},
        {"SndUna > SndNxt", sequence, OK, PART, NO},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rig *rig = rig_new();
        const int neighbour_taken = cases[i].neighbour == OK || cases[i].neighbour == PART;
        const int path_taken = cases[i].path == OK || cases[i].path == PART;

        rig_build(rig);
        rig_tree(rig, 1);
        cases[i].spoil(rig);
        rig_initiate(rig, &rig->neighbour.Block);
        rig_wait(rig, 100 * RIG_US);
        assert_int_equal(rig->neighbour.Block.Status, cases[i].neighbour);
        assert_int_equal(rig->path.Block.Status, cases[i].path);
        assert_int_equal(rig->conns[0].block.Block.Status, cases[i].tcp);
        assert_int_equal(rig->neighbour_handle.MiniportOffloadContext != NULL, neighbour_taken);
        assert_int_equal(rig->path_handle.MiniportOffloadContext != NULL, path_taken);
        assert_null(rig->conns[0].handle.MiniportOffloadContext);
        if (path_taken) {
            rig_finish(rig, 0);
        } else if (neighbour_taken) {
            rig_terminate(rig, 0, 1);
            rig->path_end.OffloadHandle = NULL;
            rig_wait(rig, 100 * RIG_US);
            assert_int_equal(rig->neighbour_end.block.Status, NDIS_STATUS_SUCCESS);
        }
        rig_free(rig);
    }
}

static void refuses_when_the_tables_are_full(void **state)
{
    (void)state;
    for (unsigned layer = 0; layer < 2; layer++) {
        struct rig *rig = rig_new();

        rig->params.neighbour_max = layer == 0 ? 0 : 1;
        rig->params.path_max = 0;
        rig_build(rig);
        rig_tree(rig, 1);
        rig_initiate(rig, &rig->neighbour.Block);
        rig_wait(rig, 100 * RIG_US);
        if (layer == 0) {
            assert_int_equal(rig->neighbour.Block.Status, NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES);
        } else {
            assert_int_equal(rig->path.Block.Status, NDIS_STATUS_OFFLOAD_PATH_ENTRIES);
            rig_terminate(rig, 0, 1);
            rig->neighbour_end.block.DependentBlockList = NULL;
            rig_wait(rig, 100 * RIG_US);
        }
        rig_free(rig);
    }
}

/* D-12: a new path or connection hangs on an object; a placeholder is none.  It succeeds all the same. */
static void refuses_orphans(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_build(rig);
    rig_tree(rig, 2);
    rig->neighbour.Block.OffloadHandle = NULL;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->neighbour.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->path.Block.Status, NDIS_STATUS_FAILURE);
    assert_int_equal(rig->conns[0].block.Block.Status, NDIS_STATUS_FAILURE);
    assert_int_equal(rig->conns[1].block.Block.Status, NDIS_STATUS_FAILURE);
    rig_free(rig);
}

/* A placeholder, a linker, new connections: "add one connection on an existing path". */
static void adds_to_an_existing_path(void **state)
{
    struct rig *rig = rig_new();
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST top = {.Header = {NeighborOffloadState, 1, sizeof top}, .Status = -1};

    (void)state;
    rig->params.tcp_max = 3;
    rig_build(rig);
    rig_offload(rig, 2);
    for (unsigned round = 0; round < 2; round++) {
        rig_tree(rig, 4);
        top.DependentBlockList = &rig->path.Block;
        top.OffloadHandle = NULL;
        rig->path.Block.DependentBlockList = &rig->conns[2].block.Block;
        rig->conns[2].block.Block.NextBlock = round == 0 ? &rig->conns[3].block.Block : NULL;
        if (round == 1) {
            rig->path.Block.DependentBlockList = &rig->conns[3].block.Block;
        }
        rig_initiate(rig, &top);
        rig_wait(rig, 100 * RIG_US);
        assert_int_equal(top.Status, NDIS_STATUS_SUCCESS);
        assert_int_equal(rig->conns[3].block.Block.Status, NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
        /* Some dependents failed; then all of them did: FAILURE says nothing against the path itself. */
        assert_int_equal(rig->path.Block.Status,
                         round == 0 ? NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS : NDIS_STATUS_FAILURE);
    }
    rig_finish(rig, 3);
    rig_free(rig);
}

/* D-15: nothing is called up for an object of the tree before the completion of its initiate has returned. */
static void is_silent_until_the_completion(void **state)
{
    struct rig *rig = rig_new();
    flue_ps installed_ps;

    (void)state;
    rig->params.profile.dma_write_ps = 20 * RIG_US;
    rig->params.profile.moderation_ps = 50 * RIG_US;
    rig_build(rig);
    rig_tree(rig, 1);
    rig->conns[0].block.Block.NetBufferListChain = rig_nbl(rig, 0, 0, 1000);
    rig->conns[0].block.Delegated.SendDataHead = rig->conns[0].block.Block.NetBufferListChain;
    rig->conns[0].block.Delegated.SendDataTail = rig->conns[0].block.Block.NetBufferListChain;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 5 * RIG_US);
    /* It lives already: it transmits, receives, acknowledges. */
    installed_ps = rig->env.now_ps;
    assert_int_equal(rig->sent, 1);
    assert_int_equal(rig->out[0].frame.payload.length_bytes, 1000);
    rig_peer(rig, 0, 0, 1000, 700, FLUE_TCP_ACK | FLUE_TCP_PSH);
    rig_peer(rig, 0, 700, 1000, 700, FLUE_TCP_ACK | FLUE_TCP_FIN);
    assert_int_equal(rig->logged, 0);
    assert_true(rig->sent >= 2);
    assert_int_equal(rig->out[1].frame.ack, RIG_RCV_NXT + 1401);
    rig_wait(rig, 100 * RIG_US);
    assert_true(rig_find(rig, RIG_INITIATED, 0)->at_ps > installed_ps);
    assert_int_equal(rig_place(rig, RIG_INITIATED, 0), 0);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->bytes, 1000);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 0)->bytes, 1400);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateDisconnect);
    assert_true(rig_place(rig, RIG_INDICATED, 0) < rig_place(rig, RIG_EVENT, 0));
    rig_finish(rig, 1);
    rig_free(rig);
}

/* Behaviour 7.7: [SndNxt, SndMax) goes out first, then what was never sent. */
static void inherits_send_data(void **state)
{
    struct rig *rig = rig_new();
    struct ndis_chain chain = {0};

    (void)state;
    rig_build(rig);
    rig_tree(rig, 1);
    ndis_chain_append(&chain, rig_nbl(rig, 0, 0, 600));
    ndis_chain_append(&chain, rig_nbl(rig, 0, 600, 800));
    ndis_chain_append(&chain, rig_nbl(rig, 0, 1400, 600));
    rig->conns[0].block.Block.NetBufferListChain = chain.first;
    rig->conns[0].block.Delegated.SndNxt += 1000;
    rig->conns[0].block.Delegated.SndMax += 1600;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    assert_true(rig->sent >= 1);
    assert_int_equal(rig->out[0].frame.seq, RIG_SND_UNA + 1000);
    assert_int_equal(rig->out[0].frame.payload.offset_bytes, 1000);
    rig_peer(rig, 0, 0, 700, 0, FLUE_TCP_ACK);
    rig_wait(rig, 10 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_SENT), 1);
    rig_peer(rig, 0, 0, 2000, 0, FLUE_TCP_ACK);
    rig_wait(rig, 10 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_SENT), 3);
    assert_int_equal(rig_find(rig, RIG_SENT, 1)->extra, 2); /* in one call */
    rig_finish(rig, 1);
    rig_free(rig);
}

/* D-45: inherited data waits for a posted receive; a zero-byte one re-enables indications (CH-050). */
static void inherits_received_data(void **state)
{
    struct rig *rig = rig_new();
    PNET_BUFFER_LIST buffered, post;

    (void)state;
    rig_build(rig);
    rig_tree(rig, 1);
    buffered = rig_nbl(rig, 0, 5000, 300);
    rig->conns[0].block.Delegated.BufferedData = buffered;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_INITIATED, 0)->status, NDIS_STATUS_SUCCESS);
    ndis_nbl_put(buffered); /* it is the host's again: the target has copied it */
    rig_peer(rig, 0, 0, 0, 200, FLUE_TCP_ACK);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 0);
    post = rig_nbl(rig, 0, 0, 0);
    assert_int_equal(NdisOffloadTcpReceive(&rig->conns[0].handle, post), NDIS_STATUS_PENDING);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_RECEIVED, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 0)->bytes, 500);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 0)->extra, 5000);
    rig_finish(rig, 1);
    rig_free(rig);
}

/* Engine time and the tree's way back are paid before the host sees the completion. */
static void takes_its_time(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.profile.engine_hz = UINT64_C(1000000000);
    rig->params.profile.engine_initiate.cycles = 2000;
    rig_build(rig);
    rig_tree(rig, 8);
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    assert_true(rig_find(rig, RIG_INITIATED, 0)->at_ps >= 150000 + 10 * 2 * RIG_US + 300000);
    assert_true(rig_find(rig, RIG_INITIATED, 0)->at_ps < 25 * RIG_US);
    rig_finish(rig, 8);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_tree),
        cmocka_unit_test(tells_parents_of_refused_dependents),
        cmocka_unit_test(refuses_with_the_right_status),
        cmocka_unit_test(refuses_when_the_tables_are_full),
        cmocka_unit_test(refuses_orphans),
        cmocka_unit_test(adds_to_an_existing_path),
        cmocka_unit_test(is_silent_until_the_completion),
        cmocka_unit_test(inherits_send_data),
        cmocka_unit_test(inherits_received_data),
        cmocka_unit_test(takes_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
