/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/engine.c - stacks and connections: made, found, given up. */
#include <assert.h>

#include "tcp/conn.h"
#include "tcp/params.h"

#define LISTEN_BYTES (65536u / 8u)

flue_err flue_tcp_new(const struct flue_env *env, struct timers *timers, const struct flue_trace *trace,
                      const struct flue_tcp_params *params, const struct flue_tcp_ops *ops, void *owner, unsigned side,
                      struct flue_tcp **out)
{
    struct flue_tcp *stack;
    uint8_t wscale = 0;

    *out = NULL;
    if (!tcp_params_valid(params) || ops->output == NULL || ops->event == NULL) {
        return FLUE_EINVAL;
    }
    stack = env->allocate(env->ctx, sizeof(*stack));
    if (stack == NULL) {
        return FLUE_ENOMEM;
    }
    while (params->rcv_buffer_bytes >> wscale > 65535 && wscale < 14) {
        wscale++;
    }
    *stack = (struct flue_tcp){
        .env = env,
        .timers = timers,
        .trace = trace,
        .ops = *ops,
        .owner = owner,
        .side = (uint8_t)side,
        .own_wscale = wscale,
        .params = *params,
        .rtt_bounds = {.granularity_ps = params->tick_ps, .min_ps = params->rto_min_ps, .max_ps = params->rto_max_ps},
    };
    list_init(&stack->list);
    pool_init(&stack->conns, env, sizeof(struct flue_tcp_conn));
    pool_init(&stack->pieces, env, sizeof(struct piece));
    if (hash_table_init(&stack->table, env, 0) != FLUE_OK) {
        env->release(env->ctx, stack, sizeof(*stack));
        return FLUE_ENOMEM;
    }
    if (timer_fifo_init(&stack->delayed_acks, timers, tcp_delayed_ack_fire) != FLUE_OK) {
        hash_table_dispose(&stack->table);
        env->release(env->ctx, stack, sizeof(*stack));
        return FLUE_ENOMEM;
    }
    *out = stack;
    return FLUE_OK;
}

void flue_tcp_free(struct flue_tcp *stack)
{
    if (stack == NULL) {
        return;
    }
    FLUE_LIST_EACH_SAFE(hook, &stack->list)
    {
        flue_tcp_release(FLUE_CONTAINER_OF(hook, struct flue_tcp_conn, hook));
    }
    timer_fifo_dispose(&stack->delayed_acks);
    hash_table_dispose(&stack->table);
    pool_dispose(&stack->conns);
    pool_dispose(&stack->pieces);
    if (stack->listening != NULL) {
        stack->env->release(stack->env->ctx, stack->listening, LISTEN_BYTES);
    }
    stack->env->release(stack->env->ctx, stack, sizeof(*stack));
}

static uint32_t hash_of(const struct flue_tcp_tuple *tuple)
{
    return hash_tuple(hash_ip(tuple->local_ip.word), hash_ip(tuple->remote_ip.word), tuple->local_port,
                      tuple->remote_port);
}

static bool has_tuple(const void *item, const void *key)
{
    return flue_tcp_tuple_equal(&((const struct flue_tcp_conn *)item)->tuple, key) != 0;
}

struct flue_tcp_conn *flue_tcp_find(const struct flue_tcp *stack, const struct flue_frame *frame)
{
    const struct flue_tcp_tuple tuple = flue_tcp_tuple_of(frame);

    return hash_table_find(&stack->table, hash_of(&tuple), has_tuple, &tuple);
}

uint32_t tcp_iss(const struct flue_tcp *stack, const struct flue_tcp_tuple *tuple, flue_ps now_ps)
{
    /* RFC 9293 3.4.1: a clock of 4 us, plus a secret function of the connection's name. */
    uint64_t secret = hash_mix(stack->env->seed ^ ((uint64_t)hash_of(tuple) << 8 | stack->side));

    return (uint32_t)secret + (uint32_t)(now_ps / (4 * FLUE_PS_PER_US));
}

struct flue_tcp_conn *tcp_conn_new(struct flue_tcp *stack, const struct flue_tcp_tuple *tuple, void *user, uint32_t id,
                                   flue_ps now_ps, flue_err *err)
{
    uint32_t hash = hash_of(tuple);
    uint32_t iss = tcp_iss(stack, tuple, now_ps);
    struct flue_tcp_conn *conn;

    *err = FLUE_EEXIST;
    if (hash_table_find(&stack->table, hash, has_tuple, tuple) != NULL) {
        return NULL;
    }
    *err = FLUE_ENOMEM;
    conn = pool_get(&stack->conns);
    if (conn == NULL) {
        return NULL;
    }
    if (timers_reserve(stack->timers, 1) != FLUE_OK) {
        pool_put(&stack->conns, conn);
        return NULL;
    }
    if (hash_table_insert(&stack->table, hash, conn) != FLUE_OK) {
        timers_unreserve(stack->timers, 1);
        pool_put(&stack->conns, conn);
        return NULL;
    }
    *conn = (struct flue_tcp_conn){
        .stack = stack,
        .user = user,
        .tuple = *tuple,
        .flags = stack->params.nagle != 0 ? TCP_NAGLE : 0,
        .snd_una = iss,
        .snd_nxt = iss,
        .snd_max = iss,
        .state = FLUE_TCP_CLOSED,
        .rtt = rtt_initial(stack->params.rto_initial_ps, &stack->rtt_bounds),
        .last_ps = now_ps,
        .last_sent_ps = now_ps,
        .rcv_buffer_bytes = stack->params.rcv_buffer_bytes,
        .ttl = stack->params.ttl,
        .tos = stack->params.tos,
        .id = id,
        .hash = hash,
        .ka_delta = FLUE_STATE_NO_TIMER,
    };
    tcp_set_mss(conn, stack->params.mss_bytes);
    timer_setup(&conn->timer, tcp_timer_fire);
    timer_fifo_setup(&conn->delayed_ack);
    list_push_back(&stack->list, &conn->hook);
    stack->totals.connections++;
    *err = FLUE_OK;
    return conn;
}

