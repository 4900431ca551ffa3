/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/host.h - the host stack: sockets above the switch, the software path, the decision to offload and to take back.
 * A host is the top protocol driver of its node; below it there is only NDIS. */
#ifndef FLUE_HOST_H
#define FLUE_HOST_H

#include "flue/base.h"
#include "flue/cost.h"
#include "flue/ddi.h"
#include "flue/policy.h"
#include "flue/tcp_engine.h"

FLUE_BEGIN_C

struct flue_env;
struct flue_trace;
struct flue_ndis;
struct flue_host;        /* opaque */
struct flue_host_socket; /* opaque: one connection as the application sees it, whoever holds it */
struct timers;

/* Who holds a connection.  Changed in one function, by a table of legal edges (behaviour 5.1). */
#define FLUE_HOLDERS(X)                                                                                                \
    X(HOST, "host")               /* software path */                                                                  \
    X(OFFERED, "offered")         /* initiate called, not yet completed */                                             \
    X(TARGET, "target")           /* the adapter runs TCP */                                                           \
    X(GIVING_BACK, "giving back") /* terminate called, not yet completed */                                            \
    X(LOST, "lost")               /* terminate failed: the state is gone */                                            \
    X(CLOSED, "closed")           /* the connection has ended */

/* Who it is; FLUE_HOLDER_COUNT of them. */
enum flue_holder {
#define X(name, title) FLUE_HOLDER_##name,
    FLUE_HOLDERS(X)
#undef X
        FLUE_HOLDER_COUNT
};
/* Its word: "giving back"; "?" if unknown.  Static storage. */
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
    X(FAILED, "terminate failed")                                                                                      \
    X(BROKEN, "an update or a query failed")                                                                           \
    X(NO_ROUTE, "its next hop is gone")                                                                                \
    X(ADVICE, "the target recommended it")                                                                             \
    X(ADAPTER, "its address is on another adapter")

/* Why; FLUE_MOVE_COUNT reasons. */
enum flue_move {
#define X(name, title) FLUE_MOVE_##name,
    FLUE_MOVES(X)
#undef X
        FLUE_MOVE_COUNT
};
/* Its words: "the target asked"; "?" if unknown.  Static storage. */
const char *flue_move_name(unsigned move);

/* What the host knows of a neighbour (RFC 4861 7.3.2; ARP is treated alike).  Changed in one function, by a table. */
#define FLUE_NEIGHBOURS(X)                                                                                             \
    X(INCOMPLETE, "incomplete") /* its address is being asked for */                                                   \
    X(REACHABLE, "reachable")   /* confirmed not long ago; a static one always is */                                   \
    X(STALE, "stale")           /* confirmed too long ago */                                                           \
    X(DELAY, "delay")           /* stale, and used: a confirmation may come by itself */                               \
    X(PROBE, "probe")           /* asked by unicast */                                                                 \
    X(FAILED, "failed")         /* it does not answer */

/* How well it is known; FLUE_NEIGHBOUR_COUNT states. */
enum flue_neighbour {
#define X(name, title) FLUE_NEIGHBOUR_##name,
    FLUE_NEIGHBOURS(X)
#undef X
        FLUE_NEIGHBOUR_COUNT
};
/* Its word: "stale"; "?" if unknown.  Static storage. */
const char *flue_neighbour_name(unsigned neighbour);

/* The application above a socket.  Each call runs on the host's core at virtual time at_ps; from inside it the
 * application may call every flue_socket_* function of the same host.  Any pointer may be NULL. */
struct flue_app {
    /* Identity of a connection that came in (traces, books, streams): unique per run.  NULL: a running number. */
    uint32_t (*identify)(void *ctx, const struct flue_tcp_tuple *tuple);
    /* The connection is open (both ends). */
    void (*connected)(void *ctx, struct flue_host_socket *socket, flue_ps at_ps);
    /* The next bytes of the peer's stream, in order; already read (copied and charged). */
    void (*received)(void *ctx, struct flue_host_socket *socket, const struct flue_span *span, flue_ps at_ps);
    /* bytes of earlier sends have been acknowledged by the peer. */
    void (*acknowledged)(void *ctx, struct flue_host_socket *socket, uint32_t bytes, flue_ps at_ps);
    /* The peer has closed its sending side. */
    void (*peer_closed)(void *ctx, struct flue_host_socket *socket, flue_ps at_ps);
    /* The connection has ended; the socket is gone after this call.  Never called from inside flue_socket_*. */
    void (*closed)(void *ctx, struct flue_host_socket *socket, enum flue_tcp_reason reason, flue_ps at_ps);
    /* The holder changed to HOST or TARGET for good. */
    void (*moved)(void *ctx, struct flue_host_socket *socket, enum flue_holder holder, enum flue_move why,
                  flue_ps at_ps);
};

