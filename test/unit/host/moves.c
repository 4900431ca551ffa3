/* SPDX-License-Identifier: GPL-2.0-only */
/* The host over a scripted adapter: hand-over in both directions, what the target says meanwhile, closing. */
#include "cases.h"

/* ---- Hand-over down */

/* Sends keep their order: 500 sent before, 300 while it is offered, 200 after. */
static void sends_during_offer(void **state)
{
    (void)state;
    open_all("never", 256, 1);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 500), FLUE_OK);
    offload(0, 1);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 300), FLUE_OK);
    assert_int_equal(flue_host_socket_close(f.peers[0].socket), FLUE_OK);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 1), FLUE_ESTATE);
    expect_log(&f, "initiate N+( P+( T+[500]))");
    adapter_initiated(&f, 0, 0);
    expect_log(&f, "0: send 500+300\n0: disconnect graceful\n0: moved to target, at a chosen time");
    assert_int_equal(f.peers[0].state.SndNxt - f.peers[0].state.SndUna, 500);
    adapter_send_done(&f, 0, NDIS_STATUS_SUCCESS, 500);
    adapter_send_done(&f, 0, NDIS_STATUS_SUCCESS, 300);
    assert_int_equal(f.peers[0].acked, 800);
    assert_int_equal(flue_host_socket_unacked_bytes(f.peers[0].socket), 0);
    adapter_disconnect_done(&f, 0, NDIS_STATUS_SUCCESS);
    fixture_end(&f, 1);
}

/* After its reset an application gets nothing any more (D-37). */
static void nothing_after_a_reset(void **state)
{
    (void)state;
    open_offloaded();
    adapter_indicate(&f, 0, 60); /* not read yet when the reset comes */
    flue_host_socket_abort(f.peers[0].socket);
    adapter_indicate(&f, 0, 100);
    fixture_run(&f);
    expect_log(&f, "0: disconnect abortive\nreturn 1\nreturn 1");
    fixture_end(&f, 1);
}

/* No ACK is owed when the connection goes (CH-292): a delayed one leaves ahead of the initiate. */
static void last_ack_leaves_first(void **state)
{
    (void)state;
    open_all("never", 256, 1);
    peer_segment(&f, 0, 0, 100, FLUE_TCP_ACK);
    expect_log(&f, "0: received 100");
    assert_int_equal(f.sent_count, 0);
    offload(0, 1);
    expect_log(&f, "initiate N+( P+( T+))");
    assert_int_equal(f.sent_count, 1);
    assert_int_equal(f.sent_before, 1);
    assert_int_equal(f.sent[0].ack, f.peers[0].seq);
    adapter_initiated(&f, 1, 0);
    assert_int_equal(f.peers[0].state.RcvNxt, f.sent[0].ack);
    finish(1);
}

/* Segments that come while it is offered are forwarded in order; data that was out of order goes first (CH-243,
 * CH-245). */
static void held_are_forwarded(void **state)
{
    struct flue_host_totals totals;

    (void)state;
    open_all("never", 256, 1);
    peer_segment(&f, 0, 0, 300, FLUE_TCP_ACK); /* the host's own: processed, and acknowledged */
    expect_log(&f, "0: received 300");
    peer_segment(&f, 0, 1000, 200, FLUE_TCP_ACK); /* a hole of 1000 bytes before it */
    adapter_sent(&f);
    offload(0, 1);
    peer_segment(&f, 0, 0, 100, FLUE_TCP_ACK);
    peer_segment(&f, 0, 0, 50, FLUE_TCP_ACK);
    expect_log(&f, "initiate N+( P+( T+))");
    adapter_initiated(&f, 0, 0);
    expect_log(&f, "0: forward +1000+200\n0: forward +0+100\n0: forward +100+50\n0: moved to target, at a chosen time");
    peer_segment(&f, 0, 0, 7, FLUE_TCP_ACK); /* up the ordinary path although the target holds it */
    expect_log(&f, "0: forward +150+7");
    flue_host_totals(f.host, &totals);
    assert_int_equal(totals.held_segments, 4);
    assert_int_equal(totals.forwarded_segments, 4);
    adapter_forward_done(&f, 0, NDIS_STATUS_SUCCESS);
    fixture_end(&f, 1);
}

/* Refused: everything goes on in software, in order, and nothing is lost. */
static void refused(void **state)
{
    const uint64_t after[][2] = {{500, 300}};
    struct flue_tcp_totals tcp;

    (void)state;
    open_all("never", 256, 1);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 500), FLUE_OK);
    adapter_sent(&f);
    f.sent_count = 0;
    offload(0, 1);
    expect_log(&f, "initiate N+( P+( T+[500]))");
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 300), FLUE_OK);
    peer_segment(&f, 0, 0, 100, FLUE_TCP_ACK); /* acknowledges the 500 bytes, too */
    peer_segment(&f, 0, 0, 50, FLUE_TCP_ACK);
    assert_int_equal(f.sent_count, 0);
    adapter_initiated(&f, 1, 0);
    expect_log(&f, "0: received 150");
    assert_int_equal(holder(0), FLUE_HOLDER_HOST);
    assert_int_equal(flue_host_last_refusal(f.host), NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
    assert_int_equal(f.peers[0].acked, 500);
    expect_frames(1, after);
    adapter_sent(&f);
    peer_segment(&f, 0, 0, 0, FLUE_TCP_ACK);
    assert_int_equal(f.peers[0].acked, 800);
    flue_host_tcp_totals(f.host, &tcp);
    assert_int_equal(tcp.retransmits, 0);
    finish(1);
}

