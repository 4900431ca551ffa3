/* SPDX-License-Identifier: GPL-2.0-only */
/* Two gateways between a switch and a node behind them: neighbours, forwarding, ICMP errors, one of them dying.
 * Nodes 0 and 1 are on the switch, 2 and 3 behind the routers. */
#include <string.h>

#include "support/test.h"
#include "unit/wire/stations.h"

#define V6(n)                                                                                                          \
    {                                                                                                                  \
        {                                                                                                              \
            0x20010db8u, 0, 0, (n)                                                                                     \
        }                                                                                                              \
    }

enum { ROUTER_A, ROUTER_B, NONE = 99 };
enum { SERVER = 0, OTHER = 1, CLIENT = 2, SECOND = 3 };

static const struct flue_wire_facts facts = {.rate_bps = UINT64_C(10000000000),
                                             .delay_ps = FLUE_PS_PER_US,
                                             .framing_bytes = 18,
                                             .mtu_bytes = 1500,
                                             .queue_frames = 100};
static const uint8_t router_mac[2][6] = {{2, 0, 1, 0, 0, 1}, {2, 0, 1, 0, 0, 2}};

static struct stations world;

/* Address of node n, of router r, in one of the two families. */
static struct flue_ip node_ip(int v6, uint32_t n)
{
    const struct flue_ip ip = V6(n + 1);

    return v6 ? ip : flue_ip_v4(UINT32_C(0x0a000001) + n);
}

static struct flue_ip router_ip(int v6, uint32_t r)
{
    return node_ip(v6, 200 + r);
}

static void open_world(uint32_t client_mtu)
{
    struct flue_switch_node nodes[4] = {{.facts = facts},
                                        {.facts = facts},
                                        {.facts = facts, .behind_routers = 1},
                                        {.facts = facts, .behind_routers = 1}};
    struct flue_switch_router routers[2];
    const struct flue_switch_params params = {
        .nodes = nodes, .node_count = 4, .routers = routers, .router_count = 2, .seed = 5};

    nodes[CLIENT].facts.mtu_bytes = client_mtu;
    for (unsigned n = CLIENT; n <= SECOND; n++) {
        nodes[n].ip[0] = node_ip(0, n);
        nodes[n].ip[1] = node_ip(1, n);
    }
    for (unsigned r = 0; r < 2; r++)
        routers[r] = (struct flue_switch_router){.facts = facts, .ip4 = router_ip(0, r), .ip6 = router_ip(1, r)};
    assert_int_equal(flue_net_switch(&params, &world.net), FLUE_OK);
    stations_attach(&world, 4);
}

static void close_world(void)
{
    world.net.free(world.net.ctx);
}

static struct flue_frame neighbour(int v6, uint8_t op, struct flue_ip from, struct flue_ip to, const uint8_t *dst_mac)
{
    struct flue_frame frame = {.kind = (uint8_t)(v6 ? FLUE_FRAME_ND : FLUE_FRAME_ARP),
                               .ethertype = (uint16_t)(v6 ? FLUE_ETHERTYPE_IPV6 : FLUE_ETHERTYPE_ARP),
                               .flags = op,
                               .src_ip = from,
                               .dst_ip = to,
                               .ttl = (uint8_t)(v6 ? 255 : 0)};

    memset(frame.dst_mac, 0xff, sizeof frame.dst_mac);
    if (dst_mac != NULL)
        memcpy(frame.dst_mac, dst_mac, sizeof frame.dst_mac);
    return frame;
}

static struct flue_frame segment(int v6, unsigned from, unsigned to, uint32_t seq, uint32_t payload, unsigned router)
{
    struct flue_frame frame = stations_segment(seq, payload);

    frame.ethertype = (uint16_t)(v6 ? FLUE_ETHERTYPE_IPV6 : FLUE_ETHERTYPE_IPV4);
    frame.src_ip = node_ip(v6, from);
    frame.dst_ip = node_ip(v6, to);
    if (router != NONE)
        memcpy(frame.dst_mac, router_mac[router], 6);
    return frame;
}

