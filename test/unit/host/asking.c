/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/host/asking.c - when the host asks its policy, what it tells it, and which answers it follows: the schedule of a
 * connection that does something and of one that sleeps, the stay after a move, the back-off after a refusal and after
 * a mandatory upload (D-35), and room that is made for a better one. */
#include "cases.h"

/* The policy under test writes down what it is told and says what it is bid; for the contract it is asked twice. */
static struct flue_policy_facts told;
static unsigned asked; /* twice for each question */
static enum flue_decision bid;
static uint64_t least_told;

static struct flue_verdict decide(const struct flue_policy_params *params, const struct flue_policy_facts *facts)
{
    (void)params;
    told = *facts;
    asked++;
    return (struct flue_verdict){.decision = bid, .reason = bid == FLUE_KEEP ? 0 : 1};
}

static struct flue_verdict decide_by_bytes(const struct flue_policy_params *params,
                                           const struct flue_policy_facts *facts)
{
    (void)params;
    least_told = facts->capacity_left == 0 ? facts->least_bytes : least_told;
    return (struct flue_verdict){.decision = facts->bytes >= 100 ? FLUE_OFFLOAD : FLUE_KEEP, .reason = 0};
}

static uint64_t value_by_bytes(const struct flue_policy_params *params, const struct flue_policy_facts *facts)
{
    (void)params;
    return facts->bytes;
}

static const struct flue_policy scripted = {FLUE_POLICY_VERSIONS, .asked_again = 1, .name = "scripted",
                                            .reasons = {"stays", "moves"}, .decide = decide};
static const struct flue_policy by_bytes = {FLUE_POLICY_VERSIONS,      .asked_again = 1,
                                            .name = "by-bytes",        .reasons = {"by bytes"},
                                            .decide = decide_by_bytes, .value = value_by_bytes};

static const NDIS_TCP_CONNECTION_OFFLOAD one_context = {.SupportIPv4 = 1, .TcpConnectionOffloadCapacity = 1};

static void tune(struct flue_host_params *params)
{
    f.capability = &one_context;
    params->policy = &scripted;
    params->policy_params.every_ps = FLUE_PS_PER_MS;
    params->policy_params.stay_ps = 3 * FLUE_PS_PER_MS;
    params->ddi.reoffload_backoff_ms = 8;
}

static void tune_by_bytes(struct flue_host_params *params)
{
    tune(params);
    params->policy = &by_bytes;
    params->policy_params.stay_ps = 0;
}

static void begin(void (*how)(struct flue_host_params *params), unsigned count)
{
    bid = FLUE_KEEP;
    asked = 0;
    fixture_begin_tuned(&f, "never", 256, how);
    for (unsigned i = 0; i < count; i++) {
        peer_open(&f, i, PEER_IP, ISS);
    }
    adapter_sent(&f);
    f.sent_count = 0;
}

/* Questions since the last call. */
static unsigned questions(void)
{
    const unsigned count = asked / 2;

    assert_int_equal(asked % 2, 0);
    asked = 0;
    return count;
}

/* Whole milliseconds pass, one after the other. */
static unsigned pass(unsigned ms)
{
    while (ms-- > 0) {
        fixture_time(&f, f.env.now_ps + FLUE_PS_PER_MS);
        fixture_run(&f);
    }
    return questions();
}

static struct flue_host_totals totals(void)
{
    struct flue_host_totals out;

    flue_host_totals(f.host, &out);
    return out;
}

static void schedule(void **state)
{
    unsigned at[8] = {0}, count = 0;

    (void)state;
    begin(tune, 1);
    assert_int_equal(questions(), 1);
    /* Nothing is new: after 1, 1 + 1, + 2, + 4, + 8, ... windows. */
    for (unsigned ms = 1; ms <= 40; ms++) {
        if (pass(1) > 0) {
            at[count++] = ms;
        }
    }
    assert_int_equal(count, 6);
    assert_int_equal(at[0], 1);
    assert_int_equal(at[1], 2);
    assert_int_equal(at[2], 4);
    assert_int_equal(at[3], 8);
    assert_int_equal(at[4], 16);
    assert_int_equal(at[5], 32);
    /* Something is: once in each window, however much it is. */
    for (unsigned i = 0; i < 5; i++) {
        peer_segment(&f, 0, 0, 10, FLUE_TCP_ACK);
        peer_segment(&f, 0, 0, 10, FLUE_TCP_ACK);
        assert_int_equal(pass(1), 1);
    }
    finish(1);
    assert_int_equal(questions(), 0);
}

