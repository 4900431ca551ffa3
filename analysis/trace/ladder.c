/* SPDX-License-Identifier: GPL-2.0-only */
/* trace/ladder.c - chooses what a ladder shows of one connection, seen from the server.
 *
 * Rows of one kind merge until something that matters more comes in between.  What that is depends on the level: the
 * higher the level, the more is merged, until the rows fit.  A row says how many events it stands for. */
#include <stdlib.h>
#include <string.h>

#include "flue/host.h"
#include "flue/ndischimney.h"
#include "flue/wire.h"
#include "trace/ladder.h"

enum level {
    LEVEL_ALL,    /* faults and moves separate rows */
    LEVEL_NO_ACK, /* acknowledgements go with what they accompany */
    LEVEL_MOVES,  /* only moves separate rows */
    LEVEL_SHORT,  /* a handshake is one row */
    LEVEL_COUNT
};

struct builder {
    const struct trace_log *log;
    struct ladder_rows rows;
    uint32_t conn;
    enum level level;
    enum ladder_holder holder;
    size_t open; /* rows from here on may still grow */
    bool closed; /* the connection has ended: what trees carry now is not about it */
    bool failed;
};

static enum ladder_column column_of(const char *word)
{
    static const char *const names[] = {"app", "host", "ndis", "target", "wire", "peer"};

    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], word) == 0) {
            return (enum ladder_column)i;
        }
    }
    return LADDER_HOST;
}

static struct ladder_row *add_row(struct builder *builder, const struct ladder_row *row)
{
    struct ladder_rows *rows = &builder->rows;

    if (rows->count == rows->room) {
        size_t room = rows->room == 0 ? 64 : 2 * rows->room;
        struct ladder_row *moved = realloc(rows->rows, room * sizeof *moved);

        if (moved == NULL) {
            builder->failed = true;
            return NULL;
        }
        rows->rows = moved;
        rows->room = room;
    }
    rows->rows[rows->count] = *row;
    return &rows->rows[rows->count++];
}

/* ---- What an event means for the ladder */

static bool is_call(unsigned point)
{
    switch (point) {
    case FLUE_POINT_app_send:
    case FLUE_POINT_app_receive:
    case FLUE_POINT_ddi_send:
    case FLUE_POINT_ddi_send_complete:
    case FLUE_POINT_ddi_receive:
    case FLUE_POINT_ddi_receive_complete:
    case FLUE_POINT_ddi_receive_indicate:
        return true;
    }
    return false;
}

/* Crossings of trees name no connection when they carry several. */
static bool is_move(unsigned point)
{
    switch (point) {
    case FLUE_POINT_ddi_initiate:
    case FLUE_POINT_ddi_initiate_complete:
    case FLUE_POINT_ddi_terminate:
    case FLUE_POINT_ddi_terminate_complete:
        return true;
    }
    return false;
}

static void classify_segment(const struct builder *builder, const struct flue_event *event, enum ladder_column engine,
                             struct ladder_row *row)
{
    const bool sent = event->point == FLUE_POINT_tcp_send;
    const unsigned from = sent ? event->node : 1u - event->node;

    row->from = sent ? (uint8_t)engine : LADDER_PEER;
    row->to = sent ? LADDER_PEER : (uint8_t)engine;
    (void)trace_log_seq(builder->log, event->conn, from, (uint32_t)event->arg[0], &row->low);
    row->high = row->low + (uint32_t)event->arg[1];
    row->bytes = (uint64_t)event->arg[1];
    if ((event->arg[3] & (FLUE_TCP_SYN | FLUE_TCP_FIN | FLUE_TCP_RST)) != 0) {
        row->kind = LADDER_HANDSHAKE;
        row->weight = LADDER_MOVE;
    } else if (event->arg[1] == 0) {
        row->kind = LADDER_ACKS;
        row->weight = LADDER_ACK;
        (void)trace_log_seq(builder->log, event->conn, 1u - from, (uint32_t)event->arg[2], &row->high);
        row->low = row->high;
    } else if (sent && event->arg[5] != 0) {
        row->kind = LADDER_AGAIN;
        row->weight = LADDER_FAULT;
    } else {
        row->kind = LADDER_SEGMENTS;
        row->weight = LADDER_DATA;
    }
}

