/* SPDX-License-Identifier: GPL-2.0-only */
/* Several routers to one net: doubt, failure, return, and what becomes of paths when none answers.  The host over a
 * scripted adapter. */
#include "wire_cases.h"

static void add_routes(void)
{
    const struct flue_ip net = flue_ip_v4(0x0b000000), a = flue_ip_v4(ROUTER_A), b = flue_ip_v4(ROUTER_B);

    assert_int_equal(flue_host_route(f.host, &net, 96 + 8, &a, 0), FLUE_OK);
    assert_int_equal(flue_host_route(f.host, &net, 96 + 8, &b, 0), FLUE_OK);
}

static void begin_routed(void)
{
    begin();
    add_routes();
}

/* A SYN-ACK that was sent again three times raises doubt (RFC 1122 4.2.3.5): the router is probed although it counts as
 * reachable, and when it does not answer the next SYN-ACK goes over the other one.  One doubt a second. */
static void doubted(void **state)
{
    const uint8_t mac[6] = {2, 0, 0, 0, 0, 5};

    (void)state;
    begin_routed();
    open_over(0, FAR_IP, ROUTER_A, 5);
    f.peers[1] = (struct peer){.ip = FAR_IP, .port = 1001, .seq = ISS};
    peer_segment(&f, 1, 0, 0, FLUE_TCP_SYN);
    pass(1 * FLUE_PS_PER_S + FLUE_PS_PER_MS); /* the host's core is a little ahead */
    pass(2 * FLUE_PS_PER_S + FLUE_PS_PER_MS);
    assert_int_equal(asked(ROUTER_A, mac), 0);
    assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_REACHABLE);
    pass(4 * FLUE_PS_PER_S + FLUE_PS_PER_MS);
    assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_PROBE);
    assert_int_equal(asked(ROUTER_A, mac), 1);
    speak(ROUTER_A, 5, FLUE_NEIGHBOUR_ANSWER, false);
    assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_REACHABLE);
    f.peers[1].seq = ISS;
    peer_segment(&f, 1, 0, 0, FLUE_TCP_SYN); /* sent again at once: too early for another doubt */
    assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_REACHABLE);
    pass(8 * FLUE_PS_PER_S + 10 * FLUE_PS_PER_MS);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_PROBE);
        pass(FLUE_PS_PER_S + FLUE_PS_PER_MS);
    }
    assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_FAILED);
    adapter_sent(&f);
    f.sent_count = 0;
    f.peers[1].seq = ISS;
    peer_segment(&f, 1, 0, 0, FLUE_TCP_SYN);
    assert_int_equal(asked(ROUTER_B, all), 1);
    speak(ROUTER_B, 6, FLUE_NEIGHBOUR_ANSWER, false);
    assert_int_equal(f.sent_count, 1);
    assert_int_equal(f.sent[0].flags, FLUE_TCP_SYN | FLUE_TCP_ACK);
    assert_int_equal(f.sent[0].dst_mac[5], 6);
    peer_segment(&f, 1, 0, 0, FLUE_TCP_ACK);
    assert_non_null(f.peers[1].socket);
    fixture_end(&f, 1);
}

/* A router dies: what the target sends through it is stopped, its paths go over the other one, in one tree, and it is
 * terminated (behaviour 9.2). */
static void router_fails(void **state)
{

    (void)state;
    begin_routed();
    open_over(0, FAR_IP, ROUTER_A, 5);
    open_over(1, FAR_IP + 1, ROUTER_A, 5);
    hand_over(0);
    hand_over(1);
    pass(31 * FLUE_PS_PER_S);
    assert_int_equal(reachability_query(77), 0);
    pass(5 * FLUE_PS_PER_S);
    expect_log(&f, "query N*");
    adapter_queried(&f, 40000, NDIS_STATUS_SUCCESS);
    for (unsigned i = 0; i < 3; i++) {
        pass(FLUE_PS_PER_S);
    }
    assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_FAILED);
    expect_log(&f, "invalidate N*");
    assert_int_equal(state_of(ROUTER_B), FLUE_NEIGHBOUR_INCOMPLETE);
    adapter_sent(&f);
    f.sent_count = 0;
    speak(ROUTER_B, 6, FLUE_NEIGHBOUR_ANSWER, false);
    expect_log(&f, "initiate N+");
    adapter_invalidated(&f, NDIS_STATUS_SUCCESS);
    adapter_initiated(&f, 0, 0);
    expect_log(&f, "update N*( P* P*)");
    adapter_updated(&f, NDIS_STATUS_SUCCESS);
    expect_log(&f, "terminate N*");
    adapter_released(&f);
    assert_int_equal(holder(0), FLUE_HOLDER_TARGET);
    fixture_end(&f, 1);
}

