/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_wire.c - rules that show in the frames of the wire.
 *
 * Frames leave later than the call that caused them: the adapter has a transmit ring, in which frames of the host may
 * stand that it built before the hand-over.  So a frame is held against the party below only if it must have made it:
 * it bears an IP identification of the target's half (CH-287), or acknowledges what came after the host had stopped.
 * What must not happen after some moment is judged by what a frame knows: an ACK of bytes that came later. */

#include "ndis/check_core.h"

#include "flue/wire.h"

#define TARGET_IDS 0x8000u             /* lowest IP identification of a target */
#define LAG_BYTES  (UINT32_C(1) << 30) /* what is older than this is not looked back at */

static uint32_t later(uint32_t a, uint32_t b)
{
    return check_before(a, b) ? b : a;
}

static void begin(struct check_conn *conn)
{
    struct check_line *line = &conn->line;

    if (line->begun) {
        return;
    }
    line->begun = true;
    line->acked = conn->delegated.SndUna;
    line->came_high = conn->delegated.RcvNxt;
    line->ack_high = conn->delegated.RcvNxt;
    line->sent_high = conn->delegated.SndUna;
    line->data_end = conn->delegated.SndUna;
    line->snd_una = conn->delegated.SndUna;
    line->rcv_nxt = conn->delegated.RcvNxt;
    line->stamps = (conn->constant.Flags & TCP_FLAG_TIMESTAMP_ENABLED) != 0;
    line->sacks = (conn->constant.Flags & TCP_FLAG_SACK_ENABLED) != 0;
    line->scale = (conn->constant.Flags & TCP_FLAG_WINDOW_SCALING_ENABLED) != 0 ? conn->constant.RcvWindScale : 0;
}

/* ---- What the calls tell ---- */

/* Send data of a described stream lies at fixed sequence numbers; what does not fit together is not looked at. */
static void map_out(struct check_line *line, uint32_t seq, const NET_BUFFER_LIST *nbl)
{
    for (const NET_BUFFER *nb = nbl->FirstNetBuffer; nb != NULL; nb = nb->Next) {
        struct ndis_spans spans = ndis_spans_of_data(nb);
        struct flue_span span;

        while (ndis_spans_next(&spans, &span)) {
            const uint32_t delta = (uint32_t)span.offset_bytes - seq;

            if (span.memory != NULL ||
                (line->has_out && (delta != line->out_delta || span.stream != line->out_stream))) {
                line->no_out = true;
            }
            line->has_out = true;
            line->out_delta = delta;
            line->out_stream = span.stream;
            seq += span.length_bytes;
        }
    }
}

/* Behind the last byte of what was handed over with the connection. */
static uint32_t inherited_end(const struct check_conn *conn)
{
    uint32_t seq = conn->delegated.SndUna;

    FLUE_LIST_EACH(hook, &conn->sends)
    {
        const struct check_nbl *nbl = FLUE_CONTAINER_OF(hook, struct check_nbl, hook);

        if (nbl->origin == CHECK_INHERITED) {
            seq += (uint32_t)nbl->bytes;
        }
    }
    return seq;
}

void check_line_taken(struct check *check, struct check_conn *conn)
{
    const TCP_OFFLOAD_CONNECTION_STATE state = conn->delegated.State;

    begin(conn);
    conn->line.taken = true;
    conn->line.since_ps = check->env->now(check->env->ctx);
    conn->line.fin_before =
        state == TcpConnectionCloseWait || state == TcpConnectionClosing || state == TcpConnectionLastAck;
    conn->line.fin_left |= state == TcpConnectionFinWait1 || state == TcpConnectionFinWait2 ||
                           state == TcpConnectionClosing || state == TcpConnectionLastAck;
    conn->line.fin_first |= state == TcpConnectionFinWait1 || state == TcpConnectionFinWait2;
    conn->line.data_end = inherited_end(conn);
}

void check_line_gives(struct check_conn *conn, const NET_BUFFER_LIST *nbl)
{
    begin(conn);
    map_out(&conn->line, conn->line.data_end, nbl);
    conn->line.data_end += (uint32_t)ndis_nbl_bytes(nbl);
}

void check_line_freeze(struct check_conn *conn)
{
    begin(conn);
    if (!conn->line.frozen) {
        conn->line.frozen = true;
        conn->line.frozen_high = later(conn->line.came_high, conn->line.ack_high);
    }
}

