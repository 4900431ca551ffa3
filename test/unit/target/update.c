/* SPDX-License-Identifier: GPL-2.0-only */
/* Update: values and links change before the call returns, the completion comes later (D-18, CH-081 to CH-090). */
#include "rig.h"

#include <string.h>

static struct rig *offloaded(unsigned count)
{
    struct rig *rig = rig_new();

    rig->wire.facts.has_mac = 1;
    rig_build(rig);
    rig_offload(rig, count);
    return rig;
}

static void peek(struct rig *rig, unsigned conn, TCP_OFFLOAD_STATE_DELEGATED *out)
{
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        TCP_OFFLOAD_STATE_DELEGATED delegated;
    } query;

    rig_block(&query.block, TcpOffloadDelegatedState, FLUE_TCP_DELEGATED_REVISION_2, &rig->conns[conn].handle);
    NdisQueryOffloadState(rig->binding, &query.block);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(query.block.Status, NDIS_STATUS_SUCCESS);
    *out = query.delegated;
}

/* CH-082: probed right after the return. */
static void takes_effect_at_the_call(void **state)
{
    struct rig *rig = offloaded(1);
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        NEIGHBOR_OFFLOAD_STATE_CACHED cached;
    } neighbour = {.cached = rig->neighbour.Cached};
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        TCP_OFFLOAD_STATE_CACHED cached;
    } tcp = {.cached = rig->conns[0].block.Cached};
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        PATH_OFFLOAD_STATE_CACHED cached;
    } path = {.cached = rig->path.Cached};

    (void)state;
    rig_block(&path.block, Ip4OffloadCachedState, 1, &rig->path_handle);
    path.cached.PathMtu = 900;
    rig_block(&neighbour.block, NeighborOffloadCachedState, 1, &rig->neighbour_handle);
    rig_block(&tcp.block, TcpOffloadCachedState, 1, &rig->conns[0].handle);
    neighbour.cached.DlDestinationAddress[5] = 77;
    tcp.cached.TtlOrHopLimit = 33;
    tcp.cached.TosOrTrafficClass = 0x20;
    rig_send(rig, 0, 0, 1000);
    rig_wait(rig, 100000); /* the adapter sees the send before the doorbells of the updates, but not yet */
    assert_int_equal(rig->sent, 0);
    NdisUpdateOffload(rig->binding, &path.block);
    NdisUpdateOffload(rig->binding, &neighbour.block);
    NdisUpdateOffload(rig->binding, &tcp.block);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_OTHER_TREE), 3);
    assert_int_equal(rig->out[0].frame.payload.length_bytes, 860);
    assert_int_equal(rig->out[0].frame.dst_mac[5], 77); /* CH-089 */
    assert_int_equal(rig->out[0].frame.ttl, 33);
    assert_int_equal(rig->out[0].frame.tos, 0x20);
    rig_finish(rig, 1);
    rig_free(rig);
}

/* CH-090: more, and less, than the target can do is refused, whole, and nothing changes. */
static void goes_on_after_a_refused_update(void **state)
{
    struct rig *rig = rig_new();
    TCP_OFFLOAD_STATE_CACHED cached;
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        PATH_OFFLOAD_STATE_CACHED cached;
    } path;
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        TCP_OFFLOAD_STATE_CACHED cached;
    } tcp;

    (void)state;
    rig->params.rcv_wnd_max_bytes = RIG_WINDOW;
    rig_build(rig);
    rig_offload(rig, 1);
    path.cached = rig->path.Cached;
    tcp.cached = cached = rig->conns[0].block.Cached;
    for (unsigned i = 0; i < 2; i++) {
        rig_block(&path.block, Ip4OffloadCachedState, 1, &rig->path_handle);
        path.cached.PathMtu = i == 0 ? 1501 : 67;
        NdisUpdateOffload(rig->binding, &path.block);
        rig_wait(rig, 50 * RIG_US);
        assert_int_equal(path.block.Status, NDIS_STATUS_FAILURE);
    }
    rig_block(&tcp.block, TcpOffloadCachedState, 1, &rig->conns[0].handle);
    tcp.cached.InitialRcvWnd = RIG_WINDOW + 1;
    tcp.cached.TtlOrHopLimit = 7;
    NdisUpdateOffload(rig->binding, &tcp.block);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(tcp.block.Status, NDIS_STATUS_FAILURE);
    rig_send(rig, 0, 0, 1460);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig->sent, 1);
    assert_int_equal(rig->out[0].frame.payload.length_bytes, 1460);
    assert_int_equal(rig->out[0].frame.ttl, cached.TtlOrHopLimit);
    rig_block(&tcp.block, TcpOffloadCachedState, 1, &rig->conns[0].handle);
    NdisQueryOffloadState(rig->binding, &tcp.block);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(tcp.cached.InitialRcvWnd, cached.InitialRcvWnd);
    assert_int_equal(tcp.cached.TtlOrHopLimit, cached.TtlOrHopLimit);
    rig_finish(rig, 1);
    rig_free(rig);
}

