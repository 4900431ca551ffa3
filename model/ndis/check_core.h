/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_core.h - what the parts of the checker share: the shadow of everything that crosses the interface, and the
 * one function that reports.
 *
 * A layer is a binding.  An object is one NDIS_OFFLOAD_HANDLE of one layer, a tree is a root block lent across one
 * adapter, an NBL is lent across one adapter: with intermediate drivers the same memory has one record per layer.
 * Records hang on lists in order of creation, and are found through tables by address; no table is ever iterated.
 *
 * What was changed is put back, what was not taken is forgotten, a second completion goes no further: the run goes on,
 * and what follows is judged as if nothing had happened. What only shows in time (CH-108, CH-144, CH-258) is looked at
 * when the connection is terminated and at the end of the run. Limits that an adapter does not tell are learnt: a
 * window or MTU that is refused after a larger one was taken is a finding (CH-066, CH-068). If memory runs out the
 * checker goes blind and says nothing more. */
#ifndef FLUE_NDIS_CHECK_CORE_H
#define FLUE_NDIS_CHECK_CORE_H

#include "flue/tcp_engine.h"
#include "base/hash.h"
#include "base/pool.h"
#include "ndis/check.h"
#include "ndis/check_ledger.h"
#include "ndis/check_life.h"

/* The life of an object in one layer (interface.md 3.0).  A pending query changes nothing, so it is a count. */
enum check_state {
    CHECK_NONE,
    CHECK_OFFLOADING,
    CHECK_OFFLOADED,
    CHECK_UPDATING,
    CHECK_INVALIDATED, /* from the call of the invalidate on (D-24) */
    CHECK_TERMINATING,
    CHECK_STATES
};

/* Why an NBL is lent. */
enum check_origin {
    CHECK_SEND,      /* NdisOffloadTcpSend */
    CHECK_INHERITED, /* send data of an initiate */
    CHECK_RECEIVE,
    CHECK_DISCONNECT,
    CHECK_FORWARD,
    CHECK_INDICATED, /* a receive indication, or BufferedData of a terminate: the party above has it */
    CHECK_FRAME,     /* the ordinary path: no record, only a place in the ledger */
    CHECK_ORIGINS
};

struct check_conn;

/* A receive or send that was posted when the interface already tells how it must end (D-40). */
enum check_late { CHECK_LATE_ABORT = 0x100, CHECK_LATE_DISCONNECT = 0x200, CHECK_LATE_UPLOAD = 0x400 };

struct check_nbl {
    struct flue_hook hook; /* in its connection's list of this origin, oldest first; unlinked without a connection */
    PNET_BUFFER_LIST nbl;
    struct ndis_binding *binding;
    struct ndis_adapter *adapter; /* of the binding */
    struct check_conn *conn;      /* NULL: the connection is gone */
    uint64_t position; /* stream offset of its first byte; sends: of all posted data, receives: of all room */
    uint64_t bytes;    /* when it was lent */
    PMDL mdl;          /* data start when it was lent */
    ULONG mdl_offset_bytes;
    ULONG flags;        /* of a disconnect; TcpReceiveNoPush of a receive; enum check_late */
    flue_ps at_ps;      /* when it was lent */
    NDIS_STATUS status; /* written into the NBL when it was lent, or found in it */
    uint8_t origin;     /* enum check_origin */
    bool fresh;         /* its call has not returned */
};

/* Where the delivered stream stands, and what was answered: kept by check_data.c, check_done.c, check_indicate.c. */
struct check_flow {
    uint64_t next_offset; /* of the described stream that is delivered */
    uint64_t completion;  /* the receive completion that last named it */
    uint64_t indicated_bytes, indicated_offset;
    uint32_t stream;
    uint32_t rcv_start;       /* sequence number of the first byte that is delivered since the hand-over */
    NDIS_STATUS send_failure; /* of the first send that failed; SUCCESS: none */
    ULONG disconnect_failed;  /* flags of disconnects that failed */
    bool taken, has_next, indicated_described;
    bool short_success; /* a non-push receive succeeded before it was full: only a FIN may follow (D-41) */
    bool refused;       /* data was refused since the last post */
    bool hardware;      /* Retrieve named broken hardware */
};

