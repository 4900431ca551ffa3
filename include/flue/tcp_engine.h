/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/tcp_engine.h - the TCP engine (RFC 9293) as the boxes of a node see it.  One engine serves the host's software
 * path and the offload target, so that a connection can move between them; the sockets of flue/tcp.h stand on it too.
 * Its only sources of time, randomness and memory are its arguments.
 *
 * Time: every call takes now_ps, the virtual time of whoever runs it; it never goes back by more than the callers'
 * servers overlap, and the engine takes the later of now_ps and its own last now_ps for a connection.
 * Re-entrance: from inside a callback the owner may call flue_tcp_send(), flue_tcp_consumed() and flue_tcp_close() for
 * the same connection; from inside EV_TIMER also flue_tcp_timeout(), and from inside EV_CLOSED also flue_tcp_release();
 * nothing else. */
#ifndef FLUE_TCP_ENGINE_H
#define FLUE_TCP_ENGINE_H

#include "flue/base.h"
#include "flue/tcp.h" /* states, reasons, parameters, info: what a connection is like from outside */
#include "flue/wire.h"

FLUE_BEGIN_C

struct flue_env;
struct flue_trace;
struct timers;        /* model/base/timers.h */
struct flue_tcp;      /* one stack: opaque */
struct flue_tcp_conn; /* one connection: opaque */

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

/* Whether a frame belongs to the connection that its receiver calls by this name. */
static inline int flue_tcp_frame_is_of(const struct flue_frame *frame, const struct flue_ip *local_ip,
                                       const struct flue_ip *remote_ip, uint16_t local_port, uint16_t remote_port)
{
    return frame->src_port == remote_port && frame->dst_port == local_port &&
           flue_ip_equal(&frame->src_ip, remote_ip) && flue_ip_equal(&frame->dst_ip, local_ip);
}

/* What may change while a connection lives, and what the host may change of an offloaded one (the cached variables of
 * the interface).  Connections with equal settings share one copy. */
struct flue_tcp_settings {
    flue_ps keep_idle_ps, keep_interval_ps; /* >= 1 tick */
    flue_ps user_timeout_ps;      /* 0: the limit is a number of retransmissions; FLUE_PS_NEVER: there is none */
    flue_ps fin_wait_2_ps;        /* longest FIN-WAIT-2; FLUE_PS_NEVER: none, the user still reads (RFC 9293 3.6) */
    uint32_t rcv_buffer_bytes;    /* 1..1 GiB */
    uint32_t mss_bytes;           /* offered in a SYN, and the most that is sent; 88..65495 */
    uint32_t flow_label;          /* IPv6 */
    uint32_t rcv_indication_size; /* carried for the interface, not used by the engine */
    uint16_t cached_flags;        /* the same: bits of the interface that the engine does not know */
    uint8_t nagle, cork, keep_alive, keep_count, ttl, tos, congestion /* enum flue_tcp_congestion */, user_priority;
    uint8_t reserved[6]; /* 0 */
};

/* What an engine tells its owner; the members of struct flue_tcp_event that count stand after the name. */
enum flue_tcp_event_kind {
    FLUE_TCP_EV_CONNECTED, /* the handshake is done; on a listener's new connection too */
    FLUE_TCP_EV_DATA,     /* span: the next bytes in order; the owner must call flue_tcp_consumed() for them some day */
    FLUE_TCP_EV_ACKED,    /* bytes: the peer acknowledged that many bytes of the send queue */
    FLUE_TCP_EV_PEER_FIN, /* all data before it has been handed up */
    FLUE_TCP_EV_FIN_ACKED, /* our FIN has been acknowledged */
    FLUE_TCP_EV_URGENT,    /* bytes: from the next byte to be handed up to the end of urgent data (RFC 9293 3.8.5) */
    FLUE_TCP_EV_OUTPUT, /* there is something to transmit: call flue_tcp_output() when it is this connection's turn */
    FLUE_TCP_EV_TIMER,  /* a deadline has passed: call flue_tcp_timeout() from the owner's server, soon */
    FLUE_TCP_EV_CLOSED  /* reason; nothing more follows; the owner calls flue_tcp_release(), then or from inside it */
};

