/* SPDX-License-Identifier: GPL-2.0-only */
/* Books at two moments, and what their difference says. */
#include "run/flow.h"
#include "run/measure.h"
#include "run/migrate.h"
#include "run/world_state.h"
#include "run/policy.h"

#include "flue/ndischimney.h"

#include <stdio.h>
#include <string.h>

/* Codes of metric `binding`. */
enum binding {
    BINDING_CORE = 1,
    BINDING_ENGINE,
    BINDING_CONTEXTS,
    BINDING_PCIE,
    BINDING_WIRE,
    BINDING_WINDOW,
    BINDING_LOAD
};

/* A resource binds when it is busy this much, in thousandths: above it queues grow faster than they drain. */
enum { BUSY_PERMILLE = 900 };

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static struct flue_node *server_of(const struct world *world, unsigned server)
{
    return world->node[server == 0 ? SERVER : world->second_server];
}

static unsigned servers(const struct world *world)
{
    return world->second_server != 0 ? SERVERS : 1;
}

static void take_server(struct flue_node *node, struct server_books *out)
{
    const struct flue_server *core = flue_host_core(flue_node_host(node));

    out->core_ps = core->busy_ps;
    for (unsigned i = 0; i < FLUE_NODE_ADAPTERS; i++) {
        const struct flue_target *adapter = flue_node_target_at(node, i);
        const struct flue_pcie *pcie = flue_target_pcie(adapter);

        out->adapter[i] = (struct adapter_books){.engine_ps = flue_target_engine(adapter)->busy_ps,
                                                 .pcie_up_ps = pcie->up_busy_ps,
                                                 .pcie_down_ps = pcie->down_busy_ps,
                                                 .wire_ps = flue_target_wire_busy_ps(adapter)};
    }
}

void snapshot_take(const struct world *world, struct snapshot *out)
{
    unsigned node;

    *out = (struct snapshot){.at_ps = world->net.now(world->net.ctx), .delivered_bytes = world->delivered_bytes};
    for (unsigned server = 0; server < servers(world); server++) {
        const struct flue_server *core = flue_host_core(flue_node_host(server_of(world, server)));

        take_server(server_of(world, server), &out->server[server]);
        for (unsigned i = 0; i < FLUE_COST_CATEGORIES; i++) {
            out->cycles[i] += core->cycles[i];
            out->bus_ps[i] += core->bus_ps[i];
        }
    }
    /* Of the clients' wires the busiest: it is a share of one wire. */
    for (node = 0; node < world->nodes; node++)
        if (world_end(world, node) == CLIENT)
            out->client_wire_ps =
                larger(out->client_wire_ps, flue_target_wire_busy_ps(flue_node_target(world->node[node])));
}

static void add_refusal(struct flue_host_totals *into, int32_t status, uint64_t count)
{
    unsigned i = 0;

    while (i < FLUE_REFUSALS && into->refusals[i].count != 0 && into->refusals[i].status != status)
        i++;
    if (i == FLUE_REFUSALS)
        return;
    into->refusals[i].status = status;
    into->refusals[i].count += count;
}

void world_host_totals(const struct world *world, struct flue_host_totals *out)
{
    struct flue_host_totals more;
    unsigned i;

    flue_host_totals(flue_node_host(world->node[SERVER]), out);
    if (world->second_server == 0)
        return;
    flue_host_totals(flue_node_host(world->node[world->second_server]), &more);
    out->offloaded += more.offloaded;
    out->uploaded += more.uploaded;
    out->refused += more.refused;
    out->room_made += more.room_made;
    out->impure += more.impure;
    for (i = 0; i < FLUE_HOLDER_COUNT; i++)
        out->holders[i] += more.holders[i];
    for (i = 0; i < FLUE_MOVE_COUNT; i++)
        out->moves[i] += more.moves[i];
    for (i = 0; i < FLUE_RETRIEVES; i++)
        out->retrieved[i] += more.retrieved[i];
    for (i = 0; i < FLUE_REFUSALS && more.refusals[i].count != 0; i++)
        add_refusal(out, more.refusals[i].status, more.refusals[i].count);
    for (i = 0; i < FLUE_POLICY_REASONS; i++) {
        out->answers[i] += more.answers[i];
        out->policy_moves[i] += more.policy_moves[i];
    }
}

