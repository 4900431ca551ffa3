/* SPDX-License-Identifier: GPL-2.0-only */
/* host/holder.c - who holds a connection: the table of legal edges (behaviour of a state object in the host's view) and
 * the one function that follows them. */
#include "host/ask.h"
#include "host/holder.h"

#include <assert.h>

#define EDGE(to) (1u << FLUE_HOLDER_##to)

static const uint8_t edges[FLUE_HOLDER_COUNT] = {
    [FLUE_HOLDER_HOST] = EDGE(OFFERED) | EDGE(CLOSED),
    [FLUE_HOLDER_OFFERED] = EDGE(TARGET) | EDGE(HOST),
    [FLUE_HOLDER_TARGET] = EDGE(GIVING_BACK),
    [FLUE_HOLDER_GIVING_BACK] = EDGE(HOST) | EDGE(LOST),
    [FLUE_HOLDER_LOST] = EDGE(CLOSED),
    [FLUE_HOLDER_CLOSED] = 0,
};

bool holder_legal(enum flue_holder from, enum flue_holder to)
{
    return from < FLUE_HOLDER_COUNT && to < FLUE_HOLDER_COUNT && (edges[from] >> to & 1u) != 0;
}

void socket_enter(struct flue_host_socket *socket, enum flue_holder to, enum flue_move why)
{
    struct flue_host *host = socket->pair->host;
    enum flue_holder from = (enum flue_holder)socket->holder;

    assert(holder_legal(from, to));
    flue_trace3(host->trace, holder, host_now(host), socket->account.conn, from, to, why);
    socket->holder = (uint8_t)to;
    host->totals.holders[from]--;
    host->totals.holders[to]++;
    if (why != FLUE_MOVE_NONE) {
        host->totals.moves[why]++; /* an end is no move */
    }
    ask_moved(socket, from);
}
