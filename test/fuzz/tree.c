/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz/tree.c - target tree: block lists and the state behind them, of any shape and content, into an offload target,
 * alone or under a driver that passes on, through the dispatcher with the checker counting.  Every operation that is
 * accepted completes once, nothing is read outside what was lent, and at the end all of it comes back. */
#include <stdlib.h>

#include "fuzz/tree_world.h"

enum { OPERATIONS = 5, STEPS_MAX = 60 };

/* What a block is before it is spoilt. */
enum kind { NEIGHBOUR, PATH4, PATH6, TCP, PLACEHOLDER, KINDS };

static const UCHAR types[KINDS][OPERATIONS] = {
    [NEIGHBOUR] = {NeighborOffloadState, NeighborOffloadState, NeighborOffloadCachedState, NeighborOffloadState,
                   NeighborOffloadState},
    [PATH4] = {Ip4OffloadState, Ip4OffloadState, Ip4OffloadCachedState, Ip4OffloadState, Ip4OffloadState},
    [PATH6] = {Ip6OffloadState, Ip6OffloadState, Ip6OffloadCachedState, Ip6OffloadState, Ip6OffloadState},
    [TCP] = {TcpOffloadState, TcpOffloadDelegatedState, TcpOffloadCachedState, TcpOffloadState, TcpOffloadState}};

static const UCHAR address[2][16] = {{10, 0, 0, 1}, {10, 0, 0, 2}};

static void head(OFFLOAD_STATE_HEADER *header, size_t bytes)
{
    *header = (OFFLOAD_STATE_HEADER){.Length = (ULONG)bytes};
}

/* All three structures behind a block, or the one that the class names. */
static void fill(FLUE_TCP_BLOCK *memory, enum kind kind, unsigned class)
{
    switch (kind) {
    case NEIGHBOUR: {
        FLUE_NEIGHBOR_BLOCK *block = (void *)memory;

        head(&block->Const.Header, class == 2   ? sizeof block->Cached
                                   : class == 3 ? sizeof block->Delegated
                                                : sizeof block->Const);
        if (class == 4) {
            head(&block->Cached.Header, sizeof block->Cached);
            head(&block->Delegated.Header, sizeof block->Delegated);
            block->Cached.DlDestinationAddress[5] = 9;
        }
        break;
    }
    case PATH4:
    case PATH6: {
        FLUE_PATH_BLOCK *block = (void *)memory;

        head(&block->Const.Header, class == 2   ? sizeof block->Cached
                                   : class == 3 ? sizeof block->Delegated
                                                : sizeof block->Const);
        if (class == 2) {
            PATH_OFFLOAD_STATE_CACHED *cached = (void *)flue_state_first(memory);

            cached->PathMtu = 1400;
        } else if (class == 4) {
            block->Const.SourceAddress = address[0];
            block->Const.DestinationAddress = address[1];
            head(&block->Cached.Header, sizeof block->Cached);
            block->Cached.PathMtu = 1500;
            head(&block->Delegated.Header, sizeof block->Delegated);
        }
        break;
    }
    case TCP:
        head(&memory->Const.Header, class == 2   ? sizeof memory->Cached
                                    : class == 3 ? sizeof memory->Delegated
                                                 : sizeof memory->Const);
        if (class == 4) {
            const struct flue_tcp_state state = {.local_port = 1000,
                                                 .remote_port = 2000,
                                                 .remote_mss = 1460,
                                                 .initial_rcv_wnd = 16384,
                                                 .ttl = 64,
                                                 .state = FLUE_TCP_ESTABLISHED,
                                                 .rcv_nxt = 0xfffffd00u,
                                                 .rcv_wnd = 16384,
                                                 .snd_una = 0xfffffe00u,
                                                 .snd_nxt = 0xfffffe00u,
                                                 .snd_max = 0xfffffe00u,
                                                 .snd_wnd = 16384,
                                                 .max_snd_wnd = 16384,
                                                 .snd_wl1 = 0xfffffd00u,
                                                 .cwnd = 14600,
                                                 .ssthresh = 14600,
                                                 .srtt = 8,
                                                 .rttvar = 4,
                                                 .ka_delta = FLUE_STATE_NO_TIMER,
                                                 .rt_delta = FLUE_STATE_NO_TIMER};

            ndis_state_put(&state, &memory->Const, &memory->Cached, &memory->Delegated);
        }
        break;
    case PLACEHOLDER:
    case KINDS:
        break;
    }
}