/* What a host is made of.  Zeroed is no start: policy and the three numbers of ordinary sending must be set. */
struct flue_host_params {
    uint32_t ip;                             /* own address */
    struct flue_tcp_params tcp;              /* the software path's engine; also what the target inherits */
    struct flue_profile profile;             /* host prices are used */
    const struct flue_policy *policy;        /* borrowed; static storage */
    struct flue_policy_params policy_params; /* copied; flue_policy_defaults() is a start */
    uint32_t send_quantum;                   /* segments a connection may send in its turn: 4 */
    uint32_t backlog_frames;                 /* ordinary frames outstanding in the adapter before the host waits: 64 */
    uint32_t tree_connections;               /* connections per initiate tree at most: 256 */
    uint32_t connections;                    /* expected; sizes tables, no limit */
    struct flue_ddi ddi;                     /* zeroed: all defaults but the numbers, which are then 0 */
    uint32_t receive_post_bytes;  /* room of each receive buffer a socket posts at the target; 0: it posts none */
    uint32_t receive_posts;       /* how many it keeps posted there */
    uint32_t receive_nonpush;     /* 1: each comes back only when it is full (CH-189) */
    uint32_t receive_queue_bytes; /* received bytes that wait for an application that does not read, before the host
                                   * refuses more of the target; 0: tcp.rcv_buffer_bytes */
    uint32_t heed_advice;         /* bit n: an upload reason n that the host may ignore is followed */
    uint32_t follow_send_backlog; /* 1: bytes posted at the target are limited to what it advises (CH-263) */
    uint32_t close_with_data;     /* 1: the last bytes before a close travel in the disconnect's own list */
    uint32_t receive_queues;      /* processors 0 .. n-1 that adapters are told to spread received frames over
                                   * (behaviour 15.8); 0, 1: nothing is told */
    uint32_t update_only;         /* 1: a dead next hop is not invalidated first, if its paths can move elsewhere */
    flue_ps nud_reachable_ps;     /* a confirmation of a next hop holds so long: 30 s (RFC 4861 10); the target's
                                   * NceStaleTicks, too.  0 in each of the three: the RFC's */
    flue_ps nud_delay_ps;         /* and is waited for so long before the first probe: 5 s */
    flue_ps nud_retrans_ps;       /* between probes, three of them: 1 s */
    uint32_t reoffer;             /* 1: a connection that had to come back is offered again after the back-off; a
                                   * policy that is asked again does that itself */
};

/* Makes a host and registers it as protocol driver on ndis.  Borrows env, timers, trace, ndis; copies params.
 * FLUE_OK: *out owned by the caller.  Else *out NULL: FLUE_ENOMEM; FLUE_EINVAL: there is no policy, send_quantum,
 * backlog_frames or tree_connections is 0, or params->tcp has a value out of its range (flue/tcp.h). */
FLUE_CHECKED flue_err flue_host_new(const struct flue_env *env, struct timers *timers, const struct flue_trace *trace,
                                    struct flue_ndis *ndis, const struct flue_host_params *params,
                                    struct flue_host **out);
/* NULL does nothing. */
void flue_host_free(struct flue_host *host);

/* A static neighbour (the next hop of everything, on a wire without ARP): its MAC, zero on point to point. */
void flue_host_neighbour(struct flue_host *host, const uint8_t mac[6], uint32_t mtu_bytes);

/* An adapter (0, 1, ... in the order in which it was bound) whose wire has MAC addresses: neighbours are found by ARP
 * and neighbour discovery.  mac: the adapter's own.  FLUE_EINVAL: there is no such adapter. */
