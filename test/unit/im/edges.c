/* SPDX-License-Identifier: GPL-2.0-only */
/* What crosses the two edges of an intermediate driver (CH-325 to CH-340). */
#include "script.h"

#include <string.h>

#include "support/test.h"

static const struct flue_im_params pass = {.kind = FLUE_IM_PASS, .name = "pass"};

/* ---- With memory ---- */

/* CH-325 to CH-330: one block in four fails; all words of all blocks come back; its send data does, too. */
static void a_tree_goes_down_and_up(void **state)
{
    PNET_BUFFER_LIST data[2];
    NDIS_HANDLE source;

    (void)state;
    begin(&pass);
    (void)lay_out();
    for (unsigned i = 0; i < 2; i++) {
        data[i] = list_of(100);
        o.tcp[i].Block.NetBufferListChain = data[i];
    }
    NdisInitiateOffload(fakes.protocol.bindings[0].handle, &o.placeholder.Block);
    log_is("MiniportInitiateOffload");
    assert_int_equal(entries(), 3);
    source = fakes.protocol.bindings[0].handle;
    initiated_below(&fakes.miniport, NDIS_STATUS_SUCCESS, NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
    log_is("ProtocolInitiateOffloadComplete");
    assert_int_equal(entries(), 2);
    assert_non_null(o.handle[PATH].handle.MiniportOffloadContext);
    assert_non_null(o.handle[FIRST].handle.MiniportOffloadContext);
    assert_ptr_not_equal(o.handle[FIRST].handle.MiniportOffloadContext, &o.below[FIRST]);
    assert_null(o.handle[SECOND].handle.MiniportOffloadContext);
    assert_int_equal(o.tcp[1].Block.Status, NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
    for (unsigned i = 0; i < 2; i++) {
        assert_ptr_equal(o.tcp[i].Block.ImReserved[0], &o);
        assert_ptr_equal(o.tcp[i].Block.ImReserved[1], &o.tcp[i]);
        assert_ptr_equal(o.tcp[i].Block.SourceHandle, source);
        assert_ptr_equal(o.tcp[i].Block.OffloadHandle, &o.handle[FIRST + i].handle);
    }
    assert_null(o.placeholder.Block.OffloadHandle);
    assert_ptr_equal(o.placeholder.Block.ImReserved[1], &o);
    assert_null(data[1]->Context);
    assert_ptr_equal(data[1]->SourceHandle, source);
    fakes.miniport.up.NdisTcpOffloadSendComplete(fakes.miniport.adapter, data[0]);
    log_is("ProtocolTcpOffloadSendComplete");
    assert_null(data[0]->Context);
    put(data[0]);
    put(data[1]);
    upload_all(&fakes.miniport);
    end();
}

/* CH-331 to CH-333, CH-337. */
static void lists_go_down_and_up(void **state)
{
    PNET_BUFFER_LIST nbl = NULL;

    (void)state;
    begin(&pass);
    offload(&fakes.miniport);
    nbl = list_of(10);
    nbl->Next = list_of(20);
    assert_int_equal(NdisOffloadTcpSend(&o.handle[FIRST].handle, nbl), NDIS_STATUS_PENDING);
    assert_ptr_equal(fakes.miniport.list, nbl);
    assert_ptr_equal(fakes.miniport.data_context, &o.below[FIRST]);
    fakes.miniport.up.NdisTcpOffloadSendComplete(fakes.miniport.adapter, nbl);
    assert_ptr_equal(fakes.protocol.list, nbl);
    assert_int_equal(NdisOffloadTcpReceive(&o.handle[SECOND].handle, nbl), NDIS_STATUS_PENDING);
    assert_ptr_equal(fakes.miniport.data_context, &o.below[SECOND]);
    fakes.miniport.up.NdisTcpOffloadReceiveComplete(fakes.miniport.adapter, nbl);
    assert_int_equal(NdisOffloadTcpForward(&o.handle[FIRST].handle, nbl), NDIS_STATUS_PENDING);
    fakes.miniport.up.NdisTcpOffloadForwardComplete(fakes.miniport.adapter, nbl);
    put(nbl->Next);
    nbl->Next = NULL;
    assert_int_equal(NdisOffloadTcpDisconnect(&o.handle[FIRST].handle, nbl, TCP_DISCONNECT_ABORTIVE_CLOSE),
                     NDIS_STATUS_PENDING);
    assert_int_equal(fakes.miniport.flags, TCP_DISCONNECT_ABORTIVE_CLOSE);
    fakes.miniport.up.NdisTcpOffloadDisconnectComplete(fakes.miniport.adapter, nbl);
    assert_null(nbl->Context);
    assert_int_equal(flue_im_objects_live(im), 3 + 3 * 3); /* entries, and the call entries set aside for them */
    log_is("MiniportTcpOffloadSend ProtocolTcpOffloadSendComplete MiniportTcpOffloadReceive "
           "ProtocolTcpOffloadReceiveComplete MiniportTcpOffloadForward ProtocolTcpOffloadForwardComplete "
           "MiniportTcpOffloadDisconnect ProtocolTcpOffloadDisconnectComplete");
    put(nbl);
    upload_all(&fakes.miniport);
    end();
}

/* A connection of the host's second binding, on a path of its own. */
static struct {
    struct owned_handle path, tcp;
    FLUE_PATH_BLOCK placeholder, p;
    FLUE_TCP_BLOCK t;
    FLUE_TCP_TERMINATE_BLOCK finish;
    char below[2];
} other;

static void offload_other(void)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root, path;

    memset(&other, 0, sizeof other);
    other.path.protocol = other.tcp.protocol = &fakes.protocol;
    other.placeholder.Block.Header = (NDIS_OBJECT_HEADER){NeighborOffloadState, 1, sizeof other.placeholder.Block};
    other.placeholder.Block.DependentBlockList = &other.p.Block;
    other.p.Block.Header = (NDIS_OBJECT_HEADER){Ip4OffloadState, 1, sizeof other.p.Block};
    other.p.Block.OffloadHandle = &other.path.handle;
    other.p.Block.DependentBlockList = &other.t.Block;
    other.t.Block.Header = (NDIS_OBJECT_HEADER){TcpOffloadState, 2, sizeof other.t.Block};
    other.t.Block.OffloadHandle = &other.tcp.handle;
    NdisInitiateOffload(fakes.protocol.bindings[1].handle, &other.placeholder.Block);
    root = fakes.miniport.tree;
    path = root->DependentBlockList;
    root->Status = path->Status = path->DependentBlockList->Status = NDIS_STATUS_SUCCESS;
    *path->MiniportOffloadContext = &other.below[0];
    *path->DependentBlockList->MiniportOffloadContext = &other.below[1];
    NdisMInitiateOffloadComplete(fakes.miniport.adapter, root);
    pass_time(FLUE_PS_PER_S);
    assert_ptr_equal(fakes.protocol.binding, &fakes.protocol.bindings[1]);
}

static void upload_other(PNDIS_OFFLOAD_HANDLE handle, USHORT type)
{
    memset(&other.finish, 0, sizeof other.finish);
    other.finish.Block.Header = (NDIS_OBJECT_HEADER){(UCHAR)type, 2, sizeof other.finish.Block};
    other.finish.Block.OffloadHandle = handle;
    NdisTerminateOffload(fakes.protocol.bindings[1].handle, &other.finish.Block);
    pass_time(FLUE_PS_PER_S);
    terminated_below(&fakes.miniport);
    pass_time(FLUE_PS_PER_S);
    assert_ptr_equal(fakes.protocol.binding, &fakes.protocol.bindings[1]);
}

/* CH-338: two bindings stand on the driver's upper edge, and one on its lower.  Each disconnect goes back to the
 * binding that asked for it, with the context that it had there, in whatever order the adapter completes them. */
static void disconnects_find_their_binding(void **state)
{
    static const unsigned orders[][2] = {{0, 1}, {1, 0}};

    (void)state;
    for (unsigned order = 0; order < COUNT_OF(orders); order++) {
        PNET_BUFFER_LIST nbl[2], below[2];
        char context[2];

        begin_with(&pass, 2);
        assert_non_null(fakes.protocol.bindings[1].handle);
        offload(&fakes.miniport);
        offload_other();
        for (unsigned i = 0; i < 2; i++) {
            nbl[i] = list_of(0);
            nbl[i]->Context = &context[i];
            assert_int_equal(NdisOffloadTcpDisconnect(i == 0 ? &o.handle[FIRST].handle : &other.tcp.handle, nbl[i],
                                                      TCP_DISCONNECT_GRACEFUL_CLOSE),
                             NDIS_STATUS_PENDING);
            below[i] = fakes.miniport.list;
            assert_ptr_equal(fakes.miniport.data_context, i == 0 ? &o.below[FIRST] : &other.below[1]);
        }
        for (unsigned i = 0; i < 2; i++) {
            const unsigned which = orders[order][i];

            fakes.protocol.binding = NULL;
            below[which]->Status = NDIS_STATUS_SUCCESS;
            fakes.miniport.up.NdisTcpOffloadDisconnectComplete(fakes.miniport.adapter, below[which]);
            assert_ptr_equal(fakes.protocol.binding, &fakes.protocol.bindings[which]);
            assert_ptr_equal(fakes.protocol.list, nbl[which]);
            assert_ptr_equal(nbl[which]->Context, &context[which]);
            assert_ptr_equal(nbl[which]->SourceHandle, fakes.protocol.bindings[which].handle);
            put(nbl[which]);
        }
        upload_other(&other.tcp.handle, TcpOffloadDelegatedState);
        upload_other(&other.path.handle, Ip4OffloadDelegatedState);
        upload_all(&fakes.miniport);
        end();
    }
}

/* CH-118 to CH-121: what comes back after the terminate has completed finds its entry, and then the entry goes. */
static void late_lists_find_their_entry(void **state)
{
    typedef void complete_fn(NDIS_HANDLE, PNET_BUFFER_LIST);

    (void)state;
    for (unsigned request = 0; request < 4; request++) {
        PNET_BUFFER_LIST nbl = NULL;
        complete_fn *complete[4];
        NDIS_STATUS status = NDIS_STATUS_FAILURE;

        begin(&pass);
        complete[0] = fakes.miniport.up.NdisTcpOffloadSendComplete;
        complete[1] = fakes.miniport.up.NdisTcpOffloadReceiveComplete;
        complete[2] = fakes.miniport.up.NdisTcpOffloadDisconnectComplete;
        complete[3] = fakes.miniport.up.NdisTcpOffloadForwardComplete;
        offload(&fakes.miniport);
        nbl = list_of(10);
        switch (request) {
        case 0:
            status = NdisOffloadTcpSend(&o.handle[FIRST].handle, nbl);
            break;
        case 1:
            status = NdisOffloadTcpReceive(&o.handle[FIRST].handle, nbl);
            break;
        case 2:
            status = NdisOffloadTcpDisconnect(&o.handle[FIRST].handle, nbl, TCP_DISCONNECT_ABORTIVE_CLOSE);
            break;
        default:
            status = NdisOffloadTcpForward(&o.handle[FIRST].handle, nbl);
            break;
        }
        assert_int_equal(status, NDIS_STATUS_PENDING);
        upload_all(&fakes.miniport);
        assert_int_equal(entries(), 1); /* it is over, and kept for the list */
        complete[request](fakes.miniport.adapter, nbl);
        assert_int_equal(entries(), 0);
        assert_null(nbl->Context);
        put(nbl);
        end();
    }
}

/* CH-334 to CH-336, D-49: answers come back as given. */
static void indications_go_up(void **state)
{
    static const NDIS_STATUS answers[] = {NDIS_STATUS_SUCCESS, NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
                                          NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED};
    FLUE_NEIGHBOR_BLOCK neighbor = {.Block.Header = {NeighborOffloadState, 1, sizeof neighbor.Block},
                                    .Const.Header.Length = sizeof neighbor.Const,
                                    .Cached.Header.Length = sizeof neighbor.Cached,
                                    .Delegated.Header.Length = sizeof neighbor.Delegated};
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST query;
    NDIS_HANDLE own[OBJECTS];

    (void)state;
    begin(&pass);
    NdisInitiateOffload(fakes.protocol.bindings[0].handle, lay_out());
    own[PATH] = fakes.miniport.tree->DependentBlockList->NdisOffloadHandle;
    own[FIRST] = fakes.miniport.tree->DependentBlockList->DependentBlockList->NdisOffloadHandle;
    initiated_below(&fakes.miniport, NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS);
    for (unsigned i = 0; i < COUNT_OF(answers); i++) {
        PNET_BUFFER_LIST nbl = list_of(40);
        ULONG consumed = 99;

        fakes.protocol.answer = answers[i];
        fakes.protocol.consumed = 7 * i;
        fakes.log.text[0] = '\0';
        assert_int_equal(
            fakes.miniport.up.NdisTcpOffloadReceiveHandler(own[FIRST], nbl, NDIS_STATUS_SUCCESS, &consumed),
            answers[i]);
        assert_int_equal(consumed, 7 * i);
        assert_ptr_equal(fakes.protocol.offload_context, &o.handle[FIRST]);
        if (i == 0) {
            assert_int_equal(NdisOffloadTcpReceiveReturn(fakes.protocol.bindings[0].handle, nbl), NDIS_STATUS_SUCCESS);
            assert_ptr_equal(fakes.miniport.list, nbl);
        }
        put(nbl);
    }
    fakes.miniport.up.NdisTcpOffloadEventHandler(own[FIRST], TcpIndicateRetrieve, HighDropRate);
    assert_ptr_equal(fakes.protocol.offload_context, &o.handle[FIRST]);
    assert_int_equal(fakes.protocol.event, TcpIndicateRetrieve);
    assert_int_equal(fakes.protocol.information, HighDropRate);
    query = flue_block_to_miniport(&neighbor.Block);
    query->NdisOffloadHandle = own[PATH]; /* any object's handle shows where it goes */
    NdisMOffloadEventIndicate(fakes.miniport.adapter, query, NeighborReachabilityQuery);
    assert_ptr_equal(fakes.protocol.offload_context, &o.handle[PATH]);
    assert_int_equal(neighbor.Cached.HostReachabilityDelta, 77);
    assert_ptr_equal(query->NdisOffloadHandle, own[PATH]);
    upload_all(&fakes.miniport);
    end();
}

/* ---- Hold ---- */

static const struct flue_im_params slow = {
    .kind = FLUE_IM_HOLD, .name = "hold", .hold_down_ps = 1000, .hold_up_ps = 5000};

/* D-15: a held initiate completion goes up ahead of an indication of its connection; others stay (hold.c). */
static void held_completions_precede_indications(void **state)
{
    NDIS_HANDLE own;
    PNET_BUFFER_LIST nbl;

    (void)state;
    begin(&slow);
    NdisInitiateOffload(fakes.protocol.bindings[0].handle, lay_out());
    log_is("");
    pass_time(999);
    log_is("");
    pass_time(1);
    log_is("MiniportInitiateOffload");
    own = fakes.miniport.tree->DependentBlockList->DependentBlockList->NdisOffloadHandle;
    initiated_below(&fakes.miniport, NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS);
    log_is("");
    assert_null(o.handle[FIRST].handle.MiniportOffloadContext);
    fakes.miniport.up.NdisTcpOffloadEventHandler(own, TcpIndicateSendBacklogChange, 1);
    log_is("ProtocolInitiateOffloadComplete ProtocolTcpOffloadEvent");
    nbl = list_of(8);
    (void)NdisOffloadTcpSend(&o.handle[SECOND].handle, nbl);
    pass_time(1000);
    log_is("MiniportTcpOffloadSend");
    fakes.miniport.up.NdisTcpOffloadSendComplete(fakes.miniport.adapter, nbl);
    fakes.miniport.up.NdisTcpOffloadEventHandler(own, TcpIndicateSendBacklogChange, 2); /* of another connection */
    log_is("ProtocolTcpOffloadEvent");
    pass_time(5000);
    log_is("ProtocolTcpOffloadSendComplete");
    put(nbl);
    /* D-18: an update does not wait on its way down. */
    o.finish.Block = (NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST){.Header = {Ip4OffloadCachedState, 1, sizeof o.finish.Block},
                                                        .OffloadHandle = &o.handle[PATH].handle};
    NdisUpdateOffload(fakes.protocol.bindings[0].handle, &o.finish.Block);
    log_is("MiniportUpdateOffload");
    fakes.miniport.tree->Status = NDIS_STATUS_SUCCESS;
    NdisMUpdateOffloadComplete(fakes.miniport.adapter, fakes.miniport.tree);
    pass_time(5000);
    upload_all(&fakes.miniport);
    end();
}

/* ---- Team ---- */

static const struct flue_im_params team = {.kind = FLUE_IM_TEAM, .name = "team"};

/* Behaviour 12: the second adapter gets nothing before the first has given all back; lists find their way home. */
static void a_team_moves(void **state)
{
    struct ndis_pool *pool; /* of the second adapter */
    PNET_BUFFER_LIST early, late;
    ULONG consumed;

    (void)state;
    begin(&team);
    assert_int_equal(ndis_pool_new(&fakes.env, NDIS_POOL_SPANS, &pool), FLUE_OK);
    fakes.protocol.consumed = 9;
    offload(&fakes.miniport);
    early = list_of(9);
    (void)fakes.miniport.up.NdisTcpOffloadReceiveHandler(
        ((PNDIS_OFFLOAD_HANDLE)o.handle[FIRST].handle.MiniportOffloadContext), early, NDIS_STATUS_SUCCESS, &consumed);
    fakes.log.text[0] = '\0';
    assert_int_equal(flue_im_fail_over(im, fakes.now_ps), FLUE_OK);
    assert_int_equal(flue_im_fail_over(im, fakes.now_ps), FLUE_ESTATE);
    pass_time(0);
    log_is("ProtocolStatusEx ProtocolStatusEx");
    assert_int_equal(fakes.protocol.status, NDIS_STATUS_UPLOAD_ALL);
    pass_time(FLUE_PS_PER_S);
    log_is("");
    upload_all(&fakes.miniport);
    pass_time(0);
    assert_int_equal(fakes.protocol.status, NDIS_STATUS_OFFLOAD_RESUME);
    fakes.log.text[0] = '\0';
    offload(&second);
    late = ndis_nbl_get(pool);
    late->FirstNetBuffer->DataLength = 0;
    (void)second.up.NdisTcpOffloadReceiveHandler(((PNDIS_OFFLOAD_HANDLE)o.handle[FIRST].handle.MiniportOffloadContext),
                                                 late, NDIS_STATUS_SUCCESS, &consumed);
    fakes.miniport.list = second.list = NULL;
    early->Next = late; /* a chain of one binding above, of two below */
    assert_int_equal(NdisOffloadTcpReceiveReturn(fakes.protocol.bindings[0].handle, early), NDIS_STATUS_SUCCESS);
    assert_ptr_equal(fakes.miniport.list, early);
    assert_null(early->Next);
    assert_ptr_equal(second.list, late);
    put(early);
    put(late);
    upload_all(&second);
    ndis_pool_free(pool);
    end();
}

/* An adapter may indicate from as many pools as it likes. */
static void many_pools_find_their_way_home(void **state)
{
    enum { POOLS = 12 };
    struct ndis_pool *pool[POOLS];
    PNET_BUFFER_LIST frame[POOLS];

    (void)state;
    begin(&team);
    for (unsigned i = 0; i < POOLS; i++) {
        struct fake_miniport *from = i % 2 == 0 ? &second : &fakes.miniport;

        assert_int_equal(ndis_pool_new(&fakes.env, NDIS_POOL_FRAMES, &pool[i]), FLUE_OK);
        frame[i] = ndis_nbl_get(pool[i]);
        NdisMIndicateReceiveNetBufferLists(from->adapter, frame[i], 0, 1, 0);
    }
    for (unsigned i = 0; i < POOLS; i++) {
        struct fake_miniport *from = i % 2 == 0 ? &second : &fakes.miniport;

        from->list = NULL;
        NdisReturnNetBufferLists(fakes.protocol.bindings[0].handle, frame[i], 0);
        assert_ptr_equal(from->list, frame[i]);
        put(frame[i]);
        ndis_pool_free(pool[i]);
    }
    end();
}

static void power_is_off(void *ctx, NDIS_STATUS status)
{
    assert_int_equal(status, NDIS_STATUS_SUCCESS);
    ++*(unsigned *)ctx;
}

/* CH-310, CH-311: an adapter goes off when nothing is left on it; a team goes on with the other. */
static void power_waits_for_the_last_object(void **state)
{
    static const struct flue_im_params *const kinds[] = {&pass, &team};

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
        struct fake_miniport *next = i == 0 ? &fakes.miniport : &second;
        unsigned off = 0;

        begin(kinds[i]);
        offload(&fakes.miniport);
        flue_ndis_set_power(fakes.ndis, fakes.miniport.adapter, NetDeviceStateD3, power_is_off, &off);
        pass_time(0);
        assert_int_equal(fakes.protocol.status, NDIS_STATUS_UPLOAD_ALL);
        assert_int_equal(off, 0);
        upload_all(&fakes.miniport);
        assert_int_equal(off, 1);
        if (i == 0) {
            flue_ndis_set_power(fakes.ndis, fakes.miniport.adapter, NetDeviceStateD0, power_is_off, &off);
            assert_int_equal(off, 2);
        }
        assert_int_equal(fakes.protocol.status, NDIS_STATUS_OFFLOAD_RESUME);
        fakes.log.text[0] = '\0';
        offload(next);
        upload_all(next);
        end();
    }
}

