/* SPDX-License-Identifier: GPL-2.0-only */
/* Invalidate: nothing that uses the object is sent any more (D-24, D-25, CH-103 to CH-110). */
#include "rig.h"

static struct rig *offloaded(unsigned count, const struct flue_ddi *ddi)
{
    struct rig *rig = rig_new();

    if (ddi != NULL) {
        rig->params.ddi = *ddi;
    }
    rig->wire.facts.has_mac = 1;
    rig_build(rig);
    rig_offload(rig, count);
    return rig;
}

static void invalidate(struct rig *rig, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, PNDIS_OFFLOAD_HANDLE handle,
                       unsigned type)
{
    const unsigned before = rig_count(rig, RIG_OTHER_TREE);

    rig_block(block, type, 1, handle);
    NdisInvalidateOffload(rig->binding, block);
    assert_int_equal(rig_count(rig, RIG_OTHER_TREE), before);
}

static PNDIS_OFFLOAD_HANDLE handle_of(struct rig *rig, unsigned layer)
{
    return layer == 1 ? &rig->neighbour_handle : layer == 2 ? &rig->path_handle : &rig->conns[0].handle;
}

static const unsigned types[] = {0, NeighborOffloadState, Ip4OffloadState, TcpOffloadState};

/* Lazily: the event comes with the first attempt to send (CH-106, CH-108); receiving and ACKs go on. */
static void stops_sending(void **state)
{
    (void)state;
    for (unsigned layer = 1; layer <= 3; layer++) {
        struct rig *rig = offloaded(2, NULL);
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        unsigned events = 0;

        invalidate(rig, &block, handle_of(rig, layer), types[layer]);
        rig_wait(rig, 50 * RIG_US);
        assert_int_equal(block.Status, NDIS_STATUS_SUCCESS);
        assert_int_equal(rig_count(rig, RIG_OTHER_TREE), 1);
        rig_peer(rig, 0, 0, 0, 100, FLUE_TCP_ACK);
        rig_wait(rig, FLUE_PS_PER_S);
        assert_int_equal(rig_count(rig, RIG_EVENT), 0);
        assert_int_equal(rig_find(rig, RIG_INDICATED, 0)->bytes, 100);
        assert_int_equal(rig->sent, 1);
        assert_int_equal(rig->out[0].frame.payload.length_bytes, 0);
        rig_send(rig, 0, 0, 500);
        rig_send(rig, 1, 0, 500);
        rig_wait(rig, 50 * RIG_US);
        for (unsigned i = 0; i < rig_count(rig, RIG_EVENT); i++) {
            assert_int_equal(rig_find(rig, RIG_EVENT, i)->bytes, TcpIndicateRetrieve);
            assert_int_equal(rig_find(rig, RIG_EVENT, i)->extra, InvalidState);
            events++;
        }
        assert_int_equal(events, layer == 3 ? 1 : 2); /* the other connection has a valid path */
        for (unsigned i = 1; i < rig->sent; i++) {
            assert_int_equal(rig->out[i].frame.dst_port, 2001);
        }
        rig_finish(rig, 2);
        rig_free(rig);
    }
}

/* Repetitions and probes are attempts, too; a FIN as well. */
static void repeats_nothing(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 3; kind++) {
        struct rig *rig = offloaded(1, NULL);
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        unsigned sent;

        if (kind == 0) {
            rig_send(rig, 0, 0, 500);
            rig_wait(rig, 50 * RIG_US);
        }
        if (kind == 1) {
            TCP_OFFLOAD_STATE_CACHED cached = rig->conns[0].block.Cached;

            cached.Flags = TCP_FLAG_KEEP_ALIVE_ENABLED;
            cached.KaTimeout = 500;
            rig_update_tcp(rig, 0, &cached);
        }
        sent = rig->sent;
        invalidate(rig, &block, &rig->neighbour_handle, NeighborOffloadState);
        if (kind == 2) {
            rig_wait(rig, 50 * RIG_US);
            rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
        }
        rig_wait(rig, 5 * FLUE_PS_PER_S);
        assert_int_equal(rig->sent, sent);
        assert_int_equal(rig_count(rig, RIG_EVENT), 1);
        assert_int_equal(rig_find(rig, RIG_EVENT, 0)->extra, InvalidState);
        rig_finish(rig, 1);
        rig_free(rig);
    }
}

