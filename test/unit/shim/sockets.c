/* SPDX-License-Identifier: GPL-2.0-only */
/* Flue nodes and TCP sockets of ns-3's talk through routers of ns-3's: every byte is made, compared and counted,
 * whoever opens, whoever closes first, whoever runs TCP at the Flue end, and with losses. */
#include <string.h>

#include "support/test.h"
#include "unit/shim/ends.h"

#define SERVER_IP 0x0A000001u
#define ROUTER_IP 0x0A0000FEu
#define HOST_IP   0x0A010001u
#define PORT      80
#define HOST_PORT 4000

enum { SERVER, ROUTER, HOST };

static struct ends w;
static struct end flue_end, ns3_end;

/* The server and the router on an Ethernet, the host behind the router. */
static void build(int offloads, uint32_t loss_ppm)
{
    const struct flue_wire_facts facts = {
        .rate_bps = UINT64_C(1000000000), .delay_ps = FLUE_PS_PER_US, .mtu_bytes = 1500, .queue_frames = 200};
    const struct flue_ip lan_ip = flue_ip_v4(0x0A000000u), server_ip = flue_ip_v4(SERVER_IP);
    const struct flue_ip router_ip = flue_ip_v4(ROUTER_IP), host_ip = flue_ip_v4(HOST_IP);
    char message[200];
    unsigned number, lan;

    memset(&w, 0, sizeof w);
    flue_end = ns3_end = (struct end){.closes = 0};
    w.api = flue_ns3_functions();
    assert_int_equal(w.api->world_new(1, &w.world, message, sizeof message), FLUE_OK);
    assert_int_equal(w.api->add_node(w.world, FLUE_NS3_FLUE, &number), FLUE_OK);
    assert_int_equal(w.api->add_node(w.world, FLUE_NS3_ROUTER, &number), FLUE_OK);
    assert_int_equal(w.api->add_node(w.world, FLUE_NS3_HOST, &number), FLUE_OK);
    assert_int_equal(number, HOST);
    assert_int_equal(w.api->add_lan(w.world, &facts, &lan_ip, 24, &lan), FLUE_OK);
    assert_int_equal(w.api->join(w.world, SERVER, lan, &server_ip), FLUE_OK);
    assert_int_equal(w.api->join(w.world, ROUTER, lan, &router_ip), FLUE_OK);
    assert_int_equal(w.api->link(w.world, &facts, ROUTER, NULL, HOST, &host_ip), FLUE_OK);
    assert_int_equal(w.api->finish(w.world, &w.net), FLUE_OK);
    ends_node(&w, SERVER, SERVER_IP, offloads, loss_ppm);
    assert_int_equal(flue_host_route(flue_node_host(w.node[SERVER]), &host_ip, 96 + 16, &router_ip, 0), FLUE_OK);
}

/* The host opens, or the Flue node does. */
static void open_by(int flue_opens)
{
    const struct flue_ns3_app app = ends_ns3_app(&ns3_end);
    const struct flue_ip server_ip = flue_ip_v4(SERVER_IP);
    struct flue_host *host = flue_node_host(w.node[SERVER]);
    struct flue_host_socket *socket;

    if (flue_opens) {
        const struct flue_tcp_tuple tuple = {
            .local_ip = server_ip, .remote_ip = flue_ip_v4(HOST_IP), .local_port = HOST_PORT, .remote_port = PORT};

        ns3_end.stream = 2 * HOST_PORT + 1;
        flue_end.stream = 2 * HOST_PORT;
        assert_int_equal(w.api->socket_listen(w.world, HOST, PORT, &app), FLUE_OK);
        assert_int_equal(flue_host_connect(host, &tuple, HOST_PORT, &ends_app, &flue_end, 0, &socket), FLUE_OK);
        flue_node_settle(w.node[SERVER]);
    } else {
        ns3_end.stream = 2 * HOST_PORT;
        flue_end.stream = 2 * HOST_PORT + 1;
        assert_int_equal(flue_host_listen(host, PORT, &ends_app, &flue_end), FLUE_OK);
        assert_int_equal(
            w.api->socket_connect(w.world, HOST, HOST_PORT, &server_ip, PORT, HOST_PORT, &app, &ns3_end.ns3), FLUE_OK);
    }
}

static void good(const struct end *end, const struct end *other)
{
    assert_int_equal(end->opened, 1);
    assert_int_equal(end->received, other->sends);
    assert_int_equal(end->wrong, 0);
    assert_int_equal(end->acked, end->sends);
    assert_int_equal(end->peer_closed, 1);
    assert_int_equal(end->closed, 1);
    assert_int_equal(end->failed, 0);
}