/* ---- None answers */

/* A SYN over a router that nobody has seen: asked for, and given up. */
static void ask_in_vain(uint32_t router)
{
    f.peers[1] = (struct peer){.ip = FAR_IP, .port = 1001, .seq = ISS};
    peer_segment(&f, 1, 0, 0, FLUE_TCP_SYN);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(state_of(router), FLUE_NEIGHBOUR_INCOMPLETE);
        pass(FLUE_PS_PER_S + FLUE_PS_PER_MS);
    }
    assert_int_equal(state_of(router), FLUE_NEIGHBOUR_FAILED);
    assert_true(asked(router, all) >= 2); /* a repetition of the SYN-ACK may have been first */
}

/* Where every router is dead each has its turn (RFC 4861 6.3.6): the second may be the one that comes back. */
static void each_router_is_asked(void **state)
{
    (void)state;
    begin_routed();
    ask_in_vain(ROUTER_A);
    ask_in_vain(ROUTER_B);
    ask_in_vain(ROUTER_A);
    ask_in_vain(ROUTER_B);
    fixture_end(&f, 1);
}

static void requests_in_vain(uint32_t router)
{
    for (unsigned i = 0; i < 3; i++) {
        pass(FLUE_PS_PER_S + FLUE_PS_PER_MS);
    }
    assert_int_equal(state_of(router), FLUE_NEIGHBOUR_FAILED);
    adapter_sent(&f);
    f.sent_count = 0;
}

/* A stranger's SYN is answered by way of the router, which is asked five seconds later whether it is there. */
static void send_over(uint16_t port)
{
    f.peers[1] = (struct peer){.ip = FAR_IP, .port = port, .seq = ISS};
    peer_segment(&f, 1, 0, 0, FLUE_TCP_SYN);
    assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_DELAY);
}

/* Both have been given up when the first answers after all, and is used at once. */
static void begin_answered_late(void)
{
    begin_routed();
    ask_in_vain(ROUTER_A);
    ask_in_vain(ROUTER_B);
    speak(ROUTER_A, 5, FLUE_NEIGHBOUR_ANSWER, false);
    assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_STALE);
    send_over(1001);
}

/* An answer that comes when the requests have been given up tells that they wait too briefly: the next ones wait twice
 * as long, and the answer is in time (RFC 7048). */
static void late_answer(void **state)
{
    (void)state;
    begin_answered_late();
    pass(5 * FLUE_PS_PER_S + 6 * FLUE_PS_PER_S - FLUE_PS_PER_MS);
    assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_PROBE);
    speak(ROUTER_A, 5, FLUE_NEIGHBOUR_ANSWER, false);
    assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_REACHABLE);
    fixture_end(&f, 1);
}

/* Once it answers at once again, its death is found out after three requests a second apart, as at the beginning. */
static void answers_in_time_again(void **state)
{
    (void)state;
    begin_answered_late();
    pass(5 * FLUE_PS_PER_S);
    assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_PROBE);
    pass(FLUE_PS_PER_MS);
    speak(ROUTER_A, 5, FLUE_NEIGHBOUR_ANSWER, false);
    assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_REACHABLE);
    peer_segment(&f, 1, 0, 0, FLUE_TCP_RST); /* or the SYN|ACK would be repeated, and the router asked at once */
    pass(31 * FLUE_PS_PER_S);
    send_over(1002);
    pass(5 * FLUE_PS_PER_S);
    assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_PROBE);
    requests_in_vain(ROUTER_A);
    fixture_end(&f, 1);
}

static void update_alone(struct flue_host_params *params)
{
    params->update_only = 1;
}

/* Both are dead, and the target goes on over the first, for it is told of nothing but updates: whenever it asks about
 * that one, the one that its paths are to go to is asked again, too (RFC 4861 6.3.6). */
