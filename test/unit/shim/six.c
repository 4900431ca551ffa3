/* SPDX-License-Identifier: GPL-2.0-only */
/* An offloaded connection of IPv6 over two routers of ns-3's: one dies and the host's own detection notices, then the
 * way takes shorter packets and the other one says so. */
#include "unit/shim/ends.h"

#include "support/test.h"

enum { SERVER, CLIENT, NODES, ROUTERS = 2, PORT = 7000, LEAST_MTU = 1300 };

#define BYTES (UINT64_C(4) << 20)

static const struct flue_wire_facts facts = {
    .rate_bps = UINT64_C(1000000000), .delay_ps = FLUE_PS_PER_US, .mtu_bytes = 1500, .queue_frames = 200};

static struct flue_ip six(uint32_t network, uint32_t node)
{
    return (struct flue_ip){{0xfd000002u, network, 0, node}};
}

static void open_world(struct ends *ends)
{
    struct flue_switch_node nodes[NODES] = {{.facts = facts}, {.facts = facts, .behind_routers = 1}};
    struct flue_switch_router routers[ROUTERS];
    const struct flue_switch_params params = {
        .nodes = nodes, .node_count = NODES, .routers = routers, .router_count = ROUTERS, .seed = 3};
    const struct flue_ip prefix = six(1, 0), own[NODES] = {six(0, 1), six(1, 1)};
    char message[200];

    nodes[CLIENT].ip[0] = flue_ip_v4(0x0a010001u);
    nodes[CLIENT].ip[1] = own[CLIENT];
    for (unsigned i = 0; i < ROUTERS; i++)
        routers[i] =
            (struct flue_switch_router){.facts = facts, .ip4 = flue_ip_v4(0x0a0000fdu + i), .ip6 = six(0, 100 + i)};
    ends->api = flue_ns3_functions();
    assert_int_equal(ends->api->open_routed(&params, &ends->net, message, sizeof message), FLUE_OK);
    for (unsigned i = 0; i < NODES; i++) {
        ends_node(ends, i, i == SERVER ? 0x0a000001u : 0x0a010001u, i == SERVER, 0);
        assert_int_equal(flue_host_address(flue_node_host(ends->node[i]), 0, &own[i]), FLUE_OK);
    }
    for (unsigned i = 0; i < ROUTERS; i++) {
        const struct flue_ip gateway = six(0, 100 + i);

        assert_int_equal(flue_host_route(flue_node_host(ends->node[SERVER]), &prefix, 64, &gateway, 0), FLUE_OK);
    }
}

static struct flue_net_router_totals totals_of(const struct ends *ends, unsigned router)
{
    struct flue_net_router_totals totals;

    ends->net.router_totals(ends->net.ctx, router, &totals);
    return totals;
}

static void a_router_dies_and_the_way_becomes_narrow(void **state)
{
    struct ends ends = {.findings = 0};
    struct end server = {.stream = 2 * PORT + 1, .sends = BYTES}, client = {.stream = 2 * PORT, .closes = 1};
    const struct flue_tcp_tuple tuple = {
        .local_ip = six(1, 1), .remote_ip = six(0, 1), .local_port = PORT, .remote_port = 80};
    struct flue_host_totals totals;
    struct flue_host_socket *socket;
    uint64_t before;

    (void)state;
    open_world(&ends);
    assert_int_equal(flue_host_listen(flue_node_host(ends.node[SERVER]), 80, &ends_app, &server), FLUE_OK);
    assert_int_equal(flue_host_connect(flue_node_host(ends.node[CLIENT]), &tuple, PORT, &ends_app, &client, 0, &socket),
                     FLUE_OK);
    flue_node_settle(ends.node[CLIENT]);
    ends.net.run(ends.net.ctx, 8 * FLUE_PS_PER_MS);
    assert_int_equal(server.opened, 1);
    assert_true(client.received > 0 && client.received < BYTES);
    flue_host_totals(flue_node_host(ends.node[SERVER]), &totals);
    assert_int_equal(totals.offloaded, 1);

    ends.net.router_down(ends.net.ctx, 0, 1);
    before = totals_of(&ends, 0).forwarded;
    while (totals.relinked == 0 && ends.net.now(ends.net.ctx) < 100 * FLUE_PS_PER_S) {
        ends.net.run(ends.net.ctx, ends.net.now(ends.net.ctx) + FLUE_PS_PER_MS);
        flue_host_totals(flue_node_host(ends.node[SERVER]), &totals);
    }
    assert_true(totals.relinked > 0);
    assert_true(client.received < BYTES);
    assert_int_equal(totals.uploaded, 0);

    ends.net.behind_mtu(ends.net.ctx, CLIENT, LEAST_MTU);
    ends.net.run(ends.net.ctx, FLUE_PS_NEVER);
    assert_true(client.received == BYTES);
    assert_int_equal(client.wrong + server.wrong + client.failed + server.failed, 0);
    assert_int_equal(client.closed + server.closed, 2);
    assert_int_equal(totals_of(&ends, 0).forwarded, before);
    assert_true(totals_of(&ends, 1).forwarded > 0);
    ends_free(&ends);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_router_dies_and_the_way_becomes_narrow)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