static void every_byte_arrives_once(void **state)
{
    static const uint64_t sizes[][2] = {{300000, 0}, {0, 300000}, {200000, 250000}, {1, 1}};

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(sizes) * 16; i++) {
        const unsigned size = i % COUNT_OF(sizes), bits = i / COUNT_OF(sizes);
        struct flue_ns3_totals totals;
        /* Only who sends can close when all of it has been acknowledged. */
        int ns3_first = (bits & 1) != 0;

        ns3_first = sizes[size][0] == 0 ? 1 : sizes[size][1] == 0 ? 0 : ns3_first;
        build((bits & 2) != 0, (bits & 8) != 0 ? 10000 : 0);
        flue_end.sends = sizes[size][0];
        ns3_end.sends = sizes[size][1];
        flue_end.closes = ns3_first;
        ns3_end.closes = !ns3_first;
        open_by((bits & 4) != 0);
        w.net.run(w.net.ctx, 600 * FLUE_PS_PER_S);
        good(&flue_end, &ns3_end);
        good(&ns3_end, &flue_end);
        if ((bits & 2) != 0)
            assert_true(flue_end.offloaded > 0);
        w.api->totals(w.world, &totals);
        assert_int_equal(totals.wrong_bytes, 0);
        assert_int_equal(totals.unknown_packets, 0);
        assert_true(totals.compared_bytes >= flue_end.sends + ns3_end.sends);
        ends_free(&w);
    }
}

/* The bytes are real: who takes them for another stream's finds that they are not. */
static void another_stream_is_noticed(void **state)
{
    struct flue_ns3_totals totals;
    const struct flue_ip server_ip = flue_ip_v4(SERVER_IP);
    struct flue_ns3_app app;

    (void)state;
    build(1, 0);
    ns3_end = (struct end){.stream = 2 * (HOST_PORT + 1), .sends = 1000, .closes = 1};
    flue_end = (struct end){.stream = 2 * HOST_PORT + 1, .sends = 5000};
    app = ends_ns3_app(&ns3_end);
    assert_int_equal(flue_host_listen(flue_node_host(w.node[SERVER]), PORT, &ends_app, &flue_end), FLUE_OK);
    assert_int_equal(
        w.api->socket_connect(w.world, HOST, HOST_PORT, &server_ip, PORT, HOST_PORT + 1, &app, &ns3_end.ns3), FLUE_OK);
    w.net.run(w.net.ctx, 60 * FLUE_PS_PER_S);
    w.api->totals(w.world, &totals);
    assert_int_equal(totals.wrong_bytes, 5000); /* Flue's, at the host */
    assert_true(flue_end.wrong > 0);            /* the host's, at Flue: right bytes of another stream */
    ends_free(&w);
}

static void what_cannot_be_is_refused(void **state)
{
    const struct flue_ip server_ip = flue_ip_v4(SERVER_IP), six = {{0xfe800000u, 0, 0, 1}};
    const struct flue_ns3_app app = {.ctx = NULL};
    struct flue_ns3_world *other;
    struct flue_ns3_socket *socket;
    char message[200];
    unsigned number;

    (void)state;
    build(0, 0);
    assert_int_equal(w.api->world_new(1, &other, message, sizeof message), FLUE_ESTATE);
    assert_int_equal(w.api->add_node(w.world, FLUE_NS3_HOST, &number), FLUE_ESTATE);
    assert_int_equal(w.api->socket_listen(w.world, SERVER, PORT, &app), FLUE_EINVAL);
    assert_int_equal(w.api->socket_listen(w.world, 99, PORT, &app), FLUE_EINVAL);
    assert_int_equal(w.api->socket_listen(w.world, HOST, PORT, &app), FLUE_OK);
    assert_int_equal(w.api->socket_listen(w.world, HOST, PORT, &app), FLUE_EEXIST);
    assert_non_null(strstr(w.api->world_why(w.world), "port 80 of node 2"));
    assert_int_equal(w.api->pcap(w.world, HOST, "/nowhere/at/all.pcap"), FLUE_EIO);
    /* Nobody listens: the host is told. */
    {
        const struct flue_ns3_app refused = ends_ns3_app(&ns3_end);

        assert_int_equal(w.api->socket_connect(w.world, HOST, 0, &server_ip, PORT, 1, &refused, &socket), FLUE_OK);
        assert_int_equal(w.api->socket_close(socket), FLUE_OK);
        assert_int_equal(w.api->socket_close(socket), FLUE_ESTATE);
        assert_int_equal(w.api->socket_send(socket, 1), FLUE_ESTATE);
    }
    w.net.run(w.net.ctx, 600 * FLUE_PS_PER_S);
    assert_int_equal(ns3_end.closed, 1);
    assert_int_equal(ns3_end.failed, 1);
    ends_free(&w);

    assert_int_equal(w.api->world_new(1, &w.world, message, sizeof message), FLUE_OK);
    assert_int_equal(w.api->add_node(w.world, FLUE_NS3_FLUE, &number), FLUE_OK);
    assert_int_equal(w.api->socket_listen(w.world, number, PORT, &app), FLUE_ESTATE);
    assert_int_equal(w.api->finish(w.world, &w.net), FLUE_EINVAL); /* on no wire */
    assert_int_equal(w.api->join(w.world, number, 0, &server_ip), FLUE_EINVAL);
    assert_int_equal(w.api->address(w.world, number, &server_ip), FLUE_EINVAL);
    {
        const struct flue_wire_facts facts = {.rate_bps = 1000, .mtu_bytes = 1500, .queue_frames = 1};

        assert_int_equal(w.api->link(w.world, &facts, 0, &server_ip, 0, &server_ip), FLUE_EINVAL);
        assert_int_equal(w.api->add_node(w.world, FLUE_NS3_ROUTER, &number), FLUE_OK);
        assert_int_equal(w.api->link(w.world, &facts, 0, NULL, 1, NULL), FLUE_EINVAL);
        assert_int_equal(w.api->link(w.world, &facts, 0, &six, 1, NULL), FLUE_EINVAL);
        assert_int_equal(w.api->link(w.world, &facts, 0, &server_ip, 1, NULL), FLUE_OK);
        assert_int_equal(w.api->link(w.world, &facts, 0, &server_ip, 1, NULL), FLUE_EINVAL); /* its one interface */
    }
    w.api->world_free(w.world);
    w.api->world_free(NULL);
}

