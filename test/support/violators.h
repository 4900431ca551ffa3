/* SPDX-License-Identifier: GPL-2.0-only */
/* One line on stdout for each violator: the rule that it breaks, its name, and whether the checker named that rule
 * first.  The test of flue/ddi_proof.def (test/contract/proofs.sh) reads them. */
#ifndef FLUE_TEST_VIOLATORS_H
#define FLUE_TEST_VIOLATORS_H

#include <stdio.h>

static inline void violator_told(unsigned rule, const char *name, int named_first)
{
    (void)printf("violator CH-%03u %s %s\n", rule, name, named_first ? "first" : "missed");
}

#endif
