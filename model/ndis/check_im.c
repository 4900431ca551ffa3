/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_im.c - rules of intermediate drivers: trees (CH-325 to CH-330). */

#include "ndis/check_im.h"

struct ndis_driver *im_on(const struct ndis_adapter *adapter)
{
    const struct flue_hook *hook = list_first(&adapter->bindings);

    return hook == NULL ? NULL : im_above_of(FLUE_CONTAINER_OF(hook, struct ndis_binding, hook));
}

/* ---- Records ---- */

/* Made when they are asked for first; NULL: no memory. */
static struct check_im *records_of(struct check *check)
{
    struct check_im *im = check->im;

    if (im != NULL) {
        return im;
    }
    im = (struct check_im *)check->env->allocate(check->env->ctx, sizeof *im);
    if (im == NULL) {
        check->blind = true;
        return NULL;
    }
    check->im = im;
    list_init(&im->lent);
    list_init(&im->objects);
    pool_init(&im->lent_pool, check->env, sizeof(struct im_lent));
    pool_init(&im->object_pool, check->env, sizeof(struct im_object));
    pool_init(&im->call_pool, check->env, sizeof(struct im_call));
    if (hash_table_init(&im->lent_table, check->env, 0) != FLUE_OK ||
        hash_table_init(&im->object_table, check->env, 0) != FLUE_OK) {
        check_im_free(check);
        check->blind = true;
    }
    return check->im;
}

void check_im_free(struct check *check)
{
    struct check_im *im = check->im;

    if (im != NULL) {
        check->im = NULL;
        pool_dispose(&im->lent_pool);
        pool_dispose(&im->object_pool);
        pool_dispose(&im->call_pool);
        hash_table_dispose(&im->lent_table);
        hash_table_dispose(&im->object_table);
        check->env->release(check->env->ctx, im, sizeof *im);
    }
}

static uint32_t hash_of(const void *thing, const struct ndis_adapter *adapter)
{
    return hash_u64(hash_mix((uint64_t)(uintptr_t)thing) ^ (uint64_t)(uintptr_t)adapter);
}

static bool is_lent(const void *item, const void *key)
{
    const struct im_lent *lent = (const struct im_lent *)item, *wanted = (const struct im_lent *)key;

    return lent->thing == wanted->thing && lent->adapter == wanted->adapter;
}

struct im_lent *im_lent_find(const struct check_im *im, const void *thing, const struct ndis_adapter *adapter)
{
    const struct im_lent key = {.thing = thing, .adapter = (struct ndis_adapter *)adapter};

    return (struct im_lent *)hash_table_find(&im->lent_table, hash_of(thing, adapter), is_lent, &key);
}

struct im_lent *im_lent_through(const struct check_im *im, const void *thing, const struct ndis_driver *driver)
{
    FLUE_LIST_EACH(hook, &driver->ndis->adapters)
    {
        const struct ndis_adapter *adapter = FLUE_CONTAINER_OF(hook, struct ndis_adapter, hook);
        struct im_lent *lent = adapter->driver == driver ? im_lent_find(im, thing, adapter) : NULL;

        if (lent != NULL) {
            return lent;
        }
    }
    return NULL;
}

void im_lent_add(struct check *check, const struct im_lent *like)
{
    struct check_im *im = check->im;
    struct im_lent *lent = (struct im_lent *)pool_get(&im->lent_pool);

    if (lent == NULL || hash_table_insert(&im->lent_table, hash_of(like->thing, like->adapter), lent) != FLUE_OK) {
        pool_put(&im->lent_pool, lent);
        check->blind = true; /* what it misses would look like errors of others */
        return;
    }
    *lent = *like;
    hook_init(&lent->hook);
    list_push_back(&im->lent, &lent->hook);
}

void im_lent_end(struct check_im *im, struct im_lent *lent)
{
    list_remove(&lent->hook);
    (void)hash_table_remove(&im->lent_table, hash_of(lent->thing, lent->adapter), lent);
    pool_put(&im->lent_pool, lent);
}

static bool is_object(const void *item, const void *key)
{
    return ((const struct im_object *)item)->upper == key;
}

struct im_object *im_object_find(const struct check_im *im, const NDIS_OFFLOAD_HANDLE *upper)
{
    return (struct im_object *)hash_table_find(&im->object_table, hash_of(upper, NULL), is_object, upper);
}

static void object_end(struct check_im *im, struct im_object *object)
{
    list_remove(&object->hook);
    (void)hash_table_remove(&im->object_table, hash_of(object->upper, NULL), object);
    pool_put(&im->object_pool, object);
}

