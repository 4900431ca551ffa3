/* SPDX-License-Identifier: GPL-2.0-only */
/* The next of many sources of events (see events.h). */
#include "wire/events.h"

flue_err events_init(struct events *events, const struct flue_env *env, uint32_t sources)
{
    *events = (struct events){.count = sources,
                              .due_ps = env->allocate(env->ctx, sources * sizeof(flue_ps)),
                              .heap = env->allocate(env->ctx, sources * sizeof(uint32_t)),
                              .place = env->allocate(env->ctx, sources * sizeof(uint32_t))};
    if (events->due_ps == NULL || events->heap == NULL || events->place == NULL)
        return FLUE_ENOMEM;
    for (uint32_t i = 0; i < sources; i++) {
        events->due_ps[i] = FLUE_PS_NEVER;
        events->heap[i] = i;
        events->place[i] = i;
    }
    return FLUE_OK;
}

void events_dispose(struct events *events, const struct flue_env *env)
{
    env->release(env->ctx, events->due_ps, events->count * sizeof(flue_ps));
    env->release(env->ctx, events->heap, events->count * sizeof(uint32_t));
    env->release(env->ctx, events->place, events->count * sizeof(uint32_t));
    *events = (struct events){.count = 0};
}

static int before(const struct events *events, uint32_t a, uint32_t b)
{
    if (events->due_ps[a] != events->due_ps[b])
        return events->due_ps[a] < events->due_ps[b];
    return a < b;
}

static void put(struct events *events, uint32_t at, uint32_t source)
{
    events->heap[at] = source;
    events->place[source] = at;
}

static void rise(struct events *events, uint32_t at, uint32_t source)
{
    while (at > 0 && before(events, source, events->heap[(at - 1) / 2])) {
        put(events, at, events->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(events, at, source);
}

static void sink(struct events *events, uint32_t at, uint32_t source)
{
    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= events->count)
            break;
        if (child + 1 < events->count && before(events, events->heap[child + 1], events->heap[child]))
            child++;
        if (before(events, source, events->heap[child]))
            break;
        put(events, at, events->heap[child]);
        at = child;
    }
    put(events, at, source);
}

void events_set(struct events *events, uint32_t source, flue_ps due_ps)
{
    const flue_ps old_ps = events->due_ps[source];

    if (due_ps == old_ps)
        return;
    events->due_ps[source] = due_ps;
    if (due_ps < old_ps)
        rise(events, events->place[source], source);
    else
        sink(events, events->place[source], source);
}
