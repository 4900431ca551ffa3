/* SPDX-License-Identifier: GPL-2.0-only */
/* script/main.c - runs scripts, in a process apart, so that one that brings the stack down is one failure.
 *
 *     test_script_run [--verbose] [--roundtrip] [--pcap DIR] [--syntax] [--alone] [--must-fail] FILE or DIR ...
 *     test_script_run --table [--complete] GRID
 *
 * Exit code 0: all hold; 1: some do not; 2: a script that cannot be read, or a wrong command line. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec.h"
#include "grid.h"

struct list {
    char **path;
    unsigned count, room;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);

    return length > strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static void add(struct list *list, const char *path)
{
    if (list->count == list->room) {
        list->room = list->room == 0 ? 64 : 2 * list->room;
        list->path = realloc(list->path, list->room * sizeof(*list->path));
    }
    if (list->path == NULL || (list->path[list->count++] = strdup(path)) == NULL) {
        abort();
    }
}

/* A file, or every script below a folder. */
static bool collect(struct list *list, const char *path, bool named)
{
    struct stat about;
    DIR *folder;
    struct dirent *entry;

    if (stat(path, &about) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    if (!S_ISDIR(about.st_mode)) {
        if (named || ends_with(path, ".tcp")) {
            add(list, path);
        }
        return true;
    }
    folder = opendir(path);
    if (folder == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    while ((entry = readdir(folder)) != NULL) {
        char inner[2048];

        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
        if (!collect(list, inner, false)) {
            closedir(folder);
            return false;
        }
    }
    closedir(folder);
    return true;
}

enum outcome { HOLDS, FAILS, UNREADABLE };

static enum outcome run_here(const char *path, const struct options *options, bool syntax)
{
    struct script script;
    struct fault fault;
    bool good;

    if (!script_read(path, &script, &fault)) {
        printf("FAIL %s\n", fault.text);
        return UNREADABLE;
    }
    good = syntax || script_run(&script, options);
    script_free(&script);
    return good ? HOLDS : FAILS;
}

/* The scripts from *at on, in one process apart, which tells each outcome by one byte; if a script brings it down, that
 * script has failed and *at stands behind it. */
static bool run_apart(const struct list *list, unsigned *at, const struct options *options, unsigned *outcomes)
{
    int ends[2];
    int status = 0;
    pid_t child;
    unsigned char outcome;

    fflush(stdout);
    if (pipe(ends) != 0 || (child = fork()) < 0) {
        perror("test_script_run");
        return false;
    }
    if (child == 0) {
        close(ends[0]);
        for (unsigned i = *at; i < list->count; i++) {
            alarm(20);
            outcome = (unsigned char)run_here(list->path[i], options, false);
            fflush(stdout);
            if (write(ends[1], &outcome, 1) != 1) {
                _exit(2);
            }
        }
        _exit(0);
    }
    close(ends[1]);
    while (*at < list->count && read(ends[0], &outcome, 1) == 1) {
        outcomes[outcome]++;
        (*at)++;
    }
    close(ends[0]);
    if (waitpid(child, &status, 0) < 0 || *at == list->count) {
        return *at == list->count;
    }
    printf("FAIL %s: it ends by %s %d%s; --alone --verbose shows where\n", list->path[*at],
           WIFSIGNALED(status) ? "signal" : "exit code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
           !WIFSIGNALED(status)          ? ""
           : WTERMSIG(status) == SIGABRT ? ", an assertion"
           : WTERMSIG(status) == SIGALRM ? ", 20 s are over"
                                         : "");
    outcomes[FAILS]++;
    (*at)++;
    return true;
}

static int usage(const char *why, const char *what)
{
    fprintf(stderr,
            "%s%s\nusage: test_script_run [--verbose] [--roundtrip] [--pcap DIR] [--syntax] [--alone] [--must-fail]\n"
            "                       FILE|DIR...\n"
            "       test_script_run --table [--complete] GRID\n",
            why, what);
    return 2;
}

int main(int argc, char **argv)
{
    struct options options = {.verbose = false};
    struct list list = {0};
    bool syntax = false;
    bool alone = false;
    bool table = false;
    bool complete = false;
    unsigned outcomes[3] = {0};
    const char *grid = NULL;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0) {
            options.verbose = true;
        } else if (strcmp(argv[i], "--roundtrip") == 0) {
            options.roundtrip = true;
        } else if (strcmp(argv[i], "--must-fail") == 0) {
            options.must_fail = true;
        } else if (strcmp(argv[i], "--syntax") == 0) {
            syntax = true;
        } else if (strcmp(argv[i], "--alone") == 0) {
            alone = true;
        } else if (strcmp(argv[i], "--table") == 0) {
            table = true;
        } else if (strcmp(argv[i], "--complete") == 0) {
            complete = true;
        } else if (strcmp(argv[i], "--pcap") == 0 && i + 1 < argc) {
            options.pcap_folder = argv[++i];
        } else if (argv[i][0] == '-') {
            return usage("unknown: ", argv[i]);
        } else if (table) {
            grid = argv[i];
        } else if (!collect(&list, argv[i], true)) {
            return 2;
        }
    }
    if (table) {
        return grid == NULL ? usage("which grid?", "") : grid_table(grid, complete);
    }
    if (list.count == 0) {
        return usage("no scripts", "");
    }
    qsort(list.path, list.count, sizeof(*list.path), by_name);
    for (unsigned i = 0; i < list.count;) {
        if (syntax || alone) {
            outcomes[run_here(list.path[i++], &options, syntax)]++;
        } else if (!run_apart(&list, &i, &options, outcomes)) {
            return 2;
        }
    }
    for (unsigned i = 0; i < list.count; i++) {
        free(list.path[i]);
    }
    free(list.path);
    printf("%u scripts, %u failed\n", list.count, outcomes[FAILS] + outcomes[UNREADABLE]);
    return outcomes[UNREADABLE] > 0 ? 2 : outcomes[FAILS] > 0 ? 1 : 0;
}
