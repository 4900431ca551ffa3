/* SPDX-License-Identifier: GPL-2.0-only */
/* flue demo: from nothing to the first curves. */
#include <stdbool.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/demo.h"
#include "cli/options.h"

enum { OPTION_FIRST = 256, OPTION_MAIN };

static const struct cli_option options[] = {
    {OPTION_FIRST, "first-screen", NULL, "only the first: one connection that is handed over and taken back"},
    {OPTION_MAIN, "main", NULL, "only the second: 1,000 connections over ns-3, into demo/"},
    {0, NULL, NULL, NULL},
};

static const struct cli_command command = {
    .name = "demo",
    .summary = "Shows what Flue is for: first one connection step by step, then the curves of a thousand.",
    .usage = "flue demo [--first-screen | --main]",
    .examples = "  flue demo                  both\n"
                "  flue demo --first-screen   one connection, one second, no ns-3 needed\n"
                "  flue demo --main           the sweep: one to two minutes, results and figures in demo/\n",
    .notes = "The sweep is stored in demo/results.db.  Runs that are there already are not run again.\n",
    .options = options,
    .run = command_demo,
};

int command_demo(int argc, char **argv)
{
    bool first_screen = false, main_job = false;
    const char *argument;
    int first = 0, code = CLI_EXIT_OK, id;

    while ((id = cli_next(&command, argc, argv, &first, &argument)) > 0) {
        first_screen = first_screen || id == OPTION_FIRST;
        main_job = main_job || id == OPTION_MAIN;
    }
    if (id != CLI_END) {
        return cli_exit_of(id);
    }
    if (first < argc) {
        return cli_fail("demo", CLI_EXIT_USAGE, "'%.60s' is too much; see: flue demo --help", argv[first]);
    }
    if (first_screen || !main_job) {
        code = demo_first();
    }
    if (code == CLI_EXIT_OK && (main_job || !first_screen)) {
        if (first_screen || !main_job) {
            (void)printf("\n");
        }
        code = demo_main();
    }
    return code;
}