static void object_add(struct check *check, PNDIS_OFFLOAD_HANDLE upper, PNDIS_OFFLOAD_HANDLE lower)
{
    struct check_im *im = check->im;
    struct im_object *object = im_object_find(im, upper);

    if (object != NULL) {
        object_end(im, object);
    }
    object = (struct im_object *)pool_get(&im->object_pool);
    if (object == NULL || hash_table_insert(&im->object_table, hash_of(upper, NULL), object) != FLUE_OK) {
        pool_put(&im->object_pool, object);
        check->blind = true;
        return;
    }
    *object = (struct im_object){.upper = upper, .lower = lower};
    list_push_back(&im->objects, &object->hook);
}

/* ---- Trees, down ---- */

static void say(struct check *check, const struct check_tree *tree, const struct check_block *block, unsigned rule,
                const char *seen, uint64_t a)
{
    const struct check_at at = {
        .binding = tree->binding, .thing = block == NULL ? tree->root : block->block, .kind = "block"};

    check_report(check, rule, FLUE_PARTY_DRIVER, &at, seen, a, 0, 0);
}

static bool fresh(const struct check_tree *tree, const struct check_block *block)
{
    return tree->operation == NDIS_INITIATE && block->handle != NULL && block->slot == NULL;
}

/* One block as the driver got it and as it passes it on. */
static void compare_handles(struct check *check, const struct check_tree *tree, const struct check_block *above,
                            const struct check_block *below)
{
    const struct im_object *object;

    if ((above->handle == NULL) != (below->handle == NULL)) {
        say(check, tree, below, 328, "a placeholder above is none below, or the reverse", 0);
        return;
    }
    if (above->handle == NULL) {
        return;
    }
    if (above->handle == below->handle) {
        say(check, tree, below, 328, "it goes down under the upper handle", 0);
        return;
    }
    if (above->slot == NULL) {
        object_add(check, above->handle, below->handle);
        return;
    }
    object = im_object_find(check->im, above->handle);
    if (object != NULL && object->lower != below->handle) {
        say(check, tree, below, 328, "the driver's handle is not the one it offloaded the object with", 0);
    }
}

static void leaves_lower_edge(struct check *check, struct check_tree *tree, const struct ndis_driver *driver)
{
    struct im_lent *lent = im_lent_through(check->im, tree->root, driver);
    const struct check_tree *upper = lent == NULL ? NULL : check_tree_find(check, tree->root, lent->adapter);

    if (lent == NULL || upper == NULL) {
        say(check, tree, NULL, 325, "a tree goes down that did not come from above", 0);
        return;
    }
    lent->passed++;
    lent->below = true;
    if (lent->passed > 1) {
        say(check, tree, NULL, 325, "it goes down for the %u. time", lent->passed);
    } else if (upper->operation != tree->operation) {
        say(check, tree, NULL, 325, "it goes down as another operation", 0);
    } else if (upper->count != tree->count) {
        say(check, tree, NULL, 325, "it came with %u blocks, and goes down with others", upper->count);
    } else {
        for (uint32_t i = 0; i < tree->count; i++) {
            compare_handles(check, tree, &upper->blocks[i], &tree->blocks[i]);
        }
    }
}

static void chains_down(struct check_tree *tree, const struct check_block *block)
{
    if (fresh(tree, block)) {
        for (PNET_BUFFER_LIST nbl = block->chain; nbl != NULL; nbl = nbl->Next) {
            PNET_BUFFER_LIST next = nbl->Next;

            nbl->Next = NULL;
            check_im_data_down(tree->binding, NDIS_SEND, block->handle, nbl, 0);
            nbl->Next = next;
        }
    }
}

void check_im_down(struct check *check, struct check_tree *tree)
{
    const struct ndis_driver *driver = im_above_of(tree->binding);
    struct check_im *im = driver == NULL && im_below_of(tree->adapter) == NULL ? NULL : records_of(check);

    if (im == NULL) {
        return;
    }
    if (driver != NULL) {
        leaves_lower_edge(check, tree, driver);
    }
    if (im_below_of(tree->adapter) != NULL) {
        const struct im_lent lent = {
            .thing = tree->root, .adapter = tree->adapter, .what = (uint8_t)tree->operation, .tree = true};

        im_lent_add(check, &lent);
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        chains_down(tree, &tree->blocks[i]);
    }
}

/* ---- Trees, up ---- */

static bool taken(NDIS_STATUS status)
{
    return status == NDIS_STATUS_SUCCESS || status == NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}

