/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of holders, names and policies. */
#include <string.h>

#include "host/host.h"
#include "support/test.h"

/* Every legal edge; all others are illegal. */
static void edges(void **state)
{
    static const struct {
        enum flue_holder from, to;
    } legal[] = {
        {FLUE_HOLDER_HOST, FLUE_HOLDER_OFFERED},       {FLUE_HOLDER_HOST, FLUE_HOLDER_CLOSED},
        {FLUE_HOLDER_OFFERED, FLUE_HOLDER_TARGET},     {FLUE_HOLDER_OFFERED, FLUE_HOLDER_HOST},
        {FLUE_HOLDER_TARGET, FLUE_HOLDER_GIVING_BACK}, {FLUE_HOLDER_GIVING_BACK, FLUE_HOLDER_HOST},
        {FLUE_HOLDER_GIVING_BACK, FLUE_HOLDER_LOST},   {FLUE_HOLDER_LOST, FLUE_HOLDER_CLOSED},
    };

    (void)state;
    for (unsigned from = 0; from <= FLUE_HOLDER_COUNT; from++) {
        for (unsigned to = 0; to <= FLUE_HOLDER_COUNT; to++) {
            bool expected = false;

            for (unsigned i = 0; i < COUNT_OF(legal); i++) {
                expected |= legal[i].from == from && legal[i].to == to;
            }
            assert_int_equal(holder_legal((enum flue_holder)from, (enum flue_holder)to), expected);
        }
    }
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(flue_holder_name(FLUE_HOLDER_GIVING_BACK), "giving back");
    assert_string_equal(flue_holder_name(FLUE_HOLDER_COUNT), "?");
    assert_string_equal(flue_move_name(FLUE_MOVE_RETRIEVE), "the target asked");
    assert_string_equal(flue_move_name(FLUE_MOVE_COUNT), "?");
}

static void policies(void **state)
{
    struct flue_policy_facts facts;
    const char *reason = NULL;

    (void)state;
    memset(&facts, 0xa5, sizeof facts);
    facts.held_by_target = 0;
    assert_int_equal(flue_policy_find("never")->decide(&facts, &reason), FLUE_KEEP);
    assert_non_null(reason);
    assert_int_equal(flue_policy_find("always")->decide(&facts, &reason), FLUE_OFFLOAD);
    facts.held_by_target = 1;
    assert_int_equal(flue_policy_find("always")->decide(&facts, &reason), FLUE_KEEP);
    assert_null(flue_policy_find("sometimes"));
    assert_string_equal(flue_policy_at(0)->name, "never");
    assert_string_equal(flue_policy_at(1)->name, "always");
    assert_null(flue_policy_at(2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges),
        cmocka_unit_test(names),
        cmocka_unit_test(policies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
