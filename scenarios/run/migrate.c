/* SPDX-License-Identifier: GPL-2.0-only */
/* Event migrate: the server's address and its connections go elsewhere while they carry data; in which order, how fast
 * and on what occasion each of them goes is the scenario's choice. */
#include <stdlib.h>

#include "run/build.h"
#include "run/carry.h"
#include "run/choices.h"
#include "run/flow.h"
#include "run/migrate.h"
#include "run/moments.h"
#include "run/world_state.h"

enum { ORDER_OLDEST, ORDER_NEWEST, ORDER_BUSIEST, ORDER_IDLEST }; /* as the words of migrate_order */
enum { WHEN_NOW, WHEN_IDLE, WHEN_SEND };                          /* as the words of migrate_when */

/* ---- The order --------------------------------------------------------------------------------------------------- */

/* What decides, smallest first; identities are in the order of opening. */
struct key {
    uint64_t rank;
    uint32_t id;
};

static int compare(const void *a, const void *b)
{
    const struct key *one = a, *other = b;

    if (one->rank != other->rank)
        return one->rank < other->rank ? -1 : 1;
    return one->id < other->id ? -1 : one->id > other->id;
}

static uint64_t rank_of(const struct flow *flow)
{
    const uint64_t carried = flow->received[SERVER] + flow->accepted[SERVER];

    switch (flow->world->scenario->migrate_order) {
    case ORDER_NEWEST:
        return UINT32_MAX - flow->id;
    case ORDER_BUSIEST:
        return UINT64_MAX - carried;
    case ORDER_IDLEST:
        return carried;
    default:
        return flow->id;
    }
}

/* Those that are open at the server now, in order.  0: no memory. */
static int line_up(struct world *world)
{
    const uint32_t connections = (uint32_t)world->scenario->connections;
    struct key *keys = calloc(connections, sizeof(*keys));
    uint32_t *order = realloc(world->migrate.order, connections * sizeof(*order));
    uint32_t count = 0;

    if (order != NULL)
        world->migrate.order = order;
    if (keys == NULL || order == NULL) {
        free(keys);
        return 0;
    }
    for (uint32_t i = 0; i < connections; i++) {
        const struct flow *flow = &world->flows[i];

        if (flow->socket[SERVER] != NULL)
            keys[count++] = (struct key){.rank = rank_of(flow), .id = i};
    }
    qsort(keys, count, sizeof(*keys), compare);
    for (uint32_t i = 0; i < count; i++)
        order[i] = keys[i].id;
    free(keys);
    world->migrate.count = count;
    world->migrate.next = 0;
    return 1;
}

/* ---- Going ------------------------------------------------------------------------------------------------------- */

/* 1: it is on its way.  One that the host holds has gone with the address; one that is closing is left alone. */
static int go(struct flow *flow, flue_ps at_ps)
{
    struct flue_host_socket *socket = flow->socket[SERVER];

    if (flow->moving >= MOVING_GOES)
        return 0;
    flow->moving = MOVING_NO;
    if (socket != NULL && flow->world->second_server != 0)
        return carry_go(flow, at_ps);
    if (socket == NULL || flue_host_socket_move(socket, at_ps) != FLUE_OK)
        return 0;
    flow->moving = MOVING_GOES;
    return 1;
}

/* Nothing is under way, as far as the server knows. */
static int idle(const struct flow *flow)
{
    return flow->acked[SERVER] == flow->accepted[SERVER] && flow->request_bytes == 0;
}

static void all_at_once(void *ctx, flue_ps at_ps)
{
    struct world *world = ctx;

    for (uint32_t i = 0; i < world->migrate.count; i++) {
        struct flow *flow = &world->flows[world->migrate.order[i]];

        if (world->scenario->migrate_when == WHEN_NOW || (world->scenario->migrate_when == WHEN_IDLE && idle(flow)))
            (void)go(flow, at_ps);
        else
            flow->moving = MOVING_WAITS;
    }
}

/* The next one that has to be moved. */
static void next_goes(void *ctx, flue_ps at_ps)
{
    struct world *world = ctx;

    while (world->migrate.next < world->migrate.count &&
           !go(&world->flows[world->migrate.order[world->migrate.next++]], at_ps)) {
    }
}