FLUE_CHECKED flue_err flue_host_link(struct flue_host *host, unsigned adapter, const uint8_t mac[6],
                                     uint32_t mtu_bytes);
/* VLAN id of what leaves by an adapter, by the ordinary path and by the target (CH-275, CH-277); 0: the interface's.
 * And: the source MAC address of what the target sends (CH-272, CH-273); NULL: the interface's own, which ordinary
 * frames always have, since the adapter takes no others before something is offloaded.  Neighbours tell the target,
 * once. FLUE_EINVAL: no such adapter or id, or no MAC addresses on its wire; FLUE_ESTATE: something is offloaded there.
 */
FLUE_CHECKED flue_err flue_host_vlan(struct flue_host *host, unsigned adapter, uint16_t vlan);
FLUE_CHECKED flue_err flue_host_source_mac(struct flue_host *host, unsigned adapter, const uint8_t mac[6]);
/* One more own address, on an adapter; params.ip is the first adapter's.  FLUE_EINVAL: there is no such adapter;
 * FLUE_ENOMEM: it has FLUE_HOST_ADDRESSES. */
#define FLUE_HOST_ADDRESSES 8
FLUE_CHECKED flue_err flue_host_address(struct flue_host *host, unsigned adapter, const struct flue_ip *ip);
/* Everything in prefix/bits (bits of 128; an IPv4 prefix counts its 96 mapped ones) leaves through an adapter, by way
 * of next_hop; NULL: on the link itself.  The longest prefix wins, among equal ones the first whose next hop is not
 * known to be dead.  What no route covers is on the link of the adapter that has the local address.
 * FLUE_EINVAL: there is no such adapter, or bits is above 128; FLUE_ENOMEM. */
FLUE_CHECKED flue_err flue_host_route(struct flue_host *host, const struct flue_ip *prefix, unsigned bits,
                                      const struct flue_ip *next_hop, unsigned adapter);
/* An own address goes to another adapter, which tells its link so (RFC 5227 3), and with it every connection that the
 * host holds.  One that the old adapter's target holds stays there, and goes on: what comes for it by the new adapter
 * is forwarded.  It is taken back and offered to the new one's target by flue_host_socket_move(); one that comes back
 * for another reason follows its address by itself.  Called again for the same adapter: told again.
 * FLUE_EINVAL: there is no such adapter, it has no MAC addresses on its wire, or this is no own address; FLUE_ENOMEM:
 * FLUE_HOST_ADDRESSES are there, or some paths found no memory; those stay, and may be tried again. */
FLUE_CHECKED flue_err flue_host_address_move(struct flue_host *host, const struct flue_ip *ip, unsigned adapter,
                                             flue_ps at_ps);
/* Every path over one next hop goes over another one of the same adapter from now on; offloaded ones by an update
 * (behaviour 9.2).  from NULL: the static neighbour.  FLUE_EEXIST: from is not known; FLUE_ENOMEM. */
FLUE_CHECKED flue_err flue_host_relink(struct flue_host *host, const struct flue_ip *from, const struct flue_ip *to,
                                       flue_ps at_ps);
/* Stops all that the target sends over a next hop (behaviour 10); NULL: the static neighbour.  FLUE_EEXIST: not known;
 * FLUE_ESTATE: the target does not have it. */
FLUE_CHECKED flue_err flue_host_invalidate_neighbour(struct flue_host *host, const struct flue_ip *next_hop,
                                                     flue_ps at_ps);
/* What the host knows of a next hop.  FLUE_EEXIST: nothing. */
FLUE_CHECKED flue_err flue_host_neighbour_state(const struct flue_host *host, const struct flue_ip *next_hop,
                                                enum flue_neighbour *out);
/* No connection of an IP version (4 or 6) is offloaded to this adapter from now on: those that are come back first
 * (CH-305).  enable 1: they may be again.  FLUE_EINVAL: there is no such adapter or version. */
FLUE_CHECKED flue_err flue_host_chimney(struct flue_host *host, unsigned adapter, unsigned version, int enable,
                                        flue_ps at_ps);