/* CH-340: queries and sets go down, a set to every adapter of a team. */
static void requests_go_down(void **state)
{
    static const struct flue_im_params *const kinds[] = {&pass, &team};

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
        ULONG word = 5;
        NDIS_OID_REQUEST request = {.RequestType = NdisRequestSetInformation,
                                    .Oid = OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
                                    .InformationBuffer = &word,
                                    .InformationBufferLength = sizeof word};

        begin(kinds[i]);
        assert_int_equal(NdisOidRequest(fakes.protocol.bindings[0].handle, &request), NDIS_STATUS_SUCCESS);
        assert_int_equal(fakes.miniport.requests, 1);
        assert_int_equal(second.requests, i);
        assert_ptr_not_equal(fakes.miniport.request, &request);
        request.RequestType = NdisRequestQueryInformation;
        request.Oid = OID_TCP4_OFFLOAD_STATS;
        fakes.miniport.request_answer = NDIS_STATUS_PENDING;
        assert_int_equal(NdisOidRequest(fakes.protocol.bindings[0].handle, &request), NDIS_STATUS_PENDING);
        fakes.miniport.request->BytesDone = 4;
        NdisMOidRequestComplete(fakes.miniport.adapter, fakes.miniport.request, NDIS_STATUS_SUCCESS);
        assert_ptr_equal(fakes.protocol.request, &request);
        assert_int_equal(request.BytesDone, 4);
        assert_int_equal(second.requests, i);
        end();
    }
}

