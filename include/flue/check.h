/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/check.h - the contract checker: every rule of the chimney interface (flue/ddi_rules.def), watched at every
 * crossing of every layer by the dispatcher of a node (model/ndis/check*.c).
 *
 * The checker sees what crosses the interface, and the frames of the wires below it if the node shows them.  It changes
 * nothing that a driver may rely on; what a driver must not rely on (Scratch, memory given back) it may overwrite. */
#ifndef FLUE_CHECK_H
#define FLUE_CHECK_H

#include "flue/base.h"
#include "flue/ddi.h"

FLUE_BEGIN_C

struct flue_ndis;
struct flue_frame;

/* How far the checker of a node is switched on. */
enum flue_check_mode {
    FLUE_CHECK_OFF,   /* costs one test per crossing */
    FLUE_CHECK_COUNT, /* findings are counted per rule and told to the sink */
    FLUE_CHECK_STOP   /* the same, and the sink is expected to end the run at the first */
};

/* Who is bound by a rule, or broke it. */
enum flue_party {
    FLUE_PARTY_HOST = 0x1,       /* the protocol at the top */
    FLUE_PARTY_DISPATCHER = 0x2, /* N itself */
    FLUE_PARTY_DRIVER = 0x4,     /* an intermediate driver */
    FLUE_PARTY_TARGET = 0x8      /* the miniport at the bottom */
};

/* How binding the pages make a rule: the column of ddi_rules.def. */
enum flue_rule_strength {
    FLUE_RULE_must,      /* the pages say must */
    FLUE_RULE_should,    /* the pages recommend it */
    FLUE_RULE_guarantee, /* the other side relies on it */
    FLUE_RULE_derived,   /* follows from the pages without being spelled out */
    FLUE_RULE_warn       /* a remark, never an error */
};

/* How a rule is held: seen by the checker while it runs, seen in frames, provoked by a fault, or by a test. */
enum flue_rule_kind { FLUE_RULE_runtime, FLUE_RULE_wire, FLUE_RULE_fault, FLUE_RULE_test };

/* What follows if it is broken. */
enum flue_rule_consequence {
    FLUE_RULE_none,         /* nothing that anybody sees */
    FLUE_RULE_performance,  /* it takes longer, or more cycles */
    FLUE_RULE_wire_visible, /* the peer sees segments that it should not */
    FLUE_RULE_wrong_data,   /* bytes are not those that were sent */
    FLUE_RULE_deadlock,     /* somebody waits for ever */
    FLUE_RULE_leak,         /* memory or an object is never given back */
    FLUE_RULE_bytes_lost    /* bytes are gone */
};

/* Rules are numbered 1..FLUE_RULES; CH-001 is 1. */
enum { FLUE_RULES = 340 };

/* A line of ddi_rules.def. */
struct flue_rule {
    const char *topic;                      /* a heading of doc/rules.md */
    const char *sentence;                   /* the rule */
    const char *check;                      /* what a monitor looks at */
    const char *old_ids;                    /* of the two lists the rules were merged from */
    const char *source;                     /* pages of the documentation */
    enum flue_rule_strength strength;       /* how binding */
    enum flue_rule_kind kind;               /* how it is held */
    enum flue_rule_consequence consequence; /* what a breach leads to */
    unsigned bound;                         /* enum flue_party, or-ed */
};
/* "CH-001". */
void flue_rule_id(unsigned number, char id[8]);
/* Static storage; NULL unless 1 <= number <= FLUE_RULES. */
const struct flue_rule *flue_rule(unsigned number);
/* What proves a rule (flue/ddi_proof.def). */
enum flue_proof_how {
    FLUE_PROOF_run_time,      /* the checker watches it in every run */
    FLUE_PROOF_tested,        /* a test does what nobody could watch */
    FLUE_PROOF_not_applicable /* it binds nobody in this model */
};
/* A line of ddi_proof.def. */
struct flue_rule_proof {
    enum flue_proof_how how; /* what kind of proof it has */
    const char
        *test; /* "contract/check_violators:cycle": program of CTest, violator or function; "" if not applicable */
    const char *why; /* no run-time check, or not applicable; "" at run time */
};
/* Static storage; NULL unless 1 <= number <= FLUE_RULES. */
const struct flue_rule_proof *flue_rule_proof(unsigned number);
const char *flue_proof_how_name(unsigned how); /* "checked at run time", "tested", "not applicable" */
const char *flue_party_name(unsigned party);   /* "host", "dispatcher", "intermediate driver", "target" */
/* The words of ddi_rules.def: "must", "runtime", "bytes-lost"; "?" if unknown.  Static storage. */
const char *flue_rule_strength_name(unsigned strength);
const char *flue_rule_kind_name(unsigned kind);
const char *flue_rule_consequence_name(unsigned consequence);

/* One broken rule, at the first crossing that shows it. */
struct flue_finding {
    unsigned rule;           /* 1 .. FLUE_RULES */
    enum flue_party party;   /* who broke it */
    const char *driver;      /* its name: "host", "target", "team"; static storage or borrowed until return */
    flue_ps at_ps;           /* virtual time of the crossing */
    uint32_t conn;           /* identity in traces, or FLUE_NO_CONN */
    const void *object;      /* block, handle, NBL or adapter it is about; identity only; may be NULL */
    const char *object_kind; /* "block", "connection", "path", "neighbour", "list", "adapter", "driver" */
    const char *seen;        /* one sentence; borrowed until return */
};

/* Told of every finding, from inside the crossing; must not call back into the model. */
struct flue_check_sink {
    void *ctx;                                                      /* handed back in both calls */
    void (*finding)(void *ctx, const struct flue_finding *finding); /* finding is borrowed until return */
    /* What the last finding is about was not carried out, or not as it was asked: it would have harmed the dispatcher
     * or the other party.  May be NULL. */
    void (*refused)(void *ctx);
};

/* Switches the checker on.  Before any driver registers.  ddi, sink: copied.  FLUE_ENOMEM; FLUE_ESTATE: too late, or
 * the library was built without hooks (FLUE_HOOKS=OFF). */
FLUE_CHECKED flue_err flue_ndis_check(struct flue_ndis *ndis, enum flue_check_mode mode, const struct flue_ddi *ddi,
                                      const struct flue_check_sink *sink);
/* Calls of the checker so far, one at each test that the dispatcher makes for it; 0 if it is off. */
uint64_t flue_ndis_crossings(const struct flue_ndis *ndis);
/* Findings of one rule so far; 0 if the checker is off. */
uint64_t flue_ndis_findings(const struct flue_ndis *ndis, unsigned rule);
/* A frame of an adapter's wire, at the moment it passes: outward 1 leaves, 0 arrives.  adapter: its NdisMiniportHandle.
 * The frame is borrowed until return. */
void flue_ndis_check_frame(struct flue_ndis *ndis, void *adapter, int outward, const struct flue_frame *frame,
                           flue_ps now_ps);
/* The run is over, and everything was given back: rules about what must have happened by then. */
void flue_ndis_check_end(struct flue_ndis *ndis);
/* The run is over, and has not come to its end: what the parties below have owed for longer than the upload deadline
 * (10 s without one), the oldest first. */
void flue_ndis_check_cut(struct flue_ndis *ndis);

FLUE_END_C

#endif
