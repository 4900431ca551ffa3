/* SPDX-License-Identifier: GPL-2.0-only */
/* The host of target `tree`: it notes what is lent, and takes what comes back. */
#include "fuzz/tree_world.h"

#include <stdlib.h>

#define UNREACHED ((NDIS_STATUS)-1)

static struct tree_world the_world;

static void put_chain(PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        FUZZ_REQUIRE(the_world.lent > 0);
        the_world.lent--;
        ndis_nbl_put(first);
        first = next;
    }
}

PNET_BUFFER_LIST tree_world_nbl(struct tree_world *world, uint64_t offset, uint32_t bytes)
{
    const struct flue_span span = {.offset_bytes = offset, .stream = 2, .length_bytes = bytes};
    PNET_BUFFER_LIST nbl = ndis_nbl_get(world->spans);

    FUZZ_REQUIRE(nbl != NULL && ndis_nbl_append(nbl, &span) == FLUE_OK);
    world->lent++;
    return nbl;
}

/* ---- Trees ---- */

static void forget(struct tree *tree)
{
    for (unsigned i = 0; i < tree->count; i++) {
        put_chain(tree->buffered[i]);
        free(tree->block[i]);
    }
    *tree = (struct tree){0};
}

static void finished(struct tree_world *world, unsigned operation, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    struct tree *tree = NULL;

    for (unsigned i = 0; i < TREE_OUT; i++) {
        if (world->tree[i].used && (void *)world->tree[i].block[0] == (void *)root) {
            tree = &world->tree[i];
        }
    }
    FUZZ_REQUIRE(tree != NULL && tree->operation == operation);
    for (unsigned i = 0; i < tree->count; i++) {
        PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = &tree->block[i]->Block;
        const unsigned handle = tree->handle[i];

        if (block->Status == UNREACHED) { /* nothing led to it */
            put_chain(tree->chain[i]);
            continue;
        }
        fuzz_tell("    block %u: status %s", i, flue_ndis_status_name(block->Status));
        if (operation == 0) {
            const bool taken =
                handle < TREE_HANDLES && !tree->had_slot[i] && world->handles[handle].MiniportOffloadContext != NULL &&
                (block->Status == NDIS_STATUS_SUCCESS || block->Status == NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS);

            if (taken) {
                world->layer[handle] = (uint8_t)flue_state_layer(block->Header.Type);
            }
            if (!taken || world->layer[handle] != FLUE_LAYER_TCP) {
                put_chain(tree->chain[i]);
            }
        } else if (operation == 1 && handle < TREE_HANDLES &&
                   (block->Status == NDIS_STATUS_SUCCESS || tree->had_slot[i])) {
            /* It is gone, even if its slot was filled only after it was to go. */
            if (tree->chain[i] != block->NetBufferListChain) {
                put_chain(block->NetBufferListChain);
            }
            put_chain(tree->chain[i]);
            if (block->Header.Type == TcpOffloadDelegatedState && block->Status == NDIS_STATUS_SUCCESS &&
                tree->block[i]->Const.Header.Length > 0) {
                PTCP_OFFLOAD_STATE_DELEGATED end = (void *)&tree->block[i]->Const; /* first behind the block */

                if (end->BufferedData != NULL) {
                    (void)NdisOffloadTcpReceiveReturn(world->binding, end->BufferedData);
                }
            }
            world->handles[handle].MiniportOffloadContext = NULL;
            world->layer[handle] = FLUE_LAYER_NONE;
        } else {
            put_chain(tree->chain[i]);
        }
    }
    forget(tree);
}

#define TREE_DONE(name, operation)                                                                                     \
    static void name(NDIS_HANDLE context, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)                                      \
    {                                                                                                                  \
        finished(context, operation, root);                                                                            \
    }
TREE_DONE(initiate_complete, 0)
TREE_DONE(terminate_complete, 1)
TREE_DONE(update_complete, 2)
TREE_DONE(invalidate_complete, 3)
TREE_DONE(query_complete, 4)

static uint64_t trees_out(const struct tree_world *world)
{
    return flue_ndis_binding_ledger(world->binding).trees_out;
}

