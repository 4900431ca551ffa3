/* SPDX-License-Identifier: GPL-2.0-only */
/* A terminate that fails, by the order of the page (D-32): the host keeps the object, is told by both events what
 * became of it, and terminates it once more.  A hand-over that takes long: what is kept meanwhile has a limit.  And
 * connections that wait to be offered again. */
#include "cases.h"

#define ARRIVED_MAX 1024u

static void tune(struct flue_host_params *params)
{
    params->ddi = flue_ddi_defaults();
    params->ddi.terminate_recipe = 1;
}

/* One connection that the target holds, with 400 bytes posted, on its way back. */
static void begin(void)
{
    fixture_begin_tuned(&f, "never", 256, tune);
    peer_open(&f, 0, PEER_IP, ISS);
    adapter_sent(&f);
    offload(0, 1);
    adapter_initiated(&f, 0, 0);
    assert_int_equal(flue_host_socket_send(f.peers[0].socket, 400), FLUE_OK);
    assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_OK);
    f.log[0] = '\0';
}

static void complete(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, NDIS_STATUS status)
{
    assert_int_equal(f.terminated_count, 1);
    f.terminated_count = 0;
    for (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST b = block; b != NULL; b = b->DependentBlockList) {
        b->Status = status;
    }
    NdisMTerminateOffloadComplete(f.adapter, block);
    fixture_run(&f);
}

static void fail_first(void)
{
    complete(f.terminated[0], NDIS_STATUS_FAILURE);
    expect_log(&f, ""); /* nothing before the target has told what happened */
    assert_int_equal(holder(0), FLUE_HOLDER_LOST);
    peer_segment(&f, 0, 0, 10, FLUE_TCP_ACK);
    flue_host_socket_abort(f.peers[0].socket); /* changes nothing any more */
    adapter_event(&f, 0, TcpIndicateRetrieve, HardwareFailure);
    expect_log(&f, "");
    adapter_event(&f, 0, TcpIndicateAbort, 0);
    expect_log(&f, "terminate T*");
    assert_int_equal(holder(0), FLUE_HOLDER_LOST);
}

static void release(unsigned failures)
{
    flue_host_release_offload(f.host, f.env.now_ps);
    for (unsigned i = 0; i < failures; i++) {
        f.log[0] = '\0';
        complete(f.terminated[0], NDIS_STATUS_FAILURE);
        expect_log(&f, "terminate N*( P*)"); /* at once: nobody has to be told */
    }
    complete(f.terminated[0], NDIS_STATUS_SUCCESS);
    fixture_end(&f, 0);
}

/* The second one gives back what the target had received: nobody gets it. */
static void second_succeeds(void **state)
{
    const struct flue_span span = {.stream = 0, .offset_bytes = 0, .length_bytes = 90};

    (void)state;
    for (unsigned buffered = 0; buffered < 2; buffered++) {
        PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block;
        TCP_OFFLOAD_STATE_DELEGATED *delegated;

        begin();
        fail_first();
        block = f.terminated[0];
        delegated = &((FLUE_TCP_TERMINATE_BLOCK *)(void *)block)->Delegated;
        adapter_send_done(&f, 0, NDIS_STATUS_REQUEST_ABORTED, 0);
        if (buffered) {
            const OFFLOAD_STATE_HEADER header = delegated->Header;

            *delegated = f.peers[0].state;
            delegated->Header = header;
            delegated->SendDataHead = delegated->SendDataTail = NULL;
            delegated->BufferedData = ndis_nbl_get(f.spans);
            assert_int_equal(ndis_nbl_append(delegated->BufferedData, &span), FLUE_OK);
            f.indicated++;
        }
        complete(block, NDIS_STATUS_SUCCESS);
        assert_null(f.peers[0].socket);
        assert_non_null(strstr(f.log, "0: closed 4"));
        assert_int_equal(f.indicated, 0);
        f.log[0] = '\0';
        release(0);
    }
}

/* One that fails again is the end, too: the host does not ask for ever. */
static void second_fails(void **state)
{
    (void)state;
    begin();
    fail_first();
    adapter_send_done(&f, 0, NDIS_STATUS_REQUEST_ABORTED, 0);
    complete(f.terminated[0], NDIS_STATUS_FAILURE);
    assert_null(f.peers[0].socket);
    expect_log(&f, "0: closed 4");
    release(0);
}

