/* SPDX-License-Identifier: GPL-2.0-only */
/* The host over a scripted adapter: software path, costs, trees, running out of memory. */
#include "cases.h"

/* ---- Software path */

static void software(void **state)
{
    const uint64_t frames[][2] = {{0, 1460}, {1460, 1460}, {2920, 80}};
    struct flue_host_totals totals;

    (void)state;
    open_all("never", 256, 1);
    peer_segment(&f, 0, 0, 300, FLUE_TCP_ACK | FLUE_TCP_PSH);
    expect_log(&f, "0: received 300");
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 3000), FLUE_OK);
    expect_frames(3, frames);
    assert_int_equal(f.sent[0].dst_mac[5], 9);
    adapter_sent(&f);
    assert_int_equal(flue_host_socket_unacked_bytes(f.peers[0].socket), 3000);
    peer_segment(&f, 0, 0, 0, FLUE_TCP_ACK);
    assert_int_equal(f.peers[0].acked, 3000);
    assert_int_equal(flue_host_socket_unacked_bytes(f.peers[0].socket), 0);
    flue_host_totals(f.host, &totals);
    assert_int_equal(totals.sockets, 1);
    assert_int_equal(totals.holders[FLUE_HOLDER_HOST], 1);
    assert_int_equal(totals.frames_received, 4);
    finish(1);
}

/* What one request costs: 1 us each for the pieces that apply. */
static void charges(void **state)
{
    const struct flue_account *account;
    uint32_t before[FLUE_COST_CATEGORIES];

    (void)state;
    open_all("never", 256, 1);
    account = flue_host_socket_account(f.peers[0].socket);
    memcpy(before, account->cycles, sizeof before);
    peer_segment(&f, 0, 0, 100, FLUE_TCP_ACK);
    assert_int_equal(account->cycles[FLUE_COST_COPY] - before[FLUE_COST_COPY], 1000);
    assert_int_equal(account->cycles[FLUE_COST_SYSCALL] - before[FLUE_COST_SYSCALL], 2000);
    assert_int_equal(account->cycles[FLUE_COST_SCHEDULING] - before[FLUE_COST_SCHEDULING], 1000);
    assert_int_equal(account->cycles[FLUE_COST_DRIVER] - before[FLUE_COST_DRIVER], 1000);
    assert_int_equal(account->cycles[FLUE_COST_OTHER] - before[FLUE_COST_OTHER], 2000);
    flue_host_socket_work(f.peers[0].socket, 3);
    assert_int_equal(account->cycles[FLUE_COST_APPLICATION] - before[FLUE_COST_APPLICATION], 3000);
    finish(1);
}

/* A deadline of TCP is work of the core, too. */
static void timeout(void **state)
{
    const uint64_t again[][2] = {{0, 100}};
    struct flue_tcp_totals tcp;

    (void)state;
    open_all("never", 256, 1);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 100), FLUE_OK);
    expect_frames(1, again);
    fixture_time(&f, f.env.now_ps + 2 * FLUE_PS_PER_S);
    fixture_run(&f);
    expect_frames(1, again);
    assert_true(flue_host_core(f.host)->clock_ps > f.env.now_ps);
    flue_host_tcp_totals(f.host, &tcp);
    assert_int_equal(tcp.timeouts, 1);
    finish(1);
}

/* Segments wait while the adapter has as many frames as the backlog allows. */
static void backlog(void **state)
{
    (void)state;
    open_all("never", 256, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(flue_host_socket_send(f.peers[i].socket, 14600), FLUE_OK);
    }
    assert_in_range(f.sent_count, 32, 35); /* 4 x 10 segments of the initial window, less those that wait */
    adapter_sent(&f);
    assert_int_equal(f.sent_count, 40);
    finish(4);
}

/* ---- Trees */

static void trees(void **state)
{
    (void)state;
    open_all("never", 256, 5);
    flue_host_run(f.host, f.env.now_ps, offload_012, NULL);
    expect_log(&f, "initiate N+( P+( T+ T+) P+( T+))");
    offload(3, 1); /* its path is on its way: it waits (D-14) */
    expect_log(&f, "");
    assert_int_equal(holder(3), FLUE_HOLDER_HOST);
    assert_int_equal(flue_host_socket_offload(f.peers[3].socket, f.env.now_ps), FLUE_ESTATE);
    adapter_initiated(&f, 0, 0);
    expect_log(&f, "0: moved to target, at a chosen time\n1: moved to target, at a chosen time\n"
                   "2: moved to target, at a chosen time\ninitiate N*( P*( T+))");
    offload(4, 1);
    expect_log(&f, "initiate N*( P*( T+))"); /* unrelated initiates may overlap */
    adapter_initiated(&f, 0, 0);
    adapter_initiated(&f, 0, 0);
    assert_int_equal(holder(4), FLUE_HOLDER_TARGET);
    fixture_end(&f, 1);
}

static void tree_limit(void **state)
{
    (void)state;
    open_all("never", 2, 3);
    flue_host_run(f.host, f.env.now_ps, offload_012, NULL);
    expect_log(&f, "initiate N+( P+( T+ T+))");
    adapter_initiated(&f, 0, 0);
    expect_log(&f, "0: moved to target, at a chosen time\n1: moved to target, at a chosen time\n"
                   "initiate N*( P+( T+))");
    adapter_initiated(&f, 0, 0);
    fixture_end(&f, 1);
}

