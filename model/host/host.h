/* SPDX-License-Identifier: GPL-2.0-only */
/* host/host.h - the bodies of the host stack; what its files call of each other stands in one header for each
 * mechanism.
 *
 * Everything runs on one serial core, at its virtual time core.clock_ps, in *entries*: calls of flue_host_... from
 * outside, upcalls from NDIS, and timers.  An entry only notes what happened to a connection;
 * host_settle() then does what follows from it: reads for the application, calls it, returns buffer lists, hands
 * connections over, transmits.  All upcalls of one interrupt are settled together, by a timer that is due at once: the
 * application runs after the interrupt, and nothing is handed down from inside a completion (D-15, D-47).
 *
 * Each charge goes to the book of its socket, or to the core's general book; both together are the core's totals. Only
 * the answer to NeighborReachabilityQuery is written at once (CH-271).
 *
 * Payload in real memory is borrowed from its frame until the application has read it; data that waits longer (out of
 * order, held, unread) must be described payload or memory that outlives the frame. Unread bytes do not travel down
 * once the peer's FIN is known. What memory did not suffice for, and nothing else would bring up again, is tried again
 * after 1 ms by the timer `retry`; without memory for received data a connection is reset: no byte is lost silently.
 *
 * With receive-side scaling too there is this one core: the interrupts of all queues queue up on it, and only their
 * order and the HashValue of what is offloaded (rss.c) show that there are several. */
#ifndef FLUE_HOST_HOST_H
#define FLUE_HOST_HOST_H

#include <stdbool.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/timers.h"
#include "flue/env.h"
#include "flue/host.h"
#include "flue/ndischimney.h"
#include "flue/trace.h"
#include "flue/wire.h"

enum socket_flag {
    SOCKET_ACCEPTED = 0x0001,     /* a listener made it */
    SOCKET_CONNECTED = 0x0002,    /* the handshake is done */
    SOCKET_CLOSE_WANTED = 0x0004, /* the application closed its sending side */
    SOCKET_ABORT_WANTED = 0x0008, /* the application reset the connection */
    SOCKET_FIN_TOLD = 0x0010,     /* the present holder knows about the close */
    SOCKET_FIN_SENT = 0x0020,  /* our FIN was sent before the hand-over, or the target says that it was acknowledged */
    SOCKET_PEER_FIN = 0x0040,  /* the peer's FIN is known */
    SOCKET_RESET = 0x0080,     /* the target saw an acceptable RST */
    SOCKET_TIMED_OUT = 0x0100, /* the target gave up retransmitting */
    SOCKET_OFFER = 0x0200,     /* on the list of those to hand over */
    SOCKET_TAKE = 0x0400,      /* on the list of those to take back; nothing more is posted */
    SOCKET_ENDED = 0x0800,     /* the connection is over; the application is to be told */
    SOCKET_TIMER = 0x1000,     /* a TCP deadline has passed */
    SOCKET_TELL_CONNECTED = 0x2000,
    SOCKET_TELL_PEER_FIN = 0x4000,
    SOCKET_TELL_MOVED = 0x8000,
    SOCKET_ABORT_TOLD = 0x10000, /* the present holder knows about the reset */
    SOCKET_UNLINKED = 0x20000,   /* frames do not find it any more */
    SOCKET_PAUSED = 0x40000,     /* the application does not read */
    SOCKET_REOFFER = 0x80000,    /* offered again when its back-off is over */
    SOCKET_MOVE_ON = 0x100000,   /* offered as soon as it is back, on the adapter that has its address now */
    SOCKET_LATE = 0x200000,      /* something happened, and there was no memory to note it: see host_retry() */
    SOCKET_LEASED = 0x400000 /* written by socket_hold() only: its lease stands where its engine's connection would */
};

/* Received bytes until the application reads them. */
struct host_piece {
    struct host_piece *next;
    struct flue_span span;
};

/* A segment that came while nobody could process it (D-17). */
struct host_held {
    struct host_held *next;
    struct host_held *last; /* in the first: the last of the queue */
    struct flue_frame frame;
};

