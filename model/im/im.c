/* SPDX-License-Identifier: GPL-2.0-only */
/* im/im.c - the life of an intermediate driver, and its books. */
#include "im/im_core.h"

const char *flue_im_kind_name(unsigned kind)
{
    static const char *const names[] = {
#define X(name, word, help) word,
        FLUE_IM_KINDS(X)
#undef X
    };

    return kind < FLUE_IM_KIND_COUNT ? names[kind] : "?";
}

static flue_err error_of(NDIS_STATUS status)
{
    return status == NDIS_STATUS_SUCCESS ? FLUE_OK : status == NDIS_STATUS_RESOURCES ? FLUE_ENOMEM : FLUE_ESTATE;
}

/* Both edges, then the tie between them, then the virtual adapter if the adapters below are there already. */
static flue_err register_edges(struct flue_im *im)
{
    NDIS_STATUS status = im_miniport_register(im);

    if (status == NDIS_STATUS_SUCCESS) {
        status = im_protocol_register(im);
    }
    if (status == NDIS_STATUS_SUCCESS) {
        NdisIMAssociateMiniport(im->driver, im->protocol);
        im->associated = true;
        if (im->edge_count == (im->params.kind == FLUE_IM_TEAM ? 2u : 1u)) {
            status = im_miniport_start(im);
        }
    }
    return error_of(status);
}

flue_err flue_im_new(const struct flue_env *env, struct timers *timers, const struct flue_trace *trace,
                     struct flue_ndis *ndis, const struct flue_im_params *params, struct flue_im **out)
{
    struct flue_im *im;
    flue_err err;

    *out = NULL;
    if ((unsigned)params->kind >= FLUE_IM_KIND_COUNT || params->name == NULL || params->hold_down_ps < 0 ||
        params->hold_up_ps < 0 || (params->kind == FLUE_IM_BREAK && !im_breakable(params->broken_rule))) {
        return FLUE_EINVAL;
    }
    err = timers_reserve(timers, IM_TIMERS);
    if (err != FLUE_OK) {
        return err;
    }
    im = env->allocate(env->ctx, sizeof *im);
    if (im == NULL) {
        timers_unreserve(timers, IM_TIMERS);
        return FLUE_ENOMEM;
    }
    *im = (struct flue_im){.env = env, .timers = timers, .trace = trace, .ndis = ndis, .params = *params};
    pool_init(&im->entries, env, sizeof(struct im_entry));
    pool_init(&im->calls, env, sizeof(struct im_call));
    pool_init(&im->contexts, env, sizeof(struct im_context));
    pool_init(&im->held, env, sizeof(struct im_held));
    pool_init(&im->home_pool, env, sizeof(struct im_home));
    im_requests_init(im);
    list_init(&im->starving);
    timer_setup(&im->answers, im_answers_fire);
    timer_setup(&im->team, im_team_fire);
    im_queue_init(im, &im->down, params->hold_down_ps, im_hold_down_fire);
    im_queue_init(im, &im->held_up, params->hold_up_ps, im_hold_up_fire);
    /* Who indicated a list must be known whatever happens: adapters have fewer pools than a chunk has homes. */
    err = params->kind == FLUE_IM_TEAM ? pool_reserve(&im->home_pool, IM_HOMES) : FLUE_OK;
    if (err == FLUE_OK) {
        err = register_edges(im);
    }
    if (err != FLUE_OK) {
        flue_im_free(im);
        return err;
    }
    *out = im;
    return FLUE_OK;
}

/* A run that was cut short leaves things lent across the edges: then they are forgotten, not closed. */
void flue_im_free(struct flue_im *im)
{
    const struct flue_env *env;

    if (im == NULL) {
        return;
    }
    env = im->env;
    if (im_miniport_stop(im)) {
        if (im->protocol != NULL) {
            (void)NdisDeregisterProtocolDriver(im->protocol);
        }
        if (im->driver != NULL) {
            (void)NdisMDeregisterMiniportDriver(im->driver);
        }
    }
    timers_remove(im->timers, &im->answers);
    timers_remove(im->timers, &im->team);
    timers_remove(im->timers, &im->down.timer);
    timers_remove(im->timers, &im->held_up.timer);
    timers_unreserve(im->timers, IM_TIMERS);
    pool_dispose(&im->entries);
    pool_dispose(&im->calls);
    pool_dispose(&im->contexts);
    pool_dispose(&im->held);
    pool_dispose(&im->home_pool);
    pool_dispose(&im->requests);
    env->release(env->ctx, im, sizeof *im);
}

void flue_im_totals(const struct flue_im *im, struct flue_im_totals *out)
{
    *out = im->totals;
}

uint64_t flue_im_objects_live(const struct flue_im *im)
{
    return pool_live(&im->entries) + pool_live(&im->calls) + pool_live(&im->contexts) + pool_live(&im->held) +
           pool_live(&im->requests);
}
