/* SPDX-License-Identifier: GPL-2.0-only */
/* Options: ranges, defaults, what is inherited, what changes on the wire; packets that are refused; names of errors. */
#include "support/test.h"

#include <string.h>

#include "frame/frame.h"
#include "frame/icmp.h"

#include "duo.h"

static struct duo duo;

static const struct row {
    enum flue_socket_option option;
    int64_t initial, least, most, usual;
    int writable, inherited;
} rows[] = {
    {FLUE_SO_NODELAY, 1, 0, 1, 0, 1, 1},
    {FLUE_SO_CORK, 0, 0, 1, 1, 1, 1},
    {FLUE_SO_MAXSEG, 1460, 88, 65495, 500, 1, 1},
    {FLUE_SO_KEEPALIVE, 0, 0, 1, 1, 1, 1},
    {FLUE_SO_KEEPIDLE, 7200000, 1, INT32_MAX, 1000, 1, 1},
    {FLUE_SO_KEEPINTVL, 75000, 1, INT32_MAX, 2000, 1, 1},
    {FLUE_SO_KEEPCNT, 9, 1, 255, 3, 1, 1},
    {FLUE_SO_USER_TIMEOUT, 0, 0, INT32_MAX, 5000, 1, 1},
    {FLUE_SO_SNDBUF, 262144, 1, 1 << 30, 4000, 1, 1},
    {FLUE_SO_RCVBUF, 262144, 1, 1 << 30, 5000, 1, 1},
    {FLUE_SO_LINGER, -1, -1, INT32_MAX, 700, 1, 1},
    {FLUE_SO_REUSEADDR, 0, 0, 1, 1, 1, 1},
    {FLUE_SO_TOS, 0, 0, 252, 0x28, 1, 1},
    {FLUE_SO_TTL, 64, 1, 255, 9, 1, 1},
    {FLUE_SO_CONGESTION, FLUE_TCP_NEWRENO, FLUE_TCP_NEWRENO, FLUE_TCP_CUBIC, FLUE_TCP_CUBIC, 1, 1},
    {FLUE_SO_ERROR, 0, 0, 0, 0, 0, 0},
    {FLUE_SO_READABLE, 0, 0, 0, 0, 0, 0},
    {FLUE_SO_UNSENT, 0, 0, 0, 0, 0, 0},
    {FLUE_SO_LISTENING, 0, 0, 0, 0, 0, 0},
};

static void ranges(void **state)
{
    struct flue_stack *a;
    int s;
    int64_t value;

    (void)state;
    duo_start(&duo, NULL);
    a = duo.side[A].stack;
    s = flue_socket_open(a);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *row = &rows[i];

        if (!row->writable) {
            assert_int_equal(flue_socket_set(a, s, row->option, 0), FLUE_STACK_ENOPROTOOPT);
            assert_int_equal(duo_get(&duo, A, s, row->option), 0);
            continue;
        }
        assert_int_equal(duo_get(&duo, A, s, row->option), row->initial);
        assert_int_equal(flue_socket_set(a, s, row->option, row->least - 1), FLUE_STACK_EINVAL);
        assert_int_equal(flue_socket_set(a, s, row->option, row->most + (row->option == FLUE_SO_TOS ? 4 : 1)),
                         FLUE_STACK_EINVAL);
        assert_int_equal(duo_get(&duo, A, s, row->option), row->initial);
        assert_int_equal(flue_socket_set(a, s, row->option, row->least), 0);
        assert_int_equal(duo_get(&duo, A, s, row->option), row->least);
        assert_int_equal(flue_socket_set(a, s, row->option, row->most), 0);
        assert_int_equal(duo_get(&duo, A, s, row->option), row->most);
    }
    assert_int_equal(flue_socket_set(a, s, FLUE_SO_TOS, 0x2b), 0);
    assert_int_equal(duo_get(&duo, A, s, FLUE_SO_TOS), 0x28);
    assert_int_equal(flue_socket_set(a, s, (enum flue_socket_option)99, 0), FLUE_STACK_ENOPROTOOPT);
    assert_int_equal(flue_socket_get(a, s, (enum flue_socket_option)99, &value), FLUE_STACK_ENOPROTOOPT);
    assert_int_equal(flue_socket_set(a, 5, FLUE_SO_TTL, 1), FLUE_STACK_EBADF);
    assert_int_equal(flue_socket_get(a, -1, FLUE_SO_TTL, &value), FLUE_STACK_EBADF);
    duo_stop(&duo);
}

