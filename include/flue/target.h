/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/target.h - the adapter: an ordinary NIC and the offload target in it.  A target is a miniport driver; above it
 * there is only NDIS, below it the wire. */
#ifndef FLUE_TARGET_H
#define FLUE_TARGET_H

#include "flue/base.h"
#include "flue/cost.h"
#include "flue/ddi.h"
#include "flue/tcp_engine.h"
#include "flue/wire.h"

FLUE_BEGIN_C

struct flue_env;
struct flue_trace;
struct flue_ndis;
struct flue_target; /* opaque */
struct timers;

/* The life of an offloaded connection in the target (behaviour 5.2).  Changed in one function, by a table of legal
 * edges. */
#define FLUE_CONTEXTS(X)                                                                                               \
    X(NONE, "none")           /* no context area */                                                                    \
    X(INSTALLED, "installed") /* taken in, the completion of its initiate has not returned: no upward call (D-15) */   \
    X(LIVE, "live")                                                                                                    \
    X(INVALID, "invalid")         /* it, its path or its neighbour was invalidated: receives, does not send (D-24) */  \
    X(DRAINING, "draining")       /* frozen after a mandatory Retrieve, until it is terminated (D-34) */               \
    X(ABORTED, "aborted")         /* by the peer's RST or an abortive disconnect */                                    \
    X(TERMINATING, "terminating") /* given back, the completion of its terminate has not returned */

/* Where in its life a context is; FLUE_CONTEXT_COUNT states. */
enum flue_context {
#define X(name, title) FLUE_CONTEXT_##name,
    FLUE_CONTEXTS(X)
#undef X
        FLUE_CONTEXT_COUNT
};
const char *flue_context_name(unsigned context); /* "live"; "?" if unknown */

/* When the target would like to get rid of a connection (behaviour 11.2, optional reasons).  Counted over window_ps; a
 * threshold of 0 is never reached.  Each reason is raised once per connection, never while it is half closed (D-28). */
struct flue_target_thresholds {
    flue_ps window_ps;              /* 0: nothing is counted */
    uint32_t low_activity_requests; /* LowActivity: fewer sends, receives and indications than that */
    uint32_t high_drop_permille;    /* HighDropRate: so many of the segments sent were repetitions */
    uint32_t small_io_bytes;        /* SmallIO: all receive buffers posted were smaller */
    uint32_t no_post_indications;   /* NoBufferPreposting: so many indications and no receive posted */
    uint32_t fragments;             /* HighFragmentation: fragments that came */
    uint32_t out_of_order;          /* HighOutOfOrderPackets: segments that came behind a gap */
};

/* NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED, from NDIS 6.20: a judgement beyond resources (behaviour 7.4). */
struct flue_target_judge {
    void *ctx;                                                  /* handed back in the call */
    int (*poor)(void *ctx, const struct flue_tcp_state *state); /* 1: a poor candidate; NULL: there is none */
};

/* Bounds of two lists below: VLAN ids of an interface, receive queues. */
enum { FLUE_TARGET_VLANS = 8, FLUE_TARGET_QUEUES = 16 };

/* What an adapter is made of. */
struct flue_target_params {
    uint32_t neighbour_max;     /* state objects held; past it NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES; 0: no offload */
    uint32_t path_max;          /* ..._PATH_ENTRIES */
    uint32_t tcp_max;           /* ..._TCP_ENTRIES */
    uint32_t rcv_wnd_max_bytes; /* largest InitialRcvWnd taken; past it ..._TCP_RCV_WINDOW */
    uint32_t mtu_max_bytes;     /* largest path MTU taken; past it NDIS_STATUS_OFFLOAD_PATH_MTU */
    uint32_t source_mac_max;    /* source MAC addresses beside its own; past it ..._HW_ADDRESS_ENTRIES; 0: none */
    uint32_t vlan_max;          /* VLAN ids of neighbours; past it ..._VLAN_ENTRIES; 0: it makes no tags */
    uint32_t address_max;       /* source IP addresses; past it ..._IP_ADDRESS_ENTRIES; 0: any number */
    uint32_t ipv6;              /* 1: takes IPv6 paths; 0: answers them with NDIS_STATUS_FAILURE */
    uint32_t vlan_count;        /* VLAN ids of the interface (behaviour 15.1); 0: none is configured */
    uint16_t vlan[FLUE_TARGET_VLANS]; /* vlan_count of them count */
    uint32_t ieee_8021p;              /* 1: puts UserPriority into tags; 0: ignores it (CH-276) */
    uint32_t count_bad;         /* 1: drops and counts headers that are corrupt, as far as it may; 0: passes them up */
    uint64_t rcv_buffer_bytes;  /* for the InitialRcvWnd of all; past it ..._TCP_RCV_BUFFER; 0: any */
    uint64_t xmit_buffer_bytes; /* for the MaxSndWnd of all; past it ..._TCP_XMIT_BUFFER; 0: any */
    struct flue_target_judge judge;           /* copied */
    struct flue_target_thresholds thresholds; /* copied */
    flue_ps hang_after_ps;                    /* operations that take longer are overdue (D-60); 0: nobody looks */
    uint32_t nce_stale_ticks;                 /* NceStaleTicks (behaviour 14); 0: reachability is never asked for */
    uint32_t backlog_permille;                /* a SendBacklogSize that changed by so much is told; 0: never */
    uint32_t backlog_ticks;                   /* and at most once in so many ticks (CH-263) */
    uint32_t send_quantum;                    /* segments a connection may send in its turn: 4 */
    uint32_t backlog_frames;     /* the engine's frames in the transmit ring, unsent, before connections wait: 64;
                                  * half of it while ordinary frames share the wire */
    uint32_t ring_frames;        /* receive ring of the ordinary path: 4096; past it frames are dropped and counted */
    uint32_t receive_queues;     /* processors that it can interrupt, 0 .. n-1, each with a queue of its own (behaviour
                                  * 15.8); 0, 1: no receive-side scaling; at most FLUE_TARGET_QUEUES */
    struct flue_tcp_params tcp;  /* ACK policy, retransmission limits of offloaded connections */
    struct flue_profile profile; /* adapter prices are used */
    struct flue_ddi ddi;         /* zeroed: all defaults but the numbers, which are then 0 */
};

