/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/fatal.h - what a library from outside does to the program itself. */
#ifndef FLUE_CLI_FATAL_H
#define FLUE_CLI_FATAL_H

#include <stdbool.h>
#include <stddef.h>

#include "flue/base.h"

struct flue_policy;
struct flue_provider;
struct world_broken;

/* From now on a signal that would end the program (SIGSEGV, SIGABRT and the like), and a call of exit(), end it with
 * one line that names the libraries (NULL: there is none), and with CLI_EXIT_TARGET. */
void fatal_await(const char *target, const char *policy);
/* From now on the program may end. */
void fatal_done(void);

/* provider_load() and policy_load(), awaited. */
FLUE_CHECKED flue_err fatal_load_target(const char *path, const struct flue_provider **out, char *message, size_t room);
FLUE_CHECKED flue_err fatal_load_policy(const char *path, const struct flue_policy **out, char *message, size_t room);

/* That line tells of this rule, too, if one is broken by then.  Borrowed; NULL: of none.  ns3_tcp: TCP of ns-3's runs
 * in the program, and is awaited, too, until fatal_done(). */
void fatal_note(const struct world_broken *first, bool ns3_tcp);

/* The library's provider, whose alarms are counted from now on: one that is set again and again for the present, or for
 * the past, holds time still.  After a million of them in a row at one simulated instant the program ends with one line
 * that says so, and with CLI_EXIT_TARGET.  Valid until the next call. */
const struct flue_provider *fatal_count_alarms(const char *library, const struct flue_provider *provider);

#endif