/* What the offload of a state object is at (behaviour 5.1): of a neighbour, a path or a connection. */
enum host_object_state {
    OBJECT_HERE,         /* H0 */
    OBJECT_OFFERED,      /* H1: initiate called */
    OBJECT_HELD,         /* H2, with updating H2u, with queries H2q */
    OBJECT_INVALIDATING, /* H3 */
    OBJECT_INVALID,      /* H4 */
    OBJECT_GIVING_BACK,  /* H5: terminate called */
    OBJECT_LOST          /* HX: terminate failed; by the recipe of D-32 it is terminated once more */
};

struct host_binding;

/* A state object. */
struct host_object {
    NDIS_OFFLOAD_HANDLE handle; /* first: OffloadContext of indications leads here */
    uint8_t state;              /* enum host_object_state; written by object_enter() only */
    uint8_t layer;              /* enum flue_layer */
    uint8_t updating;           /* an update runs: one at a time (CH-087) */
    uint8_t doomed;             /* to be terminated as soon as nothing depends on it (CH-091, CH-096, CH-110) */
    uint8_t failed;             /* terminates of it that failed */
    uint16_t queries;           /* that run */
};

/* One that others hang under: a neighbour, a path. */
struct host_stem {
    struct host_object object;
    struct host_binding *binding;
    struct flue_hook dirty;                  /* flue_host.dirty: something may have to be told to the target */
    uint32_t dependents;                     /* objects that are, or are being, offloaded above it */
    uint32_t gathered;                       /* its blocks in the terminate tree that is being built */
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block; /* in the tree that is being built; else NULL */
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST last;  /* its last dependent block there */
};

/* A next hop on the wire of one adapter. */
struct host_neighbour {
    union {
        struct host_object object; /* the stem's */
        struct host_stem stem;
    };
    struct flue_hook hook;    /* host_binding.neighbours */
    struct flue_hook stirred; /* flue_host.stirred: some of those that are to come may be able to */
    struct flue_hook leaving; /* host_binding.leaving_neighbours: it may be time for it to go */
    struct flue_hook paths;   /* that hang under it */
    struct flue_hook comers;  /* paths that hang elsewhere and are wanted here */
    uint32_t moving;          /* paths that the update that runs puts here */
    struct flue_ip ip;        /* all zero: the static one */
    uint8_t mac[6];
    uint8_t told_mac[6]; /* what the target knows */
    uint8_t state;       /* enum flue_neighbour; written by nud_enter() only */
    uint8_t solicited;   /* requests since the state was entered */
    uint8_t fixed;       /* static: never asked for */
    uint8_t asking;      /* the target is being asked when it saw progress last */
    uint8_t refused;     /* the target did not take it as the new next hop of paths */
    uint8_t patience;    /* answers that came after the last request had been given up: each doubles the wait */
    flue_ps confirmed_ps;
    flue_ps used_ps;           /* when it entered DELAY: progress after that counts */
    struct flue_ip from_ip;    /* whose frame asks for it */
    struct ndis_chain waiting; /* frames until its address is known */
    struct flue_hook offers;   /* sockets to hand over whose path hangs here, while that or this is on its way */
    struct timer timer;
};

struct host_path {
    union {
        struct host_object object; /* the stem's */
        struct host_stem stem;
    };
    struct flue_hook hook;    /* flue_host.paths */
    struct flue_hook idle;    /* flue_host.idle_paths, while no socket uses it */
    struct flue_hook below;   /* host_neighbour.paths of its parent */
    struct flue_hook coming;  /* host_neighbour.comers of the wanted one, if that is another */
    struct flue_hook leaving; /* host_binding.leaving_paths: it may be time for it to go */
    struct flue_hook evicted; /* flue_host.evicted: its connections are to be taken back, all */
    struct flue_hook leases;  /* of the connections over it that the target has, or is being offered */
    struct host_path *twin;   /* ring of those with the same addresses, on different adapters */
    uint32_t users;           /* its pair, as long as the address is on this adapter, and leases */
    uint8_t retired;          /* the address has gone to another adapter: its connections leave, none comes */
    struct flue_ip local_ip, remote_ip;
    struct host_neighbour *neighbour; /* the present parent */
    struct host_neighbour *wanted;    /* where routes want it to be; usually the same */
    struct host_neighbour *moving;    /* where the update that runs puts it; else NULL */
    uint32_t mtu_bytes, told_mtu_bytes;
    uint8_t source[16], destination[16]; /* network order, 4 or 16 bytes (CH-148) */
};

