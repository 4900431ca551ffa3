/* SPDX-License-Identifier: GPL-2.0-only */
/* Hosts and targets that break one rule of receives, indications or events each: the checker must name that rule
 * first. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "check_violators_main.h"

/* ---- Receives ---- */

static void receive_of_two_buffers(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_room(world, 10), other = world_room(world, 10);

    nbl->FirstNetBuffer->Next = other->FirstNetBuffer;
    (void)NdisOffloadTcpReceive(world_handle(world), nbl);
}

static void post_in_post(void *ctx)
{
    struct world *world = ctx;

    world->fakes.miniport.during = NULL;
    (void)world_post(world, 10, 0);
}

static void posts_overlap(struct world *world)
{
    world->fakes.miniport.during = post_in_post;
    world->fakes.miniport.during_ctx = world;
    (void)world_post(world, 10, 0);
}

static void indicates_before_post(struct world *world)
{
    (void)world_post(world, 10, 0);
    (void)world_indicate(world, world_arrived(world, 5), SUCCESS, 5);
}

static void fills_out_of_order(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_post(world, 10, 0), next = world_post(world, 10, 0);

    world_fill(world, nbl, SUCCESS, 10);
    world->received += 10;
    world_fill(world, next, SUCCESS, 10);
}

static void completes_out_of_order(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_post(world, 0, 0), next = world_post(world, 0, 0);

    (void)nbl;
    world_fill(world, next, SUCCESS, 0);
}

static void receive_kept(struct world *world)
{
    (void)world_post(world, 0, 0);
    world_terminate(world);
    world_terminated(world);
}

static void short_then_more(struct world *world)
{
    world_fill(world, world_post(world, 10, 1), SUCCESS, 4);
    world_fill(world, world_post(world, 10, 1), SUCCESS, 10);
}

static void indicate_again(void *ctx)
{
    struct world *world = ctx;

    world->fakes.protocol.during = NULL;
    (void)world_indicate(world, world_arrived(world, 5), SUCCESS, 5);
}

static void indication_in_completion(struct world *world)
{
    world->fakes.protocol.during = indicate_again;
    world->fakes.protocol.during_ctx = world;
    world_fill(world, world_post(world, 10, 0), SUCCESS, 10);
}

static void complete_again(void *ctx)
{
    struct world *world = ctx;

    world->fakes.protocol.during = NULL;
    world_fill(world, world->kept, SUCCESS, 0);
}

static void completion_in_completion(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_post(world, 0, 0);

    world->kept = world_post(world, 0, 0);
    world->fakes.protocol.during = complete_again;
    world->fakes.protocol.during_ctx = world;
    world_fill(world, nbl, SUCCESS, 0);
}

static void delivers_what_never_came(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_post(world, 40, 0);

    world_comes(world, 39, 0, 0); /* past 2^32 */
    world_fill(world, nbl, SUCCESS, 40);
}

static void starves_a_receive(struct world *world)
{
    world_fill(world, world_post(world, 10, 0), NDIS_STATUS_RESOURCES, 0);
}

static void receive_status(struct world *world)
{
    world_fill(world, world_post(world, 10, 0), NDIS_STATUS_FAILURE, 0);
}

static void late_receive_succeeds(struct world *world)
{
    world_event(world, TcpIndicateDisconnect, 0);
    world_fill(world, world_post(world, 10, 0), SUCCESS, 0);
}

static void reports_less(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_post(world, 10, 0);
    const struct flue_span span = {.stream = RECV_ID, .length_bytes = 10};
    ULONG placed;

    assert_int_equal(ndis_nbl_fill(nbl, &span, &placed), FLUE_OK);
    world_complete(world, RECEIVED, nbl, SUCCESS, 7);
}

static void receive_not_advanced(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_post(world, 10, 0);
    const struct flue_span span = {.stream = RECV_ID, .length_bytes = 10};
    ULONG placed;

    assert_int_equal(ndis_nbl_fill(nbl, &span, &placed), FLUE_OK);
    nbl->Status = SUCCESS;
    NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)10;
    world->fakes.miniport.up.NdisTcpOffloadReceiveComplete(world->fakes.miniport.adapter, nbl);
}

/* ---- Indications ---- */

static void indicates_a_chain(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_arrived(world, 5);

    nbl->Next = world_arrived(world, 5);
    (void)world_indicate(world, nbl, SUCCESS, 5);
}

static void indicates_with_status(struct world *world)
{
    ULONG consumed;

    world->fakes.protocol.answer = SUCCESS;
    world->fakes.protocol.consumed = 5;
    (void)world->fakes.miniport.up.NdisTcpOffloadReceiveHandler(world_handle(world), world_arrived(world, 5),
                                                                NDIS_STATUS_RESOURCES, &consumed);
}

