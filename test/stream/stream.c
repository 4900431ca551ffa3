/* SPDX-License-Identifier: GPL-2.0-only */
/* stream/stream.c - the proof "same stream": whatever the network and the programs do, every byte arrives in order and
 * exactly once, both ways, and the connection ends in order and leaves nothing behind. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/number.h"
#include "stream/view.h"
#include "stream/world.h"
#include "trace/pcap.h"

struct arguments {
    uint64_t first, count;
    bool one, verbose;
    const char *pcap_path;
};

/* What must have happened somewhere in a large number of runs; else the proof proves less than it says. */
static const struct {
    const char *name;
    size_t at;
} sights[] = {
#define SIGHT(member)                                                                                                  \
    {                                                                                                                  \
#member, offsetof(struct flue_tcp_totals, member)                                                              \
    }
    SIGHT(retransmits),    SIGHT(timeouts),    SIGHT(fast_retransmits), SIGHT(probes),
    SIGHT(challenge_acks), SIGHT(keep_alives), SIGHT(ecn_ce_in),        SIGHT(path_mtu_changes),
#undef SIGHT
};
#define SIGHTS    (sizeof sights / sizeof sights[0])
#define RUNS_MANY 300u

struct sums {
    uint64_t packets;
    uint64_t seen[SIGHTS];
};

static void add(struct sums *sums, struct world *world)
{
    sums->packets += world_packets(world);
    for (unsigned i = 0; i < 2; i++) {
        struct flue_tcp_totals totals;

        flue_stack_totals(world_stack(world, i), &totals);
        for (size_t k = 0; k < SIGHTS; k++) {
            uint64_t number;

            memcpy(&number, (const char *)&totals + sights[k].at, sizeof number);
            sums->seen[k] += number;
        }
    }
}

/* How many of the sights were never seen. */
static uint64_t print_sums(const struct sums *sums, bool many)
{
    uint64_t missing = 0;

    printf("%" PRIu64 " packets", sums->packets);
    for (size_t k = 0; k < SIGHTS; k++) {
        printf(", %" PRIu64 " %s", sums->seen[k], sights[k].name);
        missing += many && sums->seen[k] == 0;
    }
    printf("%s\n", missing > 0 ? ": something was never tried" : "");
    return missing;
}

/* One seed; false: it fails, and a line says how. */
static bool run(uint64_t seed, struct view *view, struct sums *sums)
{
    struct spec spec;
    struct world *world;
    const char *verdict;
    bool good, clean;

    spec_draw(&spec, seed, SPEC_LARGE);
    view->start_ps = spec.start_ps;
    if (view->print) {
        spec_print(&spec);
    }
    world = world_new(
        &spec, &(struct world_watch){.ctx = view, .packet = view->print || view->pcap != NULL ? view_packet : NULL});
    while (world_step(world)) {
    }
    verdict = world_verdict(world);
    good = verdict == NULL;
    if (!good) {
        printf("seed %" PRIu64 " after %" PRIu64 " packets, %.6f ms: %s; again: test_stream_stream --seed %" PRIu64
               " --verbose --pcap FILE\n",
               seed, world_packets(world), (double)(world_now(world) - spec.start_ps) / 1e9, verdict, seed);
    }
    if (view->print) {
        printf("%" PRIu64 " packets, %" PRIu64 " events, %.6f ms\n", world_packets(world), world_events(world),
               (double)(world_now(world) - spec.start_ps) / 1e9);
    }
    add(sums, world);
    clean = world_free(world);
    if (good && !clean) {
        printf("seed %" PRIu64 ": memory is left\n", seed);
    }
    return good && clean;
}

static bool parse(int argc, char **argv, struct arguments *arguments)
{
    bool good = true;

    *arguments = (struct arguments){.first = 1, .count = 1000};
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;

        if (strcmp(argv[i], "--verbose") == 0) {
            arguments->verbose = true;
        } else if (strcmp(argv[i], "--seed") == 0 && more) {
            arguments->one = number_read(argv[++i], 0, UINT64_MAX, &arguments->first);
            good = good && arguments->one;
        } else if (strcmp(argv[i], "--first") == 0 && more) {
            good = number_read(argv[++i], 0, UINT64_MAX, &arguments->first) && good;
        } else if (strcmp(argv[i], "--count") == 0 && more) {
            good = number_read(argv[++i], 1, UINT32_MAX, &arguments->count) && good;
        } else if (strcmp(argv[i], "--pcap") == 0 && more) {
            arguments->pcap_path = argv[++i];
        } else {
            return false;
        }
    }
    if (arguments->one) {
        arguments->count = 1;
    }
    return good && ((!arguments->verbose && arguments->pcap_path == NULL) || arguments->one);
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct view view = {.print = false};
    uint64_t failed = 0;
    struct sums sums = {.packets = 0};
    flue_err err;

    if (!parse(argc, argv, &arguments)) {
        fprintf(stderr, "usage: %s [--first N] [--count N] | --seed N [--verbose] [--pcap FILE]\n", argv[0]);
        return 2;
    }
    view.print = arguments.verbose;
    if (arguments.pcap_path != NULL) {
        view.pcap = pcap_open(arguments.pcap_path, &err);
        if (view.pcap == NULL) {
            fprintf(stderr, "%s cannot be written\n", arguments.pcap_path);
            return 2;
        }
    }
    for (uint64_t i = 0; i < arguments.count; i++) {
        failed += !run(arguments.first + i, &view, &sums);
        fflush(stdout);
    }
    if (pcap_close(view.pcap) != FLUE_OK) {
        fprintf(stderr, "%s is not whole\n", arguments.pcap_path);
        return 2;
    }
    printf("%" PRIu64 " runs, %" PRIu64 " failed: ", arguments.count, failed);
    failed += print_sums(&sums, arguments.count >= RUNS_MANY);
    return failed == 0 ? 0 : 1;
}
