/* SPDX-License-Identifier: GPL-2.0-only */
/* What a run says is kept in order and digested; what it may not say is refused. */
#include "run/results.h"

#include <string.h>

#include "support/test.h"

static void digest_of(void (*say)(const struct flue_record *record), char out[RESULTS_DIGEST_ROOM], flue_err *err)
{
    struct results *results = results_new();
    struct flue_record record;

    assert_non_null(results);
    record = results_record(results);
    if (say != NULL) {
        say(&record);
    }
    *err = results_finish(results);
    memcpy(out, results_digest(results), RESULTS_DIGEST_ROOM);
    results_free(results);
}

static void say_known(const struct flue_record *record)
{
    record->metric(record->ctx, "goodput", "", 8000, 3);
    record->metric(record->ctx, "cpu.cycles", "copy", 12, 1);
    record->bin(record->ctx, "lat", "", 10, 19, 5);
    record->bin(record->ctx, "lat", "", 20, 29, 7);
    record->finding(record->ctx, "one byte too many");
    record->fold(record->ctx, "frames", UINT64_MAX);
}

static void say_known_with_alarms(const struct flue_record *record)
{
    record->metric(record->ctx, "alarms", "", 4711, 1);
    say_known(record);
    record->event(record->ctx, 5, "5ps upload-all", 1);
    record->series(record->ctx, "series.goodput", "", 7, 1000);
    record->series(record->ctx, "series.holders", "host", 7, 2);
    record->series(record->ctx, "series.goodput", "", 9, -1);
}

static void say_other_order(const struct flue_record *record)
{
    record->metric(record->ctx, "cpu.cycles", "copy", 12, 1);
    record->metric(record->ctx, "goodput", "", 8000, 3);
    record->bin(record->ctx, "lat", "", 10, 19, 5);
    record->bin(record->ctx, "lat", "", 20, 29, 7);
    record->finding(record->ctx, "one byte too many");
    record->fold(record->ctx, "frames", UINT64_MAX);
}

/* Both sums were computed by sha256sum over the lines that results.h describes. */
static void test_known_answer(void **state)
{
    char digest[RESULTS_DIGEST_ROOM];
    flue_err err;

    (void)state;
    digest_of(NULL, digest, &err);
    assert_int_equal(err, FLUE_OK);
    assert_string_equal(digest, "7cfc600f4d888deebbfce5c94975e01cc86211873fed533014de575b66284bfa");
    digest_of(say_known, digest, &err);
    assert_int_equal(err, FLUE_OK);
    assert_string_equal(digest, "de2329d3d1a15f3f4385b1f953214f2b0143e54088392aa8a082f7c93acc9392");
    digest_of(say_known_with_alarms, digest, &err);
    assert_int_equal(err, FLUE_OK);
    assert_string_equal(digest, "de2329d3d1a15f3f4385b1f953214f2b0143e54088392aa8a082f7c93acc9392");
    digest_of(say_other_order, digest, &err);
    assert_string_not_equal(digest, "de2329d3d1a15f3f4385b1f953214f2b0143e54088392aa8a082f7c93acc9392");
}

static void test_kept(void **state)
{
    struct results *results = results_new();
    struct flue_record record = results_record(results);

    (void)state;
    say_known_with_alarms(&record);
    assert_int_equal(results_finish(results), FLUE_OK);
    assert_string_equal(results_number(results, 0)->metric->name, "alarms");
    assert_int_equal(results_find(results, "goodput", "")->denominator, 3);
    assert_int_equal(results_find(results, "cpu.cycles", "copy")->numerator, 12);
    assert_null(results_find(results, "cpu.cycles", ""));
    assert_null(results_number(results, 3));
    assert_int_equal(results_find_hist(results, "lat", "")->n, 12);
    assert_int_equal(results_hist(results, 0)->bin_count, 2);
    assert_null(results_hist(results, 1));
    assert_string_equal(results_finding(results, 0), "one byte too many");
    assert_null(results_finding(results, 1));
    assert_string_equal(results_event(results, 0)->what, "5ps upload-all");
    assert_true(results_event(results, 0)->effect && results_event(results, 0)->at_ps == 5);
    assert_null(results_event(results, 1));
    assert_int_equal(results_find_series(results, "series.goodput", "")->point_count, 2);
    assert_true(results_series(results, 0)->points[1].at_ps == 9 && results_series(results, 0)->points[1].value == -1);
    assert_string_equal(results_series(results, 1)->entity, "host");
    assert_null(results_find_series(results, "series.goodput", "host"));
    assert_null(results_series(results, 2));
    results_free(results);
}

