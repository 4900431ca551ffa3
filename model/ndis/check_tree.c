/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_tree.c - trees as they cross: what goes down is recorded and prepared, what comes up is compared with it.
 *
 * Down, in H's view: the shape (check_shape.c), then the roles and objects of the operation.  Before the handler below
 * runs, in T's view: every Status gets a value that T has to replace, Scratch and the memory T has to fill are
 * overwritten, and each block is copied.  Up, in T's view: the copies, the statuses, then what the operation demands.
 *
 * Trees that nobody below could survive are found and not lent: their operation does not complete, and the blocks are
 * the caller's again at once. These are trees deeper than three layers or without an end, with a block or an object
 * twice (CH-018, CH-020), whose root is lent already (CH-033), with a block of no known type or revision or in the
 * wrong layer (CH-014, CH-016 to CH-018), and with an object that is on its way down or back, or of another layer than
 * its block (CH-025, CH-054, CH-055, CH-086, CH-114). Everything else goes down as it is: state whose lengths lie,
 * missing addresses, orphans, numbers out of order are the target's to refuse. test/fuzz/tree.c holds dispatcher,
 * target and driver to it. MiniportReserved is overwritten when a block goes up (CH-034). */

#include <string.h>

#include "ndis/check_core.h"

#define MAX_BLOCKS (UINT32_C(1) << 22) /* more is a cycle */
#define MAX_LAYERS 3u

/* What nobody writes on purpose. */
#define UNWRITTEN_STATUS ((NDIS_STATUS)0x2BADF1D0)

bool check_scribbled(struct check *check, const struct check_at *at, enum flue_party party, const void *named)
{
    if (named != CHECK_SCRIBBLE) {
        return false;
    }
    check_report(check, 31, party, at, "it was found in Scratch, where the checker has put it", 0, 0, 0);
    return true;
}

/* ---- Down ---- */

/* Blocks of a tree; 0: N cannot walk it. */
static uint32_t measure(struct check *check, struct ndis_binding *binding, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    const struct check_at at = {.binding = binding, .thing = root, .kind = "block"};
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST stack[MAX_LAYERS], block = root;
    unsigned depth = 0;
    uint32_t count = 0;

    while (block != NULL && count < MAX_BLOCKS) {
        count++;
        if (block->DependentBlockList != NULL) {
            if (depth == MAX_LAYERS - 1) {
                check_report(check, 18, check_above(binding), &at, "the tree is deeper than three layers", 0, 0, 0);
                return 0;
            }
            stack[depth++] = block;
            block = block->DependentBlockList;
            continue;
        }
        block = block->NextBlock;
        while (block == NULL && depth > 0) {
            block = stack[--depth]->NextBlock;
        }
    }
    if (count == 0 || count == MAX_BLOCKS) {
        check_report(check, 20, check_above(binding), &at, "the tree has no end, or no beginning", 0, 0, 0);
        return 0;
    }
    return count;
}

static void record(struct check_block *made, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block, int32_t parent)
{
    *made = (struct check_block){
        .block = block,
        .handle = block->OffloadHandle,
        .parent = parent,
        .type = block->Header.Type,
        .layer = (uint8_t)(block->OffloadHandle == NULL ? FLUE_LAYER_NONE : flue_state_layer(block->Header.Type)),
        .role = (uint8_t)(block->OffloadHandle == NULL ? CHECK_PLACEHOLDER : CHECK_ERROR),
        .slot = block->OffloadHandle == NULL ? NULL : block->OffloadHandle->MiniportOffloadContext,
        .chain = block->NetBufferListChain,
    };
}

/* In the order of the walk (D-11). */
static void record_all(struct check_tree *tree, PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    int32_t stack[MAX_LAYERS];
    PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST block = root;
    unsigned depth = 0;
    int32_t index = 0;

    for (; block != NULL; index++) {
        record(&tree->blocks[index], block, depth == 0 ? -1 : stack[depth - 1]);
        if (block->DependentBlockList != NULL) {
            stack[depth++] = index;
            block = block->DependentBlockList;
            continue;
        }
        block = block->NextBlock;
        while (block == NULL && depth > 0) {
            depth--;
            block = ((PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST)tree->blocks[stack[depth]].block)->NextBlock;
        }
    }
}