/* Two addresses, for all sockets of one application between them. */
struct host_pair {
    struct flue_host *host;
    const struct flue_app *app;
    struct flue_ip local_ip, remote_ip;
    struct host_path *path; /* the present one, never retired; NULL until one of them sends first */
    uint32_t users;         /* sockets */
    uint32_t hash;
};

struct host_route {
    struct flue_hook hook;
    struct flue_ip prefix, next_hop;
    unsigned bits;
    struct host_binding *binding;
    uint8_t on_link;
};

/* Why an adapter has to be without offload. */
enum host_leaving { HOST_LEAVING_POWER, HOST_LEAVING_PAUSE, HOST_LEAVING_COUNT };

/* One adapter as this host has opened it. */
struct host_binding {
    struct flue_hook hook; /* flue_host.bindings */
    struct flue_host *host;
    NDIS_HANDLE handle;
    struct flue_hook neighbours;
    struct flue_hook leaving_paths, leaving_neighbours; /* looked at by release_objects() */
    uint32_t leases[2];          /* connections that the target has, or is being offered: IPv4, IPv6 */
    uint32_t neighbour_count;    /* that were made, the static one not counted */
    uint32_t neighbour_limit;    /* more are looked through for such as nothing needs */
    struct host_neighbour fixed; /* the static neighbour */
    struct flue_ip addresses[FLUE_HOST_ADDRESSES];
    unsigned address_count;
    uint32_t index;
    uint32_t mtu_bytes;
    uint8_t mac[6];
    uint8_t source_mac[6]; /* with has_source: of what the target sends to its neighbours */
    uint8_t has_mac;
    uint8_t has_source;
    uint16_t vlan;          /* 0: no tag */
    uint8_t paused;         /* after OFFLOAD_PAUSE or UPLOAD_ALL: nothing is initiated */
    uint8_t release_wanted; /* after UPLOAD_ALL: paths and neighbours go, too, as soon as nothing depends on them */
    uint8_t review;         /* an object may have become free to go */
    uint8_t unread;         /* resumed, its capability not yet read again (CH-309) */
    uint8_t leaving;        /* bit n: enum host_leaving; nothing is initiated until it is over */
    uint8_t broken;         /* reported HardwareFailure: nothing is initiated until it resumes (D-35) */
    uint8_t off[2];         /* IPv4, IPv6: switched off, or about to be */
    uint8_t told_off[2];    /* what the adapter was told last */
    uint8_t switching;      /* requests about that under way: nothing is initiated */
    uint8_t knows;          /* capability is known */
    NDIS_TCP_CONNECTION_OFFLOAD capability;
    uint32_t targets;                                      /* connections that its target holds */
    uint32_t objects;                                      /* state objects that are not here */
    struct ndis_chain out;                                 /* ordinary frames of the present turn */
    struct ndis_chain received;                            /* ordinary frames to return */
    struct ndis_chain indicated;                           /* chimney buffer lists to return */
    PNET_PNP_EVENT_NOTIFICATION event[HOST_LEAVING_COUNT]; /* that were answered PENDING */
    /* The initiate tree that is being built. */
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root, last, placeholder, placeholder_last;
};

/* More than so many idle ones are too many (paths of a host; neighbours of an adapter). */
enum { HOST_IDLE_MAX = 64 };

/* Steps of the back-off: from 1 ms on, waits of later steps are alike. */
enum { HOST_REOFFER_STEPS = 18 };

/* Sizes of what only one file knows. */
#define HOST_REQUEST_BYTES  320u
#define HOST_QUESTION_BYTES 192u
#define HOST_FRAGMENT_BYTES 48u
#define HOST_DATAGRAM_BYTES 384u

struct host_listener {
    struct flue_hook hook;
    const struct flue_app *app;
    void *ctx;
    uint16_t port;
};

/* Constant and cached variables of connections that the target holds, kept because terminate does not return them: for
 * all connections that have the same (cached.c). */
#define HOST_VALUES_tcp_const(type, name)
#define HOST_VALUES_tcp_cached(type, name) type name;
#define HOST_VALUES_tcp_delegated(type, name)
struct host_values {
    uint16_t const_flags, remote_mss; /* of the constant ones what connections have in common */
    uint8_t snd_wscale, rcv_wscale;
#define FLUE_STATE(class_, name, type, unit, member, since) HOST_VALUES_##class_(type, name)
#include "flue/state.def"
};