/* Ordinary frames, sent, received, returned; without memory a sent one is dropped, later. */
static void frames_pass(void **state)
{
    PNET_BUFFER_LIST nbl, sent[600];
    unsigned count = 0;

    (void)state;
    begin(&pass);
    nbl = ndis_nbl_get(fakes.frames);
    NdisMIndicateReceiveNetBufferLists(fakes.miniport.adapter, nbl, 0, 1, 0);
    assert_ptr_equal(fakes.protocol.list, nbl);
    NdisReturnNetBufferLists(fakes.protocol.bindings[0].handle, nbl, 0);
    log_is("ProtocolReceiveNetBufferLists MiniportReturnNetBufferLists");
    put(nbl);
    manual_env_fail(&memory, 1);
    do {
        fakes.log.text[0] = '\0';
        assert_true(count < COUNT_OF(sent));
        sent[count] = ndis_nbl_get(fakes.frames);
        NdisSendNetBufferLists(fakes.protocol.bindings[0].handle, sent[count++], 0, 0);
    } while (fakes.log.text[0] != '\0');
    manual_env_fail(&memory, 0);
    pass_time(FLUE_PS_PER_MS);
    log_is("ProtocolSendNetBufferListsComplete");
    assert_int_equal(sent[--count]->Status, NDIS_STATUS_RESOURCES);
    put(sent[count]);
    while (count > 0) {
        NdisMSendNetBufferListsComplete(fakes.miniport.adapter, sent[--count], 0);
        assert_ptr_equal(fakes.protocol.list, sent[count]);
        put(sent[count]);
        fakes.log.text[0] = '\0';
    }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_goes_down_and_up),
        cmocka_unit_test(lists_go_down_and_up),
        cmocka_unit_test(disconnects_find_their_binding),
        cmocka_unit_test(late_lists_find_their_entry),
        cmocka_unit_test(indications_go_up),
        cmocka_unit_test(held_completions_precede_indications),
        cmocka_unit_test(a_team_moves),
        cmocka_unit_test(many_pools_find_their_way_home),
        cmocka_unit_test(power_waits_for_the_last_object),
        cmocka_unit_test(requests_go_down),
        cmocka_unit_test(frames_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
