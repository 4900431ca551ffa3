/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections from one server to another: taken back from the adapter, exported, carried, imported, handed over anew.
 * Between the servers there is one way of a rate and a latency, in both directions; images and segments that came to
 * the wrong server queue for it alike. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "run/build.h"
#include "run/carry.h"
#include "run/choices.h"
#include "run/flow.h"
#include "run/migrate.h"
#include "run/world_state.h"

#define RETRY_PS (100 * FLUE_PS_PER_US) /* a connection that cannot be exported yet is looked at again */

/* ---- The way ----------------------------------------------------------------------------------------------------- */

/* When what is given to it now has arrived.  bytes below 2^40. */
static flue_ps send_over(struct world *world, unsigned to, uint64_t bytes, flue_ps now_ps)
{
    const uint64_t rate = (uint64_t)world->scenario->migrate_rate, bits = bytes * 8;
    flue_ps *free_ps = &world->carry.free_ps[to == world->second_server ? 0 : 1];

    if (*free_ps < now_ps)
        *free_ps = now_ps;
    *free_ps += (flue_ps)(bits / rate * (uint64_t)FLUE_PS_PER_S + bits % rate * UINT64_C(1000000) / rate * 1000000);
    return *free_ps + world->scenario->migrate_latency;
}

/* The state of a connection between two servers. */
struct flow_image {
    flue_ps arrive_ps;
    size_t bytes;
    unsigned char memory[];
};

/* ---- Out --------------------------------------------------------------------------------------------------------- */

static void put_ready(struct flow *flow, flue_ps at_ps)
{
    struct world *world = flow->world;

    if (hook_linked(&flow->carry))
        return;
    list_push_back(&world->carry.ready, &flow->carry);
    if (!timer_armed(&world->carry.ready_timer))
        timers_arm(world_timers(world, SERVER), &world->carry.ready_timer, at_ps);
}

/* The connection becomes an image; nobody has it until that arrives. */
static flue_err leave(struct flow *flow, flue_ps at_ps)
{
    struct world *world = flow->world;
    struct flow_image *image;
    uint64_t payload_bytes;
    size_t bytes = 0;
    flue_err err = flue_host_socket_export(flow->socket[SERVER], at_ps, NULL, 0, &bytes, &payload_bytes);

    if (err != FLUE_OK)
        return err;
    image = malloc(sizeof(*image) + bytes);
    if (image == NULL)
        return FLUE_ENOMEM;
    err = flue_host_socket_export(flow->socket[SERVER], at_ps, image->memory, bytes, &bytes, &payload_bytes);
    if (err != FLUE_OK) {
        free(image);
        return err;
    }
    image->bytes = bytes;
    flow->image = image;
    flow->socket[SERVER] = NULL;
    flow->node[SERVER] = world->second_server;
    flow->moving = MOVING_CARRIED;
    flow->image->arrive_ps = send_over(world, world->second_server, bytes + payload_bytes, at_ps);
    world->carry.image_bytes += bytes;
    world->carry.payload_bytes += payload_bytes;
    if (list_empty(&world->carry.on_way))
        timers_arm(world_timers(world, world->second_server), &world->carry.arrival, flow->image->arrive_ps);
    list_push_back(&world->carry.on_way, &flow->carry);
    return FLUE_OK;
}

static void leave_all(void *ctx, flue_ps at_ps)
{
    struct world *world = ctx;
    struct flue_hook later, *hook;

    list_init(&later);
    while ((hook = list_pop_front(&world->carry.ready)) != NULL) {
        struct flow *flow = FLUE_CONTAINER_OF(hook, struct flow, carry);
        struct flue_host_socket *socket = flow->socket[SERVER];

        if (socket == NULL || flue_host_socket_holder(socket) == FLUE_HOLDER_CLOSED)
            flow->moving = MOVING_NO; /* it has ended meanwhile */
        else if (flue_host_socket_holder(socket) == FLUE_HOLDER_OFFERED ||
                 (flue_host_socket_holder(socket) == FLUE_HOLDER_HOST && leave(flow, at_ps) != FLUE_OK))
            list_push_back(&later, hook);
    }
    list_splice_back(&world->carry.ready, &later);
}