static void facts(void **state)
{
    (void)state;
    begin(tune, 2);
    assert_int_equal(told.bytes, 0);
    assert_int_equal(told.connections, 2);
    assert_int_equal(told.capacity, 1);
    assert_int_equal(told.capacity_left, 1);
    (void)pass(1);
    peer_segment(&f, 0, 0, 10, FLUE_TCP_ACK);
    peer_segment(&f, 0, 0, 30, FLUE_TCP_ACK);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 200), FLUE_OK);
    peer_segment(&f, 0, 0, 0, FLUE_TCP_ACK);
    (void)pass(1);
    peer_segment(&f, 0, 0, 20, FLUE_TCP_ACK);
    (void)pass(1);
    assert_int_equal(told.bytes_received, 60);
    assert_int_equal(told.bytes_sent, 200);
    assert_int_equal(told.bytes, 260);
    assert_int_equal(told.reads, 3);
    assert_int_equal(told.writes, 1);
    assert_int_equal(told.mean_read_bytes, 20);
    assert_int_equal(told.mean_write_bytes, 200);
    assert_in_range(told.recent_bytes, 230, 259);
    assert_true(told.idle_ps < (uint64_t)(2 * FLUE_PS_PER_MS) && told.age_ps > (uint64_t)(2 * FLUE_PS_PER_MS));
    assert_true(told.srtt_ps > 0);
    assert_int_equal(told.bytes_to_come, 0); /* it is no oracle */
    assert_int_equal(told.held, 0);
    adapter_sent(&f);
    finish(2);
}

/* Offered in the first walk after the bid; it stays 3 ms; then it is taken back; and stays again. */
static void stay(void **state)
{
    (void)state;
    begin(tune, 1);
    (void)questions();
    bid = FLUE_OFFLOAD;
    assert_int_equal(pass(1), 1);
    expect_log(&f, "initiate N+( P+( T+))");
    assert_int_equal(pass(4), 0); /* on its way: nothing to ask */
    adapter_initiated(&f, 0, 0);
    expect_log(&f, "0: moved to target, policy");
    bid = FLUE_TAKE_BACK;
    adapter_indicate(&f, 0, 10);
    (void)pass(1);
    adapter_indicate(&f, 0, 10);
    assert_int_equal(pass(1), 0);
    assert_int_equal(holder(0), FLUE_HOLDER_TARGET);
    expect_log(&f, "0: received 10\nreturn 1\n0: received 10\nreturn 1");
    adapter_indicate(&f, 0, 10);
    assert_int_equal(pass(2), 1);
    assert_int_equal(told.held, 1);
    assert_int_equal(told.moves, 1);
    assert_int_equal(told.capacity_left, 0);
    assert_int_equal(holder(0), FLUE_HOLDER_GIVING_BACK);
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    assert_int_equal(totals().moves[FLUE_MOVE_POLICY], 2);
    assert_int_equal(totals().policy_moves[1], 2);
    assert_int_equal(totals().impure, 0);
    f.log[0] = '\0';
    finish(1);
}

/* The first wait is 8 ms, the next 16 ms. */
static void refusals(void **state)
{
    (void)state;
    begin(tune, 1);
    (void)questions();
    bid = FLUE_OFFLOAD;
    assert_int_equal(pass(1), 1);
    adapter_initiated(&f, 1, 0);
    for (unsigned i = 0; i < 7; i++) {
        peer_segment(&f, 0, 0, 10, FLUE_TCP_ACK);
        assert_int_equal(pass(1), 0);
    }
    peer_segment(&f, 0, 0, 10, FLUE_TCP_ACK);
    assert_int_equal(pass(2), 1);
    assert_int_equal(told.refusals, 1);
    assert_int_equal(holder(0), FLUE_HOLDER_OFFERED);
    adapter_initiated(&f, 1, 0);
    for (unsigned i = 0; i < 15; i++) {
        peer_segment(&f, 0, 0, 10, FLUE_TCP_ACK);
        assert_int_equal(pass(1), 0);
    }
    peer_segment(&f, 0, 0, 10, FLUE_TCP_ACK);
    assert_int_equal(pass(2), 1);
    assert_int_equal(told.refusals, 2);
    adapter_initiated(&f, 0, 0);
    assert_int_equal(holder(0), FLUE_HOLDER_TARGET);
    f.log[0] = '\0';
    fixture_end(&f, 1);
}

