/* SPDX-License-Identifier: GPL-2.0-only */
/* flue bench: what a simulated segment costs the machine, beside what the same costs ns-3. */
#include "cli/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../shim/flue_ns3.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "run/net_ns3.h"
#include "run/params.h"
#include "run/results.h"
#include "run/world.h"
#include "run/yaml.h"

#define MESSAGE_MAX BENCH_MESSAGE_MAX

enum {
    SEGMENT_BYTES = 1448,
    SEGMENTS = 100000, /* of one measurement, whatever the way and the number of connections */
    IP_BYTES = 1500,   /* of a full segment with timestamps, and of its ACK */
    ACK_BYTES = 52,
    MANY = 10000,
    STARTS = 9,
    CHECKED = 1000, /* connections of the runs with and without the checker */
    CHECKED_REQUESTS = 20000
};

enum { OPTION_JSON = 256, OPTION_ROUNDS, OPTION_CHECK, OPTION_LARGE };

static const struct cli_option options[] = {
    {OPTION_JSON, "json", NULL, "print one JSON object instead of the table"},
    {OPTION_ROUNDS, "rounds", "N", "rounds, 1 to 15; the median is told (3)"},
    {OPTION_CHECK, "check", NULL, "exit code 1 if a bar is missed"},
    {OPTION_LARGE, "large", NULL, "1,000,000 connections, too: half a minute more and up to 2 GB of memory"},
    {0, NULL, NULL, NULL},
};

static const struct cli_command command = {
    .name = "bench",
    .summary = "Measures what a simulated segment costs this machine, beside what the same costs ns-3.",
    .usage = "flue bench [--json] [--rounds N] [--check] [--large]",
    .examples = "  flue bench\n"
                "  flue bench --json --rounds 7 > bench.json\n",
    .notes = "CPU time of this process; all ways take turns in every round, so that a machine that changes its pace\n"
             "changes it for all.  Nothing else should run meanwhile.  About three minutes.\n",
    .options = options,
    .run = command_bench,
};

const uint32_t bench_connections[BENCH_SIZES] = {10, 100, 1000};

static int64_t cpu_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

double bench_median(double *samples, unsigned count)
{
    qsort(samples, count, sizeof *samples, by_value);
    return count == 0 ? 0 : (samples[(count - 1) / 2] + samples[count / 2]) / 2;
}

/* ---- One run of Flue */

flue_err bench_set_all(struct flue_scenario *scenario, const char *workload, const char *const *settings, size_t count,
                       char *message)
{
    struct scenario_file file = {.source = NULL};
    flue_err err = scenario_load(workload, &file, message, MESSAGE_MAX);

    if (err != FLUE_OK) {
        return err;
    }
    *scenario = file.scenario;
    scenario_free(&file);
    for (size_t i = 0; err == FLUE_OK && i < count; i++) {
        err = params_assign(scenario, settings[i], message, MESSAGE_MAX);
    }
    return err;
}

/* The same model at both ends, interrupts moderated at both; the wire's queue has room for all. */
flue_err bench_prepare(struct flue_scenario *scenario, uint32_t connections, uint64_t bytes, bool chimney, bool ns3,
                       char *message)
{
    static const char *const settings[] = {"profile=host-2021-noopt",
                                           "peer_profile=host-2021-noopt",
                                           "warmup=0",
                                           "io_size=64KiB",
                                           "queue=100000",
                                           "time_wait=1ms"};
    flue_err err = bench_set_all(scenario, "bulk", settings, sizeof settings / sizeof settings[0], message);

    scenario->connections = connections;
    scenario->bytes = (int64_t)bytes;
    scenario->net = ns3 ? FLUE_NET_NS3 : FLUE_NET_LINK;
    if (err == FLUE_OK) {
        err = params_assign(scenario, chimney ? "offload=chimney" : "offload=host", message, MESSAGE_MAX);
    }
    return err;
}

static uint64_t number_of(const struct results *results, const char *metric, const char *entity)
{
    const struct result_number *number = results_find(results, metric, entity);

    return number == NULL ? 0 : (uint64_t)number->numerator;
}

static struct bench_counts count(const struct results *results)
{
    const uint64_t offloaded = number_of(results, "offloaded", "");

