/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_state.c - rules of update, query, invalidate and terminate: when they may be asked, and what the answers
 * must look like. */

#include <string.h>

#include "ndis/check_core.h"

static void report(struct check *check, const struct check_tree *tree, const struct check_block *block, unsigned rule,
                   enum flue_party party, const char *format, uint64_t a, uint64_t b)
{
    const struct check_at at = {
        .binding = tree->binding, .object = block->object, .thing = block->block, .kind = "block"};

    check_report(check, rule, party, &at, format, a, b, 0);
}

unsigned check_filled_by_below(const struct check_tree *tree, const struct check_block *block)
{
    bool fills = tree->operation == NDIS_QUERY || tree->operation == NDIS_TERMINATE;

    return fills && block->sound && block->role == CHECK_REFERENCE ? block->structures : 0;
}

static unsigned outstanding(const struct check_object *object)
{
    return (unsigned)object->pending[NDIS_QUERY] + object->pending[NDIS_UPDATE] + object->pending[NDIS_INVALIDATE];
}

/* ---- Down ---- */

static void update_down(struct check *check, const struct check_tree *tree, struct check_block *block)
{
    struct check_object *object = block->object;
    enum flue_party above = check_above(tree->binding);
    const struct check_block *parent = block->parent < 0 ? NULL : &tree->blocks[block->parent];

    if (flue_state_class(block->type) != 2) {
        report(check, tree, block, flue_state_class(block->type) == 1 ? 84 : 147, above,
               "an update of type %u, not of cached variables", block->type, 0);
    }
    if (object->pending[NDIS_UPDATE] > 0 || object->pending[NDIS_INVALIDATE] > 0 || object->invalid) {
        report(check, tree, block, 87, above, "an update of it runs already, or it is invalid", 0, 0);
    }
    if (object->layer == FLUE_LAYER_TCP && parent != NULL && parent->object != NULL &&
        parent->object != object->parent) {
        report(check, tree, block, 85, above, "the connection is put under another path", 0, 0);
    }
    (void)check_object_move(object, CHECK_UPDATING);
}

static void invalidate_down(struct check *check, const struct check_tree *tree, struct check_block *block)
{
    struct check_object *object = block->object;
    enum flue_party above = check_above(tree->binding);

    if (flue_state_class(block->type) != 4) {
        report(check, tree, block, 104, above, "an invalidate of type %u", block->type, 0);
    }
    if (object->pending[NDIS_INVALIDATE] > 0 || object->invalid) {
        report(check, tree, block, 87, above, "it is invalid already", 0, 0);
    }
    check->invalid += object->invalid ? 0 : 1;
    object->invalid = true;
    object->invalid_ps = check->env->now(check->env->ctx);
    object->owed = 110;
    (void)check_object_move(object, CHECK_INVALIDATED);
}

static void terminate_down(struct check *check, const struct check_tree *tree, struct check_block *block)
{
    struct check_object *object = block->object;
    enum flue_party above = check_above(tree->binding);
    unsigned class = flue_state_class(block->type);
    unsigned pending = outstanding(object);

    if (class != 3 && class != 4) {
        report(check, tree, block, 26, above, "a terminate of type %u", block->type, 0);
    }
    if (pending > 0 && object->conn != NULL) {
        report(check, tree, block, 114, above, "%u operations on it are outstanding", pending, 0);
    }
    if (object->conn != NULL && (object->conn->in_receive > 0 || object->conn->in_disconnect > 0)) {
        report(check, tree, block, 115, above, "a receive or disconnect call of it is on the stack", 0, 0);
    }
    check_overdue(check, object);
    object->owed = 0;
    (void)check_object_move(object, CHECK_TERMINATING);
    if (object->conn != NULL) {
        check_data_terminating(check, object->conn);
    }
}

