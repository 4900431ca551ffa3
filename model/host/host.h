/* SPDX-License-Identifier: GPL-2.0-only */
/* host/host.h - the bodies of the host stack, and what its files call of each other.
 *
 * Everything runs on one serial core, at its virtual time core.clock_ps, in *entries*: calls of flue_host_... and
 * flue_socket_... from outside, upcalls from NDIS, and timers.  An entry only notes what happened to a connection;
 * host_settle() then does what follows from it: reads for the application, calls it, returns buffer lists, hands
 * connections over, transmits.  All upcalls of one interrupt are settled together, by a timer that is due at once: the
 * application runs after the interrupt, and nothing is handed down from inside a completion (D-15, D-47). */
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
    SOCKET_UNLINKED = 0x20000    /* frames do not find it any more */
};

/* Received bytes until the application reads them. */
struct host_piece {
    struct host_piece *next;
    struct flue_span span;
};

/* A segment that came while nobody could process it (D-17). */
struct host_held {
    struct host_held *next;
    struct flue_frame frame;
};

/* What the offload of an object is at. */
enum host_object_state { OBJECT_HERE, OBJECT_OFFERED, OBJECT_HELD, OBJECT_GIVING_BACK };

/* A path or neighbour object.  dependents: objects that are, or are being, offloaded above it. */
struct host_object {
    NDIS_OFFLOAD_HANDLE handle;
    enum host_object_state state; /* written by object_enter() only */
    uint32_t dependents;
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block; /* in the tree that is being built; else NULL */
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST last;  /* its last dependent block there */
};

struct host_path {
    struct host_object object;
    struct flue_hook hook; /* flue_host.paths */
    struct flue_ip remote_ip;
    UCHAR source[4], destination[4]; /* network order (CH-148) */
};

struct host_listener {
    struct flue_hook hook;
    const struct flue_app *app;
    void *ctx;
    uint16_t port;
};

/* The constant and cached variables of a connection, kept while the target holds it: terminate does not return them. */
#define HOST_FIXED_tcp_const(type, name)  type name;
#define HOST_FIXED_tcp_cached(type, name) type name;
#define HOST_FIXED_tcp_delegated(type, name)
struct host_fixed {
#define FLUE_STATE(class_, name, type, unit, member, since) HOST_FIXED_##class_(type, name)
#include "flue/state.def"
};

/* What a connection needs beyond its socket from initiate to the end of terminate. */
struct host_lease {
    NDIS_OFFLOAD_HANDLE handle; /* OffloadContext of indications leads here */
    struct flue_socket *socket;
    struct host_path *path;
    struct ndis_chain requeued; /* sends that came back UPLOAD_IN_PROGRESS, in order */
    struct host_fixed fixed;
};

struct flue_socket {
    struct flue_host *host;
    struct flue_tcp_conn *conn; /* NULL unless the host holds the connection */
    struct host_lease *lease;   /* NULL while the host holds it */
    const struct flue_app *app;
    void *ctx;
    struct flue_hook output; /* flue_host.outputs: has something to transmit */
    struct flue_hook attend; /* flue_host.attend: something happened */
    struct flue_hook move;   /* flue_host.offers or .takes */
    struct flue_hook all;    /* flue_host.all */
    struct host_piece *piece_first, *piece_last;
    struct host_held *held_first, *held_last;
    uint64_t sent_bytes;       /* accepted from the application */
    uint64_t posted_bytes;     /* of those, given to the present holder; the rest waits here */
    uint64_t acked_bytes;      /* of those, acknowledged by the peer */
    uint32_t tell_acked_bytes; /* acknowledged, application not told yet */
    uint32_t owed_bytes;       /* handed up by the software path, not yet reported by flue_tcp_consumed() */
    uint32_t lists;            /* buffer lists of the target that are returned after the read */
    uint32_t woken;            /* the core's count of works when the application was last woken */
    uint32_t id;
    uint32_t stream;
    struct flue_tcp_tuple tuple;
    uint32_t flags; /* enum socket_flag */
    uint8_t holder; /* enum flue_holder; written by socket_enter() only */
    uint8_t why;    /* enum flue_move: of the hand-over that is wanted or under way */
    uint8_t reason; /* enum flue_tcp_reason, with SOCKET_ENDED */
    struct flue_account account;
};
_Static_assert(sizeof(struct flue_socket) - sizeof(struct flue_account) <= 256, "a socket is too big");