    return (struct bench_counts){.moves = offloaded + number_of(results, "uploaded", ""),
                                 .offloaded = offloaded,
                                 .dropped = number_of(results, "wire.dropped", "server to client") +
                                            number_of(results, "wire.dropped", "client to server") +
                                            number_of(results, "ring.dropped", "server") +
                                            number_of(results, "ring.dropped", "client")};
}

flue_err bench_simulate(const struct flue_scenario *scenario, enum flue_check_mode check, struct world_outcome *outcome,
                        struct bench_counts *counts, char *message)
{
    const struct world_watch watch = {.check = check};
    struct results *results = results_new();
    struct flue_record record;
    flue_err err;

    if (results == NULL) {
        (void)snprintf(message, MESSAGE_MAX, "%s", flue_err_sentence(FLUE_ENOMEM));
        return FLUE_ENOMEM;
    }
    record = results_record(results);
    err = world_run(scenario, &record, &watch, outcome, message, MESSAGE_MAX);
    if (err == FLUE_OK) {
        err = results_finish(results);
    }
    if (err == FLUE_OK && outcome->findings > 0) {
        (void)snprintf(message, MESSAGE_MAX, "the audit failed: %s", results_finding(results, 0));
        err = FLUE_ESTATE;
    }
    if (err == FLUE_OK && counts != NULL) {
        *counts = count(results);
    }
    results_free(results);
    return err;
}

/* What is compared with ns-3, which has no processors: here the link is slower than the receiving host's, so that
 * frames wait in the link's queue and not in the adapter's receive ring, where there is not room for all.  Then no way
 * drops a frame, and all send the same segments, once. */
static flue_err prepare_cell(struct flue_scenario *scenario, uint32_t connections, uint64_t bytes, bool chimney,
                             bool ns3, char *message)
{
    flue_err err = bench_prepare(scenario, connections, bytes, chimney, ns3, message);

    return err == FLUE_OK ? params_assign(scenario, "link_rate=4Gbps", message, MESSAGE_MAX) : err;
}

flue_err bench_lossless(const struct flue_scenario *scenario, struct world_outcome *outcome, char *message)
{
    struct bench_counts counts;
    flue_err err = bench_simulate(scenario, FLUE_CHECK_OFF, outcome, &counts, message);

    if (err == FLUE_OK && counts.dropped > 0) {
        (void)snprintf(message, MESSAGE_MAX, "%" PRIu64 " frames of a run that is compared were dropped",
                       counts.dropped);
        err = FLUE_ESTATE;
    }
    return err;
}

static flue_err measure_flue(struct bench_cell *cell, unsigned round, uint32_t connections, bool chimney, bool ns3,
                             char *message)
{
    const uint64_t bytes = (uint64_t)SEGMENTS / connections * SEGMENT_BYTES;
    struct flue_scenario scenario;
    struct world_outcome outcome;
    flue_err err = prepare_cell(&scenario, connections, bytes, chimney, ns3, message);

    if (err == FLUE_OK) {
        err = bench_lossless(&scenario, &outcome, message);
    }
    if (err != FLUE_OK || outcome.data_segments == 0) {
        return err;
    }
    cell->samples[round] = (double)outcome.traffic_cpu_ns / (double)outcome.data_segments;
    cell->segments = outcome.data_segments;
    cell->alarms = (double)outcome.traffic_alarms / (double)outcome.data_segments;
    cell->idle_bytes = ((double)outcome.memory_idle_bytes - (double)outcome.memory_base_bytes) / connections;
    return FLUE_OK;
}

/* ---- One run of ns-3 */

