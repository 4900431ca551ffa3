/* SPDX-License-Identifier: GPL-2.0-only */
/* trace/ladder_draw.c - draws the rows of a ladder: lifelines, arrows, a short text. */
#include <inttypes.h>
#include <string.h>

#include "flue/ndischimney.h"
#include "flue/wire.h"
#include "trace/ladder.h"

enum {
    FIRST_X = 13, /* of the first lifeline */
    STEP_X = 8,
    CELLS = (LADDER_COLUMNS - 1) * STEP_X + 1,
    TEXT_WIDTH = 110 - FIRST_X - CELLS - 2
};

enum cell {
    CELL_EMPTY,
    CELL_LIFELINE,
    CELL_HOLDER,
    CELL_DASH,
    CELL_CROSSING,
    CELL_RIGHT,
    CELL_LEFT,
    CELL_LOST,
    CELL_MARK
};

static const char *cell_text(enum cell cell, bool plain)
{
    switch (cell) {
    case CELL_EMPTY:
        return " ";
    case CELL_LIFELINE:
        return plain ? "|" : "\u2502";
    case CELL_HOLDER:
        return plain ? "#" : "\u2503";
    case CELL_DASH:
        return plain ? "-" : "\u2500";
    case CELL_CROSSING:
        return plain ? "+" : "\u253c";
    case CELL_RIGHT:
        return ">";
    case CELL_LEFT:
        return "<";
    case CELL_LOST:
        return "X";
    case CELL_MARK:
        return "*";
    }
    return " ";
}

static void draw_arrow(enum cell *cells, const struct ladder_row *row)
{
    const int from = row->from * STEP_X, to = row->to * STEP_X;
    const int low = from < to ? from : to, high = from < to ? to : from;

    if (from == to) {
        cells[from] = CELL_MARK;
        return;
    }
    for (int x = low + 1; x < high; x++) {
        cells[x] = x % STEP_X == 0 ? CELL_CROSSING : CELL_DASH;
    }
    cells[from < to ? to - 1 : to + 1] = from < to ? CELL_RIGHT : CELL_LEFT;
    if (row->kind == LADDER_LOST) {
        cells[to] = CELL_LOST;
    }
}

static void draw_row(const struct ladder_row *row, bool plain, FILE *out)
{
    enum cell cells[CELLS] = {CELL_EMPTY};

    for (int column = 0; column < LADDER_COLUMNS; column++) {
        cells[column * STEP_X] = CELL_LIFELINE;
    }
    if (row->holder != LADDER_HELD_BY_NONE) {
        cells[(row->holder == LADDER_HELD_BY_HOST ? LADDER_HOST : LADDER_TARGET) * STEP_X] = CELL_HOLDER;
    }
    draw_arrow(cells, row);
    for (int x = 0; x < CELLS; x++) {
        (void)fputs(cell_text(cells[x], plain), out);
    }
}

/* ---- Texts */

static void add_count(struct trace_text *text, uint64_t value)
{
    char digits[32];

    trace_count(value, digits);
    trace_text_add(text, "%s", digits);
}

static void add_range(struct trace_text *text, const struct ladder_row *row)
{
    trace_text_add(text, "%" PRIu32 ":%" PRIu32, row->low, row->high);
}

static const char *call_name(const struct ladder_row *row)
{
    const struct flue_point_info *info = flue_point_info(row->point);

    return info == NULL ? "?" : info->ref;
}

static void describe_call(const struct ladder_row *row, struct trace_text *text)
{
    if (row->point == FLUE_POINT_app_send || row->point == FLUE_POINT_app_receive) {
        const char *verb = row->point == FLUE_POINT_app_send ? "write" : "read";

        if (row->count == 1) {
            trace_text_add(text, "%ss ", verb);
        } else {
            trace_text_add(text, "%" PRIu32 " %ss, ", row->count, verb);
        }
    } else {
        if (row->count > 1) {
            trace_text_add(text, "%" PRIu32 " x ", row->count);
        }
        trace_text_add(text, "%s, ", call_name(row));
    }
    add_count(text, row->bytes);
    trace_text_add(text, " bytes");
}

