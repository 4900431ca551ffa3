/* SPDX-License-Identifier: GPL-2.0-only */
/* The timeline of a run: who holds the server's connections, goodput, where its core's time goes, retransmissions,
 * every `sample` of simulated time until the measured window closes.
 *
 * A timer of the first client takes the samples, as it ends the phases.  It reads and changes nothing, timers due at
 * one time fire in the order of their arming, and alarms are not digested: a run with samples is the run without.
 * Samples stay in memory until the run is over.  When there would be more than INTERVALS_MAX of them, every other one
 * goes and the time between two doubles; the metric series.every tells. */
#include <stdlib.h>
#include <string.h>

#include "run/flow.h"
#include "run/measure.h"
#include "run/timeline.h"
#include "run/world_state.h"

#define INTERVALS_MAX 10000u /* even; as metrics.def says */

/* What happened since the sample before stands in the sample that ends it. */
struct timeline_sample {
    flue_ps at_ps;
    uint64_t holders[FLUE_HOLDER_COUNT];
    uint64_t busy_ps[FLUE_COST_CATEGORIES];
    uint64_t delivered_bytes, retransmits, timeouts;
};

/* part x numerator / denominator for numerator <= denominator, to 2^-31 of it. */
static uint64_t share(uint64_t part, uint64_t numerator, uint64_t denominator)
{
    while (denominator >> 31 != 0) {
        numerator >>= 1;
        denominator >>= 1;
    }
    return denominator == 0 ? 0 : part / denominator * numerator + part % denominator * numerator / denominator;
}

static void add_core(const struct flue_server *core, struct timeline_sums *out)
{
    for (unsigned i = 0; i < FLUE_COST_CATEGORIES; i++) {
        /* Seconds, microseconds and what is left apart, so that no product leaves 64 bits: hz is below 10^12. */
        const uint64_t seconds = core->cycles[i] / core->hz, rest = core->cycles[i] % core->hz * 1000000;

        out->busy_ps[i] += core->bus_ps[i] + seconds * (uint64_t)FLUE_PS_PER_S + rest / core->hz * 1000000 +
                           rest % core->hz * 1000000 / core->hz;
    }
}

static void sum_up(const struct world *world, struct timeline_sums *out)
{
    unsigned node;

    *out = (struct timeline_sums){.delivered_bytes = world->delivered_bytes};
    for (node = 0; node < world->nodes; node++)
        if (world_end(world, node) == SERVER)
            add_core(flue_host_core(flue_node_host(world->node[node])), out);
    for (node = 0; node < world->nodes; node++) {
        struct flue_tcp_totals host, target;

        flue_host_tcp_totals(flue_node_host(world->node[node]), &host);
        world_adapters_tcp(world, node, &target);
        out->retransmits += host.retransmits + target.retransmits;
        out->timeouts += host.timeouts + target.timeouts;
    }
}

/* Of both servers, if there are two. */
static uint64_t ahead_of(const struct world *world, flue_ps at_ps)
{
    uint64_t ahead_ps = 0;

    for (unsigned node = 0; node < world->nodes; node++) {
        const flue_ps clock_ps = flue_host_core(flue_node_host(world->node[node]))->clock_ps;

        if (world_end(world, node) == SERVER && clock_ps > at_ps)
            ahead_ps += (uint64_t)(clock_ps - at_ps);
    }
    return ahead_ps;
}

/* Work is booked when it begins and runs as soon as the core is free, so what the core has been given and has not done
 * yet (its clock is ahead) waits here; of what waits, all categories get done in equal parts. */
static void work_off(struct timeline *timeline, const struct timeline_sums *now, uint64_t ahead_ps,
                     struct timeline_sample *sample)
{
    uint64_t waiting_ps = 0, done_ps;
    unsigned i;

    for (i = 0; i < FLUE_COST_CATEGORIES; i++) {
        timeline->waiting_ps[i] += now->busy_ps[i] - timeline->sums.busy_ps[i];
        waiting_ps += timeline->waiting_ps[i];
    }
    done_ps = waiting_ps > ahead_ps ? waiting_ps - ahead_ps : 0;
    for (i = 0; i < FLUE_COST_CATEGORIES; i++) {
        sample->busy_ps[i] = share(timeline->waiting_ps[i], done_ps, waiting_ps);
        timeline->waiting_ps[i] -= sample->busy_ps[i];
    }
}

static void add_up(struct timeline_sample *into, const struct timeline_sample *earlier)
{
    unsigned i;

    for (i = 0; i < FLUE_COST_CATEGORIES; i++)
        into->busy_ps[i] += earlier->busy_ps[i];
    into->delivered_bytes += earlier->delivered_bytes;
    into->retransmits += earlier->retransmits;
    into->timeouts += earlier->timeouts;
}

/* An even number of intervals becomes half as many, each twice as long. */
static void thin_out(struct timeline *timeline)
{
    struct timeline_sample *samples = timeline->samples;
    uint32_t from;

    for (from = 2; from < timeline->count; from += 2) {
        add_up(&samples[from], &samples[from - 1]);
        samples[from / 2] = samples[from];
    }
    timeline->count = timeline->count / 2 + 1;
    timeline->every_ps *= 2;
}

