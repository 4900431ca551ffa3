/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections that move while they are at work: by image and in the interface's form; images that are damaged. */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/image.h"

#include "duo.h"

static struct duo duo;
static uint8_t image[4000000];
static int listener;
static size_t every = 23; /* byte of an image is damaged; `moves all`: each */

/* Out of the stack and into a new one of the same side: what stays behind is gone. */
static int replace_by_image(int side, int s)
{
    struct flue_stack *old = duo.side[side].stack;
    int64_t bytes = flue_socket_export(old, s, NULL, 0);
    struct flue_tcp_info before, after;
    char what[200];
    int t;

    assert_true(bytes > 0);
    assert_int_equal(flue_socket_export(old, s, image, (size_t)bytes - 1), bytes);
    assert_int_equal(flue_socket_info(old, s, &before), 0);
    assert_int_equal(flue_socket_export(old, s, image, sizeof image), bytes);
    assert_int_equal(flue_socket_poll(old, s), FLUE_STACK_EBADF);
    assert_int_equal(flue_stack_check(old, what, sizeof what), 0);
    flue_stack_free(old);
    duo_stack(&duo, side);
    t = flue_socket_import(duo.side[side].stack, image, (size_t)bytes, what, sizeof what);
    if (t < 0) {
        fail_msg("%s: %s", flue_stack_error_name(t), what);
    }
    assert_string_equal(what, "");
    assert_int_equal(flue_socket_info(duo.side[side].stack, t, &after), 0);
    assert_int_equal(after.state, before.state);
    assert_int_equal(after.cwnd_bytes, before.cwnd_bytes);
    assert_int_equal(after.srtt_ps, before.srtt_ps);
    assert_int_equal(after.snd_una, before.snd_una);
    assert_int_equal(after.reassembly_bytes, before.reassembly_bytes);
    assert_int_equal(after.segments_out, before.segments_out);
    duo_check(&duo);
    return t;
}

static int replace_by_state(int side, int s)
{
    static uint8_t send[400000], unread[400000];
    struct flue_stack *old = duo.side[side].stack;
    struct flue_tcp_state state;
    size_t send_bytes = 0, unread_bytes = 0;
    int t = flue_socket_detach(old, s, &state, send, &send_bytes, unread, &unread_bytes);

    if (t == FLUE_STACK_EMSGSIZE) {
        assert_true(send_bytes <= sizeof send && unread_bytes <= sizeof unread);
        t = flue_socket_detach(old, s, &state, send, &send_bytes, unread, &unread_bytes);
    }
    assert_int_equal(t, 0);
    flue_stack_free(old);
    duo_stack(&duo, side);
    t = flue_socket_attach(duo.side[side].stack, &state, send, send_bytes, unread, unread_bytes);
    assert_true(t >= 0);
    duo_check(&duo);
    return t;
}

/* Moves each side every so often, under loss. */
static void moves_under_way(void **state)
{
    (void)state;
    for (int form = 0; form < 2; form++) {
        for (unsigned loss = 0; loss <= 4; loss += 2) {
            uint64_t sent[2] = {0, 0}, got[2] = {0, 0};
            const uint64_t most = 400000;
            int s[2];

            duo_start(&duo, NULL);
            s[A] = duo_connect(&duo, duo_listen(&duo, 5), &s[B]);
            duo.loss_percent = loss;
            for (unsigned round = 1; got[A] < most || got[B] < most; round++) {
                assert_true(round < 100000);
                for (int side = A; side <= B; side++) {
                    sent[side] += duo_write(&duo, side, s[side], sent[side], most - sent[side]);
                    if (round % 3 == 0) {
                        got[side] += duo_read(&duo, side, s[side], got[side], 50000);
                    }
                    if (round % 7 == (unsigned)side * 3) {
                        s[side] = form == 0 ? replace_by_image(side, s[side]) : replace_by_state(side, s[side]);
                    }
                }
                duo_run(&duo, 3 * FLUE_PS_PER_MS);
            }
            duo.loss_percent = 0;
            for (int side = A; side <= B; side++) {
                assert_int_equal(flue_socket_close(duo.side[side].stack, s[side]), 0);
            }
            duo_run(&duo, 61 * FLUE_PS_PER_S);
            duo_stop(&duo);
        }
    }
}

