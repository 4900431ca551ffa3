/* SPDX-License-Identifier: GPL-2.0-only */
/* Receive buffers, refusals, lists that fail on their way, closes with data, receive-side scaling: the host over a
 * scripted adapter. */
#include "cases.h"
#include "frame/toeplitz.h"

static void begin(void (*tune)(struct flue_host_params *params))
{
    fixture_begin_tuned(&f, "never", 256, tune);
    peer_open(&f, 0, PEER_IP, ISS);
    adapter_sent(&f);
    f.sent_count = 0;
}

static void hand_over(void)
{
    offload(0, 1);
    adapter_initiated(&f, 0, 0);
}

static void take_back(uint32_t acked_bytes, uint32_t buffered_bytes)
{
    assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_OK);
    f.log[0] = '\0';
    adapter_terminated(&f, 0, acked_bytes, TcpConnectionEstablished, buffered_bytes, NDIS_STATUS_SUCCESS);
}

/* ---- Posted receives */

static void tune_posts(struct flue_host_params *params)
{
    params->receive_post_bytes = 1000;
    params->receive_posts = 2;
}

static void tune_nonpush(struct flue_host_params *params)
{
    tune_posts(params);
    params->receive_nonpush = 1;
}

/* As many as wanted stay posted; an upload brings back bytes in order: placed ones, then buffered ones. */
static void posts(void **state)
{
    (void)state;
    begin(tune_posts);
    hand_over();
    expect_log(&f, "initiate N+( P+( T+))\n0: post 1000\n0: post 1000\n0: moved to target, at a chosen time");
    adapter_receive_done(&f, 0, 700, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: received 700\n0: post 1000");
    flue_host_socket_pause_reading(f.peers[0].socket);
    adapter_receive_done(&f, 0, 1000, NDIS_STATUS_SUCCESS); /* placed is placed, but nothing new is posted */
    expect_log(&f, "");
    flue_host_socket_resume(f.peers[0].socket);
    expect_log(&f, "0: received 1000\n0: post 1000");
    assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_OK);
    adapter_receive_done(&f, 0, 30, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    adapter_receive_done(&f, 0, 0, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    expect_log(&f, "terminate T*\n0: received 30");
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 44, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: received 44\n0: moved to host, at a chosen time\nreturn 1");
    offload(0, 1); /* and again: posted anew */
    adapter_initiated(&f, 0, 0);
    expect_log(&f, "initiate N*( P*( T+))\n0: post 1000\n0: post 1000\n0: moved to target, at a chosen time");
    adapter_receive_done(&f, 0, 0, NDIS_STATUS_REQUEST_ABORTED);
    adapter_receive_done(&f, 0, 0, NDIS_STATUS_REQUEST_ABORTED);
    take_back(0, 0);
    finish(1);
}

/* All statuses of a completed receive: what belongs to the stream is read, a reset discards (D-37, D-40, CH-195). */
static void statuses(void **state)
{
    static const struct {
        NDIS_STATUS status;
        uint32_t bytes;
        const char *log;
    } cases[] = {{NDIS_STATUS_SUCCESS, 9, "0: received 9\n0: post 1000 nonpush"},
                 {NDIS_STATUS_UPLOAD_IN_PROGRESS, 9, "0: received 9\nterminate T*"},
                 {NDIS_STATUS_INVALID_STATE, 0, ""},
                 {NDIS_STATUS_REQUEST_ABORTED, 9, ""}};

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        begin(tune_nonpush);
        hand_over();
        expect_log(&f, "initiate N+( P+( T+))\n0: post 1000 nonpush\n0: post 1000 nonpush\n"
                       "0: moved to target, at a chosen time");
        adapter_receive_done(&f, 0, cases[i].bytes, cases[i].status);
        expect_log(&f, cases[i].log);
        fixture_end(&f, 1);
    }
}

/* Nothing is posted after the peer's FIN. */
static void no_post_after_fin(void **state)
{
    (void)state;
    begin(tune_posts);
    hand_over();
    f.log[0] = '\0';
    adapter_event(&f, 0, TcpIndicateDisconnect, 0);
    adapter_receive_done(&f, 0, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: peer closed");
    fixture_end(&f, 1);
}

/* ---- Refusal */

static void tune_queue(struct flue_host_params *params)
{
    params->receive_queue_bytes = 100;
}

/* Taken whole, in part, not at all, as there is room (CH-202, CH-203); then an empty post, once, when the application
 * reads again (CH-205, CH-207).  The bytes that were taken are read in order and once. */
static void refusal(void **state)
{
    ULONG consumed = 99;

    (void)state;
    begin(tune_queue);
    hand_over();
    f.log[0] = '\0';
    flue_host_socket_pause_reading(f.peers[0].socket);
    assert_int_equal(adapter_try_indicate(&f, 0, 60, &consumed), NDIS_STATUS_SUCCESS);
    assert_int_equal(consumed, 60);
    assert_int_equal(adapter_try_indicate(&f, 0, 60, &consumed), NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED);
    assert_int_equal(consumed, 40);
    assert_int_equal(adapter_try_indicate(&f, 0, 20, &consumed), NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED);
    assert_int_equal(consumed, 0);
    adapter_event(&f, 0, TcpIndicateRetrieve, LowActivity);
    f.log[0] = '\0';
    flue_host_socket_resume(f.peers[0].socket);
    expect_log(&f, "0: received 100\n0: post 0");
    adapter_receive_done(&f, 0, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "");
    assert_int_equal(adapter_try_indicate(&f, 0, 20, &consumed), NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: received 20\nreturn 1");
    take_back(0, 0);
    finish(1);
}

/* The peer's FIN is told after what is unread; the end of the connection does not wait for the application. */
static void fin_after_unread(void **state)
{
    (void)state;
    begin(NULL);
    hand_over();
    f.log[0] = '\0';
    flue_host_socket_pause_reading(f.peers[0].socket);
    adapter_indicate(&f, 0, 60);
    adapter_event(&f, 0, TcpIndicateDisconnect, 0);
    assert_null(strstr(f.log, "peer closed"));
    flue_host_socket_resume(f.peers[0].socket);
    assert_non_null(strstr(f.log, "0: received 60"));
    assert_true(strstr(f.log, "0: received 60") < strstr(f.log, "0: peer closed"));
    fixture_end(&f, 1);
}

/* Unread bytes go down in BufferedData, ending at RcvNxt (CH-075); taken, the target tells them; refused, the host
 * keeps them (CH-076). */
static void unread_travels(void **state)
{
    (void)state;
    for (unsigned refuse = 0; refuse < 2; refuse++) {
        PNET_BUFFER_LIST buffered;
        FLUE_TCP_BLOCK *block;

        begin(NULL);
        flue_host_socket_pause_reading(f.peers[0].socket);
        peer_segment(&f, 0, 0, 150, FLUE_TCP_ACK);
        offload(0, 1);
        block = (FLUE_TCP_BLOCK *)(void *)f.initiated[0]->DependentBlockList->DependentBlockList;
        buffered = block->Delegated.BufferedData;
        assert_non_null(buffered);
        assert_int_equal(ndis_chain_bytes(buffered), 150);
        assert_int_equal(block->Delegated.RcvNxt, f.peers[0].seq);
        flue_host_socket_resume(f.peers[0].socket); /* nobody may read them just now */
        assert_null(strstr(f.log, "received"));
        adapter_initiated(&f, refuse, 0);
        if (refuse != 0) {
            expect_log(&f, "initiate N+( P+( T+))\n0: received 150");
        } else {
            expect_log(&f, "initiate N+( P+( T+))\n0: post 0\n0: moved to target, at a chosen time");
            f.peers[0].sent -= 150; /* the target has them */
            f.peers[0].seq -= 150;
            adapter_indicate(&f, 0, 150);
            fixture_run(&f);
            expect_log(&f, "0: received 150\nreturn 1");
            adapter_receive_done(&f, 0, 0, NDIS_STATUS_SUCCESS);
            take_back(0, 0);
        }
        finish(1);
    }
}

/* ---- Sends */

/* A driver on the way had no memory: the host takes the connection back, and sends in order what was posted before,
 * what was not passed down, and what waited (CH-339, CH-175). */
static void no_memory_on_the_way(void **state)
{
    const uint64_t after[][2] = {{100, 500}};

    (void)state;
    begin(NULL);
    hand_over();
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 100), FLUE_OK);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 200), FLUE_OK);
    {
        PNET_BUFFER_LIST earlier = f.peers[0].sends; /* the second call is the one that fails */

        f.peers[0].sends = earlier->Next;
        earlier->Next = NULL;
        f.log[0] = '\0';
        adapter_send_done(&f, 0, NDIS_STATUS_REQUEST_UPLOAD, 0);
        expect_log(&f, "terminate T*");
        f.peers[0].sends = earlier;
    }
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 300), FLUE_OK);
    f.sent_count = 0;
    f.log[0] = '\0';
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: moved to host, the target asked");
    expect_frames(1, after); /* the first 100 are on their way, as the state says */
    finish(1);
    begin(NULL); /* REQUEST_ABORTED: nobody sends it again */
    hand_over();
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 100), FLUE_OK);
    adapter_send_done(&f, 0, NDIS_STATUS_REQUEST_ABORTED, 0);
    f.sent_count = 0;
    take_back(100, 0);
    expect_frames(0, NULL);
    finish(1);
}