static void on_turn(struct timer *timer, flue_ps now_ps)
{
    struct world *world = FLUE_CONTAINER_OF(timer, struct world, migrate.turn);

    flue_host_run(world_host(world, SERVER), now_ps, next_goes, world);
    if (world->migrate.next < world->migrate.count)
        timers_arm(world_timers(world, SERVER), timer, now_ps + FLUE_PS_PER_MS / world->scenario->migrate_pace);
}

static flue_err move_address(struct world *world, const struct event *event, flue_ps now_ps)
{
    const struct flue_ip address = flue_ip_v4(SERVER_IP);

    if (event->arg[0] == MIGRATE_NODE)
        return carry_begin(world, now_ps);
    world->migrate.adapter ^= 1;
    return flue_host_address_move(world_host(world, SERVER), &address, world->migrate.adapter, now_ps);
}

int migrate_begin(struct world *world, const struct event *event, flue_ps now_ps)
{
    const int paced = world->scenario->migrate_pace > 0 && world->scenario->migrate_when == WHEN_NOW;

    if (!line_up(world))
        return 0;
    world->migrate.begin_ps = now_ps;
    if (move_address(world, event, now_ps) != FLUE_OK)
        return 0;
    world->migrate.begun = 1;
    if (paced) {
        timer_setup(&world->migrate.turn, on_turn);
        timers_arm(world_timers(world, SERVER), &world->migrate.turn, now_ps);
    } else {
        flue_host_run(world_host(world, SERVER), now_ps, all_at_once, world);
    }
    return 1;
}

/* ---- Meanwhile --------------------------------------------------------------------------------------------------- */

void migrate_occasion(struct flow *flow, enum occasion occasion, flue_ps at_ps)
{
    const int64_t when = flow->world->scenario->migrate_when;

    if (flow->moving == MOVING_WAITS &&
        (occasion == OCCASION_SENDS ? when == WHEN_SEND : when == WHEN_IDLE && idle(flow)))
        (void)go(flow, at_ps);
}

void migrate_moved(struct flow *flow, enum flue_holder holder, flue_ps at_ps)
{
    if (flow->moving == MOVING_GOES && flow->world->second_server != 0)
        carry_moved(flow, holder, at_ps);
    else if (flow->moving == MOVING_GOES && holder == FLUE_HOLDER_TARGET)
        migrate_arrived(flow, at_ps);
}

void migrate_arrived(struct flow *flow, flue_ps at_ps)
{
    flow->moving = MOVING_NO;
    flow->world->migrate.moved++;
    flow->world->migrate.last_ps = at_ps;
}

void migrate_opened(struct flow *flow, flue_ps at_ps)
{
    if (!flow->world->migrate.begun)
        return;
    if (flow->world->scenario->migrate_when == WHEN_NOW)
        (void)go(flow, at_ps);
    else
        flow->moving = MOVING_WAITS;
}

/* ---- Afterwards -------------------------------------------------------------------------------------------------- */

static void put(const struct world *world, const char *metric, const char *entity, uint64_t value)
{
    world->record->metric(world->record->ctx, metric, entity, (int64_t)value, 1);
}

void migrate_report(struct world *world)
{
    struct flue_host_totals totals;

    if (!schedule_has(&world->schedule, EVENT_MIGRATE))
        return;
    flue_host_totals(world_host(world, SERVER), &totals);
    put(world, "migrate.connections", "", world->migrate.moved);
    if (world->migrate.moved > 0)
        put(world, "migrate.time", "", (uint64_t)(world->migrate.last_ps - world->migrate.begin_ps));
    if (world->second_server == 0) {
        put(world, "migrate.bytes", "send", totals.chain_bytes_taken);
        put(world, "migrate.bytes", "receive", totals.buffered_bytes_taken);
        return;
    }
    put(world, "migrate.bytes", "image", world->carry.image_bytes);
    put(world, "migrate.bytes", "payload", world->carry.payload_bytes);
    put(world, "migrate.strays", "forwarded", world->carry.forwarded);
    put(world, "migrate.strays", "dropped", world->carry.dropped);
}

void migrate_dispose(struct world *world)
{
    free(world->migrate.order);
}
