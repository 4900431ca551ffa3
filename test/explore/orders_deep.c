/* SPDX-License-Identifier: GPL-2.0-only */
/* Every order of 9 events of one connection, and of 5 of two, ends well; with events of the whole adapter of 7 and 4.
 */
#include "explore/explore.h"

#include "support/test.h"

static void expect_harmless(unsigned depth, unsigned connections, unsigned with, bool posts, bool sends_complete)
{
    const struct explore_params params = {
        .depth = depth, .connections = connections, .with = with, .posts = posts, .sends_complete = sends_complete};
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
    expect_harmless(9, 1, 0, false, false);
    expect_harmless(8, 1, 0, true, false);
    expect_harmless(8, 1, 0, false, true);
}

static void two_connections(void **state)
{
    (void)state;
    expect_harmless(5, 2, 0, false, false);
    expect_harmless(5, 2, 0, true, true);
}

static void whole_adapter(void **state)
{
    (void)state;
    for (unsigned with = 1; with <= EXPLORE_WITH_ALL; with <<= 1) {
        expect_harmless(7, 1, with, false, false);
    }
    expect_harmless(6, 1, EXPLORE_WITH_ALL, true, true);
    expect_harmless(4, 2, EXPLORE_WITH_ALL, false, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_connection), cmocka_unit_test(two_connections),
                                       cmocka_unit_test(whole_adapter)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
