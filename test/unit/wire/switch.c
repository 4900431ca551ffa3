/* SPDX-License-Identifier: GPL-2.0-only */
/* The switch: learning, flooding, VLANs, ports that go down; and a loop over many ports. */
#include <string.h>

#include "support/test.h"
#include "base/rng.h"
#include "unit/wire/stations.h"
#include "wire/events.h"
#include "wire/table.h"
#include "support/manual_env.h"

static const struct flue_wire_facts facts = {.rate_bps = UINT64_C(10000000000),
                                             .delay_ps = FLUE_PS_PER_US,
                                             .framing_bytes = 18,
                                             .mtu_bytes = 1500,
                                             .queue_frames = 100};

static struct stations world;

static void open_world(const struct flue_switch_node *nodes, uint32_t count)
{
    const struct flue_switch_params params = {.nodes = nodes, .node_count = count, .seed = 5};

    assert_int_equal(flue_net_switch(&params, &world.net), FLUE_OK);
    stations_attach(&world, count);
}

static void close_world(void)
{
    struct flue_net_totals totals;

    world.net.totals(world.net.ctx, &totals);
    assert_true(totals.memory_peak > 0);
    world.net.free(world.net.ctx);
}

static struct flue_frame to_node(unsigned node, uint32_t seq)
{
    struct flue_frame frame = stations_segment(seq, 100);

    flue_net_mac(node, frame.dst_mac);
    return frame;
}

static struct flue_frame to_all(uint32_t seq)
{
    struct flue_frame frame = stations_segment(seq, 100);

    memset(frame.dst_mac, 0xff, sizeof frame.dst_mac);
    return frame;
}

/* Each station has heard as many frames as the row says; then they forget. */
static void heard(const char *counts)
{
    for (unsigned i = 0; counts[i] != '\0'; i++) {
        if (world.station[i].heard != (unsigned)(counts[i] - '0'))
            fail_msg("station %u heard %u, of %s", i, world.station[i].heard, counts);
        world.station[i].heard = 0;
    }
}

static void it_floods_until_it_has_learnt(void **state)
{
    const struct flue_switch_node nodes[4] = {{.facts = facts}, {.facts = facts}, {.facts = facts}, {.facts = facts}};
    const struct flue_wire *wire;
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 3};

    (void)state;
    open_world(nodes, 4);
    wire = world.net.wire(world.net.ctx, 2);
    assert_int_equal(wire->facts.has_mac, 1);
    assert_memory_equal(wire->facts.mac, mac, 6);
    assert_int_equal(stations_send(&world, 0, to_node(1, 1)), FLUE_WIRE_SENT);
    stations_run(&world);
    heard("0111"); /* nobody knows node 1 */
    (void)stations_send(&world, 1, to_node(0, 2));
    stations_run(&world);
    heard("1000"); /* node 0 has sent */
    (void)stations_send(&world, 2, to_node(1, 3));
    stations_run(&world);
    heard("0100");
    (void)stations_send(&world, 1, to_all(4));
    stations_run(&world);
    heard("1011");
    (void)stations_send(&world, 1, to_node(1, 5)); /* to itself: stays where it came from */
    stations_run(&world);
    heard("0000");
    close_world();
}

/* 140 + 18 bytes at 10 Gb/s are 126,400 ps, twice, and so is the delay; 40 bytes are padded to 46. */
static void frames_take_their_time_on_both_wires(void **state)
{
    const struct flue_switch_node nodes[2] = {{.facts = facts}, {.facts = facts}};
    struct flue_frame small = stations_segment(2, 0);

    (void)state;
    open_world(nodes, 2);
    (void)stations_send(&world, 0, to_node(1, 1));
    stations_run(&world);
    assert_int_equal(world.station[1].at_ps[0], 2 * (126400 + FLUE_PS_PER_US));
    flue_net_mac(0, small.dst_mac);
    (void)stations_send(&world, 1, small);
    stations_run(&world);
    assert_int_equal(world.station[0].at_ps[0], world.station[1].at_ps[0] + 2 * (64 * 800 + FLUE_PS_PER_US));
    close_world();
}

