/* SPDX-License-Identifier: GPL-2.0-only */
/* Targets that break one rule that shows in frames, or in what terminate returns: the checker must name that rule
 * first. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "check_data_world.h"

/* ---- Frames ---- */

static void flow_label_in_ipv4(struct world *world)
{
    struct flue_frame frame = world_frame(world, 0, 0, 0, 0);

    frame.flow_label = 1;
    world_leaves(world, &frame);
}

static void no_timestamp(struct world *world)
{
    struct flue_frame frame = world_frame(world, 0, 0, 0, 0);

    frame.options = 0;
    world_leaves(world, &frame);
}

static void sack_without_flag(struct world *world)
{
    struct flue_frame frame = world_frame(world, 0, 0, 0, 0);

    frame.options |= FLUE_OPT_SACK;
    frame.sack_count = 1;
    world_leaves(world, &frame);
}

static void window_shrinks(struct world *world)
{
    struct flue_frame frame = world_frame(world, 0, 0, 0, 0);

    world_leaves(world, &frame);
    frame.window = 65000;
    world_leaves(world, &frame);
}

static void urgent_is_acknowledged(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 0, 30, 0);

    world_comes(world, 30, 0, FLUE_TCP_URG); /* past 2^32 */
    world_leaves(world, &frame);
}

static void timestamps_step_back(struct world *world)
{
    struct flue_frame frame = world_frame(world, 0, 0, 0, 0);

    frame.ts_val = 5; /* past 2^32 */
    world_leaves(world, &frame);
    frame.ts_val = 0xFFFFFFF0u;
    world_leaves(world, &frame);
}

static void acknowledges_what_never_came(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 0, 21, 0);

    world_comes(world, 20, 0, 0);
    world_leaves(world, &frame);
}

/* A repetition of acknowledged bytes that were not handed up yet bears a FIN; then the true FIN comes. */
static void stale_fin(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 0, 40, 0);

    world_comes(world, 40, 0, 0);
    world_leaves(world, &frame);
    world->came = 10;
    world_comes(world, 10, 0, FLUE_TCP_FIN);
    world->came = 40;
    world_comes(world, 0, 0, FLUE_TCP_FIN);
}

static void acknowledges_more_than_a_fin(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 0, 42, 0);

    stale_fin(world);
    world_leaves(world, &frame);
}

static void host_half_of_ids(struct world *world)
{
    struct flue_frame frame = world_frame(world, 0, 0, 20, 0);

    frame.ip_id = 0x7fff;
    world_comes(world, 20, 0, 0);
    world_leaves(world, &frame);
}

/* The bytes of the second call go first. */
static void sends_out_of_order(struct world *world)
{
    struct flue_frame frame = world_frame(world, 0, 200, 0, 0);

    (void)world_send(world, 300);
    (void)world_send(world, 200);
    frame.payload.offset_bytes = 300;
    world_leaves(world, &frame);
}

/* ---- What comes back ---- */

static void returns(struct world *world, uint32_t una, uint32_t max, uint32_t rcv_nxt)
{
    world_terminate(world);
    world->t.Delegated.SndUna = SND_UNA + una;
    world->t.Delegated.SndNxt = world->t.Delegated.SndMax = SND_UNA + max;
    world->t.Delegated.RcvNxt = RCV_NXT + rcv_nxt;
    world_terminated(world);
}

static void forgets_acknowledged_bytes(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 0, 20, 0);

    world_comes(world, 20, 0, 0);
    (void)world_indicate(world, world_arrived(world, 20), SUCCESS, 20);
    world_leaves(world, &frame);
    world_comes(world, 20, 0, 0);
    (void)world_post(world, 0, 0);
    world_fill(world, world->fakes.miniport.list, SUCCESS, 0);
    world->t.Delegated.RcvWnd = 65535;
    returns(world, 0, 0, 19); /* one byte fewer than was delivered */
}

static void loses_received_bytes(struct world *world)
{
    world_comes(world, 20, 0, 0);
    (void)world_indicate(world, world_arrived(world, 15), SUCCESS, 15);
    returns(world, 0, 0, 20);
}

static void invents_acknowledgements(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_send(world, 300);

    world_comes(world, 0, 300, 0);
    world_complete(world, SENT, nbl, SUCCESS, 300);
    returns(world, 301, 301, 0);
}

