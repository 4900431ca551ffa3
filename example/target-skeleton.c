/* SPDX-License-Identifier: GPL-2.0-only */
/* target-skeleton.c - the least that is an adapter of the chimney interface: an ordinary NIC that refuses every object
 * it is offered, by the book.  Begin your own target at refuse().
 *
 *     cc -std=c11 -fPIC -shared -Iinclude example/target-skeleton.c -o mine.so
 *     ./flue run bulk --target ./mine.so --check=stop                                                  */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "flue/provider.h"

struct adapter {
    struct flue_provider_world world;
    NDIS_HANDLE driver, miniport;
    NDIS_TCP_OFFLOAD_EVENT_HANDLERS calls; /* copied: the dispatcher's block is not ours (CH-013) */
    struct ndis_pool *frames;
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST trees; /* to complete, linked by MiniportReserved[0] */
    PNET_BUFFER_LIST sent;                   /* ordinary sends to complete */
};

/* Nothing is completed from inside the call that asked for it: it is noted, and done when the alarm comes. */
static void later(struct adapter *adapter)
{
    const struct flue_env *env = adapter->world.env;

    env->set_alarm(env->ctx, env->now(env->ctx) + FLUE_PS_PER_US);
}

/* ---- State operations ---- */

static void MiniportInitiateOffload(NDIS_HANDLE MiniportAdapterContext,
                                    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    struct adapter *adapter = MiniportAdapterContext;

    OffloadBlockList->MiniportReserved[0] = adapter->trees;
    adapter->trees = OffloadBlockList;
    later(adapter);
}

/* Every block gets a status before the completion (CH-036).  A target that can do more looks at the layer, copies the
 * state structures behind the block (flue_state_first), writes the address of its own object into the slot
 * (*block->MiniportOffloadContext) and keeps block->NdisOffloadHandle for its indications. */
static flue_err refuse(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, void *root)
{
    bool placeholder = block->MiniportOffloadContext == NULL;

    block->Status = placeholder     ? NDIS_STATUS_SUCCESS
                    : block == root ? NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES
                                    : NDIS_STATUS_FAILURE;
    return FLUE_OK;
}

static void on_alarm(void *ctx, flue_ps now_ps)
{
    struct adapter *adapter = ctx;
    PNET_BUFFER_LIST sent = adapter->sent;

    (void)now_ps;
    adapter->sent = NULL;
    if (sent != NULL) {
        NdisMSendNetBufferListsComplete(adapter->miniport, sent, 0);
    }
    while (adapter->trees != NULL) {
        PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree = adapter->trees;

        adapter->trees = tree->MiniportReserved[0];
        (void)!flue_block_walk(tree, refuse, tree);
        NdisMInitiateOffloadComplete(adapter->miniport, tree);
    }
}

/* No object was ever taken, so none of these is called. */

static void no_tree(NDIS_HANDLE MiniportAdapterContext, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)
{
    (void)MiniportAdapterContext, (void)OffloadBlockList;
    abort();
}

static NDIS_STATUS no_request(NDIS_HANDLE MiniportAdapterContext, PVOID MiniportOffloadContext, PNET_BUFFER_LIST list)
{
    (void)MiniportAdapterContext, (void)MiniportOffloadContext, (void)list;
    abort();
}

static NDIS_STATUS no_disconnect(NDIS_HANDLE MiniportAdapterContext, PVOID MiniportOffloadContext,
                                 PNET_BUFFER_LIST list, ULONG Flags)
{
    (void)Flags;
    return no_request(MiniportAdapterContext, MiniportOffloadContext, list);
}

static NDIS_STATUS no_return(NDIS_HANDLE MiniportAdapterContext, PNET_BUFFER_LIST list)
{
    return no_request(MiniportAdapterContext, NULL, list);
}

/* ---- The ordinary NIC ---- */

static void MiniportSendNetBufferLists(NDIS_HANDLE MiniportAdapterContext, PNET_BUFFER_LIST list, NDIS_PORT_NUMBER port,
                                       ULONG SendFlags)
{
    struct adapter *adapter = MiniportAdapterContext;
    PNET_BUFFER_LIST *end = &adapter->sent;

    (void)port, (void)SendFlags;
    for (PNET_BUFFER_LIST one = list; one != NULL; one = one->Next) {
        (void)adapter->world.wire->send(adapter->world.wire->ctx, ndis_nbl_frame(one)); /* FULL: lost, as wires do */
    }
    while (*end != NULL) {
        end = &(*end)->Next;
    }
    *end = list;
    later(adapter);
}

static void MiniportReturnNetBufferLists(NDIS_HANDLE MiniportAdapterContext, PNET_BUFFER_LIST list, ULONG ReturnFlags)
{
    (void)MiniportAdapterContext, (void)ReturnFlags;
    while (list != NULL) {
        PNET_BUFFER_LIST next = list->Next;

        ndis_nbl_put(list);
        list = next;
    }
}

static void receive(void *ctx, const struct flue_frame *frame, flue_ps now_ps)
{
    struct adapter *adapter = ctx;
    PNET_BUFFER_LIST list = ndis_nbl_get(adapter->frames);

    (void)now_ps;
    if (list != NULL) {
        *ndis_nbl_frame(list) = *frame;
        NdisMIndicateReceiveNetBufferLists(adapter->miniport, list, 0, 1, 0);
    }
}