/* The trees above this layer: an operation that is under way counts at each object it names. */
static void count_pending(struct check_tree *tree)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        struct check_block *block = &tree->blocks[i];

        if (block->object != NULL && block->role != CHECK_PLACEHOLDER && block->role != CHECK_LINKER) {
            block->object->pending[tree->operation]++;
            block->counted = true;
        }
    }
}

/* What no party below could survive is not lent: an object that the tree names twice, one that is on its way down or
 * back, one of another layer than its block, what is of no known type or stands in the wrong layer.  (A tree without an
 * end, or with a block in two places, is refused before.) */
static bool safe(struct check *check, const struct check_tree *tree)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct check_block *block = &tree->blocks[i];
        const struct check_object *object = block->handle == NULL ? NULL : check_object_find(check, block->handle);
        const struct check_at at = {.binding = tree->binding, .thing = block->block, .kind = "block"};
        const bool initiate = tree->operation == NDIS_INITIATE;
        unsigned rule = 0;

        if (block->twice || block->refused) {
            return false; /* has been reported: type, revision or layer */
        }
        if (object != NULL && object->state == CHECK_OFFLOADING) {
            rule = initiate ? 54 : 55;
        } else if (object != NULL && object->state == CHECK_TERMINATING) {
            rule = initiate ? 54 : 114;
        } else if (object != NULL && object->layer != flue_state_layer(block->type)) {
            rule = initiate ? 25 : 86;
        }
        if (rule != 0) {
            check_report(check, rule, check_above(tree->binding), &at,
                         "the tree is not lent: there is no such object now, or it is one of layer %u", object->layer,
                         0, 0);
            return false;
        }
    }
    return true;
}

bool check_tree_down(struct ndis_binding *binding, enum ndis_operation operation,
                     PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST root)
{
    struct check *check = check_enter(binding->adapter->ndis);
    const struct check_at at = {.binding = binding, .thing = root, .kind = "block"};
    struct check_tree *tree;
    uint32_t count;

    if (check == NULL) {
        return true;
    }
    if (check_scribbled(check, &at, check_above(binding), root)) {
        return false;
    }
    if (check_tree_find(check, root, binding->adapter) != NULL) {
        check_report(check, 33, check_above(binding), &at, "the same root block is still lent", 0, 0, 0);
        return false;
    }
    count = measure(check, binding, root);
    if (count == 0) {
        return false;
    }
    tree = check_tree_make(check, binding, operation, root, count);
    if (tree == NULL) {
        return true;
    }
    record_all(tree, root);
    if (!check_shape(check, tree) || !safe(check, tree)) {
        check_tree_forget(check, tree);
        return false;
    }
    check_im_down(check, tree);
    if (operation == NDIS_INITIATE) {
        check_initiate_down(check, tree);
    } else {
        check_state_down(check, tree);
    }
    count_pending(tree);
    return true;
}

/* ---- The handler below ---- */

static uint64_t digest_of(PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST block, unsigned structures)
{
    OFFLOAD_STATE_HEADER *state = flue_state_first(block);
    uint64_t digest = 0;

    for (; structures > 0; structures--, state = flue_state_next(state)) {
        const uint8_t *bytes = (const uint8_t *)state;
        ULONG length = state->Length;

        for (ULONG at = 0; at < length; at += 4) {
            uint32_t word;

            memcpy(&word, bytes + at, sizeof word);
            digest = hash_mix(digest ^ word);
        }
    }
    return digest;
}

/* State that H made and nobody writes before the completion. */
static unsigned frozen(const struct check_tree *tree, const struct check_block *block)
{
    if (!block->sound) {
        return 0;
    }
    if (tree->operation == NDIS_INITIATE) {
        return block->role == CHECK_NEW ? 3 : 0;
    }
    return tree->operation == NDIS_UPDATE && block->role == CHECK_REFERENCE ? 1 : 0;
}

/* Memory that T has to fill: everything of each structure but its header. */
static void unfill(struct check_tree *tree, struct check_block *block)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST lent = (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)block->block;
    OFFLOAD_STATE_HEADER *state = flue_state_first(lent);

    for (unsigned structures = check_filled_by_below(tree, block); structures > 0; structures--) {
        memset(state + 1, CHECK_UNFILLED, state->Length - sizeof *state);
        state = flue_state_next(state);
    }
}

