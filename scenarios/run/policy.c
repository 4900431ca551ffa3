/* SPDX-License-Identifier: GPL-2.0-only */
/* The policy that a scenario names, and its parameters. */
#include "run/policy.h"

#include <stdio.h>
#include <string.h>

#include "run/choices.h"
#include "run/library.h"
#include "run/params.h"

const struct flue_policy *policy_of(const struct flue_scenario *scenario, const struct flue_policy *plugin)
{
    char name[FLUE_TEXT_MAX];

    if (plugin != NULL)
        return plugin;
    if (scenario->policy == 0)
        return flue_policy_find(scenario->offload == ARM_CHIMNEY && scenario->offload_at == FLUE_PS_NEVER ? "always"
                                                                                                          : "never");
    params_format(params_find("policy"), scenario, name, sizeof(name));
    return flue_policy_find(name);
}

int policy_is_restless(const struct flue_scenario *scenario, const struct flue_policy *plugin)
{
    const struct flue_policy *policy = policy_of(scenario, plugin);

    return policy->asked_again || (policy != flue_policy_find("always") && policy != flue_policy_find("never"));
}

void policy_params(const struct flue_scenario *scenario, struct flue_policy_params *out)
{
    char message[256];
    int rules;

    *out = (struct flue_policy_params){.every_ps = scenario->policy_every,
                                       .stay_ps = scenario->policy_stay,
                                       .seed = scenario->seed * UINT64_C(0x9E3779B97F4A7C15) + scenario->rng_run,
                                       .min_bytes = (uint64_t)scenario->policy_min_bytes,
                                       .min_write_bytes = (uint64_t)scenario->policy_min_write,
                                       .max_rtt_ps = (uint64_t)scenario->policy_max_rtt,
                                       .max_loss_ppm = (uint64_t)scenario->policy_max_loss,
                                       .max_idle_ps = (uint64_t)scenario->policy_max_idle,
                                       .worth_bytes = (uint64_t)scenario->policy_worth,
                                       .target_ppm = (uint64_t)scenario->policy_target,
                                       .share_ppm = (uint64_t)scenario->policy_share};
    rules = policy_rules_parse(scenario->policy_rules.text, out->rule, message, sizeof(message), NULL);
    out->rules = rules < 0 ? 0 : (uint32_t)rules;
}

flue_err policy_possible(const struct flue_scenario *scenario, const struct flue_policy *plugin, char *message,
                         size_t room)
{
    const struct flue_policy *policy = policy_of(scenario, plugin);
    struct flue_policy_rule rules[FLUE_POLICY_RULES];
    char why[256];
    int column = 0, count;

    if (plugin != NULL && scenario->policy != 0)
        (void)snprintf(message, room, "policy=%s and --policy both name one; leave one out",
                       policy_of(scenario, NULL)->name);
    else if ((plugin != NULL || scenario->policy != 0) && strcmp(policy->name, "never") != 0 &&
             scenario->offload != ARM_CHIMNEY)
        (void)snprintf(message, room, "policy %s needs an adapter that offloads; set offload=chimney", policy->name);
    else if (scenario->capacity == 0 && scenario->policy != 0 && strcmp(policy->name, "always") == 0)
        (void)snprintf(message, room,
                       "capacity=0 leaves policy=always nothing to offload to; raise capacity, or set policy=never");
    else if ((count = policy_rules_parse(scenario->policy_rules.text, rules, why, sizeof(why), &column)) < 0)
        (void)snprintf(message, room, "policy_rules: column %d: %s", column, why);
    else if (count == 0 && policy == flue_policy_find("rules"))
        (void)snprintf(message, room,
                       "policy=rules needs policy_rules; write for example policy_rules=\"bytes>1MiB offload\"");
    else if (count > 0 && policy != flue_policy_find("rules") && plugin == NULL)
        (void)snprintf(message, room, "policy_rules is for policy=rules");
    else
        return FLUE_OK;
    return FLUE_EINVAL;
}

/* ---- Libraries ------------------------------------------------------------------------------------------------- */

/* Structures that both sides touch must be the same, whatever compiler made them. */
static const char *mismatch(const struct flue_policy *policy)
{
    if (policy == NULL)
        return "flue_policy_plugin() returned nothing; see example/policy-budget.c";
    if (policy->abi != FLUE_POLICY_ABI || policy->policy_bytes != sizeof(*policy) ||
        policy->facts_bytes != sizeof(struct flue_policy_facts))
        return "made for another version of flue/policy.h; compile it again";
    if (!library_name_is_good(policy->name))
        return "its name is not made of letters, digits, '.', '_' and '-', 60 at most";
    if (policy->decide == NULL)
        return "its function decide is missing";
    if (flue_policy_reasons(policy) == 0)
        return "it has no reasons";
    return NULL;
}

flue_err policy_load(const char *path, const struct flue_policy **out, char *message, size_t room)
{
    const struct flue_policy *(*entry)(void) = NULL;
    const struct library library = {
        .option = "--policy", .symbol = "flue_policy_plugin", .header = "flue/policy.h", .path = path};
    void *found;
    flue_err err = library_open(&library, &found, message, room);
    const char *why;

    *out = NULL;
    if (err != FLUE_OK)
        return err;
    *(void **)&entry = found;
    *out = entry();
    why = mismatch(*out);
    if (why == NULL)
        return FLUE_OK;
    *out = NULL;
    return library_refuse(&library, why, message, room);
}
