/* SPDX-License-Identifier: GPL-2.0-only */
/* What very many connections cost: a segment among them, the memory of one that is idle, moving them all. */
#define _DEFAULT_SOURCE 1 /* wait4() */

#include "cli/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run/params.h"

enum {
    SEGMENT_BYTES = 1448,
    FLOW_SEGMENTS = 20,   /* of each connection, however many there are */
    FEW_SEGMENTS = 200000 /* a measurement has at least so many: fewer connections are run again and again */
};

const uint32_t bench_many[BENCH_GROWTHS] = {100, 10000, 100000};

const struct bench_storm bench_storms[BENCH_STORMS] = {
    {"100,000 connections, the adapter wants all back", "events=2500ms upload-all"},
    {"100,000 connections move to another router", "events=2500ms relink"},
    {"100,000 connections, their router dies", "events=2500ms gateway-down"},
    {"100,000 connections, the adapter's hardware fails", "events=2500ms hardware-failure count=100000"},
};

static int64_t cpu_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

bool bench_child(char *const *arguments, struct bench_run *run)
{
    struct rusage usage;
    int status = 0;
    pid_t child, ended;

    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        const int null = open("/dev/null", O_WRONLY);

        if (null >= 0) {
            (void)dup2(null, STDOUT_FILENO);
            (void)dup2(null, STDERR_FILENO);
        }
        (void)execv("/proc/self/exe", arguments);
        _exit(127);
    }
    if (child < 0) {
        return false;
    }
    do {
        ended = wait4(child, &status, 0, &usage);
    } while (ended < 0 && errno == EINTR);
    if (ended != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return false;
    }
    *run = (struct bench_run){.cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                                       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
                              .peak_mb = (double)usage.ru_maxrss / 1024,
                              .done = true};
    return true;
}

/* ---- Growth of the cost of a segment */

/* The peer costs nothing: one with a price would lose what so many first windows bring at once. */
static flue_err prepare_growth(struct flue_scenario *scenario, uint32_t connections, bool chimney, char *message)
{
    static const char *const settings[] = {"peer_profile=none", "capacity=200000"};
    flue_err err =
        bench_prepare(scenario, connections, (uint64_t)FLOW_SEGMENTS * SEGMENT_BYTES, chimney, false, message);

    for (size_t i = 0; err == FLUE_OK && i < sizeof settings / sizeof settings[0]; i++) {
        err = params_assign(scenario, settings[i], message, BENCH_MESSAGE_MAX);
    }
    return err;
}

flue_err bench_growth(struct bench_growth *growth, unsigned size, bool chimney, unsigned round, char *message)
{
    const uint32_t connections = bench_many[size];
    struct flue_scenario scenario;
    struct world_outcome outcome = {.end_ps = 0};
    uint64_t segments = 0;
    int64_t ns = 0;
    flue_err err = prepare_growth(&scenario, connections, chimney, message);

    while (err == FLUE_OK && segments < FEW_SEGMENTS) {
        err = bench_lossless(&scenario, &outcome, message);
        segments += outcome.data_segments;
        ns += outcome.traffic_cpu_ns;
    }
    if (err == FLUE_OK) {
        growth->samples[size][round] = (double)ns / (double)segments;
        growth->idle_bytes[size] =
            ((double)outcome.memory_idle_bytes - (double)outcome.memory_base_bytes) / connections;
    }
    return err;
}

/* ---- State objects moved */

/* Little traffic, for as long as it takes; without events the same but for the moves.  Twelve of each connection: what
 * the first ones cost more, because their memory is new, does not count much. */
static flue_err prepare_moves(struct flue_scenario *scenario, bool moves, char *message)
{
    static const char *const settings[] = {"connections=100000", "offload=chimney", "capacity=200000", "load=1%",
                                           "requests=1",         "warmup=11500ms",  "time_wait=1ms"};
    flue_err err = bench_set_all(scenario, "rpc", settings, sizeof settings / sizeof settings[0], message);

    if (err == FLUE_OK && moves) {
        err = params_assign(scenario,
                            "events=2100ms upload; 2900ms offload; 3700ms upload; 4500ms offload; 5300ms upload; "
                            "6100ms offload; 6900ms upload; 7700ms offload; 8500ms upload; 9300ms offload; "
                            "10100ms upload; 10900ms offload",
                            message, BENCH_MESSAGE_MAX);
    }
    return err;
}

flue_err bench_moves(struct bench *bench, char *message)
{
    double samples[BENCH_PAIRS];

    for (unsigned pair = 0; pair < BENCH_PAIRS; pair++) {
        struct bench_counts counts[2];
        int64_t ns[2] = {0, 0};

        for (unsigned moves = 0; moves < 2; moves++) {
            struct flue_scenario scenario;
            struct world_outcome outcome;
            flue_err err = prepare_moves(&scenario, moves != 0, message);

            ns[moves] = -cpu_ns();
            if (err == FLUE_OK) {
                err = bench_simulate(&scenario, FLUE_CHECK_OFF, &outcome, &counts[moves], message);
            }
            if (err != FLUE_OK) {
                return err;
            }
            ns[moves] += cpu_ns();
        }
        samples[pair] = ns[1] > ns[0] && counts[1].moves > counts[0].moves
                            ? (double)(counts[1].moves - counts[0].moves) * 1e9 / (double)(ns[1] - ns[0])
                            : 0;
    }
    bench->moves_per_s = bench_median(samples, BENCH_PAIRS);
    return FLUE_OK;
}

/* ---- Whole runs of very many */

flue_err bench_storm(struct bench_run *run, const struct bench_storm *storm, char *message)
{
    const char *const arguments[] = {"flue",
                                     "run",
                                     "bulk",
                                     "-s",
                                     "connections=100000",
                                     "-s",
                                     "clients=100",
                                     "-s",
                                     "topology=gateways",
                                     "-s",
                                     "offload=chimney",
                                     "-s",
                                     "capacity=200000",
                                     "-s",
                                     "bytes=10KiB",
                                     "-s",
                                     "warmup=0",
                                     "-s",
                                     storm->events,
                                     NULL};

    if (!bench_child((char *const *)(uintptr_t)arguments, run)) {
        (void)snprintf(message, BENCH_MESSAGE_MAX, "the run of %s failed", storm->events);
        return FLUE_ESTATE;
    }
    return FLUE_OK;
}

flue_err bench_million(struct bench_run *run, char *message)
{
    static const char *const arguments[] = {"flue",
                                            "run",
                                            "bulk",
                                            "-s",
                                            "connections=1000000",
                                            "-s",
                                            "offload=chimney",
                                            "-s",
                                            "capacity=2000000",
                                            "-s",
                                            "bytes=1KiB",
                                            "-s",
                                            "warmup=0",
                                            NULL};

    if (!bench_child((char *const *)(uintptr_t)arguments, run)) {
        (void)snprintf(message, BENCH_MESSAGE_MAX, "the run of 1,000,000 connections failed");
        return FLUE_ESTATE;
    }
    return FLUE_OK;
}
