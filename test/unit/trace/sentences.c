/* SPDX-License-Identifier: GPL-2.0-only */
/* Events as sentences. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "flue/cost.h"
#include "flue/host.h"
#include "flue/ndischimney.h"
#include "flue/tcp_engine.h"
#include "flue/wire.h"

/* Every placeholder of trace.def names an argument, and every argument has a name and a unit. */
static void every_point_makes_a_sentence(void **state)
{
    struct trace_log *log = trace_log_new(0);

    (void)state;
    assert_non_null(log);
    assert_int_equal(trace_log_settle(log), FLUE_OK);
    for (unsigned point = 0; point < FLUE_POINT_COUNT; point++) {
        const struct flue_event event = {.conn = FLUE_NO_CONN, .point = (uint16_t)point, .arg = {1, 1, 1, 1, 1, 1}};
        struct trace_text text;

        trace_text_start(&text);
        trace_add_sentence(log, &event, &text);
        assert_true(text.length > 0);
        if (strpbrk(text.chars, "{}?") != NULL) {
            fail_msg("%s: %s", flue_point_info(point)->id, text.chars);
        }
    }
    trace_log_free(log);
}

static void values_are_told_by_their_unit(void **state)
{
    static const struct {
        unsigned point;
        int64_t arg[FLUE_TRACE_ARGS];
        const char *sentence;
    } cases[] = {
        {FLUE_POINT_app_send, {65536}, "writes 65536 bytes"},
        {FLUE_POINT_holder,
         {FLUE_HOLDER_HOST, FLUE_HOLDER_OFFERED, FLUE_MOVE_POLICY},
         "holder host -> offered: policy"},
        {FLUE_POINT_ddi_initiate_complete,
         {3, NDIS_STATUS_SUCCESS},
         "NdisMInitiateOffloadComplete, root NDIS_STATUS_SUCCESS"},
        {FLUE_POINT_ddi_event,
         {TcpIndicateRetrieve, HardwareFailure},
         "NdisTcpOffloadEventHandler, TcpIndicateRetrieve, HardwareFailure"},
        {FLUE_POINT_ddi_event,
         {TcpIndicateDisconnect, 99},
         "NdisTcpOffloadEventHandler, TcpIndicateDisconnect, no information"},
        {FLUE_POINT_ddi_event,
         {TcpIndicateSendBacklogChange, 4096},
         "NdisTcpOffloadEventHandler, TcpIndicateSendBacklogChange, 4096 bytes"},
        {FLUE_POINT_ddi_disconnect,
         {TCP_DISCONNECT_GRACEFUL_CLOSE, 0},
         "NdisOffloadTcpDisconnect, TCP_DISCONNECT_GRACEFUL_CLOSE"},
        {FLUE_POINT_target_take,
         {TcpOffloadState, NDIS_STATUS_OFFLOAD_TCP_ENTRIES},
         "takes in a TcpOffloadState: NDIS_STATUS_OFFLOAD_TCP_ENTRIES"},
        {FLUE_POINT_tcp_state,
         {FLUE_TCP_ESTABLISHED, FLUE_TCP_CLOSE_WAIT, FLUE_TCP_BY_SEGMENT},
         "ESTABLISHED -> CLOSE-WAIT: a segment"},
        {FLUE_POINT_tcp_send,
         {SERVER_IS + 1025, 1448, CLIENT_IS + 1, FLUE_TCP_PSH | FLUE_TCP_ACK, 9, 1},
         "segment seq 1025, 1448 bytes, ack 1, P., again"},
        {FLUE_POINT_tcp_send, {SERVER_IS + 1, 0, 4711, FLUE_TCP_RST, 9, 0}, "segment seq 1, 0 bytes, ack none, R"},
        {FLUE_POINT_tcp_receive,
         {CLIENT_IS + 2, 0, (uint32_t)(SERVER_IS + 2000), FLUE_TCP_FIN | FLUE_TCP_ACK, 9, 0},
         "segment seq 2, 0 bytes, ack 2000, F."},
        {FLUE_POINT_tcp_timeout,
         {SERVER_IS + 5, 200500000000, 2},
         "retransmission timer expired: SndUna 5, RTO 200500.000 us, expiry 2"},
        {FLUE_POINT_hold_segment,
         {CLIENT_IS + 9, 128},
         "keeps a segment that came during the hand-over: seq 9, 128 bytes"},
        {FLUE_POINT_charge, {FLUE_COST_DRIVER, 777, 0}, "777 cycles and 0.000 us of memory time to driver"},
    };
    struct trace_log *log = trace_log_new(0);

    (void)state;
    put_handshake(log);
    assert_int_equal(trace_log_settle(log), FLUE_OK);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct flue_event event = {.conn = CONN, .point = (uint16_t)cases[i].point, .node = TRACE_SERVER};
        struct trace_text text;

        memcpy(event.arg, cases[i].arg, sizeof event.arg);
        trace_text_start(&text);
        trace_add_sentence(log, &event, &text);
        assert_string_equal(text.chars, cases[i].sentence);
    }
    trace_log_free(log);
}

static void counts_have_commas(void **state)
{
    static const struct {
        uint64_t value;
        const char *text;
    } cases[] = {
        {0, "0"}, {999, "999"}, {1000, "1,000"}, {123456, "123,456"}, {UINT64_MAX, "18,446,744,073,709,551,615"}};
    char text[32];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        trace_count(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void line_has_time_actor_cost_and_reference(void **state)
{
    struct trace_log *log = trace_log_new(0);
    char *text;

    (void)state;
    put(log, TRACE_SERVER, FLUE_POINT_charge, 0, 3, FLUE_COST_COPY, 777, 0, 0, 0, 0);
    put(log, TRACE_SERVER, FLUE_POINT_charge, 0, 3, FLUE_COST_COPY, 23, 5000000, 0, 0, 0);
    put(log, TRACE_SERVER, FLUE_POINT_charge, 0, FLUE_NO_CONN, FLUE_COST_INTERRUPT, 9, 0, 0, 0, 0);
    put(log, TRACE_SERVER, FLUE_POINT_app_send, 1234567, 3, 100, 0, 0, 0, 0, 0);
    assert_int_equal(trace_log_settle(log), FLUE_OK);
    text = printed(trace_explain, log);
    assert_non_null(strstr(text, "       1.235  server     3  app > host       writes 100 bytes, "
                                 "+800 cycles +5.000 us of memory time copy -> connection 3, "
                                 "+9 cycles interrupt -> no connection  [RFC 9293 3.9.1.2]\n"));
    free(text);
    trace_log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_point_makes_a_sentence),
        cmocka_unit_test(values_are_told_by_their_unit),
        cmocka_unit_test(counts_have_commas),
        cmocka_unit_test(line_has_time_actor_cost_and_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
