/* SPDX-License-Identifier: GPL-2.0-only */
/* host/policy.c - the built-in policies: pure functions from facts to a decision and its reason. */
#include "flue/policy.h"

#include <string.h>

static enum flue_decision decide_never(const struct flue_policy_facts *facts, const char **reason)
{
    (void)facts;
    *reason = "this policy never offloads";
    return FLUE_KEEP;
}

static enum flue_decision decide_always(const struct flue_policy_facts *facts, const char **reason)
{
    if (facts->held_by_target) {
        *reason = "the target holds it already";
        return FLUE_KEEP;
    }
    *reason = "this policy offloads every connection";
    return FLUE_OFFLOAD;
}

static const struct flue_policy policies[] = {
    {.name = "never", .help = "no connection is ever offloaded", .decide = decide_never},
    {.name = "always", .help = "every connection is offloaded as soon as it is open", .decide = decide_always},
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