void world_adapters_tcp(const struct world *world, unsigned node, struct flue_tcp_totals *out)
{
    *out = (struct flue_tcp_totals){0};
    for (unsigned i = 0; i < FLUE_NODE_ADAPTERS; i++) {
        struct flue_tcp_totals tcp;

        flue_target_tcp_totals(flue_node_target_at(world->node[node], i), &tcp);
        out->data_out += tcp.data_out;
        out->timeouts += tcp.timeouts;
        out->retransmits += tcp.retransmits;
        out->challenge_acks += tcp.challenge_acks;
    }
}

static void put(const struct world *world, const char *metric, const char *entity, uint64_t value)
{
    world->record->metric(world->record->ctx, metric, entity, (int64_t)value, 1);
}

static void put_ratio(const struct world *world, const char *metric, const char *entity, uint64_t numerator,
                      uint64_t denominator)
{
    world->record->metric(world->record->ctx, metric, entity, (int64_t)numerator, (int64_t)denominator);
}

struct utilisation {
    uint64_t core, engine, pcie, wire; /* busy ps in the window */
};

/* Of two servers, and of two adapters, the busiest: it is a share of one. */
static struct utilisation utilise(const struct world *world)
{
    const struct snapshot *a = &world->begin, *b = &world->end;
    struct utilisation u = {.wire = b->client_wire_ps - a->client_wire_ps};

    for (unsigned server = 0; server < SERVERS; server++) {
        const struct server_books *before = &a->server[server], *after = &b->server[server];

        u.core = larger(u.core, after->core_ps - before->core_ps);
        for (unsigned i = 0; i < FLUE_NODE_ADAPTERS; i++) {
            const struct adapter_books *from = &before->adapter[i], *to = &after->adapter[i];

            u.engine = larger(u.engine, to->engine_ps - from->engine_ps);
            u.pcie = larger(u.pcie, larger(to->pcie_up_ps - from->pcie_up_ps, to->pcie_down_ps - from->pcie_down_ps));
            u.wire = larger(u.wire, to->wire_ps - from->wire_ps);
        }
    }
    return u;
}

/* Payload that one arrival asks for, on average. */
static uint64_t bytes_each(const struct world *world)
{
    const uint64_t one = sizes_mean(&world->traffic.sizes) + (uint64_t)world->scenario->request_size;

    return world_churns(world) ? one * world->traffic.each.mean_q16 >> 16 : one;
}

/* Whether an open loop was carried: at least nine tenths of what it asked for came through. */
static int carried(const struct world *world, uint64_t window_ps, uint64_t bytes)
{
    const uint64_t each = bytes_each(world);
    const uint64_t asked = window_ps / world->rpc.mean_gap_ps; /* requests */

    return asked < 10 || bytes / each * 10 >= asked * 9;
}

static enum binding binding_of(const struct world *world, const struct utilisation *u, uint64_t window_ps,
                               uint64_t bytes)
{
    const uint64_t busy[] = {u->core, u->engine, u->pcie, u->wire};
    const enum binding code[] = {BINDING_CORE, BINDING_ENGINE, BINDING_PCIE, BINDING_WIRE};
    struct flue_host_totals totals;
    unsigned i, most = 0;

    for (i = 1; i < sizeof(busy) / sizeof(busy[0]); i++)
        if (busy[i] > busy[most])
            most = i;
    world_host_totals(world, &totals);
    if (busy[most] / 1000 * 1000 >= window_ps / 1000 * BUSY_PERMILLE)
        return totals.refused > 0 && code[most] == BINDING_CORE ? BINDING_CONTEXTS : code[most];
    if (world->rpc.mean_gap_ps != 0 && carried(world, window_ps, bytes))
        return BINDING_LOAD;
    return BINDING_WINDOW;
}

