/* SPDX-License-Identifier: GPL-2.0-only */
/* run/audit.h - the end of a run: every byte delivered once and in order, every object returned, every book balanced.
 */
#ifndef FLUE_RUN_AUDIT_H
#define FLUE_RUN_AUDIT_H

#include "flue/base.h"

struct world;
struct flow;

/* Every byte of a flow that has ended was delivered. */
void flow_audit(const struct flow *flow);
void world_audit(struct world *world);

#endif