/* Anything but the words that are pointers: links, handle, lists, addresses. */
static void spoil(struct input *input, FLUE_TCP_BLOCK *memory, enum kind kind, unsigned operation)
{
    const size_t behind = sizeof *memory - sizeof memory->Block;
    uint8_t *bytes = (uint8_t *)memory + sizeof memory->Block;
    const size_t lists = offsetof(FLUE_TCP_BLOCK, Delegated) - sizeof memory->Block +
                         offsetof(TCP_OFFLOAD_STATE_DELEGATED, SendDataHead);
    const size_t addresses = offsetof(PATH_OFFLOAD_STATE_CONST, SourceAddress);
    const UCHAR *source = NULL, *destination = NULL;

    if (operation == 0 && (kind == PATH4 || kind == PATH6)) {
        source = ((FLUE_PATH_BLOCK *)(void *)memory)->Const.SourceAddress;
        destination = ((FLUE_PATH_BLOCK *)(void *)memory)->Const.DestinationAddress;
    }
    switch (input_below(input, 6)) {
    case 0:
        memory->Block.Header.Type = input_u8(input);
        break;
    case 1:
        memory->Block.Header.Revision = input_u8(input);
        break;
    case 2:
        memory->Block.Header.Size = input_u16(input);
        break;
    case 3:
        memory->Block.PortNumber = input_u8(input);
        break;
    default:
        for (unsigned n = input_below(input, 4) + 1; n > 0; n--) {
            const size_t at = input_u16(input) % behind;

            if (at < lists || at >= lists + 2 * sizeof(PVOID)) {
                bytes[at] = input_u8(input);
            }
        }
        break;
    }
    if (operation == 0 && (kind == PATH4 || kind == PATH6)) {
        if (memory->Block.Header.Type < Ip4OffloadConstState || memory->Block.Header.Type > Ip6OffloadState) {
            memory->Block.Header.Type = Ip4OffloadState; /* or bytes of another layer would be read as addresses */
        }
        ((FLUE_PATH_BLOCK *)(void *)memory)->Const.SourceAddress = (input_u8(input) & 7) == 7 ? NULL : source;
        ((FLUE_PATH_BLOCK *)(void *)memory)->Const.DestinationAddress = destination;
    } else if (operation == 0 && memory->Block.Header.Type >= Ip4OffloadConstState &&
               memory->Block.Header.Type <= Ip6OffloadState) {
        memset(bytes + addresses, 0, 2 * sizeof(PVOID));
    }
    if (operation == 0 && (kind == NEIGHBOUR || kind == PATH4 || kind == PATH6) &&
        flue_state_layer(memory->Block.Header.Type) == FLUE_LAYER_TCP) {
        memset(bytes + lists, 0, 2 * sizeof(PVOID));
    }
}

/* One byte is where a block stands: behind the last one, below it, or anywhere. */
static void link_up(struct input *input, struct tree *tree, unsigned i)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST last = &tree->block[i - 1]->Block, block = &tree->block[i]->Block;
    const unsigned how = input_u8(input);

    switch (how % 8) {
    case 0:
    case 1:
    case 2:
    case 3:
        last->DependentBlockList = block;
        break;
    case 4:
    case 5:
        last->NextBlock = block;
        break;
    case 6:
        tree->block[how / 8 % i]->Block.NextBlock = block;
        break;
    case 7:
        last->DependentBlockList = block;
        block->NextBlock = &tree->block[how / 8 % (i + 1)]->Block; /* a ring */
        break;
    }
}

static void add_lists(struct tree_world *world, struct input *input, struct tree *tree, unsigned i)
{
    FLUE_TCP_BLOCK *memory = tree->block[i];
    const unsigned what = input_u8(input);
    const bool tcp = flue_state_layer(memory->Block.Header.Type) == FLUE_LAYER_TCP;

    if ((what & 1) != 0) {
        tree->chain[i] = tree_world_nbl(world, 0, what * 8u);
        memory->Block.NetBufferListChain = tree->chain[i];
        if (tcp) {
            memory->Delegated.SendDataHead = memory->Delegated.SendDataTail = tree->chain[i];
        }
        if ((what & 2) != 0) {
            memory->Delegated.SndMax = memory->Delegated.SndNxt = memory->Delegated.SndUna + what * 8u;
        }
    }
    if ((what & 4) != 0 && tcp) {
        tree->buffered[i] = tree_world_nbl(world, 100, what);
        memory->Delegated.BufferedData = tree->buffered[i];
    }
}

