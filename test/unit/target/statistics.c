/* SPDX-License-Identifier: GPL-2.0-only */
/* Statistics of what is offloaded, and of corrupt frames (CH-313 to CH-323; behaviour 16). */
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

static TCP_OFFLOAD_STATS tcp_stats_of(struct rig *rig, NDIS_OID oid)
{
    TCP_OFFLOAD_STATS stats;

    assert_int_equal(rig_request(rig, QUERY, oid, &stats, sizeof stats), NDIS_STATUS_SUCCESS);
    return stats;
}

static IP_OFFLOAD_STATS ip_stats_of(struct rig *rig, NDIS_OID oid)
{
    IP_OFFLOAD_STATS stats;

    assert_int_equal(rig_request(rig, QUERY, oid, &stats, sizeof stats), NDIS_STATUS_SUCCESS);
    return stats;
}

/* A segment of the host's own. */
static void send_ordinary(struct rig *rig)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(rig->frames);

    assert_non_null(nbl);
    *ndis_nbl_frame(nbl) = rig_segment(5, 0, 0, 100, FLUE_TCP_ACK);
    nbl->Next = NULL;
    NdisSendNetBufferLists(rig->binding, nbl, 0, 0);
}

/* CH-320: whatever comes with it, and of that version alone. */
static void zero_counters(struct rig *rig)
{
    static const struct {
        int64_t oid;
        unsigned tcp, v6;
    } cases[] = {{OID_TCP4_OFFLOAD_STATS, 1, 0},
                 {OID_TCP6_OFFLOAD_STATS, 1, 1},
                 {OID_IP4_OFFLOAD_STATS, 0, 0},
                 {OID_IP6_OFFLOAD_STATS, 0, 1}};
    uint8_t garbage[256];

    memset(garbage, 0xA5, sizeof garbage);
    for (unsigned i = 0; i < COUNT_OF(cases) * 3; i++) {
        const unsigned which = i / 3;
        const ULONG bytes = i % 3 == 0 ? 0 : i % 3 == 1 ? 7 : sizeof garbage;

        for (unsigned v6 = 0; v6 < 2; v6++) {
            rig->target->statistics[v6].tcp.InSegments = 7 + v6;
            rig->target->statistics[v6].ip.InReceives = 9 + v6;
        }
        assert_int_equal(rig_request(rig, SET, cases[which].oid, bytes == 0 ? NULL : garbage, bytes),
                         NDIS_STATUS_SUCCESS);
        assert_int_equal(tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS).InSegments,
                         cases[which].tcp && !cases[which].v6 ? 0 : 7);
        assert_int_equal(tcp_stats_of(rig, OID_TCP6_OFFLOAD_STATS).InSegments,
                         cases[which].tcp && cases[which].v6 ? 0 : 8);
        assert_int_equal(ip_stats_of(rig, OID_IP4_OFFLOAD_STATS).InReceives,
                         !cases[which].tcp && !cases[which].v6 ? 0 : 9);
        assert_int_equal(ip_stats_of(rig, OID_IP6_OFFLOAD_STATS).InReceives,
                         !cases[which].tcp && cases[which].v6 ? 0 : 10);
    }
}

/* CH-322: a probe's byte is old when the window lets it leave with others that are new. */
static void count_partly_old(struct rig *rig)
{
    const TCP_OFFLOAD_STATS before = tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS);
    struct flue_frame frame = rig_segment(1, 0, 0, 0, FLUE_TCP_ACK);
    unsigned sent = rig->sent;

    frame.window = 0;
    flue_target_receive(rig->target, &frame, rig->env.now_ps);
    rig_send(rig, 1, 0, 100);
    for (unsigned i = 0; i < 100 && rig->sent == sent; i++) {
        rig_wait(rig, 20 * FLUE_PS_PER_MS);
    }
    assert_int_equal(rig->sent, sent + 1); /* the probe: a new segment */
    assert_int_equal(tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS).OutSegments, before.OutSegments + 1);
    frame.window = 65535;
    flue_target_receive(rig->target, &frame, rig->env.now_ps);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig->sent, sent + 2);
    assert_int_equal(rig->out[sent + 1].frame.payload.length_bytes, 100);
    assert_int_equal(tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS).OutSegments, before.OutSegments + 2);
    assert_int_equal(tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS).RetransmittedSegments, before.RetransmittedSegments + 1);
}

