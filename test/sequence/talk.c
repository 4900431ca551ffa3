/* SPDX-License-Identifier: GPL-2.0-only */
/* Legal steps. */
#include "talk.h"

#include <string.h>

NDIS_HANDLE talk_binding(struct talk *talk)
{
    return talk->world.fakes.protocol.bindings[0].handle;
}

uint32_t talk_bytes(struct talk *talk)
{
    return 2 + (uint32_t)rng_below(&talk->rng, 300);
}

static void add(struct talk_lists *lists, PNET_BUFFER_LIST nbl)
{
    assert_true(lists->count < TALK_LISTS);
    lists->nbl[lists->count++] = nbl;
}

PNET_BUFFER_LIST talk_take(struct talk_lists *lists, unsigned which)
{
    PNET_BUFFER_LIST nbl = lists->nbl[which];

    assert_true(which < lists->count);
    lists->count--;
    memmove(&lists->nbl[which], &lists->nbl[which + 1], (lists->count - which) * sizeof lists->nbl[0]);
    return nbl;
}

/* ---- Trees */

PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST talk_block(struct talk *talk, unsigned type, PNDIS_OFFLOAD_HANDLE handle)
{
    FLUE_TCP_BLOCK *block = &talk->block[talk->blocks++];
    OFFLOAD_STATE_HEADER *state = flue_state_first(&block->Block);
    const bool tcp = flue_state_layer(type) == FLUE_LAYER_TCP;

    assert_true(talk->blocks < TALK_BLOCKS);
    block->Block.Header = (NDIS_OBJECT_HEADER){
        (UCHAR)type, type == TcpOffloadState || type == TcpOffloadDelegatedState ? 2 : 1, sizeof block->Block};
    block->Block.OffloadHandle = handle;
    switch (flue_state_class(type)) {
    case 1:
        state->Length = tcp ? sizeof(TCP_OFFLOAD_STATE_CONST) : sizeof(NEIGHBOR_OFFLOAD_STATE_CONST);
        break;
    case 2:
        state->Length = tcp ? sizeof(TCP_OFFLOAD_STATE_CACHED) : sizeof(NEIGHBOR_OFFLOAD_STATE_CACHED);
        break;
    case 3:
        state->Length = tcp ? sizeof(TCP_OFFLOAD_STATE_DELEGATED) : sizeof(NEIGHBOR_OFFLOAD_STATE_DELEGATED);
        break;
    default:
        break;
    }
    return &block->Block;
}

PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST talk_neighbour(struct talk *talk)
{
    FLUE_NEIGHBOR_BLOCK *block =
        (FLUE_NEIGHBOR_BLOCK *)(void *)talk_block(talk, NeighborOffloadState, &talk->other.handle);

    block->Const.Header.Length = sizeof block->Const;
    block->Cached.Header.Length = sizeof block->Cached;
    block->Delegated.Header.Length = sizeof block->Delegated;
    return &block->Block;
}

struct talk_tree talk_asked(struct talk *talk, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    talk->world.fakes.now_ps++;
    return (struct talk_tree){.tree = talk->world.fakes.miniport.tree, .root = root};
}

void talk_query(struct talk *talk)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root = talk_block(talk, TcpOffloadDelegatedState, world_handle(&talk->world));

    NdisQueryOffloadState(talk_binding(talk), root);
    talk->query = talk_asked(talk, root);
}

void talk_update(struct talk *talk)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root = talk_block(talk, TcpOffloadCachedState, world_handle(&talk->world));

    ((TCP_OFFLOAD_STATE_CACHED *)(void *)flue_state_first(root))->InitialRcvWnd = 65535;
    NdisUpdateOffload(talk_binding(talk), root);
    talk->update = talk_asked(talk, root);
}

void talk_initiate(struct talk *talk)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root = talk_neighbour(talk);

    NdisInitiateOffload(talk_binding(talk), root);
    talk->initiate = talk_asked(talk, root);
}

void talk_fill_query(struct talk *talk)
{
    PTCP_OFFLOAD_STATE_DELEGATED state = (PTCP_OFFLOAD_STATE_DELEGATED)(void *)flue_state_first(talk->query.tree);
    const OFFLOAD_STATE_HEADER header = state->Header;

    *state = talk->world.t.Delegated;
    state->Header = header;
    talk->query.tree->Status = SUCCESS;
}

void talk_end_query(struct talk *talk)
{
    talk_fill_query(talk);
    NdisMQueryOffloadStateComplete(talk->world.fakes.miniport.adapter, talk->query.tree);
    talk->query.tree = NULL;
}

void talk_end_update(struct talk *talk)
{
    talk->update.tree->Status = SUCCESS;
    NdisMUpdateOffloadComplete(talk->world.fakes.miniport.adapter, talk->update.tree);
    talk->update.tree = NULL;
}

void talk_end_initiate(struct talk *talk)
{
    *talk->initiate.tree->MiniportOffloadContext = &talk->slot;
    talk->initiate.tree->Status = SUCCESS;
    NdisMInitiateOffloadComplete(talk->world.fakes.miniport.adapter, talk->initiate.tree);
    talk->initiate.tree = NULL;
    talk->second = true;
}

static void give_back_second(struct talk *talk)
{
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root = talk_block(talk, NeighborOffloadDelegatedState, &talk->other.handle);
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree;

    NdisTerminateOffload(talk_binding(talk), root);
    tree = talk_asked(talk, root).tree;
    memset(flue_state_first(tree) + 1, 0, sizeof(NEIGHBOR_OFFLOAD_STATE_DELEGATED) - sizeof(OFFLOAD_STATE_HEADER));
    tree->Status = SUCCESS;
    NdisMTerminateOffloadComplete(talk->world.fakes.miniport.adapter, tree);
    talk->other.handle.MiniportOffloadContext = NULL;
    talk->second = false;
}

