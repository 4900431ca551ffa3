/* SPDX-License-Identifier: GPL-2.0-only */
/* Libraries that `flue run --policy` refuses, or that the run finds wrong; WRONG says what is wrong with this one. */
#include <stdlib.h>

#include "flue/policy.h"

enum { NO_SYMBOL, NOTHING, OLD, HOLLOW, NAMELESS, MUTE, DATA, MOODY, LOOPING, CRASHING };

#if WRONG == 0
extern int policy_without_a_face;
int policy_without_a_face;
#elif WRONG == 6
extern int policy_of_data __asm__("flue_policy_plugin");
int policy_of_data = 1;
#else

/* Remembers, so that its second answer differs from its first. */
static struct flue_verdict decide(const struct flue_policy_params *params, const struct flue_policy_facts *facts)
{
    static volatile unsigned turns;
    static unsigned calls;

    (void)params, (void)facts;
    if (WRONG == CRASHING) {
        abort();
    }
    for (turns = 0; WRONG == LOOPING; turns++) {
    }
    return (struct flue_verdict){.decision = FLUE_KEEP, .reason = WRONG == MOODY ? calls++ % 2 : 7};
}

const struct flue_policy *flue_policy_plugin(void)
{
    static const struct flue_policy wrong = {.abi = WRONG == OLD ? FLUE_POLICY_ABI + 1u : FLUE_POLICY_ABI,
                                             .policy_bytes = sizeof(struct flue_policy),
                                             .facts_bytes = sizeof(struct flue_policy_facts),
                                             .name = WRONG == NAMELESS ? "a name" : "wrong",
                                             .help = "",
                                             .reasons = {WRONG == MUTE ? NULL : "one", WRONG == MUTE ? NULL : "two"},
                                             .decide = WRONG == HOLLOW ? NULL : decide};

    return WRONG == NOTHING ? NULL : &wrong;
}
#endif
