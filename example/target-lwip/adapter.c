/* SPDX-License-Identifier: GPL-2.0-only */
/* adapter.c - the library's face: life, the ordinary NIC, the clock; and the handlers, which only note what is to be
 * done.  Whatever goes up goes up from the alarm. */
#include <stdlib.h>

#include "lwip/init.h"
#include "lwip_target.h"

/* lwIP asks for these: there is no other thread, and no clock but the simulation's. */
static u32_t present_ms;

u32_t sys_now(void)
{
    return present_ms;
}

void sys_check_core_locking(void)
{
}

flue_ps adapter_now(const struct adapter *adapter)
{
    return adapter->world.env->now(adapter->world.env->ctx);
}

void adapter_wake(struct adapter *adapter, flue_ps at_ps)
{
    if (at_ps < adapter->alarm_ps) {
        adapter->alarm_ps = at_ps;
        adapter->world.env->set_alarm(adapter->world.env->ctx, at_ps);
    }
}

void adapter_later(struct adapter *adapter)
{
    adapter_wake(adapter, adapter_now(adapter) + FLUE_PS_PER_US);
}

/* ---- Handlers ---- */

static void note(struct adapter *adapter, enum operation operation, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    objects_now(operation, tree);
    tree->MiniportReserved[0] = NULL;
    tree->MiniportReserved[1] = (PVOID)(uintptr_t)operation;
    if (adapter->trees.first == NULL) {
        adapter->trees.first = tree;
    } else {
        adapter->trees.last->MiniportReserved[0] = tree;
    }
    adapter->trees.last = tree;
    adapter_later(adapter);
}

#define STATE_HANDLER(name, operation)                                                                                 \
    static void name(NDIS_HANDLE MiniportAdapterContext, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST OffloadBlockList)           \
    {                                                                                                                  \
        note(MiniportAdapterContext, operation, OffloadBlockList);                                                     \
    }
STATE_HANDLER(MiniportInitiateOffload, INITIATE)
STATE_HANDLER(MiniportTerminateOffload, TERMINATE)
STATE_HANDLER(MiniportUpdateOffload, UPDATE)
STATE_HANDLER(MiniportInvalidateOffload, INVALIDATE)
STATE_HANDLER(MiniportQueryOffload, QUERY)

#define DATA_HANDLER(name, function)                                                                                   \
    static NDIS_STATUS name(NDIS_HANDLE MiniportAdapterContext, PVOID MiniportOffloadContext,                          \
                            PNET_BUFFER_LIST NetBufferList)                                                            \
    {                                                                                                                  \
        (void)MiniportAdapterContext;                                                                                  \
        function(MiniportOffloadContext, NetBufferList);                                                               \
        return NDIS_STATUS_PENDING;                                                                                    \
    }
DATA_HANDLER(MiniportTcpOffloadSend, data_send)
DATA_HANDLER(MiniportTcpOffloadReceive, upward_post)
DATA_HANDLER(MiniportTcpOffloadForward, upward_forward)

