/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_layer.h"
#include "ndis_fake_im.h"

/* ---- State operations ---- */

struct passing {
    struct fake_im *im;
    bool initiate, terminate;
};

static struct fake_im_entry *new_entry(struct fake_im *im, PNDIS_OFFLOAD_HANDLE upper)
{
    for (unsigned i = 0; i < FAKE_IM_ENTRIES; i++) {
        if (im->entries[i].upper == NULL) {
            im->entries[i] = (struct fake_im_entry){.im = im, .upper = upper};
            return &im->entries[i];
        }
    }
    fail_msg("no entry left");
    return NULL;
}

static struct fake_im_call *call_of(struct fake_im *im, const void *block)
{
    for (unsigned i = 0; i < FAKE_IM_BLOCKS; i++) {
        if (im->calls[i].block == block) {
            return &im->calls[i];
        }
    }
    fail_msg("no call entry");
    return NULL;
}

static flue_err down_block(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, void *arg)
{
    struct passing *passing = arg;
    struct fake_im_call *call = call_of(passing->im, NULL);

    *call = (struct fake_im_call){.block = block,
                                  .upper = (PNDIS_OFFLOAD_HANDLE)block->NdisOffloadHandle,
                                  .im_reserved = {block->ImReserved[0], block->ImReserved[1]},
                                  .source = block->SourceHandle};
    if (call->upper != NULL) {
        call->entry = *block->MiniportOffloadContext;
        if (call->entry == NULL) {
            assert_true(passing->initiate);
            call->entry = new_entry(passing->im, call->upper);
        }
        block->NdisOffloadHandle = &call->entry->handle;
    }
    block->ImReserved[0] = call;
    (void)flue_block_to_protocol(block);
    return FLUE_OK;
}

static flue_err up_block(PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, void *arg)
{
    struct passing *passing = arg;
    struct fake_im_call *call = call_of(passing->im, block);
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST view;

    assert_ptr_equal(block->ImReserved[0], call);
    assert_ptr_equal(block->OffloadHandle, call->entry == NULL ? NULL : &call->entry->handle);
    block->OffloadHandle = call->upper;
    view = flue_block_to_miniport(block);
    view->SourceHandle = call->source;
    view->ImReserved[0] = call->im_reserved[0];
    view->ImReserved[1] = call->im_reserved[1];
    if (call->entry != NULL) {
        if (passing->initiate) {
            *view->MiniportOffloadContext = call->entry->handle.MiniportOffloadContext == NULL ? NULL : call->entry;
        }
        if (passing->terminate || call->entry->handle.MiniportOffloadContext == NULL) {
            memset(call->entry, 0, sizeof *call->entry);
        }
    }
    memset(call, 0, sizeof *call);
    return FLUE_OK;
}

#define STATE(operation, complete, is_initiate, is_terminate)                                                          \
    static void im_##operation(NDIS_HANDLE context, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)                            \
    {                                                                                                                  \
        struct passing passing = {context, is_initiate, is_terminate};                                                 \
                                                                                                                       \
        assert_int_equal(flue_block_walk(tree, down_block, &passing), FLUE_OK);                                        \
        Ndis##operation(passing.im->lower[passing.im->active], (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST)(void *)tree);       \
    }                                                                                                                  \
    static void im_##complete(NDIS_HANDLE context, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST tree)                             \
    {                                                                                                                  \
        struct passing passing = {context, is_initiate, is_terminate};                                                 \
                                                                                                                       \
        assert_int_equal(flue_protocol_block_walk(tree, up_block, &passing), FLUE_OK);                                 \
        NdisM##complete(passing.im->adapter, (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)(void *)tree);                         \
    }
STATE(InitiateOffload, InitiateOffloadComplete, true, false)
STATE(TerminateOffload, TerminateOffloadComplete, false, true)
STATE(UpdateOffload, UpdateOffloadComplete, false, false)
STATE(InvalidateOffload, InvalidateOffloadComplete, false, false)
STATE(QueryOffloadState, QueryOffloadStateComplete, false, false)

