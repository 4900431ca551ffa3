/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/tcp.h - Flue's TCP for any program: stacks, sockets, packets in and out.
 *
 * A stack owns no clock, no thread, no file and no randomness: the caller feeds it whole IP packets and the present
 * time, asks for its next deadline, and is called back with the packets it sends.  Many stacks may live in one process;
 * one stack must not be entered by two threads at once.  The only library to link is libflue_tcp.a.
 *
 *     flue_stack_defaults(&config);                     config.addresses ...
 *     flue_stack_new(&config, &callbacks, &stack);
 *     s = flue_socket_open(stack);  flue_socket_connect(stack, s, &local, &remote);
 *     loop: flue_stack_input(stack, packet, bytes, now_ps)  when a packet has come
 *           flue_stack_advance(stack, now_ps)               when flue_stack_deadline(stack) has passed
 *           flue_socket_poll / send / recv
 *
 * Time is in picoseconds (flue_ps) and never goes back: an earlier time counts as the latest one told.  It ends at
 * FLUE_STACK_PS_MOST, 53 days: a later time counts as that one, and nothing is due behind it.  Whatever a call has to
 * transmit leaves through the output callback before the call returns.  No function may be called from inside a
 * callback, but for flue_stack_error_*, flue_tcp_state_name and the like, which have no stack.
 *
 * Errors: functions that return int or int64_t answer a negative number of enum flue_stack_error; the numbers are those
 * of Linux' errno, negated, so that strerror(-result) tells something sensible there. */
#ifndef FLUE_TCP_H
#define FLUE_TCP_H

#include "flue/base.h"
#include "flue/wire.h"

FLUE_BEGIN_C

/* ---- what connections are like: shared with the engine's own contract (flue/tcp_engine.h) ---- */

/* RFC 9293 3.3.2; the numbers are those of TCP_OFFLOAD_CONNECTION_STATE. */
enum flue_tcp_state_id {
    FLUE_TCP_CLOSED,       /* no connection */
    FLUE_TCP_LISTEN,       /* waits for a SYN */
    FLUE_TCP_SYN_SENT,     /* SYN sent, no answer yet */
    FLUE_TCP_SYN_RECEIVED, /* SYN came, SYN-ACK sent */
    FLUE_TCP_ESTABLISHED,  /* open; data both ways */
    FLUE_TCP_FIN_WAIT_1,   /* we have closed, our FIN is not acknowledged */
    FLUE_TCP_FIN_WAIT_2,   /* our FIN is acknowledged, the peer still sends */
    FLUE_TCP_CLOSE_WAIT,   /* the peer has closed, we still send */
    FLUE_TCP_CLOSING,      /* both have closed, our FIN is not acknowledged */
    FLUE_TCP_LAST_ACK,     /* the peer closed first, our FIN is not acknowledged */
    FLUE_TCP_TIME_WAIT     /* over; waits for 2 MSL */
};
const char *flue_tcp_state_name(unsigned state); /* "ESTABLISHED"; "?" if unknown */

/* Why a state changed or a connection ended. */
enum flue_tcp_reason {
    FLUE_TCP_BY_OPEN,         /* the user opened it */
    FLUE_TCP_BY_SEGMENT,      /* a segment came */
    FLUE_TCP_BY_CLOSE,        /* the user closed */
    FLUE_TCP_BY_RESET,        /* an acceptable RST came */
    FLUE_TCP_BY_ABORT,        /* the user aborted */
    FLUE_TCP_BY_TIMEOUT,      /* too many retransmissions or probes; FIN-WAIT-2 limit */
    FLUE_TCP_BY_2MSL,         /* TIME-WAIT is over */
    FLUE_TCP_BY_IMPORT,       /* it came from elsewhere */
    FLUE_TCP_BY_EXPORT,       /* it went elsewhere */
    FLUE_TCP_BY_KEEP_ALIVE,   /* no answer to any keep-alive probe (RFC 9293 3.8.4) */
    FLUE_TCP_BY_USER_TIMEOUT, /* data unacknowledged for longer than the user allows (RFC 9293 3.8.3, RFC 5482) */
    FLUE_TCP_BY_UNREACHABLE   /* a hard ICMP error before the connection was established (RFC 5461, RFC 9293 3.9.2.2) */
};
const char *flue_tcp_reason_name(unsigned reason); /* "keep-alive"; "?" if unknown */