struct host_cached {
    struct host_values values;
    uint32_t users;
    uint32_t hash;
};

/* Cached variables that the target is still to be told. */
struct host_change {
    struct flue_hook hook; /* flue_host.changes */
    struct flue_host_socket *socket;
    const struct host_cached *wanted;
};

/* What a connection needs beyond its socket from initiate to the end of terminate: with that all that the host keeps of
 * it.  Its path may be a retired one, when its pair has gone on to another. */
struct host_lease {
    struct host_object object;
    struct flue_host_socket *socket;
    struct host_path *path;         /* its adapter is that of the connection */
    struct flue_hook beside;        /* host_path.leases */
    const struct host_cached *told; /* as the target knows it; what differs from it is a struct host_change */
    PNET_BUFFER_LIST requeued;      /* sends that came back UPLOAD_IN_PROGRESS, in order; its Scratch: the last */
    uint32_t hash_value;            /* its own among the constant variables, beside its ports */
    uint32_t backlog_bytes;         /* send bytes the target wants to have; 0: no limit */
    uint16_t posts;                 /* receive buffers at the target */
    bool refusing : 1;              /* data was refused: a post is needed for more (D-45) */
    bool recalled : 1;              /* wanted back while it was still being offered */
    bool posts_failed : 1;          /* nothing more is posted */
    bool broken : 1;                /* HardwareFailure: with the abort that follows, its state is gone */
    bool buffered : 1;              /* the unread bytes travel in BufferedData */
};
_Static_assert(sizeof(struct host_lease) <= 88, "an offloaded connection costs the host more");

/* Of a connection that had to come back. */
struct host_wait {
    struct flue_hook hook; /* with SOCKET_REOFFER: on one of flue_host.reoffers, .ripe, .parked */
    struct flue_host_socket *socket;
    flue_ps not_before_ps; /* the next hand-over */
};

/* What the host remembers of a connection for its policy. */
struct host_view {
    struct flue_hook hook; /* flue_host.ask.touched, or one of .quiet */
    struct flue_host_socket *socket;
    flue_ps opened_ps;
    flue_ps touched_ps;    /* the application sent or read last */
    flue_ps moved_ps;      /* it went over to another holder last */
    flue_ps window_ps;     /* when the present window began */
    flue_ps look_ps;       /* on .quiet: when it is looked at */
    flue_ps not_before_ps; /* back-off after a refusal */
    uint64_t received_bytes, window_bytes /* at its begin */, recent_bytes, rate_bps;
    uint64_t srtt_ps, retransmits, segments; /* as the engine told last; the two after: of earlier engines */
    uint64_t retransmits_before, segments_before;
    struct flue_host_hint hint;
    uint64_t value; /* in the ranking */
    uint32_t slot;  /* 1 + place in the ranking; 0: not in it */
    uint32_t writes, reads, moves, refusals;
    uint32_t engine;  /* moves when the engine was asked last */
    uint8_t step;     /* 0: on .touched; else on .quiet[step - 1] */
    uint8_t promised; /* room is being made for it */
};

/* What a connection needs only while something of it moves, is queued, waits, or is watched by a policy.  A socket
 * without one of its own points to flue_host.idle. */
struct host_traffic {
    struct flue_host_socket *socket;
    struct flue_hook output;   /* flue_host.outputs: has something to transmit */
    struct flue_hook attend;   /* flue_host.attend: something happened */
    struct flue_hook move;     /* flue_host.offers or .takes, or host_neighbour.offers */
    struct host_piece *pieces; /* received bytes: the last of a ring, whose next is the first; NULL: none */
    struct host_held *held;
    uint64_t unposted_bytes;    /* accepted from the application, not given to a holder: they wait here */
    uint32_t tell_acked_bytes;  /* acknowledged, application not told yet */
    uint32_t unread_bytes;      /* in pieces */
    uint32_t owed_bytes;        /* handed up by the software path, not yet reported by flue_tcp_consumed() */
    uint32_t lists;             /* buffer lists of the target that are returned after the read */
    uint32_t arrived;           /* segments held that came in since nothing was held */
    struct host_change *change; /* NULL unless the target is to be told something */
    struct host_wait *wait;     /* NULL while it never had to come back */
    struct host_view *view;     /* what its policy may know; NULL: the policy is not asked again */
};
_Static_assert(sizeof(struct host_traffic) <= 128, "what moves costs more");

