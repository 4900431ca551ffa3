/* SPDX-License-Identifier: GPL-2.0-only */
/* The battery: trees, data in both directions, update, query, invalidate. */
#include <string.h>

#include "battery.h"

/* ---- What all cases use ---- */

static void modest(TCP_OFFLOAD_STATE_CACHED *cached, TCP_OFFLOAD_STATE_DELEGATED *delegated)
{
    cached->InitialRcvWnd = BATTERY_WINDOW;
    delegated->RcvWnd = BATTERY_WINDOW;
    delegated->SndWnd = delegated->MaxSndWnd = BATTERY_WINDOW;
    delegated->CWnd = delegated->SsThresh = BATTERY_CWND;
}

void battery_tree(struct rig *rig, unsigned count)
{
    rig_tree(rig, count);
    for (unsigned i = 0; i < count; i++) {
        modest(&rig->conns[i].block.Cached, &rig->conns[i].block.Delegated);
    }
}

void battery_rest(struct rig *rig)
{
    rig_wait(rig, BATTERY_WAIT_US * RIG_US);
}

static void initiate(struct rig *rig, void *root)
{
    const unsigned before = rig_count(rig, RIG_INITIATED);

    rig_initiate(rig, root);
    battery_rest(rig);
    assert_int_equal(rig_count(rig, RIG_INITIATED), before + 1);
}

void battery_offload(struct rig *rig, unsigned count)
{
    battery_tree(rig, count);
    initiate(rig, &rig->neighbour.Block);
    assert_int_equal(rig->neighbour.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->path.Block.Status, NDIS_STATUS_SUCCESS);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(rig->conns[i].block.Block.Status, NDIS_STATUS_SUCCESS);
        assert_non_null(rig->conns[i].handle.MiniportOffloadContext);
    }
}

void battery_finish(struct rig *rig, unsigned count)
{
    battery_rest(rig);
    rig_finish(rig, count);
    for (unsigned i = 0; i < count; i++) {
        rig->conns[i].handle.MiniportOffloadContext = NULL;
    }
    rig->path_handle.MiniportOffloadContext = NULL;
    rig->neighbour_handle.MiniportOffloadContext = NULL;
}

void battery_expect_sent(const struct rig *rig, unsigned conn, uint32_t from, uint32_t to)
{
    while (from != to) {
        uint32_t next = from;

        for (unsigned i = 0; i < rig->sent; i++) {
            const struct flue_frame *frame = &rig->out[i].frame;
            const uint32_t at = frame->seq - RIG_SND_UNA;

            if (frame->dst_port == 2000 + conn && frame->payload.length_bytes > 0 && at <= from &&
                at + frame->payload.length_bytes > next) {
                assert_int_equal(frame->payload.offset_bytes, at); /* stream and sequence numbers begin together */
                assert_int_equal(frame->payload.stream, 2 * conn);
                next = at + frame->payload.length_bytes;
            }
        }
        if (next == from) {
            fail_msg("byte %u of connection %u was not sent", from, conn);
        }
        from = next < to ? next : to;
    }
}

static void ack(struct rig *rig, uint32_t bytes)
{
    rig_peer(rig, 0, 0, bytes, 0, FLUE_TCP_ACK);
    battery_rest(rig);
}

static void data(struct rig *rig, uint32_t seq, uint32_t bytes, uint8_t flags)
{
    rig_peer(rig, 0, seq, 0, bytes, FLUE_TCP_ACK | flags);
    battery_rest(rig);
}

/* ---- Trees ---- */

static void full_tree(struct rig *rig)
{
    battery_offload(rig, 3);
    assert_ptr_not_equal(rig->conns[0].handle.MiniportOffloadContext, rig->conns[1].handle.MiniportOffloadContext);
    battery_finish(rig, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(rig->conns[i].end.Delegated.State, TcpConnectionEstablished);
        assert_int_equal(rig->conns[i].end.Delegated.SndUna, RIG_SND_UNA);
        assert_int_equal(rig->conns[i].end.Delegated.RcvNxt, RIG_RCV_NXT);
        assert_int_equal(rig->conns[i].end.Delegated.DWnd, 77 + i);
    }
}

