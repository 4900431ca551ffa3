/* SPDX-License-Identifier: GPL-2.0-only */
/* SYN, RST, URG, what is not TCP, forwarded segments, resets in every state: who answers, with what, and how often. */
#include "rig.h"

#define SECOND FLUE_PS_PER_S

static struct rig *offloaded(void)
{
    struct rig *rig = rig_new();

    rig->params.tcp.keep_alive = 0;
    rig_build(rig);
    rig_offload(rig, 1);
    return rig;
}

static void finish(struct rig *rig)
{
    rig_finish(rig, 1);
    rig_free(rig);
}

static void peer(struct rig *rig, uint32_t seq, uint32_t ack, uint32_t bytes, uint8_t flags)
{
    rig_peer(rig, 0, seq, ack, bytes, flags);
    rig_wait(rig, 20 * RIG_US);
}

/* CH-283, D-28, D-34: in order, it closes the connection and goes up, and so does all that follows. */
static void passes_an_in_order_syn_up(void **state)
{
    struct rig *rig = offloaded();
    unsigned sent;

    (void)state;
    peer(rig, 0, 0, 100, FLUE_TCP_ACK);
    peer(rig, 100, 0, 0, FLUE_TCP_SYN);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 1);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateRetrieve);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->extra, UploadRequested);
    assert_int_equal(rig->out[rig->sent - 1].frame.ack, RIG_RCV_NXT + 100); /* the delayed ACK, flushed before */
    assert_int_equal(rig->sent, 1);
    peer(rig, 7, 0, 0, FLUE_TCP_SYN);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 2);
    rig_finish(rig, 1);
    assert_int_equal(rig->conns[0].end.Delegated.State, TcpConnectionClosed);
    rig_free(rig);
    /* In TIME-WAIT, whatever its number. */
    rig = offloaded();
    rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
    rig_wait(rig, 20 * RIG_US);
    peer(rig, 0, 1, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
    sent = rig->sent;
    for (unsigned i = 0; i < 3; i++) {
        peer(rig, i == 0 ? 1 : 100000 * i, 0, 0, FLUE_TCP_SYN);
        assert_int_equal(rig_count(rig, RIG_FRAMES_IN), i + 1);
    }
    assert_int_equal(rig->sent, sent);
    rig_finish(rig, 1);
    assert_int_equal(rig->conns[0].end.Delegated.State, TcpConnectionTimeWait);
    rig_free(rig);
}

/* RFC 5961 4.2 before RFC 7323 3.2: a SYN is challenged that has not the timestamps that were agreed on; other segments
 * without them are dropped. */
static void challenges_syns_without_timestamps(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.tcp.timestamps = 1;
    rig_build(rig);
    rig_tree(rig, 1);
    rig->conns[0].block.Const.Flags |= TCP_FLAG_TIMESTAMP_ENABLED;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    peer(rig, 10, 0, 0, FLUE_TCP_SYN);
    assert_int_equal(rig->sent, 1);
    peer(rig, RIG_WINDOW, 0, 0, FLUE_TCP_SYN);
    assert_int_equal(rig->sent, 2);
    for (unsigned i = 0; i < rig->sent; i++) {
        assert_int_equal(rig->out[i].frame.flags, FLUE_TCP_ACK);
        assert_int_equal(rig->out[i].frame.ack, RIG_RCV_NXT);
        assert_true((rig->out[i].frame.options & FLUE_OPT_TIMESTAMP) != 0);
    }
    peer(rig, 0, 0, 100, FLUE_TCP_ACK);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 0);
    assert_int_equal(rig->sent, 2);
    finish(rig);
}

/* Behaviour 15.4: in the window one challenge in 3 s; outside an ACK each time; nothing goes up. */
static void challenge_syns(void)
{
    struct rig *rig = offloaded();

    for (unsigned i = 0; i < 5; i++) {
        peer(rig, 10 + i, 0, 0, i % 2 != 0 ? FLUE_TCP_SYN | FLUE_TCP_ACK : FLUE_TCP_SYN);
    }
    assert_int_equal(rig->sent, 1);
    assert_int_equal(rig->out[0].frame.flags, FLUE_TCP_ACK);
    assert_int_equal(rig->out[0].frame.ack, RIG_RCV_NXT);
    rig_wait(rig, 3 * SECOND - 200 * RIG_US);
    peer(rig, 10, 0, 0, FLUE_TCP_SYN);
    assert_int_equal(rig->sent, 1);
    rig_wait(rig, 200 * RIG_US);
    peer(rig, 10, 0, 0, FLUE_TCP_SYN);
    assert_int_equal(rig->sent, 2);
    for (unsigned i = 0; i < 5; i++) {
        peer(rig, RIG_WINDOW + i, 0, 0, FLUE_TCP_SYN);
        peer(rig, (uint32_t)-1 - i, 0, 0, FLUE_TCP_SYN);
    }
    assert_int_equal(rig->sent, 12);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 0);
    assert_int_equal(rig_count(rig, RIG_EVENT), 0);
    finish(rig);
}