static NDIS_STATUS MiniportTcpOffloadDisconnect(NDIS_HANDLE MiniportAdapterContext, PVOID MiniportOffloadContext,
                                                PNET_BUFFER_LIST NetBufferList, ULONG Flags)
{
    (void)MiniportAdapterContext;
    data_disconnect(MiniportOffloadContext, NetBufferList, Flags);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS MiniportTcpOffloadReceiveReturn(NDIS_HANDLE MiniportAdapterContext, PNET_BUFFER_LIST NetBufferList)
{
    (void)MiniportAdapterContext;
    upward_return(NetBufferList);
    return NDIS_STATUS_SUCCESS;
}

/* ---- The ordinary NIC ---- */

static void MiniportSendNetBufferLists(NDIS_HANDLE MiniportAdapterContext, PNET_BUFFER_LIST NetBufferList,
                                       NDIS_PORT_NUMBER PortNumber, ULONG SendFlags)
{
    struct adapter *adapter = MiniportAdapterContext;

    (void)PortNumber, (void)SendFlags;
    while (NetBufferList != NULL) {
        PNET_BUFFER_LIST one = NetBufferList;

        NetBufferList = one->Next;
        (void)adapter->world.wire->send(adapter->world.wire->ctx, ndis_nbl_frame(one)); /* FULL: lost, as wires do */
        ndis_chain_append(&adapter->sent, one);
    }
    adapter_later(adapter);
}

static void MiniportReturnNetBufferLists(NDIS_HANDLE MiniportAdapterContext, PNET_BUFFER_LIST NetBufferLists,
                                         ULONG ReturnFlags)
{
    (void)MiniportAdapterContext, (void)ReturnFlags;
    ndis_chain_put(NetBufferLists);
}

void adapter_ordinary(struct adapter *adapter, const struct flue_frame *frame)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(adapter->frames);

    if (nbl != NULL) {
        *ndis_nbl_frame(nbl) = *frame;
        if (!adapter->upward) {
            upward_append(&adapter->waiting, nbl);
            adapter_later(adapter);
            return;
        }
        NdisMIndicateReceiveNetBufferLists(adapter->miniport, nbl, 0, 1, 0);
    }
}

static void receive(void *ctx, const struct flue_frame *frame, flue_ps now_ps)
{
    struct adapter *adapter = ctx;
    struct conn *conn =
        frame->kind == FLUE_FRAME_TCP && (frame->ip & FLUE_IP_OPTIONS) == 0 ? conn_find(adapter, frame) : NULL;

    present_ms = (u32_t)(now_ps / FLUE_PS_PER_MS);
    adapter->upward = true;
    if (conn == NULL || conn->state == CONN_TERMINATING || conn->state == CONN_ABORTED) {
        adapter_ordinary(adapter, frame);
    } else {
        data_segment(conn, frame);
    }
    adapter->upward = false;
}

/* ---- The alarm ---- */

static void complete_trees(struct adapter *adapter)
{
    while (adapter->trees.first != NULL) {
        PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree = adapter->trees.first;

        adapter->trees.first = tree->MiniportReserved[0];
        objects_complete(adapter, (enum operation)(uintptr_t)tree->MiniportReserved[1], tree);
    }
}

/* lwIP counts in steps of 250 ms, for all its connections at once; every second step is its slow timer. */
static struct {
    flue_ps next_ps;
    bool slow;
} clock;

static void tick(struct adapter *adapter, flue_ps now_ps)
{
    if (tcp_active_pcbs == NULL) {
        clock.next_ps = now_ps;
    }
    while (clock.next_ps <= now_ps) {
        clock.next_ps += TICK_MS / 2 * FLUE_PS_PER_MS;
        tcp_fasttmr();
        clock.slow = !clock.slow;
        if (clock.slow) {
            tcp_slowtmr();
        }
    }
    if (adapter->conns > 0) {
        adapter_wake(adapter, clock.next_ps);
    }
}

static void on_alarm(void *ctx, flue_ps now_ps)
{
    struct adapter *adapter = ctx;
    PNET_BUFFER_LIST sent = ndis_chain_take(&adapter->sent);

    present_ms = (u32_t)(now_ps / FLUE_PS_PER_MS);
    adapter->alarm_ps = FLUE_PS_NEVER;
    adapter->upward = true;
    if (sent != NULL) {
        NdisMSendNetBufferListsComplete(adapter->miniport, sent, 0);
    }
    while (adapter->waiting != NULL) {
        PNET_BUFFER_LIST nbl = adapter->waiting;

        adapter->waiting = nbl->Next;
        nbl->Next = NULL;
        NdisMIndicateReceiveNetBufferLists(adapter->miniport, nbl, 0, 1, 0);
    }
    tick(adapter, now_ps);
    complete_trees(adapter);
    while (adapter->work != NULL) {
        struct conn *conn = adapter->work;

        adapter->work = conn->work;
        conn->listed = false;
        upward_tell(conn);
    }
    tick(adapter, now_ps);
    adapter->upward = false;
}

