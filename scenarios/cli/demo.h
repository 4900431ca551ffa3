/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/demo.h - the two halves of `flue demo`. */
#ifndef FLUE_CLI_DEMO_H
#define FLUE_CLI_DEMO_H

/* Each prints to stdout and returns an exit code of cli/exit.h. */
int demo_first(void); /* one connection that moves twice: the ladder and the verdict */
int demo_main(void);  /* the sweep over ns-3, its table and its figures */

#endif
