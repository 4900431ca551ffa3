/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check_records.c - the shadow of what crosses the interface: objects, connections, NBLs, trees, adapters. */

#include "ndis/check_core.h"

/* The checker cannot go on half blind: what it misses would look like errors of others. */
static void blind(struct check *check)
{
    check->blind = true;
}

static uint32_t hash_address(const void *address)
{
    return hash_u64((uint64_t)(uintptr_t)address);
}

static uint32_t hash_addresses(const void *a, const void *b)
{
    return hash_u64((uint64_t)(uintptr_t)a ^ hash_mix((uint64_t)(uintptr_t)b));
}

/* ---- Adapters ---- */

struct check_adapter *check_adapter_of(struct check *check, struct ndis_adapter *adapter)
{
    struct check_adapter *made;

    FLUE_LIST_EACH(hook, &check->adapters)
    {
        struct check_adapter *known = FLUE_CONTAINER_OF(hook, struct check_adapter, hook);

        if (known->adapter == adapter) {
            return known;
        }
    }
    made = (struct check_adapter *)pool_get(&check->adapter_pool);
    if (made == NULL) {
        blind(check);
        return NULL;
    }
    *made = (struct check_adapter){.adapter = adapter};
    list_push_back(&check->adapters, &made->hook);
    return made;
}

/* ---- Objects ---- */

static bool object_has(const void *item, const void *key)
{
    return ((const struct check_object *)item)->handle == key;
}

struct check_object *check_object_find(const struct check *check, const NDIS_OFFLOAD_HANDLE *handle)
{
    return handle == NULL
               ? NULL
               : (struct check_object *)hash_table_find(&check->object_table, hash_address(handle), object_has, handle);
}

static struct check_conn *make_conn(struct check *check, struct check_object *object)
{
    struct check_conn *conn = (struct check_conn *)pool_get(&check->conn_pool);

    if (conn == NULL) {
        return NULL;
    }
    *conn = (struct check_conn){.object = object, .binding = object->binding};
    list_init(&conn->sends);
    list_init(&conn->receives);
    list_init(&conn->forwards);
    return conn;
}

static void count_known(struct check *check, const struct check_object *object, uint32_t one)
{
    struct check_adapter *adapter = check_adapter_of(check, object->adapter);

    if (adapter != NULL) {
        adapter->known[object->layer] += one;
    }
}

struct check_object *check_object_make(struct check *check, struct ndis_binding *binding, PNDIS_OFFLOAD_HANDLE handle,
                                       enum flue_layer layer)
{
    struct check_object *object = (struct check_object *)pool_get(&check->object_pool);

    if (object == NULL) {
        blind(check);
        return NULL;
    }
    *object = (struct check_object){
        .handle = handle,
        .binding = binding,
        .adapter = binding->adapter,
        .id = ++check->next_object,
        .layer = (uint8_t)layer,
        .state = CHECK_OFFLOADING,
    };
    if (layer == FLUE_LAYER_TCP) {
        object->conn = make_conn(check, object);
    }
    if ((layer == FLUE_LAYER_TCP && object->conn == NULL) ||
        hash_table_insert(&check->object_table, hash_address(handle), object) != FLUE_OK) {
        pool_put(&check->conn_pool, object->conn);
        pool_put(&check->object_pool, object);
        blind(check);
        return NULL;
    }
    list_push_back(&check->objects, &object->hook);
    count_known(check, object, 1);
    return object;
}

static void leave(struct flue_hook *list)
{
    FLUE_LIST_EACH_SAFE(hook, list)
    {
        struct check_nbl *nbl = FLUE_CONTAINER_OF(hook, struct check_nbl, hook);

        list_remove(&nbl->hook);
        nbl->conn = NULL;
    }
}

static uint32_t tuple_hash(const struct flue_tcp_tuple *tuple)
{
    const uint64_t ips = (uint64_t)hash_ip(tuple->local_ip.word) << 32 | hash_ip(tuple->remote_ip.word);
    const uint64_t ports = (uint64_t)tuple->local_port << 16 | tuple->remote_port;

    return (uint32_t)((ips ^ ports * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93) >> 32);
}

/* Connections get names and lose them: what was found last may not be what would be found now. */
static void forget_latest(struct check *check)
{
    FLUE_LIST_EACH(hook, &check->adapters)
    {
        FLUE_CONTAINER_OF(hook, struct check_adapter, hook)->latest = NULL;
    }
}

static void unname(struct check *check, struct check_conn *conn)
{
    forget_latest(check);
    if (conn->has_tuple) {
        (void)hash_table_remove(&check->tuple_table, tuple_hash(&conn->tuple), conn);
        conn->has_tuple = false;
    }
}

static void free_conn(struct check *check, struct check_conn *conn)
{
    unname(check, conn);
    leave(&conn->sends);
    leave(&conn->receives);
    leave(&conn->forwards);
    if (conn->disconnect != NULL) {
        conn->disconnect->conn = NULL;
    }
    pool_put(&check->conn_pool, conn);
}

