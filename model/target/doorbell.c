/* SPDX-License-Identifier: GPL-2.0-only */
/* target/doorbell.c - from the host to the adapter: one FIFO for everything that is handed down, so that a connection's
 * sends, disconnects and state operations keep their order.  An entry is made at the virtual time of the host's core
 * and seen by the adapter one doorbell later. */

#include <assert.h>

#include "target/target.h"

static struct doorbell *push(struct flue_target *target, enum doorbell_kind kind, struct target_context *context)
{
    struct doorbell *entry = (struct doorbell *)ring_push(&target->doorbells);
    flue_ps at_ps = target_now(target);

    assert(entry != NULL && "no memory for a doorbell");
    if (target->core != NULL && target->core->clock_ps > at_ps) {
        at_ps = target->core->clock_ps;
    }
    *entry =
        (struct doorbell){.visible_ps = flue_pcie_doorbell(&target->pcie, at_ps), .context = context, .kind = kind};
    if (target->doorbells.count == 1) {
        timers_arm(target->timers, &target->doorbell_timer, entry->visible_ps);
    }
    return entry;
}

void doorbell_ring(struct flue_target *target, enum doorbell_kind kind, struct target_context *context,
                   PNET_BUFFER_LIST nbl, ULONG flags)
{
    struct doorbell *entry;

    if (kind == DOORBELL_FRAMES && ring_reserve(&target->doorbells, 1) != FLUE_OK) {
        while (nbl != NULL) {
            PNET_BUFFER_LIST next = nbl->Next;

            target->totals.starved_drops++;
            port_lose(target, nbl);
            nbl = next;
        }
        return;
    }
    entry = push(target, kind, context);
    entry->what.nbl = nbl;
    entry->flags = flags;
}

void doorbell_ring_tree(struct flue_target *target, enum doorbell_kind kind, target_tree tree)
{
    push(target, kind, NULL)->what.tree = tree;
}

/* Update, invalidate and query are not offered: every block is answered with FAILURE, which each of them may have (CH:
 * statuses of state operations), except placeholders, which always succeed. */
static flue_err refuse_block(target_tree block, void *arg)
{
    (void)arg;
    block->Status = block->MiniportOffloadContext == NULL ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
    return FLUE_OK;
}

static void refuse_tree(struct flue_target *target, enum upward_kind kind, target_tree tree)
{
    (void)flue_block_walk(tree, refuse_block, NULL);
    target_engine_charge(target, FLUE_COST_OFFLOAD, &target->params.profile.engine_request, 0);
    upward_push(target, kind, NULL, target->engine.clock_ps, TARGET_COMPLETION_BYTES)->what.tree = tree;
}

static void take_up(struct flue_target *target, const struct doorbell *entry)
{
    switch (entry->kind) {
    case DOORBELL_FRAMES:
        adapter_send(target, entry->what.nbl, entry->visible_ps);
        return;
    case DOORBELL_INITIATE:
        intake_drain(target, entry->what.tree, entry->visible_ps);
        return;
    case DOORBELL_TERMINATE:
        give_back_drain(target, entry->what.tree, entry->visible_ps);
        return;
    case DOORBELL_UPDATE:
        refuse_tree(target, UPWARD_UPDATE, entry->what.tree);
        return;
    case DOORBELL_INVALIDATE:
        refuse_tree(target, UPWARD_INVALIDATE, entry->what.tree);
        return;
    case DOORBELL_QUERY:
        refuse_tree(target, UPWARD_QUERY, entry->what.tree);
        return;
    case DOORBELL_SEND:
        send_drain(target, entry->context, entry->what.nbl);
        break;
    case DOORBELL_RECEIVE:
        receive_post(target, entry->context, entry->what.nbl);
        break;
    case DOORBELL_DISCONNECT:
        disconnect_drain(target, entry->context, entry->what.nbl, entry->flags);
        break;
    case DOORBELL_FORWARD:
        forward_drain(target, entry->context, entry->what.nbl);
        break;
    case DOORBELL_RETURN:
        receive_return(target, entry->what.nbl);
        return;
    }
    engine_follow_up(target, entry->context);
}

void doorbell_fire(struct timer *timer, flue_ps now_ps)
{
    struct flue_target *target = FLUE_CONTAINER_OF(timer, struct flue_target, doorbell_timer);
    const struct doorbell *front;

    while ((front = (const struct doorbell *)ring_front(&target->doorbells)) != NULL && front->visible_ps <= now_ps) {
        struct doorbell entry = *front;

        ring_pop(&target->doorbells);
        (void)flue_server_begin(&target->engine, entry.visible_ps);
        take_up(target, &entry);
    }
    if (front != NULL) {
        timers_arm(target->timers, &target->doorbell_timer, front->visible_ps);
    }
    engine_pump(target, now_ps);
}
