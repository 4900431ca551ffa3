/* SPDX-License-Identifier: GPL-2.0-only */
/* A switched network whose routers are ns-3's: ways through either router, ARP, a router that goes down, packets cut on
 * their way. */
#include <stdbool.h>
#include <string.h>

#include "flue_ns3.h"
#include "support/test.h"
#include "unit/wire/stations.h"

enum { SERVER, SECOND, FAR, NARROW, NODES, ROUTERS = 2 };

#define SERVER_IP 0x0A000001u
#define ROUTER_IP 0x0A0000FDu
#define FAR_IP    0x0A010000u

static const struct flue_ns3_api *api;
static struct stations world;

static const struct flue_wire_facts facts = {
    .rate_bps = UINT64_C(1000000000), .delay_ps = FLUE_PS_PER_US, .mtu_bytes = 1500, .queue_frames = 100};
static struct flue_switch_node nodes[NODES];
static struct flue_switch_router routers[ROUTERS];
static const struct flue_switch_params params = {
    .nodes = nodes, .node_count = NODES, .routers = routers, .router_count = ROUTERS, .seed = 3};

static void fill(void)
{
    for (unsigned i = 0; i < NODES; i++)
        nodes[i] = (struct flue_switch_node){.facts = facts};
    for (unsigned i = FAR; i <= NARROW; i++) {
        nodes[i].behind_routers = 1;
        nodes[i].ip[0] = flue_ip_v4(FAR_IP + 256 * (i - FAR));
        nodes[i].ip[1] = flue_ip_v4(FAR_IP + 256 * (i - FAR) + 1);
    }
    nodes[NARROW].facts.mtu_bytes = 1000;
    for (unsigned i = 0; i < ROUTERS; i++)
        routers[i] = (struct flue_switch_router){.facts = facts, .ip4 = flue_ip_v4(ROUTER_IP + i)};
}

static void open_routed(void)
{
    char message[200];

    fill();
    assert_int_equal(api->open_routed(&params, &world.net, message, sizeof message), FLUE_OK);
    stations_attach(&world, NODES);
}

static struct flue_frame segment(uint32_t from, uint32_t to, uint32_t bytes)
{
    struct flue_frame frame = stations_segment(7, bytes);

    frame.src_ip = flue_ip_v4(from);
    frame.dst_ip = flue_ip_v4(to);
    frame.ttl = 64;
    return frame;
}

static void router_mac(unsigned router, uint8_t *mac)
{
    flue_net_mac(router, mac);
    mac[2] = 1;
}

/* The server asks for a router's address.  Is there an answer? */
static bool answers(unsigned router)
{
    struct flue_frame ask = {.kind = FLUE_FRAME_ARP,
                             .ethertype = FLUE_ETHERTYPE_ARP,
                             .flags = FLUE_NEIGHBOUR_REQUEST,
                             .src_ip = flue_ip_v4(SERVER_IP),
                             .dst_ip = flue_ip_v4(ROUTER_IP + router)};
    const unsigned before = world.station[SERVER].heard;
    uint8_t mac[6];

    memset(ask.dst_mac, 0xff, 6);
    (void)stations_send(&world, SERVER, ask);
    stations_run(&world);
    if (world.station[SERVER].heard == before)
        return false;
    router_mac(router, mac);
    assert_int_equal(stations_last(&world, SERVER)->flags, FLUE_NEIGHBOUR_ANSWER);
    assert_memory_equal(stations_last(&world, SERVER)->src_mac, mac, 6);
    return true;
}

/* The server has just been asked for its address by this router, and answers. */
static void answer(unsigned router)
{
    const struct flue_frame *asked = stations_last(&world, SERVER);
    struct flue_frame out = *asked;
    uint8_t mac[6];

    router_mac(router, mac);
    assert_int_equal(asked->kind, FLUE_FRAME_ARP);
    assert_int_equal(asked->flags, FLUE_NEIGHBOUR_REQUEST);
    assert_int_equal(asked->dst_ip.word[3], SERVER_IP);
    assert_memory_equal(asked->src_mac, mac, 6);
    out.flags = FLUE_NEIGHBOUR_ANSWER;
    out.dst_ip = asked->src_ip;
    out.src_ip = asked->dst_ip;
    memcpy(out.dst_mac, mac, 6);
    (void)stations_send(&world, SERVER, out);
}