void check_tree_lent(struct ndis_binding *binding, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root)
{
    struct check *check = check_enter(binding->adapter->ndis);
    struct check_tree *tree = check == NULL ? NULL : check_tree_find(check, root, binding->adapter);

    if (tree == NULL) {
        return;
    }
    tree->in_call = true;
    for (uint32_t i = 0; i < tree->count; i++) {
        struct check_block *block = &tree->blocks[i];
        PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST lent = (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)block->block;

        lent->Status = UNWRITTEN_STATUS;
        lent->Scratch[0] = lent->Scratch[1] = CHECK_SCRIBBLE;
        block->lent = *lent;
        block->digest = digest_of(lent, frozen(tree, block));
        unfill(tree, block);
    }
}

void check_tree_called(struct ndis_binding *binding, enum ndis_operation operation, const void *root)
{
    struct check *check = check_enter(binding->adapter->ndis);
    struct check_tree *tree = check == NULL ? NULL : check_tree_find(check, root, binding->adapter);

    if (tree != NULL && tree->operation == operation) {
        tree->in_call = false;
    }
}

/* ---- Up ---- */

static void block_report(struct check *check, const struct check_tree *tree, const struct check_block *block,
                         unsigned rule, enum flue_party party, const char *format, uint64_t a)
{
    const struct check_at at = {
        .binding = tree->binding, .object = block->object, .thing = block->block, .kind = "block"};

    check_report(check, rule, party, &at, format, a, 0, 0);
}

/* What nobody may have changed is compared with the copy, and put back.  Found at the completion, it is the doing of
 * the party below, which has had the memory since; what a driver changes on the way down shows in the layer above it.
 */
static void compare(struct check *check, struct check_tree *tree, struct check_block *block)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST now = (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)block->block;
    const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *was = &block->lent;
    enum flue_party below = check_below(tree->adapter);

    if (now->NextBlock != was->NextBlock || now->DependentBlockList != was->DependentBlockList ||
        now->Header.Type != was->Header.Type || now->Header.Revision != was->Header.Revision ||
        now->Header.Size != was->Header.Size || now->PortNumber != was->PortNumber) {
        block_report(check, tree, block, 33, below, "header or links were changed while it was lent", 0);
        check_refused(check);
    }
    if (frozen(tree, block) > 0 && digest_of(now, frozen(tree, block)) != block->digest) {
        block_report(check, tree, block, 33, below, "its state was changed while it was lent", 0);
    }
    if (now->NdisReserved[0] != was->NdisReserved[0] || now->NdisReserved[1] != was->NdisReserved[1] ||
        now->MiniportOffloadContext != was->MiniportOffloadContext ||
        now->NdisOffloadHandle != was->NdisOffloadHandle) {
        block_report(check, tree, block, 30, below, "words of the dispatcher were changed", 0);
        check_refused(check);
    }
    /* What an intermediate driver has to restore is judged by check_im_up(). */
    if (now->ProtocolReserved[0] != was->ProtocolReserved[0] || now->ProtocolReserved[1] != was->ProtocolReserved[1] ||
        (below == FLUE_PARTY_TARGET &&
         (now->ImReserved[0] != was->ImReserved[0] || now->ImReserved[1] != was->ImReserved[1] ||
          now->SourceHandle != was->SourceHandle))) {
        block_report(check, tree, block, 29, below, "ProtocolReserved, ImReserved or SourceHandle was changed", 0);
        check_refused(check);
    }
    now->Header = was->Header;
    now->NextBlock = was->NextBlock;
    now->DependentBlockList = was->DependentBlockList;
    now->NdisReserved[0] = was->NdisReserved[0];
    now->NdisReserved[1] = was->NdisReserved[1];
    now->MiniportOffloadContext = was->MiniportOffloadContext;
    now->NdisOffloadHandle = was->NdisOffloadHandle;
    now->ProtocolReserved[0] = was->ProtocolReserved[0];
    now->ProtocolReserved[1] = was->ProtocolReserved[1];
    now->ImReserved[0] = was->ImReserved[0];
    now->ImReserved[1] = was->ImReserved[1];
    now->SourceHandle = was->SourceHandle;
}