static void indicate_event(NDIS_HANDLE context, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, ULONG code)
{
    struct fake_im *im = context;
    PNDIS_OFFLOAD_HANDLE mine;
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST view;

    if (block == NULL) {
        NdisMOffloadEventIndicate(im->adapter, NULL, code);
        return;
    }
    mine = block->OffloadHandle;
    block->OffloadHandle = ((struct fake_im_entry *)(void *)mine)->upper;
    view = flue_block_to_miniport(block);
    NdisMOffloadEventIndicate(im->adapter, view, code);
    view->NdisOffloadHandle = mine;
    (void)flue_block_to_protocol(view);
}

/* ---- Data ---- */

#define DATA(operation, complete)                                                                                      \
    static NDIS_STATUS im_##operation(NDIS_HANDLE context, PVOID entry, PNET_BUFFER_LIST list)                         \
    {                                                                                                                  \
        (void)context;                                                                                                 \
        return NdisOffload##operation(&((struct fake_im_entry *)entry)->handle, list);                                 \
    }                                                                                                                  \
    static void im_##complete(NDIS_HANDLE context, PNET_BUFFER_LIST list)                                              \
    {                                                                                                                  \
        struct fake_im *im = context;                                                                                  \
                                                                                                                       \
        im->up.NdisTcpOffload##complete(im->adapter, list);                                                            \
    }
DATA(TcpSend, SendComplete)
DATA(TcpReceive, ReceiveComplete)
DATA(TcpForward, ForwardComplete)

static NDIS_STATUS disconnect(NDIS_HANDLE context, PVOID entry, PNET_BUFFER_LIST list, ULONG flags)
{
    (void)context;
    return NdisOffloadTcpDisconnect(&((struct fake_im_entry *)entry)->handle, list, flags);
}

static void disconnect_complete(NDIS_HANDLE context, PNET_BUFFER_LIST list)
{
    struct fake_im *im = context;

    im->up.NdisTcpOffloadDisconnectComplete(im->adapter, list);
}

static NDIS_STATUS receive_return(NDIS_HANDLE context, PNET_BUFFER_LIST list)
{
    struct fake_im *im = context;

    return NdisOffloadTcpReceiveReturn(im->lower[im->active], list);
}

static void tcp_event(PVOID context, ULONG type, ULONG information)
{
    struct fake_im_entry *entry = context;

    entry->im->up.NdisTcpOffloadEventHandler(entry->upper, type, information);
}

static NDIS_STATUS receive_indicate(PVOID context, PNET_BUFFER_LIST list, NDIS_STATUS status, ULONG *consumed)
{
    struct fake_im_entry *entry = context;

    return entry->im->up.NdisTcpOffloadReceiveHandler(entry->upper, list, status, consumed);
}

/* ---- The ordinary path, requests, events ---- */

static void send_frames(NDIS_HANDLE context, PNET_BUFFER_LIST list, NDIS_PORT_NUMBER port, ULONG flags)
{
    struct fake_im *im = context;

    NdisSendNetBufferLists(im->lower[im->active], list, port, flags);
}

static void frames_sent(NDIS_HANDLE context, PNET_BUFFER_LIST list, ULONG flags)
{
    struct fake_im *im = context;

    NdisMSendNetBufferListsComplete(im->adapter, list, flags);
}

static void receive_frames(NDIS_HANDLE context, PNET_BUFFER_LIST list, NDIS_PORT_NUMBER port, ULONG count, ULONG flags)
{
    struct fake_im *im = context;

    NdisMIndicateReceiveNetBufferLists(im->adapter, list, port, count, flags);
}

static void return_frames(NDIS_HANDLE context, PNET_BUFFER_LIST list, ULONG flags)
{
    struct fake_im *im = context;

    NdisReturnNetBufferLists(im->lower[im->active], list, flags);
}

static void status(NDIS_HANDLE context, PNDIS_STATUS_INDICATION indication)
{
    struct fake_im *im = context;

    NdisMIndicateStatusEx(im->adapter, indication);
}

static NDIS_STATUS request(NDIS_HANDLE context, PNDIS_OID_REQUEST upper)
{
    struct fake_im *im = context;
    NDIS_STATUS answer;

    if (im->swallows) {
        return NDIS_STATUS_SUCCESS;
    }
    im->upper_request = upper;
    im->requests++;
    im->request = *upper;
    im->request.NdisReserved[0] = im->request.NdisReserved[1] = NULL;
    answer = NdisOidRequest(im->lower[im->active], &im->request);
    upper->BytesDone = im->request.BytesDone;
    return answer;
}