/* ---- Data */

void talk_send(struct talk *talk)
{
    add(&talk->sends, world_send(&talk->world, talk_bytes(talk)));
}

void talk_post(struct talk *talk)
{
    add(&talk->posts, world_post(&talk->world, talk_bytes(talk), 0));
}

void talk_forward(struct talk *talk)
{
    add(&talk->forwards, world_segment(&talk->world));
    (void)NdisOffloadTcpForward(world_handle(&talk->world), talk->forwards.nbl[talk->forwards.count - 1]);
}

void talk_keep(struct talk *talk)
{
    const uint32_t bytes = talk_bytes(talk);
    PNET_BUFFER_LIST nbl = world_arrived(&talk->world, bytes);

    (void)world_indicate(&talk->world, nbl, SUCCESS, bytes);
    add(&talk->kept, nbl);
}

void talk_close(struct talk *talk)
{
    talk->disconnect = world_disconnect(&talk->world, talk_bytes(talk) % 2 * 50, GRACEFUL);
    talk->closed = true;
}

static void end_send(struct talk *talk)
{
    PNET_BUFFER_LIST nbl = talk_take(&talk->sends, 0);

    world_complete(&talk->world, SENT, nbl, SUCCESS, (ULONG)ndis_nbl_bytes(nbl));
}

static void end_post(struct talk *talk)
{
    PNET_BUFFER_LIST nbl = talk_take(&talk->posts, 0);

    world_fill(&talk->world, nbl, SUCCESS, 1 + (ULONG)rng_below(&talk->rng, 2));
}

static void end_forward(struct talk *talk)
{
    world_complete(&talk->world, FORWARD, talk_take(&talk->forwards, 0), SUCCESS, 0);
}

static void end_close(struct talk *talk)
{
    PNET_BUFFER_LIST nbl = talk->disconnect;

    talk->disconnect = NULL;
    world_complete(&talk->world, CLOSED, nbl, SUCCESS, (ULONG)ndis_nbl_bytes(nbl));
}

static void give_back(struct talk *talk)
{
    (void)NdisOffloadTcpReceiveReturn(talk_binding(talk),
                                      talk_take(&talk->kept, (unsigned)rng_below(&talk->rng, talk->kept.count)));
}

static void refuse(struct talk *talk)
{
    const uint32_t bytes = talk_bytes(talk);

    (void)world_indicate(&talk->world, world_arrived(&talk->world, bytes), NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0);
    talk->world.received -= bytes;
    talk_post(talk); /* else nothing may be indicated any more (CH-205) */
}

/* ---- Choosing */

static bool could_ask(struct talk *talk, unsigned choice)
{
    switch (choice) {
    case 0:
        if (!talk->closed && talk->sends.count < TALK_LISTS)
            return talk_send(talk), true;
        break;
    case 1:
        if (talk->posts.count < TALK_LISTS)
            return talk_post(talk), true;
        break;
    case 2:
        if (talk->forwards.count < TALK_LISTS)
            return talk_forward(talk), true;
        break;
    case 3:
        if (talk->posts.count == 0 && talk->kept.count < TALK_LISTS)
            return talk_keep(talk), true;
        break;
    case 4:
        if (talk->posts.count == 0)
            return refuse(talk), true;
        break;
    case 5:
        if (talk->query.tree == NULL)
            return talk_query(talk), true;
        break;
    case 6:
        if (talk->update.tree == NULL)
            return talk_update(talk), true;
        break;
    case 7:
        if (talk->initiate.tree == NULL && !talk->second)
            return talk_initiate(talk), true;
        break;
    default:
        if (!talk->closed && rng_below(&talk->rng, 4) == 0)
            return talk_close(talk), true;
        break;
    }
    return false;
}

static bool could_answer(struct talk *talk, unsigned choice)
{
    switch (choice) {
    case 0:
        if (talk->sends.count > 0)
            return end_send(talk), true;
        break;
    case 1:
        if (talk->posts.count > 0)
            return end_post(talk), true;
        break;
    case 2:
        if (talk->forwards.count > 0)
            return end_forward(talk), true;
        break;
    case 3:
    case 4:
        if (talk->kept.count > 0)
            return give_back(talk), true;
        break;
    case 5:
        if (talk->query.tree != NULL)
            return talk_end_query(talk), true;
        break;
    case 6:
        if (talk->update.tree != NULL)
            return talk_end_update(talk), true;
        break;
    case 7:
        if (talk->initiate.tree != NULL)
            return talk_end_initiate(talk), true;
        if (talk->second)
            return give_back_second(talk), true;
        break;
    default:
        if (talk->disconnect != NULL && talk->sends.count == 0)
            return end_close(talk), true;
        break;
    }
    return false;
}

bool talk_step(struct talk *talk)
{
    for (unsigned tries = 0; tries < 30; tries++) {
        const unsigned choice = (unsigned)rng_below(&talk->rng, 9);

        talk->world.fakes.log.text[0] = '\0';
        if (rng_below(&talk->rng, 2) == 0 ? could_ask(talk, choice) : could_answer(talk, choice)) {
            talk->world.fakes.log.text[0] = '\0';
            return true;
        }
    }
    return false;
}

void talk_calm(struct talk *talk)
{
    for (unsigned choice = 0; choice < 9; choice++) {
        while (could_answer(talk, choice)) {
            talk->world.fakes.log.text[0] = '\0';
        }
    }
}

void talk_begin(struct talk *talk, uint64_t seed)
{
    memset(talk, 0, sizeof *talk);
    rng_init(&talk->rng, seed, "sequence.talk");
    world_begin(&talk->world, NULL);
    talk->other.protocol = talk->unknown.protocol = &talk->world.fakes.protocol;
}
