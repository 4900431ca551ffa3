/* SPDX-License-Identifier: GPL-2.0-only */
/* Drivers that break one rule each: the checker names it (CH-325 to CH-340), and nothing of a driver that breaks none.
 *
 * The driver is the pass-through one of the contract tests, built here a second time with its calls led through
 * functions that can do the wrong thing. */
#include "contract/ndis_fake_im.h"
#include "flue/check.h"
#include "flue/wire.h"
#include "support/test.h"
#include "support/violators.h"

#include <string.h>

static unsigned first; /* rule that was found first */
static unsigned wrong; /* the rule to be broken; 0: none */
static unsigned variant;
static PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST kept_tree;
static PNET_BUFFER_LIST kept_list;
static struct fake_im box;

static bool breaks(unsigned rule, unsigned which)
{
    return wrong == rule && variant == which;
}

/* ---- The wrong ways ---- */

static void wrong_update(NDIS_HANDLE lower, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree)
{
    if (breaks(325, 0)) {
        kept_tree = tree; /* not passed, and later a success */
    } else if (breaks(325, 1)) {
        NdisQueryOffloadState(lower, tree);
    } else if (breaks(328, 0)) {
        tree->OffloadHandle = box.entries[2].upper;
        NdisUpdateOffload(lower, tree);
    } else if (breaks(328, 1)) {
        tree->OffloadHandle = &box.entries[3].handle;
        NdisUpdateOffload(lower, tree);
    } else {
        NdisUpdateOffload(lower, tree);
    }
}

static void wrong_terminate(NDIS_HANDLE lower, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree)
{
    if (wrong == 330) {
        kept_tree = tree;
    } else {
        NdisTerminateOffload(lower, tree);
    }
}

static void wrong_updated(NDIS_HANDLE adapter, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    if (breaks(327, 0)) {
        tree->ImReserved[1] = &box;
    } else if (breaks(327, 1)) {
        tree->SourceHandle = box.lower[0];
    } else if (breaks(33, 0)) {
        tree->Header.Size = 0;
    } else if (breaks(33, 1)) {
        tree->NextBlock = tree;
    }
    if (wrong != 326) {
        NdisMUpdateOffloadComplete(adapter, tree);
    }
}

static void wrong_initiated(NDIS_HANDLE adapter, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    PVOID *slot = tree->DependentBlockList->MiniportOffloadContext;
    struct fake_im_entry *entry = *slot;

    if (wrong == 329) {
        *slot = variant == 0 ? NULL : entry->handle.MiniportOffloadContext;
    }
    NdisMInitiateOffloadComplete(adapter, tree);
    *slot = entry;
}

/* One byte of what was sent is forgotten. */
static void forget_byte(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    TCP_OFFLOAD_STATE_DELEGATED *delegated = (TCP_OFFLOAD_STATE_DELEGATED *)(void *)flue_state_first(tree);

    delegated->SndUna = delegated->SndNxt = --delegated->SndMax;
}

static void wrong_terminated(NDIS_HANDLE adapter, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    if (breaks(131, 0)) {
        forget_byte(tree);
    }
    NdisMTerminateOffloadComplete(adapter, tree);
}

static NDIS_STATUS wrong_send(PNDIS_OFFLOAD_HANDLE handle, PNET_BUFFER_LIST list)
{
    if (wrong == 339 || breaks(331, 0)) {
        kept_list = list;
        return NDIS_STATUS_PENDING;
    }
    if (breaks(331, 1)) {
        return NdisOffloadTcpSend(handle, kept_list);
    }
    return NdisOffloadTcpSend(wrong == 332 ? &box.entries[3].handle : handle, list);
}

static NDIS_STATUS wrong_disconnect(PNDIS_OFFLOAD_HANDLE handle, PNET_BUFFER_LIST list, ULONG flags)
{
    if (wrong == 337) {
        kept_list = list; /* its Context stays */
        list->Context = &box;
    }
    return NdisOffloadTcpDisconnect(handle, list, wrong == 333 ? flags ^ 3u : flags);
}