/* One event. */
struct flue_tcp_event {
    enum flue_tcp_event_kind kind; /* which of the others count */
    enum flue_tcp_reason reason;   /* CLOSED: why */
    uint32_t bytes;                /* ACKED, URGENT */
    flue_ps at_ps;                 /* virtual time */
    struct flue_span span;         /* DATA: borrowed until return, if it is memory */
    uint32_t psh;                  /* DATA: the segment carried PSH */
};

/* How much of a segment was sent before: `again` of output; 0: nothing. */
enum { FLUE_TCP_AGAIN = 1, FLUE_TCP_AGAIN_PARTLY = 2 };

/* What the owner of a stack does for it.  owner is the pointer given to flue_tcp_new(). */
struct flue_tcp_ops {
    /* A segment leaves.  The frame is borrowed until return; MAC addresses are the owner's to fill in.  again: 0:
     * nothing in it was sent before; FLUE_TCP_AGAIN: all of it; FLUE_TCP_AGAIN_PARTLY: its beginning.  The owner
     * charges its server and may advance at_ps for the next segment by returning the new virtual time (>= at_ps).  conn
     * is NULL for an RST that belongs to no connection. */
    flue_ps (*output)(void *owner, struct flue_tcp_conn *conn, struct flue_frame *frame, flue_ps at_ps, int again);

    /* Something happened.  EV_OUTPUT is raised once until flue_tcp_output() has been called. */
    void (*event)(void *owner, struct flue_tcp_conn *conn, const struct flue_tcp_event *event);

    /* A SYN for a listening port: return the user pointer of the new connection, NULL to refuse.  *settings holds the
     * stack's defaults and may be changed; *refuse_silently may be set to 1: then a refusal sends no RST.  The owner
     * sees the connection itself first in the output callback, with its SYN-ACK.  NULL: nothing is accepted. */
    void *(*accept)(void *owner, const struct flue_tcp_tuple *tuple, struct flue_tcp_settings *settings,
                    int *refuse_silently);

    /* Would accept say yes?  Asked before a SYN ends a connection in TIME-WAIT.  NULL: it would. */
    int (*may_accept)(void *owner, const struct flue_tcp_tuple *tuple);

    /* The first sequence number of a connection of that name.  NULL: RFC 9293 3.4.1's clock plus a function of
     * env->seed and the name. */
    uint32_t (*initial_seq)(void *owner, const struct flue_tcp_tuple *tuple, flue_ps now_ps);

    /* Bytes from seq on came out of order and will wait: the owner may store them and put the place into *span (same
     * length); their memory is borrowed until return.  NULL: spans are kept as they came. */
    void (*keep)(void *owner, struct flue_tcp_conn *conn, uint32_t seq, struct flue_span *span);

    /* An owner who finds what he gave as user by its tuple anyway: then the stack has no table of its own.  find: the
     * connection with that tuple, or NULL; own: user's connection is this one now, or NULL: it is being released.  He
     * releases all before flue_tcp_free().  Both, or neither. */
    struct flue_tcp_conn *(*find)(void *owner, const struct flue_tcp_tuple *tuple);
    void (*own)(void *owner, void *user, struct flue_tcp_conn *conn);
};

/* Makes a stack.  Borrows env, timers and trace (may be NULL) until flue_tcp_free(); copies params and ops.
 * side tells trace readers who runs it: 0 host, 1 target.  env->seed and side seed initial sequence numbers.
 * FLUE_OK: *out is owned by the caller.  Else *out is NULL: FLUE_ENOMEM; FLUE_EINVAL: a parameter is
 * out of its range, or ops lacks output or event. */
FLUE_CHECKED flue_err flue_tcp_new(const struct flue_env *env, struct timers *timers, const struct flue_trace *trace,
                                   const struct flue_tcp_params *params, const struct flue_tcp_ops *ops, void *owner,
                                   unsigned side, struct flue_tcp **out);
/* NULL does nothing.  Connections that are left are released without a word on the wire. */
void flue_tcp_free(struct flue_tcp *stack);

/* New parameters for a stack that lives: ack_every, delayed_ack_ps, sws_override_ps, max_retransmits,
 * dup_ack_threshold, and tick_ps, which may change only while there is no connection.  Others are not looked at.
 * FLUE_EINVAL: one is out of range, FLUE_ESTATE: there is a connection; nothing has changed. */
FLUE_CHECKED flue_err flue_tcp_retune(struct flue_tcp *stack, const struct flue_tcp_params *params);

