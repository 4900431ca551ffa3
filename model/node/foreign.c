/* SPDX-License-Identifier: GPL-2.0-only */
/* The world of an adapter from outside, made of its node's. */
#include "node/foreign.h"

static flue_ps foreign_now(void *ctx)
{
    const struct foreign *foreign = ctx;

    return foreign->outer->now(foreign->outer->ctx);
}

static void foreign_set_alarm(void *ctx, flue_ps at_ps)
{
    struct foreign *foreign = ctx;

    timers_arm(foreign->timers, &foreign->alarm, at_ps);
}

static void *foreign_allocate(void *ctx, size_t bytes)
{
    const struct foreign *foreign = ctx;

    return foreign->outer->allocate(foreign->outer->ctx, bytes);
}

static void foreign_release(void *ctx, void *memory, size_t bytes)
{
    const struct foreign *foreign = ctx;

    foreign->outer->release(foreign->outer->ctx, memory, bytes);
}

static void on_alarm(struct timer *timer, flue_ps now_ps)
{
    struct foreign *foreign = FLUE_CONTAINER_OF(timer, struct foreign, alarm);

    foreign->calls->alarm(foreign->adapter, now_ps);
}

flue_err foreign_open(struct foreign *foreign, const struct flue_env *env, struct timers *timers,
                      const struct flue_provider *calls, struct flue_provider_world *world)
{
    *foreign = (struct foreign){.calls = calls,
                                .outer = env,
                                .timers = timers,
                                .env = {.ctx = foreign,
                                        .now = foreign_now,
                                        .set_alarm = foreign_set_alarm,
                                        .allocate = foreign_allocate,
                                        .release = foreign_release,
                                        .seed = env->seed}};
    timer_setup(&foreign->alarm, on_alarm);
    world->env = &foreign->env;
    return calls->create(world, &foreign->adapter, &foreign->miniport);
}

void foreign_close(struct foreign *foreign)
{
    if (foreign->adapter != NULL)
        foreign->calls->destroy(foreign->adapter);
    foreign->adapter = NULL;
}