void tree_world_hand_down(struct tree_world *world, struct tree *tree)
{
    static void (*const calls[])(NDIS_HANDLE, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST) = {
        NdisInitiateOffload, NdisTerminateOffload, NdisUpdateOffload, NdisInvalidateOffload, NdisQueryOffloadState};
    const uint64_t before = trees_out(world);

    for (unsigned i = 0; i < tree->count; i++) {
        tree->block[i]->Block.Status = UNREACHED;
        tree->had_slot[i] =
            tree->handle[i] < TREE_HANDLES && world->handles[tree->handle[i]].MiniportOffloadContext != NULL;
    }
    calls[tree->operation](world->binding, &tree->block[0]->Block);
    if (trees_out(world) == before) {
        fuzz_tell("  the dispatcher refuses it");
        for (unsigned i = 0; i < tree->count; i++) {
            put_chain(tree->chain[i]);
        }
        forget(tree);
    }
}

struct tree *tree_world_tree(struct tree_world *world)
{
    for (unsigned i = 0; i < TREE_OUT; i++) {
        if (!world->tree[i].used) {
            world->tree[i].used = true;
            return &world->tree[i];
        }
    }
    return NULL;
}

/* ---- Data ---- */

static void data_complete(NDIS_HANDLE context, PNET_BUFFER_LIST first)
{
    (void)context;
    put_chain(first);
}

static void tcp_event(PVOID context, ULONG type, ULONG information)
{
    (void)context;
    fuzz_tell("  event %u, %u", type, information);
}

static void offload_event(NDIS_HANDLE context, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, ULONG code)
{
    (void)context, (void)block, (void)code;
}

static NDIS_STATUS indicate(PVOID context, PNET_BUFFER_LIST nbl, NDIS_STATUS status, ULONG *consumed)
{
    struct tree_world *world = &the_world;
    const ULONG bytes = (ULONG)ndis_nbl_bytes(nbl);

    (void)context, (void)status;
    world->answers = world->answers >> 1 | (world->answers & 1) << 15;
    *consumed = 0;
    if ((world->answers & 1) != 0) {
        return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
    }
    *consumed = bytes;
    nbl->Next = NULL;
    (void)NdisOffloadTcpReceiveReturn(world->binding, nbl);
    return NDIS_STATUS_SUCCESS;
}

static void frames_in(NDIS_HANDLE context, PNET_BUFFER_LIST first, NDIS_PORT_NUMBER port, ULONG count, ULONG flags)
{
    struct tree_world *world = context;

    (void)port, (void)count, (void)flags;
    NdisReturnNetBufferLists(world->binding, first, 0);
}

static void frames_sent(NDIS_HANDLE context, PNET_BUFFER_LIST first, ULONG flags)
{
    (void)context, (void)flags;
    put_chain(first);
}

/* ---- Life ---- */

static NDIS_STATUS bind(NDIS_HANDLE context, NDIS_HANDLE bind_context, PNDIS_BIND_PARAMETERS parameters)
{
    struct tree_world *world = context;
    const NDIS_OPEN_PARAMETERS open = {.AdapterName = parameters->AdapterName};

    return NdisOpenAdapterEx(world->protocol, world, &open, bind_context, &world->binding);
}

static NDIS_STATUS unbind(NDIS_HANDLE unbind_context, NDIS_HANDLE context)
{
    struct tree_world *world = context;

    (void)unbind_context;
    return NdisCloseAdapterEx(world->binding);
}

static NDIS_STATUS set_options(NDIS_HANDLE driver, NDIS_HANDLE context)
{
    static const struct flue_client_handlers handlers = {
        .generic = {.InitiateOffloadCompleteHandler = initiate_complete,
                    .TerminateOffloadCompleteHandler = terminate_complete,
                    .UpdateOffloadCompleteHandler = update_complete,
                    .InvalidateOffloadCompleteHandler = invalidate_complete,
                    .QueryOffloadCompleteHandler = query_complete,
                    .IndicateOffloadEventHandler = offload_event},
        .tcp = {.TcpOffloadSendCompleteHandler = data_complete,
                .TcpOffloadReceiveCompleteHandler = data_complete,
                .TcpOffloadDisconnectCompleteHandler = data_complete,
                .TcpOffloadForwardCompleteHandler = data_complete,
                .TcpOffloadEventHandler = tcp_event,
                .TcpOffloadReceiveIndicateHandler = indicate},
    };

    ((struct tree_world *)context)->protocol = driver;
    return flue_ndis_set_client(driver, &handlers);
}

