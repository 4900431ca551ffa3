/* SPDX-License-Identifier: GPL-2.0-only */
/* A switched network (flue/net.h): how it is put together, and its event loop.  Sources of events are, for each port,
 * the head of either direction, a change of the link that the node has to be told of, and the node's alarm. */
#include "wire/lan.h"

#include <stdlib.h>
#include <string.h>

#include "wire/memory.h"

/* As in net: link, frames come before alarms, and lower numbers first. */
enum source { SOURCE_UP, SOURCE_DOWN, SOURCE_TOLD, SOURCE_ALARM, SOURCES };

enum { PORT_FIRST_FRAMES = 16 }; /* rings grow with what is on its way */

static uint32_t source_of(const struct lan_port *port, enum source source)
{
    return (uint32_t)source * port->lan->port_count + port->number;
}

static void set_event(const struct lan_port *port, enum source source, flue_ps at_ps)
{
    events_set(&port->lan->events, source_of(port, source), at_ps);
}

/* ---- Environment and wire of a node ---- */

static flue_ps port_now(void *ctx)
{
    return ((struct lan_port *)ctx)->lan->now_ps;
}

static void port_set_alarm(void *ctx, flue_ps at_ps)
{
    const struct lan_port *port = ctx;

    set_event(port, SOURCE_ALARM, at_ps);
}

static void *allocate(struct lan *lan, size_t bytes)
{
    return wire_allocate(&lan->memory, &lan->totals, bytes);
}

static void release(struct lan *lan, void *memory, size_t bytes)
{
    wire_release(&lan->memory, &lan->totals, memory, bytes);
}

static void *port_allocate(void *ctx, size_t bytes)
{
    return allocate(((struct lan_port *)ctx)->lan, bytes);
}

static void port_release(void *ctx, void *memory, size_t bytes)
{
    release(((struct lan_port *)ctx)->lan, memory, bytes);
}

static void *own_allocate(void *ctx, size_t bytes)
{
    return allocate(ctx, bytes);
}

static void own_release(void *ctx, void *memory, size_t bytes)
{
    release(ctx, memory, bytes);
}

enum flue_wire_result lan_send_up(struct lan_port *port, const struct flue_frame *frame)
{
    enum flue_wire_result result;

    if (port->is_down) {
        port->lost_down++;
        return FLUE_WIRE_SENT; /* as from a socket without its cable: nobody says no */
    }
    result = link_send(&port->up, frame, port->lan->now_ps);
    set_event(port, SOURCE_UP, link_next_ps(&port->up));
    return result;
}

void lan_send_down(struct lan_port *port, const struct flue_frame *frame)
{
    if (port->is_down) {
        port->lost_down++;
        return;
    }
    (void)link_send(&port->down, frame, port->lan->now_ps); /* a full queue counts what it drops */
    set_event(port, SOURCE_DOWN, link_next_ps(&port->down));
}

static enum flue_wire_result port_send(void *ctx, const struct flue_frame *frame)
{
    return lan_send_up(ctx, frame);
}

/* ---- The network's calls ---- */

static const struct flue_env *lan_env(void *ctx, unsigned node)
{
    return &((struct lan *)ctx)->ports[node].env;
}

static const struct flue_wire *lan_wire(void *ctx, unsigned node)
{
    return &((struct lan *)ctx)->ports[node].wire;
}

static void lan_attach(void *ctx, unsigned node, const struct flue_net_client *client)
{
    ((struct lan *)ctx)->ports[node].client = *client;
}

static void arrive_up(struct lan_port *port)
{
    const struct flue_frame *frame = link_pop(&port->up);

    set_event(port, SOURCE_UP, link_next_ps(&port->up));
    if (port->behind)
        router_receive_behind(port, frame);
    else
        switch_receive(port, frame);
}

/* The frame stays in its ring: nothing is sent towards a port from what the port's owner does at once. */
static void arrive_down(struct lan_port *port)
{
    const struct flue_frame *frame = link_pop(&port->down);
    struct lan *lan = port->lan;

    set_event(port, SOURCE_DOWN, link_next_ps(&port->down));
    port->received++;
    if (port->number >= lan->node_count)
        router_receive(&lan->routers[port->number - lan->node_count], frame);
    else
        port->client.receive(port->client.ctx, frame);
}

