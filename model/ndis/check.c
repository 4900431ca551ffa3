/* SPDX-License-Identifier: GPL-2.0-only */
/* ndis/check.c - the checker itself: switched on, told of findings, asked for counts, ended. */

#include <string.h>

#include "ndis/check_core.h"

#define SENTENCE_BYTES 256

flue_err flue_ndis_check(struct flue_ndis *ndis, enum flue_check_mode mode, const struct flue_ddi *ddi,
                         const struct flue_check_sink *sink)
{
    const struct flue_env *env = ndis->env;
    struct check *check;

    if (mode == FLUE_CHECK_OFF) {
        return FLUE_OK;
    }
    if (NDIS_NO_HOOKS || ndis->check != NULL || !list_empty(&ndis->drivers) || !list_empty(&ndis->protocols)) {
        return FLUE_ESTATE;
    }
    check = (struct check *)env->allocate(env->ctx, sizeof *check);
    if (check == NULL) {
        return FLUE_ENOMEM;
    }
    check->ndis = ndis;
    check->env = env;
    check->mode = mode;
    check->ddi = *ddi;
    if (sink != NULL) {
        check->sink = *sink;
    }
    check->frame.origin = CHECK_FRAME;
    list_init(&check->objects);
    list_init(&check->trees);
    list_init(&check->adapters);
    list_init(&check->completing);
    pool_init(&check->object_pool, env, sizeof(struct check_object));
    pool_init(&check->conn_pool, env, sizeof(struct check_conn));
    pool_init(&check->nbl_pool, env, sizeof(struct check_nbl));
    pool_init(&check->tree_pool, env, sizeof(struct check_tree));
    pool_init(&check->adapter_pool, env, sizeof(struct check_adapter));
    check_ways_init(check);
    ndis->check = check;
    if (hash_table_init(&check->object_table, env, 0) != FLUE_OK ||
        hash_table_init(&check->tree_table, env, 0) != FLUE_OK || check_ledger_init(&check->ledger, env) != FLUE_OK ||
        hash_table_init(&check->slot_table, env, 0) != FLUE_OK ||
        hash_table_init(&check->tuple_table, env, 0) != FLUE_OK) {
        check_free(ndis);
        return FLUE_ENOMEM;
    }
    return FLUE_OK;
}

void check_free(struct flue_ndis *ndis)
{
    struct check *check = ndis->check;

    if (check == NULL) {
        return;
    }
    ndis->check = NULL;
    FLUE_LIST_EACH_SAFE(hook, &check->trees)
    {
        check_tree_forget(check, FLUE_CONTAINER_OF(hook, struct check_tree, hook));
    }
    FLUE_LIST_EACH_SAFE(hook, &check->completing)
    {
        check_tree_forget(check, FLUE_CONTAINER_OF(hook, struct check_tree, hook));
    }
    check_im_free(check);
    pool_dispose(&check->object_pool);
    pool_dispose(&check->conn_pool);
    pool_dispose(&check->nbl_pool);
    pool_dispose(&check->tree_pool);
    pool_dispose(&check->adapter_pool);
    pool_dispose(&check->ways.former_pool);
    hash_table_dispose(&check->object_table);
    hash_table_dispose(&check->tree_table);
    check_ledger_free(&check->ledger);
    hash_table_dispose(&check->slot_table);
    hash_table_dispose(&check->tuple_table);
    check->env->release(check->env->ctx, check, sizeof *check);
}

uint64_t flue_ndis_crossings(const struct flue_ndis *ndis)
{
    return ndis->check == NULL ? 0 : ndis->check->crossing;
}

uint64_t flue_ndis_findings(const struct flue_ndis *ndis, unsigned rule)
{
    return ndis->check != NULL && rule >= 1 && rule <= FLUE_RULES ? ndis->check->count[rule] : 0;
}

/* ---- Sentences ---- */

struct sentence {
    char text[SENTENCE_BYTES];
    unsigned used;
};

static void put(struct sentence *sentence, char letter)
{
    if (sentence->used + 1 < sizeof sentence->text) {
        sentence->text[sentence->used++] = letter;
    }
}

static void put_words(struct sentence *sentence, const char *words)
{
    for (; *words != '\0'; words++) {
        put(sentence, *words);
    }
}

static void put_number(struct sentence *sentence, uint64_t value, unsigned base)
{
    char digits[24];
    unsigned count = 0;

    do {
        digits[count++] = "0123456789ABCDEF"[value % base];
        value /= base;
    } while (value != 0);
    while (count > 0) {
        put(sentence, digits[--count]);
    }
}

static void put_value(struct sentence *sentence, char how, uint64_t value)
{
    switch (how) {
    case 'd':
        if ((int64_t)value < 0) {
            put(sentence, '-');
            value = (uint64_t)0 - value;
        }
        put_number(sentence, value, 10);
        break;
    case 'x':
        put_words(sentence, "0x");
        put_number(sentence, value, 16);
        break;
    case 't':
        put_words(sentence, flue_ndis_status_name((NDIS_STATUS)value));
        break;
    default:
        put_number(sentence, value, 10);
        break;
    }
}

static void compose(struct sentence *sentence, const char *format, const uint64_t value[3])
{
    unsigned next = 0;

    for (; *format != '\0'; format++) {
        if (format[0] == '%' && format[1] != '\0' && next < 3) {
            put_value(sentence, *++format, value[next++]);
        } else {
            put(sentence, *format);
        }
    }
    sentence->text[sentence->used] = '\0';
}