/* Trees that are out refer to their objects by pointer. */
static void leave_trees(struct check *check, const struct check_object *object)
{
    FLUE_LIST_EACH(hook, &check->trees)
    {
        struct check_tree *tree = FLUE_CONTAINER_OF(hook, struct check_tree, hook);

        for (uint32_t i = 0; i < tree->count; i++) {
            if (tree->blocks[i].object == object) {
                tree->blocks[i].object = NULL;
            }
        }
    }
}

/* Whether a tree that is out names it. */
static bool is_busy(const struct check_object *object)
{
    for (unsigned i = 0; i < NDIS_OPERATIONS; i++) {
        if (object->pending[i] > 0) {
            return true;
        }
    }
    return false;
}

void check_object_forget(struct check *check, struct check_object *object)
{
    check->invalid -= object->invalid ? 1 : 0;
    count_known(check, object, UINT32_MAX);
    check_object_under(object, NULL);
    if (object->dependents > 0) {
        FLUE_LIST_EACH(hook, &check->objects)
        {
            struct check_object *other = FLUE_CONTAINER_OF(hook, struct check_object, hook);

            if (other->parent == object) {
                other->parent = NULL;
            }
        }
    }
    if (object->conn != NULL) {
        free_conn(check, object->conn);
    }
    if (is_busy(object)) {
        leave_trees(check, object);
    }
    (void)hash_table_remove(&check->slot_table, hash_addresses(object->slot, object->adapter), object);
    (void)hash_table_remove(&check->object_table, hash_address(object->handle), object);
    list_remove(&object->hook);
    pool_put(&check->object_pool, object);
}

void check_object_under(struct check_object *object, struct check_object *parent)
{
    if (object->parent == parent) {
        return;
    }
    if (object->parent != NULL) {
        object->parent->dependents--;
    }
    object->parent = parent;
    if (parent != NULL) {
        parent->dependents++;
    }
}

struct lent_key {
    const void *memory;
    const struct ndis_adapter *adapter;
};

static bool object_owns(const void *item, const void *key)
{
    const struct check_object *object = (const struct check_object *)item;
    const struct lent_key *wanted = (const struct lent_key *)key;

    return object->slot == wanted->memory && object->adapter == wanted->adapter;
}

struct check_object *check_object_name(struct check *check, struct check_object *object, PVOID slot)
{
    const struct lent_key key = {.memory = slot, .adapter = object->adapter};
    uint32_t hash = hash_addresses(slot, object->adapter);
    struct check_object *other = (struct check_object *)hash_table_find(&check->slot_table, hash, object_owns, &key);

    object->slot = slot;
    if (other == NULL && hash_table_insert(&check->slot_table, hash, object) != FLUE_OK) {
        blind(check);
    }
    return other;
}

bool check_object_move(struct check_object *object, enum check_state to)
{
#define MAY(state) (1u << CHECK_##state)
    static const uint8_t legal[CHECK_STATES] = {
        [CHECK_NONE] = MAY(OFFLOADING),
        [CHECK_OFFLOADING] = MAY(OFFLOADED) | MAY(NONE),
        [CHECK_OFFLOADED] = MAY(UPDATING) | MAY(INVALIDATED) | MAY(TERMINATING),
        [CHECK_UPDATING] = MAY(OFFLOADED) | MAY(INVALIDATED) | MAY(TERMINATING),
        [CHECK_INVALIDATED] = MAY(TERMINATING),
        [CHECK_TERMINATING] = MAY(NONE) | MAY(OFFLOADED) /* D-32, recipe */,
    };
#undef MAY

    if (!(legal[object->state] & 1u << to)) {
        return false;
    }
    object->state = (uint8_t)to;
    return true;
}

/* ---- Connections ---- */

struct tuple_key {
    const struct ndis_adapter *adapter;
    const struct flue_tcp_tuple *tuple;
};

static bool conn_has(const void *item, const void *key)
{
    const struct check_conn *conn = (const struct check_conn *)item;
    const struct tuple_key *wanted = (const struct tuple_key *)key;

    return conn->binding->adapter == wanted->adapter && flue_tcp_tuple_equal(&conn->tuple, wanted->tuple);
}

void check_conn_name(struct check *check, struct check_conn *conn, const struct flue_tcp_tuple *tuple)
{
    unname(check, conn);
    conn->tuple = *tuple;
    conn->has_tuple = hash_table_insert(&check->tuple_table, tuple_hash(tuple), conn) == FLUE_OK;
    if (!conn->has_tuple) {
        blind(check);
    }
}

struct check_conn *check_conn_of_tuple(const struct check *check, const struct ndis_adapter *adapter,
                                       const struct flue_tcp_tuple *tuple)
{
    const struct tuple_key key = {.adapter = adapter, .tuple = tuple};

    return (struct check_conn *)hash_table_find(&check->tuple_table, tuple_hash(tuple), conn_has, &key);
}

/* ---- NBLs ---- */

struct check_nbl *check_nbl_find(struct check *check, const NET_BUFFER_LIST *nbl, const struct ndis_adapter *adapter)
{
    const struct check_place *place = check_ledger_place(&check->ledger, nbl, adapter);

