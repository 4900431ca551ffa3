/* SPDX-License-Identifier: GPL-2.0-only */
/* Hosts and targets that break one rule of sends, disconnects or forwards each: the checker must name that rule
 * first. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "check_violators_main.h"

/* ---- Sends ---- */

static void handler_answers(struct world *world)
{
    world->fakes.miniport.answer = SUCCESS;
    (void)world_send(world, 10);
}

static void receive_handler_answers(struct world *world)
{
    world->fakes.miniport.answer = NDIS_STATUS_FAILURE;
    (void)world_post(world, 10, 0);
}

static void disconnect_handler_answers(struct world *world)
{
    world->fakes.miniport.answer = NDIS_STATUS_FAILURE;
    (void)world_disconnect(world, 0, GRACEFUL);
}

static void forward_handler_answers(struct world *world)
{
    world->fakes.miniport.answer = NDIS_STATUS_FAILURE;
    (void)NdisOffloadTcpForward(world_handle(world), world_segment(world));
}

static void send_keeps_list(struct world *world)
{
    (void)world_send(world, 10);
    world_terminate(world);
    world_terminated(world);
}

static void send_fails_without_cause(struct world *world)
{
    world_complete(world, SENT, world_send(world, 10), NDIS_STATUS_FAILURE, 0);
}

static void send_in_send(void *ctx)
{
    struct world *world = ctx;

    world->fakes.miniport.during = NULL;
    (void)world_send(world, 10);
}

static void sends_overlap(struct world *world)
{
    world->fakes.miniport.during = send_in_send;
    world->fakes.miniport.during_ctx = world;
    (void)world_send(world, 10);
}

static void other_bytes_leave(struct world *world)
{
    struct flue_frame frame = world_frame(world, 10, 10, 0, 0);

    (void)world_send(world, 20);
    frame.payload.offset_bytes = 0;
    world_leaves(world, &frame);
}

static void urgent_leaves(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 10, 0, FLUE_TCP_URG);

    (void)world_send(world, 10);
    world_leaves(world, &frame);
}

static void send_succeeds_early(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_send(world, 300);

    world_comes(world, 0, 299, 0); /* past 2^32 */
    world_complete(world, SENT, nbl, SUCCESS, 300);
}

static void send_succeeds_in_part(struct world *world)
{
    world_complete(world, SENT, world_send(world, 10), SUCCESS, 9);
}

static void send_without_status(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_send(world, 10);

    world_complete(world, SENT, nbl, nbl->Status, 10);
}

static void upload_without_cause(struct world *world)
{
    world_complete(world, SENT, world_send(world, 10), UPLOAD, 0);
}

static void upload_for_an_optional_reason(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_send(world, 10);

    world_event(world, TcpIndicateRetrieve, LowActivity);
    world_complete(world, SENT, nbl, UPLOAD, 0);
}

static void abort_without_cause(struct world *world)
{
    world_complete(world, SENT, world_send(world, 10), ABORTED, 0);
}

static void success_after_failure(struct world *world)
{
    PNET_BUFFER_LIST a = world_send(world, 10), b = world_send(world, 10);

    world_event(world, TcpIndicateRetrieve, UploadRequested);
    world_complete(world, SENT, a, UPLOAD, 0);
    world_complete(world, SENT, b, SUCCESS, 10);
}

static void two_in_part(struct world *world)
{
    PNET_BUFFER_LIST a = world_send(world, 10), b = world_send(world, 10);

    world_event(world, TcpIndicateRetrieve, UploadRequested);
    world_complete(world, SENT, a, UPLOAD, 4);
    world_complete(world, SENT, b, UPLOAD, 4);
}

static void more_than_acknowledged(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_send(world, 10);

    world_comes(world, 0, 3, 0);
    world_event(world, TcpIndicateRetrieve, UploadRequested);
    world_complete(world, SENT, nbl, UPLOAD, 4);
}

static void send_not_advanced(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_send(world, 10);

    world_complete(world, SENT, nbl, SUCCESS, 0);
}

static void send_slot_only(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_send(world, 10);

    NdisAdvanceNetBufferDataStart(nbl->FirstNetBuffer, 3, 0, NULL);
    nbl->FirstNetBuffer->DataLength += 2;
    nbl->Status = SUCCESS;
    NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)10;
    world->fakes.miniport.up.NdisTcpOffloadSendComplete(world->fakes.miniport.adapter, nbl);
}

static void target_says_request_upload(struct world *world)
{
    world_complete(world, SENT, world_send(world, 10), NDIS_STATUS_REQUEST_UPLOAD, 0);
}

static void send_completes_twice(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_send(world, 10);

    world_complete(world, SENT, nbl, SUCCESS, 10);
    world->fakes.miniport.up.NdisTcpOffloadSendComplete(world->fakes.miniport.adapter, nbl);
}

static void late_send_succeeds(struct world *world)
{
    world_event(world, TcpIndicateRetrieve, UploadRequested);
    world_complete(world, SENT, world_send(world, 10), SUCCESS, 10);
}

