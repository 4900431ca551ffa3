/* SPDX-License-Identifier: GPL-2.0-only */
/* host/object.c - state objects of all three layers in the host's view: the table of legal edges (behaviour 5.1), what
 * may overlap (5.4), and who has to go. */
#include "host/host.h"

#include <assert.h>

#define EDGE(to) (1u << OBJECT_##to)

static const uint8_t edges[] = {
    [OBJECT_HERE] = EDGE(OFFERED),
    [OBJECT_OFFERED] = EDGE(HELD) | EDGE(HERE),
    [OBJECT_HELD] = EDGE(INVALIDATING) | EDGE(GIVING_BACK),
    [OBJECT_INVALIDATING] = EDGE(INVALID),
    [OBJECT_INVALID] = EDGE(GIVING_BACK),
    [OBJECT_GIVING_BACK] = EDGE(HERE) | EDGE(LOST),
    [OBJECT_LOST] = EDGE(HERE) | EDGE(GIVING_BACK),
};

bool object_legal(enum host_object_state from, enum host_object_state to)
{
    return from < sizeof edges / sizeof edges[0] && to < sizeof edges / sizeof edges[0] &&
           (edges[from] >> to & 1u) != 0;
}

void object_enter(struct host_object *object, enum host_object_state to)
{
    assert(object_legal((enum host_object_state)object->state, to));
    assert(to != OBJECT_GIVING_BACK || (object->updating == 0 && object->queries == 0) ||
           !host_obeys(object->binding->host, 114));
    if (object->state == OBJECT_HERE) {
        object->binding->objects++;
    }
    object->state = (uint8_t)to;
    if (to == OBJECT_HERE) {
        object->binding->objects--;
        object->doomed = 0;
        object->failed = 0;
        object->binding->host->relinking = 1; /* a path may move now */
        object->binding->review = 1;
        object->binding->host->sweeping = 1;
    }
}

bool object_nameable(const struct host_object *object)
{
    return (object->state == OBJECT_HERE || object->state == OBJECT_HELD) && object->doomed == 0;
}

bool object_may_end(const struct host_object *object)
{
    return (object->state == OBJECT_HELD || object->state == OBJECT_INVALID || object->state == OBJECT_LOST) &&
           ((object->updating == 0 && object->queries == 0) || !host_obeys(object->binding->host, 114));
}

/* One update at a time, none while it is being offloaded or is invalid (CH-087). */
bool object_may_update(const struct host_object *object)
{
    return (object->state == OBJECT_HELD ||
            (object->state == OBJECT_OFFERED && !host_obeys(object->binding->host, 87) &&
             object->handle.MiniportOffloadContext != NULL)) &&
           object->updating == 0 && object->doomed == 0;
}

bool object_may_query(const struct host_object *object)
{
    return object->state == OBJECT_HELD || object->state == OBJECT_INVALIDATING || object->state == OBJECT_INVALID;
}

void object_doom(struct host_object *object)
{
    object->doomed = 1;
    object->binding->review = 1;
}

void object_release(struct host_object *object)
{
    assert(object->dependents > 0);
    object->dependents--;
    object->binding->review = 1;
}

void object_dirty(struct host_object *object)
{
    if (!hook_linked(&object->dirty)) {
        list_push_back(&object->binding->host->dirty, &object->dirty);
    }
}

void object_settled(struct host_object *object)
{
    object->binding->host->relinking = 1;
    object_dirty(object); /* more may have changed meanwhile */
    object->binding->review = 1;
}
