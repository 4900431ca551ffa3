/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames of every kind on ns-3's Ethernet and on its point-to-point channel: they arrive as they were sent, and as many
 * of them as on the switch. */
#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#include "flue_ns3.h"
#include "support/test.h"
#include "unit/frame/kinds.h"
#include "unit/wire/stations.h"

enum { NODES = 4 };

static const struct flue_ns3_api *api;
static struct stations world, star;

static const uint16_t vids[3] = {7, 100, 4094};
static const struct flue_switch_node node = {.facts = {.rate_bps = UINT64_C(1000000000),
                                                       .delay_ps = FLUE_PS_PER_US,
                                                       .framing_bytes = 18,
                                                       .mtu_bytes = 1500,
                                                       .queue_frames = 100},
                                             .tagged_vids = vids,
                                             .tagged_count = 3};
static struct flue_switch_node nodes[NODES];
static const struct flue_switch_params params = {.nodes = nodes, .node_count = NODES, .seed = 3};

static void open_lan(void)
{
    char message[200];

    for (unsigned i = 0; i < NODES; i++)
        nodes[i] = node;
    assert_int_equal(api->open_lan(&params, &world.net, message, sizeof message), FLUE_OK);
    stations_attach(&world, NODES);
}

static bool same(const struct flue_frame *a, const struct flue_frame *b)
{
    return a->kind == b->kind && a->vlan == b->vlan && a->ip == b->ip && a->fragment == b->fragment &&
           a->ethertype == b->ethertype && flue_ip_equal(&a->src_ip, &b->src_ip) &&
           flue_ip_equal(&a->dst_ip, &b->dst_ip) && a->flags == b->flags && a->seq == b->seq && a->ack == b->ack &&
           a->src_port == b->src_port && a->dst_port == b->dst_port && a->options == b->options && a->mss == b->mss &&
           a->ttl == b->ttl && a->ip_id == b->ip_id && memcmp(a->src_mac, b->src_mac, 6) == 0 &&
           memcmp(a->dst_mac, b->dst_mac, 6) == 0 && a->payload.length_bytes == b->payload.length_bytes &&
           (a->payload.length_bytes == 0 || (b->payload.memory == NULL && a->payload.stream == b->payload.stream &&
                                             a->payload.offset_bytes == b->payload.offset_bytes)) &&
           (a->kind != FLUE_FRAME_ICMP || flue_ip_equal(&a->quoted_ip, &b->quoted_ip));
}

/* A known frame with described payload, as nodes send it. */
static struct flue_frame described(size_t i)
{
    struct flue_frame frame = known[i].frame;

    frame.payload.memory = NULL;
    frame.payload.stream = frame.payload.length_bytes == 0 ? 0 : 9;
    frame.payload.offset_bytes = frame.payload.length_bytes == 0 ? 0 : 1000 + i;
    return frame;
}

static void frames_of_every_kind_pass_unchanged(void **state)
{
    (void)state;
    open_lan();
    assert_int_equal(world.net.wire(world.net.ctx, 3)->facts.has_mac, 1);
    assert_int_equal(world.net.wire(world.net.ctx, 3)->facts.mac[5], 4);
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        const struct flue_frame frame = described(i);
        const bool to_all = (frame.dst_mac[0] & 1) != 0;

        assert_int_equal(stations_send(&world, 0, frame), FLUE_WIRE_SENT); /* node 0 is 02:00:00:00:00:01 */
        stations_run(&world);
        for (unsigned n = 0; n < NODES; n++) {
            const unsigned wanted = n == 1 || (to_all && n > 1);

            if (world.station[n].heard != wanted || (wanted != 0 && !same(&frame, stations_last(&world, n))))
                fail_msg("%s: node %u heard %u, or another frame", known[i].what, n, world.station[n].heard);
            world.station[n].heard = 0;
        }
    }
    world.net.free(world.net.ctx);
}

