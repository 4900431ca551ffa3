/* SPDX-License-Identifier: GPL-2.0-only */
/* The scripted miniport. */
#include "fake_adapter.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

static struct peer *peer_of_context(struct fixture *f, PVOID context)
{
    struct peer *peer = context;

    assert_true(peer >= f->peers && peer < f->peers + SOCKETS);
    return peer;
}

static void append(PNET_BUFFER_LIST *end, PNET_BUFFER_LIST more)
{
    while (*end != NULL) {
        end = &(*end)->Next;
    }
    *end = more;
}

static PNET_BUFFER_LIST pop(PNET_BUFFER_LIST *first)
{
    PNET_BUFFER_LIST nbl = *first;

    assert_non_null(nbl);
    *first = nbl->Next;
    nbl->Next = NULL;
    return nbl;
}

/* ---- The miniport */

/* A tree as text: + new, * linker, for connections SndUna relative to its first byte and the bytes of the chain. */
static void describe(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, char *text, size_t room)
{
    for (; block != NULL; block = block->NextBlock) {
        char mark = block->MiniportOffloadContext == NULL ? '-' : *block->MiniportOffloadContext == NULL ? '+' : '*';
        size_t used = strlen(text);

        assert_int_equal(block->Header.Size, 0x98);
        switch (flue_state_layer(block->Header.Type)) {
        case FLUE_LAYER_NEIGHBOR:
            (void)snprintf(text + used, room - used, " N%c", mark);
            break;
        case FLUE_LAYER_PATH:
            (void)snprintf(text + used, room - used, " P%c", mark);
            break;
        case FLUE_LAYER_TCP:
            (void)snprintf(text + used, room - used, " T%c", mark);
            if (block->NetBufferListChain != NULL) {
                used = strlen(text);
                (void)snprintf(text + used, room - used, "[%u]", (unsigned)ndis_chain_bytes(block->NetBufferListChain));
            }
            break;
        case FLUE_LAYER_NONE:
            fail();
        }
        if (block->DependentBlockList != NULL) {
            strcat(text, "(");
            describe(block->DependentBlockList, text, room);
            strcat(text, ")");
        }
    }
}

static void MiniportInitiateOffload(NDIS_HANDLE context, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    struct fixture *f = context;
    char text[512] = "";

    describe(tree, text, sizeof text);
    fixture_note(f, "initiate%s", text);
    f->initiated[f->initiated_count++] = tree;
    f->sent_before = f->sent_count;
}

static void MiniportTerminateOffload(NDIS_HANDLE context, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    struct fixture *f = context;
    char text[512] = "";

    describe(tree, text, sizeof text);
    fixture_note(f, "terminate%s", text);
    f->terminated[f->terminated_count++] = tree;
}

static void note_operation(struct fixture *f, const char *what, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    char text[512] = "";

    describe(tree, text, sizeof text);
    fixture_note(f, "%s%s", what, text);
}

static void MiniportUpdateOffload(NDIS_HANDLE context, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    struct fixture *f = context;

    note_operation(f, "update", tree);
    f->updated[f->updated_count++] = tree;
}

static void MiniportQueryOffload(NDIS_HANDLE context, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    struct fixture *f = context;

    note_operation(f, "query", tree);
    f->queried[f->queried_count++] = tree;
}

static void MiniportInvalidateOffload(NDIS_HANDLE context, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    struct fixture *f = context;

    note_operation(f, "invalidate", tree);
    f->invalidated[f->invalidated_count++] = tree;
}