void check_line_returned(struct check *check, const struct check_conn *conn, const TCP_OFFLOAD_STATE_DELEGATED *state)
{
    const struct check_at at = {.binding = conn->object->binding, .object = conn->object};
    const struct check_line *line = &conn->line;
    const enum flue_party below = check_below(conn->object->adapter);

    if (!check->frames) {
        return;
    }
    if (check_before(state->RcvNxt, line->ack_high)) {
        check_report(check, 131, below, &at, "RcvNxt is returned as %u, and %u was acknowledged", state->RcvNxt,
                     line->ack_high, 0);
    } else if (check_before(line->acked, state->SndUna)) {
        check_report(check, 131, below, &at, "SndUna is returned as %u, and the peer has acknowledged up to %u",
                     state->SndUna, line->acked, 0);
    } else if (check_before(state->SndMax, line->sent_high)) {
        check_report(check, 131, below, &at, "SndMax is returned as %u, and %u was sent", state->SndMax,
                     line->sent_high, 0);
    }
}

/* ---- Frames that come ---- */

/* What comes before the completion of the initiate is judged by what was handed over. */
static uint32_t delivered_up_to(const struct check_conn *conn)
{
    return conn->flow.taken ? conn->flow.rcv_start + (uint32_t)conn->delivered_bytes : conn->delegated.RcvNxt;
}

static void came(struct check_conn *conn, const struct flue_frame *frame)
{
    struct check_line *line = &conn->line;
    const uint32_t end = frame->seq + frame->payload.length_bytes;
    uint32_t most;

    begin(conn);
    most = (conn->flow.taken ? line->data_end : inherited_end(conn)) + 1; /* with a FIN; beyond that it is forged */
    if ((frame->flags & FLUE_TCP_ACK) != 0 && !check_before(most, frame->ack)) {
        line->acked = later(line->acked, frame->ack);
    }
    if ((frame->flags & FLUE_TCP_RST) != 0) {
        line->rst_came = true;
        conn->rst_seen = true;
        return;
    }
    if ((frame->flags & FLUE_TCP_SYN) != 0) {
        return;
    }
    if ((frame->flags & FLUE_TCP_URG) != 0 && frame->payload.length_bytes > 0 && !line->has_urgent &&
        !check_before(frame->seq, line->came_high)) {
        line->has_urgent = true;
        line->urgent_seq = frame->seq;
    }
    if (end - line->ack_high <= LAG_BYTES) { /* no window is larger: what lies beyond is forged (RFC 7323 2.2) */
        line->came_high = later(line->came_high, end);
    }
    /* Of several the lowest that can be true: a forged one makes no rule stricter. */
    if ((frame->flags & FLUE_TCP_FIN) != 0 && !check_before(end, delivered_up_to(conn))) {
        line->fin_seq = line->fin_came && check_before(line->fin_seq, end) ? line->fin_seq : end;
        line->fin_high = line->fin_came ? later(line->fin_high, end) : end;
        line->fin_came = true;
        conn->fin_seen = true;
    }
}

void check_line_forward(struct check_conn *conn, const struct flue_frame *frame)
{
    came(conn, frame);
}

/* ---- Frames that leave ---- */

static bool has_target_id(const struct flue_frame *frame)
{
    return frame->ethertype == FLUE_ETHERTYPE_IPV4 && frame->ip_id >= TARGET_IDS;
}

static bool is_of_target(const struct check_conn *conn, const struct flue_frame *frame)
{
    if (!conn->line.taken || check_below(conn->binding->adapter) != FLUE_PARTY_TARGET) {
        return false;
    }
    return has_target_id(frame) || ((frame->flags & FLUE_TCP_ACK) != 0 && check_before(conn->line.rcv_nxt, frame->ack));
}

static void check_rst(struct check *check, const struct check_conn *conn, const struct check_at *at)
{
    if (!conn->abortive_asked) {
        check_report(check, 222, FLUE_PARTY_TARGET, at, "an RST leaves, and no abortive disconnect was asked for", 0, 0,
                     0);
    } else if (!conn->line.rst_left && check_closing_waits(check, conn)) {
        check_report(check, 224, FLUE_PARTY_TARGET, at,
                     "the RST leaves %u ms after it was asked for, when an indication was in flight",
                     (uint64_t)((check->env->now(check->env->ctx) - conn->abort_ps) / FLUE_PS_PER_MS), 0, 0);
    }
}

