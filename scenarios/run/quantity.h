/* SPDX-License-Identifier: GPL-2.0-only */
/* run/quantity.h - numbers with units, in exact integer arithmetic. */
#ifndef FLUE_RUN_QUANTITY_H
#define FLUE_RUN_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

#include "flue/scenario.h"

enum quantity_problem {
    QUANTITY_OK,
    QUANTITY_NO_NUMBER, /* does not begin with a number */
    QUANTITY_NO_UNIT,   /* the kind wants one */
    QUANTITY_BAD_UNIT,
    QUANTITY_NOT_WHOLE, /* no whole number of what is stored */
    QUANTITY_TOO_LARGE  /* for 63 bits */
};

/* COUNT, BYTES, TIME, RATE and PPM only.  Negative numbers are numbers. */
enum quantity_problem quantity_parse(enum flue_param_kind kind, const char *text, int64_t *out);

/* The shortest text with the largest unit that divides; quantity_parse() takes it back. */
void quantity_format(enum flue_param_kind kind, int64_t number, char *out, size_t room);

/* "ps, ns, us, ms, s", and "10us" as an example. */
const char *quantity_units(enum flue_param_kind kind);
const char *quantity_example(enum flue_param_kind kind);

#endif
