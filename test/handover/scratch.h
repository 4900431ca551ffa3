/* SPDX-License-Identifier: GPL-2.0-only */
/* handover/scratch.h - a connection of a run, copied by its image into an engine of its own, and moved there by the
 * chimney form: what comes out is compared with what went in, field by field, as flue/state.def says. */
#ifndef FLUE_TEST_HANDOVER_SCRATCH_H
#define FLUE_TEST_HANDOVER_SCRATCH_H

#include "handover/moves.h"

FLUE_BEGIN_C

/* image: of a connection of a stack with these parameters, taken at now_ps.  NULL: the chimney form lost only what the
 * table says; else a sentence, written to what[250].  *compared counts comparisons; a connection in a state that cannot
 * be offloaded is none. */
const char *scratch_compare(const struct flue_tcp_params *params, const struct buffer *image, flue_ps now_ps,
                            uint64_t *compared, char *what);

FLUE_END_C

#endif
