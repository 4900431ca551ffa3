/* SPDX-License-Identifier: GPL-2.0-only */
/* target/objects.h - what the adapter keeps of the state objects that were offloaded to it (behaviour 2.4). */
#ifndef FLUE_TARGET_OBJECTS_H
#define FLUE_TARGET_OBJECTS_H

#include <stdbool.h>

#include "base/timers.h"
#include "flue/base.h"
#include "flue/ndischimney.h"
#include "flue/target.h"
#include "flue/wire.h"

/* ---- State objects (behaviour 2.4): an inverted tree, TCP -> path -> neighbour ---- */

/* Marks of an object, whatever its layer. */
enum object_mark {
    OBJECT_LIVE = 0x01,       /* the completion of its initiate has returned (neighbours) */
    OBJECT_GIVEN_BACK = 0x02, /* its terminate has not completed (neighbours, paths) */
    OBJECT_INVALID = 0x04,    /* invalidated itself; what it inherits from its parents is not marked here (D-24) */
    OBJECT_BROKEN = 0x08,     /* its state is lost: query, invalidate and terminate fail (behaviour 11.5) */
    OBJECT_NO_END = 0x10,     /* its terminate fails (D-32) */
    OBJECT_TOLD = 0x20,       /* HardwareFailure and Abort were raised for it (connections) */
    OBJECT_LEFT = 0x20,       /* the host has ended it too early: nothing is said of it any more (neighbours) */
    OBJECT_LISTED = 0x40,     /* on a list of those to be told of something (connections) */
    OBJECT_ASKING = 0x40,     /* a reachability query is on its way to the host (neighbours) */
    OBJECT_ASK_DUE = 0x80     /* one is due when the completion of the initiate has returned (neighbours) */
};

struct target_neighbour {
    struct target_neighbour *next; /* of those that a terminate frees */
    struct flue_hook sibling;      /* in target->all */
    struct flue_hook paths;        /* that lead over it: struct target_path, sibling */
    NDIS_HANDLE handle;
    flue_ps fresh_to_ps;   /* there is nothing to test before; 0: not known */
    uint32_t reached_tick; /* NRT: forward progress was last seen; ticks modulo 2^32 (behaviour 14) */
    uint32_t host_tick;    /* HRT: when the host last confirmed reachability, as it said */
    uint32_t dependents;
    uint16_t vlan;         /* VlanId */
    uint8_t marks;         /* enum object_mark */
    uint8_t refusals;      /* terminates that failed because something depends on it (left.c) */
    uint8_t mac[6];        /* of the next hop: the first bytes of `destination` */
    UCHAR source[32];      /* DlSourceAddress, as it came; all zero: the adapter's own */
    UCHAR destination[32]; /* DlDestinationAddress, as it came */
};

struct target_path {
    struct target_path *next;
    struct flue_hook sibling; /* in neighbour->paths */
    struct flue_hook conns;   /* struct target_context, sibling */
    struct target_neighbour *neighbour;
    struct flue_ip local_ip, remote_ip;
    uint32_t mtu_bytes;
    uint32_t dependents;
    uint8_t marks;
    uint8_t refusals; /* as a neighbour's */
    bool v6;
    UCHAR source[16], destination[16]; /* in network order, for the host to read after a query */
};

/* Something of which the adapter has a limited number, and who uses it: source addresses, VLAN ids. */
struct target_key {
    struct target_key *next;
    uint32_t users;
    UCHAR bytes[32];
};
struct target_keys {
    struct target_key *first;
    uint32_t count;
};

