/* SPDX-License-Identifier: GPL-2.0-only */
/* unit/host/policies.c - the built-in policies: tables of facts and answers, that they are pure, and the ranking. */
#include <string.h>

#include "base/rng.h"
#include "flue/policy.h"
#include "host/ask.h"
#include "support/manual_env.h"
#include "support/test.h"

#define KIB UINT64_C(1024)
#define MS  UINT64_C(1000000000)

struct row {
    const char *policy;
    struct flue_policy_facts facts;
    enum flue_decision decision;
    const char *reason;
};

#define FACTS(...)                                                                                                     \
    {                                                                                                                  \
        .capacity = 8, .capacity_left = 2, .least_bytes = UINT64_MAX, __VA_ARGS__                                      \
    }
#define FULL(least, ...)                                                                                               \
    {                                                                                                                  \
        .capacity = 8, .capacity_left = 0, .least_bytes = (least), __VA_ARGS__                                         \
    }

static const struct row rows[] = {
    {"never", FACTS(.bytes = UINT64_MAX), FLUE_KEEP, "this policy never offloads"},
    {"never", FACTS(.held = 1), FLUE_KEEP, "this policy never offloads"},
    {"always", FACTS(.bytes = 0), FLUE_OFFLOAD, "this policy offloads every connection"},
    {"always", FACTS(.held = 1), FLUE_KEEP, "the target holds it already"},

    {"automatic", FACTS(.bytes = 130 * KIB - 1, .srtt_ps = MS), FLUE_KEEP, "too few bytes yet"},
    {"automatic", FACTS(.bytes = 130 * KIB, .srtt_ps = MS), FLUE_OFFLOAD, "over all thresholds"},
    {"automatic", FACTS(.bytes = 130 * KIB, .srtt_ps = 20 * MS), FLUE_OFFLOAD, "over all thresholds"},
    {"automatic", FACTS(.bytes = 130 * KIB, .srtt_ps = 20 * MS + 1), FLUE_KEEP, "the peer is too far"},
    {"automatic", FACTS(.bytes = 130 * KIB, .loss_ppm = 50000), FLUE_OFFLOAD, "over all thresholds"},
    {"automatic", FACTS(.bytes = 130 * KIB, .loss_ppm = 50001), FLUE_KEEP, "too much is lost"},
    {"automatic", FACTS(.bytes = 130 * KIB, .idle_ps = 1000 * MS + 1), FLUE_KEEP, "idle"},
    {"automatic", FULL(UINT64_MAX, .bytes = 130 * KIB), FLUE_KEEP, "no context is free"},
    {"automatic", FACTS(.held = 1, .idle_ps = 1000 * MS), FLUE_KEEP, "it may stay"},
    {"automatic", FACTS(.held = 1, .idle_ps = 1000 * MS + 1), FLUE_TAKE_BACK, "idle"},
    {"automatic", FACTS(.held = 1, .loss_ppm = 999999), FLUE_KEEP, "it may stay"},

    {"rules", FACTS(.bytes = 2), FLUE_KEEP, "no rule matches"},
    {"rules", FACTS(.bytes = 3, .moves = 1), FLUE_OFFLOAD, "rule 1"},
    {"rules", FACTS(.bytes = 3, .moves = 2), FLUE_TAKE_BACK, "rule 2"},
    {"rules", FACTS(.bytes = 9, .moves = 7), FLUE_KEEP, "rule 3"},

    {"adaptive", FACTS(.recent_bytes = 64 * KIB - 1), FLUE_KEEP, "it carries too little"},
    {"adaptive", FACTS(.recent_bytes = 64 * KIB), FLUE_OFFLOAD, "it carries enough"},
    {"adaptive", FACTS(.recent_bytes = 64 * KIB, .loss_ppm = 50001), FLUE_KEEP, "too much is lost"},
    {"adaptive", FACTS(.recent_bytes = 64 * KIB, .held = 1), FLUE_KEEP, "it may stay"},
    {"adaptive", FACTS(.recent_bytes = 0, .held = 1), FLUE_KEEP, "it may stay"},
    {"adaptive", FULL(UINT64_MAX, .recent_bytes = 900 * KIB), FLUE_KEEP, "others carry as much"},
    {"adaptive", FULL(100 * KIB, .recent_bytes = 214 * KIB), FLUE_KEEP, "others carry as much"},
    {"adaptive", FULL(100 * KIB, .recent_bytes = 214 * KIB + 1), FLUE_OFFLOAD, "it carries more than another"},

    {"random", FACTS(.draw_ppm = 499999), FLUE_OFFLOAD, "drawn"},
    {"random", FACTS(.draw_ppm = 500000), FLUE_KEEP, "not drawn"},
    {"random", FULL(UINT64_MAX, .draw_ppm = 0), FLUE_KEEP, "no context is free"},
    {"random", FACTS(.draw_ppm = 999999, .held = 1), FLUE_KEEP, "it may stay"},

    {"oracle", FACTS(.bytes_to_come = 64 * KIB - 1), FLUE_KEEP, "too little is to come"},
    {"oracle", FACTS(.bytes_to_come = 64 * KIB, .rank = 7), FLUE_OFFLOAD, "it will carry enough"},
    {"oracle", FACTS(.bytes_to_come = 64 * KIB, .rank = 8), FLUE_KEEP, "others will carry more"},
    {"oracle", FULL(UINT64_MAX, .bytes_to_come = 64 * KIB), FLUE_KEEP, "no context is free"},
    {"oracle", FACTS(.bytes_to_come = 0, .held = 1), FLUE_KEEP, "it may stay"},
};

