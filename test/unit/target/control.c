/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests to the adapter, statistics, pause and upload of everything, sleep. */
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
    finish(rig, 1);
}

/* CH-291, CH-297, D-51: fast retransmit, giving up, doubt (CH-301). */
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

static TCP_OFFLOAD_STATS tcp_stats(struct rig *rig)
{
    TCP_OFFLOAD_STATS stats;

    assert_int_equal(rig_request(rig, QUERY, OID_TCP4_OFFLOAD_STATS, &stats, sizeof stats), NDIS_STATUS_SUCCESS);
    return stats;
}

static IP_OFFLOAD_STATS ip_stats(struct rig *rig)
{
    IP_OFFLOAD_STATS stats;

    assert_int_equal(rig_request(rig, QUERY, OID_IP4_OFFLOAD_STATS, &stats, sizeof stats), NDIS_STATUS_SUCCESS);
    return stats;
}

/* CH-313 to CH-316, CH-320 to CH-323. */
static void counts_offloaded_traffic(void **state)
{
    struct rig *rig = offloaded(2);
    TCP_OFFLOAD_STATS tcp, tcp6;
    IP_OFFLOAD_STATS ip;

    (void)state;
    assert_int_equal(tcp_stats(rig).CurrentlyEstablished, 2);
    peer(rig, 0, 0, 100, FLUE_TCP_ACK);
    rig_peer(rig, 5, 0, 0, 100, FLUE_TCP_ACK); /* no connection of ours */
    rig_send(rig, 0, 0, 1000);
    rig_wait(rig, 50 * FLUE_PS_PER_MS);
    peer(rig, 100, 0, 0, FLUE_TCP_ACK);
    rig_wait(rig, 2 * SECOND); /* unacknowledged: it is repeated */
    tcp = tcp_stats(rig);
    ip = ip_stats(rig);
    assert_int_equal(tcp.InSegments, 2);
    assert_int_equal(tcp.OutSegments, 1);
    assert_true(tcp.RetransmittedSegments > 0);
    assert_int_equal(tcp.OutSegments + tcp.RetransmittedSegments, rig->sent);
    assert_int_equal(ip.InReceives, 2);
    assert_int_equal(ip.InDelivers, 2);
    assert_int_equal(ip.InOctets, 2 * 40 + 100);
    assert_int_equal(ip.OutRequests, rig->sent);
    assert_int_equal(ip.OutOctets, rig->sent * 1040);
    rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_ABORTIVE_CLOSE);
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 1, 0, 0, 0, FLUE_TCP_RST);
    tcp = tcp_stats(rig);
    assert_int_equal(tcp.OutResets, 1);
    assert_int_equal(tcp.ResetEstablished, 2);
    assert_int_equal(tcp.CurrentlyEstablished, 0);
    assert_int_equal(rig_request(rig, QUERY, OID_TCP6_OFFLOAD_STATS, &tcp6, sizeof tcp6), NDIS_STATUS_SUCCESS);
    assert_int_equal(tcp6.InSegments + tcp6.OutSegments, 0);
    assert_int_equal(rig_request(rig, SET, OID_TCP4_OFFLOAD_STATS, NULL, 0), NDIS_STATUS_SUCCESS);
    assert_int_equal(tcp_stats(rig).OutSegments, 0);
    assert_true(ip_stats(rig).InReceives > 0);
    assert_int_equal(rig_request(rig, SET, OID_IP4_OFFLOAD_STATS, "garbage", 7), NDIS_STATUS_SUCCESS);
    assert_int_equal(ip_stats(rig).InReceives, 0);
    finish(rig, 2);
}

/* CH-321. */
static void lets_counters_wrap(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    rig->target->statistics[0].ip.InReceives = UINT64_MAX;
    rig->target->statistics[0].ip.InOctets = UINT64_MAX - 9;
    rig->target->statistics[0].tcp.OutResets = UINT32_MAX;
    peer(rig, 0, 0, 10, FLUE_TCP_ACK);
    rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_ABORTIVE_CLOSE);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(ip_stats(rig).InReceives, 0);
    assert_int_equal(ip_stats(rig).InOctets, 40);
    assert_int_equal(tcp_stats(rig).OutResets, 0);
    finish(rig, 1);
}

/* CH-317 to CH-319: up, uncounted; or dropped and counted, when it may be. */
static void treats_corrupt_headers(void **state)
{
    (void)state;
    for (uint32_t count = 0; count < 2; count++) {
        struct rig *rig = rig_new();
        struct flue_frame frame = rig_segment(0, 0, 0, 100, FLUE_TCP_ACK);

        rig->params.count_bad = count;
        rig_build(rig);
        flue_target_receive_bad(rig->target, FLUE_BAD_TCP_HEADER, &frame, rig->env.now_ps);
        rig_wait(rig, 20 * RIG_US);
        assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 1); /* nothing is offloaded */
        rig_offload(rig, 1);
        for (unsigned bad = FLUE_BAD_IP_HEADER; bad <= FLUE_BAD_TCP_HEADER; bad++) {
            flue_target_receive_bad(rig->target, (enum flue_target_bad)bad, &frame, rig->env.now_ps);
            rig_wait(rig, 20 * RIG_US);
        }
        assert_int_equal(rig_count(rig, RIG_FRAMES_IN), count != 0 ? 1 : 4);
        assert_int_equal(ip_stats(rig).InHeaderErrors, count);
        assert_int_equal(ip_stats(rig).InTruncatedPackets, count);
        assert_int_equal(tcp_stats(rig).InErrors, count);
        assert_int_equal(tcp_stats(rig).InSegments, count); /* errors included */
        finish(rig, 1);
    }
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
        cmocka_unit_test(obeys_push_ticks),
        cmocka_unit_test(obeys_the_switch),
        cmocka_unit_test(counts_offloaded_traffic),
        cmocka_unit_test(lets_counters_wrap),
        cmocka_unit_test(treats_corrupt_headers),
        cmocka_unit_test(pauses_and_resumes),
        cmocka_unit_test(uploads_all),
        cmocka_unit_test(trusts_no_linker_that_has_waited),
        cmocka_unit_test(sleeps_when_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
