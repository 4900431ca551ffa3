/* SPDX-License-Identifier: GPL-2.0-only */
/* Opens libflue_ns3.so, which stands beside the program, with dlopen: the program itself never links ns-3. */
#include "run/net_ns3.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../shim/flue_ns3.h"

#define MODULE "libflue_ns3.so"

/* Path of the module: in the program's own folder, or in ../lib/flue beside it when installed. */
static void *open_module(void)
{
    static const char *const places[] = {"/" MODULE, "/../lib/flue/" MODULE};
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 64);
    char *slash;
    unsigned i;

    if (length <= 0)
        return NULL;
    path[length] = '\0';
    slash = strrchr(path, '/');
    for (i = 0; slash != NULL && i < sizeof(places) / sizeof(places[0]); i++) {
        void *module;

        (void)strcpy(slash, places[i]);
        if (access(path, R_OK) != 0)
            continue;
        module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (module != NULL)
            return module;
    }
    return NULL;
}

const struct flue_ns3_api *net_ns3_api(char *message, size_t room)
{
    const struct flue_ns3_api *(*entry)(void) = NULL;
    const struct flue_ns3_api *api;
    void *module = open_module();

    if (module == NULL) {
        const char *why = dlerror();

        (void)snprintf(message, room,
                       "--net ns3 is not available: %s; install libns3-dev and build again, or use --net link",
                       why != NULL ? why : "this build has no " MODULE);
        return NULL;
    }
    *(void **)&entry = dlsym(module, "flue_ns3_functions");
    api = entry != NULL ? entry() : NULL;
    if (api == NULL || api->abi != FLUE_NS3_ABI) {
        (void)snprintf(message, room, "--net ns3 is not available: " MODULE " is of another version; build again");
        return NULL;
    }
    return api;
}

flue_err net_ns3_open(const struct flue_net_params *params, struct flue_net *out, char *message, size_t room)
{
    const struct flue_ns3_api *api = net_ns3_api(message, room);

    return api == NULL ? FLUE_ETOOL : api->open(params, out, message, room);
}

flue_err net_ns3_open_lan(const struct flue_switch_params *params, struct flue_net *out, char *message, size_t room)
{
    const struct flue_ns3_api *api = net_ns3_api(message, room);

    return api == NULL ? FLUE_ETOOL : api->open_lan(params, out, message, room);
}

flue_err net_ns3_open_switch(const struct flue_switch_params *params, struct flue_net *out, char *message, size_t room)
{
    const struct flue_ns3_api *api = net_ns3_api(message, room);

    return api == NULL ? FLUE_ETOOL : api->open_switch(params, out, message, room);
}

flue_err net_ns3_open_routed(const struct flue_switch_params *params, struct flue_net *out, char *message, size_t room)
{
    const struct flue_ns3_api *api = net_ns3_api(message, room);

    return api == NULL ? FLUE_ETOOL : api->open_routed(params, out, message, room);
}
