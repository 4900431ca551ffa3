/* SPDX-License-Identifier: GPL-2.0-only */
/* Interrupt moderation: the first interrupt after a quiet period is immediate, the others keep their distance. */
#include "flue/cost.h"

flue_ps flue_moderation_next(const struct flue_moderation *moderation, flue_ps visible_ps)
{
    flue_ps allowed_ps;

    if (moderation->last_ps == FLUE_PS_NEVER)
        return visible_ps;
    allowed_ps = moderation->last_ps + moderation->period_ps;
    return visible_ps > allowed_ps ? visible_ps : allowed_ps;
}