static NDIS_STATUS MiniportTcpOffloadSend(NDIS_HANDLE context, PVOID offload_context, PNET_BUFFER_LIST list)
{
    struct fixture *f = context;
    struct peer *peer = peer_of_context(f, offload_context);
    struct ndis_spans spans = ndis_spans_of_data(list->FirstNetBuffer);
    struct flue_span span;

    assert_true(ndis_spans_next(&spans, &span));
    fixture_note(f, "%u: send %u+%u", peer_number(f, peer), (unsigned)span.offset_bytes,
                 (unsigned)ndis_chain_bytes(list));
    append(&peer->sends, list);
    while (f->hasty && peer->sends != NULL) {
        PNET_BUFFER_LIST nbl = pop(&peer->sends);

        nbl->Status = NDIS_STATUS_SUCCESS;
        NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)ndis_nbl_bytes(nbl);
        f->up.NdisTcpOffloadSendComplete(f->adapter, nbl);
    }
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS MiniportTcpOffloadReceive(NDIS_HANDLE context, PVOID offload_context, PNET_BUFFER_LIST list)
{
    struct fixture *f = context;
    struct peer *peer = peer_of_context(f, offload_context);

    for (PNET_BUFFER_LIST nbl = list; nbl != NULL; nbl = nbl->Next) {
        assert_null(nbl->FirstNetBuffer->Next); /* CH-177 */
        fixture_note(f, "%u: post %u%s", peer_number(f, peer), nbl->FirstNetBuffer->DataLength,
                     NET_BUFFER_LIST_INFO(nbl, TcpReceiveNoPush) != NULL ? " nonpush" : "");
    }
    append(&peer->posts, list);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS MiniportTcpOffloadForward(NDIS_HANDLE context, PVOID offload_context, PNET_BUFFER_LIST list)
{
    struct fixture *f = context;
    struct peer *peer = peer_of_context(f, offload_context);

    for (PNET_BUFFER_LIST nbl = list; nbl != NULL; nbl = nbl->Next) {
        const struct flue_frame *frame = ndis_nbl_frame(nbl);

        fixture_note(f, "%u: forward %+d+%u", peer_number(f, peer), (int)(frame->seq - peer->state.RcvNxt),
                     frame->payload.length_bytes);
    }
    append(&peer->forwards, list);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS MiniportTcpOffloadDisconnect(NDIS_HANDLE context, PVOID offload_context, PNET_BUFFER_LIST list,
                                                ULONG flags)
{
    struct fixture *f = context;
    struct peer *peer = peer_of_context(f, offload_context);

    fixture_note(f, ndis_nbl_bytes(list) > 0 ? "%u: disconnect %s with %u" : "%u: disconnect %s", peer_number(f, peer),
                 flags == TCP_DISCONNECT_GRACEFUL_CLOSE ? "graceful" : "abortive", (unsigned)ndis_nbl_bytes(list));
    append(&peer->disconnect, list);
    return NDIS_STATUS_PENDING;
}

static NDIS_STATUS MiniportTcpOffloadReceiveReturn(NDIS_HANDLE context, PNET_BUFFER_LIST list)
{
    struct fixture *f = context;
    unsigned count = 0;

    while (list != NULL) {
        ndis_nbl_put(pop(&list));
        count++;
    }
    assert_true(f->indicated >= count);
    f->indicated -= count;
    fixture_note(f, "return %u", count);
    return NDIS_STATUS_SUCCESS;
}

static void MiniportSendNetBufferLists(NDIS_HANDLE context, PNET_BUFFER_LIST list, NDIS_PORT_NUMBER port, ULONG flags)
{
    struct fixture *f = context;

    (void)port, (void)flags;
    for (PNET_BUFFER_LIST nbl = list; nbl != NULL; nbl = nbl->Next) {
        const struct flue_frame *frame = ndis_nbl_frame(nbl);

        assert_true(f->sent_count < COUNT_OF(f->sent));
        f->sent[f->sent_count++] = *frame;
        for (unsigned i = 0; i < SOCKETS; i++) {
            if (f->peers[i].port == frame->dst_port && f->peers[i].ip == frame->dst_ip.word[3]) {
                f->peers[i].ack =
                    frame->seq + frame->payload.length_bytes + ((frame->flags & (FLUE_TCP_SYN | FLUE_TCP_FIN)) != 0);
            }
        }
    }
    append(&f->ordinary, list);
    if (f->hasty) {
        f->ordinary = NULL;
        NdisMSendNetBufferListsComplete(f->adapter, list, 0);
    }
}

static void MiniportReturnNetBufferLists(NDIS_HANDLE context, PNET_BUFFER_LIST list, ULONG flags)
{
    (void)context, (void)flags;
    ndis_chain_put(list);
}

static NDIS_STATUS MiniportSetOptions(NDIS_HANDLE driver, NDIS_HANDLE context)
{
    static const struct flue_provider_handlers handlers = FLUE_PROVIDER_HANDLERS;

    (void)context;
    return flue_ndis_set_provider(driver, &handlers);
}

static NDIS_STATUS MiniportInitializeEx(NDIS_HANDLE handle, NDIS_HANDLE context, PNDIS_MINIPORT_INIT_PARAMETERS p)
{
    struct fixture *f = context;
    NDIS_MINIPORT_ADAPTER_ATTRIBUTES attributes = {.MiniportAdapterContext = f, .TcpConnectionOffload = f->capability};
    PNDIS_OFFLOAD_EVENT_HANDLERS table = NULL;

    (void)p;
    assert_int_equal(NdisMSetMiniportAttributes(handle, &attributes), NDIS_STATUS_SUCCESS);
    assert_int_equal(NdisMGetOffloadHandlers(handle, NdisTcpChimneyOffload, &table), NDIS_STATUS_SUCCESS);
    memcpy(&f->up, table, sizeof f->up);
    return NDIS_STATUS_SUCCESS;
}

/* Sleeps and wakes at once, takes parameters, and notes what is switched on and off. */
static NDIS_STATUS MiniportOidRequest(NDIS_HANDLE context, PNDIS_OID_REQUEST request)
{
    struct fixture *f = context;

    if (request->Oid == (NDIS_OID)OID_PNP_SET_POWER) {
        return NDIS_STATUS_SUCCESS;
    }
    if (request->Oid == OID_TCP_CONNECTION_OFFLOAD_PARAMETERS && request->RequestType == NdisRequestSetInformation) {
        assert_int_equal(request->InformationBufferLength, sizeof f->parameters);
        memcpy(&f->parameters, request->InformationBuffer, sizeof f->parameters);
        return NDIS_STATUS_SUCCESS;
    }
    if (request->Oid == OID_GEN_RECEIVE_SCALE_PARAMETERS && request->RequestType == NdisRequestSetInformation) {
        assert_int_equal(request->InformationBufferLength, sizeof f->scale);
        memcpy(&f->scale, request->InformationBuffer, sizeof f->scale);
        return NDIS_STATUS_SUCCESS;
    }
    if (request->Oid == (NDIS_OID)OID_TCP_OFFLOAD_PARAMETERS && request->RequestType == NdisRequestSetInformation) {
        const NDIS_OFFLOAD_PARAMETERS *switches = request->InformationBuffer;

        assert_int_equal(request->InformationBufferLength, sizeof *switches);
        fixture_note(f, "switch IPv4 %u, IPv6 %u", switches->TcpConnectionIPv4, switches->TcpConnectionIPv6);
        return NDIS_STATUS_SUCCESS;
    }
    return NDIS_STATUS_NOT_SUPPORTED;
}

static void MiniportHaltEx(NDIS_HANDLE context)
{
    (void)context;
}

void adapter_start(struct fixture *f)
{
    const NDIS_MINIPORT_DRIVER_CHARACTERISTICS driver = {
        .Header = {NDIS_OBJECT_TYPE_MINIPORT_DRIVER_CHARACTERISTICS, 1, sizeof driver},
        .SetOptionsHandler = MiniportSetOptions,
        .InitializeHandlerEx = MiniportInitializeEx,
        .HaltHandlerEx = MiniportHaltEx,
        .SendNetBufferListsHandler = MiniportSendNetBufferLists,
        .ReturnNetBufferListsHandler = MiniportReturnNetBufferLists,
        .OidRequestHandler = MiniportOidRequest,
    };

    assert_int_equal(NdisMRegisterMiniportDriver(f->ndis, f, &driver, &f->driver), NDIS_STATUS_SUCCESS);
    assert_int_equal(flue_ndis_adapter_start(f->ndis, f->driver, "fake", f, &f->adapter), FLUE_OK);
}

/* ---- The adapter */

void adapter_sent(struct fixture *f)
{
    PNET_BUFFER_LIST first = f->ordinary;

    f->ordinary = NULL;
    if (first != NULL) {
        NdisMSendNetBufferListsComplete(f->adapter, first, 0);
        fixture_run(f);
    }
}

static void take_path(struct fixture *f, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST path, unsigned refuse, int refuse_path)
{
    path->Status = refuse_path ? NDIS_STATUS_OFFLOAD_PATH_ENTRIES : NDIS_STATUS_SUCCESS;
    if (!refuse_path) {
        *path->MiniportOffloadContext = &f->path_context;
    }
    for (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tcp = path->DependentBlockList; tcp != NULL; tcp = tcp->NextBlock) {
        const FLUE_TCP_BLOCK *block = (const FLUE_TCP_BLOCK *)(const void *)tcp;
        unsigned port = (unsigned)((block->Const.RemotePort & 0xff) << 8 | block->Const.RemotePort >> 8);
        struct peer *peer = &f->peers[port - 1000];

        assert_int_equal(flue_state_next(&((FLUE_TCP_BLOCK *)(void *)tcp)->Const.Header)->Length, 0x2c);
        assert_int_equal(block->Delegated.Header.Length, 0x80);
        peer->state = block->Delegated;
        peer->hash = block->Const.HashValue;
        if (refuse_path || (refuse >> (port - 1000) & 1) != 0) {
            tcp->Status = refuse_path ? NDIS_STATUS_FAILURE : NDIS_STATUS_OFFLOAD_TCP_ENTRIES;
            continue;
        }
        tcp->Status = NDIS_STATUS_SUCCESS;
        *tcp->MiniportOffloadContext = peer;
        peer->handle = tcp->NdisOffloadHandle;
        append(&peer->sends, tcp->NetBufferListChain);
    }
}

void adapter_initiated(struct fixture *f, unsigned refuse, int refuse_path)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root = f->initiated[0];

    assert_true(f->initiated_count > 0);
    memmove(f->initiated, f->initiated + 1, sizeof f->initiated - sizeof f->initiated[0]);
    f->initiated_count--;
    for (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block = root; block != NULL; block = block->NextBlock) {
        block->Status = NDIS_STATUS_SUCCESS;
        if (block->MiniportOffloadContext != NULL) {
            *block->MiniportOffloadContext = &f->neighbour_context;
        }
        for (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST path = block->DependentBlockList; path != NULL; path = path->NextBlock) {
            take_path(f, path, refuse, refuse_path);
        }
    }
    NdisMInitiateOffloadComplete(f->adapter, root);
    fixture_run(f);
}

static PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST pop_terminated(struct fixture *f)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root = f->terminated[0];

    assert_true(f->terminated_count > 0);
    memmove(f->terminated, f->terminated + 1, sizeof f->terminated - sizeof f->terminated[0]);
    f->terminated_count--;
    return root;
}