/* A frame from behind the routers reaches the server through this router. */
static void comes_through(unsigned router)
{
    const unsigned before = world.station[SERVER].heard;

    (void)stations_send(&world, FAR, segment(FAR_IP + 1, SERVER_IP, 100));
    world.net.run(world.net.ctx, world.net.now(world.net.ctx) + FLUE_PS_PER_MS);
    assert_int_equal(world.station[SERVER].heard, before + 1);
    if (stations_last(&world, SERVER)->kind == FLUE_FRAME_ARP) {
        answer(router);
        stations_run(&world);
        assert_int_equal(world.station[SERVER].heard, before + 2);
    }
    assert_int_equal(stations_last(&world, SERVER)->kind, FLUE_FRAME_TCP);
    assert_int_equal(stations_last(&world, SERVER)->ttl, 62); /* the core, and the router */
    assert_int_equal(stations_last(&world, SERVER)->payload.length_bytes, 100);
    assert_null(stations_last(&world, SERVER)->payload.memory);
    assert_int_equal(stations_last(&world, SERVER)->src_ip.word[3], FAR_IP + 1);
    assert_int_equal(stations_last(&world, SERVER)->src_mac[2], 1);
    assert_int_equal(stations_last(&world, SERVER)->src_mac[5], router + 1);
}

static void nodes_behind_are_reached_through_either_router(void **state)
{
    struct flue_net_router_totals totals;

    (void)state;
    open_routed();
    for (unsigned r = 0; r < ROUTERS; r++) {
        for (uint32_t i = 0; i < 2; i++) {
            struct flue_frame frame = segment(SERVER_IP, FAR_IP + i, 1000);

            router_mac(r, frame.dst_mac);
            frame.payload.stream = 5;
            frame.payload.offset_bytes = UINT64_C(5000000000) + i;
            (void)stations_send(&world, SERVER, frame);
            stations_run(&world);
            assert_int_equal(world.station[FAR].heard, 2 * r + i + 1);
            assert_int_equal(stations_last(&world, FAR)->ttl, 62);
            assert_int_equal(stations_last(&world, FAR)->payload.stream, 5);
            assert_true(stations_last(&world, FAR)->payload.offset_bytes == UINT64_C(5000000000) + i);
        }
        world.net.router_totals(world.net.ctx, r, &totals);
        assert_int_equal(totals.forwarded, 2);
    }
    assert_int_equal(world.station[NARROW].heard, 0);
    assert_int_equal(world.net.wire(world.net.ctx, SERVER)->facts.framing_bytes, 18);
    assert_int_equal(world.net.wire(world.net.ctx, FAR)->facts.framing_bytes, 2);
    assert_int_equal(world.net.wire(world.net.ctx, FAR)->facts.has_mac, 0);
    world.net.free(world.net.ctx);
}

static void a_router_that_is_down_is_silent_and_not_used(void **state)
{
    struct flue_frame frame;
    unsigned before;

    (void)state;
    open_routed();
    assert_true(answers(0));
    assert_true(answers(1));
    comes_through(0);
    comes_through(0);
    world.net.router_down(world.net.ctx, 0, 1);
    assert_false(answers(0));
    assert_true(answers(1));
    comes_through(1);
    frame = segment(SERVER_IP, FAR_IP, 10);
    router_mac(0, frame.dst_mac);
    before = world.station[FAR].heard;
    (void)stations_send(&world, SERVER, frame);
    stations_run(&world);
    assert_int_equal(world.station[FAR].heard, before);
    world.net.router_down(world.net.ctx, 1, 1);
    assert_false(answers(1));
    before = world.station[SERVER].heard;
    (void)stations_send(&world, FAR, segment(FAR_IP, SERVER_IP, 10));
    stations_run(&world);
    assert_int_equal(world.station[SERVER].heard, before);
    /* It comes back, and has forgotten its neighbours: it asks again. */
    world.net.router_down(world.net.ctx, 0, 0);
    assert_true(answers(0));
    comes_through(0);
    world.net.free(world.net.ctx);
}

