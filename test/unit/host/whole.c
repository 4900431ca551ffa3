/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole nodes: tags and source addresses from the host's parameters to the wire; memory that stays bounded while
 * connections of many peers come and go; memory that runs out at any one moment.  With the checker on. */
#include <string.h>

#include "base/timers.h"
#include "flue/ndischimney.h"
#include "flue/net.h"
#include "flue/node.h"
#include "host/host.h"
#include "unit/host/ends.h"
#include "support/test.h"

#define SERVER_IP 0x0a000001u
#define CLIENT_IP 0x0a010000u
#define VLAN      7u
#define BYTES     40000u
#define END_PS    (700 * FLUE_PS_PER_S)

enum { SERVER, CLIENT, ENDS, FLOWS = 400 };

struct flow {
    struct flue_host_socket *socket[ENDS];
    uint64_t received[ENDS];
    bool closed[ENDS], reset;
};

/* Memory of the server's node: some allocations fail. */
struct scarce {
    const struct flue_env *env;
    struct flue_env own;
    uint64_t bytes;              /* that were not given back */
    uint64_t asked, fails, many; /* the first one that fails, counted from 1, and how many */
};

struct world {
    struct flue_net net;
    struct flue_node *node[ENDS];
    struct scarce scarce;
    struct flow flows[FLOWS];
    unsigned ctx[ENDS]; /* two addresses, one for each end */
    uint64_t findings;
    bool recipe;
    unsigned queues; /* for receiving; 0: one */
    bool silent;     /* the client does not answer the server's close */
    unsigned tagged, sourced, offloaded_frames;
};

static struct world w;

static const uint8_t other_mac[6] = {2, 9, 9, 9, 9, 9};

/* ---- Applications: the server sends BYTES and closes, then the client does */

static struct flow *flow_of(const struct flue_host_socket *socket)
{
    return &w.flows[flue_host_socket_id(socket)];
}

static int end_of(const void *ctx)
{
    return ctx == &w.ctx[SERVER] ? SERVER : CLIENT;
}

static void connected(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    (void)at_ps;
    flow_of(socket)->socket[end_of(ctx)] = socket;
    if (end_of(ctx) == SERVER) {
        (void)!flue_host_socket_send(socket, BYTES);
        (void)!flue_host_socket_close(socket);
    }
}

static void received(void *ctx, struct flue_host_socket *socket, const struct flue_span *span, flue_ps at_ps)
{
    struct flow *flow = flow_of(socket);

    (void)at_ps;
    assert_int_equal(span->offset_bytes, flow->received[end_of(ctx)]);
    flow->received[end_of(ctx)] += span->length_bytes;
}

static void peer_closed(void *ctx, struct flue_host_socket *socket, flue_ps at_ps)
{
    (void)at_ps;
    if (end_of(ctx) == CLIENT && !w.silent) {
        (void)!flue_host_socket_close(socket);
    }
}

static void closed(void *ctx, struct flue_host_socket *socket, enum flue_tcp_reason reason, flue_ps at_ps)
{
    struct flow *flow = flow_of(socket);

    (void)at_ps;
    flow->socket[end_of(ctx)] = NULL;
    flow->closed[end_of(ctx)] = true;
    flow->reset = flow->reset || reason != FLUE_TCP_BY_SEGMENT;
}

static uint32_t identify(void *ctx, const struct flue_tcp_tuple *tuple)
{
    (void)ctx;
    return tuple->remote_ip.word[3] - CLIENT_IP;
}

static const struct flue_app app = {
    .identify = identify, .connected = connected, .received = received, .peer_closed = peer_closed, .closed = closed};

/* ---- The world */

static void *scarce_allocate(void *ctx, size_t bytes)
{
    struct scarce *scarce = ctx;

    scarce->asked++;
    if (scarce->asked >= scarce->fails && scarce->asked < scarce->fails + scarce->many) {
        return NULL;
    }
    scarce->bytes += bytes;
    return scarce->env->allocate(scarce->env->ctx, bytes);
}

static void scarce_release(void *ctx, void *memory, size_t bytes)
{
    struct scarce *scarce = ctx;

    scarce->bytes -= memory == NULL ? 0 : bytes;
    scarce->env->release(scarce->env->ctx, memory, bytes);
}

