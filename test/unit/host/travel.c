/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets that leave a host as an image and come back to one: at any moment of a connection's life, that is in every
 * TCP state; what an image is refused for; memory that runs out.  Every byte arrives once, in order, and nothing is
 * left. */
#include <string.h>

#include "base/timers.h"
#include "flue/net.h"
#include "flue/node.h"
#include "host/host.h"
#include "unit/host/ends.h"
#include "support/test.h"

#define SERVER_IP  0x0a000001u
#define CLIENT_IP  0x0a010000u
#define BYTES      30000u
#define ROOM       8192u
#define ABSENCE_PS (300 * FLUE_PS_PER_US)

enum { SERVER, CLIENT, ENDS };
enum who_closes { SERVER_FIRST, CLIENT_FIRST, BOTH };

static struct world {
    struct flue_net net;
    struct flue_node *node[ENDS];
    struct flue_env env[ENDS]; /* that of the network, with allocations that fail */
    const struct flue_env *under[ENDS];
    uint64_t asked[ENDS], fails[ENDS]; /* allocations so far; the one that fails, 0: none */
    struct flue_host_socket *socket[ENDS];
    uint64_t received[ENDS];
    bool closed[ENDS], broken;
    unsigned ctx[ENDS];
    enum who_closes closes;
    uint8_t image[ROOM];
    size_t bytes;
    unsigned strays;
    uint64_t findings;
} w;

static uint32_t visited; /* bit n: exported in TCP state n */

/* ---- Applications */

static int end_of(const void *ctx)
{
    return ctx == &w.ctx[SERVER] ? SERVER : CLIENT;
}

static void connected(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    const int end = end_of(ctx);

    (void)at_ps;
    w.socket[end] = socket;
    assert_int_equal(flue_host_socket_send(socket, BYTES), FLUE_OK);
    if (w.closes == BOTH || (int)w.closes == end) {
        assert_int_equal(flue_host_socket_close(socket), FLUE_OK);
    }
}

static void received(void *ctx, struct flue_host_socket *socket, const struct flue_span *span, flue_ps at_ps)
{
    (void)socket;
    (void)at_ps;
    assert_int_equal(span->offset_bytes, w.received[end_of(ctx)]);
    w.received[end_of(ctx)] += span->length_bytes;
}

static void peer_closed(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    (void)at_ps;
    if (w.closes == CLIENT_FIRST && end_of(ctx) == SERVER) { /* after SERVER_FIRST, the client takes its time */
        assert_int_equal(flue_host_socket_close(socket), FLUE_OK);
    }
}

static void closed(void *ctx, struct flue_host_socket *socket, enum flue_tcp_reason reason, flue_ps at_ps)
{
    (void)socket;
    (void)at_ps;
    w.socket[end_of(ctx)] = NULL;
    w.closed[end_of(ctx)] = true;
    w.broken = w.broken || (reason != FLUE_TCP_BY_SEGMENT && reason != FLUE_TCP_BY_2MSL);
}

static const struct flue_app app = {
    .connected = connected, .received = received, .peer_closed = peer_closed, .closed = closed};

/* While the connection is away, what comes for it is lost. */
static int stray(void *ctx, const struct flue_frame *frame, flue_ps at_ps)
{
    (void)ctx;
    (void)frame;
    (void)at_ps;
    w.strays++;
    return w.bytes > 0;
}

/* ---- The world */

static void *allocate(void *ctx, size_t bytes)
{
    const int end = ctx == &w.env[SERVER] ? SERVER : CLIENT;

    return ++w.asked[end] == w.fails[end] ? NULL : w.under[end]->allocate(w.under[end]->ctx, bytes);
}

static void release(void *ctx, void *memory, size_t bytes)
{
    const int end = ctx == &w.env[SERVER] ? SERVER : CLIENT;

    w.under[end]->release(w.under[end]->ctx, memory, bytes);
}

static flue_ps now(void *ctx)
{
    (void)ctx;
    return w.net.now(w.net.ctx);
}

static void set_alarm(void *ctx, flue_ps at_ps)
{
    const int end = ctx == &w.env[SERVER] ? SERVER : CLIENT;

    w.under[end]->set_alarm(w.under[end]->ctx, at_ps);
}

static void found(void *ctx, const struct flue_finding *finding)
{
    (void)ctx;
    w.findings += ends_found(finding);
}