static flue_err measure_ns3(struct bench_cell *cell, unsigned round, uint32_t connections, bool tcp, char *message)
{
    const struct flue_ns3_api *api = net_ns3_api(message, MESSAGE_MAX);
    struct flue_scenario scenario;
    struct flue_net_params params;
    uint64_t segments = SEGMENTS, idle_bytes = 0;
    int64_t ns = 0;
    flue_err err = api == NULL ? FLUE_ETOOL : prepare_cell(&scenario, connections, 1, false, true, message);

    if (err != FLUE_OK) {
        return err;
    }
    params = (struct flue_net_params){.facts = {.rate_bps = (uint64_t)scenario.link_rate,
                                                .delay_ps = scenario.delay,
                                                .framing_bytes = (uint32_t)scenario.framing,
                                                .mtu_bytes = (uint32_t)scenario.mtu,
                                                .queue_frames = (uint32_t)scenario.queue},
                                      .seed = 1};
    if (tcp) {
        err = api->bench_tcp(connections, (uint64_t)SEGMENTS / connections * SEGMENT_BYTES, SEGMENT_BYTES, &params, &ns,
                             &segments, &idle_bytes);
    } else {
        err = api->bench_device(segments, IP_BYTES, ACK_BYTES, &params, &ns);
    }
    if (err != FLUE_OK || segments == 0) {
        (void)snprintf(message, MESSAGE_MAX, "ns-3's measurement failed: %s", flue_err_sentence(err));
        return err == FLUE_OK ? FLUE_ESTATE : err;
    }
    cell->samples[round] = (double)ns / (double)segments;
    cell->segments = segments;
    cell->idle_bytes = (double)idle_bytes;
    return FLUE_OK;
}

static flue_err measure(struct bench *bench, enum bench_way way, unsigned size, unsigned round, char *message)
{
    struct bench_cell *cell = &bench->cells[way][size];
    const uint32_t connections = bench_connections[size];

    switch (way) {
    case BENCH_LINK_HOST:
        return measure_flue(cell, round, connections, false, false, message);
    case BENCH_LINK_CHIMNEY:
        return measure_flue(cell, round, connections, true, false, message);
    case BENCH_NS3_HOST:
        return bench->ns3 ? measure_flue(cell, round, connections, false, true, message) : FLUE_OK;
    case BENCH_NS3_CHIMNEY:
        return bench->ns3 ? measure_flue(cell, round, connections, true, true, message) : FLUE_OK;
    case BENCH_NS3_DEVICE:
        return bench->ns3 ? measure_ns3(cell, round, connections, false, message) : FLUE_OK;
    case BENCH_NS3_TCP:
        return bench->ns3 ? measure_ns3(cell, round, connections, true, message) : FLUE_OK;
    case BENCH_WAY_COUNT:
        break;
    }
    return FLUE_OK;
}

/* ---- The other measurements */

static flue_err measure_many(struct bench *bench, char *message)
{
    struct flue_scenario scenario;
    struct world_outcome outcome;
    struct bench_counts counts = {.moves = 0};
    int64_t begin_ns;
    flue_err err = bench_prepare(&scenario, MANY, 10000, true, false, message);

    begin_ns = cpu_ns();
    if (err == FLUE_OK) {
        err = bench_simulate(&scenario, FLUE_CHECK_OFF, &outcome, &counts, message);
    }
    bench->many_offloaded = counts.offloaded;
    bench->many_cpu_s = (double)(cpu_ns() - begin_ns) / 1e9;
    return err;
}

static flue_err prepare_checked(struct flue_scenario *scenario, enum bench_checked load, char *message)
{
    static const char *const settings[] = {"profile=host-2021-noopt",
                                           "peer_profile=host-2021-noopt",
                                           "offload=chimney",
                                           "warmup=0",
                                           "io_size=1KiB",
                                           "time_wait=1ms"};
    flue_err err = FLUE_OK;

    switch (load) {
    case BENCH_CHECKED_BULK:
        return bench_prepare(scenario, CHECKED, SEGMENTS / CHECKED * SEGMENT_BYTES, true, false, message);
    case BENCH_CHECKED_RPC:
        err = bench_set_all(scenario, "rpc", settings, sizeof settings / sizeof settings[0], message);
        scenario->connections = CHECKED;
        scenario->requests = CHECKED_REQUESTS;
        break;
    case BENCH_CHECKED_COUNT:
        break;
    }
    return err;
}

/* What a hook costs that finds no checker: a pointer is loaded, compared, and a branch not taken.  The loop around it
 * is in the time, too, so that it is rather too much; of many samples the least, as nothing makes it faster than it is.
 */
static double measure_test(void)
{
    enum { SAMPLES = 50, TESTS = 200000 };
    void *volatile checker = NULL;
    double least = 0;
    unsigned found = 0;

    for (unsigned i = 0; i < SAMPLES; i++) {
        const int64_t begin_ns = cpu_ns();
        double each;

        for (unsigned test = 0; test < TESTS; test++) {
            if (__builtin_expect(checker != NULL, 0)) {
                found++;
            }
        }
        each = (double)(cpu_ns() - begin_ns + (int64_t)found) / TESTS;
        least = i == 0 || each < least ? each : least;
    }
    return least;
}

