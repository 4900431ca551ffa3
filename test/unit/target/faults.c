/* SPDX-License-Identifier: GPL-2.0-only */
/* What goes wrong on demand, in the order that is documented for it (behaviour 11.5, D-32, CH-144), and both ways of
 * giving unfinished sends back (D-29). */
#include "rig.h"

#include <stdlib.h>

static struct rig *offloaded(unsigned count, const struct flue_ddi *ddi)
{
    struct rig *rig = rig_new();

    rig->params.ddi = *ddi;
    rig_build(rig);
    rig_offload(rig, count);
    return rig;
}

static void check_told(const struct rig *rig, unsigned first)
{
    assert_int_equal(rig_find(rig, RIG_EVENT, first)->bytes, TcpIndicateRetrieve);
    assert_int_equal(rig_find(rig, RIG_EVENT, first)->extra, HardwareFailure);
    assert_int_equal(rig_find(rig, RIG_EVENT, first + 1)->bytes, TcpIndicateAbort);
}

/* Query and invalidate of an object of any layer (CH-109). */
static void fails_with_lost_state(void **state)
{
    static const unsigned types[] = {0, NeighborOffloadDelegatedState, Ip4OffloadCachedState, TcpOffloadDelegatedState};
    static const unsigned bare[] = {0, NeighborOffloadState, Ip4OffloadState, TcpOffloadState};

    (void)state;
    for (unsigned layer = 1; layer <= 3; layer++) {
        for (unsigned invalidate = 0; invalidate < 2; invalidate++) {
            const struct flue_ddi ddi = {.ndis_version = FLUE_NDIS_6_20};
            struct rig *rig = offloaded(2, &ddi);
            PNDIS_OFFLOAD_HANDLE handle = layer == 1   ? &rig->neighbour_handle
                                          : layer == 2 ? &rig->path_handle
                                                       : &rig->conns[0].handle;
            struct {
                NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
                TCP_OFFLOAD_STATE_DELEGATED delegated;
            } tree;

            assert_int_equal(flue_target_fault(rig->target, FLUE_FAULT_CORRUPT, layer, 0), FLUE_OK);
            rig_block(&tree.block, invalidate ? bare[layer] : types[layer], FLUE_TCP_DELEGATED_REVISION_2, handle);
            (invalidate ? NdisInvalidateOffload : NdisQueryOffloadState)(rig->binding, &tree.block);
            rig_send(rig, 0, 0, 100);
            rig_wait(rig, 50 * RIG_US);
            assert_int_equal(tree.block.Status, NDIS_STATUS_FAILURE);
            assert_int_equal(rig_count(rig, RIG_EVENT), layer == 3 ? 2 : 4); /* of each dependent connection */
            check_told(rig, 0);
            assert_true(rig_place(rig, RIG_OTHER_TREE, 0) < rig_place(rig, RIG_EVENT, 0));
            rig_terminate(rig, 2, 1);
            rig_wait(rig, 100 * RIG_US);
            assert_int_equal(rig->conns[0].end.Block.Status, NDIS_STATUS_FAILURE);
            assert_null(rig->conns[0].end.Block.NetBufferListChain);
            assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
            assert_true(rig_place(rig, RIG_SENT, 0) < rig_place(rig, RIG_TERMINATED, 0));
            assert_int_equal(rig_count(rig, RIG_EVENT), layer == 3 ? 2 : 4);
            rig_free(rig);
        }
    }
}

/* Terminate itself: the events, all I/O, FAILURE; that was it (CH-124). */
static void ends_with_failure(void **state)
{
    const struct flue_ddi ddi = {.ndis_version = FLUE_NDIS_6_20};
    struct rig *rig = offloaded(1, &ddi);

    (void)state;
    assert_int_equal(flue_target_fault(rig->target, FLUE_FAULT_TERMINATE, 3, 0), FLUE_OK);
    rig_send(rig, 0, 0, 3000);
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 0, 0, 1460, 0, FLUE_TCP_ACK);
    rig_disconnect(rig, 0, 3000, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
    rig_wait(rig, 20 * RIG_US);
    rig_terminate(rig, 1, 1);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_TERMINATED, 0)->status, NDIS_STATUS_SUCCESS); /* the neighbour */
    assert_int_equal(rig->conns[0].end.Block.Status, NDIS_STATUS_FAILURE);
    assert_int_equal(rig_count(rig, RIG_EVENT), 2);
    check_told(rig, 0);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->bytes, 1460);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
    assert_true(rig_place(rig, RIG_EVENT, 1) < rig_place(rig, RIG_SENT, 0));
    assert_true(rig_place(rig, RIG_DISCONNECTED, 0) < rig_place(rig, RIG_TERMINATED, 0));
    rig_free(rig);
}