/* The settings a connection of this stack has when nothing else is said. */
struct flue_tcp_settings flue_tcp_stack_settings(const struct flue_tcp *stack);

/* Active open (RFC 9293 3.10.1): sends SYN when output is called.  user: the owner's pointer; id: identity in traces;
 * settings: NULL for the stack's defaults.  FLUE_EEXIST: the tuple is in use.  FLUE_ENOMEM. */
FLUE_CHECKED flue_err flue_tcp_connect(struct flue_tcp *stack, const struct flue_tcp_tuple *tuple,
                                       const struct flue_tcp_settings *settings, void *user, uint32_t id,
                                       flue_ps now_ps, struct flue_tcp_conn **out);
/* Passive open on a local port, any local address, and its end.  FLUE_EEXIST, FLUE_ENOMEM. */
FLUE_CHECKED flue_err flue_tcp_listen(struct flue_tcp *stack, uint16_t port);
void flue_tcp_unlisten(struct flue_tcp *stack, uint16_t port);

/* The connection of that name, or NULL.  Constant time. */
struct flue_tcp_conn *flue_tcp_find_tuple(const struct flue_tcp *stack, const struct flue_tcp_tuple *tuple);

/* The connection a frame belongs to, or NULL.  Constant time. */
struct flue_tcp_conn *flue_tcp_find(struct flue_tcp *stack, const struct flue_frame *frame);

/* A segment came.  conn: what flue_tcp_find() returned; NULL: a SYN for a listener is accepted, anything else is
 * answered with RST if answer_rst (RFC 9293 3.10.7.1). */
void flue_tcp_input(struct flue_tcp *stack, struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps,
                    int answer_rst);

/* Pieces of data that wait behind a gap. */
uint32_t flue_tcp_pieces(const struct flue_tcp_conn *conn);
/* How far behind RCV.NXT the data of a frame reaches, as far as it lies in the window offered (before there is one: in
 * the receive buffer, if it comes with a SYN).  0: flue_tcp_input() will hand up and keep none of it. */
uint32_t flue_tcp_reach(const struct flue_tcp_conn *conn, const struct flue_frame *frame);
/* Bytes that came out of order and wait. */
uint32_t flue_tcp_reassembly_bytes(const struct flue_tcp_conn *conn);

/* Appends a span to the send queue; merged with the last one if it continues it.  Only before flue_tcp_close().
 * FLUE_ENOMEM: nothing was queued.  FLUE_ESTATE: the sending side is closed. */
FLUE_CHECKED flue_err flue_tcp_send(struct flue_tcp_conn *conn, const struct flue_span *span, flue_ps now_ps);

/* The byte before the end of the send queue is urgent: SND.UP (RFC 9293 3.8.5, 3.10.2). */
void flue_tcp_urgent(struct flue_tcp_conn *conn);

/* Makes up to max_segments segments through ops->output.  Returns 1 if more could be sent at once, else 0. */
int flue_tcp_output(struct flue_tcp_conn *conn, unsigned max_segments, flue_ps now_ps);

/* The user took bytes out of the receive buffer: the window opens, and an update is sent when RFC 9293 3.8.6.2.2 says
 * so. */
void flue_tcp_consumed(struct flue_tcp_conn *conn, uint32_t bytes, flue_ps now_ps);

/* Runs the deadlines of conn that are due (answer to EV_TIMER). */
void flue_tcp_timeout(struct flue_tcp_conn *conn, flue_ps now_ps);

/* 1: flue_tcp_timeout() would now repeat a segment or send a probe; 0: at most an ACK. */
int flue_tcp_timeout_sends(const struct flue_tcp_conn *conn, flue_ps now_ps);
/* Segments go to another next hop from now on (D-18): what was repeated, or probed, in vain over the old one is sent
 * again at once, and the repetitions that end a connection are counted anew (RFC 9293 3.8.3).  RTO stays backed off
 * until something is acknowledged (RFC 6298 5), and what has passed of TotalRT has passed (D-20). */
void flue_tcp_rerouted(struct flue_tcp_conn *conn, flue_ps now_ps);

/* FIN after all queued data (RFC 9293 3.10.4).  FLUE_ESTATE: closed already;
 * FLUE_ENOMEM: nothing has changed. */
