/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/scenario.h - a typed, validated scenario: what a run is made of. */
#ifndef FLUE_SCENARIO_H
#define FLUE_SCENARIO_H

#include "flue/base.h"

FLUE_BEGIN_C

/* What kind of value a parameter has, and so how it is written: `-s key=value`. */
enum flue_param_kind {
    FLUE_KIND_COUNT,  /* a plain number: 1000 */
    FLUE_KIND_BYTES,  /* 64KiB */
    FLUE_KIND_TIME,   /* 150us; picoseconds */
    FLUE_KIND_RATE,   /* 10Gbps; bits per second */
    FLUE_KIND_PPM,    /* 0.1%; parts per million */
    FLUE_KIND_CHOICE, /* stored: index of the word */
    FLUE_KIND_TEXT    /* any text up to FLUE_TEXT_MAX - 1 bytes */
};

/* Room for a text, its final zero byte included. */
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
    char text[FLUE_TEXT_MAX]; /* ends with a zero byte */
};

/* What the applications do: FLUE_WORKLOADS kinds, scenarios/run/bulk.c, rpc.c and web.c. */
enum flue_workload { FLUE_WORKLOAD_BULK, FLUE_WORKLOAD_RPC, FLUE_WORKLOAD_WEB, FLUE_WORKLOADS };
/* What the frames go over: model/wire or ns-3. */
enum flue_net_kind { FLUE_NET_LINK, FLUE_NET_NS3 };

/* A scenario whose values are all in their ranges: one member for each line of params.def. */
struct flue_scenario {
    char name[64];               /* as the user gave it */
    enum flue_workload workload; /* what runs in it */
    enum flue_net_kind net;      /* not part of the configuration: both give one digest on equal topologies */
    uint64_t seed;               /* --seed */
    uint64_t rng_run;            /* --rng-run: repetition */
#define FLUE_PARAM(name, kind, initial, minimum, maximum, unit, group, help) FLUE_FIELD_##kind name;
#include "flue/params.def"
#undef FLUE_PARAM
};

FLUE_END_C

#endif
