/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/instance.h - what N knows: drivers, adapters, bindings.  Every handle is a pointer to one of these. */
#ifndef FLUE_NDIS_INSTANCE_H
#define FLUE_NDIS_INSTANCE_H

#include <assert.h>
#include <stdbool.h>

#include "flue/env.h"
#include "flue/ndischimney.h"
#include "flue/trace.h"
#include "base/list.h"

/* First member of everything a handle can mean, so that a wrong handle is noticed. */
enum ndis_tag {
    NDIS_TAG_DRIVER = 0x4E444956,
    NDIS_TAG_PROTOCOL = 0x4E505254,
    NDIS_TAG_ADAPTER = 0x4E414450,
    NDIS_TAG_BINDING = 0x4E424E44
};

struct flue_ndis {
    const struct flue_env *env;
    const struct flue_trace *trace; /* may be NULL */
    flue_ps at_ps;                  /* told by flue_ndis_at() for the next crossing; 0: nothing told */
    uint32_t conn;
    uint32_t next_adapter_index;
    struct flue_hook drivers;
    struct flue_hook protocols;
    struct flue_hook adapters;
};

struct ndis_driver {
    enum ndis_tag tag;
    bool in_set_options;
    bool has_generic, has_tcp;
    struct flue_hook hook;
    struct flue_ndis *ndis;
    NDIS_HANDLE context;
    NDIS_MINIPORT_DRIVER_CHARACTERISTICS calls;
    NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS generic;
    NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS tcp;
};

struct ndis_protocol {
    enum ndis_tag tag;
    bool in_set_options;
    bool has_generic, has_tcp;
    struct flue_hook hook;
    struct flue_ndis *ndis;
    NDIS_HANDLE context;
    NDIS_PROTOCOL_DRIVER_CHARACTERISTICS calls;
    NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS generic;
    NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS tcp;
};

struct ndis_adapter {
    enum ndis_tag tag;
    bool initialising;
    bool has_handlers; /* NdisMGetOffloadHandlers() was called */
    uint32_t index;
    struct flue_hook hook;
    struct flue_hook bindings;
    struct flue_ndis *ndis;
    struct ndis_driver *driver;
    const char *name;
    NDIS_HANDLE context; /* of the miniport driver */
    NDIS_TCP_OFFLOAD_EVENT_HANDLERS handlers;
};

struct ndis_binding {
    enum ndis_tag tag;
    struct flue_hook hook; /* in its adapter's list */
    struct ndis_adapter *adapter;
    struct ndis_protocol *protocol;
    NDIS_HANDLE context; /* of the protocol driver */
    void *calling; /* tree whose Miniport... handler runs now: it must not complete yet (law: async means later) */
    struct flue_ndis_ledger ledger;
};

static inline struct ndis_adapter *ndis_adapter_of(NDIS_HANDLE handle)
{
    struct ndis_adapter *adapter = (struct ndis_adapter *)handle;

    assert(adapter != NULL && adapter->tag == NDIS_TAG_ADAPTER);
    return adapter;
}

static inline struct ndis_binding *ndis_binding_of(NDIS_HANDLE handle)
{
    struct ndis_binding *binding = (struct ndis_binding *)handle;

    assert(binding != NULL && binding->tag == NDIS_TAG_BINDING);
    return binding;
}

/* The binding that offloaded the object of a handle. */
static inline struct ndis_binding *ndis_handle_binding(const NDIS_OFFLOAD_HANDLE *handle)
{
    return ndis_binding_of(handle->NdisReserved[0]);
}

static inline bool ndis_traced(const struct flue_ndis *ndis)
{
    return ndis->trace != NULL && ndis->trace->emit != NULL;
}

/* Emits one crossing, at the time and for the connection told by flue_ndis_at(), which is used up. */
void ndis_trace(struct flue_ndis *ndis, unsigned point, int64_t a, int64_t b, int64_t c);
/* The same for a crossing whose outcome is known only after the call: time and connection are taken before it. */
struct ndis_moment {
    flue_ps at_ps;
    uint32_t conn;
};
struct ndis_moment ndis_moment(struct flue_ndis *ndis);

/* Chains: stamps SourceHandle on every NBL, changes its holder from `from` to `to` (checked builds assert `from`), and
 * returns their number. */
uint64_t ndis_chain_cross(PNET_BUFFER_LIST first, struct ndis_binding *binding, enum ndis_holder from,
                          enum ndis_holder to);

/* A completion chain of an adapter: hands it up, one call per binding, order kept.  deliver gets what belongs to one.
 */
typedef void ndis_deliver_fn(struct ndis_binding *binding, PNET_BUFFER_LIST first, uint64_t count, ULONG flags);
void ndis_complete_up(struct ndis_adapter *adapter, PNET_BUFFER_LIST first, ndis_deliver_fn *deliver, ULONG flags);

#endif