static void heard(void *ctx)
{
    *(int *)ctx += 1;
}

/* What comes after the terminate does not reach the target, which would hear of it when the connection is gone; it
 * comes back with the terminate. */
static void unheard(struct world *world, NDIS_STATUS (*call)(struct world *world))
{
    int times = 0;

    world_terminate(world);
    world->fakes.miniport.during = heard;
    world->fakes.miniport.during_ctx = &times;
    world->fakes.protocol.list = NULL;
    assert_int_equal(call(world), NDIS_STATUS_PENDING);
    assert_null(world->fakes.protocol.list);
    world_terminated(world);
    assert_int_equal(times, 0);
    assert_non_null(world->fakes.protocol.list);
    assert_int_equal(world->fakes.protocol.list->Status, NDIS_STATUS_UPLOAD_IN_PROGRESS);
}

static NDIS_STATUS call_send(struct world *world)
{
    return NdisOffloadTcpSend(world_handle(world), world_list(world, 10));
}

static NDIS_STATUS call_post(struct world *world)
{
    return NdisOffloadTcpReceive(world_handle(world), world_room(world, 10));
}

static NDIS_STATUS call_disconnect(struct world *world)
{
    return NdisOffloadTcpDisconnect(world_handle(world), world_list(world, 0), GRACEFUL);
}

static NDIS_STATUS call_forward(struct world *world)
{
    return NdisOffloadTcpForward(world_handle(world), world_segment(world));
}

static void send_after_terminate(struct world *world)
{
    unheard(world, call_send);
}

static void post_after_terminate(struct world *world)
{
    unheard(world, call_post);
}

static void disconnect_after_terminate(struct world *world)
{
    unheard(world, call_disconnect);
}

static void send_after_terminated(struct world *world)
{
    world_terminate(world);
    world_terminated(world);
    assert_int_equal(call_send(world), NDIS_STATUS_INVALID_STATE);
}

/* ---- Disconnects ---- */

static void both_flags(struct world *world)
{
    (void)world_disconnect(world, 0, GRACEFUL | ABORTIVE);
}

static void disconnect_of_two_lists(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_list(world, 5);

    nbl->Next = world_list(world, 5);
    (void)NdisOffloadTcpDisconnect(world_handle(world), nbl, GRACEFUL);
}

static void abort_with_data(struct world *world)
{
    (void)world_disconnect(world, 5, ABORTIVE);
}

static void rst_unasked(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 0, 0, FLUE_TCP_RST);

    world_leaves(world, &frame);
}

static void abort_leaves_sends(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 0, 0, FLUE_TCP_RST);
    PNET_BUFFER_LIST nbl;

    (void)world_send(world, 10);
    nbl = world_disconnect(world, 0, ABORTIVE);
    world_leaves(world, &frame);
    world_complete(world, CLOSED, nbl, SUCCESS, 0);
}

static void acknowledges_after_abort(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 0, 20, 0);

    world_comes(world, 15, 0, 0);
    (void)world_disconnect(world, 0, ABORTIVE);
    world_comes(world, 5, 0, 0);
    world_leaves(world, &frame);
}

static void fin_before_data(struct world *world)
{
    const struct flue_frame frame = world_frame(world, 0, 10, 0, FLUE_TCP_FIN);

    (void)world_send(world, 10);
    (void)world_disconnect(world, 5, GRACEFUL);
    world_leaves(world, &frame);
}

static void closes_before_sends(struct world *world)
{
    PNET_BUFFER_LIST nbl;

    (void)world_send(world, 10);
    nbl = world_disconnect(world, 0, GRACEFUL);
    world_complete(world, CLOSED, nbl, SUCCESS, 0);
}

static void closes_before_fin_is_acknowledged(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_disconnect(world, 300, GRACEFUL);

    world_comes(world, 0, 300, 0);
    world_complete(world, CLOSED, nbl, SUCCESS, 300);
}

static void disconnect_status(struct world *world)
{
    world_complete(world, CLOSED, world_disconnect(world, 0, GRACEFUL), NDIS_STATUS_FAILURE, 0);
}

static void abort_without_rst(struct world *world)
{
    PNET_BUFFER_LIST nbl;

    world_comes(world, 0, 0, 0); /* frames are shown */
    nbl = world_disconnect(world, 0, ABORTIVE);
    world_complete(world, CLOSED, nbl, SUCCESS, 0);
}

static void disconnect_reports_less(struct world *world)
{
    world_complete(world, CLOSED, world_disconnect(world, 10, GRACEFUL), SUCCESS, 9);
}

static void disconnect_not_advanced(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_disconnect(world, 10, GRACEFUL);

    nbl->Status = SUCCESS;
    NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)10;
    world->fakes.miniport.up.NdisTcpOffloadDisconnectComplete(world->fakes.miniport.adapter, nbl);
}

static void disconnect_returns_another(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_send(world, 10);

    (void)world_disconnect(world, 0, GRACEFUL);
    world_complete(world, CLOSED, nbl, SUCCESS, 10);
}

