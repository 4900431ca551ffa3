/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes through sockets: whole, in order, through loss; peek, more, urgent; shutdown; what poll and events tell. */
#include "support/test.h"

#include <string.h>

#include "duo.h"

static struct duo duo;
static char buffer[300000];
static int s, t; /* connected: at A, at B */

static void start(void (*tune)(struct duo *))
{
    duo_start(&duo, tune);
    s = duo_connect(&duo, duo_listen(&duo, 5), &t);
    duo.side[A].event_count = duo.side[B].event_count = 0;
}

static int64_t put(const char *text, unsigned flags)
{
    return flue_socket_send(duo.side[A].stack, s, text, strlen(text), flags);
}

static void expect(const char *text, unsigned flags)
{
    int64_t got = flue_socket_recv(duo.side[B].stack, t, buffer, 100, flags);

    if (got != (int64_t)strlen(text) || memcmp(buffer, text, strlen(text)) != 0) {
        fail_msg("%s: %d bytes, %.*s", text, (int)got, got > 0 ? (int)got : 0, buffer);
    }
}

static unsigned data_packets(void (*act)(void))
{
    unsigned before = duo.side[A].packets;

    act();
    return duo.side[A].packets - before;
}

/* Odd sizes, small buffers that are no powers of two, both directions, loss: nothing is lost, nothing doubled. */
static void small_buffers(struct duo *d)
{
    d->side[A].config.snd_buffer_bytes = 5001;
    d->side[B].config.tcp.rcv_buffer_bytes = 9999;
    d->side[A].config.tcp.rcv_buffer_bytes = 3333;
    d->side[B].config.snd_buffer_bytes = 20000;
}

static void transfers_are_whole(void **state)
{
    static const struct row {
        void (*tune)(struct duo *);
        unsigned loss_percent;
        uint64_t bytes;
        unsigned lazy; /* reads only every so many rounds */
    } rows[] = {
        {NULL, 0, 3000000, 1},         {NULL, 3, 1000000, 1},         {small_buffers, 0, 300000, 1},
        {small_buffers, 5, 100000, 1}, {small_buffers, 5, 100000, 7}, {NULL, 2, 1000000, 9},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t sent[2] = {0, 0}, got[2] = {0, 0};
        int socket[2];
        unsigned round = 0;

        start(rows[i].tune);
        socket[A] = s;
        socket[B] = t;
        duo.seed = 77;
        duo.loss_percent = rows[i].loss_percent;
        while (got[A] < rows[i].bytes || got[B] < rows[i].bytes) {
            for (int side = A; side <= B; side++) {
                sent[side] += duo_write(&duo, side, socket[side], sent[side], rows[i].bytes - sent[side]);
                if (round % rows[i].lazy == 0) {
                    got[side] += duo_read(&duo, side, socket[side], got[side], 100000000);
                }
            }
            duo_run(&duo, 5 * FLUE_PS_PER_MS);
            assert_true(++round < 200000);
        }
        assert_int_equal(got[A], rows[i].bytes);
        duo.loss_percent = 0;
        assert_int_equal(flue_socket_close(duo.side[A].stack, s), 0);
        assert_int_equal(flue_socket_close(duo.side[B].stack, t), 0);
        duo_run(&duo, 70 * FLUE_PS_PER_S);
        duo_stop(&duo);
    }
}

static void peek_leaves_the_bytes(void **state)
{
    (void)state;
    start(NULL);
    assert_int_equal(put("hello", 0), 5);
    duo_settle(&duo);
    expect("hello", FLUE_MSG_PEEK);
    expect("hello", FLUE_MSG_PEEK);
    assert_int_equal(duo_get(&duo, B, t, FLUE_SO_READABLE), 5);
    assert_int_equal(flue_socket_recv(duo.side[B].stack, t, buffer, 2, FLUE_MSG_PEEK), 2);
    assert_int_equal(flue_socket_recv(duo.side[B].stack, t, buffer, 2, 0), 2);
    expect("llo", 0);
    assert_int_equal(flue_socket_recv(duo.side[B].stack, t, buffer, 0, 0), FLUE_STACK_EAGAIN);
    assert_int_equal(flue_socket_recv(duo.side[B].stack, t, buffer, 1, 64), FLUE_STACK_EINVAL);
    assert_int_equal(flue_socket_send(duo.side[A].stack, s, "x", 1, FLUE_MSG_PEEK), FLUE_STACK_EINVAL);
    assert_int_equal(flue_socket_send(duo.side[A].stack, s, NULL, 0, 0), 0);
    duo_stop(&duo);
}