/* ns-3 cuts it, whatever "don't fragment" says; each piece is told as what it is of the stream. */
static void what_is_too_long_arrives_in_pieces(void **state)
{
    struct flue_frame frame = segment(SERVER_IP, FAR_IP + 256, 1400);
    const struct flue_frame *first, *second;

    (void)state;
    open_routed();
    router_mac(0, frame.dst_mac);
    frame.payload.stream = 3;
    frame.payload.offset_bytes = 10000;
    (void)stations_send(&world, SERVER, frame);
    stations_run(&world);
    assert_int_equal(world.station[NARROW].heard, 2);
    first = &world.station[NARROW].frame[0];
    second = &world.station[NARROW].frame[1];
    assert_int_equal(first->kind, FLUE_FRAME_FRAGMENT);
    assert_int_equal(first->fragment, FLUE_FRAGMENT_MORE);
    assert_int_equal(first->payload.offset_bytes, 10000);
    assert_int_equal(second->kind, FLUE_FRAME_FRAGMENT);
    assert_int_equal(second->payload.stream, 3);
    assert_int_equal(second->payload.offset_bytes, 10000 + first->payload.length_bytes);
    assert_int_equal(first->payload.length_bytes + second->payload.length_bytes, 1400);
    world.net.free(world.net.ctx);
}

static struct flue_net_port_totals port_totals(unsigned node)
{
    struct flue_net_port_totals totals;

    world.net.port_totals(world.net.ctx, node, &totals);
    return totals;
}

/* One node's frames have the VLAN's tag, another's have none, the routers know nothing of it. */
static void the_port_takes_the_tag_away_and_puts_it_on(void **state)
{
    static const uint16_t vid = 7;
    struct flue_frame frame = segment(SERVER_IP, FAR_IP, 10);
    char message[200];

    (void)state;
    fill();
    routers[0].vid = routers[1].vid = nodes[SECOND].untagged_vid = vid;
    nodes[SERVER].untagged_vid = FLUE_VLAN_NONE;
    nodes[SERVER].tagged_count = 1;
    nodes[SERVER].tagged_vids = &vid;
    assert_int_equal(api->open_routed(&params, &world.net, message, sizeof message), FLUE_OK);
    stations_attach(&world, NODES);
    router_mac(0, frame.dst_mac);
    for (uint16_t sent = 0; sent < 9; sent++) {
        frame.vlan = (uint16_t)(5u << 13 | sent);
        (void)stations_send(&world, SERVER, frame);
        stations_run(&world);
    }
    assert_int_equal(world.station[FAR].heard, 1);
    assert_int_equal(stations_last(&world, FAR)->vlan, 0);
    assert_int_equal(port_totals(SERVER).filtered, 8);
    flue_net_mac(SECOND, frame.dst_mac);
    frame.vlan = vid;
    (void)stations_send(&world, SERVER, frame);
    stations_run(&world);
    assert_int_equal(world.station[SECOND].heard, 1);
    assert_int_equal(stations_last(&world, SECOND)->vlan, 0);
    flue_net_mac(SERVER, frame.dst_mac);
    frame.vlan = 0;
    (void)stations_send(&world, SECOND, frame);
    stations_run(&world);
    assert_int_equal(world.station[SERVER].heard, 1);
    assert_int_equal(stations_last(&world, SERVER)->vlan, vid);
    world.net.free(world.net.ctx);
}

