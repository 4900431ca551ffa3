/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_shape.c - the shape of a tree on its way down: layers, headers, the state behind each block. */

#include "ndis/check_core.h"

/* Up to here blocks are compared pair by pair, above a table is made. */
#define FEW_BLOCKS 24u

static void block_report(struct check *check, const struct check_tree *tree, const struct check_block *block,
                         unsigned rule, const char *format, uint64_t a, uint64_t b)
{
    const struct check_at at = {
        .binding = tree->binding, .object = block->object, .thing = block->block, .kind = "block"};

    check_report(check, rule, check_above(tree->binding), &at, format, a, b, 0);
}

/* ---- Each block and each object once ---- */

static bool same_block(const void *item, const void *key)
{
    return ((const struct check_block *)item)->block == key;
}

static bool same_handle(const void *item, const void *key)
{
    return ((const struct check_block *)item)->handle == key;
}

static uint32_t hash_of(const void *address)
{
    return hash_u64((uint64_t)(uintptr_t)address);
}

/* The first block that has the same address, or the same handle. */
static const struct check_block *twin(const struct check_tree *tree, uint32_t index, const struct hash_table *blocks,
                                      const struct hash_table *handles)
{
    const struct check_block *block = &tree->blocks[index];
    const struct check_block *found = NULL;

    if (blocks != NULL) {
        found = (const struct check_block *)hash_table_find(blocks, hash_of(block->block), same_block, block->block);
        if (found == NULL && block->handle != NULL) {
            found = (const struct check_block *)hash_table_find(handles, hash_of(block->handle), same_handle,
                                                                block->handle);
        }
        return found;
    }
    for (uint32_t i = 0; i < index && found == NULL; i++) {
        const struct check_block *other = &tree->blocks[i];

        if (other->block == block->block || (block->handle != NULL && other->handle == block->handle)) {
            found = other;
        }
    }
    return found;
}

/* False: a block stands in two places, N cannot convert it twice. */
static bool once(struct check *check, struct check_tree *tree)
{
    struct hash_table blocks = {0}, handles = {0};
    bool many = tree->count > FEW_BLOCKS, good = true;

    if (many && (hash_table_init(&blocks, check->env, tree->count) != FLUE_OK ||
                 hash_table_init(&handles, check->env, tree->count) != FLUE_OK)) {
        check->blind = true;
        hash_table_dispose(&blocks);
        return true;
    }
    for (uint32_t i = 0; i < tree->count && good && !check->blind; i++) {
        struct check_block *block = &tree->blocks[i];
        const struct check_block *other = twin(tree, i, many ? &blocks : NULL, &handles);

        if (other != NULL) {
            block_report(check, tree, block, 20, "the tree names a block or an object twice", 0, 0);
            block->refused = block->twice = true;
            good = other->block != block->block;
        }
        if (many &&
            (hash_table_insert(&blocks, hash_of(block->block), block) != FLUE_OK ||
             (block->handle != NULL && hash_table_insert(&handles, hash_of(block->handle), block) != FLUE_OK))) {
            check->blind = true;
        }
    }
    hash_table_dispose(&blocks);
    hash_table_dispose(&handles);
    return good;
}

/* ---- Layers ---- */

/* A placeholder's layer is where it stands. */
static void place(struct check_tree *tree)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        struct check_block *block = &tree->blocks[i];

        if (block->handle == NULL && block->parent >= 0) {
            uint8_t below = tree->blocks[block->parent].layer;

            block->layer = (uint8_t)(below == FLUE_LAYER_NONE || below == FLUE_LAYER_TCP ? FLUE_LAYER_NONE : below + 1);
        }
    }
    for (uint32_t i = tree->count; i-- > 0;) {
        const struct check_block *block = &tree->blocks[i];

        if (block->parent >= 0 && tree->blocks[block->parent].layer == FLUE_LAYER_NONE &&
            block->layer > FLUE_LAYER_NEIGHBOR) {
            tree->blocks[block->parent].layer = (uint8_t)(block->layer - 1);
        }
    }
}

static void layers(struct check *check, struct check_tree *tree, struct check_block *block)
{
    const PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST given = (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST)block->block;

    if (block->layer == FLUE_LAYER_NONE) {
        return;
    }
    if (block->parent >= 0) {
        uint8_t below = tree->blocks[block->parent].layer;

        if (below != FLUE_LAYER_NONE && below != FLUE_LAYER_TCP && block->layer != below + 1) {
            block_report(check, tree, block, 18, "layer %u depends on layer %u", block->layer, below);
            block->refused = true;
        }
    } else if (tree->blocks[0].layer != FLUE_LAYER_NONE && block->layer != tree->blocks[0].layer) {
        block_report(check, tree, block, 17, "a chain joins layers %u and %u", tree->blocks[0].layer, block->layer);
        block->refused = true;
    }
    if (block->layer == FLUE_LAYER_TCP && given->DependentBlockList != NULL) {
        block_report(check, tree, block, 19, "a connection has dependents", 0, 0);
    }
}

