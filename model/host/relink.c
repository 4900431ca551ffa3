/* SPDX-License-Identifier: GPL-2.0-only */
/* host/relink.c - paths that change their next hop (behaviour 9.2), and next hops that must not be used any more
 * (behaviour 10).
 *
 * A path knows the neighbour it hangs under and the one that routes want.  Where the two differ: a path that the target
 * does not have moves at once; others move by one update that names the new neighbour and all of them, as soon as
 * the target has that neighbour.  To another adapter nothing can move: its connections come back.
 *
 * A next hop that fails is invalidated first. A connection that is handed over while its path is in such an update
 * hangs under linker and placeholder. */
#include "host/binding.h"
#include "host/charge.h"
#include "host/neighbour.h"
#include "host/object.h"
#include "host/path.h"
#include "host/protocol.h"
#include "host/relink.h"
#include "host/tree.h"
#include "host/update.h"
#include "host/upload.h"

#include <assert.h>

void relink_want_back(struct host_path *path)
{
    if (!hook_linked(&path->evicted)) {
        list_push_back(&path->stem.binding->host->evicted, &path->evicted);
    }
}

static void evict(struct host_path *path)
{
    relink_want_back(path);
    object_doom(&path->object);
}

void relink_stir(struct host_neighbour *neighbour)
{
    if (!list_empty(&neighbour->comers) && !hook_linked(&neighbour->stirred)) {
        list_push_back(&neighbour->stem.binding->host->stirred, &neighbour->stirred);
    }
}

/* As a segment of the host's own would (RFC 4861 6.3.6); with update_only the target goes on towards a dead one. */
void relink_ask(const struct host_neighbour *neighbour)
{
    FLUE_LIST_EACH(hook, &neighbour->paths)
    {
        struct host_path *path = FLUE_CONTAINER_OF(hook, struct host_path, below);
        struct host_neighbour *to = path->wanted;

        if (to != neighbour && to->state == FLUE_NEIGHBOUR_FAILED) {
            to->from_ip = path->local_ip;
            nud_event(to, NUD_SEND);
        }
    }
}

/* ---- Paths that move */

static void move_here(struct host_path *path)
{
    path_hang(path, path->wanted);
    path->stem.binding = path->neighbour->stem.binding;
    path_set_mtu(path,
                 path->stem.binding->mtu_bytes < path->mtu_bytes ? path->stem.binding->mtu_bytes : path->mtu_bytes);
}

void relink_complete(struct host_path *path, bool done)
{
    struct host_neighbour *to = path->moving;

    if (to == NULL) {
        return;
    }
    path->moving = NULL;
    to->moving--;
    if (done) {
        object_release(&path->neighbour->object);
        path_hang(path, to);
        to->stem.dependents++;
    }
}

/* The new next hop as root, one block for each path (step 3). */
static void relink(struct host_neighbour *to)
{
    struct flue_host *host = to->stem.binding->host;
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root = update_block(&to->object), *end;

    if (root == NULL) {
        host_retry(host);
        return;
    }
    end = &root->DependentBlockList;
    FLUE_LIST_EACH(hook, &to->comers)
    {
        struct host_path *path = FLUE_CONTAINER_OF(hook, struct host_path, coming);

        if (object_may_update(&path->object)) {
            *end = update_block(&path->object);
            if (*end == NULL) {
                host_retry(host);
                break;
            }
            path->moving = to;
            to->moving++;
            neighbour_offer(path->neighbour); /* under a placeholder they can go */
            host->totals.relinked++;
            end = &(*end)->NextBlock;
        }
    }
    protocol_update(to->stem.binding, root);
}

/* The new next hop alone (step 2). */
static void offer(struct host_neighbour *to)
{
    struct host_binding *binding = to->stem.binding;
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root;

    to->stem.gathered = 1; /* wanted for itself */
    if (!tree_add_neighbour(to)) {
        to->stem.gathered = 0;
        host_retry(binding->host);
        return;
    }
    root = tree_finish(binding);
    if (root != NULL) {
        protocol_initiate(binding, root);
    }
}

/* What can be done now for a path that is to hang under `wanted`.  Whatever it waits for stirs that neighbour. */
static void advance(struct host_path *path)
{
    struct host_neighbour *to = path->wanted;

    if (path->object.state == OBJECT_HERE) {
        move_here(path);
        return;
    }
    if (path->object.doomed != 0) {
        return; /* it moves when it is here */
    }
    if (to->stem.binding != path->stem.binding || to->refused != 0) {
        evict(path);
        return;
    }
    if (!neighbour_usable(to)) {
        if (to->state == FLUE_NEIGHBOUR_FAILED) {
            return; /* no way; what sends over the old one comes back by itself (D-25) */
        }
        to->from_ip = path->local_ip;
        nud_event(to, NUD_SEND); /* asks for its address */
        return;
    }
    if (to->object.state == OBJECT_HERE) {
        if (!binding_allows(to->stem.binding, &path->remote_ip)) {
            evict(path);
            return;
        }
        offer(to);
        return;
    }
    if (to->object.state == OBJECT_INVALID || to->object.state == OBJECT_INVALIDATING || to->object.doomed != 0) {
        evict(path);
        return;
    }
    if (object_may_update(&to->object) && object_may_update(&path->object)) {
        relink(to);
    }
}