static void tell_link(struct lan_port *port)
{
    set_event(port, SOURCE_TOLD, FLUE_PS_NEVER);
    if (port->told_down == port->is_down)
        return; /* down and up again in one instant */
    port->told_down = port->is_down;
    if (port->client.link != NULL)
        port->client.link(port->client.ctx, !port->is_down);
}

static void dispatch(struct lan *lan, uint32_t source)
{
    struct lan_port *port = &lan->ports[source % lan->port_count];

    switch ((enum source)(source / lan->port_count)) {
    case SOURCE_UP:
        arrive_up(port);
        break;
    case SOURCE_DOWN:
        arrive_down(port);
        break;
    case SOURCE_TOLD:
        tell_link(port);
        break;
    case SOURCE_ALARM:
        set_event(port, SOURCE_ALARM, FLUE_PS_NEVER);
        port->client.alarm(port->client.ctx);
        break;
    case SOURCES:
        break;
    }
}

static void lan_run(void *ctx, flue_ps until_ps)
{
    struct lan *lan = ctx;

    lan->stopped = 0;
    while (!lan->stopped) {
        const uint32_t source = events_first(&lan->events);
        const flue_ps first_ps = lan->events.due_ps[source];

        if (first_ps > until_ps || first_ps == FLUE_PS_NEVER) {
            if (until_ps != FLUE_PS_NEVER)
                lan->now_ps = until_ps;
            return;
        }
        if (first_ps > lan->now_ps)
            lan->now_ps = first_ps;
        lan->totals.events++;
        dispatch(lan, source);
    }
}

static void lan_stop(void *ctx)
{
    ((struct lan *)ctx)->stopped = 1;
}

static flue_ps lan_now(void *ctx)
{
    return ((struct lan *)ctx)->now_ps;
}

static void lan_totals(void *ctx, struct flue_net_totals *out)
{
    struct lan *lan = ctx;

    for (uint32_t i = 0; i < 2 && i < lan->node_count; i++) {
        lan->totals.frames[i] = lan->ports[i].up.sent;
        lan->totals.dropped[i] = lan->ports[i].up.dropped;
    }
    *out = lan->totals;
}

static void lan_port_totals(void *ctx, unsigned node, struct flue_net_port_totals *out)
{
    const struct lan_port *port = &((struct lan *)ctx)->ports[node];

    *out = (struct flue_net_port_totals){.sent = port->up.sent,
                                         .send_dropped = port->up.dropped,
                                         .received = port->received,
                                         .receive_dropped = port->down.dropped,
                                         .filtered = port->filtered,
                                         .lost_down = port->lost_down};
}

static void lan_router_totals(void *ctx, unsigned router, struct flue_net_router_totals *out)
{
    *out = ((struct lan *)ctx)->routers[router].totals;
}

static void cut(struct lan_port *port, int down)
{
    const uint8_t is_down = down != 0;

    if (port->is_down == is_down)
        return;
    port->is_down = is_down;
    if (is_down) {
        port->lost_down += link_clear(&port->up) + link_clear(&port->down);
        set_event(port, SOURCE_UP, FLUE_PS_NEVER);
        set_event(port, SOURCE_DOWN, FLUE_PS_NEVER);
        switch_forget(port);
    }
}

static void lan_port_down(void *ctx, unsigned node, int down)
{
    struct lan_port *port = &((struct lan *)ctx)->ports[node];

    cut(port, down);
    if (port->told_down != port->is_down)
        set_event(port, SOURCE_TOLD, port->lan->now_ps);
}

static void lan_behind_mtu(void *ctx, unsigned node, uint32_t mtu_bytes)
{
    struct lan *lan = ctx;

    if (node < lan->node_count && lan->ports[node].behind)
        lan->ports[node].down.facts.mtu_bytes = mtu_bytes;
}

