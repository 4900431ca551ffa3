/* SPDX-License-Identifier: GPL-2.0-only */
/* The battery: closing, resetting, giving back in every state, halting. */
#include <string.h>

#include "battery.h"

static void peer(struct rig *rig, uint32_t seq, uint32_t ack, uint32_t bytes, uint8_t flags)
{
    rig_peer(rig, 0, seq, ack, bytes, flags);
    battery_rest(rig);
}

static void expect_event(const struct rig *rig, unsigned n, uint64_t type)
{
    assert_int_equal(rig_find(rig, RIG_EVENT, n)->bytes, type);
}

/* ---- Closing ---- */

static void closes_gracefully(struct rig *rig)
{
    battery_offload(rig, 1);
    rig_send(rig, 0, 0, 1000);
    rig_disconnect(rig, 0, 1000, 200, TCP_DISCONNECT_GRACEFUL_CLOSE);
    battery_rest(rig);
    assert_true(rig_frames_with(rig, FLUE_TCP_FIN) >= 1);
    battery_expect_sent(rig, 0, 0, 1200);
    peer(rig, 0, 1200, 0, FLUE_TCP_ACK); /* all data, not the FIN */
    assert_int_equal(rig_count(rig, RIG_SENT), 1);
    assert_int_equal(rig_count(rig, RIG_DISCONNECTED), 0);
    peer(rig, 0, 1201, 0, FLUE_TCP_ACK);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->bytes, 200);
    peer(rig, 0, 1201, 100, FLUE_TCP_ACK);
    peer(rig, 100, 1201, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 0)->bytes, 100);
    expect_event(rig, 0, TcpIndicateDisconnect);
    expect_event(rig, 1, TcpIndicateRetrieve); /* TIME-WAIT is the host's */
    battery_finish(rig, 1);
    assert_int_equal(rig->conns[0].end.Delegated.State, TcpConnectionTimeWait);
    assert_int_equal(rig_frames_with(rig, FLUE_TCP_RST), 0);
}

static void closes_behind_the_peer(struct rig *rig)
{
    battery_offload(rig, 1);
    peer(rig, 0, 0, 300, FLUE_TCP_ACK | FLUE_TCP_FIN);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 0)->bytes, 300);
    expect_event(rig, 0, TcpIndicateDisconnect);
    assert_true(rig_place(rig, RIG_INDICATED, 0) < rig_place(rig, RIG_EVENT, 0));
    rig_send(rig, 0, 0, 400);
    rig_disconnect(rig, 0, 400, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
    battery_rest(rig);
    peer(rig, 301, 401, 0, FLUE_TCP_ACK);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_SUCCESS);
    assert_true(rig_place(rig, RIG_SENT, 0) < rig_place(rig, RIG_DISCONNECTED, 0));
    battery_finish(rig, 1);
    assert_int_equal(rig->conns[0].end.Delegated.State, TcpConnectionClosed);
}

static void aborts(struct rig *rig)
{
    battery_offload(rig, 1);
    rig_send(rig, 0, 0, 1000);
    (void)rig_post(rig, 0, 100, RIG_PUSH);
    battery_rest(rig);
    rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_ABORTIVE_CLOSE);
    battery_rest(rig);
    assert_int_equal(rig_frames_with(rig, FLUE_TCP_RST), 1);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
    assert_int_equal(rig_find(rig, RIG_RECEIVED, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_count(rig, RIG_EVENT), 0);
    battery_finish(rig, 1);
    assert_null(rig->conns[0].end.Block.NetBufferListChain);
}

