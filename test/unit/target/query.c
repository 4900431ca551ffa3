/* SPDX-License-Identifier: GPL-2.0-only */
/* Query: every class of every layer, with the values of now, and nothing changes (CH-093 to CH-102). */
#include "rig.h"

#include <string.h>

static void ask(struct rig *rig, void *block)
{
    const unsigned before = rig_count(rig, RIG_OTHER_TREE);

    NdisQueryOffloadState(rig->binding, block);
    assert_int_equal(rig_count(rig, RIG_OTHER_TREE), before);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_OTHER_TREE), before + 1);
}

static void tells_of_a_connection(void **state)
{
    struct rig *rig = rig_new();
    FLUE_TCP_BLOCK query;

    (void)state;
    rig_build(rig);
    rig_tree(rig, 1);
    rig->conns[0].block.Cached.RcvIndicationSize = 4711;
    rig->conns[0].block.Cached.FlowLabel = 0x12345;
    rig->conns[0].block.Cached.UserPriority = 5;
    rig->conns[0].block.Cached.Flags = TCP_FLAG_KEEP_ALIVE_RESTART | TCP_FLAG_NAGLING_ENABLED;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 50 * RIG_US);
    rig_send(rig, 0, 0, 2920);
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 0, 0, 1460, 100, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    for (unsigned i = 0; i < 2; i++) { /* twice: nobody has changed anything */
        memset(&query, 0x5A, sizeof query);
        rig_block(&query.Block, TcpOffloadState, FLUE_TCP_DELEGATED_REVISION_2, &rig->conns[0].handle);
        ask(rig, &query);
        assert_int_equal(query.Block.Status, NDIS_STATUS_SUCCESS);
        assert_memory_equal(&query.Const, &rig->conns[0].block.Const, sizeof query.Const);
        assert_memory_equal(&query.Cached, &rig->conns[0].block.Cached, sizeof query.Cached);
        assert_int_equal(query.Delegated.Header.Length, 0x80);
        assert_int_equal(query.Delegated.State, TcpConnectionEstablished);
        assert_int_equal(query.Delegated.SndUna, (uint32_t)(RIG_SND_UNA + 1460));
        assert_int_equal(query.Delegated.SndMax, (uint32_t)(RIG_SND_UNA + 2920));
        assert_int_equal(query.Delegated.RcvNxt, (uint32_t)(RIG_RCV_NXT + 100));
        assert_int_not_equal(query.Delegated.Retransmit.TimeoutDelta, FLUE_TICKS_NONE);
        assert_int_equal(query.Delegated.KeepAlive.TimeoutDelta, FLUE_TICKS_NONE); /* CH-097 */
        assert_true(query.Delegated.SendBacklogSize >= 2 * RIG_MSS && query.Delegated.SendBacklogSize <= RIG_WINDOW);
        assert_int_equal(query.Delegated.ReceiveBacklogSize, 0);
        assert_null(query.Delegated.SendDataTail); /* CH-102: the sizes stand where the other pointers would */
        assert_int_equal(query.Delegated.DWnd, 77);
    }
    rig_peer(rig, 0, 100, 2920, 0, FLUE_TCP_ACK); /* the timers run on */
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_SUCCESS);
    rig_finish(rig, 1);
    rig_free(rig);
}

/* CH-101: what is posted does not matter; CH-100: bytes that were refused wait here. */
static void tells_backlogs(void **state)
{
    struct rig *rig = rig_new();
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        TCP_OFFLOAD_STATE_DELEGATED delegated;
    } query;
    ULONG before;

    (void)state;
    rig_build(rig);
    rig_offload(rig, 1);
    rig->answer = RIG_REFUSE;
    rig_block(&query.block, TcpOffloadDelegatedState, FLUE_TCP_DELEGATED_REVISION_2, &rig->conns[0].handle);
    ask(rig, &query);
    before = query.delegated.SendBacklogSize;
    rig_send(rig, 0, 0, 5000);
    rig_peer(rig, 0, 0, 0, 700, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    rig_block(&query.block, TcpOffloadDelegatedState, FLUE_TCP_DELEGATED_REVISION_1, &rig->conns[0].handle);
    query.delegated.DWnd = 0x5A5A5A5A;
    ask(rig, &query);
    assert_int_equal(query.delegated.SendBacklogSize, before);
    assert_int_equal(query.delegated.ReceiveBacklogSize, 700);
    assert_int_equal(query.delegated.Header.Length, FLUE_TCP_DELEGATED_LENGTH_1); /* D-06 */
    assert_int_equal(query.delegated.DWnd, 0x5A5A5A5A);
    rig_finish(rig, 1);
    rig_free(rig);
}

