/* SPDX-License-Identifier: GPL-2.0-only */
/* stack/stack.c - stacks made and given up, their clock, and the work that events ask for. */
#include <assert.h>
#include <string.h>

#include "stack/stack.h"

#define BUFFER_MOST   (UINT32_C(1) << 30)
#define SOCKETS_MOST  (UINT32_C(1) << 20)
#define FIRST_PACKET  2048u
#define SEGMENTS_TURN 64u /* segments of one connection before the next one has its turn */

static flue_ps in_time(flue_ps now_ps)
{
    return now_ps < FLUE_STACK_PS_MOST ? now_ps : FLUE_STACK_PS_MOST;
}

static flue_ps now(void *ctx)
{
    return ((const struct flue_stack *)ctx)->now_ps;
}

/* The caller asks flue_stack_deadline(): the stack's timers are all there is to wait for. */
static void set_alarm(void *ctx, flue_ps at_ps)
{
    (void)ctx;
    (void)at_ps;
}

static void *env_allocate(void *ctx, size_t bytes)
{
    return stack_allocate(ctx, bytes);
}

static void env_release(void *ctx, void *memory, size_t bytes)
{
    if (memory != NULL) {
        stack_release(ctx, memory, bytes);
    }
}

void *stack_allocate(struct flue_stack *stack, size_t bytes)
{
    return stack->callbacks.allocate(stack->callbacks.ctx, bytes);
}

void stack_release(struct flue_stack *stack, void *memory, size_t bytes)
{
    stack->callbacks.release(stack->callbacks.ctx, memory, bytes);
}

void stack_tell(char *what, size_t room, const char *sentence)
{
    size_t length = strlen(sentence);

    if (what == NULL || room == 0) {
        return;
    }
    length = length < room ? length : room - 1;
    memcpy(what, sentence, length);
    what[length] = 0;
}

void flue_stack_defaults(struct flue_stack_config *config)
{
    *config = (struct flue_stack_config){
        .verify_checksums = 1,
        .snd_buffer_bytes = 256 * 1024,
        .sockets = 65536,
        .answer_rst = 1,
    };
    flue_tcp_defaults(&config->tcp);
}

static bool config_valid(const struct flue_stack_config *config)
{
    if (config->address_count < 1 || config->address_count > FLUE_STACK_ADDRESSES || config->snd_buffer_bytes < 1 ||
        config->snd_buffer_bytes > BUFFER_MOST || config->sockets < 1 || config->sockets > SOCKETS_MOST ||
        config->verify_checksums > 1 || config->answer_rst > 1) {
        return false;
    }
    for (unsigned i = 0; i < config->address_count; i++) {
        if (!stack_ip_host(&config->addresses[i])) {
            return false;
        }
    }
    return true;
}

static bool callbacks_valid(const struct flue_stack_callbacks *callbacks)
{
    return callbacks->output != NULL && callbacks->random32 != NULL &&
           (callbacks->allocate == NULL) == (callbacks->release == NULL);
}

static flue_err make_parts(struct flue_stack *stack)
{
    static const struct flue_tcp_ops ops = {
        .output = stack_output,
        .event = stack_event,
        .accept = stack_accept,
        .may_accept = stack_may_accept,
        .keep = stack_keep,
        .initial_seq = stack_initial_seq,
    };
    flue_err err = timers_init(&stack->timers, &stack->env);

    if (err == FLUE_OK) {
        err = hash_table_init(&stack->port_table, &stack->env, 0);
    }
    if (err == FLUE_OK) {
        stack->packet = stack_allocate(stack, FIRST_PACKET);
        stack->packet_room = stack->packet == NULL ? 0 : FIRST_PACKET;
        err = stack->packet == NULL ? FLUE_ENOMEM : FLUE_OK;
    }
    if (err == FLUE_OK) {
        err = flue_tcp_new(&stack->env, &stack->timers, &stack->trace, &stack->config.tcp, &ops, stack, 0, &stack->tcp);
    }
    return err;
}

int flue_stack_new(const struct flue_stack_config *config, const struct flue_stack_callbacks *callbacks, flue_ps now_ps,
                   struct flue_stack **out)
{
    struct flue_stack_callbacks own = *callbacks;
    struct flue_stack *stack;
    flue_err err;

    *out = NULL;
    if (!config_valid(config) || !callbacks_valid(callbacks) || now_ps < 0) {
        return FLUE_STACK_EINVAL;
    }
    if (own.allocate == NULL) {
        own.allocate = stack_heap_allocate;
        own.release = stack_heap_release;
    }
    stack = own.allocate(own.ctx, sizeof *stack);
    if (stack == NULL) {
        return FLUE_STACK_ENOMEM;
    }
    *stack = (struct flue_stack){
        .config = *config,
        .callbacks = own,
        .now_ps = in_time(now_ps),
        .env = {.ctx = stack, .now = now, .set_alarm = set_alarm, .allocate = env_allocate, .release = env_release},
        /* Changes of state are told by the trace; who does not listen does not pay for it. */
        .trace = {.ctx = stack, .emit = own.event == NULL ? NULL : stack_trace},
    };
    list_init(&stack->all);
    list_init(&stack->work);
    pool_init(&stack->sockets, &stack->env, sizeof(struct socket));
    pool_init(&stack->infos, &stack->env, sizeof(struct flue_tcp_info));
    pool_init(&stack->ports, &stack->env, sizeof(struct port));
    pool_init(&stack->rings, &stack->env, RING_LEAST);
    err = make_parts(stack);
    if (err != FLUE_OK) {
        flue_stack_free(stack);
        return stack_error_of(err);
    }
    *out = stack;
    return FLUE_STACK_OK;
}