/* ---- Life ---- */

static NDIS_STATUS MiniportSetOptions(NDIS_HANDLE NdisDriverHandle, NDIS_HANDLE DriverContext)
{
    static const struct flue_provider_handlers handlers = FLUE_PROVIDER_HANDLERS;

    (void)DriverContext;
    return flue_ndis_set_provider(NdisDriverHandle, &handlers);
}

static NDIS_STATUS MiniportInitializeEx(NDIS_HANDLE NdisMiniportHandle, NDIS_HANDLE MiniportDriverContext,
                                        PNDIS_MINIPORT_INIT_PARAMETERS MiniportInitParameters)
{
    struct adapter *adapter = MiniportDriverContext;
    const NDIS_TCP_CONNECTION_OFFLOAD can = {.SupportIPv4 = 1, .TcpConnectionOffloadCapacity = adapter->world.tcp_max};

    (void)MiniportInitParameters;
    return flue_ndis_initialise_target(NdisMiniportHandle, adapter, &can, &adapter->calls);
}

static void MiniportHaltEx(NDIS_HANDLE MiniportAdapterContext)
{
    (void)MiniportAdapterContext;
}

static err_t init_netif(struct netif *netif)
{
    netif->name[0] = 'f';
    netif->name[1] = 'l';
    netif->mtu = 1500;
    netif->output = packet_output;
    return ERR_OK;
}

static bool start_lwip(struct adapter *adapter)
{
    static bool ready;
    ip4_addr_t any = {.addr = 0};

    if (!ready) {
        lwip_init();
        ready = true;
    }
    if (netif_add(&adapter->netif, &any, &any, &any, adapter, init_netif, ip_input) == NULL) {
        return false;
    }
    netif_set_up(&adapter->netif);
    netif_set_link_up(&adapter->netif);
    return true;
}

static uint64_t objects_live(const void *ctx)
{
    const struct adapter *adapter = ctx;

    return adapter->neighbours + adapter->paths + adapter->conns + ndis_pool_live(adapter->frames) +
           ndis_pool_live(adapter->spans) + (adapter->trees.first != NULL) + (adapter->sent.first != NULL);
}

static void destroy(void *ctx)
{
    struct adapter *adapter = ctx;

    if (adapter->miniport != NULL) {
        (void)!flue_ndis_adapter_stop(adapter->world.ndis, adapter->miniport);
        netif_remove(&adapter->netif);
    }
    ndis_pool_free(adapter->frames);
    ndis_pool_free(adapter->spans);
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
    struct adapter *adapter = calloc(1, sizeof *adapter);
    flue_err err = adapter == NULL ? FLUE_ENOMEM : FLUE_OK;

    if (err == FLUE_OK) {
        *adapter = (struct adapter){.world = *world, .alarm_ps = FLUE_PS_NEVER};
        err = ndis_pool_new(world->env, NDIS_POOL_FRAMES, &adapter->frames);
    }
    if (err == FLUE_OK) {
        err = ndis_pool_new(world->env, NDIS_POOL_SPANS, &adapter->spans);
    }
    if (err == FLUE_OK) {
        err = start_lwip(adapter) ? flue_ndis_start_target(world->ndis, &driver, "lwip", adapter, &adapter->miniport)
                                  : FLUE_ESTATE;
    }
    *out = adapter;
    *miniport = adapter != NULL ? adapter->miniport : NULL;
    return err;
}

const struct flue_provider *flue_provider(void)
{
    static const struct flue_provider lwip = {
        FLUE_PROVIDER_VERSIONS,       .name = "lwip",     .create = create, .receive = receive, .alarm = on_alarm,
        .objects_live = objects_live, .destroy = destroy,
    };

    return &lwip;
}
