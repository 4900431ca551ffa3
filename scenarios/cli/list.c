/* SPDX-License-Identifier: GPL-2.0-only */
/* flue list: what there is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/list_policies.h"
#include "cli/list_rules.h"
#include "cli/options.h"
#include "plots/plots.h"
#include "run/events.h"
#include "run/params.h"
#include "run/profile.h"
#include "run/results.h"
#include "run/text.h"
#include "run/yaml.h"

#define PROFILE_NAME_ROOM 64

enum { OPTION_JSON = 256, OPTION_MARKDOWN };

static const struct cli_option options[] = {
    {OPTION_JSON, "json", NULL, "print a JSON array"},
    {OPTION_MARKDOWN, "markdown", NULL, "of rules: print the page doc/rules.md"},
    {0, NULL, NULL, NULL},
};

const struct cli_command command_list_table = {
    .name = "list",
    .summary = "Lists scenarios, parameters, events, metrics, plots, policies, profiles, rules, or what a connection's "
               "state and "
               "image hold.",
    .usage = "flue list scenarios|params|events|metrics|plots|policies|profiles|state|image|rules [--json|--markdown]",
    .examples = "  flue list params\n"
                "  flue list metrics --json\n",
    .notes =
        "flue show NAME tells more about a scenario, parameter, metric, plot or profile.\n"
        "state: each piece of a TCP connection: name, who may write it while it is offloaded, unit, name in the\n"
        "interface, where Linux' TCP_REPAIR has it, and what is lost where.\n"
        "image: each field of a connection's image: name, part of the engine, type, unit, what tells it at the\n"
        "interface, and what a connection has instead after a move through the interface.\n"
        "policies: who may decide which connections are offloaded, the reasons they give, and the facts they know\n"
        "events: what can happen at a chosen time, and its parameters; see also the parameter events\n"
        "rules: each rule of the interface: number, strength, who is bound, its pages, its old numbers, and how it is\n"
        "checked or proved; a run can watch them (see flue help run).\n",
    .options = options,
    .run = command_list,
};

/* Adds "name":"value" to an object that is not empty. */
static void field(struct text *out, const char *name, const char *value)
{
    text_add(out, ",\"%s\":", name);
    text_add_json(out, value);
}

static void begin(struct text *out, bool first, const char *name)
{
    text_add(out, "%s{\"name\":", first ? "" : ",\n ");
    text_add_json(out, name);
}

/* The first line of a text. */
static int first_line(const char *text)
{
    return (int)strcspn(text, "\n");
}

static const char *dash(const char *value)
{
    return value[0] == '\0' ? "-" : value;
}

static flue_err add_scenarios(struct text *out, bool json, char *message, size_t room)
{
    for (size_t i = 0; scenario_builtin(i) != NULL; i++) {
        const char *name = scenario_builtin(i)->name;
        struct scenario_file file;
        flue_err err = scenario_load(name, &file, message, room);

        if (err != FLUE_OK) {
            return err;
        }
        if (json) {
            begin(out, i == 0, name);
            field(out, "workload", params_workload_name(file.scenario.workload));
            field(out, "question", file.question);
            field(out, "look_at", file.look_at);
            field(out, "expect", file.expect);
            text_add(out, "}");
        } else {
            text_add(out, "%-27s %.*s\n", name, first_line(file.question), file.question);
        }
        scenario_free(&file);
    }
    return FLUE_OK;
}

static void add_params(struct text *out, bool json)
{
    for (size_t i = 0; i < params_count(); i++) {
        const struct param_info *param = params_at(i);
        char range[FLUE_TEXT_MAX];

        params_range(param, range, sizeof range);
        if (json) {
            begin(out, i == 0, param->name);
            field(out, "kind", params_kind_name(param->kind));
            field(out, "initial", param->initial);
            field(out, "range", range);
            field(out, "unit", param->unit);
            field(out, "group", param->group);
            field(out, "help", param->help);
            text_add(out, "}");
        } else {
            text_add(out, "%-24s %-16s %-22s %s\n", param->name, dash(param->initial), range, param->help);
        }
    }
}

