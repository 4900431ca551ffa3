/* SPDX-License-Identifier: GPL-2.0-only */
/* Every order of 9 events of one connection, and of 5 of two, ends well. */
#include "explore/explore.h"

#include "support/test.h"

static void expect_harmless(unsigned depth, unsigned connections, bool posts, bool sends_complete)
{
    const struct explore_params params = {
        .depth = depth, .connections = connections, .posts = posts, .sends_complete = sends_complete};
    struct explore_result result;

    assert_int_equal(explore_search(&params, &result), FLUE_OK);
    if (result.verdict != EXPLORE_HARMLESS) {
        explore_print_order(&params, &result.found[result.verdict], stderr);
        fail_msg("%s", result.found[result.verdict].sentence);
    }
    assert_int_equal(result.depth, depth);
}

static void one_connection(void **state)
{
    (void)state;
    expect_harmless(9, 1, false, false);
    expect_harmless(8, 1, true, false);
    expect_harmless(8, 1, false, true);
}

static void two_connections(void **state)
{
    (void)state;
    expect_harmless(5, 2, false, false);
    expect_harmless(5, 2, true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_connection), cmocka_unit_test(two_connections)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
