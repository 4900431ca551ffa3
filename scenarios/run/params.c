/* SPDX-License-Identifier: GPL-2.0-only */
/* The parameters of a scenario, from params.def. */
#include "run/params.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/quantity.h"
#include "run/text.h"

#define SENTENCE_MAX 512

static const struct param_info params[] = {
#define FLUE_PARAM(name, kind, initial, minimum, maximum, unit, group, help)                                           \
    {#name, FLUE_KIND_##kind, initial, minimum, maximum, unit, group, help, offsetof(struct flue_scenario, name)},
#define FLUE_PARAM_DDI(name, kind, initial, minimum, maximum, unit, group, help)                                       \
    {"ddi." #name,                                                                                                     \
     FLUE_KIND_##kind,                                                                                                 \
     initial,                                                                                                          \
     minimum,                                                                                                          \
     maximum,                                                                                                          \
     unit,                                                                                                             \
     group,                                                                                                            \
     help,                                                                                                             \
     offsetof(struct flue_scenario, ddi_##name)},
#include "flue/params.def"
#undef FLUE_PARAM
};

#define PARAMS (sizeof params / sizeof params[0])

size_t params_count(void)
{
    return PARAMS;
}

const struct param_info *params_at(size_t index)
{
    return &params[index];
}

const struct param_info *params_sorted(size_t index)
{
    /* The one whose name has exactly `index` names before it; the table is small. */
    for (size_t i = 0; i < PARAMS; i++) {
        size_t before = 0;

        for (size_t j = 0; j < PARAMS; j++) {
            before += strcmp(params[j].name, params[i].name) < 0 ? 1u : 0u;
        }
        if (before == index) {
            return &params[i];
        }
    }
    return NULL;
}

const struct param_info *params_find(const char *name)
{
    for (size_t i = 0; i < PARAMS; i++) {
        if (strcmp(params[i].name, name) == 0) {
            return &params[i];
        }
    }
    return NULL;
}

const char *params_nearest(const char *name)
{
    const char *names[PARAMS];

    for (size_t i = 0; i < PARAMS; i++) {
        names[i] = params[i].name;
    }
    return text_nearest(name, names, PARAMS);
}

const char *params_kind_name(enum flue_param_kind kind)
{
    switch (kind) {
    case FLUE_KIND_COUNT:
        return "count";
    case FLUE_KIND_BYTES:
        return "size";
    case FLUE_KIND_TIME:
        return "time";
    case FLUE_KIND_RATE:
        return "rate";
    case FLUE_KIND_PPM:
        return "share";
    case FLUE_KIND_CHOICE:
        return "choice";
    case FLUE_KIND_TEXT:
        return "text";
    }
    return "?";
}

const char *params_workload_name(enum flue_workload workload)
{
    static const char *const names[FLUE_WORKLOADS] = {"bulk", "rpc", "web"};

    return workload < FLUE_WORKLOADS ? names[workload] : "?";
}

const char *params_net_name(enum flue_net_kind net)
{
    return net == FLUE_NET_NS3 ? "ns3" : "link";
}

TEXT_PRINTF(3, 4) static void say(char *message, size_t room, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(message, room, format, arguments);
    va_end(arguments);
}

/* The word with this number among words separated by |; false past the last. */
static bool choice_word(const char *words, int64_t number, char *out, size_t room)
{
    for (; number > 0; number--) {
        words = strchr(words, '|');
        if (words == NULL) {
            return false;
        }
        words++;
    }
    say(out, room, "%.*s", (int)strcspn(words, "|"), words);
    return true;
}

static bool may_be_never(const struct param_info *param)
{
    return param->kind == FLUE_KIND_TIME &&
           (strcmp(param->maximum, "never") == 0 || strcmp(param->initial, "never") == 0);
}

static bool may_be_profile(const struct param_info *param)
{
    return param->kind == FLUE_KIND_TIME && strcmp(param->initial, "profile") == 0;
}

/* The words that stand for numbers, and all numbers of the table's own columns. */
static bool special_word(const struct param_info *param, const char *value, int64_t *out)
{
    if (may_be_never(param) && strcmp(value, "never") == 0) {
        *out = FLUE_PS_NEVER;
        return true;
    }
    if (may_be_profile(param) && strcmp(value, "profile") == 0) {
        *out = FLUE_PARAM_AS_PROFILE;
        return true;
    }
    return false;
}

static int64_t bound(const struct param_info *param, const char *text)
{
    int64_t number = 0;

    if (!special_word(param, text, &number)) {
        (void)quantity_parse(param->kind, text, &number);
    }
    return number;
}

void params_range(const struct param_info *param, char *out, size_t room)
{
    if (param->kind == FLUE_KIND_CHOICE) {
        say(out, room, "%s", param->maximum);
    } else if (param->kind == FLUE_KIND_TEXT) {
        say(out, room, "any text");
    } else {
        say(out, room, "%s .. %s%s%s", param->minimum, param->maximum, may_be_profile(param) ? " or profile" : "",
            may_be_never(param) && strcmp(param->maximum, "never") != 0 ? " or never" : "");
    }
}

static flue_err parse_choice(const struct param_info *param, const char *value, int64_t *out, char *message,
                             size_t room)
{
    char word[FLUE_TEXT_MAX];

    for (int64_t i = 0; choice_word(param->maximum, i, word, sizeof word); i++) {
        if (strcmp(word, value) == 0) {
            *out = i;
            return FLUE_OK;
        }
    }
    say(message, room, "%s=%.100s: no such choice; one of %s", param->name, value, param->maximum);
    return FLUE_EPARSE;
}

static flue_err check_range(const struct param_info *param, int64_t number, const char *value, char *message,
                            size_t room)
{
    char range[SENTENCE_MAX];

    if ((number == FLUE_PS_NEVER && may_be_never(param)) ||
        (number == FLUE_PARAM_AS_PROFILE && may_be_profile(param)) ||
        (number >= bound(param, param->minimum) && number <= bound(param, param->maximum))) {
        return FLUE_OK;
    }
    params_range(param, range, sizeof range);
    say(message, room, "%s=%.100s: out of range; allowed: %s", param->name, value, range);
    return FLUE_EINVAL;
}

/* Says what is wrong with a quantity; QUANTITY_OK does not come here. */
static flue_err refuse_quantity(const struct param_info *param, enum quantity_problem problem, const char *value,
                                char *message, size_t room)
{
    const char *kind = params_kind_name(param->kind);
    const char *example = quantity_example(param->kind);
    char range[SENTENCE_MAX];

    switch (problem) {
    case QUANTITY_OK:
    case QUANTITY_TOO_LARGE:
        params_range(param, range, sizeof range);
        say(message, room, "%s=%.100s: out of range; allowed: %s", param->name, value, range);
        return FLUE_EINVAL;
    case QUANTITY_NO_NUMBER:
        say(message, room, "%s=%.100s: not a number; write for example %s%s%s", param->name, value, example,
            may_be_never(param) ? ", or never" : "", may_be_profile(param) ? ", or profile" : "");
        return FLUE_EPARSE;
    case QUANTITY_NO_UNIT:
        say(message, room, "%s=%.100s: a %s needs a unit (%s); write for example %s", param->name, value, kind,
            quantity_units(param->kind), example);
        return FLUE_EPARSE;
    case QUANTITY_BAD_UNIT:
        say(message, room, "%s=%.100s: wrong unit for a %s; units: %s; write for example %s", param->name, value, kind,
            quantity_units(param->kind), example);
        return FLUE_EPARSE;
    case QUANTITY_NOT_WHOLE:
        say(message, room, "%s=%.100s: is no whole number%s%s; write for example %s", param->name, value,
            param->unit[0] == '\0' ? "" : " of ", param->unit, example);
        return FLUE_EPARSE;
    }
    return FLUE_EPARSE;
}

flue_err params_parse(const struct param_info *param, const char *value, int64_t *out, char *message, size_t room)
{
    int64_t number = 0;
    enum quantity_problem problem;
    flue_err err;

    if (param->kind == FLUE_KIND_CHOICE) {
        return parse_choice(param, value, out, message, room);
    }
    if (!special_word(param, value, &number)) {
        problem = quantity_parse(param->kind, value, &number);
        if (problem != QUANTITY_OK) {
            return refuse_quantity(param, problem, value, message, room);
        }
        /* -1 is what "profile" is stored as: a number that somebody wrote never means it. */
        if (number < 0) {
            return refuse_quantity(param, QUANTITY_TOO_LARGE, value, message, room);
        }
    }
    err = check_range(param, number, value, message, room);
    if (err == FLUE_OK) {
        *out = number;
    }
    return err;
}

static void *field(struct flue_scenario *scenario, const struct param_info *param)
{
    return (char *)scenario + param->offset;
}

int64_t params_number(const struct flue_scenario *scenario, const struct param_info *param)
{
    int64_t number;

    memcpy(&number, (const char *)scenario + param->offset, sizeof number);
    return number;
}

static const char *text_of(const struct flue_scenario *scenario, const struct param_info *param)
{
    return (const char *)scenario + param->offset;
}

static flue_err set_text(struct flue_scenario *scenario, const struct param_info *param, const char *value,
                         char *message, size_t room)
{
    size_t length = strlen(value);
    struct flue_text text = {.text = ""};

    if (length >= sizeof text.text) {
        say(message, room, "%s: the text is too long; at most %zu bytes", param->name, sizeof text.text - 1);
        return FLUE_EINVAL;
    }
    if (!text_is_plain(value, length)) {
        say(message, room, "%s: control characters or broken UTF-8; write plain text", param->name);
        return FLUE_EPARSE;
    }
    memcpy(text.text, value, length);
    memcpy(field(scenario, param), &text, sizeof text);
    return FLUE_OK;
}

flue_err params_set(struct flue_scenario *scenario, const char *name, const char *value, char *message, size_t room)
{
    const struct param_info *param = params_find(name);
    const char *nearest;
    int64_t number;
    flue_err err;

    if (param == NULL) {
        nearest = params_nearest(name);
        say(message, room, "unknown parameter '%.60s'; %s%s%s", name,
            nearest == NULL ? "see: flue list params" : "did you mean '", nearest == NULL ? "" : nearest,
            nearest == NULL ? "" : "'?");
        return FLUE_ENOENT;
    }
    if (param->kind == FLUE_KIND_TEXT) {
        return set_text(scenario, param, value, message, room);
    }
    err = params_parse(param, value, &number, message, room);
    if (err == FLUE_OK) {
        memcpy(field(scenario, param), &number, sizeof number);
    }
    return err;
}

flue_err params_assign(struct flue_scenario *scenario, const char *assignment, char *message, size_t room)
{
    const char *equals = strchr(assignment, '=');
    char name[64];

    if (equals == NULL || equals == assignment) {
        say(message, room, "'%.100s' sets nothing; write name=value", assignment);
        return FLUE_EPARSE;
    }
    say(name, sizeof name, "%.*s", (int)(equals - assignment), assignment);
    return params_set(scenario, name, equals + 1, message, room);
}

flue_err params_set_number(struct flue_scenario *scenario, const struct param_info *param, int64_t number,
                           char *message, size_t room)
{
    char value[FLUE_TEXT_MAX];
    flue_err err;

    say(value, sizeof value, "%" PRId64, number);
    if (param->kind == FLUE_KIND_TEXT || (param->kind == FLUE_KIND_CHOICE &&
                                          (number < 0 || !choice_word(param->maximum, number, value, sizeof value)))) {
        say(message, room, "%s=%" PRId64 ": no such value", param->name, number);
        return FLUE_EINVAL;
    }
    err = param->kind == FLUE_KIND_CHOICE ? FLUE_OK : check_range(param, number, value, message, room);
    if (err == FLUE_OK) {
        memcpy(field(scenario, param), &number, sizeof number);
    }
    return err;
}

void params_init(struct flue_scenario *scenario)
{
    char message[SENTENCE_MAX];

    memset(scenario, 0, sizeof *scenario);
    scenario->workload = FLUE_WORKLOAD_BULK;
    scenario->net = FLUE_NET_LINK;
    scenario->seed = 1;
    scenario->rng_run = 1;
    for (size_t i = 0; i < PARAMS; i++) {
        if (params_set(scenario, params[i].name, params[i].initial, message, sizeof message) != FLUE_OK) {
            /* Only a wrong line in params.def leads here. */
            (void)fprintf(stderr, "flue: params.def: %s\n", message);
            abort();
        }
    }
}

static void format_number(const struct param_info *param, int64_t number, char *out, size_t room)
{
    if (param->kind == FLUE_KIND_CHOICE) {
        (void)choice_word(param->maximum, number, out, room);
    } else if (number == FLUE_PS_NEVER && may_be_never(param)) {
        say(out, room, "never");
    } else if (number == FLUE_PARAM_AS_PROFILE && may_be_profile(param)) {
        say(out, room, "profile");
    } else {
        quantity_format(param->kind, number, out, room);
    }
}

void params_format(const struct param_info *param, const struct flue_scenario *scenario, char *out, size_t room)
{
    if (param->kind == FLUE_KIND_TEXT) {
        say(out, room, "%s", text_of(scenario, param));
    } else {
        format_number(param, params_number(scenario, param), out, room);
    }
}

bool params_is_initial(const struct flue_scenario *scenario, const struct param_info *param)
{
    char message[SENTENCE_MAX];
    int64_t initial = 0;

    if (param->kind == FLUE_KIND_TEXT) {
        return strcmp(text_of(scenario, param), param->initial) == 0;
    }
    return params_parse(param, param->initial, &initial, message, sizeof message) == FLUE_OK &&
           initial == params_number(scenario, param);
}

static void json_value(const struct flue_scenario *scenario, const struct param_info *param, struct text *out)
{
    char value[FLUE_TEXT_MAX];
    int64_t number;

    if (param->kind != FLUE_KIND_TEXT && param->kind != FLUE_KIND_CHOICE) {
        number = params_number(scenario, param);
        if (number != FLUE_PS_NEVER && number != FLUE_PARAM_AS_PROFILE) {
            text_add(out, "%" PRId64, number);
            return;
        }
    }
    params_format(param, scenario, value, sizeof value);
    text_add_json(out, value);
}

void params_json(const struct flue_scenario *scenario, struct text *out)
{
    const char *workload = params_workload_name(scenario->workload);
    bool said = false;

    text_add(out, "{");
    for (size_t i = 0; i < PARAMS; i++) {
        const struct param_info *param = params_sorted(i);

        if (!said && strcmp(param->name, "workload") > 0) {
            text_add(out, "\"workload\":\"%s\",", workload);
            said = true;
        }
        text_add(out, "\"%s\":", param->name);
        json_value(scenario, param, out);
        text_add(out, i + 1 < PARAMS ? "," : "");
    }
    text_add(out, said ? "}" : ",\"workload\":\"%s\"}", workload);
}
