/* SPDX-License-Identifier: GPL-2.0-only */
/* What a scenario wants to happen at a chosen time, whatever the traffic does: operations of the interface on
 * connections, what an adapter tells of itself, what fails on the wire and in the hardware.  All of it concerns the
 * server. */
#include <string.h>

#include "flue/ndis.h"
#include "run/build.h"
#include "run/choices.h"
#include "run/flow.h"
#include "run/migrate.h"
#include "run/moments.h"
#include "run/world_state.h"

/* True: it had an effect. */
typedef int moment_fn(struct world *world, const struct flow *flow, const struct event *event, flue_ps now_ps);

/* On the first `most` connections that fn does something about; 0: on all. */
static int each(struct world *world, moment_fn *fn, const struct event *event, int64_t most, flue_ps now_ps)
{
    int64_t done = 0;

    for (uint32_t i = 0; i < world->places && (most == 0 || done < most); i++) {
        if (world->flows[i].socket[SERVER] != NULL)
            done += fn(world, &world->flows[i], event, now_ps);
    }
    return done > 0;
}

static int offload(struct world *world, const struct flow *flow, const struct event *event, flue_ps now_ps)
{
    struct flue_host_socket *socket = flow->socket[SERVER];

    (void)world;
    (void)event;
    return flue_host_socket_holder(socket) == FLUE_HOLDER_HOST && flue_host_socket_offload(socket, now_ps) == FLUE_OK;
}

static int upload(struct world *world, const struct flow *flow, const struct event *event, flue_ps now_ps)
{
    struct flue_host_socket *socket = flow->socket[SERVER];

    (void)world;
    (void)event;
    return flue_host_socket_holder(socket) == FLUE_HOLDER_TARGET && flue_host_socket_upload(socket, now_ps) == FLUE_OK;
}

/* One hop less, and questions whether the peer is there: whoever runs TCP is to know. */
static int update(struct world *world, const struct flow *flow, const struct event *event, flue_ps now_ps)
{
    struct flue_host_socket *socket = flow->socket[SERVER];
    struct flue_tcp_settings settings;

    (void)world;
    (void)event;
    if (flue_host_socket_settings(socket, &settings) != FLUE_OK)
        return 0;
    settings.ttl = (uint8_t)(settings.ttl - 1);
    settings.keep_alive = 1;
    return flue_host_socket_change(socket, &settings, now_ps) == FLUE_OK;
}

/* The answer stands in the trace. */
static void on_told(void *ctx, struct flue_host_socket *socket, const struct TCP_OFFLOAD_STATE_DELEGATED *delegated,
                    flue_ps at_ps)
{
    (void)ctx;
    (void)socket;
    (void)delegated;
    (void)at_ps;
}

static int query(struct world *world, const struct flow *flow, const struct event *event, flue_ps now_ps)
{
    struct flue_host_socket *socket = flow->socket[SERVER];

    (void)event;
    return flue_host_socket_holder(socket) == FLUE_HOLDER_TARGET &&
           flue_host_socket_query(socket, on_told, world, now_ps) == FLUE_OK;
}

/* Every neighbour of the server that the target has. */
static int invalidate(struct world *world, flue_ps now_ps)
{
    const int gateways = world->scenario->topology == TOPOLOGY_GATEWAYS;
    const uint32_t most = gateways ? GATEWAYS : ((uint32_t)world->nodes - CLIENT) * world->client_ips;
    struct flue_host *host = world_host(world, SERVER);
    int done = 0;

    if (world->scenario->topology == TOPOLOGY_LINK)
        return flue_host_invalidate_neighbour(host, NULL, now_ps) == FLUE_OK;
    for (uint32_t i = 0; i < most; i++) {
        const struct flue_ip next_hop = flue_ip_v4((gateways ? GATEWAY_IP : CLIENT_IP) + i);

        done |= flue_host_invalidate_neighbour(host, &next_hop, now_ps) == FLUE_OK;
    }
    return done;
}

static int relink(struct world *world, const struct event *event, flue_ps now_ps)
{
    const struct flue_ip from = flue_ip_v4(GATEWAY_IP + (uint32_t)event->arg[0] - 1);
    const struct flue_ip to = flue_ip_v4(GATEWAY_IP + (uint32_t)event->arg[1] - 1);

    return flue_host_relink(world_host(world, SERVER), &from, &to, now_ps) == FLUE_OK;
}

static void on_power(void *ctx, NDIS_STATUS status)
{
    (void)ctx;
    (void)status; /* the trace tells it */
}

static int power(struct world *world, NET_DEVICE_POWER_STATE state)
{
    struct flue_node *server = world->node[SERVER];

    flue_ndis_set_power(flue_node_ndis(server), flue_target_adapter(flue_node_target(server)), state, on_power, world);
    return 1;
}