/* Both kinds of ports: on the Ethernet, and at the end of a link. */
static void a_port_without_its_link_neither_hears_nor_says_anything(void **state)
{
    const unsigned down[] = {SERVER, FAR};

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(down); i++) {
        struct flue_frame frame = segment(SERVER_IP, FAR_IP, 1000);

        open_routed();
        router_mac(0, frame.dst_mac);
        (void)stations_send(&world, SERVER, frame);
        stations_run(&world);
        assert_int_equal(world.station[FAR].heard, 1);
        world.net.port_down(world.net.ctx, down[i], 1);
        world.net.port_down(world.net.ctx, down[i], 1);
        assert_int_equal(world.station[down[i]].downs, 0); /* told in an event of its own */
        assert_int_equal(stations_send(&world, SERVER, frame), FLUE_WIRE_SENT);
        stations_run(&world);
        assert_int_equal(world.station[down[i]].downs, 1);
        assert_int_equal(world.station[FAR].heard, 1);
        assert_int_equal(port_totals(down[i]).lost_down, 1);
        world.net.port_down(world.net.ctx, down[i], 0);
        (void)stations_send(&world, SERVER, frame);
        stations_run(&world);
        assert_int_equal(world.station[down[i]].ups, 1);
        assert_int_equal(world.station[FAR].heard, 2);
        /* What waits in the device is lost; what it is sending is not. */
        for (unsigned k = 0; k < 5; k++)
            (void)stations_send(&world, SERVER, frame);
        world.net.port_down(world.net.ctx, SERVER, 1);
        world.net.port_down(world.net.ctx, SERVER, 0);
        stations_run(&world);
        assert_int_equal(world.station[FAR].heard, 3);
        assert_int_equal(port_totals(SERVER).lost_down, down[i] == SERVER ? 5 : 4);
        world.net.free(world.net.ctx);
    }
}

/* ---- IPv6 ---- */

static struct flue_ip six(uint32_t network, uint32_t node)
{
    return (struct flue_ip){{0xfd000002u, network, 0, node}};
}

static void open_six(void)
{
    char message[200];

    fill();
    nodes[NARROW].facts.mtu_bytes = 1280;
    nodes[FAR].ip[1] = six(1, FAR);
    nodes[NARROW].ip[1] = six(1, NARROW);
    for (unsigned i = 0; i < ROUTERS; i++)
        routers[i].ip6 = six(0, 100 + i);
    assert_int_equal(api->open_routed(&params, &world.net, message, sizeof message), FLUE_OK);
    stations_attach(&world, NODES);
}

static struct flue_frame segment6(unsigned to, unsigned router, uint32_t bytes)
{
    struct flue_frame frame = segment(0, 0, bytes);

    frame.ethertype = FLUE_ETHERTYPE_IPV6;
    frame.src_ip = six(to == SERVER ? 1 : 0, to == SERVER ? FAR : 1 + SERVER);
    frame.dst_ip = six(to == SERVER ? 0 : 1, to == SERVER ? 1 + SERVER : to);
    router_mac(router, frame.dst_mac);
    return frame;
}

/* The server asks for a router's address. */
static bool answers6(unsigned router)
{
    struct flue_frame ask = {.kind = FLUE_FRAME_ND,
                             .ethertype = FLUE_ETHERTYPE_IPV6,
                             .flags = FLUE_NEIGHBOUR_REQUEST,
                             .src_ip = six(0, 1 + SERVER),
                             .dst_ip = six(0, 100 + router),
                             .ttl = 255};
    const unsigned before = world.station[SERVER].heard;
    const struct flue_frame *told;
    uint8_t mac[6];

    router_mac(router, ask.dst_mac);
    (void)stations_send(&world, SERVER, ask);
    world.net.run(world.net.ctx, world.net.now(world.net.ctx) + FLUE_PS_PER_MS);
    if (world.station[SERVER].heard == before)
        return false;
    told = stations_last(&world, SERVER);
    router_mac(router, mac);
    assert_int_equal(told->kind, FLUE_FRAME_ND);
    assert_int_equal(told->flags & FLUE_NEIGHBOUR_ANSWER, FLUE_NEIGHBOUR_ANSWER);
    assert_memory_equal(told->src_mac, mac, 6);
    return true;
}