static void report_cpu(const struct world *world, uint64_t bytes)
{
    const uint64_t hz = flue_host_core(flue_node_host(world->node[SERVER]))->hz;
    uint64_t all = 0, handover = 0;
    unsigned i;

    for (i = 0; i < FLUE_COST_CATEGORIES; i++) {
        const uint64_t cycles = world->end.cycles[i] - world->begin.cycles[i];
        const uint64_t bus_ps = world->end.bus_ps[i] - world->begin.bus_ps[i];
        const uint64_t worth = cycles + flue_cost_cycles_of(bus_ps, hz);

        all += worth;
        put(world, "cpu.cycles", flue_category_name(i), cycles);
        put(world, "cpu.bus", flue_category_name(i), bus_ps);
        put_ratio(world, "cpu.cycles_per_byte", flue_category_name(i), worth, bytes);
    }
    put_ratio(world, "cpu.cycles_per_byte", "", all, bytes);
    for (unsigned node = 0; node < world->nodes; node++)
        if (world_end(world, node) == SERVER)
            handover += flue_host_core(flue_node_host(world->node[node]))->cycles[FLUE_COST_OFFLOAD];
    put(world, "cpu.handover", "", handover);
}

/* A policy's answers by reason; and of the moves that are by policy, for which reason. */
static void report_policy(struct world *world, const struct flue_host_totals *totals)
{
    const struct flue_policy *policy = policy_of(world->scenario, world->watch.policy);
    char entity[160];
    unsigned i;

    for (i = 0; i < flue_policy_reasons(policy); i++) {
        (void)snprintf(entity, sizeof(entity), "policy: %s", policy->reasons[i]);
        if (totals->policy_moves[i] != 0)
            put(world, "moves", entity, totals->policy_moves[i]);
    }
    if (totals->room_made != 0)
        put(world, "moves", "policy: to make room", totals->room_made);
    for (i = 0; i < flue_policy_reasons(policy); i++)
        if (totals->answers[i] != 0)
            put(world, "policy.answers", policy->reasons[i], totals->answers[i]);
    if (totals->impure != 0)
        world_finding(world, "policy %s answered equal facts in two ways, %llu times: it is no pure function",
                      policy->name, (unsigned long long)totals->impure);
}

static void report_moves(struct world *world)
{
    struct flue_host_totals totals;
    unsigned i;

    world_host_totals(world, &totals);
    put(world, "offloaded", "", totals.offloaded);
    put(world, "uploaded", "", totals.uploaded);
    put(world, "refused", "", totals.refused);
    for (i = 0; i < FLUE_REFUSALS && totals.refusals[i].count != 0; i++)
        put(world, "refused", flue_ndis_status_name(totals.refusals[i].status), totals.refusals[i].count);
    for (i = 0; i < FLUE_RETRIEVES; i++)
        if (totals.retrieved[i] != 0)
            put(world, "retrieves", flue_ndis_upload_reason_name(i), totals.retrieved[i]);
    for (i = 0; i < FLUE_MOVE_COUNT; i++)
        if (totals.moves[i] != 0)
            put(world, "moves", flue_move_name(i), totals.moves[i]);
    if (policy_is_restless(world->scenario, world->watch.policy))
        report_policy(world, &totals);
}

/* What only some runs have. */
static void report_faults(const struct world *world)
{
    uint64_t late = 0, resets = 0;

    for (unsigned server = 0; server < servers(world); server++) {
        for (unsigned adapter = 0; adapter < FLUE_NODE_ADAPTERS; adapter++) {
            struct flue_target_totals totals;

            flue_target_totals(flue_node_target_at(server_of(world, server), adapter), &totals);
            late += totals.late;
            resets += totals.resets;
        }
    }
    if (late > 0)
        put(world, "late", "", late);
    if (resets > 0)
        put(world, "resets", "", resets);
    if (world->forged > 0) {
        uint64_t host = 0, adapter = 0;

        for (unsigned node = 0; node < world->nodes; node++) {
            struct flue_tcp_totals tcp;

            if (world_end(world, node) != SERVER)
                continue;
            flue_host_tcp_totals(flue_node_host(world->node[node]), &tcp);
            host += tcp.challenge_acks;
            world_adapters_tcp(world, node, &tcp);
            adapter += tcp.challenge_acks;
        }
        put(world, "forged", "", world->forged);
        put(world, "challenges", "host", host);
        put(world, "challenges", "adapter", adapter);
        put(world, "killed", "", world->killed);
    }
}

