/* SPDX-License-Identifier: GPL-2.0-only */
/* Everything at once: two whole nodes over a link that loses frames, a server that hands connections over, takes them
 * back, changes, asks, relinks, invalidates, stops reading and moves its receive queues (CH-288) in random order, while
 * the target pauses, resumes and wants all back.  Every byte arrives once and in order, no rule is broken, and nothing
 * is left behind. */
#include <string.h>

#include "base/rng.h"
#include "base/timers.h"
#include "flue/ndischimney.h"
#include "flue/net.h"
#include "flue/node.h"
#include "unit/host/ends.h"
#include "support/test.h"

#define CONNECTIONS 6u
#define SERVER_IP   0x0a000001u
#define CLIENT_IP   0x0a000002u
#define STEP_PS     (50 * FLUE_PS_PER_US)
#define STEPS       400u
#define OPEN_PS     (20 * FLUE_PS_PER_S) /* until every handshake is done, whatever was lost */
#define END_PS      (400 * FLUE_PS_PER_S)

enum { SERVER, CLIENT };

struct flow {
    struct flue_host_socket *socket[2];
    uint64_t sent[2], received[2];
    bool closed[2], fin[2];
};

struct world {
    struct flue_net net;
    struct flue_node *node[2];
    struct flow flows[CONNECTIONS];
    struct rng rng;
    struct timer timer;
    unsigned steps, hop, told, done, findings, queues;
    bool recalled;
};

static struct world w;

static struct flow *flow_of(const struct flue_host_socket *socket)
{
    return &w.flows[flue_host_socket_id(socket)];
}

static int end_of(const void *ctx)
{
    return ctx == &w.flows[0] ? SERVER : CLIENT; /* two contexts, one for each end */
}

static void on_connected(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    (void)at_ps;
    flow_of(socket)->socket[end_of(ctx)] = socket;
}

static void on_received(void *ctx, struct flue_host_socket *socket, const struct flue_span *span, flue_ps at_ps)
{
    struct flow *flow = flow_of(socket);
    const int end = end_of(ctx);

    (void)at_ps;
    assert_int_equal(span->stream, 2 * flue_host_socket_id(socket) + (end == SERVER ? 0 : 1));
    assert_int_equal(span->offset_bytes, flow->received[end]);
    flow->received[end] += span->length_bytes;
}

static void on_peer_closed(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    (void)at_ps;
    flow_of(socket)->fin[end_of(ctx)] = true;
}

static void on_closed(void *ctx, struct flue_host_socket *socket, enum flue_tcp_reason reason, flue_ps at_ps)
{
    struct flow *flow = flow_of(socket);
    const int end = end_of(ctx);

    (void)at_ps, (void)reason;
    flow->socket[end] = NULL;
    flow->closed[end] = true;
}

static uint32_t identify(void *ctx, const struct flue_tcp_tuple *tuple)
{
    (void)ctx;
    return tuple->remote_port - 1000u;
}

static const struct flue_app app = {.identify = identify,
                                    .connected = on_connected,
                                    .received = on_received,
                                    .peer_closed = on_peer_closed,
                                    .closed = on_closed};

/* ---- What happens */

/* Not everything is possible at every moment. */
static void count(flue_err err)
{
    assert_true(err == FLUE_OK || err == FLUE_ESTATE || err == FLUE_EEXIST);
    w.done += err == FLUE_OK;
}

static void told(void *ctx, struct flue_host_socket *socket, const TCP_OFFLOAD_STATE_DELEGATED *delegated,
                 flue_ps at_ps)
{
    (void)ctx, (void)socket, (void)at_ps;
    assert_non_null(delegated);
    w.told++;
}

static void change(struct flue_host_socket *socket, flue_ps now_ps)
{
    struct flue_tcp_settings settings;

    if (flue_host_socket_settings(socket, &settings) == FLUE_OK) {
        settings.ttl = (uint8_t)(32 + rng_below(&w.rng, 64));
        settings.keep_alive = (uint8_t)rng_below(&w.rng, 2);
        settings.nagle = (uint8_t)rng_below(&w.rng, 2);
        settings.rcv_buffer_bytes = (uint32_t)(20000 + rng_below(&w.rng, 60000));
        count(flue_host_socket_change(socket, &settings, now_ps));
    }
}

static void relink(struct flue_host *host, flue_ps now_ps)
{
    const struct flue_ip none = {{0, 0, 0, 0}};
    const struct flue_ip from = flue_ip_v4(0x0a000100 + w.hop), to = flue_ip_v4(0x0a000101 + w.hop);

    if (flue_host_relink(host, w.hop == 0 ? &none : &from, &to, now_ps) == FLUE_OK) {
        w.hop++;
    }
}

/* Pause, upload all, switch off; each is ended by the next resumption. */
static void steer(flue_ps now_ps)
{
    switch (rng_below(&w.rng, 3)) {
    case 0:
        flue_target_pause(flue_node_target(w.node[SERVER]));
        break;
    case 1:
        flue_target_upload_all(flue_node_target(w.node[SERVER]));
        w.recalled = true;
        break;
    default:
        count(flue_host_chimney(flue_node_host(w.node[SERVER]), 0, 4, 0, now_ps));
        break;
    }
}