/* A placeholder, a linker, a new connection. */
static void adds_a_connection(struct rig *rig)
{
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST top = {.Header = {NeighborOffloadState, 1, sizeof top}, .Status = -1};

    battery_offload(rig, 2);
    rig_tree_more(rig, 2);
    modest(&rig->conns[2].block.Cached, &rig->conns[2].block.Delegated);
    top.DependentBlockList = &rig->path_end;
    initiate(rig, &top);
    assert_int_equal(top.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->path_end.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->conns[2].block.Block.Status, NDIS_STATUS_SUCCESS);
    battery_finish(rig, 3);
}

static void refuses_the_third(struct rig *rig)
{
    battery_tree(rig, 3);
    rig->conns[2].block.Block.NetBufferListChain = rig_nbl(rig, 2, 0, 100);
    rig->conns[2].block.Delegated.SendDataHead = rig->conns[2].block.Block.NetBufferListChain;
    rig->conns[2].block.Delegated.SendDataTail = rig->conns[2].block.Block.NetBufferListChain;
    initiate(rig, &rig->neighbour.Block);
    assert_int_equal(rig->neighbour.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->path.Block.Status, NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS);
    assert_int_equal(rig->conns[1].block.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->conns[2].block.Block.Status, NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
    assert_null(rig->conns[2].handle.MiniportOffloadContext);
    assert_int_equal(ndis_chain_bytes(rig->conns[2].block.Block.NetBufferListChain), 100);
    rig_free_chain(rig->conns[2].block.Block.NetBufferListChain);
    battery_finish(rig, 2);
}

/* All dependents of a linker are refused: that says nothing against the path itself. */
static void refuses_all_of_a_linker(struct rig *rig)
{
    battery_offload(rig, 2);
    rig_tree_more(rig, 2);
    modest(&rig->conns[2].block.Cached, &rig->conns[2].block.Delegated);
    initiate(rig, &rig->path_end);
    assert_int_equal(rig->path_end.Status, NDIS_STATUS_FAILURE);
    assert_int_equal(rig->conns[2].block.Block.Status, NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
    assert_null(rig->conns[2].handle.MiniportOffloadContext);
    battery_finish(rig, 2);
}

/* ---- What cannot be ---- */

static void expect_refusal(struct rig *rig)
{
    initiate(rig, &rig->neighbour.Block);
    assert_true(rig->conns[0].block.Block.Status != NDIS_STATUS_SUCCESS);
    assert_int_not_equal(rig->conns[0].block.Block.Status, NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS);
    assert_null(rig->conns[0].handle.MiniportOffloadContext);
    if (rig->path_handle.MiniportOffloadContext != NULL) {
        battery_finish(rig, 0);
        return;
    }
    rig_terminate_neighbour(rig);
    battery_rest(rig);
    assert_int_equal(rig->neighbour_end.block.Status, NDIS_STATUS_SUCCESS);
    rig->neighbour_handle.MiniportOffloadContext = NULL;
}

static void with_timestamps(struct rig *rig)
{
    battery_tree(rig, 1);
    rig->conns[0].block.Const.Flags |= TCP_FLAG_TIMESTAMP_ENABLED;
}

static void refuses_timestamps(struct rig *rig)
{
    with_timestamps(rig);
    expect_refusal(rig);
}

static void takes_timestamps(struct rig *rig)
{
    with_timestamps(rig);
    initiate(rig, &rig->neighbour.Block);
    assert_int_equal(rig->conns[0].block.Block.Status, NDIS_STATUS_SUCCESS);
    rig_send(rig, 0, 0, 100);
    battery_rest(rig);
    assert_int_not_equal(rig->out[0].frame.options & FLUE_OPT_TIMESTAMP, 0);
    battery_finish(rig, 1);
}

static void over_ipv6(struct rig *rig)
{
    static UCHAR local[16] = {0xfd, [15] = 1}, remote[16] = {0xfd, [15] = 2};

    battery_tree(rig, 1);
    rig->path.Block.Header.Type = Ip6OffloadState;
    rig->path.Const.SourceAddress = local;
    rig->path.Const.DestinationAddress = remote;
}

static void refuses_ipv6(struct rig *rig)
{
    over_ipv6(rig);
    expect_refusal(rig);
}

static void takes_ipv6(struct rig *rig)
{
    over_ipv6(rig);
    initiate(rig, &rig->neighbour.Block);
    assert_int_equal(rig->conns[0].block.Block.Status, NDIS_STATUS_SUCCESS);
    rig_send(rig, 0, 0, 100);
    battery_rest(rig);
    assert_int_equal(rig->out[0].frame.ethertype, FLUE_ETHERTYPE_IPV6);
    rig_terminate(rig, 1, 0);
    battery_rest(rig);
    assert_int_equal(ndis_chain_bytes(rig->conns[0].end.Block.NetBufferListChain), 100);
    rig_free_chain(rig->conns[0].end.Block.NetBufferListChain);
    rig->conns[0].handle.MiniportOffloadContext = NULL;
    rig_block(&rig->path_end, Ip6OffloadState, 1, &rig->path_handle);
    NdisTerminateOffload(rig->binding, &rig->path_end);
    battery_rest(rig);
    assert_int_equal(rig->path_end.Status, NDIS_STATUS_SUCCESS);
    rig->path_handle.MiniportOffloadContext = NULL;
    rig_terminate_neighbour(rig);
    battery_rest(rig);
    assert_int_equal(rig->neighbour_end.block.Status, NDIS_STATUS_SUCCESS);
    rig->neighbour_handle.MiniportOffloadContext = NULL;
}

/* ---- Send data ---- */

static void chain_of_three(struct rig *rig, struct ndis_chain *chain)
{
    battery_tree(rig, 1);
    ndis_chain_append(chain, rig_nbl(rig, 0, 0, 600));
    ndis_chain_append(chain, rig_nbl(rig, 0, 600, 800));
    ndis_chain_append(chain, rig_nbl(rig, 0, 1400, 600));
    rig->conns[0].block.Block.NetBufferListChain = chain->first;
    rig->conns[0].block.Delegated.SendDataHead = chain->first;
    rig->conns[0].block.Delegated.SendDataTail = chain->first->Next->Next;
    rig->conns[0].block.Delegated.SndNxt += 1000; /* beyond 2^32 */
    rig->conns[0].block.Delegated.SndMax += 1600;
}

/* Behaviour 7.7: [SndNxt, SndMax) first, then what was never sent; the numbers pass 2^32 on the way. */
static void inherits_a_chain(struct rig *rig)
{
    struct ndis_chain chain = {0};

    chain_of_three(rig, &chain);
    initiate(rig, &rig->neighbour.Block);
    assert_int_equal(rig->conns[0].block.Block.Status, NDIS_STATUS_SUCCESS);
    battery_rest(rig);
    assert_true(rig->sent >= 1);
    assert_int_equal(rig->out[0].frame.seq, (uint32_t)(RIG_SND_UNA + 1000));
    battery_expect_sent(rig, 0, 1000, 2000);
    ack(rig, 700);
    assert_int_equal(rig_count(rig, RIG_SENT), 1);
    ack(rig, 2000);
    assert_int_equal(rig_count(rig, RIG_SENT), 3);
    battery_finish(rig, 1);
    assert_int_equal(rig->conns[0].end.Delegated.SndUna, (uint32_t)(RIG_SND_UNA + 2000));
}

static void gives_the_chain_back(struct rig *rig)
{
    struct ndis_chain chain = {0};

    chain_of_three(rig, &chain);
    initiate(rig, &rig->neighbour.Block);
    ack(rig, 700);
    rig_terminate(rig, 1, 1);
    battery_rest(rig);
    assert_int_equal(rig->conns[0].end.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(ndis_chain_bytes(rig->conns[0].end.Block.NetBufferListChain), 1300);
    assert_int_equal(rig->conns[0].end.Delegated.SndUna, (uint32_t)(RIG_SND_UNA + 700));
    assert_int_equal(rig->conns[0].end.Delegated.SndMax, (uint32_t)(RIG_SND_UNA + 2000));
    rig_free_chain(rig->conns[0].end.Block.NetBufferListChain);
    rig->conns[0].handle.MiniportOffloadContext = NULL;
    rig->path_handle.MiniportOffloadContext = NULL;
    rig->neighbour_handle.MiniportOffloadContext = NULL;
}

static void sends_in_order(struct rig *rig)
{
    battery_offload(rig, 1);
    for (unsigned i = 0; i < 4; i++) {
        rig_send(rig, 0, 500 * i, 500);
    }
    rig_send(rig, 0, 2000, 0);
    battery_rest(rig);
    battery_expect_sent(rig, 0, 0, 2000);
    assert_int_equal(rig_count(rig, RIG_SENT), 0); /* sent is not enough */
    ack(rig, 499);
    assert_int_equal(rig_count(rig, RIG_SENT), 0);
    ack(rig, 1000);
    assert_int_equal(rig_count(rig, RIG_SENT), 2);
    ack(rig, 2000);
    assert_int_equal(rig_count(rig, RIG_SENT), 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(rig_find(rig, RIG_SENT, i)->status, NDIS_STATUS_SUCCESS);
        assert_int_equal(rig_find(rig, RIG_SENT, i)->bytes, i < 4 ? 500 : 0);
    }
    battery_finish(rig, 1);
}

/* ---- Receiving ---- */

static void fills_posts(struct rig *rig)
{
    battery_offload(rig, 1);
    rig->follow = 1;
    (void)rig_post(rig, 0, 500, RIG_PUSH);
    (void)rig_post(rig, 0, 500, RIG_NO_PUSH);
    battery_rest(rig);
    data(rig, 0, 300, 0);
    assert_int_equal(rig_count(rig, RIG_RECEIVED), 0);
    data(rig, 300, 300, 0);
    assert_int_equal(rig_count(rig, RIG_RECEIVED), 1);
    assert_int_equal(rig_find(rig, RIG_RECEIVED, 0)->bytes, 500);
    data(rig, 600, 100, FLUE_TCP_PSH); /* means nothing to the second */
    assert_int_equal(rig_count(rig, RIG_RECEIVED), 1);
    data(rig, 700, 400, 0);
    assert_int_equal(rig_find(rig, RIG_RECEIVED, 1)->bytes, 500);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 0)->bytes, 100);
    battery_finish(rig, 1);
}

static void completes_a_push(struct rig *rig)
{
    battery_offload(rig, 1);
    (void)rig_post(rig, 0, 1000, RIG_PUSH);
    battery_rest(rig);
    data(rig, 0, 200, FLUE_TCP_PSH);
    assert_int_equal(rig_find(rig, RIG_RECEIVED, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_find(rig, RIG_RECEIVED, 0)->bytes, 200);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 0);
    battery_finish(rig, 1);
}

/* D-45: what the host leaves waits for a request; one of no room only lets it be indicated again. */
static void keeps_what_is_left(struct rig *rig, enum rig_answer answer, ULONG taken)
{
    battery_offload(rig, 1);
    rig->follow = 1;
    rig->answer = answer;
    rig->part_bytes = taken;
    data(rig, 0, 1000, 0);
    data(rig, 1000, 500, 0);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 1);
    rig->answer = RIG_TAKE;
    (void)rig_post(rig, 0, 0, RIG_PUSH);
    battery_rest(rig);
    assert_int_equal(rig_find(rig, RIG_RECEIVED, 0)->bytes, 0);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 1)->extra, taken);
    assert_int_equal(rig->taken, 1500);
    battery_finish(rig, 1);
}