/* Those that were lost with their connections, and those that nobody was left to ask. */
static void report_lost_requests(const struct world *world)
{
    const uint64_t listed = world->traffic.list.count;
    const uint64_t wanted = listed > 0 ? listed : (uint64_t)world->scenario->requests;

    if (world->rpc.stopped && world->lost + world->killed > 0 && wanted > world->completed)
        put(world, "requests.lost", "", wanted - world->completed);
}

static void report_tcp(const struct world *world)
{
    static const char *const names[ENDS][2] = {{"server host", "server target"}, {"client host", "client target"}};
    uint64_t segments = 0, timeouts = 0, retransmits[ENDS][2] = {{0}};
    unsigned node;
    int end, k;

    for (node = 0; node < world->nodes; node++) {
        for (k = 0; k < 2; k++) {
            struct flue_tcp_totals tcp;

            if (k == 0)
                flue_host_tcp_totals(flue_node_host(world->node[node]), &tcp);
            else
                world_adapters_tcp(world, node, &tcp);
            segments += tcp.data_out;
            timeouts += tcp.timeouts;
            retransmits[world_end(world, node)][k] += tcp.retransmits;
        }
    }
    for (end = 0; end < ENDS; end++)
        for (k = 0; k < 2; k++)
            if (end == SERVER || k == 0)
                put(world, "tcp.retransmits", names[end][k], retransmits[end][k]);
    put(world, "tcp.segments", "", segments);
    put(world, "tcp.timeouts", "", timeouts);
    world->outcome->data_segments = segments;
}

/* How received traffic was spread: interrupts of both adapters of the server by processor. */
static void report_processors(const struct world *world)
{
    for (unsigned i = 0; i < (unsigned)world->scenario->rss_queues; i++) {
        char name[24];
        uint64_t count = 0;

        for (unsigned adapter = 0; adapter < FLUE_NODE_ADAPTERS; adapter++)
            count += flue_target_interrupts(flue_node_target_at(world->node[SERVER], adapter), i);
        (void)snprintf(name, sizeof name, "processor %u", i);
        put(world, "interrupts", name, count);
    }
}

/* What a node sent; the port of the first server's second adapter comes after those of all nodes. */
static struct flue_net_port_totals port_of(const struct world *world, unsigned node)
{
    struct flue_net_port_totals port = {0}, second = {0};
    struct flue_net_totals net;

    world->net.totals(world->net.ctx, &net);
    if (node < 2)
        port = (struct flue_net_port_totals){.sent = net.frames[node], .send_dropped = net.dropped[node]};
    else if (world->net.port_totals != NULL)
        world->net.port_totals(world->net.ctx, node, &port);
    if (node == SERVER && world->scenario->adapters > 1 && world->net.port_totals != NULL)
        world->net.port_totals(world->net.ctx, world->nodes, &second);
    port.sent += second.sent;
    port.send_dropped += second.send_dropped;
    return port;
}

