/* SPDX-License-Identifier: GPL-2.0-only */
/* target/names.c - names of states, for readers of traces. */

#include "flue/target.h"

const char *flue_context_name(unsigned context)
{
    static const char *const names[] = {
#define X(name, title) title,
        FLUE_CONTEXTS(X)
#undef X
    };

    return context < FLUE_CONTEXT_COUNT ? names[context] : "?";
}