static void add_event_args(struct text *out, const struct event_info *info, bool json)
{
    for (const struct event_arg_info *arg = info->arg; arg->name != NULL; arg++) {
        const bool choice = arg->kind == FLUE_KIND_CHOICE;

        if (json) {
            begin(out, arg == info->arg, arg->name);
            field(out, "kind", params_kind_name(arg->kind));
            field(out, "initial", arg->initial);
            field(out, "minimum", arg->minimum);
            field(out, "maximum", arg->maximum);
            field(out, "help", arg->help);
            text_add(out, "}");
        } else {
            text_add(out, "    %s=%-14s %s%s%s: %s\n", arg->name, arg->initial, arg->minimum, choice ? "" : " .. ",
                     arg->maximum, arg->help);
        }
    }
}

static void add_events(struct text *out, bool json)
{
    for (int i = 0; i < EVENT_KINDS; i++) {
        const struct event_info *info = event_info((enum event_kind)i);

        if (json) {
            begin(out, i == 0, info->word);
            field(out, "group", info->group);
            field(out, "help", info->help);
            text_add(out, ",\"args\":[");
            add_event_args(out, info, json);
            text_add(out, "]}");
        } else {
            text_add(out, "%-18s %s\n", info->word, info->help);
            add_event_args(out, info, json);
        }
    }
}

static void add_metrics(struct text *out, bool json)
{
    for (size_t i = 0; i < metrics_count(); i++) {
        const struct metric_info *metric = metrics_at(i);

        if (json) {
            begin(out, i == 0, metric->name);
            field(out, "unit", metric->unit);
            field(out, "kind", metrics_kind_name(metric->kind));
            field(out, "better", metrics_better_name(metric->better));
            field(out, "title", metric->title);
            field(out, "doc", metric->doc);
            text_add(out, "}");
        } else {
            text_add(out, "%-20s %-12s %-8s %s: %s\n", metric->name, dash(metric->unit),
                     metrics_kind_name(metric->kind), metric->title, metric->doc);
        }
    }
}

static flue_err add_profiles(struct text *out, bool json, char *message, size_t room)
{
    struct profile_notes *notes = malloc(sizeof *notes);
    struct flue_profile profile;
    char name[PROFILE_NAME_ROOM];
    flue_err err = notes == NULL ? FLUE_ENOMEM : FLUE_OK;

    for (unsigned i = 0; err == FLUE_OK && profile_builtin_name(i, name, sizeof name); i++) {
        profile_notes_init(notes);
        err = profile_load(name, &profile, notes, message, room);
        if (err == FLUE_OK && json) {
            begin(out, i == 0, name);
            field(out, "title", notes->title);
            text_add(out, "}");
        } else if (err == FLUE_OK) {
            text_add(out, "%-18s %s\n", name, notes->title);
        }
        profile_notes_free(notes);
    }
    free(notes);
    return err;
}

static void add_plots(struct text *out, bool json)
{
    const struct plot_info *plot;

    for (size_t i = 0; (plot = plot_at(i)) != NULL; i++) {
        if (json) {
            begin(out, i == 0, plot->name);
            field(out, "title", plot->title);
            field(out, "needs", plot->needs);
            field(out, "look_at", plot->reading);
            text_add(out, "}");
        } else {
            text_add(out, "%-16s %s\n", plot->name, plot->title);
        }
    }
}

/* One piece of a connection: what state_map.def tells, and of those that cross the interface, what state.def does. */
struct state_row {
    const char *name, *class, *unit, *repair, *member, *lacks;
};

static void add_state(struct text *out, bool json)
{
    static const struct {
        const char *name, *class, *unit;
    } fields[] = {
#define FLUE_STATE(class_, name_, type, unit_, member, since) {#name_, #class_, #unit_},
#include "flue/state.def"
#undef FLUE_STATE
    };
    static const struct state_row rows[] = {
#define FLUE_STATE_MAP(name_, repair_, member_, lacks_) {#name_, "", "", repair_, member_, lacks_},
#include "flue/state_map.def"
#undef FLUE_STATE_MAP
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct state_row row = rows[i];

        for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++) {
            if (strcmp(fields[k].name, row.name) == 0) {
                row.class = fields[k].class;
                row.unit = fields[k].unit;
            }
        }
        if (json) {
            begin(out, i == 0, row.name);
            field(out, "class", row.class);
            field(out, "unit", row.unit);
            field(out, "repair", row.repair);
            field(out, "member", row.member);
            field(out, "lacks", row.lacks);
            text_add(out, "}");
        } else {
            text_add(out, "%-19s %-13s %-11s %-25s %s%s%s\n", row.name, dash(row.class), dash(row.unit),
                     dash(row.member), dash(row.repair), row.lacks[0] == '\0' ? "" : "; lost: ", row.lacks);
        }
    }
}

