/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_data.c - rules of the data requests on their way down, of receive return, and of what a hand-over leaves.
 */

#include "ndis/check_core.h"

#define SENTINEL ((NDIS_STATUS)0x7F10E5E1) /* no status has this value: who completes a list has to write one */

static struct check_at at_conn(const struct check_conn *conn)
{
    return (struct check_at){.binding = conn->object->binding, .object = conn->object};
}

static struct check_at at_list(const struct check_conn *conn, const NET_BUFFER_LIST *nbl)
{
    return (struct check_at){.binding = conn->object->binding, .object = conn->object, .thing = nbl, .kind = "list"};
}

static bool is_single(const NET_BUFFER_LIST *nbl)
{
    return nbl->FirstNetBuffer != NULL && nbl->FirstNetBuffer->Next == NULL;
}

/* ---- Down: may this call be made at all? ---- */

static uint16_t *depth_of(struct check_conn *conn, enum ndis_request request)
{
    switch (request) {
    case NDIS_SEND:
        return &conn->in_send;
    case NDIS_RECEIVE:
        return &conn->in_receive;
    case NDIS_DISCONNECT:
        return &conn->in_disconnect;
    case NDIS_FORWARD:
    case NDIS_REQUESTS:
        break;
    }
    return &conn->in_forward;
}

static void check_overlap(struct check *check, const struct check_conn *conn, enum ndis_request request)
{
    const struct check_at at = at_conn(conn);
    const enum flue_party above = check_above(conn->object->binding);

    if (request == NDIS_SEND && conn->in_send > 0) {
        check_report(check, 161, above, &at, "a send call begins while another one of the connection runs", 0, 0, 0);
    }
    if (request == NDIS_RECEIVE && conn->in_receive > 0) {
        check_report(check, 178, above, &at, "a receive call begins while another one of the connection runs", 0, 0, 0);
    }
}

/* Whether the object is in a state that allows the request. */
static bool check_moment(struct check *check, const struct check_conn *conn)
{
    const struct check_at at = at_conn(conn);
    const enum flue_party above = check_above(conn->object->binding);

    if (conn->object->state == CHECK_OFFLOADING && !conn->flow.taken) {
        check_report(check, 55, above, &at, "a data request comes before the initiate has completed", 0, 0, 0);
        return false;
    }
    return true;
}

static void check_disconnect(struct check *check, const struct check_conn *conn, const NET_BUFFER_LIST *nbl,
                             ULONG flags)
{
    const struct check_at at = at_list(conn, nbl);
    const enum flue_party above = check_above(conn->object->binding);

    if (flags != TCP_DISCONNECT_GRACEFUL_CLOSE && flags != TCP_DISCONNECT_ABORTIVE_CLOSE) {
        check_report(check, 218, above, &at, "a disconnect has flags %x", flags, 0, 0);
    }
    if (nbl->Next != NULL || !is_single(nbl)) {
        check_report(check, 219, above, &at, "a disconnect has more than one list or buffer", 0, 0, 0);
    }
    if ((flags & TCP_DISCONNECT_ABORTIVE_CLOSE) != 0 && ndis_nbl_bytes(nbl) > 0) {
        check_report(check, 220, above, &at, "an abortive disconnect has %u bytes of data", ndis_nbl_bytes(nbl), 0, 0);
    }
    if ((conn->flow.disconnect_failed & flags) != 0) {
        check_report(check, 236, above, &at, "a disconnect that failed is asked for again", 0, 0, 0);
    }
}

static void check_segment(struct check *check, struct check_conn *conn, PNET_BUFFER_LIST nbl)
{
    const struct check_at at = at_list(conn, nbl);
    const enum flue_party above = check_above(conn->object->binding);
    const struct flue_frame *frame = ndis_nbl_frame(nbl);

    if (!is_single(nbl) || frame->kind != FLUE_FRAME_TCP) {
        check_report(check, 241, above, &at, "a forwarded list is not one whole TCP segment", 0, 0, 0);
        return;
    }
    if (conn->has_tuple && (frame->src_port != conn->tuple.remote_port || frame->dst_port != conn->tuple.local_port)) {
        check_report(check, 242, above, &at, "a forwarded segment has ports %u and %u, which are another connection's",
                     frame->src_port, frame->dst_port, 0);
        return;
    }
    check_line_forward(conn, frame);
}