static void three_with_more(void)
{
    assert_int_equal(put("one ", FLUE_MSG_MORE), 4);
    assert_int_equal(put("two ", FLUE_MSG_MORE), 4);
    assert_int_equal(put("three", 0), 5);
}

static void corked_then_opened(void)
{
    assert_int_equal(flue_socket_set(duo.side[A].stack, s, FLUE_SO_CORK, 1), 0);
    assert_int_equal(put("one ", 0), 4);
    assert_int_equal(put("two ", FLUE_MSG_MORE), 4);
    assert_int_equal(put("three", 0), 5);
    duo_run(&duo, 100 * FLUE_PS_PER_MS);
    assert_int_equal(duo_get(&duo, B, t, FLUE_SO_READABLE), 0);
    assert_int_equal(flue_socket_set(duo.side[A].stack, s, FLUE_SO_CORK, 0), 0);
}

static void more_and_shut(void)
{
    assert_int_equal(put("one two three", FLUE_MSG_MORE), 13);
    assert_int_equal(flue_socket_shutdown(duo.side[A].stack, s, FLUE_SHUT_WRITE), 0);
}

static void more_waits(void **state)
{
    (void)state;
    start(NULL);
    assert_int_equal(data_packets(three_with_more), 1);
    duo_settle(&duo);
    expect("one two three", 0);
    assert_int_equal(data_packets(corked_then_opened), 1);
    duo_settle(&duo);
    expect("one two three", 0);
    /* What nobody completes leaves after 200 ms. */
    assert_int_equal(put("late", FLUE_MSG_MORE), 4);
    duo_run(&duo, 190 * FLUE_PS_PER_MS);
    assert_int_equal(duo_get(&duo, B, t, FLUE_SO_READABLE), 0);
    duo_run(&duo, 30 * FLUE_PS_PER_MS);
    expect("late", 0);
    assert_in_range(data_packets(more_and_shut), 1, 2);
    duo_settle(&duo);
    expect("one two three", 0);
    expect("", 0);
    duo_stop(&duo);
}

static void urgent_byte_begins_a_read(void **state)
{
    (void)state;
    start(NULL);
    assert_int_equal(put("before!", FLUE_MSG_OOB), 7);
    duo_settle(&duo);
    assert_int_equal(flue_socket_poll(duo.side[B].stack, t), FLUE_POLL_IN | FLUE_POLL_PRI | FLUE_POLL_OUT);
    assert_int_equal(duo_get(&duo, B, t, FLUE_SO_READABLE), 6);
    assert_int_equal(put("after", 0), 5);
    duo_settle(&duo);
    expect("before", FLUE_MSG_PEEK);
    expect("before", 0);
    assert_int_equal(flue_socket_poll(duo.side[B].stack, t) & FLUE_POLL_PRI, FLUE_POLL_PRI);
    expect("!after", FLUE_MSG_PEEK);
    expect("!after", 0);
    assert_int_equal(flue_socket_poll(duo.side[B].stack, t), FLUE_POLL_OUT);
    assert_int_equal(put("again", 0), 5);
    duo_settle(&duo);
    expect("again", 0);
    duo_stop(&duo);
}

