/* SPDX-License-Identifier: GPL-2.0-only */
/* stack/socket.c - sockets opened, named and connected. */
#include <assert.h>

#include "stack/stack.h"

#define BACKLOG_MOST 65535u

bool stack_ip_any(const struct flue_ip *ip)
{
    return (ip->word[0] | ip->word[1] | ip->word[2] | ip->word[3]) == 0;
}

/* Unicast, as far as an address alone tells: RFC 1122 3.2.1.3, RFC 4291 2.4. */
bool stack_ip_host(const struct flue_ip *ip)
{
    if (flue_ip_is_v4(ip)) {
        return ip->word[3] >> 24 != 0 && ip->word[3] >> 28 < 14;
    }
    return !stack_ip_any(ip) && ip->word[0] >> 24 != 0xff;
}

static struct flue_tcp_tuple tuple_of(const struct socket *socket)
{
    return (struct flue_tcp_tuple){.local_ip = socket->local.ip,
                                   .remote_ip = socket->remote.ip,
                                   .local_port = socket->local.port,
                                   .remote_port = socket->remote.port};
}

int flue_socket_open(struct flue_stack *stack)
{
    struct socket *socket = socket_new(stack);
    int error;

    if (socket == NULL) {
        return FLUE_STACK_ENOMEM;
    }
    error = socket_number(socket);
    if (error != FLUE_STACK_OK) {
        socket_free(socket);
        return error;
    }
    return socket->number;
}

/* Gives an idle socket a name that is known to be good; port 0: any. */
static int name(struct socket *socket, struct flue_endpoint local)
{
    if (local.port == 0) {
        local.port = socket_pick_port(socket, &local.ip, NULL);
        if (local.port == 0) {
            return FLUE_STACK_EADDRNOTAVAIL;
        }
    } else if (!socket_name_free(socket, &local)) {
        return FLUE_STACK_EADDRINUSE;
    }
    socket->local = local;
    if (!socket_enter_port(socket)) {
        socket->local = (struct flue_endpoint){.port = 0};
        return FLUE_STACK_ENOMEM;
    }
    return FLUE_STACK_OK;
}

int flue_socket_bind(struct flue_stack *stack, int s, const struct flue_endpoint *local)
{
    struct socket *socket = stack_socket(stack, s);

    if (socket == NULL) {
        return FLUE_STACK_EBADF;
    }
    if (socket->phase != SOCKET_IDLE || socket->port != NULL) {
        return FLUE_STACK_EINVAL;
    }
    if (!stack_ip_any(&local->ip) && !stack_owns(stack, &local->ip)) {
        return FLUE_STACK_EADDRNOTAVAIL;
    }
    return name(socket, *local);
}

int flue_socket_listen(struct flue_stack *stack, int s, unsigned backlog)
{
    struct socket *socket = stack_socket(stack, s);
    bool was_bound;
    int error;

    if (socket == NULL) {
        return FLUE_STACK_EBADF;
    }
    if (backlog < 1 || backlog > BACKLOG_MOST) {
        return FLUE_STACK_EINVAL;
    }
    if (socket->phase == SOCKET_LISTENING) {
        socket->backlog = backlog;
        return FLUE_STACK_OK;
    }
    if (socket->phase != SOCKET_IDLE) {
        return FLUE_STACK_EINVAL;
    }
    was_bound = socket->port != NULL;
    if (!was_bound) {
        error = name(socket, (struct flue_endpoint){.port = 0});
        if (error != FLUE_STACK_OK) {
            return error;
        }
    } else if (!socket_name_free(socket, &socket->local)) {
        return FLUE_STACK_EADDRINUSE; /* with REUSEADDR two may be bound, but one of them listens */
    }
    error =
        socket->port->listeners > 0 ? FLUE_STACK_OK : stack_error_of(flue_tcp_listen(stack->tcp, socket->local.port));
    if (error != FLUE_STACK_OK) {
        if (!was_bound) {
            socket_leave_port(socket);
            socket->local = (struct flue_endpoint){.port = 0};
        }
        return error;
    }
    socket->phase = SOCKET_LISTENING;
    socket->backlog = backlog;
    socket->port->listeners++;
    list_remove(&socket->bound);
    list_push_front(&socket->port->sockets, &socket->bound);
    return FLUE_STACK_OK;
}

int flue_socket_accept(struct flue_stack *stack, int s, struct flue_endpoint *remote)
{
    struct socket *listener = stack_socket(stack, s);
    struct socket *socket;
    int error;

    if (listener == NULL) {
        return FLUE_STACK_EBADF;
    }
    if (listener->phase != SOCKET_LISTENING) {
        return FLUE_STACK_EINVAL;
    }
    if (list_empty(&listener->ready)) {
        return FLUE_STACK_EAGAIN;
    }
    socket = FLUE_CONTAINER_OF(list_first(&listener->ready), struct socket, waiting);
    error = socket_number(socket);
    if (error != FLUE_STACK_OK) {
        return error;
    }
    if (!socket_enter_port(socket)) {
        socket_unnumber(socket);
        return FLUE_STACK_ENOMEM;
    }
    list_remove(&socket->waiting);
    listener->queued--;
    socket->listener = NULL;
    socket->flags &= ~(uint32_t)SOCKET_READY;
    if (remote != NULL) {
        *remote = socket->remote;
    }
    socket_ask(listener, SOCKET_LOOK);
    socket_ask(socket, SOCKET_LOOK);
    error = socket->number;
    stack_settle(stack);
    return error;
}