/* Behaviour 15.5: outside silence, inside one challenge until something acceptable comes. */
static void challenge_resets(void)
{
    struct rig *rig = offloaded();

    peer(rig, RIG_WINDOW, 0, 0, FLUE_TCP_RST);
    peer(rig, (uint32_t)-1, 0, 0, FLUE_TCP_RST);
    assert_int_equal(rig->sent, 0);
    for (unsigned i = 1; i < 5; i++) {
        peer(rig, i, 0, 0, FLUE_TCP_RST);
    }
    assert_int_equal(rig->sent, 1);
    peer(rig, 0, 0, 0, FLUE_TCP_ACK); /* the peer lives */
    rig_wait(rig, 600 * SECOND);
    assert_int_equal(rig->sent, 1); /* and is not probed: the timer ran for the challenge only */
    peer(rig, 3, 0, 0, FLUE_TCP_RST);
    assert_int_equal(rig->sent, 2);
    assert_int_equal(rig_count(rig, RIG_EVENT), 0);
    peer(rig, 0, 0, 0, FLUE_TCP_RST);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateAbort);
    finish(rig);
}

/* CH-284. */
static void follows_the_blind_reset_tables(void **state)
{
    (void)state;
    challenge_syns();
    challenge_resets();
}

/* RFC 5961 7: whatever it is for, and of all connections together; and who was not asked is under no suspicion. */
static void challenges_within_limits(void **state)
{
    struct rig *rig = rig_new();
    struct flue_tcp_totals totals;

    (void)state;
    rig->params.tcp.challenge_acks = 3;
    rig_build(rig);
    rig_offload(rig, 3);
    peer(rig, RIG_WINDOW, 0, 0, FLUE_TCP_SYN); /* outside */
    peer(rig, 10, 0, 0, FLUE_TCP_SYN);         /* inside */
    peer(rig, 0, 5000, 0, FLUE_TCP_ACK);       /* of what was never sent */
    assert_int_equal(rig->sent, 3);
    for (unsigned i = 0; i < 3; i++) {
        rig_peer(rig, i, 10, 0, 0, FLUE_TCP_RST);
        rig_peer(rig, i, RIG_WINDOW, 0, 0, FLUE_TCP_SYN);
        rig_peer(rig, i, 0, 5000, 0, FLUE_TCP_ACK);
    }
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig->sent, 3);
    rig_wait(rig, 5 * SECOND);
    for (unsigned i = 0; i < 3; i++) {
        rig_peer(rig, i, 10, 0, 0, FLUE_TCP_RST);
        rig_peer(rig, i, 11, 0, 0, FLUE_TCP_RST);
    }
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig->sent, 6);
    flue_target_tcp_totals(rig->target, &totals);
    assert_int_equal(totals.challenge_acks, 6);
    rig_finish(rig, 3);
    rig_free(rig);
}

/* CH-136: what lies behind a gap is given up, the peer's FIN, too, however the connection goes back; and what closes
 * the gap then is the host's, raw (CH-135). */