FLUE_CHECKED flue_err flue_tcp_close(struct flue_tcp_conn *conn, flue_ps now_ps);
/* RST now (RFC 9293 3.10.5), then EV_CLOSED. */
void flue_tcp_abort(struct flue_tcp_conn *conn, flue_ps now_ps);
/* For an owner with rules of its own about RST and SYN (CH-221, CH-284).  An RST in any state, then EV_CLOSED unless
 * the connection was closed before.  An ACK that makes the peer show what it is, unless there were too many of them
 * lately (params.challenge_acks); suspect: unless an acceptable segment comes, keep-alive, on or off, begins within
 * five minutes.  And whether it still waits for that segment. */
void flue_tcp_reset(struct flue_tcp_conn *conn, flue_ps now_ps);
void flue_tcp_challenge(struct flue_tcp_conn *conn, int suspect, flue_ps now_ps);
int flue_tcp_suspects(const struct flue_tcp_conn *conn);
/* 1: flue_tcp_close() was called, here or before the connection came here. */
int flue_tcp_closed(const struct flue_tcp_conn *conn);
/* Sends a pending delayed ACK at once (CH-292: no ACK is owed by the old holder). */
void flue_tcp_flush_ack(struct flue_tcp_conn *conn, flue_ps now_ps);
/* Forgets the connection: timers removed, memory returned, nothing sent. */
void flue_tcp_release(struct flue_tcp_conn *conn);

/* The owner's pointer, as given when the connection was made. */
void *flue_tcp_user(const struct flue_tcp_conn *conn);

/* The settings in force, borrowed until they are changed; and new ones, which take effect at once (a larger MSS or a
 * smaller receive buffer as far as the peer has not been told otherwise).  FLUE_ENOMEM: the old ones stay. */
const struct flue_tcp_settings *flue_tcp_settings(const struct flue_tcp_conn *conn);
FLUE_CHECKED flue_err flue_tcp_change(struct flue_tcp_conn *conn, const struct flue_tcp_settings *settings,
                                      flue_ps now_ps);

/* An ICMP error that quotes a segment of ours. */
enum flue_tcp_icmp_kind {
    FLUE_TCP_ICMP_TOO_BIG,          /* mtu_bytes; 0: not told, RFC 1191 5 */
    FLUE_TCP_ICMP_UNREACHABLE_HARD, /* protocol or port */
    FLUE_TCP_ICMP_UNREACHABLE_SOFT  /* any other: net, host, source route (RFC 1122 4.2.3.9) */
};
/* The error and what it quotes. */
struct flue_tcp_icmp {
    enum flue_tcp_icmp_kind kind; /* what it says */
    struct flue_tcp_tuple tuple;  /* local: who sent the quoted segment, this stack */
    uint32_t seq;                 /* of the quoted segment */
    uint32_t mtu_bytes;           /* TOO_BIG: of the next hop */
    uint32_t quoted_bytes;        /* length of the quoted packet by its header; 0: unknown */
};
/* Believed only if it quotes a connection's outstanding sequence number (RFC 5927 4.1).  1: it was, 0: ignored. */
int flue_tcp_icmp(struct flue_tcp *stack, const struct flue_tcp_icmp *error, flue_ps now_ps);

/* The path MTU in force between two addresses, and setting it (cached variable PathMtu of the interface). */
uint32_t flue_tcp_path_mtu(const struct flue_tcp_conn *conn);
void flue_tcp_set_path_mtu(struct flue_tcp_conn *conn, uint32_t mtu_bytes, flue_ps now_ps);

/* How a connection is now; *out is overwritten. */
void flue_tcp_info(const struct flue_tcp_conn *conn, struct flue_tcp_info *out);
/* Its state alone. */
enum flue_tcp_state_id flue_tcp_state_of(const struct flue_tcp_conn *conn);

/* What the engine has counted over all of its connections; *out is overwritten. */
void flue_tcp_totals(const struct flue_tcp *stack, struct flue_tcp_totals *out);

/* Checks the invariants of one connection.  NULL: all hold; else a sentence, in static storage. */
const char *flue_tcp_check(const struct flue_tcp_conn *conn);

/* Chimney form, out: fills *state and stops the connection's timers; the pending ACK must have been flushed, and
 * nothing but flue_tcp_visit_*() and flue_tcp_release() may follow.  Until then flue_tcp_find() still finds the
 * connection, and flue_tcp_input() does nothing with it.  What the form loses stands in model/tcp/README.md.
 * FLUE_ESTATE: the TCP state is none that can be offloaded (CH-052: Established .. LastAck) and force is 0. */
