/* SPDX-License-Identifier: GPL-2.0-only */
/* explore/world.c - the explored world: its memory, its clock, its wires and its applications. */
#define _DEFAULT_SOURCE
#include "explore/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/timers.h"
#include "flue/ndis.h"

#define ARENA_BYTES  ((size_t)64 << 20)
#define A_IP         0x0a000001u
#define B_IP         0x0a000002u
#define PORT         80
#define FIRST_PORT   1000u
#define QUEUE_BYTES  120u /* what an application may leave unread */
#define POST_BYTES   120u
#define SETTLE_PS    (20 * FLUE_PS_PER_US)
#define SETTLE_STEPS 100000u /* then something turns in a circle */
#define FIRST_BYTES  150u    /* wait for A in the beginning: two segments */

/* ---- Memory ---- */

#if defined(__SANITIZE_ADDRESS__)
#define WORLD_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WORLD_ASAN 1
#endif
#endif

#ifdef WORLD_ASAN
#include <sanitizer/asan_interface.h>
/* Pools close what is in them to the sanitizer; a copy goes past that, and takes the sanitizer's notes along. */
#define WORLD_SHADOW(address) (((uintptr_t)(address) >> 3) + (uintptr_t)0x7fff8000)
#define WORLD_SHADOW_PARTS    8
__attribute__((no_sanitize("address"), noinline)) static void copy_words(volatile uint64_t *to,
                                                                         const volatile uint64_t *from, size_t bytes)
{
    for (size_t i = 0; i < bytes / sizeof *to; i++) {
        to[i] = from[i];
    }
}

__attribute__((no_sanitize("address"), noinline)) static void clear_words(volatile uint64_t *to, size_t bytes)
{
    for (size_t i = 0; i < bytes / sizeof *to; i++) {
        to[i] = 0;
    }
}
#endif

/* What lay behind the used part was in use before a return to an earlier state. */
static void open_region(void *memory, size_t bytes)
{
#ifdef WORLD_ASAN
    __asan_unpoison_memory_region(memory, bytes);
#else
    (void)memory;
    (void)bytes;
#endif
}

size_t world_bytes(const struct world *world)
{
#ifdef WORLD_ASAN
    return world->used_bytes + world->used_bytes / WORLD_SHADOW_PARTS;
#else
    return world->used_bytes;
#endif
}

void world_save(void *to, const struct world *world)
{
#ifdef WORLD_ASAN
    const size_t bytes = world->used_bytes;

    copy_words(to, (const volatile uint64_t *)(const void *)world, bytes);
    copy_words((volatile uint64_t *)(void *)((unsigned char *)to + bytes),
               (const volatile uint64_t *)WORLD_SHADOW(world), bytes / WORLD_SHADOW_PARTS);
#else
    memcpy(to, world, world->used_bytes);
#endif
}

void world_return(struct world *world, const void *from)
{
    const size_t bytes = ((const struct world *)from)->used_bytes;

#ifdef WORLD_ASAN
    if (world->used_bytes > bytes) { /* what was taken since then is open to all again */
        clear_words((volatile uint64_t *)WORLD_SHADOW((unsigned char *)world + bytes),
                    (world->used_bytes - bytes) / WORLD_SHADOW_PARTS);
    }
    copy_words((volatile uint64_t *)WORLD_SHADOW(world),
               (const volatile uint64_t *)(const void *)((const unsigned char *)from + bytes),
               bytes / WORLD_SHADOW_PARTS);
    copy_words((volatile uint64_t *)(void *)world, from, bytes);
#else
    memcpy(world, from, bytes);
#endif
}

static unsigned size_class(size_t bytes)
{
    unsigned size = 6;

    while (((size_t)1 << size) < bytes) {
        size++;
    }
    return size;
}

static void *allocate(void *ctx, size_t bytes)
{
    struct world *world = ((struct world_port *)ctx)->world;
    const unsigned size = size_class(bytes);
    void *memory;

    if (size >= WORLD_SIZES) {
        return NULL;
    }
    if (world->free[size] != NULL) {
        memory = world->free[size];
        world->free[size] = world->free[size]->next;
    } else {
        /* Power-of-two room only for what is small: large pieces are seldom given back. */
        const size_t room = bytes < 4096 ? (size_t)1 << size : (bytes + 63) & ~(size_t)63;

        if (room > world->room_bytes - world->used_bytes) {
            return NULL;
        }
        memory = (unsigned char *)world + world->used_bytes;
        open_region(memory, room);
        world->used_bytes += room;
    }
    memset(memory, 0, bytes);
    return memory;
}

/* A large piece is of use again only for what is as large, which it is of. */
static void release(void *ctx, void *memory, size_t bytes)
{
    struct world *world = ((struct world_port *)ctx)->world;
    struct world_free *first = memory;
    const unsigned size = size_class(bytes);

    if (memory == NULL || (bytes >= 4096 && ((size_t)1 << size) != bytes)) {
        return;
    }
    first->next = world->free[size];
    world->free[size] = first;
}

