/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/engine.c - stacks and connections: made, found, given up. */
#include <assert.h>
#include <string.h>

#include "tcp/conn.h"
#include "tcp/params.h"

#define LISTEN_BYTES (65536u / 8u)

/* The shift that lets the buffer be told whole (RFC 7323 2.3), unless the stack's parameters name one. */
static uint8_t own_wscale(const struct flue_tcp_params *params, uint32_t buffer_bytes)
{
    uint8_t wscale = 0;

    if (params->rcv_wscale <= 14) {
        return (uint8_t)params->rcv_wscale;
    }
    while (buffer_bytes >> wscale > 65535 && wscale < 14) {
        wscale++;
    }
    return wscale;
}

static bool init_tables(struct flue_tcp *stack)
{
    const struct flue_env *env = stack->env;

    return hash_table_init(&stack->table, env, 0) == FLUE_OK && hash_table_init(&stack->paths, env, 0) == FLUE_OK &&
           hash_table_init(&stack->settings, env, 0) == FLUE_OK && hash_table_init(&stack->rares, env, 0) == FLUE_OK &&
           timer_fifo_init(&stack->delayed_acks, stack->timers, tcp_delayed_ack_fire) == FLUE_OK;
}

static void dispose_tables(struct flue_tcp *stack)
{
    hash_table_dispose(&stack->rares);
    hash_table_dispose(&stack->settings);
    hash_table_dispose(&stack->paths);
    hash_table_dispose(&stack->table);
}

flue_err flue_tcp_new(const struct flue_env *env, struct timers *timers, const struct flue_trace *trace,
                      const struct flue_tcp_params *params, const struct flue_tcp_ops *ops, void *owner, unsigned side,
                      struct flue_tcp **out)
{
    struct flue_tcp *stack;

    *out = NULL;
    if (!tcp_params_valid(params) || ops->output == NULL || ops->event == NULL ||
        (ops->find == NULL) != (ops->own == NULL)) {
        return FLUE_EINVAL;
    }
    stack = env->allocate(env->ctx, sizeof(*stack));
    if (stack == NULL) {
        return FLUE_ENOMEM;
    }
    *stack = (struct flue_tcp){
        .env = env,
        .timers = timers,
        .trace = trace,
        .ops = *ops,
        .owner = owner,
        .side = (uint8_t)side,
        .timer_kind = timers_kind(timers, tcp_timer_fire),
        .params = *params,
        .rtt_bounds = {.granularity_ps = params->tick_ps, .min_ps = params->rto_min_ps, .max_ps = params->rto_max_ps},
    };
    if (params->mtu_bytes == 0) {
        stack->params.mtu_bytes = params->mss_bytes + 40;
    }
    memset(&stack->idle, 0, sizeof(stack->idle)); /* its padding too: flue_tcp_check() compares bytes */
    timer_fifo_setup(&stack->idle.delayed_ack);
    pool_init(&stack->conns, env, sizeof(struct flue_tcp_conn));
    pool_init(&stack->actives, env, sizeof(struct tcp_active));
    pool_init(&stack->pieces, env, sizeof(struct piece));
    pool_init(&stack->ranges, env, sizeof(struct sack_range));
    pool_init(&stack->path_pool, env, sizeof(struct tcp_path));
    pool_init(&stack->settings_pool, env, sizeof(struct tcp_shared));
    pool_init(&stack->rare_pool, env, sizeof(struct tcp_rare));
    if (stack->timer_kind == 0 || !init_tables(stack)) {
        dispose_tables(stack);
        env->release(env->ctx, stack, sizeof(*stack));
        return FLUE_ENOMEM;
    }
    *out = stack;
    return FLUE_OK;
}

void flue_tcp_free(struct flue_tcp *stack)
{
    uint32_t place = 0;

    if (stack == NULL) {
        return;
    }
    for (struct flue_tcp_conn *conn; (conn = hash_table_drain(&stack->table, &place)) != NULL;) {
        flue_tcp_release(conn);
    }
    timer_fifo_dispose(&stack->delayed_acks);
    dispose_tables(stack);
    pool_dispose(&stack->conns);
    pool_dispose(&stack->actives);
    pool_dispose(&stack->pieces);
    pool_dispose(&stack->ranges);
    pool_dispose(&stack->path_pool);
    pool_dispose(&stack->settings_pool);
    pool_dispose(&stack->rare_pool);
    if (stack->listening != NULL) {
        stack->env->release(stack->env->ctx, stack->listening, LISTEN_BYTES);
    }
    stack->env->release(stack->env->ctx, stack, sizeof(*stack));
}

