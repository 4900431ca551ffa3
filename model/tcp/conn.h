/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/conn.h - what the files of the engine share: the stack, the connection, and the functions between files. */
#ifndef FLUE_TCP_CONN_H
#define FLUE_TCP_CONN_H

#include <stdbool.h>

#include "flue/env.h"
#include "flue/tcp_engine.h"
#include "flue/trace.h"
#include "base/hash.h"
#include "base/pool.h"
#include "base/timers.h"
#include "tcp/cc.h"
#include "tcp/reassembly.h"
#include "tcp/rtt.h"
#include "tcp/sack_report.h"
#include "tcp/scoreboard.h"
#include "tcp/send_queue.h"
#include "tcp/seq.h"

/* Flags of a connection. */
enum tcp_conn_flag {
    TCP_TIMESTAMPS = 1 << 0,   /* negotiated, RFC 7323 3 */
    TCP_SCALING = 1 << 1,      /* negotiated, RFC 7323 2 */
    TCP_SACK = 1 << 2,         /* negotiated, RFC 2018 2 */
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
    TCP_ENDING = 1 << 19,      /* CLOSED was entered, EV_CLOSED is raised at the end of this call */
    TCP_PASSIVE = 1 << 20,     /* opened by a peer's SYN: SYN-RECEIVED falls back to LISTEN */
    TCP_SOFT_ERROR = 1 << 21,  /* the network said that the peer is unreachable (RFC 9293 3.9.2.2) */
    TCP_RECOVER = 1 << 22,     /* active->recover is valid: a loss was noticed once */
    TCP_PARTIAL = 1 << 23,     /* the first partial acknowledgement of this recovery has come (RFC 6582) */
    TCP_ECN = 1 << 24,         /* negotiated, RFC 3168 6.1.1 */
    TCP_ECE_ECHO = 1 << 25,    /* a CE mark came, and no CWR since */
    TCP_CWR_DUE = 1 << 26,     /* the next new segment tells that the window was reduced */
    TCP_URGENT_OUT = 1 << 27,  /* SND.UP is valid and ahead of SND.UNA */
    TCP_URGENT_IN = 1 << 28,   /* RCV.UP is valid and ahead of RCV.NXT */
    TCP_SYN_OUT = 1 << 29,     /* FIN-WAIT-1 came straight from SYN-RECEIVED: SND.UNA is our SYN */
    TCP_SUSPECT = 1 << 30      /* an RST was challenged, and nothing acceptable has come since */
};

#define TCP_SUSPECT_PS (300 * FLUE_PS_PER_S) /* so long after a challenge keep-alive begins (behaviour 15.5) */

/* What the one timer of a connection means at present.  They exclude one another. */
enum tcp_timer_mode {
    TCP_TIMER_NONE,
    TCP_TIMER_RETRANSMIT,
    TCP_TIMER_PERSIST, /* RFC 9293 3.8.6.1 */
    TCP_TIMER_FIN_WAIT_2,
    TCP_TIMER_TIME_WAIT,
    TCP_TIMER_KEEP_ALIVE /* RFC 9293 3.8.4 */
};

/* const_flags and cached_flags of struct flue_tcp_state, by the interface's numbers. */
enum { TCP_CONST_TIMESTAMPS = 0x01, TCP_CONST_SACK = 0x02, TCP_CONST_SCALING = 0x04 };
enum {
    TCP_CACHED_KEEP_ALIVE = 0x01,
    TCP_CACHED_NAGLE = 0x02,
    TCP_CACHED_KEEP_ALIVE_RESTART = 0x04, /* commands: they act when an update comes, and are stored like any bit */
    TCP_CACHED_MAX_RT_RESTART = 0x08,
    TCP_CACHED_UPDATE_RCV_WND = 0x10
};

