/* SPDX-License-Identifier: GPL-2.0-only */
/* The event loop, the applications, and the phases of a run: the plan; everybody is well again and reads; everybody
 * closes; the audit. */
#include "world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flue/ndis.h"

enum { EVENTS_MAX = 3000000, CH_UP_IN_INITIATE = 56, CH_RST = 221, CH_RST_LEFT = 231 };

void world_fail(struct world *world, const char *format, ...)
{
    va_list arguments;

    if (world->failed) {
        return;
    }
    world->failed = true;
    va_start(arguments, format);
    (void)vsnprintf(world->why, sizeof world->why, format, arguments);
    va_end(arguments);
}

struct flue_host *world_host(struct world *world, unsigned node)
{
    return flue_node_host(world->node[node]);
}

struct flue_ip world_ip(const struct world *world, unsigned node)
{
    struct flue_ip ip = flue_ip_v4(world->plan->node[node].host.ip);

    if (world->plan->v6) {
        ip = (struct flue_ip){{0x20010db8, 0, 0, 1 + node}};
    }
    return ip;
}

/* ---- What nodes ask of their simulator */

static flue_ps env_now(void *ctx)
{
    return ((struct world_env *)ctx)->world->now_ps;
}

static void env_set_alarm(void *ctx, flue_ps at_ps)
{
    ((struct world_env *)ctx)->alarm_ps = at_ps;
}

static void *env_allocate(void *ctx, size_t bytes)
{
    struct world_env *env = ctx;
    void *memory;

    if (env->starving && rng_chance_ppm(&env->rng, env->world->plan->starve_ppm)) {
        return NULL;
    }
    memory = calloc(1, bytes);
    if (memory != NULL) {
        env->bytes += (int64_t)bytes;
    }
    return memory;
}

static void env_release(void *ctx, void *memory, size_t bytes)
{
    if (memory != NULL) {
        ((struct world_env *)ctx)->bytes -= (int64_t)bytes;
    }
    free(memory);
}

static void *plain_allocate(void *ctx, size_t bytes)
{
    (void)ctx;
    return calloc(1, bytes);
}

static void plain_release(void *ctx, void *memory, size_t bytes)
{
    (void)ctx;
    (void)bytes;
    free(memory);
}

/* ---- Applications */

static uint32_t identify(void *ctx, const struct flue_tcp_tuple *tuple)
{
    (void)ctx;
    return tuple->remote_port - 1000u;
}

static struct world_end *end_of(const struct world_side *side, const struct flue_host_socket *socket)
{
    return &side->world->conn[flue_host_socket_id(socket) % PLAN_CONNECTIONS].end[side->node];
}

static void connected(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    struct world_end *end = end_of(ctx, socket);

    (void)at_ps;
    end->socket = socket;
    end->opened = true;
}

static void received(void *ctx, struct flue_host_socket *socket, const struct flue_span *span, flue_ps at_ps)
{
    const struct world_side *side = ctx;
    const uint32_t id = flue_host_socket_id(socket);
    struct world_end *end = end_of(side, socket);
    const unsigned far = side->node == side->world->conn[id].from ? 1 : 0;

    (void)at_ps;
    if (span->memory != NULL || span->stream != 2 * id + far || span->offset_bytes != end->received) {
        world_fail(side->world,
                   "%c, connection %" PRIu32 ": bytes of stream %" PRIu32 " from %" PRIu64 ", not from %" PRIu64,
                   'A' + (int)side->node, id, span->stream, span->offset_bytes, end->received);
    }
    if (end->paused && span->length_bytes > 0) {
        end->unasked_ps = side->world->now_ps; /* the last bytes of a connection that ends come at once */
    }
    end->received += span->length_bytes;
}

static void acknowledged(void *ctx, struct flue_host_socket *socket, uint32_t bytes, flue_ps at_ps)
{
    (void)at_ps;
    end_of(ctx, socket)->acked += bytes;
}

static void peer_closed(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    const struct world_side *side = ctx;
    struct world_end *end = end_of(side, socket);

    (void)at_ps;
    if (end->peer_closed) {
        world_fail(side->world, "%c, connection %" PRIu32 ": the peer closed twice", 'A' + (int)side->node,
                   flue_host_socket_id(socket));
    }
    end->peer_closed = true;
}

