/* SPDX-License-Identifier: GPL-2.0-only */
/* im/entry.c - the records of an intermediate driver: offload entries, call entries, contexts of lists, and where
 * indicated lists came from.
 *
 * A terminate must not fail for want of memory, because its failure ends the connection (D-32).  So each offload entry
 * sets call entries aside when it is made, and a terminate takes from them when the pool is empty. */
#include "im/im_core.h"

void im_entry_enter(struct im_entry *entry, enum im_state state)
{
    static const bool legal[IM_STATES][IM_STATES] = {
        [IM_E0] = {[IM_E1] = true},
        [IM_E1] = {[IM_E0] = true, [IM_E2] = true},
        [IM_E2] = {[IM_E3] = true},
        [IM_E3] = {[IM_E0] = true, [IM_E2] = true},
    };

    assert(legal[entry->state][state]);
    entry->state = state;
}

/* ---- Call entries ---- */

static void set_aside(struct flue_im *im, struct im_call *call)
{
    call->next = im->deposit;
    im->deposit = call;
    im->deposit_count++;
}

static struct im_call *take_aside(struct flue_im *im)
{
    struct im_call *call = im->deposit;

    if (call != NULL) {
        im->deposit = call->next;
        im->deposit_count--;
    }
    return call;
}

static void trim(struct flue_im *im)
{
    while (im->deposit_count > im->totals.entries * IM_DEPOSIT) {
        pool_put(&im->calls, take_aside(im));
    }
}

struct im_call *im_call_new(struct flue_im *im, enum im_operation operation)
{
    struct im_call *call = pool_get(&im->calls);

    if (call == NULL && operation == IM_TERMINATE) {
        call = take_aside(im);
    }
    if (call != NULL) {
        im->totals.calls++;
    }
    return call;
}

void im_call_free(struct flue_im *im, struct im_call *call)
{
    im->totals.calls--;
    set_aside(im, call);
    trim(im);
}

/* ---- Offload entries ---- */

struct im_entry *im_entry_new(struct flue_im *im, struct im_edge *edge, PNDIS_OFFLOAD_HANDLE upper)
{
    struct im_entry *entry = pool_get(&im->entries);

    if (entry == NULL) {
        return NULL;
    }
    for (unsigned i = 0; i < IM_DEPOSIT; i++) {
        struct im_call *call = pool_get(&im->calls);

        if (call == NULL) {
            trim(im);
            pool_put(&im->entries, entry);
            return NULL;
        }
        set_aside(im, call);
    }
    *entry = (struct im_entry){.upper = upper, .im = im, .edge = edge};
    im->totals.entries++;
    edge->entries++;
    im_entry_enter(entry, IM_E1);
    return entry;
}

void im_entry_free(struct im_entry *entry)
{
    struct flue_im *im = entry->im;

    assert(entry->named == 0); /* im_entry_done() sees to it; what is held names it, too */
    im_entry_enter(entry, IM_E0);
    if (hook_linked(&entry->hook)) {
        list_remove(&entry->hook);
    }
    entry->edge->entries--;
    im->totals.entries--;
    pool_put(&im->entries, entry);
    trim(im);
}

void im_entry_done(struct im_entry *entry)
{
    entry->ended = entry->named > 0;
    if (!entry->ended) {
        im_entry_free(entry);
    }
}

/* ---- Contexts of lists ---- */

bool im_context_push(struct flue_im *im, struct im_entry *entry, PNET_BUFFER_LIST nbl)
{
    struct im_context *context = pool_get(&im->contexts);

    if (context == NULL) {
        return false;
    }
    *context = (struct im_context){.above = nbl->Context, .source = nbl->SourceHandle, .entry = entry};
    nbl->Context = context;
    if (entry != NULL) {
        entry->named++;
    }
    return true;
}

struct im_entry *im_context_pop(struct flue_im *im, PNET_BUFFER_LIST nbl)
{
    struct im_context *context = nbl->Context;
    struct im_entry *entry = context->entry;

    nbl->Context = context->above;
    nbl->SourceHandle = context->source;
    pool_put(&im->contexts, context);
    if (entry != NULL) {
        entry->named--;
    }
    return entry;
}

struct im_entry *im_context_entry(const NET_BUFFER_LIST *nbl)
{
    return ((const struct im_context *)nbl->Context)->entry;
}

/* ---- Homes ---- */

static struct im_home *find_home(const struct flue_im *im, const struct ndis_pool *pool)
{
    struct im_home *home = im->homes;

    while (home != NULL && home->pool != pool) {
        home = home->next;
    }
    return home;
}

/* Lists that nobody has seen go to the active adapter. */
bool im_home_learn(struct im_edge *edge, PNET_BUFFER_LIST first)
{
    struct flue_im *im = edge->im;
    bool all = true;

    if (im->edge_count < 2) {
        return true;
    }
    for (; first != NULL; first = first->Next) {
        struct im_home *home = find_home(im, first->NdisPoolHandle);

        if (home == NULL && (home = pool_get(&im->home_pool)) != NULL) {
            *home = (struct im_home){.next = im->homes, .pool = first->NdisPoolHandle};
            im->homes = home;
        }
        if (home != NULL) {
            home->edge = edge;
        }
        all = all && home != NULL;
    }
    return all;
}

static struct im_edge *home_of(struct flue_im *im, const NET_BUFFER_LIST *nbl)
{
    const struct im_home *home = im->edge_count > 1 ? find_home(im, nbl->NdisPoolHandle) : NULL;

    return home != NULL ? home->edge : im_active(im);
}

struct im_edge *im_home_run(struct flue_im *im, PNET_BUFFER_LIST *rest)
{
    struct im_edge *edge = home_of(im, *rest);
    PNET_BUFFER_LIST last = *rest;

    while (last->Next != NULL && home_of(im, last->Next) == edge) {
        last = last->Next;
    }
    *rest = last->Next;
    last->Next = NULL;
    return edge;
}