static void lan_router_mac(void *ctx, unsigned router)
{
    struct lan *lan = ctx;

    if (router < lan->router_count)
        router_change_mac(&lan->routers[router]);
}

static void lan_router_down(void *ctx, unsigned router, int down)
{
    struct lan *lan = ctx;

    cut(lan->routers[router].port, down);
    if (down)
        router_forget(&lan->routers[router]);
}

/* ---- Building ---- */

static void lan_free(void *ctx)
{
    struct lan *lan = ctx;

    for (uint32_t i = 0; lan->ports != NULL && i < lan->port_count; i++) {
        if (lan->ports[i].lan == NULL)
            break;
        link_dispose(&lan->ports[i].up);
        link_dispose(&lan->ports[i].down);
        release(lan, lan->ports[i].vids, LAN_VIDS / 8);
    }
    for (uint32_t i = 0; lan->routers != NULL && i < lan->router_count; i++) {
        if (lan->routers[i].lan == NULL)
            break;
        table_dispose(&lan->routers[i].neighbours);
        table_dispose(&lan->routers[i].asked);
    }
    if (lan->learnt.env != NULL) {
        table_dispose(&lan->learnt);
        table_dispose(&lan->routes);
    }
    events_dispose(&lan->events, &lan->env);
    release(lan, lan->routers, lan->router_count * sizeof(*lan->routers));
    release(lan, lan->ports, lan->port_count * sizeof(*lan->ports));
    free(lan);
}

void flue_net_mac(unsigned node, uint8_t mac[6])
{
    const unsigned number = node + 1;
    const uint8_t bytes[6] = {2, 0, 0, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};

    memcpy(mac, bytes, sizeof(bytes));
}

static int good_facts(const struct flue_wire_facts *facts)
{
    return facts->rate_bps > 0 && facts->rate_bps <= (uint64_t)FLUE_PS_PER_S && facts->delay_ps >= 0;
}

static flue_err make_port(struct lan *lan, uint32_t number, const struct flue_wire_facts *facts, uint64_t seed)
{
    struct lan_port *port = &lan->ports[number];
    struct flue_wire_facts own = *facts;
    flue_err err;

    if (!good_facts(facts))
        return FLUE_EINVAL;
    own.has_mac = !port->behind;
    memset(own.mac, 0, sizeof(own.mac));
    if (own.has_mac)
        flue_net_mac(number, own.mac);
    if (number >= lan->node_count) {
        flue_net_mac(number - lan->node_count, own.mac);
        own.mac[2] = 1;
    }
    port->lan = lan;
    port->number = number;
    port->env = (struct flue_env){.ctx = port,
                                  .now = port_now,
                                  .set_alarm = port_set_alarm,
                                  .allocate = port_allocate,
                                  .release = port_release,
                                  .seed = seed};
    port->wire = (struct flue_wire){.ctx = port, .facts = own, .send = port_send};
    err = link_init_room(&port->up, &lan->env, &own, PORT_FIRST_FRAMES);
    if (err == FLUE_OK)
        err = link_init_room(&port->down, &lan->env, &own, PORT_FIRST_FRAMES);
    return err;
}

static int good_vid(uint16_t vid)
{
    return vid > 0 && vid < FLUE_VLAN_NONE;
}

static flue_err join(struct lan_port *port, const struct flue_switch_node *node)
{
    port->untagged_vid = node->untagged_vid == 0 ? FLUE_VLAN_DEFAULT : node->untagged_vid;
    if (port->untagged_vid > FLUE_VLAN_NONE)
        return FLUE_EINVAL;
    if (node->tagged_count == 0)
        return FLUE_OK;
    port->vids = allocate(port->lan, LAN_VIDS / 8);
    if (port->vids == NULL)
        return FLUE_ENOMEM;
    for (uint32_t i = 0; i < node->tagged_count; i++) {
        if (!good_vid(node->tagged_vids[i]))
            return FLUE_EINVAL;
        port->vids[node->tagged_vids[i] / 32] |= UINT32_C(1) << node->tagged_vids[i] % 32;
    }
    return FLUE_OK;
}

