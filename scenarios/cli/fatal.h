/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/fatal.h - what a target from outside does to the program itself. */
#ifndef FLUE_CLI_FATAL_H
#define FLUE_CLI_FATAL_H

struct flue_provider;

/* From now on a signal that would end the program (SIGSEGV, SIGABRT and the like) ends it with one line that names the
 * library, and with CLI_EXIT_TARGET. */
void fatal_await(const char *library);

/* The library's provider, whose alarms are counted from now on: one that is set again and again for the present, or for
 * the past, holds time still.  After a million of them in a row at one simulated instant the program ends with one line
 * that says so, and with CLI_EXIT_TARGET.  Valid until the next call. */
const struct flue_provider *fatal_count_alarms(const char *library, const struct flue_provider *provider);

#endif
