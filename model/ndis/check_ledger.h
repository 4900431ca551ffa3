/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_ledger.h - which buffer lists are lent across which adapter: the one table that every list crosses.
 *
 * It is found by address alone, for what is not lent may be no list any more and must not be read.  A list of the
 * chimney has a record (struct check_nbl); of a list of the ordinary path only the direction is kept, and that in its
 * place of the table, because most lists are such.  That is why it is no base/hash.h, whose slots point at items: every
 * ordinary list would need an item of its own, to be fetched, and written, twice for each frame. */
#ifndef FLUE_NDIS_CHECK_LEDGER_H
#define FLUE_NDIS_CHECK_LEDGER_H

#include <stdbool.h>

#include "flue/env.h"
#include "flue/ndis.h"

struct check_nbl;
struct ndis_adapter;

/* What is kept of a list. */
enum check_lent {
    CHECK_LENT_RECORD = 0, /* word: its struct check_nbl */
    CHECK_LENT_DOWN = 1,   /* word: the adapter, or this */
    CHECK_LENT_UP = 2
};
#define CHECK_LENT_MASK ((uintptr_t)3)

struct check_place {
    const void *nbl; /* NULL: free */
    uintptr_t word;
};

/* Open addressing with linear probing, at most half full; a place that becomes free is closed at once. */
struct check_ledger {
    const struct flue_env *env;
    struct check_place *places; /* mask + 1 */
    uint32_t mask, count;
};

FLUE_CHECKED flue_err check_ledger_init(struct check_ledger *ledger, const struct flue_env *env);
void check_ledger_free(struct check_ledger *ledger); /* a zeroed struct does no harm */
/* Makes room for one more list. */
FLUE_CHECKED flue_err check_ledger_grow(struct check_ledger *ledger);
/* Frees a place that is taken; places behind it may move. */
void check_ledger_close(struct check_ledger *ledger, struct check_place *place);
/* The adapter of a record's place. */
const struct ndis_adapter *check_ledger_adapter(const struct check_nbl *record);

/* Where the search for a list begins.  The layers of one list stand side by side. */
static inline uint32_t check_ledger_home(const struct check_ledger *ledger, const void *nbl)
{
    return (uint32_t)((uint64_t)(uintptr_t)nbl * UINT64_C(0x9E3779B97F4A7C15) >> 36) & ledger->mask;
}

static inline enum check_lent check_ledger_kind(const struct check_place *place)
{
    return (enum check_lent)(place->word & CHECK_LENT_MASK);
}

/* The place of a list that is lent across the adapter, or the free one where it would be put. */
static inline struct check_place *check_ledger_place(const struct check_ledger *ledger, const void *nbl,
                                                     const struct ndis_adapter *adapter)
{
    for (uint32_t i = check_ledger_home(ledger, nbl);; i = (i + 1) & ledger->mask) {
        struct check_place *place = &ledger->places[i];

        if (place->nbl == NULL) {
            return place;
        }
        if (place->nbl == nbl && ((place->word & ~CHECK_LENT_MASK) == (uintptr_t)adapter ||
                                  (check_ledger_kind(place) == CHECK_LENT_RECORD &&
                                   check_ledger_adapter((const struct check_nbl *)place->word) == adapter))) {
            return place;
        }
    }
}

/* Takes a free place.  False: no memory, and nothing has changed. */
static inline bool check_ledger_take(struct check_ledger *ledger, struct check_place *place, const void *nbl,
                                     const struct ndis_adapter *adapter, uintptr_t word)
{
    if (__builtin_expect(ledger->count > ledger->mask / 2, 0)) {
        if (check_ledger_grow(ledger) != FLUE_OK) {
            return false;
        }
        place = check_ledger_place(ledger, nbl, adapter);
    }
    *place = (struct check_place){.nbl = nbl, .word = word};
    ledger->count++;
    return true;
}

#endif