void tcp_set_mss(struct flue_tcp_conn *conn, uint32_t remote_mss_bytes)
{
    uint32_t own = conn->stack->params.mss_bytes;
    uint32_t mss = remote_mss_bytes < own ? remote_mss_bytes : own;

    if (mss < 64) {
        mss = 64; /* a peer that asks for less is not believed */
    }
    /* RFC 6691: the option says nothing about TCP options, each segment pays for its own. */
    conn->remote_mss_bytes = (uint16_t)remote_mss_bytes;
    conn->mss_bytes = (uint16_t)((conn->flags & TCP_TIMESTAMPS) != 0 ? mss - 12 : mss);
}

uint32_t tcp_initial_window(const struct flue_tcp_conn *conn)
{
    return congestion_initial_bytes(conn->mss_bytes, conn->stack->params.initial_window);
}

flue_err flue_tcp_connect(struct flue_tcp *stack, const struct flue_tcp_tuple *tuple, void *user, uint32_t id,
                          flue_ps now_ps, struct flue_tcp_conn **out)
{
    flue_err err;
    struct flue_tcp_conn *conn = tcp_conn_new(stack, tuple, user, id, now_ps, &err);

    *out = conn;
    if (conn == NULL) {
        return err;
    }
    tcp_enter(conn, FLUE_TCP_SYN_SENT, FLUE_TCP_BY_OPEN, now_ps);
    conn->flags |= TCP_SYN_DUE;
    tcp_ask_output(conn, now_ps);
    return FLUE_OK;
}

flue_err flue_tcp_listen(struct flue_tcp *stack, uint16_t port)
{
    uint64_t bit = UINT64_C(1) << (port & 63);

    if (stack->listening == NULL) {
        stack->listening = stack->env->allocate(stack->env->ctx, LISTEN_BYTES);
        if (stack->listening == NULL) {
            return FLUE_ENOMEM;
        }
    }
    if ((stack->listening[port >> 6] & bit) != 0) {
        return FLUE_EEXIST;
    }
    stack->listening[port >> 6] |= bit;
    return FLUE_OK;
}

void tcp_raise_closed(struct flue_tcp_conn *conn)
{
    conn->flags &= ~(uint32_t)TCP_ENDING;
    tcp_event_plain(conn, FLUE_TCP_EV_CLOSED, conn->last_ps);
}

void flue_tcp_abort(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if (conn->state == FLUE_TCP_CLOSED || (conn->flags & TCP_EXPORTED) != 0) {
        return;
    }
    now_ps = tcp_advance(conn, now_ps);
    switch ((enum flue_tcp_state_id)conn->state) {
    case FLUE_TCP_SYN_RECEIVED:
    case FLUE_TCP_ESTABLISHED:
    case FLUE_TCP_FIN_WAIT_1:
    case FLUE_TCP_FIN_WAIT_2:
    case FLUE_TCP_CLOSE_WAIT:
        tcp_emit_reset(conn, conn->snd_max, now_ps); /* RFC 9293 3.10.5 */
        break;
    case FLUE_TCP_CLOSED:
    case FLUE_TCP_LISTEN:
    case FLUE_TCP_SYN_SENT:
    case FLUE_TCP_CLOSING:
    case FLUE_TCP_LAST_ACK:
    case FLUE_TCP_TIME_WAIT:
        break;
    }
    tcp_end(conn, FLUE_TCP_BY_ABORT, now_ps);
    tcp_raise_closed(conn);
}

void flue_tcp_flush_ack(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if (timer_fifo_armed(&conn->delayed_ack) || (conn->flags & (TCP_ACK_DUE | TCP_ACK_NOW)) != 0) {
        (void)tcp_emit_ack(conn, tcp_advance(conn, now_ps));
    }
}

void flue_tcp_release(struct flue_tcp_conn *conn)
{
    struct flue_tcp *stack = conn->stack;
    bool known = hash_table_remove(&stack->table, conn->hash, conn);

    assert(known);
    (void)known;
    timer_fifo_cancel(&conn->delayed_ack);
    timers_remove(stack->timers, &conn->timer);
    timers_unreserve(stack->timers, 1);
    send_queue_clear(&conn->queue, &stack->pieces);
    reassembly_clear(&conn->reassembly, &stack->pieces);
    list_remove(&conn->hook);
    stack->totals.connections--;
    pool_put(&stack->conns, conn);
}
