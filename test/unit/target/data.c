/* SPDX-License-Identifier: GPL-2.0-only */
/* Sends, indications, returned buffer lists, forwarded segments, the hot-state cache. */
#include "rig.h"

static struct rig *offloaded(unsigned count)
{
    struct rig *rig = rig_new();

    rig_build(rig);
    rig_offload(rig, count);
    return rig;
}

static void finish(struct rig *rig, unsigned count)
{
    rig_finish(rig, count);
    rig_free(rig);
}

static void completes_a_send_when_it_is_acknowledged(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    rig_send(rig, 0, 0, 3000);
    assert_int_equal(rig->sent, 0); /* the doorbell is on its way */
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig->sent, 3);
    assert_int_equal(rig->out[0].frame.payload.length_bytes, RIG_MSS);
    assert_int_equal(rig->out[2].frame.payload.length_bytes, 80);
    assert_true(rig->out[0].frame.ip_id >= 0x8000);
    assert_int_equal(rig_count(rig, RIG_SENT), 0); /* sent is not enough */
    rig_peer(rig, 0, 0, 2999, 0, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_SENT), 0);
    rig_peer(rig, 0, 0, 3000, 0, FLUE_TCP_ACK);
    assert_int_equal(rig_count(rig, RIG_SENT), 0); /* in an interrupt, not from inside the frame's arrival */
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_SUCCESS);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->bytes, 3000);
    finish(rig, 1);
}

static void completes_in_order_and_over_connections_in_one_call(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.profile.moderation_ps = 50 * RIG_US;
    rig_build(rig);
    rig_offload(rig, 2);
    for (unsigned i = 0; i < 4; i++) {
        rig_send(rig, i % 2, 500 * (i / 2), 500);
    }
    rig_send(rig, 0, 0, 0); /* empty: complete when all before it is */
    rig_wait(rig, 10 * RIG_US);
    rig_peer(rig, 1, 0, 1000, 0, FLUE_TCP_ACK); /* may be the first interrupt of a period */
    rig_wait(rig, 5 * RIG_US);
    rig_peer(rig, 0, 0, 500, 0, FLUE_TCP_ACK);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_SENT), 3);
    rig_peer(rig, 0, 0, 1000, 0, FLUE_TCP_ACK);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_SENT), 5);
    assert_int_equal(rig_find(rig, RIG_SENT, 4)->bytes, 0);
    assert_int_equal(rig_find(rig, RIG_SENT, 4)->status, NDIS_STATUS_SUCCESS);
    finish(rig, 2);
}

static void chains_completions_of_one_interrupt(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.profile.moderation_ps = 50 * RIG_US;
    rig_build(rig);
    rig_offload(rig, 2);
    rig_wait(rig, 100 * RIG_US);
    rig_send(rig, 0, 0, 500);
    rig_send(rig, 1, 0, 500);
    rig_wait(rig, 10 * RIG_US);
    rig_peer(rig, 0, 0, 0, 10, FLUE_TCP_ACK); /* an interrupt at once: the next one has to wait */
    rig_wait(rig, 5 * RIG_US);
    rig_peer(rig, 0, 10, 500, 0, FLUE_TCP_ACK);
    rig_peer(rig, 1, 0, 500, 0, FLUE_TCP_ACK);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_SENT), 2);
    assert_int_equal(rig_find(rig, RIG_SENT, 0)->extra, 2);
    finish(rig, 2);
}

