/* SPDX-License-Identifier: GPL-2.0-only */
/* target/ring.h: order across growth and wrap-around. */
#include "support/test.h"

#include "support/manual_env.h"
#include "target/ring.h"

static void keeps_order(void **state)
{
    struct manual_env env;
    struct ring ring;
    uint32_t in = 0, out = 0;

    (void)state;
    manual_env_init(&env, 1);
    ring_init(&ring, &env.env, sizeof(uint32_t));
    assert_null(ring_front(&ring));
    /* Pushes run ahead of pops by a changing distance, so that the ring grows at every position of its head. */
    for (uint32_t round = 0; round < 2000; round++) {
        for (uint32_t i = 0; i < 1 + round % 7; i++) {
            uint32_t *slot = ring_push(&ring);

            assert_non_null(slot);
            *slot = in++;
        }
        for (uint32_t i = 0; i < round % 6 && ring.count > 0; i++) {
            assert_int_equal(*(uint32_t *)ring_front(&ring), out);
            assert_int_equal(*(uint32_t *)ring_at(&ring, ring.count - 1), in - 1);
            ring_pop(&ring);
            out++;
        }
    }
    assert_int_equal(ring.count, in - out);
    while (ring.count > 0) {
        assert_int_equal(*(uint32_t *)ring_front(&ring), out++);
        ring_pop(&ring);
    }
    assert_int_equal(in, out);
    ring_dispose(&ring);
    assert_true(manual_env_clean(&env));
}

static void survives_want_of_memory(void **state)
{
    struct manual_env env;
    struct ring ring;
    uint32_t n = 0;
    uint32_t *slot;

    (void)state;
    manual_env_init(&env, 1);
    manual_env_fail(&env, 2);
    ring_init(&ring, &env.env, sizeof(uint32_t));
    while ((slot = ring_push(&ring)) != NULL) {
        *slot = n++;
    }
    assert_int_equal(ring.count, n);
    assert_true(n > 0);
    ring_pop(&ring);
    slot = ring_push(&ring);
    assert_non_null(slot);
    *slot = n;
    for (uint32_t i = 1; i <= n; i++) {
        assert_int_equal(*(uint32_t *)ring_front(&ring), i);
        ring_pop(&ring);
    }
    ring_dispose(&ring);
    assert_true(manual_env_clean(&env));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order),
        cmocka_unit_test(survives_want_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
