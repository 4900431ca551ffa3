/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/pair.h - two TCP ends in virtual time, with a pipe between them that loses, doubles and reorders.
 *
 * Each end has two stacks, so that its connection can move from one to the other.  Every delivered span is checked
 * against what was written. */
#ifndef FLUE_TEST_TCP_PAIR_H
#define FLUE_TEST_TCP_PAIR_H

#include <stdbool.h>

#include "flue/tcp_engine.h"
#include "base/rng.h"
#include "base/timers.h"
#include "support/manual_env.h"

#define PAIR_FRAMES 8192

enum pair_reading {
    PAIR_READ_AT_ONCE, /* inside the callback */
    PAIR_READ_LATER,   /* some of it, a little later, again and again */
    PAIR_READ_STALLED  /* nothing for 3 s after the first byte, then as LATER */
};

enum pair_closing {
    PAIR_CLOSE_WHEN_WRITTEN, /* each end, as soon as it has written all */
    PAIR_CLOSE_ACTIVE_FIRST, /* the passive end answers the FIN */
    PAIR_CLOSE_PASSIVE_FIRST,
    PAIR_CLOSE_NEVER
};

struct pair_config {
    uint64_t seed;
    struct flue_tcp_params params[2];
    uint64_t bytes[2];    /* to write */
    uint32_t chunk_bytes; /* largest write */
    uint32_t run_bytes;   /* described payload changes its stream after that many bytes */
    uint32_t loss_ppm, double_ppm, reorder_ppm;
    flue_ps delay_ps;
    flue_ps limit_ps; /* the run must be over by then */
    enum pair_reading reading[2];
    enum pair_closing closing;
    bool wrap;              /* initial sequence numbers just below 2^32 */
    uint32_t move_every[2]; /* move the end to its other stack after so many events; 0: never */
    bool write_early;       /* the opening ends write before they are connected */
    bool both_open;         /* simultaneous open instead of active and passive */
};

struct pair;

struct pair_end {
    struct pair *pair;
    unsigned index;
    struct manual_env env;
    struct timers timers;
    struct flue_tcp *stack[2];
    unsigned side; /* the stack that holds the connection */
    struct flue_tcp_conn *conn;
    uint64_t written, received, unread;
    uint64_t acked;
    flue_ps read_ps; /* next time the user reads; FLUE_PS_NEVER: nothing to read */
    flue_ps stall_until_ps;
    uint32_t edge; /* right edge of the window on the wire, to see that it stays */
    bool edge_known;
    bool want_output, connected, app_closed, peer_fin, fin_acked, closed;
    enum flue_tcp_reason reason;
    uint64_t moves;
    uint64_t frames_out;
    uint32_t last_ts;
    bool ts_known;
};

struct pair_flight {
    flue_ps at_ps;
    uint64_t order;
    unsigned to;
    struct flue_frame frame;
};

struct pair {
    struct pair_config config;
    struct pair_end end[2];
    struct rng rng;
    flue_ps now_ps;
    struct pair_flight *flights;
    unsigned flying;
    uint64_t next_order;
    uint64_t events;
    struct flue_trace *trace;
    /* Called for every frame that enters the pipe; false: lose it. */
    bool (*filter)(struct pair *pair, unsigned from, const struct flue_frame *frame);
    void *filter_arg;
};

/* A plain configuration: no faults, 1 ms, default parameters, nothing to write. */
struct pair_config pair_plain(uint64_t seed);

void pair_init(struct pair *pair, const struct pair_config *config);
void pair_open(struct pair *pair);
/* One event; false when nothing is left to happen. */
bool pair_step(struct pair *pair);
/* Runs until both ends are closed (or, with CLOSE_NEVER, nothing is left to do), or fails at limit_ps. */
void pair_run(struct pair *pair);
void pair_run_until(struct pair *pair, flue_ps until_ps);
/* Moves an end's connection to its other stack, if its state allows. */
void pair_move(struct pair *pair, unsigned index);
/* Checks that everything was delivered and everything returned, and frees all. */
void pair_finish(struct pair *pair);
/* As above without the check of delivery. */
void pair_dispose(struct pair *pair);

#endif
