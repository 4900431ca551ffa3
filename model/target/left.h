/* SPDX-License-Identifier: GPL-2.0-only */
/* target/left.h - paths and neighbours that the host has forgotten while something depends on them (CH-113). */
#ifndef FLUE_TARGET_LEFT_H
#define FLUE_TARGET_LEFT_H

#include "target/target.h"

/* A terminate was refused because something depends on the object, which has been refused so often; it is ended after
 * all. */
void left_note(struct flue_target *target, uint8_t *refusals);
void left_ended(struct flue_target *target, uint8_t refusals);
/* Frees those that are left and that nothing needs any more, unless somebody who needed them is still to be heard of.
 */
void left_free(struct flue_target *target);
static inline void left_look(struct flue_target *target)
{
    if (target->left > 0 && target->going == 0) {
        left_free(target);
    }
}

#endif
