/* SPDX-License-Identifier: GPL-2.0-only */
/* im/im_core.h - an intermediate driver from inside: a miniport to the layer above, a protocol to the layer below.
 *
 * Files: protocol.c and miniport.c are the two edges, with the documented names; conversion.c turns trees from one
 * edge's view into the other's and back; entry.c keeps the records for that; data.c passes buffer lists; starve.c
 * answers what finds no memory; hold.c delays; break.c does what is forbidden; indicate.c passes what the adapter says
 * of its own accord; ordinary.c passes frames; request.c passes requests and power; team.c moves from one adapter to
 * the other. */
#ifndef FLUE_IM_CORE_H
#define FLUE_IM_CORE_H

#include <stdbool.h>

#include "flue/env.h"
#include "flue/im.h"
#include "flue/ndischimney.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/timers.h"

enum im_operation { IM_INITIATE, IM_TERMINATE, IM_UPDATE, IM_INVALIDATE, IM_QUERY, IM_OPERATIONS };
enum im_request { IM_SEND, IM_RECEIVE, IM_DISCONNECT, IM_FORWARD, IM_REQUESTS };

typedef PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST im_tree_m; /* a tree as the upper edge sees it */
typedef PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST im_tree_p; /* a tree as the lower edge sees it */

enum {
    IM_EDGES = 2,   /* adapters below, at most */
    IM_HOMES = 64,  /* pools below, foreseen */
    IM_TIMERS = 4,  /* answers, hold down, hold up, team */
    IM_DEPOSIT = 3, /* call entries set aside for each object: its terminate may bring two placeholders along */
};

/* Events that wait for the end of all offload on an adapter. */
enum { IM_SLEEPS, IM_STOPS, IM_EVENTS };

/* One adapter below. */
struct im_edge {
    struct flue_im *im;
    NDIS_HANDLE binding; /* NULL: not open */
    uint64_t entries;    /* objects offloaded to it */
    NDIS_TCP_CONNECTION_OFFLOAD capability;
    bool capable;                                 /* capability is valid */
    bool asleep;                                  /* its power is off, or goes off */
    PNET_PNP_EVENT_NOTIFICATION event[IM_EVENTS]; /* answered when nothing is left on it; NULL: none */
};

/* States of an IM offload entry (behaviour 5.3).  Changed in one function, by a table of legal edges. */
enum im_state {
    IM_E0, /* none */
    IM_E1, /* initiate passed down */
    IM_E2, /* bound: the slot below holds the lower context, the slot above this entry */
    IM_E3, /* terminate passed down */
    IM_STATES
};

/* IM offload entry: one object, from initiate to the end of terminate. */
struct im_entry {
    NDIS_OFFLOAD_HANDLE handle; /* own; what the adapter below knows */
    PNDIS_OFFLOAD_HANDLE upper; /* of the layer above */
    struct flue_im *im;
    struct im_edge *edge;
    enum im_state state;
    bool failed_once;       /* its terminate failed, and it is kept for one more (D-32, recipe) */
    bool ended;             /* free it when nothing names it: lists or trees come late (CH-117 to CH-121) */
    bool starved;           /* a send found no memory: none goes down any more */
    bool refused;           /* N refused a request: nothing goes down any more */
    uint32_t sends_out;     /* send lists below */
    uint32_t named;         /* contexts of lists and call entries that name it, of any kind */
    uint32_t held_up;       /* held items of hold.c's way up that are about it */
    struct flue_hook hook;  /* in im->starving, or collected by a terminate */
    ULONG disconnect_flags; /* of waiting[IM_DISCONNECT] */
    struct ndis_chain waiting[IM_REQUESTS]; /* lists that found no memory */
};

/* IM call entry: what a block of a state operation gets back before it goes up (D-52: every block). */
struct im_call {
    struct im_call *next; /* while it is set aside */
    struct im_entry *entry;
    bool fresh; /* the block offloads a new object */
    PVOID im_reserved[2];
    PVOID source;
    PNDIS_OFFLOAD_HANDLE upper;
    NDIS_OFFLOAD_HANDLE none; /* names nothing; for an object that is not offloaded, as if it were known (CH-086) */
};

