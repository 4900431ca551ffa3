/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests and their answers, capabilities, pause before a halt, power (behaviour 4.6 b, 4.10, 12; D-54). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ndis_fake_im.h"

enum { DEEPEST = 3 };

struct world {
    struct fakes fakes;
    struct fake_im im[DEEPEST];
    unsigned depth;
    NDIS_TCP_CONNECTION_OFFLOAD capability;
    unsigned done; /* power changes that ended */
    NDIS_STATUS done_status;
};

static const char *const names[DEEPEST] = {"im 0", "im 1", "im 2"};

static void begin(struct world *w, unsigned depth, bool capable)
{
    fakes_prepare(&w->fakes, 1);
    w->depth = depth;
    w->done = 0;
    w->capability = (NDIS_TCP_CONNECTION_OFFLOAD){.TcpConnectionOffloadCapacity = 4711};
    w->fakes.miniport.capability = capable ? &w->capability : NULL;
    assert_int_equal(fake_miniport_register(&w->fakes.miniport), NDIS_STATUS_SUCCESS);
    assert_int_equal(flue_ndis_adapter_start(w->fakes.ndis, w->fakes.miniport.driver, "adapter 0", &w->fakes.miniport,
                                             &w->fakes.miniport.adapter),
                     FLUE_OK);
    for (unsigned i = 0; i < depth; i++) {
        fake_im_begin(&w->im[i], w->fakes.ndis, names[i], 1);
        fake_im_register(&w->im[i]);
    }
    assert_int_equal(fake_protocol_register(&w->fakes.protocol), NDIS_STATUS_SUCCESS);
}

static void end(struct world *w)
{
    if (w->fakes.miniport.adapter != NULL) {
        assert_int_equal(flue_ndis_adapter_stop(w->fakes.ndis, w->fakes.miniport.adapter), FLUE_OK);
        w->fakes.miniport.adapter = NULL;
    }
    for (unsigned i = 0; i < w->depth; i++) {
        fake_im_end(&w->im[i]);
    }
    fakes_end(&w->fakes);
}

static NDIS_HANDLE host(const struct world *w)
{
    return w->fakes.protocol.bindings[0].handle;
}

/* ---- Requests ---- */

static void n_answers_what_the_adapter_reported(void **state)
{
    static const NDIS_OID oids[] = {OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG,
                                    OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES};
    struct world w;
    NDIS_TCP_CONNECTION_OFFLOAD read;

    (void)state;
    for (unsigned capable = 0; capable < 2; capable++) {
        begin(&w, 0, capable == 1);
        for (unsigned i = 0; i < 2; i++) {
            NDIS_OID_REQUEST request = {
                .Oid = oids[i], .InformationBuffer = &read, .InformationBufferLength = sizeof read - 1};

            memset(&read, 0, sizeof read);
            assert_int_equal(NdisOidRequest(host(&w), &request),
                             capable ? NDIS_STATUS_BUFFER_TOO_SHORT : NDIS_STATUS_NOT_SUPPORTED);
            assert_int_equal(request.BytesNeeded, capable ? sizeof read : 0);
            request.InformationBufferLength = sizeof read;
            assert_int_equal(NdisOidRequest(host(&w), &request),
                             capable ? NDIS_STATUS_SUCCESS : NDIS_STATUS_NOT_SUPPORTED);
            assert_int_equal(read.TcpConnectionOffloadCapacity, capable ? 4711 : 0);
            assert_int_equal(request.BytesDone, capable ? sizeof read : 0);
            request.RequestType = NdisRequestSetInformation;
            assert_int_equal(NdisOidRequest(host(&w), &request), NDIS_STATUS_NOT_SUPPORTED);
            request.Oid = OID_TCP_TASK_OFFLOAD; /* D-54 */
            assert_int_equal(NdisOidRequest(host(&w), &request), NDIS_STATUS_NOT_SUPPORTED);
        }
        assert_int_equal(w.fakes.miniport.requests, 0);
        end(&w);
    }
}

