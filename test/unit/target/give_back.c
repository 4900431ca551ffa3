/* SPDX-License-Identifier: GPL-2.0-only */
/* Terminate: what comes back, and that nothing is lost, doubled or left behind. */
#include "rig.h"

#include <string.h>

static struct rig *offloaded(unsigned count)
{
    struct rig *rig = rig_new();

    rig_build(rig);
    rig_offload(rig, count);
    return rig;
}

static void gives_back_an_idle_connection(void **state)
{
    struct rig *rig = offloaded(1);
    const TCP_OFFLOAD_STATE_DELEGATED *end = &rig->conns[0].end.Delegated;

    (void)state;
    rig_finish(rig, 1);
    assert_int_equal(rig_count(rig, RIG_TERMINATED), 1);
    assert_null(rig->conns[0].end.Block.NetBufferListChain);
    assert_null(end->BufferedData);
    assert_int_equal(end->Header.Length, 0x80);
    assert_int_equal(end->State, TcpConnectionEstablished);
    assert_int_equal(end->RcvNxt, RIG_RCV_NXT);
    assert_int_equal(end->SndUna, RIG_SND_UNA);
    assert_int_equal(end->SndMax, RIG_SND_UNA);
    assert_int_equal(end->RcvWnd, RIG_WINDOW);
    assert_int_equal(end->Retransmit.TimeoutDelta, FLUE_TICKS_NONE);
    assert_int_equal(end->DWnd, 77);
    rig_free(rig);
}

/* A block of revision 1 ends before DWnd (D-06). */
static void obeys_the_revision(void **state)
{
    struct rig *rig = offloaded(1);
    const TCP_OFFLOAD_STATE_DELEGATED *end = &rig->conns[0].end.Delegated;

    (void)state;
    rig_terminate(rig, 1, 1);
    rig->conns[0].end.Block.Header.Revision = FLUE_TCP_DELEGATED_REVISION_1;
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(end->Header.Length, FLUE_TCP_DELEGATED_LENGTH_1);
    assert_int_equal(end->DWnd, 0x5A5A5A5A);
    assert_int_equal(end->RcvNxt, RIG_RCV_NXT);
    rig_free(rig);
}

/* Data in flight both ways: 1400 of 4000 bytes acknowledged, in the middle of the second list; received bytes refused,
 * on their way up, out of order: no reason to fail (CH-124), nor to go on with it (CH-135). */
