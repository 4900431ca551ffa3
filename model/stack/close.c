/* SPDX-License-Identifier: GPL-2.0-only */
/* stack/close.c - the end of sockets: one direction, in order, or at once. */
#include <assert.h>

#include "stack/stack.h"

static void abort_connection(struct socket *socket)
{
    struct flue_stack *stack = socket->stack;

    stack->current = socket;
    flue_tcp_abort(socket->conn, stack->now_ps);
    stack->current = NULL;
}

/* Nobody will read any more: FIN-WAIT-2 gets its limit. */
static void limit_waiting(struct socket *socket)
{
    struct flue_tcp_settings settings = socket->settings;

    settings.fin_wait_2_ps = socket->stack->config.tcp.fin_wait_2_ps;
    if (socket_apply(socket, &settings) != FLUE_STACK_OK) {
        abort_connection(socket); /* without memory for that it might wait for ever */
    }
}

/* Takes the number away; what is left is freed, at once or when its connection has ended. */
static void let_go(struct socket *socket)
{
    struct flue_stack *stack = socket->stack;

    if (socket->conn != NULL) {
        limit_waiting(socket);
    }
    socket_unnumber(socket);
    ring_clear(stack, &socket->receive);
    if (socket->conn == NULL) {
        socket_free(socket);
    } else {
        socket_ask(socket, SOCKET_LOOK);
    }
    stack_settle(stack);
}

static void abort_all(struct flue_hook *queue)
{
    struct flue_hook *hook;

    while ((hook = list_first(queue)) != NULL) {
        struct socket *socket = FLUE_CONTAINER_OF(hook, struct socket, waiting);

        abort_connection(socket);
        assert(list_first(queue) != hook);
    }
}

/* FIN after all data.  Nothing is held back any longer: no more will come to fill a segment.  FLUE_STACK_ENOMEM: the
 * FIN could not be queued. */
static int close_sending(struct socket *socket)
{
    struct flue_stack *stack = socket->stack;
    flue_err err;

    if ((socket->flags & SOCKET_SHUT_WRITE) != 0) {
        return FLUE_STACK_OK;
    }
    (void)socket_hold(socket, SOCKET_MORE, false);
    stack->current = socket;
    err = flue_tcp_close(socket->conn, stack->now_ps);
    stack->current = NULL;
    assert(err != FLUE_ESTATE);
    if (err == FLUE_OK) {
        socket->flags |= SOCKET_SHUT_WRITE;
    }
    return stack_error_of(err);
}

int flue_socket_shutdown(struct flue_stack *stack, int s, enum flue_shutdown how)
{
    struct socket *socket = stack_socket(stack, s);
    int error = FLUE_STACK_OK;

    if (socket == NULL) {
        return FLUE_STACK_EBADF;
    }
    if (how != FLUE_SHUT_READ && how != FLUE_SHUT_WRITE && how != FLUE_SHUT_BOTH) {
        return FLUE_STACK_EINVAL;
    }
    if (socket->phase != SOCKET_OPEN) {
        return FLUE_STACK_ENOTCONN;
    }
    if (how != FLUE_SHUT_WRITE && (socket->flags & SOCKET_SHUT_READ) == 0) {
        socket->flags |= SOCKET_SHUT_READ;
        socket->receive.end = socket->receive.tail;
        ring_rest(stack, &socket->receive);
    }
    if (how != FLUE_SHUT_READ) {
        error = close_sending(socket);
    }
    socket_ask(socket, SOCKET_LOOK);
    stack_settle(stack);
    return error;
}

void socket_linger_fire(struct timer *timer, flue_ps now_ps)
{
    (void)now_ps;
    socket_ask(FLUE_CONTAINER_OF(timer, struct socket, linger), SOCKET_ABORT);
}

int flue_socket_close(struct flue_stack *stack, int s)
{
    struct socket *socket = stack_socket(stack, s);

    if (socket == NULL) {
        return FLUE_STACK_EBADF;
    }
    if (socket->phase == SOCKET_LISTENING) {
        return flue_socket_abort(stack, s);
    }
    if (socket->conn != NULL) {
        /* RFC 2525 2.17: the peer must learn that data of its were never read. */
        if (socket->linger_ms == 0 || (socket->phase == SOCKET_OPEN && ring_bytes(&socket->receive) > 0)) {
            return flue_socket_abort(stack, s);
        }
        if (socket->linger_ms > 0 && (socket->flags & SOCKET_DELIVERED) == 0) {
            timers_arm(&stack->timers, &socket->linger, stack->now_ps + socket->linger_ms * FLUE_PS_PER_MS);
        }
        socket_unnumber(socket);
        if (close_sending(socket) != FLUE_STACK_OK) {
            abort_connection(socket); /* an end, if not an orderly one */
        }
    }
    let_go(socket);
    return FLUE_STACK_OK;
}

int flue_socket_abort(struct flue_stack *stack, int s)
{
    struct socket *socket = stack_socket(stack, s);

    if (socket == NULL) {
        return FLUE_STACK_EBADF;
    }
    if (socket->phase == SOCKET_LISTENING) {
        socket_leave_port(socket); /* nothing can come for it any more */
        abort_all(&socket->pending);
        abort_all(&socket->ready);
    }
    socket_unnumber(socket);
    if (socket->conn != NULL) {
        abort_connection(socket);
    }
    let_go(socket);
    return FLUE_STACK_OK;
}
