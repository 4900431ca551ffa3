/* SPDX-License-Identifier: GPL-2.0-only */
/* Every rule of the interface: number, strength, who is bound, how it is held, and where it comes from. */
#include "cli/list_rules.h"

#include "flue/check.h"

/* "host, target". */
static void add_bound(unsigned bound, struct text *out)
{
    const char *comma = "";

    for (unsigned party = FLUE_PARTY_HOST; party <= FLUE_PARTY_TARGET; party <<= 1) {
        if ((bound & party) != 0) {
            text_add(out, "%s%s", comma, flue_party_name(party));
            comma = ", ";
        }
    }
}

static const char *by_kind(enum flue_rule_kind kind)
{
    switch (kind) {
    case FLUE_RULE_runtime:
        return "checker, at the crossing";
    case FLUE_RULE_wire:
        return "checker, in frames";
    case FLUE_RULE_fault:
        return "test that provokes a fault";
    case FLUE_RULE_test:
        return "test";
    }
    return "?";
}

/* What holds a rule. */
static void add_proof(unsigned number, struct text *out)
{
    const struct flue_rule_proof *proof = flue_rule_proof(number);

    if (proof != NULL) {
        text_add(out, "%s test: %s", proof->test, proof->why);
    } else {
        text_add(out, "%s", by_kind(flue_rule(number)->kind));
    }
}

static void add_field(struct text *out, const char *name, const char *value)
{
    text_add(out, ",\"%s\":", name);
    text_add_json(out, value);
}

static void add_json(const char *id, unsigned number, struct text *out)
{
    const struct flue_rule *rule = flue_rule(number);

    text_add(out, "%s{\"name\":\"%s\"", number == 1 ? "" : ",\n ", id);
    add_field(out, "topic", rule->topic);
    add_field(out, "strength", flue_rule_strength_name(rule->strength));
    text_add(out, ",\"bound\":\"");
    add_bound(rule->bound, out);
    text_add(out, "\"");
    add_field(out, "sentence", rule->sentence);
    add_field(out, "page", rule->source);
    add_field(out, "old_ids", rule->old_ids);
    add_field(out, "kind", flue_rule_kind_name(rule->kind));
    add_field(out, "consequence", flue_rule_consequence_name(rule->consequence));
    text_add(out, ",\"proof\":\"");
    add_proof(number, out);
    text_add(out, "\"");
    add_field(out, "look_at", rule->check);
    text_add(out, "}");
}

void list_rules(struct text *out, bool json)
{
    for (unsigned number = 1; number <= FLUE_RULES; number++) {
        const struct flue_rule *rule = flue_rule(number);
        char id[8];

        flue_rule_id(number, id);
        if (json) {
            add_json(id, number, out);
            continue;
        }
        text_add(out, "%s  %-9s ", id, flue_rule_strength_name(rule->strength));
        add_bound(rule->bound, out);
        text_add(out, ": %s\n        page: %s; was %s\n        ", rule->sentence, rule->source, rule->old_ids);
        add_proof(number, out);
        text_add(out, " (%s)\n", rule->check);
    }
}