static void tune_close(struct flue_host_params *params)
{
    params->close_with_data = 1;
}

/* The rest of the stream travels with the close (CH-226); cut short by an upload, its unacknowledged bytes are sent
 * again, and the FIN after them (D-30). */
static void close_with_data(void **state)
{
    (void)state;
    begin(tune_close);
    offload(0, 1);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 300), FLUE_OK);
    assert_int_equal(flue_host_socket_close(f.peers[0].socket), FLUE_OK);
    adapter_initiated(&f, 0, 0);
    expect_log(&f, "initiate N+( P+( T+))\n0: disconnect graceful with 300\n0: moved to target, at a chosen time");
    assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_OK);
    {
        PNET_BUFFER_LIST nbl = f.peers[0].disconnect;

        NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)100;
        NdisAdvanceNetBufferDataStart(nbl->FirstNetBuffer, 100, 0, NULL);
    }
    adapter_disconnect_done(&f, 0, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    assert_int_equal(f.peers[0].acked, 100);
    f.sent_count = 0;
    adapter_terminated(&f, 0, 100, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    assert_int_equal(f.sent_count, 1);
    assert_int_equal(f.sent[0].payload.offset_bytes, 100);
    assert_int_equal(f.sent[0].payload.length_bytes, 200);
    assert_true((f.sent[0].flags & FLUE_TCP_FIN) != 0);
    finish(1);
}

static void tune_backlog(struct flue_host_params *params)
{
    params->follow_send_backlog = 1;
}

/* Posted bytes follow what the target advises. */
static void backlog(void **state)
{
    (void)state;
    begin(tune_backlog);
    hand_over();
    adapter_event(&f, 0, TcpIndicateSendBacklogChange, 400);
    f.log[0] = '\0';
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 1000), FLUE_OK);
    expect_log(&f, "0: send 0+400");
    adapter_send_done(&f, 0, NDIS_STATUS_SUCCESS, 100);
    expect_log(&f, "0: send 400+100");
    adapter_event(&f, 0, TcpIndicateSendBacklogChange, FLUE_BACKLOG_NONE);
    expect_log(&f, "0: send 500+500");
    fixture_end(&f, 1);
}