/* From behind the routers to the server: it is asked for its address first, and answers. */
static void comes_through6(unsigned router, bool asks)
{
    const unsigned before = world.station[SERVER].heard;
    const struct flue_frame *last;

    (void)stations_send(&world, FAR, segment6(SERVER, 0, 100));
    world.net.run(world.net.ctx, world.net.now(world.net.ctx) + FLUE_PS_PER_MS);
    assert_int_equal(world.station[SERVER].heard, before + 1);
    last = stations_last(&world, SERVER);
    if (asks) {
        struct flue_frame out = *last;

        assert_int_equal(last->kind, FLUE_FRAME_ND);
        assert_int_equal(last->flags & FLUE_NEIGHBOUR_REQUEST, FLUE_NEIGHBOUR_REQUEST);
        out.flags = FLUE_NEIGHBOUR_ANSWER;
        out.src_ip = six(0, 1 + SERVER);
        out.dst_ip = last->src_ip;
        router_mac(router, out.dst_mac);
        (void)stations_send(&world, SERVER, out);
        world.net.run(world.net.ctx, world.net.now(world.net.ctx) + FLUE_PS_PER_MS);
        assert_int_equal(world.station[SERVER].heard, before + 2);
        last = stations_last(&world, SERVER);
    }
    assert_int_equal(last->kind, FLUE_FRAME_TCP);
    assert_int_equal(last->ttl, 62);
    assert_int_equal(last->payload.length_bytes, 100);
    assert_int_equal(last->src_mac[5], router + 1);
}

static void both_families_pass_either_router(void **state)
{
    struct flue_net_router_totals totals;

    (void)state;
    open_six();
    comes_through(0);
    comes_through6(0, true);
    comes_through6(0, false);
    for (unsigned r = 0; r < ROUTERS; r++) {
        assert_true(answers6(r)); /* and from now on knows the server */
        for (unsigned i = 0; i < 2; i++) {
            const unsigned to = i == 0 ? FAR : NARROW;
            struct flue_frame frame = segment6(to, r, 900);

            frame.payload.stream = 5;
            frame.payload.offset_bytes = UINT64_C(5000000000) + i;
            (void)stations_send(&world, SERVER, frame);
            world.net.run(world.net.ctx, world.net.now(world.net.ctx) + FLUE_PS_PER_MS);
            assert_int_equal(world.station[to].heard, r + 1);
            assert_int_equal(stations_last(&world, to)->ttl, 62);
            assert_int_equal(stations_last(&world, to)->payload.stream, 5);
            assert_true(stations_last(&world, to)->payload.offset_bytes == UINT64_C(5000000000) + i);
        }
        world.net.router_totals(world.net.ctx, r, &totals);
        assert_int_equal(totals.forwarded, r == 0 ? 5 : 2);
    }
    world.net.router_down(world.net.ctx, 0, 1);
    assert_false(answers6(0));
    comes_through6(1, false);
    world.net.router_down(world.net.ctx, 0, 0);
    comes_through6(0, true); /* it has forgotten its neighbours */
    assert_true(answers6(0));
    world.net.free(world.net.ctx);
}

/* What is longer than the next wire takes is not sent on; its sender is told (RFC 8201). */
static void a_packet_too_long_is_reported(void **state)
{
    (void)state;
    open_six();
    assert_true(answers6(1));
    for (unsigned round = 0; round < 2; round++) {
        const uint32_t mtu = round == 0 ? 1280 : 1330;
        const unsigned before = world.station[SERVER].heard;
        struct flue_frame frame = segment6(NARROW, 1, 1400);
        const struct flue_frame *told;

        world.net.behind_mtu(world.net.ctx, NARROW, mtu);
        (void)stations_send(&world, SERVER, frame);
        world.net.run(world.net.ctx, world.net.now(world.net.ctx) + FLUE_PS_PER_MS);
        assert_int_equal(world.station[NARROW].heard, 0);
        assert_true(world.station[SERVER].heard > before);
        told = stations_last(&world, SERVER);
        if (told->kind == FLUE_FRAME_ND) { /* the router asks whose address that is */
            struct flue_frame out = *told;

            out.flags = FLUE_NEIGHBOUR_ANSWER;
            out.src_ip = six(0, 1 + SERVER);
            out.dst_ip = told->src_ip;
            router_mac(0, out.dst_mac);
            (void)stations_send(&world, SERVER, out);
            world.net.run(world.net.ctx, world.net.now(world.net.ctx) + FLUE_PS_PER_MS);
            told = stations_last(&world, SERVER);
        }
        assert_int_equal(told->kind, FLUE_FRAME_ICMP);
        assert_int_equal(told->mss, mtu);
    }
    for (uint32_t longer = 0; longer < 2; longer++) { /* to the byte */
        (void)stations_send(&world, SERVER, segment6(NARROW, 1, 1330 - 60 + longer));
        world.net.run(world.net.ctx, world.net.now(world.net.ctx) + FLUE_PS_PER_MS);
        assert_int_equal(world.station[NARROW].heard, 1);
    }
    world.net.free(world.net.ctx);
}