/* What is out of step for every operation; false: nothing more can be said. */
static bool refer(struct check *check, const struct check_tree *tree, struct check_block *block)
{
    enum flue_party above = check_above(tree->binding);
    struct check_object *object = check_object_find(check, block->handle);

    block->object = object;
    if (object == NULL) {
        report(check, tree, block, 86, above, "it names an object that is not offloaded", 0, 0);
        return false;
    }
    block->object_id = object->id;
    if (object->state == CHECK_OFFLOADING) {
        report(check, tree, block, 55, above, "the initiate of the object has not completed", 0, 0);
        return false;
    }
    if (object->state == CHECK_TERMINATING) {
        report(check, tree, block, 114, above, "the object is being terminated", 0, 0);
        return false;
    }
    if (object->slot != block->slot) {
        report(check, tree, block, 48, check_below(tree->adapter), "the slot's value has changed", 0, 0);
    }
    if (block->chain != NULL) {
        report(check, tree, block, 41, above, "a chain hangs on it on the way down", 0, 0);
    }
    block->role = CHECK_REFERENCE;
    return true;
}

/* CH-113: everything that depends on what goes is in the same tree. */
static void judge_leaving(struct check *check, struct check_tree *tree)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        struct check_object *object = tree->blocks[i].role == CHECK_REFERENCE ? tree->blocks[i].object : NULL;

        if (object != NULL && object->parent != NULL) {
            object->parent->leaving++;
        }
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        struct check_object *object = tree->blocks[i].role == CHECK_REFERENCE ? tree->blocks[i].object : NULL;

        if (object != NULL && object->dependents > object->leaving) {
            report(check, tree, &tree->blocks[i], 113, check_above(tree->binding),
                   "%u objects that depend on it stay offloaded", object->dependents - object->leaving, 0);
        }
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        struct check_object *object = tree->blocks[i].object;

        if (object != NULL && object->parent != NULL) {
            object->parent->leaving = 0;
        }
    }
}

void check_state_down(struct check *check, struct check_tree *tree)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        struct check_block *block = &tree->blocks[i];

        if (block->handle == NULL || block->refused || !refer(check, tree, block)) {
            continue;
        }
        switch (tree->operation) {
        case NDIS_UPDATE:
            update_down(check, tree, block);
            break;
        case NDIS_INVALIDATE:
            invalidate_down(check, tree, block);
            break;
        case NDIS_TERMINATE:
            terminate_down(check, tree, block);
            break;
        case NDIS_QUERY:
        case NDIS_INITIATE:
        case NDIS_OPERATIONS:
            break;
        }
    }
    if (tree->operation == NDIS_TERMINATE) {
        judge_leaving(check, tree);
    }
}

/* ---- Up: update ---- */

static void learn_cached(struct check_block *block)
{
    const OFFLOAD_STATE_HEADER *state = flue_state_first(block->block);
    struct check_object *object = block->object;

    switch ((enum flue_layer)object->layer) {
    case FLUE_LAYER_NEIGHBOR:
        memcpy(object->known.neighbor.destination,
               ((const NEIGHBOR_OFFLOAD_STATE_CACHED *)(const void *)state)->DlDestinationAddress, 6);
        break;
    case FLUE_LAYER_PATH:
        object->known.path.mtu = ((const PATH_OFFLOAD_STATE_CACHED *)(const void *)state)->PathMtu;
        break;
    case FLUE_LAYER_TCP:
        object->conn->cached = *(const TCP_OFFLOAD_STATE_CACHED *)(const void *)state;
        break;
    case FLUE_LAYER_NONE:
        break;
    }
}

static void update_up(struct check_tree *tree, struct check_block *block)
{
    struct check_object *object = block->object;
    struct check_object *parent = block->parent < 0 ? NULL : tree->blocks[block->parent].object;

    if (object->state == CHECK_UPDATING && object->pending[NDIS_UPDATE] == 0) {
        (void)check_object_move(object, CHECK_OFFLOADED);
    }
    if (block->status != NDIS_STATUS_SUCCESS) {
        object->owed = 91;
        return;
    }
    if (block->sound && block->structures == 1) {
        learn_cached(block);
    }
    if (object->layer == FLUE_LAYER_PATH && parent != NULL && parent->layer == FLUE_LAYER_NEIGHBOR) {
        check_object_under(object, parent);
    }
}

/* ---- Up: what the party below fills ---- */

