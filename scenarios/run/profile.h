/* SPDX-License-Identifier: GPL-2.0-only */
/* Cost profiles: reading them, what stands behind each number, and saying so under a plot. */
#ifndef FLUE_SCENARIOS_RUN_PROFILE_H
#define FLUE_SCENARIOS_RUN_PROFILE_H

#include "flue/cost.h"

#include <stdbool.h>

/* Mark, how a sentence calls it. */
#define PROFILE_EVIDENCES(X)                                                                                           \
    X(R, "R", "read in the source")                                                                                    \
    X(R_ABS, "R-abs", "read in the abstract")                                                                          \
    X(R_2ND, "R-2nd", "read in notes of others")                                                                       \
    X(D, "D", "derived")                                                                                               \
    X(X, "X", "measured or computed")                                                                                  \
    X(M, "M", "unverified")                                                                                            \
    X(A, "A", "assumed")

enum profile_evidence {
#define X(name, mark, meaning) PROFILE_##name,
    PROFILE_EVIDENCES(X)
#undef X
        PROFILE_EVIDENCE_COUNT
};

/* What a number stands on, in three classes: R, R-abs, R-2nd, D and X; M; A. */
enum profile_class { PROFILE_MEASURED, PROFILE_UNVERIFIED, PROFILE_ASSUMED };

enum profile_field_number {
#define FLUE_PRICE(name, side, category, title)               PROFILE_FIELD_##name,
#define FLUE_VALUE(name, side, unit, minimum, maximum, title) PROFILE_FIELD_##name,
#include "flue/profile.def"
#undef FLUE_PRICE
#undef FLUE_VALUE
    PROFILE_FIELDS
};

/* A price has up to four parts, a value has one (part 0). */
enum profile_part {
    PROFILE_CYCLES,
    PROFILE_BUS_PS,
    PROFILE_BUS_PS_PER_BYTE,
    PROFILE_CYCLES_PER_KIBIBYTE,
    PROFILE_PARTS
};

/* One line of profile.def. */
struct profile_field {
    const char *name;
    const char *side; /* "host", "adapter" */
    const char *title;
    const char *unit;  /* of a value: hz, bps, ps, bytes, contexts; NULL for a price */
    unsigned category; /* of a price; FLUE_COST_CATEGORIES for a value */
    uint64_t minimum, maximum;
    size_t offset; /* in struct flue_profile */
};
/* NULL past the end; static storage. */
const struct profile_field *profile_field(unsigned number);
/* PROFILE_FIELDS if there is none of that name. */
unsigned profile_field_find(const char *name);
uint64_t profile_get(const struct flue_profile *profile, unsigned number, enum profile_part part);
/* The unit profile_get() and the notes count in: "cycles", "ps", "ps/byte", "cycles/KiB", "Hz", "b/s", ... */
const char *profile_unit(unsigned number, enum profile_part part);

/* What a file says of one part of one entry. */
struct profile_note {
    bool set;
    enum profile_evidence evidence;
    uint64_t low, high; /* in profile_unit() */
    const char *unit;   /* as the file writes it; static storage */
    char *source;       /* owned by the notes */
};

struct profile_notes {
    char name[64];
    char title[128];
    struct profile_note note[PROFILE_FIELDS][PROFILE_PARTS];
};
void profile_notes_init(struct profile_notes *notes);
/* After it the notes are as after profile_notes_init(). */
void profile_notes_free(struct profile_notes *notes);

/* The profiles inside the program, `none` first.  false: none of that index. */
bool profile_builtin_name(unsigned index, char *out, size_t room);

/* Reads a profile: a built-in name, or the path of a file (it has a '/' or ends in .yaml).  notes, made ready by
 * profile_notes_init(), may be NULL.  FLUE_OK; else nothing of *out is of use and message holds one line,
 * `file:line:col: what; fix`: FLUE_ENOENT, FLUE_EIO, FLUE_EPARSE (not a profile's grammar, an unknown or missing key),
 * FLUE_EINVAL (a number out of range), FLUE_ENOMEM. */
FLUE_CHECKED flue_err profile_load(const char *name_or_path, struct flue_profile *out, struct profile_notes *notes,
                                   char *message, size_t room);

/* Sets one number of a profile for a run or a sweep: text is "NUMBER" in the unit the entry is written in, or
 * "NUMBER UNIT".  Its evidence becomes A.  FLUE_ENOENT: no such entry; FLUE_EPARSE, FLUE_EINVAL: the number.  message
 * as in profile_load(), without file and line. */
FLUE_CHECKED flue_err profile_set(struct flue_profile *profile, struct profile_notes *notes, const char *name,
                                  const char *text, char *message, size_t room);

const char *profile_evidence_mark(enum profile_evidence evidence);
const char *profile_evidence_meaning(enum profile_evidence evidence);
/* The weakest class among an entry's parts; PROFILE_MEASURED for an entry without notes. */
enum profile_class profile_field_class(const struct profile_notes *notes, unsigned number);
/* Names of the entries of a class that are not 0, "a, b, c"; returns how many.  Cut at room with "..." at the end. */
unsigned profile_list(const struct flue_profile *profile, const struct profile_notes *notes, enum profile_class which,
                      char *out, size_t room);
/* For a caption: "Costs of host-2021-noopt: 20 measured or derived; unverified: ...; assumed: ...". */
void profile_sentence(const struct flue_profile *profile, const struct profile_notes *notes, char *out, size_t room);

#endif
