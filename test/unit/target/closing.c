/* SPDX-License-Identifier: GPL-2.0-only */
/* FIN and RST in both directions, giving up, and what the target asks the host to take back. */
#include "rig.h"

static struct rig *offloaded(void)
{
    struct rig *rig = rig_new();

    rig_build(rig);
    rig_offload(rig, 1);
    return rig;
}

static void finish(struct rig *rig)
{
    rig_finish(rig, 1);
    rig_free(rig);
}

/* Both at the same time: into TIME-WAIT by way of CLOSING. */
static void close_both(void)
{
    struct rig *rig = offloaded();

    rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 0, 0, 0, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_EVENT), 1);
    rig_peer(rig, 0, 1, 1, 0, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_EVENT, 1)->bytes, TcpIndicateRetrieve);
    assert_int_equal(rig_find(rig, RIG_EVENT, 1)->extra, UploadRequested);
    rig_finish(rig, 1);
    assert_int_equal(rig->conns[0].end.Delegated.State, TcpConnectionTimeWait);
    rig_free(rig);
}

/* CH-143, CH-227, CH-237. */
static void closes_gracefully(void **state)
{
    struct rig *rig = offloaded();
    const TCP_OFFLOAD_STATE_DELEGATED *end = &rig->conns[0].end.Delegated;

    (void)state;
    rig_send(rig, 0, 0, 1000);
    rig_disconnect(rig, 0, 1000, 200, TCP_DISCONNECT_GRACEFUL_CLOSE);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_frames_with(rig, FLUE_TCP_FIN), 1);
    rig_peer(rig, 0, 0, 0, 50, FLUE_TCP_ACK); /* it goes on while the FIN is on its way */
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 0)->bytes, 50);
    rig_peer(rig, 0, 50, 1200, 0, FLUE_TCP_ACK); /* all data, not the FIN */
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_SENT), 1);
    assert_int_equal(rig_count(rig, RIG_DISCONNECTED), 0);
    rig_peer(rig, 0, 50, 1201, 0, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->bytes, 200);
    /* The peer's half: data, then its FIN; TIME-WAIT is the host's. */
    rig_peer(rig, 0, 50, 1201, 50, FLUE_TCP_ACK);
    rig_peer(rig, 0, 100, 1201, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 1)->bytes, 50);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateDisconnect);
    assert_int_equal(rig_find(rig, RIG_EVENT, 1)->bytes, TcpIndicateRetrieve);
    assert_int_equal(rig_find(rig, RIG_EVENT, 1)->extra, UploadRequested);
    assert_int_equal(rig->out[rig->sent - 1].frame.ack, RIG_RCV_NXT + 101);
    /* In TIME-WAIT segments take the ordinary path at once (D-34). */
    rig_peer(rig, 0, 100, 1201, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 1);
    rig_finish(rig, 1);
    assert_int_equal(end->State, TcpConnectionTimeWait);
    assert_int_equal(end->SndUna, (uint32_t)(RIG_SND_UNA + 1201));
    assert_int_equal(end->RcvNxt, (uint32_t)(RIG_RCV_NXT + 101));
    assert_int_equal(rig_frames_with(rig, FLUE_TCP_RST), 0);
    rig_free(rig);
    close_both();
}

static void closes_behind_the_peer(void **state)
{
    struct rig *rig = offloaded();

    (void)state;
    rig_peer(rig, 0, 0, 0, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateDisconnect);
    rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 0, 1, 1, 0, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_count(rig, RIG_EVENT), 1); /* LAST-ACK ends in CLOSED: nothing to ask for */
    rig_peer(rig, 0, 1, 1, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 1); /* CLOSED: the host answers (B-119) */
    rig_finish(rig, 1);
    assert_int_equal(rig->conns[0].end.Delegated.State, TcpConnectionClosed);
    rig_free(rig);
}

static void resets(void **state)
{
    struct rig *rig = offloaded();

    (void)state;
    rig_send(rig, 0, 0, 1000);
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 0, 0, 400, 0, FLUE_TCP_ACK);
    rig_send(rig, 0, 1000, 1000);
    rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_ABORTIVE_CLOSE);
    rig_send(rig, 0, 2000, 100);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_frames_with(rig, FLUE_TCP_RST), 1);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->bytes, 400); /* at most one is partly acknowledged */
    assert_int_equal(rig_find(rig, RIG_SENT, 1)->bytes, 0);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_SUCCESS);
    assert_true(rig_place(rig, RIG_SENT, 1) < rig_place(rig, RIG_DISCONNECTED, 0));
    assert_int_equal(rig_find(rig, RIG_SENT, 2)->status, NDIS_STATUS_REQUEST_ABORTED);
    /* Nothing is acknowledged any more (B-113). */
    rig_peer(rig, 0, 0, 1000, 100, FLUE_TCP_ACK);
    rig_wait(rig, 100 * FLUE_PS_PER_MS);
    assert_int_equal(rig->out[rig->sent - 1].frame.flags & FLUE_TCP_RST, FLUE_TCP_RST);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 1);
    assert_int_equal(rig_count(rig, RIG_EVENT), 0);
    rig_finish(rig, 1);
    assert_null(rig->conns[0].end.Block.NetBufferListChain);
    rig_free(rig);
}

static void is_reset(void **state)
{
    struct rig *rig = offloaded();
    struct flue_frame late = rig_segment(0, 100, 0, 10, FLUE_TCP_ACK);

    (void)state;
    rig_send(rig, 0, 0, 1000);
    rig_disconnect(rig, 0, 1000, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 0, 5, 0, 0, FLUE_TCP_RST); /* in the window, not exact: challenged, not believed */
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_EVENT), 0);
    rig_peer(rig, 0, 0, 0, 0, FLUE_TCP_RST);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateAbort);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
    assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
    assert_true(rig_place(rig, RIG_EVENT, 0) < rig_place(rig, RIG_SENT, 0));
    assert_true(rig_place(rig, RIG_SENT, 0) < rig_place(rig, RIG_DISCONNECTED, 0));
    rig_forward(rig, 0, &late);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_FORWARDED, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
    assert_int_equal(rig_frames_with(rig, FLUE_TCP_RST), 0);
    finish(rig);
}