static void foreign_vlans_are_not_heard(void **state)
{
    struct flue_frame frame = described(0);
    struct flue_net_port_totals totals;

    (void)state;
    open_lan();
    frame.vlan = 8;
    (void)stations_send(&world, 0, frame);
    frame.vlan = 5 << 13;
    (void)stations_send(&world, 0, frame);
    stations_run(&world);
    assert_int_equal(world.station[1].heard, 1);
    assert_int_equal(stations_last(&world, 1)->vlan, 5 << 13);
    world.net.port_totals(world.net.ctx, 1, &totals);
    assert_int_equal(totals.filtered, 1);
    assert_int_equal(totals.received, 1);
    world.net.free(world.net.ctx);
}

/* Two nodes speak at once: the bus makes one of them wait, a switch does not; all arrives on both. */
static void as_many_arrive_as_on_the_switch(void **state)
{
    (void)state;
    open_lan();
    assert_int_equal(flue_net_switch(&params, &star.net), FLUE_OK);
    stations_attach(&star, NODES);
    for (uint32_t turn = 0; turn < 2; turn++) {
        struct stations *network = turn == 0 ? &world : &star;

        /* They get to know each other; then everybody sends to the next. */
        for (unsigned n = 0; n < NODES; n++) {
            (void)stations_send(network, n, described(0));
            stations_run(network);
        }
        for (uint32_t i = 0; i < 10; i++) {
            for (unsigned n = 0; n < NODES; n++) {
                struct flue_frame frame = stations_segment(i, 1000);

                flue_net_mac((n + 1) % NODES, frame.dst_mac);
                assert_int_equal(stations_send(network, n, frame), FLUE_WIRE_SENT);
            }
        }
        stations_run(network);
    }
    for (unsigned n = 0; n < NODES; n++) {
        struct flue_net_port_totals bus, own;

        world.net.port_totals(world.net.ctx, n, &bus);
        star.net.port_totals(star.net.ctx, n, &own);
        assert_int_equal(world.station[n].heard, NODES - 1 + 10);
        assert_int_equal(star.station[n].heard, NODES - 1 + 10);
        assert_int_equal(bus.sent, own.sent);
        assert_int_equal(bus.received, own.received);
        assert_int_equal(stations_last(&world, n)->seq, 9);
        assert_int_equal(stations_last(&star, n)->seq, 9);
    }
    star.net.free(star.net.ctx);
    world.net.free(world.net.ctx);
}

/* 1,040 + 18 bytes at 1 Gb/s and a microsecond. */
static void a_frame_takes_as_long_as_its_bytes(void **state)
{
    struct flue_frame frame = stations_segment(1, 1000);

    (void)state;
    open_lan();
    flue_net_mac(1, frame.dst_mac);
    (void)stations_send(&world, 0, frame);
    stations_run(&world);
    assert_int_equal(world.station[1].at_ps[0], 1058 * 8000 + FLUE_PS_PER_US);
    frame.vlan = 7;
    frame.payload.length_bytes = 0;
    (void)stations_send(&world, 0, frame);
    stations_run(&world);
    assert_int_equal(world.station[1].at_ps[1] - world.station[1].at_ps[0], (46 + 4 + 18) * 8000 + FLUE_PS_PER_US);
    world.net.free(world.net.ctx);
}

static void point_to_point_carries_both_families(void **state)
{
    struct flue_net_params two = {.facts = node.facts, .seed = 3};
    char message[200];

    (void)state;
    two.facts.framing_bytes = 2;
    assert_int_equal(api->open(&two, &world.net, message, sizeof message), FLUE_OK);
    stations_attach(&world, 2);
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        struct flue_frame frame = described(i);
        const struct flue_wire *wire = world.net.wire(world.net.ctx, 0);

        if (frame.kind == FLUE_FRAME_ARP) {
            assert_int_equal(wire->send(wire->ctx, &frame), FLUE_WIRE_FULL);
            continue;
        }
        assert_int_equal(wire->send(wire->ctx, &frame), FLUE_WIRE_SENT);
        stations_run(&world);
        assert_int_equal(world.station[1].heard, 1);
        world.station[1].heard = 0;
        if (frame.kind == FLUE_FRAME_ND)
            continue; /* has MAC addresses, which this wire does not carry */
        frame.vlan = 0;
        memset(frame.src_mac, 0, sizeof frame.src_mac);
        memset(frame.dst_mac, 0, sizeof frame.dst_mac);
        if (!same(&frame, &world.station[1].frame[0]))
            fail_msg("%s: another frame", known[i].what);
    }
    world.net.free(world.net.ctx);
}

