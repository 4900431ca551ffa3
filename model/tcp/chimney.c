/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/chimney.c - a connection's state out of the engine and in again, in the form that crosses the interface.
 * README.md lists what this form loses. */
#include <assert.h>

#include "tcp/conn.h"

static uint32_t saturate(uint64_t value, uint32_t limit)
{
    return value > limit ? limit : (uint32_t)value;
}

static bool offloadable(const struct flue_tcp_conn *conn)
{
    switch ((enum flue_tcp_state_id)conn->state) {
    case FLUE_TCP_ESTABLISHED:
    case FLUE_TCP_FIN_WAIT_1:
    case FLUE_TCP_FIN_WAIT_2:
    case FLUE_TCP_CLOSE_WAIT:
    case FLUE_TCP_CLOSING:
    case FLUE_TCP_LAST_ACK:
        return (conn->flags & TCP_SYN_OUT) == 0;
    case FLUE_TCP_CLOSED:
    case FLUE_TCP_LISTEN:
    case FLUE_TCP_SYN_SENT:
    case FLUE_TCP_SYN_RECEIVED:
    case FLUE_TCP_TIME_WAIT:
        break;
    }
    return false;
}

/* Ticks until a deadline, rounded up; 0: due; FLUE_STATE_NO_TIMER: FLUE_PS_NEVER.  Both ends of the distance lie on the
 * grid of whole ticks since time 0, so that however often a connection moves, rounding postpones its deadline by less
 * than one tick in all. */
static uint32_t ticks_until(flue_ps due_ps, flue_ps tick_ps, flue_ps now_ps)
{
    if (due_ps == FLUE_PS_NEVER) {
        return FLUE_STATE_NO_TIMER;
    }
    return due_ps <= now_ps
               ? 0
               : saturate((uint64_t)((due_ps + tick_ps - 1) / tick_ps - now_ps / tick_ps), FLUE_STATE_NO_TIMER - 1);
}

/* Retransmit.TimeoutDelta: retransmission, persist, FIN-WAIT-2 (behaviour 15.10).  The wait for a better window is not
 * told: the new holder begins it anew.  But once it is over what the window allows is due, now. */
static uint32_t retransmit_delta(const struct flue_tcp_conn *conn, flue_ps now_ps)
{
    const bool none = conn->timer.mode == TCP_TIMER_NONE || conn->timer.mode == TCP_TIMER_KEEP_ALIVE;
    const bool held = conn->timer.mode == TCP_TIMER_PERSIST && conn->snd_wnd > 0;
    flue_ps due_ps = none || held ? FLUE_PS_NEVER : conn->timer.due_ps;

    if ((conn->flags & TCP_IMPORTING) != 0) {
        due_ps = conn->last_sent_ps;
    } else if ((conn->flags & TCP_FORCE) != 0 || (!none && (conn->flags & TCP_TIMER_DUE) != 0)) {
        return 0;
    }
    return ticks_until(due_ps, conn->stack->params.tick_ps, now_ps);
}

/* KeepAlive.TimeoutDelta: it runs, whatever the one timer of the connection is busy with. */
static uint32_t keep_alive_delta(const struct flue_tcp_conn *conn, flue_ps now_ps)
{
    flue_ps due_ps = tcp_later(conn->last_received_ps, tcp_keep_idle(conn->settings));

    const bool suspects = conn->timer.mode == TCP_TIMER_KEEP_ALIVE && (conn->flags & TCP_SUSPECT) != 0;

    if (conn->settings->keep_alive == 0 && !suspects) {
        return FLUE_STATE_NO_TIMER;
    }
    if (conn->timer.mode == TCP_TIMER_KEEP_ALIVE && (conn->ka_probes > 0 || suspects)) {
        due_ps = conn->timer.due_ps; /* FLUE_PS_NEVER, if it has just fired, cannot be: it is due then */
        due_ps = (conn->flags & TCP_TIMER_DUE) != 0 ? now_ps : due_ps;
    }
    return ticks_until(due_ps, conn->stack->params.tick_ps, now_ps);
}

