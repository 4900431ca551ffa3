/* SPDX-License-Identifier: GPL-2.0-only */
/* Intermediate drivers above N: who may open what, and every crossing through stacks of them (CH-324 to CH-336). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ndis_fake_im.h"

enum { DEEPEST = 3 };

/* A host, `depth` drivers, one adapter. */
struct stack {
    struct fakes fakes;
    struct fake_im im[DEEPEST];
    unsigned depth;
};

static const char *const names[DEEPEST] = {"im 0", "im 1", "im 2"};

static void start_adapter(struct fakes *fakes)
{
    assert_int_equal(flue_ndis_adapter_start(fakes->ndis, fakes->miniport.driver, "adapter 0", &fakes->miniport,
                                             &fakes->miniport.adapter),
                     FLUE_OK);
}

/* Order 0: adapter, drivers, host.  1: drivers, host, adapter.  2: host, adapter, drivers. */
static void build(struct stack *s, unsigned depth, unsigned order)
{
    fakes_prepare(&s->fakes, 1);
    s->depth = depth;
    assert_int_equal(fake_miniport_register(&s->fakes.miniport), NDIS_STATUS_SUCCESS);
    if (order == 2) {
        assert_int_equal(fake_protocol_register(&s->fakes.protocol), NDIS_STATUS_SUCCESS);
    }
    if (order != 1) {
        start_adapter(&s->fakes);
    }
    for (unsigned i = 0; i < depth; i++) {
        fake_im_begin(&s->im[i], s->fakes.ndis, names[i], 1);
        s->im[i].associates_late = i % 2 == 1;
        fake_im_register(&s->im[i]);
    }
    if (order != 2) {
        assert_int_equal(fake_protocol_register(&s->fakes.protocol), NDIS_STATUS_SUCCESS);
    }
    if (order == 1) {
        start_adapter(&s->fakes);
    }
}

static void tear_down(struct stack *s)
{
    /* Stopping the lowest adapter takes all above it down, the uppermost first. */
    assert_int_equal(flue_ndis_adapter_stop(s->fakes.ndis, s->fakes.miniport.adapter), FLUE_OK);
    assert_int_equal(s->fakes.miniport.halted, 1);
    assert_null(s->fakes.protocol.bindings[0].handle);
    s->fakes.miniport.adapter = NULL;
    for (unsigned i = 0; i < s->depth; i++) {
        assert_null(s->im[i].adapter);
        fake_im_end(&s->im[i]);
    }
    fakes_end(&s->fakes);
}

static void each_adapter_is_open_to_one_level_only(void **state)
{
    struct stack s;

    (void)state;
    for (unsigned order = 0; order < 3; order++) {
        for (unsigned depth = 0; depth <= DEEPEST; depth++) {
            build(&s, depth, order);
            for (unsigned i = 0; i < depth; i++) {
                assert_non_null(s.im[i].adapter);
                assert_int_equal(s.im[i].lowers, 1);
            }
            assert_non_null(s.fakes.protocol.bindings[0].handle);
            tear_down(&s);
        }
    }
}

struct objects {
    struct owned_handle path, tcp;
    FLUE_PATH_BLOCK placeholder; /* stands for the neighbour, which does not travel */
    FLUE_PATH_BLOCK p;
    FLUE_TCP_BLOCK t;
    FLUE_TCP_TERMINATE_BLOCK end;
    char contexts[2];
};

static void lay_out(struct objects *o, struct fake_protocol *protocol)
{
    memset(o, 0, sizeof *o);
    o->path.protocol = o->tcp.protocol = protocol;
    o->placeholder.Block.Header = (NDIS_OBJECT_HEADER){NeighborOffloadState, 1, sizeof o->placeholder.Block};
    o->placeholder.Block.DependentBlockList = &o->p.Block;
    o->p.Block.Header = (NDIS_OBJECT_HEADER){Ip4OffloadState, 1, sizeof o->p.Block};
    o->p.Block.OffloadHandle = &o->path.handle;
    o->p.Block.DependentBlockList = &o->t.Block;
    o->t.Block.Header = (NDIS_OBJECT_HEADER){TcpOffloadState, 2, sizeof o->t.Block};
    o->t.Block.OffloadHandle = &o->tcp.handle;
    o->t.Block.ImReserved[0] = o;
}

