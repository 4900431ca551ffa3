/* SPDX-License-Identifier: GPL-2.0-only */
/* The life of drivers, adapters and bindings; the ordinary data path (CH-001 to CH-013, D-53). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "flue/wire.h"
#include "ndis_fakes.h"

static void either_order_of_starting_binds(void **state)
{
    struct fakes fakes;

    (void)state;
    fakes_begin(&fakes, 1); /* protocol first */
    fakes_end(&fakes);

    fakes_prepare(&fakes, 1); /* adapter first */
    assert_int_equal(fake_miniport_register(&fakes.miniport), NDIS_STATUS_SUCCESS);
    assert_int_equal(flue_ndis_adapter_start(fakes.ndis, fakes.miniport.driver, "adapter 0", &fakes.miniport,
                                             &fakes.miniport.adapter),
                     FLUE_OK);
    assert_null(fakes.protocol.bindings[0].handle);
    assert_int_equal(fake_protocol_register(&fakes.protocol), NDIS_STATUS_SUCCESS);
    assert_non_null(fakes.protocol.bindings[0].handle);
    fakes_end(&fakes);
}

static void registration_wants_both_structures(void **state)
{
    static const struct {
        unsigned options;
        NDIS_STATUS miniport, protocol;
    } cases[] = {
        {0, NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS}, /* no chimney at all */
        {1, NDIS_STATUS_BAD_CHARACTERISTICS, NDIS_STATUS_BAD_CHARACTERISTICS},
        {2, NDIS_STATUS_BAD_CHARACTERISTICS, NDIS_STATUS_BAD_CHARACTERISTICS},
        {3, NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS},
        {3 | 4, NDIS_STATUS_SUCCESS, NDIS_STATUS_BAD_CHARACTERISTICS}, /* without ForwardComplete */
    };
    struct fakes fakes;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fakes_prepare(&fakes, 1);
        fakes.miniport.options = cases[i].options;
        fakes.protocol.options = cases[i].options;
        assert_int_equal(fake_miniport_register(&fakes.miniport), cases[i].miniport);
        assert_int_equal(fakes.miniport.driver != NULL, cases[i].miniport == NDIS_STATUS_SUCCESS);
        assert_int_equal(fake_protocol_register(&fakes.protocol), cases[i].protocol);
        assert_int_equal(fakes.protocol.driver != NULL, cases[i].protocol == NDIS_STATUS_SUCCESS);
        fakes_end(&fakes);
    }
}

static void characteristics_are_checked(void **state)
{
    struct fakes fakes;
    NDIS_MINIPORT_DRIVER_CHARACTERISTICS miniport = {.Header = {NDIS_OBJECT_TYPE_DEFAULT, 1, sizeof miniport}};
    NDIS_PROTOCOL_DRIVER_CHARACTERISTICS protocol = {
        .Header = {NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS, 1, sizeof protocol}};
    NDIS_OBJECT_HEADER unknown = {NDIS_OBJECT_TYPE_DEFAULT, 1, sizeof unknown};
    NDIS_HANDLE handle = &fakes;

    (void)state;
    fakes_begin(&fakes, 1);
    assert_int_equal(NdisMRegisterMiniportDriver(fakes.ndis, NULL, &miniport, &handle),
                     NDIS_STATUS_BAD_CHARACTERISTICS);
    assert_null(handle);
    handle = &fakes;
    assert_int_equal(NdisRegisterProtocolDriver(fakes.ndis, NULL, &protocol, &handle), NDIS_STATUS_BAD_CHARACTERISTICS);
    assert_null(handle);
    /* Outside SetOptions nothing is taken, from neither side. */
    assert_int_equal(NdisSetOptionalHandlers(fakes.miniport.driver, &unknown), NDIS_STATUS_INVALID_STATE);
    assert_int_equal(NdisSetOptionalHandlers(fakes.protocol.driver, &unknown), NDIS_STATUS_INVALID_STATE);
    assert_int_equal(NdisSetOptionalHandlers(fakes.miniport.adapter, &unknown), NDIS_STATUS_INVALID_PARAMETER);
    fakes_end(&fakes);
}

static void handlers_come_once_and_only_while_initialising(void **state)
{
    struct fakes fakes;
    PNDIS_OFFLOAD_EVENT_HANDLERS table;

    (void)state;
    fakes_begin(&fakes, 1);
    assert_int_equal(fakes.miniport.handlers_status[0], STATUS_SUCCESS);
    assert_int_equal(fakes.miniport.handlers_status[1], NDIS_STATUS_INVALID_STATE);
    assert_int_equal(fakes.miniport.handlers_status[2], STATUS_NOT_SUPPORTED);
    assert_null(fakes.miniport.refused);
    assert_int_equal(fakes.miniport.up.Header.Type, NdisTcpChimneyOffload);
    assert_int_equal(fakes.miniport.up.Header.Revision, 1);
    assert_int_equal(fakes.miniport.up.Header.Size, 0x38);
    assert_int_equal(NdisMGetOffloadHandlers(fakes.miniport.adapter, NdisTcpChimneyOffload, &table),
                     NDIS_STATUS_INVALID_STATE);
    assert_null(table);
    fakes_end(&fakes);
}

