/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_initiate.c - rules of initiate: what may be offered, and what the answers must look like. */

#include <string.h>

#include "ndis/check_core.h"

static void report(struct check *check, const struct check_tree *tree, const struct check_block *block, unsigned rule,
                   enum flue_party party, const char *format, uint64_t a, uint64_t b)
{
    const struct check_at at = {
        .binding = tree->binding, .object = block->object, .thing = block->block, .kind = "block"};

    check_report(check, rule, party, &at, format, a, b, 0);
}

/* ---- Down ---- */

static void refuse(struct check *check, const struct check_tree *tree, struct check_block *block, unsigned rule,
                   const char *what)
{
    report(check, tree, block, rule, check_above(tree->binding), what, 0, 0);
    block->refused = true;
}

/* The object a block stands under; false: it cannot have one. */
static bool parent_of(const struct check_tree *tree, const struct check_block *block, struct check_object **parent)
{
    *parent = block->parent < 0 ? NULL : tree->blocks[block->parent].object;
    return *parent != NULL || (block->layer == FLUE_LAYER_NEIGHBOR && block->parent < 0);
}

static void linker(struct check *check, const struct check_tree *tree, struct check_block *block,
                   struct check_object *object)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST given = (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST)block->block;

    if (object->state == CHECK_OFFLOADING || object->state == CHECK_TERMINATING || block->slot == NULL) {
        refuse(check, tree, block, 54, "the object is offloaded already, or not steadily so");
        return;
    }
    block->role = CHECK_LINKER;
    block->object = object;
    if (object->slot != block->slot) {
        report(check, tree, block, 48, check_below(tree->adapter), "the slot's value has changed", 0, 0);
    }
    if (given->DependentBlockList == NULL) {
        report(check, tree, block, 24, check_above(tree->binding), "a linker has no dependents", 0, 0);
    }
    if (block->parent >= 0 && tree->blocks[block->parent].handle != NULL && !tree->blocks[block->parent].refused &&
        object->parent != tree->blocks[block->parent].object) {
        report(check, tree, block, 18, check_above(tree->binding), "a linker stands under another parent (D-12)", 0, 0);
    }
}

static struct flue_ip ip_of(const UCHAR *bytes, bool v6)
{
    struct flue_ip ip = {{0, 0, 0, 0}};

    if (!v6) {
        return flue_ip_v4((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3]);
    }
    for (unsigned i = 0; i < 16; i++) {
        ip.word[i / 4] = ip.word[i / 4] << 8 | bytes[i];
    }
    return ip;
}

