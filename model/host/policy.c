/* SPDX-License-Identifier: GPL-2.0-only */
/* host/policy.c - the built-in policies: pure functions from facts to a decision and its reason. */
#include "flue/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

uint64_t flue_policy_fact(const struct flue_policy_facts *facts, enum flue_fact fact)
{
    static const size_t offsets[FLUE_FACTS] = {
#define FLUE_FACT(name, word, kind, who, help) offsetof(struct flue_policy_facts, name),
#include "flue/facts.def"
#undef FLUE_FACT
    };

    return fact < FLUE_FACTS ? *(const uint64_t *)(const void *)((const char *)facts + offsets[fact]) : 0;
}

void flue_policy_defaults(struct flue_policy_params *params)
{
    *params = (struct flue_policy_params){.every_ps = FLUE_PS_PER_MS,
                                          .stay_ps = 5 * FLUE_PS_PER_MS,
                                          .min_bytes = 130 * 1024,
                                          .max_rtt_ps = 20 * FLUE_PS_PER_MS,
                                          .max_loss_ppm = 50000,
                                          .worth_bytes = 16 * 1024,
                                          .target_ppm = 1000000,
                                          .share_ppm = 500000};
}

static struct flue_verdict say(enum flue_decision decision, unsigned reason)
{
    return (struct flue_verdict){.decision = decision, .reason = reason};
}

/* ---- Never and always */

static struct flue_verdict decide_never(const struct flue_policy_params *params, const struct flue_policy_facts *facts)
{
    (void)params;
    (void)facts;
    return say(FLUE_KEEP, 0);
}

static struct flue_verdict decide_always(const struct flue_policy_params *params, const struct flue_policy_facts *facts)
{
    (void)params;
    return facts->held != 0 ? say(FLUE_KEEP, 1) : say(FLUE_OFFLOAD, 0);
}

/* ---- Automatic: the thresholds by which Windows Server 2008 R2 chose, as far as its documentation tells them (bytes
 * exchanged, round trip), and those that the interface lets a target complain of (behaviour 11.2). */

enum { AUTO_PROMISING, AUTO_IDLE, AUTO_LOSSY, AUTO_FAR, AUTO_SMALL, AUTO_YOUNG, AUTO_FULL, AUTO_STAYS };

static struct flue_verdict decide_automatic(const struct flue_policy_params *params,
                                            const struct flue_policy_facts *facts)
{
    const uint64_t piece_bytes =
        facts->mean_write_bytes > facts->mean_read_bytes ? facts->mean_write_bytes : facts->mean_read_bytes;

    if (facts->held != 0) {
        return params->max_idle_ps != 0 && facts->idle_ps > params->max_idle_ps ? say(FLUE_TAKE_BACK, AUTO_IDLE)
                                                                                : say(FLUE_KEEP, AUTO_STAYS);
    }
    if (facts->bytes < params->min_bytes) {
        return say(FLUE_KEEP, AUTO_YOUNG);
    }
    if (params->max_idle_ps != 0 && facts->idle_ps > params->max_idle_ps) {
        return say(FLUE_KEEP, AUTO_IDLE);
    }
    if (piece_bytes < params->min_write_bytes) {
        return say(FLUE_KEEP, AUTO_SMALL);
    }
    if (facts->srtt_ps > params->max_rtt_ps) {
        return say(FLUE_KEEP, AUTO_FAR);
    }
    if (facts->loss_ppm > params->max_loss_ppm) {
        return say(FLUE_KEEP, AUTO_LOSSY);
    }
    return facts->capacity_left == 0 ? say(FLUE_KEEP, AUTO_FULL) : say(FLUE_OFFLOAD, AUTO_PROMISING);
}

/* ---- Rules: the first that matches; its number is the reason */

static bool holds(const struct flue_policy_condition *condition, const struct flue_policy_facts *facts)
{
    const uint64_t fact = flue_policy_fact(facts, condition->fact);

    switch (condition->compare) {
    case FLUE_LESS:
        return fact < condition->value;
    case FLUE_AT_MOST:
        return fact <= condition->value;
    case FLUE_EQUAL:
        return fact == condition->value;
    case FLUE_UNEQUAL:
        return fact != condition->value;
    case FLUE_AT_LEAST:
        return fact >= condition->value;
    case FLUE_MORE:
        return fact > condition->value;
    }
    return false;
}

