/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/trace.h - the one event stream.  Every trace point stands in trace.def; --explain, the ladder and the tests
 * read the same events, so they cannot disagree.  A point that nobody listens to costs one test. */
#ifndef FLUE_TRACE_H
#define FLUE_TRACE_H

#include "flue/base.h"

FLUE_BEGIN_C

/* The points, in the order of trace.def; FLUE_POINT_COUNT of them. */
enum flue_point {
#define FLUE_POINT(id, actor, arrow, ref, args, sentence) FLUE_POINT_##id,
#include "flue/trace.def"
#undef FLUE_POINT
    FLUE_POINT_COUNT
};

/* At most so many arguments in an event. */
#define FLUE_TRACE_ARGS 6

/* No connection is meant: the event belongs to a node as a whole. */
#define FLUE_NO_CONN UINT32_MAX

/* One event. */
struct flue_event {
    flue_ps at_ps;                /* virtual time of whoever tells it */
    int64_t arg[FLUE_TRACE_ARGS]; /* named and given units by trace.def */
    uint32_t conn;                /* identity of the connection within the run, or FLUE_NO_CONN */
    uint16_t point;               /* enum flue_point */
    uint16_t node;                /* number of the node it happened in */
};

/* Borrowed by every box of a node.  emit borrows the event until it returns and must not call back into the model. */
struct flue_trace {
    void *ctx;                                               /* handed back in the call */
    void (*emit)(void *ctx, const struct flue_event *event); /* NULL: nobody listens */
    uint16_t node;                                           /* goes into every event */
};

/* A line of trace.def. */
struct flue_point_info {
    const char *id;       /* name in trace.def */
    const char *actor;    /* app, host, ndis, target, wire */
    const char *arrow;    /* where it goes: an actor, or "-" for an event within one */
    const char *ref;      /* RFC section, page of the interface documentation, or rule id */
    const char *args;     /* "name:unit name:unit ..." */
    const char *sentence; /* what happened, with {name} for the arguments */
};
/* What trace.def says of a point; static storage; NULL for an unknown number. */
const struct flue_point_info *flue_point_info(unsigned point);

/* Hands one event to trace's listener, which there must be; use the macros below. */
static inline void flue_trace_emit(const struct flue_trace *trace, unsigned point, flue_ps at_ps, uint32_t conn,
                                   int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f)
{
    struct flue_event event;

    event.at_ps = at_ps;
    event.arg[0] = a;
    event.arg[1] = b;
    event.arg[2] = c;
    event.arg[3] = d;
    event.arg[4] = e;
    event.arg[5] = f;
    event.conn = conn;
    event.point = (uint16_t)point;
    event.node = trace->node;
    trace->emit(trace->ctx, &event);
}

/* flue_trace6(trace, id, at_ps, conn, a..f): trace may be NULL or have no listener.  With fewer arguments the others
 * are 0. */
#define flue_trace6(trace, id, at_ps, conn, a, b, c, d, e, f)                                                          \
    do {                                                                                                               \
        if ((trace) != NULL && (trace)->emit != NULL)                                                                  \
            flue_trace_emit((trace), FLUE_POINT_##id, (at_ps), (conn), (int64_t)(a), (int64_t)(b), (int64_t)(c),       \
                            (int64_t)(d), (int64_t)(e), (int64_t)(f));                                                 \
    } while (0)
#define flue_trace0(trace, id, at_ps, conn)          flue_trace6(trace, id, at_ps, conn, 0, 0, 0, 0, 0, 0)
#define flue_trace1(trace, id, at_ps, conn, a)       flue_trace6(trace, id, at_ps, conn, a, 0, 0, 0, 0, 0)
#define flue_trace2(trace, id, at_ps, conn, a, b)    flue_trace6(trace, id, at_ps, conn, a, b, 0, 0, 0, 0)
#define flue_trace3(trace, id, at_ps, conn, a, b, c) flue_trace6(trace, id, at_ps, conn, a, b, c, 0, 0, 0)

FLUE_END_C

#endif