#define FIELD(structure, member) offsetof(structure, member)

/* The first field of four bytes that has still the pattern; 0: none. */
static unsigned unfilled(const OFFLOAD_STATE_HEADER *state, unsigned layer, unsigned class)
{
    static const USHORT words[FLUE_LAYER_TCP + 1][4][20] = {
        [FLUE_LAYER_NEIGHBOR] = {[1] = {FIELD(NEIGHBOR_OFFLOAD_STATE_CONST, DlSourceAddress)},
                                 [2] = {FIELD(NEIGHBOR_OFFLOAD_STATE_CACHED, DlDestinationAddress),
                                        FIELD(NEIGHBOR_OFFLOAD_STATE_CACHED, HostReachabilityDelta)},
                                 [3] = {FIELD(NEIGHBOR_OFFLOAD_STATE_DELEGATED, NicReachabilityDelta)}},
        [FLUE_LAYER_PATH] = {[1] = {FIELD(PATH_OFFLOAD_STATE_CONST, SourceAddress),
                                    FIELD(PATH_OFFLOAD_STATE_CONST, DestinationAddress)},
                             [2] = {FIELD(PATH_OFFLOAD_STATE_CACHED, PathMtu)}},
        [FLUE_LAYER_TCP] =
            {[1] = {FIELD(TCP_OFFLOAD_STATE_CONST, RemotePort), FIELD(TCP_OFFLOAD_STATE_CONST, HashValue)},
             [2] = {FIELD(TCP_OFFLOAD_STATE_CACHED, InitialRcvWnd), FIELD(TCP_OFFLOAD_STATE_CACHED, RcvIndicationSize),
                    FIELD(TCP_OFFLOAD_STATE_CACHED, KaTimeout), FIELD(TCP_OFFLOAD_STATE_CACHED, KaInterval),
                    FIELD(TCP_OFFLOAD_STATE_CACHED, MaxRT), FIELD(TCP_OFFLOAD_STATE_CACHED, FlowLabel)},
             [3] = {FIELD(TCP_OFFLOAD_STATE_DELEGATED, State), FIELD(TCP_OFFLOAD_STATE_DELEGATED, RcvNxt),
                    FIELD(TCP_OFFLOAD_STATE_DELEGATED, RcvWnd), FIELD(TCP_OFFLOAD_STATE_DELEGATED, SndUna),
                    FIELD(TCP_OFFLOAD_STATE_DELEGATED, SndNxt), FIELD(TCP_OFFLOAD_STATE_DELEGATED, SndMax),
                    FIELD(TCP_OFFLOAD_STATE_DELEGATED, SndWnd), FIELD(TCP_OFFLOAD_STATE_DELEGATED, MaxSndWnd),
                    FIELD(TCP_OFFLOAD_STATE_DELEGATED, SendWL1), FIELD(TCP_OFFLOAD_STATE_DELEGATED, CWnd),
                    FIELD(TCP_OFFLOAD_STATE_DELEGATED, SsThresh), FIELD(TCP_OFFLOAD_STATE_DELEGATED, TsRecent),
                    FIELD(TCP_OFFLOAD_STATE_DELEGATED, TsTime), FIELD(TCP_OFFLOAD_STATE_DELEGATED, TotalRT),
                    FIELD(TCP_OFFLOAD_STATE_DELEGATED, KeepAlive.TimeoutDelta),
                    FIELD(TCP_OFFLOAD_STATE_DELEGATED, Retransmit.TimeoutDelta),
                    FIELD(TCP_OFFLOAD_STATE_DELEGATED, SendDataHead),
                    FIELD(TCP_OFFLOAD_STATE_DELEGATED, BufferedData)}},
    };
    uint32_t pattern, word;

    memset(&pattern, CHECK_UNFILLED, sizeof pattern);
    for (const USHORT *at = words[layer][class]; *at != 0; at++) {
        memcpy(&word, (const uint8_t *)state + *at, sizeof word);
        if (word == pattern) {
            return *at;
        }
    }
    return 0;
}