/* How the congestion window moves. */
enum flue_tcp_congestion {
    FLUE_TCP_NEWRENO, /* RFC 5681 */
    FLUE_TCP_CUBIC    /* RFC 9438 */
};

/* How a loss is being repaired. */
enum flue_tcp_recovery {
    FLUE_TCP_CA_OPEN,     /* nothing is missing as far as we know */
    FLUE_TCP_CA_DISORDER, /* duplicate acknowledgements, fewer than the threshold */
    FLUE_TCP_CA_RECOVERY, /* fast recovery: RFC 6675 with SACK, RFC 6582 without */
    FLUE_TCP_CA_LOSS,     /* after a retransmission timeout */
    FLUE_TCP_CA_CWR       /* the peer told of congestion marks, RFC 3168 6.1.2 */
};
const char *flue_tcp_recovery_name(unsigned recovery); /* "recovery"; "?" if unknown */

/* Fixed for the life of a stack.  flue_tcp_defaults() fills in what is named here first; then comes the range. */
struct flue_tcp_params {
    uint32_t mss_bytes;           /* largest segment taken: 1460; 88..65495.  IPv6 connections offer 20 less */
    uint32_t mtu_bytes;           /* of our own link; bounds what is sent: 65535; 576..65535.  0: mss_bytes + 40 */
    uint32_t rcv_buffer_bytes;    /* window offered: 256 KiB; 1..1 GiB */
    uint32_t rcv_wscale;          /* shift offered: 255 = the least that lets the buffer be told whole; 0..14, and the
                                   * buffer holds one unit of it, 1 << rcv_wscale bytes: else no window could be told */
    uint32_t initial_window;      /* segments: 10 (RFC 6928); 1..64 */
    uint32_t ack_every;           /* data segments per ACK: 2 (RFC 5681 4.2); 1..255 */
    uint32_t dup_ack_threshold;   /* 3 (RFC 5681 3.2, RFC 6675 DupThresh); 1..255 */
    uint32_t max_retransmits;     /* of one segment before the connection ends: 15; 1..255 (RFC 9293 3.8.3 R2) */
    uint32_t max_syn_retransmits; /* the same for SYN: 6; 1..255 */
    uint32_t timestamps;          /* 1: offer RFC 7323 timestamps */
    uint32_t window_scaling;      /* 1: offer RFC 7323 window scaling */
    uint32_t sack;                /* 1: offer RFC 2018 selective acknowledgement */
    uint32_t ecn;                 /* 0: never; 1: answer a peer that asks; 2: ask as well (RFC 3168) */
    uint32_t nagle;               /* 0: off for new connections; 1 (RFC 9293 3.7.4) */
    uint32_t limited_transmit;    /* 1: RFC 3042 */
    uint32_t idle_restart;        /* 1: RFC 5681 4.1, the window falls to the initial one after an idle RTO */
    uint32_t congestion;          /* enum flue_tcp_congestion: NEWRENO */
    uint32_t challenge_acks;      /* per challenge_ps and stack (RFC 5961 7): 1000; 0 = no limit */
    uint32_t syn_option_order;    /* as struct flue_frame's option_order: 0 */
    uint32_t ts_offset;           /* added to every connection's timestamp clock: 0 */
    uint32_t path_mtu_discovery;  /* 1: RFC 1191 and 8201, by ICMP; 0: errors are ignored and DF is still set */
    uint32_t keep_alive;          /* 0: off for new connections; 1 */
    uint32_t keep_count;          /* probes without an answer: 9; 1..255 */
    flue_ps keep_idle_ps;         /* 2 h (RFC 9293 3.8.4) */
    flue_ps keep_interval_ps;     /* 75 s */
    flue_ps user_timeout_ps;      /* 0: none, only the retransmission limit (RFC 5482) */
    flue_ps challenge_ps;         /* 5 s (RFC 5961 7) */
    flue_ps delayed_ack_ps;       /* 40 ms; <= 500 ms (RFC 9293 3.8.6.3) */
    flue_ps sws_override_ps;      /* 500 ms: so long data waits, with nothing outstanding, for a window that is worth a
                                   * segment; then what the window allows is sent (RFC 9293 3.8.6.2.1) */
    flue_ps rto_initial_ps;       /* 1 s (RFC 6298 2.1) */
    flue_ps rto_min_ps;           /* 200 ms; RFC 6298 2.4 asks for 1 s, widely used stacks take 200 ms */
    flue_ps rto_max_ps;           /* 60 s (RFC 6298 2.5) */
    flue_ps tick_ps;              /* timestamp and hand-over tick, G of RFC 6298: 1 ms */
    flue_ps time_wait_ps;         /* 2 MSL: 60 s */
    flue_ps fin_wait_2_ps; /* 120 s: once nobody reads any more, FIN-WAIT-2 waits so long for the peer's FIN after
                            * each acceptable segment; then the connection ends without a word, BY_TIMEOUT.
                            * FLUE_PS_NEVER: for ever */
    uint8_t ttl;           /* 64 */
    uint8_t tos;           /* 0; the ECN bits are the engine's */
    uint16_t ip_id_base;   /* first IP id: 0 for a host, 0x8000 for a target (behaviour 13.1), range of 0x8000 */
};
/* Every parameter as named above; *params is overwritten. */
void flue_tcp_defaults(struct flue_tcp_params *params);

