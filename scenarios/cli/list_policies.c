/* SPDX-License-Identifier: GPL-2.0-only */
/* flue list policies: the built-in policies, their reasons, and the facts. */
#include "cli/list_policies.h"

#include <string.h>

#include "run/params.h"
#include "run/policy.h"

static void add_policy_json(struct text *out, const struct flue_policy *policy)
{
    text_add(out, "{\"name\":");
    text_add_json(out, policy->name);
    text_add(out, ",\"kind\":\"policy\",\"help\":");
    text_add_json(out, policy->help);
    text_add(out, ",\"reasons\":[");
    for (unsigned i = 0; i < flue_policy_reasons(policy); i++) {
        text_add(out, "%s", i > 0 ? "," : "");
        text_add_json(out, policy->reasons[i]);
    }
    text_add(out, "]}");
}

static void add_policy(struct text *out, const struct flue_policy *policy)
{
    text_add(out, "%-12s %s\n", policy->name, policy->help);
    if (strcmp(policy->name, "rules") == 0) {
        return; /* their numbers */
    }
    for (unsigned i = 0; i < flue_policy_reasons(policy); i++) {
        text_add(out, "    %s\n", policy->reasons[i]);
    }
}

static const char *who_of(const struct fact_info *info)
{
    return strcmp(info->who, "HOST") == 0      ? "host"
           : strcmp(info->who, "ENGINE") == 0  ? "host's engine"
           : strcmp(info->who, "ADAPTER") == 0 ? "adapter"
                                               : "oracle only";
}

static void add_fact(struct text *out, const struct fact_info *info, bool json)
{
    if (!json) {
        text_add(out, "  %-16s %-6s %-14s %s\n", info->word, params_kind_name(info->kind), who_of(info), info->help);
        return;
    }
    text_add(out, ",\n {\"name\":");
    text_add_json(out, info->word);
    text_add(out, ",\"kind\":\"fact\",\"unit\":");
    text_add_json(out, params_kind_name(info->kind));
    text_add(out, ",\"who\":");
    text_add_json(out, who_of(info));
    text_add(out, ",\"help\":");
    text_add_json(out, info->help);
    text_add(out, "}");
}

void list_policies(struct text *out, bool json)
{
    const struct flue_policy *policy;

    for (unsigned i = 0; (policy = flue_policy_at(i)) != NULL; i++) {
        if (json) {
            text_add(out, "%s", i > 0 ? ",\n " : "");
            add_policy_json(out, policy);
        } else {
            add_policy(out, policy);
        }
    }
    text_add(out, json ? "" : "\nfacts, as policy_rules name them: what each is, who knows it\n");
    for (unsigned i = 0; i < FLUE_FACTS; i++) {
        add_fact(out, fact_info((enum flue_fact)i), json);
    }
}