static void forgets_what_was_sent(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 300, 0, 0);

    world_comes(world, 0, 0, 0);
    (void)world_send(world, 300);
    world_leaves(world, &frame);
    world_event(world, TcpIndicateRetrieve, UploadRequested);
    world_complete(world, SENT, world->fakes.miniport.list, UPLOAD, 0);
    returns(world, 0, 0, 0);
}

#define H FLUE_PARTY_HOST
#define T FLUE_PARTY_TARGET

static const struct violator violators[] = {
    VIOLATOR(154, T, flow_label_in_ipv4, 0),
    VIOLATOR(160, T, sends_out_of_order, 0),
    VIOLATOR(278, T, no_timestamp, 0),
    VIOLATOR(280, T, sack_without_flag, 0),
    VIOLATOR(281, T, window_shrinks, 0),
    VIOLATOR(285, T, urgent_is_acknowledged, 0),
    VIOLATOR(289, T, timestamps_step_back, 0),
    VIOLATOR(136, T, acknowledges_what_never_came, 0),
    VIOLATOR(136, T, acknowledges_more_than_a_fin, 0),
    VIOLATOR(287, T, host_half_of_ids, 0),
    VIOLATOR(137, T, forgets_acknowledged_bytes, 131),
    VIOLATOR(137, T, loses_received_bytes, 0),
    VIOLATOR(131, T, invents_acknowledgements, 0),
    VIOLATOR(131, T, forgets_what_was_sent, 125),
};

static void each_violator_is_named(void **state)
{
    (void)state;
    violators_run(violators, sizeof violators / sizeof violators[0]);
}

/* The same calls, as they should be made: nothing is found. */
static void a_good_life_is_not(void **state)
{
    struct flue_frame frame;
    struct world world;
    PNET_BUFFER_LIST a, b, post, empty, list, segment, fin;

    (void)state;
    world_begin(&world, NULL);
    segment = world_segment(&world);
    assert_int_equal(NdisOffloadTcpForward(world_handle(&world), segment), NDIS_STATUS_PENDING);
    world_complete(&world, FORWARD, segment, SUCCESS, 0);
    a = world_send(&world, 300);
    b = world_send(&world, 20);
    frame = world_frame(&world, 0, 300, 0, 0);
    world_leaves(&world, &frame);
    world_leaves(&world, &frame); /* again */
    world_comes(&world, 40, 300, 0);
    world_complete(&world, SENT, a, SUCCESS, 300);
    post = world_post(&world, 30, 0);
    world_fill(&world, post, SUCCESS, 30);
    assert_int_equal(world_indicate(&world, world_arrived(&world, 10), NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED, 4),
                     NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED);
    empty = world_post(&world, 0, 0);
    world_fill(&world, empty, SUCCESS, 0);
    world.received = 34;
    list = world_arrived(&world, 6);
    assert_int_equal(world_indicate(&world, list, SUCCESS, 6), SUCCESS);
    (void)NdisOffloadTcpReceiveReturn(world.fakes.protocol.bindings[0].handle, list);
    fin = world_disconnect(&world, 5, GRACEFUL);
    frame = world_frame(&world, 300, 25, 40, FLUE_TCP_FIN);
    world_leaves(&world, &frame);
    world_comes(&world, 0, 326, FLUE_TCP_FIN);
    world_complete(&world, SENT, b, SUCCESS, 20);
    world_complete(&world, CLOSED, fin, SUCCESS, 5);
    world_event(&world, TcpIndicateDisconnect, 0);
    world_fill(&world, world_post(&world, 10, 0), NDIS_STATUS_INVALID_STATE, 0);
    world_event(&world, TcpIndicateRetrieve, UploadRequested);
    world_terminate(&world);
    world.t.Delegated.SndUna = world.t.Delegated.SndNxt = world.t.Delegated.SndMax = SND_UNA + 326;
    world.t.Delegated.RcvNxt = RCV_NXT + 41;
    world.t.Delegated.State = TcpConnectionTimeWait;
    world_terminated(&world);
    assert_int_equal(world.count, 0);
    world_end(&world);
}

/* CH-136: whichever FIN is true, its acknowledgement is no more than came. */
static void a_true_fin_is_acknowledged(void **state)
{
    struct flue_frame frame;
    struct world world;

    (void)state;
    world_begin(&world, NULL);
    stale_fin(&world);
    frame = world_frame(&world, 0, 0, 41, 0);
    world_leaves(&world, &frame);
    assert_int_equal(world.count, 0);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_violator_is_named),
        cmocka_unit_test(a_good_life_is_not),
        cmocka_unit_test(a_true_fin_is_acknowledged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
