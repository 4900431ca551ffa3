/* SPDX-License-Identifier: GPL-2.0-only */
#include "rig.h"

#include <string.h>

/* ---- The host ---- */

static struct rig_log *note(struct rig *rig, enum rig_call call)
{
    struct flue_target_totals totals;
    struct rig_log *entry = &rig->log[rig->logged];

    assert_true(rig->logged < RIG_LOG);
    rig->logged++;
    flue_target_totals(rig->target, &totals);
    *entry = (struct rig_log){.call = call, .at_ps = rig->env.now_ps, .interrupt = totals.interrupts};
    if (rig->target != NULL) {
        entry->processor = flue_target_processor(rig->target);
    }
    return entry;
}

static void log_chain(struct rig *rig, enum rig_call call, PNET_BUFFER_LIST first)
{
    uint64_t count = ndis_chain_count(first);

    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;
        struct rig_log *entry = note(rig, call);

        entry->conn = (unsigned)(uintptr_t)first->ProtocolReserved[0];
        entry->status = first->Status;
        entry->bytes = (uint64_t)(uintptr_t)NET_BUFFER_LIST_INFO(first, TcpOffloadBytesTransferred);
        entry->extra = count;
        ndis_nbl_put(first);
        first = next;
    }
}

static void from_inside(struct rig *rig, enum rig_call call)
{
    if (rig->reenter != NULL) {
        rig->reenter(rig, call);
    }
}

static void initiate_complete(NDIS_HANDLE context, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    struct rig *rig = context;

    rig->initiate_status = root->Status;
    note(rig, RIG_INITIATED)->status = root->Status;
    from_inside(rig, RIG_INITIATED);
}

static void terminate_complete(NDIS_HANDLE context, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    note(context, RIG_TERMINATED)->status = root->Status;
    from_inside(context, RIG_TERMINATED);
}

static void other_complete(NDIS_HANDLE context, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    note(context, RIG_OTHER_TREE)->status = root->Status;
}

static void offload_event(NDIS_HANDLE context, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, ULONG code)
{
    const FLUE_NEIGHBOR_BLOCK *ask = (const FLUE_NEIGHBOR_BLOCK *)(const void *)block;
    struct rig *rig = context;
    struct rig_log *entry = note(rig, RIG_ASKED);

    assert_int_equal(code, NeighborReachabilityQuery);
    assert_int_equal(block->Header.Type, NeighborOffloadState);
    assert_int_equal(block->Header.Size, sizeof *block);
    assert_int_equal(block->Status, NDIS_STATUS_SUCCESS);
    assert_null(block->NextBlock);
    assert_null(block->DependentBlockList);
    assert_int_equal(ask->Const.Header.Length, sizeof ask->Const);
    assert_int_equal(ask->Cached.Header.Length, sizeof ask->Cached);
    assert_int_equal(ask->Delegated.Header.Length, sizeof ask->Delegated);
    entry->bytes = ask->Cached.HostReachabilityDelta;
    entry->extra = ask->Delegated.NicReachabilityDelta;
    ((FLUE_NEIGHBOR_BLOCK *)(void *)block)->Cached.HostReachabilityDelta = rig->host_delta;
}

static void send_complete(NDIS_HANDLE context, PNET_BUFFER_LIST first)
{
    log_chain(context, RIG_SENT, first);
    from_inside(context, RIG_SENT);
}

/* What a completed request holds: bytes of one stream, one after the other, all of them its data start has passed. */
static void check_received(struct rig *rig, const NET_BUFFER_LIST *nbl)
{
    const ULONG bytes = (ULONG)(uintptr_t)NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred);
    struct ndis_spans spans = ndis_spans_of_chain(NET_BUFFER_LIST_FIRST_NB(nbl), 0, bytes);
    struct flue_span span;
    uint64_t next = UINT64_MAX;
    ULONG sum = 0;

    while (ndis_spans_next(&spans, &span)) {
        assert_true(next == UINT64_MAX || span.offset_bytes == next);
        if (rig->follow) {
            assert_int_equal(span.offset_bytes, rig->taken);
            rig->taken += span.length_bytes;
        }
        next = span.offset_bytes + span.length_bytes;
        sum += span.length_bytes;
    }
    assert_int_equal(sum, bytes);
    assert_int_equal(NET_BUFFER_LIST_FIRST_NB(nbl)->DataOffset, bytes);
}

