/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of commands, and what `flue` does before it knows which one is meant. */
#include "cli/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "run/text.h"

static const struct command_entry entries[] = {
    {"run", "run one scenario and show what it found", command_run, &command_run_table},
    {"list", "list scenarios, parameters, events, policies, metrics, plots, profiles, rules, ...", command_list,
     &command_list_table},
    {"show", "explain one parameter, metric, scenario or profile", command_show, &command_show_table},
    {"sweep", "plan and run many runs of a sweep file", command_sweep, NULL},
    {"plot", "draw a figure from a results database", command_plot, NULL},
    {"db", "check or query a results database", command_db, NULL},
    {"bench", "measure this program's own speed", command_bench, NULL},
    {"explore", "try every order of a few events; what each rule is good for", command_explore, &command_explore_table},
    {"demo", "from nothing to the first curves", command_demo, NULL},
};

#define ENTRIES (sizeof entries / sizeof entries[0])

const struct command_entry *command_entry(size_t index)
{
    return index < ENTRIES ? &entries[index] : NULL;
}

static void print_help(void)
{
    cli_put(stdout,
            "flue - a laboratory for TCP chimney offload: who owns a live connection, and what does it cost to move "
            "it?\n\n"
            "Examples:\n"
            "  flue run bulk                              transfers, offloaded to the adapter\n"
            "  flue run bulk -s offload=host              the same in the host's own stack\n"
            "  flue run rpc -s io_size=4KiB --db r.db     requests; results go into a database\n"
            "  flue list params                           what -s can set\n\n"
            "Usage: flue COMMAND [options]\n\nCommands:\n");
    for (size_t i = 0; i < ENTRIES; i++) {
        (void)printf("  %-8s %s\n", entries[i].name, entries[i].summary);
    }
    (void)printf("\nOptions:\n"
                 "  -h, --help               this help; flue COMMAND --help explains a command\n"
                 "  -V, --version            versions of all parts\n"
                 "\nExit codes:\n");
#define X(name, code, meaning) (void)printf("  %3d  %s\n", code, meaning);
    CLI_EXITS(X)
#undef X
}

static const struct command_entry *find(const char *name)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        if (strcmp(entries[i].name, name) == 0) {
            return &entries[i];
        }
    }
    return NULL;
}

static int refuse(const char *name)
{
    const char *names[ENTRIES];
    const char *nearest;

    for (size_t i = 0; i < ENTRIES; i++) {
        names[i] = entries[i].name;
    }
    nearest = text_nearest(name, names, ENTRIES);
    if (nearest != NULL) {
        return cli_fail("", CLI_EXIT_USAGE, "unknown command '%.60s'; did you mean '%s'?", name, nearest);
    }
    return cli_fail("", CLI_EXIT_USAGE, "unknown command '%.60s'; see: flue --help", name);
}

/* What was printed has to have arrived, or the caller must know. */
static int flush(int code)
{
    const char *reason;

    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return code;
    }
    if (errno == 0) {
        /* An earlier write was refused; one more tells why. */
        clearerr(stdout);
        (void)fputc('\n', stdout);
        (void)fflush(stdout);
    }
    if (code == CLI_EXIT_IO) {
        return code; /* the command has said so */
    }
    reason = errno != 0 ? strerror(errno) : "an earlier write was refused";
    return cli_fail("", CLI_EXIT_IO, "stdout could not be written: %s", reason);
}

static int dispatch(int argc, char **argv)
{
    const struct command_entry *entry = find(argv[0]);

    return entry != NULL ? entry->run(argc, argv) : refuse(argv[0]);
}

int command_main(int argc, char **argv)
{
    char help[] = "--help";
    char *helped[] = {NULL, help, NULL};

    if (argc < 2) {
        cli_put(stderr, "usage: flue COMMAND [options]; try: flue run bulk, flue --help\n");
        return CLI_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || (strcmp(argv[1], "help") == 0 && argc == 2)) {
        print_help();
        return flush(CLI_EXIT_OK);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        command_print_version();
        return flush(CLI_EXIT_OK);
    }
    if (strcmp(argv[1], "help") == 0) {
        helped[0] = argv[2];
        return flush(dispatch(2, helped));
    }
    if (argv[1][0] == '-') {
        return cli_fail("", CLI_EXIT_USAGE, "unknown option %.60s; see: flue --help", argv[1]);
    }
    return flush(dispatch(argc - 1, argv + 1));
}