/* The image, field by field: which fields of the interface tell it, and what a connection has after a move through
 * them. */
static void add_image(struct text *out, bool json)
{
    static const struct {
        const char *name, *part, *type, *unit, *told_as, *after;
    } rows[] = {
#define FLUE_IMAGE(part_, name_, type_, unit_, where, told_as_, after_, since)                                         \
    {#name_, #part_, #type_, #unit_, told_as_, after_},
#include "flue/state.def"
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (json) {
            begin(out, i == 0, rows[i].name);
            field(out, "part", rows[i].part);
            field(out, "type", rows[i].type);
            field(out, "unit", rows[i].unit);
            field(out, "told_as", rows[i].told_as);
            field(out, "after", rows[i].after);
            text_add(out, "}");
        } else {
            text_add(out, "%-19s %-8s %-9s %-12s %-34s %s\n", rows[i].name, rows[i].part, rows[i].type, rows[i].unit,
                     rows[i].told_as, rows[i].after);
        }
    }
}

static int print_list(const char *what, bool json, bool markdown)
{
    static const char *const kinds[] = {"scenarios", "params",   "events", "metrics", "plots",
                                        "policies",  "profiles", "state",  "image",   "rules"};
    struct text out = {.chars = NULL};
    char message[1024] = "";
    const char *nearest;
    flue_err err = FLUE_OK;

    text_add(&out, json ? "[" : "");
    if (strcmp(what, "scenarios") == 0) {
        err = add_scenarios(&out, json, message, sizeof message);
    } else if (strcmp(what, "params") == 0) {
        add_params(&out, json);
    } else if (strcmp(what, "events") == 0) {
        add_events(&out, json);
    } else if (strcmp(what, "metrics") == 0) {
        add_metrics(&out, json);
    } else if (strcmp(what, "profiles") == 0) {
        err = add_profiles(&out, json, message, sizeof message);
    } else if (strcmp(what, "policies") == 0) {
        list_policies(&out, json);
    } else if (strcmp(what, "plots") == 0) {
        add_plots(&out, json);
    } else if (strcmp(what, "state") == 0) {
        add_state(&out, json);
    } else if (strcmp(what, "image") == 0) {
        add_image(&out, json);
    } else if (strcmp(what, "rules") == 0) {
        markdown ? list_rules_markdown(&out) : list_rules(&out, json);
    } else {
        nearest = text_nearest(what, kinds, sizeof kinds / sizeof kinds[0]);
        text_free(&out);
        return cli_fail(
            "list", CLI_EXIT_USAGE, "nothing to list under '%.60s'; %s%s%s", what,
            nearest == NULL
                ? "one of scenarios, params, events, metrics, plots, policies, profiles, state, image, rules"
                : "did you mean '",
            nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
    }
    text_add(&out, json ? "]\n" : "");
    if (err == FLUE_OK && out.failed) {
        err = FLUE_ENOMEM;
    }
    if (err == FLUE_OK) {
        (void)fputs(text_chars(&out), stdout);
    }
    text_free(&out);
    return err == FLUE_OK ? CLI_EXIT_OK : cli_fail_err("list", err, message);
}

int command_list(int argc, char **argv)
{
    const char *argument;
    bool json = false, markdown = false;
    int first = 0;
    int id;

    while ((id = cli_next(&command_list_table, argc, argv, &first, &argument)) > 0) {
        json = json || id == OPTION_JSON;
        markdown = markdown || id == OPTION_MARKDOWN;
    }
    if (id != CLI_END) {
        return cli_exit_of(id);
    }
    if (argc - first != 1) {
        return cli_fail(
            "list", CLI_EXIT_USAGE,
            "list what? one of scenarios, params, events, metrics, plots, policies, profiles, state, image, rules");
    }
    if (markdown && (json || strcmp(argv[first], "rules") != 0)) {
        return cli_fail("list", CLI_EXIT_USAGE, "--markdown is for rules alone, and not with --json");
    }
    return print_list(argv[first], json, markdown);
}
