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

#include "base/hash.h"
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
#include "frame/frame.h"
#include "target/entries.h"
#include "target/objects.h"
#include "target/rss.h"
#include "target/slot.h"

#define TARGET_PUSH_PS          (500 * FLUE_PS_PER_MS) /* CH-294 */
#define TARGET_KEEP_IDLE_PS     (7200 * FLUE_PS_PER_S) /* KaTimeout 0 */
#define TARGET_KEEP_INTERVAL_PS FLUE_PS_PER_S          /* KaInterval 0 */

enum {
    TARGET_COMPLETION_BYTES = 16, /* what a completion or event costs on the bus */
    TARGET_LEAST_MTU_BYTES = 68,  /* RFC 791 3.2 */
    TARGET_RING_ENTRIES = 256,    /* room of the two rings that exists from the beginning */
    TARGET_STEP_ENTRIES = 32,     /* what one step of the adapter puts into the event ring, at most */
    TARGET_FREEZE_ENTRIES = 8,    /* of these, what it takes to freeze one connection, at most */
    TARGET_SPARE_ENTRIES = 64,    /* kept free of data and frames: for what has to be told without memory, too */
    TARGET_HELD_MAX = 64,         /* segments kept for a frozen connection (D-34) */
    TARGET_FRAME_BUDGET = 64,     /* ordinary frames per interrupt */
    TARGET_SENT_BATCH = 16        /* ordinary sends whose completion is worth an interrupt of its own */
};

/* What an interrupt collects before it calls up. */
struct batch {
    struct ndis_chain frames;
    struct ndis_chain sent;              /* chimney sends of one status; its count is not kept */
    struct target_context *sent_context; /* whose they are, if they are of one connection */
    struct target_context *touched, *touched_last;
    uint32_t completions;
};

/* Of offloaded connections only, for IPv4 and IPv6 apart (CH-313 to CH-323).  What passes in the ordinary course is
 * noted in four sums; the counters made of them have it when somebody asks. */
