/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/image.c - the image of a connection: every field of flue/state.def, and the lists that hang on it, without loss.
 *
 * Moments are told as they are; the reader shifts them by the time that has passed on its clock since the image was
 * taken, so that a connection sleeps while it is an image. */
#include "base/image.h"
#include "tcp/conn.h"

#define PREFIX "tcp."

enum image_field {
#define FLUE_IMAGE(part, name, type, unit, where, told_as, after, since) FIELD_##name,
#include "flue/state.def"
    FIELD_TAKEN,
    FIELD_SEND_QUEUE,
    FIELD_REASSEMBLY,
    FIELD_RANGES,
    FIELD_REPORT,
    FIELDS
};

static const char *const field_names[FIELDS] = {
#define FLUE_IMAGE(part, name, type, unit, where, told_as, after, since) [FIELD_##name] = PREFIX #name,
#include "flue/state.def"
    [FIELD_TAKEN] = PREFIX "taken",           [FIELD_SEND_QUEUE] = PREFIX "send_queue",
    [FIELD_REASSEMBLY] = PREFIX "reassembly", [FIELD_RANGES] = PREFIX "sacked",
    [FIELD_REPORT] = PREFIX "sack_report",
};

enum { PIECE_BYTES = 4 + 4 + 8 + 4 + 1, RANGE_BYTES = 4 + 4, REPORT_BYTES = 8 + 2 + 4 * SACK_REPORT_RECENT };

/* Units of the def file that need care. */
enum unit {
    UNIT_address,
    UNIT_bytes,
    UNIT_ps,
    UNIT_at_ps,
    UNIT_label,
    UNIT_flags,
    UNIT_flag,
    UNIT_probes,
    UNIT_hops,
    UNIT_tos,
    UNIT_number,
    UNIT_priority,
    UNIT_port,
    UNIT_seq,
    UNIT_timestamp,
    UNIT_state,
    UNIT_segments,
    UNIT_mode,
    UNIT_doublings,
    UNIT_ticks,
    UNIT_hash,
    UNIT_count,
    UNIT_shift,
    UNIT_retransmits,
    UNIT_rounds,
    UNIT_acks,
    UNIT_recovery,
    UNIT_reason,
    UNIT_cubic_ticks,
    UNIT_fraction
};

static void put_pieces(struct image_writer *writer, const char *name, const struct piece *head)
{
    uint32_t count = 0;

    for (const struct piece *piece = head; piece != NULL; piece = piece->next) {
        count++;
    }
    image_put_start(writer, name, true, count * PIECE_BYTES);
    for (const struct piece *piece = head; piece != NULL; piece = piece->next) {
        image_put_more_u(writer, piece->seq, 4);
        image_put_more_u(writer, piece->span.stream, 4);
        image_put_more_u(writer, piece->span.offset_bytes, 8);
        image_put_more_u(writer, piece->span.length_bytes, 4);
        image_put_more_u(writer, piece->psh, 1);
    }
}

static void put_ranges(struct image_writer *writer, const struct scoreboard *board)
{
    image_put_start(writer, field_names[FIELD_RANGES], true, board->ranges * RANGE_BYTES);
    for (const struct sack_range *range = board->head; range != NULL; range = range->next) {
        image_put_more_u(writer, range->from, 4);
        image_put_more_u(writer, range->to, 4);
    }
}

static void put_report(struct image_writer *writer, const struct sack_report *report)
{
    image_put_start(writer, field_names[FIELD_REPORT], true, REPORT_BYTES);
    image_put_more_u(writer, report->dsack.from, 4);
    image_put_more_u(writer, report->dsack.to, 4);
    image_put_more_u(writer, report->dsack_due, 1);
    image_put_more_u(writer, report->recent_count, 1);
    for (unsigned i = 0; i < SACK_REPORT_RECENT; i++) {
        image_put_more_u(writer, i < report->recent_count ? report->recent[i].from : 0, 4);
    }
}

static bool has_memory(const struct piece *head)
{
    for (const struct piece *piece = head; piece != NULL; piece = piece->next) {
        if (piece->span.memory != NULL) {
            return true;
        }
    }
    return false;
}