/* Ticks as time; what is longer than a few weeks ends up far beyond any run, and overflows nothing. */
static flue_ps ticks_ps(const struct flue_tcp *stack, uint32_t ticks)
{
    flue_ps most = FLUE_PS_NEVER / 4 / stack->params.tick_ps;

    return (flue_ps)ticks > most ? FLUE_PS_NEVER / 4 : (flue_ps)ticks * stack->params.tick_ps;
}

/* The deadline that ticks_until() has told. */
static flue_ps deadline(const struct flue_tcp *stack, uint32_t delta, flue_ps now_ps)
{
    if (delta == FLUE_STATE_NO_TIMER) {
        return FLUE_PS_NEVER;
    }
    return delta == 0 ? now_ps : now_ps / stack->params.tick_ps * stack->params.tick_ps + ticks_ps(stack, delta);
}

/* SRtt x 8: a round trip below one tick is told as 0. */
static uint16_t scaled_srtt(const struct flue_tcp_conn *conn)
{
    flue_ps tick_ps = conn->stack->params.tick_ps;

    return conn->rtt.srtt_ps < tick_ps ? 0 : (uint16_t)saturate((uint64_t)(conn->rtt.srtt_ps * 8 / tick_ps), 0xffff);
}

static uint16_t scaled_rttvar(const struct flue_tcp_conn *conn)
{
    return (uint16_t)saturate((uint64_t)(conn->rtt.rttvar_ps * 4 / conn->stack->params.tick_ps), 0xffff);
}

/* `value` units of 1/scale tick: the smallest time that scales to it again. */
static flue_ps unscaled(const struct flue_tcp *stack, uint16_t value, int64_t scale)
{
    return (value * stack->params.tick_ps + scale - 1) / scale;
}

/* FLUE_PS_NEVER: for ever; more than 32 bits of ticks are as good as that. */
static uint32_t whole_ticks(const struct flue_tcp *stack, flue_ps time_ps)
{
    return saturate((uint64_t)(time_ps / stack->params.tick_ps), UINT32_MAX);
}

/* A limit in ticks, as whole_ticks() tells it. */
static flue_ps limit_ps(const struct flue_tcp *stack, uint32_t ticks)
{
    return ticks == UINT32_MAX || ticks_ps(stack, ticks) == FLUE_PS_NEVER / 4 ? FLUE_PS_NEVER : ticks_ps(stack, ticks);
}

/* A retransmission that has not left yet is told as a rolled-back SndNxt: the first segment in recovery, everything
 * after a timeout (the receiver of this form has no scoreboard). */
static uint32_t told_snd_nxt(const struct flue_tcp_conn *conn)
{
    bool rolled_back =
        (conn->flags & TCP_RESEND_UNA) != 0 || ((conn->flags & TCP_SACK) != 0 && conn->recovery == FLUE_TCP_CA_LOSS);

    return rolled_back ? conn->snd_una : conn->snd_nxt;
}

/* DupAckCount keeps its value in recovery, and only there it reaches the threshold while something is outstanding: so
 * it tells that there is one. */
static uint8_t told_dup_acks(const struct flue_tcp_conn *conn)
{
    uint8_t threshold = (uint8_t)conn->stack->params.dup_ack_threshold;

    if (conn->recovery == FLUE_TCP_CA_RECOVERY) {
        return conn->dup_acks < threshold ? threshold : conn->dup_acks;
    }
    return conn->snd_una != conn->snd_max && conn->dup_acks >= threshold ? (uint8_t)(threshold - 1) : conn->dup_acks;
}