static void judge_status(struct check *check, struct check_tree *tree, struct check_block *block)
{
    PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST now = (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)block->block;
    enum flue_party below = check_below(tree->adapter);

    if (now->Status == UNWRITTEN_STATUS) {
        block_report(check, tree, block, 36, below, "its Status was not written", 0);
        check_refused(check);
        now->Status = block->role == CHECK_PLACEHOLDER ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
        block->unjudged = true;
    } else if (block->role == CHECK_PLACEHOLDER) {
        if (now->Status != NDIS_STATUS_SUCCESS) {
            block_report(check, tree, block, 40, below, "a placeholder has Status %t", (uint64_t)(uint32_t)now->Status);
        }
        now->Status = NDIS_STATUS_SUCCESS;
    } else if (tree->operation != NDIS_INITIATE && now->Status != NDIS_STATUS_SUCCESS &&
               now->Status != NDIS_STATUS_FAILURE) {
        block_report(check, tree, block, 39, below, "Status %t", (uint64_t)(uint32_t)now->Status);
        now->Status = NDIS_STATUS_FAILURE;
    }
    block->status = now->Status;
}

static void release_pending(struct check_tree *tree)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        struct check_block *block = &tree->blocks[i];

        if (block->counted && block->object != NULL) {
            block->object->pending[tree->operation]--;
        }
        block->counted = false;
    }
}

/* Whose tree a root is that is not out. */
static bool stray(struct check *check, struct ndis_adapter *adapter, const void *root)
{
    const struct check_at at = {.adapter = adapter, .thing = root, .kind = "block"};

    if (!check_scribbled(check, &at, check_below(adapter), root)) {
        check_report(check, 35, check_below(adapter), &at, "no tree with this root is out", 0, 0, 0);
    }
    check_refused(check);
    return false;
}

bool check_tree_up(struct ndis_adapter *adapter, enum ndis_operation *operation, PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST root)
{
    struct check *check = check_enter(adapter->ndis);
    struct check_tree *tree;

    if (check == NULL) {
        return true;
    }
    tree = check_tree_find(check, root, adapter);
    if (tree == NULL) {
        return stray(check, adapter, root);
    }
    if (tree->operation != *operation) {
        block_report(check, tree, &tree->blocks[0], 37, check_below(adapter),
                     "completed by the function of another operation", 0);
        *operation = tree->operation;
    }
    if (tree->in_call) {
        block_report(check, tree, &tree->blocks[0], 38, check_below(adapter), "completed inside the call that made it",
                     0);
        check_refused(check);
    }
    check_im_up(check, tree);
    for (uint32_t i = 0; i < tree->count; i++) {
        compare(check, tree, &tree->blocks[i]);
        judge_status(check, tree, &tree->blocks[i]);
    }
    release_pending(tree);
    if (tree->operation == NDIS_INITIATE) {
        check_initiate_up(check, tree);
    } else {
        check_state_up(check, tree);
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST now = (PNDIS_MINIPORT_OFFLOAD_BLOCK_LIST)tree->blocks[i].block;

        now->Scratch[0] = now->Scratch[1] = CHECK_SCRIBBLE;
        now->MiniportReserved[0] = now->MiniportReserved[1] = CHECK_SCRIBBLE;
    }
    check_tree_retire(check, tree);
    return true;
}

void check_tree_completed(struct ndis_adapter *adapter, enum ndis_operation operation, const void *root)
{
    struct check *check = check_enter(adapter->ndis);
    struct flue_hook *hook = check == NULL ? NULL : list_first(&check->completing);
    struct check_tree *tree = hook == NULL ? NULL : FLUE_CONTAINER_OF(hook, struct check_tree, hook);

    /* Calls nest, so the newest one returns first. */
    if (tree == NULL || tree->root != root || tree->adapter != adapter) {
        return;
    }
    (void)operation;
    if (tree->operation == NDIS_INITIATE) {
        check_initiate_completed(check, tree);
    }
    check_tree_forget(check, tree);
}
