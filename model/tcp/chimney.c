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
        return true;
    case FLUE_TCP_CLOSED:
    case FLUE_TCP_LISTEN:
    case FLUE_TCP_SYN_SENT:
    case FLUE_TCP_SYN_RECEIVED:
    case FLUE_TCP_TIME_WAIT:
        break;
    }
    return false;
}

/* Ticks until the timer's deadline, rounded up; 0: due; FLUE_STATE_NO_TIMER: none runs.  Both ends of the distance lie
 * on the grid of whole ticks since time 0, so that however often a connection moves, rounding postpones its deadline
 * by less than one tick in all. */
static uint32_t timer_delta(const struct flue_tcp_conn *conn, flue_ps now_ps)
{
    flue_ps due_ps = conn->timer_mode == TCP_TIMER_NONE ? FLUE_PS_NEVER : conn->timer.due_ps;
    flue_ps tick_ps = conn->stack->params.tick_ps;

    if ((conn->flags & TCP_IMPORTING) != 0) {
        due_ps = conn->moment.import_ps;
    } else if ((conn->flags & (TCP_TIMER_DUE | TCP_FORCE)) != 0) {
        return 0;
    }
    if (due_ps == FLUE_PS_NEVER) {
        return FLUE_STATE_NO_TIMER;
    }
    return due_ps <= now_ps
               ? 0
               : saturate((uint64_t)((due_ps + tick_ps - 1) / tick_ps - now_ps / tick_ps), FLUE_STATE_NO_TIMER - 1);
}

