/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules of policy=rules: "FACT COMPARISON VALUE ... DECISION; ...". */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "run/policy.h"
#include "run/quantity.h"
#include "run/text.h"

#define WORD_MAX 64

static const struct fact_info facts[FLUE_FACTS] = {
#define FLUE_FACT(fact, fact_word, fact_kind, fact_who, fact_help)                                                     \
    {.name = #fact, .word = #fact_word, .kind = FLUE_KIND_##fact_kind, .who = #fact_who, .help = (fact_help)},
#include "flue/facts.def"
#undef FLUE_FACT
};

const struct fact_info *fact_info(enum flue_fact fact)
{
    return &facts[fact];
}

static const struct {
    const char *word;
    enum flue_decision decision;
} decisions[] = {{"offload", FLUE_OFFLOAD}, {"keep", FLUE_KEEP}, {"take-back", FLUE_TAKE_BACK}};

/* Longer ones first. */
static const struct {
    const char *sign;
    enum flue_compare compare;
} compares[] = {{"<=", FLUE_AT_MOST}, {">=", FLUE_AT_LEAST}, {"!=", FLUE_UNEQUAL},
                {"<", FLUE_LESS},     {">", FLUE_MORE},      {"=", FLUE_EQUAL}};

static void skip(struct text_reader *reader)
{
    reader->at += strspn(reader->at, " \t\n");
}

/* Letters, digits and what stands in `more`. */
static size_t word(const struct text_reader *reader, const char *more, char out[WORD_MAX])
{
    size_t length = 0;

    while (isalnum((unsigned char)reader->at[length]) ||
           (reader->at[length] != '\0' && strchr(more, reader->at[length]) != NULL))
        length++;
    (void)snprintf(out, WORD_MAX, "%.*s", (int)(length < WORD_MAX ? length : WORD_MAX - 1), reader->at);
    return length;
}

static int unknown(const struct text_reader *reader, const char *what)
{
    const char *names[FLUE_FACTS + sizeof(decisions) / sizeof(decisions[0])], *nearest;
    size_t count = 0;

    for (unsigned i = 0; i < FLUE_FACTS; i++)
        names[count++] = facts[i].word;
    for (size_t i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++)
        names[count++] = decisions[i].word;
    nearest = text_nearest(what, names, count);
    return text_refuse(reader, "'%s' is no fact and no decision%s%s%s", what, nearest != NULL ? "; did you mean '" : "",
                       nearest != NULL ? nearest : "; see: flue list policies", nearest != NULL ? "'?" : "");
}

/* "1MiB" behind a comparison. */
static int parse_value(struct text_reader *reader, const struct fact_info *info, uint64_t *out)
{
    char text[WORD_MAX];
    int64_t number;
    size_t length;

    skip(reader);
    length = word(reader, ".%-", text);
    if (length == 0 || quantity_parse(info->kind, text, &number) != QUANTITY_OK || number < 0)
        return text_refuse(reader, "'%s' is no value for %s; write for example %s>%s", text, info->word, info->word,
                           quantity_example(info->kind));
    *out = (uint64_t)number;
    reader->at += length;
    return 0;
}

static int parse_condition(struct text_reader *reader, const char *name, struct flue_policy_condition *out)
{
    const char *const begin = reader->at;
    unsigned fact = 0;
    size_t i = 0;

    while (fact < FLUE_FACTS && strcmp(facts[fact].word, name) != 0)
        fact++;
    if (fact == FLUE_FACTS)
        return unknown(reader, name);
    if (strcmp(facts[fact].who, "WORKLOAD") == 0)
        return text_refuse(reader, "'%s' is what only the oracle knows", name);
    reader->at += strlen(name);
    skip(reader);
    while (i < sizeof(compares) / sizeof(compares[0]) &&
           strncmp(reader->at, compares[i].sign, strlen(compares[i].sign)) != 0)
        i++;
    if (i == sizeof(compares) / sizeof(compares[0])) {
        reader->at = begin;
        return text_refuse(reader, "%s needs a comparison; write for example %s>%s", name, name,
                           quantity_example(facts[fact].kind));
    }
    reader->at += strlen(compares[i].sign);
    *out = (struct flue_policy_condition){.fact = (enum flue_fact)fact, .compare = compares[i].compare};
    return parse_value(reader, &facts[fact], &out->value);
}

static int decision_of(const char *name)
{
    for (size_t i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++)
        if (strcmp(decisions[i].word, name) == 0)
            return (int)decisions[i].decision;
    return -1;
}

/* Up to its decision. */
static int parse_rule(struct text_reader *reader, struct flue_policy_rule *rule)
{
    char name[WORD_MAX];

    *rule = (struct flue_policy_rule){.conditions = 0};
    for (;;) {
        size_t length;

        skip(reader);
        length = word(reader, "-", name);
        if (length == 0)
            return text_refuse(reader, "a decision is missing; end the rule in offload, keep or take-back");
        if (strcmp(name, "and") == 0) {
            reader->at += length;
            continue;
        }
        if (decision_of(name) >= 0) {
            rule->decision = (enum flue_decision)decision_of(name);
            reader->at += length;
            return 0;
        }
        if (rule->conditions == FLUE_POLICY_CONDITIONS)
            return text_refuse(reader, "a rule has at most %d conditions", FLUE_POLICY_CONDITIONS);
        if (parse_condition(reader, name, &rule->condition[rule->conditions++]) < 0)
            return -1;
    }
}

int policy_rules_parse(const char *text, struct flue_policy_rule out[FLUE_POLICY_RULES], char *message, size_t room,
                       int *column)
{
    struct text_reader reader = {.at = text, .message = message, .room = room};
    int count = 0, bad = 0;

    for (skip(&reader); *reader.at != '\0' && !bad; skip(&reader)) {
        if (count == FLUE_POLICY_RULES)
            bad = text_refuse(&reader, "at most %d rules", FLUE_POLICY_RULES);
        else if (parse_rule(&reader, &out[count]) < 0)
            bad = -1;
        else
            count++;
        skip(&reader);
        if (!bad && *reader.at != '\0' && *reader.at != ';')
            bad = text_refuse(&reader, "a rule ends with its decision; write ; before the next");
        else if (!bad)
            reader.at += *reader.at == ';';
    }
    if (bad && column != NULL)
        *column = (int)(reader.at - text) + 1;
    return bad ? -1 : count;
}