static void take(struct world *world, flue_ps at_ps)
{
    struct timeline *timeline = &world->timeline;
    struct timeline_sample *sample;
    struct flue_host_totals totals;
    struct timeline_sums sums;

    world_host_totals(world, &totals);
    sum_up(world, &sums);
    sample = &timeline->samples[timeline->count];
    *sample = (struct timeline_sample){.at_ps = at_ps};
    if (timeline->count == 0) {
        timeline->sums = sums; /* what came before has no interval */
    } else {
        sample->delivered_bytes = sums.delivered_bytes - timeline->sums.delivered_bytes;
        sample->retransmits = sums.retransmits - timeline->sums.retransmits;
        sample->timeouts = sums.timeouts - timeline->sums.timeouts;
    }
    memcpy(sample->holders, totals.holders, sizeof(sample->holders));
    work_off(timeline, &sums, ahead_of(world, at_ps), sample);
    timeline->sums = sums;
    timeline->count++;
    if (timeline->count == INTERVALS_MAX + 1)
        thin_out(timeline);
}

/* Whether anything is still to come.  A run that has nothing left ends there, and not at its limit of time, with the
 * samples as without. */
static int goes_on(struct world *world)
{
    unsigned node = 0;

    while (node < world->nodes && timers_next(world_timers(world, node)) == FLUE_PS_NEVER)
        node++;
    return node < world->nodes;
}

static void on_sample(struct timer *timer, flue_ps now_ps)
{
    struct world *world = FLUE_CONTAINER_OF(timer, struct world, timeline.timer);

    if (world->phase > PHASE_MEASURE)
        return;
    take(world, now_ps);
    if (goes_on(world))
        timers_arm(world_timers(world, CLIENT), timer, now_ps + world->timeline.every_ps);
}

flue_err timeline_make(struct world *world)
{
    world->timeline.every_ps = world->scenario->sample;
    timer_setup(&world->timeline.timer, on_sample);
    if (world->scenario->sample == 0)
        return FLUE_OK;
    world->timeline.samples = calloc(INTERVALS_MAX + 1, sizeof(*world->timeline.samples));
    return world->timeline.samples == NULL ? FLUE_ENOMEM : FLUE_OK;
}

void timeline_free(struct world *world)
{
    free(world->timeline.samples);
}

void timeline_begin(struct world *world, flue_ps now_ps)
{
    if (world->scenario->sample != 0)
        timers_arm(world_timers(world, CLIENT), &world->timeline.timer, now_ps);
}

/* bits x 10^12 / ps, scaled so that no product leaves 64 bits; of more than 2 TB in one interval, which lasts seconds,
 * to a thousandth. */
static uint64_t rate_of(uint64_t bytes, uint64_t interval_ps)
{
    const uint64_t bits = bytes * 8;

    if (interval_ps == 0)
        return 0;
    if (bits >> 44 != 0)
        return interval_ps < 1000000000 ? 0 : bits * 1000 / (interval_ps / 1000000000);
    if (interval_ps >= (uint64_t)FLUE_PS_PER_S)
        return bits * 1000000 / (interval_ps / 1000000);
    return bits * 1000000 / interval_ps * 1000000 + bits * 1000000 % interval_ps * 1000000 / interval_ps;
}

/* One line of a figure: the same of each sample.  A category that never had work, and a holder that never held, is not
 * told. */
enum what { HOLDERS, GOODPUT, CPU, RETRANSMITS, TIMEOUTS };

static uint64_t value_of(const struct timeline_sample *sample, enum what what, unsigned which, uint64_t interval_ps)
{
    switch (what) {
    case HOLDERS:
        return sample->holders[which];
    case GOODPUT:
        return rate_of(sample->delivered_bytes, interval_ps);
    case CPU:
        return sample->busy_ps[which];
    case RETRANSMITS:
        return sample->retransmits;
    case TIMEOUTS:
        return sample->timeouts;
    }
    return 0;
}

static void tell(const struct world *world, enum what what, const char *metric, unsigned which, const char *entity,
                 int even_if_none)
{
    const struct timeline *timeline = &world->timeline;
    uint32_t i = 0;

    while (!even_if_none && i < timeline->count && value_of(&timeline->samples[i], what, which, 1) == 0)
        i++;
    if (i == timeline->count)
        return;
    for (i = 0; i < timeline->count; i++) {
        const struct timeline_sample *sample = &timeline->samples[i];
        const uint64_t interval_ps = i == 0 ? 0 : (uint64_t)(sample->at_ps - timeline->samples[i - 1].at_ps);

        world->record->series(world->record->ctx, metric, entity, sample->at_ps,
                              (int64_t)value_of(sample, what, which, interval_ps));
    }
}

void timeline_report(struct world *world)
{
    unsigned i;

    if (world->scenario->sample == 0 || world->record->series == NULL)
        return;
    world->record->metric(world->record->ctx, "series.every", "", world->timeline.every_ps, 1);
    for (i = 0; i < FLUE_HOLDER_COUNT; i++)
        tell(world, HOLDERS, "series.holders", i, flue_holder_name(i), i == FLUE_HOLDER_HOST);
    tell(world, GOODPUT, "series.goodput", 0, "", 1);
    for (i = 0; i < FLUE_COST_CATEGORIES; i++)
        tell(world, CPU, "series.cpu", i, flue_category_name(i), 0);
    tell(world, RETRANSMITS, "series.retransmits", 0, "", 1);
    tell(world, TIMEOUTS, "series.timeouts", 0, "", 1);
}
