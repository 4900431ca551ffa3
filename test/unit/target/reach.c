/* SPDX-License-Identifier: GPL-2.0-only */
/* Reachability of neighbours (behaviour 14, CH-264 to CH-270). */
#include "rig.h"

static struct rig *offloaded(uint32_t host_delta, uint32_t nic_delta)
{
    struct rig *rig = rig_new();

    rig->params.nce_stale_ticks = 1000;
    rig_build(rig);
    rig_tree(rig, 2);
    rig->neighbour.Cached.HostReachabilityDelta = host_delta;
    rig->neighbour.Delegated.NicReachabilityDelta = nic_delta;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 50 * RIG_US);
    return rig;
}

/* Both must be stale, and a datagram must leave (D-55); the datagram does not wait (CH-270). */
static void asks_when_both_are_stale(void **state)
{
    static const struct {
        uint32_t host, nic;
        unsigned asked;
    } cases[] = {{0, 0, 0},      {2000, 0, 0},   {0, 2000, 0},   {2000, 2000, 1}, {0x80000000, 0xFFFFFFF0, 1},
                 {999, 2000, 0}, {2000, 999, 0}, {1002, 1002, 1}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rig *rig = offloaded(cases[i].host, cases[i].nic);

        rig_wait(rig, 50 * RIG_US);
        assert_int_equal(rig_count(rig, RIG_ASKED), 0); /* nothing was sent */
        rig_send(rig, 0, 0, 100);
        rig_wait(rig, 50 * RIG_US);
        assert_int_equal(rig_count(rig, RIG_ASKED), cases[i].asked);
        assert_int_equal(rig->sent, 1);
        if (cases[i].asked) {
            assert_int_equal(rig_find(rig, RIG_ASKED, 0)->bytes, cases[i].host);
            assert_int_equal(rig_find(rig, RIG_ASKED, 0)->extra, cases[i].nic);
        }
        rig_send(rig, 1, 0, 100); /* the answer counts from its arrival on */
        rig_wait(rig, 50 * RIG_US);
        assert_int_equal(rig->sent, 2);
        assert_int_equal(rig_count(rig, RIG_ASKED), cases[i].asked);
        rig_finish(rig, 2);
        rig_free(rig);
    }
}

/* CH-113, D-32: a neighbour that was ended while others depend on it is there for those, but the host may have given up
 * its name: it is not asked about any more. */
static void asks_nothing_of_what_was_ended(void **state)
{
    struct rig *rig = offloaded(2000, 2000);

    (void)state;
    rig_terminate_neighbour(rig);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig->neighbour_end.block.Status, NDIS_STATUS_FAILURE);
    rig_send(rig, 0, 0, 100);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig->sent, 1);
    assert_int_equal(rig_count(rig, RIG_ASKED), 0);
    rig_finish(rig, 2);
    rig_free(rig);
}

/* A stale answer, 0, is good for NceStaleTicks; one that says "so long ago" for what is left of them. */
static void asks_again_when_the_answer_is_stale(void **state)
{
    struct rig *rig = offloaded(5000, 5000);

    (void)state;
    rig->host_delta = 0;
    rig_send(rig, 0, 0, 100);
    rig_wait(rig, 900 * FLUE_PS_PER_MS); /* repetitions leave meanwhile */
    assert_true(rig->sent > 1);
    assert_int_equal(rig_count(rig, RIG_ASKED), 1);
    rig->host_delta = 900;
    rig_send(rig, 1, 0, 100);
    rig_wait(rig, 102 * FLUE_PS_PER_MS);
    rig_send(rig, 1, 100, 100);
    rig_wait(rig, 20 * FLUE_PS_PER_MS);
    assert_int_equal(rig_count(rig, RIG_ASKED), 2);
    rig_wait(rig, 110 * FLUE_PS_PER_MS);
    rig_send(rig, 1, 200, 100);
    rig_wait(rig, 20 * FLUE_PS_PER_MS);
    assert_int_equal(rig_count(rig, RIG_ASKED), 3);
    rig_finish(rig, 2);
    rig_free(rig);
}

static uint32_t nic_delta(struct rig *rig)
{
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        NEIGHBOR_OFFLOAD_STATE_DELEGATED delegated;
    } query;

    rig_block(&query.block, NeighborOffloadDelegatedState, 1, &rig->neighbour_handle);
    NdisQueryOffloadState(rig->binding, &query.block);
    rig_wait(rig, 50 * RIG_US);
    return query.delegated.NicReachabilityDelta;
}

/* CH-269: an ACK of new data refreshes NRT, and new data does; nothing that comes again, and nothing that is sent. */
static void refreshes_on_progress_only(void **state)
{
    struct rig *rig = offloaded(5000, 5000);

    (void)state;
    rig_peer(rig, 0, 0, 0, 0, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    assert_in_range(nic_delta(rig), 5000, 5001);
    rig_send(rig, 0, 0, 100);
    rig_wait(rig, 20 * RIG_US);
    assert_in_range(nic_delta(rig), 5000, 5001);
    rig_wait(rig, 2 * FLUE_PS_PER_S);
    assert_true(rig->sent > 1); /* repeated */
    assert_in_range(nic_delta(rig), 7000, 7002);
    rig_peer(rig, 0, 0, 100, 0, FLUE_TCP_ACK);
    assert_in_range(nic_delta(rig), 0, 1);
    rig_wait(rig, FLUE_PS_PER_S);
    rig_peer(rig, 0, 0, 100, 0, FLUE_TCP_ACK);
    assert_in_range(nic_delta(rig), 1000, 1002);
    rig_peer(rig, 0, 0, 100, 10, FLUE_TCP_ACK);
    assert_in_range(nic_delta(rig), 0, 1);
    rig_wait(rig, FLUE_PS_PER_S);
    rig_peer(rig, 0, 0, 100, 10, FLUE_TCP_ACK);
    assert_in_range(nic_delta(rig), 1000, 1002);
    rig_send(rig, 0, 100, 100);
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 0, 10, 200, 0, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    rig_finish(rig, 2);
    assert_in_range(rig->neighbour_end.delegated.NicReachabilityDelta, 0, 1);
    rig_free(rig);
}

/* D-15: a connection that sends at once, before its initiate has completed. */
static void asks_after_the_initiate(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.nce_stale_ticks = 1000;
    rig->params.profile.moderation_ps = 100 * RIG_US;
    rig_build(rig);
    rig_tree(rig, 1);
    rig->neighbour.Cached.HostReachabilityDelta = 2000;
    rig->neighbour.Delegated.NicReachabilityDelta = 2000;
    rig->conns[0].block.Block.NetBufferListChain = rig_nbl(rig, 0, 0, 100);
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 300 * RIG_US);
    assert_int_equal(rig->sent, 1);
    assert_true(rig->out[0].at_ps < rig_find(rig, RIG_INITIATED, 0)->at_ps + 200 * RIG_US);
    assert_true(rig_place(rig, RIG_INITIATED, 0) < rig_place(rig, RIG_ASKED, 0));
    rig_finish(rig, 1);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_when_both_are_stale),
        cmocka_unit_test(asks_nothing_of_what_was_ended),
        cmocka_unit_test(asks_again_when_the_answer_is_stale),
        cmocka_unit_test(refreshes_on_progress_only),
        cmocka_unit_test(asks_after_the_initiate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