static void gives_back_data_in_flight(void **state)
{
    struct rig *rig = offloaded(2);
    const TCP_OFFLOAD_STATE_DELEGATED *end = &rig->conns[0].end.Delegated;
    PNET_BUFFER_LIST chain;
    struct ndis_spans spans;
    struct flue_span span;
    unsigned sent;

    (void)state;
    rig->answer = RIG_REFUSE;
    for (unsigned i = 0; i < 4; i++) {
        rig_send(rig, 0, 1000 * i, 1000);
    }
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 0, 0, 1400, 300, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_SENT), 1);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 1);
    rig_terminate(rig, 2, 1);
    rig_send(rig, 1, 0, 50); /* the host may not do that; it must not be lost either */
    rig_peer(rig, 0, 300, 1400, 200, FLUE_TCP_ACK);
    rig_peer(rig, 0, 700, 1400, 100, FLUE_TCP_ACK); /* a gap before it */
    sent = rig->sent;
    rig_wait(rig, 140000); /* not yet seen by the adapter */
    rig_peer(rig, 0, 500, 1400, 100, FLUE_TCP_ACK);
    rig_wait(rig, 2 * RIG_US);
    rig_peer(rig, 0, 600, 1500, 100, FLUE_TCP_ACK); /* seen: the ordinary path */
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_TERMINATED, 0)->status, NDIS_STATUS_SUCCESS);
    chain = rig->conns[0].end.Block.NetBufferListChain;
    assert_int_equal(end->SndUna, (uint32_t)(RIG_SND_UNA + 1400));
    assert_int_equal(end->SndMax, (uint32_t)(RIG_SND_UNA + 4000));
    assert_int_equal(ndis_chain_bytes(chain), 2600);
    assert_int_equal(ndis_chain_count(chain), 3);
    assert_ptr_equal(end->SendDataHead, chain);
    assert_ptr_equal(end->SendDataTail, chain->Next->Next);
    spans = ndis_spans_of_data(NET_BUFFER_LIST_FIRST_NB(chain));
    assert_true(ndis_spans_next(&spans, &span));
    assert_int_equal(span.offset_bytes, 1400); /* the first byte is SndUna */
    assert_int_equal(end->RcvNxt, RIG_RCV_NXT + 600);
    assert_non_null(end->BufferedData);
    assert_int_equal(ndis_chain_bytes(end->BufferedData), 600);
    spans = ndis_spans_of_data(NET_BUFFER_LIST_FIRST_NB(end->BufferedData));
    assert_true(ndis_spans_next(&spans, &span));
    assert_int_equal(span.offset_bytes, 0);
    assert_int_equal(span.length_bytes, 600);
    assert_true(rig->sent > sent); /* no ACK is owed */
    assert_int_equal(rig->out[rig->sent - 1].frame.ack, RIG_RCV_NXT + 600);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 1);
    assert_int_equal(rig_find(rig, RIG_FRAMES_IN, 0)->bytes, RIG_RCV_NXT + 600);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 1);
    rig_free_chain(chain);
    (void)NdisOffloadTcpReceiveReturn(rig->binding, end->BufferedData);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_SENT, 1)->status, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    rig_free(rig);
}

/* CH-134: an ACK that is delayed leaves before the terminate completes. */
static void acknowledges_before_it_gives_back(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    rig_peer(rig, 0, 0, 0, 100, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_sum(rig, RIG_INDICATED).bytes, 100);
    assert_int_equal(rig->sent, 0);
    rig_terminate(rig, 1, 1);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->sent, 1);
    assert_int_equal(rig->out[0].frame.payload.length_bytes, 0);
    assert_int_equal(rig->out[0].frame.ack, RIG_RCV_NXT + 100);
    assert_true(rig->out[0].at_ps <= rig_find(rig, RIG_TERMINATED, 0)->at_ps);
    rig_free(rig);
}

/* Completions that were on their way stay before the terminate's (CH: F14.1). */
static void completes_everything_first(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.profile.moderation_ps = 100 * RIG_US;
    rig_build(rig);
    rig_offload(rig, 1);
    rig_wait(rig, 150 * RIG_US);
    rig_send(rig, 0, 0, 1000);
    rig_disconnect(rig, 0, 1000, 500, TCP_DISCONNECT_GRACEFUL_CLOSE);
    rig_wait(rig, 10 * RIG_US);
    rig_peer(rig, 0, 0, 1200, 10, FLUE_TCP_ACK);
    rig_terminate(rig, 1, 1);
    rig_wait(rig, 300 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->bytes, 200);
    assert_true(rig_place(rig, RIG_SENT, 0) < rig_place(rig, RIG_DISCONNECTED, 0));
    assert_true(rig_place(rig, RIG_DISCONNECTED, 0) < rig_place(rig, RIG_TERMINATED, 0));
    assert_int_equal(rig->logged - 1, rig_place(rig, RIG_TERMINATED, 0));
    /* D-30: the disconnect's data is not in the chain; its FIN counts. */
    assert_null(rig->conns[0].end.Block.NetBufferListChain);
    assert_int_equal(rig->conns[0].end.Delegated.State, TcpConnectionFinWait1);
    assert_int_equal(rig->conns[0].end.Delegated.SndUna, (uint32_t)(RIG_SND_UNA + 1200));
    assert_int_equal(rig->conns[0].end.Delegated.SndMax, (uint32_t)(RIG_SND_UNA + 1501));
    if (rig->conns[0].end.Delegated.BufferedData != NULL) {
        (void)NdisOffloadTcpReceiveReturn(rig->binding, rig->conns[0].end.Delegated.BufferedData);
        rig_wait(rig, 20 * RIG_US);
    }
    rig_free(rig);
}