static void tells_of_neighbour_and_path(void **state)
{
    struct rig *rig = rig_new();
    FLUE_NEIGHBOR_BLOCK neighbour;
    FLUE_PATH_BLOCK path;

    (void)state;
    rig_build(rig);
    rig_tree(rig, 1);
    rig->neighbour.Cached.HostReachabilityDelta = 100;
    rig->neighbour.Delegated.NicReachabilityDelta = 0xFFFFFFF0; /* clocks are modulo 2^32 */
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 10 * FLUE_PS_PER_MS);
    memset(&neighbour, 0x5A, sizeof neighbour);
    memset(&path, 0x5A, sizeof path);
    rig_block(&neighbour.Block, NeighborOffloadState, 1, &rig->neighbour_handle);
    rig_block(&path.Block, Ip4OffloadState, 1, &rig->path_handle);
    neighbour.Block.DependentBlockList = &path.Block;
    ask(rig, &neighbour);
    assert_int_equal(neighbour.Block.Status, NDIS_STATUS_SUCCESS);
    assert_memory_equal(&neighbour.Const, &rig->neighbour.Const, sizeof neighbour.Const);
    assert_memory_equal(neighbour.Cached.DlDestinationAddress, rig->neighbour.Cached.DlDestinationAddress, 32);
    assert_in_range(neighbour.Cached.HostReachabilityDelta, 109, 111); /* HRD ages */
    assert_true(neighbour.Delegated.NicReachabilityDelta + 16 >= 9 &&
                neighbour.Delegated.NicReachabilityDelta + 16 <= 11);
    assert_int_equal(path.Block.Status, NDIS_STATUS_SUCCESS);
    assert_ptr_not_equal(path.Const.SourceAddress, rig->local); /* the target's own copy (D-07) */
    assert_memory_equal(path.Const.SourceAddress, rig->local, 4);
    assert_memory_equal(path.Const.DestinationAddress, rig->remote, 4);
    assert_int_equal(path.Cached.PathMtu, 1500);
    assert_int_equal(path.Delegated.Header.Length, sizeof path.Delegated);
    rig_finish(rig, 1);
    rig_free(rig);
}

/* CH-095; and a connection that stands still or was reset is told of all the same. */
static void serves_several_at_once(void **state)
{
    struct rig *rig = rig_new();
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        TCP_OFFLOAD_STATE_DELEGATED delegated;
    } queries[4];
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        PATH_OFFLOAD_STATE_CACHED cached;
    } paths[2];

    (void)state;
    rig_build(rig);
    rig_offload(rig, 2);
    rig_peer(rig, 0, 0, 0, 10, FLUE_TCP_ACK | FLUE_TCP_URG);
    rig_peer(rig, 1, 0, 0, 0, FLUE_TCP_RST);
    rig_wait(rig, 20 * RIG_US);
    for (unsigned i = 0; i < 4; i++) {
        rig_block(&queries[i].block, TcpOffloadDelegatedState, FLUE_TCP_DELEGATED_REVISION_2,
                  &rig->conns[i / 2].handle);
        NdisQueryOffloadState(rig->binding, &queries[i].block);
    }
    for (unsigned i = 0; i < 2; i++) {
        rig_block(&paths[i].block, Ip4OffloadCachedState, 1, &rig->path_handle);
        NdisQueryOffloadState(rig->binding, &paths[i].block);
    }
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_OTHER_TREE), 6);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(paths[i].block.Status, NDIS_STATUS_SUCCESS);
        assert_int_equal(paths[i].cached.PathMtu, rig->path.Cached.PathMtu);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(queries[i].block.Status, NDIS_STATUS_SUCCESS);
        assert_int_equal(queries[i].delegated.RcvNxt, (uint32_t)RIG_RCV_NXT);
        assert_int_equal(queries[i].delegated.State, i < 2 ? TcpConnectionEstablished : TcpConnectionClosed);
    }
    rig_finish(rig, 2);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_of_a_connection),
        cmocka_unit_test(tells_backlogs),
        cmocka_unit_test(tells_of_neighbour_and_path),
        cmocka_unit_test(serves_several_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