static int path_mtu(struct world *world, uint32_t mtu_bytes)
{
    if (world->net.behind_mtu == NULL)
        return 0;
    for (unsigned node = CLIENT; node < world->nodes; node++)
        world->net.behind_mtu(world->net.ctx, node, mtu_bytes);
    return 1;
}

/* Layers of enum flue_target_fault's objects. */
enum { LAYER_CONNECTION = 3 };

static int fault(struct world *world, const struct flow *flow, enum flue_target_fault kind, unsigned layer)
{
    return flue_host_socket_holder(flow->socket[SERVER]) == FLUE_HOLDER_TARGET &&
           flue_target_fault(flue_node_target(world->node[SERVER]), kind, layer, flow->id) == FLUE_OK;
}

static int corrupt(struct world *world, const struct flow *flow, const struct event *event, flue_ps now_ps)
{
    (void)now_ps;
    return fault(world, flow, FLUE_FAULT_CORRUPT, (unsigned)event->arg[0] + 1);
}

static int fail_terminate(struct world *world, const struct flow *flow, const struct event *event, flue_ps now_ps)
{
    (void)event;
    (void)now_ps;
    return fault(world, flow, FLUE_FAULT_TERMINATE, LAYER_CONNECTION);
}

static int hardware_failure(struct world *world, const struct flow *flow, const struct event *event, flue_ps now_ps)
{
    (void)event;
    (void)now_ps;
    return fault(world, flow, FLUE_FAULT_HARDWARE, LAYER_CONNECTION);
}

static int starve(struct world *world, const struct flow *flow, const struct event *event, flue_ps now_ps)
{
    (void)event;
    (void)now_ps;
    return fault(world, flow, FLUE_FAULT_STARVE, LAYER_CONNECTION);
}

static int urgent(struct world *world, const struct flow *flow, const struct event *event, flue_ps now_ps)
{
    (void)event;
    (void)now_ps;
    return flue_host_socket_holder(flow->socket[SERVER]) == FLUE_HOLDER_TARGET && attack_urgent(world, flow);
}

static int fragments(struct world *world, const struct flow *flow, const struct event *event, flue_ps now_ps)
{
    (void)event;
    (void)now_ps;
    return flue_host_socket_holder(flow->socket[SERVER]) == FLUE_HOLDER_TARGET && attack_fragments(world, flow);
}

/* The next operations of a kind; its words stand in the order of enum flue_target_fault's numbers. */
static int stick(struct flue_target *target, enum flue_target_fault kind, const struct event *event)
{
    int done = 0;

    for (int64_t i = 0; i < event->arg[1]; i++)
        done += flue_target_fault(target, kind, 0, (uint32_t)event->arg[0]) == FLUE_OK;
    return done > 0;
}

/* What goes wrong at the adapter. */
static int perform_fault(struct world *world, const struct event *event, flue_ps now_ps)
{
    struct flue_target *target = flue_node_target(world->node[SERVER]);

    if (event->kind == EVENT_HANG)
        return stick(target, FLUE_FAULT_HANG, event);
    if (event->kind == EVENT_LOSE_COMPLETION)
        return stick(target, FLUE_FAULT_LOSE, event);
    if (event->kind == EVENT_BUS_ERROR)
        return flue_target_fault(target, FLUE_FAULT_BUS, 0, 0) == FLUE_OK;
    if (event->kind == EVENT_CORRUPT)
        return each(world, corrupt, event, event->arg[1], now_ps);
    return each(world,
                event->kind == EVENT_FAIL_TERMINATE     ? fail_terminate
                : event->kind == EVENT_HARDWARE_FAILURE ? hardware_failure
                                                        : starve,
                event, event->arg[0], now_ps);
}

/* What the adapter says to all. */
static void announce(struct flue_target *target, enum event_kind kind)
{
    if (kind == EVENT_PAUSE)
        flue_target_pause(target);
    else if (kind == EVENT_RESUME)
        flue_target_resume(target);
    else
        flue_target_upload_all(target);
}

/* What happens to the network. */
static int perform_wire(struct world *world, const struct event *event)
{
    const unsigned router = (unsigned)event->arg[0] - 1;

    if (event->kind == EVENT_PATH_MTU)
        return path_mtu(world, (uint32_t)event->arg[0]);
    if (event->kind == EVENT_MAC_CHANGE) {
        if (world->net.router_mac != NULL)
            world->net.router_mac(world->net.ctx, router);
        return world->net.router_mac != NULL;
    }
    if (event->kind == EVENT_LINK_DOWN || event->kind == EVENT_LINK_UP)
        flue_net_port_down(&world->net, SERVER, event->kind == EVENT_LINK_DOWN);
    else
        flue_net_router_down(&world->net, router, event->kind == EVENT_GATEWAY_DOWN);
    return 1;
}