void flue_tcp_peek(const struct flue_tcp_conn *conn, flue_ps now_ps, struct flue_tcp_state *state)
{
    struct flue_tcp *stack = conn->stack;
    const struct flue_tcp_settings *settings = conn->settings;
    flue_ps age_ps;

    now_ps = now_ps < conn->last_ps ? conn->last_ps : now_ps;
    age_ps = now_ps - conn->ts_recent_ps;
    *state = (struct flue_tcp_state){
        .tuple = tcp_tuple(conn),
        .const_flags = (uint16_t)(tcp_rare_of(conn)->const_flags |
                                  ((conn->flags & TCP_TIMESTAMPS) != 0 ? TCP_CONST_TIMESTAMPS : 0) |
                                  ((conn->flags & TCP_SACK) != 0 ? TCP_CONST_SACK : 0) |
                                  ((conn->flags & TCP_SCALING) != 0 ? TCP_CONST_SCALING : 0)),
        .remote_port = conn->remote_port,
        .local_port = conn->local_port,
        .snd_wscale = conn->snd_wscale,
        .rcv_wscale = conn->rcv_wscale,
        .remote_mss = conn->remote_mss_bytes,
        .hash_value = conn->hash_value,
        .cached_flags = (uint16_t)(settings->cached_flags | (settings->nagle != 0 ? TCP_CACHED_NAGLE : 0) |
                                   (settings->keep_alive != 0 ? TCP_CACHED_KEEP_ALIVE : 0)),
        .initial_rcv_wnd = settings->rcv_buffer_bytes,
        .rcv_indication_size = settings->rcv_indication_size,
        .ka_probe_count = settings->keep_count,
        .ka_timeout = whole_ticks(stack, settings->keep_idle_ps),
        .ka_interval = whole_ticks(stack, settings->keep_interval_ps),
        .max_rt = whole_ticks(stack, settings->user_timeout_ps),
        .flow_label = settings->flow_label,
        .ttl = settings->ttl,
        .tos = settings->tos,
        .user_priority = settings->user_priority,
        .state = conn->state,
        .rcv_nxt = conn->rcv_nxt,
        .rcv_wnd = seq_lt(conn->rcv_adv, conn->rcv_nxt) ? 0 : conn->rcv_adv - conn->rcv_nxt, /* D-31 */
        .snd_una = conn->snd_una,
        .snd_nxt = told_snd_nxt(conn),
        .snd_max = conn->snd_max,
        .snd_wnd = conn->snd_wnd,
        .max_snd_wnd = conn->max_snd_wnd,
        .snd_wl1 = conn->snd_wl1,
        .cwnd = conn->cc.cwnd_bytes,
        .ssthresh = conn->cc.ssthresh_bytes,
        .srtt = scaled_srtt(conn),
        .rttvar = scaled_rttvar(conn),
        .ts_recent = conn->ts_recent,
        .ts_recent_age = age_ps <= 0 ? 0 : saturate((uint64_t)(age_ps / stack->params.tick_ps), UINT32_MAX),
        .ts_time = tcp_clock(stack, now_ps) + conn->ts_offset,
        .total_rt = conn->active->total_rt_ticks,
        .dup_acks = told_dup_acks(conn),
        .snd_wnd_probes = conn->probe_round,
        .ka_probes = conn->ka_probes,
        .ka_delta = keep_alive_delta(conn, now_ps),
        .rt_count = conn->timer.count,
        .rt_delta = retransmit_delta(conn, now_ps),
    };
}

flue_err flue_tcp_export(struct flue_tcp_conn *conn, flue_ps now_ps, int force, struct flue_tcp_state *state)
{
    if (!offloadable(conn) && !force) {
        return FLUE_ESTATE;
    }
    now_ps = tcp_advance(conn, now_ps);
    flue_tcp_peek(conn, now_ps, state);
    tcp_enter(conn, FLUE_TCP_CLOSED, FLUE_TCP_BY_EXPORT, now_ps);
    conn->flags = (conn->flags & ~(uint32_t)(TCP_ACK_NOW | TCP_ACK_DUE | TCP_OUTPUT_ASKED)) | TCP_EXPORTED;
    return FLUE_OK;
}

void flue_tcp_visit_send_queue(const struct flue_tcp_conn *conn, void (*visit)(void *arg, const struct flue_span *span),
                               void *arg)
{
    for (const struct piece *piece = conn->active->queue.head; piece != NULL; piece = piece->next) {
        visit(arg, &piece->span);
    }
}

void flue_tcp_visit_reassembly(const struct flue_tcp_conn *conn,
                               void (*visit)(void *arg, uint32_t seq, const struct flue_span *span), void *arg)
{
    for (const struct piece *piece = conn->active->reassembly.head; piece != NULL; piece = piece->next) {
        visit(arg, piece->seq, &piece->span);
    }
}

