/* SPDX-License-Identifier: GPL-2.0-only */
/* The parties of script.h. */
#include "script.h"

#include <string.h>

#include "support/test.h"

struct fakes fakes;
struct manual_env memory; /* the driver's */
struct timers timers;
struct flue_im *im;
struct fake_miniport second; /* a team's other adapter */

void log_is(const char *text)
{
    assert_string_equal(fakes.log.text, text);
    fakes.log.text[0] = '\0';
}

void pass_time(flue_ps by_ps)
{
    fakes.now_ps += by_ps;
    memory.now_ps = fakes.now_ps;
    timers_run(&timers, fakes.now_ps);
}

void begin(const struct flue_im_params *params)
{
    begin_with(params, 1);
}

void begin_with(const struct flue_im_params *params, unsigned bindings)
{
    fakes_prepare(&fakes, bindings);
    manual_env_init(&memory, 1);
    memory.now_ps = fakes.now_ps;
    assert_int_equal(timers_init(&timers, &fakes.env), FLUE_OK);
    assert_int_equal(fake_miniport_register(&fakes.miniport), NDIS_STATUS_SUCCESS);
    assert_int_equal(flue_ndis_adapter_start(fakes.ndis, fakes.miniport.driver, "adapter 0", &fakes.miniport,
                                             &fakes.miniport.adapter),
                     FLUE_OK);
    second = (struct fake_miniport){.log = &fakes.log, .ndis = fakes.ndis, .options = 3};
    if (params->kind == FLUE_IM_TEAM) {
        assert_int_equal(fake_miniport_register(&second), NDIS_STATUS_SUCCESS);
        assert_int_equal(flue_ndis_adapter_start(fakes.ndis, second.driver, "adapter 1", &second, &second.adapter),
                         FLUE_OK);
    }
    assert_int_equal(flue_im_new(&memory.env, &timers, NULL, fakes.ndis, params, &im), FLUE_OK);
    assert_int_equal(fake_protocol_register(&fakes.protocol), NDIS_STATUS_SUCCESS);
    assert_non_null(fakes.protocol.bindings[0].handle);
    fakes.log.text[0] = '\0';
}

void end(void)
{
    struct flue_im_totals totals;

    flue_im_totals(im, &totals);
    assert_int_equal(totals.entries, 0);
    assert_int_equal(totals.calls, 0);
    assert_int_equal(flue_im_objects_live(im), 0);
    if (second.adapter != NULL) {
        assert_int_equal(flue_ndis_adapter_stop(fakes.ndis, second.adapter), FLUE_OK);
        assert_int_equal(NdisMDeregisterMiniportDriver(second.driver), NDIS_STATUS_SUCCESS);
    }
    assert_int_equal(flue_ndis_adapter_stop(fakes.ndis, fakes.miniport.adapter), FLUE_OK);
    fakes.miniport.adapter = NULL;
    flue_im_free(im);
    assert_true(manual_env_clean(&memory));
    timers_dispose(&timers);
    fakes_end(&fakes);
}

/* ---- A tree: a placeholder, a new path, two new connections ---- */

struct script_objects o;

PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST lay_out(void)
{
    memset(&o, 0, sizeof o);
    for (unsigned i = 0; i < OBJECTS; i++) {
        o.handle[i].protocol = &fakes.protocol;
    }
    o.placeholder.Block.Header = (NDIS_OBJECT_HEADER){NeighborOffloadState, 1, sizeof o.placeholder.Block};
    o.placeholder.Block.DependentBlockList = &o.path.Block;
    o.path.Block.Header = (NDIS_OBJECT_HEADER){Ip4OffloadState, 1, sizeof o.path.Block};
    o.path.Block.OffloadHandle = &o.handle[PATH].handle;
    o.path.Block.DependentBlockList = &o.tcp[0].Block;
    for (unsigned i = 0; i < 2; i++) {
        o.tcp[i].Block.Header = (NDIS_OBJECT_HEADER){TcpOffloadState, 2, sizeof o.tcp[i].Block};
        o.tcp[i].Block.OffloadHandle = &o.handle[FIRST + i].handle;
        o.tcp[i].Block.ImReserved[0] = &o;
        o.tcp[i].Block.ImReserved[1] = &o.tcp[i];
    }
    o.tcp[0].Block.NextBlock = &o.tcp[1].Block;
    o.placeholder.Block.ImReserved[1] = &o;
    return &o.placeholder.Block;
}

static void take_below(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, unsigned which, NDIS_STATUS status)
{
    assert_ptr_not_equal(block->NdisOffloadHandle, &o.handle[which].handle);
    block->Status = status;
    if (status == NDIS_STATUS_SUCCESS || status == NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS) {
        *block->MiniportOffloadContext = &o.below[which];
    }
}

void initiated_below(struct fake_miniport *miniport, NDIS_STATUS first, NDIS_STATUS then)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root = miniport->tree, path = root->DependentBlockList;

    assert_null(root->MiniportOffloadContext);
    root->Status = NDIS_STATUS_SUCCESS;
    take_below(path, PATH, NDIS_STATUS_SUCCESS);
    take_below(path->DependentBlockList, FIRST, first);
    take_below(path->DependentBlockList->NextBlock, SECOND, then);
    NdisMInitiateOffloadComplete(miniport->adapter, root);
}

void offload(struct fake_miniport *miniport)
{
    NdisInitiateOffload(fakes.protocol.bindings[0].handle, lay_out());
    initiated_below(miniport, NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS);
    pass_time(FLUE_PS_PER_S);
    log_is("MiniportInitiateOffload ProtocolInitiateOffloadComplete");
}

void call_terminate(unsigned which)
{
    memset(&o.finish, 0, sizeof o.finish);
    o.finish.Block.Header = (NDIS_OBJECT_HEADER){which == PATH ? Ip4OffloadDelegatedState : TcpOffloadDelegatedState, 2,
                                                 sizeof o.finish.Block};
    o.finish.Block.OffloadHandle = &o.handle[which].handle;
    NdisTerminateOffload(fakes.protocol.bindings[0].handle, &o.finish.Block);
}

void terminated_below(struct fake_miniport *miniport)
{
    miniport->tree->Status = NDIS_STATUS_SUCCESS;
    NdisMTerminateOffloadComplete(miniport->adapter, miniport->tree);
}

void upload_all(struct fake_miniport *miniport)
{
    for (unsigned i = OBJECTS; i-- > 0;) {
        if (o.handle[i].handle.MiniportOffloadContext != NULL) {
            call_terminate(i);
            pass_time(FLUE_PS_PER_S);
            terminated_below(miniport);
            pass_time(FLUE_PS_PER_S);
            o.handle[i].handle.MiniportOffloadContext = NULL;
        }
    }
    fakes.log.text[0] = '\0';
}

PNET_BUFFER_LIST list_of(uint32_t bytes)
{
    PNET_BUFFER_LIST nbl = ndis_nbl_get(fakes.spans);
    struct flue_span span = {.stream = 6, .length_bytes = bytes};

    assert_int_equal(ndis_nbl_append(nbl, &span), FLUE_OK);
    return nbl;
}

void put(PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        ndis_nbl_put(first);
        first = next;
    }
}

uint64_t entries(void)
{
    struct flue_im_totals totals;

    flue_im_totals(im, &totals);
    return totals.entries;
}
