/* SPDX-License-Identifier: GPL-2.0-only */
/* Scenario files: what they set, and one clear line for everything that is wrong with one. */
#include <string.h>

#include "run/yaml.h"
#include "support/test.h"

static flue_err parse(const char *text, struct scenario_file *out, char *message, size_t room)
{
    memset(out, 0xA5, sizeof *out);
    return scenario_parse("f.yaml", "f.yaml", text, strlen(text), out, message, room);
}

static void test_full(void **state)
{
    static const char text[] = "# comment\n"
                               "flue: 1\n"
                               "scenario: rpc\n"
                               "question: >\n"
                               "  one\n"
                               "  two\n"
                               "look_at: 'p99'\n"
                               "expect: [first, second]\n"
                               "set:\n"
                               "  io_size: 1.5MiB\n"
                               "  offload: chimney\n"
                               "  close: no\n"
                               "  loss_list: \"s3 c5\"\n";
    struct scenario_file file;
    char message[600] = "";

    (void)state;
    assert_int_equal(parse(text, &file, message, sizeof message), FLUE_OK);
    assert_string_equal(file.scenario.name, "f.yaml");
    assert_int_equal(file.scenario.workload, FLUE_WORKLOAD_RPC);
    assert_int_equal(file.scenario.io_size, 1572864);
    assert_int_equal(file.scenario.offload, 1);
    assert_int_equal(file.scenario.close, 1); /* the word no, and not YAML's false */
    assert_string_equal(file.scenario.loss_list.text, "s3 c5");
    assert_int_equal(file.scenario.connections, 1);
    assert_string_equal(file.question, "one two");
    assert_string_equal(file.look_at, "p99");
    assert_string_equal(file.expect, "first\nsecond");
    assert_string_equal(file.source, text);
    assert_int_equal(file.source_bytes, sizeof text - 1);
    scenario_free(&file);
    assert_null(file.source);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *text;
        flue_err err;
        const char *message;
    } cases[] = {
        {"", FLUE_EPARSE, "f.yaml:1:1: the file is empty; begin with: flue: 1"},
        {"scenario: bulk\n", FLUE_EPARSE, "f.yaml:1:1: the version is missing; begin with: flue: 1"},
        {"flue: 1\n", FLUE_EPARSE, "f.yaml:1:1: the workload is missing; add: scenario: bulk (or rpc, or web)"},
        {"flue: 2\nscenario: bulk\n", FLUE_EPARSE,
         "f.yaml:1:7: version '2' of the format is not known; this program reads flue: 1"},
        {"flue: 1\nscenario: bluk\n", FLUE_EPARSE, "f.yaml:2:11: no such workload; write bulk, rpc or web"},
        {"flue: 1\nscenario: bulk\nsett: {}\n", FLUE_EPARSE, "f.yaml:3:1: unknown key 'sett'; did you mean 'set'?"},
        {"flue: 1\nscenario: bulk\nconnections: 3\n", FLUE_EPARSE,
         "f.yaml:3:1: 'connections' is a parameter; write it under set:"},
        {"flue: 1\nscenario: bulk\nzebra: 3\n", FLUE_EPARSE,
         "f.yaml:3:1: unknown key 'zebra'; known are flue, scenario, question, look_at, expect, set, events"},
        {"flue: 1\nscenario: bulk\nevents: 3\n", FLUE_EPARSE,
         "f.yaml:3:9: a list of events is expected; write for example - {at: 2ms, do: upload-all}"},
        {"flue: 1\nscenario: bulk\nevents:\n  - {at: 2ms}\n", FLUE_EPARSE,
         "f.yaml:4:5: an event needs at and do; write for example {at: 2ms, do: upload-all}"},
        {"flue: 1\nscenario: bulk\nevents:\n  - {at: 2ms, do: pause}\n  - {at: 2ms, do: resum}\n", FLUE_EPARSE,
         "f.yaml:5:5: unknown event 'resum'; did you mean 'resume'?"},
        {"flue: 1\nscenario: bulk\nset:\n  events: 2ms paus\n", FLUE_EPARSE,
         "f.yaml:4:11: unknown event 'paus'; did you mean 'pause'?"},
        {"flue: 1\nscenario: bulk\nset:\n  io_sice: 3\n", FLUE_EPARSE,
         "f.yaml:4:3: unknown parameter 'io_sice'; did you mean 'io_size'?"},
        {"flue: 1\nscenario: bulk\nset:\n  delay: 10\n", FLUE_EPARSE,
         "f.yaml:4:10: delay=10: a time needs a unit (ps, ns, us, ms, s); write for example 10us"},
        {"flue: 1\nscenario: bulk\nset:\n  mtu: 100\n", FLUE_EINVAL,
         "f.yaml:4:8: mtu=100: out of range; allowed: 576 .. 9000"},
        {"flue: 1\nscenario: bulk\nset:\n  mtu: [600, 700]\n", FLUE_EPARSE,
         "f.yaml:4:8: mtu needs one value; lists belong into a sweep file"},
        {"flue: 1\nscenario: bulk\nset: 5\n", FLUE_EPARSE, "f.yaml:3:6: lines of \"name: value\" are expected here"},
        {"flue: 1\nscenario: bulk\nset: {mtu: 600, mtu: 700}\n", FLUE_EPARSE,
         "f.yaml:3:17: 'mtu' stands here a second time; leave one"},
        {"flue: 1\nflue: 1\nscenario: bulk\n", FLUE_EPARSE, "f.yaml:2:1: 'flue' stands here a second time; leave one"},
        {"- a\n- b\n", FLUE_EPARSE, "f.yaml:1:1: lines of \"name: value\" are expected here"},
        {"flue: 1\nscenario: bulk\nquestion: {a: b}\n", FLUE_EPARSE,
         "f.yaml:3:11: a text, or a list of texts, is expected here"},
        {"flue: 1\nscenario: bulk\n---\nflue: 1\n", FLUE_EPARSE,
         "f.yaml:4:1: a second document begins here; one file holds one"},
        {"flue: 1\n  scenario: bulk\n", FLUE_EPARSE,
         "f.yaml:2:11: no YAML: mapping values are not allowed in this context; look at indentation, quotes and "
         "brackets"},
        {"flue: [1\n", FLUE_EPARSE,
         "f.yaml:2:1: no YAML: did not find expected ',' or ']'; look at indentation, quotes and brackets"},
        {"flue: \xFF\n", FLUE_EPARSE, "f.yaml: byte 6: invalid leading UTF-8 octet; write the file in UTF-8"},
    };
    struct scenario_file file;
    char message[600];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        memset(message, 'x', sizeof message);
        assert_int_equal(parse(cases[i].text, &file, message, sizeof message), cases[i].err);
        assert_string_equal(message, cases[i].message);
        assert_null(file.source);
    }
}