static NDIS_STATUS wrong_request(NDIS_HANDLE lower, PNDIS_OID_REQUEST request)
{
    return wrong == 340 ? NDIS_STATUS_SUCCESS : NdisOidRequest(lower, request);
}

static NDIS_TCP_OFFLOAD_EVENT_HANDLERS right;

static NDIS_STATUS wrong_indicate(NDIS_HANDLE handle, PNET_BUFFER_LIST list, NDIS_STATUS status, ULONG *consumed)
{
    NDIS_STATUS answer;

    if (breaks(325, 2)) {
        *consumed = 0;
        return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
    }
    if (breaks(335, 0)) {
        handle = box.entries[3].upper;
    }
    answer = right.NdisTcpOffloadReceiveHandler(handle, list, wrong == 334 ? NDIS_STATUS_FAILURE : status, consumed);
    if (breaks(335, 1)) {
        *consumed -= 1;
    }
    return breaks(335, 2) ? NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED : answer;
}

static void wrong_event(NDIS_HANDLE handle, ULONG type, ULONG information)
{
    if (breaks(336, 0)) {
        information++;
    } else if (breaks(336, 1)) {
        handle = box.entries[3].upper;
    }
    if (!breaks(325, 3)) {
        right.NdisTcpOffloadEventHandler(handle, type, information);
    }
    if (breaks(325, 4)) {
        right.NdisTcpOffloadEventHandler(handle, type, information);
    }
}

#define NdisUpdateOffload             wrong_update
#define NdisTerminateOffload          wrong_terminate
#define NdisMUpdateOffloadComplete    wrong_updated
#define NdisMInitiateOffloadComplete  wrong_initiated
#define NdisMTerminateOffloadComplete wrong_terminated
#define NdisOffloadTcpSend            wrong_send
#define NdisOffloadTcpDisconnect      wrong_disconnect
#define NdisOidRequest                wrong_request
#undef assert_ptr_equal
#define assert_ptr_equal(a, b) ((void)(a), (void)(b))
#include "../../contract/ndis_fake_im.c" /* NOLINT: its calls are to be replaced */
#undef NdisUpdateOffload
#undef NdisTerminateOffload
#undef NdisMUpdateOffloadComplete
#undef NdisMInitiateOffloadComplete
#undef NdisMTerminateOffloadComplete
#undef NdisOffloadTcpSend
#undef NdisOffloadTcpDisconnect
#undef NdisOidRequest

/* ---- A short life: a neighbour, a path and two connections ---- */

enum { NEIGHBOR, PATH, FIRST, SECOND, OBJECTS };

static struct fakes fakes;
static struct owned_handle handle[OBJECTS];
static FLUE_NEIGHBOR_BLOCK neighbor;
static FLUE_PATH_BLOCK path;
static FLUE_TCP_BLOCK tcp[2];
static FLUE_TCP_TERMINATE_BLOCK finish;
static struct {
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
    TCP_OFFLOAD_STATE_CACHED cached;
} update;
static char below[OBJECTS];
static const UCHAR address[4] = {10, 0, 0, 1};
static uint32_t first_seq; /* of both directions */