static void classify_loss(const struct builder *builder, const struct flue_event *event, struct ladder_row *row)
{
    /* A loss is told by the node it did not reach, a drop by the node it did not leave. */
    const unsigned from = event->point == FLUE_POINT_wire_loss ? 1u - event->node : event->node;

    row->kind = LADDER_LOST;
    row->weight = LADDER_FAULT;
    row->from = from != TRACE_SERVER                       ? LADDER_PEER
                : builder->holder == LADDER_HELD_BY_TARGET ? LADDER_TARGET
                                                           : LADDER_HOST;
    row->to = LADDER_WIRE;
    (void)trace_log_seq(builder->log, event->conn, from, (uint32_t)event->arg[0], &row->low);
    row->high = row->low + (uint32_t)event->arg[1];
    row->bytes = (uint64_t)event->arg[1];
}

/* The client's engine is seen on the wire only, except for what the wire does not show. */
static bool classify_client(const struct builder *builder, const struct flue_event *event, struct ladder_row *row)
{
    switch (event->point) {
    case FLUE_POINT_wire_loss:
    case FLUE_POINT_wire_drop:
        classify_loss(builder, event, row);
        return true;
    case FLUE_POINT_tcp_timeout:
    case FLUE_POINT_tcp_fast_retransmit:
        row->kind = LADDER_TROUBLE;
        row->weight = LADDER_FAULT;
        row->from = row->to = LADDER_PEER;
        (void)trace_log_seq(builder->log, event->conn, event->node, (uint32_t)event->arg[0], &row->low);
        return true;
    case FLUE_POINT_tcp_send: /* that it was sent again can only be told where it was sent */
        if (event->arg[5] == 0 || event->arg[1] == 0) {
            return false;
        }
        classify_segment(builder, event, LADDER_PEER, row);
        row->from = LADDER_PEER;
        row->to = LADDER_WIRE;
        return row->kind == LADDER_AGAIN;
    }
    return false;
}

/* What crosses the interface; states of the engine, charges and interrupts are for --explain. */
static bool classify_crossing(const struct flue_event *event, struct ladder_row *row)
{
    const struct flue_point_info *info = flue_point_info(event->point);

    switch (event->point) {
    case FLUE_POINT_app_close:
    case FLUE_POINT_ddi_disconnect:
    case FLUE_POINT_ddi_disconnect_complete:
    case FLUE_POINT_ddi_event:
    case FLUE_POINT_ddi_status:
    case FLUE_POINT_ddi_generic_event:
        row->weight = LADDER_MOVE;
        return true;
    case FLUE_POINT_hold_segment:
    case FLUE_POINT_ddi_forward:
        row->weight = LADDER_FAULT;
        return true;
    case FLUE_POINT_ddi_forward_complete:
    case FLUE_POINT_ddi_receive_return:
        row->weight = LADDER_ACK;
        return true;
    }
    return info != NULL && strncmp(info->id, "ddi_", 4) == 0;
}

static bool classify_server(const struct builder *builder, size_t place, const struct flue_event *event,
                            struct ladder_row *row)
{
    const enum ladder_column actor = column_of(trace_actor(builder->log, place));

