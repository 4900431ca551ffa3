/* SPDX-License-Identifier: GPL-2.0-only */
/* lwip_target.h - an offload target whose TCP is lwIP's: what its files share.
 *
 * It knows Flue by the installed headers only, takes over connections by what the interface hands over and nothing
 * else, and runs them in a TCP that was never written for it: so the documented state is enough.
 *
 *   adapter.c  the library's face, the ordinary NIC, the alarm: everything upward happens there
 *   objects.c  the five state operations on trees
 *   state.c    a connection's state between the interface's structures and lwIP's control block
 *   data.c     what goes down: sends, disconnects, segments; and how a connection stops
 *   upward.c   what goes up: completions, posted receives, indications, events
 *   packet.c   frames to packets that lwIP reads and back; payload is described by (stream, offset) outside, bytes
 * inside
 *
 * lwIP keeps its connections in global lists, and so does this library with its clock: all adapters of a process share
 * them, which is right, since they share simulated time. */
#ifndef LWIP_TARGET_H
#define LWIP_TARGET_H

#include <stdbool.h>

#include "flue/provider.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"

enum { BUCKETS = 1024, HELD_MAX = 64, TICK_MS = 500 };

struct neighbour {
    struct neighbour *next; /* of those that a terminate frees */
    UCHAR mac[6];
    bool invalid;
    unsigned dependents;
    NDIS_HANDLE handle;
};

struct path {
    struct path *next;
    struct neighbour *neighbour;
    uint32_t local_ip, remote_ip; /* host order; IPv4 only */
    UCHAR source[4], destination[4];
    uint32_t mtu_bytes;
    bool invalid;
    unsigned dependents;
};

/* Where a run of payload lies in the sequence space. */
struct run {
    struct run *next;
    uint32_t seq;
    struct flue_span span;
};

struct runs {
    struct run *first, *last;
};

struct held {
    struct held *next;
    struct flue_frame frame;
};

enum conn_state {
    CONN_INSTALLED, /* its initiate has not completed: nothing upward yet (D-15) */
    CONN_LIVE,
    CONN_FROZEN,     /* after a mandatory Retrieve (D-34) */
    CONN_ABORTED,    /* by an RST, or an abortive disconnect */
    CONN_TERMINATING /* its state is in the block */
};

/* What the alarm is to tell the host, in this order. */
enum conn_tell { TELL_ABORT = 0x01, TELL_RETRIEVE = 0x02 };

struct conn {
    struct adapter *adapter;
    struct path *path;
    struct conn *bucket; /* next of the same hash */
    struct conn *work;   /* next with something to do */
    NDIS_HANDLE handle;
    struct tcp_pcb *pcb; /* NULL: lwIP has given it up; `last` holds what is known */
    enum conn_state state;
    unsigned tell;
    ULONG reason;
    bool listed, freeze_later, latched, invalid, fin_told, peer_fin, aborting, psh;
    TCP_OFFLOAD_STATE_CONST constant;
    TCP_OFFLOAD_STATE_CACHED cached;
    TCP_OFFLOAD_STATE_DELEGATED last;       /* as it was when lwIP gave up, or when the connection was frozen */
    struct runs sent, came, ready;          /* put into lwIP; arrived as frames; in order and not yet with the host */
    PNET_BUFFER_LIST send_first, send_last; /* not yet fully acknowledged */
    PNET_BUFFER_LIST unwritten;             /* the first of them that lwIP has not got whole */
    uint32_t unwritten_bytes;               /* of that one, already in lwIP */
    uint32_t send_seq;                      /* where the first one begins */
    PNET_BUFFER_LIST disconnect;            /* graceful, not complete */
    PNET_BUFFER_LIST posts;                 /* posted receives, in order */
    PNET_BUFFER_LIST done_sends, done_posts, done_forwards, done_disconnect; /* to complete, Status set */
    flue_ps push_at_ps;
    struct held *held_first, *held_last;
    unsigned held_count, lent;
    uint32_t ready_bytes, ready_seq; /* `ready` begins here */
    uint32_t disconnect_bytes;       /* of the disconnect's data, already in lwIP */
    ULONG dwnd;                      /* returned unchanged (V-6) */
    PNET_BUFFER_LIST spare;          /* set aside, so that giving back needs no memory */
};