/* A connection's name; host byte order. */
struct flue_tcp_tuple {
    struct flue_ip local_ip, remote_ip; /* of one family */
    uint16_t local_port, remote_port;   /* 1 .. 65535 */
};

/* What a connection looks like inside.  Sequence numbers are absolute, as on the wire. */
struct flue_tcp_info {
    struct flue_tcp_tuple tuple;         /* its name */
    enum flue_tcp_state_id state;        /* RFC 9293 3.3.2 */
    enum flue_tcp_recovery recovery;     /* how a loss is being repaired now */
    enum flue_tcp_congestion congestion; /* how its window moves */
    uint32_t snd_una, snd_nxt, snd_max, snd_wnd, rcv_nxt, rcv_wnd, rcv_urg /* RCV.UP */;
    uint32_t cwnd_bytes, ssthresh_bytes; /* ssthresh UINT32_MAX: no loss yet */
    uint32_t mss_bytes;                  /* payload of a full segment now: options and path MTU are subtracted */
    uint32_t path_mtu_bytes;             /* of the path, as far as known (RFC 1191, 8201) */
    uint32_t pipe_bytes;                 /* RFC 6675; without SACK SND.MAX - SND.UNA */
    uint32_t sacked_bytes, lost_bytes;   /* of what is outstanding; lost: RFC 6675 IsLost and not yet sent again */
    flue_ps srtt_ps, rttvar_ps, rto_ps;  /* srtt 0: no sample yet; rto with its back-off */
    uint64_t queued_bytes;               /* send queue from SND.UNA on */
    uint64_t unread_bytes;               /* handed up, not yet consumed */
    uint64_t reassembly_bytes;           /* came out of order, and waits */
    uint64_t segments_out, segments_in, retransmits, timeouts, fast_retransmits, probes; /* count modulo 2^32 */
    uint64_t keep_alives, dsacks_in, challenge_acks; /* probes sent; RFC 2883; RFC 5961; modulo 2^32 */
    uint8_t snd_wscale, rcv_wscale;                  /* shifts in force; 0: none */
    uint8_t timestamps, sack, ecn;                   /* negotiated */
    uint8_t backoff;                                 /* doublings of the timeout */
    uint8_t dup_acks;                                /* in a row (RFC 5681 2) */
    uint8_t in_recovery;                             /* 1: in fast recovery */
    uint8_t ack_pending;                             /* 1: an acknowledgement is delayed */
    uint8_t urgent;                                  /* urgent data has been announced and not yet been read */
};

