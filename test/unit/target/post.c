/* SPDX-License-Identifier: GPL-2.0-only */
/* Receive requests and the delivery algorithm (behaviour 13.2, 13.3): who gets which bytes, when, and in what order. */
#include "rig.h"

#define PUSH_PS (500 * FLUE_PS_PER_MS)

static struct rig *offloaded(unsigned count)
{
    struct rig *rig = rig_new();

    rig->params.tcp.keep_alive = 0;
    rig_build(rig);
    rig_offload(rig, count);
    return rig;
}

static void finish(struct rig *rig, unsigned count)
{
    rig->reenter = NULL;
    rig_finish(rig, count);
    rig_free(rig);
}

static void data(struct rig *rig, uint32_t seq, uint32_t bytes, uint8_t flags)
{
    rig_peer(rig, 0, seq, 0, bytes, (uint8_t)(FLUE_TCP_ACK | flags));
    rig_wait(rig, 20 * RIG_US);
}

static void expect_received(const struct rig *rig, unsigned n, unsigned number, NDIS_STATUS status, uint64_t bytes)
{
    const struct rig_log *entry = rig_find(rig, RIG_RECEIVED, n);

    assert_int_equal(entry->conn, number);
    assert_int_equal(entry->status, status);
    assert_int_equal(entry->bytes, bytes);
}

/* CH-180, CH-181, CH-186, CH-189, CH-197: filled in order, completed when full (CH-183). */
static void fills_requests_in_order(void **state)
{
    struct rig *rig = offloaded(1);
    unsigned first;

    (void)state;
    first = rig_post(rig, 0, 1000, RIG_NO_PUSH);
    (void)rig_post(rig, 0, 300, RIG_NO_PUSH);
    (void)rig_post(rig, 0, 1000, RIG_NO_PUSH);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_RECEIVED), 0);
    data(rig, 0, 600, FLUE_TCP_PSH); /* not pushed to a request that wants to be full */
    assert_int_equal(rig_count(rig, RIG_RECEIVED), 0);
    data(rig, 600, 900, 0);
    expect_received(rig, 0, first, NDIS_STATUS_SUCCESS, 1000);
    expect_received(rig, 1, first + 1, NDIS_STATUS_SUCCESS, 300);
    assert_int_equal(rig_find(rig, RIG_RECEIVED, 0)->extra, 2); /* in one call */
    assert_int_equal(rig_count(rig, RIG_RECEIVED), 2);
    rig_wait(rig, 2 * PUSH_PS); /* no push timer either */
    assert_int_equal(rig_count(rig, RIG_RECEIVED), 2);
    data(rig, 1500, 800, 0);
    expect_received(rig, 2, first + 2, NDIS_STATUS_SUCCESS, 1000); /* full, and nothing is left for another one */
    (void)rig_post(rig, 0, 700, RIG_PUSH);
    data(rig, 2300, 700, 0);
    expect_received(rig, 3, first + 3, NDIS_STATUS_SUCCESS, 700); /* nor for a timer */
    (void)rig_post(rig, 0, 700, RIG_PUSH);
    (void)rig_post(rig, 0, 1000, RIG_NO_PUSH);
    data(rig, 3000, 50, FLUE_TCP_PSH);
    expect_received(rig, 4, first + 4, NDIS_STATUS_SUCCESS, 50); /* one of each mode */
    data(rig, 3050, 200, FLUE_TCP_PSH);
    assert_int_equal(rig_count(rig, RIG_RECEIVED), 5);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 0);
    finish(rig, 1);
    expect_received(rig, 5, first + 5, NDIS_STATUS_UPLOAD_IN_PROGRESS, 200);
}

/* CH-188: PSH ends a request of push mode, where it stands; what follows is the next one's. */
static void completes_on_push(void **state)
{
    struct rig *rig = rig_new();
    unsigned first;

    (void)state;
    rig->params.profile.moderation_ps = 50 * RIG_US;
    rig_build(rig);
    rig_offload(rig, 1);
    first = rig_post(rig, 0, 1000, RIG_PUSH);
    (void)rig_post(rig, 0, 1000, RIG_PUSH);
    rig_wait(rig, 100 * RIG_US);
    rig_peer(rig, 0, 0, 0, 1, FLUE_TCP_ACK);
    rig_wait(rig, 5 * RIG_US);
    rig_peer(rig, 0, 1, 0, 99, FLUE_TCP_ACK | FLUE_TCP_PSH);
    rig_peer(rig, 0, 100, 0, 50, FLUE_TCP_ACK);
    rig_wait(rig, 100 * RIG_US);
    expect_received(rig, 0, first, NDIS_STATUS_SUCCESS, 100);
    assert_int_equal(rig_count(rig, RIG_RECEIVED), 1);
    data(rig, 150, 10, FLUE_TCP_PSH);
    rig_wait(rig, 50 * RIG_US);
    expect_received(rig, 1, first + 1, NDIS_STATUS_SUCCESS, 60);
    finish(rig, 1);
}

