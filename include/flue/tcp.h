/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/tcp.h - the TCP engine (RFC 9293).  One engine serves the host's software path and the offload target, so that a
 * connection can move between them.  Its only sources of time, randomness and memory are its arguments.
 *
 * Time: every call takes now_ps, the virtual time of whoever runs it; it never goes back by more than the callers'
 * servers overlap, and the engine takes the later of now_ps and its own last now_ps for a connection.
 * Re-entrance: from inside a callback the owner may call flue_tcp_send(), flue_tcp_consumed() and flue_tcp_close() for
 * the same connection; from inside EV_TIMER also flue_tcp_timeout(), and from inside EV_CLOSED also flue_tcp_release();
 * nothing else. */
#ifndef FLUE_TCP_H
#define FLUE_TCP_H

#include "flue/base.h"
#include "flue/wire.h"

FLUE_BEGIN_C

struct flue_env;
struct flue_trace;
struct timers;        /* model/base/timers.h */
struct flue_tcp;      /* one stack: opaque */
struct flue_tcp_conn; /* one connection: opaque */

/* RFC 9293 3.3.2; the numbers are those of TCP_OFFLOAD_CONNECTION_STATE. */
enum flue_tcp_state_id {
    FLUE_TCP_CLOSED,
    FLUE_TCP_LISTEN,
    FLUE_TCP_SYN_SENT,
    FLUE_TCP_SYN_RECEIVED,
    FLUE_TCP_ESTABLISHED,
    FLUE_TCP_FIN_WAIT_1,
    FLUE_TCP_FIN_WAIT_2,
    FLUE_TCP_CLOSE_WAIT,
    FLUE_TCP_CLOSING,
    FLUE_TCP_LAST_ACK,
    FLUE_TCP_TIME_WAIT
};
const char *flue_tcp_state_name(unsigned state); /* "ESTABLISHED"; "?" if unknown */

/* Why a state changed or a connection ended. */
enum flue_tcp_reason {
    FLUE_TCP_BY_OPEN,
    FLUE_TCP_BY_SEGMENT,
    FLUE_TCP_BY_CLOSE,
    FLUE_TCP_BY_RESET,   /* an acceptable RST came */
    FLUE_TCP_BY_ABORT,   /* flue_tcp_abort() */
    FLUE_TCP_BY_TIMEOUT, /* retransmission, persist or FIN-WAIT-2 limit */
    FLUE_TCP_BY_2MSL,
    FLUE_TCP_BY_IMPORT,
    FLUE_TCP_BY_EXPORT
};

/* A connection's name; host byte order. */
struct flue_tcp_tuple {
    struct flue_ip local_ip, remote_ip;
    uint16_t local_port, remote_port;
};

/* Whether two names are the same. */
static inline int flue_tcp_tuple_equal(const struct flue_tcp_tuple *a, const struct flue_tcp_tuple *b)
{
    return flue_ip_equal(&a->local_ip, &b->local_ip) && flue_ip_equal(&a->remote_ip, &b->remote_ip) &&
           a->local_port == b->local_port && a->remote_port == b->remote_port;
}

/* The name, as its receiver says it, of the connection a frame belongs to. */
static inline struct flue_tcp_tuple flue_tcp_tuple_of(const struct flue_frame *frame)
{
    struct flue_tcp_tuple tuple;

    tuple.local_ip = frame->dst_ip;
    tuple.remote_ip = frame->src_ip;
    tuple.local_port = frame->dst_port;
    tuple.remote_port = frame->src_port;
    return tuple;
}

/* Fixed for the life of a stack.  flue_tcp_defaults() fills in what is named here. */
struct flue_tcp_params {
    uint32_t mss_bytes;         /* largest segment taken: 1460; 88..65495 */
    uint32_t rcv_buffer_bytes;  /* window offered: 256 KiB; 1..1 GiB */
    uint32_t initial_window;    /* segments: 10 (RFC 6928); 1..64 */
    uint32_t ack_every;         /* data segments per ACK: 2 (RFC 5681 4.2); 1..255 */
    uint32_t dup_ack_threshold; /* 3 (RFC 5681 3.2); 1..255 */
    uint32_t max_retransmits;   /* of one segment before the connection ends: 15; 1..255 */
    uint32_t timestamps;        /* 1: offer RFC 7323 timestamps */
    uint32_t window_scaling;    /* 1: offer RFC 7323 window scaling */
    uint32_t nagle;             /* 0 */
    uint8_t ttl;                /* 64 */
    uint8_t tos;                /* 0 */
    uint16_t ip_id_base;        /* first IP id: 0 for a host, 0x8000 for a target (behaviour 13.1), range of 0x8000 */
    flue_ps delayed_ack_ps;     /* 40 ms; <= 500 ms (RFC 9293 3.8.6.3) */
    flue_ps rto_initial_ps;     /* 1 s (RFC 6298 2.1) */
    flue_ps rto_min_ps;         /* 200 ms; RFC 6298 2.4 asks for 1 s, widely used stacks take 200 ms */
    flue_ps rto_max_ps;         /* 60 s (RFC 6298 2.5) */
    flue_ps tick_ps;            /* timestamp and hand-over tick: 1 ms */
    flue_ps time_wait_ps;       /* 2 MSL: 60 s */
    flue_ps fin_wait_2_ps;      /* 120 s (decisions D-54) */
};
void flue_tcp_defaults(struct flue_tcp_params *params);

