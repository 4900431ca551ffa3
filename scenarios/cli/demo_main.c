/* SPDX-License-Identifier: GPL-2.0-only */
/* The main job: a thousand connections over ns-3, with and without offload, over sizes and loads; then the curves. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../shim/flue_ns3.h"
#include "cli/demo.h"
#include "cli/options.h"
#include "plots/plots.h"
#include "run/net_ns3.h"
#include "run/text.h"
#include "store/store.h"
#include "sweep/sweep.h"

#define MESSAGE_MAX 1024
#define FOLDER      "demo"
#define JOBS        2u

/* Both sweeps of the main job go into one database. */
#define DATABASE FOLDER "/results.db"

static int fail_io(const char *message)
{
    return cli_fail("demo", CLI_EXIT_IO, "%s", message);
}

static int run_missing(struct store *store, const struct sweep *sweep, const struct sweep_plan *plan)
{
    const struct sweep_options how = {.jobs = JOBS, .progress = SWEEP_PROGRESS_AUTO};
    struct sweep_outcome outcome;
    char message[MESSAGE_MAX] = "";
    uint64_t bad = 0;

    (void)fprintf(stderr, "flue demo: %s: %" PRIu64 " runs, %zu of them to do, %u at a time\n", sweep->name,
                  plan->total, plan->missing_count, JOBS);
    if (plan->missing_count == 0) {
        return CLI_EXIT_OK;
    }
    if (sweep_run(sweep, store, plan, &how, &outcome, message, sizeof message) != FLUE_OK) {
        return fail_io(message);
    }
    if (outcome.interrupted) {
        return cli_fail("demo", CLI_EXIT_INTERRUPTED, "interrupted; go on with: flue demo --main");
    }
    for (unsigned i = 0; i < STORE_STATUS_COUNT; i++) {
        bad += i == STORE_DONE ? 0 : outcome.counts[i];
    }
    return bad == 0 ? CLI_EXIT_OK
                    : cli_fail("demo", CLI_EXIT_RUNS,
                               "%" PRIu64 " runs did not end well; see: flue db query %s failures", bad, DATABASE);
}

static int run_sweep(struct store *store, const char *name)
{
    struct sweep sweep;
    struct sweep_plan plan;
    char message[MESSAGE_MAX];
    flue_err err = sweep_load(name, &sweep, message, sizeof message);
    int code;

    if (err != FLUE_OK) {
        return cli_fail_err("demo", err, message);
    }
    if (sweep_plan(&sweep, store, &plan) != FLUE_OK) {
        code = cli_fail_err("demo", FLUE_ENOMEM, NULL);
    } else {
        code = run_missing(store, &sweep, &plan);
        sweep_plan_free(&plan);
    }
    sweep_free(&sweep);
    return code;
}

static int print_tables(struct store *store, const char *ns3_version)
{
    struct text text = {.chars = NULL};
    char message[MESSAGE_MAX] = "";
    flue_err err;
    int code = CLI_EXIT_OK;

    text_add(
        &text,
        "1,000 connections over ns-3 %s's point-to-point devices, 10 Gb/s, 10 us each way, queues of 1,000 frames\n\n",
        ns3_version);
    err = demo_table(store, &text, message, sizeof message);
    if (err == FLUE_OK) {
        err = demo_peak(store, &text, message, sizeof message);
    }
    if (err == FLUE_OK && text.failed) {
        err = FLUE_ENOMEM;
    }
    if (err != FLUE_OK) {
        code = err == FLUE_ENOMEM ? cli_fail_err("demo", err, NULL) : fail_io(message);
    } else {
        (void)fputs(text_chars(&text), stdout);
        (void)fflush(stdout);
    }
    text_free(&text);
    return code;
}

static int draw(struct store *store)
{
    static const struct plot_request plots[] = {
        {.name = "latency", .output = FOLDER "/latency.svg"},
        {.name = "cpu-saving", .output = FOLDER "/cpu-saving.svg"},
    };
    char message[MESSAGE_MAX] = "";

    for (size_t i = 0; i < sizeof plots / sizeof plots[0]; i++) {
        flue_err err = plot_draw(store, &plots[i], message, sizeof message);

        if (err == FLUE_ETOOL) {
            return cli_fail("demo", CLI_EXIT_TOOL, "%s", message);
        }
        if (err != FLUE_OK) {
            return fail_io(message);
        }
    }
    (void)printf("\nFigures: %s and %s\n", plots[0].output, plots[1].output);
    return CLI_EXIT_OK;
}

static void print_next(void)
{
    cli_put(stdout,
            "\nNext:\n"
            "  flue run rpc -s connections=1000 -s io_size=64KiB -s load=80% --net ns3     one point of the curves\n"
            "  flue sweep run saving --db saving.db                                        finer curves, without ns-3\n"
            "  flue show host-2021-noopt                                                   what the costs stand on\n");
}

int demo_main(void)
{
    struct store *store = NULL;
    char message[MESSAGE_MAX] = "";
    const struct flue_ns3_api *api = net_ns3_api(message, sizeof message);
    int code;

    if (api == NULL) {
        return cli_fail("demo", CLI_EXIT_TOOL, "%s", message);
    }
    if (mkdir(FOLDER, 0777) != 0 && errno != EEXIST) {
        return cli_fail("demo", CLI_EXIT_IO, FOLDER ": the folder cannot be made: %s", strerror(errno));
    }
    if (store_open(DATABASE, STORE_CREATE, &store, message, sizeof message) != FLUE_OK) {
        return fail_io(message);
    }
    code = run_sweep(store, "demo");
    if (code == CLI_EXIT_OK) {
        code = run_sweep(store, "demo-peak");
    }
    if (code == CLI_EXIT_OK) {
        code = print_tables(store, api->version);
    }
    if (code == CLI_EXIT_OK) {
        code = draw(store);
    }
    if (code == CLI_EXIT_OK) {
        print_next();
    }
    store_close(store);
    return code;
}