/* The page's order: FAILURE, the events, and a second terminate that succeeds. */
static void follows_the_recipe(void **state)
{
    const struct flue_ddi ddi = {.terminate_recipe = 1};
    struct rig *rig = offloaded(1, &ddi);

    (void)state;
    assert_int_equal(flue_target_fault(rig->target, FLUE_FAULT_TERMINATE, 3, 0), FLUE_OK);
    rig_send(rig, 0, 0, 1000);
    rig_wait(rig, 20 * RIG_US);
    rig_terminate(rig, 1, 0);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->conns[0].end.Block.Status, NDIS_STATUS_FAILURE);
    assert_int_equal(rig_count(rig, RIG_EVENT), 2);
    assert_true(rig_place(rig, RIG_TERMINATED, 0) < rig_place(rig, RIG_EVENT, 0));
    assert_int_equal(rig_count(rig, RIG_SENT), 0);
    rig_finish(rig, 1);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
    assert_int_equal(rig_count(rig, RIG_EVENT), 2);
    rig_free(rig);
}

/* CH-142; not while half closed, there the reason is another one (D-28). */
static void asks_for_upload_without_memory(void **state)
{
    const struct flue_ddi ddi = {.ndis_version = FLUE_NDIS_6_20};
    struct rig *rig = offloaded(2, &ddi);

    (void)state;
    rig_peer(rig, 1, 0, 0, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateDisconnect);
    assert_int_equal(flue_target_fault(rig->target, FLUE_FAULT_STARVE, 3, 0), FLUE_OK);
    assert_int_equal(flue_target_fault(rig->target, FLUE_FAULT_STARVE, 3, 1), FLUE_OK);
    assert_int_equal(flue_target_fault(rig->target, FLUE_FAULT_STARVE, 3, 9), FLUE_EINVAL);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_EVENT, 1)->extra, UploadRequested);
    assert_int_equal(rig_find(rig, RIG_EVENT, 2)->extra, InvalidState);
    rig_send(rig, 0, 0, 10);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_UPLOAD_IN_PROGRESS); /* CH-141 */
    rig_finish(rig, 2);
    rig_free(rig);
}

static void notices_broken_hardware(void **state)
{
    const struct flue_ddi ddi = {.ndis_version = FLUE_NDIS_6_20};
    struct rig *rig = offloaded(1, &ddi);

    (void)state;
    rig_peer(rig, 0, 0, 0, 100, FLUE_TCP_ACK); /* its ACK is pending, and never sent (D-34) */
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(flue_target_fault(rig->target, FLUE_FAULT_HARDWARE, 3, 0), FLUE_OK);
    rig_wait(rig, FLUE_PS_PER_S);
    check_told(rig, 0);
    assert_int_equal(rig->sent, 0);
    rig_terminate(rig, 1, 1);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->conns[0].end.Block.Status, NDIS_STATUS_FAILURE);
    assert_int_equal(rig_count(rig, RIG_EVENT), 2);
    rig_free(rig);
}

/* D-29 the other way: no chain, every send is completed with what was acknowledged of it. */
static void completes_unfinished_sends(void **state)
{
    const struct flue_ddi ddi = {.upload_sends_complete = 1};
    struct rig *rig = offloaded(1, &ddi);

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        rig_send(rig, 0, 1000 * i, 1000);
    }
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 0, 0, 1400, 0, FLUE_TCP_ACK);
    rig_finish(rig, 1);
    assert_null(rig->conns[0].end.Block.NetBufferListChain);
    assert_int_equal(rig->conns[0].end.Delegated.SndUna, (uint32_t)(RIG_SND_UNA + 1400));
    assert_int_equal(rig_count(rig, RIG_SENT), 3);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_find(rig, RIG_SENT, 1)->status, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    assert_int_equal(rig_find(rig, RIG_SENT, 1)->bytes, 400);
    assert_int_equal(rig_find(rig, RIG_SENT, 2)->bytes, 0);
    rig_free(rig);
}

