/* SPDX-License-Identifier: GPL-2.0-only */
/* What a server can carry: the scale of `load`. */
#include "run/flows.h"
#include "run/params.h"
#include "run/profile.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ideal_host_leaves_the_wire),
        cmocka_unit_test(large_responses_do_not_overflow),
        cmocka_unit_test(capacity_has_no_cliff_in_the_moderation_period),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
