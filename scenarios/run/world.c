/* SPDX-License-Identifier: GPL-2.0-only */
/* From a scenario to a world and through its phases: open every connection, wait until each is where it belongs, warm
 * up, measure, close, audit. */
#include "run/world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run/audit.h"
#include "run/build.h"
#include "run/carry.h"
#include "run/choices.h"
#include "run/clients_ns3.h"
#include "run/flow.h"
#include "run/measure.h"
#include "run/migrate.h"
#include "run/moments.h"
#include "run/possible.h"
#include "run/rules.h"
#include "run/timeline.h"
#include "run/workload.h"
#include "run/world_state.h"
#include "run/policy.h"

#define DRAIN_POLLS    20000                /* then the audit says what did not come home */
#define DRAIN_TRIPS    16                   /* the same in round trips through drivers that hold */
#define START_AFTER_PS FLUE_PS_PER_US       /* both ends start by timers of their own, this much later */
#define PATIENCE_PS    (10 * FLUE_PS_PER_S) /* of a client that has closed */
#define FINDINGS_SHOWN 10

struct flue_host *world_host(struct world *world, unsigned node)
{
    return flue_node_host(world->node[node]);
}

struct timers *world_timers(struct world *world, unsigned node)
{
    return flue_node_timers(world->node[node]);
}

void world_on(struct world *world, unsigned node, flue_ps at_ps, void (*fn)(void *ctx, flue_ps at_ps), void *ctx)
{
    flue_host_run(world_host(world, node), at_ps, fn, ctx);
    if (node > CLIENT) /* entries of the world's own are the server's and the first client's */
        flue_node_settle(world->node[node]);
}

struct flue_tcp_tuple world_tuple(const struct world *world, uint32_t id)
{
    const uint32_t clients = (uint32_t)world->scenario->clients, j = id / clients;
    const uint32_t address = j % (uint32_t)world->scenario->server_addresses;

    return (struct flue_tcp_tuple){.local_ip =
                                       flue_ip_v4(CLIENT_IP + id % clients * world->client_ips + j / PORTS_PER_IP),
                                   .remote_ip = flue_ip_v4(address == 0 ? SERVER_IP : MORE_SERVER_IP + address),
                                   .local_port = (uint16_t)(FIRST_PORT + j % PORTS_PER_IP),
                                   .remote_port = SERVER_PORT};
}

uint32_t world_identify(const struct world *world, const struct flue_tcp_tuple *tuple)
{
    const uint32_t clients = (uint32_t)world->scenario->clients, ip = tuple->remote_ip.word[3] - CLIENT_IP;
    const uint32_t j = ip % world->client_ips * PORTS_PER_IP + tuple->remote_port - FIRST_PORT;

    return j * clients + ip / world->client_ips;
}

void world_finding(struct world *world, const char *format, ...)
{
    char sentence[256];
    va_list args;

    world->findings++;
    if (world->findings > FINDINGS_SHOWN)
        return;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    world->record->finding(world->record->ctx, sentence);
}

/* ---- Phases ------------------------------------------------------------------------------------------------------ */

static void open_next(void *ctx, flue_ps at_ps)
{
    struct world *world = ctx;
    const uint32_t id = world->next_open++;
    const struct flue_tcp_tuple tuple = world_tuple(world, id);
    struct flow *flow = &world->flows[id];
    flue_err err;

    if (clients_are_ns3(world->scenario))
        err = clients_ns3_connect(flow);
    else
        err = flue_host_connect(world_host(world, flow->node[CLIENT]), &tuple, id, &world->app[CLIENT], world, at_ps,
                                &flow->socket[CLIENT]);
    if (err != FLUE_OK)
        world_finding(world, "connection %" PRIu32 " could not be opened", id);
    else if (flow->socket[CLIENT] != NULL)
        flue_host_socket_set_ctx(flow->socket[CLIENT], flow);
}

