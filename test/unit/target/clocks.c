/* SPDX-License-Identifier: GPL-2.0-only */
/* Timestamps across two clocks (CH-289; behaviour 15.11): the published example, with drift. */
#include "rig.h"

#define TICK FLUE_PS_PER_MS

static void offload(struct rig *rig, flue_ps nic_ticks, uint32_t ts_time, uint16_t srtt, uint16_t rttvar)
{
    const NDIS_OFFLOAD_HANDLE empty = {{NULL}, NULL};

    rig_run(rig, nic_ticks * TICK);
    rig->neighbour_handle = empty;
    rig->path_handle = empty;
    rig->conns[0].handle = empty;
    rig_tree(rig, 1);
    rig->conns[0].block.Const.Flags |= TCP_FLAG_TIMESTAMP_ENABLED;
    rig->conns[0].block.Delegated.TsTime = ts_time;
    rig->conns[0].block.Delegated.SRtt = srtt;
    rig->conns[0].block.Delegated.RttVar = rttvar;
    rig->logged = 0;
    rig_initiate(rig, &rig->neighbour.Block);
    rig_wait(rig, TICK / 2);
    assert_int_equal(rig->conns[0].block.Block.Status, NDIS_STATUS_SUCCESS);
}

static void echo(struct rig *rig, flue_ps nic_ticks, uint32_t ack, uint32_t ts_ecr)
{
    struct flue_frame frame = rig_segment(0, 0, ack, 0, FLUE_TCP_ACK);

    rig_run(rig, nic_ticks * TICK);
    frame.options = FLUE_OPT_TIMESTAMP;
    frame.ts_ecr = ts_ecr;
    flue_target_receive(rig->target, &frame, rig->env.now_ps);
}

static const TCP_OFFLOAD_STATE_DELEGATED *upload(struct rig *rig, flue_ps nic_ticks)
{
    rig_run(rig, nic_ticks * TICK);
    rig_finish(rig, 1);
    return &rig->conns[0].end.Delegated;
}

/* Stack 100, NIC 200; NIC 210 sends 110; NIC 215 has it back: 5 ticks; at 250 the clock stands at 150.  Then the
 * stack's clock runs faster: what comes back with 350 at NIC 320 is 355 at 325. */
static void goes_on_with_the_hosts_clock(void **state)
{
    struct rig *rig = rig_new();
    const TCP_OFFLOAD_STATE_DELEGATED *end;

    (void)state;
    rig->params.tcp.timestamps = 1;
    rig_build(rig);
    offload(rig, 200, 100, 0, 0);
    rig_run(rig, 210 * TICK);
    rig_send(rig, 0, 0, 100);
    rig_wait(rig, TICK / 2);
    assert_int_equal(rig->sent, 1);
    assert_true((rig->out[0].frame.options & FLUE_OPT_TIMESTAMP) != 0); /* CH-278 */
    assert_int_equal(rig->out[0].frame.ts_val, 110);
    echo(rig, 215, 100, 110);
    end = upload(rig, 250);
    assert_int_equal(end->TsTime, 150);
    assert_in_range(end->SRtt, 5 * 8 - 1, 5 * 8); /* CH-149; rounded down */
    assert_in_range(end->RttVar, 5 * 4 / 2 - 1, 5 * 4 / 2);
    offload(rig, 320, 350, 0, 0);
    rig_send(rig, 0, 0, 100); /* at 320.5 */
    rig_wait(rig, TICK / 4);
    assert_int_equal(rig->out[rig->sent - 1].frame.ts_val, 350);
    echo(rig, 325, 100, 350);
    end = upload(rig, 330);
    assert_in_range(end->SRtt, 4 * 8, 5 * 8);
    assert_int_equal(end->TsTime, 360);
    /* 200 and 100 ticks: without an answer it sends again after 200 + 4 x 100 (RFC 6298 2.3). */
    offload(rig, 1000, 1000, 200 * 8, 100 * 4);
    rig_send(rig, 0, 0, 100);
    rig_wait(rig, TICK);
    rig->sent = 0;
    rig_wait(rig, 595 * TICK);
    assert_int_equal(rig->sent, 0);
    rig_wait(rig, 10 * TICK);
    assert_int_equal(rig->sent, 1);
    echo(rig, 1700, 100, 0);
    end = upload(rig, 1701);
    assert_int_equal(end->SRtt, 200 * 8);
    assert_int_equal(end->RttVar, 100 * 4);
    rig_free(rig);
}

/* CH-279. */
static void has_none_without_the_flag(void **state)
{
    struct rig *rig = rig_new();

    (void)state;
    rig->params.tcp.timestamps = 1;
    rig_build(rig);
    rig_offload(rig, 1);
    rig_send(rig, 0, 0, 100);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig->out[0].frame.options & FLUE_OPT_TIMESTAMP, 0);
    rig_finish(rig, 1);
    rig_free(rig);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_with_the_hosts_clock),
        cmocka_unit_test(has_none_without_the_flag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
