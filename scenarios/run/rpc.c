/* SPDX-License-Identifier: GPL-2.0-only */
/* Workload rpc: clients send requests of request_size, the server answers each with io_size bytes.
 * Open loop: requests are due as a Poisson process over all connections, whatever the server does, and a request's
 * latency counts from the moment it is due.  An open loop goes on whatever the server does; when waiting_most requests
 * wait, the run is given up.  Closed loop (load = 0): `active` connections keep `outstanding` requests
 * each. */
#include <stdio.h>

#include "run/flows.h"

struct request {
    struct flue_hook hook; /* in flow->requests */
    flue_ps due_ps;
    struct flow *flow;
    int measured;
};

static int closed_loop(const struct world *world)
{
    return world->scenario->load == 0;
}

static void stop(struct world *world, flue_ps at_ps)
{
    world->rpc.stopped = 1;
    timers_cancel(flue_node_timers(world->node[CLIENT]), &world->rpc.arrival);
    world_measured(world, at_ps);
}

/* Its connection is lost, and so is the request: the run asks for one less. */
static void give_up(struct request *request, flue_ps at_ps)
{
    struct world *world = request->flow->world;

    world->rpc.done += request->measured ? 1 : 0;
    pool_put(&world->rpc.pool, request);
    if (!world->rpc.stopped && (world->rpc.done == (uint64_t)world->scenario->requests ||
                                world->lost == (uint64_t)world->scenario->connections))
        stop(world, at_ps);
}

/* Runs on the client's core. */
static void issue(void *ctx, flue_ps at_ps)
{
    struct request *request = ctx;
    struct flow *flow = request->flow;
    const uint32_t bytes = (uint32_t)flow->world->scenario->request_size;

    if (flow->lost) {
        give_up(request, at_ps);
        return;
    }
    list_push_back(&flow->requests, &request->hook);
    if (flow->socket[CLIENT] == NULL)
        return; /* it ended early, and was found wanting then; the request is never answered */
    (void)flow_send(flow, CLIENT, bytes, at_ps);
}

/* A request falls due at due_ps. */
static struct request *make(struct world *world, struct flow *flow, flue_ps due_ps)
{
    struct request *request = pool_get(&world->rpc.pool);

    if (request == NULL) {
        world_finding(world, "no memory for a request");
        world_measured(world, due_ps);
        return NULL;
    }
    *request = (struct request){.due_ps = due_ps, .flow = flow};
    if (pool_live(&world->rpc.pool) > world->rpc.waiting_peak)
        world->rpc.waiting_peak = pool_live(&world->rpc.pool);
    if (world->phase == PHASE_MEASURE && world->rpc.measured < (uint64_t)world->scenario->requests) {
        request->measured = 1;
        world->rpc.measured++;
    }
    return request;
}

/* Time to the next arrival.  Long gaps are drawn in a coarser unit: the random numbers' means go to 2^40. */
static flue_ps draw_gap(struct world *world)
{
    uint64_t mean = world->rpc.mean_gap_ps;
    unsigned shift = 0;

    while (mean > UINT64_C(1) << 40) {
        mean >>= 1;
        shift++;
    }
    return (flue_ps)(rng_exponential(&world->rpc.arrivals, mean) << shift);
}

static void on_arrival(struct timer *timer, flue_ps now_ps)
{
    struct world *world = FLUE_CONTAINER_OF(timer, struct world, rpc.arrival);
    const uint64_t which = rng_below(&world->rpc.choice, (uint64_t)world->scenario->connections);
    struct request *request;

    if (world->rpc.stopped)
        return;
    if (pool_live(&world->rpc.pool) >= (uint64_t)world->scenario->waiting_most) {
        world_finding(world,
                      "%llu requests wait for an answer: the offered load is not carried; lower load, loss or delay, "
                      "shorten an outage, or raise waiting_most",
                      (unsigned long long)world->scenario->waiting_most);
        world->net.stop(world->net.ctx);
        return;
    }
    timers_arm(flue_node_timers(world->node[CLIENT]), &world->rpc.arrival, now_ps + draw_gap(world));
    request = make(world, &world->flows[which], now_ps);
    if (request != NULL)
        world_on(world, request->flow->node[CLIENT], now_ps, issue, request);
}

