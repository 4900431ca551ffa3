/* SPDX-License-Identifier: GPL-2.0-only */
/* Which program this is: from the compiler, the library, and the build directory. */
#include "store/build.h"

#include <sqlite3.h>

#include "store_build_facts.h"

struct store_build store_build_here(const char *ns3_version)
{
    return (struct store_build){
        .version = STORE_FACT_VERSION,
        .model_epoch = FLUE_MODEL_EPOCH,
        .git_rev = STORE_FACT_GIT_REV,
        .git_dirty = STORE_FACT_GIT_DIRTY,
        .ns3_version = ns3_version != NULL ? ns3_version : "",
        .compiler = STORE_FACT_COMPILER,
        .cflags = STORE_FACT_CFLAGS,
        .sqlite_version = sqlite3_libversion(),
    };
}