/* Indicated data may come back when the connection is gone (behaviour 11.6). */
static void outlives_its_connection(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    rig->hold_indicated = 1;
    rig_peer(rig, 0, 0, 0, 1000, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    rig_terminate(rig, 1, 1);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_TERMINATED), 1);
    assert_true(flue_target_objects_live(rig->target) > 0);
    rig_return_kept(rig);
    rig_wait(rig, 20 * RIG_US);
    rig_free(rig);
}

/* A host that does not heed CH-116: requests from inside the last completion before that of the terminate, so that
 * their doorbells stand in the FIFO when the connection goes; more of them than the FIFO has room for, the second time.
 */
static unsigned late_sends;

static void ask_too_late(struct rig *rig, enum rig_call call)
{
    const struct flue_frame segment = rig_segment(0, 0, 0, 10, FLUE_TCP_ACK);
    const unsigned sends = late_sends;

    if (call != RIG_SENT || sends == 0) {
        return;
    }
    late_sends = 0;
    manual_env_fail(&rig->env, sends > 1 ? 1 : 0);
    for (unsigned i = 0; i < sends; i++) {
        rig_send(rig, 0, 10 * i, 10);
    }
    (void)rig_post(rig, 0, 100, RIG_PUSH);
    rig_forward(rig, 0, &segment);
    rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_ABORTIVE_CLOSE);
    manual_env_fail(&rig->env, 0);
}

static void refuses_what_comes_too_late(void **state)
{
    static const unsigned sends[] = {1, 300};
    static const enum rig_call answers[] = {RIG_SENT, RIG_RECEIVED, RIG_FORWARDED, RIG_DISCONNECTED};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sends); i++) {
        struct rig *rig = rig_new();

        rig->params.profile.moderation_ps = 100 * RIG_US;
        rig_build(rig);
        rig_offload(rig, 2);
        rig_wait(rig, 150 * RIG_US);
        rig->reenter = ask_too_late;
        assert_int_equal(ndis_pool_reserve_lists(rig->spans, 400), FLUE_OK);
        assert_int_equal(ndis_pool_reserve_lists(rig->frames, 8), FLUE_OK);
        rig_send(rig, 1, 0, 1000);
        rig_send(rig, 0, 0, 1000);
        rig_wait(rig, 10 * RIG_US);
        rig_peer(rig, 1, 0, 1000, 0, FLUE_TCP_ACK);
        rig_wait(rig, 10 * RIG_US); /* the next interrupt has some time to collect */
        rig->logged = 0;
        late_sends = sends[i];
        rig_peer(rig, 0, 0, 1000, 0, FLUE_TCP_ACK);
        rig_terminate(rig, 1, 0);
        rig_wait(rig, 500 * RIG_US);
        assert_int_equal(rig_find(rig, RIG_TERMINATED, 0)->interrupt, rig_find(rig, RIG_SENT, 0)->interrupt);
        assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_SUCCESS);
        assert_int_equal(rig_count(rig, RIG_SENT), 1 + sends[i]);
        for (unsigned k = 0; k < COUNT_OF(answers); k++) {
            assert_int_equal(rig_find(rig, answers[k], k == 0)->status, NDIS_STATUS_UPLOAD_IN_PROGRESS);
            assert_int_equal(rig_find(rig, answers[k], k == 0)->bytes, 0);
        }
        assert_int_equal(rig_frames_with(rig, FLUE_TCP_RST), 0);
        rig->conns[0] = rig->conns[1];
        rig_terminate(rig, 1, 1);
        rig_wait(rig, 500 * RIG_US);
        assert_int_equal(flue_target_objects_live(rig->target), 0);
        rig_free(rig);
    }
}