/* ---- While the target holds it */

/* Several indications of one interrupt are one read and one return. */
static void indications(void **state)
{
    const struct flue_account *account;
    uint32_t syscalls;

    (void)state;
    open_offloaded();
    account = flue_host_socket_account(f.peers[0].socket);
    syscalls = account->cycles[FLUE_COST_SYSCALL];
    adapter_indicate(&f, 0, 1000);
    adapter_indicate(&f, 0, 460);
    expect_log(&f, "");
    fixture_run(&f);
    expect_log(&f, "0: received 1460\nreturn 2");
    assert_int_equal(account->cycles[FLUE_COST_SYSCALL] - syscalls, 2000);
    fixture_end(&f, 1);
}

static void reset_by_peer(void **state)
{
    (void)state;
    open_offloaded();
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 400), FLUE_OK);
    adapter_event(&f, 0, TcpIndicateAbort, 0);
    expect_log(&f, "0: send 0+400\nterminate T*");
    adapter_send_done(&f, 0, NDIS_STATUS_REQUEST_ABORTED, 0);
    adapter_terminated(&f, 0, 0, TcpConnectionClosed, 60, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, the peer reset it\n0: closed 3\nreturn 1");
    finish(1);
}

static void reset_by_us(void **state)
{
    (void)state;
    open_offloaded();
    flue_host_socket_abort(f.peers[0].socket);
    expect_log(&f, "0: disconnect abortive");
    adapter_disconnect_done(&f, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "terminate T*");
    adapter_terminated(&f, 0, 0, TcpConnectionClosed, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, the connection is closing\n0: closed 4");
    finish(1);
}

/* The reset of an abortive disconnect may reach the peer out of order, which then asks for it again (RFC 5961 3.2),
 * once. What comes between that disconnect and the end is for nobody: the target is not asked any more, and the
 * question is answered as in CLOSED, with its acknowledgement as sequence number (RFC 9293 3.10.7.1). */
static void question_after_a_reset(void **state)
{
    (void)state;
    open_offloaded();
    flue_host_socket_abort(f.peers[0].socket);
    fixture_run(&f);
    expect_log(&f, "0: disconnect abortive");
    f.peers[0].ack -= 700; /* it has not seen the last bytes before the reset */
    peer_segment(&f, 0, 0, 0, FLUE_TCP_ACK);
    expect_log(&f, "");
    adapter_disconnect_done(&f, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "terminate T*");
    f.peers[0].ack -= 700;
    peer_segment(&f, 0, 0, 0, FLUE_TCP_ACK);
    assert_int_equal(f.sent_count, 0);
    adapter_terminated(&f, 0, 0, TcpConnectionClosed, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, the connection is closing\n0: closed 4");
    assert_int_equal(f.sent_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(f.sent[i].flags, FLUE_TCP_RST);
        assert_int_equal(f.sent[i].seq, f.peers[0].ack + 700 * (1 - i));
    }
    finish(1);
}

/* Both directions close while the target holds it: it comes back and ends in software. */
static void closes(void **state)
{
    (void)state;
    open_offloaded();
    assert_int_equal(flue_host_socket_close(f.peers[0].socket), FLUE_OK);
    expect_log(&f, "0: disconnect graceful");
    adapter_event(&f, 0, TcpIndicateDisconnect, 0);
    expect_log(&f, "0: peer closed");
    f.peers[0].seq++;
    adapter_disconnect_done(&f, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "terminate T*");
    adapter_terminated(&f, 0, 1, TcpConnectionTimeWait, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, the connection is closing");
    fixture_time(&f, f.env.now_ps + 240 * FLUE_PS_PER_S);
    fixture_run(&f);
    expect_log(&f, "0: closed 6");
    finish(1);
}

/* ---- Hand-over up */

/* Order of send data: 400 acknowledged, 600 in the chain, 700 completed UPLOAD_IN_PROGRESS, 800 queued. */
static void upload(void **state)
{
    const uint64_t after[][2] = {{1000, 1460}, {2460, 40}};
    struct flue_host_totals totals;

    (void)state;
    open_offloaded();
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 400), FLUE_OK);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 600), FLUE_OK);
    adapter_send_done(&f, 0, NDIS_STATUS_SUCCESS, 400);
    expect_log(&f, "0: send 0+400\n0: send 400+600");
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 700), FLUE_OK);
    adapter_event(&f, 0, TcpIndicateRetrieve, LowActivity); /* optional: kept */
    expect_log(&f, "0: send 1000+700");
    /* The last one comes back unsent. */
    {
        PNET_BUFFER_LIST first = f.peers[0].sends;

        f.peers[0].sends = first->Next;
        first->Next = NULL;
        adapter_send_done(&f, 0, NDIS_STATUS_UPLOAD_IN_PROGRESS, 0);
        f.peers[0].sends = first;
    }
    adapter_event(&f, 0, TcpIndicateRetrieve, UploadRequested);
    expect_log(&f, "terminate T*");
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 800), FLUE_OK);
    assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_ESTATE);
    peer_segment(&f, 0, 90, 10, FLUE_TCP_ACK); /* raw, behind the buffered bytes */
    f.sent_count = 0;
    adapter_terminated(&f, 0, 400, TcpConnectionEstablished, 90, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: received 100\n0: moved to host, the target asked\nreturn 1");
    assert_int_equal(f.peers[0].acked, 400);
    expect_frames(2, after);
    flue_host_totals(f.host, &totals);
    assert_int_equal(totals.uploaded, 1);
    assert_int_equal(totals.chain_bytes_taken, 600);
    assert_int_equal(totals.buffered_bytes_taken, 90);
    finish(1);
}

