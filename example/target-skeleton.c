/* SPDX-License-Identifier: GPL-2.0-only */
/* target-skeleton.c - the least that is an adapter of the chimney interface: an ordinary NIC that refuses every object
 * it is offered, by the book.  Begin your own target at refuse(); doc/targets.md tells how to compile and run it. */
#include <stdlib.h>

#include "flue/provider.h"

struct adapter {
    struct flue_provider_world world;
    NDIS_HANDLE miniport;
    NDIS_TCP_OFFLOAD_EVENT_HANDLERS calls; /* copied: the dispatcher's block is not ours (CH-013) */
    struct ndis_pool *frames;
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST trees; /* to complete, linked by MiniportReserved[0] */
    struct ndis_chain sent;                  /* ordinary sends to complete */
};

/* Nothing is completed from inside the call that asked for it: it is noted, and done when the alarm comes. */
static void later(const struct flue_env *env)
{
    env->set_alarm(env->ctx, env->now(env->ctx) + FLUE_PS_PER_US);
}

/* ---- State operations ---- */

static void MiniportInitiateOffload(NDIS_HANDLE context, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    struct adapter *adapter = context;

    tree->MiniportReserved[0] = adapter->trees;
    adapter->trees = tree;
    later(adapter->world.env);
}

/* Every block gets a status before the completion (CH-036).  A target that can do more copies the state structures
 * behind the block (flue_state_first), writes the address of an object of its own into *block->MiniportOffloadContext,
 * and keeps block->NdisOffloadHandle for its indications. */
static flue_err refuse(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, void *root)
{
    block->Status = block->MiniportOffloadContext == NULL ? NDIS_STATUS_SUCCESS /* a placeholder: no object */
                    : block == root                       ? NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES
                                                          : NDIS_STATUS_FAILURE;
    return FLUE_OK;
}

static void on_alarm(void *ctx, flue_ps now_ps)
{
    struct adapter *adapter = ctx;

    (void)now_ps;
    if (adapter->sent.first != NULL) {
        NdisMSendNetBufferListsComplete(adapter->miniport, ndis_chain_take(&adapter->sent), 0);
    }
    while (adapter->trees != NULL) {
        PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree = adapter->trees;

        adapter->trees = tree->MiniportReserved[0];
        (void)!flue_block_walk(tree, refuse, tree);
        NdisMInitiateOffloadComplete(adapter->miniport, tree);
    }
}

/* ---- What is asked of objects that were taken.  Here none ever is, so none of these is called. ---- */

static void no_tree(NDIS_HANDLE context, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    (void)context, (void)tree;
    abort();
}

static NDIS_STATUS no_data(NDIS_HANDLE context, PVOID object, PNET_BUFFER_LIST list)
{
    (void)context, (void)object, (void)list;
    abort();
}

static NDIS_STATUS no_disconnect(NDIS_HANDLE context, PVOID object, PNET_BUFFER_LIST list, ULONG flags)
{
    (void)flags;
    return no_data(context, object, list);
}

static NDIS_STATUS no_return(NDIS_HANDLE context, PNET_BUFFER_LIST list)
{
    return no_data(context, NULL, list);
}

/* ---- The ordinary NIC ---- */

static void MiniportSendNetBufferLists(NDIS_HANDLE context, PNET_BUFFER_LIST list, NDIS_PORT_NUMBER port, ULONG flags)
{
    struct adapter *adapter = context;
    const struct flue_wire *wire = adapter->world.wire;

    (void)port, (void)flags;
    for (PNET_BUFFER_LIST next; list != NULL; list = next) {
        next = list->Next;
        (void)wire->send(wire->ctx, ndis_nbl_frame(list)); /* FULL: lost, as wires do */
        ndis_chain_append(&adapter->sent, list);
    }
    later(adapter->world.env);
}

static void MiniportReturnNetBufferLists(NDIS_HANDLE context, PNET_BUFFER_LIST list, ULONG flags)
{
    (void)context, (void)flags;
    ndis_chain_put(list);
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

static NDIS_STATUS MiniportSetOptions(NDIS_HANDLE driver, NDIS_HANDLE context)
{
    static const struct flue_provider_handlers handlers = {
        .generic = {.InitiateOffloadHandler = MiniportInitiateOffload,
                    .TerminateOffloadHandler = no_tree,
                    .UpdateOffloadHandler = no_tree,
                    .InvalidateOffloadHandler = no_tree,
                    .QueryOffloadHandler = no_tree},
        .tcp = {.TcpOffloadSendHandler = no_data,
                .TcpOffloadReceiveHandler = no_data,
                .TcpOffloadDisconnectHandler = no_disconnect,
                .TcpOffloadForwardHandler = no_data,
                .TcpOffloadReceiveReturnHandler = no_return}};

    (void)context;
    return flue_ndis_set_provider(driver, &handlers);
}

static NDIS_STATUS MiniportInitializeEx(NDIS_HANDLE miniport, NDIS_HANDLE context, PNDIS_MINIPORT_INIT_PARAMETERS init)
{
    struct adapter *adapter = context;
    const NDIS_TCP_CONNECTION_OFFLOAD can = {.SupportIPv4 = 1, .TcpConnectionOffloadCapacity = adapter->world.tcp_max};

    (void)init;
    return flue_ndis_initialise_target(miniport, adapter, &can, &adapter->calls);
}

static void MiniportHaltEx(NDIS_HANDLE context)
{
    (void)context;
}

static uint64_t objects_live(const void *ctx)
{
    const struct adapter *adapter = ctx;

    return ndis_pool_live(adapter->frames) + (adapter->trees != NULL) + adapter->sent.count;
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
        .SetOptionsHandler = MiniportSetOptions,
        .InitializeHandlerEx = MiniportInitializeEx,
        .HaltHandlerEx = MiniportHaltEx,
        .SendNetBufferListsHandler = MiniportSendNetBufferLists,
        .ReturnNetBufferListsHandler = MiniportReturnNetBufferLists,
    };
    struct adapter *adapter = *out = calloc(1, sizeof *adapter);
    flue_err err;

    if (adapter == NULL || ndis_pool_new(world->env, NDIS_POOL_FRAMES, &adapter->frames) != FLUE_OK) {
        return FLUE_ENOMEM;
    }
    adapter->world = *world;
    err = flue_ndis_start_target(world->ndis, &driver, "skeleton", adapter, &adapter->miniport);
    *miniport = adapter->miniport;
    return err;
}

const struct flue_provider *flue_provider(void)
{
    static const struct flue_provider skeleton = {
        FLUE_PROVIDER_VERSIONS, .name = "skeleton",           .create = create,   .receive = receive,
        .alarm = on_alarm,      .objects_live = objects_live, .destroy = destroy,
    };

    return &skeleton;
}