/* A path that is refused takes its connections with it; the neighbour stays; a later tree tries the path again. */
static void path_refused(void **state)
{
    struct flue_host_totals totals;

    (void)state;
    open_all("never", 256, 2);
    offload(0, 1);
    expect_log(&f, "initiate N+( P+( T+))");
    adapter_initiated(&f, 0, 1);
    expect_log(&f, "");
    assert_int_equal(holder(0), FLUE_HOLDER_HOST);
    assert_int_equal(flue_host_last_refusal(f.host), NDIS_STATUS_FAILURE);
    flue_host_totals(f.host, &totals);
    assert_int_equal(totals.refused, 1);
    assert_int_equal(totals.moves[FLUE_MOVE_REFUSED], 1);
    offload(1, 1);
    expect_log(&f, "initiate N*( P+( T+))");
    adapter_initiated(&f, 0, 1);
    peer_segment(&f, 0, 0, 10, FLUE_TCP_ACK);
    expect_log(&f, "0: received 10");
    finish(2);
}

static void always(void **state)
{
    (void)state;
    open_all("always", 256, 1);
    expect_log(&f, "initiate N+( P+( T+))");
    assert_int_equal(holder(0), FLUE_HOLDER_OFFERED);
    adapter_initiated(&f, 0, 0);
    expect_log(&f, "0: moved to target, policy");
    fixture_end(&f, 1);
}

/* ---- Memory */

/* A connection that is opened, filled, handed over, read from, and taken back, as far as memory allows. */
static void try_all(void)
{
    peer_handshake(&f, 0, PEER_IP, ISS);
    if (f.peers[0].socket == NULL) {
        return;
    }
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 5000), FLUE_OK);
    peer_segment(&f, 0, 0, 100, FLUE_TCP_ACK);
    adapter_sent(&f);
    if (f.peers[0].socket != NULL && flue_host_socket_offload(f.peers[0].socket, f.env.now_ps) == FLUE_OK &&
        f.initiated_count > 0) {
        assert_int_equal(flue_host_socket_send(f.peers[0].socket, 500), FLUE_OK);
        peer_segment(&f, 0, 0, 100, FLUE_TCP_ACK);
        adapter_initiated(&f, 0, 0);
        if (f.peers[0].forwards != NULL) {
            adapter_forward_done(&f, 0, NDIS_STATUS_SUCCESS);
        }
        f.peers[0].sent -= 100; /* the adapter indicates what was forwarded, or what the peer sent again */
        f.peers[0].seq -= 100;
        adapter_indicate(&f, 0, 1000);
        fixture_run(&f);
        if (f.terminated_count > 0 || flue_host_socket_upload(f.peers[0].socket, f.env.now_ps) == FLUE_OK) {
            if (f.terminated_count > 0) {
                adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 70, NDIS_STATUS_SUCCESS);
            }
        }
    }
}

/* What memory did not suffice for is tried again after a while, though nothing else happens. */
static void retries_without_an_occasion(void **state)
{
    (void)state;
    open_offloaded();
    manual_env_fail(&f.host_env, 1);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 500), FLUE_OK);
    fixture_run(&f);
    expect_log(&f, "");
    fixture_time(&f, f.env.now_ps + FLUE_PS_PER_MS);
    fixture_run(&f);
    fixture_run(&f);
    expect_log(&f, "");
    manual_env_fail(&f.host_env, 0);
    fixture_time(&f, f.env.now_ps + FLUE_PS_PER_MS);
    fixture_run(&f);
    fixture_run(&f);
    expect_log(&f, "0: send 0+500");
    fixture_end(&f, 1);
}

/* Whichever allocation of the host fails first, nothing breaks, leaks, or is delivered twice or with a gap. */
static void out_of_memory(void **state)
{
    uint64_t asked, survived = 0;

    (void)state;
    fixture_begin(&f, "never", 256);
    asked = f.host_env.allocations;
    try_all();
    asked = f.host_env.allocations - asked;
    assert_in_range(asked, 5, 1000);
    assert_int_equal(f.peers[0].received, 1170);
    fixture_end(&f, 1);
    for (uint64_t n = 1; n <= asked; n++) {
        fixture_begin(&f, "never", 256);
        manual_env_fail(&f.host_env, n);
        try_all();
        survived += f.peers[0].received;
        manual_env_fail(&f.host_env, 0);
        fixture_end(&f, 1);
    }
    assert_true(survived > 0);
}

/* A host that cannot be made leaves nothing behind. */
static void no_memory_to_begin(void **state)
{
    struct manual_env env;
    uint64_t n = 0;
    flue_err err;

    (void)state;
    do {
        struct flue_host_params params = {.policy = flue_policy_find("never"),
                                          .send_quantum = 4,
                                          .backlog_frames = 64,
                                          .tree_connections = 1,
                                          .connections = 1};
        struct timers timers;
        struct flue_ndis *ndis;
        struct flue_host *host;

        manual_env_init(&env, 1);
        flue_profile_free_of_cost(&params.profile);
        flue_tcp_defaults(&params.tcp);
        assert_int_equal(timers_init(&timers, &env.env), FLUE_OK);
        assert_int_equal(flue_ndis_new(&env.env, NULL, &ndis), FLUE_OK);
        manual_env_fail(&env, ++n);
        err = flue_host_new(&env.env, &timers, NULL, ndis, &params, &host);
        assert_int_equal(err == FLUE_OK, host != NULL);
        flue_host_free(host);
        flue_ndis_free(ndis);
        timers_dispose(&timers);
        assert_true(manual_env_clean(&env));
    } while (err == FLUE_ENOMEM);
    assert_int_equal(err, FLUE_OK);
    assert_true(n > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(software),
        cmocka_unit_test(charges),
        cmocka_unit_test(timeout),
        cmocka_unit_test(backlog),
        cmocka_unit_test(trees),
        cmocka_unit_test(tree_limit),
        cmocka_unit_test(path_refused),
        cmocka_unit_test(always),
        cmocka_unit_test(retries_without_an_occasion),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(no_memory_to_begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