static struct flue_net_router_totals totals_of(unsigned router)
{
    struct flue_net_router_totals totals;

    world.net.router_totals(world.net.ctx, router, &totals);
    return totals;
}

static void they_say_where_they_are(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        open_world(1500);
        for (unsigned r = 0; r < 2; r++) {
            const struct flue_frame *answer;
            const struct flue_ip server = node_ip(v6, SERVER), own = router_ip(v6, r);

            (void)stations_send(&world, SERVER, neighbour(v6, FLUE_NEIGHBOUR_REQUEST, server, own, NULL));
            stations_run(&world);
            assert_int_equal(world.station[SERVER].heard, r + 1);
            answer = stations_last(&world, SERVER);
            assert_int_equal(answer->kind, v6 ? FLUE_FRAME_ND : FLUE_FRAME_ARP);
            assert_int_equal(answer->flags, FLUE_NEIGHBOUR_ANSWER);
            assert_memory_equal(answer->src_mac, router_mac[r], 6);
            assert_true(flue_ip_equal(&answer->src_ip, &own) && flue_ip_equal(&answer->dst_ip, &server));
            assert_int_equal(totals_of(r).answered, 1);
        }
        close_world();
    }
}

/* The server sends through one of them; the client's answer comes through the first. */
static void they_forward_both_ways(void **state)
{
    (void)state;
    for (int v6 = 0; v6 < 2; v6++) {
        const struct flue_ip server = node_ip(v6, SERVER);
        const struct flue_frame *last;

        open_world(1500);
        (void)stations_send(&world, SERVER, segment(v6, SERVER, CLIENT, 1, 1000, ROUTER_B));
        stations_run(&world);
        assert_int_equal(world.station[CLIENT].heard, 1);
        last = stations_last(&world, CLIENT);
        assert_int_equal(last->seq, 1);
        assert_int_equal(last->ttl, 63);
        assert_int_equal(last->payload.length_bytes, 1000);
        assert_int_equal(totals_of(ROUTER_B).forwarded, 1);
        world.station[SERVER].heard = 0;
        /* Two frames wait for one question. */
        (void)stations_send(&world, CLIENT, segment(v6, CLIENT, SERVER, 2, 0, NONE));
        (void)stations_send(&world, CLIENT, segment(v6, CLIENT, SERVER, 3, 0, NONE));
        stations_run(&world);
        assert_int_equal(world.station[SERVER].heard, 1);
        last = stations_last(&world, SERVER);
        assert_int_equal(last->flags, FLUE_NEIGHBOUR_REQUEST);
        assert_true(flue_ip_equal(&last->dst_ip, &server));
        (void)stations_send(
            &world, SERVER,
            neighbour(v6, FLUE_NEIGHBOUR_ANSWER, server, router_ip(v6, ROUTER_A), router_mac[ROUTER_A]));
        stations_run(&world);
        assert_int_equal(world.station[SERVER].heard, 3);
        assert_int_equal(world.station[SERVER].frame[1].seq, 2);
        assert_int_equal(world.station[SERVER].frame[2].seq, 3);
        assert_int_equal(world.station[SERVER].frame[2].ttl, 63);
        assert_int_equal(totals_of(ROUTER_A).forwarded, 2);
        assert_int_equal(totals_of(ROUTER_A).asked, 1);
        /* From node to node behind the routers. */
        (void)stations_send(&world, CLIENT, segment(v6, CLIENT, SECOND, 4, 0, NONE));
        stations_run(&world);
        assert_int_equal(stations_last(&world, SECOND)->seq, 4);
        close_world();
    }
}