static void build(int end)
{
    struct flue_node_params params = {
        .number = (uint16_t)end, .check = FLUE_CHECK_COUNT, .check_sink = {.finding = found}};
    struct flue_net_client client = {.receive = ends_receive, .alarm = ends_alarm};

    w.under[end] = w.net.env(w.net.ctx, (unsigned)end);
    w.env[end] = *w.under[end];
    w.env[end].ctx = &w.env[end];
    w.env[end].allocate = allocate;
    w.env[end].release = release;
    w.env[end].now = now;
    w.env[end].set_alarm = set_alarm;
    flue_tcp_defaults(&params.host.tcp);
    params.host.tcp.time_wait_ps = 100 * FLUE_PS_PER_MS;
    params.host.tcp.rto_min_ps = 5 * FLUE_PS_PER_MS;
    params.host.ip = end == SERVER ? SERVER_IP : CLIENT_IP;
    ends_profile(&params.host.profile);
    params.host.policy = flue_policy_find("never");
    params.host.send_quantum = 4;
    params.host.backlog_frames = 64;
    params.host.tree_connections = 4;
    params.host.ddi = flue_ddi_defaults();
    params.target = (struct flue_target_params){.rcv_wnd_max_bytes = 1u << 30,
                                                .mtu_max_bytes = 9000,
                                                .send_quantum = 4,
                                                .backlog_frames = 64,
                                                .ring_frames = 1024,
                                                .tcp = params.host.tcp,
                                                .profile = params.host.profile,
                                                .ddi = params.host.ddi};
    assert_int_equal(flue_node_new(&w.env[end], w.net.wire(w.net.ctx, (unsigned)end), NULL, &params, &w.node[end]),
                     FLUE_OK);
    client.ctx = w.node[end];
    w.net.attach(w.net.ctx, (unsigned)end, &client);
    flue_host_set_stray(flue_node_host(w.node[end]), stray, NULL);
}

static void raise_world(void)
{
    const struct flue_net_params params = {.facts = {.rate_bps = 1000000000,
                                                     .delay_ps = 20 * FLUE_PS_PER_US,
                                                     .framing_bytes = 18,
                                                     .mtu_bytes = 1500,
                                                     .queue_frames = 200},
                                           .seed = 1};

    memset(&w, 0, sizeof w);
    assert_int_equal(flue_net_link(&params, &w.net), FLUE_OK);
    build(SERVER);
    build(CLIENT);
}

static void begin(enum who_closes closes)
{
    const struct flue_tcp_tuple tuple = {
        .local_ip = flue_ip_v4(CLIENT_IP), .remote_ip = flue_ip_v4(SERVER_IP), .local_port = 1000, .remote_port = 80};

    raise_world();
    w.closes = closes;
    assert_int_equal(flue_host_listen(flue_node_host(w.node[SERVER]), 80, &app, &w.ctx[SERVER]), FLUE_OK);
    assert_int_equal(
        flue_host_connect(flue_node_host(w.node[CLIENT]), &tuple, 0, &app, &w.ctx[CLIENT], 0, &w.socket[CLIENT]),
        FLUE_OK);
    flue_node_settle(w.node[CLIENT]);
}

static void run_for(flue_ps time_ps)
{
    w.net.run(w.net.ctx, w.net.now(w.net.ctx) + time_ps);
}

/* The one socket of a host, also before its application knows it. */
static struct flue_host_socket *socket_of(int end)
{
    struct flue_hook *hook = list_first(&flue_node_host(w.node[end])->all);

    return hook == NULL ? NULL : FLUE_CONTAINER_OF(hook, struct flue_host_socket, all);
}

static flue_err leave(int end, size_t room)
{
    uint64_t payload_bytes;
    const flue_err err =
        flue_host_socket_export(socket_of(end), w.net.now(w.net.ctx), w.image, room, &w.bytes, &payload_bytes);

    flue_node_settle(w.node[end]);
    return err;
}

static flue_err come(int end, const uint8_t *image, size_t bytes)
{
    struct flue_host_socket *socket;
    const flue_err err = flue_host_socket_import(flue_node_host(w.node[end]), image, bytes, &app, &w.ctx[end],
                                                 w.net.now(w.net.ctx), &socket);

    assert_true((err == FLUE_OK) == (socket != NULL));
    w.socket[end] = socket;
    flue_node_settle(w.node[end]);
    return err;
}

static void dispose(void)
{
    flue_node_free(w.node[SERVER]);
    flue_node_free(w.node[CLIENT]);
    w.net.free(w.net.ctx);
}

static void finish(void)
{
    w.bytes = 0;
    run_for(5 * FLUE_PS_PER_S);
    if (w.socket[CLIENT] != NULL) {
        assert_int_equal(flue_host_socket_close(w.socket[CLIENT]), FLUE_OK);
        flue_node_settle(w.node[CLIENT]);
    }
    run_for(5 * FLUE_PS_PER_S);
    for (int end = 0; end < ENDS; end++) {
        assert_true(w.closed[end]);
        assert_int_equal(w.received[end], BYTES);
        assert_int_equal(flue_host_objects_live(flue_node_host(w.node[end])), 0);
        flue_node_check_end(w.node[end]);
    }
    assert_false(w.broken);
    assert_int_equal(w.findings, 0);
    dispose();
}

