/* SPDX-License-Identifier: GPL-2.0-only */
/* Collects what a run says, and digests it. */
#include "run/results.h"

#include <inttypes.h>
#include <sha256.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flue/check.h"
#include "run/text.h"

struct results {
    struct result_number *numbers;
    size_t number_count, number_room;
    struct result_hist *hists;
    size_t hist_count, hist_room;
    struct result_finding *findings;
    size_t finding_count, finding_room;
    struct result_event *events;
    size_t event_count, event_room;
    struct result_series *series;
    size_t series_count, series_room;
    struct result_broken *brokens;
    size_t broken_count, broken_room;
    SHA256_CTX sha;
    flue_err err;
    char complaint[160];
    char digest[RESULTS_DIGEST_ROOM];
};

/* How often an alarm rings depends on how a network delivers what it has, not on what the model does.  How many
 * requests waited says again what their latencies say.  A run with a timeline is the run without. */
static const char *const not_digested[] = {"alarms", "requests.waiting", "series.every"};

bool results_is_digested(const char *metric)
{
    for (size_t i = 0; i < sizeof not_digested / sizeof not_digested[0]; i++) {
        if (strcmp(not_digested[i], metric) == 0) {
            return false;
        }
    }
    return true;
}

/* The first complaint stays. */
TEXT_PRINTF(3, 4) static void complain(struct results *results, flue_err err, const char *format, ...)
{
    va_list arguments;

    if (results->err != FLUE_OK) {
        return;
    }
    results->err = err;
    va_start(arguments, format);
    (void)vsnprintf(results->complaint, sizeof results->complaint, format, arguments);
    va_end(arguments);
}

TEXT_PRINTF(2, 3) static void digest_line(struct results *results, const char *format, ...)
{
    char line[512];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof line) {
        complain(results, FLUE_EINVAL, "a result is too long");
        return;
    }
    SHA256Update(&results->sha, (const uint8_t *)line, (size_t)length);
}

/* Makes room for one more of `size` bytes in a list. */
static bool reserve(struct results *results, void **list, size_t count, size_t *room, size_t size)
{
    size_t larger = *room == 0 ? 16 : *room * 2;
    void *moved;

    if (count < *room) {
        return true;
    }
    moved = realloc(*list, larger * size);
    if (moved == NULL) {
        complain(results, FLUE_ENOMEM, "%s", flue_err_sentence(FLUE_ENOMEM));
        return false;
    }
    *list = moved;
    *room = larger;
    return true;
}

/* The three ways to tell a metric: bins, samples, and for all other kinds one number. */
static enum metric_kind form_of(enum metric_kind kind)
{
    return kind == METRIC_hist || kind == METRIC_series ? kind : METRIC_counter;
}

/* The metric of that name, if what is said of it fits. */
static const struct metric_info *check(struct results *results, const char *name, const char *entity,
                                       enum metric_kind kind)
{
    const struct metric_info *metric = metrics_find(name);

    if (metric == NULL) {
        complain(results, FLUE_EINVAL, "metric '%.60s' is not in metrics.def", name);
    } else if (form_of(metric->kind) != kind) {
        complain(results, FLUE_EINVAL, "metric '%.60s' is %s", name,
                 metric->kind == METRIC_hist     ? "a histogram"
                 : metric->kind == METRIC_series ? "a series"
                 : kind == METRIC_hist           ? "no histogram"
                                                 : "no series");
    } else if (strlen(entity) >= RESULTS_ENTITY_MAX || strpbrk(entity, "\t\n") != NULL) {
        complain(results, FLUE_EINVAL, "metric '%.60s': entity too long, or with tabs", name);
    } else {
        return metric;
    }
    return NULL;
}

