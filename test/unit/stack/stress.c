/* SPDX-License-Identifier: GPL-2.0-only */
/* Any call at any time, under loss and want of memory: the stacks stay whole, and in the end nothing is left.
 *     stress [SEEDS [FIRST]] */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "duo.h"

#define SOCKETS 14
#define STEPS   1500

static struct duo duo;
static uint8_t bytes[40000], image[3000000];
static uint32_t state;
static unsigned seeds = 60, first = 1;

static uint32_t any(uint32_t below)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 7) % below;
}

static struct flue_endpoint somewhere(int side)
{
    struct flue_endpoint at = {.port = (uint16_t)(any(3) == 0 ? 0 : 80 + any(4))};

    switch (any(3)) {
    case 0:
        break;
    case 1:
        at.ip = duo.side[side].ip;
        break;
    case 2:
        at.ip = duo.side[side].ip6;
        break;
    }
    return at;
}

static void set_something(struct flue_stack *stack, int s)
{
    static const int64_t values[] = {-1, 0, 1, 2, 100, 200, 500, 1460, 4000, 20000, 65535};

    (void)flue_socket_set(stack, s, (enum flue_socket_option)any(20), values[any(COUNT_OF(values))]);
}

static void move(struct flue_stack *stack, int s)
{
    int64_t length = flue_socket_export(stack, s, image, any(20) == 0 ? 5 : sizeof image);
    char what[100];

    if (length > 0 && flue_socket_poll(stack, s) == FLUE_STACK_EBADF) {
        for (int again = 0; again < 100; again++) {
            int t = flue_socket_import(stack, image, (size_t)length, what, sizeof what);

            if (t >= 0) {
                return;
            }
            if (t != FLUE_STACK_ENOMEM) {
                fail_msg("import: %s, %s", flue_stack_error_name(t), what);
            }
        }
    }
}

static void move_state(struct flue_stack *stack, int s)
{
    static uint8_t send[2000000], unread[2000000];
    struct flue_tcp_state form;
    size_t send_bytes = sizeof send, unread_bytes = sizeof unread;

    if (flue_socket_detach(stack, s, &form, send, &send_bytes, unread, &unread_bytes) == 0) {
        for (int again = 0; again < 100; again++) {
            int t = flue_socket_attach(stack, &form, send, send_bytes, unread, unread_bytes);

            if (t >= 0) {
                return;
            }
            if (t != FLUE_STACK_ENOMEM) {
                fail_msg("attach: %s", flue_stack_error_name(t));
            }
        }
    }
}

