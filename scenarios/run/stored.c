/* SPDX-License-Identifier: GPL-2.0-only */
/* A scenario and its results in the words of the store. */
#include "run/stored.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flue/check.h"
#include "run/profile.h"
#include "run/sizes.h"
#include "run/text.h"

/* Beside the parameters: workload and two digests. */
#define MORE_PARAMS 3u
#define MAY_PARAMS  4u /* perhaps the target and a policy from outside, and files of sizes and of flows */

static flue_err no_memory(char *message, size_t room)
{
    (void)snprintf(message, room, "%s", flue_err_sentence(FLUE_ENOMEM));
    return FLUE_ENOMEM;
}

/* The digest of all numbers of a profile. */
static flue_err digest_profile(const char *name, char out[STORE_HASH_MAX], char *message, size_t room)
{
    struct text lines = {.chars = NULL};
    struct flue_profile profile;
    flue_err err = profile_load(name, &profile, NULL, message, room);

    if (err != FLUE_OK) {
        return err;
    }
    for (unsigned i = 0; i < PROFILE_FIELDS; i++) {
        for (unsigned part = 0; part < (profile_field(i)->unit == NULL ? (unsigned)PROFILE_PARTS : 1u); part++) {
            text_add(&lines, "%s\t%u\t%" PRIu64 "\n", profile_field(i)->name, part,
                     profile_get(&profile, i, (enum profile_part)part));
        }
    }
    if (lines.failed) {
        err = no_memory(message, room);
    } else {
        store_hash(lines.chars, lines.length, out);
    }
    text_free(&lines);
    return err;
}

/* A file may change under its name, too. */
static flue_err digest_file(const char *path, char out[STORE_HASH_MAX], char *message, size_t room)
{
    char *bytes = NULL;
    size_t count = 0;
    flue_err err = yaml_read_file(path, &bytes, &count, message, room);

    if (err == FLUE_OK) {
        store_hash(bytes, count, out);
    }
    free(bytes);
    return err;
}

static struct store_param text_param(const char *name, const char *text)
{
    return (struct store_param){.name = name, .text = text, .unit = ""};
}

static struct store_param scenario_param(const struct flue_scenario *scenario, const struct param_info *param,
                                         char text[FLUE_TEXT_MAX])
{
    int64_t number = 0;
    bool is_number = param->kind != FLUE_KIND_TEXT && param->kind != FLUE_KIND_CHOICE;

    if (is_number) {
        number = params_number(scenario, param);
        is_number = number != FLUE_PS_NEVER && number != FLUE_PARAM_AS_PROFILE;
    }
    params_format(param, scenario, text, FLUE_TEXT_MAX);
    return (struct store_param){.name = param->name,
                                .text = text,
                                .unit = param->unit,
                                .value = is_number ? number : 0,
                                .is_number = is_number};
}

/* One more parameter: the digest of a file; path NULL: none. */
static flue_err add_file(struct stored_config *out, const char *name, const char *path, char *message, size_t room)
{
    size_t at = out->config.param_count;
    flue_err err;

    if (path == NULL || *path == '\0') {
        return FLUE_OK;
    }
    err = digest_file(path, out->texts[at], message, room);
    if (err == FLUE_OK) {
        out->params[at] = text_param(name, out->texts[at]);
        out->config.param_count++;
    }
    return err;
}

