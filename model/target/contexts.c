/* SPDX-License-Identifier: GPL-2.0-only */
/* target/contexts.c - the areas of offloaded objects, the states of a connection's, and the cache of hot ones. */

#include <assert.h>

#include <string.h>

#include "target/fault.h"
#include "target/target.h"

/* ---- States (behaviour 5.2) ---- */

#define TO(context) (1u << FLUE_CONTEXT_##context)

static const uint16_t edges[FLUE_CONTEXT_COUNT] = {
    [FLUE_CONTEXT_NONE] = TO(INSTALLED),
    [FLUE_CONTEXT_INSTALLED] = TO(LIVE) | TO(INVALID) | TO(DRAINING) | TO(ABORTED) | TO(TERMINATING),
    [FLUE_CONTEXT_LIVE] = TO(INVALID) | TO(DRAINING) | TO(ABORTED) | TO(TERMINATING),
    [FLUE_CONTEXT_INVALID] = TO(LIVE) | TO(DRAINING) | TO(ABORTED) | TO(TERMINATING),
    [FLUE_CONTEXT_DRAINING] = TO(TERMINATING),
    [FLUE_CONTEXT_ABORTED] = TO(TERMINATING),
    [FLUE_CONTEXT_TERMINATING] = TO(NONE),
};

void context_enter(struct flue_target *target, struct target_context *context, enum flue_context to)
{
    assert((edges[context->state] & (1u << to)) != 0);
    flue_trace2(target->trace, target_context, target->engine.clock_ps, context->id, context->state, to);
    context->state = (uint8_t)to;
}

bool context_invalid(const struct target_context *context)
{
    return ((context->marks | context->path->marks | context->path->neighbour->marks) & OBJECT_INVALID) != 0;
}

void context_settle(struct flue_target *target, struct target_context *context)
{
    const bool invalid = context_invalid(context) && target_obeys(target, 106);
    const enum flue_context to = invalid ? FLUE_CONTEXT_INVALID : FLUE_CONTEXT_LIVE;

    if (context->state == FLUE_CONTEXT_LIVE || context->state == FLUE_CONTEXT_INVALID
            ? context->state != to
            : context->state == FLUE_CONTEXT_INSTALLED && to == FLUE_CONTEXT_INVALID) {
        context_enter(target, context, to);
    }
}

/* ---- What there is a limited number of ---- */

static struct target_key **find_key(struct target_keys *keys, const void *key, size_t bytes)
{
    struct target_key **place = &keys->first;

    while (*place != NULL && memcmp((*place)->bytes, key, bytes) != 0) {
        place = &(*place)->next;
    }
    return place;
}

enum keys_result keys_take(struct flue_target *target, struct target_keys *keys, const void *key, size_t bytes,
                           uint32_t max)
{
    struct target_key **place = find_key(keys, key, bytes);
    struct target_key *made;

    if (*place != NULL) {
        (*place)->users++;
        return KEYS_TAKEN;
    }
    if (keys->count >= max) {
        return KEYS_FULL;
    }
    made = (struct target_key *)pool_get(&target->keys);
    if (made == NULL) {
        return KEYS_NO_MEMORY;
    }
    *made = (struct target_key){.users = 1};
    memcpy(made->bytes, key, bytes);
    *place = made;
    keys->count++;
    return KEYS_TAKEN;
}

void keys_drop(struct flue_target *target, struct target_keys *keys, const void *key, size_t bytes)
{
    struct target_key **place = find_key(keys, key, bytes);
    struct target_key *found = *place;

    assert(found != NULL);
    if (--found->users == 0) {
        *place = found->next;
        pool_put(&target->keys, found);
        keys->count--;
    }
}

/* ---- Areas ---- */

struct target_context *context_new(struct flue_target *target)
{
    struct target_context *context = (struct target_context *)pool_get(&target->contexts);

    if (context == NULL) {
        return NULL;
    }
    *context = (struct target_context){.state = FLUE_CONTEXT_NONE};
    hook_init(&context->sibling);
    return context;
}

/* An area has three users: the connection, indicated data that the host has not returned, and doorbells of a host that
 * asks for something after it has ended the connection (CH-116).  The last one frees it. */