static PNET_BUFFER_LIST list_of(struct fakes *fakes, uint32_t bytes)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(fakes->spans);
    struct flue_span span = {.stream = 6, .length_bytes = bytes};

    assert_int_equal(ndis_nbl_append(nbl, &span), FLUE_OK);
    return nbl;
}

static void offload(struct fakes *fakes, struct objects *o, NDIS_STATUS status)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root, path, tcp;

    fakes->protocol.tree = NULL;
    NdisInitiateOffload(fakes->protocol.bindings[0].handle, &o->placeholder.Block);
    root = fakes->miniport.tree;
    path = root->DependentBlockList;
    tcp = path->DependentBlockList;
    assert_ptr_equal(root, &o->placeholder.Block);
    assert_null(root->MiniportOffloadContext);
    assert_null(fakes->protocol.tree);
    root->Status = path->Status = NDIS_STATUS_SUCCESS;
    *path->MiniportOffloadContext = &o->contexts[0];
    tcp->Status = status;
    if (status == NDIS_STATUS_SUCCESS) {
        *tcp->MiniportOffloadContext = &o->contexts[1];
    }
    NdisMInitiateOffloadComplete(fakes->miniport.adapter, root);
    assert_ptr_equal(fakes->protocol.tree, &o->placeholder.Block);
    assert_ptr_equal(o->t.Block.OffloadHandle, &o->tcp.handle);
    assert_int_equal(o->t.Block.Status, status);
    assert_ptr_equal(o->t.Block.ImReserved[0], o);
    assert_int_equal(o->tcp.handle.MiniportOffloadContext != NULL, status == NDIS_STATUS_SUCCESS);
}

static void terminate(struct fakes *fakes, struct objects *o, struct owned_handle *object, UCHAR type,
                      PNET_BUFFER_LIST chain, PNET_BUFFER_LIST buffered)
{
    memset(&o->end, 0, sizeof o->end);
    o->end.Block.Header = (NDIS_OBJECT_HEADER){type, 2, sizeof o->end.Block};
    o->end.Block.OffloadHandle = &object->handle;
    NdisTerminateOffload(fakes->protocol.bindings[0].handle, &o->end.Block);
    fakes->miniport.tree->NetBufferListChain = chain;
    ((PTCP_OFFLOAD_STATE_DELEGATED)(void *)flue_state_first(fakes->miniport.tree))->BufferedData = buffered;
    fakes->miniport.tree->Status = NDIS_STATUS_SUCCESS;
    NdisMTerminateOffloadComplete(fakes->miniport.adapter, fakes->miniport.tree);
    assert_ptr_equal(fakes->protocol.tree, &o->end.Block);
    object->handle.MiniportOffloadContext = NULL;
}

/* The ledger of every layer, from the host down to the adapter, shows the same. */
static uint64_t ledgers(struct stack *s, uint64_t sends, uint64_t receives, uint64_t indicated)
{
    for (unsigned i = 0; i <= s->depth; i++) {
        struct flue_ndis_ledger ledger =
            flue_ndis_adapter_ledger(i == s->depth ? s->fakes.miniport.adapter : s->im[i].adapter);

        assert_int_equal(ledger.sends_out, sends);
        assert_int_equal(ledger.receives_out, receives);
        assert_int_equal(ledger.indicated_out, indicated);
        assert_int_equal(flue_ndis_ledger_total(&ledger), sends + receives + indicated);
    }
    return s->depth;
}