struct target_statistics {
    uint64_t in, in_bytes, out, out_bytes; /* not yet in the counters below */
    IP_OFFLOAD_STATS ip;
    TCP_OFFLOAD_STATS tcp;
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
    struct flue_server *core; /* the one that the host is at work on; may be NULL */
    const struct flue_price *interrupt_price;
    uint32_t (*identify)(void *ctx, const struct flue_tcp_tuple *tuple); /* may be NULL */
    void *identify_ctx;
    struct flue_tcp *tcp;
    struct port port;
    struct ring doorbells; /* struct doorbell */
    struct overflow overflow;
    struct target_queue queues[FLUE_TARGET_QUEUES];
    uint32_t queue_count;
    struct target_rss rss;
    uint32_t pledged;       /* DATA entries in them: each may need a piece of `spans` */
    struct ring held;       /* the same, by flue_target_hold() */
    struct ring sent;       /* struct sent */
    struct ndis_chain lost; /* ordinary sends that memory ran out for: completed in the next interrupt */
    struct timer doorbell_timer, pump_timer, timeout_timer, invalidate_timer, watch_timer;
    struct timer reset_timer;     /* the next look for what is overdue, or the end of a restart */
    bool restarting;              /* new objects are not taken */
    bool paused;                  /* transmission waits until the backlog has fallen to half */
    bool in_batch;                /* an interrupt is running */
    struct target_queue *running; /* whose that is */
    bool holding;                 /* completions of state operations stay here, in `held` */
    uint32_t frames_waiting;      /* ordinary frames in the event ring */
    struct batch batch;
    struct flue_hook outputs;  /* contexts with something to transmit */
    struct flue_hook timeouts; /* contexts with a deadline that has passed */
    struct ndis_pool *frames, *spans;
    struct pool contexts, paths, neighbours, stills, helds, keys, watches, extras;
    struct target_keys source_macs, vlans, addresses; /* in use */
    uint64_t rcv_bytes, xmit_bytes;                   /* booked by connections */
    struct flue_hook all;                             /* struct target_neighbour, sibling */
    struct flue_hook watched;                         /* struct target_watch */
    struct {
        target_tree first, last; /* waits until the wire has got what was queued; linked by MiniportReserved[0] */
    } invalidates;
    struct flue_hook resets;          /* struct target_context, work: aborted ones whose RST is not on the wire */
    target_tree hung[5];              /* operations that the adapter has lost, by fault; linked the same way */
    flue_ps tick_from_ps, tick_to_ps; /* saves a division per segment: the clock is `tick` at times between */
    uint32_t tick;
    uint32_t left;               /* objects that the host has forgotten, and something depends on (left.c) */
    uint32_t going;              /* connections and paths whose terminate is done, and has not completed */
    bool losing;                 /* some of `losses` may not be 0 */
    uint8_t hangs[5], losses[5]; /* how many operations of each kind are still to go wrong: enum fault_operation */
    struct timer_fifo pushes;    /* push timers of all connections */
    flue_ps push_ps;             /* their length: TcpPushTicks */
    struct target_statistics statistics[2];          /* IPv4, IPv6 */
    bool disabled[2];                                /* the same: by OID_TCP_OFFLOAD_PARAMETERS */
    bool shut[2];                                    /* the same: so the host was told last */
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS settings; /* as last set, or as made */
    PNDIS_OID_REQUEST power;                         /* waits until no object is left (CH-311) */
    bool pausing, uploading;                         /* as the host was told */
    bool untold, link_untold;                        /* no: there was no room to tell it; the port's state */
    bool link_up;                                    /* as last said */
    bool filters;                                    /* not every frame on the wire is for this adapter */
    bool dresses;                                    /* frames of offloaded connections get addresses or tags */
    uint16_t vlan;                                   /* the one VLAN id of the interface; 0: none or several */
    struct {
        target_tree first, last; /* initiates that wait for the end of a pause; linked by MiniportReserved[0] */
    } initiates;
    struct hash_table names;       /* contexts by their id, from the first fault on demand on (fault.c) */
    struct target_context **cache; /* hot contexts, replaced by the clock algorithm */
    uint8_t *cache_used;
    uint32_t cache_room, cache_hand;
    struct flue_target_totals totals;
};

/* Whether the adapter follows a rule: at the places where one of those of explore/rules.c makes it do something. */
static inline bool target_obeys(const struct flue_target *target, unsigned rule)
{
    return flue_ddi_obeys(&target->params.ddi, rule) != 0;
}

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
    return (context->state == FLUE_CONTEXT_INSTALLED || context->state == FLUE_CONTEXT_LIVE ||
            context->state == FLUE_CONTEXT_INVALID) &&
           (context->flags & CONTEXT_ENDED) == 0;
}
flue_err contexts_init(struct flue_target *target);
void contexts_dispose(struct flue_target *target);
uint64_t contexts_live(const struct flue_target *target);
struct target_context *context_new(struct flue_target *target);
void context_free(struct flue_target *target, struct target_context *context);
void context_heard(struct flue_target *target, struct target_context *context); /* of one doorbell that names it */
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
/* What waits for the host: context->kept is a list only while something does.  FLUE_ENOMEM: nothing has changed; cannot
 * happen to what was reserved (engine_has_room()). */
static inline uint32_t context_kept_bytes(const struct target_context *context)
{
    return context->kept == NULL ? 0 : (uint32_t)ndis_nbl_bytes(context->kept);
}
FLUE_CHECKED flue_err context_keep(struct flue_target *target, struct target_context *context,
                                   const struct flue_span *span);
void context_drop_kept(struct target_context *context);
void path_free(struct flue_target *target, struct target_path *path);
void neighbour_free(struct flue_target *target, struct target_neighbour *neighbour);