/* Which of FIN_QUEUED, FIN_SENT, FIN_ACKED, PEER_FIN a state implies (D-30). */
static uint32_t flags_of_state(enum flue_tcp_state_id state)
{
    switch (state) {
    case FLUE_TCP_FIN_WAIT_1:
        return TCP_FIN_QUEUED | TCP_FIN_SENT;
    case FLUE_TCP_FIN_WAIT_2:
        return TCP_FIN_QUEUED | TCP_FIN_SENT | TCP_FIN_ACKED;
    case FLUE_TCP_CLOSE_WAIT:
        return TCP_PEER_FIN;
    case FLUE_TCP_CLOSING:
    case FLUE_TCP_LAST_ACK:
        return TCP_PEER_FIN | TCP_FIN_QUEUED | TCP_FIN_SENT;
    case FLUE_TCP_TIME_WAIT:
        return TCP_PEER_FIN | TCP_FIN_QUEUED | TCP_FIN_SENT | TCP_FIN_ACKED;
    case FLUE_TCP_CLOSED:
    case FLUE_TCP_LISTEN:
    case FLUE_TCP_SYN_SENT:
    case FLUE_TCP_SYN_RECEIVED:
    case FLUE_TCP_ESTABLISHED:
        break;
    }
    return 0;
}

static bool state_valid(const struct flue_tcp_state *state)
{
    uint32_t outstanding = state->snd_max - state->snd_una;

    return state->state >= FLUE_TCP_ESTABLISHED && state->state <= FLUE_TCP_TIME_WAIT &&
           outstanding <= UINT32_C(0x7fffffff) && state->snd_nxt - state->snd_una <= outstanding &&
           state->snd_wscale <= 14 && state->rcv_wscale <= 14 && state->rcv_wnd <= UINT32_C(0x7fffffff) &&
           state->cwnd > 0 && state->cwnd <= CC_MAX_BYTES && state->ttl > 0 &&
           state->initial_rcv_wnd <= UINT32_C(1) << 30 &&
           flue_ip_is_v4(&state->tuple.local_ip) == flue_ip_is_v4(&state->tuple.remote_ip);
}

/* The cached variables, over what the settings were. */
static struct flue_tcp_settings settings_of(const struct flue_tcp *stack, struct flue_tcp_settings settings,
                                            const struct flue_tcp_state *state)
{
    settings.keep_idle_ps = limit_ps(stack, state->ka_timeout);
    settings.keep_interval_ps = limit_ps(stack, state->ka_interval);
    settings.user_timeout_ps = limit_ps(stack, state->max_rt);
    if (state->initial_rcv_wnd != 0) {
        settings.rcv_buffer_bytes = state->initial_rcv_wnd;
    }
    settings.flow_label = state->flow_label;
    settings.rcv_indication_size = state->rcv_indication_size;
    settings.cached_flags = (uint16_t)(state->cached_flags & ~(unsigned)(TCP_CACHED_NAGLE | TCP_CACHED_KEEP_ALIVE));
    settings.nagle = (state->cached_flags & TCP_CACHED_NAGLE) != 0;
    settings.keep_alive = (state->cached_flags & TCP_CACHED_KEEP_ALIVE) != 0;
    settings.keep_count = state->ka_probe_count;
    settings.ttl = state->ttl;
    settings.tos = state->tos;
    settings.user_priority = state->user_priority;
    return settings;
}

/* Bits that the engine does not know.  False: no memory for them. */
static bool import_const_flags(struct flue_tcp_conn *conn, uint16_t const_flags)
{
    const uint16_t strange =
        (uint16_t)(const_flags & ~(unsigned)(TCP_CONST_TIMESTAMPS | TCP_CONST_SACK | TCP_CONST_SCALING));
    struct tcp_rare *rare = strange != 0 ? tcp_rare_need(conn) : NULL;

    if (rare != NULL) {
        rare->const_flags = strange;
    }
    return strange == 0 || rare != NULL;
}

/* DupAckCount at its threshold says that a loss is being repaired. */
static void import_recovery(struct flue_tcp_conn *conn)
{
    if (conn->dup_acks < conn->stack->params.dup_ack_threshold || conn->snd_una == conn->snd_max) {
        return;
    }
    tcp_recovery_import(conn);
    if (conn->snd_nxt == conn->snd_una) {
        /* In recovery SndNxt is rolled back for one segment only, the one that fast retransmission is due for. */
        conn->flags |= TCP_RESEND_UNA;
        conn->snd_nxt = conn->snd_max;
    }
}

