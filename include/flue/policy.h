/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/policy.h - the decision who should hold a connection: facts in; decision and reason out.  A policy is a pure
 * function. */
#ifndef FLUE_POLICY_H
#define FLUE_POLICY_H

#include "flue/base.h"

FLUE_BEGIN_C

enum flue_decision { FLUE_KEEP, FLUE_OFFLOAD, FLUE_TAKE_BACK };

/* What a policy may know. */
struct flue_policy_facts {
    uint64_t bytes_sent, bytes_received; /* payload, so far */
    flue_ps age_ps;                      /* since the connection opened */
    uint32_t held_by_target;             /* 1: the target holds it now */
    uint32_t capacity_left;              /* contexts that the host believes are free */
};

struct flue_policy {
    const char *name;
    const char *help;
    enum flue_decision (*decide)(const struct flue_policy_facts *facts, const char **reason);
};

/* "never", "always": static storage; NULL if there is no such policy. */
const struct flue_policy *flue_policy_find(const char *name);
/* The i-th built-in policy, NULL past the end. */
const struct flue_policy *flue_policy_at(unsigned i);

FLUE_END_C

#endif