void context_link(struct flue_target *target, struct target_context *context, struct target_path *path);
void context_unlink(struct flue_target *target, struct target_context *context);
/* Whether it must not send: itself, its path or its neighbour is invalid. */
bool context_invalid(const struct target_context *context);
/* Live or invalid, as the marks say. */
void context_settle(struct flue_target *target, struct target_context *context);
/* Calls visit, which frees none, for every connection. */
void context_each(struct flue_target *target,
                  void (*visit)(struct flue_target *target, struct target_context *context));
/* Books one more user of `key`; false: more than `max` different ones, or no memory. */
enum keys_result { KEYS_TAKEN, KEYS_FULL, KEYS_NO_MEMORY };
enum keys_result keys_take(struct flue_target *target, struct target_keys *keys, const void *key, size_t bytes,
                           uint32_t max);
void keys_drop(struct flue_target *target, struct target_keys *keys, const void *key, size_t bytes);

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
void miniport_neighbour(struct flue_target *target, target_tree block);
void miniport_status(struct flue_target *target, NDIS_STATUS code, PVOID buffer, ULONG bytes);
void miniport_request_done(struct flue_target *target, PNDIS_OID_REQUEST request, NDIS_STATUS status);
/* Moves the data start of an NBL's NET_BUFFERs over its first bytes. */
void miniport_advance(PNET_BUFFER_LIST nbl, ULONG bytes);

/* ---- doorbell.c ---- */

void doorbell_ring(struct flue_target *target, enum doorbell_kind kind, struct target_context *context,
                   PNET_BUFFER_LIST nbl, ULONG flags);
void doorbell_ring_tree(struct flue_target *target, enum doorbell_kind kind, target_tree tree);
void doorbell_fire(struct timer *timer, flue_ps now_ps);

/* Whether there are any that have not been taken. */
static inline bool doorbell_waits(const struct flue_target *target)
{
    return target->doorbells.count > 0 || target->overflow.first != 0;
}

/* ---- overflow.c ---- */

void overflow_put(struct flue_target *target, const struct doorbell *entry);
/* Takes the oldest; false: there is none. */
bool overflow_take(struct flue_target *target, struct doorbell *out);
/* The tree that was taken last, and is not done, is the oldest again. */
void overflow_put_back(struct flue_target *target, target_tree tree);
/* The connection goes. */
void overflow_forget(struct flue_target *target, struct target_context *context);

/* ---- interrupt.c ---- */

/* A new entry of an event ring, visible to the host after a DMA write of `bytes` that starts at at_ps. */
struct upward *upward_push(struct flue_target *target, enum upward_kind kind, struct target_context *context,
                           flue_ps at_ps, uint64_t bytes);
/* An ordinary frame. */
struct upward *upward_push_frame(struct flue_target *target, const struct flue_frame *frame, flue_ps at_ps,
                                 uint64_t bytes);
/* Makes sure that `entries` more find room, whichever queue they belong to; that each ring has `room` in all. */
FLUE_CHECKED static inline flue_err upwards_reserve(struct flue_target *target, uint32_t entries)
{
    flue_err err = ring_reserve(&target->queues[0].upwards, entries);

    for (uint32_t i = 1; err == FLUE_OK && i < target->queue_count; i++) {
        err = ring_reserve(&target->queues[i].upwards, entries);
    }
    return err;
}
flue_err upwards_widen(struct flue_target *target, uint32_t room);
uint32_t upwards_count(const struct flue_target *target);
/* A chain of completed NBLs, an event; both at the engine's clock. */
void upward_chain(struct flue_target *target, enum upward_kind kind, struct target_context *context,
                  const struct ndis_chain *chain);
void upward_event(struct flue_target *target, struct target_context *context, ULONG type, ULONG information);
void interrupt_arm(struct target_queue *queue);
/* Shows one entry outside of the order of the ring. */
void interrupt_show(struct flue_target *target, const struct upward *entry);
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
static inline flue_ps port_later(flue_ps a, flue_ps b)
{
    return a > b ? a : b;
}
/* Whether the wire's transmit queue takes one more.  The frame in transmission counts as one of the queue, so that it
 * does not matter whether a frame that departs at this very moment has left already. */