static void gives_up_what_lies_behind_a_gap(void **state)
{
    enum { TERMINATE, URGENT, SYN, WAYS };

    (void)state;
    for (unsigned way = 0; way < WAYS; way++) {
        struct rig *rig = offloaded();
        const TCP_OFFLOAD_STATE_DELEGATED *end = &rig->conns[0].end.Delegated;

        peer(rig, 0, 0, 300, FLUE_TCP_ACK);
        peer(rig, 500, 0, 400, FLUE_TCP_ACK);
        peer(rig, 900, 0, 100, FLUE_TCP_ACK | FLUE_TCP_FIN);
        assert_int_equal(rig->out[rig->sent - 1].frame.ack, RIG_RCV_NXT + 300);
        if (way == URGENT) {
            peer(rig, 300, 0, 0, FLUE_TCP_ACK);
            peer(rig, 310, 0, 10, FLUE_TCP_ACK | FLUE_TCP_URG);
        } else if (way == SYN) {
            peer(rig, 300, 0, 0, FLUE_TCP_SYN);
        }
        peer(rig, 1200, 0, 100, FLUE_TCP_ACK); /* while it stands still, or behind the gap, too */
        rig_terminate(rig, 1, 1);
        rig_wait(rig, RIG_US); /* the adapter has seen it */
        rig_peer(rig, 0, 300, 0, 200, FLUE_TCP_ACK);
        rig_wait(rig, 200 * RIG_US);
        assert_int_equal(rig->conns[0].end.Block.Status, NDIS_STATUS_SUCCESS);
        assert_int_equal(rig_sum(rig, RIG_INDICATED).bytes, 300);
        assert_null(end->BufferedData);
        assert_int_equal(end->RcvNxt, (uint32_t)(RIG_RCV_NXT + 300));
        assert_int_equal(end->State, way == SYN ? TcpConnectionClosed : TcpConnectionEstablished);
        assert_int_equal(rig_sum(rig, RIG_FRAMES_IN).extra, way == TERMINATE ? 1 : 3);
        for (unsigned i = 0; i < rig->sent; i++) {
            assert_true((int32_t)(rig->out[i].frame.ack - (RIG_RCV_NXT + 300)) <= 0);
        }
        rig_free(rig);
    }
}

/* Nobody answers the challenge: five minutes, then probes, then Closed (behaviour 15.5, D-28). */
static void gives_up_after_a_challenge(void **state)
{
    struct rig *rig = rig_new();
    flue_ps challenged_ps;

    (void)state;
    rig_build(rig);
    rig_tree(rig, 1);
    rig->conns[0].block.Cached.KaProbeCount = 3;
    rig->conns[0].block.Cached.KaInterval = 2000;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    challenged_ps = rig->env.now_ps;
    peer(rig, 5, 0, 0, FLUE_TCP_RST);
    assert_int_equal(rig->sent, 1);
    rig_wait(rig, 299 * SECOND);
    assert_int_equal(rig->sent, 1);
    rig_wait(rig, 2 * SECOND);
    assert_int_equal(rig->sent, 2);
    assert_int_equal(rig->out[1].frame.seq, RIG_SND_UNA - 1); /* a keep-alive probe */
    rig_wait(rig, 20 * SECOND);
    assert_int_equal(rig->sent, 4);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateRetrieve);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->extra, TimeoutExpiration);
    assert_true(rig_find(rig, RIG_EVENT, 0)->at_ps - challenged_ps >= 306 * SECOND);
    rig_finish(rig, 1);
    assert_int_equal(rig->conns[0].end.Delegated.State, TcpConnectionClosed);
    rig_free(rig);
}

/* Behaviour 15.6: a URG segment whose numbers are bad is TCP's to refuse; a good one is the host's. */
static void looks_at_urgent_segments(void **state)
{
    struct rig *rig = offloaded();
    struct flue_frame frame;

    (void)state;
    peer(rig, RIG_WINDOW, 0, 10, FLUE_TCP_ACK | FLUE_TCP_URG);
    peer(rig, 0, 5000, 10, FLUE_TCP_ACK | FLUE_TCP_URG);
    peer(rig, 0, 0, 200, FLUE_TCP_ACK);
    peer(rig, 0, 0, 100, FLUE_TCP_ACK | FLUE_TCP_URG); /* old */
    assert_int_equal(rig_count(rig, RIG_EVENT), 0);
    frame = rig_segment(0, 100, 0, 200, FLUE_TCP_ACK | FLUE_TCP_URG); /* partly old */
    frame.urgent = 150;
    flue_target_receive(rig->target, &frame, rig->env.now_ps);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->extra, ReceivedUrgentData);
    finish(rig);
}

/* CH-286: never consumed, whatever connection it names. */
static void leaves_all_else_to_the_host(void **state)
{
    static const struct {
        uint8_t kind, ip;
    } cases[] = {
        {FLUE_FRAME_FRAGMENT, 0},          {FLUE_FRAME_ARP, 0}, {FLUE_FRAME_ND, 0}, {FLUE_FRAME_ICMP, 0},
        {FLUE_FRAME_TCP, FLUE_IP_OPTIONS},
    };
    struct rig *rig = offloaded();

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct flue_frame frame = rig_segment(0, 0, 0, 100, FLUE_TCP_ACK);

        frame.kind = cases[i].kind;
        frame.ip = cases[i].ip;
        flue_target_receive(rig->target, &frame, rig->env.now_ps);
        rig_wait(rig, 20 * RIG_US);
        assert_int_equal(rig_count(rig, RIG_FRAMES_IN), i + 1);
    }
    assert_int_equal(rig->sent, 0);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 0);
    finish(rig);
}

