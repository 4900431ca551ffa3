/* SPDX-License-Identifier: GPL-2.0-only */
/* stack/check.c - every invariant of a stack: its own, those of each socket, those of each connection. */
#include "stack/stack.h"

struct counts {
    uint64_t connections;
    uint32_t numbers, ports;
};

static const char *check_ring(const struct ring *ring)
{
    if (ring->head > ring->tail || ring->tail > ring->end) {
        return "the offsets of a ring are out of order";
    }
    if ((ring->memory == NULL) != (ring->room == 0) || (ring->room & (ring->room - 1)) != 0) {
        return "a ring has no room of its own size";
    }
    if (ring->end - ring->head > ring->room) {
        return "a ring holds more than it has room for";
    }
    return NULL;
}

struct queue {
    uint64_t to;
    uint64_t most;
    uint32_t next_seq;
    bool fits;
};

static void visit_sent(void *arg, const struct flue_span *span)
{
    struct queue *queue = arg;

    queue->fits = queue->fits && span->stream == STACK_SENT && span->offset_bytes == queue->to;
    queue->to += span->length_bytes;
}

static void visit_kept(void *arg, uint32_t seq, const struct flue_span *span)
{
    struct queue *queue = arg;

    queue->fits = queue->fits && span->stream == STACK_RECEIVED &&
                  span->offset_bytes == queue->to + (seq - queue->next_seq) &&
                  span->offset_bytes + span->length_bytes <= queue->most;
}

static const char *check_connection(const struct socket *socket)
{
    struct queue sent = {.to = socket->send.head, .fits = true};
    struct queue kept = {.to = socket->rcv_offset, .most = socket->receive.end, .fits = true};
    struct flue_tcp_info info;
    const char *wrong = flue_tcp_check(socket->conn);

    if (wrong != NULL) {
        return wrong;
    }
    if (flue_tcp_user(socket->conn) != socket) {
        return "a connection belongs to another socket";
    }
    if ((flue_tcp_closed(socket->conn) != 0) != ((socket->flags & SOCKET_SHUT_WRITE) != 0)) {
        return "socket and connection disagree whether the sending side is shut";
    }
    flue_tcp_info(socket->conn, &info);
    flue_tcp_visit_send_queue(socket->conn, visit_sent, &sent);
    if (!sent.fits || sent.to != socket->send.tail || info.queued_bytes != sent.to - socket->send.head) {
        return "the send queue is not what the send ring holds";
    }
    if (socket->number >= 0 && info.unread_bytes != ring_bytes(&socket->receive)) {
        return "the engine counts other bytes as unread than the receive ring holds";
    }
    if (socket->phase == SOCKET_OPEN && (socket->flags & SOCKET_PEER_CLOSED) == 0 && socket->rcv_seq != info.rcv_nxt) {
        return "a socket has lost its place in the sequence";
    }
    if ((socket->flags & SOCKET_SHUT_READ) != 0 || (socket->number < 0 && socket->listener == NULL)) {
        kept.most = UINT64_MAX; /* what nobody will read is not stored */
    }
    kept.next_seq = info.rcv_nxt;
    flue_tcp_visit_reassembly(socket->conn, visit_kept, &kept);
    return kept.fits ? NULL : "data out of order are not in the receive ring";
}

static const char *check_listener(const struct socket *socket)
{
    uint32_t queued = 0;

    FLUE_LIST_EACH(hook, &socket->pending)
    {
        queued += FLUE_CONTAINER_OF(hook, struct socket, waiting)->listener == socket ? 1 : 0x10000;
    }
    FLUE_LIST_EACH(hook, &socket->ready)
    {
        const struct socket *waiting = FLUE_CONTAINER_OF(hook, struct socket, waiting);

        queued += waiting->listener == socket && waiting->phase == SOCKET_OPEN ? 1 : 0x10000;
    }
    return queued == socket->queued ? NULL : "a listener has lost count of those that wait";
}

/* Its listeners stand in front. */
static const char *check_port(const struct port *port)
{
    uint32_t count = 0;
    uint32_t listeners = 0;

    FLUE_LIST_EACH(hook, &port->sockets)
    {
        const struct socket *socket = FLUE_CONTAINER_OF(hook, struct socket, bound);

        listeners += socket->phase == SOCKET_LISTENING && listeners == count;
        count++;
        if (socket->port != port || (socket->phase == SOCKET_LISTENING && listeners != count)) {
            return "a port's sockets are out of order";
        }
    }
    return count == port->count && listeners == port->listeners ? NULL : "a port has lost count of its sockets";
}

static const char *check_socket(const struct socket *socket, struct counts *counts)
{
    const struct flue_stack *stack = socket->stack;
    const char *wrong = check_ring(&socket->send);

    wrong = wrong != NULL ? wrong : check_ring(&socket->receive);
    wrong = wrong != NULL ? wrong : check_listener(socket);
    if (wrong != NULL) {
        return wrong;
    }
    if (socket->number >= 0 && stack_socket(stack, socket->number) != socket) {
        return "a socket's number is another's";
    }
    if (socket->send.tail != socket->send.end) {
        return "the send ring has a gap";
    }
    if (socket->receive.tail != socket->rcv_offset && (socket->flags & SOCKET_SHUT_READ) == 0 && socket->number >= 0) {
        return "the receive ring has lost its place in the stream";
    }
    if ((socket->conn != NULL) != (socket->phase == SOCKET_OPENING || socket->phase == SOCKET_OPEN)) {
        return "a socket has a connection in a phase without one, or none in a phase with one";
    }
    if (socket->conn == NULL && socket->number < 0) {
        return "a socket is left that nobody needs";
    }
    if (socket->port != NULL && (socket->number < 0 || stack_port(stack, socket->local.port) != socket->port)) {
        return "a socket is bound to another port than it says";
    }
    if (socket->port != NULL && list_first(&socket->port->sockets) == &socket->bound) {
        counts->ports++;
        wrong = check_port(socket->port);
    }
    counts->numbers += socket->number >= 0;
    counts->connections += socket->conn != NULL;
    return wrong != NULL || socket->conn == NULL ? wrong : check_connection(socket);
}

static const char *check_tables(const struct flue_stack *stack, const struct counts *counts)
{
    struct flue_tcp_totals totals;
    uint32_t numbers = 0;

    for (uint32_t i = 0; i < stack->table_room; i++) {
        numbers += stack->table[i] != NULL;
        if (stack->table[i] == NULL && i < stack->table_free) {
            return "a free number is not found";
        }
    }
    flue_tcp_totals(stack->tcp, &totals);
    if (numbers != counts->numbers || stack->port_table.count != counts->ports ||
        totals.connections != counts->connections) {
        return "sockets, numbers, ports and connections do not count the same";
    }
    return list_empty(&stack->work) ? NULL : "work was left";
}

int flue_stack_check(const struct flue_stack *stack, char *what, size_t room)
{
    struct counts counts = {.connections = 0};
    const char *wrong = NULL;

    FLUE_LIST_EACH(hook, &stack->all)
    {
        wrong = wrong != NULL ? wrong : check_socket(FLUE_CONTAINER_OF(hook, struct socket, all), &counts);
    }
    wrong = wrong != NULL ? wrong : check_tables(stack, &counts);
    stack_tell(what, room, wrong == NULL ? "" : wrong);
    return wrong == NULL ? FLUE_STACK_OK : FLUE_STACK_EFAULT;
}
