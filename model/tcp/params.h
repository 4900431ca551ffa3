/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/params.h - ranges of a stack's parameters. */
#ifndef FLUE_TCP_PARAMS_H
#define FLUE_TCP_PARAMS_H

#include <stdbool.h>

#include "flue/tcp_engine.h"

/* Is every parameter in the range that flue/tcp.h states? */
bool tcp_params_valid(const struct flue_tcp_params *params);

#endif
