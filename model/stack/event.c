/* SPDX-License-Identifier: GPL-2.0-only */
/* stack/event.c - what the engine tells: into rings and flags; what has to be done about it waits for stack_settle().
 */
#include <assert.h>

#include "stack/stack.h"

static void tell(struct socket *socket, const struct flue_stack_event *event)
{
    struct flue_stack *stack = socket->stack;

    if (stack->callbacks.event != NULL && socket->number >= 0) {
        stack->callbacks.event(stack->callbacks.ctx, event);
    }
}

void stack_trace(void *ctx, const struct flue_event *event)
{
    struct flue_stack *stack = ctx;

    if (event->point == FLUE_POINT_tcp_state && stack->current != NULL) {
        tell(stack->current, &(struct flue_stack_event){.kind = FLUE_STACK_EV_STATE,
                                                        .socket = stack->current->number,
                                                        .state = (enum flue_tcp_state_id)event->arg[1],
                                                        .reason = (enum flue_tcp_reason)event->arg[2],
                                                        .at_ps = event->at_ps});
    }
}

static void connected(struct socket *socket)
{
    struct socket *listener = socket->listener;
    struct flue_tcp_info info;

    flue_tcp_info(socket->conn, &info);
    socket->rcv_seq = info.rcv_nxt;
    socket->phase = SOCKET_OPEN;
    if (listener != NULL) {
        list_remove(&socket->waiting);
        list_push_back(&listener->ready, &socket->waiting);
        socket->flags |= SOCKET_READY;
        socket_ask(listener, SOCKET_LOOK);
    }
}

static void data(struct socket *socket, const struct flue_tcp_event *event)
{
    struct ring *ring = &socket->receive;
    const struct flue_span *span = &event->span;
    bool kept = socket_keeps(socket);

    if (socket->number < 0 && socket->listener == NULL) {
        socket_ask(socket, SOCKET_ABORT); /* RFC 9293 3.6.1: the peer must learn that its data are lost */
    }
    if (kept) {
        if (span->memory != NULL) {
            bool room = ring_reserve(socket->stack, ring, socket->rcv_offset + span->length_bytes);

            assert(room && "socket_make_room() has seen to it");
            (void)room;
            ring_write(ring, socket->rcv_offset, span->memory, span->length_bytes);
        } else {
            assert(span->stream == STACK_RECEIVED && span->offset_bytes == socket->rcv_offset);
        }
        ring->tail += span->length_bytes;
        assert(ring->tail <= ring->end);
    }
    socket->rcv_offset += span->length_bytes;
    socket->rcv_seq += span->length_bytes;
    if (!kept) {
        flue_tcp_consumed(socket->conn, span->length_bytes, event->at_ps);
    }
}

void stack_keep(void *owner, struct flue_tcp_conn *conn, uint32_t seq, struct flue_span *span)
{
    struct socket *socket = flue_tcp_user(conn);
    uint32_t next = socket->rcv_seq;
    uint64_t offset;

    (void)owner;
    if (socket->phase != SOCKET_OPEN) {
        struct flue_tcp_info info;

        flue_tcp_info(conn, &info);
        next = info.rcv_nxt;
    }
    offset = socket->rcv_offset + (seq - next);
    if (span->memory != NULL && socket_keeps(socket)) {
        bool room = ring_reserve(socket->stack, &socket->receive, offset + span->length_bytes);

        assert(room && "socket_make_room() has seen to it");
        (void)room;
        ring_write(&socket->receive, offset, span->memory, span->length_bytes);
    }
    *span = (struct flue_span){.offset_bytes = offset, .stream = STACK_RECEIVED, .length_bytes = span->length_bytes};
}

static void urgent(struct socket *socket, uint32_t bytes)
{
    uint64_t mark = socket->rcv_offset + bytes - 1;

    if (bytes == 0 || (socket->flags & SOCKET_SHUT_READ) != 0 ||
        ((socket->flags & SOCKET_URGENT) != 0 && mark <= socket->urgent_mark)) {
        return;
    }
    socket->urgent_mark = mark;
    socket->flags |= SOCKET_URGENT;
}