enum flue_tcp_event_kind {
    FLUE_TCP_EV_CONNECTED, /* the handshake is done; on a listener's new connection too */
    FLUE_TCP_EV_DATA,     /* span: the next bytes in order; the owner must call flue_tcp_consumed() for them some day */
    FLUE_TCP_EV_ACKED,    /* bytes: the peer acknowledged that many bytes of the send queue */
    FLUE_TCP_EV_PEER_FIN, /* all data before it has been handed up */
    FLUE_TCP_EV_FIN_ACKED, /* our FIN has been acknowledged */
    FLUE_TCP_EV_OUTPUT, /* there is something to transmit: call flue_tcp_output() when it is this connection's turn */
    FLUE_TCP_EV_TIMER,  /* a deadline has passed: call flue_tcp_timeout() from the owner's server, soon */
    FLUE_TCP_EV_CLOSED  /* reason; nothing more follows; the owner calls flue_tcp_release(), then or from inside it */
};

struct flue_tcp_event {
    enum flue_tcp_event_kind kind;
    enum flue_tcp_reason reason;
    uint32_t bytes;
    flue_ps at_ps; /* virtual time */
    struct flue_span span;
    uint32_t psh; /* DATA: the segment carried PSH */
};

/* What the owner of a stack does for it.  owner is the pointer given to flue_tcp_new(). */
struct flue_tcp_ops {
    /* A segment leaves.  The frame is borrowed until return; MAC addresses are the owner's to fill in.  again: some of
     * its bytes were sent before.  The owner charges its server and may advance at_ps for the next segment by
     * returning the new virtual time (>= at_ps).  conn is NULL for an RST that belongs to no connection. */
    flue_ps (*output)(void *owner, struct flue_tcp_conn *conn, struct flue_frame *frame, flue_ps at_ps, int again);

    /* Something happened.  EV_OUTPUT is raised once until flue_tcp_output() has been called. */
    void (*event)(void *owner, struct flue_tcp_conn *conn, const struct flue_tcp_event *event);

    /* A SYN for a listening port: return the user pointer of the new connection, NULL to refuse with RST.  The owner
     * sees the connection itself first in the output callback, with its SYN-ACK.  NULL: nothing is accepted. */
    void *(*accept)(void *owner, const struct flue_tcp_tuple *tuple);
};

/* Makes a stack.  Borrows env, timers and trace (may be NULL) until flue_tcp_free(); copies params and ops.
 * side tells trace readers who runs it: 0 host, 1 target.  env->seed and side seed initial sequence numbers.
 * FLUE_OK: *out is owned by the caller.  FLUE_ENOMEM, FLUE_EINVAL: *out is NULL. */
FLUE_CHECKED flue_err flue_tcp_new(const struct flue_env *env, struct timers *timers, const struct flue_trace *trace,
                                   const struct flue_tcp_params *params, const struct flue_tcp_ops *ops, void *owner,
                                   unsigned side, struct flue_tcp **out);
/* NULL does nothing.  Connections that are left are released without a word on the wire. */
void flue_tcp_free(struct flue_tcp *stack);

/* Active open (RFC 9293 3.10.1): sends SYN when output is called.  user: the owner's pointer; id: identity in traces.
 * FLUE_EEXIST: the tuple is in use.  FLUE_ENOMEM. */
FLUE_CHECKED flue_err flue_tcp_connect(struct flue_tcp *stack, const struct flue_tcp_tuple *tuple, void *user,
                                       uint32_t id, flue_ps now_ps, struct flue_tcp_conn **out);
/* Passive open on a local port, any local address.  FLUE_EEXIST, FLUE_ENOMEM. */
FLUE_CHECKED flue_err flue_tcp_listen(struct flue_tcp *stack, uint16_t port);

/* The connection a frame belongs to, or NULL.  Constant time. */
struct flue_tcp_conn *flue_tcp_find(const struct flue_tcp *stack, const struct flue_frame *frame);

/* A segment came.  conn: what flue_tcp_find() returned; NULL: a SYN for a listener is accepted, anything else is
 * answered with RST if answer_rst (RFC 9293 3.10.7.1). */
void flue_tcp_input(struct flue_tcp *stack, struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps,
                    int answer_rst);

/* Appends a span to the send queue; merged with the last one if it continues it.  Only before flue_tcp_close().
 * FLUE_ENOMEM: nothing was queued.  FLUE_ESTATE: the sending side is closed. */
FLUE_CHECKED flue_err flue_tcp_send(struct flue_tcp_conn *conn, const struct flue_span *span, flue_ps now_ps);

/* Makes up to max_segments segments through ops->output.  Returns 1 if more could be sent at once, else 0. */
int flue_tcp_output(struct flue_tcp_conn *conn, unsigned max_segments, flue_ps now_ps);