/* The block as the driver completes it. */
static void complete_block(struct check *check, const struct check_tree *tree, const struct check_block *block,
                           const struct im_lent *lent)
{
    const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *now = (const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *)block->block;
    const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *was = &block->lent;
    struct im_object *object = block->handle == NULL ? NULL : im_object_find(check->im, block->handle);
    const struct check_object *below = object == NULL ? NULL : check_object_find(check, object->lower);

    if (now->ImReserved[0] != was->ImReserved[0] || now->ImReserved[1] != was->ImReserved[1] ||
        now->SourceHandle != was->SourceHandle) {
        say(check, tree, block, 327, "ImReserved or SourceHandle is not what it was on the way down", 0);
    }
    if (block->handle == NULL) {
        return;
    }
    if (lent->passed == 0 && taken(now->Status) && (tree->operation != NDIS_TERMINATE || below == NULL)) {
        say(check, tree, block, 325, "it succeeds, and nothing went down", 0);
    }
    if (fresh(tree, block) && taken(now->Status)) {
        const void *slot = block->handle->MiniportOffloadContext;

        if (slot == NULL) {
            say(check, tree, block, 329, "it was taken, and the upper slot is NULL", 0);
        } else if (below != NULL && below->handle->MiniportOffloadContext == slot) {
            say(check, tree, block, 329, "the upper slot holds the context of the adapter below", 0);
        }
    }
    if (object == NULL) {
        return;
    }
    if (fresh(tree, block) && !taken(now->Status)) {
        object_end(check->im, object);
    } else if (tree->operation == NDIS_TERMINATE && now->Status == NDIS_STATUS_SUCCESS) {
        if (below != NULL && lent->passed == 0) {
            say(check, tree, block, 330, "the object is given back above, and still offloaded below", 0);
        }
        object_end(check->im, object);
    }
}

/* Lists that an operation hands back go no other way. */
static void chains_up(struct check *check, const struct check_tree *tree, const struct check_block *block)
{
    const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *now = (const NDIS_MINIPORT_OFFLOAD_BLOCK_LIST *)block->block;

    if (tree->operation == NDIS_TERMINATE || (fresh(tree, block) && !taken(now->Status))) {
        check_im_lists_end(check, tree->adapter, now->NetBufferListChain);
    }
}

static void say_ignored(struct check *check, const struct im_lent *lent)
{
    const struct check_at at = {.adapter = lent->adapter, .thing = lent->thing, .kind = lent->tree ? "block" : "list"};

    check->crossing++;
    check_report(check, 325, FLUE_PARTY_DRIVER, &at, "it never went down, and was never answered", 0, 0, 0);
}

bool check_im_keeps(const struct check *check, const void *thing, const struct ndis_adapter *adapter)
{
    const struct im_lent *lent =
        check->im == NULL || im_below_of(adapter) == NULL ? NULL : im_lent_find(check->im, thing, adapter);

    return lent != NULL && lent->passed > 0 && !lent->below;
}

bool check_im_ignores(struct check *check, const struct check_tree *tree)
{
    const struct im_lent *lent = check->im == NULL || im_below_of(tree->adapter) == NULL
                                     ? NULL
                                     : im_lent_find(check->im, tree->root, tree->adapter);

    if (lent == NULL || lent->passed > 0) {
        return false;
    }
    say_ignored(check, lent);
    return true;
}

void check_im_up(struct check *check, struct check_tree *tree)
{
    struct check_im *im = check->im;
    struct im_lent *lent;

    if (im == NULL) {
        return;
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        chains_up(check, tree, &tree->blocks[i]);
    }
    if (im_above_of(tree->binding) != NULL &&
        (lent = im_lent_through(im, tree->root, im_above_of(tree->binding))) != NULL) {
        lent->below = false;
    }
    lent = im_below_of(tree->adapter) == NULL ? NULL : im_lent_find(im, tree->root, tree->adapter);
    if (lent == NULL) {
        return;
    }
    if (lent->below) {
        say(check, tree, NULL, 325, "it goes up while it is lent below", 0);
    }
    for (uint32_t i = 0; i < tree->count; i++) {
        complete_block(check, tree, &tree->blocks[i], lent);
    }
    im_lent_end(im, lent);
}

/* ---- The end ---- */

void check_im_end(struct check *check)
{
    if (check->im == NULL) {
        return;
    }
    FLUE_LIST_EACH(hook, &check->im->lent)
    {
        const struct im_lent *lent = FLUE_CONTAINER_OF(hook, struct im_lent, hook);
        const struct check_at at = {
            .adapter = lent->adapter, .thing = lent->thing, .kind = lent->tree ? "block" : "list"};

        if (lent->passed == 0) {
            say_ignored(check, lent);
        } else if (!lent->below) {
            check->crossing++;
            check_report(check, 326, FLUE_PARTY_DRIVER, &at, "its completion was never passed on", 0, 0, 0);
        }
    }
}
