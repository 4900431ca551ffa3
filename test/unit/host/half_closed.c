/* SPDX-License-Identifier: GPL-2.0-only */
/* An application that has closed its sending side and reads on, for as long as it likes (RFC 9293 3.6): no limit of
 * FIN-WAIT-2 ends its connection, here or at the target, whatever the target makes of CH-298. */
#include "cases.h"

#define HOUR (3600 * FLUE_PS_PER_S)

static void pass(flue_ps time_ps)
{
    fixture_time(&f, f.env.now_ps + time_ps);
    fixture_run(&f);
}

/* The host's, in FIN-WAIT-2. */
static void half_close(void)
{
    open_all("never", 256, 1);
    assert_int_equal(flue_host_socket_close(f.peers[0].socket), FLUE_OK);
    adapter_sent(&f);
    f.sent_count = 0;
    peer_segment(&f, 0, 0, 0, FLUE_TCP_ACK);
}

/* The peer sends after a long silence, and then closes, too. */
static void ends_in_order(void)
{
    f.log[0] = '\0';
    peer_segment(&f, 0, 0, 100, FLUE_TCP_ACK);
    expect_log(&f, "0: received 100");
    peer_segment(&f, 0, 0, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
    expect_log(&f, "0: peer closed");
    pass(61 * FLUE_PS_PER_S); /* TIME-WAIT */
    assert_null(f.peers[0].socket);
    finish(1);
}

static void in_software(void **state)
{
    (void)state;
    half_close();
    pass(HOUR);
    ends_in_order();
}

/* A limit that does not run is told as a timer that stands (CH-293). */
static void handed_over(void **state)
{
    (void)state;
    half_close();
    pass(10 * FLUE_PS_PER_S);
    offload(0, 1);
    adapter_initiated(&f, 0, 0);
    assert_int_equal(f.peers[0].state.State, TcpConnectionFinWait2);
    assert_int_equal(f.peers[0].state.Retransmit.TimeoutDelta, FLUE_TICKS_NONE);
    assert_int_equal(flue_host_socket_upload(f.peers[0].socket, f.env.now_ps), FLUE_OK);
    f.peers[0].state.Retransmit.TimeoutDelta = 1000; /* whatever limit the target has set */
    adapter_terminated(&f, 0, 0, TcpConnectionFinWait2, 0, NDIS_STATUS_SUCCESS);
    pass(HOUR);
    ends_in_order();
}

/* What the target closed.  Only if it was tired of waiting the application can read on. */
static void closed_by_the_target(void **state)
{
    enum { BEFORE, AT_TARGET, NEVER };
    static const struct {
        const char *what;
        unsigned fin, acked, probes, reason;
        bool goes_on;
    } cases[] = {
        {"in FIN-WAIT-2 since before", BEFORE, 0, 0, TimeoutExpiration, true},
        {"its FIN left before", BEFORE, 0, 3, TimeoutExpiration, true},
        {"its FIN left there", AT_TARGET, 1, 0, TimeoutExpiration, true},
        {"keep-alive had no answer", AT_TARGET, 1, 10, TimeoutExpiration, false},
        {"a new SYN came", AT_TARGET, 1, 0, UploadRequested, false},
        {"keep-alive had no answer in ESTABLISHED", NEVER, 0, 10, TimeoutExpiration, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (cases[i].fin == BEFORE) {
            half_close();
            offload(0, 1);
            adapter_initiated(&f, 0, 0);
        } else {
            open_offloaded();
        }
        if (cases[i].fin == AT_TARGET) {
            assert_int_equal(flue_host_socket_close(f.peers[0].socket), FLUE_OK);
            adapter_disconnect_done(&f, 0, NDIS_STATUS_SUCCESS);
        }
        f.peers[0].state.KeepAlive.ProbeCount = (UCHAR)cases[i].probes;
        pass(HOUR);
        adapter_event(&f, 0, TcpIndicateRetrieve, cases[i].reason);
        adapter_terminated(&f, 0, cases[i].acked, TcpConnectionClosed, 0, NDIS_STATUS_SUCCESS);
        if (cases[i].goes_on != (f.peers[0].socket != NULL)) {
            fail_msg("%s", cases[i].what);
        }
        if (cases[i].goes_on) {
            f.peers[0].ack += cases[i].acked;
            pass(HOUR);
            ends_in_order();
        } else {
            finish(1);
        }
    }
}

/* A limit of retransmission that drove an earlier hand-over back says nothing of this one. */
static void forgets_old_time_outs(void **state)
{
    (void)state;
    open_offloaded();
    adapter_event(&f, 0, TcpIndicateRetrieve, TimeoutExpiration);
    adapter_terminated(&f, 0, 0, TcpConnectionEstablished, 0, NDIS_STATUS_SUCCESS);
    offload(0, 1);
    adapter_initiated(&f, 0, 0);
    assert_int_equal(flue_host_socket_close(f.peers[0].socket), FLUE_OK);
    adapter_disconnect_done(&f, 0, NDIS_STATUS_SUCCESS);
    f.log[0] = '\0';
    adapter_event(&f, 0, TcpIndicateRetrieve, UploadRequested);
    adapter_terminated(&f, 0, 1, TcpConnectionClosed, 0, NDIS_STATUS_SUCCESS);
    assert_null(f.peers[0].socket);
    finish(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_software),
        cmocka_unit_test(handed_over),
        cmocka_unit_test(closed_by_the_target),
        cmocka_unit_test(forgets_old_time_outs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