static void close_next(void *ctx, flue_ps at_ps)
{
    struct world *world = ctx;

    (void)at_ps;
    flow_close(&world->flows[world->next_close++], CLIENT);
}

/* The server's side of connections that the client has closed before its turn. */
static void close_rest(void *ctx, flue_ps at_ps)
{
    struct world *world = ctx;
    uint32_t i;

    (void)at_ps;
    for (i = 0; i < (uint32_t)world->scenario->connections; i++)
        if (world->flows[i].closing[CLIENT])
            flow_close(&world->flows[i], SERVER);
}

static void on_rest(struct timer *timer, flue_ps now_ps)
{
    struct world *world = FLUE_CONTAINER_OF(timer, struct world, rest);

    flue_host_run(world_host(world, SERVER), now_ps, close_rest, world);
}

/* It is in FIN-WAIT-2, for ever by itself (RFC 9293 3.6): nobody is there who would close, and it asks nothing. */
static void give_up(void *ctx, flue_ps at_ps)
{
    struct flow *flow = ctx;

    (void)at_ps;
    if (flow->ns3 != NULL)
        clients_ns3_abort(flow);
    else if (flow->socket[CLIENT] != NULL)
        flue_host_socket_abort(flow->socket[CLIENT]);
}

static void on_patience(struct timer *timer, flue_ps now_ps)
{
    struct world *world = FLUE_CONTAINER_OF(timer, struct world, patience);

    for (uint32_t i = 0; i < (uint32_t)world->scenario->connections; i++) {
        struct flow *flow = &world->flows[i];

        if (flow->lost && flow->closing[CLIENT] && flow_has(flow, CLIENT))
            world_on(world, flow->node[CLIENT], now_ps, give_up, flow);
    }
}

void world_lost(struct world *world)
{
    timers_arm(world_timers(world, CLIENT), &world->patience, world->net.now(world->net.ctx) + PATIENCE_PS);
    flue_node_settle(world->node[CLIENT]);
}

static void on_pace(struct timer *timer, flue_ps now_ps)
{
    struct world *world = FLUE_CONTAINER_OF(timer, struct world, pace);
    const uint32_t connections = (uint32_t)world->scenario->connections;
    const int closing = world->phase == PHASE_CLOSING;
    const struct flow *flow = &world->flows[closing ? world->next_close : world->next_open];

    world_on(world, flow->node[CLIENT], now_ps, closing ? close_next : open_next, world);
    if ((closing ? world->next_close : world->next_open) < connections)
        timers_arm(world_timers(world, CLIENT), timer, now_ps + world->scenario->open_every);
}

/* An adapter that can hold no object of one kind says that it can hold no connection, and none is offered to it. */
static int has_room(const struct flue_scenario *scenario)
{
    return scenario->capacity > 0 && scenario->neighbours > 0 && scenario->paths > 0;
}

/* Every connection is open, and the policy has placed each of them. */
static int in_place(struct world *world)
{
    const uint32_t connections = (uint32_t)world->scenario->connections;
    struct flue_host_totals totals;

    if (world_churns(world))
        return 1;
    if (world->opened < 2 * connections)
        return 0;
    if (world->scenario->offload == ARM_HOST || world->scenario->offload_at != FLUE_PS_NEVER ||
        !has_room(world->scenario) || policy_is_restless(world->scenario, world->watch.policy) ||
        policy_of(world->scenario, world->watch.policy) == flue_policy_find("never"))
        return 1;
    flue_host_totals(world_host(world, SERVER), &totals);
    if (world->disturbed)
        return totals.holders[FLUE_HOLDER_OFFERED] == 0 && totals.holders[FLUE_HOLDER_GIVING_BACK] == 0;
    return totals.offloaded + totals.refused >= connections;
}

/* Processor time of this process: for `flue bench`, never for a digest. */
static int64_t cpu_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t alarms(const struct world *world)
{
    uint64_t all = 0;

    for (unsigned node = 0; node < world->nodes; node++) {
        struct flue_node_totals totals;

        flue_node_totals(world->node[node], &totals);
        all += totals.alarms;
    }
    return all;
}