static void check_stop(struct check *check, struct check_conn *conn, const struct flue_frame *frame,
                       const struct check_at *at)
{
    const struct check_line *line = &conn->line;
    /* A FIN counts one.  Which one is true is not known if several came, as when a repetition of bytes that have been
     * acknowledged, and not yet handed up, bears one. */
    const bool may_be_fin =
        line->fin_came && !check_before(frame->ack - 1, line->fin_seq) && !check_before(line->fin_high, frame->ack - 1);
    const uint32_t ack = may_be_fin ? frame->ack - 1 : frame->ack;

    if ((frame->flags & FLUE_TCP_ACK) == 0) {
        return;
    }
    if (line->frozen && check_before(line->frozen_high, ack)) {
        check_report(check, conn->abortive_asked && conn->retrieve_reason == 0 ? 225 : 259, FLUE_PARTY_TARGET, at,
                     "a segment acknowledges up to %u: bytes that came after %u, when processing had to stop", ack,
                     line->frozen_high, 0);
    }
    if (line->has_urgent && check_before(line->urgent_seq, ack)) {
        check_report(check, 285, FLUE_PARTY_TARGET, at, "urgent data at %u is acknowledged by %u", line->urgent_seq,
                     ack, 0);
    }
    if (check_before(line->came_high, ack)) {
        check_report(check, 136, FLUE_PARTY_TARGET, at, "a segment acknowledges up to %u, bytes came up to %u", ack,
                     line->came_high, 0);
    }
}

/* The first list of unfinished sends that holds these bytes of the stream; NULL: none. */
static const struct check_nbl *send_of(const struct check_conn *conn, uint32_t stream, uint64_t offset_bytes)
{
    FLUE_LIST_EACH(hook, &conn->sends)
    {
        const struct check_nbl *nbl = FLUE_CONTAINER_OF(hook, const struct check_nbl, hook);
        struct ndis_spans spans = ndis_spans_of_data(nbl->nbl->FirstNetBuffer);
        struct flue_span span;

        while (nbl->nbl->FirstNetBuffer != NULL && ndis_spans_next(&spans, &span)) {
            if (span.stream == stream && offset_bytes - span.offset_bytes < span.length_bytes) {
                return nbl;
            }
        }
    }
    return NULL;
}

/* CH-160: bytes that belong behind, or before, those of another call. */
static bool is_of_other_call(const struct check_conn *conn, const struct flue_frame *frame)
{
    const struct check_line *line = &conn->line;
    const uint64_t due =
        frame->payload.offset_bytes +
        (uint64_t)(int64_t)(int32_t)(frame->seq + line->out_delta - (uint32_t)frame->payload.offset_bytes);
    const struct check_nbl *is = send_of(conn, frame->payload.stream, frame->payload.offset_bytes);
    const struct check_nbl *should = send_of(conn, line->out_stream, due);

    return is != NULL && should != NULL && is != should;
}

static void check_data(struct check *check, struct check_conn *conn, const struct flue_frame *frame,
                       const struct check_at *at)
{
    struct check_line *line = &conn->line;
    const uint32_t end = frame->seq + frame->payload.length_bytes;
    const struct flue_span *span = &frame->payload;

    if (span->length_bytes > 0 && span->memory == NULL && line->has_out && !line->no_out &&
        !check_before(frame->seq, line->snd_una) &&
        (span->stream != line->out_stream || (uint32_t)span->offset_bytes - frame->seq != line->out_delta)) {
        check_report(check, is_of_other_call(conn, frame) ? 160 : 159, FLUE_PARTY_TARGET, at,
                     "the segment at %u carries bytes from %u of the stream, not %u", frame->seq, span->offset_bytes,
                     frame->seq + line->out_delta);
    }
    if ((frame->flags & FLUE_TCP_FIN) != 0 && conn->graceful_asked && check_before(end, line->data_end)) {
        check_report(check, 226, FLUE_PARTY_TARGET, at, "the FIN stands at %u, before data that ends at %u", end,
                     line->data_end, 0);
    }
    if ((frame->flags & FLUE_TCP_URG) != 0) {
        check_report(check, 165, FLUE_PARTY_TARGET, at, "urgent data is sent at %u", frame->seq, 0, 0);
    }
}

/* An object that was invalidated, in an operation that has completed (D-24). */
static bool is_invalid(const struct check_object *object)
{
    for (; object != NULL; object = object->parent) {
        if (object->invalid && object->pending[NDIS_INVALIDATE] == 0) {
            return true;
        }
        if (object->layer == FLUE_LAYER_PATH && object->pending[NDIS_UPDATE] > 0) {
            break; /* it may have another neighbour already: links change at the call (D-18) */
        }
    }
    return false;
}

