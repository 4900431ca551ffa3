/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests to the adapter, pause and upload of everything, sleep. */
#include "rig.h"

#include <string.h>

#include "target/target.h"

#define SECOND FLUE_PS_PER_S
#define QUERY  NdisRequestQueryInformation
#define SET    NdisRequestSetInformation

static struct rig *offloaded(unsigned count)
{
    struct rig *rig = rig_new();

    rig->params.tcp.keep_alive = 0;
    rig_build(rig);
    rig_offload(rig, count);
    return rig;
}

static void finish(struct rig *rig, unsigned count)
{
    rig_finish(rig, count);
    rig_free(rig);
}

static void peer(struct rig *rig, uint32_t seq, uint32_t ack, uint32_t bytes, uint8_t flags)
{
    rig_peer(rig, 0, seq, ack, bytes, flags);
    rig_wait(rig, 20 * RIG_US);
}

static NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS parameters(struct rig *rig)
{
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS answer;

    memset(&answer, 0xEE, sizeof answer);
    assert_int_equal(rig_request(rig, QUERY, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, &answer, sizeof answer),
                     NDIS_STATUS_SUCCESS);
    assert_int_equal(answer.Header.Type, NDIS_OBJECT_TYPE_DEFAULT);
    assert_int_equal(answer.Header.Size, rig->request.BytesDone);
    return answer;
}

static NDIS_STATUS set_parameters(struct rig *rig, NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS *wanted)
{
    return rig_request(rig, SET, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, wanted, sizeof *wanted);
}

/* CH-303, CH-302, D-06, D-21. */
static void keeps_parameters(void **state)
{
    struct rig *rig = rig_new();
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS wanted, got;
    uint8_t small[8];

    (void)state;
    rig_build(rig);
    wanted = parameters(rig);
    assert_int_equal(wanted.TicksPerSecond, 1000);
    assert_int_equal(wanted.TcpPushTicks, 500);
    wanted.TicksPerSecond = 100;
    wanted.TcpAckFrequency = 4;
    wanted.TcpDelayedAckTicks = 11;
    wanted.TcpMaximumRetransmissions = 3;
    wanted.TcpDuplicateAckThreshold = 5;
    wanted.TcpPushTicks = 20;
    wanted.NceStaleTicks = 77;
    wanted.TcpSwsPreventionTicks = 33;
    wanted.TcpDoubtReachabilityRetransmissions = 2;
    assert_int_equal(set_parameters(rig, &wanted), NDIS_STATUS_SUCCESS);
    got = parameters(rig);
    assert_memory_equal(&got, &wanted, sizeof got);
    wanted.Header.Size = 12;
    assert_int_equal(set_parameters(rig, &wanted), NDIS_STATUS_INVALID_PARAMETER);
    assert_int_equal(rig_request(rig, QUERY, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, small, sizeof small),
                     NDIS_STATUS_BUFFER_TOO_SHORT);
    assert_int_equal(rig->request.BytesNeeded, sizeof got);
    assert_int_equal(rig_request(rig, QUERY, 0x12345, small, sizeof small), NDIS_STATUS_NOT_SUPPORTED);
    rig_offload(rig, 1);
    got.TcpAckFrequency = 7;
    got.TicksPerSecond = 1000;
    assert_int_equal(set_parameters(rig, &got), NDIS_STATUS_INVALID_STATE);
    assert_int_equal(parameters(rig).TcpAckFrequency, 4); /* nothing of it was taken */
    finish(rig, 1);
}

/* CH-290, CH-300: ACKs by number and by time (CH-209). */
static void obeys_ack_parameters(void **state)
{
    struct rig *rig = offloaded(1);
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS wanted = parameters(rig);

    (void)state;
    wanted.TcpAckFrequency = 4;
    wanted.TcpDelayedAckTicks = 100;
    assert_int_equal(set_parameters(rig, &wanted), NDIS_STATUS_SUCCESS);
    for (unsigned i = 0; i < 3; i++) {
        peer(rig, 10 * i, 0, 10, FLUE_TCP_ACK);
    }
    assert_int_equal(rig->sent, 0);
    peer(rig, 30, 0, 10, FLUE_TCP_ACK);
    assert_int_equal(rig->sent, 1);
    peer(rig, 40, 0, 10, FLUE_TCP_ACK);
    rig_wait(rig, 99 * FLUE_PS_PER_MS);
    assert_int_equal(rig->sent, 1);
    rig_wait(rig, 2 * FLUE_PS_PER_MS);
    assert_int_equal(rig->sent, 2);
    for (unsigned i = 0; i < 3; i++) { /* from the first on, whatever follows */
        peer(rig, 50 + 10 * i, 0, 10, FLUE_TCP_ACK);
        rig_wait(rig, 33 * FLUE_PS_PER_MS);
        assert_int_equal(rig->sent, 2);
    }
    rig_wait(rig, 2 * FLUE_PS_PER_MS);
    assert_int_equal(rig->sent, 3);
    peer(rig, 90, 0, 10, FLUE_TCP_ACK); /* what opens a gap, or closes one, is acknowledged at once */
    assert_int_equal(rig->sent, 4);
    peer(rig, 80, 0, 10, FLUE_TCP_ACK);
    assert_int_equal(rig->sent, 5);
    assert_int_equal(rig->out[4].frame.ack, RIG_RCV_NXT + 100);
    finish(rig, 1);
}

