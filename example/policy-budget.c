/* SPDX-License-Identifier: GPL-2.0-only */
/* policy-budget.c - a policy from outside, for `flue run --policy ./policy_budget.so`: a connection has to earn its
 * context, and loses it when it sleeps.  A policy keeps nothing and looks at nothing but its facts (flue/facts.def):
 * what has to be remembered of a connection the host remembers. */
#include "flue/policy.h"

#define BUDGET_BYTES  (256u * 1024u)                    /* for the first context; the next one costs twice as much */
#define SLEEP_PS      ((uint64_t)(50 * FLUE_PS_PER_MS)) /* without a byte */
#define DOUBLINGS_MAX 8u

enum { EARNED, NOT_YET, NO_ROOM, AWAKE, ASLEEP };

/* Each move back and forth makes the next context dearer: no connection wanders for long. */
static uint64_t price_bytes(const struct flue_policy_facts *facts)
{
    const uint64_t returns = facts->moves / 2 + facts->refusals;

    return (uint64_t)BUDGET_BYTES << (returns < DOUBLINGS_MAX ? returns : DOUBLINGS_MAX);
}

static struct flue_verdict decide(const struct flue_policy_params *params, const struct flue_policy_facts *facts)
{
    (void)params;
    if (facts->held != 0) {
        return facts->idle_ps > SLEEP_PS ? (struct flue_verdict){FLUE_TAKE_BACK, ASLEEP}
                                         : (struct flue_verdict){FLUE_KEEP, AWAKE};
    }
    if (facts->bytes < price_bytes(facts) || facts->idle_ps > SLEEP_PS) {
        return (struct flue_verdict){FLUE_KEEP, NOT_YET};
    }
    return facts->capacity_left > 0 ? (struct flue_verdict){FLUE_OFFLOAD, EARNED}
                                    : (struct flue_verdict){FLUE_KEEP, NO_ROOM};
}

/* Among those that have earned one, contexts are for those that carried most of late. */
static uint64_t value(const struct flue_policy_params *params, const struct flue_policy_facts *facts)
{
    (void)params;
    return facts->recent_bytes;
}

const struct flue_policy *flue_policy_plugin(void)
{
    static const struct flue_policy policy = {FLUE_POLICY_VERSIONS,
                                              .asked_again = 1,
                                              .name = "budget",
                                              .help = "a context after 256 KiB, twice as many each time",
                                              .reasons = {[EARNED] = "it has earned a context",
                                                          [NOT_YET] = "not earned yet",
                                                          [NO_ROOM] = "no context is free",
                                                          [AWAKE] = "awake",
                                                          [ASLEEP] = "asleep"},
                                              .decide = decide,
                                              .value = value};

    return &policy;
}
