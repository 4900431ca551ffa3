/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_indicate.c - rules of receive indications and events. */

#include "ndis/check_core.h"

#define NO_ANSWER 0xFFFFFFFEu /* a time that no neighbour can have been unreachable for */

static struct check_at at_conn(const struct check_conn *conn)
{
    return (struct check_at){.binding = conn->object->binding, .object = conn->object};
}

static bool is_mandatory(ULONG reason)
{
    return reason == ReceivedUrgentData || reason == TimeoutExpiration || reason == InvalidState ||
           reason == UploadRequested || reason == HardwareFailure;
}

/* The connection that a handle of an indication names; NULL: it names none, and that was reported. */
static struct check_conn *named(struct check *check, const NDIS_OFFLOAD_HANDLE *handle, unsigned gone, unsigned other)
{
    struct ndis_binding *binding = ndis_handle_binding(handle);
    const struct check_at at = {.binding = binding, .thing = handle, .kind = "handle"};
    struct check_object *object = check_object_find(check, handle);

    if (object == NULL) {
        check_report(check, gone, check_below(binding->adapter), &at, "an upward call names an object that is gone", 0,
                     0, 0);
        return NULL;
    }
    if (object->conn == NULL) {
        check_report(check, other, check_below(binding->adapter), &at, "an upward call names no connection", 0, 0, 0);
    }
    return object->conn;
}

/* No upward call for an object before the completion of its initiate has returned (D-15). */
static bool check_silence(struct check *check, const struct check_conn *conn)
{
    const struct check_at at = at_conn(conn);

    if (conn->silent || !conn->flow.taken) {
        check_report(check, 56, check_below(conn->object->adapter), &at,
                     "an upward call comes before the completion of the initiate has returned", 0, 0, 0);
        return conn->flow.taken;
    }
    return true;
}

/* ---- Receive indications ---- */

static bool check_list_shape(struct check *check, const struct check_conn *conn, const NET_BUFFER_LIST *nbl,
                             NDIS_STATUS status)
{
    const struct check_at at = at_conn(conn);
    const enum flue_party below = check_below(conn->object->adapter);

    /* A driver passes on what it got (CH-334). */
    if (status != NDIS_STATUS_SUCCESS && below == FLUE_PARTY_TARGET) {
        check_report(check, 200, below, &at, "an indication has status %t", (uint64_t)status, 0, 0);
    }
    if (nbl->Next != NULL) {
        check_report(check, 199, below, &at, "an indication passes a chain", 0, 0, 0);
        return false;
    }
    if (nbl->FirstNetBuffer == NULL || nbl->FirstNetBuffer->Next != NULL) {
        check_report(check, 201, below, &at, "an indicated list has not one buffer", 0, 0, 0);
        return false;
    }
    if (conn->inherited.count > 0 && check_inherit_kept(check, conn, nbl)) {
        return false;
    }
    if (check_nbl_find(check, nbl, conn->object->adapter) != NULL) {
        check_report(check, 212, below, &at, "an indicated list was not returned yet", 0, 0, 0);
        return false;
    }
    return true;
}

/* Is there a post with room, made at an earlier instant than this? */
static bool has_post(const struct check *check, const struct check_conn *conn)
{
    const flue_ps now_ps = check->env->now(check->env->ctx);

    FLUE_LIST_EACH(hook, &conn->receives)
    {
        const struct check_nbl *nbl = FLUE_CONTAINER_OF(hook, struct check_nbl, hook);

        if (nbl->bytes > 0 && nbl->at_ps < now_ps) {
            return true;
        }
    }
    return false;
}