/* The structures behind a block; false: one of them was not filled, and its pointers mean nothing. */
static bool judge_filled(struct check *check, const struct check_tree *tree, struct check_block *block, unsigned rule)
{
    OFFLOAD_STATE_HEADER *state = flue_state_first(block->block);
    unsigned class = flue_state_class(block->type), count = check_filled_by_below(tree, block);

    for (unsigned i = 1; i <= count; i++, state = flue_state_next(state)) {
        unsigned which = class == 4 ? i : class;
        unsigned at = unfilled(state, block->layer, which);

        if (at != 0) {
            report(check, tree, block, rule, check_below(tree->adapter),
                   "nothing was written at offset %u of structure %u", at, i);
            return false;
        }
    }
    return true;
}

/* ---- Up: query ---- */

static bool same_tcp_const(const TCP_OFFLOAD_STATE_CONST *a, const TCP_OFFLOAD_STATE_CONST *b)
{
    return a->Flags == b->Flags && a->RemotePort == b->RemotePort && a->LocalPort == b->LocalPort &&
           a->SndWindScale == b->SndWindScale && a->RcvWindScale == b->RcvWindScale && a->RemoteMss == b->RemoteMss &&
           a->HashValue == b->HashValue;
}

static bool same_tcp_cached(const TCP_OFFLOAD_STATE_CACHED *a, const TCP_OFFLOAD_STATE_CACHED *b)
{
    return a->Flags == b->Flags && a->InitialRcvWnd == b->InitialRcvWnd &&
           a->RcvIndicationSize == b->RcvIndicationSize && a->KaProbeCount == b->KaProbeCount &&
           a->KaTimeout == b->KaTimeout && a->KaInterval == b->KaInterval && a->MaxRT == b->MaxRT &&
           (a->FlowLabel & FLUE_FLOW_LABEL_MASK) == (b->FlowLabel & FLUE_FLOW_LABEL_MASK) &&
           a->TtlOrHopLimit == b->TtlOrHopLimit && a->TosOrTrafficClass == b->TosOrTrafficClass &&
           a->UserPriority == b->UserPriority;
}

static bool same_path_const(const struct check_object *object, const PATH_OFFLOAD_STATE_CONST *now)
{
    size_t length = object->type == Ip6OffloadState ? 16 : 4;

    return now->SourceAddress != NULL && now->DestinationAddress != NULL &&
           memcmp(now->SourceAddress, object->known.path.source, length) == 0 &&
           memcmp(now->DestinationAddress, object->known.path.destination, length) == 0;
}

/* Whether constant (class 1) or cached (2) values are those of the last initiate or update.  HostReachabilityDelta
 * ages, and is exempt. */
static bool unchanged(const struct check_object *object, const void *state, unsigned class)
{
    switch ((enum flue_layer)object->layer) {
    case FLUE_LAYER_NEIGHBOR:
        return class == 1 ? memcmp(((const NEIGHBOR_OFFLOAD_STATE_CONST *)state)->DlSourceAddress,
                                   object->known.neighbor.source, 6) == 0 &&
                                ((const NEIGHBOR_OFFLOAD_STATE_CONST *)state)->VlanId == object->known.neighbor.vlan
                          : memcmp(((const NEIGHBOR_OFFLOAD_STATE_CACHED *)state)->DlDestinationAddress,
                                   object->known.neighbor.destination, 6) == 0;
    case FLUE_LAYER_PATH:
        return class == 1 ? same_path_const(object, (const PATH_OFFLOAD_STATE_CONST *)state)
                          : ((const PATH_OFFLOAD_STATE_CACHED *)state)->PathMtu == object->known.path.mtu;
    case FLUE_LAYER_TCP:
        return class == 1 ? same_tcp_const((const TCP_OFFLOAD_STATE_CONST *)state, &object->conn->constant)
                          : same_tcp_cached((const TCP_OFFLOAD_STATE_CACHED *)state, &object->conn->cached);
    case FLUE_LAYER_NONE:
        break;
    }
    return true;
}

#define LOWEST_ADDRESS UINT64_C(0xFFFF) /* no memory of a program lies below */
#define SUSPECT_TICKS  (5 * 60 * 1000u + 1)