static void indicates_two_buffers(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_arrived(world, 5);

    nbl->FirstNetBuffer->Next = world_arrived(world, 5)->FirstNetBuffer;
    (void)world_indicate(world, nbl, SUCCESS, 5);
}

static void host_answers_anything(struct world *world)
{
    (void)world_indicate(world, world_arrived(world, 5), NDIS_STATUS_FAILURE, 0);
}

static void host_takes_and_refuses(struct world *world)
{
    (void)world_indicate(world, world_arrived(world, 5), NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 5);
}

static void host_takes_less(struct world *world)
{
    (void)world_indicate(world, world_arrived(world, 5), SUCCESS, 4);
}

static void refused_data_is_lost(struct world *world)
{
    (void)world_indicate(world, world_arrived(world, 5), SUCCESS, 5);
    (void)world_indicate(world, world_arrived(world, 5), NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0);
    world->kept = world_post(world, 0, 0);
    (void)world_indicate(world, world_arrived(world, 5), SUCCESS, 5); /* the five before it never came */
}

static void indicates_refused_again(struct world *world)
{
    (void)world_indicate(world, world_arrived(world, 5), NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0);
    world->received = 0;
    (void)world_indicate(world, world_arrived(world, 5), SUCCESS, 5);
}

static void indicates_past_a_post(struct world *world)
{
    (void)world_indicate(world, world_arrived(world, 5), NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0);
    world->received = 0;
    (void)world_post(world, 10, 0);
    (void)world_indicate(world, world_arrived(world, 5), SUCCESS, 5);
}

static void zero_byte_receive_takes(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_post(world, 0, 0);

    nbl->Status = SUCCESS;
    NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)1;
    world->fakes.miniport.up.NdisTcpOffloadReceiveComplete(world->fakes.miniport.adapter, nbl);
}

static void returns_twice(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_arrived(world, 5);

    (void)world_indicate(world, nbl, SUCCESS, 5);
    (void)NdisOffloadTcpReceiveReturn(world->fakes.protocol.bindings[0].handle, nbl);
    (void)NdisOffloadTcpReceiveReturn(world->fakes.protocol.bindings[0].handle, nbl);
}

static void never_returns(struct world *world)
{
    (void)world_indicate(world, world_arrived(world, 5), SUCCESS, 5);
    flue_ndis_check_end(world->fakes.ndis);
}

static void return_is_answered(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_arrived(world, 5);

    world->fakes.miniport.return_answer = NDIS_STATUS_PENDING;
    (void)world_indicate(world, nbl, SUCCESS, 5);
    (void)NdisOffloadTcpReceiveReturn(world->fakes.protocol.bindings[0].handle, nbl);
}

static void reuses_a_list(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_arrived(world, 5);

    (void)world_indicate(world, nbl, SUCCESS, 5);
    (void)world_indicate(world, nbl, SUCCESS, 5);
}

static void indicates_a_jump(struct world *world)
{
    (void)world_indicate(world, world_arrived(world, 5), SUCCESS, 5);
    world->received += 5;
    (void)world_indicate(world, world_arrived(world, 5), SUCCESS, 5);
}

static void indicates_what_never_came(struct world *world)
{
    world_comes(world, 4, 0, 0);
    (void)world_indicate(world, world_arrived(world, 5), SUCCESS, 5);
}

/* ---- Events ---- */

static void unknown_event(struct world *world)
{
    world_event(world, 77, 0);
}

static void end_without_fin(struct world *world)
{
    world_comes(world, 10, 0, 0);
    world_event(world, TcpIndicateDisconnect, 0);
}

static void end_twice(struct world *world)
{
    world_comes(world, 0, 0, FLUE_TCP_FIN);
    world_event(world, TcpIndicateDisconnect, 0);
    world_event(world, TcpIndicateDisconnect, 0);
}

static void end_before_data(struct world *world)
{
    world_comes(world, 20, 0, FLUE_TCP_FIN);
    (void)world_indicate(world, world_arrived(world, 19), SUCCESS, 19);
    world_event(world, TcpIndicateDisconnect, 0);
}

static void aborts_twice(struct world *world)
{
    world_comes(world, 0, 0, FLUE_TCP_RST);
    world_event(world, TcpIndicateAbort, 0);
    world_event(world, TcpIndicateAbort, 0);
}

static void abort_without_reset(struct world *world)
{
    world_comes(world, 0, 0, 0);
    world_event(world, TcpIndicateAbort, 0);
}

