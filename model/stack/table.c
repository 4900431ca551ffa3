/* SPDX-License-Identifier: GPL-2.0-only */
/* stack/table.c - sockets by number and by local port. */
#include <assert.h>
#include <string.h>

#include "stack/stack.h"

#define FIRST_TABLE     16u
#define EPHEMERAL_FIRST 49152u /* RFC 6335 6 */
#define EPHEMERAL_COUNT 16384u

struct socket *stack_socket(const struct flue_stack *stack, int s)
{
    return s >= 0 && (uint32_t)s < stack->table_room ? stack->table[s] : NULL;
}

struct socket *socket_new(struct flue_stack *stack)
{
    struct socket *socket = pool_get(&stack->sockets);

    if (socket == NULL) {
        return NULL;
    }
    /* A place for the linger timer, so that arming it cannot fail. */
    if (timers_reserve(&stack->timers, 1) != FLUE_OK) {
        pool_put(&stack->sockets, socket);
        return NULL;
    }
    *socket = (struct socket){
        .stack = stack,
        .number = -1,
        .settings = flue_tcp_stack_settings(stack->tcp),
        .snd_buffer_bytes = stack->config.snd_buffer_bytes,
        .linger_ms = -1,
    };
    socket->settings.fin_wait_2_ps = FLUE_PS_NEVER; /* as long as a user may read (RFC 9293 3.6) */
    socket->rcv_most_bytes = socket->settings.rcv_buffer_bytes;
    timer_setup(&socket->linger, socket_linger_fire);
    list_init(&socket->pending);
    list_init(&socket->ready);
    list_push_back(&stack->all, &socket->all);
    return socket;
}

void socket_free(struct socket *socket)
{
    struct flue_stack *stack = socket->stack;

    assert(socket->conn == NULL);
    socket_unnumber(socket);
    if (hook_linked(&socket->waiting)) {
        list_remove(&socket->waiting);
    }
    if (socket->listener != NULL) {
        socket->listener->queued--;
    }
    /* Only when the whole stack goes, a listener goes before those that wait for it. */
    FLUE_LIST_EACH_SAFE(hook, &socket->pending)
    {
        FLUE_CONTAINER_OF(hook, struct socket, waiting)->listener = NULL;
        list_remove(hook);
    }
    FLUE_LIST_EACH_SAFE(hook, &socket->ready)
    {
        FLUE_CONTAINER_OF(hook, struct socket, waiting)->listener = NULL;
        list_remove(hook);
    }
    if (hook_linked(&socket->work)) {
        list_remove(&socket->work);
    }
    timers_remove(&stack->timers, &socket->linger);
    timers_unreserve(&stack->timers, 1);
    ring_clear(stack, &socket->send);
    ring_drop(stack, &socket->receive, ring_bytes(&socket->receive));
    ring_clear(stack, &socket->receive);
    pool_put(&stack->infos, socket->last);
    list_remove(&socket->all);
    pool_put(&stack->sockets, socket);
}

static bool grow_table(struct flue_stack *stack)
{
    uint32_t room = stack->table_room == 0 ? FIRST_TABLE : stack->table_room * 2;
    struct socket **table;

    if (room > stack->config.sockets) {
        room = stack->config.sockets;
    }
    table = stack_allocate(stack, room * sizeof(struct socket *));
    if (table == NULL) {
        return false;
    }
    if (stack->table != NULL) {
        memcpy(table, stack->table, stack->table_room * sizeof(struct socket *));
        stack_release(stack, stack->table, stack->table_room * sizeof(struct socket *));
    }
    stack->table = table;
    stack->table_room = room;
    return true;
}

int socket_number(struct socket *socket)
{
    struct flue_stack *stack = socket->stack;

    while (stack->table_free < stack->table_room && stack->table[stack->table_free] != NULL) {
        stack->table_free++;
    }
    if (stack->table_free == stack->table_room) {
        if (stack->table_room == stack->config.sockets) {
            return FLUE_STACK_EMFILE;
        }
        if (!grow_table(stack)) {
            return FLUE_STACK_ENOMEM;
        }
    }
    socket->number = (int)stack->table_free;
    stack->table[stack->table_free++] = socket;
    return FLUE_STACK_OK;
}

void socket_unnumber(struct socket *socket)
{
    struct flue_stack *stack = socket->stack;

    socket_leave_port(socket);
    if (socket->number < 0) {
        return;
    }
    stack->table[socket->number] = NULL;
    if ((uint32_t)socket->number < stack->table_free) {
        stack->table_free = (uint32_t)socket->number;
    }
    socket->number = -1;
}

static bool is_port(const void *item, const void *key)
{
    return ((const struct port *)item)->number == *(const uint16_t *)key;
}

