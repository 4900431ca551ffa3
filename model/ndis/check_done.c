/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_done.c - rules of completed sends, receives, disconnects and forwards. */

#include "ndis/check_core.h"

static struct check_at at_nbl(const struct check_nbl *nbl)
{
    return (struct check_at){.binding = nbl->binding,
                             .object = nbl->conn == NULL ? NULL : nbl->conn->object,
                             .thing = nbl->nbl,
                             .kind = "list"};
}

static ULONG transferred(const NET_BUFFER_LIST *nbl)
{
    return (ULONG)(uintptr_t)NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred);
}

/* Whether a list was advanced by bytes, and no MDL was freed. */
static bool is_advanced(const struct check_nbl *nbl, uint64_t bytes)
{
    const NET_BUFFER *nb = nbl->nbl->FirstNetBuffer;

    if (nb == NULL || nbl->bytes - ndis_nbl_bytes(nbl->nbl) != bytes) {
        return false;
    }
    for (const MDL *mdl = nb->MdlChain; mdl != NULL; mdl = mdl->Next) {
        if (mdl == nbl->mdl) {
            return true; /* where its data began is still there */
        }
    }
    return false;
}

/* The next bytes of the stream were handed up. */
static void judge_delivered(struct check *check, struct check_conn *conn, const NET_BUFFER *nb, ULONG bytes,
                            unsigned rule)
{
    const struct check_at at = {.binding = conn->object->binding, .object = conn->object};
    struct ndis_spans spans = ndis_spans_of_chain(nb, nb->DataOffset - bytes, bytes);
    struct check_flow *flow = &conn->flow;
    struct flue_span span;

    while (ndis_spans_next(&spans, &span)) {
        if (span.memory != NULL) {
            flow->has_next = false;
            continue;
        }
        if (flow->has_next && (span.stream != flow->stream || span.offset_bytes != flow->next_offset)) {
            check_report(check, conn->delivered_bytes < conn->buffered_bytes ? 77 : rule,
                         check_below(conn->object->adapter), &at,
                         "bytes from %u of stream %u are delivered, %u was next", span.offset_bytes, span.stream,
                         flow->next_offset);
        }
        flow->has_next = true;
        flow->stream = span.stream;
        flow->next_offset = span.offset_bytes + span.length_bytes;
    }
    conn->delivered_bytes += bytes;
}

/* ---- Why something failed ---- */

static bool was_aborted(const struct check_conn *conn)
{
    return conn->abort_indicated || conn->abortive_asked || conn->rst_seen || conn->hardware_failed ||
           conn->flow.hardware;
}

/* A driver without memory for a send has everything behind it uploaded (CH-339). */
static bool is_uploading(const struct check_conn *conn)
{
    return conn->retrieve_reason != 0 || conn->uploading || conn->object->state == CHECK_TERMINATING;
}

/* CH-142: a target without memory asks for an upload, and does not fail what it was given. */
static bool is_starved(struct check *check, const struct check_nbl *nbl, NDIS_STATUS status)
{
    const struct check_at at = at_nbl(nbl);

    if (status != NDIS_STATUS_RESOURCES || is_uploading(nbl->conn) || check_below(nbl->adapter) != FLUE_PARTY_TARGET) {
        return false;
    }
    check_report(check, 142, FLUE_PARTY_TARGET, &at, "it completes with %t, and no Retrieve asked for an upload",
                 (uint64_t)status, 0, 0);
    return true;
}

static void check_cause(struct check *check, const struct check_nbl *nbl, NDIS_STATUS status, unsigned upload,
                        unsigned aborted, unsigned other)
{
    const struct check_at at = at_nbl(nbl);
    const enum flue_party below = check_below(nbl->adapter);

    if (status == NDIS_STATUS_UPLOAD_IN_PROGRESS) {
        if (!is_uploading(nbl->conn)) {
            check_report(check, upload, below, &at, "UPLOAD_IN_PROGRESS, and nobody asked for an upload", 0, 0, 0);
        }
    } else if (status == NDIS_STATUS_REQUEST_ABORTED) {
        if (!was_aborted(nbl->conn)) {
            check_report(check, aborted, below, &at, "REQUEST_ABORTED, and nothing has aborted the connection", 0, 0,
                         0);
        }
    } else if (status != NDIS_STATUS_SUCCESS && !is_starved(check, nbl, status)) {
        check_report(check, other, below, &at, "it completes with %t", (uint64_t)status, 0, 0);
    }
}