static void import_fields(struct flue_tcp_conn *conn, const struct flue_tcp_state *state, flue_ps now_ps)
{
    struct flue_tcp *stack = conn->stack;
    bool scaling = (state->const_flags & TCP_CONST_SCALING) != 0;

    conn->flags = TCP_IMPORTING | flags_of_state((enum flue_tcp_state_id)state->state) |
                  ((state->const_flags & TCP_CONST_TIMESTAMPS) != 0 ? TCP_TIMESTAMPS : 0u) |
                  ((state->const_flags & TCP_CONST_SACK) != 0 ? TCP_SACK : 0u) | (scaling ? TCP_SCALING : 0u);
    conn->snd_una = state->snd_una;
    conn->snd_nxt = state->snd_nxt;
    conn->snd_max = state->snd_max;
    conn->snd_wnd = state->snd_wnd;
    conn->max_snd_wnd = state->max_snd_wnd;
    conn->snd_wl1 = state->snd_wl1;
    conn->snd_wscale = scaling ? state->snd_wscale : 0;
    conn->rcv_wscale = scaling ? state->rcv_wscale : 0;
    conn->rcv_nxt = state->rcv_nxt; /* acknowledged: the old holder has flushed its ACK */
    conn->rcv_adv = state->rcv_nxt + state->rcv_wnd;
    conn->cc = (struct cc){.cwnd_bytes = state->cwnd, .ssthresh_bytes = state->ssthresh};
    conn->dup_acks = state->dup_acks;
    /* Less than a tick, or nothing, was measured: the next sample begins afresh. */
    conn->rtt = (struct rtt){.srtt_ps = state->srtt < 8 ? 0 : unscaled(stack, state->srtt, 8),
                             .rttvar_ps = unscaled(stack, state->rttvar, 4)};
    conn->ts_recent = state->ts_recent;
    conn->ts_recent_ps = now_ps - ticks_ps(stack, state->ts_recent_age);
    conn->ts_offset = state->ts_time - tcp_clock(stack, now_ps);
    conn->active->total_rt_ticks = state->total_rt;
    conn->timer.count = state->rt_count;
    conn->probe_round = state->snd_wnd_probes;
    conn->ka_probes = state->ka_probes;
    conn->hash_value = state->hash_value;
    conn->remote_mss_bytes = state->remote_mss == 0 ? 536 : state->remote_mss;
    conn->last_sent_ps = deadline(stack, state->rt_delta, now_ps);
    if (conn->settings->keep_alive != 0 && tcp_keep_idle(conn->settings) != FLUE_PS_NEVER) {
        /* One that stands goes on standing until something comes (CH-296). */
        conn->last_received_ps = deadline(stack, state->ka_delta, now_ps) - tcp_keep_idle(conn->settings);
    }
    tcp_set_mss(conn);
}

flue_err flue_tcp_import(struct flue_tcp *stack, const struct flue_tcp_state *state, void *user, uint32_t id,
                         uint32_t unread_bytes, flue_ps now_ps, struct flue_tcp_conn **out)
{
    struct flue_tcp_settings settings;
    struct flue_tcp_conn *conn;
    flue_err err;

    *out = NULL;
    if (!state_valid(state)) {
        return FLUE_EINVAL;
    }
    settings = settings_of(stack, flue_tcp_stack_settings(stack), state);
    if (state->state == FLUE_TCP_FIN_WAIT_2 && state->rt_delta == FLUE_STATE_NO_TIMER) {
        settings.fin_wait_2_ps = FLUE_PS_NEVER; /* its user still reads (RFC 9293 3.6, D-54) */
    }
    conn = tcp_conn_new(stack, &state->tuple, &settings, user, id, now_ps, &err);
    if (conn == NULL) {
        return err;
    }
    if (!tcp_activate(conn) || !import_const_flags(conn, state->const_flags)) {
        flue_tcp_release(conn);
        return FLUE_ENOMEM;
    }
    import_fields(conn, state, now_ps);
    conn->unread_bytes = unread_bytes;
    import_recovery(conn);
    tcp_enter(conn, (enum flue_tcp_state_id)state->state, FLUE_TCP_BY_IMPORT, now_ps);
    *out = conn;
    return FLUE_OK;
}