    row->from = (uint8_t)actor;
    row->to =
        *trace_arrow(builder->log, place) == '\0' ? row->from : (uint8_t)column_of(trace_arrow(builder->log, place));
    row->kind = LADDER_CONTROL;
    row->weight = LADDER_DATA;
    if (is_call(event->point)) {
        row->kind = LADDER_CALL;
        row->weight = event->point == FLUE_POINT_app_receive ? LADDER_ACK : LADDER_DATA;
        row->bytes = (uint64_t)event->arg[0];
        return true;
    }
    if (is_move(event->point)) {
        row->weight = LADDER_MOVE;
        return true;
    }
    switch (event->point) {
    case FLUE_POINT_tcp_send:
    case FLUE_POINT_tcp_receive:
        classify_segment(builder, event, event->point == FLUE_POINT_tcp_send ? actor : (enum ladder_column)row->to,
                         row);
        return true;
    case FLUE_POINT_wire_loss:
    case FLUE_POINT_wire_drop:
        classify_loss(builder, event, row);
        return true;
    case FLUE_POINT_target_take:
        row->kind = LADDER_TAKEN;
        row->weight = LADDER_MOVE;
        return event->arg[0] == TcpOffloadState;
    case FLUE_POINT_target_give_back:
        row->kind = LADDER_GIVEN_BACK;
        row->weight = LADDER_MOVE;
        return true;
    case FLUE_POINT_tcp_timeout:
    case FLUE_POINT_tcp_fast_retransmit:
    case FLUE_POINT_tcp_probe:
        row->kind = LADDER_TROUBLE;
        row->weight = LADDER_FAULT;
        (void)trace_log_seq(builder->log, event->conn, event->node, (uint32_t)event->arg[0], &row->low);
        return true;
    }
    return classify_crossing(event, row);
}

/* ---- Rows */

static bool is_barrier(const struct builder *builder, const struct ladder_row *row)
{
    if (builder->level >= LEVEL_SHORT && row->kind == LADDER_HANDSHAKE) {
        return false;
    }
    return row->weight >= (builder->level >= LEVEL_MOVES ? LADDER_MOVE : LADDER_FAULT);
}

static bool same(const struct builder *builder, const struct ladder_row *a, const struct ladder_row *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    if (a->kind == LADDER_HANDSHAKE && builder->level >= LEVEL_SHORT) {
        return true;
    }
    return a->from == b->from && a->to == b->to && a->point == b->point;
}

static void absorb(struct ladder_row *into, const struct ladder_row *row)
{
    if (into->high == row->low || into->kind == LADDER_ACKS) {
        into->high = row->high;
    } else {
        into->low = row->low < into->low ? row->low : into->low;
        into->high = row->high > into->high ? row->high : into->high;
    }
    into->count += row->count;
    into->bytes += row->bytes;
    into->events += row->events;
    into->holder = row->holder;
    into->opening = into->opening || row->opening;
    into->place = row->place;
    memcpy(into->arg, row->arg, sizeof into->arg);
}

/* Where something goes that gets no row of its own: with the latest that may grow. */
static struct ladder_row *companion(struct builder *builder)
{
    struct ladder_rows *rows = &builder->rows;

    for (size_t i = rows->count; i > builder->open; i--) {
        if (rows->rows[i - 1].kind == LADDER_SEGMENTS) {
            return &rows->rows[i - 1];
        }
    }
    return rows->count > 0 ? &rows->rows[rows->count - 1] : NULL;
}

static void put(struct builder *builder, const struct ladder_row *row)
{
    struct ladder_rows *rows = &builder->rows;
    struct ladder_row *friend = companion(builder);

    if (row->weight == LADDER_ACK && builder->level >= LEVEL_NO_ACK && friend != NULL) {
        friend->events += row->events;
        return;
    }
    for (size_t i = rows->count; i > builder->open && !is_barrier(builder, row); i--) {
        if (same(builder, &rows->rows[i - 1], row)) {
            absorb(&rows->rows[i - 1], row);
            return;
        }
    }
    (void)add_row(builder, row);
    if (is_barrier(builder, row)) {
        builder->open = rows->count;
    }
}

/* The ACK that ends an opening belongs to it. */
static void end_handshake(const struct builder *builder, struct ladder_row *row)
{
    const struct ladder_rows *rows = &builder->rows;

    if (row->kind == LADDER_ACKS && rows->count > 0 && rows->rows[rows->count - 1].kind == LADDER_HANDSHAKE &&
        (rows->rows[rows->count - 1].arg[3] & FLUE_TCP_SYN) != 0) {
        row->kind = LADDER_HANDSHAKE;
        row->weight = LADDER_MOVE;
    }
}

