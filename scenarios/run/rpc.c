/* SPDX-License-Identifier: GPL-2.0-only */
/* Workload rpc: clients send requests of request_size, the server answers each with io_size bytes.
 * Open loop: requests are due as a process of `arrivals` over all connections, whatever the server does, and a
 * request's latency counts from the moment it is due.  An open loop goes on whatever the server does; when waiting_most
 * requests wait, the run is given up.  Closed loop (load = 0): `active` connections keep `outstanding` requests each.
 * With io_sizes responses are drawn; a list of flows takes the place of arrivals and sizes. */
#include <stdlib.h>

#include "run/choices.h"
#include "run/flow.h"
#include "run/workload.h"
#include "run/world_state.h"
#include "run/policy.h"

struct request {
    struct flue_hook hook; /* in flow->requests */
    flue_ps due_ps;
    struct flow *flow;
    uint32_t request_bytes, response_bytes;
    int measured;
};

static int closed_loop(const struct world *world)
{
    return world->scenario->load == 0 && world->traffic.list.count == 0;
}

/* Whether all requests have been measured that will be. */
static int all_done(const struct world *world)
{
    const struct traffic *traffic = &world->traffic;

    if (traffic->list.count > 0)
        return traffic->next_line == traffic->list.count && world->rpc.done == world->rpc.measured;
    return world->rpc.done == (uint64_t)world->scenario->requests;
}

static void stop(struct world *world, flue_ps at_ps)
{
    world->rpc.stopped = 1;
    timers_cancel(flue_node_timers(world->node[CLIENT]), &world->rpc.arrival);
    world_measured(world, at_ps);
}

/* No connection is left that could take a request: all are lost; in a closed loop those that asked are. */
static int deserted(const struct world *world)
{
    return closed_loop(world) ? pool_live(&world->rpc.pool) == 0
                              : world->lost + world->killed == (uint64_t)world->scenario->connections;
}

/* Its connection is lost, and so is the request: the run asks for one less. */
static void give_up(struct request *request, flue_ps at_ps)
{
    struct world *world = request->flow->world;

    world->rpc.done += request->measured ? 1 : 0;
    pool_put(&world->rpc.pool, request);
    if (!world->rpc.stopped && (all_done(world) || deserted(world)))
        stop(world, at_ps);
}

/* Runs on the client's core. */
static void issue(void *ctx, flue_ps at_ps)
{
    struct request *request = ctx;
    struct flow *flow = request->flow;

    if (flow->lost) {
        give_up(request, at_ps);
        return;
    }
    list_push_back(&flow->requests, &request->hook);
    if (flow->next == NULL)
        flow->next = request;
    if (!flow_has(flow, CLIENT))
        return; /* it ended early, and was found wanting then; the request is never answered */
    (void)flow_send(flow, CLIENT, request->request_bytes, at_ps);
}

/* A request falls due at due_ps; line: as a list has it. */
static struct request *make(struct world *world, struct flow *flow, const struct flow_line *line, flue_ps due_ps)
{
    const uint32_t small = (uint32_t)world->scenario->request_size;
    struct request *request = pool_get(&world->rpc.pool);

    if (request == NULL) {
        world_finding(world, "no memory for a request");
        world_measured(world, due_ps);
        return NULL;
    }
    *request = (struct request){.due_ps = due_ps, .flow = flow, .request_bytes = small, .response_bytes = small};
    if (line == NULL)
        request->response_bytes = (uint32_t)traffic_size(&world->traffic, 2 * flow->id + 1, flow->drawn[SERVER]++);
    else if (line->receive)
        request->request_bytes = line->bytes;
    else
        request->response_bytes = line->bytes;
    if (pool_live(&world->rpc.pool) > world->rpc.waiting_peak)
        world->rpc.waiting_peak = pool_live(&world->rpc.pool);
    if (world->phase == PHASE_MEASURE && (line != NULL || world->rpc.measured < (uint64_t)world->scenario->requests)) {
        request->measured = 1;
        world->rpc.measured++;
    }
    return request;
}

/* The i-th busy connection is at i x connections / busy.  Draws two numbers if there are such, else one. */
static uint64_t draw_flow(const struct world *world, struct rng *choice)
{
    const uint64_t connections = (uint64_t)world->scenario->connections, busy = (uint64_t)world->scenario->busy;

    if (busy > 0 && rng_chance_ppm(choice, (uint32_t)world->scenario->busy_share))
        return rng_below(choice, busy) * connections / busy;
    return rng_below(choice, connections);
}

