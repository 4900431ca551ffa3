/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/scenario.h - a typed, validated scenario: what a run is made of. */
#ifndef FLUE_SCENARIO_H
#define FLUE_SCENARIO_H

#include "flue/base.h"

FLUE_BEGIN_C

enum flue_param_kind {
    FLUE_KIND_COUNT,
    FLUE_KIND_BYTES,
    FLUE_KIND_TIME,
    FLUE_KIND_RATE,
    FLUE_KIND_PPM,
    FLUE_KIND_CHOICE, /* stored: index of the word */
    FLUE_KIND_TEXT
};

#define FLUE_TEXT_MAX 1024

/* moderation "profile" is stored as this. */
#define FLUE_PARAM_AS_PROFILE INT64_C(-1)

/* Numbers are int64 in the unit that params.def names; FLUE_PS_NEVER for the time "never". */
#define FLUE_FIELD_COUNT  int64_t
#define FLUE_FIELD_BYTES  int64_t
#define FLUE_FIELD_TIME   int64_t
#define FLUE_FIELD_RATE   int64_t
#define FLUE_FIELD_PPM    int64_t
#define FLUE_FIELD_CHOICE int64_t
#define FLUE_FIELD_TEXT   struct flue_text
struct flue_text {
    char text[FLUE_TEXT_MAX];
};

enum flue_workload { FLUE_WORKLOAD_BULK, FLUE_WORKLOAD_RPC, FLUE_WORKLOAD_WEB, FLUE_WORKLOADS };
enum flue_net_kind { FLUE_NET_LINK, FLUE_NET_NS3 };

struct flue_scenario {
    char name[64]; /* as the user gave it */
    enum flue_workload workload;
    enum flue_net_kind net; /* not part of the configuration: both give one digest on equal topologies */
    uint64_t seed;          /* --seed */
    uint64_t rng_run;       /* --rng-run: repetition */
#define FLUE_PARAM(name, kind, initial, minimum, maximum, unit, group, help) FLUE_FIELD_##kind name;
#include "flue/params.def"
#undef FLUE_PARAM
};

FLUE_END_C

#endif
