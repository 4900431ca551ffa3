/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/demo.h - the parts of `flue demo`. */
#ifndef FLUE_CLI_DEMO_H
#define FLUE_CLI_DEMO_H

#include <stddef.h>

#include "flue/base.h"

struct flue_scenario;
struct store;
struct text;

#define DEMO_MESSAGE_MAX 512

/* Each prints to stdout and returns an exit code of cli/exit.h. */
int demo_first(void);  /* one connection that moves twice: the ladder and the verdict */
int demo_broken(void); /* the same with a broken driver, stopped at the first illegal call */
int demo_main(void);   /* the sweep over ns-3, its table and its figures */

/* The run of the first two.  FLUE_ENOENT, FLUE_EPARSE, FLUE_EINVAL: message tells. */
FLUE_CHECKED flue_err demo_prepare(struct flue_scenario *scenario, char *message);

/* What the finished runs of the sweep say, point by point; and the closed loop's two arms in one line each.
 * FLUE_EIO: a database could not be read, and message tells; FLUE_ENOMEM. */
FLUE_CHECKED flue_err demo_table(struct store *store, struct text *out, char *message, size_t room);
FLUE_CHECKED flue_err demo_peak(struct store *store, struct text *out, char *message, size_t room);

#endif