/* What is the same for every list of a chain; false: it must not go down. */
static bool check_list(struct check *check, struct check_conn *conn, enum ndis_request request, PNET_BUFFER_LIST nbl,
                       ULONG flags)
{
    static const unsigned rules[NDIS_REQUESTS] = {41, 177, 219, 241};
    const struct check_at at = at_list(conn, nbl);
    const enum flue_party above = check_above(conn->object->binding);

    if (check_scribbled(check, &at, above, nbl)) {
        return false;
    }
    if (check_nbl_find(check, nbl, conn->object->adapter) != NULL) {
        check_report(check, rules[request], above, &at, "a list is lent that is lent already", 0, 0, 0);
        return false;
    }
    switch (request) {
    case NDIS_SEND:
        if (!is_single(nbl)) {
            check_report(check, 41, above, &at, "a list of send data has not one buffer", 0, 0, 0);
        }
        break;
    case NDIS_RECEIVE:
        if (!is_single(nbl)) {
            check_report(check, 177, above, &at, "a posted receive has not one buffer", 0, 0, 0);
        }
        break;
    case NDIS_DISCONNECT:
        check_disconnect(check, conn, nbl, flags);
        break;
    case NDIS_FORWARD:
        check_segment(check, conn, nbl);
        break;
    case NDIS_REQUESTS:
        break;
    }
    return true;
}

/* What the interface has told already when a request is posted (D-40). */
static ULONG late(const struct check_conn *conn)
{
    return (conn->abort_indicated || conn->abortive_asked ? (ULONG)CHECK_LATE_ABORT : 0u) |
           (conn->disconnect_indicated ? (ULONG)CHECK_LATE_DISCONNECT : 0u) |
           (conn->retrieve_reason != 0 ? (ULONG)CHECK_LATE_UPLOAD : 0u);
}

static void lend(struct check *check, struct check_conn *conn, enum ndis_request request, PNET_BUFFER_LIST nbl,
                 ULONG flags)
{
    static const enum check_origin origins[NDIS_REQUESTS] = {CHECK_SEND, CHECK_RECEIVE, CHECK_DISCONNECT,
                                                             CHECK_FORWARD};
    struct check_nbl *first = conn->disconnect;
    struct check_nbl *lent;

    if (request == NDIS_DISCONNECT && first != NULL) {
        first->conn = NULL; /* an abortive one overtakes it */
    }
    lent = check_nbl_lend(check, nbl, conn->object->binding, conn, origins[request]);
    if (lent == NULL) {
        return;
    }
    nbl->Status = SENTINEL;
    lent->status = SENTINEL;
    lent->fresh = true;
    lent->at_ps = check->env->now(check->env->ctx);
    lent->flags = late(conn);
    if (request == NDIS_SEND || (request == NDIS_DISCONNECT && (flags & TCP_DISCONNECT_GRACEFUL_CLOSE) != 0)) {
        lent->position = conn->sent_bytes;
        conn->sent_bytes += lent->bytes;
        check_line_gives(conn, nbl);
    }
    if (request == NDIS_RECEIVE) {
        lent->position = conn->room_bytes;
        conn->room_bytes += lent->bytes;
        lent->flags |= NET_BUFFER_LIST_INFO(nbl, TcpReceiveNoPush) != NULL ? 1u : 0u;
    }
    if (request == NDIS_DISCONNECT) {
        lent->flags |= flags;
    }
}

/* ---- Down: what comes after the terminate ---- */

/* The party below may hear it later than now, when it has completed the terminate and forgotten the connection.  So it
 * does not hear it, and N answers as it would (behaviour 11.4) when the terminate completes. */