struct flue_host {
    const struct flue_env *env;
    struct timers *timers;
    const struct flue_trace *trace;
    struct flue_host_params params;
    struct flue_server core;
    struct flue_tcp *tcp;
    struct flue_ndis *ndis;
    NDIS_HANDLE protocol, binding;
    struct ndis_pool *frames, *spans; /* ordinary frames and forwarded segments; chimney sends and disconnects */
    struct pool sockets, pieces, held, leases, blocks, paths, listeners;
    struct hash_table by_tuple, by_remote_ip;
    struct flue_hook all, outputs, attend, offers, takes, path_list, listener_list;
    struct host_object neighbour;
    uint8_t neighbour_mac[6];
    uint8_t paused;         /* after OFFLOAD_PAUSE or UPLOAD_ALL: nothing is initiated */
    uint8_t release_wanted; /* after UPLOAD_ALL: paths and neighbour go, too, as soon as nothing depends on them */
    uint32_t neighbour_mtu_bytes;
    struct ndis_chain out;       /* ordinary frames of the present turn */
    struct ndis_chain received;  /* ordinary frames to return */
    struct ndis_chain indicated; /* chimney buffer lists to return */
    uint32_t outstanding;        /* ordinary frames with the adapter */
    uint32_t depth;              /* entries on the stack */
    uint64_t works;              /* the core's count of works at the end of the last entry */
    struct timer settle;
    struct timer retry; /* armed when memory did not suffice for something that has no other occasion */
    struct flue_socket *accepting;
    uint32_t accepted;
    int32_t last_refusal;
    struct flue_account closed_book; /* of sockets that are gone */
    struct flue_host_totals totals;
};

/* host.c: entries.  host_enter() starts work that arrives at arrival_ps; inside an entry it does not touch the clock.
 */
void host_enter(struct flue_host *host, flue_ps arrival_ps);
void host_leave(struct flue_host *host);
void host_upcall_enter(struct flue_host *host);
void host_upcall_leave(struct flue_host *host);
void host_arm_settle(struct flue_host *host);
/* Memory ran out in front of work that is kept: a little later, every socket with such work is attended to again. */
void host_retry(struct flue_host *host);
static inline flue_ps host_now(const struct flue_host *host)
{
    return host->core.clock_ps;
}

/* holder.c: the only writer of flue_socket.holder. */
bool holder_legal(enum flue_holder from, enum flue_holder to);
void socket_enter(struct flue_socket *socket, enum flue_holder to, enum flue_move why);

/* socket.c */
struct flue_socket *socket_new(struct flue_host *host, const struct flue_tcp_tuple *tuple, uint32_t id, unsigned side,
                               const struct flue_app *app, void *ctx);
struct flue_socket *socket_find(const struct flue_host *host, const struct flue_frame *frame);
void socket_attend(struct flue_socket *socket);
void socket_unlink(
    struct flue_socket *socket); /* no frame and no turn reaches it any more; its engine connection goes */
void socket_free(struct flue_socket *socket);
void socket_ended(struct flue_socket *socket, enum flue_tcp_reason reason);
/* Gives what waits here, data and close, to the present holder, if there is one that takes it. */
void socket_post(struct flue_socket *socket);
/* Whether something waits here that socket_post() would give to the holder. */
bool socket_waits(const struct flue_socket *socket);
void socket_add_piece(struct flue_socket *socket, const struct flue_span *span);