/* Every state: moved, it ends as it would have. */
static void moves_in_every_state(void **state)
{
    enum {
        SYN_SENT,
        SYN_RECEIVED,
        ESTABLISHED,
        FIN_WAIT_1,
        FIN_WAIT_2,
        CLOSING,
        TIME_WAIT,
        CLOSE_WAIT,
        LAST_ACK,
        STATES
    };
    static const enum flue_tcp_state_id expected[STATES] = {
        [SYN_SENT] = FLUE_TCP_SYN_SENT,       [SYN_RECEIVED] = FLUE_TCP_SYN_RECEIVED,
        [ESTABLISHED] = FLUE_TCP_ESTABLISHED, [FIN_WAIT_1] = FLUE_TCP_FIN_WAIT_1,
        [FIN_WAIT_2] = FLUE_TCP_FIN_WAIT_2,   [CLOSING] = FLUE_TCP_CLOSING,
        [TIME_WAIT] = FLUE_TCP_TIME_WAIT,     [CLOSE_WAIT] = FLUE_TCP_CLOSE_WAIT,
        [LAST_ACK] = FLUE_TCP_LAST_ACK,
    };

    (void)state;
    for (int i = 0; i < STATES; i++) {
        struct flue_stack *a, *b;
        struct flue_endpoint to, own;
        struct flue_tcp_state form;
        size_t none = 0, nothing = 0;
        int s, t = -1;

        duo_start(&duo, NULL);
        a = duo.side[A].stack;
        b = duo.side[B].stack;
        if (i == SYN_SENT || i == SYN_RECEIVED) {
            to = duo_at(&duo, B, 80);
            own = duo_at(&duo, A, 80);
            s = flue_socket_open(a);
            t = flue_socket_open(b);
            assert_int_equal(flue_socket_bind(a, s, &own), 0);
            assert_int_equal(flue_socket_bind(b, t, &to), 0);
            duo.deaf = i == SYN_SENT;
            assert_int_equal(flue_socket_connect(a, s, &to), FLUE_STACK_EINPROGRESS);
            assert_int_equal(flue_socket_connect(b, t, &own), FLUE_STACK_EINPROGRESS);
            duo_run(&duo, DUO_DELAY_PS);
            duo.deaf = 0;
        } else {
            listener = duo_listen(&duo, 1);
            s = duo_connect(&duo, listener, &t);
        }
        if (i == CLOSE_WAIT || i == LAST_ACK || i == CLOSING) {
            assert_int_equal(flue_socket_shutdown(b, t, FLUE_SHUT_WRITE), 0);
            if (i != CLOSING) {
                duo_settle(&duo);
            }
        }
        if ((i >= FIN_WAIT_1 && i <= TIME_WAIT) || i == LAST_ACK) {
            assert_int_equal(flue_socket_shutdown(a, s, FLUE_SHUT_WRITE), 0);
        }
        if (i == FIN_WAIT_2 || i == TIME_WAIT) {
            duo_settle(&duo);
        }
        if (i == TIME_WAIT) {
            assert_int_equal(flue_socket_shutdown(b, t, FLUE_SHUT_WRITE), 0);
            duo_settle(&duo);
        }
        if (i == CLOSING) {
            duo_run(&duo, DUO_DELAY_PS);
        }
        assert_int_equal(duo_state(&duo, A, s), expected[i]);
        if (i <= SYN_RECEIVED || i == TIME_WAIT) {
            assert_int_equal(flue_socket_detach(a, s, &form, NULL, &none, NULL, &nothing), FLUE_STACK_ENOTCONN);
        }
        s = replace_by_image(A, s);
        a = duo.side[A].stack;
        duo_run(&duo, 2 * FLUE_PS_PER_S);
        if (i <= ESTABLISHED) {
            assert_int_equal(duo_write(&duo, A, s, 0, 1000), 1000);
            duo_settle(&duo);
            assert_int_equal(duo_read(&duo, B, t, 0, 1000), 1000);
            assert_int_equal(flue_socket_shutdown(a, s, FLUE_SHUT_WRITE), 0);
        }
        (void)flue_socket_shutdown(a, s, FLUE_SHUT_WRITE);
        (void)flue_socket_shutdown(b, t, FLUE_SHUT_WRITE);
        duo_run(&duo, 70 * FLUE_PS_PER_S);
        assert_int_equal(duo_get(&duo, A, s, FLUE_SO_ERROR), 0);
        assert_int_equal(duo_state(&duo, A, s), FLUE_TCP_CLOSED);
        assert_int_equal(duo_state(&duo, B, t), FLUE_TCP_CLOSED);
        duo_stop(&duo);
    }
}

