/* SPDX-License-Identifier: GPL-2.0-only */
/* Next hops that are found and lost: ARP, neighbour discovery, unreachability detection, routes, several adapters.
 * The host over a scripted adapter. */
#include "wire_cases.h"

/* ---- Finding */

static void found_by_arp(void **state)
{
    (void)state;
    begin();
    f.peers[0] = (struct peer){.ip = PEER_IP, .port = 1000, .seq = ISS};
    peer_segment(&f, 0, 0, 0, FLUE_TCP_SYN);
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_INCOMPLETE);
    assert_int_equal(asked(PEER_IP, all), 1); /* and nothing else has left */
    speak(PEER_IP, 5, FLUE_NEIGHBOUR_ANSWER, false);
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_REACHABLE);
    assert_int_equal(f.sent_count, 1);
    assert_int_equal(f.sent[0].flags, FLUE_TCP_SYN | FLUE_TCP_ACK);
    assert_int_equal(f.sent[0].dst_mac[5], 5);
    assert_memory_equal(f.sent[0].src_mac, own_mac, 6);
    fixture_end(&f, 1);
}

/* Three requests, a second apart; then what waited is dropped, and the next frame begins anew (RFC 4861 7.2.2). */
static void nobody_answers(void **state)
{
    (void)state;
    begin();
    f.peers[0] = (struct peer){.ip = PEER_IP, .port = 1000, .seq = ISS};
    peer_segment(&f, 0, 0, 0, FLUE_TCP_SYN);
    assert_int_equal(asked(PEER_IP, all), 1);
    pass(FLUE_PS_PER_S);
    pass(FLUE_PS_PER_S);
    assert_int_equal(asked(PEER_IP, all), 2);
    pass(FLUE_PS_PER_S - 1);
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_INCOMPLETE);
    pass(1);
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_FAILED);
    pass(4 * FLUE_PS_PER_S); /* the SYN-ACK is repeated */
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_INCOMPLETE);
    fixture_end(&f, 1);
}

/* Requests for an own address are answered, for others not; they tell their sender's address. */
static void answers(void **state)
{
    struct flue_frame frame = {.dst_ip = flue_ip_v4(HOST_IP + 7),
                               .src_ip = flue_ip_v4(PEER_IP),
                               .flags = FLUE_NEIGHBOUR_REQUEST,
                               .ethertype = FLUE_ETHERTYPE_ARP,
                               .kind = FLUE_FRAME_ARP};

    (void)state;
    begin();
    peer_frame(&f, &frame);
    assert_int_equal(f.sent_count, 0);
    speak(PEER_IP, 5, FLUE_NEIGHBOUR_REQUEST, true);
    assert_int_equal(f.sent_count, 1);
    assert_int_equal(f.sent[0].flags, FLUE_NEIGHBOUR_ANSWER);
    assert_int_equal(f.sent[0].dst_mac[5], 5);
    assert_int_equal(f.sent[0].src_ip.word[3], HOST_IP);
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_STALE);
    fixture_end(&f, 1);
}