static void closed(void *ctx, struct flue_host_socket *socket, enum flue_tcp_reason reason, flue_ps at_ps)
{
    const struct world_side *side = ctx;
    struct world_end *end = end_of(side, socket);

    (void)at_ps;
    if (end->unasked_ps != FLUE_PS_NEVER && end->unasked_ps != side->world->now_ps) {
        world_fail(side->world, "%c, connection %" PRIu32 ": bytes for one who does not read", 'A' + (int)side->node,
                   flue_host_socket_id(socket));
    }
    if (end->closed) {
        world_fail(side->world, "%c, connection %" PRIu32 ": ended twice", 'A' + (int)side->node,
                   flue_host_socket_id(socket));
    }
    end->closed = true;
    end->socket = NULL;
    end->reason = reason;
}

/* ---- The loop */

/* What stuck operations lead to is no news: things that are never done, and connections that go on although nobody
 * heard of the end of their initiate. */
static bool is_of_stuck(const struct world *world, const struct flue_finding *finding)
{
    return world->stuck && (world->over || finding->rule == CH_UP_IN_INITIATE);
}

static void finding(void *ctx, const struct flue_finding *finding)
{
    struct world *world = ctx;
    const enum flue_rule_strength strength = flue_rule(finding->rule)->strength;

    if (strength == FLUE_RULE_warn || is_of_stuck(world, finding) ||
        (world->plan->starves &&
         (strength == FLUE_RULE_should || finding->rule == CH_RST || finding->rule == CH_RST_LEFT))) {
        return; /* a remark; and who has no memory does what he can: frames are lost */
    }
    world_fail(world, "CH-%03u, %s (%s), connection %" PRId64 ", at %" PRId64 " ns: %s", finding->rule,
               flue_party_name(finding->party), finding->driver,
               finding->conn == FLUE_NO_CONN ? -1 : (int64_t)finding->conn, finding->at_ps / 1000, finding->seen);
}

static void emit(void *ctx, const struct flue_event *event)
{
    const struct flue_point_info *info = flue_point_info(event->point);

    (void)ctx;
    printf("  %12.3f us  %c %3d %-22s %s:", (double)event->at_ps / 1e6, event->node == NODE_A ? 'A' : 'B',
           (int)event->conn, info->id, info->args);
    for (unsigned i = 0; i < FLUE_TRACE_ARGS; i++) {
        printf(" %" PRId64, event->arg[i]);
    }
    printf("\n");
}

static unsigned first_source(const struct world *world, flue_ps *at_ps)
{
    unsigned source = 0;

    *at_ps = FLUE_PS_NEVER;
    for (unsigned i = 0; i < WORLD_LINKS + NODES; i++) {
        flue_ps next_ps = i < WORLD_LINKS ? link_next_ps(&world->link[i]) : world->env[i - WORLD_LINKS].alarm_ps;

        if (next_ps < *at_ps) {
            *at_ps = next_ps;
            source = i;
        }
    }
    return source;
}

static void serve(struct world *world, unsigned source)
{
    if (source == 0) {
        flue_node_receive_by(world->node[NODE_A], world->toward, link_pop(&world->link[0]));
    } else if (source < WORLD_LINKS) {
        world->toward = source - 1;
        world_to_b(world, link_pop(&world->link[source]));
    } else {
        world->env[source - WORLD_LINKS].alarm_ps = FLUE_PS_NEVER;
        flue_node_alarm(world->node[source - WORLD_LINKS]);
    }
}

void world_run(struct world *world, flue_ps until_ps)
{
    while (!world->failed) {
        flue_ps at_ps;
        unsigned source = first_source(world, &at_ps);

        if (at_ps > until_ps || at_ps == FLUE_PS_NEVER) {
            break;
        }
        if (at_ps > world->now_ps) {
            world->now_ps = at_ps;
        }
        if (world->events++ == EVENTS_MAX) {
            world_fail(world, "too many events by %" PRId64 " us", world->now_ps / FLUE_PS_PER_US);
        }
        serve(world, source);
    }
    if (world->now_ps < until_ps) {
        world->now_ps = until_ps;
    }
}

void world_settle(struct world *world)
{
    for (unsigned i = 0; i < NODES; i++) {
        flue_node_settle(world->node[i]);
    }
}

/* ---- Phases */

