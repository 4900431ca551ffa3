/* SPDX-License-Identifier: GPL-2.0-only */
/* run/library.h - opens shared libraries that a user names: targets and policies. */
#ifndef FLUE_RUN_LIBRARY_H
#define FLUE_RUN_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "flue/base.h"

struct library {
    const char *option; /* "--target", for messages */
    const char *symbol; /* the one function that it exports */
    const char *header; /* that tells what it has to be */
    const char *path;   /* as the user wrote it */
};

/* FLUE_OK: *function is the symbol's address, until the process ends (libraries stay loaded: they may have handed out
 * pointers to themselves).  Else message holds one line: FLUE_ENOENT no such file, FLUE_EPARSE anything else. */
FLUE_CHECKED flue_err library_open(const struct library *library, void **function, char *message, size_t room);
/* "--target PATH: why"; FLUE_EPARSE. */
FLUE_CHECKED flue_err library_refuse(const struct library *library, const char *why, char *message, size_t room);
/* Not empty, and made of letters, digits, '.', '_' and '-'. */
bool library_name_is_good(const char *name);

#endif
