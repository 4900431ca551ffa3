/* SPDX-License-Identifier: GPL-2.0-only */
/* Parameters: texts and the numbers they mean, and every way to get them wrong. */
#include "flue/ddi.h"
#include "run/params.h"

#include <stdlib.h>
#include <string.h>

#include "run/text.h"
#include "support/test.h"

struct fixture {
    struct flue_scenario scenario;
    char message[600];
};

static int setup(void **state)
{
    struct fixture *fixture = malloc(sizeof *fixture);

    memset(fixture, 0xA5, sizeof *fixture);
    params_init(&fixture->scenario);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void test_values(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        int64_t number;
        const char *canonical;
    } cases[] = {
        {"connections", "1000000", 1000000, "1000000"},
        {"connections", "+7", 7, "7"},
        {"connections", "12.0", 12, "12"},
        {"io_size", "1.5MiB", 1572864, "1536KiB"},
        {"io_size", "64KiB", 65536, "64KiB"},
        {"io_size", "65536", 65536, "64KiB"},
        {"io_size", "1448 B", 1448, "1448"},
        {"io_size", "0.5KiB", 512, "512"},
        {"io_size", ".25KiB", 256, "256"},
        {"bytes", "1TiB", INT64_C(1099511627776), "1TiB"},
        {"bytes", "0.00000000000090949470177292823791503906250TiB", 1, NULL},
        {"load", "1%", 10000, "1%"},
        {"load", "0.5%", 5000, "0.5%"},
        {"load", "0.01", 10000, "1%"},
        {"load", "50ppm", 50, "50ppm"},
        {"load", "12345ppm", 12345, "1.2345%"},
        {"load", "100ppm", 100, "0.01%"},
        {"load", "0", 0, "0"},
        {"load", "95%", 950000, "95%"},
        {"delay", "10us", 10000000, "10us"},
        {"delay", "0", 0, "0"},
        {"delay", "0.000001us", 1, "1ps"},
        {"delay", "1500ns", 1500000, "1500ns"},
        {"delay", "100s", INT64_C(100000000000000), "100s"},
        {"delay", "2.50 ms", INT64_C(2500000000), "2500us"},
        {"offload_at", "never", FLUE_PS_NEVER, "never"},
        {"offload_at", "5s", INT64_C(5000000000000), "5s"},
        {"moderation", "profile", FLUE_PARAM_AS_PROFILE, "profile"},
        {"moderation", "20us", 20000000, "20us"},
        {"link_rate", "10Gbps", INT64_C(10000000000), "10Gbps"},
        {"link_rate", "2.5Gbps", INT64_C(2500000000), "2500Mbps"},
        {"link_rate", "1000kbps", 1000000, "1Mbps"},
        {"link_rate", "1Tbps", INT64_C(1000000000000), "1Tbps"},
        {"offload", "host", 0, "host"},
        {"offload", "chimney", 1, "chimney"},
        {"direction", "both", 2, "both"},
    };
    struct fixture *fixture = *state;
    char text[FLUE_TEXT_MAX];

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct param_info *param = params_find(cases[i].name);
        flue_err err =
            params_set(&fixture->scenario, cases[i].name, cases[i].text, fixture->message, sizeof fixture->message);

        if (cases[i].canonical == NULL) {
            assert_int_not_equal(err, FLUE_OK); /* more digits than 63 bits hold */
            continue;
        }
        assert_int_equal(err, FLUE_OK);
        assert_int_equal(params_number(&fixture->scenario, param), cases[i].number);
        params_format(param, &fixture->scenario, text, sizeof text);
        assert_string_equal(text, cases[i].canonical);
        /* What was written is read back as the same. */
        assert_int_equal(params_set(&fixture->scenario, cases[i].name, text, fixture->message, sizeof fixture->message),
                         FLUE_OK);
        assert_int_equal(params_number(&fixture->scenario, param), cases[i].number);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        const char *assignment;
        flue_err err;
        const char *message;
    } cases[] = {
        {"io_szie=1", FLUE_ENOENT, "unknown parameter 'io_szie'; did you mean 'io_size'?"},
        {"zebra=1", FLUE_ENOENT, "unknown parameter 'zebra'; see: flue list params"},
        {"io_size", FLUE_EPARSE, "'io_size' sets nothing; write name=value"},
        {"=3", FLUE_EPARSE, "'=3' sets nothing; write name=value"},
        {"connections=0", FLUE_EINVAL, "connections=0: out of range; allowed: 1 .. 1000000"},
        {"connections=-1", FLUE_EINVAL, "connections=-1: out of range; allowed: 1 .. 1000000"},
        {"connections=99999999999999999999", FLUE_EINVAL,
         "connections=99999999999999999999: out of range; allowed: 1 .. 1000000"},
        {"connections=1.5", FLUE_EPARSE, "connections=1.5: is no whole number; write for example 1000"},
        {"connections=many", FLUE_EPARSE, "connections=many: not a number; write for example 1000"},
        {"connections=", FLUE_EPARSE, "connections=: not a number; write for example 1000"},
        {"connections=1k", FLUE_EPARSE, "connections=1k: wrong unit for a count; units: none; write for example 1000"},
        {"io_size=1.3KiB", FLUE_EPARSE, "io_size=1.3KiB: is no whole number of bytes; write for example 64KiB"},
        {"io_size=64kb", FLUE_EPARSE,
         "io_size=64kb: wrong unit for a size; units: B, KiB, MiB, GiB, TiB; write for example 64KiB"},
        {"io_size=128MiB", FLUE_EINVAL, "io_size=128MiB: out of range; allowed: 1 .. 64MiB"},
        {"io_size=8589934592GiB", FLUE_EINVAL, "io_size=8589934592GiB: out of range; allowed: 1 .. 64MiB"},
        {"delay=10", FLUE_EPARSE, "delay=10: a time needs a unit (ps, ns, us, ms, s); write for example 10us"},
        {"delay=10KiB", FLUE_EPARSE,
         "delay=10KiB: wrong unit for a time; units: ps, ns, us, ms, s; write for example 10us"},
        {"delay=never", FLUE_EPARSE, "delay=never: not a number; write for example 10us"},
        {"delay=0.5ps", FLUE_EPARSE, "delay=0.5ps: is no whole number of ps; write for example 10us"},
        {"offload_at=soon", FLUE_EPARSE, "offload_at=soon: not a number; write for example 10us, or never"},
        {"moderation=-1ps", FLUE_EINVAL, "moderation=-1ps: out of range; allowed: 0 .. 1ms or profile"},
        {"moderation=2ms", FLUE_EINVAL, "moderation=2ms: out of range; allowed: 0 .. 1ms or profile"},
        {"moderation=never", FLUE_EPARSE, "moderation=never: not a number; write for example 10us, or profile"},
        {"link_rate=10", FLUE_EPARSE,
         "link_rate=10: a rate needs a unit (bps, Kbps, Mbps, Gbps, Tbps); write for example 10Gbps"},
        {"load=96%", FLUE_EINVAL, "load=96%: out of range; allowed: 0 .. 95%"},
        {"load=30", FLUE_EINVAL, "load=30: out of range; allowed: 0 .. 95%"},
        {"offload=Chimney", FLUE_EPARSE, "offload=Chimney: no such choice; one of host|chimney"},
        {"offload=", FLUE_EPARSE, "offload=: no such choice; one of host|chimney"},
        {"profile=a\tb", FLUE_EPARSE, "profile: control characters or broken UTF-8; write plain text"},
    };
    struct fixture *fixture = *state;
    struct flue_scenario before = fixture->scenario;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        flue_err err =
            params_assign(&fixture->scenario, cases[i].assignment, fixture->message, sizeof fixture->message);

        assert_int_equal(err, cases[i].err);
        assert_string_equal(fixture->message, cases[i].message);
        assert_null(strchr(fixture->message, '\n'));
    }
    assert_memory_equal(&before, &fixture->scenario, sizeof before);
}

