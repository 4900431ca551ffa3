/* SPDX-License-Identifier: GPL-2.0-only */
/* stack/io.c - bytes from and to the user, and what can be done now. */
#include <assert.h>

#include "stack/stack.h"

static uint32_t room_to_send(const struct socket *socket)
{
    uint32_t used = ring_bytes(&socket->send);

    return socket->phase == SOCKET_OPEN && (socket->flags & SOCKET_SHUT_WRITE) == 0 && used < socket->snd_buffer_bytes
               ? socket->snd_buffer_bytes - used
               : 0;
}

/* Puts bytes into the ring and into the engine's queue: how many, or an error. */
static int64_t queue(struct socket *socket, const uint8_t *bytes, uint32_t length)
{
    struct flue_stack *stack = socket->stack;
    struct ring *ring = &socket->send;
    flue_err err;

    if (!ring_reserve(stack, ring, ring->tail + length)) {
        if (ring->room == ring_bytes(ring)) {
            return FLUE_STACK_ENOMEM;
        }
        length = ring->room - ring_bytes(ring);
    }
    ring_write(ring, ring->tail, bytes, length);
    err = flue_tcp_send(socket->conn,
                        &(struct flue_span){.offset_bytes = ring->tail, .stream = STACK_SENT, .length_bytes = length},
                        stack->now_ps);
    if (err != FLUE_OK) {
        ring->end = ring->tail;
        ring_rest(stack, ring);
        return stack_error_of(err);
    }
    ring->tail += length;
    return length;
}

int64_t flue_socket_send(struct flue_stack *stack, int s, const void *data, size_t bytes, unsigned flags)
{
    struct socket *socket = stack_socket(stack, s);
    uint32_t room;
    int64_t result = 0;

    if (socket == NULL) {
        return FLUE_STACK_EBADF;
    }
    if ((flags & ~(unsigned)(FLUE_MSG_MORE | FLUE_MSG_OOB)) != 0) {
        return FLUE_STACK_EINVAL;
    }
    switch ((enum socket_phase)socket->phase) {
    case SOCKET_IDLE:
    case SOCKET_LISTENING:
        return FLUE_STACK_ENOTCONN;
    case SOCKET_OPENING:
        return FLUE_STACK_EAGAIN;
    case SOCKET_OVER:
        return FLUE_STACK_EPIPE;
    case SOCKET_OPEN:
        break;
    }
    if ((socket->flags & SOCKET_SHUT_WRITE) != 0) {
        return FLUE_STACK_EPIPE;
    }
    room = room_to_send(socket);
    if (bytes > 0 && room == 0) {
        return FLUE_STACK_EAGAIN;
    }
    stack->current = socket;
    if ((flags & FLUE_MSG_MORE) != 0) {
        result = socket_hold(socket, SOCKET_MORE, true);
    }
    if (result == FLUE_STACK_OK && bytes > 0) {
        result = queue(socket, data, bytes < room ? (uint32_t)bytes : room);
    }
    if ((flags & FLUE_MSG_OOB) != 0 && bytes > 0 && result == (int64_t)bytes) {
        flue_tcp_urgent(socket->conn);
    }
    if ((flags & FLUE_MSG_MORE) == 0) {
        (void)socket_hold(socket, SOCKET_MORE, false); /* without memory it waits for 200 ms, no more */
    }
    stack->current = NULL;
    socket_ask(socket, SOCKET_LOOK);
    stack_settle(stack);
    return result;
}

uint32_t socket_readable(const struct socket *socket)
{
    uint32_t bytes = ring_bytes(&socket->receive);

    if ((socket->flags & SOCKET_URGENT) != 0 && socket->urgent_mark > socket->receive.head &&
        socket->urgent_mark - socket->receive.head < bytes) {
        bytes = (uint32_t)(socket->urgent_mark - socket->receive.head);
    }
    return bytes;
}

