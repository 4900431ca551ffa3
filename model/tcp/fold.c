/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/fold.c - a digest of a connection: every field of its image (flue/state.def) but what it only counts. */
#include "base/fold.h"
#include "tcp/conn.h"

/* How a value of each unit is folded; times are measured to the millisecond only. */
#define FOLD_at_ps(value)       fold_at(digest, (flue_ps)(value), now_ps)
#define FOLD_ps(value)          fold_at(digest, (flue_ps)(value), 0)
#define FOLD_count(value)       (void)(value)
#define FOLD_segments(value)    (void)(value)
#define FOLD_PLAIN(value)       fold(digest, (uint64_t)(value))
#define FOLD_timestamp(value)   FOLD_PLAIN(value)
#define FOLD_acks(value)        FOLD_PLAIN(value)
#define FOLD_address(value)     FOLD_PLAIN(value)
#define FOLD_bytes(value)       FOLD_PLAIN(value)
#define FOLD_cubic_ticks(value) FOLD_PLAIN(value)
#define FOLD_doublings(value)   FOLD_PLAIN(value)
#define FOLD_flag(value)        FOLD_PLAIN(value)
#define FOLD_flags(value)       FOLD_PLAIN(value)
#define FOLD_fraction(value)    FOLD_PLAIN(value)
#define FOLD_hash(value)        FOLD_PLAIN(value)
#define FOLD_hops(value)        FOLD_PLAIN(value)
#define FOLD_label(value)       FOLD_PLAIN(value)
#define FOLD_mode(value)        FOLD_PLAIN(value)
#define FOLD_number(value)      FOLD_PLAIN(value)
#define FOLD_port(value)        FOLD_PLAIN(value)
#define FOLD_priority(value)    FOLD_PLAIN(value)
#define FOLD_probes(value)      FOLD_PLAIN(value)
#define FOLD_reason(value)      FOLD_PLAIN(value)
#define FOLD_recovery(value)    FOLD_PLAIN(value)
#define FOLD_retransmits(value) FOLD_PLAIN(value)
#define FOLD_rounds(value)      FOLD_PLAIN(value)
#define FOLD_seq(value)         FOLD_PLAIN(value)
#define FOLD_shift(value)       FOLD_PLAIN(value)
#define FOLD_state(value)       FOLD_PLAIN(value)
#define FOLD_ticks(value)       FOLD_PLAIN(value)
#define FOLD_tos(value)         FOLD_PLAIN(value)

static void fold_pieces(const struct piece *piece, uint64_t *digest)
{
    for (; piece != NULL; piece = piece->next) {
        fold(digest, (uint64_t)piece->seq << 1 | piece->psh);
        fold_span(digest, &piece->span);
    }
}

static void fold_board(const struct scoreboard *board, uint64_t *digest)
{
    for (const struct sack_range *range = board->head; range != NULL; range = range->next) {
        fold(digest, (uint64_t)range->from << 32 | range->to);
    }
}

void flue_tcp_fold(const struct flue_tcp_conn *conn, flue_ps now_ps, uint64_t *digest)
{
    const struct tcp_path *path = conn->path;
    const struct flue_tcp_settings *settings = conn->settings;
    const struct tcp_rare *rare = tcp_rare_of(conn);
    struct tcp_active told = *conn->active;
    const struct tcp_active *active = &told;

    tcp_tell_active(conn, &told);
#define FLUE_IMAGE(part, name, type, unit, where, told_as, after, since) FOLD_##unit(part->where);
#include "flue/state.def"
    fold(digest, conn->ack_segments);
    fold(digest, timer_fifo_armed(&conn->active->delayed_ack));
    fold_pieces(active->queue.head, digest);
    fold_pieces(active->reassembly.head, digest);
    fold_board(&active->board, digest);
}
