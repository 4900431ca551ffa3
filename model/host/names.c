/* SPDX-License-Identifier: GPL-2.0-only */
/* host/names.c - names of holders and of reasons to move. */
#include "flue/host.h"

const char *flue_holder_name(unsigned holder)
{
    static const char *const names[] = {
#define X(name, title) title,
        FLUE_HOLDERS(X)
#undef X
    };

    return holder < FLUE_HOLDER_COUNT ? names[holder] : "?";
}

const char *flue_move_name(unsigned move)
{
    static const char *const names[] = {
#define X(name, title) title,
        FLUE_MOVES(X)
#undef X
    };

    return move < FLUE_MOVE_COUNT ? names[move] : "?";
}