static inline bool port_has_room(const struct flue_target *target)
{
    const struct ring *departures = target->port.departures;
    const uint32_t given = departures[PORT_ORDINARY].count + departures[PORT_ENGINE].count;

    return given == 0 || given < target->wire->facts.queue_frames;
}
/* Gives a frame to the wire; puts it into its queue. */
void port_commit(struct flue_target *target, enum port_source source, const struct flue_frame *frame,
                 PNET_BUFFER_LIST nbl, flue_ps now_ps);
void port_queue(struct flue_target *target, enum port_source source, const struct flue_frame *frame,
                PNET_BUFFER_LIST nbl, flue_ps ready_ps, flue_ps now_ps);
/* A frame that may leave from ready_ps on.  Copies it.  Without memory it is lost. */
static inline void port_push(struct flue_target *target, enum port_source source, const struct flue_frame *frame,
                             PNET_BUFFER_LIST nbl, flue_ps ready_ps)
{
    struct port *port = &target->port;
    const flue_ps now_ps = target_now(target);

    ready_ps = port_later(ready_ps, port->ready_ps[source]);
    port->ready_ps[source] = ready_ps;
    if ((port->queues[PORT_ORDINARY].count | port->queues[PORT_ENGINE].count) == 0 &&
        ready_ps <= port_later(now_ps, port->free_ps) && port_has_room(target)) {
        port_commit(target, source, frame, nbl, now_ps);
    } else {
        port_queue(target, source, frame, nbl, ready_ps, now_ps);
    }
}
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
void engine_pump_some(struct flue_target *target, flue_ps now_ps);
static inline void engine_pump(struct flue_target *target, flue_ps now_ps)
{
    if (!list_empty(&target->outputs)) {
        engine_pump_some(target, now_ps);
    }
}
void engine_pump_fire(struct timer *timer, flue_ps now_ps);
void engine_timeout_fire(struct timer *timer, flue_ps now_ps);
/* After any call into the TCP engine: what could not be done from inside its callbacks. */
void engine_follow_up(struct flue_target *target, struct target_context *context);
/* Whether there is room for what comes of a segment with `bytes` of payload, and of those that waited for it. */
bool engine_has_room(struct flue_target *target, const struct target_context *context, uint32_t bytes);

/* ---- the operations, each at the engine's clock ---- */

/* admit.c: makes a neighbour, a path (neighbour: its parent, or NULL) and writes the slot; or says why not.  A
 * connection is only judged. */
NDIS_STATUS admit_neighbour(struct flue_target *target, target_tree block);
NDIS_STATUS admit_path(struct flue_target *target, target_tree block, struct target_neighbour *neighbour);
NDIS_STATUS admit_tcp(const struct flue_target *target, const struct flue_tcp_state *state);
bool admit_rejects(const struct flue_target *target, const struct flue_tcp_state *state);

/* waited: power_holds() has noted in MiniportReserved[1] which blocks named objects.  One whose object has gone
 * meanwhile carries no state, and is refused. */
void intake_drain(struct flue_target *target, target_tree tree, flue_ps at_ps, bool waited);
void intake_complete(struct flue_target *target, target_tree tree);
/* Nothing of it is taken. */
void intake_refuse(struct flue_target *target, target_tree tree);

/* False: the event ring is full, and there is no memory for more: it goes on when it is called again. */
bool give_back_drain(struct flue_target *target, target_tree tree, flue_ps at_ps);
void give_back_complete(struct flue_target *target, const struct upward *done);

/* The state of a connection as it is now. */
void give_back_snapshot(const struct flue_target *target, const struct target_context *context,
                        struct flue_tcp_state *state);
/* The call of MiniportTerminateOffload(): what was held goes up at once (D-34). */
void give_back_call(struct flue_target *target, target_tree tree);