/* Moves every entry of the adapters' indirection tables `by` processors further.  FLUE_ESTATE: there are no tables. */
FLUE_CHECKED flue_err flue_host_receive_remap(struct flue_host *host, unsigned by, flue_ps at_ps);

/* Accepts connections on a port; app and ctx serve every one of them.  Borrowed until the host is freed. */
FLUE_CHECKED flue_err flue_host_listen(struct flue_host *host, uint16_t port, const struct flue_app *app, void *ctx);
/* Opens a connection.  id: identity in traces and books, unique per run.  at_ps: when the application asks for it. */
FLUE_CHECKED flue_err flue_host_connect(struct flue_host *host, const struct flue_tcp_tuple *tuple, uint32_t id,
                                        const struct flue_app *app, void *ctx, flue_ps at_ps,
                                        struct flue_host_socket **out);

/* Runs fn on the host's core for work that arrives at arrival_ps (an application's own timer): fn is called at once
 * with the virtual time at which the core takes it up. */
void flue_host_run(struct flue_host *host, flue_ps arrival_ps, void (*fn)(void *ctx, flue_ps at_ps), void *ctx);

/* Appends bytes of the socket's described outgoing stream: charged as one send call.  The stream number is
 * 2 x id on the connecting side and 2 x id + 1 on the accepting side; offsets count from 0.  FLUE_ESTATE after close;
 * FLUE_ENOMEM. */
FLUE_CHECKED flue_err flue_host_socket_send(struct flue_host_socket *socket, uint32_t bytes);
/* Closes the sending side after what is queued (FIN).  FLUE_ESTATE if done already, or if the connection has ended. */
FLUE_CHECKED flue_err flue_host_socket_close(struct flue_host_socket *socket);
/* Resets the connection. */
void flue_host_socket_abort(struct flue_host_socket *socket);

/* The application stops reading, and goes on.  What comes meanwhile waits, then the window closes. */
void flue_host_socket_pause_reading(struct flue_host_socket *socket);
void flue_host_socket_resume(struct flue_host_socket *socket);

/* The variables of a connection that may change while it lives: of struct flue_tcp_settings those that the interface
 * knows (keep-alive and its three values, Nagle, receive buffer, indication size, user timeout, TTL, TOS, priority,
 * flow label).  Whoever holds the connection is told: the engine at once, the target by an update, one at a time, later
 * changes wait.  FLUE_ESTATE: it has ended, or is not open yet; FLUE_ENOMEM. */
FLUE_CHECKED flue_err flue_host_socket_settings(const struct flue_host_socket *socket, struct flue_tcp_settings *out);
FLUE_CHECKED flue_err flue_host_socket_change(struct flue_host_socket *socket, const struct flue_tcp_settings *settings,
                                              flue_ps at_ps);

/* Asks the target for the delegated variables of a connection that it holds.  told is called once, later; delegated
 * NULL: the target could not tell, and the connection is taken back (CH-096).  FLUE_ESTATE: the target does not hold
 * it, or is giving it back; FLUE_ENOMEM. */
struct TCP_OFFLOAD_STATE_DELEGATED; /* flue/ndischimney.h */
typedef void flue_host_told_fn(void *ctx, struct flue_host_socket *socket,
                               const struct TCP_OFFLOAD_STATE_DELEGATED *delegated, flue_ps at_ps);
FLUE_CHECKED flue_err flue_host_socket_query(struct flue_host_socket *socket, flue_host_told_fn *told, void *ctx,
                                             flue_ps at_ps);

/* Hands the connection to the target, or takes it back, now (policy at-a-time).  FLUE_ESTATE: not in a state that
 * allows it. */
FLUE_CHECKED flue_err flue_host_socket_offload(struct flue_host_socket *socket, flue_ps at_ps);
FLUE_CHECKED flue_err flue_host_socket_upload(struct flue_host_socket *socket, flue_ps at_ps);
/* Takes a connection back from a target through whose adapter its address does not lead any more, and offers it to the
 * one of the adapter that has it now.  FLUE_ESTATE: it is not with such a target, or on its way already; it may follow
 * by itself. */
FLUE_CHECKED flue_err flue_host_socket_move(struct flue_host_socket *socket, flue_ps at_ps);
/* Ends the offload of every path and neighbour object that no connection depends on any more (they stay with the target
 * otherwise, so that the next connection finds them there).  What is left to do completes like any other terminate. */
