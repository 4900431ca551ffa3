/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_ordinary.c - lists of the ordinary path, and handles that are none.
 *
 * The rules are about the chimney; what they say of its lists holds of these, too: a list belongs to one party at a
 * time, and comes back once.  What is not lent may be no list any more, so it is found before it is read. */

#include "ndis/check_core.h"

/* ---- Lists ---- */

static PNET_BUFFER_LIST lend(struct ndis_binding *binding, enum check_origin origin, unsigned rule,
                             enum flue_party party, PNET_BUFFER_LIST first)
{
    struct check *check = check_enter(binding->adapter->ndis);

    for (PNET_BUFFER_LIST *link = &first; check != NULL && *link != NULL; link = &(*link)->Next) {
        const struct check_at at = {.binding = binding, .thing = *link, .kind = "list"};

        if (check_nbl_find(check, *link, binding->adapter) != NULL) {
            check_report(check, rule, party, &at, "an ordinary list is lent that is lent already", 0, 0, 0);
            *link = NULL;
            break;
        }
        if (check_nbl_lend(check, *link, binding, NULL, origin) == NULL) {
            break;
        }
    }
    return first;
}

static PNET_BUFFER_LIST take_back(const struct ndis_adapter *adapter, const struct check_at *where,
                                  enum check_origin origin, unsigned rule, enum flue_party party,
                                  PNET_BUFFER_LIST first)
{
    struct check *check = check_enter(adapter->ndis);
    PNET_BUFFER_LIST *link = &first;

    while (check != NULL && *link != NULL) {
        struct check_nbl *lent = check_nbl_find(check, *link, adapter);
        struct check_at at = *where;

        at.thing = *link;
        at.kind = "list";
        if (lent == NULL || lent->origin != origin) {
            check_report(check, party == FLUE_PARTY_DRIVER ? 325 : rule, party, &at,
                         "an ordinary list comes back that is not lent for this", 0, 0, 0);
            *link = lent == NULL ? NULL : (*link)->Next;
            continue;
        }
        check_nbl_forget(check, lent);
        link = &(*link)->Next;
    }
    return first;
}

PNET_BUFFER_LIST check_frames_sent(struct ndis_binding *binding, PNET_BUFFER_LIST first)
{
    return lend(binding, CHECK_FRAME_DOWN, 41, check_above(binding), first);
}

PNET_BUFFER_LIST check_frames_sent_back(struct ndis_adapter *adapter, PNET_BUFFER_LIST first)
{
    const struct check_at at = {.adapter = adapter};

    return take_back(adapter, &at, CHECK_FRAME_DOWN, 121, check_below(adapter), first);
}

PNET_BUFFER_LIST check_frames_indicated(struct ndis_binding *binding, PNET_BUFFER_LIST first)
{
    return lend(binding, CHECK_FRAME_UP, 212, check_below(binding->adapter), first);
}

PNET_BUFFER_LIST check_frames_returned(struct ndis_binding *binding, PNET_BUFFER_LIST first)
{
    const struct check_at at = {.binding = binding};

    return take_back(binding->adapter, &at, CHECK_FRAME_UP, 210, check_above(binding), first);
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
    }
}