static void abort_is_ignored(struct world *world)
{
    world_event(world, TcpIndicateAbort, 0);
    flue_ndis_check_end(world->fakes.ndis);
}

static void unknown_reason(struct world *world)
{
    world_event(world, TcpIndicateRetrieve, 12);
}

static void retrieve_is_ignored(struct world *world)
{
    world_event(world, TcpIndicateRetrieve, UploadRequested);
    world->fakes.now_ps += 10001 * FLUE_PS_PER_MS;
    flue_ndis_check_end(world->fakes.ndis);
}

static void acknowledges_after_retrieve(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 0, 20, 0);

    world_comes(world, 15, 0, 0);
    world_event(world, TcpIndicateRetrieve, UploadRequested);
    world_comes(world, 5, 0, 0);
    world_leaves(world, &frame);
}

static void optional_when_half_closed(struct world *world)
{
    world_comes(world, 0, 0, FLUE_TCP_FIN);
    world_event(world, TcpIndicateDisconnect, 0);
    world_event(world, TcpIndicateRetrieve, LowActivity);
}

static void mandatory_when_half_closed(struct world *world)
{
    world_comes(world, 0, 0, FLUE_TCP_FIN);
    world_event(world, TcpIndicateDisconnect, 0);
    world_event(world, TcpIndicateRetrieve, TimeoutExpiration);
}

static void aborted_receives_kept(struct world *world)
{
    (void)world_post(world, 10, 0);
    world_event(world, TcpIndicateAbort, 0);
    world_terminate(world);
    world_terminated(world);
}

#define H FLUE_PARTY_HOST
#define T FLUE_PARTY_TARGET

const struct violator violators[] = {
    VIOLATOR(177, H, receive_of_two_buffers, 0),
    VIOLATOR(178, H, posts_overlap, 0),
    VIOLATOR(179, T, indicates_before_post, 0),
    VIOLATOR(180, T, fills_out_of_order, 0),
    VIOLATOR(181, T, completes_out_of_order, 0),
    VIOLATOR(118, T, receive_kept, 182),
    VIOLATOR(189, T, short_then_more, 0),
    VIOLATOR(192, T, indication_in_completion, 0),
    VIOLATOR(193, T, completion_in_completion, 0),
    VIOLATOR(194, T, delivers_what_never_came, 0),
    VIOLATOR(142, T, starves_a_receive, 0),
    VIOLATOR(195, T, receive_status, 0),
    VIOLATOR(196, T, late_receive_succeeds, 0),
    VIOLATOR(197, T, reports_less, 0),
    VIOLATOR(198, T, receive_not_advanced, 0),
    VIOLATOR(199, T, indicates_a_chain, 0),
    VIOLATOR(200, T, indicates_with_status, 0),
    VIOLATOR(201, T, indicates_two_buffers, 0),
    VIOLATOR(202, H, host_answers_anything, 0),
    VIOLATOR(203, H, host_takes_and_refuses, 0),
    VIOLATOR(203, H, host_takes_less, 0),
    VIOLATOR(204, T, refused_data_is_lost, 0),
    VIOLATOR(205, T, indicates_refused_again, 0),
    VIOLATOR(206, T, indicates_past_a_post, 0),
    VIOLATOR(207, T, zero_byte_receive_takes, 0),
    VIOLATOR(210, H, returns_twice, 0),
    VIOLATOR(210, H, never_returns, 0),
    VIOLATOR(211, T, return_is_answered, 0),
    VIOLATOR(212, T, reuses_a_list, 0),
    VIOLATOR(137, T, indicates_a_jump, 0),
    VIOLATOR(136, T, indicates_what_never_came, 0),
    VIOLATOR(247, T, unknown_event, 0),
    VIOLATOR(248, T, end_without_fin, 0),
    VIOLATOR(248, T, end_twice, 0),
    VIOLATOR(249, T, end_before_data, 0),
    VIOLATOR(252, T, aborts_twice, 0),
    VIOLATOR(255, T, abort_without_reset, 0),
    VIOLATOR(256, H, abort_is_ignored, 0),
    VIOLATOR(257, T, unknown_reason, 0),
    VIOLATOR(258, H, retrieve_is_ignored, 0),
    VIOLATOR(259, T, acknowledges_after_retrieve, 0),
    VIOLATOR(261, T, optional_when_half_closed, 0),
    VIOLATOR(262, T, mandatory_when_half_closed, 0),
    VIOLATOR(254, T, aborted_receives_kept, 0),
};

const size_t violator_count = sizeof violators / sizeof violators[0];
