/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers with units, as profiles write them. */
#ifndef FLUE_SCENARIOS_RUN_PROFILE_NUMBER_H
#define FLUE_SCENARIOS_RUN_PROFILE_NUMBER_H

#include "run/profile.h"

/* A way to write one part of an entry. */
struct profile_unit {
    const char *text; /* "GHz" */
    const char *kind; /* the FLUE_VALUE unit it serves, or "price" */
    enum profile_part part;
    uint64_t factor; /* to profile_unit() */
};

/* NULL if entry `number` cannot be written in that unit; then profile_units_of() names those it can. */
const struct profile_unit *profile_unit_find(unsigned number, const char *text);
void profile_units_of(unsigned number, char *out, size_t room);
/* FLUE_EPARSE: not a decimal number, or not a whole number of the smallest unit; FLUE_EINVAL: past 2^64. */
FLUE_CHECKED flue_err profile_decimal(const char *text, uint64_t factor, uint64_t *out);
void profile_put(struct flue_profile *profile, unsigned number, enum profile_part part, uint64_t value);
/* The largest and smallest value one part may have. */
uint64_t profile_minimum(unsigned number);
uint64_t profile_maximum(unsigned number);

#endif
