/* SPDX-License-Identifier: GPL-2.0-only */
/* handover/image.c - the proof that an image loses nothing: wherever a connection is taken out and put back, all that
 * follows is what would have followed anyway, bit for bit, at the same times. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handover/moves.h"

#define EVENTS_MOST 2000u /* longer runs are left out */

struct bench {
    struct record reference, run;
    struct buffer first, second;
    uint64_t runs, moves;
};

/* Out, in, out, in: the second image must be the first one. */
static void there_and_back(struct bench *bench, struct world *world, unsigned end)
{
    char name[48];

    if (!move_out(world, end, &bench->first)) {
        return;
    }
    move_in(world, end, &bench->first);
    if (world_failed(world) || !move_out(world, end, &bench->second)) {
        world_fail(world, "end %u: what came in cannot go out", end);
        return;
    }
    if (image_difference(&bench->first, &bench->second, name)[0] != 0) {
        world_fail(world, "end %u: the image of the imported connection differs in %s", end, name);
    }
    move_in(world, end, &bench->second);
    bench->moves++;
}

/* One run with a move of both ends at boundary `at`, or at every one (at < 0). */
static bool run(struct bench *bench, const struct spec *spec, int64_t at)
{
    struct world *world = record_world(&bench->run, spec);
    const char *verdict;
    bool good;

    do {
        for (unsigned end = 0; end < 2 && !world_failed(world); end++) {
            if (at < 0 || (uint64_t)at == world_events(world)) {
                there_and_back(bench, world, end);
            }
        }
    } while (world_step(world));
    verdict = world_verdict(world);
    if (verdict == NULL) {
        record_finish(&bench->run);
        verdict = world_verdict(world);
    }
    good = verdict == NULL;
    if (!good) {
        printf("seed %" PRIu64 ", moved at %s %" PRId64 ", event %" PRIu64 ": %s\n", spec->seed,
               at < 0 ? "every boundary," : "boundary", at, world_events(world), verdict);
    }
    bench->runs++;
    return world_free(world) && good;
}

/* The recorded run; 0 events: it is of no use. */
static uint64_t record(struct bench *bench, const struct spec *spec)
{
    struct world *world = record_world(&bench->reference, spec);
    uint64_t events;

    while (world_step(world)) {
    }
    events = world_verdict(world) == NULL ? world_events(world) : 0;
    (void)world_free(world);
    return events <= EVENTS_MOST ? events : 0;
}

/* Failures of one seed: at every boundary of a larger run, and at each one of a small run. */
static uint64_t prove(struct bench *bench, uint64_t seed, int64_t at)
{
    struct spec spec;
    uint64_t failed = 0;
    uint64_t events;

    if (at < 0) {
        spec_draw(&spec, seed, SPEC_SMALL);
        if (record(bench, &spec) > 0) {
            failed += !run(bench, &spec, -1);
        }
    }
    spec_draw(&spec, seed, SPEC_TINY);
    events = record(bench, &spec);
    if (at >= 0) {
        return !run(bench, &spec, at);
    }
    for (uint64_t k = 0; k <= events && failed < 3; k++) {
        failed += !run(bench, &spec, (int64_t)k);
    }
    return failed;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct bench bench = {.runs = 0};
    uint64_t failed = 0;

    if (!parse_arguments(&arguments, argc, argv, 30)) {
        return 2;
    }
    bench.run.wanted = &bench.reference;
    bench.reference.view.print = arguments.verbose;
    bench.run.view.print = arguments.verbose;
    for (uint64_t i = 0; i < arguments.count; i++) {
        failed += prove(&bench, arguments.first + i, arguments.at);
    }
    printf("%" PRIu64 " runs, %" PRIu64 " moves, %" PRIu64 " failed\n", bench.runs, bench.moves, failed);
    record_free(&bench.reference);
    buffer_free(&bench.first);
    buffer_free(&bench.second);
    return failed == 0 && bench.moves > 0 ? 0 : 1;
}