/* What connections between two addresses have in common: the path MTU belongs to them (RFC 1191 3, RFC 8201 5.2). */
struct tcp_path {
    struct flue_ip local_ip, remote_ip;
    flue_ps lowered_ps; /* when an ICMP error lowered mtu_bytes; FLUE_PS_NEVER: none did */
    uint32_t mtu_bytes;
    uint32_t users;
    uint32_t hash;
    uint32_t v6; /* 1: an IPv6 path */
};

/* Settings shared by all connections that have the same. */
struct tcp_shared {
    struct flue_tcp_settings values;
    uint32_t users;
    uint32_t hash;
};

/* What a connection needs only while something is under way: data or an ACK. */
struct tcp_active {
    struct flue_tcp_conn *conn;
    struct timer_fifo_entry delayed_ack;
    struct send_queue queue; /* first byte: snd_una */
    flue_ps rtt_sent_ps;     /* with TCP_TIMING: when the byte before rtt_seq left */
    uint32_t rtt_seq;
    uint32_t rcv_fin_seq;    /* with TCP_FIN_HELD */
    uint32_t unacked_bytes;  /* RCV.NXT lies so far behind what we acknowledged last (RFC 7323 4.3) */
    uint32_t total_rt_ticks; /* TotalRT: since SND.UNA advanced last (D-20) */
    struct reassembly reassembly;
    struct sack_report report;
    uint32_t recover; /* RFC 6582; with TCP_RECOVER, else 0.  Of an idle connection it is SND.UNA */
    struct scoreboard board;
    struct cc_epoch epoch;
};

/* What most connections never have: errors counted, urgent data, what the interface alone knows.  Once a connection has
 * one it keeps it; those of a stack are found in a table, so that nobody else pays for them. */
struct tcp_rare {
    struct flue_tcp_conn *conn;
    uint32_t answers; /* ANSWERS_* of input.c: how many useless segments were answered in this second */
    uint32_t retransmits;
    uint32_t snd_up, rcv_up; /* RFC 9293 3.8.5: behind the urgent data; with TCP_URGENT_OUT, TCP_URGENT_IN */
    uint16_t timeouts, fast_retransmits, probes, keep_alives, dsacks_in, challenge_acks;
    uint16_t const_flags; /* bits of the interface that the engine does not know */
};

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
    uint8_t timer_kind;         /* of the connections' timers */
    uint32_t challenges;        /* sent since challenges_from_ps */
    flue_ps challenges_from_ps; /* RFC 5961 7 */
    struct hash_table table;    /* of connections; empty with ops.find */
    /* What was found last, and is likely to be wanted next; NULL: nothing, or it is gone. */
    struct flue_tcp_conn *latest; /* for a frame */
    struct tcp_path *latest_path;
    struct tcp_shared *latest_settings;
    struct hash_table paths, settings, rares;
    struct pool conns, actives, pieces, ranges, path_pool, settings_pool, rare_pool;
    struct timer_fifo delayed_acks;
    struct rtt_bounds rtt_bounds;
    struct tcp_active idle; /* what connection without one of its own point to: empty, never written */
    struct tcp_rare none;   /* the same for what is rare */
    struct tcp_rare vain;   /* what there was no memory to count, of all together; of it only .answers is read */
    uint64_t *listening;    /* one bit for each port; NULL: none listens */
    struct flue_tcp_params params;
    struct flue_tcp_totals totals;
};

/* Everything an idle connection is, in order of heat: three and a quarter cache lines. */
struct flue_tcp_conn {
    struct flue_tcp *stack;
    void *user;
    struct tcp_path *path;
    const struct flue_tcp_settings *settings; /* values of a struct tcp_shared */
    struct tcp_active *active;                /* &stack->idle if nothing is under way */
    uint16_t local_port, remote_port;
    uint32_t flags; /* enum tcp_conn_flag */
    uint32_t snd_una, snd_nxt, snd_max;
    uint32_t snd_wnd; /* in bytes */

