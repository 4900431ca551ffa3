/* SPDX-License-Identifier: GPL-2.0-only */
/* Pools: reuse, alignment, the live count, and running out of memory at every allocation. */
#include <string.h>

#include "base/pool.h"
#include "support/manual_env.h"
#include "support/test.h"

static void last_in_first_out(void **state)
{
    struct manual_env manual;
    struct pool pool;
    void *a, *b;

    (void)state;
    manual_env_init(&manual, 1);
    memset(&pool, 0xA5, sizeof pool);
    pool_init(&pool, &manual.env, 40);
    assert_int_equal(manual.allocations, 0);
    a = pool_get(&pool);
    b = pool_get(&pool);
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    assert_int_equal(pool_live(&pool), 2);
    pool_put(&pool, a);
    pool_put(&pool, b);
    pool_put(&pool, NULL);
    assert_int_equal(pool_live(&pool), 0);
    assert_ptr_equal(pool_get(&pool), b);
    assert_ptr_equal(pool_get(&pool), a);
    assert_int_equal(pool_bytes(&pool), manual.live_bytes);
    pool_dispose(&pool);
    pool_dispose(&pool);
    assert_true(manual_env_clean(&manual));
}

/* Every size: all bytes may be written, no object overlaps another, the alignment is the promised one. */
static void sizes(void **state)
{
    static const size_t sizes_bytes[] = {1, 8, 15, 16, 17, 64, 100, 128, 256, 4096, 70000};
    enum { OBJECTS = 300 };
    static unsigned char *objects[OBJECTS];

    (void)state;
    for (size_t s = 0; s < COUNT_OF(sizes_bytes); s++) {
        size_t bytes = sizes_bytes[s];
        struct manual_env manual;
        struct pool pool;

        manual_env_init(&manual, 1);
        pool_init(&pool, &manual.env, bytes);
        for (int i = 0; i < OBJECTS; i++) {
            objects[i] = pool_get(&pool);
            assert_non_null(objects[i]);
            assert_int_equal((uintptr_t)objects[i] % (bytes % 64 == 0 ? 64 : bytes % 16 == 0 ? 16 : 8), 0);
            memset(objects[i], i & 0xFF, bytes);
        }
        for (int i = 0; i < OBJECTS; i++) {
            assert_int_equal(objects[i][0], i & 0xFF);
            assert_int_equal(objects[i][bytes - 1], i & 0xFF);
        }
        assert_int_equal(pool_live(&pool), OBJECTS);
        pool_dispose(&pool);
        assert_true(manual_env_clean(&manual));
    }
}

static void out_of_memory(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 4; n++) {
        struct manual_env manual;
        struct pool pool;
        void *object = NULL, *got;
        uint64_t count = 0;

        manual_env_init(&manual, 1);
        pool_init(&pool, &manual.env, 64);
        manual_env_fail(&manual, n);
        while ((got = pool_get(&pool)) != NULL) {
            object = got;
            count++;
        }
        assert_int_equal(pool_live(&pool), count);
        assert_int_equal(manual.allocations, n);
        assert_int_equal(n == 1, count == 0);
        /* What was put back is there again without the env; later the env may have memory again. */
        pool_put(&pool, object);
        if (count > 0) {
            assert_ptr_equal(pool_get(&pool), object);
        }
        assert_null(pool_get(&pool));
        manual_env_fail(&manual, 0);
        assert_non_null(pool_get(&pool));
        pool_dispose(&pool);
        assert_true(manual_env_clean(&manual));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_in_first_out),
        cmocka_unit_test(sizes),
        cmocka_unit_test(out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
