/* SPDX-License-Identifier: GPL-2.0-only */
/* flue explore: every order of a few events. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "explore/explore.h"
#include "flue/check.h"
#include "run/text.h"

enum {
    OPTION_DEPTH = 256,
    OPTION_CONNECTIONS,
    OPTION_WITHOUT,
    OPTION_WITH,
    OPTION_POSTS,
    OPTION_SENDS,
    OPTION_TABLE,
    OPTION_JSON
};

static const struct cli_option options[] = {
    {OPTION_DEPTH, "depth", "N", "events in an order: 6; with two connections 4"},
    {OPTION_CONNECTIONS, "connections", "N", "one or two: 1"},
    {OPTION_WITHOUT, "without", "RULE", "host and target do not follow this rule, CH-137 for example"},
    {OPTION_WITH, "with", "LIST", "more events: invalidate, relink, pause, power, upload (with commas), or all"},
    {OPTION_POSTS, "posts", NULL, "the host posts receive buffers at the adapter"},
    {OPTION_SENDS, "sends-complete", NULL, "terminate completes unfinished sends (ddi.upload_sends=complete)"},
    {OPTION_TABLE, "table", NULL, "does so with each rule that can be left out, and prints doc/without.md"},
    {OPTION_JSON, "json", NULL, "print a JSON object"},
    {0, NULL, NULL, NULL},
};

const struct cli_command command_explore_table = {
    .name = "explore",
    .summary = "Tries every order of a few events in the life of offloaded connections.",
    .usage = "flue explore [options]",
    .examples = "  flue explore --depth 9\n"
                "  flue explore --connections 2 --depth 5\n"
                "  flue explore --with relink,power\n"
                "  flue explore --without CH-137\n",
    .notes =
        "Events: initiate, update, query, terminate and the completion of each; the target wants a connection back;\n"
        "segments of the peer that come or get\n"
        "lost; the application sends or closes; the peer's FIN or RST; the next timer.  Each new state is taken to\n"
        "its end, where every byte must have come once, in order, nothing be left, and the checker be content.\n"
        "--with adds events of the adapter as a whole, each once: its neighbour is invalidated, and that completes; "
        "the\n"
        "path goes to another neighbour (relink), and its steps complete; it pauses and resumes; it goes to sleep and\n"
        "wakes (power); it, or the host, wants everything back, and it resumes after that (upload).\n"
        "--without tells what a rule is good for: what comes of the shortest order that shows it.\n"
        "Exit code 1: an order breaks something (not with --without, which asks for it).\n",
    .options = options,
    .run = command_explore,
};

struct request {
    struct explore_params params;
    bool json, table;
};

static bool read_rule(const char *text, unsigned *rule)
{
    uint64_t number;

    if (!cli_parse_u64(strncmp(text, "CH-", 3) == 0 ? text + 3 + strspn(text + 3, "0") : text, 1, FLUE_RULES,
                       &number)) {
        return false;
    }
    *rule = (unsigned)number;
    for (unsigned i = 0; explore_rule(i) != 0; i++) {
        if (explore_rule(i) == *rule) {
            return true;
        }
    }
    return false;
}

static bool read_with(const char *list, unsigned *with)
{
    char name[16];

    do {
        const size_t length = strcspn(list, ",");
        unsigned bits;

        if (length >= sizeof name) {
            return false;
        }
        memcpy(name, list, length);
        name[length] = '\0';
        bits = explore_with(name);
        if (bits == 0) {
            return false;
        }
        *with |= bits;
        list += length;
    } while (*list++ != '\0');
    return true;
}

static int read_options(int argc, char **argv, struct request *request, int *code)
{
    struct explore_params *params = &request->params;
    const char *argument;
    uint64_t number = 0;
    int first = 0, id;

    *code = CLI_EXIT_OK;
    while ((id = cli_next(&command_explore_table, argc, argv, &first, &argument)) > CLI_END) {
        if (id == OPTION_JSON) {
            request->json = true;
        } else if (id == OPTION_POSTS) {
            params->posts = true;
        } else if (id == OPTION_SENDS) {
            params->sends_complete = true;
        } else if (id == OPTION_TABLE) {
            request->table = true;
        } else if (id == OPTION_WITHOUT && params->without != 0) {
            *code = cli_fail("explore", CLI_EXIT_USAGE, "--without leaves out one rule at a time");
            return 0;
        } else if (id == OPTION_WITHOUT && !read_rule(argument, &params->without)) {
            *code = cli_fail("explore", CLI_EXIT_USAGE, "%.40s is no rule that can be left out; see doc/without.md",
                             argument);
            return 0;
        } else if (id == OPTION_WITH && !read_with(argument, &params->with)) {
            *code = cli_fail("explore", CLI_EXIT_USAGE,
                             "--with must be a list of invalidate, relink, pause, power, upload, or all");
            return 0;
        } else if (id == OPTION_DEPTH || id == OPTION_CONNECTIONS) {
            if (!cli_parse_u64(argument, 1, id == OPTION_DEPTH ? EXPLORE_DEPTH_MOST : EXPLORE_CONNECTIONS, &number)) {
                *code = cli_fail("explore", CLI_EXIT_USAGE, "%s must be a number from 1 to %d",
                                 id == OPTION_DEPTH ? "--depth" : "--connections",
                                 id == OPTION_DEPTH ? EXPLORE_DEPTH_MOST : EXPLORE_CONNECTIONS);
                return 0;
            }
            *(id == OPTION_DEPTH ? &params->depth : &params->connections) = (unsigned)number;
        }
    }
    if (id < CLI_END) {
        *code = cli_exit_of(id);
        return 0;
    }
    if (first < argc) {
        *code = cli_fail("explore", CLI_EXIT_USAGE, "unexpected argument %.60s; see: flue explore --help", argv[first]);
        return 0;
    }
    if (request->table && (request->json || params->without != 0 || params->with != 0 || params->connections != 1 ||
                           params->posts || params->sends_complete)) {
        *code = cli_fail("explore", CLI_EXIT_USAGE,
                         "--table is a page of all rules and one connection; leave all but --depth out");
        return 0;
    }
    if (params->depth == 0) {
        params->depth = params->connections == 1 ? 6 : 4;
    }
    return 1;
}

static void print_json(const struct explore_params *params, const struct explore_result *result)
{
    const struct explore_order *order = &result->found[result->verdict];
    struct text out = {.failed = false};

    text_add(&out,
             "{\"depth\":%u,\"connections\":%u,\"without\":%u,\"explored\":%" PRIu64 ",\"pruned\":%" PRIu64
             ",\"ended\":%" PRIu64 ",\"cpu_us\":%" PRIu64 ",\"verdict\":\"%s\",\"order\":[",
             result->depth, params->connections, params->without, result->explored, result->pruned, result->ended,
             result->cpu_us, explore_verdict_name(result->verdict));
    for (unsigned i = 0; i < order->length; i++) {
        text_add(&out, "%s{\"event\":", i == 0 ? "" : ",");
        text_add_json(&out, explore_event_title(order->steps[i].event));
        text_add(&out, ",\"connection\":%u}", order->steps[i].connection);
    }
    text_add(&out, "],\"sentence\":");
    text_add_json(&out, order->sentence);
    text_add(&out, "}\n");
    (void)fputs(text_chars(&out), stdout);
    text_free(&out);
}

/* What was tried: all layers up to result->depth and, of the next, as far as the order that ended the search. */
static void print_verdict(const struct explore_params *params, const struct explore_result *result)
{
    const unsigned whole = result->depth, found = result->found[result->verdict].length;
    const char *const of_two = params->connections > 1 ? " of two connections" : "";

    if (whole > 0) {
        (void)printf("Every order of %u event%s%s was tried", whole, whole == 1 ? "" : "s", of_two);
    }
    if (result->verdict == EXPLORE_HARMLESS || found <= whole) {
        (void)printf(": %s.\n", explore_verdict_name(result->verdict));
    } else {
        (void)printf("%s of %u event%s%s: %s.\n",
                     whole > 0 ? "; the search ended at one" : "The search ended at one order", found,
                     found == 1 ? "" : "s", whole > 0 ? "" : of_two, explore_verdict_name(result->verdict));
    }
}