    if (place->nbl == NULL) {
        return NULL;
    }
    return check_ledger_kind(place) == CHECK_LENT_RECORD ? (struct check_nbl *)place->word : &check->frame;
}

static void join(struct check_conn *conn, struct check_nbl *nbl)
{
    switch ((enum check_origin)nbl->origin) {
    case CHECK_SEND:
    case CHECK_INHERITED:
        list_push_back(&conn->sends, &nbl->hook);
        break;
    case CHECK_RECEIVE:
        list_push_back(&conn->receives, &nbl->hook);
        break;
    case CHECK_FORWARD:
        list_push_back(&conn->forwards, &nbl->hook);
        break;
    case CHECK_DISCONNECT:
        conn->disconnect = nbl;
        break;
    case CHECK_INDICATED:
    case CHECK_FRAME:
    case CHECK_ORIGINS:
        /* The party above has it, whatever becomes of the connection. */
        nbl->conn = NULL;
        break;
    }
}

struct check_nbl *check_nbl_lend(struct check *check, PNET_BUFFER_LIST nbl, struct ndis_binding *binding,
                                 struct check_conn *conn, enum check_origin origin)
{
    struct check_nbl *lent = (struct check_nbl *)pool_get(&check->nbl_pool);
    const NET_BUFFER *nb = nbl->FirstNetBuffer;
    struct check_place *place;

    if (lent == NULL) {
        blind(check);
        return NULL;
    }
    *lent = (struct check_nbl){
        .nbl = nbl,
        .binding = binding,
        .adapter = binding->adapter,
        .conn = conn,
        .bytes = ndis_nbl_bytes(nbl),
        .mdl = nb == NULL ? NULL : nb->CurrentMdl,
        .mdl_offset_bytes = nb == NULL ? 0 : nb->CurrentMdlOffset,
        .status = nbl->Status,
        .origin = (uint8_t)origin,
    };
    place = check_ledger_place(&check->ledger, nbl, binding->adapter);
    if (!check_ledger_take(&check->ledger, place, nbl, binding->adapter, (uintptr_t)lent)) {
        pool_put(&check->nbl_pool, lent);
        blind(check);
        return NULL;
    }
    if (conn != NULL) {
        join(conn, lent);
    }
    return lent;
}

void check_nbl_forget(struct check *check, struct check_nbl *nbl)
{
    if (hook_linked(&nbl->hook)) {
        list_remove(&nbl->hook);
    }
    if (nbl->conn != NULL && nbl->conn->disconnect == nbl) {
        nbl->conn->disconnect = NULL;
    }
    assert(nbl != &check->frame);
    check_ledger_close(&check->ledger, check_ledger_place(&check->ledger, nbl->nbl, nbl->adapter));
    pool_put(&check->nbl_pool, nbl);
}

/* ---- Trees ---- */

static bool tree_has(const void *item, const void *key)
{
    const struct check_tree *tree = (const struct check_tree *)item;
    const struct lent_key *wanted = (const struct lent_key *)key;

    return tree->root == wanted->memory && tree->adapter == wanted->adapter;
}

struct check_tree *check_tree_find(const struct check *check, const void *root, const struct ndis_adapter *adapter)
{
    const struct lent_key key = {.memory = root, .adapter = adapter};

    return (struct check_tree *)hash_table_find(&check->tree_table, hash_addresses(root, adapter), tree_has, &key);
}

struct check_tree *check_tree_make(struct check *check, struct ndis_binding *binding, enum ndis_operation operation,
                                   void *root, uint32_t count)
{
    struct check_tree *tree = (struct check_tree *)pool_get(&check->tree_pool);

    if (tree == NULL) {
        blind(check);
        return NULL;
    }
    *tree = (struct check_tree){
        .root = root,
        .binding = binding,
        .adapter = binding->adapter,
        .operation = operation,
        .count = count,
        .blocks = (struct check_block *)check->env->allocate(check->env->ctx, count * sizeof(struct check_block)),
        .at_ps = check->env->now(check->env->ctx),
    };
    if (tree->blocks == NULL ||
        hash_table_insert(&check->tree_table, hash_addresses(root, binding->adapter), tree) != FLUE_OK) {
        check->env->release(check->env->ctx, tree->blocks, count * sizeof(struct check_block));
        pool_put(&check->tree_pool, tree);
        blind(check);
        return NULL;
    }
    list_push_back(&check->trees, &tree->hook);
    return tree;
}

void check_tree_retire(struct check *check, struct check_tree *tree)
{
    (void)hash_table_remove(&check->tree_table, hash_addresses(tree->root, tree->adapter), tree);
    list_remove(&tree->hook);
    list_push_front(&check->completing, &tree->hook);
    tree->retired = true;
}

void check_tree_forget(struct check *check, struct check_tree *tree)
{
    if (!tree->retired) {
        (void)hash_table_remove(&check->tree_table, hash_addresses(tree->root, tree->adapter), tree);
    }
    list_remove(&tree->hook);
    check->env->release(check->env->ctx, tree->blocks, tree->count * sizeof(struct check_block));
    pool_put(&check->tree_pool, tree);
}
