/* SPDX-License-Identifier: GPL-2.0-only */
/* contract/battery.h - one battery of cases for every offload target, alone and under intermediate drivers: a scripted
 * host above, a scripted peer on the wire, every rule of the interface watched. */
#ifndef FLUE_TEST_CONTRACT_BATTERY_H
#define FLUE_TEST_CONTRACT_BATTERY_H

#include "../unit/target/rig.h"
#include "flue/im.h"
#include "flue/provider.h"

/* What a case needs of a target beyond the least, X(name, what). */
#define BATTERY_NEEDS(X)                                                                                               \
    X(OBJECTS, "objects of any kind: of one that takes none only the refusals are asked")                              \
    X(TIMESTAMPS, "connections with timestamps")                                                                       \
    X(IPV6, "connections over IPv6")                                                                                   \
    X(CLOSING, "connections whose own FIN is sent already")                                                            \
    X(CONTROL, "a way to make it pause, resume and ask for everything back")

enum battery_need {
#define X(name, what) NEED_##name,
    BATTERY_NEEDS(X)
#undef X
        NEEDS
};

/* A target, and what it cannot do. */
struct battery_provider {
    const char *name;
    const struct flue_provider *calls; /* NULL: Flue's own */
    const char *cannot[NEEDS];         /* the reason; NULL: it can */
};

struct battery_case {
    const char *name;
    void (*script)(struct rig *rig);
    const char *rules;                /* that it proves, or touches first */
    void (*refused)(struct rig *rig); /* what happens where it cannot be; NULL: it needs nothing */
    enum battery_need need;           /* counts with `refused` */
    unsigned tcp_max;                 /* 0: as many as the rig has */
};

/* Sequence numbers that state_of() of the rig uses, and smaller windows, which every target can hold. */
enum { BATTERY_WINDOW = 16384, BATTERY_CWND = 20 * 1460, BATTERY_WAIT_US = 200 };

/* rig_tree() for every target; and what rig_offload() is to rig_tree(). */
void battery_tree(struct rig *rig, unsigned count);
void battery_offload(struct rig *rig, unsigned count);
/* Lets everything come to rest that takes no longer than a moment. */
void battery_rest(struct rig *rig);
/* Terminates `count` connections and all above them, gives back everything; the slots are empty again. */
void battery_finish(struct rig *rig, unsigned count);
/* Asserts that the frames sent so far carry bytes [from, to) of connection conn's stream, each at its place. */
void battery_expect_sent(const struct rig *rig, unsigned conn, uint32_t from, uint32_t to);

/* The table of cases, ended by one without a name. */
extern const struct battery_case battery_cases[];
/* Those about closing and about the end of contexts. */
extern const struct battery_case battery_endings[];
/* Those for a target that takes nothing, instead of both. */
extern const struct battery_case battery_refusals[];

#endif
