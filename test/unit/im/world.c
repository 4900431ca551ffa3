/* SPDX-License-Identifier: GPL-2.0-only */
/* The event loop of world.h, its applications, its audit. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "flue/ndischimney.h"
#include "support/test.h"

enum { PORT = 80, CLIENT_IP = 0x0a000002, SERVER_IP = 0x0a000001 };

/* ---- Applications ---- */

static uint32_t identify(void *ctx, const struct flue_tcp_tuple *tuple)
{
    (void)ctx;
    return tuple->remote_port - 1000u;
}

static struct world_end *end_of(struct world_side *side, const struct flue_host_socket *socket)
{
    uint32_t id = flue_host_socket_id(socket);

    assert_true(id < WORLD_CONNECTIONS);
    return &side->world->end[side->node][id];
}

static void connected(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    struct world_side *side = ctx;
    struct world_end *end = end_of(side, socket);

    (void)at_ps;
    end->socket = socket;
    assert_int_equal(flue_host_socket_send(socket, (uint32_t)side->world->bytes), FLUE_OK);
}

static void received(void *ctx, struct flue_host_socket *socket, const struct flue_span *span, flue_ps at_ps)
{
    struct world_side *side = ctx;
    struct world_end *end = end_of(side, socket);

    (void)at_ps;
    assert_int_equal(span->stream, 2 * flue_host_socket_id(socket) + (side->node == WORLD_CLIENT ? 1 : 0));
    assert_int_equal(span->offset_bytes, end->received);
    end->received += span->length_bytes;
}

static void acknowledged(void *ctx, struct flue_host_socket *socket, uint32_t bytes, flue_ps at_ps)
{
    (void)at_ps;
    end_of(ctx, socket)->acked += bytes;
}

static void peer_closed(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    (void)at_ps;
    end_of(ctx, socket)->peer_closed = true;
}

static void closed(void *ctx, struct flue_host_socket *socket, enum flue_tcp_reason reason, flue_ps at_ps)
{
    struct world_side *side = ctx;
    struct world_end *end = end_of(side, socket);

    (void)at_ps;
    end->closed = true;
    end->socket = NULL;
    side->world->closed[side->node][(unsigned)reason]++;
}

static void moved(void *ctx, struct flue_host_socket *socket, enum flue_holder holder, enum flue_move why,
                  flue_ps at_ps)
{
    (void)why;
    (void)at_ps;
    end_of(ctx, socket)->moved[holder]++;
}

/* ---- Wires ---- */

static enum flue_wire_result wire_send(void *ctx, const struct flue_frame *frame)
{
    struct world_wire *wire = ctx;

    return link_send(&wire->world->link[wire->link], frame, wire->world->env[0].now_ps);
}

/* Every rule counts but CH-309: these adapters report no capability, so a RESUME gives the host nothing to read. */
static void finding(void *ctx, const struct flue_finding *finding)
{
    struct world *world = ctx;

    if (finding->rule != 309 && world->findings++ == 0) {
        world->first_rule = finding->rule;
        world->first_party = finding->party;
        print_message("CH-%03u %s (%s): %s\n", finding->rule, flue_party_name(finding->party), finding->driver,
                      finding->seen);
    }
}

flue_ps world_now(const struct world *world)
{
    return world->env[0].now_ps;
}

struct flue_im *world_driver(struct world *world, unsigned place)
{
    return flue_node_driver(world->node[WORLD_SERVER], place);
}

