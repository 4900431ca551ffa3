/* SPDX-License-Identifier: GPL-2.0-only */
/* stream/world.c - the loop: whatever comes next in virtual time happens, then the program it happened to goes on. */
#include "stream/world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/program.h"

#define EVENTS_MOST  UINT64_C(1000000)
#define EVENTS_STILL 20000u /* events without any time between them */
#define TIME_MOST_PS (300000 * FLUE_PS_PER_S)

struct world {
    struct spec spec;
    struct world_watch watch;
    struct network network;
    flue_ps now_ps;
    uint64_t events, packets;
    uint64_t still;
    uint64_t live_bytes;
    char wrong[400]; /* empty: nothing */
    struct end {
        struct world *world;
        struct rng rng; /* the stack's */
        uint32_t draws;
        uint32_t mtu_bytes;
        struct program program;
    } end[2];
};

void world_fail(struct world *world, const char *format, ...)
{
    va_list arguments;

    if (world->wrong[0] == 0) {
        va_start(arguments, format);
        (void)vsnprintf(world->wrong, sizeof world->wrong, format, arguments);
        va_end(arguments);
    }
}

bool world_failed(const struct world *world)
{
    return world->wrong[0] != 0;
}

flue_ps world_now(const struct world *world)
{
    return world->now_ps;
}

uint64_t world_events(const struct world *world)
{
    return world->events;
}

uint64_t world_packets(const struct world *world)
{
    return world->packets;
}

struct flue_stack *world_stack(const struct world *world, unsigned end)
{
    return world->end[end].program.stack;
}

int world_socket(const struct world *world, unsigned end)
{
    return world->end[end].program.ended ? -1 : world->end[end].program.socket;
}

void world_set_socket(struct world *world, unsigned end, int socket)
{
    world->end[end].program.socket = socket;
}

bool world_shut(const struct world *world, unsigned end)
{
    return world->end[end].program.shut;
}

static uint64_t digest(uint64_t kind, const uint8_t *bytes, size_t length)
{
    uint64_t sum = program_mix(kind + 8 * length);

    while (length > 0) {
        uint64_t word = 0;
        size_t part = length < 8 ? length : 8;

        memcpy(&word, bytes, part);
        sum = program_mix(sum ^ word) + UINT64_C(0x9e3779b97f4a7c15);
        bytes += part;
        length -= part;
    }
    return sum;
}

static void fact(struct world *world, uint64_t kind, const uint8_t *bytes, size_t length)
{
    if (world->watch.fact != NULL) {
        world->watch.fact(world->watch.ctx, world->now_ps, digest(kind, bytes, length));
    }
}

static void output(void *ctx, const uint8_t *packet, size_t bytes)
{
    struct end *end = ctx;
    struct world *world = end->world;
    unsigned from = end->program.index;

    world->packets++;
    if (bytes > end->mtu_bytes) {
        world_fail(world, "end %u sends %zu bytes on a link of %u", from, bytes, end->mtu_bytes);
    }
    fact(world, from, packet, bytes);
    network_send(&world->network, from, packet, bytes, world->now_ps);
}

static void event(void *ctx, const struct flue_stack_event *told)
{
    struct end *end = ctx;

    if (told->socket == end->program.socket) {
        program_event(&end->program, told);
    }
}

/* The stack adds a clock of 4 us, so the first sequence number becomes what the spec says. */
static uint32_t random32(void *ctx)
{
    struct end *end = ctx;
    const struct spec_end *spec = end->program.spec;
    uint32_t number = (uint32_t)rng_u64(&end->rng);

    return spec->random_seq ? number : spec->first_seq - (uint32_t)(end->world->now_ps / (4 * FLUE_PS_PER_US));
}

static void *allocate(void *ctx, size_t bytes)
{
    struct end *end = ctx;
    void *memory = calloc(1, bytes);

    end->world->live_bytes += memory == NULL ? 0 : bytes;
    return memory;
}

static void release(void *ctx, void *memory, size_t bytes)
{
    struct end *end = ctx;

    end->world->live_bytes -= memory == NULL ? 0 : bytes;
    free(memory);
}

static void delivered(void *ctx, unsigned index, const uint8_t *bytes, size_t length)
{
    fact(ctx, 2 + index, bytes, length);
}

static void start_end(struct world *world, unsigned index)
{
    struct end *end = &world->end[index];
    const struct spec_end *spec = &world->spec.end[index];
    struct program *program = &end->program;
    const struct flue_stack_callbacks callbacks = {
        .ctx = end, .output = output, .event = event, .random32 = random32, .allocate = allocate, .release = release};
    int error;

    end->world = world;
    end->mtu_bytes = spec->config.tcp.mtu_bytes != 0 ? spec->config.tcp.mtu_bytes : spec->config.tcp.mss_bytes + 40;
    rng_init(&end->rng, world->spec.seed, index == 0 ? "stack 0" : "stack 1");
    program->spec = spec;
    program->world = world;
    program->index = index;
    program->listener = -1;
    program->socket = -1;
    program->send_key = program_mix(world->spec.seed * 2 + index);
    program->receive_key = program_mix(world->spec.seed * 2 + 1 - index);
    program->delivered = delivered;
    program->delivered_ctx = world;
    rng_init(&program->rng, world->spec.seed, index == 0 ? "program 0" : "program 1");
    error = flue_stack_new(&spec->config, &callbacks, world->now_ps, &program->stack);
    if (error != FLUE_STACK_OK) {
        world_fail(world, "end %u: the stack is refused: %s", index, flue_stack_error_name(error));
    }
}