static void on_metric(void *ctx, const char *name, const char *entity, int64_t numerator, int64_t denominator)
{
    struct results *results = ctx;
    const struct metric_info *metric = check(results, name, entity, METRIC_counter);
    void *list = results->numbers;
    struct result_number *number;

    if (metric != NULL && denominator < 0) {
        complain(results, FLUE_EINVAL, "metric '%.60s' has a negative denominator", name);
        return;
    }
    if (metric == NULL ||
        !reserve(results, &list, results->number_count, &results->number_room, sizeof *results->numbers)) {
        return;
    }
    results->numbers = list;
    number = &results->numbers[results->number_count++];
    *number = (struct result_number){.metric = metric, .numerator = numerator, .denominator = denominator};
    (void)snprintf(number->entity, sizeof number->entity, "%s", entity);
    if (results_is_digested(name)) {
        digest_line(results, "metric\t%s\t%s\t%" PRId64 "\t%" PRId64 "\n", name, entity, numerator, denominator);
    }
}

static struct result_hist *hist_of(const struct results *results, const char *name, const char *entity)
{
    /* Bins of one histogram come one after the other, so the newest is nearly always the right one. */
    for (size_t i = results->hist_count; i > 0; i--) {
        struct result_hist *hist = &results->hists[i - 1];

        if (strcmp(hist->metric->name, name) == 0 && strcmp(hist->entity, entity) == 0) {
            return hist;
        }
    }
    return NULL;
}

static struct result_hist *add_hist(struct results *results, const struct metric_info *metric, const char *entity)
{
    void *list = results->hists;
    struct result_hist *hist;

    if (!reserve(results, &list, results->hist_count, &results->hist_room, sizeof *results->hists)) {
        return NULL;
    }
    results->hists = list;
    hist = &results->hists[results->hist_count++];
    *hist = (struct result_hist){.metric = metric};
    (void)snprintf(hist->entity, sizeof hist->entity, "%s", entity);
    return hist;
}

static void on_bin(void *ctx, const char *name, const char *entity, uint64_t lo, uint64_t hi, uint64_t n)
{
    struct results *results = ctx;
    const struct metric_info *metric = check(results, name, entity, METRIC_hist);
    struct result_hist *hist;
    void *list;

    if (metric == NULL) {
        return;
    }
    hist = hist_of(results, name, entity);
    if (hist == NULL) {
        hist = add_hist(results, metric, entity);
    }
    if (hist == NULL) {
        return;
    }
    if (n == 0 || lo > hi || (hist->bin_count > 0 && lo <= hist->bins[hist->bin_count - 1].hi)) {
        complain(results, FLUE_EINVAL, "metric '%.60s': a bin is empty or out of order", name);
        return;
    }
    list = hist->bins;
    if (!reserve(results, &list, hist->bin_count, &hist->bin_room, sizeof *hist->bins)) {
        return;
    }
    hist->bins = list;
    hist->bins[hist->bin_count++] = (struct result_bin){.lo = lo, .hi = hi, .n = n};
    hist->n += n;
    digest_line(results, "bin\t%s\t%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", name, entity, lo, hi, n);
}

static void on_finding(void *ctx, const char *sentence)
{
    struct results *results = ctx;
    void *list = results->findings;
    struct result_finding *finding;

    if (!reserve(results, &list, results->finding_count, &results->finding_room, sizeof *results->findings)) {
        return;
    }
    results->findings = list;
    finding = &results->findings[results->finding_count++];
    (void)snprintf(finding->sentence, sizeof finding->sentence, "%s", sentence);
    digest_line(results, "finding\t%s\n", finding->sentence);
}

static struct result_series *series_of(const struct results *results, const char *name, const char *entity)
{
    /* Samples of one series come one after the other. */
    for (size_t i = results->series_count; i > 0; i--) {
        struct result_series *series = &results->series[i - 1];

        if (strcmp(series->metric->name, name) == 0 && strcmp(series->entity, entity) == 0) {
            return series;
        }
    }
    return NULL;
}