static void an_adapter_that_refuses_leaves_nothing(void **state)
{
    static const struct {
        NDIS_STATUS answer;
        flue_err err;
    } cases[] = {{NDIS_STATUS_FAILURE, FLUE_ESTATE}, {NDIS_STATUS_RESOURCES, FLUE_ENOMEM}};
    struct fakes fakes;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fakes_prepare(&fakes, 1);
        fakes.miniport.initialise_status = cases[i].answer;
        assert_int_equal(fake_miniport_register(&fakes.miniport), NDIS_STATUS_SUCCESS);
        assert_int_equal(fake_protocol_register(&fakes.protocol), NDIS_STATUS_SUCCESS);
        assert_int_equal(flue_ndis_adapter_start(fakes.ndis, fakes.miniport.driver, "adapter 0", &fakes.miniport,
                                                 &fakes.miniport.adapter),
                         cases[i].err);
        assert_null(fakes.miniport.adapter);
        assert_null(fakes.protocol.bindings[0].handle);
        fakes_end(&fakes);
    }
}

static void ordinary_frames_go_down_and_come_back(void **state)
{
    struct fakes fakes;
    struct ndis_chain chain = {0};
    NDIS_HANDLE binding;

    (void)state;
    fakes_begin(&fakes, 1);
    binding = fakes.protocol.bindings[0].handle;
    ndis_chain_append(&chain, ndis_nbl_get(fakes.frames));
    ndis_chain_append(&chain, ndis_nbl_get(fakes.frames));
    *ndis_nbl_frame(chain.first) = (struct flue_frame){.seq = 0xFFFFFFFFu};
    NdisSendNetBufferLists(binding, chain.first, 0, 9);
    assert_ptr_equal(fakes.miniport.list, chain.first);
    assert_int_equal(fakes.miniport.flags, 9);
    assert_int_equal(ndis_nbl_frame(fakes.miniport.list)->seq, 0xFFFFFFFFu);
    assert_int_equal(flue_ndis_binding_ledger(binding).ordinary_sends_out, 2);
    NdisMSendNetBufferListsComplete(fakes.miniport.adapter, chain.first, 0);
    assert_ptr_equal(fakes.protocol.list, chain.first);
    assert_int_equal(flue_ndis_binding_ledger(binding).ordinary_sends_out, 0);

    NdisMIndicateReceiveNetBufferLists(fakes.miniport.adapter, chain.first, 0, 2, 0);
    assert_int_equal(fakes.protocol.information, 2);
    assert_int_equal(flue_ndis_binding_ledger(binding).ordinary_receives_out, 2);
    /* Halt waits for every indicated list; nothing is called before. */
    assert_int_equal(flue_ndis_adapter_stop(fakes.ndis, fakes.miniport.adapter), FLUE_ESTATE);
    assert_int_equal(NdisDeregisterProtocolDriver(fakes.protocol.driver), NDIS_STATUS_INVALID_STATE);
    assert_int_equal(NdisCloseAdapterEx(binding), NDIS_STATUS_INVALID_STATE);
    assert_int_equal(NdisMDeregisterMiniportDriver(fakes.miniport.driver), NDIS_STATUS_INVALID_STATE);
    assert_int_equal(fakes.miniport.halted, 0);
    NdisReturnNetBufferLists(binding, chain.first, 3);
    assert_int_equal(fakes.miniport.flags, 3);
    assert_string_equal(fakes.log.text, "MiniportSendNetBufferLists ProtocolSendNetBufferListsComplete "
                                        "ProtocolReceiveNetBufferLists MiniportReturnNetBufferLists");
    ndis_nbl_put(chain.last);
    ndis_nbl_put(chain.first);
    fakes_end(&fakes);
}

static void without_a_binding_frames_return_at_once(void **state)
{
    struct fakes fakes;
    PNET_BUFFER_LIST nbl;

    (void)state;
    fakes_prepare(&fakes, 0);
    assert_int_equal(fake_miniport_register(&fakes.miniport), NDIS_STATUS_SUCCESS);
    assert_int_equal(flue_ndis_adapter_start(fakes.ndis, fakes.miniport.driver, "adapter 0", &fakes.miniport,
                                             &fakes.miniport.adapter),
                     FLUE_OK);
    nbl = ndis_nbl_get(fakes.frames);
    NdisMIndicateReceiveNetBufferLists(fakes.miniport.adapter, nbl, 0, 1, 0);
    assert_ptr_equal(fakes.miniport.list, nbl);
    assert_string_equal(fakes.log.text, "MiniportReturnNetBufferLists");
    ndis_nbl_put(nbl);
    fakes_end(&fakes);
}