static ULONG capacity(const struct world *w, NDIS_OID oid)
{
    NDIS_TCP_CONNECTION_OFFLOAD read = {.TcpConnectionOffloadCapacity = 0};
    NDIS_OID_REQUEST request = {.Oid = oid, .InformationBuffer = &read, .InformationBufferLength = sizeof read};

    assert_int_equal(NdisOidRequest(host(w), &request), NDIS_STATUS_SUCCESS);
    return read.TcpConnectionOffloadCapacity;
}

static void indications_replace_capabilities_on_every_layer(void **state)
{
    static const struct {
        NDIS_STATUS code;
        ULONG short_bytes;
        ULONG current, hardware;
    } cases[] = {
        {NDIS_STATUS_OFFLOAD_RESUME, 0, 12, 4711},
        {NDIS_STATUS_UPLOAD_ALL, 0, 12, 4711},
        {NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES, 0, 4711, 12},
        {NDIS_STATUS_OFFLOAD_PAUSE, 0, 4711, 4711},
        {NDIS_STATUS_OFFLOAD_RESUME, 1, 4711, 4711},
    };
    struct world w;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        NDIS_TCP_CONNECTION_OFFLOAD now = {.TcpConnectionOffloadCapacity = 12};
        NDIS_STATUS_INDICATION indication = {.StatusCode = cases[i].code,
                                             .StatusBuffer = &now,
                                             .StatusBufferSize = (ULONG)sizeof now - cases[i].short_bytes};

        begin(&w, DEEPEST, true);
        assert_int_equal(w.fakes.protocol.capacity, 4711);
        NdisMIndicateStatusEx(w.fakes.miniport.adapter, &indication);
        assert_int_equal(w.fakes.protocol.status, cases[i].code);
        assert_int_equal(capacity(&w, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG), cases[i].current);
        assert_int_equal(capacity(&w, OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES), cases[i].hardware);
        end(&w);
    }
}

static void requests_pass_any_stack_at_once_or_later(void **state)
{
    struct world w;

    (void)state;
    for (unsigned depth = 0; depth <= DEEPEST; depth++) {
        for (unsigned later = 0; later < 2; later++) {
            ULONG value = 5;
            NDIS_OID_REQUEST request = {.RequestType = NdisRequestSetInformation,
                                        .Oid = OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
                                        .InformationBuffer = &value,
                                        .InformationBufferLength = sizeof value};

            begin(&w, depth, true);
            w.fakes.miniport.request_answer = later ? NDIS_STATUS_PENDING : NDIS_STATUS_INVALID_PARAMETER;
            assert_int_equal(NdisOidRequest(host(&w), &request), w.fakes.miniport.request_answer);
            assert_int_equal(w.fakes.miniport.requests, 1);
            assert_int_equal(w.fakes.miniport.request->Oid, OID_TCP_CONNECTION_OFFLOAD_PARAMETERS);
            assert_ptr_equal(w.fakes.miniport.request->InformationBuffer, &value);
            assert_int_equal(w.fakes.miniport.request == &request, depth == 0);
            assert_null(w.fakes.protocol.request);
            assert_int_equal(flue_ndis_binding_ledger(host(&w)).requests_out, later);
            assert_int_equal(flue_ndis_adapter_ledger(w.fakes.miniport.adapter).requests_out, later);
            if (later) {
                assert_int_equal(flue_ndis_adapter_stop(w.fakes.ndis, w.fakes.miniport.adapter), FLUE_ESTATE);
                w.fakes.miniport.request->BytesDone = 4;
                NdisMOidRequestComplete(w.fakes.miniport.adapter, w.fakes.miniport.request, NDIS_STATUS_FAILURE);
                assert_ptr_equal(w.fakes.protocol.request, &request);
                assert_int_equal(w.fakes.protocol.request_status, NDIS_STATUS_FAILURE);
                assert_int_equal(request.BytesDone, 4);
            }
            assert_int_equal(flue_ndis_binding_ledger(host(&w)).requests_out, 0);
            end(&w);
        }
    }
}

