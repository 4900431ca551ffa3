/* SPDX-License-Identifier: GPL-2.0-only */
/* host/names.c - names of holders, of reasons to move and of what is known of a neighbour. */
#include "flue/host.h"

#define X(name, title) title,

const char *flue_holder_name(unsigned holder)
{
    static const char *const names[] = {FLUE_HOLDERS(X)};

    return holder < FLUE_HOLDER_COUNT ? names[holder] : "?";
}

const char *flue_move_name(unsigned move)
{
    static const char *const names[] = {FLUE_MOVES(X)};

    return move < FLUE_MOVE_COUNT ? names[move] : "?";
}

const char *flue_neighbour_name(unsigned neighbour)
{
    static const char *const names[] = {FLUE_NEIGHBOURS(X)};

    return neighbour < FLUE_NEIGHBOUR_COUNT ? names[neighbour] : "?";
}

#undef X
