/* SPDX-License-Identifier: GPL-2.0-only */
/* What the scripted host and target do, and the judge of their violations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check_world.h"
#include "flue/wire.h"
#include "support/violators.h"

/* ---- What the host does ---- */

static const unsigned full_type[OBJECTS] = {
    [NEIGHBOR] = NeighborOffloadState, [NEIGHBOR_2] = NeighborOffloadState, [PATH] = Ip4OffloadState,
    [CONN] = TcpOffloadState,          [CONN_2] = TcpOffloadState,          [CONN_3] = TcpOffloadState,
};

static struct space *next_space(struct world *world, unsigned type)
{
    struct space *space = &world->space[world->spaces++];
    bool versioned = type == TcpOffloadState || type == TcpOffloadDelegatedState;

    assert_true(world->spaces < WORLD_BLOCKS);
    space->block.Header = (NDIS_OBJECT_HEADER){(UCHAR)type, versioned ? 2 : 1, sizeof space->block};
    return space;
}

static const ULONG lengths[4][3] = {
    [FLUE_LAYER_NEIGHBOR] = {sizeof(NEIGHBOR_OFFLOAD_STATE_CONST), sizeof(NEIGHBOR_OFFLOAD_STATE_CACHED),
                             sizeof(NEIGHBOR_OFFLOAD_STATE_DELEGATED)},
    [FLUE_LAYER_PATH] = {sizeof(PATH_OFFLOAD_STATE_CONST), sizeof(PATH_OFFLOAD_STATE_CACHED),
                         sizeof(PATH_OFFLOAD_STATE_DELEGATED)},
    [FLUE_LAYER_TCP] = {sizeof(TCP_OFFLOAD_STATE_CONST), sizeof(TCP_OFFLOAD_STATE_CACHED),
                        sizeof(TCP_OFFLOAD_STATE_DELEGATED)},
};

static OFFLOAD_STATE_HEADER *state_of(struct space *space, unsigned class)
{
    OFFLOAD_STATE_HEADER *state = flue_state_first(&space->block);

    if (flue_state_class(space->block.Header.Type) == 4) {
        for (unsigned i = 1; i < class; i++) {
            state = flue_state_next(state);
        }
    }
    return state;
}

static void lay_out(struct space *space)
{
    unsigned type = space->block.Header.Type, class = flue_state_class(type);
    OFFLOAD_STATE_HEADER *state = flue_state_first(&space->block);

    for (unsigned i = class == 4 ? 1 : class; i <= (class == 4 ? 3 : class); i++, state = flue_state_next(state)) {
        state->Length = lengths[flue_state_layer(type)][i - 1];
    }
}

TCP_OFFLOAD_STATE_DELEGATED *delegated_of(struct space *block)
{
    return (TCP_OFFLOAD_STATE_DELEGATED *)(void *)state_of(block, 3);
}

TCP_OFFLOAD_STATE_CACHED *cached_of(struct space *block)
{
    return (TCP_OFFLOAD_STATE_CACHED *)(void *)state_of(block, 2);
}

static void fill_path(struct world *world, struct space *space)
{
    PATH_OFFLOAD_STATE_CONST *constant = (PATH_OFFLOAD_STATE_CONST *)(void *)state_of(space, 1);

    world->address[0][0] = 10;
    world->address[0][3] = 1;
    world->address[1][0] = 10;
    world->address[1][3] = 2;
    constant->SourceAddress = world->address[0];
    constant->DestinationAddress = world->address[1];
    ((PATH_OFFLOAD_STATE_CACHED *)(void *)state_of(space, 2))->PathMtu = 1500;
}

/* Sequence numbers stand close to where they wrap. */
static void fill_tcp(struct space *space, unsigned object)
{
    TCP_OFFLOAD_STATE_CONST *constant = (TCP_OFFLOAD_STATE_CONST *)(void *)state_of(space, 1);
    TCP_OFFLOAD_STATE_CACHED *cached = cached_of(space);
    TCP_OFFLOAD_STATE_DELEGATED *delegated = delegated_of(space);

    constant->LocalPort = (USHORT)(1000 + object);
    constant->RemotePort = 80;
    constant->RemoteMss = 1460;
    constant->HashValue = object;
    cached->InitialRcvWnd = 65536;
    cached->TtlOrHopLimit = 64;
    delegated->State = TcpConnectionEstablished;
    delegated->RcvNxt = 0xFFFFFFF0u;
    delegated->RcvWnd = 65536;
    delegated->SndUna = delegated->SndNxt = delegated->SndMax = 0xFFFFFF00u;
    delegated->SndWnd = delegated->MaxSndWnd = 65536;
    delegated->CWnd = 14600;
    delegated->KeepAlive.TimeoutDelta = delegated->Retransmit.TimeoutDelta = FLUE_TICKS_NONE;
}