/* ---- Reports ---- */

static const char *kind_of(enum flue_layer layer)
{
    static const char *const kinds[] = {
        [FLUE_LAYER_NONE] = "object",
        [FLUE_LAYER_NEIGHBOR] = "neighbour",
        [FLUE_LAYER_PATH] = "path",
        [FLUE_LAYER_TCP] = "connection",
    };

    return kinds[layer];
}

/* An intermediate driver is called by its virtual adapter, a target by its adapter. */
static const char *driver_of(const struct check *check, enum flue_party party, const struct check_at *at)
{
    const struct ndis_adapter *adapter = at->binding != NULL ? at->binding->adapter : at->adapter;

    if (party == FLUE_PARTY_HOST || party == FLUE_PARTY_DISPATCHER || adapter == NULL) {
        return flue_party_name(party);
    }
    if (party == FLUE_PARTY_DRIVER && check_below(adapter) != FLUE_PARTY_DRIVER && at->binding != NULL) {
        FLUE_LIST_EACH(hook, &check->ndis->adapters)
        {
            const struct ndis_adapter *own = FLUE_CONTAINER_OF(hook, struct ndis_adapter, hook);

            if (own->driver == at->binding->protocol->partner) {
                return own->name;
            }
        }
        return flue_party_name(party);
    }
    return adapter->name;
}

void check_report(struct check *check, unsigned rule, enum flue_party party, const struct check_at *at,
                  const char *format, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t value[3] = {a, b, c};
    const struct check_object *object = at->object;
    struct sentence sentence = {.used = 0};
    struct flue_finding finding = {
        .rule = rule,
        .party = party,
        .at_ps = check->env->now(check->env->ctx),
        .conn = FLUE_NO_CONN,
        .object = at->thing,
        .object_kind = at->kind,
    };

    assert(rule >= 1 && rule <= FLUE_RULES);
    if (check->told[rule] == check->crossing) {
        return;
    }
    check->told[rule] = check->crossing;
    check->count[rule]++;
    if (check->ndis->at_ps > finding.at_ps) {
        finding.at_ps = check->ndis->at_ps;
    }
    if (object != NULL && object->conn != NULL) {
        finding.conn = object->conn->constant.HashValue;
    } else if (at->has_conn) {
        finding.conn = at->conn;
    }
    if (finding.object == NULL && object != NULL) {
        finding.object = object->handle;
        finding.object_kind = kind_of((enum flue_layer)object->layer);
    }
    if (finding.object_kind == NULL) {
        finding.object_kind = "object";
    }
    finding.driver = driver_of(check, party, at);
    compose(&sentence, format, value);
    finding.seen = sentence.text;
    if (ndis_traced(check->ndis)) {
        flue_trace_emit(check->ndis->trace, FLUE_POINT_finding, finding.at_ps, finding.conn, (int64_t)rule,
                        (int64_t)party, 0, 0, 0, 0);
    }
    if (check->sink.finding != NULL) {
        check->sink.finding(check->sink.ctx, &finding);
    }
}

enum flue_party check_above(const struct ndis_binding *binding)
{
    return binding->protocol->partner != NULL ? FLUE_PARTY_DRIVER : FLUE_PARTY_HOST;
}

enum flue_party check_below(const struct ndis_adapter *adapter)
{
    return adapter->driver->partner != NULL ? FLUE_PARTY_DRIVER : FLUE_PARTY_TARGET;
}

/* ---- The end ---- */

void check_tree_owed(struct check *check, const struct check_tree *tree)
{
    static const unsigned rules[] = {
        [NDIS_INITIATE] = 44, [NDIS_TERMINATE] = 111, [NDIS_UPDATE] = 81, [NDIS_INVALIDATE] = 103, [NDIS_QUERY] = 93,
    };
    const struct check_at at = {.binding = tree->binding, .thing = tree->root, .kind = "block"};

    check->crossing++;
    check_report(check, rules[tree->operation], check_below(tree->binding->adapter), &at,
                 "a tree of %u blocks was never completed", tree->count, 0, 0);
}

static void trees_end(struct check *check)
{
    FLUE_LIST_EACH(hook, &check->trees)
    {
        check_tree_owed(check, FLUE_CONTAINER_OF(hook, struct check_tree, hook));
    }
}

static void objects_end(struct check *check)
{
    FLUE_LIST_EACH(hook, &check->objects)
    {
        const struct check_object *object = FLUE_CONTAINER_OF(hook, struct check_object, hook);
        const struct check_at at = {.binding = object->binding, .object = object};

        check->crossing++;
        check_overdue(check, object);
        if (object->owed != 0) {
            check_report(check, object->owed, check_above(object->binding), &at, "it was never terminated", 0, 0, 0);
        }
    }
}

void flue_ndis_check_end(struct flue_ndis *ndis)
{
    struct check *check = check_enter(ndis);

    if (check == NULL) {
        return;
    }
    check_im_end(check);
    trees_end(check);
    objects_end(check);
    check_life_end(check);
    check_power_end(check);
    check_data_end(check);
    check_indicate_end(check);
    check_wire_end(check);
    check_ways_end(check);
}