static bool over(const struct world *world)
{
    for (unsigned i = 0; i < PLAN_CONNECTIONS; i++) {
        const struct world_conn *conn = &world->conn[i];

        for (unsigned node = 0; node < NODES; node++) {
            if ((conn->end[node].opened || (conn->begun && node == conn->from)) && !conn->end[node].closed) {
                return false;
            }
        }
    }
    return true;
}

/* Nothing fails any more, and everybody reads. */
static void recover(struct world *world)
{
    const struct flue_node_params *a = &world->plan->node[NODE_A];

    world->env[NODE_A].starving = false;
    world_run(world, world->now_ps + 100 * FLUE_PS_PER_MS);
    for (unsigned i = 0; i < a->adapters; i++) {
        static const struct plan_op wake = {.kind = PLAN_WAKE};
        struct plan_op op = wake;

        op.number = i;
        if (world->asleep[i]) {
            world_do(world, &op);
            world_settle(world);
            world_run(world, world->now_ps + 10 * FLUE_PS_PER_MS);
        }
        flue_target_link(flue_node_target_at(world->node[NODE_A], i), 1);
        flue_target_resume(flue_node_target_at(world->node[NODE_A], i));
    }
    for (unsigned i = 0; i < PLAN_CONNECTIONS; i++) {
        for (unsigned node = 0; node < NODES; node++) {
            if (world->conn[i].end[node].socket != NULL && world->conn[i].end[node].opened) {
                world->conn[i].end[node].paused = false;
                flue_host_socket_resume(world->conn[i].end[node].socket);
            }
        }
    }
    world_settle(world);
}

static void close_all(struct world *world)
{
    for (unsigned i = 0; i < PLAN_CONNECTIONS; i++) {
        for (unsigned k = 0; k < NODES; k++) {
            const unsigned node = (k + (unsigned)(world->plan->seed + i)) % NODES;
            const struct world_end *end = &world->conn[i].end[node];

            if (end->socket != NULL && end->opened) {
                (void)!flue_host_socket_close(end->socket);
            }
        }
    }
    world_settle(world);
}

/* The peer of an end that was lost may know nothing of it, and waits: an abort ends that.  Who has no memory breaks
 * connections off as well, and loses what asks him again for the reset. */
static bool is_forgotten(const struct world *world, const struct world_conn *conn, unsigned node)
{
    return conn->excused || (world->plan->starves && conn->end[1 - node].closed);
}

static void abort_rest(struct world *world)
{
    for (unsigned i = 0; i < PLAN_CONNECTIONS; i++) {
        for (unsigned node = 0; node < NODES; node++) {
            const struct world_conn *conn = &world->conn[i];

            if (conn->end[node].socket != NULL && is_forgotten(world, conn, node)) {
                flue_host_socket_abort(conn->end[node].socket);
            }
        }
    }
    world_settle(world);
}

/* A next hop may be probed at any moment: what is under way then arrives, and its buffers come back, when nothing has
 * been due for longer than a frame takes from a stack to the far end's (delay, moderation, drivers that hold). */
static void come_to_rest(struct world *world)
{
    const flue_ps quiet_ps = 20 * FLUE_PS_PER_MS;
    flue_ps next_ps;

    for (unsigned i = 0; i < 100 && !world->failed; i++) {
        (void)first_source(world, &next_ps);
        if (next_ps > world->now_ps + quiet_ps) {
            break;
        }
        world_run(world, world->now_ps + quiet_ps);
    }
}

static void play(struct world *world, unsigned ops)
{
    const struct plan *plan = world->plan;

    for (unsigned i = 0; i < ops && !world->failed; i++) {
        world_run(world, plan->op[i].at_ps);
        if (!world->failed) {
            world_do(world, &plan->op[i]);
            world_settle(world);
        }
    }
    recover(world);
    world_run(world, world->now_ps + FLUE_PS_PER_S);
    close_all(world);
    for (unsigned i = 0; i < 100 && !world->failed && !over(world); i++) {
        world_run(world, world->now_ps + 4 * FLUE_PS_PER_S);
        close_all(world);
        if (i == 80) {
            abort_rest(world);
        }
    }
    if (!world->failed) {
        world_run(world, world->now_ps + FLUE_PS_PER_S);
        flue_host_release_offload(world_host(world, NODE_A), world->now_ps);
        world_settle(world);
        world_run(world, world->now_ps + 2 * FLUE_PS_PER_S);
        come_to_rest(world);
    }
}

