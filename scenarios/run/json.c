/* SPDX-License-Identifier: GPL-2.0-only */
/* A run as one JSON object.  The names of its fields are promised in scenarios/cli/README.md. */
#include <inttypes.h>

#include "flue/check.h"
#include "run/params.h"
#include "run/report.h"

static void add_number(const struct result_number *number, struct text *out)
{
    text_add(out, "{\"name\":\"%s\",\"entity\":", number->metric->name);
    text_add_json(out, number->entity);
    text_add(out,
             ",\"unit\":\"%s\",\"numerator\":%" PRId64 ",\"denominator\":%" PRId64 ",\"value\":", number->metric->unit,
             number->numerator, number->denominator);
    if (number->denominator == 0) {
        text_add(out, "null}");
    } else if (number->denominator == 1) {
        text_add(out, "%" PRId64 "}", number->numerator);
    } else {
        text_add(out, "%.12g}", (double)number->numerator / (double)number->denominator);
    }
}

static void add_quantile(const struct result_hist *hist, uint32_t numerator, uint32_t denominator, const char *name,
                         struct text *out)
{
    uint64_t value;
    uint64_t above;

    if (results_quantile(hist, numerator, denominator, &value, &above) && above >= RESULTS_SAMPLES_ABOVE) {
        text_add(out, ",\"%s\":%" PRIu64, name, value);
    } else {
        text_add(out, ",\"%s\":null", name);
    }
}

static void add_hist(const struct result_hist *hist, struct text *out)
{
    text_add(out, "{\"name\":\"%s\",\"entity\":", hist->metric->name);
    text_add_json(out, hist->entity);
    text_add(out, ",\"unit\":\"%s\",\"n\":%" PRIu64 ",\"min\":%" PRIu64 ",\"max\":%" PRIu64, hist->metric->unit,
             hist->n, hist->bins[0].lo, hist->bins[hist->bin_count - 1].hi);
#define X(numerator, denominator, name) add_quantile(hist, numerator, denominator, name, out);
    RESULTS_QUANTILES(X)
#undef X
    text_add(out, ",\"bins\":[");
    for (size_t i = 0; i < hist->bin_count; i++) {
        text_add(out, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", i == 0 ? "" : ",", hist->bins[i].lo, hist->bins[i].hi,
                 hist->bins[i].n);
    }
    text_add(out, "]}");
}

static void add_schedule(const struct results *results, struct text *out)
{
    const struct result_event *event;

    text_add(out, ",\"schedule\":[");
    for (size_t i = 0; (event = results_event(results, i)) != NULL; i++) {
        text_add(out, "%s{\"at_ps\":%" PRId64 ",\"what\":", i == 0 ? "" : ",", event->at_ps);
        text_add_json(out, event->what);
        text_add(out, ",\"effect\":%s}", event->effect ? "true" : "false");
    }
    text_add(out, "]");
}

static void add_series(const struct results *results, struct text *out)
{
    const struct result_series *series;

    text_add(out, ",\"series\":[");
    for (size_t i = 0; (series = results_series(results, i)) != NULL; i++) {
        text_add(out, "%s{\"name\":\"%s\",\"entity\":", i == 0 ? "" : ",", series->metric->name);
        text_add_json(out, series->entity);
        text_add(out, ",\"unit\":\"%s\",\"points\":[", series->metric->unit);
        for (size_t j = 0; j < series->point_count; j++) {
            text_add(out, "%s[%" PRId64 ",%" PRId64 "]", j == 0 ? "" : ",", series->points[j].at_ps,
                     series->points[j].value);
        }
        text_add(out, "]}");
    }
    text_add(out, "]");
}

static void add_audit(const struct results *results, struct text *out)
{
    const char *finding;

    text_add(out, ",\"audit\":{\"ok\":%s,\"findings\":[", results_finding(results, 0) == NULL ? "true" : "false");
    for (size_t i = 0; (finding = results_finding(results, i)) != NULL; i++) {
        text_add(out, "%s", i == 0 ? "" : ",");
        text_add_json(out, finding);
    }
    text_add(out, "]}");
}

static void add_broken(const struct results *results, struct text *out)
{
    const struct result_broken *broken;
    char id[8];

    text_add(out, ",\"broken\":[");
    for (size_t i = 0; (broken = results_broken(results, i)) != NULL; i++) {
        flue_rule_id(broken->rule, id);
        text_add(out, "%s{\"rule\":\"%s\",\"party\":\"%s\",\"count\":%" PRIu64 ",\"remark\":%s}", i == 0 ? "" : ",", id,
                 flue_party_name(broken->party), broken->count,
                 flue_rule(broken->rule)->strength == FLUE_RULE_warn ? "true" : "false");
    }
    text_add(out, "]");
}

void report_json(const struct report *report, struct text *out)
{
    const struct flue_scenario *scenario = report->scenario;
    const struct result_number *number;
    const struct result_hist *hist;

    text_add(out, "{\"flue\":1,\"scenario\":");
    text_add_json(out, scenario->name);
    text_add(out, ",\"workload\":\"%s\",\"net\":\"%s\",\"seed\":%" PRIu64 ",\"rng_run\":%" PRIu64 ",\"params\":",
             params_workload_name(scenario->workload), params_net_name(scenario->net), scenario->seed,
             scenario->rng_run);
    params_json(scenario, out);
    text_add(out, ",\"target\":");
    text_add_json(out, report->target != NULL ? report->target : "flue");
    if (report->policy != NULL) {
        text_add(out, ",\"policy\":");
        text_add_json(out, report->policy);
    }
    text_add(out, ",\"metrics\":[");
    for (size_t i = 0; (number = results_number(report->results, i)) != NULL; i++) {
        text_add(out, "%s", i == 0 ? "" : ",");
        add_number(number, out);
    }
    text_add(out, "],\"histograms\":[");
    for (size_t i = 0; (hist = results_hist(report->results, i)) != NULL; i++) {
        text_add(out, "%s", i == 0 ? "" : ",");
        add_hist(hist, out);
    }
    text_add(out, "]");
    add_schedule(report->results, out);
    add_series(report->results, out);
    add_broken(report->results, out);
    add_audit(report->results, out);
    text_add(out, ",\"events\":%" PRIu64 ",\"digest\":\"%s\",\"costs\":", report->outcome.events,
             results_digest(report->results));
    text_add_json(out, report->evidence);
    text_add(out, "}\n");
}