static void expect_nothing_of_ipv6(struct rig *rig)
{
    const TCP_OFFLOAD_STATS tcp = tcp_stats_of(rig, OID_TCP6_OFFLOAD_STATS);
    const IP_OFFLOAD_STATS ip = ip_stats_of(rig, OID_IP6_OFFLOAD_STATS);

    assert_int_equal(tcp.InSegments + tcp.OutSegments + tcp.RetransmittedSegments + tcp.OutResets, 0);
    assert_int_equal(tcp.CurrentlyEstablished + tcp.ResetEstablished + tcp.InErrors, 0);
    assert_int_equal(ip.InReceives + ip.InOctets + ip.InDelivers + ip.OutRequests + ip.OutOctets, 0);
}

/* CH-313 to CH-316, CH-320, CH-322, CH-323. */
static void counts_offloaded_traffic(void **state)
{
    struct rig *rig = offloaded(2);
    TCP_OFFLOAD_STATS tcp;
    IP_OFFLOAD_STATS ip;

    (void)state;
    assert_int_equal(tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS).CurrentlyEstablished, 2);
    peer(rig, 0, 0, 100, FLUE_TCP_ACK);
    rig_peer(rig, 5, 0, 0, 100, FLUE_TCP_ACK); /* no connection of ours */
    send_ordinary(rig);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 1);
    assert_int_equal(rig_count(rig, RIG_FRAMES_SENT), 1);
    rig->sent = 0;
    rig_send(rig, 0, 0, 1000);
    rig_wait(rig, 50 * FLUE_PS_PER_MS);
    peer(rig, 100, 0, 0, FLUE_TCP_ACK);
    rig_wait(rig, 2 * SECOND); /* unacknowledged: it is repeated */
    tcp = tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS);
    ip = ip_stats_of(rig, OID_IP4_OFFLOAD_STATS);
    assert_int_equal(tcp.InSegments, 2);
    assert_int_equal(tcp.OutSegments, 1);
    assert_true(tcp.RetransmittedSegments > 0);
    assert_int_equal(tcp.OutSegments + tcp.RetransmittedSegments, rig->sent);
    assert_int_equal(ip.InReceives, 2);
    assert_int_equal(ip.InDelivers, 2);
    assert_int_equal(ip.InOctets, 2 * 40 + 100);
    assert_int_equal(ip.OutRequests, rig->sent);
    assert_int_equal(ip.OutOctets, rig->sent * 1040);
    peer(rig, 100, 1000, 0, FLUE_TCP_ACK);
    count_partly_old(rig);
    rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_ABORTIVE_CLOSE);
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 1, 0, 0, 0, FLUE_TCP_RST);
    tcp = tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS);
    assert_int_equal(tcp.OutResets, 1);
    assert_int_equal(tcp.ResetEstablished, 2);
    assert_int_equal(tcp.CurrentlyEstablished, 0);
    expect_nothing_of_ipv6(rig);
    zero_counters(rig);
    finish(rig, 2);
    rig = offloaded(1); /* another interface */
    assert_int_equal(tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS).InSegments, 0);
    assert_int_equal(ip_stats_of(rig, OID_IP4_OFFLOAD_STATS).InReceives, 0);
    finish(rig, 1);
}

/* CH-321. */
static void lets_counters_wrap(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    rig->target->statistics[0].ip = (IP_OFFLOAD_STATS){.InReceives = UINT64_MAX,
                                                       .InOctets = UINT64_MAX - 9,
                                                       .InDelivers = UINT64_MAX,
                                                       .OutRequests = UINT64_MAX,
                                                       .OutOctets = UINT64_MAX};
    rig->target->statistics[0].tcp = (TCP_OFFLOAD_STATS){.InSegments = UINT64_MAX,
                                                         .OutSegments = UINT64_MAX,
                                                         .RetransmittedSegments = UINT32_MAX,
                                                         .ResetEstablished = UINT32_MAX,
                                                         .OutResets = UINT32_MAX};
    peer(rig, 0, 0, 10, FLUE_TCP_ACK);
    assert_int_equal(ip_stats_of(rig, OID_IP4_OFFLOAD_STATS).InReceives, 0);
    assert_int_equal(ip_stats_of(rig, OID_IP4_OFFLOAD_STATS).InOctets, 40);
    assert_int_equal(ip_stats_of(rig, OID_IP4_OFFLOAD_STATS).InDelivers, 0);
    assert_int_equal(tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS).InSegments, 0);
    rig_send(rig, 0, 0, 10);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(ip_stats_of(rig, OID_IP4_OFFLOAD_STATS).OutRequests, 0);
    assert_int_equal(ip_stats_of(rig, OID_IP4_OFFLOAD_STATS).OutOctets, 49);
    assert_int_equal(tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS).OutSegments, 0);
    rig_wait(rig, SECOND);
    assert_true(rig->sent > 1);
    assert_int_equal(tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS).RetransmittedSegments, rig->sent - 2);
    rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_ABORTIVE_CLOSE);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS).OutResets, 0);
    assert_int_equal(tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS).ResetEstablished, 0);
    finish(rig, 1);
}