/* A target that wants everything back waits until it has nothing left. */
static void resume(void)
{
    struct flue_target_totals totals;

    flue_target_totals(flue_node_target(w.node[SERVER]), &totals);
    if (!w.recalled || totals.connections == 0) {
        flue_target_resume(flue_node_target(w.node[SERVER]));
        w.recalled = false;
    }
}

static void act(flue_ps now_ps)
{
    struct flue_host *host = flue_node_host(w.node[SERVER]);
    struct flow *flow = &w.flows[rng_below(&w.rng, CONNECTIONS)];
    struct flue_host_socket *socket = flow->socket[SERVER];
    const struct flue_ip hop = flue_ip_v4(0x0a000100 + w.hop);

    if (socket == NULL) {
        return;
    }
    switch (rng_below(&w.rng, 22)) {
    case 0:
    case 1:
    case 2:
    case 3:
        count(flue_host_socket_offload(socket, now_ps));
        break;
    case 4:
        count(flue_host_socket_upload(socket, now_ps));
        break;
    case 5:
    case 6:
        change(socket, now_ps);
        break;
    case 7:
    case 8:
        count(flue_host_socket_query(socket, told, NULL, now_ps));
        break;
    case 9:
        relink(host, now_ps);
        break;
    case 10:
        if (rng_below(&w.rng, 4) == 0) {
            count(flue_host_invalidate_neighbour(host, w.hop == 0 ? NULL : &hop, now_ps));
        }
        break;
    case 11:
        flue_host_socket_pause_reading(socket);
        break;
    case 12:
        flue_host_socket_resume(socket);
        break;
    case 13:
        flue_host_release_offload(host, now_ps);
        break;
    case 14:
        steer(now_ps);
        break;
    case 15:
        resume();
        count(flue_host_chimney(host, 0, 4, 1, now_ps));
        break;
    case 16:
        flue_host_neighbour(host, (const uint8_t[6]){2, 0, 0, 0, 0, (uint8_t)w.steps}, 1400 + w.steps % 100);
        break;
    default:
        count(flue_host_socket_offload(socket, now_ps));
        break;
    }
}

static void talk(int end)
{
    const unsigned i = (unsigned)rng_below(&w.rng, CONNECTIONS);
    struct flow *flow = &w.flows[i];
    const uint32_t bytes = (uint32_t)(1 + rng_below(&w.rng, 9000));

    if (flow->socket[end] != NULL && flue_host_socket_send(flow->socket[end], bytes) == FLUE_OK) {
        flow->sent[end] += bytes;
    }
}

static void finish(void)
{
    flue_target_resume(flue_node_target(w.node[SERVER])); /* a paused one lets initiates wait */
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        if (w.flows[i].socket[SERVER] != NULL) {
            flue_host_socket_resume(w.flows[i].socket[SERVER]);
        }
        for (int end = 0; end < 2; end++) {
            if (w.flows[i].socket[end] != NULL) {
                count(flue_host_socket_close(w.flows[i].socket[end]));
            }
        }
    }
}

static void step(struct timer *timer, flue_ps now_ps)
{
    if (w.steps++ < STEPS) {
        act(now_ps);
        talk(SERVER);
        if (w.queues > 1 && w.steps % 5 == 0) {
            assert_int_equal(flue_host_receive_remap(flue_node_host(w.node[SERVER]), w.steps, now_ps), FLUE_OK);
        }
        timers_arm(flue_node_timers(w.node[SERVER]), timer, now_ps + (w.steps < STEPS ? STEP_PS : OPEN_PS));
    } else if (w.steps == STEPS + 1) {
        finish();
        timers_arm(flue_node_timers(w.node[SERVER]), timer, now_ps + 200 * FLUE_PS_PER_S);
    } else {
        flue_host_release_offload(flue_node_host(w.node[SERVER]), now_ps);
    }
}

static void client_step(void *ctx, flue_ps at_ps)
{
    (void)ctx, (void)at_ps;
    talk(CLIENT);
}

/* ---- The world */

static void found(void *ctx, const struct flue_finding *finding)
{
    (void)ctx;
    w.findings += ends_found(finding);
}