static PNET_BUFFER_LIST make_received(struct fixture *f, unsigned i, uint32_t bytes)
{
    struct peer *peer = &f->peers[i];
    PNET_BUFFER_LIST nbl = ndis_nbl_get(f->spans);
    const struct flue_span span = {.stream = 2 * i, .offset_bytes = peer->sent, .length_bytes = bytes};

    assert_int_equal(ndis_nbl_append(nbl, &span), FLUE_OK);
    peer->sent += bytes;
    peer->seq += bytes;
    f->indicated++;
    return nbl;
}

void adapter_terminated(struct fixture *f, unsigned i, uint32_t acked_bytes, unsigned state, uint32_t buffered_bytes,
                        NDIS_STATUS status)
{
    struct peer *peer = &f->peers[i];
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root = pop_terminated(f);
    TCP_OFFLOAD_STATE_DELEGATED *delegated = &((FLUE_TCP_TERMINATE_BLOCK *)(void *)root)->Delegated;
    OFFLOAD_STATE_HEADER header = delegated->Header;

    assert_ptr_equal(*root->MiniportOffloadContext, peer);
    assert_null(root->NextBlock);
    root->Status = status;
    if (status == NDIS_STATUS_SUCCESS) {
        uint32_t chain_bytes = (uint32_t)ndis_chain_bytes(peer->sends);

        *delegated = peer->state;
        delegated->Header = header;
        delegated->BufferedData = buffered_bytes > 0 ? make_received(f, i, buffered_bytes) : NULL;
        delegated->State = (TCP_OFFLOAD_CONNECTION_STATE)state;
        delegated->RcvNxt = peer->seq;
        delegated->SndUna = delegated->SndUna + acked_bytes;
        delegated->SndNxt = delegated->SndMax = delegated->SndUna + chain_bytes + f->missing_bytes;
        delegated->SendDataHead = delegated->SendDataTail = peer->sends;
        root->NetBufferListChain = peer->sends;
    } else {
        while (peer->sends != NULL) {
            adapter_send_done(f, i, NDIS_STATUS_REQUEST_ABORTED, 0);
        }
    }
    peer->sends = NULL;
    peer->handle = NULL;
    NdisMTerminateOffloadComplete(f->adapter, root);
    fixture_run(f);
}