static void target_sends_over_a_dead_one(void **state)
{
    (void)state;
    fixture_begin_tuned(&f, "never", 256, update_alone);
    assert_int_equal(flue_host_link(f.host, 0, own_mac, 1500), FLUE_OK);
    add_routes();
    open_over(0, FAR_IP, ROUTER_A, 5);
    hand_over(0);
    pass(31 * FLUE_PS_PER_S);
    assert_int_equal(reachability_query(77), 0);
    pass(5 * FLUE_PS_PER_S);
    expect_log(&f, "query N*");
    adapter_queried(&f, 40000, NDIS_STATUS_SUCCESS);
    requests_in_vain(ROUTER_A);
    expect_log(&f, "");
    requests_in_vain(ROUTER_B);
    for (unsigned i = 0; i < 2; i++) { /* the turn of the first, and that of the second */
        pass(60 * FLUE_PS_PER_S);
        adapter_sent(&f);
        assert_int_equal(f.sent_count, 0); /* no faster than the target asks */
        assert_int_equal(reachability_query(77), 0);
        assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_INCOMPLETE);
        assert_int_equal(state_of(ROUTER_B), i == 0 ? FLUE_NEIGHBOUR_FAILED : FLUE_NEIGHBOUR_INCOMPLETE);
        if (i == 0) {
            requests_in_vain(ROUTER_A);
        }
    }
    speak(ROUTER_B, 6, FLUE_NEIGHBOUR_ANSWER, false);
    expect_log(&f, "initiate N+");
    adapter_initiated(&f, 0, 0);
    expect_log(&f, "update N*( P*)");
    adapter_updated(&f, NDIS_STATUS_SUCCESS);
    assert_int_equal(holder(0), FLUE_HOLDER_TARGET);
    fixture_end(&f, 1);
}

/* A router is heard of while paths hang on one that is dead: the next segment goes over it, and none is lost asking for
 * the dead one (RFC 4861 6.3.6: those that can probably be reached come first). */
static void router_is_heard_of(void **state)
{
    (void)state;
    begin_routed();
    ask_in_vain(ROUTER_A);
    ask_in_vain(ROUTER_B); /* its turn is A's again */
    speak(ROUTER_B, 6, FLUE_NEIGHBOUR_REQUEST, true);
    assert_int_equal(state_of(ROUTER_B), FLUE_NEIGHBOUR_STALE);
    adapter_sent(&f);
    f.sent_count = 0;
    f.peers[1].seq = ISS;
    peer_segment(&f, 1, 0, 0, FLUE_TCP_SYN);
    assert_int_equal(f.sent_count, 1);
    assert_int_equal(f.sent[0].flags, FLUE_TCP_SYN | FLUE_TCP_ACK);
    assert_int_equal(f.sent[0].dst_mac[5], 6);
    assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_FAILED);
    fixture_end(&f, 1);
}

/* A hand-over that waits for a router that nobody has asked for asks itself: an idle connection sends nothing. */
static void hand_over_asks(void **state)
{
    (void)state;
    begin_routed();
    open_over(0, FAR_IP, ROUTER_A, 5);
    f.peers[1] = (struct peer){.ip = FAR_IP + 1, .port = 1001, .seq = ISS};
    pass(31 * FLUE_PS_PER_S);
    peer_segment(&f, 1, 0, 0, FLUE_TCP_SYN); /* stale, in doubt, probed, dead */
    pass(5 * FLUE_PS_PER_S + FLUE_PS_PER_MS);
    peer_segment(&f, 1, 0, 0, FLUE_TCP_RST);
    for (unsigned i = 0; i < 3; i++) {
        pass(FLUE_PS_PER_S + FLUE_PS_PER_MS);
    }
    assert_int_equal(state_of(ROUTER_A), FLUE_NEIGHBOUR_FAILED);
    adapter_sent(&f);
    f.sent_count = 0;
    offload(0, 1);
    expect_log(&f, "");
    assert_int_equal(asked(ROUTER_B, all), 1);
    speak(ROUTER_B, 6, FLUE_NEIGHBOUR_ANSWER, false);
    expect_log(&f, "initiate N+( P+( T+))");
    adapter_initiated(&f, 0, 0);
    fixture_end(&f, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(doubted),
                                       cmocka_unit_test(router_fails),
                                       cmocka_unit_test(each_router_is_asked),
                                       cmocka_unit_test(target_sends_over_a_dead_one),
                                       cmocka_unit_test(router_is_heard_of),
                                       cmocka_unit_test(hand_over_asks),
                                       cmocka_unit_test(late_answer),
                                       cmocka_unit_test(answers_in_time_again)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