/* A smaller path MTU serves what is sent from then on, for every connection of the path. */
static void shrinks_segments(void **state)
{
    struct rig *rig = offloaded(2);
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        PATH_OFFLOAD_STATE_CACHED cached;
    } path = {.cached = rig->path.Cached};

    (void)state;
    rig_send(rig, 0, 0, 1460);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig->out[0].frame.payload.length_bytes, 1460);
    rig_block(&path.block, Ip4OffloadCachedState, 1, &rig->path_handle);
    path.cached.PathMtu = 1000;
    NdisUpdateOffload(rig->binding, &path.block);
    rig_send(rig, 0, 1460, 2000);
    rig_send(rig, 1, 0, 2000);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(path.block.Status, NDIS_STATUS_SUCCESS);
    for (unsigned i = 1; i < rig->sent; i++) {
        assert_true(rig->out[i].frame.payload.length_bytes <= 960);
    }
    /* What was sent as one piece is repeated in pieces that fit. */
    rig->sent = 0;
    rig_wait(rig, FLUE_PS_PER_S);
    assert_true(rig->sent > 0);
    for (unsigned i = 0; i < rig->sent; i++) {
        assert_true(rig->out[i].frame.payload.length_bytes <= 960);
    }
    rig_finish(rig, 2);
    rig_free(rig);
}