static void keeps_what_is_refused(struct rig *rig)
{
    keeps_what_is_left(rig, RIG_REFUSE, 0);
}

static void keeps_the_rest(struct rig *rig)
{
    keeps_what_is_left(rig, RIG_TAKE_PART, 300);
}

static void gives_refused_data_to_a_request(struct rig *rig)
{
    battery_offload(rig, 1);
    rig->follow = 1;
    rig->answer = RIG_REFUSE;
    data(rig, 0, 900, 0);
    rig->answer = RIG_TAKE;
    (void)rig_post(rig, 0, 600, RIG_NO_PUSH);
    battery_rest(rig);
    assert_int_equal(rig_find(rig, RIG_RECEIVED, 0)->bytes, 600);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 1)->bytes, 300);
    battery_finish(rig, 1);
}

static void inherits_received_data(struct rig *rig)
{
    struct flue_frame next = rig_segment(0, 0, 0, 200, FLUE_TCP_ACK);
    const struct flue_span span = {.offset_bytes = 5000, .stream = 1, .length_bytes = 300};
    PNET_BUFFER_LIST buffered = ndis_nbl_get(rig->spans);

    battery_tree(rig, 1);
    assert_int_equal(ndis_nbl_append(buffered, &span), FLUE_OK);
    next.payload.offset_bytes = 5300;
    rig->conns[0].block.Delegated.BufferedData = buffered;
    rig->conns[0].block.Delegated.RcvWnd -= 300;
    initiate(rig, &rig->neighbour.Block);
    assert_int_equal(rig->conns[0].block.Block.Status, NDIS_STATUS_SUCCESS);
    ndis_nbl_put(buffered); /* the target has copied it */
    rig_arrive(rig, &next);
    battery_rest(rig);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 0);
    (void)rig_post(rig, 0, 0, RIG_PUSH);
    battery_rest(rig);
    assert_int_equal(rig_sum(rig, RIG_INDICATED).bytes, 500);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 0)->extra, 5000);
    battery_finish(rig, 1);
}