/* update.c: at the call (D-18), and its cost later. */
void update_call(struct flue_target *target, target_tree tree);
void update_drain(struct flue_target *target, target_tree tree, flue_ps at_ps);

/* query.c */
void query_drain(struct flue_target *target, target_tree tree, flue_ps at_ps);
void query_complete(struct flue_target *target, target_tree tree);
/* SendBacklogSize, and the event that tells of a change (behaviour 13.1). */
uint32_t backlog_bytes(const struct flue_target *target, const struct target_context *context);
void backlog_look(struct flue_target *target, struct target_context *context);

/* invalidate.c: marks at the call (D-24); completes when what was queued has left. */
void invalidate_call(struct flue_target *target, target_tree tree);
void invalidate_drain(struct flue_target *target, target_tree tree, flue_ps at_ps);
void invalidate_advance(struct flue_target *target, flue_ps now_ps);
/* Completes those of objects that are terminated.  False: there is no room in the event ring for all. */
bool invalidate_flush(struct flue_target *target, target_tree terminated);
void invalidate_fire(struct timer *timer, flue_ps now_ps);
void invalidate_complete(struct flue_target *target, target_tree tree);
/* An invalid connection is about to send data, FIN, a repetition or a probe: it does not (D-25). */
void invalidate_refuse(struct flue_target *target, struct target_context *context);

/* neighbour.c: reachability (behaviour 14) */
uint32_t target_tick_at(struct flue_target *target, flue_ps at_ps);
static inline uint32_t target_tick(struct flue_target *target)
{
    const flue_ps now_ps = target->engine.clock_ps;

    return now_ps >= target->tick_from_ps && now_ps < target->tick_to_ps ? target->tick
                                                                         : target_tick_at(target, now_ps);
}
static inline void neighbour_progress(struct flue_target *target, struct target_neighbour *neighbour)
{
    neighbour->reached_tick = target_tick(target); /* the only write per packet */
}
void neighbour_test(struct flue_target *target, struct target_neighbour *neighbour);
/* Before a datagram leaves. */
static inline void neighbour_before_transmit(struct flue_target *target, struct target_neighbour *neighbour)
{
    if (target->engine.clock_ps >= neighbour->fresh_to_ps) {
        neighbour_test(target, neighbour);
    }
}
void neighbour_ask(struct flue_target *target, struct target_neighbour *neighbour);
void neighbour_live(struct flue_target *target, struct target_neighbour *neighbour);

/* watch.c: why a target would like to get rid of a connection */
flue_err watch_start(struct flue_target *target, struct target_context *context);
void watch_stop(struct flue_target *target, struct target_context *context);
void watch_fire(struct timer *timer, flue_ps now_ps);
void watch_fragment(struct target_context *context);
void watch_post(struct target_context *context, PNET_BUFFER_LIST first);
/* Optional reasons, and states in which none of them is raised (D-28). */
bool watch_optional(ULONG reason);
bool watch_half_closed(enum flue_tcp_state_id state);

void send_drain(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST first);
/* An NBL that has become the target's: notes its size.  And how much of that is not yet acknowledged. */
void send_adopt(struct target_context *context, PNET_BUFFER_LIST nbl);
flue_err send_queue_spans(struct flue_tcp_conn *conn, PNET_BUFFER_LIST nbl, flue_ps at_ps);
void send_acked(struct flue_target *target, struct target_context *context, uint32_t bytes);
void send_fail_all(struct flue_target *target, struct target_context *context, NDIS_STATUS status);
/* Completes sends or forwards that nobody looked at, with 0 bytes. */
void send_refuse(struct flue_target *target, enum upward_kind kind, struct target_context *context,
                 PNET_BUFFER_LIST first, NDIS_STATUS status);