/* D-35: what the target asked back is not even asked about before its wait is over, though the policy would like to. */
static void retrieved(void **state)
{
    (void)state;
    begin(tune, 1);
    (void)questions();
    bid = FLUE_OFFLOAD;
    (void)pass(1);
    adapter_initiated(&f, 0, 0);
    (void)pass(4);
    adapter_event(&f, 0, TcpIndicateRetrieve, UploadRequested);
    fixture_run(&f);
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    fixture_run(&f);
    assert_int_equal(holder(0), FLUE_HOLDER_HOST);
    (void)questions();
    for (unsigned i = 0; i < 7; i++) {
        peer_segment(&f, 0, 0, 10, FLUE_TCP_ACK);
        assert_int_equal(pass(1), 0);
    }
    peer_segment(&f, 0, 0, 10, FLUE_TCP_ACK);
    assert_int_equal(pass(2), 1);
    assert_int_equal(told.moves, 2);
    assert_int_equal(holder(0), FLUE_HOLDER_OFFERED);
    adapter_initiated(&f, 0, 0);
    f.log[0] = '\0';
    fixture_end(&f, 1);
}

/* One context, three connections: the one that carries most has it in the end, each time for one that goes. */
static void room(void **state)
{
    (void)state;
    begin(tune_by_bytes, 3);
    least_told = 0;
    peer_segment(&f, 0, 0, 100, FLUE_TCP_ACK);
    (void)pass(1);
    adapter_initiated(&f, 0, 0);
    assert_int_equal(holder(0), FLUE_HOLDER_TARGET);
    adapter_indicate(&f, 0, 5);
    (void)pass(2); /* ranked with 105 bytes */
    f.log[0] = '\0';
    peer_segment(&f, 1, 0, 104, FLUE_TCP_ACK); /* not more than the other is worth */
    (void)pass(2);
    assert_int_equal(least_told, 105);
    assert_int_equal(holder(0), FLUE_HOLDER_TARGET);
    assert_int_equal(totals().room_made, 0);
    peer_segment(&f, 1, 0, 10, FLUE_TCP_ACK);
    peer_segment(&f, 2, 0, 110, FLUE_TCP_ACK); /* two want it: one is promised the only context */
    (void)pass(1);
    assert_int_equal(holder(0), FLUE_HOLDER_GIVING_BACK);
    assert_int_equal(holder(1), FLUE_HOLDER_HOST);
    assert_int_equal(totals().room_made, 1);
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    (void)pass(1);
    assert_int_equal(holder(1), FLUE_HOLDER_OFFERED);
    assert_int_equal(holder(2), FLUE_HOLDER_HOST);
    adapter_initiated(&f, 0, 0);
    assert_int_equal(totals().offloaded, 2);
    f.log[0] = '\0';
    fixture_end(&f, 1);
}

/* Whatever allocation fails, what is asked is asked, and nothing is lost. */
static void memory(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 12; n++) {
        begin(tune_by_bytes, 0);
        manual_env_fail(&f.host_env, n);
        peer_handshake(&f, 0, PEER_IP, ISS);
        if (f.peers[0].socket != NULL) {
            peer_segment(&f, 0, 0, 150, FLUE_TCP_ACK);
            (void)pass(4);
        }
        manual_env_fail(&f.host_env, 0);
        adapter_sent(&f);
        f.log[0] = '\0';
        fixture_end(&f, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schedule),  cmocka_unit_test(facts), cmocka_unit_test(stay),   cmocka_unit_test(refusals),
        cmocka_unit_test(retrieved), cmocka_unit_test(room),  cmocka_unit_test(memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