/* The operation completes when what was queued has left: here at 10 Mbit/s. */
static void waits_for_queued_frames(void **state)
{
    struct rig *rig = rig_new();
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

    (void)state;
    rig->wire.facts.rate_bps = UINT64_C(10000000);
    rig_build(rig);
    rig_offload(rig, 1);
    rig_send(rig, 0, 0, 14600);
    rig_wait(rig, 5 * RIG_US);
    invalidate(rig, &block, &rig->neighbour_handle, NeighborOffloadState);
    rig_wait(rig, FLUE_PS_PER_S / 10);
    assert_true(rig->sent > 1);
    assert_true(rig_find(rig, RIG_OTHER_TREE, 0)->at_ps >= rig->out[rig->sent - 1].at_ps + 1200 * RIG_US);
    rig_finish(rig, 1);
    rig_free(rig);
}

/* A connection whose initiate has not completed obeys, too (CH-105, CH-106): its neighbour is older. */
static void stops_what_is_not_yet_live(void **state)
{
    struct rig *rig = rig_new();
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
    unsigned sent;

    (void)state;
    rig->params.profile.moderation_ps = 300 * RIG_US;
    rig->params.backlog_frames = 4;
    rig_build(rig);
    rig_tree(rig, 1);
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 400 * RIG_US);
    rig_tree_more(rig, 1);
    rig->conns[1].block.Block.NetBufferListChain = rig_nbl(rig, 1, 0, 60 * RIG_MSS);
    rig_initiate(rig, &rig->path_end);
    rig_wait(rig, 10 * RIG_US);
    assert_true(rig->sent > 1);
    invalidate(rig, &block, &rig->neighbour_handle, NeighborOffloadState);
    rig_wait(rig, 10 * RIG_US);
    sent = rig->sent;
    rig_wait(rig, FLUE_PS_PER_S);
    assert_int_equal(rig->sent, sent);
    assert_int_equal(rig_count(rig, RIG_INITIATED), 2);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->extra, InvalidState);
    assert_true(rig_place(rig, RIG_INITIATED, 1) < rig_place(rig, RIG_EVENT, 0)); /* D-15 */
    rig_finish(rig, 2);
    rig_free(rig);
}

/* The path gets a valid neighbour before anything was sent: saved (behaviour 5.2 T5). */
static void is_saved_by_a_relink(void **state)
{
    struct rig *rig = offloaded(1, NULL);
    NDIS_OFFLOAD_HANDLE other = {{NULL}, NULL};
    FLUE_NEIGHBOR_BLOCK fresh = rig->neighbour;
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, end;
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        NEIGHBOR_OFFLOAD_STATE_CACHED cached;
    } root = {.cached = fresh.Cached};
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        PATH_OFFLOAD_STATE_CACHED cached;
    } path = {.cached = rig->path.Cached};

    (void)state;
    invalidate(rig, &block, &rig->neighbour_handle, NeighborOffloadState);
    rig_wait(rig, 50 * RIG_US);
    rig_block(&fresh.Block, NeighborOffloadState, 1, &other);
    rig_initiate(rig, &fresh.Block);
    rig_wait(rig, 50 * RIG_US);
    rig_block(&root.block, NeighborOffloadCachedState, 1, &other);
    rig_block(&path.block, Ip4OffloadCachedState, 1, &rig->path_handle);
    root.block.DependentBlockList = &path.block;
    NdisUpdateOffload(rig->binding, &root.block);
    rig_send(rig, 0, 0, 500);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig->sent, 1);
    assert_int_equal(rig_count(rig, RIG_EVENT), 0);
    rig_block(&end, NeighborOffloadState, 1, &rig->neighbour_handle);
    NdisTerminateOffload(rig->binding, &end);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(end.Status, NDIS_STATUS_SUCCESS);
    rig->neighbour_handle = other;
    rig_finish(rig, 1);
    rig_free(rig);
}