static flue_ps scarce_now(void *ctx)
{
    const struct scarce *scarce = ctx;

    return scarce->env->now(scarce->env->ctx);
}

static void scarce_alarm(void *ctx, flue_ps at_ps)
{
    const struct scarce *scarce = ctx;

    scarce->env->set_alarm(scarce->env->ctx, at_ps);
}

static void found(void *ctx, const struct flue_finding *finding)
{
    (void)ctx;
    w.findings += ends_found(finding);
}

/* What the server puts on the wire: every frame has the tag, those of the target its source address. */
static void tap(void *ctx, const struct flue_frame *frame, flue_ps now_ps)
{
    (void)ctx, (void)now_ps;
    if (frame->src_ip.word[3] != SERVER_IP) {
        return;
    }
    w.tagged += frame->vlan == VLAN;
    w.sourced += memcmp(frame->src_mac, other_mac, sizeof other_mac) == 0;
    w.offloaded_frames++;
}

static void build(int end, bool watched, uint64_t fails, uint64_t many)
{
    struct flue_node_params params = {.number = (uint16_t)end, .check = FLUE_CHECK_COUNT};
    struct flue_net_client client = {.receive = ends_receive, .alarm = ends_alarm};
    const struct flue_env *env = w.net.env(w.net.ctx, (unsigned)end);

    params.check_sink.finding = found;
    if (watched && end == SERVER) {
        params.tap.frame = tap;
    }
    flue_tcp_defaults(&params.host.tcp);
    params.host.tcp.time_wait_ps = FLUE_PS_PER_MS;
    params.host.tcp.rto_min_ps = 5 * FLUE_PS_PER_MS;
    params.host.ip = end == SERVER ? SERVER_IP : CLIENT_IP;
    ends_profile(&params.host.profile);
    params.host.policy = flue_policy_find(end == SERVER ? "always" : "never");
    params.host.send_quantum = 4;
    params.host.backlog_frames = 64;
    params.host.tree_connections = 4;
    params.host.receive_queues = w.queues;
    params.host.ddi = flue_ddi_defaults();
    params.host.ddi.terminate_recipe = w.recipe;
    params.target = (struct flue_target_params){.neighbour_max = end == SERVER ? 64 : 0,
                                                .receive_queues = w.queues,
                                                .path_max = 80,
                                                .tcp_max = 64,
                                                .source_mac_max = 1,
                                                .vlan_max = 1,
                                                .vlan_count = watched && end == SERVER ? 1 : 0,
                                                .vlan = {VLAN},
                                                .rcv_wnd_max_bytes = 1u << 30,
                                                .mtu_max_bytes = 9000,
                                                .send_quantum = 4,
                                                .backlog_frames = 64,
                                                .ring_frames = 1024,
                                                .tcp = params.host.tcp,
                                                .profile = params.host.profile,
                                                .ddi = params.host.ddi};
    if (end == SERVER) {
        w.scarce = (struct scarce){.env = env, .own = *env};
        w.scarce.own.ctx = &w.scarce;
        w.scarce.own.allocate = scarce_allocate;
        w.scarce.own.release = scarce_release;
        w.scarce.own.now = scarce_now;
        w.scarce.own.set_alarm = scarce_alarm;
        env = &w.scarce.own;
    }
    assert_int_equal(flue_node_new(env, w.net.wire(w.net.ctx, (unsigned)end), NULL, &params, &w.node[end]), FLUE_OK);
    client.ctx = w.node[end];
    w.net.attach(w.net.ctx, (unsigned)end, &client);
    if (end == SERVER) {
        assert_int_equal(flue_host_listen(flue_node_host(w.node[end]), 80, &app, &w.ctx[SERVER]), FLUE_OK);
        w.scarce.asked = 0;
        w.scarce.fails = fails;
        w.scarce.many = many;
    }
}

static const struct flue_wire_facts wire_facts = {.rate_bps = 1000000000,
                                                  .delay_ps = 20 * FLUE_PS_PER_US,
                                                  .framing_bytes = 18,
                                                  .mtu_bytes = 1500,
                                                  .queue_frames = 200};

