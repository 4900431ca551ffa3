/* SPDX-License-Identifier: GPL-2.0-only */
/* Sizes, counts, lists and gaps of a scenario. */
#include "run/traffic.h"

#include <stdio.h>

/* Longest mean time between two arrivals: 10^6 s. */
#define GAP_MAX_PS UINT64_C(1000000000000000000)

static flue_err load_list(struct traffic *traffic, const struct flue_scenario *scenario, char *message, size_t room)
{
    const char *path = scenario->flows.text;
    const int web = scenario->workload == FLUE_WORKLOAD_WEB, bulk = scenario->workload == FLUE_WORKLOAD_BULK;
    flue_err err = flow_list_load(path, &traffic->list, message, room);

    if (err != FLUE_OK)
        return err;
    if (traffic->list.by_client != web) {
        (void)snprintf(message, room, "%s:1:7: %s", path,
                       web    ? "with web each line is a connection of its own; write client here"
                       : bulk ? "with bulk each line is bytes on a connection; write connection here"
                              : "with rpc each line is a request on a connection; write connection here");
        return FLUE_EINVAL;
    }
    return flow_list_check(&traffic->list, path, web ? 1 : 0,
                           (uint32_t)(web ? scenario->clients : scenario->connections), message, room);
}

flue_err traffic_prepare(struct traffic *traffic, const struct flue_scenario *scenario, uint64_t seed, char *message,
                         size_t room)
{
    char fixed[40];
    struct rng rng;
    flue_err err;

    rng_init(&rng, seed, "io_sizes");
    traffic->key = rng_u64(&rng);
    (void)snprintf(fixed, sizeof(fixed), "fixed %lld", (long long)scenario->io_size);
    err = sizes_parse(FLUE_KIND_BYTES, "io_sizes", scenario->io_sizes.text[0] == '\0' ? fixed : scenario->io_sizes.text,
                      &traffic->sizes, message, room);
    if (err == FLUE_OK)
        err =
            sizes_parse(FLUE_KIND_COUNT, "requests_each", scenario->requests_each.text, &traffic->each, message, room);
    rng_init(&rng, seed, "think");
    traffic->think_key = rng_u64(&rng);
    traffic->thinks = scenario->workload == FLUE_WORKLOAD_WEB && scenario->think.text[0] != '\0';
    if (err == FLUE_OK && scenario->think.text[0] != '\0')
        err = sizes_parse(FLUE_KIND_TIME, "think", scenario->think.text, &traffic->think, message, room);
    if (err == FLUE_OK && scenario->flows.text[0] != '\0')
        err = load_list(traffic, scenario, message, room);
    return err;
}

void traffic_dispose(struct traffic *traffic)
{
    sizes_free(&traffic->sizes);
    sizes_free(&traffic->each);
    sizes_free(&traffic->think);
    flow_list_free(&traffic->list);
}

flue_err traffic_gap(const struct traffic *traffic, const struct flue_scenario *scenario,
                     const struct flue_profile *profile, uint64_t each_q16, uint64_t *gap_ps, char *message,
                     size_t room)
{
    const uint64_t load = (uint64_t)scenario->load, most_ps = GAP_MAX_PS / UINT64_C(1000000);
    const uint64_t one_ps = traffic->sizes.kind == SIZES_FIXED ? capacity_request_ps(scenario, profile)
                                                               : capacity_mean_ps(scenario, profile, &traffic->sizes);
    uint64_t all_ps;

    if (one_ps / load >= most_ps / ((each_q16 + 0xFFFF) >> 16)) {
        (void)snprintf(message, room,
                       "load: less than one request in 10^6 s; raise load or link_rate, or lower io_size");
        return FLUE_EINVAL;
    }
    all_ps = one_ps * (each_q16 >> 16) + (one_ps >> 16) * (each_q16 & 0xFFFF);
    *gap_ps = all_ps / load * UINT64_C(1000000) + all_ps % load * UINT64_C(1000000) / load;
    return FLUE_OK;
}
