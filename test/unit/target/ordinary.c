/* SPDX-License-Identifier: GPL-2.0-only */
/* The ordinary path, the port, the moderated interrupt: times to the picosecond. */
#include "rig.h"

#include <string.h>

enum { FRAME_PS = 1230400 }; /* 1538 bytes at 10 Gb/s: 1480 + 40 + 18 */

static void send_frames(struct rig *rig, unsigned count, uint32_t bytes)
{
    struct ndis_chain chain = {0};

    for (unsigned i = 0; i < count; i++) {
        PNET_BUFFER_LIST nbl = ndis_nbl_get(rig->frames);

        assert_non_null(nbl);
        *ndis_nbl_frame(nbl) = rig_segment(0, i, 0, bytes, FLUE_TCP_ACK);
        ndis_chain_append(&chain, nbl);
    }
    NdisSendNetBufferLists(rig->binding, chain.first, 0, 0);
}

static void sends_at_the_right_moment(void **state)
{
    struct rig *rig = rig_new();
    struct flue_pcie pcie;
    flue_ps ready_ps;

    (void)state;
    rig->params.profile.engine_hz = UINT64_C(1000000000);
    rig->params.profile.engine_pass.cycles = 100; /* 100 ns */
    rig_build(rig);
    pcie = *flue_target_pcie(rig->target);
    ready_ps = flue_pcie_read(&pcie, 150000 + 100000, 1480 + 40);
    send_frames(rig, 3, 1480);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig->sent, 3);
    assert_int_equal(rig->out[0].at_ps, ready_ps);
    /* The others are ready before the wire is free: given to it in time, without a gap. */
    assert_true(rig->out[1].at_ps <= ready_ps + FRAME_PS);
    assert_true(rig->out[2].at_ps <= ready_ps + 2 * FRAME_PS);
    assert_int_equal(flue_target_wire_busy_ps(rig->target), 3 * FRAME_PS);
    /* All are completed in one call when the last has left. */
    assert_int_equal(rig_count(rig, RIG_FRAMES_SENT), 3);
    assert_int_equal(rig_find(rig, RIG_FRAMES_SENT, 0)->extra, 3);
    assert_int_equal(rig_find(rig, RIG_FRAMES_SENT, 0)->at_ps, ready_ps + 3 * FRAME_PS);
    rig_free(rig);
}

static void completes_in_batches_while_busy(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_build(rig);
    send_frames(rig, 40, 1480);
    rig_wait(rig, 16 * FRAME_PS + 2 * RIG_US);
    assert_true(rig_count(rig, RIG_FRAMES_SENT) >= 16);
    rig_wait(rig, 60 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_FRAMES_SENT), 40);
    rig_free(rig);
}

static void loses_what_the_wire_does_not_take(void **state)
{
    struct rig *rig = rig_new();
    struct flue_target_totals totals;

    (void)state;
    rig_build(rig);
    rig->wire_room = 2;
    send_frames(rig, 5, 100);
    rig_wait(rig, 20 * RIG_US);
    flue_target_totals(rig->target, &totals);
    assert_int_equal(totals.wire_full, 3);
    assert_int_equal(totals.frames_out, 2);
    assert_int_equal(rig_count(rig, RIG_FRAMES_SENT), 5);
    rig_free(rig);
}

static void receives(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig_build(rig);
    rig_peer(rig, 0, 0, 0, 1000, FLUE_TCP_ACK);
    assert_int_equal(rig->logged, 0);
    rig_wait(rig, 5 * RIG_US);
    assert_int_equal(rig_find(rig, RIG_FRAMES_IN, 0)->bytes, RIG_RCV_NXT);
    assert_true(rig_find(rig, RIG_FRAMES_IN, 0)->at_ps > 300000); /* the DMA write */
    rig_free(rig);
}

/* Frames are handed up 64 at a time; the next interrupt follows as soon as the core is free, moderation or not. */
static void keeps_to_its_budget(void **state)
{
    struct rig *rig = rig_new();
    flue_ps first_ps, second_ps;

    (void)state;
    rig->params.profile.moderation_ps = 50 * RIG_US;
    rig->interrupt_price.cycles = 1000; /* 1 us */
    rig_build(rig);
    rig_peer(rig, 0, 0, 0, 0, FLUE_TCP_ACK);
    rig_wait(rig, 10 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 1);
    for (unsigned i = 0; i < 100; i++) {
        rig_peer(rig, 0, i, 0, 0, FLUE_TCP_ACK);
    }
    rig_wait(rig, 200 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 3);
    assert_int_equal(rig_find(rig, RIG_FRAMES_IN, 1)->extra, 64);
    assert_int_equal(rig_find(rig, RIG_FRAMES_IN, 2)->extra, 36);
    first_ps = rig_find(rig, RIG_FRAMES_IN, 1)->at_ps;
    second_ps = rig_find(rig, RIG_FRAMES_IN, 2)->at_ps;
    assert_int_equal(first_ps - rig_find(rig, RIG_FRAMES_IN, 0)->at_ps, 50 * RIG_US);
    assert_int_equal(second_ps - first_ps, 1 * RIG_US);
    rig_free(rig);
}