static void disconnect_fails_without_cause(struct world *world)
{
    world_complete(world, CLOSED, world_disconnect(world, 0, GRACEFUL), ABORTED, 0);
}

static void disconnect_again(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_disconnect(world, 0, GRACEFUL);

    world_event(world, TcpIndicateRetrieve, UploadRequested);
    world_complete(world, CLOSED, nbl, UPLOAD, 0);
    (void)world_disconnect(world, 0, GRACEFUL);
}

/* ---- Forwards ---- */

static void forward_kept(struct world *world)
{
    (void)NdisOffloadTcpForward(world_handle(world), world_segment(world));
    world_terminate(world);
    world_terminated(world);
}

static void forwards_a_fragment(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_segment(world);

    ndis_nbl_frame(nbl)->kind = FLUE_FRAME_FRAGMENT;
    (void)NdisOffloadTcpForward(world_handle(world), nbl);
}

static void forwards_a_stranger(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_segment(world);

    ndis_nbl_frame(nbl)->src_port++;
    (void)NdisOffloadTcpForward(world_handle(world), nbl);
}

static void starves_a_send(struct world *world)
{
    world_complete(world, SENT, world_send(world, 300), NDIS_STATUS_RESOURCES, 0);
}

static void forwards_after_terminate(struct world *world)
{
    unheard(world, call_forward);
}

static void forward_without_status(struct world *world)
{
    PNET_BUFFER_LIST nbl = world_segment(world);

    (void)NdisOffloadTcpForward(world_handle(world), nbl);
    world->fakes.miniport.up.NdisTcpOffloadForwardComplete(world->fakes.miniport.adapter, nbl);
}

#define H FLUE_PARTY_HOST
#define T FLUE_PARTY_TARGET

const struct violator violators[] = {
    VIOLATOR(156, T, handler_answers, 0),
    VIOLATOR(176, T, receive_handler_answers, 0),
    VIOLATOR(217, T, disconnect_handler_answers, 0),
    VIOLATOR(239, T, forward_handler_answers, 0),
    VIOLATOR(121, T, send_keeps_list, 125, 157),
    VIOLATOR(142, T, starves_a_send, 0),
    VIOLATOR(158, T, send_fails_without_cause, 0),
    VIOLATOR(161, H, sends_overlap, 0),
    VIOLATOR(159, T, other_bytes_leave, 0),
    VIOLATOR(165, T, urgent_leaves, 0),
    VIOLATOR(166, T, send_succeeds_early, 0),
    VIOLATOR(166, T, send_succeeds_in_part, 0),
    VIOLATOR(167, T, send_without_status, 0),
    VIOLATOR(168, T, upload_without_cause, 0),
    VIOLATOR(168, T, upload_for_an_optional_reason, 0),
    VIOLATOR(169, T, abort_without_cause, 0),
    VIOLATOR(170, T, success_after_failure, 0),
    VIOLATOR(171, T, two_in_part, 0),
    VIOLATOR(172, T, more_than_acknowledged, 0),
    VIOLATOR(166, T, send_not_advanced, 0),
    VIOLATOR(173, T, send_slot_only, 0),
    VIOLATOR(174, T, target_says_request_upload, 0),
    VIOLATOR(121, T, send_completes_twice, 0),
    VIOLATOR(141, T, late_send_succeeds, 0),
    VIOLATOR(116, H, send_after_terminate, 0),
    VIOLATOR(116, H, post_after_terminate, 0),
    VIOLATOR(116, H, disconnect_after_terminate, 0),
    VIOLATOR(116, H, send_after_terminated, 0),
    VIOLATOR(218, H, both_flags, 0),
    VIOLATOR(219, H, disconnect_of_two_lists, 0),
    VIOLATOR(220, H, abort_with_data, 0),
    VIOLATOR(222, T, rst_unasked, 0),
    VIOLATOR(223, T, abort_leaves_sends, 0),
    VIOLATOR(225, T, acknowledges_after_abort, 0),
    VIOLATOR(226, T, fin_before_data, 0),
    VIOLATOR(228, T, closes_before_sends, 0),
    VIOLATOR(229, T, closes_before_fin_is_acknowledged, 0),
    VIOLATOR(230, T, disconnect_status, 0),
    VIOLATOR(231, T, abort_without_rst, 0),
    VIOLATOR(232, T, disconnect_reports_less, 0),
    VIOLATOR(233, T, disconnect_not_advanced, 0),
    VIOLATOR(234, T, disconnect_returns_another, 0),
    VIOLATOR(235, T, disconnect_fails_without_cause, 0),
    VIOLATOR(236, H, disconnect_again, 0),
    VIOLATOR(120, T, forward_kept, 240),
    VIOLATOR(241, H, forwards_a_fragment, 0),
    VIOLATOR(242, H, forwards_a_stranger, 0),
    VIOLATOR(244, H, forwards_after_terminate, 0),
    VIOLATOR(246, T, forward_without_status, 0),
};

const size_t violator_count = sizeof violators / sizeof violators[0];