/* The same in IPv6: solicitation and advertisement. */
static void found_by_discovery(void **state)
{
    const struct flue_ip local = {{0xfd000000, 0, 0, 1}}, remote = {{0xfd000000, 0, 0, 2}};
    struct flue_frame answer = {.src_ip = remote,
                                .dst_ip = local,
                                .flags = FLUE_NEIGHBOUR_ANSWER,
                                .ethertype = FLUE_ETHERTYPE_IPV6,
                                .kind = FLUE_FRAME_ND,
                                .src_mac = {2, 0, 0, 0, 0, 6}};
    const struct flue_tcp_tuple tuple = {
        .local_ip = local, .remote_ip = remote, .local_port = 4000, .remote_port = 1000};
    struct flue_frame syn_ack = {.src_ip = remote,
                                 .dst_ip = local,
                                 .src_port = 1000,
                                 .dst_port = 4000,
                                 .flags = FLUE_TCP_SYN | FLUE_TCP_ACK,
                                 .window = 1000,
                                 .ethertype = FLUE_ETHERTYPE_IPV6};
    const FLUE_PATH_BLOCK *path;
    struct flue_host_socket *socket;

    (void)state;
    begin();
    f.peers[0] = (struct peer){.ip = 2, .port = 1000};
    assert_int_equal(flue_host_address(f.host, 0, &local), FLUE_OK);
    assert_int_equal(flue_host_connect(f.host, &tuple, 0, &f.app, &f, f.env.now_ps, &socket), FLUE_OK);
    assert_int_equal(f.sent_count, 1);
    assert_int_equal(f.sent[0].kind, FLUE_FRAME_ND);
    assert_int_equal(f.sent[0].ethertype, FLUE_ETHERTYPE_IPV6);
    peer_frame(&f, &answer);
    assert_int_equal(f.sent_count, 2);
    assert_int_equal(f.sent[1].dst_mac[5], 6);
    assert_int_equal(f.sent[1].ethertype, FLUE_ETHERTYPE_IPV6);
    syn_ack.ack = f.sent[1].seq + 1;
    peer_frame(&f, &syn_ack);
    assert_int_equal(flue_host_socket_offload(socket, f.env.now_ps), FLUE_OK);
    path = (const void *)f.initiated[0]->DependentBlockList;
    assert_int_equal(path->Block.Header.Type, Ip6OffloadState); /* CH-148: 16 bytes, network order */
    assert_int_equal(path->Const.SourceAddress[0], 0xfd);
    assert_int_equal(path->Const.SourceAddress[15], 1);
    assert_int_equal(path->Const.DestinationAddress[15], 2);
    fixture_end(&f, 1);
}

/* ---- Losing */

/* Reachable, stale, delay, probe, failed; and every way back (RFC 4861 7.3). */
static void ageing(void **state)
{
    const uint8_t mac[6] = {2, 0, 0, 0, 0, 5};

    (void)state;
    begin();
    open_over(0, PEER_IP, PEER_IP, 5);
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_REACHABLE);
    pass(31 * FLUE_PS_PER_S);
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_STALE);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 100), FLUE_OK);
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_DELAY);
    adapter_sent(&f);
    f.sent_count = 0;
    peer_segment(&f, 0, 0, 0, FLUE_TCP_ACK); /* forward progress */
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_REACHABLE);
    pass(31 * FLUE_PS_PER_S);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 100), FLUE_OK);
    adapter_sent(&f);
    f.sent_count = 0;
    pass(5 * FLUE_PS_PER_S);
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_PROBE);
    assert_int_equal(asked(PEER_IP, mac), 1);
    speak(PEER_IP, 5, FLUE_NEIGHBOUR_ANSWER, false);
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_REACHABLE);
    speak(PEER_IP, 6, FLUE_NEIGHBOUR_ANSWER, true); /* another address, unasked */
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_STALE);
    fixture_end(&f, 1);
}

/* ---- With the target */

/* A neighbour's new address is told by an update (behaviour 9.1). */
static void new_address(void **state)
{
    (void)state;
    begin();
    open_over(0, PEER_IP, PEER_IP, 5);
    hand_over(0);
    speak(PEER_IP, 6, FLUE_NEIGHBOUR_REQUEST, true);
    expect_log(&f, "update N*");
    assert_int_equal(
        ((const NEIGHBOR_OFFLOAD_STATE_CACHED *)(const void *)flue_state_first(f.updated[0]))->DlDestinationAddress[5],
        6);
    adapter_updated(&f, NDIS_STATUS_SUCCESS);
    fixture_end(&f, 1);
}

/* Answered inside the call (CH-271): ticks since the last confirmation, 0 when stale.  After a stale answer the host
 * asks the target whether it has seen progress, and probes if not (behaviour 14 step 4). */