static void judge_delegated(struct check *check, const struct check_tree *tree, const struct check_block *block,
                            const TCP_OFFLOAD_STATE_DELEGATED *state)
{
    const struct check_conn *conn = block->object->conn;

    /* Within five minutes of a challenge the timer runs though it is off (behaviour 15.5); and a query that was asked
     * before an update may tell what was before it. */
    if (block->object->pending[NDIS_UPDATE] == 0 && !(conn->cached.Flags & TCP_FLAG_KEEP_ALIVE_ENABLED) &&
        state->KeepAlive.TimeoutDelta != FLUE_TICKS_NONE && state->KeepAlive.TimeoutDelta > SUSPECT_TICKS) {
        report(check, tree, block, 97, check_below(tree->adapter), "keepalive is off, its TimeoutDelta is %u",
               state->KeepAlive.TimeoutDelta, 0);
    }
    /* The same timer serves FIN_WAIT_2 and persist; what it waits to probe with may have completed (D-29). */
    if (!(tree->operation == NDIS_TERMINATE && check->ddi.upload_sends_complete) &&
        (state->State == TcpConnectionEstablished || state->State == TcpConnectionCloseWait) &&
        state->SndUna == state->SndMax && list_empty(&conn->sends) && conn->disconnect == NULL &&
        state->Retransmit.TimeoutDelta != FLUE_TICKS_NONE) {
        report(check, tree, block, 98, check_below(tree->adapter), "nothing is to be sent, Retransmit runs for %u",
               state->Retransmit.TimeoutDelta, 0);
    }
}

/* A query or an invalidate fails in a target only if the state is corrupt (D-32); in a driver also without memory. */
static void broken(struct check *check, const struct check_object *object)
{
    if (object->conn != NULL && check_below(object->adapter) == FLUE_PARTY_TARGET && !object->conn->hardware_failed) {
        object->conn->hardware_failed = true;
        object->conn->failed_ps = check->env->now(check->env->ctx);
    }
}

/* D-32: it is corrupt.  It was not marked: what was queued meanwhile may leave until the events stop it. */
static void invalidate_failed(struct check *check, struct check_object *object)
{
    check->invalid -= object->invalid ? 1 : 0;
    object->invalid = false;
    broken(check, object);
}

/* CH-099, CH-100: what an adapter supports does not depend on the moment: it tells sizes, or that it tells none. */
static void judge_backlogs(struct check *check, const struct check_tree *tree, const struct check_block *block,
                           const TCP_OFFLOAD_STATE_DELEGATED *state)
{
    const ULONG told[2] = {state->SendBacklogSize, state->ReceiveBacklogSize};
    const void *pointers[2] = {state->SendDataHead, state->BufferedData};
    struct check_adapter *adapter = check_adapter_of(check, tree->adapter);

    for (unsigned i = 0; adapter != NULL && i < 2; i++) {
        if (check_nbl_find(check, (const NET_BUFFER_LIST *)pointers[i], tree->adapter) != NULL) {
            report(check, tree, block, 102, check_below(tree->adapter),
                   "a query has a list where the backlog of %u belongs (0 sends, 1 receives)", i, 0);
            continue;
        }
        adapter->backlogs[i] |= told[i] == FLUE_BACKLOG_NONE ? 2 : 1;
        if (adapter->backlogs[i] == 3 && check_below(tree->adapter) == FLUE_PARTY_TARGET) {
            report(check, tree, block, i == 0 ? 99 : 100, FLUE_PARTY_TARGET,
                   "a backlog of %u is told, by an adapter that told the opposite of the same", told[i], 0);
        }
    }
}

