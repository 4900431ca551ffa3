/* SPDX-License-Identifier: GPL-2.0-only */
/* target/hold.c - completions of state operations that are held back, so that a call and its completion are two events
 * and anything may happen between them (D-15, behaviour 5.2).
 *
 * What is to be told of a connection while the completion of its initiate waits, waits behind it (CH-056). */

#include "target/fault.h"

static void hurry(struct flue_target *target)
{
    if (target->held.count > 0) {
        timers_arm(target->timers, &target->queues->timer, target_now(target));
    }
}

static bool is_operation(const struct upward *entry)
{
    return entry->kind >= UPWARD_INITIATE && entry->kind <= UPWARD_QUERY;
}

/* Whether a tree has a block of a connection. */
struct search {
    const struct target_context *context; /* NULL: any of this id */
    uint32_t id;
    bool found;
};

static flue_err look(target_tree block, void *arg)
{
    const struct target_context *context = slot_tcp(block);
    struct search *search = (struct search *)arg;

    if (context != NULL) {
        search->found |= search->context != NULL ? context == search->context : context->id == search->id;
    }
    return FLUE_OK;
}

/* Whether it is held back, or stands behind one of the first `count` that are: nothing is told of a connection before
 * its initiate has completed. */
static bool waits(const struct flue_target *target, uint32_t count, const struct upward *entry)
{
    struct search search = {.context = entry->context};

    if (entry->let_go || entry->lost) {
        return entry->lost;
    }
    for (uint32_t i = 0; entry->context != NULL && i < count && !search.found; i++) {
        const struct upward *held = (const struct upward *)ring_at(&target->held, i);

        if (held->kind == UPWARD_INITIATE && target_obeys(target, 56)) {
            (void)flue_block_walk(held->what.tree, look, &search);
        }
    }
    return search.found || (is_operation(entry) && target->holding);
}

/* A completion that is lost waits for the day when it is missed. */
static bool loses(struct flue_target *target, const struct upward *entry)
{
    return reset_watches(target) && is_operation(entry) && fault_loses(target, entry);
}

bool hold_judge(struct flue_target *target, const struct upward *entry)
{
    const bool lost = loses(target, entry);
    struct upward *held;

    if (!lost && !waits(target, target->held.count, entry)) {
        return false;
    }
    held = (struct upward *)ring_push(&target->held);
    if (held == NULL) {
        return false; /* without memory nothing is held */
    }
    *held = *entry;
    held->lost = lost;
    return true;
}

void hold_find(struct flue_target *target)
{
    for (uint32_t i = 0; i < target->held.count; i++) {
        struct upward *entry = (struct upward *)ring_at(&target->held, i);

        target->totals.late += entry->lost;
        entry->let_go = entry->let_go || entry->lost;
        entry->lost = false;
    }
    hurry(target);
}

void hold_advance(struct flue_target *target)
{
    const uint32_t count = target->held.count;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct upward entry = *(const struct upward *)ring_at(&target->held, kept);

        if (waits(target, kept, &entry)) {
            kept++;
            continue;
        }
        for (uint32_t j = kept; j + 1 < target->held.count; j++) {
            *(struct upward *)ring_at(&target->held, j) = *(const struct upward *)ring_at(&target->held, j + 1);
        }
        target->held.count--;
        interrupt_show(target, &entry);
    }
}

void flue_target_hold(struct flue_target *target, int on)
{
    target->holding = on != 0;
    if (!target->holding) {
        hurry(target);
    }
}

static bool concerns(const struct upward *entry, unsigned kind, uint32_t id)
{
    struct search search = {.context = NULL, .id = id, .found = id == FLUE_NO_CONN};

    if (entry->kind != UPWARD_INITIATE + kind || entry->let_go) {
        return false;
    }
    if (!search.found) {
        (void)flue_block_walk(entry->what.tree, look, &search);
    }
    return search.found;
}

flue_err flue_target_let_go(struct flue_target *target, unsigned kind, uint32_t id)
{
    for (uint32_t i = 0; i < target->held.count; i++) {
        struct upward *entry = (struct upward *)ring_at(&target->held, i);

        if (concerns(entry, kind, id)) {
            entry->let_go = true;
            hurry(target);
            return FLUE_OK;
        }
    }
    return FLUE_ENOENT;
}