/* It says so to all at once, answers by it and sends from it; a second change brings the first address back. */
static void a_router_comes_with_another_mac_address(void **state)
{
    (void)state;
    open_routed();
    for (unsigned round = 0; round < 3; round++) {
        struct flue_frame frame = segment(SERVER_IP, FAR_IP, 10);
        const unsigned before = world.station[SERVER].heard, far = world.station[FAR].heard;
        const struct flue_frame *told;
        uint8_t mac[6];

        router_mac(1, mac);
        mac[2] ^= round % 2 == 0 ? 0x80 : 0;
        world.net.router_mac(world.net.ctx, 1);
        stations_run(&world);
        assert_int_equal(world.station[SERVER].heard, before + 1);
        told = stations_last(&world, SERVER);
        assert_int_equal(told->kind, FLUE_FRAME_ARP);
        assert_int_equal(told->flags, FLUE_NEIGHBOUR_REQUEST);
        assert_int_equal(told->src_ip.word[3], ROUTER_IP + 1);
        assert_int_equal(told->dst_ip.word[3], ROUTER_IP + 1);
        assert_memory_equal(told->src_mac, mac, 6);
        memcpy(frame.dst_mac, mac, 6);
        (void)stations_send(&world, SERVER, frame);
        frame.dst_mac[2] ^= 0x80; /* the other one is nobody's now */
        (void)stations_send(&world, SERVER, frame);
        stations_run(&world);
        assert_int_equal(world.station[FAR].heard, far + 1);
    }
    world.net.router_mac(world.net.ctx, ROUTERS); /* there is none */
    world.net.free(world.net.ctx);
}

static void what_cannot_be_built_is_refused(void **state)
{
    static const uint16_t vid = 7;
    struct flue_net net;
    char message[200];

    (void)state;
    for (unsigned i = 0; i < 9; i++) {
        struct flue_switch_params wrong = params;

        fill();
        routers[1].facts.rate_bps += i == 0;
        routers[0].vid = i == 1 ? vid : 0;
        nodes[0].tagged_count = i == 2;
        nodes[0].tagged_vids = &vid;
        if (i == 3)
            nodes[FAR].ip[0] = (struct flue_ip){{0, 0, 0, 0}};
        routers[1].ip6.word[0] = i == 4 ? 0xfe800000u : 0;
        wrong.router_count = i == 5 ? 0 : 2;
        if (i == 7)
            nodes[FAR].ip[1] = six(1, FAR); /* and no router knows the family */
        if (i == 8) {
            routers[0].ip6 = routers[1].ip6 = six(0, 100);
            nodes[NARROW].ip[1] = six(1, NARROW); /* whose wire takes less than RFC 8200 5 asks for */
        }
        nodes[FAR].facts.mtu_bytes = i == 6 ? 9500 : 1500;
        message[0] = '\0';
        assert_int_equal(api->open_routed(&wrong, &net, message, sizeof message), FLUE_EINVAL);
        assert_non_null(strstr(message, "--net ns3: "));
    }
    open_routed(); /* and nothing of them is left open */
    world.net.free(world.net.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_behind_are_reached_through_either_router),
        cmocka_unit_test(a_router_that_is_down_is_silent_and_not_used),
        cmocka_unit_test(what_is_too_long_arrives_in_pieces),
        cmocka_unit_test(the_port_takes_the_tag_away_and_puts_it_on),
        cmocka_unit_test(a_port_without_its_link_neither_hears_nor_says_anything),
        cmocka_unit_test(both_families_pass_either_router),
        cmocka_unit_test(a_packet_too_long_is_reported),
        cmocka_unit_test(a_router_comes_with_another_mac_address),
        cmocka_unit_test(what_cannot_be_built_is_refused),
    };

    api = flue_ns3_functions();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