flue_err flue_tcp_image_write(const struct flue_tcp_conn *conn, struct image_writer *writer, flue_ps now_ps)
{
    const struct tcp_path *path = conn->path;
    const struct flue_tcp_settings *settings = conn->settings;
    struct flue_tcp_conn copy = *conn;
    struct tcp_active under_way = *conn->active;
    const struct tcp_active *active = &under_way;
    const struct tcp_rare *rare = tcp_rare_of(conn);

    if (has_memory(active->queue.head) || has_memory(active->reassembly.head)) {
        return FLUE_EINVAL;
    }
    if (conn->state == FLUE_TCP_CLOSED || (conn->flags & (TCP_IMPORTING | TCP_EXPORTED)) != 0) {
        return FLUE_ESTATE;
    }
    copy.ts_offset += tcp_clock(conn->stack, now_ps);
    tcp_tell_active(conn, &under_way);
    if (!timer_fifo_armed(&conn->active->delayed_ack)) {
        under_way.delayed_ack.due_ps = FLUE_PS_NEVER;
    }
    image_put_u(writer, field_names[FIELD_TAKEN], true, (uint64_t)now_ps, 8);
    conn = &copy;
#define FLUE_IMAGE(part, name, type, unit, where, told_as, after, since)                                               \
    image_put_u(writer, field_names[FIELD_##name], true, (uint64_t)part->where, sizeof(type));
#include "flue/state.def"
    put_pieces(writer, field_names[FIELD_SEND_QUEUE], active->queue.head);
    put_pieces(writer, field_names[FIELD_REASSEMBLY], active->reassembly.head);
    put_ranges(writer, &active->board);
    put_report(writer, &active->report);
    return FLUE_OK;
}

/* What the records say, before there is a connection. */
struct parts {
    struct tcp_path path;
    struct flue_tcp_settings settings;
    struct flue_tcp_conn conn;
    struct tcp_active active;
    struct tcp_rare rare;
    flue_ps taken_ps;
    struct image_record lists[FIELDS - FIELD_SEND_QUEUE];
    bool seen[FIELDS];
};

static void read_field(struct image_reader *reader, const struct image_record *record, enum image_field field,
                       struct parts *parts)
{
    switch ((int)field) {
#define FLUE_IMAGE(part, name, type, unit, where, told_as, after, since)                                               \
    case FIELD_##name:                                                                                                 \
        parts->part.where = (type)image_get_u(reader, record, sizeof(type));                                           \
        break;
#include "flue/state.def"
    case FIELD_TAKEN:
        parts->taken_ps = image_get_i(reader, record, 8);
        break;
    case FIELD_SEND_QUEUE:
    case FIELD_REASSEMBLY:
    case FIELD_RANGES:
    case FIELD_REPORT:
        parts->lists[field - FIELD_SEND_QUEUE] = *record;
        break;
    }
    parts->seen[field] = true;
}

/* Records come in the order in which they are written; whoever wrote others between them is forgiven. */
static flue_err read_records(struct image_reader *reader, struct parts *parts)
{
    struct image_record record;
    unsigned next = 0;

    while (image_next(reader, &record)) {
        unsigned i = 0;

        if (!image_has_prefix(&record, PREFIX)) {
            continue;
        }
        while (i < FIELDS && !image_is(&record, field_names[(next + i) % FIELDS])) {
            i++;
        }
        if (i == FIELDS) {
            image_unknown(reader, &record);
        } else {
            read_field(reader, &record, (enum image_field)((next + i) % FIELDS), parts);
            next = (next + i + 1) % FIELDS;
        }
    }
    for (unsigned i = 0; i < FIELDS && !image_reader_failed(reader); i++) {
        if (!parts->seen[i]) {
            (void)image_reader_fail(reader, "a field is missing", field_names[i]);
        }
    }
    return image_reader_failed(reader) ? FLUE_EPARSE : FLUE_OK;
}

/* Times of the stack's own are a week at most (tcp/params.c); and so is every timeout, and what a round trip took. */
#define LONG_PS (7 * 24 * 3600 * FLUE_PS_PER_S)
/* So far a connection may be ahead of its stack: its segments leave one after the other. */
#define AHEAD_PS (4 * FLUE_PS_PER_S)
/* What would lie further back than this before a stack's time 0 is moved there: that is longer ago than the engine
 * looks back (RFC 7323 5.5: 24 days), and the time since then can still be reckoned. */
#define FIRST_PS (-(FLUE_PS_NEVER / 4))
/* CUBIC's curve ends there (tcp/cc_cubic.c). */
#define CURVE_PS (3600 * FLUE_PS_PER_S)

/* How far behind the time of the image a moment may lie. */
static flue_ps most_ahead(const struct parts *parts, enum image_field field)
{
    const flue_ps idle_ps = tcp_keep_idle(&parts->settings);
    const flue_ps interval_ps = tcp_keep_interval(&parts->settings);

    if (field == FIELD_timer) {
        return parts->conn.timer.mode == TCP_TIMER_KEEP_ALIVE ? idle_ps + interval_ps + LONG_PS : AHEAD_PS + LONG_PS;
    }
    if (field == FIELD_delayed_ack) {
        return AHEAD_PS + 500 * FLUE_PS_PER_MS; /* RFC 9293 3.8.6.3 */
    }
    if (field == FIELD_last_received && parts->conn.ka_probes > 0 && interval_ps < LONG_PS) {
        return interval_ps +
               AHEAD_PS; /* of a connection that came by the chimney form the deadline of keep-alive tells it */
    }
    return AHEAD_PS;
}

/* A moment on the clock of the image becomes one on ours.  False: it cannot be reckoned with. */
static bool shift(flue_ps *at_ps, flue_ps taken_ps, flue_ps now_ps, flue_ps ahead_ps)
{
    const flue_ps by_ps = now_ps - taken_ps;

    if (*at_ps > taken_ps && (*at_ps - taken_ps > ahead_ps || *at_ps - taken_ps >= FLUE_PS_NEVER - now_ps)) {
        return false;
    }
    if (*at_ps < FIRST_PS || (by_ps < 0 && *at_ps < FIRST_PS - by_ps)) {
        *at_ps = FIRST_PS;
    } else {
        *at_ps += by_ps;
    }
    return true;
}

/* Moments of the past do not lie behind the connection's own time. */
static bool moments_valid(const struct parts *parts)
{
    const struct flue_tcp_conn *conn = &parts->conn;
    const struct tcp_active *active = &parts->active;
    const flue_ps now_ps = conn->last_ps > parts->taken_ps ? conn->last_ps : parts->taken_ps;

    return parts->taken_ps >= 0 && conn->last_sent_ps <= now_ps && conn->ts_recent_ps <= now_ps &&
           active->epoch.counted_ps <= now_ps && active->rtt_sent_ps <= now_ps &&
           ((conn->flags & TCP_TIMING) == 0 || active->rtt_sent_ps >= parts->taken_ps - LONG_PS);
}

static const char *shift_moments(struct parts *parts, flue_ps now_ps)
{
    const flue_ps taken_ps = parts->taken_ps;

    if (!moments_valid(parts)) {
        return "a moment is out of its range";
    }
#define FLUE_IMAGE(part, name, type, unit, where, told_as, after, since)                                               \
    if (UNIT_##unit == UNIT_at_ps) {                                                                                   \
        const bool deadline = FIELD_##name == FIELD_timer || FIELD_##name == FIELD_delayed_ack;                        \
        const bool may_be_none = deadline || FIELD_##name == FIELD_path_lowered;                                       \
        flue_ps at_ps = (flue_ps)parts->part.where;                                                                    \
                                                                                                                       \
        if (!(at_ps == FLUE_PS_NEVER && may_be_none) &&                                                                \
            !shift(&at_ps, taken_ps, now_ps, most_ahead(parts, FIELD_##name))) {                                       \
            return "a moment is out of its range";                                                                     \
        }                                                                                                              \
        parts->part.where = (type)(deadline && at_ps < 0 ? 0 : at_ps); /* long past: it is due at once */              \
    }
#include "flue/state.def"
    return NULL;
}

static bool within(flue_ps time_ps, flue_ps most_ps)
{
    return time_ps >= 0 && time_ps <= most_ps;
}

static bool within_or_never(flue_ps time_ps)
{
    return time_ps == FLUE_PS_NEVER || within(time_ps, FLUE_PS_NEVER / 4);
}

static bool settings_valid(const struct flue_tcp_settings *settings)
{
    return settings->rcv_buffer_bytes >= 1 && settings->rcv_buffer_bytes <= UINT32_C(1) << 30 &&
           settings->mss_bytes >= 88 && settings->mss_bytes <= 65495 && settings->congestion <= FLUE_TCP_CUBIC &&
           settings->nagle <= 1 && settings->cork <= 1 && settings->keep_alive <= 1 && settings->ttl >= 1 &&
           (settings->cached_flags & (TCP_CACHED_KEEP_ALIVE | TCP_CACHED_NAGLE)) == 0 &&
           within_or_never(settings->keep_idle_ps) && within_or_never(settings->keep_interval_ps) &&
           within_or_never(settings->user_timeout_ps) &&
           (settings->fin_wait_2_ps == FLUE_PS_NEVER || within(settings->fin_wait_2_ps, LONG_PS));
}

static bool values_valid(const struct parts *parts)
{
    const struct flue_tcp_conn *conn = &parts->conn;
    const struct cc_epoch *epoch = &parts->active.epoch;

    return conn->unread_bytes <= UINT32_C(1) << 30 && within(conn->rtt.srtt_ps, LONG_PS) &&
           within(conn->rtt.rttvar_ps, LONG_PS) && within(epoch->elapsed_ps, CURVE_PS) && epoch->running <= 1 &&
           epoch->after_timeout <= 1 && conn->reason <= FLUE_TCP_BY_UNREACHABLE &&
           (parts->rare.const_flags & (TCP_CONST_TIMESTAMPS | TCP_CONST_SACK | TCP_CONST_SCALING)) == 0;
}

/* What flue_tcp_check() takes for granted. */
static const char *check_parts(const struct parts *parts)
{
    const struct flue_tcp_conn *conn = &parts->conn;
    const uint32_t momentary = TCP_IN_INPUT | TCP_IMPORTING | TCP_EXPORTED | TCP_ENDING | TCP_ACK_NOW;

    if (!settings_valid(&parts->settings)) {
        return "a setting is out of its range";
    }
    if (parts->path.mtu_bytes < 128 || parts->path.mtu_bytes > 65535 ||
        flue_ip_is_v4(&parts->path.local_ip) != flue_ip_is_v4(&parts->path.remote_ip)) {
        return "the path is not one";
    }
    if (conn->state < FLUE_TCP_SYN_SENT || conn->state > FLUE_TCP_TIME_WAIT || (conn->flags & momentary) != 0 ||
        (conn->flags & ~(uint32_t)(((uint32_t)TCP_SUSPECT << 1) - 1)) != 0 || conn->timer.mode > TCP_TIMER_KEEP_ALIVE) {
        return "the connection is in no state that can be moved";
    }
    if (!values_valid(parts) || conn->timer.due_ps < 0 || parts->active.delayed_ack.due_ps < 0) {
        return "a value is out of its range";
    }
    return NULL;
}

/* A queue of pieces; false without memory. */
static bool get_send_queue(const struct image_record *record, struct flue_tcp_conn *conn)
{
    struct send_queue *queue = &conn->active->queue;

    for (uint32_t at = 0; at + PIECE_BYTES <= record->length; at += PIECE_BYTES) {
        struct piece *piece = pool_get(&conn->stack->pieces);

        if (piece == NULL) {
            return false;
        }
        *piece = (struct piece){
            .seq = (uint32_t)image_number_at(record, at, 4),
            .span = {.stream = (uint32_t)image_number_at(record, at + 4, 4),
                     .offset_bytes = image_number_at(record, at + 8, 8),
                     .length_bytes = (uint32_t)image_number_at(record, at + 16, 4)},
            .psh = (uint32_t)image_number_at(record, at + 20, 1),
        };
        if (queue->tail == NULL) {
            queue->head = piece;
        } else {
            queue->tail->next = piece;
        }
        queue->tail = piece;
        queue->bytes += piece->span.length_bytes;
    }
    return true;
}

static bool get_reassembly(const struct image_record *record, struct flue_tcp_conn *conn)
{
    struct send_queue *queue = &conn->active->queue;
    const struct send_queue own = *queue;
    bool complete;

    /* The same form: read as a send queue, then put in its place. */
    *queue = (struct send_queue){0};
    complete = get_send_queue(record, conn);
    reassembly_adopt(&conn->active->reassembly, queue->head);
    *queue = own;
    return complete;
}

static bool get_ranges(const struct image_record *record, struct flue_tcp_conn *conn)
{
    struct scoreboard *board = &conn->active->board;
    struct sack_range **link = &board->head;

    for (uint32_t at = 0; at + RANGE_BYTES <= record->length; at += RANGE_BYTES) {
        struct sack_range *range = pool_get(&conn->stack->ranges);

        if (range == NULL) {
            return false;
        }
        *range = (struct sack_range){.from = (uint32_t)image_number_at(record, at, 4),
                                     .to = (uint32_t)image_number_at(record, at + 4, 4)};
        *link = range;
        link = &range->next;
    }
    scoreboard_adopt(board);
    return true;
}

/* Of each block the image tells one byte; the reassembly queue is there already. */
static void get_report(const struct image_record *record, struct flue_tcp_conn *conn)
{
    struct sack_report *report = &conn->active->report;
    uint32_t count = (uint32_t)image_number_at(record, 9, 1);

    *report = (struct sack_report){
        .dsack = {.from = (uint32_t)image_number_at(record, 0, 4), .to = (uint32_t)image_number_at(record, 4, 4)},
        .dsack_due = image_number_at(record, 8, 1) != 0,
    };
    for (uint32_t i = count < SACK_REPORT_RECENT ? count : SACK_REPORT_RECENT; i-- > 0;) {
        uint32_t seq = (uint32_t)image_number_at(record, 10 + 4 * i, 4);

        sack_report_arrived(report, conn->rcv_nxt, reassembly_find(&conn->active->reassembly, seq));
    }
}

static bool lists_valid(const struct parts *parts)
{
    return parts->lists[0].length % PIECE_BYTES == 0 &&
           parts->lists[FIELD_REASSEMBLY - FIELD_SEND_QUEUE].length % PIECE_BYTES == 0 &&
           parts->lists[FIELD_RANGES - FIELD_SEND_QUEUE].length % RANGE_BYTES == 0 &&
           parts->lists[FIELD_REPORT - FIELD_SEND_QUEUE].length == REPORT_BYTES;
}

static bool get_lists(struct flue_tcp_conn *conn, const struct parts *parts)
{
    const struct image_record *lists = parts->lists;

    if (!get_send_queue(&lists[0], conn) || !get_reassembly(&lists[FIELD_REASSEMBLY - FIELD_SEND_QUEUE], conn) ||
        !get_ranges(&lists[FIELD_RANGES - FIELD_SEND_QUEUE], conn)) {
        return false;
    }
    get_report(&lists[FIELD_REPORT - FIELD_SEND_QUEUE], conn);
    return true;
}

/* All but what says where the connection lives. */
static void copy_fields(struct flue_tcp_conn *conn, const struct parts *parts, flue_ps now_ps)
{
    struct tcp_path *path = conn->path;
    struct tcp_active *active = conn->active;
    struct flue_tcp_conn at_home = *conn;

    *conn = parts->conn;
    conn->stack = at_home.stack;
    conn->user = at_home.user;
    conn->path = path;
    conn->settings = at_home.settings;
    conn->active = active;
    conn->timer = at_home.timer;
    conn->timer.mode = parts->conn.timer.mode;
    conn->timer.doublings = parts->conn.timer.doublings;
    conn->timer.count = parts->conn.timer.count;
    conn->id = at_home.id;
    conn->ts_offset = parts->conn.ts_offset - tcp_clock(conn->stack, now_ps);
    if (path->users == 1) {
        path->mtu_bytes = parts->path.mtu_bytes > conn->stack->params.mtu_bytes ? conn->stack->params.mtu_bytes
                                                                                : parts->path.mtu_bytes;
        path->lowered_ps = parts->path.lowered_ps;
    }
    *active = parts->active;
    active->conn = conn;
    active->unacked_bytes = conn->rcv_nxt - active->unacked_bytes;
    if ((conn->flags & TCP_RECOVER) == 0) {
        active->recover = 0; /* an image may tell a number that has no meaning, and would cost the active part */
    }
    timer_fifo_setup(&active->delayed_ack);
    tcp_set_mss(conn);
}

/* False: no memory. */
static bool copy_rare(struct flue_tcp_conn *conn, const struct tcp_rare *told)
{
    struct tcp_rare *rare;
    uint64_t any = 0;

#define FLUE_IMAGE(part, name, type, unit, where, told_as, after, since) any |= ANY_##part(where);
#define ANY_path(where)                                                  0u
#define ANY_settings(where)                                              0u
#define ANY_conn(where)                                                  0u
#define ANY_active(where)                                                0u
#define ANY_rare(where)                                                  told->where
#include "flue/state.def"
    rare = any != 0 ? tcp_rare_need(conn) : NULL;
    if (rare != NULL) {
        *rare = *told;
        rare->conn = conn;
    }
    return any == 0 || rare != NULL;
}

/* What was under way goes on: deadlines, and events that the old owner has not answered. */
static void resume(struct flue_tcp_conn *conn, const struct parts *parts)
{
    const uint32_t flags = conn->flags;

    conn->flags &= ~(uint32_t)(TCP_OUTPUT_ASKED | TCP_TIMER_DUE | TCP_ACK_DUE);
    if (parts->active.delayed_ack.due_ps != FLUE_PS_NEVER && (flags & TCP_ACK_DUE) == 0) {
        timer_fifo_arm(&conn->stack->delayed_acks, &conn->active->delayed_ack, parts->active.delayed_ack.due_ps);
    }
    if (parts->conn.timer.due_ps != FLUE_PS_NEVER) {
        timers_arm_lean(conn->stack->timers, &conn->timer, parts->conn.timer.due_ps);
    }
    conn->flags |= flags & (TCP_TIMER_DUE | TCP_ACK_DUE);
    tcp_rest(conn);
}

flue_err flue_tcp_image_read(struct flue_tcp *stack, struct image_reader *reader, void *user, uint32_t id,
                             flue_ps now_ps, struct flue_tcp_conn **out)
{
    struct parts parts = {.taken_ps = 0};
    struct flue_tcp_tuple tuple;
    struct flue_tcp_conn *conn;
    const char *wrong = NULL;
    flue_err err = read_records(reader, &parts);

    *out = NULL;
    if (err != FLUE_OK) {
        return err;
    }
    wrong = check_parts(&parts);
    wrong = wrong != NULL ? wrong : shift_moments(&parts, now_ps);
    wrong = wrong != NULL || lists_valid(&parts) ? wrong : "a list is cut short";
    if (wrong != NULL) {
        return image_reader_fail(reader, wrong, NULL);
    }
    tuple = (struct flue_tcp_tuple){.local_ip = parts.path.local_ip,
                                    .remote_ip = parts.path.remote_ip,
                                    .local_port = parts.conn.local_port,
                                    .remote_port = parts.conn.remote_port};
    conn = tcp_conn_new(stack, &tuple, &parts.settings, user, id, now_ps, &err);
    if (conn == NULL) {
        return err;
    }
    if (!tcp_activate(conn)) {
        flue_tcp_release(conn);
        return FLUE_ENOMEM;
    }
    copy_fields(conn, &parts, now_ps);
    if (!copy_rare(conn, &parts.rare) || !get_lists(conn, &parts)) {
        flue_tcp_release(conn);
        return FLUE_ENOMEM;
    }
    resume(conn, &parts);
    wrong = flue_tcp_check(conn);
    if (wrong != NULL) {
        flue_tcp_release(conn);
        return image_reader_fail(reader, wrong, NULL);
    }
    *out = conn;
    return FLUE_OK;
}

void flue_tcp_image_resume(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    /* Nothing happens to the connection itself: its own time stays, so that another image would be the same. */
    now_ps = now_ps < conn->last_ps ? conn->last_ps : now_ps;
    tcp_ask_output(conn, now_ps);
    if ((conn->flags & (TCP_TIMER_DUE | TCP_ACK_DUE)) != 0) {
        tcp_event_plain(conn, FLUE_TCP_EV_TIMER, now_ps);
    }
}
