/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/bench.h - between measuring (bench.c) and telling (bench_report.c). */
#ifndef FLUE_CLI_BENCH_H
#define FLUE_CLI_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "flue/scenario.h"
#include "run/text.h"
#include "run/world.h"

#define BENCH_ROUNDS_MAX  15u
#define BENCH_MESSAGE_MAX 512

/* X(name, title, ns-3) */
#define BENCH_WAYS(X)                                                                                                  \
    X(LINK_HOST, "Flue on link, host", false)                                                                          \
    X(LINK_CHIMNEY, "Flue on link, chimney", false)                                                                    \
    X(NS3_HOST, "Flue on ns-3, host", true)                                                                            \
    X(NS3_CHIMNEY, "Flue on ns-3, chimney", true)                                                                      \
    X(NS3_DEVICE, "the bare ns-3 device", true)                                                                        \
    X(NS3_TCP, "ns-3's own TCP", true)

enum bench_way {
#define X(name, title, ns3) BENCH_##name,
    BENCH_WAYS(X)
#undef X
        BENCH_WAY_COUNT
};

enum { BENCH_SIZES = 3, BENCH_SMALL = 0, BENCH_MIDDLE = 1, BENCH_LARGE = 2 }; /* 10, 100 and 1,000 connections */
extern const uint32_t bench_connections[BENCH_SIZES];

/* One way at one number of connections; medians. */
struct bench_cell {
    double samples[BENCH_ROUNDS_MAX]; /* CPU ns per data segment, one for each round */
    double segment_ns;
    uint64_t segments; /* of the latest round */
    double alarms;     /* per data segment */
    double idle_bytes; /* held by one idle connection, both ends */
};

/* The contract checker (flue/check.h): what runs are dearer for it, by pairs of a run without and one with it. */
enum { BENCH_PAIRS = 9 };

/* X(name, key, title, most it may cost in per cent) */
#define BENCH_CHECKEDS(X)                                                                                              \
    X(BULK, "bulk", "bulk", 30)                                                                                        \
    X(RPC, "rpc", "rpc, 1 KiB", 60)

enum bench_checked {
#define X(name, key, title, limit) BENCH_CHECKED_##name,
    BENCH_CHECKEDS(X)
#undef X
        BENCH_CHECKED_COUNT
};

/* CPU time per data segment without the checker and while it counts: medians; and that of what each pair differs. While
 * it is off it costs one test at each of its hooks: how many a segment passes, and what they are of off_ns. */
struct bench_checker {
    double off_ns, count_ns, more_percent;
    double hooks, off_percent;
};

/* Very many connections (bench_scale.c). */
enum { BENCH_GROWTHS = 3, BENCH_FEW = 0, BENCH_MANY = 1, BENCH_MOST = 2 }; /* 100, 10,000 and 100,000 connections */
extern const uint32_t bench_many[BENCH_GROWTHS];

struct bench_growth {
    double samples[BENCH_GROWTHS][BENCH_ROUNDS_MAX]; /* CPU ns per data segment, equally many for each connection */
    double segment_ns[BENCH_GROWTHS];
    double idle_bytes[BENCH_GROWTHS];
};

/* A run of its own process. */
struct bench_run {
    double cpu_s, peak_mb;
    bool done;
};

struct bench_storm {
    const char *title, *events;
};
enum { BENCH_STORMS = 4 };
extern const struct bench_storm bench_storms[BENCH_STORMS];

struct bench {
    unsigned rounds;
    struct bench_growth growth[2]; /* host, chimney */
    double moves_per_s;            /* connections handed over or taken back */
    struct bench_run storms[BENCH_STORMS];
    bool large;
    struct bench_run million;
    bool ns3;
    char ns3_version[32], ns3_library[256]; /* the library that was loaded */
    struct bench_cell cells[BENCH_WAY_COUNT][BENCH_SIZES];
    double many_cpu_s; /* 10,000 connections opened, offloaded, used, closed */
    uint64_t many_offloaded;
    struct bench_checker checker[BENCH_CHECKED_COUNT];
    double test_ns;     /* of a hook whose checker is off */
    double start_ms[2]; /* CPU time of a tiny run: link, ns-3 */
};

/* What a run did, from its results. */
struct bench_counts {
    uint64_t moves;     /* connections handed over and taken back */
    uint64_t offloaded; /* handed over */
    uint64_t dropped;   /* frames, by full queues of the wire and full receive rings */
};

/* bench.c: bulk between equals on link or ns-3, and any run of a workload with settings.  counts may be NULL. */
FLUE_CHECKED flue_err bench_prepare(struct flue_scenario *scenario, uint32_t connections, uint64_t bytes, bool chimney,
                                    bool ns3, char *message);
FLUE_CHECKED flue_err bench_set_all(struct flue_scenario *scenario, const char *workload, const char *const *settings,
                                    size_t count, char *message);
FLUE_CHECKED flue_err bench_simulate(const struct flue_scenario *scenario, enum flue_check_mode check,
                                     struct world_outcome *outcome, struct bench_counts *counts, char *message);
/* The same for runs whose segments are compared: FLUE_ESTATE if a frame was dropped. */
FLUE_CHECKED flue_err bench_lossless(const struct flue_scenario *scenario, struct world_outcome *outcome,
                                     char *message);

/* bench_scale.c */
FLUE_CHECKED flue_err bench_growth(struct bench_growth *growth, unsigned size, bool chimney, unsigned round,
                                   char *message);
FLUE_CHECKED flue_err bench_moves(struct bench *bench, char *message);
FLUE_CHECKED flue_err bench_storm(struct bench_run *run, const struct bench_storm *storm, char *message);
FLUE_CHECKED flue_err bench_million(struct bench_run *run, char *message);
/* This program once more with other arguments; false: it failed. */
bool bench_child(char *const *arguments, struct bench_run *run);

/* The median of count samples; changes their order. */
double bench_median(double *samples, unsigned count);

/* A table, or one JSON object.  Returns how many bars were missed. */
unsigned bench_report(const struct bench *bench, bool json, struct text *out);

#endif
