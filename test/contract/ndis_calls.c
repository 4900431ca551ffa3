/* SPDX-License-Identifier: GPL-2.0-only */
/* Every crossing of the chimney, between a fake protocol and a fake miniport. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ndis_fakes.h"

/* One connection and what it hangs on, as a host would keep them. */
struct objects {
    struct owned_handle neighbor, path, tcp;
    FLUE_NEIGHBOR_BLOCK n;
    FLUE_PATH_BLOCK p;
    FLUE_TCP_BLOCK t;
    FLUE_TCP_TERMINATE_BLOCK end;
    char contexts[3]; /* what T's slots point at */
};

static void lay_out(struct objects *o, struct fake_protocol *protocol)
{
    memset(o, 0, sizeof *o);
    o->neighbor.protocol = o->path.protocol = o->tcp.protocol = protocol;
    o->n.Block.Header = (NDIS_OBJECT_HEADER){NeighborOffloadState, 1, sizeof o->n.Block};
    o->n.Block.OffloadHandle = &o->neighbor.handle;
    o->n.Block.DependentBlockList = &o->p.Block;
    o->n.Const.Header.Length = sizeof o->n.Const;
    o->n.Cached.Header.Length = sizeof o->n.Cached;
    o->p.Block.Header = (NDIS_OBJECT_HEADER){Ip4OffloadState, 1, sizeof o->p.Block};
    o->p.Block.OffloadHandle = &o->path.handle;
    o->p.Block.DependentBlockList = &o->t.Block;
    o->t.Block.Header = (NDIS_OBJECT_HEADER){TcpOffloadState, 2, sizeof o->t.Block};
    o->t.Block.OffloadHandle = &o->tcp.handle;
}

struct answer {
    struct objects *objects;
    NDIS_STATUS status;
    unsigned count;
};

/* What T does with a tree: a slot per block, or a refusal. */
static flue_err take_block(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, void *arg)
{
    struct answer *answer = arg;

    block->Status = answer->status;
    if (answer->status == NDIS_STATUS_SUCCESS) {
        *block->MiniportOffloadContext = &answer->objects->contexts[answer->count];
    }
    answer->count++;
    return FLUE_OK;
}

static PNET_BUFFER_LIST send_list(struct fakes *fakes, uint64_t offset_bytes, uint32_t length_bytes)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(fakes->spans);
    struct flue_span span = {.stream = 6, .offset_bytes = offset_bytes, .length_bytes = length_bytes};

    assert_int_equal(ndis_nbl_append(nbl, &span), FLUE_OK);
    return nbl;
}

static struct flue_ndis_ledger ledger(const struct fakes *fakes)
{
    return flue_ndis_binding_ledger(fakes->protocol.bindings[0].handle);
}

static void offload(struct fakes *fakes, struct objects *o, NDIS_STATUS status)
{
    struct answer answer = {.objects = o, .status = status};

    NdisInitiateOffload(fakes->protocol.bindings[0].handle, &o->n.Block);
    assert_ptr_equal(fakes->miniport.tree, &o->n.Block);
    assert_null(fakes->protocol.tree); /* async means later */
    assert_int_equal(ledger(fakes).trees_out, 1);
    assert_int_equal(flue_block_walk(fakes->miniport.tree, take_block, &answer), FLUE_OK);
    assert_int_equal(answer.count, 3);
    NdisMInitiateOffloadComplete(fakes->miniport.adapter, fakes->miniport.tree);
    assert_ptr_equal(fakes->protocol.tree, &o->n.Block);
    assert_int_equal(ledger(fakes).trees_out, 0);
    fakes->protocol.tree = NULL;
}