static void begin_link(uint64_t fails, uint64_t many)
{
    const struct flue_net_params params = {.facts = wire_facts, .seed = 1};

    const bool recipe = w.recipe;
    const unsigned queues = w.queues;

    memset(&w, 0, sizeof w);
    w.recipe = recipe;
    w.queues = queues;
    assert_int_equal(flue_net_link(&params, &w.net), FLUE_OK);
    build(SERVER, false, fails, many);
    build(CLIENT, false, 0, 0);
}

static void connect_one(unsigned i)
{
    const struct flue_tcp_tuple tuple = {.local_ip = flue_ip_v4(CLIENT_IP + i),
                                         .remote_ip = flue_ip_v4(SERVER_IP),
                                         .local_port = 1000,
                                         .remote_port = 80};

    assert_int_equal(flue_host_connect(flue_node_host(w.node[CLIENT]), &tuple, i, &app, &w.ctx[CLIENT],
                                       w.net.now(w.net.ctx), &w.flows[i].socket[CLIENT]),
                     FLUE_OK);
    flue_node_settle(w.node[CLIENT]);
}

static void run_for(flue_ps time_ps)
{
    w.net.run(w.net.ctx, w.net.now(w.net.ctx) + time_ps);
}

/* All is over: offload objects go, nothing is left; memory goes back when the nodes do. */
static void finish(void)
{
    for (unsigned i = 0; i < 20; i++) {
        flue_host_release_offload(flue_node_host(w.node[SERVER]), w.net.now(w.net.ctx));
        flue_node_settle(w.node[SERVER]);
        run_for(2 * FLUE_PS_PER_MS);
    }
    for (int end = 0; end < ENDS; end++) {
        assert_int_equal(flue_host_objects_live(flue_node_host(w.node[end])), 0);
        assert_int_equal(flue_target_objects_live(flue_node_target(w.node[end])), 0);
    }
    flue_node_check_end(w.node[SERVER]);
    assert_int_equal(w.findings, 0);
    flue_node_free(w.node[SERVER]);
    flue_node_free(w.node[CLIENT]);
    assert_int_equal(w.scarce.bytes, 0);
    w.net.free(w.net.ctx);
}

/* ---- Cases */

/* A server on a VLAN, whose neighbour tells the target its id and another source address: both paths tag, the target's
 * frames have that address, and the switch lets all through (CH-272, CH-273, CH-275, CH-277). */
static void tags(void **state)
{
    const uint16_t vid = VLAN;
    const struct flue_switch_node nodes[ENDS] = {
        {.facts = wire_facts, .untagged_vid = FLUE_VLAN_NONE, .tagged_count = 1, .tagged_vids = &vid},
        {.facts = wire_facts, .untagged_vid = VLAN}};
    const struct flue_switch_params params = {.nodes = nodes, .node_count = ENDS, .seed = 1};

    (void)state;
    for (unsigned with = 0; with < 2; with++) {
        struct flue_host_totals totals;

        memset(&w, 0, sizeof w);
        assert_int_equal(flue_net_switch(&params, &w.net), FLUE_OK);
        build(SERVER, true, 0, 0);
        build(CLIENT, false, 0, 0);
        assert_int_equal(flue_host_vlan(flue_node_host(w.node[SERVER]), 0, 4095), FLUE_EINVAL);
        assert_int_equal(flue_host_vlan(flue_node_host(w.node[SERVER]), 1, VLAN), FLUE_EINVAL);
        assert_int_equal(flue_host_vlan(flue_node_host(w.node[SERVER]), 0, VLAN), FLUE_OK);
        if (with) {
            assert_int_equal(flue_host_source_mac(flue_node_host(w.node[SERVER]), 0, other_mac), FLUE_OK);
        }
        connect_one(0);
        run_for(FLUE_PS_PER_S);
        assert_true(w.flows[0].closed[SERVER] && w.flows[0].closed[CLIENT]);
        assert_int_equal(w.flows[0].received[CLIENT], BYTES);
        flue_host_totals(flue_node_host(w.node[SERVER]), &totals);
        assert_int_equal(totals.offloaded, 1);
        assert_true(w.tagged > 0 && w.tagged == w.offloaded_frames);
        assert_true(with ? w.sourced > BYTES / 1500 && w.sourced < w.tagged : w.sourced == 0);
        assert_int_equal(flue_host_vlan(flue_node_host(w.node[SERVER]), 0, 0), FLUE_ESTATE); /* it stays offloaded */
        finish();
    }
}

