/* SPDX-License-Identifier: GPL-2.0-only */
/* Every order of a few events ends well; what breaks is found, with the shortest order, the same each time; and a state
 * that was seen before has nothing new to tell. */
#include "explore/explore.h"

#include <string.h>

#include "support/test.h"

static void search(const struct explore_params *params, struct explore_result *result)
{
    assert_int_equal(explore_search(params, result), FLUE_OK);
    if (result->verdict != EXPLORE_HARMLESS && params->without == 0) {
        (void)fprintf(stderr, "%s: ", explore_verdict_name(result->verdict));
        explore_print_order(params, &result->found[result->verdict], stderr);
        (void)fprintf(stderr, "\n%s\n", result->found[result->verdict].sentence);
    }
}

static void expect_harmless(struct explore_params params)
{
    struct explore_result result;

    search(&params, &result);
    assert_int_equal(result.verdict, EXPLORE_HARMLESS);
    assert_int_equal(result.depth, params.depth);
    assert_true(result.explored > 1000);
    assert_int_equal(result.explored, result.ended);
    assert_true(result.pruned > result.explored / 4);
}

static void one_connection(void **state)
{
    (void)state;
    expect_harmless((struct explore_params){.depth = 6, .connections = 1});
}

static void two_connections(void **state)
{
    (void)state;
    expect_harmless((struct explore_params){.depth = 4, .connections = 2});
}

static void posted_receives(void **state)
{
    (void)state;
    expect_harmless((struct explore_params){.depth = 5, .connections = 1, .posts = true});
}

static void sends_that_complete(void **state)
{
    (void)state;
    expect_harmless((struct explore_params){.depth = 5, .connections = 1, .sends_complete = true});
}

static void events_of_the_whole_adapter(void **state)
{
    (void)state;
    expect_harmless((struct explore_params){.depth = 5, .connections = 1, .with = EXPLORE_WITH_INVALIDATE});
    expect_harmless((struct explore_params){.depth = 5, .connections = 1, .with = EXPLORE_WITH_RELINK});
    expect_harmless((struct explore_params){.depth = 5, .connections = 1, .with = EXPLORE_WITH_PAUSE});
    expect_harmless((struct explore_params){.depth = 5, .connections = 1, .with = EXPLORE_WITH_POWER});
    expect_harmless((struct explore_params){.depth = 5, .connections = 1, .with = EXPLORE_WITH_UPLOAD});
    expect_harmless((struct explore_params){
        .depth = 4, .connections = 1, .with = EXPLORE_WITH_ALL, .posts = true, .sends_complete = true});
    expect_harmless((struct explore_params){.depth = 3, .connections = 2, .with = EXPLORE_WITH_ALL});
}

/* Each event that has to be asked for is there when it is asked for, and only then. */
static void more_events_more_states(void **state)
{
    struct explore_result plain, more;

    (void)state;
    search(&(struct explore_params){.depth = 3, .connections = 1}, &plain);
    for (unsigned with = 1; with <= EXPLORE_WITH_ALL; with <<= 1) {
        search(&(struct explore_params){.depth = 3, .connections = 1, .with = with}, &more);
        assert_true(more.explored > plain.explored);
    }
    assert_int_equal(explore_with("relink"), EXPLORE_WITH_RELINK);
    assert_int_equal(explore_with("all"), EXPLORE_WITH_ALL);
    assert_int_equal(explore_with("al"), 0);
}