/* A connection with something of everything: unread bytes, a gap, unsent bytes, options. */
static int lose_one;

static int lose_data_once(struct duo *d, int from, const uint8_t *packet, size_t bytes)
{
    (void)d;
    (void)packet;
    return from == B && bytes > 1000 && lose_one-- == 0;
}

static size_t rich_image(int *s)
{
    int64_t bytes;
    int t;

    duo_start(&duo, NULL);
    *s = duo_connect(&duo, duo_listen(&duo, 5), &t);
    assert_int_equal(flue_socket_set(duo.side[A].stack, *s, FLUE_SO_KEEPALIVE, 1), 0);
    assert_int_equal(flue_socket_set(duo.side[A].stack, *s, FLUE_SO_LINGER, 44), 0);
    lose_one = 4;
    duo.lose = lose_data_once;
    assert_int_equal(duo_write(&duo, B, t, 0, 14480), 14480);
    assert_int_equal(duo_write(&duo, A, *s, 0, 3000), 3000);
    duo_run(&duo, DUO_DELAY_PS);
    duo.deaf = 1;
    assert_true(duo_get(&duo, A, *s, FLUE_SO_READABLE) > 0);
    bytes = flue_socket_export(duo.side[A].stack, *s, NULL, 0);
    assert_in_range(bytes, 1, sizeof image);
    assert_int_equal(flue_socket_export(duo.side[A].stack, *s, image, (size_t)bytes), bytes);
    return (size_t)bytes;
}

static void what_an_image_carries(void **state)
{
    struct flue_tcp_info info;
    int s;
    size_t bytes = rich_image(&s);
    char what[100];
    struct flue_stack *a = duo.side[A].stack;

    (void)state;
    s = flue_socket_import(a, image, bytes, NULL, 0);
    assert_true(s >= 0);
    assert_int_equal(flue_socket_info(a, s, &info), 0);
    assert_true(info.reassembly_bytes > 0);
    assert_int_equal(duo_get(&duo, A, s, FLUE_SO_KEEPALIVE), 1);
    assert_int_equal(duo_get(&duo, A, s, FLUE_SO_LINGER), 44);
    assert_int_equal(flue_socket_import(a, image, bytes, what, sizeof what), FLUE_STACK_EADDRINUSE);
    assert_string_equal(what, "the address or the connection's name is in use");
    duo_check(&duo);
    duo.deaf = 0;
    duo_run(&duo, 5 * FLUE_PS_PER_S);
    assert_int_equal(duo_read(&duo, A, s, 0, 100000), 14480);
    assert_int_equal(duo_get(&duo, A, s, FLUE_SO_UNSENT), 0);
    /* Not its address. */
    assert_int_equal(flue_socket_import(duo.side[B].stack, image, bytes, what, sizeof what), FLUE_STACK_EADDRNOTAVAIL);
    duo_check(&duo);
    duo_stop(&duo);
}

/* Any byte may be wrong behind a right checksum: refused with a sentence, or taken; never a broken stack. */
static void damage_every(size_t step)
{
    int s;
    size_t bytes = rich_image(&s);
    struct flue_stack *a = duo.side[A].stack;
    uint8_t *copy = malloc(bytes);
    unsigned taken = 0, refused = 0;
    char what[200];

    assert_non_null(copy);
    memcpy(copy, image, bytes);
    for (size_t length = 0; length < bytes; length += 1 + length / 10) {
        assert_int_equal(flue_socket_import(a, copy, length, what, sizeof what), FLUE_STACK_EPROTO);
        assert_true(what[0] != 0);
    }
    for (size_t i = 12; i < bytes - 10; i += step) {
        static const uint8_t flips[] = {0x01, 0x80, 0xff};

        for (size_t j = 0; j < COUNT_OF(flips); j++) {
            uint32_t sum;
            int t;

            copy[i] ^= flips[j];
            sum = image_crc(copy, bytes - 10);
            for (unsigned k = 0; k < 4; k++) {
                copy[bytes - 4 + k] = (uint8_t)(sum >> 8 * k);
            }
            t = flue_socket_import(a, copy, bytes, what, sizeof what);
            if (t < 0) {
                refused++;
                assert_true(what[0] != 0);
            } else {
                struct flue_tcp_info info;

                taken++;
                assert_int_equal(flue_socket_info(a, t, &info), 0);
                if (flue_stack_check(a, what, sizeof what) != 0) {
                    fail_msg("byte %u ^ %02x: %s", (unsigned)i, flips[j], what);
                }
                (void)flue_socket_send(a, t, "x", 1, 0);
                flue_stack_advance(a, flue_stack_now(a) + FLUE_PS_PER_MS);
                assert_int_equal(flue_socket_abort(a, t), 0);
            }
            copy[i] ^= flips[j];
        }
    }
    assert_true(taken > 20 && refused > 100);
    duo_check(&duo);
    free(copy);
    duo_stop(&duo);
}