/* A port of the interface is in network byte order. */
static uint16_t port_of(const USHORT *port)
{
    uint8_t bytes[2];

    memcpy(bytes, port, sizeof bytes);
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void name_conn(struct check *check, struct check_object *object)
{
    struct check_conn *conn = object->conn;
    const struct check_object *path = object->parent;
    struct flue_tcp_tuple tuple;
    bool v6;

    if (path == NULL || path->layer != FLUE_LAYER_PATH) {
        return;
    }
    v6 = path->type == Ip6OffloadState;
    tuple.local_ip = ip_of(path->known.path.source, v6);
    tuple.remote_ip = ip_of(path->known.path.destination, v6);
    tuple.local_port = port_of(&conn->constant.LocalPort);
    tuple.remote_port = port_of(&conn->constant.RemotePort);
    check_conn_name(check, conn, &tuple);
    check_ways_begun(check, conn);
}

static void learn_path(struct check *check, const struct check_tree *tree, struct check_block *block)
{
    OFFLOAD_STATE_HEADER *state = flue_state_first(block->block);
    const PATH_OFFLOAD_STATE_CONST *constant = (const PATH_OFFLOAD_STATE_CONST *)(void *)state;
    const PATH_OFFLOAD_STATE_CACHED *cached = (const PATH_OFFLOAD_STATE_CACHED *)(void *)flue_state_next(state);
    size_t length = block->type == Ip6OffloadState ? 16 : 4;

    if (constant->SourceAddress == NULL || constant->DestinationAddress == NULL) {
        report(check, tree, block, 148, check_above(tree->binding), "an address is missing", 0, 0);
        return;
    }
    memcpy(block->object->known.path.source, constant->SourceAddress, length);
    memcpy(block->object->known.path.destination, constant->DestinationAddress, length);
    block->object->known.path.mtu = cached->PathMtu;
    check_adapter_of(check, tree->adapter)->versions |= block->type == Ip6OffloadState ? 2 : 1;
}

static void learn_neighbor(struct check_block *block)
{
    OFFLOAD_STATE_HEADER *state = flue_state_first(block->block);
    const NEIGHBOR_OFFLOAD_STATE_CONST *constant = (const NEIGHBOR_OFFLOAD_STATE_CONST *)(void *)state;
    const NEIGHBOR_OFFLOAD_STATE_CACHED *cached = (const NEIGHBOR_OFFLOAD_STATE_CACHED *)(void *)flue_state_next(state);

    memcpy(block->object->known.neighbor.source, constant->DlSourceAddress, 6);
    memcpy(block->object->known.neighbor.destination, cached->DlDestinationAddress, 6);
    block->object->known.neighbor.vlan = (USHORT)constant->VlanId;
}

/* Where the inherited receive data begins in the stream: that is what the host must get first. */
static void note_buffered(struct check_conn *conn)
{
    const NET_BUFFER_LIST *first = conn->delegated.BufferedData;
    struct ndis_spans spans;
    struct flue_span span;

    if (first == NULL || first->FirstNetBuffer == NULL) {
        return;
    }
    spans = ndis_spans_of_data(first->FirstNetBuffer);
    if (ndis_spans_next(&spans, &span) && span.memory == NULL) {
        conn->flow.has_next = true;
        conn->flow.stream = span.stream;
        conn->flow.next_offset = span.offset_bytes;
    }
}

/* CH-293: a timer that has nothing to wait for stands still; persist and FIN_WAIT_2 wait for something. */
static void judge_timers(struct check *check, const struct check_tree *tree, const struct check_block *block)
{
    const struct check_conn *conn = block->object->conn;
    const TCP_OFFLOAD_STATE_DELEGATED *state = &conn->delegated;

    if (!(conn->cached.Flags & TCP_FLAG_KEEP_ALIVE_ENABLED) && state->KeepAlive.TimeoutDelta != FLUE_TICKS_NONE) {
        report(check, tree, block, 293, check_above(tree->binding), "keepalive is off, its TimeoutDelta is %u",
               state->KeepAlive.TimeoutDelta, 0);
    }
    if ((state->State == TcpConnectionEstablished || state->State == TcpConnectionCloseWait) &&
        state->SndUna == state->SndMax && block->chain == NULL && state->Retransmit.TimeoutDelta != FLUE_TICKS_NONE) {
        report(check, tree, block, 293, check_above(tree->binding), "nothing is to be sent, Retransmit runs for %u",
               state->Retransmit.TimeoutDelta, 0);
    }
}

static void learn_tcp(struct check *check, const struct check_tree *tree, struct check_block *block)
{
    OFFLOAD_STATE_HEADER *state = flue_state_first(block->block);
    struct check_conn *conn = block->object->conn;

    conn->constant = *(const TCP_OFFLOAD_STATE_CONST *)(void *)state;
    state = flue_state_next(state);
    conn->cached = *(const TCP_OFFLOAD_STATE_CACHED *)(void *)state;
    state = flue_state_next(state);
    memcpy(&conn->delegated, state, state->Length);
    conn->rcv_nxt = conn->delegated.RcvNxt;
    conn->snd_una = conn->delegated.SndUna;
    conn->snd_nxt = conn->delegated.SndNxt;
    conn->snd_max = conn->delegated.SndMax;
    conn->buffered_bytes = ndis_chain_bytes(conn->delegated.BufferedData);
    conn->reject_latch = conn->delegated.BufferedData != NULL; /* D-45 */
    note_buffered(conn);
    check_inherit_down(conn);
    conn->silent = true;
    if (conn->delegated.State < TcpConnectionEstablished || conn->delegated.State > TcpConnectionLastAck) {
        report(check, tree, block, 52, check_above(tree->binding), "its State is %u", conn->delegated.State, 0);
    }
    judge_timers(check, tree, block);
    check_sends_down(check, tree, block);
}

static void offer(struct check *check, const struct check_tree *tree, struct check_block *block)
{
    struct check_object *parent;

    if (block->slot != NULL || flue_state_class(block->type) != 4) {
        refuse(check, tree, block, 25, "a new object needs an empty slot, and all its state behind the block");
        return;
    }
    if (!parent_of(tree, block, &parent)) {
        if (block->parent < 0 || !tree->blocks[block->parent].refused) {
            refuse(check, tree, block, 18, "a new object has no parent to depend on (D-12)");
        }
        block->refused = true;
        return;
    }
    if (!block->sound) {
        block->refused = true;
        return;
    }
    block->object = check_object_make(check, tree->binding, block->handle, (enum flue_layer)block->layer);
    if (block->object == NULL) {
        return;
    }
    block->role = CHECK_NEW;
    block->object->type = block->type;
    check_object_under(block->object, parent);
    switch ((enum flue_layer)block->layer) {
    case FLUE_LAYER_NEIGHBOR:
        learn_neighbor(block);
        break;
    case FLUE_LAYER_PATH:
        learn_path(check, tree, block);
        break;
    case FLUE_LAYER_TCP:
        learn_tcp(check, tree, block);
        name_conn(check, block->object); /* now: the party below may work on it as soon as it has written the slot */
        break;
    case FLUE_LAYER_NONE:
        break;
    }
}

void check_initiate_down(struct check *check, struct check_tree *tree)
{
    struct check_adapter *adapter = check_adapter_of(check, tree->adapter);

    for (uint32_t i = 0; i < tree->count && !check->blind; i++) {
        struct check_block *block = &tree->blocks[i];
        struct check_object *object = check_object_find(check, block->handle);

        if (block->handle == NULL || block->refused) {
            continue;
        }
        if (object != NULL) {
            linker(check, tree, block, object);
        } else {
            offer(check, tree, block);
        }
        block->object_id = block->object == NULL ? 0 : block->object->id;
    }
    for (uint32_t i = check->blind ? 0 : tree->count; i-- > 0;) {
        struct check_block *block = &tree->blocks[i];

        if (block->parent >= 0 && (block->role == CHECK_NEW || block->refused || block->leads)) {
            tree->blocks[block->parent].leads = true;
        }
        if (block->role == CHECK_LINKER && !block->leads) {
            report(check, tree, block, 24, check_above(tree->binding), "nothing new depends on a linker", 0, 0);
        }
    }
    if (adapter != NULL) {
        adapter->initiates++;
    }
}

/* ---- Up: statuses ---- */

static bool succeeded(NDIS_STATUS status)
{
    return status == NDIS_STATUS_SUCCESS || status == NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}

#define LAYER(name) (1u << FLUE_LAYER_##name)
#define ANY_LAYER   (LAYER(NEIGHBOR) | LAYER(PATH) | LAYER(TCP))

/* Layers whose blocks may have a status; 0: not a status of initiate. */
static unsigned layers_of(const struct check *check, NDIS_STATUS status)
{
    static const struct {
        NDIS_STATUS status;
        unsigned layers;
    } legal[] = {
        {NDIS_STATUS_SUCCESS, ANY_LAYER},
        {NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS, ANY_LAYER},
        {NDIS_STATUS_FAILURE, ANY_LAYER},
        {NDIS_STATUS_RESOURCES, ANY_LAYER},
        {NDIS_STATUS_OFFLOAD_TCP_ENTRIES, LAYER(TCP)},
        {NDIS_STATUS_OFFLOAD_PATH_ENTRIES, LAYER(PATH)},
        {NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES, LAYER(NEIGHBOR)},
        {NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES, LAYER(NEIGHBOR)},
        {NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES, LAYER(PATH)},
        {NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER, LAYER(TCP)},
        {NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER, LAYER(TCP)},
        {NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW, LAYER(TCP)},
        {NDIS_STATUS_OFFLOAD_VLAN_ENTRIES, LAYER(NEIGHBOR)},
        {NDIS_STATUS_OFFLOAD_VLAN_MISMATCH, LAYER(NEIGHBOR)},
        {NDIS_STATUS_OFFLOAD_PATH_MTU, LAYER(PATH)},
        {NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED, LAYER(TCP)},
    };

    (void)check;
    for (size_t i = 0; i < sizeof legal / sizeof legal[0]; i++) {
        if (legal[i].status == status) {
            return legal[i].layers;
        }
    }
    return 0;
}

static bool all_zero(const UCHAR *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

/* CH-128: where as many have had room before, those that are gone still take some.  Tables may be kept by IP version.
 */
static void judge_room(struct check *check, const struct check_tree *tree, const struct check_block *block,
                       const struct check_adapter *adapter)
{
    const uint32_t known = adapter->known[block->layer];

    if (known <= adapter->held_most[block->layer] && tree->at_ps > adapter->gone_ps && adapter->versions != 3 &&
        check_below(tree->adapter) == FLUE_PARTY_TARGET) {
        report(check, tree, block, 128, FLUE_PARTY_TARGET,
               "refused for want of entries, with %u of its layer there; %u have had room", known,
               adapter->held_most[block->layer]);
    }
}

/* A refusal that names a cause: what the checker knows must not contradict it.  Limits of the adapter are known as far
 * as it has shown them by taking something. */
static void judge_cause(struct check *check, const struct check_tree *tree, const struct check_block *block)
{
    const struct check_object *object = block->object;
    struct check_adapter *adapter = check_adapter_of(check, tree->adapter);
    enum flue_party below = check_below(tree->adapter);

    if (adapter == NULL) {
        return;
    }
    switch (block->status) {
    case NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES:
        if (all_zero(object->known.neighbor.source, sizeof object->known.neighbor.source)) {
            report(check, tree, block, 65, below, "no source address was given", 0, 0);
        }
        break;
    case NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW:
        if (object->conn->cached.InitialRcvWnd <= adapter->window_taken_bytes) {
            report(check, tree, block, 66, below, "a window of %u bytes is refused, one of %u was taken",
                   object->conn->cached.InitialRcvWnd, adapter->window_taken_bytes);
        }
        break;
    case NDIS_STATUS_OFFLOAD_VLAN_MISMATCH:
        if (object->known.neighbor.vlan == 0) {
            report(check, tree, block, 67, below, "its VlanId is 0", 0, 0);
        }
        break;
    case NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES:
    case NDIS_STATUS_OFFLOAD_PATH_ENTRIES:
    case NDIS_STATUS_OFFLOAD_TCP_ENTRIES:
        judge_room(check, tree, block, adapter);
        break;
    case NDIS_STATUS_OFFLOAD_PATH_MTU:
        if (object->known.path.mtu <= adapter->mtu_taken_bytes) {
            report(check, tree, block, 68, below, "a path MTU of %u bytes is refused, one of %u was taken",
                   object->known.path.mtu, adapter->mtu_taken_bytes);
        }
        break;
    case NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED:
        if (check->ddi.ndis_version != FLUE_NDIS_6_20) {
            report(check, tree, block, 70, below, "CONNECTION_REJECTED before NDIS 6.20", 0, 0);
        }
        break;
    default:
        break;
    }
}

static void judge_status(struct check *check, const struct check_tree *tree, struct check_block *block)
{
    enum flue_party below = check_below(tree->adapter);
    unsigned layers = layers_of(check, block->status);

    if (layers == 0) {
        report(check, tree, block, 59, below, "Status %t", (uint64_t)(uint32_t)block->status, 0);
        block->unjudged = true;
    } else if (block->layer != FLUE_LAYER_NONE && !(layers & 1u << block->layer)) {
        report(check, tree, block, 69, below, "Status %t in a block of layer %u", (uint64_t)(uint32_t)block->status,
               block->layer);
    } else if (block->object != NULL && block->role == CHECK_NEW) {
        judge_cause(check, tree, block);
    }
}

/* CH-060, CH-061: a status against those of the immediate dependents. */
static void judge_dependents(struct check *check, const struct check_tree *tree, const struct check_block *block)
{
    enum flue_party below = check_below(tree->adapter);
    bool all = block->dependents_taken == block->dependents, none = block->dependents_taken == 0;
    NDIS_STATUS should = all ? NDIS_STATUS_SUCCESS : NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;

    if (block->role == CHECK_LINKER) {
        should = all ? NDIS_STATUS_SUCCESS : none ? NDIS_STATUS_FAILURE : NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
        if (block->dependents > 0 && block->status != should) {
            report(check, tree, block, 61, below, "Status %t with %u of its dependents taken",
                   (uint64_t)(uint32_t)block->status, block->dependents_taken);
        }
    } else if (succeeded(block->status) && block->status != should) {
        report(check, tree, block, 60, below, "Status %t with %u of its dependents taken",
               (uint64_t)(uint32_t)block->status, block->dependents_taken);
    }
}

/* ---- Up: objects ---- */

static void take(struct check *check, const struct check_tree *tree, struct check_block *block)
{
    struct check_object *object = block->object;
    struct check_adapter *adapter = check_adapter_of(check, tree->adapter);
    enum flue_party below = check_below(tree->adapter);
    PVOID slot = block->handle->MiniportOffloadContext;

    (void)check_object_move(object, CHECK_OFFLOADED);
    if (slot == CHECK_SCRIBBLE) {
        report(check, tree, block, 31, below, "its slot has what the checker has put into Scratch", 0, 0);
        (void)check_object_name(check, object, slot);
    } else if (slot == NULL) {
        report(check, tree, block, 46, below, "it was taken, but its slot is empty", 0, 0);
    } else if (check_object_name(check, object, slot) != NULL) {
        report(check, tree, block, 47, below, "its slot has the value of another live object", 0, 0);
    }
    if (adapter == NULL) {
        return;
    }
    if (++adapter->held[block->layer] > adapter->held_most[block->layer]) {
        adapter->held_most[block->layer] = adapter->held[block->layer];
    }
    switch ((enum flue_layer)block->layer) {
    case FLUE_LAYER_TCP:
        adapter->tcp_live++;
        if (tree->adapter->has_current && adapter->tcp_live > tree->adapter->current.TcpConnectionOffloadCapacity) {
            report(check, tree, block, 71, below, "%u connections are offloaded, the capacity is %u", adapter->tcp_live,
                   tree->adapter->current.TcpConnectionOffloadCapacity);
        }
        if (object->conn->cached.InitialRcvWnd > adapter->window_taken_bytes) {
            adapter->window_taken_bytes = object->conn->cached.InitialRcvWnd;
        }
        check_data_taken(check, object->conn);
        break;
    case FLUE_LAYER_PATH:
        if (object->known.path.mtu > adapter->mtu_taken_bytes) {
            adapter->mtu_taken_bytes = object->known.path.mtu;
        }
        break;
    case FLUE_LAYER_NEIGHBOR:
    case FLUE_LAYER_NONE:
        break;
    }
}

static void drop(struct check *check, const struct check_tree *tree, struct check_block *block)
{
    struct check_object *object = block->object;

    if (block->handle->MiniportOffloadContext != NULL) {
        report(check, tree, block, 49, check_below(tree->adapter), "it was refused, but its slot was written", 0, 0);
        block->handle->MiniportOffloadContext = NULL;
    }
    if (object->conn != NULL) {
        check_sends_refused(check, tree, block);
    }
    (void)check_object_move(object, CHECK_NONE);
    block->object = NULL;
    check_object_forget(check, object);
}

static bool is_taken(const struct check_block *block)
{
    return block->role == CHECK_PLACEHOLDER || succeeded(block->status);
}

void check_initiate_up(struct check *check, struct check_tree *tree)
{
    const struct check_block *root = &tree->blocks[0];
    enum flue_party below = check_below(tree->adapter);
    bool root_failed = root->role == CHECK_NEW && !succeeded(root->status);

    for (uint32_t i = 0; i < tree->count; i++) {
        struct check_block *block = &tree->blocks[i];
        struct check_block *parent = block->parent < 0 ? NULL : &tree->blocks[block->parent];

        if (parent != NULL) {
            parent->dependents++;
            parent->dependents_taken += is_taken(block) ? 1 : 0;
        }
        if (block->role == CHECK_NEW && block->object != NULL && block->object->conn != NULL) {
            check_inherit_up(check, block->object->conn);
        }
        if (block->role == CHECK_PLACEHOLDER || block->unjudged) {
            continue;
        }
        judge_status(check, tree, block);
        if (i > 0 && root_failed && succeeded(block->status)) {
            report(check, tree, block, 62, below, "it was taken, though the root was refused", 0, 0);
        } else if (parent != NULL && parent->role == CHECK_NEW && !succeeded(parent->status) &&
                   succeeded(block->status)) {
            report(check, tree, block, 63, below, "it was taken, though what it depends on was refused", 0, 0);
        }
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        struct check_block *block = &tree->blocks[i];

        if (block->role != CHECK_PLACEHOLDER && !block->unjudged && !block->refused) {
            judge_dependents(check, tree, block);
        }
        if (block->role == CHECK_NEW && block->object != NULL && succeeded(block->status)) {
            take(check, tree, block);
        }
    }
    /* Those refused go last to first, so that nothing depends on what is forgotten. */
    for (uint32_t i = tree->count; i-- > 0;) {
        struct check_block *block = &tree->blocks[i];

        if (block->role == CHECK_NEW && block->object != NULL && !succeeded(block->status)) {
            drop(check, tree, block);
        }
    }
}

void check_initiate_completed(struct check *check, struct check_tree *tree)
{
    struct check_adapter *adapter = check_adapter_of(check, tree->adapter);

    for (uint32_t i = 0; i < tree->count; i++) {
        struct check_object *object =
            tree->blocks[i].role == CHECK_NEW ? check_object_find(check, tree->blocks[i].handle) : NULL;

        if (object != NULL && object->id == tree->blocks[i].object_id && object->conn != NULL) {
            object->conn->silent = false;
        }
    }
    if (adapter != NULL && adapter->initiates > 0) {
        adapter->initiates--;
    }
}