/* ---- A driver that does what none may */

/* It completes inside the call (CH-038, CH-158): nothing is lost or told twice. */
static void hasty_adapter(void **state)
{
    (void)state;
    begin(NULL);
    f.hasty = true;
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 400), FLUE_OK);
    peer_segment(&f, 0, 0, 0, FLUE_TCP_ACK);
    assert_int_equal(f.peers[0].acked, 400);
    hand_over();
    f.log[0] = '\0';
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 500), FLUE_OK);
    fixture_run(&f);
    expect_log(&f, "0: send 400+500");
    assert_int_equal(f.peers[0].acked, 900);
    take_back(0, 0);
    finish(1);
}

/* It gives back a state of which bytes are missing (CH-121): the connection is reset, and no other bytes are sent in
 * their place. */
static void bytes_missing(void **state)
{
    (void)state;
    begin(NULL);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 300), FLUE_OK);
    adapter_sent(&f);
    hand_over();
    assert_non_null(f.peers[0].sends);
    assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_OK);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 900), FLUE_OK);
    f.missing_bytes = 40;
    f.sent_count = 0;
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    assert_null(f.peers[0].socket);
    for (unsigned i = 0; i < f.sent_count; i++) {
        assert_int_equal(f.sent[i].payload.length_bytes, 0);
    }
    assert_true((f.sent[f.sent_count - 1].flags & FLUE_TCP_RST) != 0);
    finish(1);
}