static void a_whole_life_passes_through_any_stack(void **state)
{
    struct stack s;
    struct objects o;
    struct fakes *fakes = &s.fakes;
    PNDIS_OFFLOAD_HANDLE bottom;
    ULONG consumed;

    (void)state;
    for (unsigned depth = 0; depth <= DEEPEST; depth++) {
        PNET_BUFFER_LIST nbl[4];
        FLUE_NEIGHBOR_BLOCK query;
        PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block;

        build(&s, depth, 0);
        lay_out(&o, &fakes->protocol);
        for (unsigned i = 0; i < 4; i++) {
            nbl[i] = list_of(fakes, 100);
        }
        /* Refused below: no slot and no handle remains on any layer; send data was the host's all the time. */
        o.t.Block.NetBufferListChain = nbl[0];
        offload(fakes, &o, NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
        ledgers(&s, 0, 0, 0);
        terminate(fakes, &o, &o.path, Ip4OffloadDelegatedState, NULL, NULL);

        offload(fakes, &o, NDIS_STATUS_SUCCESS);
        ledgers(&s, 1, 0, 0);
        o.t.Block.NetBufferListChain = NULL;
        fakes->miniport.up.NdisTcpOffloadSendComplete(fakes->miniport.adapter, nbl[0]);
        assert_ptr_equal(fakes->protocol.list, nbl[0]);
        assert_int_equal(NdisOffloadTcpSend(&o.tcp.handle, nbl[0]), NDIS_STATUS_PENDING);
        assert_ptr_equal(fakes->miniport.data_context, &o.contexts[1]);
        assert_ptr_equal(fakes->miniport.list, nbl[0]);
        assert_int_equal(NdisOffloadTcpReceive(&o.tcp.handle, nbl[1]), NDIS_STATUS_PENDING);
        ledgers(&s, 1, 1, 0);
        fakes->miniport.up.NdisTcpOffloadReceiveComplete(fakes->miniport.adapter, nbl[1]);
        assert_int_equal(NdisOffloadTcpForward(&o.tcp.handle, nbl[1]), NDIS_STATUS_PENDING);
        fakes->miniport.up.NdisTcpOffloadForwardComplete(fakes->miniport.adapter, nbl[1]);
        assert_int_equal(NdisOffloadTcpDisconnect(&o.tcp.handle, nbl[1], 2), NDIS_STATUS_PENDING);
        assert_int_equal(fakes->miniport.flags, 2);
        fakes->miniport.up.NdisTcpOffloadDisconnectComplete(fakes->miniport.adapter, nbl[1]);

        /* Upward, T names the lowest handle and the host sees its own. */
        NdisQueryOffloadState(fakes->protocol.bindings[0].handle, &o.placeholder.Block);
        bottom = (PNDIS_OFFLOAD_HANDLE)fakes->miniport.tree->DependentBlockList->DependentBlockList->NdisOffloadHandle;
        NdisMQueryOffloadStateComplete(fakes->miniport.adapter, fakes->miniport.tree);
        assert_int_equal(bottom == &o.tcp.handle, depth == 0);
        fakes->miniport.up.NdisTcpOffloadEventHandler(bottom, TcpIndicateRetrieve, HardwareFailure);
        assert_ptr_equal(fakes->protocol.offload_context, &o.tcp);
        assert_int_equal(fakes->protocol.information, HardwareFailure);
        fakes->protocol.answer = NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED;
        fakes->protocol.consumed = 40;
        assert_int_equal(
            fakes->miniport.up.NdisTcpOffloadReceiveHandler(bottom, nbl[2], NDIS_STATUS_SUCCESS, &consumed),
            NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED);
        assert_int_equal(consumed, 40);
        ledgers(&s, 1, 0, 0);
        fakes->protocol.answer = NDIS_STATUS_SUCCESS;
        assert_int_equal(
            fakes->miniport.up.NdisTcpOffloadReceiveHandler(bottom, nbl[2], NDIS_STATUS_SUCCESS, &consumed),
            NDIS_STATUS_SUCCESS);
        ledgers(&s, 1, 0, 1);

        /* A reachability query: the handle is each layer's own, the answer stands in the block. */
        memset(&query, 0, sizeof query);
        block = flue_block_to_miniport(&query.Block);
        block->Header = (NDIS_OBJECT_HEADER){NeighborOffloadState, 1, sizeof *block};
        block->NdisOffloadHandle = bottom;
        query.Const.Header.Length = sizeof query.Const;
        query.Cached.Header.Length = sizeof query.Cached;
        NdisMOffloadEventIndicate(fakes->miniport.adapter, block, NeighborReachabilityQuery);
        assert_ptr_equal(fakes->protocol.offload_context, &o.tcp);
        assert_int_equal(query.Cached.HostReachabilityDelta, 77);
        assert_ptr_equal(block->NdisOffloadHandle, bottom);

        /* The terminate brings send data and received data back; nothing may halt before it is returned. */
        terminate(fakes, &o, &o.tcp, TcpOffloadDelegatedState, nbl[0], nbl[3]);
        ledgers(&s, 0, 0, 2);
        assert_int_equal(flue_ndis_adapter_stop(fakes->ndis, fakes->miniport.adapter), FLUE_ESTATE);
        assert_non_null(fakes->protocol.bindings[0].handle);
        nbl[2]->Next = nbl[3];
        NdisOffloadTcpReceiveReturn(fakes->protocol.bindings[0].handle, nbl[2]);
        assert_ptr_equal(fakes->miniport.list, nbl[2]);
        ledgers(&s, 0, 0, 0);
        terminate(fakes, &o, &o.path, Ip4OffloadDelegatedState, NULL, NULL);
        for (unsigned i = 0; i < 4; i++) {
            ndis_nbl_put(nbl[i]);
        }
        tear_down(&s);
    }
}

static void ordinary_frames_pass_through_any_stack(void **state)
{
    struct stack s;
    struct fakes *fakes = &s.fakes;
    NDIS_STATUS_INDICATION indication = {.StatusCode = NDIS_STATUS_OFFLOAD_PAUSE};

    (void)state;
    for (unsigned depth = 0; depth <= DEEPEST; depth++) {
        struct ndis_chain chain = {0};

        build(&s, depth, 2);
        ndis_chain_append(&chain, ndis_nbl_get(fakes->frames));
        ndis_chain_append(&chain, ndis_nbl_get(fakes->frames));
        NdisSendNetBufferLists(fakes->protocol.bindings[0].handle, chain.first, 0, 9);
        assert_ptr_equal(fakes->miniport.list, chain.first);
        NdisMSendNetBufferListsComplete(fakes->miniport.adapter, chain.first, 0);
        assert_ptr_equal(fakes->protocol.list, chain.first);
        NdisMIndicateReceiveNetBufferLists(fakes->miniport.adapter, chain.first, 0, 2, 0);
        assert_int_equal(fakes->protocol.information, 2);
        assert_int_equal(flue_ndis_adapter_stop(fakes->ndis, fakes->miniport.adapter), FLUE_ESTATE);
        NdisReturnNetBufferLists(fakes->protocol.bindings[0].handle, chain.first, 3);
        assert_int_equal(fakes->miniport.flags, 3);
        NdisMIndicateStatusEx(fakes->miniport.adapter, &indication);
        assert_int_equal(fakes->protocol.status, NDIS_STATUS_OFFLOAD_PAUSE);
        ndis_nbl_put(chain.last);
        ndis_nbl_put(chain.first);
        tear_down(&s);
    }
}

static void capability_passes_only_through_complete_drivers(void **state)
{
    static const struct {
        unsigned options;
        bool seen;
    } cases[] = {{15, true}, {3, false}, {12, false}, {0, false}};
    struct stack s;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        NDIS_TCP_CONNECTION_OFFLOAD capability = {.TcpConnectionOffloadCapacity = 4711};

        fakes_prepare(&s.fakes, 1);
        s.fakes.miniport.capability = &capability;
        assert_int_equal(fake_miniport_register(&s.fakes.miniport), NDIS_STATUS_SUCCESS);
        start_adapter(&s.fakes);
        fake_im_begin(&s.im[0], s.fakes.ndis, names[0], 1);
        s.im[0].options = cases[i].options;
        fake_im_register(&s.im[0]);
        assert_int_equal(s.im[0].capability->TcpConnectionOffloadCapacity, 4711);
        assert_int_equal(fake_protocol_register(&s.fakes.protocol), NDIS_STATUS_SUCCESS);
        assert_int_equal(s.fakes.protocol.capacity, cases[i].seen ? 4711 : 0);
        s.depth = 1;
        tear_down(&s);
    }
}