static void forwards(struct rig *rig)
{
    struct flue_frame frame = rig_segment(0, 0, 0, 400, FLUE_TCP_ACK);
    struct flue_frame second = rig_segment(0, 400, 0, 100, FLUE_TCP_ACK);

    battery_offload(rig, 1);
    rig->follow = 1;
    rig_forward(rig, 0, &frame);
    rig_forward(rig, 0, &second);
    battery_rest(rig);
    assert_int_equal(rig_count(rig, RIG_FORWARDED), 2);
    assert_int_equal(rig_find(rig, RIG_FORWARDED, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->taken, 500);
    battery_finish(rig, 1);
}

/* ---- Update, query, invalidate ---- */

static void updates_the_ttl(struct rig *rig)
{
    TCP_OFFLOAD_STATE_CACHED cached;

    battery_offload(rig, 1);
    cached = rig->conns[0].block.Cached;
    cached.TtlOrHopLimit = 33;
    rig_update_tcp(rig, 0, &cached);
    rig_send(rig, 0, 0, 100);
    battery_rest(rig);
    assert_int_equal(rig->out[rig->sent - 1].frame.ttl, 33);
    ack(rig, 100);
    battery_finish(rig, 1);
}

static void relinks(struct rig *rig)
{
    NDIS_OFFLOAD_HANDLE other = {{NULL}, NULL};
    FLUE_NEIGHBOR_BLOCK fresh;
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        NEIGHBOR_OFFLOAD_STATE_CACHED cached;
    } root;
    struct {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
        PATH_OFFLOAD_STATE_CACHED cached;
    } path;
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST end;

    battery_offload(rig, 1);
    fresh = rig->neighbour;
    path.cached = rig->path.Cached;
    rig_block(&fresh.Block, NeighborOffloadState, 1, &other);
    fresh.Cached.DlDestinationAddress[5] = 55;
    initiate(rig, &fresh.Block);
    root.cached = fresh.Cached;
    rig_block(&root.block, NeighborOffloadCachedState, 1, &other);
    rig_block(&path.block, Ip4OffloadCachedState, 1, &rig->path_handle);
    root.block.DependentBlockList = &path.block;
    NdisUpdateOffload(rig->binding, &root.block);
    battery_rest(rig);
    rig_send(rig, 0, 0, 100);
    battery_rest(rig);
    assert_int_equal(path.block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->out[rig->sent - 1].frame.dst_mac[5], 55);
    ack(rig, 100);
    rig_block(&end, NeighborOffloadState, 1, &rig->neighbour_handle);
    NdisTerminateOffload(rig->binding, &end); /* nothing depends on it any more */
    battery_rest(rig);
    assert_int_equal(end.Status, NDIS_STATUS_SUCCESS);
    rig->neighbour_handle.MiniportOffloadContext = NULL;
    rig_terminate(rig, 1, 0);
    battery_rest(rig);
    rig->conns[0].handle.MiniportOffloadContext = NULL;
    rig_block(&root.block, NeighborOffloadState, 1, &other);
    rig_block(&rig->path_end, Ip4OffloadState, 1, &rig->path_handle);
    root.block.DependentBlockList = &rig->path_end;
    NdisTerminateOffload(rig->binding, &root.block);
    battery_rest(rig);
    assert_int_equal(root.block.Status, NDIS_STATUS_SUCCESS);
    rig->path_handle.MiniportOffloadContext = NULL;
}