static void check_turn(struct check *check, const struct check_conn *conn, uint64_t bytes)
{
    const struct check_adapter *adapter = check_adapter_of(check, conn->object->adapter);
    const struct check_at at = at_conn(conn);
    const enum flue_party below = check_below(conn->object->adapter);

    if (conn->in_indicate > 0 ||
        (adapter != NULL && adapter->completing != 0 && conn->flow.completion == adapter->completing)) {
        check_report(check, 192, below, &at, "an indication begins inside a receive completion or indication of it", 0,
                     0, 0);
    }
    if (below == FLUE_PARTY_DRIVER) {
        /* A driver may still hold a receive that was posted before. */
    } else if (conn->reject_latch && !conn->flow.refused) {
        check_report(check, 77, below, &at,
                     "%u bytes are indicated, and no receive was posted since the hand-over of %u", bytes,
                     conn->buffered_bytes, 0);
    } else if (conn->reject_latch) {
        check_report(check, 205, below, &at, "%u bytes are indicated, and no receive was posted since data was refused",
                     bytes, 0, 0);
    } else if (has_post(check, conn)) {
        check_report(check, conn->flow.refused ? 206 : 179, below, &at,
                     "%u bytes are indicated while a posted receive waits", bytes, 0, 0);
    }
    if (conn->flow.short_success && bytes > 0) {
        check_report(check, 189, below, &at, "%u bytes follow a non-push receive that succeeded before it was full",
                     bytes, 0, 0);
    }
}

/* Where the indicated bytes lie in the stream; they count once the host has taken them. */
static void note_content(struct check *check, struct check_conn *conn, const NET_BUFFER *nb)
{
    struct ndis_spans spans = ndis_spans_of_data(nb);
    const struct check_at at = at_conn(conn);
    struct check_flow *flow = &conn->flow;
    uint64_t next = flow->next_offset;
    bool has_next = flow->has_next;
    struct flue_span span;

    flow->indicated_bytes = nb->DataLength;
    flow->indicated_described = false;
    while (ndis_spans_next(&spans, &span)) {
        if (span.memory != NULL) {
            flow->indicated_described = false;
            flow->has_next = false;
            return;
        }
        if (has_next && (span.offset_bytes != next || span.stream != flow->stream)) {
            const unsigned rule = conn->delivered_bytes < conn->buffered_bytes ? 77 : 137;

            check_report(check, flow->refused ? 204 : rule, check_below(conn->object->adapter), &at,
                         "bytes from %u of stream %u are indicated, %u was next", span.offset_bytes, span.stream, next);
        }
        if (!flow->indicated_described) {
            flow->indicated_described = true;
            flow->indicated_offset = span.offset_bytes;
            flow->stream = span.stream;
        }
        has_next = true;
        next = span.offset_bytes + span.length_bytes;
    }
}

bool check_indicate(struct flue_ndis *ndis, PNDIS_OFFLOAD_HANDLE handle, PNET_BUFFER_LIST nbl, NDIS_STATUS status)
{
    struct check *check = check_enter(ndis);
    struct check_conn *conn;
    struct check_adapter *adapter;

    if (check == NULL) {
        return true;
    }
    conn = named(check, handle, 133, 72);
    if (conn == NULL || !check_list_shape(check, conn, nbl, status) || !check_silence(check, conn)) {
        check_refused(check);
        return false;
    }
    check_turn(check, conn, ndis_nbl_bytes(nbl));
    note_content(check, conn, nbl->FirstNetBuffer);
    if (check->frames && check_before(conn->line.came_high, conn->flow.rcv_start + (uint32_t)conn->delivered_bytes +
                                                                (uint32_t)conn->flow.indicated_bytes)) {
        const struct check_at at = at_conn(conn);

        check_report(check, 136, check_below(conn->object->adapter), &at,
                     "%u bytes are indicated behind %u, fewer have come in", conn->flow.indicated_bytes,
                     conn->delivered_bytes, 0);
    }
    adapter = check_adapter_of(check, conn->object->adapter);
    if (adapter != NULL) {
        struct check_nbl *lent = check_nbl_lend(check, nbl, conn->object->binding, NULL, CHECK_INDICATED);

        adapter->indicated++;
        adapter->in_indicate++;
        conn->in_indicate++;
        conn->shown = nbl;
        if (lent != NULL) {
            lent->fresh = true; /* counted: what comes with a terminate is not */
        }
    }
    return true;
}

static void check_answer(struct check *check, const struct check_conn *conn, NDIS_STATUS answer, uint64_t consumed)
{
    const struct check_at at = at_conn(conn);
    const uint64_t bytes = conn->flow.indicated_bytes;
    const enum flue_party above = check_above(conn->object->binding);
    bool fits = true;

    if (answer == NDIS_STATUS_SUCCESS) {
        fits = consumed == bytes;
    } else if (answer == NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED) {
        fits = consumed == 0;
    } else if (answer == NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED) {
        fits = consumed > 0 && consumed < bytes;
    } else {
        check_report(check, 202, above, &at, "an indication is answered %t", (uint64_t)answer, 0, 0);
        return;
    }
    if (!fits) {
        check_report(check, 203, above, &at, "%u of %u bytes are consumed with %t", consumed, bytes, (uint64_t)answer);
    }
}

