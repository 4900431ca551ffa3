/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_ledger.c - the table of lent lists grows, and closes its gaps. */

#include "ndis/check_core.h"

#define FIRST_PLACES 64u

flue_err check_ledger_init(struct check_ledger *ledger, const struct flue_env *env)
{
    *ledger = (struct check_ledger){.env = env};
    return check_ledger_grow(ledger);
}

void check_ledger_free(struct check_ledger *ledger)
{
    if (ledger->places != NULL) {
        ledger->env->release(ledger->env->ctx, ledger->places, ((size_t)ledger->mask + 1) * sizeof *ledger->places);
    }
    *ledger = (struct check_ledger){.env = NULL};
}

flue_err check_ledger_grow(struct check_ledger *ledger)
{
    const uint32_t had = ledger->places == NULL ? 0 : ledger->mask + 1;
    const uint32_t places = had == 0 ? FIRST_PLACES : had * 2;
    struct check_place *old = ledger->places;
    struct check_place *fresh =
        places == 0 ? NULL
                    : (struct check_place *)ledger->env->allocate(ledger->env->ctx, (size_t)places * sizeof *fresh);

    if (fresh == NULL) {
        return FLUE_ENOMEM;
    }
    ledger->places = fresh;
    ledger->mask = places - 1;
    for (uint32_t i = 0; i < had; i++) {
        uint32_t to = check_ledger_home(ledger, old[i].nbl);

        if (old[i].nbl == NULL) {
            continue;
        }
        while (fresh[to].nbl != NULL) {
            to = (to + 1) & ledger->mask;
        }
        fresh[to] = old[i];
    }
    if (old != NULL) {
        ledger->env->release(ledger->env->ctx, old, (size_t)had * sizeof *old);
    }
    return FLUE_OK;
}

/* Every later place of the run that may stand nearer to its home does. */
void check_ledger_close(struct check_ledger *ledger, struct check_place *place)
{
    struct check_place *const places = ledger->places;
    const uint32_t mask = ledger->mask;
    uint32_t gap = (uint32_t)(place - places);

    for (uint32_t i = (gap + 1) & mask; places[i].nbl != NULL; i = (i + 1) & mask) {
        if (((i - check_ledger_home(ledger, places[i].nbl)) & mask) >= ((i - gap) & mask)) {
            places[gap] = places[i];
            gap = i;
        }
    }
    places[gap].nbl = NULL;
    ledger->count--;
}

const struct ndis_adapter *check_ledger_adapter(const struct check_nbl *record)
{
    return record->adapter;
}
