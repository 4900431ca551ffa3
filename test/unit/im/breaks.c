/* SPDX-License-Identifier: GPL-2.0-only */
/* Drivers of kind break between whole nodes: the checker names what each of them does first, and the run can be ended
 * there with all memory given back (CH-325 to CH-327, CH-333 to CH-336). */
#include "world.h"

#include "support/test.h"
#include "support/violators.h"

enum { COUNT = 2 };

static struct world world;

static void live(void)
{
    const flue_ps step_ps = 5 * FLUE_PS_PER_MS;

    world_connect(&world, COUNT, 100000);
    world_run(&world, step_ps);
    if (world.findings == 0 && flue_host_socket_holder(world.end[WORLD_SERVER][0].socket) == FLUE_HOLDER_TARGET) {
        assert_int_equal(flue_host_socket_upload(world.end[WORLD_SERVER][0].socket, world_now(&world)), FLUE_OK);
        flue_node_settle(world.node[WORLD_SERVER]);
    }
    world_run(&world, 2 * step_ps);
    if (world.findings == 0) {
        world_close(&world, WORLD_SERVER, COUNT);
        world_run(&world, 3 * step_ps);
    }
    if (world.findings == 0) {
        world_close(&world, WORLD_CLIENT, COUNT);
        world_run(&world, 4 * step_ps);
    }
    if (world.findings == 0) {
        flue_node_check_end(world.node[WORLD_SERVER]);
    }
}

static void each_way_is_named_first(void **state)
{
    const char *how;
    unsigned rule, wrong = 0;

    (void)state;
    for (unsigned i = 0; (rule = flue_im_breakable(i, &how)) != 0; i++) {
        const struct flue_im_params broken = {.kind = FLUE_IM_BREAK, .name = "broken", .broken_rule = rule};
        const struct flue_node_params params = {.drivers = 1, .driver = &broken, .check = FLUE_CHECK_STOP};
        char name[40];

        world_begin(&world, &params);
        world.stops = 1;
        live();
        (void)snprintf(name, sizeof name, "driver_that_breaks_CH-%03u", rule);
        violator_told(rule, name, world.first_rule == rule);
        wrong += world.first_rule != rule || world.first_party != FLUE_PARTY_DRIVER;
        world_drop(&world);
    }
    assert_int_equal(wrong, 0);
}

/* A rule that it cannot break is refused. */
static void other_rules_are_refused(void **state)
{
    struct manual_env env;
    struct flue_im *im;
    const struct flue_im_params params = {.kind = FLUE_IM_BREAK, .name = "broken", .broken_rule = 1};

    (void)state;
    manual_env_init(&env, 1);
    assert_int_equal(flue_im_new(&env.env, NULL, NULL, NULL, &params, &im), FLUE_EINVAL);
    assert_null(im);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_is_named_first),
        cmocka_unit_test(other_rules_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
