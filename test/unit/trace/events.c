/* SPDX-License-Identifier: GPL-2.0-only */
#include "events.h"

#include "support/test.h"

#include <stdlib.h>

#include "flue/tcp_engine.h"
#include "flue/wire.h"

void put(struct trace_log *log, unsigned node, unsigned point, flue_ps at_ps, uint32_t conn, int64_t a, int64_t b,
         int64_t c, int64_t d, int64_t e, int64_t f)
{
    struct flue_trace trace = trace_log_listener(log);

    trace.node = (uint16_t)node;
    flue_trace_emit(&trace, point, at_ps, conn, a, b, c, d, e, f);
}

void put_handshake(struct trace_log *log)
{
    const int64_t us = FLUE_PS_PER_US;

    put(log, TRACE_CLIENT, FLUE_POINT_tcp_send, 0, CONN, CLIENT_IS, 0, 77, FLUE_TCP_SYN, 0, 0);
    put(log, TRACE_SERVER, FLUE_POINT_tcp_receive, 10 * us, FLUE_NO_CONN, CLIENT_IS, 0, 77, FLUE_TCP_SYN, 0, 0);
    put(log, TRACE_SERVER, FLUE_POINT_tcp_state, 10 * us, FLUE_NO_CONN, FLUE_TCP_LISTEN, FLUE_TCP_SYN_RECEIVED,
        FLUE_TCP_BY_SEGMENT, 0, 0, 0);
    put(log, TRACE_SERVER, FLUE_POINT_tcp_send, 10 * us, FLUE_NO_CONN, SERVER_IS, 0, CLIENT_IS + 1,
        FLUE_TCP_SYN | FLUE_TCP_ACK, 0, 0);
    put(log, TRACE_CLIENT, FLUE_POINT_tcp_receive, 20 * us, CONN, SERVER_IS, 0, CLIENT_IS + 1,
        FLUE_TCP_SYN | FLUE_TCP_ACK, 0, 0);
    put(log, TRACE_CLIENT, FLUE_POINT_tcp_send, 20 * us, CONN, CLIENT_IS + 1, 0, SERVER_IS + 1, FLUE_TCP_ACK, 0, 0);
    put(log, TRACE_SERVER, FLUE_POINT_tcp_receive, 30 * us, CONN, CLIENT_IS + 1, 0, SERVER_IS + 1, FLUE_TCP_ACK, 0, 0);
}

void put_data(struct trace_log *log, flue_ps at_ps, uint32_t offset, uint32_t bytes, int again)
{
    put(log, TRACE_SERVER, FLUE_POINT_tcp_send, at_ps, CONN, (uint32_t)(SERVER_IS + 1 + offset), bytes, CLIENT_IS + 1,
        FLUE_TCP_ACK, 0, again);
}

void put_ack(struct trace_log *log, flue_ps at_ps, uint32_t offset)
{
    put(log, TRACE_SERVER, FLUE_POINT_tcp_receive, at_ps, CONN, CLIENT_IS + 1, 0, (uint32_t)(SERVER_IS + 1 + offset),
        FLUE_TCP_ACK, 0, 0);
}

char *printed(void (*print)(const struct trace_log *log, FILE *out), const struct trace_log *log)
{
    FILE *file = tmpfile();
    char *text;
    long length;

    assert_non_null(file);
    print(log, file);
    length = ftell(file);
    assert_true(length >= 0);
    rewind(file);
    text = calloc(1, (size_t)length + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)length, file), length);
    (void)fclose(file);
    return text;
}