static void indicates_what_one_interrupt_brings(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.profile.dma_write_ps = 5 * RIG_US;
    rig->params.profile.moderation_ps = 50 * RIG_US;
    rig_build(rig);
    rig_offload(rig, 2);
    rig_wait(rig, 100 * RIG_US);
    for (unsigned i = 0; i < 3; i++) {
        rig_peer(rig, 0, i * 1000, 0, 1000, FLUE_TCP_ACK);
        rig_peer(rig, 1, i * 100, 0, 100, FLUE_TCP_ACK);
    }
    assert_int_equal(rig_count(rig, RIG_INDICATED), 0);
    rig_wait(rig, 200 * RIG_US);
    /* The first interrupt sees what is visible then; all is seen once, in order, without gaps. */
    for (unsigned conn = 0; conn < 2; conn++) {
        uint64_t next = 0;

        for (unsigned n = 0; n < rig_count(rig, RIG_INDICATED); n++) {
            const struct rig_log *entry = rig_find(rig, RIG_INDICATED, n);

            if (entry->conn == conn) {
                assert_int_equal(entry->extra, next);
                next += entry->bytes;
            }
        }
        assert_int_equal(next, conn == 0 ? 3000 : 300);
    }
    assert_true(rig_count(rig, RIG_INDICATED) <= 4);
    finish(rig, 2);
}

/* CH-216. */
static void merges_segments_into_one_list(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.profile.moderation_ps = 50 * RIG_US;
    rig_build(rig);
    rig_offload(rig, 1);
    rig_wait(rig, 100 * RIG_US);
    rig_peer(rig, 0, 0, 0, 10, FLUE_TCP_ACK); /* an interrupt at once; the next ones wait for the moderation */
    rig_wait(rig, 2 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 1);
    for (unsigned i = 0; i < 5; i++) {
        rig_peer(rig, 0, 10 + i * 1000, 0, 1000, FLUE_TCP_ACK);
        rig_wait(rig, 2 * RIG_US);
    }
    assert_int_equal(rig_count(rig, RIG_INDICATED), 1);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_INDICATED), 2);
    assert_int_equal(rig_find(rig, RIG_INDICATED, 1)->bytes, 5000);
    assert_true(rig_find(rig, RIG_INDICATED, 1)->at_ps >= rig_find(rig, RIG_INDICATED, 0)->at_ps + 50 * RIG_US);
    finish(rig, 1);
}

static uint32_t last_window(const struct rig *rig)
{
    return rig->out[rig->sent - 1].frame.window;
}

static void opens_the_window_when_lists_come_back(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    rig->hold_indicated = 1;
    for (unsigned i = 0; i < 44; i++) {
        rig_peer(rig, 0, i * 1460, 0, 1460, FLUE_TCP_ACK);
        rig_wait(rig, 2 * RIG_US);
    }
    assert_true(last_window(rig) < 65535 - 60000);
    assert_int_equal(rig_frames_with(rig, FLUE_TCP_RST), 0);
    rig_return_kept(rig);
    rig_wait(rig, 20 * RIG_US);
    assert_true(last_window(rig) > 60000);
    finish(rig, 1);
}

static void keeps_what_is_refused(void **state)
{
    (void)state;
    for (unsigned part = 0; part < 2; part++) {
        struct rig *rig = offloaded(1);
        PNET_BUFFER_LIST post;

        rig->answer = part ? RIG_TAKE_PART : RIG_REFUSE;
        rig->part_bytes = 300;
        rig_peer(rig, 0, 0, 0, 1000, FLUE_TCP_ACK);
        rig_wait(rig, 20 * RIG_US);
        rig_peer(rig, 0, 1000, 0, 500, FLUE_TCP_ACK | FLUE_TCP_FIN);
        rig_wait(rig, 20 * RIG_US);
        /* Not again before the host posts; the FIN waits behind the data (B-116). */
        assert_int_equal(rig_count(rig, RIG_INDICATED), 1);
        assert_int_equal(rig_count(rig, RIG_EVENT), 0);
        rig->answer = RIG_TAKE;
        post = rig_nbl(rig, 0, 0, 0);
        assert_int_equal(NdisOffloadTcpReceive(&rig->conns[0].handle, post), NDIS_STATUS_PENDING);
        rig_wait(rig, 20 * RIG_US);
        assert_int_equal(rig_find(rig, RIG_INDICATED, 1)->bytes, part ? 1200 : 1500);
        assert_int_equal(rig_find(rig, RIG_INDICATED, 1)->extra, part ? 300 : 0);
        assert_int_equal(rig_find(rig, RIG_EVENT, 0)->bytes, TcpIndicateDisconnect);
        assert_true(rig_place(rig, RIG_EVENT, 0) > rig_place(rig, RIG_INDICATED, 1));
        post = rig_nbl(rig, 0, 0, 0);
        (void)NdisOffloadTcpReceive(&rig->conns[0].handle, post);
        rig_wait(rig, 20 * RIG_US);
        assert_int_equal(rig_find(rig, RIG_RECEIVED, 1)->status, NDIS_STATUS_INVALID_STATE); /* D-40 */
        finish(rig, 1);
    }
}