static void on_ready(struct timer *timer, flue_ps now_ps)
{
    struct world *world = FLUE_CONTAINER_OF(timer, struct world, carry.ready_timer);

    flue_host_run(world_host(world, SERVER), now_ps, leave_all, world);
    if (!list_empty(&world->carry.ready))
        timers_arm(world_timers(world, SERVER), timer, now_ps + RETRY_PS);
    flue_node_settle(world->node[world->second_server]);
}

int carry_go(struct flow *flow, flue_ps at_ps)
{
    struct flue_host_socket *socket = flow->socket[SERVER];

    if (flow->node[SERVER] != SERVER)
        return 0;
    flow->moving = MOVING_GOES;
    carry_moved(flow, flue_host_socket_holder(socket), at_ps);
    return 1;
}

/* One that is being offered is looked at again, for nobody tells of a refusal.  If the target holds it, and a take-back
 * is refused, it is on its way back already. */
void carry_moved(struct flow *flow, enum flue_holder holder, flue_ps at_ps)
{
    if (holder == FLUE_HOLDER_HOST || holder == FLUE_HOLDER_OFFERED ||
        (holder == FLUE_HOLDER_TARGET && flue_host_socket_upload(flow->socket[SERVER], at_ps) != FLUE_OK &&
         flue_host_socket_holder(flow->socket[SERVER]) == FLUE_HOLDER_HOST))
        put_ready(flow, at_ps);
}

/* ---- In ---------------------------------------------------------------------------------------------------------- */

static void go_on(struct flow *flow, flue_ps at_ps)
{
    struct world *world = flow->world;

    if (world->workload->arrived != NULL)
        world->workload->arrived(flow, at_ps);
    if (flow->close_late)
        flow_close(flow, SERVER);
    if (flow->socket[SERVER] == NULL || world->scenario->offload != ARM_CHIMNEY)
        return;
    if (flue_host_socket_offload(flow->socket[SERVER], at_ps) != FLUE_OK)
        world->carry.stayed++; /* with the host: it closes, or the adapter takes none */
}

static void take_back(void *ctx, flue_ps at_ps)
{
    struct flow *flow = ctx;
    struct world *world = flow->world;
    const flue_err err = flue_host_socket_import(world_host(world, SERVER), flow->image->memory, flow->image->bytes,
                                                 &world->app[SERVER], flow, at_ps, &flow->socket[SERVER]);

    flow->moving = MOVING_NO;
    flow->node[SERVER] = SERVER;
    world->carry.came_back++;
    if (err != FLUE_OK)
        world_finding(world, "connection %" PRIu32 ": neither server could take it: %s", flow->id,
                      flue_err_sentence(err));
    else
        go_on(flow, at_ps);
}

static void arrive(struct flow *flow, flue_ps at_ps)
{
    struct world *world = flow->world;
    const flue_err err =
        flue_host_socket_import(world_host(world, world->second_server), flow->image->memory, flow->image->bytes,
                                &world->app[SERVER], flow, at_ps, &flow->socket[SERVER]);

    if (err == FLUE_OK) {
        migrate_arrived(flow, at_ps);
        go_on(flow, at_ps);
    } else {
        flue_host_run(world_host(world, SERVER), at_ps, take_back, flow);
        flue_node_settle(world->node[SERVER]);
    }
    free(flow->image);
    flow->image = NULL;
}

static void arrive_all(void *ctx, flue_ps at_ps)
{
    struct world *world = ctx;
    const flue_ps now_ps = world->net.now(world->net.ctx);
    struct flue_hook *hook;

    while ((hook = list_first(&world->carry.on_way)) != NULL &&
           FLUE_CONTAINER_OF(hook, struct flow, carry)->image->arrive_ps <= now_ps) {
        list_remove(hook);
        arrive(FLUE_CONTAINER_OF(hook, struct flow, carry), at_ps);
    }
}

