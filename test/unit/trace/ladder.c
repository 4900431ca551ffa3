/* SPDX-License-Identifier: GPL-2.0-only */
/* The ladder: what it keeps, what it merges, how large it gets. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "flue/host.h"
#include "flue/ndischimney.h"
#include "flue/tcp_engine.h"
#include "flue/wire.h"

enum { MSS = 1448, US = 1000000 };

static void draw(const struct trace_log *log, FILE *out)
{
    const struct trace_ladder ladder = {.conn = CONN, .lines = 30, .plain = true};

    assert_int_equal(trace_draw_ladder(log, &ladder, out), FLUE_OK);
}

/* A transfer that is handed over and taken back, with `losses` losses in each of its three parts. */
static struct trace_log *life(unsigned segments, unsigned losses)
{
    struct trace_log *log = trace_log_new(0);
    flue_ps at = 100 * US;
    uint32_t offset = 0;

    assert_non_null(log);
    put_handshake(log);
    for (unsigned part = 0; part < 3; part++) {
        put(log, TRACE_SERVER, FLUE_POINT_app_send, at, CONN, segments * MSS, 0, 0, 0, 0, 0);
        for (unsigned i = 0; i < segments; i++, at += US, offset += MSS) {
            put_data(log, at, offset, MSS, 0);
            if (i % 2 == 1) {
                put_ack(log, at, offset);
            }
            if (i < losses) {
                put(log, TRACE_CLIENT, FLUE_POINT_wire_loss, at, FLUE_NO_CONN, (uint32_t)(SERVER_IS + 1 + offset), MSS,
                    FLUE_TCP_ACK, 0, 0, 0);
                put_data(log, at, offset, MSS, 1);
            }
        }
        if (part == 0) {
            put(log, TRACE_SERVER, FLUE_POINT_holder, at, CONN, FLUE_HOLDER_HOST, FLUE_HOLDER_OFFERED,
                FLUE_MOVE_AT_TIME, 0, 0, 0);
            put(log, TRACE_SERVER, FLUE_POINT_ddi_initiate, at, FLUE_NO_CONN, 3, 0, 0, 0, 0, 0);
            put(log, TRACE_SERVER, FLUE_POINT_target_take, at += US, CONN, TcpOffloadState, NDIS_STATUS_SUCCESS, 0, 0,
                0, 0);
            put(log, TRACE_SERVER, FLUE_POINT_ddi_initiate_complete, at += US, FLUE_NO_CONN, 3, NDIS_STATUS_SUCCESS, 0,
                0, 0, 0);
        } else if (part == 1) {
            put(log, TRACE_SERVER, FLUE_POINT_ddi_terminate, at, FLUE_NO_CONN, 1, 0, 0, 0, 0, 0);
            put(log, TRACE_SERVER, FLUE_POINT_target_give_back, at += US, CONN,
                (uint32_t)(SERVER_IS + 1 + offset - MSS), (uint32_t)(SERVER_IS + 1 + offset),
                (uint32_t)(SERVER_IS + 1 + offset), 0, 0, 0);
            put(log, TRACE_SERVER, FLUE_POINT_ddi_terminate_complete, at += US, FLUE_NO_CONN, 1, NDIS_STATUS_SUCCESS, 0,
                0, 0, 0);
            put(log, TRACE_SERVER, FLUE_POINT_holder, at, CONN, FLUE_HOLDER_GIVING_BACK, FLUE_HOLDER_HOST,
                FLUE_MOVE_COMPLETED, 0, 0, 0);
        }
        at += US;
    }
    put(log, TRACE_SERVER, FLUE_POINT_tcp_send, at, CONN, (uint32_t)(SERVER_IS + 1 + offset), 0, CLIENT_IS + 1,
        FLUE_TCP_FIN | FLUE_TCP_ACK, 0, 0);
    assert_int_equal(trace_log_settle(log), FLUE_OK);
    return log;
}

static size_t lines_of(const char *text, size_t *widest)
{
    size_t lines = 0;

    *widest = 0;
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1, lines++) {
        *widest = (size_t)(end - text) > *widest ? (size_t)(end - text) : *widest;
    }
    return lines;
}

static void it_fits_and_keeps_what_matters(void **state)
{
    static const struct {
        unsigned segments, losses;
    } cases[] = {{0, 0}, {1, 0}, {3, 1}, {20, 2}, {20, 5}, {1000, 1}, {5000, 2000}};
    static const char *const kept[] = {"NdisInitiateOffload: 3 blocks",
                                       "takes it in",
                                       "NdisMInitiateOffloadComplete",
                                       "NdisTerminateOffload: 1 block",
                                       "gives it back: SndUna ",
                                       "NdisMTerminateOffloadComplete",
                                       "FIN at "};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trace_log *log = life(cases[i].segments, cases[i].losses);
        char *text = printed(draw, log);
        size_t widest;

        assert_in_range(lines_of(text, &widest), 12, 30);
        assert_in_range(widest, 50, 110);
        for (size_t k = 0; k < COUNT_OF(kept); k++) {
            if (strstr(text, kept[k]) == NULL) {
                fail_msg("'%s' is not in:\n%s", kept[k], text);
            }
        }
        assert_int_equal(cases[i].losses != 0, strstr(text, " lost: ") != NULL);
        assert_int_equal(cases[i].losses != 0, strstr(text, "sent again by the target") != NULL);
        free(text);
        trace_log_free(log);
    }
}

static void rows_show_who_does_it(void **state)
{
    struct trace_log *log = life(4, 0);
    char *text = printed(draw, log);

    (void)state;
    /* The host's segments go from its lifeline to the client's, the target's from there; '#' holds the connection. */
    assert_non_null(strstr(text, "|       #-------+-------+-------+------>|  4 segments 1:5793"));
    assert_non_null(strstr(text, "|       |       |       #-------+------>|  4 segments 5793:11585"));
    assert_non_null(strstr(text, "|       #-------+-------+-------+------>|  4 segments 11585:17377"));
    assert_non_null(strstr(text, "|       |-------+------>|       |       |  NdisInitiateOffload: 3 blocks"));
    assert_non_null(
        strstr(text, "|       |       |       *       |       |  gives it back: SndUna 10137, SndMax 11585"));
    assert_non_null(strstr(text, "|------>#       |       |       |       |  writes 5,792 bytes"));
    free(text);
    trace_log_free(log);
}

static void losses_stand_where_they_happen(void **state)
{
    struct trace_log *log = life(3, 1);
    char *text = printed(draw, log);

    (void)state;
    assert_non_null(strstr(text, "|       #-------+-------+------>X       |  lost: 1:1449"));
    assert_non_null(strstr(text, "1:1449 sent again by the host"));
    assert_non_null(strstr(text, "|       |       |       #------>X       |  lost: 4345:5793"));
    assert_non_null(strstr(text, "|       |       |       #-------+------>|  4345:5793 sent again by the target"));
    free(text);
    trace_log_free(log);
}

static void unknown_connection_is_refused(void **state)
{
    struct trace_log *log = trace_log_new(0);
    const struct trace_ladder ladder = {.conn = CONN + 1};

    (void)state;
    put_handshake(log);
    assert_int_equal(trace_log_settle(log), FLUE_OK);
    assert_int_equal(trace_draw_ladder(log, &ladder, stderr), FLUE_ENOENT);
    trace_log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_fits_and_keeps_what_matters),
        cmocka_unit_test(rows_show_who_does_it),
        cmocka_unit_test(losses_stand_where_they_happen),
        cmocka_unit_test(unknown_connection_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