/* CH-185, CH-187, CH-190, CH-191, CH-294; the switch of D-43. */
static void completes_when_the_push_timer_expires(void **state)
{
    (void)state;
    for (unsigned once = 0; once < 2; once++) {
        struct rig *rig = rig_new();
        flue_ps begun_ps, restarted_ps, at_ps;

        rig->params.ddi.push_timer_once = (uint8_t)once;
        rig_build(rig);
        rig_offload(rig, 1);
        (void)rig_post(rig, 0, 1000, RIG_PUSH);
        rig_wait(rig, once != 0 ? PUSH_PS / 4 : 2 * PUSH_PS); /* nothing starts it; nor has it begun */
        begun_ps = rig->env.now_ps;
        data(rig, 0, 10, 0);
        rig_wait(rig, PUSH_PS / 2);
        restarted_ps = rig->env.now_ps;
        data(rig, 10, 10, 0);
        rig_wait(rig, 2 * PUSH_PS);
        expect_received(rig, 0, 1, NDIS_STATUS_SUCCESS, 20);
        at_ps = rig_find(rig, RIG_RECEIVED, 0)->at_ps - (once != 0 ? begun_ps : restarted_ps);
        assert_true(at_ps >= PUSH_PS && at_ps < PUSH_PS + 20 * RIG_US);
        finish(rig, 1);
    }
}

/* CH-184, D-43: a request that the host has begun to fill starts the timer by itself, from NDIS 6.20 on. */
static void begins_the_push_timer_at_posting(void **state)
{
    static const uint8_t versions[] = {FLUE_NDIS_6_20, FLUE_NDIS_6_1};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct rig *rig = rig_new();

        rig->params.ddi.ndis_version = versions[i];
        rig_build(rig);
        rig_offload(rig, 1);
        (void)rig_post(rig, 0, 1000, RIG_BEGUN);
        rig_wait(rig, PUSH_PS - 10 * RIG_US);
        assert_int_equal(rig_count(rig, RIG_RECEIVED), 0);
        rig_wait(rig, 50 * RIG_US);
        assert_int_equal(rig_count(rig, RIG_RECEIVED), i == 0);
        if (i == 0) {
            expect_received(rig, 0, 1, NDIS_STATUS_SUCCESS, 0);
        }
        finish(rig, 1);
    }
}

/* D-45, CH-204, CH-205, CH-206: refused data waits for a request, fills it, and only the rest is indicated. */
static void gives_refused_data_to_a_request(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    rig->answer = RIG_REFUSE;
    data(rig, 0, 1000, 0);
    data(rig, 1000, 500, FLUE_TCP_PSH);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 1);
    rig->answer = RIG_TAKE;
    (void)rig_post(rig, 0, 1200, RIG_PUSH);
    rig_wait(rig, 20 * RIG_US);
    expect_received(rig, 0, 1, NDIS_STATUS_SUCCESS, 1200);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 2);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 1)->extra, 1200);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 1)->bytes, 300);
    assert_true(rig_place(rig, RIG_RECEIVED, 0) < rig_place(rig, RIG_INDICATED, 1));
    finish(rig, 1);
}

/* The PSH of data that was refused is remembered with it. */
static void remembers_a_push(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    rig->answer = RIG_REFUSE;
    data(rig, 0, 1000, FLUE_TCP_PSH);
    (void)rig_post(rig, 0, 5000, RIG_PUSH);
    rig_wait(rig, 20 * RIG_US);
    expect_received(rig, 0, 1, NDIS_STATUS_SUCCESS, 1000);
    finish(rig, 1);
}

