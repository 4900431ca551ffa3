/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/rules.c - the table of rules and the words for its columns. */
#include "flue/check.h"

#include "flue/base.h"

static const struct flue_rule_proof proofs[FLUE_RULES + 1] = {
#define FLUE_PROOF(number, how_, test_, why_) [number] = {.how = FLUE_PROOF_##how_, .test = test_, .why = why_},
#include "flue/ddi_proof.def"
#undef FLUE_PROOF
};

static const struct flue_rule rules[FLUE_RULES + 1] = {
#define FLUE_RULE(number, topic_, strength_, bound_, kind_, consequence_, sentence_, check_, old_ids_, source_)        \
    [number] = {.topic = topic_,                                                                                       \
                .sentence = sentence_,                                                                                 \
                .check = check_,                                                                                       \
                .old_ids = old_ids_,                                                                                   \
                .source = source_,                                                                                     \
                .strength = FLUE_RULE_##strength_,                                                                     \
                .kind = FLUE_RULE_##kind_,                                                                             \
                .consequence = FLUE_RULE_##consequence_,                                                               \
                .bound = bound_},
#include "flue/ddi_rules.def"
#undef FLUE_RULE
};

const struct flue_rule *flue_rule(unsigned number)
{
    return number >= 1 && number <= FLUE_RULES ? &rules[number] : NULL;
}

const struct flue_rule_proof *flue_rule_proof(unsigned number)
{
    return number >= 1 && number <= FLUE_RULES ? &proofs[number] : NULL;
}

void flue_rule_id(unsigned number, char id[8])
{
    id[0] = 'C';
    id[1] = 'H';
    id[2] = '-';
    id[3] = (char)('0' + number / 100 % 10);
    id[4] = (char)('0' + number / 10 % 10);
    id[5] = (char)('0' + number % 10);
    id[6] = '\0';
}

const char *flue_party_name(unsigned party)
{
    switch ((enum flue_party)party) {
    case FLUE_PARTY_HOST:
        return "host";
    case FLUE_PARTY_DISPATCHER:
        return "dispatcher";
    case FLUE_PARTY_DRIVER:
        return "intermediate driver";
    case FLUE_PARTY_TARGET:
        return "target";
    }
    return "?";
}

const char *flue_proof_how_name(unsigned how)
{
    static const char *const names[] = {"checked at run time", "tested", "not applicable"};

    return how < sizeof names / sizeof names[0] ? names[how] : "?";
}

const char *flue_rule_strength_name(unsigned strength)
{
    static const char *const names[] = {"must", "should", "guarantee", "derived", "warn"};

    return strength < sizeof names / sizeof names[0] ? names[strength] : "?";
}

const char *flue_rule_kind_name(unsigned kind)
{
    static const char *const names[] = {"runtime", "wire", "fault", "test"};

    return kind < sizeof names / sizeof names[0] ? names[kind] : "?";
}

const char *flue_rule_consequence_name(unsigned consequence)
{
    static const char *const names[] = {"none",     "performance", "wire-visible", "wrong-data",
                                        "deadlock", "leak",        "bytes-lost"};

    return consequence < sizeof names / sizeof names[0] ? names[consequence] : "?";
}