static void receive_complete(NDIS_HANDLE context, PNET_BUFFER_LIST first)
{
    struct rig *rig = context;

    assert_int_equal(rig->depth++, 0); /* CH-192, CH-193 */
    for (const NET_BUFFER_LIST *nbl = first; nbl != NULL; nbl = nbl->Next) {
        check_received(rig, nbl);
    }
    log_chain(rig, RIG_RECEIVED, first);
    from_inside(rig, RIG_RECEIVED);
    rig->depth--;
}

static void disconnect_complete(NDIS_HANDLE context, PNET_BUFFER_LIST first)
{
    assert_null(first->Next);
    log_chain(context, RIG_DISCONNECTED, first);
}

static void forward_complete(NDIS_HANDLE context, PNET_BUFFER_LIST first)
{
    log_chain(context, RIG_FORWARDED, first);
}

static struct rig *the_rig; /* indications carry only the host's handle */

static unsigned conn_of(PVOID offload_context)
{
    struct rig_conn *conn = (struct rig_conn *)(void *)((char *)offload_context - offsetof(struct rig_conn, handle));

    assert_true(conn >= the_rig->conns && conn < the_rig->conns + RIG_CONNS);
    return (unsigned)(conn - the_rig->conns);
}

static void tcp_event(PVOID offload_context, ULONG type, ULONG information)
{
    struct rig_log *entry = note(the_rig, RIG_EVENT);

    entry->conn = conn_of(offload_context);
    entry->bytes = type;
    entry->extra = information;
    from_inside(the_rig, RIG_EVENT);
}