static bool matches(const struct flue_policy_rule *rule, const struct flue_policy_facts *facts)
{
    for (unsigned i = 0; i < rule->conditions; i++) {
        if (!holds(&rule->condition[i], facts)) {
            return false;
        }
    }
    return true;
}

static struct flue_verdict decide_rules(const struct flue_policy_params *params, const struct flue_policy_facts *facts)
{
    for (unsigned i = 0; i < params->rules; i++) {
        if (matches(&params->rule[i], facts)) {
            return say(params->rule[i].decision, i + 1);
        }
    }
    return say(FLUE_KEEP, 0);
}

/* ---- Adaptive: what was carried of late is what will be; the contexts are for those that carry most */

enum { ADAPT_WORTH, ADAPT_BETTER, ADAPT_LITTLE, ADAPT_FULL, ADAPT_STAYS, ADAPT_LOSSY };

static uint64_t value_adaptive(const struct flue_policy_params *params, const struct flue_policy_facts *facts)
{
    (void)params;
    return facts->recent_bytes;
}

/* Contexts that it may still take. */
static uint64_t room(const struct flue_policy_params *params, const struct flue_policy_facts *facts)
{
    const uint64_t reserve = facts->capacity - facts->capacity * params->target_ppm / 1000000u;

    return facts->capacity_left > reserve ? facts->capacity_left - reserve : 0;
}

/* Changing places costs two moves, and guesses are noisy: half as much again, and one hand-over's worth more. */
static struct flue_verdict decide_adaptive(const struct flue_policy_params *params,
                                           const struct flue_policy_facts *facts)
{
    if (facts->held != 0) {
        return say(FLUE_KEEP, ADAPT_STAYS);
    }
    if (facts->loss_ppm > params->max_loss_ppm) {
        return say(FLUE_KEEP, ADAPT_LOSSY);
    }
    if (facts->recent_bytes < params->worth_bytes) {
        return say(FLUE_KEEP, ADAPT_LITTLE);
    }
    if (room(params, facts) > 0) {
        return say(FLUE_OFFLOAD, ADAPT_WORTH);
    }
    return facts->capacity_left == 0 && facts->least_bytes < facts->recent_bytes &&
                   facts->recent_bytes - facts->least_bytes > facts->least_bytes / 2 + params->worth_bytes
               ? say(FLUE_OFFLOAD, ADAPT_BETTER)
               : say(FLUE_KEEP, ADAPT_FULL);
}

/* ---- The bounds: one that knows nothing, one that knows what will be */

enum { RANDOM_DRAWN, RANDOM_NOT, RANDOM_FULL, RANDOM_STAYS };

static struct flue_verdict decide_random(const struct flue_policy_params *params, const struct flue_policy_facts *facts)
{
    if (facts->held != 0) {
        return say(FLUE_KEEP, RANDOM_STAYS);
    }
    if (facts->draw_ppm >= params->share_ppm) {
        return say(FLUE_KEEP, RANDOM_NOT);
    }
    return facts->capacity_left == 0 ? say(FLUE_KEEP, RANDOM_FULL) : say(FLUE_OFFLOAD, RANDOM_DRAWN);
}

enum { ORACLE_WORTH, ORACLE_LITTLE, ORACLE_OTHERS, ORACLE_FULL, ORACLE_STAYS };

static struct flue_verdict decide_oracle(const struct flue_policy_params *params, const struct flue_policy_facts *facts)
{
    if (facts->held != 0) {
        return say(FLUE_KEEP, ORACLE_STAYS);
    }
    if (facts->bytes_to_come < params->worth_bytes) {
        return say(FLUE_KEEP, ORACLE_LITTLE);
    }
    if (facts->rank >= facts->capacity) {
        return say(FLUE_KEEP, ORACLE_OTHERS);
    }
    return facts->capacity_left == 0 ? say(FLUE_KEEP, ORACLE_FULL) : say(FLUE_OFFLOAD, ORACLE_WORTH);
}