/* ---- Life ---- */

static NDIS_STATUS MiniportSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    const NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS generic = {
        .Header = {NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, 1, sizeof generic},
        .InitiateOffloadHandler = MiniportInitiateOffload,
        .TerminateOffloadHandler = no_tree,
        .UpdateOffloadHandler = no_tree,
        .InvalidateOffloadHandler = no_tree,
        .QueryOffloadHandler = no_tree};
    const NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS tcp = {
        .Header = {NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS, 1, sizeof tcp},
        .OffloadType = NdisTcpChimneyOffload,
        .TcpOffloadSendHandler = no_request,
        .TcpOffloadReceiveHandler = no_request,
        .TcpOffloadDisconnectHandler = no_disconnect,
        .TcpOffloadForwardHandler = no_request,
        .TcpOffloadReceiveReturnHandler = no_return};
    NDIS_STATUS status = NdisSetOptionalHandlers(NdisDriverHandle, &generic.Header);

    (void)DriverContext;
    return status != NDIS_STATUS_SUCCESS ? status : NdisSetOptionalHandlers(NdisDriverHandle, &tcp.Header);
}

static NDIS_STATUS MiniportInitializeEx(NDIS_HANDLE NdisMiniportHandle, NDIS_HANDLE MiniportDriverContext,
                                        PNDIS_MINIPORT_INIT_PARAMETERS MiniportInitParameters)
{
    struct adapter *adapter = MiniportDriverContext;
    const NDIS_TCP_CONNECTION_OFFLOAD can = {.Header = {NDIS_OBJECT_TYPE_DEFAULT, 1, sizeof can},
                                             .SupportIPv4 = 1,
                                             .TcpConnectionOffloadCapacity = adapter->world.tcp_max};
    const NDIS_MINIPORT_ADAPTER_ATTRIBUTES attributes = {
        .MiniportAdapterContext = adapter, .TcpConnectionOffload = &can, .HardwareTcpConnectionOffload = &can};
    PNDIS_OFFLOAD_EVENT_HANDLERS calls;
    NDIS_STATUS status = NdisMSetMiniportAttributes(NdisMiniportHandle, &attributes);

    (void)MiniportInitParameters;
    if (status == NDIS_STATUS_SUCCESS &&
        (status = NdisMGetOffloadHandlers(NdisMiniportHandle, NdisTcpChimneyOffload, &calls)) == NDIS_STATUS_SUCCESS) {
        memcpy(&adapter->calls, calls, sizeof adapter->calls);
    }
    return status;
}

static void MiniportHaltEx(NDIS_HANDLE MiniportAdapterContext)
{
    (void)MiniportAdapterContext;
}

static uint64_t objects_live(const void *ctx)
{
    const struct adapter *adapter = ctx;

    return ndis_pool_live(adapter->frames) + (adapter->trees != NULL) + (adapter->sent != NULL);
}

static void destroy(void *ctx)
{
    struct adapter *adapter = ctx;

    (void)!flue_ndis_adapter_stop(adapter->world.ndis, adapter->miniport);
    ndis_pool_free(adapter->frames);
    free(adapter);
}

static flue_err create(const struct flue_provider_world *world, void **out, NDIS_HANDLE *miniport)
{
    static const NDIS_MINIPORT_DRIVER_CHARACTERISTICS driver = {
        .Header = {NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS, 1, sizeof driver},
        .SetOptionsHandler = MiniportSetOptions,
        .InitializeHandlerEx = MiniportInitializeEx,
        .HaltHandlerEx = MiniportHaltEx,
        .SendNetBufferListsHandler = MiniportSendNetBufferLists,
        .ReturnNetBufferListsHandler = MiniportReturnNetBufferLists};
    struct adapter *adapter = calloc(1, sizeof *adapter);
    flue_err err = adapter == NULL ? FLUE_ENOMEM : FLUE_OK;

    if (err == FLUE_OK) {
        adapter->world = *world;
        err = ndis_pool_new(world->env, NDIS_POOL_FRAMES, &adapter->frames);
    }
    if (err == FLUE_OK &&
        NdisMRegisterMiniportDriver(world->ndis, adapter, &driver, &adapter->driver) != NDIS_STATUS_SUCCESS) {
        err = FLUE_ESTATE;
    }
    if (err == FLUE_OK) {
        err = flue_ndis_adapter_start(world->ndis, adapter->driver, "skeleton", NULL, &adapter->miniport);
    }
    *out = adapter;
    *miniport = adapter != NULL ? adapter->miniport : NULL;
    return err;
}

const struct flue_provider *flue_provider(void)
{
    static const struct flue_provider skeleton = {.abi = FLUE_PROVIDER_ABI,
                                                  .list_bytes = sizeof(NET_BUFFER_LIST),
                                                  .frame_bytes = sizeof(struct flue_frame),
                                                  .provider_bytes = sizeof(struct flue_provider),
                                                  .name = "skeleton",
                                                  .create = create,
                                                  .receive = receive,
                                                  .alarm = on_alarm,
                                                  .objects_live = objects_live,
                                                  .destroy = destroy};

    return &skeleton;
}
