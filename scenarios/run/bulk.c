/* SPDX-License-Identifier: GPL-2.0-only */
/* Workload bulk: every connection carries `bytes` each way that `direction` names, or what a list of `flows` says and
 * when it falls due, in writes of io_size (or io_sizes), with at most writes_ahead writes not yet acknowledged.  The
 * latency of a write ends with its last acknowledgement. */
#include "run/choices.h"
#include "run/flow.h"
#include "run/workload.h"
#include "run/world_state.h"

#include <stdio.h>
#include <stdlib.h>

enum { DIRECTION_SEND, DIRECTION_RECEIVE, DIRECTION_BOTH };

static struct write_mark *mark(struct flow *flow, int end, uint32_t i)
{
    const uint32_t ahead = (uint32_t)flow->world->scenario->writes_ahead;

    return &flow->writes[(uint32_t)end * ahead + (flow->first[end] + i) % ahead];
}

/* Whether this end closes with its last write.  The client must, when receive buffers come back only full: nothing but
 * its FIN gives the rest to the server (CH-189, D-41). */
static int closes_early(const struct flue_scenario *scenario, int end)
{
    return end == SERVER ? scenario->close_with_data == SWITCH_YES
                         : scenario->receive_posts > 0 && scenario->receive_push == CHOICE_NO;
}

/* Writes as far as writes_ahead allows.  Runs on the end's core. */
static void write_on(struct flow *flow, int end, flue_ps at_ps)
{
    const struct flue_scenario *scenario = flow->world->scenario;

    while (flow->left[end] > 0 && !flow->lost && flow->count[end] < (uint32_t)scenario->writes_ahead) {
        uint64_t bytes = traffic_size(&flow->world->traffic, 2 * flow->id + (end == SERVER), flow->drawn[end]);

        if (bytes > flow->left[end])
            bytes = flow->left[end];
        if (!flow_send(flow, end, (uint32_t)bytes, at_ps))
            return;
        flow->drawn[end]++;
        flow->left[end] -= bytes;
        *mark(flow, end, flow->count[end]) = (struct write_mark){.end_offset = flow->accepted[end], .at_ps = at_ps};
        flow->count[end]++;
    }
    if (flow->to_carry[end] > 0 && flow->accepted[end] == flow->to_carry[end] && closes_early(scenario, end))
        flow_close(flow, end);
}

static int by_list(const struct world *world)
{
    return world->traffic.list.count > 0;
}

static void start_server(void *ctx, flue_ps at_ps)
{
    struct flow *flow = ctx;

    write_on(flow, SERVER, at_ps);
}

static void start_client(void *ctx, flue_ps at_ps)
{
    struct flow *flow = ctx;

    write_on(flow, CLIENT, at_ps);
}

/* A line of the list falls due. */
static void on_arrival(struct timer *timer, flue_ps now_ps)
{
    struct world *world = FLUE_CONTAINER_OF(timer, struct world, rpc.arrival);
    struct traffic *traffic = &world->traffic;
    const struct flow_line *line = &traffic->list.lines[traffic->next_line++];
    struct flow *flow = &world->flows[line->who];
    const int end = line->receive ? CLIENT : SERVER;

    if (traffic->next_line < traffic->list.count)
        timers_arm(world_timers(world, CLIENT), timer, world->rpc.began_ps + line[1].start_ps);
    if (flow->lost)
        return;
    flow->left[end] += line->bytes;
    flue_host_run(world_host(world, flow->node[end]), now_ps, end == SERVER ? start_server : start_client, flow);
    if (flow->node[end] != CLIENT) /* whose timer this is */
        flue_node_settle(world->node[flow->node[end]]);
}

