/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules of policy=rules: from text to numbers; what is wrong gets one line and a column. */
#include <stdio.h>
#include <string.h>

#include "run/policy.h"
#include "support/test.h"

static void test_texts(void **state)
{
    struct flue_policy_rule rules[FLUE_POLICY_RULES];
    char message[300];

    (void)state;
    assert_int_equal(policy_rules_parse("", rules, message, sizeof message, NULL), 0);
    assert_int_equal(policy_rules_parse(" keep ;", rules, message, sizeof message, NULL), 1);
    assert_int_equal(rules[0].decision, FLUE_KEEP);
    assert_int_equal(rules[0].conditions, 0);
    assert_int_equal(policy_rules_parse("bytes>1MiB and held=0 rate <= 2Gbps offload;idle >= 1.5ms take-back", rules,
                                        message, sizeof message, NULL),
                     2);
    assert_int_equal(rules[0].decision, FLUE_OFFLOAD);
    assert_int_equal(rules[0].conditions, 3);
    assert_int_equal(rules[0].condition[0].fact, FLUE_FACT_bytes);
    assert_int_equal(rules[0].condition[0].compare, FLUE_MORE);
    assert_int_equal(rules[0].condition[0].value, 1048576);
    assert_int_equal(rules[0].condition[1].fact, FLUE_FACT_held);
    assert_int_equal(rules[0].condition[1].compare, FLUE_EQUAL);
    assert_int_equal(rules[0].condition[2].compare, FLUE_AT_MOST);
    assert_int_equal(rules[0].condition[2].value, 2000000000);
    assert_int_equal(rules[1].decision, FLUE_TAKE_BACK);
    assert_int_equal(rules[1].condition[0].fact, FLUE_FACT_idle_ps);
    assert_int_equal(rules[1].condition[0].value, 1500000000);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *text, *message;
        int column;
    } cases[] = {
        {"bytes>1MiB", "a decision is missing; end the rule in offload, keep or take-back", 11},
        {"bytes offload", "bytes needs a comparison; write for example bytes>64KiB", 1},
        {"keep; byts>3 offload", "'byts' is no fact and no decision; did you mean 'bytes'?", 7},
        {"zebra", "'zebra' is no fact and no decision; see: flue list policies", 1},
        {"age>3 keep", "'3' is no value for age; write for example age>10us", 5},
        {"age> keep", "'keep' is no value for age; write for example age>10us", 6},
        {"moves>-1 keep", "'-1' is no value for moves; write for example moves>1000", 7},
        {"moves=>1 keep", "'' is no value for moves; write for example moves>1000", 7},
        {"rank>3 keep", "'rank' is what only the oracle knows", 1},
        {"keep offload", "a rule ends with its decision; write ; before the next", 6},
        {"age>1s age>1s age>1s age>1s age>1s keep", "a rule has at most 4 conditions", 29},
        {"keep;keep;keep;keep;keep;keep;keep;keep;keep;keep;keep;keep;keep;keep;keep;keep;keep", "at most 16 rules",
         81},
    };
    struct flue_policy_rule rules[FLUE_POLICY_RULES];
    char message[300];
    int column;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(policy_rules_parse(cases[i].text, rules, message, sizeof message, &column), -1);
        assert_string_equal(message, cases[i].message);
        assert_int_equal(column, cases[i].column);
    }
}

/* A rule may name every fact but those of the oracle, with a value of its kind. */
static void test_facts(void **state)
{
    static const char *const values[] = {[FLUE_KIND_COUNT] = "1",
                                         [FLUE_KIND_BYTES] = "1KiB",
                                         [FLUE_KIND_TIME] = "1us",
                                         [FLUE_KIND_RATE] = "1Kbps",
                                         [FLUE_KIND_PPM] = "1%"};
    struct flue_policy_rule rules[FLUE_POLICY_RULES];
    char message[300], text[100];

    (void)state;
    for (unsigned i = 0; i < FLUE_FACTS; i++) {
        const struct fact_info *info = fact_info((enum flue_fact)i);
        const int oracle = strcmp(info->who, "WORKLOAD") == 0;

        (void)snprintf(text, sizeof text, "%s!=%s keep", info->word, values[info->kind]);
        assert_int_equal(policy_rules_parse(text, rules, message, sizeof message, NULL), oracle ? -1 : 1);
        assert_true(oracle || rules[0].condition[0].fact == i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
