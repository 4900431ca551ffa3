/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/host.h - the host stack: sockets above the switch, the software path, the decision to offload and to take back.
 * A host is the top protocol driver of its node; below it there is only NDIS. */
#ifndef FLUE_HOST_H
#define FLUE_HOST_H

#include "flue/base.h"
#include "flue/cost.h"
#include "flue/policy.h"
#include "flue/tcp_engine.h"

FLUE_BEGIN_C

struct flue_env;
struct flue_trace;
struct flue_ndis;
struct flue_host;   /* opaque */
struct flue_socket; /* opaque: one connection as the application sees it, whoever holds it */
struct timers;

/* Who holds a connection.  Changed in one function, by a table of legal edges (behaviour 5.1). */
#define FLUE_HOLDERS(X)                                                                                                \
    X(HOST, "host")               /* software path */                                                                  \
    X(OFFERED, "offered")         /* initiate called, not yet completed */                                             \
    X(TARGET, "target")           /* the adapter runs TCP */                                                           \
    X(GIVING_BACK, "giving back") /* terminate called, not yet completed */                                            \
    X(LOST, "lost")               /* terminate failed: the state is gone */                                            \
    X(CLOSED, "closed")           /* the connection has ended */

enum flue_holder {
#define X(name, title) FLUE_HOLDER_##name,
    FLUE_HOLDERS(X)
#undef X
        FLUE_HOLDER_COUNT
};
const char *flue_holder_name(unsigned holder);

/* Why a connection moved, or did not.  Counted per host; every refusal and upload has one. */
#define FLUE_MOVES(X)                                                                                                  \
    X(NONE, "none")                                                                                                    \
    X(POLICY, "policy")                                                                                                \
    X(AT_TIME, "at a chosen time")                                                                                     \
    X(COMPLETED, "completed")                                                                                          \
    X(REFUSED, "refused by the target")                                                                                \
    X(RETRIEVE, "the target asked")                                                                                    \
    X(ABORTED, "the peer reset it")                                                                                    \
    X(CLOSING, "the connection is closing")                                                                            \
    X(UPLOAD_ALL, "the target wants all back")                                                                         \
    X(FAILED, "terminate failed")

enum flue_move {
#define X(name, title) FLUE_MOVE_##name,
    FLUE_MOVES(X)
#undef X
        FLUE_MOVE_COUNT
};
const char *flue_move_name(unsigned move);

/* The application above a socket.  Each call runs on the host's core at virtual time at_ps; from inside it the
 * application may call every flue_socket_* function of the same host.  Any pointer may be NULL. */
struct flue_app {
    /* Identity of a connection that came in (traces, books, streams): unique per run.  NULL: a running number. */
    uint32_t (*identify)(void *ctx, const struct flue_tcp_tuple *tuple);
    /* The connection is open (both ends). */
    void (*connected)(void *ctx, struct flue_socket *socket, flue_ps at_ps);
    /* The next bytes of the peer's stream, in order; already read (copied and charged). */
    void (*received)(void *ctx, struct flue_socket *socket, const struct flue_span *span, flue_ps at_ps);
    /* bytes of earlier sends have been acknowledged by the peer. */
    void (*acknowledged)(void *ctx, struct flue_socket *socket, uint32_t bytes, flue_ps at_ps);
    /* The peer has closed its sending side. */
    void (*peer_closed)(void *ctx, struct flue_socket *socket, flue_ps at_ps);
    /* The connection has ended; the socket is gone after this call.  Never called from inside flue_socket_*. */
    void (*closed)(void *ctx, struct flue_socket *socket, enum flue_tcp_reason reason, flue_ps at_ps);
    /* The holder changed to HOST or TARGET for good. */
    void (*moved)(void *ctx, struct flue_socket *socket, enum flue_holder holder, enum flue_move why, flue_ps at_ps);
};

struct flue_host_params {
    uint32_t ip;                      /* own address */
    struct flue_tcp_params tcp;       /* the software path's engine; also what the target inherits */
    struct flue_profile profile;      /* host prices are used */
    const struct flue_policy *policy; /* borrowed; static storage */
    uint32_t send_quantum;            /* segments a connection may send in its turn: 4 */
    uint32_t backlog_frames;          /* ordinary frames outstanding in the adapter before the host waits: 64 */
    uint32_t tree_connections;        /* connections per initiate tree at most: 256 */
    uint32_t connections;             /* expected; sizes tables, no limit */
};

/* Makes a host and registers it as protocol driver on ndis.  Borrows env, timers, trace, ndis; copies params.
 * FLUE_OK: *out owned by the caller.  Else *out NULL: FLUE_ENOMEM, FLUE_EINVAL. */
FLUE_CHECKED flue_err flue_host_new(const struct flue_env *env, struct timers *timers, const struct flue_trace *trace,
                                    struct flue_ndis *ndis, const struct flue_host_params *params,
                                    struct flue_host **out);