static void describe_control(const struct trace_log *log, const struct ladder_row *row, struct trace_text *text)
{
    const struct flue_event *event = trace_log_at(log, row->place);
    const size_t status = trace_arg(row->point, "status"), blocks = trace_arg(row->point, "blocks");

    if (row->point == FLUE_POINT_ddi_event) {
        trace_text_add(text, "%s", flue_ndis_event_name((unsigned)row->arg[0]));
        if (row->arg[0] == TcpIndicateRetrieve) {
            trace_text_add(text, ": %s", flue_ndis_upload_reason_name((unsigned)row->arg[1]));
        }
        return;
    }
    if (row->point == FLUE_POINT_hold_segment) {
        trace_text_add(text,
                       row->count == 1 ? "keeps %" PRIu32 " segment until the hand-over is complete"
                                       : "keeps %" PRIu32 " segments until the hand-over is complete",
                       row->count);
        return;
    }
    if (row->point == FLUE_POINT_app_close) {
        trace_text_add(text, "closes its sending side");
        return;
    }
    if (row->count > 1) {
        trace_text_add(text, "%" PRIu32 " x ", row->count);
    }
    trace_text_add(text, "%s", call_name(row));
    if (status != TRACE_NONE) {
        if (row->arg[status] != NDIS_STATUS_SUCCESS) {
            trace_text_add(text, ": ");
            trace_add_value(log, event, status, text);
        }
    } else if (blocks != TRACE_NONE) {
        trace_text_add(text, ": %" PRId64 " block%s", row->arg[blocks], row->arg[blocks] == 1 ? "" : "s");
    }
}

static void describe_handshake(const struct ladder_row *row, struct trace_text *text)
{
    const unsigned flags = (unsigned)row->arg[3];

    if (row->count > 1) {
        trace_text_add(text, row->opening ? "SYN, SYN-ACK, ACK: the connection opens"
                                          : "FIN each way: the connection closes");
    } else if ((flags & FLUE_TCP_RST) != 0) {
        trace_text_add(text, "RST");
    } else if ((flags & FLUE_TCP_SYN) != 0) {
        trace_text_add(text, (flags & FLUE_TCP_ACK) != 0 ? "SYN-ACK" : "SYN");
    } else if ((flags & FLUE_TCP_FIN) != 0) {
        trace_text_add(text, "FIN at %" PRIu32 "%s", row->high, row->arg[1] > 0 ? ", with data" : "");
        if (row->point == FLUE_POINT_tcp_send && row->arg[5] != 0) {
            trace_text_add(text, ", again");
        }
    } else {
        trace_text_add(text, "ACK: the connection is open");
    }
}

static void describe_trouble(const struct trace_log *log, const struct ladder_row *row, struct trace_text *text)
{
    if (row->count > 1) {
        trace_text_add(text, "%" PRIu32 " x ", row->count);
    }
    if (row->point == FLUE_POINT_tcp_timeout) {
        trace_text_add(text, "retransmission timeout of ");
        trace_add_value(log, trace_log_at(log, row->place), 1, text);
    } else if (row->point == FLUE_POINT_tcp_fast_retransmit) {
        trace_text_add(text, "duplicate ACKs of %" PRIu32 ": fast retransmit", row->low);
    } else {
        trace_text_add(text, "zero-window probe at %" PRIu32, row->low);
    }
}

static void describe_again(const struct ladder_row *row, struct trace_text *text)
{
    trace_text_add(text, "%s", row->count == 1 ? "" : "segments in ");
    add_range(text, row);
    trace_text_add(text, " sent again by the %s",
                   row->from == LADDER_PEER     ? "client"
                   : row->from == LADDER_TARGET ? "target"
                                                : "host");
    if (row->count > 1) {
        trace_text_add(text, " (%" PRIu32 ")", row->count);
    }
}

