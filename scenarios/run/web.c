/* SPDX-License-Identifier: GPL-2.0-only */
/* Workload web: connections come and go.  A client opens one when it is due, sends `requests_each` requests one after
 * the other, each of which the server answers with a drawn size, and closes with the last byte; the server follows.
 * Open loop: connections fall due as a process of `arrivals`, or by a list.  Closed loop (load = 0): `active` users
 * have one connection after the other.
 *
 * A connection lives in a slot, which is an address and port of a client: the slot is free again when both ends have
 * forgotten the connection, so after its TIME-WAIT, and the one that has been free the longest is taken next.  Only
 * slots that have been in use take memory. */
#include <inttypes.h>
#include <stdlib.h>

#include "run/audit.h"
#include "run/flow.h"
#include "run/workload.h"
#include "run/world_state.h"

#define NO_SLOT  UINT32_MAX
#define IDS_MOST (UINT32_C(1) << 30) /* streams are numbered 2 x id and up */

enum { CLASS_SMALL, CLASS_MIDDLE, CLASS_LARGE, CLASSES };
static const char *const class_names[CLASSES] = {"to 10KiB", "to 1MiB", "above 1MiB"};

/* What the web knows of a connection besides struct flow; in the same slot. */
struct web_flow {
    struct flow *flow;
    flue_ps due_ps, asked_ps; /* the connection; the request that is out */
    uint64_t request_left, response_left, response_bytes;
    uint64_t carried[ENDS]; /* bytes of all its exchanges, sent by this end */
    uint64_t ideal_ps;      /* what they take on an idle network */
    const struct flow_line *line;
    struct timer thought; /* its user has thought: the next request, or the connection */
    uint32_t thoughts;
    uint32_t left_each; /* requests still to be sent */
    uint32_t next_free; /* slot */
    uint8_t measured, finished;
};

struct web {
    struct web_flow *of; /* by slot */
    struct web_client {
        uint32_t fresh, slots; /* the first that was never in use; how many there are */
        uint32_t first, last;  /* free ones */
    } * client;
    uint32_t started, live, peak, next_client;
    uint64_t measured, done; /* flows that are to be measured; those that came to their end, or were lost */
    uint64_t through;        /* those whose last byte came */
    int stopped;
    struct histogram fct, slowdown, fct_of[CLASSES];
};

static int by_list(const struct world *world)
{
    return world->traffic.list.count > 0;
}

static int closed_loop(const struct world *world)
{
    return world->scenario->load == 0 && !by_list(world);
}

static uint32_t slot_of(const struct flow *flow)
{
    return (uint32_t)(flow - flow->world->flows);
}

static struct web_flow *web_of(const struct flow *flow)
{
    return &flow->world->web->of[slot_of(flow)];
}

static struct web_client *client_of(const struct flow *flow)
{
    return &flow->world->web->client[flow->node[CLIENT] - CLIENT];
}

static void stop(struct world *world, flue_ps at_ps)
{
    world->web->stopped = 1;
    timers_cancel(world_timers(world, CLIENT), &world->rpc.arrival);
    world_measured(world, at_ps);
}

static int all_done(const struct world *world)
{
    const struct web *web = world->web;

    if (by_list(world))
        return world->traffic.next_line == world->traffic.list.count && web->done == web->measured;
    return web->done == (uint64_t)world->scenario->requests;
}

static uint64_t thinks_ps(struct flow *flow)
{
    const struct traffic *traffic = &flow->world->traffic;

    if (!traffic->thinks)
        return 0;
    return sizes_draw(&traffic->think, traffic->think_key, 2 * flow->id, web_of(flow)->thoughts++) *
           (uint64_t)FLUE_PS_PER_US;
}

/* ---- One connection ---------------------------------------------------------------------------------------------- */