/* What I/O is answered with that the connection cannot take any more (behaviour 11.4, D-38). */
NDIS_STATUS send_refusal(const struct target_context *context);
/* Those that came after the target had wanted the connection back (CONTEXT_RECALLED). */
void send_refuse_late(struct flue_target *target, struct target_context *context);
/* The same when the connection stands still from now on, unless lists before them complete only when it goes. */
void send_freeze(struct flue_target *target, struct target_context *context);
/* What is not acknowledged goes back: first NBL of the chain; the first byte is SndUna. */
PNET_BUFFER_LIST send_hand_back(struct target_context *context, PNET_BUFFER_LIST *last);

/* forward.c */
void forward_drain(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST first);

/* segment.c: SYN, RST and URG are looked at before TCP sees the segment (behaviour 15.4 to 15.6). */
enum segment_fate {
    SEGMENT_FOR_TCP,
    SEGMENT_DROPPED,
    SEGMENT_FOR_HOST, /* at once, by the ordinary path */
    SEGMENT_HELD      /* the connection stands still, and this is the first that waits for the host */
};
enum segment_fate segment_judge(struct flue_target *target, struct target_context *context,
                                const struct flue_frame *frame);
static inline enum segment_fate segment_look(struct flue_target *target, struct target_context *context,
                                             const struct flue_frame *frame)
{
    return (frame->flags & (FLUE_TCP_SYN | FLUE_TCP_URG | FLUE_TCP_RST)) == 0 ? SEGMENT_FOR_TCP
                                                                              : segment_judge(target, context, frame);
}

/* receive.c: received data on its way up. */
void receive_data(struct flue_target *target, struct target_context *context, const struct flue_span *span,
                  uint32_t psh);
/* In an interrupt: data that has become visible; then what the delivery algorithm makes of it, for each connection that
 * was touched (behaviour 13.3). */
void receive_collect(struct flue_target *target, struct target_context *context, const struct flue_span *span,
                     uint32_t psh);
void receive_touch(struct flue_target *target, struct target_context *context);
void receive_flush(struct flue_target *target);
/* In an interrupt: the peer's FIN has become visible. */
void receive_peer_fin(struct flue_target *target, struct target_context *context);
void receive_return(struct flue_target *target, PNET_BUFFER_LIST first);

/* post.c: receive requests.  The first is called by the driver, from inside the host's call. */
void post_enqueue(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST first);
void post_drain(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST first, uint32_t count);
void post_fire(struct timer_fifo_entry *entry, flue_ps now_ps);
/* What is kept of the connection's requests; NULL: no memory. */
struct target_extra *post_make(struct flue_target *target, struct target_context *context);
/* Whether the first request takes data. */
static inline bool post_takes(const struct target_context *context)
{
    const struct target_extra *posts = context_posts(context);

    return posts != NULL && posts->first != NULL && posts->first->Status == NDIS_STATUS_SUCCESS &&
           NET_BUFFER_DATA_LENGTH(NET_BUFFER_LIST_FIRST_NB(posts->first)) > 0;
}
/* Places the beginning of a span; returns how much of it.  push: the segment was pushed, and this is its end. */
uint32_t post_place(struct flue_target *target, struct target_context *context, const struct flue_span *span,
                    bool push);
/* What needs no new data: requests of no room, those that came too late, one whose push timer has expired. */
void post_look(struct flue_target *target, struct target_context *context);
/* Starts the push timer for a first request that the host has begun itself. */
void post_wait(struct flue_target *target, struct target_context *context);
/* One completion call for all that are done; false: there was none. */
bool post_complete(struct flue_target *target, struct target_context *context);
/* Everything that is left completes, with its bytes, with this status.  In an interrupt. */
void post_end(struct flue_target *target, struct target_context *context, NDIS_STATUS status);
/* The same, when the host gets to see what was pushed before.  From the engine. */
void post_end_later(struct flue_target *target, struct target_context *context, NDIS_STATUS status);
/* The partly filled request completes (D-41). */
void post_end_partial(struct flue_target *target, struct target_context *context);