static void is_reset(struct rig *rig)
{
    struct flue_frame late = rig_segment(0, 100, 0, 10, FLUE_TCP_ACK);

    battery_offload(rig, 1);
    rig_send(rig, 0, 0, 1000);
    (void)rig_post(rig, 0, 100, RIG_PUSH);
    rig_disconnect(rig, 0, 1000, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
    battery_rest(rig);
    peer(rig, 0, 0, 0, FLUE_TCP_RST);
    expect_event(rig, 0, TcpIndicateAbort);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
    assert_int_equal(rig_find(rig, RIG_RECEIVED, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
    rig_forward(rig, 0, &late);
    battery_rest(rig);
    assert_int_equal(rig_find(rig, RIG_FORWARDED, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
    assert_int_equal(rig_frames_with(rig, FLUE_TCP_RST), 0);
    battery_finish(rig, 1);
}

/* ---- Giving back ---- */

static void give_back(struct rig *rig, unsigned state)
{
    PNET_BUFFER_LIST chain;

    rig_terminate(rig, 1, 1);
    battery_rest(rig);
    assert_int_equal(rig_count(rig, RIG_TERMINATED), 1);
    assert_int_equal(rig->conns[0].end.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig->conns[0].end.Delegated.State, state);
    chain = rig->conns[0].end.Block.NetBufferListChain;
    rig_free_chain(chain);
    if (rig->conns[0].end.Delegated.BufferedData != NULL) {
        (void)NdisOffloadTcpReceiveReturn(rig->binding, rig->conns[0].end.Delegated.BufferedData);
    }
    rig->conns[0].handle.MiniportOffloadContext = NULL;
    rig->path_handle.MiniportOffloadContext = NULL;
    rig->neighbour_handle.MiniportOffloadContext = NULL;
    battery_rest(rig);
}

static void gives_back_established(struct rig *rig)
{
    battery_offload(rig, 1);
    rig->answer = RIG_REFUSE;
    for (unsigned i = 0; i < 4; i++) {
        rig_send(rig, 0, 1000 * i, 1000);
    }
    battery_rest(rig);
    peer(rig, 0, 1400, 300, FLUE_TCP_ACK);
    peer(rig, 300, 1400, 200, FLUE_TCP_ACK);
    rig_terminate(rig, 1, 1);
    battery_rest(rig);
    assert_int_equal(rig_count(rig, RIG_SENT), 1);
    assert_int_equal(ndis_chain_bytes(rig->conns[0].end.Block.NetBufferListChain), 2600);
    assert_int_equal(rig->conns[0].end.Delegated.SndUna, (uint32_t)(RIG_SND_UNA + 1400));
    assert_int_equal(rig->conns[0].end.Delegated.RcvNxt, (uint32_t)(RIG_RCV_NXT + 500));
    assert_non_null(rig->conns[0].end.Delegated.BufferedData);
    assert_int_equal(ndis_chain_bytes(rig->conns[0].end.Delegated.BufferedData), 500);
    rig_free_chain(rig->conns[0].end.Block.NetBufferListChain);
    (void)NdisOffloadTcpReceiveReturn(rig->binding, rig->conns[0].end.Delegated.BufferedData);
    rig->conns[0].handle.MiniportOffloadContext = NULL;
    rig->path_handle.MiniportOffloadContext = NULL;
    rig->neighbour_handle.MiniportOffloadContext = NULL;
}

static void gives_back_close_wait(struct rig *rig)
{
    battery_offload(rig, 1);
    rig_send(rig, 0, 0, 1000);
    battery_rest(rig);
    peer(rig, 0, 400, 100, FLUE_TCP_ACK | FLUE_TCP_FIN);
    expect_event(rig, 0, TcpIndicateDisconnect);
    give_back(rig, TcpConnectionCloseWait);
    assert_int_equal(rig->conns[0].end.Delegated.SndUna, (uint32_t)(RIG_SND_UNA + 400));
}

static void gives_back_fin_wait_1(struct rig *rig)
{
    battery_offload(rig, 1);
    rig_send(rig, 0, 0, 500);
    rig_disconnect(rig, 0, 500, 100, TCP_DISCONNECT_GRACEFUL_CLOSE);
    battery_rest(rig);
    peer(rig, 0, 500, 50, FLUE_TCP_ACK);
    give_back(rig, TcpConnectionFinWait1);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    assert_true(rig_place(rig, RIG_DISCONNECTED, 0) < rig_place(rig, RIG_TERMINATED, 0));
}

static void gives_back_fin_wait_2(struct rig *rig)
{
    battery_offload(rig, 1);
    rig_disconnect(rig, 0, 0, 100, TCP_DISCONNECT_GRACEFUL_CLOSE);
    battery_rest(rig);
    peer(rig, 0, 101, 0, FLUE_TCP_ACK);
    rig->answer = RIG_REFUSE;
    peer(rig, 0, 101, 70, FLUE_TCP_ACK);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_SUCCESS);
    give_back(rig, TcpConnectionFinWait2);
}

static void gives_back_closing(struct rig *rig)
{
    battery_offload(rig, 1);
    rig_disconnect(rig, 0, 0, 100, TCP_DISCONNECT_GRACEFUL_CLOSE);
    battery_rest(rig);
    peer(rig, 0, 50, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
    give_back(rig, TcpConnectionClosing);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_UPLOAD_IN_PROGRESS);
}

static void gives_back_last_ack(struct rig *rig)
{
    battery_offload(rig, 1);
    peer(rig, 0, 0, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
    rig_disconnect(rig, 0, 0, 100, TCP_DISCONNECT_GRACEFUL_CLOSE);
    battery_rest(rig);
    give_back(rig, TcpConnectionLastAck);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_UPLOAD_IN_PROGRESS);
}

static void gives_back_everything(struct rig *rig)
{
    struct flue_frame frame = rig_segment(0, 1000, 0, 100, FLUE_TCP_ACK);

    battery_offload(rig, 1);
    rig->hold_indicated = 1;
    peer(rig, 0, 0, 1000, FLUE_TCP_ACK);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 1);
    for (unsigned i = 0; i < 3; i++) {
        rig_send(rig, 0, 700 * i, 700);
    }
    (void)rig_post(rig, 0, 500, RIG_NO_PUSH);
    (void)rig_post(rig, 0, 500, RIG_NO_PUSH);
    rig_forward(rig, 0, &frame);
    rig_disconnect(rig, 0, 2100, 100, TCP_DISCONNECT_GRACEFUL_CLOSE);
    rig_terminate(rig, 1, 1);
    battery_rest(rig);
    assert_int_equal(rig_count(rig, RIG_TERMINATED), 1);
    assert_int_equal(rig_count(rig, RIG_RECEIVED), 2);
    assert_int_equal(rig_count(rig, RIG_FORWARDED), 1);
    assert_int_equal(rig_count(rig, RIG_DISCONNECTED), 1);
    assert_int_equal(rig->conns[0].end.Block.Status, NDIS_STATUS_SUCCESS);
    assert_int_equal(ndis_chain_bytes(rig->conns[0].end.Block.NetBufferListChain), 2100);
    rig_free_chain(rig->conns[0].end.Block.NetBufferListChain);
    if (rig->conns[0].end.Delegated.BufferedData != NULL) {
        (void)NdisOffloadTcpReceiveReturn(rig->binding, rig->conns[0].end.Delegated.BufferedData);
    }
    rig->conns[0].handle.MiniportOffloadContext = NULL;
    rig->path_handle.MiniportOffloadContext = NULL;
    rig->neighbour_handle.MiniportOffloadContext = NULL;
    rig_return_kept(rig); /* when the context is gone */
}

static void moves_again(struct rig *rig)
{
    TCP_OFFLOAD_STATE_DELEGATED delegated;
    PNET_BUFFER_LIST chain;

    battery_offload(rig, 1);
    rig_send(rig, 0, 0, 3000);
    battery_rest(rig);
    peer(rig, 0, 1460, 0, FLUE_TCP_ACK);
    rig_terminate(rig, 1, 1);
    battery_rest(rig);
    delegated = rig->conns[0].end.Delegated;
    chain = rig->conns[0].end.Block.NetBufferListChain;
    assert_int_equal(ndis_chain_bytes(chain), 1540);
    rig->conns[0].handle.MiniportOffloadContext = NULL;
    rig->path_handle.MiniportOffloadContext = NULL;
    rig->neighbour_handle.MiniportOffloadContext = NULL;
    battery_tree(rig, 1);
    rig->conns[0].block.Delegated = delegated;
    rig->conns[0].block.Block.NetBufferListChain = chain;
    rig_initiate(rig, &rig->neighbour.Block);
    battery_rest(rig);
    assert_int_equal(rig->conns[0].block.Block.Status, NDIS_STATUS_SUCCESS);
    peer(rig, 0, 3000, 0, FLUE_TCP_ACK);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->bytes, 1540);
    battery_finish(rig, 1);
}

/* ---- Halting ---- */

static void halts_when_lists_are_back(struct rig *rig)
{
    battery_offload(rig, 1);
    rig->hold_indicated = 1;
    peer(rig, 0, 0, 1000, FLUE_TCP_ACK);
    rig_terminate(rig, 1, 1);
    battery_rest(rig);
    rig->conns[0].handle.MiniportOffloadContext = NULL;
    rig->path_handle.MiniportOffloadContext = NULL;
    rig->neighbour_handle.MiniportOffloadContext = NULL;
    assert_int_equal(flue_ndis_adapter_stop(rig->ndis, rig->adapter), FLUE_ESTATE); /* a list is out (F34, rule 3) */
    battery_rest(rig);
    assert_int_equal(flue_ndis_adapter_stop(rig->ndis, rig->adapter), FLUE_ESTATE);
    rig_return_kept(rig);
}

/* ---- On the target's own initiative ---- */

static void none(struct rig *rig)
{
    battery_offload(rig, 1);
    assert_null(rig->target); /* there is nobody to be told */
    battery_finish(rig, 1);
}

static void pauses(struct rig *rig)
{
    battery_offload(rig, 1);
    flue_target_pause(rig->target);
    battery_rest(rig);
    assert_int_equal(rig_find(rig, RIG_STATUS, 0)->bytes, (uint32_t)NDIS_STATUS_OFFLOAD_PAUSE);
    rig_send(rig, 0, 0, 100);
    battery_rest(rig);
    peer(rig, 0, 100, 0, FLUE_TCP_ACK);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_SUCCESS);
    flue_target_resume(rig->target);
    battery_rest(rig);
    assert_int_equal(rig_find(rig, RIG_STATUS, 1)->bytes, (uint32_t)NDIS_STATUS_OFFLOAD_RESUME);
    battery_finish(rig, 1);
}

static void wants_everything_back(struct rig *rig)
{
    battery_offload(rig, 1);
    flue_target_upload_all(rig->target);
    battery_rest(rig);
    assert_int_equal(rig_find(rig, RIG_STATUS, 0)->bytes, (uint32_t)NDIS_STATUS_UPLOAD_ALL);
    battery_finish(rig, 1);
    flue_target_resume(rig->target);
    battery_rest(rig);
    assert_int_equal(rig_find(rig, RIG_STATUS, 1)->bytes, (uint32_t)NDIS_STATUS_OFFLOAD_RESUME);
}

static void in_fin_wait_1(struct rig *rig)
{
    battery_tree(rig, 1);
    rig->conns[0].block.Delegated.State = TcpConnectionFinWait1;
    rig->conns[0].block.Delegated.SndNxt++;
    rig->conns[0].block.Delegated.SndMax++;
    rig_initiate(rig, &rig->neighbour.Block);
    battery_rest(rig);
}

static void takes_fin_wait_1(struct rig *rig)
{
    in_fin_wait_1(rig);
    assert_int_equal(rig->conns[0].block.Block.Status, NDIS_STATUS_SUCCESS);
    peer(rig, 0, 1, 0, FLUE_TCP_ACK);
    battery_finish(rig, 1);
    assert_int_equal(rig->conns[0].end.Delegated.State, TcpConnectionFinWait2);
}

static void refuses_fin_wait_1(struct rig *rig)
{
    in_fin_wait_1(rig);
    assert_int_not_equal(rig->conns[0].block.Block.Status, NDIS_STATUS_SUCCESS);
    assert_null(rig->conns[0].handle.MiniportOffloadContext);
    battery_finish(rig, 0);
}

const struct battery_case battery_endings[] = {
    {"a graceful disconnect", closes_gracefully, "CH-228", NULL, NEEDS, 0},
    {"a graceful disconnect behind the peer's", closes_behind_the_peer, "CH-228 CH-249", NULL, NEEDS, 0},
    {"an abortive disconnect", aborts, "CH-221 CH-223", NULL, NEEDS, 0},
    {"the peer's reset", is_reset, "CH-254", NULL, NEEDS, 0},
    {"back in ESTABLISHED, data both ways", gives_back_established, "CH-118 CH-126", NULL, NEEDS, 0},
    {"back in CLOSE-WAIT", gives_back_close_wait, "CH-118", NULL, NEEDS, 0},
    {"back in FIN-WAIT-1", gives_back_fin_wait_1, "CH-121", NULL, NEEDS, 0},
    {"back in FIN-WAIT-2", gives_back_fin_wait_2, "CH-118", NULL, NEEDS, 0},
    {"back in CLOSING", gives_back_closing, "CH-121", NULL, NEEDS, 0},
    {"back in LAST-ACK", gives_back_last_ack, "CH-121", NULL, NEEDS, 0},
    {"back with everything outstanding", gives_back_everything, "CH-118 CH-119 CH-120 CH-121", NULL, NEEDS, 0},
    {"down, back, down", moves_again, "CH-126", NULL, NEEDS, 0},
    {"a halt waits for lists", halts_when_lists_are_back, "CH-034", NULL, NEEDS, 0},
    {"pause and resume", pauses, "CH-305", none, NEED_CONTROL, 0},
    {"everything back", wants_everything_back, "CH-306", none, NEED_CONTROL, 0},
    {"a connection that is closing already", takes_fin_wait_1, "CH-046", refuses_fin_wait_1, NEED_CLOSING, 0},
    {NULL, NULL, NULL, NULL, NEEDS, 0},
};