static NDIS_STATUS take_indicated(PVOID offload_context, PNET_BUFFER_LIST nbl, NDIS_STATUS status, ULONG *consumed)
{
    struct rig *rig = the_rig;
    struct rig_log *entry = note(rig, RIG_INDICATED);
    struct ndis_spans spans = ndis_spans_of_data(NET_BUFFER_LIST_FIRST_NB(nbl));
    struct flue_span span = {.length_bytes = 0};

    assert_int_equal(status, NDIS_STATUS_SUCCESS);
    assert_null(nbl->Next);
    assert_null(NET_BUFFER_LIST_FIRST_NB(nbl)->Next);
    (void)ndis_spans_next(&spans, &span);
    entry->conn = conn_of(offload_context);
    entry->bytes = ndis_nbl_bytes(nbl);
    entry->extra = span.offset_bytes;
    if (rig->follow) {
        assert_int_equal(span.offset_bytes, rig->taken);
        rig->taken += rig->answer == RIG_TAKE ? entry->bytes : rig->answer == RIG_TAKE_PART ? rig->part_bytes : 0;
    }
    switch (rig->answer) {
    case RIG_REFUSE:
        *consumed = 0;
        return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
    case RIG_TAKE_PART:
        *consumed = rig->part_bytes;
        return NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED;
    case RIG_TAKE:
        break;
    }
    *consumed = (ULONG)entry->bytes;
    if (rig->hold_indicated) {
        ndis_chain_append(&rig->kept, nbl);
    } else {
        nbl->Next = NULL;
        (void)NdisOffloadTcpReceiveReturn(rig->binding, nbl);
    }
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS indicate(PVOID offload_context, PNET_BUFFER_LIST nbl, NDIS_STATUS status, ULONG *consumed)
{
    struct rig *rig = the_rig;
    NDIS_STATUS answer;

    assert_int_equal(rig->depth++, 0); /* CH-192 */
    answer = take_indicated(offload_context, nbl, status, consumed);
    from_inside(rig, RIG_INDICATED);
    rig->depth--;
    return answer;
}

static void frames_in(NDIS_HANDLE context, PNET_BUFFER_LIST first, NDIS_PORT_NUMBER port, ULONG count, ULONG flags)
{
    struct rig *rig = context;
    struct rig_log *entry = note(rig, RIG_FRAMES_IN);

    (void)port, (void)flags;
    assert_int_equal(ndis_chain_count(first), count);
    entry->bytes = ndis_nbl_frame(first)->seq;
    entry->extra = count;
    NdisReturnNetBufferLists(rig->binding, first, 0);
}

static void frames_sent(NDIS_HANDLE context, PNET_BUFFER_LIST first, ULONG flags)
{
    (void)flags;
    log_chain(context, RIG_FRAMES_SENT, first);
}

static void status_ex(NDIS_HANDLE context, PNDIS_STATUS_INDICATION indication)
{
    struct rig_log *entry = note(context, RIG_STATUS);

    entry->bytes = (uint32_t)indication->StatusCode;
    entry->status = (int32_t)indication->StatusBufferSize;
    entry->extra = indication->StatusBufferSize >= sizeof(ULONG) ? *(const ULONG *)indication->StatusBuffer : 0;
}

static void request_complete(NDIS_HANDLE context, PNDIS_OID_REQUEST request, NDIS_STATUS status)
{
    struct rig_log *entry = note(context, RIG_REQUEST);

    entry->bytes = request->Oid;
    entry->status = status;
}

static NDIS_STATUS bind(NDIS_HANDLE context, NDIS_HANDLE bind_context, PNDIS_BIND_PARAMETERS parameters)
{
    struct rig *rig = context;
    NDIS_OPEN_PARAMETERS open = {.AdapterName = parameters->AdapterName};

    return NdisOpenAdapterEx(rig->protocol, rig, &open, bind_context, &rig->binding);
}

static NDIS_STATUS unbind(NDIS_HANDLE unbind_context, NDIS_HANDLE context)
{
    struct rig *rig = context;

    (void)unbind_context;
    return NdisCloseAdapterEx(rig->binding);
}

static NDIS_STATUS set_options(NDIS_HANDLE driver, NDIS_HANDLE context)
{
    static const struct flue_client_handlers handlers = {
        .generic = {.InitiateOffloadCompleteHandler = initiate_complete,
                    .TerminateOffloadCompleteHandler = terminate_complete,
                    .UpdateOffloadCompleteHandler = other_complete,
                    .InvalidateOffloadCompleteHandler = other_complete,
                    .QueryOffloadCompleteHandler = other_complete,
                    .IndicateOffloadEventHandler = offload_event},
        .tcp = {.TcpOffloadSendCompleteHandler = send_complete,
                .TcpOffloadReceiveCompleteHandler = receive_complete,
                .TcpOffloadDisconnectCompleteHandler = disconnect_complete,
                .TcpOffloadForwardCompleteHandler = forward_complete,
                .TcpOffloadEventHandler = tcp_event,
                .TcpOffloadReceiveIndicateHandler = indicate},
    };

    ((struct rig *)context)->protocol = driver;
    return flue_ndis_set_client(driver, &handlers);
}

/* ---- The wire ---- */

static enum flue_wire_result wire_send(void *ctx, const struct flue_frame *frame)
{
    struct rig *rig = ctx;

    if (rig->wire_room == 0) {
        return FLUE_WIRE_FULL;
    }
    rig->wire_room--;
    assert_true(rig->sent < RIG_FRAMES);
    rig->out[rig->sent++] = (struct rig_frame){.frame = *frame, .at_ps = rig->env.now_ps};
    if (rig->check != FLUE_CHECK_OFF) {
        flue_ndis_check_frame(rig->ndis, rig->adapter, 1, frame, rig->env.now_ps);
    }
    return FLUE_WIRE_SENT;
}

/* ---- Life ---- */

struct rig *rig_new(void)
{
    static struct rig memory;
    struct rig *rig = &memory;

    memset(rig, 0, sizeof *rig);
    rig->wire_room = RIG_FRAMES;
    rig->params = (struct flue_target_params){
        .neighbour_max = 4,
        .path_max = 4,
        .tcp_max = RIG_CONNS,
        .rcv_wnd_max_bytes = 1u << 20,
        .mtu_max_bytes = 1500,
        .send_quantum = 4,
        .backlog_frames = 64,
        .ring_frames = 4096,
    };
    flue_tcp_defaults(&rig->params.tcp);
    rig->params.tcp.timestamps = 0;
    rig->params.tcp.mss_bytes = RIG_MSS;
    flue_profile_free_of_cost(&rig->params.profile);
    rig->params.profile.dma_read_ps = 500000;
    rig->params.profile.dma_write_ps = 300000;
    rig->params.profile.doorbell_ps = 150000;
    rig->wire.facts = (struct flue_wire_facts){
        .rate_bps = UINT64_C(10000000000), .framing_bytes = 18, .mtu_bytes = 1500, .queue_frames = 100};
    return rig;
}

void rig_build_target(struct rig *rig)
{
    assert_int_equal(
        flue_target_new(&rig->env.env, &rig->timers, NULL, rig->ndis, &rig->wire, &rig->params, &rig->target), FLUE_OK);
    flue_server_init(&rig->core, UINT64_C(1000000000), NULL);
    flue_target_set_host_core(rig->target, &rig->core, &rig->interrupt_price);
    rig->adapter = flue_target_adapter(rig->target);
}

void rig_build(struct rig *rig)
{
    static const NDIS_PROTOCOL_DRIVER_CHARACTERISTICS calls = {
        .Header = {NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS, 1, sizeof calls},
        .SetOptionsHandler = set_options,
        .BindAdapterHandlerEx = bind,
        .UnbindAdapterHandlerEx = unbind,
        .ReceiveNetBufferListsHandler = frames_in,
        .SendNetBufferListsCompleteHandler = frames_sent,
        .StatusHandlerEx = status_ex,
        .OidRequestCompleteHandler = request_complete,
    };
    NDIS_HANDLE protocol;

    the_rig = rig;
    rig->wire.ctx = rig;
    rig->wire.send = wire_send;
    manual_env_init(&rig->env, 1);
    assert_int_equal(timers_init(&rig->timers, &rig->env.env), FLUE_OK);
    assert_int_equal(flue_ndis_new(&rig->env.env, NULL, &rig->ndis), FLUE_OK);
    assert_int_equal(ndis_pool_new(&rig->env.env, NDIS_POOL_SPANS, &rig->spans), FLUE_OK);
    assert_int_equal(ndis_pool_new(&rig->env.env, NDIS_POOL_FRAMES, &rig->frames), FLUE_OK);
    if (rig->check != FLUE_CHECK_OFF) {
        assert_int_equal(flue_ndis_check(rig->ndis, rig->check, &rig->params.ddi, &rig->check_sink), FLUE_OK);
    }
    if (rig->floor != NULL) {
        rig->floor->build(rig);
    } else {
        rig_build_target(rig);
    }
    assert_int_equal(NdisRegisterProtocolDriver(rig->ndis, rig, &calls, &protocol), NDIS_STATUS_SUCCESS);
    assert_non_null(rig->binding);
}

void rig_free(struct rig *rig)
{
    struct flue_ndis_ledger ledger = flue_ndis_binding_ledger(rig->binding);

    assert_int_equal(flue_ndis_ledger_total(&ledger), 0);
    assert_int_equal(rig->floor != NULL ? rig->floor->live(rig) : flue_target_objects_live(rig->target), 0);
    assert_int_equal(ndis_pool_live(rig->spans), 0);
    assert_int_equal(ndis_pool_live(rig->frames), 0);
    if (rig->floor != NULL) {
        rig->floor->free(rig);
    } else {
        flue_target_free(rig->target);
    }
    flue_ndis_free(rig->ndis);
    ndis_pool_free(rig->spans);
    ndis_pool_free(rig->frames);
    timers_dispose(&rig->timers);
    assert_true(manual_env_clean(&rig->env));
}

void rig_run(struct rig *rig, flue_ps until_ps)
{
    flue_ps next_ps;

    while ((next_ps = timers_next(&rig->timers)) <= until_ps) {
        if (next_ps > rig->env.now_ps) {
            rig->env.now_ps = next_ps;
        }
        timers_run(&rig->timers, rig->env.now_ps);
    }
    rig->env.now_ps = until_ps;
}

/* ---- Trees ---- */

void rig_block(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, unsigned type, unsigned revision, PNDIS_OFFLOAD_HANDLE handle)
{
    *block = (NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST){
        .Header = {(UCHAR)type, (UCHAR)revision, sizeof *block}, .Status = -1, .OffloadHandle = handle};
}

static struct flue_tcp_state state_of(unsigned conn)
{
    return (struct flue_tcp_state){
        .local_port = 1000,
        .remote_port = (uint16_t)(2000 + conn),
        .remote_mss = RIG_MSS,
        .hash_value = conn,
        .initial_rcv_wnd = RIG_WINDOW,
        .ttl = 64,
        .state = FLUE_TCP_ESTABLISHED,
        .rcv_nxt = RIG_RCV_NXT,
        .rcv_wnd = RIG_WINDOW,
        .snd_una = RIG_SND_UNA,
        .snd_nxt = RIG_SND_UNA,
        .snd_max = RIG_SND_UNA,
        .snd_wnd = RIG_WINDOW,
        .max_snd_wnd = RIG_WINDOW,
        .snd_wl1 = RIG_RCV_NXT,
        .cwnd = 100 * RIG_MSS,
        .ssthresh = 100 * RIG_MSS,
        .srtt = 8,
        .rttvar = 4,
        .ka_delta = FLUE_STATE_NO_TIMER,
        .rt_delta = FLUE_STATE_NO_TIMER,
    };
}

static void tcp_init(struct rig *rig, unsigned i)
{
    FLUE_TCP_BLOCK *tcp = &rig->conns[i].block;
    struct flue_tcp_state state = state_of(i);

    memset(tcp, 0, sizeof *tcp);
    rig_block(&tcp->Block, TcpOffloadState, FLUE_TCP_DELEGATED_REVISION_2, &rig->conns[i].handle);
    ndis_state_put(&state, &tcp->Const, &tcp->Cached, &tcp->Delegated);
    tcp->Delegated.DWnd = 77 + i;
}

void rig_tree_more(struct rig *rig, unsigned conn)
{
    rig_block(&rig->path_end, Ip4OffloadState, 1, &rig->path_handle);
    tcp_init(rig, conn);
    rig->path_end.DependentBlockList = &rig->conns[conn].block.Block;
}

void rig_tree(struct rig *rig, unsigned count)
{
    FLUE_NEIGHBOR_BLOCK *neighbour = &rig->neighbour;
    FLUE_PATH_BLOCK *path = &rig->path;

    memcpy(rig->local, (const UCHAR[4]){10, 0, 0, 1}, 4);
    memcpy(rig->remote, (const UCHAR[4]){10, 0, 0, 2}, 4);
    memset(neighbour, 0, sizeof *neighbour);
    rig_block(&neighbour->Block, NeighborOffloadState, 1, &rig->neighbour_handle);
    neighbour->Const.Header.Length = sizeof neighbour->Const;
    neighbour->Cached.Header.Length = sizeof neighbour->Cached;
    neighbour->Cached.DlDestinationAddress[5] = 9;
    neighbour->Delegated.Header.Length = sizeof neighbour->Delegated;
    memset(path, 0, sizeof *path);
    rig_block(&path->Block, Ip4OffloadState, 1, &rig->path_handle);
    path->Const = (PATH_OFFLOAD_STATE_CONST){
        .Header.Length = sizeof path->Const, .SourceAddress = rig->local, .DestinationAddress = rig->remote};
    path->Cached = (PATH_OFFLOAD_STATE_CACHED){.Header.Length = sizeof path->Cached, .PathMtu = 1500};
    path->Delegated.Header.Length = sizeof path->Delegated;
    neighbour->Block.DependentBlockList = &path->Block;
    for (unsigned i = 0; i < count; i++) {
        tcp_init(rig, i);
        if (i == 0) {
            path->Block.DependentBlockList = &rig->conns[i].block.Block;
        } else {
            rig->conns[i - 1].block.Block.NextBlock = &rig->conns[i].block.Block;
        }
    }
}

void rig_initiate(struct rig *rig, void *root)
{
    unsigned before = rig->logged;

    NdisInitiateOffload(rig->binding, root);
    assert_int_equal(rig->logged, before); /* law: never inside the call */
}

void rig_update_tcp(struct rig *rig, unsigned conn, const TCP_OFFLOAD_STATE_CACHED *cached)
{
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        TCP_OFFLOAD_STATE_CACHED cached;
    } update = {.cached = *cached};
    const unsigned before = rig_count(rig, RIG_OTHER_TREE);

    rig_block(&update.block, TcpOffloadCachedState, 1, &rig->conns[conn].handle);
    NdisUpdateOffload(rig->binding, &update.block);
    assert_int_equal(rig_count(rig, RIG_OTHER_TREE), before);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_OTHER_TREE), before + 1);
    assert_int_equal(update.block.Status, NDIS_STATUS_SUCCESS);
}