static void accepted_sockets_inherit(void **state)
{
    int listener, s, t;

    (void)state;
    duo_start(&duo, NULL);
    listener = duo_listen(&duo, 1);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].writable) {
            assert_int_equal(flue_socket_set(duo.side[B].stack, listener, rows[i].option, rows[i].usual), 0);
        }
    }
    s = duo_connect(&duo, listener, &t);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].writable) {
            assert_int_equal(duo_get(&duo, B, t, rows[i].option), rows[i].usual);
        }
    }
    assert_int_equal(duo_get(&duo, B, listener, FLUE_SO_LISTENING), 1);
    assert_int_equal(duo_get(&duo, B, t, FLUE_SO_LISTENING), 0);
    assert_int_equal(flue_socket_set(duo.side[B].stack, t, FLUE_SO_MAXSEG, 600), FLUE_STACK_EINVAL);
    assert_int_equal(flue_socket_set(duo.side[A].stack, s, FLUE_SO_MAXSEG, 600), FLUE_STACK_EINVAL);
    duo_stop(&duo);
}

static unsigned longest;

static int measure(struct duo *d, int from, const uint8_t *packet, size_t bytes)
{
    struct flue_frame frame;

    (void)d;
    assert_int_equal(frame_decode(packet, bytes, &frame, true), FLUE_OK);
    if (from == A && frame.payload.length_bytes > longest) {
        longest = frame.payload.length_bytes;
    }
    return 0;
}

static void options_reach_the_wire(void **state)
{
    int listener, s, t;
    struct flue_frame frame;

    (void)state;
    duo_start(&duo, NULL);
    listener = duo_listen(&duo, 1);
    assert_int_equal(flue_socket_set(duo.side[B].stack, listener, FLUE_SO_MAXSEG, 512), 0);
    s = duo_connect(&duo, listener, &t);
    duo.lose = measure;
    longest = 0;
    assert_int_equal(flue_socket_set(duo.side[A].stack, s, FLUE_SO_TTL, 7), 0);
    assert_int_equal(flue_socket_set(duo.side[A].stack, s, FLUE_SO_TOS, 0xb8), 0);
    assert_int_equal(duo_write(&duo, A, s, 0, 20000), 20000);
    duo_settle(&duo);
    assert_int_equal(frame_decode(duo.side[A].last, sizeof duo.side[A].last, &frame, false), FLUE_EPARSE);
    assert_int_equal(duo.side[A].last[8], 7);
    assert_int_equal(duo.side[A].last[1], 0xb8);
    assert_int_equal(longest, 512 - 12);
    assert_int_equal(duo_read(&duo, B, t, 0, 30000), 20000);
    duo_stop(&duo);
}

