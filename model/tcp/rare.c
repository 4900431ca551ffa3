/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/rare.c - what few connections have, in a table of the stack: whoever has none pays nothing for it. */
#include <assert.h>

#include "tcp/conn.h"

static bool belongs_to(const void *item, const void *key)
{
    return ((const struct tcp_rare *)item)->conn == key;
}

static uint32_t hash_of(const struct flue_tcp_conn *conn)
{
    const struct flue_tcp_tuple tuple = tcp_tuple(conn);

    return tcp_hash(&tuple);
}

struct tcp_rare *tcp_rare_find(const struct flue_tcp_conn *conn)
{
    struct tcp_rare *rare = hash_table_find(&conn->stack->rares, hash_of(conn), belongs_to, conn);

    assert(rare != NULL);
    return rare;
}

struct tcp_rare *tcp_rare_need(struct flue_tcp_conn *conn)
{
    struct flue_tcp *stack = conn->stack;
    struct tcp_rare *rare;

    if (conn->has_rare != 0) {
        return tcp_rare_find(conn);
    }
    rare = pool_get(&stack->rare_pool);
    if (rare == NULL) {
        return NULL;
    }
    *rare = (struct tcp_rare){.conn = conn};
    if (hash_table_insert(&stack->rares, hash_of(conn), rare) != FLUE_OK) {
        pool_put(&stack->rare_pool, rare);
        return NULL;
    }
    conn->has_rare = 1;
    return rare;
}

struct tcp_rare *tcp_rare_count(struct flue_tcp_conn *conn)
{
    struct tcp_rare *rare = tcp_rare_need(conn);

    return rare != NULL ? rare : &conn->stack->vain;
}

void tcp_rare_rest(struct flue_tcp_conn *conn)
{
    if (conn->has_rare != 0) {
        struct tcp_rare *rare = tcp_rare_find(conn);

        rare->snd_up = 0;
        rare->rcv_up = 0;
    }
}

void tcp_rare_drop(struct flue_tcp_conn *conn)
{
    if (conn->has_rare != 0) {
        struct tcp_rare *rare = tcp_rare_find(conn);

        (void)hash_table_remove(&conn->stack->rares, hash_of(conn), rare);
        pool_put(&conn->stack->rare_pool, rare);
        conn->has_rare = 0;
    }
}
