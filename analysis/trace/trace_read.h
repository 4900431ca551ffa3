/* SPDX-License-Identifier: GPL-2.0-only */
/* trace/trace_read.h - the readers of the one event stream: sentences (explain) and the ladder.
 *
 * A log listens to a run and keeps its events in the order in which they were emitted.  trace_log_settle() then makes
 * it ready to be read: events in order of time, those of one moment as they were emitted; cost charges folded into the
 * event that follows them on the same node; events that name no connection given to the one whose sequence numbers they
 * bear; the two TCP engines of a node told apart.  Node 0 is the server, node 1 the client. */
#ifndef FLUE_TRACE_TRACE_READ_H
#define FLUE_TRACE_TRACE_READ_H

#include <stdbool.h>
#include <stdio.h>

#include "flue/trace.h"

FLUE_BEGIN_C

#define TRACE_LOG_LIMIT 5000000u /* events that a log keeps */
#define TRACE_NODES     3u
#define TRACE_ENDS      2u
#define TRACE_NONE      SIZE_MAX

enum trace_node { TRACE_SERVER, TRACE_CLIENT, TRACE_SECOND }; /* all clients are one; a second server of a run */

/* Whose end of every connection a node is. */
static inline unsigned trace_end(unsigned node)
{
    return node == TRACE_CLIENT ? TRACE_CLIENT : TRACE_SERVER;
}

/* Which engine ran a TCP event. */
enum trace_side { TRACE_BY_HOST, TRACE_BY_TARGET };

struct trace_log; /* opaque */

/* limit: events kept at most, 0: TRACE_LOG_LIMIT.  NULL when there is no memory. */
struct trace_log *trace_log_new(size_t limit);
void trace_log_free(struct trace_log *log); /* NULL does nothing */

/* What a run is given; borrows the log. */
struct flue_trace trace_log_listener(struct trace_log *log);

/* What the events alone do not tell, before the first comes: the number of the run's second server, 0 for none; and the
 * policy that is asked (borrowed), NULL for unknown. */
struct flue_policy;
void trace_log_world(struct trace_log *log, unsigned second_server, const struct flue_policy *policy);
const struct flue_policy *trace_log_policy(const struct trace_log *log);

/* Makes the log ready to be read.  More events need another call.  FLUE_ENOMEM. */
FLUE_CHECKED flue_err trace_log_settle(struct trace_log *log);

/* Events that came after the log was full (or memory ran out), and one line that says so; "" if it keeps all. */
uint64_t trace_log_left_out(const struct trace_log *log);
const char *trace_log_complaint(const struct trace_log *log);

/* After trace_log_settle(): events in order of time, without the charges. */
size_t trace_log_count(const struct trace_log *log);
const struct flue_event *trace_log_at(const struct trace_log *log, size_t place);
enum trace_side trace_log_side(const struct trace_log *log, size_t place);
/* The places in order of emission: trace_log_emitted(log, k) is the place of the k-th. */
size_t trace_log_emitted(const struct trace_log *log, size_t k);

/* The charges folded into an event, one by one; *cursor is TRACE_NONE for the first.  NULL: no more. */
const struct flue_event *trace_log_charge(const struct trace_log *log, size_t place, size_t *cursor);

/* A sequence number counted from the first SYN of its direction: what `from` (a node) sends on conn.  False, and the
 * number as it is, if that SYN is not in the log. */
bool trace_log_seq(const struct trace_log *log, uint32_t conn, unsigned from, uint32_t seq, uint32_t *out);

/* The number of an argument by its name, TRACE_NONE if the point has none; arg[] of the event holds it. */
size_t trace_arg(unsigned point, const char *name);

/* "server", "client", "second server", "host" ... : who does it and where it goes, "tcp" told by who holds; "" for "-".
 */
const char *trace_node_name(unsigned node);
const char *trace_actor(const struct trace_log *log, size_t place);
const char *trace_arrow(const struct trace_log *log, size_t place);

/* A text that is cut at its room. */
struct trace_text {
    char chars[1024];
    size_t length;
};
void trace_text_start(struct trace_text *text);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void trace_text_add(struct trace_text *text, const char *format, ...);

/* Adds an argument as people read it, by the unit that trace.def gives it. */
void trace_add_value(const struct trace_log *log, const struct flue_event *event, size_t argument,
                     struct trace_text *out);
/* Adds the sentence of an event. */
void trace_add_sentence(const struct trace_log *log, const struct flue_event *event, struct trace_text *out);
/* 12345 as "12,345". */
void trace_count(uint64_t value, char out[32]);

/* One line for each event. */
void trace_explain(const struct trace_log *log, FILE *out);

struct trace_ladder {
    uint32_t conn;  /* the connection to draw */
    unsigned lines; /* at most, heading included; 0: 30; at least 12 */
    bool plain;     /* ASCII only */
};
/* The life of one connection as a diagram for a terminal, at most 110 columns wide.  FLUE_ENOENT: the log has nothing
 * of it.  FLUE_ENOMEM. */
FLUE_CHECKED flue_err trace_draw_ladder(const struct trace_log *log, const struct trace_ladder *ladder, FILE *out);

FLUE_END_C

#endif