flue_err stored_config_make(struct stored_config *out, const struct scenario_file *file,
                            const struct flue_scenario *scenario, char *message, size_t room)
{
    size_t count = params_count();
    flue_err err;

    *out = (struct stored_config){.params = calloc(count + MORE_PARAMS + MAY_PARAMS, sizeof *out->params),
                                  .texts = calloc(count + MORE_PARAMS + MAY_PARAMS, sizeof *out->texts)};
    if (out->params == NULL || out->texts == NULL) {
        stored_config_free(out);
        return no_memory(message, room);
    }
    for (size_t i = 0; i < count; i++) {
        out->params[i] = scenario_param(scenario, params_at(i), out->texts[i]);
    }
    err = digest_profile(scenario->profile.text, out->texts[count], message, room);
    if (err == FLUE_OK && strcmp(scenario->peer_profile.text, scenario->profile.text) == 0) {
        (void)memcpy(out->texts[count + 1], out->texts[count], sizeof out->texts[count]);
    } else if (err == FLUE_OK) {
        err = digest_profile(scenario->peer_profile.text, out->texts[count + 1], message, room);
    }
    if (err != FLUE_OK) {
        stored_config_free(out);
        return err;
    }
    out->params[count] = text_param("profile_sha256", out->texts[count]);
    out->params[count + 1] = text_param("peer_profile_sha256", out->texts[count + 1]);
    out->params[count + 2] = text_param("workload", params_workload_name(scenario->workload));
    out->config = (struct store_config){.scenario_name = file->scenario.name,
                                        .scenario_text = file->source,
                                        .params = out->params,
                                        .param_count = count + MORE_PARAMS};
    err = add_file(out, "io_sizes_sha256", sizes_file(scenario->io_sizes.text), message, room);
    if (err == FLUE_OK) {
        err =
            add_file(out, "flows_sha256", scenario->flows.text[0] == '\0' ? NULL : scenario->flows.text, message, room);
    }
    if (err != FLUE_OK) {
        stored_config_free(out);
    }
    return err;
}

void stored_config_target(struct stored_config *config, const char *target)
{
    config->params[config->config.param_count++] = text_param("target", target);
}

void stored_config_policy(struct stored_config *config, const char *policy)
{
    config->params[config->config.param_count++] = text_param("policy_plugin", policy);
}

void stored_config_free(struct stored_config *config)
{
    free(config->params);
    free(config->texts);
    *config = (struct stored_config){.params = NULL};
}

static size_t count_bins(const struct results *results)
{
    const struct result_hist *hist;
    size_t count = 0;

    for (size_t i = 0; (hist = results_hist(results, i)) != NULL; i++) {
        count += hist->bin_count;
    }
    return count;
}

static void fill_bins(const struct results *results, struct store_bin *bins)
{
    const struct result_hist *hist;

    for (size_t i = 0; (hist = results_hist(results, i)) != NULL; i++) {
        for (size_t j = 0; j < hist->bin_count; j++) {
            *bins++ = (struct store_bin){.metric = hist->metric->name,
                                         .entity = hist->entity,
                                         .lo = hist->bins[j].lo,
                                         .hi = hist->bins[j].hi,
                                         .n = hist->bins[j].n};
        }
    }
}

/* The schedule and the timeline; false: memory ran out. */
static bool make_timeline(struct stored_results *out, const struct results *results, struct store_run *run)
{
    const struct result_event *event;
    const struct result_series *series;
    size_t events = 0, samples = 0;

    while (results_event(results, events) != NULL) {
        events++;
    }
    for (size_t i = 0; (series = results_series(results, i)) != NULL; i++) {
        samples += series->point_count;
    }
    out->schedule = calloc(events + 1, sizeof *out->schedule);
    out->samples = calloc(samples + 1, sizeof *out->samples);
    if (out->schedule == NULL || out->samples == NULL) {
        return false;
    }
    for (size_t i = 0; (event = results_event(results, i)) != NULL; i++) {
        out->schedule[i] = (struct store_event){.at_ps = event->at_ps, .what = event->what, .effect = event->effect};
    }
    samples = 0;
    for (size_t i = 0; (series = results_series(results, i)) != NULL; i++) {
        for (size_t j = 0; j < series->point_count; j++) {
            out->samples[samples++] = (struct store_sample){.metric = series->metric->name,
                                                            .entity = series->entity,
                                                            .at_ps = series->points[j].at_ps,
                                                            .value = series->points[j].value};
        }
    }
    run->schedule = out->schedule;
    run->schedule_count = events;
    run->samples = out->samples;
    run->sample_count = samples;
    return true;
}