static void on_arrival(struct timer *timer, flue_ps now_ps)
{
    struct world *world = FLUE_CONTAINER_OF(timer, struct world, carry.arrival);
    struct flue_hook *hook;

    flue_host_run(world_host(world, world->second_server), now_ps, arrive_all, world);
    hook = list_first(&world->carry.on_way);
    if (hook != NULL)
        timers_arm(world_timers(world, world->second_server), timer,
                   FLUE_CONTAINER_OF(hook, struct flow, carry)->image->arrive_ps);
}

/* ---- Segments that come to the wrong server ---------------------------------------------------------------------- */

static void pass_on(struct world *world, const struct flow *flow, const struct flue_frame *frame, flue_ps at_ps)
{
    const unsigned to = flow->node[SERVER];
    const struct flue_wire *wire = world->net.wire(world->net.ctx, to);
    const uint64_t bytes = frame->payload.length_bytes + 40;
    struct flue_frame copy = *frame;

    memcpy(copy.dst_mac, wire->facts.mac, sizeof(copy.dst_mac));
    at_ps = send_over(world, to, bytes, at_ps);
    if (flow->moving == MOVING_CARRIED && at_ps <= flow->image->arrive_ps)
        at_ps = flow->image->arrive_ps + 1; /* it waits for its connection */
    flue_node_receive_at(world->node[to], &copy, at_ps);
    flue_node_settle(world->node[to]);
}

/* Connections that are not open yet are the first server's, which accepts all; their segments are never dropped. */
static int on_stray(void *ctx, const struct flue_frame *frame, flue_ps at_ps)
{
    const struct carry_end *end = ctx;
    struct world *world = end->world;
    const struct flue_tcp_tuple tuple = flue_tcp_tuple_of(frame);
    const uint32_t id = world_identify(world, &tuple);
    const struct flow *flow;

    if (tuple.local_ip.word[3] != SERVER_IP || tuple.local_port != SERVER_PORT ||
        id >= (uint32_t)world->scenario->connections)
        return 0;
    flow = &world->flows[id];
    if (flow->closed[SERVER] || (flow->node[SERVER] == end->node && flow->moving != MOVING_CARRIED))
        return 0;
    if (world->scenario->migrate_strays == STRAYS_DROP && flow->open[SERVER]) {
        world->carry.dropped++;
        return 1;
    }
    world->carry.forwarded++;
    pass_on(world, flow, frame, at_ps);
    return 1;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

flue_err carry_begin(struct world *world, flue_ps now_ps)
{
    const struct flue_ip address = flue_ip_v4(SERVER_IP);
    const unsigned nodes[2] = {SERVER, world->second_server};
    struct flue_host *second = world_host(world, world->second_server);
    flue_err err;

    if (world->migrate.begun)
        return FLUE_ESTATE; /* it is there */
    timer_setup(&world->carry.ready_timer, on_ready);
    timer_setup(&world->carry.arrival, on_arrival);
    list_init(&world->carry.ready);
    list_init(&world->carry.on_way);
    for (unsigned i = 0; i < 2; i++) {
        world->carry.end[i] = (struct carry_end){.world = world, .node = nodes[i]};
        flue_host_set_stray(world_host(world, nodes[i]), on_stray, &world->carry.end[i]);
    }
    err = flue_host_address_leave(world_host(world, SERVER), &address);
    if (err == FLUE_OK)
        err = flue_host_address(second, 0, &address);
    if (err == FLUE_OK)
        err = flue_host_announce(second, 0, &address, now_ps);
    for (uint32_t i = 0; err == FLUE_OK && i < (uint32_t)world->scenario->clients * world->client_ips; i++) {
        const struct flue_ip client = flue_ip_v4(CLIENT_IP + i);

        err = flue_host_resolve(second, &address, &client, now_ps);
    }
    flue_node_settle(world->node[world->second_server]);
    return err;
}

void carry_dispose(struct world *world)
{
    for (uint32_t i = 0; world->flows != NULL && i < (uint32_t)world->scenario->connections; i++)
        free(world->flows[i].image);
}
