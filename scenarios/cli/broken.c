/* SPDX-License-Identifier: GPL-2.0-only */
/* A broken rule of the interface, told with what led to it. */
#include "cli/broken.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "trace/trace_read.h"

#define KEPT  65536u /* events */
#define SHOWN 12u    /* lines */

struct crossings {
    const struct flue_trace *next;
    uint64_t count; /* ever; the last KEPT of them are there */
    struct flue_event event[KEPT];
};

struct crossings *crossings_new(const struct flue_trace *next)
{
    struct crossings *crossings = malloc(sizeof *crossings);

    if (crossings != NULL) {
        crossings->next = next;
        crossings->count = 0;
    }
    return crossings;
}

void crossings_free(struct crossings *crossings)
{
    free(crossings);
}

static void keep(void *ctx, const struct flue_event *event)
{
    struct crossings *crossings = ctx;

    if (event->point != FLUE_POINT_charge) {
        crossings->event[crossings->count++ % KEPT] = *event;
    }
    if (crossings->next != NULL) {
        crossings->next->emit(crossings->next->ctx, event);
    }
}

struct flue_trace crossings_listener(struct crossings *crossings)
{
    return (struct flue_trace){.ctx = crossings, .emit = keep};
}

static bool is_crossing(const struct flue_event *event)
{
    const struct flue_point_info *info = flue_point_info(event->point);

    return info != NULL && strncmp(info->id, "ddi_", 4) == 0;
}

static bool is_frame(const struct flue_event *event)
{
    return event->point == FLUE_POINT_tcp_send || event->point == FLUE_POINT_tcp_receive;
}

static bool is_wanted(const struct flue_event *event, const struct world_broken *broken)
{
    const bool about_frames = flue_rule(broken->rule)->kind == FLUE_RULE_wire;

    if (event->node != broken->node ||
        (broken->conn != FLUE_NO_CONN && event->conn != broken->conn && event->conn != FLUE_NO_CONN)) {
        return false;
    }
    return is_crossing(event) || event->point == FLUE_POINT_holder || event->point == FLUE_POINT_target_context ||
           (about_frames && is_frame(event));
}

/* How many events belong to what happened up to the finding.  A crossing is traced before or right after its rules are
 * looked at. */
static uint64_t until(const struct crossings *crossings, const struct world_broken *broken)
{
    const uint64_t first = crossings->count > KEPT ? crossings->count - KEPT : 0;

    for (uint64_t i = first; i < crossings->count; i++) {
        const struct flue_event *event = &crossings->event[i % KEPT];

        if (event->point == FLUE_POINT_finding && event->node == broken->node && event->arg[0] == broken->rule) {
            const struct flue_event *after = &crossings->event[(i + 1) % KEPT];
            const bool takes_next = i + 1 < crossings->count && is_crossing(after) && after->node == broken->node &&
                                    after->at_ps == event->at_ps;

            return takes_next ? i + 2 : i;
        }
    }
    return crossings->count;
}

flue_err crossings_tell(const struct crossings *crossings, const struct world_broken *broken, FILE *out)
{
    const struct flue_rule *rule = flue_rule(broken->rule);
    const uint64_t end = until(crossings, broken), first = crossings->count > KEPT ? crossings->count - KEPT : 0;
    struct trace_log *log = trace_log_new(SHOWN);
    struct flue_trace listener;
    uint64_t from = end;
    unsigned found = 0;
    flue_err err;
    char id[8];

    if (log == NULL) {
        return FLUE_ENOMEM;
    }
    listener = trace_log_listener(log);
    while (from > first && found < SHOWN) {
        found += is_wanted(&crossings->event[--from % KEPT], broken) ? 1u : 0u;
    }
    for (; from < end; from++) {
        if (is_wanted(&crossings->event[from % KEPT], broken)) {
            listener.emit(listener.ctx, &crossings->event[from % KEPT]);
        }
    }
    err = trace_log_settle(log);
    flue_rule_id(broken->rule, id);
    (void)fprintf(out, "%s is broken, %.6f ms after the start\n", id, (double)broken->at_ps / 1e9);
    (void)fprintf(out, "  by      %s (%s of node %u, the %s)\n", flue_party_name(broken->party),
                  broken->driver[0] == '\0' ? "?" : broken->driver, broken->node, broken->whose);
    (void)fprintf(out, "  about   %s", broken->object[0] == '\0' ? "the interface" : broken->object);
    if (broken->conn != FLUE_NO_CONN) {
        (void)fprintf(out, ", connection %" PRIu32, broken->conn);
    }
    (void)fprintf(out, "\n  seen    %s\n  rule    %s\n  says    %s; %s\n", broken->seen, rule->sentence,
                  flue_rule_strength_name(rule->strength), rule->source);
    if (err == FLUE_OK && trace_log_count(log) > 0) {
        (void)fprintf(out, "\nThe last %zu crossings%s:\n", trace_log_count(log),
                      flue_rule(broken->rule)->kind == FLUE_RULE_wire ? " and segments" : "");
        trace_explain(log, out);
    }
    (void)fputc('\n', out);
    trace_log_free(log);
    return err;
}