static void on_arrival(struct timer *timer, flue_ps now_ps)
{
    struct world *world = FLUE_CONTAINER_OF(timer, struct world, rpc.arrival);
    struct traffic *traffic = &world->traffic;
    const struct flow_line *line = NULL;
    struct request *request;
    uint64_t which;

    if (world->rpc.stopped)
        return;
    if (traffic->list.count > 0)
        line = &traffic->list.lines[traffic->next_line++];
    which = line != NULL ? line->who : draw_flow(world, &world->rpc.choice);
    if (pool_live(&world->rpc.pool) >= (uint64_t)world->scenario->waiting_most) {
        world_finding(world,
                      "%llu requests wait for an answer: the offered load is not carried; lower load, loss or delay, "
                      "shorten an outage, or raise waiting_most",
                      (unsigned long long)world->scenario->waiting_most);
        world->net.stop(world->net.ctx);
        return;
    }
    if (line == NULL)
        timers_arm(flue_node_timers(world->node[CLIENT]), timer, now_ps + arrivals_gap(&traffic->arrivals));
    else if (traffic->next_line < traffic->list.count)
        timers_arm(flue_node_timers(world->node[CLIENT]), timer, world->rpc.began_ps + line[1].start_ps);
    request = make(world, &world->flows[which], line, now_ps);
    if (request != NULL)
        world_on(world, request->flow->node[CLIENT], now_ps, issue, request);
}

/* How often a connection gets so many requests; then, how many connections get more. */
static flue_err rank_flows(struct world *world)
{
    const uint32_t connections = (uint32_t)world->scenario->connections;
    uint32_t most = 0, above = 0, *places;

    for (uint32_t i = 0; i < connections; i++)
        most = world->flows[i].planned > most ? world->flows[i].planned : most;
    places = calloc((size_t)most + 1, sizeof(*places));
    if (places == NULL)
        return FLUE_ENOMEM;
    for (uint32_t i = 0; i < connections; i++)
        places[world->flows[i].planned]++;
    for (uint32_t n = most + 1; n-- > 0;) {
        const uint32_t here = places[n];

        places[n] = above;
        above += here;
    }
    /* Among equals the first comes first. */
    for (uint32_t i = 0; i < connections; i++)
        world->flows[i].rank = places[world->flows[i].planned]++;
    free(places);
    return FLUE_OK;
}

/* What the oracle knows: the run's own draws, made ahead on a copy of the stream.  How many requests the warm-up sees
 * is a guess, the mean. */
static flue_err plan(struct world *world)
{
    const struct flue_scenario *scenario = world->scenario;
    const uint64_t gap_ps = world->rpc.mean_gap_ps;
    const uint64_t count = (uint64_t)scenario->requests + (gap_ps > 0 ? (uint64_t)scenario->warmup / gap_ps : 0);
    struct rng choice = world->rpc.choice;
    uint64_t i;

    for (i = 0; i < world->traffic.list.count; i++)
        world->flows[world->traffic.list.lines[i].who].planned++;
    for (i = 0; !closed_loop(world) && world->traffic.list.count == 0 && i < count; i++)
        world->flows[draw_flow(world, &choice)].planned++;
    for (i = 0; closed_loop(world) && i < (uint64_t)scenario->active && i < (uint64_t)scenario->connections; i++)
        world->flows[i].planned = (uint32_t)(scenario->requests / scenario->active + 1);
    return rank_flows(world);
}

static void rpc_expect(const struct flow *flow, struct flue_host_hint *out)
{
    const struct world *world = flow->world;

    out->requests = flow->planned;
    out->bytes = flow->planned * (sizes_mean(&world->traffic.sizes) + (uint64_t)world->scenario->request_size);
    out->rank = flow->rank;
}

static flue_err rpc_prepare(struct world *world, char *message, size_t room)
{
    const struct flue_scenario *scenario = world->scenario;
    const uint64_t seed = world->net.env(world->net.ctx, CLIENT)->seed;
    flue_err err = FLUE_OK;
    uint32_t i;

    pool_init(&world->rpc.pool, world->net.env(world->net.ctx, CLIENT), sizeof(struct request));
    rng_init(&world->rpc.choice, seed, "rpc.choice");
    timer_setup(&world->rpc.arrival, on_arrival);
    if (!closed_loop(world) && world->traffic.list.count == 0)
        err = traffic_gap(&world->traffic, scenario, &world->profile, 1u << 16, &world->rpc.mean_gap_ps, message, room);
    if (err != FLUE_OK)
        return err;
    arrivals_init(&world->traffic.arrivals, scenario, world->rpc.mean_gap_ps, seed, "rpc.arrivals");
    for (i = 0; i < (uint32_t)scenario->connections; i++)
        list_init(&world->flows[i].requests);
    return policy_of(scenario, world->watch.policy)->clairvoyant ? plan(world) : FLUE_OK;
}

