/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of time; memory that a stranger's segments may and may not take; windows too small to be told. */
#include "support/test.h"

#include <stdio.h>

#include "frame/frame.h"

#include "duo.h"

static struct duo duo;
static int listener, s, t; /* s and t connected: at A, at B */

static void start(void (*tune)(struct duo *))
{
    duo_start(&duo, tune);
    listener = duo_listen(&duo, 5);
    s = duo_connect(&duo, listener, &t);
}

/* ---- time ---- */

static void an_idle_stack_reaches_the_end_of_time(void **state)
{
    const struct flue_stack_callbacks callbacks = {.output = duo_swallow, .random32 = duo_zero};
    struct flue_stack *a, *late;

    (void)state;
    duo_start(&duo, NULL);
    a = duo.side[A].stack;
    assert_true(flue_stack_deadline(a) == FLUE_PS_NEVER);
    flue_stack_advance(a, FLUE_STACK_PS_MOST - 1);
    assert_true(flue_stack_now(a) == FLUE_STACK_PS_MOST - 1);
    flue_stack_advance(a, flue_stack_deadline(a));
    assert_true(flue_stack_now(a) == FLUE_STACK_PS_MOST);
    assert_int_equal(flue_stack_input(a, "", 0, FLUE_PS_NEVER), FLUE_STACK_EPROTO);
    assert_true(flue_stack_now(a) == FLUE_STACK_PS_MOST);
    assert_int_equal(flue_stack_new(&duo.side[A].config, &callbacks, FLUE_PS_NEVER, &late), 0);
    assert_true(flue_stack_now(late) == FLUE_STACK_PS_MOST);
    flue_stack_free(late);
    duo_stop(&duo);
}

/* Every timer is armed at the last moment there is, with its longest time: no deadline is behind FLUE_PS_NEVER, and
 * none is told, for it never comes. */
static void deadlines_behind_the_end_never_come(void **state)
{
    static const enum flue_socket_option longest[] = {FLUE_SO_KEEPIDLE, FLUE_SO_KEEPINTVL, FLUE_SO_USER_TIMEOUT,
                                                      FLUE_SO_LINGER};
    struct flue_endpoint nobody;
    struct flue_stack *a;
    int other;

    (void)state;
    start(NULL);
    a = duo.side[A].stack;
    duo.deaf = 1;
    nobody = duo_at(&duo, B, 99);
    for (size_t i = 0; i < COUNT_OF(longest); i++) {
        assert_int_equal(flue_socket_set(a, s, longest[i], INT32_MAX), 0);
    }
    flue_stack_advance(a, FLUE_PS_NEVER);
    assert_int_equal(flue_socket_set(a, s, FLUE_SO_KEEPALIVE, 1), 0);
    other = flue_socket_open(a);
    assert_int_equal(flue_socket_connect(a, other, &nobody), FLUE_STACK_EINPROGRESS);
    assert_true(flue_stack_deadline(a) <= FLUE_STACK_PS_MOST || flue_stack_deadline(a) == FLUE_PS_NEVER);
    flue_stack_advance(a, flue_stack_deadline(a));
    assert_int_equal(duo_write(&duo, A, s, 0, 100), 100);
    assert_int_equal(flue_socket_close(a, s), 0);
    flue_stack_advance(a, FLUE_PS_NEVER);
    assert_true(flue_stack_deadline(a) == FLUE_PS_NEVER);
    assert_true(flue_stack_now(a) == FLUE_STACK_PS_MOST);
    duo_check(&duo);
    duo_stop(&duo);
}

/* ---- memory ---- */

static void no_timestamps(struct duo *d)
{
    d->side[A].config.tcp.timestamps = 0;
}

/* A segment from A to B that A has not sent: `bytes` bytes, `ahead` of RCV.NXT. */
static void forge(int to, uint32_t ahead, uint32_t bytes)
{
    static uint8_t payload[2000], packet[2100];
    struct flue_tcp_info info;
    struct flue_frame frame;
    size_t header_bytes;

    assert_int_equal(flue_socket_info(duo.side[B].stack, to, &info), 0);
    for (uint32_t i = 0; i < bytes; i++) {
        payload[i] = duo_byte(ahead + i);
    }
    frame = (struct flue_frame){.ethertype = FLUE_ETHERTYPE_IPV4,
                                .src_ip = info.tuple.remote_ip,
                                .dst_ip = info.tuple.local_ip,
                                .src_port = info.tuple.remote_port,
                                .dst_port = info.tuple.local_port,
                                .seq = info.rcv_nxt + ahead,
                                .ack = info.snd_una,
                                .window = 65535,
                                .flags = FLUE_TCP_ACK,
                                .ttl = 64,
                                .payload = {.memory = payload, .length_bytes = bytes}};
    header_bytes = frame_encode(&frame, packet, sizeof packet, true);
    assert_true(header_bytes > 0);
    (void)frame_encode_payload(&frame, packet + header_bytes, bytes);
    assert_int_equal(flue_stack_input(duo.side[B].stack, packet, header_bytes + bytes, duo.now_ps), 0);
    duo_check(&duo);
}