flue_err stored_results_make(struct stored_results *out, const struct results *results,
                             const struct world_outcome *outcome, struct store_run *run)
{
    const struct result_number *number;
    size_t metrics = 0;
    size_t findings = 0;
    size_t brokens = 0;
    size_t bins = count_bins(results);

    while (results_number(results, metrics) != NULL) {
        metrics++;
    }
    while (results_finding(results, findings) != NULL) {
        findings++;
    }
    while (results_broken(results, brokens) != NULL) {
        brokens++;
    }
    *out = (struct stored_results){.metrics = calloc(metrics + 1, sizeof *out->metrics),
                                   .bins = calloc(bins + 1, sizeof *out->bins),
                                   .findings = calloc(findings + 1, sizeof *out->findings),
                                   .brokens = calloc(brokens + 1, sizeof *out->brokens)};
    if (out->metrics == NULL || out->bins == NULL || out->findings == NULL || out->brokens == NULL ||
        !make_timeline(out, results, run)) {
        stored_results_free(out);
        return FLUE_ENOMEM;
    }
    for (size_t i = 0; i < metrics; i++) {
        number = results_number(results, i);
        out->metrics[i] = (struct store_metric){.name = number->metric->name,
                                                .entity = number->entity,
                                                .num = number->numerator,
                                                .den = number->denominator};
    }
    for (size_t i = 0; i < findings; i++) {
        out->findings[i] = results_finding(results, i);
    }
    for (size_t i = 0; i < brokens; i++) {
        const struct result_broken *broken = results_broken(results, i);

        out->brokens[i] = (struct store_broken){
            .rule = broken->rule, .party = flue_party_name(broken->party), .count = broken->count};
    }
    fill_bins(results, out->bins);
    run->status = findings == 0 ? STORE_DONE : STORE_FAILED;
    run->digest = results_digest(results);
    run->sim_end_ps = outcome->end_ps;
    run->events = outcome->events;
    run->metrics = out->metrics;
    run->metric_count = metrics;
    run->bins = out->bins;
    run->bin_count = bins;
    run->findings = out->findings;
    run->finding_count = findings;
    run->brokens = out->brokens;
    run->broken_count = brokens;
    return FLUE_OK;
}

void stored_results_free(struct stored_results *results)
{
    free(results->metrics);
    free(results->bins);
    free(results->findings);
    free(results->brokens);
    free(results->schedule);
    free(results->samples);
    *results = (struct stored_results){.metrics = NULL};
}

flue_err stored_evidence_make(struct stored_evidence *out, const struct flue_scenario *scenario, char *message,
                              size_t room)
{
    struct flue_profile profile;
    struct profile_notes *notes = malloc(sizeof *notes);
    char names[16];
    unsigned unverified;
    unsigned assumed;
    flue_err err;

    *out = (struct stored_evidence){.brief = ""};
    if (notes == NULL) {
        return no_memory(message, room);
    }
    profile_notes_init(notes);
    err = profile_load(scenario->profile.text, &profile, notes, message, room);
    if (err == FLUE_OK) {
        unverified = profile_list(&profile, notes, PROFILE_UNVERIFIED, names, sizeof names);
        assumed = profile_list(&profile, notes, PROFILE_ASSUMED, names, sizeof names);
        profile_sentence(&profile, notes, out->sentence, sizeof out->sentence);
        if (unverified + assumed > 0) {
            (void)snprintf(out->brief, sizeof out->brief,
                           "%.250s: %u numbers are unverified and %u assumed; see: flue show %.250s",
                           scenario->profile.text, unverified, assumed, scenario->profile.text);
        }
    }
    profile_notes_free(notes);
    free(notes);
    return err;
}