static void request_complete(NDIS_HANDLE context, PNDIS_OID_REQUEST lower, NDIS_STATUS answer)
{
    struct fake_im *im = context;

    assert_ptr_equal(lower, &im->request);
    im->upper_request->BytesDone = lower->BytesDone;
    NdisMOidRequestComplete(im->adapter, im->upper_request, answer);
}

static NDIS_STATUS pnp_event(NDIS_HANDLE context, PNET_PNP_EVENT_NOTIFICATION event)
{
    struct fake_im *im = context;

    im->events++;
    im->pending_event = event;
    return im->event_answer;
}

/* ---- Life ---- */

static NDIS_STATUS initialise(NDIS_HANDLE handle, NDIS_HANDLE context, PNDIS_MINIPORT_INIT_PARAMETERS parameters)
{
    struct fake_im *im = context;
    NDIS_MINIPORT_ADAPTER_ATTRIBUTES attributes = {.MiniportAdapterContext = im,
                                                   .TcpConnectionOffload = im->capability,
                                                   .HardwareTcpConnectionOffload = im->capability};
    PNDIS_OFFLOAD_EVENT_HANDLERS table;

    assert_ptr_equal(parameters->AdapterConfiguration, im);
    im->adapter = handle;
    assert_int_equal(NdisMGetOffloadHandlers(handle, NdisTcpChimneyOffload, &table), STATUS_SUCCESS);
    memcpy(&im->up, table, sizeof im->up);
    return NdisMSetMiniportAttributes(handle, &attributes);
}

static void halt(NDIS_HANDLE context)
{
    ((struct fake_im *)context)->adapter = NULL;
}

static NDIS_STATUS bind_adapter(NDIS_HANDLE context, NDIS_HANDLE bind_context, PNDIS_BIND_PARAMETERS parameters)
{
    struct fake_im *im = context;
    NDIS_OPEN_PARAMETERS open = {.AdapterName = parameters->AdapterName};
    NDIS_HANDLE made;
    NDIS_STATUS answer;

    if (im->lowers == im->wants) {
        return NDIS_STATUS_NOT_SUPPORTED;
    }
    answer = NdisOpenAdapterEx(im->protocol, im, &open, bind_context, &im->lower[im->lowers]);
    if (answer != NDIS_STATUS_SUCCESS) {
        return answer;
    }
    if (parameters->TcpConnectionOffload != NULL) {
        im->capability_copy = *parameters->TcpConnectionOffload;
        im->capability = &im->capability_copy;
    }
    if (++im->lowers == im->wants) {
        assert_int_equal(NdisIMInitializeDeviceInstanceEx(im->driver, im->name, im, &made), NDIS_STATUS_SUCCESS);
        assert_ptr_equal(made, im->adapter);
    }
    return NDIS_STATUS_SUCCESS;
}

static NDIS_STATUS unbind_adapter(NDIS_HANDLE binding, NDIS_HANDLE context)
{
    struct fake_im *im = context;
    NDIS_STATUS answer;

    if (im->adapter != NULL && im->lowers == 1) {
        answer = NdisIMDeInitializeDeviceInstance(im->adapter);
        if (answer != NDIS_STATUS_SUCCESS) {
            return answer;
        }
    }
    answer = NdisCloseAdapterEx(binding);
    if (answer == NDIS_STATUS_SUCCESS) {
        im->lowers--;
        im->lower[0] = im->lower[0] == binding ? im->lower[1] : im->lower[0];
        im->lower[1] = NULL;
        im->active = 0;
    }
    return answer;
}

static NDIS_STATUS miniport_options(NDIS_HANDLE driver, NDIS_HANDLE context)
{
    const struct fake_im *im = context;
    struct flue_provider_handlers handlers = {
        .generic = {.InitiateOffloadHandler = im_InitiateOffload,
                    .TerminateOffloadHandler = im_TerminateOffload,
                    .UpdateOffloadHandler = im_UpdateOffload,
                    .InvalidateOffloadHandler = im_InvalidateOffload,
                    .QueryOffloadHandler = im_QueryOffloadState},
        .tcp = {.TcpOffloadSendHandler = im_TcpSend,
                .TcpOffloadReceiveHandler = im_TcpReceive,
                .TcpOffloadDisconnectHandler = disconnect,
                .TcpOffloadForwardHandler = im_TcpForward,
                .TcpOffloadReceiveReturnHandler = receive_return},
    };

    return fake_set_provider(driver, &handlers, im->options);
}