static uint64_t crossings(const struct world *world)
{
    uint64_t sum = 0;

    for (unsigned node = 0; node < world->nodes; node++)
        sum += flue_ndis_crossings(flue_node_ndis(world->node[node]));
    return sum;
}

static void open_window(struct world *world)
{
    world->phase = PHASE_MEASURE;
    snapshot_take(world, &world->begin);
}

static void begin_traffic(struct world *world, flue_ps now_ps)
{
    struct flue_net_totals totals;
    unsigned node;

    world->net.totals(world->net.ctx, &totals);
    world->outcome->memory_idle_bytes = totals.memory_bytes;
    world->outcome->traffic_cpu_ns = -cpu_ns();
    world->outcome->traffic_alarms = 0 - alarms(world);
    world->outcome->traffic_crossings = 0 - crossings(world);
    if (world->scenario->sample_from == SAMPLE_FROM_TRAFFIC)
        timeline_begin(world, now_ps);
    world->phase = PHASE_WARMUP;
    if (world->scenario->warmup == 0)
        open_window(world);
    else
        timers_arm(world_timers(world, CLIENT), &world->phase_timer,
                   now_ps + START_AFTER_PS + world->scenario->warmup + 1);
    moments_begin(world, now_ps + START_AFTER_PS);
    for (node = 0; node < world->nodes; node++) {
        timers_arm(world_timers(world, node), &world->start[node].timer, now_ps + START_AFTER_PS);
        if (node != CLIENT) /* this runs in an entry of the first client */
            flue_node_settle(world->node[node]);
    }
}

static void on_start(struct timer *timer, flue_ps now_ps)
{
    const struct start_timer *start = FLUE_CONTAINER_OF(timer, struct start_timer, timer);

    start->world->workload->start(start->world, start->node, now_ps);
}

static void close_window(struct world *world)
{
    snapshot_take(world, &world->end);
    world->end.at_ps = world->measured_ps;
    flow_silences(world);
    world->outcome->traffic_cpu_ns += cpu_ns();
    world->outcome->traffic_alarms += alarms(world);
    world->outcome->traffic_crossings += crossings(world);
    world->phase = PHASE_CLOSING;
    world->next_close = 0;
    if (world->scenario->close == CHOICE_YES) {
        if (!world_churns(world)) { /* else connections close when they are through */
            timers_arm(world_timers(world, CLIENT), &world->pace, world->net.now(world->net.ctx) + POLL_PS);
            flue_node_settle(world->node[CLIENT]);
        }
        if (world->scenario->receive_push == CHOICE_NO) {
            timers_arm(world_timers(world, SERVER), &world->rest, world->net.now(world->net.ctx) + START_AFTER_PS);
            flue_node_settle(world->node[SERVER]);
        }
        world_drain(world); /* both ends may have closed with their last bytes */
    } else {
        world->phase = PHASE_DONE;
        world->net.stop(world->net.ctx);
    }
}

static void on_phase(struct timer *timer, flue_ps now_ps)
{
    struct world *world = FLUE_CONTAINER_OF(timer, struct world, phase_timer);

    (void)now_ps;
    if (world->phase == PHASE_WARMUP)
        open_window(world);
    else if (world->phase == PHASE_MEASURE && world->measured)
        close_window(world);
}

void world_measured(struct world *world, flue_ps at_ps)
{
    const int too_early = world->phase == PHASE_WARMUP; /* all was over before the warm-up was: the window is empty */

    if (too_early)
        open_window(world);
    if (world->phase != PHASE_MEASURE || world->measured)
        return;
    /* The books of both nodes are taken an instant later: at this one, it is the network's business which node's events
     * have run already. */
    world->measured = 1;
    world->measured_ps = too_early ? world->begin.at_ps : at_ps;
    timers_arm(world_timers(world, CLIENT), &world->phase_timer, world->net.now(world->net.ctx) + 1);
    flue_node_settle(world->node[CLIENT]);
}