static void offload(void)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root, block;

    memset(handle, 0, sizeof handle);
    memset(tcp, 0, sizeof tcp);
    for (unsigned i = 0; i < OBJECTS; i++) {
        handle[i].protocol = &fakes.protocol;
    }
    neighbor = (FLUE_NEIGHBOR_BLOCK){.Block = {.Header = {NeighborOffloadState, 1, sizeof neighbor.Block},
                                               .OffloadHandle = &handle[NEIGHBOR].handle,
                                               .DependentBlockList = &path.Block},
                                     .Const.Header.Length = sizeof neighbor.Const,
                                     .Cached.Header.Length = sizeof neighbor.Cached,
                                     .Delegated.Header.Length = sizeof neighbor.Delegated};
    path = (FLUE_PATH_BLOCK){
        .Block = {.Header = {Ip4OffloadState, 1, sizeof path.Block},
                  .OffloadHandle = &handle[PATH].handle,
                  .DependentBlockList = &tcp[0].Block},
        .Const = {.Header.Length = sizeof path.Const, .SourceAddress = address, .DestinationAddress = address},
        .Cached = {.Header.Length = sizeof path.Cached, .PathMtu = 1500},
        .Delegated = {.Header.Length = sizeof path.Delegated}};
    for (unsigned i = 0; i < 2; i++) {
        tcp[i].Block.Header = (NDIS_OBJECT_HEADER){TcpOffloadState, 2, sizeof tcp[i].Block};
        tcp[i].Block.OffloadHandle = &handle[FIRST + i].handle;
        tcp[i].Const.Header.Length = sizeof tcp[i].Const;
        tcp[i].Const.LocalPort = (USHORT)(i + 1);
        tcp[i].Cached.Header.Length = sizeof tcp[i].Cached;
        tcp[i].Delegated.Header.Length = sizeof tcp[i].Delegated;
        tcp[i].Delegated.State = TcpConnectionEstablished;
        tcp[i].Delegated.SndUna = tcp[i].Delegated.SndNxt = tcp[i].Delegated.SndMax = first_seq;
        tcp[i].Delegated.RcvNxt = first_seq;
        tcp[i].Delegated.KeepAlive.TimeoutDelta = FLUE_TICKS_NONE;
        tcp[i].Delegated.Retransmit.TimeoutDelta = FLUE_TICKS_NONE;
    }
    tcp[0].Block.NextBlock = &tcp[1].Block;
    NdisInitiateOffload(fakes.protocol.bindings[0].handle, &neighbor.Block);
    root = fakes.miniport.tree;
    block = root;
    for (unsigned i = 0; i < OBJECTS; i++) {
        block->Status = NDIS_STATUS_SUCCESS;
        *block->MiniportOffloadContext = &below[i];
        block = i < FIRST ? block->DependentBlockList : block->NextBlock;
    }
    NdisMInitiateOffloadComplete(fakes.miniport.adapter, root);
}

static void ask_update(void)
{
    memset(&update, 0, sizeof update);
    update.block.Header = (NDIS_OBJECT_HEADER){TcpOffloadCachedState, 1, sizeof update.block};
    update.block.OffloadHandle = &handle[FIRST].handle;
    update.cached.Header.Length = sizeof update.cached;
    NdisUpdateOffload(fakes.protocol.bindings[0].handle, &update.block);
}

static void updates(void)
{
    ask_update();
    if (kept_tree != NULL) {
        kept_tree->Status = NDIS_STATUS_SUCCESS;
        im_UpdateOffloadComplete(&box, kept_tree);
        return;
    }
    fakes.miniport.tree->Status = NDIS_STATUS_SUCCESS;
    (breaks(325, 1) ? NdisMQueryOffloadStateComplete : NdisMUpdateOffloadComplete)(fakes.miniport.adapter,
                                                                                   fakes.miniport.tree);
}

static PNET_BUFFER_LIST list_of(uint32_t bytes)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(fakes.spans);
    struct flue_span span = {.stream = 6, .length_bytes = bytes};

    assert_int_equal(ndis_nbl_append(nbl, &span), FLUE_OK);
    return nbl;
}

static void data(void)
{
    PNET_BUFFER_LIST nbl = list_of(10), other = wrong == 333 ? ndis_nbl_get(fakes.spans) : list_of(11);

    kept_list = other;
    (void)NdisOffloadTcpSend(&handle[FIRST].handle, nbl);
    nbl->Status = wrong == 339 ? NDIS_STATUS_UPLOAD_REQUESTED : NDIS_STATUS_SUCCESS;
    if (wrong != 339) {
        NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)10;
        NdisAdvanceNetBufferDataStart(nbl->FirstNetBuffer, 10, 0, NULL);
    }
    if (kept_list == nbl || breaks(331, 1)) {
        right.NdisTcpOffloadSendComplete(box.adapter, nbl);
    } else {
        fakes.miniport.up.NdisTcpOffloadSendComplete(fakes.miniport.adapter, nbl);
    }
    (void)NdisOffloadTcpDisconnect(&handle[SECOND].handle, other, TCP_DISCONNECT_GRACEFUL_CLOSE);
    other->Status = NDIS_STATUS_SUCCESS;
    NET_BUFFER_LIST_INFO(other, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)ndis_nbl_bytes(other);
    NdisAdvanceNetBufferDataStart(other->FirstNetBuffer, (ULONG)ndis_nbl_bytes(other), 0, NULL);
    fakes.miniport.up.NdisTcpOffloadDisconnectComplete(fakes.miniport.adapter, other);
    ndis_nbl_put(nbl);
    ndis_nbl_put(other);
}