struct world *world_new(const struct spec *spec, const struct world_watch *watch)
{
    struct world *world = calloc(1, sizeof *world);

    if (world == NULL) {
        abort();
    }
    world->spec = *spec;
    world->watch = *watch;
    world->now_ps = spec->start_ps;
    network_init(&world->network, &world->spec, watch->packet, watch->ctx);
    start_end(world, 0);
    start_end(world, 1);
    /* The passive end first, so that it listens. */
    for (unsigned i = 2; i > 0 && !world_failed(world); i--) {
        program_start(&world->end[i - 1].program, i == 2 && !spec->both_open, world->now_ps);
    }
    return world;
}

bool world_free(struct world *world)
{
    bool clean;

    for (unsigned i = 0; i < 2; i++) {
        flue_stack_free(world->end[i].program.stack);
    }
    network_dispose(&world->network);
    clean = world->live_bytes == 0;
    free(world);
    return clean;
}

static void check(struct world *world, unsigned index)
{
    char what[200];

    if (flue_stack_check(world->end[index].program.stack, what, sizeof what) != FLUE_STACK_OK) {
        world_fail(world, "end %u: check: %s", index, what);
    }
}

static void arrive(struct world *world)
{
    struct packet *packet = network_take(&world->network);
    struct end *end = &world->end[packet->to];
    int result = flue_stack_input(end->program.stack, packet->data, packet->bytes, world->now_ps);

    if (result != FLUE_STACK_OK && !packet->damaged) {
        world_fail(world, "end %u refuses a packet: %s", packet->to, flue_stack_error_name(result));
    }
    program_run(&end->program, world->now_ps);
    check(world, packet->to);
    free(packet);
}

static void move_clock(struct world *world, flue_ps at_ps)
{
    if (at_ps > world->now_ps) {
        world->now_ps = at_ps;
        world->still = 0;
    } else if (++world->still > EVENTS_STILL) {
        world_fail(world, "time stands still");
    }
    if (++world->events > EVENTS_MOST || world->now_ps - world->spec.start_ps > TIME_MOST_PS) {
        world_fail(world, "no end after %" PRIu64 " events and %" PRId64 " s", world->events,
                   (world->now_ps - world->spec.start_ps) / FLUE_PS_PER_S);
    }
}

bool world_step(struct world *world)
{
    flue_ps packet_ps = network_next(&world->network);
    flue_ps next_ps = packet_ps;
    unsigned who = 2;

    if (world_failed(world)) {
        return false;
    }
    for (unsigned i = 0; i < 2; i++) {
        flue_ps deadline_ps = flue_stack_deadline(world->end[i].program.stack);
        flue_ps program_ps = program_next(&world->end[i].program);
        flue_ps end_ps = deadline_ps < program_ps ? deadline_ps : program_ps;

        if (end_ps < next_ps) {
            next_ps = end_ps;
            who = i;
        }
    }
    if (next_ps == FLUE_PS_NEVER) {
        return false;
    }
    move_clock(world, next_ps);
    if (who == 2) {
        arrive(world);
    } else {
        flue_stack_advance(world->end[who].program.stack, world->now_ps);
        program_run(&world->end[who].program, world->now_ps);
        check(world, who);
    }
    return !world_failed(world);
}

static void check_end(struct world *world, unsigned index)
{
    const struct program *program = &world->end[index].program;
    uint64_t wanted = world->spec.end[1 - index].bytes;
    struct flue_tcp_totals totals;

    if (program->received != wanted || !program->peer_done || !program->closed) {
        world_fail(
            world,
            "it stalls: end %u has sent %" PRIu64 " of %" PRIu64 " and read %" PRIu64 " of %" PRIu64 " bytes, %s%s%s%s",
            index, program->sent, program->spec->bytes, program->received, wanted, flue_tcp_state_name(program->state),
            program->shut ? ", shut" : "", program->peer_done ? ", peer done" : "", program->closed ? ", closed" : "");
    }
    flue_stack_totals(program->stack, &totals);
    if (totals.connections != 0 || totals.pool_objects_live != 0) {
        world_fail(world, "end %u: %" PRIu64 " connections and %" PRIu64 " objects are left", index, totals.connections,
                   totals.pool_objects_live);
    }
    if (flue_stack_deadline(program->stack) != FLUE_PS_NEVER) {
        world_fail(world, "end %u: a deadline is left", index);
    }
}

const char *world_verdict(struct world *world)
{
    for (unsigned i = 0; i < 2 && !world_failed(world); i++) {
        check_end(world, i);
    }
    return world_failed(world) ? world->wrong : NULL;
}
