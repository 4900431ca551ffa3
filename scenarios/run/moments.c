/* SPDX-License-Identifier: GPL-2.0-only */
/* What a scenario wants to happen at a chosen time, whatever the traffic does: operations of the interface on all
 * connections, what an adapter tells of itself, and what fails.  All of it concerns the server. */
#include "run/flows.h"

typedef void moment_fn(struct world *world, struct flue_socket *socket, flue_ps now_ps);

static void each(struct world *world, moment_fn *fn, flue_ps now_ps)
{
    for (uint32_t i = 0; i < (uint32_t)world->scenario->connections; i++) {
        struct flue_socket *socket = world->flows[i].socket[SERVER];

        if (socket != NULL)
            fn(world, socket, now_ps);
    }
}

static void offload(struct world *world, struct flue_socket *socket, flue_ps now_ps)
{
    (void)world;
    if (flue_host_socket_holder(socket) == FLUE_HOLDER_HOST)
        (void)!flue_host_socket_offload(socket, now_ps);
}

static void upload(struct world *world, struct flue_socket *socket, flue_ps now_ps)
{
    (void)world;
    if (flue_host_socket_holder(socket) == FLUE_HOLDER_TARGET)
        (void)!flue_host_socket_upload(socket, now_ps);
}

/* One hop less, and questions whether the peer is there: whoever runs TCP is to know. */
static void update(struct world *world, struct flue_socket *socket, flue_ps now_ps)
{
    struct flue_tcp_settings settings;

    (void)world;
    if (flue_host_socket_settings(socket, &settings) != FLUE_OK)
        return;
    settings.ttl = (uint8_t)(settings.ttl - 1);
    settings.keep_alive = 1;
    (void)!flue_host_socket_change(socket, &settings, now_ps);
}

/* The answer stands in the trace. */
static void on_told(void *ctx, struct flue_socket *socket, const struct TCP_OFFLOAD_STATE_DELEGATED *delegated,
                    flue_ps at_ps)
{
    (void)ctx;
    (void)socket;
    (void)delegated;
    (void)at_ps;
}

static void query(struct world *world, struct flue_socket *socket, flue_ps now_ps)
{
    if (flue_host_socket_holder(socket) == FLUE_HOLDER_TARGET)
        (void)!flue_host_socket_query(socket, on_told, world, now_ps);
}

/* Every neighbour of the server that the target has. */
static void invalidate(struct world *world, flue_ps now_ps)
{
    struct flue_host *host = world_host(world, SERVER);
    const int gateways = world->scenario->topology == TOPOLOGY_GATEWAYS;

    if (world->scenario->topology == TOPOLOGY_LINK)
        (void)!flue_host_invalidate_neighbour(host, NULL, now_ps);
    for (uint32_t i = 0; world->scenario->topology != TOPOLOGY_LINK && i < FLUE_HOST_ADDRESSES; i++) {
        const struct flue_ip next_hop = flue_ip_v4((gateways ? GATEWAY_IP : CLIENT_IP) + i);

        (void)!flue_host_invalidate_neighbour(host, &next_hop, now_ps);
    }
}

static void fire(struct timer *timer, flue_ps now_ps)
{
    const struct moment *moment = FLUE_CONTAINER_OF(timer, struct moment, timer);
    struct world *world = moment->world;
    struct flue_target *target = flue_node_target(world->node[SERVER]);

    switch (moment->kind) {
    case MOMENT_OFFLOAD:
        each(world, offload, now_ps);
        break;
    case MOMENT_UPLOAD:
        each(world, upload, now_ps);
        break;
    case MOMENT_UPDATE:
        each(world, update, now_ps);
        break;
    case MOMENT_QUERY:
        each(world, query, now_ps);
        break;
    case MOMENT_INVALIDATE:
        invalidate(world, now_ps);
        break;
    case MOMENT_PAUSE:
        flue_target_pause(target);
        break;
    case MOMENT_RESUME:
        flue_target_resume(target);
        break;
    case MOMENT_UPLOAD_ALL:
        flue_target_upload_all(target);
        break;
    case MOMENT_CHIMNEY_OFF:
    case MOMENT_CHIMNEY_ON:
        (void)!flue_host_chimney(world_host(world, SERVER), 0, 4, moment->kind == MOMENT_CHIMNEY_ON, now_ps);
        break;
    case MOMENT_FAIL_OVER:
        (void)!flue_im_fail_over(flue_node_driver(world->node[SERVER], 0), now_ps);
        break;
    case MOMENT_GATEWAY_DOWN:
        flue_net_router_down(&world->net, 0, 1);
        break;
    case MOMENTS:
        break;
    }
}

void moments_arm(struct world *world)
{
    const struct flue_scenario *scenario = world->scenario;
    const flue_ps at_ps[MOMENTS] = {
        [MOMENT_OFFLOAD] = scenario->offload_at,         [MOMENT_UPLOAD] = scenario->upload_at,
        [MOMENT_UPDATE] = scenario->update_at,           [MOMENT_QUERY] = scenario->query_at,
        [MOMENT_INVALIDATE] = scenario->invalidate_at,   [MOMENT_PAUSE] = scenario->pause_at,
        [MOMENT_RESUME] = scenario->resume_at,           [MOMENT_UPLOAD_ALL] = scenario->upload_all_at,
        [MOMENT_CHIMNEY_OFF] = scenario->chimney_off_at, [MOMENT_CHIMNEY_ON] = scenario->chimney_on_at,
        [MOMENT_FAIL_OVER] = scenario->fail_over_at,     [MOMENT_GATEWAY_DOWN] = scenario->gateway_down};

    for (unsigned i = 0; i < MOMENTS; i++) {
        world->moment[i].world = world;
        world->moment[i].kind = (enum moment_kind)i;
        timer_setup(&world->moment[i].timer, fire);
        if (at_ps[i] != FLUE_PS_NEVER)
            timers_arm(flue_node_timers(world->node[SERVER]), &world->moment[i].timer, at_ps[i]);
    }
    world->disturbed = scenario->pause_at != FLUE_PS_NEVER || scenario->upload_all_at != FLUE_PS_NEVER ||
                       scenario->chimney_off_at != FLUE_PS_NEVER || scenario->fail_over_at != FLUE_PS_NEVER ||
                       scenario->invalidate_at != FLUE_PS_NEVER || scenario->gateway_down != FLUE_PS_NEVER;
}
