/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/nbl.c - pools of buffer lists, and the spans in them. */

#include <assert.h>
#include <stdbool.h>

#include "flue/env.h"
#include "flue/ndis.h"
#include "flue/wire.h"
#include "base/pool.h"
#include "base/span.h"

/* One pool item: everything an NBL needs unless its payload comes in several pieces. */
struct packet {
    NET_BUFFER_LIST nbl; /* first: an NBL is its packet */
    NET_BUFFER nb;
    MDL mdl;
    PMDL tail;          /* last of the MDL chain */
    ULONG filled_bytes; /* placed by ndis_nbl_fill() */
};

struct frame_packet {
    struct packet packet;
    struct flue_frame frame;
};

struct ndis_pool {
    const struct flue_env *env;
    enum ndis_pool_kind kind;
    struct pool packets;
    struct pool mdls;
};

static struct packet *packet_of(PNET_BUFFER_LIST nbl)
{
    return (struct packet *)(void *)nbl;
}

flue_err ndis_pool_new(const struct flue_env *env, enum ndis_pool_kind kind, struct ndis_pool **out)
{
    struct ndis_pool *pool = (struct ndis_pool *)env->allocate(env->ctx, sizeof *pool);

    *out = pool;
    if (pool == NULL) {
        return FLUE_ENOMEM;
    }
    pool->env = env;
    pool->kind = kind;
    pool_init(&pool->packets, env, kind == NDIS_POOL_FRAMES ? sizeof(struct frame_packet) : sizeof(struct packet));
    pool_init(&pool->mdls, env, sizeof(MDL));
    return FLUE_OK;
}

void ndis_pool_free(struct ndis_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    pool_dispose(&pool->mdls);
    pool_dispose(&pool->packets);
    pool->env->release(pool->env->ctx, pool, sizeof *pool);
}

flue_err ndis_pool_reserve(struct ndis_pool *pool, uint64_t pieces)
{
    return pool_reserve(&pool->mdls, pieces);
}

flue_err ndis_pool_reserve_lists(struct ndis_pool *pool, uint64_t lists)
{
    return pool_reserve(&pool->packets, lists);
}

uint64_t ndis_pool_live(const struct ndis_pool *pool)
{
    return pool_live(&pool->packets);
}

/* A packet that has been in use, or was set aside (zeroed), is as a new one. */
static void reset(struct ndis_pool *pool, struct packet *packet)
{
    NET_BUFFER_LIST *nbl = &packet->nbl;

    nbl->Next = NULL;
    nbl->NdisPoolHandle = pool;
    nbl->FirstNetBuffer = &packet->nb;
    nbl->Context = NULL;
    for (unsigned i = 0; i < sizeof nbl->ProtocolReserved / sizeof nbl->ProtocolReserved[0]; i++) {
        nbl->ProtocolReserved[i] = NULL;
    }
    nbl->MiniportReserved[0] = NULL;
    nbl->MiniportReserved[1] = NULL;
    nbl->Scratch = NULL;
    nbl->SourceHandle = NULL;
    nbl->Status = NDIS_STATUS_SUCCESS;
    nbl->Flags = 0;
    for (unsigned i = 0; i < NDIS_INFO_SLOTS; i++) {
        nbl->NetBufferListInfo[i] = NULL;
    }
    packet->nb = (NET_BUFFER){.CurrentMdl = &packet->mdl, .MdlChain = &packet->mdl};
    packet->mdl = (MDL){.Next = NULL};
    packet->tail = &packet->mdl;
    packet->filled_bytes = 0;
}

/* Checked builds overwrite what is put into a pool; in others a packet comes back as it was put, but for its Next. */
static bool comes_back(const struct ndis_pool *pool)
{
#ifdef FLUE_CHECKED_BUILD
    (void)pool;
    return false;
#else
    return pool->packets.free != NULL;
#endif
}

