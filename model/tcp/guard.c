/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/guard.c - what an offload target does about SYN and RST beyond RFC 9293 (CH-221, CH-284; behaviour 15.4, 15.5),
 * and the parameters that its host may change while it works (CH-300). */
#include "tcp/conn.h"
#include "tcp/params.h"

flue_err flue_tcp_retune(struct flue_tcp *stack, const struct flue_tcp_params *params)
{
    struct flue_tcp_params tuned = stack->params;

    tuned.ack_every = params->ack_every;
    tuned.delayed_ack_ps = params->delayed_ack_ps;
    tuned.sws_override_ps = params->sws_override_ps;
    tuned.max_retransmits = params->max_retransmits;
    tuned.dup_ack_threshold = params->dup_ack_threshold;
    tuned.tick_ps = params->tick_ps;
    if (!tcp_params_valid(&tuned)) {
        return FLUE_EINVAL;
    }
    if (tuned.tick_ps != stack->params.tick_ps) {
        if (stack->totals.connections != 0) {
            return FLUE_ESTATE;
        }
        stack->rtt_bounds.granularity_ps = tuned.tick_ps;
        stack->tick_from_ps = 0;
        stack->tick_to_ps = 0;
    }
    stack->params = tuned;
    return FLUE_OK;
}

void flue_tcp_reset(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    if ((conn->flags & TCP_EXPORTED) != 0) {
        return;
    }
    now_ps = tcp_advance(conn, now_ps);
    tcp_emit_reset(conn, conn->snd_max, now_ps);
    if (conn->state != FLUE_TCP_CLOSED) {
        tcp_end(conn, FLUE_TCP_BY_ABORT, now_ps);
        tcp_raise_closed(conn);
    }
}

int flue_tcp_suspects(const struct flue_tcp_conn *conn)
{
    return (conn->flags & TCP_SUSPECT) != 0;
}

/* At most params.challenge_acks of a stack's connections in params.challenge_ps, whoever asks (RFC 5961 7). */
bool tcp_may_challenge(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    struct flue_tcp *stack = conn->stack;

    if (stack->params.challenge_acks != 0) {
        if (now_ps - stack->challenges_from_ps >= stack->params.challenge_ps) {
            stack->challenges_from_ps = now_ps;
            stack->challenges = 0;
        }
        if (stack->challenges >= stack->params.challenge_acks) {
            return false;
        }
        stack->challenges++;
    }
    tcp_rare_count(conn)->challenge_acks++;
    stack->totals.challenge_acks++;
    return true;
}

static void suspect(struct flue_tcp_conn *conn, flue_ps now_ps)
{
    const flue_ps due_ps = now_ps + TCP_SUSPECT_PS;

    conn->flags |= TCP_SUSPECT;
    if (conn->timer.mode == TCP_TIMER_KEEP_ALIVE && (conn->flags & TCP_TIMER_DUE) == 0 && conn->timer.due_ps > due_ps) {
        tcp_timer_arm(conn, TCP_TIMER_KEEP_ALIVE, due_ps);
    } else {
        tcp_timer_settle(conn, now_ps); /* nothing else is under way, or what is will find out by itself */
    }
}

void flue_tcp_challenge(struct flue_tcp_conn *conn, int is_suspect, flue_ps now_ps)
{
    if (conn->state == FLUE_TCP_CLOSED || (conn->flags & (TCP_IMPORTING | TCP_EXPORTED)) != 0) {
        return;
    }
    now_ps = tcp_advance(conn, now_ps);
    if (!tcp_may_challenge(conn, now_ps)) {
        return; /* nor does the peer come under suspicion: it was not asked */
    }
    now_ps = tcp_advance(conn, tcp_emit_ack(conn, now_ps));
    if (is_suspect != 0) {
        suspect(conn, now_ps);
    }
    tcp_rest(conn);
}

void tcp_clear_suspicion(struct flue_tcp_conn *conn)
{
    conn->flags &= ~(uint32_t)TCP_SUSPECT;
    if (conn->timer.mode == TCP_TIMER_KEEP_ALIVE) {
        tcp_timer_stop(conn); /* armed again, or not, as the settings say */
    }
}