/* ---- Clock and wires ---- */

static flue_ps now(void *ctx)
{
    return ((const struct world_port *)ctx)->world->now_ps;
}

static void set_alarm(void *ctx, flue_ps at_ps)
{
    const struct world_port *port = ctx;

    port->world->alarm_ps[port->node] = at_ps;
}

static enum flue_wire_result push(struct world_queue *queue, const struct flue_frame *frame)
{
    if (queue->count == WORLD_QUEUE_FRAMES) {
        return FLUE_WIRE_FULL;
    }
    queue->frames[(queue->head + queue->count++) % WORLD_QUEUE_FRAMES] = *frame;
    return FLUE_WIRE_SENT;
}

static bool pop(struct world_queue *queue, struct flue_frame *frame)
{
    if (queue->count == 0) {
        return false;
    }
    *frame = queue->frames[queue->head];
    queue->head = (queue->head + 1) % WORLD_QUEUE_FRAMES;
    queue->count--;
    return true;
}

static enum flue_wire_result send_frame(void *ctx, const struct flue_frame *frame)
{
    const struct world_port *port = ctx;
    struct world *world = port->world;

    return push(port->node == WORLD_A ? &world->out : &world->in[(frame->src_port - FIRST_PORT) % EXPLORE_CONNECTIONS],
                frame);
}

bool world_let_in(struct world *world, unsigned connection)
{
    struct flue_frame frame;

    if (!pop(&world->in[connection], &frame)) {
        return false;
    }
    flue_node_receive(world->node[WORLD_A], &frame);
    return true;
}

bool world_lose(struct world *world, unsigned connection)
{
    struct flue_frame frame;

    return pop(&world->in[connection], &frame);
}

static bool move_frame(struct world *world)
{
    struct flue_frame frame;

    if (pop(&world->out, &frame)) {
        flue_node_receive(world->node[WORLD_B], &frame);
        return true;
    }
    for (unsigned i = 0; world->flowing && i < world->connections; i++) {
        if (world_let_in(world, i)) {
            return true;
        }
    }
    return false;
}

static bool fire_alarm(struct world *world, flue_ps until_ps)
{
    const unsigned node = world->alarm_ps[WORLD_B] < world->alarm_ps[WORLD_A] ? WORLD_B : WORLD_A;
    const flue_ps at_ps = world->alarm_ps[node];

    if (at_ps > until_ps || at_ps == FLUE_PS_NEVER) {
        return false;
    }
    if (at_ps > world->now_ps) {
        world->now_ps = at_ps;
    }
    world->alarm_ps[node] = FLUE_PS_NEVER;
    flue_node_alarm(world->node[node]);
    return true;
}

void world_go(struct world *world, flue_ps until_ps)
{
    unsigned steps = 0;

    while (move_frame(world) || fire_alarm(world, until_ps)) {
        if (++steps == SETTLE_STEPS) {
            world_tell(world, EXPLORE_DEADLOCK, "the world turns in a circle");
            return;
        }
    }
    if (until_ps > world->now_ps && until_ps != FLUE_PS_NEVER) {
        world->now_ps = until_ps;
    }
}

/* Never as far as a TCP timer; and the clock stays where the last thing happened. */
void world_settle(struct world *world)
{
    const flue_ps start_ps = world->now_ps;
    unsigned steps = 0;

    while (move_frame(world) || fire_alarm(world, start_ps + SETTLE_PS)) {
        if (++steps == SETTLE_STEPS) {
            world_tell(world, EXPLORE_DEADLOCK, "the world turns in a circle");
            return;
        }
    }
}

/* The heap's own answer may be early: entries of timers that were moved are put right when their time comes. */
flue_ps world_deadline(const struct world *world, unsigned node)
{
    const struct timers *timers = flue_node_timers(world->node[node]);
    flue_ps next_ps = FLUE_PS_NEVER;

    for (uint32_t i = 0; i < timers->count; i++) {
        const flue_ps due_ps = timers->entries[i].timer->due_ps;

        next_ps = due_ps < next_ps ? due_ps : next_ps;
    }
    return next_ps;
}

/* ---- Power, and the other way ---- */

static void powered(void *ctx, NDIS_STATUS status)
{
    struct world *world = ctx;

    (void)status;
    world->powering = 0;
}

void world_power(struct world *world, bool sleep)
{
    world->powering = 1;
    world->asleep = sleep;
    flue_ndis_set_power(flue_node_ndis(world->node[WORLD_A]),
                        flue_target_adapter(flue_node_target(world->node[WORLD_A])),
                        sleep ? NetDeviceStateD3 : NetDeviceStateD0, powered, world);
}

