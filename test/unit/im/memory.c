/* SPDX-License-Identifier: GPL-2.0-only */
/* An intermediate driver without memory, or one that says so (CH-339, D-32). */
#include "script.h"

#include <string.h>

#include "support/test.h"

static const struct flue_im_params pass = {.kind = FLUE_IM_PASS, .name = "pass"};

/* ---- Without memory ---- */

static void (*const operations[])(NDIS_HANDLE, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST) = {
    NdisUpdateOffload, NdisInvalidateOffload, NdisQueryOffloadState};

/* Whatever allocation fails, a tree goes down whole or is refused whole, later, with legal statuses. */
static void trees_without_memory(void **state)
{
    unsigned refused = 0;

    (void)state;
    for (uint64_t at = 1; at < 8; at++) {
        begin(&pass);
        (void)lay_out();
        o.tcp[0].Block.NetBufferListChain = list_of(100);
        manual_env_fail(&memory, at);
        NdisInitiateOffload(fakes.protocol.bindings[0].handle, &o.placeholder.Block);
        manual_env_fail(&memory, 0);
        if (fakes.log.text[0] == '\0') {
            refused++;
            assert_int_equal(entries(), 0);
            pass_time(FLUE_PS_PER_MS);
            log_is("ProtocolInitiateOffloadComplete");
            assert_int_equal(o.placeholder.Block.Status, NDIS_STATUS_SUCCESS);
            assert_int_equal(o.path.Block.Status, NDIS_STATUS_RESOURCES);
            assert_int_equal(o.tcp[1].Block.Status, NDIS_STATUS_RESOURCES);
            assert_ptr_equal(o.tcp[1].Block.ImReserved[1], &o.tcp[1]);
            assert_null(o.tcp[0].Block.NetBufferListChain->Context);
            assert_null(o.handle[PATH].handle.MiniportOffloadContext);
        } else {
            initiated_below(&fakes.miniport, NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS);
            fakes.miniport.up.NdisTcpOffloadSendComplete(fakes.miniport.adapter, o.tcp[0].Block.NetBufferListChain);
            upload_all(&fakes.miniport);
        }
        put(o.tcp[0].Block.NetBufferListChain);
        end();
    }
    assert_true(refused >= 3);
}

/* Uses up what the pools have, then fails: `lists` become the driver's contexts. */
static PNET_BUFFER_LIST use_up_contexts(void)
{
    PNET_BUFFER_LIST first = NULL;

    manual_env_fail(&memory, 1);
    for (;;) {
        PNET_BUFFER_LIST nbl = list_of(1);

        fakes.log.text[0] = '\0';
        (void)NdisOffloadTcpForward(&o.handle[SECOND].handle, nbl);
        nbl->Next = first;
        first = nbl;
        if (strcmp(fakes.log.text, "MiniportTcpOffloadForward") != 0) {
            fakes.log.text[0] = '\0';
            return first; /* the first of the chain waits in the driver */
        }
    }
}