static void answer(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, NDIS_STATUS status)
{
    for (; block != NULL; block = block->NextBlock) {
        block->Status = status;
        answer(block->DependentBlockList, status);
    }
}

static PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST pop_tree(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST trees[8], unsigned *count)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root = trees[0];

    assert_true(*count > 0);
    (*count)--;
    memmove(trees, trees + 1, *count * sizeof trees[0]);
    return root;
}

void adapter_released(struct fixture *f)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root = pop_terminated(f);

    answer(root, NDIS_STATUS_SUCCESS);
    NdisMTerminateOffloadComplete(f->adapter, root);
    fixture_run(f);
}

void adapter_updated(struct fixture *f, NDIS_STATUS status)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root = pop_tree(f->updated, &f->updated_count);

    answer(root, status);
    NdisMUpdateOffloadComplete(f->adapter, root);
    fixture_run(f);
}

void adapter_invalidated(struct fixture *f, NDIS_STATUS status)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root = pop_tree(f->invalidated, &f->invalidated_count);

    answer(root, status);
    NdisMInvalidateOffloadComplete(f->adapter, root);
    fixture_run(f);
}

void adapter_queried(struct fixture *f, uint32_t value, NDIS_STATUS status)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root = pop_tree(f->queried, &f->queried_count);

    if (root->Header.Type == NeighborOffloadDelegatedState) {
        ((NEIGHBOR_OFFLOAD_STATE_DELEGATED *)(void *)flue_state_first(root))->NicReachabilityDelta = value;
    } else {
        ((TCP_OFFLOAD_STATE_DELEGATED *)(void *)flue_state_first(root))->SendBacklogSize = value;
    }
    answer(root, status);
    NdisMQueryOffloadStateComplete(f->adapter, root);
    fixture_run(f);
}