struct space *new_block(struct world *world, unsigned object)
{
    struct space *space = next_space(world, full_type[object]);

    space->block.OffloadHandle = &world->handle[object];
    lay_out(space);
    switch (object) {
    case PATH:
        fill_path(world, space);
        break;
    case CONN:
    case CONN_2:
    case CONN_3:
        fill_tcp(space, object);
        break;
    default:
        break;
    }
    return space;
}

struct space *ref_block(struct world *world, unsigned object, unsigned type)
{
    struct space *space = next_space(world, type);

    space->block.OffloadHandle = &world->handle[object];
    lay_out(space);
    return space;
}

struct space *placeholder(struct world *world, unsigned type)
{
    return next_space(world, type);
}

void chain(struct space *first, struct space *next)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST *end = &first->block.NextBlock;

    while (*end != NULL) {
        end = &(*end)->NextBlock;
    }
    *end = &next->block;
}

void hang(struct space *parent, struct space *child)
{
    if (parent->block.DependentBlockList == NULL) {
        parent->block.DependentBlockList = &child->block;
    } else {
        chain((struct space *)(void *)parent->block.DependentBlockList, child);
    }
}

struct space *whole_tree(struct world *world, int with_second, struct space **conn)
{
    struct space *neighbor = new_block(world, NEIGHBOR), *path = new_block(world, PATH);
    struct space *first = new_block(world, CONN);

    hang(neighbor, path);
    hang(path, first);
    if (with_second) {
        hang(path, new_block(world, CONN_2));
    }
    if (conn != NULL) {
        *conn = first;
    }
    return neighbor;
}

void ask(struct world *world, enum operation operation, struct space *root)
{
    static void (*const calls[])(NDIS_HANDLE, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST) = {
        [INITIATE] = NdisInitiateOffload,     [TERMINATE] = NdisTerminateOffload, [UPDATE] = NdisUpdateOffload,
        [INVALIDATE] = NdisInvalidateOffload, [QUERY] = NdisQueryOffloadState,
    };

    calls[operation](world->binding, &root->block);
}

void offloaded(struct world *world)
{
    ask(world, INITIATE, whole_tree(world, 1, NULL));
    answer(world);
}

struct space *terminating(struct world *world, unsigned object)
{
    static const unsigned types[OBJECTS] = {
        [NEIGHBOR] = NeighborOffloadDelegatedState, [NEIGHBOR_2] = NeighborOffloadDelegatedState,
        [PATH] = Ip4OffloadDelegatedState,          [CONN] = TcpOffloadDelegatedState,
        [CONN_2] = TcpOffloadDelegatedState,        [CONN_3] = TcpOffloadDelegatedState,
    };
    struct space *space = ref_block(world, object, types[object]);

    ask(world, TERMINATE, space);
    return space;
}

PNET_BUFFER_LIST data_list(struct world *world, uint32_t bytes)
{
    const struct flue_span span = {.stream = 1, .length_bytes = bytes};
    PNET_BUFFER_LIST list = ndis_nbl_get(world->spans);

    assert_non_null(list);
    if (bytes > 0) {
        assert_int_equal(ndis_nbl_append(list, &span), FLUE_OK);
    }
    return list;
}

static uint16_t turned(unsigned port)
{
    return (uint16_t)((port & 0xFFu) << 8 | port >> 8);
}

PNET_BUFFER_LIST segment_list(struct world *world, unsigned object)
{
    PNET_BUFFER_LIST list = ndis_nbl_get(world->frames);

    assert_non_null(list);
    *ndis_nbl_frame(list) = (struct flue_frame){
        .src_ip = flue_ip_v4(0x0A000002u),
        .dst_ip = flue_ip_v4(0x0A000001u),
        .src_port = turned(80),
        .dst_port = turned(1000 + object),
        .seq = 0xFFFFFFF0u,
        .ack = 0xFFFFFF00u,
        .flags = FLUE_TCP_ACK,
        .ethertype = FLUE_ETHERTYPE_IPV4,
    };
    return list;
}

PNET_BUFFER_LIST room_list(struct world *world, uint32_t bytes)
{
    PNET_BUFFER_LIST list = ndis_nbl_get(world->spans);

    assert_non_null(list);
    ndis_nbl_set_room(list, bytes);
    return list;
}

