/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/policy.h - the decision who should hold a connection: facts in; decision and reason out.
 *
 * A policy is a pure function: equal facts, equal answer; it keeps nothing, and looks at nothing else.  What has to be
 * remembered of a connection the host remembers, and tells as facts (flue/facts.def).  The host asks when a connection
 * has opened, and again while it lives (struct flue_policy_params); it follows an answer only when it may: not before
 * the connection's stay is over (hysteresis), nor before its back-off is (D-35), nor what the interface forbids.
 *
 * A policy from outside is a shared library for `flue run --policy ./mine.so`; example/policy-budget.c is one. */
#ifndef FLUE_POLICY_H
#define FLUE_POLICY_H

#include "flue/base.h"

FLUE_BEGIN_C

/* Raised when a structure or a meaning below, or in facts.def, changes. */
#define FLUE_POLICY_ABI 1u

/* What a policy wants. */
enum flue_decision {
    FLUE_KEEP,     /* it stays where it is */
    FLUE_OFFLOAD,  /* to the target.  Of one that is there: it stays */
    FLUE_TAKE_BACK /* to the host.  Of one that is there: it stays */
};

/* All it is told: one member for each line of facts.def, with unit and meaning there. */
struct flue_policy_facts {
#define FLUE_FACT(name, word, kind, who, help) uint64_t name;
#include "flue/facts.def"
#undef FLUE_FACT
};

/* The facts' numbers, in the order of facts.def; FLUE_FACTS of them. */
enum flue_fact {
#define FLUE_FACT(name, word, kind, who, help) FLUE_FACT_##name,
#include "flue/facts.def"
#undef FLUE_FACT
    FLUE_FACTS
};
/* A fact by its number; 0 for an unknown one. */
uint64_t flue_policy_fact(const struct flue_policy_facts *facts, enum flue_fact fact);

/* A rule of the policy "rules": all conditions hold, then the decision is this one. */
/* Bounds of the policy "rules": so many rules, and conditions in each. */
#define FLUE_POLICY_RULES      16
#define FLUE_POLICY_CONDITIONS 4
/* How a fact is compared: fact < value, and so on. */
enum flue_compare { FLUE_LESS, FLUE_AT_MOST, FLUE_EQUAL, FLUE_UNEQUAL, FLUE_AT_LEAST, FLUE_MORE };
/* A rule of the policy "rules": all conditions hold, then the decision is this one. */
struct flue_policy_rule {
    enum flue_decision decision;   /* what the rule says */
    uint32_t conditions;           /* how many of condition[] count; 0: it always holds */
    struct flue_policy_condition { /* fact compare value */
        enum flue_fact fact;       /* left of the comparison */
        enum flue_compare compare; /* how */
        uint64_t value;            /* right of the comparison, in the fact's unit */
    } condition[FLUE_POLICY_CONDITIONS];
};

/* What a run sets.  The first three are the host's, the others the policies'. */
struct flue_policy_params {
    flue_ps every_ps;         /* a connection with new facts is asked about again after so long; 0: only at open */
    flue_ps stay_ps;          /* after a move it stays at least so long */
    uint64_t seed;            /* of facts.draw_ppm */
    uint64_t min_bytes;       /* automatic: bytes so far */
    uint64_t min_write_bytes; /* automatic: mean_write_bytes or mean_read_bytes */
    uint64_t max_rtt_ps;      /* automatic */
    uint64_t max_loss_ppm;    /* automatic */
    uint64_t max_idle_ps;     /* automatic: longer idle, it is taken back; 0: never */
    uint64_t worth_bytes;     /* adaptive, oracle: what a hand-over has to carry to be worth it */
    uint64_t target_ppm;      /* adaptive: share of the contexts that it fills */
    uint64_t share_ppm;       /* random: share of the connections */
    uint32_t rules;           /* how many of rule[] count */
    struct flue_policy_rule rule[FLUE_POLICY_RULES]; /* the first that holds decides; none: KEEP */
};

/* An answer. */
struct flue_verdict {
    enum flue_decision decision; /* what is wanted */
    uint32_t reason;             /* index of flue_policy.reasons */
};

/* Static storage.  The first three members: what a library was compiled with. */
#define FLUE_POLICY_VERSIONS                                                                                           \
    .abi = FLUE_POLICY_ABI, .policy_bytes = sizeof(struct flue_policy), .facts_bytes = sizeof(struct flue_policy_facts)
/* At most so many reasons in a policy. */
#define FLUE_POLICY_REASONS 24
/* A policy.  Static storage.  The first three members: what the library was compiled with. */
struct flue_policy {
    uint32_t abi, policy_bytes, facts_bytes;  /* FLUE_POLICY_VERSIONS fills them in */
    uint32_t asked_again;                     /* 0: its answer never changes, so it is asked at open only */
    uint32_t clairvoyant;                     /* 1: it gets the facts of WORKLOAD */
    const char *name;                         /* letters, digits, '.', '_' and '-' */
    const char *help;                         /* one line for `flue list policies` */
    const char *reasons[FLUE_POLICY_REASONS]; /* short; NULL from the first unused one on; at least one */
    /* The answer; both arguments are borrowed until return. */
    struct flue_verdict (*decide)(const struct flue_policy_params *params, const struct flue_policy_facts *facts);
    /* What it is worth to have a connection at the target, in bytes; may be NULL.  With it, OFFLOAD while no context is
     * free means: take back the least valuable one to make room, then this one.  It must be worth more than
     * facts.least_bytes, or it is not done. */
    uint64_t (*value)(const struct flue_policy_params *params, const struct flue_policy_facts *facts);
};

/* The built-in policies; NULL: there is no such.  And the i-th, NULL past the end. */
const struct flue_policy *flue_policy_find(const char *name);
const struct flue_policy *flue_policy_at(unsigned i);
/* How many reasons it has. */
unsigned flue_policy_reasons(const struct flue_policy *policy);
/* A workable start: what the scenario's parameters are by default. */
void flue_policy_defaults(struct flue_policy_params *params);

/* The one symbol of a library. */
const struct flue_policy *flue_policy_plugin(void);

FLUE_END_C

#endif