/* What the frames of the wire tell: kept by check_wire.c.  Sequence numbers. */
struct check_line {
    flue_ps since_ps;
    flue_ps last_ps;      /* of the last frame, either way */
    uint32_t acked;       /* highest ACK that came in */
    uint32_t came_high;   /* end of the highest byte that came in */
    uint32_t ack_high;    /* highest ACK that the party below sent */
    uint32_t data_end;    /* behind the last byte given to send */
    uint32_t sent_high;   /* end of the highest byte that the party below sent */
    uint32_t frozen_high; /* came_high when processing had to stop */
    uint32_t urgent_seq;  /* of the first urgent segment that fitted */
    uint32_t fin_seq;     /* of the FIN that came in; of several the lowest, */
    uint32_t fin_high;    /* and the highest */
    uint32_t right_edge, ts, out_delta, out_stream;
    bool begun, frozen, has_urgent, has_edge, has_ts, has_out, no_out;
    bool rst_came, rst_left, fin_came, fin_left, fin_before;
    bool fin_first;            /* the party below closed before its peer did */
    bool stamps, sacks;        /* negotiated */
    uint8_t scale;             /* of the window */
    bool taken;                /* the target has the connection */
    uint32_t snd_una, rcv_nxt; /* as given at initiate; later at most 2^30 bytes behind sent_high and ack_high */
};

/* Lists of receive data that a connection was handed over with; pointers are compared, and read as long as the host has
 * to keep them. */
struct check_kept_list {
    const NET_BUFFER_LIST *nbl, *next;
    const NET_BUFFER *nb;
    const MDL *mdl;
    const void *pool;
    uint64_t offset_bytes, bytes;
};

enum { CHECK_INHERITED_LISTS = 4 };

struct check_inherited {
    struct check_kept_list lists[CHECK_INHERITED_LISTS];
    uint32_t stream, delta; /* described: offset of a byte, less its sequence number */
    uint8_t count;
    bool ties; /* no segment has shown yet whether that is true */
};

/* What a TCP object has beside.  What every frame asks for stands together, at the front. */
struct check_conn {
    struct check_object *object;
    struct ndis_binding *binding; /* of the object */
    struct flue_tcp_tuple tuple;
    bool has_tuple;
    bool fin_seen, rst_seen, disconnect_indicated, abort_indicated;
    bool graceful_asked, abortive_asked;
    bool hardware_failed; /* a state operation answered FAILURE */
    bool uploading;       /* what is below wants it back, without a Retrieve: a send was refused for want of memory */
    bool reject_latch;    /* the party above refused data: nothing is indicated before it posts (D-45) */
    bool silent;          /* its initiate completion has not returned: no upward call (D-15) */
    bool closed;          /* it was reset, or has reset its peer */
    bool disconnected;    /* a disconnect has succeeded */
    uint8_t strays;       /* segments of it that came up the ordinary path while the target had it */
    uint8_t retrieve_reason; /* mandatory TCP_UPLOAD_REASON raised; 0 none */
    uint8_t optional_reason; /* the last optional one; 0 none */
    struct check_line line;
    struct check_flow flow;
    struct check_inherited inherited;
    TCP_OFFLOAD_STATE_DELEGATED delegated; /* as given at initiate; its pointers are history */
    TCP_OFFLOAD_STATE_CONST constant;
    uint32_t rcv_nxt, snd_una, snd_nxt, snd_max; /* as the checker knows them now */
    uint64_t sent_bytes, room_bytes;             /* lent through sends and receives so far */
    uint64_t acked_bytes;                        /* of sent_bytes, completed */
    uint64_t delivered_bytes;                    /* completed in receives or accepted from indications */
    uint64_t disconnect_left_bytes;              /* of the graceful disconnect, when it completed */
    uint64_t buffered_bytes;                     /* inherited receive data that is not delivered yet */
    flue_ps disconnected_ps;                     /* when a disconnect succeeded */
    flue_ps abort_ps;                            /* when an abortive one was asked for, */
    bool abort_open;                             /* with an indication in flight */
    const NET_BUFFER_LIST *shown;                /* the list that was indicated last */
    flue_ps retrieve_ps;                         /* when the mandatory reason was raised */
    flue_ps failed_ps;                           /* of hardware_failed */
    /* Calls of this connection on the stack. */
    uint16_t in_send, in_receive, in_disconnect, in_forward, in_indicate, in_event;
    struct flue_hook sends, receives, forwards; /* of struct check_nbl; inherited data stands in sends */
    struct check_nbl *disconnect;               /* the pending one */
    PNET_BUFFER_LIST withheld[NDIS_REQUESTS];   /* asked after the terminate: the target never hears of them */
    TCP_OFFLOAD_STATE_CACHED cached;
};

