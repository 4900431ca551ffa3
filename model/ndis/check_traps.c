/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_traps.c - tables of entry points that must not be used: each trap reports, then does what the genuine
 * entry point would have done, if there is one. */

#include "ndis/check_core.h"

static const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *trapped(struct ndis_adapter *adapter, unsigned rule, const char *seen)
{
    struct check *check = adapter->ndis->check;
    const struct check_at at = {.adapter = adapter, .thing = adapter, .kind = "adapter"};

    check->crossing++;
    check_report(check, rule, check_below(adapter), &at, seen, 0, 0, 0);
    return &check_adapter_of(check, adapter)->life.genuine;
}

static struct ndis_adapter *adapter_under(NDIS_HANDLE handle)
{
    return ndis_handle_binding((PNDIS_OFFLOAD_HANDLE)handle)->adapter;
}

#define TRAP_COMPLETION(set, name, rule, seen)                                                                         \
    static void set##_##name(NDIS_HANDLE adapter, PNET_BUFFER_LIST list)                                               \
    {                                                                                                                  \
        const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *genuine;                                                                \
                                                                                                                       \
        if (!ndis_is_adapter(adapter)) {                                                                               \
            ndis_not_an_adapter(adapter, list == NULL ? NULL : list->SourceHandle);                                    \
            return;                                                                                                    \
        }                                                                                                              \
        genuine = trapped(ndis_adapter_of(adapter), rule, seen);                                                       \
        if (genuine->NdisTcpOffload##name != NULL) {                                                                   \
            genuine->NdisTcpOffload##name(adapter, list);                                                              \
        }                                                                                                              \
    }

#define TRAPS(set, rule, seen)                                                                                         \
    TRAP_COMPLETION(set, SendComplete, rule, seen)                                                                     \
    TRAP_COMPLETION(set, ReceiveComplete, rule, seen)                                                                  \
    TRAP_COMPLETION(set, DisconnectComplete, rule, seen)                                                               \
    TRAP_COMPLETION(set, ForwardComplete, rule, seen)                                                                  \
    static void set##_event(NDIS_HANDLE handle, ULONG type, ULONG information)                                         \
    {                                                                                                                  \
        const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *genuine = trapped(adapter_under(handle), rule, seen);                   \
                                                                                                                       \
        if (genuine->NdisTcpOffloadEventHandler != NULL) {                                                             \
            genuine->NdisTcpOffloadEventHandler(handle, type, information);                                            \
        }                                                                                                              \
    }                                                                                                                  \
    static NDIS_STATUS set##_receive(NDIS_HANDLE handle, PNET_BUFFER_LIST list, NDIS_STATUS status, ULONG *consumed)   \
    {                                                                                                                  \
        const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *genuine = trapped(adapter_under(handle), rule, seen);                   \
                                                                                                                       \
        *consumed = 0;                                                                                                 \
        return genuine->NdisTcpOffloadReceiveHandler == NULL                                                           \
                   ? NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED                                                             \
                   : genuine->NdisTcpOffloadReceiveHandler(handle, list, status, consumed);                            \
    }                                                                                                                  \
    static void set(NDIS_TCP_OFFLOAD_EVENT_HANDLERS *table)                                                            \
    {                                                                                                                  \
        table->NdisTcpOffloadEventHandler = set##_event;                                                               \
        table->NdisTcpOffloadReceiveHandler = set##_receive;                                                           \
        table->NdisTcpOffloadSendComplete = set##_SendComplete;                                                        \
        table->NdisTcpOffloadReceiveComplete = set##_ReceiveComplete;                                                  \
        table->NdisTcpOffloadDisconnectComplete = set##_DisconnectComplete;                                            \
        table->NdisTcpOffloadForwardComplete = set##_ForwardComplete;                                                  \
    }

TRAPS(refused, 11, "an entry point was called of a chimney that is not supported")
TRAPS(unknown, 12, "an entry point was called of a table whose revision is unknown")
TRAPS(stale, 13, "an entry point was called through the dispatcher's table, which must be copied")

PNDIS_OFFLOAD_EVENT_HANDLERS check_refused_table(struct ndis_adapter *adapter)
{
    struct check *check = check_enter(adapter->ndis);
    struct check_adapter *known = check == NULL ? NULL : check_adapter_of(check, adapter);

    if (known == NULL) {
        return NULL;
    }
    known->life.refused.Header = (NDIS_OBJECT_HEADER){.Type = NDIS_OBJECT_TYPE_DEFAULT};
    refused(&known->life.refused);
    return (PNDIS_OFFLOAD_EVENT_HANDLERS)(void *)&known->life.refused;
}

void check_offered(struct ndis_adapter *adapter)
{
    struct check *check = check_enter(adapter->ndis);
    struct check_adapter *known = check == NULL ? NULL : check_adapter_of(check, adapter);

    if (known != NULL) {
        known->life.genuine = adapter->handlers;
        if (adapter->handlers.Header.Revision != NDIS_OBJECT_TCP_OFFLOAD_REVISION_1) {
            unknown(&adapter->handlers);
        }
    }
}

void check_poison(struct ndis_adapter *adapter)
{
    stale(&adapter->handlers);
}