static int perform(struct world *world, const struct event *event, flue_ps now_ps)
{
    switch (event->kind) {
    case EVENT_OFFLOAD:
        return each(world, offload, event, event->arg[0], now_ps);
    case EVENT_UPLOAD:
        return each(world, upload, event, event->arg[0], now_ps);
    case EVENT_UPDATE:
        return each(world, update, event, event->arg[0], now_ps);
    case EVENT_QUERY:
        return each(world, query, event, event->arg[0], now_ps);
    case EVENT_INVALIDATE:
        return invalidate(world, now_ps);
    case EVENT_RELINK:
        return relink(world, event, now_ps);
    case EVENT_PAUSE:
    case EVENT_RESUME:
    case EVENT_UPLOAD_ALL:
        announce(flue_node_target(world->node[SERVER]), event->kind);
        return 1;
    case EVENT_CHIMNEY_OFF:
    case EVENT_CHIMNEY_ON:
        return flue_host_chimney(world_host(world, SERVER), 0, 4, event->kind == EVENT_CHIMNEY_ON, now_ps) == FLUE_OK;
    case EVENT_SLEEP:
        return power(world, NetDeviceStateD3);
    case EVENT_WAKE:
        return power(world, NetDeviceStateD0);
    case EVENT_RSS_REMAP:
        return flue_host_receive_remap(world_host(world, SERVER), (unsigned)event->arg[0], now_ps) == FLUE_OK;
    case EVENT_FAIL_OVER:
        return flue_im_fail_over(flue_node_driver(world->node[SERVER], 0), now_ps) == FLUE_OK;
    case EVENT_MIGRATE:
        return migrate_begin(world, event, now_ps);
    case EVENT_GATEWAY_DOWN:
    case EVENT_GATEWAY_UP:
    case EVENT_MAC_CHANGE:
    case EVENT_PATH_MTU:
    case EVENT_LINK_DOWN:
    case EVENT_LINK_UP:
        return perform_wire(world, event);
    case EVENT_URGENT:
        return each(world, urgent, event, event->arg[0], now_ps);
    case EVENT_FRAGMENTS:
        return each(world, fragments, event, event->arg[0], now_ps);
    case EVENT_HANG:
    case EVENT_LOSE_COMPLETION:
    case EVENT_BUS_ERROR:
    case EVENT_CORRUPT:
    case EVENT_FAIL_TERMINATE:
    case EVENT_HARDWARE_FAILURE:
    case EVENT_STARVE:
        return perform_fault(world, event, now_ps);
    case EVENT_ATTACK: /* goes on for some time */
    case EVENT_KINDS:
        break;
    }
    return 0;
}

static void fire(struct timer *timer, flue_ps now_ps)
{
    struct moment *moment = FLUE_CONTAINER_OF(timer, struct moment, timer);

    moment->effect = moment->event.kind == EVENT_ATTACK ? attack_begin(moment, now_ps)
                                                        : perform(moment->world, &moment->event, now_ps);
}

/* Whether connections may come back, or not be taken, because of it. */
static int disturbs(enum event_kind kind)
{
    return kind != EVENT_OFFLOAD && kind != EVENT_UPLOAD && kind != EVENT_UPDATE && kind != EVENT_QUERY &&
           kind != EVENT_RSS_REMAP;
}

void moments_arm(struct world *world)
{
    const struct schedule *schedule = &world->schedule;

    for (int i = 0; i < schedule->count; i++) {
        const struct event *event = &schedule->event[i];
        struct moment *moment = &world->moment[world->moments++];

        *moment = (struct moment){.world = world, .event = *event};
        timer_setup(&moment->timer, fire);
        if (event->after_start)
            continue;
        timers_arm(world_timers(world, SERVER), &moment->timer, event->at_ps);
        world->disturbed |= disturbs(event->kind);
    }
}

void moments_begin(struct world *world, flue_ps start_ps)
{
    for (unsigned i = 0; i < world->moments; i++) {
        struct moment *moment = &world->moment[i];

        moment->event.at_ps += moment->event.after_start ? start_ps : 0;
        if (moment->event.after_start)
            timers_arm(world_timers(world, SERVER), &moment->timer, moment->event.at_ps);
        moment->event.after_start = 0;
    }
}

void moments_report(struct world *world)
{
    for (unsigned i = 0; i < world->moments; i++) {
        const struct moment *moment = &world->moment[i];
        char text[128];

        event_format(&moment->event, text, sizeof(text));
        if (world->record->event != NULL)
            world->record->event(world->record->ctx, moment->event.at_ps, text, moment->effect);
    }
}