struct check_object {
    struct flue_hook hook; /* in check->objects */
    PNDIS_OFFLOAD_HANDLE handle;
    struct ndis_binding *binding;
    struct ndis_adapter *adapter; /* of the binding */
    struct check_object *parent;
    struct check_conn *conn; /* TCP only */
    PVOID slot;              /* the value that was written when it was taken */
    uint32_t id;             /* 1, 2, ... in order of creation */
    uint32_t dependents;     /* live objects whose parent this is */
    uint32_t leaving;        /* of them, those in the terminate tree that is looked at */
    uint16_t pending[NDIS_OPERATIONS];
    uint8_t layer; /* enum flue_layer */
    uint8_t state; /* enum check_state */
    uint8_t type;  /* of its initiate block: tells the IP version of a path */
    bool invalid;  /* invalidated itself */
    flue_ps invalid_ps;
    bool lost;     /* its terminate has failed once, and one more is awaited (D-32, recipe) */
    uint16_t owed; /* rule that obliges the party above to terminate it (CH-091, CH-096, CH-110); 0 none */
    union {
        struct {
            UCHAR source[6], destination[6];
            USHORT vlan;
        } neighbor;
        struct {
            UCHAR source[16], destination[16];
            ULONG mtu;
        } path;
    } known;
};

/* Role of a block (behaviour 3). */
enum check_role {
    CHECK_PLACEHOLDER, /* no handle */
    CHECK_LINKER,      /* initiate: an object that is offloaded */
    CHECK_NEW,         /* initiate: an object to be taken */
    CHECK_REFERENCE,   /* any other operation: an object that is offloaded */
    CHECK_ERROR        /* an error was reported of it: no object, and nothing follows from it */
};

struct check_block {
    void *block; /* same address in both views */
    PNDIS_OFFLOAD_HANDLE handle;
    struct check_object *object; /* NULL: placeholder, or an error that was reported */
    uint32_t object_id;          /* of the object, which may be gone when it is looked for again */
    int32_t parent;              /* index of the block it depends on; -1: it is in the root's chain */
    uint8_t type, layer, role, structures;
    bool twice;                            /* the tree names it before */
    bool refused;                          /* an error was reported of it: nothing follows from it */
    bool sound;                            /* the structures behind it are what its type says */
    bool counted;                          /* it counts in object->pending */
    bool unjudged;                         /* its status was not T's */
    bool leads;                            /* initiate: something new depends on it */
    uint32_t dependents, dependents_taken; /* initiate: immediate ones; placeholders count as taken */
    NDIS_STATUS status;                    /* at the completion */
    PVOID slot;                            /* value before the operation */
    PNET_BUFFER_LIST chain;
    uint64_t digest;                       /* of the state structures behind it, where nobody may write them */
    NDIS_MINIPORT_OFFLOAD_BLOCK_LIST lent; /* as the party below got it, Status and Scratch already overwritten */
};