PNET_BUFFER_LIST ndis_nbl_get(struct ndis_pool *pool)
{
    const bool used = comes_back(pool);
    struct packet *packet = (struct packet *)pool_get(&pool->packets);

    if (packet == NULL) {
        return NULL;
    }
    if (used) {
        reset(pool, packet);
    } else {
        *packet = (struct packet){
            .nbl = {.FirstNetBuffer = &packet->nb, .NdisPoolHandle = pool, .Status = NDIS_STATUS_SUCCESS},
            .nb = {.CurrentMdl = &packet->mdl, .MdlChain = &packet->mdl},
            .tail = &packet->mdl,
        };
    }
    return &packet->nbl;
}

void ndis_nbl_put(PNET_BUFFER_LIST nbl)
{
    struct ndis_pool *pool = nbl->NdisPoolHandle;
    PMDL mdl = packet_of(nbl)->mdl.Next;

#ifdef FLUE_CHECKED_BUILD
    assert(nbl->Holder == NDIS_HOLDER_OWNER);
#endif
    while (mdl != NULL) {
        PMDL next = mdl->Next;

        pool_put(&pool->mdls, mdl);
        mdl = next;
    }
    pool_put(&pool->packets, packet_of(nbl));
}

void ndis_chain_put(PNET_BUFFER_LIST first)
{
    while (first != NULL) {
        PNET_BUFFER_LIST next = first->Next;

        ndis_nbl_put(first);
        first = next;
    }
}

struct flue_frame *ndis_nbl_frame(PNET_BUFFER_LIST nbl)
{
    assert(nbl->NdisPoolHandle->kind == NDIS_POOL_FRAMES);
    return &((struct frame_packet *)(void *)nbl)->frame;
}

/* A further MDL behind the last. */
static PMDL add_mdl(struct packet *packet, const struct flue_span *span, ULONG buffer_bytes)
{
    PMDL mdl = (PMDL)pool_get(&packet->nbl.NdisPoolHandle->mdls);

    if (mdl != NULL) {
        *mdl = (MDL){.Next = NULL, .Span = *span, .ByteCount = buffer_bytes};
        packet->tail->Next = mdl;
        packet->tail = mdl;
    }
    return mdl;
}

flue_err ndis_nbl_append(PNET_BUFFER_LIST nbl, const struct flue_span *span)
{
    struct packet *packet = packet_of(nbl);

    if (span->length_bytes == 0) {
        return FLUE_OK;
    }
    if (span_append(&packet->tail->Span, span)) {
        packet->tail->ByteCount = packet->tail->Span.length_bytes;
    } else if (add_mdl(packet, span, span->length_bytes) == NULL) {
        return FLUE_ENOMEM;
    }
    packet->nb.DataLength += span->length_bytes;
    return FLUE_OK;
}

void ndis_nbl_set_room(PNET_BUFFER_LIST nbl, ULONG room_bytes)
{
    struct packet *packet = packet_of(nbl);

    assert(packet->nb.DataLength == 0 && packet->nb.DataOffset == 0 && packet->tail == &packet->mdl);
    packet->mdl.Span = (struct flue_span){.length_bytes = 0};
    packet->mdl.ByteCount = room_bytes;
    packet->nb.DataLength = room_bytes;
    packet->filled_bytes = 0;
}

flue_err ndis_nbl_fill(PNET_BUFFER_LIST nbl, const struct flue_span *span, ULONG *placed_bytes)
{
    struct packet *packet = packet_of(nbl);
    ULONG room_bytes = packet->nb.DataOffset + packet->nb.DataLength - packet->filled_bytes;
    ULONG length_bytes = span->length_bytes < room_bytes ? span->length_bytes : room_bytes;
    struct flue_span piece = span_slice(span, 0, length_bytes);

    *placed_bytes = 0;
    if (length_bytes == 0) {
        return FLUE_OK;
    }
    if (!span_append(&packet->tail->Span, &piece)) {
        PMDL full = packet->tail;

        if (add_mdl(packet, &piece, room_bytes) == NULL) {
            return FLUE_ENOMEM;
        }
        full->ByteCount = full->Span.length_bytes;
    }
    packet->filled_bytes += length_bytes;
    *placed_bytes = length_bytes;
    return FLUE_OK;
}