/* What a list gets back before it goes up; stands in its Context, above those of drivers higher up. */
struct im_context {
    PVOID above;
    NDIS_HANDLE source;
    struct im_entry *entry; /* NULL: an ordinary frame */
};

/* Something that hold.c keeps. */
enum im_held_kind { IM_HELD_TREE, IM_HELD_DATA, IM_HELD_RETURN };
struct im_held {
    struct flue_hook hook;
    flue_ps due_ps;
    enum im_held_kind kind;
    unsigned what; /* enum im_operation, enum im_request */
    PVOID object;  /* tree or first list */
    struct im_entry *entry;
    ULONG flags;
};
struct im_queue {
    struct flue_im *im;
    struct flue_hook items;
    struct timer timer;
    flue_ps hold_ps;
};

/* Which adapter indicated lists lead back to: lists of one pool always come from one. */
struct im_home {
    struct im_home *next;
    struct ndis_pool *pool;
    struct im_edge *edge;
};

struct flue_im {
    const struct flue_env *env;
    struct timers *timers;
    const struct flue_trace *trace;
    struct flue_ndis *ndis;
    struct flue_im_params params;
    NDIS_HANDLE driver, protocol, miniport;
    NDIS_TCP_OFFLOAD_EVENT_HANDLERS up;
    struct im_edge edges[IM_EDGES];
    unsigned edge_count, active;
    bool associated;

    struct pool entries, calls, contexts, held, requests;
    struct im_call *deposit;
    uint64_t deposit_count, call_count;

    struct pool home_pool;
    struct im_home *homes; /* a handful: adapters have few pools */

    struct timer answers;              /* fires for the next three */
    PVOID refused_first, refused_last; /* trees that found no memory, linked by Scratch[0] of their roots */
    struct flue_hook starving;         /* entries with waiting lists */
    struct ndis_chain dropped;         /* ordinary frames */
    uint32_t refuse_count, break_count;

    struct im_queue down, held_up;

    struct timer team;
    enum im_move { IM_STAY, IM_ASK, IM_WAIT } move;

    PNDIS_OID_REQUEST power_off; /* waits until no object is left */

    struct flue_im_totals totals;
};

static inline flue_ps im_now(const struct flue_im *im)
{
    return im->env->now(im->env->ctx);
}
static inline struct im_edge *im_active(struct flue_im *im)
{
    return &im->edges[im->active];
}

/* entry.c */
void im_entry_enter(struct im_entry *entry, enum im_state state);
struct im_entry *im_entry_new(struct flue_im *im, struct im_edge *edge, PNDIS_OFFLOAD_HANDLE upper); /* NULL */
void im_entry_free(struct im_entry *entry);
void im_entry_done(struct im_entry *entry); /* its life is over: frees it once nothing names it any more */
struct im_call *im_call_new(struct flue_im *im, enum im_operation operation); /* NULL: no memory */
void im_call_free(struct flue_im *im, struct im_call *call);
bool im_context_push(struct flue_im *im, struct im_entry *entry, PNET_BUFFER_LIST nbl);
struct im_entry *im_context_pop(struct flue_im *im, PNET_BUFFER_LIST nbl);
struct im_entry *im_context_entry(const NET_BUFFER_LIST *nbl);
bool im_home_learn(struct im_edge *edge, PNET_BUFFER_LIST first); /* false: not of all of them */
/* Cuts the first lists of one home off *rest: returns where they go. */
struct im_edge *im_home_run(struct flue_im *im, PNET_BUFFER_LIST *rest);

/* conversion.c */
void im_tree_down(struct flue_im *im, enum im_operation operation, im_tree_m root); /* from the handler */
void im_tree_pass(struct flue_im *im, enum im_operation operation, im_tree_m root); /* when it need not wait */
void im_tree_up(struct flue_im *im, enum im_operation operation, im_tree_p root);
void im_tree_return(struct flue_im *im, enum im_operation operation, im_tree_p root);

/* data.c */
void im_data_down(struct im_entry *entry, enum im_request request, PNET_BUFFER_LIST first, ULONG flags);
void im_data_pass(struct im_entry *entry, enum im_request request, PNET_BUFFER_LIST first, ULONG flags);
void im_data_up(struct flue_im *im, enum im_request request, PNET_BUFFER_LIST first);
void im_data_return(struct flue_im *im, enum im_request request, PNET_BUFFER_LIST first);
void im_return_down(struct flue_im *im, PNET_BUFFER_LIST first);
void im_return_pass(struct flue_im *im, PNET_BUFFER_LIST first);