static void test_long_text(void **state)
{
    struct fixture *fixture = *state;
    char value[FLUE_TEXT_MAX + 1];

    memset(value, 'x', sizeof value);
    value[FLUE_TEXT_MAX - 1] = '\0';
    assert_int_equal(params_set(&fixture->scenario, "profile", value, fixture->message, sizeof fixture->message),
                     FLUE_OK);
    assert_string_equal(fixture->scenario.profile.text, value);
    value[FLUE_TEXT_MAX - 1] = 'x';
    value[FLUE_TEXT_MAX] = '\0';
    assert_int_equal(params_set(&fixture->scenario, "profile", value, fixture->message, sizeof fixture->message),
                     FLUE_EINVAL);
}

/* Every line of params.def: its initial value lies in its range, and it is found by name and in sorted order. */
static void test_table(void **state)
{
    struct fixture *fixture = *state;
    char text[FLUE_TEXT_MAX];

    for (size_t i = 0; i < params_count(); i++) {
        const struct param_info *param = params_at(i);

        assert_ptr_equal(params_find(param->name), param);
        assert_true(params_is_initial(&fixture->scenario, param));
        params_format(param, &fixture->scenario, text, sizeof text);
        assert_int_equal(params_set(&fixture->scenario, param->name, text, fixture->message, sizeof fixture->message),
                         FLUE_OK);
        assert_true(params_is_initial(&fixture->scenario, param));
        if (i > 0) {
            assert_true(strcmp(params_sorted(i - 1)->name, params_sorted(i)->name) < 0);
        }
    }
    assert_int_equal(fixture->scenario.seed, 1);
    assert_int_equal(fixture->scenario.io_size, 65536);
    assert_int_equal(fixture->scenario.upload_at, FLUE_PS_NEVER);
    assert_int_equal(fixture->scenario.moderation, FLUE_PARAM_AS_PROFILE);
}

