/* SPDX-License-Identifier: GPL-2.0-only */
/* flue demo: from nothing to the first curves. */
#include <stdbool.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/demo.h"
#include "cli/options.h"

enum { OPTION_FIRST = 256, OPTION_BROKEN, OPTION_MAIN };

static const struct cli_option options[] = {
    {OPTION_FIRST, "first-screen", NULL, "only the first: one connection that is handed over and taken back"},
    {OPTION_BROKEN, "broken-driver", NULL, "only the second: the same run with a driver that breaks a rule"},
    {OPTION_MAIN, "main", NULL, "only the third: 1,000 connections over ns-3, into demo/"},
    {0, NULL, NULL, NULL},
};

static const struct cli_command command = {
    .name = "demo",
    .summary =
        "Shows what Flue is for: one connection step by step, the same with a broken driver, the curves of a thousand.",
    .usage = "flue demo [--first-screen | --broken-driver | --main]",
    .examples = "  flue demo                  all three\n"
                "  flue demo --first-screen   one connection, one second, no ns-3 needed\n"
                "  flue demo --broken-driver  the same, stopped at the first illegal call\n"
                "  flue demo --main           the sweep: one to two minutes, results and figures in demo/\n",
    .notes = "The sweep is stored in demo/results.db.  Runs that are there already are not run again.\n",
    .options = options,
    .run = command_demo,
};

int command_demo(int argc, char **argv)
{
    bool first_screen = false, broken = false, main_job = false, all;
    const char *argument;
    int first = 0, code = CLI_EXIT_OK, id;

    while ((id = cli_next(&command, argc, argv, &first, &argument)) > 0) {
        first_screen = first_screen || id == OPTION_FIRST;
        broken = broken || id == OPTION_BROKEN;
        main_job = main_job || id == OPTION_MAIN;
    }
    if (id != CLI_END) {
        return cli_exit_of(id);
    }
    if (first < argc) {
        return cli_fail("demo", CLI_EXIT_USAGE, "'%.60s' is too much; see: flue demo --help", argv[first]);
    }
    all = !first_screen && !broken && !main_job;
    if (first_screen || all) {
        code = demo_first();
    }
    if (code == CLI_EXIT_OK && (broken || all)) {
        if (first_screen || all) {
            (void)printf("\n");
        }
        code = demo_broken();
    }
    if (code == CLI_EXIT_OK && (main_job || all)) {
        if (first_screen || broken || all) {
            (void)printf("\n");
        }
        code = demo_main();
    }
    return code;
}
