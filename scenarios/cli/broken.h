/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/broken.h - what led to a broken rule of the interface: the last events of a run are kept, and those of the
 * connection in question told. */
#ifndef FLUE_CLI_BROKEN_H
#define FLUE_CLI_BROKEN_H

#include <stdio.h>

#include "flue/trace.h"
#include "run/world.h"

struct crossings; /* opaque */

/* next: gets every event, too; NULL: nobody.  Borrowed.  NULL when there is no memory. */
struct crossings *crossings_new(const struct flue_trace *next);
void crossings_free(struct crossings *crossings); /* NULL does nothing */

/* What a run is given; borrows crossings. */
struct flue_trace crossings_listener(struct crossings *crossings);

/* Tells of a broken rule: the rule, who broke it, when and with what, and the last crossings of the connection up to
 * the one that broke it.  FLUE_ENOMEM. */
FLUE_CHECKED flue_err crossings_tell(const struct crossings *crossings, const struct world_broken *broken, FILE *out);

#endif