    uint32_t rcv_nxt;
    uint32_t rcv_adv; /* right edge of the window ever offered */
    uint32_t ts_recent;
    uint32_t unread_bytes; /* handed up, not yet consumed */
    struct cc cc;
    uint32_t ts_offset; /* added to the stack's timestamp clock */
    uint32_t snd_wl1;
    uint32_t max_snd_wnd;
    uint16_t mss_bytes;   /* payload of a full segment: timestamps are subtracted */
    uint16_t mtu_bytes;   /* path->mtu_bytes when mss_bytes was computed */
    uint8_t state;        /* enum flue_tcp_state_id; written by tcp_enter() only */
    uint8_t ack_segments; /* data segments not yet acknowledged */
    uint8_t dup_acks;
    uint8_t recovery; /* enum flue_tcp_recovery */
    flue_ps last_ps;  /* time never goes back within a connection */
    /* .mode: enum tcp_timer_mode; .doublings: of the timeout; .count: expiries since SND.UNA advanced, in persist mode
     * probes of this round */
    struct lean_timer timer;

    flue_ps last_sent_ps; /* with TCP_IMPORTING: the imported deadline */
    flue_ps last_received_ps;
    struct rtt rtt;
    flue_ps ts_recent_ps; /* when ts_recent was taken */
    uint32_t segments_out, segments_in;
    uint32_t id;
    uint32_t hash_value; /* carried for the interface */
    uint16_t remote_mss_bytes;
    uint8_t snd_wscale, rcv_wscale;
    uint8_t probe_round;
    uint8_t ka_probes; /* keep-alive probes without an answer */
    uint8_t reason;    /* enum flue_tcp_reason, of the last change of state */
    uint8_t has_rare;  /* 1: stack->rares holds a struct tcp_rare of it */
};

_Static_assert(sizeof(struct flue_tcp_conn) <= 208, "an idle connection has grown");
_Static_assert(sizeof(struct tcp_active) <= 256, "and what is under way at most four more");
_Static_assert(sizeof(struct tcp_rare) <= 40, "what is rare is small as well");

/* state.c: the only function that writes conn->state. */
void tcp_enter(struct flue_tcp_conn *conn, enum flue_tcp_state_id state, enum flue_tcp_reason reason, flue_ps now_ps);
/* Enters CLOSED, stops all timers and has EV_CLOSED raised at the end of the call. */
void tcp_end(struct flue_tcp_conn *conn, enum flue_tcp_reason reason, flue_ps now_ps);

/* engine.c */
uint32_t tcp_hash(const struct flue_tcp_tuple *tuple);
struct flue_tcp_conn *tcp_conn_new(struct flue_tcp *stack, const struct flue_tcp_tuple *tuple,
                                   const struct flue_tcp_settings *settings, void *user, uint32_t id, flue_ps now_ps,
                                   flue_err *err);
uint32_t tcp_initial_seq(const struct flue_tcp *stack, const struct flue_tcp_tuple *tuple, flue_ps now_ps);
/* The last act of every call that may have ended the connection: raises EV_CLOSED; *conn may be gone afterwards. */
void tcp_raise_closed(struct flue_tcp_conn *conn);
/* Makes the connection's own struct tcp_active.  False: no memory. */
bool tcp_activate_new(struct flue_tcp_conn *conn);
void tcp_rest_now(struct flue_tcp_conn *conn);

/* rare.c */
/* The connection's own, made if it has none; NULL: no memory. */
struct tcp_rare *tcp_rare_need(struct flue_tcp_conn *conn);
/* The same for what is only counted: never NULL. */
struct tcp_rare *tcp_rare_count(struct flue_tcp_conn *conn);
struct tcp_rare *tcp_rare_find(const struct flue_tcp_conn *conn);
/* No urgent data is under way any more. */
void tcp_rare_rest(struct flue_tcp_conn *conn);
void tcp_rare_drop(struct flue_tcp_conn *conn);

