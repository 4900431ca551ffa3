/* SPDX-License-Identifier: GPL-2.0-only */
/* explore/draw.c - an order in words, and as a ladder. */
#include "explore/world.h"
#include "trace/trace_read.h"

static const char *const event_titles[EXPLORE_EVENTS] = {
#define EXPLORE_EVENT(name, most, title, with) [EXPLORE_##name] = (title),
#include "explore/events.def"
};

const char *explore_event_title(unsigned event)
{
    return event < EXPLORE_EVENTS ? event_titles[event] : "?";
}

const char *explore_verdict_name(unsigned verdict)
{
    static const char *const names[EXPLORE_VERDICTS] = {
        [EXPLORE_HARMLESS] = "harmless", [EXPLORE_FINDING] = "finding only",    [EXPLORE_LEAK] = "leak",
        [EXPLORE_DEADLOCK] = "deadlock", [EXPLORE_BROKEN] = "invariant broken", [EXPLORE_BYTES] = "bytes lost"};

    return verdict < EXPLORE_VERDICTS ? names[verdict] : "?";
}

void explore_print_order(const struct explore_params *params, const struct explore_order *order, FILE *out)
{
    for (unsigned i = 0; i < order->length; i++) {
        const struct explore_step *step = &order->steps[i];

        (void)fprintf(out, "%s%s", i == 0 ? "" : ", ", explore_event_title(step->event));
        if (params->connections > 1) {
            (void)fprintf(out, " (%u)", step->connection);
        }
    }
    if (order->length == 0) {
        (void)fprintf(out, "nothing at all");
    }
}

/* The end belongs to the order only if no step of it went wrong by itself. */
flue_err explore_draw(const struct explore_params *params, const struct explore_order *order, bool plain, FILE *out)
{
    const struct trace_ladder ladder = {
        .conn = order->length == 0 ? 0 : order->steps[order->length - 1].connection, .lines = 60, .plain = plain};
    struct trace_log *log = trace_log_new(0);
    struct flue_trace listener;
    struct world *world;
    flue_err err;

    if (log == NULL) {
        return FLUE_ENOMEM;
    }
    listener = trace_log_listener(log);
    world = world_new(params, &listener);
    if (world == NULL) {
        trace_log_free(log);
        return FLUE_ENOMEM;
    }
    for (unsigned i = 0; i < order->length; i++) {
        (void)world_step(world, order->steps[i].connection, (enum explore_event)order->steps[i].event);
    }
    if (world->verdict == EXPLORE_HARMLESS) {
        world_end(world);
    }
    world_free(world);
    err = trace_log_settle(log);
    if (err == FLUE_OK) {
        err = trace_draw_ladder(log, &ladder, out);
    }
    trace_log_free(log);
    return err;
}