static void ask(struct flow *flow, flue_ps at_ps)
{
    const struct world *world = flow->world;
    const uint64_t small = (uint64_t)world->scenario->request_size;

    web_of(flow)->left_each--;
    web_of(flow)->request_left = small;
    web_of(flow)->response_left = small;
    if (web_of(flow)->line == NULL)
        web_of(flow)->response_left = traffic_size(&world->traffic, 2 * flow->id + 1, flow->drawn[SERVER]++);
    else if (web_of(flow)->line->receive)
        web_of(flow)->request_left = web_of(flow)->line->bytes;
    else
        web_of(flow)->response_left = web_of(flow)->line->bytes;
    web_of(flow)->response_bytes = web_of(flow)->response_left;
    web_of(flow)->carried[CLIENT] += web_of(flow)->request_left;
    web_of(flow)->carried[SERVER] += web_of(flow)->response_left;
    web_of(flow)->ideal_ps +=
        capacity_exchange_ps(world->scenario, web_of(flow)->request_left, web_of(flow)->response_left);
    web_of(flow)->asked_ps = at_ps;
    (void)flow_send(flow, CLIENT, (uint32_t)web_of(flow)->request_left, at_ps);
}

static void connect_flow(void *ctx, flue_ps at_ps)
{
    struct flow *flow = ctx;
    struct world *world = flow->world;
    const struct flue_tcp_tuple tuple = world_tuple(world, slot_of(flow));

    if (flue_host_connect(world_host(world, flow->node[CLIENT]), &tuple, flow->id, &world->app[CLIENT], world, at_ps,
                          &flow->socket[CLIENT]) != FLUE_OK) {
        world_finding(world, "connection %" PRIu32 " could not be opened", flow->id);
        world->net.stop(world->net.ctx);
        return;
    }
    flue_host_socket_set_ctx(flow->socket[CLIENT], flow);
}

static void ask_next(void *ctx, flue_ps at_ps)
{
    ask(ctx, at_ps);
}

/* Runs in the client's own entries, so its timers serve. */
static void think(struct flow *flow, flue_ps until_ps)
{
    timers_arm(world_timers(flow->world, flow->node[CLIENT]), &web_of(flow)->thought, until_ps);
}

static void stop_thinking(struct flow *flow)
{
    timers_remove(world_timers(flow->world, flow->node[CLIENT]), &web_of(flow)->thought);
}

/* A slot of a client, or NO_SLOT. */
static uint32_t take_slot(struct world *world, unsigned client)
{
    struct web_client *of = &world->web->client[client];
    const uint32_t slot = of->first;

    if (slot != NO_SLOT) {
        of->first = world->web->of[slot].next_free;
        if (of->first == NO_SLOT)
            of->last = NO_SLOT;
        return slot;
    }
    if (of->fresh == of->slots)
        return NO_SLOT;
    return of->fresh++ * (uint32_t)world->scenario->clients + client;
}

static void free_slot(struct flow *flow)
{
    struct world *world = flow->world;
    struct web_client *client = client_of(flow);
    const uint32_t slot = slot_of(flow);

    stop_thinking(flow);
    *flow = (struct flow){.world = world, .id = FLUE_NO_CONN};
    *web_of(flow) = (struct web_flow){.flow = flow, .next_free = NO_SLOT};
    if (client->last == NO_SLOT)
        client->first = slot;
    else
        world->web->of[client->last].next_free = slot;
    client->last = slot;
    world->web->live--;
}

/* The answer has been thought about.  A connection that was to begin now is not opened any more once the traffic is
 * over. */
static void on_thought(struct timer *timer, flue_ps now_ps)
{
    struct flow *flow = FLUE_CONTAINER_OF(timer, struct web_flow, thought)->flow;
    struct world *world = flow->world;
    const int opened = web_of(flow)->asked_ps > 0;

    if (!opened && world->web->stopped) {
        free_slot(flow);
        if (world->phase == PHASE_CLOSING)
            world_drain(world);
        return;
    }
    flue_host_run(world_host(world, flow->node[CLIENT]), now_ps, opened ? ask_next : connect_flow, flow);
}