/* A connection of which nothing moves is this, and its engine's or its lease. */
struct flue_host_socket {
    struct host_pair *pair; /* its addresses, and its host */
    union {                 /* by SOCKET_LEASED: read by socket_conn() and socket_lease() */
        struct flue_tcp_conn *conn;
        struct host_lease *lease;
    };
    struct host_traffic *traffic; /* written to only by way of socket_traffic() */
    void *ctx;
    struct flue_hook all;   /* flue_host.all */
    uint64_t sent_bytes;    /* accepted from the application */
    uint64_t unacked_bytes; /* of these, not acknowledged by the peer */
    uint32_t flags;         /* enum socket_flag */
    uint32_t woken;         /* the core's count of works when the application was last woken */
    uint16_t local_port, remote_port;
    uint8_t holder;              /* enum flue_holder; written by socket_enter() only */
    uint8_t why;                 /* enum flue_move: of the hand-over that is wanted or under way */
    uint8_t reason;              /* enum flue_tcp_reason, with SOCKET_ENDED */
    uint8_t driven_back;         /* mandatory uploads so far (D-35) */
    struct flue_account account; /* .conn: its identity */
};
_Static_assert(sizeof(struct flue_host_socket) <= 128, "an idle connection costs the host more");

/* NULL unless the host holds the connection. */
static inline struct flue_tcp_conn *socket_conn(const struct flue_host_socket *socket)
{
    return (socket->flags & SOCKET_LEASED) != 0 ? NULL : socket->conn;
}

/* The same, and NULL once the connection is over, too. */
static inline struct flue_tcp_conn *socket_running(const struct flue_host_socket *socket)
{
    return (socket->flags & (SOCKET_LEASED | SOCKET_ENDED)) != 0 ? NULL : socket->conn;
}

/* NULL while the host holds it. */
static inline struct host_lease *socket_lease(const struct flue_host_socket *socket)
{
    return (socket->flags & SOCKET_LEASED) != 0 ? socket->lease : NULL;
}

/* lease: NULL if it has none any more. */
static inline void socket_hold(struct flue_host_socket *socket, struct host_lease *lease)
{
    socket->flags = lease != NULL ? socket->flags | SOCKET_LEASED : socket->flags & ~(uint32_t)SOCKET_LEASED;
    socket->lease = lease;
}

/* Bytes that the present holder has been given, and that the peer has acknowledged, of all sent. */
static inline uint64_t socket_posted_bytes(const struct flue_host_socket *socket)
{
    return socket->sent_bytes - socket->traffic->unposted_bytes;
}

static inline uint64_t socket_acked_bytes(const struct flue_host_socket *socket)
{
    return socket->sent_bytes - socket->unacked_bytes;
}

/* Steps of the looks at connections of which nothing is new: each waits twice as long as the one before. */
enum { HOST_QUIET_STEPS = 10 };

/* Asking the policy (ask.c). */
struct host_ask {
    struct flue_hook touched;                 /* views with new facts */
    struct flue_hook quiet[HOST_QUIET_STEPS]; /* the others, each list in order of time */
    struct timer timer;
    flue_ps walked_ps;       /* the last walk */
    uint64_t busy_ps;        /* the core's, then */
    uint64_t core_ppm;       /* and its share in the window before */
    uint64_t promised;       /* connections for which room is being made */
    struct host_view **heap; /* of those at the target, the least valuable first (rank.c) */
    uint32_t ranked, room;
};