/* Data on its way up when the reset comes is not delivered any more (D-37). */
static void keeps_data_behind_a_reset(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.profile.moderation_ps = 100 * RIG_US;
    rig_build(rig);
    rig_offload(rig, 1);
    rig_wait(rig, 150 * RIG_US);
    rig_peer(rig, 0, 0, 0, 10, FLUE_TCP_ACK);
    rig_wait(rig, 5 * RIG_US);
    rig_peer(rig, 0, 10, 0, 500, FLUE_TCP_ACK);
    rig_peer(rig, 0, 510, 0, 0, FLUE_TCP_RST);
    rig_wait(rig, 200 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 1);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateAbort);
    rig_terminate(rig, 1, 1);
    rig_wait(rig, 300 * RIG_US);
    assert_non_null(rig->conns[0].end.Delegated.BufferedData);
    assert_int_equal(ndis_chain_bytes(rig->conns[0].end.Delegated.BufferedData), 500);
    (void)NdisOffloadTcpReceiveReturn(rig->binding, rig->conns[0].end.Delegated.BufferedData);
    rig_wait(rig, 20 * RIG_US);
    rig_free(rig);
}

static void gives_up_retransmitting(void **state)
{
    struct rig *rig = rig_new();
    const TCP_OFFLOAD_STATE_DELEGATED *end = &rig->conns[0].end.Delegated;
    unsigned sent;

    (void)state;
    rig->params.tcp.max_retransmits = 3;
    rig_build(rig);
    rig_offload(rig, 1);
    rig_send(rig, 0, 0, 1000);
    rig_wait(rig, 60 * FLUE_PS_PER_S);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateRetrieve);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->extra, TimeoutExpiration);
    assert_int_equal(rig->sent, 4);
    /* Frozen (D-34): no sign of life, new sends are refused, segments are held. */
    sent = rig->sent;
    rig_send(rig, 0, 1000, 100);
    for (unsigned i = 0; i < 70; i++) {
        rig_peer(rig, 0, i * 10, 1000, 10, FLUE_TCP_ACK);
    }
    rig_wait(rig, 1 * FLUE_PS_PER_S);
    assert_int_equal(rig->sent, sent);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->bytes, 0);
    assert_int_equal(rig_count(rig, RIG_INDICATED) + rig_count(rig, RIG_FRAMES_IN), 0);
    rig_terminate(rig, 1, 1);
    rig_wait(rig, 200 * RIG_US);
    assert_int_equal(rig_sum(rig, RIG_FRAMES_IN).extra, 64);
    assert_int_equal(rig_find(rig, RIG_FRAMES_IN, 0)->bytes, RIG_RCV_NXT);
    assert_int_equal(end->State, TcpConnectionEstablished);
    assert_int_equal(end->SndUna, RIG_SND_UNA);
    assert_int_equal(end->SndMax, (uint32_t)(RIG_SND_UNA + 1000));
    assert_int_equal(end->Retransmit.TimeoutDelta, 0);
    assert_int_equal(ndis_chain_bytes(rig->conns[0].end.Block.NetBufferListChain), 1000);
    rig_free_chain(rig->conns[0].end.Block.NetBufferListChain);
    rig_free(rig);
}

static void gives_up_waiting_in_fin_wait_2(void **state)
{
    struct rig *rig = offloaded();

    (void)state;
    rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 0, 0, 1, 0, FLUE_TCP_ACK);
    rig_wait(rig, 119 * FLUE_PS_PER_S);
    assert_int_equal(rig_count(rig, RIG_EVENT), 0);
    rig_wait(rig, 2 * FLUE_PS_PER_S);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateRetrieve);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->extra, TimeoutExpiration);
    rig_finish(rig, 1);
    assert_int_equal(rig->conns[0].end.Delegated.State, TcpConnectionClosed); /* D-28 */
    rig_free(rig);
}

static void leaves_urgent_data_to_the_host(void **state)
{
    struct rig *rig = offloaded();
    unsigned sent;

    (void)state;
    rig_peer(rig, 0, 0, 0, 100, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    rig_peer(rig, 0, 100, 0, 100, FLUE_TCP_ACK | FLUE_TCP_URG);
    rig_wait(rig, 20 * RIG_US);
    sent = rig->sent;
    rig_peer(rig, 0, 200, 0, 100, FLUE_TCP_ACK);
    rig_wait(rig, 1 * FLUE_PS_PER_S);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->extra, ReceivedUrgentData);
    assert_int_equal(rig->out[sent - 1].frame.ack, RIG_RCV_NXT + 100); /* the delayed ACK, flushed */
    assert_int_equal(rig->sent, sent);
    rig_finish(rig, 1);
    assert_int_equal(rig_sum(rig, RIG_FRAMES_IN).extra, 2);
    assert_int_equal(rig->conns[0].end.Delegated.RcvNxt, RIG_RCV_NXT + 100);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closes_gracefully),
        cmocka_unit_test(closes_behind_the_peer),
        cmocka_unit_test(resets),
        cmocka_unit_test(is_reset),
        cmocka_unit_test(keeps_data_behind_a_reset),
        cmocka_unit_test(gives_up_retransmitting),
        cmocka_unit_test(gives_up_waiting_in_fin_wait_2),
        cmocka_unit_test(leaves_urgent_data_to_the_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