static void takes_forwarded_segments(void **state)
{
    struct rig *rig = offloaded(1);
    struct flue_frame second = rig_segment(0, 500, 0, 500, FLUE_TCP_ACK);
    struct flue_frame first = rig_segment(0, 0, 0, 500, FLUE_TCP_ACK);

    (void)state;
    rig_forward(rig, 0, &second);
    rig_forward(rig, 0, &first);
    rig_forward(rig, 0, &first);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_FORWARDED), 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(rig_find(rig, RIG_FORWARDED, i)->status, NDIS_STATUS_SUCCESS);
    }
    assert_int_equal(rig_sum(rig, RIG_INDICATED).bytes, 1000);
    assert_int_equal(rig->out[rig->sent - 1].frame.ack, RIG_RCV_NXT + 1000);
    finish(rig, 1);
}

/* Two connections in turn with room for one: a miss for each segment.  With room for both: one each. */
static void counts_cache_misses(void **state)
{
    (void)state;
    for (unsigned room = 1; room <= 2; room++) {
        struct rig *rig = rig_new();
        struct flue_target_totals before, after;

        rig->params.profile.context_cache = room;
        rig->params.profile.engine_context_miss.cycles = 10000; /* 1 us */
        rig_build(rig);
        rig_offload(rig, 2);
        flue_target_totals(rig->target, &before);
        for (unsigned i = 0; i < 10; i++) {
            rig_peer(rig, i % 2, 0, 0, 0, FLUE_TCP_ACK);
            rig_wait(rig, 5 * RIG_US);
        }
        flue_target_totals(rig->target, &after);
        assert_int_equal(after.context_misses - before.context_misses, room == 1 ? 10 : 0);
        assert_int_equal(flue_target_engine(rig->target)->cycles[FLUE_COST_OTHER], after.context_misses * 10000);
        finish(rig, 2);
    }
}

/* Round robin, `send_quantum` segments each. */
static void shares_the_wire_by_turns(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.backlog_frames = 8;
    rig_build(rig);
    rig_offload(rig, 3);
    for (unsigned i = 0; i < 3; i++) {
        rig_send(rig, i, 0, 12 * RIG_MSS);
    }
    rig_wait(rig, 200 * RIG_US);
    assert_int_equal(rig->sent, 36);
    for (unsigned i = 0; i < 36; i++) {
        assert_int_equal(rig->out[i].frame.dst_port, 2000 + i / 4 % 3);
    }
    finish(rig, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(completes_a_send_when_it_is_acknowledged),
        cmocka_unit_test(completes_in_order_and_over_connections_in_one_call),
        cmocka_unit_test(chains_completions_of_one_interrupt),
        cmocka_unit_test(indicates_what_one_interrupt_brings),
        cmocka_unit_test(merges_segments_into_one_list),
        cmocka_unit_test(opens_the_window_when_lists_come_back),
        cmocka_unit_test(keeps_what_is_refused),
        cmocka_unit_test(takes_forwarded_segments),
        cmocka_unit_test(counts_cache_misses),
        cmocka_unit_test(shares_the_wire_by_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