void check_indicated(struct flue_ndis *ndis, PNDIS_OFFLOAD_HANDLE handle, PNET_BUFFER_LIST nbl, NDIS_STATUS answer,
                     ULONG consumed_bytes)
{
    struct check *check = check_enter(ndis);
    const struct check_object *object = check == NULL ? NULL : check_object_find(check, handle);
    struct check_conn *conn = object == NULL ? NULL : object->conn;
    struct check_adapter *adapter = conn == NULL ? NULL : check_adapter_of(check, object->adapter);
    struct check_nbl *lent;

    if (adapter == NULL || conn->in_indicate == 0) {
        return;
    }
    conn->in_indicate--;
    adapter->in_indicate--;
    check_answer(check, conn, answer, consumed_bytes);
    lent = check_nbl_find(check, nbl, object->adapter);
    if (answer != NDIS_STATUS_SUCCESS) {
        if (lent == NULL || lent->origin != CHECK_INDICATED) {
            const struct check_at at = at_conn(conn);

            check_report(check, 210, check_above(object->binding), &at,
                         "a list is refused after it was returned inside the indication", 0, 0, 0);
        } else {
            check_nbl_forget(check, lent);
            adapter->indicated--;
        }
        conn->reject_latch = true;
        conn->flow.refused = true;
    }
    if (consumed_bytes > 0 && consumed_bytes <= conn->flow.indicated_bytes) {
        conn->delivered_bytes += consumed_bytes;
        conn->flow.has_next = conn->flow.indicated_described;
        conn->flow.next_offset = conn->flow.indicated_offset + consumed_bytes;
        conn->flow.refused = answer != NDIS_STATUS_SUCCESS;
    }
}

/* ---- Events ---- */

static void on_disconnect(struct check *check, struct check_conn *conn)
{
    const struct check_at at = at_conn(conn);
    const enum flue_party below = check_below(conn->object->adapter);

    if (check->frames && !conn->line.fin_came && !conn->line.fin_before) {
        check_report(check, 248, below, &at, "the end of the stream is indicated, and no FIN came", 0, 0, 0);
    } else if (conn->disconnect_indicated) {
        check_report(check, 248, below, &at, "the end of the stream is indicated again", 0, 0, 0);
    } else if (check->frames && conn->line.fin_came &&
               check_before(conn->flow.rcv_start + (uint32_t)conn->delivered_bytes, conn->line.fin_seq)) {
        check_report(check, 249, below, &at, "the end of the stream is indicated %u bytes too early",
                     conn->line.fin_seq - conn->flow.rcv_start - (uint32_t)conn->delivered_bytes, 0, 0);
    }
    conn->disconnect_indicated = true;
    conn->flow.short_success = false;
}

static void on_abort(struct check *check, struct check_conn *conn)
{
    const struct check_at at = at_conn(conn);
    const enum flue_party below = check_below(conn->object->adapter);

    if (conn->abort_indicated) {
        check_report(check, 252, below, &at, "the abort is indicated again", 0, 0, 0);
    } else if (check->frames && !conn->line.rst_came && !conn->flow.hardware && !conn->hardware_failed) {
        check_report(check, 255, below, &at, "an abort is indicated, and no RST came", 0, 0, 0);
    }
    conn->abort_indicated = true;
    conn->closed |= !conn->flow.hardware && !conn->hardware_failed;
}

/* FIN-WAIT-1, FIN-WAIT-2 or CLOSE-WAIT, as far as it shows from outside. */
static bool is_half_closed(const struct check *check, const struct check_conn *conn)
{
    if (conn->disconnect_indicated) {
        return !conn->graceful_asked && !conn->line.fin_left;
    }
    return check->frames && conn->graceful_asked && conn->line.fin_left && !conn->line.fin_came &&
           !conn->line.fin_before;
}