static flue_err bulk_prepare(struct world *world, char *message, size_t room)
{
    const struct flue_scenario *scenario = world->scenario;
    const uint32_t connections = (uint32_t)scenario->connections;
    uint32_t i;

    for (i = 0; i < connections; i++) {
        struct flow *flow = &world->flows[i];

        flow->writes = calloc((size_t)scenario->writes_ahead * ENDS, sizeof(*flow->writes));
        if (flow->writes == NULL) {
            (void)snprintf(message, room, "no memory for %u connections with %u writes each", connections,
                           (unsigned)scenario->writes_ahead);
            return FLUE_ENOMEM;
        }
        if (scenario->direction != DIRECTION_RECEIVE && !by_list(world))
            flow->to_carry[SERVER] = flow->left[SERVER] = (uint64_t)scenario->bytes;
        if (scenario->direction != DIRECTION_SEND && !by_list(world))
            flow->to_carry[CLIENT] = flow->left[CLIENT] = (uint64_t)scenario->bytes;
    }
    for (size_t k = 0; k < world->traffic.list.count; k++) {
        const struct flow_line *line = &world->traffic.list.lines[k];

        world->flows[line->who].to_carry[line->receive ? CLIENT : SERVER] += line->bytes;
    }
    for (i = 0; i < connections; i++)
        for (int end = 0; end < ENDS; end++)
            world->bulk.unfinished += world->flows[i].to_carry[end] > 0;
    timer_setup(&world->rpc.arrival, on_arrival);
    return FLUE_OK;
}

static void bulk_start(struct world *world, unsigned node, flue_ps at_ps)
{
    const int end = world_end(world, node);
    uint32_t i;

    if (world->bulk.unfinished == 0) /* everything was lost before */
        world_measured(world, at_ps);
    if (by_list(world) && node == CLIENT) {
        world->rpc.began_ps = at_ps;
        timers_arm(world_timers(world, CLIENT), &world->rpc.arrival, at_ps + world->traffic.list.lines[0].start_ps);
    }
    for (i = 0; i < (uint32_t)world->scenario->connections; i++) {
        struct flow *flow = &world->flows[i];

        if (flow->node[end] == node && flow->left[end] > 0)
            flue_host_run(world_host(world, node), at_ps, end == SERVER ? start_server : start_client, flow);
    }
}

/* The window ends when the last byte is delivered; a delayed acknowledgement after that is nobody's throughput. */
static void bulk_received(struct flow *flow, int end, uint32_t bytes, flue_ps at_ps)
{
    struct world *world = flow->world;

    (void)bytes;
    if (flow->received[end] == flow->to_carry[1 - end] && --world->bulk.unfinished == 0)
        world_measured(world, at_ps);
}

static void bulk_acknowledged(struct flow *flow, int end, flue_ps at_ps)
{
    struct world *world = flow->world;

    while (flow->count[end] > 0 && mark(flow, end, 0)->end_offset <= flow->acked[end]) {
        if (world->phase == PHASE_MEASURE && mark(flow, end, 0)->at_ps >= world->begin.at_ps) {
            histogram_record(&world->latency, (uint64_t)(at_ps - mark(flow, end, 0)->at_ps));
            world->completed++;
        }
        flow->first[end] = (flow->first[end] + 1) % (uint32_t)world->scenario->writes_ahead;
        flow->count[end]--;
    }
    write_on(flow, end, at_ps);
}

static void bulk_lost(struct flow *flow, flue_ps at_ps)
{
    struct world *world = flow->world;
    int end;

    for (end = 0; end < ENDS; end++) {
        flow->left[end] = 0;
        if (flow->received[1 - end] < flow->to_carry[end] && --world->bulk.unfinished == 0)
            world_measured(world, at_ps);
    }
}

static void bulk_expect(const struct flow *flow, struct flue_host_hint *out)
{
    const struct flue_scenario *scenario = flow->world->scenario;

    const uint64_t server = flow->to_carry[SERVER] - flow->accepted[SERVER];

    out->bytes = server + flow->to_carry[CLIENT] - flow->accepted[CLIENT];
    out->requests = (server + (uint64_t)scenario->io_size - 1) / (uint64_t)scenario->io_size;
}

static void bulk_dispose(struct world *world)
{
    uint32_t i;

    for (i = 0; i < (uint32_t)world->scenario->connections; i++)
        free(world->flows[i].writes);
}

static void bulk_arrived(struct flow *flow, flue_ps at_ps)
{
    if (flow->world->phase >= PHASE_WARMUP)
        write_on(flow, SERVER, at_ps);
}

const struct workload workload_bulk = {.prepare = bulk_prepare,
                                       .start = bulk_start,
                                       .received = bulk_received,
                                       .acknowledged = bulk_acknowledged,
                                       .lost = bulk_lost,
                                       .expect = bulk_expect,
                                       .dispose = bulk_dispose,
                                       .arrived = bulk_arrived};