/* ---- Pause ---- */

static void an_adapter_waits_for_the_answers_to_its_pause(void **state)
{
    struct world w;

    (void)state;
    for (unsigned depth = 0; depth <= DEEPEST; depth++) {
        begin(&w, depth, true);
        w.fakes.protocol.pnp_answer = NDIS_STATUS_PENDING;
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(flue_ndis_adapter_stop(w.fakes.ndis, w.fakes.miniport.adapter), FLUE_ESTATE);
            assert_int_equal(w.fakes.protocol.pauses, 1);
            assert_non_null(host(&w));
            assert_int_equal(w.fakes.miniport.halted, 0);
        }
        for (unsigned i = 0; i < depth; i++) {
            assert_int_equal(w.im[i].events, 1);
            assert_non_null(w.im[i].adapter);
        }
        NdisCompleteNetPnPEvent(host(&w), w.fakes.protocol.pnp, NDIS_STATUS_SUCCESS);
        assert_int_equal(flue_ndis_adapter_stop(w.fakes.ndis, w.fakes.miniport.adapter), FLUE_OK);
        assert_null(host(&w));
        assert_int_equal(w.fakes.miniport.halted, 1);
        w.fakes.miniport.adapter = NULL;
        end(&w);
    }
}

static void a_closed_binding_owes_no_answer(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 0, true);
    w.fakes.protocol.pnp_answer = NDIS_STATUS_PENDING;
    assert_int_equal(flue_ndis_adapter_stop(w.fakes.ndis, w.fakes.miniport.adapter), FLUE_ESTATE);
    assert_int_equal(NdisCloseAdapterEx(host(&w)), NDIS_STATUS_SUCCESS);
    w.fakes.protocol.bindings[0].handle = NULL;
    assert_int_equal(flue_ndis_adapter_stop(w.fakes.ndis, w.fakes.miniport.adapter), FLUE_OK);
    w.fakes.miniport.adapter = NULL;
    end(&w);
}

static void a_driver_stops_its_own_adapter(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 2, true);
    w.fakes.protocol.pnp_answer = NDIS_STATUS_PENDING;
    assert_int_equal(NdisIMDeInitializeDeviceInstance(w.im[1].adapter), NDIS_STATUS_INVALID_STATE);
    NdisCompleteNetPnPEvent(host(&w), w.fakes.protocol.pnp, NDIS_STATUS_SUCCESS);
    assert_int_equal(NdisIMDeInitializeDeviceInstance(w.im[1].adapter), NDIS_STATUS_SUCCESS);
    assert_null(host(&w));
    assert_null(w.im[1].adapter);
    assert_non_null(w.im[0].adapter);
    assert_int_equal(w.im[1].events, 0);
    end(&w);
}

/* ---- Power ---- */

static void power_done(void *ctx, NDIS_STATUS status)
{
    struct world *w = ctx;

    w->done++;
    w->done_status = status;
}