/* A connection falls due.  NULL: there can be none, and the run is given up. */
static struct flow *begin(struct world *world, unsigned client, const struct flow_line *line, flue_ps due_ps)
{
    struct web *web = world->web;
    const uint32_t slot = take_slot(world, client);
    struct flow *flow = &world->flows[slot == NO_SLOT ? 0 : slot];
    const int measured =
        world->phase == PHASE_MEASURE && (line != NULL || web->measured < (uint64_t)world->scenario->requests);

    if (slot == NO_SLOT || web->started == IDS_MOST) {
        world_finding(world,
                      "client %u has no port free: each of its %" PRIu32 " is of a connection that lives or is in "
                      "TIME-WAIT; raise connections or clients, or lower load, loss or time_wait",
                      client + 1, web->client[client].slots);
        world->net.stop(world->net.ctx);
        return NULL;
    }
    if (slot >= world->places)
        world->places = slot + 1;
    *flow = (struct flow){.world = world, .id = web->started++, .node = {SERVER, CLIENT + client}};
    web->of[slot] = (struct web_flow){.flow = flow,
                                      .due_ps = due_ps,
                                      .ideal_ps = capacity_handshake_ps(world->scenario),
                                      .line = line,
                                      .left_each = 1,
                                      .measured = (uint8_t)measured};
    timer_setup(&web_of(flow)->thought, on_thought);
    if (line == NULL)
        web_of(flow)->left_each = (uint32_t)sizes_draw(&world->traffic.each, world->traffic.key, 2 * flow->id, 0);
    web->measured += measured ? 1 : 0;
    if (++web->live > web->peak)
        web->peak = web->live;
    return flow;
}

/* The user's next connection, on the core of the client, which runs. */
static void begin_next(struct flow *before, flue_ps at_ps)
{
    struct world *world = before->world;
    const flue_ps due_ps = at_ps + (flue_ps)thinks_ps(before);
    struct flow *flow = begin(world, before->node[CLIENT] - CLIENT, NULL, due_ps);

    if (flow != NULL && due_ps > at_ps)
        think(flow, due_ps);
    else if (flow != NULL)
        connect_flow(flow, at_ps);
}

/* Its last byte has come, or it is lost. */
static void finish(struct flow *flow, flue_ps at_ps)
{
    struct world *world = flow->world;

    web_of(flow)->finished = 1;
    world->web->done += web_of(flow)->measured ? 1 : 0;
    if (!world->web->stopped && all_done(world))
        stop(world, at_ps);
}

static void measure(struct flow *flow, flue_ps at_ps)
{
    struct web *web = flow->world->web;
    const uint64_t took_ps = (uint64_t)(at_ps - web_of(flow)->due_ps);
    const uint64_t bytes = web_of(flow)->carried[web_of(flow)->carried[SERVER] < web_of(flow)->carried[CLIENT]];

    web->through++;
    histogram_record(&web->fct, took_ps);
    histogram_record(&web->fct_of[bytes <= 10240     ? CLASS_SMALL
                                  : bytes <= 1048576 ? CLASS_MIDDLE
                                                     : CLASS_LARGE],
                     took_ps);
    histogram_record(&web->slowdown, took_ps / web_of(flow)->ideal_ps * 1000 +
                                         took_ps % web_of(flow)->ideal_ps * 1000 / web_of(flow)->ideal_ps);
}

static void answered(struct flow *flow, flue_ps at_ps)
{
    struct world *world = flow->world;

    if (web_of(flow)->measured) {
        histogram_record(&world->latency, (uint64_t)(at_ps - web_of(flow)->asked_ps));
        world->completed++;
    }
    if (web_of(flow)->left_each > 0 && world->traffic.thinks) {
        const uint64_t pause_ps = thinks_ps(flow);

        web_of(flow)->ideal_ps += pause_ps;
        think(flow, at_ps + (flue_ps)pause_ps);
        return;
    }
    if (web_of(flow)->left_each > 0) {
        ask(flow, at_ps);
        return;
    }
    if (web_of(flow)->measured)
        measure(flow, at_ps);
    flow_close(flow, CLIENT);
    finish(flow, at_ps);
    if (closed_loop(world) && !world->web->stopped)
        begin_next(flow, at_ps);
}

