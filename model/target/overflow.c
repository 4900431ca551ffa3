/* SPDX-License-Identifier: GPL-2.0-only */
/* target/overflow.c - doorbells for which the ring has no room and no memory is left: they stand behind it in a FIFO
 * that is linked through what was handed down, so that no call of the host can fail.
 *
 * A link is a pointer with its kind in the last two bits; the next one stands in Scratch of a buffer list or of the
 * root of a tree, or in the queue of receive requests.  While a list waits its MiniportReserved tells whose it is and
 * what for; a list of the adapter's own that comes back keeps its words.
 *
 * Memory that runs out costs frames, which are counted (starved_drops): ordinary ones in both directions, the engine's
 * own, and segments. An ordinary send completes all the same, in the next interrupt. What the host needs in order to
 * take a connection back, an NBL for BufferedData, is set aside at intake. Both rings have room from the beginning. A
 * step whose entries do not fit into the event ring waits until the host has taken some, a terminate in the middle of
 * its tree if need be; data and frames leave 64 entries free for that. Doorbells for which there is no room are linked
 * through what was handed down, so no call of the host needs memory. Room for received data is set aside before it is
 * acknowledged, behind a gap for all that waits there. Of what the adapter says of itself the last counts, when there
 * was no room for all. */

#include "target/target.h"

enum link_kind { LINK_LIST, LINK_RETURN, LINK_TREE, LINK_POSTS, LINK_KINDS };

enum { KIND_BITS = 8 };

static enum link_kind kind_of(uintptr_t link)
{
    return (enum link_kind)(link & (LINK_KINDS - 1));
}

static void *thing_of(uintptr_t link)
{
    return (void *)(link & ~(uintptr_t)(LINK_KINDS - 1));
}

static uintptr_t next_of(uintptr_t link)
{
    switch (kind_of(link)) {
    case LINK_LIST:
    case LINK_RETURN:
        return (uintptr_t)((PNET_BUFFER_LIST)thing_of(link))->Scratch;
    case LINK_TREE:
        return (uintptr_t)((target_tree)thing_of(link))->Scratch[0];
    case LINK_POSTS:
        return ((const struct target_extra *)thing_of(link))->overflow;
    case LINK_KINDS:
        break;
    }
    return 0;
}

static void set_next(uintptr_t link, uintptr_t next)
{
    switch (kind_of(link)) {
    case LINK_LIST:
    case LINK_RETURN:
        ((PNET_BUFFER_LIST)thing_of(link))->Scratch = (PVOID)next;
        break;
    case LINK_TREE:
        ((target_tree)thing_of(link))->Scratch[0] = (PVOID)next;
        break;
    case LINK_POSTS:
        ((struct target_extra *)thing_of(link))->overflow = next;
        break;
    case LINK_KINDS:
        break;
    }
}

static uintptr_t make(const struct doorbell *entry)
{
    if (entry->kind >= DOORBELL_INITIATE && entry->kind <= DOORBELL_QUERY) {
        entry->what.tree->Scratch[1] = (PVOID)(uintptr_t)entry->kind;
        return (uintptr_t)entry->what.tree | LINK_TREE;
    }
    if (entry->what.nbl == NULL) {
        return (uintptr_t)entry->context->extra | LINK_POSTS; /* the requests stand in that queue already */
    }
    if (entry->kind == DOORBELL_RETURN) {
        return (uintptr_t)entry->what.nbl | LINK_RETURN;
    }
    entry->what.nbl->MiniportReserved[0] = entry->context;
    entry->what.nbl->MiniportReserved[1] = (PVOID)((uintptr_t)entry->flags << KIND_BITS | entry->kind);
    return (uintptr_t)entry->what.nbl | LINK_LIST;
}

void overflow_put(struct flue_target *target, const struct doorbell *entry)
{
    struct overflow *overflow = &target->overflow;
    const uintptr_t link = make(entry);

    overflow->visible_ps = entry->visible_ps;
    if (kind_of(link) == LINK_POSTS && (entry->context->flags & CONTEXT_OVERFLOW) != 0) {
        return; /* its requests are heard of together */
    }
    if (kind_of(link) == LINK_POSTS) {
        entry->context->flags |= CONTEXT_OVERFLOW;
    }
    set_next(link, 0);
    if (overflow->first == 0) {
        overflow->first = link;
    } else {
        set_next(overflow->last, link);
    }
    overflow->last = link;
    overflow->count++;
}

/* The first again, in the form of a doorbell. */
static struct doorbell read_first(const struct flue_target *target)
{
    const uintptr_t link = target->overflow.first;
    struct doorbell entry = {.visible_ps = target->overflow.visible_ps};

    switch (kind_of(link)) {
    case LINK_LIST: {
        PNET_BUFFER_LIST nbl = (PNET_BUFFER_LIST)thing_of(link);
        const uintptr_t word = (uintptr_t)nbl->MiniportReserved[1];

        entry.what.nbl = nbl;
        entry.context = (struct target_context *)nbl->MiniportReserved[0];
        entry.kind = (enum doorbell_kind)(word & ((1u << KIND_BITS) - 1));
        entry.flags = (ULONG)(word >> KIND_BITS);
        break;
    }
    case LINK_RETURN:
        entry.what.nbl = (PNET_BUFFER_LIST)thing_of(link);
        entry.kind = DOORBELL_RETURN;
        break;
    case LINK_TREE:
        entry.what.tree = (target_tree)thing_of(link);
        entry.kind = (enum doorbell_kind)(uintptr_t)entry.what.tree->Scratch[1];
        break;
    case LINK_POSTS: {
        const struct target_extra *posts = (const struct target_extra *)thing_of(link);

        entry.context = posts->context;
        entry.kind = DOORBELL_RECEIVE;
        entry.flags = posts->made - posts->seen;
        break;
    }
    case LINK_KINDS:
        break;
    }
    return entry;
}

bool overflow_take(struct flue_target *target, struct doorbell *out)
{
    struct overflow *overflow = &target->overflow;
    const uintptr_t link = overflow->first;

    if (link == 0) {
        return false;
    }
    *out = read_first(target);
    overflow->first = next_of(link);
    overflow->count--;
    if (kind_of(link) == LINK_POSTS) {
        out->context->flags &= (uint16_t)~CONTEXT_OVERFLOW;
    }
    return true;
}

void overflow_put_back(struct flue_target *target, target_tree tree)
{
    struct overflow *overflow = &target->overflow;
    const uintptr_t link = (uintptr_t)tree | LINK_TREE;

    if (overflow->first == 0) {
        overflow->last = link;
    }
    set_next(link, overflow->first);
    overflow->first = link;
    overflow->count++;
}

void overflow_forget(struct flue_target *target, struct target_context *context)
{
    struct overflow *overflow = &target->overflow;
    const uintptr_t gone = (uintptr_t)context->extra | LINK_POSTS;
    uintptr_t before = 0;

    if ((context->flags & CONTEXT_OVERFLOW) == 0) {
        return;
    }
    for (uintptr_t link = overflow->first; link != gone; link = next_of(link)) {
        before = link;
    }
    if (before == 0) {
        overflow->first = next_of(gone);
    } else {
        set_next(before, next_of(gone));
    }
    if (overflow->last == gone) {
        overflow->last = before;
    }
    overflow->count--;
    context->flags &= (uint16_t)~CONTEXT_OVERFLOW;
}