static void note_holder(struct builder *builder, const struct flue_event *event)
{
    if (event->node != TRACE_SERVER || event->conn != builder->conn) {
        return;
    }
    if (event->point == FLUE_POINT_holder) {
        builder->closed = event->arg[1] == FLUE_HOLDER_CLOSED;
        switch ((enum flue_holder)event->arg[1]) {
        case FLUE_HOLDER_HOST:
            builder->holder = LADDER_HELD_BY_HOST;
            break;
        case FLUE_HOLDER_TARGET:
        case FLUE_HOLDER_GIVING_BACK:
            break; /* target_take and target_give_back tell the moment */
        case FLUE_HOLDER_OFFERED:
        case FLUE_HOLDER_LOST:
        case FLUE_HOLDER_CLOSED:
        case FLUE_HOLDER_COUNT:
            builder->holder = LADDER_HELD_BY_NONE;
            break;
        }
    } else if (event->point == FLUE_POINT_target_take && event->arg[0] == TcpOffloadState &&
               event->arg[1] == NDIS_STATUS_SUCCESS) {
        builder->holder = LADDER_HELD_BY_TARGET;
    } else if (event->point == FLUE_POINT_target_give_back) {
        builder->holder = LADDER_HELD_BY_NONE;
    }
}

static void build(struct builder *builder)
{
    const size_t count = trace_log_count(builder->log);

    builder->rows.count = 0;
    builder->open = 0;
    builder->holder = LADDER_HELD_BY_HOST;
    builder->closed = false;
    for (size_t place = 0; place < count && !builder->failed; place++) {
        const struct flue_event *event = trace_log_at(builder->log, place);
        struct ladder_row row = {.at_ps = event->at_ps, .point = event->point, .count = 1, .events = 1, .place = place};
        bool mine =
            event->conn == builder->conn || (event->conn == FLUE_NO_CONN && !builder->closed && is_move(event->point));

        note_holder(builder, event);
        row.holder = (uint8_t)builder->holder;
        memcpy(row.arg, event->arg, sizeof row.arg);
        if (mine && (event->node == TRACE_SERVER ? classify_server(builder, place, event, &row)
                                                 : classify_client(builder, event, &row))) {
            end_handshake(builder, &row);
            row.opening = row.kind == LADDER_HANDSHAKE && (row.arg[3] & FLUE_TCP_SYN) != 0;
            put(builder, &row);
        }
    }
}

/* The last resort: what matters least goes with the row above it. */
static void squeeze(struct builder *builder, size_t limit)
{
    struct ladder_rows *rows = &builder->rows;

    while (rows->count > limit) {
        size_t least = 1;

        for (size_t i = 2; i < rows->count; i++) {
            const struct ladder_row *row = &rows->rows[i], *best = &rows->rows[least];

            if (row->weight < best->weight || (row->weight == best->weight && row->events < best->events)) {
                least = i;
            }
        }
        rows->rows[least - 1].events += rows->rows[least].events;
        rows->rows[least - 1].holder = rows->rows[least].holder;
        memmove(&rows->rows[least], &rows->rows[least + 1], (rows->count - least - 1) * sizeof *rows->rows);
        rows->count--;
    }
}

flue_err trace_draw_ladder(const struct trace_log *log, const struct trace_ladder *ladder, FILE *out)
{
    const size_t lines = ladder->lines == 0 ? 30 : ladder->lines < 12 ? 12 : ladder->lines;
    struct builder builder = {.log = log, .conn = ladder->conn};
    flue_err err = FLUE_OK;

    for (unsigned level = LEVEL_ALL; level < LEVEL_COUNT; level++) {
        builder.level = (enum level)level;
        build(&builder);
        if (builder.failed || builder.rows.count + 3 <= lines) {
            break;
        }
    }
    squeeze(&builder, lines - 3);
    if (builder.failed) {
        err = FLUE_ENOMEM;
    } else if (builder.rows.count == 0) {
        err = FLUE_ENOENT;
    } else {
        ladder_draw(log, ladder, &builder.rows, out);
    }
    free(builder.rows.rows);
    return err;
}