void world_run(struct world *world, flue_ps until_ps)
{
    while (!world->stops || world->findings == 0) {
        flue_ps first_ps = FLUE_PS_NEVER;
        unsigned source = 0;

        for (unsigned i = 0; i < WORLD_LINKS + WORLD_NODES; i++) {
            flue_ps next_ps = i < WORLD_LINKS ? link_next_ps(&world->link[i]) : world->env[i - WORLD_LINKS].alarm_ps;

            if (next_ps < first_ps) {
                first_ps = next_ps;
                source = i;
            }
        }
        if (first_ps > until_ps || first_ps == FLUE_PS_NEVER) {
            if (until_ps != FLUE_PS_NEVER) {
                world->env[0].now_ps = world->env[1].now_ps = until_ps;
            }
            return;
        }
        if (first_ps > world->env[0].now_ps) {
            world->env[0].now_ps = world->env[1].now_ps = first_ps;
        }
        if (source == 0) {
            flue_node_receive_by(world->node[WORLD_SERVER], world->toward, link_pop(&world->link[0]));
        } else if (source < WORLD_LINKS) {
            world->toward = source - 1;
            world->frames_by[source - 1]++;
            flue_node_receive(world->node[WORLD_CLIENT], link_pop(&world->link[source]));
        } else {
            world->env[source - WORLD_LINKS].alarm_ps = FLUE_PS_NEVER;
            flue_node_alarm(world->node[source - WORLD_LINKS]);
        }
    }
}

/* ---- Life ---- */

static void fill(struct flue_node_params *params, unsigned node, const struct flue_node_params *like)
{
    params->number = (uint16_t)node;
    flue_tcp_defaults(&params->host.tcp);
    flue_profile_free_of_cost(&params->host.profile);
    params->host.ip = node == WORLD_SERVER ? SERVER_IP : CLIENT_IP;
    params->host.policy = flue_policy_find(node == WORLD_SERVER ? "always" : "never");
    params->host.send_quantum = 4;
    params->host.backlog_frames = 64;
    params->host.tree_connections = 4;
    params->host.connections = 16;
    params->host.ddi = flue_ddi_defaults();
    params->target.neighbour_max = params->target.path_max = node == WORLD_SERVER ? 16 : 0;
    params->target.tcp_max = node != WORLD_SERVER ? 0 : like->target.tcp_max != 0 ? like->target.tcp_max : 64;
    params->target.rcv_wnd_max_bytes = 1u << 30;
    params->target.mtu_max_bytes = 9000;
    params->target.send_quantum = 4;
    params->target.backlog_frames = 64;
    params->target.ring_frames = 4096;
    params->target.tcp = params->host.tcp;
    params->target.profile = params->host.profile;
    params->target.profile.moderation_ps = 5 * FLUE_PS_PER_US;
    params->target.ddi = params->host.ddi;
}

void world_begin(struct world *world, const struct flue_node_params *server)
{
    const struct flue_wire_facts facts = {.rate_bps = 1000000000,
                                          .delay_ps = 20 * FLUE_PS_PER_US,
                                          .framing_bytes = 24,
                                          .mtu_bytes = 1500,
                                          .queue_frames = 1000};
    struct flue_node_params params[WORLD_NODES] = {[WORLD_SERVER] = *server};

    memset(world, 0, sizeof *world);
    for (unsigned i = 0; i < WORLD_NODES; i++) {
        manual_env_init(&world->env[i], 7);
        world->side[i] = (struct world_side){.world = world, .node = i};
        world->app[i] = (struct flue_app){.identify = identify,
                                          .connected = connected,
                                          .received = received,
                                          .acknowledged = acknowledged,
                                          .peer_closed = peer_closed,
                                          .closed = closed,
                                          .moved = moved};
        fill(&params[i], i, server);
    }
    for (unsigned i = 0; i < WORLD_LINKS; i++) {
        world->wires[i] = (struct world_wire){.world = world, .link = i};
        world->wire[i] = (struct flue_wire){.ctx = &world->wires[i], .facts = facts, .send = wire_send};
        assert_int_equal(link_init(&world->link[i], &world->env[0].env, &facts), FLUE_OK);
    }
    params[WORLD_SERVER].second = &world->wire[2];
    params[WORLD_SERVER].check_sink = (struct flue_check_sink){.ctx = world, .finding = finding};
    for (unsigned i = 0; i < WORLD_NODES; i++) {
        assert_int_equal(flue_node_new(&world->env[i].env, &world->wire[i], NULL, &params[i], &world->node[i]),
                         FLUE_OK);
    }
    assert_int_equal(flue_host_listen(flue_node_host(world->node[WORLD_SERVER]), PORT, &world->app[WORLD_SERVER],
                                      &world->side[WORLD_SERVER]),
                     FLUE_OK);
}