/* How often each node has heard something since. */
static void heard(unsigned out[NODES])
{
    for (unsigned n = 0; n < NODES; n++)
        out[n] = world.station[n].heard;
}

/* Two adapters of a team send from one MAC address; what is for it goes to the one that sent last. */
static void the_bridge_learns_where_an_address_is(void **state)
{
    enum { PEER, FIRST, SECOND, OTHER };
    const struct flue_wire *wire;
    char message[200];

    (void)state;
    for (unsigned i = 0; i < NODES; i++)
        nodes[i] = node;
    assert_int_equal(api->open_switch(&params, &world.net, message, sizeof message), FLUE_OK);
    stations_attach(&world, NODES);
    for (unsigned round = 0; round < 6; round++) {
        const unsigned active = round % 2 == 0 ? FIRST : SECOND;
        struct flue_frame frame = stations_segment(round, 1000);
        unsigned before[NODES], after[NODES];

        flue_net_mac(PEER, frame.dst_mac);
        flue_net_mac(FIRST, frame.src_mac);
        frame.vlan = round < 3 ? 0 : 7;
        wire = world.net.wire(world.net.ctx, active);
        assert_int_equal(wire->send(wire->ctx, &frame), FLUE_WIRE_SENT);
        stations_run(&world);
        flue_net_mac(FIRST, frame.dst_mac);
        heard(before);
        (void)stations_send(&world, PEER, frame);
        stations_run(&world);
        heard(after);
        for (unsigned n = 0; n < NODES; n++)
            assert_int_equal(after[n], before[n] + (n == active));
        frame.src_mac[5] = PEER + 1;
        assert_true(same(stations_last(&world, active), &frame));
    }
    /* What is for nobody that is known, and for all, goes everywhere. */
    for (unsigned round = 0; round < 2; round++) {
        struct flue_frame frame = stations_segment(round, 10);
        unsigned before[NODES], after[NODES];

        memset(frame.dst_mac, round == 0 ? 0xff : 0x42, 6);
        heard(before);
        (void)stations_send(&world, PEER, frame);
        stations_run(&world);
        heard(after);
        for (unsigned n = 0; n < NODES; n++)
            assert_int_equal(after[n], before[n] + (n != PEER));
    }
    world.net.free(world.net.ctx);
}

static void what_cannot_be_built_is_refused(void **state)
{
    struct flue_switch_node other[2];
    struct flue_switch_params wrong = {.nodes = other, .node_count = 2};
    struct flue_net net;
    char message[200];

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        other[0] = other[1] = node;
        other[1].facts.framing_bytes = i == 0 ? 2 : 18;
        other[1].facts.rate_bps += i == 1;
        other[1].facts.mtu_bytes += i == 2 ? 8000 : 0;
        other[1].behind_routers = i == 3;
        wrong.node_count = i == 4 ? 0 : 2;
        message[0] = '\0';
        assert_int_equal(api->open_lan(&wrong, &net, message, sizeof message), FLUE_EINVAL);
        assert_non_null(strstr(message, "--net ns3: "));
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_every_kind_pass_unchanged),   cmocka_unit_test(foreign_vlans_are_not_heard),
        cmocka_unit_test(as_many_arrive_as_on_the_switch),       cmocka_unit_test(a_frame_takes_as_long_as_its_bytes),
        cmocka_unit_test(point_to_point_carries_both_families),  cmocka_unit_test(what_cannot_be_built_is_refused),
        cmocka_unit_test(the_bridge_learns_where_an_address_is),
    };
    const struct flue_ns3_api *(*entry)(void) = NULL;
    void *module = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;

    if (module == NULL)
        return 77;
    *(void **)&entry = dlsym(module, "flue_ns3_functions");
    if (entry == NULL)
        return 1;
    api = entry();
    if (api->abi != FLUE_NS3_ABI)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
