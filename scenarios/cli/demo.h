/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/demo.h - the parts of `flue demo`. */
#ifndef FLUE_CLI_DEMO_H
#define FLUE_CLI_DEMO_H

#include <stddef.h>

#include "flue/base.h"

struct store;
struct text;

/* Each prints to stdout and returns an exit code of cli/exit.h. */
int demo_first(void); /* one connection that moves twice: the ladder and the verdict */
int demo_main(void);  /* the sweep over ns-3, its table and its figures */

/* What the finished runs of the sweep say, point by point; and the closed loop's two arms in one line each.
 * FLUE_EIO: a database could not be read, and message tells; FLUE_ENOMEM. */
FLUE_CHECKED flue_err demo_table(struct store *store, struct text *out, char *message, size_t room);
FLUE_CHECKED flue_err demo_peak(struct store *store, struct text *out, char *message, size_t room);

#endif
