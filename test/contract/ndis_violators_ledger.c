/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists that come back twice or were never lent, and handles that are no adapter's: each is a finding, and nothing
 * behind the pointer is touched (CH-041, CH-121, CH-173, CH-201, CH-210, CH-212, CH-234; D-02: CH-008). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "check_data_world.h"

/* ---- What comes back twice, or under a name that is none ---- */

/* A pointer at which there is nothing to read. */
static PNET_BUFFER_LIST nowhere(void)
{
    return (PNET_BUFFER_LIST)(uintptr_t)16;
}

static void sent(PNET_BUFFER_LIST nbl, ULONG bytes)
{
    nbl->Status = NDIS_STATUS_SUCCESS;
    NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)bytes;
    NdisAdvanceNetBufferDataStart(nbl->FirstNetBuffer, bytes, 0, NULL);
}

static void completes_what_is_gone(struct world *w)
{
    w->fakes.miniport.up.NdisTcpOffloadSendComplete(w->fakes.miniport.adapter, nowhere());
}

static void completes_a_disconnect_that_is_gone(struct world *w)
{
    w->fakes.miniport.up.NdisTcpOffloadDisconnectComplete(w->fakes.miniport.adapter, nowhere());
}

/* The sound list before it arrives all the same. */
static void completes_a_chain_into_nothing(struct world *w)
{
    PNET_BUFFER_LIST nbl = world_send(w, 10);

    sent(nbl, 10);
    nbl->Next = nowhere();
    w->fakes.protocol.list = NULL;
    w->fakes.miniport.up.NdisTcpOffloadSendComplete(w->fakes.miniport.adapter, nbl);
    assert_ptr_equal(w->fakes.protocol.list, nbl);
    assert_null(nbl->Next);
}

static void returns_what_is_gone(struct world *w)
{
    assert_int_equal(NdisOffloadTcpReceiveReturn(w->fakes.protocol.bindings[0].handle, nowhere()), NDIS_STATUS_SUCCESS);
}

static PNET_BUFFER_LIST lend_upward(struct world *w)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(w->fakes.frames);

    NdisMIndicateReceiveNetBufferLists(w->fakes.miniport.adapter, nbl, 0, 1, 0);
    return nbl;
}

static PNET_BUFFER_LIST send_frame(struct world *w)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(w->fakes.frames);

    NdisSendNetBufferLists(w->fakes.protocol.bindings[0].handle, nbl, 0, 0);
    return nbl;
}

static void sends_a_frame(struct world *w)
{
    PNET_BUFFER_LIST nbl = send_frame(w);

    NdisMSendNetBufferListsComplete(w->fakes.miniport.adapter, nbl, 0);
    ndis_nbl_put(nbl);
    nbl = lend_upward(w);
    NdisReturnNetBufferLists(w->fakes.protocol.bindings[0].handle, nbl, 0);
    ndis_nbl_put(nbl);
}

static void completes_a_frame_twice(struct world *w)
{
    PNET_BUFFER_LIST nbl = send_frame(w);

    NdisMSendNetBufferListsComplete(w->fakes.miniport.adapter, nbl, 0);
    ndis_nbl_put(nbl);
    w->fakes.protocol.list = NULL;
    NdisMSendNetBufferListsComplete(w->fakes.miniport.adapter, nbl, 0);
    NdisMSendNetBufferListsComplete(w->fakes.miniport.adapter, nowhere(), 0);
    assert_null(w->fakes.protocol.list);
}

static void sends_a_frame_twice(struct world *w)
{
    PNET_BUFFER_LIST nbl = send_frame(w);

    NdisSendNetBufferLists(w->fakes.protocol.bindings[0].handle, nbl, 0, 0);
    NdisMSendNetBufferListsComplete(w->fakes.miniport.adapter, nbl, 0);
    ndis_nbl_put(nbl);
}

static void indicates_a_list_without_a_buffer(struct world *w)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(w->fakes.frames);
    NET_BUFFER *nb = nbl->FirstNetBuffer;

    nbl->FirstNetBuffer = NULL;
    NdisMIndicateReceiveNetBufferLists(w->fakes.miniport.adapter, nbl, 0, 1, 0);
    nbl->FirstNetBuffer = nb;
    NdisReturnNetBufferLists(w->fakes.protocol.bindings[0].handle, nbl, 0);
    ndis_nbl_put(nbl);
}

