/* SPDX-License-Identifier: GPL-2.0-only */
/* trace/ladder.h - between choosing the rows of a ladder (ladder.c) and drawing them (ladder_draw.c). */
#ifndef FLUE_TRACE_LADDER_H
#define FLUE_TRACE_LADDER_H

#include "trace/trace_read.h"

/* The server's boxes from top to bottom, the wire, and the other end. */
enum ladder_column { LADDER_APP, LADDER_HOST, LADDER_NDIS, LADDER_TARGET, LADDER_WIRE, LADDER_PEER, LADDER_COLUMNS };

/* How much a row matters: the higher, the later it is merged with others. */
enum ladder_weight {
    LADDER_ACK,   /* acknowledgements, and what else only accompanies */
    LADDER_DATA,  /* runs of segments, sends and their completions */
    LADDER_FAULT, /* losses, timeouts, what is sent again */
    LADDER_MOVE   /* hand-over, opening, closing */
};

enum ladder_holder { LADDER_HELD_BY_HOST, LADDER_HELD_BY_NONE, LADDER_HELD_BY_TARGET };

struct ladder_row {
    flue_ps at_ps;    /* of its first event */
    uint16_t point;   /* enum flue_point; of its first event */
    uint8_t kind;     /* enum ladder_kind */
    uint8_t weight;   /* enum ladder_weight */
    uint8_t from, to; /* enum ladder_column; equal: something that happens within one */
    uint8_t holder;   /* enum ladder_holder, afterwards */
    uint8_t opening;  /* of a handshake row: SYN and SYN-ACK are in it */
    uint32_t count;   /* of what its kind counts */
    uint32_t events;  /* it stands for */
    uint64_t bytes;
    uint32_t low, high;           /* sequence numbers, counted from the SYN */
    int64_t arg[FLUE_TRACE_ARGS]; /* of its last event */
    size_t place;                 /* of its last event */
};

enum ladder_kind {
    LADDER_CALL,    /* a crossing of the interface that moves data: counted, with bytes */
    LADDER_CONTROL, /* one that does not */
    LADDER_SEGMENTS,
    LADDER_AGAIN, /* segments sent again */
    LADDER_ACKS,
    LADDER_HANDSHAKE, /* SYN, SYN-ACK, FIN, RST, and the ACK that ends a handshake */
    LADDER_LOST,
    LADDER_TROUBLE, /* timeouts, fast retransmits, probes */
    LADDER_TAKEN,
    LADDER_GIVEN_BACK
};

struct ladder_rows {
    struct ladder_row *rows;
    size_t count, room;
};

/* Heading and rows; log for numbers of a row's last event. */
void ladder_draw(const struct trace_log *log, const struct trace_ladder *ladder, const struct ladder_rows *rows,
                 FILE *out);

#endif