static void keeps_parents_that_are_needed(void **state)
{
    struct rig *rig = offloaded(2);
    struct flue_target_totals totals;

    (void)state;
    rig_terminate(rig, 1, 0); /* a lone connection (D-13) */
    rig_wait(rig, 100 * RIG_US);
    flue_target_totals(rig->target, &totals);
    assert_int_equal(totals.connections, 1);
    assert_int_equal(totals.paths, 1);
    rig_terminate(rig, 0, 1); /* the path is still needed */
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->path_end.Status, NDIS_STATUS_FAILURE);
    assert_int_equal(rig->neighbour_end.block.Status, NDIS_STATUS_FAILURE);
    rig->conns[0].handle.MiniportOffloadContext = NULL; /* gone, as the host knows */
    rig_terminate(rig, 2, 1);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->conns[1].end.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->path_end.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->neighbour_end.block.Status, NDIS_STATUS_SUCCESS);
    rig_free(rig);
}

static void expect_live(const struct rig *rig, uint64_t connections, uint64_t paths, uint64_t neighbours)
{
    struct flue_target_totals totals;

    flue_target_totals(rig->target, &totals);
    assert_int_equal(totals.connections, connections);
    assert_int_equal(totals.paths, paths);
    assert_int_equal(totals.neighbours, neighbours);
}

/* Path and neighbour are ended too early (CH-113); the host makes nothing of it but that they are gone (D-32). */
static void end_parents(struct rig *rig, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        rig_terminate(rig, 0, 1);
        rig_wait(rig, 100 * RIG_US);
        assert_int_equal(rig->path_end.Status, NDIS_STATUS_FAILURE);
        assert_int_equal(rig->neighbour_end.block.Status, NDIS_STATUS_FAILURE);
    }
    rig->path_handle.MiniportOffloadContext = NULL;
    rig->neighbour_handle.MiniportOffloadContext = NULL;
}

/* What the host has forgotten serves on, goes with the last that depends on it, and is in no new object's way. */
static void frees_parents_that_were_left(void **state)
{
    for (unsigned recipe = 0; recipe < 2; recipe++) {
        struct rig *rig = rig_new();

        (void)state;
        rig->params.ddi.terminate_recipe = (uint8_t)recipe;
        rig_build(rig);
        rig_offload(rig, 2);
        end_parents(rig, 1 + recipe);
        rig_send(rig, 0, 0, 1000);
        rig_wait(rig, 20 * RIG_US);
        assert_int_equal(rig->sent, 1);
        rig_peer(rig, 0, 0, 1000, 0, FLUE_TCP_ACK);
        rig_wait(rig, 20 * RIG_US);
        expect_live(rig, 2, 1, 1);
        rig_terminate(rig, 1, 0);
        rig_wait(rig, 100 * RIG_US);
        expect_live(rig, 1, 1, 1);
        rig->conns[0] = rig->conns[1];
        rig_terminate(rig, 1, 0);
        rig_wait(rig, 100 * RIG_US);
        assert_int_equal(rig->conns[0].end.Block.Status, NDIS_STATUS_SUCCESS);
        expect_live(rig, 0, 0, 0);
        assert_int_equal(flue_target_objects_live(rig->target), 0);
        rig->logged = 0;
        rig->conns[0].handle.MiniportOffloadContext = NULL;
        rig_offload(rig, 1);
        rig_finish(rig, 1);
        expect_live(rig, 0, 0, 0);
        rig_free(rig);
    }
}

/* By the recipe the host keeps what failed for one more terminate, so the adapter does, too. */
static void keeps_parents_for_the_recipe(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.ddi.terminate_recipe = 1;
    rig_build(rig);
    rig_offload(rig, 1);
    rig_terminate(rig, 0, 1);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->path_end.Status, NDIS_STATUS_FAILURE);
    rig_terminate(rig, 1, 0);
    rig_wait(rig, 100 * RIG_US);
    expect_live(rig, 0, 1, 1);
    rig_terminate(rig, 0, 1);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->path_end.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->neighbour_end.block.Status, NDIS_STATUS_SUCCESS);
    expect_live(rig, 0, 0, 0);
    rig_free(rig);
}