/* The server has closed and reads on; the client is silent for longer than the target waits in FIN-WAIT-2, and then
 * sends and closes.  The target gives the connection up (CH-298), the host does not (RFC 9293 3.6, D-54). */
static void reads_on_half_closed(void **state)
{
    const flue_ps silences_ps[] = {0, 60 * FLUE_PS_PER_S, 500 * FLUE_PS_PER_S};

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(silences_ps); i++) {
        struct flue_host_socket *client;
        struct flue_host_totals totals;

        begin_link(0, 0);
        w.silent = true;
        connect_one(0);
        run_for(10 * FLUE_PS_PER_MS + silences_ps[i]);
        assert_int_equal(w.flows[0].received[CLIENT], BYTES);
        assert_false(w.flows[0].closed[SERVER]);
        flue_host_totals(flue_node_host(w.node[SERVER]), &totals);
        assert_int_equal(totals.offloaded, 1);
        assert_int_equal(totals.moves[FLUE_MOVE_RETRIEVE], silences_ps[i] > 120 * FLUE_PS_PER_S);
        client = w.flows[0].socket[CLIENT];
        assert_int_equal(flue_host_socket_send(client, BYTES), FLUE_OK);
        assert_int_equal(flue_host_socket_close(client), FLUE_OK);
        flue_node_settle(w.node[CLIENT]);
        run_for(FLUE_PS_PER_S);
        assert_int_equal(w.flows[0].received[SERVER], BYTES);
        assert_true(w.flows[0].closed[SERVER] && w.flows[0].closed[CLIENT]);
        finish();
    }
}

/* Each connection from another address: what is left of the older ones goes, so the target's table never fills. */
static void churn(void **state)
{
    struct flue_host_totals totals;
    struct flue_host *host;

    (void)state;
    begin_link(0, 0);
    host = flue_node_host(w.node[SERVER]);
    for (unsigned i = 0; i < FLOWS; i++) {
        connect_one(i);
        run_for(10 * FLUE_PS_PER_MS);
        assert_true(pool_live(&host->paths) <= HOST_IDLE_MAX + 2);
    }
    flue_host_totals(host, &totals);
    assert_int_equal(totals.offloaded, FLOWS);
    assert_int_equal(totals.refused, 0);
    for (unsigned i = 0; i < FLOWS; i++) {
        assert_int_equal(w.flows[i].received[CLIENT], BYTES);
    }
    finish();
}

/* A real target whose terminate fails, or that finds its state lost before: each connection is aborted, and nothing
 * stays behind, by either order (D-32). */
static void failing_terminate(void **state)
{
    static const enum flue_target_fault faults[] = {FLUE_FAULT_TERMINATE, FLUE_FAULT_CORRUPT};

    (void)state;
    for (unsigned i = 0; i < 2 * COUNT_OF(faults); i++) {
        struct flue_host_totals totals;
        struct flue_host_socket *socket;

        w.recipe = i % 2 != 0;
        begin_link(0, 0);
        connect_one(0);
        run_for(200 * FLUE_PS_PER_US);
        socket = w.flows[0].socket[SERVER];
        assert_int_equal(flue_host_socket_holder(socket), FLUE_HOLDER_TARGET);
        assert_int_equal(flue_target_fault(flue_node_target(w.node[SERVER]), faults[i / 2], 3, 0), FLUE_OK);
        /* Then the path, or the next hop. */
        assert_int_equal(flue_target_fault(flue_node_target(w.node[SERVER]), FLUE_FAULT_TERMINATE, 1 + i / 2, 0),
                         FLUE_OK);
        assert_int_equal(flue_host_socket_upload(socket, w.net.now(w.net.ctx)), FLUE_OK);
        flue_node_settle(w.node[SERVER]);
        run_for(END_PS);
        assert_true(w.flows[0].socket[SERVER] == NULL && w.flows[0].reset);
        flue_host_totals(flue_node_host(w.node[SERVER]), &totals);
        assert_int_equal(totals.moves[FLUE_MOVE_FAILED], 1);
        assert_true(w.flows[0].closed[CLIENT] || w.flows[0].socket[CLIENT] != NULL);
        if (w.flows[0].socket[CLIENT] != NULL) {
            flue_host_socket_abort(w.flows[0].socket[CLIENT]);
            flue_node_settle(w.node[CLIENT]);
        }
        finish();
    }
    w.recipe = false;
}