/* ---- Cases */

/* Leaves `after_ps` from the start, and comes back a while later.  False: nothing was there to leave. */
static bool travel(enum who_closes closes, int end, flue_ps after_ps)
{
    struct flue_tcp_info info;
    bool there;

    begin(closes);
    run_for(after_ps);
    there = socket_of(end) != NULL && socket_conn(socket_of(end)) != NULL;
    if (there) {
        flue_tcp_info(socket_conn(socket_of(end)), &info);
        if (leave(end, ROOM) == FLUE_OK) {
            visited |= 1u << info.state;
            assert_true(w.bytes > 0 && w.bytes <= ROOM);
            assert_null(socket_of(end));
            run_for(ABSENCE_PS);
            assert_int_equal(come(end, w.image, w.bytes), FLUE_OK);
        }
    }
    finish();
    return there;
}

static void any_moment(void **state)
{
    (void)state;
    for (unsigned closes = SERVER_FIRST; closes <= BOTH; closes++) {
        for (int end = 0; end < ENDS; end++) {
            for (flue_ps at_ps = FLUE_PS_PER_US; at_ps < 900 * FLUE_PS_PER_US; at_ps += 7 * FLUE_PS_PER_US) {
                (void)travel((enum who_closes)closes, end, at_ps);
            }
        }
    }
    for (unsigned tcp = FLUE_TCP_SYN_SENT; tcp <= FLUE_TCP_TIME_WAIT; tcp++) {
        if ((visited >> tcp & 1) == 0) {
            print_message("nothing left in %s\n", flue_tcp_state_name(tcp));
        }
        assert_true((visited >> tcp & 1) != 0);
    }
}

/* Ownership is by outcome: whatever is refused leaves socket or image as it was. */
static void refusals(void **state)
{
    uint8_t damaged[ROOM];
    size_t bytes;

    (void)state;
    begin(SERVER_FIRST);
    run_for(200 * FLUE_PS_PER_US);
    assert_int_equal(leave(SERVER, 0), FLUE_OK); /* only how many */
    bytes = w.bytes;
    w.bytes = 0;
    assert_true(bytes > 0 && socket_of(SERVER) != NULL);
    assert_int_equal(leave(SERVER, ROOM), FLUE_OK);
    assert_int_equal(w.bytes, bytes);
    for (size_t cut = 0; cut < w.bytes; cut += 13) {
        assert_int_equal(come(SERVER, w.image, cut), FLUE_EPARSE);
        memcpy(damaged, w.image, w.bytes);
        damaged[cut] ^= 0x10;
        assert_int_equal(come(SERVER, damaged, w.bytes), FLUE_EPARSE);
    }
    assert_null(socket_of(SERVER));
    assert_int_equal(come(SERVER, w.image, w.bytes), FLUE_OK);
    assert_int_equal(come(SERVER, w.image, w.bytes), FLUE_EEXIST);
    socket_of(SERVER)->flags |= SOCKET_TELL_PEER_FIN; /* as if the application were to be told just now */
    assert_int_equal(leave(SERVER, ROOM), FLUE_ESTATE);
    socket_of(SERVER)->flags &= ~(uint32_t)SOCKET_TELL_PEER_FIN;
    finish();
}

/* To a host that has no room for anything yet, and where each allocation fails once: nothing is left of the attempt,
 * and the image is still good. */
static void no_memory(void **state)
{
    unsigned failed = 0;
    flue_err err = FLUE_ENOMEM;

    (void)state;
    for (uint64_t k = 1; err != FLUE_OK; k++) {
        uint8_t image[ROOM];
        size_t bytes;

        begin(CLIENT_FIRST);
        run_for(150 * FLUE_PS_PER_US);
        assert_int_equal(leave(CLIENT, ROOM), FLUE_OK);
        bytes = w.bytes;
        memcpy(image, w.image, bytes);
        dispose();
        raise_world();
        w.fails[CLIENT] = w.asked[CLIENT] + k;
        err = come(CLIENT, image, bytes);
        if (err != FLUE_OK) {
            failed++;
            assert_int_equal(err, FLUE_ENOMEM);
            assert_null(socket_of(CLIENT));
            assert_int_equal(flue_host_objects_live(flue_node_host(w.node[CLIENT])), 0);
            assert_int_equal(come(CLIENT, image, bytes), FLUE_OK);
        }
        assert_non_null(socket_of(CLIENT));
        dispose();
    }
    assert_true(failed >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_moment),
        cmocka_unit_test(refusals),
        cmocka_unit_test(no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