/* Whoever announces itself with another address is sent to there: a connection that moves from one port to another. */
static void an_announcement_moves_a_neighbour(void **state)
{
    const struct flue_ip server = node_ip(0, SERVER);
    uint8_t mac[6];

    (void)state;
    open_world(1500);
    (void)stations_send(&world, SERVER, neighbour(0, FLUE_NEIGHBOUR_REQUEST, server, router_ip(0, ROUTER_A), NULL));
    stations_run(&world);
    (void)stations_send(&world, CLIENT, segment(0, CLIENT, SERVER, 1, 0, NONE));
    stations_run(&world);
    assert_int_equal(stations_last(&world, SERVER)->seq, 1);
    (void)stations_send(&world, OTHER, neighbour(0, FLUE_NEIGHBOUR_ANSWER, server, server, NULL));
    stations_run(&world);
    (void)stations_send(&world, CLIENT, segment(0, CLIENT, SERVER, 2, 0, NONE));
    stations_run(&world);
    assert_int_equal(stations_last(&world, OTHER)->seq, 2);
    flue_net_mac(OTHER, mac);
    assert_memory_equal(stations_last(&world, OTHER)->dst_mac, mac, 6);
    close_world();
}

static void errors_come_back(void **state)
{
    static const struct {
        const char *what;
        uint32_t payload, to;
        uint8_t ttl, type[2], code[2];
        uint16_t mtu;
    } rows[] = {
        {"too big", 1261, CLIENT, 64, {3, 2}, {4, 0}, 1300},
        {"hop limit", 10, CLIENT, 1, {11, 3}, {0, 0}, 0},
        {"nobody there", 10, 77, 64, {3, 1}, {1, 3}, 0},
    };

    (void)state;
    for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
        const int v6 = i % 2 != 0;
        const struct flue_ip to = node_ip(v6, rows[i / 2].to), server = node_ip(v6, SERVER), own = router_ip(v6, 0);
        struct flue_frame frame = segment(v6, SERVER, rows[i / 2].to, 0xfffffff0u, rows[i / 2].payload, ROUTER_A);
        const struct flue_frame *error;

        open_world(1300);
        frame.ttl = rows[i / 2].ttl;
        (void)stations_send(&world, SERVER, frame);
        stations_run(&world);
        if (world.station[CLIENT].heard != 0 || world.station[SERVER].heard != 1)
            fail_msg("%s: no error", rows[i / 2].what);
        error = stations_last(&world, SERVER);
        assert_int_equal(error->kind, FLUE_FRAME_ICMP);
        assert_int_equal(error->flags, rows[i / 2].type[v6]);
        assert_int_equal(error->options, rows[i / 2].code[v6]);
        assert_int_equal(error->mss, rows[i / 2].mtu);
        assert_int_equal(error->seq, 0xfffffff0u);
        assert_int_equal(error->src_port, 40000);
        assert_true(flue_ip_equal(&error->quoted_ip, &to) && flue_ip_equal(&error->dst_ip, &server) &&
                    flue_ip_equal(&error->src_ip, &own));
        assert_memory_equal(error->src_mac, router_mac[ROUTER_A], 6);
        assert_int_equal(totals_of(ROUTER_A).errors, 1);
        /* Not about an error, nor about a fragment that does not begin its datagram. */
        frame.kind = FLUE_FRAME_ICMP;
        frame.ttl = 1;
        (void)stations_send(&world, SERVER, frame);
        frame.kind = FLUE_FRAME_FRAGMENT;
        frame.fragment = 800;
        (void)stations_send(&world, SERVER, frame);
        stations_run(&world);
        assert_int_equal(world.station[SERVER].heard, 1);
        assert_int_equal(totals_of(ROUTER_A).unroutable, 3);
        close_world();
    }
}

static void the_client_is_told_as_well(void **state)
{
    struct flue_frame frame = segment(0, CLIENT, SERVER, 9, 10, NONE);

    (void)state;
    open_world(1500);
    frame.ttl = 1;
    (void)stations_send(&world, CLIENT, frame);
    stations_run(&world);
    assert_int_equal(world.station[CLIENT].heard, 1);
    assert_int_equal(stations_last(&world, CLIENT)->flags, 11);
    assert_int_equal(stations_last(&world, CLIENT)->seq, 9);
    close_world();
}

