/* SPDX-License-Identifier: GPL-2.0-only */
/* The summary against numbers computed by hand. */
#include <math.h>
#include <sqlite3.h>

#include "store/store.h"
#include "unit/store/scratch.h"
#include "unit/store/synthetic.h"

static char message[1024];

static void near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-9 * fabs(expected) + 1e-12)) {
        print_error("found %.17g, expected %.17g\n", found, expected);
        fail();
    }
}

/* Stores one number per seed and reads its summary. */
static void summary_of(const int64_t *values, size_t count, double out[7])
{
    struct scratch scratch;
    struct synthetic *made = test_malloc(sizeof *made);
    struct store *store;
    sqlite3_stmt *s = NULL;

    scratch_make(&scratch);
    assert_int_equal(store_open(scratch_path(&scratch, "r.db"), STORE_CREATE, &store, message, sizeof message),
                     FLUE_OK);
    for (size_t i = 0; i < count; i++) {
        synthetic_make(made, false, 30, 1024, i + 1);
        made->metrics[0] = (struct store_metric){.name = "goodput", .entity = "", .num = values[i], .den = 2};
        /* No value: it must not count. */
        made->metrics[1] = (struct store_metric){.name = "offered", .entity = "", .num = 5, .den = 0};
        made->run.metric_count = 2;
        made->run.bin_count = 0;
        assert_int_equal(store_run(store, &made->run, NULL, message, sizeof message), FLUE_OK);
    }
    assert_int_equal(sqlite3_prepare_v2(store_database(store),
                                        "SELECT n, mean, sd, ci95, median, min, max FROM summary", -1, &s, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    for (int i = 0; i < 7; i++) {
        out[i] = sqlite3_column_type(s, i) == SQLITE_NULL ? NAN : sqlite3_column_double(s, i);
    }
    assert_int_equal(sqlite3_step(s), SQLITE_DONE);
    sqlite3_finalize(s);
    store_close(store);
    scratch_remove(&scratch);
    test_free(made);
}

static void five_seeds(void **state)
{
    /* Halves: 2, 4, 4, 5, 10.  Mean 5, squares 9 + 1 + 1 + 0 + 25 = 36, sd 3, t(4) 2.776: 2.776 * 3 / sqrt 5. */
    static const int64_t values[] = {8, 4, 20, 8, 10};
    double out[7];

    (void)state;
    summary_of(values, 5, out);
    near(out[0], 5);
    near(out[1], 5);
    near(out[2], 3);
    near(out[3], 2.776 * 3 / 2.23606797749978969);
    near(out[4], 4);
    near(out[5], 2);
    near(out[6], 10);
}

static void few_seeds(void **state)
{
    static const int64_t values[] = {6, 10};
    double out[7];

    (void)state;
    summary_of(values, 2, out);
    near(out[0], 2);
    near(out[1], 4);
    near(out[2], 1.41421356237309505);
    assert_true(isnan(out[3])); /* no interval below three */
    near(out[4], 4);
    summary_of(values, 1, out);
    near(out[1], 3);
    assert_true(isnan(out[2]));
    assert_true(isnan(out[3]));
    near(out[4], 3);
}

/* A one-pass sum of squares would lose the spread of numbers this large. */
static void large_numbers(void **state)
{
    static const int64_t values[] = {INT64_C(2000000000000002), INT64_C(2000000000000004), INT64_C(2000000000000006)};
    double out[7];

    (void)state;
    summary_of(values, 3, out);
    near(out[1], 1000000000000002.0);
    near(out[2], 1);
    near(out[3], 4.303 / 1.73205080756887729);
}

static void many_seeds(void **state)
{
    /* 40 seeds of 0 and 2 in turn: mean 1, sd sqrt(40/39); t(39) is 2.0227. */
    int64_t values[40];
    double out[7], expected = 2.0227 * sqrt(40.0 / 39.0) / sqrt(40.0);

    (void)state;
    for (size_t i = 0; i < 40; i++) {
        values[i] = i % 2 == 0 ? 0 : 4;
    }
    summary_of(values, 40, out);
    near(out[1], 1);
    assert_true(fabs(out[3] - expected) < 0.001 * expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_seeds),
        cmocka_unit_test(few_seeds),
        cmocka_unit_test(large_numbers),
        cmocka_unit_test(many_seeds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
