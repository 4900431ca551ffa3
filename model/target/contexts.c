/* SPDX-License-Identifier: GPL-2.0-only */
/* target/contexts.c - the areas of offloaded objects, the states of a connection's, and the cache of hot ones. */

#include <assert.h>

#include "target/target.h"

/* ---- States (behaviour 5.2) ---- */

#define TO(context) (1u << FLUE_CONTEXT_##context)

static const uint8_t edges[FLUE_CONTEXT_COUNT] = {
    [FLUE_CONTEXT_NONE] = TO(INSTALLED),
    [FLUE_CONTEXT_INSTALLED] = TO(LIVE) | TO(DRAINING) | TO(ABORTED) | TO(TERMINATING),
    [FLUE_CONTEXT_LIVE] = TO(DRAINING) | TO(ABORTED) | TO(TERMINATING),
    [FLUE_CONTEXT_DRAINING] = TO(TERMINATING),
    [FLUE_CONTEXT_ABORTED] = TO(TERMINATING),
    [FLUE_CONTEXT_TERMINATING] = TO(NONE),
};

const char *flue_context_name(unsigned context)
{
    static const char *const names[] = {
#define X(name, title) title,
        FLUE_CONTEXTS(X)
#undef X
    };

    return context < FLUE_CONTEXT_COUNT ? names[context] : "?";
}

void context_enter(struct flue_target *target, struct target_context *context, enum flue_context to)
{
    assert((edges[context->state] & (1u << to)) != 0);
    flue_trace2(target->trace, target_context, target->engine.clock_ps, context->id, context->state, to);
    context->state = (uint8_t)to;
}

/* ---- Areas ---- */

struct target_context *context_new(struct flue_target *target)
{
    struct target_context *context = (struct target_context *)pool_get(&target->contexts);

    if (context == NULL) {
        return NULL;
    }
    *context = (struct target_context){.state = FLUE_CONTEXT_NONE};
    /* What is needed to give the connection back is set aside now, so that this can never fail for memory. */
    context->kept = ndis_nbl_get(target->spans);
    if (context->kept == NULL) {
        pool_put(&target->contexts, context);
        return NULL;
    }
    return context;
}

/* An area has two users: the connection, and indicated data that the host has not returned.  The later one frees it. */
void context_free(struct flue_target *target, struct target_context *context)
{
    if (context->slot != 0) {
        target->cache[context->slot - 1] = NULL;
        context->slot = 0;
    }
    if (context->kept != NULL) {
        ndis_nbl_put(context->kept);
        context->kept = NULL;
    }
    if (context->lent == 0) {
        pool_put(&target->contexts, context);
    }
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
    target->totals.paths--;
    pool_put(&target->paths, path);
}

void neighbour_free(struct flue_target *target, struct target_neighbour *neighbour)
{
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
    err = ndis_pool_new(env, NDIS_POOL_FRAMES, &target->frames);
    if (err == FLUE_OK) {
        err = ndis_pool_new(env, NDIS_POOL_SPANS, &target->spans);
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
    pool_dispose(&target->contexts);
    pool_dispose(&target->paths);
    pool_dispose(&target->neighbours);
    pool_dispose(&target->stills);
    pool_dispose(&target->helds);
}

uint64_t contexts_live(const struct flue_target *target)
{
    return pool_live(&target->contexts) + pool_live(&target->paths) + pool_live(&target->neighbours) +
           pool_live(&target->stills) + pool_live(&target->helds) + ndis_pool_live(target->frames) +
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
