/* SPDX-License-Identifier: GPL-2.0-only */
/* run/policy.h - the policy of a scenario, its parameters, and policies that are shared libraries (flue/policy.h). */
#ifndef FLUE_RUN_POLICY_H
#define FLUE_RUN_POLICY_H

#include <stddef.h>

#include "flue/policy.h"
#include "flue/scenario.h"

/* What a policy may know, from flue/facts.def. */
struct fact_info {
    const char *name, *word;
    enum flue_param_kind kind;
    const char *who, *help;
};
const struct fact_info *fact_info(enum flue_fact fact);

/* "bytes>1MiB held=0 offload; idle>10ms take-back".  The number of rules, or -1: message holds what is wrong, *column
 * (from 1; may be NULL) where. */
int policy_rules_parse(const char *text, struct flue_policy_rule out[FLUE_POLICY_RULES], char *message, size_t room,
                       int *column);

/* The policy that a scenario names: never NULL.  plugin: what --policy gave, or NULL. */
const struct flue_policy *policy_of(const struct flue_scenario *scenario, const struct flue_policy *plugin);
/* Whether connections move when they like, and not once after opening. */
int policy_is_restless(const struct flue_scenario *scenario, const struct flue_policy *plugin);
/* Its parameters; the rules must be right. */
void policy_params(const struct flue_scenario *scenario, struct flue_policy_params *out);
/* FLUE_EINVAL, with one line in message: such a policy cannot be. */
FLUE_CHECKED flue_err policy_possible(const struct flue_scenario *scenario, const struct flue_policy *plugin,
                                      char *message, size_t room);

/* Opens a library and looks at what it is.  FLUE_OK: *out is valid until the process ends.  Else message holds one line
 * for the user: FLUE_ENOENT no such file, FLUE_EPARSE it is no policy, or one of another version. */
FLUE_CHECKED flue_err policy_load(const char *path, const struct flue_policy **out, char *message, size_t room);

#endif
