/* SPDX-License-Identifier: GPL-2.0-only */
/* target/doorbell.c - from the host to the adapter: one FIFO for everything that is handed down, so that a connection's
 * sends, disconnects and state operations keep their order.  An entry is made at the virtual time of the host's core
 * and seen by the adapter one doorbell later. */

#include "target/target.h"

/* While one tree is dealt with memory brings the next ones. */
static inline void look_ahead(const struct flue_target *target)
{
    for (uint32_t i = 1; i <= SLOT_LOOK_AHEAD && i < target->doorbells.count; i++) {
        const struct doorbell *entry = (const struct doorbell *)ring_at(&target->doorbells, i);

        if (entry->kind >= DOORBELL_INITIATE && entry->kind <= DOORBELL_QUERY) {
            slot_look_ahead_tree(entry->what.tree, i);
        }
    }
}

/* False: only a part of it. */
static inline bool take_up(struct flue_target *target, const struct doorbell *entry)
{
    switch (entry->kind) {
    case DOORBELL_FRAMES:
        adapter_send(target, entry->what.nbl, entry->visible_ps);
        return true;
    case DOORBELL_INITIATE:
        look_ahead(target);
        if (!power_holds(target, entry->what.tree)) {
            intake_drain(target, entry->what.tree, entry->visible_ps, false);
        }
        return true;
    case DOORBELL_TERMINATE:
        look_ahead(target);
        return give_back_drain(target, entry->what.tree, entry->visible_ps);
    case DOORBELL_UPDATE:
        update_drain(target, entry->what.tree, entry->visible_ps);
        return true;
    case DOORBELL_INVALIDATE:
        invalidate_drain(target, entry->what.tree, entry->visible_ps);
        return true;
    case DOORBELL_QUERY:
        query_drain(target, entry->what.tree, entry->visible_ps);
        return true;
    case DOORBELL_SEND:
        send_drain(target, entry->context, entry->what.nbl);
        break;
    case DOORBELL_RECEIVE:
        post_drain(target, entry->context, entry->what.nbl, entry->flags);
        break;
    case DOORBELL_DISCONNECT:
        disconnect_drain(target, entry->context, entry->what.nbl, entry->flags);
        break;
    case DOORBELL_FORWARD:
        forward_drain(target, entry->context, entry->what.nbl);
        break;
    case DOORBELL_RETURN:
        receive_return(target, entry->what.nbl);
        return true;
    }
    engine_follow_up(target, entry->context);
    return true;
}

/* The oldest entry, if what it has for the host finds room in the event ring. */
static inline bool take_first(struct flue_target *target)
{
    const struct doorbell *front = (const struct doorbell *)ring_front(&target->doorbells);
    struct doorbell entry;

    if (upwards_reserve(target, TARGET_STEP_ENTRIES) != FLUE_OK) {
        return false;
    }
    if (front != NULL) {
        entry = *front;
    } else if (!overflow_take(target, &entry)) {
        return false;
    }
    (void)flue_server_begin(&target->engine, entry.visible_ps);
    if (!take_up(target, &entry)) {
        if (front == NULL) {
            overflow_put_back(target, entry.what.tree);
        }
        return false;
    }
    if (entry.context != NULL && (front != NULL || entry.what.nbl != NULL)) {
        context_heard(target, entry.context);
    }
    if (front != NULL) {
        ring_pop(&target->doorbells);
    }
    return true;
}

/* When the oldest entry is seen. */
static flue_ps due(const struct flue_target *target)
{
    const struct doorbell *front = (const struct doorbell *)ring_front(&target->doorbells);

    return front != NULL                 ? front->visible_ps
           : target->overflow.first != 0 ? target->overflow.visible_ps
                                         : FLUE_PS_NEVER;
}

static void push(struct flue_target *target, struct doorbell entry)
{
    const bool idle = !doorbell_waits(target);
    flue_ps at_ps = target_now(target);
    struct doorbell *place = NULL;

    if (target->core != NULL && target->core->clock_ps > at_ps) {
        at_ps = target->core->clock_ps;
    }
    entry.visible_ps = flue_pcie_doorbell(&target->pcie, at_ps);
    if (target->overflow.first == 0) {
        place = (struct doorbell *)ring_push(&target->doorbells);
    }
    if (place != NULL) {
        *place = entry;
    } else {
        overflow_put(target, &entry); /* no memory */
    }
    if (entry.context != NULL && (place != NULL || entry.what.nbl != NULL)) {
        entry.context->rung++; /* those that wait with its receive requests go with them */
    }
    if (idle) {
        timers_arm(target->timers, &target->doorbell_timer, entry.visible_ps);
    }
}

void doorbell_ring(struct flue_target *target, enum doorbell_kind kind, struct target_context *context,
                   PNET_BUFFER_LIST nbl, ULONG flags)
{
    if (kind == DOORBELL_FRAMES && ring_reserve(&target->doorbells, 1) != FLUE_OK) {
        while (nbl != NULL) {
            PNET_BUFFER_LIST next = nbl->Next;

            target->totals.starved_drops++;
            port_lose(target, nbl);
            nbl = next;
        }
        return;
    }
    push(target, (struct doorbell){.context = context, .what.nbl = nbl, .flags = flags, .kind = kind});
}

void doorbell_ring_tree(struct flue_target *target, enum doorbell_kind kind, target_tree tree)
{
    push(target, (struct doorbell){.what.tree = tree, .kind = kind});
}

void doorbell_fire(struct timer *timer, flue_ps now_ps)
{
    struct flue_target *target = FLUE_CONTAINER_OF(timer, struct flue_target, doorbell_timer);
    flue_ps next_ps;

    while ((next_ps = due(target)) <= now_ps) {
        if (!take_first(target)) {
            break; /* it goes on behind the next interrupt */
        }
    }
    if (next_ps > now_ps && next_ps != FLUE_PS_NEVER) {
        timers_arm(target->timers, &target->doorbell_timer, next_ps);
    }
    engine_pump(target, now_ps);
}