static void hand_down(struct tree_world *world, struct input *input, unsigned operation)
{
    struct tree *tree = tree_world_tree(world);

    if (tree == NULL) {
        return;
    }
    *tree = (struct tree){.used = true, .operation = operation, .count = 1 + input_below(input, TREE_BLOCKS)};
    for (unsigned i = 0; i < tree->count; i++) {
        const unsigned byte = input_u8(input);
        const enum kind kind = (enum kind)(byte % KINDS);
        FLUE_TCP_BLOCK *memory = calloc(1, sizeof *memory);

        FUZZ_REQUIRE(memory != NULL);
        tree->block[i] = memory;
        tree->handle[i] = kind == PLACEHOLDER ? TREE_HANDLES : byte / KINDS % TREE_HANDLES;
        memory->Block.Header =
            (NDIS_OBJECT_HEADER){types[kind][operation], kind == TCP && operation != 2 ? 2 : 1, sizeof memory->Block};
        memory->Block.OffloadHandle = kind == PLACEHOLDER ? NULL : &world->handles[tree->handle[i]];
        fill(memory, kind, flue_state_class(memory->Block.Header.Type));
        if (operation == 0 && kind == TCP) {
            memory->Const.RemotePort = (USHORT)tree->handle[i];
        }
        if (i > 0) {
            link_up(input, tree, i);
        }
        if (byte >= 200) {
            spoil(input, memory, kind, operation);
        }
        if (operation == 0 && kind == TCP && byte % 3 == 0) {
            add_lists(world, input, tree, i);
        }
        fuzz_tell("  block %u: type %u, handle %u", i, memory->Block.Header.Type, tree->handle[i]);
    }
    tree_world_hand_down(world, tree);
}

/* A connection that the host has; TREE_HANDLES: none. */
static unsigned some_conn(const struct tree_world *world, struct input *input)
{
    unsigned handle = input_below(input, TREE_HANDLES);

    for (unsigned i = 0; i < TREE_HANDLES; i++, handle = (handle + 1) % TREE_HANDLES) {
        if (world->handles[handle].MiniportOffloadContext != NULL && world->layer[handle] == FLUE_LAYER_TCP) {
            return handle;
        }
    }
    return TREE_HANDLES;
}

/* What N does not take stays the host's. */
static void asked(struct tree_world *world, PNET_BUFFER_LIST nbl, NDIS_STATUS answer)
{
    if (answer == NDIS_STATUS_INVALID_STATE) {
        fuzz_tell("  the dispatcher refuses it");
        world->lent--;
        ndis_nbl_put(nbl);
    }
}

static void frame(struct tree_world *world, struct input *input, unsigned handle, bool forward)
{
    struct flue_frame segment = {.src_ip = flue_ip_v4(0x0A000002),
                                 .dst_ip = flue_ip_v4(0x0A000001),
                                 .src_port = (uint16_t)(handle << 8),
                                 .dst_port = 1000,
                                 .seq = 0xfffffd00u + input_u8(input),
                                 .ack = 0xfffffe00u + input_u16(input) % 4096u,
                                 .window = 16384,
                                 .flags = (uint8_t)(FLUE_TCP_ACK | (input_u8(input) & 0x3f)),
                                 .ethertype = FLUE_ETHERTYPE_IPV4,
                                 .payload = {.stream = 3, .length_bytes = input_u8(input)}};

    if (forward) {
        PNET_BUFFER_LIST nbl = ndis_nbl_get(world->frames);

        FUZZ_REQUIRE(nbl != NULL);
        world->lent++;
        *ndis_nbl_frame(nbl) = segment;
        asked(world, nbl, NdisOffloadTcpForward(&world->handles[handle], nbl));
        return;
    }
    flue_ndis_check_frame(world->ndis, flue_target_adapter(world->target), 0, &segment, world->now_ps);
    flue_target_receive(world->target, &segment, world->now_ps);
}

static void use(struct tree_world *world, struct input *input, unsigned what)
{
    const unsigned handle = some_conn(world, input);
    PNET_BUFFER_LIST nbl;

    if (handle == TREE_HANDLES) {
        return;
    }
    switch (what) {
    case 0:
        nbl = tree_world_nbl(world, 0, input_u16(input));
        asked(world, nbl, NdisOffloadTcpSend(&world->handles[handle], nbl));
        break;
    case 1:
        nbl = tree_world_nbl(world, 0, 0);
        ndis_nbl_set_room(nbl, input_u16(input));
        asked(world, nbl, NdisOffloadTcpReceive(&world->handles[handle], nbl));
        break;
    case 2:
        nbl = tree_world_nbl(world, 0, input_u8(input));
        asked(world, nbl, NdisOffloadTcpDisconnect(&world->handles[handle], nbl, 1 + input_below(input, 2)));
        break;
    case 3:
    case 4:
        frame(world, input, handle, what == 4);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {.bytes = data, .left = size};
    struct tree_world *world = tree_world_new((input_u8(&input) & 1) != 0);

    world->answers = input_u8(&input);
    for (unsigned steps = 0; input_any(&input) && steps < STEPS_MAX; steps++) {
        const unsigned what = input_below(&input, 16);

        fuzz_tell("step %u: %u", steps, what);
        if (what < 4) {
            hand_down(world, &input, 0);
        } else if (what < 8) {
            hand_down(world, &input, what - 3);
        } else if (what < 13) {
            use(world, &input, what - 8);
        } else {
            tree_world_run(world, (flue_ps)input_u8(&input) * (what == 15 ? FLUE_PS_PER_MS : FLUE_PS_PER_US));
        }
    }
    tree_world_free(world);
    return 0;
}