static uint64_t live_bytes(void)
{
    return duo.side[B].memory.live_bytes;
}

static void nothing_is_reserved_outside_of_the_window(void **state)
{
    static const struct row {
        int from_edge; /* 1: ahead counts from the right edge of the window */
        uint32_t ahead, bytes;
    } rows[] = {{0, (uint32_t)-1, 1},   {0, (uint32_t)-1000, 1000}, {0, (uint32_t)-2000, 1999}, {1, 0, 1},
                {1, 1, 1000},           {0, 0x10000000, 1000},      {0, 0x70000000, 1},         {0, 0x7fffffff, 1000},
                {0, 0x80000000u, 1000}, {0, 0x80000001u, 1000}};
    struct flue_tcp_info info;

    (void)state;
    start(no_timestamps);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t asked = duo.side[B].memory.allocations;
        uint64_t before = live_bytes();

        assert_int_equal(flue_socket_info(duo.side[B].stack, t, &info), 0);
        assert_true(info.rcv_nxt + info.rcv_wnd < info.rcv_nxt); /* the window contains number 0 */
        forge(t, rows[i].ahead + (rows[i].from_edge ? info.rcv_wnd : 0), rows[i].bytes);
        if (duo.side[B].memory.allocations != asked || live_bytes() != before) {
            fail_msg("row %zu takes %d bytes of memory", i, (int)(live_bytes() - before));
        }
    }
    duo_stop(&duo);
}

/* As much as the segment needs, and the window's last byte needs the whole ring. */
static void a_ring_grows_to_what_is_needed(void **state)
{
    static const struct {
        uint32_t ahead;
        uint64_t most_bytes;
    } rows[] = {{1, 4096}, {5000, 8192}, {100000, 131072}, {262143, 262144}};
    uint64_t before;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        start(no_timestamps);
        forge(t, 0, 1); /* what is taken from pools is there from now on */
        assert_int_equal(duo_read(&duo, B, t, 0, 1), 1);
        forge(t, 1, 1);
        forge(t, (uint32_t)-1, 1);
        before = live_bytes();
        forge(t, rows[i].ahead, 1000);
        assert_true(live_bytes() - before <= rows[i].most_bytes);
        duo_stop(&duo);
    }
}

/* In the window, but without the timestamp that was agreed upon: refused, and nothing stays reserved for it, but for
 * the one ring that a stack keeps for the next. */
static void what_is_refused_holds_no_memory(void **state)
{
    enum { MANY = 5 };
    uint64_t before = 0;

    (void)state;
    duo_start(&duo, NULL);
    listener = duo_listen(&duo, MANY);
    for (int i = 0; i < MANY; i++) {
        (void)duo_connect(&duo, listener, &t);
        forge(t, 60000, 10);
        forge(t, 10, 10);
        if (i == 0) {
            before = live_bytes();
        }
    }
    assert_true(live_bytes() - before < 65536);
    duo_stop(&duo);
}

/* Data behind the true FIN is none: the memory it took comes back. */
static void data_behind_the_end_holds_no_memory(void **state)
{
    uint64_t before;

    (void)state;
    start(no_timestamps);
    forge(t, 60000, 10); /* the ring that the stack keeps */
    before = live_bytes();
    duo.deaf = 1;
    assert_int_equal(duo_write(&duo, A, s, 0, 10), 10);
    duo.deaf = 0;
    assert_int_equal(flue_socket_shutdown(duo.side[A].stack, s, FLUE_SHUT_WRITE), 0);
    duo_run(&duo, FLUE_PS_PER_S);
    assert_int_equal(duo_state(&duo, B, t), FLUE_TCP_CLOSE_WAIT);
    assert_int_equal(duo_read(&duo, B, t, 0, 100), 10);
    assert_true(live_bytes() <= before);
    /* The ring is free for another connection. */
    (void)duo_connect(&duo, listener, &t);
    forge(t, 60000, 10);
    assert_true(live_bytes() < before + 65536);
    duo_stop(&duo);
}

/* Nobody will read: what came out of order before the socket was closed is given up with it. */
static void a_closed_socket_holds_no_receive_buffer(void **state)
{
    uint64_t before;

    (void)state;
    start(no_timestamps);
    forge(t, 60000, 10);
    before = live_bytes();
    duo.deaf = 1;
    assert_int_equal(flue_socket_close(duo.side[B].stack, t), 0);
    duo.deaf = 0;
    (void)duo_connect(&duo, listener, &t);
    forge(t, 60000, 10);
    assert_true(live_bytes() < before + 65536);
    duo_stop(&duo);
}