/* One more or fewer than there are; what is above hears how many there are. */
static void indicates_a_wrong_number(struct world *w, ULONG number)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(w->fakes.frames);

    nbl->Next = ndis_nbl_get(w->fakes.frames);
    NdisMIndicateReceiveNetBufferLists(w->fakes.miniport.adapter, nbl, 0, number, 0);
    NdisReturnNetBufferLists(w->fakes.protocol.bindings[0].handle, nbl, 0);
    ndis_chain_put(nbl);
}

static void indicates_one_list_too_many(struct world *w)
{
    indicates_a_wrong_number(w, 3);
}

static void indicates_no_list_of_two(struct world *w)
{
    indicates_a_wrong_number(w, 0);
}

static void indicates_two_lists(struct world *w)
{
    indicates_a_wrong_number(w, 2);
}

/* The host gets its list back, and can free it. */
static void completes_a_frame_without_its_buffer(struct world *w)
{
    PNET_BUFFER_LIST nbl = send_frame(w);

    nbl->FirstNetBuffer = NULL;
    w->fakes.protocol.list = NULL;
    NdisMSendNetBufferListsComplete(w->fakes.miniport.adapter, nbl, 0);
    assert_ptr_equal(w->fakes.protocol.list, nbl);
    ndis_nbl_put(nbl);
}

/* It does not go down: nobody below could read it. */
static void sends_a_frame_without_a_buffer(struct world *w)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(w->fakes.frames);

    nbl->FirstNetBuffer = NULL;
    w->fakes.miniport.list = NULL;
    NdisSendNetBufferLists(w->fakes.protocol.bindings[0].handle, nbl, 0, 0);
    assert_null(w->fakes.miniport.list);
    ndis_nbl_put(nbl);
}

static void indicates_a_frame_twice(struct world *w)
{
    PNET_BUFFER_LIST nbl = lend_upward(w);

    NdisMIndicateReceiveNetBufferLists(w->fakes.miniport.adapter, nbl, 0, 1, 0);
    NdisReturnNetBufferLists(w->fakes.protocol.bindings[0].handle, nbl, 0);
    ndis_nbl_put(nbl);
}

static void returns_a_frame_twice(struct world *w)
{
    PNET_BUFFER_LIST nbl = lend_upward(w);

    NdisReturnNetBufferLists(w->fakes.protocol.bindings[0].handle, nbl, 0);
    ndis_nbl_put(nbl);
    NdisReturnNetBufferLists(w->fakes.protocol.bindings[0].handle, nowhere(), 0);
}

/* D-02. */
static void names_its_driver_handle(struct world *w)
{
    NDIS_HANDLE right = w->fakes.miniport.adapter;

    world_terminate(w);
    w->fakes.miniport.adapter = w->fakes.miniport.driver;
    world_terminated(w);
    assert_int_equal(flue_ndis_binding_ledger(w->fakes.protocol.bindings[0].handle).trees_out, 1);
    w->fakes.miniport.adapter = right;
    world_terminated(w);
}

static void names_its_own_context(struct world *w)
{
    PNET_BUFFER_LIST nbl = world_send(w, 10);

    sent(nbl, 10);
    w->fakes.miniport.up.NdisTcpOffloadSendComplete(&w->fakes.miniport, nbl);
    assert_int_equal(flue_ndis_binding_ledger(w->fakes.protocol.bindings[0].handle).sends_out, 1);
    w->fakes.miniport.up.NdisTcpOffloadSendComplete(w->fakes.miniport.adapter, nbl);
}

/* D-03. */
static void tells_an_event_of_itself(struct world *w)
{
    w->fakes.miniport.up.NdisTcpOffloadEventHandler(w->fakes.miniport.adapter, TcpIndicateRetrieve, LowActivity);
}