/* CH-182, CH-207: a request of no room takes nothing, and lets refused data be indicated. */
static void answers_requests_of_no_room(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    rig->answer = RIG_REFUSE;
    data(rig, 0, 1000, 0);
    rig->answer = RIG_TAKE;
    (void)rig_post(rig, 0, 0, RIG_PUSH);
    rig_wait(rig, 20 * RIG_US);
    expect_received(rig, 0, 1, NDIS_STATUS_SUCCESS, 0);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 1)->bytes, 1000);
    /* In its turn: behind one that has room. */
    (void)rig_post(rig, 0, 100, RIG_NO_PUSH);
    (void)rig_post(rig, 0, 0, RIG_PUSH);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_RECEIVED), 1);
    data(rig, 1000, 150, 0);
    expect_received(rig, 1, 2, NDIS_STATUS_SUCCESS, 100);
    expect_received(rig, 2, 3, NDIS_STATUS_SUCCESS, 0);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 2)->bytes, 50);
    finish(rig, 1);
}

/* D-44, D-45: what the host leaves of an indication goes into its next request. */
static void keeps_what_is_left_of_an_indication(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    rig->answer = RIG_TAKE_PART;
    rig->part_bytes = 400;
    data(rig, 0, 1000, 0);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 1);
    (void)rig_post(rig, 0, 600, RIG_NO_PUSH);
    rig_wait(rig, 20 * RIG_US);
    expect_received(rig, 0, 1, NDIS_STATUS_SUCCESS, 600);
    finish(rig, 1);
}

/* B-041, D-45: inherited data first, into a request; not before there is one; newer data behind it. */
static void delivers_inherited_data_first(void **state)
{
    struct rig *rig = rig_new();
    PNET_BUFFER_LIST buffered;

    (void)state;
    rig_build(rig);
    rig_tree(rig, 1);
    buffered = ndis_nbl_get(rig->spans);
    assert_non_null(buffered);
    assert_int_equal(
        ndis_nbl_append(buffered, &(struct flue_span){.offset_bytes = 5000, .stream = 1, .length_bytes = 700}),
        FLUE_OK);
    rig->conns[0].block.Delegated.BufferedData = buffered;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    ndis_nbl_put(buffered); /* the host's again; the target has copied it */
    rig_wait(rig, 1000 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 0);
    (void)rig_post(rig, 0, 600, RIG_NO_PUSH);
    rig_wait(rig, 20 * RIG_US);
    expect_received(rig, 0, 1, NDIS_STATUS_SUCCESS, 600);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 0)->extra, 5600);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 0)->bytes, 100);
    finish(rig, 1);
}

/* CH-194, RcvWnd: it shrinks by what waits in the target, and opens when the bytes are in the host's buffers. */
static void accounts_for_the_window(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    data(rig, 0, 1460, 0);
    data(rig, 1460, 1460, 0);
    rig->answer = RIG_REFUSE;
    for (unsigned i = 2; i < 32; i++) {
        data(rig, i * 1460, 1460, 0);
    }
    assert_int_equal(rig->out[rig->sent - 1].frame.window, RIG_WINDOW - 30 * 1460);
    (void)rig_post(rig, 0, 30 * 1460, RIG_NO_PUSH);
    rig_wait(rig, 20 * RIG_US);
    expect_received(rig, 0, 1, NDIS_STATUS_SUCCESS, 30 * 1460);
    assert_int_equal(rig->out[rig->sent - 1].frame.window, RIG_WINDOW);
    assert_int_equal(rig->out[rig->sent - 1].frame.ack, RIG_RCV_NXT + 32 * 1460); /* RFC 9293 3.8.6.2.2 */
    finish(rig, 1);
}

/* D-41, CH-196, CH-249: partial, event, empty; later ones are refused. */
static void ends_with_the_peers_fin(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    (void)rig_post(rig, 0, 1000, RIG_NO_PUSH);
    (void)rig_post(rig, 0, 1000, RIG_PUSH);
    (void)rig_post(rig, 0, 0, RIG_PUSH);
    rig_wait(rig, 20 * RIG_US);
    data(rig, 0, 300, FLUE_TCP_FIN);
    expect_received(rig, 0, 1, NDIS_STATUS_SUCCESS, 300);
    expect_received(rig, 1, 2, NDIS_STATUS_SUCCESS, 0);
    expect_received(rig, 2, 3, NDIS_STATUS_SUCCESS, 0);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateDisconnect);
    assert_true(rig_place(rig, RIG_RECEIVED, 0) < rig_place(rig, RIG_EVENT, 0));
    assert_true(rig_place(rig, RIG_RECEIVED, 1) > rig_place(rig, RIG_EVENT, 0));
    (void)rig_post(rig, 0, 10, RIG_PUSH);
    (void)rig_post(rig, 0, 0, RIG_PUSH);
    rig_wait(rig, 20 * RIG_US);
    expect_received(rig, 3, 4, NDIS_STATUS_INVALID_STATE, 0);
    expect_received(rig, 4, 5, NDIS_STATUS_INVALID_STATE, 0);
    finish(rig, 1);
}