void relink_start(struct flue_host *host)
{
    struct flue_hook stirred, *first;

    list_init(&stirred); /* what is stirred meanwhile has its turn next time */
    list_splice_back(&stirred, &host->stirred);
    while ((first = list_pop_front(&stirred)) != NULL) {
        struct host_neighbour *to = FLUE_CONTAINER_OF(first, struct host_neighbour, stirred);

        FLUE_LIST_EACH_SAFE(hook, &to->comers)
        {
            advance(FLUE_CONTAINER_OF(hook, struct host_path, coming));
        }
    }
}

void relink_evict(struct flue_host *host)
{
    struct flue_hook *first;

    while ((first = list_pop_front(&host->evicted)) != NULL) {
        FLUE_LIST_EACH(hook, &FLUE_CONTAINER_OF(first, struct host_path, evicted)->leases)
        {
            upload_want(FLUE_CONTAINER_OF(hook, struct host_lease, beside)->socket, FLUE_MOVE_NO_ROUTE);
        }
    }
}

/* ---- Invalid next hops */

bool relink_invalidate(struct host_neighbour *neighbour)
{
    struct flue_host *host = neighbour->stem.binding->host;
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block =
        tree_block(host, NeighborOffloadState, &neighbour->object.handle, &neighbour->object);

    if (block == NULL) {
        return false;
    }
    object_enter(&neighbour->object, OBJECT_INVALIDATING);
    host->totals.invalidates++;
    charge_initiate_tree(host, NULL, 0);
    protocol_invalidate(neighbour->stem.binding, block);
    return true;
}

/* SUCCESS or FAILURE: it will not be used again, and is terminated in the end (CH-110). */
void relink_invalidated(struct flue_host *host, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    struct host_object *object = root->ProtocolReserved[0];

    object_enter(object, OBJECT_INVALID);
    if (host_obeys(host, 110)) {
        object_doom(object);
    }
    if (root->Status != NDIS_STATUS_SUCCESS) {
        update_failed(object);
    }
    object_settled(object);
    tree_free(host, root);
}

/* ---- What others call */

/* Every path that is wanted at one neighbour is wanted at another. */
static void want_all(struct host_neighbour *from, struct host_neighbour *to)
{
    FLUE_LIST_EACH(hook, &from->paths)
    {
        struct host_path *path = FLUE_CONTAINER_OF(hook, struct host_path, below);

        if (path->wanted == from) {
            path_want(path, to);
        }
    }
    FLUE_LIST_EACH_SAFE(hook, &from->comers)
    {
        path_want(FLUE_CONTAINER_OF(hook, struct host_path, coming), to);
    }
}

static struct host_neighbour *find(const struct flue_host *host, const struct flue_ip *ip)
{
    const struct flue_ip none = {{0, 0, 0, 0}};

    FLUE_LIST_EACH(hook, &host->bindings)
    {
        struct host_neighbour *neighbour =
            neighbour_find(FLUE_CONTAINER_OF(hook, struct host_binding, hook), ip == NULL ? &none : ip);

        if (neighbour != NULL) {
            return neighbour;
        }
    }
    return NULL;
}

flue_err flue_host_neighbour_state(const struct flue_host *host, const struct flue_ip *next_hop,
                                   enum flue_neighbour *out)
{
    const struct host_neighbour *neighbour = find(host, next_hop);

    if (neighbour == NULL) {
        return FLUE_EEXIST;
    }
    *out = (enum flue_neighbour)neighbour->state;
    return FLUE_OK;
}

flue_err flue_host_invalidate_neighbour(struct flue_host *host, const struct flue_ip *next_hop, flue_ps at_ps)
{
    struct host_neighbour *neighbour = find(host, next_hop);
    bool done;

    if (neighbour == NULL) {
        return FLUE_EEXIST;
    }
    if (neighbour->object.state != OBJECT_HELD) {
        return FLUE_ESTATE;
    }
    host_enter(host, at_ps);
    done = relink_invalidate(neighbour);
    host_leave(host);
    return done ? FLUE_OK : FLUE_ENOMEM;
}

flue_err flue_host_relink(struct flue_host *host, const struct flue_ip *from, const struct flue_ip *to, flue_ps at_ps)
{
    struct host_neighbour *old = find(host, from), *new_one;

    if (old == NULL) {
        return FLUE_EEXIST;
    }
    new_one = neighbour_get(old->stem.binding, to);
    if (new_one == NULL) {
        return FLUE_ENOMEM;
    }
    if (!old->stem.binding->has_mac) {
        new_one->fixed = 1; /* point to point: nobody answers there, and nobody needs to */
        new_one->state = FLUE_NEIGHBOUR_REACHABLE;
        neighbour_offer(new_one);
    }
    host_enter(host, at_ps);
    FLUE_LIST_EACH(hook, &host->route_list)
    {
        struct host_route *route = FLUE_CONTAINER_OF(hook, struct host_route, hook);

        if (!route->on_link && route->binding == old->stem.binding && flue_ip_equal(&route->next_hop, &old->ip)) {
            route->next_hop = *to;
        }
    }
    want_all(old, new_one);
    if (object_may_query(&old->object)) {
        object_doom(&old->object); /* step 5: it goes when nothing depends on it any more */
    }
    host_leave(host);
    return FLUE_OK;
}