static void on_retrieve(struct check *check, struct check_conn *conn, ULONG reason)
{
    const struct check_at at = at_conn(conn);
    const enum flue_party below = check_below(conn->object->adapter);

    if (reason < LowActivity || reason >= MaxUploadReason) {
        check_report(check, 257, below, &at, "Retrieve has reason %u", reason, 0, 0);
        return;
    }
    if (!is_mandatory(reason)) {
        if (is_half_closed(check, conn)) {
            check_report(check, 261, below, &at, "Retrieve with the optional reason %u in a half-closed state", reason,
                         0, 0);
        }
        conn->optional_reason = (uint8_t)reason;
        return;
    }
    /* What FIN_WAIT_2 ends is closed first (D-28). */
    if ((reason != TimeoutExpiration || conn->disconnect_indicated) && is_half_closed(check, conn)) {
        check_report(check, 262, below, &at, "Retrieve with reason %u in a half-closed state", reason, 0, 0);
    }
    if (reason == HardwareFailure) {
        conn->flow.hardware = true;
        check_ways_excuse(check, conn->binding->adapter);
    }
    if (reason == TimeoutExpiration) {
        check_closing_expired(check, conn);
    }
    if (conn->retrieve_reason == 0) {
        conn->retrieve_reason = (uint8_t)reason;
        conn->retrieve_ps = check->env->now(check->env->ctx);
        check_line_freeze(conn);
    }
}

/* CH-099: who tells of a change supports the value. */
static void on_backlog(struct check *check, const struct check_conn *conn, ULONG bytes)
{
    struct check_adapter *adapter = check_adapter_of(check, conn->object->adapter);
    const struct check_at at = at_conn(conn);

    if (adapter == NULL || bytes == FLUE_BACKLOG_NONE) {
        return;
    }
    adapter->backlogs[0] |= 1;
    if (adapter->backlogs[0] == 3 && check_below(conn->object->adapter) == FLUE_PARTY_TARGET) {
        check_report(check, 99, FLUE_PARTY_TARGET, &at, "a send backlog of %u is told, by an adapter that told none",
                     bytes, 0, 0);
    }
}

bool check_event(struct flue_ndis *ndis, PNDIS_OFFLOAD_HANDLE handle, ULONG type, ULONG information)
{
    struct check *check = check_enter(ndis);
    struct check_conn *conn;

    if (check == NULL) {
        return true;
    }
    conn = named(check, handle, 133, type == TcpIndicateRetrieve ? 132 : 247);
    if (conn == NULL || !check_silence(check, conn)) {
        check_refused(check);
        return false;
    }
    conn->in_event++;
    switch (type) {
    case TcpIndicateDisconnect:
        on_disconnect(check, conn);
        break;
    case TcpIndicateRetrieve:
        on_retrieve(check, conn, information);
        break;
    case TcpIndicateAbort:
        on_abort(check, conn);
        break;
    case TcpIndicateSendBacklogChange:
        on_backlog(check, conn, information);
        break;
    default: {
        const struct check_at at = at_conn(conn);

        check_report(check, 247, check_below(conn->object->adapter), &at, "an event has type %u", type, 0, 0);
        break;
    }
    }
    return true;
}

void check_event_done(struct flue_ndis *ndis, PNDIS_OFFLOAD_HANDLE handle)
{
    struct check *check = check_enter(ndis);
    const struct check_object *object = check == NULL ? NULL : check_object_find(check, handle);

    if (object != NULL && object->conn != NULL && object->conn->in_event > 0) {
        object->conn->in_event--;
    }
}

/* ---- Generic events ---- */

static void check_query_block(struct check *check, struct ndis_adapter *adapter,
                              const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block)
{
    const struct check_at at = {.adapter = adapter, .thing = block, .kind = "block"};
    const OFFLOAD_STATE_HEADER *state = (const OFFLOAD_STATE_HEADER *)(const void *)(block + 1);
    const ULONG lengths[] = {sizeof(NEIGHBOR_OFFLOAD_STATE_CONST), sizeof(NEIGHBOR_OFFLOAD_STATE_CACHED),
                             sizeof(NEIGHBOR_OFFLOAD_STATE_DELEGATED)};

    if (block->DependentBlockList != NULL || block->Header.Type != NeighborOffloadState ||
        block->Header.Revision != FLUE_OFFLOAD_BLOCK_REVISION_1 || block->Header.Size != sizeof *block ||
        block->Status != NDIS_STATUS_SUCCESS) {
        check_report(check, 267, check_below(adapter), &at, "type %u, revision %u, size %u, or dependents, or a status",
                     block->Header.Type, block->Header.Revision, block->Header.Size);
        return;
    }
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (state->Length != lengths[i]) {
            check_report(check, 268, check_below(adapter), &at, "structure %u has Length %u", i + 1, state->Length, 0);
            return;
        }
        state = flue_state_next((OFFLOAD_STATE_HEADER *)(uintptr_t)state);
    }
}

