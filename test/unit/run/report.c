/* SPDX-License-Identifier: GPL-2.0-only */
/* The summary and the JSON of a run whose results are made up. */
#include "run/report.h"

#include <string.h>

#include "run/params.h"
#include "support/test.h"

struct fixture {
    struct flue_scenario scenario;
    struct results *results;
    struct flue_record record;
    struct report report;
    struct text text;
};

static struct fixture fixture;

static int setup(void **state)
{
    char message[600];

    *state = &fixture;
    params_init(&fixture.scenario);
    (void)strcpy(fixture.scenario.name, "rpc");
    fixture.scenario.workload = FLUE_WORKLOAD_RPC;
    fixture.scenario.seed = 7;
    assert_int_equal(params_assign(&fixture.scenario, "offload=chimney", message, sizeof message), FLUE_OK);
    assert_int_equal(params_assign(&fixture.scenario, "io_size=16KiB", message, sizeof message), FLUE_OK);
    fixture.results = results_new();
    fixture.record = results_record(fixture.results);
    fixture.report = (struct report){
        .scenario = &fixture.scenario, .results = fixture.results, .outcome = {.events = 123}, .evidence = ""};
    fixture.text = (struct text){.chars = NULL};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    results_free(fixture.results);
    text_free(&fixture.text);
    return 0;
}

static void put(const char *metric, const char *entity, int64_t numerator, int64_t denominator)
{
    fixture.record.metric(fixture.record.ctx, metric, entity, numerator, denominator);
}

static void say_all(void)
{
    fixture.record.bin(fixture.record.ctx, "lat", "", 41000000, 41200000, 1980);
    fixture.record.bin(fixture.record.ctx, "lat", "", 66000000, 66800000, 14);
    fixture.record.bin(fixture.record.ctx, "lat", "", 90000000, 91000000, 6);
    put("goodput", "", INT64_C(2970000000), 1);
    put("offered", "", INT64_C(9870000000) * 7, 7);
    put("cpu.cycles_per_byte", "copy", 18, 100);
    put("cpu.cycles_per_byte", "TCP/IP", 42, 100);
    put("cpu.cycles_per_byte", "other", 1, 1000);
    put("cpu.cycles_per_byte", "checksum", 0, 1);
    put("cpu.cycles_per_byte", "", 601, 1000);
    put("cpu.handover", "", 15200000, 1);
    put("util.core", "", 23, 100);
    put("util.engine", "", 4, 100);
    put("util.pcie", "", 0, 0);
    put("util.wire", "", 31, 100);
    put("binding", "", 7, 1);
    put("offloaded", "", 1000, 1);
    put("uploaded", "", 0, 1);
    put("refused", "", 0, 1);
    put("bytes.delivered", "", 131072000, 1);
    put("sim.end", "", INT64_C(412000000000), 1);
}

static void test_summary(void **state)
{
    (void)state;
    say_all();
    assert_int_equal(results_finish(fixture.results), FLUE_OK);
    report_summary(&fixture.report, &fixture.text);
    *strstr(fixture.text.chars, "  digest") = '\0';
    assert_string_equal(
        fixture.text.chars,
        "rpc  offload=chimney io_size=16KiB  net link  seed 7 run 1  sim 0.412 s\n"
        "  goodput            2.97 Gb/s of 9.87 Gb/s offered\n"
        "  latency            p50 41.2 us  p90 41.2 us  p99 41.2 us  p99.9 - (2 samples above; 10 needed)"
        "  of 2000\n"
        "  host cycles/byte   0.601 = copy 0.18 + TCP/IP 0.42 + rest 0.001\n"
        "  hand-over          1000 offloaded, 0 uploaded, 0 refused; 15.2 kcycles each\n"
        "  binding resource   offered load (host core 23 %, engine 4 %, wire 31 %)\n"
        "  audit              ok: 131072000 bytes, each delivered exactly once; books balanced\n");
}