static flue_err print_plain(const struct explore_params *params, const struct explore_result *result)
{
    const struct explore_order *order = &result->found[result->verdict];

    (void)printf("%" PRIu64 " states explored, %" PRIu64 " seen before, %" PRIu64 " taken to their end, in %" PRIu64
                 ".%02" PRIu64 " s of processor time.\n",
                 result->explored, result->pruned, result->ended, result->cpu_us / 1000000,
                 result->cpu_us / 10000 % 100);
    print_verdict(params, result);
    if (result->verdict == EXPLORE_HARMLESS) {
        return FLUE_OK;
    }
    (void)printf("\nThe shortest: ");
    explore_print_order(params, order, stdout);
    (void)printf("\n%s\n\n", order->sentence);
    if (result->verdict == EXPLORE_BROKEN) {
        return FLUE_OK; /* it would break again */
    }
    return explore_draw(params, order, cli_is_plain(), stdout);
}

/* ---- The table of doc/without.md ---- */

static flue_err print_row(const struct explore_params *most, unsigned number)
{
    const struct flue_rule *rule = flue_rule(number);
    struct explore_params params = *most;
    struct explore_result result;
    const struct explore_order *order;
    flue_err err;
    char id[8];

    params.without = number;
    err = explore_search(&params, &result);
    if (err != FLUE_OK) {
        return err;
    }
    order = &result.found[result.verdict];
    flue_rule_id(number, id);
    (void)printf("| %s | %s | %s | ", id, rule->sentence, explore_verdict_name(result.verdict));
    if (result.verdict == EXPLORE_HARMLESS) {
        (void)printf("- | - |\n");
        return FLUE_OK;
    }
    (void)printf("%u | ", order->length);
    explore_print_order(&params, order, stdout);
    (void)printf(" |\n");
    return FLUE_OK;
}