/* Memory that runs out costs frames, in both directions; every send of the host completes all the same. */
static void loses_frames_without_memory(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 12; n++) {
        struct rig *rig = rig_new();
        struct flue_target_totals totals;

        struct ndis_chain mine = {0};

        rig_build(rig);
        for (unsigned i = 0; i < 100; i++) {
            PNET_BUFFER_LIST nbl = ndis_nbl_get(rig->frames);

            assert_non_null(nbl);
            ndis_chain_append(&mine, nbl);
        }
        rig_free_chain(mine.first); /* the host has what it needs */
        manual_env_fail(&rig->env, n);
        for (unsigned i = 0; i < 3; i++) {
            send_frames(rig, 30, 1480);
            rig_peer(rig, 0, i, 0, 0, FLUE_TCP_ACK);
        }
        rig_wait(rig, 500 * RIG_US);
        for (unsigned i = 0; i < 80; i++) {
            rig_peer(rig, 0, i, 0, 0, FLUE_TCP_ACK);
        }
        rig_wait(rig, 500 * RIG_US);
        manual_env_fail(&rig->env, 0);
        flue_target_totals(rig->target, &totals);
        assert_true(n > 1 || totals.starved_drops > 0);
        assert_int_equal(rig_count(rig, RIG_FRAMES_SENT), 90);
        rig_free(rig);
    }
}

static void drops_when_its_ring_is_full(void **state)
{
    struct rig *rig = rig_new();
    struct flue_target_totals totals;

    (void)state;
    rig->params.ring_frames = 10;
    rig->params.profile.dma_write_ps = 50 * RIG_US;
    rig_build(rig);
    for (unsigned i = 0; i < 25; i++) {
        rig_peer(rig, 0, i, 0, 0, FLUE_TCP_ACK);
    }
    rig_wait(rig, 100 * RIG_US);
    flue_target_totals(rig->target, &totals);
    assert_int_equal(totals.ring_drops, 15);
    assert_int_equal(rig_sum(rig, RIG_FRAMES_IN).extra, 10);
    rig_free(rig);
}

/* An interrupt waits until the core is free; when the core gets more work meanwhile, once more; then it is work in the
 * core's queue like any other. */
static void does_not_wait_for_ever(void **state)
{
    struct rig *rig = rig_new();
    static const struct flue_price busy = {.cycles = 100000}; /* 100 us */

    (void)state;
    rig_build(rig);
    flue_server_begin(&rig->core, 0);
    flue_server_charge(&rig->core, NULL, FLUE_COST_OTHER, &busy, 0);
    rig_peer(rig, 0, 0, 0, 0, FLUE_TCP_ACK);
    rig_wait(rig, 50 * RIG_US);
    flue_server_charge(&rig->core, NULL, FLUE_COST_OTHER, &busy, 0);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->logged, 0);
    flue_server_charge(&rig->core, NULL, FLUE_COST_OTHER, &busy, 0);
    rig_wait(rig, 51 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_FRAMES_IN), 1);
    rig_free(rig);
}

/* Both sources share the wire: whatever is ready first goes first, and none overtakes its own kind. */
static void merges_two_sources(void **state)
{
    struct rig *rig = rig_new();
    uint32_t next_seq = RIG_SND_UNA;
    unsigned ordinary = 0;

    (void)state;
    rig_build(rig);
    rig_offload(rig, 1);
    rig_send(rig, 0, 0, 20 * RIG_MSS);
    send_frames(rig, 20, 1480);
    rig_wait(rig, 200 * RIG_US);
    assert_int_equal(rig->sent, 40);
    for (unsigned i = 0; i < 40; i++) {
        const struct flue_frame *frame = &rig->out[i].frame;

        if (frame->src_ip.word[3] == 0x0A000001) {
            assert_int_equal(frame->seq, next_seq);
            next_seq += RIG_MSS;
        } else {
            assert_int_equal(frame->seq, RIG_RCV_NXT + ordinary);
            ordinary++;
        }
    }
    rig_finish(rig, 1);
    rig_free(rig);
}

/* The ring never holds more unsent frames than the backlog allows, and the wire never runs dry. */
static void limits_the_backlog(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.backlog_frames = 8;
    rig->params.send_quantum = 1;
    rig_build(rig);
    rig_offload(rig, 1);
    rig_send(rig, 0, 0, 40 * RIG_MSS);
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig->sent, 40);
    for (unsigned i = 8; i < 40; i++) {
        const flue_ps start_ps = rig->out[0].at_ps + (flue_ps)(i - 8) * 1214400; /* 1518 bytes */

        assert_true(rig->out[i].at_ps >= start_ps);
        assert_true(rig->out[i].at_ps <= rig->out[0].at_ps + (flue_ps)i * 1214400);
    }
    rig_finish(rig, 1);
    rig_free(rig);
}