static void answers_queries(struct rig *rig)
{
    FLUE_TCP_BLOCK query;

    battery_offload(rig, 1);
    rig_send(rig, 0, 0, 2920);
    battery_rest(rig);
    rig_peer(rig, 0, 0, 1460, 100, FLUE_TCP_ACK);
    battery_rest(rig);
    memset(&query, 0x5A, sizeof query);
    rig_block(&query.Block, TcpOffloadState, FLUE_TCP_DELEGATED_REVISION_2, &rig->conns[0].handle);
    query.Const.Header = (OFFLOAD_STATE_HEADER){.Length = sizeof query.Const};
    query.Cached.Header = (OFFLOAD_STATE_HEADER){.Length = sizeof query.Cached};
    query.Delegated.Header = (OFFLOAD_STATE_HEADER){.Length = sizeof query.Delegated};
    NdisQueryOffloadState(rig->binding, &query.Block);
    battery_rest(rig);
    assert_int_equal(rig_count(rig, RIG_OTHER_TREE), 1);
    assert_int_equal(query.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(query.Cached.TtlOrHopLimit, 64);
    assert_int_equal(query.Delegated.State, TcpConnectionEstablished);
    assert_int_equal(query.Delegated.SndUna, (uint32_t)(RIG_SND_UNA + 1460));
    assert_int_equal(query.Delegated.RcvNxt, (uint32_t)(RIG_RCV_NXT + 100));
    rig_peer(rig, 0, 100, 2920, 0, FLUE_TCP_ACK);
    battery_finish(rig, 1);
}

static void invalidates(struct rig *rig, unsigned type, PNDIS_OFFLOAD_HANDLE handle)
{
    NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block;
    unsigned sent;

    battery_offload(rig, 1);
    rig_block(&block, type, 1, handle);
    NdisInvalidateOffload(rig->binding, &block);
    battery_rest(rig);
    assert_int_equal(block.Status, NDIS_STATUS_SUCCESS);
    data(rig, 0, 100, 0);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 0)->bytes, 100);
    assert_int_equal(rig_count(rig, RIG_EVENT), 0);
    sent = rig->sent;
    rig_send(rig, 0, 0, 500);
    battery_rest(rig);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateRetrieve);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->extra, InvalidState);
    for (unsigned i = sent; i < rig->sent; i++) {
        assert_int_equal(rig->out[i].frame.payload.length_bytes, 0);
    }
    rig_terminate(rig, 1, 1);
    battery_rest(rig);
    assert_int_equal(ndis_chain_bytes(rig->conns[0].end.Block.NetBufferListChain), 500);
    rig_free_chain(rig->conns[0].end.Block.NetBufferListChain);
    rig->conns[0].handle.MiniportOffloadContext = NULL;
    rig->path_handle.MiniportOffloadContext = NULL;
    rig->neighbour_handle.MiniportOffloadContext = NULL;
}

