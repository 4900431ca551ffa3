/* SPDX-License-Identifier: GPL-2.0-only */
/* flue sweep: plans many runs and does what is missing of them. */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "run/net_ns3.h"
#include "run/text.h"
#include "store/store.h"
#include "sweep/sweep.h"

#define MESSAGE_MAX 1024
#define JOBS_MAX    1024u

enum { OPTION_DB = 256, OPTION_PROGRESS, OPTION_LIST };

static const struct cli_option options[] = {
    {OPTION_DB, "db", "FILE", "the results database; sweep run makes it if it is not there"},
    {'j', "jobs", "N", "runs at the same time (one for each processor)"},
    {OPTION_LIST, "list", NULL, "sweep plan: every missing run, tabs between columns"},
    {OPTION_PROGRESS, "progress", "KIND", "none, bar or plain (bar on a terminal, else plain)"},
    {0, NULL, NULL, NULL},
};

static const struct cli_command command = {
    .name = "sweep",
    .summary = "Does the runs of a sweep file that a results database does not have yet.",
    .usage = "flue sweep plan NAME|FILE.yaml [--db FILE] [--list]\n"
             "       flue sweep run NAME|FILE.yaml --db FILE [-j N]\n"
             "       flue sweep status NAME|FILE.yaml --db FILE",
    .examples = "  flue sweep plan quick\n"
                "  flue sweep run quick --db results.db\n"
                "  flue sweep run mine.yaml --db results.db -j 4\n",
    .notes = "Built-in sweeps: connections, demo, demo-peak, policies, quick, saving.\n"
             "The same command again goes on where the last one ended.\n"
             "Ctrl-C finishes the running runs and prints that command; a second Ctrl-C stops them.\n"
             "Captures are of single runs: flue run SCENARIO --pcap FILE\n"
             "A run that fails does not stop the others; its last words are in: flue db query FILE failures\n",
    .options = options,
    .run = command_sweep,
};

struct request {
    const char *verb, *file, *db;
    unsigned jobs;
    enum sweep_progress progress;
    bool list;
};

static int read_option(struct request *request, int id, const char *argument)
{
    static const char *const kinds[] = {"auto", "none", "bar", "plain"};
    uint64_t number;

    switch (id) {
    case OPTION_DB:
        request->db = argument;
        return CLI_EXIT_OK;
    case OPTION_LIST:
        request->list = true;
        return CLI_EXIT_OK;
    case 'j':
        if (!cli_parse_u64(argument, 1, JOBS_MAX, &number)) {
            return cli_fail("sweep", CLI_EXIT_USAGE, "-j %.60s: not a whole number from 1 to %u", argument, JOBS_MAX);
        }
        request->jobs = (unsigned)number;
        return CLI_EXIT_OK;
    default:
        break;
    }
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(argument, kinds[i]) == 0) {
            request->progress = (enum sweep_progress)i;
            return CLI_EXIT_OK;
        }
    }
    return cli_fail("sweep", CLI_EXIT_USAGE, "--progress %.60s: write none, bar or plain", argument);
}

static void print_plan(const struct sweep *sweep, const struct sweep_plan *plan, unsigned jobs)
{
    char time[64];

    (void)printf("%s: %zu points x %" PRIu64 " seeds = %" PRIu64 " runs; %" PRIu64 " done, %zu missing\n", sweep->name,
                 sweep->count, sweep->repeat, plan->total, plan->done, plan->missing_count);
    if (sweep->question[0] != '\0') {
        (void)printf("question: %s\n", sweep->question);
    }
    if (plan->mean_wall_s > 0 && plan->missing_count > 0) {
        sweep_duration(plan->mean_wall_s * (double)plan->missing_count / jobs, time, sizeof time);
        (void)printf("about %s with -j %u\n", time, jobs);
    }
}