/* deliver.c: what the application is told. */
void socket_serve(struct flue_socket *socket);

/* software.c: the software path. */
extern const struct flue_tcp_ops software_ops;
void software_receive(struct flue_host *host, PNET_BUFFER_LIST first);
void software_send_complete(struct flue_host *host, PNET_BUFFER_LIST first);
void software_input(struct flue_socket *socket, const struct flue_frame *frame);
void software_pump(struct flue_host *host);
void software_flush(struct flue_host *host);

/* hold.c: segments kept during a hand-over. */
void hold_frame(struct flue_socket *socket, const struct flue_frame *frame);
void hold_process(struct flue_socket *socket); /* by the software path */
void hold_forward(struct flue_socket *socket); /* to the target */
void hold_forward_complete(struct flue_host *host, PNET_BUFFER_LIST first);
void hold_drop(struct flue_socket *socket);

/* tree.c: blocks and trees. */
/* The path to an address, made when it is asked for first; NULL: no memory. */
struct host_path *tree_path(struct flue_host *host, const struct flue_ip *local_ip, const struct flue_ip *remote_ip);
void object_enter(struct host_object *object, enum host_object_state to);
/* Whether a tree may name the neighbour and, if it is not NULL, the path. */
bool tree_ready(const struct flue_host *host, const struct host_path *path);
PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree_block(struct flue_host *host, unsigned type, PNDIS_OFFLOAD_HANDLE handle,
                                             void *owner);
/* Hangs a TCP block under the blocks of its path and of the neighbour, which are made when the tree has none yet. */
FLUE_CHECKED bool tree_add(struct flue_host *host, struct host_path *path, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tcp);
/* Ends the building: returns the root, NULL if nothing was added. */
PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree_finish(struct flue_host *host);
void tree_free(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);

/* offload.c */
bool offload_possible(const struct flue_socket *socket);
void offload_want(struct flue_socket *socket, enum flue_move why);
void offload_start(struct flue_host *host);
void offload_complete(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);

/* upload.c */
void upload_want(struct flue_socket *socket, enum flue_move why);
void upload_all(struct flue_host *host);
void upload_objects(struct flue_host *host); /* paths and neighbour without dependents */
void upload_start(struct flue_host *host);
void upload_complete(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);
/* Makes an engine connection out of a state and the send data behind it; chain is emptied. */
void upload_import(struct flue_socket *socket, const struct flue_tcp_state *state, PNET_BUFFER_LIST chain,
                   uint32_t unread_bytes);

/* chimney.c: the data path while the target holds a connection. */
struct flue_socket *chimney_socket(PVOID offload_context);
void chimney_post(struct flue_socket *socket);
void chimney_abort(struct flue_socket *socket);
void chimney_send_complete(struct flue_host *host, PNET_BUFFER_LIST first);
void chimney_disconnect_complete(struct flue_host *host, PNET_BUFFER_LIST nbl);
ULONG chimney_indicate(struct flue_socket *socket, PNET_BUFFER_LIST nbl);
void chimney_event(struct flue_socket *socket, ULONG event, ULONG information);
void chimney_status(struct flue_host *host, NDIS_STATUS status);

/* protocol.c: the airlock. */
flue_err protocol_register(struct flue_host *host);
void protocol_send(struct flue_host *host, struct ndis_chain *chain);
void protocol_return(struct flue_host *host, struct ndis_chain *chain);
void protocol_return_indicated(struct flue_host *host, struct ndis_chain *chain);
void protocol_initiate(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);
void protocol_terminate(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root);
void protocol_tcp_send(struct flue_socket *socket, PNET_BUFFER_LIST nbl);
void protocol_tcp_forward(struct flue_socket *socket, struct ndis_chain *chain);
void protocol_tcp_disconnect(struct flue_socket *socket, PNET_BUFFER_LIST nbl, ULONG flags);

#endif
