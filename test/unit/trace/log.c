/* SPDX-License-Identifier: GPL-2.0-only */
/* What a log makes of the events it heard: their order, their connection, their engine, their cost. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "flue/cost.h"
#include "flue/ndischimney.h"
#include "flue/tcp_engine.h"
#include "flue/wire.h"

static struct trace_log *new_log(size_t limit)
{
    struct trace_log *log = trace_log_new(limit);

    assert_non_null(log);
    return log;
}

static void settle(struct trace_log *log)
{
    assert_int_equal(trace_log_settle(log), FLUE_OK);
}

static void empty_log_has_nothing(void **state)
{
    struct trace_log *log = new_log(0);

    (void)state;
    settle(log);
    assert_int_equal(trace_log_count(log), 0);
    assert_string_equal(trace_log_complaint(log), "");
    trace_log_free(log);
    trace_log_free(NULL);
}

static void order_is_time_then_emission(void **state)
{
    static const int64_t at[] = {30, 10, 10, 20, 10, 30};
    static const int64_t expected[] = {1, 2, 4, 3, 0, 5}; /* the number of the event, in order of time */
    struct trace_log *log = new_log(0);

    (void)state;
    for (int64_t i = 0; i < (int64_t)COUNT_OF(at); i++) {
        put(log, TRACE_SERVER, FLUE_POINT_app_send, at[i], CONN, i, 0, 0, 0, 0, 0);
    }
    settle(log);
    assert_int_equal(trace_log_count(log), COUNT_OF(at));
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        assert_int_equal(trace_log_at(log, i)->arg[0], expected[i]);
        assert_int_equal(trace_log_at(log, trace_log_emitted(log, i))->arg[0], (int64_t)i);
    }
    trace_log_free(log);
}

static void full_log_says_so_once(void **state)
{
    struct trace_log *log = new_log(3);

    (void)state;
    for (int i = 0; i < 8; i++) {
        put(log, TRACE_SERVER, FLUE_POINT_app_send, i, CONN, i, 0, 0, 0, 0, 0);
    }
    settle(log);
    assert_int_equal(trace_log_count(log), 3);
    assert_int_equal(trace_log_at(log, 2)->arg[0], 2);
    assert_int_equal(trace_log_left_out(log), 5);
    assert_non_null(strstr(trace_log_complaint(log), "first 3 events are kept, 5 later ones are not"));
    assert_null(strchr(trace_log_complaint(log), '\n'));
    trace_log_free(log);
}

static void handshake_events_get_their_connection(void **state)
{
    struct trace_log *log = new_log(0);
    uint32_t seq;

    (void)state;
    put_handshake(log);
    settle(log);
    for (size_t i = 0; i < trace_log_count(log); i++) {
        assert_int_equal(trace_log_at(log, i)->conn, CONN);
    }
    assert_true(trace_log_seq(log, CONN, TRACE_SERVER, (uint32_t)(SERVER_IS + 1030), &seq)); /* beyond 2^32 */
    assert_int_equal(seq, 1030);
    assert_true(trace_log_seq(log, CONN, TRACE_CLIENT, CLIENT_IS + 5, &seq));
    assert_int_equal(seq, 5);
    assert_false(trace_log_seq(log, CONN + 1, TRACE_CLIENT, 5, &seq));
    assert_int_equal(seq, 5);
    trace_log_free(log);
}

/* A loss is told by the node that did not get it, and names no connection. */
static void loss_finds_its_connection(void **state)
{
    static const struct {
        uint32_t offset;
        bool found;
    } cases[] = {{0, true}, {1000, true}, {1448, true}, {2896, true}, {5000, false}, {UINT32_C(0x80000000), false}};
    struct trace_log *log = new_log(0);

    (void)state;
    put_handshake(log);
    put(log, TRACE_CLIENT, FLUE_POINT_tcp_send, 5, CONN + 1, CLIENT_IS + 9000, 0, 0, FLUE_TCP_SYN, 0, 0);
    put_data(log, 40, 0, 1448, 0);
    put_data(log, 41, 1448, 1448, 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        put(log, TRACE_CLIENT, FLUE_POINT_wire_loss, 1000000000 + (int64_t)i, FLUE_NO_CONN,
            (uint32_t)(SERVER_IS + 1 + cases[i].offset), 1448, FLUE_TCP_ACK, 0, 0, 0);
    }
    settle(log);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(trace_log_at(log, trace_log_count(log) - COUNT_OF(cases) + i)->conn,
                         cases[i].found ? CONN : FLUE_NO_CONN);
    }
    trace_log_free(log);
}

static void put_state(struct trace_log *log, enum flue_tcp_state_id from, enum flue_tcp_state_id to,
                      enum flue_tcp_reason reason)
{
    put(log, TRACE_SERVER, FLUE_POINT_tcp_state, 0, CONN, from, to, reason, 0, 0, 0);
}