/* What was posted after a mandatory Retrieve. */
static void check_late_upload(struct check *check, const struct check_nbl *nbl, NDIS_STATUS status)
{
    const struct check_at at = at_nbl(nbl);

    if ((nbl->flags & (CHECK_LATE_UPLOAD | CHECK_LATE_ABORT | CHECK_LATE_DISCONNECT)) == CHECK_LATE_UPLOAD &&
        status == NDIS_STATUS_SUCCESS) {
        check_report(check, 141, check_below(nbl->adapter), &at,
                     "it was posted after a mandatory Retrieve and completes with %t", (uint64_t)status, 0, 0);
    }
}

/* ---- Sends ---- */

static void check_acknowledged(struct check *check, const struct check_nbl *nbl, NDIS_STATUS status, ULONG bytes,
                               unsigned success, unsigned reported)
{
    const struct check_conn *conn = nbl->conn;
    const struct check_at at = at_nbl(nbl);
    const uint32_t end = conn->delegated.SndUna + (uint32_t)nbl->position + bytes;

    if (!check->frames || !conn->flow.taken || bytes == 0 || !check_before(conn->line.acked, end)) {
        return;
    }
    check_report(check, status == NDIS_STATUS_SUCCESS ? success : reported, check_below(nbl->adapter), &at,
                 "%u bytes are reported up to sequence number %u, the peer has acknowledged up to %u", bytes, end,
                 conn->line.acked);
}

static void send_done(struct check *check, struct check_nbl *nbl)
{
    struct check_conn *conn = nbl->conn;
    const NDIS_STATUS status = nbl->nbl->Status;
    const ULONG bytes = transferred(nbl->nbl);
    const struct check_at at = at_nbl(nbl);
    const enum flue_party below = check_below(nbl->adapter);

    if (nbl->origin == CHECK_SEND && status == nbl->status) {
        check_report(check, 167, below, &at, "no status was written", 0, 0, 0);
        return;
    }
    if (status == NDIS_STATUS_REQUEST_UPLOAD || status == NDIS_STATUS_UPLOAD_REQUESTED) {
        conn->uploading = true;
        if (below == FLUE_PARTY_TARGET) {
            check_report(check, 174, below, &at, "it completes with %t", (uint64_t)status, 0, 0);
        }
    } else {
        check_cause(check, nbl, status, 168, 169, 158);
    }
    if (bytes > nbl->bytes || (status == NDIS_STATUS_SUCCESS && bytes != nbl->bytes)) {
        check_report(check, status == NDIS_STATUS_SUCCESS ? 166 : 172, below, &at,
                     "%u of %u bytes are reported with %t", bytes, nbl->bytes, (uint64_t)status);
    } else {
        check_acknowledged(check, nbl, status, bytes, 166, 172);
    }
    if (!is_advanced(nbl, bytes)) {
        check_report(check, 173, below, &at, "%u bytes are reported, and the data start moved by %u", bytes,
                     nbl->bytes - ndis_nbl_bytes(nbl->nbl), 0);
    }
    check_late_upload(check, nbl, status);
    if (conn->flow.send_failure != NDIS_STATUS_SUCCESS) {
        if (status == NDIS_STATUS_SUCCESS) {
            check_report(check, 170, below, &at, "it succeeds after one has failed with %t",
                         (uint64_t)conn->flow.send_failure, 0, 0);
        } else if (bytes > 0) {
            check_report(check, 171, below, &at, "%u bytes of it were sent, though one before it failed", bytes, 0, 0);
        }
    } else if (status != NDIS_STATUS_SUCCESS) {
        conn->flow.send_failure = status;
    }
    conn->acked_bytes += bytes;
}

/* ---- Receives ---- */

static bool is_receive_status(NDIS_STATUS status)
{
    return status == NDIS_STATUS_SUCCESS || status == NDIS_STATUS_REQUEST_ABORTED ||
           status == NDIS_STATUS_UPLOAD_IN_PROGRESS || status == NDIS_STATUS_INVALID_STATE;
}

static void check_receive_status(struct check *check, const struct check_nbl *nbl, NDIS_STATUS status, ULONG bytes)
{
    const struct check_conn *conn = nbl->conn;
    const struct check_at at = at_nbl(nbl);
    const enum flue_party below = check_below(nbl->adapter);

    if (is_starved(check, nbl, status)) {
        /* has been reported */
    } else if (!is_receive_status(status)) {
        check_report(check, 195, below, &at, "it completes with %t", (uint64_t)status, 0, 0);
    } else if (status == NDIS_STATUS_INVALID_STATE && !conn->disconnect_indicated) {
        check_report(check, 195, below, &at, "INVALID_STATE, and the end of the stream was not indicated", 0, 0, 0);
    } else if ((nbl->flags & CHECK_LATE_DISCONNECT) != 0 && status != NDIS_STATUS_INVALID_STATE &&
               !(status == NDIS_STATUS_REQUEST_ABORTED && was_aborted(conn))) {
        check_report(check, 196, below, &at, "posted after the end of the stream was indicated, it completes with %t",
                     (uint64_t)status, 0, 0);
    }
    check_late_upload(check, nbl, status);
    if (bytes > 0 && conn->flow.short_success) {
        check_report(check, 189, below, &at, "%u bytes follow a non-push receive that succeeded before it was full",
                     bytes, 0, 0);
    }
}