static void tune_queues(struct flue_host_params *params)
{
    params->receive_queues = 3;
}

/* Receive-side scaling: what the adapter is told, again when the table moves, and the hash that a connection takes
 * along (behaviour 15.8). */
static void receive_scaling(void **state)
{
    struct flue_tcp_tuple tuple;

    (void)state;
    fixture_begin(&f, "never", 256);
    assert_int_equal(f.scale.Parameters.Header.Type, 0); /* one queue: nothing is told */
    assert_int_equal(flue_host_receive_remap(f.host, 1, f.env.now_ps), FLUE_ESTATE);
    fixture_end(&f, 1);
    fixture_begin_tuned(&f, "never", 256, tune_queues);
    assert_int_equal(f.scale.Parameters.Header.Type, NDIS_OBJECT_TYPE_RSS_PARAMETERS);
    assert_int_equal(f.scale.Parameters.Flags, 0);
    assert_int_equal(f.scale.Parameters.IndirectionTableSize, sizeof f.scale.Table);
    for (unsigned i = 0; i < sizeof f.scale.Table; i++) {
        assert_int_equal(f.scale.Table[i], i % 3);
    }
    peer_open(&f, 0, PEER_IP, ISS);
    adapter_sent(&f);
    offload(0, 1);
    adapter_initiated(&f, 0, 0);
    tuple = flue_host_socket_tuple(f.peers[0].socket);
    assert_int_equal(f.peers[0].hash, toeplitz_hash(f.scale.Key, &tuple.remote_ip, &tuple.local_ip, tuple.remote_port,
                                                    tuple.local_port, true));
    assert_int_equal(flue_host_identify(f.host, &tuple), flue_host_socket_id(f.peers[0].socket));
    assert_int_equal(flue_host_receive_remap(f.host, 2, f.env.now_ps), FLUE_OK);
    assert_int_equal(f.scale.Parameters.Flags & NDIS_RSS_PARAM_FLAG_ITABLE_UNCHANGED, 0);
    for (unsigned i = 0; i < sizeof f.scale.Table; i++) {
        assert_int_equal(f.scale.Table[i], (i + 2) % 3);
    }
    fixture_end(&f, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts),           cmocka_unit_test(receive_scaling),
        cmocka_unit_test(statuses),        cmocka_unit_test(no_post_after_fin),
        cmocka_unit_test(refusal),         cmocka_unit_test(fin_after_unread),
        cmocka_unit_test(unread_travels),  cmocka_unit_test(no_memory_on_the_way),
        cmocka_unit_test(close_with_data), cmocka_unit_test(backlog),
        cmocka_unit_test(hasty_adapter),   cmocka_unit_test(bytes_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
