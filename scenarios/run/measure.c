/* SPDX-License-Identifier: GPL-2.0-only */
/* Books at two moments, and what their difference says. */
#include "run/flows.h"

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

void snapshot_take(const struct world *world, struct snapshot *out)
{
    const struct flue_server *core = flue_host_core(flue_node_host(world->node[SERVER]));
    const struct flue_target *adapter = flue_node_target(world->node[SERVER]);
    const struct flue_pcie *pcie = flue_target_pcie(adapter);
    int end;

    *out = (struct snapshot){.at_ps = world->net.now(world->net.ctx),
                             .core_busy_ps = core->busy_ps,
                             .engine_busy_ps = flue_target_engine(adapter)->busy_ps,
                             .pcie_up_ps = pcie->up_busy_ps,
                             .pcie_down_ps = pcie->down_busy_ps,
                             .delivered_bytes = world->delivered_bytes};
    memcpy(out->cycles, core->cycles, sizeof(out->cycles));
    memcpy(out->bus_ps, core->bus_ps, sizeof(out->bus_ps));
    for (end = 0; end < ENDS; end++)
        out->wire_busy_ps[end] = flue_target_wire_busy_ps(flue_node_target(world->node[end]));
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

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

struct utilisation {
    uint64_t core, engine, pcie, wire; /* busy ps in the window */
};

static struct utilisation utilise(const struct world *world)
{
    const struct snapshot *a = &world->begin, *b = &world->end;

    return (struct utilisation){
        .core = b->core_busy_ps - a->core_busy_ps,
        .engine = b->engine_busy_ps - a->engine_busy_ps,
        .pcie = larger(b->pcie_up_ps - a->pcie_up_ps, b->pcie_down_ps - a->pcie_down_ps),
        .wire = larger(b->wire_busy_ps[SERVER] - a->wire_busy_ps[SERVER],
                       b->wire_busy_ps[CLIENT] - a->wire_busy_ps[CLIENT]),
    };
}

/* Whether an open loop was carried: at least nine tenths of what it asked for came through. */
static int carried(const struct world *world, uint64_t window_ps, uint64_t bytes)
{
    const uint64_t each = (uint64_t)(world->scenario->io_size + world->scenario->request_size);
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
    flue_host_totals(flue_node_host(world->node[SERVER]), &totals);
    if (busy[most] / 1000 * 1000 >= window_ps / 1000 * BUSY_PERMILLE)
        return totals.refused > 0 && code[most] == BINDING_CORE ? BINDING_CONTEXTS : code[most];
    if (world->rpc.mean_gap_ps != 0 && carried(world, window_ps, bytes))
        return BINDING_LOAD;
    return BINDING_WINDOW;
}

static void report_cpu(const struct world *world, uint64_t bytes)
{
    const uint64_t hz = flue_host_core(flue_node_host(world->node[SERVER]))->hz;
    uint64_t all = 0;
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
    put(world, "cpu.handover", "", flue_host_core(flue_node_host(world->node[SERVER]))->cycles[FLUE_COST_OFFLOAD]);
}

static void report_moves(const struct world *world)
{
    struct flue_host_totals totals;
    unsigned i;

    flue_host_totals(flue_node_host(world->node[SERVER]), &totals);
    put(world, "offloaded", "", totals.offloaded);
    put(world, "uploaded", "", totals.uploaded);
    put(world, "refused", "", totals.refused);
    for (i = 0; i < FLUE_MOVE_COUNT; i++)
        if (totals.moves[i] != 0)
            put(world, "moves", flue_move_name(i), totals.moves[i]);
}

static void report_tcp(const struct world *world)
{
    static const char *const names[ENDS][2] = {{"server host", "server target"}, {"client host", "client target"}};
    uint64_t segments = 0, timeouts = 0;
    int end, k;

    for (end = 0; end < ENDS; end++) {
        for (k = 0; k < 2; k++) {
            struct flue_tcp_totals tcp;

            if (k == 0)
                flue_host_tcp_totals(flue_node_host(world->node[end]), &tcp);
            else
                flue_target_tcp_totals(flue_node_target(world->node[end]), &tcp);
            segments += tcp.data_out;
            timeouts += tcp.timeouts;
            if (end == SERVER || k == 0)
                put(world, "tcp.retransmits", names[end][k], tcp.retransmits);
        }
    }
    put(world, "tcp.segments", "", segments);
    put(world, "tcp.timeouts", "", timeouts);
    world->outcome->data_segments = segments;
}

static void report_wire(struct world *world)
{
    static const char *const from[ENDS] = {"server to client", "client to server"};
    struct flue_net_totals net;
    struct flue_target_totals adapter[ENDS];
    uint64_t alarms = 0;
    int end;

    world->net.totals(world->net.ctx, &net);
    for (end = 0; end < ENDS; end++) {
        struct flue_node_totals node;

        flue_node_totals(world->node[end], &node);
        flue_target_totals(flue_node_target(world->node[end]), &adapter[end]);
        put(world, "ring.dropped", end == SERVER ? "server" : "client", adapter[end].ring_drops);
        put(world, "wire.frames", from[end], net.frames[end]);
        put(world, "wire.dropped", from[end], net.dropped[end]);
        put(world, "wire.lost", from[1 - end], node.lost);
        world->record->fold(world->record->ctx, "frames", node.frame_digest);
        alarms += node.alarms;
    }
    put(world, "interrupts", "", adapter[SERVER].interrupts);
    put(world, "alarms", "", alarms);
    world->outcome->alarms = alarms;
    world->outcome->events = net.events;
}

/* bits x 10^12 / ps, scaled so that neither number leaves int64: a gap below 1 us goes with less than 1 MB. */
static void report_offered(const struct world *world)
{
    const uint64_t bits = (uint64_t)(world->scenario->io_size + world->scenario->request_size) * 8;
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
    uint64_t sent = 0, low, high, n;
    uint32_t i, cursor = 0;

    for (i = 0; i < (uint32_t)world->scenario->connections; i++)
        sent += world->flows[i].accepted[SERVER] + world->flows[i].accepted[CLIENT];
    put(world, "window", "", window_ps);
    put(world, "requests", "", world->completed);
    /* bits x 10^12 / ps, scaled so that neither number leaves int64 nor loses its precision. */
    if (bytes < UINT64_C(1000000000))
        put_ratio(world, "goodput", "", bytes * 8 * UINT64_C(1000000000), window_ps / 1000);
    else
        put_ratio(world, "goodput", "", bytes * 8 * 100000, window_ps / 10000000);
    if (world->rpc.mean_gap_ps != 0)
        report_offered(world);
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
    report_tcp(world);
    report_wire(world);
    while (histogram_next(&world->latency, &cursor, &low, &high, &n))
        world->record->bin(world->record->ctx, "lat", "", low, high, n);
    put(world, "sim.end", "", (uint64_t)world->net.now(world->net.ctx));
    world->outcome->end_ps = world->net.now(world->net.ctx);
}