static void target_asks(void **state)
{
    const uint8_t mac[6] = {2, 0, 0, 0, 0, 5};

    (void)state;
    begin();
    open_over(0, PEER_IP, PEER_IP, 5);
    hand_over(0);
    pass(10 * FLUE_PS_PER_S);
    assert_in_range(reachability_query(77), 9900, 10000);
    pass(21 * FLUE_PS_PER_S);
    assert_int_equal(reachability_query(77), 0);
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_DELAY);
    pass(5 * FLUE_PS_PER_S);
    expect_log(&f, "query N*");
    adapter_queried(&f, 1000, NDIS_STATUS_SUCCESS); /* one second ago, in the delay: progress */
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_REACHABLE);
    pass(31 * FLUE_PS_PER_S);
    assert_int_equal(reachability_query(77), 0);
    pass(5 * FLUE_PS_PER_S);
    adapter_queried(&f, 20000, NDIS_STATUS_SUCCESS); /* before the delay */
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_PROBE);
    assert_int_equal(asked(PEER_IP, mac), 1);
    fixture_end(&f, 1);
}

/* Progress that the target saw long before it was asked confirms from then on, not from the answer on. */
static void confirmed_before(void **state)
{
    (void)state;
    begin();
    open_over(0, PEER_IP, PEER_IP, 5);
    hand_over(0);
    pass(31 * FLUE_PS_PER_S);
    assert_int_equal(reachability_query(77), 0);
    pass(5 * FLUE_PS_PER_S);
    expect_log(&f, "query N*");
    adapter_queried(&f, 4000, NDIS_STATUS_SUCCESS); /* ticks: 4 of the 5 s */
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_REACHABLE);
    pass(26 * FLUE_PS_PER_S - FLUE_PS_PER_MS);
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_REACHABLE);
    pass(2 * FLUE_PS_PER_MS); /* the host's core was a little ahead when it was told */
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_STALE);
    fixture_end(&f, 1);
}

/* The target cannot tell, and the neighbour is dead: all comes back; when it speaks again, all may go anew. */
static void neighbour_returns(void **state)
{
    (void)state;
    begin();
    open_over(0, PEER_IP, PEER_IP, 5);
    hand_over(0);
    pass(31 * FLUE_PS_PER_S);
    assert_int_equal(reachability_query(77), 0);
    pass(5 * FLUE_PS_PER_S);
    adapter_queried(&f, 0, NDIS_STATUS_FAILURE); /* cannot tell: probed, and the object has to go (CH-096) */
    expect_log(&f, "query N*\nterminate T*");
    for (unsigned i = 0; i < 3; i++) {
        pass(FLUE_PS_PER_S);
    }
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_FAILED);
    expect_log(&f, "invalidate N*");
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, its next hop is gone\nterminate P*");
    adapter_invalidated(&f, NDIS_STATUS_SUCCESS);
    expect_log(&f, ""); /* something still depends on it (CH-113) */
    adapter_released(&f);
    expect_log(&f, "terminate N*");
    adapter_released(&f);
    speak(PEER_IP, 5, FLUE_NEIGHBOUR_REQUEST, true);
    offload(0, 1);
    expect_log(&f, "initiate N+( P+( T+))");
    adapter_initiated(&f, 0, 0);
    fixture_end(&f, 1);
}

/* Two next hops of one adapter: sibling roots of one tree (CH-021). */
static void two_next_hops(void **state)
{
    (void)state;
    begin();
    open_over(0, PEER_IP, PEER_IP, 5);
    open_over(1, PEER_IP + 1, PEER_IP + 1, 6);
    open_over(2, PEER_IP, PEER_IP, 5);
    flue_host_run(f.host, f.env.now_ps, offload_012, NULL);
    expect_log(&f, "initiate N+( P+( T+ T+)) N+( P+( T+))");
    adapter_initiated(&f, 0, 0);
    fixture_end(&f, 1);
}

/* Each adapter has its own objects; a segment that comes through the other one is forwarded to the one that holds its
 * connection (13.4). */
