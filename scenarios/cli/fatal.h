/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/fatal.h - what a target from outside does to the program itself. */
#ifndef FLUE_CLI_FATAL_H
#define FLUE_CLI_FATAL_H

/* From now on a signal that would end the program (SIGSEGV, SIGABRT and the like) ends it with one line that names the
 * library, and with CLI_EXIT_TARGET. */
void fatal_await(const char *library);

#endif