/* What a stack, or an engine of a node, has counted; over its life, but for the first and the last. */
struct flue_tcp_totals {
    uint64_t connections;               /* live now */
    uint64_t segments_out, segments_in; /* all */
    uint64_t data_out, data_in;         /* of them with payload */
    uint64_t retransmits;               /* segments sent again */
    uint64_t timeouts;                  /* of the retransmission timer */
    uint64_t fast_retransmits;          /* losses that acknowledgements showed (RFC 5681 3.2, RFC 6675) */
    uint64_t probes;                    /* of a closed window (RFC 9293 3.8.6.1) */
    uint64_t resets_out;                /* RSTs sent */
    uint64_t challenge_acks;            /* RFC 5961 */
    uint64_t keep_alives;               /* probes sent (RFC 9293 3.8.4) */
    uint64_t paws_drops;                /* segments with an old timestamp (RFC 7323 5) */
    uint64_t ecn_ce_in;                 /* packets with a congestion mark (RFC 3168) */
    uint64_t path_mtu_changes;          /* by ICMP (RFC 1191, 8201) */
    uint64_t pool_objects_live;         /* connections and what hangs on them: 0 when all are released */
};

/* ---- stacks ---- */

/* The greatest time a stack knows.  No timeout is longer than half of it, so that each ends before FLUE_PS_NEVER. */
#define FLUE_STACK_PS_MOST (FLUE_PS_NEVER / 2)

#define FLUE_STACK_VERSION 1 /* of this header */
/* Version of the linked library; compare with FLUE_STACK_VERSION. */
int flue_stack_version(void);

/* Every error a function of this header can answer with. */
enum flue_stack_error {
#define FLUE_STACK_ERROR(number, name, sentence) FLUE_STACK_##name = -(number),
#include "flue/stack_error.def"
#undef FLUE_STACK_ERROR
    FLUE_STACK_OK = 0 /* done */
};
const char *flue_stack_error_name(int error);     /* "EAGAIN"; "?" if unknown */
const char *flue_stack_error_sentence(int error); /* "nothing can be done at present; try again" */

/* What can be told of a socket. */
enum flue_stack_event_kind {
    FLUE_STACK_EV_READY, /* poll: the socket's mask has gained these bits */
    FLUE_STACK_EV_STATE, /* state, reason: the connection has entered it */
    FLUE_STACK_EV_ENDED  /* reason: the connection is over; the socket stays until it is closed */
};

/* One event; members that the kind does not name are 0. */
struct flue_stack_event {
    enum flue_stack_event_kind kind; /* which of the others count */
    int socket;                      /* its number */
    uint32_t poll;                   /* READY: enum flue_poll, the bits that are new */
    enum flue_tcp_state_id state;    /* STATE: the new one */
    enum flue_tcp_reason reason;     /* STATE, ENDED: why */
    flue_ps at_ps;                   /* the stack's time */
};

/* What the caller does for a stack.  All are borrowed until flue_stack_free(). */
struct flue_stack_callbacks {
    void *ctx; /* first argument of each */
    /* A whole IP packet leaves; borrowed until return.  Must not be NULL. */
    void (*output)(void *ctx, const uint8_t *packet, size_t bytes);
    /* Something happened to a socket; NULL: nobody wants to know, poll tells as well. */
    void (*event)(void *ctx, const struct flue_stack_event *event);
    /* 32 random bits: initial sequence numbers (RFC 9293 3.4.1's clock of 4 us is added) and ports.  Must not be NULL.
     */
    uint32_t (*random32)(void *ctx);
    /* Zeroed memory aligned for anything, or NULL; release takes back exactly what allocate gave.  Both or neither may
     * be NULL: then calloc() and free() serve. */
    void *(*allocate)(void *ctx, size_t bytes);
    void (*release)(void *ctx, void *memory, size_t bytes); /* NULL as allocate */
};

/* At most so many own addresses. */
#define FLUE_STACK_ADDRESSES 8u

/* What a stack is made of.  flue_stack_defaults() fills in all but the addresses; first comes its value, then the
 * range. */