static NDIS_STATUS withhold(struct check *check, struct check_conn *conn, enum ndis_request request,
                            PNET_BUFFER_LIST first, ULONG flags)
{
    static const enum check_origin origins[NDIS_REQUESTS] = {CHECK_SEND, CHECK_RECEIVE, CHECK_DISCONNECT,
                                                             CHECK_FORWARD};
    const struct check_at at = at_conn(conn);
    PNET_BUFFER_LIST *end = &conn->withheld[request];

    if (request == NDIS_FORWARD) {
        check_report(check, 244, check_above(conn->binding), &at,
                     "a segment is forwarded after the terminate was called", 0, 0, 0);
    } else {
        check_report(check, 116, check_above(conn->binding), &at, "a data request comes after the terminate was called",
                     0, 0, 0);
    }
    for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
        /* The wire's books are not told of a segment that stays here. */
        const bool sound = request == NDIS_FORWARD ? check_nbl_find(check, nbl, conn->binding->adapter) == NULL
                                                   : check_list(check, conn, request, nbl, flags);

        if (!sound || check_nbl_lend(check, nbl, conn->binding, NULL, origins[request]) == NULL) {
            return NDIS_STATUS_INVALID_STATE;
        }
        nbl->SourceHandle = conn->binding;
        nbl->Status = NDIS_STATUS_UPLOAD_IN_PROGRESS;
        NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = NULL;
    }
    while (*end != NULL) {
        end = &(*end)->Next;
    }
    *end = first;
    return NDIS_STATUS_PENDING;
}

static void give_back(struct check *check, struct ndis_binding *binding, enum ndis_request request,
                      PNET_BUFFER_LIST first)
{
    const NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS *up = &binding->protocol->tcp;

    for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
        struct check_nbl *lent = check_nbl_find(check, nbl, binding->adapter);

        if (lent != NULL && lent != &check->frame) {
            check_nbl_forget(check, lent);
        }
    }
    switch (request) {
    case NDIS_SEND:
        up->TcpOffloadSendCompleteHandler(binding->context, first);
        break;
    case NDIS_RECEIVE:
        up->TcpOffloadReceiveCompleteHandler(binding->context, first);
        break;
    case NDIS_DISCONNECT:
        up->TcpOffloadDisconnectCompleteHandler(binding->context, first);
        break;
    case NDIS_FORWARD:
        up->TcpOffloadForwardCompleteHandler(binding->context, first);
        break;
    case NDIS_REQUESTS:
        break;
    }
}

void check_data_withheld(struct ndis_adapter *adapter, const void *root)
{
    struct check *check = check_enter(adapter->ndis);
    struct check_tree *tree = check == NULL ? NULL : check_tree_find(check, root, adapter);

    for (uint32_t i = 0; tree != NULL && tree->operation == NDIS_TERMINATE && i < tree->count; i++) {
        struct check_conn *conn = tree->blocks[i].object == NULL ? NULL : tree->blocks[i].object->conn;

        for (unsigned request = 0; conn != NULL && request < NDIS_REQUESTS; request++) {
            PNET_BUFFER_LIST first = conn->withheld[request];

            conn->withheld[request] = NULL;
            if (first != NULL) {
                give_back(check, conn->binding, (enum ndis_request)request, first);
            }
        }
    }
}

NDIS_STATUS check_data_down(struct ndis_binding *binding, enum ndis_request request, PNDIS_OFFLOAD_HANDLE handle,
                            PNET_BUFFER_LIST first, ULONG flags)
{
    struct check *check = check_enter(binding->adapter->ndis);
    struct check_object *object;
    struct check_conn *conn;

    if (check == NULL) {
        return NDIS_STATUS_SUCCESS;
    }
    object = check_object_find(check, handle);
    if (object == NULL || object->conn == NULL) {
        const struct check_at at = {.binding = binding, .thing = handle, .kind = "handle"};

        check_report(check, 116, check_above(binding), &at, "a data request names no connection that is offloaded", 0,
                     0, 0);
        return NDIS_STATUS_INVALID_STATE;
    }
    conn = object->conn;
    if (!check_moment(check, conn)) {
        return NDIS_STATUS_INVALID_STATE;
    }
    if (conn->object->state == CHECK_TERMINATING) {
        return withhold(check, conn, request, first, flags);
    }
    check_overlap(check, conn, request);
    for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
        if (!check_list(check, conn, request, nbl, flags)) {
            return NDIS_STATUS_INVALID_STATE; /* lists before it stay booked: that they never come back is the host's
                                                 loss */
        }
        lend(check, conn, request, nbl, flags);
        if (check->blind || request == NDIS_DISCONNECT) {
            break;
        }
    }
    if (request == NDIS_RECEIVE) {
        conn->reject_latch = false;
    }
    conn->graceful_asked |= request == NDIS_DISCONNECT && (flags & TCP_DISCONNECT_GRACEFUL_CLOSE) != 0;
    if (request == NDIS_DISCONNECT && (flags & TCP_DISCONNECT_ABORTIVE_CLOSE) != 0 && !conn->abortive_asked) {
        conn->abortive_asked = true;
        check_closing_abort(check, conn);
        check_line_freeze(conn);
    }
    ++*depth_of(conn, request);
    return request != NDIS_DISCONNECT || first->Next == NULL ? NDIS_STATUS_SUCCESS : NDIS_STATUS_INVALID_STATE;
}