static flue_err add_routes(struct lan *lan, uint32_t number, const struct flue_switch_node *node)
{
    static const struct flue_ip none;

    if (lan->router_count == 0)
        return FLUE_EINVAL;
    for (unsigned i = 0; i < 2; i++) {
        if (flue_ip_equal(&node->ip[i], &none))
            continue;
        table_put(&lan->routes, &node->ip[i], number + 1);
        if (table_get(&lan->routes, &node->ip[i]) != number + 1)
            return FLUE_ENOMEM;
    }
    return FLUE_OK;
}

static flue_err add_node(struct lan *lan, uint32_t number, const struct flue_switch_node *node, uint64_t seed)
{
    flue_err err;

    lan->ports[number].behind = node->behind_routers != 0;
    err = make_port(lan, number, &node->facts, seed);
    if (err != FLUE_OK)
        return err;
    return node->behind_routers != 0 ? add_routes(lan, number, node) : join(&lan->ports[number], node);
}

static flue_err add_router(struct lan *lan, uint32_t number, const struct flue_switch_router *from)
{
    struct lan_router *router = &lan->routers[number];
    flue_err err = make_port(lan, lan->node_count + number, &from->facts, 0);

    if (err != FLUE_OK)
        return err;
    router->lan = lan;
    router->port = &lan->ports[lan->node_count + number];
    router->port->untagged_vid = from->vid == 0 ? FLUE_VLAN_DEFAULT : from->vid;
    router->ip4 = from->ip4;
    router->ip6 = from->ip6;
    table_init(&router->neighbours, &lan->env);
    table_init(&router->asked, &lan->env);
    return good_vid(router->port->untagged_vid) ? FLUE_OK : FLUE_EINVAL;
}

static flue_err build(struct lan *lan, const struct flue_switch_params *params)
{
    flue_err err;

    lan->ports = allocate(lan, lan->port_count * sizeof(*lan->ports));
    if (lan->ports == NULL)
        return FLUE_ENOMEM;
    if (lan->router_count > 0) {
        lan->routers = allocate(lan, lan->router_count * sizeof(*lan->routers));
        if (lan->routers == NULL)
            return FLUE_ENOMEM;
    }
    table_init(&lan->learnt, &lan->env);
    table_init(&lan->routes, &lan->env);
    err = events_init(&lan->events, &lan->env, SOURCES * lan->port_count);
    for (uint32_t i = 0; err == FLUE_OK && i < lan->node_count; i++)
        err = add_node(lan, i, &params->nodes[i], params->seed);
    for (uint32_t i = 0; err == FLUE_OK && i < lan->router_count; i++)
        err = add_router(lan, i, &params->routers[i]);
    return err;
}

flue_err flue_net_switch(const struct flue_switch_params *params, struct flue_net *out)
{
    struct lan *lan;
    flue_err err;

    if (params->node_count == 0 || params->node_count > LAN_NODES_MAX || params->router_count > LAN_ROUTERS_MAX)
        return FLUE_EINVAL;
    lan = calloc(1, sizeof(*lan));
    if (lan == NULL)
        return FLUE_ENOMEM;
    lan->env = (struct flue_env){.ctx = lan, .allocate = own_allocate, .release = own_release, .seed = params->seed};
    lan->memory = params->memory;
    lan->node_count = params->node_count;
    lan->router_count = params->router_count;
    lan->port_count = params->node_count + params->router_count;
    err = build(lan, params);
    if (err != FLUE_OK) {
        lan_free(lan);
        return err;
    }
    *out = (struct flue_net){.ctx = lan,
                             .name = "switch",
                             .env = lan_env,
                             .wire = lan_wire,
                             .attach = lan_attach,
                             .run = lan_run,
                             .stop = lan_stop,
                             .now = lan_now,
                             .totals = lan_totals,
                             .free = lan_free,
                             .port_down = lan_port_down,
                             .router_down = lan_router_down,
                             .behind_mtu = lan_behind_mtu,
                             .router_mac = lan_router_mac,
                             .port_totals = lan_port_totals,
                             .router_totals = lan_router_totals};
    return FLUE_OK;
}