/* The deadline that timer_delta() has told. */
static flue_ps deadline(uint32_t delta, flue_ps tick_ps, flue_ps now_ps)
{
    if (delta == FLUE_STATE_NO_TIMER) {
        return FLUE_PS_NEVER;
    }
    return delta == 0 ? now_ps : (now_ps / tick_ps + (flue_ps)delta) * tick_ps;
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

flue_err flue_tcp_export(struct flue_tcp_conn *conn, flue_ps now_ps, int force, struct flue_tcp_state *state)
{
    struct flue_tcp *stack = conn->stack;
    flue_ps age_ps;

    if (!offloadable(conn) && !force) {
        return FLUE_ESTATE;
    }
    now_ps = tcp_advance(conn, now_ps);
    age_ps = now_ps - conn->ts_recent_ps;
    *state = (struct flue_tcp_state){
        .tuple = conn->tuple,
        .const_flags = (uint16_t)((conn->const_flags & ~(TCP_CONST_TIMESTAMPS | TCP_CONST_SCALING)) |
                                  ((conn->flags & TCP_TIMESTAMPS) != 0 ? TCP_CONST_TIMESTAMPS : 0) |
                                  ((conn->flags & TCP_SCALING) != 0 ? TCP_CONST_SCALING : 0)),
        .remote_port = conn->tuple.remote_port,
        .local_port = conn->tuple.local_port,
        .snd_wscale = conn->snd_wscale,
        .rcv_wscale = conn->rcv_wscale,
        .remote_mss = conn->remote_mss_bytes,
        .hash_value = conn->hash_value,
        .cached_flags = (uint16_t)((conn->cached_flags & ~TCP_CACHED_NAGLE) |
                                   ((conn->flags & TCP_NAGLE) != 0 ? TCP_CACHED_NAGLE : 0)),
        .initial_rcv_wnd = conn->rcv_buffer_bytes,
        .rcv_indication_size = conn->rcv_indication_size,
        .ka_probe_count = conn->ka_probe_count,
        .ka_timeout = conn->ka_timeout,
        .ka_interval = conn->ka_interval,
        .max_rt = conn->max_rt_ticks,
        .flow_label = conn->flow_label,
        .ttl = conn->ttl,
        .tos = conn->tos,
        .user_priority = conn->user_priority,
        .state = conn->state,
        .rcv_nxt = conn->rcv_nxt,
        .rcv_wnd = seq_lt(conn->rcv_adv, conn->rcv_nxt) ? 0 : conn->rcv_adv - conn->rcv_nxt, /* D-31 */
        .snd_una = conn->snd_una,
        /* A fast retransmission that has not left yet is told as a rolled-back SndNxt. */
        .snd_nxt = (conn->flags & TCP_RESEND_UNA) != 0 ? conn->snd_una : conn->snd_nxt,
        .snd_max = conn->snd_max,
        .snd_wnd = conn->snd_wnd,
        .max_snd_wnd = conn->max_snd_wnd,
        .snd_wl1 = conn->snd_wl1,
        .cwnd = conn->congestion.cwnd_bytes,
        .ssthresh = conn->congestion.ssthresh_bytes,
        .srtt = scaled_srtt(conn),
        .rttvar = scaled_rttvar(conn),
        .ts_recent = conn->ts_recent,
        .ts_recent_age = age_ps <= 0 ? 0 : saturate((uint64_t)(age_ps / stack->params.tick_ps), UINT32_MAX),
        .ts_time = tcp_clock(stack, now_ps) + conn->ts_offset,
        .total_rt = conn->total_rt_ticks,
        .dup_acks = conn->congestion.dup_acks,
        .snd_wnd_probes = conn->probe_round,
        .ka_probes = conn->ka_probes,
        .ka_delta = conn->ka_delta,
        .rt_count = conn->rt_count,
        .rt_delta = timer_delta(conn, now_ps),
    };
    tcp_enter(conn, FLUE_TCP_CLOSED, FLUE_TCP_BY_EXPORT, now_ps);
    conn->flags = (conn->flags & ~(uint32_t)(TCP_ACK_NOW | TCP_ACK_DUE | TCP_OUTPUT_ASKED)) | TCP_EXPORTED;
    return FLUE_OK;
}

void flue_tcp_visit_send_queue(const struct flue_tcp_conn *conn, void (*visit)(void *arg, const struct flue_span *span),
                               void *arg)
{
    for (const struct piece *piece = conn->queue.head; piece != NULL; piece = piece->next) {
        visit(arg, &piece->span);
    }
}

void flue_tcp_visit_reassembly(const struct flue_tcp_conn *conn,
                               void (*visit)(void *arg, uint32_t seq, const struct flue_span *span), void *arg)
{
    for (const struct piece *piece = conn->reassembly.head; piece != NULL; piece = piece->next) {
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
           state->snd_wscale <= 14 && state->rcv_wscale <= 14 && state->rcv_wnd <= UINT32_C(0x7fffffff);
}

flue_err flue_tcp_import(struct flue_tcp *stack, const struct flue_tcp_state *state, void *user, uint32_t id,
                         uint32_t unread_bytes, flue_ps now_ps, struct flue_tcp_conn **out)
{
    flue_ps tick_ps = stack->params.tick_ps;
    bool scaling = (state->const_flags & TCP_CONST_SCALING) != 0;
    struct flue_tcp_conn *conn;
    flue_err err;

    *out = NULL;
    if (!state_valid(state)) {
        return FLUE_EINVAL;
    }
    conn = tcp_conn_new(stack, &state->tuple, user, id, now_ps, &err);
    if (conn == NULL) {
        return err;
    }
    conn->flags = TCP_IMPORTING | flags_of_state((enum flue_tcp_state_id)state->state) |
                  ((state->const_flags & TCP_CONST_TIMESTAMPS) != 0 ? TCP_TIMESTAMPS : 0u) |
                  (scaling ? TCP_SCALING : 0u) | ((state->cached_flags & TCP_CACHED_NAGLE) != 0 ? TCP_NAGLE : 0u);
    conn->snd_una = state->snd_una;
    conn->snd_nxt = state->snd_nxt;
    conn->snd_max = state->snd_max;
    conn->snd_wnd = state->snd_wnd;
    conn->max_snd_wnd = state->max_snd_wnd;
    conn->snd_wl1 = state->snd_wl1;
    conn->snd_wscale = scaling ? state->snd_wscale : 0;
    conn->rcv_wscale = scaling ? state->rcv_wscale : 0;
    conn->rcv_nxt = state->rcv_nxt;
    conn->rcv_adv = state->rcv_nxt + state->rcv_wnd;
    conn->last_ack_sent = state->rcv_nxt; /* the old holder has flushed its ACK */
    conn->unread_bytes = unread_bytes;
    if (state->initial_rcv_wnd != 0) {
        conn->rcv_buffer_bytes = state->initial_rcv_wnd;
    }
    conn->congestion = (struct congestion){
        .cwnd_bytes = state->cwnd,
        .ssthresh_bytes = state->ssthresh,
        .dup_acks = state->dup_acks,
        /* DupAckCount keeps its value in recovery, so it tells that there is one. */
        .in_recovery = state->dup_acks >= stack->params.dup_ack_threshold && state->snd_una != state->snd_max,
        .recover = state->snd_max,
    };
    if (conn->congestion.in_recovery) {
        conn->congestion.recover_valid = 1;
        if (conn->snd_nxt == conn->snd_una) {
            /* In recovery SndNxt is rolled back for one segment only, the one that fast retransmission is due for. */
            conn->flags |= TCP_RESEND_UNA;
            conn->snd_nxt = conn->snd_max;
        }
    }
    /* Less than a tick, or nothing, was measured: the next sample begins afresh. */
    conn->rtt = rtt_from(state->srtt < 8 ? 0 : unscaled(stack, state->srtt, 8), unscaled(stack, state->rttvar, 4),
                         &stack->rtt_bounds);
    conn->ts_recent = state->ts_recent;
    conn->ts_recent_ps = now_ps - (flue_ps)state->ts_recent_age * tick_ps;
    conn->ts_offset = state->ts_time - tcp_clock(stack, now_ps);
    conn->total_rt_ticks = state->total_rt;
    conn->max_rt_ticks = state->max_rt;
    conn->rt_count = state->rt_count;
    conn->probe_round = state->snd_wnd_probes;
    conn->ttl = state->ttl;
    conn->tos = state->tos;
    conn->user_priority = state->user_priority;
    conn->ka_probe_count = state->ka_probe_count;
    conn->ka_probes = state->ka_probes;
    conn->ka_timeout = state->ka_timeout;
    conn->ka_interval = state->ka_interval;
    conn->ka_delta = state->ka_delta;
    conn->const_flags = state->const_flags;
    conn->cached_flags = state->cached_flags;
    conn->hash_value = state->hash_value;
    conn->rcv_indication_size = state->rcv_indication_size;
    conn->flow_label = state->flow_label;
    conn->moment.import_ps = deadline(state->rt_delta, tick_ps, now_ps);
    tcp_set_mss(conn, state->remote_mss == 0 ? 536 : state->remote_mss);
    tcp_enter(conn, (enum flue_tcp_state_id)state->state, FLUE_TCP_BY_IMPORT, now_ps);
    *out = conn;
    return FLUE_OK;
}

void flue_tcp_start(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    const struct flue_tcp_params *params = &conn->stack->params;
    flue_ps due_ps = conn->moment.import_ps;
    bool fin_outstanding = (conn->flags & (TCP_FIN_SENT | TCP_FIN_ACKED)) == TCP_FIN_SENT;
    bool outstanding = conn->snd_una != conn->snd_max;

    assert((conn->flags & TCP_IMPORTING) != 0);
    /* CH-078: the chain holds all that may have to be sent again. */
    assert(conn->snd_max - conn->snd_una <= conn->queue.bytes + (fin_outstanding ? 1 : 0));
    now_ps = tcp_advance(conn, now_ps);
    conn->flags &= ~(uint32_t)TCP_IMPORTING;
    conn->moment.rtt_sent_ps = 0;
    conn->last_sent_ps = now_ps; /* D-36 */
    if (conn->state == FLUE_TCP_FIN_WAIT_2) {
        tcp_timer_arm(conn, TCP_TIMER_FIN_WAIT_2, due_ps == FLUE_PS_NEVER ? now_ps + params->fin_wait_2_ps : due_ps);
    } else if (conn->state == FLUE_TCP_TIME_WAIT) {
        tcp_timer_arm(conn, TCP_TIMER_TIME_WAIT, due_ps == FLUE_PS_NEVER ? now_ps + params->time_wait_ps : due_ps);
    } else if (conn->snd_wnd == 0 && conn->snd_nxt == conn->snd_una &&
               (outstanding || conn->queue.bytes > 0 || (conn->flags & TCP_FIN_QUEUED) != 0)) {
        tcp_timer_arm(conn, TCP_TIMER_PERSIST, due_ps == FLUE_PS_NEVER ? now_ps + tcp_rto(conn) : due_ps);
    } else if (outstanding) {
        conn->backoff = conn->rt_count;
        tcp_timer_arm(conn, TCP_TIMER_RETRANSMIT, due_ps == FLUE_PS_NEVER ? now_ps + tcp_rto(conn) : due_ps);
    } else {
        tcp_timer_settle(conn, now_ps);
        if (conn->timer_mode == TCP_TIMER_PERSIST && due_ps <= now_ps) {
            conn->flags |= TCP_FORCE; /* the old holder has waited long enough */
            tcp_timer_stop(conn);
        } else if (conn->timer_mode == TCP_TIMER_PERSIST && due_ps != FLUE_PS_NEVER) {
            tcp_timer_arm(conn, TCP_TIMER_PERSIST, due_ps);
        }
    }
    flue_tcp_consumed(conn, 0, now_ps); /* a window that has opened during the move has not been told */
    tcp_ask_output(conn, now_ps);
}
