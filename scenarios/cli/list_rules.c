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

/* What proves a rule. */
static void add_proof(unsigned number, struct text *out)
{
    const struct flue_rule_proof *proof = flue_rule_proof(number);
    char id[8];

    flue_rule_id(number, id);
    text_add(out, "%s", flue_proof_how_name(proof->how));
    switch (proof->how) {
    case FLUE_PROOF_run_time:
        text_add(out, "; broken by %s", proof->test);
        break;
    case FLUE_PROOF_tested:
        text_add(out, " by %s (test/mutants/%s.patch makes it fail), since %s", proof->test, id, proof->why);
        break;
    case FLUE_PROOF_not_applicable:
        text_add(out, ": %s", proof->why);
        break;
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
    add_field(out, "proof", flue_proof_how_name(flue_rule_proof(number)->how));
    add_field(out, "proved_by", flue_rule_proof(number)->test);
    add_field(out, "why", flue_rule_proof(number)->why);
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

static void count_proofs(unsigned count[3])
{
    for (unsigned number = 1; number <= FLUE_RULES; number++) {
        count[flue_rule_proof(number)->how]++;
    }
}

void list_rules_markdown(struct text *out)
{
    unsigned count[3] = {0};

    count_proofs(count);
    text_add(
        out,
        "# The rules of the chimney interface, and what proves each\n\n"
        "Written by `flue list rules --markdown`; the test `contract/proofs` fails when it is stale.\n\n"
        "Of %d rules %u are checked at run time, in every run with `--check`: the test named with each is a driver\n"
        "that breaks it, and the checker's first finding is that rule.  %u are tested: nobody between host and wire\n"
        "could tell, or it has to be provoked; the test named with each fails with the change of Flue's own source\n"
        "that `test/mutants` has for the rule.  %u bind nobody in this model.\n\n"
        "| rule | sentence | who | proof | page |\n|---|---|---|---|---|\n",
        FLUE_RULES, count[FLUE_PROOF_run_time], count[FLUE_PROOF_tested], count[FLUE_PROOF_not_applicable]);
    for (unsigned number = 1; number <= FLUE_RULES; number++) {
        const struct flue_rule *rule = flue_rule(number);
        char id[8];

        flue_rule_id(number, id);
        text_add(out, "| %s | %s | ", id, rule->sentence);
        add_bound(rule->bound, out);
        text_add(out, " | ");
        add_proof(number, out);
        text_add(out, " | %s |\n", rule->source);
    }
}
