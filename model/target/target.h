/* SPDX-License-Identifier: GPL-2.0-only */
/* target/target.h - the bodies of the adapter, and what its files call of each other.
 *
 * Three FIFOs meet in the adapter: the doorbell ring (what the host handed down, with the time it is seen here), the
 * event ring (what the host is to see, with the time it is seen there), the transmit ring (frames with the time they
 * are ready).  Between them work two serial servers whose finish times are computed: the engine and the PCI Express
 * link. */
#ifndef FLUE_TARGET_TARGET_H
#define FLUE_TARGET_TARGET_H

#include <stdbool.h>

#include "base/list.h"
#include "base/pool.h"
#include "base/timers.h"
#include "flue/cost.h"
#include "flue/env.h"
#include "flue/ndischimney.h"
#include "flue/target.h"
#include "flue/tcp_engine.h"
#include "flue/trace.h"
#include "flue/wire.h"
#include "target/ring.h"

typedef PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST target_tree;

enum {
    TARGET_COMPLETION_BYTES = 16, /* what a completion or event costs on the bus */
    TARGET_HELD_MAX = 64,         /* segments kept for a frozen connection (D-34) */
    TARGET_FRAME_BUDGET = 64,     /* ordinary frames per interrupt */
    TARGET_SENT_BATCH = 16        /* ordinary sends whose completion is worth an interrupt of its own */
};

/* ---- State objects (behaviour 2.4): an inverted tree, TCP -> path -> neighbour ---- */

struct target_neighbour {
    struct target_neighbour *next; /* of those that a terminate frees */
    NDIS_HANDLE handle;
    flue_ps reached_ps; /* forward progress was last seen (behaviour 14) */
    uint32_t dependents;
    uint8_t mac[6];
    bool given_back;
};

struct target_path {
    struct target_path *next;
    struct target_neighbour *neighbour;
    struct flue_ip local_ip, remote_ip;
    uint32_t mtu_bytes;
    uint32_t dependents;
    bool given_back; /* its terminate has not completed */
};

enum context_flag {
    CONTEXT_LATCHED = 0x01, /* the host refused data: nothing is indicated until it posts a receive (D-45) */
    CONTEXT_TOUCHED = 0x02, /* has data to indicate in the present interrupt */
    CONTEXT_WANTS_OUTPUT = 0x04,
    CONTEXT_WANTS_TIMEOUT = 0x08,
    CONTEXT_ENDED = 0x10,     /* the engine's connection is closed: segments take the ordinary path */
    CONTEXT_TIMED_OUT = 0x20, /* the engine gave up; Retrieve is due */
    CONTEXT_LOOK = 0x40,      /* a FIN has moved the TCP state: look at it after the segment */
    CONTEXT_STARVED = 0x80,   /* memory ran out: the connection is to go back */
    CONTEXT_PEER_FIN = 0x100, /* TcpIndicateDisconnect waits until the host has taken all data before it */
    CONTEXT_FIN_TOLD = 0x200  /* TcpIndicateDisconnect was made */
};

/* What a frozen connection needs more (D-34). */
struct target_still {
    struct flue_tcp_state state; /* as exported at at_ps */
    flue_ps at_ps;
    struct target_held *first, *last;
    uint32_t count;
    uint32_t holds; /* 1: segments are held; 0: they take the ordinary path */
};

struct target_held {
    struct target_held *next;
    struct flue_frame frame;
};

/* One offloaded connection.  The PVOID in the slot. */
struct target_context {
    struct flue_tcp_conn *conn; /* NULL: frozen in Closed or TimeWait, or given back */
    struct target_path *path;
    NDIS_HANDLE handle;                     /* the host's name for it, in indications */
    struct flue_hook work;                  /* target->outputs or target->timeouts */
    PNET_BUFFER_LIST send_first, send_last; /* not yet fully acknowledged, in posting order */
    PNET_BUFFER_LIST disconnect;            /* graceful, not yet acknowledged */
    PNET_BUFFER_LIST batch;                 /* data of the present interrupt */
    PNET_BUFFER_LIST kept;                  /* set aside at intake: refused and undelivered data (BufferedData) */
    struct target_context *link;            /* of those touched by an interrupt, or freed by a terminate */
    struct target_still *still;             /* while frozen; may be NULL */
    uint32_t id;                            /* identity in traces */
    uint32_t lent;                          /* indicated buffer lists that are out with the host */
    uint32_t slot;                          /* 1 + place in the hot-state cache; 0: not there */
    uint32_t dwnd;                          /* DWnd, returned unchanged (V-6) */
    uint16_t flags;                         /* enum context_flag */
    uint8_t state;                          /* enum flue_context; written by context_enter() only */
};
_Static_assert(sizeof(struct target_context) <= 128, "a context costs at most two cache lines");

