/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/node.h - a host over NDIS over an adapter on a wire: what one end of a connection is made of. */
#ifndef FLUE_NODE_H
#define FLUE_NODE_H

#include "flue/base.h"
#include "flue/check.h"
#include "flue/env.h"
#include "flue/host.h"
#include "flue/im.h"
#include "flue/target.h"
#include "flue/trace.h"
#include "flue/wire.h"

FLUE_BEGIN_C

struct flue_node;     /* opaque */
struct flue_provider; /* flue/provider.h */

/* What the wire does to frames on their way to this node, decided by Flue's own random streams on every network. */
#define FLUE_IMPAIR_LIST_MAX 32
struct flue_impair_params {
    uint32_t loss_ppm;                   /* share of frames that never arrive; 0 .. 10^6 */
    uint32_t reorder_ppm;                /* share of frames that arrive late; 0 .. 10^6 */
    flue_ps reorder_ps;                  /* how late a reordered frame is */
    uint64_t lose[FLUE_IMPAIR_LIST_MAX]; /* numbers, from 1, of frames to lose exactly; ascending; 0 ends the list */
};

/* Watches what passes a node's port: frames that the wire took from it, at the moment when it was given them, and
 * frames that it got, behind loss and reordering.  The frame is borrowed until return.  frame NULL: nobody watches. */
struct flue_node_tap {
    void *ctx;                                                                /* handed back in the call */
    void (*frame)(void *ctx, const struct flue_frame *frame, flue_ps now_ps); /* from inside an entry of the node */
};

/* Adapters that may stand in a node.  Of intermediate drivers, one above the other, there can be any number. */
enum { FLUE_NODE_ADAPTERS = 2 };

/* What a node is made of.  Parameters of the boxes as in their own headers. */
struct flue_node_params {
    uint16_t number;                      /* in traces */
    struct flue_node_tap tap;             /* copied */
    struct flue_impair_params impair;     /* copied */
    enum flue_check_mode check;           /* by host.ddi; sees the frames of the wire, too */
    struct flue_check_sink check_sink;    /* copied */
    struct flue_host_params host;         /* copied */
    struct flue_target_params target;     /* of every adapter */
    const struct flue_provider *provider; /* the first adapter comes from there instead (then flue_node_target() is
                                           * NULL); borrowed; NULL: Flue's own, too */
    unsigned adapters;                    /* 0 or 1: one */
    const struct flue_wire *second;       /* wire of the second adapter; borrowed */
    unsigned drivers;                     /* 0: the host stands on the adapter */
    const struct flue_im_params *driver;  /* so many, from the bottom up; a team takes both adapters; copied */
};

/* Builds the boxes of a node.  Borrows env, wire, trace (its node field is set to params->number by the caller) until
 * flue_node_free(); copies params.  FLUE_OK: *out is owned by the caller.  Else *out NULL: FLUE_ENOMEM; FLUE_EINVAL:
 * adapters above FLUE_NODE_ADAPTERS, two adapters and no second wire, drivers without their parameters, or what
 * flue_host_new(), flue_target_new() or flue_im_new() say of theirs; what the provider's create() returned. */
FLUE_CHECKED flue_err flue_node_new(const struct flue_env *env, const struct flue_wire *wire,
                                    const struct flue_trace *trace, const struct flue_node_params *params,
                                    struct flue_node **out);
/* Frees its boxes, the adapters first.  NULL does nothing. */
void flue_node_free(struct flue_node *node);

/* Entries from outside, called by the simulator only.  Timers that are due run first. */
void flue_node_receive(struct flue_node *node, const struct flue_frame *frame); /* by the first adapter's wire */
/* The same by any of its adapters: 0 .. params.adapters - 1. */
void flue_node_receive_by(struct flue_node *node, unsigned adapter, const struct flue_frame *frame);
/* The alarm that env->set_alarm() set.  Early or twice does no harm. */
void flue_node_alarm(struct flue_node *node);
/* A frame that comes to the first adapter at a time, by another way than the wire, which neither loses nor delays it.
 * Copied; without memory it is lost.  From outside an entry of this node: flue_node_settle() follows. */
void flue_node_receive_at(struct flue_node *node, const struct flue_frame *frame, flue_ps at_ps);

/* The run is over, and everything was given back: the checker's last look, if it is on. */
void flue_node_check_end(struct flue_node *node);
/* The same if the run was cut: what has been owed for too long. */
void flue_node_check_cut(struct flue_node *node);

/* Its boxes, borrowed until flue_node_free(). */
struct flue_host *flue_node_host(struct flue_node *node);
struct flue_target *flue_node_target(struct flue_node *node); /* the first adapter's; NULL: a provider's */
struct flue_target *flue_node_target_at(struct flue_node *node, unsigned adapter); /* NULL: there is none */
struct flue_im *flue_node_driver(struct flue_node *node, unsigned place);          /* 0: the lowest; NULL: none */
struct flue_ndis *flue_node_ndis(struct flue_node *node);                          /* the dispatcher and its checker */
/* Objects of the node's adapter that are not back where they belong. */
uint64_t flue_node_adapter_objects_live(const struct flue_node *node);
struct timers *flue_node_timers(struct flue_node *node); /* all of its timers */

/* Counts for bench and digests. */
struct flue_node_totals {
    uint64_t alarms;        /* entries through flue_node_alarm */
    uint64_t frames;        /* entries through flue_node_receive */
    uint64_t frame_digest;  /* folds time and header of every frame received, in order */
    uint64_t lost, delayed; /* by the impairment of this node's wire */
};
/* The node's counters now; *out is overwritten. */
void flue_node_totals(const struct flue_node *node, struct flue_node_totals *out);

/* After calling anything of a node's host from outside an entry (scenario set-up), say so: re-arms the alarm. */
void flue_node_settle(struct flue_node *node);

FLUE_END_C

#endif
