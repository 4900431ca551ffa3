/* SPDX-License-Identifier: GPL-2.0-only */
/* Flue's TCP as a party. */
#include "party_flue.h"

#include <stdio.h>

#include "content.h"

static int complain(struct party_flue *p, const char *what, int64_t error)
{
    (void)snprintf(p->complaint, sizeof p->complaint, "%s: %s (%s)", what, flue_stack_error_sentence((int)error),
                   flue_stack_error_name((int)error));
    return PARTY_FAILED;
}

static void output(void *ctx, const uint8_t *packet, size_t bytes)
{
    struct party_flue *p = ctx;

    p->out(p->out_ctx, packet, bytes);
}

/* Initial sequence numbers come from here: two of three are a little below 2^32, so that most transfers cross it. */
static uint32_t random32(void *ctx)
{
    struct party_flue *p = ctx;
    uint64_t number = content_mix(p->random++);

    return number % 3 == 0 ? (uint32_t)(number >> 32) : UINT32_MAX - (uint32_t)(number >> 32) % 100000u;
}

/* A socket that is bound to `local`. */
static int open_bound(struct party_flue *p, const struct flue_ip *local, uint16_t port)
{
    const struct flue_endpoint name = {.ip = *local, .port = port};
    int s = flue_socket_open(p->stack), error;

    if (s < 0) {
        return complain(p, "flue_socket_open", s);
    }
    error = flue_socket_bind(p->stack, s, &name);
    if (error < 0) {
        (void)flue_socket_close(p->stack, s);
        return complain(p, "flue_socket_bind", error);
    }
    return s;
}

static int do_listen(void *ctx, const struct flue_ip *local, uint16_t port)
{
    struct party_flue *p = ctx;
    int s = open_bound(p, local, port);
    int error = s < 0 ? 0 : flue_socket_listen(p->stack, s, 8);

    return error < 0 ? complain(p, "flue_socket_listen", error) : s;
}

static int do_connect(void *ctx, const struct flue_ip *local, const struct flue_ip *remote, uint16_t port)
{
    const struct flue_endpoint name = {.ip = *remote, .port = port};
    struct party_flue *p = ctx;
    int s = open_bound(p, local, 0);
    int error = s < 0 ? 0 : flue_socket_connect(p->stack, s, &name);

    return error < 0 && error != FLUE_STACK_EINPROGRESS ? complain(p, "flue_socket_connect", error) : s;
}

static int do_accept(void *ctx, int listener)
{
    struct party_flue *p = ctx;
    int s = flue_socket_accept(p->stack, listener, NULL);

    if (s == FLUE_STACK_EAGAIN) {
        return PARTY_END;
    }
    return s < 0 ? complain(p, "flue_socket_accept", s) : s;
}

/* Before the connection is established nothing can be sent or received, and that is no failure. */
static int still_opening(struct party_flue *p, int s)
{
    struct flue_tcp_info info;

    return flue_socket_info(p->stack, s, &info) == 0 &&
           (info.state == FLUE_TCP_SYN_SENT || info.state == FLUE_TCP_SYN_RECEIVED);
}

static int64_t answer(struct party_flue *p, int s, const char *what, int64_t result)
{
    if (result >= 0) {
        return result;
    }
    if (result == FLUE_STACK_EAGAIN || (result == FLUE_STACK_ENOTCONN && still_opening(p, s))) {
        return PARTY_WAIT;
    }
    return complain(p, what, result);
}

static int64_t do_send(void *ctx, int s, const uint8_t *data, size_t bytes)
{
    struct party_flue *p = ctx;

    return answer(p, s, "flue_socket_send", flue_socket_send(p->stack, s, data, bytes, 0));
}

static int64_t do_recv(void *ctx, int s, uint8_t *data, size_t room)
{
    struct party_flue *p = ctx;
    int64_t got = flue_socket_recv(p->stack, s, data, room, 0);

    return got == 0 ? PARTY_END : answer(p, s, "flue_socket_recv", got);
}

static int do_shut(void *ctx, int s)
{
    struct party_flue *p = ctx;

    return !still_opening(p, s) && flue_socket_shutdown(p->stack, s, FLUE_SHUT_WRITE) == 0;
}

static void do_close(void *ctx, int s)
{
    struct party_flue *p = ctx;

    (void)flue_socket_close(p->stack, s);
}

static void input(void *ctx, const uint8_t *packet, size_t bytes, flue_ps now_ps)
{
    struct party_flue *p = ctx;
    int error = flue_stack_input(p->stack, packet, bytes, now_ps);

    if (error < 0 && error != FLUE_STACK_EPROTONOSUPPORT) {
        p->refusal = error;
    }
}

static void advance(void *ctx, flue_ps now_ps)
{
    struct party_flue *p = ctx;

    flue_stack_advance(p->stack, now_ps);
}

static flue_ps deadline(void *ctx)
{
    struct party_flue *p = ctx;

    return flue_stack_deadline(p->stack);
}

static const char *complaint(void *ctx)
{
    struct party_flue *p = ctx;

    return p->complaint;
}

int party_flue_open(struct party_flue *p, const struct flue_stack_config *config, uint64_t seed,
                    void (*out)(void *ctx, const uint8_t *packet, size_t bytes), void *out_ctx)
{
    const struct flue_stack_callbacks callbacks = {.ctx = p, .output = output, .random32 = random32};
    int error;

    *p = (struct party_flue){.party = {.name = "flue",
                                       .ctx = p,
                                       .listen = do_listen,
                                       .connect = do_connect,
                                       .accept = do_accept,
                                       .send = do_send,
                                       .recv = do_recv,
                                       .shut = do_shut,
                                       .close = do_close,
                                       .input = input,
                                       .advance = advance,
                                       .deadline = deadline,
                                       .complaint = complaint},
                             .random = seed,
                             .out = out,
                             .out_ctx = out_ctx};
    error = flue_stack_new(config, &callbacks, 0, &p->stack);
    if (error < 0) {
        (void)complain(p, "flue_stack_new", error);
        return 0;
    }
    return 1;
}

void party_flue_close(struct party_flue *p)
{
    flue_stack_free(p->stack);
    p->stack = NULL;
}

int party_flue_sound(struct party_flue *p)
{
    return flue_stack_check(p->stack, p->complaint, sizeof p->complaint) == 0;
}
