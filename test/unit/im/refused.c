/* SPDX-License-Identifier: GPL-2.0-only */
/* An intermediate driver whose data requests N refuses (INVALID_STATE): they were answered PENDING above, so each list
 * comes back once, later, with a status that the interface knows, and a refused send sends nothing after it (CH-339).
 *
 * N refuses what names no connection of the layer below.  A sound driver never makes it do so; refused_edge.c does. */
#include "script.h"

#include "support/test.h"

extern bool edge_refuses;

static const struct flue_im_params pass = {.kind = FLUE_IM_PASS, .name = "pass"};

static NDIS_STATUS gracefully(PNDIS_OFFLOAD_HANDLE handle, PNET_BUFFER_LIST list)
{
    return NdisOffloadTcpDisconnect(handle, list, TCP_DISCONNECT_GRACEFUL_CLOSE);
}

static NDIS_STATUS abortively(PNDIS_OFFLOAD_HANDLE handle, PNET_BUFFER_LIST list)
{
    return NdisOffloadTcpDisconnect(handle, list, TCP_DISCONNECT_ABORTIVE_CLOSE);
}

static const struct {
    NDIS_STATUS (*ask)(PNDIS_OFFLOAD_HANDLE handle, PNET_BUFFER_LIST list);
    const char *answer;
    NDIS_STATUS first, second; /* of a chain of two; a disconnect is one */
} requests[] = {
    {NdisOffloadTcpSend, "ProtocolTcpOffloadSendComplete", NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_UPLOAD_REQUESTED},
    {NdisOffloadTcpReceive, "ProtocolTcpOffloadReceiveComplete", NDIS_STATUS_UPLOAD_IN_PROGRESS,
     NDIS_STATUS_UPLOAD_IN_PROGRESS},
    {NdisOffloadTcpForward, "ProtocolTcpOffloadForwardComplete", NDIS_STATUS_UPLOAD_IN_PROGRESS,
     NDIS_STATUS_UPLOAD_IN_PROGRESS},
    {gracefully, "ProtocolTcpOffloadDisconnectComplete", NDIS_STATUS_UPLOAD_IN_PROGRESS, 0},
    {abortively, "ProtocolTcpOffloadDisconnectComplete", NDIS_STATUS_UPLOAD_IN_PROGRESS, 0},
};

static void each_request_comes_back_later(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        PNET_BUFFER_LIST list;

        begin(&pass);
        offload(&fakes.miniport);
        list = list_of(10);
        list->Next = requests[i].second == 0 ? NULL : list_of(20);
        edge_refuses = true;
        assert_int_equal(requests[i].ask(&o.handle[FIRST].handle, list), NDIS_STATUS_PENDING);
        log_is("");
        pass_time(10 * FLUE_PS_PER_MS);
        log_is(requests[i].answer);
        assert_ptr_equal(fakes.protocol.list, list);
        assert_int_equal(list->Status, requests[i].first);
        assert_null(list->Context);
        if (list->Next != NULL) {
            assert_int_equal(list->Next->Status, requests[i].second);
            assert_null(list->Next->Context);
        }
        put(list);
        edge_refuses = false;
        upload_all(&fakes.miniport);
        end();
    }
}

/* Sends that are below come back first, and only then the refused ones and the disconnect behind them; whatever is
 * asked of the connection later goes no further, though N would take it again. */
static void nothing_overtakes(void **state)
{
    PNET_BUFFER_LIST early, late, later, fin;

    (void)state;
    begin(&pass);
    offload(&fakes.miniport);
    early = list_of(5);
    late = list_of(6);
    later = list_of(7);
    fin = list_of(8);
    (void)NdisOffloadTcpSend(&o.handle[FIRST].handle, early);
    log_is("MiniportTcpOffloadSend");
    edge_refuses = true;
    (void)NdisOffloadTcpSend(&o.handle[FIRST].handle, late);
    edge_refuses = false;
    (void)NdisOffloadTcpSend(&o.handle[FIRST].handle, later);
    (void)gracefully(&o.handle[FIRST].handle, fin);
    pass_time(10 * FLUE_PS_PER_MS);
    log_is("");
    fakes.miniport.up.NdisTcpOffloadSendComplete(fakes.miniport.adapter, early);
    log_is("ProtocolTcpOffloadSendComplete");
    pass_time(10 * FLUE_PS_PER_MS);
    log_is("ProtocolTcpOffloadSendComplete ProtocolTcpOffloadDisconnectComplete");
    assert_ptr_equal(late->Next, later);
    assert_int_equal(late->Status, NDIS_STATUS_REQUEST_UPLOAD);
    assert_int_equal(later->Status, NDIS_STATUS_REQUEST_UPLOAD); /* the first of its call */
    assert_int_equal(fin->Status, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    put(early);
    put(late);
    put(fin);
    upload_all(&fakes.miniport);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_comes_back_later),
        cmocka_unit_test(nothing_overtakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