/* A host's application has a clock. */
static void on_host_alarm(void *ctx)
{
    flue_ps *at_ps = ctx;

    *at_ps = w.net.now(w.net.ctx);
}

static void a_host_has_a_clock_and_no_wire(void **state)
{
    const struct flue_frame frame = {.ethertype = FLUE_ETHERTYPE_IPV4};
    flue_ps at_ps = -1;
    const struct flue_net_client client = {.ctx = &at_ps, .alarm = on_host_alarm};
    const struct flue_wire *wire;
    const struct flue_env *env;

    (void)state;
    build(0, 0);
    w.net.attach(w.net.ctx, HOST, &client);
    env = w.net.env(w.net.ctx, HOST);
    env->set_alarm(env->ctx, 5 * FLUE_PS_PER_US);
    wire = w.net.wire(w.net.ctx, HOST);
    assert_int_equal(wire->facts.mtu_bytes, 1500);
    assert_int_equal(wire->send(wire->ctx, &frame), FLUE_WIRE_SENT);
    w.net.run(w.net.ctx, FLUE_PS_PER_MS);
    assert_int_equal(at_ps, 5 * FLUE_PS_PER_US);
    ends_free(&w);
}

static void aborted_the_socket_ends_and_the_peer_is_not_told(void **state)
{
    struct flue_tcp_tuple tuple = {.local_ip = flue_ip_v4(SERVER_IP),
                                   .remote_ip = flue_ip_v4(HOST_IP),
                                   .local_port = PORT,
                                   .remote_port = HOST_PORT};

    (void)state;
    build(1, 0);
    ns3_end.sends = 100000000;
    open_by(0);
    w.net.run(w.net.ctx, 5 * FLUE_PS_PER_MS);
    assert_int_equal(ns3_end.opened, 1);
    assert_int_equal(w.api->identify(NULL, &tuple), HOST_PORT);
    tuple.remote_port++;
    assert_int_equal(w.api->identify(NULL, &tuple), FLUE_NO_CONN);
    w.api->socket_abort(ns3_end.ns3);
    assert_int_equal(w.api->socket_send(ns3_end.ns3, 1), FLUE_ESTATE);
    w.net.run(w.net.ctx, 6 * FLUE_PS_PER_MS);
    assert_int_equal(ns3_end.closed, 1);
    assert_int_equal(ns3_end.failed, 1);
    assert_int_equal(flue_end.closed, 0);
    assert_int_equal(flue_end.wrong, 0);
    flue_host_socket_abort(flue_end.flue);
    flue_node_settle(w.node[SERVER]);
    w.net.run(w.net.ctx, 60 * FLUE_PS_PER_MS);
    ends_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_arrives_once),
        cmocka_unit_test(another_stream_is_noticed),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_host_has_a_clock_and_no_wire),
        cmocka_unit_test(aborted_the_socket_ends_and_the_peer_is_not_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
