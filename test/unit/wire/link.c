/* SPDX-License-Identifier: GPL-2.0-only */
/* The link: serialisation, propagation, the drop-tail queue, growth of its ring; and the loop over two nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "flue/net.h"
#include "support/manual_env.h"
#include "wire/link.h"

static const struct flue_wire_facts facts = {.rate_bps = UINT64_C(10000000000),
                                             .delay_ps = 10 * FLUE_PS_PER_US,
                                             .framing_bytes = 2,
                                             .mtu_bytes = 1500,
                                             .queue_frames = 3};

/* A segment whose IP packet has `bytes` bytes: 20 + 20 of headers. */
static struct flue_frame segment(uint32_t bytes, uint32_t seq)
{
    return (struct flue_frame){.seq = seq, .payload = {.length_bytes = bytes - 40}};
}

static void serialisation_is_rounded_to_the_nearest_picosecond(void **state)
{
    static const struct {
        uint64_t bytes, rate_bps;
        flue_ps ps;
    } cases[] = {
        {1502, UINT64_C(10000000000), 1201600}, {1, UINT64_C(10000000000), 800},
        {1, UINT64_C(3000000000), 2667},                                                 /* 2666.67 */
        {3, UINT64_C(7000000000), 3429},                                                 /* 3428.57 */
        {1502, UINT64_C(1000000000000), 12016}, {65535, 1000, INT64_C(524280000000000)}, /* 524.28 s */
        {1502, UINT64_C(40000000000), 300400},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(flue_wire_serialise_ps(cases[i].bytes, cases[i].rate_bps), cases[i].ps);
}

static void frames_leave_one_after_the_other(void **state)
{
    struct manual_env env;
    struct link link;
    struct flue_frame frame = segment(1500, 1);

    (void)state;
    manual_env_init(&env, 1);
    assert_int_equal(link_init(&link, &env.env, &facts), FLUE_OK);
    assert_int_equal(link_next_ps(&link), FLUE_PS_NEVER);
    assert_int_equal(link_send(&link, &frame, 5000), FLUE_WIRE_SENT);
    assert_int_equal(link_next_ps(&link), 5000 + 1201600 + 10000000);
    frame = segment(40, 2);
    assert_int_equal(link_send(&link, &frame, 6000), FLUE_WIRE_SENT);
    assert_int_equal(link_pop(&link)->seq, 1);
    assert_int_equal(link_next_ps(&link), 5000 + 1201600 + 42 * 800 + 10000000);
    assert_int_equal(link_pop(&link)->seq, 2);
    assert_int_equal(link_next_ps(&link), FLUE_PS_NEVER);
    link_dispose(&link);
    assert_true(manual_env_clean(&env));
}

static void a_full_queue_drops_at_its_tail(void **state)
{
    struct manual_env env;
    struct link link;
    struct flue_frame frame;
    uint32_t i;

    (void)state;
    manual_env_init(&env, 1);
    assert_int_equal(link_init(&link, &env.env, &facts), FLUE_OK);
    for (i = 0; i < 6; i++) { /* one in transmission, three wait, two are dropped */
        frame = segment(1500, i);
        assert_int_equal(link_send(&link, &frame, 0), i < 4 ? FLUE_WIRE_SENT : FLUE_WIRE_FULL);
    }
    assert_int_equal(link.dropped, 2);
    frame = segment(1500, 6);
    assert_int_equal(link_send(&link, &frame, 1201599), FLUE_WIRE_FULL);
    assert_int_equal(link_send(&link, &frame, 1201600), FLUE_WIRE_SENT); /* the second one has begun: a place is free */
    for (i = 0; i < 4; i++)
        assert_int_equal(link_pop(&link)->seq, i);
    assert_int_equal(link_pop(&link)->seq, 6);
    link_dispose(&link);
    assert_true(manual_env_clean(&env));
}

static void the_ring_grows_with_what_is_on_its_way(void **state)
{
    struct flue_wire_facts deep = facts;
    struct manual_env env;
    struct link link;
    uint32_t i;

    (void)state;
    deep.queue_frames = 100000;
    manual_env_init(&env, 1);
    assert_int_equal(link_init(&link, &env.env, &deep), FLUE_OK);
    link.head = link.tail = link.unstarted = UINT32_MAX - 100; /* running numbers wrap */
    for (i = 0; i < 5000; i++) {
        const struct flue_frame frame = segment(1500, i);

        assert_int_equal(link_send(&link, &frame, 0), FLUE_WIRE_SENT);
    }
    for (i = 0; i < 5000; i++)
        assert_int_equal(link_pop(&link)->seq, i);
    link_dispose(&link);
    assert_true(manual_env_clean(&env));
}

struct ping {
    struct flue_net *net;
    unsigned node;
    unsigned left;
    flue_ps last_ps;
    unsigned alarms;
};

static void on_receive(void *ctx, const struct flue_frame *frame)
{
    struct ping *ping = ctx;
    const struct flue_wire *wire = ping->net->wire(ping->net->ctx, ping->node);

    ping->last_ps = ping->net->now(ping->net->ctx);
    if (ping->left-- == 0)
        ping->net->stop(ping->net->ctx);
    else
        assert_int_equal(wire->send(wire->ctx, frame), FLUE_WIRE_SENT);
}

static void on_alarm(void *ctx)
{
    struct ping *ping = ctx;

    ping->alarms++;
}

static void two_nodes_play_ping_pong(void **state)
{
    const struct flue_net_params params = {.facts = facts, .seed = 7};
    struct flue_net net;
    struct ping ping[2] = {{&net, 0, 10, 0, 0}, {&net, 1, 10, 0, 0}};
    struct flue_frame frame = segment(1500, 1);
    const struct flue_env *env;
    unsigned i;

    (void)state;
    assert_int_equal(flue_net_link(&params, &net), FLUE_OK);
    for (i = 0; i < 2; i++) {
        const struct flue_net_client client = {.ctx = &ping[i], .receive = on_receive, .alarm = on_alarm};

        net.attach(net.ctx, i, &client);
    }
    env = net.env(net.ctx, 0);
    env->set_alarm(env->ctx, 3000);
    env->set_alarm(env->ctx, 2000); /* replaces it */
    assert_int_equal(net.wire(net.ctx, 0)->send(net.wire(net.ctx, 0)->ctx, &frame), FLUE_WIRE_SENT);
    net.run(net.ctx, FLUE_PS_NEVER);
    assert_int_equal(ping[1].last_ps, 21 * (1201600 + 10000000)); /* node 1 hears the 1st, 3rd ... 21st */
    assert_int_equal(ping[0].alarms, 1);
    assert_int_equal(ping[1].alarms, 0);
    net.free(net.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serialisation_is_rounded_to_the_nearest_picosecond),
        cmocka_unit_test(frames_leave_one_after_the_other),
        cmocka_unit_test(a_full_queue_drops_at_its_tail),
        cmocka_unit_test(the_ring_grows_with_what_is_on_its_way),
        cmocka_unit_test(two_nodes_play_ping_pong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