/* A host that always keeps 64 frames in the ring does not keep an offloaded connection from sending. */
static void leaves_the_engine_a_share(void **state)
{
    struct rig *rig = rig_new();
    unsigned engine = 0;

    (void)state;
    rig_build(rig);
    rig_offload(rig, 1);
    send_frames(rig, 64, 1480);
    rig_wait(rig, 2 * RIG_US);
    rig_send(rig, 0, 0, 40 * RIG_MSS);
    for (unsigned i = 0; i < 20; i++) {
        const unsigned before = rig_count(rig, RIG_FRAMES_SENT);

        rig_wait(rig, 10 * RIG_US);
        if (rig_count(rig, RIG_FRAMES_SENT) > before) {
            send_frames(rig, rig_count(rig, RIG_FRAMES_SENT) - before, 1480);
        }
    }
    for (unsigned i = 0; i < rig->sent; i++) {
        engine += rig->out[i].frame.src_ip.word[3] == 0x0A000001;
    }
    assert_int_equal(engine, 40);
    rig_wait(rig, 300 * RIG_US);
    rig_finish(rig, 1);
    rig_free(rig);
}

/* A slow engine: every frame leaves when it is ready, and the wire idles between. */
static void never_starts_before_a_frame_is_ready(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.profile.engine_hz = UINT64_C(1000000000);
    rig->params.profile.engine_send_data.cycles = 5000;
    rig_build(rig);
    rig_offload(rig, 1);
    rig_send(rig, 0, 0, 10 * RIG_MSS);
    rig_wait(rig, 200 * RIG_US);
    assert_int_equal(rig->sent, 10);
    for (unsigned i = 1; i < 10; i++) {
        assert_int_equal(rig->out[i].at_ps - rig->out[i - 1].at_ps, 5 * RIG_US);
    }
    rig_finish(rig, 1);
    rig_free(rig);
}

static void checks_its_parameters(void **state)
{
    struct rig *rig = rig_new();
    struct flue_target *target = (struct flue_target *)rig;

    (void)state;
    rig_build(rig);
    rig->params.send_quantum = 0;
    assert_int_equal(flue_target_new(&rig->env.env, &rig->timers, NULL, rig->ndis, &rig->wire, &rig->params, &target),
                     FLUE_EINVAL);
    assert_null(target);
    rig_free(rig);
    flue_target_free(NULL);
    assert_string_equal(flue_context_name(FLUE_CONTEXT_LIVE), "live");
    assert_string_equal(flue_context_name(99), "?");
}

/* Every allocation of the making may fail; nothing is left. */
static void survives_want_of_memory(void **state)
{
    struct rig *rig = rig_new();
    struct manual_env env;
    flue_err err = FLUE_ENOMEM;

    (void)state;
    rig->params.profile.context_cache = 16;
    for (uint64_t n = 1; err != FLUE_OK; n++) {
        struct timers timers;
        struct flue_ndis *ndis;
        struct flue_target *target;

        manual_env_init(&env, 1);
        assert_int_equal(timers_init(&timers, &env.env), FLUE_OK);
        assert_int_equal(flue_ndis_new(&env.env, NULL, &ndis), FLUE_OK);
        manual_env_fail(&env, n);
        err = flue_target_new(&env.env, &timers, NULL, ndis, &rig->wire, &rig->params, &target);
        assert_true(err == FLUE_OK || err == FLUE_ENOMEM);
        assert_int_equal(err == FLUE_OK, target != NULL);
        manual_env_fail(&env, 0);
        flue_target_free(target);
        flue_ndis_free(ndis);
        timers_dispose(&timers);
        assert_true(manual_env_clean(&env));
        assert_true(n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_at_the_right_moment),
        cmocka_unit_test(completes_in_batches_while_busy),
        cmocka_unit_test(loses_what_the_wire_does_not_take),
        cmocka_unit_test(receives),
        cmocka_unit_test(keeps_to_its_budget),
        cmocka_unit_test(loses_frames_without_memory),
        cmocka_unit_test(drops_when_its_ring_is_full),
        cmocka_unit_test(does_not_wait_for_ever),
        cmocka_unit_test(merges_two_sources),
        cmocka_unit_test(limits_the_backlog),
        cmocka_unit_test(leaves_the_engine_a_share),
        cmocka_unit_test(never_starts_before_a_frame_is_ready),
        cmocka_unit_test(checks_its_parameters),
        cmocka_unit_test(survives_want_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