static void set_params(struct flue_policy_params *params)
{
    flue_policy_defaults(params);
    params->max_idle_ps = 1000 * MS;
    params->worth_bytes = 64 * KIB;
    params->rules = 3;
    params->rule[0] =
        (struct flue_policy_rule){.decision = FLUE_OFFLOAD,
                                  .conditions = 2,
                                  .condition = {{FLUE_FACT_bytes, FLUE_MORE, 2}, {FLUE_FACT_moves, FLUE_LESS, 2}}};
    params->rule[1] = (struct flue_policy_rule){
        .decision = FLUE_TAKE_BACK, .conditions = 1, .condition = {{FLUE_FACT_moves, FLUE_EQUAL, 2}}};
    params->rule[2] = (struct flue_policy_rule){
        .decision = FLUE_KEEP, .conditions = 1, .condition = {{FLUE_FACT_moves, FLUE_AT_LEAST, 7}}};
}

static void answers(void **state)
{
    struct flue_policy_params params;

    (void)state;
    set_params(&params);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct flue_policy *policy = flue_policy_find(rows[i].policy);
        const struct flue_verdict verdict = policy->decide(&params, &rows[i].facts);

        if (verdict.decision != rows[i].decision || strcmp(policy->reasons[verdict.reason], rows[i].reason) != 0) {
            fail_msg("row %zu, %s: decision %d because %s", i, policy->name, (int)verdict.decision,
                     policy->reasons[verdict.reason]);
        }
    }
}

/* Every comparison, at both sides of its edge. */
static void comparisons(void **state)
{
    static const struct {
        enum flue_compare compare;
        uint8_t holds[3]; /* of 4, 5, 6 against 5 */
    } edges[] = {{FLUE_LESS, {1, 0, 0}},    {FLUE_AT_MOST, {1, 1, 0}},  {FLUE_EQUAL, {0, 1, 0}},
                 {FLUE_UNEQUAL, {1, 0, 1}}, {FLUE_AT_LEAST, {0, 1, 1}}, {FLUE_MORE, {0, 0, 1}}};
    const struct flue_policy *policy = flue_policy_find("rules");
    struct flue_policy_params params;

    (void)state;
    flue_policy_defaults(&params);
    params.rules = 1;
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        for (unsigned k = 0; k < 3; k++) {
            const struct flue_policy_facts facts = {.age_ps = 4 + k};

            params.rule[0] = (struct flue_policy_rule){
                .decision = FLUE_OFFLOAD, .conditions = 1, .condition = {{FLUE_FACT_age_ps, edges[i].compare, 5}}};
            assert_int_equal(policy->decide(&params, &facts).decision == FLUE_OFFLOAD, edges[i].holds[k]);
        }
    }
}