static void a_dead_peer_is_noticed(void **state)
{
    static const struct {
        enum flue_socket_option option[4];
        int64_t value[4];
        unsigned bytes;
        flue_ps from_ps, to_ps;
        enum flue_tcp_reason reason;
    } cases[] = {
        {{FLUE_SO_KEEPIDLE, FLUE_SO_KEEPINTVL, FLUE_SO_KEEPCNT, FLUE_SO_KEEPALIVE},
         {1000, 500, 3, 1},
         0,
         2400 * FLUE_PS_PER_MS,
         2700 * FLUE_PS_PER_MS,
         FLUE_TCP_BY_KEEP_ALIVE},
        {{FLUE_SO_USER_TIMEOUT, FLUE_SO_NODELAY, FLUE_SO_NODELAY, FLUE_SO_NODELAY},
         {1500, 1, 1, 1},
         10,
         1400 * FLUE_PS_PER_MS,
         2000 * FLUE_PS_PER_MS,
         FLUE_TCP_BY_USER_TIMEOUT},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int s, t;

        duo_start(&duo, NULL);
        s = duo_connect(&duo, duo_listen(&duo, 1), &t);
        for (int j = 0; j < 4; j++) {
            assert_int_equal(flue_socket_set(duo.side[A].stack, s, cases[i].option[j], cases[i].value[j]), 0);
        }
        duo.deaf = 1;
        assert_int_equal(duo_write(&duo, A, s, 0, cases[i].bytes), cases[i].bytes);
        duo_run(&duo, cases[i].from_ps);
        assert_int_equal(flue_socket_poll(duo.side[A].stack, s), FLUE_POLL_OUT);
        duo_run(&duo, cases[i].to_ps - cases[i].from_ps);
        assert_int_equal(duo_get(&duo, A, s, FLUE_SO_ERROR), FLUE_STACK_ETIMEDOUT);
        assert_int_equal(duo.side[A].events[duo.side[A].event_count - 2].reason, cases[i].reason);
        duo_stop(&duo);
    }
}

static void forget(void *ctx, void *memory, size_t bytes)
{
    (void)ctx;
    (void)memory;
    (void)bytes;
}

static void configurations_are_checked(void **state)
{
    enum { FINE, NO_ADDRESS, MANY, NOBODY, SNDBUF, SOCKETS, MSS, OUTPUT, RANDOM, RELEASE, TIME, CASES };
    struct flue_stack *stack;

    (void)state;
    duo_start(&duo, NULL);
    for (int i = 0; i < CASES; i++) {
        struct flue_stack_config config = duo.side[A].config;
        struct flue_stack_callbacks callbacks = {.output = duo_swallow, .random32 = duo_zero};

        config.address_count = i == NO_ADDRESS ? 0 : i == MANY ? FLUE_STACK_ADDRESSES + 1 : 1;
        config.addresses[0] = i == NOBODY ? flue_ip_v4(0xffffffff) : duo.side[A].ip;
        config.snd_buffer_bytes = i == SNDBUF ? 0 : 1;
        config.sockets = i == SOCKETS ? 0 : 1;
        config.tcp.mss_bytes = i == MSS ? 87 : 88;
        callbacks.output = i == OUTPUT ? NULL : callbacks.output;
        callbacks.random32 = i == RANDOM ? NULL : callbacks.random32;
        callbacks.release = i == RELEASE ? forget : NULL;
        assert_int_equal(flue_stack_new(&config, &callbacks, i == TIME ? -1 : 0, &stack),
                         i == FINE ? 0 : FLUE_STACK_EINVAL);
        assert_true((stack != NULL) == (i == FINE));
        flue_stack_free(stack);
    }
    assert_int_equal(flue_stack_version(), FLUE_STACK_VERSION);
    assert_string_equal(flue_stack_error_name(FLUE_STACK_EAGAIN), "EAGAIN");
    assert_int_equal(FLUE_STACK_EAGAIN, -11);
    assert_string_equal(flue_stack_error_name(-9999), "?");
    assert_string_equal(flue_stack_error_sentence(FLUE_STACK_EPIPE), "the sending side is closed");
    duo_stop(&duo);
}

static size_t packet_for(struct flue_ip from, struct flue_ip to, uint8_t flags, uint8_t *out)
{
    const struct flue_frame frame = {.src_ip = from,
                                     .dst_ip = to,
                                     .src_port = 9,
                                     .dst_port = 10,
                                     .flags = flags,
                                     .ttl = 64,
                                     .ethertype = flue_ip_is_v4(&from) ? FLUE_ETHERTYPE_IPV4 : FLUE_ETHERTYPE_IPV6};

    return frame_encode(&frame, out, 128, true);
}