int flue_tcp_covered(const struct flue_tcp_conn *conn)
{
    const bool fin_outstanding = (conn->flags & (TCP_FIN_SENT | TCP_FIN_ACKED)) == TCP_FIN_SENT;

    return conn->snd_max - conn->snd_una <= conn->active->queue.bytes + (fin_outstanding ? 1 : 0);
}

void flue_tcp_start(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    const struct flue_tcp_params *params = &conn->stack->params;
    const flue_ps due_ps = conn->last_sent_ps;
    bool outstanding = conn->snd_una != conn->snd_max;

    assert((conn->flags & TCP_IMPORTING) != 0);
    assert(flue_tcp_covered(conn) != 0);
    now_ps = tcp_advance(conn, now_ps);
    conn->flags &= ~(uint32_t)TCP_IMPORTING;
    conn->last_sent_ps = now_ps; /* D-36 */
    if (conn->state == FLUE_TCP_FIN_WAIT_2) {
        /* The old holder's limit counts only where there is one: a user may read half-closed for ever (RFC 9293 3.6),
         * and says so by a timer that stands still. */
        if (due_ps != FLUE_PS_NEVER && conn->settings->fin_wait_2_ps != FLUE_PS_NEVER) {
            tcp_timer_arm(conn, TCP_TIMER_FIN_WAIT_2, due_ps);
        } else {
            tcp_timer_fin_wait_2(conn, now_ps);
            tcp_timer_settle(conn, now_ps); /* without that limit keep-alive may run */
        }
    } else if (conn->state == FLUE_TCP_TIME_WAIT) {
        tcp_timer_arm(conn, TCP_TIMER_TIME_WAIT, due_ps == FLUE_PS_NEVER ? now_ps + params->time_wait_ps : due_ps);
    } else if (conn->snd_wnd == 0 && conn->snd_nxt == conn->snd_una &&
               (outstanding || conn->active->queue.bytes > 0 || (conn->flags & TCP_FIN_QUEUED) != 0)) {
        tcp_timer_arm(conn, TCP_TIMER_PERSIST, due_ps == FLUE_PS_NEVER ? now_ps + tcp_rto(conn) : due_ps);
    } else if (outstanding) {
        conn->timer.doublings = conn->timer.count;
        tcp_timer_arm(conn, TCP_TIMER_RETRANSMIT, due_ps == FLUE_PS_NEVER ? now_ps + tcp_rto(conn) : due_ps);
    } else {
        tcp_timer_settle(conn, now_ps);
        if (conn->timer.mode == TCP_TIMER_PERSIST && due_ps <= now_ps) {
            conn->flags |= TCP_FORCE; /* the old holder has waited long enough */
            tcp_timer_stop(conn);
        }
    }
    flue_tcp_consumed(conn, 0, now_ps); /* a window that has opened during the move has not been told */
    tcp_ask_output(conn, now_ps);
    tcp_rest(conn);
}

/* ---- Update of the cached variables ---- */

/* A deadline of keep-alive that does not depend on the settings any more: as if something had come just so long before
 * it (as import_fields() does). */
static void hold_keep_alive(struct flue_tcp_conn *conn, flue_ps due_ps)
{
    conn->last_received_ps = due_ps - tcp_keep_idle(conn->settings);
}