static int64_t nothing_to_read(struct socket *socket, unsigned flags)
{
    if (socket->error != 0) {
        int error = socket->error;

        if ((flags & FLUE_MSG_PEEK) == 0) {
            socket->error = 0;
        }
        return error;
    }
    if (socket->phase == SOCKET_OVER || (socket->flags & (SOCKET_PEER_CLOSED | SOCKET_SHUT_READ)) != 0) {
        return 0;
    }
    return FLUE_STACK_EAGAIN;
}

int64_t flue_socket_recv(struct flue_stack *stack, int s, void *data, size_t room, unsigned flags)
{
    struct socket *socket = stack_socket(stack, s);
    struct ring *ring;
    uint32_t length;
    int64_t result;

    if (socket == NULL) {
        return FLUE_STACK_EBADF;
    }
    if ((flags & ~(unsigned)FLUE_MSG_PEEK) != 0) {
        return FLUE_STACK_EINVAL;
    }
    if (socket->phase < SOCKET_OPENING) {
        return FLUE_STACK_ENOTCONN;
    }
    ring = &socket->receive;
    length = socket_readable(socket);
    if (length == 0) {
        result = nothing_to_read(socket, flags);
    } else {
        length = room < length ? (uint32_t)room : length;
        result = length;
        ring_read(ring, ring->head, data, length);
        if ((flags & FLUE_MSG_PEEK) == 0 && length > 0) {
            ring_drop(stack, ring, length);
            if (ring->head > socket->urgent_mark) {
                socket->flags &= ~(uint32_t)SOCKET_URGENT;
            }
            stack->current = socket;
            if (socket->conn != NULL) {
                flue_tcp_consumed(socket->conn, length, stack->now_ps);
            }
            stack->current = NULL;
        }
    }
    socket_ask(socket, SOCKET_LOOK);
    stack_settle(stack);
    return result;
}

bool socket_make_room(struct socket *socket, const struct flue_frame *frame)
{
    uint32_t reach;

    if (frame->payload.length_bytes == 0 || socket->conn == NULL || !socket_keeps(socket)) {
        return true;
    }
    reach = flue_tcp_reach(socket->conn, frame);
    return reach == 0 || ring_reserve(socket->stack, &socket->receive, socket->rcv_offset + reach);
}

void socket_rest(struct socket *socket)
{
    struct ring *ring = &socket->receive;

    if (ring->memory == NULL) {
        return;
    }
    /* A FIN before them, or no memory for the engine's notes: then bytes stand here that it knows nothing of. */
    if (ring->end > ring->tail && socket->conn != NULL && flue_tcp_reassembly_bytes(socket->conn) == 0) {
        ring->end = ring->tail;
    }
    ring_rest(socket->stack, ring);
}

uint32_t socket_mask(const struct socket *socket)
{
    bool over = socket->phase == SOCKET_OVER;
    bool peer_closed = over || (socket->flags & SOCKET_PEER_CLOSED) != 0;
    uint32_t mask = 0;

    if (socket->phase == SOCKET_IDLE) {
        return 0;
    }
    if (socket->phase == SOCKET_LISTENING) {
        return list_empty(&socket->ready) ? 0 : FLUE_POLL_IN;
    }
    if (ring_bytes(&socket->receive) > 0 || socket->error != 0 || peer_closed ||
        (socket->flags & SOCKET_SHUT_READ) != 0) {
        mask |= FLUE_POLL_IN;
    }
    if ((socket->flags & SOCKET_URGENT) != 0) {
        mask |= FLUE_POLL_PRI;
    }
    if (room_to_send(socket) > 0) {
        mask |= FLUE_POLL_OUT;
    }
    if (socket->error != 0) {
        mask |= FLUE_POLL_ERR;
    }
    if (over || (peer_closed && (socket->flags & SOCKET_SHUT_WRITE) != 0)) {
        mask |= FLUE_POLL_HUP;
    }
    if (peer_closed) {
        mask |= FLUE_POLL_RDHUP;
    }
    return mask;
}

int flue_socket_poll(const struct flue_stack *stack, int s)
{
    const struct socket *socket = stack_socket(stack, s);

    return socket == NULL ? FLUE_STACK_EBADF : (int)socket_mask(socket);
}
