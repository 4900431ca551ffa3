/* SPDX-License-Identifier: GPL-2.0-only */
/* run/provider.h - loads offload targets that are shared libraries (flue/provider.h). */
#ifndef FLUE_RUN_PROVIDER_H
#define FLUE_RUN_PROVIDER_H

#include <stddef.h>

#include "flue/base.h"
#include "flue/provider.h"

/* Opens a library and looks at what it is.  FLUE_OK: *out is valid until the process ends (libraries stay loaded: a
 * provider may have handed out pointers to itself).  Else message holds one line for the user: FLUE_ENOENT no such
 * file, FLUE_EPARSE it is no target, or one of another version. */
FLUE_CHECKED flue_err provider_load(const char *path, const struct flue_provider **out, char *message, size_t room);

#endif