static void say_series_as_number(const struct flue_record *record)
{
    record->metric(record->ctx, "series.goodput", "", 1, 1);
}

static void say_number_as_series(const struct flue_record *record)
{
    record->series(record->ctx, "goodput", "", 1, 1);
}

static void say_hist_as_series(const struct flue_record *record)
{
    record->series(record->ctx, "lat", "", 1, 1);
}

static void say_sample_twice(const struct flue_record *record)
{
    record->series(record->ctx, "series.goodput", "", 5, 1);
    record->series(record->ctx, "series.goodput", "", 5, 1);
}

static void say_unknown(const struct flue_record *record)
{
    record->metric(record->ctx, "no.such", "", 1, 1);
}

static void say_hist_as_number(const struct flue_record *record)
{
    record->metric(record->ctx, "lat", "", 1, 1);
}

static void say_number_as_hist(const struct flue_record *record)
{
    record->bin(record->ctx, "goodput", "", 1, 1, 1);
}

static void say_twice(const struct flue_record *record)
{
    record->metric(record->ctx, "cpu.cycles", "copy", 12, 1);
    record->metric(record->ctx, "goodput", "", 8000, 3);
    record->metric(record->ctx, "cpu.cycles", "copy", 12, 1);
}

static void say_falling_bins(const struct flue_record *record)
{
    record->bin(record->ctx, "lat", "", 10, 19, 5);
    record->bin(record->ctx, "lat", "", 19, 29, 5);
}

static void say_empty_bin(const struct flue_record *record)
{
    record->bin(record->ctx, "lat", "", 10, 19, 0);
}

static void say_negative_denominator(const struct flue_record *record)
{
    record->metric(record->ctx, "goodput", "", 1, -1);
}

static void say_tab(const struct flue_record *record)
{
    record->metric(record->ctx, "cpu.cycles", "a\tb", 1, 1);
}

static void test_refused(void **state)
{
    static void (*const wrong[])(const struct flue_record *) = {
        say_unknown,          say_hist_as_number,   say_number_as_hist,       say_twice,
        say_falling_bins,     say_empty_bin,        say_negative_denominator, say_tab,
        say_series_as_number, say_number_as_series, say_hist_as_series,       say_sample_twice,
    };
    char digest[RESULTS_DIGEST_ROOM];
    flue_err err;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        digest_of(wrong[i], digest, &err);
        assert_int_equal(err, FLUE_EINVAL);
    }
}

static void test_many(void **state)
{
    struct results *results = results_new();
    struct flue_record record = results_record(results);

    (void)state;
    for (uint64_t i = 0; i < 5000; i++) {
        record.bin(record.ctx, "lat", "", 10 * i, 10 * i + 9, 1);
    }
    assert_int_equal(results_finish(results), FLUE_OK);
    assert_int_equal(results_hist(results, 0)->n, 5000);
    assert_int_equal(results_hist(results, 0)->bins[4999].lo, 49990);
    results_free(results);
}

static void test_quantiles(void **state)
{
    struct result_bin bins[] = {{0, 9, 90}, {10, 19, 9}, {20, 29, 1}};
    struct result_hist hist = {.bins = bins, .bin_count = 3, .n = 100};
    static const struct {
        uint32_t numerator, denominator;
        uint64_t value, above;
    } cases[] = {{50, 100, 9, 50}, {90, 100, 9, 10},   {91, 100, 19, 9},
                 {99, 100, 19, 1}, {999, 1000, 29, 0}, {0, 100, 9, 99}};
    uint64_t value;
    uint64_t above;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_true(results_quantile(&hist, cases[i].numerator, cases[i].denominator, &value, &above));
        assert_int_equal(value, cases[i].value);
        assert_int_equal(above, cases[i].above);
    }
    /* So many samples that n x numerator would not fit. */
    bins[2].n = UINT64_MAX - 200;
    hist.n = UINT64_MAX - 101;
    assert_true(results_quantile(&hist, 999, 1000, &value, &above));
    assert_int_equal(value, 29);
    assert_int_equal(above, (UINT64_MAX - 101) / 1000);
    hist = (struct result_hist){.bins = NULL};
    assert_false(results_quantile(&hist, 50, 100, &value, &above));
}

static void test_metrics(void **state)
{
    (void)state;
    for (size_t i = 0; i < metrics_count(); i++) {
        assert_ptr_equal(metrics_find(metrics_at(i)->name), metrics_at(i));
    }
    assert_null(metrics_find("nothing"));
    assert_false(results_is_digested("alarms"));
    assert_true(results_is_digested("goodput"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answer), cmocka_unit_test(test_kept),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_many),         cmocka_unit_test(test_quantiles), cmocka_unit_test(test_metrics),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