static void told(void *ctx, struct flue_host_socket *socket, const TCP_OFFLOAD_STATE_DELEGATED *delegated,
                 flue_ps at_ps)
{
    (void)ctx, (void)socket, (void)delegated, (void)at_ps;
}

static void operate(unsigned step)
{
    struct flue_host *host = flue_node_host(w.node[SERVER]);
    const flue_ps now_ps = w.net.now(w.net.ctx);

    if (w.queues > 1) {
        (void)!flue_host_receive_remap(host, 1, now_ps);
    }
    for (unsigned i = 0; i < 3; i++) {
        struct flue_host_socket *socket = w.flows[i].socket[SERVER];
        struct flue_tcp_settings settings;

        if (socket == NULL) {
            continue;
        }
        switch (step % 6) {
        case 0:
            (void)!flue_host_socket_query(socket, told, NULL, now_ps);
            break;
        case 1:
            if (flue_host_socket_settings(socket, &settings) == FLUE_OK) {
                settings.ttl--;
                (void)!flue_host_socket_change(socket, &settings, now_ps);
            }
            break;
        case 2:
            (void)!flue_host_socket_upload(socket, now_ps);
            break;
        case 3:
            (void)!flue_host_socket_offload(socket, now_ps);
            break;
        case 4:
            if (i == 0) {
                const struct flue_ip hop = flue_ip_v4(0x0a0000f0u + step);

                (void)!flue_host_relink(host, NULL, &hop, now_ps);
            }
            break;
        default:
            if (i == 0 && step > 8) {
                (void)!flue_host_chimney(host, 0, 4, 0, now_ps);
                (void)!flue_host_chimney(host, 0, 4, 1, now_ps);
            }
            break;
        }
    }
    flue_node_settle(w.node[SERVER]);
}

static uint64_t scarce_run(uint64_t fails, uint64_t many)
{
    uint64_t asked;

    begin_link(fails, many);
    for (unsigned i = 0; i < 3; i++) {
        connect_one(i);
    }
    for (unsigned step = 0; step < 12; step++) {
        run_for(90 * FLUE_PS_PER_US);
        operate(step);
    }
    run_for(END_PS);
    for (unsigned i = 0; i < 3; i++) {
        const struct flow *flow = &w.flows[i];

        assert_true(flow->closed[CLIENT] && flow->socket[SERVER] == NULL);
        assert_true(flow->received[CLIENT] == BYTES || flow->reset);
    }
    asked = w.scarce.asked;
    finish();
    return asked;
}

/* Operations of every kind while each allocation fails in turn, alone or with the next three: nothing is lost silently,
 * nothing stays behind, and everything ends. */
static void scarce(void **state)
{
    const uint64_t asked = scarce_run(0, 0);

    (void)state;
    assert_true(asked > 20);
    for (uint64_t fails = 1; fails <= asked; fails++) {
        (void)scarce_run(fails, 1);
        (void)scarce_run(fails, 4);
    }
}

/* The same with three receive queues: none of them is short of room for what another one has. */
static void scarce_queues(void **state)
{
    uint64_t asked;

    (void)state;
    w.queues = 3;
    asked = scarce_run(0, 0);
    for (uint64_t fails = 1; fails <= asked; fails += 2) {
        (void)scarce_run(fails, 1 + fails % 4);
    }
    w.queues = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tags),   cmocka_unit_test(reads_on_half_closed),
                                       cmocka_unit_test(churn),  cmocka_unit_test(failing_terminate),
                                       cmocka_unit_test(scarce), cmocka_unit_test(scarce_queues)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