struct check_tree {
    struct flue_hook hook; /* in check->trees, then check->completing */
    void *root;
    struct ndis_binding *binding;
    struct ndis_adapter *adapter; /* of the binding */
    enum ndis_operation operation;
    uint32_t count;
    struct check_block *blocks; /* in the order of the walk */
    flue_ps at_ps;
    bool in_call; /* the handler below runs */
    bool retired; /* the handler above runs, or has run: it is not found any more */
};

/* check_ways.c: frames that the ordinary path has to bring. */
enum check_owed_kind {
    CHECK_OWED_FOREIGN,
    CHECK_OWED_TERMINATING,
    CHECK_OWED_FORMER,
    CHECK_OWED_CLOSED,
    CHECK_OWED_WITNESS, /* another that came soon after one that is owed */
    CHECK_OWED_KINDS
};

/* One per adapter and binding, from the first crossing on. */
struct check_adapter {
    struct flue_hook hook;
    struct ndis_adapter *adapter;
    struct check_conn *latest; /* that a frame belonged to: the next one is likely to be its, too; NULL: none */
    struct check_life life;
    uint32_t tcp_live;                                 /* connections taken and not given back */
    uint32_t initiates;                                /* trees of initiate that are out */
    uint32_t in_status, in_generic_event, in_indicate; /* upward calls on the stack */
    NDIS_HANDLE event_source;                          /* SourceHandle of the block of the generic event that runs */
    flue_ps paused_ps;                                 /* since when it asked for nothing new */
    ULONG window_taken_bytes, mtu_taken_bytes;         /* the largest it has accepted */
    uint32_t known[FLUE_LAYER_TCP + 1];                /* objects of a layer, offered or taken, that are not gone */
    uint32_t held[FLUE_LAYER_TCP + 1];                 /* of them, those taken, */
    uint32_t held_most[FLUE_LAYER_TCP + 1];            /* and the most of these at a time */
    flue_ps gone_ps;                                   /* when the last one went */
    uint8_t versions;                                  /* of IP, of paths offered to it: 1, 2 */
    uint8_t backlogs[2];                               /* sizes told, of sends and receives: 1 some, 2 none */
    bool paused, halted, powered_down, upload_all;
    uint64_t indicated;  /* lists of receive indications that the parties above have */
    uint64_t completing; /* crossing of the receive completion that runs now; 0: none */
    struct {
        uint64_t mac;     /* destination, */
        uint32_t waiting; /* frames that came for the ordinary path and did not come up, at most */
        uint16_t vlan;    /* and VLAN id of what came up last: the adapter lets them in */
        bool known;
        uint8_t missed[CHECK_OWED_KINDS]; /* one after the other, of a kind */
    } way;
};

/* check_ways.c */
struct check_owed {
    const struct ndis_adapter *adapter; /* NULL: none */
    const void *handle;                 /* of a connection whose terminate has not completed: not owed for certain */
    uint64_t mark;
    flue_ps at_ps;
    uint32_t conn, seq, end;
    uint8_t kind;
    bool witnessed; /* one that came soon after it has come up */
};

enum { CHECK_OWED = 32 };

struct check_ways {
    struct check_owed owed[CHECK_OWED];
    uint32_t owed_count, former_count;
    struct flue_hook formers;
    struct pool former_pool;
};