void flue_host_release_offload(struct flue_host *host, flue_ps at_ps);

/* What a connection will carry in all, both ways: for policies that are clairvoyant; others make nothing of it. */
struct flue_host_hint {
    uint64_t bytes, requests; /* requests: writes of this end */
    uint64_t rank;            /* how many connections carry more */
};
/* Said by the application when the connection opens, before its connected() returns; *hint is copied. */
void flue_host_socket_expect(struct flue_host_socket *socket, const struct flue_host_hint *hint);

/* ---- From host to host.  A connection leaves as an image: all that its TCP, its socket and its stream know, but not
 * the bytes of its buffers, which are described (struct flue_span); payload_bytes tells how many a real image would
 * carry, unacknowledged, unsent, out of order and unread ones together.  Any TCP state but CLOSED can move, and between
 * the two calls nothing happens to the connection: its timers stand still. */

/* FLUE_OK and *bytes <= room: the image in out is the connection now; the socket is gone from here, without a word to
 * its application or its peer, and its book stays in this host's.  *bytes > room: nothing has changed.
 * FLUE_ESTATE: a target holds it (take it back first), it has ended or is being reset, or the application has something
 * to be told first; FLUE_EINVAL: its payload lies in memory.  Not from inside a callback of the same socket. */
FLUE_CHECKED flue_err flue_host_socket_export(struct flue_host_socket *socket, flue_ps at_ps, void *out, size_t room,
                                              size_t *bytes, uint64_t *payload_bytes);
/* A socket of this host from an image, held by the host, with an empty book; app and ctx as with flue_host_listen().
 * Only FLUE_OK takes the connection over; after anything else the image is as good as before, here or elsewhere.
 * FLUE_EEXIST: the tuple is in use; FLUE_EPARSE: it is no image, or damaged; FLUE_ENOMEM.  That the local address is
 * one of this host's is the caller's business. */
FLUE_CHECKED flue_err flue_host_socket_import(struct flue_host *host, const void *image, size_t bytes,
                                              const struct flue_app *app, void *ctx, flue_ps at_ps,
                                              struct flue_host_socket **out);
/* What comes for a connection that this host does not know is shown to stray first: 1: it has taken care of it, 0: the
 * host goes on, with a listener or a reset.  The frame is borrowed until return.  NULL: nobody is asked. */
typedef int flue_host_stray_fn(void *ctx, const struct flue_frame *frame, flue_ps at_ps);
void flue_host_set_stray(struct flue_host *host, flue_host_stray_fn *stray, void *ctx);
/* An own address is another host's from now on.  FLUE_EINVAL: it was none.  And: an adapter tells its link that an own
 * address is there (RFC 5227 3).  FLUE_EINVAL: it is not, or there are no MAC addresses. */
FLUE_CHECKED flue_err flue_host_address_leave(struct flue_host *host, const struct flue_ip *ip);
FLUE_CHECKED flue_err flue_host_announce(struct flue_host *host, unsigned adapter, const struct flue_ip *ip,
                                         flue_ps at_ps);

/* Asks for the address of the next hop between two addresses before somebody sends there.  FLUE_ENOMEM. */
FLUE_CHECKED flue_err flue_host_resolve(struct flue_host *host, const struct flue_ip *local_ip,
                                        const struct flue_ip *remote_ip, flue_ps at_ps);

/* Charges the application's own work for `requests` requests. */
void flue_host_socket_work(struct flue_host_socket *socket, unsigned requests);

/* The first argument of the socket's calls to its application from now on; at first that of listen or connect. */
void flue_host_socket_set_ctx(struct flue_host_socket *socket, void *ctx);
/* The identity of a connection in traces and books: by its socket, and by its tuple; FLUE_NO_CONN: there is none. */
uint32_t flue_host_socket_id(const struct flue_host_socket *socket);
uint32_t flue_host_identify(const struct flue_host *host, const struct flue_tcp_tuple *tuple);
/* What the host's TCP knows of a connection.  FLUE_ESTATE: the host does not hold it. */
FLUE_CHECKED flue_err flue_host_socket_info(const struct flue_host_socket *socket, struct flue_tcp_info *out);
/* Its name, local end first; who runs its TCP; its book, borrowed until the socket is gone. */
struct flue_tcp_tuple flue_host_socket_tuple(const struct flue_host_socket *socket);
enum flue_holder flue_host_socket_holder(const struct flue_host_socket *socket);
const struct flue_account *flue_host_socket_account(const struct flue_host_socket *socket);
/* Accepted by flue_host_socket_send() and not yet acknowledged. */
uint64_t flue_host_socket_unacked_bytes(const struct flue_host_socket *socket);