/* CH-102: a size where terminate has pointers is no list.  It was written into four bytes, or is no address. */
static void judge_arms(struct check *check, const struct check_tree *tree, const struct check_block *block,
                       TCP_OFFLOAD_STATE_DELEGATED *state)
{
    const uint32_t pattern = CHECK_UNFILLED * UINT32_C(0x01010101);
    const uint64_t head = (uint64_t)(uintptr_t)state->SendDataHead;
    const uint64_t buffered = (uint64_t)(uintptr_t)state->BufferedData;
    const bool no_head = state->SendDataHead != ((PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)block->block)->NetBufferListChain &&
                         (head >> 32 == pattern || head - 1 < LOWEST_ADDRESS);
    const bool no_buffered = buffered >> 32 == pattern || buffered - 1 < LOWEST_ADDRESS;

    if (no_head || no_buffered) {
        report(check, tree, block, 102, check_below(tree->adapter), "terminate returns %u where a list belongs",
               (uint32_t)(no_buffered ? buffered : head), 0);
        check_refused(check);
        state->SendDataHead =
            no_head ? ((PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)block->block)->NetBufferListChain : state->SendDataHead;
        state->BufferedData = no_buffered ? NULL : state->BufferedData;
    }
}

static void query_up(struct check *check, const struct check_tree *tree, struct check_block *block)
{
    OFFLOAD_STATE_HEADER *state = flue_state_first(block->block);
    struct check_object *object = block->object;
    unsigned class = flue_state_class(block->type);

    if (block->status != NDIS_STATUS_SUCCESS) {
        object->owed = 96;
        broken(check, object);
        return;
    }
    if (!judge_filled(check, tree, block, 94)) {
        return;
    }
    for (unsigned i = 1; i <= check_filled_by_below(tree, block); i++, state = flue_state_next(state)) {
        unsigned which = class == 4 ? i : class;

        if (which == 3 && object->layer == FLUE_LAYER_TCP) {
            judge_delegated(check, tree, block, (const TCP_OFFLOAD_STATE_DELEGATED *)(const void *)state);
            judge_backlogs(check, tree, block, (const TCP_OFFLOAD_STATE_DELEGATED *)(const void *)state);
        } else if (which < 3 && object->pending[NDIS_UPDATE] == 0 && !unchanged(object, state, which)) {
            report(check, tree, block, which == 1 ? 145 : 146, check_below(tree->adapter),
                   "a value is not that of the last initiate or update", 0, 0);
        }
    }
}

/* ---- Up: terminate ---- */

/* BufferedData is H's from now on, until it gives it back. */
static void take_buffered(struct check *check, const struct check_tree *tree, const struct check_block *block,
                          PNET_BUFFER_LIST first)
{
    for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
        (void)check_inherit_kept(check, block->object->conn, nbl);
        if (check_nbl_find(check, nbl, tree->adapter) != NULL) {
            report(check, tree, block, 138, check_below(tree->adapter), "a list in BufferedData is lent already", 0, 0);
            check_refused(check);
            return;
        }
        if (check_nbl_lend(check, nbl, tree->binding, NULL, CHECK_INDICATED) == NULL) {
            return;
        }
    }
}

static void judge_drained(struct check *check, const struct check_tree *tree, const struct check_block *block)
{
    const struct check_conn *conn = block->object->conn;
    const struct check_adapter *adapter = check_adapter_of(check, tree->adapter);
    enum flue_party below = check_below(tree->adapter);

    if (!list_empty(&conn->receives)) {
        report(check, tree, block, conn->abort_indicated ? 254 : 118, below, "a posted receive is not completed", 0, 0);
    }
    if (conn->disconnect != NULL) {
        report(check, tree, block, check_im_keeps(check, conn->disconnect->nbl, tree->adapter) ? 326 : 119, below,
               "the disconnect is not completed", 0, 0);
    }
    if (!list_empty(&conn->forwards)) {
        report(check, tree, block, 120, below, "a forwarded segment is not completed", 0, 0);
    }
    if (conn->in_indicate > 0 || conn->in_event > 0 ||
        (adapter != NULL && (adapter->in_status > 0 || adapter->in_generic_event > 0))) {
        report(check, tree, block, 122, below, "an indication is still on the stack", 0, 0);
    }
}