static void shutting_each_side(void **state)
{
    (void)state;
    start(NULL);
    /* Reading: what came stays, what comes is thrown away and acknowledged. */
    assert_int_equal(put("kept", 0), 4);
    duo_settle(&duo);
    assert_int_equal(flue_socket_shutdown(duo.side[B].stack, t, FLUE_SHUT_READ), 0);
    assert_int_equal(flue_socket_shutdown(duo.side[B].stack, t, FLUE_SHUT_READ), 0);
    assert_int_equal(duo_write(&duo, A, s, 0, 200000), 200000);
    duo.loss_percent = 5;
    duo_run(&duo, 20 * FLUE_PS_PER_S);
    duo.loss_percent = 0;
    assert_int_equal(duo_get(&duo, A, s, FLUE_SO_UNSENT), 0);
    expect("kept", 0);
    expect("", 0);
    assert_int_equal(flue_socket_poll(duo.side[B].stack, t), FLUE_POLL_IN | FLUE_POLL_OUT);
    /* Writing still works. */
    assert_int_equal(duo_write(&duo, B, t, 0, 30000), 30000);
    duo_settle(&duo);
    assert_int_equal(duo_read(&duo, A, s, 0, 100000), 30000);
    assert_int_equal(flue_socket_shutdown(duo.side[A].stack, s, (enum flue_shutdown)7), FLUE_STACK_EINVAL);
    assert_int_equal(flue_socket_shutdown(duo.side[A].stack, s, FLUE_SHUT_BOTH), 0);
    assert_int_equal(put("x", 0), FLUE_STACK_EPIPE);
    duo_settle(&duo);
    assert_int_equal(flue_socket_poll(duo.side[B].stack, t), FLUE_POLL_IN | FLUE_POLL_OUT | FLUE_POLL_RDHUP);
    assert_int_equal(flue_socket_shutdown(duo.side[B].stack, t, FLUE_SHUT_WRITE), 0);
    assert_int_equal(flue_socket_poll(duo.side[B].stack, t), FLUE_POLL_IN | FLUE_POLL_HUP | FLUE_POLL_RDHUP);
    duo_settle(&duo);
    duo_stop(&duo);
}

static void a_full_buffer_says_so(void **state)
{
    (void)state;
    start(NULL);
    duo.deaf = 1;
    assert_int_equal(flue_socket_set(duo.side[A].stack, s, FLUE_SO_SNDBUF, 10), 0);
    assert_int_equal(put("0123456789abc", 0), 10);
    assert_int_equal(put("x", 0), FLUE_STACK_EAGAIN);
    assert_int_equal(flue_socket_poll(duo.side[A].stack, s), 0);
    assert_int_equal(duo_get(&duo, A, s, FLUE_SO_UNSENT), 10);
    assert_int_equal(flue_socket_set(duo.side[A].stack, s, FLUE_SO_SNDBUF, 12), 0);
    assert_int_equal(flue_socket_poll(duo.side[A].stack, s), FLUE_POLL_OUT);
    assert_int_equal(put("xyz", 0), 2);
    assert_int_equal(flue_socket_set(duo.side[A].stack, s, FLUE_SO_SNDBUF, 3), 0);
    duo.deaf = 0;
    duo_run(&duo, 3 * FLUE_PS_PER_S);
    expect("0123456789xy", 0);
    assert_int_equal(put("xyzw", 0), 3);
    duo_stop(&duo);
}

/* Data before a reset are read, then the error once, then the end. */
static void data_before_the_error(void **state)
{
    (void)state;
    start(NULL);
    assert_int_equal(put("last words", 0), 10);
    duo_settle(&duo);
    assert_int_equal(flue_socket_abort(duo.side[A].stack, s), 0);
    duo_settle(&duo);
    assert_int_equal(flue_socket_poll(duo.side[B].stack, t),
                     FLUE_POLL_IN | FLUE_POLL_ERR | FLUE_POLL_HUP | FLUE_POLL_RDHUP);
    expect("last words", 0);
    assert_int_equal(flue_socket_recv(duo.side[B].stack, t, buffer, 1, 0), FLUE_STACK_ECONNRESET);
    assert_int_equal(flue_socket_recv(duo.side[B].stack, t, buffer, 1, 0), 0);
    assert_int_equal(flue_socket_send(duo.side[B].stack, t, buffer, 1, 0), FLUE_STACK_EPIPE);
    duo_stop(&duo);
}

