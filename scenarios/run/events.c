/* SPDX-License-Identifier: GPL-2.0-only */
/* Scheduled events: one entry is "[+]TIME WORD [NAME=VALUE ...]"; entries are separated by semicolons. */
#include "run/events.h"

#include <stdio.h>
#include <string.h>

#include "run/quantity.h"
#include "run/text.h"

#define WORD_MAX 64

static const struct event_info infos[EVENT_KINDS] = {
#define FLUE_EVENT_ARG(arg_name, arg_kind, arg_initial, arg_minimum, arg_maximum, arg_help)                            \
    {.name = (arg_name),                                                                                               \
     .kind = FLUE_KIND_##arg_kind,                                                                                     \
     .initial = (arg_initial),                                                                                         \
     .minimum = (arg_minimum),                                                                                         \
     .maximum = (arg_maximum),                                                                                         \
     .help = (arg_help)},
#define FLUE_EVENT(id, event_word, event_group, event_help, args)                                                      \
    [EVENT_##id] = {.word = (event_word), .group = (event_group), .help = (event_help), .arg = {args{.name = NULL}}},
#include "flue/events.def"
};

const struct event_info *event_info(enum event_kind kind)
{
    return &infos[kind];
}

/* The next word of this entry, without what follows; false at its end. */
static int next_word(struct text_reader *reader, char word[WORD_MAX])
{
    size_t length;

    reader->at += strspn(reader->at, " \t\n");
    length = strcspn(reader->at, " \t\n;");
    if (length == 0)
        return 0;
    (void)snprintf(word, WORD_MAX, "%.*s", (int)(length < WORD_MAX ? length : WORD_MAX - 1), reader->at);
    reader->at += length;
    return 1;
}

static int parse_choice(const struct event_arg_info *arg, const char *value, int64_t *out)
{
    const char *word = arg->maximum;

    for (*out = 0;; (*out)++) {
        const size_t length = strcspn(word, "|");

        if (strlen(value) == length && strncmp(word, value, length) == 0)
            return 1;
        if (word[length] == '\0')
            return 0;
        word += length + 1;
    }
}

static int parse_value(const struct event_arg_info *arg, const char *value, int64_t *out)
{
    int64_t low = 0, high = 0;

    if (arg->kind == FLUE_KIND_CHOICE)
        return parse_choice(arg, value, out);
    (void)quantity_parse(arg->kind, arg->minimum, &low);
    (void)quantity_parse(arg->kind, arg->maximum, &high);
    return quantity_parse(arg->kind, value, out) == QUANTITY_OK && *out >= low && *out <= high;
}

static int no_such_arg(const struct text_reader *reader, const struct event_info *info, const char *word)
{
    const char *names[EVENT_ARGS_MAX], *nearest;
    char name[WORD_MAX];
    unsigned k, near = 0;

    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
    for (k = 0; k < EVENT_ARGS_MAX && info->arg[k].name != NULL; k++)
        names[k] = info->arg[k].name;
    nearest = text_nearest(name, names, k);
    while (nearest != NULL && names[near] != nearest)
        near++;
    return text_refuse(reader, "%s has no parameter '%s'; write %s=%s", info->word, word, info->arg[near].name,
                       info->arg[near].initial);
}

/* given: a bit for each parameter that stands there already. */
static int set_arg(const struct text_reader *reader, struct event *event, const char *word, unsigned *given)
{
    const struct event_info *info = &infos[event->kind];
    const size_t length = strcspn(word, "=");
    unsigned k;

    if (info->arg[0].name == NULL)
        return text_refuse(reader, "%s has no parameters; leave '%s' out", info->word, word);
    for (k = 0; k < EVENT_ARGS_MAX && info->arg[k].name != NULL; k++) {
        const struct event_arg_info *arg = &info->arg[k];

        if (strlen(arg->name) != length || strncmp(arg->name, word, length) != 0 || word[length] != '=')
            continue;
        if ((*given >> k & 1) != 0)
            return text_refuse(reader, "%s %s: %s stands here a second time; leave one", info->word, word, arg->name);
        *given |= 1u << k;
        if (parse_value(arg, word + length + 1, &event->arg[k]))
            return 0;
        if (arg->kind == FLUE_KIND_CHOICE)
            return text_refuse(reader, "%s %s: no such choice; one of %s", info->word, word, arg->maximum);
        return text_refuse(reader, "%s %s: not understood; allowed: %s .. %s", info->word, word, arg->minimum,
                           arg->maximum);
    }
    return no_such_arg(reader, info, word);
}

static int parse_entry(struct text_reader *reader, struct event *event)
{
    const char *names[EVENT_KINDS], *nearest;
    char word[WORD_MAX];
    unsigned k, given = 0;

    (void)next_word(reader, word);
    event->after_start = word[0] == '+';
    if (quantity_parse(FLUE_KIND_TIME, word + event->after_start, &event->at_ps) != QUANTITY_OK || event->at_ps < 0)
        return text_refuse(reader, "'%s' is no time; write for example 2ms upload-all", word);
    if (!next_word(reader, word))
        return text_refuse(reader, "nothing to do at that time; write for example 2ms upload-all");
    for (k = 0; k < EVENT_KINDS && strcmp(infos[k].word, word) != 0; k++)
        names[k] = infos[k].word;
    if (k == EVENT_KINDS) {
        nearest = text_nearest(word, names, EVENT_KINDS);
        return nearest == NULL ? text_refuse(reader, "unknown event '%s'; see: flue list events", word)
                               : text_refuse(reader, "unknown event '%s'; did you mean '%s'?", word, nearest);
    }
    event->kind = (enum event_kind)k;
    for (k = 0; infos[event->kind].arg[k].name != NULL; k++)
        (void)parse_value(&infos[event->kind].arg[k], infos[event->kind].arg[k].initial, &event->arg[k]);
    while (next_word(reader, word))
        if (set_arg(reader, event, word, &given) < 0)
            return -1;
    return 0;
}

static int later(const struct event *event, const struct event *than)
{
    return event->after_start != than->after_start ? event->after_start : event->at_ps > than->at_ps;
}

/* Stable: what is written first comes first. */
static void insert(struct event *events, int count, const struct event *event)
{
    int i = count;

    for (; i > 0 && later(&events[i - 1], event); i--)
        events[i] = events[i - 1];
    events[i] = *event;
}

int events_parse(const char *text, struct event events[EVENTS_MAX], char *message, size_t room, int *column)
{
    struct text_reader reader = {.at = text, .message = message, .room = room};
    int count = 0;

    for (;;) {
        struct event event = {.at_ps = 0};

        reader.at += strspn(reader.at, " \t\n;");
        if (*reader.at == '\0')
            return count;
        if (column != NULL)
            *column = (int)(reader.at - text) + 1;
        if (count == (int)EVENTS_MAX)
            return text_refuse(&reader, "more than %u events; a sweep may be what you want", EVENTS_MAX);
        if (parse_entry(&reader, &event) < 0)
            return -1;
        insert(events, count++, &event);
    }
}

static void format_choice(const struct event_arg_info *arg, int64_t number, char *out, size_t room)
{
    const char *word = arg->maximum;

    for (; number > 0; number--)
        word += strcspn(word, "|") + 1;
    (void)snprintf(out, room, "%.*s", (int)strcspn(word, "|"), word);
}

void event_format(const struct event *event, char *out, size_t room)
{
    const struct event_info *info = &infos[event->kind];
    char value[WORD_MAX];
    struct text text = {.chars = NULL};

    quantity_format(FLUE_KIND_TIME, event->at_ps, value, sizeof(value));
    text_add(&text, "%s%s %s", event->after_start ? "+" : "", value, info->word);
    for (unsigned k = 0; info->arg[k].name != NULL; k++) {
        int64_t number = 0;

        (void)parse_value(&info->arg[k], info->arg[k].initial, &number);
        if (number == event->arg[k])
            continue;
        if (info->arg[k].kind == FLUE_KIND_CHOICE)
            format_choice(&info->arg[k], event->arg[k], value, sizeof(value));
        else
            quantity_format(info->arg[k].kind, event->arg[k], value, sizeof(value));
        text_add(&text, " %s=%s", info->arg[k].name, value);
    }
    (void)snprintf(out, room, "%s", text_chars(&text));
    text_free(&text);
}