static void vlans_do_not_hear_each_other(void **state)
{
    static const uint16_t trunk[2] = {10, 20};
    const struct flue_switch_node nodes[6] = {
        {.facts = facts, .untagged_vid = 10},
        {.facts = facts, .untagged_vid = 10},
        {.facts = facts, .untagged_vid = 20},
        {.facts = facts, .untagged_vid = FLUE_VLAN_NONE, .tagged_vids = trunk, .tagged_count = 2},
        {.facts = facts, .untagged_vid = 10, .tagged_vids = trunk + 1, .tagged_count = 1},
        {.facts = facts},
    };
    struct flue_frame frame = to_all(1);
    struct flue_net_port_totals totals;

    (void)state;
    open_world(nodes, 6);
    (void)stations_send(&world, 0, frame);
    stations_run(&world);
    assert_int_equal(stations_last(&world, 1)->vlan, 0);
    assert_int_equal(stations_last(&world, 3)->vlan, 10);
    assert_int_equal(stations_last(&world, 4)->vlan, 0); /* untagged there */
    heard("010110");
    frame.vlan = 6 << 13 | 20;
    (void)stations_send(&world, 3, frame);
    stations_run(&world);
    assert_int_equal(stations_last(&world, 2)->vlan, 0);
    assert_int_equal(stations_last(&world, 4)->vlan, 6 << 13 | 20);
    heard("001010");
    frame.vlan = 0;
    (void)stations_send(&world, 3, frame); /* a trunk takes no frame without a tag */
    frame.vlan = 20;
    (void)stations_send(&world, 0, frame); /* not of its VLAN */
    stations_run(&world);
    heard("000000");
    world.net.port_totals(world.net.ctx, 3, &totals);
    assert_int_equal(totals.filtered, 1);
    frame.vlan = 3 << 13;
    (void)stations_send(&world, 0, frame); /* a tag with a priority only: the port's own VLAN */
    stations_run(&world);
    assert_int_equal(stations_last(&world, 3)->vlan, 3 << 13 | 10);
    heard("010110");
    /* The same address in two VLANs: what is learnt in one does not count in the other. */
    frame = to_node(4, 2);
    frame.vlan = 20;
    (void)stations_send(&world, 3, frame);
    frame.vlan = 10;
    (void)stations_send(&world, 3, frame);
    stations_run(&world);
    heard("111020"); /* flooded in both: node 4 was never heard */
    frame = to_node(0, 3);
    (void)stations_send(&world, 4, frame); /* node 0 is known in VLAN 10 */
    stations_run(&world);
    heard("100000");
    close_world();
}

static void a_port_goes_down_and_comes_up(void **state)
{
    const struct flue_switch_node nodes[3] = {{.facts = facts}, {.facts = facts}, {.facts = facts}};
    struct flue_net_port_totals totals;

    (void)state;
    open_world(nodes, 3);
    (void)stations_send(&world, 1, to_node(0, 1));
    stations_run(&world);
    heard("101");
    (void)stations_send(&world, 0, to_node(1, 2));
    world.net.run(world.net.ctx, world.net.now(world.net.ctx) + 2 * FLUE_PS_PER_US); /* on its last wire */
    (void)stations_send(&world, 1, to_node(0, 3));
    flue_net_port_down(&world.net, 1, 1);
    assert_int_equal(world.station[1].downs, 0); /* not from inside the call */
    assert_int_equal(stations_send(&world, 1, to_node(0, 4)), FLUE_WIRE_SENT);
    stations_run(&world);
    assert_int_equal(world.station[1].downs, 1);
    heard("000");
    world.net.port_totals(world.net.ctx, 1, &totals);
    assert_int_equal(totals.lost_down, 3); /* one each way, and one that was sent afterwards */
    (void)stations_send(&world, 0, to_node(1, 5));
    stations_run(&world);
    heard("001"); /* it has been forgotten: flooded, but not where nobody is */
    flue_net_port_down(&world.net, 1, 0);
    flue_net_port_down(&world.net, 1, 0);
    stations_run(&world);
    assert_int_equal(world.station[1].ups, 1);
    (void)stations_send(&world, 0, to_node(1, 6));
    stations_run(&world);
    heard("011");
    flue_net_port_down(&world.net, 1, 1);
    flue_net_port_down(&world.net, 1, 0); /* too short to be seen */
    stations_run(&world);
    assert_int_equal(world.station[1].ups + world.station[1].downs, 2);
    close_world();
}

static void longer_frames_than_a_port_takes_are_dropped(void **state)
{
    struct flue_switch_node nodes[2] = {{.facts = facts}, {.facts = facts}};
    struct flue_frame frame = to_node(1, 1);
    struct flue_net_port_totals totals;

    (void)state;
    nodes[1].facts.mtu_bytes = 139;
    open_world(nodes, 2);
    (void)stations_send(&world, 0, frame);
    frame.payload.length_bytes--;
    (void)stations_send(&world, 0, frame);
    stations_run(&world);
    heard("01");
    world.net.port_totals(world.net.ctx, 1, &totals);
    assert_int_equal(totals.filtered, 1);
    assert_int_equal(totals.received, 1);
    close_world();
}