struct flue_stack_config {
    struct flue_tcp_params tcp;                     /* flue_tcp_defaults() */
    struct flue_ip addresses[FLUE_STACK_ADDRESSES]; /* own ones; packets to others are refused */
    unsigned address_count;                         /* 1..FLUE_STACK_ADDRESSES */
    uint32_t verify_checksums;                      /* 1: a packet with a wrong checksum is dropped; 0: not looked at */
    uint32_t snd_buffer_bytes;                      /* of a new socket: 256 KiB; 1..1 GiB */
    uint32_t sockets;                               /* at most so many at once: 65536; 1..1048576 */
    uint32_t answer_rst; /* 1: a segment for nobody is answered with RST (RFC 9293 3.10.7.1) */
};
/* Every value as named above, no address; *config is overwritten. */
void flue_stack_defaults(struct flue_stack_config *config);

/* A stack; opaque. */
struct flue_stack;

/* Makes a stack whose clock stands at now_ps (>= 0); copies config and callbacks.  0: *out is owned by the caller.
 * FLUE_STACK_EINVAL: a value is out of its range, *out is NULL.  FLUE_STACK_ENOMEM. */
FLUE_CHECKED int flue_stack_new(const struct flue_stack_config *config, const struct flue_stack_callbacks *callbacks,
                                flue_ps now_ps, struct flue_stack **out);
/* Ends everything without a word on the wire.  NULL does nothing. */
void flue_stack_free(struct flue_stack *stack);

/* A packet has come: IPv4 or IPv6 with TCP or ICMP.  Deadlines up to now_ps run first.  The packet is borrowed until
 * return.  0: taken.  FLUE_STACK_EPROTO: malformed, or a wrong checksum.  FLUE_STACK_EADDRNOTAVAIL: not to an address
 * of this stack.  FLUE_STACK_EPROTONOSUPPORT: neither TCP nor an ICMP error about TCP. */
int flue_stack_input(struct flue_stack *stack, const void *packet, size_t bytes, flue_ps now_ps);

/* Runs every deadline up to now_ps, each at its own time, and sets the clock to now_ps; FLUE_PS_NEVER sets it to the
 * end of time, where a deadline never comes. */
void flue_stack_advance(struct flue_stack *stack, flue_ps now_ps);

/* The next time at which flue_stack_advance() has something to do; may be early, never late; FLUE_PS_NEVER: none. */
flue_ps flue_stack_deadline(const struct flue_stack *stack);
/* The stack's clock: the latest time that it was told. */
flue_ps flue_stack_now(const struct flue_stack *stack);

/* What the stack has counted; *out is overwritten. */
void flue_stack_totals(const struct flue_stack *stack, struct flue_tcp_totals *out);

/* Checks every invariant of the stack and its connections.  0: all hold; else FLUE_STACK_EFAULT, and `what` (NULL: not
 * wanted) holds a sentence, cut to `room` with its final 0. */
int flue_stack_check(const struct flue_stack *stack, char *what, size_t room);

/* ---- sockets: numbers from 0 on; the lowest free one is taken ---- */

/* One end of a connection, or what a socket is bound to; host byte order. */
struct flue_endpoint {
    struct flue_ip ip; /* all words 0: any address, of any family */
    uint16_t port;     /* 0: any */
};

/* A new socket: neither bound nor connected.  Answers its number, FLUE_STACK_EMFILE or FLUE_STACK_ENOMEM. */
int flue_socket_open(struct flue_stack *stack);

/* Gives the socket its own name.  EADDRNOTAVAIL: no such address; EADDRINUSE: another socket listens there (or is bound
 * there, unless REUSEADDR is set on both); EINVAL: bound or connected already; EBADF. */
int flue_socket_bind(struct flue_stack *stack, int s, const struct flue_endpoint *local);

/* Passive open (RFC 9293 3.10.1).  backlog: connections not yet accepted, those in SYN-RECEIVED included; 1..65535;
 * a SYN beyond it is dropped without an answer, so that the peer tries again.  Binds to a free port if need be. */
int flue_socket_listen(struct flue_stack *stack, int s, unsigned backlog);

/* The oldest connection that is established and not yet accepted, as a new socket; remote (NULL: not wanted) gets its
 * peer.  EAGAIN: there is none.  EINVAL: s does not listen. */
int flue_socket_accept(struct flue_stack *stack, int s, struct flue_endpoint *remote);

