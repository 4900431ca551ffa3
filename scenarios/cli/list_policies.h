/* SPDX-License-Identifier: GPL-2.0-only */
/* cli/list_policies.h - `flue list policies`. */
#ifndef FLUE_CLI_LIST_POLICIES_H
#define FLUE_CLI_LIST_POLICIES_H

#include <stdbool.h>

#include "run/text.h"

/* The built-in policies and what they may know; as JSON without the brackets of the array. */
void list_policies(struct text *out, bool json);

#endif