static void check_invalid(struct check *check, const struct check_conn *conn, const struct flue_frame *frame,
                          const struct check_at *at)
{
    if (check->invalid == 0 || !is_invalid(conn->object) || (frame->flags & FLUE_TCP_RST) != 0) {
        return;
    }
    if (frame->payload.length_bytes > 0 || (frame->flags & (FLUE_TCP_SYN | FLUE_TCP_FIN)) != 0) {
        check_report(check, 106, FLUE_PARTY_TARGET, at, "%u bytes leave at %u after an invalidate has completed",
                     frame->payload.length_bytes, frame->seq, 0);
    } else if (check->ddi.invalidate_acks_none) {
        check_report(check, 107, FLUE_PARTY_TARGET, at, "an ACK leaves after an invalidate has completed", 0, 0, 0);
    }
}

static void check_options(struct check *check, struct check_conn *conn, const struct flue_frame *frame,
                          const struct check_at *at)
{
    struct check_line *line = &conn->line;
    const bool has = (frame->options & FLUE_OPT_TIMESTAMP) != 0;
    const bool wants = line->stamps;

    if (has != wants && (has || (frame->flags & FLUE_TCP_RST) == 0)) {
        check_report(check, wants ? 278 : 279, FLUE_PARTY_TARGET, at, "a segment at %u %u timestamp", frame->seq, has,
                     0);
    }
    if (has) {
        if (line->has_ts && check_before(frame->ts_val, line->ts)) {
            check_report(check, 289, FLUE_PARTY_TARGET, at, "a timestamp %u follows %u", frame->ts_val, line->ts, 0);
        }
        line->has_ts = true;
        line->ts = frame->ts_val;
    }
    if ((frame->options & FLUE_OPT_SACK) != 0 && !line->sacks) {
        check_report(check, 280, FLUE_PARTY_TARGET, at, "SACK blocks are sent without the flag", 0, 0, 0);
    }
}

static void check_window(struct check *check, struct check_conn *conn, const struct flue_frame *frame,
                         const struct check_at *at)
{
    struct check_line *line = &conn->line;
    const unsigned scale = line->scale;
    const uint32_t edge = frame->ack + ((uint32_t)frame->window << scale);

    if ((frame->flags & FLUE_TCP_ACK) == 0 || (frame->flags & FLUE_TCP_RST) != 0) {
        return;
    }
    if (line->has_edge && check_before(edge + (1u << scale), line->right_edge)) {
        check_report(check, 281, FLUE_PARTY_TARGET, at, "the window's right edge goes back from %u to %u",
                     line->right_edge, edge, 0);
    }
    line->has_edge = true;
    line->right_edge = edge;
}

static void check_source(struct check *check, const struct check_conn *conn, const struct flue_frame *frame,
                         const struct check_at *at)
{
    const uint64_t on_wire = check_mac(frame->src_mac);
    const struct check_object *path = on_wire == 0 ? NULL : conn->object->parent;
    const struct check_object *neighbour = path == NULL ? NULL : path->parent;
    uint64_t given;

    if (neighbour == NULL || neighbour->layer != FLUE_LAYER_NEIGHBOR) {
        return;
    }
    given = check_mac(neighbour->known.neighbor.source);
    if (given != 0 && given != on_wire) {
        check_report(check, 272, FLUE_PARTY_TARGET, at, "a frame has another source address than its neighbour object",
                     0, 0, 0);
    }
}

/* How far the party below has come.  The same frame counts in every layer, so the line of each goes on from where the
 * connection stands: serial comparison reaches 2^31 bytes, not back to the hand-over.  Frames of the host that leave
 * after it tell nothing new: what they bear, the hand-over has told.  That is all there is where no identification
 * tells them apart. */
static void follow(struct check_line *line, const struct flue_frame *frame, bool target)
{
    if (!target &&
        ((frame->flags & FLUE_TCP_RST) != 0 || (frame->ethertype == FLUE_ETHERTYPE_IPV4 && !has_target_id(frame)))) {
        return;
    }
    if ((frame->flags & FLUE_TCP_ACK) != 0) {
        line->ack_high = later(line->ack_high, frame->ack);
    }
    if (frame->payload.length_bytes > 0) {
        line->sent_high = later(line->sent_high, frame->seq + frame->payload.length_bytes);
    }
    if (line->ack_high - line->rcv_nxt > LAG_BYTES) {
        line->rcv_nxt = line->ack_high - LAG_BYTES;
    }
    if (line->sent_high - line->snd_una > LAG_BYTES) {
        line->snd_una = line->sent_high - LAG_BYTES;
    }
}

