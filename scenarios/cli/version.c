/* SPDX-License-Identifier: GPL-2.0-only */
/* flue --version */
#include <inttypes.h>
#include <stdio.h>

#include "../shim/flue_ns3.h"
#include "cli/commands.h"
#include "run/net_ns3.h"
#include "store/build.h"

static const char *ns3_version(void)
{
    char message[512];
    const struct flue_ns3_api *api = net_ns3_api(message, sizeof message);

    return api == NULL ? "" : api->version;
}

void command_print_version(void)
{
    const char *ns3 = ns3_version();
    const struct store_build build = store_build_here(ns3);

    (void)printf("flue %s\nmodel epoch %" PRId64 "\ngit %s%s\nns-3 %s%s%s\nSQLite %s\ncompiler %s\n", build.version,
                 build.model_epoch, build.git_rev[0] == '\0' ? "unknown" : build.git_rev,
                 build.git_dirty == 1 ? " with uncommitted changes" : "", ns3[0] == '\0' ? "no" : "yes (", ns3,
                 ns3[0] == '\0' ? "" : ")", build.sqlite_version, build.compiler);
}