/* Objects of all nodes that are not back where they belong: late frames, completions on their way, offload objects. */
static uint64_t objects_live(struct world *world)
{
    uint64_t live = 0;
    unsigned node, i;

    for (node = 0; node < world->nodes; node++) {
        live += flue_host_objects_live(world_host(world, node)) + flue_node_adapter_objects_live(world->node[node]);
        for (i = 0; flue_node_driver(world->node[node], i) != NULL; i++)
            live += flue_im_objects_live(flue_node_driver(world->node[node], i));
    }
    return live;
}

/* Until all connections are in place; and, once the last has closed, until what is still under way has come home.
 * Offload objects that serve no connection any more go back then. */
static void on_poll(struct timer *timer, flue_ps now_ps)
{
    struct world *world = FLUE_CONTAINER_OF(timer, struct world, poll);

    if (world->phase == PHASE_OPENING && in_place(world))
        begin_traffic(world, now_ps);
    if (world->phase == PHASE_CLOSING) {
        if (objects_live(world) == 0 || ++world->drained > world->drain_polls) {
            world->phase = PHASE_DONE;
            world->net.stop(world->net.ctx);
            return;
        }
        flue_host_release_offload(world_host(world, SERVER), now_ps);
        flue_node_settle(world->node[SERVER]);
        if (world->second_server != 0) {
            flue_host_release_offload(world_host(world, world->second_server), now_ps);
            flue_node_settle(world->node[world->second_server]);
        }
    }
    if (world->phase == PHASE_OPENING || world->phase == PHASE_CLOSING)
        timers_arm(world_timers(world, CLIENT), timer, now_ps + POLL_PS);
}

/* ---- Life ------------------------------------------------------------------------------------------------------ */

static flue_err make_room(struct world *world)
{
    const uint32_t clients = (uint32_t)world->scenario->clients;

    world->nodes = CLIENT + clients;
    if (schedule_to_node(&world->schedule))
        world->second_server = world->nodes++;
    world->client_ips = ((uint32_t)world->scenario->connections - 1) / clients / PORTS_PER_IP + 1;
    world->node = calloc(world->nodes, sizeof(struct flue_node *));
    world->start = calloc(world->nodes, sizeof(*world->start));
    world->rules.node = calloc(world->nodes, sizeof(*world->rules.node));
    if (world->node == NULL || world->start == NULL || world->rules.node == NULL)
        return FLUE_ENOMEM;
    return timeline_make(world);
}

static void arm(struct world *world)
{
    unsigned node;

    timer_setup(&world->pace, on_pace);
    timer_setup(&world->poll, on_poll);
    timer_setup(&world->rest, on_rest);
    timer_setup(&world->patience, on_patience);
    timer_setup(&world->phase_timer, on_phase);
    if (!world_churns(world))
        timers_arm(world_timers(world, CLIENT), &world->pace, 0);
    timers_arm(world_timers(world, CLIENT), &world->poll, POLL_PS);
    moments_arm(world);
    if (world->scenario->sample_from == SAMPLE_FROM_START)
        timeline_begin(world, 0);
    for (node = 0; node < world->nodes; node++) {
        world->start[node].world = world;
        world->start[node].node = node;
        timer_setup(&world->start[node].timer, on_start);
        flue_node_settle(world->node[node]);
    }
}