/* Active open: the SYN leaves at once and the answer is FLUE_STACK_EINPROGRESS; FLUE_POLL_OUT tells success,
 * FLUE_POLL_ERR failure.  EISCONN: it is connected, or was;
 * EALREADY; EADDRINUSE: the name is in use; EADDRNOTAVAIL: no port or address is free;
 * EAFNOSUPPORT: no own address of that family; EINVAL: not a host's address, or port 0. */
int flue_socket_connect(struct flue_stack *stack, int s, const struct flue_endpoint *remote);

/* Flags of send and recv, or-ed; others are EINVAL. */
enum flue_socket_flag {
    FLUE_MSG_PEEK = 0x1, /* recv: the bytes stay in the buffer */
    FLUE_MSG_MORE = 0x2, /* send: more follows, a segment that is not full waits (as with CORK, for this call) */
    FLUE_MSG_OOB = 0x4   /* send: the last byte is urgent (RFC 9293 3.8.5) */
};

/* Copies up to `bytes` bytes to the send buffer (RFC 9293 3.10.2).  Answers how many; EAGAIN: the buffer is full;
 * ENOTCONN; EPIPE: the sending side is shut, or the connection is over. */
int64_t flue_socket_send(struct flue_stack *stack, int s, const void *data, size_t bytes, unsigned flags);

/* Copies up to `room` bytes in order (RFC 9293 3.10.3).  Answers how many; 0: the peer has closed and all is read;
 * EAGAIN; ENOTCONN; or, once, the error that ended the connection, after the data before it.  A read never crosses the
 * urgent mark (RFC 9293 3.8.5): the byte at the mark begins a read of its own. */
int64_t flue_socket_recv(struct flue_stack *stack, int s, void *data, size_t room, unsigned flags);

/* Which sides of a connection to shut. */
enum flue_shutdown { FLUE_SHUT_READ, FLUE_SHUT_WRITE, FLUE_SHUT_BOTH };
/* WRITE: FIN after all data (RFC 9293 3.10.4).  READ: what comes is acknowledged and thrown away.  ENOTCONN. */
int flue_socket_shutdown(struct flue_stack *stack, int s, enum flue_shutdown how);

/* Gives the number back at once; the connection closes in the background.  Unread data, or LINGER with 0 s: RST instead
 * (RFC 9293 3.6.1, RFC 2525 2.17); LINGER with more: RST when the time is over.  A listener's connections that nobody
 * accepted are aborted. */
int flue_socket_close(struct flue_stack *stack, int s);
/* RST now (RFC 9293 3.10.5), and the number is given back. */
int flue_socket_abort(struct flue_stack *stack, int s);

/* Bits of the mask of a socket. */
enum flue_poll {
    FLUE_POLL_IN = 0x1,    /* recv or accept would not answer EAGAIN */
    FLUE_POLL_PRI = 0x2,   /* urgent data is announced */
    FLUE_POLL_OUT = 0x4,   /* send would take at least one byte */
    FLUE_POLL_ERR = 0x8,   /* the error option is not 0 */
    FLUE_POLL_HUP = 0x10,  /* both directions are over */
    FLUE_POLL_RDHUP = 0x20 /* the peer has closed its side */
};
/* The mask, or EBADF.  A socket that is neither connected, nor was, nor listens, polls 0. */
int flue_socket_poll(const struct flue_stack *stack, int s);

/* The socket's own name and its peer's, into *out.  0; EBADF.  local: all zero if it has none yet; remote: ENOTCONN
 * then. */
int flue_socket_local(const struct flue_stack *stack, int s, struct flue_endpoint *out);
int flue_socket_remote(const struct flue_stack *stack, int s, struct flue_endpoint *out); /* ENOTCONN */