/* ---- windows that can be told ---- */

static void a_window_must_hold_a_unit_of_its_scale(void **state)
{
    static const struct {
        uint32_t wscale, buffer_bytes, scaling;
        int result;
    } rows[] = {
        {14, 16383, 1, FLUE_STACK_EINVAL},
        {14, 16384, 1, 0},
        {14, 16383, 0, 0},
        {1, 1, 1, FLUE_STACK_EINVAL},
        {1, 2, 1, 0},
        {0, 1, 1, 0},
        {255, 1, 1, 0},
        {15, 1 << 20, 1, FLUE_STACK_EINVAL},
    };
    const struct flue_stack_callbacks callbacks = {.output = duo_swallow, .random32 = duo_zero};

    (void)state;
    duo_start(&duo, NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct flue_stack_config config = duo.side[A].config;
        struct flue_stack *stack;

        config.tcp.rcv_wscale = rows[i].wscale;
        config.tcp.rcv_buffer_bytes = rows[i].buffer_bytes;
        config.tcp.window_scaling = rows[i].scaling;
        assert_int_equal(flue_stack_new(&config, &callbacks, 0, &stack), rows[i].result);
        flue_stack_free(stack);
    }
    duo_stop(&duo);
}

static void a_megabyte(struct duo *d)
{
    d->side[B].config.tcp.rcv_buffer_bytes = 1 << 20; /* a scale of 2^5 */
}

static void no_scaling(struct duo *d)
{
    a_megabyte(d);
    d->side[A].config.tcp.window_scaling = 0;
}

static void scale_14(struct duo *d)
{
    d->side[B].config.tcp.rcv_wscale = 14;
}

static void the_buffer_holds_a_unit_of_the_scale(void **state)
{
    static const struct {
        void (*tune)(struct duo *);
        int64_t least_before, least; /* before and when connected */
    } rows[] = {{a_megabyte, 1, 32}, {no_scaling, 1, 1}, {scale_14, 16384, 16384}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct flue_stack *b;
        int idle;

        start(rows[i].tune);
        b = duo.side[B].stack;
        idle = flue_socket_open(b);
        assert_int_equal(flue_socket_set(b, idle, FLUE_SO_RCVBUF, rows[i].least_before - 1), FLUE_STACK_EINVAL);
        assert_int_equal(flue_socket_set(b, idle, FLUE_SO_RCVBUF, rows[i].least_before), 0);
        assert_int_equal(flue_socket_set(b, t, FLUE_SO_RCVBUF, rows[i].least - 1), FLUE_STACK_EINVAL);
        assert_true(duo_get(&duo, B, t, FLUE_SO_RCVBUF) > rows[i].least);
        assert_int_equal(flue_socket_set(b, t, FLUE_SO_RCVBUF, rows[i].least), 0);
        assert_int_equal(duo_get(&duo, B, t, FLUE_SO_RCVBUF), rows[i].least);
        duo_stop(&duo);
    }
}

static void slow_ticks(struct duo *d)
{
    d->side[A].config.tcp.tick_ps = 10 * FLUE_PS_PER_MS;
}

static void times_are_a_tick_at_least(void **state)
{
    static const struct {
        enum flue_socket_option option;
        int64_t set, get;
    } rows[] = {{FLUE_SO_KEEPIDLE, 1, 10},    {FLUE_SO_KEEPIDLE, 11, 11},    {FLUE_SO_KEEPINTVL, 9, 10},
                {FLUE_SO_USER_TIMEOUT, 0, 0}, {FLUE_SO_USER_TIMEOUT, 3, 10}, {FLUE_SO_USER_TIMEOUT, 70, 70}};

    (void)state;
    start(slow_ticks);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(flue_socket_set(duo.side[A].stack, s, rows[i].option, rows[i].set), 0);
        assert_int_equal(duo_get(&duo, A, s, rows[i].option), rows[i].get);
    }
    duo_stop(&duo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_stack_reaches_the_end_of_time),
        cmocka_unit_test(deadlines_behind_the_end_never_come),
        cmocka_unit_test(nothing_is_reserved_outside_of_the_window),
        cmocka_unit_test(a_ring_grows_to_what_is_needed),
        cmocka_unit_test(what_is_refused_holds_no_memory),
        cmocka_unit_test(data_behind_the_end_holds_no_memory),
        cmocka_unit_test(a_closed_socket_holds_no_receive_buffer),
        cmocka_unit_test(a_window_must_hold_a_unit_of_its_scale),
        cmocka_unit_test(the_buffer_holds_a_unit_of_the_scale),
        cmocka_unit_test(times_are_a_tick_at_least),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