/* CH-086: a block of another layer than the object in its slot names nothing, whatever is asked; the object stays. */
static void names_nothing_of_another_layer(void **state)
{
    static void (*const calls[])(NDIS_HANDLE, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST) = {
        NdisTerminateOffload, NdisUpdateOffload, NdisInvalidateOffload, NdisQueryOffloadState, NdisInitiateOffload};
    static const UCHAR types[3][COUNT_OF(calls)] = {
        {NeighborOffloadDelegatedState, NeighborOffloadCachedState, NeighborOffloadState, NeighborOffloadState,
         NeighborOffloadState},
        {Ip4OffloadDelegatedState, Ip4OffloadCachedState, Ip4OffloadState, Ip4OffloadState, Ip4OffloadState},
        {TcpOffloadDelegatedState, TcpOffloadCachedState, TcpOffloadState, TcpOffloadState, TcpOffloadState}};
    struct rig *rig = offloaded(1);
    PNDIS_OFFLOAD_HANDLE handles[3] = {&rig->neighbour_handle, &rig->path_handle, &rig->conns[0].handle};
    struct flue_target_totals totals;

    (void)state;
    for (unsigned object = 0; object < 3; object++) {
        for (unsigned layer = 0; layer < 3; layer++) {
            for (unsigned call = 0; call < COUNT_OF(calls) && layer != object; call++) {
                FLUE_TCP_BLOCK block;

                memset(&block, 0, sizeof block);
                rig_block(&block.Block, types[layer][call], 1, handles[object]);
                calls[call](rig->binding, &block.Block);
                rig_wait(rig, 100 * RIG_US);
                assert_int_equal(block.Block.Status, NDIS_STATUS_FAILURE);
            }
        }
    }
    flue_target_totals(rig->target, &totals);
    assert_int_equal(totals.connections, 1);
    assert_int_equal(totals.paths, 1);
    assert_int_equal(totals.neighbours, 1);
    rig_terminate(rig, 1, 1);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->conns[0].end.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->path_end.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->neighbour_end.block.Status, NDIS_STATUS_SUCCESS);
    rig_free(rig);
}

/* Down and up again: the second target's connection goes on where the first left off. */
static void moves_again(void **state)
{
    struct rig *rig = offloaded(1);
    TCP_OFFLOAD_STATE_DELEGATED delegated;
    PNET_BUFFER_LIST chain;

    (void)state;
    rig_send(rig, 0, 0, 3000);
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 0, 0, 1460, 0, FLUE_TCP_ACK);
    rig_terminate(rig, 1, 1);
    rig_wait(rig, 100 * RIG_US);
    delegated = rig->conns[0].end.Delegated;
    chain = rig->conns[0].end.Block.NetBufferListChain;
    assert_int_equal(ndis_chain_bytes(chain), 1540);
    rig->conns[0].handle.MiniportOffloadContext = NULL;
    rig->path_handle.MiniportOffloadContext = NULL;
    rig->neighbour_handle.MiniportOffloadContext = NULL;
    rig->logged = 0;
    rig_tree(rig, 1);
    rig->conns[0].block.Delegated = delegated;
    rig->conns[0].block.Block.NetBufferListChain = chain;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 0, 0, 3000, 0, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->bytes, 1540);
    rig_finish(rig, 1);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_back_an_idle_connection),  cmocka_unit_test(obeys_the_revision),
        cmocka_unit_test(gives_back_data_in_flight),      cmocka_unit_test(acknowledges_before_it_gives_back),
        cmocka_unit_test(completes_everything_first),     cmocka_unit_test(outlives_its_connection),
        cmocka_unit_test(refuses_what_comes_too_late),    cmocka_unit_test(keeps_parents_that_are_needed),
        cmocka_unit_test(frees_parents_that_were_left),   cmocka_unit_test(keeps_parents_for_the_recipe),
        cmocka_unit_test(names_nothing_of_another_layer), cmocka_unit_test(moves_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