/* ---- The rings ---- */

enum doorbell_kind {
    DOORBELL_FRAMES, /* ordinary send */
    DOORBELL_INITIATE,
    DOORBELL_TERMINATE,
    DOORBELL_UPDATE,
    DOORBELL_INVALIDATE,
    DOORBELL_QUERY,
    DOORBELL_SEND,
    DOORBELL_RECEIVE,
    DOORBELL_DISCONNECT,
    DOORBELL_FORWARD,
    DOORBELL_RETURN
};

struct doorbell {
    flue_ps visible_ps;
    struct target_context *context;
    union {
        PNET_BUFFER_LIST nbl;
        target_tree tree;
    } what;
    ULONG flags;
    enum doorbell_kind kind;
};

enum upward_kind {
    UPWARD_FRAME,      /* chain of one: ordinary receive */
    UPWARD_DATA,       /* span: the next bytes of a connection */
    UPWARD_SENT,       /* chain: chimney sends, Status set */
    UPWARD_RECEIVED,   /* chain: posted receives */
    UPWARD_FORWARDED,  /* chain */
    UPWARD_DISCONNECT, /* chain of one */
    UPWARD_EVENT,      /* event */
    UPWARD_INITIATE,   /* tree; the last five as in enum doorbell_kind */
    UPWARD_TERMINATE,
    UPWARD_UPDATE,
    UPWARD_INVALIDATE,
    UPWARD_QUERY
};

struct upward {
    flue_ps visible_ps;
    struct target_context *context;
    union {
        struct flue_span span;
        struct {
            PNET_BUFFER_LIST first, last;
        } chain;
        struct {
            ULONG type, information;
        } event;
        target_tree tree;
    } what;
    enum upward_kind kind;
};

enum port_source { PORT_ORDINARY, PORT_ENGINE, PORT_SOURCES };

struct port_entry {
    flue_ps ready_ps;
    PNET_BUFFER_LIST nbl; /* to complete when the frame has left; NULL for the engine's frames */
    struct flue_frame frame;
};

struct port {
    struct ring queues[PORT_SOURCES];
    struct ring departures[PORT_SOURCES]; /* flue_ps: when the frames given to the wire have left it */
    flue_ps ready_ps[PORT_SOURCES];       /* of the last frame of each source: they do not overtake each other */
    flue_ps free_ps;                      /* when the wire is */
    uint64_t busy_ps;
    struct timer timer;
    struct {
        uint32_t bytes;
        flue_ps time_ps;
    } known[2]; /* serialisation times of two lengths: data and ACKs */
};

/* An ordinary send that has been given to the wire. */
struct sent {
    flue_ps departure_ps;
    PNET_BUFFER_LIST nbl;
};

/* What an interrupt collects before it calls up. */
struct batch {
    struct ndis_chain frames;
    struct ndis_chain sent;              /* chimney sends of one status; its count is not kept */
    struct target_context *sent_context; /* whose they are, if they are of one connection */
    struct target_context *touched, *touched_last;
    uint32_t completions;
};

struct flue_target {
    const struct flue_env *env;
    struct timers *timers;
    const struct flue_trace *trace;
    struct flue_ndis *ndis;
    const struct flue_wire *wire;
    struct flue_target_params params;
    NDIS_HANDLE driver, miniport;
    NDIS_TCP_OFFLOAD_EVENT_HANDLERS calls;
    struct flue_server engine;
    struct flue_pcie pcie;
    struct flue_server *core; /* the host's; may be NULL */
    const struct flue_price *interrupt_price;
    struct flue_tcp *tcp;
    struct port port;
    struct ring doorbells;  /* struct doorbell */
    struct ring upwards;    /* struct upward */
    struct ring sent;       /* struct sent */
    struct ndis_chain lost; /* ordinary sends that memory ran out for: completed in the next interrupt */
    struct timer doorbell_timer, interrupt_timer, pump_timer, timeout_timer;
    struct flue_moderation moderation;
    bool postponed;          /* the interrupt has waited once for the host's core */
    bool poll;               /* the last interrupt used up its budget */
    bool paused;             /* transmission waits until the backlog has fallen to half */
    bool in_batch;           /* an interrupt is running */
    uint32_t frames_waiting; /* ordinary frames in the event ring */
    struct batch batch;
    struct flue_hook outputs;  /* contexts with something to transmit */
    struct flue_hook timeouts; /* contexts with a deadline that has passed */
    struct ndis_pool *frames, *spans;
    struct pool contexts, paths, neighbours, stills, helds;
    struct target_context **cache; /* hot contexts, replaced by the clock algorithm */
    uint8_t *cache_used;
    uint32_t cache_room, cache_hand;
    struct flue_target_totals totals;
};