void context_free(struct flue_target *target, struct target_context *context)
{
    if (context->slot != 0) {
        target->cache[context->slot - 1] = NULL;
        context->slot = 0;
    }
    context_drop_kept(context);
    watch_stop(target, context);
    overflow_forget(target, context);
    if (context->extra != NULL) {
        target->rcv_bytes -= context->extra->rcv_bytes;
        target->xmit_bytes -= context->extra->xmit_bytes;
        timer_fifo_cancel(&context->extra->push);
        pool_put(&target->extras, context->extra);
        context->extra = NULL;
    }
    if (context->lent == 0 && context->rung == 0) {
        pool_put(&target->contexts, context);
    }
}

struct target_extra *context_widen(struct flue_target *target, struct target_context *context)
{
    struct target_extra *extra = context->extra;

    if (extra == NULL && (extra = (struct target_extra *)pool_get(&target->extras)) != NULL) {
        *extra = (struct target_extra){.target = target, .context = context, .challenged_ps = FLUE_PS_NEVER};
        timer_fifo_setup(&extra->push);
        context->extra = extra;
    }
    return extra;
}

void context_narrow(struct flue_target *target, struct target_context *context)
{
    const struct target_extra *extra = context->extra;

    if (extra != NULL && !extra->requested && extra->watch == NULL && extra->still == NULL &&
        (extra->rcv_bytes | extra->xmit_bytes | extra->dwnd) == 0) {
        pool_put(&target->extras, context->extra);
        context->extra = NULL;
    }
}

flue_err context_book(struct flue_target *target, struct target_context *context, uint32_t rcv_bytes,
                      uint32_t xmit_bytes)
{
    struct target_extra *extra;

    if (target->params.rcv_buffer_bytes == 0 && target->params.xmit_buffer_bytes == 0) {
        return FLUE_OK;
    }
    extra = context_widen(target, context);
    if (extra == NULL) {
        return FLUE_ENOMEM;
    }
    target->rcv_bytes += (uint64_t)rcv_bytes - extra->rcv_bytes;
    target->xmit_bytes += (uint64_t)xmit_bytes - extra->xmit_bytes;
    extra->rcv_bytes = rcv_bytes;
    extra->xmit_bytes = xmit_bytes;
    return FLUE_OK;
}

void context_heard(struct flue_target *target, struct target_context *context)
{
    context->rung--;
    if (context->state == FLUE_CONTEXT_NONE) {
        context_free(target, context);
    }
}

flue_err context_keep(struct flue_target *target, struct target_context *context, const struct flue_span *span)
{
    flue_err err;

    if (context->kept == NULL) {
        context->kept = ndis_nbl_get(target->spans);
    }
    err = context->kept == NULL ? FLUE_ENOMEM : ndis_nbl_append(context->kept, span);
    if (context_kept_bytes(context) == 0) {
        context_drop_kept(context);
    }
    return err;
}

void context_drop_kept(struct target_context *context)
{
    if (context->kept != NULL) {
        ndis_nbl_put(context->kept);
        context->kept = NULL;
    }
}

void context_link(struct flue_target *target, struct target_context *context, struct target_path *path)
{
    context->path = path;
    path->dependents++;
    list_push_back(&path->conns, &context->sibling);
    fault_name(target, context);
}

/* The path stays known: what is on its way up may still be about it. */
void context_unlink(struct flue_target *target, struct target_context *context)
{
    fault_forget(target, context);
    context->path->dependents--;
    list_remove(&context->sibling);
}

void context_unlink_work(struct target_context *context)
{
    context->flags &= (uint16_t) ~(CONTEXT_WANTS_OUTPUT | CONTEXT_WANTS_TIMEOUT);
    if (hook_linked(&context->work)) {
        list_remove(&context->work);
    }
}

void path_free(struct flue_target *target, struct target_path *path)
{
    if (target->params.address_max != 0) {
        keys_drop(target, &target->addresses, &path->local_ip, sizeof path->local_ip);
    }
    target->totals.paths--;
    pool_put(&target->paths, path);
}

void neighbour_free(struct flue_target *target, struct target_neighbour *neighbour)
{
    static const UCHAR none[sizeof neighbour->source];

    if (memcmp(neighbour->source, none, sizeof none) != 0) {
        keys_drop(target, &target->source_macs, neighbour->source, sizeof neighbour->source);
    }
    if (neighbour->vlan != 0) {
        keys_drop(target, &target->vlans, &neighbour->vlan, sizeof neighbour->vlan);
    }
    target->totals.neighbours--;
    pool_put(&target->neighbours, neighbour);
}

