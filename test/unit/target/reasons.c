/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a target would like to give a connection back (behaviour 11.2): optional reasons, from counts; and the advice how
 * much to post (CH-263). */
#include "rig.h"

#define WINDOW_PS (100 * FLUE_PS_PER_MS)

struct reason {
    struct flue_target_thresholds limits;
    void (*provoke)(struct rig *rig);
    unsigned reason;
};

static void nothing(struct rig *rig)
{
    (void)rig;
}
/* An ACK would stop it: the peer is silent, and every repetition counts. */
static void losses(struct rig *rig)
{
    rig_send(rig, 0, 0, 100);
}
static void small_post(struct rig *rig)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(rig->spans);

    assert_non_null(nbl);
    ndis_nbl_set_room(nbl, 100);
    nbl->ProtocolReserved[0] = NULL;
    assert_int_equal(NdisOffloadTcpReceive(&rig->conns[0].handle, nbl), NDIS_STATUS_PENDING);
}
static void data(struct rig *rig)
{
    rig_peer(rig, 0, 0, 0, 100, FLUE_TCP_ACK);
}
static void fragment(struct rig *rig)
{
    struct flue_frame frame = rig_segment(0, 0, 0, 64, FLUE_TCP_ACK);

    frame.kind = FLUE_FRAME_FRAGMENT;
    frame.fragment = FLUE_FRAGMENT_MORE;
    flue_target_receive(rig->target, &frame, rig->env.now_ps);
}
static void gap(struct rig *rig)
{
    rig_peer(rig, 0, 1000, 0, 100, FLUE_TCP_ACK);
}

static const struct reason reasons[] = {
    {{.window_ps = WINDOW_PS, .low_activity_requests = 1}, nothing, LowActivity},
    {{.window_ps = WINDOW_PS, .high_drop_permille = 500}, losses, HighDropRate},
    {{.window_ps = WINDOW_PS, .small_io_bytes = 512}, small_post, SmallIO},
    {{.window_ps = WINDOW_PS, .no_post_indications = 1}, data, NoBufferPreposting},
    {{.window_ps = WINDOW_PS, .fragments = 1}, fragment, HighFragmentation},
    {{.window_ps = WINDOW_PS, .out_of_order = 1}, gap, HighOutOfOrderPackets},
};

static struct rig *watching(const struct reason *reason)
{
    struct rig *rig = rig_new();

    rig->params.thresholds = reason->limits;
    rig_build(rig);
    rig_offload(rig, 2);
    rig_wait(rig, WINDOW_PS); /* the first window is not a whole one */
    return rig;
}

static void raises_each_reason_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        struct rig *rig = watching(&reasons[i]);
        unsigned mine = 0;
        uint64_t taken;

        reasons[i].provoke(rig);
        rig_wait(rig, 8 * WINDOW_PS);
        for (unsigned n = 0; n < rig_count(rig, RIG_EVENT); n++) {
            const struct rig_log *event = rig_find(rig, RIG_EVENT, n);

            assert_int_equal(event->bytes, TcpIndicateRetrieve);
            assert_int_equal(event->extra, reasons[i].reason);
            mine += event->conn == 0;
        }
        assert_int_equal(mine, 1);
        /* CH-260: it goes on serving. */
        rig->answer = RIG_TAKE;
        rig_send(rig, 1, 0, 100);
        rig_wait(rig, 50 * RIG_US);
        rig_peer(rig, 1, 0, 100, 0, FLUE_TCP_ACK);
        rig_wait(rig, 50 * RIG_US);
        assert_int_equal(rig_find(rig, RIG_SENT, 0)->status, NDIS_STATUS_SUCCESS);
        taken = rig_sum(rig, RIG_INDICATED).bytes + rig_sum(rig, RIG_RECEIVED).bytes;
        rig_peer(rig, 0, reasons[i].provoke == data ? 100 : 0, 0, 50, FLUE_TCP_ACK | FLUE_TCP_PSH);
        rig_wait(rig, 50 * RIG_US);
        assert_int_equal(rig_sum(rig, RIG_INDICATED).bytes + rig_sum(rig, RIG_RECEIVED).bytes, taken + 50);
        rig_finish(rig, 2);
        rig_free(rig);
    }
}