/* CH-291, D-51: fast retransmit, giving up, doubt (CH-301). */
static void obeys_retransmission_parameters(void **state)
{
    struct rig *rig = offloaded(1);
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS wanted = parameters(rig);
    struct flue_target_totals totals;

    (void)state;
    wanted.TcpDuplicateAckThreshold = 5;
    wanted.TcpMaximumRetransmissions = 2;
    wanted.TcpDoubtReachabilityRetransmissions = 2;
    assert_int_equal(set_parameters(rig, &wanted), NDIS_STATUS_SUCCESS);
    rig_send(rig, 0, 0, 10 * RIG_MSS);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig->sent, 10);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(rig->sent, 10);
        peer(rig, 0, 0, 0, FLUE_TCP_ACK);
    }
    assert_int_equal(rig->sent, 11);
    assert_int_equal(rig->out[10].frame.seq, RIG_SND_UNA);
    rig_wait(rig, 60 * SECOND);
    flue_target_totals(rig->target, &totals);
    assert_int_equal(totals.doubts, 1);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->extra, TimeoutExpiration);
    finish(rig, 1);
}

enum { TICK_MS = 10, STALE_TICKS = 77 };

/* TcpAckFrequency 4, TcpDelayedAckTicks 11. */
static void expect_acks(struct rig *rig)
{
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(rig->sent, i == 4);
        peer(rig, 10 * i, 0, 10, FLUE_TCP_ACK);
    }
    assert_int_equal(rig->sent, 1);
    rig_wait(rig, 109 * FLUE_PS_PER_MS);
    assert_int_equal(rig->sent, 1);
    rig_wait(rig, 2 * FLUE_PS_PER_MS);
    assert_int_equal(rig->sent, 2);
}

/* TcpPushTicks 20. */
static void expect_push(struct rig *rig)
{
    (void)rig_post(rig, 0, 1000, RIG_PUSH);
    peer(rig, 50, 0, 10, FLUE_TCP_ACK);
    rig_wait(rig, 198 * FLUE_PS_PER_MS);
    assert_int_equal(rig_count(rig, RIG_RECEIVED), 0);
    rig_wait(rig, 3 * FLUE_PS_PER_MS);
    assert_int_equal(rig_find(rig, RIG_RECEIVED, 0)->bytes, 10);
}

/* TcpDuplicateAckThreshold 5. */
static void expect_repetition(struct rig *rig)
{
    rig->sent = 0;
    rig_send(rig, 1, 0, 10 * RIG_MSS);
    rig_wait(rig, 50 * RIG_US);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(rig->sent, 10);
        rig_peer(rig, 1, 0, 0, 0, FLUE_TCP_ACK);
        rig_wait(rig, 20 * RIG_US);
    }
    assert_int_equal(rig->sent, 11);
    rig_peer(rig, 1, 0, 10 * RIG_MSS, 0, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
}

/* NceStaleTicks: the ACK of before has refreshed what the adapter knows of the neighbour. */
static void expect_staleness(struct rig *rig)
{
    rig_wait(rig, (STALE_TICKS - 1) * TICK_MS * FLUE_PS_PER_MS);
    rig_send(rig, 1, 10 * RIG_MSS, 10);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_ASKED), 0);
    rig_peer(rig, 1, 0, 10 * RIG_MSS + 10, 0, FLUE_TCP_ACK);
    rig_wait(rig, (STALE_TICKS + 1) * TICK_MS * FLUE_PS_PER_MS);
    rig_send(rig, 1, 10 * RIG_MSS + 10, 10);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_ASKED), 1);
    rig_peer(rig, 1, 0, 10 * RIG_MSS + 20, 0, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
}