static void test_names(void **state)
{
    struct scenario_file file;
    char message[600];

    (void)state;
    for (size_t i = 0; scenario_builtin(i) != NULL; i++) {
        assert_int_equal(scenario_load(scenario_builtin(i)->name, &file, message, sizeof message), FLUE_OK);
        assert_string_equal(file.scenario.name, scenario_builtin(i)->name);
        assert_true(file.question[0] != '\0' && file.look_at[0] != '\0' && file.expect[0] != '\0');
        scenario_free(&file);
    }
    assert_int_equal(scenario_load("bluk", &file, message, sizeof message), FLUE_ENOENT);
    assert_string_equal(message, "unknown scenario 'bluk'; did you mean 'bulk'?");
    assert_int_equal(scenario_load("zebra", &file, message, sizeof message), FLUE_ENOENT);
    assert_string_equal(message, "unknown scenario 'zebra'; see: flue list scenarios; a file's name ends in .yaml");
    assert_int_equal(scenario_load("/nowhere/x.yaml", &file, message, sizeof message), FLUE_ENOENT);
    assert_string_equal(message,
                        "/nowhere/x.yaml: No such file or directory; give the path of a file that can be read");
    assert_int_equal(scenario_load("/", &file, message, sizeof message), FLUE_EIO);
}

/* A path that is too long for the field keeps its end. */
static void test_long_name(void **state)
{
    static const char name[] = "0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/tail.yaml";
    static const char text[] = "flue: 1\nscenario: bulk\n";
    struct scenario_file file;
    char message[600];

    (void)state;
    assert_int_equal(scenario_parse(name, name, text, sizeof text - 1, &file, message, sizeof message), FLUE_OK);
    assert_int_equal(strlen(file.scenario.name), sizeof file.scenario.name - 1);
    assert_string_equal(file.scenario.name + strlen(file.scenario.name) - 10, "/tail.yaml");
    scenario_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_long_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