/* Both switches the other way: the event right after the completion, and no frame at all (CH-107). */
static void obeys_the_switches(void **state)
{
    const struct flue_ddi ddi = {.invalidate_acks_none = 1};
    const struct flue_ddi eager = {.invalid_raise_eager = 1};
    struct rig *rig = offloaded(1, &ddi);
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

    (void)state;
    invalidate(rig, &block, &rig->neighbour_handle, NeighborOffloadState);
    rig_peer(rig, 0, 0, 0, 100, FLUE_TCP_ACK);
    rig_wait(rig, FLUE_PS_PER_S);
    assert_int_equal(rig->sent, 0);
    rig_finish(rig, 1);
    assert_int_equal(rig->sent, 0); /* not when it goes back either */
    rig_free(rig);

    rig = offloaded(3, &eager);
    invalidate(rig, &block, &rig->neighbour_handle, NeighborOffloadState);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_EVENT), 3);
    assert_true(rig_place(rig, RIG_OTHER_TREE, 0) < rig_place(rig, RIG_EVENT, 0));
    assert_int_equal(rig_find(rig, RIG_EVENT, 2)->extra, InvalidState);
    rig_finish(rig, 3);
    rig_free(rig);
}

/* RST on the host's behalf is allowed (D-24); and what is invalid can be queried and terminated (CH-105). */
static void resets_all_the_same(void **state)
{
    struct rig *rig = offloaded(1, NULL);
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

    (void)state;
    invalidate(rig, &block, &rig->neighbour_handle, NeighborOffloadState);
    rig_wait(rig, 50 * RIG_US);
    rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_ABORTIVE_CLOSE);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig_frames_with(rig, FLUE_TCP_RST), 1);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_SUCCESS);
    rig_finish(rig, 1);
    rig_free(rig);
}

/* CH-109: an adapter that does not hang has no reason to fail, however the connection stands. */
static void fails_for_no_reason_of_its_own(void **state)
{
    enum { IDLE, IN_FLIGHT, REFUSED, CLOSING, RESET, RECALLED, TWICE, WAYS };

    (void)state;
    for (int way = 0; way < WAYS; way++) {
        for (unsigned layer = 1; layer <= 3; layer++) {
            struct rig *rig = offloaded(1, NULL);
            NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

            if (way == IN_FLIGHT) {
                rig_send(rig, 0, 0, 30000);
            } else if (way == REFUSED) {
                rig->answer = RIG_REFUSE;
                rig_peer(rig, 0, 0, 0, 1000, FLUE_TCP_ACK);
            } else if (way == CLOSING) {
                rig_peer(rig, 0, 0, 0, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
                rig_disconnect(rig, 0, 0, 100, TCP_DISCONNECT_GRACEFUL_CLOSE);
            } else if (way == RESET) {
                rig_peer(rig, 0, 0, 0, 0, FLUE_TCP_RST);
            } else if (way == RECALLED) {
                assert_int_equal(flue_target_fault(rig->target, FLUE_FAULT_STARVE, 3, 0), FLUE_OK);
            } else if (way == TWICE) {
                invalidate(rig, &block, handle_of(rig, layer), types[layer]);
            }
            rig_wait(rig, way == IN_FLIGHT ? 0 : 100 * RIG_US);
            invalidate(rig, &block, handle_of(rig, layer), types[layer]);
            rig_wait(rig, 400 * RIG_US);
            assert_int_equal(block.Status, NDIS_STATUS_SUCCESS);
            rig_finish(rig, 1);
            rig_free(rig);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stops_sending),           cmocka_unit_test(repeats_nothing),
        cmocka_unit_test(waits_for_queued_frames), cmocka_unit_test(stops_what_is_not_yet_live),
        cmocka_unit_test(is_saved_by_a_relink),    cmocka_unit_test(obeys_the_switches),
        cmocka_unit_test(resets_all_the_same),     cmocka_unit_test(fails_for_no_reason_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
