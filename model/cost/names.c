/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of the ledger's categories. */
#include "flue/cost.h"

const char *flue_category_name(unsigned category)
{
    static const char *const titles[] = {
#define X(name, title) title,
        FLUE_CATEGORIES(X)
#undef X
    };

    return category < FLUE_COST_CATEGORIES ? titles[category] : "?";
}