static void the_second_takes_over(void **state)
{
    const struct flue_ip server = node_ip(0, SERVER);

    (void)state;
    open_world(1500);
    for (unsigned r = 0; r < 2; r++)
        (void)stations_send(&world, SERVER, neighbour(0, FLUE_NEIGHBOUR_REQUEST, server, router_ip(0, r), NULL));
    stations_run(&world);
    flue_net_router_down(&world.net, ROUTER_A, 1);
    world.station[SERVER].heard = 0;
    (void)stations_send(&world, SERVER, segment(0, SERVER, CLIENT, 1, 10, ROUTER_A));
    (void)stations_send(&world, SERVER, neighbour(0, FLUE_NEIGHBOUR_REQUEST, server, router_ip(0, 0), NULL));
    stations_run(&world);
    assert_int_equal(world.station[CLIENT].heard, 0);
    assert_int_equal(world.station[SERVER].heard, 0); /* nobody answers: that is how it is found out */
    assert_int_equal(world.station[SERVER].downs, 0);
    (void)stations_send(&world, SERVER, segment(0, SERVER, CLIENT, 1, 10, ROUTER_B));
    stations_run(&world);
    assert_int_equal(world.station[CLIENT].heard, 1);
    (void)stations_send(&world, CLIENT, segment(0, CLIENT, SERVER, 2, 0, NONE));
    stations_run(&world);
    assert_int_equal(stations_last(&world, SERVER)->seq, 2);
    assert_memory_equal(stations_last(&world, SERVER)->src_mac, router_mac[ROUTER_B], 6);
    /* It comes back and has forgotten who its neighbours are. */
    flue_net_router_down(&world.net, ROUTER_A, 0);
    (void)stations_send(&world, CLIENT, segment(0, CLIENT, SERVER, 3, 0, NONE));
    stations_run(&world);
    assert_int_equal(stations_last(&world, SERVER)->flags, FLUE_NEIGHBOUR_REQUEST);
    assert_int_equal(totals_of(ROUTER_A).asked, 1);
    /* Both dead: nothing passes. */
    flue_net_router_down(&world.net, ROUTER_A, 1);
    flue_net_router_down(&world.net, ROUTER_B, 1);
    assert_int_equal(totals_of(ROUTER_A).unroutable, 1); /* what waited */
    world.station[SERVER].heard = 0;
    (void)stations_send(&world, CLIENT, segment(0, CLIENT, SERVER, 4, 0, NONE));
    stations_run(&world);
    assert_int_equal(world.station[SERVER].heard, 0);
    close_world();
}

/* An address that nobody has: questions a second apart at most, the oldest of more than 64 frames gives way. */
static void nobody_answers(void **state)
{
    (void)state;
    open_world(1500);
    for (uint32_t i = 0; i < 70; i++)
        (void)stations_send(&world, CLIENT, segment(0, CLIENT, 77, i, 0, NONE));
    stations_run(&world);
    assert_int_equal(totals_of(ROUTER_A).asked, 1);
    assert_int_equal(totals_of(ROUTER_A).unroutable, 6);
    world.net.run(world.net.ctx, 5 * FLUE_PS_PER_S);
    (void)stations_send(&world, CLIENT, segment(0, CLIENT, 77, 70, 0, NONE));
    stations_run(&world);
    assert_int_equal(totals_of(ROUTER_A).asked, 2);
    world.station[OTHER].heard = 0;
    (void)stations_send(&world, OTHER,
                        neighbour(0, FLUE_NEIGHBOUR_ANSWER, node_ip(0, 77), router_ip(0, 0), router_mac[0]));
    stations_run(&world);
    assert_int_equal(world.station[OTHER].heard, 1); /* the others have waited too long */
    assert_int_equal(stations_last(&world, OTHER)->seq, 70);
    assert_int_equal(totals_of(ROUTER_A).unroutable, 70);
    close_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_say_where_they_are),
        cmocka_unit_test(they_forward_both_ways),
        cmocka_unit_test(an_announcement_moves_a_neighbour),
        cmocka_unit_test(errors_come_back),
        cmocka_unit_test(the_client_is_told_as_well),
        cmocka_unit_test(the_second_takes_over),
        cmocka_unit_test(nobody_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