/* D-38, CH-240, CH-246: as from the wire, in order, each with its status. */
static void forwards_as_from_the_wire(void **state)
{
    static const struct {
        uint32_t seq, bytes;
        uint8_t flags;
        int32_t status;
    } cases[] = {
        {200, 100, FLUE_TCP_ACK, NDIS_STATUS_SUCCESS}, /* out of order */
        {0, 200, FLUE_TCP_ACK, NDIS_STATUS_SUCCESS},
        {0, 200, FLUE_TCP_ACK, NDIS_STATUS_SUCCESS}, /* twice */
        {50, 0, FLUE_TCP_SYN, NDIS_STATUS_SUCCESS},  /* refused, by an ACK */
        {310, 0, FLUE_TCP_RST, NDIS_STATUS_SUCCESS}, /* challenged */
        {300, 50, FLUE_TCP_ACK | FLUE_TCP_URG, NDIS_STATUS_UPLOAD_IN_PROGRESS},
        {350, 50, FLUE_TCP_ACK, NDIS_STATUS_UPLOAD_IN_PROGRESS},
    };
    struct rig *rig = offloaded();

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct flue_frame frame = rig_segment(0, cases[i].seq, 0, cases[i].bytes, cases[i].flags);

        frame.urgent = 10;
        rig_forward(rig, 0, &frame);
        rig_wait(rig, 20 * RIG_US);
        assert_int_equal(rig_count(rig, RIG_FORWARDED), i + 1);
        assert_int_equal(rig_find(rig, RIG_FORWARDED, i)->status, cases[i].status);
    }
    assert_int_equal(rig_sum(rig, RIG_INDICATED).bytes, 300);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 0);
    rig_finish(rig, 1);
    assert_int_equal(rig->conns[0].end.Delegated.RcvNxt, (uint32_t)(RIG_RCV_NXT + 300));
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 0); /* what was forwarded is the host's already */
    rig_free(rig);
}

static void forwards_what_ends_a_connection(void **state)
{
    (void)state;
    for (unsigned syn = 0; syn < 2; syn++) {
        struct rig *rig = offloaded();
        struct flue_frame frame = rig_segment(0, 0, 0, 0, syn != 0 ? FLUE_TCP_SYN : FLUE_TCP_RST);
        const int32_t end = syn != 0 ? NDIS_STATUS_UPLOAD_IN_PROGRESS : NDIS_STATUS_REQUEST_ABORTED;

        rig_forward(rig, 0, &frame);
        rig_forward(rig, 0, &frame);
        rig_wait(rig, 20 * RIG_US);
        assert_int_equal(rig_find(rig, RIG_FORWARDED, 0)->status, syn != 0 ? end : NDIS_STATUS_SUCCESS);
        assert_int_equal(rig_find(rig, RIG_FORWARDED, 1)->status, end);
        assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, syn != 0 ? TcpIndicateRetrieve : TcpIndicateAbort);
        finish(rig);
    }
}

/* CH-221, CH-231: an RST in every state, those in which RFC 9293 3.10.5 sends none included. */
static void resets_in_every_state(void **state)
{
    enum { CLOSING, LAST_ACK, ENDED, CASES };

    (void)state;
    for (unsigned i = 0; i < CASES; i++) {
        struct rig *rig = offloaded();

        if (i != CLOSING) {
            peer(rig, 0, 0, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
        }
        rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
        rig_wait(rig, 20 * RIG_US);
        if (i == CLOSING) {
            peer(rig, 0, 0, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
        } else if (i == ENDED) {
            peer(rig, 1, 1, 0, FLUE_TCP_ACK);
        }
        rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_ABORTIVE_CLOSE);
        rig_wait(rig, 20 * RIG_US);
        assert_int_equal(rig_frames_with(rig, FLUE_TCP_RST), 1);
        assert_int_equal(rig->out[rig->sent - 1].frame.seq, RIG_SND_UNA + 1);
        assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 0)->status,
                         i == ENDED ? NDIS_STATUS_SUCCESS : NDIS_STATUS_REQUEST_ABORTED);
        assert_int_equal(rig_find(rig, RIG_DISCONNECTED, 1)->status, NDIS_STATUS_SUCCESS);
        finish(rig);
    }
}