/* path.c: paths and settings, shared and counted.  NULL: no memory. */
struct tcp_path *tcp_path_get(struct flue_tcp *stack, const struct flue_ip *local_ip, const struct flue_ip *remote_ip);
void tcp_path_put(struct flue_tcp *stack, struct tcp_path *path);
const struct flue_tcp_settings *tcp_settings_get(struct flue_tcp *stack, const struct flue_tcp_settings *values);
void tcp_settings_put(struct flue_tcp *stack, const struct flue_tcp_settings *values);
/* Payload of a full segment by the path MTU of now, which another connection of the path may have changed. */
uint16_t tcp_mss(const struct flue_tcp_conn *conn);
/* Applies what the handshake, an import, the settings and the path have settled about segment sizes. */
void tcp_set_mss(struct flue_tcp_conn *conn);
/* What a SYN offers. */
uint16_t tcp_own_mss(const struct flue_tcp_conn *conn);
uint32_t tcp_initial_window(const struct flue_tcp_conn *conn);

/* handshake.c: a segment that belongs to no connection.  after: the new connection's ISS lies behind it, if after_valid
 * (RFC 9293 3.10.7.4 for TIME-WAIT). */
bool tcp_listens(const struct flue_tcp *stack, uint16_t port);
void tcp_no_connection(struct flue_tcp *stack, const struct flue_frame *frame, flue_ps now_ps, int answer_rst,
                       bool after_valid, uint32_t after);

/* segment.c */
/* again: as in struct flue_tcp_ops. */
flue_ps tcp_emit(struct flue_tcp_conn *conn, uint32_t seq, uint8_t flags, const struct flue_span *span, flue_ps now_ps,
                 int again);
flue_ps tcp_emit_syn(struct flue_tcp_conn *conn, flue_ps now_ps, bool again);
flue_ps tcp_emit_ack(struct flue_tcp_conn *conn, flue_ps now_ps);
flue_ps tcp_emit_keep_alive(struct flue_tcp_conn *conn, flue_ps now_ps);
/* SACK blocks that a segment of this connection can carry. */
unsigned tcp_sack_room(const struct flue_tcp_conn *conn);
void tcp_emit_reset(struct flue_tcp_conn *conn, uint32_t seq, flue_ps now_ps);
void tcp_answer_reset(struct flue_tcp *stack, const struct flue_frame *frame, flue_ps now_ps);

/* output.c */
bool tcp_sendable(const struct flue_tcp_conn *conn);
/* Raises EV_OUTPUT if something can be sent and nobody has been told. */
void tcp_ask_output(struct flue_tcp_conn *conn, flue_ps now_ps);
void tcp_probe(struct flue_tcp_conn *conn, flue_ps now_ps);

/* timer.c */
void tcp_timer_arm(struct flue_tcp_conn *conn, enum tcp_timer_mode mode, flue_ps due_ps);
/* Arms the retransmission timer: RTO from now, or less if the user's patience ends before. */
void tcp_timer_retransmit(struct flue_tcp_conn *conn, flue_ps now_ps);
/* The user's patience has changed: the running timer expires no later than it ends. */
void tcp_timer_patience(struct flue_tcp_conn *conn, flue_ps now_ps);
void tcp_timer_stop(struct flue_tcp_conn *conn);
/* (Re-)starts the limit of FIN-WAIT-2, if there is one. */
void tcp_timer_fin_wait_2(struct flue_tcp_conn *conn, flue_ps now_ps);
/* Chooses between retransmission, persist, keep-alive and no timer after anything that bears on them; keeps a running
 * one. */
void tcp_timer_settle(struct flue_tcp_conn *conn, flue_ps now_ps);
void tcp_timer_fire(struct lean_timer *timer, flue_ps now_ps);
void tcp_delayed_ack_fire(struct timer_fifo_entry *entry, flue_ps now_ps);

/* handshake.c */
void tcp_input_syn_sent(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps);
/* The peer has acknowledged our SYN with `frame`: ESTABLISHED, unless our FIN follows the SYN already. */
void tcp_established(struct flue_tcp_conn *conn, const struct flue_frame *frame, flue_ps now_ps);

