/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_layer.h"
#include "ndis_fakes.h"

static void note(struct call_log *log, const char *name)
{
    size_t used = strlen(log->text), length = strlen(name);

    assert_true(used + length + 2 < sizeof log->text);
    if (used > 0) {
        log->text[used++] = ' ';
    }
    memcpy(log->text + used, name, length + 1);
}

/* ---- The miniport ---- */

static NDIS_STATUS MiniportInitializeEx(NDIS_HANDLE handle, NDIS_HANDLE driver_context,
                                        PNDIS_MINIPORT_INIT_PARAMETERS parameters)
{
    struct fake_miniport *miniport = driver_context;
    NDIS_MINIPORT_ADAPTER_ATTRIBUTES attributes = {.MiniportAdapterContext = miniport,
                                                   .TcpConnectionOffload = miniport->capability,
                                                   .HardwareTcpConnectionOffload = miniport->capability};
    PNDIS_OFFLOAD_EVENT_HANDLERS table = NULL, other = NULL;

    assert_ptr_equal(parameters->AdapterConfiguration, miniport);
    assert_int_equal(NdisMSetMiniportAttributes(handle, &attributes), NDIS_STATUS_SUCCESS);
    if (miniport->asks & 1u) {
        miniport->handlers_status[2] = NdisMGetOffloadHandlers(handle, NdisRdmaChimneyOffload, &other);
        miniport->refused = (const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *)(const void *)other;
    }
    miniport->handlers_status[0] = NdisMGetOffloadHandlers(handle, NdisTcpChimneyOffload, &table);
    if (table != NULL) {
        memcpy(&miniport->up, table, sizeof miniport->up);
        miniport->table = (const NDIS_TCP_OFFLOAD_EVENT_HANDLERS *)(const void *)table;
    }
    if (miniport->asks & 2u) {
        miniport->handlers_status[1] = NdisMGetOffloadHandlers(handle, NdisTcpChimneyOffload, &other);
    }
    return miniport->initialise_status;
}

static NDIS_STATUS MiniportOidRequest(NDIS_HANDLE context, PNDIS_OID_REQUEST request)
{
    struct fake_miniport *miniport = context;

    miniport->request = request;
    miniport->requests++;
    return miniport->request_answer;
}

static void MiniportHaltEx(NDIS_HANDLE context)
{
    struct fake_miniport *miniport = context;

    miniport->halted++;
}