/* starve.c */
void im_refuse(struct flue_im *im, enum im_operation operation, im_tree_m root);
bool im_refusal_is_due(struct flue_im *im);
void im_starve(struct im_entry *entry, enum im_request request, PNET_BUFFER_LIST first, ULONG flags);
bool im_must_wait(const struct im_entry *entry, enum im_request request);
void im_starved_sends_are_due(struct im_entry *entry);
void im_starved_sends_first(struct im_entry *entry);
void im_starved_end(struct im_entry *entry);  /* its terminate is about to complete */
void im_starved_fail(struct im_entry *entry); /* the same, after a failure that is kept */
void im_answer_later(struct flue_im *im);
void im_answers_fire(struct timer *timer, flue_ps now_ps);

/* break.c */
bool im_breakable(unsigned rule);
bool im_breaks(struct flue_im *im, unsigned rule); /* this occasion is the one */

/* hold.c */
void im_queue_init(struct flue_im *im, struct im_queue *queue, flue_ps hold_ps, void (*fire)(struct timer *, flue_ps));
void im_hold_down_fire(struct timer *timer, flue_ps now_ps);
void im_hold_up_fire(struct timer *timer, flue_ps now_ps);
/* false: nothing is held here, pass it on at once. */
bool im_hold_down(struct flue_im *im, const struct im_held *item);
bool im_hold_up(struct flue_im *im, const struct im_held *item);
void im_hold_flush_up(struct flue_im *im);
void im_hold_flush_down(struct flue_im *im);
void im_hold_flush_entry(struct im_entry *entry); /* all held completions that are about it have gone up */

/* indicate.c */
NDIS_STATUS im_indicate(struct im_entry *entry, PNET_BUFFER_LIST nbl, NDIS_STATUS status, ULONG *consumed_bytes);
void im_event(struct im_entry *entry, ULONG type, ULONG information);
void im_generic_event(struct im_edge *edge, im_tree_p block, ULONG code);
void im_status(struct im_edge *edge, PNDIS_STATUS_INDICATION indication);
void im_status_up(struct flue_im *im, NDIS_STATUS code, struct im_edge *capability);

/* ordinary.c */
void im_frames_down(struct flue_im *im, PNET_BUFFER_LIST first, ULONG flags);
void im_frames_sent(struct flue_im *im, PNET_BUFFER_LIST first, ULONG flags);
void im_frames_up(struct im_edge *edge, PNET_BUFFER_LIST first, ULONG count, ULONG flags);
void im_frames_return(struct flue_im *im, PNET_BUFFER_LIST first, ULONG flags);

/* request.c */
NDIS_STATUS im_request_down(struct flue_im *im, PNDIS_OID_REQUEST request);
void im_request_up(struct flue_im *im, PNDIS_OID_REQUEST own, NDIS_STATUS status);
void im_requests_init(struct flue_im *im);
void im_power_check(struct flue_im *im);

/* team.c */
void im_team_fire(struct timer *timer, flue_ps now_ps);
void im_objects_gone(struct flue_im *im); /* objects have gone: whoever waits for the last one looks */
NDIS_STATUS im_net_event(struct im_edge *edge, PNET_PNP_EVENT_NOTIFICATION event);

/* miniport.c: the upper edge, and calls up from it */
NDIS_STATUS im_miniport_register(struct flue_im *im);
NDIS_STATUS im_miniport_start(struct flue_im *im);
bool im_miniport_stop(struct flue_im *im);
void im_up_tree(struct flue_im *im, enum im_operation operation, im_tree_m root);
void im_up_data(struct flue_im *im, enum im_request request, PNET_BUFFER_LIST first);

/* protocol.c: the lower edge, and calls down from it */
NDIS_STATUS im_protocol_register(struct flue_im *im);
void im_down_tree(struct im_edge *edge, enum im_operation operation, im_tree_p root);
/* INVALID_STATE: N has refused it, and the lists are still here. */
NDIS_STATUS im_down_data(struct im_entry *entry, enum im_request request, PNET_BUFFER_LIST first, ULONG flags);

#endif