/* D-19.  before: the settings until now; due_ps: when keep-alive was going to act; FLUE_PS_NEVER: it did not run. */
static void update_keep_alive(struct flue_tcp_conn *conn, const struct flue_tcp_settings *before, unsigned commands,
                              flue_ps due_ps, flue_ps now_ps)
{
    const struct flue_tcp_settings *after = conn->settings;
    const bool probing = conn->timer.mode == TCP_TIMER_KEEP_ALIVE && conn->ka_probes > 0;
    const bool command = (commands & (TCP_CACHED_KEEP_ALIVE_RESTART | TCP_CACHED_MAX_RT_RESTART)) != 0;

    if (after->keep_alive == 0 || (commands & TCP_CACHED_KEEP_ALIVE_RESTART) != 0 || due_ps == FLUE_PS_NEVER) {
        conn->ka_probes = 0;
        conn->last_received_ps = now_ps;
        if (conn->timer.mode == TCP_TIMER_KEEP_ALIVE) {
            tcp_timer_stop(conn);
        }
        return;
    }
    if (command && after->keep_count != before->keep_count) {
        conn->ka_probes = 0;
    }
    if (command &&
        (after->keep_idle_ps != before->keep_idle_ps || after->keep_interval_ps != before->keep_interval_ps)) {
        due_ps = tcp_later(now_ps, conn->ka_probes > 0 ? tcp_keep_interval(after) : tcp_keep_idle(after));
    }
    hold_keep_alive(conn, due_ps);
    if (probing || (conn->timer.mode == TCP_TIMER_KEEP_ALIVE && conn->timer.due_ps != due_ps)) {
        tcp_timer_arm(conn, TCP_TIMER_KEEP_ALIVE, due_ps > now_ps ? due_ps : now_ps);
    }
}

/* When keep-alive was going to act. */
static flue_ps keep_alive_due(const struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if (conn->settings->keep_alive == 0) {
        return FLUE_PS_NEVER;
    }
    if (conn->timer.mode == TCP_TIMER_KEEP_ALIVE && (conn->flags & TCP_TIMER_DUE) != 0) {
        return now_ps;
    }
    return conn->timer.mode == TCP_TIMER_KEEP_ALIVE && conn->ka_probes > 0
               ? conn->timer.due_ps
               : tcp_later(conn->last_received_ps, tcp_keep_idle(conn->settings));
}

/* TotalRT begins anew. */
static void forget_waits(struct flue_tcp_conn *conn)
{
    if (tcp_is_active(conn)) {
        conn->active->total_rt_ticks = 0;
    }
}

flue_err flue_tcp_update(struct flue_tcp_conn *conn, const struct flue_tcp_state *state, flue_ps now_ps)
{
    struct flue_tcp *stack = conn->stack;
    const struct flue_tcp_settings before = *conn->settings;
    const struct flue_tcp_settings wanted = settings_of(stack, before, state);
    const struct flue_tcp_settings *after;
    const struct flue_tcp_settings *old = conn->settings;
    flue_ps due_ps;

    if (state->ttl == 0 || state->initial_rcv_wnd > UINT32_C(1) << 30) {
        return FLUE_EINVAL;
    }
    now_ps = tcp_advance(conn, now_ps);
    due_ps = keep_alive_due(conn, now_ps);
    after = tcp_settings_get(stack, &wanted);
    if (after == NULL) {
        return FLUE_ENOMEM;
    }
    conn->settings = after;
    tcp_settings_put(stack, old);
    if ((conn->flags & (TCP_EXPORTED | TCP_IMPORTING)) != 0 || conn->state == FLUE_TCP_CLOSED) {
        return FLUE_OK;
    }
    if ((state->cached_flags & TCP_CACHED_MAX_RT_RESTART) != 0 ||
        (after->user_timeout_ps != before.user_timeout_ps && after->user_timeout_ps != 0)) {
        forget_waits(conn); /* D-20 */
    }
    update_keep_alive(conn, &before, state->cached_flags, due_ps, now_ps);
    tcp_timer_patience(conn, now_ps);
    if ((state->cached_flags & TCP_CACHED_UPDATE_RCV_WND) != 0 && (conn->flags & TCP_PEER_FIN) == 0 &&
        (seq_lt(conn->rcv_adv, conn->rcv_nxt) || conn->rcv_adv - conn->rcv_nxt != after->rcv_buffer_bytes)) {
        (void)tcp_emit_ack(conn, now_ps); /* CH-153; its window field never moves the right edge back (D-31) */
    } else {
        flue_tcp_consumed(conn, 0, now_ps);
    }
    tcp_timer_settle(conn, now_ps);
    tcp_ask_output(conn, now_ps);
    tcp_rest(conn);
    return FLUE_OK;
}