static void print_list(const struct sweep *sweep, const struct sweep_plan *plan)
{
    char words[1024];

    (void)printf("rng_run\tpoint\tparameters\n");
    for (size_t i = 0; i < plan->missing_count; i++) {
        uint64_t run = plan->missing[i];
        sweep_point_words(sweep, &sweep->points[run % sweep->count], words, sizeof words);
        (void)printf("%" PRIu64 "\t%" PRIu64 "\t%s\n", run / sweep->count + 1, run % sweep->count + 1, words);
    }
}

/* How the stored runs of this sweep ended. */
static int print_status(const struct sweep *sweep, struct store *store, const struct sweep_plan *plan)
{
    sqlite3_stmt *s = NULL;
    uint64_t counts[STORE_STATUS_COUNT] = {0};
    bool ok =
        sqlite3_prepare_v2(store_database(store),
                           "SELECT status, count(*) FROM run JOIN config USING(config_id) "
                           "WHERE config_hash = ? AND rng_seed = ? AND rng_run <= ? AND model_epoch = ? GROUP BY 1",
                           -1, &s, NULL) == SQLITE_OK;

    for (size_t i = 0; ok && i < sweep->count; i++) {
        sqlite3_bind_text(s, 1, sweep->points[i].hash, -1, SQLITE_STATIC);
        sqlite3_bind_int64(s, 2, (sqlite3_int64)sweep->base.scenario.seed);
        sqlite3_bind_int64(s, 3, (sqlite3_int64)sweep->repeat);
        sqlite3_bind_int64(s, 4, FLUE_MODEL_EPOCH);
        while (sqlite3_step(s) == SQLITE_ROW) {
            for (unsigned j = 0; j < STORE_STATUS_COUNT; j++) {
                if (strcmp((const char *)sqlite3_column_text(s, 0), store_status_word(j)) == 0) {
                    counts[j] += (uint64_t)sqlite3_column_int64(s, 1);
                }
            }
        }
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    if (!ok) {
        return cli_fail("sweep", CLI_EXIT_IO, "%s: cannot be read", store_path(store));
    }
    (void)printf("%s\t%s\n", "status", "runs");
    for (unsigned j = 0; j < STORE_STATUS_COUNT; j++) {
        (void)printf("%s\t%" PRIu64 "\n", store_status_word(j), counts[j]);
    }
    (void)printf("missing\t%zu\n", plan->missing_count);
    return CLI_EXIT_OK;
}

static int summarise(const struct sweep_outcome *outcome, const struct sweep_plan *plan, const struct request *request)
{
    uint64_t bad = 0, all = 0;

    for (unsigned i = 0; i < STORE_STATUS_COUNT; i++) {
        all += outcome->counts[i];
        bad += i != STORE_DONE ? outcome->counts[i] : 0;
    }
    (void)printf("done %" PRIu64, outcome->counts[STORE_DONE]);
    for (unsigned i = STORE_FAILED; i < STORE_STATUS_COUNT; i++) {
        if (outcome->counts[i] > 0) {
            (void)printf(", %s %" PRIu64, store_status_word(i), outcome->counts[i]);
        }
    }
    if (plan->done > 0) {
        (void)printf(", done before %" PRIu64, plan->done);
    }
    if (plan->missing_count > all) {
        (void)printf(", not started %" PRIu64, plan->missing_count - all);
    }
    (void)printf("\n");
    (void)fflush(stdout);
    if (outcome->interrupted) {
        return cli_fail("sweep", CLI_EXIT_INTERRUPTED, "interrupted; go on with: flue sweep run %s --db %s -j %u",
                        request->file, request->db, request->jobs);
    }
    if (bad > 0) {
        return cli_fail("sweep", CLI_EXIT_RUNS, "%" PRIu64 " runs did not end well; see: flue db query %s failures",
                        bad, request->db);
    }
    return CLI_EXIT_OK;
}

static int run_missing(const struct sweep *sweep, struct store *store, const struct sweep_plan *plan,
                       const struct request *request)
{
    struct sweep_options how = {.jobs = request->jobs, .progress = request->progress};
    struct sweep_outcome outcome;
    char message[MESSAGE_MAX];
    flue_err err;

    (void)fprintf(stderr, "flue sweep: %s: %zu of %" PRIu64 " runs are missing\n", sweep->name, plan->missing_count,
                  plan->total);
    err = sweep_run(sweep, store, plan, &how, &outcome, message, sizeof message);
    if (err != FLUE_OK) {
        return cli_fail("sweep", CLI_EXIT_IO, "%s", message);
    }
    return summarise(&outcome, plan, request);
}

static int with_store(const struct sweep *sweep, struct store *store, const struct request *request)
{
    struct sweep_plan plan;
    int code = CLI_EXIT_OK;

    if (sweep_plan(sweep, store, &plan) != FLUE_OK) {
        return cli_fail_err("sweep", FLUE_ENOMEM, NULL);
    }
    if (strcmp(request->verb, "run") == 0) {
        code = run_missing(sweep, store, &plan, request);
    } else if (strcmp(request->verb, "status") == 0) {
        code = print_status(sweep, store, &plan);
    } else if (request->list) {
        print_list(sweep, &plan);
    } else {
        print_plan(sweep, &plan, request->jobs);
    }
    sweep_plan_free(&plan);
    return code;
}

static int serve(const struct request *request)
{
    bool running = strcmp(request->verb, "run") == 0;
    struct store *store = NULL;
    struct sweep sweep;
    char message[MESSAGE_MAX];
    flue_err err = sweep_load(request->file, &sweep, message, sizeof message);
    int code;

    if (err != FLUE_OK) {
        return cli_fail_err("sweep", err, message);
    }
    if (running && sweep.base.scenario.net == FLUE_NET_NS3 && net_ns3_api(message, sizeof message) == NULL) {
        sweep_free(&sweep);
        return cli_fail("sweep", CLI_EXIT_TOOL, "%s", message);
    }
    if (request->db != NULL) {
        err = store_open(request->db, running ? STORE_CREATE : STORE_READ, &store, message, sizeof message);
        /* A plan may be made before there is a database. */
        if (err == FLUE_ENOENT && strcmp(request->verb, "plan") == 0) {
            err = FLUE_OK;
        }
    }
    code = err == FLUE_OK ? with_store(&sweep, store, request) : cli_fail("sweep", CLI_EXIT_IO, "%s", message);
    store_close(store);
    sweep_free(&sweep);
    return code;
}

static int check_request(struct request *request, int argc, char **argv, int first)
{
    static const char *const verbs[] = {"plan", "run", "status"};
    const char *nearest;

    if (first == argc) {
        return cli_fail("sweep", CLI_EXIT_USAGE, "write: flue sweep plan|run|status FILE; see: flue sweep --help");
    }
    request->verb = argv[first];
    if (strcmp(request->verb, "plan") != 0 && strcmp(request->verb, "run") != 0 &&
        strcmp(request->verb, "status") != 0) {
        nearest = text_nearest(request->verb, verbs, 3);
        return cli_fail("sweep", CLI_EXIT_USAGE, "unknown: sweep %.60s; did you mean: sweep %s?", request->verb,
                        nearest != NULL ? nearest : "run");
    }
    if (first + 2 != argc) {
        return cli_fail("sweep", CLI_EXIT_USAGE, "name one sweep file: flue sweep %s FILE", request->verb);
    }
    request->file = argv[first + 1];
    if (request->db == NULL && strcmp(request->verb, "plan") != 0) {
        return cli_fail("sweep", CLI_EXIT_USAGE, "which database? add --db FILE");
    }
    return CLI_EXIT_OK;
}

int command_sweep(int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct request request = {.jobs = processors > 0 && processors <= (long)JOBS_MAX ? (unsigned)processors : 1,
                              .progress = SWEEP_PROGRESS_AUTO};
    const char *argument;
    int first = 0, id, code;

    while ((id = cli_next(&command, argc, argv, &first, &argument)) > 0) {
        code = read_option(&request, id, argument);
        if (code != CLI_EXIT_OK) {
            return code;
        }
    }
    if (id != CLI_END) {
        return cli_exit_of(id);
    }
    code = check_request(&request, argc, argv, first);
    return code == CLI_EXIT_OK ? serve(&request) : code;
}