/* The own address that a connection to `remote` begins at. */
static int own_address(const struct socket *socket, const struct flue_ip *remote, struct flue_ip *out)
{
    const struct flue_stack_config *config = &socket->stack->config;

    if (!stack_ip_any(&socket->local.ip)) {
        *out = socket->local.ip;
        return flue_ip_is_v4(out) == flue_ip_is_v4(remote) ? FLUE_STACK_OK : FLUE_STACK_EAFNOSUPPORT;
    }
    for (unsigned i = 0; i < config->address_count; i++) {
        if (flue_ip_is_v4(&config->addresses[i]) == flue_ip_is_v4(remote)) {
            *out = config->addresses[i];
            return FLUE_STACK_OK;
        }
    }
    return FLUE_STACK_EAFNOSUPPORT;
}

int flue_socket_connect(struct flue_stack *stack, int s, const struct flue_endpoint *remote)
{
    struct socket *socket = stack_socket(stack, s);
    struct flue_endpoint before;
    struct flue_tcp_tuple tuple;
    bool was_bound;
    int error;

    if (socket == NULL) {
        return FLUE_STACK_EBADF;
    }
    switch ((enum socket_phase)socket->phase) {
    case SOCKET_LISTENING:
        return FLUE_STACK_EINVAL;
    case SOCKET_OPENING:
        return FLUE_STACK_EALREADY;
    case SOCKET_OPEN:
    case SOCKET_OVER:
        return FLUE_STACK_EISCONN;
    case SOCKET_IDLE:
        break;
    }
    if (!stack_ip_host(&remote->ip) || remote->port == 0) {
        return FLUE_STACK_EINVAL;
    }
    before = socket->local;
    was_bound = socket->port != NULL;
    error = own_address(socket, &remote->ip, &socket->local.ip);
    if (error == FLUE_STACK_OK && !was_bound) {
        socket->local.port = socket_pick_port(socket, &socket->local.ip, remote);
        if (socket->local.port == 0) {
            error = FLUE_STACK_EADDRNOTAVAIL;
        } else if (!socket_enter_port(socket)) {
            error = FLUE_STACK_ENOMEM;
        }
    }
    if (error == FLUE_STACK_OK) {
        struct flue_tcp_conn *conn;

        socket->remote = *remote;
        socket->phase = SOCKET_OPENING;
        stack->current = socket;
        tuple = tuple_of(socket);
        error = stack_error_of(
            flue_tcp_connect(stack->tcp, &tuple, &socket->settings, socket, (uint32_t)s, stack->now_ps, &conn));
        stack->current = NULL;
        if (error == FLUE_STACK_OK) {
            socket->conn = conn;
            stack_settle(stack);
            return FLUE_STACK_EINPROGRESS;
        }
        socket->phase = SOCKET_IDLE;
        socket->remote = (struct flue_endpoint){.port = 0};
    }
    if (!was_bound) {
        socket_leave_port(socket);
    }
    socket->local = before;
    return error;
}

int flue_socket_local(const struct flue_stack *stack, int s, struct flue_endpoint *out)
{
    const struct socket *socket = stack_socket(stack, s);

    if (socket == NULL) {
        return FLUE_STACK_EBADF;
    }
    *out = socket->local;
    return FLUE_STACK_OK;
}

int flue_socket_remote(const struct flue_stack *stack, int s, struct flue_endpoint *out)
{
    const struct socket *socket = stack_socket(stack, s);

    if (socket == NULL) {
        return FLUE_STACK_EBADF;
    }
    if (socket->phase < SOCKET_OPENING) {
        return FLUE_STACK_ENOTCONN;
    }
    *out = socket->remote;
    return FLUE_STACK_OK;
}

int flue_socket_info(const struct flue_stack *stack, int s, struct flue_tcp_info *out)
{
    const struct socket *socket = stack_socket(stack, s);

    if (socket == NULL) {
        return FLUE_STACK_EBADF;
    }
    if (socket->conn != NULL) {
        flue_tcp_info(socket->conn, out);
        out->urgent = (socket->flags & SOCKET_URGENT) != 0; /* until it has been read, not only handed up */
    } else if (socket->phase != SOCKET_OVER) {
        return FLUE_STACK_ENOTCONN;
    } else if (socket->last != NULL) {
        *out = *socket->last;
    } else {
        *out = (struct flue_tcp_info){.tuple = tuple_of(socket), .state = FLUE_TCP_CLOSED};
    }
    return FLUE_STACK_OK;
}