void world_connect(struct world *world, unsigned count, uint64_t bytes)
{
    world->bytes = bytes;
    for (unsigned i = 0; i < count; i++) {
        struct flue_tcp_tuple tuple = {.local_ip = flue_ip_v4(CLIENT_IP),
                                       .remote_ip = flue_ip_v4(SERVER_IP),
                                       .local_port = (uint16_t)(1000 + i),
                                       .remote_port = PORT};
        struct flue_host_socket *socket;

        assert_int_equal(flue_host_connect(flue_node_host(world->node[WORLD_CLIENT]), &tuple, i,
                                           &world->app[WORLD_CLIENT], &world->side[WORLD_CLIENT], world_now(world),
                                           &socket),
                         FLUE_OK);
    }
    flue_node_settle(world->node[WORLD_CLIENT]);
}

void world_close(struct world *world, unsigned node, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (world->end[node][i].socket != NULL) {
            assert_int_equal(flue_host_socket_close(world->end[node][i].socket), FLUE_OK);
        }
    }
    flue_node_settle(world->node[node]);
}

static void nothing_left(struct world *world)
{
    struct flue_node *node = world->node[WORLD_SERVER];

    assert_int_equal(flue_host_objects_live(flue_node_host(node)), 0);
    for (unsigned i = 0; flue_node_driver(node, i) != NULL; i++) {
        struct flue_im_totals totals;

        flue_im_totals(flue_node_driver(node, i), &totals);
        assert_true(totals.operations > 0);
        assert_int_equal(totals.entries, 0);
        assert_int_equal(totals.calls, 0);
        assert_int_equal(flue_im_objects_live(flue_node_driver(node, i)), 0);
    }
    for (unsigned i = 0; i < FLUE_NODE_ADAPTERS; i++) {
        if (flue_node_target_at(node, i) != NULL) {
            struct flue_ndis_ledger ledger =
                flue_ndis_adapter_ledger(flue_target_adapter(flue_node_target_at(node, i)));

            assert_int_equal(flue_target_objects_live(flue_node_target_at(node, i)), 0);
            assert_int_equal(flue_ndis_ledger_total(&ledger), 0);
        }
    }
}

void world_drop(struct world *world)
{
    for (unsigned i = 0; i < WORLD_NODES; i++) {
        flue_node_free(world->node[i]);
    }
    for (unsigned i = 0; i < WORLD_LINKS; i++) {
        link_dispose(&world->link[i]);
    }
    for (unsigned i = 0; i < WORLD_NODES; i++) {
        assert_true(manual_env_clean(&world->env[i]));
    }
}

void world_end(struct world *world, unsigned count)
{
    const flue_ps limit_ps = world_now(world) + 30 * FLUE_PS_PER_S;

    world_run(world, limit_ps);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(world->end[WORLD_SERVER][i].received, world->bytes);
        assert_int_equal(world->end[WORLD_CLIENT][i].received, world->bytes);
        assert_int_equal(world->end[WORLD_SERVER][i].acked, world->bytes);
    }
    world_close(world, WORLD_SERVER, count);
    world_run(world, limit_ps + FLUE_PS_PER_S);
    world_close(world, WORLD_CLIENT, count);
    world_run(world, limit_ps + 300 * FLUE_PS_PER_S);
    flue_host_release_offload(flue_node_host(world->node[WORLD_SERVER]), world_now(world));
    flue_node_settle(world->node[WORLD_SERVER]);
    world_run(world, limit_ps + 301 * FLUE_PS_PER_S);
    for (unsigned i = 0; i < count; i++) {
        assert_true(world->end[WORLD_SERVER][i].closed);
        assert_true(world->end[WORLD_CLIENT][i].closed);
    }
    nothing_left(world);
    flue_node_check_end(world->node[WORLD_SERVER]);
    assert_int_equal(world->findings, 0);
    world_drop(world);
}