uint32_t tcp_hash(const struct flue_tcp_tuple *tuple)
{
    return hash_tuple(hash_ip(tuple->local_ip.word), hash_ip(tuple->remote_ip.word), tuple->local_port,
                      tuple->remote_port);
}

static bool has_tuple(const void *item, const void *key)
{
    const struct flue_tcp_conn *conn = item;
    const struct flue_tcp_tuple *tuple = key;

    return conn->local_port == tuple->local_port && conn->remote_port == tuple->remote_port &&
           flue_ip_equal(&conn->path->remote_ip, &tuple->remote_ip) &&
           flue_ip_equal(&conn->path->local_ip, &tuple->local_ip);
}

struct flue_tcp_conn *flue_tcp_find_tuple(const struct flue_tcp *stack, const struct flue_tcp_tuple *tuple)
{
    if (stack->ops.find != NULL) {
        return stack->ops.find(stack->owner, tuple);
    }
    return hash_table_find(&stack->table, tcp_hash(tuple), has_tuple, tuple);
}

static struct flue_tcp_conn *look_up(struct flue_tcp *stack, const struct flue_frame *frame)
{
    const struct flue_tcp_tuple tuple = flue_tcp_tuple_of(frame);
    struct flue_tcp_conn *conn = flue_tcp_find_tuple(stack, &tuple);

    if (conn != NULL) {
        stack->latest = conn;
    }
    return conn;
}

/* Segments of one connection come several in a row. */
struct flue_tcp_conn *flue_tcp_find(struct flue_tcp *stack, const struct flue_frame *frame)
{
    struct flue_tcp_conn *latest = stack->latest;

    if (latest != NULL && flue_tcp_frame_is_of(frame, &latest->path->local_ip, &latest->path->remote_ip,
                                               latest->local_port, latest->remote_port)) {
        return latest;
    }
    return look_up(stack, frame);
}

uint32_t tcp_initial_seq(const struct flue_tcp *stack, const struct flue_tcp_tuple *tuple, flue_ps now_ps)
{
    /* RFC 9293 3.4.1: a clock of 4 us, plus a secret function of the connection's name. */
    uint64_t secret = hash_mix(stack->env->seed ^ ((uint64_t)tcp_hash(tuple) << 8 | stack->side));

    if (stack->ops.initial_seq != NULL) {
        return stack->ops.initial_seq(stack->owner, tuple, now_ps);
    }
    return (uint32_t)secret + (uint32_t)(now_ps / (4 * FLUE_PS_PER_US));
}

struct flue_tcp_settings flue_tcp_stack_settings(const struct flue_tcp *stack)
{
    const struct flue_tcp_params *params = &stack->params;

    return (struct flue_tcp_settings){
        .keep_idle_ps = params->keep_idle_ps,
        .keep_interval_ps = params->keep_interval_ps,
        .user_timeout_ps = params->user_timeout_ps,
        .fin_wait_2_ps = params->fin_wait_2_ps,
        .rcv_buffer_bytes = params->rcv_buffer_bytes,
        .mss_bytes = params->mss_bytes,
        .nagle = params->nagle != 0,
        .keep_alive = params->keep_alive != 0,
        .keep_count = (uint8_t)params->keep_count,
        .ttl = params->ttl,
        .tos = (uint8_t)(params->tos & ~(unsigned)FLUE_ECN_MASK),
        .congestion = (uint8_t)params->congestion,
    };
}

/* What a new connection shares with others.  False: no memory, and nothing is held. */
static bool take_shared(struct flue_tcp *stack, const struct flue_tcp_tuple *tuple,
                        const struct flue_tcp_settings *wanted, struct tcp_path **path,
                        const struct flue_tcp_settings **settings)
{
    const struct flue_tcp_settings defaults = flue_tcp_stack_settings(stack);

    *path = tcp_path_get(stack, &tuple->local_ip, &tuple->remote_ip);
    if (*path == NULL) {
        return false;
    }
    *settings = tcp_settings_get(stack, wanted == NULL ? &defaults : wanted);
    if (*settings == NULL) {
        tcp_path_put(stack, *path);
        return false;
    }
    return true;
}