/* The same run without the checker and with it, in pairs, as neither must get the better half of the time. */
static flue_err measure_checked(struct bench_checker *checker, enum bench_checked load, double test_ns, char *message)
{
    double off[BENCH_PAIRS], on[BENCH_PAIRS], more[BENCH_PAIRS];
    struct flue_scenario scenario;
    double hooks = 0;
    flue_err err = prepare_checked(&scenario, load, message);

    for (unsigned i = 0; err == FLUE_OK && i < 2 * BENCH_PAIRS; i++) {
        const bool checked = (i & 1u) != (i >> 1 & 1u); /* whoever was second in one pair is first in the next */
        struct world_outcome outcome;

        err = bench_simulate(&scenario, checked ? FLUE_CHECK_COUNT : FLUE_CHECK_OFF, &outcome, NULL, message);
        if (err == FLUE_OK && outcome.data_segments > 0) {
            (checked ? on : off)[i / 2] = (double)outcome.traffic_cpu_ns / (double)outcome.data_segments;
            hooks = checked ? (double)outcome.traffic_crossings / (double)outcome.data_segments : hooks;
        }
    }
    for (unsigned i = 0; err == FLUE_OK && i < BENCH_PAIRS; i++) {
        more[i] = off[i] > 0 ? (on[i] / off[i] - 1) * 100 : 0;
    }
    if (err == FLUE_OK) {
        *checker = (struct bench_checker){.off_ns = bench_median(off, BENCH_PAIRS),
                                          .count_ns = bench_median(on, BENCH_PAIRS),
                                          .more_percent = bench_median(more, BENCH_PAIRS),
                                          .hooks = hooks};
        checker->off_percent = checker->off_ns > 0 ? hooks * test_ns / checker->off_ns * 100 : 0;
    }
    return err;
}

/* CPU time of this program from its start to the end of a run of one segment, in milliseconds; negative: it failed. */
static double start_once(const char *net)
{
    const char *const arguments[] = {"flue",     "run",   "bulk", "-s", "connections=1", "-s", "bytes=1KiB", "-s",
                                     "warmup=0", "--net", net,    NULL};
    struct bench_run run;

    return bench_child((char *const *)(uintptr_t)arguments, &run) ? run.cpu_s * 1e3 : -1;
}

static flue_err measure_start(struct bench *bench, char *message)
{
    static const char *const nets[] = {"link", "ns3"};

    for (unsigned net = 0; net < (bench->ns3 ? 2u : 1u); net++) {
        double samples[STARTS];

        for (unsigned i = 0; i < STARTS; i++) {
            samples[i] = start_once(nets[net]);
            if (samples[i] < 0) {
                (void)snprintf(message, MESSAGE_MAX, "the run that measures start-up on %s failed", nets[net]);
                return FLUE_ESTATE;
            }
        }
        bench->start_ms[net] = bench_median(samples, STARTS);
    }
    return FLUE_OK;
}

/* Which file the dynamic linker took ns-3's core from. */
static void find_library(struct bench *bench)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[1024];

    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        const char *path = strchr(line, '/');

        if (path != NULL && strstr(path, "/libns3") != NULL && strstr(path, "core") != NULL) {
            (void)snprintf(bench->ns3_library, sizeof bench->ns3_library, "%.*s", (int)strcspn(path, "\n"), path);
            break;
        }
    }
    if (maps != NULL) {
        (void)fclose(maps);
    }
}

static void note_ns3(struct bench *bench)
{
    char message[MESSAGE_MAX];
    const struct flue_ns3_api *api = net_ns3_api(message, sizeof message);

    bench->ns3 = api != NULL;
    if (api != NULL) {
        (void)snprintf(bench->ns3_version, sizeof bench->ns3_version, "%s", api->version);
        find_library(bench);
    } else {
        (void)fprintf(stderr, "flue bench: without ns-3: %s\n", message);
    }
}

