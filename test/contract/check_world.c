/* SPDX-License-Identifier: GPL-2.0-only */
/* The scripted drivers and the world they live in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check_world.h"

static struct world *present; /* whose script runs: an event names a handle only */

/* ---- The target's handlers ---- */

static NDIS_STATUS initialise(NDIS_HANDLE handle, NDIS_HANDLE driver_context, PNDIS_MINIPORT_INIT_PARAMETERS parameters)
{
    struct world *world = driver_context;

    (void)parameters;
    return flue_ndis_initialise_target(handle, world, &world->capability, &world->up);
}

static void halt(NDIS_HANDLE context)
{
    (void)context;
}

static void came_down(struct world *world, enum operation operation, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    world->tree = tree;
    world->operation = operation;
    if (world->inside) {
        answer(world);
    }
}

#define TREE_DOWN(name, operation)                                                                                     \
    static void name(NDIS_HANDLE context, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)                                      \
    {                                                                                                                  \
        came_down(context, operation, tree);                                                                           \
    }
TREE_DOWN(initiate_down, INITIATE)
TREE_DOWN(terminate_down, TERMINATE)
TREE_DOWN(update_down, UPDATE)
TREE_DOWN(invalidate_down, INVALIDATE)
TREE_DOWN(query_down, QUERY)

