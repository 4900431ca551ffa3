/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/rare.c - what an idle connection consists of, and what hardly any has besides. */
#include "support/manual_env.h"
#include "support/test.h"
#include "tcp/conn.h"

static flue_ps output(void *owner, struct flue_tcp_conn *conn, struct flue_frame *frame, flue_ps at_ps, int again)
{
    (void)owner;
    (void)conn;
    (void)frame;
    (void)again;
    return at_ps;
}

static void event(void *owner, struct flue_tcp_conn *conn, const struct flue_tcp_event *event)
{
    (void)owner;
    (void)conn;
    (void)event;
}

static uint64_t objects(const struct flue_tcp *stack)
{
    struct flue_tcp_totals totals;

    flue_tcp_totals(stack, &totals);
    return totals.pool_objects_live;
}

/* Nothing under way. */
static struct flue_tcp_state idle_state(uint16_t const_flags, uint32_t total_rt)
{
    return (struct flue_tcp_state){
        .tuple = {.local_ip = flue_ip_v4(1), .remote_ip = flue_ip_v4(2), .local_port = 3, .remote_port = 4},
        .const_flags = const_flags,
        .remote_port = 4,
        .local_port = 3,
        .remote_mss = 1400,
        .initial_rcv_wnd = 200000,
        .ttl = 33,
        .state = FLUE_TCP_ESTABLISHED,
        .rcv_wnd = 200000,
        .snd_wnd = 50000,
        .max_snd_wnd = 60000,
        .cwnd = 12345,
        .ssthresh = 23456,
        .total_rt = total_rt,
        .ka_delta = FLUE_STATE_NO_TIMER,
        .rt_delta = FLUE_STATE_NO_TIMER,
    };
}

/* Each costs only the connection that has it, and comes out again. */
static void what_is_rare_is_paid_for_by_its_owner(void **state)
{
    static const struct flue_tcp_ops ops = {.output = output, .event = event};
    static const struct {
        uint16_t const_flags; /* 7: what the engine knows */
        uint32_t total_rt;
        uint64_t objects; /* the connection, its path, its settings, and what else it needs */
    } cases[] = {{7, 0, 3}, {0x4007, 0, 4}, {7, 1, 4}, {0x4007, 1, 5}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct flue_tcp_state in = idle_state(cases[i].const_flags, cases[i].total_rt);
        struct flue_tcp_params params;
        struct flue_tcp_state out;
        struct flue_tcp_conn *conn;
        struct flue_tcp *stack;
        struct manual_env env;
        struct timers timers;

        manual_env_init(&env, 1);
        flue_tcp_defaults(&params);
        assert_int_equal(timers_init(&timers, &env.env), FLUE_OK);
        assert_int_equal(flue_tcp_new(&env.env, &timers, NULL, &params, &ops, NULL, 0, &stack), FLUE_OK);
        assert_int_equal(flue_tcp_import(stack, &in, NULL, 1, 0, 0, &conn), FLUE_OK);
        flue_tcp_start(conn, 0);
        assert_int_equal(objects(stack), cases[i].objects);
        assert_null(flue_tcp_check(conn));
        flue_tcp_peek(conn, 0, &out);
        assert_int_equal(out.const_flags, in.const_flags);
        assert_int_equal(out.total_rt, in.total_rt);
        flue_tcp_release(conn);
        assert_int_equal(objects(stack), 0);
        flue_tcp_free(stack);
        timers_dispose(&timers);
        assert_true(manual_env_clean(&env));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_rare_is_paid_for_by_its_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
