/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two tests of whole nodes build their ends with: everything costs a little, and what the checker finds is
 * told. */
#ifndef FLUE_TEST_HOST_ENDS_H
#define FLUE_TEST_HOST_ENDS_H

#include "flue/check.h"
#include "flue/node.h"
#include "support/test.h"

static inline void ends_profile(struct flue_profile *profile)
{
#define FLUE_PRICE(name, side, category, title)               profile->name = (struct flue_price){.cycles = 50};
#define FLUE_VALUE(name, side, unit, minimum, maximum, title) profile->name = (minimum);
#include "flue/profile.def"
#undef FLUE_PRICE
#undef FLUE_VALUE
    profile->host_hz = 1000000000;
    profile->engine_hz = 1000000000;
}

static inline void ends_receive(void *node, const struct flue_frame *frame)
{
    flue_node_receive(node, frame);
}

static inline void ends_alarm(void *node)
{
    flue_node_alarm(node);
}

/* Whether it counts: a remark does not. */
static inline bool ends_found(const struct flue_finding *finding)
{
    if (flue_rule(finding->rule)->strength == FLUE_RULE_warn) {
        return false;
    }
    print_message("CH-%03u %s, %lld us: %s\n", finding->rule, flue_party_name(finding->party),
                  (long long)(finding->at_ps / FLUE_PS_PER_US), finding->seen);
    return true;
}

#endif