struct check {
    struct flue_ndis *ndis;
    const struct flue_env *env;
    enum flue_check_mode mode;
    struct flue_ddi ddi;
    struct flue_check_sink sink;
    uint64_t count[FLUE_RULES + 1];
    uint64_t told[FLUE_RULES + 1]; /* crossing of the last finding of a rule */
    uint64_t crossing;             /* one more at every hook */
    bool frames;                   /* the node shows frames */
    uint32_t invalid;              /* objects that were invalidated themselves */
    bool blind;                    /* memory ran out: nothing is watched any more */
    uint32_t next_object;
    struct flue_hook objects, trees, adapters;
    struct flue_hook completing; /* trees whose completion handlers run, the innermost first */
    struct check_im *im;         /* check_im.h; NULL until an intermediate driver takes part */
    struct pool object_pool, conn_pool, nbl_pool, tree_pool, adapter_pool;
    struct hash_table object_table; /* by handle */
    struct hash_table tree_table;   /* by root and adapter */
    struct check_ledger ledger;     /* lists that are lent */
    struct check_nbl frame;         /* stands for every list of the ordinary path */
    struct hash_table slot_table;   /* objects by slot value and adapter */
    struct hash_table tuple_table;  /* struct check_conn by tuple */
    struct check_ways ways;
};

/* ---- Life of the checker ---- */

/* The checker if it watches, else NULL.  Every hook begins with it; it counts the crossing. */
static inline struct check *check_enter(const struct flue_ndis *ndis)
{
    struct check *check = ndis->check;

    if (check == NULL || check->blind) {
        return NULL;
    }
    check->crossing++;
    return check;
}

/* ---- Reports (check.c) ---- */

/* What a finding is about; zeroed members mean "none". */
struct check_at {
    const struct ndis_binding *binding; /* the layer */
    const struct ndis_adapter *adapter; /* if there is no binding */
    const struct check_object *object;  /* gives connection and kind, if thing is NULL */
    uint32_t conn;                      /* identity in traces, if object is NULL and has_conn */
    bool has_conn;
    const void *thing;
    const char *kind; /* "block", "list", "adapter", "driver", ... */
};

/* The parties of a layer. */
enum flue_party check_above(const struct ndis_binding *binding); /* HOST or DRIVER */
enum flue_party check_below(const struct ndis_adapter *adapter); /* TARGET or DRIVER */
/* The party below is a driver that has this list or tree back from below, and has not passed its completion on. */
bool check_im_keeps(const struct check *check, const void *thing, const struct ndis_adapter *adapter);
bool check_im_ignores(struct check *check, const struct check_tree *tree); /* never passed it on: reported */

/* One broken rule; once per rule and crossing.  format: %u, %d and %x take one of a, b, c each, in turn, %t one as the
 * name of an NDIS_STATUS. */
void check_report(struct check *check, unsigned rule, enum flue_party party, const struct check_at *at,
                  const char *format, uint64_t a, uint64_t b, uint64_t c);

/* After a report: the call does not go further, or not as it came. */
static inline void check_refused(const struct check *check)
{
    if (check->sink.refused != NULL) {
        check->sink.refused(check->sink.ctx);
    }
}

/* ---- Records (check_records.c).  Those that return NULL for want of memory have made the checker blind. ---- */

struct check_adapter *check_adapter_of(struct check *check, struct ndis_adapter *adapter);

struct check_object *check_object_find(const struct check *check, const NDIS_OFFLOAD_HANDLE *handle);
/* State CHECK_OFFLOADING, with a connection if layer is TCP. */
struct check_object *check_object_make(struct check *check, struct ndis_binding *binding, PNDIS_OFFLOAD_HANDLE handle,
                                       enum flue_layer layer);
/* Forgets it; NBLs still lent lose their connection, dependents their parent. */
void check_object_forget(struct check *check, struct check_object *object);
/* Sets or changes the parent, and the counts of dependents. */
void check_object_under(struct check_object *object, struct check_object *parent);
/* Notes the slot value of a taken object; the other live object of the adapter that has the same, or NULL. */
struct check_object *check_object_name(struct check *check, struct check_object *object, PVOID slot);
/* Moves along a legal edge; false: not legal, and nothing has changed. */
bool check_object_move(struct check_object *object, enum check_state to);