static void upload_failed(void **state)
{
    (void)state;
    open_offloaded();
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 400), FLUE_OK);
    assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_OK);
    expect_log(&f, "0: send 0+400\nterminate T*");
    adapter_terminated(&f, 0, 0, 0, 0, NDIS_STATUS_FAILURE);
    expect_log(&f, "0: closed 4");
    finish(1);
}

/* A close that was asked for while it comes back goes out in software. */
static void close_during_upload(void **state)
{
    (void)state;
    open_offloaded();
    assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_OK);
    assert_int_equal(flue_host_socket_close(f.peers[0].socket), FLUE_OK);
    f.sent_count = 0;
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "terminate T*\n0: moved to host, at a chosen time");
    assert_int_equal(f.sent_count, 1);
    assert_true((f.sent[0].flags & FLUE_TCP_FIN) != 0);
    finish(1);
}

/* There and back again: the second offload of a connection is like the first. */
static void again(void **state)
{
    (void)state;
    open_offloaded();
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_OK);
        adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
        expect_log(&f, "terminate T*\n0: moved to host, at a chosen time");
        peer_segment(&f, 0, 0, 1000, FLUE_TCP_ACK);
        expect_log(&f, "0: received 1000");
        offload(0, 1);
        adapter_initiated(&f, 0, 0);
        expect_log(&f, "initiate N*( P*( T+))\n0: moved to target, at a chosen time");
    }
    assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_OK);
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    finish(1);
}

/* UPLOAD_ALL: connections, then path and neighbour in one tree; nothing is initiated before RESUME. */
static void upload_everything(void **state)
{
    NDIS_STATUS_INDICATION indication = {.StatusCode = NDIS_STATUS_UPLOAD_ALL};

    (void)state;
    open_offloaded();
    NdisMIndicateStatusEx(f.adapter, &indication);
    fixture_run(&f);
    expect_log(&f, "terminate T*");
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, the target wants all back\nterminate N*( P*)");
    assert_int_equal(flue_host_socket_offload(f.peers[0].socket, f.env.now_ps), FLUE_ESTATE);
    adapter_released(&f);
    indication.StatusCode = NDIS_STATUS_OFFLOAD_RESUME;
    NdisMIndicateStatusEx(f.adapter, &indication);
    fixture_run(&f);
    offload(0, 1);
    expect_log(&f, "initiate N+( P+( T+))");
    adapter_initiated(&f, 1, 0);
    finish(1);
}

/* What the application does inside its callbacks: sends, and hands over, at once. */
static void busy_app(struct fixture *fixture, unsigned peer)
{
    assert_int_equal(flue_host_socket_send(fixture->peers[peer].socket, 250), FLUE_OK);
    assert_int_equal(flue_host_socket_offload(fixture->peers[peer].socket, fixture->env.now_ps), FLUE_OK);
    assert_int_equal(flue_host_socket_send(fixture->peers[peer].socket, 250), FLUE_OK);
}

static void inside_callbacks(void **state)
{
    (void)state;
    fixture_begin(&f, "always", 256);
    f.on_connected = busy_app;
    peer_open(&f, 0, PEER_IP, ISS);
    expect_log(&f, "initiate N+( P+( T+[500]))");
    adapter_initiated(&f, 0, 0);
    fixture_end(&f, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_after_a_reset),
        cmocka_unit_test(sends_during_offer),
        cmocka_unit_test(last_ack_leaves_first),
        cmocka_unit_test(held_are_forwarded),
        cmocka_unit_test(refused),
        cmocka_unit_test(indications),
        cmocka_unit_test(reset_by_peer),
        cmocka_unit_test(reset_by_us),
        cmocka_unit_test(question_after_a_reset),
        cmocka_unit_test(closes),
        cmocka_unit_test(upload),
        cmocka_unit_test(upload_failed),
        cmocka_unit_test(close_during_upload),
        cmocka_unit_test(again),
        cmocka_unit_test(upload_everything),
        cmocka_unit_test(inside_callbacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