static inline flue_ps target_now(const struct flue_target *target)
{
    return target->env->now(target->env->ctx);
}

/* What runs on the engine runs at its clock. */
static inline flue_ps target_engine_charge(struct flue_target *target, enum flue_category category,
                                           const struct flue_price *price, uint64_t bytes)
{
    return flue_server_charge(&target->engine, NULL, category, price, bytes);
}

/* ---- contexts.c: areas, capacity, hot-state cache ---- */

void context_enter(struct flue_target *target, struct target_context *context, enum flue_context to);
static inline bool context_accepts(const struct target_context *context)
{
    return (context->state == FLUE_CONTEXT_INSTALLED || context->state == FLUE_CONTEXT_LIVE) &&
           (context->flags & CONTEXT_ENDED) == 0;
}
flue_err contexts_init(struct flue_target *target);
void contexts_dispose(struct flue_target *target);
uint64_t contexts_live(const struct flue_target *target);
struct target_context *context_new(struct flue_target *target);
void context_free(struct flue_target *target, struct target_context *context);
/* Makes sure that the engine has the context at hand; a miss costs. */
void context_touch_cold(struct flue_target *target, struct target_context *context);
static inline void context_touch(struct flue_target *target, struct target_context *context)
{
    if (target->cache_room == 0) {
        return;
    }
    if (context->slot != 0) {
        target->cache_used[context->slot - 1] = 1;
    } else {
        context_touch_cold(target, context);
    }
}
void context_unlink_work(struct target_context *context);
void path_free(struct flue_target *target, struct target_path *path);
void neighbour_free(struct flue_target *target, struct target_neighbour *neighbour);

/* ---- miniport.c: the airlock ---- */

NDIS_STATUS miniport_register(struct flue_target *target);
void miniport_unregister(struct flue_target *target);
void miniport_tell_trace(struct flue_target *target, const struct target_context *context);
void miniport_frames_sent(struct flue_target *target, PNET_BUFFER_LIST first);
void miniport_frames_received(struct flue_target *target, const struct ndis_chain *chain);
void miniport_tree_done(struct flue_target *target, enum upward_kind kind, target_tree tree);
void miniport_data_done(struct flue_target *target, enum upward_kind kind, PNET_BUFFER_LIST first);
NDIS_STATUS miniport_indicate(struct flue_target *target, const struct target_context *context, PNET_BUFFER_LIST nbl,
                              ULONG *consumed_bytes);
void miniport_event(struct flue_target *target, const struct target_context *context, ULONG type, ULONG information);
/* Moves the data start of an NBL's NET_BUFFERs over its first bytes. */
void miniport_advance(PNET_BUFFER_LIST nbl, ULONG bytes);

/* ---- doorbell.c ---- */

void doorbell_ring(struct flue_target *target, enum doorbell_kind kind, struct target_context *context,
                   PNET_BUFFER_LIST nbl, ULONG flags);
void doorbell_ring_tree(struct flue_target *target, enum doorbell_kind kind, target_tree tree);
void doorbell_fire(struct timer *timer, flue_ps now_ps);

/* ---- interrupt.c ---- */

/* A new entry of the event ring, visible to the host after a DMA write of `bytes` that starts at at_ps. */
struct upward *upward_push(struct flue_target *target, enum upward_kind kind, struct target_context *context,
                           flue_ps at_ps, uint64_t bytes);
/* A chain of completed NBLs, an event; both at the engine's clock. */
void upward_chain(struct flue_target *target, enum upward_kind kind, struct target_context *context,
                  const struct ndis_chain *chain);
void upward_event(struct flue_target *target, struct target_context *context, ULONG type, ULONG information);
void interrupt_arm(struct flue_target *target);
void interrupt_fire(struct timer *timer, flue_ps now_ps);

/* ---- adapter.c: the ordinary path ---- */