/* A FIN behind refused data waits until requests have taken it. */
static void holds_the_fin_behind_refused_data(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    rig->answer = RIG_REFUSE;
    data(rig, 0, 1000, FLUE_TCP_FIN);
    assert_int_equal(rig_count(rig, RIG_EVENT), 0);
    (void)rig_post(rig, 0, 600, RIG_PUSH);
    rig_wait(rig, 20 * RIG_US); /* the rest is indicated, and refused again */
    expect_received(rig, 0, 1, NDIS_STATUS_SUCCESS, 600);
    assert_int_equal(rig_count(rig, RIG_EVENT), 0);
    (void)rig_post(rig, 0, 600, RIG_NO_PUSH);
    (void)rig_post(rig, 0, 600, RIG_NO_PUSH);
    rig_wait(rig, 20 * RIG_US);
    expect_received(rig, 1, 2, NDIS_STATUS_SUCCESS, 400);
    expect_received(rig, 2, 3, NDIS_STATUS_SUCCESS, 0);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateDisconnect);
    finish(rig, 1);
}

/* D-46, CH-254: event, sends, receives, the disconnect last. */
static void aborts_requests_on_a_reset(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    rig_send(rig, 0, 0, 500);
    (void)rig_post(rig, 0, 1000, RIG_NO_PUSH);
    (void)rig_post(rig, 0, 1000, RIG_PUSH);
    rig_wait(rig, 20 * RIG_US);
    rig_disconnect(rig, 0, 500, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
    data(rig, 0, 300, 0);
    rig_peer(rig, 0, 300, 0, 0, FLUE_TCP_RST);
    rig_wait(rig, 20 * RIG_US);
    expect_received(rig, 0, 1, NDIS_STATUS_REQUEST_ABORTED, 300);
    expect_received(rig, 1, 2, NDIS_STATUS_REQUEST_ABORTED, 0);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateAbort);
    assert_true(rig_place(rig, RIG_EVENT, 0) < rig_place(rig, RIG_SENT, 0));
    assert_true(rig_place(rig, RIG_SENT, 0) < rig_place(rig, RIG_RECEIVED, 0));
    assert_true(rig_place(rig, RIG_RECEIVED, 1) < rig_place(rig, RIG_DISCONNECTED, 0));
    (void)rig_post(rig, 0, 10, RIG_PUSH);
    rig_wait(rig, 20 * RIG_US);
    expect_received(rig, 2, 3, NDIS_STATUS_REQUEST_ABORTED, 0);
    finish(rig, 1);
}

/* D-46: an abortive disconnect completes them, too, before itself. */
static void aborts_requests_on_an_abortive_disconnect(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    (void)rig_post(rig, 0, 1000, RIG_NO_PUSH);
    rig_wait(rig, 20 * RIG_US);
    data(rig, 0, 300, 0);
    rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_ABORTIVE_CLOSE);
    rig_wait(rig, 20 * RIG_US);
    expect_received(rig, 0, 1, NDIS_STATUS_REQUEST_ABORTED, 300);
    assert_true(rig_place(rig, RIG_RECEIVED, 0) < rig_place(rig, RIG_DISCONNECTED, 0));
    assert_int_equal(rig_frames_with(rig, FLUE_TCP_RST), 1);
    finish(rig, 1);
}