void rig_offload(struct rig *rig, unsigned count)
{
    rig_tree(rig, count);
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_INITIATED), 1);
    assert_int_equal(rig->initiate_status, NDIS_STATUS_SUCCESS);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(rig->conns[i].block.Block.Status, NDIS_STATUS_SUCCESS);
        assert_non_null(rig->conns[i].handle.MiniportOffloadContext);
    }
}

static void neighbour_end(struct rig *rig)
{
    memset(&rig->neighbour_end.delegated, 0, sizeof rig->neighbour_end.delegated);
    rig->neighbour_end.delegated.Header.Length = sizeof rig->neighbour_end.delegated;
    rig_block(&rig->neighbour_end.block, NeighborOffloadDelegatedState, 1, &rig->neighbour_handle);
}

void rig_terminate_neighbour(struct rig *rig)
{
    neighbour_end(rig);
    NdisTerminateOffload(rig->binding, &rig->neighbour_end.block);
}

void rig_terminate(struct rig *rig, unsigned count, int all)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root = count > 0 ? &rig->conns[0].end.Block : &rig->neighbour_end.block;

    for (unsigned i = 0; i < count; i++) {
        FLUE_TCP_TERMINATE_BLOCK *end = &rig->conns[i].end;

        memset(end, 0x5A, sizeof *end);
        rig_block(&end->Block, TcpOffloadDelegatedState, FLUE_TCP_DELEGATED_REVISION_2, &rig->conns[i].handle);
        end->Delegated.Header = (OFFLOAD_STATE_HEADER){.Length = sizeof end->Delegated};
        end->Block.NextBlock = i + 1 < count ? &rig->conns[i + 1].end.Block : NULL;
    }
    if (all) {
        neighbour_end(rig);
        rig_block(&rig->path_end, Ip4OffloadState, 1, &rig->path_handle);
        rig->neighbour_end.block.DependentBlockList = &rig->path_end;
        rig->path_end.DependentBlockList = count > 0 ? root : NULL;
        root = &rig->neighbour_end.block;
    }
    NdisTerminateOffload(rig->binding, root);
}

void rig_finish(struct rig *rig, unsigned count)
{
    rig_terminate(rig, count, 1);
    rig_wait(rig, 200 * RIG_US);
    assert_int_equal(rig->neighbour_end.block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->path_end.Status, NDIS_STATUS_SUCCESS);
    for (unsigned i = 0; i < count; i++) {
        FLUE_TCP_TERMINATE_BLOCK *end = &rig->conns[i].end;

        assert_int_equal(end->Block.Status, NDIS_STATUS_SUCCESS);
        rig_free_chain(end->Block.NetBufferListChain);
        if (end->Delegated.BufferedData != NULL) {
            (void)NdisOffloadTcpReceiveReturn(rig->binding, end->Delegated.BufferedData);
        }
    }
    rig_return_kept(rig);
    rig_wait(rig, 100 * RIG_US);
}