static void indications(void)
{
    PNET_BUFFER_LIST nbl = list_of(5);
    ULONG consumed;

    fakes.protocol.answer = NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED;
    fakes.protocol.consumed = 3;
    if (breaks(335, 2)) {
        fakes.protocol.answer = NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
        fakes.protocol.consumed = 0;
    }
    (void)fakes.miniport.up.NdisTcpOffloadReceiveHandler(&box.entries[2].handle, nbl, NDIS_STATUS_SUCCESS, &consumed);
    fakes.miniport.up.NdisTcpOffloadEventHandler(&box.entries[2].handle, TcpIndicateSendBacklogChange, 1000);
    ndis_nbl_put(nbl);
}

static void requests(void)
{
    NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS word = {
        .Header = {NDIS_OBJECT_TYPE_DEFAULT, NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_2, sizeof word},
        .TicksPerSecond = 1000};
    NDIS_OID_REQUEST request = {.RequestType = NdisRequestSetInformation,
                                .Oid = OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
                                .InformationBuffer = &word,
                                .InformationBufferLength = sizeof word};

    (void)NdisOidRequest(fakes.protocol.bindings[0].handle, &request);
}

static void uploads(void)
{
    for (unsigned i = OBJECTS; i-- > 0;) {
        static const struct {
            UCHAR type, revision;
            ULONG length;
        } kinds[OBJECTS] = {{NeighborOffloadDelegatedState, 1, sizeof neighbor.Delegated},
                            {Ip4OffloadDelegatedState, 1, sizeof path.Delegated},
                            {TcpOffloadDelegatedState, 2, sizeof finish.Delegated},
                            {TcpOffloadDelegatedState, 2, sizeof finish.Delegated}};

        memset(&finish, 0, sizeof finish);
        finish.Block.Header = (NDIS_OBJECT_HEADER){kinds[i].type, kinds[i].revision, sizeof finish.Block};
        finish.Block.OffloadHandle = &handle[i].handle;
        finish.Delegated.Header.Length = kinds[i].length;
        kept_tree = NULL;
        NdisTerminateOffload(fakes.protocol.bindings[0].handle, &finish.Block);
        memset((char *)&finish.Delegated + sizeof finish.Delegated.Header, 0,
               sizeof finish.Delegated - sizeof finish.Delegated.Header);
        if (kept_tree != NULL) {
            kept_tree->Status = NDIS_STATUS_SUCCESS;
            im_TerminateOffloadComplete(&box, kept_tree);
        } else {
            fakes.miniport.tree->Status = NDIS_STATUS_SUCCESS;
            NdisMTerminateOffloadComplete(fakes.miniport.adapter, fakes.miniport.tree);
        }
        handle[i].handle.MiniportOffloadContext = NULL;
    }
}

/* ---- A long life: more bytes than serial comparison reaches ---- */

static void frame_passes(int outward, uint32_t seq, uint32_t ack, uint32_t bytes)
{
    const struct flue_frame frame = {
        .src_ip = flue_ip_v4(0x0A000001u),
        .dst_ip = flue_ip_v4(0x0A000001u),
        .src_port = outward != 0 ? 256 : 0, /* port 1 in network order */
        .dst_port = outward != 0 ? 0 : 256,
        .seq = seq,
        .ack = ack,
        .window = 65535,
        .flags = FLUE_TCP_ACK,
        .ethertype = FLUE_ETHERTYPE_IPV4,
        .ip_id = 0x8001,
        .payload = {.stream = 6, .offset_bytes = seq - first_seq, .length_bytes = bytes},
    };

    flue_ndis_check_frame(fakes.ndis, fakes.miniport.adapter, outward, &frame, fakes.now_ps);
}