struct space *with_chain(struct world *world, unsigned lists, uint32_t sent, struct space **conn)
{
    struct space *root = whole_tree(world, 0, conn);
    TCP_OFFLOAD_STATE_DELEGATED *state = delegated_of(*conn);
    struct ndis_chain made = {0};

    for (unsigned i = 0; i < lists; i++) {
        ndis_chain_append(&made, data_list(world, 1000));
    }
    (*conn)->block.NetBufferListChain = made.first;
    state->SendDataHead = made.first;
    state->SendDataTail = made.last;
    state->SndNxt = state->SndMax = state->SndUna + sent;
    return root;
}

/* ---- What the target does ---- */

static flue_err fill_block(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, void *arg)
{
    struct world *world = arg;
    OFFLOAD_STATE_HEADER *state = flue_state_first(block);
    unsigned class = flue_state_class(block->Header.Type);
    unsigned layer = flue_state_layer(block->Header.Type);
    ptrdiff_t object = (PNDIS_OFFLOAD_HANDLE)block->NdisOffloadHandle - world->handle;

    block->Status = NDIS_STATUS_SUCCESS;
    if (block->MiniportOffloadContext == NULL) {
        return FLUE_OK;
    }
    if (world->operation == INITIATE) {
        *block->MiniportOffloadContext = &world->context[object];
    }
    if (world->operation != TERMINATE && world->operation != QUERY) {
        return FLUE_OK;
    }
    for (unsigned i = class == 4 ? 1 : class; i <= (class == 4 ? 3 : class); i++, state = flue_state_next(state)) {
        memset(state + 1, 0, lengths[layer][i - 1] - sizeof *state);
        if (layer == FLUE_LAYER_TCP && i == 3) {
            struct space good = {.block.Header.Type = TcpOffloadState};

            lay_out(&good);
            fill_tcp(&good, (unsigned)object);
            memcpy(state, delegated_of(&good), lengths[layer][2]);
        } else if (layer == FLUE_LAYER_TCP) {
            struct space good = {.block.Header.Type = TcpOffloadState};

            lay_out(&good);
            fill_tcp(&good, (unsigned)object);
            memcpy(state, state_of(&good, i), lengths[layer][i - 1]);
        } else if (layer == FLUE_LAYER_PATH && i < 3) {
            struct space good = {.block.Header.Type = Ip4OffloadState};

            lay_out(&good);
            fill_path(world, &good);
            memcpy(state, state_of(&good, i), lengths[layer][i - 1]);
        }
    }
    return FLUE_OK;
}

void fill(struct world *world)
{
    assert_int_equal(flue_block_walk(world->tree, fill_block, world), FLUE_OK);
}

void complete(struct world *world, enum operation operation)
{
    static void (*const calls[])(NDIS_HANDLE, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST) = {
        [INITIATE] = NdisMInitiateOffloadComplete, [TERMINATE] = NdisMTerminateOffloadComplete,
        [UPDATE] = NdisMUpdateOffloadComplete,     [INVALIDATE] = NdisMInvalidateOffloadComplete,
        [QUERY] = NdisMQueryOffloadStateComplete,
    };

    calls[operation](world->adapter, world->tree);
}

void answer(struct world *world)
{
    fill(world);
    complete(world, world->operation);
}

PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST lowest(struct world *world, unsigned depth)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block = world->tree;

    for (; depth > 0; depth--) {
        block = block->DependentBlockList;
    }
    return block;
}

TCP_OFFLOAD_STATE_DELEGATED *returned(struct world *world)
{
    return (TCP_OFFLOAD_STATE_DELEGATED *)(void *)flue_state_first(world->tree);
}

/* ---- Violations ---- */

static int judge(const struct violation *violation)
{
    struct world *world = test_malloc(sizeof *world);
    int bad;

    world_begin(world, violation->version);
    violation->script(world);
    world_end(world);
    bad = world->findings == 0 || world->finding[0].rule != violation->rule ||
          world->finding[0].party != violation->party;
    for (unsigned i = 0; i < world->findings; i++) {
        bad = bad || (world->finding[i].rule != violation->rule && world->finding[i].rule != violation->also);
    }
    if (bad) {
        print_error("%s, CH-%03u:\n", violation->name, violation->rule);
        for (unsigned i = 0; i < world->findings; i++) {
            print_error("  CH-%03u %s: %s\n", world->finding[i].rule, flue_party_name(world->finding[i].party),
                        world->seen[i]);
        }
    }
    violator_told(violation->rule, violation->name, !bad);
    test_free(world);
    return bad;
}

int world_judge(const struct violation *violations, size_t count)
{
    int bad = 0;

    for (size_t i = 0; i < count; i++) {
        bad += judge(&violations[i]);
    }
    return bad;
}