/* Longest mean time between two requests: 10^6 s. */
#define GAP_MAX_PS UINT64_C(1000000000000000000)

static flue_err rpc_prepare(struct world *world, char *message, size_t room)
{
    const struct flue_scenario *scenario = world->scenario;
    uint32_t i;

    pool_init(&world->rpc.pool, world->net.env(world->net.ctx, CLIENT), sizeof(struct request));
    rng_init(&world->rpc.arrivals, world->net.env(world->net.ctx, CLIENT)->seed, "rpc.arrivals");
    rng_init(&world->rpc.choice, world->net.env(world->net.ctx, CLIENT)->seed, "rpc.choice");
    timer_setup(&world->rpc.arrival, on_arrival);
    if (!closed_loop(world)) {
        const uint64_t request_ps = capacity_request_ps(scenario, &world->profile), load = (uint64_t)scenario->load;

        if (request_ps / load >= GAP_MAX_PS / UINT64_C(1000000)) {
            (void)snprintf(message, room,
                           "load: less than one request in 10^6 s; raise load or link_rate, or lower io_size");
            return FLUE_EINVAL;
        }
        world->rpc.mean_gap_ps = request_ps / load * UINT64_C(1000000) + request_ps % load * UINT64_C(1000000) / load;
    }
    for (i = 0; i < (uint32_t)scenario->connections; i++)
        list_init(&world->flows[i].requests);
    return FLUE_OK;
}

static void rpc_start(struct world *world, unsigned node, flue_ps at_ps)
{
    const struct flue_scenario *scenario = world->scenario;
    uint32_t i, k, active;

    if (node == SERVER)
        return;
    if (!closed_loop(world)) {
        if (node != CLIENT) /* one process of arrivals for all clients */
            return;
        timers_arm(flue_node_timers(world->node[CLIENT]), &world->rpc.arrival, at_ps + draw_gap(world));
        return;
    }
    active = (uint32_t)(scenario->active < scenario->connections ? scenario->active : scenario->connections);
    for (i = node - CLIENT; i < active; i += (uint32_t)scenario->clients) {
        for (k = 0; k < (uint32_t)scenario->outstanding; k++) {
            struct request *request = make(world, &world->flows[i], at_ps);

            if (request != NULL)
                flue_host_run(world_host(world, node), at_ps, issue, request);
        }
    }
}

static void answer(struct flow *flow, flue_ps at_ps)
{
    const struct flue_scenario *scenario = flow->world->scenario;

    while (flow->request_bytes >= (uint64_t)scenario->request_size) {
        flow->request_bytes -= (uint64_t)scenario->request_size;
        flue_host_socket_work(flow->socket[SERVER], 1);
        (void)flow_send(flow, SERVER, (uint32_t)scenario->io_size, at_ps);
    }
}

static void complete(struct flow *flow, flue_ps at_ps)
{
    struct world *world = flow->world;
    struct request *request;

    if (list_empty(&flow->requests)) {
        world_finding(world, "connection %u: a response without a request", flow->id);
        return;
    }
    request = FLUE_CONTAINER_OF(flow->requests.next, struct request, hook);
    list_remove(&request->hook);
    if (request->measured) {
        histogram_record(&world->latency, (uint64_t)(at_ps - request->due_ps));
        world->completed++;
        world->rpc.done++;
    }
    pool_put(&world->rpc.pool, request);
    if (world->rpc.done == (uint64_t)world->scenario->requests && !world->rpc.stopped)
        stop(world, at_ps);
    if (closed_loop(world) && !world->rpc.stopped) {
        request = make(world, flow, at_ps);
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
    while (flow->response_bytes >= (uint64_t)flow->world->scenario->io_size) {
        flow->response_bytes -= (uint64_t)flow->world->scenario->io_size;
        complete(flow, at_ps);
    }
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
                                      .dispose = rpc_dispose};