static void damaged_images(void **state)
{
    (void)state;
    damage_every(every);
}

/* Records of a later version. */
static void later_fields(void **state)
{
    static const struct {
        const char *name;
        bool mandatory;
        int taken;
    } cases[] = {{"socket.later", false, 1}, {"socket.later", true, 0}, {"tcp.later", false, 1},
                 {"tcp.later", true, 0},     {"other", false, 1},       {"other", true, 0}};
    int s;
    size_t bytes = rich_image(&s);
    uint8_t *longer = malloc(bytes + 100);

    (void)state;
    assert_non_null(longer);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct image_writer writer;
        size_t added;
        char what[200];
        uint32_t sum;
        int t;

        memcpy(longer, image, bytes - 10);
        image_writer_start(&writer, longer + bytes - 10 - 12, 110); /* its start lies under what is copied back */
        image_put_u(&writer, cases[i].name, cases[i].mandatory, 7, 2);
        added = writer.bytes - 12;
        memcpy(longer, image, bytes - 10);
        memcpy(longer + bytes - 10 + added, image + bytes - 10, 10);
        sum = image_crc(longer, bytes - 10 + added);
        for (unsigned k = 0; k < 4; k++) {
            longer[bytes - 4 + added + k] = (uint8_t)(sum >> 8 * k);
        }
        t = flue_socket_import(duo.side[A].stack, longer, bytes + added, what, sizeof what);
        if (cases[i].taken) {
            assert_true(t >= 0);
            assert_int_equal(flue_socket_abort(duo.side[A].stack, t), 0);
        } else {
            assert_int_equal(t, FLUE_STACK_EPROTO);
            assert_non_null(strstr(what, cases[i].name));
        }
    }
    free(longer);
    duo_stop(&duo);
}

static void what_cannot_move(void **state)
{
    struct flue_tcp_state form = {.state = FLUE_TCP_ESTABLISHED};
    struct flue_stack *a;
    size_t none = 0, nothing = 0;
    int s;

    (void)state;
    duo_start(&duo, NULL);
    a = duo.side[A].stack;
    s = flue_socket_open(a);
    assert_int_equal(flue_socket_export(a, s, image, sizeof image), FLUE_STACK_ENOTCONN);
    assert_int_equal(flue_socket_export(a, 7, image, sizeof image), FLUE_STACK_EBADF);
    assert_int_equal(flue_socket_detach(a, s, &form, NULL, &none, NULL, &nothing), FLUE_STACK_ENOTCONN);
    assert_int_equal(flue_socket_detach(a, 7, &form, NULL, &none, NULL, &nothing), FLUE_STACK_EBADF);
    assert_true(flue_socket_attach(a, &form, NULL, 0, NULL, 0) < 0); /* nobody's name */
    form.snd_max = 5;                                                /* outstanding, and not there */
    assert_int_equal(flue_socket_attach(a, &form, NULL, 0, NULL, 0), FLUE_STACK_EPROTO);
    form.state = FLUE_TCP_LISTEN;
    assert_int_equal(flue_socket_attach(a, &form, NULL, 0, NULL, 0), FLUE_STACK_EPROTO);
    assert_int_equal(flue_socket_open(a), s + 1);
    duo_check(&duo);
    duo_stop(&duo);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_under_way),       cmocka_unit_test(moves_in_every_state),
        cmocka_unit_test(what_an_image_carries), cmocka_unit_test(damaged_images),
        cmocka_unit_test(later_fields),          cmocka_unit_test(what_cannot_move),
    };

    every = argc > 1 && strcmp(argv[1], "all") == 0 ? 1 : every;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