/* guard.c */
/* Counts a challenge; false: there were too many lately. */
bool tcp_may_challenge(struct flue_tcp_conn *conn, flue_ps now_ps);
void tcp_clear_suspicion(struct flue_tcp_conn *conn);

/* ack.c */
/* Deals with an acknowledgement in SND.UNA <= ack <= SND.MAX and the window beside it. */
void tcp_acknowledge(struct flue_tcp_conn *conn, const struct flue_frame *frame, bool pure, flue_ps now_ps);
/* Takes the window beside an acceptable ACK, if it is not older than the one known.  advanced: it moved SND.UNA. */
void tcp_take_window(struct flue_tcp_conn *conn, const struct flue_frame *frame, bool advanced);

/* recovery.c: losses, inferred and repaired. */
/* A duplicate acknowledgement, or one that told of new SACKed data. */
void tcp_recovery_duplicate(struct flue_tcp_conn *conn, flue_ps now_ps);
/* SND.UNA has advanced by acked_bytes; flight_bytes was outstanding before; marked: the ACK carries ECN-Echo.  True:
 * the retransmission timer restarts. */
bool tcp_recovery_advance(struct flue_tcp_conn *conn, uint32_t acked_bytes, uint32_t flight_bytes, bool marked,
                          flue_ps now_ps);
/* The retransmission timer has expired. */
void tcp_recovery_timeout(struct flue_tcp_conn *conn, flue_ps now_ps);
/* ECN-Echo came (RFC 3168 6.1.2). */
void tcp_recovery_marked(struct flue_tcp_conn *conn, flue_ps now_ps);
/* A connection comes in while a loss is being repaired. */
void tcp_recovery_import(struct flue_tcp_conn *conn);

/* receive.c */
void tcp_take_data(struct flue_tcp_conn *conn, uint32_t seq, const struct flue_span *span, bool psh, bool fin,
                   flue_ps now_ps);
/* A stretch of a segment below RCV.NXT: the next ACK reports it (RFC 2883). */
void tcp_came_twice(struct flue_tcp_conn *conn, uint32_t seq, uint32_t bytes);
/* Data that came with a SYN: it waits until the connection is established (RFC 9293 3.10.7.2, 3.10.7.3). */
void tcp_hold_data(struct flue_tcp_conn *conn, uint32_t seq, const struct flue_span *span, bool psh, bool fin);
void tcp_release_held(struct flue_tcp_conn *conn, flue_ps now_ps);
/* The window field's value; moves rcv_adv (RFC 9293 3.8.6.2.2, RFC 7323 2.3). */
uint16_t tcp_window(struct flue_tcp_conn *conn);

static inline bool tcp_is_active(const struct flue_tcp_conn *conn)
{
    return conn->active != &conn->stack->idle;
}

static inline bool tcp_activate(struct flue_tcp_conn *conn)
{
    return tcp_is_active(conn) || tcp_activate_new(conn);
}

/* Empty for most connections. */
static inline const struct tcp_rare *tcp_rare_of(const struct flue_tcp_conn *conn)
{
    return conn->has_rare != 0 ? tcp_rare_find(conn) : &conn->stack->none;
}

/* RFC 6582 "recover", with TCP_RECOVER: while nothing is outstanding it is SND.UNA, or the flag is off. */
static inline uint32_t tcp_recover_seq(const struct flue_tcp_conn *conn)
{
    return tcp_is_active(conn) ? conn->active->recover : conn->snd_una;
}

/* Last.ACK.sent of RFC 7323 4.3. */
static inline uint32_t tcp_last_ack_sent(const struct flue_tcp_conn *conn)
{
    return conn->rcv_nxt - conn->active->unacked_bytes;
}