static NDIS_STATUS protocol_options(NDIS_HANDLE protocol, NDIS_HANDLE context)
{
    struct fake_im *im = context;
    struct flue_client_handlers handlers = {
        .generic = {.InitiateOffloadCompleteHandler = im_InitiateOffloadComplete,
                    .TerminateOffloadCompleteHandler = im_TerminateOffloadComplete,
                    .UpdateOffloadCompleteHandler = im_UpdateOffloadComplete,
                    .InvalidateOffloadCompleteHandler = im_InvalidateOffloadComplete,
                    .QueryOffloadCompleteHandler = im_QueryOffloadStateComplete,
                    .IndicateOffloadEventHandler = indicate_event},
        .tcp = {.TcpOffloadSendCompleteHandler = im_SendComplete,
                .TcpOffloadReceiveCompleteHandler = im_ReceiveComplete,
                .TcpOffloadDisconnectCompleteHandler = disconnect_complete,
                .TcpOffloadForwardCompleteHandler = im_ForwardComplete,
                .TcpOffloadEventHandler = tcp_event,
                .TcpOffloadReceiveIndicateHandler = receive_indicate},
    };

    im->protocol = protocol;
    if (!im->associates_late) {
        NdisIMAssociateMiniport(im->driver, protocol);
    }
    return fake_set_client(protocol, &handlers, im->options >> 2);
}

void fake_im_begin(struct fake_im *im, struct flue_ndis *ndis, const char *name, unsigned wants)
{
    *im = (struct fake_im){.ndis = ndis, .name = name, .wants = wants, .options = 15};
}

void fake_im_register(struct fake_im *im)
{
    NDIS_MINIPORT_DRIVER_CHARACTERISTICS upper = {
        .Header = {NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS, 1, sizeof upper},
        .SetOptionsHandler = miniport_options,
        .InitializeHandlerEx = initialise,
        .HaltHandlerEx = halt,
        .SendNetBufferListsHandler = send_frames,
        .ReturnNetBufferListsHandler = return_frames,
        .OidRequestHandler = request,
    };
    NDIS_PROTOCOL_DRIVER_CHARACTERISTICS lower = {
        .Header = {NDIS_OBJECT_TYPE_PROTOCOL_DRIVER_CHARACTERISTICS, 1, sizeof lower},
        .SetOptionsHandler = protocol_options,
        .BindAdapterHandlerEx = bind_adapter,
        .UnbindAdapterHandlerEx = unbind_adapter,
        .ReceiveNetBufferListsHandler = receive_frames,
        .SendNetBufferListsCompleteHandler = frames_sent,
        .StatusHandlerEx = status,
        .OidRequestCompleteHandler = request_complete,
        .NetPnPEventHandler = pnp_event,
    };
    NDIS_HANDLE protocol;

    assert_int_equal(NdisMRegisterMiniportDriver(im->ndis, im, &upper, &im->driver), NDIS_STATUS_SUCCESS);
    assert_int_equal(NdisRegisterProtocolDriver(im->ndis, im, &lower, &protocol), NDIS_STATUS_SUCCESS);
    assert_ptr_equal(protocol, im->protocol);
    NdisIMAssociateMiniport(im->driver, im->protocol);
}

void fake_im_end(struct fake_im *im)
{
    for (unsigned i = 0; i < FAKE_IM_ENTRIES; i++) {
        assert_null(im->entries[i].upper);
    }
    for (unsigned i = 0; i < FAKE_IM_BLOCKS; i++) {
        assert_null(im->calls[i].block);
    }
    assert_int_equal(NdisDeregisterProtocolDriver(im->protocol), NDIS_STATUS_SUCCESS);
    assert_int_equal(NdisMDeregisterMiniportDriver(im->driver), NDIS_STATUS_SUCCESS);
}