static uint32_t send_much(unsigned times, uint32_t bytes)
{
    uint32_t seq = first_seq;

    for (; times > 0; times--, seq += bytes) {
        const struct flue_span span = {.stream = 6, .offset_bytes = seq - first_seq, .length_bytes = bytes};
        PNET_BUFFER_LIST nbl = ndis_nbl_get(fakes.spans);

        assert_int_equal(ndis_nbl_append(nbl, &span), FLUE_OK);
        (void)NdisOffloadTcpSend(&handle[FIRST].handle, nbl);
        frame_passes(1, seq, first_seq, bytes);
        frame_passes(0, first_seq, seq + bytes, 0);
        nbl->Status = NDIS_STATUS_SUCCESS;
        NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)bytes;
        NdisAdvanceNetBufferDataStart(nbl->FirstNetBuffer, bytes, 0, NULL);
        fakes.miniport.up.NdisTcpOffloadSendComplete(fakes.miniport.adapter, nbl);
        ndis_nbl_put(nbl);
    }
    return seq;
}

static void returns_seq(uint32_t seq)
{
    TCP_OFFLOAD_STATE_DELEGATED *delegated = &finish.Delegated;

    memset(&finish, 0, sizeof finish);
    finish.Block.Header = (NDIS_OBJECT_HEADER){TcpOffloadDelegatedState, 2, sizeof finish.Block};
    finish.Block.OffloadHandle = &handle[FIRST].handle;
    delegated->Header.Length = sizeof *delegated;
    NdisTerminateOffload(fakes.protocol.bindings[0].handle, &finish.Block);
    *delegated = tcp[0].Delegated;
    delegated->SndUna = delegated->SndNxt = delegated->SndMax = seq;
    if (breaks(131, 1)) {
        forget_byte(fakes.miniport.tree);
    }
    fakes.miniport.tree->Status = NDIS_STATUS_SUCCESS;
    NdisMTerminateOffloadComplete(fakes.miniport.adapter, fakes.miniport.tree);
    handle[FIRST].handle.MiniportOffloadContext = NULL;
}

static enum flue_party first_party;

static void on_finding(void *ctx, const struct flue_finding *finding)
{
    (void)ctx;
    first_party = first == 0 ? finding->party : first_party;
    first = first == 0 ? finding->rule : first;
}

static void begin(void)
{
    static const struct flue_check_sink sink = {.finding = on_finding};
    const struct flue_ddi ddi = flue_ddi_defaults();

    kept_tree = NULL;
    first = 0;
    fakes_prepare(&fakes, 1);
    assert_int_equal(flue_ndis_check(fakes.ndis, FLUE_CHECK_COUNT, &ddi, &sink), FLUE_OK);
    assert_int_equal(fake_miniport_register(&fakes.miniport), NDIS_STATUS_SUCCESS);
    assert_int_equal(flue_ndis_adapter_start(fakes.ndis, fakes.miniport.driver, "adapter 0", &fakes.miniport,
                                             &fakes.miniport.adapter),
                     FLUE_OK);
    fake_im_begin(&box, fakes.ndis, "wrong", 1);
    fake_im_register(&box);
    right = box.up;
    box.up.NdisTcpOffloadReceiveHandler = wrong_indicate;
    box.up.NdisTcpOffloadEventHandler = wrong_event;
    assert_int_equal(fake_protocol_register(&fakes.protocol), NDIS_STATUS_SUCCESS);
    first = 0; /* what the fakes do at their start is none of this test's business */
    offload();
}

static void live(void)
{
    begin();
    updates();
    if (wrong != 326) {
        data();
        indications();
        requests();
        uploads();
    }
    flue_ndis_check_end(fakes.ndis);
}

static void bury(void)
{
    flue_ndis_free(fakes.ndis);
    ndis_pool_free(fakes.spans);
    ndis_pool_free(fakes.frames);
    assert_int_equal(fakes.memory_out, 0);
}