static struct result_series *add_series(struct results *results, const struct metric_info *metric, const char *entity)
{
    void *list = results->series;
    struct result_series *series;

    if (!reserve(results, &list, results->series_count, &results->series_room, sizeof *results->series)) {
        return NULL;
    }
    results->series = list;
    series = &results->series[results->series_count++];
    *series = (struct result_series){.metric = metric};
    (void)snprintf(series->entity, sizeof series->entity, "%s", entity);
    return series;
}

/* Not digested, as everything that is told of a run only where somebody asks. */
static void on_series(void *ctx, const char *name, const char *entity, flue_ps at_ps, int64_t value)
{
    struct results *results = ctx;
    const struct metric_info *metric = check(results, name, entity, METRIC_series);
    struct result_series *series;
    void *list;

    if (metric == NULL) {
        return;
    }
    series = series_of(results, name, entity);
    if (series == NULL) {
        series = add_series(results, metric, entity);
    }
    if (series == NULL) {
        return;
    }
    if (series->point_count > 0 && at_ps <= series->points[series->point_count - 1].at_ps) {
        complain(results, FLUE_EINVAL, "metric '%.60s': a sample is out of order", name);
        return;
    }
    list = series->points;
    if (reserve(results, &list, series->point_count, &series->point_room, sizeof *series->points)) {
        series->points = list;
        series->points[series->point_count++] = (struct result_point){.at_ps = at_ps, .value = value};
    }
}

static void on_event(void *ctx, flue_ps at_ps, const char *what, int effect)
{
    struct results *results = ctx;
    void *list = results->events;
    struct result_event *event;

    if (!reserve(results, &list, results->event_count, &results->event_room, sizeof *results->events)) {
        return;
    }
    results->events = list;
    event = &results->events[results->event_count++];
    *event = (struct result_event){.at_ps = at_ps, .effect = effect != 0};
    (void)snprintf(event->what, sizeof event->what, "%s", what);
}

/* Not digested: a run that is watched is the same run. */
static void on_broken(void *ctx, unsigned rule, unsigned party, uint64_t count)
{
    struct results *results = ctx;
    void *list = results->brokens;

    if (!reserve(results, &list, results->broken_count, &results->broken_room, sizeof *results->brokens)) {
        return;
    }
    results->brokens = list;
    results->brokens[results->broken_count++] = (struct result_broken){.rule = rule, .party = party, .count = count};
}

static void on_fold(void *ctx, const char *what, uint64_t value)
{
    digest_line(ctx, "fold\t%s\t%" PRIu64 "\n", what, value);
}

struct results *results_new(void)
{
    struct results *results = calloc(1, sizeof *results);

    if (results != NULL) {
        SHA256Init(&results->sha);
        digest_line(results, "flue-digest 1\n");
    }
    return results;
}

void results_free(struct results *results)
{
    if (results == NULL) {
        return;
    }
    for (size_t i = 0; i < results->hist_count; i++) {
        free(results->hists[i].bins);
    }
    for (size_t i = 0; i < results->series_count; i++) {
        free(results->series[i].points);
    }
    free(results->series);
    free(results->events);
    free(results->hists);
    free(results->numbers);
    free(results->findings);
    free(results->brokens);
    free(results);
}

struct flue_record results_record(struct results *results)
{
    return (struct flue_record){.ctx = results,
                                .metric = on_metric,
                                .bin = on_bin,
                                .finding = on_finding,
                                .broken = on_broken,
                                .event = on_event,
                                .series = on_series,
                                .fold = on_fold};
}

static int compare_numbers(const void *a, const void *b)
{
    const struct result_number *const *left = a;
    const struct result_number *const *right = b;
    int names = strcmp((*left)->metric->name, (*right)->metric->name);

    return names != 0 ? names : strcmp((*left)->entity, (*right)->entity);
}