/* The connection is complete: it counts, and whoever looks connections up for the stack hears of it. */
static void enrol(struct flue_tcp_conn *conn)
{
    struct flue_tcp *stack = conn->stack;

    stack->totals.connections++;
    if (stack->ops.own != NULL) {
        stack->ops.own(stack->owner, conn->user, conn);
    }
}

struct flue_tcp_conn *tcp_conn_new(struct flue_tcp *stack, const struct flue_tcp_tuple *tuple,
                                   const struct flue_tcp_settings *settings, void *user, uint32_t id, flue_ps now_ps,
                                   flue_err *err)
{
    uint32_t iss = tcp_initial_seq(stack, tuple, now_ps);
    struct tcp_path *path;
    struct flue_tcp_conn *conn;

    *err = FLUE_EEXIST;
    if (flue_tcp_find_tuple(stack, tuple) != NULL) {
        return NULL;
    }
    *err = FLUE_ENOMEM;
    if (!take_shared(stack, tuple, settings, &path, &settings)) {
        return NULL;
    }
    conn = pool_get(&stack->conns);
    if (conn == NULL) {
        goto no_conn;
    }
    if (timers_reserve(stack->timers, 1) != FLUE_OK) {
        goto no_timer;
    }
    if (stack->ops.find == NULL && hash_table_insert(&stack->table, tcp_hash(tuple), conn) != FLUE_OK) {
        goto no_place;
    }
    *conn = (struct flue_tcp_conn){
        .stack = stack,
        .user = user,
        .path = path,
        .settings = settings,
        .active = &stack->idle,
        .local_port = tuple->local_port,
        .remote_port = tuple->remote_port,
        .snd_una = iss,
        .snd_nxt = iss,
        .snd_max = iss,
        .cc = {.ssthresh_bytes = CC_INFINITE},
        .state = FLUE_TCP_CLOSED,
        .rtt = rtt_initial(stack->params.rto_initial_ps),
        .last_ps = now_ps,
        .last_sent_ps = now_ps,
        .last_received_ps = now_ps,
        .ts_offset = stack->params.ts_offset,
        .remote_mss_bytes = 65535,
        .rcv_wscale = own_wscale(&stack->params, settings->rcv_buffer_bytes),
        .id = id,
    };
    tcp_set_mss(conn);
    lean_timer_setup(&conn->timer, stack->timer_kind);
    enrol(conn);
    *err = FLUE_OK;
    return conn;

no_place:
    timers_unreserve(stack->timers, 1);
no_timer:
    pool_put(&stack->conns, conn);
no_conn:
    tcp_settings_put(stack, settings);
    tcp_path_put(stack, path);
    return NULL;
}

bool tcp_activate_new(struct flue_tcp_conn *conn)
{
    struct tcp_active *active = pool_get(&conn->stack->actives);

    if (active == NULL) {
        return false;
    }
    *active = (struct tcp_active){.conn = conn, .recover = (conn->flags & TCP_RECOVER) != 0 ? conn->snd_una : 0};
    timer_fifo_setup(&active->delayed_ack);
    conn->active = active;
    return true;
}

static void drop_active(struct flue_tcp_conn *conn)
{
    struct flue_tcp *stack = conn->stack;
    struct tcp_active *active = conn->active;

    if (active != &stack->idle) {
        timer_fifo_cancel(&active->delayed_ack);
        send_queue_clear(&active->queue, &stack->pieces);
        reassembly_clear(&active->reassembly, &stack->pieces);
        scoreboard_clear(&active->board, &stack->ranges);
        pool_put(&stack->actives, active);
        conn->active = &stack->idle;
    }
}

void tcp_rest_now(struct flue_tcp_conn *conn)
{
    const uint32_t busy =
        TCP_FIN_HELD | TCP_ACK_DUE | TCP_URGENT_IN | TCP_URGENT_OUT | TCP_IMPORTING | TCP_EXPORTED | TCP_TIMING;
    const struct tcp_active *active = conn->active;
    const uint32_t recover = (conn->flags & TCP_RECOVER) != 0 ? conn->snd_una : 0; /* what needs no place */

    if ((conn->flags & (TCP_FIN_QUEUED | TCP_FIN_SENT)) == TCP_FIN_QUEUED) {
        return; /* the FIN waits for a window */
    }
    if (conn->state >= FLUE_TCP_ESTABLISHED && (conn->flags & busy) == 0 && active->reassembly.head == NULL &&
        conn->recovery == FLUE_TCP_CA_OPEN && active->report.dsack_due == 0 &&
        (active->total_rt_ticks | active->unacked_bytes) == 0 && active->recover == recover) {
        tcp_rare_rest(conn);
        drop_active(conn);
    }
}

