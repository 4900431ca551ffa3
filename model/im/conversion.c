/* SPDX-License-Identifier: GPL-2.0-only */
/* im/conversion.c - trees on their way down and up (behaviour 6.2, 19.3 to 19.5).
 *
 * Down: every block gets a call entry, which keeps what the layer above wrote (D-52), and this driver's own handle in
 * place of the upper one.  Up: the reverse; a block that was taken makes its entry known in the upper slot, one that
 * was refused loses its entry.  All records are made before the first block changes hands, so a tree goes down whole or
 * is refused whole. */
#include "im/im_core.h"

struct passage {
    struct flue_im *im;
    struct im_edge *edge;
    enum im_operation operation;
    uint32_t blocks;      /* attached so far */
    struct flue_hook end; /* entries whose terminate completes */
};

static struct im_entry *entry_of(const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *block)
{
    return block->MiniportOffloadContext == NULL ? NULL : (struct im_entry *)*block->MiniportOffloadContext;
}

/* ---- Down ---- */

/* Objects of one tree are with one adapter. */
static flue_err find_edge(im_tree_m block, void *arg)
{
    struct passage *passage = arg;
    const struct im_entry *entry = entry_of(block);

    if (entry == NULL) {
        return FLUE_OK;
    }
    passage->edge = entry->edge;
    return FLUE_ESTATE;
}

static void let_go(struct flue_im *im, PNET_BUFFER_LIST chain)
{
    for (PNET_BUFFER_LIST nbl = chain; nbl != NULL; nbl = nbl->Next) {
        struct im_entry *owner = im_context_pop(im, nbl); /* another one, if the adapter mixed them up (CH-121) */

        if (owner != NULL && owner->sends_out > 0) {
            owner->sends_out--;
        }
    }
}

/* A new object: its entry, and contexts for the send data that goes with it. */
static struct im_entry *make_entry(struct passage *passage, im_tree_m block)
{
    struct flue_im *im = passage->im;
    struct im_entry *entry = im_entry_new(im, passage->edge, block->NdisOffloadHandle);

    for (PNET_BUFFER_LIST nbl = block->NetBufferListChain; entry != NULL && nbl != NULL; nbl = nbl->Next) {
        if (im_context_push(im, entry, nbl)) {
            entry->sends_out++;
            continue;
        }
        for (PNET_BUFFER_LIST undo = block->NetBufferListChain; undo != nbl; undo = undo->Next) {
            (void)im_context_pop(im, undo);
            entry->sends_out--;
        }
        im_entry_free(entry);
        entry = NULL;
    }
    return entry;
}

static flue_err attach(im_tree_m block, void *arg)
{
    struct passage *passage = arg;
    struct im_call *call = im_call_new(passage->im, passage->operation);
    struct im_entry *entry = entry_of(block);
    bool fresh = passage->operation == IM_INITIATE && block->NdisOffloadHandle != NULL && entry == NULL;

    if (call != NULL && fresh && (entry = make_entry(passage, block)) == NULL) {
        im_call_free(passage->im, call);
        call = NULL;
    }
    if (call == NULL) {
        return FLUE_ENOMEM;
    }
    *call = (struct im_call){.entry = entry,
                             .fresh = fresh,
                             .im_reserved = {block->ImReserved[0], block->ImReserved[1]},
                             .source = block->SourceHandle,
                             .upper = block->NdisOffloadHandle};
    if (entry != NULL) {
        entry->named++;
    }
    block->ImReserved[0] = call;
    block->ImReserved[1] = NULL;
    passage->blocks++;
    return FLUE_OK;
}

static struct im_call *detach(struct flue_im *im, im_tree_m block)
{
    struct im_call *call = block->ImReserved[0];

    (void)im;
    if (call->entry != NULL) {
        call->entry->named--;
    }
    block->ImReserved[0] = call->im_reserved[0];
    block->ImReserved[1] = call->im_reserved[1];
    block->SourceHandle = call->source;
    block->NdisOffloadHandle = call->upper;
    block->MiniportOffloadContext = call->upper == NULL ? NULL : &call->upper->MiniportOffloadContext;
    return call;
}

static flue_err undo(im_tree_m block, void *arg)
{
    struct passage *passage = arg;
    struct im_call *call;

    if (passage->blocks == 0) {
        return FLUE_ESTATE;
    }
    passage->blocks--;
    call = detach(passage->im, block);
    if (call->fresh) {
        let_go(passage->im, block->NetBufferListChain);
        im_entry_free(call->entry);
    }
    im_call_free(passage->im, call);
    return FLUE_OK;
}