struct port *stack_port(const struct flue_stack *stack, uint16_t number)
{
    return hash_table_find(&stack->port_table, hash_u64(number), is_port, &number);
}

bool socket_enter_port(struct socket *socket)
{
    struct flue_stack *stack = socket->stack;
    uint16_t number = socket->local.port;
    struct port *port = stack_port(stack, number);

    assert(socket->port == NULL);
    if (port == NULL) {
        port = pool_get(&stack->ports);
        if (port == NULL) {
            return false;
        }
        *port = (struct port){.number = number};
        list_init(&port->sockets);
        if (hash_table_insert(&stack->port_table, hash_u64(number), port) != FLUE_OK) {
            pool_put(&stack->ports, port);
            return false;
        }
    }
    socket->port = port;
    port->count++;
    list_push_back(&port->sockets, &socket->bound);
    return true;
}

void socket_leave_port(struct socket *socket)
{
    struct flue_stack *stack = socket->stack;
    struct port *port = socket->port;

    if (port == NULL) {
        return;
    }
    if (socket->phase == SOCKET_LISTENING && --port->listeners == 0 && stack->tcp != NULL) {
        flue_tcp_unlisten(stack->tcp, port->number);
    }
    list_remove(&socket->bound);
    socket->port = NULL;
    if (--port->count == 0) {
        (void)hash_table_remove(&stack->port_table, hash_u64(port->number), port);
        pool_put(&stack->ports, port);
    }
}

struct socket *stack_listener(const struct flue_stack *stack, const struct flue_ip *ip, uint16_t number)
{
    const struct port *port = stack_port(stack, number);
    uint32_t left = port == NULL ? 0 : port->listeners;
    struct socket *any = NULL;

    /* Listeners stand in front. */
    for (struct flue_hook *hook = left == 0 ? NULL : port->sockets.next; left > 0; hook = hook->next) {
        struct socket *socket = FLUE_CONTAINER_OF(hook, struct socket, bound);

        left--;
        if (flue_ip_equal(&socket->local.ip, ip)) {
            return socket;
        }
        if (stack_ip_any(&socket->local.ip)) {
            any = socket;
        }
    }
    return any;
}

static bool overlap(const struct flue_ip *a, const struct flue_ip *b)
{
    return stack_ip_any(a) || stack_ip_any(b) || flue_ip_equal(a, b);
}

bool socket_name_free(const struct socket *socket, const struct flue_endpoint *local)
{
    const struct port *port = stack_port(socket->stack, local->port);

    if (port == NULL) {
        return true;
    }
    FLUE_LIST_EACH(hook, &port->sockets)
    {
        const struct socket *other = FLUE_CONTAINER_OF(hook, struct socket, bound);

        if (other != socket && overlap(&other->local.ip, &local->ip) &&
            (other->phase == SOCKET_LISTENING || (socket->flags & other->flags & SOCKET_REUSE) == 0)) {
            return false;
        }
    }
    return true;
}

/* A connection may share its port with connections to other peers, but takes it from nobody who has bound it. */
static bool free_for(const struct socket *socket, const struct flue_tcp_tuple *tuple)
{
    const struct port *port = stack_port(socket->stack, tuple->local_port);

    if (flue_tcp_find_tuple(socket->stack->tcp, tuple) != NULL) {
        return false;
    }
    if (port == NULL) {
        return true;
    }
    FLUE_LIST_EACH(hook, &port->sockets)
    {
        const struct socket *other = FLUE_CONTAINER_OF(hook, struct socket, bound);

        if (other->phase <= SOCKET_LISTENING && overlap(&other->local.ip, &tuple->local_ip)) {
            return false;
        }
    }
    return true;
}

uint16_t socket_pick_port(const struct socket *socket, const struct flue_ip *local_ip,
                          const struct flue_endpoint *remote)
{
    const struct flue_stack_callbacks *callbacks = &socket->stack->callbacks;
    uint32_t first = callbacks->random32(callbacks->ctx) % EPHEMERAL_COUNT;

    for (uint32_t i = 0; i < EPHEMERAL_COUNT; i++) {
        uint16_t number = (uint16_t)(EPHEMERAL_FIRST + (first + i) % EPHEMERAL_COUNT);

        if (remote == NULL) {
            if (socket_name_free(socket, &(struct flue_endpoint){.ip = *local_ip, .port = number})) {
                return number;
            }
        } else if (free_for(socket, &(struct flue_tcp_tuple){.local_ip = *local_ip,
                                                             .remote_ip = remote->ip,
                                                             .local_port = number,
                                                             .remote_port = remote->port})) {
            return number;
        }
    }
    return 0;
}