/* The user took bytes out of the receive buffer: the window opens, and an update is sent when RFC 9293 3.8.6.2.2 says
 * so. */
void flue_tcp_consumed(struct flue_tcp_conn *conn, uint32_t bytes, flue_ps now_ps);

/* Runs the deadlines of conn that are due (answer to EV_TIMER). */
void flue_tcp_timeout(struct flue_tcp_conn *conn, flue_ps now_ps);

/* FIN after all queued data (RFC 9293 3.10.4).  FLUE_ESTATE: closed already. */
FLUE_CHECKED flue_err flue_tcp_close(struct flue_tcp_conn *conn, flue_ps now_ps);
/* RST now (RFC 9293 3.10.5), then EV_CLOSED. */
void flue_tcp_abort(struct flue_tcp_conn *conn, flue_ps now_ps);
/* Sends a pending delayed ACK at once (CH-292: no ACK is owed by the old holder). */
void flue_tcp_flush_ack(struct flue_tcp_conn *conn, flue_ps now_ps);
/* Forgets the connection: timers removed, memory returned, nothing sent. */
void flue_tcp_release(struct flue_tcp_conn *conn);

void *flue_tcp_user(const struct flue_tcp_conn *conn);

struct flue_tcp_info {
    struct flue_tcp_tuple tuple;
    enum flue_tcp_state_id state;
    uint32_t snd_una, snd_nxt, snd_max, snd_wnd, rcv_nxt, rcv_wnd;
    uint32_t cwnd_bytes, ssthresh_bytes, mss_bytes;
    flue_ps srtt_ps, rttvar_ps, rto_ps; /* 0: no sample yet */
    uint64_t queued_bytes;              /* send queue from snd_una on */
    uint64_t unread_bytes;              /* handed up, not yet consumed */
    uint64_t reassembly_bytes;
    uint64_t segments_out, segments_in, retransmits, timeouts, fast_retransmits, probes;
    uint8_t snd_wscale, rcv_wscale;
    uint8_t backoff;
    uint8_t in_recovery;
    uint8_t ack_pending;
};
void flue_tcp_info(const struct flue_tcp_conn *conn, struct flue_tcp_info *out);

struct flue_tcp_totals {
    uint64_t connections; /* live now */
    uint64_t segments_out, segments_in, data_out, data_in, retransmits, timeouts, fast_retransmits, probes, resets_out;
    uint64_t pool_objects_live; /* connections, spans, reassembly pieces: 0 when all are released */
};
void flue_tcp_totals(const struct flue_tcp *stack, struct flue_tcp_totals *out);

/* The state that crosses the interface: one field per line of state.def. */
struct flue_tcp_state {
    struct flue_tcp_tuple tuple;
#define FLUE_STATE(class_, name, type, unit, member, since) type name;
#include "flue/state.def"
#undef FLUE_STATE
};
#define FLUE_STATE_NO_TIMER UINT32_MAX

/* Chimney form, out: fills *state and stops the connection's timers; the pending ACK must have been flushed, and
 * nothing but flue_tcp_visit_*() and flue_tcp_release() may follow.  Until then flue_tcp_find() still finds the
 * connection, and flue_tcp_input() does nothing with it.  What the form loses stands in model/tcp/README.md.
 * FLUE_ESTATE: the TCP state is none that can be offloaded (CH-052: Established .. LastAck) and force is 0. */
FLUE_CHECKED flue_err flue_tcp_export(struct flue_tcp_conn *conn, flue_ps now_ps, int force,
                                      struct flue_tcp_state *state);
/* The send queue from SndUna on, in order; and out-of-order data, ascending.  visit borrows the span. */
void flue_tcp_visit_send_queue(const struct flue_tcp_conn *conn, void (*visit)(void *arg, const struct flue_span *span),
                               void *arg);
void flue_tcp_visit_reassembly(const struct flue_tcp_conn *conn,
                               void (*visit)(void *arg, uint32_t seq, const struct flue_span *span), void *arg);

/* Chimney form, in: makes a connection in the given state.  The caller then appends the send queue from SndUna on with
 * flue_tcp_send(), says flue_tcp_close() if a FIN is queued but not yet sent (none of FinWait1, Closing, LastAck:
 * D-30), and ends with flue_tcp_start(), which arms the timers and raises EV_OUTPUT if there is something to send:
 * [SndNxt, SndMax) first, then what was never sent (behaviour 7.7).  unread_bytes: received data that the caller still
 * holds and will report by flue_tcp_consumed().  FLUE_EEXIST, FLUE_ENOMEM, FLUE_EINVAL (SndUna <= SndNxt <= SndMax
 * broken). */
FLUE_CHECKED flue_err flue_tcp_import(struct flue_tcp *stack, const struct flue_tcp_state *state, void *user,
                                      uint32_t id, uint32_t unread_bytes, flue_ps now_ps, struct flue_tcp_conn **out);
void flue_tcp_start(struct flue_tcp_conn *conn, flue_ps now_ps);

FLUE_END_C

#endif