/* CH-300: all of them at once, in ticks of an unusual length. */
static void obeys_each_parameter(void **state)
{
    struct rig *rig = rig_new();
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS wanted;

    (void)state;
    rig->params.tcp.keep_alive = 0;
    rig_build(rig);
    wanted = parameters(rig);
    wanted.TicksPerSecond = 1000 / TICK_MS;
    wanted.TcpAckFrequency = 4;
    wanted.TcpDelayedAckTicks = 11;
    wanted.TcpMaximumRetransmissions = 2;
    wanted.TcpDuplicateAckThreshold = 5;
    wanted.TcpPushTicks = 20;
    wanted.NceStaleTicks = STALE_TICKS;
    assert_int_equal(set_parameters(rig, &wanted), NDIS_STATUS_SUCCESS);
    rig_offload(rig, 3);
    expect_acks(rig);
    expect_push(rig);
    expect_repetition(rig);
    expect_staleness(rig);
    rig->sent = 0;
    rig_send(rig, 2, 0, 10);
    rig_wait(rig, 60 * SECOND);
    assert_int_equal(rig->sent, 1 + 2); /* TcpMaximumRetransmissions */
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->extra, TimeoutExpiration);
    finish(rig, 3);
}

/* CH-191. */
static void obeys_push_ticks(void **state)
{
    struct rig *rig = offloaded(1);
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS wanted = parameters(rig);

    (void)state;
    wanted.TcpPushTicks = 7;
    assert_int_equal(set_parameters(rig, &wanted), NDIS_STATUS_SUCCESS);
    (void)rig_post(rig, 0, 1000, RIG_PUSH);
    peer(rig, 0, 0, 10, FLUE_TCP_ACK);
    rig_wait(rig, 6 * FLUE_PS_PER_MS);
    assert_int_equal(rig_count(rig, RIG_RECEIVED), 0);
    rig_wait(rig, 2 * FLUE_PS_PER_MS);
    assert_int_equal(rig_find(rig, RIG_RECEIVED, 0)->bytes, 10);
    finish(rig, 1);
}

/* CH-304: what is switched off is not taken; capabilities say so with the next resume. */
static void obeys_the_switch(void **state)
{
    NDIS_OFFLOAD_PARAMETERS off = {
        .Header = {NDIS_OBJECT_TYPE_DEFAULT, 1, sizeof off},
        .TcpConnectionIPv4 = NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED,
    };
    NDIS_TCP_CONNECTION_OFFLOAD capability;
    struct rig *rig = rig_new();

    (void)state;
    rig_build(rig);
    assert_int_equal(rig_request(rig, QUERY, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG, &capability, sizeof capability),
                     NDIS_STATUS_SUCCESS);
    assert_int_equal(capability.SupportIPv4, 1);
    assert_int_equal(capability.SupportIPv6, 0);
    assert_int_equal(capability.TcpConnectionOffloadCapacity, RIG_CONNS);
    assert_int_equal(rig_request(rig, SET, OID_TCP_OFFLOAD_PARAMETERS, &off, sizeof off), NDIS_STATUS_SUCCESS);
    rig_tree(rig, 1);
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->path.Block.Status, NDIS_STATUS_FAILURE);
    assert_int_equal(rig->conns[0].block.Block.Status, NDIS_STATUS_FAILURE);
    flue_target_resume(rig->target);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_STATUS, 0)->bytes, (uint32_t)NDIS_STATUS_OFFLOAD_RESUME);
    assert_int_equal(rig_request(rig, QUERY, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG, &capability, sizeof capability),
                     NDIS_STATUS_SUCCESS);
    assert_int_equal(capability.SupportIPv4, 0);
    rig_terminate_neighbour(rig);
    rig_wait(rig, 100 * RIG_US);
    rig_free(rig);
}

/* CH-307, CH-309: a paused target lets initiates wait and serves what it has. */
static void pauses_and_resumes(void **state)
{
    struct rig *rig = offloaded(1);
    FLUE_TCP_BLOCK *block = &rig->conns[1].block;

    (void)state;
    flue_target_pause(rig->target);
    assert_int_equal(rig_count(rig, RIG_STATUS), 0); /* in an interrupt (D-47) */
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_STATUS, 0)->bytes, (uint32_t)NDIS_STATUS_OFFLOAD_PAUSE);
    rig_tree_more(rig, 1);
    rig_initiate(rig, &rig->path_end);
    rig_send(rig, 0, 0, 100);
    rig_wait(rig, 20 * RIG_US);
    peer(rig, 0, 100, 0, FLUE_TCP_ACK);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_SUCCESS);
    rig_wait(rig, 10 * FLUE_PS_PER_MS);
    assert_int_equal(rig_count(rig, RIG_INITIATED), 1);
    flue_target_resume(rig->target);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_INITIATED), 2);
    assert_int_equal(block->Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_find(rig, RIG_STATUS, 1)->bytes, (uint32_t)NDIS_STATUS_OFFLOAD_RESUME);
    assert_int_equal(rig_find(rig, RIG_STATUS, 1)->status, sizeof(NDIS_TCP_CONNECTION_OFFLOAD));
    finish(rig, 2);
}