static flue_err print_table(const struct explore_params *params)
{
    flue_err err = FLUE_OK;

    (void)printf(
        "<!-- Generated: flue explore --table --depth %u > doc/without.md; a test compares. -->\n"
        "# What the rules are good for\n\n"
        "Host and target leave out what one rule demands (`flue explore --without RULE`), and every order of %u "
        "events in the life\nof one connection is tried.  The consequence is the worst that was found, the "
        "order one of the shortest that lead to it.\nHarmless means: nothing that an application, or the "
        "checker of the other rules, would notice; what TCP repairs by sending\nit again is harmless in this "
        "sense.  Where a rule is about an invalidate, a relink, a pause, sleep, or an upload of\n"
        "everything, these are among the events (`--with`).\n\n"
        "| Rule | What it demands | Without it | Events | Shortest order |\n|---|---|---|---|---|\n",
        params->depth, params->depth);
    for (unsigned i = 0; explore_rule(i) != 0 && err == FLUE_OK; i++) {
        err = print_row(params, explore_rule(i));
    }
    return err;
}

int command_explore(int argc, char **argv)
{
    struct request request = {.params = {.connections = 1}};
    static struct explore_result result;
    flue_err err;
    int code;

    if (!read_options(argc, argv, &request, &code)) {
        return code;
    }
    if (request.table) {
        err = print_table(&request.params);
        return err == FLUE_OK ? CLI_EXIT_OK : cli_fail_err("explore", err, NULL);
    }
    err = explore_search(&request.params, &result);
    if (err == FLUE_OK && request.json) {
        print_json(&request.params, &result);
    } else if (err == FLUE_OK) {
        err = print_plain(&request.params, &result);
    }
    if (err != FLUE_OK) {
        return cli_fail_err("explore", err, NULL);
    }
    return result.verdict != EXPLORE_HARMLESS && request.params.without == 0 ? CLI_EXIT_CHECK : CLI_EXIT_OK;
}