static flue_ps now(void *ctx)
{
    return ((const struct tree_world *)ctx)->now_ps;
}

static void set_alarm(void *ctx, flue_ps at_ps)
{
    (void)ctx, (void)at_ps;
}

static void *allocate(void *ctx, size_t bytes)
{
    return fuzz_allocate(&((struct tree_world *)ctx)->heap, bytes);
}

static void release(void *ctx, void *memory, size_t bytes)
{
    fuzz_release(&((struct tree_world *)ctx)->heap, memory, bytes);
}

static enum flue_wire_result wire_send(void *ctx, const struct flue_frame *frame)
{
    struct tree_world *world = ctx;

    flue_ndis_check_frame(world->ndis, flue_target_adapter(world->target), 1, frame, world->now_ps);
    return FLUE_WIRE_SENT;
}

static void finding(void *ctx, const struct flue_finding *found)
{
    (void)ctx;
    fuzz_tell("  CH-%03u %s: %s", found->rule, flue_party_name(found->party), found->seen);
}

struct tree_world *tree_world_new(bool driver)
{
    static const NDIS_PROTOCOL_DRIVER_CHARACTERISTICS calls = {
        .Header = {NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS, 1, sizeof calls},
        .SetOptionsHandler = set_options,
        .BindAdapterHandlerEx = bind,
        .UnbindAdapterHandlerEx = unbind,
        .ReceiveNetBufferListsHandler = frames_in,
        .SendNetBufferListsCompleteHandler = frames_sent};
    struct tree_world *world = &the_world;
    const struct flue_im_params im = {.kind = FLUE_IM_PASS, .name = "pass"};
    const struct flue_check_sink sink = {.ctx = world, .finding = finding};
    struct flue_target_params params = {.neighbour_max = 4,
                                        .path_max = 4,
                                        .tcp_max = 4,
                                        .rcv_wnd_max_bytes = 1u << 20,
                                        .mtu_max_bytes = 9000,
                                        .source_mac_max = 2,
                                        .vlan_max = 2,
                                        .ipv6 = 1,
                                        .send_quantum = 4,
                                        .backlog_frames = 64,
                                        .ring_frames = 64,
                                        .nce_stale_ticks = 20};
    NDIS_HANDLE protocol;

    memset(world, 0, sizeof *world);
    world->env = (struct flue_env){
        .ctx = world, .now = now, .set_alarm = set_alarm, .allocate = allocate, .release = release, .seed = 1};
    world->wire = (struct flue_wire){.ctx = world,
                                     .facts = {.rate_bps = UINT64_C(10000000000),
                                               .framing_bytes = 18,
                                               .mtu_bytes = 1500,
                                               .queue_frames = 100,
                                               .has_mac = 1},
                                     .send = wire_send};
    flue_tcp_defaults(&params.tcp);
    params.tcp.mss_bytes = 1460;
    flue_profile_free_of_cost(&params.profile);
    FUZZ_REQUIRE(timers_init(&world->timers, &world->env) == FLUE_OK);
    FUZZ_REQUIRE(flue_ndis_new(&world->env, NULL, &world->ndis) == FLUE_OK);
    FUZZ_REQUIRE(flue_ndis_check(world->ndis, FLUE_CHECK_COUNT, &params.ddi, &sink) == FLUE_OK);
    FUZZ_REQUIRE(ndis_pool_new(&world->env, NDIS_POOL_SPANS, &world->spans) == FLUE_OK);
    FUZZ_REQUIRE(ndis_pool_new(&world->env, NDIS_POOL_FRAMES, &world->frames) == FLUE_OK);
    FUZZ_REQUIRE(flue_target_new(&world->env, &world->timers, NULL, world->ndis, &world->wire, &params,
                                 &world->target) == FLUE_OK);
    if (driver) {
        FUZZ_REQUIRE(flue_im_new(&world->env, &world->timers, NULL, world->ndis, &im, &world->driver) == FLUE_OK);
    }
    FUZZ_REQUIRE(NdisRegisterProtocolDriver(world->ndis, world, &calls, &protocol) == NDIS_STATUS_SUCCESS);
    FUZZ_REQUIRE(world->binding != NULL);
    return world;
}