static void rpc_start(struct world *world, unsigned node, flue_ps at_ps)
{
    const struct flue_scenario *scenario = world->scenario;
    uint32_t i, k, active;

    if (world_end(world, node) == SERVER)
        return;
    if (!closed_loop(world)) {
        if (node != CLIENT) /* one process of arrivals for all clients */
            return;
        world->rpc.began_ps = at_ps;
        timers_arm(flue_node_timers(world->node[CLIENT]), &world->rpc.arrival,
                   at_ps + (world->traffic.list.count > 0 ? world->traffic.list.lines[0].start_ps
                                                          : arrivals_gap(&world->traffic.arrivals)));
        return;
    }
    active = (uint32_t)(scenario->active < scenario->connections ? scenario->active : scenario->connections);
    for (i = node - CLIENT; i < active; i += (uint32_t)scenario->clients) {
        for (k = 0; k < (uint32_t)scenario->outstanding; k++) {
            struct request *request = make(world, &world->flows[i], NULL, at_ps);

            if (request != NULL)
                flue_host_run(world_host(world, node), at_ps, issue, request);
        }
    }
}

static struct request *after(const struct flow *flow, struct request *request)
{
    struct flue_hook *next = request->hook.next;

    return next == &flow->requests ? NULL : FLUE_CONTAINER_OF(next, struct request, hook);
}

static void answer(struct flow *flow, flue_ps at_ps)
{
    while (flow->next != NULL && flow->request_bytes >= flow->next->request_bytes) {
        const struct request *request = flow->next;

        flow->request_bytes -= request->request_bytes;
        flow->next = after(flow, flow->next);
        flue_host_socket_work(flow->socket[SERVER], 1);
        (void)flow_send(flow, SERVER, request->response_bytes, at_ps);
    }
}

static void complete(struct request *request, flue_ps at_ps)
{
    struct flow *flow = request->flow;
    struct world *world = flow->world;

    list_remove(&request->hook);
    if (request->measured) {
        histogram_record(&world->latency, (uint64_t)(at_ps - request->due_ps));
        world->completed++;
        world->rpc.done++;
    }
    pool_put(&world->rpc.pool, request);
    if (all_done(world) && !world->rpc.stopped)
        stop(world, at_ps);
    if (closed_loop(world) && !world->rpc.stopped) {
        request = make(world, flow, NULL, at_ps);
        if (request != NULL)
            issue(request, at_ps);
    }
}

static void rpc_received(struct flow *flow, int end, uint32_t bytes, flue_ps at_ps)
{
    if (end == SERVER) {
        flow->request_bytes += bytes;
        answer(flow, at_ps);
        return;
    }
    flow->response_bytes += bytes;
    while (!list_empty(&flow->requests)) {
        struct request *request = FLUE_CONTAINER_OF(flow->requests.next, struct request, hook);

        if (flow->response_bytes < request->response_bytes)
            return;
        flow->response_bytes -= request->response_bytes;
        complete(request, at_ps);
    }
    if (flow->response_bytes > 0 && !flow->lost) /* else its request was given up */
        world_finding(flow->world, "connection %u: a response without a request", flow->id);
}

static void rpc_acknowledged(struct flow *flow, int end, flue_ps at_ps)
{
    (void)flow;
    (void)end;
    (void)at_ps;
}

static void rpc_lost(struct flow *flow, flue_ps at_ps)
{
    while (!list_empty(&flow->requests)) {
        struct request *request = FLUE_CONTAINER_OF(flow->requests.next, struct request, hook);

        flow->next = NULL;
        list_remove(&request->hook);
        give_up(request, at_ps);
    }
}

static void rpc_dispose(struct world *world)
{
    if (world->phase == PHASE_DONE && world->scenario->close == CHOICE_YES && pool_live(&world->rpc.pool) != 0)
        world_finding(world, "%llu requests were never answered", (unsigned long long)pool_live(&world->rpc.pool));
    pool_dispose(&world->rpc.pool);
}

const struct workload workload_rpc = {.prepare = rpc_prepare,
                                      .start = rpc_start,
                                      .received = rpc_received,
                                      .acknowledged = rpc_acknowledged,
                                      .lost = rpc_lost,
                                      .expect = rpc_expect,
                                      .dispose = rpc_dispose};
