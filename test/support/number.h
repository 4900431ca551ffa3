/* SPDX-License-Identifier: GPL-2.0-only */
/* support/number.h - whole numbers on the command lines of test programs. */
#ifndef FLUE_TEST_NUMBER_H
#define FLUE_TEST_NUMBER_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* Is the text a whole number from `least` on, and nothing else? */
static inline bool number_read(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 0);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out >= least && *out <= most;
}

#endif
