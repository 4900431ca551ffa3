/* SPDX-License-Identifier: GPL-2.0-only */
/* host/release.c - the end of paths and neighbours at the target: what nothing depends on, in as few trees as the
 * interface allows (CH-113).  Whatever may have made it time for one to go puts it on a list of its adapter
 * (object_consider()); nothing else is looked at here. */
#include "host/charge.h"
#include "host/object.h"
#include "host/protocol.h"
#include "host/release.h"
#include "host/tree.h"

static PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST object_block(unsigned type, uint32_t length, struct host_object *object,
                                                      void *owner)
{
    struct flue_host *host = object_binding(object)->host;
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = tree_block(host, type, &object->handle, owner);

    if (block != NULL) {
        flue_state_first(block)->Length = length;
        object_enter(object, OBJECT_GIVING_BACK);
        charge_initiate_tree(host, NULL, 0);
    } else {
        host_retry(host);
    }
    return block;
}

/* Whether it is time for an object to go; a path also goes with its neighbour. */
static bool may_go(const struct host_object *object, bool all)
{
    return (all || object->doomed != 0) && object_may_end(object);
}

static void consider_all(struct host_binding *binding)
{
    FLUE_LIST_EACH(hook, &binding->neighbours)
    {
        struct host_neighbour *neighbour = FLUE_CONTAINER_OF(hook, struct host_neighbour, hook);

        object_consider(&neighbour->object);
        FLUE_LIST_EACH(each, &neighbour->paths)
        {
            object_consider(&FLUE_CONTAINER_OF(each, struct host_path, below)->object);
        }
    }
}

/* Collects, under their neighbours, blocks of the paths that go.  Those that cannot yet are looked at again when what
 * keeps them has ended. */
static void gather_paths(struct host_binding *binding, bool all)
{
    struct flue_hook *hook;

    while ((hook = list_pop_front(&binding->leaving_paths)) != NULL) {
        struct host_path *path = FLUE_CONTAINER_OF(hook, struct host_path, leaving);
        struct host_stem *parent = &path->neighbour->stem;
        PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;

        if (path->stem.dependents > 0 || !may_go(&path->object, all || parent->object.doomed != 0)) {
            continue;
        }
        block = object_block(tree_path_type(path, Ip4OffloadDelegatedState), sizeof(PATH_OFFLOAD_STATE_DELEGATED),
                             &path->object, path);
        if (block == NULL) {
            list_push_front(&binding->leaving_paths, hook);
            return;
        }
        object_consider(&parent->object);
        if (parent->last == NULL) {
            parent->block = block;
        } else {
            parent->last->NextBlock = block;
        }
        parent->last = block;
        parent->gathered++;
    }
}

static void terminate(struct host_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    if (root != NULL) {
        charge_initiate_tree(binding->host, NULL, 0);
        protocol_terminate(binding, root);
    }
}

/* Paths that nothing depends on, as sibling roots; or under their neighbour's block if nothing else depends on that, so
 * that all go in one tree (CH-113). */
void release_objects(struct host_binding *binding, bool all)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST lone = NULL, *lone_end = &lone, root = NULL, *end = &root;
    struct flue_hook again, *hook;

    list_init(&again);
    if (all) {
        consider_all(binding);
    }
    gather_paths(binding, all);
    while ((hook = list_pop_front(&binding->leaving_neighbours)) != NULL) {
        struct host_neighbour *neighbour = FLUE_CONTAINER_OF(hook, struct host_neighbour, leaving);
        struct host_object *object = &neighbour->object;
        struct host_stem *stem = &neighbour->stem;
        PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST paths = stem->block, last = stem->last, block = NULL;

        if (stem->dependents == stem->gathered && may_go(object, all)) {
            block = object_block(NeighborOffloadDelegatedState, sizeof(NEIGHBOR_OFFLOAD_STATE_DELEGATED), object,
                                 neighbour);
            if (block == NULL) {
                list_push_back(&again, hook); /* there was no memory */
            }
        }
        stem->block = stem->last = NULL;
        stem->gathered = 0;
        if (block != NULL) {
            block->DependentBlockList = paths;
            *end = block;
            end = &block->NextBlock;
        } else if (paths != NULL) {
            *lone_end = paths;
            lone_end = &last->NextBlock;
        }
    }
    list_splice_back(&binding->leaving_neighbours, &again);
    terminate(binding, lone);
    terminate(binding, root);
}

void flue_host_release_offload(struct flue_host *host, flue_ps at_ps)
{
    host_enter(host, at_ps);
    FLUE_LIST_EACH(hook, &host->bindings)
    {
        release_objects(FLUE_CONTAINER_OF(hook, struct host_binding, hook), true);
    }
    host_leave(host);
}