static void web_received(struct flow *flow, int end, uint32_t bytes, flue_ps at_ps)
{
    uint64_t *left = end == SERVER ? &web_of(flow)->request_left : &web_of(flow)->response_left;

    if (bytes > *left) {
        world_finding(flow->world, "connection %" PRIu32 ": the %s got more than it was sent", flow->id,
                      end == SERVER ? "server" : "client");
        return;
    }
    *left -= bytes;
    if (*left > 0)
        return;
    if (end == CLIENT) {
        answered(flow, at_ps);
        return;
    }
    flue_host_socket_work(flow->socket[SERVER], 1);
    (void)flow_send(flow, SERVER, (uint32_t)web_of(flow)->response_bytes, at_ps);
}

static void web_open(struct flow *flow, int end, flue_ps at_ps)
{
    if (end == CLIENT)
        ask(flow, at_ps);
}

static void web_acknowledged(struct flow *flow, int end, flue_ps at_ps)
{
    (void)flow;
    (void)end;
    (void)at_ps;
}

static void give_up(void *ctx, flue_ps at_ps)
{
    struct flow *flow = ctx;
    const int user_waits = !web_of(flow)->finished;

    flow->closing[CLIENT] = 1;
    stop_thinking(flow);
    if (flow->socket[CLIENT] != NULL)
        flue_host_socket_abort(flow->socket[CLIENT]);
    if (user_waits)
        finish(flow, at_ps);
    if (user_waits && closed_loop(flow->world) && !flow->world->web->stopped)
        begin_next(flow, at_ps);
}

/* The server has lost it.  The client may wait for an answer, or for a FIN, and hear nothing: its user gives up. */
static void web_lost(struct flow *flow, flue_ps at_ps)
{
    struct world *world = flow->world;
    const unsigned node = flow->node[CLIENT];

    (void)at_ps;
    flue_host_run(world_host(world, node), world->net.now(world->net.ctx), give_up, flow);
    flue_node_settle(world->node[node]);
}

/* Both ends have forgotten it, or the server never knew it. */
static void web_gone(struct flow *flow, flue_ps at_ps)
{
    struct world *world = flow->world;

    if (!flow->closed[CLIENT] || (flow->open[SERVER] && !flow->closed[SERVER]))
        return;
    if (!web_of(flow)->finished)
        finish(flow, at_ps);
    flow_audit(flow);
    if (world->phase == PHASE_MEASURE)
        flow_silence(flow, at_ps);
    world->sent_bytes += flow->accepted[SERVER] + flow->accepted[CLIENT];
    free_slot(flow);
}

static uint32_t web_live(const struct world *world)
{
    return world->web->live;
}

/* ---- Arrivals ---------------------------------------------------------------------------------------------------- */

static void on_arrival(struct timer *timer, flue_ps now_ps)
{
    struct world *world = FLUE_CONTAINER_OF(timer, struct world, rpc.arrival);
    struct traffic *traffic = &world->traffic;
    const struct flow_line *line = by_list(world) ? &traffic->list.lines[traffic->next_line++] : NULL;
    const uint32_t clients = (uint32_t)world->scenario->clients;
    struct flow *flow;

    if (line == NULL)
        timers_arm(world_timers(world, CLIENT), timer, now_ps + arrivals_gap(&traffic->arrivals));
    else if (traffic->next_line < traffic->list.count)
        timers_arm(world_timers(world, CLIENT), timer, world->rpc.began_ps + line[1].start_ps);
    flow = begin(world, line != NULL ? line->who - 1 : world->web->next_client++ % clients, line, now_ps);
    if (flow != NULL)
        world_on(world, flow->node[CLIENT], now_ps, connect_flow, flow);
}