static void act(void)
{
    int side = (int)any(2);
    struct flue_stack *stack = duo.side[side].stack;
    int s = (int)any(SOCKETS);
    struct flue_endpoint at;
    int64_t value;

    switch (any(24)) {
    case 0:
    case 1:
        for (int tries = 0; tries < 4; tries++) {
            s = (int)any(SOCKETS);
            if ((flue_socket_poll(stack, s) & FLUE_POLL_OUT) == 0 || any(6) == 0) {
                (void)flue_socket_close(stack, s);
            }
        }
        at = somewhere(side);
        s = flue_socket_open(stack);
        (void)flue_socket_bind(stack, s, &at);
        (void)flue_socket_listen(stack, s, any(3));
        break;
    case 2:
        at = somewhere(side);
        (void)flue_socket_bind(stack, s, &at);
        break;
    case 3:
        s = flue_socket_open(stack);
        at = somewhere(side);
        at.port = (uint16_t)(80 + any(4));
        (void)flue_socket_bind(stack, s, &at);
        (void)flue_socket_listen(stack, s, 1 + any(3));
        break;
    case 4:
    case 5:
        at = somewhere(any(20) == 0 ? side : 1 - side);
        at.ip = any(10) == 0 ? at.ip : any(2) == 0 ? duo.side[1 - side].ip : duo.side[1 - side].ip6;
        (void)flue_socket_connect(stack, any(3) == 0 ? s : flue_socket_open(stack), &at);
        break;
    case 6:
    case 7:
        for (s = 0; s < SOCKETS; s++) {
            (void)flue_socket_accept(stack, s, &at);
        }
        break;
    case 8:
    case 9:
    case 10:
        for (s = (int)any(3); s < SOCKETS; s += 1 + (int)any(3)) {
            (void)flue_socket_send(stack, s, bytes, any(sizeof bytes), any(4) == 0 ? any(8) : 0);
        }
        break;
    case 11:
    case 12:
    case 13:
        for (s = (int)any(3); s < SOCKETS; s += 1 + (int)any(3)) {
            (void)flue_socket_recv(stack, s, bytes, any(sizeof bytes), any(8) == 0);
        }
        break;
    case 14:
        s = any(6) == 0 ? s : -1;
        (void)flue_socket_shutdown(stack, s, (enum flue_shutdown)any(4));
        break;
    case 15:
        s = any(3) == 0 ? s : -1;
        (void)(any(4) == 0 ? flue_socket_abort(stack, s) : flue_socket_close(stack, s));
        break;
    case 16:
        set_something(stack, s);
        break;
    case 17:
        (void)flue_socket_get(stack, s, (enum flue_socket_option)any(20), &value);
        break;
    case 18:
        move(stack, s);
        break;
    case 19:
        move_state(stack, s);
        break;
    case 20:
        duo.loss_percent = any(3) == 0 ? any(40) : 0;
        break;
    case 21:
        manual_env_fail(&duo.side[side].memory, any(3) == 0 ? 1 + any(4) : 0);
        duo.side[side].fail_once = (int)any(2);
        break;
    case 22:
        duo_run(&duo, any(300) * FLUE_PS_PER_MS);
        break;
    case 23:
        duo_run(&duo, any(10) == 0 ? 10 * FLUE_PS_PER_S : any(12) * FLUE_PS_PER_MS);
        break;
    }
    duo_check(&duo);
}

static void tune(struct duo *d)
{
    for (int i = A; i <= B; i++) {
        d->side[i].config.sockets = SOCKETS;
        d->side[i].config.snd_buffer_bytes = any(2) == 0 ? 262144 : 1 + any(9000);
        d->side[i].config.tcp.rcv_buffer_bytes = any(2) == 0 ? 262144 : 1 + any(9000);
        d->side[i].config.tcp.ecn = any(3);
        d->side[i].config.tcp.sack = any(4) != 0;
        d->side[i].config.tcp.timestamps = any(4) != 0;
        d->side[i].config.tcp.window_scaling = any(4) != 0;
        d->side[i].config.tcp.nagle = any(2);
        d->side[i].config.tcp.congestion = any(2);
        d->side[i].config.tcp.mss_bytes = any(3) == 0 ? 88 + any(9000) : 1460;
    }
}

static void any_call_at_any_time(void **unused)
{
    (void)unused;
    for (unsigned seed = first; seed < first + seeds; seed++) {
        struct flue_tcp_totals totals;

        state = seed * 2654435761u;
        duo_start(&duo, tune);
        for (unsigned step = 0; step < STEPS; step++) {
            act();
        }
        duo.loss_percent = 0;
        for (int side = A; side <= B; side++) {
            manual_env_fail(&duo.side[side].memory, 0);
            for (int s = 0; s < SOCKETS; s++) {
                (void)flue_socket_close(duo.side[side].stack, s);
            }
        }
        duo_run(&duo, 3000 * FLUE_PS_PER_S);
        for (int side = A; side <= B; side++) {
            flue_stack_totals(duo.side[side].stack, &totals);
            if (totals.connections != 0 || totals.pool_objects_live != 0) {
                fail_msg("seed %u: %u connections are left at %d", seed, (unsigned)totals.connections, side);
            }
        }
        duo_stop(&duo);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_call_at_any_time)};

    seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : seeds;
    first = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : first;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