/* Segments that were held go up when terminate is called, in the order of their arrival (D-34). */
static void lets_go_of_what_it_held(void **state)
{
    const struct flue_ddi ddi = {.ndis_version = FLUE_NDIS_6_20};
    struct rig *rig = offloaded(1, &ddi);

    (void)state;
    rig_peer(rig, 0, 0, 0, 10, FLUE_TCP_ACK | FLUE_TCP_URG);
    rig_peer(rig, 0, 10, 0, 10, FLUE_TCP_ACK);
    rig_wait(rig, 50 * RIG_US);
    rig_peer(rig, 0, 20, 0, 10, FLUE_TCP_ACK);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 0);
    rig_terminate(rig, 1, 1);
    rig_peer(rig, 0, 30, 0, 10, FLUE_TCP_ACK); /* before the adapter has seen the doorbell: it does not overtake */
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_sum(rig, RIG_FRAMES_IN).extra, 4);
    assert_int_equal(rig_find(rig, RIG_FRAMES_IN, 0)->bytes, RIG_RCV_NXT);
    assert_int_equal(rig->conns[0].end.Delegated.RcvNxt, (uint32_t)RIG_RCV_NXT);
    rig_free(rig);
}

/* CH-140: in every state that a connection can be in here. */
static void gives_back_in_every_state(void **state)
{
    static const struct {
        unsigned handed_over;
        uint8_t segment; /* that comes then; 0: none */
        unsigned given_back;
    } cases[] = {
        {TcpConnectionEstablished, 0, TcpConnectionEstablished},
        {TcpConnectionFinWait1, 0, TcpConnectionFinWait1},
        {TcpConnectionFinWait2, 0, TcpConnectionFinWait2},
        {TcpConnectionCloseWait, 0, TcpConnectionCloseWait},
        {TcpConnectionClosing, 0, TcpConnectionClosing},
        {TcpConnectionLastAck, 0, TcpConnectionLastAck},
        {TcpConnectionFinWait2, FLUE_TCP_ACK | FLUE_TCP_FIN, TcpConnectionTimeWait},
        {TcpConnectionEstablished, FLUE_TCP_RST, TcpConnectionClosed},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rig *rig = rig_new();
        TCP_OFFLOAD_STATE_DELEGATED *delegated = &rig->conns[0].block.Delegated;

        rig_build(rig);
        rig_tree(rig, 1);
        delegated->State = cases[i].handed_over;
        if (delegated->State == TcpConnectionFinWait1 || delegated->State == TcpConnectionClosing ||
            delegated->State == TcpConnectionLastAck) {
            delegated->SndNxt++; /* the FIN is in flight (D-30) */
            delegated->SndMax++;
        }
        rig_initiate(rig, &rig->neighbour.Block);
        rig_wait(rig, 50 * RIG_US);
        if (cases[i].segment != 0) {
            rig_peer(rig, 0, 0, 0, 0, cases[i].segment);
            rig_wait(rig, 50 * RIG_US);
        }
        rig_finish(rig, 1);
        assert_int_equal(rig->conns[0].end.Delegated.State, cases[i].given_back);
        assert_null(rig->conns[0].end.Block.NetBufferListChain); /* CH-126 */
        rig_free(rig);
    }
}

/* Never begun, or carried out and never told of: either way the host waits for ever, and the tree stays lent. */
static void hangs(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        struct rig *rig = rig_new();
        TCP_OFFLOAD_STATE_CACHED cached;
        struct {
            NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
            TCP_OFFLOAD_STATE_DELEGATED delegated;
        } query;

        rig_build(rig);
        rig_offload(rig, 1);
        cached = rig->conns[0].block.Cached;
        query.delegated.RcvNxt = 4711;
        rig_block(&query.block, TcpOffloadDelegatedState, FLUE_TCP_DELEGATED_REVISION_2, &rig->conns[0].handle);
        assert_int_equal(flue_target_fault(rig->target, kind == 0 ? FLUE_FAULT_HANG : FLUE_FAULT_LOSE, 0, 4), FLUE_OK);
        assert_int_equal(flue_target_fault(rig->target, FLUE_FAULT_HANG, 0, 5), FLUE_EINVAL);
        NdisQueryOffloadState(rig->binding, &query.block);
        rig_wait(rig, FLUE_PS_PER_S);
        assert_int_equal(rig_count(rig, RIG_OTHER_TREE), 0);
        assert_int_equal(query.delegated.RcvNxt, kind == 0 ? 4711 : (uint32_t)RIG_RCV_NXT);
        rig_update_tcp(rig, 0, &cached); /* others go on */
        rig_finish(rig, 1);
        assert_int_equal(flue_ndis_binding_ledger(rig->binding).trees_out, 1);
        flue_target_free(rig->target); /* forgotten, as in a run that was cut short */
        flue_ndis_free(rig->ndis);
        ndis_pool_free(rig->spans);
        ndis_pool_free(rig->frames);
        timers_dispose(&rig->timers);
    }
}

