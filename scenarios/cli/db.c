/* SPDX-License-Identifier: GPL-2.0-only */
/* flue db: looks into a results database. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "plots/query.h"
#include "run/text.h"
#include "store/store.h"

#define MESSAGE_MAX 1024

static const struct cli_option no_options[] = {{0, NULL, NULL, NULL}};

static const struct cli_command command = {
    .name = "db",
    .summary = "Looks into a results database.",
    .usage = "flue db check FILE\n"
             "       flue db query FILE \"SELECT ...\"|NAME",
    .examples = "  flue db check results.db\n"
                "  flue db query results.db runs\n"
                "  flue db query results.db \"SELECT status, count(*) FROM run GROUP BY status\"\n",
    .notes = "check  is the file whole, do its parts agree, does the summary follow from the runs; exit code 1 if not\n"
             "query  a read-only statement, or a named query: cpu-saving, failures, latency, policies, runs, silence,\n"
             "       storm, summary;\n"
             "       tabs between columns; tab, newline and backslash in a text are written \\t, \\n and \\\\\n",
    .options = no_options,
    .run = command_db,
};

static void print_fault(void *ctx, const char *line)
{
    (void)ctx;
    (void)printf("%s\n", line);
}

/* Opens for writing if it can, so that what an interrupted writer left behind is put in order. */
static flue_err open_for_check(const char *path, struct store **out, char *message, size_t room)
{
    flue_err err = store_open(path, STORE_READ, out, message, room);
    char later[MESSAGE_MAX];

    if (err == FLUE_EIO && store_open(path, STORE_WRITE, out, later, sizeof later) == FLUE_OK) {
        return FLUE_OK;
    }
    return err;
}

static int check(const char *path)
{
    struct store *store;
    char message[MESSAGE_MAX];
    int faults;

    if (open_for_check(path, &store, message, sizeof message) != FLUE_OK) {
        return cli_fail("db", CLI_EXIT_IO, "%s", message);
    }
    faults = store_check(store, print_fault, NULL);
    store_close(store);
    if (faults < 0) {
        return cli_fail("db", CLI_EXIT_IO, "%s: could not be read to the end", path);
    }
    if (faults > 0) {
        return cli_fail("db", CLI_EXIT_CHECK, "%s: %d faults", path, faults);
    }
    (void)printf("%s: all is well\n", path);
    return CLI_EXIT_OK;
}

/* chosen.sql makes the tables that other queries read; it answers nothing itself. */
static bool is_query(const char *name)
{
    return query_text(name) != NULL && strcmp(name, "chosen") != 0;
}

static int query(const char *path, const char *text)
{
    const char *sql = is_query(text) ? query_text(text) : NULL;
    struct store *store;
    char message[MESSAGE_MAX];
    flue_err err;

    if (sql == NULL && strchr(text, ' ') == NULL) {
        const char *names[32];
        const char *nearest;
        size_t count = 0;
        for (size_t i = 0; count < 32 && query_name(i) != NULL; i++) {
            if (is_query(query_name(i))) {
                names[count++] = query_name(i);
            }
        }
        nearest = text_nearest(text, names, count);
        return cli_fail("db", CLI_EXIT_USAGE, "there is no query '%.60s'; %s%s%s", text,
                        nearest != NULL ? "did you mean '" : "see: flue db --help", nearest != NULL ? nearest : "",
                        nearest != NULL ? "'?" : "");
    }
    if (store_open(path, STORE_READ, &store, message, sizeof message) != FLUE_OK) {
        return cli_fail("db", CLI_EXIT_IO, "%s", message);
    }
    err = query_write(store, sql != NULL ? sql : text, QUERY_TABLE, stdout, NULL, message, sizeof message);
    store_close(store);
    if (err != FLUE_OK) {
        return cli_fail("db", err == FLUE_EPARSE ? CLI_EXIT_USAGE : CLI_EXIT_IO, "%s", message);
    }
    return CLI_EXIT_OK;
}

int command_db(int argc, char **argv)
{
    const char *argument;
    int first = 0;
    int id = cli_next(&command, argc, argv, &first, &argument);

    if (id != CLI_END) {
        return cli_exit_of(id);
    }
    if (first + 2 == argc && strcmp(argv[first], "check") == 0) {
        return check(argv[first + 1]);
    }
    if (first + 3 == argc && strcmp(argv[first], "query") == 0) {
        return query(argv[first + 1], argv[first + 2]);
    }
    return cli_fail("db", CLI_EXIT_USAGE, "write: flue db check FILE, or: flue db query FILE \"SELECT ...\"|NAME");
}