static flue_err web_prepare(struct world *world, char *message, size_t room)
{
    const struct flue_scenario *scenario = world->scenario;
    const uint32_t connections = (uint32_t)scenario->connections, clients = (uint32_t)scenario->clients;
    flue_err err = FLUE_OK;

    world->web = calloc(1, sizeof(*world->web));
    if (world->web != NULL)
        world->web->client = calloc(clients, sizeof(*world->web->client));
    if (world->web != NULL)
        world->web->of = calloc(connections, sizeof(*world->web->of));
    if (world->web == NULL || world->web->client == NULL || world->web->of == NULL)
        return FLUE_ENOMEM;
    for (uint32_t i = 0; i < clients; i++)
        world->web->client[i] =
            (struct web_client){.slots = (connections - i - 1) / clients + 1, .first = NO_SLOT, .last = NO_SLOT};
    timer_setup(&world->rpc.arrival, on_arrival);
    if (!closed_loop(world) && !by_list(world))
        err = traffic_gap(&world->traffic, scenario, &world->profile, world->traffic.each.mean_q16,
                          &world->rpc.mean_gap_ps, message, room);
    arrivals_init(&world->traffic.arrivals, scenario, world->rpc.mean_gap_ps,
                  world->net.env(world->net.ctx, CLIENT)->seed, "web.arrivals");
    return err;
}

static void web_start(struct world *world, unsigned node, flue_ps at_ps)
{
    const int64_t active =
        world->scenario->active < world->scenario->connections ? world->scenario->active : world->scenario->connections;

    if (world_end(world, node) == SERVER ||
        (!closed_loop(world) && node != CLIENT)) /* one process of arrivals for all clients */
        return;
    if (!closed_loop(world)) {
        world->rpc.began_ps = at_ps;
        timers_arm(
            world_timers(world, CLIENT), &world->rpc.arrival,
            at_ps + (by_list(world) ? world->traffic.list.lines[0].start_ps : arrivals_gap(&world->traffic.arrivals)));
        return;
    }
    for (int64_t i = node - CLIENT; i < active; i += world->scenario->clients) {
        struct flow *flow = begin(world, node - CLIENT, NULL, at_ps);

        if (flow != NULL)
            flue_host_run(world_host(world, node), at_ps, connect_flow, flow);
    }
}

/* ---- Results ----------------------------------------------------------------------------------------------------- */

static void put_bins(const struct world *world, const char *metric, const char *entity,
                     const struct histogram *histogram)
{
    uint64_t low, high, n;
    uint32_t cursor = 0;

    while (histogram_next(histogram, &cursor, &low, &high, &n))
        world->record->bin(world->record->ctx, metric, entity, low, high, n);
}

static void web_report(struct world *world)
{
    const struct web *web = world->web;
    const struct flue_record *record = world->record;

    record->metric(record->ctx, "flows", "", web->started, 1);
    record->metric(record->ctx, "flows.measured", "", (int64_t)web->through, 1);
    record->metric(record->ctx, "flows.peak", "", web->peak, 1);
    put_bins(world, "fct", "", &web->fct);
    for (unsigned i = 0; i < CLASSES; i++)
        put_bins(world, "fct", class_names[i], &web->fct_of[i]);
    put_bins(world, "slowdown", "", &web->slowdown);
}

static void web_dispose(struct world *world)
{
    if (world->web != NULL) {
        free(world->web->client);
        free(world->web->of);
    }
    free(world->web);
}

/* What the oracle knows: the requests that this connection will make.  Which of those to come would make more is not
 * known: none counts as better. */
static void web_expect(const struct flow *flow, struct flue_host_hint *out)
{
    const struct world *world = flow->world;

    out->requests = web_of(flow)->left_each;
    out->bytes =
        web_of(flow)->left_each * (sizes_mean(&world->traffic.sizes) + (uint64_t)world->scenario->request_size);
    out->rank = 0;
}

const struct workload workload_web = {.prepare = web_prepare,
                                      .start = web_start,
                                      .received = web_received,
                                      .acknowledged = web_acknowledged,
                                      .lost = web_lost,
                                      .expect = web_expect,
                                      .dispose = web_dispose,
                                      .open = web_open,
                                      .gone = web_gone,
                                      .live = web_live,
                                      .report = web_report};
