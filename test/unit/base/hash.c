/* SPDX-License-Identifier: GPL-2.0-only */
/* The hash table against a plain array, its probe lengths, known values of the hash functions, memory failure. */
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "support/manual_env.h"
#include "support/test.h"

#define ITEMS 2000

struct item {
    uint32_t key;
    uint32_t hash;
    int in;
};

static struct item items[ITEMS];

static bool item_equal(const void *item, const void *key)
{
    return ((const struct item *)item)->key == *(const uint32_t *)key;
}

/* The functions are fixed for ever: results may depend on them. */
static void known_values(void **state)
{
    (void)state;
    assert_int_equal(hash_tuple(0x0a000001, 0x0a000002, 1024, 80), UINT32_C(0x211a0377));
    assert_int_equal(hash_tuple(0x0a000002, 0x0a000001, 80, 1024), UINT32_C(0xdafa9856));
    assert_int_equal(hash_tuple(0, 0, 0, 0), UINT32_C(0x588b8c08));
    assert_int_equal(hash_u64(0), UINT32_C(0xcf67001b));
}

/* hash_bits: how many bits of the hash are used; few bits make collisions and long runs certain. */
static void against_an_array(uint32_t hash_bits)
{
    struct manual_env manual;
    struct hash_table table;
    struct rng rng;
    uint32_t count = 0;

    manual_env_init(&manual, 1);
    memset(&table, 0xA5, sizeof table);
    assert_int_equal(hash_table_init(&table, &manual.env, 0), FLUE_OK);
    rng_init(&rng, 3, "hash");
    for (uint32_t i = 0; i < ITEMS; i++) {
        items[i] = (struct item){.key = i * 7, .hash = hash_u64(i) & (uint32_t)((UINT64_C(1) << hash_bits) - 1)};
    }
    for (int step = 0; step < 30000; step++) {
        struct item *item = &items[rng_below(&rng, step < 15000 ? ITEMS : ITEMS / 10)];

        if (item->in) {
            assert_true(hash_table_remove(&table, item->hash, item));
            item->in = 0;
            count--;
        } else {
            assert_false(hash_table_remove(&table, item->hash, item));
            assert_int_equal(hash_table_insert(&table, item->hash, item), FLUE_OK);
            item->in = 1;
            count++;
        }
        assert_int_equal(table.count, count);
        item = &items[rng_below(&rng, ITEMS)];
        assert_ptr_equal(hash_table_find(&table, item->hash, item_equal, &item->key), item->in ? item : NULL);
    }
    for (uint32_t i = 0; i < ITEMS; i++) {
        assert_ptr_equal(hash_table_find(&table, items[i].hash, item_equal, &items[i].key),
                         items[i].in ? &items[i] : NULL);
    }
    assert_true((uint64_t)table.count * 8 <= (uint64_t)table.size * 5);
    hash_table_dispose(&table);
    hash_table_dispose(&table);
    assert_true(manual_env_clean(&manual));
}

static void random_work(void **state)
{
    (void)state;
    against_an_array(32);
}

static void random_work_with_collisions(void **state)
{
    (void)state;
    against_an_array(6);
}

/* Runs that wrap around the end of the array: all hashes are its last place. */
static void wrap_around(void **state)
{
    struct manual_env manual;
    struct hash_table table;

    (void)state;
    manual_env_init(&manual, 1);
    assert_int_equal(hash_table_init(&table, &manual.env, 0), FLUE_OK);
    for (uint32_t i = 0; i < 8; i++) {
        items[i] = (struct item){.key = i, .hash = UINT32_MAX - (i & 1)};
        assert_int_equal(hash_table_insert(&table, items[i].hash, &items[i]), FLUE_OK);
    }
    for (uint32_t gone = 0; gone < 8; gone++) {
        assert_true(hash_table_remove(&table, items[gone].hash, &items[gone]));
        for (uint32_t i = 0; i < 8; i++) {
            assert_ptr_equal(hash_table_find(&table, items[i].hash, item_equal, &i), i > gone ? &items[i] : NULL);
        }
    }
    hash_table_dispose(&table);
    assert_true(manual_env_clean(&manual));
}

static void out_of_memory(void **state)
{
    struct manual_env manual;
    struct hash_table table;
    uint32_t i = 0;

    (void)state;
    manual_env_init(&manual, 1);
    manual_env_fail(&manual, 1);
    assert_int_equal(hash_table_init(&table, &manual.env, 100), FLUE_ENOMEM);
    hash_table_dispose(&table);
    manual_env_fail(&manual, 0);
    assert_int_equal(hash_table_init(&table, &manual.env, 100), FLUE_OK);
    manual_env_fail(&manual, 1);
    for (;; i++) {
        items[i] = (struct item){.key = i, .hash = hash_u64(i)};
        if (hash_table_insert(&table, items[i].hash, &items[i]) != FLUE_OK) {
            break;
        }
    }
    assert_true(i >= 100);
    assert_int_equal(table.count, i);
    for (uint32_t k = 0; k < i; k++) {
        assert_ptr_equal(hash_table_find(&table, items[k].hash, item_equal, &k), &items[k]);
    }
    assert_null(hash_table_find(&table, items[i].hash, item_equal, &i));
    manual_env_fail(&manual, 0);
    assert_int_equal(hash_table_insert(&table, items[i].hash, &items[i]), FLUE_OK);
    hash_table_dispose(&table);
    assert_true(manual_env_clean(&manual));
}

/* Tuples as simulations have them, counting up, must not cluster: the mean way to an item stays short. */
static void tuples_spread(void **state)
{
    enum { TUPLES = 40000 };
    static struct item many[TUPLES];
    struct manual_env manual;
    struct hash_table table;
    uint64_t steps = 0;

    (void)state;
    manual_env_init(&manual, 1);
    assert_int_equal(hash_table_init(&table, &manual.env, TUPLES), FLUE_OK);
    for (uint32_t i = 0; i < TUPLES; i++) {
        many[i] = (struct item){
            .key = i, .hash = hash_tuple(0x0a000001 + i / 20000, 0x0a010001, (uint16_t)(10000 + i % 20000), 5001)};
        assert_int_equal(hash_table_insert(&table, many[i].hash, &many[i]), FLUE_OK);
    }
    for (uint32_t i = 0; i < table.size; i++) {
        if (table.slots[i].item != NULL) {
            const uint32_t home = hash_home(table.slots[i].hash, table.size);

            steps += (i >= home ? i - home : i + table.size - home) + 1;
        }
    }
    assert_true(steps < (uint64_t)TUPLES * 2);
    hash_table_dispose(&table);
    assert_true(manual_env_clean(&manual));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values), cmocka_unit_test(random_work),   cmocka_unit_test(random_work_with_collisions),
        cmocka_unit_test(wrap_around),  cmocka_unit_test(out_of_memory), cmocka_unit_test(tuples_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
