/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_ordinary.c - lists of the ordinary path, and handles that are none.
 *
 * The rules are about the chimney; what they say of its lists holds of these, too: a list belongs to one party at a
 * time, and comes back once.  What is not lent may be no list any more, so it is found before it is read. */

#include "ndis/check_core.h"

/* ---- Lists ---- */

/* A list that was found wrong.  layer: where it crosses. */
static void report(struct check *check, const struct check_at *layer, unsigned rule, enum flue_party party,
                   const NET_BUFFER_LIST *nbl, const char *seen)
{
    const struct check_at at = {.binding = layer->binding, .adapter = layer->adapter, .thing = nbl, .kind = "list"};

    check_report(check, rule, party, &at, seen, 0, 0, 0);
}

/* Whoever has it below cannot read it, and whoever gets it back is not told what of it is gone. */
static bool has_buffer(const NET_BUFFER_LIST *nbl)
{
    return nbl->FirstNetBuffer != NULL;
}

/* *whole: nothing of the chain was kept back. */
static PNET_BUFFER_LIST lend(struct ndis_binding *binding, enum check_lent kind, unsigned rule, PNET_BUFFER_LIST first,
                             bool *whole)
{
    const struct ndis_adapter *adapter = binding->adapter;
    struct check *check = check_enter(adapter->ndis);

    *whole = true;
    for (PNET_BUFFER_LIST *link = &first; check != NULL && *link != NULL; link = &(*link)->Next) {
        struct check_place *place = check_ledger_place(&check->ledger, *link, adapter);

        if (place->nbl != NULL || (kind == CHECK_LENT_DOWN && !has_buffer(*link))) {
            const struct check_at at = {.binding = binding};

            report(check, &at, rule, kind == CHECK_LENT_DOWN ? check_above(binding) : check_below(adapter), *link,
                   place->nbl != NULL ? "an ordinary list is lent that is lent already"
                                      : "an ordinary list is sent that has no buffer");
            check_refused(check);
            *whole = false;
            *link = NULL;
            break;
        }
        if (!check_ledger_take(&check->ledger, place, *link, adapter, (uintptr_t)adapter | (uintptr_t)kind)) {
            check->blind = true;
            break;
        }
    }
    return first;
}

static PNET_BUFFER_LIST take_back(struct check *check, const struct check_at *layer, const struct ndis_adapter *adapter,
                                  enum check_lent kind, PNET_BUFFER_LIST first)
{
    PNET_BUFFER_LIST *link = &first;

    while (check != NULL && *link != NULL) {
        struct check_place *place = check_ledger_place(&check->ledger, *link, adapter);
        const bool known = place->nbl != NULL;

        if (!known || check_ledger_kind(place) != kind) {
            const enum flue_party party = kind == CHECK_LENT_DOWN ? check_below(adapter) : check_above(layer->binding);

            report(check, layer,
                   party == FLUE_PARTY_DRIVER ? 325
                   : kind == CHECK_LENT_DOWN  ? 121
                                              : 210,
                   party, *link, "an ordinary list comes back that is not lent for this");
            check_refused(check);
            *link = known ? (*link)->Next : NULL;
            continue;
        }
        check_ledger_close(&check->ledger, place);
        if (kind == CHECK_LENT_DOWN && !has_buffer(*link)) {
            report(check, layer, check_below(adapter) == FLUE_PARTY_DRIVER ? 325 : 173, check_below(adapter), *link,
                   "an ordinary list comes back without its buffer");
        }
        link = &(*link)->Next;
    }
    return first;
}

PNET_BUFFER_LIST check_frames_sent(struct ndis_binding *binding, PNET_BUFFER_LIST first)
{
    bool whole;

    return lend(binding, CHECK_LENT_DOWN, 41, first, &whole);
}

PNET_BUFFER_LIST check_frames_sent_back(struct ndis_adapter *adapter, PNET_BUFFER_LIST first)
{
    const struct check_at at = {.adapter = adapter};

    return take_back(check_enter(adapter->ndis), &at, adapter, CHECK_LENT_DOWN, first);
}

/* One frame is one buffer; and the chain is as long as it is told to be.  The layer above is told the right number. */
PNET_BUFFER_LIST check_frames_indicated(struct ndis_binding *binding, PNET_BUFFER_LIST first, ULONG *count)
{
    struct check *check = binding->adapter->ndis->check;
    const enum flue_party below = check_below(binding->adapter);
    const struct check_at at = {.binding = binding, .adapter = binding->adapter, .thing = first, .kind = "list"};
    const ULONG told = *count;
    bool whole;

    first = lend(binding, CHECK_LENT_UP, 212, first, &whole);
    *count = (ULONG)ndis_chain_count(first);
    if (!check->blind && whole && told != *count) {
        check_report(check, below == FLUE_PARTY_DRIVER ? 325 : 201, below, &at,
                     "%u ordinary lists are indicated, and said to be %u", *count, told, 0);
    }
    if (check->blind || below != FLUE_PARTY_TARGET) {
        return first; /* a driver passes on what it was given */
    }
    for (const NET_BUFFER_LIST *nbl = first; nbl != NULL; nbl = nbl->Next) {
        if (nbl->FirstNetBuffer == NULL || nbl->FirstNetBuffer->Next != NULL) {
            report(check, &at, 201, FLUE_PARTY_TARGET, nbl, "an ordinary list is indicated that has not one buffer");
        }
    }
    if (check->frames) {
        check_ways_up(check, binding->adapter, first);
    }
    return first;
}

PNET_BUFFER_LIST check_frames_returned(struct ndis_binding *binding, PNET_BUFFER_LIST first)
{
    const struct check_at at = {.binding = binding};

    return take_back(check_enter(binding->adapter->ndis), &at, binding->adapter, CHECK_LENT_UP, first);
}

/* ---- Handles ---- */

void check_miniport_handle(struct flue_ndis *ndis, NDIS_HANDLE handle, const struct ndis_driver *driver,
                           struct ndis_adapter *adapter)
{
    struct check *check = check_enter(ndis);
    const struct check_at at = {.adapter = adapter, .thing = handle, .kind = "handle"};
    const struct ndis_driver *who = adapter != NULL ? adapter->driver : driver;

    if (check != NULL) {
        check_report(check, 8, who->partner != NULL ? FLUE_PARTY_DRIVER : FLUE_PARTY_TARGET, &at,
                     driver != NULL ? "a call names a driver's handle, not an adapter's"
                                    : "a call names what is no adapter's handle",
                     0, 0, 0);
        check_refused(check);
    }
}

void check_no_object(struct ndis_adapter *adapter, unsigned rule)
{
    struct check *check = check_enter(adapter->ndis);
    const struct check_at at = {.adapter = adapter, .thing = adapter, .kind = "handle"};

    if (check != NULL) {
        check_report(check, rule, check_below(adapter), &at,
                     "it names the adapter, not the NdisOffloadHandle of an object", 0, 0, 0);
        check_refused(check);
    }
}
