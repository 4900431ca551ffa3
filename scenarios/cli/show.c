/* SPDX-License-Identifier: GPL-2.0-only */
/* flue show: everything about one name. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "plots/plots.h"
#include "run/params.h"
#include "run/profile.h"
#include "run/results.h"
#include "run/text.h"
#include "run/yaml.h"

#define NAMES_MAX         1024u
#define PROFILES_MAX      32u
#define PROFILE_NAME_ROOM 64u

static const struct cli_option options[] = {{0, NULL, NULL, NULL}};

const struct cli_command command_show_table = {
    .name = "show",
    .summary = "Explains one parameter, metric, scenario, profile or plot.",
    .usage = "flue show PARAM|METRIC|SCENARIO|PROFILE|PLOT",
    .examples = "  flue show io_size\n"
                "  flue show lat\n"
                "  flue show storm\n"
                "  flue show host-2021-noopt\n"
                "  flue show rpc > mine.yaml\n",
    .notes = "A scenario is shown as its file: a copy of it is where an own one begins.\n",
    .options = options,
    .run = command_show,
};

static void show_param(const struct param_info *param)
{
    char range[FLUE_TEXT_MAX];

    params_range(param, range, sizeof range);
    (void)printf("parameter  %s\n  %s\n  kind       %s%s%s\n  initial    %s\n  allowed    %s\n  group      %s\n",
                 param->name, param->help, params_kind_name(param->kind), param->unit[0] == '\0' ? "" : ", stored in ",
                 param->unit, param->initial[0] == '\0' ? "empty" : param->initial, range, param->group);
}

static void show_metric(const struct metric_info *metric)
{
    (void)printf("metric     %s\n  %s: %s\n  unit       %s\n  kind       %s\n  better     %s\n", metric->name,
                 metric->title, metric->doc, metric->unit[0] == '\0' ? "none" : metric->unit,
                 metrics_kind_name(metric->kind), metrics_better_name(metric->better));
    if (!results_is_digested(metric->name)) {
        (void)printf("  digest     not part of it: networks of equal topology may differ\n");
    }
}

/* Each line begins with the mark. */
static void show_plot(const char *mark, const struct plot_info *plot)
{
    (void)printf("%splot       %s\n%s  %s\n%s  needs      %s\n%s  look at    %s\n", mark, plot->name, mark, plot->title,
                 mark, plot->needs, mark, plot->reading);
    (void)printf("%s  draw it    flue plot %s --db FILE -o %s.svg\n%s  numbers    flue db query FILE %s\n", mark,
                 plot->name, plot->name, mark, plot->name);
}

static void show_number(const struct flue_profile *profile, const struct profile_notes *notes, unsigned number,
                        enum profile_part part)
{
    const struct profile_note *note = &notes->note[number][part];

    (void)printf("  %-20s %12" PRIu64 " %-11s", profile_field(number)->name, profile_get(profile, number, part),
                 profile_unit(number, part));
    if (note->set) {
        (void)printf(" [%s] %" PRIu64 " .. %" PRIu64 "  %s", profile_evidence_mark(note->evidence), note->low,
                     note->high, note->source == NULL ? "" : note->source);
    }
    (void)printf("\n");
}

