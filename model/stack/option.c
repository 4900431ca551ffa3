/* SPDX-License-Identifier: GPL-2.0-only */
/* stack/option.c - socket options: ranges, and which member of the engine's settings they are. */
#include <stddef.h>

#include "stack/stack.h"

#define BUFFER_MOST (INT64_C(1) << 30)
#define MSS_LEAST   88
#define MSS_MOST    65495
#define ECN_BITS    INT64_C(3)
#define WSCALE_MOST 14u

/* How an option's value is told in a member of the engine's settings. */
enum form {
    FORM_OTHER, /* it is none */
    FORM_PLAIN,
    FORM_NOT,
    FORM_TOS, /* without the ECN bits, which are the engine's */
    FORM_MS   /* a time of at least a tick, or 0; FLUE_PS_NEVER, which only a move brings, reads as 0 */
};

#define MEMBER(name) offsetof(struct flue_tcp_settings, name), sizeof(((struct flue_tcp_settings *)NULL)->name)
#define NO_MEMBER    0, 0, FORM_OTHER

/* least = most = 0: it can only be read. */
static const struct option {
    int64_t least, most;
    size_t offset, width;
    enum form form;
} options[] = {
    [FLUE_SO_NODELAY] = {0, 1, MEMBER(nagle), FORM_NOT},
    [FLUE_SO_CORK] = {0, 1, NO_MEMBER},
    [FLUE_SO_MAXSEG] = {MSS_LEAST, MSS_MOST, MEMBER(mss_bytes), FORM_PLAIN},
    [FLUE_SO_KEEPALIVE] = {0, 1, MEMBER(keep_alive), FORM_PLAIN},
    [FLUE_SO_KEEPIDLE] = {1, INT32_MAX, MEMBER(keep_idle_ps), FORM_MS},
    [FLUE_SO_KEEPINTVL] = {1, INT32_MAX, MEMBER(keep_interval_ps), FORM_MS},
    [FLUE_SO_KEEPCNT] = {1, 255, MEMBER(keep_count), FORM_PLAIN},
    [FLUE_SO_USER_TIMEOUT] = {0, INT32_MAX, MEMBER(user_timeout_ps), FORM_MS},
    [FLUE_SO_SNDBUF] = {1, BUFFER_MOST, NO_MEMBER},
    [FLUE_SO_RCVBUF] = {1, BUFFER_MOST, MEMBER(rcv_buffer_bytes), FORM_PLAIN},
    [FLUE_SO_LINGER] = {-1, INT32_MAX, NO_MEMBER},
    [FLUE_SO_REUSEADDR] = {0, 1, NO_MEMBER},
    [FLUE_SO_TOS] = {0, 255, MEMBER(tos), FORM_TOS},
    [FLUE_SO_TTL] = {1, 255, MEMBER(ttl), FORM_PLAIN},
    [FLUE_SO_CONGESTION] = {FLUE_TCP_NEWRENO, FLUE_TCP_CUBIC, MEMBER(congestion), FORM_PLAIN},
    [FLUE_SO_ERROR] = {0, 0, NO_MEMBER},
    [FLUE_SO_READABLE] = {0, 0, NO_MEMBER},
    [FLUE_SO_UNSENT] = {0, 0, NO_MEMBER},
    [FLUE_SO_LISTENING] = {0, 0, NO_MEMBER},
};

#define OPTIONS (sizeof options / sizeof options[0])

int socket_apply(struct socket *socket, const struct flue_tcp_settings *settings)
{
    struct flue_stack *stack = socket->stack;

    if (socket->conn != NULL) {
        struct socket *before = stack->current;
        flue_err err;

        stack->current = socket;
        err = flue_tcp_change(socket->conn, settings, stack->now_ps);
        stack->current = before;
        if (err != FLUE_OK) {
            return stack_error_of(err);
        }
    }
    socket->settings = *settings;
    if (settings->rcv_buffer_bytes > socket->rcv_most_bytes) {
        socket->rcv_most_bytes = settings->rcv_buffer_bytes;
    }
    return FLUE_STACK_OK;
}

int socket_hold(struct socket *socket, enum socket_flag flag, bool on)
{
    uint32_t flags = on ? socket->flags | (uint32_t)flag : socket->flags & ~(uint32_t)flag;
    struct flue_tcp_settings settings = socket->settings;
    int error;

    settings.cork = (flags & (SOCKET_CORK | SOCKET_MORE)) != 0;
    error = settings.cork == socket->settings.cork ? FLUE_STACK_OK : socket_apply(socket, &settings);
    if (error == FLUE_STACK_OK) {
        socket->flags = flags;
    }
    return error;
}

static int64_t load(const struct flue_tcp_settings *settings, const struct option *option)
{
    const void *member = (const uint8_t *)settings + option->offset;

    switch (option->width) {
    case sizeof(uint8_t):
        return *(const uint8_t *)member;
    case sizeof(uint32_t):
        return *(const uint32_t *)member;
    }
    return *(const flue_ps *)member;
}

