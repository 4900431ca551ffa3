/* SPDX-License-Identifier: GPL-2.0-only */
/* Targets that go wrong while they run: the skeleton, but for the one way that BAD names. */
#include <stddef.h>
#include <stdlib.h>

#include "flue/provider.h"

enum {
    TREE_TWICE,
    TREE_INSIDE,
    FRAME_TWICE,
    INDICATED_TWICE,
    WRONG_HANDLE,
    NOWHERE,
    WORDS,
    LINKS,
    CRASH,
    ABORTS,
    SIZE,
    ITSELF,
    CYCLE,
    SILENT,
    SPINS,
    PAST,
    LOOPS,        /* in its alarm */
    LOOPS_DEEPER, /* in a handler */
    TWICE_CRASH,
    ENDS
};

/* No compiler is to see that it has no end. */
static void loop_for_ever(void)
{
    static volatile unsigned turns;

    do {
        turns = 1;
    } while (turns != 0);
}

static void bad_tree(NDIS_HANDLE handle, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    if (BAD == WORDS) {
        tree->NdisOffloadHandle = NULL;
        tree->NdisReserved[1] = tree;
    }
    if (BAD == LINKS) {
        tree->DependentBlockList = NULL;
    }
    if (BAD == SIZE) {
        tree->Header.Size = 0;
    }
    if (BAD == ITSELF) {
        tree->DependentBlockList = tree;
    }
    if (BAD == CYCLE) {
        tree->NextBlock = tree;
    }
    if (BAD == SILENT) {
        return;
    }
    NdisMInitiateOffloadComplete(BAD == WRONG_HANDLE ? (NDIS_HANDLE)tree : handle, tree);
    if (BAD == TREE_TWICE) {
        NdisMInitiateOffloadComplete(handle, tree);
    }
}

static void bad_sent(NDIS_HANDLE handle, PNET_BUFFER_LIST list, ULONG flags)
{
    NdisMSendNetBufferListsComplete(handle, list, flags);
    if (BAD == FRAME_TWICE || BAD == TWICE_CRASH) {
        NdisMSendNetBufferListsComplete(handle, list, flags);
    }
    if (BAD == TWICE_CRASH) {
        abort();
    }
    if (BAD == NOWHERE) {
        NdisMSendNetBufferListsComplete(handle, (PNET_BUFFER_LIST)(uintptr_t)16, flags);
    }
}

static void bad_indication(NDIS_HANDLE handle, PNET_BUFFER_LIST list, NDIS_PORT_NUMBER port, ULONG count, ULONG flags)
{
    if (BAD == CRASH) {
        static volatile uintptr_t nowhere = 16; /* no compiler is to see through it */

        list = (PNET_BUFFER_LIST)nowhere;
        list->Next = NULL;
    }
    if (BAD == ABORTS) {
        abort();
    }
    NdisMIndicateReceiveNetBufferLists(handle, list, port, count, flags);
    if (BAD == INDICATED_TWICE) {
        NdisMIndicateReceiveNetBufferLists(handle, list, port, count, flags);
    }
}

static W_INITIATE_OFFLOAD_HANDLER initiate;
static void on_alarm(void *ctx, flue_ps now_ps);

static void bad_initiate(NDIS_HANDLE context, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST tree)
{
    if (BAD == LOOPS_DEEPER) {
        loop_for_ever();
    }
    initiate(context, tree);
    if (BAD == TREE_INSIDE) {
        on_alarm(context, 0);
    }
}

/* The skeleton's handlers with another one for initiates. */
static NDIS_STATUS bad_provider(NDIS_HANDLE driver, const struct flue_provider_handlers *handlers)
{
    struct flue_provider_handlers bad = *handlers;

    initiate = bad.generic.InitiateOffloadHandler;
    bad.generic.InitiateOffloadHandler = bad_initiate;
    return flue_ndis_set_provider(driver, &bad);
}

#define NdisMInitiateOffloadComplete       bad_tree
#define NdisMSendNetBufferListsComplete    bad_sent
#define NdisMIndicateReceiveNetBufferLists bad_indication
#define flue_ndis_set_provider             bad_provider
#define on_alarm(...)                      skeleton_alarm(__VA_ARGS__) /* its definition, not where it is named */
#include "../../example/target-skeleton.c"
#undef on_alarm

static void on_alarm(void *ctx, flue_ps now_ps)
{
    const struct flue_env *env = ((const struct adapter *)ctx)->world.env;

    skeleton_alarm(ctx, now_ps);
    if (BAD == ENDS) {
        exit(0);
    }
    if (BAD == LOOPS) {
        loop_for_ever();
    }
    if (BAD == SPINS || BAD == PAST) {
        env->set_alarm(env->ctx, BAD == PAST ? now_ps / 2 : now_ps);
    }
}