static void each_rule_is_seen(void **state)
{
    static const struct {
        unsigned rule, variants;
    } rules[] = {{33, 2},  {325, 5}, {326, 1}, {327, 2}, {328, 2}, {329, 2}, {330, 1}, {331, 2},
                 {332, 1}, {333, 1}, {334, 1}, {335, 3}, {336, 2}, {337, 1}, {339, 1}, {340, 1}};

    char name[32];

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(rules); i++) {
        wrong = rules[i].rule;
        for (variant = 0; variant < rules[i].variants; variant++) {
            live();
            (void)snprintf(name, sizeof name, "way_%u_of_CH-%03u", variant, wrong);
            violator_told(wrong, name, first == wrong);
            assert_int_equal(first, wrong);
            assert_int_equal(first_party, FLUE_PARTY_DRIVER);
            if (flue_ndis_findings(fakes.ndis, wrong) == 0) {
                print_message("CH-%u, way %u, was not seen\n", wrong, variant);
            }
            assert_int_not_equal(flue_ndis_findings(fakes.ndis, wrong), 0);
            bury();
        }
    }
}

/* CH-131 holds in every layer, however far the connection has come since the hand-over (RFC 9293 3.4). */
static void what_terminate_returns_is_judged_in_every_layer(void **state)
{
    static const struct {
        uint32_t first_seq, bytes;
        unsigned times;
    } lives[] = {{0xFFFFFF00u, 512, 1},     {0, 512, 1},
                 {0, UINT32_C(1) << 30, 2}, {0xFFFFFF00u, UINT32_C(1) << 30, 3},
                 {77, 0x7FFFFF00u, 1},      {0x80000000u, 0x60000000u, 5}};
    static const enum flue_party party[] = {FLUE_PARTY_DRIVER, FLUE_PARTY_TARGET};

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(lives); i++) {
        for (unsigned way = 0; way <= COUNT_OF(party); way++) {
            wrong = way < COUNT_OF(party) ? 131 : 0;
            variant = way;
            first_seq = lives[i].first_seq;
            begin();
            returns_seq(send_much(lives[i].times, lives[i].bytes));
            assert_int_equal(first, wrong);
            if (wrong != 0) {
                assert_int_equal(first_party, party[way]);
            }
            bury();
        }
    }
    first_seq = 0;
    wrong = 0;
}

static void a_good_driver_is_left_alone(void **state)
{
    (void)state;
    wrong = variant = 0;
    live();
    for (unsigned rule = 324; rule <= 340; rule++) {
        if (flue_ndis_findings(fakes.ndis, rule) != 0) {
            print_message("CH-%u\n", rule);
        }
        assert_int_equal(flue_ndis_findings(fakes.ndis, rule), 0);
    }
    bury();
}

/* A run that is cut: who has the tree when the deadline has passed owes it, the driver that never passed it on (CH-325)
 * or the adapter (CH-081). */
static void who_keeps_a_tree_is_named_at_a_cut(void **state)
{
    static const struct {
        unsigned broken, rule;
        enum flue_party party;
    } cuts[] = {{325, 325, FLUE_PARTY_DRIVER}, {0, 81, FLUE_PARTY_TARGET}};

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(cuts); i++) {
        wrong = cuts[i].broken;
        variant = 0;
        begin();
        fakes.now_ps += FLUE_PS_PER_S;
        ask_update();
        fakes.now_ps += 9 * FLUE_PS_PER_S;
        flue_ndis_check_cut(fakes.ndis);
        assert_int_equal(first, 0);
        fakes.now_ps += 2 * FLUE_PS_PER_S;
        flue_ndis_check_cut(fakes.ndis);
        assert_int_equal(first, cuts[i].rule);
        assert_int_equal(first_party, cuts[i].party);
        assert_int_equal(flue_ndis_findings(fakes.ndis, 325) + flue_ndis_findings(fakes.ndis, 81), 1);
        bury();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_keeps_a_tree_is_named_at_a_cut),
        cmocka_unit_test(a_good_driver_is_left_alone),
        cmocka_unit_test(each_rule_is_seen),
        cmocka_unit_test(what_terminate_returns_is_judged_in_every_layer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