/* D-40, behaviour 18: a mandatory Retrieve, then a terminate; what came before and after it; BufferedData behind. */
static void ends_with_an_upload(void **state)
{
    struct rig *rig = offloaded(1);
    struct flue_frame urgent = rig_segment(0, 300, 0, 10, FLUE_TCP_ACK | FLUE_TCP_URG);

    (void)state;
    (void)rig_post(rig, 0, 1000, RIG_NO_PUSH);
    rig_wait(rig, 20 * RIG_US);
    data(rig, 0, 300, 0);
    urgent.urgent = 5;
    flue_target_receive(rig->target, &urgent, rig->env.now_ps);
    (void)rig_post(rig, 0, 1000, RIG_NO_PUSH);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_EVENT, 0)->extra, ReceivedUrgentData);
    expect_received(rig, 0, 1, NDIS_STATUS_UPLOAD_IN_PROGRESS, 300);
    expect_received(rig, 1, 2, NDIS_STATUS_UPLOAD_IN_PROGRESS, 0);
    (void)rig_post(rig, 0, 0, RIG_PUSH);
    rig_wait(rig, 20 * RIG_US);
    expect_received(rig, 2, 3, NDIS_STATUS_UPLOAD_IN_PROGRESS, 0);
    finish(rig, 1);
}

/* B-066: completed before the terminate is. */
static void completes_requests_before_a_terminate(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        (void)rig_post(rig, 0, 100 * (i % 2), RIG_NO_PUSH);
    }
    rig_terminate(rig, 1, 0);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_RECEIVED), 3);
    expect_received(rig, 0, 1, NDIS_STATUS_SUCCESS, 0);
    expect_received(rig, 1, 2, NDIS_STATUS_UPLOAD_IN_PROGRESS, 0);
    expect_received(rig, 2, 3, NDIS_STATUS_UPLOAD_IN_PROGRESS, 0);
    assert_true(rig_place(rig, RIG_RECEIVED, 2) < rig_place(rig, RIG_TERMINATED, 0));
    rig_terminate(rig, 0, 1);
    rig_wait(rig, 100 * RIG_US);
    rig_free(rig);
}

/* A host that posts from inside everything it is told. */
static void post_again(struct rig *rig, enum rig_call call)
{
    if (call != RIG_EVENT && rig->posted < 40) {
        (void)rig_post(rig, 0, rig->posted % 3 * 100, rig->posted % 2 != 0 ? RIG_PUSH : RIG_NO_PUSH);
    }
}

static void survives_reentrance(void **state)
{
    struct rig *rig = offloaded(1);
    uint64_t received, indicated;
    uint32_t seq = 0;

    (void)state;
    rig->reenter = post_again;
    (void)rig_post(rig, 0, 0, RIG_PUSH);
    for (unsigned i = 0; i < 40; i++) {
        data(rig, seq, 37 * (i % 5 + 1), i % 3 == 0 ? FLUE_TCP_PSH : 0);
        seq += 37 * (i % 5 + 1);
        rig_wait(rig, 20 * RIG_US);
    }
    rig->reenter = NULL;
    received = rig_sum(rig, RIG_RECEIVED).bytes;
    indicated = rig_sum(rig, RIG_INDICATED).bytes;
    for (unsigned n = 0; n < rig_count(rig, RIG_RECEIVED); n++) {
        assert_int_equal(rig_find(rig, RIG_RECEIVED, n)->conn, n + 1); /* in posting order */
    }
    finish(rig, 1);
    assert_true(received + indicated <= seq);
    assert_int_equal(rig_sum(rig, RIG_RECEIVED).bytes + indicated, seq);
}

/* Whatever a host and a peer do: every byte once and in order, in requests, indications or BufferedData. */
static uint32_t roll(uint32_t *random, uint32_t below)
{
    *random = *random * 1664525u + 1013904223u;
    return (*random >> 8) % below;
}

static void answer_at_random(struct rig *rig, uint32_t *random)
{
    rig->answer = (enum rig_answer)roll(random, 3);
    rig->part_bytes = 1;
}

static void random_step(struct rig *rig, uint32_t *random, uint32_t *seq)
{
    const uint32_t bytes = 2 + roll(random, 700);

    switch (roll(random, 5)) {
    case 0:
        (void)rig_post(rig, 0, roll(random, 4) == 0 ? 0 : roll(random, 900), roll(random, 4));
        break;
    case 1: /* out of order, then the gap */
        rig_peer(rig, 0, *seq + bytes, 0, 50, FLUE_TCP_ACK | FLUE_TCP_PSH);
        rig_peer(rig, 0, *seq, 0, bytes, FLUE_TCP_ACK);
        *seq += bytes + 50;
        break;
    case 2:
    case 3:
        rig_peer(rig, 0, *seq, 0, bytes, roll(random, 3) == 0 ? FLUE_TCP_ACK | FLUE_TCP_PSH : FLUE_TCP_ACK);
        *seq += bytes;
        break;
    default:
        rig_wait(rig, roll(random, 20) == 0 ? PUSH_PS : (flue_ps)roll(random, 30) * RIG_US);
        break;
    }
    answer_at_random(rig, random);
}