FLUE_CHECKED flue_err flue_tcp_export(struct flue_tcp_conn *conn, flue_ps now_ps, int force,
                                      struct flue_tcp_state *state);
/* The same without an end: the connection goes on as if nobody had looked. */
void flue_tcp_peek(const struct flue_tcp_conn *conn, flue_ps now_ps, struct flue_tcp_state *state);
/* The cached variables of *state take effect at once, its command flags act (D-19, D-20, CH-153), and all of its flags
 * are stored.  FLUE_EINVAL (ttl 0, or a receive window above 1 GiB), FLUE_ENOMEM: nothing has changed. */
FLUE_CHECKED flue_err flue_tcp_update(struct flue_tcp_conn *conn, const struct flue_tcp_state *state, flue_ps now_ps);
/* The send queue from SndUna on, in order; and out-of-order data, ascending.  visit borrows the span. */
void flue_tcp_visit_send_queue(const struct flue_tcp_conn *conn, void (*visit)(void *arg, const struct flue_span *span),
                               void *arg);
void flue_tcp_visit_reassembly(const struct flue_tcp_conn *conn,
                               void (*visit)(void *arg, uint32_t seq, const struct flue_span *span), void *arg);

/* Chimney form, in: makes a connection in the given state.  The caller then appends the send queue from SndUna on with
 * flue_tcp_send(), says flue_tcp_close() if a FIN is queued but not yet sent (none of FinWait1, Closing, LastAck:
 * D-30), and ends with flue_tcp_start(), which arms the timers and raises EV_OUTPUT if there is something to send:
 * [SndNxt, SndMax) first, then what was never sent (behaviour 7.7).  unread_bytes: received data that the caller still
 * holds and will report by flue_tcp_consumed().  FLUE_EEXIST: the tuple is in use; FLUE_ENOMEM; FLUE_EINVAL:
 * not ESTABLISHED to TIME-WAIT, SndUna <= SndNxt <= SndMax broken, a shift above 14, RcvWnd above 2^31 - 1, CWnd 0, a
 * receive window above 1 GiB, ttl 0, or addresses of two families. */
FLUE_CHECKED flue_err flue_tcp_import(struct flue_tcp *stack, const struct flue_tcp_state *state, void *user,
                                      uint32_t id, uint32_t unread_bytes, flue_ps now_ps, struct flue_tcp_conn **out);
/* Whether an imported connection has all that may have to be sent again, [SndUna, SndMax) (CH-078).  Whoever has the
 * state from others asks before flue_tcp_start(), which takes it for granted. */
int flue_tcp_covered(const struct flue_tcp_conn *conn);
void flue_tcp_start(struct flue_tcp_conn *conn, flue_ps now_ps);

/* Image, out: every field of flue/state.def into *writer (model/base/image.h), in records whose names begin with
 * "tcp.".  Changes nothing; the caller then forgets the connection with flue_tcp_release().  FLUE_ESTATE: CLOSED, or on
 * its way through the other form.  FLUE_EINVAL: payload lies in memory; an image tells described spans only. */
struct image_writer;
struct image_reader;
FLUE_CHECKED flue_err flue_tcp_image_write(const struct flue_tcp_conn *conn, struct image_writer *writer,
                                           flue_ps now_ps);
/* In: makes the connection exactly as it was, from the records of *reader whose names begin with "tcp."; others are
 * passed over.  Moments are shifted by the difference between now_ps and the time when the image was taken.
 * flue_tcp_image_resume() must follow; it raises again what had been raised and not been answered, EV_OUTPUT and
 * EV_TIMER.  FLUE_EPARSE: image_reader_tell() tells why; FLUE_EEXIST, FLUE_ENOMEM; nothing is left behind. */
FLUE_CHECKED flue_err flue_tcp_image_read(struct flue_tcp *stack, struct image_reader *reader, void *user, uint32_t id,
                                          flue_ps now_ps, struct flue_tcp_conn **out);
void flue_tcp_image_resume(struct flue_tcp_conn *conn, flue_ps now_ps);

/* Folds what a connection is, with moments counted from now_ps and rounded to milliseconds, and without what it only
 * counts, into *digest: two that go on alike have equal digests. */
void flue_tcp_fold(const struct flue_tcp_conn *conn, flue_ps now_ps, uint64_t *digest);

FLUE_END_C

#endif