flue_err contexts_init(struct flue_target *target)
{
    const struct flue_env *env = target->env;
    const uint64_t room = target->params.profile.context_cache;
    flue_err err;

    pool_init(&target->contexts, env, sizeof(struct target_context));
    pool_init(&target->paths, env, sizeof(struct target_path));
    pool_init(&target->neighbours, env, sizeof(struct target_neighbour));
    pool_init(&target->stills, env, sizeof(struct target_still));
    pool_init(&target->helds, env, sizeof(struct target_held));
    pool_init(&target->keys, env, sizeof(struct target_key));
    pool_init(&target->watches, env, sizeof(struct target_watch));
    pool_init(&target->extras, env, sizeof(struct target_extra));
    err = ndis_pool_new(env, NDIS_POOL_FRAMES, &target->frames);
    if (err == FLUE_OK) {
        err = ndis_pool_new(env, NDIS_POOL_SPANS, &target->spans);
    }
    if (err == FLUE_OK) {
        err = ndis_pool_reserve(target->spans, TARGET_RING_ENTRIES);
    }
    if (err == FLUE_OK && room > 0) {
        target->cache_room = (uint32_t)room;
        target->cache = (struct target_context **)env->allocate(env->ctx, room * sizeof *target->cache);
        target->cache_used = (uint8_t *)env->allocate(env->ctx, room);
        if (target->cache == NULL || target->cache_used == NULL) {
            err = FLUE_ENOMEM;
        }
    }
    return err;
}

void contexts_dispose(struct flue_target *target)
{
    const struct flue_env *env = target->env;

    if (target->cache != NULL) {
        env->release(env->ctx, target->cache, target->cache_room * sizeof *target->cache);
    }
    if (target->cache_used != NULL) {
        env->release(env->ctx, target->cache_used, target->cache_room);
    }
    ndis_pool_free(target->frames);
    ndis_pool_free(target->spans);
    hash_table_dispose(&target->names);
    pool_dispose(&target->contexts);
    pool_dispose(&target->paths);
    pool_dispose(&target->neighbours);
    pool_dispose(&target->stills);
    pool_dispose(&target->helds);
    pool_dispose(&target->keys);
    pool_dispose(&target->watches);
    pool_dispose(&target->extras);
}

uint64_t contexts_live(const struct flue_target *target)
{
    return pool_live(&target->contexts) + pool_live(&target->paths) + pool_live(&target->neighbours) +
           pool_live(&target->stills) + pool_live(&target->helds) + pool_live(&target->keys) +
           pool_live(&target->watches) + pool_live(&target->extras) + ndis_pool_live(target->frames) +
           ndis_pool_live(target->spans);
}

/* ---- The hot-state cache: the clock algorithm, a second chance for what was used since the hand came by ---- */

void context_touch_cold(struct flue_target *target, struct target_context *context)
{
    target->totals.context_misses++;
    target_engine_charge(target, FLUE_COST_OTHER, &target->params.profile.engine_context_miss, 0);
    while (target->cache[target->cache_hand] != NULL && target->cache_used[target->cache_hand] != 0) {
        target->cache_used[target->cache_hand] = 0;
        target->cache_hand = target->cache_hand + 1 == target->cache_room ? 0 : target->cache_hand + 1;
    }
    if (target->cache[target->cache_hand] != NULL) {
        target->cache[target->cache_hand]->slot = 0;
    }
    target->cache[target->cache_hand] = context;
    target->cache_used[target->cache_hand] = 1;
    context->slot = target->cache_hand + 1;
    target->cache_hand = target->cache_hand + 1 == target->cache_room ? 0 : target->cache_hand + 1;
}

void context_each(struct flue_target *target, void (*visit)(struct flue_target *target, struct target_context *context))
{
    FLUE_LIST_EACH(neighbour, &target->all)
    {
        FLUE_LIST_EACH(path, &FLUE_CONTAINER_OF(neighbour, struct target_neighbour, sibling)->paths)
        {
            FLUE_LIST_EACH(conn, &FLUE_CONTAINER_OF(path, struct target_path, sibling)->conns)
            {
                visit(target, FLUE_CONTAINER_OF(conn, struct target_context, sibling));
            }
        }
    }
}