/* ---- The table */

static const struct flue_policy policies[] = {
    {FLUE_POLICY_VERSIONS, .name = "never", .help = "no connection is ever offloaded",
     .reasons = {"this policy never offloads"}, .decide = decide_never},
    {FLUE_POLICY_VERSIONS, .name = "always", .help = "every connection is offloaded as soon as it is open",
     .reasons = {"this policy offloads every connection", "the target holds it already"}, .decide = decide_always},
    {FLUE_POLICY_VERSIONS, .name = "automatic",
     .help = "thresholds: policy_min_bytes, policy_min_write, policy_max_rtt, policy_max_loss, policy_max_idle",
     .asked_again = 1,
     .reasons = {[AUTO_PROMISING] = "over all thresholds",
                 [AUTO_IDLE] = "idle",
                 [AUTO_LOSSY] = "too much is lost",
                 [AUTO_FAR] = "the peer is too far",
                 [AUTO_SMALL] = "too small pieces",
                 [AUTO_YOUNG] = "too few bytes yet",
                 [AUTO_FULL] = "no context is free",
                 [AUTO_STAYS] = "it may stay"},
     .decide = decide_automatic},
    {FLUE_POLICY_VERSIONS, .name = "rules", .help = "policy_rules: the first rule that matches", .asked_again = 1,
     .reasons = {"no rule matches", "rule 1", "rule 2", "rule 3", "rule 4", "rule 5", "rule 6", "rule 7", "rule 8",
                 "rule 9", "rule 10", "rule 11", "rule 12", "rule 13", "rule 14", "rule 15", "rule 16"},
     .decide = decide_rules},
    {FLUE_POLICY_VERSIONS, .name = "adaptive",
     .help = "those that carried most of late; the least valuable makes room for a better one", .asked_again = 1,
     .reasons = {[ADAPT_WORTH] = "it carries enough",
                 [ADAPT_BETTER] = "it carries more than another",
                 [ADAPT_LITTLE] = "it carries too little",
                 [ADAPT_FULL] = "others carry as much",
                 [ADAPT_STAYS] = "it may stay",
                 [ADAPT_LOSSY] = "too much is lost"},
     .decide = decide_adaptive, .value = value_adaptive},
    {FLUE_POLICY_VERSIONS, .name = "random",
     .help = "a share of the connections, policy_share, whatever they do: what knowing nothing gives", .asked_again = 1,
     .reasons = {[RANDOM_DRAWN] = "drawn",
                 [RANDOM_NOT] = "not drawn",
                 [RANDOM_FULL] = "no context is free",
                 [RANDOM_STAYS] = "it may stay"},
     .decide = decide_random},
    {FLUE_POLICY_VERSIONS, .name = "oracle",
     .help = "those that will carry most, which the scenario tells: what knowing all gives", .asked_again = 1,
     .clairvoyant = 1,
     .reasons = {[ORACLE_WORTH] = "it will carry enough",
                 [ORACLE_LITTLE] = "too little is to come",
                 [ORACLE_OTHERS] = "others will carry more",
                 [ORACLE_FULL] = "no context is free",
                 [ORACLE_STAYS] = "it may stay"},
     .decide = decide_oracle},
};

const struct flue_policy *flue_policy_at(unsigned i)
{
    return i < sizeof policies / sizeof policies[0] ? &policies[i] : NULL;
}

const struct flue_policy *flue_policy_find(const char *name)
{
    const struct flue_policy *policy;

    for (unsigned i = 0; (policy = flue_policy_at(i)) != NULL; i++) {
        if (strcmp(policy->name, name) == 0) {
            return policy;
        }
    }
    return NULL;
}

unsigned flue_policy_reasons(const struct flue_policy *policy)
{
    unsigned count = 0;

    while (count < FLUE_POLICY_REASONS && policy->reasons[count] != NULL) {
        count++;
    }
    return count;
}