enum context_flag {
    CONTEXT_LATCHED = 0x01, /* the host refused data: nothing is indicated until it posts a receive (D-45) */
    CONTEXT_TOUCHED = 0x02, /* has data to indicate in the present interrupt */
    CONTEXT_WANTS_OUTPUT = 0x04,
    CONTEXT_WANTS_TIMEOUT = 0x08,
    CONTEXT_ENDED = 0x10,      /* the engine's connection is closed: segments take the ordinary path */
    CONTEXT_TIMED_OUT = 0x20,  /* the engine gave up; Retrieve is due */
    CONTEXT_LOOK = 0x40,       /* a FIN has moved the TCP state: look at it after the segment */
    CONTEXT_STARVED = 0x80,    /* memory ran out: the connection is to go back */
    CONTEXT_PEER_FIN = 0x100,  /* TcpIndicateDisconnect waits until the host has taken all data before it */
    CONTEXT_FIN_TOLD = 0x200,  /* TcpIndicateDisconnect was made */
    CONTEXT_PUSHED = 0x400,    /* the peer pushed what waits for the host */
    CONTEXT_LOST = 0x800,      /* keep-alive had no answer */
    CONTEXT_RECALLED = 0x1000, /* the target has wanted everything back: no more data is taken (D-29) */
    CONTEXT_LATE_END = 0x2000, /* `disconnect` came after that */
    CONTEXT_OVERFLOW = 0x4000, /* it is linked in target->overflow */
    CONTEXT_LATE = 0x8000      /* sends that came after that stand at the end of the others (send.c) */
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

/* What only some connections need: it is made when the first of these comes, and stays until nothing of it is in use
 * any more, or until the connection goes.
 *
 * The queue of receive requests is the driver's, so that no data is indicated over a request that the host has made;
 * the adapter sees a request one doorbell later.  Status tells what a request will be answered with: SUCCESS, or why it
 * came too late (D-40).  MiniportReserved[0]: bytes that stood in it when it came. */
struct target_extra {
    PNET_BUFFER_LIST first, last;
    struct ndis_chain done;       /* to be completed by the present interrupt */
    struct timer_fifo_entry push; /* the push timer */
    uint32_t made, seen, taken;   /* requests: by the host, seen by the adapter, taken off the queue; they wrap */
    bool requested;               /* all of the above is in use: a request was made, or a SYN challenged */
    bool expired;                 /* the push timer has */
    struct flue_target *target;
    struct target_context *context;
    uintptr_t overflow;             /* what follows it in target->overflow */
    flue_ps challenged_ps;          /* when a SYN was challenged last; FLUE_PS_NEVER: none was (behaviour 15.4) */
    struct target_watch *watch;     /* NULL unless a threshold is set */
    struct target_still *still;     /* while frozen; may be NULL */
    uint32_t rcv_bytes, xmit_bytes; /* booked of the adapter's buffers, where these have a limit */
    uint32_t dwnd;                  /* DWnd, returned unchanged (V-6) */
};

/* One offloaded connection.  The PVOID in the slot.  One cache line for each segment, one for the rest. */
struct target_context {
    struct flue_tcp_conn *conn; /* NULL: frozen in Closed or TimeWait, or given back */
    struct target_path *path;
    struct flue_hook work;      /* target->outputs, ->timeouts or ->resets */
    uint16_t flags;             /* enum context_flag */
    uint8_t state;              /* enum flue_context; written by context_enter() only */
    uint8_t marks;              /* enum object_mark */
    uint32_t slot;              /* 1 + place in the hot-state cache; 0: not there */
    PNET_BUFFER_LIST sends;     /* not yet fully acknowledged, in posting order; Scratch of the first: the last */
    PNET_BUFFER_LIST kept;      /* data that waits for the host; NULL: none */
    struct target_extra *extra; /* NULL: it needs nothing more */

    struct target_context *link;          /* of those touched by an interrupt, or freed by a terminate */
    NDIS_HANDLE handle;                   /* the host's name for it, in indications */
    uint32_t id;                          /* identity in traces */
    uint32_t hash;                        /* HashValue */
    uint32_t lent;                        /* indicated buffer lists that are out with the host */
    uint32_t rung;                        /* doorbells that name it */
    uint32_t backlog_bytes, backlog_tick; /* SendBacklogSize as last told, and when */
    PNET_BUFFER_LIST disconnect;          /* graceful, not yet acknowledged; abortive, its RST not yet sent */
    struct flue_hook sibling;             /* in path->conns */
};

static inline struct target_watch *context_watch(const struct target_context *context)
{
    return context->extra == NULL ? NULL : context->extra->watch;
}

static inline struct target_still *context_still(const struct target_context *context)
{
    return context->extra == NULL ? NULL : context->extra->still;
}

/* What it has of receive requests; NULL: none was ever made. */
static inline struct target_extra *context_posts(const struct target_context *context)
{
    return context->extra == NULL || !context->extra->requested ? NULL : context->extra;
}

/* contexts.c.  A connection's struct target_extra, made if it has none; NULL: no memory.  And, when a part of it is
 * done with: gives it back if nothing of it is in use. */
struct target_extra *context_widen(struct flue_target *target, struct target_context *context);
void context_narrow(struct flue_target *target, struct target_context *context);
/* Books what of the adapter's buffers it takes.  FLUE_ENOMEM: nothing has changed. */
FLUE_CHECKED flue_err context_book(struct flue_target *target, struct target_context *context, uint32_t rcv_bytes,
                                   uint32_t xmit_bytes);

/* The slot tells by the low bits of the address which of them it is (slot.h). */
_Static_assert(sizeof(struct target_context) % 16 == 0 && sizeof(struct target_path) % 16 == 0 &&
                   sizeof(struct target_neighbour) % 16 == 0,
               "pools align to 16 what is a multiple of 16");
_Static_assert(sizeof(struct target_context) <= 128, "a context costs two cache lines");

/* What is counted of a connection whose target would rather not have every one (behaviour 11.2, optional reasons). */
struct target_watch {
    struct flue_hook hook; /* target->watched */
    struct target_context *context;
    uint32_t segments_out, retransmits; /* as the TCP engine had counted them at the last look */
    uint32_t requests, posts, large_posts, indications, fragments, out_of_order; /* since the last look */
    uint32_t small_io_bytes;                                                     /* the threshold */
    uint32_t told; /* a bit for each enum TCP_UPLOAD_REASON that was raised */
    bool whole;    /* a whole window has been counted */
};

#endif
