/* SPDX-License-Identifier: GPL-2.0-only */
/* The matrix of a test program. */
#include "support/number.h"
#include "cells.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "content.h"

#define MS FLUE_PS_PER_MS

const struct network network_table[] = {
    {"clean", {.delay_ps = 1 * MS}},
    {"loss", {.delay_ps = 1 * MS, .loss_ppm = 10000}},
    {"reorder",
     {.delay_ps = 1 * MS, .reorder_ppm = 30000, .reorder_ps = 3 * MS, .duplicate_ppm = 20000, .corrupt_ppm = 1000}},
    {"spikes", {.delay_ps = 1 * MS, .spike_ppm = 3000, .spike_ps = 350 * MS}},
    {"bottleneck", {.delay_ps = 15 * MS, .rate_bps = 20000000, .queue_packets = 20}},
    {"awful",
     {.delay_ps = 20 * MS,
      .loss_ppm = 30000,
      .reorder_ppm = 50000,
      .reorder_ps = 30 * MS,
      .duplicate_ppm = 30000,
      .corrupt_ppm = 5000,
      .spike_ppm = 1000,
      .spike_ps = 900 * MS}},
};

unsigned network_count(int virtual_time)
{
    return virtual_time ? sizeof network_table / sizeof network_table[0] : 4;
}

static void usage(const char *program, const char *what)
{
    printf("Usage: %s [--full] [--seed N] [--seeds N] [--only TEXT] [--jobs N] [--pcap FILE] [--list] [--verbose]\n\n"
           "%s\n"
           "  --full      the sizes of a full run\n"
           "  --seed N    first seed of the network and of the content (1)\n"
           "  --seeds N   seeds for each cell of the matrix\n"
           "  --only T    only cells whose name contains T\n"
           "  --jobs N    cells at once (4)\n"
           "  --pcap F    what the first chosen cell sends is written to F\n"
           "  --plumbing  the test against itself, without Flue, where there is such a thing\n",
           program, what);
}

int options_read(struct options *options, int argc, char **argv, const char *what)
{
    *options = (struct options){.seed = 1, .jobs = 4};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        uint64_t number = 0;
        bool good = true;

        if (strcmp(argv[i], "--full") == 0) {
            options->full = 1;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            options->verbose = 1;
        } else if (strcmp(argv[i], "--list") == 0) {
            options->list = 1;
        } else if (strcmp(argv[i], "--plumbing") == 0) {
            options->plumbing = 1;
        } else if (strcmp(argv[i], "--help") == 0) {
            usage(argv[0], what);
            return 0;
        } else if (value != NULL && strcmp(argv[i], "--seed") == 0) {
            good = number_read(argv[++i], 0, UINT64_MAX, &options->seed);
        } else if (value != NULL && strcmp(argv[i], "--seeds") == 0) {
            good = number_read(argv[++i], 1, 1000000, &number);
            options->seeds = (unsigned)number;
        } else if (value != NULL && strcmp(argv[i], "--jobs") == 0) {
            good = number_read(argv[++i], 1, 64, &number);
            options->jobs = (unsigned)number;
        } else if (value != NULL && strcmp(argv[i], "--only") == 0) {
            options->only = argv[++i];
        } else if (value != NULL && strcmp(argv[i], "--pcap") == 0) {
            options->pcap = argv[++i];
        } else {
            good = false;
        }
        if (!good) {
            fprintf(stderr, "%s: '%s' is not understood; see --help\n", argv[0], argv[i]);
            return 2;
        }
    }
    return -1;
}

struct child {
    pid_t pid;
    int pipe;
    const struct cell *cell;
};

struct tally {
    unsigned passed, failed;
    uint64_t compared;
    int verbose;
};

static void start(struct child *child, const struct cell *cell, cell_fn *run, unsigned seconds)
{
    int pipes[2];

    if (pipe(pipes) != 0) {
        perror("pipe");
        exit(1);
    }
    fflush(NULL);
    child->cell = cell;
    child->pipe = pipes[0];
    child->pid = fork();
    if (child->pid < 0) {
        perror("fork");
        exit(1);
    }
    if (child->pid == 0) {
        struct cell_result result = {.compared = 0};

        close(pipes[0]);
        alarm(seconds);
        run(cell, &result);
        _exit(write(pipes[1], &result, sizeof result) == (ssize_t)sizeof result ? 0 : 1);
    }
    close(pipes[1]);
}

void cell_finish(struct exchange *x, struct cell_result *result)
{
    result->compared = x->compared;
    (void)snprintf(result->failure, sizeof result->failure, "%s", x->failure);
    exchange_end(x);
    free(x);
}

static void finish(struct child *child, int status, struct tally *tally)
{
    struct cell_result result = {.compared = 0};

    if (read(child->pipe, &result, sizeof result) != (ssize_t)sizeof result) {
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
            snprintf(result.failure, sizeof result.failure, "no end in sight");
        } else {
            snprintf(result.failure, sizeof result.failure, "the process died (status 0x%x)", (unsigned)status);
        }
    }
    close(child->pipe);
    tally->compared += result.compared;
    if (result.failure[0] != '\0') {
        tally->failed++;
        printf("FAILED %s: %s\n", child->cell->name, result.failure);
    } else {
        tally->passed++;
        if (tally->verbose) {
            printf("passed %s: %llu bytes%s%s\n", child->cell->name, (unsigned long long)result.compared,
                   result.note[0] == '\0' ? "" : ", ", result.note);
        }
    }
    fflush(stdout);
    child->pid = 0;
}

static void wait_for_one(struct child *children, unsigned jobs, struct tally *tally)
{
    int status;
    pid_t pid = wait(&status);

    if (pid < 0) {
        perror("wait");
        exit(1);
    }
    for (unsigned i = 0; i < jobs; i++) {
        if (children[i].pid == pid) {
            finish(&children[i], status, tally);
        }
    }
}

int cells_run(struct options *options, struct cell *cells, unsigned count, cell_fn *run, unsigned seconds)
{
    struct child *children = calloc(options->jobs, sizeof *children);
    struct tally tally = {.verbose = options->verbose};
    struct timespec from, to;
    unsigned running = 0;

    if (children == NULL) {
        return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (unsigned i = 0; i < count; i++) {
        struct cell *cell = &cells[i];
        unsigned slot = 0;

        if (options->only != NULL && strstr(cell->name, options->only) == NULL) {
            continue;
        }
        if (options->list) {
            printf("%s\n", cell->name);
            continue;
        }
        cell->verbose = options->verbose;
        cell->pcap = options->pcap;
        options->pcap = NULL;
        if (running == options->jobs) {
            wait_for_one(children, options->jobs, &tally);
            running--;
        }
        while (children[slot].pid != 0) {
            slot++;
        }
        start(&children[slot], cell, run, seconds);
        running++;
    }
    while (running > 0) {
        wait_for_one(children, options->jobs, &tally);
        running--;
    }
    free(children);
    if (options->only != NULL && tally.passed + tally.failed == 0 && !options->list) {
        fprintf(stderr, "no cell's name contains '%s'; see --list\n", options->only);
        return 2;
    }
    if (options->list) {
        return 0;
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%u passed, %u failed; %.1f MB compared in %.1f s\n", tally.passed, tally.failed,
           (double)tally.compared / 1e6, (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    return tally.failed == 0 && tally.passed > 0 ? 0 : 1;
}