/* CH-223 to CH-225: sends first; no ACK after; an indication that is still open changes nothing. */
static void resets_over_an_open_indication(void **state)
{
    struct rig *rig = offloaded();

    (void)state;
    rig->hold_indicated = 1;
    rig_send(rig, 0, 0, 100);
    peer(rig, 0, 0, 500, FLUE_TCP_ACK);
    rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_ABORTIVE_CLOSE);
    rig_wait(rig, 1 * SECOND);
    assert_int_equal(rig->out[rig->sent - 1].frame.flags, FLUE_TCP_RST | FLUE_TCP_ACK);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_REQUEST_ABORTED);
    assert_true(rig_place(rig, RIG_SENT, 0) < rig_place(rig, RIG_DISCONNECTED, 0));
    peer(rig, 500, 0, 500, FLUE_TCP_ACK);
    rig_return_kept(rig);
    rig_wait(rig, 1 * SECOND);
    assert_int_equal(rig->out[rig->sent - 1].frame.flags, FLUE_TCP_RST | FLUE_TCP_ACK);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 1); /* data in CLOSED */
    finish(rig);
}

/* CH-282, B-119: however it was closed. */
static void passes_data_in_closed_up(void **state)
{
    enum { ABORTED, RESET, LAST_ACK, TIMED_OUT, WAYS };

    (void)state;
    for (unsigned way = 0; way < WAYS; way++) {
        struct rig *rig = offloaded();
        const uint32_t from = way == LAST_ACK ? 1 : 0;
        unsigned sent;

        if (way == LAST_ACK) {
            peer(rig, 0, 0, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
        }
        if (way == RESET) {
            peer(rig, 0, 0, 0, FLUE_TCP_RST);
        } else {
            rig_disconnect(rig, 0, 0, 0,
                           way == ABORTED ? TCP_DISCONNECT_ABORTIVE_CLOSE : TCP_DISCONNECT_GRACEFUL_CLOSE);
            rig_wait(rig, 20 * RIG_US);
            peer(rig, from, 1, 0, FLUE_TCP_ACK);
        }
        if (way == TIMED_OUT) {
            rig_wait(rig, 121 * SECOND); /* FIN-WAIT-2 */
        }
        sent = rig->sent;
        for (unsigned i = 0; i < 3; i++) {
            const unsigned before = rig_count(rig, RIG_FRAMES_IN);

            peer(rig, from + 100 * i, 1, 100, FLUE_TCP_ACK);
            assert_int_equal(rig_count(rig, RIG_FRAMES_IN), before + 1);
        }
        assert_int_equal(rig->sent, sent);
        assert_int_equal(rig_count(rig, RIG_INDICATED), 0);
        rig_finish(rig, 1);
        assert_int_equal(rig->conns[0].end.Delegated.State, TcpConnectionClosed);
        rig_free(rig);
    }
}

/* CH-298, D-54: as long as nothing acceptable comes; then Closed. */
static void waits_out_fin_wait_2(void **state)
{
    (void)state;
    for (uint32_t limit_s = 0; limit_s <= 7; limit_s += 7) {
        struct rig *rig = rig_new();
        const flue_ps limit_ps = (limit_s == 0 ? 120 : limit_s) * SECOND;

        rig->params.ddi.fin_wait2_s = limit_s;
        rig_build(rig);
        rig_offload(rig, 1);
        rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
        rig_wait(rig, 20 * RIG_US);
        peer(rig, 0, 1, 0, FLUE_TCP_ACK);
        rig_wait(rig, limit_ps / 2);
        peer(rig, 0, 1, 10, FLUE_TCP_ACK);
        rig_wait(rig, limit_ps - SECOND);
        assert_int_equal(rig_count(rig, RIG_EVENT), 0);
        rig_wait(rig, 2 * SECOND);
        assert_int_equal(rig_find(rig, RIG_EVENT, 0)->extra, TimeoutExpiration);
        rig_finish(rig, 1);
        assert_int_equal(rig->conns[0].end.Delegated.State, TcpConnectionClosed);
        rig_free(rig);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_an_in_order_syn_up),
        cmocka_unit_test(follows_the_blind_reset_tables),
        cmocka_unit_test(challenges_syns_without_timestamps),
        cmocka_unit_test(challenges_within_limits),
        cmocka_unit_test(gives_up_what_lies_behind_a_gap),
        cmocka_unit_test(gives_up_after_a_challenge),
        cmocka_unit_test(looks_at_urgent_segments),
        cmocka_unit_test(leaves_all_else_to_the_host),
        cmocka_unit_test(forwards_as_from_the_wire),
        cmocka_unit_test(forwards_what_ends_a_connection),
        cmocka_unit_test(resets_in_every_state),
        cmocka_unit_test(resets_over_an_open_indication),
        cmocka_unit_test(waits_out_fin_wait_2),
        cmocka_unit_test(passes_data_in_closed_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