/* One number is said once: nobody could tell which of two is meant. */
static void check_twice(struct results *results)
{
    const struct result_number **sorted = calloc(results->number_count + 1, sizeof *sorted);

    if (sorted == NULL) {
        complain(results, FLUE_ENOMEM, "%s", flue_err_sentence(FLUE_ENOMEM));
        return;
    }
    for (size_t i = 0; i < results->number_count; i++) {
        sorted[i] = &results->numbers[i];
    }
    qsort(sorted, results->number_count, sizeof *sorted, compare_numbers);
    for (size_t i = 1; i < results->number_count; i++) {
        if (compare_numbers(&sorted[i - 1], &sorted[i]) == 0) {
            complain(results, FLUE_EINVAL, "metric '%.60s' entity '%.60s' was given twice", sorted[i]->metric->name,
                     sorted[i]->entity);
        }
    }
    free(sorted);
}

flue_err results_finish(struct results *results)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[SHA256_DIGEST_LENGTH];

    check_twice(results);
    SHA256Final(sum, &results->sha);
    for (size_t i = 0; i < sizeof sum; i++) {
        results->digest[2 * i] = digits[sum[i] >> 4];
        results->digest[2 * i + 1] = digits[sum[i] & 15u];
    }
    return results->err;
}

const char *results_complaint(const struct results *results)
{
    return results->complaint;
}

const char *results_digest(const struct results *results)
{
    return results->digest;
}

const struct result_number *results_number(const struct results *results, size_t index)
{
    return index < results->number_count ? &results->numbers[index] : NULL;
}

const struct result_hist *results_hist(const struct results *results, size_t index)
{
    return index < results->hist_count ? &results->hists[index] : NULL;
}

const char *results_finding(const struct results *results, size_t index)
{
    return index < results->finding_count ? results->findings[index].sentence : NULL;
}

const char *results_finding_of(const struct results *results, unsigned rule)
{
    const char *finding;
    char id[8];

    flue_rule_id(rule, id);
    for (size_t i = 0; (finding = results_finding(results, i)) != NULL; i++)
        if (strncmp(finding, id, strlen(id)) == 0)
            return finding;
    return "it is not among the findings that were kept";
}

const struct result_broken *results_broken(const struct results *results, size_t index)
{
    return index < results->broken_count ? &results->brokens[index] : NULL;
}

const struct result_event *results_event(const struct results *results, size_t index)
{
    return index < results->event_count ? &results->events[index] : NULL;
}

const struct result_series *results_series(const struct results *results, size_t index)
{
    return index < results->series_count ? &results->series[index] : NULL;
}

const struct result_series *results_find_series(const struct results *results, const char *metric, const char *entity)
{
    return series_of(results, metric, entity);
}

const struct result_number *results_find(const struct results *results, const char *metric, const char *entity)
{
    for (size_t i = 0; i < results->number_count; i++) {
        if (strcmp(results->numbers[i].metric->name, metric) == 0 && strcmp(results->numbers[i].entity, entity) == 0) {
            return &results->numbers[i];
        }
    }
    return NULL;
}

const struct result_hist *results_find_hist(const struct results *results, const char *metric, const char *entity)
{
    return hist_of(results, metric, entity);
}

bool results_quantile(const struct result_hist *hist, uint32_t numerator, uint32_t denominator, uint64_t *value,
                      uint64_t *above)
{
    /* ceil(n x numerator / denominator), in two parts so that no product overflows. */
    uint64_t whole = hist->n / denominator * numerator;
    uint64_t rest = hist->n % denominator * numerator;
    uint64_t rank = whole + (rest + denominator - 1) / denominator;
    uint64_t seen = 0;

    if (hist->n == 0) {
        return false;
    }
    if (rank == 0) {
        rank = 1;
    }
    for (size_t i = 0; i < hist->bin_count; i++) {
        seen += hist->bins[i].n;
        if (seen >= rank) {
            *value = hist->bins[i].hi;
            *above = hist->n - rank;
            return true;
        }
    }
    return false;
}
