/* SPDX-License-Identifier: GPL-2.0-only */
/* flue plot: a figure from a results database. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "plots/plots.h"
#include "run/params.h"
#include "run/text.h"
#include "store/store.h"

#define MESSAGE_MAX 1024

enum { OPTION_DB = 256, OPTION_KEEP, OPTION_WHERE, OPTION_FROM, OPTION_TO };

static const struct cli_option options[] = {
    {OPTION_DB, "db", "FILE", "the results database"},
    {'o', "output", "FILE", "the picture: NAME.svg, NAME.png or NAME.pdf"},
    {OPTION_WHERE, "where", "NAME=VALUE",
     "only runs with this parameter, or workload, scenario, seed, rng_run; may be repeated"},
    {OPTION_FROM, "from", "TIME", "storm: from this simulated time on"},
    {OPTION_TO, "to", "TIME", "storm: up to this simulated time"},
    {OPTION_KEEP, "keep", NULL, "leave the gnuplot script and its data beside the picture"},
    {0, NULL, NULL, NULL},
};

static const struct cli_command command = {
    .name = "plot",
    .summary = "Draws a figure from the finished runs of a results database.",
    .usage = "flue plot latency|cpu-saving|policies|storm|silence --db FILE -o FILE.svg [options]",
    .examples = "  flue plot latency --db results.db -o latency.svg\n"
                "  flue plot cpu-saving --db results.db -o saving.pdf --keep\n"
                "  flue plot latency --db results.db -o slow.png --where link_rate=1Gbps\n"
                "  flue plot policies --db results.db -o policies.svg\n"
                "  flue plot storm --db results.db -o storm.svg --where seed=2 --from 5ms --to 20ms\n"
                "  flue plot silence --db results.db -o silence.svg\n",
    .notes = "latency     p50 and p99 of requests against the size of a response, host and chimney, a panel per load\n"
             "cpu-saving  host cycles per byte that offload saves, against the size of a response; where it loses is "
             "shaded; both show what limits each point\n"
             "policies    host cycles per byte and p99 by policy, against the adapter's contexts per connection\n"
             "storm       one run with a timeline (parameter sample): who holds the connections, goodput, host CPU by "
             "category,\n"
             "            retransmissions, with what was scheduled; of runs that differ only in the seed the newest\n"
             "silence     how many connections were never silent for longer than a time; runs that differ in one "
             "parameter,\n"
             "            in offload, or in both\n"
             "All say what the costs behind them stand on; flue show PLOT tells more.  gnuplot draws.\n",
    .options = options,
    .run = command_plot,
};

/* What runs differ in besides their parameters. */
static bool is_of_the_run(const char *name)
{
    static const char *const names[] = {"workload", "scenario", "seed", "rng_run"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* --from and --to become "from=" and "to=" with picoseconds. */
static int canonical_time(const char *name, const char *text, char *out, size_t room)
{
    char why[512];
    int64_t ps;

    if (params_parse(params_find("warmup"), text, &ps, why, sizeof why) != FLUE_OK) {
        return cli_fail("plot", CLI_EXIT_USAGE, "--%s %.60s: no time; write it as 5ms", name, text);
    }
    (void)snprintf(out, room, "%s=%" PRId64, name, ps);
    return CLI_EXIT_OK;
}

/* "load=0.3" becomes "load=30%", as the database writes it. */
static int canonical_where(const char *text, char *out, size_t room)
{
    char name[64], value[FLUE_TEXT_MAX], why[512];
    const char *equals = strchr(text, '=');
    const struct param_info *param;
    struct flue_scenario scenario;

    if (equals == NULL || (size_t)(equals - text) >= sizeof name) {
        return cli_fail("plot", CLI_EXIT_USAGE, "--where %.60s: write NAME=VALUE", text);
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    param = params_find(name);
    if (param == NULL && is_of_the_run(name)) {
        (void)snprintf(out, room, "%s", text);
        return CLI_EXIT_OK;
    }
    if (param == NULL) {
        const char *nearest = params_nearest(name);
        return cli_fail("plot", CLI_EXIT_USAGE, "--where %s: unknown parameter%s%s%s", name,
                        nearest != NULL ? "; did you mean '" : "; see: flue list params",
                        nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
    }
    params_init(&scenario);
    if (params_set(&scenario, name, equals + 1, why, sizeof why) != FLUE_OK) {
        return cli_fail("plot", CLI_EXIT_USAGE, "--where %s", why);
    }
    params_format(param, &scenario, value, sizeof value);
    (void)snprintf(out, room, "%s=%s", name, value);
    return CLI_EXIT_OK;
}

static int draw(const struct plot_request *request, const char *db)
{
    struct store *store;
    char message[MESSAGE_MAX];
    flue_err err = store_open(db, STORE_READ, &store, message, sizeof message);

    if (err != FLUE_OK) {
        return cli_fail("plot", CLI_EXIT_IO, "%s", message);
    }
    err = plot_draw(store, request, message, sizeof message);
    store_close(store);
    if (err == FLUE_OK) {
        (void)fprintf(stderr, "flue plot: drew %s\n", request->output);
        return CLI_EXIT_OK;
    }
    return cli_fail("plot",
                    err == FLUE_ETOOL                          ? CLI_EXIT_TOOL
                    : err == FLUE_EINVAL || err == FLUE_ENOENT ? CLI_EXIT_USAGE
                                                               : CLI_EXIT_IO,
                    "%s", message);
}

static int check_request(const struct plot_request *request, bool windowed, const char *db, int argc, int first,
                         char **argv)
{
    const char *names[16];
    const char *nearest;
    size_t count = 0;

    while (count < 16 && plot_at(count) != NULL) {
        names[count] = plot_at(count)->name;
        count++;
    }
    if (first + 1 != argc) {
        return cli_fail("plot", CLI_EXIT_USAGE,
                        "name one plot: latency, cpu-saving, policies, storm or silence; see: flue plot --help");
    }
    if (plot_find(argv[first]) == NULL) {
        nearest = text_nearest(argv[first], names, count);
        return cli_fail("plot", CLI_EXIT_USAGE, "there is no plot '%.60s'; did you mean '%s'?", argv[first],
                        nearest != NULL ? nearest : names[0]);
    }
    if (windowed && strcmp(argv[first], "storm") != 0) {
        return cli_fail("plot", CLI_EXIT_USAGE, "--from and --to are for storm; a plot of %s has no time axis",
                        argv[first]);
    }
    if (db == NULL) {
        return cli_fail("plot", CLI_EXIT_USAGE, "which database? add --db FILE");
    }
    if (request->output == NULL) {
        return cli_fail("plot", CLI_EXIT_USAGE, "where to? add -o %s.svg", argv[first]);
    }
    return CLI_EXIT_OK;
}

int command_plot(int argc, char **argv)
{
    struct plot_request request = {.keep = false};
    char(*where)[FLUE_TEXT_MAX + 64] = calloc((size_t)argc + 1, sizeof *where);
    const char **list = calloc((size_t)argc + 1, sizeof *list);
    const char *db = NULL, *argument;
    bool windowed = false;
    int first = 0, id, code = CLI_EXIT_OK;

    if (where == NULL || list == NULL) {
        free(where);
        free(list);
        return cli_fail_err("plot", FLUE_ENOMEM, NULL);
    }
    while (code == CLI_EXIT_OK && (id = cli_next(&command, argc, argv, &first, &argument)) > 0) {
        if (id == OPTION_DB) {
            db = argument;
        } else if (id == 'o') {
            request.output = argument;
        } else if (id == OPTION_KEEP) {
            request.keep = true;
        } else {
            windowed = windowed || id == OPTION_FROM || id == OPTION_TO;
            code = id == OPTION_FROM || id == OPTION_TO
                       ? canonical_time(id == OPTION_FROM ? "from" : "to", argument, where[request.where_count],
                                        sizeof *where)
                       : canonical_where(argument, where[request.where_count], sizeof *where);
            list[request.where_count] = where[request.where_count];
            request.where_count++;
        }
    }
    if (code == CLI_EXIT_OK && id != CLI_END) {
        code = cli_exit_of(id);
    } else if (code == CLI_EXIT_OK) {
        request.where = list;
        code = check_request(&request, windowed, db, argc, first, argv);
        request.name = code == CLI_EXIT_OK ? argv[first] : NULL;
        code = code == CLI_EXIT_OK ? draw(&request, db) : code;
    }
    free(where);
    free(list);
    return code;
}