/* CH-339, and what follows from it. */
static void sends_without_memory(void **state)
{
    PNET_BUFFER_LIST others, waiting, early, sends, later, fin;

    (void)state;
    begin(&pass);
    offload(&fakes.miniport);
    early = list_of(5);
    (void)NdisOffloadTcpSend(&o.handle[FIRST].handle, early);
    others = use_up_contexts();
    waiting = others;
    others = others->Next;
    waiting->Next = NULL;
    sends = list_of(10);
    sends->Next = list_of(20);
    sends->Next->Next = list_of(30);
    assert_int_equal(NdisOffloadTcpSend(&o.handle[FIRST].handle, sends), NDIS_STATUS_PENDING);
    later = list_of(40);
    assert_int_equal(NdisOffloadTcpSend(&o.handle[FIRST].handle, later), NDIS_STATUS_PENDING);
    manual_env_fail(&memory, 0);
    fin = list_of(1);
    assert_int_equal(NdisOffloadTcpDisconnect(&o.handle[FIRST].handle, fin, TCP_DISCONNECT_GRACEFUL_CLOSE),
                     NDIS_STATUS_PENDING);
    log_is("");
    pass_time(10 * FLUE_PS_PER_MS);
    log_is("MiniportTcpOffloadForward"); /* what waited for memory; the refused sends wait for the earlier one */
    assert_ptr_equal(fakes.miniport.list, waiting);
    fakes.miniport.up.NdisTcpOffloadSendComplete(fakes.miniport.adapter, early);
    log_is("ProtocolTcpOffloadSendComplete");
    pass_time(10 * FLUE_PS_PER_MS);
    log_is("ProtocolTcpOffloadSendComplete ProtocolTcpOffloadDisconnectComplete");
    assert_ptr_equal(fakes.protocol.list, fin);
    assert_int_equal(fin->Status, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    assert_ptr_equal(sends->Next->Next->Next, later);
    assert_int_equal(sends->Status, NDIS_STATUS_REQUEST_UPLOAD);
    assert_int_equal(sends->Next->Status, NDIS_STATUS_UPLOAD_REQUESTED);
    assert_int_equal(sends->Next->Next->Status, NDIS_STATUS_UPLOAD_REQUESTED);
    put(early);
    put(sends);
    put(fin);
    waiting->Next = others;
    fakes.miniport.up.NdisTcpOffloadForwardComplete(fakes.miniport.adapter, waiting);
    put(waiting);
    upload_all(&fakes.miniport);
    end();
}

/* A terminate needs no memory (D-32), the other operations are refused; what still waits comes back before it. */
static void operations_without_memory(void **state)
{
    (void)state;
    begin(&pass);
    offload(&fakes.miniport);
    for (unsigned i = 0; i < COUNT_OF(operations); i++) {
        o.finish.Block = (NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST){.Header = {Ip4OffloadCachedState, 1, sizeof o.finish.Block},
                                                            .OffloadHandle = &o.handle[PATH].handle};
        manual_env_fail(&memory, 1);
        operations[i](fakes.protocol.bindings[0].handle, &o.finish.Block);
        manual_env_fail(&memory, 0);
        if (strncmp(fakes.log.text, "Miniport", 8) == 0) {
            fakes.miniport.tree->Status = NDIS_STATUS_SUCCESS;
            (i == 0   ? NdisMUpdateOffloadComplete
             : i == 1 ? NdisMInvalidateOffloadComplete
                      : NdisMQueryOffloadStateComplete)(fakes.miniport.adapter, fakes.miniport.tree);
        }
        fakes.log.text[0] = '\0';
    }
    manual_env_fail(&memory, 1);
    upload_all(&fakes.miniport);
    manual_env_fail(&memory, 0);
    end();
}

/* ---- Refusal on purpose ---- */

static void refused_operations(void **state)
{
    static const struct flue_im_params always = {.kind = FLUE_IM_REFUSE, .name = "refuse", .refuse_every = 2};

    (void)state;
    begin(&always);
    offload(&fakes.miniport); /* the first request passes */
    for (unsigned i = 0; i < COUNT_OF(operations); i++) {
        NDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = {.Header = {Ip4OffloadCachedState, 1, sizeof block},
                                                  .OffloadHandle = &o.handle[PATH].handle};
        PNET_BUFFER_LIST nbl;

        operations[i](fakes.protocol.bindings[0].handle, &block);
        log_is("");
        pass_time(FLUE_PS_PER_MS);
        assert_int_equal(block.Status, NDIS_STATUS_FAILURE);
        assert_ptr_equal(fakes.protocol.tree, &block);
        fakes.log.text[0] = '\0';
        nbl = list_of(3);
        (void)NdisOffloadTcpSend(&o.handle[FIRST].handle, nbl); /* passes */
        log_is("MiniportTcpOffloadSend");
        fakes.miniport.up.NdisTcpOffloadSendComplete(fakes.miniport.adapter, nbl);
        fakes.log.text[0] = '\0';
        put(nbl);
    }
    upload_all(&fakes.miniport);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_without_memory),
        cmocka_unit_test(sends_without_memory),
        cmocka_unit_test(operations_without_memory),
        cmocka_unit_test(refused_operations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