/* Without any memory more is handed down, and more has to be told, than the rings hold: nothing is lost. */
static void goes_on_without_memory(void **state)
{
    enum { MANY = 400 };
    struct many {
        NDIS_OFFLOAD_HANDLE handle;
        FLUE_TCP_BLOCK block;
        FLUE_TCP_TERMINATE_BLOCK end;
        PNET_BUFFER_LIST nbl;
    } *many = calloc(MANY, sizeof *many);
    struct rig *rig = rig_new();

    (void)state;
    assert_non_null(many);
    rig->params.tcp_max = MANY;
    rig->params.profile.moderation_ps = 100 * RIG_US;
    rig_build(rig);
    rig_tree(rig, 1);
    for (unsigned i = 0; i < MANY; i++) {
        many[i].block = rig->conns[0].block;
        many[i].block.Block.OffloadHandle = &many[i].handle;
        many[i].block.Const.RemotePort = (USHORT)(i + 1);
        many[i].block.Block.NextBlock = i + 1 < MANY ? &many[i + 1].block.Block : NULL;
        rig_block(&many[i].end.Block, TcpOffloadDelegatedState, 2, &many[i].handle);
        many[i].end.Delegated.Header.Length = sizeof many[i].end.Delegated;
        many[i].end.Block.NextBlock = i + 1 < MANY ? &many[i + 1].end.Block : NULL;
        many[i].nbl = rig_nbl(rig, i, 0, 100);
    }
    rig->path.Block.DependentBlockList = &many[0].block.Block;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 10 * FLUE_PS_PER_MS);
    assert_int_equal(rig->path.Block.Status, NDIS_STATUS_SUCCESS);
    for (unsigned i = 0; i < MANY; i++) { /* a pending disconnect each: their data waits for a window */
        struct flue_frame frame = rig_segment(0, 0, 0, 0, FLUE_TCP_ACK);

        frame.window = 0;
        frame.src_port = (uint16_t)((i + 1) >> 8 | (i + 1) << 8); /* as a number in network order */
        flue_target_receive(rig->target, &frame, rig->env.now_ps);
        assert_int_equal(NdisOffloadTcpDisconnect(&many[i].handle, many[i].nbl, TCP_DISCONNECT_GRACEFUL_CLOSE),
                         NDIS_STATUS_PENDING);
    }
    rig_wait(rig, FLUE_PS_PER_MS);
    manual_env_fail(&rig->env, 1);
    NdisTerminateOffload(rig->binding, &many[0].end.Block);
    rig_wait(rig, 10 * FLUE_PS_PER_MS);
    assert_int_equal(rig_count(rig, RIG_TERMINATED), 1);
    assert_int_equal(rig_count(rig, RIG_DISCONNECTED), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(rig_find(rig, RIG_DISCONNECTED, i)->status, NDIS_STATUS_UPLOAD_IN_PROGRESS);
        assert_int_equal(many[i].end.Block.Status, NDIS_STATUS_SUCCESS);
    }
    assert_true(rig_place(rig, RIG_DISCONNECTED, MANY - 1) < rig_place(rig, RIG_TERMINATED, 0));
    manual_env_fail(&rig->env, 0);
    rig_finish(rig, 0);
    rig_free(rig);
    free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fails_with_lost_state),   cmocka_unit_test(ends_with_failure),
        cmocka_unit_test(follows_the_recipe),      cmocka_unit_test(asks_for_upload_without_memory),
        cmocka_unit_test(notices_broken_hardware), cmocka_unit_test(completes_unfinished_sends),
        cmocka_unit_test(lets_go_of_what_it_held), cmocka_unit_test(gives_back_in_every_state),
        cmocka_unit_test(goes_on_without_memory),  cmocka_unit_test(hangs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