/* Path and next hop likewise; in between they stay with the target, and nothing new is hung under them. */
static void paths_and_neighbours(void **state)
{
    (void)state;
    begin();
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    flue_host_socket_abort(f.peers[0].socket);
    adapter_sent(&f);
    release(1);
}

/* The reset came first: after the failure only the request to take it back is new (CH-252). */
static void reset_before(void **state)
{
    (void)state;
    fixture_begin_tuned(&f, "never", 256, tune);
    peer_open(&f, 0, PEER_IP, ISS);
    adapter_sent(&f);
    offload(0, 1);
    adapter_initiated(&f, 0, 0);
    adapter_event(&f, 0, TcpIndicateAbort, 0);
    f.log[0] = '\0';
    complete(f.terminated[0], NDIS_STATUS_FAILURE);
    expect_log(&f, "");
    adapter_event(&f, 0, TcpIndicateRetrieve, HardwareFailure);
    expect_log(&f, "terminate T*");
    complete(f.terminated[0], NDIS_STATUS_SUCCESS);
    expect_log(&f, "0: closed 4");
    release(0);
}

/* A terminate that never ends does not fill the memory: beyond the limit segments are dropped and counted, and the
 * peer sends them again.  In the next hand-over there is room again. */
static void hold_limit(void **state)
{
    struct flue_host_totals totals;

    (void)state;
    open_offloaded();
    for (unsigned round = 1; round < 3; round++) {
        assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_OK);
        for (unsigned i = 0; i < ARRIVED_MAX + 7; i++) {
            peer_segment(&f, 0, 0, i == 0 ? 10 : 0, FLUE_TCP_ACK);
        }
        flue_host_totals(f.host, &totals);
        assert_int_equal(totals.held_segments, round * ARRIVED_MAX);
        assert_int_equal(totals.held_dropped, round * 7);
        f.peers[0].seq -= 10; /* the target has not seen what the host keeps */
        adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
        f.peers[0].seq += 10;
        assert_int_equal(f.peers[0].received, round * 10);
        adapter_sent(&f);
        offload(0, 1);
        adapter_initiated(&f, 0, 0);
    }
    f.log[0] = '\0';
    assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_OK);
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    finish(1);
}

static void tune_back_off(struct flue_host_params *params)
{
    params->ddi = flue_ddi_defaults();
    params->reoffer = 1;
}

static void drive_back(unsigned i)
{
    adapter_event(&f, i, TcpIndicateRetrieve, InvalidState);
    adapter_terminated(&f, i, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    f.log[0] = '\0';
}

static void pass(flue_ps time_ps, const char *seen)
{
    fixture_time(&f, f.env.now_ps + time_ps);
    fixture_run(&f);
    expect_log(&f, seen);
}

/* Waits of several lengths, begun in any order: each goes when its own is over (D-35). */
static void waits_of_two(void **state)
{
    (void)state;
    fixture_begin_tuned(&f, "never", 256, tune_back_off);
    for (unsigned i = 0; i < 2; i++) {
        peer_open(&f, i, PEER_IP, ISS);
    }
    adapter_sent(&f);
    offload(0, 2);
    while (f.initiated_count > 0) {
        adapter_initiated(&f, 0, 0);
    }
    drive_back(0);
    pass(FLUE_PS_PER_S, "initiate N*( P*( T+))");
    adapter_initiated(&f, 0, 0);
    drive_back(0); /* two seconds */
    pass(FLUE_PS_PER_S / 2, "");
    drive_back(1); /* one */
    pass(FLUE_PS_PER_S - 1, "");
    pass(1, "initiate N*( P*( T+))");
    adapter_initiated(&f, 0, 0);
    expect_log(&f, "1: moved to target, policy");
    pass(FLUE_PS_PER_S / 2 - 1, "");
    pass(1, "initiate N*( P*( T+))");
    fixture_end(&f, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_succeeds), cmocka_unit_test(second_fails), cmocka_unit_test(paths_and_neighbours),
        cmocka_unit_test(reset_before),    cmocka_unit_test(hold_limit),   cmocka_unit_test(waits_of_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
