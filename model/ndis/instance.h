/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/instance.h - what N knows: drivers, adapters, bindings.  Every handle is a pointer to one of these.
 *
 * In checked builds (FLUE_CHECKED_BUILD) every buffer list carries its present holder and the number of layers it is
 * lent across, every block the operation that holds it, and each crossing asserts them. With the checker on a broken
 * rule is a finding instead, and N goes on as far as it can; a refusal by status stays a refusal. */
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
    struct check *check;            /* the checker; NULL: off (ndis/check.h) */
    flue_ps at_ps;                  /* told by flue_ndis_at() for the next crossing; 0: nothing told */
    uint32_t conn;
    uint32_t next_adapter_index;
    UCHAR handlers_revision;        /* of the entry points handed out; another than 1 in a test alone (CH-012) */
    struct ndis_protocol *offering; /* whose BindAdapterHandlerEx runs now; NULL: none */
    struct flue_hook drivers;
    struct flue_hook protocols;
    struct flue_hook adapters;
};

/* The partner is the other edge of an intermediate driver; NULL: this is none. */
struct ndis_driver {
    enum ndis_tag tag;
    bool in_set_options;
    bool has_generic, has_tcp;
    struct flue_hook hook;
    struct flue_ndis *ndis;
    struct ndis_protocol *partner;
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
    struct ndis_driver *partner;
    struct flue_hook bindings;
    NDIS_HANDLE context;
    NDIS_PROTOCOL_DRIVER_CHARACTERISTICS calls;
    NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS generic;
    NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS tcp;
};

/* An event on its way to every binding of an adapter. */
struct ndis_event {
    NET_PNP_EVENT_NOTIFICATION notification;
    uint32_t waiting;   /* answers that are still to come */
    NDIS_STATUS status; /* the last answer that was not SUCCESS */
};

/* A change of power: the protocols are told, the miniport is asked. */
enum ndis_power_step { NDIS_POWER_IDLE, NDIS_POWER_TELLING, NDIS_POWER_ASKING };

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
    bool has_current, has_hardware; /* what it can do with connections: now, and at best */
    NDIS_TCP_CONNECTION_OFFLOAD current, hardware;
    bool stopping; /* its protocols have been told to pause */
    struct ndis_event pause, set_power;
    enum ndis_power_step power_step;
    NET_DEVICE_POWER_STATE power, power_next;
    ULONG power_value;
    NDIS_OID_REQUEST power_request;
    void (*power_done)(void *ctx, NDIS_STATUS status);
    void *power_ctx;
    uint64_t requests_out; /* N's own */
};

struct ndis_binding {
    enum ndis_tag tag;
    struct flue_hook hook;        /* in its adapter's list */
    struct flue_hook of_protocol; /* in its protocol's */
    struct ndis_adapter *adapter;
    struct ndis_protocol *protocol;
    NDIS_HANDLE context; /* of the protocol driver */
    void *calling; /* tree whose Miniport... handler runs now: it must not complete yet (law: async means later) */
    bool owes_pause, owes_power; /* answers to events */
    struct flue_ndis_ledger ledger;
};

static inline struct ndis_adapter *ndis_adapter_of(NDIS_HANDLE handle)
{
    struct ndis_adapter *adapter = (struct ndis_adapter *)handle;

    assert(adapter != NULL && adapter->tag == NDIS_TAG_ADAPTER);
    return adapter;
}

/* In calls from below the handle is a stranger's word.  Not an adapter's: reported if the checker is on, and the call
 * is to be ignored.  source: SourceHandle of what is handed over, which tells whom to report it to; NULL: nothing is.
 */
static inline bool ndis_is_adapter(NDIS_HANDLE handle)
{
    return handle != NULL && ((const struct ndis_adapter *)handle)->tag == NDIS_TAG_ADAPTER;
}
void ndis_not_an_adapter(NDIS_HANDLE handle, NDIS_HANDLE source);

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

static inline struct ndis_driver *ndis_driver_of(NDIS_HANDLE handle)
{
    struct ndis_driver *driver = (struct ndis_driver *)handle;

    assert(driver != NULL && driver->tag == NDIS_TAG_DRIVER);
    return driver;
}

