/* SPDX-License-Identifier: GPL-2.0-only */
/* A target between a scripted host (a protocol driver on the real N) and a scripted peer (frames made by hand).
 * Whatever the target calls upwards is written into a log, in order. */
#ifndef FLUE_TEST_TARGET_RIG_H
#define FLUE_TEST_TARGET_RIG_H

#include "support/test.h"

#include "base/timers.h"
#include "flue/check.h"
#include "flue/ndischimney.h"
#include "flue/target.h"
#include "flue/wire.h"
#include "support/manual_env.h"

enum { RIG_CONNS = 8, RIG_LOG = 8192, RIG_FRAMES = 4096 };

/* Sequence numbers begin shortly before they wrap around. */
#define RIG_SND_UNA UINT32_C(0xFFFFFE00)
#define RIG_RCV_NXT UINT32_C(0xFFFFFD00)
#define RIG_WINDOW  UINT32_C(65535)
#define RIG_MSS     1460u
#define RIG_US      FLUE_PS_PER_US

enum rig_call {
    RIG_INITIATED,
    RIG_TERMINATED,
    RIG_OTHER_TREE,
    RIG_SENT,
    RIG_RECEIVED,
    RIG_DISCONNECTED,
    RIG_FORWARDED,
    RIG_INDICATED,
    RIG_EVENT,
    RIG_ASKED, /* NeighborReachabilityQuery: extra NRD, bytes HRD */
    RIG_FRAMES_SENT,
    RIG_FRAMES_IN,
    RIG_STATUS, /* a status indication: bytes: its code, extra: the first word of its buffer, status: bytes of that */
    RIG_REQUEST /* a request has completed: status, bytes: its object identifier */
};

struct rig_log {
    enum rig_call call;
    unsigned conn;  /* INDICATED, EVENT; for completions ProtocolReserved[0] of the NBL */
    int32_t status; /* of the NBL; of the root */
    uint64_t bytes; /* transferred; indicated; event type */
    uint64_t extra; /* event information; NBLs in the call; offset of the first byte indicated */
    flue_ps at_ps;
    uint64_t interrupt; /* number of the interrupt it came in */
    unsigned processor; /* and whose that was */
};

struct rig_frame {
    struct flue_frame frame;
    flue_ps at_ps;
};

struct rig_conn {
    NDIS_OFFLOAD_HANDLE handle;
    FLUE_TCP_BLOCK block;
    FLUE_TCP_TERMINATE_BLOCK end;
};

/* What the host answers to an indication. */
enum rig_answer { RIG_TAKE, RIG_REFUSE, RIG_TAKE_PART };

struct rig;

/* What may stand under the host instead of Flue's target alone. */
struct rig_floor {
    void (*build)(struct rig *rig); /* the adapter, and drivers above it; sets rig->adapter */
    void (*receive)(struct rig *rig, const struct flue_frame *frame);
    uint64_t (*live)(const struct rig *rig);
    void (*free)(struct rig *rig);
};

struct rig {
    const struct rig_floor *floor; /* NULL: a target */
    enum flue_check_mode check;    /* with check_sink: the rules of the interface are watched, in frames, too */
    struct flue_check_sink check_sink;
    NDIS_HANDLE adapter; /* NdisMiniportHandle at the bottom */
    struct manual_env env;
    struct timers timers;
    struct flue_ndis *ndis;
    struct flue_target *target;
    struct flue_target_params params;
    struct flue_wire wire;
    struct flue_server core;
    struct flue_price interrupt_price;
    NDIS_HANDLE protocol, binding;
    struct ndis_pool *spans, *frames;
    struct rig_log log[RIG_LOG];
    unsigned logged;
    struct rig_frame out[RIG_FRAMES];
    unsigned sent;
    unsigned wire_room; /* frames the wire still takes */
    enum rig_answer answer;
    ULONG part_bytes;
    unsigned posted;
    /* Called from inside an upward call, to make calls of its own. */
    void (*reenter)(struct rig *rig, enum rig_call call);
    NDIS_OID_REQUEST request;
    int follow; /* 1: received data, of connection 0 alone, must continue at `taken` bytes of its stream */
    uint64_t taken;
    int depth;          /* upward calls of receive data on the stack */
    int hold_indicated; /* 1: the host keeps indicated NBLs in `kept` */
    struct ndis_chain kept;
    NDIS_OFFLOAD_HANDLE neighbour_handle, path_handle;
    FLUE_NEIGHBOR_BLOCK neighbour;
    FLUE_PATH_BLOCK path;
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        NEIGHBOR_OFFLOAD_STATE_DELEGATED delegated;
    } neighbour_end;
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST path_end;
    UCHAR local[4], remote[4];
    struct rig_conn conns[RIG_CONNS];
    uint32_t host_delta;         /* HostReachabilityDelta that the host answers */
    NDIS_STATUS initiate_status; /* of the root in the last completion */
};

