/* SPDX-License-Identifier: GPL-2.0-only */
/* What a server can carry: the scale of `load`. */
#include "run/params.h"
#include "run/profile.h"
#include "run/sizes.h"
#include "run/traffic.h"
#include "support/test.h"

static struct flue_scenario scenario_of(const char *const *settings, size_t count)
{
    struct flue_scenario scenario;
    char message[256];

    params_init(&scenario);
    scenario.workload = FLUE_WORKLOAD_RPC;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(params_assign(&scenario, settings[i], message, sizeof message), FLUE_OK);
    }
    return scenario;
}

static void an_ideal_host_leaves_the_wire(void **state)
{
    static const struct {
        const char *settings[4];
        uint64_t ps;
    } cases[] = {
        /* 10 Gb/s: 800 ps a byte.  1448 + 52 + 2 bytes down; up 128 + 54 and no ACK of its own */
        {{"io_size=1448", "request_size=128", "link_rate=10Gbps", "ack_every=2"}, 1502 * 800},
        /* the request is the larger: two whole segments up and the ACK of nothing; down 1 + 54 and one ACK */
        {{"io_size=1", "request_size=2896", "link_rate=10Gbps", "ack_every=2"}, 2 * 1502 * 800},
        /* 46 segments: 45 x 1502 and 376 + 54 down */
        {{"io_size=65536", "request_size=128", "link_rate=10Gbps", "ack_every=2"}, (45 * 1502 + 430) * 800},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct flue_scenario scenario = scenario_of(cases[i].settings, COUNT_OF(cases[i].settings));
        struct flue_profile profile;

        flue_profile_free_of_cost(&profile);
        assert_int_equal(capacity_request_ps(&scenario, &profile), cases[i].ps);
    }
}

static void large_responses_do_not_overflow(void **state)
{
    static const char *const settings[] = {"io_size=64MiB", "link_rate=300Gbps"};
    const struct flue_scenario scenario = scenario_of(settings, COUNT_OF(settings));
    struct flue_profile profile;
    uint64_t ps;

    (void)state;
    flue_profile_free_of_cost(&profile);
    ps = capacity_request_ps(&scenario, &profile);
    /* 64 MiB x 1502/1448 x 8 / 300 Gb/s = 1.856 ms, within 0.1 % */
    assert_in_range(ps, UINT64_C(1854000000), UINT64_C(1858500000));
}

/* More interrupts can only cost more, whatever the moderation period is near their own cost. */
static void capacity_has_no_cliff_in_the_moderation_period(void **state)
{
    struct flue_scenario scenario = scenario_of(NULL, 0);
    struct flue_profile profile;
    char message[256];
    uint64_t before;

    (void)state;
    assert_int_equal(profile_load("host-2021-noopt", &profile, NULL, message, sizeof message), FLUE_OK);
    scenario.moderation = 0;
    before = capacity_request_ps(&scenario, &profile);
    for (int64_t period_ps = 580000; period_ps < 30000000; period_ps += 997) {
        uint64_t ps;

        scenario.moderation = period_ps;
        ps = capacity_request_ps(&scenario, &profile);
        assert_true(ps <= before && ps > 0);
        before = ps;
    }
}

/* The mean over sizes is that of the sizes: fixed ones as one request, two equally frequent ones as their middle. */
static void drawn_sizes_cost_their_mean(void **state)
{
    static const char *const settings[] = {"io_size=1448", "link_rate=10Gbps", "ack_every=2"};
    const struct flue_scenario scenario = scenario_of(settings, COUNT_OF(settings));
    struct flue_profile profile;
    struct sizes sizes;
    char message[256];
    uint64_t ps;

    (void)state;
    flue_profile_free_of_cost(&profile);
    assert_int_equal(sizes_parse(FLUE_KIND_BYTES, "x", "fixed 1448", &sizes, message, sizeof message), FLUE_OK);
    ps = capacity_mean_ps(&scenario, &profile, &sizes);
    assert_in_range(ps, 1502 * 800 - 1000, 1502 * 800);
    /* 14480 bytes on average: 10 segments, with half a segment more for the one that is not full */
    assert_int_equal(sizes_parse(FLUE_KIND_BYTES, "x", "uniform 1 28960", &sizes, message, sizeof message), FLUE_OK);
    ps = capacity_mean_ps(&scenario, &profile, &sizes);
    assert_in_range(ps, (14480 + 10 * 54 + 27) * 800 - 20000, (14480 + 10 * 54 + 27) * 800 + 20000);
}

/* 10 Gb/s, 10 us: two frames of 54 bytes each way; then 128 and 14480 bytes in their segments. */
static void an_idle_network_takes_so_long(void **state)
{
    static const struct {
        const char *topology;
        uint64_t handshake_ps, exchange_ps;
    } cases[] = {
        {"topology=link", 2 * (10000000 + 54 * 800), 20000000 + (182 + 10 * 1502) * 800},
        {"topology=switch", 2 * (20000000 + 2 * 54 * 800), 40000000 + (2 * 182 + 11 * 1502) * 800},
        {"topology=gateways", 2 * (30000000 + 3 * 54 * 800), 60000000 + (3 * 182 + 12 * 1502) * 800},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct flue_scenario scenario = scenario_of(&cases[i].topology, 1);

        assert_int_equal(capacity_handshake_ps(&scenario), cases[i].handshake_ps);
        assert_int_equal(capacity_exchange_ps(&scenario, 128, 14480), cases[i].exchange_ps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ideal_host_leaves_the_wire),
        cmocka_unit_test(large_responses_do_not_overflow),
        cmocka_unit_test(capacity_has_no_cliff_in_the_moderation_period),
        cmocka_unit_test(drawn_sizes_cost_their_mean),
        cmocka_unit_test(an_idle_network_takes_so_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