static void test_bad_end(void **state)
{
    (void)state;
    fixture.report.evidence = "p: 1 numbers are unverified";
    put("wire.lost", "server to client", 2, 1);
    put("wire.dropped", "client to server", 3, 1);
    put("tcp.retransmits", "server host", 5, 1);
    put("tcp.timeouts", "", 1, 1);
    put("offloaded", "", 3, 1);
    put("uploaded", "", 1, 1);
    put("refused", "", 2, 1);
    put("moves", "policy", 3, 1);
    put("moves", "asked", 1, 1);
    put("cpu.handover", "", 4000, 1);
    fixture.record.event(fixture.record.ctx, 5000000, "5us upload-all", 1);
    fixture.record.event(fixture.record.ctx, 6000000, "6us wake", 0);
    put("series.every", "", 20000000, 1);
    fixture.record.series(fixture.record.ctx, "series.goodput", "", 7, 0);
    fixture.record.series(fixture.record.ctx, "series.goodput", "", 20000007, 12);
    fixture.record.finding(fixture.record.ctx, "a byte is missing");
    fixture.record.finding(fixture.record.ctx, "a pool is not empty");
    assert_int_equal(results_finish(fixture.results), FLUE_OK);
    report_summary(&fixture.report, &fixture.text);
    assert_non_null(strstr(fixture.text.chars,
                           "  loss               2 frames lost, 3 dropped; 5 segments sent again, 1 "
                           "timeouts\n"));
    assert_non_null(
        strstr(fixture.text.chars, "3 offloaded, 1 uploaded, 2 refused (policy 3, asked 1); 1.00 kcycles each"));
    assert_non_null(strstr(fixture.text.chars,
                           "  scheduled          5us upload-all; 6us wake (no effect)\n"
                           "  timeline           2 samples, every 20 us (more would have been too many);"));
    assert_non_null(strstr(fixture.text.chars, "  audit              FAILED\n    a byte is missing\n    a pool is not "
                                               "empty\n"));
    assert_non_null(strstr(fixture.text.chars, "  costs              p: 1 numbers are unverified\n"));
}

static void test_json(void **state)
{
    (void)state;
    say_all();
    fixture.record.event(fixture.record.ctx, 5, "5ps \"x\"", 0);
    fixture.record.series(fixture.record.ctx, "series.holders", "host", 7, 3);
    fixture.record.series(fixture.record.ctx, "series.holders", "host", 9, -4);
    fixture.record.finding(fixture.record.ctx, "said \"so\"");
    assert_int_equal(results_finish(fixture.results), FLUE_OK);
    report_json(&fixture.report, &fixture.text);
    assert_memory_equal(
        fixture.text.chars,
        "{\"flue\":1,\"scenario\":\"rpc\",\"workload\":\"rpc\",\"net\":\"link\",\"seed\":7,\"rng_run\":1,"
        "\"params\":{\"ack_every\":2,",
        93);
    assert_non_null(strstr(fixture.text.chars,
                           "{\"name\":\"cpu.cycles_per_byte\",\"entity\":\"copy\",\"unit\":\"cycles/byte\","
                           "\"numerator\":18,\"denominator\":100,\"value\":0.18}"));
    assert_non_null(strstr(fixture.text.chars, "\"denominator\":0,\"value\":null}"));
    assert_non_null(strstr(fixture.text.chars, "\"n\":2000,\"min\":41000000,\"max\":91000000,\"p50\":41200000,"
                                               "\"p90\":41200000,\"p99\":41200000,\"p99.9\":null,"
                                               "\"bins\":[[41000000,41200000,1980],[66000000,66800000,14],"
                                               "[90000000,91000000,6]]}"));
    assert_non_null(
        strstr(fixture.text.chars,
               ",\"schedule\":[{\"at_ps\":5,\"what\":\"5ps \\\"x\\\"\",\"effect\":false}],\"series\":["
               "{\"name\":\"series.holders\",\"entity\":\"host\",\"unit\":\"connections\",\"points\":[[7,3],[9,-4]]}],"
               "\"broken\":[],\"audit\":{\"ok\":false,\"findings\":[\"said \\\"so\\\"\"]},\"events\":123,"));
}

static void test_quantities(void **state)
{
    static const struct {
        double value;
        const char *unit;
        const char *text;
    } cases[] = {{0, "ps", "0.00 ps"},
                 {999.4, "ps", "999 ps"},
                 {999.5, "ps", "1.00 ns"},
                 {41.2e6, "ps", "41.2 us"},
                 {99.96e6, "ps", "100 us"},
                 {9.996e6, "ps", "10.0 us"},
                 {7e15, "ps", "7000 s"},
                 {1e9, "bit/s", "1.00 Gb/s"},
                 {15200, "cycles", "15.2 kcycles"},
                 {12, "segments", "12 segments"},
                 {3, "", "3"}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        text_free(&fixture.text);
        report_quantity(&fixture.text, cases[i].value, cases[i].unit);
        assert_string_equal(fixture.text.chars, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_summary, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quantities, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