struct flue_host {
    const struct flue_env *env;
    struct timers *timers;
    const struct flue_trace *trace;
    struct flue_host_params params;
    struct flue_server core;
    struct flue_bill send_data, send_ack, receive_data, receive_ack; /* what the software path does with a segment */
    struct flue_tcp *tcp;
    struct flue_ndis *ndis;
    NDIS_HANDLE protocol;
    struct ndis_pool *frames, *spans; /* ordinary frames and forwarded segments; chimney sends and disconnects */
    struct pool sockets, traffics, pieces, held, leases, cached, changes_pool, pairs, blocks, paths, listeners,
        bindings_pool, neighbours, routes, fragments, datagrams, questions, requests, waits, views;
    struct hash_table by_tuple, by_addresses, by_pair, by_values;
    struct hash_table by_next_hop; /* neighbours, but for the static ones */
    struct flue_hook all, outputs, attend, offers, takes, path_list, listener_list, bindings, route_list, dirty,
        answered, datagram_list, idle_paths; /* the last: longest idle first */
    struct flue_hook stirred;                /* next hops that paths may be able to move to */
    struct flue_hook changes;                /* what the target may have to be told of connections */
    struct flue_hook evicted;                /* paths whose connections are to be taken back */
    /* Sockets to be offered again: by step of the back-off, each in order of time; those whose time has come; those
     * whose time came while they could not go. */
    struct flue_hook reoffers[HOST_REOFFER_STEPS], ripe, parked;
    struct host_binding *first; /* NULL until an adapter is bound */
    uint32_t binding_count;
    uint8_t static_mac[6];
    uint8_t unsent;   /* some binding has frames of the present turn */
    uint8_t sweeping; /* there may be too many paths or neighbours that nothing uses */
    uint32_t idle_count;
    uint32_t static_mtu_bytes;
    uint32_t outstanding; /* ordinary frames with the adapter */
    uint32_t depth;       /* entries on the stack */
    uint64_t works;       /* the core's count of works at the end of the last entry */
    struct timer settle;
    struct timer reoffer;
    struct host_ask ask;
    uint64_t offering;  /* sockets with SOCKET_OFFER */
    struct timer retry; /* armed when memory did not suffice for something that has no other occasion */
    /* What was found last, and is likely to be wanted next; NULL: nothing, or it is gone. */
    struct flue_host_socket *latest; /* for a frame */
    struct host_cached *latest_cached;
    struct flue_host_socket *accepting;
    uint32_t accepted;
    uint32_t rss_first; /* the processor that the first entry of the indirection tables names, modulo their number */
    int32_t last_refusal;
    flue_host_stray_fn *stray; /* NULL: nobody asks */
    void *stray_ctx;
    struct host_traffic idle;     /* of sockets without one of their own: empty, never written */
    struct flue_book closed_book; /* of sockets that are gone */
    struct flue_host_totals totals;
};

/* The adapter that an object belongs to. */
static inline struct host_binding *object_binding(const struct host_object *object)
{
    return object->layer == FLUE_LAYER_TCP
               ? FLUE_CONTAINER_OF(object, const struct host_lease, object)->path->stem.binding
               : FLUE_CONTAINER_OF(object, const struct host_stem, object)->binding;
}

/* Of a neighbour or path. */
static inline struct host_stem *object_stem(struct host_object *object)
{
    return FLUE_CONTAINER_OF(object, struct host_stem, object);
}

/* The number of its outgoing stream (flue_host_socket_send). */
static inline uint32_t socket_stream(const struct flue_host_socket *socket)
{
    return 2 * socket->account.conn + ((socket->flags & SOCKET_ACCEPTED) != 0);
}

/* Whether the host follows a rule: at the places where one of those of explore/rules.c makes it do something. */
static inline bool host_obeys(const struct flue_host *host, unsigned rule)
{
    return flue_ddi_obeys(&host->params.ddi, rule) != 0;
}

static inline struct flue_tcp_tuple host_tuple(const struct flue_host_socket *socket)
{
    return (struct flue_tcp_tuple){.local_ip = socket->pair->local_ip,
                                   .remote_ip = socket->pair->remote_ip,
                                   .local_port = socket->local_port,
                                   .remote_port = socket->remote_port};
}

/* host.c: entries.  host_enter() starts work that arrives at arrival_ps; inside an entry it does not touch the clock.
 */
void host_enter(struct flue_host *host, flue_ps arrival_ps);
void host_leave(struct flue_host *host);
void host_upcall_enter(struct flue_host *host);
void host_upcall_leave(struct flue_host *host);
void host_arm_settle(struct flue_host *host);
/* Memory ran out in front of work that is kept, or for noting it: a little later, every socket with such work is
 * attended to again. */
void host_retry(struct flue_host *host);
static inline flue_ps host_now(const struct flue_host *host)
{
    return host->core.clock_ps;
}

/* The same, also outside of entries, where the core's clock stands still. */
static inline flue_ps host_moment(const struct flue_host *host)
{
    const flue_ps now_ps = host->env->now(host->env->ctx);

    return host->core.clock_ps > now_ps ? host->core.clock_ps : now_ps;
}

#endif