flue_err flue_tcp_connect(struct flue_tcp *stack, const struct flue_tcp_tuple *tuple,
                          const struct flue_tcp_settings *settings, void *user, uint32_t id, flue_ps now_ps,
                          struct flue_tcp_conn **out)
{
    flue_err err;
    struct flue_tcp_conn *conn = tcp_conn_new(stack, tuple, settings, user, id, now_ps, &err);

    *out = NULL;
    if (conn == NULL) {
        return err;
    }
    if (!tcp_activate(conn)) {
        flue_tcp_release(conn);
        return FLUE_ENOMEM;
    }
    *out = conn;
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

void flue_tcp_unlisten(struct flue_tcp *stack, uint16_t port)
{
    if (stack->listening != NULL) {
        stack->listening[port >> 6] &= ~(UINT64_C(1) << (port & 63));
    }
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
    if (timer_fifo_armed(&conn->active->delayed_ack) || (conn->flags & (TCP_ACK_DUE | TCP_ACK_NOW)) != 0) {
        (void)tcp_emit_ack(conn, tcp_advance(conn, now_ps));
        tcp_rest(conn);
    }
}

flue_err flue_tcp_change(struct flue_tcp_conn *conn, const struct flue_tcp_settings *settings, flue_ps now_ps)
{
    struct flue_tcp *stack = conn->stack;
    const struct flue_tcp_settings *old = conn->settings;
    const flue_ps fin_wait_2_ps = old->fin_wait_2_ps;
    const struct flue_tcp_settings *new = tcp_settings_get(stack, settings);

    if (new == NULL) {
        return FLUE_ENOMEM;
    }
    if (new->congestion != old->congestion) {
        conn->cc.w_max_bytes = 0; /* the one knows nothing of what the other remembers */
        if (conn->active != &stack->idle) {
            conn->active->epoch = (struct cc_epoch){0};
        }
    }
    conn->settings = new;
    tcp_settings_put(stack, old);
    if ((conn->flags & TCP_EXPORTED) != 0 || conn->state == FLUE_TCP_CLOSED) {
        return FLUE_OK;
    }
    now_ps = tcp_advance(conn, now_ps);
    tcp_set_mss(conn);
    if ((conn->flags & TCP_SYN_DUE) != 0) {
        conn->rcv_wscale = own_wscale(&stack->params, conn->settings->rcv_buffer_bytes);
    }
    if ((conn->flags & (TCP_IMPORTING | TCP_IN_INPUT)) == 0 && conn->state >= FLUE_TCP_ESTABLISHED) {
        if (conn->timer.mode == TCP_TIMER_KEEP_ALIVE) {
            conn->ka_probes = 0;
            tcp_timer_stop(conn);
        }
        tcp_timer_patience(conn, now_ps);
        if (conn->state == FLUE_TCP_FIN_WAIT_2 && new->fin_wait_2_ps != fin_wait_2_ps) {
            tcp_timer_fin_wait_2(conn, now_ps);
        }
        flue_tcp_consumed(conn, 0, now_ps); /* the window may have opened */
        tcp_timer_settle(conn, now_ps);
        tcp_ask_output(conn, now_ps);
    }
    return FLUE_OK;
}

/* Nobody finds it any more. */
static void withdraw(struct flue_tcp *stack, struct flue_tcp_conn *conn)
{
    if (stack->ops.own != NULL) {
        stack->ops.own(stack->owner, conn->user, NULL);
    } else {
        const struct flue_tcp_tuple tuple = tcp_tuple(conn);
        bool known = hash_table_remove(&stack->table, tcp_hash(&tuple), conn);

        assert(known);
        (void)known;
    }
}

void flue_tcp_release(struct flue_tcp_conn *conn)
{
    struct flue_tcp *stack = conn->stack;

    withdraw(stack, conn);
    if (stack->latest == conn) {
        stack->latest = NULL;
    }
    timers_remove_lean(stack->timers, &conn->timer);
    timers_unreserve(stack->timers, 1);
    drop_active(conn);
    tcp_rare_drop(conn);
    tcp_settings_put(stack, conn->settings);
    tcp_path_put(stack, conn->path);
    stack->totals.connections--;
    pool_put(&stack->conns, conn);
}
