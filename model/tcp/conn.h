/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/conn.h - what the files of the engine share: the stack, the connection, and the functions between files. */
#ifndef FLUE_TCP_CONN_H
#define FLUE_TCP_CONN_H

#include <stdbool.h>

#include "flue/env.h"
#include "flue/tcp.h"
#include "flue/trace.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/timers.h"
#include "tcp/congestion.h"
#include "tcp/reassembly.h"
#include "tcp/rtt.h"
#include "tcp/send_queue.h"
#include "tcp/seq.h"

/* Flags of a connection. */
enum tcp_conn_flag {
    TCP_TIMESTAMPS = 1 << 0,   /* negotiated, RFC 7323 3 */
    TCP_SCALING = 1 << 1,      /* negotiated, RFC 7323 2 */
    TCP_NAGLE = 1 << 2,        /* RFC 9293 3.7.4 */
    TCP_FIN_QUEUED = 1 << 3,   /* the user has closed */
    TCP_FIN_SENT = 1 << 4,     /* SND.MAX lies behind our FIN */
    TCP_FIN_ACKED = 1 << 5,    /* SND.UNA too */
    TCP_PEER_FIN = 1 << 6,     /* RCV.NXT lies behind the peer's FIN */
    TCP_FIN_HELD = 1 << 7,     /* the peer's FIN came, at rcv_fin_seq, and data before it is missing */
    TCP_OUTPUT_ASKED = 1 << 8, /* EV_OUTPUT was raised and is not yet answered */
    TCP_ACK_NOW = 1 << 9,      /* an ACK must leave at the end of this call */
    TCP_IN_INPUT = 1 << 10,    /* flue_tcp_input() is running */
    TCP_TIMER_DUE = 1 << 11,   /* EV_TIMER was raised for the timer */
    TCP_ACK_DUE = 1 << 12,     /* EV_TIMER was raised for the delayed ACK */
    TCP_SYN_DUE = 1 << 13,     /* the first SYN waits for flue_tcp_output() */
    TCP_RESEND_UNA = 1 << 14,  /* the segment at SND.UNA is to be sent again, out of turn */
    TCP_TIMING = 1 << 15,      /* rtt_seq is being timed */
    TCP_FORCE = 1 << 16,       /* send what the window allows, however little (RFC 9293 3.8.6.2.1) */
    TCP_IMPORTING = 1 << 17,   /* between flue_tcp_import() and flue_tcp_start() */
    TCP_EXPORTED = 1 << 18,    /* only visits and flue_tcp_release() may follow */
    TCP_ENDING = 1 << 19       /* CLOSED was entered, EV_CLOSED is raised at the end of this call */
};

/* What the one timer of a connection means at present.  They exclude one another. */
enum tcp_timer_mode {
    TCP_TIMER_NONE,
    TCP_TIMER_RETRANSMIT,
    TCP_TIMER_PERSIST, /* RFC 9293 3.8.6.1 */
    TCP_TIMER_FIN_WAIT_2,
    TCP_TIMER_TIME_WAIT
};

/* const_flags and cached_flags of struct flue_tcp_state, by the interface's numbers. */
enum { TCP_CONST_TIMESTAMPS = 0x01, TCP_CONST_SCALING = 0x04, TCP_CACHED_NAGLE = 0x02 };

struct flue_tcp {
    const struct flue_env *env;
    struct timers *timers;
    const struct flue_trace *trace;
    struct flue_tcp_ops ops;
    void *owner;
    /* The timestamp clock at [tick_from_ps, tick_to_ps): saves a division per segment. */
    flue_ps tick_from_ps, tick_to_ps;
    uint32_t tick;
    uint16_t ip_id; /* of the next segment, below 0x8000; ip_id_base is added */
    uint8_t side;
    uint8_t own_wscale;
    struct hash_table table;
    struct pool conns;
    struct pool pieces;
    struct timer_fifo delayed_acks;
    struct rtt_bounds rtt_bounds;
    struct flue_hook list; /* of all connections, oldest first */
    uint64_t *listening;   /* one bit for each port; NULL: none listens */
    struct flue_tcp_params params;
    struct flue_tcp_totals totals;
};