/* The switches of the interface: written ddi.NAME, with the defaults of flue_ddi_defaults(), in the order of its words.
 */
static void test_switches_of_the_interface(void **state)
{
    struct fixture *fixture = *state;
    const struct flue_scenario *scenario = &fixture->scenario;
    const struct flue_ddi ddi = flue_ddi_defaults();

    assert_int_equal(scenario->ddi_ndis_version, ddi.ndis_version);
    assert_int_equal(scenario->ddi_walk_failure, ddi.walk_failure_stop);
    assert_int_equal(scenario->ddi_invalidate_acks, ddi.invalidate_acks_none);
    assert_int_equal(scenario->ddi_invalid_raise, ddi.invalid_raise_eager);
    assert_int_equal(scenario->ddi_upload_sends, ddi.upload_sends_complete);
    assert_int_equal(scenario->ddi_terminate_failure, ddi.terminate_recipe);
    assert_int_equal(scenario->ddi_push_timer, ddi.push_timer_once);
    assert_int_equal(scenario->ddi_chimney_moderation, ddi.chimney_moderation_none);
    assert_int_equal(scenario->ddi_upload_deadline_ms, ddi.upload_deadline_ms);
    assert_int_equal(scenario->ddi_reoffload_backoff_ms, ddi.reoffload_backoff_ms);
    assert_int_equal(scenario->ddi_fin_wait2_s, ddi.fin_wait2_s);
    assert_int_equal(
        params_assign(&fixture->scenario, "ddi.ndis_version=6.0", fixture->message, sizeof fixture->message), FLUE_OK);
    assert_int_equal(scenario->ddi_ndis_version, FLUE_NDIS_6_0);
    assert_null(params_find("ddi_ndis_version"));
    assert_string_equal(params_nearest("ddi.pushtimer"), "ddi.push_timer");
}

static void test_numbers_from_a_database(void **state)
{
    struct fixture *fixture = *state;
    const struct param_info *delay = params_find("delay");
    const struct param_info *offload = params_find("offload");
    char *message = fixture->message;
    size_t room = sizeof fixture->message;

    assert_int_equal(params_set_number(&fixture->scenario, delay, 5000, message, room), FLUE_OK);
    assert_int_equal(fixture->scenario.delay, 5000);
    assert_int_equal(params_set_number(&fixture->scenario, delay, -5000, message, room), FLUE_EINVAL);
    assert_int_equal(params_set_number(&fixture->scenario, offload, 1, message, room), FLUE_OK);
    assert_int_equal(fixture->scenario.offload, 1);
    assert_int_equal(params_set_number(&fixture->scenario, offload, 2, message, room), FLUE_EINVAL);
    assert_int_equal(params_set_number(&fixture->scenario, params_find("profile"), 0, message, room), FLUE_EINVAL);
}

static void test_json(void **state)
{
    struct fixture *fixture = *state;
    struct text first = {.chars = NULL};
    struct text second = {.chars = NULL};

    assert_int_equal(params_assign(&fixture->scenario, "io_size=65536", fixture->message, sizeof fixture->message), 0);
    params_json(&fixture->scenario, &first);
    assert_memory_equal(first.chars, "{\"ack_every\":2,\"active\":64,", 27);
    assert_non_null(strstr(first.chars, "\"io_size\":65536,"));
    assert_non_null(strstr(first.chars, "\"warmup\":2000000000,\"workload\":\"bulk\","));
    assert_non_null(strstr(first.chars, "\"moderation\":\"profile\","));
    assert_non_null(strstr(first.chars, "\"offload\":\"host\","));

    /* Another way to write the same, and what is no part of the configuration, change nothing. */
    assert_int_equal(params_assign(&fixture->scenario, "io_size=64KiB", fixture->message, sizeof fixture->message), 0);
    fixture->scenario.net = FLUE_NET_NS3;
    fixture->scenario.seed = 99;
    params_json(&fixture->scenario, &second);
    assert_string_equal(first.chars, second.chars);
    text_free(&second);

    fixture->scenario.workload = FLUE_WORKLOAD_RPC;
    params_json(&fixture->scenario, &second);
    assert_string_not_equal(first.chars, second.chars);
    text_free(&first);
    text_free(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_table, setup, teardown),
        cmocka_unit_test_setup_teardown(test_switches_of_the_interface, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers_from_a_database, setup, teardown),
        cmocka_unit_test_setup_teardown(test_json, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
