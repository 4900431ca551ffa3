/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/list_rules.h - `flue list rules`. */
#ifndef FLUE_CLI_LIST_RULES_H
#define FLUE_CLI_LIST_RULES_H

#include <stdbool.h>

#include "run/text.h"

/* Adds every rule of the interface: lines, or the objects of a JSON array. */
void list_rules(struct text *out, bool json);
/* The same as a page: doc/rules.md. */
void list_rules_markdown(struct text *out);

#endif