/* The cache lines are in order of heat; a segment in sequence touches the first four. */
struct flue_tcp_conn {
    struct flue_tcp *stack;
    void *user;
    struct flue_tcp_tuple tuple;
    uint32_t flags; /* enum tcp_conn_flag */
    uint32_t snd_una, snd_nxt, snd_max;
    uint32_t snd_wnd; /* in bytes */
    uint32_t rcv_nxt;
    uint32_t rcv_adv;       /* right edge of the window ever offered */
    uint32_t last_ack_sent; /* RFC 7323 4.3 */
    uint32_t ts_recent;

    struct send_queue queue; /* first byte: snd_una */
    struct congestion congestion;
    uint32_t unread_bytes; /* handed up, not yet consumed */
    uint16_t mss_bytes;    /* payload of a full segment: options are subtracted */
    uint8_t state;         /* enum flue_tcp_state_id; written by tcp_enter() only */
    uint8_t ack_segments;  /* data segments not yet acknowledged */
    uint32_t ts_offset;    /* added to the stack's timestamp clock */

    struct rtt rtt;
    union {
        flue_ps rtt_sent_ps; /* with TCP_TIMING: when the byte before rtt_seq left */
        flue_ps import_ps;   /* with TCP_IMPORTING: the imported deadline */
    } moment;
    flue_ps last_ps; /* time never goes back within a connection */
    flue_ps last_sent_ps;
    uint32_t rtt_seq;
    uint32_t snd_wl1;
    uint32_t max_snd_wnd;
    uint8_t snd_wscale, rcv_wscale;
    uint8_t backoff;    /* doublings of the timeout */
    uint8_t timer_mode; /* enum tcp_timer_mode */

    struct timer timer;
    struct timer_fifo_entry delayed_ack;
    flue_ps ts_recent_ps; /* when ts_recent was taken */

    uint64_t segments_out, segments_in;
    uint32_t retransmits, timeouts;
    uint32_t rcv_buffer_bytes;
    uint16_t remote_mss_bytes;
    uint8_t ttl, tos;
    struct reassembly reassembly;
    struct flue_hook hook; /* stack->list */

    uint32_t id;
    uint32_t hash;
    uint32_t fast_retransmits, probes;
    uint32_t rcv_fin_seq;
    uint32_t total_rt_ticks; /* TotalRT: since SND.UNA advanced last (D-20) */
    uint32_t max_rt_ticks;
    uint8_t rt_count; /* expiries since SND.UNA advanced; in persist mode: probes of this round */
    uint8_t probe_round;
    /* Not used by the engine; they come with an import and leave with an export. */
    uint8_t user_priority, ka_probe_count, ka_probes;
    uint8_t reason; /* enum flue_tcp_reason, of the last change of state */
    uint16_t const_flags, cached_flags;
    uint32_t hash_value, rcv_indication_size;
    uint32_t ka_timeout, ka_interval, ka_delta;
    uint32_t flow_label;
};

_Static_assert(sizeof(struct flue_tcp_conn) <= 448, "a connection costs at most seven cache lines");

/* state.c: the only function that writes conn->state. */
void tcp_enter(struct flue_tcp_conn *conn, enum flue_tcp_state_id state, enum flue_tcp_reason reason, flue_ps now_ps);
/* Enters CLOSED, stops all timers and has EV_CLOSED raised at the end of the call. */
void tcp_end(struct flue_tcp_conn *conn, enum flue_tcp_reason reason, flue_ps now_ps);

/* engine.c */
struct flue_tcp_conn *tcp_conn_new(struct flue_tcp *stack, const struct flue_tcp_tuple *tuple, void *user, uint32_t id,
                                   flue_ps now_ps, flue_err *err);
uint32_t tcp_iss(const struct flue_tcp *stack, const struct flue_tcp_tuple *tuple, flue_ps now_ps);
/* Applies what the handshake, or an import, has settled about segment sizes. */
void tcp_set_mss(struct flue_tcp_conn *conn, uint32_t remote_mss_bytes);
uint32_t tcp_initial_window(const struct flue_tcp_conn *conn);
/* The last act of every call that may have ended the connection: raises EV_CLOSED; *conn may be gone afterwards. */
void tcp_raise_closed(struct flue_tcp_conn *conn);

/* handshake.c: a segment that belongs to no connection. */
void tcp_no_connection(struct flue_tcp *stack, const struct flue_frame *frame, flue_ps now_ps, int answer_rst);