static void report_wire(struct world *world)
{
    static const char *const from[ENDS] = {"server to client", "client to server"};
    struct flue_net_totals net;
    uint64_t alarms = 0, interrupts = 0;
    unsigned node;
    int end;

    for (end = 0; end < ENDS; end++) {
        uint64_t ring_drops = 0, frames = 0, dropped = 0, lost = 0, digest = 0;

        for (node = 0; node < world->nodes; node++) {
            if (world_end(world, node) != end)
                continue;
            const struct flue_net_port_totals port = port_of(world, node);
            struct flue_node_totals totals;

            flue_node_totals(world->node[node], &totals);
            for (unsigned i = 0; i < FLUE_NODE_ADAPTERS; i++) {
                struct flue_target_totals adapter;

                flue_target_totals(flue_node_target_at(world->node[node], i), &adapter);
                ring_drops += adapter.ring_drops;
                interrupts += end == SERVER ? adapter.interrupts : 0;
            }
            frames += port.sent;
            dropped += port.send_dropped;
            lost += totals.lost;
            alarms += totals.alarms;
            digest = digest * UINT64_C(0x100000001B3) + totals.frame_digest;
        }
        put(world, "ring.dropped", end == SERVER ? "server" : "client", ring_drops);
        put(world, "wire.frames", from[end], frames);
        put(world, "wire.dropped", from[end], dropped);
        put(world, "wire.lost", from[1 - end], lost);
        world->record->fold(world->record->ctx, "frames", digest);
    }
    world->net.totals(world->net.ctx, &net);
    put(world, "interrupts", "", interrupts);
    if (world->scenario->rss_queues > 1)
        report_processors(world);
    put(world, "alarms", "", alarms);
    world->outcome->alarms = alarms;
    world->outcome->events = net.events;
}

/* bits x 10^12 / ps, scaled so that neither number leaves int64: a gap below 1 us goes with less than 1 MB. */
static void report_offered(const struct world *world)
{
    const uint64_t bits = bytes_each(world) * 8;
    const uint64_t gap_ps = world->rpc.mean_gap_ps;

    if (gap_ps < UINT64_C(1000000))
        put_ratio(world, "offered", "", bits * UINT64_C(1000000000000), gap_ps);
    else
        put_ratio(world, "offered", "", bits * UINT64_C(1000000000), gap_ps / 1000);
}

void world_report(struct world *world)
{
    const uint64_t window_ps = (uint64_t)(world->end.at_ps - world->begin.at_ps);
    const uint64_t bytes = window_ps == 0 ? 0 : world->end.delivered_bytes - world->begin.delivered_bytes;
    const struct utilisation u = utilise(world);
    uint64_t sent = world->sent_bytes, low, high, n;
    uint32_t i, cursor = 0;

    for (i = 0; i < (uint32_t)world->scenario->connections; i++)
        sent += world->flows[i].accepted[SERVER] + world->flows[i].accepted[CLIENT];
    put(world, "window", "", window_ps);
    put(world, "requests", "", world->completed);
    report_lost_requests(world);
    /* bits x 10^12 / ps, scaled so that neither number leaves int64 nor loses its precision. */
    if (bytes < UINT64_C(1000000000))
        put_ratio(world, "goodput", "", bytes * 8 * UINT64_C(1000000000), window_ps / 1000);
    else
        put_ratio(world, "goodput", "", bytes * 8 * 100000, window_ps / 10000000);
    if (world->rpc.mean_gap_ps != 0)
        report_offered(world);
    if (world->rpc.mean_gap_ps != 0 && !world_churns(world))
        put(world, "requests.waiting", "", world->rpc.waiting_peak);
    put(world, "bytes.sent", "", sent);
    put(world, "bytes.delivered", "", world->delivered_bytes);
    put(world, "bytes.window", "", bytes);
    report_cpu(world, bytes);
    put_ratio(world, "util.core", "", u.core, window_ps);
    put_ratio(world, "util.engine", "", u.engine, window_ps);
    put_ratio(world, "util.pcie", "", u.pcie, window_ps);
    put_ratio(world, "util.wire", "", u.wire, window_ps);
    if (window_ps > 0)
        put(world, "binding", "", (uint64_t)binding_of(world, &u, window_ps, bytes));
    report_moves(world);
    report_faults(world);
    report_tcp(world);
    report_wire(world);
    while (histogram_next(&world->latency, &cursor, &low, &high, &n))
        world->record->bin(world->record->ctx, "lat", "", low, high, n);
    if (world_churns(world))
        world->workload->report(world);
    cursor = 0;
    while (histogram_next(&world->silence, &cursor, &low, &high, &n))
        world->record->bin(world->record->ctx, "silence", "", low, high, n);
    migrate_report(world);
    put(world, "lost", "", world->lost);
    put(world, "sim.end", "", (uint64_t)world->net.now(world->net.ctx));
    world->outcome->end_ps = world->net.now(world->net.ctx);
}
