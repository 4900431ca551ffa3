/* SPDX-License-Identifier: GPL-2.0-only */
/* run/drivers.h - the intermediate drivers that a scenario asks for. */
#ifndef FLUE_RUN_DRIVERS_H
#define FLUE_RUN_DRIVERS_H

#include <stdbool.h>

#include "flue/base.h"
#include "flue/im.h"

struct flue_scenario;

/* Each layer is a few C calls deeper, on the way down and on the way up: so many are far from the end of any stack. */
#define DRIVERS_MAX 1000u

struct drivers_count {
    unsigned all, of[FLUE_IM_KIND_COUNT];
    bool team_first;
};
/* -1: *wrong (may be NULL) is no word of the list, or one too many. */
int drivers_count(const char *text, struct drivers_count *out, const char **wrong);
/* What cannot be with these drivers and adapters, as a sentence; NULL: it can be. */
const char *drivers_wrong(const struct flue_scenario *scenario);
/* How long those that hold keep what goes so often down, and up. */
flue_ps drivers_hold_ps(const struct flue_scenario *scenario, unsigned down, unsigned up);

struct drivers {
    unsigned count;
    struct flue_im_params *params; /* from the bottom up */
    char (*name)[16];              /* of those of the scenario */
};
/* uppermost: one more, above all; NULL: none.  Its name is borrowed.  drivers_free() after the node is gone: it
 * borrows the names.  FLUE_ENOMEM: there are none. */
FLUE_CHECKED flue_err drivers_make(const struct flue_scenario *scenario, const struct flue_im_params *uppermost,
                                   struct drivers *drivers);
void drivers_free(struct drivers *drivers);

#endif