/* The contract: equal facts, equal answer, whatever was asked between; a reason that exists; and what only the oracle
 * knows changes no other's answer. */
static void pure(void **state)
{
    const struct flue_policy *policy;
    struct flue_policy_params params;
    struct rng rng;

    (void)state;
    set_params(&params);
    rng_init(&rng, 1, "facts");
    for (unsigned n = 0; n < 2000; n++) {
        struct flue_policy_facts facts, blind, other;

        for (size_t i = 0; i < sizeof facts / sizeof(uint64_t); i++) {
            const uint64_t number = rng_u64(&rng) >> rng_below(&rng, 64);

            memcpy((char *)&facts + i * sizeof number, &number, sizeof number);
        }
        facts.held &= 1;
        facts.capacity_left = rng_below(&rng, 3);
        blind = facts;
        blind.bytes_to_come = blind.requests_to_come = blind.rank = 0;
        memset(&other, (int)rng_below(&rng, 256), sizeof other);
        for (unsigned i = 0; (policy = flue_policy_at(i)) != NULL; i++) {
            const struct flue_verdict one = policy->decide(&params, &facts);
            struct flue_verdict two;

            assert_true(one.reason < flue_policy_reasons(policy));
            (void)policy->decide(&params, &other);
            two = policy->decide(&params, policy->clairvoyant ? &facts : &blind);
            assert_int_equal(one.decision, two.decision);
            assert_int_equal(one.reason, two.reason);
            assert_false(facts.held != 0 && one.decision == FLUE_OFFLOAD && i != 3); /* but by a rule */
        }
    }
}

static void table(void **state)
{
    static const char *const names[] = {"never", "always", "automatic", "rules", "adaptive", "random", "oracle"};
    const size_t count = sizeof names / sizeof names[0];

    (void)state;
    for (unsigned i = 0; i < count; i++) {
        const struct flue_policy *policy = flue_policy_at(i);

        assert_string_equal(policy->name, names[i]);
        assert_ptr_equal(flue_policy_find(names[i]), policy);
        assert_int_equal(policy->abi, FLUE_POLICY_ABI);
        assert_true(flue_policy_reasons(policy) > 0);
        assert_int_equal(policy->clairvoyant, strcmp(policy->name, "oracle") == 0);
    }
    assert_null(flue_policy_at((unsigned)count));
    assert_null(flue_policy_find("sometimes"));
    assert_int_equal(flue_policy_fact(&rows[1].facts, FLUE_FACT_held), 1);
    assert_int_equal(flue_policy_fact(&rows[1].facts, FLUE_FACTS), 0);
}

enum { RANKED = 500 };

/* Against the plain way: look at all. */
static void ranking(void **state)
{
    static struct flue_host_socket sockets[RANKED];
    static struct host_view views[RANKED];
    static uint8_t in[RANKED];
    struct manual_env manual;
    struct host_ask ask = {.heap = NULL};
    struct rng rng;

    (void)state;
    manual_env_init(&manual, 1);
    rng_init(&rng, 3, "ranking");
    for (uint32_t i = 0; i < RANKED; i++) {
        sockets[i].account.conn = i;
        views[i] = (struct host_view){.socket = &sockets[i]};
    }
    for (unsigned n = 0; n < 8000; n++) {
        const uint32_t which = (uint32_t)rng_below(&rng, RANKED);
        const struct host_view *least = NULL;

        if (rng_below(&rng, 3) == 0) {
            rank_remove(&ask, &views[which]);
            in[which] = 0;
        } else {
            rank_put(&ask, &manual.env, &views[which], rng_below(&rng, 50));
            in[which] = 1;
        }
        for (uint32_t i = 0; n % 7 == 0 && i < RANKED; i++) {
            if (in[i] != 0 && (least == NULL || views[i].value < least->value)) {
                least = &views[i];
            }
        }
        if (n % 7 == 0) {
            assert_ptr_equal(rank_least(&ask), least);
        }
    }
    rank_dispose(&ask, &manual.env);
    assert_null(ask.heap);
    assert_true(manual_env_clean(&manual));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers), cmocka_unit_test(comparisons), cmocka_unit_test(pure),
        cmocka_unit_test(table),   cmocka_unit_test(ranking),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