struct flue_ip world_other_hop(void)
{
    return flue_ip_v4(B_IP + 256);
}

/* ---- Findings ---- */

void world_tell(struct world *world, enum explore_verdict verdict, const char *format, ...)
{
    va_list args;

    if (verdict <= world->verdict) {
        return;
    }
    world->verdict = (uint8_t)verdict;
    va_start(args, format);
    (void)vsnprintf(world->sentence, sizeof world->sentence, format, args);
    va_end(args);
}

static void on_finding(void *ctx, const struct flue_finding *finding)
{
    const struct world_port *port = ctx;
    const struct flue_rule *rule = flue_rule(finding->rule);
    char id[8];

    if (finding->rule == port->world->without || rule == NULL || rule->strength == FLUE_RULE_warn) {
        return;
    }
    flue_rule_id(finding->rule, id);
    world_tell(port->world, EXPLORE_FINDING, "%s, %s%s: %s", id, port->node == WORLD_B ? "peer's " : "",
               flue_party_name(finding->party), finding->seen);
}

/* ---- Applications ---- */

static struct world_app *app_of(void *ctx, const struct flue_host_socket *socket)
{
    const struct world_port *port = ctx;

    return &port->world->conns[flue_host_socket_id(socket) % EXPLORE_CONNECTIONS].app[port->node];
}

static uint32_t identify(void *ctx, const struct flue_tcp_tuple *tuple)
{
    (void)ctx;
    return tuple->remote_port - FIRST_PORT;
}

static void connected(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    struct world_app *app = app_of(ctx, socket);

    (void)at_ps;
    app->socket = socket;
    app->opened = 1;
}

static void received(void *ctx, struct flue_host_socket *socket, const struct flue_span *span, flue_ps at_ps)
{
    const struct world_port *port = ctx;
    struct world_app *app = app_of(ctx, socket);
    const uint32_t id = flue_host_socket_id(socket);

    (void)at_ps;
    if (span->stream != 2 * id + (port->node == WORLD_B) || span->offset_bytes != app->received_bytes) {
        world_tell(port->world, EXPLORE_BYTES, "%s got byte %llu of stream %u in place of byte %llu of its own",
                   port->node == WORLD_A ? "the host's application" : "the peer",
                   (unsigned long long)span->offset_bytes, span->stream, (unsigned long long)app->received_bytes);
    }
    app->received_bytes += span->length_bytes;
}

static void acknowledged(void *ctx, struct flue_host_socket *socket, uint32_t bytes, flue_ps at_ps)
{
    (void)at_ps;
    app_of(ctx, socket)->acked_bytes += bytes;
}

static void peer_closed(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    (void)at_ps;
    app_of(ctx, socket)->peer_closed++;
}

static void closed(void *ctx, struct flue_host_socket *socket, enum flue_tcp_reason reason, flue_ps at_ps)
{
    struct world_app *app = app_of(ctx, socket);

    (void)at_ps;
    app->socket = NULL;
    app->closed = 1;
    app->reason = (uint8_t)reason;
}

/* ---- Building ---- */

static void set_tcp(struct flue_tcp_params *tcp)
{
    flue_tcp_defaults(tcp);
    tcp->mss_bytes = 100;
    tcp->rcv_buffer_bytes = 4000;
    tcp->timestamps = 0; /* their clock would tell orders apart that are alike */
    tcp->time_wait_ps = FLUE_PS_PER_S;
    tcp->keep_alive =
        1; /* or a peer that has gone without a word is waited for in FIN-WAIT-2 for ever (RFC 9293 3.6) */
    tcp->keep_idle_ps = 300 * FLUE_PS_PER_S;
    tcp->keep_interval_ps = 10 * FLUE_PS_PER_S;
}

static void set_params(const struct world *world, unsigned node, struct flue_node_params *params)
{
    const uint32_t most = node == WORLD_A ? 8 : 0;

    *params = (struct flue_node_params){.number = (uint16_t)node};
    set_tcp(&params->host.tcp);
    params->host.tcp.ack_every = node == WORLD_A ? 2 : 1;
    flue_profile_free_of_cost(&params->host.profile);
    params->host.ip = node == WORLD_A ? A_IP : B_IP;
    params->host.policy = flue_policy_find("never");
    params->host.send_quantum = 4;
    params->host.backlog_frames = 64;
    params->host.tree_connections = 8;
    params->host.connections = EXPLORE_CONNECTIONS;
    params->host.receive_queue_bytes = QUEUE_BYTES;
    if (world->posts && node == WORLD_A) {
        params->host.receive_post_bytes = POST_BYTES;
        params->host.receive_posts = 1;
    }
    params->host.ddi = flue_ddi_defaults();
    params->host.ddi.without = world->without;
    params->host.ddi.upload_sends_complete = world->sends_complete;
    params->target.neighbour_max = params->target.path_max = params->target.tcp_max = most;
    params->target.rcv_wnd_max_bytes = 1u << 30;
    params->target.mtu_max_bytes = 9000;
    params->target.send_quantum = 4;
    params->target.backlog_frames = 64;
    params->target.ring_frames = 64;
    params->target.tcp = params->host.tcp;
    params->target.profile = params->host.profile;
    params->target.ddi = params->host.ddi;
    params->check = world->without == 0 ? FLUE_CHECK_STOP : FLUE_CHECK_COUNT;
}