/* Reasons of Retrieve (TCP_UPLOAD_REASON), and different statuses that a refusal can have. */
enum { FLUE_RETRIEVES = 12, FLUE_REFUSALS = 20 };

/* What a host has counted since flue_host_new(), and what it holds now. */
struct flue_host_totals {
    uint64_t sockets;                      /* open now */
    uint64_t holders[FLUE_HOLDER_COUNT];   /* sockets by holder now */
    uint64_t offloaded, uploaded, refused; /* connections, over the run */
    uint64_t moves[FLUE_MOVE_COUNT];       /* by reason, over the run */
    /* Segments that came for a connection on its way (model/host/hold.c): kept; dropped, for want of room; sent after
     * it. */
    uint64_t held_segments, held_dropped, forwarded_segments;
    uint64_t chain_bytes_taken;             /* send data through NetBufferListChain, up */
    uint64_t buffered_bytes_taken;          /* receive data through BufferedData, up */
    uint64_t interrupts;                    /* of adapters, over the run */
    uint64_t frames_received, frames_sent;  /* ordinary ones, over the run */
    uint64_t updates, queries, invalidates; /* blocks, over the run */
    uint64_t failed;                        /* of those, how many the target could not do */
    uint64_t posted, refused_bytes;         /* receive buffers; bytes of indications that were not taken */
    uint64_t retrieved[FLUE_RETRIEVES];     /* events TcpIndicateRetrieve by reason */
    struct {
        int32_t status;                            /* an NDIS_STATUS; 0: no more */
        uint64_t count;                            /* of it */
    } refusals[FLUE_REFUSALS];                     /* `refused` by what the target said, in order of appearance */
    uint64_t solicitations, reassembled, relinked; /* ARP and ND requests; datagrams; paths */
    /* By reason of the policy: its answers, and those of them that made a connection move; moves to make room for
     * another connection; and equal facts that were not answered equally. */
    uint64_t answers[FLUE_POLICY_REASONS], policy_moves[FLUE_POLICY_REASONS], room_made, impure;
    uint64_t exported, imported; /* connections, to and from other hosts */
};
/* The host's counters now, and those of its own TCP engine (connections that it holds); *out is overwritten. */
void flue_host_totals(const struct flue_host *host, struct flue_host_totals *out);
void flue_host_tcp_totals(const struct flue_host *host, struct flue_tcp_totals *out);
/* How the host's engine sees a connection.  FLUE_ENOENT: it does not have it. */
FLUE_CHECKED flue_err flue_host_tcp_info(const struct flue_host *host, const struct flue_tcp_tuple *tuple,
                                         struct flue_tcp_info *out);
/* The host's core and its books; borrowed until the host is freed.  Only the adapter may begin work on it and charge
 * it: an interrupt, before its first upcall.  If it does not, the host does both at the first upcall. */
struct flue_server *flue_host_core(struct flue_host *host);
/* Status of the last refused initiate of a TCP object; 0 if none: an NDIS_STATUS. */
int32_t flue_host_last_refusal(const struct flue_host *host);
/* Every object the host has lent or taken is back: 0, or how many are not. */
uint64_t flue_host_objects_live(const struct flue_host *host);
/* Folds what the host keeps of sockets, state objects and adapters into *digest, moments counted from now_ps: two hosts
 * that go on alike have equal digests. */
void flue_host_fold(const struct flue_host *host, flue_ps now_ps, uint64_t *digest);
/* Sum of the books of all sockets, closed ones included.  With the core's general book it equals the core's totals. */
void flue_host_book(const struct flue_host *host, struct flue_book *sum);

FLUE_END_C

#endif