static void engines_are_told_apart(void **state)
{
    static const enum trace_side expected[] = {
        TRACE_BY_HOST,   /* data */
        TRACE_BY_HOST,   /* the host's engine lets go */
        TRACE_BY_TARGET, /* the target's takes over */
        TRACE_BY_HOST,   /* a context is made */
        TRACE_BY_HOST,   /* target_take: before it the host held */
        TRACE_BY_TARGET, /* data */
        TRACE_BY_TARGET, /* give back */
        TRACE_BY_TARGET, /* its engine lets go */
        TRACE_BY_HOST,   /* the host's takes over */
        TRACE_BY_HOST,   /* data */
    };
    struct trace_log *log = new_log(0);

    (void)state;
    put_data(log, 0, 0, 100, 0);
    put_state(log, FLUE_TCP_ESTABLISHED, FLUE_TCP_CLOSED, FLUE_TCP_BY_EXPORT);
    put_state(log, FLUE_TCP_CLOSED, FLUE_TCP_ESTABLISHED, FLUE_TCP_BY_IMPORT);
    put(log, TRACE_SERVER, FLUE_POINT_target_context, 0, CONN, 0, 1, 0, 0, 0, 0);
    put(log, TRACE_SERVER, FLUE_POINT_charge, 0, FLUE_NO_CONN, 0, 1, 0, 0, 0, 0);
    put(log, TRACE_SERVER, FLUE_POINT_target_take, 0, CONN, TcpOffloadState, NDIS_STATUS_SUCCESS, 0, 0, 0, 0);
    put_data(log, 0, 100, 100, 0);
    put(log, TRACE_SERVER, FLUE_POINT_target_give_back, 0, CONN, 0, 0, 0, 0, 0, 0);
    put_state(log, FLUE_TCP_ESTABLISHED, FLUE_TCP_CLOSED, FLUE_TCP_BY_EXPORT);
    put_state(log, FLUE_TCP_CLOSED, FLUE_TCP_ESTABLISHED, FLUE_TCP_BY_IMPORT);
    put_data(log, 0, 200, 100, 0);
    settle(log);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(trace_log_side(log, i), expected[i]);
    }
    assert_string_equal(trace_actor(log, 5), "target");
    assert_string_equal(trace_arrow(log, 5), "wire");
    assert_string_equal(trace_actor(log, 9), "host");
    trace_log_free(log);
}

static void refused_connection_stays_with_the_host(void **state)
{
    struct trace_log *log = new_log(0);

    (void)state;
    put_state(log, FLUE_TCP_ESTABLISHED, FLUE_TCP_CLOSED, FLUE_TCP_BY_EXPORT);
    put(log, TRACE_SERVER, FLUE_POINT_target_take, 0, CONN, TcpOffloadState, NDIS_STATUS_OFFLOAD_TCP_ENTRIES, 0, 0, 0,
        0);
    put_state(log, FLUE_TCP_CLOSED, FLUE_TCP_ESTABLISHED, FLUE_TCP_BY_IMPORT);
    put_data(log, 0, 100, 100, 0);
    settle(log);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(trace_log_side(log, i), TRACE_BY_HOST);
    }
    trace_log_free(log);
}

static void charge(struct trace_log *log, unsigned node, enum flue_category category, int64_t cycles)
{
    put(log, node, FLUE_POINT_charge, 0, CONN, category, cycles, 0, 0, 0, 0);
}

static int64_t cycles_of(const struct trace_log *log, size_t place)
{
    const struct flue_event *event;
    size_t cursor = TRACE_NONE;
    int64_t cycles = 0;

    while ((event = trace_log_charge(log, place, &cursor)) != NULL) {
        cycles += event->arg[1];
    }
    return cycles;
}

static void charges_belong_to_what_they_pay_for(void **state)
{
    static const int64_t expected[] = {1001, 1110, 20000, 0, 7};
    struct trace_log *log = new_log(0);

    (void)state;
    charge(log, TRACE_SERVER, FLUE_COST_SYSCALL, 1);
    charge(log, TRACE_SERVER, FLUE_COST_COPY, 1000);
    put(log, TRACE_SERVER, FLUE_POINT_app_send, 1, CONN, 100, 0, 0, 0, 0, 0);
    charge(log, TRACE_SERVER, FLUE_COST_TCPIP, 10); /* ahead of the segment: a timer, say */
    put_data(log, 2, 0, 100, 0);
    charge(log, TRACE_SERVER, FLUE_COST_TCPIP, 100); /* the segment itself, traced before it is paid for */
    charge(log, TRACE_CLIENT, FLUE_COST_DRIVER, 7);
    charge(log, TRACE_SERVER, FLUE_COST_DRIVER, 1000);
    charge(log, TRACE_SERVER, FLUE_COST_TCPIP, 20000); /* of the next thing: a segment pays each category once */
    put(log, TRACE_SERVER, FLUE_POINT_app_close, 3, CONN, 0, 0, 0, 0, 0, 0);
    put(log, TRACE_SERVER, FLUE_POINT_app_close, 4, CONN, 0, 0, 0, 0, 0, 0);
    put(log, TRACE_CLIENT, FLUE_POINT_app_close, 5, CONN, 0, 0, 0, 0, 0, 0);
    settle(log);
    assert_int_equal(trace_log_count(log), COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(cycles_of(log, i), expected[i]);
    }
    trace_log_free(log);
}

static void many_connections_are_found(void **state)
{
    struct trace_log *log = new_log(0);
    uint32_t seq;

    (void)state;
    for (uint32_t i = 0; i < 5000; i++) {
        put(log, TRACE_CLIENT, FLUE_POINT_tcp_send, i, i * 64, (uint32_t)(i * UINT32_C(0x9E3779B9)), 0, 0, FLUE_TCP_SYN,
            0, 0);
    }
    settle(log);
    for (uint32_t i = 0; i < 5000; i++) {
        assert_true(trace_log_seq(log, i * 64, TRACE_CLIENT, (uint32_t)(i * UINT32_C(0x9E3779B9)) + 3, &seq));
        assert_int_equal(seq, 3);
    }
    trace_log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_log_has_nothing),
        cmocka_unit_test(order_is_time_then_emission),
        cmocka_unit_test(full_log_says_so_once),
        cmocka_unit_test(handshake_events_get_their_connection),
        cmocka_unit_test(loss_finds_its_connection),
        cmocka_unit_test(engines_are_told_apart),
        cmocka_unit_test(refused_connection_stays_with_the_host),
        cmocka_unit_test(charges_belong_to_what_they_pay_for),
        cmocka_unit_test(many_connections_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