/* What a reachability query asks for: the party above writes it before the call returns (CH-271). */
static ULONG *answer_of(const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block)
{
    OFFLOAD_STATE_HEADER *state = (OFFLOAD_STATE_HEADER *)((uintptr_t)block + sizeof *block);

    if (block->Header.Type != NeighborOffloadState || state->Length != sizeof(NEIGHBOR_OFFLOAD_STATE_CONST)) {
        return NULL;
    }
    state = flue_state_next(state);
    return &((NEIGHBOR_OFFLOAD_STATE_CACHED *)(void *)state)->HostReachabilityDelta;
}

static void ask_answer(const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block)
{
    ULONG *answer = answer_of(block);

    if (answer != NULL) {
        *answer = NO_ANSWER;
    }
}

/* CH-032: the block is the party's below all the time. */
static void check_source(struct check *check, const struct check_adapter *seen, NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block)
{
    const struct flue_hook *hook = list_first(&seen->adapter->bindings);
    const struct check_at at = {.adapter = seen->adapter, .thing = block, .kind = "block"};

    if (hook != NULL && block->SourceHandle != seen->event_source) {
        check_report(check, 32, check_above(FLUE_CONTAINER_OF(hook, const struct ndis_binding, hook)), &at,
                     "SourceHandle was changed in the block of an event", 0, 0, 0);
        block->SourceHandle = seen->event_source;
    }
}

static void check_answered(struct check *check, struct ndis_adapter *adapter,
                           const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block)
{
    const struct check_at at = {.adapter = adapter, .thing = block, .kind = "block"};
    ULONG *answer = answer_of(block);

    if (answer != NULL && *answer == NO_ANSWER) {
        *answer = 0;
        check_report(check, 271, FLUE_PARTY_HOST, &at, "a reachability query was not answered within the call", 0, 0,
                     0);
    }
}

bool check_generic_event(struct ndis_adapter *adapter, const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block, ULONG code)
{
    struct check *check = check_enter(adapter->ndis);
    const struct check_at at = {.adapter = adapter, .thing = block, .kind = "block"};
    struct check_adapter *seen;

    if (check == NULL) {
        return true;
    }
    if (code == NeighborReachabilityInDoubt) {
        check_report(check, 266, check_below(adapter), &at, "the in-doubt code is raised", 0, 0, 0);
    }
    if ((block != NULL) != (code == NeighborReachabilityQuery)) {
        check_report(check, 265, check_below(adapter), &at, "code %u comes with the wrong block", code, 0, 0);
        check_refused(check);
        return false;
    }
    if (block != NULL && block->NextBlock != NULL) {
        check_report(check, 264, check_below(adapter), &at, "a generic event carries more than one block", 0, 0, 0);
        check_refused(check);
        return false;
    }
    if (block != NULL) {
        check_query_block(check, adapter, block);
        ask_answer(block);
    }
    seen = check_adapter_of(check, adapter);
    if (seen != NULL) {
        seen->in_generic_event++;
        seen->event_source = block == NULL ? NULL : block->SourceHandle;
    }
    return true;
}

void check_generic_event_done(struct ndis_adapter *adapter, const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block, ULONG code)
{
    struct check *check = check_enter(adapter->ndis);
    struct check_adapter *seen = check == NULL ? NULL : check_adapter_of(check, adapter);

    if (check != NULL && block != NULL && code == NeighborReachabilityQuery) {
        check_answered(check, adapter, block);
    }
    if (seen != NULL && block != NULL) {
        check_source(check, seen, (NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *)(uintptr_t)block);
    }
    if (seen != NULL && seen->in_generic_event > 0) {
        seen->in_generic_event--;
    }
}

void check_indicate_end(struct check *check)
{
    (void)check;
}