/* Gives a connection its addresses (from the path) and ports; frames find it by them. */
void check_conn_name(struct check *check, struct check_conn *conn, const struct flue_tcp_tuple *tuple);
struct check_conn *check_conn_of_tuple(const struct check *check, const struct ndis_adapter *adapter,
                                       const struct flue_tcp_tuple *tuple);

/* The record of a list that is lent; of the ordinary path, one for all, with origin CHECK_FRAME and no connection.
 * NULL: it is not lent. */
struct check_nbl *check_nbl_find(struct check *check, const NET_BUFFER_LIST *nbl, const struct ndis_adapter *adapter);
/* Books one NBL as lent; it is put at the end of its connection's list.  conn may be NULL. */
struct check_nbl *check_nbl_lend(struct check *check, PNET_BUFFER_LIST nbl, struct ndis_binding *binding,
                                 struct check_conn *conn, enum check_origin origin);
void check_nbl_forget(struct check *check, struct check_nbl *nbl); /* one of its own record */

struct check_tree *check_tree_find(const struct check *check, const void *root, const struct ndis_adapter *adapter);
struct check_tree *check_tree_make(struct check *check, struct ndis_binding *binding, enum ndis_operation operation,
                                   void *root, uint32_t count);
/* It is complete: the same memory may go down again, and only the return of the handler above is waited for. */
void check_tree_retire(struct check *check, struct check_tree *tree);
void check_tree_forget(struct check *check, struct check_tree *tree);

/* ---- Steps of the state operations, called by check_tree.c ---- */

/* check_shape.c.  False: N cannot convert the tree. */
bool check_shape(struct check *check, struct check_tree *tree);

/* check_state.c: structures behind a block that the party below has to fill. */
unsigned check_filled_by_below(const struct check_tree *tree, const struct check_block *block);
/* What Scratch and words of the party below hold when a block has changed hands; where it turns up somebody has relied
 * on what he left there (CH-031).  It is no address. */
#define CHECK_SCRIBBLE ((PVOID)(uintptr_t)0x5C5C5C5Cu)
/* check_tree.c: a call names it; that has been reported. */
bool check_scribbled(struct check *check, const struct check_at *at, enum flue_party party, const void *named);
#define CHECK_UNFILLED 0xC3 /* each byte of such a structure before it is filled */

/* check_initiate.c.  down: every block has its role and its object; up: statuses are T's, chains untouched. */
void check_initiate_down(struct check *check, struct check_tree *tree);
void check_initiate_up(struct check *check, struct check_tree *tree);
void check_initiate_completed(struct check *check, struct check_tree *tree);
/* check_overdue.c: the rule that is broken if a connection is not there any more, though nothing was told of a fault:
 * other, unless something has happened to it after which the target might have let it go. */
unsigned check_lost_rule(const struct check_conn *conn, unsigned other);
/* check_overdue.c: what should have happened to a connection by now. */
void check_overdue(struct check *check, const struct check_object *object);

/* check_power.c: the status of a list of the chimney that is completed. */
void check_power_completed(struct check *check, struct ndis_adapter *adapter, const NET_BUFFER_LIST *nbl);

/* check_sends.c: the chains of blocks that name a connection.  down: initiate, booked as CHECK_INHERITED; refused: not
 * taken, everything is H's again; up: terminate, what is in the chain is H's again (state NULL: FAILURE). */
void check_sends_down(struct check *check, const struct check_tree *tree, const struct check_block *block);
void check_sends_refused(struct check *check, const struct check_tree *tree, const struct check_block *block);
void check_sends_up(struct check *check, const struct check_tree *tree, const struct check_block *block,
                    const TCP_OFFLOAD_STATE_DELEGATED *state);

/* check_state.c: update, query, invalidate, terminate. */
void check_state_down(struct check *check, struct check_tree *tree);
void check_state_up(struct check *check, struct check_tree *tree);

/* ---- What the other parts are told ---- */