static flue_err prepare(struct world *world, char *message, size_t room)
{
    const uint32_t connections = (uint32_t)world->scenario->connections;
    struct flue_net_totals totals;
    flue_err err;
    uint32_t i;

    world->flows = calloc(connections, sizeof(*world->flows));
    world->places = world_churns(world) ? 0 : connections;
    err = world->flows == NULL ? FLUE_ENOMEM : FLUE_OK;
    if (err == FLUE_OK)
        err = traffic_prepare(&world->traffic, world->scenario, world->net.env(world->net.ctx, CLIENT)->seed, message,
                              room);
    for (i = 0; err == FLUE_OK && !world_churns(world) && i < connections; i++) {
        world->flows[i].world = world;
        world->flows[i].id = i;
        world->flows[i].node[CLIENT] = CLIENT + i % (uint32_t)world->scenario->clients;
    }
    if (err == FLUE_OK)
        err = world->workload->prepare(world, message, room);
    if (err != FLUE_OK && message[0] != '\0')
        return err;
    if (err == FLUE_OK)
        err = flue_host_listen(world_host(world, SERVER), SERVER_PORT, &world->app[SERVER], world);
    if (err != FLUE_OK)
        (void)snprintf(message, room, "the applications could not be started: %s", flue_err_sentence(err));
    world->net.totals(world->net.ctx, &totals);
    world->outcome->memory_base_bytes = totals.memory_bytes;
    return err;
}

static void dispose(struct world *world)
{
    unsigned node;

    if (world->flows != NULL)
        world->workload->dispose(world);
    migrate_dispose(world);
    carry_dispose(world);
    for (node = 0; world->node != NULL && node < world->nodes; node++)
        flue_node_free(world->node[node]);
    free(world->node);
    drivers_free(&world->drivers);
    free(world->start);
    free(world->rules.node);
    timeline_free(world);
    if (world->net.free != NULL)
        world->net.free(world->net.ctx);
    run_memory_dispose(&world->memory);
    traffic_dispose(&world->traffic);
    free(world->flows);
}

static const struct workload *workload_of(enum flue_workload workload)
{
    static const struct workload *const all[FLUE_WORKLOADS] = {&workload_bulk, &workload_rpc, &workload_web};

    return all[workload];
}

flue_err world_run(const struct flue_scenario *scenario, const struct flue_record *record,
                   const struct world_watch *watch, struct world_outcome *outcome, char *message, size_t room)
{
    struct world *world = calloc(1, sizeof(*world));
    flue_err err;

    message[0] = '\0';
    *outcome = (struct world_outcome){.end_ps = 0};
    if (world == NULL) {
        (void)snprintf(message, room, "no memory for a run");
        return FLUE_ENOMEM;
    }
    schedule_read(scenario, &world->schedule);
    err = world_possible(scenario, &world->schedule, watch != NULL && watch->target != NULL, message, room);
    world->scenario = scenario;
    world->record = record;
    world->drain_polls = DRAIN_POLLS + (uint64_t)(DRAIN_TRIPS * drivers_hold_ps(scenario, 1, 1) / POLL_PS);
    if (scenario->hang_after != FLUE_PS_NEVER)
        world->drain_polls += schedule_missed(&world->schedule) * (uint64_t)(scenario->hang_after / POLL_PS);
    if (watch != NULL)
        world->watch = *watch;
    world->outcome = outcome;
    world->workload = workload_of(scenario->workload);
    if (err == FLUE_OK)
        err = policy_possible(scenario, watch != NULL ? watch->policy : NULL, message, room);
    if (err == FLUE_OK && (err = make_room(world)) != FLUE_OK)
        (void)snprintf(message, room, "no memory for %u nodes", world->nodes);
    if (err == FLUE_OK)
        err = world_build_net(world, message, room);
    if (err == FLUE_OK)
        err = world_build_nodes(world, message, room);
    if (err == FLUE_OK)
        err = prepare(world, message, room);
    if (err == FLUE_OK) {
        arm(world);
        world->net.run(world->net.ctx, scenario->limit);
        if (world->phase <= PHASE_MEASURE) /* the window never closed: there is none */
            world->end = world->begin;
        if (world->stopped == 0)
            world_audit(world);
        rules_report(world);
        moments_report(world);
        timeline_report(world);
        world_report(world);
    }
    dispose(world);
    outcome->findings = world->findings;
    free(world);
    return err;
}
