/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/tcp/seq.c - sequence arithmetic, across 0 and across 2^31. */
#include "support/test.h"
#include "tcp/seq.h"

static void comparisons(void **state)
{
    static const struct {
        uint32_t a, b;
        bool lt;
    } cases[] = {
        {0, 1, true},
        {1, 0, false},
        {5, 5, false},
        {0xffffffffu, 0, true},
        {0, 0xffffffffu, false},
        {0xfffffff0u, 0x0000000fu, true},
        {0x0000000fu, 0xfffffff0u, false},
        {0x7fffffffu, 0x80000000u, true},
        {0x80000000u, 0x7fffffffu, false},
        {0, 0x7fffffffu, true},
        {0x7fffffffu, 0, false},
        {0x80000001u, 0, true},
        {0, 0x80000001u, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t a = cases[i].a;
        uint32_t b = cases[i].b;

        assert_int_equal(seq_lt(a, b), cases[i].lt);
        assert_int_equal(seq_gt(b, a), cases[i].lt);
        assert_int_equal(seq_leq(a, b), cases[i].lt || a == b);
        assert_int_equal(seq_geq(b, a), cases[i].lt || a == b);
        assert_int_equal(seq_max(a, b), cases[i].lt ? b : a);
        assert_int_equal(seq_min(a, b), cases[i].lt ? a : b);
    }
}

static void windows(void **state)
{
    static const struct {
        uint32_t x, from, length;
        bool within;
    } cases[] = {
        {10, 10, 0, false},
        {10, 10, 1, true},
        {11, 10, 1, false},
        {9, 10, 5, false},
        {0xffffffffu, 0xfffffff0u, 16, true},
        {0, 0xfffffff0u, 16, false},
        {0, 0xfffffff0u, 17, true},
        {3, 0xfffffff0u, 20, true},
        {4, 0xfffffff0u, 20, false},
        {0xffffffefu, 0xfffffff0u, 0x40000000u, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(seq_within(cases[i].x, cases[i].from, cases[i].length), cases[i].within);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(comparisons), cmocka_unit_test(windows)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