static void age(struct flue_hook *list)
{
    for (struct flue_hook *hook = list->prev; hook != list; hook = hook->prev) {
        struct check_nbl *nbl = FLUE_CONTAINER_OF(hook, struct check_nbl, hook);

        if (!nbl->fresh) {
            break;
        }
        nbl->fresh = false;
    }
}

void check_data_called(struct ndis_binding *binding, enum ndis_request request, PNDIS_OFFLOAD_HANDLE handle,
                       NDIS_STATUS answer)
{
    static const unsigned rules[NDIS_REQUESTS] = {156, 176, 217, 239};
    struct check *check = check_enter(binding->adapter->ndis);
    const struct check_object *object = check == NULL ? NULL : check_object_find(check, handle);
    struct check_conn *conn = object == NULL ? NULL : object->conn;

    if (conn == NULL) {
        return;
    }
    if (*depth_of(conn, request) > 0) {
        --*depth_of(conn, request);
    }
    age(request == NDIS_RECEIVE ? &conn->receives : request == NDIS_FORWARD ? &conn->forwards : &conn->sends);
    if (conn->disconnect != NULL) {
        conn->disconnect->fresh = false;
    }
    if (answer != NDIS_STATUS_PENDING) {
        const struct check_at at = at_conn(conn);

        check_report(check, rules[request], check_below(binding->adapter), &at, "the handler answers %t",
                     (uint64_t)answer, 0, 0);
    }
}

/* ---- Receive return ---- */

PNET_BUFFER_LIST check_receive_return(struct ndis_binding *binding, PNET_BUFFER_LIST first)
{
    struct check *check = check_enter(binding->adapter->ndis);
    struct check_adapter *adapter = check == NULL ? NULL : check_adapter_of(check, binding->adapter);
    const struct check_at at = {.binding = binding, .thing = first, .kind = "list"};
    PNET_BUFFER_LIST *link = &first;

    while (check != NULL && *link != NULL) {
        PNET_BUFFER_LIST nbl = *link;
        struct check_nbl *lent = check_nbl_find(check, nbl, binding->adapter);

        if (lent == NULL || lent->origin != CHECK_INDICATED) {
            check_report(check, 210, check_above(binding), &at, "a list is returned that the host does not hold", 0, 0,
                         0);
            *link = lent == NULL ? NULL : nbl->Next; /* what is not lent may be no list any more */
            continue;
        }
        if (adapter != NULL && lent->fresh) {
            adapter->indicated--;
        }
        check_nbl_forget(check, lent);
        link = &nbl->Next;
    }
    return first;
}

void check_receive_returned(struct ndis_binding *binding, NDIS_STATUS answer)
{
    struct check *check = check_enter(binding->adapter->ndis);
    const struct check_at at = {.binding = binding};

    if (check != NULL && answer != NDIS_STATUS_SUCCESS) {
        check_report(check, 211, check_below(binding->adapter), &at, "receive return answers %t", (uint64_t)answer, 0,
                     0);
    }
}

/* ---- A connection comes and goes ---- */

void check_data_taken(struct check *check, struct check_conn *conn)
{
    uint64_t inherited = 0;

    (void)check_adapter_of(check, conn->object->adapter);
    conn->flow.taken = true;
    conn->flow.rcv_start = conn->delegated.RcvNxt - (uint32_t)conn->buffered_bytes;
    conn->reject_latch |= conn->buffered_bytes > 0; /* D-45 */
    check_line_taken(check, conn);
    FLUE_LIST_EACH(hook, &conn->sends)
    {
        struct check_nbl *nbl = FLUE_CONTAINER_OF(hook, struct check_nbl, hook);

        if (nbl->origin == CHECK_INHERITED) {
            nbl->position = inherited;
            inherited += nbl->bytes;
        }
    }
    conn->sent_bytes = inherited;
    conn->line.data_end = conn->delegated.SndUna + (uint32_t)inherited;
}

void check_data_terminating(struct check *check, struct check_conn *conn)
{
    (void)check;
    (void)conn;
}