static void two_adapters(void **state)
{
    const struct flue_ip second = flue_ip_v4(0x0c000001);
    struct flue_frame frame = {.src_ip = flue_ip_v4(0x0c000002),
                               .dst_ip = second,
                               .src_port = 1001,
                               .dst_port = HOST_PORT,
                               .seq = ISS,
                               .flags = FLUE_TCP_SYN,
                               .window = 1000,
                               .ethertype = FLUE_ETHERTYPE_IPV4};
    NDIS_HANDLE first_adapter, second_adapter;

    (void)state;
    fixture_begin(&f, "never", 256);
    first_adapter = f.adapter;
    assert_int_equal(flue_ndis_adapter_start(f.ndis, f.driver, "second", &f, &second_adapter), FLUE_OK);
    assert_int_equal(flue_host_address(f.host, 1, &second), FLUE_OK);
    peer_open(&f, 0, PEER_IP, ISS);
    adapter_sent(&f);
    f.adapter = second_adapter;
    f.peers[1] = (struct peer){.ip = 0x0c000002, .port = 1001};
    peer_frame(&f, &frame);
    frame.flags = FLUE_TCP_ACK;
    frame.seq++;
    frame.ack = f.peers[1].ack;
    peer_frame(&f, &frame);
    adapter_sent(&f);
    assert_non_null(f.peers[1].socket);
    offload(1, 1);
    expect_log(&f, "initiate N+( P+( T+))");
    adapter_initiated(&f, 0, 0);
    f.adapter = first_adapter;
    f.log[0] = '\0';
    offload(0, 1);
    expect_log(&f, "initiate N+( P+( T+))"); /* new again: another table */
    adapter_initiated(&f, 0, 0);
    f.log[0] = '\0';
    frame.payload = (struct flue_span){.stream = 2, .offset_bytes = 0, .length_bytes = 9};
    peer_frame(&f, &frame); /* of the second adapter's connection, through the first */
    expect_log(&f, "1: forward +0+9");
    fixture_end(&f, 1);
}

/* An adapter that has stopped takes its neighbours along: nobody asks for them any more, and no frame stays behind. */
static void gone_with_the_adapter(void **state)
{
    (void)state;
    begin();
    open_over(0, PEER_IP, PEER_IP, 5);
    pass(31 * FLUE_PS_PER_S);
    peer_segment(&f, 0, 0, 10, FLUE_TCP_ACK | FLUE_TCP_PSH); /* is acknowledged */
    pass(FLUE_PS_PER_S);
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_DELAY);
    adapter_sent(&f);
    assert_int_equal(flue_ndis_adapter_stop(f.ndis, f.adapter), FLUE_OK);
    pass(10 * FLUE_PS_PER_S);
    assert_int_equal(flue_host_objects_live(f.host), 1); /* the socket */
    fixture_end(&f, 1);
}

/* Many ask, none of them is ever sent to: they are forgotten again; a path's next hop is not. */
static void forgotten(void **state)
{
    (void)state;
    begin();
    open_over(0, PEER_IP, PEER_IP, 9);
    for (unsigned i = 0; i < 500; i++) {
        speak(0x0a000100u + i, 1, FLUE_NEIGHBOUR_REQUEST, true);
        fixture_run(&f);
        adapter_sent(&f);
        f.sent_count = 0;
        assert_true(pool_live(&f.host->neighbours) <= HOST_IDLE_MAX + 2);
    }
    assert_int_equal(state_of(PEER_IP), FLUE_NEIGHBOUR_REACHABLE);
    finish(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forgotten),
                                       cmocka_unit_test(found_by_arp),
                                       cmocka_unit_test(nobody_answers),
                                       cmocka_unit_test(answers),
                                       cmocka_unit_test(found_by_discovery),
                                       cmocka_unit_test(ageing),
                                       cmocka_unit_test(confirmed_before),
                                       cmocka_unit_test(new_address),
                                       cmocka_unit_test(target_asks),
                                       cmocka_unit_test(neighbour_returns),
                                       cmocka_unit_test(two_next_hops),
                                       cmocka_unit_test(two_adapters),
                                       cmocka_unit_test(gone_with_the_adapter)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