static void describe_lost(const struct ladder_row *row, struct trace_text *text)
{
    trace_text_add(text, row->point == FLUE_POINT_wire_drop ? "queue full, dropped: " : "lost: ");
    if (row->bytes == 0) {
        trace_text_add(text, row->count == 1 ? "%" PRIu32 " ACK" : "%" PRIu32 " ACKs", row->count);
        return;
    }
    if (row->count > 1) {
        trace_text_add(text, "%" PRIu32 " segments in ", row->count);
    }
    add_range(text, row);
}

static void describe(const struct trace_log *log, const struct ladder_row *row, struct trace_text *text)
{
    const struct flue_event *event = trace_log_at(log, row->place);

    trace_text_start(text);
    switch ((enum ladder_kind)row->kind) {
    case LADDER_CALL:
        describe_call(row, text);
        break;
    case LADDER_CONTROL:
        describe_control(log, row, text);
        break;
    case LADDER_SEGMENTS:
        trace_text_add(text, row->count == 1 ? "%" PRIu32 " segment " : "%" PRIu32 " segments ", row->count);
        add_range(text, row);
        break;
    case LADDER_AGAIN:
        describe_again(row, text);
        break;
    case LADDER_ACKS:
        trace_text_add(text, row->count == 1 ? "%" PRIu32 " ACK up to %" PRIu32 : "%" PRIu32 " ACKs up to %" PRIu32,
                       row->count, row->high);
        break;
    case LADDER_HANDSHAKE:
        describe_handshake(row, text);
        break;
    case LADDER_LOST:
        describe_lost(row, text);
        break;
    case LADDER_TROUBLE:
        describe_trouble(log, row, text);
        break;
    case LADDER_TAKEN:
        if (row->arg[1] == NDIS_STATUS_SUCCESS) {
            trace_text_add(text, "takes it in: now the target holds it");
        } else {
            trace_text_add(text, "refuses: ");
            trace_add_value(log, event, 1, text);
        }
        break;
    case LADDER_GIVEN_BACK:
        trace_text_add(text, "gives it back: SndUna ");
        trace_add_value(log, event, 0, text);
        trace_text_add(text, ", SndMax ");
        trace_add_value(log, event, 2, text);
        break;
    }
    if (row->events > row->count) {
        trace_text_add(text, " (%" PRIu32 " events)", row->events);
    }
}

void ladder_draw(const struct trace_log *log, const struct trace_ladder *ladder, const struct ladder_rows *rows,
                 FILE *out)
{
    static const char *const titles[] = {"app", "host", "NDIS", "target", "wire", "client"};
    struct trace_text text;
    char heading[FIRST_X + CELLS + STEP_X];

    memset(heading, ' ', sizeof heading);
    heading[sizeof heading - 1] = '\0';
    memcpy(heading + FIRST_X - 4, "us", 2);
    for (size_t column = 0; column < LADDER_COLUMNS; column++) {
        const size_t width = strlen(titles[column]);

        /* A title is centred over its lifeline. */
        memcpy(heading + FIRST_X + column * STEP_X - (width - 1) / 2, titles[column], width);
    }
    (void)fprintf(out, "%s\n", heading);
    for (size_t i = 0; i < rows->count; i++) {
        const struct ladder_row *row = &rows->rows[i];

        describe(log, row, &text);
        (void)fprintf(out, "%11.3f  ", (double)row->at_ps / 1e6);
        draw_row(row, ladder->plain, out);
        (void)fprintf(out, "  %.*s\n", TEXT_WIDTH, text.chars);
    }
    (void)fprintf(out, "%*s%s: who holds the connection   *: something within one box   X: lost on the wire\n", FIRST_X,
                  "", cell_text(CELL_HOLDER, ladder->plain));
}