/* CH-124, CH-129: what the target has it keeps to the end; only what is lost fails, and of that it has told before. */
static void judge_end(struct check *check, const struct check_tree *tree, const struct check_block *block)
{
    const struct check_conn *conn = block->object->conn;

    if (check_below(tree->adapter) != FLUE_PARTY_TARGET) {
        return;
    }
    if (block->handle->MiniportOffloadContext == NULL && block->object->slot != NULL) {
        report(check, tree, block, 129, FLUE_PARTY_TARGET, "its slot is empty before its terminate has completed", 0,
               0);
    }
    if (block->status != NDIS_STATUS_SUCCESS && !conn->hardware_failed && !conn->flow.hardware) {
        report(check, tree, block, check_lost_rule(conn, 124), FLUE_PARTY_TARGET,
               "its terminate fails, and nobody has heard that it is lost", 0, 0);
    }
}

static void terminate_conn(struct check *check, const struct check_tree *tree, struct check_block *block)
{
    OFFLOAD_STATE_HEADER *header = flue_state_first(block->block);
    struct check_conn *conn = block->object->conn;
    TCP_OFFLOAD_STATE_DELEGATED *filled = NULL, state = {.Header = {0, 0}};

    judge_drained(check, tree, block);
    judge_end(check, tree, block);
    if (block->status == NDIS_STATUS_SUCCESS && check_filled_by_below(tree, block) == 1) {
        filled = (TCP_OFFLOAD_STATE_DELEGATED *)(void *)header;
        if (!judge_filled(check, tree, block, 123)) {
            /* N and H follow these pointers. */
            filled->SendDataHead = filled->SendDataTail = filled->BufferedData = NULL;
            filled = NULL;
        }
    }
    if (filled != NULL) {
        judge_arms(check, tree, block, filled);
        memcpy(&state, filled, filled->Header.Length);
        judge_delegated(check, tree, block, &state);
    }
    if (conn->hardware_failed && ((PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)block->block)->NetBufferListChain != NULL) {
        report(check, tree, block, 144, check_below(tree->adapter), "a broken connection hands send data back", 0, 0);
    }
    check_sends_up(check, tree, block, filled == NULL ? NULL : &state);
    if (filled != NULL) {
        take_buffered(check, tree, block, state.BufferedData);
    }
    check_data_terminated(check, conn, filled == NULL ? NULL : &state);
}

static void terminate_up(struct check *check, const struct check_tree *tree, struct check_block *block)
{
    struct check_object *object = block->object;
    struct check_adapter *adapter = check_adapter_of(check, tree->adapter);
    unsigned pending = outstanding(object);

    if (pending > 0) {
        report(check, tree, block, 117, check_below(tree->adapter), "%u operations on it are outstanding", pending, 0);
    }
    if (check->ddi.terminate_recipe && block->status == NDIS_STATUS_FAILURE && !object->lost) {
        object->lost = true;
        (void)check_object_move(object, CHECK_OFFLOADED);
        return;
    }
    if (adapter != NULL) {
        adapter->held[object->layer]--;
        adapter->gone_ps = check->env->now(check->env->ctx);
    }
    if (object->conn != NULL) {
        terminate_conn(check, tree, block);
        if (adapter != NULL && adapter->tcp_live > 0) {
            adapter->tcp_live--;
        }
    } else if (block->status == NDIS_STATUS_SUCCESS) {
        (void)judge_filled(check, tree, block, 123);
    }
    (void)check_object_move(object, CHECK_NONE);
    block->object = NULL;
    check_object_forget(check, object);
}

void check_state_up(struct check *check, struct check_tree *tree)
{
    /* Last to first: what depends on another object is forgotten before it. */
    for (uint32_t i = tree->count; i-- > 0;) {
        struct check_block *block = &tree->blocks[i];

        if (block->role != CHECK_REFERENCE || block->object == NULL) {
            continue;
        }
        switch (tree->operation) {
        case NDIS_UPDATE:
            update_up(tree, block);
            break;
        case NDIS_QUERY:
            query_up(check, tree, block);
            break;
        case NDIS_INVALIDATE:
            if (block->status != NDIS_STATUS_SUCCESS) {
                invalidate_failed(check, block->object);
            }
            break;
        case NDIS_TERMINATE:
            terminate_up(check, tree, block);
            break;
        case NDIS_INITIATE:
        case NDIS_OPERATIONS:
            break;
        }
    }
}