static void left(struct check *check, struct check_conn *conn, const struct flue_frame *frame)
{
    const struct check_at at = {.binding = conn->binding, .object = conn->object};
    bool target;

    begin(conn);
    target = is_of_target(conn, frame);
    if ((frame->flags & FLUE_TCP_RST) != 0) {
        if (target) {
            check_rst(check, conn, &at);
        }
        conn->line.rst_left = true;
    }
    if ((frame->flags & FLUE_TCP_FIN) != 0 && !conn->line.fin_left) {
        conn->line.fin_left = true;
        conn->line.fin_first = !conn->line.fin_came && !conn->line.fin_before;
    }
    if (!target) {
        follow(&conn->line, frame, false);
        return;
    }
    if (frame->ethertype == FLUE_ETHERTYPE_IPV4 && !has_target_id(frame)) {
        check_report(check, 287, FLUE_PARTY_TARGET, &at, "IP identification %x is of the host's half", frame->ip_id, 0,
                     0);
    }
    check_stop(check, conn, frame, &at);
    check_data(check, conn, frame, &at);
    check_invalid(check, conn, frame, &at);
    check_options(check, conn, frame, &at);
    check_window(check, conn, frame, &at);
    check_source(check, conn, frame, &at);
    if (frame->ethertype == FLUE_ETHERTYPE_IPV4 && frame->flow_label != 0) {
        check_report(check, 154, FLUE_PARTY_TARGET, &at, "an IPv4 frame has a flow label", 0, 0, 0);
    }
    follow(&conn->line, frame, true);
}

/* ---- The entry ---- */

/* The record of a layer. */
static struct check_conn *conn_of(const struct check *check, struct check_adapter *known,
                                  const struct flue_tcp_tuple *tuple)
{
    if (known->latest == NULL || !flue_tcp_tuple_equal(&known->latest->tuple, tuple)) {
        known->latest = check_conn_of_tuple(check, known->adapter, tuple);
    }
    return known->latest;
}

static void watch(struct check *check, const void *adapter, int outward, const struct flue_frame *frame)
{
    const struct flue_tcp_tuple tuple = outward != 0 ? (struct flue_tcp_tuple){.local_ip = frame->src_ip,
                                                                               .remote_ip = frame->dst_ip,
                                                                               .local_port = frame->src_port,
                                                                               .remote_port = frame->dst_port}
                                                     : (struct flue_tcp_tuple){.local_ip = frame->dst_ip,
                                                                               .remote_ip = frame->src_ip,
                                                                               .local_port = frame->dst_port,
                                                                               .remote_port = frame->src_port};

    /* Every layer has its own record of the connection. */
    FLUE_LIST_EACH(hook, &check->adapters)
    {
        struct check_adapter *known = FLUE_CONTAINER_OF(hook, struct check_adapter, hook);
        struct check_conn *conn;

        if (adapter != NULL && known->adapter != adapter && check_below(known->adapter) == FLUE_PARTY_TARGET) {
            continue;
        }
        conn = conn_of(check, known, &tuple);
        /* One that is no plain segment is noted once, by check_ways_foreign(). */
        if (outward == 0 && frame->ip == 0 &&
            (conn == NULL || conn->closed || conn->object->state == CHECK_TERMINATING)) {
            check_ways_came(check, known->adapter, conn, &tuple, frame);
        }
        if (conn == NULL) {
            continue;
        }
        conn->line.last_ps = check->env->now(check->env->ctx);
        if (outward != 0) {
            left(check, conn, frame);
        } else {
            if (conn->inherited.ties) {
                check_inherit_came(check, conn, frame);
            }
            came(conn, frame);
        }
    }
}

void flue_ndis_check_frame(struct flue_ndis *ndis, void *adapter, int outward, const struct flue_frame *frame,
                           flue_ps now_ps)
{
    struct check *check = check_enter(ndis);

    (void)now_ps;
    if (check == NULL) {
        return;
    }
    check->frames = true;
    /* In a node that has nothing offloaded there is nobody to hold a frame against. */
    if (frame->kind == FLUE_FRAME_TCP && check->tuple_table.count + check->ways.former_count > 0) {
        watch(check, adapter, outward, frame);
    }
    if (outward == 0 && (frame->kind != FLUE_FRAME_TCP || frame->ip != 0) && adapter != NULL) {
        check_ways_foreign(check, (struct ndis_adapter *)adapter, frame);
    }
}

void check_wire_end(struct check *check)
{
    (void)check;
}