ULONG ndis_nbl_filled_bytes(const NET_BUFFER_LIST *nbl)
{
    return ((const struct packet *)(const void *)nbl)->filled_bytes;
}

uint64_t ndis_nbl_bytes(const NET_BUFFER_LIST *nbl)
{
    uint64_t bytes = 0;

    for (const NET_BUFFER *nb = nbl->FirstNetBuffer; nb != NULL; nb = nb->Next) {
        bytes += nb->DataLength;
    }
    return bytes;
}

uint64_t ndis_chain_bytes(const NET_BUFFER_LIST *first)
{
    uint64_t bytes = 0;

    for (; first != NULL; first = first->Next) {
        bytes += ndis_nbl_bytes(first);
    }
    return bytes;
}

uint64_t ndis_chain_count(const NET_BUFFER_LIST *first)
{
    uint64_t count = 0;

    for (; first != NULL; first = first->Next) {
        count++;
    }
    return count;
}

void ndis_chain_append(struct ndis_chain *chain, PNET_BUFFER_LIST nbl)
{
    nbl->Next = NULL;
    if (chain->last == NULL) {
        chain->first = nbl;
    } else {
        chain->last->Next = nbl;
    }
    chain->last = nbl;
    chain->count++;
}

PNET_BUFFER_LIST ndis_chain_take(struct ndis_chain *chain)
{
    PNET_BUFFER_LIST first = chain->first;

    *chain = (struct ndis_chain){0};
    return first;
}

struct ndis_spans ndis_spans_of_data(const NET_BUFFER *nb)
{
    return (struct ndis_spans){
        .mdl = nb->CurrentMdl, .offset_bytes = nb->CurrentMdlOffset, .left_bytes = nb->DataLength};
}

struct ndis_spans ndis_spans_of_chain(const NET_BUFFER *nb, ULONG offset_bytes, ULONG length_bytes)
{
    return (struct ndis_spans){.mdl = nb->MdlChain, .offset_bytes = offset_bytes, .left_bytes = length_bytes};
}

int ndis_spans_next(struct ndis_spans *it, struct flue_span *span)
{
    ULONG here_bytes;

    while (it->mdl != NULL && it->offset_bytes >= it->mdl->ByteCount) {
        it->offset_bytes -= it->mdl->ByteCount;
        it->mdl = it->mdl->Next;
    }
    if (it->mdl == NULL || it->left_bytes == 0 || it->offset_bytes >= it->mdl->Span.length_bytes) {
        return 0;
    }
    here_bytes = it->mdl->Span.length_bytes - it->offset_bytes;
    if (here_bytes > it->left_bytes) {
        here_bytes = it->left_bytes;
    }
    *span = span_slice(&it->mdl->Span, it->offset_bytes, here_bytes);
    it->offset_bytes += here_bytes;
    it->left_bytes -= here_bytes;
    return 1;
}

void NdisAdvanceNetBufferDataStart(PNET_BUFFER NetBuffer, ULONG DataOffsetDelta, BOOLEAN FreeMdl, PVOID FreeMdlHandler)
{
    assert(DataOffsetDelta <= NetBuffer->DataLength && !FreeMdl && FreeMdlHandler == NULL);
    (void)FreeMdl;
    (void)FreeMdlHandler;
    NetBuffer->DataOffset += DataOffsetDelta;
    NetBuffer->DataLength -= DataOffsetDelta;
    NetBuffer->CurrentMdlOffset += DataOffsetDelta;
    while (NetBuffer->CurrentMdlOffset >= NetBuffer->CurrentMdl->ByteCount && NetBuffer->CurrentMdl->Next != NULL) {
        NetBuffer->CurrentMdlOffset -= NetBuffer->CurrentMdl->ByteCount;
        NetBuffer->CurrentMdl = NetBuffer->CurrentMdl->Next;
    }
}