static flue_err build(struct world *world, const struct flue_trace *trace)
{
    flue_err err = FLUE_OK;

    for (unsigned node = 0; node < WORLD_NODES && err == FLUE_OK; node++) {
        struct world_port *port = &world->port[node];
        struct flue_node_params params;

        set_params(world, node, &params);
        params.check_sink = (struct flue_check_sink){.ctx = port, .finding = on_finding};
        *port = (struct world_port){.world = world, .node = node};
        world->alarm_ps[node] = FLUE_PS_NEVER;
        world->env[node] = (struct flue_env){
            .ctx = port, .now = now, .set_alarm = set_alarm, .allocate = allocate, .release = release, .seed = 1};
        world->wire[node] = (struct flue_wire){
            .ctx = port,
            .facts = {.rate_bps = (uint64_t)FLUE_PS_PER_S, .mtu_bytes = 1500, .queue_frames = WORLD_QUEUE_FRAMES},
            .send = send_frame};
        world->app[node] = (struct flue_app){.identify = identify,
                                             .connected = connected,
                                             .received = received,
                                             .acknowledged = acknowledged,
                                             .peer_closed = peer_closed,
                                             .closed = closed};
        err = flue_node_new(&world->env[node], &world->wire[node], trace, &params, &world->node[node]);
    }
    return err;
}

/* The handshakes, then a segment of B on its way. */
static flue_err open_all(struct world *world)
{
    struct flue_host *host = flue_node_host(world->node[WORLD_B]);
    flue_err err =
        flue_host_listen(flue_node_host(world->node[WORLD_A]), PORT, &world->app[WORLD_A], &world->port[WORLD_A]);

    if ((world->with & EXPLORE_WITH_RELINK) != 0 && err == FLUE_OK) {
        const struct flue_ip other = world_other_hop();

        err = flue_host_address(host, 0, &other);
    }
    world->flowing = 1;
    for (unsigned i = 0; i < world->connections && err == FLUE_OK; i++) {
        const struct flue_tcp_tuple tuple = {.local_ip = flue_ip_v4(B_IP),
                                             .remote_ip = flue_ip_v4(A_IP),
                                             .local_port = (uint16_t)(FIRST_PORT + i),
                                             .remote_port = PORT};
        struct world_app *app = &world->conns[i].app[WORLD_B];

        err = flue_host_connect(host, &tuple, i, &world->app[WORLD_B], &world->port[WORLD_B], world->now_ps,
                                &app->socket);
        flue_node_settle(world->node[WORLD_B]);
        world_settle(world);
    }
    world->flowing = 0;
    for (unsigned i = 0; i < world->connections && err == FLUE_OK; i++) {
        struct world_conn *conn = &world->conns[i];

        if (!conn->app[WORLD_A].opened || !conn->app[WORLD_B].opened) {
            return FLUE_ESTATE;
        }
        conn->app[WORLD_B].sent_bytes = FIRST_BYTES;
        err = flue_host_socket_send(conn->app[WORLD_B].socket, FIRST_BYTES);
        flue_node_settle(world->node[WORLD_B]);
        world_settle(world);
    }
    flue_target_hold(flue_node_target(world->node[WORLD_A]), 1);
    return err;
}

struct world *world_new(const struct explore_params *params, const struct flue_trace *trace)
{
    const unsigned needs = explore_rule_needs(params->without);
    struct world *world = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    flue_err err;

    if (world == MAP_FAILED) {
        return NULL;
    }
    *world = (struct world){.room_bytes = ARENA_BYTES,
                            .used_bytes = (sizeof *world + 63) & ~(size_t)63,
                            .connections = params->connections,
                            .without = params->without,
                            .with = (params->with | needs) & EXPLORE_WITH_ALL,
                            .posts = params->posts || (needs & EXPLORE_NEEDS_POSTS) != 0,
                            .sends_complete = params->sends_complete || (needs & EXPLORE_NEEDS_SENDS_COMPLETE) != 0};
    err = build(world, trace);
    if (err == FLUE_OK) {
        err = open_all(world);
    }
    if (err != FLUE_OK) {
        world_free(world);
        return NULL;
    }
    return world;
}

void world_free(struct world *world)
{
    if (world != NULL) {
        (void)munmap(world, ARENA_BYTES);
    }
}