static void indicates_to_itself(struct world *w)
{
    PNET_BUFFER_LIST nbl = world_arrived(w, 10);
    ULONG consumed = 7;

    assert_int_equal(w->fakes.miniport.up.NdisTcpOffloadReceiveHandler(w->fakes.miniport.adapter, nbl,
                                                                       NDIS_STATUS_SUCCESS, &consumed),
                     NDIS_STATUS_INVALID_STATE);
    assert_int_equal(consumed, 0);
    ndis_nbl_put(nbl);
}

static void indicates_under_its_driver_handle(struct world *w)
{
    NDIS_STATUS_INDICATION indication = {.StatusCode = NDIS_STATUS_OFFLOAD_PAUSE};
    PNDIS_OFFLOAD_EVENT_HANDLERS table;

    NdisMIndicateStatusEx(w->fakes.miniport.driver, &indication);
    NdisMOffloadEventIndicate(w->fakes.miniport.driver, NULL, NeighborReachabilityQuery);
    NdisMSendNetBufferListsComplete(w->fakes.miniport.driver, NULL, 0);
    assert_int_equal(NdisMGetOffloadHandlers(w->fakes.miniport.driver, NdisTcpChimneyOffload, &table),
                     NDIS_STATUS_INVALID_STATE);
    assert_null(table);
    assert_int_equal(flue_ndis_findings(w->fakes.ndis, 8), 4);
}

/* The host has forgotten what it posted to: it does not hear of it any more. */
static void completes_a_post_too_late(struct world *w)
{
    PNET_BUFFER_LIST nbl = world_post(w, 100, 0);

    world_terminate(w);
    world_terminated(w);
    assert_int_equal(flue_ndis_findings(w->fakes.ndis, 118), 1);
    assert_int_equal(flue_ndis_findings(w->fakes.ndis, 182), 0);
    w->fakes.protocol.list = NULL;
    w->fakes.miniport.up.NdisTcpOffloadReceiveComplete(w->fakes.miniport.adapter, nbl);
    assert_null(w->fakes.protocol.list);
    assert_int_equal(flue_ndis_findings(w->fakes.ndis, 182), 1);
}

static void breaches_are_found_first(void **state)
{
    static const struct breach cases[] = {
        BREACH(completes_what_is_gone, 121, FLUE_PARTY_TARGET),
        BREACH(completes_a_disconnect_that_is_gone, 234, FLUE_PARTY_TARGET),
        BREACH(completes_a_chain_into_nothing, 121, FLUE_PARTY_TARGET),
        BREACH(returns_what_is_gone, 210, FLUE_PARTY_HOST),
        BREACH(completes_a_post_too_late, 118, FLUE_PARTY_TARGET),
        BREACH(sends_a_frame, 0, FLUE_PARTY_HOST),
        BREACH(completes_a_frame_twice, 121, FLUE_PARTY_TARGET),
        BREACH(sends_a_frame_twice, 41, FLUE_PARTY_HOST),
        BREACH(indicates_a_frame_twice, 212, FLUE_PARTY_TARGET),
        BREACH(indicates_a_list_without_a_buffer, 201, FLUE_PARTY_TARGET),
        BREACH(indicates_one_list_too_many, 201, FLUE_PARTY_TARGET),
        BREACH(indicates_no_list_of_two, 201, FLUE_PARTY_TARGET),
        BREACH(indicates_two_lists, 0, FLUE_PARTY_TARGET),
        BREACH(completes_a_frame_without_its_buffer, 173, FLUE_PARTY_TARGET),
        BREACH(sends_a_frame_without_a_buffer, 41, FLUE_PARTY_HOST),
        BREACH(returns_a_frame_twice, 210, FLUE_PARTY_HOST),
        BREACH(names_its_driver_handle, 8, FLUE_PARTY_TARGET),
        BREACH(names_its_own_context, 8, FLUE_PARTY_TARGET),
        BREACH(tells_an_event_of_itself, 247, FLUE_PARTY_TARGET),
        BREACH(indicates_to_itself, 199, FLUE_PARTY_TARGET),
        BREACH(indicates_under_its_driver_handle, 8, FLUE_PARTY_TARGET),
    };

    (void)state;
    breaches_run(cases, sizeof cases / sizeof cases[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(breaches_are_found_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