/* What came back at the end continues what was taken. */
static void check_buffered(struct rig *rig, uint32_t end)
{
    const TCP_OFFLOAD_STATE_DELEGATED *state = &rig->conns[0].end.Delegated;

    if (state->BufferedData != NULL) {
        struct ndis_spans spans = ndis_spans_of_data(NET_BUFFER_LIST_FIRST_NB(state->BufferedData));
        struct flue_span span;

        while (ndis_spans_next(&spans, &span)) {
            assert_int_equal(span.offset_bytes, rig->taken);
            rig->taken += span.length_bytes;
        }
        (void)NdisOffloadTcpReceiveReturn(rig->binding, state->BufferedData);
    }
    assert_int_equal(rig->taken, end);
    assert_int_equal(state->RcvNxt, (uint32_t)(RIG_RCV_NXT + end));
}

static void conserves_bytes(void **state)
{
    (void)state;
    for (uint32_t run = 0; run < 300; run++) {
        struct rig *rig = rig_new();
        uint32_t random = run;
        uint32_t seq = 0;

        rig->params.profile.moderation_ps = run % 2 * 50 * RIG_US;
        rig_build(rig);
        rig_offload(rig, 1);
        rig->follow = 1;
        for (unsigned i = 0; i < 60; i++) {
            random_step(rig, &random, &seq);
        }
        if (run % 3 == 0) {
            rig_wait(rig, 2 * PUSH_PS);
        }
        rig_terminate(rig, 1, 0);
        rig_wait(rig, 200 * RIG_US);
        assert_int_equal(rig_count(rig, RIG_RECEIVED), rig->posted);
        for (unsigned n = 0; n < rig->posted; n++) {
            assert_int_equal(rig_find(rig, RIG_RECEIVED, n)->conn, n + 1);
        }
        check_buffered(rig, seq);
        rig_terminate(rig, 0, 1);
        rig_wait(rig, 200 * RIG_US);
        rig_free(rig);
    }
}

/* CH-215: about as much as the host asks for. */
static void indicates_pieces(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_build(rig);
    rig_tree(rig, 1);
    rig->conns[0].block.Cached.RcvIndicationSize = 256;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, 100 * RIG_US);
    data(rig, 0, 1000, 0);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(rig_find(rig, RIG_INDICATED, i)->extra, 256 * i);
        assert_int_equal(rig_find(rig, RIG_INDICATED, i)->bytes, i < 3 ? 256 : 1000 - 3 * 256);
    }
    rig->answer = RIG_TAKE_PART;
    rig->part_bytes = 100;
    data(rig, 1000, 600, 0);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 5);
    (void)rig_post(rig, 0, 500, RIG_NO_PUSH); /* indicate-and-post: exactly the rest */
    rig_wait(rig, 20 * RIG_US);
    expect_received(rig, 0, 1, NDIS_STATUS_SUCCESS, 500);
    finish(rig, 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_requests_in_order),
        cmocka_unit_test(completes_on_push),
        cmocka_unit_test(completes_when_the_push_timer_expires),
        cmocka_unit_test(begins_the_push_timer_at_posting),
        cmocka_unit_test(gives_refused_data_to_a_request),
        cmocka_unit_test(remembers_a_push),
        cmocka_unit_test(answers_requests_of_no_room),
        cmocka_unit_test(keeps_what_is_left_of_an_indication),
        cmocka_unit_test(delivers_inherited_data_first),
        cmocka_unit_test(accounts_for_the_window),
        cmocka_unit_test(ends_with_the_peers_fin),
        cmocka_unit_test(holds_the_fin_behind_refused_data),
        cmocka_unit_test(aborts_requests_on_a_reset),
        cmocka_unit_test(aborts_requests_on_an_abortive_disconnect),
        cmocka_unit_test(ends_with_an_upload),
        cmocka_unit_test(completes_requests_before_a_terminate),
        cmocka_unit_test(survives_reentrance),
        cmocka_unit_test(indicates_pieces),
        cmocka_unit_test(conserves_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
