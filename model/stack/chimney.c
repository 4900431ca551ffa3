/* SPDX-License-Identifier: GPL-2.0-only */
/* stack/chimney.c - connections out of sockets and into sockets in the form that crosses the offload interface. */
#include "stack/stack.h"

int flue_socket_detach(struct flue_stack *stack, int s, struct flue_tcp_state *state, void *send, size_t *send_bytes,
                       void *unread, size_t *unread_bytes)
{
    struct socket *socket = stack_socket(stack, s);
    struct flue_tcp_info info;
    uint32_t to_send, to_read;
    bool room;

    if (socket == NULL) {
        return FLUE_STACK_EBADF;
    }
    if (socket->conn == NULL) {
        return FLUE_STACK_ENOTCONN;
    }
    flue_tcp_info(socket->conn, &info);
    if (info.state < FLUE_TCP_ESTABLISHED || info.state > FLUE_TCP_LAST_ACK) {
        return FLUE_STACK_ENOTCONN;
    }
    to_send = ring_bytes(&socket->send);
    to_read = ring_bytes(&socket->receive);
    room = to_send <= *send_bytes && to_read <= *unread_bytes;
    *send_bytes = to_send;
    *unread_bytes = to_read;
    if (!room) {
        return FLUE_STACK_EMSGSIZE;
    }
    flue_tcp_flush_ack(socket->conn, stack->now_ps);
    if (flue_tcp_export(socket->conn, stack->now_ps, 0, state) != FLUE_OK) {
        return FLUE_STACK_ENOTCONN;
    }
    ring_read(&socket->send, socket->send.head, send, to_send);
    ring_read(&socket->receive, socket->receive.head, unread, to_read);
    socket_forget(socket);
    return FLUE_STACK_OK;
}

/* Whether the send queue holds what is outstanding; our FIN takes one number behind it. */
static bool queue_fits(const struct flue_tcp_state *state, size_t send_bytes)
{
    uint32_t outstanding = state->snd_max - state->snd_una;

    switch ((enum flue_tcp_state_id)state->state) {
    case FLUE_TCP_ESTABLISHED:
    case FLUE_TCP_CLOSE_WAIT:
        return outstanding <= send_bytes;
    case FLUE_TCP_FIN_WAIT_1:
    case FLUE_TCP_CLOSING:
    case FLUE_TCP_LAST_ACK:
        return outstanding >= 1 && outstanding - 1 == send_bytes;
    case FLUE_TCP_FIN_WAIT_2:
        return outstanding == 0 && send_bytes == 0;
    case FLUE_TCP_CLOSED:
    case FLUE_TCP_LISTEN:
    case FLUE_TCP_SYN_SENT:
    case FLUE_TCP_SYN_RECEIVED:
    case FLUE_TCP_TIME_WAIT:
        break;
    }
    return false;
}

static uint32_t flags_of(const struct flue_tcp_state *state)
{
    switch ((enum flue_tcp_state_id)state->state) {
    case FLUE_TCP_FIN_WAIT_1:
        return SOCKET_SHUT_WRITE;
    case FLUE_TCP_FIN_WAIT_2:
        return SOCKET_SHUT_WRITE | SOCKET_DELIVERED;
    case FLUE_TCP_CLOSE_WAIT:
        return SOCKET_PEER_CLOSED;
    case FLUE_TCP_CLOSING:
    case FLUE_TCP_LAST_ACK:
        return SOCKET_SHUT_WRITE | SOCKET_PEER_CLOSED;
    case FLUE_TCP_CLOSED:
    case FLUE_TCP_LISTEN:
    case FLUE_TCP_SYN_SENT:
    case FLUE_TCP_SYN_RECEIVED:
    case FLUE_TCP_ESTABLISHED:
    case FLUE_TCP_TIME_WAIT:
        break;
    }
    return 0;
}

static bool fill(struct flue_stack *stack, struct ring *ring, const void *bytes, size_t length)
{
    if (!ring_reserve(stack, ring, length)) {
        return false;
    }
    ring_write(ring, 0, bytes, (uint32_t)length);
    ring->tail = length;
    return true;
}

static int take_in(struct socket *socket, const struct flue_tcp_state *state, const void *send, size_t send_bytes,
                   const void *unread, size_t unread_bytes)
{
    struct flue_stack *stack = socket->stack;
    const struct flue_span queued = {.stream = STACK_SENT, .length_bytes = (uint32_t)send_bytes};
    uint64_t most = (uint64_t)unread_bytes + state->rcv_wnd;
    flue_err err;
    int error;

    if (!fill(stack, &socket->send, send, send_bytes) || !fill(stack, &socket->receive, unread, unread_bytes)) {
        return FLUE_STACK_ENOMEM;
    }
    socket->rcv_offset = unread_bytes;
    socket->flags = flags_of(state);
    if (most > socket->rcv_most_bytes) {
        socket->rcv_most_bytes = (uint32_t)most;
    }
    err = flue_tcp_import(stack->tcp, state, socket, (uint32_t)socket->number, (uint32_t)unread_bytes, stack->now_ps,
                          &socket->conn);
    if (err == FLUE_EINVAL) {
        return FLUE_STACK_EPROTO;
    }
    if (err != FLUE_OK) {
        return stack_error_of(err);
    }
    error = socket_take_over(socket);
    if (error == FLUE_STACK_OK) {
        struct flue_tcp_settings settings = socket->settings;

        settings.fin_wait_2_ps = FLUE_PS_NEVER; /* as for every socket that has a number */
        error = socket_apply(socket, &settings);
    }
    if (error == FLUE_STACK_OK && send_bytes > 0) {
        error = stack_error_of(flue_tcp_send(socket->conn, &queued, stack->now_ps));
    }
    if (error == FLUE_STACK_OK && flue_tcp_check(socket->conn) != NULL) {
        error = FLUE_STACK_EPROTO; /* numbers that no connection has */
    }
    return error;
}

int flue_socket_attach(struct flue_stack *stack, const struct flue_tcp_state *state, const void *send,
                       size_t send_bytes, const void *unread, size_t unread_bytes)
{
    const size_t most = (size_t)1 << 30;
    struct socket *socket;
    int error;

    if (!queue_fits(state, send_bytes) || send_bytes > most || unread_bytes > most || state->rcv_wnd > most ||
        state->initial_rcv_wnd > most) {
        return FLUE_STACK_EPROTO;
    }
    socket = socket_for_move(stack, &error);
    if (socket == NULL) {
        return error;
    }
    stack->current = socket;
    error = take_in(socket, state, send, send_bytes, unread, unread_bytes);
    if (error != FLUE_STACK_OK) {
        stack->current = NULL;
        socket_forget(socket);
        return error;
    }
    flue_tcp_start(socket->conn, stack->now_ps);
    stack->current = NULL;
    socket_ask(socket, SOCKET_LOOK);
    error = socket->number;
    stack_settle(stack);
    return error;
}