/* *active as an image tells it: with numbers in place of distances. */
static inline void tcp_tell_active(const struct flue_tcp_conn *conn, struct tcp_active *active)
{
    active->unacked_bytes = tcp_last_ack_sent(conn);
    active->recover = (conn->flags & TCP_RECOVER) != 0 ? tcp_recover_seq(conn) : conn->active->recover;
}

/* Gives the active part back when nothing is under way any more; to be called at the end of an entry point. */
static inline void tcp_rest(struct flue_tcp_conn *conn)
{
    const struct tcp_active *active = conn->active;

    if (conn->snd_una == conn->snd_max && active != &conn->stack->idle && active->queue.bytes == 0 &&
        !timer_fifo_armed(&active->delayed_ack)) {
        tcp_rest_now(conn);
    }
}

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
    return rtt_timeout(&conn->rtt, conn->timer.doublings, &conn->stack->rtt_bounds);
}

/* A moment `wait_ps` after at_ps; FLUE_PS_NEVER if that is never.  An at_ps close to it stands for a timer that did not
 * run when the connection came (import_fields()): another wait does not start it. */
static inline flue_ps tcp_later(flue_ps at_ps, flue_ps wait_ps)
{
    return wait_ps >= FLUE_PS_NEVER / 4 || at_ps > FLUE_PS_NEVER - wait_ps ? FLUE_PS_NEVER : at_ps + wait_ps;
}

/* An idle time, interval or count of 0 comes from an interface that knows no better (behaviour 15.5).  One that says
 * "for ever" is a quarter of all time, so that the deadline can still be reckoned. */
static inline flue_ps tcp_keep_idle(const struct flue_tcp_settings *settings)
{
    flue_ps idle_ps = settings->keep_idle_ps == 0 ? 2 * 3600 * FLUE_PS_PER_S : settings->keep_idle_ps;

    return idle_ps < FLUE_PS_NEVER / 4 ? idle_ps : FLUE_PS_NEVER / 4;
}

static inline flue_ps tcp_keep_interval(const struct flue_tcp_settings *settings)
{
    flue_ps interval_ps = settings->keep_interval_ps == 0 ? FLUE_PS_PER_S : settings->keep_interval_ps;

    return interval_ps < FLUE_PS_NEVER / 4 ? interval_ps : FLUE_PS_NEVER / 4;
}

static inline uint8_t tcp_keep_count(const struct flue_tcp_settings *settings)
{
    return settings->keep_count == 0 ? 10 : settings->keep_count;
}

static inline const struct cc_ops *tcp_cc(const struct flue_tcp_conn *conn)
{
    return conn->settings->congestion == FLUE_TCP_CUBIC ? &cc_cubic_ops : &cc_newreno_ops;
}

static inline struct cc_facts tcp_cc_facts(const struct flue_tcp_conn *conn, uint32_t acked_bytes,
                                           uint32_t flight_bytes, flue_ps now_ps)
{
    return (struct cc_facts){.now_ps = now_ps,
                             .srtt_ps = conn->rtt.srtt_ps,
                             .mss_bytes = conn->mss_bytes,
                             .acked_bytes = acked_bytes,
                             .flight_bytes = flight_bytes};
}

/* RFC 6675's pipe decides what may be sent: with SACK, unless SND.NXT was rolled back. */
static inline bool tcp_by_pipe(const struct flue_tcp_conn *conn)
{
    return (conn->flags & TCP_SACK) != 0 && conn->snd_nxt == conn->snd_max &&
           (conn->active->board.head != NULL || conn->recovery == FLUE_TCP_CA_RECOVERY ||
            conn->recovery == FLUE_TCP_CA_LOSS);
}

static inline struct flue_tcp_tuple tcp_tuple(const struct flue_tcp_conn *conn)
{
    return (struct flue_tcp_tuple){.local_ip = conn->path->local_ip,
                                   .remote_ip = conn->path->remote_ip,
                                   .local_port = conn->local_port,
                                   .remote_port = conn->remote_port};
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