/* ---- Headers and the state behind them ---- */

/* Bytes of a state structure; class 1 const, 2 cached, 3 delegated. */
static ULONG state_length(unsigned layer, unsigned state_class, unsigned revision)
{
    static const UCHAR lengths[FLUE_LAYER_TCP + 1][4] = {
        [FLUE_LAYER_NEIGHBOR] = {0, sizeof(NEIGHBOR_OFFLOAD_STATE_CONST), sizeof(NEIGHBOR_OFFLOAD_STATE_CACHED),
                                 sizeof(NEIGHBOR_OFFLOAD_STATE_DELEGATED)},
        [FLUE_LAYER_PATH] = {0, sizeof(PATH_OFFLOAD_STATE_CONST), sizeof(PATH_OFFLOAD_STATE_CACHED),
                             sizeof(PATH_OFFLOAD_STATE_DELEGATED)},
        [FLUE_LAYER_TCP] = {0, sizeof(TCP_OFFLOAD_STATE_CONST), sizeof(TCP_OFFLOAD_STATE_CACHED),
                            sizeof(TCP_OFFLOAD_STATE_DELEGATED)},
    };

    if (layer == FLUE_LAYER_TCP && state_class == 3 && revision == FLUE_TCP_DELEGATED_REVISION_1) {
        return FLUE_TCP_DELEGATED_LENGTH_1;
    }
    return lengths[layer][state_class];
}

/* Structures that follow a block of this class (D-07). */
static unsigned structures_of(const struct check_tree *tree, const struct check_block *block)
{
    unsigned class = flue_state_class(block->type);

    switch (tree->operation) {
    case NDIS_INITIATE:
        return block->slot == NULL && class == 4 ? 3 : 0;
    case NDIS_QUERY:
        return class == 4 ? 3 : 1;
    case NDIS_UPDATE:
        return class == 2 ? 1 : 0;
    case NDIS_TERMINATE:
        return class == 3 ? 1 : 0;
    case NDIS_INVALIDATE:
    case NDIS_OPERATIONS:
        break;
    }
    return 0;
}

/* Of some structure of this layer, though not of the one that belongs here. */
static bool is_state_length(unsigned layer, ULONG length)
{
    for (unsigned class = 1; class <= 3; class ++) {
        for (unsigned revision = 1; revision <= 2; revision++) {
            if (state_length(layer, class, revision) == length) {
                return true;
            }
        }
    }
    return false;
}

static void states(struct check *check, struct check_tree *tree, struct check_block *block)
{
    const PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST given = (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST)block->block;
    OFFLOAD_STATE_HEADER *state = flue_state_first(given);
    unsigned count = structures_of(tree, block), class = flue_state_class(block->type);

    block->structures = (uint8_t)count;
    for (unsigned i = 1; i <= count; i++, state = flue_state_next(state)) {
        unsigned which = class == 4 ? i : class;

        if (state->Length != state_length(block->layer, which, given->Header.Revision)) {
            block_report(check, tree, block, is_state_length(block->layer, state->Length) ? 26 : 27,
                         "structure %u behind it has Length %x", i, state->Length);
            return;
        }
        if (state->RecognizedOptions != 0) {
            block_report(check, tree, block, 28, "RecognizedOptions is %u", state->RecognizedOptions, 0);
        }
    }
    block->sound = true;
}

static void header(struct check *check, struct check_tree *tree, struct check_block *block)
{
    const PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST given = (PNDIS_PROTOCOL_OFFLOAD_BLOCK_LIST)block->block;
    bool versioned = block->type == TcpOffloadDelegatedState || block->type == TcpOffloadState;

    if (given->Header.Size != sizeof *given) {
        block_report(check, tree, block, 15, "Size is %x", given->Header.Size, 0);
    }
    if (given->PortNumber != 0) {
        block_report(check, tree, block, 43, "PortNumber is %u", given->PortNumber, 0);
    }
    if (block->handle == NULL) {
        return;
    }
    if (block->layer == FLUE_LAYER_NONE) {
        block_report(check, tree, block, 14, "Type is %u", block->type, 0);
        block->refused = true;
        return;
    }
    if (given->Header.Revision != 1 && !(versioned && given->Header.Revision == FLUE_TCP_DELEGATED_REVISION_2)) {
        block_report(check, tree, block, 16, "Revision is %u of type %u", given->Header.Revision, block->type);
        block->refused = true;
        return;
    }
    states(check, tree, block);
}

bool check_shape(struct check *check, struct check_tree *tree)
{
    if (!once(check, tree)) {
        return false;
    }
    place(tree);
    for (uint32_t i = 0; i < tree->count; i++) {
        layers(check, tree, &tree->blocks[i]);
        header(check, tree, &tree->blocks[i]);
    }
    return true;
}