void tree_world_run(struct tree_world *world, flue_ps ps)
{
    const flue_ps until_ps = world->now_ps + ps;
    unsigned steps = 0;
    flue_ps next_ps;

    while ((next_ps = timers_next(&world->timers)) <= until_ps) {
        FUZZ_REQUIRE(++steps < 200000); /* or it hangs */
        if (next_ps > world->now_ps) {
            world->now_ps = next_ps;
        }
        timers_run(&world->timers, world->now_ps);
    }
    world->now_ps = until_ps;
}

/* All objects of one layer, each in a tree of its own. */
static void take_back(struct tree_world *world, enum flue_layer layer)
{
    static const UCHAR types[] = {[FLUE_LAYER_NEIGHBOR] = NeighborOffloadState,
                                  [FLUE_LAYER_PATH] = Ip4OffloadState,
                                  [FLUE_LAYER_TCP] = TcpOffloadDelegatedState};

    for (unsigned i = 0; i < TREE_HANDLES; i++) {
        struct tree *tree;

        if (world->handles[i].MiniportOffloadContext == NULL || world->layer[i] != layer) {
            continue;
        }
        tree = tree_world_tree(world);
        FUZZ_REQUIRE(tree != NULL);
        *tree = (struct tree){.used = true, .count = 1, .operation = 1, .handle = {i}};
        tree->block[0] = calloc(1, sizeof *tree->block[0]);
        FUZZ_REQUIRE(tree->block[0] != NULL);
        tree->block[0]->Block.Header =
            (NDIS_OBJECT_HEADER){types[layer], layer == FLUE_LAYER_TCP ? 2 : 1, sizeof tree->block[0]->Block};
        tree->block[0]->Block.OffloadHandle = &world->handles[i];
        tree->block[0]->Const.Header.Length = sizeof(TCP_OFFLOAD_STATE_DELEGATED);
        tree_world_hand_down(world, tree);
        tree_world_run(world, 300 * FLUE_PS_PER_US);
        if (world->handles[i].MiniportOffloadContext != NULL) {
            FUZZ_FAIL("an object of layer %u does not go", (unsigned)layer);
        }
    }
}

void tree_world_free(struct tree_world *world)
{
    tree_world_run(world, 10 * FLUE_PS_PER_MS);
    for (unsigned i = 0; i < TREE_OUT; i++) {
        if (world->tree[i].used) {
            FUZZ_FAIL("operation %u did not complete", world->tree[i].operation);
        }
    }
    take_back(world, FLUE_LAYER_TCP);
    take_back(world, FLUE_LAYER_PATH);
    take_back(world, FLUE_LAYER_NEIGHBOR);
    tree_world_run(world, 10 * FLUE_PS_PER_MS);
    if (world->lent > 0 || flue_target_objects_live(world->target) > 0 ||
        (world->driver != NULL && flue_im_objects_live(world->driver) > 0)) {
        FUZZ_FAIL("%u lists and %u objects are not back", (unsigned)world->lent,
                  (unsigned)flue_target_objects_live(world->target));
    }
    flue_ndis_check_end(world->ndis);
    flue_target_free(world->target);
    flue_im_free(world->driver);
    flue_ndis_free(world->ndis);
    ndis_pool_free(world->spans);
    ndis_pool_free(world->frames);
    timers_dispose(&world->timers);
    FUZZ_REQUIRE(world->heap.live_blocks == 0);
}
