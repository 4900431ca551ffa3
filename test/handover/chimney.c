/* SPDX-License-Identifier: GPL-2.0-only */
/* handover/chimney.c - the proof of the chimney form: wherever a connection is moved by it, every byte still arrives in
 * order and exactly once; and what it loses is what flue/state.def says, field by field. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "handover/moves.h"
#include "handover/scratch.h"

#define EVENTS_MOST 2000u /* longer runs are left out */

struct bench {
    struct buffer image, send, unread;
    bool verbose;
    uint64_t runs, moves, compared;
};

/* Which boundaries. */
struct plan {
    enum { AT_ONE, AT_SOME, AT_EACH } kind;
    unsigned ends;   /* 1: end 0, 2: end 1, 3: both */
    int64_t at;      /* AT_ONE */
    struct rng *rng; /* AT_SOME */
};

static void move(struct bench *bench, struct world *world, unsigned end)
{
    struct flue_stack *stack = world_stack(world, end);
    int socket = world_socket(world, end);
    struct flue_tcp_state state;
    struct flue_tcp_info info;
    size_t send_bytes = 0, unread_bytes = 0;
    char what[250];
    bool movable;
    int result;

    if (socket < 0 || flue_socket_info(stack, socket, &info) != FLUE_STACK_OK) {
        return;
    }
    movable = info.state >= FLUE_TCP_ESTABLISHED && info.state <= FLUE_TCP_LAST_ACK;
    result = flue_socket_detach(stack, socket, &state, NULL, &send_bytes, NULL, &unread_bytes);
    if (!movable || send_bytes + unread_bytes > 0) {
        if (result != (movable ? FLUE_STACK_EMSGSIZE : FLUE_STACK_ENOTCONN)) {
            world_fail(world, "end %u: detach without room in %s answers %d", end, flue_tcp_state_name(info.state),
                       result);
        }
        if (!movable) {
            return;
        }
        buffer_need(&bench->send, send_bytes + 1);
        buffer_need(&bench->unread, unread_bytes + 1);
        result = flue_socket_detach(stack, socket, &state, bench->send.bytes, &send_bytes, bench->unread.bytes,
                                    &unread_bytes);
    }
    if (result != FLUE_STACK_OK) {
        world_fail(world, "end %u: detach answers %s", end, flue_stack_error_name(result));
        return;
    }
    socket = flue_socket_attach(stack, &state, bench->send.bytes, send_bytes, bench->unread.bytes, unread_bytes);
    if (socket < 0) {
        world_fail(world, "end %u: attach answers %s", end, flue_stack_error_name(socket));
        return;
    }
    world_set_socket(world, end, socket);
    bench->moves++;
    /* A FIN that has not left yet is the program's to ask for. */
    if (world_shut(world, end) && (state.state == FLUE_TCP_ESTABLISHED || state.state == FLUE_TCP_CLOSE_WAIT) &&
        flue_socket_shutdown(stack, socket, FLUE_SHUT_WRITE) != FLUE_STACK_OK) {
        world_fail(world, "end %u: shutdown after attach", end);
    }
    if (flue_stack_check(stack, what, sizeof what) != FLUE_STACK_OK) {
        world_fail(world, "end %u: check after attach: %s", end, what);
    }
}

static bool is_time(const struct plan *plan, uint64_t events)
{
    switch (plan->kind) {
    case AT_ONE:
        return (uint64_t)plan->at == events;
    case AT_SOME:
        return rng_chance_ppm(plan->rng, 100000);
    case AT_EACH:
        break;
    }
    return true;
}

static struct world *begin(const struct bench *bench, const struct spec *spec, struct record *record)
{
    *record = (struct record){.view = {.print = bench->verbose}};
    return record_world(record, spec);
}

static bool finish(struct world *world, const struct spec *spec, struct record *record, const char *kind, int64_t at,
                   unsigned ends)
{
    const char *verdict = world_verdict(world);
    bool good = verdict == NULL;

    if (!good) {
        printf("seed %" PRIu64 ", %s %" PRId64 ", ends %u, event %" PRIu64 ": %s\n", spec->seed, kind, at, ends,
               world_events(world), verdict);
    }
    record_free(record);
    return world_free(world) && good;
}

/* Every byte arrives. */
static bool run(struct bench *bench, const struct spec *spec, const struct plan *plan)
{
    static const char *const kinds[] = {"moved at boundary", "moved at some boundaries", "moved at every boundary"};
    struct record record;
    struct world *world = begin(bench, spec, &record);

    do {
        for (unsigned end = 0; end < 2; end++) {
            if ((plan->ends >> end & 1) != 0 && is_time(plan, world_events(world)) && !world_failed(world)) {
                move(bench, world, end);
            }
        }
    } while (world_step(world));
    bench->runs++;
    return finish(world, spec, &record, kinds[plan->kind], plan->at, plan->ends);
}

/* At every boundary, what the form loses of each end's connection. */
static bool compare(struct bench *bench, const struct spec *spec, uint64_t *events)
{
    struct record record;
    struct world *world = begin(bench, spec, &record);
    char what[250];

    do {
        for (unsigned end = 0; end < 2 && !world_failed(world); end++) {
            if (move_out(world, end, &bench->image)) {
                if (scratch_compare(&spec->end[end].config.tcp, &bench->image, flue_stack_now(world_stack(world, end)),
                                    &bench->compared, what) != NULL) {
                    world_fail(world, "end %u: %s", end, what);
                }
                move_in(world, end, &bench->image);
            }
        }
    } while (world_step(world));
    bench->runs++;
    *events = world_events(world);
    return finish(world, spec, &record, "compared", -1, 3);
}

static uint64_t prove(struct bench *bench, uint64_t seed, int64_t at)
{
    struct spec spec;
    struct rng rng;
    uint64_t failed = 0;
    uint64_t events;

    if (at < 0) {
        spec_draw(&spec, seed, SPEC_SMALL);
        failed += !compare(bench, &spec, &events);
        if (events > EVENTS_MOST) {
            return failed;
        }
        rng_init(&rng, seed, "moves");
        failed += !run(bench, &spec, &(struct plan){.kind = AT_SOME, .ends = 3, .at = -1, .rng = &rng});
        failed += !run(bench, &spec, &(struct plan){.kind = AT_EACH, .ends = 1 + (unsigned)(seed % 3), .at = -1});
    }
    spec_draw(&spec, seed, SPEC_TINY);
    if (at >= 0) {
        return !run(bench, &spec, &(struct plan){.kind = AT_ONE, .ends = 1, .at = at}) +
               !run(bench, &spec, &(struct plan){.kind = AT_ONE, .ends = 2, .at = at});
    }
    failed += !compare(bench, &spec, &events);
    for (uint64_t k = 0; k <= events && failed < 3; k++) {
        for (unsigned ends = 1; ends <= 3; ends++) {
            failed += !run(bench, &spec, &(struct plan){.kind = AT_ONE, .ends = ends, .at = (int64_t)k});
        }
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
    bench.verbose = arguments.verbose;
    for (uint64_t i = 0; i < arguments.count; i++) {
        failed += prove(&bench, arguments.first + i, arguments.at);
    }
    printf("%" PRIu64 " runs, %" PRIu64 " moves, %" PRIu64 " comparisons, %" PRIu64 " failed\n", bench.runs,
           bench.moves, bench.compared, failed);
    buffer_free(&bench.image);
    buffer_free(&bench.send);
    buffer_free(&bench.unread);
    return failed == 0 && bench.moves > 0 ? 0 : 1;
}