/* NULL does nothing. */
void flue_host_free(struct flue_host *host);

/* A static neighbour (the next hop of everything, on a wire without ARP): its MAC, zero on point to point. */
void flue_host_neighbour(struct flue_host *host, const uint8_t mac[6], uint32_t mtu_bytes);

/* Accepts connections on a port; app and ctx serve every one of them.  Borrowed until the host is freed. */
FLUE_CHECKED flue_err flue_host_listen(struct flue_host *host, uint16_t port, const struct flue_app *app, void *ctx);
/* Opens a connection.  id: identity in traces and books, unique per run.  at_ps: when the application asks for it. */
FLUE_CHECKED flue_err flue_host_connect(struct flue_host *host, const struct flue_tcp_tuple *tuple, uint32_t id,
                                        const struct flue_app *app, void *ctx, flue_ps at_ps, struct flue_socket **out);

/* Runs fn on the host's core for work that arrives at arrival_ps (an application's own timer): fn is called at once
 * with the virtual time at which the core takes it up. */
void flue_host_run(struct flue_host *host, flue_ps arrival_ps, void (*fn)(void *ctx, flue_ps at_ps), void *ctx);

/* Appends bytes of the socket's described outgoing stream: charged as one send call.  The stream number is
 * 2 x id on the connecting side and 2 x id + 1 on the accepting side; offsets count from 0.  FLUE_ESTATE after close;
 * FLUE_ENOMEM. */
FLUE_CHECKED flue_err flue_host_socket_send(struct flue_socket *socket, uint32_t bytes);
/* Closes the sending side after what is queued (FIN).  FLUE_ESTATE if done already. */
FLUE_CHECKED flue_err flue_host_socket_close(struct flue_socket *socket);
/* Resets the connection. */
void flue_host_socket_abort(struct flue_socket *socket);

/* Hands the connection to the target, or takes it back, now (policy at-a-time).  FLUE_ESTATE: not in a state that
 * allows it. */
FLUE_CHECKED flue_err flue_host_socket_offload(struct flue_socket *socket, flue_ps at_ps);
FLUE_CHECKED flue_err flue_host_socket_upload(struct flue_socket *socket, flue_ps at_ps);
/* Ends the offload of every path and neighbour object that no connection depends on any more (they stay with the target
 * otherwise, so that the next connection finds them there).  What is left to do completes like any other terminate. */
void flue_host_release_offload(struct flue_host *host, flue_ps at_ps);

/* Charges the application's own work for `requests` requests. */
void flue_host_socket_work(struct flue_socket *socket, unsigned requests);

void flue_host_socket_set_ctx(struct flue_socket *socket, void *ctx); /* per connection; default: the app's ctx */
uint32_t flue_host_socket_id(const struct flue_socket *socket);
const struct flue_tcp_tuple *flue_host_socket_tuple(const struct flue_socket *socket);
enum flue_holder flue_host_socket_holder(const struct flue_socket *socket);
const struct flue_account *flue_host_socket_account(const struct flue_socket *socket);
/* Accepted by flue_host_socket_send() and not yet acknowledged. */
uint64_t flue_host_socket_unacked_bytes(const struct flue_socket *socket);

struct flue_host_totals {
    uint64_t sockets;                      /* open now */
    uint64_t holders[FLUE_HOLDER_COUNT];   /* sockets by holder now */
    uint64_t offloaded, uploaded, refused; /* connections, over the run */
    uint64_t moves[FLUE_MOVE_COUNT];
    uint64_t held_segments, forwarded_segments;
    uint64_t chain_bytes_taken;    /* send data through NetBufferListChain, up */
    uint64_t buffered_bytes_taken; /* receive data through BufferedData, up */
    uint64_t interrupts;
    uint64_t frames_received, frames_sent;
};
void flue_host_totals(const struct flue_host *host, struct flue_host_totals *out);
void flue_host_tcp_totals(const struct flue_host *host, struct flue_tcp_totals *out);
/* The host's core and its books; borrowed until the host is freed.  Only the adapter may begin work on it and charge
 * it: an interrupt, before its first upcall.  If it does not, the host does both at the first upcall. */
struct flue_server *flue_host_core(struct flue_host *host);
/* Status of the last refused initiate of a TCP object; 0 if none: an NDIS_STATUS. */
int32_t flue_host_last_refusal(const struct flue_host *host);
/* Every object the host has lent or taken is back: 0, or how many are not. */
uint64_t flue_host_objects_live(const struct flue_host *host);
/* Sum of the books of all sockets, closed ones included.  With the core's general book it equals the core's totals. */
void flue_host_book(const struct flue_host *host, struct flue_account *sum);

FLUE_END_C

#endif
