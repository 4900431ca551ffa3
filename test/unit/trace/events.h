/* SPDX-License-Identifier: GPL-2.0-only */
/* Events made by hand. */
#ifndef FLUE_TEST_UNIT_TRACE_EVENTS_H
#define FLUE_TEST_UNIT_TRACE_EVENTS_H

#include "trace/trace_read.h"

#define CONN      7u
#define SERVER_IS UINT32_C(0xFFFFFC00) /* initial sequence numbers: the server's wraps after 1,024 bytes */
#define CLIENT_IS UINT32_C(0x00001000)

/* Emits one event of a node. */
void put(struct trace_log *log, unsigned node, unsigned point, flue_ps at_ps, uint32_t conn, int64_t a, int64_t b,
         int64_t c, int64_t d, int64_t e, int64_t f);

/* The handshake of CONN, opened by the client at 0; the server's side names no connection before it is open. */
void put_handshake(struct trace_log *log);

/* A data segment of the server, offset counted from the first byte of data. */
void put_data(struct trace_log *log, flue_ps at_ps, uint32_t offset, uint32_t bytes, int again);
void put_ack(struct trace_log *log, flue_ps at_ps, uint32_t offset);

/* What a reader wrote to a stream; to be freed. */
char *printed(void (*print)(const struct trace_log *log, FILE *out), const struct trace_log *log);

#endif