/* Behaviour 9.2: all paths of a neighbour move to another one; the old one is then free to go. */
static void relinks(void **state)
{
    struct rig *rig = offloaded(1);
    NDIS_OFFLOAD_HANDLE other = {{NULL}, NULL};
    FLUE_NEIGHBOR_BLOCK fresh = rig->neighbour;
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        NEIGHBOR_OFFLOAD_STATE_CACHED cached;
    } root;
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        PATH_OFFLOAD_STATE_CACHED cached;
    } path = {.cached = rig->path.Cached}, idle = {.cached = rig->path.Cached};
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST end, linker;
    NDIS_OFFLOAD_HANDLE second_handle = {{NULL}, NULL};
    FLUE_PATH_BLOCK second = rig->path;

    (void)state;
    rig_block(&linker, NeighborOffloadState, 1, &rig->neighbour_handle);
    rig_block(&second.Block, Ip4OffloadState, 1, &second_handle);
    linker.DependentBlockList = &second.Block;
    rig_initiate(rig, &linker);
    rig_block(&fresh.Block, NeighborOffloadState, 1, &other);
    fresh.Cached.DlDestinationAddress[5] = 55;
    rig_initiate(rig, &fresh.Block);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(second.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(fresh.Block.Status, NDIS_STATUS_SUCCESS);
    root.cached = fresh.Cached;
    rig_block(&root.block, NeighborOffloadCachedState, 1, &other);
    rig_block(&path.block, Ip4OffloadCachedState, 1, &rig->path_handle);
    rig_block(&idle.block, Ip4OffloadCachedState, 1, &second_handle);
    root.block.DependentBlockList = &path.block;
    path.block.NextBlock = &idle.block; /* a path without connections */
    NdisUpdateOffload(rig->binding, &root.block);
    rig_send(rig, 0, 0, 100);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(root.block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(path.block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->out[0].frame.dst_mac[5], 55); /* CH-088 */
    rig_block(&end, NeighborOffloadState, 1, &rig->neighbour_handle);
    NdisTerminateOffload(rig->binding, &end); /* nothing depends on it any more */
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(end.Status, NDIS_STATUS_SUCCESS);
    rig->neighbour_handle = other;
    rig_block(&end, Ip4OffloadState, 1, &second_handle);
    NdisTerminateOffload(rig->binding, &end);
    rig_finish(rig, 1);
    rig_free(rig);
}

/* D-18: what was repeated in vain over the old next hop goes over the new one at once, and RTO is as long as it was; an
 * update that changes no next hop sends nothing before its time.  The repetitions that end a connection begin anew. */
static void repeats_over_another_next_hop(void **state)
{
    enum { SAME, ANOTHER_ADDRESS, ANOTHER_NEIGHBOUR, WAYS };

    (void)state;
    for (int way = 0; way < WAYS; way++) {
        struct rig *rig = offloaded(2);
        NDIS_OFFLOAD_HANDLE other = {{NULL}, NULL}, *to = &rig->neighbour_handle;
        FLUE_NEIGHBOR_BLOCK fresh = rig->neighbour;
        struct {
            NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
            NEIGHBOR_OFFLOAD_STATE_CACHED cached;
        } root;
        struct {
            NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
            PATH_OFFLOAD_STATE_CACHED cached;
        } path = {.cached = rig->path.Cached};
        unsigned before;

        if (way == ANOTHER_NEIGHBOUR) {
            to = &other;
            rig_block(&fresh.Block, NeighborOffloadState, 1, to);
            fresh.Cached.DlDestinationAddress[5] = 55;
            rig_initiate(rig, &fresh.Block);
        }
        rig_send(rig, 0, 0, 100); /* nobody answers; the other connection sends nothing */
        rig_wait(rig, 30 * FLUE_PS_PER_S);
        before = rig->sent;
        assert_in_range(before, 5, 14);
        root.cached = rig->neighbour.Cached;
        rig_block(&root.block, NeighborOffloadCachedState, 1, to);
        if (way != SAME) {
            root.cached.DlDestinationAddress[5] = 55;
        }
        rig_block(&path.block, Ip4OffloadCachedState, 1, &rig->path_handle);
        root.block.DependentBlockList = &path.block;
        NdisUpdateOffload(rig->binding, &root.block);
        rig_wait(rig, 100 * RIG_US);
        assert_int_equal(root.block.Status, NDIS_STATUS_SUCCESS);
        assert_int_equal(path.block.Status, NDIS_STATUS_SUCCESS);
        assert_int_equal(rig->sent, before + (way != SAME));
        if (way != SAME) {
            assert_int_equal(rig->out[before].frame.dst_mac[5], 55);
            assert_int_equal(rig->out[before].frame.seq, rig->out[0].frame.seq);
            assert_int_equal(rig->out[before].frame.payload.length_bytes, 100);
            rig_wait(rig, 10 * FLUE_PS_PER_S);
            assert_int_equal(rig->sent, before + 1); /* RFC 6298 5.5 */
        }
        if (way == ANOTHER_NEIGHBOUR) {
            NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST end;

            rig_block(&end, NeighborOffloadState, 1, &rig->neighbour_handle);
            NdisTerminateOffload(rig->binding, &end);
            rig_wait(rig, 50 * RIG_US);
            rig->neighbour_handle = other;
        }
        rig_finish(rig, 2);
        rig_free(rig);
    }
}

/* D-19, D-20, CH-150 to CH-152, CH-295. */
static void restarts_timers_on_command(void **state)
{
    struct rig *rig = rig_new();
    TCP_OFFLOAD_STATE_CACHED cached;
    TCP_OFFLOAD_STATE_DELEGATED now;

    (void)state;
    rig_build(rig);
    rig_tree(rig, 1);
    rig->conns[0].block.Cached.Flags = TCP_FLAG_KEEP_ALIVE_ENABLED;
    rig->conns[0].block.Cached.KaTimeout = 1000;
    rig->conns[0].block.Cached.KaInterval = 100;
    rig->conns[0].block.Cached.KaProbeCount = 9;
    rig->conns[0].block.Cached.MaxRT = 0;
    rig->conns[0].block.Delegated.KeepAlive.TimeoutDelta = 500;
    rig->conns[0].block.Delegated.TotalRT = 7000;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 50 * FLUE_PS_PER_MS);
    cached = rig->conns[0].block.Cached;
    peek(rig, 0, &now);
    assert_in_range(now.KeepAlive.TimeoutDelta, 448, 451);
    assert_int_equal(now.TotalRT, 7000);
    cached.KaTimeout = 2000; /* neither flag: the running one stays */
    rig_update_tcp(rig, 0, &cached);
    peek(rig, 0, &now);
    assert_in_range(now.KeepAlive.TimeoutDelta, 448, 451);
    cached.KaTimeout = 3000;
    cached.Flags = TCP_FLAG_KEEP_ALIVE_ENABLED | TCP_FLAG_MAX_RT_RESTART; /* the page's rule: either flag */
    rig_update_tcp(rig, 0, &cached);
    peek(rig, 0, &now);
    assert_in_range(now.KeepAlive.TimeoutDelta, 2998, 3001);
    assert_int_equal(now.TotalRT, 0);
    rig_wait(rig, 1000 * FLUE_PS_PER_MS);
    cached.Flags = TCP_FLAG_KEEP_ALIVE_ENABLED | TCP_FLAG_KEEP_ALIVE_RESTART;
    rig_update_tcp(rig, 0, &cached);
    peek(rig, 0, &now);
    assert_in_range(now.KeepAlive.TimeoutDelta, 2998, 3001);
    rig->sent = 0;
    rig_wait(rig, 2990 * FLUE_PS_PER_MS);
    assert_int_equal(rig->sent, 0);
    rig_wait(rig, 60 * FLUE_PS_PER_MS);
    assert_int_equal(rig->sent, 1); /* the probe, and no earlier */
    peek(rig, 0, &now);
    assert_int_equal(now.KeepAlive.ProbeCount, 1);
    cached.KaInterval = 400; /* the interval runs between probes */
    cached.Flags = TCP_FLAG_KEEP_ALIVE_ENABLED | TCP_FLAG_MAX_RT_RESTART;
    rig_update_tcp(rig, 0, &cached);
    peek(rig, 0, &now);
    assert_in_range(now.KeepAlive.TimeoutDelta, 398, 401);
    cached.Flags = TCP_FLAG_KEEP_ALIVE_ENABLED;
    cached.KaProbeCount = 3; /* without a flag the count stays */
    rig_update_tcp(rig, 0, &cached);
    peek(rig, 0, &now);
    assert_int_equal(now.KeepAlive.ProbeCount, 1);
    cached.Flags = TCP_FLAG_KEEP_ALIVE_ENABLED | TCP_FLAG_MAX_RT_RESTART;
    cached.KaProbeCount = 4;
    rig_update_tcp(rig, 0, &cached);
    peek(rig, 0, &now);
    assert_int_equal(now.KeepAlive.ProbeCount, 0);
    cached.Flags = 0; /* off */
    rig_update_tcp(rig, 0, &cached);
    peek(rig, 0, &now);
    assert_int_equal(now.KeepAlive.TimeoutDelta, FLUE_TICKS_NONE);
    rig->sent = 0;
    rig_wait(rig, 10 * FLUE_PS_PER_S);
    assert_int_equal(rig->sent, 0);
    rig_finish(rig, 1);
    rig_free(rig);
}