#define MINIPORT_TREE(name)                                                                                            \
    static void name(NDIS_HANDLE context, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)                                      \
    {                                                                                                                  \
        struct fake_miniport *miniport = context;                                                                      \
                                                                                                                       \
        note(miniport->log, #name);                                                                                    \
        miniport->tree = tree;                                                                                         \
    }
MINIPORT_TREE(MiniportInitiateOffload)
MINIPORT_TREE(MiniportTerminateOffload)
MINIPORT_TREE(MiniportUpdateOffload)
MINIPORT_TREE(MiniportInvalidateOffload)
MINIPORT_TREE(MiniportQueryOffload)

#define MINIPORT_DATA(name)                                                                                            \
    static NDIS_STATUS name(NDIS_HANDLE context, PVOID offload_context, PNET_BUFFER_LIST list)                         \
    {                                                                                                                  \
        struct fake_miniport *miniport = context;                                                                      \
                                                                                                                       \
        note(miniport->log, #name);                                                                                    \
        miniport->data_context = offload_context;                                                                      \
        miniport->list = list;                                                                                         \
        if (miniport->during != NULL) {                                                                                \
            miniport->during(miniport->during_ctx);                                                                    \
        }                                                                                                              \
        return miniport->answer;                                                                                       \
    }
MINIPORT_DATA(MiniportTcpOffloadSend)
MINIPORT_DATA(MiniportTcpOffloadReceive)
MINIPORT_DATA(MiniportTcpOffloadForward)

static NDIS_STATUS MiniportTcpOffloadDisconnect(NDIS_HANDLE context, PVOID offload_context, PNET_BUFFER_LIST list,
                                                ULONG flags)
{
    struct fake_miniport *miniport = context;

    note(miniport->log, "MiniportTcpOffloadDisconnect");
    miniport->data_context = offload_context;
    miniport->list = list;
    miniport->flags = flags;
    return miniport->answer;
}

static NDIS_STATUS MiniportTcpOffloadReceiveReturn(NDIS_HANDLE context, PNET_BUFFER_LIST list)
{
    struct fake_miniport *miniport = context;

    note(miniport->log, "MiniportTcpOffloadReceiveReturn");
    miniport->list = list;
    return miniport->return_answer;
}

static void MiniportSendNetBufferLists(NDIS_HANDLE context, PNET_BUFFER_LIST list, NDIS_PORT_NUMBER port, ULONG flags)
{
    struct fake_miniport *miniport = context;

    (void)port;
    note(miniport->log, "MiniportSendNetBufferLists");
    miniport->list = list;
    miniport->flags = flags;
}

static void MiniportReturnNetBufferLists(NDIS_HANDLE context, PNET_BUFFER_LIST list, ULONG flags)
{
    struct fake_miniport *miniport = context;

    note(miniport->log, "MiniportReturnNetBufferLists");
    miniport->list = list;
    miniport->flags = flags;
}

static NDIS_STATUS MiniportSetOptions(NDIS_HANDLE driver, NDIS_HANDLE context)
{
    struct fake_miniport *miniport = context;
    struct flue_provider_handlers handlers = FLUE_PROVIDER_HANDLERS;

    return fake_set_provider(driver, &handlers, miniport->options);
}

NDIS_STATUS fake_miniport_register(struct fake_miniport *miniport)
{
    NDIS_MINIPORT_DRIVER_CHARACTERISTICS calls = {
        .Header = {NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS, 1, sizeof calls},
        .SetOptionsHandler = MiniportSetOptions,
        .InitializeHandlerEx = MiniportInitializeEx,
        .HaltHandlerEx = MiniportHaltEx,
        .SendNetBufferListsHandler = MiniportSendNetBufferLists,
        .ReturnNetBufferListsHandler = MiniportReturnNetBufferLists,
        .OidRequestHandler = MiniportOidRequest,
    };

    return NdisMRegisterMiniportDriver(miniport->ndis, miniport, &calls, &miniport->driver);
}

/* ---- The protocol ---- */

#define PROTOCOL_TREE(name)                                                                                            \
    static void name(NDIS_HANDLE context, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree)                                      \
    {                                                                                                                  \
        struct fake_binding *binding = context;                                                                        \
                                                                                                                       \
        note(binding->protocol->log, #name);                                                                           \
        binding->protocol->binding = binding;                                                                          \
        binding->protocol->tree = tree;                                                                                \
    }
PROTOCOL_TREE(ProtocolInitiateOffloadComplete)
PROTOCOL_TREE(ProtocolTerminateOffloadComplete)
PROTOCOL_TREE(ProtocolUpdateOffloadComplete)
PROTOCOL_TREE(ProtocolInvalidateOffloadComplete)
PROTOCOL_TREE(ProtocolQueryOffloadComplete)

#define PROTOCOL_DATA(name)                                                                                            \
    static void name(NDIS_HANDLE context, PNET_BUFFER_LIST list)                                                       \
    {                                                                                                                  \
        struct fake_binding *binding = context;                                                                        \
                                                                                                                       \
        note(binding->protocol->log, #name);                                                                           \
        binding->protocol->binding = binding;                                                                          \
        binding->protocol->list = list;                                                                                \
        if (binding->protocol->during != NULL) {                                                                       \
            binding->protocol->during(binding->protocol->during_ctx);                                                  \
        }                                                                                                              \
    }
PROTOCOL_DATA(ProtocolTcpOffloadSendComplete)
PROTOCOL_DATA(ProtocolTcpOffloadReceiveComplete)
PROTOCOL_DATA(ProtocolTcpOffloadDisconnectComplete)
PROTOCOL_DATA(ProtocolTcpOffloadForwardComplete)

static void ProtocolIndicateOffloadEvent(NDIS_HANDLE context, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree, ULONG code)
{
    struct fake_binding *binding = context;

    note(binding->protocol->log, "ProtocolIndicateOffloadEvent");
    binding->protocol->binding = binding;
    binding->protocol->event = code;
    if (tree != NULL && binding->protocol->spoils) {
        tree->SourceHandle = binding;
    }
    if (tree != NULL && !binding->protocol->mute) {
        OFFLOAD_STATE_HEADER *cached = flue_state_next(flue_state_first(tree));

        binding->protocol->offload_context = tree->OffloadHandle;
        ((PNEIGHBOR_OFFLOAD_STATE_CACHED)(void *)cached)->HostReachabilityDelta = 77;
    }
}

static void ProtocolTcpOffloadEvent(PVOID context, ULONG event, ULONG information)
{
    struct fake_protocol *protocol = ((struct owned_handle *)context)->protocol;

    note(protocol->log, "ProtocolTcpOffloadEvent");
    protocol->offload_context = context;
    protocol->event = event;
    protocol->information = information;
}

static NDIS_STATUS ProtocolTcpOffloadReceiveIndicate(PVOID context, PNET_BUFFER_LIST list, NDIS_STATUS status,
                                                     ULONG *consumed)
{
    struct fake_protocol *protocol = ((struct owned_handle *)context)->protocol;

    protocol->status = status;
    note(protocol->log, "ProtocolTcpOffloadReceiveIndicate");
    protocol->offload_context = context;
    protocol->list = list;
    *consumed = protocol->consumed;
    if (protocol->during != NULL) {
        protocol->during(protocol->during_ctx);
    }
    if (protocol->return_at_once) {
        assert_int_equal(NdisOffloadTcpReceiveReturn(protocol->bindings[0].handle, list), NDIS_STATUS_SUCCESS);
    }
    return protocol->answer;
}

static void ProtocolReceiveNetBufferLists(NDIS_HANDLE context, PNET_BUFFER_LIST list, NDIS_PORT_NUMBER port,
                                          ULONG count, ULONG flags)
{
    struct fake_binding *binding = context;

    (void)port;
    (void)flags;
    note(binding->protocol->log, "ProtocolReceiveNetBufferLists");
    binding->protocol->list = list;
    binding->protocol->information = count;
}

static void ProtocolSendNetBufferListsComplete(NDIS_HANDLE context, PNET_BUFFER_LIST list, ULONG flags)
{
    struct fake_binding *binding = context;

    (void)flags;
    note(binding->protocol->log, "ProtocolSendNetBufferListsComplete");
    binding->protocol->binding = binding;
    binding->protocol->list = list;
}

static void ProtocolStatusEx(NDIS_HANDLE context, PNDIS_STATUS_INDICATION indication)
{
    struct fake_binding *binding = context;

    note(binding->protocol->log, "ProtocolStatusEx");
    binding->protocol->status = indication->StatusCode;
}

static void ProtocolOidRequestComplete(NDIS_HANDLE context, PNDIS_OID_REQUEST request, NDIS_STATUS status)
{
    struct fake_binding *binding = context;

    binding->protocol->binding = binding;
    binding->protocol->request = request;
    binding->protocol->request_status = status;
}

static NDIS_STATUS ProtocolNetPnPEvent(NDIS_HANDLE context, PNET_PNP_EVENT_NOTIFICATION event)
{
    struct fake_protocol *protocol = ((struct fake_binding *)context)->protocol;

    protocol->pnp = event;
    protocol->pnp_value = event->Value;
    protocol->pauses += event->NetEvent == NetEventPause;
    protocol->powers += event->NetEvent == NetEventSetPower;
    return protocol->pnp_answer;
}

static NDIS_STATUS ProtocolBindAdapterEx(NDIS_HANDLE driver_context, NDIS_HANDLE bind_context,
                                         PNDIS_BIND_PARAMETERS parameters)
{
    struct fake_protocol *protocol = driver_context;
    NDIS_OPEN_PARAMETERS open = {.AdapterName = parameters->AdapterName};

    protocol->capacity =
        parameters->TcpConnectionOffload == NULL ? 0 : parameters->TcpConnectionOffload->TcpConnectionOffloadCapacity;
    for (unsigned i = 0, opened = 0; i < 2 && opened < protocol->opens; i++) {
        struct fake_binding *binding = &protocol->bindings[i];

        if (binding->handle == NULL) {
            binding->protocol = protocol;
            assert_int_equal(NdisOpenAdapterEx(protocol->driver, binding, &open, bind_context, &binding->handle),
                             NDIS_STATUS_SUCCESS);
            opened++;
        }
    }
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS ProtocolUnbindAdapterEx(NDIS_HANDLE unbind_context, NDIS_HANDLE context)
{
    struct fake_binding *binding = context;
    NDIS_STATUS status;

    (void)unbind_context;
    status = NdisCloseAdapterEx(binding->handle);
    if (status == NDIS_STATUS_SUCCESS) {
        binding->handle = NULL;
    }
    return status;
}

static NDIS_STATUS ProtocolSetOptions(NDIS_HANDLE driver, NDIS_HANDLE context)
{
    struct fake_protocol *protocol = context;
    struct flue_client_handlers handlers = FLUE_CLIENT_HANDLERS;

    if (protocol->options & 4u) {
        handlers.tcp.TcpOffloadForwardCompleteHandler = NULL;
    }
    return fake_set_client(driver, &handlers, protocol->options);
}

NDIS_STATUS fake_protocol_register(struct fake_protocol *protocol)
{
    NDIS_PROTOCOL_DRIVER_CHARACTERISTICS calls = {
        .Header = {NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS, 1, sizeof calls},
        .SetOptionsHandler = ProtocolSetOptions,
        .BindAdapterHandlerEx = ProtocolBindAdapterEx,
        .UnbindAdapterHandlerEx = ProtocolUnbindAdapterEx,
        .ReceiveNetBufferListsHandler = ProtocolReceiveNetBufferLists,
        .SendNetBufferListsCompleteHandler = ProtocolSendNetBufferListsComplete,
        .StatusHandlerEx = ProtocolStatusEx,
        .OidRequestCompleteHandler = ProtocolOidRequestComplete,
        .NetPnPEventHandler = ProtocolNetPnPEvent,
    };

    return NdisRegisterProtocolDriver(protocol->ndis, protocol, &calls, &protocol->driver);
}

/* ---- The world ---- */

static flue_ps world_now(void *ctx)
{
    return ((struct fakes *)ctx)->now_ps;
}

static void *world_allocate(void *ctx, size_t bytes)
{
    ((struct fakes *)ctx)->memory_out += (int64_t)bytes;
    return calloc(1, bytes);
}

static void world_release(void *ctx, void *memory, size_t bytes)
{
    ((struct fakes *)ctx)->memory_out -= memory == NULL ? 0 : (int64_t)bytes;
    free(memory);
}

static void world_emit(void *ctx, const struct flue_event *event)
{
    struct fakes *fakes = ctx;

    assert_true(fakes->point_count < sizeof fakes->points / sizeof fakes->points[0]);
    fakes->points[fakes->point_count++] = event->point;
    fakes->last_event = *event;
}

void fakes_prepare(struct fakes *fakes, unsigned opens)
{
    memset(fakes, 0, sizeof *fakes);
    fakes->env =
        (struct flue_env){.ctx = fakes, .now = world_now, .allocate = world_allocate, .release = world_release};
    fakes->trace = (struct flue_trace){.ctx = fakes, .emit = world_emit, .node = 5};
    fakes->now_ps = 1000;
    assert_int_equal(flue_ndis_new(&fakes->env, &fakes->trace, &fakes->ndis), FLUE_OK);
    assert_int_equal(ndis_pool_new(&fakes->env, NDIS_POOL_SPANS, &fakes->spans), FLUE_OK);
    assert_int_equal(ndis_pool_new(&fakes->env, NDIS_POOL_FRAMES, &fakes->frames), FLUE_OK);
    fakes->miniport = (struct fake_miniport){.log = &fakes->log,
                                             .ndis = fakes->ndis,
                                             .options = 3,
                                             .asks = 3,
                                             .answer = NDIS_STATUS_PENDING,
                                             .return_answer = NDIS_STATUS_SUCCESS};
    fakes->protocol = (struct fake_protocol){.log = &fakes->log, .ndis = fakes->ndis, .options = 3, .opens = opens};
}

void fakes_start(struct fakes *fakes)
{
    assert_int_equal(fake_miniport_register(&fakes->miniport), NDIS_STATUS_SUCCESS);
    assert_int_equal(fake_protocol_register(&fakes->protocol), NDIS_STATUS_SUCCESS);
    assert_int_equal(flue_ndis_adapter_start(fakes->ndis, fakes->miniport.driver, "adapter 0", &fakes->miniport,
                                             &fakes->miniport.adapter),
                     FLUE_OK);
    assert_non_null(fakes->protocol.bindings[0].handle);
}

void fakes_begin(struct fakes *fakes, unsigned opens)
{
    fakes_prepare(fakes, opens);
    fakes_start(fakes);
}

void fakes_end(struct fakes *fakes)
{
    if (fakes->miniport.adapter != NULL) {
        struct flue_ndis_ledger ledger = flue_ndis_adapter_ledger(fakes->miniport.adapter);

        assert_int_equal(flue_ndis_ledger_total(&ledger), 0);
        assert_int_equal(flue_ndis_adapter_stop(fakes->ndis, fakes->miniport.adapter), FLUE_OK);
        assert_int_equal(fakes->miniport.halted, 1);
    }
    if (fakes->protocol.driver != NULL) {
        assert_int_equal(NdisDeregisterProtocolDriver(fakes->protocol.driver), NDIS_STATUS_SUCCESS);
    }
    if (fakes->miniport.driver != NULL) {
        assert_int_equal(NdisMDeregisterMiniportDriver(fakes->miniport.driver), NDIS_STATUS_SUCCESS);
    }
    flue_ndis_free(fakes->ndis);
    assert_int_equal(ndis_pool_live(fakes->spans), 0);
    assert_int_equal(ndis_pool_live(fakes->frames), 0);
    ndis_pool_free(fakes->spans);
    ndis_pool_free(fakes->frames);
    assert_int_equal(fakes->memory_out, 0);
}
