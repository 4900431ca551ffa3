/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/state.c - the state machine of RFC 9293 3.3.2: its edges, and what entering a state does. */
#include <assert.h>

#include "tcp/conn.h"

#define TO(state) (1u << FLUE_TCP_##state)

/* Where a segment, a call or a timeout may lead. */
static const uint16_t edges[] = {
    [FLUE_TCP_CLOSED] = TO(LISTEN) | TO(SYN_SENT),
    [FLUE_TCP_LISTEN] = TO(SYN_RECEIVED) | TO(CLOSED),
    [FLUE_TCP_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
    [FLUE_TCP_SYN_RECEIVED] = TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSED),
    [FLUE_TCP_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
    [FLUE_TCP_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(CLOSED),
    [FLUE_TCP_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
    [FLUE_TCP_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
    [FLUE_TCP_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
    [FLUE_TCP_LAST_ACK] = TO(CLOSED),
    [FLUE_TCP_TIME_WAIT] = TO(CLOSED),
};

/* Where a connection may begin when it comes from another holder. */
static const uint16_t import_states =
    TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(FIN_WAIT_2) | TO(CLOSE_WAIT) | TO(CLOSING) | TO(LAST_ACK) | TO(TIME_WAIT);

static bool legal(enum flue_tcp_state_id from, enum flue_tcp_state_id to, enum flue_tcp_reason reason)
{
    switch (reason) {
    case FLUE_TCP_BY_IMPORT:
        return from == FLUE_TCP_CLOSED && (import_states & (1u << to)) != 0;
    case FLUE_TCP_BY_EXPORT:
        return to == FLUE_TCP_CLOSED;
    case FLUE_TCP_BY_OPEN:
    case FLUE_TCP_BY_SEGMENT:
    case FLUE_TCP_BY_CLOSE:
    case FLUE_TCP_BY_RESET:
    case FLUE_TCP_BY_ABORT:
    case FLUE_TCP_BY_TIMEOUT:
    case FLUE_TCP_BY_2MSL:
    case FLUE_TCP_BY_KEEP_ALIVE:
    case FLUE_TCP_BY_USER_TIMEOUT:
    case FLUE_TCP_BY_UNREACHABLE:
        return (edges[from] & (1u << to)) != 0;
    }
    return false;
}

void tcp_enter(struct flue_tcp_conn *conn, enum flue_tcp_state_id state, enum flue_tcp_reason reason, flue_ps now_ps)
{
    const struct flue_tcp_params *params = &conn->stack->params;
    enum flue_tcp_state_id from = (enum flue_tcp_state_id)conn->state;

    assert(legal(from, state, reason));
    conn->state = (uint8_t)state;
    conn->reason = (uint8_t)reason;
    flue_trace3(conn->stack->trace, tcp_state, now_ps, conn->id, from, state, reason);
    if (reason == FLUE_TCP_BY_IMPORT) {
        return; /* the timers' deadlines come with the import */
    }
    switch (state) {
    case FLUE_TCP_CLOSED:
        tcp_timer_stop(conn);
        timer_fifo_cancel(&conn->active->delayed_ack);
        break;
    case FLUE_TCP_FIN_WAIT_2:
        tcp_timer_fin_wait_2(conn, now_ps);
        break;
    case FLUE_TCP_TIME_WAIT:
        tcp_timer_arm(conn, TCP_TIMER_TIME_WAIT, now_ps + params->time_wait_ps);
        break;
    case FLUE_TCP_LISTEN:
    case FLUE_TCP_SYN_SENT:
    case FLUE_TCP_SYN_RECEIVED:
    case FLUE_TCP_ESTABLISHED:
    case FLUE_TCP_FIN_WAIT_1:
    case FLUE_TCP_CLOSE_WAIT:
    case FLUE_TCP_CLOSING:
    case FLUE_TCP_LAST_ACK:
        break;
    }
}

void tcp_end(struct flue_tcp_conn *conn, enum flue_tcp_reason reason, flue_ps now_ps)
{
    tcp_enter(conn, FLUE_TCP_CLOSED, reason, now_ps);
    conn->flags &= ~(uint32_t)(TCP_ACK_NOW | TCP_ACK_DUE | TCP_RESEND_UNA | TCP_SYN_DUE);
    conn->flags |= TCP_ENDING;
}