struct adapter {
    struct flue_provider_world world;
    NDIS_HANDLE miniport;
    NDIS_TCP_OFFLOAD_EVENT_HANDLERS calls;
    struct ndis_pool *frames, *spans;
    struct netif netif;
    struct conn *buckets[BUCKETS];
    struct conn *work;
    struct {
        PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST first, last; /* linked by MiniportReserved[0] */
    } trees;
    struct ndis_chain sent;   /* ordinary sends to complete */
    PNET_BUFFER_LIST waiting; /* frames for the host that came up inside one of its calls */
    bool upward;              /* nothing of the host's is on the stack: it may be called */
    unsigned neighbours, paths, conns;
    flue_ps alarm_ps; /* as set */
};

/* ---- adapter.c ---- */
void adapter_wake(struct adapter *adapter, flue_ps at_ps); /* the alarm comes at at_ps at the latest */
void adapter_later(struct adapter *adapter);               /* in a moment: never from inside the call at hand */
void adapter_ordinary(struct adapter *adapter, const struct flue_frame *frame);
flue_ps adapter_now(const struct adapter *adapter);

/* ---- objects.c ---- */
enum operation { INITIATE, TERMINATE, UPDATE, INVALIDATE, QUERY, OPERATIONS };
void objects_now(enum operation operation, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree); /* inside the handler */
/* From the alarm: does what is asked and completes it. */
void objects_complete(struct adapter *adapter, enum operation operation, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree);
struct conn *conn_find(struct adapter *adapter, const struct flue_frame *frame);
void conn_free(struct conn *conn);
void conn_work(struct conn *conn);

/* ---- state.c ---- */
NDIS_STATUS state_import(struct conn *conn, const TCP_OFFLOAD_STATE_DELEGATED *state, PNET_BUFFER_LIST chain);
void state_export(struct conn *conn, TCP_OFFLOAD_STATE_DELEGATED *out);
void state_apply(struct conn *conn); /* the cached variables */
void state_drop_pcb(struct conn *conn);
void state_note(struct conn *conn); /* keeps what would be lost if lwIP forgot the connection now */
void state_release(struct conn *conn);

/* ---- data.c: between the host's lists and lwIP ---- */
bool data_import(struct conn *conn, const TCP_OFFLOAD_STATE_DELEGATED *state, PNET_BUFFER_LIST chain);
void data_write_until(struct conn *conn, uint32_t bytes); /* until lwIP has so many bytes behind SndUna */
void data_write(struct conn *conn);
bool data_silent(const struct conn *conn);    /* not even an ACK may leave */
bool data_forbidden(const struct conn *conn); /* no data may: it, its path or its neighbour is invalid */
void data_freeze(struct conn *conn, TCP_UPLOAD_REASON reason);
void data_stop(struct conn *conn, NDIS_STATUS status, bool keep_sends); /* everything outstanding is finished */
PNET_BUFFER_LIST data_buffered(struct conn *conn); /* received, acknowledged, not delivered; NULL: nothing */
void data_send(struct conn *conn, PNET_BUFFER_LIST first);
void data_disconnect(struct conn *conn, PNET_BUFFER_LIST nbl, ULONG flags);
void data_segment(struct conn *conn, const struct flue_frame *frame);
void data_on_error(void *arg, err_t err);

/* ---- upward.c: what the host gets ---- */
void upward_post(struct conn *conn, PNET_BUFFER_LIST first);
void upward_forward(struct conn *conn, PNET_BUFFER_LIST first);
void upward_return(PNET_BUFFER_LIST first);
void upward_tell(struct conn *conn);     /* from the alarm: events, completions, received data */
void upward_complete(struct conn *conn); /* completions alone */
void upward_append(PNET_BUFFER_LIST *list, PNET_BUFFER_LIST nbl);
void upward_done(PNET_BUFFER_LIST *list, PNET_BUFFER_LIST nbl, NDIS_STATUS status, uint32_t bytes);
err_t upward_on_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err);

/* ---- packet.c ---- */
void packet_input(struct conn *conn, const struct flue_frame *frame);
err_t packet_output(struct netif *netif, struct pbuf *p, const ip4_addr_t *to);
bool runs_add(struct runs *runs, uint32_t seq, const struct flue_span *span);
void runs_clear(struct runs *runs);
/* Cuts what lies before seq. */
void runs_trim(struct runs *runs, uint32_t seq);
/* Up to `bytes` bytes from seq on; 0: nothing is known of them. */
uint32_t runs_find(const struct runs *runs, uint32_t seq, uint32_t bytes, struct flue_span *span);

#endif
