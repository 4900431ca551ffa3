/* SPDX-License-Identifier: GPL-2.0-only */
/* Loss lists, loss and reordering rates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "wire/impair.h"

static void loss_lists_are_read(void **state)
{
    static const struct {
        const char *text;
        char side;
        int column;
        uint64_t first[4];
    } cases[] = {
        {"", 's', 0, {0, 0, 0, 0}},
        {"s3 s17 c5", 's', 0, {3, 17, 0, 0}},
        {"s3 s17 c5", 'c', 0, {5, 0, 0, 0}},
        {"s17,s3 s1", 's', 0, {1, 3, 17, 0}},
        {"s30 s30 s60", 's', 0, {30, 60, 0, 0}},
        {"s3 x4", 's', 4, {0, 0, 0, 0}},
        {"s", 's', 1, {0, 0, 0, 0}},
        {"s0", 's', 1, {0, 0, 0, 0}},
        {"s3s4", 's', 1, {0, 0, 0, 0}},
        {"3", 's', 1, {0, 0, 0, 0}},
        {"s1s", 's', 1, {0, 0, 0, 0}},
    };
    uint64_t lose[FLUE_IMPAIR_LIST_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const int column = impair_parse(cases[i].text, cases[i].side, lose);

        if (cases[i].column == 0) {
            assert_int_equal(column, 0);
            assert_memory_equal(lose, cases[i].first, sizeof(cases[i].first));
        } else {
            assert_int_not_equal(column, 0);
        }
    }
}

static void too_long_a_list_is_refused(void **state)
{
    uint64_t lose[FLUE_IMPAIR_LIST_MAX];
    char text[5 * FLUE_IMPAIR_LIST_MAX + 8] = "", *end = text;
    int i;

    (void)state;
    for (i = 0; i < FLUE_IMPAIR_LIST_MAX; i++)
        end += sprintf(end, "s%d ", 10 + i);
    assert_int_equal(impair_parse(text, 's', lose), 0);
    (void)sprintf(end, "s8");
    assert_int_not_equal(impair_parse(text, 's', lose), 0);
}

static void listed_frames_are_lost_and_no_others(void **state)
{
    const struct flue_impair_params params = {.lose = {2, 5}};
    struct impair impair;
    int i;

    (void)state;
    impair_init(&impair, &params, 1, "test");
    for (i = 1; i <= 10; i++)
        assert_int_equal(impair_next(&impair), i == 2 || i == 5 ? IMPAIR_LOSE : IMPAIR_DELIVER);
    assert_int_equal(impair.lost, 2);
}

static void rates_are_kept(void **state)
{
    const struct flue_impair_params params = {.loss_ppm = 10000, .reorder_ppm = 50000, .reorder_ps = 1};
    struct impair impair, twin, other;
    uint64_t i, different = 0;

    (void)state;
    impair_init(&impair, &params, 42, "a");
    impair_init(&twin, &params, 42, "a");
    impair_init(&other, &params, 42, "b");
    for (i = 0; i < 100000; i++) {
        const enum impair_verdict verdict = impair_next(&impair);

        assert_int_equal(verdict, impair_next(&twin));
        different += verdict != impair_next(&other);
    }
    /* Binomial: 1,000 +- 31 and 4,950 +- 69; five standard deviations. */
    assert_in_range(impair.lost, 1000 - 157, 1000 + 157);
    assert_in_range(impair.delayed, 4950 - 343, 4950 + 343);
    assert_true(different > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_lists_are_read),
        cmocka_unit_test(too_long_a_list_is_refused),
        cmocka_unit_test(listed_frames_are_lost_and_no_others),
        cmocka_unit_test(rates_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