/* An object that a waiting initiate names goes meanwhile, which the host must not do: what was a linker carries no
 * state, so it is not taken for a new object. */
static void trusts_no_linker_that_has_waited(void **state)
{
    struct rig *rig = offloaded(1);
    FLUE_NEIGHBOR_BLOCK root = rig->neighbour;
    FLUE_PATH_BLOCK path = rig->path;

    (void)state;
    flue_target_pause(rig->target);
    rig_tree_more(rig, 1);
    rig_block(&root.Block, NeighborOffloadState, 1, &rig->neighbour_handle);
    rig_block(&path.Block, Ip4OffloadState, 1, &rig->path_handle);
    root.Block.DependentBlockList = &path.Block;
    path.Block.DependentBlockList = &rig->conns[1].block.Block;
    rig_initiate(rig, &root.Block);
    rig_wait(rig, 20 * RIG_US);
    rig_terminate(rig, 1, 1);
    rig_wait(rig, 100 * RIG_US);
    rig->conns[0].handle.MiniportOffloadContext = NULL;
    rig->path_handle.MiniportOffloadContext = NULL;
    rig->neighbour_handle.MiniportOffloadContext = NULL;
    flue_target_resume(rig->target);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_INITIATED), 2);
    assert_int_equal(root.Block.Status, NDIS_STATUS_FAILURE);
    assert_int_equal(path.Block.Status, NDIS_STATUS_FAILURE);
    assert_int_equal(rig->conns[1].block.Block.Status, NDIS_STATUS_FAILURE);
    assert_null(rig->neighbour_handle.MiniportOffloadContext);
    rig_free(rig);
}

/* Behaviour 12: sends come back, initiates fail, until the resume. */
static void uploads_all(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    flue_target_pause(rig->target);
    rig_tree_more(rig, 1);
    rig_initiate(rig, &rig->path_end);
    rig_wait(rig, 20 * RIG_US);
    flue_target_upload_all(rig->target);
    rig_send(rig, 0, 0, 100);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_STATUS, 1)->bytes, (uint32_t)NDIS_STATUS_UPLOAD_ALL);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    assert_int_equal(rig_count(rig, RIG_INITIATED), 2);
    assert_int_equal(rig->conns[1].block.Block.Status, NDIS_STATUS_FAILURE);
    assert_null(rig->conns[1].handle.MiniportOffloadContext);
    finish(rig, 1);
}

/* CH-311: a low-power request waits until the table is empty; CH-312: a port that goes down is only reported. */
static void sleeps_when_empty(void **state)
{
    struct rig *rig = offloaded(1);
    ULONG power = NetDeviceStateD3;

    (void)state;
    flue_target_link(rig->target, 0);
    rig_wait(rig, SECOND);
    assert_int_equal(rig_find(rig, RIG_STATUS, 0)->bytes, (uint32_t)NDIS_STATUS_LINK_STATE);
    assert_int_equal(rig_count(rig, RIG_STATUS), 1);
    assert_int_equal(rig_count(rig, RIG_EVENT), 0);
    assert_int_equal(rig_request(rig, SET, OID_PNP_SET_POWER, &power, sizeof power), NDIS_STATUS_PENDING);
    rig_terminate(rig, 1, 0);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_REQUEST), 0);
    rig_terminate(rig, 0, 1);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_REQUEST, 0)->status, NDIS_STATUS_SUCCESS);
    assert_true(rig_place(rig, RIG_TERMINATED, 1) < rig_place(rig, RIG_REQUEST, 0));
    power = NetDeviceStateD0;
    assert_int_equal(rig_request(rig, SET, OID_PNP_SET_POWER, &power, sizeof power), NDIS_STATUS_SUCCESS);
    rig_free(rig);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_parameters),
        cmocka_unit_test(obeys_ack_parameters),
        cmocka_unit_test(obeys_retransmission_parameters),
        cmocka_unit_test(obeys_each_parameter),
        cmocka_unit_test(obeys_push_ticks),
        cmocka_unit_test(obeys_the_switch),
        cmocka_unit_test(pauses_and_resumes),
        cmocka_unit_test(uploads_all),
        cmocka_unit_test(trusts_no_linker_that_has_waited),
        cmocka_unit_test(sleeps_when_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
