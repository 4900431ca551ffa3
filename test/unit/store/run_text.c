/* SPDX-License-Identifier: GPL-2.0-only */
/* The record of a run: what is written is read, and a record that is cut anywhere is none. */
#include "store/run_text.h"
#include "unit/store/scratch.h"
#include "unit/store/synthetic.h"

static char message[1024];

/* The record of a run; owned by the caller. */
static void record_of(const struct store_run *run, char **bytes, size_t *count)
{
    FILE *out = open_memstream(bytes, count);

    assert_non_null(out);
    assert_int_equal(run_text_write(out, run), FLUE_OK);
    fclose(out);
}

static void round_trip(void **state)
{
    static const struct store_broken brokens[] = {{121, "target", 3}, {1, "intermediate driver", UINT32_MAX}};
    static const char *const findings[] = {"a tab\there, a line\nbreak, a \\ backslash\\n", ""};
    static const struct store_event schedule[] = {{2000, "2ns upload-all", true}, {INT64_MAX, "a tab\tthere", false}};
    static const struct store_sample samples[] = {{"series.holders", "giving back", 0, INT64_MAX},
                                                  {"series.goodput", "", INT64_MAX, INT64_MIN}};
    struct synthetic *made = test_malloc(sizeof *made);
    struct run_text text;
    struct store_run back;
    size_t count;
    char *bytes;

    (void)state;
    synthetic_make(made, true, 80, 8192, 2);
    made->run.status = STORE_FAILED;
    made->run.findings = findings;
    made->run.finding_count = 2;
    made->run.brokens = brokens;
    made->run.broken_count = 2;
    made->run.schedule = schedule;
    made->run.schedule_count = 2;
    made->run.samples = samples;
    made->run.sample_count = 2;
    made->run.sim_end_ps = INT64_MAX;
    made->run.events = UINT64_MAX;
    made->metrics[4] = (struct store_metric){"requests", "server host", INT64_MIN, INT64_MAX};
    record_of(&made->run, &bytes, &count);
    assert_int_equal(run_text_parse(bytes, count, &text, message, sizeof message), FLUE_OK);
    memset(&back, 0xA5, sizeof back);
    run_text_fill(&text, &back);
    assert_int_equal(back.status, STORE_FAILED);
    assert_string_equal(back.digest, made->digest);
    assert_string_equal(back.evidence, made->run.evidence);
    assert_true(back.sim_end_ps == INT64_MAX);
    assert_true(back.events == UINT64_MAX);
    assert_int_equal(back.finding_count, 2);
    assert_string_equal(back.findings[0], findings[0]);
    assert_string_equal(back.findings[1], "");
    assert_int_equal(back.broken_count, 2);
    assert_int_equal(back.brokens[0].rule, 121);
    assert_string_equal(back.brokens[1].party, "intermediate driver");
    assert_int_equal(back.brokens[1].count, UINT32_MAX);
    assert_int_equal(back.schedule_count, 2);
    assert_true(back.schedule[0].effect && !back.schedule[1].effect && back.schedule[1].at_ps == INT64_MAX);
    assert_string_equal(back.schedule[0].what, "2ns upload-all");
    assert_string_equal(back.schedule[1].what, "a tab\tthere");
    assert_int_equal(back.sample_count, 2);
    assert_string_equal(back.samples[0].entity, "giving back");
    assert_string_equal(back.samples[1].metric, "series.goodput");
    assert_true(back.samples[0].value == INT64_MAX && back.samples[1].value == INT64_MIN);
    assert_true(back.samples[1].at_ps == INT64_MAX);
    assert_int_equal(back.metric_count, made->run.metric_count);
    assert_int_equal(back.bin_count, made->run.bin_count);
    for (size_t i = 0; i < back.metric_count; i++) {
        assert_string_equal(back.metrics[i].name, made->metrics[i].name);
        assert_string_equal(back.metrics[i].entity, made->metrics[i].entity);
        assert_true(back.metrics[i].num == made->metrics[i].num);
        assert_true(back.metrics[i].den == made->metrics[i].den);
    }
    for (size_t i = 0; i < back.bin_count; i++) {
        assert_true(back.bins[i].lo == made->bins[i].lo && back.bins[i].hi == made->bins[i].hi &&
                    back.bins[i].n == made->bins[i].n);
    }
    run_text_free(&text);
    run_text_free(&text);
    free(bytes);
    test_free(made);
}

/* Every shorter record is refused, and so is one with a line too few or too many. */
static void truncation(void **state)
{
    struct synthetic *made = test_malloc(sizeof *made);
    struct run_text text;
    size_t count;
    char *bytes, *second;

    (void)state;
    synthetic_make(made, true, 80, 8192, 2);
    made->run.bin_count = 5;
    record_of(&made->run, &bytes, &count);
    for (size_t length = 0; length < count; length++) {
        assert_int_equal(run_text_parse(bytes, length, &text, message, sizeof message), FLUE_EPARSE);
        assert_null(text.bytes);
    }
    assert_int_equal(run_text_parse(bytes, count, &text, message, sizeof message), FLUE_OK);
    run_text_free(&text);
    /* A line lost in the middle. */
    second = malloc(2 * count);
    assert_non_null(second);
    char *line = strstr(bytes, "metric");
    char *next = strchr(line, '\n') + 1;
    size_t head = (size_t)(line - bytes), tail = count - (size_t)(next - bytes);
    memcpy(second, bytes, head);
    memcpy(second + head, next, tail);
    assert_int_equal(run_text_parse(second, head + tail, &text, message, sizeof message), FLUE_EPARSE);
    /* Something after the end. */
    memcpy(second, bytes, count);
    memcpy(second + count, bytes, count);
    assert_int_equal(run_text_parse(second, 2 * count, &text, message, sizeof message), FLUE_EPARSE);
    free(second);
    free(bytes);
    test_free(made);
}

static void nonsense(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "flue-run\t2\nstatus\tdone\nend\t2\n",
        "flue-run\t1\nend\t1\n",
        "flue-run\t1\nstatus\tmaybe\nend\t2\n",
        "flue-run\t1\nstatus\ttimeout\nend\t2\n",
        "flue-run\t1\nstatus\tdone\nmetric\tgoodput\t\t1x\t1\nend\t3\n",
        "flue-run\t1\nstatus\tdone\nmetric\tgoodput\t\t99999999999999999999\t1\nend\t3\n",
        "flue-run\t1\nstatus\tdone\nbin\tlat\t\t-1\t1\t1\nend\t3\n",
        "flue-run\t1\nstatus\tdone\nbin\tlat\t\t1\t1\t1\t1\t1\nend\t3\n",
        "flue-run\t1\nstatus\tdone\nevent\t1\t2\tupload\nend\t3\n",
        "flue-run\t1\nstatus\tdone\nevent\tx\t1\tupload\nend\t3\n",
        "flue-run\t1\nstatus\tdone\nsample\tseries.cpu\tcopy\t1\t1.5\nend\t3\n",
        "flue-run\t1\nstatus\tdone\nsample\tseries.cpu\tcopy\t1\nend\t3\n",
        "flue-run\t1\nstatus\tdone\nwhat\tever\nend\t3\n",
    };
    struct run_text text;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_int_equal(run_text_parse(texts[i], strlen(texts[i]), &text, message, sizeof message), FLUE_EPARSE);
    }
    assert_int_equal(run_text_parse("flue-run\t1\nstatus\tdone\nend\t2\n", 29, &text, message, sizeof message),
                     FLUE_OK);
    run_text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(truncation),
        cmocka_unit_test(nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
