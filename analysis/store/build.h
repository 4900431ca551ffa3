/* SPDX-License-Identifier: GPL-2.0-only */
/* analysis/store/build.h - which program made a result. */
#ifndef FLUE_STORE_BUILD_H
#define FLUE_STORE_BUILD_H

#include "flue/base.h"

FLUE_BEGIN_C

/* Grows with every change of the model that changes digests: runs of different epochs are never mixed, and stored runs
 * of an older one do not count as done. */
#define FLUE_MODEL_EPOCH 3

/* Texts are borrowed; none is NULL. */
struct store_build {
    const char *version;
    int64_t model_epoch;
    const char *git_rev;     /* "" if unknown */
    int git_dirty;           /* 1: with uncommitted changes; 0: none; -1: unknown */
    const char *ns3_version; /* "" without ns-3 */
    const char *compiler;
    const char *cflags;
    const char *sqlite_version;
};

/* This program; static storage, but for ns3_version, which is borrowed. */
struct store_build store_build_here(const char *ns3_version);

FLUE_END_C

#endif