void adapter_send(struct flue_target *target, PNET_BUFFER_LIST first, flue_ps at_ps);
void adapter_receive(struct flue_target *target, const struct flue_frame *frame, flue_ps at_ps);
void adapter_return(struct flue_target *target, PNET_BUFFER_LIST first);

/* ---- port.c ---- */

void port_init(struct flue_target *target);
void port_dispose(struct flue_target *target);
/* An ordinary send that is not in any ring for want of memory. */
void port_lose(struct flue_target *target, PNET_BUFFER_LIST nbl);
/* A frame that may leave from ready_ps on.  Copies it.  Without memory it is lost. */
void port_push(struct flue_target *target, enum port_source source, const struct flue_frame *frame,
               PNET_BUFFER_LIST nbl, flue_ps ready_ps);
/* Frames of one source that have not left the wire by now_ps; and when, after now_ps, no more than `frames` of them
 * will be left (FLUE_PS_NEVER: not known before more of them are ready). */
uint32_t port_backlog(struct flue_target *target, enum port_source source, flue_ps now_ps);
flue_ps port_falls_to(const struct flue_target *target, enum port_source source, uint32_t frames);

/* ---- engine.c: between the TCP engine and the adapter ---- */

extern const struct flue_tcp_ops engine_ops;
/* A segment of an offloaded connection; false: it is one for the ordinary path. */
bool engine_receive(struct flue_target *target, struct target_context *context, const struct flue_frame *frame,
                    flue_ps at_ps);
/* Transmits as long as the backlog allows. */
void engine_pump(struct flue_target *target, flue_ps now_ps);
void engine_pump_fire(struct timer *timer, flue_ps now_ps);
void engine_timeout_fire(struct timer *timer, flue_ps now_ps);
/* The reason of a Retrieve that the target needs for its own sake.  UploadRequested is not for half-closed connections
 * (D-28): there it is InvalidState, a state that this target cannot go on with. */
TCP_UPLOAD_REASON engine_upload_reason(enum flue_tcp_state_id state);
/* After any call into the TCP engine: what could not be done from inside its callbacks. */
void engine_follow_up(struct flue_target *target, struct target_context *context);

/* ---- the operations, each at the engine's clock ---- */

void intake_drain(struct flue_target *target, target_tree tree, flue_ps at_ps);
void intake_complete(struct flue_target *target, target_tree tree);

void give_back_drain(struct flue_target *target, target_tree tree, flue_ps at_ps);
void give_back_complete(struct flue_target *target, const struct upward *done);

void send_drain(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST first);
/* An NBL that has become the target's: notes its size.  And how much of that is not yet acknowledged. */
void send_adopt(struct target_context *context, PNET_BUFFER_LIST nbl);
flue_err send_queue_spans(struct flue_tcp_conn *conn, PNET_BUFFER_LIST nbl, flue_ps at_ps);
void send_acked(struct flue_target *target, struct target_context *context, uint32_t bytes);
void send_fail_all(struct flue_target *target, struct target_context *context, NDIS_STATUS status);
/* Completes NBLs that nobody looked at, with 0 bytes. */
void send_refuse(struct flue_target *target, enum upward_kind kind, struct target_context *context,
                 PNET_BUFFER_LIST first, NDIS_STATUS status);
/* What is not acknowledged goes back: first NBL of the chain; the first byte is SndUna. */
PNET_BUFFER_LIST send_hand_back(struct target_context *context, PNET_BUFFER_LIST *last);
void forward_drain(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST first);

void receive_data(struct flue_target *target, struct target_context *context, const struct flue_span *span);
/* In an interrupt: data that has become visible; then one indication for each connection that had some. */
void receive_collect(struct flue_target *target, struct target_context *context, const struct flue_span *span);
void receive_flush(struct flue_target *target);
void receive_return(struct flue_target *target, PNET_BUFFER_LIST first);
void receive_post(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST first);

void disconnect_drain(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST nbl, ULONG flags);
void disconnect_acked(struct target_context *context, uint32_t bytes);
void disconnect_finish(struct flue_target *target, struct target_context *context, NDIS_STATUS status);

/* event.c */
void event_freeze(struct flue_target *target, struct target_context *context, TCP_UPLOAD_REASON reason,
                  enum flue_tcp_state_id state);
void event_hold(struct flue_target *target, struct target_context *context, const struct flue_frame *frame);
void event_release_held(struct flue_target *target, struct target_context *context);
void event_abort(struct flue_target *target, struct target_context *context);
void event_raise(struct flue_target *target, const struct upward *entry);

#endif