static void a_busy_host_keeps_its_adapter(void **state)
{
    struct fakes fakes;
    struct fake_im im;
    PNET_BUFFER_LIST nbl;

    (void)state;
    fakes_begin(&fakes, 1);
    nbl = ndis_nbl_get(fakes.frames);
    NdisSendNetBufferLists(fakes.protocol.bindings[0].handle, nbl, 0, 0);
    fake_im_begin(&im, fakes.ndis, "late", 1);
    fake_im_register(&im);
    assert_int_equal(im.lowers, 0);
    assert_null(im.adapter);
    assert_non_null(fakes.protocol.bindings[0].handle);
    NdisMSendNetBufferListsComplete(fakes.miniport.adapter, nbl, 0);
    ndis_nbl_put(nbl);
    fake_im_end(&im);
    fakes_end(&fakes);
}

/* Two adapters, one virtual adapter above both. */
static void one_driver_joins_two_adapters(void **state)
{
    struct fakes fakes;
    struct fake_miniport second;
    struct fake_im im;
    struct objects o[2];
    PNET_BUFFER_LIST nbl[2];

    (void)state;
    for (unsigned late = 0; late < 2; late++) {
        fakes_prepare(&fakes, 1);
        assert_int_equal(fake_miniport_register(&fakes.miniport), NDIS_STATUS_SUCCESS);
        start_adapter(&fakes);
        second = fakes.miniport;
        assert_int_equal(
            flue_ndis_adapter_start(fakes.ndis, fakes.miniport.driver, "adapter 1", &fakes.miniport, &second.adapter),
            FLUE_OK);
        fake_im_begin(&im, fakes.ndis, "team", 2);
        im.associates_late = late == 1;
        fake_im_register(&im);
        assert_int_equal(im.lowers, 2);
        assert_int_equal(fake_protocol_register(&fakes.protocol), NDIS_STATUS_SUCCESS);
        for (unsigned i = 0; i < 2; i++) {
            im.active = i;
            lay_out(&o[i], &fakes.protocol);
            NdisInitiateOffload(fakes.protocol.bindings[0].handle, &o[i].placeholder.Block);
            fakes.miniport.tree->Status = NDIS_STATUS_SUCCESS;
            fakes.miniport.tree->DependentBlockList->Status = NDIS_STATUS_SUCCESS;
            fakes.miniport.tree->DependentBlockList->DependentBlockList->Status = NDIS_STATUS_SUCCESS;
            *fakes.miniport.tree->DependentBlockList->MiniportOffloadContext = &o[i].contexts[0];
            *fakes.miniport.tree->DependentBlockList->DependentBlockList->MiniportOffloadContext = &o[i].contexts[1];
            NdisMInitiateOffloadComplete(i == 0 ? fakes.miniport.adapter : second.adapter, fakes.miniport.tree);
        }
        for (unsigned i = 0; i < 2; i++) { /* data follows the handle, whichever adapter is active now */
            nbl[i] = list_of(&fakes, 10);
            NdisOffloadTcpSend(&o[i].tcp.handle, nbl[i]);
            assert_ptr_equal(fakes.miniport.data_context, &o[i].contexts[1]);
        }
        assert_int_equal(flue_ndis_adapter_ledger(fakes.miniport.adapter).sends_out, 1);
        assert_int_equal(flue_ndis_adapter_ledger(second.adapter).sends_out, 1);
        assert_int_equal(flue_ndis_adapter_ledger(im.adapter).sends_out, 2);
        fakes.miniport.up.NdisTcpOffloadSendComplete(second.adapter, nbl[1]);
        assert_ptr_equal(fakes.protocol.list, nbl[1]);
        fakes.miniport.up.NdisTcpOffloadSendComplete(fakes.miniport.adapter, nbl[0]);
        for (unsigned i = 0; i < 2; i++) {
            ndis_nbl_put(nbl[i]);
            im.active = i;
            for (unsigned object = 0; object < 2; object++) {
                memset(&o[i].end, 0, sizeof o[i].end);
                o[i].end.Block.Header = (NDIS_OBJECT_HEADER){
                    object == 0 ? TcpOffloadDelegatedState : Ip4OffloadDelegatedState, 1, sizeof o[i].end.Block};
                o[i].end.Block.OffloadHandle = object == 0 ? &o[i].tcp.handle : &o[i].path.handle;
                NdisTerminateOffload(fakes.protocol.bindings[0].handle, &o[i].end.Block);
                fakes.miniport.tree->Status = NDIS_STATUS_SUCCESS;
                NdisMTerminateOffloadComplete(i == 0 ? fakes.miniport.adapter : second.adapter, fakes.miniport.tree);
            }
        }
        /* One adapter goes, the virtual one stays; the last takes it along. */
        assert_int_equal(flue_ndis_adapter_stop(fakes.ndis, fakes.miniport.adapter), FLUE_OK);
        assert_non_null(im.adapter);
        assert_int_equal(flue_ndis_adapter_stop(fakes.ndis, second.adapter), FLUE_OK);
        assert_null(im.adapter);
        assert_int_equal(fakes.miniport.halted, 2);
        fakes.miniport.adapter = NULL;
        fake_im_end(&im);
        fakes_end(&fakes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_adapter_is_open_to_one_level_only),
        cmocka_unit_test(a_whole_life_passes_through_any_stack),
        cmocka_unit_test(ordinary_frames_pass_through_any_stack),
        cmocka_unit_test(capability_passes_only_through_complete_drivers),
        cmocka_unit_test(a_busy_host_keeps_its_adapter),
        cmocka_unit_test(one_driver_joins_two_adapters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