/* The connection is no more; the socket stays as long as somebody holds its number. */
static void closed(struct socket *socket, const struct flue_tcp_event *event)
{
    struct flue_stack *stack = socket->stack;
    enum socket_phase phase = (enum socket_phase)socket->phase;

    if (socket->number >= 0) {
        socket->error = stack_error_for(event->reason, phase);
        socket->last = pool_get(&stack->infos);
        if (socket->last != NULL) {
            flue_tcp_info(socket->conn, socket->last);
        }
    }
    if (socket->listener != NULL) {
        list_remove(&socket->waiting);
        socket->listener->queued--;
        socket_ask(socket->listener, SOCKET_LOOK);
        socket->listener = NULL;
    }
    flue_tcp_release(socket->conn);
    socket->conn = NULL;
    socket->phase = SOCKET_OVER;
    timers_cancel(&stack->timers, &socket->linger);
    ring_clear(stack, &socket->send);
    socket->receive.end = socket->receive.tail;
    ring_rest(stack, &socket->receive);
    tell(socket, &(struct flue_stack_event){.kind = FLUE_STACK_EV_ENDED,
                                            .socket = socket->number,
                                            .state = FLUE_TCP_CLOSED,
                                            .reason = event->reason,
                                            .at_ps = event->at_ps});
}

void stack_event(void *owner, struct flue_tcp_conn *conn, const struct flue_tcp_event *event)
{
    struct flue_stack *stack = owner;
    struct socket *socket = flue_tcp_user(conn);
    struct socket *before = stack->current;
    unsigned todo = SOCKET_LOOK;

    socket->conn = conn;
    switch (event->kind) {
    case FLUE_TCP_EV_CONNECTED:
        connected(socket);
        break;
    case FLUE_TCP_EV_DATA:
        data(socket, event);
        break;
    case FLUE_TCP_EV_ACKED:
        ring_drop(stack, &socket->send, event->bytes);
        break;
    case FLUE_TCP_EV_PEER_FIN:
        socket->flags |= SOCKET_PEER_CLOSED;
        break;
    case FLUE_TCP_EV_FIN_ACKED:
        socket->flags |= SOCKET_DELIVERED;
        timers_cancel(&stack->timers, &socket->linger);
        break;
    case FLUE_TCP_EV_URGENT:
        urgent(socket, event->bytes);
        break;
    case FLUE_TCP_EV_OUTPUT:
        todo = SOCKET_OUTPUT;
        break;
    case FLUE_TCP_EV_TIMER:
        stack->current = socket;
        flue_tcp_timeout(conn, stack->now_ps);
        stack->current = before;
        break;
    case FLUE_TCP_EV_CLOSED:
        closed(socket, event);
        break;
    }
    socket_ask(socket, (enum socket_work)todo);
}

void *stack_accept(void *owner, const struct flue_tcp_tuple *tuple, struct flue_tcp_settings *settings, int *silently)
{
    struct flue_stack *stack = owner;
    struct socket *listener = stack_listener(stack, &tuple->local_ip, tuple->local_port);
    struct socket *socket;
    uint32_t most_bytes;

    if (listener == NULL) {
        return NULL;
    }
    *silently = 1; /* whatever is short now, the peer may try again */
    if (listener->queued >= listener->backlog) {
        return NULL;
    }
    socket = socket_new(stack);
    if (socket == NULL) {
        return NULL;
    }
    most_bytes = listener->settings.rcv_buffer_bytes;
    if (!ring_reserve(stack, &socket->receive, stack->fresh_bytes < most_bytes ? stack->fresh_bytes : most_bytes)) {
        socket_free(socket);
        return NULL;
    }
    socket->phase = SOCKET_OPENING;
    socket->flags = listener->flags & (SOCKET_REUSE | SOCKET_CORK);
    socket->settings = listener->settings;
    socket->snd_buffer_bytes = listener->snd_buffer_bytes;
    socket->rcv_most_bytes = listener->settings.rcv_buffer_bytes;
    socket->linger_ms = listener->linger_ms;
    socket->local = (struct flue_endpoint){.ip = tuple->local_ip, .port = tuple->local_port};
    socket->remote = (struct flue_endpoint){.ip = tuple->remote_ip, .port = tuple->remote_port};
    socket->listener = listener;
    list_push_back(&listener->pending, &socket->waiting);
    listener->queued++;
    *settings = socket->settings;
    stack->fresh = socket;
    stack->current = socket;
    return socket;
}

int stack_may_accept(void *owner, const struct flue_tcp_tuple *tuple)
{
    const struct socket *listener = stack_listener(owner, &tuple->local_ip, tuple->local_port);

    return listener != NULL && listener->queued < listener->backlog;
}

uint32_t stack_initial_seq(void *owner, const struct flue_tcp_tuple *tuple, flue_ps now_ps)
{
    const struct flue_stack *stack = owner;

    (void)tuple;
    return stack->callbacks.random32(stack->callbacks.ctx) + (uint32_t)(now_ps / (4 * FLUE_PS_PER_US));
}
