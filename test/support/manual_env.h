/* SPDX-License-Identifier: GPL-2.0-only */
/* support/manual_env.h - a struct flue_env that a test moves by hand.
 *
 * The test sets now_ps and reads alarm_ps; memory is counted, can be made to run out, and is checked when it is
 * released. */
#ifndef FLUE_TEST_MANUAL_ENV_H
#define FLUE_TEST_MANUAL_ENV_H

#include <stdbool.h>

#include "flue/env.h"

FLUE_BEGIN_C

struct manual_env {
    struct flue_env env; /* pass &m.env to what is tested */
    flue_ps now_ps;
    flue_ps alarm_ps;     /* FLUE_PS_NEVER: off */
    uint64_t alarm_calls; /* of set_alarm */
    uint64_t allocations; /* asked for so far, the failed one included */
    uint64_t fail_at;     /* this one (1: the first) and all later ones fail; 0: none */
    uint64_t live_blocks; /* not released */
    uint64_t live_bytes;
};

/* Time 0, no alarm, unlimited memory.  The struct must not move afterwards. */
void manual_env_init(struct manual_env *m, uint64_t seed);

/* The n-th allocation from now on (1: the next), and all after it, return NULL; 0: memory is unlimited again. */
void manual_env_fail(struct manual_env *m, uint64_t n);

/* True if every block was released; otherwise says on stderr how much is left. */
FLUE_CHECKED bool manual_env_clean(const struct manual_env *m);

FLUE_END_C

#endif