/* check_im.c: trees as they enter and leave a layer, before anything of this layer's records has changed. */
void check_im_down(struct check *check, struct check_tree *tree);
void check_im_up(struct check *check, struct check_tree *tree);
/* check_data.c: a connection was taken (its initiate has completed with SUCCESS or PARTIAL_SUCCESS; inherited sends
 * stand in conn->sends); its terminate was called; it is about to be forgotten (delegated NULL: FAILURE). */
void check_data_taken(struct check *check, struct check_conn *conn);
void check_data_terminating(struct check *check, struct check_conn *conn);
void check_data_terminated(struct check *check, struct check_conn *conn, const TCP_OFFLOAD_STATE_DELEGATED *delegated);
/* check_wire.c: a connection was taken; data was given to send; a held segment was handed down; processing has to stop.
 */
void check_line_taken(struct check *check, struct check_conn *conn);
void check_line_gives(struct check_conn *conn, const NET_BUFFER_LIST *nbl);
void check_line_forward(struct check_conn *conn, const struct flue_frame *frame);
void check_line_freeze(struct check_conn *conn);
/* check_wire.c: what terminate returns, against what the wire has shown. */
void check_line_returned(struct check *check, const struct check_conn *conn, const TCP_OFFLOAD_STATE_DELEGATED *state);
/* check_ways.c: a frame came in on an adapter, a segment of a connection (NULL: of none) or no plain segment; frames go
 * up; a connection is offered; it was given back (state NULL: FAILURE); the adapter was reset, and may have lost
 * frames. */
void check_ways_came(struct check *check, struct ndis_adapter *on, struct check_conn *conn,
                     const struct flue_tcp_tuple *tuple, const struct flue_frame *frame);
void check_ways_foreign(struct check *check, struct ndis_adapter *on, const struct flue_frame *frame);
void check_ways_up(struct check *check, struct ndis_adapter *on, PNET_BUFFER_LIST first);
void check_ways_begun(struct check *check, const struct check_conn *conn);
void check_ways_ended(struct check *check, const struct check_conn *conn, const TCP_OFFLOAD_STATE_DELEGATED *state);
void check_ways_excuse(struct check *check, const struct ndis_adapter *adapter);
void check_ways_init(struct check *check);
void check_ways_end(struct check *check);
/* An address as a number; 0: none is given. */
static inline uint64_t check_mac(const uint8_t bytes[6])
{
    return (uint64_t)bytes[0] << 40 | (uint64_t)bytes[1] << 32 | (uint64_t)bytes[2] << 24 | (uint64_t)bytes[3] << 16 |
           (uint64_t)bytes[4] << 8 | bytes[5];
}
/* Serial comparison of sequence numbers (RFC 9293 3.4). */
static inline bool check_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}
/* check_inherit.c: a connection is offered; a segment came; its initiate has completed; a list comes up (true: it is
 * one that was handed over). */
void check_inherit_down(struct check_conn *conn);
void check_inherit_came(struct check *check, struct check_conn *conn, const struct flue_frame *frame);
void check_inherit_up(struct check *check, const struct check_conn *conn);
bool check_inherit_kept(struct check *check, const struct check_conn *conn, const NET_BUFFER_LIST *nbl);
/* check_closing.c: what should have followed by now; FIN_WAIT_2 is said to have expired; an abortive disconnect is
 * asked for; its RST has waited for an indication. */
void check_closing(struct check *check, const struct check_conn *conn, flue_ps now_ps);
void check_closing_expired(struct check *check, const struct check_conn *conn);
void check_closing_abort(struct check *check, struct check_conn *conn);
bool check_closing_waits(const struct check *check, const struct check_conn *conn);
/* check.c: a tree that is out for good. */
void check_tree_owed(struct check *check, const struct check_tree *tree);
/* At the end of the run. */
void check_life_end(struct check *check);
void check_power_end(struct check *check);
void check_im_end(struct check *check);
void check_im_free(struct check *check);
void check_data_end(struct check *check);
void check_indicate_end(struct check *check);
void check_wire_end(struct check *check);

#endif