static void build(int end, unsigned queues, unsigned posts)
{
    struct flue_node_params params = {
        .number = (uint16_t)end, .check = FLUE_CHECK_COUNT, .check_sink = {.finding = found}};
    struct flue_net_client client = {.receive = ends_receive, .alarm = ends_alarm};

    params.impair.loss_ppm = 3000;
    params.impair.reorder_ppm = 2000;
    params.impair.reorder_ps = 100 * FLUE_PS_PER_US;
    flue_tcp_defaults(&params.host.tcp);
    params.host.tcp.time_wait_ps = FLUE_PS_PER_S;
    params.host.tcp.rcv_buffer_bytes = 65536;
    params.host.ip = end == SERVER ? SERVER_IP : CLIENT_IP;
    ends_profile(&params.host.profile);
    params.host.profile.moderation_ps = queues > 1 ? (uint64_t)(30 * FLUE_PS_PER_US) : 0;
    params.host.receive_queues = queues;
    params.host.policy = flue_policy_find("never");
    params.host.send_quantum = 4;
    params.host.backlog_frames = 64;
    params.host.tree_connections = 4;
    params.host.connections = CONNECTIONS;
    params.host.receive_post_bytes = posts * 3000;
    params.host.receive_posts = 3;
    params.host.close_with_data = posts;
    params.host.follow_send_backlog = posts;
    params.target = (struct flue_target_params){.neighbour_max = end == SERVER ? 64 : 0,
                                                .path_max = 64,
                                                .tcp_max = 4, /* some are refused */
                                                .rcv_wnd_max_bytes = 1u << 30,
                                                .mtu_max_bytes = 9000,
                                                .send_quantum = 4,
                                                .backlog_frames = 64,
                                                .ring_frames = 1024,
                                                .receive_queues = queues,
                                                .tcp = params.host.tcp,
                                                .profile = params.host.profile};
    assert_int_equal(flue_node_new(w.net.env(w.net.ctx, (unsigned)end), w.net.wire(w.net.ctx, (unsigned)end), NULL,
                                   &params, &w.node[end]),
                     FLUE_OK);
    client.ctx = w.node[end];
    w.net.attach(w.net.ctx, (unsigned)end, &client);
}

static void connect_all(struct flue_host *client)
{
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        const struct flue_tcp_tuple tuple = {.local_ip = flue_ip_v4(CLIENT_IP),
                                             .remote_ip = flue_ip_v4(SERVER_IP),
                                             .local_port = (uint16_t)(1000 + i),
                                             .remote_port = 80};

        assert_int_equal(flue_host_connect(client, &tuple, i, &app, &w.flows[1], 0, &w.flows[i].socket[CLIENT]),
                         FLUE_OK);
    }
}

static void run(uint64_t seed, unsigned posts, unsigned queues)
{
    const struct flue_net_params params = {.facts = {.rate_bps = 1000000000,
                                                     .delay_ps = 20 * FLUE_PS_PER_US,
                                                     .framing_bytes = 18,
                                                     .mtu_bytes = 1500,
                                                     .queue_frames = 200},
                                           .seed = seed};
    struct flue_host_totals totals;

    memset(&w, 0, sizeof w);
    rng_init(&w.rng, seed, "stress");
    assert_int_equal(flue_net_link(&params, &w.net), FLUE_OK);
    w.queues = queues;
    build(SERVER, queues, posts);
    build(CLIENT, 1, 0);
    assert_int_equal(flue_host_listen(flue_node_host(w.node[SERVER]), 80, &app, &w.flows[0]), FLUE_OK);
    connect_all(flue_node_host(w.node[CLIENT]));
    assert_int_equal(timers_reserve(flue_node_timers(w.node[SERVER]), 1), FLUE_OK);
    timer_setup(&w.timer, step);
    timers_arm(flue_node_timers(w.node[SERVER]), &w.timer, FLUE_PS_PER_MS);
    flue_node_settle(w.node[SERVER]);
    flue_node_settle(w.node[CLIENT]);
    for (unsigned i = 0; i < STEPS; i++) {
        w.net.run(w.net.ctx, FLUE_PS_PER_MS + (flue_ps)i * STEP_PS + STEP_PS / 2);
        flue_host_run(flue_node_host(w.node[CLIENT]), w.net.now(w.net.ctx), client_step, NULL);
        flue_node_settle(w.node[CLIENT]);
    }
    w.net.run(w.net.ctx, END_PS);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        const struct flow *flow = &w.flows[i];

        assert_int_equal(flow->received[SERVER], flow->sent[CLIENT]);
        assert_int_equal(flow->received[CLIENT], flow->sent[SERVER]);
        assert_true(flow->fin[SERVER] && flow->fin[CLIENT] && flow->closed[SERVER] && flow->closed[CLIENT]);
    }
    flue_host_totals(flue_node_host(w.node[SERVER]), &totals);
    assert_true(totals.uploaded > 0 && w.done > 0); /* it was a storm */
    assert_int_equal(totals.offloaded, totals.uploaded);
    for (int end = 0; end < 2; end++) {
        assert_int_equal(flue_host_objects_live(flue_node_host(w.node[end])), 0);
        assert_int_equal(flue_target_objects_live(flue_node_target(w.node[end])), 0);
    }
    flue_node_check_end(w.node[SERVER]);
    flue_node_check_end(w.node[CLIENT]);
    assert_int_equal(w.findings, 0);
    timers_remove(flue_node_timers(w.node[SERVER]), &w.timer);
    flue_node_free(w.node[SERVER]);
    flue_node_free(w.node[CLIENT]);
    w.net.free(w.net.ctx);
}

static void stress(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        run(seed, seed & 1, seed % 3 == 0 ? 4 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stress)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