static void packets_are_judged(void **state)
{
    const struct flue_ip somebody = flue_ip_v4(0x0a000009);
    struct flue_ip mapped = {{0, 0, 0xffff, 0x0a000009}};
    uint8_t packet[256];
    struct flue_stack *a;
    unsigned before;
    size_t bytes;

    (void)state;
    duo_start(&duo, NULL);
    a = duo.side[A].stack;
    duo.deaf = 1;
    bytes = packet_for(somebody, duo.side[A].ip, FLUE_TCP_SYN, packet);
    before = duo.side[A].packets;
    assert_int_equal(flue_stack_input(a, packet, bytes, 5), 0);
    assert_int_equal(duo.side[A].packets, before + 1); /* RST */
    assert_int_equal(flue_stack_now(a), 5);
    assert_int_equal(flue_stack_input(a, packet, bytes, 3), 0);
    assert_int_equal(flue_stack_now(a), 5);
    for (size_t length = 0; length < bytes; length++) {
        assert_int_equal(flue_stack_input(a, packet, length, 5), FLUE_STACK_EPROTO);
    }
    packet[bytes - 1] ^= 1;
    assert_int_equal(flue_stack_input(a, packet, bytes, 5), FLUE_STACK_EPROTO);
    bytes = packet_for(somebody, duo.side[B].ip, FLUE_TCP_SYN, packet);
    assert_int_equal(flue_stack_input(a, packet, bytes, 5), FLUE_STACK_EADDRNOTAVAIL);
    bytes = packet_for(flue_ip_v4(0xffffffff), duo.side[A].ip, FLUE_TCP_SYN, packet);
    assert_int_equal(flue_stack_input(a, packet, bytes, 5), FLUE_STACK_EPROTO);
    bytes = packet_for(duo.side[B].ip6, duo.side[A].ip6, FLUE_TCP_SYN, packet);
    before = duo.side[A].packets;
    assert_int_equal(flue_stack_input(a, packet, bytes, 5), 0);
    assert_int_equal(duo.side[A].packets, before + 1);
    packet[6] = 17;
    assert_int_equal(flue_stack_input(a, packet, bytes, 5), FLUE_STACK_EPROTONOSUPPORT);
    packet[0] = 0x50;
    assert_int_equal(flue_stack_input(a, packet, bytes, 5), FLUE_STACK_EPROTO);
    /* An IPv4-mapped address in an IPv6 packet is nobody's. */
    bytes = packet_for(duo.side[B].ip6, duo.side[A].ip6, FLUE_TCP_SYN, packet);
    for (int i = 0; i < 16; i++) {
        packet[8 + i] = (uint8_t)(mapped.word[i / 4] >> (24 - 8 * (i % 4)));
    }
    duo.side[A].config.verify_checksums = 0;
    flue_stack_free(a);
    duo_stack(&duo, A);
    a = duo.side[A].stack;
    assert_int_equal(flue_stack_input(a, packet, bytes, 5), FLUE_STACK_EPROTO);
    /* Without checksums that are looked at, a wrong one does no harm. */
    bytes = packet_for(somebody, duo.side[A].ip, FLUE_TCP_SYN, packet);
    packet[bytes - 4] ^= 0xff;
    assert_int_equal(flue_stack_input(a, packet, bytes, 5), 0);
    duo_stop(&duo);
}

static void no_rst(struct duo *d)
{
    d->side[A].config.answer_rst = 0;
}

static void silence_if_wanted(void **state)
{
    uint8_t packet[256];

    (void)state;
    duo_start(&duo, no_rst);
    assert_int_equal(flue_stack_input(duo.side[A].stack, packet,
                                      packet_for(duo.side[B].ip, duo.side[A].ip, FLUE_TCP_SYN, packet), 0),
                     0);
    assert_int_equal(duo.side[A].packets, 0);
    duo_stop(&duo);
}

