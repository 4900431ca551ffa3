/* SPDX-License-Identifier: GPL-2.0-only */
/* Sends that overlap: with each other, with those of another connection, with completions. */
#include "rig.h"

static struct rig *offloaded(unsigned count)
{
    struct rig *rig = rig_new();

    rig_build(rig);
    rig_offload(rig, count);
    return rig;
}

/* CH-160, CH-162: later sends come before the first is acknowledged, on two connections. */
static void sends_in_call_order(void **state)
{
    struct rig *rig = offloaded(2);
    uint32_t next[2] = {0, 0};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        rig_send(rig, 0, 700 * i, 700);
        rig_send(rig, 1, 500 * i, 500);
        rig_wait(rig, i % 2 == 0 ? 0 : 30 * RIG_US);
    }
    rig_wait(rig, 100 * RIG_US);
    assert_int_equal(rig_count(rig, RIG_SENT), 0);
    for (unsigned i = 0; i < rig->sent; i++) {
        const struct flue_frame *frame = &rig->out[i].frame;
        unsigned conn = frame->dst_port == rig->out[0].frame.dst_port ? 0 : 1;

        assert_int_equal(frame->seq, (uint32_t)(RIG_SND_UNA + next[conn]));
        assert_int_equal(frame->payload.offset_bytes, next[conn]);
        next[conn] += frame->payload.length_bytes;
    }
    assert_int_equal(next[0], 2800);
    assert_int_equal(next[1], 2000);
    rig_peer(rig, 0, 0, 2800, 0, FLUE_TCP_ACK);
    rig_peer(rig, 1, 0, 2000, 0, FLUE_TCP_ACK);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig_sum(rig, RIG_SENT).bytes, 4800);
    rig_finish(rig, 2);
    rig_free(rig);
}

static void send_more(struct rig *rig, enum rig_call call)
{
    if ((call == RIG_SENT || call == RIG_INDICATED) && rig->posted < 5) {
        rig_send(rig, 0, 100 + 100 * rig->posted++, 100);
    }
}

/* Sends come from inside completions and indications of the same connection. */
static void takes_sends_from_inside(void **state)
{
    struct rig *rig = offloaded(1);

    (void)state;
    rig->reenter = send_more;
    rig_send(rig, 0, 0, 100);
    rig_wait(rig, 50 * RIG_US);
    for (uint32_t i = 0; i < 7; i++) {
        rig_peer(rig, 0, 10 * i, i < 6 ? 100 * i : 600, 10, FLUE_TCP_ACK);
        rig_wait(rig, 50 * RIG_US);
    }
    rig_peer(rig, 0, 70, 600, 0, FLUE_TCP_ACK);
    rig_wait(rig, 50 * RIG_US);
    assert_int_equal(rig_sum(rig, RIG_SENT).bytes, 600);
    for (unsigned i = 0; i < rig->sent; i++) {
        const struct flue_frame *frame = &rig->out[i].frame;

        assert_true(frame->payload.length_bytes == 0 ||
                    frame->payload.offset_bytes == (uint32_t)(frame->seq - RIG_SND_UNA));
    }
    rig_finish(rig, 1);
    rig_free(rig);
}

static void send_next(struct rig *rig)
{
    rig_send(rig, 0, 100 * rig->posted, 100);
    rig->posted++;
}

static void send_once_more(struct rig *rig, enum rig_call call)
{
    if (call == RIG_SENT) {
        rig->reenter = NULL;
        send_next(rig);
    }
}

/* CH-163: a send from inside a completion, while another one is on its way to the adapter, or is not yet: the order of
 * the calls is that of the stream. */
static void keeps_its_sends_apart(void **state)
{
    struct rig *rig = offloaded(1);
    unsigned before = 0;

    (void)state;
    for (flue_ps delay_ps = 0; delay_ps < 3 * RIG_US; delay_ps += RIG_US / 25) {
        send_next(rig);
        rig_wait(rig, 20 * RIG_US);
        rig->reenter = send_once_more;
        rig_peer(rig, 0, 0, 100 * rig->posted, 0, FLUE_TCP_ACK);
        rig_wait(rig, delay_ps);
        before += rig->reenter == NULL;
        send_next(rig);
        rig_wait(rig, 20 * RIG_US);
    }
    assert_in_range(before, 1, 70); /* either comes first */
    rig_peer(rig, 0, 0, 100 * rig->posted, 0, FLUE_TCP_ACK);
    rig_wait(rig, 20 * RIG_US);
    assert_int_equal(rig_sum(rig, RIG_SENT).bytes, 100 * rig->posted);
    for (unsigned i = 0; i < rig->sent; i++) {
        const struct flue_frame *frame = &rig->out[i].frame;

        assert_int_equal(frame->payload.offset_bytes, (uint32_t)(frame->seq - RIG_SND_UNA));
    }
    rig_finish(rig, 1);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_in_call_order),
        cmocka_unit_test(takes_sends_from_inside),
        cmocka_unit_test(keeps_its_sends_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
