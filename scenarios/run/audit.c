/* SPDX-License-Identifier: GPL-2.0-only */
/* The audit at the end of a run: every byte delivered exactly once in order, every object returned, every book
 * balanced. */
#include <inttypes.h>
#include <stdio.h>

#include "run/audit.h"
#include "run/choices.h"
#include "run/clients_ns3.h"
#include "run/flow.h"
#include "run/measure.h"
#include "run/world_state.h"

/* busy = memory time + cycles / hz, to 1 ps. */
static void audit_busy(struct world *world, const char *name, const struct flue_server *core, uint64_t cycles,
                       uint64_t bus_ps)
{
    const uint64_t mega = UINT64_C(1000000);
    uint64_t left = cycles % core->hz, part, busy_ps;

    /* left x 10^12 / hz in two steps, so that no product leaves 64 bits: hz is below 2^37. */
    part = left * mega / core->hz * mega;
    left = left * mega % core->hz;
    part += left * mega / core->hz;
    busy_ps = bus_ps + cycles / core->hz * (uint64_t)FLUE_PS_PER_S + part;
    if (core->busy_ps > busy_ps + 1 || busy_ps > core->busy_ps + 1)
        world_finding(world, "%s core: busy %" PRIu64 " ps, but the books say %" PRIu64 " ps", name, core->busy_ps,
                      busy_ps);
}

static const char *name_of(const struct world *world, unsigned node)
{
    if (node == SERVER)
        return "server";
    return world_end(world, node) == SERVER ? "second server" : "client";
}

static void audit_books(struct world *world, unsigned node)
{
    const struct flue_server *core = flue_host_core(world_host(world, node));
    const char *name = name_of(world, node);
    struct flue_book sum = {{0}, 0};
    uint64_t bus_ps = 0, cycles = 0;
    unsigned i;

    flue_host_book(world_host(world, node), &sum);
    for (i = 0; i < FLUE_COST_CATEGORIES; i++) {
        const uint64_t booked = sum.cycles[i] + core->general.cycles[i];

        if (booked != core->cycles[i])
            world_finding(world, "%s core: %" PRIu64 " cycles of %s, but %" PRIu64 " in the connections' books", name,
                          core->cycles[i], flue_category_name(i), booked);
        bus_ps += core->bus_ps[i];
        cycles += core->cycles[i];
    }
    if (sum.bus_ps + core->general.bus_ps != bus_ps)
        world_finding(world, "%s core: %" PRIu64 " ps of memory time, but %" PRIu64 " in the connections' books", name,
                      bus_ps, sum.bus_ps + core->general.bus_ps);
    audit_busy(world, name, core, cycles, bus_ps);
}

static void audit_objects(struct world *world, unsigned node)
{
    const char *name = name_of(world, node);
    struct flue_tcp_totals tcp;
    uint64_t live;
    unsigned i;

    live = flue_host_objects_live(world_host(world, node));
    if (live != 0)
        world_finding(world, "%s host: %" PRIu64 " objects were not returned", name, live);
    live = flue_node_adapter_objects_live(world->node[node]);
    if (live != 0)
        world_finding(world, "%s adapter: %" PRIu64 " objects were not returned", name, live);
    for (i = 0; flue_node_target_at(world->node[node], i) != NULL; i++) {
        flue_target_tcp_totals(flue_node_target_at(world->node[node], i), &tcp);
        if (tcp.pool_objects_live != 0)
            world_finding(world, "%s adapter TCP: %" PRIu64 " objects were not returned", name, tcp.pool_objects_live);
    }
    for (i = 0; flue_node_driver(world->node[node], i) != NULL; i++) {
        live = flue_im_objects_live(flue_node_driver(world->node[node], i));
        if (live != 0)
            world_finding(world, "%s driver %u: %" PRIu64 " objects were not returned", name, i + 1, live);
    }
    flue_host_tcp_totals(world_host(world, node), &tcp);
    if (tcp.pool_objects_live != 0)
        world_finding(world, "%s host TCP: %" PRIu64 " objects were not returned", name, tcp.pool_objects_live);
}

/* What a run that has not come to its end was waiting for. */
static void audit_end(struct world *world)
{
    static const char *const doing[] = {[PHASE_OPENING] = "connections opened",
                                        [PHASE_WARMUP] = "it warmed up",
                                        [PHASE_MEASURE] = "traffic was measured",
                                        [PHASE_CLOSING] = "connections closed"};
    const flue_ps now_ps = world->net.now(world->net.ctx);
    const uint32_t connections = (uint32_t)world->scenario->connections;
    const int opening = world->phase == PHASE_OPENING;
    char whom[48] = "";
    /* Of connections that come and go nobody knows how many there will be: those that have opened. */
    const uint32_t ends = world_churns(world) ? world->opened : 2 * connections;
    uint32_t i = 0;

    if (world->phase == PHASE_DONE)
        return;
    while (!world_churns(world) && i < connections &&
           (opening ? world->flows[i].open[SERVER] && world->flows[i].open[CLIENT]
                    : world->flows[i].closed[SERVER] && world->flows[i].closed[CLIENT]))
        i++;
    if (world_churns(world))
        (void)snprintf(whom, sizeof(whom), "; %" PRIu32 " connections were left", world->workload->live(world));
    else if (i < connections && world->phase != PHASE_WARMUP)
        (void)snprintf(whom, sizeof(whom), "; the first that is not %s: %" PRIu32, opening ? "open" : "closed", i);
    world_finding(world,
                  "the run did not end by %" PRId64 " us of simulated time%s, while %s: %" PRIu32 " of %" PRIu32
                  " ends opened, %" PRIu32 " closed%s",
                  (int64_t)(now_ps / FLUE_PS_PER_US), now_ps >= world->scenario->limit ? ", its limit" : "",
                  doing[world->phase], world->opened, ends, world->gone, whom);
}

void flow_audit(const struct flow *flow)
{
    for (int end = 0; end < ENDS; end++)
        if (flow->received[end] != flow->accepted[1 - end] && !flow->lost)
            world_finding(flow->world,
                          "connection %" PRIu32 ": the %s sent %" PRIu64 " bytes, %" PRIu64 " were delivered", flow->id,
                          end == SERVER ? "client" : "server", flow->accepted[1 - end], flow->received[end]);
}

void world_audit(struct world *world)
{
    struct flue_host_totals totals;
    unsigned node;
    uint32_t i;

    audit_end(world);
    clients_ns3_audit(world);
    /* What is lost was told by the one status that says so (D-32). */
    world_host_totals(world, &totals);
    if (world->lost > totals.moves[FLUE_MOVE_FAILED])
        world_finding(world, "%" PRIu64 " connections were lost, but only %" PRIu64 " terminates failed", world->lost,
                      totals.moves[FLUE_MOVE_FAILED]);
    for (i = 0; world->scenario->close == CHOICE_YES && i < (uint32_t)world->scenario->connections; i++)
        flow_audit(&world->flows[i]);
    for (node = 0; node < world->nodes; node++) {
        audit_books(world, node);
        if (world->scenario->close == CHOICE_YES && world->phase == PHASE_DONE) {
            audit_objects(world, node);
            flue_node_check_end(world->node[node]);
        } else if (world->phase != PHASE_DONE) {
            flue_node_check_cut(world->node[node]);
        }
    }
}