void disconnect_drain(struct flue_target *target, struct target_context *context, PNET_BUFFER_LIST nbl, ULONG flags);
void disconnect_acked(struct target_context *context, uint32_t bytes);
/* Abortive ones complete when their RST has been given to the wire (CH-231). */
void disconnect_reset_sent(struct flue_target *target, flue_ps now_ps);
static inline void disconnect_advance(struct flue_target *target, flue_ps now_ps)
{
    if (!list_empty(&target->resets)) {
        disconnect_reset_sent(target, now_ps);
    }
}
void disconnect_finish(struct flue_target *target, struct target_context *context, NDIS_STATUS status);

/* vlan.c: MAC addresses and tags (behaviour 15.1 to 15.3) */
void vlan_init(struct flue_target *target);
void vlan_address(const struct flue_target *target, const struct target_context *context, struct flue_frame *frame);
/* A frame that has no tag and no addresses yet. */
static inline void vlan_dress(const struct flue_target *target, const struct target_context *context,
                              struct flue_frame *frame)
{
    if (target->dresses || context->path->neighbour->vlan != 0) {
        vlan_address(target, context, frame);
    }
}
bool vlan_takes(const struct flue_target *target, const struct flue_frame *frame);

/* statistics.c */
static inline struct target_statistics *statistics_of(struct flue_target *target, const struct flue_frame *frame)
{
    return &target->statistics[frame->ethertype == FLUE_ETHERTYPE_IPV6];
}
static inline void statistics_in(struct flue_target *target, const struct flue_frame *frame)
{
    struct target_statistics *statistics = statistics_of(target, frame);

    statistics->in++;
    statistics->in_bytes += frame_ip_bytes(frame);
}
void statistics_in_lost(struct flue_target *target, const struct flue_frame *frame);
void statistics_out_rare(struct flue_target *target, const struct flue_frame *frame, int again);
static inline void statistics_out(struct flue_target *target, const struct flue_frame *frame, int again)
{
    struct target_statistics *statistics = statistics_of(target, frame);

    statistics->out++;
    statistics->out_bytes += frame_ip_bytes(frame);
    if (again != 0 || (frame->flags & FLUE_TCP_RST) != 0) {
        statistics_out_rare(target, frame, again);
    }
}
/* Brings the counters up to date: before they are read or set. */
void statistics_settle(struct flue_target *target);
void statistics_out_lost(struct flue_target *target, const struct flue_frame *frame);
/* A connection is going to be reset, by whatever side. */
void statistics_reset(struct flue_target *target, const struct flue_tcp_conn *conn);
TCP_OFFLOAD_STATS statistics_tcp(const struct flue_target *target, unsigned v6);

/* oid.c */
void oid_init(struct flue_target *target);
NDIS_STATUS oid_request(struct flue_target *target, PNDIS_OID_REQUEST request);

/* power.c */
NDIS_TCP_CONNECTION_OFFLOAD power_capability(const struct flue_target *target, bool hardware);
bool power_holds(struct flue_target *target, target_tree tree);
void power_show(struct flue_target *target, const struct upward *entry);
/* What is enabled has changed: the host is to be told. */
void power_changed(struct flue_target *target);
NDIS_STATUS power_set(struct flue_target *target, PNDIS_OID_REQUEST request);
/* At the end of an interrupt: perhaps nothing is left, and the adapter may sleep. */
void power_look(struct flue_target *target);

/* event.c */
void event_freeze(struct flue_target *target, struct target_context *context, TCP_UPLOAD_REASON reason,
                  enum flue_tcp_state_id state);
void event_hold(struct flue_target *target, struct target_context *context, const struct flue_frame *frame);
void event_let_go(struct flue_target *target, struct target_context *context);
void event_release_held(struct flue_target *target, struct target_context *context);
void event_abort(struct flue_target *target, struct target_context *context);
void event_raise(struct flue_target *target, const struct upward *entry);

#endif