static void store(struct flue_tcp_settings *settings, const struct option *option, int64_t value)
{
    void *member = (uint8_t *)settings + option->offset;

    switch (option->width) {
    case sizeof(uint8_t):
        *(uint8_t *)member = (uint8_t)value;
        return;
    case sizeof(uint32_t):
        *(uint32_t *)member = (uint32_t)value;
        return;
    }
    *(flue_ps *)member = value;
}

/* An option's value as the engine wants it; timers of the engine are at least a tick long. */
static int64_t inward(const struct socket *socket, enum form form, int64_t value)
{
    flue_ps tick_ps = socket->stack->config.tcp.tick_ps;

    switch (form) {
    case FORM_NOT:
        return value == 0;
    case FORM_TOS:
        return value & ~ECN_BITS;
    case FORM_MS:
        return value > 0 && value * FLUE_PS_PER_MS < tick_ps ? tick_ps : value * FLUE_PS_PER_MS;
    case FORM_OTHER:
    case FORM_PLAIN:
        break;
    }
    return value;
}

static int64_t outward(enum form form, int64_t value)
{
    switch (form) {
    case FORM_NOT:
        return value == 0;
    case FORM_MS:
        return value == FLUE_PS_NEVER ? 0 : value / FLUE_PS_PER_MS;
    case FORM_TOS:
    case FORM_OTHER:
    case FORM_PLAIN:
        break;
    }
    return value;
}

/* The shift of the windows that this socket's connection tells, or will tell as far as that is settled. */
static unsigned wscale(const struct socket *socket)
{
    const struct flue_tcp_params *params = &socket->stack->config.tcp;
    struct flue_tcp_info info;

    if (socket->conn != NULL) {
        flue_tcp_info(socket->conn, &info);
        return info.rcv_wscale;
    }
    return params->window_scaling != 0 && params->rcv_wscale <= WSCALE_MOST ? params->rcv_wscale : 0;
}

int flue_socket_set(struct flue_stack *stack, int s, enum flue_socket_option option, int64_t value)
{
    struct socket *socket = stack_socket(stack, s);
    struct flue_tcp_settings settings;
    int error = FLUE_STACK_OK;

    if (socket == NULL) {
        return FLUE_STACK_EBADF;
    }
    if ((unsigned)option >= OPTIONS || option >= FLUE_SO_ERROR) {
        return FLUE_STACK_ENOPROTOOPT;
    }
    if (value < options[option].least || value > options[option].most ||
        (option == FLUE_SO_MAXSEG && socket->phase >= SOCKET_OPENING)) {
        return FLUE_STACK_EINVAL;
    }
    if (option == FLUE_SO_RCVBUF && value >> wscale(socket) == 0) {
        return FLUE_STACK_EINVAL; /* the window field would be 0 for ever */
    }
    if (options[option].form != FORM_OTHER) {
        settings = socket->settings;
        store(&settings, &options[option], inward(socket, options[option].form, value));
        error = socket_apply(socket, &settings);
    } else if (option == FLUE_SO_CORK) {
        error = socket_hold(socket, SOCKET_CORK, value != 0);
    } else if (option == FLUE_SO_SNDBUF) {
        socket->snd_buffer_bytes = (uint32_t)value;
    } else if (option == FLUE_SO_LINGER) {
        socket->linger_ms = (int32_t)value;
    } else if (value != 0) {
        socket->flags |= SOCKET_REUSE;
    } else {
        socket->flags &= ~(uint32_t)SOCKET_REUSE;
    }
    socket_ask(socket, SOCKET_LOOK);
    stack_settle(stack);
    return error;
}

int flue_socket_get(struct flue_stack *stack, int s, enum flue_socket_option option, int64_t *value)
{
    struct socket *socket = stack_socket(stack, s);

    if (socket == NULL) {
        return FLUE_STACK_EBADF;
    }
    if ((unsigned)option < OPTIONS && options[option].form != FORM_OTHER) {
        *value = outward(options[option].form, load(&socket->settings, &options[option]));
        return FLUE_STACK_OK;
    }
    switch ((unsigned)option) {
    case FLUE_SO_CORK:
        *value = (socket->flags & SOCKET_CORK) != 0;
        return FLUE_STACK_OK;
    case FLUE_SO_SNDBUF:
        *value = socket->snd_buffer_bytes;
        return FLUE_STACK_OK;
    case FLUE_SO_LINGER:
        *value = socket->linger_ms;
        return FLUE_STACK_OK;
    case FLUE_SO_REUSEADDR:
        *value = (socket->flags & SOCKET_REUSE) != 0;
        return FLUE_STACK_OK;
    case FLUE_SO_ERROR:
        *value = socket->error;
        socket->error = 0;
        socket_ask(socket, SOCKET_LOOK);
        stack_settle(stack);
        return FLUE_STACK_OK;
    case FLUE_SO_READABLE:
        *value = socket_readable(socket);
        return FLUE_STACK_OK;
    case FLUE_SO_UNSENT:
        *value = ring_bytes(&socket->send);
        return FLUE_STACK_OK;
    case FLUE_SO_LISTENING:
        *value = socket->phase == SOCKET_LISTENING;
        return FLUE_STACK_OK;
    }
    return FLUE_STACK_ENOPROTOOPT;
}