/* Name, what it means, unit and range; (r) read only; (i) inherited by accepted sockets from their listener. */
enum flue_socket_option {
    FLUE_SO_NODELAY,      /* 1: no Nagle (RFC 9293 3.7.4) (i) */
    FLUE_SO_CORK,         /* 1: only full segments leave; a shorter one waits until all before it is acknowledged, and
                           * from then on 200 ms at most (i) */
    FLUE_SO_MAXSEG,       /* bytes of a segment, before connecting: what we offer and the most we send; 88..65495 (i) */
    FLUE_SO_KEEPALIVE,    /* 1: on (i) */
    FLUE_SO_KEEPIDLE,     /* ms until the first probe; 1.. (i) */
    FLUE_SO_KEEPINTVL,    /* ms between probes; 1.. (i) */
    FLUE_SO_KEEPCNT,      /* probes; 1..255 (i) */
    FLUE_SO_USER_TIMEOUT, /* ms data may stay unacknowledged; 0: no limit of that kind (i) */
    FLUE_SO_SNDBUF,       /* bytes; 1..1 GiB; what is in it stays (i) */
    FLUE_SO_RCVBUF,       /* bytes; 1..1 GiB, at least a unit of a settled window scale; what is offered stays (i) */
    FLUE_SO_LINGER,       /* ms; -1: off; 0: close resets (i) */
    FLUE_SO_REUSEADDR,    /* 1: bind beside connections of the same port (i) */
    FLUE_SO_TOS,          /* 0..255, the ECN bits are ignored (i) */
    FLUE_SO_TTL,          /* 1..255 (i) */
    FLUE_SO_CONGESTION,   /* enum flue_tcp_congestion (i) */
    FLUE_SO_ERROR,        /* (r) a pending error as a negative number, which reading clears; 0: none */
    FLUE_SO_READABLE,     /* (r) bytes that recv could copy now */
    FLUE_SO_UNSENT,       /* (r) bytes in the send buffer not yet acknowledged */
    FLUE_SO_LISTENING     /* (r) 1: it listens */
};
/* EBADF, EINVAL (value out of range, or too late), ENOPROTOOPT (unknown, or read only). */
int flue_socket_set(struct flue_stack *stack, int s, enum flue_socket_option option, int64_t value);
int flue_socket_get(struct flue_stack *stack, int s, enum flue_socket_option option, int64_t *value);

/* ENOTCONN: s is not, and was never, connected. */
int flue_socket_info(const struct flue_stack *stack, int s, struct flue_tcp_info *out);

/* ---- moving a connection ---- */

/* The state that crosses the interface: one field per line of state.def. */
struct flue_tcp_state {
    struct flue_tcp_tuple tuple; /* who it is; not in state.def */
#define FLUE_STATE(class_, name, type, unit, member, since) type name;
#include "flue/state.def"
};
/* A tick count of the state: this timer does not run. */
#define FLUE_STATE_NO_TIMER UINT32_MAX

/* Image: the whole state, lossless and versioned (flue/state.def).  Writes it to `out` if `room` is enough, answers its
 * size; with room too small nothing is written and nothing has changed.  On success with enough room the socket is
 * closed without a word on the wire.  States SYN-SENT to TIME-WAIT; ENOTCONN otherwise. */
int64_t flue_socket_export(struct flue_stack *stack, int s, void *out, size_t room);

/* A new socket from an image; its number, or an error.  EPROTO: not an image, cut short, or inconsistent, or a
 * mandatory field that this version does not know; `what` (NULL: not wanted) tells in a sentence, and names the field.
 * EADDRINUSE, EADDRNOTAVAIL, EMFILE, ENOMEM: nothing has changed. */
int flue_socket_import(struct flue_stack *stack, const void *image, size_t bytes, char *what, size_t room);

/* Chimney form: the state that crosses the interface, with the bytes of the send queue from SND.UNA on and those that
 * were received and not read.  What it loses stands in model/tcp/README.md.  detach: closes the socket without a word
 * on the wire, but for an acknowledgement that it owes; *send_bytes and *unread_bytes are room before and length after;
 * EMSGSIZE: there is too little room, nothing has changed and both tell what is needed; ENOTCONN: no state from
 * ESTABLISHED to LAST-ACK.  attach: a new socket; errors as flue_socket_import(). */
int flue_socket_detach(struct flue_stack *stack, int s, struct flue_tcp_state *state, void *send, size_t *send_bytes,
                       void *unread, size_t *unread_bytes);
int flue_socket_attach(struct flue_stack *stack, const struct flue_tcp_state *state, const void *send,
                       size_t send_bytes, const void *unread, size_t unread_bytes);

FLUE_END_C

#endif