static void events_tell_what_poll_says(void **state)
{
    static const struct flue_stack_event expected[] = {
        {.kind = FLUE_STACK_EV_READY, .poll = FLUE_POLL_IN},
        {.kind = FLUE_STACK_EV_READY, .poll = FLUE_POLL_IN}, /* again, after it was read */
        {.kind = FLUE_STACK_EV_STATE, .state = FLUE_TCP_CLOSE_WAIT, .reason = FLUE_TCP_BY_SEGMENT},
        {.kind = FLUE_STACK_EV_READY, .poll = FLUE_POLL_IN | FLUE_POLL_RDHUP},
        {.kind = FLUE_STACK_EV_STATE, .state = FLUE_TCP_LAST_ACK, .reason = FLUE_TCP_BY_SEGMENT},
        {.kind = FLUE_STACK_EV_READY, .poll = FLUE_POLL_HUP},
        {.kind = FLUE_STACK_EV_STATE, .state = FLUE_TCP_CLOSED, .reason = FLUE_TCP_BY_SEGMENT},
        {.kind = FLUE_STACK_EV_ENDED, .reason = FLUE_TCP_BY_SEGMENT},
    };
    unsigned next = 0;

    (void)state;
    start(NULL);
    assert_int_equal(put("one", 0), 3);
    assert_int_equal(put("more", 0), 4);
    duo_settle(&duo);
    assert_int_equal(flue_socket_recv(duo.side[B].stack, t, buffer, 100, 0), 7);
    assert_int_equal(put("two", 0), 3);
    duo_settle(&duo);
    expect("two", 0);
    assert_int_equal(flue_socket_shutdown(duo.side[A].stack, s, FLUE_SHUT_WRITE), 0);
    duo_settle(&duo);
    assert_int_equal(flue_socket_shutdown(duo.side[B].stack, t, FLUE_SHUT_WRITE), 0);
    duo_settle(&duo);
    for (unsigned i = 0; i < duo.side[B].event_count; i++) {
        const struct flue_stack_event *event = &duo.side[B].events[i];

        if (next == COUNT_OF(expected) || event->socket != t || event->kind != expected[next].kind ||
            event->poll != expected[next].poll ||
            (event->kind == FLUE_STACK_EV_STATE && event->state != expected[next].state)) {
            fail_msg("event %u: socket %d, kind %d, poll %x, state %s, reason %d", i, event->socket, (int)event->kind,
                     event->poll, flue_tcp_state_name(event->state), (int)event->reason);
        }
        next++;
    }
    assert_int_equal(next, COUNT_OF(expected));
    duo_stop(&duo);
}

static void memory_goes_with_the_bytes(void **state)
{
    uint64_t idle;

    (void)state;
    start(NULL);
    duo_settle(&duo);
    idle = duo.side[B].memory.live_bytes;
    assert_int_equal(duo_write(&duo, A, s, 0, 200000), 200000);
    duo_run(&duo, FLUE_PS_PER_S);
    assert_true(duo.side[B].memory.live_bytes >= idle + 200000);
    assert_int_equal(duo_read(&duo, B, t, 0, 300000), 200000);
    /* What is left: the pool of small rings, and one that is kept for the next. */
    assert_true(duo.side[B].memory.live_bytes <= idle + 400000);
    for (int i = 0; i < 50; i++) {
        uint64_t before = duo.side[B].memory.allocations;

        assert_int_equal(duo_write(&duo, A, s, 0, 50000), 50000);
        duo_run(&duo, FLUE_PS_PER_S);
        assert_int_equal(duo_read(&duo, B, t, 0, 300000), 50000);
        assert_true(duo.side[B].memory.allocations <= before + 2);
    }
    duo_stop(&duo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transfers_are_whole),
        cmocka_unit_test(peek_leaves_the_bytes),
        cmocka_unit_test(more_waits),
        cmocka_unit_test(urgent_byte_begins_a_read),
        cmocka_unit_test(shutting_each_side),
        cmocka_unit_test(a_full_buffer_says_so),
        cmocka_unit_test(data_before_the_error),
        cmocka_unit_test(events_tell_what_poll_says),
        cmocka_unit_test(memory_goes_with_the_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