/* CH-150: MaxRT changed to another nonzero value. */
static void resets_total_rt_with_max_rt(void **state)
{
    struct rig *rig = rig_new();
    TCP_OFFLOAD_STATE_CACHED cached;
    TCP_OFFLOAD_STATE_DELEGATED now;
    static const struct {
        ULONG max_rt, total_rt;
    } steps[] = {{5000, 7000}, {0, 7000}, {6000, 0}};

    (void)state;
    rig_build(rig);
    rig_tree(rig, 1);
    rig->conns[0].block.Cached.MaxRT = 5000;
    rig->conns[0].block.Delegated.TotalRT = 7000;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 50 * RIG_US);
    cached = rig->conns[0].block.Cached;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        cached.MaxRT = steps[i].max_rt;
        rig_update_tcp(rig, 0, &cached);
        peek(rig, 0, &now);
        assert_int_equal(now.TotalRT, steps[i].total_rt);
    }
    rig_finish(rig, 1);
    rig_free(rig);
}

/* CH-153, D-31. */
static void advertises_a_changed_window(void **state)
{
    struct rig *rig = offloaded(1);
    TCP_OFFLOAD_STATE_CACHED cached = rig->conns[0].block.Cached;

    (void)state;
    cached.InitialRcvWnd = 30000;
    rig_update_tcp(rig, 0, &cached);
    assert_int_equal(rig->sent, 0); /* without the flag it is no news */
    cached.Flags = TCP_FLAG_UPDATE_RCV_WND;
    rig_update_tcp(rig, 0, &cached);
    assert_int_equal(rig->sent, 1);
    assert_int_equal(rig->out[0].frame.window, RIG_WINDOW); /* the right edge does not move left */
    rig_peer(rig, 0, 0, 0, 40000, FLUE_TCP_ACK | FLUE_TCP_PSH);
    rig_wait(rig, FLUE_PS_PER_S);
    assert_int_equal(rig->out[rig->sent - 1].frame.ack, (uint32_t)(RIG_RCV_NXT + 40000));
    assert_int_equal(rig->out[rig->sent - 1].frame.window, 30000);
    rig_finish(rig, 1);
    rig_free(rig);
}