/* Makes a target, registers it as miniport on ndis and initialises its one adapter on `wire`.  Borrows env, timers,
 * trace, ndis, wire; copies params.  FLUE_OK: *out owned by the caller.  Else *out NULL: FLUE_ENOMEM; FLUE_EINVAL:
 * send_quantum, backlog_frames, ring_frames or tcp.tick_ps is 0, vlan_count or receive_queues above its bound,
 * window_ps negative, another value of tcp out of its range (flue/tcp.h), or in the profile engine_hz below 1000,
 * pcie_bps below 10^6, pcie_mps_bytes or pcie_mrrs_bytes 0, context_cache above 10^6.  The identity of a connection in
 * the target's traces is its HashValue, unless flue_target_set_names() knows better: with one receive queue Flue's host
 * uses the connection's identity as its receive-side scaling hash. */
FLUE_CHECKED flue_err flue_target_new(const struct flue_env *env, struct timers *timers, const struct flue_trace *trace,
                                      struct flue_ndis *ndis, const struct flue_wire *wire,
                                      const struct flue_target_params *params, struct flue_target **out);
/* The host's core: interrupts wait for it and are charged to it at this price, and what is handed down leaves at its
 * clock. Both borrowed until the target is freed; without a core (NULL) the host takes no time. */
void flue_target_set_host_core(struct flue_target *target, struct flue_server *core,
                               const struct flue_price *interrupt);
/* One of several processors, otherwise all are that core; borrowed likewise.  Behind flue_target_set_host_core(). */
void flue_target_set_processor(struct flue_target *target, unsigned processor, struct flue_server *core);
/* Where the identity of a connection comes from that is taken in; ctx is borrowed. */
void flue_target_set_names(struct flue_target *target,
                           uint32_t (*identify)(void *ctx, const struct flue_tcp_tuple *tuple), void *ctx);
/* The processor whose interrupt runs now, from inside an upward call: 0 .. receive_queues - 1, without queues 0. */
unsigned flue_target_processor(const struct flue_target *target);
/* Interrupts that a processor got, over the run. */
uint64_t flue_target_interrupts(const struct flue_target *target, unsigned processor);
/* Halts the adapter and frees the target.  NULL does nothing.  What a run that was cut short has left lent
 * across the adapter is forgotten. */
void flue_target_free(struct flue_target *target);

/* A frame has come from the wire (borrowed).  now_ps: the moment its last bit arrived. */
void flue_target_receive(struct flue_target *target, const struct flue_frame *frame, flue_ps now_ps);

/* What is wrong with the headers of a frame. */
enum flue_target_bad {
    FLUE_BAD_IP_HEADER,    /* too short for one, or its numbers do not fit together */
    FLUE_BAD_IP_TRUNCATED, /* a good header, but less behind it than it says */
    FLUE_BAD_TCP_HEADER    /* a good IP header before it */
};
/* A frame has come whose headers are corrupt, which no struct flue_frame can be: `frame` is what could be read of it.
 * Such a frame is passed up the ordinary path, uncounted; with count_bad, while chimney is on for its IP version and an
 * object of the layer below the header is offloaded (a neighbour; for TCP headers a path), it is dropped and counted
 * instead (CH-317 to CH-319). */
void flue_target_receive_bad(struct flue_target *target, enum flue_target_bad bad, const struct flue_frame *frame,
                             flue_ps now_ps);