static void receive_done(struct check *check, struct check_nbl *nbl)
{
    struct check_conn *conn = nbl->conn;
    const struct check_at at = at_nbl(nbl);
    const enum flue_party below = check_below(nbl->adapter);
    const NDIS_STATUS status = nbl->nbl->Status;
    const ULONG bytes = transferred(nbl->nbl);

    if (list_first(&conn->receives) != &nbl->hook) {
        check_report(check, 181, below, &at, "it is completed before one that was posted earlier", 0, 0, 0);
    }
    if (conn->silent || !conn->flow.taken) {
        check_report(check, 56, below, &at, "a receive completes before the completion of the initiate has returned", 0,
                     0, 0);
    }
    check_receive_status(check, nbl, status, bytes);
    if (nbl->bytes == 0 && bytes > 0) {
        check_report(check, 207, below, &at, "a zero-byte receive reports %u bytes", bytes, 0, 0);
        return;
    }
    if (bytes > nbl->bytes) {
        check_report(check, 197, below, &at, "%u bytes are reported in a buffer of %u", bytes, nbl->bytes, 0);
        return;
    }
    if (!is_advanced(nbl, bytes)) {
        check_report(check, 198, below, &at, "%u bytes are reported, and the data start moved by %u", bytes,
                     nbl->bytes - ndis_nbl_bytes(nbl->nbl), 0);
        return;
    }
    if (ndis_nbl_filled_bytes(nbl->nbl) != bytes &&
        NET_BUFFER_LIST_INFO(nbl->nbl, TcpReceiveBytesTransferred) == NULL && nbl->nbl->NdisPoolHandle != NULL) {
        check_report(check, 197, below, &at, "%u bytes are reported, %u were placed", bytes,
                     ndis_nbl_filled_bytes(nbl->nbl), 0);
        return;
    }
    if (bytes > 0) {
        judge_delivered(check, conn, nbl->nbl->FirstNetBuffer, bytes, 180);
    }
    if (check->frames && bytes > 0 &&
        check_before(conn->line.came_high, conn->flow.rcv_start + (uint32_t)conn->delivered_bytes)) {
        check_report(check, 194, below, &at, "%u bytes are delivered in all, fewer have come in", conn->delivered_bytes,
                     0, 0);
    }
    conn->flow.short_success |= status == NDIS_STATUS_SUCCESS && (nbl->flags & 1u) != 0 && bytes < nbl->bytes;
}

/* ---- Disconnects and forwards ---- */

static void disconnect_done(struct check *check, struct check_nbl *nbl)
{
    struct check_conn *conn = nbl->conn;
    const struct check_at at = at_nbl(nbl);
    const enum flue_party below = check_below(nbl->adapter);
    const NDIS_STATUS status = nbl->nbl->Status;
    const ULONG bytes = transferred(nbl->nbl);
    const bool graceful = (nbl->flags & TCP_DISCONNECT_GRACEFUL_CLOSE) != 0;

    check_cause(check, nbl, status, 235, 235, graceful ? 230 : 235);
    if (status != NDIS_STATUS_UPLOAD_IN_PROGRESS && !list_empty(&conn->sends)) {
        check_report(check, graceful ? 228 : 223, below, &at, "earlier sends are not completed", 0, 0, 0);
    }
    if (status != NDIS_STATUS_SUCCESS) {
        conn->flow.disconnect_failed |= nbl->flags & 3u;
    }
    conn->disconnected |= status == NDIS_STATUS_SUCCESS;
    conn->disconnected_ps = check->env->now(check->env->ctx);
    if (!graceful) {
        if (status == NDIS_STATUS_SUCCESS && check->frames && !conn->line.rst_left) {
            check_report(check, 231, below, &at, "it succeeds, and no RST has left", 0, 0, 0);
        }
        conn->closed |= conn->disconnected;
        return;
    }
    if (bytes > nbl->bytes || (status == NDIS_STATUS_SUCCESS && bytes != nbl->bytes)) {
        check_report(check, 232, below, &at, "%u of %u bytes are reported with %t", bytes, nbl->bytes,
                     (uint64_t)status);
    } else {
        check_acknowledged(check, nbl, status, bytes, 229, 232);
    }
    conn->disconnect_left_bytes = nbl->bytes > bytes ? nbl->bytes - bytes : 0;
    if (!is_advanced(nbl, bytes)) {
        check_report(check, 233, below, &at, "%u bytes are reported, and the data start moved by %u", bytes,
                     nbl->bytes - ndis_nbl_bytes(nbl->nbl), 0);
    }
    if (status == NDIS_STATUS_SUCCESS && check->frames && conn->flow.taken &&
        check_before(conn->line.acked, conn->line.data_end + 1)) {
        check_report(check, 229, below, &at, "it succeeds, and the peer has acknowledged up to %u, not the FIN at %u",
                     conn->line.acked, conn->line.data_end, 0);
    }
}

