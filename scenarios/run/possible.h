/* SPDX-License-Identifier: GPL-2.0-only */
/* run/possible.h - which combinations of parameters cannot be. */
#ifndef FLUE_RUN_POSSIBLE_H
#define FLUE_RUN_POSSIBLE_H

#include "flue/scenario.h"

struct schedule;

/* A combination that cannot be gets one line in message (FLUE_EINVAL). */
FLUE_CHECKED flue_err world_possible(const struct flue_scenario *scenario, const struct schedule *schedule, int foreign,
                                     char *message, size_t room);

#endif