static int show_profile(const char *name)
{
    struct profile_notes *notes = malloc(sizeof *notes);
    struct flue_profile profile;
    char message[1024] = "";
    char sentence[2048];
    flue_err err = FLUE_ENOMEM;

    if (notes == NULL) {
        return cli_fail_err("show", err, NULL);
    }
    profile_notes_init(notes);
    err = profile_load(name, &profile, notes, message, sizeof message);
    if (err == FLUE_OK) {
        (void)printf("profile    %s\n  %s\n", name, notes->title);
        for (unsigned i = 0; i < PROFILE_FIELDS; i++) {
            for (unsigned part = 0; part < PROFILE_PARTS; part++) {
                if (notes->note[i][part].set || profile_get(&profile, i, (enum profile_part)part) != 0) {
                    show_number(&profile, notes, i, (enum profile_part)part);
                }
                if (profile_field(i)->unit != NULL) {
                    break; /* a value has one part */
                }
            }
        }
        profile_sentence(&profile, notes, sentence, sizeof sentence);
        (void)printf("  %s\n  marks:", sentence);
        for (unsigned i = 0; i < PROFILE_EVIDENCE_COUNT; i++) {
            (void)printf("%s %s %s", i == 0 ? "" : ",", profile_evidence_mark((enum profile_evidence)i),
                         profile_evidence_meaning((enum profile_evidence)i));
        }
        (void)printf("\n");
    }
    profile_notes_free(notes);
    free(notes);
    return err == FLUE_OK ? CLI_EXIT_OK : cli_fail_err("show", err, message);
}

static bool is_profile(const char *name)
{
    char each[PROFILE_NAME_ROOM];

    for (unsigned i = 0; profile_builtin_name(i, each, sizeof each); i++) {
        if (strcmp(each, name) == 0) {
            return true;
        }
    }
    return false;
}

static int refuse(const char *name)
{
    const char *names[NAMES_MAX];
    char profiles[PROFILES_MAX][PROFILE_NAME_ROOM];
    const char *nearest;
    size_t count = 0;

    for (size_t i = 0; count < NAMES_MAX && scenario_builtin(i) != NULL; i++) {
        names[count++] = scenario_builtin(i)->name;
    }
    for (unsigned i = 0; i < PROFILES_MAX && profile_builtin_name(i, profiles[i], sizeof profiles[i]); i++) {
        names[count++] = profiles[i];
    }
    for (size_t i = 0; count < NAMES_MAX && i < params_count(); i++) {
        names[count++] = params_at(i)->name;
    }
    for (size_t i = 0; count < NAMES_MAX && i < metrics_count(); i++) {
        names[count++] = metrics_at(i)->name;
    }
    for (size_t i = 0; count < NAMES_MAX && plot_at(i) != NULL; i++) {
        names[count++] = plot_at(i)->name;
    }
    nearest = text_nearest(name, names, count);
    if (nearest != NULL) {
        return cli_fail("show", CLI_EXIT_USAGE, "nothing is called '%.60s'; did you mean '%s'?", name, nearest);
    }
    return cli_fail("show", CLI_EXIT_USAGE, "nothing is called '%.60s'; see: flue list params, flue list metrics",
                    name);
}

static int show(const char *name)
{
    const struct param_info *param = params_find(name);
    const struct metric_info *metric = metrics_find(name);
    const struct plot_info *plot = plot_find(name);
    const struct flue_embedded *scenario = scenario_builtin_find(name);

    if (scenario != NULL) {
        (void)fwrite(scenario->text, 1, scenario->bytes, stdout);
        if (plot != NULL) {
            show_plot("# ", plot); /* what was shown stays a scenario's file */
        }
        return CLI_EXIT_OK;
    }
    if (param != NULL) {
        show_param(param);
    }
    if (metric != NULL) {
        show_metric(metric);
    }
    if (plot != NULL) {
        show_plot("", plot);
    }
    if (param != NULL || metric != NULL || plot != NULL) {
        return CLI_EXIT_OK;
    }
    if (is_profile(name) || strchr(name, '/') != NULL || strstr(name, ".yaml") != NULL) {
        return show_profile(name);
    }
    return refuse(name);
}

int command_show(int argc, char **argv)
{
    const char *argument;
    int first = 0;
    int id = cli_next(&command_show_table, argc, argv, &first, &argument);

    if (id != CLI_END) {
        return cli_exit_of(id);
    }
    if (argc - first != 1) {
        return cli_fail("show", CLI_EXIT_USAGE, "show what? for example: flue show io_size; see: flue list params");
    }
    return show(argv[first]);
}
