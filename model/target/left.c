/* SPDX-License-Identifier: GPL-2.0-only */
/* target/left.c - paths and neighbours that the host has ended although something depends on them (CH-113).
 *
 * The terminate fails, and FAILURE is final (D-32; by the recipe of the page the second one is): the host has forgotten
 * the object, and names it in no call any more.  It serves what depends on it, and the adapter frees it by itself when
 * the last of that has gone back or has been linked elsewhere. */

#include "target/left.h"

static uint8_t final(const struct flue_target *target)
{
    return target->params.ddi.terminate_recipe != 0 ? 2 : 1;
}

void left_note(struct flue_target *target, uint8_t *refusals)
{
    if (*refusals < final(target)) {
        ++*refusals;
        target->left += *refusals == final(target);
    }
}

void left_ended(struct flue_target *target, uint8_t refusals)
{
    target->left -= refusals == final(target);
}

static void free_paths(struct flue_target *target, struct target_neighbour *neighbour)
{
    FLUE_LIST_EACH_SAFE(hook, &neighbour->paths)
    {
        struct target_path *path = FLUE_CONTAINER_OF(hook, struct target_path, sibling);

        if (path->refusals == final(target) && path->dependents == 0) {
            left_ended(target, path->refusals);
            neighbour->dependents--;
            list_remove(&path->sibling);
            path_free(target, path);
        }
    }
}

void left_free(struct flue_target *target)
{
    FLUE_LIST_EACH_SAFE(hook, &target->all)
    {
        struct target_neighbour *neighbour = FLUE_CONTAINER_OF(hook, struct target_neighbour, sibling);

        free_paths(target, neighbour);
        if (neighbour->refusals == final(target) && neighbour->dependents == 0 &&
            (neighbour->marks & OBJECT_ASKING) == 0) {
            left_ended(target, neighbour->refusals);
            list_remove(&neighbour->sibling);
            neighbour_free(target, neighbour);
        }
    }
}