static flue_err measure_all(struct bench *bench, char *message)
{
    flue_err err = FLUE_OK;

    for (unsigned round = 0; err == FLUE_OK && round < bench->rounds; round++) {
        (void)fprintf(stderr, "flue bench: round %u of %u\n", round + 1, bench->rounds);
        for (unsigned size = 0; err == FLUE_OK && size < BENCH_SIZES; size++) {
            for (unsigned way = 0; err == FLUE_OK && way < BENCH_WAY_COUNT; way++) {
                err = measure(bench, (enum bench_way)way, size, round, message);
            }
        }
        for (unsigned cell = 0; err == FLUE_OK && cell < 2 * BENCH_GROWTHS; cell++) {
            err = bench_growth(&bench->growth[cell % 2], cell / 2, cell % 2 != 0, round, message);
        }
    }
    for (unsigned cell = 0; err == FLUE_OK && cell < 2 * BENCH_GROWTHS; cell++) {
        struct bench_growth *growth = &bench->growth[cell % 2];

        growth->segment_ns[cell / 2] = bench_median(growth->samples[cell / 2], bench->rounds);
    }
    for (unsigned way = 0; err == FLUE_OK && way < BENCH_WAY_COUNT; way++) {
        for (unsigned size = 0; size < BENCH_SIZES; size++) {
            bench->cells[way][size].segment_ns = bench_median(bench->cells[way][size].samples, bench->rounds);
        }
    }
    if (err == FLUE_OK) {
        err = measure_many(bench, message);
    }
    bench->test_ns = measure_test();
    for (unsigned load = 0; err == FLUE_OK && load < BENCH_CHECKED_COUNT; load++) {
        err = measure_checked(&bench->checker[load], (enum bench_checked)load, bench->test_ns, message);
    }
    if (err == FLUE_OK) {
        err = bench_moves(bench, message);
    }
    for (unsigned storm = 0; err == FLUE_OK && storm < BENCH_STORMS; storm++) {
        err = bench_storm(&bench->storms[storm], &bench_storms[storm], message);
    }
    if (err == FLUE_OK && bench->large) {
        err = bench_million(&bench->million, message);
    }
    return err == FLUE_OK ? measure_start(bench, message) : err;
}

static int print(const struct bench *bench, bool json, bool check)
{
    struct text text = {.chars = NULL};
    const unsigned missed = bench_report(bench, json, &text);
    int code = CLI_EXIT_OK;

    if (text.failed) {
        code = cli_fail_err("bench", FLUE_ENOMEM, NULL);
    } else {
        (void)fputs(text_chars(&text), stdout);
    }
    text_free(&text);
    if (code == CLI_EXIT_OK && check && missed > 0) {
        code = cli_fail("bench", CLI_EXIT_CHECK, "%u bars were missed", missed);
    }
    return code;
}

int command_bench(int argc, char **argv)
{
    struct bench *bench = calloc(1, sizeof *bench);
    char message[MESSAGE_MAX] = "";
    bool json = false, check = false;
    const char *argument;
    uint64_t rounds = 3;
    int first = 0, code, id;
    flue_err err;

    if (bench == NULL) {
        return cli_fail_err("bench", FLUE_ENOMEM, NULL);
    }
    while ((id = cli_next(&command, argc, argv, &first, &argument)) > 0) {
        json = json || id == OPTION_JSON;
        check = check || id == OPTION_CHECK;
        bench->large = bench->large || id == OPTION_LARGE;
        if (id == OPTION_ROUNDS && !cli_parse_u64(argument, 1, BENCH_ROUNDS_MAX, &rounds)) {
            free(bench);
            return cli_fail("bench", CLI_EXIT_USAGE, "--rounds %.60s: not a whole number from 1 to %u", argument,
                            BENCH_ROUNDS_MAX);
        }
    }
    if (id != CLI_END || first < argc) {
        free(bench);
        return id != CLI_END
                   ? cli_exit_of(id)
                   : cli_fail("bench", CLI_EXIT_USAGE, "'%.60s' is too much; see: flue bench --help", argv[first]);
    }
    bench->rounds = (unsigned)rounds;
    note_ns3(bench);
    err = measure_all(bench, message);
    code = err != FLUE_OK ? cli_fail_err("bench", err, message[0] == '\0' ? NULL : message) : print(bench, json, check);
    free(bench);
    return code;
}
