/* SPDX-License-Identifier: GPL-2.0-only */
/* host/object.c - state objects of all three layers in the host's view: the table of legal edges (behaviour 5.1), what
 * may overlap (5.4), and who has to go.
 *
 * An object is doomed when it must end as soon as nothing depends on it: an update or query of it failed (CH-091,
 * CH-096), it was invalidated (CH-110), or its paths have moved elsewhere. Paths and next hops otherwise stay with the
 * target until flue_host_release_offload(), UPLOAD_ALL, sleep, or the adapter's pause. */
#include "host/neighbour.h"
#include "host/object.h"
#include "host/path.h"
#include "host/relink.h"
#include "host/upload.h"

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

static struct host_path *path_of_object(struct host_object *object)
{
    return FLUE_CONTAINER_OF(object, struct host_path, object);
}

static struct host_neighbour *neighbour_of_object(struct host_object *object)
{
    return FLUE_CONTAINER_OF(object, struct host_neighbour, object);
}

/* What waited for an operation on the object: a path that is to move, or all that are to come to a neighbour; and
 * connections that are to be handed over. */
static void stir(struct host_object *object)
{
    if (object->layer == FLUE_LAYER_NEIGHBOR) {
        relink_stir(neighbour_of_object(object));
        neighbour_offer(neighbour_of_object(object));
    } else if (object->layer == FLUE_LAYER_PATH) {
        relink_stir(path_of_object(object)->wanted);
        neighbour_offer(path_of_object(object)->neighbour);
    }
}

/* NULL: a connection, which goes when somebody wants it back. */
static struct flue_hook *leaving_hook(struct host_object *object)
{
    return object->layer == FLUE_LAYER_PATH       ? &path_of_object(object)->leaving
           : object->layer == FLUE_LAYER_NEIGHBOR ? &neighbour_of_object(object)->leaving
                                                  : NULL;
}

void object_consider(struct host_object *object)
{
    struct host_binding *binding = object_binding(object);
    struct flue_hook *hook = leaving_hook(object);

    if (hook != NULL && object->state != OBJECT_HERE && !hook_linked(hook)) {
        list_push_back(object->layer == FLUE_LAYER_PATH ? &binding->leaving_paths : &binding->leaving_neighbours, hook);
    }
}

/* Something has changed that may have made it time for it to go. */
static void look(struct host_object *object)
{
    object_consider(object);
    object_binding(object)->review = 1;
}

static void forget(struct host_object *object)
{
    struct flue_hook *hook = leaving_hook(object);

    if (hook != NULL && hook_linked(hook)) {
        list_remove(hook);
    }
}

void object_enter(struct host_object *object, enum host_object_state to)
{
    assert(object_legal((enum host_object_state)object->state, to));
    assert(to != OBJECT_GIVING_BACK || (object->updating == 0 && object->queries == 0) ||
           !host_obeys(object_binding(object)->host, 114));
    if (object->state == OBJECT_HERE) {
        object_binding(object)->objects++;
    }
    object->state = (uint8_t)to;
    if (to == OBJECT_HERE) {
        object_binding(object)->objects--;
        object->doomed = 0;
        object->failed = 0;
        object_binding(object)->review = 1;
        object_binding(object)->host->sweeping = 1;
        if (object->layer == FLUE_LAYER_PATH) {
            path_here(path_of_object(object));
        }
        forget(object);
        stir(object); /* a path may move now */
    } else if (to != OBJECT_GIVING_BACK) {
        look(object);
    }
}

bool object_nameable(const struct host_object *object)
{
    return (object->state == OBJECT_HERE || object->state == OBJECT_HELD) && object->doomed == 0;
}

bool object_may_end(const struct host_object *object)
{
    return (object->state == OBJECT_HELD || object->state == OBJECT_INVALID || object->state == OBJECT_LOST) &&
           ((object->updating == 0 && object->queries == 0) || !host_obeys(object_binding(object)->host, 114));
}

/* One update at a time, none while it is being offloaded or is invalid (CH-087). */
bool object_may_update(const struct host_object *object)
{
    return (object->state == OBJECT_HELD ||
            (object->state == OBJECT_OFFERED && !host_obeys(object_binding(object)->host, 87) &&
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
    look(object);
    if (object->layer == FLUE_LAYER_NEIGHBOR) {
        FLUE_LIST_EACH(hook, &neighbour_of_object(object)->paths)
        {
            look(&FLUE_CONTAINER_OF(hook, struct host_path, below)->object); /* they go with it */
        }
    }
}

void object_release(struct host_object *object)
{
    assert(object_stem(object)->dependents > 0);
    object_stem(object)->dependents--;
    look(object);
}

static void push(struct flue_hook *head, struct flue_hook *hook)
{
    if (!hook_linked(hook)) {
        list_push_back(head, hook);
    }
}

void object_dirty(struct host_object *object)
{
    struct flue_host *host = object_binding(object)->host;

    if (object->layer != FLUE_LAYER_TCP) {
        push(&host->dirty, &object_stem(object)->dirty);
    } else {
        struct host_change *change = FLUE_CONTAINER_OF(object, struct host_lease, object)->socket->traffic->change;

        if (change != NULL) {
            push(&host->changes, &change->hook);
        }
    }
}

void object_settled(struct host_object *object)
{
    if (object->layer == FLUE_LAYER_TCP) {
        upload_settled(FLUE_CONTAINER_OF(object, struct host_lease, object));
    }
    stir(object);
    object_dirty(object); /* more may have changed meanwhile */
    look(object);
}