/* One row for each kind of consequence. */
static const struct {
    unsigned rule, length;
    enum explore_verdict verdict;
} broken[] = {
    {50, 3, EXPLORE_BYTES},     {78, 2, EXPLORE_BYTES},     {121, 3, EXPLORE_BYTES},    {137, 4, EXPLORE_BYTES},
    {166, 4, EXPLORE_BYTES},    {175, 3, EXPLORE_BYTES},    {204, 2, EXPLORE_BYTES},    {119, 4, EXPLORE_LEAK},
    {210, 1, EXPLORE_LEAK},     {120, 3, EXPLORE_LEAK},     {252, 2, EXPLORE_DEADLOCK}, {256, 2, EXPLORE_DEADLOCK},
    {114, 5, EXPLORE_FINDING},  {292, 0, EXPLORE_HARMLESS}, {258, 3, EXPLORE_DEADLOCK}, {88, 0, EXPLORE_HARMLESS},
    {108, 3, EXPLORE_DEADLOCK}, {308, 2, EXPLORE_LEAK},     {310, 2, EXPLORE_DEADLOCK},
};

static void rules_left_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        const struct explore_params params = {.depth = 5, .connections = 1, .without = broken[i].rule};
        struct explore_result result;

        search(&params, &result);
        if (result.verdict != broken[i].verdict || result.found[result.verdict].length != broken[i].length) {
            fail_msg("without CH-%03u: %s after %u events", broken[i].rule, explore_verdict_name(result.verdict),
                     result.found[result.verdict].length);
        }
    }
}

static void the_same_again(void **state)
{
    const struct explore_params params = {.depth = 4, .connections = 2, .without = 137};
    struct explore_result first, second;

    (void)state;
    search(&params, &first);
    search(&params, &second);
    assert_int_equal(first.verdict, EXPLORE_BYTES);
    first.cpu_us = second.cpu_us = 0;
    assert_int_equal(first.explored, second.explored);
    assert_int_equal(first.pruned, second.pruned);
    assert_memory_equal(&first.found[first.verdict], &second.found[second.verdict], sizeof first.found[0]);
}

/* The digest tells all states apart that go on in different ways: nothing else is found when no state is left out. */
static void nothing_is_missed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct explore_params params = {.depth = 4, .connections = 1, .without = broken[i].rule};
        struct explore_result once, again;

        search(&params, &once);
        params.again = true;
        search(&params, &again);
        assert_int_equal(once.verdict, again.verdict);
        for (unsigned verdict = EXPLORE_FINDING; verdict < EXPLORE_VERDICTS; verdict++) {
            assert_int_equal(once.has[verdict], again.has[verdict]);
            assert_int_equal(once.found[verdict].length, again.found[verdict].length);
        }
    }
}

static void an_order_is_drawn(void **state)
{
    const struct explore_params params = {.depth = 4, .connections = 1, .without = 137};
    struct explore_result result;
    char text[8192] = "";
    FILE *file = tmpfile();

    (void)state;
    search(&params, &result);
    assert_non_null(file);
    assert_int_equal(explore_draw(&params, &result.found[result.verdict], true, file), FLUE_OK);
    rewind(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    assert_non_null(strstr(text, "NdisInitiateOffload"));
    assert_non_null(strstr(text, "NdisMTerminateOffloadComplete"));
    (void)fclose(file);
}

static void what_cannot_be_asked(void **state)
{
    struct explore_result result;

    (void)state;
    assert_int_equal(explore_search(&(struct explore_params){.depth = 0, .connections = 1}, &result), FLUE_EINVAL);
    assert_int_equal(explore_search(&(struct explore_params){.depth = 17, .connections = 1}, &result), FLUE_EINVAL);
    assert_int_equal(explore_search(&(struct explore_params){.depth = 1, .connections = 3}, &result), FLUE_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection),
        cmocka_unit_test(two_connections),
        cmocka_unit_test(posted_receives),
        cmocka_unit_test(sends_that_complete),
        cmocka_unit_test(events_of_the_whole_adapter),
        cmocka_unit_test(more_events_more_states),
        cmocka_unit_test(rules_left_out),
        cmocka_unit_test(the_same_again),
        cmocka_unit_test(nothing_is_missed),
        cmocka_unit_test(an_order_is_drawn),
        cmocka_unit_test(what_cannot_be_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