/* Ends one connection; T gives back `chain` and `buffered`. */
static void upload(struct fakes *fakes, struct objects *o, PNET_BUFFER_LIST chain, PNET_BUFFER_LIST buffered)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree;
    PTCP_OFFLOAD_STATE_DELEGATED delegated;

    o->end.Block.Header = (NDIS_OBJECT_HEADER){TcpOffloadDelegatedState, 2, sizeof o->end.Block};
    o->end.Block.OffloadHandle = &o->tcp.handle;
    NdisTerminateOffload(fakes->protocol.bindings[0].handle, &o->end.Block);
    tree = fakes->miniport.tree;
    assert_ptr_equal(*tree->MiniportOffloadContext, &o->contexts[2]);
    delegated = (PTCP_OFFLOAD_STATE_DELEGATED)(void *)flue_state_first(tree);
    delegated->BufferedData = buffered;
    tree->NetBufferListChain = chain;
    tree->Status = NDIS_STATUS_SUCCESS;
    NdisMTerminateOffloadComplete(fakes->miniport.adapter, tree);
    assert_ptr_equal(fakes->protocol.tree, &o->end.Block);
    fakes->protocol.tree = NULL;
}

static void initiate_and_terminate_move_handles_and_slots(void **state)
{
    static const unsigned expected[] = {FLUE_POINT_ddi_initiate, FLUE_POINT_ddi_initiate_complete,
                                        FLUE_POINT_ddi_terminate, FLUE_POINT_ddi_terminate_complete};
    struct fakes fakes;
    struct objects o;

    (void)state;
    fakes_begin(&fakes, 1);
    lay_out(&o, &fakes.protocol);
    offload(&fakes, &o, NDIS_STATUS_SUCCESS);
    assert_ptr_equal(FLUE_DATA_CTX(&o.neighbor.handle), &o.contexts[0]);
    assert_ptr_equal(FLUE_DATA_CTX(&o.path.handle), &o.contexts[1]);
    assert_ptr_equal(FLUE_DATA_CTX(&o.tcp.handle), &o.contexts[2]);
    assert_ptr_equal(o.t.Block.OffloadHandle, &o.tcp.handle);
    assert_int_equal(o.t.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(fakes.last_event.arg[0], 3);
    upload(&fakes, &o, NULL, NULL);
    assert_memory_equal(fakes.points, expected, sizeof expected);
    assert_int_equal(fakes.point_count, 4);
    fakes_end(&fakes);
}

static void send_data_travels_with_the_tree(void **state)
{
    struct fakes fakes;
    struct objects o;
    PNET_BUFFER_LIST first, second, buffered;

    (void)state;
    fakes_begin(&fakes, 1);
    lay_out(&o, &fakes.protocol);
    first = send_list(&fakes, 0, 100);
    second = send_list(&fakes, 500, 100);
    first->Next = second;
    first->Status = second->Status = 4711;

    /* Refused: the chain was H's all the time, its Status untouched (CH-074). */
    o.t.Block.NetBufferListChain = first;
    offload(&fakes, &o, NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
    assert_int_equal(ledger(&fakes).sends_out, 0);
    assert_null(FLUE_DATA_CTX(&o.tcp.handle));
    assert_int_equal(first->Status, 4711);

    /* Taken: T has it, completes the first, and gives the second back with the connection. */
    offload(&fakes, &o, NDIS_STATUS_SUCCESS);
    assert_int_equal(ledger(&fakes).sends_out, 2);
    first->Next = NULL;
    first->Status = NDIS_STATUS_SUCCESS;
    fakes.miniport.up.NdisTcpOffloadSendComplete(fakes.miniport.adapter, first);
    assert_ptr_equal(fakes.protocol.list, first);
    assert_int_equal(ledger(&fakes).sends_out, 1);
    buffered = send_list(&fakes, 0, 30);
    upload(&fakes, &o, second, buffered);
    assert_int_equal(ledger(&fakes).sends_out, 0);

    /* Buffered receive data is H's until it is returned (CH-138). */
    assert_int_equal(ledger(&fakes).indicated_out, 1);
    assert_int_equal(flue_ndis_adapter_stop(fakes.ndis, fakes.miniport.adapter), FLUE_ESTATE);
    NdisOffloadTcpReceiveReturn(fakes.protocol.bindings[0].handle, buffered);
    assert_ptr_equal(fakes.miniport.list, buffered);
    assert_int_equal(ledger(&fakes).indicated_out, 0);
    ndis_nbl_put(first);
    ndis_nbl_put(second);
    ndis_nbl_put(buffered);
    fakes_end(&fakes);
}

static void each_operation_has_its_own_handlers(void **state)
{
    struct fakes fakes;
    struct objects o;
    NDIS_HANDLE binding;

    (void)state;
    fakes_begin(&fakes, 1);
    lay_out(&o, &fakes.protocol);
    binding = fakes.protocol.bindings[0].handle;
    offload(&fakes, &o, NDIS_STATUS_SUCCESS);
    NdisUpdateOffload(binding, &o.n.Block);
    NdisMUpdateOffloadComplete(fakes.miniport.adapter, fakes.miniport.tree);
    NdisInvalidateOffload(binding, &o.n.Block);
    NdisMInvalidateOffloadComplete(fakes.miniport.adapter, fakes.miniport.tree);
    NdisQueryOffloadState(binding, &o.n.Block);
    NdisMQueryOffloadStateComplete(fakes.miniport.adapter, fakes.miniport.tree);
    NdisTerminateOffload(binding, &o.n.Block);
    NdisMTerminateOffloadComplete(fakes.miniport.adapter, fakes.miniport.tree);
    assert_string_equal(fakes.log.text, "MiniportInitiateOffload ProtocolInitiateOffloadComplete "
                                        "MiniportUpdateOffload ProtocolUpdateOffloadComplete "
                                        "MiniportInvalidateOffload ProtocolInvalidateOffloadComplete "
                                        "MiniportQueryOffload ProtocolQueryOffloadComplete "
                                        "MiniportTerminateOffload ProtocolTerminateOffloadComplete");
    fakes_end(&fakes);
}

static void data_requests_reach_the_context_and_complete(void **state)
{
    struct fakes fakes;
    struct objects o;
    PNET_BUFFER_LIST a, b;
    PNDIS_OFFLOAD_HANDLE handle;

    (void)state;
    fakes_begin(&fakes, 1);
    lay_out(&o, &fakes.protocol);
    offload(&fakes, &o, NDIS_STATUS_SUCCESS);
    fakes.log.text[0] = '\0';
    handle = &o.tcp.handle;
    a = send_list(&fakes, 0, 10);
    b = send_list(&fakes, 10, 20);

    a->Next = b;
    flue_ndis_at(fakes.ndis, 5000, 12);
    assert_int_equal(NdisOffloadTcpSend(handle, a), NDIS_STATUS_PENDING);
    assert_int_equal(fakes.last_event.point, FLUE_POINT_ddi_send);
    assert_int_equal(fakes.last_event.at_ps, 5000); /* as told by flue_ndis_at() */
    assert_int_equal(fakes.last_event.conn, 12);
    assert_int_equal(fakes.last_event.node, 5);
    assert_int_equal(fakes.last_event.arg[0], 30);
    assert_ptr_equal(fakes.miniport.data_context, &o.contexts[2]);
    assert_int_equal(ledger(&fakes).sends_out, 2);
    NET_BUFFER_LIST_INFO(a, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)10;
    NET_BUFFER_LIST_INFO(b, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)20;
    fakes.miniport.up.NdisTcpOffloadSendComplete(fakes.miniport.adapter, a);
    assert_ptr_equal(fakes.protocol.list, a);
    assert_ptr_equal(a->Next, b); /* one call for the chain */
    assert_int_equal(fakes.last_event.arg[0], 30);
    assert_int_equal(fakes.last_event.at_ps, 1000); /* told nothing: env's present */
    assert_int_equal(fakes.last_event.conn, FLUE_NO_CONN);

    a->Next = NULL;
    assert_int_equal(NdisOffloadTcpReceive(handle, b), NDIS_STATUS_PENDING);
    assert_int_equal(ledger(&fakes).receives_out, 1);
    fakes.miniport.up.NdisTcpOffloadReceiveComplete(fakes.miniport.adapter, b);
    assert_int_equal(NdisOffloadTcpForward(handle, b), NDIS_STATUS_PENDING);
    assert_int_equal(ledger(&fakes).forwards_out, 1);
    fakes.miniport.up.NdisTcpOffloadForwardComplete(fakes.miniport.adapter, b);
    assert_int_equal(NdisOffloadTcpDisconnect(handle, a, TCP_DISCONNECT_ABORTIVE_CLOSE), NDIS_STATUS_PENDING);
    assert_int_equal(fakes.miniport.flags, TCP_DISCONNECT_ABORTIVE_CLOSE);
    assert_int_equal(ledger(&fakes).disconnects_out, 1);
    fakes.miniport.up.NdisTcpOffloadDisconnectComplete(fakes.miniport.adapter, a);
    assert_ptr_equal(fakes.protocol.list, a);
    assert_string_equal(fakes.log.text, "MiniportTcpOffloadSend ProtocolTcpOffloadSendComplete "
                                        "MiniportTcpOffloadReceive ProtocolTcpOffloadReceiveComplete "
                                        "MiniportTcpOffloadForward ProtocolTcpOffloadForwardComplete "
                                        "MiniportTcpOffloadDisconnect ProtocolTcpOffloadDisconnectComplete");
    ndis_nbl_put(a);
    ndis_nbl_put(b);
    upload(&fakes, &o, NULL, NULL);
    fakes_end(&fakes);
}

static void a_mixed_completion_is_split_by_binding_only(void **state)
{
    struct fakes fakes;
    struct objects o[3];
    struct answer answer;
    PNET_BUFFER_LIST list[5];
    struct ndis_chain chain = {0};

    (void)state;
    fakes_begin(&fakes, 2);
    for (unsigned i = 0; i < 3; i++) { /* connections 0 and 1 on binding 0, connection 2 on binding 1 */
        lay_out(&o[i], &fakes.protocol);
        answer = (struct answer){.objects = &o[i], .status = NDIS_STATUS_SUCCESS};
        NdisInitiateOffload(fakes.protocol.bindings[i / 2].handle, &o[i].n.Block);
        assert_int_equal(flue_block_walk(fakes.miniport.tree, take_block, &answer), FLUE_OK);
        NdisMInitiateOffloadComplete(fakes.miniport.adapter, fakes.miniport.tree);
        assert_ptr_equal(fakes.protocol.binding, &fakes.protocol.bindings[i / 2]);
    }
    for (unsigned i = 0; i < 5; i++) {
        list[i] = send_list(&fakes, i, 1);
        NdisOffloadTcpSend(&o[i % 3].tcp.handle, list[i]); /* connections 0 1 2 0 1 */
    }
    for (unsigned i = 0; i < 5; i++) {
        ndis_chain_append(&chain, list[i]);
    }
    fakes.log.text[0] = '\0';
    fakes.miniport.up.NdisTcpOffloadSendComplete(fakes.miniport.adapter, chain.first);
    assert_string_equal(fakes.log.text, "ProtocolTcpOffloadSendComplete ProtocolTcpOffloadSendComplete");
    assert_ptr_equal(list[0]->Next, list[1]);
    assert_ptr_equal(list[1]->Next, list[3]);
    assert_ptr_equal(list[3]->Next, list[4]);
    assert_null(list[4]->Next);
    assert_null(list[2]->Next);
    assert_ptr_equal(fakes.protocol.list, list[2]); /* the second call */
    assert_ptr_equal(fakes.protocol.binding, &fakes.protocol.bindings[1]);
    for (unsigned i = 0; i < 5; i++) {
        ndis_nbl_put(list[i]);
    }
    fakes_end(&fakes);
}

static void a_receive_indication_moves_ownership_by_its_answer(void **state)
{
    static const struct {
        NDIS_STATUS answer;
        ULONG consumed;
        int return_at_once;
        uint64_t out;
    } cases[] = {
        {NDIS_STATUS_SUCCESS, 40, 0, 1},
        {NDIS_STATUS_SUCCESS, 40, 1, 0},
        {NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0, 0, 0},
        {NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED, 15, 0, 0},
    };
    struct fakes fakes;
    struct objects o;

    (void)state;
    fakes_begin(&fakes, 1);
    lay_out(&o, &fakes.protocol);
    offload(&fakes, &o, NDIS_STATUS_SUCCESS);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PNET_BUFFER_LIST nbl = send_list(&fakes, 0, 40);
        ULONG consumed = 4711;

        fakes.protocol.answer = cases[i].answer;
        fakes.protocol.consumed = cases[i].consumed;
        fakes.protocol.return_at_once = cases[i].return_at_once;
        assert_int_equal(
            fakes.miniport.up.NdisTcpOffloadReceiveHandler(&o.tcp.handle, nbl, NDIS_STATUS_SUCCESS, &consumed),
            cases[i].answer);
        assert_int_equal(consumed, cases[i].consumed);
        assert_ptr_equal(fakes.protocol.offload_context, &o.tcp);
        assert_int_equal(fakes.last_event.point, FLUE_POINT_ddi_receive_indicate);
        assert_int_equal(fakes.last_event.arg[0], 40);
        assert_int_equal(fakes.last_event.arg[1], cases[i].consumed);
        assert_int_equal(fakes.last_event.arg[2], cases[i].answer);
        assert_int_equal(ledger(&fakes).indicated_out, cases[i].out);
        if (cases[i].out > 0) {
            NdisOffloadTcpReceiveReturn(fakes.protocol.bindings[0].handle, nbl);
        }
        assert_int_equal(ledger(&fakes).indicated_out, 0);
        ndis_nbl_put(nbl);
    }
    fakes_end(&fakes);
}

static void events_reach_the_owner_of_the_handle(void **state)
{
    struct fakes fakes;
    struct objects o;
    FLUE_NEIGHBOR_BLOCK query;
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block;

    (void)state;
    fakes_begin(&fakes, 2);
    lay_out(&o, &fakes.protocol);
    offload(&fakes, &o, NDIS_STATUS_SUCCESS);
    fakes.miniport.up.NdisTcpOffloadEventHandler(&o.tcp.handle, TcpIndicateRetrieve, HardwareFailure);
    assert_ptr_equal(fakes.protocol.offload_context, &o.tcp);
    assert_int_equal(fakes.protocol.event, TcpIndicateRetrieve);
    assert_int_equal(fakes.protocol.information, HardwareFailure);
    assert_int_equal(fakes.last_event.arg[1], HardwareFailure);

    /* A reachability query with the neighbor's handle goes to its binding alone, and the answer is in place. */
    memset(&query, 0, sizeof query);
    block = flue_block_to_miniport(&query.Block);
    block->Header = (NDIS_OBJECT_HEADER){NeighborOffloadState, 1, sizeof *block};
    block->NdisOffloadHandle = &o.neighbor.handle;
    query.Const.Header.Length = sizeof query.Const;
    query.Cached.Header.Length = sizeof query.Cached;
    fakes.log.text[0] = '\0';
    NdisMOffloadEventIndicate(fakes.miniport.adapter, block, NeighborReachabilityQuery);
    assert_string_equal(fakes.log.text, "ProtocolIndicateOffloadEvent");
    assert_ptr_equal(fakes.protocol.binding, &fakes.protocol.bindings[0]);
    assert_ptr_equal(fakes.protocol.offload_context, &o.neighbor.handle);
    assert_int_equal(query.Cached.HostReachabilityDelta, 77);
    assert_ptr_equal(block->NdisOffloadHandle, &o.neighbor.handle);
    assert_null(block->MiniportOffloadContext);

    /* Without one, everybody is asked. */
    fakes.log.text[0] = '\0';
    NdisMOffloadEventIndicate(fakes.miniport.adapter, NULL, MaxOffloadEvent);
    assert_string_equal(fakes.log.text, "ProtocolIndicateOffloadEvent ProtocolIndicateOffloadEvent");
    fakes_end(&fakes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initiate_and_terminate_move_handles_and_slots),
        cmocka_unit_test(send_data_travels_with_the_tree),
        cmocka_unit_test(each_operation_has_its_own_handlers),
        cmocka_unit_test(data_requests_reach_the_context_and_complete),
        cmocka_unit_test(a_mixed_completion_is_split_by_binding_only),
        cmocka_unit_test(a_receive_indication_moves_ownership_by_its_answer),
        cmocka_unit_test(events_reach_the_owner_of_the_handle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