/* Every byte below RcvNxt was delivered, or is in BufferedData; a FIN counts one (CH-137). */
static void check_received(struct check *check, const struct check_conn *conn, const TCP_OFFLOAD_STATE_DELEGATED *state)
{
    const uint64_t buffered = ndis_chain_bytes(state->BufferedData);
    const uint32_t end = conn->flow.rcv_start + (uint32_t)(conn->delivered_bytes + buffered);
    const bool may_fin = conn->line.fin_came || conn->line.fin_before || !check->frames;
    const struct check_at at = at_conn(conn);

    if (state->RcvNxt != end && !(may_fin && state->RcvNxt == end + 1)) {
        /* CH-051: it was taken, and the data that the host had buffered is nowhere. */
        check_report(check, conn->delivered_bytes + buffered < conn->buffered_bytes ? 51 : 137,
                     check_below(conn->object->adapter), &at,
                     "RcvNxt is %u; what was delivered and what is buffered ends at %u", state->RcvNxt, end, 0);
        return;
    }
    for (const NET_BUFFER_LIST *nbl = state->BufferedData; nbl != NULL; nbl = NULL) {
        struct ndis_spans spans = ndis_spans_of_data(nbl->FirstNetBuffer);
        struct flue_span span;

        if (ndis_spans_next(&spans, &span) && span.memory == NULL && conn->flow.has_next &&
            (span.stream != conn->flow.stream || span.offset_bytes != conn->flow.next_offset)) {
            check_report(check, 137, check_below(conn->object->adapter), &at,
                         "BufferedData begins at byte %u of the stream, %u was next", span.offset_bytes,
                         conn->flow.next_offset, 0);
        }
    }
}

void check_data_terminated(struct check *check, struct check_conn *conn, const TCP_OFFLOAD_STATE_DELEGATED *delegated)
{
    if (delegated != NULL && !conn->flow.hardware && !conn->hardware_failed) {
        check_received(check, conn, delegated);
        check_line_returned(check, conn, delegated);
    }
    check_ways_ended(check, conn, delegated);
}

/* Nothing may be lent for ever. */
static void check_leaks(struct check *check, const struct check_conn *conn)
{
    const enum flue_party below = check_below(conn->object->adapter);
    const struct check_at at = at_conn(conn);

    if (!list_empty(&conn->sends)) {
        const struct check_nbl *kept = FLUE_CONTAINER_OF(list_first(&conn->sends), struct check_nbl, hook);

        check_report(check, kept->origin == CHECK_INHERITED ? 73 : 157, below, &at, "a send was never completed", 0, 0,
                     0);
    }
    if (!list_empty(&conn->receives)) {
        check_report(check, 182, below, &at, "a posted receive was never completed", 0, 0, 0);
    }
    if (!list_empty(&conn->forwards)) {
        check_report(check, 240, below, &at, "a forwarded segment was never completed", 0, 0, 0);
    }
    if (conn->abortive_asked && conn->disconnect != NULL && check->frames && !conn->line.rst_left &&
        !conn->line.rst_came) {
        check_report(check, check_closing_waits(check, conn) ? 224 : 221, below, &at,
                     "the connection was closed abortively, and no RST left", 0, 0, 0);
    }
}

void check_data_end(struct check *check)
{
    FLUE_LIST_EACH(hook, &check->objects)
    {
        const struct check_object *object = FLUE_CONTAINER_OF(hook, struct check_object, hook);
        const struct check_at at = {.binding = object->binding, .object = object};

        if (object->conn == NULL || object->state == CHECK_TERMINATING) {
            continue;
        }
        check->crossing++;
        check_leaks(check, object->conn);
        if (object->conn->abort_indicated) {
            check_report(check, 256, check_above(object->binding), &at, "it was reset, and was not terminated", 0, 0,
                         0);
        }
    }
    FLUE_LIST_EACH(hook, &check->adapters)
    {
        const struct check_adapter *adapter = FLUE_CONTAINER_OF(hook, struct check_adapter, hook);
        const struct check_at at = {.adapter = adapter->adapter, .thing = adapter->adapter, .kind = "adapter"};

        check->crossing++;
        if (adapter->indicated > 0) {
            check_report(check, 210, FLUE_PARTY_HOST, &at, "%u indicated lists were never returned", adapter->indicated,
                         0, 0);
        }
    }
}