static inline struct ndis_protocol *ndis_protocol_of(NDIS_HANDLE handle)
{
    struct ndis_protocol *protocol = (struct ndis_protocol *)handle;

    assert(protocol != NULL && protocol->tag == NDIS_TAG_PROTOCOL);
    return protocol;
}

/* Whether connections can be offloaded to an adapter: its driver has the handlers, on both edges if it has two. */
static inline bool ndis_chimney(const struct ndis_adapter *adapter)
{
    const struct ndis_driver *driver = adapter->driver;

    return driver->has_generic && (driver->partner == NULL || driver->partner->has_generic);
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

/* Memory of env, zeroed. */
void *ndis_take(const struct flue_ndis *ndis, size_t bytes);
void ndis_give(const struct flue_ndis *ndis, void *memory, size_t bytes);

/* adapter.c: adapters and bindings. */
void ndis_free_adapter(struct ndis_adapter *adapter); /* calls nobody */
bool ndis_binding_idle(const struct ndis_binding *binding);
/* Asks the protocol to close a binding; false if it did not. */
bool ndis_unbind(struct ndis_binding *binding);
/* Offers every adapter that runs to a new protocol. */
void ndis_offer_running(struct ndis_protocol *protocol);
/* Runs MiniportInitializeEx, then offers the adapter.  *out is NULL unless the answer is SUCCESS. */
NDIS_STATUS ndis_adapter_start(struct ndis_driver *driver, const char *name, void *configuration,
                               struct ndis_adapter **out);
/* SUCCESS: halted and gone.  INVALID_STATE: not now. */
NDIS_STATUS ndis_adapter_stop(struct ndis_adapter *adapter);

/* oid.c: asks a miniport, for a binding or (NULL) for N. */
NDIS_STATUS ndis_ask(struct ndis_adapter *adapter, struct ndis_binding *binding, PNDIS_OID_REQUEST request);

/* power.c: events and power. */
/* Tells the protocols of an adapter, and of all virtual adapters that stop with it, once; always true. */
bool ndis_pause(struct ndis_adapter *adapter);
/* Whether they have all answered, and nothing is lent across any of these adapters. */
bool ndis_quiet(struct ndis_adapter *adapter);
void ndis_forgive(struct ndis_binding *binding); /* its answers will not come */
void ndis_power_answered(struct ndis_adapter *adapter, NDIS_STATUS status);

/* im.c: intermediate drivers. */
/* Whether a protocol is offered an adapter: nobody's below has it, and it does not stand on the protocol's own. */
bool ndis_may_open(const struct ndis_protocol *protocol, const struct ndis_adapter *adapter);
/* Unbinds all other protocols from an adapter that an intermediate driver opens; false: one of them is busy. */
bool ndis_clear_for(const struct ndis_protocol *protocol, struct ndis_adapter *adapter);

/* Chains: stamps SourceHandle on every NBL, changes its holder from `from` to `to` (checked builds assert `from`), and
 * returns their number. */
uint64_t ndis_chain_cross(PNET_BUFFER_LIST first, struct ndis_binding *binding, enum ndis_holder from,
                          enum ndis_holder to);

/* Takes count off what is out across a binding.  More than there is: an error that is asserted, or, with the checker
 * on, has been reported. */
static inline void ndis_settle(const struct ndis_binding *binding, uint64_t *out, uint64_t count)
{
    assert(binding->adapter->ndis->check != NULL || *out >= count);
    *out -= *out >= count ? count : *out;
    (void)binding;
}

/* A completion chain of an adapter: hands it up, one call per binding, order kept.  deliver gets what belongs to one.
 */
typedef void ndis_deliver_fn(struct ndis_binding *binding, PNET_BUFFER_LIST first, uint64_t count, ULONG flags);
void ndis_complete_up(struct ndis_adapter *adapter, PNET_BUFFER_LIST first, ndis_deliver_fn *deliver, ULONG flags);

#endif
