/* SPDX-License-Identifier: GPL-2.0-only */
/* host/rss.c - receive-side scaling, the host's share: which processors are to see what the adapters receive, and the
 * hash that an offloaded connection carries (behaviour 15.8). */
#include "host/rss.h"
#include "host/binding.h"

#include <string.h>

#include "flue/ndisrss.h"
#include "frame/toeplitz.h"

bool rss_on(const struct flue_host *host)
{
    return host->params.receive_queues > 1;
}

/* As the adapter would compute it of what comes from the peer. */
uint32_t rss_hash(const struct flue_tcp_tuple *tuple)
{
    return toeplitz_hash(toeplitz_suite_key, &tuple->remote_ip, &tuple->local_ip, tuple->remote_port, tuple->local_port,
                         true);
}

/* Processors take turns in the table, beginning with number `rss_first`. */
void rss_tell(struct host_binding *binding, bool table_alone)
{
    const struct flue_host *host = binding->host;
    FLUE_RECEIVE_SCALE scale = {
        .Parameters = {.Header = {NDIS_OBJECT_TYPE_RSS_PARAMETERS, NDIS_RECEIVE_SCALE_PARAMETERS_REVISION_1,
                                  NDIS_SIZEOF_RECEIVE_SCALE_PARAMETERS_REVISION_1},
                       .Flags = table_alone
                                    ? NDIS_RSS_PARAM_FLAG_BASE_CPU_UNCHANGED | NDIS_RSS_PARAM_FLAG_HASH_INFO_UNCHANGED |
                                          NDIS_RSS_PARAM_FLAG_HASH_KEY_UNCHANGED
                                    : 0,
                       .HashInformation = NdisHashFunctionToeplitz | NDIS_HASH_IPV4 | NDIS_HASH_TCP_IPV4 |
                                          NDIS_HASH_IPV6 | NDIS_HASH_TCP_IPV6,
                       .IndirectionTableSize = sizeof scale.Table,
                       .IndirectionTableOffset = offsetof(FLUE_RECEIVE_SCALE, Table),
                       .HashSecretKeySize = sizeof scale.Key,
                       .HashSecretKeyOffset = offsetof(FLUE_RECEIVE_SCALE, Key)}};

    memcpy(scale.Key, toeplitz_suite_key, sizeof scale.Key);
    for (uint32_t i = 0; i < sizeof scale.Table; i++) {
        scale.Table[i] = (UCHAR)((host->rss_first + i) % host->params.receive_queues);
    }
    (void)binding_ask(binding, OID_GEN_RECEIVE_SCALE_PARAMETERS, NdisRequestSetInformation, &scale, sizeof scale);
}

flue_err flue_host_receive_remap(struct flue_host *host, unsigned by, flue_ps at_ps)
{
    if (!rss_on(host)) {
        return FLUE_ESTATE;
    }
    host_enter(host, at_ps);
    host->rss_first = (host->rss_first + by) % host->params.receive_queues;
    FLUE_LIST_EACH(hook, &host->bindings)
    {
        struct host_binding *binding = FLUE_CONTAINER_OF(hook, struct host_binding, hook);

        if (binding->handle != NULL) {
            rss_tell(binding, true);
        }
    }
    host_leave(host);
    return FLUE_OK;
}