/* ---- Life */

static void begin_wires(struct world *world)
{
    for (unsigned i = 0; i < WORLD_LINKS; i++) {
        struct flue_wire_facts facts = world->plan->facts;

        memcpy(facts.mac, i == 0 ? world_mac_b : world_mac_a, 6);
        world->wires[i] = (struct world_wire){.world = world, .link = i};
        world->wire[i] = (struct flue_wire){.ctx = &world->wires[i], .facts = facts, .send = world_wire_send};
        if (link_init(&world->link[i], &world->wire_env, &facts) != FLUE_OK) {
            world_fail(world, "no memory for a wire");
        }
    }
}

static void begin_node(struct world *world, unsigned i)
{
    struct flue_node_params params = world->plan->node[i];
    const struct flue_trace trace = {.ctx = world, .emit = emit, .node = (uint16_t)i};
    struct world_env *env = &world->env[i];

    params.driver = world->plan->driver;
    *env = (struct world_env){.world = world, .alarm_ps = FLUE_PS_NEVER};
    env->env = (struct flue_env){.ctx = env,
                                 .now = env_now,
                                 .set_alarm = env_set_alarm,
                                 .allocate = env_allocate,
                                 .release = env_release,
                                 .seed = world->plan->seed};
    rng_init(&env->rng, world->plan->seed, "sequence.memory");
    world->side[i] = (struct world_side){.world = world, .node = i};
    world->app[i] = (struct flue_app){.identify = identify,
                                      .connected = connected,
                                      .received = received,
                                      .acknowledged = acknowledged,
                                      .peer_closed = peer_closed,
                                      .closed = closed};
    params.second = &world->wire[2];
    params.check_sink = (struct flue_check_sink){.ctx = world, .finding = finding};
    if (flue_node_new(&env->env, &world->wire[i == NODE_B ? 0 : 1], world->verbose ? &trace : NULL, &params,
                      &world->node[i]) != FLUE_OK ||
        flue_host_listen(world_host(world, i), PLAN_PORT, &world->app[i], &world->side[i]) != FLUE_OK) {
        world_fail(world, "a node cannot be built");
    }
}

static void begin_addresses(struct world *world)
{
    for (unsigned i = 0; i < NODES; i++) {
        const unsigned last = i == NODE_B ? 2 : 0;

        for (unsigned k = world->plan->v6 ? 0 : 1; k <= last && !world->failed; k++) {
            struct flue_ip ip = world_ip(world, i);

            ip.word[3] += k << 8;
            if (flue_host_address(world_host(world, i), 0, &ip) != FLUE_OK) {
                world_fail(world, "an address is refused");
            }
        }
    }
}

static void end(struct world *world)
{
    for (unsigned i = 0; i < NODES; i++) {
        flue_node_free(world->node[i]);
        world->node[i] = NULL;
        if (world->env[i].bytes != 0) {
            world_fail(world, "%c: %" PRId64 " bytes of memory are not back", 'A' + (int)i, world->env[i].bytes);
        }
    }
    for (unsigned i = 0; i < WORLD_LINKS; i++) {
        link_dispose(&world->link[i]);
    }
}

bool world_play(struct world *world, const struct plan *plan, unsigned ops)
{
    world->plan = plan;
    world->now_ps = 0;
    world->toward = 0;
    world->mac = 0;
    memset(world->asleep, 0, sizeof world->asleep);
    world->power_busy = false;
    world->queries = 0;
    world->stuck = world->over = false;
    world->datagrams = 0;
    rng_init(&world->network, plan->seed, "sequence.network");
    world->events = 0;
    world->failed = false;
    world->wire_env = (struct flue_env){.allocate = plain_allocate, .release = plain_release};
    memset(world->conn, 0, sizeof world->conn);
    for (unsigned i = 0; i < PLAN_CONNECTIONS; i++) {
        world->conn[i].end[0].unasked_ps = world->conn[i].end[1].unasked_ps = FLUE_PS_NEVER;
    }
    begin_wires(world);
    for (unsigned i = 0; i < NODES && !world->failed; i++) {
        begin_node(world, i);
    }
    begin_addresses(world);
    if (!world->failed) {
        play(world, ops);
        world->over = true;
        world_audit(world);
    }
    end(world);
    return !world->failed;
}