/* Made, not built: params allow everything, and the profile is free of cost but for small delays.  One at a time. */
struct rig *rig_new(void);
/* Builds what rig_new() and the test have described. */
void rig_build(struct rig *rig);
/* For a floor: Flue's target, as rig->params say. */
void rig_build_target(struct rig *rig);
/* Frees everything and asserts that nothing is left anywhere. */
void rig_free(struct rig *rig);
/* Runs the timers up to a moment. */
void rig_run(struct rig *rig, flue_ps until_ps);
static inline void rig_wait(struct rig *rig, flue_ps ps)
{
    rig_run(rig, rig->env.now_ps + ps);
}

/* Prepares blocks with all their state, linked as neighbour -> path -> `count` connections. */
void rig_tree(struct rig *rig, unsigned count);
void rig_initiate(struct rig *rig, void *root);
/* A block without links. */
void rig_block(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, unsigned type, unsigned revision, PNDIS_OFFLOAD_HANDLE handle);
/* The state that rig_tree() gives connection `conn`, and an update of its cached variables. */
void rig_update_tcp(struct rig *rig, unsigned conn, const TCP_OFFLOAD_STATE_CACHED *cached);
/* rig_tree(), rig_initiate(), wait for the completion; everything must have succeeded. */
void rig_offload(struct rig *rig, unsigned count);
/* Terminates connections [0, count), and the path and neighbour above them if all. */
void rig_terminate(struct rig *rig, unsigned count, int all);
/* The neighbour alone. */
void rig_terminate_neighbour(struct rig *rig);
/* Makes path_end a tree to initiate: the path, which is offloaded, and a new connection on it. */
void rig_tree_more(struct rig *rig, unsigned conn);
/* Terminates all, waits, returns what comes back, and forgets it. */
void rig_finish(struct rig *rig, unsigned count);

PNET_BUFFER_LIST rig_nbl(struct rig *rig, unsigned conn, uint64_t offset, uint32_t bytes);
void rig_send(struct rig *rig, unsigned conn, uint64_t offset, uint32_t bytes);
void rig_disconnect(struct rig *rig, unsigned conn, uint64_t offset, uint32_t bytes, ULONG flags);
void rig_forward(struct rig *rig, unsigned conn, const struct flue_frame *frame);
/* Posts a receive request of room for `bytes`; flags: enum rig_post.  Its number, for the log, is returned; numbers
 * begin with 1 and go through all connections.  Completions are logged with that number in `conn`. */
enum rig_post { RIG_PUSH = 0, RIG_NO_PUSH = 1, RIG_BEGUN = 2 };
unsigned rig_post(struct rig *rig, unsigned conn, uint32_t bytes, unsigned flags);
/* Asks the adapter.  The answer to a request that is PENDING is logged. */
NDIS_STATUS rig_request(struct rig *rig, NDIS_REQUEST_TYPE type, int64_t oid, void *buffer, ULONG bytes);
void rig_return_kept(struct rig *rig);
void rig_free_chain(PNET_BUFFER_LIST first);

/* A segment of the peer.  seq and ack count from RIG_RCV_NXT and RIG_SND_UNA. */
struct flue_frame rig_segment(unsigned conn, uint32_t seq, uint32_t ack, uint32_t bytes, uint8_t flags);
void rig_arrive(struct rig *rig, const struct flue_frame *frame);
void rig_peer(struct rig *rig, unsigned conn, uint32_t seq, uint32_t ack, uint32_t bytes, uint8_t flags);

/* The log entry of the n-th (from 0) call of this kind; fails the test if there is none. */
const struct rig_log *rig_find(const struct rig *rig, enum rig_call call, unsigned n);
unsigned rig_count(const struct rig *rig, enum rig_call call);
unsigned rig_place(const struct rig *rig, enum rig_call call, unsigned n); /* its position in the log */
/* Sums of `bytes` and `extra` over all calls of this kind. */
struct rig_sums {
    uint64_t bytes, extra;
};
struct rig_sums rig_sum(const struct rig *rig, enum rig_call call);
/* Frames of the target with any of these flags. */
unsigned rig_frames_with(const struct rig *rig, uint8_t flags);

#endif