static void wrong_networks_are_refused(void **state)
{
    static const uint16_t vids[2] = {1, 4095};
    const struct flue_switch_node good = {.facts = facts}, slow = {.facts = {.rate_bps = 0}},
                                  wrong_vid = {.facts = facts, .tagged_vids = vids, .tagged_count = 2},
                                  behind = {.facts = facts, .behind_routers = 1};
    const struct flue_switch_router router = {.facts = facts, .vid = 4095};
    const struct flue_switch_params rows[] = {
        {.nodes = &good, .node_count = 0},
        {.nodes = &good, .node_count = 60001},
        {.nodes = &slow, .node_count = 1},
        {.nodes = &wrong_vid, .node_count = 1},
        {.nodes = &behind, .node_count = 1},
        {.nodes = &good, .node_count = 1, .router_count = 17},
        {.nodes = &good, .node_count = 1, .routers = &router, .router_count = 1},
    };
    struct flue_net net;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(flue_net_switch(&rows[i], &net), FLUE_EINVAL);
}

/* Alarms of many nodes, in whatever order they are set, come in order of time, then of number. */
static struct {
    struct flue_net net;
    flue_ps last_ps;
    unsigned last_node, count, out_of_order;
} many;

struct many_node {
    unsigned number;
};

static void many_alarm(void *ctx)
{
    const struct many_node *node = ctx;
    const flue_ps now_ps = many.net.now(many.net.ctx);

    many.out_of_order += now_ps < many.last_ps || (now_ps == many.last_ps && node->number <= many.last_node);
    many.last_ps = now_ps;
    many.last_node = node->number;
    many.count++;
}

static void many_receive(void *ctx, const struct flue_frame *frame)
{
    (void)ctx;
    (void)frame;
}

static void thousands_of_nodes_keep_their_order(void **state)
{
    enum { NODES = 3000 };
    static struct flue_switch_node nodes[NODES];
    static struct many_node number[NODES];
    const struct flue_switch_params params = {.nodes = nodes, .node_count = NODES};
    struct rng rng;

    (void)state;
    rng_init(&rng, 3, "many");
    for (unsigned i = 0; i < NODES; i++)
        nodes[i].facts = facts;
    assert_int_equal(flue_net_switch(&params, &many.net), FLUE_OK);
    for (unsigned i = 0; i < NODES; i++) {
        const struct flue_net_client client = {.ctx = &number[i], .receive = many_receive, .alarm = many_alarm};

        number[i].number = i;
        many.net.attach(many.net.ctx, i, &client);
    }
    for (unsigned i = 0; i < 5 * NODES; i++) {
        const struct flue_env *env = many.net.env(many.net.ctx, i % NODES);

        env->set_alarm(env->ctx, (flue_ps)rng_below(&rng, 1000) + 1); /* each replaces the one before */
    }
    many.net.run(many.net.ctx, FLUE_PS_NEVER);
    assert_int_equal(many.count, NODES);
    assert_int_equal(many.out_of_order, 0);
    many.net.free(many.net.ctx);
}

static void tables_forget_and_grow(void **state)
{
    struct manual_env env;
    struct table table;

    (void)state;
    manual_env_init(&env, 1);
    table_init(&table, &env.env);
    for (uint32_t i = 1; i <= 3000; i++) {
        const struct flue_ip key = flue_ip_v4(i * 256);

        assert_int_equal(table_get(&table, &key), 0);
        table_put(&table, &key, i % 3 + 1);
    }
    table_forget(&table, 2);
    for (uint32_t i = 1; i <= 3000; i++) {
        const struct flue_ip key = flue_ip_v4(i * 256);

        assert_int_equal(table_get(&table, &key), i % 3 == 1 ? 0 : i % 3 + 1);
    }
    table_dispose(&table);
    assert_true(manual_env_clean(&env));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_floods_until_it_has_learnt),
        cmocka_unit_test(frames_take_their_time_on_both_wires),
        cmocka_unit_test(vlans_do_not_hear_each_other),
        cmocka_unit_test(a_port_goes_down_and_comes_up),
        cmocka_unit_test(longer_frames_than_a_port_takes_are_dropped),
        cmocka_unit_test(wrong_networks_are_refused),
        cmocka_unit_test(thousands_of_nodes_keep_their_order),
        cmocka_unit_test(tables_forget_and_grow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