void adapter_receive_done(struct fixture *f, unsigned i, uint32_t bytes, NDIS_STATUS status)
{
    struct peer *peer = &f->peers[i];
    PNET_BUFFER_LIST nbl = pop(&peer->posts);
    const struct flue_span span = {.stream = 2 * i, .offset_bytes = peer->sent, .length_bytes = bytes};
    ULONG placed = 0;

    if (bytes > 0) {
        assert_int_equal(ndis_nbl_fill(nbl, &span, &placed), FLUE_OK);
        assert_int_equal(placed, bytes);
        peer->sent += bytes;
        peer->seq += bytes;
    }
    nbl->Status = status;
    NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)bytes;
    NdisAdvanceNetBufferDataStart(nbl->FirstNetBuffer, bytes, 0, NULL);
    f->up.NdisTcpOffloadReceiveComplete(f->adapter, nbl);
    fixture_run(f);
}

NDIS_STATUS adapter_try_indicate(struct fixture *f, unsigned i, uint32_t bytes, ULONG *consumed)
{
    PNET_BUFFER_LIST nbl = make_received(f, i, bytes);
    NDIS_STATUS status = f->up.NdisTcpOffloadReceiveHandler(f->peers[i].handle, nbl, NDIS_STATUS_SUCCESS, consumed);

    if (status != NDIS_STATUS_SUCCESS) {
        f->peers[i].sent -= bytes - *consumed; /* indicated anew some day */
        f->peers[i].seq -= bytes - *consumed;
        f->indicated--;
        ndis_nbl_put(nbl);
    }
    fixture_run(f);
    return status;
}

void adapter_send_done(struct fixture *f, unsigned i, NDIS_STATUS status, uint32_t acked_bytes)
{
    PNET_BUFFER_LIST nbl = pop(&f->peers[i].sends);

    nbl->Status = status;
    NET_BUFFER_LIST_INFO(nbl, TcpOffloadBytesTransferred) = (PVOID)(uintptr_t)acked_bytes;
    NdisAdvanceNetBufferDataStart(nbl->FirstNetBuffer, acked_bytes, 0, NULL);
    f->up.NdisTcpOffloadSendComplete(f->adapter, nbl);
    fixture_run(f);
}

void adapter_disconnect_done(struct fixture *f, unsigned i, NDIS_STATUS status)
{
    PNET_BUFFER_LIST nbl = pop(&f->peers[i].disconnect);

    nbl->Status = status;
    f->up.NdisTcpOffloadDisconnectComplete(f->adapter, nbl);
    fixture_run(f);
}

void adapter_forward_done(struct fixture *f, unsigned i, NDIS_STATUS status)
{
    PNET_BUFFER_LIST first = f->peers[i].forwards;

    f->peers[i].forwards = NULL;
    for (PNET_BUFFER_LIST nbl = first; nbl != NULL; nbl = nbl->Next) {
        nbl->Status = status;
    }
    f->up.NdisTcpOffloadForwardComplete(f->adapter, first);
    fixture_run(f);
}

void adapter_indicate(struct fixture *f, unsigned i, uint32_t bytes)
{
    PNET_BUFFER_LIST nbl = make_received(f, i, bytes);
    ULONG consumed = 0;

    assert_int_equal(f->up.NdisTcpOffloadReceiveHandler(f->peers[i].handle, nbl, NDIS_STATUS_SUCCESS, &consumed),
                     NDIS_STATUS_SUCCESS);
    assert_int_equal(consumed, bytes);
}

void adapter_event(struct fixture *f, unsigned i, ULONG event, ULONG information)
{
    f->up.NdisTcpOffloadEventHandler(f->peers[i].handle, event, information);
    fixture_run(f);
}