static void power_changes_in_steps(void **state)
{
    static const struct {
        NET_DEVICE_POWER_STATE to;
        NDIS_STATUS event, request; /* answers */
        unsigned powers, requests;  /* seen */
        NDIS_STATUS done;
    } cases[] = {
        {NetDeviceStateD3, NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS, 1, 1, NDIS_STATUS_SUCCESS},
        {NetDeviceStateD1, NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, 1, 0, NDIS_STATUS_FAILURE},
        {NetDeviceStateD3, NDIS_STATUS_SUCCESS, NDIS_STATUS_FAILURE, 1, 1, NDIS_STATUS_FAILURE},
        {NetDeviceStateD0, NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS, 1, 1, NDIS_STATUS_SUCCESS},
        {NetDeviceStateD0, NDIS_STATUS_SUCCESS, NDIS_STATUS_FAILURE, 0, 1, NDIS_STATUS_FAILURE},
    };
    struct world w;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (unsigned late = 0; late < 4; late++) { /* bit 0: the event, bit 1: the request is answered later */
            bool up = cases[i].to == NetDeviceStateD0;

            begin(&w, 0, true);
            w.fakes.protocol.pnp_answer = late & 1 ? NDIS_STATUS_PENDING : cases[i].event;
            w.fakes.miniport.request_answer = late & 2 ? NDIS_STATUS_PENDING : cases[i].request;
            flue_ndis_set_power(w.fakes.ndis, w.fakes.miniport.adapter, cases[i].to, power_done, &w);
            for (unsigned step = 0; step < 2; step++) { /* up: request, event; down: event, request */
                bool event = (step == 0) != up;

                if (event && w.fakes.protocol.powers == 1 && (late & 1)) {
                    assert_int_equal(w.done, 0);
                    assert_int_equal(flue_ndis_adapter_ledger(w.fakes.miniport.adapter).requests_out, 0);
                    NdisCompleteNetPnPEvent(host(&w), w.fakes.protocol.pnp, cases[i].event);
                } else if (!event && w.fakes.miniport.requests == 1 && (late & 2)) {
                    assert_int_equal(w.done, 0);
                    assert_int_equal(flue_ndis_adapter_ledger(w.fakes.miniport.adapter).requests_out, 1);
                    assert_int_equal(w.fakes.miniport.request->Oid, OID_PNP_SET_POWER);
                    assert_int_equal(*(ULONG *)w.fakes.miniport.request->InformationBuffer, cases[i].to);
                    NdisMOidRequestComplete(w.fakes.miniport.adapter, w.fakes.miniport.request, cases[i].request);
                }
            }
            assert_int_equal(w.done, 1);
            assert_int_equal(w.done_status, cases[i].done);
            assert_int_equal(w.fakes.protocol.powers, cases[i].powers);
            assert_int_equal(w.fakes.miniport.requests, cases[i].requests);
            w.fakes.protocol.pnp_answer = NDIS_STATUS_SUCCESS;
            end(&w);
        }
    }
}

static void one_change_of_power_at_a_time(void **state)
{
    struct world w;
    struct fake_protocol *protocol = &w.fakes.protocol;
    PNET_PNP_EVENT_NOTIFICATION power;

    (void)state;
    begin(&w, 0, true);
    protocol->pnp_answer = NDIS_STATUS_PENDING;
    flue_ndis_set_power(w.fakes.ndis, w.fakes.miniport.adapter, NetDeviceStateD3, power_done, &w);
    flue_ndis_set_power(w.fakes.ndis, w.fakes.miniport.adapter, NetDeviceStateD0, power_done, &w);
    assert_int_equal(w.done, 1);
    assert_int_equal(w.done_status, NDIS_STATUS_INVALID_STATE);
    /* A halt waits for the change, too; the pause comes meanwhile and owes an answer of its own. */
    power = protocol->pnp;
    protocol->pnp_answer = NDIS_STATUS_SUCCESS;
    assert_int_equal(flue_ndis_adapter_stop(w.fakes.ndis, w.fakes.miniport.adapter), FLUE_ESTATE);
    assert_int_equal(protocol->pauses, 1);
    assert_ptr_not_equal(power, protocol->pnp);
    NdisCompleteNetPnPEvent(host(&w), power, NDIS_STATUS_SUCCESS);
    assert_int_equal(w.done, 2);
    assert_int_equal(w.done_status, NDIS_STATUS_SUCCESS);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(n_answers_what_the_adapter_reported),
        cmocka_unit_test(indications_replace_capabilities_on_every_layer),
        cmocka_unit_test(requests_pass_any_stack_at_once_or_later),
        cmocka_unit_test(an_adapter_waits_for_the_answers_to_its_pause),
        cmocka_unit_test(a_closed_binding_owes_no_answer),
        cmocka_unit_test(a_driver_stops_its_own_adapter),
        cmocka_unit_test(power_changes_in_steps),
        cmocka_unit_test(one_change_of_power_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
