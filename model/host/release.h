/* SPDX-License-Identifier: GPL-2.0-only */
/* host/release.h - the end of paths and neighbours at the target. */
#ifndef FLUE_HOST_RELEASE_H
#define FLUE_HOST_RELEASE_H

#include "host/host.h"

/* Terminates what nothing depends on: of all objects of an adapter, or of those that are doomed. */
void release_objects(struct host_binding *binding, bool all);

#endif
