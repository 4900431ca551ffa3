/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole nodes with intermediate drivers: bulk data both ways, connections that move meanwhile; every byte comes once
 * and in order, nothing is left in any layer. */
#include "world.h"

#include "support/test.h"

#define MS FLUE_PS_PER_MS
#define US FLUE_PS_PER_US

static const struct stack {
    const char *name;
    unsigned drivers, adapters;
    const struct flue_im_params *driver;
} stacks[] = {
    {.name = "none"},
    {.name = "pass", .drivers = 1, .driver = (const struct flue_im_params[]){{.kind = FLUE_IM_PASS, .name = "pass"}}},
    {.name = "three",
     .drivers = 3,
     .driver = (const struct flue_im_params[]){{.kind = FLUE_IM_PASS, .name = "a"},
                                               {.kind = FLUE_IM_PASS, .name = "b"},
                                               {.kind = FLUE_IM_PASS, .name = "c"}}},
    {.name = "hold",
     .drivers = 1,
     .driver =
         (const struct flue_im_params[]){
             {.kind = FLUE_IM_HOLD, .name = "hold", .hold_down_ps = 30 * US, .hold_up_ps = 50 * US}}},
    {.name = "hold down",
     .drivers = 1,
     .driver = (const struct flue_im_params[]){{.kind = FLUE_IM_HOLD, .name = "hold", .hold_down_ps = 2 * MS}}},
    {.name = "hold up",
     .drivers = 1,
     .driver = (const struct flue_im_params[]){{.kind = FLUE_IM_HOLD, .name = "hold", .hold_up_ps = 2 * MS}}},
    {.name = "refuse",
     .drivers = 1,
     .driver = (const struct flue_im_params[]){{.kind = FLUE_IM_REFUSE, .name = "refuse", .refuse_every = 3}}},
    {.name = "team",
     .drivers = 1,
     .adapters = 2,
     .driver = (const struct flue_im_params[]){{.kind = FLUE_IM_TEAM, .name = "team"}}},
    {.name = "team, hold, refuse, pass",
     .drivers = 4,
     .adapters = 2,
     .driver =
         (const struct flue_im_params[]){
             {.kind = FLUE_IM_TEAM, .name = "team"},
             {.kind = FLUE_IM_HOLD, .name = "hold", .hold_down_ps = 10 * US, .hold_up_ps = 10 * US},
             {.kind = FLUE_IM_REFUSE, .name = "refuse", .refuse_every = 5},
             {.kind = FLUE_IM_PASS, .name = "pass"}}},
};

static struct world world;

static struct flue_node_params params_of(const struct stack *stack)
{
    return (struct flue_node_params){
        .drivers = stack->drivers, .driver = stack->driver, .adapters = stack->adapters, .check = FLUE_CHECK_COUNT};
}

/* Every other connection is asked back, or offered again, every millisecond. */
static void shake(unsigned count, unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++) {
        world_run(&world, world_now(&world) + MS);
        for (unsigned i = round % 2; i < count; i += 2) {
            struct flue_host_socket *socket = world.end[WORLD_SERVER][i].socket;

            if (socket == NULL) {
                continue;
            }
            if (flue_host_socket_holder(socket) == FLUE_HOLDER_TARGET) {
                assert_int_equal(flue_host_socket_upload(socket, world_now(&world)), FLUE_OK);
            } else if (flue_host_socket_holder(socket) == FLUE_HOLDER_HOST) {
                (void)!flue_host_socket_offload(socket, world_now(&world));
            }
        }
        flue_node_settle(world.node[WORLD_SERVER]);
    }
}

static void run_stack(const struct stack *stack, uint64_t bytes, unsigned rounds)
{
    struct flue_node_params params = params_of(stack);
    unsigned taken = 0;

    print_message("%s\n", stack->name);
    world_begin(&world, &params);
    world_connect(&world, WORLD_CONNECTIONS, bytes);
    shake(WORLD_CONNECTIONS, rounds);
    world_end(&world, WORLD_CONNECTIONS);
    for (unsigned i = 0; i < WORLD_CONNECTIONS; i++) {
        taken += world.end[WORLD_SERVER][i].moved[FLUE_HOLDER_TARGET];
    }
    assert_true(taken > 0);
}

static void bulk_both_ways(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof stacks / sizeof stacks[0]; i++) {
        run_stack(&stacks[i], 200000, 0);
    }
}

static void connections_move_meanwhile(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof stacks / sizeof stacks[0]; i++) {
        run_stack(&stacks[i], 400000, 20);
    }
}

/* Any number can be stacked: nothing is kept per layer by a layer that is not its own. */
static void many_layers(void **state)
{
    static const unsigned layers[] = {17, 64, 200};
    static struct flue_im_params driver[200];

    (void)state;
    for (unsigned i = 0; i < sizeof driver / sizeof driver[0]; i++) {
        driver[i] = (struct flue_im_params){.kind = FLUE_IM_PASS, .name = "pass"};
    }
    for (unsigned i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        const struct stack stack = {.name = "many", .drivers = layers[i], .driver = driver};

        run_stack(&stack, 50000, 3);
    }
}

/* Behaviour 12, 19.8: everything comes back, then goes on with the other adapter; twice. */
static void team_moves_in_mid_transfer(void **state)
{
    static const unsigned cases[] = {7, 8};

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct flue_node_params params = params_of(&stacks[cases[i]]);
        struct flue_im_totals totals;

        world_begin(&world, &params);
        world_connect(&world, WORLD_CONNECTIONS, 1000000);
        for (unsigned move = 1; move <= 2; move++) {
            uint64_t frames = world.frames_by[move % 2];

            world_run(&world, world_now(&world) + 5 * MS);
            assert_int_equal(flue_im_fail_over(world_driver(&world, 0), world_now(&world)), FLUE_OK);
            assert_int_equal(flue_im_fail_over(world_driver(&world, 0), world_now(&world)), FLUE_ESTATE);
            flue_node_settle(world.node[WORLD_SERVER]);
            world_run(&world, world_now(&world) + 10 * MS);
            flue_im_totals(world_driver(&world, 0), &totals);
            assert_int_equal(totals.fail_overs, move);
            shake(WORLD_CONNECTIONS, 2);
            assert_true(world.frames_by[move % 2] > frames);
        }
        world_end(&world, WORLD_CONNECTIONS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bulk_both_ways),
        cmocka_unit_test(connections_move_meanwhile),
        cmocka_unit_test(many_layers),
        cmocka_unit_test(team_moves_in_mid_transfer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