static void forward_done(struct check *check, struct check_nbl *nbl)
{
    const struct check_at at = at_nbl(nbl);

    if (nbl->nbl->Status == nbl->status) {
        check_report(check, 246, check_below(nbl->adapter), &at, "no status was written", 0, 0, 0);
    }
}

/* ---- A chain of completions ---- */

static bool fits(const struct check_nbl *nbl, enum ndis_request request)
{
    switch (request) {
    case NDIS_SEND:
        return nbl->origin == CHECK_SEND || nbl->origin == CHECK_INHERITED;
    case NDIS_RECEIVE:
        return nbl->origin == CHECK_RECEIVE;
    case NDIS_DISCONNECT:
        return nbl->origin == CHECK_DISCONNECT;
    case NDIS_FORWARD:
        return nbl->origin == CHECK_FORWARD;
    case NDIS_REQUESTS:
        break;
    }
    return false;
}

static void done(struct check *check, enum ndis_request request, struct check_nbl *nbl)
{
    switch (request) {
    case NDIS_SEND:
        send_done(check, nbl);
        break;
    case NDIS_RECEIVE:
        receive_done(check, nbl);
        nbl->conn->flow.completion = check->crossing;
        break;
    case NDIS_DISCONNECT:
        disconnect_done(check, nbl);
        break;
    case NDIS_FORWARD:
        forward_done(check, nbl);
        break;
    case NDIS_REQUESTS:
        break;
    }
}

/* Its terminate has completed without it (CH-118): the host has no place for what it may hold. */
static bool is_late(const struct check_nbl *lent)
{
    return lent->origin == CHECK_RECEIVE && lent->conn == NULL;
}

/* Its lists are looked at one by one, each after it has been found: what is not lent may be no list any more, and the
 * chain ends before it. */
PNET_BUFFER_LIST check_data_up(struct ndis_adapter *adapter, enum ndis_request request, PNET_BUFFER_LIST first)
{
    static const unsigned strangers[NDIS_REQUESTS] = {121, 182, 234, 240};
    struct check *check = check_enter(adapter->ndis);
    struct check_adapter *seen = check == NULL ? NULL : check_adapter_of(check, adapter);
    PNET_BUFFER_LIST *link = &first;

    if (seen == NULL) {
        return first;
    }
    if (request == NDIS_RECEIVE && seen->completing != 0) {
        const struct check_at at = {.adapter = adapter, .thing = first, .kind = "list"};

        check_report(check, 193, check_below(adapter), &at, "a receive completion begins inside another one", 0, 0, 0);
    }
    while (*link != NULL) {
        PNET_BUFFER_LIST nbl = *link;
        struct check_nbl *lent = check_nbl_find(check, nbl, adapter);
        const struct check_at at = {.adapter = adapter, .thing = nbl, .kind = "list"};

        if (lent == NULL || !fits(lent, request) || is_late(lent)) {
            /* A driver passes each completion on once (CH-325). */
            check_report(check, check_below(adapter) == FLUE_PARTY_DRIVER ? 325 : strangers[request],
                         check_below(adapter), &at,
                         lent != NULL && is_late(lent) ? "a posted receive is completed after its connection has gone"
                                                       : "a list is completed that is not lent for this",
                         0, 0, 0);
            check_refused(check);
            *link = lent == NULL ? NULL : nbl->Next;
            continue;
        }
        check_power_completed(check, adapter, nbl);
        if (request == NDIS_DISCONNECT && nbl->Next != NULL) {
            check_report(check, 234, check_below(adapter), &at,
                         "a disconnect completion carries more than its own list", 0, 0, 0);
        }
        if (lent->conn != NULL) {
            done(check, request, lent);
        }
        check_nbl_forget(check, lent);
        link = &nbl->Next;
    }
    if (request == NDIS_RECEIVE) {
        seen->completing = check->crossing;
    }
    return first;
}

void check_data_completed(struct ndis_adapter *adapter, enum ndis_request request)
{
    struct check *check = check_enter(adapter->ndis);
    struct check_adapter *seen = check == NULL ? NULL : check_adapter_of(check, adapter);

    if (seen != NULL && request == NDIS_RECEIVE) {
        seen->completing = 0;
    }
}