static void one_host_has_two_adapters(void **state)
{
    struct fakes fakes;
    NDIS_HANDLE second, one, two;
    PNET_BUFFER_LIST nbl;

    (void)state;
    for (unsigned late = 0; late < 2; late++) { /* the protocol comes first, or last */
        fakes_prepare(&fakes, 1);
        assert_int_equal(fake_miniport_register(&fakes.miniport), NDIS_STATUS_SUCCESS);
        if (!late) {
            assert_int_equal(fake_protocol_register(&fakes.protocol), NDIS_STATUS_SUCCESS);
        }
        assert_int_equal(flue_ndis_adapter_start(fakes.ndis, fakes.miniport.driver, "adapter 0", &fakes.miniport,
                                                 &fakes.miniport.adapter),
                         FLUE_OK);
        assert_int_equal(
            flue_ndis_adapter_start(fakes.ndis, fakes.miniport.driver, "adapter 1", &fakes.miniport, &second), FLUE_OK);
        if (late) {
            assert_int_equal(fake_protocol_register(&fakes.protocol), NDIS_STATUS_SUCCESS);
        }
        one = fakes.protocol.bindings[0].handle;
        two = fakes.protocol.bindings[1].handle;
        assert_non_null(one);
        assert_non_null(two);
        nbl = ndis_nbl_get(fakes.frames);
        NdisSendNetBufferLists(two, nbl, 0, 0);
        assert_int_equal(flue_ndis_adapter_ledger(fakes.miniport.adapter).ordinary_sends_out, 0);
        assert_int_equal(flue_ndis_adapter_ledger(second).ordinary_sends_out, 1);
        /* One stops while the other is busy. */
        assert_int_equal(flue_ndis_adapter_stop(fakes.ndis, second), FLUE_ESTATE);
        assert_int_equal(flue_ndis_adapter_stop(fakes.ndis, fakes.miniport.adapter), FLUE_OK);
        assert_null(fakes.protocol.bindings[0].handle);
        assert_int_equal(NdisMDeregisterMiniportDriver(fakes.miniport.driver), NDIS_STATUS_INVALID_STATE);
        NdisMSendNetBufferListsComplete(second, nbl, 0);
        assert_ptr_equal(fakes.protocol.binding, &fakes.protocol.bindings[1]);
        assert_int_equal(flue_ndis_adapter_stop(fakes.ndis, second), FLUE_OK);
        assert_int_equal(fakes.miniport.halted, 2);
        fakes.miniport.adapter = NULL;
        ndis_nbl_put(nbl);
        fakes_end(&fakes);
    }
}

static void status_goes_to_every_binding(void **state)
{
    struct fakes fakes;
    NDIS_STATUS_INDICATION indication = {.StatusCode = NDIS_STATUS_UPLOAD_ALL};

    (void)state;
    fakes_begin(&fakes, 2);
    NdisMIndicateStatusEx(fakes.miniport.adapter, &indication);
    assert_string_equal(fakes.log.text, "ProtocolStatusEx ProtocolStatusEx");
    assert_int_equal(fakes.protocol.status, NDIS_STATUS_UPLOAD_ALL);
    assert_int_equal(fakes.points[0], FLUE_POINT_ddi_status);
    fakes_end(&fakes);
}

static void a_freed_instance_calls_nobody(void **state)
{
    struct fakes fakes;

    (void)state;
    fakes_begin(&fakes, 2);
    flue_ndis_free(fakes.ndis);
    flue_ndis_free(NULL);
    assert_int_equal(fakes.miniport.halted, 0);
    assert_string_equal(fakes.log.text, "");
    ndis_pool_free(fakes.spans);
    ndis_pool_free(fakes.frames);
    assert_int_equal(fakes.memory_out, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_order_of_starting_binds),
        cmocka_unit_test(registration_wants_both_structures),
        cmocka_unit_test(characteristics_are_checked),
        cmocka_unit_test(handlers_come_once_and_only_while_initialising),
        cmocka_unit_test(an_adapter_that_refuses_leaves_nothing),
        cmocka_unit_test(ordinary_frames_go_down_and_come_back),
        cmocka_unit_test(without_a_binding_frames_return_at_once),
        cmocka_unit_test(one_host_has_two_adapters),
        cmocka_unit_test(status_goes_to_every_binding),
        cmocka_unit_test(a_freed_instance_calls_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