/* What B would have received, as an error back to A. */
static size_t icmp_about(const uint8_t *packet, size_t bytes, enum frame_icmp_kind kind, uint32_t mtu, uint8_t *out)
{
    const struct frame_icmp icmp = {.from_ip = duo.side[B].ip, .kind = kind, .mtu_bytes = mtu};
    struct flue_frame frame;

    assert_int_equal(frame_decode(packet, bytes, &frame, false), FLUE_OK);
    return frame_icmp_encode(&icmp, &frame, out, FRAME_ICMP_MAX_BYTES);
}

static void icmp_errors(void **state)
{
    uint8_t error[FRAME_ICMP_MAX_BYTES];
    struct flue_endpoint to;
    struct flue_tcp_info info;
    struct flue_stack *a;
    size_t bytes;
    int s, t;

    (void)state;
    duo_start(&duo, NULL);
    a = duo.side[A].stack;
    /* Hard and early: the connection ends. */
    to = duo_at(&duo, B, 80);
    duo.deaf = 1;
    s = flue_socket_open(a);
    assert_int_equal(flue_socket_connect(a, s, &to), FLUE_STACK_EINPROGRESS);
    bytes = icmp_about(duo.side[A].last, 60, FRAME_ICMP_UNREACHABLE_SOFT, 0, error);
    assert_int_equal(flue_stack_input(a, error, bytes, 0), 0);
    assert_int_equal(flue_socket_poll(a, s), 0);
    bytes = icmp_about(duo.side[A].last, 60, FRAME_ICMP_UNREACHABLE_HARD, 0, error);
    error[bytes - 1] ^= 1;
    assert_int_equal(flue_stack_input(a, error, bytes, 0), FLUE_STACK_EPROTO);
    error[bytes - 1] ^= 1;
    assert_int_equal(flue_stack_input(duo.side[B].stack, error, bytes, 0), FLUE_STACK_EADDRNOTAVAIL);
    assert_int_equal(flue_stack_input(a, error, bytes, 0), 0);
    assert_int_equal(duo_get(&duo, A, s, FLUE_SO_ERROR), FLUE_STACK_EHOSTUNREACH);
    bytes = icmp_about(duo.side[A].last, 60, FRAME_ICMP_IGNORED, 0, error);
    assert_int_equal(flue_stack_input(a, error, bytes, 0), FLUE_STACK_EPROTONOSUPPORT);
    /* Too big: smaller segments from now on. */
    duo.deaf = 0;
    s = duo_connect(&duo, duo_listen(&duo, 1), &t);
    duo.deaf = 1;
    assert_int_equal(duo_write(&duo, A, s, 0, 50), 50);
    duo.deaf = 0;
    bytes = icmp_about(duo.side[A].last, 52 + 50, FRAME_ICMP_TOO_BIG, 1000, error);
    assert_int_equal(flue_stack_input(a, error, bytes, duo.now_ps), 0);
    assert_int_equal(flue_socket_info(a, s, &info), 0);
    assert_true(info.path_mtu_bytes >= 1000); /* 102 bytes were not too big for 1000 */
    assert_int_equal(duo_write(&duo, A, s, 50, 50000), 50000);
    duo_run(&duo, 2 * FLUE_PS_PER_S);
    assert_int_equal(duo_read(&duo, B, t, 0, 100000), 50050);
    duo_stop(&duo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),
        cmocka_unit_test(accepted_sockets_inherit),
        cmocka_unit_test(options_reach_the_wire),
        cmocka_unit_test(a_dead_peer_is_noticed),
        cmocka_unit_test(configurations_are_checked),
        cmocka_unit_test(packets_are_judged),
        cmocka_unit_test(silence_if_wanted),
        cmocka_unit_test(icmp_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
