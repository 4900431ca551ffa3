/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/patience.h - a library from outside that does not come back from a call: an endless loop of its own would stop
 * the run for ever, because there is one thread. */
#ifndef FLUE_CLI_PATIENCE_H
#define FLUE_CLI_PATIENCE_H

struct flue_policy;
struct flue_provider;

/* From begin to end: a call of one of these libraries that takes more than 10 s of processor time ends the program with
 * one line that names it, and with CLI_EXIT_TARGET.  The environment variable FLUE_CALL_SECONDS sets another limit; 0:
 * none, for a debugger.  What else a target may do to the program is awaited, too (cli/fatal.h).
 *
 * NULL: there is none.  The structures are replaced by watched ones, valid until the next begin. */
void patience_begin(const char *target_library, const struct flue_provider **target, const char *policy_library,
                    const struct flue_policy **policy);
void patience_end(void);

#endif