/* How much is offloaded when a corrupt frame comes, and who may keep it then. */
enum stage { NOTHING, NEIGHBOUR, ALL, OFF, STAGES };

static bool may_drop(enum stage stage, enum flue_target_bad bad)
{
    return stage == ALL || (stage == NEIGHBOUR && bad != FLUE_BAD_TCP_HEADER);
}

static void reach(struct rig *rig, enum stage stage)
{
    NDIS_OFFLOAD_PARAMETERS off = {
        .Header = {NDIS_OBJECT_TYPE_DEFAULT, 1, sizeof off},
        .TcpConnectionIPv4 = NDIS_OFFLOAD_PARAMETERS_CONNECTION_OFFLOAD_DISABLED,
    };

    rig_tree(rig, 1);
    if (stage == NEIGHBOUR) {
        rig->neighbour.Block.DependentBlockList = NULL;
    }
    if (stage != NOTHING) {
        rig_initiate(rig, &rig->neighbour.Block);
        rig_wait(rig, 100 * RIG_US);
        assert_int_equal(rig->neighbour.Block.Status, NDIS_STATUS_SUCCESS);
    }
    if (stage == OFF) {
        assert_int_equal(rig_request(rig, SET, OID_TCP_OFFLOAD_PARAMETERS, &off, sizeof off), NDIS_STATUS_SUCCESS);
        rig_wait(rig, 100 * RIG_US);
    }
}

static void leave(struct rig *rig, enum stage stage)
{
    if (stage == NEIGHBOUR) {
        rig_terminate_neighbour(rig);
        rig_wait(rig, 100 * RIG_US);
    } else if (stage != NOTHING) {
        rig_finish(rig, 1);
    }
    rig_free(rig);
}

/* CH-317 to CH-319: up, uncounted; or dropped and counted, when it may be. */
static void treats_corrupt_headers(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * STAGES * (FLUE_BAD_TCP_HEADER + 1); i++) {
        const enum stage stage = (enum stage)(i / 2 % STAGES);
        const enum flue_target_bad bad = (enum flue_target_bad)(i / 2 / STAGES);
        const unsigned kept = i % 2 != 0 && may_drop(stage, bad);
        const unsigned whole = bad == FLUE_BAD_TCP_HEADER ? kept : 0; /* its IP header is good */
        struct rig *rig = rig_new();
        const struct flue_frame frame = rig_segment(0, 0, 0, 100, FLUE_TCP_ACK);

        rig->params.count_bad = i % 2;
        rig_build(rig);
        reach(rig, stage);
        flue_target_receive_bad(rig->target, bad, &frame, rig->env.now_ps);
        rig_wait(rig, 20 * RIG_US);
        assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 1 - kept);
        assert_int_equal(ip_stats_of(rig, OID_IP4_OFFLOAD_STATS).InReceives, kept);
        assert_int_equal(ip_stats_of(rig, OID_IP4_OFFLOAD_STATS).InOctets, kept * 140);
        assert_int_equal(ip_stats_of(rig, OID_IP4_OFFLOAD_STATS).InDelivers, whole);
        assert_int_equal(ip_stats_of(rig, OID_IP4_OFFLOAD_STATS).InHeaderErrors, bad == FLUE_BAD_IP_HEADER ? kept : 0);
        assert_int_equal(ip_stats_of(rig, OID_IP4_OFFLOAD_STATS).InTruncatedPackets,
                         bad == FLUE_BAD_IP_TRUNCATED ? kept : 0);
        assert_int_equal(tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS).InErrors, whole);
        assert_int_equal(tcp_stats_of(rig, OID_TCP4_OFFLOAD_STATS).InSegments, whole); /* errors included */
        leave(rig, stage);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_offloaded_traffic),
        cmocka_unit_test(lets_counters_wrap),
        cmocka_unit_test(treats_corrupt_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