void flue_stack_free(struct flue_stack *stack)
{
    if (stack == NULL) {
        return;
    }
    stack->callbacks.event = NULL;
    stack->trace.emit = NULL;
    FLUE_LIST_EACH_SAFE(hook, &stack->all)
    {
        struct socket *socket = FLUE_CONTAINER_OF(hook, struct socket, all);

        if (socket->conn != NULL) {
            flue_tcp_release(socket->conn);
            socket->conn = NULL;
        }
        socket_free(socket);
    }
    flue_tcp_free(stack->tcp);
    pool_dispose(&stack->sockets);
    pool_dispose(&stack->infos);
    pool_dispose(&stack->ports);
    pool_dispose(&stack->rings);
    hash_table_dispose(&stack->port_table);
    timers_dispose(&stack->timers);
    if (stack->table != NULL) {
        stack_release(stack, stack->table, stack->table_room * sizeof(struct socket *));
    }
    if (stack->packet != NULL) {
        stack_release(stack, stack->packet, stack->packet_room);
    }
    if (stack->spare != NULL) {
        stack_release(stack, stack->spare, stack->spare_room);
    }
    stack_release(stack, stack, sizeof *stack);
}

bool stack_owns(const struct flue_stack *stack, const struct flue_ip *ip)
{
    for (unsigned i = 0; i < stack->config.address_count; i++) {
        if (flue_ip_equal(&stack->config.addresses[i], ip)) {
            return true;
        }
    }
    return false;
}

/* Tells what the socket's mask has gained. */
static void look(struct socket *socket)
{
    struct flue_stack *stack = socket->stack;
    uint32_t mask, gained;

    if (stack->callbacks.event == NULL || socket->number < 0) {
        return;
    }
    mask = socket_mask(socket);
    gained = mask & ~socket->poll;
    socket->poll = mask;
    if (gained != 0) {
        const struct flue_stack_event event = {
            .kind = FLUE_STACK_EV_READY, .socket = socket->number, .poll = gained, .at_ps = stack->now_ps};

        stack->callbacks.event(stack->callbacks.ctx, &event);
    }
}

void stack_settle(struct flue_stack *stack)
{
    struct flue_hook *hook;

    while ((hook = list_pop_front(&stack->work)) != NULL) {
        struct socket *socket = FLUE_CONTAINER_OF(hook, struct socket, work);
        unsigned todo = socket->todo;

        socket->todo = 0;
        stack->current = socket;
        if ((todo & SOCKET_ABORT) != 0 && socket->conn != NULL) {
            flue_tcp_abort(socket->conn, stack->now_ps);
        }
        if ((todo & SOCKET_OUTPUT) != 0 && socket->conn != NULL &&
            flue_tcp_output(socket->conn, SEGMENTS_TURN, stack->now_ps) != 0 && socket->conn != NULL) {
            socket_ask(socket, SOCKET_OUTPUT);
        }
        stack->current = NULL;
        if (socket->conn == NULL && socket->number < 0) {
            socket_free(socket);
        } else {
            look(socket);
        }
    }
}

void stack_run(struct flue_stack *stack, flue_ps now_ps)
{
    now_ps = in_time(now_ps);
    /* One deadline after the other, so that each is met at its own time. */
    while (timers_next(&stack->timers) <= now_ps) {
        flue_ps due_ps = timers_next(&stack->timers);

        if (due_ps > stack->now_ps) {
            stack->now_ps = due_ps;
        }
        timers_run(&stack->timers, stack->now_ps);
        stack_settle(stack);
    }
    if (now_ps > stack->now_ps) {
        stack->now_ps = now_ps;
    }
}

void flue_stack_advance(struct flue_stack *stack, flue_ps now_ps)
{
    stack_run(stack, now_ps);
}

flue_ps flue_stack_deadline(const struct flue_stack *stack)
{
    flue_ps due_ps = timers_next(&stack->timers);

    return due_ps <= FLUE_STACK_PS_MOST ? due_ps : FLUE_PS_NEVER;
}

flue_ps flue_stack_now(const struct flue_stack *stack)
{
    return stack->now_ps;
}

void flue_stack_totals(const struct flue_stack *stack, struct flue_tcp_totals *out)
{
    flue_tcp_totals(stack->tcp, out);
}
