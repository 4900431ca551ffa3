/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/names.c - names of the interface's numbers, from the lists in the headers. */

#include "flue/ndischimney.h"

#define CASE(name, value, mark)                                                                                        \
    case (value):                                                                                                      \
        return #name;

const char *flue_ndis_status_name(NDIS_STATUS status)
{
    switch ((uint32_t)status) {
        FLUE_NDIS_STATUS_LIST(CASE)
    }
    return "unknown";
}

#define DEFINE_NAME(function, list)                                                                                    \
    const char *function(unsigned value)                                                                               \
    {                                                                                                                  \
        switch (value) {                                                                                               \
            list(CASE)                                                                                                 \
        }                                                                                                              \
        return "unknown";                                                                                              \
    }

DEFINE_NAME(flue_ndis_state_type_name, FLUE_OFFLOAD_STATE_TYPE_LIST)
DEFINE_NAME(flue_ndis_event_name, FLUE_TCP_OFFLOAD_EVENT_LIST)
DEFINE_NAME(flue_ndis_indication_name, FLUE_INDICATE_OFFLOAD_EVENT_LIST)
DEFINE_NAME(flue_ndis_upload_reason_name, FLUE_TCP_UPLOAD_REASON_LIST)
DEFINE_NAME(flue_ndis_tcp_state_name, FLUE_TCP_CONNECTION_STATE_LIST)

const struct flue_ddi_value *flue_ddi_values(size_t *count)
{
#define ROW(name, value, mark) {#name, (int64_t)(value), FLUE_MARK_##mark},
    static const struct flue_ddi_value values[] = {
        /* clang-format off */
        FLUE_NDIS_STATUS_LIST(ROW)
        FLUE_NDIS_OBJECT_TYPE_LIST(ROW)
        FLUE_OFFLOAD_STATE_TYPE_LIST(ROW)
        FLUE_CHIMNEY_OFFLOAD_TYPE_LIST(ROW)
        FLUE_INDICATE_OFFLOAD_EVENT_LIST(ROW)
        FLUE_TCP_CONNECTION_STATE_LIST(ROW)
        FLUE_TCP_OFFLOAD_EVENT_LIST(ROW)
        FLUE_TCP_UPLOAD_REASON_LIST(ROW)
        FLUE_CHIMNEY_FLAG_LIST(ROW)
        FLUE_CHIMNEY_REVISION_LIST(ROW)
        FLUE_NDIS_OID_LIST(ROW)
        /* clang-format on */
        {"sizeof(NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST)", (int64_t)sizeof(NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST),
         FLUE_MARK_DERIVED},
        {"sizeof(NEIGHBOR_OFFLOAD_STATE_DELEGATED)", (int64_t)sizeof(NEIGHBOR_OFFLOAD_STATE_DELEGATED),
         FLUE_MARK_DERIVED},
        {"sizeof(PATH_OFFLOAD_STATE_DELEGATED)", (int64_t)sizeof(PATH_OFFLOAD_STATE_DELEGATED), FLUE_MARK_DERIVED},
    };
#undef ROW

    *count = sizeof values / sizeof values[0];
    return values;
}