/* CH-155: Nagle and keep-alive on and off. */
static void follows_its_flags(void **state)
{
    struct rig *rig = offloaded(1);
    TCP_OFFLOAD_STATE_CACHED cached = rig->conns[0].block.Cached;

    (void)state;
    cached.Flags = TCP_FLAG_NAGLING_ENABLED;
    rig_update_tcp(rig, 0, &cached);
    rig_send(rig, 0, 0, 10);
    rig_wait(rig, 50 * RIG_US);
    rig_send(rig, 0, 10, 10);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig->sent, 1);
    cached.Flags = 0;
    rig_update_tcp(rig, 0, &cached);
    assert_int_equal(rig->sent, 2);
    rig_peer(rig, 0, 0, 20, 0, FLUE_TCP_ACK);
    for (unsigned on = 0; on < 3; on++) {
        rig->sent = 0;
        cached.Flags = on % 2 != 0 ? TCP_FLAG_KEEP_ALIVE_ENABLED : 0;
        cached.KaTimeout = 1000;
        cached.KaInterval = 1000;
        cached.KaProbeCount = 100;
        rig_update_tcp(rig, 0, &cached);
        rig_wait(rig, 10 * FLUE_PS_PER_S);
        assert_int_equal(rig->sent > 0, on % 2);
    }
    rig_finish(rig, 1);
    rig_free(rig);
}

/* D-19, D-20 and CH-097 where the connection stands still after a Retrieve: the timers that it goes back with. */
static void changes_the_timers_of_a_frozen_connection(void **state)
{
    enum { ON = TCP_FLAG_KEEP_ALIVE_ENABLED, RESTART = TCP_FLAG_KEEP_ALIVE_RESTART, MAX_RT = TCP_FLAG_MAX_RT_RESTART };
    static const struct {
        UCHAR before_flags, flags, count;
        ULONG timeout, interval, expected;
    } cases[] = {
        {0, 0, 5, 1000, 100, FLUE_TICKS_NONE},  /* off */
        {ON, 0, 5, 1000, 100, FLUE_TICKS_NONE}, /* switched off */
        {0, ON, 5, 700, 100, 700},              /* switched on */
        {0, ON, 5, 0, 100, 7200000},            /* with the default */
        {ON, ON, 5, 1000, 100, 901},            /* 100 ticks have passed, rounded up */
        {ON, ON, 5, 2000, 100, 901},            /* serves the next time (D-19) */
        {ON, ON | RESTART, 5, 2000, 100, 2000},
        {ON, ON | MAX_RT, 5, 2000, 100, 2000},
        {ON, ON | MAX_RT, 6, 1000, 100, 901},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct rig *rig = offloaded(1);
        TCP_OFFLOAD_STATE_CACHED cached = rig->conns[0].block.Cached;
        TCP_OFFLOAD_STATE_DELEGATED seen;

        cached.Flags = cases[i].before_flags;
        cached.KaProbeCount = 5;
        cached.KaTimeout = 1000;
        cached.KaInterval = 100;
        rig_update_tcp(rig, 0, &cached);
        assert_int_equal(flue_target_fault(rig->target, FLUE_FAULT_STARVE, 3, 0), FLUE_OK);
        rig_wait(rig, 100 * FLUE_PS_PER_MS - 50 * RIG_US);
        cached.Flags = cases[i].flags;
        cached.KaProbeCount = cases[i].count;
        cached.KaTimeout = cases[i].timeout;
        cached.KaInterval = cases[i].interval;
        rig_update_tcp(rig, 0, &cached);
        peek(rig, 0, &seen);
        assert_int_equal(seen.KeepAlive.TimeoutDelta, cases[i].expected);
        assert_int_equal(seen.KeepAlive.ProbeCount, 0);
        rig_finish(rig, 1);
        assert_int_equal(rig->conns[0].end.Delegated.KeepAlive.TimeoutDelta, cases[i].expected);
        rig_free(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_effect_at_the_call),
        cmocka_unit_test(goes_on_after_a_refused_update),
        cmocka_unit_test(shrinks_segments),
        cmocka_unit_test(relinks),
        cmocka_unit_test(repeats_over_another_next_hop),
        cmocka_unit_test(changes_the_timers_of_a_frozen_connection),
        cmocka_unit_test(restarts_timers_on_command),
        cmocka_unit_test(resets_total_rt_with_max_rt),
        cmocka_unit_test(advertises_a_changed_window),
        cmocka_unit_test(follows_its_flags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