static void invalidates_a_connection(struct rig *rig)
{
    invalidates(rig, TcpOffloadState, &rig->conns[0].handle);
}

static void invalidates_a_path(struct rig *rig)
{
    invalidates(rig, Ip4OffloadState, &rig->path_handle);
}

static void invalidates_a_neighbour(struct rig *rig)
{
    invalidates(rig, NeighborOffloadState, &rig->neighbour_handle);
}

const struct battery_case battery_cases[] = {
    {"a whole tree, down and back", full_tree, "CH-033 CH-036", NULL, NEEDS, 0},
    {"placeholder, linker, new connection", adds_a_connection, "CH-022 CH-024 CH-025", NULL, NEEDS, 0},
    {"the third of three is refused", refuses_the_third, "CH-046", NULL, NEEDS, 2},
    {"all below a linker are refused", refuses_all_of_a_linker, "CH-046", NULL, NEEDS, 2},
    {"timestamps", takes_timestamps, "CH-046", refuses_timestamps, NEED_TIMESTAMPS, 0},
    {"IPv6", takes_ipv6, "CH-046", refuses_ipv6, NEED_IPV6, 0},
    {"a chain of sends comes along", inherits_a_chain, "CH-126", NULL, NEEDS, 0},
    {"a chain of sends goes back", gives_the_chain_back, "CH-126", NULL, NEEDS, 0},
    {"sends complete in order, when acknowledged", sends_in_order, "CH-158", NULL, NEEDS, 0},
    {"receive requests are filled in order", fills_posts, "CH-180 CH-189", NULL, NEEDS, 0},
    {"a push completes a request", completes_a_push, "CH-188", NULL, NEEDS, 0},
    {"refused data waits", keeps_what_is_refused, "CH-204 CH-207", NULL, NEEDS, 0},
    {"the rest of an indication waits", keeps_the_rest, "CH-205", NULL, NEEDS, 0},
    {"refused data fills a request", gives_refused_data_to_a_request, "CH-206", NULL, NEEDS, 0},
    {"received data comes along", inherits_received_data, "CH-051", NULL, NEEDS, 0},
    {"forwarded segments", forwards, "CH-240", NULL, NEEDS, 0},
    {"an update counts from the next frame on", updates_the_ttl, "CH-082", NULL, NEEDS, 0},
    {"a path gets another neighbour", relinks, "CH-088", NULL, NEEDS, 0},
    {"a query", answers_queries, "CH-093", NULL, NEEDS, 0},
    {"an invalid connection", invalidates_a_connection, "CH-106 CH-108", NULL, NEEDS, 0},
    {"an invalid path", invalidates_a_path, "CH-106 CH-108", NULL, NEEDS, 0},
    {"an invalid neighbour", invalidates_a_neighbour, "CH-106 CH-108", NULL, NEEDS, 0},
    {NULL, NULL, NULL, NULL, NEEDS, 0},
};