/* CH-261, D-28. */
static void is_silent_when_half_closed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        for (unsigned mine = 0; mine < 2; mine++) {
            struct rig *rig = watching(&reasons[i]);

            if (mine) {
                rig_disconnect(rig, 0, 0, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
                rig_disconnect(rig, 1, 0, 0, TCP_DISCONNECT_GRACEFUL_CLOSE);
            } else {
                reasons[i].provoke(rig);
                rig_peer(rig, 0, reasons[i].provoke == data ? 100 : 0, 0, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
                rig_peer(rig, 1, 0, 0, 0, FLUE_TCP_ACK | FLUE_TCP_FIN);
            }
            rig_wait(rig, 6 * WINDOW_PS);
            for (unsigned n = 0; n < rig_count(rig, RIG_EVENT); n++) {
                assert_int_not_equal(rig_find(rig, RIG_EVENT, n)->bytes, TcpIndicateRetrieve);
            }
            rig_finish(rig, 2);
            rig_free(rig);
        }
    }
}

static void offer_window(struct rig *rig, uint32_t acked, uint16_t window)
{
    struct flue_frame frame = rig_segment(0, 0, acked, 0, FLUE_TCP_ACK);

    frame.window = window;
    flue_target_receive(rig->target, &frame, rig->env.now_ps);
}

/* CH-263: told when it has changed by so much, and not more often than allowed. */
static void advises_how_much_to_post(void **state)
{
    struct rig *rig = rig_new();
    unsigned told;

    (void)state;
    rig->params.backlog_permille = 500;
    rig->params.backlog_ticks = 100;
    rig_build(rig);
    rig_offload(rig, 1);
    rig_wait(rig, 150 * FLUE_PS_PER_MS);
    for (unsigned i = 0; i < 50; i++) {
        rig_send(rig, 0, 100 * i, 100);
        rig_wait(rig, 5 * FLUE_PS_PER_MS);
        offer_window(rig, 100 * (i + 1), i % 2 == 0 ? 10000 : 60000);
        rig_wait(rig, 5 * FLUE_PS_PER_MS);
    }
    told = rig_count(rig, RIG_EVENT);
    assert_in_range(told, 2, 6); /* half a second */
    for (unsigned n = 0; n < told; n++) {
        assert_int_equal(rig_find(rig, RIG_EVENT, n)->bytes, TcpIndicateSendBacklogChange);
        assert_true(rig_find(rig, RIG_EVENT, n)->extra >= 2 * RIG_MSS);
        assert_true(n == 0 ||
                    rig_find(rig, RIG_EVENT, n)->at_ps - rig_find(rig, RIG_EVENT, n - 1)->at_ps >= 99 * FLUE_PS_PER_MS);
    }
    /* Often enough, but not by so much: one that brings it near, and nothing behind that. */
    for (unsigned i = 0; i < 6; i++) {
        rig_wait(rig, 150 * FLUE_PS_PER_MS);
        told = i <= 1 ? rig_count(rig, RIG_EVENT) : told;
        rig_send(rig, 0, 5000 + 100 * i, 100);
        rig_wait(rig, 5 * FLUE_PS_PER_MS);
        offer_window(rig, 5000 + 100 * (i + 1), (uint16_t)(60000 - 2000 * i));
    }
    rig_wait(rig, 150 * FLUE_PS_PER_MS);
    assert_int_equal(rig_count(rig, RIG_EVENT), told);
    rig_finish(rig, 1);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raises_each_reason_once),
        cmocka_unit_test(is_silent_when_half_closed),
        cmocka_unit_test(advises_how_much_to_post),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