/* Status indications to the host, made in the next interrupt (behaviour 12).  A paused target keeps serving what it
 * has, and lets initiates wait; one that wants everything back answers new sends UPLOAD_IN_PROGRESS, and initiates with
 * FAILURE.  flue_target_resume() ends both, and tells the present capabilities.  A port that goes down or up is
 * reported, nothing else (CH-312). */
void flue_target_pause(struct flue_target *target);
void flue_target_resume(struct flue_target *target);
void flue_target_upload_all(struct flue_target *target);
void flue_target_link(struct flue_target *target, int up);

/* What can be made to go wrong. */
enum flue_target_fault {
    FLUE_FAULT_CORRUPT,   /* the state of the object is lost: query, invalidate and terminate fail (behaviour 11.5) */
    FLUE_FAULT_TERMINATE, /* its terminate fails (D-32) */
    FLUE_FAULT_HARDWARE,  /* a connection: HardwareFailure is noticed at once */
    FLUE_FAULT_STARVE,    /* a connection: memory has run out for it, UploadRequested (CH-142) */
    FLUE_FAULT_LOSE,      /* the next operation of kind `id`, as in the next line, is done, and its completion lost */
    FLUE_FAULT_HANG,      /* the next state operation of kind `id` (0 initiate, 1 terminate, 2 update, 3 invalidate,
                           * 4 query) is never begun; layer 0 */
    FLUE_FAULT_BUS        /* the adapter has lost all that it kept, and is started anew (D-60); layer and id 0 */
};
/* layer: 1 neighbour, 2 path, 3 connection; id: identity of a connection in traces, the object itself or the one above
 * which it is meant.  FLUE_EINVAL: there is no such object. */
FLUE_CHECKED flue_err flue_target_fault(struct flue_target *target, enum flue_target_fault fault, unsigned layer,
                                        uint32_t id);

/* on 1: completions of state operations stay in the adapter, and behind each of an initiate whatever is to be told of
 * its connections (D-15); everything else goes on.  on 0: they are made, in order, in the next interrupt. */
void flue_target_hold(struct flue_target *target, int on);
/* Makes the first one held of this kind (as with FLUE_FAULT_HANG) that concerns a connection (HashValue; FLUE_NO_CONN:
 * any), and leaves the others.  FLUE_ENOENT: none is held. */
FLUE_CHECKED flue_err flue_target_let_go(struct flue_target *target, unsigned kind, uint32_t id);
/* Folds what the adapter keeps into *digest, moments counted from now_ps: two that go on alike have equal digests. */
void flue_target_fold(const struct flue_target *target, flue_ps now_ps, uint64_t *digest);
/* Its NdisMiniportHandle. */
void *flue_target_adapter(const struct flue_target *target);

/* What an adapter has counted since flue_target_new(), and what it holds now. */
struct flue_target_totals {
    uint64_t neighbours, paths, connections; /* held now */
    uint64_t connections_peak;               /* the most at once */
    uint64_t initiated, refused, terminated; /* TCP objects, over the run */
    uint64_t frames_in, frames_out;          /* on the wire, all */
    uint64_t ordinary_in, ordinary_out;      /* of those, of the ordinary path */
    uint64_t wire_full;                      /* frames the wire's queue refused */
    uint64_t ring_drops;                     /* frames dropped because the receive ring was full */
    uint64_t starved_drops;                  /* frames dropped because memory ran out */
    uint64_t filtered;                       /* frames for another address or VLAN */
    uint64_t doubts;                         /* segments sent again TcpDoubtReachabilityRetransmissions times (D-51) */
    uint64_t interrupts;                     /* to all processors */
    uint64_t context_misses;                 /* a context had to be fetched from host memory first */
    uint64_t events;                         /* Disconnect, Abort, Retrieve raised */
    uint64_t late;                           /* completions that were found missing, and made (D-60) */
    uint64_t resets;                         /* starts anew */
};
/* The adapter's counters now, and those of its TCP engine; *out is overwritten.  target NULL stands for an adapter that
 * is not Flue's, whose books are empty. */
void flue_target_totals(const struct flue_target *target, struct flue_target_totals *out);
void flue_target_tcp_totals(const struct flue_target *target, struct flue_tcp_totals *out);
/* How the adapter's engine sees a connection.  FLUE_ENOENT: it does not have it. */
FLUE_CHECKED flue_err flue_target_tcp_info(const struct flue_target *target, const struct flue_tcp_tuple *tuple,
                                           struct flue_tcp_info *out);
/* Its processor and its bus with their books; borrowed until flue_target_free(). */
const struct flue_server *flue_target_engine(const struct flue_target *target);
const struct flue_pcie *flue_target_pcie(const struct flue_target *target);
/* Busy time of the transmit side of the wire. */
uint64_t flue_target_wire_busy_ps(const struct flue_target *target);
/* Buffer lists, contexts and pool items not back where they belong; 0 at the end of a good run. */
uint64_t flue_target_objects_live(const struct flue_target *target);

FLUE_END_C

#endif
