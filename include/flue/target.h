/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/target.h - the adapter: an ordinary NIC and the offload target in it.  A target is a miniport driver; above it
 * there is only NDIS, below it the wire. */
#ifndef FLUE_TARGET_H
#define FLUE_TARGET_H

#include "flue/base.h"
#include "flue/cost.h"
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
    X(DRAINING, "draining")       /* frozen after a mandatory Retrieve, until it is terminated (D-34) */               \
    X(ABORTED, "aborted")         /* by the peer's RST or an abortive disconnect */                                    \
    X(TERMINATING, "terminating") /* given back, the completion of its terminate has not returned */

enum flue_context {
#define X(name, title) FLUE_CONTEXT_##name,
    FLUE_CONTEXTS(X)
#undef X
        FLUE_CONTEXT_COUNT
};
const char *flue_context_name(unsigned context); /* "live"; "?" if unknown */

struct flue_target_params {
    uint32_t neighbour_max;      /* state objects held; past it NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES; 0: no offload */
    uint32_t path_max;           /* ..._PATH_ENTRIES */
    uint32_t tcp_max;            /* ..._TCP_ENTRIES */
    uint32_t rcv_wnd_max_bytes;  /* largest InitialRcvWnd taken; past it ..._TCP_RCV_WINDOW */
    uint32_t mtu_max_bytes;      /* largest path MTU taken; past it NDIS_STATUS_OFFLOAD_PATH_MTU */
    uint32_t send_quantum;       /* segments a connection may send in its turn: 4 */
    uint32_t backlog_frames;     /* the engine's frames in the transmit ring, unsent, before connections wait: 64;
                                  * half of it while ordinary frames share the wire */
    uint32_t ring_frames;        /* receive ring of the ordinary path: 4096; past it frames are dropped and counted */
    struct flue_tcp_params tcp;  /* ACK policy, retransmission limits of offloaded connections */
    struct flue_profile profile; /* adapter prices are used */
};

/* Makes a target, registers it as miniport on ndis and initialises its one adapter on `wire`.  Borrows env, timers,
 * trace, ndis, wire; copies params.  FLUE_OK: *out owned by the caller.  Else *out NULL: FLUE_ENOMEM, FLUE_EINVAL. The
 * identity of a connection in the target's traces is its HashValue: Flue's host has one receive queue, and uses the
 * connection's identity as its receive-side scaling hash. */
FLUE_CHECKED flue_err flue_target_new(const struct flue_env *env, struct timers *timers, const struct flue_trace *trace,
                                      struct flue_ndis *ndis, const struct flue_wire *wire,
                                      const struct flue_target_params *params, struct flue_target **out);
/* The host's core: interrupts wait for it and are charged to it at this price, and what is handed down leaves at its
 * clock. Both borrowed until the target is freed; without a core (NULL) the host takes no time. */
void flue_target_set_host_core(struct flue_target *target, struct flue_server *core,
                               const struct flue_price *interrupt);
/* Halts the adapter and frees the target.  NULL does nothing.  What a run that was cut short has left lent
 * across the adapter is forgotten. */
void flue_target_free(struct flue_target *target);

/* A frame has come from the wire (borrowed).  now_ps: the moment its last bit arrived. */
void flue_target_receive(struct flue_target *target, const struct flue_frame *frame, flue_ps now_ps);

struct flue_target_totals {
    uint64_t neighbours, paths, connections; /* held now */
    uint64_t connections_peak;
    uint64_t initiated, refused, terminated; /* TCP objects, over the run */
    uint64_t frames_in, frames_out;          /* on the wire, all */
    uint64_t ordinary_in, ordinary_out;      /* of those, of the ordinary path */
    uint64_t wire_full;                      /* frames the wire's queue refused */
    uint64_t ring_drops;                     /* frames dropped because the receive ring was full */
    uint64_t starved_drops;                  /* frames dropped because memory ran out */
    uint64_t interrupts;
    uint64_t context_misses;
    uint64_t events; /* Disconnect, Abort, Retrieve raised */
};
void flue_target_totals(const struct flue_target *target, struct flue_target_totals *out);
void flue_target_tcp_totals(const struct flue_target *target, struct flue_tcp_totals *out);
const struct flue_server *flue_target_engine(const struct flue_target *target);
const struct flue_pcie *flue_target_pcie(const struct flue_target *target);
/* Busy time of the transmit side of the wire. */
uint64_t flue_target_wire_busy_ps(const struct flue_target *target);
/* Buffer lists, contexts and pool items not back where they belong; 0 at the end of a good run. */
uint64_t flue_target_objects_live(const struct flue_target *target);

FLUE_END_C

#endif