static NDIS_STATUS data_down(NDIS_HANDLE context, PVOID offload_context, PNET_BUFFER_LIST list)
{
    (void)offload_context;
    ((struct world *)context)->list = list;
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS receive_down(NDIS_HANDLE context, PVOID offload_context, PNET_BUFFER_LIST list)
{
    struct world *world = context;

    if (world->on_receive != NULL) {
        world->on_receive(world);
    }
    return data_down(context, offload_context, list);
}

static NDIS_STATUS disconnect_down(NDIS_HANDLE context, PVOID offload_context, PNET_BUFFER_LIST list, ULONG flags)
{
    (void)flags;
    return data_down(context, offload_context, list);
}

static NDIS_STATUS return_down(NDIS_HANDLE context, PNET_BUFFER_LIST list)
{
    ((struct world *)context)->list = list;
    return NDIS_STATUS_SUCCESS;
}

static void frames_down(NDIS_HANDLE context, PNET_BUFFER_LIST list, NDIS_PORT_NUMBER port, ULONG flags)
{
    (void)context;
    (void)list;
    (void)port;
    (void)flags;
}

static void frames_back(NDIS_HANDLE context, PNET_BUFFER_LIST list, ULONG flags)
{
    (void)context;
    (void)list;
    (void)flags;
}

static NDIS_STATUS target_options(NDIS_HANDLE driver, NDIS_HANDLE context)
{
    static const struct flue_provider_handlers handlers = {
        .generic = {.InitiateOffloadHandler = initiate_down,
                    .TerminateOffloadHandler = terminate_down,
                    .UpdateOffloadHandler = update_down,
                    .InvalidateOffloadHandler = invalidate_down,
                    .QueryOffloadHandler = query_down},
        .tcp = {.TcpOffloadSendHandler = data_down,
                .TcpOffloadReceiveHandler = receive_down,
                .TcpOffloadDisconnectHandler = disconnect_down,
                .TcpOffloadForwardHandler = data_down,
                .TcpOffloadReceiveReturnHandler = return_down},
    };

    (void)context;
    return flue_ndis_set_provider(driver, &handlers);
}

/* ---- The host's handlers ---- */

static void tree_up(NDIS_HANDLE context, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree)
{
    ((struct world *)context)->done = tree;
}

static void data_up(NDIS_HANDLE context, PNET_BUFFER_LIST list)
{
    ((struct world *)context)->list = list;
}

static void generic_event(NDIS_HANDLE context, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree, ULONG code)
{
    (void)context;
    (void)tree;
    (void)code;
}

static void tcp_event(PVOID context, ULONG event, ULONG information)
{
    (void)context;
    if (present->on_event != NULL) {
        present->on_event(present);
    }
    (void)event;
    (void)information;
}

static NDIS_STATUS indicated(PVOID context, PNET_BUFFER_LIST list, NDIS_STATUS status, ULONG *consumed)
{
    (void)context;
    (void)status;
    *consumed = (ULONG)ndis_nbl_bytes(list);
    return NDIS_STATUS_SUCCESS;
}

static void frames_up(NDIS_HANDLE context, PNET_BUFFER_LIST list, NDIS_PORT_NUMBER port, ULONG count, ULONG flags)
{
    (void)context;
    (void)list;
    (void)port;
    (void)count;
    (void)flags;
}

static NDIS_STATUS bind(NDIS_HANDLE context, NDIS_HANDLE bind_context, PNDIS_BIND_PARAMETERS parameters)
{
    struct world *world = context;
    NDIS_OPEN_PARAMETERS open = {.AdapterName = parameters->AdapterName};

    return NdisOpenAdapterEx(world->protocol, world, &open, bind_context, &world->binding);
}

static NDIS_STATUS unbind(NDIS_HANDLE unbind_context, NDIS_HANDLE context)
{
    (void)unbind_context;
    return NdisCloseAdapterEx(((struct world *)context)->binding);
}

static NDIS_STATUS host_options(NDIS_HANDLE driver, NDIS_HANDLE context)
{
    static const struct flue_client_handlers handlers = {
        .generic = {.InitiateOffloadCompleteHandler = tree_up,
                    .TerminateOffloadCompleteHandler = tree_up,
                    .UpdateOffloadCompleteHandler = tree_up,
                    .InvalidateOffloadCompleteHandler = tree_up,
                    .QueryOffloadCompleteHandler = tree_up,
                    .IndicateOffloadEventHandler = generic_event},
        .tcp = {.TcpOffloadSendCompleteHandler = data_up,
                .TcpOffloadReceiveCompleteHandler = data_up,
                .TcpOffloadDisconnectCompleteHandler = data_up,
                .TcpOffloadForwardCompleteHandler = data_up,
                .TcpOffloadEventHandler = tcp_event,
                .TcpOffloadReceiveIndicateHandler = indicated},
    };

    (void)context;
    return flue_ndis_set_client(driver, &handlers);
}

/* ---- The world ---- */

static flue_ps now(void *ctx)
{
    return ((struct world *)ctx)->now_ps;
}

static void *allocate(void *ctx, size_t bytes)
{
    ((struct world *)ctx)->memory_out += (int64_t)bytes;
    return calloc(1, bytes);
}

static void release(void *ctx, void *memory, size_t bytes)
{
    ((struct world *)ctx)->memory_out -= memory == NULL ? 0 : (int64_t)bytes;
    free(memory);
}

static void found(void *ctx, const struct flue_finding *finding)
{
    struct world *world = ctx;
    unsigned index = world->findings;

    if (index < WORLD_FINDINGS) {
        world->finding[index] = *finding;
        strncpy(world->seen[index], finding->seen, sizeof world->seen[index] - 1);
        world->findings++;
    }
}

void world_begin(struct world *world, enum flue_ndis_version version)
{
    const struct flue_check_sink sink = {.ctx = world, .finding = found};
    const NDIS_MINIPORT_DRIVER_CHARACTERISTICS target = {
        .Header = {NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS, 1, sizeof target},
        .SetOptionsHandler = target_options,
        .InitializeHandlerEx = initialise,
        .HaltHandlerEx = halt,
        .SendNetBufferListsHandler = frames_down,
        .ReturnNetBufferListsHandler = frames_back,
    };
    const NDIS_PROTOCOL_DRIVER_CHARACTERISTICS host = {
        .Header = {NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS, 1, sizeof host},
        .SetOptionsHandler = host_options,
        .BindAdapterHandlerEx = bind,
        .UnbindAdapterHandlerEx = unbind,
        .ReceiveNetBufferListsHandler = frames_up,
        .SendNetBufferListsCompleteHandler = frames_back,
    };

    memset(world, 0, sizeof *world);
    present = world;
    world->env = (struct flue_env){.ctx = world, .now = now, .allocate = allocate, .release = release};
    world->ddi = flue_ddi_defaults();
    world->ddi.ndis_version = (uint8_t)version;
    world->capability = (NDIS_TCP_CONNECTION_OFFLOAD){
        .SupportIPv4 = 1, .SupportIPv6 = 1, .SupportSack = 1, .TcpConnectionOffloadCapacity = 2};
    assert_int_equal(flue_ndis_new(&world->env, NULL, &world->ndis), FLUE_OK);
    assert_int_equal(flue_ndis_check(world->ndis, FLUE_CHECK_COUNT, &world->ddi, &sink), FLUE_OK);
    assert_int_equal(ndis_pool_new(&world->env, NDIS_POOL_SPANS, &world->spans), FLUE_OK);
    assert_int_equal(ndis_pool_new(&world->env, NDIS_POOL_FRAMES, &world->frames), FLUE_OK);
    assert_int_equal(NdisMRegisterMiniportDriver(world->ndis, world, &target, &world->driver), NDIS_STATUS_SUCCESS);
    assert_int_equal(NdisRegisterProtocolDriver(world->ndis, world, &host, &world->protocol), NDIS_STATUS_SUCCESS);
    assert_int_equal(flue_ndis_adapter_start(world->ndis, world->driver, "target", world, &world->adapter), FLUE_OK);
    assert_non_null(world->binding);
}

void world_end(struct world *world)
{
    flue_ndis_check_end(world->ndis);
    flue_ndis_free(world->ndis);
    ndis_pool_free(world->spans);
    ndis_pool_free(world->frames);
    assert_int_equal(world->memory_out, 0);
}

unsigned world_found(const struct world *world, unsigned rule)
{
    unsigned count = 0;

    for (unsigned i = 0; i < world->findings; i++) {
        count += world->finding[i].rule == rule;
    }
    return count;
}