/* segment.c */
flue_ps tcp_emit(struct flue_tcp_conn *conn, uint32_t seq, uint8_t flags, const struct flue_span *span, flue_ps now_ps,
                 bool again);
flue_ps tcp_emit_syn(struct flue_tcp_conn *conn, flue_ps now_ps, bool again);
flue_ps tcp_emit_ack(struct flue_tcp_conn *conn, flue_ps now_ps);
void tcp_emit_reset(struct flue_tcp_conn *conn, uint32_t seq, flue_ps now_ps);
void tcp_answer_reset(struct flue_tcp *stack, const struct flue_frame *frame, flue_ps now_ps);

/* output.c */
bool tcp_sendable(const struct flue_tcp_conn *conn);
/* Raises EV_OUTPUT if something can be sent and nobody has been told. */
void tcp_ask_output(struct flue_tcp_conn *conn, flue_ps now_ps);
void tcp_probe(struct flue_tcp_conn *conn, flue_ps now_ps);

/* timer.c */
void tcp_timer_arm(struct flue_tcp_conn *conn, enum tcp_timer_mode mode, flue_ps due_ps);
void tcp_timer_stop(struct flue_tcp_conn *conn);
/* Chooses between retransmission, persist and no timer after anything that bears on them; keeps a running one. */
void tcp_timer_settle(struct flue_tcp_conn *conn, flue_ps now_ps);
void tcp_timer_fire(struct timer *timer, flue_ps now_ps);
void tcp_delayed_ack_fire(struct timer_fifo_entry *entry, flue_ps now_ps);

/* handshake.c */
void tcp_input_syn_sent(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps);
/* Takes the options of the peer's SYN. */
void tcp_take_syn(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps);
/* The peer has acknowledged our SYN with `frame`. */
void tcp_established(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps);

/* ack.c */
/* Deals with an acknowledgement in SND.UNA <= ack <= SND.MAX and the window beside it. */
void tcp_acknowledge(struct flue_tcp_conn *conn, const struct flue_frame *frame, bool pure, flue_ps now_ps);
/* Takes the window beside an acceptable ACK, if it is not older than the one known.  advanced: it moved SND.UNA. */
void tcp_take_window(struct flue_tcp_conn *conn, const struct flue_frame *frame, bool advanced);

/* receive.c */
void tcp_take_data(struct flue_tcp_conn *conn, uint32_t seq, const struct flue_span *span, bool psh, bool fin,
                   flue_ps now_ps);
/* The window field's value; moves rcv_adv (RFC 9293 3.8.6.2.2, RFC 7323 2.3). */
uint16_t tcp_window(struct flue_tcp_conn *conn);

static inline flue_ps tcp_advance(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if (now_ps < conn->last_ps) {
        return conn->last_ps;
    }
    conn->last_ps = now_ps;
    return now_ps;
}

uint32_t tcp_clock_moved(struct flue_tcp *stack, flue_ps now_ps);

/* The stack's timestamp clock: ticks since time 0. */
static inline uint32_t tcp_clock(struct flue_tcp *stack, flue_ps now_ps)
{
    if (now_ps >= stack->tick_from_ps && now_ps < stack->tick_to_ps) {
        return stack->tick;
    }
    return tcp_clock_moved(stack, now_ps);
}

static inline flue_ps tcp_rto(const struct flue_tcp_conn *conn)
{
    return conn->backoff == 0 ? conn->rtt.rto_ps
                              : rtt_timeout(&conn->rtt, conn->backoff, conn->stack->params.rto_max_ps);
}

/* Bytes of the send queue between SND.UNA and SND.NXT: our SYN and FIN do not count. */
static inline uint32_t tcp_queued_sent(const struct flue_tcp_conn *conn)
{
    uint32_t sent = conn->snd_nxt - conn->snd_una;

    return sent > conn->queue.bytes ? (uint32_t)conn->queue.bytes : sent;
}

static inline void tcp_event(struct flue_tcp_conn *conn, const struct flue_tcp_event *event)
{
    conn->stack->ops.event(conn->stack->owner, conn, event);
}

static inline void tcp_event_plain(struct flue_tcp_conn *conn, enum flue_tcp_event_kind kind, flue_ps now_ps)
{
    tcp_event(conn,
              &(struct flue_tcp_event){.kind = kind, .reason = (enum flue_tcp_reason)conn->reason, .at_ps = now_ps});
}

#endif
