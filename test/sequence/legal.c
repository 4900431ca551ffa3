/* SPDX-License-Identifier: GPL-2.0-only */
/* sequence/legal.c - whatever legal sequence of things happens to a node: no rule of the interface is broken, every
 * byte arrives once and in order, everything ends, nothing is left behind. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sequence/world.h"
#include "support/number.h"

enum { SECONDS_MAX = 20, RUNS_MANY = 500 };

static struct world world;
static struct plan plan;

/* The model crashed, or does not come back: say where. */
static void crashed(int number)
{
    char text[64];
    int length = snprintf(text, sizeof text, "seed %" PRIu64 ": signal %d\n", plan.seed, number);

    (void)!write(STDERR_FILENO, text, (size_t)length);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* The least number of operations with which it still fails, if more only make it worse. */
static unsigned least(void)
{
    unsigned good = 0, bad = plan.ops;

    while (good + 1 < bad) {
        const unsigned middle = (good + bad) / 2;

        alarm(SECONDS_MAX);
        if (world_play(&world, &plan, middle)) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    return bad;
}

static bool run(uint64_t seed, uint64_t most, bool shorten)
{
    bool good;

    plan_make(&plan, seed);
    if (plan.ops > most) {
        plan.ops = (unsigned)most;
    }
    if (world.verbose) {
        plan_print(&plan);
    }
    alarm(SECONDS_MAX);
    good = world_play(&world, &plan, plan.ops);
    if (!good) {
        printf("seed %" PRIu64 ", %u operations: %s\n", seed, plan.ops, world.why);
        if (shorten) {
            const unsigned ops = least();

            (void)world_play(&world, &plan, ops);
            printf("    --seed %" PRIu64 " --ops %u --verbose: %s\n", seed, ops, world.why);
        }
        fflush(stdout);
    }
    return good;
}

/* What must have happened somewhere in a large number of runs; else they prove less than they say. */
static unsigned print_sums(bool many)
{
    const struct {
        const char *name;
        uint64_t count;
    } sums[] = {{"connections ended well", world.ended_well},
                {"early", world.ended_early},
                {"offloaded", world.offloaded},
                {"taken back", world.uploaded},
                {"refused", world.refused},
                {"updates", world.updates},
                {"queries", world.asked},
                {"invalidates", world.invalidates},
                {"receive posts", world.posted},
                {"segments in fragments", world.fragmented},
                {"with IP options", world.with_options},
                {"fail-overs", world.fail_overs}};
    unsigned missing = 0;

    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        printf("%s %" PRIu64 ", ", sums[i].name, sums[i].count);
        missing += many && sums[i].count == 0;
    }
    printf("\n");
    for (unsigned i = 0; i < PLAN_KIND_COUNT; i++) {
        printf("%s %" PRIu64 "%s", plan_kind_name(i), world.done[i], i + 1 < PLAN_KIND_COUNT ? ", " : "\n");
        missing += many && world.done[i] == 0;
    }
    if (missing > 0) {
        printf("%u kinds of things never happened\n", missing);
    }
    return missing;
}

int main(int argc, char **argv)
{
    uint64_t first = 1, count = 2000, most = PLAN_OPS, failed = 0;
    bool full = false, shorten = true;

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--full") == 0) {
            full = true;
            count = 100000;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            world.verbose = true;
        } else if (strcmp(argv[i], "--long") == 0) {
            shorten = false;
        } else if (strcmp(argv[i], "--seed") == 0 && number_read(value, 0, UINT64_MAX, &first)) {
            count = 1;
            i++;
        } else if (strcmp(argv[i], "--first") == 0 && number_read(value, 0, UINT64_MAX, &first)) {
            i++;
        } else if (strcmp(argv[i], "--count") == 0 && number_read(value, 1, UINT32_MAX, &count)) {
            i++;
        } else if (strcmp(argv[i], "--ops") == 0 && number_read(value, 0, PLAN_OPS, &most)) {
            i++;
        } else {
            fprintf(stderr, "usage: %s [--full] [--first N] [--count N] [--long] | --seed N [--ops N] [--verbose]\n",
                    argv[0]);
            return 2;
        }
    }
    (void)signal(SIGSEGV, crashed);
    (void)signal(SIGABRT, crashed);
    (void)signal(SIGALRM, crashed);
    for (uint64_t i = 0; i < count; i++) {
        failed += !run(first + i, most, shorten && !world.verbose);
        if (full && (i + 1) % 5000 == 0) {
            printf("%" PRIu64 " of %" PRIu64 " runs, %" PRIu64 " failed, %ld s of CPU\n", i + 1, count, failed,
                   (long)(clock() / CLOCKS_PER_SEC));
            fflush(stdout);
        }
    }
    alarm(0);
    printf("%" PRIu64 " runs, %" PRIu64 " failed, %ld ms of CPU\n", count, failed,
           (long)(clock() / (CLOCKS_PER_SEC / 1000)));
    failed += print_sums(count >= RUNS_MANY);
    return failed == 0 ? 0 : 1;
}
