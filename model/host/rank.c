/* SPDX-License-Identifier: GPL-2.0-only */
/* host/rank.c - a binary heap of the connections at the target, the least valuable first. */
#include "host/ask.h"

#include <string.h>

enum { RANK_ROOM_FIRST = 64 };

static bool before(const struct host_view *a, const struct host_view *b)
{
    return a->value != b->value ? a->value < b->value : a->socket->account.conn < b->socket->account.conn;
}

static void place(struct host_ask *ask, uint32_t at, struct host_view *view)
{
    ask->heap[at] = view;
    view->slot = at + 1;
}

static void rise(struct host_ask *ask, uint32_t at, struct host_view *view)
{
    while (at > 0 && before(view, ask->heap[(at - 1) / 2])) {
        place(ask, at, ask->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(ask, at, view);
}

static void sink(struct host_ask *ask, uint32_t at, struct host_view *view)
{
    for (uint32_t child = 2 * at + 1; child < ask->ranked; child = 2 * at + 1) {
        child += child + 1 < ask->ranked && before(ask->heap[child + 1], ask->heap[child]);
        if (!before(ask->heap[child], view)) {
            break;
        }
        place(ask, at, ask->heap[child]);
        at = child;
    }
    place(ask, at, view);
}

/* To where its value belongs, from a place that is free. */
static void settle(struct host_ask *ask, uint32_t at, struct host_view *view)
{
    if (at > 0 && before(view, ask->heap[(at - 1) / 2])) {
        rise(ask, at, view);
    } else {
        sink(ask, at, view);
    }
}

static bool grow(struct host_ask *ask, const struct flue_env *env)
{
    const uint32_t room = ask->room == 0 ? (uint32_t)RANK_ROOM_FIRST : 2 * ask->room;
    struct host_view **heap = env->allocate(env->ctx, room * sizeof(struct host_view *));

    if (heap == NULL) {
        return false;
    }
    if (ask->ranked > 0) {
        memcpy(heap, ask->heap, ask->ranked * sizeof(struct host_view *));
    }
    rank_dispose(ask, env);
    ask->heap = heap;
    ask->room = room;
    return true;
}

void rank_put(struct host_ask *ask, const struct flue_env *env, struct host_view *view, uint64_t value)
{
    view->value = value;
    if (view->slot != 0) {
        settle(ask, view->slot - 1, view);
    } else if (ask->ranked < ask->room || grow(ask, env)) {
        rise(ask, ask->ranked++, view);
    }
}

void rank_remove(struct host_ask *ask, struct host_view *view)
{
    const uint32_t at = view->slot - 1;
    struct host_view *last;

    if (view->slot == 0) {
        return;
    }
    view->slot = 0;
    last = ask->heap[--ask->ranked];
    if (last != view) {
        settle(ask, at, last);
    }
}

void rank_dispose(struct host_ask *ask, const struct flue_env *env)
{
    if (ask->heap != NULL) {
        env->release(env->ctx, ask->heap, ask->room * sizeof(struct host_view *));
    }
    ask->heap = NULL;
    ask->room = 0;
}