static flue_err hand_down(im_tree_m block, void *arg)
{
    const struct passage *passage = arg;
    struct im_call *call = (struct im_call *)block->ImReserved[0];
    struct im_entry *entry = call->entry;

    if (passage->operation == IM_TERMINATE && entry != NULL) {
        im_entry_enter(entry, IM_E3);
    }
    /* Only what is a placeholder above is one below. */
    block->NdisOffloadHandle = entry != NULL ? &entry->handle : call->upper != NULL ? &call->none : NULL;
    (void)flue_block_to_protocol(block);
    return FLUE_OK;
}

void im_tree_pass(struct flue_im *im, enum im_operation operation, im_tree_m root)
{
    struct passage passage = {.im = im, .operation = operation, .edge = im_active(im)};

    (void)flue_block_walk(root, find_edge, &passage);
    if (flue_block_walk(root, attach, &passage) != FLUE_OK) {
        (void)flue_block_walk(root, undo, &passage);
        im_refuse(im, operation, root);
        return;
    }
    (void)flue_block_walk(root, hand_down, &passage);
    im->totals.operations++;
    im_down_tree(passage.edge, operation, (im_tree_p)(void *)root);
}

void im_tree_down(struct flue_im *im, enum im_operation operation, im_tree_m root)
{
    const struct im_held item = {.kind = IM_HELD_TREE, .what = operation, .object = root};

    if (operation != IM_TERMINATE && im_refusal_is_due(im)) {
        im_refuse(im, operation, root);
        return;
    }
    /* What an update or an invalidate says holds when the handler returns (D-18, D-24): those two cannot wait.  Nor
     * can what was asked before: a tree that waits may hang under an object that they name. */
    if (operation == IM_UPDATE || operation == IM_INVALIDATE) {
        im_hold_flush_down(im);
        im_tree_pass(im, operation, root);
    } else if (!im_hold_down(im, &item)) {
        im_tree_pass(im, operation, root);
    }
}

/* ---- Up ---- */

static void initiated(struct flue_im *im, const struct im_call *call, im_tree_m block)
{
    struct im_entry *entry = call->entry;

    if (entry->handle.MiniportOffloadContext != NULL) {
        call->upper->MiniportOffloadContext = entry;
        im_entry_enter(entry, IM_E2);
        return;
    }
    let_go(im, block->NetBufferListChain);
    im_entry_done(entry);
}

static void terminated(struct passage *passage, struct im_entry *entry, im_tree_m block)
{
    struct flue_im *im = passage->im;

    let_go(im, block->NetBufferListChain);
    if (block->Header.Type == TcpOffloadDelegatedState && block->Status == NDIS_STATUS_SUCCESS) {
        PNET_BUFFER_LIST buffered = ((PTCP_OFFLOAD_STATE_DELEGATED)(void *)flue_state_first(block))->BufferedData;

        (void)im_home_learn(entry->edge, buffered);
    }
    if (block->Status != NDIS_STATUS_SUCCESS && im->params.keep_failed && !entry->failed_once) {
        entry->failed_once = true;
        im_starved_fail(entry);
        im_entry_enter(entry, IM_E2);
        return;
    }
    im_starved_end(entry);
    entry->handle.MiniportOffloadContext = NULL;
    if (hook_linked(&entry->hook)) {
        list_remove(&entry->hook);
    }
    list_push_back(&passage->end, &entry->hook);
}

static flue_err hand_up(im_tree_p block_p, void *arg)
{
    struct passage *passage = arg;
    im_tree_m block = flue_block_to_miniport(block_p);
    struct im_call *call = detach(passage->im, block);

    if (call->fresh) {
        initiated(passage->im, call, block);
    } else if (call->entry != NULL && call->entry->ended) {
        im_entry_done(call->entry);
    } else if (passage->operation == IM_TERMINATE && call->entry != NULL) {
        terminated(passage, call->entry, block);
    }
    im_call_free(passage->im, call);
    return FLUE_OK;
}

void im_tree_return(struct flue_im *im, enum im_operation operation, im_tree_p root)
{
    struct passage passage = {.im = im, .operation = operation};
    struct flue_hook *hook;

    list_init(&passage.end);
    (void)flue_protocol_block_walk(root, hand_up, &passage);
    if (operation == IM_TERMINATE && im_breaks(im, 327)) {
        ((im_tree_m)(void *)root)->SourceHandle = im_active(im)->binding;
    }
    im_up_tree(im, operation, (im_tree_m)(void *)root);
    while ((hook = list_pop_front(&passage.end)) != NULL) {
        im_entry_done(FLUE_CONTAINER_OF(hook, struct im_entry, hook));
    }
    if (operation == IM_TERMINATE || operation == IM_INITIATE) { /* what was refused may have been the last */
        im_objects_gone(im);
    }
}

void im_tree_up(struct flue_im *im, enum im_operation operation, im_tree_p root)
{
    const struct im_held item = {.kind = IM_HELD_TREE, .what = operation, .object = root};

    if (!im_hold_up(im, &item)) {
        im_tree_return(im, operation, root);
    }
}
